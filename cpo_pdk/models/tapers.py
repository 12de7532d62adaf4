"""Strip tapers: phase along a changing width, and the light that a taper too short turns into a higher mode.

Conventions
    Ports `o1` (width1) and `o2` (width2), TE0 only. Phase is the integral of the index of the local width.

Method
    Coupled local modes of a slab (Milton and Burns, IEEE J. Quantum Electron. 13, 828 (1977)): a symmetric taper turns
    the fundamental mode into the next symmetric one with `0.75 W' / W` per length, and the two beat with
    `4 pi^2 / (k0 n W^2)`. What is left at either end is the quotient; here both ends are taken to add up, which is the
    worst case, and the converted light counts as lost.

Validity
    TE, widths of 0.3 to 3 um. No reflection; radiation of a narrow end (below 0.3 um the mode leaves the core) is not
    included. Taper loss of a fabricated device is not separated from propagation loss by any source found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.model import DEVIATIONS, GUIDE, TWO, Model
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, reciprocal, wavelength
from cpo_pdk.models.slabs import film_index, strip_index
from cpo_pdk.tech.waveguides import cross_section as load_cross_section

#: points and weights of the Gauss-Legendre rule along a taper
_GAUSS = tuple(zip(*np.polynomial.legendre.leggauss(8), strict=True))


def taper_phase(
    wl: ArrayLike,
    length: ArrayLike,
    width1: ArrayLike | None = None,
    width2: ArrayLike | None = None,
    *,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> np.ndarray:
    """`exp(+1j phase)` of TE0 along a linear taper of a strip, index integrated over the width.

    Args:
        wl: wavelength in um.
        length: in um.
        width1: at one end in um; None: the strip's.
        width2: at the other end in um; None: the strip's.
        dT: temperature rise in K.
        dw: what the core is wider than drawn, nm.
        dh: what the core is higher than 0.22 um, nm.
    """
    default = load_cross_section("strip").width
    first, last = (np.asarray(default if w is None else w, dtype=np.float64) for w in (width1, width2))
    mean = sum(
        weight / 2 * strip_index(wl, (first + last) / 2 + (last - first) / 2 * node, dT, dw=dw, dh=dh)
        for node, weight in _GAUSS
    )
    return np.exp(2j * np.pi * mean * number("length", length, 0.0, 1e6) / wavelength(wl))


def converted_share(
    wl: ArrayLike, width1: ArrayLike, width2: ArrayLike, length: ArrayLike, dT: ArrayLike = 0.0
) -> Array:
    """Share of the power that a linear taper turns into the next symmetric mode, at worst.

    Args:
        wl: wavelength in um.
        width1: at one end in um.
        width2: at the other end in um.
        length: in um.
        dT: temperature rise in K.
    """
    first, last = np.asarray(width1, dtype=np.float64), np.asarray(width2, dtype=np.float64)
    slope = np.abs(last - first) / np.asarray(length)
    a = 0.75 * slope * film_index(wl, dT=dT) * (first + last) / (2 * np.pi * np.asarray(wl))
    return a**2 / (1 + a**2)


def taper(
    wl: ArrayLike,
    *,
    length: ArrayLike = 20.0,
    width1: ArrayLike = 0.4,
    width2: ArrayLike = 1.0,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Linear strip taper from `width1` (o1) to `width2` (o2).

    Args:
        wl: wavelength in um.
        length: in um.
        width1: core width at o1 in um.
        width2: core width at o2 in um.
        loss_dB_cm: propagation loss in dB/cm; None: the strip's.
        dT: temperature rise in K.
        dw: what the core is wider than drawn, nm.
        dh: what the core is higher than 0.22 um, nm.
    """
    along = number("length", length, 0.1, 1e5)
    first, last = number("width1", width1, 0.3, 5.0), number("width2", width2, 0.3, 5.0)
    per_cm = load_cross_section("strip").loss_dB_cm["TE"].value if loss_dB_cm is None else loss_dB_cm
    loss = amplitude(number("loss_dB_cm", per_cm, 0.0, 1e4, "dB/cm") * along * 1e-4)
    kept = np.sqrt(1 - converted_share(wl, first, last, along, dT))
    return reciprocal({("o1", "o2"): loss * kept * taper_phase(wl, along, first, last, dT=dT, dw=dw, dh=dh)})


MODELS = (
    Model(
        "taper",
        taper,
        TWO,
        ranges={
            **GUIDE,
            **DEVIATIONS,
            "length": (5.0, 500.0, "um"),
            "width1": (0.35, 3.0, "um"),
            "width2": (0.35, 3.0, "um"),
        },
    ),
)
