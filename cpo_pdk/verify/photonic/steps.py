"""Rule kind `width_jump`: the walls of a guide that leap aside.

A wall leaps where it goes on in the same direction, but beside itself, within a length of `within`. The width is then
measured across the guide before and behind the leap; what the taper that it may lie in would have changed it by is
taken off. A leap of both walls to the same side leaves the width as it is and puts the guide beside itself, which
counts alike. Where one of the sides is wider than `widest` there is no guide on it: an MMI, a detector or a pad begins.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.contour_set import Floats, Ints, cross, dot, right_of, unit
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding

#: most edges that a leap is drawn with
MOST_EDGES = 4
#: the wall before and behind a leap points in the same direction within this, cosine of 15 degrees
ALIKE = 0.966
#: corners of slanted walls are rounded to the grid: what their width may be off by, um
SLANTED_UM = 0.0015
#: shortest leap of one wall that is looked at, um
LEAST_UM = 0.0018


def width_jump(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Places where the width or the place of a guide changes by more than the limit within a short way."""
    name, within, widest = rule.layers[0], float(rule.more["within"]), float(rule.more["widest"])
    walls = guides.contours(name)
    start, stop, heading = _leaps(guides, name, within)
    if not start.size:
        return
    loop = walls.loop[start]
    # widths at two places before and two behind: the further ones tell the slope
    near, far = 0.6 * within, 2.2 * within
    s0, s1 = walls.s[start], walls.s[stop]
    at = [s0 - far, s0 - near, s1 + near, s1 + far]
    width, middle = [], []
    polygon = walls.polygon[start]
    inward = right_of(heading)
    for s in at:
        place = walls.at(loop, s)
        distance, _ = guides.rays(name).meet(place, inward, polygon, 2 * widest)
        width.append(distance)
        middle.append(dot(place - walls.points[start], inward) + distance / 2)
    w0, w1, w2, w3 = width
    with np.errstate(invalid="ignore"):
        jump = np.abs(w2 - w1 - _carried(w0, w1, w2, w3, near, far))
        m0, m1, m2, m3 = middle
        aside = np.abs(m2 - m1 - _carried(m0, m1, m2, m3, near, far))
        fault = np.maximum(jump, aside)
        slanted = np.abs(heading).max(axis=1) < 1 - 1e-9
        allowed = rule.value + np.where(slanted, SLANTED_UM, 0.0) + 5e-5
        bad = np.isfinite(fault) & (np.maximum(w1, w2) <= widest) & (fault > allowed)
    for i in np.flatnonzero(bad):
        points = np.vstack([walls.points[start[i]], walls.points[stop[i]], walls.points[start[i]] + inward[i] * w1[i]])
        note = "" if jump[i] >= aside[i] else "it goes on beside itself"
        yield guides.finding(name, int(start[i]), points, float(fault[i]), note)


def _carried(f0: Floats, f1: Floats, f2: Floats, f3: Floats, near: float, far: float) -> Floats:
    """By how much something that changes steadily changes between the inner places, judged by the outer ones."""
    before, behind = (f1 - f0) / (far - near), (f3 - f2) / (far - near)
    # a corner of a taper may lie in between: take what changes less
    slope = np.where(np.abs(before) < np.abs(behind), before, behind)
    return slope * 2 * near


def _leaps(guides: Guides, name: str, within: float) -> tuple[Ints, Ints, Floats]:
    """First and last corner of each leap of a wall, and the direction of the wall around it."""
    walls = guides.contours(name)
    start = np.flatnonzero(np.abs(walls.turn) > LEAST_UM / within / 2)
    starts: list[Ints] = []
    stops: list[Ints] = []
    headings: list[Floats] = []
    stop = start
    loop = walls.loop[start]
    before = unit(walls.points[start] - walls.at(loop, walls.s[start] - within))
    for _ in range(MOST_EDGES):
        stop = walls.following[stop]
        across = walls.points[stop] - walls.points[start]
        after = unit(walls.at(loop, walls.s[stop] + within) - walls.points[stop])
        heading = unit(before + after)
        good = (dot(before, after) > ALIKE) & (np.abs(dot(across, heading)) <= within)
        good &= np.abs(cross(heading, across)) >= LEAST_UM
        chosen = np.flatnonzero(good)
        starts.append(start[chosen])
        stops.append(stop[chosen])
        headings.append(heading[chosen])
    return np.concatenate(starts), np.concatenate(stops), np.concatenate(headings)
