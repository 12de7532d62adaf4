"""Small engines under a temperature, with rings on given channels and heaters at given powers."""

from __future__ import annotations

import json
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.circuit.drift import Drift
from cpo_pdk.circuit.engine_lanes import EngineSolver
from cpo_pdk.circuit.engine_state import EngineState
from cpo_pdk.circuit.interferometers import INTERFEROMETER
from cpo_pdk.circuit.locking import cold_resonances
from cpo_pdk.circuit.receive import receive
from cpo_pdk.circuit.results import Lane, SimulationResult
from cpo_pdk.circuit.simulation import Simulator, simulate
from cpo_pdk.circuit.transmit import transmit
from cpo_pdk.circuit.warming import feels_heat, warmed
from cpo_pdk.cli.app import run
from cpo_pdk.errors import ModelError
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.tech.layers import layer_of

RINGS = "grid: {standard: CW-WDM, channels: 4, spacing_GHz: 200}"
WDM = "grid: {standard: CWDM4, channels: 4}\n  bump_pitch_um: [100, 100]"


def spec_of(architecture: str, rest: str, grid_class: str) -> str:
    return f"""
name: warm_{architecture}
bandwidth_Tbps: 0.4
asic: {{size_mm: [20, 20], power_W: 100}}
substrate: {{size_mm: [90, 90]}}
engines: {{count: 1}}
engine:
  architecture: {architecture}
  bandwidth_Tbps: 0.4
  tx_fibres: 2
  rx_fibres: 2
  laser_fibres: 1
  lane_rate_Gbps: 50
  modulation: PAM4
  {rest}
laser: {{connector: ELS, per_wavelength_dBm: 8{grid_class}}}
fibres: {{bend_radius_mm: 15}}
faceplate: {{distance_mm: 130, connector: MPO-12}}
choices: []
"""


def drawn(folder: Path, architecture: str, rest: str, grid_class: str = "") -> Simulator:
    from cpo_pdk.assemblies.engines import draw_engine
    from cpo_pdk.assemblies.writing import write_gds

    file = folder / f"warm_{architecture}.yaml"
    file.write_text(spec_of(architecture, rest, grid_class), encoding="utf-8")
    return Simulator(write_gds(draw_engine(load_spec(file), load_sheets()), folder / "engine.gds"))


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    return drawn(tmp_path_factory.mktemp("rings"), "ring_wdm", RINGS, ", grid_class: Type1")


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    return drawn(tmp_path_factory.mktemp("arms"), "mzm_wdm", WDM)


@pytest.fixture(scope="module")
def cold(rings: Simulator) -> SimulationResult:
    return rings.as_drawn(points=11)


def solver_of(simulator: Simulator) -> EngineSolver:
    return next(iter(simulator.solvers.values()))


def under(simulator: Simulator, condition: EngineCondition) -> SimulationResult:
    return simulator.under({simulator.engines[0].name: condition})


def lane_of(result: SimulationResult, direction: str, port: int, channel: int) -> Lane:
    return next(x for x in result.lanes if (x.direction, x.port, x.channel) == (direction, port, channel))


def shifted_by(cold: SimulationResult, step: int) -> dict[str, int]:
    """Every ring of the package on a channel further on."""
    count = len(cold.rings[0].channels_um)
    return {ring.path: (ring.channel + step) % count for ring in cold.rings}


def test_no_condition_is_the_engine_as_drawn(rings: Simulator, cold: SimulationResult) -> None:
    again = rings.under({})
    assert [(x.insertion_loss_dB, x.crosstalk_dB, x.items) for x in again.lanes] == [
        (x.insertion_loss_dB, x.crosstalk_dB, x.items) for x in cold.lanes
    ]
    assert cold.spectra
    assert not again.spectra
    assert (again.rings, again.devices) == (cold.rings, cold.devices)


@pytest.mark.parametrize("dT", [-17.0, 8.0, 43.0])
def test_a_warm_engine_is_the_one_that_is_followed_anew_when_warm(rings: Simulator, dT: float) -> None:
    """The ways of the light taken over, resonances interpolated: the same as all of it done again."""
    solver = solver_of(rings)
    anew = EngineState(solver.circuit, warmed(solver.bound, dT), solver.channels, np.empty(0))
    expected = (*transmit(anew).lanes, *receive(anew).lanes)
    found = solver.under(EngineCondition(dT_K=dT)).lanes
    for a, b in zip(found, expected, strict=True):
        assert (a.direction, a.port, a.channel, a.ring) == (b.direction, b.port, b.channel, b.ring)
        assert a.loss_dB == pytest.approx(b.loss_dB, abs=1e-6)
        assert a.crosstalk_dB == pytest.approx(b.crosstalk_dB, abs=1e-5)
        assert a.tuning_nm == pytest.approx(b.tuning_nm, abs=1e-7)
        assert [item.instance for item in a.items] == [item.instance for item in b.items]
        assert [item.loss_dB for item in a.items] == pytest.approx([item.loss_dB for item in b.items], abs=1e-5)


def test_rings_are_held_on_the_channels_that_they_are_given(rings: Simulator, cold: SimulationResult) -> None:
    dT = 21.0
    for step in range(4):
        channel = shifted_by(cold, step)
        result = under(rings, EngineCondition(dT, channel))
        local = {ring.instance: ring for ring in cold.rings}
        for lane in result.lanes:
            ring = local[lane.ring]
            assert channel[ring.path] == lane.channel - 1
            resonances = np.array(ring.resonances_um) + (ring.nm_per_K * dT + lane.tuning_nm) * 1e-3
            target = lane.wl_um - ring.working_nm * 1e-3
            assert np.min(np.abs(resonances - target)) < 3e-5  # the drift is that of one order, others differ by 1 %
            assert lane.detector == (ring.detector if lane.direction == "rx" else "")
            before = lane_of(cold, lane.direction, lane.port, lane.channel)
            assert lane.insertion_loss_dB == pytest.approx(before.insertion_loss_dB, abs=0.6)
            assert sum(item.loss_dB for item in lane.items) == pytest.approx(lane.insertion_loss_dB, abs=1e-9)
            assert all(item.loss_dB >= -1e-9 for item in lane.items[:-1])


def test_a_ring_that_is_not_held_loses_its_lane_and_no_other(rings: Simulator, cold: SimulationResult) -> None:
    lost = next(ring for ring in cold.rings if ring.direction == "rx" and ring.channel == 1 and not ring.mode)
    dT = 12.0
    held = under(rings, EngineCondition(dT, shifted_by(cold, 0)))
    result = under(rings, EngineCondition(dT, shifted_by(cold, 0), tuning_nm={lost.path: 0.3}))
    for lane, before in zip(result.lanes, held.lanes, strict=True):
        if (lane.direction, lane.port, lane.channel) == ("rx", lost.port, 2):
            assert lane.insertion_loss_dB > before.insertion_loss_dB + 10
            assert lane.ring == lost.instance
            assert lane.tuning_nm == 0.3
        elif lane.direction == "tx" or lane.port != lost.port:
            assert lane.insertion_loss_dB == pytest.approx(before.insertion_loss_dB, abs=1e-9)


def test_facts_of_rings_say_what_the_engine_does(rings: Simulator, cold: SimulationResult) -> None:
    assert len(cold.rings) == cold.counts["rings"] == 2 * 4 + 2 * 2 * 4
    lanes = {(x.direction, x.port, x.channel): x for x in cold.lanes}
    for ring in cold.rings:
        assert ring.instance.endswith(ring.path)
        assert 0.05 < ring.nm_per_K < 0.08  # silicon in the O band: 0.06 to 0.07 nm/K
        assert 0.02 < ring.linewidth_nm < 1
        assert ring.fsr_nm > 3 * (ring.channels_um[-1] - ring.channels_um[0]) * 1e3 / 4
        below = [x for x in ring.resonances_um if x <= ring.channels_um[0]]
        assert len(below) >= 2
        assert ring.resonances_um[-1] > ring.channels_um[ring.channel] - 0.004
        lane = lanes[ring.direction, ring.port, ring.channel + 1]
        if ring.mode == ("@TM" if lane.polarization == "TM" else ""):
            assert lane.ring == ring.instance
            assert lane.tuning_nm == pytest.approx(ring.tuning_nm)
        item = next(i for i in lane.items if i.instance == lane.ring)
        if item.instance == ring.instance:
            away = np.hypot(ring.x - item.x, ring.y - item.y)
            assert 4.5 < away < 8.5  # a bus to the middle: width, gap and radius


def test_the_middle_of_a_ring_is_the_middle_of_its_drawn_heater(rings: Simulator, cold: SimulationResult) -> None:
    layout = kdb.Layout()
    layout.read(str(rings.file.path))
    drawn_heaters = kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(*layer_of("HEATER")))).merged()
    solver = solver_of(rings)
    for ring in cold.rings:
        params = solver.bound[solver.circuit.leaves[ring.path].cell].params
        over = []
        for along in (1.0, 1j):  # the straights of a racetrack lie along x or y
            angles = np.exp(1j * np.linspace(0.01, 2 * np.pi, 72, endpoint=False))
            aside = np.sign((angles / along).real) * params["length_x"] / 2 * along
            core = (ring.x + 1j * ring.y + params["radius"] * angles + aside) / layout.dbu
            dots = [kdb.Box(round(p.real) - 2, round(p.imag) - 2, round(p.real) + 2, round(p.imag) + 2) for p in core]
            over.append(sum(not (kdb.Region(dot) & drawn_heaters).is_empty() for dot in dots) / len(dots))
        assert max(over) > 0.9  # all of the core but for the gap between the ends of the heater


def test_devices_of_lanes_have_their_facts(cold: SimulationResult, rings: Simulator) -> None:
    warm = under(rings, EngineCondition(dT_K=30.0))
    for result, dT in ((cold, 0.0), (warm, 30.0)):
        for lane in result.lanes:
            device = result.devices[lane.modulator or lane.detector]
            assert device.operating["dT"] == dT
            assert device.operating["wl_um"] == pytest.approx(lane.wl_um)
            assert "dT" not in device.params
            if lane.modulator:
                assert device.cell == "ring_modulator"
                assert device.params["radius"] > 5
                assert device.operating["V_one"] > device.operating["V_zero"]
                assert device.operating["tuning_nm"] == lane.tuning_nm
                assert lane.laser_ways == 2
                assert lane.zero_loss_dB is not None
                assert lane.zero_loss_dB > lane.insertion_loss_dB + 3
            else:
                assert device.params["responsivity_A_W"] > 0.5


def test_both_polarisations_of_a_receiver_go_to_one_detector(rings: Simulator, cold: SimulationResult) -> None:
    for dT in np.arange(4.0, 40.0, 3.0):
        result = under(rings, EngineCondition(dT_K=float(dT)))
        assert all(x.insertion_loss_dB < 8 for x in result.lanes if x.direction == "rx")
    te = {ring.path: (ring.channel + 1) % 4 for ring in cold.rings if ring.direction == "rx" and not ring.mode}
    tm = {ring.path: ring.channel for ring in cold.rings if ring.mode}
    with pytest.raises(ModelError, match="give the rings before a detector one channel"):
        under(rings, EngineCondition(dT_K=5.0, channel={**te, **tm}))


def test_conditions_that_need_not_be_told_apart_are_one(rings: Simulator) -> None:
    solver = solver_of(rings)
    assert solver.under(EngineCondition(30.04)) is solver.under(EngineCondition(29.96))
    assert solver.under(EngineCondition(30.04)) is not solver.under(EngineCondition(30.06))


@pytest.mark.parametrize(
    ("condition", "match"),
    [
        (lambda c: EngineCondition(channel={"nowhere": 0}), r"nowhere, which is no ring on a bus; 24 there are"),
        (lambda c: EngineCondition(tuning_nm={"nowhere": 0.5}), r"nowhere, which is no ring on a bus"),
        (lambda c: EngineCondition(trim_mW={c.rings[0].path: 1.0}), r"which is no interferometer with a heater"),
        (lambda c: EngineCondition(channel={c.rings[0].path: 0}), r"gives 1 of 4 rings .* every channel from 0 to 3"),
        (lambda c: EngineCondition(channel=dict.fromkeys(shifted_by(c, 0), 1)), r"every channel from 0 to 3 once"),
        (lambda c: EngineCondition(tuning_nm={c.rings[0].path: -0.5}), r"tuning_nm"),
        (lambda c: EngineCondition(dT_K=float("nan")), r"dT_K is nan"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(
    rings: Simulator, cold: SimulationResult, condition, match: str
) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        under(rings, condition(cold))
    assert "\n" not in str(caught.value)


def test_a_condition_for_an_engine_that_is_not_there_is_refused(rings: Simulator) -> None:
    with pytest.raises(ModelError, match="'engine_X', which is not placed; there are"):
        rings.under({"engine_X": EngineCondition()})


def test_beyond_what_the_models_hold_for_is_said(rings: Simulator) -> None:
    assert any(
        "dT = 130 K" in line and "-50 to 100 K" in line for line in under(rings, EngineCondition(130.0)).warnings
    )


@settings(max_examples=12, deadline=None, derandomize=True)
@given(dT=st.floats(-45, 99), low=st.floats(1.272, 1.28))
def test_interpolated_resonances_are_those_of_a_search(rings: Simulator, dT: float, low: float) -> None:
    solver = solver_of(rings)
    drift = Drift(solver.bound)
    for cell in sorted({solver.circuit.leaves[ring].cell for bus in solver.drawn.buses.values() for ring in bus})[::5]:
        found = drift.resonances(cell, dT, low, 1.305)
        expected = cold_resonances(warmed(solver.bound, dT)[cell], low, 1.305)
        assert found == pytest.approx(expected, abs=1e-9)


def test_a_trimmed_demultiplexer_is_where_it_was_drawn(arms: Simulator) -> None:
    before = arms.as_drawn(points=11)
    warm = under(arms, EngineCondition(dT_K=30.0))
    stages = [t for t in before.trimmers if t.sheet == "phase_shifter_thermal"]
    left = under(arms, EngineCondition(30.0, trim_mW={t.path: 0.0 for t in stages}))
    assert len(before.trimmers) == len(before.trims) == len(stages) + 8
    for lane, cool, free in zip(warm.lanes, before.lanes, left.lanes, strict=True):
        assert lane.insertion_loss_dB == pytest.approx(cool.insertion_loss_dB, abs=0.5)
        assert lane.crosstalk_dB < -24
        assert sum(i.loss_dB for i in lane.items) == pytest.approx(lane.insertion_loss_dB, abs=1e-9)
        assert [i.instance for i in lane.items] == [i.instance for i in cool.items]
        if lane.direction == "rx":
            assert free.crosstalk_dB > lane.crosstalk_dB + 3
    divided = [i.loss_dB for lane in left.lanes for i in lane.items if i.cell == INTERFEROMETER]
    assert min(divided) > -0.05


def test_facts_of_a_heater_give_the_power_that_the_engine_takes(arms: Simulator) -> None:
    before = arms.as_drawn(points=11)
    for dT in (-8.0, 15.0, 42.0):
        warm = under(arms, EngineCondition(dT_K=dT))
        for trimmer in before.trimmers:
            power = (trimmer.mW + trimmer.mW_per_K * dT) % trimmer.period_mW
            assert warm.trims[trimmer.instance] == pytest.approx(power, abs=0.02)
    stages = [t for t in before.trimmers if np.isfinite(t.fsr_nm)]
    # CWDM4: 40 nm between every other channel, 80 nm between pairs
    assert {round(t.fsr_nm / 40) for t in stages} == {1, 2}
    assert all(0.05 < t.nm_per_K < 0.08 for t in stages)
    equal = [t for t in before.trimmers if not np.isfinite(t.fsr_nm)]
    assert {t.sheet for t in equal} == {"mach_zehnder_modulator_flip"}
    assert all(t.nm_per_K == t.mW_per_K == 0.0 and t.mW == pytest.approx(t.mW_per_pi / 2, rel=1e-6) for t in equal)
    lanes = [lane for lane in before.lanes if lane.modulator]
    assert all(before.trims[lane.modulator] == lane.heater_mW for lane in lanes)


def test_a_heater_away_from_its_working_point_closes_the_eye(arms: Simulator) -> None:
    before = arms.as_drawn(points=11)
    lane = before.lanes[0]
    trimmer = next(t for t in before.trimmers if t.instance == lane.modulator)
    off = under(arms, EngineCondition(trim_mW={trimmer.path: trimmer.mW + 0.6 * trimmer.mW_per_pi}))
    assert off.trims[lane.modulator] == pytest.approx(trimmer.mW + 0.6 * trimmer.mW_per_pi, abs=1e-3)
    assert off.lanes[0].insertion_loss_dB > lane.insertion_loss_dB + 3


def test_every_model_on_the_way_that_knows_of_temperature_gets_it(rings: Simulator) -> None:
    solver = solver_of(rings)
    hot = warmed(solver.bound, 25.0)
    touched = {cell for cell, entry in hot.items() if entry.params.get("dT") == 25.0}
    assert touched == {cell for cell, entry in solver.bound.items() if feels_heat(entry)}
    models = {solver.bound[cell].model.name for cell in touched}  # type: ignore[union-attr]
    assert {"straight", "ring_modulator", "add_drop_ring", "edge_coupler", "psr"} <= models
    twice = warmed(hot, 5.0)
    assert all(twice[cell].params["dT"] == 30.0 for cell in touched)


def test_simulate_takes_conditions_as_well(rings: Simulator) -> None:
    name = rings.engines[0].name
    direct = simulate(rings.file, netlists=rings.netlists, conditions={name: EngineCondition(20.0)})
    kept = under(rings, EngineCondition(20.0))
    assert [x.insertion_loss_dB for x in direct.lanes] == pytest.approx([x.insertion_loss_dB for x in kept.lanes])


def test_the_command_takes_a_temperature(
    rings: Simulator, cold: SimulationResult, capfd: pytest.CaptureFixture[str]
) -> None:
    file = str(rings.file.path)
    losses = {}
    for asked in ((), ("--temperature", "55"), ("--temperature", "55", "--reference", "55")):
        capfd.readouterr()
        assert run(["simulate", file, *asked, "--json"]) == 0
        document = json.loads(capfd.readouterr().out)
        assert ("temperature_C" in document) == bool(asked)
        losses[asked] = [lane["insertion_loss_dB"] for lane in document["lanes"]]
    drawn, warm, same = losses.values()
    assert drawn == same != warm
    expected = under(rings, EngineCondition(30.0))
    assert warm == pytest.approx([lane.insertion_loss_dB for lane in expected.lanes], abs=1e-3)
    assert run(["simulate", file, "--temperature", "900", "--json"]) == 2
