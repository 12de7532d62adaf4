"""Device sheets: the schema, faults at their line, shipped and project folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpo_pdk.errors import SpecError
from cpo_pdk.spec import check_sheets, list_sheets, load_sheet_file, load_sheets, parse_sheet
from cpo_pdk.spec import loading as loading_module

TEXT = """\
name: ring
cell: ring_modulator
model: ring_modulator
description: A ring.
geometry: {radius: 6.0, gap: 0.2, cross_section: strip, heater: true, stages: [1, 2]}
parameters:
  loss_dB_cm: {value: 3, unit: dB/cm, source: table 3.1, spread: 0.5}
  confinement: {value: 0.8, unit: "1", source: set for a margin, choice: true}
operating: {V_one: {value: 3.0, unit: V, source: driver, choice: true}}
wl_range_um: [1.26, 1.36]
ranges: {radius: [4, 10], loss_dB_cm: [1, 10]}
"""


def faults(*pairs: tuple[str, str]) -> list[tuple[int, str]]:
    text = TEXT
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    with pytest.raises(SpecError) as caught:
        parse_sheet(text, Path("ring.yaml"))
    return [(p.line, p.message) for p in caught.value.problems]


def test_sheet_holds_what_the_file_says() -> None:
    sheet = parse_sheet(TEXT, Path("folder/ring.yaml"))
    assert sheet.origin == Path("folder/ring.yaml")
    assert sheet.values == {"loss_dB_cm": 3.0, "confinement": 0.8}
    assert sheet.operating_values == {"V_one": 3.0}
    assert sheet.parameters["confinement"].choice
    assert sheet.parameters["loss_dB_cm"].spread == 0.5
    assert sheet.geometry["heater"] is True
    assert sheet.geometry["stages"] == (1, 2)
    assert sheet.ranges["radius"] == (4.0, 10.0)


def test_a_cell_may_have_no_model_for_a_reason() -> None:
    text = TEXT.replace("model: ring_modulator", "model: null\nno_model: only metal", 1)
    assert parse_sheet(text, Path("ring.yaml")).no_model == "only metal"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("source: table 3.1", "sorce: table 3.1", 7, 'did you mean "source"?'),
        (", source: table 3.1", "", 7, 'missing key "source" in parameters.loss_dB_cm'),
        ("unit: dB/cm, ", "", 7, 'missing key "unit"'),
        ("value: 3, ", "", 7, 'missing key "value"'),
        ("source: table 3.1", 'source: " "', 7, "is empty"),
        ("value: 3,", "value: .nan,", 7, "finite"),
        ("value: 3,", "value: true,", 7, "a number"),
        ("value: 3,", 'value: "3",', 7, "without quotes"),
        ("spread: 0.5", "spread: -0.5", 7, "below the limit 0"),
        ("choice: true", "choice: yes", 8, "true or false"),
        ("radius: 6.0", "radius: .inf", 5, "not finite"),
        ("radius: 6.0", "radius: {a: 1}", 5, "a cell argument is"),
        ("radius: 6.0", "radius: 60.0", 5, "geometry.radius = 60 is outside ranges.radius [4, 10]"),
        ("value: 3,", "value: 30,", 7, "outside ranges.loss_dB_cm"),
        ("[4, 10]", "[10, 4]", 11, "must not be larger"),
        ("[4, 10]", "[4]", 11, "too few"),
        ("[1.26, 1.36]", "[1260, 1360]", 10, "above the limit 5 um"),
        ("[1.26, 1.36]", "[1.36, 1.26]", 10, "the first must be smaller"),
        ("model: ring_modulator", "model: null", 3, "without a reason"),
        ("model: ring_modulator", "model: a\nno_model: b", 4, "contradicts"),
        ("name: ring", "name: rings", 1, "ring.yaml"),
        ("name: ring", "name: ../ring", 1, "path parts"),
        ("cell: ring_modulator", "cell: os.system", 2, "start with a letter"),
        ("description", "descripton", 4, 'did you mean "description"?'),
    ],
)
def test_faults_at_their_line(old: str, new: str, line: int, words: str) -> None:
    found = faults((old, new))
    assert any(at == line and words in message for at, message in found), found


def test_unknown_cells_and_models_are_found_with_a_suggestion() -> None:
    sheets = {"ring": parse_sheet(TEXT, Path("ring.yaml"))}
    check_sheets(sheets, ["ring_modulator"], {"ring_modulator": object()})
    with pytest.raises(SpecError) as caught:
        check_sheets(sheets, ["ring_modulators", "bend"], ["psr"])
    cell, model = caught.value.problems
    assert (cell.line, model.line) == (2, 3)
    assert cell.message == 'unknown cell "ring_modulator"; did you mean "ring_modulators"?'
    assert model.message == 'unknown model "ring_modulator"; there are: psr'


def test_unknown_arguments_are_found_when_the_arguments_are_known() -> None:
    sheets = {"ring": parse_sheet(TEXT, Path("ring.yaml"))}
    with pytest.raises(SpecError) as caught:
        check_sheets(
            sheets,
            ["ring_modulator"],
            ["ring_modulator"],
            arguments={"ring_modulator": ["radius", "gaps", "cross_section", "heater", "stages"]},
            parameters={"ring_modulator": ["loss_dB_cm"]},
        )
    messages = [(p.line, p.message) for p in caught.value.problems]
    assert (5, 'geometry: ring_modulator has no argument "gap"; did you mean "gaps"?') in messages
    assert any(line == 8 and '"confinement"' in message for line, message in messages)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with one shipped sheet."""
    package = tmp_path / "site" / "cpo_pdk"
    folder = package / "_data" / "components"
    folder.mkdir(parents=True)
    (folder / "ring.yaml").write_text(TEXT)
    (folder / "README.md").write_text("no sheet")
    monkeypatch.setattr(loading_module, "_PACKAGE", package)
    return folder


def test_project_sheets_win_over_shipped_ones(shipped: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "components").mkdir(parents=True)
    mine = project / "components" / "ring.yaml"
    mine.write_text(TEXT.replace("6.0", "7.0"))
    (project / "components" / "other.yaml").write_text(TEXT.replace("name: ring", "name: other"))
    assert load_sheets()["ring"].origin == shipped / "ring.yaml"
    sheets = load_sheets(project)
    assert list(sheets) == ["other", "ring"]
    assert sheets["ring"].origin == mine
    assert sheets["ring"].geometry["radius"] == 7.0
    assert list_sheets(project)["ring"] == mine


def test_faults_of_all_sheets_are_collected(shipped: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project" / "components"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(TEXT)  # called ring
    (folder / "b.yaml").write_text("name: b\n")
    with pytest.raises(SpecError) as caught:
        load_sheets(tmp_path / "project")
    assert {p.file.name for p in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_single_file(shipped: Path) -> None:
    assert load_sheet_file(shipped / "ring.yaml").name == "ring"
