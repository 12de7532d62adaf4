"""Rule kinds `chord_deviation` and `kink`: curves drawn with too few corners, and guides that turn at a corner.

A facet of length l between corners that turn by t on average leaves the curve by l t / 8 (the sagitta of its chord). It
is one of a curve when its neighbours are about as long and the corners around it turn to the same side alike; a
straight that a taper follows isn't. A kink is a hollow corner of a wall, opposite to which the other wall turns the
same way: the guide as a whole changes its direction at once. Corners of a curve are none: what they are off by is its
chord deviation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.contour_set import ContourSet, Floats, cross, dot, right_of, unit
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding

#: neighbouring facets of one curve are at most this many times as long, and turn by as many times as much
ALIKE = 3.0
#: what turns by more is a corner, radian
CORNER = np.radians(50.0)
#: corners are rounded to the grid, um: nothing shorter tells a direction
SHORTEST_UM = 0.02


def chord_deviation(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Facets of curves of guides that leave the curve by more than the limit."""
    name, widest = rule.layers[0], float(rule.more["widest"])
    walls = guides.contours(name)
    first, last = walls.turn, walls.turn[walls.following]
    bow = walls.length * (np.abs(first) + np.abs(last)) / 16
    edge = np.flatnonzero(_in_curve(walls) & (bow > rule.value + 2e-4))
    middle = walls.points[edge] + walls.edge[edge] / 2
    width, _ = guides.across(name, edge, middle, widest)
    for i in np.flatnonzero(np.isfinite(width)):
        e = edge[i]
        ends = walls.points[[e, walls.following[e]]]
        yield guides.finding(
            name, int(e), ends, float(bow[e]), f"facet {walls.length[e]:.3g} um long", ends.mean(axis=0)
        )


def _in_curve(walls: ContourSet) -> NDArray[np.bool_]:
    """Edges that are facets of a curve: it goes on alike on one side at least, over three corners and two edges."""
    first, last = walls.turn, walls.turn[walls.following]
    before, after = walls.turn[walls.preceding], walls.turn[walls.following[walls.following]]
    curve = (np.maximum(np.abs(first), np.abs(last)) < CORNER) & _alike(first, last)
    onward = _alike(walls.length, walls.length[walls.following]) & _alike(last, after)
    backward = _alike(walls.length, walls.length[walls.preceding]) & _alike(first, before)
    return curve & (onward | backward)


def _alike(a: Floats, b: Floats) -> NDArray[np.bool_]:
    """True where two numbers have one sign and are about as large."""
    return (a * b > 0) & (np.abs(a) <= ALIKE * np.abs(b)) & (np.abs(b) <= ALIKE * np.abs(a))


def kink(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Corners at which a guide turns by more than the limit, degrees."""
    name, widest, limit = rule.layers[0], float(rule.more["widest"]), np.radians(rule.value)
    walls = guides.contours(name)
    corner = np.flatnonzero(walls.turn > limit + 1e-3)
    curve = _in_curve(walls)
    corner = corner[~curve[corner] & ~curve[walls.preceding[corner]]]
    corner = corner[np.minimum(walls.length[corner], walls.length[walls.preceding[corner]]) > SHORTEST_UM]
    if not corner.size:
        return
    before, after = walls.direction[walls.preceding[corner]], walls.direction[corner]
    turn = walls.turn[corner]
    inward = unit(right_of(before) + right_of(after))
    start = walls.points[corner] + 1e-3 * inward
    distance, other = guides.rays(name).meet(start, inward, walls.polygon[corner], 2 * widest)
    width = (distance + 1e-3) * np.cos(turn / 2)
    good = np.isfinite(distance) & (width <= widest)
    corner, turn, distance, other, width = corner[good], turn[good], distance[good], other[good], width[good]
    met = start[good] + inward[good] * distance[:, None]
    along = walls.s[other] + np.hypot(*(met - walls.points[other]).T)
    reach = 0.3 * width + 0.05
    loop = walls.loop[other]
    # direction of the other wall on both sides of where it is met, beyond what its corner may be rounded by
    enter = walls.tangent(loop, along - reach - 0.04, 0.04)
    leave = walls.tangent(loop, along + reach + 0.04, 0.04)
    opposite = np.arctan2(cross(enter, leave), dot(enter, leave))
    same = (opposite < -0.5 * turn) & (opposite > -1.5 * turn - 0.1)
    for i in np.flatnonzero(same):
        points = np.vstack([walls.points[corner[i]], met[i]])
        yield guides.finding(name, int(corner[i]), points, float(np.degrees(turn[i])))
