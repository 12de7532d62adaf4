"""Sheets of bought parts: what each kind must say, faults at their line, which of them a package has."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpo_pdk.errors import SpecError
from cpo_pdk.project import own_part_notes
from cpo_pdk.spec import list_specs, load_spec, parse_spec
from cpo_pdk.spec.part import load_part_file
from cpo_pdk.spec.part_choice import default_parts, load_parts, parts_of
from cpo_pdk.spec.part_kinds import PART_KINDS

CONNECTOR = """name: plug
kind: connector
description: A plug.
parameters:
  loss_dB: {value: 0.2, unit: dB, source: data sheet}
  return_loss_dB: {value: 60, unit: dB, source: data sheet}
"""


def written(folder: Path, text: str, name: str = "plug") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_shipped_part_has_the_numbers_of_its_kind_with_sources() -> None:
    parts = load_parts()
    assert {part.kind for part in parts.values()} == set(PART_KINDS)
    for part in parts.values():
        assert set(PART_KINDS[part.kind]) <= set(part.parameters), part.name
        assert all(len(parameter.source) > 8 for parameter in part.parameters.values()), part.name


@pytest.mark.parametrize("name", list_specs())
def test_every_shipped_package_finds_its_parts(name: str) -> None:
    spec = load_spec(name)
    parts = parts_of(spec, load_parts())
    assert parts.tia["rate_Gbps"] >= spec.engine.lane_rate_Gbps
    assert parts.driver["rate_Gbps"] >= spec.engine.lane_rate_Gbps
    assert ("mzm" in parts.driver.name) == (spec.engine.architecture == "mzm_wdm")
    assert {kind: part.name for kind, part in parts.each().items()} == default_parts(spec)


def test_a_part_reads_back(tmp_path: Path) -> None:
    part = load_part_file(written(tmp_path, CONNECTOR))
    assert part["loss_dB"] == 0.2 and part.values == {"loss_dB": 0.2, "return_loss_dB": 60}


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("value: 0.2", "value: 7", 5, "loss_dB is 7 dB, 0 to 3 allowed"),
        ("unit: dB, source: data sheet}\n  return", 'unit: "1", source: data sheet}\n  return', 5, "dB needed"),
        ("value: 60", "value: 5", 6, "10 to 90 allowed"),
        ("kind: connector", "kind: conector", 2, "connector"),
        ("name: plug", "name: pluck", 1, "make them equal"),
        ("value: 0.2", "value: .nan", 5, "finite"),
    ],
)
def test_faults_are_found_at_their_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert CONNECTOR.count(old) == 1
    with pytest.raises(SpecError) as caught:
        load_part_file(written(tmp_path, CONNECTOR.replace(old, new)))
    (problem,) = caught.value.problems
    assert problem.line == line and says in problem.message


def test_a_number_that_is_not_known_is_no_number_of_the_part(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_part_file(written(tmp_path, CONNECTOR.replace("  return_loss_dB", "  retrun_loss_dB")))
    said = sorted(problem.message for problem in caught.value.problems)
    assert said[0].startswith("a connector has no retrun_loss_dB") and 'mean "return_loss_dB"' in said[0]
    assert said[1].startswith("a connector needs return_loss_dB")


def test_a_part_of_the_project_wins(tmp_path: Path) -> None:
    folder = tmp_path / "components" / "parts"
    folder.mkdir(parents=True)
    written(folder, CONNECTOR.replace("plug", "mpo_connector"), "mpo_connector")
    assert load_parts(tmp_path)["mpo_connector"]["loss_dB"] == 0.2


def test_a_part_that_takes_the_place_of_a_shipped_one_is_told(tmp_path: Path) -> None:
    spec = load_spec("optical_io_ucie")
    shipped = parts_of(spec, load_parts()).connector
    folder = tmp_path / "components" / "parts"
    folder.mkdir(parents=True)
    assert own_part_notes(parts_of(spec, load_parts(tmp_path))) == ()
    written(folder, CONNECTOR.replace("name: plug", f"name: {shipped.name}"), shipped.name)
    (line,) = own_part_notes(parts_of(spec, load_parts(tmp_path)))
    assert f"components/parts/{shipped.origin.name} of the project is used in place" in line


def test_a_bare_number_out_of_range_is_said_without_a_unit(tmp_path: Path) -> None:
    shipped = load_parts()["els_dfb"].origin.read_text(encoding="utf-8")
    assert shipped.count("wall_plug: {value: 0.123,") == 1
    file = written(tmp_path, shipped.replace("wall_plug: {value: 0.123,", "wall_plug: {value: -1,"), "els_dfb")
    with pytest.raises(SpecError, match=r"wall_plug is -1, 0\.001 to 0\.9 allowed"):
        load_part_file(file)


@pytest.mark.parametrize(
    ("given", "says"),
    [("connector: mpo_conector", 'did you mean "mpo_connector"'), ("tia: els_dfb", "is a laser, a tia needed")],
)
def test_an_unknown_part_or_one_of_another_kind_is_refused_at_its_line(given: str, says: str) -> None:
    text = list_specs()["switch_102t4"].read_text("utf-8") + f"link:\n  parts:\n    {given}\n"
    spec = parse_spec(text)
    with pytest.raises(SpecError) as caught:
        parts_of(spec, load_parts())
    (problem,) = caught.value.problems
    assert says in problem.message and problem.line == len(text.splitlines())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("fec: KP5", 'unknown FEC "KP5"; did you mean "KP4"'),
        ("fec: 4", "unknown FEC"),
        ("pre_fec_BER: 0.5", "0.1"),
        ("length_m: -1", "0"),
    ],
)
def test_a_link_that_can_not_be_is_refused(given: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(list_specs()["switch_102t4"].read_text("utf-8") + f"link:\n  {given}\n")
    assert any(says in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("blocks", "says"),
    [
        ("{name: a, box_mm: [-5, -5, 5, 5], power_W: 1499}", "add up to 1499 W, asic.power_W is 1500 W"),
        ("{name: a, box_mm: [-5, -5, 30, 5], power_W: 1500}", "beyond the die"),
        ("{name: a, box_mm: [5, -5, -5, 5], power_W: 1500}", "is empty"),
        ("{name: a, box_mm: [-5, -5, 5, 5], power_W: -1}", "power_W"),
    ],
)
def test_a_power_map_that_does_not_close_is_refused(blocks: str, says: str) -> None:
    text = list_specs()["switch_102t4"].read_text("utf-8")
    text = text.replace("power_W: 1500}", f"power_W: 1500, power_map: [{blocks}]}}", 1)
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert any(says in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize("given", ["tim: -4", "tim: 0", "tim: .nan", "tim: ", "tims: 4"])
def test_a_conductivity_must_be_above_zero(given: str) -> None:
    text = list_specs()["switch_102t4"].read_text("utf-8") + f"thermal:\n  conductivity_W_mK: {{{given}}}\n"
    with pytest.raises(SpecError):
        parse_spec(text)
