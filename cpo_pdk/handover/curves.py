"""Points along a way as the fewest lines, arcs and cubic splines that keep to it: what CAD programs work with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

#: how far a line, arc or spline may leave the points, um
TOLERANCE = 0.5


@dataclass(frozen=True)
class Line:
    """From one point to another, um."""

    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(frozen=True)
class Arc:
    """Part of a circle, um and radians: from angle `first` turning by `turn`, counter-clockwise when positive."""

    center: tuple[float, float]
    radius: float
    first: float
    turn: float

    def at(self, angle: float) -> tuple[float, float]:
        """The point at an angle."""
        return self.center[0] + self.radius * math.cos(angle), self.center[1] + self.radius * math.sin(angle)

    @property
    def start(self) -> tuple[float, float]:
        """Where it begins."""
        return self.at(self.first)

    @property
    def end(self) -> tuple[float, float]:
        """Where it ends."""
        return self.at(self.first + self.turn)


@dataclass(frozen=True)
class Spline:
    """Cubic Bezier curves one after the other, without a kink: control points of shape (3 k + 1, 2), um."""

    control: Points

    def sampled(self, steps: int = 16) -> Points:
        """Points along it, `steps` a Bezier curve."""
        t = np.linspace(0, 1, steps, endpoint=False)[:, None]
        parts = [_bezier(self.control[k : k + 4], t) for k in range(0, len(self.control) - 1, 3)]
        return np.concatenate([*parts, self.control[-1:]])


Curve = Line | Arc | Spline


def curve_of(points: Points, tolerance: float = TOLERANCE) -> Curve:
    """The simplest curve that keeps to a smooth piece of a way.

    Args:
        points: along it, um, shape (N, 2).
        tolerance: how far the curve may leave them, um.
    """
    if len(points) == 2 or _off_chord(points) < min(tolerance, 0.05):
        return Line(_pair(points[0]), _pair(points[-1]))
    arc = _arc(points, tolerance)
    if arc is not None:
        return arc
    # parallel fibres have pieces of one shape: fitted once, in coordinates from its beginning
    shape = np.round(points - points[0], 3)
    return Spline(_fitted(shape.tobytes(), tolerance) + points[0])


@lru_cache(maxsize=4096)
def _fitted(shape: bytes, tolerance: float) -> Points:
    points = np.frombuffer(shape).reshape(-1, 2)
    return _splined(points, tangents(points), tolerance)


def tangents(points: Points) -> Points:
    """Unit vectors along a way at its points: of the circle through each three."""
    step = np.diff(points, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    keep = np.maximum(length, 1e-9)[:, None]
    unit = step / keep
    if len(points) == 2:
        return np.concatenate([unit, unit])
    a, b = keep[:-1], keep[1:]
    inner = (unit[:-1] * b + unit[1:] * a) / (a + b)
    first = 2 * unit[:1] - inner[:1]
    last = 2 * unit[-1:] - inner[-1:]
    found = np.concatenate([first, inner, last])
    return found / np.hypot(found[:, 0], found[:, 1])[:, None]


def _pair(point: Points) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _off_chord(points: Points) -> float:
    along = points[-1] - points[0]
    length = math.hypot(*along)
    if length == 0:
        return math.inf
    away = points - points[0]
    return float(np.max(np.abs(away[:, 0] * along[1] - away[:, 1] * along[0])) / length)


def _arc(points: Points, tolerance: float) -> Arc | None:
    """The circle through first, middle and last point, if all points and the middles of their chords lie on it."""
    a, b, c = points[0], points[len(points) // 2], points[-1]
    (bx, by), (cx, cy) = b - a, c - a
    double = 2 * (bx * cy - by * cx)
    if abs(double) < 1e-9:
        return None
    ux = (cy * (bx**2 + by**2) - by * (cx**2 + cy**2)) / double
    uy = (bx * (cx**2 + cy**2) - cx * (bx**2 + by**2)) / double
    center, radius = a + np.array([ux, uy]), math.hypot(ux, uy)
    away = points - center
    if np.max(np.abs(np.hypot(away[:, 0], away[:, 1]) - radius)) > min(tolerance, 0.05):
        return None
    angle = np.unwrap(np.arctan2(away[:, 1], away[:, 0]))
    step = np.diff(angle)
    sagitta = radius * (1 - np.cos(np.max(np.abs(step)) / 2))
    if sagitta > tolerance or np.any(step * step[0] <= 0):
        return None
    return Arc(_pair(center), radius, float(angle[0]), float(angle[-1] - angle[0]))


def _bezier(control: Points, t: Points) -> Points:
    a, b, c, d = control
    s = 1 - t
    return s**3 * a + 3 * s**2 * t * b + 3 * s * t**2 * c + t**3 * d


def _splined(points: Points, along: Points, tolerance: float) -> Points:
    """Control points of Bezier curves through the points, halved until each keeps to them."""
    first, last = points[0], points[-1]
    length = float(np.sum(np.hypot(*np.diff(points, axis=0).T)))
    control = np.array([first, first + along[0] * length / 3, last - along[-1] * length / 3, last])
    if len(points) == 2:
        return control
    some = points[:: max(1, len(points) // 24)]
    if _farthest(some, _bezier(control, np.linspace(0, 1, 41)[:, None])) <= tolerance:
        return control
    half = len(points) // 2
    return np.concatenate(
        [
            _splined(points[: half + 1], along[: half + 1], tolerance),
            _splined(points[half:], along[half:], tolerance)[1:],
        ]
    )


def _farthest(points: Points, line: Points) -> float:
    """Largest distance of a point from a line of points."""
    start, step = line[:-1], np.diff(line, axis=0)
    square = np.maximum(np.sum(step**2, axis=1), 1e-12)
    away = points[:, None] - start
    share = np.clip(np.einsum("pkx,kx->pk", away, step) / square, 0, 1)
    foot = away - share[..., None] * step
    return float(np.sqrt(np.min(np.sum(foot**2, axis=2), axis=1).max()))


def thinned(points: Points, tolerance: float) -> NDArray[np.int64]:
    """Numbers of the points that a line must keep to stay near a smooth way.

    A chord of length L leaves a curve of radius R by L^2 / 8 R: a point is kept wherever the way has gone on by that L.

    Args:
        points: along the way, shape (N, 2).
        tolerance: how far the line may leave them, in their unit.
    """
    step = np.diff(points, axis=0)
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)
    cross = step[:-1, 0] * step[1:, 1] - step[:-1, 1] * step[1:, 0]
    turn = np.abs(np.arctan2(cross, np.sum(step[:-1] * step[1:], axis=1)))
    bend = np.concatenate([[0.0], 2 * turn / (length[1:] + length[:-1]), [0.0]])
    chords = np.cumsum(np.sqrt(np.maximum(bend[1:], bend[:-1]) / (8 * tolerance)) * length) * 1.25
    new = np.diff(np.floor(chords), prepend=0.0) > 0
    keep = np.concatenate([[True], new])
    # where a straight begins or ends, too: a chord must not cut its corner
    keep[1:-1] |= (length[1:] > 8 * length[:-1]) | (length[:-1] > 8 * length[1:])
    keep[-1] = True
    return np.flatnonzero(keep)
