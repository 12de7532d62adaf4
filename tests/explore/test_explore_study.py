"""What a study may say, and that everything else is refused at its line, with a cure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cpo_pdk.errors import InputError, SpecError
from cpo_pdk.explore.design import Design, base_of, base_values, design_of
from cpo_pdk.explore.evaluate import evaluate
from cpo_pdk.explore.evaluation import Task
from cpo_pdk.explore.limits import limits_of
from cpo_pdk.explore.study import Study, load_study, path_fault, size_of
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.spec.loading import data_folder

STUDIES = data_folder("assemblies") / "studies"
GOOD = """
name: mine
base: switch_51t2
variables:
  power: {path: laser.per_wavelength_dBm, low: 10, high: 15, step: 1}
  gap: {path: engine.devices.modulator.geometry.gap, choices: [0.18, 0.2]}
objectives: {energy_pJ_bit: minimize}
"""


def study_of(text: str, folder: Path) -> Study:
    file = folder / "mine.yaml"
    file.write_text(text)
    return load_study(file)


@pytest.mark.parametrize("file", sorted(STUDIES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_studies_that_ship_are_sound(file: Path) -> None:
    study = load_study(file)
    assert study.name == file.stem
    base = base_of(study)
    known = [*study.start, *filter(None, [base_values(study, base)])]
    assert known
    for number, values in enumerate(known):
        spec, sheets = design_of(study, base, values, number).read(load_sheets())
        assert spec.lanes_per_direction == base.spec.lanes_per_direction
        assert spec.engine.devices.modulator in sheets


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("low: 10, high: 15", "low: 15, high: 10", 5, "low 15 is not below high 10"),
        ("low: 10, high: 15, step: 1", "low: 10", 5, "only one end"),
        ("low: 10, high: 15, step: 1", "low: 10, high: 15, step: 9", 5, "step 9 is wider than the range of 5"),
        ("low: 10, high: 15, step: 1", "low: 10, high: 15, step: 0", 5, "step is 0, above 0 needed"),
        ("low: 10, high: 15, step: 1", "choices: []", 5, "has no choice, 2 are the least"),
        ("low: 10, high: 15, step: 1", "low: -1, high: 15, log: true", 5, "log needs low above 0"),
        ("low: 10, high: 15, step: 1", "choices: [10]", 5, "has 1 choice, 2 are the least"),
        ("low: 10, high: 15, step: 1", "choices: [10, 10]", 5, "has a choice twice"),
        ("low: 10, high: 15, step: 1", "low: 10, high: 12, choices: [1, 2]", 5, "either low and high, or choices"),
        ("low: 10, high: 15, step: 1", "choices: [1, 2], step: 1", 5, "step and log belong to a range"),
        ("path: laser.per_wavelength_dBm, ", "", 5, "no path, and no arithmetic in derived uses it"),
        ("laser.per_wavelength_dBm", "laser.power_dBm", 5, 'no value "laser.power_dBm"'),
        ("modulator.geometry.gap", "modulater.geometry.gap", 6, 'no device "modulater" in an engine; did you mean'),
        ("modulator.geometry.gap", "modulator.gap", 6, "leads into no sheet"),
        ("gap: {path: engine.devices.modulator.geometry.gap", "gap: {path: laser.per_wavelength_dBm", 6, "set by"),
        ("energy_pJ_bit: minimize", "energy_pj_bit: minimize", 7, 'did you mean "energy_pJ_bit"'),
        ("{energy_pJ_bit: minimize}", "{}", 7, "nothing is wanted"),
        ("energy_pJ_bit: minimize", "energy_pJ_bit: least", 7, "allowed: minimize, maximize"),
        ("base: switch_51t2", "base: switch_51t2\ndesigns: 0", 4, "designs = 0 is below the limit 1"),
        ("base: switch_51t2", "base: switch_51t2\ndesigns: 1000000", 4, "above the limit 100000"),
        ("base: switch_51t2", "base: switch_51t2\nsamplers: tpe", 4, 'did you mean "sampler"'),
        ("base: switch_51t2", "base: switch_51t2\nstart: [{power: 12}]", 4, "gap has no value"),
        ("base: switch_51t2", "base: switch_51t2\nstart: [{power: 12.5, gap: 0.18}]", 4, "which it can't take"),
        ("base: switch_51t2", "base: switch_51t2\nstart: [{power: 12, gap: 0.18, a: 1}]", 4, 'no variable "a"'),
        ("base: switch_51t2", "base: switch_51t2\nconstraints: {margin_dB: {min: 3, max: 1}}", 4, "no design holds it"),
        ("base: switch_51t2", "base: switch_51t2\nconstraints: {margin_dB: {}}", 4, "sets no limit"),
        ("base: switch_51t2", "base: switch_51t2\nset: {engine.grid.chanels: 4}", 4, "did you mean"),
        ("base: switch_51t2", "base: switch_51t2\nderived: {laser.per_wavelength_dBm: 12}", 4, "is set by"),
        ("name: mine", "name: ../mine", 2, "path parts"),
    ],
)
def test_bad_studies_are_refused_at_their_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert old in GOOD
    with pytest.raises(SpecError) as refused:
        study_of(GOOD.replace(old, new, 1), tmp_path)
    problem = refused.value.problems[0]
    assert words in problem.message
    assert problem.line == line
    assert "\n" not in problem.message


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_study(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("set: {engine.devices.modulator.geometry.gapp: 1}", "geometry of the sheet ring_modulator has no gapp"),
        ("set: {asic.size_mm.7: 1}", "the base has 2 values there"),
        ("derived: {engine.bump_pitch_um.1: pich / 2}", "pich is no variable"),
        ("derived: {engine.bump_pitch_um.1: power / 0}", "can't be computed"),
        ("derived: {engine.bump_pitch_um.1: __import__('os')}", "is no arithmetic"),
        ("derived: {electrical.loss_dB_mm: electrical.rate_Gbps}", "has no value in its base"),
    ],
)
def test_paths_without_a_value_are_told(tmp_path: Path, more: str, words: str) -> None:
    study = study_of(GOOD + more + "\n", tmp_path)
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        design_of(study, base_of(study), {"power": 12, "gap": 0.18}, 0)


def test_paths() -> None:
    good = ["engine.grid.channels", "asic.size_mm.0", "engines.per_side.north", "link.parts.laser", "require.margin_dB"]
    good += ["engine.devices.modulator", "engine.devices.modulator.operating.V_one", "engines.per_side"]
    assert [path_fault(path) for path in good] == [""] * len(good)
    assert path_fault("name")
    assert path_fault("engine.devices.modulator.geometry.a.b")


def test_how_many_designs_there_are(quick: Callable[..., Study]) -> None:
    assert size_of(quick()) == 33 * 21 * 3 * 11 * 2
    free = quick().variables["bias"].model_copy(update={"step": None})
    assert size_of(quick().model_copy(update={"variables": {"bias": free}})) is None


def test_a_design_says_what_its_values_say(quick: Callable[..., Study], tmp_path: Path) -> None:
    study = quick()
    base = base_of(study)
    start = base_values(study, base)
    assert start is not None
    same = design_of(study, base, start, 7)
    assert same.sheets == {}
    assert same.key == design_of(study, base, start, 8).key, "the number is no part of the content"
    other = design_of(study, base, {**start, "drop_gap": 0.17, "pitch": 250, "arrangement": "two_sides"}, 8)
    assert other.key != same.key
    spec, sheets = other.read(load_sheets())
    assert (spec.name, spec.engine.fibre_pitch_um, spec.engine.bump_pitch_um[1]) == ("quick_0008", 250, 125)
    assert spec.engines.pitch_mm is None
    assert sheets["add_drop_ring"].geometry["gap"] == 0.17
    assert set(other.sheets) == {"add_drop_ring"}
    # written down it is a project that loads as any other
    file = other.write(tmp_path / "project", None)
    assert load_spec(file).engine == spec.engine
    assert load_sheets(tmp_path / "project")["add_drop_ring"].geometry["gap"] == 0.17


def test_a_modulator_of_another_shape_is_driven_at_another_detuning(tmp_path: Path) -> None:
    study = study_of(GOOD, tmp_path)
    base = base_of(study)
    _, sheets = design_of(study, base, {"power": 12, "gap": 0.2}, 0).read(load_sheets())
    before, after = load_sheets()["ring_modulator"], sheets["ring_modulator"]
    assert after.geometry["gap"] == 0.2
    # a weaker coupler makes a narrower ring, which is driven closer to its resonance
    assert abs(after.operating_values["detuning_nm"]) < abs(before.operating_values["detuning_nm"])
    kept = study_of(GOOD + "set: {engine.devices.modulator.operating.detuning_nm: -0.03}\n", tmp_path)
    _, sheets = design_of(kept, base_of(kept), {"power": 12, "gap": 0.2}, 0).read(load_sheets())
    assert sheets["ring_modulator"].operating_values["detuning_nm"] == -0.03


def test_the_narrower_of_two_limits_holds(tmp_path: Path) -> None:
    study = study_of(GOOD + "constraints: {margin_dB: {min: 0, max: 9}, energy_pJ_bit: {max: 5}}\n", tmp_path)
    limits = limits_of(study, base_of(study))
    assert limits["margin_dB"].ends == (1.5, 9)
    assert limits["energy_pJ_bit"].ends == (None, 5)
    assert limits["engine_C"].ends == (None, 70)
    assert limits["engine_C"].source == "require of switch_51t2"


def refused(study: Study, **values: object) -> tuple[str, str]:
    base = base_of(study)
    start = base_values(study, base)
    assert start is not None
    found = evaluate(Task(None, study.limits), design_of(study, base, {**start, **values}, 0))  # type: ignore[dict-item]
    assert not found.measures or not found.reason
    return found.stage, found.reason


def test_what_can_not_be_made_is_refused_before_anything_is_drawn(quick: Callable[..., Study]) -> None:
    stage, reason = refused(quick(), laser_dBm=18)
    assert stage == "spec"
    assert "laser power exceeds CW-WDM Type3" in reason
    stage, reason = refused(quick(), bias=1.2)
    assert stage == "spec"
    assert "puts a ring on the channel below" in reason
    stage, reason = refused(quick(), arrangement="two_sides")
    assert stage == "plan"
    assert reason
    narrow = quick(constraints="{edge_Tbps_mm: {min: 9}}")
    assert refused(narrow) == ("plan", ""), "a limit that is known from the plan"
    gone = Design("gone", "key", "name: gone\n", {})
    assert evaluate(Task(None, {}), gone).stage == "spec"
