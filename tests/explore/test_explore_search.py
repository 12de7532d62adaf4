"""The search over a formula: the same for any number of runs and processes, resumed, better than chance, honest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from quick_formula import formula

from cpo_pdk.errors import SpecError
from cpo_pdk.execution import Place
from cpo_pdk.explore.building import Site
from cpo_pdk.explore.design import Design, base_of, base_values
from cpo_pdk.explore.document import document, points_csv, write_files
from cpo_pdk.explore.evaluation import FAULT, Evaluation, Task
from cpo_pdk.explore.run import explore
from cpo_pdk.explore.search import decoded, encoded
from cpo_pdk.explore.study import Study
from cpo_pdk.explore.telling import why_none
from cpo_pdk.report.explore_data import Built, Exploration

Make = Callable[..., Study]


def built(site: Site, design: Design) -> Built:
    """A build that always goes well."""
    measures = dict(formula(Task(None, {}), design).measures)
    return Built(design.name, f"designs/{design.name}", "", "", measures, True, "", 1.0)


def run(study: Study, folder: Path, **more: object) -> Exploration:
    return explore(study, folder, **{"evaluate_one": formula, "build_one": built, **more})  # type: ignore[arg-type]


def test_two_runs_and_two_processes_and_a_resumed_one_are_the_same(quick: Make, tmp_path: Path) -> None:
    study = quick(designs=20).model_copy(update={"build": 0})
    first = run(study, tmp_path / "a")
    assert first.complete
    assert len(first.points) == 20
    assert run(study, tmp_path / "b", place=Place(2)).digest == first.digest
    # broken off after half: the other half is computed, the first half is looked up
    calls: list[str] = []

    def half(task: Task, design: Design) -> Evaluation:
        calls.append(design.key)
        if len(calls) > 10:
            raise KeyboardInterrupt
        return formula(task, design)

    stopped = run(study, tmp_path / "c", evaluate_one=half)
    assert not stopped.complete
    assert [point.key for point in stopped.points] == [point.key for point in first.points[:10]]
    calls.clear()

    def counting(task: Task, design: Design) -> Evaluation:
        calls.append(design.key)
        return formula(task, design)

    resumed = run(study, tmp_path / "c", evaluate_one=counting)
    assert resumed.digest == first.digest
    assert len(calls) == 10
    assert json.dumps(document(resumed)) == json.dumps(document(first))


def test_a_damaged_journal_is_computed_again(quick: Make, tmp_path: Path) -> None:
    study = quick(designs=8)
    first = run(study, tmp_path)
    files = sorted((tmp_path / "quick" / "points").glob("*.json"))
    assert len(files) == 8
    files[0].write_text("{")
    files[1].write_text('{"key": "another", "stage": "done", "measures": {}}')
    files[2].write_text(
        json.dumps({"key": files[2].stem, "stage": "done", "measures": {"margin_dB": True}, "gates": {}})
    )
    assert run(study, tmp_path).digest == first.digest


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_every_point_is_sound(quick: Make, tmp_path: Path, sampler: str) -> None:
    result = run(quick(sampler=sampler), tmp_path)
    assert [point.number for point in result.points] == list(range(24))
    assert len({point.key for point in result.points}) == 24
    assert {point.verdict for point in result.points} >= {"feasible", "violates"}
    for point in result.points:
        assert (point.verdict == "refused") == (point.reason == "engines overlap")
        if point.verdict == "violates":
            assert point.broken == ("margin_dB",)
            assert "below" in point.reason
    assert list(result.hypervolume) == sorted(result.hypervolume)
    assert 0 < len(result.front) <= 3
    for number in result.front:
        point = result.point(number)
        assert point.front
        assert point.built is not None
        assert point.built.clean
        assert point.verdict == "feasible"
    front = [result.point(number).measures for number in result.front]
    for one in front:
        assert not any(
            two["energy_pJ_bit"] <= one["energy_pJ_bit"] and two["margin_dB"] >= one["margin_dB"]
            for two in front
            if two is not one
        )
    rows = points_csv(result).splitlines()
    assert len(rows) == 25
    assert all(row.count(",") >= rows[0].count(",") for row in rows)
    files = write_files(result, tmp_path / "quick")
    assert json.loads(files[0].read_text())["digest"] == result.digest


def test_beats_chance_at_the_same_number_of_designs(quick: Make, tmp_path: Path) -> None:
    """Volume covered against common ends, mean over seeds."""
    from cpo_pdk.explore.front import costs, covered

    means = {}
    objectives = {"energy_pJ_bit": "minimize", "margin_dB": "maximize"}
    for sampler in ("tpe", "random"):
        found = []
        for seed in (1, 2):
            study = quick(sampler=sampler, seed=seed, designs=48)
            result = run(study, tmp_path / f"{sampler}{seed}", build_one=built)
            good = [point.measures for point in result.points if point.verdict == "feasible"]
            found.append(
                covered(costs(good, objectives), costs(_ENDS[:1], objectives)[0], costs(_ENDS[1:], objectives)[0])
            )
        means[sampler] = sum(found) / len(found)
    assert means["tpe"] > means["random"] + 0.01


_ENDS = [{"energy_pJ_bit": 4.2, "margin_dB": 6.0}, {"energy_pJ_bit": 5.4, "margin_dB": 0.0}]


def test_the_base_is_the_first_design(quick: Make, tmp_path: Path) -> None:
    study = quick(designs=2)
    base = base_of(study)
    values = base_values(study, base)
    assert values == {"laser_dBm": 15, "bias": 0.8, "pitch": 127, "drop_gap": 0.15, "arrangement": "round"}
    assert values is not None
    assert decoded(study, encoded(study, values)) == values
    first = run(study, tmp_path).points[0]
    assert first.values == values


def test_a_space_that_is_used_up(quick: Make, tmp_path: Path) -> None:
    study = quick(designs=200)
    only = {name: one for name, one in study.variables.items() if name in ("pitch", "arrangement")}
    result = run(study.model_copy(update={"variables": only, "build": 0}).with_source(study._source), tmp_path)  # type: ignore[arg-type]
    assert len(result.points) == 6
    assert any("no more than 6 designs" in note for note in result.notes)
    assert result.front
    assert not any(point.built for point in result.points)


def test_an_objective_that_is_never_feasible_says_what_kept_all_out(quick: Make, tmp_path: Path) -> None:
    result = run(quick(constraints="{margin_dB: {min: 40}, energy_pJ_bit: {max: 100}}"), tmp_path)
    assert not result.front
    assert not result.hypervolume
    limit = next(limit for limit in result.limits if limit.measure == "margin_dB")
    done = sum(point.verdict != "refused" for point in result.points)
    assert (limit.kept_out, limit.alone) == (done, done)
    text = why_none(result)
    assert "margin_dB" in text
    assert f"kept out {done} of the {done}" in text
    assert "40 is the least allowed" in text
    nothing = run(
        quick(), tmp_path / "x", evaluate_one=lambda task, design: Evaluation(design.key, {}, "spec", "no", {})
    )
    assert why_none(nothing) == "none of the 24 designs can be made; most often (24): no"


def test_a_point_that_fails_its_build_is_not_in_the_front_and_says_why(quick: Make, tmp_path: Path) -> None:
    whole = run(quick(), tmp_path / "a")
    bad = whole.front[0]

    def one_fails(site: Site, design: Design) -> Built:
        good = built(site, design)
        if design.name == f"quick_{bad:04d}":
            return Built(
                design.name, good.folder, "", "", good.measures, False, "drc: 2 violations, the first of WG.W.1"
            )
        return good

    result = run(quick(), tmp_path / "b", build_one=one_fails)
    assert bad not in result.front
    assert result.front
    point = result.point(bad)
    assert point.built is not None
    assert "WG.W.1" in point.built.reason
    assert len([one for one in result.points if one.built]) > len(whole.front) - 1
    none = run(
        quick(), tmp_path / "c", build_one=lambda s, d: Built(d.name, "", "", "", {}, False, "lvs: 1 violations")
    )
    assert not none.front
    assert "lvs" in why_none(none)


def test_a_build_that_misses_the_limits_of_the_study_is_not_in_the_front(quick: Make, tmp_path: Path) -> None:
    def worse(site: Site, design: Design) -> Built:
        good = built(site, design)
        return Built(design.name, good.folder, "", "", {**good.measures, "margin_dB": -1.0}, True)

    result = run(quick(), tmp_path, build_one=worse)
    assert not result.front
    assert "margin_dB -1 is below 1.5" in why_none(result)
    assert result.difference["margin_dB"] > 1


def test_faults_are_told_and_not_remembered(quick: Make, tmp_path: Path) -> None:
    def stumbles(task: Task, design: Design) -> Evaluation:
        if design.name.endswith("3"):
            return Evaluation(design.key, {}, "lanes", f"{FAULT}: ValueError: x", {})
        return formula(task, design)

    study = quick(designs=8)
    result = run(study, tmp_path, evaluate_one=stumbles)
    assert any("1 designs were not computed; design 3" in note for note in result.notes)
    assert len(list((tmp_path / "quick" / "points").glob("*.json"))) == 7


def test_a_base_that_there_is_not(quick: Make, tmp_path: Path) -> None:
    study = quick()
    study = study.model_copy(update={"base": "switch_51t3"}).with_source(study._source)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=r'quick.yaml:3:7: base: no spec "switch_51t3".*did you mean'):
        run(study, tmp_path)
