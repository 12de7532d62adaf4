"""The examples run, and say what they should."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_engine_macro_splits_evenly(tmp_path: Path) -> None:
    losses = load("engine_macro").main(tmp_path)
    assert losses["out_1"] == pytest.approx(losses["out_2"], abs=1e-9)
    # two facets of 1.5 dB, a splitter of 3.29 dB, and the rest of the way
    assert 2 * 1.5 + 3.29 < losses["out_1"] < 2 * 1.5 + 3.29 + 1.5
    assert (tmp_path / "engine_macro.gds").stat().st_size > 10_000


def test_ring_sweep_finds_one_resonance_a_radius_and_the_deepest_gap(tmp_path: Path) -> None:
    rows = load("ring_sweep").main(tmp_path)
    assert len(rows) == 6
    for radius in {row["radius"] for row in rows}:
        notches = [row["wl"] for row in rows if row["radius"] == radius]
        assert max(notches) - min(notches) < 1e-4, "the gap must not move the resonance"
        depths = {row["gap"]: row["depth_dB"] for row in rows if row["radius"] == radius}
        assert max(depths, key=lambda gap: depths[gap]) == 0.20, "critical coupling lies above the sheet's gap"
    assert len((tmp_path / "ring_sweep.csv").read_text().splitlines()) == 7


def test_own_cell_is_placed_checked_and_simulated(tmp_path: Path) -> None:
    result = load("own_cell").main(tmp_path)
    assert result.clean
    assert result.bandwidth_Tbps == 1.6
    tx = [lane for lane in result.simulation.lanes if lane.direction == "tx"]
    assert len(tx) == 2 * 2 * 4
    for lane in tx:
        assert sum(item.cell == "boxed_modulator" for item in lane.items) == 4
