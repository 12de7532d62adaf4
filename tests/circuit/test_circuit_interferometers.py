"""Lanes of an engine of Mach-Zehnders between (de)multiplexers, against what a pencil gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.census.census import census
from cpo_pdk.circuit.flattening import FlatCircuit, Leaf
from cpo_pdk.circuit.interferometers import INTERFEROMETER, SHARE_TOLERANCE, Lit, sections
from cpo_pdk.circuit.netlist import Connection
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.circuit.simulation import simulate
from cpo_pdk.circuit.tracing import REST
from cpo_pdk.circuit.waves import Waves
from cpo_pdk.errors import ModelError
from cpo_pdk.models import Model
from cpo_pdk.spec.sheet import Parameter, Sheet

INDEX, ORDER = 4.0, 50
#: the longer arm is ORDER turns longer at channel 1, half a turn less at channel 2; but for a little
EXTRA = ORDER * 1.30 / INDEX
CHANNELS = [1.30 * 1.0002, 1.30 * ORDER / (ORDER - 0.5) * 1.0003]
TIP, GUIDE, MOD, TM_TIP, PSR, DETECTOR = 0.8, 0.98, 0.9, 0.6, 0.95, 0.97
HALF_TURN_MW, HALF_TURN_V, SWING = 25.0, 16.0, 2.0


def both(entries: dict) -> dict:
    return {**entries, **{(b, a): v for (a, b), v in entries.items()}}


def flat(wl: Any, value: complex) -> np.ndarray:
    return np.full(np.shape(wl), value, complex)


def tip(wl):
    return both({("o1", "o2"): flat(wl, TIP), ("o1@TM", "o2@TM"): flat(wl, TM_TIP)})


def coupler(wl):
    bar, cross = flat(wl, math.sqrt(0.5)), flat(wl, 1j * math.sqrt(0.5))
    return both({("o1", "o3"): cross, ("o2", "o4"): cross, ("o1", "o4"): bar, ("o2", "o3"): bar})


def arm(wl, *, extra=0.0):
    return both({("o1", "o2"): GUIDE * np.exp(2j * np.pi * INDEX * extra / np.asarray(wl))})


def mach_zehnder(wl, *, V=0.0, heater_mW=0.0):
    turn = np.pi * (np.asarray(heater_mW) / HALF_TURN_MW + np.asarray(V) / HALF_TURN_V) + 0 * np.asarray(wl)
    across, along = MOD * np.cos(turn / 2), MOD * np.sin(turn / 2)
    return both(
        {("o1", "o3"): across + 0j, ("o2", "o4"): -across + 0j, ("o1", "o4"): along + 0j, ("o2", "o3"): along + 0j}
    )


def rotator(wl):
    return both({("o1", "o2"): flat(wl, PSR), ("o1@TM", "o3"): flat(wl, PSR)})


def detector(wl):
    return {("o1", "i1"): flat(wl, DETECTOR), ("o2", "i2"): flat(wl, DETECTOR)}


MODELS = {
    m.name: m
    for m in (
        Model("tip", tip, ("o1", "o2")),
        Model("coupler", coupler, ("o1", "o2", "o3", "o4")),
        Model("arm", arm, ("o1", "o2")),
        Model(
            "mach_zehnder",
            mach_zehnder,
            ("o1", "o2", "o3", "o4"),
            ranges={"heater_mW": (0.0, 100.0, "mW"), "V": (-4.0, 4.0, "V")},
        ),
        Model("rotator", rotator, ("o1", "o2", "o3")),
        Model("detector", detector, ("o1", "o2"), detectors=("i1", "i2")),
    )
}


def sheet(name: str, cell: str, **operating: float) -> Sheet:
    return Sheet(
        name=name,
        cell=cell,
        model=name,
        description="of a test",
        geometry={},
        parameters={},
        operating={k: Parameter(value=v, unit="V", source="this test") for k, v in operating.items()},
        wl_range_um=(1.2, 1.4),
    )


SHEETS = {
    s.name: s
    for s in (
        sheet("tip", "edge_coupler"),
        sheet("coupler", "mmi2x2"),
        sheet("arm", "straight"),
        sheet("mach_zehnder", "mach_zehnder_modulator", V_swing=SWING),
        sheet("rotator", "psr"),
        sheet("detector", "photodetector_dual"),
    )
}


def stage(d: Any) -> Any:
    """Splitter, two arms of which the lower is longer, splitter: in at o1, channel 1 out at o3, channel 2 at o4."""
    ends = [("o1", 0, -1, 180), ("o2", 0, 1, 180), ("o3", 10, 1, 0), ("o4", 10, -1, 0)]
    cell = d.cell("stage", [("o1", 0, -1, 180), ("o3", 40, 1, 0), ("o4", 40, -1, 0)])
    split = d.cell("mmi2x2", ends, info={"open_ports": ["o2"]})
    d.place(cell, split, "north_of_two")
    d.place(cell, d.cell("mmi2x2", ends), "join", 30)
    for name, y, extra in (("short", 1, 0.0), ("long", -1, EXTRA)):
        d.place(cell, d.cell("straight", [("o1", 0, 0, 180), ("o2", 20, 0, 0)], settings={"extra": extra}), name, 10, y)
    return cell


def engine(d: Any, *, modulators: int = 2, joined: bool = True, tx: int = 1, wl: list[float] | None = None) -> Any:
    """laser -> stage -> a modulator a channel -> stage -> tx; rx -> rotator -> two stages -> two dual detectors."""
    info = {"wl_um": wl or CHANNELS}
    ports = [p for k in range(tx) for p in ((f"laser_{k + 1}", -10, 50 * k, 180), (f"tx_{k + 1}", 110, 50 * k, 0))]
    ports.append(("rx_1", -10, -100, 180))
    types = {name: "edge_coupler" for name, *_ in ports}
    cell = d.cell("engine", ports, sections="face", types=types, info=info)
    ends = [("o1", 0, 0, 180), ("o2", 10, 0, 0)]
    face = d.cell("edge_coupler", ends, types={"o2": "edge_coupler"}, sections={"o2": "face"})
    filters = stage(d)
    four = [("o1", 0, 0, 180), ("o2", 0, -5, 180), ("o3", 20, 0, 0), ("o4", 20, -5, 0)]
    mod = d.cell("mach_zehnder_modulator", four, info={"open_ports": ["o2", "o4"]}) if modulators else None
    ends = [("o1", 0, 0, 180), ("o2", 20, 0, 0)]
    plain = d.cell("straight", ends, settings={"extra": 0.0}) if modulators < 2 else None
    for k in range(tx):
        y = 50 * k
        d.place(cell, face, f"in_{k + 1}", 0, y, 180)
        d.place(cell, filters, f"apart_{k + 1}", 0, y + 1)
        for number, dy in enumerate((2, 0)):
            d.place(cell, mod if number < modulators else plain, f"m_{k + 1}_{number + 1}", 40, y + dy)
        d.place(cell, filters, f"together_{k + 1}", 100, y + 1, 180, True)
        d.place(cell, face, f"out_{k + 1}", 100, y)
    d.place(cell, face, "in_rx", 0, -100, 180)
    d.place(cell, d.cell("psr", [("o1", 0, 0, 180), ("o2", 10, 10, 0), ("o3", 10, -10, 0)]), "rotator", 0, -100)
    for name, y in (("te", -90), ("tm", -110)):
        d.place(cell, filters, name, 10, y + 1)
    if joined:
        for number, dy in enumerate((2, 0)):
            pd = d.cell("photodetector_dual", [("o1", 0, dy - 90, 180), ("o2", 0, dy - 110, 180)])
            d.place(cell, pd, f"pd_{number + 1}", 50)
    return cell


def share(wl: float, port: str) -> float:
    """Power that a stage passes to o3 or o4."""
    turn = 2 * math.pi * INDEX * EXTRA / wl
    return GUIDE**2 * (math.cos(turn / 2) ** 2 if port == "o3" else math.sin(turn / 2) ** 2)


def amplitude(wl: float, port: str) -> complex:
    """Amplitude from o1 of a stage to o3 or o4."""
    long = GUIDE * np.exp(2j * np.pi * INDEX * EXTRA / wl)
    return 0.5j * (GUIDE + long) if port == "o3" else 0.5 * (long - GUIDE)


def at_level(volts: float) -> float:
    """Amplitude of a modulator at quadrature."""
    return MOD * math.cos(math.pi / 4 + math.pi * volts / HALF_TURN_V / 2)


def transmitted(wl: float, volts: tuple[float, float]) -> float:
    """Power from laser to fibre with the modulators of both channels at some voltages."""
    total = sum(amplitude(wl, p) ** 2 * at_level(v) for p, v in zip(("o3", "o4"), volts, strict=True))
    return abs(total) ** 2 * TIP**4


def sent(k: int) -> float:
    """Power of a channel at the transmit port."""
    return transmitted(CHANNELS[k], (-SWING, -SWING))


def dB(power: float) -> float:
    return -10 * math.log10(power)


def run(d: Any, **more: Any) -> SimulationResult:
    engine(d, **more)
    return simulate(d.write(), SHEETS, MODELS, points=11)


def test_a_mach_zehnder_sends_the_channel_that_the_demultiplexer_gives_it(drawing: Any) -> None:
    result = run(drawing)
    lanes = [lane for lane in result.lanes if lane.direction == "tx"]
    assert [lane.channel for lane in lanes] == [1, 2]
    one, zero = -SWING, SWING
    for k, lane in enumerate(lanes):
        wl = CHANNELS[k]
        assert lane.insertion_loss_dB == pytest.approx(dB(transmitted(wl, (one, one))), abs=1e-5)
        assert lane.heater_mW == pytest.approx(HALF_TURN_MW / 2, abs=1e-3)
        levels = (zero, one) if k == 0 else (one, zero)
        off = transmitted(wl, levels)
        assert lane.extinction_dB == pytest.approx(dB(off / transmitted(wl, (one, one))), abs=1e-4)
        other = transmitted(wl, (levels[1], levels[0]))
        leak = abs(transmitted(wl, (one, one)) - other) / abs(transmitted(wl, (one, one)) - off)
        assert lane.crosstalk_dB == pytest.approx(10 * math.log10(leak), abs=1e-3)
        assert [a.name for a in lane.aggressors] == [f"m_1_{2 - k}"]
        assert lane.tuning_nm == 0.0
    assert result.modulator["V_one"] == -result.modulator["V_zero"] == one
    assert result.modulator["heater_max_mW"] == pytest.approx(12.5, abs=1e-3)
    assert result.counts["modulators"] == 2
    assert result.counts["rings"] == 0


def test_an_interferometer_is_one_item(drawing: Any) -> None:
    for lane in run(drawing).lanes:
        assert sum(item.loss_dB for item in lane.items) == pytest.approx(lane.insertion_loss_dB, abs=1e-9)
        assert lane.items[-1].path == REST
        assert abs(lane.items[-1].loss_dB) < 0.05
        cells = [item.cell for item in lane.items[:-1]]
        if lane.direction == "tx":
            middle = [INTERFEROMETER, "mach_zehnder_modulator", INTERFEROMETER]
            assert cells == ["edge_coupler", *middle, "edge_coupler"]
            port = "o3" if lane.channel == 1 else "o4"
            for number in (1, 3):
                assert lane.items[number].loss_dB == pytest.approx(dB(share(lane.wl_um, port)), abs=0.02)
                assert lane.items[number].model == "coupler, arm"
            assert lane.items[1].instance == "apart_1"
        else:
            assert cells == ["edge_coupler", "psr", INTERFEROMETER, "photodetector_dual"]


def test_without_rings_each_channel_has_the_detector_that_it_reaches_best(drawing: Any) -> None:
    result = run(drawing)
    lanes = [lane for lane in result.lanes if lane.direction == "rx"]
    assert [(lane.channel, lane.polarization) for lane in lanes] == [(1, "TM"), (2, "TM")]
    for k, lane in enumerate(lanes):
        port, other = ("o3", "o4") if k == 0 else ("o4", "o3")
        wanted = share(CHANNELS[k], port)
        assert lane.insertion_loss_dB == pytest.approx(dB((TM_TIP * PSR * DETECTOR) ** 2 * wanted), abs=1e-9)
        leak = share(CHANNELS[1 - k], port) / wanted
        assert lane.crosstalk_dB == pytest.approx(max(10 * math.log10(leak), -200), abs=1e-3)
        assert share(CHANNELS[k], other) < 0.01
    matrix = result.crosstalk[lanes[0].engine, 1]
    assert np.all(np.argmax(matrix, axis=1) == [0, 1])
    spectrum = next(s for s in result.spectra if s.direction == "rx")
    assert list(spectrum.traces) == ["detector 1", "detector 2"]


SPLITTING = st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.floats(0.0, 2 * math.pi), st.floats(0.2, 1.0))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(SPLITTING, min_size=1, max_size=5))
def test_items_of_interferometers_in_a_row_are_their_own_transmissions(row: list[tuple[float, ...]]) -> None:
    """Any splitting ratios, arms and losses: nothing is left over but where an arm has nearly all of the light."""
    values: dict[str, dict] = {}
    links: list[Connection] = []
    expected, lost = [], 1.0
    for k, (first, second, turn, loss) in enumerate(row):
        for name, kappa in (("in", first), ("out", second)):
            bar, cross = np.array([math.sqrt(1 - kappa) + 0j]), np.array([1j * math.sqrt(kappa)])
            values[f"{k}/{name}"] = both(
                {("o1", "o3"): cross, ("o2", "o4"): cross, ("o1", "o4"): bar, ("o2", "o3"): bar}
            )
        upper, lower = loss * np.exp(1j * turn), 1.0
        values[f"{k}/up"] = both({("o1", "o2"): np.array([upper])})
        values[f"{k}/low"] = both({("o1", "o2"): np.array([lower + 0j])})
        links += [
            Connection((f"{k}/in", "o3"), (f"{k}/up", "o1")),
            Connection((f"{k}/in", "o4"), (f"{k}/low", "o1")),
            Connection((f"{k}/out", "o2"), (f"{k}/up", "o2")),
            Connection((f"{k}/low", "o2"), (f"{k}/out", "o1")),
        ]
        if k:
            links.append(Connection((f"{k - 1}/out", "o3"), (f"{k}/in", "o1")))
        north = 1j * math.sqrt(first) * upper * math.sqrt(1 - second) + math.sqrt(1 - first) * lower * 1j * math.sqrt(
            second
        )
        south = 1j * math.sqrt(first) * upper * 1j * math.sqrt(second) + math.sqrt(1 - first) * math.sqrt(1 - second)
        expected.append(abs(north) ** 2)
        lost *= abs(north) ** 2
        if loss == 1.0:
            assert abs(north) ** 2 + abs(south) ** 2 == pytest.approx(1.0, abs=1e-12)
    assume(all(power > 1e-4 for power in expected))
    leaves = {path: Leaf(path, "any", "any", 0.0, 0.0) for path in values}
    circuit = FlatCircuit("row", leaves, tuple(links), {}, ())
    bound = {"any": Bound("any", SHEETS["arm"], MODELS["arm"])}
    lit = Lit(Waves(values, links, 1))
    items = sections(lit, ("0/in", "o1"), [(f"{len(row) - 1}/out", "o3")], circuit, bound, values, 0, dB(lost))
    assert items is not None
    assert sum(item.loss_dB for item in items) == pytest.approx(dB(lost), abs=1e-9)
    assert abs(items[-1].loss_dB) <= -20 * math.log10(1 - SHARE_TOLERANCE) * len(row) + 1e-9
    whole = [dB(power) for power in expected]
    if all(item.cell == INTERFEROMETER for item in items[:-1]):
        assert items[-1].loss_dB == pytest.approx(0.0, abs=1e-9)
        assert [item.loss_dB for item in items[:-1]] == pytest.approx(whole, abs=1e-9)
        assert [item.instance for item in items[:-1]] == [str(k) for k in range(len(row))]


def test_two_fibres_of_one_laser_are_told_apart(drawing: Any) -> None:
    result = run(drawing, tx=2)
    names = {(lane.port, lane.channel): lane.aggressors[0].name for lane in result.lanes if lane.direction == "tx"}
    assert names == {(1, 1): "m_1_2", (1, 2): "m_1_1", (2, 1): "m_2_2", (2, 2): "m_2_1"}


def test_channels_are_numbered_as_the_engine_says_and_served_as_the_light_goes(new_drawing: Any) -> None:
    """With the wavelengths the other way round every lane is the same, under its other number."""
    there, back = run(new_drawing()), run(new_drawing(), wl=CHANNELS[::-1])
    for a in there.lanes:
        b = next(x for x in back.lanes if (x.direction, x.channel) == (a.direction, 3 - a.channel))
        assert (b.wl_um, b.polarization) == (a.wl_um, a.polarization)
        assert b.insertion_loss_dB == pytest.approx(a.insertion_loss_dB, abs=1e-12)
        assert b.crosstalk_dB == pytest.approx(a.crosstalk_dB, abs=1e-9)
        assert [i.instance for i in b.items] == [i.instance for i in a.items]


def test_a_ring_that_is_no_modulator_does_not_hide_the_mach_zehnder_before_it(drawing: Any) -> None:
    """laser -> Mach-Zehnder -> ring filter -> fibre: the ring is tuned, the Mach-Zehnder sends."""
    d, wl = drawing, 1.31

    def ring(grid, *, tuning_nm=0.0):
        return both({("o1", "o2"): np.where(np.abs(np.asarray(grid) - 1.309 - tuning_nm * 1e-3) < 1e-6, 0.7, 0.2) + 0j})

    models = {
        **MODELS,
        "ring": Model("ring", ring, ("o1", "o2"), resonances=lambda *_, **__: np.array([1.309]), tuning="tuning_nm"),
    }
    ports = [("laser_1", -10, 0, 180), ("tx_1", 40, 0, 0)]
    types = {name: "edge_coupler" for name, *_ in ports}
    cell = d.cell("engine", ports, sections="face", types=types, info={"wl_um": [wl]})
    ends = [("o1", 0, 0, 180), ("o2", 10, 0, 0)]
    face = d.cell("edge_coupler", ends, types={"o2": "edge_coupler"}, sections={"o2": "face"})
    four = [("o1", 0, 0, 180), ("o2", 0, -5, 180), ("o3", 20, 0, 0), ("o4", 20, -5, 0)]
    d.place(cell, face, "in", 0, 0, 180)
    d.place(cell, d.cell("mach_zehnder_modulator", four, info={"open_ports": ["o2", "o4"]}), "mod")
    d.place(cell, d.cell("all_pass_ring", ends), "ring", 20)
    d.place(cell, face, "out", 30)
    result = simulate(d.write(), {**SHEETS, "ring": sheet("ring", "all_pass_ring")}, models, points=3)
    (lane,) = result.lanes
    assert lane.insertion_loss_dB == pytest.approx(dB((TIP**2 * 0.7 * at_level(-SWING)) ** 2), abs=1e-5)
    assert lane.extinction_dB == pytest.approx(20 * math.log10(at_level(-SWING) / at_level(SWING)), abs=1e-4)
    assert lane.heater_mW == pytest.approx(HALF_TURN_MW / 2, abs=1e-3)
    assert (result.counts["rings"], result.counts["modulators"]) == (1, 1)


def test_a_channel_without_a_modulator_is_refused_a_fibre_without_any_is_said(new_drawing: Any) -> None:
    d = new_drawing()
    engine(d, modulators=1)
    with pytest.raises(ModelError, match=r"tx_1: channel 2 of 2 passes no modulator"):
        simulate(d.write(), SHEETS, MODELS, points=5)
    result = run(new_drawing(), modulators=0)
    assert any("nothing is modulated" in line for line in result.warnings)
    assert all(lane.extinction_dB is None and not lane.aggressors for lane in result.lanes if lane.direction == "tx")


def test_channels_that_the_demultiplexer_does_not_separate_are_refused(drawing: Any) -> None:
    engine(drawing, wl=[CHANNELS[0], CHANNELS[0] * ORDER / (ORDER - 1)])
    with pytest.raises(ModelError, match=r"tx_1: channels 1 and 2 pass m_1_1 alike, 1 allowed"):
        simulate(drawing.write(), SHEETS, MODELS, points=5)


def test_light_that_reaches_no_detector_is_refused(drawing: Any) -> None:
    engine(drawing, joined=False)
    with pytest.raises(ModelError, match="no detector behind rx_1"):
        simulate(drawing.write(), SHEETS, MODELS, points=5)


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda wl, *, V=0.0: mach_zehnder(wl, V=V), "has no heater_mW"),
        (lambda wl, *, V=0.0, heater_mW=0.0: mach_zehnder(wl, V=V), "the same light whatever its heater does"),
    ],
)
def test_a_swing_needs_an_interferometer_with_a_heater(drawing: Any, function: Any, match: str) -> None:
    engine(drawing)
    models = {**MODELS, "mach_zehnder": Model("mach_zehnder", function, ("o1", "o2", "o3", "o4"))}
    with pytest.raises(ModelError, match=match):
        simulate(drawing.write(), SHEETS, models, points=5)


@pytest.mark.parametrize("swing", [0.0, -2.0])
def test_a_swing_of_nothing_is_refused(drawing: Any, swing: float) -> None:
    engine(drawing)
    sheets = {**SHEETS, "mach_zehnder": sheet("mach_zehnder", "mach_zehnder_modulator", V_swing=swing)}
    with pytest.raises(ModelError, match="more than 0 needed"):
        simulate(drawing.write(), sheets, MODELS, points=5)


def test_a_heater_of_less_than_half_a_turn_is_said(drawing: Any) -> None:
    engine(drawing)
    sheets = {
        **SHEETS,
        "mach_zehnder": SHEETS["mach_zehnder"].model_copy(update={"ranges": {"heater_mW": (0.0, 20.0)}}),
    }
    result = simulate(drawing.write(), sheets, MODELS, points=5)
    assert any("less than half a turn" in line for line in result.warnings)


def test_census_of_an_engine_without_rings(drawing: Any) -> None:
    engine(drawing)
    found = census(drawing.write(), SHEETS, MODELS, limit_dB=-100.0)
    kinds = {(v.direction, e.kind) for v in found.victims for e in v.entries}
    assert ("rx", "neighbour") in kinds
    assert ("tx", "modulation") in kinds
    received = next(v for v in found.victims if v.direction == "rx" and v.channel == 2 and v.polarization == "TE")
    assert received.entries[0].what == "photodetector_dual on channel 2 receives it as well"
    assert received.entries[0].level_dB == pytest.approx(
        10 * math.log10(share(CHANNELS[0], "o4") / share(CHANNELS[1], "o4") * sent(0) / sent(1)), abs=0.01
    )
