"""Rule kind `guide_end`: guides that end in the open.

A contour that turns back within a short way, from one wall of a guide to the other, is an end. It is in order where it
is a tip, no wider than the limit, from which light leaves softly; at a facet (a deep trench or the border of the die
within `facet`); under germanium, which takes the light up; where the shallow etched silicon goes on, as in a grating;
where a port says that something connects there (whether it does is for the check of connections to say); and inside the
devices that the rule exempts. A shape shorter than `SHORTEST` of its widths isn't a guide.
"""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb
import numpy as np

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.design_rules.edge_distance import edge_distance
from cpo_pdk.verify.photonic.contour_set import Floats, Ints, cross, dot, unit
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding

#: a guide is this many times as long as it is wide
SHORTEST = 3.0
#: way along the contour in which it turns back, in widths of the widest guide
TURN_WAYS = (0.15, 0.3, 0.6, 1.2, 2.0)
#: it turns back when it turns to the right by 180 degrees, within this, radian
TURNED_BACK = np.radians(35.0)
#: layers that take over where the core ends
GOES_ON = ("GE", "SLAB150")
#: what rounding to the grid changes the width of a slanted guide by, um, and the distance of a face, dbu
SLANTED_UM, ROUNDING = 0.0015, 1.5
#: layers whose border is where the die, or its oxide, ends
FACETS = ("DEEPTRENCH", "FLOORPLAN", "DICING")


def guide_end(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Ends of guides wider than a tip."""
    name, widest, reach = rule.layers[0], float(rule.more["widest"]), float(rule.more["facet"])
    for corner, points, width in _ends(guides, name, rule.value, widest):
        found = guides.finding(name, corner, points, width)
        face = kdb.DEdge(*points[0], *points[1]).to_itype(guides.layers.dbu)
        if not _is_facet(guides, found.box, face, reach) and not guides.devices.is_port(
            guides.layers.indexes([name]), found.box
        ):
            yield found


def _ends(guides: Guides, name: str, tip: float, widest: float) -> Iterator[tuple[int, Floats, float]]:
    """A corner of each end, the points where it begins and stops, and its width."""
    walls = guides.contours(name)
    start = np.flatnonzero(walls.turn < -np.radians(8.0))
    done: set[int] = set()
    for ways in TURN_WAYS:
        start = start[~np.isin(start, list(done))]
        if not start.size:
            return
        loop = walls.loop[start]
        way = np.minimum(ways * widest, 0.45 * walls.around(loop))
        stop = walls.edge_at(loop, walls.s[start] + way)[0]
        back = np.abs(walls.turning(start, stop) + np.pi) < TURNED_BACK
        chosen, last = start[back], _last_turn(walls.turn, walls.preceding, stop[back], start[back])
        loop = walls.loop[chosen]
        before = unit(walls.points[chosen] - walls.at(loop, walls.s[chosen] - 0.1))
        across = walls.points[last] - walls.points[chosen]
        width = np.abs(cross(before, across))
        long = SHORTEST * width
        s0, s1 = walls.s[chosen], walls.s[last]
        far0, far1 = walls.at(loop, s0 - long), walls.at(loop, s1 + long)
        wall0, wall1 = unit(walls.points[chosen] - far0), unit(far1 - walls.points[last])
        good = (dot(wall0, wall1) < -0.9) & (dot(before, wall0) > 0.95) & (width <= widest)
        # both walls: no more than twice as far apart where the guide comes from
        good &= (np.abs(cross(wall0, far1 - far0)) < 2 * width) & (np.abs(dot(across, wall0)) < 1.5 * width)
        good &= 4 * long < walls.around(loop)
        for i in np.flatnonzero(good):
            done.add(int(chosen[i]))
            slanted = np.abs(before[i]).max() < 1 - 1e-9
            if width[i] > tip + (SLANTED_UM if slanted else 5e-5):
                yield int(chosen[i]), np.vstack([walls.points[chosen[i]], walls.points[last[i]]]), float(width[i])


def _last_turn(turn: Floats, preceding: Ints, stop: Ints, start: Ints) -> Ints:
    """The last corner up to `stop` that turns to the right by more than the walls of a taper do."""
    stop = stop.copy()
    for _ in range(64):
        early = (turn[stop] > -np.radians(8.0)) & (stop != start)
        if not early.any():
            break
        stop[early] = preceding[stop[early]]
    return stop


def _is_facet(guides: Guides, box: kdb.Box, face: kdb.Edge, reach: float) -> bool:
    """True when what the end meets makes an end of it."""
    layout, top = guides.layers.layout, guides.layers.top
    near = box.enlarged(1, 1)
    for index in guides.layers.indexes(GOES_ON):
        region = kdb.Region(kdb.RecursiveShapeIterator(layout, top, index, near, False)).merged()
        if (kdb.Region(near) - region).is_empty():
            return True
    far = guides.layers.dbus(reach)
    wide = box.enlarged(far, far)
    for index in guides.layers.indexes(FACETS):
        region = kdb.Region(kdb.RecursiveShapeIterator(layout, top, index, wide, False)).merged()
        if any(edge_distance(face, edge) <= far + ROUNDING for edge in region.edges().each()):
            return True
    trench = guides.layers.indexes(FACETS[:1])
    if trench:
        etched = kdb.Region(kdb.RecursiveShapeIterator(layout, top, trench[0], near, False)).merged()
        return (kdb.Region(near) - etched).is_empty()
    return False
