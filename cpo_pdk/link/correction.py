"""What forward error correction leaves of the errors on the line.

Formulas
    Reed-Solomon code of n symbols with m bits that corrects t of them: with independent bit errors p, a symbol is wrong
    with `1 - (1 - p)^m`, and a codeword can't be corrected with the binomial tail beyond t (textbooks). RS(544,514) is
    KP4 (t = 15), RS(528,514) is KR4 (t = 7), both of 10 bits (IEEE 802.3 clause 91).

Validity
    Independent errors. Bursts of an equaliser with feedback are worse; the equaliser here has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array


@dataclass(frozen=True)
class ReedSolomon:
    """A code: symbols of a codeword, those of them that carry data, bits of a symbol."""

    symbols: int
    data: int
    bits: int = 10

    @property
    def corrects(self) -> int:
        """Wrong symbols that a codeword may have."""
        return (self.symbols - self.data) // 2


CODES: dict[str, ReedSolomon] = {"KP4": ReedSolomon(544, 514), "KR4": ReedSolomon(528, 514)}


def codeword_failures(ber: ArrayLike, code: ReedSolomon) -> Array:
    """Share of codewords that can't be corrected.

    Args:
        ber: bit error ratio on the line, independent errors.
        code: of the correction.

    Raises:
        ParameterError: a ratio that isn't one.
    """
    ratio = np.asarray(ber, dtype=np.float64)
    if not np.all((ratio >= 0) & (ratio <= 1)):
        raise ParameterError("bit error ratio has to be between 0 and 1; correct it")
    wrong = -np.expm1(code.bits * np.log1p(-np.minimum(ratio, 1 - 1e-15)))
    return np.asarray(binom.sf(code.corrects, code.symbols, wrong))


def corrected_ber(ber: ArrayLike, fec: str) -> Array:
    """Bit error ratio behind the correction; the line's own where there is none.

    In a codeword that fails, the wrong symbols stay; each of them has as many wrong bits as on the line.

    Args:
        ber: on the line.
        fec: KP4, KR4 or none.

    Raises:
        ParameterError: an unknown correction.
    """
    ratio = np.asarray(ber, dtype=np.float64)
    if fec == "none":
        return ratio
    if fec not in CODES:
        raise ParameterError(f"unknown error correction {fec}; there are: {', '.join(CODES)}, none")
    code = CODES[fec]
    failing = codeword_failures(ratio, code)
    wrong = -np.expm1(code.bits * np.log1p(-np.minimum(ratio, 1 - 1e-15)))
    # mean number of wrong symbols of a failing codeword: n w P(at least t others fail) / P(fail)
    symbols = wrong * binom.sf(code.corrects - 1, code.symbols - 1, wrong)
    with np.errstate(invalid="ignore", divide="ignore"):
        bits = np.where(wrong > 0, ratio / wrong, 0.0)
    return np.where(failing > 0, symbols * bits, 0.0)
