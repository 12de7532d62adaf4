"""Crosstalk between the wavelengths of a bus, as power relative to the wanted signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.results import Aggressor

#: what is reported for a disturbance of exactly nothing, dB
FLOOR_DB = -200.0

Real = NDArray[np.float64]


def to_dB(ratio: Real) -> Real:
    """Power ratio in dB, at least `FLOOR_DB`."""
    return 10.0 * np.log10(np.maximum(ratio, 10.0 ** (FLOOR_DB / 10.0)))


def relative_to_wanted(power: Real) -> Real:
    """Power of every channel in every detector, relative to what the detector is for.

    Args:
        power: [victim, aggressor], shape (..., C, C); the diagonal is the wanted signal.

    Returns:
        the same shape, ones on the diagonal; infinite rows where the wanted signal is nothing.
    """
    wanted = np.diagonal(power, axis1=-2, axis2=-1)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(wanted > 0, power / wanted, np.inf)


def modulation_leakage(one: Real, zero: Real) -> Real:
    """How much each modulator of a bus modulates each channel, relative to the channel's own modulation.

    Args:
        one: transmission of every channel with all modulators at level one, shape (C,).
        zero: [aggressor, victim]: with the modulator of one channel at level zero, shape (C, C).

    Returns:
        [victim, aggressor], `|T_k(one) - T_k(j zero)| / |T_k(one) - T_k(k zero)|`, shape (C, C).
    """
    return relative_to_wanted(np.abs(one[None, :] - zero).T)


def summed(row: Real, victim: int) -> float:
    """Sum of all aggressors of one victim (powers add), dB."""
    others = np.delete(row, victim)
    return float(to_dB(np.asarray(others.sum()))) if others.size else FLOOR_DB


def aggressors(row: Real, victim: int, names: list[str]) -> tuple[Aggressor, ...]:
    """All aggressors of one victim, the worst first."""
    levels = to_dB(row)
    found = [Aggressor(names[j], float(levels[j])) for j in range(row.size) if j != victim]
    return tuple(sorted(found, key=lambda entry: -entry.level_dB))
