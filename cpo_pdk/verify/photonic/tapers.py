"""Rule kind `taper_slope`: guides that widen too fast.

The angle between the two walls of a guide, halved. Walls are taken as straight over `CHORD_UM`, so that the facets of
a bend, which lie askew on its two sides, aren't taken for a taper; where one of the walls has a corner within that
length nothing is measured. Walls further apart than `widest` are those of no guide.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.contour_set import ContourSet, Floats, Ints, cross, dot
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding

#: walls are taken as straight over this length on both sides of a place, um
CHORD_UM = 0.25
#: what turns by more than this within the chord is a corner, radian
CORNER = np.radians(25.0)
#: corners rounded to the grid turn a chord by this, degrees
ROUNDING_DEGREES = 0.25


def taper_slope(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Places where a guide widens by more than the limit, a half angle in degrees."""
    name, widest = rule.layers[0], float(rule.more["widest"])
    walls = guides.contours(name)
    edge, s = _places(walls)
    loop = walls.loop[edge]
    width, other = guides.across(name, edge, walls.at(loop, s), widest)
    seen = np.flatnonzero(np.isfinite(width))
    edge, s, loop, width, other = edge[seen], s[seen], loop[seen], width[seen], other[seen]
    # most walls are parallel: only what isn't is looked at closely
    bent = np.flatnonzero(-dot(walls.direction[edge], walls.direction[other]) < np.cos(np.radians(rule.value)))
    edge, s, loop, width, other = edge[bent], s[bent], loop[bent], width[bent], other[bent]
    place = walls.at(loop, s)
    met = place + width[:, None] * np.column_stack([walls.direction[edge][:, 1], -walls.direction[edge][:, 0]])
    s_other = walls.s[other] + np.hypot(*(met - walls.points[other]).T)
    first, second = walls.tangent(loop, s, CHORD_UM), walls.tangent(walls.loop[other], s_other, CHORD_UM)
    # positive where the guide widens, on the way along either wall, or narrows: the angle between the walls
    half = np.degrees(np.abs(np.arctan2(cross(first, -second), dot(first, -second)))) / 2
    smooth = _is_smooth(walls, loop, s) & _is_smooth(walls, walls.loop[other], s_other)
    for i in np.flatnonzero(smooth & (half > rule.value + ROUNDING_DEGREES) & (half < 80)):
        yield guides.finding(name, int(edge[i]), np.vstack([place[i], met[i]]), float(half[i]))


def _places(walls: ContourSet) -> tuple[Ints, Floats]:
    """The middle of each edge, and of long ones the parts near their ends: edges and ways."""
    edges = np.arange(walls.count)
    long = edges[walls.length > 4 * CHORD_UM]
    near = 1.5 * CHORD_UM
    edge = np.concatenate([edges, long, long])
    past = np.concatenate([walls.length / 2, np.full(long.size, near), walls.length[long] - near])
    return edge, walls.s[edge] + past


def _is_smooth(walls: ContourSet, loop: Ints, s: Floats) -> NDArray[np.bool_]:
    """True where the contour has no corner within a chord."""
    first = walls.edge_at(loop, s - 1.2 * CHORD_UM)[0]
    last = walls.edge_at(loop, s + 1.2 * CHORD_UM)[0]
    sharp = np.concatenate([[0.0], np.cumsum(np.abs(walls.turn) > CORNER)])
    between = sharp[last + 1] - sharp[np.minimum(first + 1, walls.count)]
    whole = sharp[walls.first[loop + 1]] - sharp[walls.first[loop]]
    return np.where(last >= first, between, between + whole) == 0
