"""Levels of subset simulation: a population of samples that walks down to where something fails."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

SHARE = 0.1
"""Share of a level's samples that are within the next one."""

_ACCEPTED = 0.44  # share of steps that a chain should take: best for one dimension (Papaioannou et al. 2015)


class Population(Protocol):
    """Samples of independent standard normal numbers, however they are kept."""

    def __len__(self) -> int: ...

    def some(self, rows: NDArray[np.integer]) -> Self:
        """These samples."""
        ...

    def moved(self, step: float) -> Self:
        """Each sample `sqrt(1 - step^2) z + step x`, with new standard normal numbers x."""
        ...

    def where(self, taken: NDArray[np.bool_], others: Self) -> Self:
        """The others where taken, the own elsewhere; shape (n,)."""
        ...

    def joined(self, others: Sequence[Self]) -> Self:
        """These samples and then those of the others."""
        ...


@dataclass(frozen=True)
class Points:
    """A population as plain numbers, shape (n, d)."""

    z: Real
    draw: np.random.Generator

    def __len__(self) -> int:
        return len(self.z)

    def some(self, rows: NDArray[np.integer]) -> Points:
        return Points(self.z[rows], self.draw)

    def moved(self, step: float) -> Points:
        return Points(np.sqrt(1 - step**2) * self.z + step * self.draw.standard_normal(self.z.shape), self.draw)

    def where(self, taken: NDArray[np.bool_], others: Points) -> Points:
        return Points(np.where(taken[:, None], others.z, self.z), self.draw)

    def joined(self, others: Sequence[Points]) -> Points:
        return Points(np.concatenate([self.z, *(other.z for other in others)]), self.draw)


@dataclass(frozen=True)
class Descent[P: Population]:
    """One run.

    Attributes:
        chance: of failure.
        calls: of the limit state, in samples.
        levels: that it took.
        failed: samples that failed; none: the failures were not reached.
        values: limit state of them.
    """

    chance: float
    calls: int
    levels: int
    failed: P
    values: Real


def descend[P: Population](start: P, limit_state: Callable[[P], Real], most_levels: int) -> Descent[P]:
    """Walk down level by level; see `rare.subset_simulation` for method and source.

    Args:
        start: independent samples.
        limit_state: of a population, shape (n,); failed at or below 0.
        most_levels: after which it gives up.
    """
    return descend_together(
        [start], lambda populations: [limit_state(population) for population in populations], most_levels
    )[0]


def descend_together[P: Population](
    starts: Sequence[P], limit_state: Callable[[list[P]], list[Real]], most_levels: int
) -> list[Descent[P]]:
    """Independent runs that wait for one another, so that the limit state is asked of many samples at once.

    Args:
        starts: independent samples of each run.
        limit_state: of populations of several runs.
        most_levels: after which a run gives up.
    """
    runs = [_descending(start, most_levels) for start in starts]
    asked = {number: next(run) for number, run in enumerate(runs)}
    ended: dict[int, Descent[P]] = {}
    while asked:
        values = limit_state(list(asked.values()))
        for number, g in zip(tuple(asked), values, strict=True):
            try:
                asked[number] = runs[number].send(g)
            except StopIteration as end:
                ended[number] = end.value
                del asked[number]
    return [ended[number] for number in range(len(runs))]


def _descending[P: Population](start: P, most_levels: int) -> Generator[P, Real, Descent[P]]:
    """One run: gives populations, is sent their limit states."""
    population, g = start, (yield start)
    samples = len(start)
    kept = max(1, round(samples * SHARE))
    chance, calls, width, level = 1.0, samples, 1.0, 1
    while level < most_levels:
        order = np.argsort(g, kind="stable")
        border = float(g[order[kept - 1]])
        if border <= 0:
            break
        if border == float(g[order[-1]]):
            return Descent(0.0, calls, level, population.some(np.empty(0, np.int64)), np.empty(0))  # flat: no way down
        chance *= float(np.mean(g <= border))
        seeds = order[:kept]
        population, g, width = yield from _chains(population.some(seeds), g[seeds], border, samples, width)
        calls += samples - kept
        level += 1
    rows = np.flatnonzero(g <= 0)
    return Descent(chance * len(rows) / samples, calls, level, population.some(rows), g[rows])


def _chains[P: Population](
    population: P, g: Real, border: float, samples: int, width: float
) -> Generator[P, Real, tuple[P, Real, float]]:
    """Samples within a level, from chains that all step at once."""
    states, values = [population], [g]
    turn = 0
    while len(population) * (turn + 1) < samples:
        candidate = population.moved(min(width, 1.0))
        new = yield candidate
        taken = new <= border
        population = population.where(taken, candidate)
        g = np.where(taken, new, g)
        turn += 1
        width = float(np.exp(np.log(width) + (np.mean(taken) - _ACCEPTED) / np.sqrt(turn)))
        width = min(max(width, 0.01), 1.0)
        states.append(population)
        values.append(g)
    whole = states[0].joined(states[1:])
    return whole.some(np.arange(samples)), np.concatenate(values)[:samples], width
