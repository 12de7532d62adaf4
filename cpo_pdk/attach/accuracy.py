"""How well a fibre array must be aligned, for a yield that is wanted: the inverse of the sampling.

Every sampled array is asked how far one standard deviation (or all of the array's at once) can grow, its random
numbers kept, until the array is no longer good. The standard deviation that gives a yield is then a quantile of these
numbers, its interval the one of order statistics (W. J. Conover, Practical Nonparametric Statistics, 3rd ed., 1999,
section 3.2), and the whole curve of yield over accuracy is there at once. It falls without a step back: an array that
fails and would be good again further out, because two errors happen to cancel, counts as failed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, binomtest

from cpo_pdk.attach.limits import Limit
from cpo_pdk.attach.model import AXES, BODY, AttachModel, Errors
from cpo_pdk.attach.results import Accuracy, Saving, Share
from cpo_pdk.errors import InputError
from cpo_pdk.models.sdict import Array

ALL = "all"
#: standard deviations that are tried: from this to that many times the sheet's, in steps of this ratio, then halved
_LEAST, _MOST, _RATIO, _HALVINGS = 1 / 8, 2048.0, 4.0, 9
#: where the sheet says 0, this many units stand for its standard deviation
_UNIT = 0.1
_CONFIDENCE = 0.95
_CURVE = 41
#: of more arrays than this only those are followed to where they fail that the quantile may be among: so many times
#: the share that may fail
_FEW, _TIMES = 6000, 20.0


Good = NDArray[np.bool_]


@dataclass(frozen=True)
class Study:
    """The arrays that accuracies are asked of: model, limit, their random numbers, shape (S, 1, P)."""

    model: AttachModel
    limit: Limit
    drawn: Errors

    def good(self, sigma: Mapping[str, Array | float] | None = None, rows: NDArray[np.intp] | None = None) -> Good:
        """Whether each array, or each of `rows`, is good with other standard deviations, shape (S,) or (K,)."""
        drawn = self.drawn if rows is None else self.drawn.part(rows)
        return self.limit.good(self.model.excess_of(drawn, sigma))[:, 0]

    @property
    def samples(self) -> int:
        """Arrays."""
        return self.drawn.off_x_um.shape[0]


def share_of(good: int, samples: int) -> Share:
    """A share with its interval of 95 % (E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927))."""
    interval = binomtest(int(good), samples).proportion_ci(_CONFIDENCE, method="wilson")
    return Share(good / samples, float(interval.low), float(interval.high), samples)


def samples_for(share: float) -> int:
    """Arrays that it takes to tell a yield from 1: with fewer none may fail even where the yield is lower."""
    return math.ceil(math.log((1 - _CONFIDENCE) / 2) / math.log(share))


def check(share: float, samples: int) -> None:
    """Refuse a yield that so many samples can't show.

    Raises:
        InputError: it is not between 0 and 1, or asks for more samples.
    """
    if not 0 < share < 1:
        raise InputError(f"a yield of {100 * share:g} % of the fibre arrays is asked for, above 0 and below 100 needed")
    need = samples_for(share)
    if samples < need:
        raise InputError(
            f"{samples} samples can't tell whether {100 * share:.6g} % of the fibre arrays are good, {need} needed; "
            "give more samples or ask for less"
        )


def breaking(study: Study, name: str, alone: bool = False, enough: float = 1.0) -> tuple[Array, float]:
    """How far one error, or all of the array's, can grow until each sampled array is no longer good.

    Args:
        study: what is asked.
        name: of the error, or `ALL`.
        alone: everything else is perfect.
        enough: share of failing arrays beyond which no further ones are looked for.

    Returns:
        Factor on the base for every array, shape (S,): 0 where it fails with this error at zero, infinite where it
        never fails or wasn't looked for. The base is the sheet's standard deviation; 0.1 units where that is 0; 1 for
        `ALL`.
    """
    model = study.model
    names = tuple(BODY) if name == ALL else (name,)
    base = {each: model.sigma[each] if model.sigma[each] > 0 or name == ALL else _UNIT for each in names}
    rest = dict.fromkeys(AXES, 0.0) if alone else {}

    def good(factor: Array | float, rows: NDArray[np.intp] | None = None) -> Good:
        return study.good({**rest, **{each: factor * base[each] for each in names}}, rows)

    low, high = np.zeros(study.samples), np.full(study.samples, np.inf)
    high[~good(0.0)] = 0.0
    factor = _LEAST
    while factor <= _MOST and (rows := np.flatnonzero(np.isinf(high))).size > (1 - enough) * study.samples:
        holds = good(factor, rows)
        high[rows[~holds]] = factor
        low[rows[holds]] = factor
        factor *= _RATIO
    rows = np.flatnonzero((high > 0) & np.isfinite(high))
    for _ in range(_HALVINGS if rows.size else 0):
        middle = np.where(low[rows] > 0, np.sqrt(low[rows] * high[rows]), high[rows] / 2)
        holds = good(middle, rows)
        low[rows] = np.where(holds, middle, low[rows])
        high[rows] = np.where(holds, high[rows], middle)
    return np.where(np.isinf(high), np.inf, low), base[names[0]] if name != ALL else 1.0


def quantile(found: Array, share: float) -> tuple[float, float, float]:
    """Largest factor at which a share of the arrays holds, and its interval; 0 where none is small enough.

    Args:
        found: of `breaking`, shape (S,).
        share: wanted.
    """
    order, count = np.sort(found), len(found)
    at = math.floor(count * (1 - share) + 1e-9)
    tail = (1 - _CONFIDENCE) / 2
    low, high = (int(binom.ppf(q, count, 1 - share)) for q in (tail, 1 - tail))
    return float(order[at]), float(order[low - 1]) if low > 0 else 0.0, float(order[min(high, count - 1)])


def accuracy(study: Study, name: str, share: float, alone: bool = True) -> Accuracy:
    """The alignment of one kind that a yield of arrays needs.

    Args:
        study: what is asked.
        name: of the error, or `ALL`.
        share: wanted yield of arrays.
        alone: ask also with everything else perfect.

    Raises:
        InputError: see `check`; no error of this name.
    """
    check(share, study.samples)
    if name != ALL and name not in AXES:
        raise InputError(f"{name} is no error of a fibre array; there are: {', '.join((*AXES, ALL))}")
    enough = 1.0 if study.samples <= _FEW else min(_TIMES * (1 - share), 1.0)
    found, base = breaking(study, name, enough=enough)
    value, low, high = quantile(found, share)
    only = quantile(breaking(study, name, alone=True, enough=enough)[0], share)[0] if alone else None
    most = _MOST * base
    unit = "1" if name == ALL else name.rsplit("_", 1)[1].replace("pct", "%")
    top = min(most, 4 * max(value, 1.0) * base) if math.isfinite(value) else most
    if enough < 1 and np.isfinite(found).any():
        top = min(top, float(found[np.isfinite(found)].max()) * base)
    errors = np.linspace(0.0, top, _CURVE)
    kept = np.array([(found >= (u / base)).mean() if u > 0 else (found > 0).mean() for u in errors])
    return Accuracy(
        name=name,
        words="all shifts and turns of the array" if name == ALL else AXES[name],
        unit=unit,
        sheet=1.0 if name == ALL else study.model.sigma[name],
        needed=_needed(value, base, most),
        low=_needed(low, base, most),
        high=_needed(high, base, most),
        alone=None if only is None else _needed(only, base, most),
        ceiling=share_of(int((found > 0).sum()), study.samples),
        curve=(errors, kept),
        at_least=math.isinf(value),
    )


def _needed(factor: float, base: float, most: float) -> float | None:
    return None if factor <= 0 else min(factor * base, most)


def savings(study: Study) -> tuple[Saving, ...]:
    """Yield of arrays and mean loss with each error at zero, the largest gain first."""
    found = []
    for name, words in AXES.items():
        excess = study.model.excess_of(study.drawn, {name: 0.0})
        good = study.limit.good(excess)
        linked = [way[0] for way in study.limit.ways]
        found.append(Saving(name, words, share_of(int(good.sum()), good.size), float(excess[..., linked].mean())))
    return tuple(sorted(found, key=lambda saving: (-saving.array.value, saving.mean_dB)))
