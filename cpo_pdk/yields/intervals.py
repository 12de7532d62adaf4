"""Confidence intervals of shares and means: no yield is said without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

from cpo_pdk.errors import InputError
from cpo_pdk.yields.results import Interval

Real = NDArray[np.floating]

CONFIDENCE = 0.95


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A stream of its own for each purpose; filled sample by sample, so that more samples don't change the first."""
    digest = blake2b(f"{seed}|{purpose}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def wilson(good: float, count: float, confidence: float = CONFIDENCE) -> Interval:
    """Score interval of a share.

    Args:
        good: how many were good; need not be whole (an effective number).
        count: of how many.
        confidence: of the interval.

    Source:
        E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927). Two-sided; good near 0 and 1 where the normal interval fails.

    Raises:
        InputError: nothing was counted, or more good ones than there are.
    """
    _counts(good, count)
    z = float(ndtri(0.5 + confidence / 2))
    share = good / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    low = 0.0 if good == 0 else max(0.0, float(middle - half))
    high = 1.0 if good == count else min(1.0, float(middle + half))
    return Interval(float(share), low, high, confidence, round(count), "Wilson")


def exact(good: float, count: float, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a share that covers at least as often as it says.

    Source:
        C. J. Clopper, E. S. Pearson, Biometrika 26, 404 (1934).

    Raises:
        InputError: as `wilson`.
    """
    _counts(good, count)
    tail = (1 - confidence) / 2
    low = 0.0 if good == 0 else float(betaincinv(good, count - good + 1, tail))
    high = 1.0 if good == count else float(betaincinv(good + 1, count - good, 1 - tail))
    return Interval(good / count, low, high, confidence, round(count), "Clopper-Pearson")


def clustered(shares: Real, each: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a share among things that come in packages and share causes there.

    The lanes of a package are no independent samples: 10,000 lanes of one package say as little about the process as
    one lane where all die together. The number of independent samples is found from how much packages differ,
    `n = p (1 - p) / (s^2 / S)` with s^2 the variance of a package's share, at most all lanes and at least as many as
    packages (where no package differs, nothing is known of their likeness: the packages are counted), and is put
    into Wilson's interval.

    Args:
        shares: share of good ones in each package, shape (S,).
        each: how many there are in a package.
        confidence: of the interval.

    Source:
        Effective sample size of a cluster sample: L. Kish, Survey Sampling, Wiley 1965; put into an interval for a
        share as by E. L. Korn, B. I. Graubard, Survey Methodology 24, 193 (1998).

    Raises:
        InputError: no package, or nothing in a package.
    """
    samples = len(shares)
    _counts(0, samples * each)
    share = float(np.mean(shares, dtype=np.float64))
    effective = float(samples)
    if samples > 1 and 0.0 < share < 1.0:
        spread = float(np.var(shares, ddof=1, dtype=np.float64)) / samples
        if spread > 0.0:
            effective = min(max(share * (1 - share) / spread, 1.0), float(samples * each))
        else:
            effective = float(samples)
    found = wilson(share * effective, effective, confidence)
    method = "Wilson" if each == 1 else "Wilson, likeness within a package counted"
    return Interval(share, min(found.low, share), max(found.high, share), confidence, samples, method)


def bootstrap(
    statistic: Callable[[Real], Real],
    sums: Real,
    seed: int,
    *,
    resamples: int = 1000,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Percentile interval of a function of sums over packages (of a ratio of them, say).

    Args:
        statistic: mean of each column, shape (B, q) -> value, shape (B,).
        sums: what each package adds, shape (S, q).
        seed: of the drawing.
        resamples: B.
        confidence: of the interval.

    Source:
        B. Efron, Ann. Stat. 7, 1 (1979); percentile interval. Drawing packages with replacement as multinomial counts.

    Raises:
        InputError: no package.
    """
    samples = len(sums)
    _counts(0, samples)
    value = float(np.ravel(statistic(np.mean(sums, axis=0, dtype=np.float64)[None]))[0])
    drawn = generator(seed, "bootstrap")
    found = []
    block = max(1, min(resamples, 4_000_000 // samples))
    for start in range(0, resamples, block):
        counts = drawn.multinomial(samples, np.full(samples, 1 / samples), size=min(block, resamples - start))
        found.append(np.ravel(statistic(counts @ np.asarray(sums, np.float64) / samples)))
    spread = np.concatenate(found)
    tail = (1 - confidence) / 2
    if not np.all(np.isfinite(spread)):
        spread = np.where(np.isnan(spread), np.inf, spread)
    low, high = np.quantile(spread, [tail, 1 - tail], method="inverted_cdf")
    return Interval(value, min(float(low), value), max(float(high), value), confidence, samples, "bootstrap")


def of_packages(good: Sequence[bool] | NDArray[np.bool_], confidence: float = CONFIDENCE) -> Interval:
    """Wilson's interval of independent packages."""
    return wilson(int(np.count_nonzero(good)), len(good), confidence)


def _counts(good: float, count: float) -> None:
    if count <= 0:
        raise InputError("a share of 0 samples is asked for; draw at least 1 sample")
    if not 0 <= good <= count:
        raise InputError(f"{good:g} good ones of {count:g}; count again")
