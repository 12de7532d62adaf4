"""`cpo thermal`: what it prints, its exit codes, and what it refuses. One small package, drawn once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cpo_pdk.cli.app import run

THERMAL = "thermal: {coolant_C: 25}\n"


def arguments(small_io: tuple[Path, Path], tmp_path: Path, more: str = THERMAL) -> list[str]:
    """Layout and spec with more said in it."""
    spec = tmp_path / "warm.yaml"
    spec.write_text(small_io[0].read_text("utf-8") + more, "utf-8")
    return ["thermal", str(small_io[1]), "--spec", str(spec)]


def test_the_figures_agree_with_each_other(
    small_io: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = [*arguments(small_io, tmp_path), "--cells", "30000", "--step", "--json"]
    assert run(asked) == 0, capfd.readouterr().err
    found = json.loads(capfd.readouterr().out)
    assert (found["package"], found["state"], found["converged"], found["asic_W"]) == ("small", "full", True, 700.0)
    assert abs(found["balance"]) < 1e-6 and found["package_W"] > 700
    engine = found["engines_C"]["engine_N1"]
    assert 25 < engine["mean"] <= engine["max"] and 25 < found["asic_C"]["mean"] < found["asic_C"]["max"]
    rings = found["rings_C"]
    assert rings["count"] == 24 and engine["max"] >= rings["max"] >= rings["min"] > 25
    assert rings["spread_in_engine"] == pytest.approx(rings["max"] - rings["min"], abs=2e-4)
    assert found["heaters_W"] > 0 and found["engine_spread_C"] == 0
    assert found["finer"]["cells"] < found["cells"] and found["finer"]["engines_K"] < 3
    step = found["transient"]
    assert step["ring"].startswith("engine_N1/") and step["asic_C"][-1] > step["asic_C"][0] + 10
    assert step["tau_s"] > 0 and step["tracking_error_nm"] < 0.01


def test_people_read_a_table_and_limits_are_gates(
    small_io: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = THERMAL + "require: {asic_C: 40, engine_C: 130, energy_pJ_bit: 0.01, margin_dB: 50}\n"
    assert run([*arguments(small_io, tmp_path, gate), "--state", "idle"]) == 1
    out, err = capfd.readouterr()
    assert "small, idle: " in out and "ASIC" in out and "engine_N1" in out and "heaters" in out and " W, out " in out
    assert "asic_C 40 is missed" in out and "engine_C 130 holds" in out
    assert "energy_pJ_bit 0.01 is missed" in out and "margin_dB" not in out  # margins are what cpo budget is for
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("more", "options", "says"),
    [
        ("thermal: {conductivity_W_mK: {tim: -1}}\n", [], "tim"),
        ("thermal: {coolant_C: 400}\n", [], "coolant_C"),
        ("thermal: {htc_W_m2K: 0}\n", [], "htc_W_m2K"),
        ("asic: {power_map: []}\n", [], "asic"),
        ("", ["--cells", "10"], "10 cells"),
        ("", ["--spec", "switch_51t2"], "26 x 33 mm"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    small_io: tuple[Path, Path],
    more: str,
    options: list[str],
    says: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run([*arguments(small_io, tmp_path, more), *options, "--json"]) == 2
    message = json.loads(capfd.readouterr().out)["error"]["message"]
    assert says in message and "\n" not in message
