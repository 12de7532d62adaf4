"""Where the centre lines of fibres cross, and where ribbons of different engines come close.

Fibres run side by side for most of their way, and comparing every stretch with every other would take as long as the
square of their number. Here the lines are cut into short stretches, sorted into the squares of a grid, and only what
shares a square is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

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
class Crossings:
    """Where fibres cross, each place once, sorted by `a`, `b`, `x`, `y`.

    Attributes:
        a, b: numbers of the two fibres, the lower one first; shape (N,).
        x, y: where, um.
        angle: between them, up to 90 degrees.
    """

    a: Numbers
    b: Numbers
    x: Points
    y: Points
    angle: Points

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, k: int) -> Crossing:
        return Crossing(int(self.a[k]), int(self.b[k]), float(self.x[k]), float(self.y[k]), float(self.angle[k]))

    def of(self, chosen: NDArray[np.bool_]) -> Crossings:
        """Some of them."""
        return Crossings(self.a[chosen], self.b[chosen], self.x[chosen], self.y[chosen], self.angle[chosen])


@dataclass(frozen=True)
class Near:
    """Two engines (by number) whose fibres come close: how close, cladding to cladding, where (um), on which layer."""

    first: int
    second: int
    distance: float
    x: float
    y: float
    layer: str = ""


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


def find_crossings(fibres: Sequence[Fibre], planes: Sequence[int] = (), owners: Sequence[int] = ()) -> Crossings:
    """Where the centre lines of different fibres cross, each place once.

    Args:
        fibres: all of them.
        planes: number of the layer that each lies in; default: all in one.
        owners: number of the engine of each, below 0: of none. Fibres of one engine in different planes are passed
            over: they are sorted into its ribbons above one another. Default: all of none.

    Raises:
        Crowded: they are too many for one place.
    """
    if len(fibres) < 2:
        return _joined([])
    lines = _Stretches.of(fibres, SQUARE)
    plane = np.array(planes or [0] * len(fibres))[lines.owner]
    owner = np.array(owners or [-1] * len(fibres))[lines.owner]
    found = [
        _crossing(lines, first, second) for first, second in _sharing_a_square(lines, _Who(lines.owner, plane, owner))
    ]
    return _joined(found)


@dataclass(frozen=True)
class _Who:
    """Fibre, plane and engine of each stretch."""

    fibre: Numbers
    plane: Numbers
    engine: Numbers

    def concern(self, a: Numbers, b: Numbers) -> NDArray[np.bool_]:
        """True for pairs of stretches that are compared."""
        foreign = (self.engine[a] != self.engine[b]) | (self.engine[a] < 0)
        return (self.fibre[a] != self.fibre[b]) & ((self.plane[a] == self.plane[b]) | foreign)


def _joined(parts: list[Crossings]) -> Crossings:
    """All of them sorted, those that were found twice once."""
    none, nowhere = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
    a, b = (np.concatenate([none, *(getattr(part, name) for part in parts)]) for name in ("a", "b"))
    x, y, angle = (np.concatenate([nowhere, *(getattr(part, n) for part in parts)]) for n in ("x", "y", "angle"))
    order = np.lexsort((y, x, b, a))
    found = Crossings(a[order], b[order], x[order], y[order], angle[order])
    again = (np.diff(found.a) == 0) & (np.diff(found.b) == 0)
    again &= (np.abs(np.diff(found.x)) < _SAME) & (np.abs(np.diff(found.y)) < _SAME)
    return found.of(np.concatenate([np.ones(min(1, len(a)), dtype=bool), ~again]))


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


def _sharing_a_square(lines: _Stretches, who: _Who) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of stretches that are to be compared and touch the same square, in portions."""
    key, which = _squares(lines, max(SQUARE, lines.longest))
    _refuse_crowds(key, lines.a[which])
    left, low = np.minimum(lines.a, lines.b).T.copy()
    right, high = np.maximum(lines.a, lines.b).T.copy()
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
        near = (left[a] <= right[b]) & (left[b] <= right[a]) & (low[a] <= high[b]) & (low[b] <= high[a])
        a, b = a[near], b[near]
        concern = who.concern(a, b)
        pending.append((a[concern], b[concern]))
        amount += int(concern.sum())
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


def _crossing(lines: _Stretches, first: Numbers, second: Numbers) -> Crossings:
    """Those of the pairs whose stretches have a point in common."""
    p, r = lines.a[first], lines.b[first] - lines.a[first]
    q, s = lines.a[second], lines.b[second] - lines.a[second]
    area = _cross(r, s)
    with np.errstate(divide="ignore", invalid="ignore"):
        t, u = _cross(q - p, s) / area, _cross(q - p, r) / area
    # two that cross where both are cut must not slip through between the stretches
    low, high = -_ROUNDING, 1.0 + _ROUNDING
    hit = np.flatnonzero((t >= low) & (t <= high) & (u >= low) & (u <= high))
    place = p[hit] + t[hit, None] * r[hit]
    angle = np.abs(np.degrees(np.arctan2(area[hit], (r[hit] * s[hit]).sum(axis=1))))
    one, other = lines.owner[first[hit]], lines.owner[second[hit]]
    return Crossings(
        np.minimum(one, other), np.maximum(one, other), place[:, 0], place[:, 1], np.minimum(angle, 180.0 - angle)
    )


def ribbon_distances(
    fibres: Sequence[Fibre], owners: Sequence[int], limit: float, planes: Sequence[int] = (), ends: Sequence[int] = ()
) -> list[Near]:
    """Pairs of ribbons that come closer than a limit, each pair once, at its closest.

    Args:
        fibres: all of them.
        owners: number of the engine of each; below 0: of none.
        limit: cladding to cladding, um. Bends are followed within `LINE_ERROR`, so that two that are closer by less
            than twice that are not told.
        planes: number of the layer that each lies in; only those of one are compared. Default: all in one.
        ends: number of the connector of each; those of one connector make one ribbon on their way to it and are not
            compared. Below 0: of none; default: all of none.

    Raises:
        Crowded: they are too many for one place.
    """
    chosen = [k for k, owner in enumerate(owners) if owner >= 0]
    if len({owners[k] for k in chosen}) < 2:
        return []
    reach = limit + max(fibres[k].width for k in chosen)
    side = max(SQUARE, reach)
    lines = _Stretches.of([fibres[k] for k in chosen], side)
    kinds = np.array([(owners[k], planes[k] if planes else 0, ends[k] if ends else -1) for k in chosen])
    groups, group_of = np.unique(kinds, axis=0, return_inverse=True)
    ribbon = group_of.reshape(-1)[lines.owner]
    radius = np.array([fibres[k].width / 2 for k in chosen])[lines.owner]
    key, which = _squares(lines, max(side, lines.longest))
    # which ribbons are in which square: few, however many fibres
    mixed = key * len(groups) + ribbon[which]
    present = np.unique(mixed)
    squares, there_is = present // len(groups), present % len(groups)
    order = np.argsort(mixed, kind="stable")
    which = which[order]
    begin, end = (np.searchsorted(mixed[order], present, which_side) for which_side in ("left", "right"))
    half = radius[which][:, None]
    low = np.minimum.reduceat(np.minimum(lines.a, lines.b)[which] - half, begin)
    high = np.maximum.reduceat(np.maximum(lines.a, lines.b)[which] + half, begin)
    engine = groups[ribbon, 0]
    layer_of = [fibres[k].layer for k in chosen]
    best: dict[tuple[int, int], Near] = {}
    for dx, dy in ((0, 0), (0, 1), (1, -1), (1, 0), (1, 1)):
        here, there = _neighbours(squares, squares + (dx << 32) + dy)
        a, b = groups[there_is[here]], groups[there_is[there]]
        foreign = (a[:, 0] != b[:, 0]) & (a[:, 1] == b[:, 1]) & ((a[:, 2] != b[:, 2]) | (a[:, 2] < 0))
        if dx == dy == 0:
            foreign &= there_is[here] < there_is[there]
        # most are as far apart as their boxes: side by side in a trunk
        apart = np.maximum(np.maximum(low[here] - high[there], low[there] - high[here]), 0.0)
        foreign &= np.hypot(apart[:, 0], apart[:, 1]) < limit - 2 * LINE_ERROR
        for i, j in zip(here[foreign].tolist(), there[foreign].tolist(), strict=True):
            one, other = which[begin[i] : end[i]], which[begin[j] : end[j]]
            if max(len(one), len(other)) > MOST_IN_SQUARE:
                raise Crowded(max(len(one), len(other)), *(float(v) for v in lines.a[one[0]]))
            near = _closest(lines, radius, one, other, engine)
            if near.distance < limit - 2 * LINE_ERROR:
                known = best.get((near.first, near.second))
                if known is None or near.distance < known.distance:
                    best[near.first, near.second] = replace(near, layer=layer_of[int(lines.owner[one[0]])])
    return [best[pair] for pair in sorted(best)]


def _neighbours(keys: Numbers, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """All indices i and j with `keys[j] == wanted[i]`; `keys` is sorted."""
    low, high = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    count = high - low
    i = np.repeat(np.arange(len(wanted)), count)
    return i, np.repeat(low, count) + np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)


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
