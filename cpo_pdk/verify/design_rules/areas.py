"""Rule kinds about areas: inside, exclusion, area, hole, collision."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

import klayout.db as kdb

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.process_layers import Finding, ProcessLayers, equal_polygons

#: slivers up to twice this are the rounding of slanted edges, not a violation; dbu
SLIVER = 1
#: how far a slanted edge may lie from where it was drawn, dbu
ROUNDED = math.sqrt(0.5)


def found_areas(
    layers: ProcessLayers, region: kdb.Region, value: float | None = None, note: str = ""
) -> Iterator[Finding]:
    """Each polygon of a result as a finding."""
    for shape, to_top, places in layers.distinct(region):
        yield Finding(shape.bbox().transformed(to_top), value, places, note)


def without_slivers(region: kdb.Region) -> kdb.Region:
    """The parts of a region wider than two slivers."""
    return region if region.is_empty() else region.merged().sized(-SLIVER).sized(SLIVER)


def union(layers: ProcessLayers, names: Sequence[str]) -> kdb.Region:
    """Shapes of several layers as drawn, in one region."""
    cover = layers.drawn(names[0]).dup()
    for name in names[1:]:
        cover += layers.drawn(name)
    cover.merged_semantics = False
    return cover


def inside(layers: ProcessLayers, rule: Rule) -> Iterable[Finding]:
    """Parts of the inner layer that none of the others covers."""
    bare = layers.drawn(rule.layers[0]) - union(layers, rule.layers[1:])
    return found_areas(layers, without_slivers(bare))


def exclusion(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Parts of a layer that lie on one of the others."""
    for other in rule.layers[1:]:
        shared = without_slivers(layers.drawn(rule.layers[0]) & layers.drawn(other))
        yield from found_areas(layers, shared, None, other)


def area(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Islands smaller than the limit."""
    return _too_small(layers, layers.region(rule.layers[0], alone=True), rule.value)


def hole(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Holes smaller than the limit."""
    holes = layers.region(rule.layers[0], alone=True).holes()
    holes.merged_semantics = False
    return _too_small(layers, holes, rule.value)


def _too_small(layers: ProcessLayers, region: kdb.Region, value: float) -> Iterator[Finding]:
    """Polygons of less than `value` um2 by more than the rounding of their slanted edges explains.

    A hole may drag the cut line along by which a file joins it to the outside: edges longer in all than twice the
    border of a square of `value` are not counted.
    """
    limit = round(value / layers.dbu**2)
    longest = 8 * math.sqrt(limit)
    for shape, to_top, places in layers.distinct(region.with_area(0, limit, False)):
        slanted = sum(edge.length() for edge in shape.each_edge() if edge.dx() and edge.dy())
        if shape.area() < limit - ROUNDED * min(slanted, longest):
            yield Finding(shape.bbox().transformed(to_top), shape.area() * layers.dbu**2, places)


def collision(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Areas that two shapes cover."""
    drawn = layers.flat_polygons(rule.layers)
    if _clearly_apart(layers, rule.layers, drawn):
        return
    opening = max(1, layers.dbus(rule.value) // 2)
    for polygon in drawn.merged(False, 2).sized(-opening).sized(opening).each():
        yield Finding(polygon.bbox(), None)


def _clearly_apart(layers: ProcessLayers, names: Sequence[str], drawn: kdb.Region) -> bool:
    """True when numbers tell that nothing is covered twice; cheaper than to look where.

    Shapes that cover nothing twice, neither alone nor together, have exactly the area of what they make when merged
    (corners are whole numbers, the areas are exact). Two merged layers are apart when no edges of them touch and none
    holds a polygon of the other.
    """
    merged = [layers.region(name, alone=True) for name in names if layers.index(name) is not None]
    if any(region.is_deep() for region in merged):
        return False
    total = 0
    for polygon, ways in equal_polygons(drawn):
        twice = polygon.area2()
        if twice != sum(part.area2() for part in kdb.Region(polygon).merged().each()):
            return False
        total += twice * len(ways)
    if total != sum(polygon.area2() for region in merged for polygon in region.each()):
        return False
    return not any(_meet(a, b) for a, b in itertools.combinations(merged, 2))


def _meet(a: kdb.Region, b: kdb.Region) -> bool:
    """True when merged regions touch or one holds a polygon of the other."""
    edges = [region.edges() for region in (a, b)]
    for some in edges:
        some.merged_semantics = False
    if not edges[0].interacting(edges[1]).is_empty():
        return True
    return any(
        box.contains(point) and outer.inside(point)
        for first, second in ((a, b), (b, a))
        for outer in first.each()
        for box in (outer.bbox(),)
        for point in (polygon.point_hull(0) for polygon in second.each())
    )
