"""A real package: what the search says of a design is what `cpo build` says of it; and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cpo_pdk import analysis
from cpo_pdk.cli.app import run
from cpo_pdk.explore.design import Design, base_of, design_of
from cpo_pdk.explore.evaluate import SLACK_DB, evaluate
from cpo_pdk.explore.evaluation import Task
from cpo_pdk.explore.measures import MEASURES
from cpo_pdk.explore.study import Study, load_study
from cpo_pdk.spec.loading import data_folder

FILE = data_folder("assemblies") / "studies" / "rings_ucie.yaml"


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(FILE)


def other(study: Study, **values: object) -> Design:
    return design_of(study, base_of(study), {**study.start[0], **values}, 1)  # type: ignore[dict-item]


def test_the_search_says_what_a_build_says(study: Study, tmp_path: Path) -> None:
    design = other(study, gap=0.19, pitch=165, power=9)
    found = evaluate(Task(None, study.limits), design)
    assert (found.stage, found.reason, found.gates) == ("done", "", {})
    assert set(found.measures) == {name for name, one in MEASURES.items() if one.stage != "yield"}
    full = analysis.operate(analysis.prepare(design.write(tmp_path, None)), transient=False)["full"]
    assert full.budget.worst is not None
    assert found.measures["margin_dB"] == pytest.approx(full.budget.worst.margin_dB, abs=1e-6)
    assert found.measures["energy_pJ_bit"] == pytest.approx(full.energy.pJ_bit, abs=1e-6)
    assert found.measures["engine_C"] == pytest.approx(max(full.temperatures.engines_max_C.values()), abs=1e-6)
    assert found.measures["fibres"] == 18
    assert found.measures["edge_Tbps_mm"] == pytest.approx(
        2.048 / (found.measures["engine_mm2"] / 4.0) * 1.0, rel=0.02
    ), "the die is 4 mm long but for whole steps of its bumps"


def test_a_hopeless_design_is_not_heated(study: Study) -> None:
    found = evaluate(Task(None, study.limits), other(study, power=4, split=8, gap=0.23))
    assert found.stage == "lanes"
    assert found.measures["margin_dB"] < -SLACK_DB
    assert "energy_pJ_bit" not in found.measures


def test_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One design, its limit out of reach: exit code 1, and what kept it out."""
    text = FILE.read_text().replace("margin_dB: {min: 0}", "margin_dB: {min: 30}")
    file = tmp_path / "rings_ucie.yaml"
    file.write_text(text)
    out = tmp_path / "out"
    assert run(["explore", str(file), "--designs", "1", "--out", str(out), "--json"]) == 1
    said = json.loads(capfd.readouterr().out)
    assert "margin_dB kept out 1 of the 1 that can be made" in said["why_none"]
    assert said["verdicts"] == {"feasible": 0, "violates": 1, "refused": 0}
    assert json.loads((out / "rings_ucie" / "explore.json").read_text())["digest"] == said["digest"]
    assert run(["explore", str(file), "--designs", "1", "--out", str(out)]) == 1
    assert "break one" in capfd.readouterr().out
    assert run(["explore", str(tmp_path / "none.yaml")]) == 2
    assert run(["explore", str(file), "--workers", "0"]) == 2
    assert run(["explore", str(file), "--scheduler", "tcp://192.0.2.1:8786"]) == 2
    assert "insecure" in capfd.readouterr().err
