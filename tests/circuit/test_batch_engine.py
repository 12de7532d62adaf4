"""Many samples of an engine against the engine that is solved anew with every device as it came out."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cpo_pdk.circuit.batch.engine_batch import EngineBatch
from cpo_pdk.circuit.batch.lanes import FLOOR_DB, LOST_DB, places_of, received, transmitted
from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.circuit.crosstalk import modulation_leakage, relative_to_wanted, summed
from cpo_pdk.circuit.engine_lanes import EngineSolver
from cpo_pdk.circuit.engine_state import EngineLane, EngineState
from cpo_pdk.circuit.receive import receive
from cpo_pdk.circuit.simulation import Simulator
from cpo_pdk.circuit.transmit import transmit
from cpo_pdk.errors import ModelError
from cpo_pdk.spec import load_sheets, load_spec

SPEC = """
name: many_{architecture}
bandwidth_Tbps: {bandwidth}
asic: {{size_mm: [20, 20], power_W: 100}}
substrate: {{size_mm: [90, 90]}}
engines: {{count: 1}}
engine:
  architecture: {architecture}
  bandwidth_Tbps: {bandwidth}
  tx_fibres: {fibres}
  rx_fibres: {fibres}
  laser_fibres: 1
  lane_rate_Gbps: 50
  modulation: PAM4
  {rest}
laser: {{connector: ELS, per_wavelength_dBm: 8{grid_class}}}
fibres: {{bend_radius_mm: 15}}
faceplate: {{distance_mm: 130, connector: MPO-12}}
choices: []
"""


def drawn(folder: Path, architecture: str, rest: str, fibres: int, grid_class: str = "") -> EngineSolver:
    from cpo_pdk.assemblies.engines import draw_engine
    from cpo_pdk.assemblies.writing import write_gds

    file = folder / f"many_{architecture}.yaml"
    said = {"architecture": architecture, "rest": rest, "grid_class": grid_class}
    file.write_text(SPEC.format(**said, fibres=fibres, bandwidth=0.2 * fibres), encoding="utf-8")
    simulator = Simulator(write_gds(draw_engine(load_spec(file), load_sheets()), folder / "engine.gds"))
    return next(iter(simulator.solvers.values()))


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> EngineSolver:
    grid = "grid: {standard: CW-WDM, channels: 4, spacing_GHz: 200}"
    return drawn(tmp_path_factory.mktemp("rings"), "ring_wdm", grid, 2, ", grid_class: Type1")


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> EngineSolver:
    grid = "grid: {standard: CWDM4, channels: 4}\n  bump_pitch_um: [100, 100]"
    return drawn(tmp_path_factory.mktemp("arms"), "mzm_wdm", grid, 1)


@pytest.fixture(scope="module")
def batch(rings: EngineSolver) -> EngineBatch:
    return EngineBatch.of(rings)


def sample(batch: EngineBatch, samples: int, seed: int, spread: Mapping[str, float]) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {axis: rng.normal(0, sigma, (samples, len(batch.sites_um))) for axis, sigma in spread.items()}


def solved_anew(
    solver: EngineSolver, batch: EngineBatch, dev: Mapping[str, Any], number: int, condition: EngineCondition
) -> list[EngineLane]:
    """The lanes of one sample: every device is a cell of its own, with its own parameters."""
    site = {device.path: device.site for device in batch.devices}
    leaves, bound = {}, {}
    for path, leaf in solver.circuit.leaves.items():
        leaves[path] = replace(leaf, cell=path)
        entry = solver.bound.get(leaf.cell)
        if entry is None:
            continue
        params = dict(entry.params)
        names = entry.model.function.__kwdefaults__ if entry.model is not None else {}
        for axis, values in dev.items():
            if axis in (names or {}) and path in site:
                value = values[number, site[path]]
                params[axis] = params[axis] * (1 + value) if axis == "doping" else value
        bound[path] = replace(entry, cell=path, params=params)
    circuit = replace(solver.circuit, leaves=leaves)
    start = (circuit, bound, solver.channels, np.empty(0))
    state = EngineState(*start, condition, EngineState(*start) if batch.rings else solver.drawn)
    return [*transmit(state).lanes, *receive(state).lanes]


def assert_same(lanes: list[EngineLane], found: Any, number: int, dB: float) -> None:
    sent = [lane for lane in lanes if lane.direction == "tx"]
    np.testing.assert_allclose(found.loss_dB[number], [lane.loss_dB for lane in lanes], atol=dB)
    np.testing.assert_allclose(found.extinction_dB[number], [lane.extinction_dB for lane in sent], atol=dB)
    power = 10 ** (found.crosstalk_dB[number] / 10)
    np.testing.assert_allclose(power, [10 ** (lane.crosstalk_dB / 10) for lane in lanes], rtol=10 * dB, atol=1e-7)


def test_as_drawn_it_is_the_engine(batch: EngineBatch, rings: EngineSolver) -> None:
    found = batch.solve({})
    lanes = rings.under(EngineCondition()).lanes
    assert_same(list(lanes), found, 0, 1e-3)
    assert [(k.direction, k.port, k.channel, k.ring) for k in batch.lane_keys] == [
        (x.direction, x.port, x.channel, x.ring) for x in lanes
    ]
    assert [ring.path for ring in batch.rings] == [ring.path for ring in rings.rings]
    np.testing.assert_allclose(found.loss_dB[0], batch.nominal_loss_dB, atol=1e-3)


def test_warm_it_is_the_warm_engine(rings: EngineSolver) -> None:
    warm = EngineBatch.of(rings, 12.5)
    assert_same(list(rings.under(EngineCondition(dT_K=12.5)).lanes), warm.solve({}), 0, 1e-3)


def test_random_samples_are_engines_solved_anew(batch: EngineBatch, rings: EngineSolver) -> None:
    dev = sample(batch, 3, 7, {"dw": 2.0, "dh": 1.0, "doping": 0.03})
    found = batch.solve(dev)
    nominal = dict(zip((ring.path for ring in batch.rings), batch.nominal_channel.tolist(), strict=True))
    for number in range(3):
        lanes = solved_anew(rings, batch, dev, number, EngineCondition(channel=nominal))
        assert_same(lanes, found, number, 0.01)


def test_held_interferometers_are_those_of_the_engine_with_their_powers(arms: EngineSolver) -> None:
    batch = EngineBatch.of(arms)
    assert_same(list(arms.under(EngineCondition()).lanes), batch.solve({}), 0, 1e-3)
    dev = sample(batch, 2, 3, {"dw": 0.5, "dh": 0.2})
    found = batch.solve(dev)
    assert np.all(found.trim_mW >= 0)
    assert np.ptp(found.trim_mW, axis=0).max() > 1
    for number in range(2):
        powers = dict(zip(batch.trimmers, found.trim_mW[number].tolist(), strict=True))
        condition = EngineCondition(trim_mW=powers)
        assert_same(solved_anew(arms, batch, dev, number, condition), found, number, 0.01)
