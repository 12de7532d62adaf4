"""From the ratio of an eye to its noise to the bit error ratio, and back.

Formulas
    Gaussian noise, `Q(x) = erfc(x / sqrt 2) / 2`, where x is half the (smallest) eye over the rms noise. NRZ: BER =
    Q(x). PAM4: the inner levels err to both sides, so that the symbol error ratio is 1.5 Q(x); Gray coding makes that
    one wrong bit of two, BER = 0.75 Q(x) (textbooks; IEEE 802.3 clause 121.8.5.3 has the same 1.5: 3.414 for a
    symbol error ratio of 4.8e-4).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfc, ndtri

from cpo_pdk.errors import ParameterError

Modulation = Literal["NRZ", "PAM4"]
Array = NDArray[np.floating[Any]]

LEVELS: dict[str, int] = {"NRZ": 2, "PAM4": 4}


def levels_of(modulation: str) -> int:
    """Number of levels.

    Raises:
        ParameterError: neither NRZ nor PAM4.
    """
    if modulation not in LEVELS:
        raise ParameterError(f'modulation is "{modulation}"; NRZ or PAM4 needed')
    return LEVELS[modulation]


def bits_of(modulation: str) -> int:
    """Bits of one symbol."""
    return levels_of(modulation).bit_length() - 1


def tail(x: ArrayLike) -> Array:
    """Share of a Gaussian beyond x times its deviation."""
    return erfc(np.asarray(x, dtype=np.float64) / np.sqrt(2)) / 2


def errors_per_tail(modulation: str) -> float:
    """Bit error ratio over `Q(x)`: 1 for NRZ, 0.75 for PAM4 with Gray coding."""
    count = levels_of(modulation)
    return 2 * (count - 1) / count / bits_of(modulation)


def ber_of_q(q: ArrayLike, modulation: str) -> Array:
    """Bit error ratio.

    Args:
        q: half the eye over the rms noise.
        modulation: NRZ or PAM4.
    """
    return errors_per_tail(modulation) * tail(q)


def q_of_ber(ber: ArrayLike, modulation: str) -> Array:
    """Half the eye over the rms noise that gives a bit error ratio; 0 where it is that of guessing, or worse.

    Args:
        ber: above 0.
        modulation: NRZ or PAM4.

    Raises:
        ParameterError: a ratio not above 0, or above 1.
    """
    ratio = np.asarray(ber, dtype=np.float64)
    if not np.all((ratio > 0) & (ratio <= 1)):
        worst = float(np.ravel(ratio[~((ratio > 0) & (ratio <= 1))])[0])
        raise ParameterError(f"bit error ratio is {worst:g}; above 0 and up to 1 needed")
    return np.maximum(-ndtri(np.minimum(ratio / errors_per_tail(modulation), 0.5)), 0.0)


def symbol_errors(ber: float, modulation: str) -> float:
    """Symbol error ratio of a bit error ratio, with Gray coding and one wrong bit a symbol."""
    return ber * bits_of(modulation)
