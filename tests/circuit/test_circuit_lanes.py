"""Lanes of a small engine, against what a pencil gives; two of them in a package, turned and mirrored."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cpo_pdk.circuit.census.census import census
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.circuit.simulation import s_parameters, simulate
from cpo_pdk.circuit.tracing import REST
from cpo_pdk.errors import LayoutError, ModelError
from cpo_pdk.models import Model
from cpo_pdk.spec.sheet import Parameter, Sheet

CHANNELS = [1.3000, 1.3011]
FSR = 0.010
FACET, SPLIT, TM_FACET, LEAK = 0.8, 0.70, 0.6, 0.02


def device_model(
    name: str, function: Any, ports: tuple[str, ...], detectors: tuple[str, ...] = (), **more: Any
) -> Model:
    return Model(name, function, ports, detectors=detectors, **more)


def device_sheet(
    name: str,
    cell: str,
    model: str | None,
    geometry: dict[str, Any] | None = None,
    values: dict[str, float] | None = None,
    operating_values: dict[str, float] | None = None,
    wl_range_um: tuple[float, float] = (1.2, 1.4),
    ranges: dict[str, tuple[float, float]] | None = None,
    select: dict[str, Any] | None = None,
) -> Sheet:
    def numbers(given: dict[str, float] | None) -> dict[str, Parameter]:
        return {k: Parameter(value=v, unit="1", source="this test") for k, v in (given or {}).items()}

    return Sheet(
        name=name,
        cell=cell,
        model=model,
        no_model=None if model else "none here",
        description="of a test",
        geometry=geometry or {},
        parameters=numbers(values),
        operating=numbers(operating_values),
        wl_range_um=wl_range_um,
        ranges=ranges or {},
        select=select or {},
    )


def both(entries: dict) -> dict:
    return {**entries, **{(b, a): v for (a, b), v in entries.items()}}


def flat(wl: Any, value: complex) -> np.ndarray:
    return np.full(np.shape(wl), value, complex)


def facet(wl):
    return both({("o1", "o2"): flat(wl, FACET), ("o1@TM", "o2@TM"): flat(wl, TM_FACET)})


def fibre(wl, *, length=1.0):
    return both({("o1", "o2"): flat(wl, 10 ** (-length * 1e-4 / 20))})


def split(wl):
    return both({("o1", "o2"): flat(wl, SPLIT), ("o1", "o3"): flat(wl, SPLIT)})


def psr(wl):
    return both({("o1", "o2"): flat(wl, 0.9), ("o1@TM", "o3"): flat(wl, 0.85), ("o1@TM", "o2"): flat(wl, LEAK)})


def dip(wl, resonance, tuning_nm, V):
    """Amplitude of a resonance 0.2 nm wide that repeats every free spectral range."""
    where = np.asarray(resonance) + (np.asarray(tuning_nm) + 0.1 * np.asarray(V)) * 1e-3
    off = (np.asarray(wl) - where + FSR / 2) % FSR - FSR / 2
    return 1 / (1 + 1j * off / 1e-4)


def modulator(wl, *, resonance=1.3, V=0.0, tuning_nm=0.0):
    return both({("o1", "o2"): 0.99 * (1 - 0.9 * dip(wl, resonance, tuning_nm, V))})


def filter_ring(wl, *, resonance=1.3, tuning_nm=0.0):
    x = dip(wl, resonance, tuning_nm, 0.0)
    return both({("o1", "o4"): 0.98 * (1 - 0.95 * x), ("o1", "o2"): 0.9 * x})


def detector(wl):
    return {("o1", "i1"): flat(wl, 0.95), ("o2", "i2"): flat(wl, 0.95)}


def comb(low, high, *, resonance=1.3, **_):
    orders = np.arange(math.ceil((low - resonance) / FSR), math.floor((high - resonance) / FSR) + 1)
    return resonance + orders * FSR


MODELS = {
    m.name: m
    for m in (
        device_model("facet", facet, ("o1", "o2")),
        device_model("fibre", fibre, ("o1", "o2")),
        device_model("split", split, ("o1", "o2", "o3")),
        device_model("psr", psr, ("o1", "o2", "o3")),
        device_model("modulator", modulator, ("o1", "o2"), resonances=comb, tuning="tuning_nm"),
        device_model("filter", filter_ring, ("o1", "o2", "o3", "o4"), resonances=comb, tuning="tuning_nm"),
        device_model("detector", detector, ("o1", "o2"), ("i1", "i2")),
    )
}
DRIVE = {"V_one": 3.0, "V_zero": 0.0, "detuning_nm": 0.05}
SHEETS = {
    s.name: s
    for s in (
        device_sheet("coupler", "edge_coupler", "facet"),
        device_sheet("smf", "fiber", "fibre"),
        device_sheet("mmi", "mmi1x2", "split"),
        device_sheet("rotator", "psr", "psr"),
        device_sheet("mod", "ring_modulator", "modulator", operating_values=DRIVE),
        device_sheet("drop", "add_drop_ring", "filter"),
        device_sheet("pd", "photodetector_dual", "detector"),
    )
}
#: the second ring of each bus sits nearer to the first channel
RESONANCES = (1.30090, 1.29980)


def engine(d: Any, info: dict | None = None, rings: int = 2) -> Any:
    """laser -> splitter -> two buses of two modulators; one receive port with two buses of two filters."""
    ports = [("laser_1", -10, 0, 180), ("tx_1", 50, 20, 0), ("tx_2", 50, -20, 0), ("rx_1", -10, 100, 180)]
    types = {name: "edge_coupler" for name, *_ in ports}
    cell = d.cell("engine", ports, sections="face", types=types, info=info if info is not None else {"wl_um": CHANNELS})
    ends = [("o1", 0, 0, 180), ("o2", 10, 0, 0)]
    tip = d.cell("edge_coupler", ends, types={"o2": "edge_coupler"}, sections={"o2": "face"})
    for name, x, y, angle in (("laser", 0, 0, 180), ("tx_a", 40, 20, 0), ("tx_b", 40, -20, 0), ("rx", 0, 100, 180)):
        d.place(cell, tip, f"tip_{name}", x, y, angle)
    tree = d.cell("mmi1x2", [("o1", 0, 0, 180), ("o2", 10, 20, 0), ("o3", 10, -20, 0)])
    d.place(cell, tree, "tree")
    mods = [d.cell("ring_modulator", ends, settings={"resonance": r}) for r in RESONANCES[:rings]]
    for row, y in (("a", 20), ("b", -20)):
        for k, mod in enumerate(mods):
            d.place(cell, mod, f"mod_{row}{k + 1}", 10 + 10 * k, y)
        if rings == 2:
            d.place(cell, d.cell("edge_coupler", ends), f"run_{row}", 30, y)
    d.place(cell, d.cell("psr", [("o1", 0, 0, 180), ("o2", 10, 10, 0), ("o3", 10, -10, 0)]), "psr", 0, 100)
    four = [("o1", 0, 0, 180), ("o2", 0, 5, 180), ("o3", 8, 5, 0), ("o4", 10, 0, 0)]
    drops = [
        d.cell("add_drop_ring", four, settings={"resonance": r}, info={"open_ports": ["o3", "o4"]}) for r in RESONANCES
    ]
    both_ends = [("o1", 0, 5, 90), ("o2", 0, -5, 270)]
    for k, drop in enumerate(drops):
        d.place(cell, drop, f"ring_te{k + 1}", 10 + 10 * k, 110)
        d.place(cell, drop, f"ring_tm{k + 1}", 10 + 10 * k, 90, 0, True)
    # drop ports face west at y = 115 and 85; a detector behind each pair, reached over bends
    bends_x = [("o1", 0, 0, 0), ("o2", -5, -10, 270)]
    for k in range(2):
        x = 10 + 10 * k
        d.place(cell, d.cell("photodetector_dual", both_ends), f"pd_{k + 1}", x - 5, 100)
        bend = d.cell("edge_coupler", bends_x)
        d.place(cell, bend, f"bend_te{k + 1}", x, 115)
        d.place(cell, bend, f"bend_tm{k + 1}", x, 85, 0, True)
    return cell


def check_items(result: SimulationResult) -> None:
    for lane in result.lanes:
        assert sum(item.loss_dB for item in lane.items) == pytest.approx(lane.insertion_loss_dB, abs=1e-9)
        assert lane.items[-1].path == REST


def dB(power: float) -> float:
    return -10 * math.log10(power)


def tuned(channel: int, detuning_nm: float = 0.0) -> tuple[int, float]:
    """Ring (0 or 1) of a channel when the least total shift is taken, and its shift in nm."""
    best = None
    for order in ((0, 1), (1, 0)):
        shifts = [
            ((CHANNELS[c] - detuning_nm * 1e-3 - RESONANCES[r]) % FSR) * 1e3 for r, c in zip((0, 1), order, strict=True)
        ]
        if best is None or sum(shifts) < best[0]:
            best = (sum(shifts), order, shifts)
    assert best is not None
    ring = best[1].index(channel)
    return ring, best[2][ring]


def modulator_power(wl: float, levels: dict[int, float]) -> float:
    """Power through both modulators; `levels`: channel -> voltage."""
    total = 1.0
    for channel, voltage in levels.items():
        ring, shift = tuned(channel, DRIVE["detuning_nm"])
        t = 0.99 * (1 - 0.9 * dip(wl, RESONANCES[ring], shift, voltage))
        total *= abs(complex(t)) ** 2
    return total


def test_transmit_lanes_are_the_product_of_the_elements(drawing: Any) -> None:
    engine(drawing)
    result = simulate(drawing.write(), SHEETS, MODELS, points=21)
    check_items(result)
    lanes = [lane for lane in result.lanes if lane.direction == "tx"]
    assert [(lane.port, lane.channel, lane.fibre) for lane in lanes] == [
        (1, 1, "tx_1"),
        (1, 2, "tx_1"),
        (2, 1, "tx_2"),
        (2, 2, "tx_2"),
    ]
    for lane in lanes:
        k = lane.channel - 1
        wl = CHANNELS[k]
        one = modulator_power(wl, {0: 3.0, 1: 3.0})
        assert lane.insertion_loss_dB == pytest.approx(dB((FACET**3 * SPLIT) ** 2 * one), abs=1e-6)
        assert lane.tuning_nm == pytest.approx(tuned(k, DRIVE["detuning_nm"])[1], abs=1e-6)
        assert abs(lane.items[-1].loss_dB) < 1e-9
        own = abs(one - modulator_power(wl, {k: 0.0, 1 - k: 3.0}))
        other = abs(one - modulator_power(wl, {k: 3.0, 1 - k: 0.0}))
        assert lane.crosstalk_dB == pytest.approx(10 * math.log10(other / own), abs=1e-6)
        assert len(lane.aggressors) == 1
        assert lane.aggressors[0].level_dB == pytest.approx(lane.crosstalk_dB, abs=1e-9)
    assert result.modulator["V_one"] == 3.0
    assert [s.direction for s in result.spectra] == ["tx", "rx"]
    assert result.counts["rings"] == 8


def drop_power(wl: float, channel: int, mode: str) -> float:
    """Power in the detector of a channel, by hand: through the rings before, into the drop, over one bend."""
    ring, _ = tuned(channel)
    amplitude = FACET * 0.9 if mode == "TE" else TM_FACET * 0.85
    for before in range(ring + 1):
        of = next(c for c in (0, 1) if tuned(c)[0] == before)
        x = complex(dip(wl, RESONANCES[before], tuned(of)[1], 0.0))
        amplitude *= abs(0.9 * x) if before == ring else abs(0.98 * (1 - 0.95 * x))
    return (amplitude * FACET * 0.95) ** 2


def test_receive_lanes_take_the_worse_polarisation(drawing: Any) -> None:
    engine(drawing)
    result = simulate(drawing.write(), SHEETS, MODELS, points=21)
    check_items(result)
    lanes = [lane for lane in result.lanes if lane.direction == "rx"]
    assert len(lanes) == 2
    for lane in lanes:
        k = lane.channel - 1
        assert lane.polarization == "TM"
        way = drop_power(CHANNELS[k], k, "TM")
        second = drop_power(CHANNELS[k], k, "TE") * (TM_FACET * LEAK / (FACET * 0.9)) ** 2
        assert lane.insertion_loss_dB == pytest.approx(dB(way + second), abs=1e-6)
        assert lane.items[-1].loss_dB == pytest.approx(dB((way + second) / way), abs=1e-6)
        assert lane.tuning_nm == pytest.approx(tuned(k)[1], abs=1e-6)
        assert [i.path for i in lane.items if i.cell == "psr"] == ["o1@TM>o3"]
        levels = [drop_power(CHANNELS[1 - k], k, mode) / drop_power(CHANNELS[k], k, mode) for mode in ("TE", "TM")]
        assert lane.crosstalk_dB == pytest.approx(10 * math.log10(max(levels)), abs=1e-3)
    matrix = result.crosstalk[result.lanes[0].engine, 1]
    assert matrix.shape == (2, 2)
    np.testing.assert_allclose(np.diag(matrix), 0.0, atol=1e-12)
    assert matrix[0, 1] == pytest.approx(lanes[0].crosstalk_dB, abs=1e-9)


def package(d: Any, connectors: bool = True, spare: bool = False) -> Path:
    """Two engines, one turned and mirrored; fibres at the facets of the first, a connector at its transmit fibres.

    The second has a fibre at its receive port only, or none if it is a spare.
    """
    cell = engine(d)
    top = d.cell("package")
    d.place(top, cell, "engine_1", 0, 0)
    d.place(top, cell, "engine_2", 1000, 500, 90, True)
    ends = [("o1", 0, 0, 180), ("o2", 100, 0, 0)]
    types = {"o1": "edge_fiber", "o2": "edge_fiber"}
    glass = d.cell("fiber", ends, sections="face", types=types, info={"length": 5000.0})
    plug = d.cell(
        "connector",
        [("p1", 0, 0, 180), ("p2", 0, 40, 180)],
        sections="face",
        types={"p1": "edge_connector", "p2": "edge_connector"},
        settings={"name": "MPO-E1"},
    )
    d.place(top, glass, "g_laser", -10, 0, 180)
    d.place(top, glass, "g_tx1", 50, 20)
    d.place(top, glass, "g_tx2", 50, -20)
    d.place(top, glass, "g_rx", -10, 100, 180)
    if not spare:
        d.place(top, glass, "g_rx2", 1100, 490, 270)
    if connectors:
        d.place(top, plug, "plug", 150, -20)
    return d.write()


def test_package_adds_fibres_and_names_connector_positions(drawing: Any) -> None:
    result = simulate(package(drawing), SHEETS, MODELS, points=5)
    check_items(result)
    assert result.counts["engines"] == 2
    assert result.counts["engine_cells"] == 1
    by = {(lane.engine, lane.direction, lane.port, lane.channel): lane for lane in result.lanes}
    assert len(by) == 12
    first, second = by["engine_1", "tx", 2, 1], by["engine_2", "tx", 2, 1]
    assert (first.fibre, by["engine_1", "tx", 1, 1].fibre, second.fibre) == ("MPO-E1.1", "MPO-E1.2", "tx_2")
    assert first.insertion_loss_dB - second.insertion_loss_dB == pytest.approx(2 * 5000e-4, abs=1e-9)
    assert [i.instance for i in first.items[:2]] == ["g_laser", "engine_1/tip_laser"]
    assert first.items[-2].instance == "g_tx2"
    received = by["engine_1", "rx", 1, 2]
    assert received.items[0].instance == "g_rx"
    assert received.insertion_loss_dB == pytest.approx(by["engine_2", "rx", 1, 2].insertion_loss_dB, abs=1e-9)
    for a, b in zip(first.items[1:-2], second.items[:-1], strict=True):
        assert a.loss_dB == pytest.approx(b.loss_dB, abs=1e-12)
        assert (b.x, b.y) == pytest.approx((1000 + a.y, 500 + a.x))
    assert first.aggressors[0].name.startswith("engine_1/mod_b")


def test_one_laser_module_feeds_several_engines(drawing: Any) -> None:
    """Positions of a shared module, one of them open; the lasers of either engine are told apart."""
    d = drawing
    cell = engine(d)
    top = d.cell("package")
    d.place(top, cell, "engine_1", 0, 0)
    d.place(top, cell, "engine_2", 0, 1000)
    face = {"sections": "face", "types": {"o1": "edge_fiber", "o2": "edge_fiber"}}
    for number, y in (("1", 0), ("2", 1000)):
        up = d.cell(
            "fiber", [("o1", 0, 0, 0), ("o2", -490, 500 - y + 40 * int(number), 180)], info={"length": 9.0}, **face
        )
        d.place(top, up, f"g_laser{number}", -10, y)
    open_port = {"p1": "edge_connector", "p2": "edge_connector", "p3": "edge_connector"}
    plug = d.cell(
        "connector",
        [("p1", 0, 0, 0), ("p2", 0, 40, 0), ("p3", 0, 80, 0)],
        sections="face",
        types=open_port,
        settings={"name": "ELS-1"},
        info={"open_ports": ["p1"]},
    )
    d.place(top, plug, "els", -500, 500)
    result = simulate(d.write(), SHEETS, MODELS, points=5)
    assert result.counts["netlist_problems"] == 0, result.warnings
    lasers = {(lane.engine, lane.laser) for lane in result.lanes if lane.direction == "tx"}
    assert lasers == {("engine_1", "ELS-1.2"), ("engine_2", "ELS-1.3")}
    assert {lane.laser for lane in result.lanes if lane.direction == "rx"} == {""}
    assert result.counts["engine_cells"] == 1


def test_an_engine_without_fibres_is_a_spare_and_has_no_lanes(new_drawing: Any) -> None:
    alone, both = (simulate(package(new_drawing(), spare=s), SHEETS, MODELS, points=5) for s in (True, False))
    assert {lane.engine for lane in alone.lanes} == {"engine_1"}
    assert (alone.counts["engines"], alone.counts["spares"]) == (1, 1)
    assert (both.counts["engines"], both.counts["spares"]) == (2, 0)
    assert alone.lanes == tuple(lane for lane in both.lanes if lane.engine == "engine_1")
    found = census(package(new_drawing(), spare=True), SHEETS, MODELS)
    assert {victim.engine for victim in found.victims} == {"engine_1"}
    assert found.counts["engines"] == 1


def test_an_engine_cell_is_solved_once_however_often_it_stands(new_drawing: Any) -> None:
    counts = []
    for number in (2, 36):
        d = new_drawing()
        cell = engine(d)
        top = d.cell("package")
        for k in range(number):
            d.place(top, cell, f"engine_{k}", 0, 1000 * k)
        result = simulate(d.write(), SHEETS, MODELS, points=5)
        assert len(result.lanes) == 6 * number
        counts.append(result.counts)
    for what in ("engine_cells", "model_evaluations", "products", "wavelengths"):
        assert counts[0][what] == counts[1][what], what
    assert counts[1]["engines"] == 36


def test_engine_with_too_few_rings_is_refused(drawing: Any) -> None:
    engine(drawing, rings=1)
    with pytest.raises(ModelError, match=r"tx_|no laser port reaches"):
        simulate(drawing.write(), SHEETS, MODELS, points=5)


def test_rings_that_nobody_drives_are_filters(drawing: Any) -> None:
    engine(drawing)
    sheets = {**SHEETS, "mod": device_sheet("mod", "ring_modulator", "modulator")}
    result = simulate(drawing.write(), sheets, MODELS, points=5)
    sent = [lane for lane in result.lanes if lane.direction == "tx"]
    assert all(lane.extinction_dB is None and not lane.aggressors for lane in sent)
    assert result.counts["modulators"] == 0
    assert sum("nothing is modulated" in line for line in result.warnings) == 2


@pytest.mark.parametrize(
    "info", [{}, {"wl_um": []}, {"wl_um": "x"}, {"wl_um": [1300.0, 1301.0]}, {"wl_um": [1.3, 1.3]}]
)
def test_engine_without_channels_is_refused(drawing: Any, info: dict) -> None:
    engine(drawing, info)
    with pytest.raises(LayoutError, match="wl_um"):
        simulate(drawing.write(), SHEETS, MODELS, points=5)


@pytest.mark.parametrize(("points", "span"), [(1, None), (10**7, None), (11, (1.32, 1.30)), (11, (1300.0, 1320.0))])
def test_senseless_grids_are_refused(drawing: Any, points: int, span: tuple[float, float] | None) -> None:
    engine(drawing)
    with pytest.raises(LayoutError, match=r"points|span"):
        simulate(drawing.write(), SHEETS, MODELS, points=points, span_um=span)


def test_three_channels_for_two_rings(drawing: Any) -> None:
    engine(drawing, {"wl_um": [1.3, 1.3011, 1.3022]})
    with pytest.raises(ModelError, match="2 rings for 3 channels"):
        simulate(drawing.write(), SHEETS, MODELS, points=5)


def test_s_parameters_of_any_cell(drawing: Any) -> None:
    engine(drawing)
    wl = np.array([1.29, 1.30])
    s = s_parameters(drawing.write(), wl, SHEETS, MODELS)
    value = FACET**3 * SPLIT
    for ring in RESONANCES:
        value = value * 0.99 * (1 - 0.9 * dip(wl, ring, 0.0, 0.0))
    np.testing.assert_allclose(s["laser_1", "tx_1"], value, atol=1e-12)
    assert ("rx_1@TM", "pd_1:i2") in s


def test_s_parameters_of_a_single_device(new_drawing: Any) -> None:
    d = new_drawing()
    d.cell("mmi1x2", [("o1", 0, 0, 180), ("o2", 10, 20, 0), ("o3", 10, -20, 0)])
    s = s_parameters(d.write(), 1.3, SHEETS, MODELS)
    assert s["o1", "o3"] == pytest.approx(SPLIT)
