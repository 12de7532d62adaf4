"""Rare failures of the whole model: subset simulation over the very streams that packages are drawn from.

A package has some thousand random numbers, all standard normal ones keyed by seed, cause, sample and device. A step of
a Markov chain mixes them with those of a new seed, `sqrt(1 - s^2) z + s x`, so a chain is known by the seeds of its
steps and their weights: no number is kept, and nothing in the model changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.errors import InputError
from cpo_pdk.variation.samples import Draw, Step
from cpo_pdk.yields.intervals import CONFIDENCE
from cpo_pdk.yields.rare import of_runs
from cpo_pdk.yields.rare_levels import SHARE, Descent, descend_together
from cpo_pdk.yields.results import Interval

Real = NDArray[np.float64]
Evaluate = Callable[[Draw], NDArray[np.floating]]
"""Samples of a draw -> limit state, shape (S,): failed at or below 0; the least margin of a package, say."""


@dataclass(frozen=True)
class Walkers:
    """Samples that walked, J steps in all.

    Attributes:
        seed: that the seeds of new steps follow from; `name` keeps runs apart.
        name: of the run.
        seeds: of the steps, length J.
        samples: numbers of the samples that each step took its numbers from, shape (n, J).
        weights: shape (n, J).
        fixed: causes that stay nominal.
    """

    seed: int
    name: str
    seeds: tuple[int, ...]
    samples: NDArray[np.int64]
    weights: Real
    fixed: frozenset[str] = frozenset()

    @classmethod
    def begin(cls, seed: int, name: str, count: int, fixed: frozenset[str] = frozenset()) -> Walkers:
        """Independent samples."""
        first = _seed_of(seed, name, 0)
        return cls(seed, name, (first,), np.arange(count)[:, None], np.ones((count, 1)), fixed)

    def __len__(self) -> int:
        return len(self.weights)

    def some(self, rows: NDArray[np.integer]) -> Walkers:
        return replace(self, samples=self.samples[rows], weights=self.weights[rows])

    def moved(self, step: float) -> Walkers:
        new = np.full((len(self), 1), step)
        return replace(
            self,
            seeds=(*self.seeds, _seed_of(self.seed, self.name, len(self.seeds))),
            samples=np.concatenate([self.samples, np.arange(len(self))[:, None]], axis=1),
            weights=np.concatenate([self.weights * np.sqrt(1 - step**2), new], axis=1),
        )

    def where(self, taken: NDArray[np.bool_], others: Walkers) -> Walkers:
        own = self._padded(len(others.seeds))
        return replace(
            others,
            samples=np.where(taken[:, None], others.samples, own.samples),
            weights=np.where(taken[:, None], others.weights, own.weights),
        )

    def joined(self, others: Sequence[Walkers]) -> Walkers:
        longest = max([self, *others], key=lambda one: len(one.seeds))
        padded = [one._padded(len(longest.seeds)) for one in (self, *others)]
        return replace(
            longest,
            samples=np.concatenate([one.samples for one in padded]),
            weights=np.concatenate([one.weights for one in padded]),
        )

    def draw(self) -> Draw:
        """The samples as they are drawn."""
        steps = [
            Step(seed, self.samples[:, number], self.weights[:, number])
            for number, seed in enumerate(self.seeds)
            if np.any(self.weights[:, number])
        ]
        return Draw(self.seed, np.arange(len(self)), self.fixed, walked=tuple(steps))

    def _padded(self, steps: int) -> Walkers:
        more = ((0, 0), (0, steps - self.weights.shape[1]))
        return replace(self, samples=np.pad(self.samples, more), weights=np.pad(self.weights, more))


def together(populations: Sequence[Walkers]) -> Draw:
    """The samples of several populations as one draw: the steps of each are not taken by the others."""
    count = sum(len(one) for one in populations)
    steps, first = [], 0
    for one in populations:
        own = slice(first, first + len(one))
        for step in one.draw().walked:
            samples, weight = np.zeros(count, np.int64), np.zeros(count)
            samples[own], weight[own] = step.samples, step.weight
            steps.append(Step(step.seed, samples, weight))
        first += len(one)
    return Draw(populations[0].seed, np.arange(count), populations[0].fixed, walked=tuple(steps))


@dataclass(frozen=True)
class RareFailure:
    """A small probability of the whole model.

    Attributes:
        probability: with its interval.
        calls: samples that were evaluated.
        levels: that were needed.
        reached: whether failures were found; else `probability` is a bound.
        failed: draws of samples that failed, one of each run: what a failure looks like.
    """

    probability: Interval
    calls: int
    levels: int
    reached: bool
    failed: tuple[Draw, ...]


def rare_failure(
    evaluate: Evaluate,
    seed: int,
    *,
    samples: int = 500,
    runs: int = 4,
    most_levels: int = 12,
    fixed: frozenset[str] = frozenset(),
    at_once: int = 256,
    progress: Callable[[int], None] | None = None,
) -> RareFailure:
    """Probability that the limit state of a package is at or below 0, by subset simulation.

    Args:
        evaluate: computes a draw.
        seed: of all streams.
        samples: of each level.
        runs: independent ones, for the interval.
        most_levels: after which a run gives up; 12 reach 1e-12.
        fixed: causes that stay nominal.
        at_once: samples that are evaluated together.
        progress: called with the samples evaluated so far.

    Raises:
        InputError: too few samples or runs, or a limit state that is not a number.
    """
    if samples < 50 or runs < 2:
        raise InputError(f"{samples} samples a level and {runs} runs; at least 50 and 2 needed for an interval")
    done = 0

    def limit_state(populations: list[Walkers]) -> list[Real]:
        nonlocal done
        draw = together(populations)
        parts = []
        for start in range(0, len(draw.samples), at_once):
            part = draw.part(slice(start, start + at_once))
            found = np.asarray(evaluate(part), np.float64)
            if found.shape != part.samples.shape or np.any(np.isnan(found)):
                raise InputError(f"the limit state gave the shape {found.shape}, {part.samples.shape} numbers needed")
            parts.append(found)
            done += len(found)
            if progress is not None:
                progress(done)
        return np.split(np.concatenate(parts), np.cumsum([len(one) for one in populations])[:-1])

    starts = [Walkers.begin(seed, f"run {run}", samples, fixed) for run in range(runs)]
    found = descend_together(starts, limit_state, most_levels)
    return _of(found, most_levels)


def _of(found: Sequence[Descent[Walkers]], most_levels: int) -> RareFailure:
    calls, levels = sum(one.calls for one in found), max(one.levels for one in found)
    failed = tuple(one.failed.draw() for one in found if len(one.failed))
    if not failed:
        bound = Interval(0.0, 0.0, SHARE**most_levels, CONFIDENCE, calls, f"subset simulation, {len(found)} runs")
        return RareFailure(bound, calls, levels, False, ())
    return RareFailure(of_runs(np.array([one.chance for one in found]), calls), calls, levels, True, failed)


def _seed_of(seed: int, name: str, step: int) -> int:
    digest = blake2b(f"{seed}|rare {name}|{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
