"""Aggressors of a small engine, against what a pencil gives; one is moved away."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import klayout.db as kdb
import klayout.rdb as rdb
import numpy as np
import pytest

from cpo_pdk.circuit.census.census import census
from cpo_pdk.circuit.census.results import Census, Victim
from cpo_pdk.models import Model, coupler
from cpo_pdk.report.census_files import census_csv, census_json, write_census_markers
from cpo_pdk.spec.sheet import Sheet

Draw = Any
WL = 1.31
LENGTH = 100.0
FACET, BACK, GUIDE, RING = 0.8, 0.05, 0.9, 0.7


def _flat(wl: Any, value: complex) -> np.ndarray:
    return np.full(np.shape(wl), value, complex)


def _both(entries: dict) -> dict:
    return {**entries, **{(b, a): v for (a, b), v in entries.items()}}


def facet(wl):
    back = _flat(wl, 1j * BACK)
    return _both({("o1", "o2"): _flat(wl, FACET), ("o1", "o1"): back, ("o2", "o2"): back})


def guide(wl):
    return _both({("o1", "o2"): _flat(wl, GUIDE)})


def ring(wl, *, V=0.0, tuning_nm=0.0):
    return _both({("o1", "o2"): _flat(wl, RING) - 0.2 * np.asarray(V)})


def crossing(wl):
    side = _flat(wl, 0.02j)
    return _both(
        {("o1", "o3"): _flat(wl, 0.95), ("o2", "o4"): _flat(wl, 0.95)}
        | {(a, b): side for a in ("o1", "o3") for b in ("o2", "o4")}
    )


MODELS = {
    m.name: m
    for m in (
        Model("facet", facet, ("o1", "o2")),
        Model("guide", guide, ("o1", "o2"), drawn_only={"length": "taken as 0.9"}),
        Model("ring", ring, ("o1", "o2"), resonances=lambda low, high, **_: np.array([WL]), tuning="tuning_nm"),
        Model("crossing", crossing, ("o1", "o2", "o3", "o4")),
    )
}


def _sheet(name: str, cell: str) -> Sheet:
    return Sheet(
        name=name,
        cell=cell,
        model=name,
        description="of a test",
        geometry={},
        parameters={},
        wl_range_um=(1.2, 1.4),
        select={},
    )


SHEETS = {
    s.name: s
    for s in (
        _sheet("facet", "edge_coupler"),
        _sheet("guide", "straight"),
        _sheet("ring", "ring_modulator"),
        _sheet("crossing", "crossing"),
    )
}


def engine(d: Draw, rows: tuple[float, ...], crossed: bool = False) -> Any:
    """Buses that lead east at some heights: facet, modulator, straight of 100 um, facet."""
    face = {"types": {"o2": "edge_coupler"}, "sections": {"o2": "face"}}
    ports = [(f"laser_{k + 1}", -10, y, 180) for k, y in enumerate(rows)]
    ports += [(f"tx_{k + 1}", 120, y, 0) for k, y in enumerate(rows)]
    types = {name: "edge_coupler" for name, *_ in ports}
    cell = d.cell("engine", ports, sections="face", types=types, info={"wl_um": [WL]})
    ends = [("o1", 0, 0, 180), ("o2", 10, 0, 0)]
    tip = d.cell("edge_coupler", ends, **face)
    mod = d.cell("ring_modulator", ends)
    straight = d.straight(LENGTH)
    for k, y in enumerate(rows):
        d.place(cell, tip, f"in_{k + 1}", 0, y, 180)
        d.place(cell, mod, f"mod_{k + 1}", 0, y)
        d.place(cell, straight, f"run_{k + 1}", 10, y)
        d.place(cell, tip, f"out_{k + 1}", 110, y)
    return cell


def take(d: Draw, limit_dB: float = -90.0) -> Census:
    return census(d.write(), SHEETS, MODELS, limit_dB=limit_dB)


def victim(result: Census, name: str) -> Victim:
    return next(v for v in result.victims if v.name.endswith(name))


def angle(gap: float) -> float:
    return float(coupler.coupling(WL, gap)[0]) * LENGTH


def dB(amplitude: float) -> float:
    return 20 * math.log10(amplitude)


def test_parallel_run_weighs_what_the_neighbour_carries(drawing: Draw) -> None:
    engine(drawing, (0.0, 1.0))
    found = victim(take(drawing, -60.0), "tx_1 channel 1")
    (entry,) = [e for e in found.entries if e.kind == "parallel"]
    # the aggressor has come as far as the victim: both carry the same power, half-way along the straights
    assert entry.level_dB == pytest.approx(dB(math.sin(angle(0.6))), abs=0.05)
    assert (entry.source, entry.instance) == ("laser_2 channel 1", "run_2 | run_1")
    assert (entry.x, entry.y) == (60.0, 0.5)


def test_moving_the_aggressor_away_removes_its_entry_and_nothing_else(new_drawing: Callable[[], Draw]) -> None:
    def entries(rows: tuple[float, ...]) -> dict[str, set[tuple[Any, ...]]]:
        d = new_drawing()
        engine(d, rows)
        return {
            v.name: {(e.kind, e.source, e.instance, round(e.level_dB, 6)) for e in v.entries} for v in take(d).victims
        }

    near, away = entries((0.0, 1.0, -1.1)), entries((0.0, 50.0, -1.1))
    gone = {name: near[name] - away[name] for name in near}
    assert all(away[name] <= near[name] for name in near)
    names = {name.split(" ", 1)[1]: {(kind, source) for kind, source, *_ in left} for name, left in gone.items()}
    assert names["tx_1 channel 1"] == {("parallel", "laser_2 channel 1")}
    assert names["tx_2 channel 1"] == {("parallel", "laser_1 channel 1")}
    assert names["tx_3 channel 1"] == set()
    assert all(kind == "parallel" for left in names.values() for kind, _ in left)


def test_reflections_into_the_laser_and_loops(drawing: Draw) -> None:
    engine(drawing, (0.0,))
    result = take(drawing)
    through = RING * GUIDE
    laser = [(e.kind, e.instance, round(e.level_dB, 2)) for e in victim(result, "laser_1 channel 1").entries[:2]]
    assert laser[0] == ("reflection", "in_1", round(dB(BACK), 2))
    assert laser[1][:2] == ("reflection", "out_1")
    assert laser[1][2] == pytest.approx(dB(FACET**2 * through**2 * BACK), abs=0.02)
    loops = [e for e in victim(result, "tx_1 channel 1").entries if e.kind == "loop"]
    assert loops[0].instance == "out_1 | in_1"
    assert loops[0].level_dB == pytest.approx(dB(BACK**2 * through**2), abs=0.02)


def test_sums_of_amplitudes_and_powers(drawing: Draw) -> None:
    engine(drawing, (0.0, 1.0, -1.0))
    found = victim(take(drawing), "tx_1 channel 1")
    levels = [e.level_dB for e in found.entries if e.kind != "echo"]
    assert len(levels) >= 3
    assert found.coherent_dB == pytest.approx(dB(sum(10 ** (x / 20) for x in levels)), abs=0.01)
    assert found.incoherent_dB == pytest.approx(10 * math.log10(sum(10 ** (x / 10) for x in levels)), abs=0.01)
    assert [e.level_dB for e in found.entries] == sorted((e.level_dB for e in found.entries), reverse=True)


def test_crossing_sends_light_into_the_other_bus(drawing: Draw) -> None:
    """The guide of the second laser passes the first bus in a crossing."""
    face = {"types": {"o2": "edge_coupler"}, "sections": {"o2": "face"}}
    ports = [("laser_1", -20, 0, 180), ("tx_1", 40, 0, 0), ("laser_2", 15, -30, 270), ("tx_2", 15, 30, 90)]
    types = {name: "edge_coupler" for name, *_ in ports}
    cell = drawing.cell("engine", ports, sections="face", types=types, info={"wl_um": [WL]})
    ends = [("o1", 0, 0, 180), ("o2", 10, 0, 0)]
    tip = drawing.cell("edge_coupler", ends, **face)
    mod = drawing.cell("ring_modulator", ends)
    four = [("o1", -5, 0, 180), ("o2", 0, 5, 90), ("o3", 5, 0, 0), ("o4", 0, -5, 270)]
    drawing.place(cell, drawing.cell("crossing", four), "cross", 15, 0)
    for name, x, y, turn in (("in_1", -10, 0, 180), ("out_1", 30, 0, 0), ("in_2", 15, -20, 270), ("out_2", 15, 20, 90)):
        drawing.place(cell, tip, name, x, y, turn)
    for name, x, y, turn in (("mod_1", 0, 0, 0), ("mod_2", 15, -15, 90)):
        drawing.place(cell, mod, name, x, y, turn)
    for name, x, y, turn in (("a", -10, 0, 0), ("b", 20, 0, 0), ("c", 15, 10, 90)):
        drawing.place(cell, drawing.straight(10), name, x, y, turn)
    for name, y, length in (("d", -20, 5), ("e", 5, 5)):
        drawing.place(cell, drawing.straight(length), name, 15, y, 90)
    found = victim(take(drawing), "tx_1 channel 1").entries[0]
    assert (found.kind, found.instance, found.source) == ("crossing", "cross", "laser_2 channel 1")
    assert (found.x, found.y) == (15.0, 0.0)
    # the first bus has one straight before the crossing, the second one as well
    assert found.level_dB == pytest.approx(dB(0.02 / 0.95), abs=0.02)


def test_two_engines_are_worked_on_once(drawing: Draw) -> None:
    cell = engine(drawing, (0.0, 1.0))
    top = drawing.cell("package")
    drawing.place(top, cell, "east", 1000, 0)
    drawing.place(top, cell, "north", 0, 1000, 90)
    result = take(drawing, -60.0)
    assert result.counts["engines"] == 2
    east, north = (victim(result, f"{name} tx_1 channel 1") for name in ("east", "north"))
    assert [e.level_dB for e in east.entries] == [e.level_dB for e in north.entries]
    (here,), (there,) = ([e for e in v.entries if e.kind == "parallel"] for v in (east, north))
    assert (here.x, here.y) == (1060.0, 0.5)
    assert (there.x, there.y) == (-0.5, 1060.0)
    assert all(part.startswith("north/") for part in there.instance.split(" | "))


def disc(radius: float, x: float, y: float) -> kdb.Region:
    """A ring of 0.4 um."""
    outer, inner = (
        kdb.DPolygon.ellipse(kdb.DBox(x - r, y - r, x + r, y + r), 256).to_itype(0.001)
        for r in (radius + 0.2, radius - 0.2)
    )
    return kdb.Region(outer) - kdb.Region(inner)


def test_a_ring_takes_and_gives_by_the_bus_that_turns_its_way(drawing: Draw) -> None:
    """The modulator of the first bus is drawn; its ring comes close to the straight of the second, which runs above."""
    gap, far, radius = 0.2, 0.5, 5.0
    top = gap + far + 2 * radius + 0.8
    face = {"types": {"o2": "edge_coupler"}, "sections": {"o2": "face"}}
    ports = [("laser_1", -20, 0, 180), ("tx_1", 50, 0, 0), ("laser_2", -20, top, 180), ("tx_2", 50, top, 0)]
    types = {name: "edge_coupler" for name, *_ in ports}
    cell = drawing.cell("engine", ports, sections="face", types=types, info={"wl_um": [WL]})
    ends = [("o1", 0, 0, 180), ("o2", 10, 0, 0)]
    tip = drawing.cell("edge_coupler", ends, **face)
    plain = drawing.cell("ring_modulator", ends)
    drawn = drawing.core(drawing.cell("ring_modulator", [("o1", 0, 0, 180), ("o2", 20, 0, 0)]), 20.0)
    drawn.shapes(drawing.layout.layer(1, 0)).insert(disc(radius, 10.0, gap + radius + 0.4))
    drawing.place(cell, drawn, "mod_1", 10, 0)
    drawing.place(cell, drawing.straight(20), "run_1", -10, 0)
    drawing.place(cell, drawing.straight(10), "end_1", 30, 0)
    drawing.place(cell, plain, "mod_2", -10, top)
    drawing.place(cell, drawing.straight(40), "run_2", 0, top)
    for k, y in enumerate((0, top)):
        drawing.place(cell, tip, f"in_{k + 1}", -10, y, 180)
        drawing.place(cell, tip, f"out_{k + 1}", 40, y)
    result = take(drawing)
    (run,) = [r for r in result.runs if {r.a, r.b} == {"mod_1", "run_2"}]
    _, k = coupler.ring_coupler(WL, gap=gap, radius=radius)
    most = float(k) / (1 - math.sqrt(1 - float(k) ** 2))
    # light that goes east below comes round to the west above: it meets the laser of the second bus, not its fibre
    back = [e for e in victim(result, "laser_2 channel 1").entries if e.kind == "parallel" and "laser_1" in e.source]
    assert back[0].instance == "mod_1 | run_2"
    expected = dB(FACET * GUIDE * most * math.sin(run.kappa) * GUIDE**0.5 * RING * FACET)
    assert back[0].level_dB == pytest.approx(expected, abs=0.3)
    onward = [e for e in victim(result, "tx_2 channel 1").entries if e.kind == "parallel" and "laser_1" in e.source]
    assert all(e.level_dB < back[0].level_dB - 15 for e in onward)


def test_written_forms_hold_every_entry(drawing: Draw, tmp_path: Path) -> None:
    engine(drawing, (0.0, 1.0))
    result = take(drawing)
    rows = list(csv.DictReader(census_csv(result).splitlines()))
    assert len(rows) == result.counts["entries"] > 0
    document = census_json(result)
    assert sum(len(v["entries"]) for v in document["victims"]) == len(rows)
    assert len(document["runs"]) == len(result.runs) == 1
    database = rdb.ReportDatabase("read back")
    database.load(str(write_census_markers(result, tmp_path / "census.lyrdb")))
    assert {c.name() for c in database.each_category()} == {e["kind"] for e in rows} | {"run"}
