"""Polygons edited while the record stays: each edit is found, named by its rule and its parameter, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk.assemblies.writing import canonical_layout
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.components import CELLS
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.lvs.measure import measured_layout

Edit = Callable[[kdb.Layout, kdb.Cell], None]


def _index(layout: kdb.Layout, layer: str) -> int:
    return layout.layer(*layer_of(layer))


def _polygons(layout: kdb.Layout, cell: kdb.Cell, layer: str) -> list[kdb.Polygon]:
    return list(kdb.Region(cell.shapes(_index(layout, layer))).merged().each())


def _replace(layout: kdb.Layout, cell: kdb.Cell, layer: str, polygons: list[kdb.Polygon]) -> None:
    shapes = cell.shapes(_index(layout, layer))
    shapes.clear()
    for polygon in polygons:
        shapes.insert(polygon)


def _is_ring(polygon: kdb.Polygon) -> bool:
    return polygon.holes() == 1


def ring_sized(outer: int, inner: int) -> Edit:
    """The ring's outer and inner edge further from its centre by so many nm."""

    def edit(layout: kdb.Layout, cell: kdb.Cell) -> None:
        polygons = []
        for polygon in _polygons(layout, cell, "WG"):
            if _is_ring(polygon):
                center = polygon.bbox().center()
                hull = [_away(p, center, outer) for p in polygon.each_point_hull()]
                hole = [_away(p, center, inner) for p in polygon.each_point_hole(0)]
                polygon = kdb.Polygon(hull)
                polygon.insert_hole(hole)
            polygons.append(polygon)
        _replace(layout, cell, "WG", polygons)

    return edit


def _away(point: kdb.Point, center: kdb.Point, by: int) -> kdb.Point:
    x, y = point.x - center.x, point.y - center.y
    share = 1 + by / (x * x + y * y) ** 0.5
    return kdb.Point(round(center.x + x * share), round(center.y + y * share))


def moved(layer: str, dx: int, dy: int, which: Callable[[kdb.Polygon], bool] = lambda _p: True) -> Edit:
    """Some polygons of a layer moved by so many nm."""

    def edit(layout: kdb.Layout, cell: kdb.Cell) -> None:
        polygons = [p.moved(dx, dy) if which(p) else p for p in _polygons(layout, cell, layer)]
        _replace(layout, cell, layer, polygons)

    return edit


def sized(layer: str, dx: int, dy: int, which: Callable[[kdb.Polygon], bool] = lambda _p: True) -> Edit:
    """Some polygons of a layer wider or narrower by so many nm on each side."""

    def edit(layout: kdb.Layout, cell: kdb.Cell) -> None:
        polygons = []
        for polygon in _polygons(layout, cell, layer):
            polygons += kdb.Region(polygon).sized(dx, dy, 2).each() if which(polygon) else [polygon]
        _replace(layout, cell, layer, polygons)

    return edit


def removed(layer: str, which: Callable[[kdb.Polygon], bool] = lambda _p: True, number: int = 1) -> Edit:
    """The first of some polygons of a layer taken away."""

    def edit(layout: kdb.Layout, cell: kdb.Cell) -> None:
        polygons = _polygons(layout, cell, layer)
        gone = [p for p in polygons if which(p)][:number]
        assert gone
        _replace(layout, cell, layer, [p for p in polygons if p not in gone])

    return edit


def swapped(first: str, second: str) -> Edit:
    """What is drawn on two layers exchanged."""

    def edit(layout: kdb.Layout, cell: kdb.Cell) -> None:
        a, b = _polygons(layout, cell, first), _polygons(layout, cell, second)
        _replace(layout, cell, first, b)
        _replace(layout, cell, second, a)

    return edit


def corners_moved(layer: str, which: Callable[[kdb.Point], bool], dx: int, dy: int) -> Edit:
    """Some corners of the polygons of a layer moved by so many nm."""

    def edit(layout: kdb.Layout, cell: kdb.Cell) -> None:
        polygons = []
        for polygon in _polygons(layout, cell, layer):
            points = [kdb.Point(p.x + dx, p.y + dy) if which(p) else p for p in polygon.each_point_hull()]
            polygons.append(kdb.Polygon(points))
        _replace(layout, cell, layer, polygons)

    return edit


def stretched(layout: kdb.Layout, cell: kdb.Cell) -> None:
    """The ring 1 % wider than it is high."""
    polygons = []
    for polygon in _polygons(layout, cell, "WG"):
        if _is_ring(polygon):
            hull = [kdb.Point(round(p.x * 1.01), p.y) for p in polygon.each_point_hull()]
            hole = [kdb.Point(round(p.x * 1.01), p.y) for p in polygon.each_point_hole(0)]
            polygon = kdb.Polygon(hull)
            polygon.insert_hole(hole)
        polygons.append(polygon)
    _replace(layout, cell, "WG", polygons)


def cut(layer: str, left: int, bottom: int, right: int, top: int) -> Edit:
    """A box taken out of a layer, nm."""

    def edit(layout: kdb.Layout, cell: kdb.Cell) -> None:
        rest = kdb.Region(_polygons(layout, cell, layer)) - kdb.Region(kdb.Box(left, bottom, right, top))
        _replace(layout, cell, layer, list(rest.each()))

    return edit


def inside(name: str, edit: Edit) -> Edit:
    """The edit in a cell that is placed in the device."""

    def within(layout: kdb.Layout, cell: kdb.Cell) -> None:
        child = next(layout.cell(i) for i in cell.called_cells() if layout.cell(i).name.startswith(name))
        edit(layout, child)

    return within


def all_of(*edits: Edit) -> Edit:
    """One edit after the other."""

    def edit(layout: kdb.Layout, cell: kdb.Cell) -> None:
        for each in edits:
            each(layout, cell)

    return edit


def instance_moved(name: str, dx: int, dy: int) -> Edit:
    """Everything of one cell that is placed in the device moved."""

    def edit(_layout: kdb.Layout, cell: kdb.Cell) -> None:
        for inst in cell.each_inst():
            if inst.cell.name.startswith(name):
                inst.transform(kdb.Trans(dx, dy))

    return edit


def _low(polygon: kdb.Polygon) -> bool:
    return polygon.bbox().center().y <= 0


def _written(name: str, arguments: dict[str, Any], folder: Path, edit: Edit | None) -> LayoutFile:
    path = folder / f"{name}.gds"
    canonical_layout(CELLS[name](**arguments), {}).write(str(path))
    if edit is not None:
        layout = kdb.Layout()
        layout.read(str(path))
        edit(layout, next(c for c in layout.top_cells() if not c.bbox().empty()))
        layout.write(str(path))
    return read_layout(path)


#: device, edit, rules that must be found, a parameter that must be named
MUTANTS: dict[str, tuple[str, dict[str, Any], Edit, set[str], str]] = {
    "ring 20 nm larger": ("add_drop_ring", {}, ring_sized(20, 20), {"LVS.RADIUS", "LVS.GAP", "LVS.LENGTH"}, "radius"),
    "ring of a modulator 20 nm larger": ("ring_modulator", {}, ring_sized(20, 20), {"LVS.RADIUS", "LVS.GAP"}, "radius"),
    "ring 20 nm smaller": ("ring_modulator", {}, ring_sized(-20, -20), {"LVS.RADIUS", "LVS.GAP"}, "gap_drop"),
    "core 10 nm wider": ("all_pass_ring", {}, ring_sized(5, -5), {"LVS.WIDTH", "LVS.GAP"}, "width"),
    "bus 5 nm nearer": (
        "ring_modulator",
        {},
        moved("WG", 0, 5, lambda p: _low(p) and not _is_ring(p)),
        {"LVS.GAP"},
        "gap",
    ),
    "bus 5 nm further": ("all_pass_ring", {}, moved("WG", 0, -5, lambda p: not _is_ring(p)), {"LVS.GAP"}, "gap"),
    "drop bus 5 nm further": (
        "add_drop_ring",
        {},
        moved("WG", 0, 5, lambda p: p.bbox().bottom > 8000),
        {"LVS.GAP"},
        "gap_drop",
    ),
    "bus 10 nm wider": (
        "all_pass_ring",
        {},
        sized("WG", 0, 5, lambda p: not _is_ring(p)),
        {"LVS.WIDTH", "LVS.GAP"},
        "width_bus",
    ),
    "slab of the drop bus gone": (
        "ring_modulator",
        {},
        cut("SLAB90", 9500, 7000, 40_000, 40_000),
        {"LVS.WIDTH"},
        "width_slab_drop",
    ),
    "ring no circle": ("ring_modulator", {}, stretched, {"LVS.SHAPE"}, "radius"),
    "ring gone": ("add_drop_ring", {}, removed("WG", _is_ring), {"LVS.SHAPE"}, "gap"),
    "gap closed": ("all_pass_ring", {}, moved("WG", 0, 300, lambda p: not _is_ring(p)), {"LVS.SHAPE"}, "radius"),
    "rings 5 nm further apart": (
        "double_ring",
        {},
        moved("WG", 0, 5, lambda p: p.bbox().bottom > 9900),
        {"LVS.GAP"},
        "gap_ring",
    ),
    "wide ring 10 nm wider": ("wide_ring", {}, ring_sized(5, -5), {"LVS.WIDTH", "LVS.GAP"}, "width_wide"),
    "n implant 20 nm aside": ("ring_modulator", {}, moved("N", 20, 0), {"LVS.JUNCTION"}, "junction_shift"),
    "p implant 20 nm aside": ("ring_modulator", {}, moved("P", 0, 20), {"LVS.JUNCTION"}, "junction_shift"),
    "p implant 20 nm wider": ("ring_modulator", {}, sized("P", 20, 20), {"LVS.JUNCTION"}, "junction_offset"),
    "p contact 20 nm nearer": ("ring_modulator", {}, sized("PPP", 20, 20), {"LVS.JUNCTION"}, "contact_p"),
    "n contact 20 nm aside": ("ring_modulator", {}, moved("NPP", -20, 0), {"LVS.JUNCTION"}, "contact_n"),
    "contacts swapped": (
        "ring_modulator",
        {},
        swapped("NPP", "PPP"),
        {"LVS.POLARITY", "LVS.SHAPE"},
        "polarity_e1",
    ),
    "junction swapped": ("ring_modulator", {}, swapped("N", "P"), {"LVS.SHAPE"}, "junction_offset"),
    "p contact gone": ("ring_modulator", {}, removed("VIAC", _is_ring), {"LVS.VIAS", "LVS.POLARITY"}, "contacts_e1"),
    "half of the n contact gone": (
        "ring_modulator",
        {},
        removed("VIAC", lambda p: not _is_ring(p)),
        {"LVS.VIAS"},
        "contacts_e2",
    ),
    "via gone": (
        "ring_modulator",
        {},
        inside("cpo_via_stack_S2p4_BHEATER", removed("VIA1")),
        {"LVS.VIAS"},
        "vias is 3 cuts",
    ),
    "heater 10 nm narrower": (
        "ring_modulator",
        {},
        sized("HEATER", -5, -5),
        {"LVS.WIDTH"},
        "width_heater",
    ),
    "heater 20 nm aside": ("add_drop_ring", {}, moved("HEATER", 20, 0), {"LVS.HEATER"}, "heater_shift"),
    "heater gone": ("ring_modulator", {}, removed("HEATER"), {"LVS.SHAPE"}, "width_heater"),
    "straight 50 nm longer": (
        "straight",
        {},
        corners_moved("WG", lambda p: p.x > 5000, 50, 0),
        {"LVS.LENGTH"},
        "length",
    ),
    "straight 10 nm wider": ("straight", {}, sized("WG", 0, 5), {"LVS.WIDTH"}, "width"),
    "straight cut": ("straight", {}, cut("WG", 4000, -500, 4100, 500), {"LVS.SHAPE"}, "length"),
    "straight with a neck": ("straight", {}, cut("WG", 4000, 190, 4100, 500), {"LVS.WIDTH"}, "width"),
    "slab gone": ("straight", {"cross_section": "rib"}, removed("SLAB90"), {"LVS.KIND"}, "cross_section"),
    "slab on a strip": (
        "straight",
        {},
        lambda layout, cell: _replace(layout, cell, "SLAB90", [kdb.Polygon(kdb.Box(0, -3000, 10000, 3000))]),
        {"LVS.KIND"},
        "cross_section",
    ),
    "bend 20 nm out": (
        "bend_euler",
        {},
        corners_moved("WG", lambda p: 500 < p.x < 18000 and p.y > 100, 20, -20),
        {"LVS.WIDTH"},
        "width",
    ),
    "S-bend 20 nm further": ("bend_s", {}, corners_moved("WG", lambda p: p.x > 19900, 0, 20), {"LVS.PLACE"}, "offset"),
    "tip of a terminator 10 nm wider": (
        "terminator",
        {},
        corners_moved("WG", lambda p: p.x > 19000 and p.y > 0, 0, 10),
        {"LVS.WIDTH"},
        "tip_width",
    ),
    "taper 50 nm shorter": ("taper", {}, corners_moved("WG", lambda p: p.x > 1000, -50, 0), {"LVS.LENGTH"}, "length"),
    "arm of a crossing longer": (
        "crossing",
        {},
        corners_moved("WG", lambda p: p.x > 4400, 20, 0),
        {"LVS.LENGTH"},
        "arm_length",
    ),
    "guides of a coupler 5 nm apart": (
        "directional_coupler",
        {},
        moved("WG", 0, 5, lambda p: not _low(p)),
        {"LVS.GAP"},
        "gap",
    ),
    "coupler 200 nm longer": (
        "directional_coupler",
        {},
        corners_moved("WG", lambda p: p.x > 30000, 200, 0),
        {"LVS.LENGTH"},
        "length",
    ),
    "gap of a bent coupler": ("bent_coupler", {}, moved("WG", 0, 6, lambda p: not _low(p)), {"LVS.GAP"}, "gap"),
    "body of an MMI 10 nm wider": (
        "mmi1x2",
        {},
        corners_moved("WG", lambda p: p.y > 2900, 0, 10),
        {"LVS.WIDTH"},
        "width_mmi",
    ),
    "MMI 50 nm longer": ("mmi2x2", {}, corners_moved("WG", lambda p: p.x > 50000, 50, 0), {"LVS.LENGTH"}, "length_mmi"),
    "arm of an MMI 20 nm aside": (
        "mmi1x2",
        {},
        corners_moved("WG", lambda p: p.x > 40500 and p.y > 0, 0, 20),
        {"LVS.PLACE"},
        "separation",
    ),
    "gap of a PSR": ("psr", {}, moved("WG", 0, 5, lambda p: p.bbox().left > 1000), {"LVS.GAP"}, "gap"),
    "germanium shorter": (
        "photodetector",
        {},
        corners_moved("GE", lambda p: p.x > 8000, -50, 0),
        {"LVS.LENGTH"},
        "length",
    ),
    "germanium narrower": ("photodetector_dual", {}, sized("GE", 0, -5), {"LVS.WIDTH"}, "width_ge"),
    "via of a detector gone": ("photodetector", {}, removed("VIA1"), {"LVS.VIAS"}, "vias_e"),
    "lateral junction 20 nm aside": (
        "photodetector_lateral",
        {},
        moved("P", 0, -20),
        {"LVS.GAP", "LVS.JUNCTION"},
        "implant_gap",
    ),
    "detector turned over": ("photodetector_lateral", {}, swapped("NPP", "PPP"), {"LVS.POLARITY"}, "polarity_e1"),
    "tip of an edge coupler 10 nm wider": (
        "edge_coupler",
        {},
        corners_moved("WG", lambda p: p.x > 149_900 and p.y > 0, 0, 10),
        {"LVS.WIDTH"},
        "tip_width",
    ),
    "profile of an edge coupler": (
        "edge_coupler",
        {},
        corners_moved("WG", lambda p: 50_000 < p.x < 55_000, 0, 8),
        {"LVS.SHAPE"},
        "shape",
    ),
    "facet 20 nm off": ("edge_coupler", {}, moved("DEEPTRENCH", 20, 0), {"LVS.PLACE"}, "facet_gap"),
    "window of a membrane": ("spot_size_converter", {}, moved("UNDERCUT", 0, 20), {"LVS.PLACE"}, "half_membrane"),
    "junction of a phase shifter": ("phase_shifter_pn", {}, moved("N", 0, 20), {"LVS.JUNCTION"}, "junction_offset_n"),
    "heater of a phase shifter": ("phase_shifter_thermal", {}, sized("HEATER", 0, 5), {"LVS.WIDTH"}, "width_heater"),
    "junctions of a modulator": ("mach_zehnder_modulator", {}, moved("P", 0, 20), {"LVS.JUNCTION"}, "junction_offset"),
    "electrode of a modulator": (
        "mach_zehnder_modulator",
        {},
        moved("M2", 0, 20, lambda p: p.bbox().center().y > 80_000),
        {"LVS.GAP"},
        "gap_electrode",
    ),
    "bar of vias gone": ("mach_zehnder_modulator", {}, removed("VIA1"), {"LVS.VIAS"}, "vias_e"),
    "arms of a switch": (
        "switch_2x2",
        {},
        sized("HEATER", 0, -10, lambda p: p.bbox().center().y > 0),
        {"LVS.WIDTH"},
        "width_heater",
    ),
    "bump smaller": ("bump", {}, sized("BUMP", -50, -50), {"LVS.SIZE"}, "diameter"),
    "bump off its pad": ("bump", {}, moved("BUMP", 100, 0), {"LVS.SIZE"}, "shift"),
    "cut of a via stack gone": ("via_stack", {"size": 4.0}, removed("VIA1"), {"LVS.VIAS"}, "vias"),
    "via stack on the wrong metal": ("via_stack", {}, swapped("M1", "HEATER"), {"LVS.KIND"}, "bottom"),
    "wire narrower": ("wire", {}, sized("M2", 0, -10), {"LVS.WIDTH"}, "width"),
    "opening of a pad": ("pad", {}, sized("PADOPEN", 20, 20), {"LVS.SIZE"}, "size_opening"),
    "mark in metal smaller": ("alignment_mark", {}, sized("M2", -20, -20), {"LVS.SIZE", "LVS.WIDTH"}, "width_metal"),
    "street": ("die_frame", {}, sized("DICING", 100, 100), {"LVS.PLACE"}, "street"),
    "street cut": ("die_frame", {}, cut("DICING", 500_000, -60_000, 600_000, 0), {"LVS.PLACE"}, "street"),
    "teeth of a grating": (
        "grating_coupler",
        {},
        moved("WG", 10, 0, lambda p: p.bbox().left > 30_000 and p.bbox().left < 31_000),
        {"LVS.SHAPE"},
        "shape",
    ),
    "holes of a grating": ("grating_coupler_dual", {}, cut("WG", 90, 90, 370, 370), {"LVS.SIZE"}, "diameter"),
    "fibre in pieces": (
        "fiber",
        {"route": (("line", 1000.0, 0.0), ("arc", 12_000.0, 90.0), ("line", 500.0, 0.0))},
        instance_moved("cpo_fiber_piece_LFIBER_Sline_500", 50, 0),
        {"LVS.SHAPE"},
        "path",
    ),
    "fibre of another kind": (
        "fiber",
        {},
        inside("cpo_fiber_piece", swapped("FIBER", "FIBER_PM")),
        {"LVS.KIND"},
        "kind",
    ),
    "fibre 1 um longer": (
        "fiber",
        {},
        inside("cpo_fiber_piece", corners_moved("FIBER", lambda p: p.x > 1000, 2000, 0)),
        {"LVS.LENGTH", "LVS.PLACE"},
        "path",
    ),
    "connector shorter": ("connector", {}, sized("CONNECTOR", -10, 0), {"LVS.SIZE"}, "depth"),
    "tap nearer": ("tap_monitor", {}, inside("cpo_directional", moved("WG", 0, 5, _low)), {"LVS.GAP"}, "gap"),
    "spiral cut": (
        "spiral",
        {"length": 2000.0, "n_turns": 2},
        cut("WG", -300, 1000, 300, 1100),
        {"LVS.SHAPE"},
        "length",
    ),
}


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_an_edited_drawing_is_found(mutant: str, tmp_path: Path) -> None:
    name, arguments, edit, rules, parameter = MUTANTS[mutant]
    clean, _ = measured_layout(_written(name, arguments, tmp_path, None))
    assert clean == []
    violations, _ = measured_layout(_written(name, arguments, tmp_path, edit))
    assert rules <= {v.rule for v in violations}
    assert any(parameter in v.message for v in violations)
    for violation in violations:
        left, bottom, right, top = violation.bbox
        assert left <= right and bottom <= top
        assert "\n" not in violation.message and "draw the cell again" in violation.message


def test_a_missing_cut_is_told_in_its_via_stack_only(tmp_path: Path) -> None:
    edit = inside("cpo_via_stack_S2p4_BHEATER", removed("VIA1"))
    violations, _ = measured_layout(_written("ring_modulator", {}, tmp_path, edit))
    assert [v.cell.startswith("cpo_via_stack") for v in violations] == [True]


def test_one_edit_of_a_length_is_told_once(tmp_path: Path) -> None:
    name, arguments, edit, _, _ = MUTANTS["straight 50 nm longer"]
    violations, _ = measured_layout(_written(name, arguments, tmp_path, edit))
    assert len(violations) == 1
    assert violations[0].message.startswith("length and path are 10.05 um as drawn, 10 um as recorded, +50.0 nm")
