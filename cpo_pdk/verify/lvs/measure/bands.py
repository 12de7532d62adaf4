"""Waveguides and fibres as bands between two end faces: where the faces are, how long and how wide the band is (um)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cpo_pdk.verify.lvs.measure.drawn import Array, Terminal, UnmeasurableError

#: widths along a band that differ by no more than this are one width: rounding of four coordinates and the chords, um
EVEN = 0.002
#: corners that are compared with the other edge at a time
_CHUNK = 64


@dataclass(frozen=True)
class Face:
    """The drawn end of a waveguide at a port.

    Attributes:
        loop: number of the contour.
        edge: number of the edge in it, from corner `edge` to the next.
        middle: shape (2,), um.
        width: um.
        points: both corners, shape (2, 2).
    """

    loop: int
    edge: int
    middle: Array
    width: float
    points: Array


def face_at(loops: Sequence[Array], port: Terminal) -> Face:
    """The end face that looks the way of a port and is nearest to it along the port's axis.

    Raises:
        UnmeasurableError: no edge looks that way.
    """
    out = port.outward
    best: tuple[float, int, int] | None = None
    for number, loop in enumerate(loops):
        following = np.roll(loop, -1, axis=0)
        along = following - loop
        length = np.linalg.norm(along, axis=1)
        outward = (along[:, 0] * out[1] - along[:, 1] * out[0]) / np.maximum(length, 1e-12)
        start, end = loop - port.place, following - port.place
        aside_a = start[:, 0] * -out[1] + start[:, 1] * out[0]
        aside_b = end[:, 0] * -out[1] + end[:, 1] * out[0]
        meets = (np.minimum(aside_a, aside_b) <= 1e-3) & (np.maximum(aside_a, aside_b) >= -1e-3)
        looks = np.flatnonzero((outward > 0.9999) & meets & (length > 0.01))
        if not len(looks):
            continue
        away = np.abs(((start + end) / 2)[looks] @ out)
        nearest = int(np.argmin(away))
        if best is None or away[nearest] < best[0]:
            best = (float(away[nearest]), number, int(looks[nearest]))
    if best is None:
        raise UnmeasurableError(f"no end face is drawn at port {port.name}")
    _, number, edge = best
    points = np.array([loops[number][edge], loops[number][(edge + 1) % len(loops[number])]])
    return Face(number, edge, points.mean(axis=0), float(np.linalg.norm(points[1] - points[0])), points)


@dataclass(frozen=True)
class Band:
    """What lies between two faces: its left and right edge on the way from `first` to `last`, shape (N, 2) each."""

    first: Face
    last: Face
    left: Array
    right: Array

    @property
    def length(self) -> float:
        """Mean of both edges: that of the middle, for edges at equal distance from it, um."""
        return (run(self.left) + run(self.right)) / 2

    @property
    def points(self) -> Array:
        """All corners, shape (N, 2)."""
        return np.concatenate([self.left, self.right])

    def widths(self) -> tuple[Array, Array]:
        """Distance of every corner from the other edge, shape (N,), um, and where (N, 2)."""
        a, b = _across(self.left, self.right), _across(self.right, self.left)
        return np.concatenate([a, b]), self.points

    def width(self, even: float = EVEN) -> tuple[list[float], Array]:
        """The width, and where it was read, shape (M, 2); smallest, median and largest where it isn't the same.

        Args:
            even: widths that differ by no more are the same, um.
        """
        found, where = self.widths()
        middle = float(np.median(found))
        off = np.abs(found - middle)
        worst = int(np.argmax(off))
        if off[worst] <= even:
            return [middle], np.array([self.first.middle, self.last.middle])
        return [float(found.min()), middle, float(found.max())], where[worst : worst + 1]


def run(line: Array) -> float:
    """Length of a line through points, shape (N, 2)."""
    return float(np.sum(np.linalg.norm(np.diff(line, axis=0), axis=1)))


def _across(points: Array, line: Array) -> Array:
    """Distance of points along one edge from the other edge, looked for near the same share of the way."""
    start, along = line[:-1], np.diff(line, axis=0)
    length2 = np.maximum(np.einsum("ij,ij->i", along, along), 1e-18)
    share_line, share_points = _shares(line), _shares(points)
    # edges of equal distance differ in length by what the turns make of their width: 2 % and 10 um cover that
    pad = 0.02 + 10.0 / max(run(line), 1e-9)
    low = np.searchsorted(share_line[1:], share_points - pad)
    high = np.searchsorted(share_line[:-1], share_points + pad, side="right")
    best = np.full(len(points), np.inf)
    for first in range(0, len(points), _CHUNK):
        rows = slice(first, first + _CHUNK)
        a, b = int(low[rows].min()), int(high[rows].max())
        some = points[rows]
        s, w, l2 = start[a:b], along[a:b], length2[a:b]
        x, y = some[:, :1] - s[:, 0], some[:, 1:] - s[:, 1]
        t = np.clip((x * w[:, 0] + y * w[:, 1]) / l2, 0.0, 1.0)
        x -= t * w[:, 0]
        y -= t * w[:, 1]
        best[rows] = np.sqrt((x * x + y * y).min(axis=1))
    return best


def _shares(line: Array) -> Array:
    """Share of the way at each point of a line, shape (N,)."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    total = float(steps.sum())
    return np.concatenate([[0.0], np.cumsum(steps)]) / max(total, 1e-12)


def band(loops: Sequence[Array], first: Terminal, last: Terminal) -> Band:
    """The band from one port to another.

    Raises:
        UnmeasurableError: a face is missing, or the two are not of one polygon.
    """
    a, b = face_at(loops, first), face_at(loops, last)
    if a.loop != b.loop or a.edge == b.edge:
        raise UnmeasurableError(f"what is drawn at port {first.name} doesn't reach port {last.name}")
    loop = loops[a.loop]
    n = len(loop)
    # the material is on the right of the way along the contour: after the last face it runs back along the right
    right = loop[_between(b.edge + 1, a.edge, n)][::-1]
    left = loop[_between(a.edge + 1, b.edge, n)]
    return Band(a, b, left, right)


def _between(first: int, last: int, n: int) -> list[int]:
    """Indices from `first` to `last` round a contour of n corners."""
    return [(first + k) % n for k in range((last - first) % n + 1)]
