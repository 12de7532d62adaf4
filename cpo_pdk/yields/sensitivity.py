"""Which cause makes the spread of a result: variance-based indices, causes exchanged as groups of random numbers.

The design of Saltelli needs two independent sets of numbers A and B, and of each cause a set A with that cause from B.
Random streams are keyed by seed and cause, so no table of numbers is needed: B is another seed, and a cause is taken
from it by `Draw.swapped`. Everything that a cause drives (all rings, all dies) moves together: indices of a group.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from SALib.analyze import sobol as salib_sobol

from cpo_pdk.errors import InputError
from cpo_pdk.variation.causes import CAUSES
from cpo_pdk.variation.samples import Draw
from cpo_pdk.yields.intervals import CONFIDENCE
from cpo_pdk.yields.killers import Indices
from cpo_pdk.yields.results import Interval

Evaluate = Callable[[Draw], NDArray[np.floating]]
"""Samples of a draw -> one number each, shape (S,): the least margin of the package, say."""

OTHER = 0x9E3779B97F4A7C15
"""Added to a seed for the second set of numbers: 2^64 over the golden ratio, far from seeds that people use."""

_BASE = 100  # resamples of SALib's interval


@dataclass(frozen=True)
class Sobol:
    """Indices by cause.

    Attributes:
        indices: cause -> first-order and total index.
        mean, variance: of the result.
        evaluations: packages that were computed.
    """

    indices: dict[str, Indices]
    mean: float
    variance: float
    evaluations: int


def designs(seed: int, samples: int, causes: Sequence[str]) -> list[Draw]:
    """The draws of the design: A, one for each cause, B. Shape of each: `samples` packages."""
    rows = np.arange(samples, dtype=np.int64)
    other = (seed + OTHER) % 2**63
    swapped = [Draw(seed, rows, swapped={cause: other}) for cause in causes]
    return [Draw(seed, rows), *swapped, Draw(other, rows)]


def sobol(evaluate: Evaluate, samples: int, seed: int, causes: Sequence[str] = tuple(CAUSES)) -> Sobol:
    """First-order and total indices of each cause.

    First order (Saltelli et al., Comput. Phys. Commun. 181, 259, 2010): share of the variance that goes away on average
    when the cause is known. Total (Jansen, ibid. 117, 35, 1999): share that stays when all others are known. Their
    difference is what the cause does together with others. Estimators and bootstrap interval are those of SALib.

    Args:
        evaluate: computes a draw.
        samples: packages of each of the `len(causes) + 2` draws.
        seed: of the numbers.
        causes: groups.

    Raises:
        InputError: fewer than 2 samples, no cause, an unknown one, or a result that is not finite.
    """
    if samples < 2 or not causes:
        raise InputError(f"{samples} samples and {len(causes)} causes; at least 2 samples and 1 cause needed")
    if set(causes) - CAUSES.keys():
        raise InputError(f"unknown cause {min(set(causes) - CAUSES.keys())}; there are: {', '.join(CAUSES)}")
    columns = []
    for draw in designs(seed, samples, causes):
        values = np.asarray(evaluate(draw), np.float64)
        if values.shape != (samples,) or not np.all(np.isfinite(values)):
            raise InputError(f"results of the shape {values.shape}, finite ones of {(samples,)} needed")
        columns.append(values)
    results = np.stack(columns, axis=1)
    evaluations, variance = results.size, float(np.var(results[:, [0, -1]]))
    mean = float(np.mean(results[:, [0, -1]]))
    if variance == 0.0:
        none = Interval(0.0, 0.0, 0.0, CONFIDENCE, samples, "nothing spreads")
        return Sobol({cause: Indices(none, none) for cause in causes}, mean, 0.0, evaluations)
    # SALib takes a seed of 0 for none, and draws from the global generator then.
    problem = {"num_vars": len(causes), "names": list(causes), "bounds": [[0, 1]] * len(causes)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = salib_sobol.analyze(
            problem,
            results.ravel(),
            calc_second_order=False,
            num_resamples=_BASE,
            conf_level=CONFIDENCE,
            seed=1 + seed % (2**32 - 1),
        )
    indices = {}
    for number, cause in enumerate(causes):
        first, total = (
            Interval(
                float(found[name][number]),
                float(found[name][number] - found[f"{name}_conf"][number]),
                float(found[name][number] + found[f"{name}_conf"][number]),
                CONFIDENCE,
                samples,
                "bootstrap",
            )
            for name in ("S1", "ST")
        )
        indices[cause] = Indices(first, total)
    return Sobol(indices, mean, variance, evaluations)
