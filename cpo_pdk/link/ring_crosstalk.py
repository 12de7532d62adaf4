"""Crosstalk and truncation of ring filters in closed form, for a first look without a layout.

Formulas
    Data of rate r as rectangular pulses have the spectrum `sinc^2((f - f0) / r) / r`; a ring's drop is a Lorentzian of
    full width F. The share of a channel `d` away that a filter passes is their overlap,

        X = 1 / (1 + b^2) - R / (2 pi n),    b = 2 d / F,  n = F / (2 r),  t = 2 pi n b,
        R = ((1 - b^2) (1 - exp(-2 pi n) cos t) + 2 b exp(-2 pi n) sin t) / (1 + b^2)^2

    and at d = 0 what is left of the wanted channel, `1 - (1 - exp(-2 pi n)) / (2 pi n)` (Bahadori et al., J. Lightwave
    Technol. 34, 2886 (2016); re-derived, a test integrates the overlap).

Validity
    One ring a channel, critically coupled, NRZ. The lanes of a layout have their crosstalk from the solved circuit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array

C_UM_GHZ = 299792.458


def linewidth_GHz(quality_factor: ArrayLike, wl_um: ArrayLike = 1.31) -> Array:
    """Full width at half maximum in GHz of a loaded quality factor."""
    quality = np.asarray(quality_factor, dtype=np.float64)
    if not np.all(quality > 0):
        raise ParameterError(f"quality factor is {float(np.min(quality)):g}; above 0 needed")
    return C_UM_GHZ / np.asarray(wl_um, dtype=np.float64) / quality


def lorentz(distance_GHz: ArrayLike, width_GHz: ArrayLike) -> Array:
    """Share of a steady line `distance_GHz` away that a ring of `width_GHz` drops, linear."""
    return 1 / (1 + (2 * np.asarray(distance_GHz, dtype=np.float64) / np.asarray(width_GHz, dtype=np.float64)) ** 2)


def neighbour(distance_GHz: ArrayLike, width_GHz: ArrayLike, rate_Gbps: ArrayLike) -> Array:
    """Share of the power of NRZ data `distance_GHz` away that a ring drops, linear; the wanted data's at 0.

    Args:
        distance_GHz: of the channels.
        width_GHz: full width at half maximum of the ring.
        rate_Gbps: of the data.

    Raises:
        ParameterError: a width or a rate not above 0.
    """
    width, rate = np.asarray(width_GHz, dtype=np.float64), np.asarray(rate_Gbps, dtype=np.float64)
    if not (np.all(width > 0) and np.all(rate > 0)):
        raise ParameterError("linewidth and rate have to be above 0 GHz and 0 Gb/s; correct them")
    b = 2 * np.asarray(distance_GHz, dtype=np.float64) / width
    turns = np.pi * width / rate  # 2 pi n
    fade = np.exp(-turns)
    R = ((1 - b**2) * (1 - fade * np.cos(turns * b)) + 2 * b * fade * np.sin(turns * b)) / (1 + b**2) ** 2
    return 1 / (1 + b**2) - R / turns


def summed(spacing_GHz: float, width_GHz: float, rate_Gbps: float, below: int = 4, above: int = 3) -> float:
    """Power of all neighbours on a grid over that of one channel's light, linear.

    Args:
        spacing_GHz: of the grid.
        width_GHz: of the ring.
        rate_Gbps: of the data.
        below: channels on one side.
        above: channels on the other side.
    """
    steps = np.array([k for k in range(-below, above + 1) if k])
    return float(neighbour(steps * spacing_GHz, width_GHz, rate_Gbps).sum())


def truncation_dB(width_GHz: float, rate_Gbps: float) -> float:
    """Power of NRZ data that a ring on its channel does not drop, because its line is too narrow, dB."""
    return float(-10 * np.log10(neighbour(0.0, width_GHz, rate_Gbps)))
