"""Failures too rare for plain sampling: subset simulation and importance sampling over standard normal numbers.

The caller gives a limit state: a function of independent standard normal numbers that is at or below 0 where something
has failed (a margin, say). Both methods find their way to failures by its value, so it must not be a bare yes or no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri, stdtrit

from cpo_pdk.errors import InputError
from cpo_pdk.yields.intervals import CONFIDENCE, exact, generator
from cpo_pdk.yields.rare_levels import SHARE, Points, descend
from cpo_pdk.yields.results import Interval

Real = NDArray[np.float64]
LimitState = Callable[[Real], NDArray[np.floating]]
"""Standard normal numbers (n, d) -> g (n,); failed where g <= 0."""

_PLAIN = 0.1  # share of an importance density that is the plain one: no weight is above 10


@dataclass(frozen=True)
class Rare:
    """A small probability.

    Attributes:
        probability: with its interval.
        calls: of the limit state, in samples.
        levels: of subset simulation, 0 for other methods.
        reached: whether failures were found at all; else `probability` is only an upper bound.
        failed: some samples that failed, shape (m, d): what a failure looks like.
    """

    probability: Interval
    calls: int
    levels: int
    reached: bool
    failed: Real


def plain(limit_state: LimitState, dimension: int, samples: int, seed: int) -> Rare:
    """Brute force: counts failures; interval of Clopper and Pearson.

    Raises:
        InputError: see `subset_simulation`.
    """
    _check(dimension, samples, 1)
    draw = generator(seed, "rare plain")
    count, kept = 0, []
    for start in range(0, samples, 100_000):
        z = draw.standard_normal((min(100_000, samples - start), dimension))
        failed = _values(limit_state, z) <= 0
        count += int(np.count_nonzero(failed))
        kept.append(z[failed][:100])
    return Rare(exact(count, samples), samples, 0, count > 0, np.concatenate(kept))


def subset_simulation(
    limit_state: LimitState,
    dimension: int,
    seed: int,
    *,
    samples: int = 2000,
    runs: int = 8,
    most_levels: int = 20,
) -> Rare:
    """Probability of failure as a product of larger ones, each that of a level within the one before.

    The samples of a level are made by Markov chains that start at the best tenth of the level before; a step goes to
    `rho z + sqrt(1 - rho^2) x`, x standard normal, and is taken where it stays within the level; rho follows the share
    of steps taken. The interval comes from independent runs (chains of one run depend on one another), Student's t on
    the logarithm by the delta method.

    Args:
        limit_state: failed at or below 0.
        dimension: d.
        seed: of the drawing.
        samples: of each level.
        runs: independent ones.
        most_levels: after which it gives up; 20 reach 1e-20.

    Source:
        S.-K. Au, J. L. Beck, Probabilistic Eng. Mech. 16, 263 (2001); steps: I. Papaioannou, W. Betz, K. Zwirglmaier,
        D. Straub, ibid. 41, 89 (2015).

    Raises:
        InputError: no dimension, fewer than 100 samples, fewer than 2 runs, or a limit state that is not finite.
    """
    _check(dimension, samples, 100)
    if runs < 2:
        raise InputError(f"{runs} runs give no interval; at least 2 needed")
    found = [_run(limit_state, dimension, samples, most_levels, seed, run) for run in range(runs)]
    chances = np.array([chance for chance, _, _, _ in found])
    calls = sum(calls for _, calls, _, _ in found)
    levels = max(levels for _, _, levels, _ in found)
    failed = np.concatenate([z for _, _, _, z in found])
    if not len(failed):
        method = f"subset simulation, {runs} runs"
        bound = Interval(0.0, 0.0, SHARE**most_levels, CONFIDENCE, calls, method)
        return Rare(bound, calls, levels, False, failed)
    return Rare(of_runs(chances, calls), calls, levels, True, failed)


def of_runs(chances: Real, calls: int) -> Interval:
    """Mean of independent runs with its interval: Student's t on the logarithm, by the delta method."""
    runs, mean = len(chances), float(np.mean(chances))
    spread = float(np.std(chances, ddof=1)) / np.sqrt(runs)
    factor = float(np.exp(stdtrit(runs - 1, 0.5 + CONFIDENCE / 2) * spread / mean))
    method = f"subset simulation, {runs} runs"
    return Interval(mean, mean / factor, min(1.0, mean * factor), CONFIDENCE, calls, method)


def importance_sampling(
    limit_state: LimitState,
    dimension: int,
    seed: int,
    *,
    samples: int = 10_000,
    pilot: int = 1000,
    parts: int = 2,
) -> Rare:
    """Probability of failure from samples drawn where failures are, weighted back.

    Where they are is found by one run of subset simulation; normal distributions are fitted to its failures (the step
    of the cross-entropy method that minimises the distance to the best density), and a tenth of the samples stay plain,
    which bounds every weight by 10 and leaves no failure unseen for ever.

    Args:
        limit_state: failed at or below 0.
        dimension: d.
        seed: of the drawing.
        samples: weighted ones.
        pilot: samples of each level of the first run.
        parts: normal distributions of the mixture: as many as there are separate ways to fail, or more.

    Source:
        R. Y. Rubinstein, D. P. Kroese, The Cross-Entropy Method, Springer 2004; plain part: T. Hesterberg,
        Technometrics 37, 185 (1995).

    Raises:
        InputError: see `subset_simulation`.
    """
    _check(dimension, min(samples, pilot), 100)
    _, calls, levels, failed = _run(limit_state, dimension, pilot, 20, seed, run=0)
    method = "importance sampling"
    if not len(failed):
        return Rare(Interval(0.0, 0.0, SHARE**20, CONFIDENCE, calls, method), calls, levels, False, failed)
    draw = generator(seed, "rare importance")
    mixture = _mixture(failed, np.ones(len(failed)), parts, seed)
    # Failures of the first run depend on one another; those of weighted stages do not: fitted again.
    for count in (samples // 4, samples // 4, samples - 2 * (samples // 4)):
        z, weight = _drawn(mixture, draw, count, dimension)
        hit = _values(limit_state, z) <= 0
        calls += count
        if np.count_nonzero(hit) >= 10 * parts:
            mixture = _mixture(z[hit], weight[hit], parts, seed)
    values = np.where(hit, weight, 0.0)
    mean = float(np.mean(values))
    if mean == 0.0:
        return Rare(Interval(0.0, 0.0, 1.0, CONFIDENCE, calls, method), calls, levels, False, failed)
    error = float(np.std(values, ddof=1)) / np.sqrt(len(values))
    factor = float(np.exp(ndtri(0.5 + CONFIDENCE / 2) * error / mean))
    interval = Interval(mean, mean / factor, min(1.0, mean * factor), CONFIDENCE, calls, method)
    return Rare(interval, calls, levels, True, z[hit][:1000])


def _run(
    limit_state: LimitState, dimension: int, samples: int, most_levels: int, seed: int, run: int
) -> tuple[float, int, int, Real]:
    """One run of subset simulation: probability, calls, levels, samples that failed."""
    draw = generator(seed, f"rare subset {run}")
    start = Points(draw.standard_normal((samples, dimension)), draw)
    found = descend(start, lambda points: _values(limit_state, points.z), most_levels)
    return found.chance, found.calls, found.levels, found.failed.z


@dataclass(frozen=True)
class _Part:
    """A normal distribution with the spread `along` in the direction of its mean, and 1 in all others."""

    share: float
    mean: Real
    along: float

    def log_density(self, z: Real) -> Real:
        off = z - self.mean
        length = float(np.linalg.norm(self.mean))
        along = off @ (self.mean / length) if length > 0 else np.zeros(len(z))
        square = np.sum(off**2, axis=1) + along**2 * (1 / self.along**2 - 1)
        return -0.5 * square - 0.5 * z.shape[1] * np.log(2 * np.pi) - np.log(self.along)

    def drawn(self, normal: Real) -> Real:
        length = float(np.linalg.norm(self.mean))
        if length == 0:
            return normal
        direction = self.mean / length
        return self.mean + normal + np.outer((self.along - 1) * (normal @ direction), direction)


def _drawn(mixture: list[_Part], draw: np.random.Generator, count: int, dimension: int) -> tuple[Real, Real]:
    """Samples of a mixture, a tenth of them plain, and their weights against plain ones."""
    part = draw.choice(len(mixture) + 1, size=count, p=[_PLAIN, *((1 - _PLAIN) * p.share for p in mixture)])
    z = draw.standard_normal((count, dimension))
    for number, of in enumerate(mixture):
        z[part == number + 1] = of.drawn(z[part == number + 1])
    plain_part = -0.5 * np.sum(z**2, axis=1) - 0.5 * dimension * np.log(2 * np.pi)
    logs = [np.log(_PLAIN) + plain_part]
    logs += [np.log((1 - _PLAIN) * of.share) + of.log_density(z) for of in mixture]
    return z, np.exp(plain_part - logsumexp(np.stack(logs), axis=0))


def _mixture(points: Real, weights: Real, parts: int, seed: int) -> list[_Part]:
    """Mixture of normal distributions of weighted points by expectation and maximisation.

    Only means and spreads along them are fitted: full covariances would need many more failures than dimensions.
    """
    parts = max(1, min(parts, len(points) // 10))
    draw = generator(seed, "rare mixture")
    # First means far from one another (k-means++), so that separate ways to fail get one each.
    chosen = [int(draw.choice(len(points), p=weights / np.sum(weights)))]
    while len(chosen) < parts:
        apart = np.min([np.sum((points - points[k]) ** 2, axis=1) for k in chosen], axis=0) * weights
        chosen.append(int(draw.choice(len(points), p=apart / np.sum(apart))) if np.sum(apart) > 0 else chosen[0])
    mixture = [_Part(1 / parts, points[k], 1.0) for k in chosen]
    for _ in range(12):
        logs = np.stack([np.log(of.share) + of.log_density(points) for of in mixture])
        duty = np.exp(logs - logsumexp(logs, axis=0)) * weights
        total = np.sum(duty, axis=1)
        fitted = []
        for mine, all_of_it in zip(duty, total, strict=True):
            share = float(all_of_it / np.sum(total))
            if share < 1e-3:
                continue
            mean = mine @ points / all_of_it
            length = float(np.linalg.norm(mean))
            along = (points - mean) @ (mean / length) if length > 0 else np.ones(len(points))
            fitted.append(_Part(share, mean, max(float(np.sqrt(mine @ along**2 / all_of_it)), 0.2)))
        whole = sum(of.share for of in fitted)
        mixture = [_Part(of.share / whole, of.mean, of.along) for of in fitted]
    return mixture


def _values(limit_state: LimitState, z: Real) -> Real:
    g = np.asarray(limit_state(z), np.float64)
    if g.shape != (len(z),):
        raise InputError(f"the limit state gave the shape {g.shape}, {(len(z),)} needed; one number a sample")
    if np.any(np.isnan(g)):
        raise InputError(f"the limit state is not a number for {np.count_nonzero(np.isnan(g))} samples; make it one")
    return g


def _check(dimension: int, samples: int, least: int) -> None:
    if dimension < 1:
        raise InputError(f"{dimension} random numbers a sample; at least 1 needed")
    if samples < least:
        raise InputError(f"{samples} samples, at least {least} needed; draw more")
