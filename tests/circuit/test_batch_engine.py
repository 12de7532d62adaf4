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

REACH = {"dw": 12.0, "dh": 6.0, "dslab": 2.0, "doping": 0.2}
#: nothing but the deviations that are named
ALONE = {"dw": 1.0, "dh": 0.0, "dslab": 0.0, "doping": 0.0, "guide_loss": 0.0, "coupling": 0.0}


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
    return drawn(tmp_path_factory.mktemp("rings"), "ring_wdm", grid, 1, ", grid_class: Type1")


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> EngineSolver:
    grid = "grid: {standard: CWDM4, channels: 4}\n  bump_pitch_um: [100, 100]"
    return drawn(tmp_path_factory.mktemp("arms"), "mzm_wdm", grid, 1)


@pytest.fixture(scope="module")
def batch(rings: EngineSolver) -> EngineBatch:
    return EngineBatch.of(rings, reach=REACH)


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
    np.testing.assert_allclose(found.extinction_dB[number], [lane.extinction_dB or 0.0 for lane in sent], atol=dB)
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
    warm = EngineBatch.of(rings, 12.5, reach=ALONE)
    assert_same(list(rings.under(EngineCondition(dT_K=12.5)).lanes), warm.solve({}), 0, 1e-3)


def test_random_samples_are_engines_solved_anew(batch: EngineBatch, rings: EngineSolver) -> None:
    dev = sample(batch, 3, 7, {"dw": 2.0, "dh": 1.0, "doping": 0.03})
    found = batch.solve(dev)
    nominal = dict(zip((ring.path for ring in batch.rings), batch.nominal_channel.tolist(), strict=True))
    for number in range(3):
        lanes = solved_anew(rings, batch, dev, number, EngineCondition(channel=nominal))
        assert_same(lanes, found, number, 0.01)


def test_held_interferometers_are_those_of_the_engine_with_their_powers(arms: EngineSolver) -> None:
    batch = EngineBatch.of(arms, reach={**ALONE, "dw": 4.0, "dh": 2.0})
    assert_same(list(arms.under(EngineCondition()).lanes), batch.solve({}), 0, 1e-3)
    dev = sample(batch, 2, 3, {"dw": 0.5, "dh": 0.2})
    found = batch.solve(dev)
    assert np.all(found.trim_mW >= 0)
    assert np.ptp(found.trim_mW, axis=0).max() > 1
    for number in range(2):
        powers = dict(zip(batch.trimmers, found.trim_mW[number].tolist(), strict=True))
        condition = EngineCondition(trim_mW=powers)
        assert_same(solved_anew(arms, batch, dev, number, condition), found, number, 0.01)


def test_rings_serve_other_channels_and_drift_as_in_the_engine(batch: EngineBatch, rings: EngineSolver) -> None:
    moved = (batch.nominal_channel + 1) % 4
    channel = {ring.path: int(c) for ring, c in zip(batch.rings, moved, strict=True)}
    condition = EngineCondition(channel=channel)
    assert_same(list(rings.under(condition).lanes), batch.solve({}, channel=moved[None]), 0, 1e-3)
    held = batch.held_nm({})[0]
    tuning = held + np.where(np.arange(held.size) == 5, 0.11, 0.0)
    lost = EngineCondition(channel=dict(zip(channel, batch.nominal_channel.tolist(), strict=True)))
    lost = replace(lost, tuning_nm={batch.rings[5].path: round(float(tuning[5]), 6)})
    start = (rings.circuit, rings.bound, rings.channels, np.empty(0))
    state = EngineState(*start, lost, rings.drawn)
    assert_same([*transmit(state).lanes, *receive(state).lanes], batch.solve({}, tuning_nm=tuning[None]), 0, 1e-3)


def test_lasers_off_their_grid_are_an_engine_for_other_lines(batch: EngineBatch, rings: EngineSolver) -> None:
    off = np.array([0.02, -0.03, 0.01, 0.04]) * 1e-3
    other = EngineSolver(rings.circuit, rings.bound, rings.channels + off, rings.netlists)
    lines: dict[str, Any] = {name: np.tile(rings.channels + off, (1, 1, 1)) for name in ("tx_lines_um", "rx_lines_um")}
    assert_same(list(other.under(EngineCondition()).lanes), batch.solve({}, **lines), 0, 1e-3)


def test_samples_do_not_depend_on_each_other(batch: EngineBatch) -> None:
    dev = sample(batch, 6, 11, {"dw": 2.0, "dh": 1.0, "dslab": 0.4})
    dev["coupling"] = np.random.default_rng(5).normal(0, 0.05, (6, len(batch.rings)))
    dev["guide_loss"] = np.linspace(-0.2, 0.3, 6)
    whole = batch.solve(dev)
    assert np.all(np.isfinite(whole.loss_dB))
    assert np.ptp(whole.loss_dB, axis=0).min() > 0
    for other in (batch.solve(dev, block=1), pickle.loads(pickle.dumps(batch)).solve(dev)):
        np.testing.assert_allclose(other.loss_dB, whole.loss_dB, rtol=0, atol=1e-9)
    turned = batch.solve({axis: values[::-1] for axis, values in dev.items()})
    np.testing.assert_allclose(turned.loss_dB[::-1], whole.loss_dB, rtol=0, atol=1e-9)
    np.testing.assert_allclose(turned.aggressors[::-1], whole.aggressors, rtol=1e-5, atol=1e-12)
    power = 10 * np.log10(whole.aggressors.sum(axis=2))
    np.testing.assert_allclose(power, np.maximum(whole.crosstalk_dB, -200), atol=1e-4)


def test_what_moves_all_alike_moves_resonances_alike(batch: EngineBatch) -> None:
    still = batch.resonances_nm({})[0]
    wide = batch.resonances_nm({"dw": np.full((1, 1), 1.0)})[0]
    for ring in range(len(batch.rings)):
        shift = wide[ring][:, None] - still[ring][None, :]
        shift = shift.ravel()[np.argmin(np.abs(shift), axis=None)]
        assert 0.3 < shift < 1.2  # nm a nm, O-band cores: facts 3.9
    assert batch.linewidth_nm({}).shape == (1, len(batch.rings))
    more = batch.linewidth_nm({"coupling": np.full((1, 1), 0.2)})
    assert np.all(more > batch.linewidth_nm({}))


def test_a_ring_without_a_line_loses_its_lane_alone(batch: EngineBatch) -> None:
    channel = batch.nominal_channel.copy()
    channel[0] = -1
    found = batch.solve({}, channel=channel[None], tuning_nm=batch.held_nm({}))
    lost = np.flatnonzero(found.loss_dB[0] >= LOST_DB - 1e-9)
    assert lost.tolist() == [int(batch.nominal_channel[0])]
    assert found.extinction_dB[0, lost[0]] == 0
    others = np.setdiff1d(np.arange(len(batch.lane_keys)), lost)
    np.testing.assert_allclose(found.loss_dB[0, others], batch.nominal_loss_dB[others], atol=1e-3)


def test_beyond_its_tables_a_sample_says_so(batch: EngineBatch) -> None:
    width = np.zeros((3, len(batch.sites_um)))
    width[1, batch.rings[0].site] = 13.0
    width[2] = 50.0
    outside = batch.solve({"dw": width}).outside
    assert outside[0] == 0
    assert outside[1] == 1
    assert outside[2] > 50


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"dev": {"dx": np.zeros((1, 1))}}, "'dx'"),
        ({"dev": {"dw": np.zeros((2, 3))}}, "dw has the shape"),
        ({"dev": {"dw": np.full((1, 1), np.nan)}}, "no numbers"),
        ({"dev": {"dw": np.zeros((2, 1)), "dh": np.zeros((3, 1))}}, "3 samples"),
        ({"dev": {}, "channel": np.zeros((1, 2))}, "channel has 2 rings"),
        ({"dev": {}, "tuning_nm": np.zeros((1, 2))}, "tuning_nm has 2 rings"),
        ({"dev": {}, "tx_lines_um": np.ones((1, 7, 4))}, "tx_lines_um has the shape"),
    ],
)
def test_what_does_not_fit_is_refused(batch: EngineBatch, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        batch.solve(asked.pop("dev"), **asked)


def test_guides_share_places_and_rings_do_not(batch: EngineBatch, rings: EngineSolver) -> None:
    sites = [ring.site for ring in batch.rings]
    assert len(set(sites)) == len(sites)
    assert len(batch.sites_um) < len(batch.devices)
    places = np.array([[device.x_um, device.y_um] for device in batch.devices])
    apart = np.abs(places - batch.sites_um[[device.site for device in batch.devices]])
    assert apart.max() <= 100.0
    with pytest.raises(ModelError, match="merge_um"):
        EngineBatch.of(rings, reach=ALONE, merge_um=-1.0)


def test_places_of_rings() -> None:
    assert places_of(np.array([[2, 0, -1], [0, 1, 2]]), 3).tolist() == [[1, -1, 0], [0, 1, 2]]


def test_lanes_are_what_one_sample_of_the_engine_gives() -> None:
    rng = np.random.default_rng(2)
    one, zero = rng.uniform(0.5, 1, (2, 4)), rng.uniform(0.01, 0.4, (2, 4, 4))
    place = np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    loss, crosstalk, ratio, aggressors = transmitted(one, zero, place)
    for number in range(2):
        leak = modulation_leakage(one[number], zero[number][place[number]])
        for channel in range(4):
            assert crosstalk[number, channel] == pytest.approx(summed(leak[channel], channel))
            assert aggressors[number, channel, channel] == 0
        np.testing.assert_allclose(loss[number], -10 * np.log10(one[number]))
        own = zero[number, place[number], np.arange(4)]
        np.testing.assert_allclose(ratio[number], 10 * np.log10(one[number] / own))
    power = rng.uniform(0, 1e-3, (2, 1, 4, 4)) + np.eye(4)[[1, 0, 2, 3]]
    loss, crosstalk, _ = received(power, np.array([[1, 0, 2, 3]]))
    rows = [relative_to_wanted(power[mode, 0][[1, 0, 2, 3]]) for mode in range(2)]
    for channel in range(4):
        assert crosstalk[0, channel] == pytest.approx(max(summed(row[channel], channel) for row in rows))
    wanted = [power[:, 0, d, c].min() for c, d in enumerate([1, 0, 2, 3])]
    np.testing.assert_allclose(loss[0], -10 * np.log10(wanted))


def test_an_engine_without_modulators_is_loss_alone() -> None:
    loss, crosstalk, ratio, aggressors = transmitted(np.full((1, 2), 0.5), np.zeros((1, 0, 2)), np.full((1, 2), -1))
    np.testing.assert_allclose(loss, 3.0103, atol=1e-4)
    assert np.all(crosstalk == FLOOR_DB)
    assert not aggressors.any()
    assert not ratio.any()
