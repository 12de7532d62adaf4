"""Rule kind `taper_slope`: guides that widen too fast.

The angle between the two walls of a guide, halved. The direction of a wall is that of its edge or, where the edge is
shorter than `CHORD_UM`, that of a chord as long, which rounding turns less; where such a chord has a corner in it
nothing is measured (a step in the width is the matter of `width_jump`). The facets of a bend lie askew on its two sides
by as much as they turn: they are mistaken for a taper only where they turn by twice the limit or more. Walls further
apart than `widest` are those of no guide.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.contour_set import ContourSet, Floats, Ints, cross, dot, right_of
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding

#: the direction of a wall is taken over this length at least, um
CHORD_UM = 0.1
#: and which way the guide goes, where a wall has a corner, over this length to both sides, um
AROUND_UM = 0.3
#: what turns by more than this within the chord is a corner, radian
CORNER = np.radians(50.0)
#: an edge that turns from the way of the guide by more than 65 degrees is the face of a step, cosine
FACE = 0.42
#: walls at a larger angle are an end and a side, degrees
STEEPEST = 80.0
#: a chord is off by the diagonal of the grid at most, um
ROUNDING_UM = 0.0014
#: and this is forgiven on top, degrees
TOLERANCE_DEGREES = 0.05


def taper_slope(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Places where a guide widens by more than the limit, a half angle in degrees."""
    name, widest = rule.layers[0], float(rule.more["widest"])
    walls = guides.contours(name)
    edge, s = _places(walls)
    loop = walls.loop[edge]
    heading = _heading(walls, edge, loop, s, np.radians(rule.value) / 2)
    along = dot(heading, walls.direction[edge]) > FACE
    edge, loop, s, inward = edge[along], loop[along], s[along], right_of(heading[along])
    width, other = guides.rays(name).meet(walls.at(loop, s), inward, walls.polygon[edge], widest)
    seen = np.flatnonzero(np.isfinite(width))
    edge, s, loop, inward, width, other = edge[seen], s[seen], loop[seen], inward[seen], width[seen], other[seen]
    # most walls are parallel: only what isn't is looked at closely
    bent = np.flatnonzero(-dot(walls.direction[edge], walls.direction[other]) < np.cos(np.radians(rule.value)))
    edge, s, loop, inward, width, other = edge[bent], s[bent], loop[bent], inward[bent], width[bent], other[bent]
    met = walls.at(loop, s) + width[:, None] * inward
    s_other = walls.s[other] + np.hypot(*(met - walls.points[other]).T)
    first, smooth = _direction(walls, edge, s)
    second, smooth_too = _direction(walls, other, s_other)
    smooth &= smooth_too
    # positive where the guide widens, on the way along either wall, or narrows: the angle between the walls
    half = np.degrees(np.abs(np.arctan2(cross(first, -second), dot(first, -second)))) / 2
    straight = np.maximum(np.minimum(walls.length[edge], walls.length[other]), CHORD_UM)
    allowed = rule.value + TOLERANCE_DEGREES + np.degrees(ROUNDING_UM / straight)
    for i in np.flatnonzero(smooth & (half > allowed) & (half < STEEPEST)):
        ends = walls.points[[edge[i], walls.following[edge[i]]]]
        yield guides.finding(name, int(edge[i]), np.vstack([ends, met[i]]), float(half[i]), at=ends.mean(axis=0))


def _places(walls: ContourSet) -> tuple[Ints, Floats]:
    """The middle of each edge, and of long ones the parts near their ends: edges and ways."""
    # between two corners of the material there is the end of a guide, no wall
    edges = np.flatnonzero((walls.turn > -CORNER) | (walls.turn[walls.following] > -CORNER))
    long = edges[walls.length[edges] > 2 * CHORD_UM]
    near = 0.5 * CHORD_UM
    edge = np.concatenate([edges, long, long])
    past = np.concatenate([walls.length[edges] / 2, np.full(long.size, near), walls.length[long] - near])
    return edge, walls.s[edge] + past


def _heading(walls: ContourSet, edge: Ints, loop: Ints, s: Floats, bent: float) -> Floats:
    """Which way the guide goes at places on edges: as the edge, or, beside a corner, as the wall does around it."""
    sharp = np.abs(walls.turn) > bent
    near = np.flatnonzero((sharp[edge] | sharp[walls.following[edge]]) & (walls.length[edge] < AROUND_UM))
    heading = walls.direction[edge]
    heading[near] = walls.tangent(loop[near], s[near], AROUND_UM)
    return heading


def _direction(walls: ContourSet, edge: Ints, s: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Direction of walls at places on edges, and whether there is one: of a chord where the edge is shorter."""
    loop = walls.loop[edge]
    long = walls.length[edge] >= CHORD_UM
    direction = np.where(long[:, None], walls.direction[edge], walls.tangent(loop, s, CHORD_UM / 2))
    return direction, long | _is_smooth(walls, loop, s)


def _is_smooth(walls: ContourSet, loop: Ints, s: Floats) -> NDArray[np.bool_]:
    """True where the contour has no corner within a chord."""
    first = walls.edge_at(loop, s - 0.6 * CHORD_UM)[0]
    last = walls.edge_at(loop, s + 0.6 * CHORD_UM)[0]
    sharp = np.concatenate([[0.0], np.cumsum(np.abs(walls.turn) > CORNER)])
    between = sharp[last + 1] - sharp[np.minimum(first + 1, walls.count)]
    whole = sharp[walls.first[loop + 1]] - sharp[walls.first[loop]]
    return np.where(last >= first, between, between + whole) == 0
