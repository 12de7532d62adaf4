"""Pointed corners near an edge: what a check of pairs of edges that face each other can't see.

Pairs of edges at 60 degrees or more to each other are not measured, or every corner would be a width of 0. With
corners blunter than that, one side of a corner is always nearer to being parallel to the edge that the corner points
at. What is left are corners sharper than 60 degrees, needles of the material and notches in it; there are hardly any,
and the distance of each from the edges around it is measured here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import klayout.db as kdb

from cpo_pdk.verify.design_rules.edge_distance import is_exact, nearest, rounding, share_end
from cpo_pdk.verify.process_layers import Finding, ProcessLayers

#: corners that turn by more than this, 1 degree less than what pairs of edges are measured up to; degrees
TURN = 119.0


def needles(layers: ProcessLayers, name: str) -> Iterator[tuple[kdb.Point, int]]:
    """Corners of the material below 61 degrees: one place of each in the top cell, and how many there are."""
    return _corners(layers, layers.region(name, alone=True).corners_dots(-180.0, -TURN, True, True))


def notches(layers: ProcessLayers, name: str) -> Iterator[tuple[kdb.Point, int]]:
    """Corners of the gaps in the material below 61 degrees, as `needles`."""
    return _corners(layers, layers.region(name, alone=True).corners_dots(TURN, 180.0, True, True))


def _corners(layers: ProcessLayers, dots: kdb.Edges) -> Iterator[tuple[kdb.Point, int]]:
    for shape, to_top, places in layers.distinct(dots):
        yield to_top * shape.edge.p1, places


def _around(layers: ProcessLayers, name: str, point: kdb.Point, reach: int) -> kdb.Region:
    box = kdb.Box(point, point).enlarged(reach, reach)
    shapes = kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name]), box)
    return kdb.Region(shapes).merged()


def near_edges(
    layers: ProcessLayers,
    corners: Iterator[tuple[kdb.Point, int]],
    name: str,
    limit: int,
    *,
    through: bool | None = None,
) -> Iterator[Finding]:
    """Corners nearer than `limit` to an edge of a layer that doesn't end in them.

    Args:
        layers: the layout.
        corners: see `needles` and `notches`.
        name: the layer whose edges are measured.
        limit: dbu.
        through: whether the way from the corner to the edge has to lead through material of the layer (a width) or
            not (a gap); None when it doesn't matter.
    """
    for corner, places in corners:
        region = _around(layers, name, corner, limit)
        dot = kdb.Edge(corner, corner)
        worst: tuple[float, kdb.Point] | None = None
        for edge in region.edges().each():
            way = nearest(dot, edge)
            distance = math.hypot(*way)
            allowed = rounding(way) * (1 if is_exact(edge) else 2)
            if share_end(dot, edge) or distance >= limit - allowed or (worst and distance >= worst[0]):
                continue
            foot = _foot(corner, edge)
            middle = kdb.Point((corner.x + foot.x) // 2, (corner.y + foot.y) // 2)
            if through is None or _holds(region, middle) == through:
                worst = (distance, foot)
        if worst is not None:
            yield Finding(kdb.Box(corner, worst[1]), worst[0] * layers.dbu, places, "a pointed corner")


def _foot(point: kdb.Point, edge: kdb.Edge) -> kdb.Point:
    """The point of an edge that is nearest to another point."""
    along, length2 = edge.d(), edge.sq_length()
    share = 0.0 if length2 == 0 else min(1.0, max(0.0, kdb.Edge(edge.p1, point).d().sprod(along) / length2))
    return kdb.Point(round(edge.x1 + share * along.x), round(edge.y1 + share * along.y))


def _holds(region: kdb.Region, point: kdb.Point) -> bool:
    return any(polygon.inside(point) for polygon in region.each())
