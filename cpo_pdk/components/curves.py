"""Centre lines and outlines as numpy arrays: bends, S-curves, racetracks, and bands along them.

Points are um, shape (N, 2). Curves are cut finely enough that the chord stays within 0.5 nm of the curve: coarser
polygons cost measurable loss (Bojko et al., J. Vac. Sci. Technol. B 29 06F309, 2011).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import cumulative_trapezoid

Points = NDArray[np.float64]

CHORD_ERROR = 0.0005  # um


def arc_steps(radius: float, angle: float, chord_error: float = CHORD_ERROR) -> int:
    """Number of chords that stay near enough to an arc; at least 8.

    A chord of an arc of radius r over the angle a leaves it by r (1 - cos(a / 2)), which is r a^2 / 8 for small angles.

    Args:
        radius: of the arc in um.
        angle: of the arc in radians.
        chord_error: largest distance of a chord from the arc in um.
    """
    step = 2 * math.sqrt(2 * chord_error / radius)
    return max(8, math.ceil(abs(angle) / step))


def arc(
    center: tuple[float, float], radius: float, start: float, stop: float, chord_error: float = CHORD_ERROR
) -> Points:
    """Points of an arc, shape (N, 2).

    Args:
        center: of the circle in um.
        radius: in um.
        start: angle of the first point in radians, counter-clockwise from east.
        stop: angle of the last point in radians.
        chord_error: largest distance of a chord from the arc in um.
    """
    phi = np.linspace(start, stop, arc_steps(radius, stop - start, chord_error) + 1)
    return np.column_stack([center[0] + radius * np.cos(phi), center[1] + radius * np.sin(phi)])


def euler_bend(radius: float, angle_deg: float, arc_fraction: float = 0.5) -> tuple[Points, float]:
    """Clothoid-arc-clothoid bend that starts at the origin heading east and turns left.

    Curvature rises linearly along each clothoid, so that each turns by its length / (2 radius).

    Args:
        radius: smallest radius of curvature, um.
        angle_deg: total turn in degrees.
        arc_fraction: share of the turn that the circular arc in the middle makes.

    Returns:
        Centre line, shape (N, 2), and its length in um.
    """
    angle = math.radians(angle_deg)
    turn_arc = angle * arc_fraction
    length_clothoid = radius * (angle - turn_arc)
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

    Args:
        length: from end to end along x in um.
        offset: from end to end along y in um, positive to the left.
        chord_error: largest distance of a chord from the curve in um.

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


def sine_s_length(offset: float, radius: float) -> float:
    """Length in um from which on a `sine_s` is nowhere tighter than a radius.

    Its second derivative is at most 2 pi offset / length^2, and curvature is never above the second derivative.

    Args:
        offset: from end to end along y in um.
        radius: smallest radius of curvature in um.
    """
    return math.sqrt(2 * math.pi * abs(offset) * radius)


def normals(points: Points, start_deg: float | None = None, end_deg: float | None = None) -> Points:
    """Unit normals (to the left) at each point, shape (N, 2).

    Args:
        points: of the line in um, shape (N, 2).
        start_deg: exact heading at the first point in degrees; None: that of the first chord.
        end_deg: exact heading at the last point in degrees; None: that of the last chord.
    """
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    for index, angle in ((0, start_deg), (-1, end_deg)):
        if angle is not None:
            tangent[index] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.column_stack([-tangent[:, 1], tangent[:, 0]])


def band(points: Points, width: ArrayLike, start_deg: float | None = None, end_deg: float | None = None) -> Points:
    """Outline of a band along a centre line, shape (2N, 2).

    Args:
        points: centre line in um, shape (N, 2).
        width: of the band in um, one number or one a point.
        start_deg: exact heading at the first point in degrees; None: that of the first chord.
        end_deg: exact heading at the last point in degrees; None: that of the last chord.
    """
    half = np.broadcast_to(np.asarray(width, dtype=float) / 2, (len(points),))[:, None]
    side = normals(points, start_deg, end_deg) * half
    return np.concatenate([points + side, (points - side)[::-1]])


def racetrack(radius: float, length_x: float, center: tuple[float, float]) -> Points:
    """Closed outline of a racetrack with two horizontal straights, counter-clockwise, shape (N, 2).

    Args:
        radius: of the two arcs in um.
        length_x: of the straights in um.
        center: of the racetrack in um.
    """
    cx, cy = center
    right = arc((cx + length_x / 2, cy), radius, -math.pi / 2, math.pi / 2)
    left = arc((cx - length_x / 2, cy), radius, math.pi / 2, 3 * math.pi / 2)
    return np.concatenate([right, left])


def sector(inner: float, outer: float, start: float, stop: float, center: tuple[float, float]) -> Points:
    """Outline of an annular sector, shape (N, 2).

    Args:
        inner: radius in um.
        outer: radius in um.
        start: angle of one side in radians, counter-clockwise from east.
        stop: angle of the other side in radians.
        center: of the annulus in um.
    """
    return np.concatenate([arc(center, outer, start, stop), arc(center, inner, stop, start)])
