"""Circles, racetracks and raised-sine bends fitted to the corners of an outline (um).

A polygon's corners lie on the curve that was meant, up to the rounding to the grid; its edges don't. So everything here
is fitted to corners, and a fit over N of them is better than the grid by about the square root of N.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cpo_pdk.verify.lvs.measure.drawn import ROUNDING, Array, UnmeasurableError

#: corners of a circle or racetrack may lie this far off it: rounding to the grid, and what joining polygons leaves, um
ROUND = 0.0025


@dataclass(frozen=True)
class Circles:
    """Concentric circles: centre, one radius for each set of points, and the largest distance of a point from its own.

    `spread` is the standard deviation of a radius that follows from the rounding to the grid.
    """

    center: Array
    radii: tuple[float, ...]
    off: float
    spread: float


def circles(*sets: Array) -> Circles:
    """Concentric circles through sets of points, each of shape (N, 2), by least squares of x^2 + y^2 (Kasa 1976).

    Raises:
        UnmeasurableError: fewer than three points to a set.
    """
    if min(len(points) for points in sets) < 3:
        raise UnmeasurableError("fewer than 3 corners lie on its arc")
    points = np.concatenate(sets)
    middle = points.mean(axis=0)
    own = points - middle
    which = np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    table = np.zeros((len(points), 2 + len(sets)))
    table[:, :2] = 2 * own
    table[np.arange(len(points)), 2 + which] = 1.0
    found, _, rank, _ = np.linalg.lstsq(table, np.sum(own**2, axis=1), rcond=None)
    if rank < table.shape[1]:
        raise UnmeasurableError("its arc is straight")
    center = found[:2]
    squares = found[2:] + center @ center
    if np.min(squares) <= 0:
        raise UnmeasurableError("its arc is straight")
    radii = np.sqrt(squares)
    off = np.abs(np.linalg.norm(own - center, axis=1) - radii[which])
    # radius = radial coordinate less the centre's: invert the normal matrix of the geometric fit
    toward = (own - center) / np.linalg.norm(own - center, axis=1)[:, None]
    slopes = np.zeros_like(table)
    slopes[:, :2] = toward
    slopes[np.arange(len(points)), 2 + which] = 1.0
    spread = ROUNDING * math.sqrt(float(np.max(np.diag(np.linalg.pinv(slopes.T @ slopes))[2:])))
    return Circles(center + middle, tuple(float(r) for r in radii), float(off.max()), spread)


@dataclass(frozen=True)
class Racetrack:
    """A closed outline of two half circles and two straights along x.

    Attributes:
        right, left: centres of the half circles, shape (2,).
        radius: mean of both, um.
        off: how far the outline leaves the racetrack at most, um.
        skew: how far the half circles differ in radius or height, um.
    """

    right: Array
    left: Array
    radius: float
    off: float
    skew: float

    @property
    def length_x(self) -> float:
        """Of the straights, um."""
        return float(self.right[0] - self.left[0])

    @property
    def center(self) -> Array:
        """Shape (2,), um."""
        return (self.right + self.left) / 2


def racetrack(points: Array) -> Racetrack:
    """Racetrack along x through the corners of a closed outline, shape (N, 2); a circle is one without straights.

    Raises:
        UnmeasurableError: not enough corners.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    straight = max(0.0, float((high - low)[0] - (high - low)[1]) / 2)
    aside = points[:, 0] - middle[0]
    ends = [points[sign * aside >= straight - 0.002] for sign in (1, -1)]
    right, left = (circles(end) for end in ends)
    radius = (right.radii[0] + left.radii[0]) / 2
    between = points[np.abs(aside) < straight - 0.002]
    off = max(right.off, left.off)
    if len(between):
        height = (right.center[1] + left.center[1]) / 2
        off = max(off, float(np.abs(np.abs(between[:, 1] - height) - radius).max()))
    skew = max(abs(right.radii[0] - left.radii[0]), abs(float(right.center[1] - left.center[1])))
    return Racetrack(right.center, left.center, radius, off, skew)


def segment_distance(a: Array, b: Array, start: Array, end: Array) -> Array:
    """Distance of the segment from `a` to `b`, shape (2,), from segments that don't cross it, shape (E, 2): (E,)."""
    return np.minimum.reduce(
        [
            point_distance(a[None, :], start, end),
            point_distance(b[None, :], start, end),
            point_distance(start, np.broadcast_to(a, start.shape), np.broadcast_to(b, end.shape)),
            point_distance(end, np.broadcast_to(a, start.shape), np.broadcast_to(b, end.shape)),
        ]
    )


def point_distance(points: Array, start: Array, end: Array) -> Array:
    """Distance of points (E, 2) from segments (E, 2), pair by pair; shape (E,)."""
    along = end - start
    length2 = np.maximum(np.einsum("ij,ij->i", along, along), 1e-18)
    share = np.clip(np.einsum("ij,ij->i", points - start, along) / length2, 0.0, 1.0)
    return np.linalg.norm(points - start - share[:, None] * along, axis=1)


@dataclass(frozen=True)
class Fit:
    """Parameters of a fit, their standard deviations from the rounding to the grid, and the largest residual, um."""

    values: Array
    spread: Array
    off: float


def fit(residuals: Callable[[Array], Array], start: Sequence[float], steps: Sequence[float]) -> Fit:
    """Least squares by Gauss and Newton.

    Args:
        residuals: of parameters (P,): distances in um, shape (N,).
        start: parameters to begin with.
        steps: to differentiate by.

    Raises:
        UnmeasurableError: fewer residuals than parameters.
    """
    at = np.array(start, dtype=np.float64)
    step = np.array(steps, dtype=np.float64)
    now = residuals(at)
    if len(now) <= len(at):
        raise UnmeasurableError("its outline has too few corners")
    slopes = np.zeros((len(now), len(at)))
    for _ in range(8):
        for i in range(len(at)):
            moved = at.copy()
            moved[i] += step[i]
            slopes[:, i] = (residuals(moved) - now) / step[i]
        change = np.linalg.lstsq(slopes, -now, rcond=None)[0]
        at = at + change
        now = residuals(at)
        if np.all(np.abs(change) < 0.01 * step):
            break
    spread = ROUNDING * np.sqrt(np.diag(np.linalg.pinv(slopes.T @ slopes)))
    return Fit(at, spread, float(np.abs(now).max()))


@dataclass(frozen=True)
class SBend:
    """A raised-sine bend: start (x, y), extent along x and y in um, smallest radius; standard deviation of `length`."""

    x: float
    y: float
    length: float
    offset: float
    radius_min: float
    off: float
    spread: float


def sine(t: Array) -> Array:
    """Share of the offset at the share t of the length: 0 before, 1 behind, without a kink in slope or curvature."""
    t = np.clip(t, 0.0, 1.0)
    return t - np.sin(2 * np.pi * t) / (2 * np.pi)


@lru_cache(maxsize=1024)
def sine_path(length: float, offset: float) -> tuple[float, float]:
    """Length of a raised-sine bend, and its smallest radius (infinite when straight), um."""
    t = np.linspace(0.0, 1.0, 2001)
    slope = offset / length * (1 - np.cos(2 * np.pi * t))
    bend = np.abs(offset / length**2 * 2 * np.pi * np.sin(2 * np.pi * t)) / (1 + slope**2) ** 1.5
    path = float(np.trapezoid(np.sqrt(1 + slope**2), t) * length)
    return path, math.inf if offset == 0 else float(1 / bend.max())


def s_bend(
    left: Array,
    right: Array,
    width: float,
    start: tuple[float, float],
    end: tuple[float, float],
    fixed_start: bool = True,
) -> SBend:
    """Raised-sine bend from the corners of its two edges, which run east and go on straight before and behind it.

    Args:
        left, right: corners of the edge on the left and on the right, shape (N, 2).
        width: between the edges, um.
        start: (x, y) where the bend begins, roughly where it is not known.
        end: (x, y) where it ends, roughly.
        fixed_start: the bend begins at `start`, exactly.

    Raises:
        UnmeasurableError: too few corners.
    """
    points = np.concatenate([left, right])
    side = np.repeat([0.5, -0.5], [len(left), len(right)]) * width

    def residuals(p: Array) -> Array:
        length, offset, y0 = p[0], p[1], p[2]
        x0 = start[0] if fixed_start else p[3]
        x, y = points[:, 0], points[:, 1]
        slope = np.zeros_like(x)
        normal = np.ones_like(x)
        for _ in range(4):
            t = (x + side * slope / normal - x0) / length
            inside = (t > 0) & (t < 1)
            slope = np.where(inside, offset / length * (1 - np.cos(2 * np.pi * t)), 0.0)
            normal = np.sqrt(1 + slope**2)
        t = (x + side * slope / normal - x0) / length
        return (y - side / normal - y0 - offset * sine(t)) / normal

    begin = [end[0] - start[0], end[1] - start[1], start[1]]
    free = [*begin, start[0]] if not fixed_start else begin
    found = fit(residuals, free, [0.01] * len(free))
    length, offset = float(found.values[0]), float(found.values[1])
    x0 = start[0] if fixed_start else float(found.values[3])
    return SBend(
        x0, float(found.values[2]), length, offset, sine_path(length, offset)[1], found.off, float(found.spread[0])
    )
