"""Which of KLayout's edge pairs are real: the exact distance, and the rounding that a slanted edge may have.

The corner of a slanted edge is rounded to the grid, by up to half a database unit in x and in y. Along a direction u
that moves it by up to (|ux| + |uy|) / 2: 0.5 units along x or y, 0.71 at 45 degrees. A waveguide drawn at exactly the
limit may measure as much less on each of its two sides, so 1.0 to 1.42 units are forgiven between two slanted edges
and half of it between a slanted one and one along x or y. What lies along x or y was not rounded and nothing is
forgiven, unless it is a facet of a curve: a short edge that its neighbour goes on from nearly straight.

What is drawn 3 units below the limit is always found. At 2 units rounding may widen a straight slanted bar to what the
limit itself may be rounded to (at 45 degrees bars of 118 and of 120 nm around a point of the grid are the same
polygon); a curve, whose facets are rounded in many ways, is found.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import klayout.db as kdb

#: an edge along x or y up to this length may be a facet of a curve, dbu
FACET = 1000
#: a neighbour that turns by less than this goes on from an edge: both are facets of one curve; degrees
FACET_TURN = 45.0
#: what numbers that are equal may differ by, dbu
_EQUAL = 1e-6


def _foot(px: float, py: float, e: kdb.Edge) -> tuple[float, float]:
    """From the point of an edge that is nearest to a point, to that point."""
    dx, dy = e.x2 - e.x1, e.y2 - e.y1
    length2 = dx * dx + dy * dy
    t = 0.0 if length2 == 0 else min(1.0, max(0.0, ((px - e.x1) * dx + (py - e.y1) * dy) / length2))
    return px - e.x1 - t * dx, py - e.y1 - t * dy


def nearest(a: kdb.Edge, b: kdb.Edge) -> tuple[float, float]:
    """The shortest way between two edges, as a vector (dbu); (0, 0) where they touch or cross."""
    if a.intersects(b):
        return 0.0, 0.0
    ways = (_foot(a.x1, a.y1, b), _foot(a.x2, a.y2, b), _foot(b.x1, b.y1, a), _foot(b.x2, b.y2, a))
    return min(ways, key=lambda way: math.hypot(*way))


def edge_distance(a: kdb.Edge, b: kdb.Edge) -> float:
    """Smallest distance between two edges, in their unit; 0 where they touch or cross."""
    return math.hypot(*nearest(a, b))


def is_along_axis(edge: kdb.Edge) -> bool:
    """True for an edge along x or y."""
    return edge.x1 == edge.x2 or edge.y1 == edge.y2


def is_exact(edge: kdb.Edge) -> bool:
    """True for an edge along x or y that is too long for a facet of a curve: it lies where it was drawn."""
    return is_along_axis(edge) and edge.length() > FACET


def share_end(a: kdb.Edge, b: kdb.Edge) -> bool:
    """True for two edges that meet in a corner."""
    return bool({(a.x1, a.y1), (a.x2, a.y2)} & {(b.x1, b.y1), (b.x2, b.y2)})


def rounding(way: tuple[float, float]) -> float:
    """How much less than drawn a distance along `way` may measure for each end of it that was rounded, dbu.

    The way itself was turned a little by the rounding: `1 / length` is what that can add.
    """
    length = math.hypot(*way)
    return min((abs(way[0]) + abs(way[1])) / 2 + 1.0, length / math.sqrt(2.0)) / length if length else 0.0


def shortfall(
    pair: kdb.EdgePair, limit: int, is_facet: Callable[[kdb.Edge, int], bool] = lambda _edge, _number: True
) -> float | None:
    """Distance of a pair in dbu when it is below `limit` (dbu) by more than rounding explains, else None.

    Args:
        pair: two edges.
        limit: dbu.
        is_facet: whether a short edge along x or y, the first (0) or second (1) of the pair, belongs to a curve; only
            asked where it decides.
    """
    way = nearest(pair.first, pair.second)
    distance = math.hypot(*way)
    if distance >= limit - _EQUAL:
        return None
    allowed = rounding(way)
    short_by = limit - distance
    if short_by > 2 * allowed + _EQUAL:
        return distance
    ends = sum(
        not is_along_axis(edge) or (not is_exact(edge) and is_facet(edge, number))
        for number, edge in enumerate((pair.first, pair.second))
    )
    return distance if short_by > ends * allowed + _EQUAL else None


def goes_on(edge: kdb.Edge, others: kdb.Edges) -> bool:
    """True when one of `others` goes on from an end of an edge nearly straight: the edge is a facet of a curve."""
    along = edge.d()
    for other in others.each():
        if other == edge or not share_end(edge, other):
            continue
        turn = math.degrees(abs(math.atan2(along.vprod(other.d()), along.sprod(other.d()))))
        if 0.0 < turn < FACET_TURN:
            return True
    return False


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
