"""Centre lines and outlines as numpy arrays: bends, S-curves, racetracks, and bands along them.

Points are um, shape (N, 2). Curves are cut finely enough that the chord stays within 0.5 nm of the curve: coarser polygons cost
measurable loss (Bojko et al., J. Vac. Sci. Technol. B 29 06F309, 2011).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import cumulative_trapezoid

Points = NDArray[np.float64]

CHORD_ERROR = 0.0005  # um


def arc_steps(radius: float, angle: float, chord_error: float = CHORD_ERROR) -> int:
    """Number of chords for an arc of `radius` um over `angle` radians, each within `chord_error` um of it."""
    step = 2 * math.sqrt(2 * chord_error / radius)
    return max(8, math.ceil(abs(angle) / step))


def arc(center: tuple[float, float], radius: float, start: float, stop: float) -> Points:
    """Points of an arc, angles in radians."""
    phi = np.linspace(start, stop, arc_steps(radius, stop - start) + 1)
    return np.column_stack([center[0] + radius * np.cos(phi), center[1] + radius * np.sin(phi)])


def euler_bend(radius: float, angle_deg: float, arc_fraction: float = 0.5) -> tuple[Points, float]:
    """Clothoid-arc-clothoid bend that starts at the origin heading east and turns left.

    Args:
        radius: smallest radius of curvature, um.
        angle_deg: total turn in degrees.
        arc_fraction: share of the turn that the circular arc in the middle makes.

    Returns:
        Centre line, shape (N, 2), and its length in um.
    """
    angle = math.radians(angle_deg)
    turn_arc = angle * arc_fraction
    length_clothoid = radius * (angle - turn_arc)  # each of the two turns (angle - turn_arc) / 2 = length / (2 radius)
    length_arc = radius * turn_arc
    total = 2 * length_clothoid + length_arc
    n = max(64, arc_steps(radius, angle) * 2)
    fine = np.linspace(0, total, 20 * n + 1)
    curvature = np.minimum(np.minimum(fine, total - fine) / length_clothoid, 1.0) / radius
    theta = cumulative_trapezoid(curvature, fine, initial=0)
    x = cumulative_trapezoid(np.cos(theta), fine, initial=0)[::20]
    y = cumulative_trapezoid(np.sin(theta), fine, initial=0)[::20]
    return np.column_stack([x, y]), total


def sine_s(length: float, offset: float, chord_error: float = CHORD_ERROR) -> tuple[Points, float, float]:
    """S-curve y = offset (t - sin(2 pi t) / (2 pi)), t = x / length: zero slope and curvature at both ends.

    Returns:
        Centre line, its length in um, and its smallest radius of curvature in um (infinite when straight).
    """
    if offset == 0:
        return np.array([[0.0, 0.0], [length, 0.0]]), length, math.inf
    t = np.linspace(0, 1, 4001)
    slope = offset / length * (1 - np.cos(2 * np.pi * t))
    second = offset / length**2 * 2 * np.pi * np.sin(2 * np.pi * t)
    radius = float(1 / np.max(np.abs(second) / (1 + slope**2) ** 1.5))
    path = float(np.trapezoid(np.sqrt(1 + slope**2), t) * length)
    n = max(40, math.ceil(path / math.sqrt(8 * radius * chord_error)))
    t = np.linspace(0, 1, n + 1)
    return np.column_stack([t * length, offset * (t - np.sin(2 * np.pi * t) / (2 * np.pi))]), path, radius


def normals(points: Points, start_deg: float | None = None, end_deg: float | None = None) -> Points:
    """Unit normals (to the left) at each point, shape (N, 2); headings of the two ends can be given exactly."""
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    for index, angle in ((0, start_deg), (-1, end_deg)):
        if angle is not None:
            tangent[index] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.column_stack([-tangent[:, 1], tangent[:, 0]])


def band(points: Points, width: ArrayLike, start_deg: float | None = None, end_deg: float | None = None) -> Points:
    """Outline of a band of `width` (um, one number or one a point) along a centre line, shape (2N, 2)."""
    half = np.broadcast_to(np.asarray(width, dtype=float) / 2, (len(points),))[:, None]
    side = normals(points, start_deg, end_deg) * half
    return np.concatenate([points + side, (points - side)[::-1]])


def racetrack(radius: float, length_x: float, center: tuple[float, float]) -> Points:
    """Closed outline of a racetrack with two horizontal straights of `length_x` um, counter-clockwise."""
    cx, cy = center
    right = arc((cx + length_x / 2, cy), radius, -math.pi / 2, math.pi / 2)
    left = arc((cx - length_x / 2, cy), radius, math.pi / 2, 3 * math.pi / 2)
    return np.concatenate([right, left])


def sector(inner: float, outer: float, start: float, stop: float, center: tuple[float, float]) -> Points:
    """Outline of an annular sector between two radii (um) and two angles (radians)."""
    return np.concatenate([arc(center, outer, start, stop), arc(center, inner, stop, start)])
