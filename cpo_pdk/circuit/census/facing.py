"""Where two devices run beside each other, and how much light passes over there.

Two walls face each other when their outward directions are opposite within `TILT`. Distances are measured across the
line that halves the angle between them, along which both guides advance alike. On every piece of such a pair kappa
is exponential in z, so that `integral kappa exp(i (beta_a - beta_b) z) dz` is summed up in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.census.coupling_angle import log_kappa, mismatch, taken_width
from cpo_pdk.circuit.census.outline import Walls, moved

Real = NDArray[np.float64]

#: walls face each other within 45 degrees
TILT = -0.707
#: a piece ends where the gap has changed by this, um
GAP_STEP_UM = 0.04
#: places further apart than this along the guide are counted as two, um
APART_UM = 3.0
#: products of edges in one step
CHUNK = 1_000_000


@dataclass(frozen=True)
class End:
    """One guide of a run.

    Attributes:
        forward, backward: names of the ports that light heads for, in the direction of the run and against it; ""
            for none.
        fraction: share of the way from `backward` to `forward` that lies behind the place.
        width: um.
    """

    forward: str
    backward: str
    fraction: float
    width: float


@dataclass(frozen=True)
class LocalRun:
    """A run in the coordinates of the first device; `kappa` is complex, shape (C,)."""

    x: float
    y: float
    gap: float
    length: float
    cross_section: str
    kappa: NDArray[np.complex128]
    a: End
    b: End


@dataclass(frozen=True)
class Shape:
    """One device: its walls, and starts and ends of the edges of the slab beside its cores."""

    walls: Walls
    slab: tuple[Real, Real]


def facing_runs(
    first: Shape, second: Shape, trans: kdb.DCplxTrans, wl: tuple[float, ...], reach: float, level_dB: float
) -> list[LocalRun]:
    """Runs of two devices.

    Args:
        first, second: both in their own coordinates.
        trans: of the second, in the coordinates of the first.
        wl: um, C of them.
        reach: largest gap that counts, um.
        level_dB: runs below it at every wavelength are left out.
    """
    a, b = first.walls, second.walls.placed(trans)
    a = a.only(_near(a, b, reach))
    b = b.only(_near(b, a, reach))
    return _runs(a, b, (first.slab, tuple(moved(p, trans) for p in second.slab)), wl, reach, level_dB)


def own_runs(shape: Shape, wl: tuple[float, ...], reach: float, level_dB: float) -> list[LocalRun]:
    """Runs between the polygons of one shape, for polygons that belong to no device."""
    runs: list[LocalRun] = []
    for number in np.unique(shape.walls.polygon):
        a = shape.walls.only(shape.walls.polygon == number)
        b = shape.walls.only(shape.walls.polygon > number)
        a, b = a.only(_near(a, b, reach)), b.only(_near(b, a, reach))
        runs += _runs(a, b, (shape.slab,), wl, reach, level_dB)
    return runs


def _near(walls: Walls, others: Walls, reach: float) -> NDArray[np.bool_]:
    if not walls.count or not others.count:
        return np.zeros(walls.count, np.bool_)
    low = np.minimum(others.start, others.end).min(axis=0) - reach
    high = np.maximum(others.start, others.end).max(axis=0) + reach
    inside = np.maximum(walls.start, walls.end) >= low
    inside &= np.minimum(walls.start, walls.end) <= high
    return inside.all(axis=1)


@dataclass(frozen=True)
class _Pieces:
    """Pieces of facing walls: wall numbers, gaps at both ends, length, middle, place along the outline of the first."""

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    gap0: Real
    gap1: Real
    length: Real
    middle: Real
    s: Real


def _pieces(a: Walls, b: Walls, reach: float) -> _Pieces:
    """All pairs of walls that face each other within reach, cut where the gap changes."""
    step = max(1, CHUNK // max(1, b.count))
    parts = [_facing(a, b, slice(first, first + step), reach) for first in range(0, a.count, step)]
    return _Pieces(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in _Pieces.__annotations__})


def _facing(a: Walls, b: Walls, part: slice, reach: float) -> _Pieces:
    """Pieces of some of the walls of the first."""
    along_a, along_b = _unit(a), _unit(b)
    i, j = np.nonzero(along_a[part] @ along_b.T < TILT)
    i = i + part.start
    d = along_a[i] - along_b[j]
    d /= np.hypot(d[:, 0], d[:, 1])[:, None]
    n = np.column_stack([-d[:, 1], d[:, 0]])  # silicon of the first is to the right: this leads away from it
    za, ta = _along(a.end[i] - a.start[i], d, n)
    z0, t0 = _along(b.end[j] - a.start[i], d, n)
    z1, t1 = _along(b.start[j] - a.start[i], d, n)
    low, high = np.maximum(0.0, z0), np.minimum(za, z1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap_low = t0 + (t1 - t0) * (low - z0) / (z1 - z0) - ta * low / za
        gap_high = t0 + (t1 - t0) * (high - z0) / (z1 - z0) - ta * high / za
    near = (np.minimum(gap_low, gap_high) < reach) & (np.maximum(gap_low, gap_high) > 0)
    kept = np.flatnonzero((high - low > 1e-9) & near)
    counts = np.maximum(1, np.ceil(np.abs(gap_high - gap_low)[kept] / GAP_STEP_UM).astype(np.int64))
    of = np.repeat(kept, counts)
    order = np.arange(of.size) - np.repeat(np.cumsum(counts) - counts, counts)
    share = np.repeat(1.0 / counts, counts)
    begin, end = order * share, (order + 1) * share
    rise, length = (gap_high - gap_low)[of], (high - low)[of]
    gap0, gap1 = gap_low[of] + rise * begin, gap_low[of] + rise * end
    z = low[of] + length * (begin + end) / 2
    slope = (ta / za)[of]
    middle = a.start[i[of]] + z[:, None] * d[of] + (slope * z + (gap0 + gap1) / 4)[:, None] * n[of]
    s = a.s[i[of]] + z * np.sqrt(1 + slope**2)
    good = (gap0 > 0) & (gap1 > 0) & (np.minimum(gap0, gap1) < reach)
    return _Pieces(i[of][good], j[of][good], gap0[good], gap1[good], (length * share)[good], middle[good], s[good])


def _unit(walls: Walls) -> Real:
    along = walls.end - walls.start
    return along / np.hypot(along[:, 0], along[:, 1])[:, None]


def _along(vector: Real, d: Real, n: Real) -> tuple[Real, Real]:
    return np.einsum("ij,ij->i", vector, d), np.einsum("ij,ij->i", vector, n)


def _runs(
    a: Walls, b: Walls, slabs: tuple[tuple[Real, ...], ...], wl: tuple[float, ...], reach: float, level_dB: float
) -> list[LocalRun]:
    if not a.count or not b.count:
        return []
    pieces = _pieces(a, b, reach)
    if not pieces.i.size:
        return []
    slab = np.zeros(pieces.i.size, np.bool_)
    for start, end in slabs:
        slab |= inside(pieces.middle, start, end)
    width_a, width_b = taken_width(a.width[pieces.i]), taken_width(b.width[pieces.j])
    kappa = np.zeros((pieces.i.size, len(wl)), np.complex128)
    advance = np.zeros((pieces.i.size, len(wl)))
    keys = np.column_stack([slab, width_a, width_b])
    for key in np.unique(keys, axis=0):
        chosen = (keys == key).all(axis=1)
        section = "rib" if key[0] else "strip"
        wa, wb = float(key[1]), float(key[2])
        k0 = log_kappa(pieces.gap0[chosen], section, wa, wb, wl)
        k1 = log_kappa(pieces.gap1[chosen], section, wa, wb, wl)
        length = pieces.length[chosen, None]
        advance[chosen] = mismatch(section, wa, wb, wl) * length
        kappa[chosen] = np.exp(k0) * length * _mean_of_exponential(k1 - k0 + 1j * advance[chosen])
    runs: list[LocalRun] = []
    group = np.column_stack([a.outline[pieces.i], b.outline[pieces.j]])
    for pair in np.unique(group, axis=0):
        for chosen in _stretches(np.flatnonzero((group == pair).all(axis=1)), pieces.s, float(a.around[0])):
            phase = np.cumsum(advance[chosen], axis=0) - advance[chosen]
            total = (kappa[chosen] * np.exp(1j * phase)).sum(axis=0)
            if np.abs(total).max() < 10 ** (level_dB / 20):
                continue
            runs.append(_run(a, b, pieces, chosen, kappa, slab, total))
    return runs


def _mean_of_exponential(x: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """`(exp(x) - 1) / x`, the mean of `exp` from 0 to x."""
    small = np.abs(x) < 1e-4
    safe = np.where(small, 1.0, x)
    return np.where(small, 1 + x / 2 + x**2 / 6, (np.exp(safe) - 1) / safe)


def _stretches(members: NDArray[np.int64], s: Real, around: float) -> list[NDArray[np.int64]]:
    """Pieces in the order of the outline, apart where it leads away for `APART_UM` in between."""
    order = members[np.argsort(s[members], kind="stable")]
    at = s[order]
    to_next = np.append(at[1:] - at[:-1], at[0] + around - at[-1])
    cut = np.flatnonzero(to_next > APART_UM)
    if not cut.size:
        return [order]
    turned = np.roll(order, -(int(cut[-1]) + 1))
    bounds = np.cumsum(np.diff(np.append(cut[-1] - order.size, cut)))
    return [part for part in np.split(turned, bounds) if part.size]


def _run(
    a: Walls,
    b: Walls,
    pieces: _Pieces,
    chosen: NDArray[np.int64],
    kappa: NDArray[np.complex128],
    slab: NDArray[np.bool_],
    total: NDArray[np.complex128],
) -> LocalRun:
    """The run made of some pieces; its place is the middle of what couples."""
    weight = np.abs(kappa[chosen]).max(axis=1)
    share = np.cumsum(weight) / weight.sum()
    at = int(np.searchsorted(share, 0.5))
    heart = chosen[min(at, chosen.size - 1)]
    gap = np.minimum(pieces.gap0[chosen], pieces.gap1[chosen])
    closest = chosen[int(np.argmin(gap))]
    per_length = weight / pieces.length[chosen]
    x, y = (weight @ pieces.middle[chosen]) / weight.sum()
    i, j = int(pieces.i[heart]), int(pieces.j[heart])
    middle = pieces.middle[heart]
    end_a = End(_name(a, a.ahead[i]), _name(a, a.behind[i]), _fraction(a, i, middle), float(a.width[pieces.i[closest]]))
    # the silicon of both lies on the right of its walls, so that the outline of the second leads the other way
    end_b = End(
        _name(b, b.behind[j]), _name(b, b.ahead[j]), 1 - _fraction(b, j, middle), float(b.width[pieces.j[closest]])
    )
    return LocalRun(
        x=float(x),
        y=float(y),
        gap=float(gap.min()),
        length=float(weight.sum() / per_length.max()),
        cross_section="rib" if slab[closest] else "strip",
        kappa=total,
        a=end_a,
        b=end_b,
    )


def _fraction(walls: Walls, wall: int, point: Real) -> float:
    """Share of the way between two ports that lies behind a point beside a wall."""
    along = walls.end[wall] - walls.start[wall]
    past = float((point - walls.start[wall]) @ along) / float(np.hypot(*along))
    return min(1.0, float(walls.fraction[wall]) + past / float(walls.way[wall]))


def _name(walls: Walls, port: int) -> str:
    return walls.ports[port].name if port >= 0 else ""


def inside(points: Real, start: Real, end: Real) -> NDArray[np.bool_]:
    """Which points, shape (n, 2), lie inside the outlines made of edges from `start` to `end`, shape (E, 2)."""
    if not len(start):
        return np.zeros(len(points), np.bool_)
    x, y = points[:, 0, None], points[:, 1, None]
    low = np.minimum(start[:, 1], end[:, 1])
    high = np.maximum(start[:, 1], end[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = start[:, 0] + (y - start[:, 1]) * (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    crossed = (y >= low) & (y < high) & (x < at)
    return crossed.sum(axis=1) % 2 == 1
