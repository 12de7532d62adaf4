"""The safe YAML reader: positions, YAML 1.2 scalars, and every trick that must be refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import SpecError
from cpo_pdk.spec import yaml_source
from cpo_pdk.spec.yaml_source import MAX_ALIASES, MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml

FILE = Path("x.yaml")


def refused(raw: bytes | str) -> list[tuple[int, str]]:
    """Line and message of each problem."""
    with pytest.raises(SpecError) as caught:
        parse_yaml(raw, FILE)
    assert all("\n" not in p.message and p.file == FILE for p in caught.value.problems)
    return [(p.line, p.message) for p in caught.value.problems]


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels + 1)]
    return "\n".join(lines)


def test_core_schema_scalars() -> None:
    text = (
        "{a: no, b: yes, c: on, d: 1e3, e: 0x1F, f: 0o17, g: 010, h: 1_000, i: '1', j: ~, k: true, l: .5, m: -2, n: }"
    )
    assert parse_yaml(text, FILE).data == {
        "a": "no", "b": "yes", "c": "on", "d": 1000.0, "e": 31, "f": 15, "g": 10, "h": "1_000",
        "i": "1", "j": None, "k": True, "l": 0.5, "m": -2, "n": None,
    }  # fmt: skip


def test_infinite_numbers_stay_recognisable() -> None:
    data = parse_yaml("{a: .inf, b: -.inf, c: 1e999}", FILE).data
    assert data == {"a": float("inf"), "b": float("-inf"), "c": float("inf")}


def test_dates_and_sexagesimals_are_text() -> None:
    assert parse_yaml("{a: 2026-11-22, b: 1:30}", FILE).data == {"a": "2026-11-22", "b": "1:30"}


def test_positions_of_keys_values_and_blocks() -> None:
    source = parse_yaml("top: 1\nblock:\n  key: value\n  list: [5,\n    6]\n", FILE)
    assert source.position(("top",)) == (1, 6)
    assert source.position(("top",), of_key=True) == (1, 1)
    assert source.position(("block",)) == (2, 1)  # the block is pointed at by its key
    assert source.position(("block", "key")) == (3, 8)
    assert source.position(("block", "list", 1)) == (5, 5)
    assert source.position(("block", "absent")) == (2, 1)
    assert source.position(()) == (1, 1)


def test_duplicate_keys_name_both_lines() -> None:
    assert refused("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n") == [
        (5, 'key "c" appears twice, in line 3 (column 3) and in line 5; keep one'),
        (6, 'key "a" appears twice, in line 1 (column 1) and in line 6; keep one'),
    ]


@pytest.mark.parametrize("start", [b"\x00\x06\x00\x02\x00\x05", b"%SEMI-OASIS\r\n\x01"])
def test_a_layout_in_place_of_a_spec_is_called_one(start: bytes) -> None:
    ((line, message),) = refused(start + bytes(range(256)))
    assert line == 1 and message.startswith("is a layout (GDS or OASIS)")


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: !!python/name:os.system x",
        "a: 1\nb: !foo {c: 1}",
        "a: 1\nb: !!str 3",
        "a: 1\nb: ! 3",
        "a: 1\n!!str b: 1",
    ],
)
def test_tags_are_refused(text: str) -> None:
    [(line, message)] = refused(text)
    assert line == 2
    assert "tag" in message


def test_python_tags_run_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    refused(f"a: !!python/object/apply:os.system ['touch {marker}']")
    assert not marker.exists()


def test_alias_bomb_is_refused_before_it_expands() -> None:
    [(line, message)] = refused(bomb(8, 9))
    assert line <= 4
    assert f"more than {MAX_ALIASES} aliases" in message


def test_few_aliases_of_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_source, "MAX_VALUES", 1000)
    [(_, message)] = refused(bomb(9, 2))
    assert "stands for more than 1000 values" in message


def test_few_aliases_are_fine() -> None:
    assert parse_yaml("a: &x [1, 2]\nb: *x\n", FILE).data == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &x [1, *x]", "part of"),
        ("a: *nowhere", "no anchor"),
        ("a: 1\n---\nb: 2", "second document"),
        ("a: 1\n<<: {b: 2}", "merge keys"),
        ("1: a", "not text"),
        ("true: a", "not text"),
        ("? [a, b]\n: 1", "plain text"),
        ("? {a: b}\n: 1", "plain text"),
        ("- 1\n- 2", "no mapping"),
        ("just text", "no mapping"),
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("---\n", "empty"),
        ("null", "empty"),
        ("a: " + "9" * 5000, "digits"),
        ("a: 0x" + "f" * 50_000, "digits"),
        ("a: \x00", "control character"),
        ("a: \x1b[31m", "control character"),
        ("a: [1, 2\nb: 3", "broken YAML"),
        ("a: b: c", "broken YAML"),
        ("a:\n\tb: 1", "broken YAML"),
        ('a: "open', "broken YAML"),
        (b"a: \xff", "UTF-8"),
        ("a: 1".encode("utf-16"), "UTF-8"),
    ],
)
def test_refused_with_a_reason(text: bytes | str, words: str) -> None:
    assert any(words in message for _, message in refused(text))


def test_broken_yaml_is_one_problem_with_its_line() -> None:
    [(line, message)] = refused("a: 1\nb: {c: 1\nd: 2\n")
    assert line == 3
    assert message.startswith("broken YAML")


def test_bad_byte_has_its_line_and_column() -> None:
    with pytest.raises(SpecError) as caught:
        parse_yaml(b"a: 1\nb: x\xffy\n", FILE)
    assert (caught.value.problems[0].line, caught.value.problems[0].column) == (2, 5)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_a_problem(opening: str) -> None:
    refused("a:\n  " + opening * 20_000)


def test_depth_limit_is_exact() -> None:
    parse_yaml("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), FILE)
    [(_, message)] = refused("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert f"deeper than {MAX_DEPTH}" in message


def test_size_and_number_of_values_are_limited() -> None:
    assert "larger than 8 MB" in refused(b"#" * (MAX_BYTES + 1))[0][1]
    assert "values" in refused("a: [" + "1," * 200_000 + "]")[0][1]


def test_problems_are_limited() -> None:
    assert len(refused("a: 1\n" * 1000)) == yaml_source.MAX_PROBLEMS


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.yaml", tmp_path / "a\0b"):
        with pytest.raises(SpecError, match="cannot be read"):
            read_yaml(path)
    endless = Path("/dev/zero")
    if endless.exists():
        with pytest.raises(SpecError, match="device"):
            read_yaml(endless)


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    source = read_yaml(file)
    assert source.data == {"a": 1, "b": 2}
    assert source.position(("b",), of_key=True) == (2, 1)


def test_pure_python_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    text = "a: {b: [1, no, 1e3]}\nc: &x 'q'\nd: *x\n"
    fast = parse_yaml(text, FILE)
    monkeypatch.setattr(yaml_source, "_LOADER", yaml.SafeLoader)
    assert parse_yaml(text, FILE) == fast
    refused("a: " + "[" * 20_000)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text(alphabet="ab:{}[],&*!- \n'\"#|>%@?<\t1.", max_size=80)))
def test_any_input_is_read_or_refused(raw: bytes | str) -> None:
    try:
        assert isinstance(parse_yaml(raw, FILE).data, dict)
    except SpecError as error:
        assert error.problems
        assert all(p.line >= 1 and p.column >= 1 for p in error.problems)
