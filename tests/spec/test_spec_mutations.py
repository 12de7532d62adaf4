"""No misspelt key passes: every key of the shipped spec is deleted, renamed and doubled, values are replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cpo_pdk.errors import SpecError
from cpo_pdk.spec import PackageSpec, data_folder, parse_spec
from cpo_pdk.spec.engine import Devices

TEXT = (data_folder("assemblies") / "switch_51t2.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Entry:
    """One `key: value` of the file, as offsets into its text; `section` is the line of the key it belongs to."""

    path: str
    start: int
    stop: int
    flow: bool
    section: int

    @property
    def key(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def line(self) -> int:
        return TEXT.count("\n", 0, self.start) + 1

    @property
    def body(self) -> str:
        return TEXT[self.start : self.stop]


def entries() -> list[Entry]:
    """Every key of the shipped file, found with PyYAML's own tree."""
    found: list[Entry] = []

    def walk(node: yaml.Node, path: str, section: int) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            name = f"{path}.{key.value}".removeprefix(".")
            stop = value.end_mark.index
            while TEXT[stop - 1] in " \n" or TEXT[:stop].rpartition("\n")[2].lstrip().startswith("#"):
                stop -= 1  # a block ends where the next key starts
            found.append(Entry(name, key.start_mark.index, stop, bool(node.flow_style), section))
            walk(value, name, key.start_mark.line + 1)

    top = yaml.compose(TEXT, Loader=yaml.SafeLoader)
    assert top is not None
    walk(top, "", 1)
    return found


ENTRIES = entries()
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=[e.path for e in ENTRIES])


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, Path("p.yaml"))
    return [(p.line, p.message) for p in caught.value.problems]


def required(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted paths of the keys that have no default."""
    for name, info in model.model_fields.items():
        if info.is_required():
            yield prefix + name
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not Devices:
            yield from required(inner, f"{prefix}{name}.")


REQUIRED = frozenset(required(PackageSpec))


def read_or_refused(text: str) -> None:
    try:
        parse_spec(text, Path("p.yaml"))
    except SpecError as error:
        last = text.count("\n") + 2
        assert all(1 <= p.line <= last and "\n" not in p.message for p in error.problems)


def test_all_keys_are_there() -> None:
    assert len(ENTRIES) > 60
    assert {"engine.tx_fibres", "fibres.bend_radius_mm", "asic.size_mm"} <= REQUIRED < {e.path for e in ENTRIES}


@every_entry
def test_deleted_key(entry: Entry) -> None:
    before, after = TEXT[: entry.start], TEXT[entry.stop :]
    if entry.flow:
        last = not after.startswith(",")
        before, after = (before.rstrip().removesuffix(","), after) if last else (before, after[1:])
    else:
        before = before + "#"  # keeps the line, comments out what follows the value
    if entry.path not in REQUIRED:  # there is a default: it may not close, and then its lines say so
        read_or_refused(before + after)
        return
    found = problems(before + after)
    assert any(line == entry.section and f'missing key "{entry.key}"' in text for line, text in found) or (
        # the only key of a block leaves the block empty
        any(line == entry.section and "is empty" in text for line, text in found)
    ), found


@every_entry
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_renamed_key(entry: Entry, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entry.key)))
    other = entry.key[:at] + data.draw(st.sampled_from(["x", "_", "Q", "zz"])) + entry.key[at:]
    found = problems(TEXT[: entry.start] + other + TEXT[entry.start + len(entry.key) :])
    assert any(line == entry.line and f'unknown key "{other}"' in text for line, text in found), found


@every_entry
def test_doubled_key(entry: Entry) -> None:
    indent = " " * (entry.start - TEXT.rfind("\n", 0, entry.start) - 1)
    again = f"{entry.body}, " if entry.flow else f"{entry.body}\n{indent}"
    found = problems(TEXT[: entry.start] + again + TEXT[entry.start :])
    second = entry.line + again.count("\n")
    expected = f"in line {entry.line} (column"
    assert any(line == second and f'key "{entry.key}" appears twice, {expected}' in text for line, text in found), found


LEAVES = [e for e in ENTRIES if not any(o.path.startswith(e.path + ".") for o in ENTRIES)]
WRONG = ["true", "~", "{a: 1}", "[[1]]", "[]", ".nan", ".inf", "-1e9", "1e300", '""', "'a b'", "../x"]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from([e for e in LEAVES if e.path != "choices"]), st.sampled_from(WRONG))
def test_wrong_value(entry: Entry, value: str) -> None:
    start = entry.start + len(entry.key) + 2
    found = problems(TEXT[:start] + value + TEXT[entry.stop :])
    assert any(line == entry.line and entry.key in text for line, text in found), found


@settings(max_examples=120, deadline=None)
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 12), st.text(alphabet="{}[]:,&*!-#'\"\n \t0aé\x00", max_size=6))
def test_damaged_text_is_read_or_refused(start: int, length: int, patch: str) -> None:
    read_or_refused(TEXT[:start] + patch + TEXT[start + length :])
