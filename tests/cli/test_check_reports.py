"""`cpo check` with reports, waivers, an earlier result and annotations: what is written, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import klayout.db as kdb
import pytest

from cpo_pdk.cli.app import run
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.formats.json_document import schema

WAIVER = "waivers:\n  - {{rule: {rule}, cell: top, reason: a test, expires: {expires}, by: me}}\n"
#: the checks that can say something about one bar of metal
ONLY = ["--only", "drc"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bar of metal 1 that is too thin."""
    monkeypatch.chdir(tmp_path)
    _bar(tmp_path / "chip.gds", 0.5)
    return tmp_path


def _bar(path: Path, *widths: float) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("top")
    for number, width in enumerate(widths):
        top.shapes(layout.layer(*layer_of("M2"))).insert(kdb.DBox(0, 20 * number, 20, 20 * number + width))
    layout.write(str(path))


def _document(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, dict]:
    capfd.readouterr()
    code = run(["check", *arguments, *ONLY, "--json"])
    return code, json.loads(capfd.readouterr().out)


def test_every_format_at_once(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    suffixes = ("json", "lyrdb", "xml", "sarif", "md", "html", "txt")
    reports = [word for suffix in suffixes for word in ("--report", f"out.{suffix}")]
    code, document = _document(["chip.gds", *reports], capfd)
    assert code == 1 and "M2.W" in document["by_rule"]
    assert all("M2.W" in (here / f"out.{suffix}").read_text("utf-8") for suffix in suffixes)
    assert json.loads((here / "out.json").read_text("utf-8")) == document
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert "<svg" in (here / "out.html").read_text("utf-8")


def test_a_format_that_is_none_is_refused_before_anything_is_checked(here, capfd) -> None:
    code, document = _document(["chip.gds", "--report", "a.json", "--report", "b.pdf"], capfd)
    assert code == 2 and ".pdf" in document["error"]["message"] and not (here / "a.json").exists()


def test_a_report_that_can_not_be_written_is_refused_before_anything_is_checked(here, capfd) -> None:
    (here / "dir.html").mkdir()
    (here / "chip.txt").write_bytes((here / "chip.gds").read_bytes())
    layout = (here / "chip.txt").read_bytes()
    for file, target, word in (
        ("chip.gds", "missing/a.json", "there is no folder missing"),
        ("chip.gds", "dir.html", "is a folder"),
        ("chip.txt", "chip.txt", "would be overwritten"),
        ("chip.txt", "dir.html/../chip.txt", "would be overwritten"),
    ):
        code, document = _document([file, "--report", "a.json", "--report", target], capfd)
        assert code == 2 and word in document["error"]["message"] and not (here / "a.json").exists()
    assert (here / "chip.txt").read_bytes() == layout
    code, document = _document(["chip.gds", "--report", "first.json"], capfd)
    code, document = _document(["chip.gds", "--baseline", "first.json", "--report", "first.json"], capfd)
    assert code == 2 and "first.json" in document["error"]["message"]


def test_waivers(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, before = _document(["chip.gds"], capfd)
    (here / "w.yaml").write_text(
        "waivers:\n"
        + "".join(
            f"  - {{rule: {rule}, cell: top, reason: a test, expires: 2999-12-31, by: me}}\n"
            for rule in before["by_rule"]
        )
    )
    code, after = _document(["chip.gds", "--waivers", "w.yaml"], capfd)
    assert code == 0 and after["clean"] and len(after["waived"]) == before["violations"]
    (here / "w.yaml").write_text(WAIVER.format(rule="M2.W", expires="2001-01-01"))
    code, after = _document(["chip.gds", "--waivers", "w.yaml"], capfd)
    assert code == 1 and after["waived"] == [] and any("expired on 2001-01-01" in n for n in after["notices"])
    (here / "w.yaml").write_text(WAIVER.format(rule="M2.WW", expires="2999-12-31"))
    code, after = _document(["chip.gds", "--waivers", "w.yaml"], capfd)
    assert code == 2 and "did you mean" in after["error"]["problems"][0]["message"]


def test_an_earlier_result(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _document(["chip.gds", "--report", "base.json"], capfd)
    code, same = _document(["chip.gds", "--baseline", "base.json"], capfd)
    assert code == 0 and same["passed"] and not same["clean"] and same["comparison"]["new"] == []
    _bar(here / "chip.gds", 0.5, 0.5)
    code, more = _document(["chip.gds", "--baseline", "base.json"], capfd)
    assert (
        code == 1 and more["comparison"]["new"] and more["comparison"]["unchanged"] == same["comparison"]["unchanged"]
    )
    _bar(here / "chip.gds", 5.0)
    _, fewer = _document(["chip.gds", "--baseline", "base.json"], capfd)
    assert len(fewer["comparison"]["fixed"]) == len(fewer["comparison"]["gone"]) > 0
    jsonschema.Draft202012Validator(schema()).validate(fewer)
    (here / "base.json").write_text("{}")
    code, refused = _document(["chip.gds", "--baseline", "base.json"], capfd)
    assert code == 2 and "has no format" in refused["error"]["message"]


def test_a_kind_that_was_left_out_fixed_nothing(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _document(["chip.gds", "--report", "base.json"], capfd)
    capfd.readouterr()
    run(["check", "chip.gds", "--only", "photonic", "--baseline", "base.json", "--json"])
    document = json.loads(capfd.readouterr().out)
    assert document["comparison"]["fixed"] == [] and any("did not run" in notice for notice in document["notices"])


def test_annotations_come_first_and_the_rest_is_no_command(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert run(["check", "chip.gds", *ONLY, "--github"]) == 1
    lines = capfd.readouterr().out.splitlines()
    stop = next(i for i, line in enumerate(lines) if line.startswith("::stop-commands::"))
    assert all(line.startswith("::") and "file=chip.gds" in line for line in lines[:stop])
    assert any("M2.W" in line for line in lines[:stop]) and any("M2.W" in line for line in lines[stop:])
    assert lines[-1] == f"::{lines[stop].removeprefix('::stop-commands::')}::"
