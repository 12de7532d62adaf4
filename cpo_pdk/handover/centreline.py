"""The middle of a fibre, found in the outline that is drawn: polygons in, points along the way out."""

from __future__ import annotations

import math

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

#: how far a corner at the end of a fibre may be from a right angle, rad
_SQUARE = 0.05
#: ends of pieces that are this close are joined, um
_MEET = 0.01


def middle(polygon: kdb.DPolygon, width: float) -> list[Points]:
    """The ways to pass a band from one end to the other: one, or two for a rectangle that is as wide as it is long.

    Args:
        polygon: outline in um.
        width: that a fibre is drawn with, um; tells the ends of a short rectangle from its sides.

    Returns:
        centre lines of shape (N, 2) in um; none when the polygon is no band.
    """
    hull = np.array([(p.x, p.y) for p in polygon.each_point_hull()]).reshape(-1, 2)
    hull = hull[np.any(hull != np.roll(hull, 1, axis=0), axis=1)]
    n = len(hull)
    if n < 4 or polygon.holes():
        return []
    along = np.roll(hull, -1, axis=0) - hull
    length = np.hypot(along[:, 0], along[:, 1])
    unit = along / length[:, None]
    before = np.roll(unit, 1, axis=0)
    turn = np.arctan2(before[:, 0] * unit[:, 1] - before[:, 1] * unit[:, 0], np.sum(before * unit, axis=1))
    square = np.abs(np.abs(turn) - math.pi / 2) < _SQUARE
    ends = np.flatnonzero(square & np.roll(square, -1))
    if n == 4 and len(ends) == 4:
        off = np.abs(length - width)
        even, odd = off[[0, 2]].max(), off[[1, 3]].max()
        ways = [_between(hull, 0, 2), _between(hull, 1, 3)]
        return ways if abs(even - odd) < 1.0 else [ways[0] if even < odd else ways[1]]
    # of many short edges between right angles, the two that look most like a cut fibre
    ends = sorted(ends[np.argsort(np.abs(length[ends] - width), kind="stable")][:2])
    if len(ends) != 2 or any(abs(length[e] - width) > 0.2 * width for e in ends):
        return []
    if min((ends[1] - ends[0]) % n, (ends[0] - ends[1]) % n) < 2:  # ends that share a corner
        return []
    return [_between(hull, int(ends[0]), int(ends[1]))]


def _between(hull: Points, first: int, second: int) -> Points:
    """The middle of the two sides that lie between two end edges of a closed outline."""
    n = len(hull)
    left = hull[[(first + 1 + k) % n for k in range((second - first - 1) % n + 1)]]
    right = hull[[(second + 1 + k) % n for k in range((first - second - 1) % n + 1)]][::-1]
    if len(left) == len(right):
        return (left + right) / 2
    if len(left) < len(right):
        left, right = right, left
    return (left + _nearest(right, left)) / 2


def _nearest(line: Points, points: Points) -> Points:
    """For each point the nearest one on a line of points."""
    start, along = line[:-1], np.diff(line, axis=0)
    share = np.einsum("pkx,kx->pk", points[:, None] - start, along) / np.maximum(np.sum(along**2, axis=1), 1e-12)
    foot = start + np.clip(share, 0, 1)[..., None] * along
    best = np.argmin(np.sum((points[:, None] - foot) ** 2, axis=2), axis=1)
    return foot[np.arange(len(points)), best]


def chained(pieces: list[list[Points]]) -> list[list[Points]]:
    """Pieces in their order along each fibre, each turned so that it goes on where the one before ends.

    Args:
        pieces: for each piece the ways through it, as from `middle`.

    Returns:
        for each fibre its pieces.
    """
    left = [ways for ways in pieces if ways]
    places: dict[tuple[int, int], list[int]] = {}
    for number, ways in enumerate(left):
        for way in ways:
            for end in (way[0], way[-1]):
                places.setdefault(_cell(end), []).append(number)
    used = [False] * len(left)
    fibres = []
    for number, ways in enumerate(left):
        if used[number]:
            continue
        used[number] = True
        for way in ways:  # of a square, the way that goes on
            ahead, behind = _follow(way[-1], left, places, used), _follow(way[0], left, places, used)
            if ahead or behind or way is ways[-1]:
                fibres.append([*(piece[::-1] for piece in reversed(behind)), way, *ahead])
                break
    return fibres


def _cell(point: Points) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def _follow(
    end: Points, pieces: list[list[Points]], places: dict[tuple[int, int], list[int]], used: list[bool]
) -> list[Points]:
    found: list[Points] = []
    while True:
        x, y = _cell(end)
        near = [k for dx in (0, -1, 1) for dy in (0, -1, 1) for k in places.get((x + dx, y + dy), ())]
        step = None
        for number in near:
            if used[number]:
                continue
            for way in pieces[number]:
                if math.dist(way[0], end) < _MEET:
                    step = way
                elif math.dist(way[-1], end) < _MEET:
                    step = way[::-1]
                if step is not None:
                    break
            if step is not None:
                used[number] = True
                break
        if step is None:
            return found
        found.append(step)
        end = step[-1]
