"""Bend radius measured on the drawn outline.

Along the contours of a polygon, circles are fitted (Kasa's least squares; I. Kasa, IEEE Trans. Instrum. Meas. 25, 8,
1976) to windows of at least six corners and of an arc long enough that rounding to the grid hardly matters. Where a
window is hollow (the material lies outside the circle) it is the inner edge of a bend, and the centre line runs half
the width further out. The width is measured across the polygon. What is hollow on both sides, or changes its width
within a window, is a flare, not a bend; what has no other side near is no waveguide. A single sharp corner is a shape,
not a curve.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: standard deviation of a coordinate that was rounded to a grid of 1 nm, um: 1 nm / sqrt(12)
ROUNDING_UM = 0.00029
#: a window is sqrt(this times the radius) long, um: at 20 corners rounding then makes 4 sigma = 1.8 % of the radius
WINDOW_UM = 0.35
#: shortest window, um
SHORTEST_WINDOW_UM = 0.5
#: fewest corners of a window
FEWEST_CORNERS = 6
#: corners of the outline nearer than this are taken as one, um
SPACING_UM = 0.02
#: more turning than this at one place (`CORNER_SPAN_UM`) is a corner, degrees
CORNER_DEGREES = 30.0
CORNER_SPAN_UM = 0.03
#: below this turning in a window (radian) a parabola is fitted instead of a circle
FLAT_TURNING = 0.35
#: what is forgiven on top where the facets are so coarse that six corners make more than a window
COARSE_TOLERANCE = 0.03
#: a guide whose width changes by more than this factor within a window flares
FLARE = 1.3
#: a waveguide is at most this many times as wide as the rule's
WIDEST = 10.0


@dataclass(frozen=True)
class Bend:
    """The tightest part of a bend: radius of its centre line and the box around it (left, bottom, right, top), um."""

    radius: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class _Windows:
    """Fitted windows: radius of the edge (inf where straight), hollow or not, middle, centre, arc, corners, box."""

    radius: Floats
    hollow: NDArray[np.bool_]
    middle: Floats
    centre: Floats
    arc: Floats
    corners: Floats
    box: Floats


def window_length(edge_radius: float) -> float:
    """Arc in um over which a circle of `edge_radius` (um) can be told."""
    return max(SHORTEST_WINDOW_UM, float(np.sqrt(WINDOW_UM * edge_radius)))


def _tolerance(edge_radius: float, arc: float, corners: float, length: float) -> float:
    """Four standard deviations of a fitted radius, relative, and what facets may do.

    The second derivative of a parabola fitted to N equidistant points with error sigma has the standard deviation
    sigma / s^2 * sqrt(720 / (N + 4)) (R. L. Gluckstern, Nucl. Instrum. Methods 24, 381, 1963, for N above about 10).
    """
    error = 4 * ROUNDING_UM * np.sqrt(720 / (corners + 4)) * edge_radius / arc**2
    return float(0.005 + error + (COARSE_TOLERANCE if arc > 1.5 * length else 0.0))


def tight_bends(loops: list[Floats], limit: float, half_width: float) -> list[Bend]:
    """Bends of a polygon whose centre line has a radius below `limit`.

    Args:
        loops: contours in um, each of shape (N, 2), material on the right.
        limit: um.
        half_width: half the usual width of the waveguide, um.

    Returns:
        one bend for each window that is too tight.
    """
    length = window_length(limit - half_width)
    parts = [fit for loop in loops for chain in _chains(loop, length) if (fit := _fit(chain, length)) is not None]
    if not parts:
        return []
    all_windows = _Windows(
        *(
            np.concatenate([getattr(p, f) for p in parts])
            for f in ("radius", "hollow", "middle", "centre", "arc", "corners", "box")
        )
    )
    starts = np.concatenate(loops)
    ends = np.concatenate([np.roll(loop, -1, axis=0) for loop in loops])
    bends: list[Bend] = []
    for i in np.flatnonzero(all_windows.hollow & (all_windows.radius < limit)):
        edge = float(all_windows.radius[i])
        hit = _other_side(starts, ends, all_windows.middle[i], all_windows.centre[i], half_width)
        if hit is None:
            continue
        across = float(np.hypot(*(hit - all_windows.middle[i])))
        if across > 2 * half_width * WIDEST or _is_hollow(all_windows, hit, edge, across):
            continue
        if _is_flare(starts, ends, all_windows, int(i), half_width, across):
            continue
        radius = edge + across / 2
        tolerance = _tolerance(edge, float(all_windows.arc[i]), float(all_windows.corners[i]), length)
        if radius < limit * (1 - tolerance):
            left, bottom, right, top = (float(v) for v in all_windows.box[i])
            bends.append(Bend(radius, (left, bottom, right, top)))
    return bends


def _chains(loop: Floats, length: float) -> list[Floats]:
    """The contour without its corners: open pieces (a loop without any corner is one piece that overlaps itself)."""
    points = _thinned(loop)
    if len(points) < FEWEST_CORNERS:
        return []
    step = np.roll(points, -1, axis=0) - points
    distance = np.hypot(step[:, 0], step[:, 1])
    before = np.roll(step, 1, axis=0)
    turn = np.degrees(np.arctan2(before[:, 0] * step[:, 1] - before[:, 1] * step[:, 0], (before * step).sum(axis=1)))
    corner = np.abs(turn) > CORNER_DEGREES
    close = distance < CORNER_SPAN_UM
    pair = close & (np.abs(turn + np.roll(turn, -1)) > CORNER_DEGREES)
    corner |= pair | np.roll(pair, 1)
    where = np.flatnonzero(corner)
    if len(where) == 0:
        # closed and smooth: run on over the seam by more than a window
        reach = np.cumsum(np.tile(distance, 2))
        extra = min(len(points) - 1, max(FEWEST_CORNERS, int(np.searchsorted(reach, 1.5 * length)) + 1))
        return [_denser(np.vstack([points, points[:extra]]), length)]
    points = np.roll(points, -where[0], axis=0)
    cuts = [*(where - where[0]), len(points)]
    points = np.vstack([points, points[:1]])
    pieces = [points[a : b + 1] for a, b in itertools.pairwise(cuts) if b - a >= 2]
    return [_denser(piece, length) for piece in pieces]


def _thinned(loop: Floats) -> Floats:
    """The contour without corners that follow another within `SPACING_UM`."""
    distance = np.hypot(*(np.roll(loop, -1, axis=0) - loop).T)
    if distance.min() >= SPACING_UM:
        return loop
    kept, since = [0], 0.0
    for i, d in enumerate(distance[:-1], start=1):
        since += d
        if since >= SPACING_UM:
            kept.append(i)
            since = 0.0
    return loop[kept]


def _denser(chain: Floats, length: float) -> Floats:
    """Points added on straights that adjoin a curve, near their ends, so that a window ends soon after the curve."""
    step = np.diff(chain, axis=0)
    distance = np.hypot(step[:, 0], step[:, 1])
    neighbour = np.minimum(np.append(distance[1:], np.inf), np.insert(distance[:-1], 0, np.inf))
    long = (distance > length / 3) & (distance > 3 * neighbour)
    if not long.any():
        return chain
    pieces: list[Floats] = []
    for i in range(len(step)):
        pieces.append(chain[i : i + 1])
        if long[i]:
            grid = np.arange(1, FEWEST_CORNERS + 1) * max(length / FEWEST_CORNERS, float(neighbour[i]))
            along = np.unique(np.concatenate([grid, distance[i] - grid]))
            along = along[(along > 0.01 * length) & (along < distance[i] - 0.01 * length)]
            pieces.append(chain[i] + step[i] / distance[i] * along[:, None])
    pieces.append(chain[-1:])
    return np.vstack(pieces)


def _fit(chain: Floats, length: float) -> _Windows | None:
    """Circles fitted to windows along an open piece."""
    if len(chain) < FEWEST_CORNERS:
        return None
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(chain, axis=0).T))])
    if s[-1] < SHORTEST_WINDOW_UM:
        return None
    first = np.arange(len(chain))
    last = np.maximum(np.searchsorted(s, s + length - 1e-9), first + FEWEST_CORNERS - 1)
    keep = last < len(chain)
    if not keep.any():
        first, last = np.array([0]), np.array([len(chain) - 1])
    else:
        first, last = first[keep], last[keep]
        stride = max(1, int(np.median(last - first)) // 8)
        chosen = np.unique(np.append(np.arange(0, len(first), stride), len(first) - 1))
        first, last = first[chosen], last[chosen]
    size = int((last - first).max()) + 1
    index = first[:, None] + np.arange(size)
    used = index <= last[:, None]
    p = chain[np.minimum(index, len(chain) - 1)]
    number = used.sum(axis=1).astype(np.float64)
    mean = (p * used[..., None]).sum(axis=1) / number[:, None]
    u, v = ((p - mean[:, None, :]) * used[..., None]).transpose(2, 0, 1)
    way = chain[last] - chain[first]
    arc = s[last] - s[first]
    radius, centre = _circles(u, v, used, mean)
    flat_radius, flat_centre = _parabolas(u, v, used, mean, way)
    flat = arc < FLAT_TURNING * flat_radius
    radius = np.where(flat, flat_radius, radius)
    centre = np.where(flat[:, None], flat_centre, centre)
    middle = chain[(first + last) // 2]
    aside = centre - middle
    hollow = np.isfinite(radius) & (way[:, 0] * aside[:, 1] - way[:, 1] * aside[:, 0] > 0)
    low = np.where(used[..., None], p, np.inf).min(axis=1)
    high = np.where(used[..., None], p, -np.inf).max(axis=1)
    return _Windows(radius, hollow, middle, centre, arc, number, np.hstack([low, high]))


def _circles(u: Floats, v: Floats, used: NDArray[np.bool_], mean: Floats) -> tuple[Floats, Floats]:
    """Kasa's circle for each row of points (u, v) around `mean`: radius and centre."""
    uu, vv, uv = (u * u).sum(1), (v * v).sum(1), (u * v).sum(1)
    right_u = 0.5 * ((u**3).sum(1) + (u * v * v).sum(1))
    right_v = 0.5 * ((v**3).sum(1) + (v * u * u).sum(1))
    det = uu * vv - uv * uv
    det = np.where(det <= 1e-15 * (uu + vv) ** 2, np.nan, det)
    a, b = (right_u * vv - right_v * uv) / det, (right_v * uu - right_u * uv) / det
    radius = np.sqrt(a * a + b * b + (uu + vv) / used.sum(axis=1))
    straight = ~np.isfinite(radius)
    offset = np.where(straight[:, None], 0.0, np.column_stack([a, b]))
    return np.where(straight, np.inf, radius), mean + offset


def _parabolas(u: Floats, v: Floats, used: NDArray[np.bool_], mean: Floats, way: Floats) -> tuple[Floats, Floats]:
    """Circle of curvature of a parabola over the chord: on flat arcs noise draws Kasa's circle to small radii."""
    length = np.hypot(way[:, 0], way[:, 1])
    along = way / np.where(length > 0, length, 1.0)[:, None]
    x = u * along[:, :1] + v * along[:, 1:]
    y = v * along[:, :1] - u * along[:, 1:]
    xx = (x * x).sum(1)
    skew = (x**3).sum(1) / np.where(xx > 0, xx, 1.0)
    bow = np.where(used, x * x - (xx / used.sum(axis=1))[:, None] - skew[:, None] * x, 0.0)
    norm = (bow * bow).sum(1)
    second = (bow * y).sum(1) / np.where(norm > 0, norm, 1.0)
    slope = (x * y).sum(1) / np.where(xx > 0, xx, 1.0) - second * skew
    curvature = 2 * second / (1 + slope**2) ** 1.5
    straight = np.abs(curvature) < 1e-12
    radius = np.where(straight, np.inf, 1 / np.where(straight, 1.0, np.abs(curvature)))
    reach = np.where(straight, 0.0, 1 / np.where(straight, 1.0, curvature))
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    return radius, mean + normal * reach[:, None]


def _other_side(starts: Floats, ends: Floats, point: Floats, centre: Floats, half_width: float) -> Floats | None:
    """Where the way from `point` into the material (away from `centre`) meets the outline again; None if nowhere."""
    direction = (point - centre) / np.hypot(*(point - centre))
    edge = ends - starts
    to_start = starts - point
    det = direction[0] * edge[:, 1] - direction[1] * edge[:, 0]
    safe = np.where(np.abs(det) < 1e-15, np.nan, det)
    with np.errstate(invalid="ignore"):
        along = (to_start[:, 0] * edge[:, 1] - to_start[:, 1] * edge[:, 0]) / safe
        share = (to_start[:, 0] * direction[1] - to_start[:, 1] * direction[0]) / safe
        hits = along[(along > 0.1 * half_width) & (share >= -1e-9) & (share <= 1 + 1e-9)]
    return point + direction * hits.min() if hits.size else None


def _is_hollow(windows: _Windows, hit: Floats, edge_radius: float, across: float) -> bool:
    """True when the outline is hollow at `hit` too, about as strongly: a flare."""
    distance = np.hypot(*(windows.middle - hit).T)
    near = int(distance.argmin())
    if distance[near] > max(across, windows.arc[near]):
        return False
    return bool(windows.hollow[near] and windows.radius[near] < 3 * edge_radius)


def _is_flare(starts: Floats, ends: Floats, windows: _Windows, i: int, half_width: float, across: float) -> bool:
    """True when the guide is much wider or narrower at an end of window `i` than in its middle (`across`)."""
    arm = windows.middle[i] - windows.centre[i]
    outward = arm / np.hypot(*arm)
    half = 0.45 * float(windows.arc[i] / windows.radius[i])
    for angle in (-half, half):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        # from within the material, as the outline is not exactly the circle
        start = windows.centre[i] + turn @ (arm + outward * across / 4)
        hit = _other_side(starts, ends, start, windows.centre[i], half_width)
        if hit is not None:
            width = float(np.hypot(*(hit - start))) + across / 4
            if max(width, across) > FLARE * min(width, across):
                return True
    return False
