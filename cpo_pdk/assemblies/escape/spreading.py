"""Ribbons of one layer that move sideways to their places, all in one stretch, without coming too near each other.

All turn by the same angle, or less where that suffices. Of two that move to the same side and would meet, the one in
front begins first; how much earlier follows from the distance of the slanted ribbons. Two that move towards or away
from each other are never nearer than at their ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cpo_pdk.assemblies.escape.jogs import Jog, jog

#: turns that are tried, degrees, gentlest first: it is the shortest way
_ANGLES = (10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80)


@dataclass(frozen=True)
class Move:
    """One ribbon on the way out: where it is and where it goes, um right of some axis.

    Attributes:
        start: right of the axis at the beginning.
        end: right of the axis at the end.
        half: half of the room that it takes; neighbours of `half` a and b keep a + b.
        ready: how far out it may begin to move.
    """

    start: float
    end: float
    half: float
    ready: float


@dataclass(frozen=True)
class Moved:
    """How the moves are made.

    Attributes:
        begins: how far out each begins, um.
        jogs: how each moves.
        reach: how far out the last of them is done, um.
        angle: largest turn, degrees.
    """

    begins: tuple[float, ...]
    jogs: tuple[Jog, ...]
    reach: float
    angle: int


def move_all(moves: Sequence[Move], radius: float, limit: float, least_angle: int = 0) -> Moved:
    """Make all moves with the gentlest turns that are done before a limit; if none are, with those done first.

    Args:
        moves: from left to right at the beginning, and at the end.
        radius: of the ribbons' centre lines in bends, um.
        limit: how far out they must be done, um.
        least_angle: smallest largest turn, degrees.
    """
    best: Moved | None = None
    for angle in _ANGLES:
        if angle < least_angle:
            continue
        made = _made(moves, radius, angle)
        if made.reach <= limit:
            return made
        if best is None or made.reach < best.reach:
            best = made
    assert best is not None
    return best


def _made(moves: Sequence[Move], radius: float, angle: int) -> Moved:
    steepest = math.radians(angle)
    jogs = [jog(round(m.end - m.start, 3), steepest, radius) for m in moves]
    begins = [m.ready for m in moves]
    for side in (1, -1):
        # who moves right waits for its neighbour on the right, who moves left for the one on the left
        order = range(len(moves) - 2, -1, -1) if side > 0 else range(1, len(moves))
        for k in order:
            own, front = moves[k], moves[k + side]
            if jogs[k].shift * side <= 0 or jogs[k + side].shift * side <= 0:
                continue
            need = own.half + front.half
            if side * (front.start - own.end) >= need:
                continue
            begins[k] = max(begins[k], begins[k + side] + _later(need, abs(front.start - own.start), steepest))
            ends = begins[k + side] + jogs[k + side].length + _later(need, abs(front.end - own.end), steepest)
            begins[k] = max(begins[k], ends - jogs[k].length)
    begins = [math.ceil(round(b, 3)) + 0.0 if j.shift else round(b, 3) for b, j in zip(begins, jogs, strict=True)]
    reach = max((b + j.length for b, j in zip(begins, jogs, strict=True)), default=0.0)
    return Moved(tuple(begins), tuple(jogs), reach, angle)


def _later(need: float, apart: float, angle: float) -> float:
    """How much later (um) the one behind must turn, so that the slanted ribbons keep their distance.

    Two equal bends, one `apart` beside and `later` behind the other, are apart by apart cos(a) + later sin(a) where
    they head at an angle a to the axis; that is least at the beginning or at the end of the bend.
    """
    return max(0.0, (need - apart * math.cos(angle)) / math.sin(angle))
