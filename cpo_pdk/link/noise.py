"""Noise currents at the input of a receiver, and what light that comes twice adds to them.

Formulas
    Shot: `2 q (I + I_dark) B`; thermal of a resistor: `4 k T B / R` (Schottky 1918, Nyquist 1928; textbooks).
    Relative intensity noise: `RIN I^2 B` at every level's own current (Agrawal, Fiber-Optic Communication Systems,
    2002, from memory). Other wavelengths: an aggressor is data of its own, so that its variance is that of its levels:
    its amplitude squared times 1/4 (NRZ) or 5/36 (PAM4); their sum in the worst phase is half the amplitude of each.
    Same wavelength: light that comes `e` times (in power) weaker and late beats with the wanted light, `2 sqrt(I I_e)
    cos(phase)`, with a random phase a variance of `2 I I_e`; the late light has the mean power (Gimlett and Cheung,
    J. Lightwave Technol. 7, 888 (1989), from memory). A pair of reflections `R1`, `R2` with one way loss `L` between
    them makes such light with `e = R1 R2 L^2`.

Validity
    Bandwidths are of noise (rectangles of the same area). Beating is counted in full: polarisations aligned, its
    spectrum inside the receiver's bandwidth, both pessimistic.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array, levels_of

CHARGE = 1.602176634e-19
BOLTZMANN = 1.380649e-23
ZERO_C = 273.15


def shot_A2(current_A: ArrayLike, dark_A: ArrayLike, bandwidth_GHz: ArrayLike) -> Array:
    """Variance of the shot noise in A^2 of a photocurrent and a dark current in A."""
    total = np.asarray(current_A, dtype=np.float64) + np.asarray(dark_A, dtype=np.float64)
    return 2 * CHARGE * total * np.asarray(bandwidth_GHz, dtype=np.float64) * 1e9


def thermal_A2(resistance_ohm: ArrayLike, temperature_C: ArrayLike, bandwidth_GHz: ArrayLike) -> Array:
    """Variance of the thermal noise of a resistor in A^2.

    Raises:
        ParameterError: a resistance not above zero.
    """
    ohm = np.asarray(resistance_ohm, dtype=np.float64)
    if not np.all(ohm > 0):
        raise ParameterError(f"load resistance is {float(np.min(ohm)):g} ohm; above 0 needed")
    kelvin = np.asarray(temperature_C, dtype=np.float64) + ZERO_C
    return 4 * BOLTZMANN * kelvin * np.asarray(bandwidth_GHz, dtype=np.float64) * 1e9 / ohm


def rin_A2(current_A: ArrayLike, rin_dB_Hz: ArrayLike, bandwidth_GHz: ArrayLike) -> Array:
    """Variance that the laser's intensity noise makes at one level's current, A^2."""
    density = 10 ** (np.asarray(rin_dB_Hz, dtype=np.float64) / 10)
    return density * np.asarray(current_A, dtype=np.float64) ** 2 * np.asarray(bandwidth_GHz, dtype=np.float64) * 1e9


def level_variance(modulation: str) -> float:
    """Variance of equally likely, evenly spaced levels from -1/2 to 1/2: 1/4 for NRZ, 5/36 for PAM4."""
    return float(np.var(np.linspace(-0.5, 0.5, levels_of(modulation))))


def beat_A2(current_A: ArrayLike, mean_A: ArrayLike, interference: ArrayLike) -> Array:
    """Variance of the beating of one level with late light of the same laser, A^2.

    Args:
        current_A: of the level.
        mean_A: current of the mean power.
        interference: late light over the wanted light, linear in power, summed over all late ways.
    """
    return 2 * np.asarray(current_A) * np.asarray(mean_A) * np.asarray(interference, dtype=np.float64)


def double_reflections_dB(
    return_losses_dB: Sequence[float], losses_between_dB: Sequence[float] = ()
) -> tuple[float, ...]:
    """Light that two reflections in a row send forward again, in dB of the wanted light, one number a pair.

    Args:
        return_losses_dB: of every reflecting place along the way, positive.
        losses_between_dB: one way between a place and the next, one fewer than places; empty: no loss.

    Raises:
        ParameterError: the numbers of places and of losses don't fit, or a value is negative.
    """
    between = list(losses_between_dB) or [0.0] * max(len(return_losses_dB) - 1, 0)
    if len(between) != max(len(return_losses_dB) - 1, 0):
        raise ParameterError(
            f"{len(return_losses_dB)} reflections with {len(between)} losses between them; one fewer losses needed"
        )
    for value in (*return_losses_dB, *between):
        if not value >= 0:
            raise ParameterError(f"return loss or loss between reflections is {value:g} dB; 0 or more needed")
    along = np.concatenate([[0.0], np.cumsum(between)])
    return tuple(
        -float(return_losses_dB[i] + return_losses_dB[k] + 2 * (along[k] - along[i]))
        for i, k in combinations(range(len(return_losses_dB)), 2)
    )
