"""Spiral: a long waveguide on a small area, for delays and for cut-back measurements of propagation loss."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Count, Flag, OneOf, Um, cell
from cpo_pdk.components.curves import band, euler_bend
from cpo_pdk.components.drawing import optical_port, rectangle
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf, kf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.process import RIB_SLAB_WIDTH
from cpo_pdk.tech.waveguides import cross_section as waveguide

_NM = 1000


def _corners(n_turns: int, first: int, bend: int, spacing: int, lead: int, same_side: bool) -> list[tuple[int, int]]:
    """Corner points of a double rectangular spiral through the origin, from o1 to o2, all in nm.

    One arm winds out from the origin, going north first; the other is the same turned by half a turn. The k-th wall of
    the pair lies at `first + (k - 1) spacing` sideways and `bend + (k - 1) spacing` up or down.

    Args:
        n_turns: full turns of either arm.
        first: distance of the innermost vertical wall from the middle.
        bend: distance of the innermost horizontal wall from the middle.
        spacing: centre to centre of neighbouring guides.
        lead: from the outermost vertical wall to the ports.
        same_side: whether the second arm ends on the side of the first.
    """
    x, y = 0, 0
    arm: list[tuple[int, int]] = []
    for k in range(1, 2 * n_turns + 1):
        sign = 1 if k % 2 else -1
        y = sign * (bend + (k - 1) * spacing)
        arm.append((x, y))
        x = sign * (first + (k - 1) * spacing)
        arm.append((x, y))
    outermost = first + (2 * n_turns - 2) * spacing
    arm[-1] = (-(outermost + lead), y)
    other = [(-px, -py) for px, py in arm]
    if same_side:
        other[-1] = (-(outermost + lead), -y)
    return [*arm[::-1], *other]


def _length(corners: list[tuple[int, int]]) -> int:
    """Length of the path with sharp corners in nm."""
    return sum(abs(bx - ax) + abs(by - ay) for (ax, ay), (bx, by) in pairwise(corners))


@cell
def spiral(
    length: Annotated[float, Um(500, 2_000_000)] = 5_000.0,
    n_turns: Annotated[int, Count(1, 40)] = 4,
    radius: Annotated[float, Um(5, 200)] = 10.0,
    spacing: Annotated[float, Um(3, 100)] = 4.0,
    cross_section: Annotated[str, OneOf(("strip", "rib"))] = "strip",
    *,
    same_side: Annotated[bool, Flag()] = False,
) -> gf.Component:
    """Double rectangular spiral whose waveguide is `length` long from port to port.

    ::

         .----------------- o2
         |  .-----------.
         |  |  .-----.  |
         |  |  |  |  |  |
         |  '-----'  |  |
         '-----------'  |
        o1 -------------'

    Both arms wind into the middle and meet there. All corners are Euler bends; the spiral is made wider until the
    length fits, and what the 1 nm grid leaves over goes into the last straight.

    Args:
        length: of the path in um.
        n_turns: full turns of either arm; the path has 8 n_turns - 2 bends of 90 degrees.
        radius: smallest radius of curvature of the bends in um.
        spacing: centre to centre of neighbouring guides in um.
        cross_section: strip or rib.
        same_side: both ports on the west side instead of o1 west and o2 east.

    Raises:
        ParameterError: when the radius is below what the cross-section allows, or when so many turns are longer than
            `length`.
    """
    core = waveguide(cross_section)
    if radius < core.radius_min:
        raise ParameterError(f"spiral: radius = {radius} um is below the {core.radius_min} um of {cross_section}")
    points, arc = euler_bend(radius, 90.0)
    points[-1] = np.round(points[-1], 3)
    reach, gap = round(points[-1, 0] * _NM), round(spacing * _NM)
    bends = 8 * n_turns - 2
    # every bend takes `reach` off the two straights that it joins and gives `arc` back
    saved = bends * (2 * reach - arc * _NM)
    lead = max(gap, reach)
    shape = {"bend": reach, "spacing": gap, "same_side": same_side, "n_turns": n_turns}
    shortest = _length(_corners(first=2 * reach, lead=lead, **shape))
    per_nm = _length(_corners(first=2 * reach + 1, lead=lead, **shape)) - shortest
    spare = length * _NM - (shortest - saved)
    if spare < 0:
        least = (shortest - saved) / _NM
        raise ParameterError(
            f"spiral: length = {length} um is too short for n_turns = {n_turns} with radius = {radius} um and "
            f"spacing = {spacing} um; the nearest is {math.ceil(least * _NM) / _NM} um, or take fewer turns"
        )
    first = 2 * reach + int(spare // per_nm)
    corners = _corners(first=first, lead=lead, **shape)
    (ax, _), (bx, by) = corners[-2:]
    left_over = round(length * _NM - (_length(corners) - saved))
    corners[-1] = (bx + int(math.copysign(left_over, bx - ax)), by)
    c = gf.Component()
    _draw(c, corners, points, reach, core.width)
    if cross_section == "rib":
        _slab(c, corners)
    optical_port(c, "o1", corners[0][0] / _NM, corners[0][1] / _NM, 180, cross_section)
    optical_port(c, "o2", corners[-1][0] / _NM, corners[-1][1] / _NM, 180 if same_side else 0, cross_section)
    c.info["length"] = length
    c.info["radius_min"] = radius
    return c


def _slab(c: gf.Component, corners: list[tuple[int, int]]) -> None:
    """Draw one slab below all of the spiral, and below the guides that lead to the ports.

    Args:
        c: component to draw in.
        corners: of the path in nm, the ports at its ends.
    """
    half = RIB_SLAB_WIDTH / 2
    inner = np.abs(np.array(corners[1:-1])).max(axis=0) / _NM
    rectangle(c, "SLAB90", -inner[0] - half, -inner[1] - half, inner[0] + half, inner[1] + half)
    for x, y in (corners[0], corners[-1]):
        edge = math.copysign(inner[0], x)
        rectangle(c, "SLAB90", min(x / _NM, edge), y / _NM - half, max(x / _NM, edge), y / _NM + half)


def _draw(c: gf.Component, corners: list[tuple[int, int]], bend: np.ndarray, reach: int, width: float) -> None:
    """Draw the core: straights and bends along a path.

    Args:
        c: component to draw in.
        corners: of the path in nm.
        bend: centre line of a bend that starts at the origin heading east and turns left, um.
        reach: of the bend along either axis in nm.
        width: in um.
    """
    index = c.kcl.layout.layer(*layer_of("WG"))
    outline = band(bend, width, 0.0, 90.0) * _NM
    left = kf.kdb.Polygon([kf.kdb.Point(round(x), round(y)) for x, y in outline])
    half = round(width * _NM / 2)
    headings = []
    last = len(corners) - 1
    for k, ((ax, ay), (bx, by)) in enumerate(pairwise(corners)):
        ux, uy = (bx > ax) - (bx < ax), (by > ay) - (by < ay)
        start, stop = (reach if k else 0), (reach if k + 1 < last else 0)
        headings.append((ux, uy))
        ax, ay, bx, by = ax + start * ux, ay + start * uy, bx - stop * ux, by - stop * uy
        if (bx - ax) * ux + (by - ay) * uy > 0:
            box = kf.kdb.Box(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
            c.kdb_cell.shapes(index).insert(box.enlarged(half * abs(uy), half * abs(ux)))
    quarter = {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}
    for (x, y), ((ux, uy), (vx, vy)) in zip(corners[1:-1], pairwise(headings), strict=True):
        turns_left = ux * vy - uy * vx > 0
        place = kf.kdb.Trans(x - reach * ux, y - reach * uy) * kf.kdb.Trans(quarter[ux, uy], False, 0, 0)
        c.kdb_cell.shapes(index).insert(left.transformed(place if turns_left else place * kf.kdb.Trans(0, True, 0, 0)))
