"""Distances and overlaps of outlines; um."""

from __future__ import annotations

from collections.abc import Iterable

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.placed import Points

_DBU = 0.001
#: overlaps narrower than this are two outlines that abut, um
TOUCH = 0.01


def box_distance(a: kdb.DBox, b: kdb.DBox) -> float:
    """Distance of two boxes; 0 where they touch or overlap."""
    dx = max(a.left - b.right, b.left - a.right, 0.0)
    dy = max(a.bottom - b.top, b.bottom - a.top, 0.0)
    return float((dx * dx + dy * dy) ** 0.5)


def corners_of(boxes: Iterable[kdb.DBox]) -> Points:
    """Left, bottom, right and top of boxes, shape (N, 4)."""
    return np.array([(box.left, box.bottom, box.right, box.top) for box in boxes]).reshape(-1, 4)


def box_distances(boxes: Points, box: kdb.DBox) -> Points:
    """Distance of each of many boxes (see `corners_of`) from one; 0 where they touch or overlap."""
    dx = np.maximum(np.maximum(boxes[:, 0] - box.right, box.left - boxes[:, 2]), 0.0)
    dy = np.maximum(np.maximum(boxes[:, 1] - box.top, box.bottom - boxes[:, 3]), 0.0)
    return np.hypot(dx, dy)


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
    """Box of what two groups of outlines have in common; empty where that is nothing wider than `TOUCH`."""
    half = round(TOUCH / _DBU / 2)
    common = (region(a) & region(b)).sized(-half).sized(half)
    return kdb.DBox() if common.is_empty() else common.bbox().to_dtype(_DBU)


def less(a: Iterable[kdb.DPolygon], b: Iterable[kdb.DPolygon]) -> list[kdb.DPolygon]:
    """What of some outlines others don't cover, without slivers narrower than `TOUCH`."""
    half = round(TOUCH / _DBU / 2)
    return [polygon.to_dtype(_DBU) for polygon in (region(a) - region(b)).sized(-half).sized(half).each()]


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
