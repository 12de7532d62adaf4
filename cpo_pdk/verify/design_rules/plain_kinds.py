"""One function a rule kind: what of a rule's layers violates it.

Distances are checked between the edges of merged polygons, not between polygons: the same result, and long curves cost
little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.design_rules.edge_distance import face, marker, nearest_ends, share_end, shortfall
from cpo_pdk.verify.design_rules.tips import near_edges, needles, notches
from cpo_pdk.verify.outline import contours
from cpo_pdk.verify.process_layers import Finding, ProcessLayers, placements

#: slivers up to twice this are the rounding of slanted edges, not a violation; dbu
SLIVER = 1
#: corners nearer to each other than this are one corner, dbu
JOG = 10
#: how far around a corner is looked to tell an inner from an outer one, dbu
CORNER_REACH = 20
#: sides that make a larger angle are a corner, not a width or a gap; degrees
POINTED = 60.0


def _short(layers: ProcessLayers, pairs: kdb.EdgePairs, name: str, limit: int, *, material: bool) -> Iterator[Finding]:
    """Pairs of edges of one layer that are nearer than `limit`, with material between them or without.

    Two edges that meet in a corner count only as a pointed end of the material. Two that don't lie across each other
    are near with their ends only: that is a neck (or a gap) between two corners that look at each other, but on a
    round shape it is nothing.
    """
    for shape, to_top, places in layers.distinct(pairs):
        pair = shape.edge_pair
        a, b = pair.first, pair.second
        if share_end(a, b) and not material:
            continue
        distance = shortfall(pair, limit)
        if distance is None:
            continue
        beside = distance > 0 and not face(a, b)
        if beside and any(_is_reflex(layers, name, to_top * end) != material for end in nearest_ends(a, b)):
            continue
        yield Finding(marker(pair, limit).transformed(to_top), distance * layers.dbu, places)


def _is_reflex(layers: ProcessLayers, name: str, corner: kdb.Point) -> bool:
    """True when more than half of the surroundings of a corner (top-cell coordinates) is material."""
    box = kdb.Box(corner, corner).enlarged(CORNER_REACH, CORNER_REACH)
    near = kdb.Region(kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name]), box))
    return (near & kdb.Region(box)).area() > 0.5 * box.area()


def _areas(layers: ProcessLayers, region: kdb.Region, value: float | None, note: str = "") -> Iterator[Finding]:
    for shape, to_top, places in layers.distinct(region):
        yield Finding(shape.bbox().transformed(to_top), value, places, note)


def width(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Material narrower than the limit."""
    limit = layers.dbus(rule.value)
    pairs = layers.edges(rule.layers[0], alone=True).width_check(limit, True, kdb.Metrics.Euclidian, POINTED)
    yield from _short(layers, pairs, rule.layers[0], limit, material=True)
    yield from near_edges(layers, notches(layers, rule.layers[0]), rule.layers[0], limit, through=True)


def space(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Gaps and notches narrower than the limit."""
    limit = layers.dbus(rule.value)
    pairs = layers.edges(rule.layers[0], alone=True).space_check(limit, True, kdb.Metrics.Euclidian, POINTED)
    yield from _short(layers, pairs, rule.layers[0], limit, material=False)
    yield from near_edges(layers, needles(layers, rule.layers[0]), rule.layers[0], limit, through=False)


def separation(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Shapes of two layers nearer than the limit, or on top of each other."""
    limit = layers.dbus(rule.value)
    first, second = rule.layers
    for shape, to_top, places in layers.distinct(
        layers.edges(first).separation_check(layers.edges(second), limit, True, kdb.Metrics.Euclidian, POINTED)
    ):
        distance = shortfall(shape.edge_pair, limit)
        if distance is not None:
            yield Finding(marker(shape.edge_pair, limit).transformed(to_top), distance * layers.dbu, places)
    yield from near_edges(layers, needles(layers, first), second, limit)
    yield from near_edges(layers, needles(layers, second), first, limit)
    yield from _areas(layers, layers.region(first) & layers.region(second), 0.0, "they overlap")


def enclosure(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Shapes of the inner layer whose border is nearer to that of the outer than the limit, or outside it."""
    limit = layers.dbus(rule.value)
    inner, outer = rule.layers
    pairs = layers.edges(outer).enclosing_check(layers.edges(inner), limit, True, kdb.Metrics.Euclidian, POINTED)
    for shape, to_top, places in layers.distinct(pairs):
        distance = shortfall(shape.edge_pair, limit)
        if distance is not None:
            yield Finding(shape.edge_pair.second.bbox().transformed(to_top), distance * layers.dbu, places)
    yield from near_edges(layers, needles(layers, inner), outer, limit)
    yield from near_edges(layers, notches(layers, outer), inner, limit)
    yield from _areas(layers, _without_slivers(layers.region(inner) - layers.region(outer)), 0.0, f"outside {outer}")


def overlap(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Places where two layers touch or overlap by less than the limit: what they share is narrower than it."""
    limit = layers.dbus(rule.value)
    first, second = rule.layers
    shared = (layers.region(first) & layers.region(second)).merged()
    borders = shared.edges()
    borders.merged_semantics = False
    for shape, to_top, places in layers.distinct(borders.width_check(limit, True, kdb.Metrics.Euclidian, POINTED)):
        distance = shortfall(shape.edge_pair, limit)
        if distance is not None:
            yield Finding(marker(shape.edge_pair, limit).transformed(to_top), distance * layers.dbu, places)
    for shape, to_top, places in layers.distinct(
        layers.edges(first).overlap_check(layers.edges(second), limit, True, kdb.Metrics.Euclidian, POINTED)
    ):
        distance = shortfall(shape.edge_pair, limit)
        if distance is not None:
            yield Finding(marker(shape.edge_pair, limit).transformed(to_top), distance * layers.dbu, places)


def inside(layers: ProcessLayers, rule: Rule) -> Iterable[Finding]:
    """Parts of the inner layer that none of the others covers."""
    cover = kdb.Region()
    for number, name in enumerate(rule.layers[1:]):
        cover = layers.region(name).dup() if number == 0 else cover + layers.region(name)
    return _areas(layers, _without_slivers(layers.region(rule.layers[0]) - cover), None)


def area(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Islands smaller than the limit."""
    limit = round(rule.value / layers.dbu**2)
    for shape, to_top, places in layers.distinct(layers.region(rule.layers[0], alone=True).with_area(0, limit, False)):
        yield Finding(shape.bbox().transformed(to_top), shape.area() * layers.dbu**2, places)


def grid(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Corners off the grid in the coordinates of the top cell, and cells placed so that their corners fall off it."""
    indexes = layers.indexes(rule.layers)
    steps = layers.dbus(rule.value)
    if steps > 1:
        for index in indexes:
            region = kdb.Region(kdb.RecursiveShapeIterator(layers.layout, layers.top, index))
            region.merged_semantics = False
            for pair in region.grid_check(steps, steps).each():
                yield Finding(pair.bbox(), None, 1, "corner")
    holds = _cells_with(layers, indexes)
    for cell_index, places in placements(layers.layout, layers.top).items():
        cell = layers.layout.cell(cell_index)
        for inst in cell.each_inst():
            if inst.cell_index in holds and inst.is_complex():
                note = f"{inst.cell.name} placed at {inst.cplx_trans.angle:g} degrees, scale {inst.cplx_trans.mag:g}"
                yield Finding(inst.bbox(), None, places, note, cell.name)


def _cells_with(layers: ProcessLayers, indexes: list[int]) -> set[int]:
    """Cells that hold a shape on one of the layers, in themselves or below."""
    holds: set[int] = set()
    for cell_index in layers.layout.each_cell_bottom_up():
        cell = layers.layout.cell(cell_index)
        below = holds.intersection(cell.each_child_cell())
        if below or any(not cell.shapes(i).is_empty() for i in indexes):
            holds.add(cell_index)
    return holds


def angle(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Corners sharper than the limit, of the material or of a notch in it."""
    for name in rule.layers:
        for shape, to_top, places in layers.distinct(layers.region(name, alone=True)):
            for points in contours(shape.polygon):
                for index, degrees in _sharp(points, rule.value):
                    x, y = (round(v) for v in points[index])
                    yield Finding(kdb.Box(x, y, x, y).enlarged(JOG, JOG).transformed(to_top), degrees, places, name)


def _sharp(points: NDArray[np.float64], limit: float) -> list[tuple[int, float]]:
    """Index and angle of the corners of a contour (dbu, shape (N, 2)) below `limit` degrees; jogs are passed over."""
    step = np.hypot(*(points - np.roll(points, 1, axis=0)).T)
    kept = np.flatnonzero(step > JOG)
    if len(kept) < 3:
        kept = np.arange(len(points))
    p = points[kept]
    back, ahead = np.roll(p, 1, axis=0) - p, np.roll(p, -1, axis=0) - p
    cross = back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0]
    degrees = np.degrees(np.arctan2(np.abs(cross), (back * ahead).sum(axis=1)))
    return [(int(kept[i]), float(degrees[i])) for i in np.flatnonzero(degrees < limit - 0.5)]


def collision(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Areas that two shapes cover."""
    twice = layers.flat_polygons(rule.layers).merged(False, 2)
    opening = max(1, layers.dbus(rule.value) // 2)
    for polygon in twice.sized(-opening).sized(opening).each():
        yield Finding(polygon.bbox(), None)


def _without_slivers(region: kdb.Region) -> kdb.Region:
    """The parts of a region wider than two slivers."""
    return region.merged().sized(-SLIVER).sized(SLIVER)


RULE_KINDS: dict[str, Callable[[ProcessLayers, Rule], Iterable[Finding]]] = {
    "width": width,
    "space": space,
    "separation": separation,
    "enclosure": enclosure,
    "overlap": overlap,
    "inside": inside,
    "area": area,
    "grid": grid,
    "angle": angle,
    "collision": collision,
}
