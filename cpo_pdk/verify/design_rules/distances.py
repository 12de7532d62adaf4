"""Rule kinds that measure distances: width, space, notch, isolation, separation, enclosure, extension, overlap.

Distances are checked between the edges of merged polygons, not between polygons: the same result, and long curves cost
little. Areas that two layers share or don't share are taken from the shapes as drawn: merging a layer joins what lies
in many cells into polygons of the cells above, and every operation on those costs more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import klayout.db as kdb

from cpo_pdk.tech.layers import LAYERS
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.design_rules.areas import found_areas, without_slivers
from cpo_pdk.verify.design_rules.edge_distance import face, goes_on, marker, nearest_ends, share_end, shortfall
from cpo_pdk.verify.design_rules.tips import near_edges, needles, notches
from cpo_pdk.verify.process_layers import Finding, ProcessLayers

#: how far around a corner is looked to tell an inner from an outer one, dbu
CORNER_REACH = 20
#: sides that make a larger angle are a corner, not a width or a gap; degrees
POINTED = 60.0
_EUCLIDIAN = kdb.Metrics.Euclidian


def _near(
    layers: ProcessLayers, pairs: kdb.EdgePairs, names: tuple[str, str], limit: int
) -> Iterator[tuple[kdb.EdgePair, kdb.ICplxTrans, int, float]]:
    """Pairs nearer than `limit` by more than rounding explains, and their distance in dbu.

    Args:
        layers: the layout.
        pairs: what KLayout found.
        names: layers that the first and the second edge of each pair belong to.
        limit: dbu.
    """
    for shape, to_top, places in layers.distinct(pairs):
        pair = shape.edge_pair
        distance = shortfall(pair, limit, _facet_test(layers, names, to_top))
        if distance is not None:
            yield pair, to_top, places, distance


def _facet_test(
    layers: ProcessLayers, names: tuple[str, str], to_top: kdb.ICplxTrans
) -> Callable[[kdb.Edge, int], bool]:
    """Whether an edge of a merged layer is a facet of a curve; see `shortfall`."""

    def is_facet(edge: kdb.Edge, number: int) -> bool:
        in_top = edge.transformed(to_top)
        return goes_on(in_top, _merged_around(layers, names[number], in_top.bbox()).edges())

    return is_facet


def _merged_around(layers: ProcessLayers, name: str, box: kdb.Box) -> kdb.Region:
    """Merged polygons of a layer around a box, both in the top cell."""
    near = kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name]), box.enlarged(1, 1))
    return kdb.Region(near).merged()


def _of_one_layer(
    layers: ProcessLayers, pairs: kdb.EdgePairs, name: str, limit: int, *, material: bool
) -> Iterator[Finding]:
    """Pairs of edges of one layer that are nearer than `limit`, with material between them or without.

    Two edges that meet in a corner count only as a pointed end of the material, where one follows the other: those of
    two corners that touch each other don't, whichever of them KLayout finds. Two that don't lie across each other
    are near with their ends only: that is a neck (or a gap) between two corners that look at each other, but on a
    round shape it is nothing.
    """
    for pair, to_top, places, distance in _near(layers, pairs, (name, name), limit):
        a, b = pair.first, pair.second
        if share_end(a, b) and not (material and (a.p2 == b.p1 or b.p2 == a.p1)):
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


def _of_two_layers(
    layers: ProcessLayers, pairs: kdb.EdgePairs, names: tuple[str, str], limit: int
) -> Iterator[Finding]:
    for pair, to_top, places, distance in _near(layers, pairs, names, limit):
        yield Finding(marker(pair, limit).transformed(to_top), distance * layers.dbu, places)


def width(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Material narrower than the limit."""
    limit, name = layers.dbus(rule.value), rule.layers[0]
    if LAYERS[name].group == "package":
        yield from _width_of_copies(layers, name, limit)
    else:
        pairs = layers.edges(name, alone=True).width_check(limit, True, _EUCLIDIAN, POINTED)
        yield from _of_one_layer(layers, pairs, name, limit, material=True)
    yield from near_edges(layers, notches(layers, name), name, limit, through=True)


def _width_of_copies(layers: ProcessLayers, name: str, limit: int) -> Iterator[Finding]:
    """Material narrower than the limit, looked for once in polygons of one shape (a width lies within one polygon)."""
    for polygon, ways in layers.copies(name):
        alone = kdb.Region(polygon)
        alone.merged_semantics = False
        edges = alone.edges()
        edges.merged_semantics = False
        pairs = edges.width_check(limit, True, _EUCLIDIAN, POINTED)
        for finding in _of_one_layer(layers, pairs, name, limit, material=True):
            for way in ways:
                yield replace(finding, box=finding.box.moved(way))


def space(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Gaps narrower than the limit, in one polygon or between two."""
    limit, name = layers.dbus(rule.value), rule.layers[0]
    pairs = layers.edges(name, alone=True).space_check(limit, True, _EUCLIDIAN, POINTED)
    yield from _of_one_layer(layers, pairs, name, limit, material=False)
    yield from near_edges(layers, needles(layers, name), name, limit, through=False)


def notch(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Gaps narrower than the limit between two edges of one polygon."""
    limit, name = layers.dbus(rule.value), rule.layers[0]
    pairs = layers.region(name, alone=True).notch_check(limit, True, _EUCLIDIAN, POINTED)
    yield from _of_one_layer(layers, pairs, name, limit, material=False)


def isolation(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Gaps narrower than the limit between two polygons."""
    limit, name = layers.dbus(rule.value), rule.layers[0]
    pairs = layers.region(name, alone=True).isolated_check(limit, True, _EUCLIDIAN, POINTED)
    yield from _of_one_layer(layers, pairs, name, limit, material=False)


def separation(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Shapes of two layers nearer than the limit, or on top of each other."""
    limit = layers.dbus(rule.value)
    first, second = rule.layers
    pairs = layers.edges(first).separation_check(layers.edges(second), limit, True, _EUCLIDIAN, POINTED)
    yield from _of_two_layers(layers, pairs, (first, second), limit)
    yield from near_edges(layers, needles(layers, first), second, limit)
    yield from near_edges(layers, needles(layers, second), first, limit)
    yield from found_areas(layers, layers.drawn(first) & layers.drawn(second), 0.0, "they overlap")


def enclosure(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Shapes of the inner layer whose border is nearer to that of the outer than the limit, or outside it."""
    limit = layers.dbus(rule.value)
    inner, outer = rule.layers
    pairs = layers.edges(outer).enclosing_check(layers.edges(inner), limit, True, _EUCLIDIAN, POINTED)
    for pair, to_top, places, distance in _near(layers, pairs, (outer, inner), limit):
        yield Finding(pair.second.bbox().transformed(to_top), distance * layers.dbu, places)
    yield from near_edges(layers, needles(layers, inner), outer, limit)
    yield from near_edges(layers, notches(layers, outer), inner, limit)
    outside = without_slivers(layers.drawn(inner) - layers.drawn(outer))
    yield from found_areas(layers, outside, 0.0, f"outside {outer}")


def extension(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Places where the inner layer leaves the other and ends before the limit."""
    limit = layers.dbus(rule.value)
    inner, other = rule.layers
    pairs = layers.edges(inner).enclosing_check(layers.edges(other), limit, True, _EUCLIDIAN, POINTED)
    yield from _of_two_layers(layers, pairs, (inner, other), limit)


def overlap(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Places where two layers touch or overlap by less than the limit: what they share is narrower than it."""
    limit = layers.dbus(rule.value)
    first, second = rule.layers
    shared = (layers.drawn(first) & layers.drawn(second)).merged()
    borders = shared.edges()
    borders.merged_semantics = False
    for shape, to_top, places in layers.distinct(borders.width_check(limit, True, _EUCLIDIAN, POINTED)):
        distance = shortfall(shape.edge_pair, limit)
        if distance is not None:
            yield Finding(marker(shape.edge_pair, limit).transformed(to_top), distance * layers.dbu, places)
    pairs = layers.edges(first).overlap_check(layers.edges(second), limit, True, _EUCLIDIAN, POINTED)
    yield from _of_two_layers(layers, pairs, (first, second), limit)
