"""Which serial link of the ASIC goes to which lane of which engine: the longest trace as short as it can be.

The links of a side serve the engines in use there, transmit and receive apart. Of all assignments those are taken whose
longest trace is shortest (bottleneck assignment: bisection over the lengths, with a bipartite matching at each step;
Burkard, Dell'Amico and Martello, Assignment Problems, SIAM 2009, chapter 6), and of these the one with the smallest sum
of squares. The length of a trace is |dx| + |dy| from bump to bump.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import EnginePlace
from cpo_pdk.spec.serdes import DIRECTIONS, SerdesLane, serdes_lanes

#: name (`tx_3/5`: transmit fibre 3, channel 5), x and y in um in the engine's own coordinates
LaneBump = Sequence[str | float]

_EXACT = 512  # links of one side and direction up to which the sum of squares is proven to be the smallest


@dataclass(frozen=True)
class Airwire:
    """One link with the engine lane that it serves; not a routed trace, its two ends.

    Attributes:
        lane: link of the ASIC.
        engine: name of the engine, `N1`.
        port: lane of the engine, `tx_3/5`.
        end: bump on the engine, um from the package's centre.
    """

    lane: SerdesLane
    engine: str
    port: str
    end: tuple[float, float]

    @property
    def start(self) -> tuple[float, float]:
        """Bump on the ASIC, um from the package's centre."""
        return self.lane.x, self.lane.y

    @property
    def length(self) -> float:
        """Length of the trace, |dx| + |dy|, um."""
        return round(abs(self.end[0] - self.lane.x) + abs(self.end[1] - self.lane.y), 3)


def placed_bump(place: EnginePlace, size: tuple[float, float], x: float, y: float) -> tuple[float, float]:
    """Where a point of an engine lies in the package, um.

    Args:
        place: of the engine.
        size: length (towards the facet) and width of the engine in um.
        x: in the engine's own coordinates (lower left corner at the origin, facet in the east), um.
        y: as `x`.
    """
    cos, sin = place.outward
    left, bottom = place.corner(size)
    return round(left + cos * x - sin * y, 3), round(bottom + sin * x + cos * y, 3)


def assign_lanes(
    spec: PackageSpec, places: Iterable[EnginePlace], size: tuple[float, float], bumps: Sequence[LaneBump]
) -> tuple[Airwire, ...]:
    """Serve every lane of every engine in use with a link of its side.

    Args:
        spec: the package.
        places: of all engines.
        size: length (towards the facet) and width of the engine in um.
        bumps: of the engine's lanes.

    Returns:
        In the order of the links.

    Raises:
        SpecError: the ASIC's shoreline has too few bumps.
    """
    active, links = [place for place in places if not place.spare], serdes_lanes(spec)
    found: dict[str, Airwire] = {}
    for side in SIDES:
        for direction in DIRECTIONS:
            here = [link for link in links if link.side == side and link.direction == direction]
            ends = [
                (place.name, str(name), placed_bump(place, size, float(x), float(y)))
                for place in active
                if place.side == side
                for name, x, y in bumps
                if str(name).startswith(direction)
            ]
            chosen = shortest_longest(lengths([(e.x, e.y) for e in here], [end for _, _, end in ends]))
            for link, k in zip(here, chosen, strict=True):
                engine, port, end = ends[k]
                found[link.name] = Airwire(link, engine, port, end)
    return tuple(found[link.name] for link in links)


def lengths(starts: Sequence[tuple[float, float]], ends: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """|dx| + |dy| from each start (row) to each end (column), um, shape (S, E).

    Args:
        starts: points in um.
        ends: points in um.
    """
    a, b = np.reshape(starts, (-1, 1, 2)), np.reshape(ends, (1, -1, 2))
    return np.round(np.abs(a - b).sum(axis=-1), 3)


def shortest_longest(cost: NDArray[np.float64]) -> list[int]:
    """Assign each row a column of its own: the largest cost taken is the smallest possible, then the sum of squares.

    Above `_EXACT` rows the sum of squares is only made smaller, among neighbouring rows, not proven to be the smallest:
    the proof takes a time that grows with the cube.

    Args:
        cost: what row i with column j costs, shape (N, M), N at most M.

    Raises:
        ValueError: there are more rows than columns.
    """
    rows, columns = cost.shape
    if rows > columns:
        raise ValueError(f"{rows} rows for {columns} columns; each row takes one of its own")
    if rows == 0:
        return []
    steps = np.unique(cost)
    # no row can do with less than its smallest cost
    low, high = int(np.searchsorted(steps, cost.min(axis=1).max())), len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        full = bool((_matched(cost, float(steps[middle])) >= 0).all())
        low, high = (low, middle) if full else (middle + 1, high)
    limit = float(steps[low])
    if rows <= _EXACT:
        return [int(k) for k in _least_squares(cost, limit)]
    chosen = _matched(cost, limit)
    for start in (0, -_EXACT // 2, 0):
        for first in range(start, rows, _EXACT):
            window = np.arange(max(first, 0), min(first + _EXACT, rows))
            mine = chosen[window]
            chosen[window] = mine[_least_squares(cost[np.ix_(window, mine)], limit)]
    return [int(k) for k in chosen]


def _matched(cost: NDArray[np.float64], limit: float) -> NDArray[np.int64]:
    """A column for each row that costs no more than a limit; -1 for rows that get none.

    As an assignment with costs of 0 and 1: Hopcroft and Karp's matching needs hundreds of times as long for links and
    bumps that lie in straight rows.
    """
    over = (cost > limit).astype(np.float64)
    rows, columns = linear_sum_assignment(over)
    return np.where(over[rows, columns] > 0, -1, columns)


def _least_squares(cost: NDArray[np.float64], limit: float) -> NDArray[np.int64]:
    """Columns with the smallest sum of squared costs, none above a limit."""
    dear = len(cost) * (limit**2 + 1.0) * 2
    return np.asarray(linear_sum_assignment(np.where(cost <= limit, cost**2, dear))[1], dtype=np.int64)
