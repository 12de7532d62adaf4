"""Loss of mated connectors: a normal spread cut off where a pair is made again, about the mean of the part.

A pair loses at least nothing and at most `connector_max_dB`: what is worse is cleaned and mated again. The cut-off
distribution is the truncated normal one (N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions,
vol. 1, 1994, section 13.10); its two parameters are solved for, so that mean and standard deviation of what is left are
those of the sheets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from cpo_pdk.errors import ParameterError, SpecError
from cpo_pdk.models.sdict import Array
from cpo_pdk.spec.part import Part
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import uniforms

#: pairs of one fibre that have their own random numbers
PAIRS_LIMIT = 64
_WIDEST = 20.0  # widest parent over the limit: wider ones are the uniform distribution to 1e-3
_FURTHEST = 4.5  # of a parent's centre beyond the limits, in widths: 3e-6 of it are left


@dataclass(frozen=True)
class Connectors:
    """Spread of one kind of mated pair.

    Attributes:
        mean_dB, sigma_dB, max_dB: of the loss of a pair.
        centre_dB, width_dB: of the normal distribution before it is cut off at 0 and `max_dB`; width 0: no spread.
    """

    mean_dB: float
    sigma_dB: float
    max_dB: float
    centre_dB: float
    width_dB: float

    @classmethod
    def of(cls, attach: Part, connector: Part) -> Connectors:
        """The spread that a sheet of kind attach gives to a connector.

        Raises:
            SpecError: a mean that is not below the limit, a spread that no cut-off distribution has.
        """
        mean, sigma, most = connector["loss_dB"], attach["connector_sigma_dB"], attach["connector_max_dB"]
        if sigma == 0:
            return cls(mean, 0.0, most, mean, 0.0)
        if not 0 < mean < most:
            text = (
                f"connector_max_dB is {most:g} dB, the mean loss of {connector.name} is {mean:g} dB: a spread needs "
                "a mean between 0 and the limit; raise connector_max_dB, or set connector_sigma_dB to 0"
            )
            raise SpecError([attach.problem(("parameters", "connector_max_dB", "value"), text)])
        try:
            centre, width = _parent(mean, sigma, most)
        except ValueError as largest:
            text = (
                f"connector_sigma_dB is {sigma:g} dB, losses between 0 and {most:g} dB of mean {mean:g} dB can spread "
                f"by {largest} dB; lower it or raise connector_max_dB"
            )
            raise SpecError([attach.problem(("parameters", "connector_sigma_dB", "value"), text)]) from None
        return cls(mean, sigma, most, centre, width)

    def deviation_dB(self, draw: Draw, fibres: int | Sequence[int], pairs: int) -> Array:
        """Loss of some pairs in a row beyond their mean.

        Args:
            draw: samples, seed.
            fibres: how many, or the numbers of those that are asked for: equal numbers are equal fibres.
            pairs: of each fibre.

        Returns:
            dB, shape (S, F); 0 where the cause is fixed.

        Raises:
            ParameterError: a negative or absurd number of pairs.
        """
        if not 0 <= pairs <= PAIRS_LIMIT:
            raise ParameterError(f"pairs is {pairs}, 0 to {PAIRS_LIMIT} mated pairs in a row allowed; give fewer")
        numbers = np.arange(fibres) if isinstance(fibres, int) else np.asarray(fibres, np.int64)
        shape = (len(draw.samples), len(numbers))
        if self.width_dB == 0 or pairs == 0 or "connector" in draw.fixed:
            return np.zeros(shape)
        low, high = ndtr(-self.centre_dB / self.width_dB), ndtr((self.max_dB - self.centre_dB) / self.width_dB)
        total = np.zeros(shape)
        for pair in range(pairs):
            share = uniforms(draw, "connector", numbers, purpose=f"pair {pair}")
            total += self.centre_dB + self.width_dB * ndtri(low + share * (high - low)) - self.mean_dB
        return total


def moments(centre: float, width: float, most: float) -> tuple[float, float]:
    """Mean and standard deviation of a normal distribution that is cut off at 0 and `most`."""
    a, b = -centre / width, (most - centre) / width
    share = ndtr(b) - ndtr(a) if a < 0 else ndtr(-a) - ndtr(-b)
    at_a, at_b = (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (a, b))
    shift = (at_a - at_b) / share
    variance = 1 + (a * at_a - b * at_b) / share - shift**2
    return centre + width * shift, width * math.sqrt(max(variance, 0.0))


def _centre(mean: float, width: float, most: float) -> float | None:
    """Centre of the parent of this width whose rest has this mean; None where less than 1e-6 of it would be left."""
    low, high = -_FURTHEST * width, most + _FURTHEST * width
    if not moments(low, width, most)[0] < mean < moments(high, width, most)[0]:
        return None
    return cast(float, brentq(lambda centre: moments(centre, width, most)[0] - mean, low, high, xtol=1e-12))


def _parent(mean: float, sigma: float, most: float) -> tuple[float, float]:
    """Centre and width of the parent; raises `ValueError` with the largest spread that there is."""
    low, reached = sigma, 0.0
    for width in np.geomspace(sigma, _WIDEST * most, 200):
        centre = _centre(mean, width, most)
        if centre is None:
            break
        reached = moments(centre, width, most)[1]
        if reached >= sigma:
            if width > low:
                width = cast(float, brentq(lambda w: _spread(mean, w, most) - sigma, low, width, xtol=1e-12))
            return cast(float, _centre(mean, float(width), most)), float(width)
        low = width
    raise ValueError(f"{reached:.3g}")


def _spread(mean: float, width: float, most: float) -> float:
    centre = _centre(mean, width, most)
    return moments(cast(float, centre), width, most)[1]
