"""Penalties of a modulated signal in closed form: extinction, crosstalk, spectral truncation.

Formulas
    With r = level one over level zero: mean power times `2 (r - 1) / (r + 1)` is the outer modulation amplitude, so
    that light of a given mean power loses `-10 log10((r - 1) / (r + 1))` against r = infinity;
    `-10 log10((r + 1) / (2 r))` is mean power against level one (Bahadori et al., J. Lightwave Technol. 34, 2886
    (2016), and textbooks). Crosstalk X from other wavelengths: `10 log10(1 + Q X (r + 1) / (r - 1) / 2)`, Q of the
    wanted bit error ratio.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array, q_of_ber


def _ratio(extinction_dB: ArrayLike) -> Array:
    decibel = np.asarray(extinction_dB, dtype=np.float64)
    if not np.all(decibel > 0):
        raise ParameterError(f"extinction is {float(np.min(decibel)):g} dB; above 0 dB needed")
    return 10 ** (np.minimum(decibel, 300.0) / 10)


def extinction_penalty_dB(extinction_dB: ArrayLike) -> Array:
    """Modulation amplitude that finite extinction costs at a given mean power, dB."""
    r = _ratio(extinction_dB)
    return -10 * np.log10((r - 1) / (r + 1))


def mean_penalty_dB(extinction_dB: ArrayLike) -> Array:
    """Mean power below level one, dB: 0 without modulation, 3.01 dB with perfect extinction."""
    r = _ratio(extinction_dB)
    return -10 * np.log10((r + 1) / (2 * r))


def oma_of(mean_dBm: ArrayLike, extinction_dB: ArrayLike) -> Array:
    """Outer modulation amplitude in dBm of a mean power."""
    return np.asarray(mean_dBm, dtype=np.float64) + 10 * np.log10(2) - extinction_penalty_dB(extinction_dB)


def mean_of(oma_dBm: ArrayLike, extinction_dB: ArrayLike) -> Array:
    """Mean power in dBm of an outer modulation amplitude."""
    return np.asarray(oma_dBm, dtype=np.float64) - 10 * np.log10(2) + extinction_penalty_dB(extinction_dB)


def crosstalk_penalty_dB(crosstalk_dB: ArrayLike, extinction_dB: ArrayLike, ber: float) -> Array:
    """Penalty of crosstalk from other wavelengths, taken as Gaussian, NRZ, dB.

    Args:
        crosstalk_dB: power of all others over that of the wanted light, dB.
        extinction_dB: of all.
        ber: wanted bit error ratio.
    """
    X = 10 ** (np.asarray(crosstalk_dB, dtype=np.float64) / 10)
    r = _ratio(extinction_dB)
    return 10 * np.log10(1 + 0.5 * q_of_ber(ber, "NRZ") * X * (r + 1) / (r - 1))
