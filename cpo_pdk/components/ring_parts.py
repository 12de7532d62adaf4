"""What every ring is drawn with: its core, and the heater over it with its pads."""

from __future__ import annotations

import math

import numpy as np

from cpo_pdk.components.curves import arc_steps, racetrack
from cpo_pdk.components.drawing import polygon
from cpo_pdk.components.metal import via_stack
from cpo_pdk.tech.gdsfactory_safe import gf

TAIL = 8.0  # from the bus to the centre of the heater's pads, um
PAD = 2.4  # edge of the heater's pads, um
RADIUS_MIN = 4.5  # of a ring, um: the rule WG.BEND
_FLUSH = 0.05  # edges of pad and tail closer than this are made one, um
HEATER_SPACE = 1.0  # between two heaters, um: the rule HEATER.S


def ring_core(c: gf.Component, radius: float, length_x: float, width: float, center: tuple[float, float]) -> None:
    """Draw the core of a racetrack: arcs of `radius`, straights of `length_x`, `width` wide, all in um."""
    polygon(c, "WG", racetrack(radius + width / 2, length_x, center), racetrack(radius - width / 2, length_x, center))


def widened_core(
    c: gf.Component, radius: float, length_x: float, width: float, width_wide: float, center: tuple[float, float]
) -> None:
    """Draw the core of a racetrack whose arcs widen from `width` at their ends to `width_wide` in their middle (um).

    The width is `width + (width_wide - width) cos^2(angle)`, with the angle from the middle of the arc.
    """
    angle = np.linspace(-math.pi / 2, math.pi / 2, 2 * arc_steps(radius + width_wide / 2, math.pi) + 1)
    half = (width + (width_wide - width) * np.cos(angle) ** 2) / 2
    outlines = []
    for edge in (radius + half, radius - half):
        right = np.column_stack([length_x / 2 + edge * np.cos(angle), edge * np.sin(angle)])
        outlines.append(np.concatenate([right, -right]) + center)
    polygon(c, "WG", *outlines)


def heater_inset(width: float, pitch: float) -> float:
    """How far inside their rings two heaters must lie to keep their space, where the rings come close, in um.

    Args:
        width: of either heater in um.
        pitch: of the two rings' cores where they are closest, in um.
    """
    return max(0.0, math.ceil((width + HEATER_SPACE - pitch) * 500 + 1) / 1000)


def ring_heater(
    c: gf.Component, radius: float, length_x: float, width: float, center: tuple[float, float], side: int, y_pad: float
) -> float:
    """Draw the heater over the ring, open on one side (`side` -1: below, +1: above), with two tails to pads at `y_pad`.

    Args:
        c: component to draw in.
        radius: of the ring's axis in um.
        length_x: of its straights in um.
        width: of the heater in um.
        center: of the ring in um.
        side: -1 or +1.
        y_pad: of the pads' centres in um.

    Returns:
        Distance of the pads' centres from the ring's axis, um.
    """
    x_tail = round(max(length_x / 2, width / 2 + 0.6), 3)
    x_out = round(x_tail + width / 2, 3)
    x_in = round(x_out - width, 3)
    inner, outer = radius - width / 2, radius + width / 2
    # angles at which the edges of the tail meet the two circles; both circles have corners at the same angles
    meets_out = math.acos((x_out - length_x / 2) / outer)
    meets_in = math.acos(max(0.0, (x_in - length_x / 2) / inner))
    common = np.linspace(meets_out, -math.pi / 2, arc_steps(outer, meets_out + math.pi / 2) + 1)
    extra = np.linspace(meets_in, meets_out, arc_steps(inner, meets_in - meets_out) + 1)[:-1]

    def half(x: float, edge: float, angles: np.ndarray) -> np.ndarray:
        """Right half of one edge, from the pad on."""
        points = np.column_stack([length_x / 2 + edge * np.cos(angles), edge * np.sin(angles)])
        first = [(x, side * (y_pad - center[1]))] + ([(x, edge)] if x < length_x / 2 else [])
        return np.concatenate([first, points])

    outside, inside = half(x_out, outer, common), half(x_in, inner, np.concatenate([extra, common]))
    mirror = np.array([-1, 1])
    line = np.concatenate([outside, (outside * mirror)[::-1], inside * mirror, inside[::-1]])
    polygon(c, "HEATER", line * (1, side) + center)
    x_pad = max(PAD, x_tail)
    if abs(x_in + PAD / 2 - x_pad) < _FLUSH:
        x_pad = x_in + PAD / 2
    for sign in (1, -1):
        pad = c << via_stack(size=PAD, bottom="HEATER")
        pad.move((round(center[0] + sign * x_pad, 3), y_pad))
    return round(x_pad, 3)
