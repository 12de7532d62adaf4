"""What every ring is drawn with: its core, and the heater over it with its pads."""

from __future__ import annotations

import math

import numpy as np

from cpo_pdk.components.curves import arc, arc_steps, band, racetrack
from cpo_pdk.components.drawing import polygon, rectangle
from cpo_pdk.components.metal import via_stack
from cpo_pdk.tech.gdsfactory_safe import gf

TAIL = 8.0  # from the bus to the centre of the heater's pads, um
PAD = 2.4  # edge of the heater's pads, um
RADIUS_MIN = 4.5  # of a ring, um: the rule WG.BEND
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
    cx, cy = center
    open_angle = math.asin(min(1.0, (x_tail - length_x / 2) / radius))
    right = arc((cx + length_x / 2, cy), radius, side * (math.pi / 2 - open_angle), -side * math.pi / 2)
    left = np.column_stack([2 * cx - right[::-1, 0], right[::-1, 1]])
    line = np.concatenate([right, left])
    polygon(c, "HEATER", band(line, width))
    x_pad = max(PAD, x_tail)
    for sign in (1, -1):
        x = cx + sign * x_tail
        low, high = sorted((y_pad, float(line[0, 1]) - side * width / 2))
        rectangle(c, "HEATER", round(x - width / 2, 3), low, round(x + width / 2, 3), round(high, 3))
        pad = c << via_stack(size=PAD, bottom="HEATER")
        pad.move((round(cx + sign * x_pad, 3), y_pad))
    return round(x_pad, 3)
