"""Rule kind `bend_radius`: guides whose centre line turns tighter than the limit, measured on the drawn outline.

The circle through three corners of a contour, half a window apart, is exact for an arc, however coarse its facets are:
the corners lie on it but for their rounding to the grid, which changes the second difference of three of them by 2.8 nm
at most. Windows of several lengths are laid over every corner; the longer one is, the less rounding matters, the
shorter, the shorter the bends that it finds. Where the circle is hollow (the material lies outside it) it is the inner
edge of a bend, and the centre line runs half the width further out. The width is measured across the guide. Where the
other wall doesn't turn with it, or the width changes within the window, it is a flare or a fillet and no bend. A sharp
corner is no curve: see the kind `kink`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.contour_set import ContourSet, Floats, Ints, cross, dot, right_of, unit
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.photonic.rays import RayGrid
from cpo_pdk.verify.process_layers import Finding

#: a corner is off by this at most where it is rounded to a grid of 1 nm, um: half the diagonal
ROUNDING_UM = 0.00071
#: what else a drawn arc may be off by: corners outside the arc, as offsets of its middle line have them
TOLERANCE = 0.003
#: a window is sqrt(this times the radius) long, um, times one of `SCALES`, the longest first
WINDOW_UM = 0.35
SCALES = (4.0, 2.0, 1.0, 0.5)
#: windows begin at every corner, but no more often than this in the length of one
STEPS = 8
#: a window reaches this many times its length when the facets are coarse
LONGEST = 40.0
#: its halves are alike within this factor
BALANCE = 3.0
#: an edge this many times as long as one beside it, and a third of a window, is a straight and no facet
STRAIGHT = 3.0
#: an edge this many times as long as one beside it takes that one for a scrap
SCRAP = 30.0
#: a corner that turns by this share of what the limit asks for may be one of a tight bend
ENOUGH = 0.9
#: more turning than this within `CORNER_SPAN_UM` is a corner, radian
CORNER = np.radians(30.0)
CORNER_SPAN_UM = 0.03
#: a guide whose width changes by more than this factor within a window flares
FLARE = 1.3
#: the other wall turns by this share of the inner one at least
TURNS_TOO = 0.3
#: a waveguide is at most this many times as wide as the rule's
WIDEST = 10.0


def bend_radius(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Bends whose centre line has a radius below the limit."""
    name = rule.layers[0]
    for bend in tight_bends(guides.contours(name), lambda: guides.rays(name), rule.value, rule.half_width):
        yield guides.finding(name, bend.corner, bend.points, bend.radius, at=bend.tightest)


@dataclass(frozen=True)
class Bend:
    """A part of a bend: a corner of its contour, points on it, smallest radius of its centre line and where; um."""

    corner: int
    points: Floats
    radius: float
    tightest: Floats


def tight_bends(walls: ContourSet, rays: Callable[[], RayGrid], limit: float, half_width: float) -> Iterator[Bend]:
    """Parts of bends whose centre line has a radius below a limit.

    Args:
        walls: the contours.
        rays: gives the rays against them, asked for when something hollow is found.
        limit: um.
        half_width: half the usual width of the guide, um.
    """
    if not walls.count:
        return
    corners = np.concatenate([[0], np.cumsum(_is_corner(walls))])
    window = float(np.sqrt(WINDOW_UM * max(limit - half_width, 0.1 * limit)))
    told = np.zeros(walls.count, np.bool_)
    for scale in SCALES:
        found = _hollow(walls, corners, scale * window, limit)
        found = found.only(~told[walls.edge_at(found.loop, found.s[1])[0]])
        if not found.loop.size:
            continue
        across, good = _guide_across(walls, rays(), half_width, found)
        found, across = found.only(good), across[good]
        # the curvature of three points, each off by as much as rounding can do
        halves = found.halves(walls)
        tolerance = TOLERANCE + 4 * ROUNDING_UM * found.radius / (halves[0] * halves[1])
        centre = found.radius + across / 2
        tight = centre < limit * (1 - tolerance)
        found, centre = found.only(tight), centre[tight]
        for group in _overlapping(walls, found):
            part = found.only(group)
            worst = int(centre[group].argmin())
            corner, points = int(walls.first[part.loop[0]]), part.points.reshape(-1, 2)
            yield Bend(corner, points, float(centre[group[worst]]), part.points[1, worst])
            # what a longer window told, and what lies beside it, no shorter one has to tell less exactly
            told[_corners(walls, part, scale * window)] = True


@dataclass(frozen=True)
class _Windows:
    """Windows on contours: ways to begin, middle and end (3, K), places (3, K, 2), and radius of the circle (K,)."""

    loop: Ints
    s: Floats
    points: Floats
    radius: Floats

    def only(self, chosen: NDArray[np.bool_] | Ints) -> _Windows:
        return _Windows(self.loop[chosen], self.s[:, chosen], self.points[:, chosen], self.radius[chosen])

    def halves(self, walls: ContourSet) -> tuple[Floats, Floats]:
        """Length of both halves, um."""
        around = walls.around(self.loop)
        return np.mod(self.s[1] - self.s[0], around), np.mod(self.s[2] - self.s[1], around)


def _is_corner(walls: ContourSet) -> NDArray[np.bool_]:
    """Where a contour turns a corner."""
    found = np.zeros(walls.count, np.bool_)
    turned = np.flatnonzero(np.abs(walls.turn) > CORNER / 3)
    loop, s = walls.loop[turned], walls.s[turned]
    before = unit(walls.points[turned] - walls.at(loop, s - CORNER_SPAN_UM))
    after = unit(walls.at(loop, s + CORNER_SPAN_UM) - walls.points[turned])
    found[turned] = np.abs(np.arctan2(cross(before, after), dot(before, after))) > CORNER
    return found


def _places(walls: ContourSet, loop: Ints, s: Floats, straight: NDArray[np.bool_]) -> Floats:
    """The corners nearest to places on contours, as ways; on straights the places themselves."""
    edge, past = walls.edge_at(loop, s)
    corner = np.where(past > walls.length[edge] / 2, walls.following[edge], edge)
    return np.where(straight[edge], walls.s[edge] + past, walls.s[corner])


def _hollow(walls: ContourSet, corners: Ints, window: float, limit: float) -> _Windows:
    """Windows without a corner on hollow parts of contours that are tighter than the limit."""
    beside = np.minimum(_length_beside(walls, walls.preceding), _length_beside(walls, walls.following))
    straight = (walls.length > window / 3) & (walls.length > STRAIGHT * beside)
    # of corners that lie close together not each begins a window
    bins = np.floor(walls.s * (STEPS / window))
    index = np.flatnonzero((np.diff(bins, prepend=-1.0) > 0) & (walls.around(walls.loop) > window))
    index = index[_turns_ahead(walls, index, window, limit)]
    after_straight = index[straight[walls.preceding[index]]]
    loop = walls.loop[np.concatenate([index, after_straight, after_straight])]
    begin = np.concatenate([walls.s[index], walls.s[after_straight] - window / 4, walls.s[after_straight] - window / 2])
    around = walls.around(loop)
    s0 = _places(walls, loop, begin, straight)
    s1 = _places(walls, loop, begin + window / 2, straight)
    s1 = np.where(s1 == s0, _next_corner(walls, loop, s1), s1)
    s2 = _places(walls, loop, begin + window, straight)
    s2 = np.where((s2 == s1) | (s2 == s0), _next_corner(walls, loop, s1), s2)
    s = np.stack([s0, s1, s2])
    a, b, c = (walls.at(loop, way) for way in s)
    sides = np.hypot(*(b - a).T) * np.hypot(*(c - b).T) * np.hypot(*(c - a).T)
    with np.errstate(divide="ignore", invalid="ignore"):
        curvature = 2 * cross(b - a, c - b) / sides
    before, after = np.mod(s1 - s0, around), np.mod(s2 - s1, around)
    good = np.isfinite(curvature) & (curvature * limit > 1) & (before + after < LONGEST * window)
    good &= (before < BALANCE * after) & (after < BALANCE * before) & (before + after < around)
    good = np.flatnonzero(good)
    loop, s, points = loop[good], s[:, good], np.stack([a, b, c])[:, good]
    first, last = walls.edge_at(loop, s[0])[0], walls.edge_at(loop, s[2])[0]
    inside = corners[last + 1] - corners[first + 1]
    whole = corners[walls.first[loop + 1]] - corners[walls.first[loop]]
    smooth = np.where(last >= first, inside, inside + whole) == 0
    return _Windows(loop, s, points, 1 / curvature[good]).only(smooth & ~_is_one_corner(walls, first, last, s))


def _is_one_corner(walls: ContourSet, first: Ints, last: Ints, s: Floats) -> NDArray[np.bool_]:
    """True where all that turns in a window is one corner between two straights: a kink, and no curve."""
    corner = walls.following[first]
    at_end = np.where(s[2] - walls.s[last] < 1e-9, last, -1)
    only = (corner == last) | (walls.following[corner] == at_end)
    enough = TURNS_TOO * walls.turn[corner]
    begins = (s[0] - walls.s[first] < 1e-9) & (walls.turn[first] > enough)
    ends = (at_end >= 0) & (at_end != corner) & (walls.turn[at_end] > enough)
    return only & ~begins & ~ends


def _turns_ahead(walls: ContourSet, index: Ints, window: float, limit: float) -> NDArray[np.bool_]:
    """False for corners behind which no window can be as tight as the limit.

    Three points bend no more than the sharpest corner between them does, its turn taken over half the edges beside it.
    """
    beside = (walls.length + walls.length[walls.preceding]) / 2
    sharp = np.flatnonzero(walls.turn * limit > ENOUGH * beside)
    ends = walls.s[sharp]
    position = np.searchsorted(ends, walls.s[index], side="right")
    ahead = np.append(ends, np.inf)[position] - walls.s[index]
    reach = 1.5 * window + 2 * np.maximum(walls.length[index], walls.length[walls.following[index]])
    # over the seam of the contour anything may follow
    left = walls.s[walls.first[walls.loop[index]]] + walls.around(walls.loop[index]) - walls.s[index]
    return (ahead <= reach) | (left <= reach)


def _length_beside(walls: ContourSet, neighbour: Ints) -> Floats:
    """Length of the edge on one side of each edge, um; a scrap at which nothing turns is looked past.

    A short piece of straight guide before an arc leaves such a scrap, and makes no straight of the arc's first facet.
    """
    turned = np.abs(walls.turn) + np.abs(walls.turn[walls.following])
    scrap = (walls.length[neighbour] * SCRAP < walls.length) & (turned[neighbour] < CORNER / 3)
    return walls.length[np.where(scrap, neighbour[neighbour], neighbour)]


def _next_corner(walls: ContourSet, loop: Ints, s: Floats) -> Floats:
    """Way to the first corner behind places on contours."""
    return walls.s[walls.following[walls.edge_at(loop, s + 1e-9)[0]]]


def _guide_across(
    walls: ContourSet, rays: RayGrid, half_width: float, found: _Windows
) -> tuple[Floats, NDArray[np.bool_]]:
    """Width of the guide in the middle of windows, and whether it is one that turns there as a whole."""
    loop = found.loop
    polygon = walls.polygon[walls.first[loop]]
    reach = 2 * half_width * WIDEST
    a, b, c = found.points
    enter, leave, along = unit(b - a), unit(c - b), unit(c - a)
    way = sum(found.halves(walls), np.zeros(loop.size))
    across, other = rays.meet(b, right_of(along), polygon, reach)
    before, _ = rays.meet(a, right_of(walls.tangent(loop, found.s[0], way / 4)), polygon, reach)
    after, _ = rays.meet(c, right_of(walls.tangent(loop, found.s[2], way / 4)), polygon, reach)
    with np.errstate(invalid="ignore", divide="ignore"):
        widths = np.stack([across, before, after])
        good = np.isfinite(widths).all(axis=0) & (widths.max(axis=0) < FLARE * widths.min(axis=0))
    met = b + right_of(along) * np.where(np.isfinite(across), across, 0.0)[:, None]
    there = walls.s[other] + np.hypot(*(met - walls.points[other]).T)
    turn = np.arctan2(cross(enter, leave), dot(enter, leave))
    onward = walls.tangent(walls.loop[other], there + way / 2, way / 4)
    backward = walls.tangent(walls.loop[other], there - way / 2, way / 4)
    other_turn = np.arctan2(cross(backward, onward), dot(backward, onward))
    return across, good & (other_turn < -TURNS_TOO * turn)


def _overlapping(walls: ContourSet, found: _Windows) -> list[Ints]:
    """Windows that overlap, along their contours, together: they are one bend."""
    if not found.loop.size:
        return []
    order = np.lexsort((found.s[0], found.loop))
    before, after = found.halves(walls)
    ends = np.maximum.accumulate((found.s[0] + before + after)[order])
    apart = found.s[0][order][1:] > ends[:-1]
    return np.split(order, np.flatnonzero(apart | (np.diff(found.loop[order]) > 0)) + 1)


def _corners(walls: ContourSet, part: _Windows, beyond: float) -> Ints:
    """The corners of overlapping windows of one contour, in the order of where they begin, and beyond their ends."""
    begin, stop = (int(walls.first[part.loop[0] + k]) for k in (0, 1))
    around = float(walls.around(part.loop[:1])[0])
    before, after = part.halves(walls)
    start = part.s[0].min() - beyond
    way = float((part.s[0] + before + after).max()) + beyond - start
    if way >= around:
        return np.arange(begin, stop)
    first, last = (int(walls.edge_at(part.loop[:1], np.array([s]))[0][0]) for s in (start, start + way))
    if last >= first:
        return np.arange(first, last + 1)
    return np.concatenate([np.arange(first, stop), np.arange(begin, last + 1)])
