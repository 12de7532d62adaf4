"""Bundles of waveguides that change places without crossing: nested Manhattan guides between two columns of ports.

::

    left                right       Guides that rise turn the further east, the further south they start; guides that
    ------------.                   fall, the further north: no two cross, as long as both columns have one order.
    ---------.  | .------           What moves by less than two bends take is an S-bend.
              \\ `--------
               `----------

Left ports look east, right ports west. Instead of a port an end may be a height alone: the guide then ends behind its
last bend, and the port there is handed back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from cpo_pdk.assemblies.kit import Kit, make
from cpo_pdk.assemblies.units import straight_between
from cpo_pdk.components import bend_s
from cpo_pdk.components.curves import sine_s_length
from cpo_pdk.errors import AssemblyError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section

#: Distance of neighbouring guides, um: their cores are 3.6 um apart, where two strips exchange less than -200 dB a cm.
TRACK = 4.0
#: Shortest S-bend, um.
_S_MIN = 20.0
#: Shortest straight that a sheet may be asked for, um.
_SHORTEST = 0.25

#: a port, or a height in um
End = gf.Port | float


def bend_size(kit: Kit) -> float:
    """What a bend of 90 degrees takes along either axis, um.

    Args:
        kit: devices.
    """
    return make(kit, "bend", radius=cross_section("strip").radius, angle=90).ports["o2"].center[0]


def nested_length(kit: Kit, left: Sequence[float], right: Sequence[float]) -> float:
    """Shortest distance between two columns of ports, um.

    Args:
        kit: devices.
        left: heights in um, in one order with `right`.
        right: heights in um.
    """
    plan = _plan(kit, left, right)
    return max((start + length for start, length in plan.values()), default=0.0)


def nested(
    c: gf.Component, kit: Kit, names: Sequence[str], left: Sequence[End], right: Sequence[End], start: float
) -> list[gf.Port]:
    """Join two columns of ports, one by one.

    Args:
        c: component to draw in.
        kit: devices.
        names: of the guides; instances are called `name_a`, `name_b` (bends), `name_in`, `name_link`, `name_out`.
        left: ports looking east, or heights in um.
        right: ports looking west, or heights in um; in the same order.
        start: where the first guide may leave its line, um; further east than all left ports.

    Returns:
        For each guide the port at its open end: at the right where that is a height, at the left where that is one,
        else the right port itself.

    Raises:
        AssemblyError: columns in different orders, or too near to each other.
    """
    heights = [_height(end) for end in left], [_height(end) for end in right]
    plan = _plan(kit, *heights)
    ends = []
    for k, name in enumerate(names):
        one, other = left[k], right[k]
        if k not in plan:
            ends.append(_straight(c, kit, name, one, other))
            continue
        x, length = start + plan[k][0], plan[k][1]
        if not isinstance(other, float | int) and x + length > other.center[0] + 1e-6:
            raise AssemblyError(
                f"guide {name}: its bends end at {x + length:.3f} um, {x + length - other.center[0]:.3f} um beyond the "
                "port that it leads to; leave more room between the two columns"
            )
        ends.append(_guide(c, kit, name, one, other, round(x, 3), length, heights[0][k], heights[1][k]))
    return ends


def _height(end: End) -> float:
    return end if isinstance(end, float | int) else end.center[1]


def _plan(kit: Kit, left: Sequence[float], right: Sequence[float]) -> Mapping[int, tuple[float, float]]:
    """Number of each guide that moves -> where it leaves its line and how long its bends are, um from the start."""
    order = sorted(range(len(left)), key=lambda k: left[k])
    if order != sorted(range(len(right)), key=lambda k: right[k]):
        raise AssemblyError("guides between two columns of ports that stand in different orders would cross")
    size = bend_size(kit)
    plan: dict[int, tuple[float, float]] = {}
    rising = [k for k in reversed(order) if right[k] - left[k] > 1e-6]
    falling = [k for k in order if right[k] - left[k] < -1e-6]
    for group in (rising, falling):
        start, before = 0.0, None
        for k in group:
            move = abs(right[k] - left[k])
            curve = 0.0
            if move < 2 * size + _SHORTEST:
                curve = float(max(_S_MIN, math.ceil(sine_s_length(move, cross_section("strip").radius) + 1)))
            if before is not None:
                start = round(start + _after(size, before, curve), 3)
            plan[k] = (start, curve or 2 * size)
            before = curve
    return plan


def _after(size: float, before: float, curve: float) -> float:
    """How much later than the guide beside it a guide may leave its line, um.

    Two pairs of bends, or two S-bends, follow one another by a track. An S-bend waits until a pair of bends beside it
    has left the line; a pair of bends goes up or down only where an S-bend beside it has arrived.

    Args:
        size: of a bend in um.
        before: length of the S-bend of the guide before, um; 0 for bends.
        curve: length of this guide's S-bend, um; 0 for bends.
    """
    if (before > 0) == (curve > 0):
        return TRACK
    return size if curve > 0 else max(TRACK, before - size + TRACK)


def _straight(c: gf.Component, kit: Kit, name: str, one: End, other: End) -> gf.Port:
    """A guide that keeps its line: drawn where both ends are ports."""
    if isinstance(one, float | int):
        if isinstance(other, float | int):
            raise AssemblyError(f"guide {name}: needs a port at one end at least")
        return other
    if isinstance(other, float | int):
        return one
    straight_between(c, kit, f"{name}_link", one, other)
    return other


def _guide(
    c: gf.Component, kit: Kit, name: str, one: End, other: End, x: float, length: float, y0: float, y1: float
) -> gf.Port:
    """A guide that leaves its line at `x` and is on the other `length` um further east."""
    if length == 2 * bend_size(kit):
        bend = make(kit, "bend", radius=cross_section("strip").radius, angle=90)
        first, last = c << bend, c << bend
        first.name, last.name = f"{name}_a", f"{name}_b"
        if y1 < y0:
            first.dmirror_y()
        else:
            last.dmirror_y()
        # the first starts heading east, the last starts heading up or down and ends heading east
        last.rotate(90 if y1 > y0 else -90)
        first.move((round(x - first.ports["o1"].center[0], 3), round(y0 - first.ports["o1"].center[1], 3)))
        last.move((round(x + length - last.ports["o2"].center[0], 3), round(y1 - last.ports["o2"].center[1], 3)))
        straight_between(c, kit, f"{name}_link", first.ports["o2"], last.ports["o1"])
        west, east = first.ports["o1"], last.ports["o2"]
    else:
        curve = c << bend_s(length=length, offset=round(y1 - y0, 3), cross_section="strip")
        curve.name = f"{name}_a"
        curve.move((x, round(y0, 3)))
        west, east = curve.ports["o1"], curve.ports["o2"]
    if not isinstance(one, float | int):
        straight_between(c, kit, f"{name}_in", one, west)
    if not isinstance(other, float | int):
        straight_between(c, kit, f"{name}_out", east, other)
    if isinstance(one, float | int):
        return west
    return east if isinstance(other, float | int) else other
