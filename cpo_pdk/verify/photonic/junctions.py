"""Rule kind `guide_crossing`: guides that run into each other where there is no device for it.

Where guides meet without a device, walls of constant width end in hollow corners. Each arm has two of them, one on
either wall, so that going from corner to corner over the arms leads around the place: four corners for two guides that
cross, two, and a wall that goes straight on, for one that runs into the side of another. Arms that widen or narrow
towards the place, measured `NEAR_UM` and `FAR_UM` from it, are those of a crossing or branch that was designed,
whatever the file says about it, and are passed over.

What the check of connections finds too (`CONN.overlap`, `CONN.crossing`: two shapes on top of each other) is left to
it.
"""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb
import numpy as np

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.contour_set import Floats, Ints, dot, unit
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding

#: what turns by less is a facet or a taper, what turns by more is the gap between two arms, radian
LEAST_TURN, MOST_TURN = np.radians(20.0), np.radians(160.0)
#: an arm is this long at least, um
ARM_UM = 1.8
#: its width is measured at these distances from the corner, um: beyond the corner on the other wall, which lies as much
#: further out as the crossing is slanted
NEAR_UM, FAR_UM = 1.2, 1.7
#: and changes by this much of itself at most between them
STEADY = 0.04
#: walls go straight on within this, cosine of 12 degrees
ALIKE = 0.978
#: most arms that meet in one place
MOST_ARMS = 8


def guide_crossing(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Places where three or more guides meet."""
    name, widest = rule.layers[0], float(rule.more["widest"])
    walls = guides.contours(name)
    corner, partner, width = _arms(guides, name, widest)
    link = dict(zip(corner.tolist(), partner.tolist(), strict=True))
    wide = dict(zip(corner.tolist(), width.tolist(), strict=True))
    seen: set[int] = set()
    for first in link:
        if first in seen:
            continue
        way = [first]
        while len(way) <= MOST_ARMS and (after := link.get(way[-1])) is not None and after not in way:
            way.append(after)
        if len(way) > 2 and link.get(way[-1]) == first:
            seen.update(way)
            points = walls.points[way]
            if not _covered(guides, name, points.mean(axis=0), 2, apart=False):
                yield guides.finding(name, first, points, float(len(way)))
    for first, second in link.items():
        if first in seen or second in seen:
            continue
        through = _side_of(guides, name, first, second, widest)
        if through is not None:
            ends = walls.points[[first, second]]
            mouth = ends.mean(axis=0) + 0.05 * through
            if not _covered(guides, name, mouth, 2, apart=True):
                yield guides.finding(name, first, np.vstack([ends, ends + through * wide[first]]), 3.0)


def _arms(guides: Guides, name: str, widest: float) -> tuple[Ints, Ints, Floats]:
    """Hollow corners from which an arm of constant width leads away, the corner on its other wall, and its width."""
    walls = guides.contours(name)
    sharp = np.flatnonzero(np.abs(walls.turn) > LEAST_TURN)
    corner = sharp[(walls.turn[sharp] > 0) & (walls.turn[sharp] < MOST_TURN)]
    if not corner.size:
        return corner, corner, np.empty(0)
    loop, s, direction = walls.loop[corner], walls.s[corner], walls.direction[corner]
    ahead = unit(walls.at(loop, s + ARM_UM) - walls.points[corner])
    corner = corner[dot(ahead, direction) > ALIKE]
    loop, s = walls.loop[corner], walls.s[corner]
    widths, others, along = [], [], []
    for way in (NEAR_UM, FAR_UM):
        edge, past = walls.edge_at(loop, s + way)
        place = walls.points[edge] + walls.direction[edge] * past[:, None]
        width, other = guides.across(name, edge, place, widest)
        widths.append(width)
        others.append(other)
        inward = np.column_stack([walls.direction[edge][:, 1], -walls.direction[edge][:, 0]])
        with np.errstate(invalid="ignore"):
            met = place + inward * np.where(np.isfinite(width), width, 0.0)[:, None]
        along.append(walls.s[other] + np.hypot(*(met - walls.points[other]).T))
    with np.errstate(invalid="ignore"):
        steady = np.isfinite(widths[0]) & (np.abs(widths[1] - widths[0]) < STEADY * widths[0] + 2e-3)
    corner, loop, other, along0 = corner[steady], loop[steady], others[0][steady], along[0][steady]
    width = widths[0][steady]
    # the next sharp corner on the other wall, in the sense of its contour, which leads back to the place
    partner = _next_sharp(walls.first, walls.loop, sharp, other)
    there = partner >= 0
    corner, along0, other, partner, width = corner[there], along0[there], other[there], partner[there], width[there]
    back = np.mod(walls.s[partner] - along0, walls.around(walls.loop[other]))
    good = (walls.turn[partner] > 0) & (back < NEAR_UM + 3 * width) & (partner != corner)
    good &= walls.loop[partner] == walls.loop[other]
    return corner[good], partner[good], width[good]


def _next_sharp(first: Ints, loop: Ints, sharp: Ints, edge: Ints) -> Ints:
    """The first of the sharp corners after the start of an edge, along its contour; -1 for none."""
    if not sharp.size:
        return np.full(edge.size, -1)
    position = np.searchsorted(sharp, edge, side="right")
    begin, stop = first[loop[edge]], first[loop[edge] + 1]
    candidate = sharp[np.minimum(position, sharp.size - 1)]
    beyond = (position >= sharp.size) | (candidate >= stop)
    wrapped = sharp[np.minimum(np.searchsorted(sharp, begin, side="left"), sharp.size - 1)]
    found = np.where(beyond, wrapped, candidate)
    return np.where((found >= begin) & (found < stop), found, -1)


def _side_of(guides: Guides, name: str, first: int, second: int, widest: float) -> Floats | None:
    """Direction into the guide that the arm between two corners runs into from the side; None when it doesn't.

    The wall before the first corner then goes on behind the second, and another wall lies behind both.
    """
    walls = guides.contours(name)
    before, after = walls.direction[walls.preceding[first]], walls.direction[second]
    gap = walls.points[second] - walls.points[first]
    size = float(np.hypot(*gap))
    if size == 0 or float(before @ after) < ALIKE or float(before @ gap) < ALIKE * size:
        return None
    ends, loop = np.array([first, second]), walls.loop[[first, second]]
    # both walls go on straight: they are those of a guide, and not the faces of a step
    far = walls.at(loop, walls.s[ends] + np.array([-ARM_UM, ARM_UM]))
    onward = unit(np.vstack([walls.points[first] - far[0], far[1] - walls.points[second]]))
    if float((onward @ before).min()) < ALIKE:
        return None
    for way in (0.1, ARM_UM):
        ways = np.array([walls.s[first] - way, walls.s[second] + way])
        edge, past = walls.edge_at(loop, ways)
        width, _ = guides.across(name, edge, walls.points[edge] + walls.direction[edge] * past[:, None], widest)
        if not np.isfinite(width).all():
            return None
    return np.array([before[1], -before[0]])


def _covered(guides: Guides, name: str, point: Floats, number: int, *, apart: bool) -> bool:
    """True when `number` shapes, as drawn, lie on a point; `apart`: only those of different instances count."""
    layers = guides.layers
    x, y = (round(v / layers.dbu) for v in point)
    box = kdb.Box(x, y, x, y).enlarged(1, 1)
    found = kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name]), box, False)
    places: list[str] = []
    while not found.at_end():
        polygon = found.shape().polygon
        if polygon is not None and polygon.transformed(found.trans()).inside(kdb.Point(x, y)):
            places.append(str([str(element.specific_cplx_trans()) for element in found.path()]) if apart else "")
        found.next()
    return len(set(places) if apart else places) >= number
