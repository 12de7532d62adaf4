"""A ribbon that moves sideways and goes on in its direction: arc, straight, arc back, with its fibres side by side.

All fibres of a ribbon turn about the same two centres, so that they keep their pitch all the way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.components.curves import sine_s_length
from cpo_pdk.components.fibers import Step

_SLIGHT = 200.0  # shifts up to this are made in an S-curve: its slope is too small to change the pitch, um
_SHORTEST = 500.0  # straight between the arcs, if there is one, um


@dataclass(frozen=True)
class Jog:
    """A move sideways.

    Attributes:
        shift: to the right, um; negative: to the left.
        angle: by which the ribbon turns away and back, radians.
        line: straight between the two arcs, um.
        radius: of both arcs on the ribbon's centre line, um.
        length: along the old and new direction, um; on the 1 nm grid.
    """

    shift: float
    angle: float
    line: float
    radius: float
    length: float

    def shift_at(self, along: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far right the centre line is at some places along the old direction, um.

        Args:
            along: from the beginning of the move, um; before and beyond it too.
        """
        s = np.clip(along, 0.0, self.length)
        if not self.angle:
            t = s / self.length if self.length else s * 0.0
            return self.shift * (t - np.sin(2 * np.pi * t) / (2 * np.pi))
        first = self.radius * math.sin(self.angle)
        end, r = self.length - first, self.radius
        aside = np.select(
            [s <= first, s >= end],
            [
                r - np.sqrt(np.maximum(r**2 - s**2, 0.0)),
                abs(self.shift) - r + np.sqrt(np.maximum(r**2 - (self.length - s) ** 2, 0.0)),
            ],
            r * (1 - math.cos(self.angle)) + (s - first) * math.tan(self.angle),
        )
        return math.copysign(1.0, self.shift) * aside

    def steps(self, aside: float) -> list[Step]:
        """Steps of one fibre.

        Args:
            aside: how far left of the ribbon's centre line it lies, um.
        """
        if not self.shift:
            return []
        if not self.angle:
            return [("s", self.length, -self.shift)]
        right = 1 if self.shift > 0 else -1
        turn = round(math.degrees(self.angle), 9)
        first, second = round(self.radius + right * aside, 3), round(self.radius - right * aside, 3)
        middle: list[Step] = [("line", round(self.line, 6), 0.0)] if self.line else []
        return [("arc", first, -right * turn), *middle, ("arc", second, right * turn)]


def jog(shift: float, steepest: float, radius: float) -> Jog:
    """The shortest way sideways that turns no further than an angle.

    Args:
        shift: to the right in um; negative: to the left.
        steepest: largest angle of turn in radians, below a right angle.
        radius: of the centre line's arcs in um.
    """
    far = abs(shift)
    if far == 0:
        return Jog(0.0, 0.0, 0.0, radius, 0.0)
    if far <= _SLIGHT:
        return Jog(shift, 0.0, 0.0, radius, math.ceil(sine_s_length(far, radius) / 10) * 10.0)
    line = (far - 2 * radius * (1 - math.cos(steepest))) / math.sin(steepest)
    angle = steepest
    if line < _SHORTEST:
        line = 0.0 if far < 2 * radius * (1 - math.cos(steepest)) else _SHORTEST
        # 2 r (1 - cos a) + line sin a = far
        angle = math.acos((2 * radius - far) / math.hypot(2 * radius, line)) - math.atan2(line, 2 * radius)
    angle = math.radians(round(math.degrees(angle), 9))
    if line:
        line = round((far - 2 * radius * (1 - math.cos(angle))) / math.sin(angle), 6)
    return Jog(shift, angle, line, radius, round(2 * radius * math.sin(angle) + line * math.cos(angle), 3))
