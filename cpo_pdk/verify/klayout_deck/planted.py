"""A layout with every rule kept and broken: along the axes, slanted, curved, in cells that are turned and across cells.

What two engines must agree on is drawn here from the rules themselves, so that a new rule is in it at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile, flat_shape_count
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import Rule, load_rules

Shape = tuple[str, kdb.DPolygon | kdb.DPath]
Shapes = Sequence[Shape]

#: what is drawn with it stays in cells: a die is looked at in the cell that holds it
_DIE = "FLOORPLAN"
#: a layer without rules, for what is about records
_BARE = "ASIC"

#: how far below the limit things are drawn, um; what is slanted is found from 5 nm on, however it was rounded
SHORT_BY = (0.0, 0.001, 0.002, 0.005)
#: free space around each plant, um: more than any rule reaches
_APART = 60.0


@dataclass(frozen=True)
class Plant:
    """One thing that keeps or breaks a rule.

    Attributes:
        rule: its name.
        variant: how it is drawn: x, y, slanted, curved, cell (turned by multiples of 90 degrees), parts (one shape each
            in a cell of its own), turned (a cell at 30 degrees).
        short_by: how far below the limit, um (degrees for corners).
        breaks: whether it must be found; None where rounding decides.
        place: in the top cell, um.
    """

    rule: str
    variant: str
    short_by: float
    breaks: bool | None
    place: kdb.DBox


def planted_layout(rules: Sequence[Rule] | None = None) -> tuple[LayoutFile, tuple[Plant, ...]]:
    """Draw plants for every rule that is about drawn shapes.

    Args:
        rules: default: those of the process.
    """
    layout = kdb.Layout()
    layout.dbu = 0.001
    top = layout.create_cell("planted")
    plants: list[Plant] = []
    y = 0.0
    for rule in load_rules() if rules is None else rules:
        if rule.kind not in FIGURES and rule.kind != "grid":
            continue
        x, row = 0.0, 0.0
        for variant, short_by, breaks, cell in _variants(layout, rule):
            box = cell.dbbox()
            shift = kdb.DTrans(x - box.left, y - box.bottom)
            top.insert(kdb.DCellInstArray(cell.cell_index(), shift))
            plants.append(Plant(rule.name, variant, short_by, breaks, box.transformed(shift)))
            x, row = x + box.width() + _APART, max(row, box.height())
        y += row + _APART
    # what is to be in the top cell itself is flattened into it
    flat = [inst for inst in top.each_inst() if inst.cell.name.startswith("flat_")]
    cells = [inst.cell_index for inst in flat]
    for inst in flat:
        inst.flatten()
    layout.delete_cells(cells)
    path = Path("planted.gds")
    return LayoutFile(path, layout, top, flat_shapes=flat_shape_count(layout, top, path)), tuple(plants)


def _variants(layout: kdb.Layout, rule: Rule) -> Iterator[tuple[str, float, bool | None, kdb.Cell]]:
    """Cells that hold one plant each."""
    if rule.kind == "grid":
        shapes = [(rule.layers[0], _box(0, 0, 10, 5))]
        yield "cell", 0.0, False, _placed(layout, shapes)
        yield "turned", 0.0, True, _placed(layout, shapes, 30.0)
        return
    figure = FIGURES[rule.kind]
    for short_by in SHORT_BY:
        broken = short_by > 0
        shapes = figure(rule, short_by)
        where = "flat" if _DIE not in {layer for layer, _ in shapes} else "die"
        for variant, angle in (("x", 0.0), ("y", 90.0)):
            yield variant, short_by, broken, _cell(layout, where, _turned(shapes, angle))
        sure = broken if rule.kind in _NOT_ROUNDED or short_by in _CERTAIN else None
        sure = None if rule.kind == "density" else sure  # windows are not slanted with the die
        for angle in (45.0, -61.9):
            yield f"slanted {angle:g}", short_by, sure, _cell(layout, where, _turned(shapes, angle))
        yield "cell", short_by, broken, _placed(layout, shapes)
        if len(shapes) > 1:
            yield "parts", short_by, broken, _in_parts(layout, shapes)
        if short_by in (0.0, SHORT_BY[-1]) and rule.kind != "hole":  # the cut line to a hole, turned, has sharp corners
            yield "turned", short_by, sure, _placed(layout, shapes, 30.0)
        if rule.kind in ROUND:
            yield "curved", short_by, sure, _cell(layout, "flat", ROUND[rule.kind](rule, short_by))


def _cell(layout: kdb.Layout, kind: str, shapes: Shapes) -> kdb.Cell:
    cell = layout.create_cell(f"{kind}_{layout.cells()}")
    for layer, polygon in shapes:
        cell.shapes(layout.layer(*layer_of(layer))).insert(polygon.to_itype(layout.dbu))
    return cell


def _turned(shapes: Shapes, angle: float) -> Shapes:
    return [(layer, polygon.transformed(kdb.DCplxTrans(1.0, angle, False, 0.0, 0.0))) for layer, polygon in shapes]


def _placed(layout: kdb.Layout, shapes: Shapes, angle: float | None = None) -> kdb.Cell:
    """The shapes in a cell, placed twice in an array, turned, and mirrored; or once at any angle."""
    device = _cell(layout, "device", shapes)
    parent = layout.create_cell(f"parent_{layout.cells()}")
    if angle is not None:
        parent.insert(kdb.DCellInstArray(device.cell_index(), kdb.DCplxTrans(1.0, angle, False, 0.0, 0.0)))
        return parent
    pitch = 2 * max(device.dbbox().width(), device.dbbox().height()) + _APART
    step = kdb.DVector(pitch, 0.0)
    parent.insert(kdb.DCellInstArray(device.cell_index(), kdb.DTrans(), step, kdb.DVector(0, pitch), 2, 1))
    parent.insert(kdb.DCellInstArray(device.cell_index(), kdb.DTrans(kdb.DTrans.R90, 0.0, pitch)))
    parent.insert(kdb.DCellInstArray(device.cell_index(), kdb.DTrans(kdb.DTrans.M45, pitch, pitch)))
    return parent


def _in_parts(layout: kdb.Layout, shapes: Shapes) -> kdb.Cell:
    """Each shape in a cell of its own; they meet in their parent."""
    parent = layout.create_cell(f"parent_{layout.cells()}")
    for shape in shapes:
        part = _cell(layout, "part", [shape])
        parent.insert(kdb.DCellInstArray(part.cell_index(), kdb.DTrans()))
    return parent


def _box(left: float, bottom: float, right: float, top: float) -> kdb.DPolygon:
    return kdb.DPolygon(kdb.DBox(left, bottom, right, top))


def _long(rule: Rule) -> float:
    """Long enough for its edges not to count as facets of a curve."""
    return max(3.0, 4 * rule.value)


def _bars(first: str, second: str, gap: float, rule: Rule) -> Shapes:
    size, thick = 2 * _long(rule), _long(rule)
    return [(first, _box(0, -thick, size, 0)), (second, _box(0, gap, size, gap + thick))]


def _width(rule: Rule, less: float) -> Shapes:
    return [(rule.layers[0], _box(0, 0, 2 * _long(rule), rule.value - less))]


def _space(rule: Rule, less: float) -> Shapes:
    return _bars(rule.layers[0], rule.layers[0], rule.value - less, rule)


def _separation(rule: Rule, less: float) -> Shapes:
    return _bars(rule.layers[0], rule.layers[1], rule.value - less, rule)


def _enclosure(rule: Rule, less: float) -> Shapes:
    inner, outer = rule.layers[:2]
    size, v = _long(rule), rule.value
    return [(inner, _box(0, 0, size, size)), (outer, _box(-v + less, -v, size + v, size + v))]


def _overlap(rule: Rule, less: float) -> Shapes:
    first, second = rule.layers[:2]
    size, v = _long(rule), rule.value
    return [(first, _box(0, 0, size, size)), (second, _box(size - v + less, -1, 2 * size, size + 1))]


def _inside(rule: Rule, less: float) -> Shapes:
    """Covered by the first and the last of the other layers together, but for a stripe of 3 nm and more."""
    inner, *covers = rule.layers
    bare = 2 * less + 0.001 if less else 0.0
    return [
        (inner, _box(0, 0, 4, 2)),
        (covers[0], _box(-1, -1, 2, 3)),
        (covers[-1], _box(2 + bare, -1, 5, 3)),
    ]


def _exclusion(rule: Rule, less: float) -> Shapes:
    bare = 2 * less + 0.001 if less else 0.0
    return [(rule.layers[0], _box(0, 0, 4, 2)), (rule.layers[-1], _box(4 - bare, -1, 8, 3))]


def _small(rule: Rule, less: float) -> kdb.DBox:
    side = math.floor(math.sqrt(rule.value) * 1000) / 1000
    long = math.ceil(rule.value / side * 1000) / 1000
    return kdb.DBox(0, 0, side, long - 5 * less)


def _area(rule: Rule, less: float) -> Shapes:
    return [(rule.layers[0], kdb.DPolygon(_small(rule, less)))]


def _hole(rule: Rule, less: float) -> Shapes:
    hole = _small(rule, less)
    plate = kdb.DPolygon(hole.enlarged(5, 5))
    plate.insert_hole(list(kdb.DPolygon(hole).each_point_hull()))
    return [(rule.layers[0], plate)]


def _notch(rule: Rule, less: float) -> Shapes:
    """A comb of two teeth."""
    gap, thick = rule.value - less, _long(rule)
    points = [(0, 0), (0, thick), (thick, thick), (thick, 1), (thick + gap, 1), (thick + gap, thick)]
    points += [(2 * thick + gap, thick), (2 * thick + gap, 0)]
    return [(rule.layers[0], kdb.DPolygon([kdb.DPoint(*p) for p in points]))]


def _extension(rule: Rule, less: float) -> Shapes:
    inner, other = rule.layers[:2]
    size = 4 * _long(rule)
    return [(other, _box(0, 0, size, size)), (inner, _box(size / 2, size / 4, size + rule.value - less, size / 2))]


def _in_die(rule: Rule, less: float) -> Shapes:
    over = 2 * less + 0.001 if less else 0.0
    return [(_DIE, _box(0, 0, 20, 20)), (rule.layers[0], _box(10, 5, 20 + over, 15))]


def _floating(rule: Rule, less: float) -> Shapes:
    return [
        (_DIE, _box(0, 0, 80, 60)),
        (rule.layers[0], _box(10, 10, 30, 30)),
        (rule.layers[-1], _box(30 + less if less else 29, 15, 50, 25)),
    ]


def _density(rule: Rule, less: float) -> Shapes:
    """Covered as far as is allowed in the window in the middle, and by 0.2 % to 1 % beyond it."""
    window, step = rule.value, float(rule.more["step"])
    size = 2 * step + window
    shapes: list[Shape] = [(_DIE, _box(0, 0, size, size))]
    if "most" in rule.more:
        wide = window * (float(rule.more["most"]) + 2 * less)
    else:  # everything around is covered
        wide = window * (float(rule.more["least"]) - 2 * less)
        end = step + window
        around = [(0, 0, size, step), (0, end, size, size), (0, step, step, end), (end, step, size, end)]
        shapes += [(rule.layers[0], _box(*corners)) for corners in around]
    left = step + (window - wide) / 2
    return [*shapes, (rule.layers[0], _box(left, step, left + wide, step + window))]


def _points(rule: Rule, less: float) -> Shapes:
    number = round(rule.value + 1000 * less)
    return [(_BARE, kdb.DPolygon.ellipse(_around(100.0), number))]


def _no_area(rule: Rule, less: float) -> Shapes:
    return [(_BARE, kdb.DPath([kdb.DPoint(0, 0), kdb.DPoint(5, 0)], 0.0 if less else 0.01))]


def _odd_path(rule: Rule, less: float) -> Shapes:
    return [(_BARE, kdb.DPath([kdb.DPoint(0, 0), kdb.DPoint(5, 0)], 0.101 if less else 0.1))]


def _angle(rule: Rule, less: float) -> Shapes:
    """A corner of 1 degree more than the limit, or of up to 5 degrees less than it."""
    rad = math.radians(rule.value + (1.0 if not less else -1000 * less))
    points = [
        (0.0, 0.0),
        (30.0, 0.0),
        (30 * math.cos(rad) + 8, 30 * math.sin(rad)),
        (30 * math.cos(rad), 30 * math.sin(rad)),
    ]
    return [(layer, kdb.DPolygon([kdb.DPoint(*p) for p in points])) for layer in rule.layers[:1]]


def _collision(rule: Rule, less: float) -> Shapes:
    """Two shapes that overlap by half of what is allowed, or by more than it."""
    size, deep = 200.0, rule.value + 4 * less if less else 0.5 * rule.value
    return [(rule.layers[0], _box(0, 0, size, size)), (rule.layers[-1], _box(0, size - deep, size, 2 * size))]


def _corners(distance: float) -> int:
    """Corners of two circles: so many that their polygons are at most 1 nm nearer than the circles."""
    return max(64, 8 * math.ceil(math.pi / math.acos(1 - 0.001 / max(distance, 0.1)) / 8))


def _apart(distance: float, number: int) -> float:
    """By how much the radii of two polygons of so many corners differ whose sides are `distance` apart."""
    return distance / math.cos(math.pi / number)


def _circle(radius: float, number: int) -> kdb.DPolygon:
    """A polygon with its corners on a circle."""
    turns = [2 * math.pi * k / number for k in range(number)]
    return kdb.DPolygon([kdb.DPoint(radius * math.cos(t), radius * math.sin(t)) for t in turns])


def _ring(inside: float, outside: float, number: int) -> kdb.DPolygon:
    polygon = _circle(outside, number)
    polygon.insert_hole(list(_circle(inside, number).each_point_hull()))
    return polygon


def _around(radius: float) -> kdb.DBox:
    return kdb.DBox(-radius, -radius, radius, radius)


def _round_width(rule: Rule, less: float) -> Shapes:
    radius, number = max(5.0, 1.5 * rule.value), _corners(rule.value)
    return [(rule.layers[0], _ring(radius, radius + _apart(rule.value - less, number), number))]


def _round_pair(first: str, second: str, gap: float, rule: Rule) -> Shapes:
    thick, number = _long(rule), _corners(rule.value)
    inner = 2 * thick
    outer = inner + _apart(gap, number)
    return [(first, _ring(thick, inner, number)), (second, _ring(outer, outer + thick, number))]


def _round_enclosure(rule: Rule, less: float) -> Shapes:
    radius, number = max(3.0, 5 * rule.value), _corners(rule.value)
    outer = radius + _apart(rule.value - less, number)
    return [(rule.layers[0], _circle(radius, number)), (rule.layers[1], _circle(outer, number))]


Figure = Callable[[Rule, float], Shapes]
#: kind -> shapes that keep a rule exactly, or fall short of it by so many um
FIGURES: dict[str, Figure] = {
    "width": _width,
    "space": _space,
    "separation": _separation,
    "notch": _notch,
    "isolation": _space,
    "enclosure": _enclosure,
    "extension": _extension,
    "overlap": _overlap,
    "inside": _inside,
    "exclusion": _exclusion,
    "area": _area,
    "hole": _hole,
    "angle": _angle,
    "collision": _collision,
    "in_die": _in_die,
    "floating": _floating,
    "density": _density,
    "points": _points,
    "no_area": _no_area,
    "odd_path": _odd_path,
}
#: kind -> the same with curves
ROUND: dict[str, Figure] = {
    "width": _round_width,
    "space": lambda rule, less: _round_pair(rule.layers[0], rule.layers[0], rule.value - less, rule),
    "isolation": lambda rule, less: _round_pair(rule.layers[0], rule.layers[0], rule.value - less, rule),
    "separation": lambda rule, less: _round_pair(rule.layers[0], rule.layers[1], rule.value - less, rule),
    "enclosure": _round_enclosure,
}
#: kinds whose verdict rounding doesn't change
_NOT_ROUNDED = ("angle", "collision", "points", "no_area", "odd_path")
#: what is found, or not, however it is slanted and so rounded: at the limit and 5 nm below it
_CERTAIN = (0.0, 0.005)
