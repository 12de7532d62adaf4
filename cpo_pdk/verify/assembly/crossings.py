"""Where the centre lines of fibres cross, and where ribbons of different engines come close.

Fibres run side by side for most of their way, and comparing every stretch with every other would take as long as the
square of their number. Here the lines are cut into short stretches, sorted into the squares of a grid, and only what
shares a square is compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cpo_pdk.verify.assembly.fibre_paths import LINE_ERROR, Fibre
from cpo_pdk.verify.assembly.placed import Numbers, Points

#: side of a square of the grid, um
SQUARE = 1_000.0
#: stretches of fibre at most: longer ones are cut less finely
MOST_STRETCHES = 2_000_000
#: stretches in one square at most: a ribbon of thin fibre has some tens
MOST_IN_SQUARE = 2_000
#: pairs of stretches that are compared at one time
_AT_ONCE = 2_000_000
#: share of a stretch by which rounding may move its ends
_ROUNDING = 1e-9
#: two crossings of the same fibres this close are one, um
_SAME = 10.0


@dataclass(frozen=True)
class Crossing:
    """Two fibres (by number) that cross: where (um) and at which angle, up to 90 degrees."""

    a: int
    b: int
    x: float
    y: float
    angle: float


@dataclass(frozen=True)
class Near:
    """Two engines (by number) whose fibres come close: how close, cladding to cladding, and where (um)."""

    first: int
    second: int
    distance: float
    x: float
    y: float


@dataclass(frozen=True)
class _Stretches:
    """Straight stretches of fibres: from `a` to `b`, of fibre `owner`, none longer than `longest`, um."""

    a: Points
    b: Points
    owner: Numbers
    longest: float

    @staticmethod
    def of(fibres: Sequence[Fibre], longest: float) -> _Stretches:
        a = np.concatenate([fibre.line[:-1] for fibre in fibres])
        b = np.concatenate([fibre.line[1:] for fibre in fibres])
        owner = np.repeat(np.arange(len(fibres)), [len(fibre.line) - 1 for fibre in fibres])
        length = np.hypot(*(b - a).T)
        longest = max(longest, float(length.sum()) / MOST_STRETCHES)
        parts = np.maximum(1, np.ceil(length / longest)).astype(np.int64)
        which = np.repeat(np.arange(len(a)), parts)
        number = np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)
        step = ((b - a) / parts[:, None])[which]
        begin = a[which] + step * number[:, None]
        return _Stretches(begin, begin + step, owner[which], longest)


class Crowded(Exception):
    """More fibres in one place than can be compared: how many, and where (um)."""

    def __init__(self, count: int, x: float, y: float) -> None:
        super().__init__(f"{count} stretches of fibre")
        self.count, self.x, self.y = count, x, y


def find_crossings(fibres: Sequence[Fibre]) -> list[Crossing]:
    """Where the centre lines of different fibres cross, each place once.

    Raises:
        Crowded: they are too many for one place.
    """
    if len(fibres) < 2:
        return []
    lines = _Stretches.of(fibres, SQUARE)
    found: dict[tuple[int, int, int, int], Crossing] = {}
    for first, second in _sharing_a_square(lines):
        for crossing in _crossing(lines, first, second):
            place = (crossing.a, crossing.b, round(crossing.x / _SAME), round(crossing.y / _SAME))
            around = ((place[0], place[1], place[2] + i, place[3] + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
            if not any(key in found for key in around):
                found[place] = crossing
    return sorted(found.values(), key=lambda c: (c.a, c.b, c.x, c.y))


def _squares(lines: _Stretches, side: float) -> tuple[Numbers, Numbers]:
    """Squares that the boxes of the stretches touch, as one number each, and the stretch of each; sorted by square."""
    low = np.floor(np.minimum(lines.a, lines.b) / side).astype(np.int64)
    high = np.floor(np.maximum(lines.a, lines.b) / side).astype(np.int64)
    span = high - low + 1
    count = span[:, 0] * span[:, 1]
    which = np.repeat(np.arange(len(count)), count)
    k = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    x, y = low[which, 0] + k // span[which, 1], low[which, 1] + k % span[which, 1]
    key = (x << 32) + y
    order = np.argsort(key, kind="stable")
    return key[order], which[order]


def _sharing_a_square(lines: _Stretches) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of stretches of different fibres that touch the same square, in portions."""
    key, which = _squares(lines, max(SQUARE, lines.longest))
    _refuse_crowds(key, lines.a[which])
    # a stretch is paired with those that follow it in its square: shift by shift until no square is that full
    shift, pending = 1, []
    amount = 0
    same = np.arange(len(key))
    while True:
        same = same[same < len(key) - shift]
        same = same[key[same + shift] == key[same]]
        if not len(same):
            break
        a, b = which[same], which[same + shift]
        different = lines.owner[a] != lines.owner[b]
        a, b = a[different], b[different]
        near = np.all(
            (np.minimum(lines.a[a], lines.b[a]) <= np.maximum(lines.a[b], lines.b[b]))
            & (np.minimum(lines.a[b], lines.b[b]) <= np.maximum(lines.a[a], lines.b[a])),
            axis=1,
        )
        pending.append((a[near], b[near]))
        amount += int(near.sum())
        if amount > _AT_ONCE:
            yield np.concatenate([p[0] for p in pending]), np.concatenate([p[1] for p in pending])
            pending, amount = [], 0
        shift += 1
    if pending:
        yield np.concatenate([p[0] for p in pending]), np.concatenate([p[1] for p in pending])


def _refuse_crowds(key: Numbers, places: Points) -> None:
    """Raise `Crowded` where one square holds more than can be compared."""
    edges = np.flatnonzero(np.diff(key)) + 1
    begins = np.concatenate([[0], edges])
    counts = np.diff(np.concatenate([begins, [len(key)]]))
    fullest = int(np.argmax(counts))
    if counts[fullest] > MOST_IN_SQUARE:
        x, y = places[begins[fullest]]
        raise Crowded(int(counts[fullest]), float(x), float(y))


def _cross(u: Points, v: Points) -> Points:
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def _crossing(lines: _Stretches, first: Numbers, second: Numbers) -> Iterator[Crossing]:
    """Those of the pairs whose stretches have a point in common."""
    p, r = lines.a[first], lines.b[first] - lines.a[first]
    q, s = lines.a[second], lines.b[second] - lines.a[second]
    area = _cross(r, s)
    with np.errstate(divide="ignore", invalid="ignore"):
        t, u = _cross(q - p, s) / area, _cross(q - p, r) / area
    # two that cross where both are cut must not slip through between the stretches
    low, high = -_ROUNDING, 1.0 + _ROUNDING
    hit = np.flatnonzero((t >= low) & (t <= high) & (u >= low) & (u <= high))
    for k in hit:
        x, y = p[k] + t[k] * r[k]
        angle = abs(math.degrees(math.atan2(float(area[k]), float(r[k] @ s[k]))))
        a, b = sorted((int(lines.owner[first[k]]), int(lines.owner[second[k]])))
        yield Crossing(a, b, float(x), float(y), min(angle, 180.0 - angle))


def ribbon_distances(fibres: Sequence[Fibre], owners: Sequence[int], limit: float) -> list[Near]:
    """Pairs of ribbons that come closer than a limit, each pair once, at its closest.

    Args:
        fibres: all of them.
        owners: number of the engine of each; below 0: of none.
        limit: cladding to cladding, um. Bends are followed within `LINE_ERROR`, so that two that are closer by less
            than twice that are not told.

    Raises:
        Crowded: they are too many for one place.
    """
    chosen = [k for k, owner in enumerate(owners) if owner >= 0]
    if len({owners[k] for k in chosen}) < 2:
        return []
    reach = limit + max(fibres[k].width for k in chosen)
    side = max(SQUARE, reach)
    lines = _Stretches.of([fibres[k] for k in chosen], side)
    ribbon = np.array([owners[k] for k in chosen])[lines.owner]
    radius = np.array([fibres[k].width / 2 for k in chosen])[lines.owner]
    key, which = _squares(lines, max(side, lines.longest))
    # which ribbons are in which square: few, however many fibres
    engines = int(ribbon.max()) + 1
    present = np.unique(key * engines + ribbon[which])
    squares, there_is = present // engines, present % engines
    best: dict[tuple[int, int], Near] = {}
    for dx, dy in ((0, 0), (0, 1), (1, -1), (1, 0), (1, 1)):
        here, there = _neighbours(squares, squares + (dx << 32) + dy)
        foreign = there_is[here] < there_is[there] if dx == dy == 0 else there_is[here] != there_is[there]
        for i, j in zip(here[foreign].tolist(), there[foreign].tolist(), strict=True):
            a = _members(key, which, ribbon, int(squares[i]), int(there_is[i]))
            b = _members(key, which, ribbon, int(squares[j]), int(there_is[j]))
            if max(len(a), len(b)) > MOST_IN_SQUARE:
                raise Crowded(max(len(a), len(b)), *(float(v) for v in lines.a[a[0]]))
            near = _closest(lines, radius, a, b, ribbon)
            if near.distance < limit - 2 * LINE_ERROR:
                known = best.get((near.first, near.second))
                if known is None or near.distance < known.distance:
                    best[near.first, near.second] = near
    return [best[pair] for pair in sorted(best)]


def _neighbours(keys: Numbers, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """All indices i and j with `keys[j] == wanted[i]`; `keys` is sorted."""
    low, high = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    count = high - low
    i = np.repeat(np.arange(len(wanted)), count)
    return i, np.repeat(low, count) + np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)


def _members(key: Numbers, which: Numbers, ribbon: Numbers, square: int, engine: int) -> Numbers:
    """The stretches of an engine's fibres in a square."""
    low, high = np.searchsorted(key, square, "left"), np.searchsorted(key, square, "right")
    inside = which[low:high]
    return inside[ribbon[inside] == engine]


def _closest(lines: _Stretches, radius: Points, a: Numbers, b: Numbers, ribbon: Numbers) -> Near:
    """The closest two of two groups of stretches, cladding to cladding."""
    i, j = (grid.ravel() for grid in np.meshgrid(a, b, indexing="ij"))
    candidates = [
        (_to_stretch(lines.a[i], lines.a[j], lines.b[j]), lines.a[i]),
        (_to_stretch(lines.b[i], lines.a[j], lines.b[j]), lines.b[i]),
        (_to_stretch(lines.a[j], lines.a[i], lines.b[i]), lines.a[j]),
        (_to_stretch(lines.b[j], lines.a[i], lines.b[i]), lines.b[j]),
    ]
    apart = np.stack([distance for distance, _ in candidates])
    where, k = np.unravel_index(int(np.argmin(apart)), apart.shape)
    x, y = candidates[int(where)][1][k]
    distance = max(0.0, float(apart[where, k] - radius[i[k]] - radius[j[k]]))
    first, second = sorted((int(ribbon[i[k]]), int(ribbon[j[k]])))
    return Near(first, second, distance, float(x), float(y))


def _to_stretch(point: Points, a: Points, b: Points) -> Points:
    """Distance of points from stretches."""
    d = b - a
    length = np.maximum((d * d).sum(axis=1), 1e-12)
    t = np.clip(((point - a) * d).sum(axis=1) / length, 0.0, 1.0)[:, None]
    return np.hypot(*(point - a - t * d).T)
