"""Which of KLayout's edge pairs are real: the exact distance, and the rounding that a slanted edge may have.

The corner of a slanted edge is rounded to the grid, by up to half a database unit in x and in y: each of two such
edges may lie 0.71 units from where it was drawn, so a waveguide at 45 degrees drawn at exactly the limit may measure
up to 1.42 units less. Between two edges along x or y nothing is rounded and nothing is forgiven, unless one is so
short that it may be a facet of a curve.
"""

from __future__ import annotations

import math

import klayout.db as kdb

#: how much less than the limit two edges may measure when one of them was rounded, dbu
SLANTED_TOLERANCE = math.sqrt(2.0) + 1e-6
#: an edge along x or y up to this length may be a facet of a curve, dbu
FACET = 1000


def _point_to_segment(px: float, py: float, e: kdb.Edge) -> float:
    dx, dy = e.x2 - e.x1, e.y2 - e.y1
    length2 = dx * dx + dy * dy
    t = 0.0 if length2 == 0 else min(1.0, max(0.0, ((px - e.x1) * dx + (py - e.y1) * dy) / length2))
    return math.hypot(px - e.x1 - t * dx, py - e.y1 - t * dy)


def edge_distance(a: kdb.Edge, b: kdb.Edge) -> float:
    """Smallest distance between two edges, in their unit; 0 where they touch or cross."""
    if a.intersects(b):
        return 0.0
    return min(
        _point_to_segment(a.x1, a.y1, b),
        _point_to_segment(a.x2, a.y2, b),
        _point_to_segment(b.x1, b.y1, a),
        _point_to_segment(b.x2, b.y2, a),
    )


def is_exact(edge: kdb.Edge) -> bool:
    """True for an edge along x or y that is no facet of a curve: it lies where it was drawn."""
    return (edge.x1 == edge.x2 or edge.y1 == edge.y2) and edge.length() > FACET


def share_end(a: kdb.Edge, b: kdb.Edge) -> bool:
    """True for two edges that meet in a corner."""
    return bool({(a.x1, a.y1), (a.x2, a.y2)} & {(b.x1, b.y1), (b.x2, b.y2)})


def shortfall(pair: kdb.EdgePair, limit: int) -> float | None:
    """Distance of a pair in dbu when it is below `limit` (dbu) by more than rounding explains, else None."""
    a, b = pair.first, pair.second
    distance = edge_distance(a, b)
    allowed = limit if is_exact(a) and is_exact(b) else limit - SLANTED_TOLERANCE
    return distance if distance < allowed else None


def marker(pair: kdb.EdgePair, limit: int) -> kdb.Box:
    """The part of two whole edges that is within `limit` of the other, as a box (dbu)."""
    a, b = pair.first, pair.second
    near_a, near_b = a.clipped(b.bbox().enlarged(limit, limit)), b.clipped(a.bbox().enlarged(limit, limit))
    box = kdb.Box()
    for edge in (near_a or a, near_b or b):
        box += edge.bbox()
    return box


def face(a: kdb.Edge, b: kdb.Edge) -> bool:
    """True when a part of one edge lies squarely across the other: their distance is then a width or a gap."""
    return _overlap(a, b) > 1.0 or _overlap(b, a) > 1.0


def _overlap(a: kdb.Edge, b: kdb.Edge) -> float:
    """Length of the projection of `a` on `b` that falls on `b`."""
    dx, dy = b.x2 - b.x1, b.y2 - b.y1
    length = math.hypot(dx, dy)
    if length == 0:
        return 0.0
    t1 = ((a.x1 - b.x1) * dx + (a.y1 - b.y1) * dy) / length
    t2 = ((a.x2 - b.x1) * dx + (a.y2 - b.y1) * dy) / length
    return min(max(t1, t2), length) - max(min(t1, t2), 0.0)


def nearest_ends(a: kdb.Edge, b: kdb.Edge) -> tuple[kdb.Point, kdb.Point]:
    """The ends of two edges that are nearest to each other."""
    return min(((p, q) for p in (a.p1, a.p2) for q in (b.p1, b.p2)), key=lambda pair: pair[0].sq_distance(pair[1]))
