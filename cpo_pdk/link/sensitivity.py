"""Sensitivity of receivers from published fits, to hold our own noise currents against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.link.ber import Array
from cpo_pdk.link.penalties import extinction_penalty_dB


def germanium_noise_uA(rate_Gbps: ArrayLike) -> Array:
    """Noise current in uA of a germanium receiver, fit over its bandwidth of 0.75 times the rate.

    `0.0035 b^2 + 0.0655 b + 0.842`, b in GHz: the receiver of PhoenixSim (Columbia University), after Takenaka et al.;
    the fit as published in its source, the paper was not read.
    """
    b = 0.75 * np.asarray(rate_Gbps, dtype=np.float64)
    return 0.0035 * b**2 + 0.0655 * b + 0.842


def germanium_sensitivity_dBm(
    rate_Gbps: ArrayLike,
    *,
    responsivity_A_W: float = 0.7,
    dark_uA: float = 1.0,
    extinction_dB: float = 12.0,
    q: float = 7.0,
) -> Array:
    """Mean power in dBm that a germanium receiver needs for NRZ.

    Args:
        rate_Gbps: of the data.
        responsivity_A_W: of the detector.
        dark_uA: dark current, counted in full as noise.
        extinction_dB: of the light.
        q: half the eye over the noise; 7: a bit error ratio of 1e-12.
    """
    current = q * (dark_uA + germanium_noise_uA(rate_Gbps))
    return 10 * np.log10(current * 1e-3 / responsivity_A_W) + extinction_penalty_dB(extinction_dB)


def integrating_sensitivity_dBm(rate_Gbps: ArrayLike) -> Array:
    """Sensitivity in dBm of an integrating receiver in 28 nm CMOS, up to 30 Gb/s (fit in PhoenixSim's source)."""
    r = np.asarray(rate_Gbps, dtype=np.float64)
    return -18.784 - 0.1386 * r + 0.014647 * r**2
