"""Distances and overlaps of outlines; um."""

from __future__ import annotations

from collections.abc import Iterable

import klayout.db as kdb

_DBU = 0.001


def box_distance(a: kdb.DBox, b: kdb.DBox) -> float:
    """Distance of two boxes; 0 where they touch or overlap."""
    dx = max(a.left - b.right, b.left - a.right, 0.0)
    dy = max(a.bottom - b.top, b.bottom - a.top, 0.0)
    return float((dx * dx + dy * dy) ** 0.5)


def distance(a: kdb.DPolygon, b: kdb.DPolygon) -> float:
    """Distance of two outlines; 0 where they touch or overlap."""
    if a.is_box() and b.is_box():
        return box_distance(a.bbox(), b.bbox())
    if not overlap([a], [b]).empty():
        return 0.0
    pairs = ((p, q) for p, q in ((a, b), (b, a)))
    return min(
        edge.euclidian_distance(corner) for p, q in pairs for edge in p.each_edge() for corner in q.each_point_hull()
    )


def region(polygons: Iterable[kdb.DPolygon]) -> kdb.Region:
    """Polygons as a region in database units."""
    found = kdb.Region()
    for polygon in polygons:
        found.insert(polygon.to_itype(_DBU))
    return found


def overlap(a: Iterable[kdb.DPolygon], b: Iterable[kdb.DPolygon]) -> kdb.DBox:
    """Box of what two groups of outlines have in common; empty where that is nothing."""
    common = region(a) & region(b)
    return kdb.DBox() if common.is_empty() else common.bbox().to_dtype(_DBU)


def enlarged(polygon: kdb.DPolygon, by: float) -> kdb.DPolygon:
    """An outline with so much room around it."""
    if by <= 0:
        return polygon
    if polygon.is_box():
        return kdb.DPolygon(polygon.bbox().enlarged(by, by))
    return polygon.sized(by, 2)


def polygon_of(box: kdb.DBox) -> kdb.DPolygon:
    """A box as an outline."""
    return kdb.DPolygon(box)


def room_inside(outer: kdb.DPolygon, inner: kdb.DPolygon) -> float:
    """Smallest distance from an outline to the edge of the one around it; negative where it stands out.

    For outlines that are no boxes the corners of the inner one are measured; one that stands out counts as -distance.
    """
    if outer.is_box() and inner.is_box():
        a, b = outer.bbox(), inner.bbox()
        return min(b.left - a.left, b.bottom - a.bottom, a.right - b.right, a.top - b.top)
    nearest = [
        (min(edge.euclidian_distance(corner) for edge in outer.each_edge()), outer.inside(corner))
        for corner in inner.each_point_hull()
    ]
    return min(value if inside else -value for value, inside in nearest)
