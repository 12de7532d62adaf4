"""Distributions of sampled numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.yields.results import Histogram

BARS, QUANTILES = 60, (0.1, 1.0, 5.0, 50.0, 95.0, 99.0, 99.9)
"""Bars of a histogram, and the quantiles that are told, per cent."""


def histogram(name: str, unit: str, values: NDArray[np.floating]) -> Histogram:
    """Distribution of finite numbers; `counts` add up to their number.

    The bars reach over all but a thousandth of the numbers; what lies beyond is counted in the outermost ones.
    """
    finite = np.asarray(values, np.float64).ravel()
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return Histogram(name, unit, np.array([0.0, 1.0]), np.zeros(1, np.int64), {})
    at = np.quantile(finite, [0.0005, 0.9995, *(q / 100 for q in QUANTILES)])
    low, high = float(at[0]), float(at[1])
    edges = np.linspace(low, high if high > low else low + 1e-6, BARS + 1)
    counts, _ = np.histogram(np.clip(finite, edges[0], edges[-1]), edges)
    return Histogram(name, unit, edges, counts, {q: float(v) for q, v in zip(QUANTILES, at[2:], strict=True)})
