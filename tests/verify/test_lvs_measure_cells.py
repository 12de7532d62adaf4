"""Every cell over its range: what is measured in its polygons is what it was drawn with, and nothing is left out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpo_pdk.assemblies.writing import canonical_layout
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.components import CELLS, limits_of
from cpo_pdk.components.cell import Count, Flag, Maybe, OneOf, Points, Real, Text, Um
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.lvs.measure import ARGUMENTS, MEASURES, NOT_MEASURED, Measurer, measure, measured_layout
from cpo_pdk.verify.lvs.measure.cells import terminals_of
from cpo_pdk.verify.lvs.measure.comparing import measured_cells, rule_of
from cpo_pdk.verify.lvs.measure.drawn import Terminal
from cpo_pdk.verify.lvs.measure.record import CONTACT_GAP, SLAB, recorded, stack_cuts

#: composed of cells that are measured by themselves
_BLOCKS = {name for name in CELLS if name.endswith("_block")}
_DEVICES = sorted(set(CELLS) - _BLOCKS)
#: needs arguments that go together: a test of its own
_SPIRAL = {"spiral"}
#: arguments that are drawn in a variant of the cell only
_VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "ring_modulator": ({}, {"junction": "interleaved", "junction_fill": 0.5}),
    "straight": ({}, {"cross_section": "rib", "width": 0.5}),
}


#: those of the process; other tests add cells of their own while they run
SHIPPED = frozenset(CELLS)
#: large ones hold thousands of polygons, each like the other
_SMALLER: dict[tuple[str, str], Any] = {
    ("via_stack", "size"): Um(1.42, 20),
    ("grating_coupler_dual", "n_holes"): Count(15, 20),
    ("edge_coupler_array", "n"): Count(1, 8),
}


def _numeric(name: str) -> set[str]:
    def is_number(limit: Any) -> bool:
        if isinstance(limit, OneOf):
            return not isinstance(limit.values[0], str)
        return isinstance(limit, Um | Real | Count | Maybe)

    return {key for key, limit in limits_of(CELLS[name]).items() if is_number(limit)}


def _written(component: Any, folder: Path) -> LayoutFile:
    path = folder / "cell.gds"
    canonical_layout(component, {}).write(str(path))
    return read_layout(path)


def _values(limit: Any) -> st.SearchStrategy[Any]:
    """Values that an argument allows; lengths below 400 um, both ends of the range more often than by chance."""
    if isinstance(limit, Um):
        low, high = round(limit.low * 1000), round(min(limit.high, max(400.0, limit.low * 2)) * 1000)
        return st.one_of(st.sampled_from((low, high)), st.integers(low, high)).map(lambda n: n / 1000)
    if isinstance(limit, Maybe):
        return st.none() | _values(limit.limit)
    if isinstance(limit, Real):
        return st.floats(limit.low, limit.high, allow_nan=False)
    if isinstance(limit, Count):
        return st.integers(limit.low, min(limit.high, limit.low + 30))
    if isinstance(limit, OneOf):
        return st.sampled_from(limit.values)
    if isinstance(limit, Flag):
        return st.booleans()
    if isinstance(limit, Text):
        return st.just("abc")
    if isinstance(limit, Points):
        legs = st.lists(st.integers(250_000, 900_000), min_size=1, max_size=5)
        return legs.map(_staircase)
    return st.lists(_steps(), min_size=1, max_size=5).map(tuple)


def _staircase(legs: list[int]) -> tuple[tuple[float, float], ...]:
    points = [(0.0, 0.0)]
    for number, leg in enumerate(legs):
        x, y = points[-1]
        points.append((x + leg / 1000, y) if number % 2 else (x, y + leg / 1000))
    return tuple(points)


def _steps() -> st.SearchStrategy[tuple[str, float, float]]:
    line = st.integers(130_000, 50_000_000).map(lambda n: ("line", n / 1000, 0.0))
    arc = st.tuples(st.integers(5_000_000, 30_000_000), st.sampled_from((90.0, -90.0)))
    aside = st.tuples(st.integers(9_000_000, 40_000_000), st.integers(-3_000_000, 3_000_000))
    return st.one_of(
        line,
        arc.map(lambda v: ("arc", v[0] / 1000, v[1])),
        aside.map(lambda v: ("s", v[0] / 1000, v[1] / 1000)),
    )


def _arguments(name: str, data: st.DataObject) -> dict[str, Any]:
    limits = {key: _SMALLER.get((name, key), limit) for key, limit in limits_of(CELLS[name]).items()}
    return {key: data.draw(_values(limit), label=key) for key, limit in limits.items()}


@pytest.mark.parametrize("name", sorted(set(_DEVICES) - _SPIRAL))
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_what_is_drawn_is_measured(name: str, data: st.DataObject, tmp_path: Path) -> None:
    try:
        component = CELLS[name](**_arguments(name, data))
    except ParameterError:
        return
    violations, counts = measured_layout(_written(component, tmp_path))
    assert [v.message for v in violations] == []
    assert counts["parameters"] > 0


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(
    n_turns=st.integers(1, 6),
    radius=st.integers(5_000, 40_000),
    spacing=st.integers(3_000, 20_000),
    kind=st.sampled_from(("strip", "rib")),
    same_side=st.booleans(),
)
def test_spirals_are_measured(
    n_turns: int, radius: int, spacing: int, kind: str, same_side: bool, tmp_path: Path
) -> None:
    shape = {"n_turns": n_turns, "radius": radius / 1000, "spacing": spacing / 1000, "cross_section": kind}
    component = CELLS["spiral"](length=20_000.0, same_side=same_side, **shape)
    violations, _ = measured_layout(_written(component, tmp_path))
    assert [v.message for v in violations] == []


@pytest.mark.parametrize("name", sorted(_BLOCKS))
def test_blocks_are_measured_part_by_part(name: str, tmp_path: Path) -> None:
    violations, counts = measured_layout(_written(CELLS[name](), tmp_path))
    assert [v.message for v in violations] == []
    assert counts["devices"] > 20


@pytest.mark.parametrize(
    ("name", "arguments", "layer"),
    [
        ("fiber", {"level": 3}, "FIBER_3"),
        ("fiber", {"kind": "PM", "level": 3}, "FIBER_PM"),
        ("fiber", {"route": (("line", 500.0, 0.0), ("arc", 15_000.0, 20.0), ("arc", 15_000.0, -20.0))}, "FIBER"),
        ("connector", {"row": 2}, "CONNECTOR_2"),
        ("connector", {"row": 0}, "CONNECTOR_PM"),
        ("connector", {"n": 8, "empty": (1, 8)}, "CONNECTOR"),
    ],
)
def test_layers_of_ribbons_are_measured(name: str, arguments: dict[str, Any], layer: str, tmp_path: Path) -> None:
    file = _written(CELLS[name](**arguments), tmp_path)
    violations, counts = measured_layout(file)
    assert [v.message for v in violations] == []
    assert counts["parameters"] >= 4
    for cell in file.layout.each_cell():
        above = "FIBER_8" if name == "fiber" else "CONNECTOR_8"
        cell.move(file.layout.layer(*layer_of(layer)), file.layout.layer(*layer_of(above)))
    said = [v.message for v in measured_layout(file)[0]]
    assert any(text.startswith(f"layer is {above} as drawn, {layer} as recorded") for text in said), said


def test_arguments_are_those_of_the_cells() -> None:
    assert {name: set(names) for name, names in ARGUMENTS.items()} == {name: _numeric(name) for name in SHIPPED}


def test_every_cell_is_measured_or_excused() -> None:
    assert set(MEASURES) == set(_DEVICES)
    assert set(NOT_MEASURED) <= SHIPPED


@pytest.mark.parametrize("name", sorted(CELLS))
def test_every_number_is_measured_or_excused(name: str, tmp_path: Path) -> None:
    excused = NOT_MEASURED.get(name, {})
    assert set(excused) <= _numeric(name)
    assert all(len(reason) > 5 for reason in excused.values())
    if name in _BLOCKS:
        assert set(excused) == _numeric(name)
        return
    seen: set[str] = set()
    for arguments in _VARIANTS.get(name, ({},)):
        file = _written(CELLS[name](**arguments), tmp_path)
        own = next(r for r in measured_cells(file) if r.cell == file.top.name)
        assert own.measured is not None and not own.measured.not_measured
        said = recorded(name, own.settings, own.info)
        seen |= {key for key in own.measured.values if key in said and rule_of(key) is not None}
        assert set(own.measured.values) == set(own.measured.layers) - set(own.measured.words)
    assert _numeric(name) - seen == set(excused)


#: the frame of a die has no port to turn by; the pieces of a fibre are cells
_UNTURNED = {"die_frame", "fiber"}


@pytest.mark.parametrize("name", sorted(set(_DEVICES) - _UNTURNED))
@pytest.mark.parametrize("turn", [kdb.DTrans.R90, kdb.DTrans.R180, kdb.DTrans.M0, kdb.DTrans.M45], ids=str)
def test_turned_and_mirrored_drawings_measure_the_same(name: str, turn: kdb.DTrans, tmp_path: Path) -> None:
    file = _written(CELLS[name](), tmp_path)
    before = Measurer(file.layout)
    ports = terminals_of(before.meta(file.top).ports)
    straight = before.measure(file.top, name, ports)
    trans = kdb.DTrans(kdb.DVector(1234.567, -89.012)) * turn
    turned = kdb.Layout()
    turned.dbu = 0.001
    cell = turned.create_cell("turned")
    for info in file.layout.layer_infos():
        region = kdb.Region(file.top.begin_shapes_rec(file.layout.layer(info)))
        cell.shapes(turned.layer(info)).insert(region.transformed(trans.to_itype(0.001)))
    moved = tuple(_moved(port, trans) for port in ports)
    after = Measurer(turned).measure(cell, name, moved)
    assert not after.not_measured
    assert after.words == straight.words
    assert set(after.values) == set(straight.values)
    for key, value in straight.values.items():
        sign = -1 if trans.is_mirror() and key == "offset" else 1
        assert after.values[key] == pytest.approx(sign * value, abs=1e-3 + 4 * straight.spread.get(key, 0.0)), key


def _moved(port: Terminal, trans: kdb.DTrans) -> Terminal:
    place = trans * kdb.DPoint(port.x, port.y)
    out = trans * kdb.DVector(math.cos(math.radians(port.angle)), math.sin(math.radians(port.angle)))
    return replace(port, x=place.x, y=place.y, angle=math.degrees(math.atan2(out.y, out.x)) % 360.0)


def test_one_cell_by_its_netlist(tmp_path: Path) -> None:
    file = _written(CELLS["ring_modulator"](radius=7.0, gap=0.2), tmp_path)
    netlist = extract(file, ("cpo_ring_modulator",)).cells[file.top.name]
    found = measure(file.layout, file.top, netlist)
    assert found.factory == "ring_modulator"
    assert found.values["radius"] == pytest.approx(7.0, abs=5e-4)
    assert found.values["gap"] == pytest.approx(0.2, abs=1e-3)
    assert found.values["gap_drop"] == pytest.approx(0.4, abs=1e-3)
    assert found.polarity == {"e1": "p", "e2": "n", "e3": "heater", "e4": "heater", "e5": "p", "e6": "n"}
    left, bottom, right, top = found.places["gap"]
    assert bottom == pytest.approx(0.2, abs=0.01) and top == pytest.approx(0.4, abs=0.01) and left == right == 0.0
    stranger = measure(file.layout, file.top, replace(netlist, factory="somebody_elses", function="ring"))
    assert stranger.values == {} and stranger.factory == ""


@pytest.mark.parametrize(
    ("parameter", "limit", "shapes"),
    [
        (
            "gap",
            1.0e-3,
            [
                ("add_drop_ring", {"gap": g, "radius": r, "length_bus": 15.0})
                for g in (0.12, 0.151, 0.3)
                for r in (4.9, 11.037)
            ],
        ),
        (
            "radius",
            0.5e-3,
            [("ring_modulator", {"radius": r, "junction_fill": 0.5}) for r in (4.5, 6.4, 6.423, 12.345, 33.3)],
        ),
        ("width", 0.5e-3, [("all_pass_ring", {"width": w}) for w in (0.3, 0.402, 0.5)]),
        ("gap", 1.0e-3, [("directional_coupler", {"gap": g}) for g in (0.12, 0.2, 0.314)]),
        ("junction_offset", 1.0e-3, [("ring_modulator", {"junction_offset": o}) for o in (-0.1, 0.013, 0.05)]),
    ],
)
def test_how_good_it_is(
    parameter: str, limit: float, shapes: list[tuple[str, dict[str, float]]], tmp_path: Path
) -> None:
    for name, arguments in shapes:
        file = _written(CELLS[name](**arguments), tmp_path)
        own = next(r for r in measured_cells(file) if r.cell == file.top.name)
        assert own.measured is not None
        assert own.measured.values[parameter] == pytest.approx(arguments[parameter], abs=limit)


def test_numbers_of_construction_are_those_that_the_cells_draw_with() -> None:
    phase_shifters = pytest.importorskip("cpo_pdk.components.phase_shifters")
    process = pytest.importorskip("cpo_pdk.tech.process")
    assert phase_shifters.CONTACT_GAP == CONTACT_GAP
    assert process.RIB_SLAB_WIDTH == SLAB
    assert [stack_cuts(size) for size in (2.0, 2.4, 4.0)] == [1, 4, 9]
