"""From chip to fibre and along the fibre: edge coupler, grating coupler, fibre.

Conventions
    Edge coupler and fibre carry `@TM` beside TE; in the fibre the two are its two polarisations, kept apart (no
    polarisation coupling). A loss is one number at the facet: mode mismatch, taper and Fresnel loss together.

Validity
    Edge coupler: loss flat over 1260 to 1360 nm, as measured; no reflection, as no source gives one for an
    index-matched facet. Grating: parabola in dB about its centre, good within its 3 dB bandwidth; its reflection is
    the upper bound published for another O-band grating. Phase through the edge coupler is that of the strip over its
    length, through the grating zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.model import HEAT, TM_THROUGH, TWO, WL, Model
from cpo_pdk.models.sdict import SDict, amplitude, number, reciprocal, wavelength
from cpo_pdk.models.waveguide import propagation


def edge_coupler(
    wl: ArrayLike,
    *,
    length_taper: ArrayLike = 150.0,
    loss_dB: ArrayLike = 1.5,
    loss_TM_dB: ArrayLike = 2.0,
    dT: ArrayLike = 0.0,
) -> SDict:
    """Inverse taper from the strip (o1) to the facet (o2), TE and TM.

    Args:
        wl: wavelength in um.
        length_taper: in um; gives the phase only.
        loss_dB: facet loss of TE in dB, everything included.
        loss_TM_dB: facet loss of TM in dB.
        dT: temperature rise in K.
    """
    te, tm = (
        amplitude(number(name, loss, 0.0, 100.0, "dB"))
        * propagation(wl, length_taper, mode=mode, loss_dB_cm=0.0, dT=dT)
        for name, loss, mode in (("loss_dB", loss_dB, "TE"), ("loss_TM_dB", loss_TM_dB, "TM"))
    )
    return reciprocal({("o1", "o2"): te, ("o1@TM", "o2@TM"): tm})


def grating_coupler(
    wl: ArrayLike,
    *,
    loss_dB: ArrayLike = 5.5,
    wl_peak: ArrayLike = 1.31,
    bandwidth_1dB_nm: ArrayLike = 30.0,
    reflection_dB: ArrayLike = 20.0,
) -> SDict:
    """TE grating from the strip (o1) to a fibre above (o2): `loss + (2 (wl - wl_peak) / bandwidth)^2` dB.

    Args:
        wl: wavelength in um.
        loss_dB: at the peak in dB.
        wl_peak: in um.
        bandwidth_1dB_nm: full width where the loss has risen by 1 dB, in nm.
        reflection_dB: back into either port, dB below the input.

    Raises:
        ParameterError: also when transmission and reflection add to more than the input.
    """
    width = number("bandwidth_1dB_nm", bandwidth_1dB_nm, 1e-3, 1e3, "nm") * 1e-3
    offset = 2 * (wavelength(wl) - number("wl_peak", wl_peak, 1.0, 2.0)) / width
    through = amplitude(number("loss_dB", loss_dB, 0.0, 100.0, "dB") + offset**2)
    back = amplitude(number("reflection_dB", reflection_dB, 0.0, 300.0, "dB"))
    if np.any(through + back > 1 + 1e-12):
        raise ParameterError(
            "loss_dB and reflection_dB make a grating that can emit more than it gets; raise one of them"
        )
    return reciprocal({("o1", "o2"): through, ("o1", "o1"): back, ("o2", "o2"): back})


def fiber(
    wl: ArrayLike, *, length: ArrayLike = 2e5, attenuation_dB_km: ArrayLike = 0.35, ng: ArrayLike = 1.468
) -> SDict:
    """Single-mode fibre of `length` um, both polarisations alike; no dispersion beyond the constant index `ng`.

    Args:
        wl: wavelength in um.
        length: in um.
        attenuation_dB_km: in dB/km.
        ng: index that gives phase and delay.
    """
    L = number("length", length, 0.0, 1e12)
    loss = number("attenuation_dB_km", attenuation_dB_km, 0.0, 1e3, "dB/km") * L * 1e-9
    one = amplitude(loss) * np.exp(2j * np.pi * number("ng", ng, 1.0, 2.0, "") * L / wavelength(wl))
    return reciprocal({("o1", "o2"): one, ("o1@TM", "o2@TM"): one})


MODELS = (
    Model(
        "edge_coupler",
        edge_coupler,
        TWO,
        TM_THROUGH,
        ranges={
            **HEAT,
            "length_taper": (10.0, 1000.0, "um"),
            "loss_dB": (0.0, 10.0, "dB"),
            "loss_TM_dB": (0.0, 10.0, "dB"),
        },
        drawn_only={"tip_width": "the loss is a published number for a spot of 4 um"},
    ),
    Model(
        "grating_coupler",
        grating_coupler,
        TWO,
        ranges={
            **WL,
            "loss_dB": (1.0, 20.0, "dB"),
            "wl_peak": (1.29, 1.33, "um"),
            "bandwidth_1dB_nm": (10.0, 60.0, "nm"),
            "reflection_dB": (20.0, 60.0, "dB"),
        },
        drawn_only={
            "period": "peak, bandwidth and loss are published numbers of this grating",
            "fill_factor": "peak, bandwidth and loss are published numbers of this grating",
            "n_periods": "peak, bandwidth and loss are published numbers of this grating",
            "half_angle": "peak, bandwidth and loss are published numbers of this grating",
        },
    ),
    Model(
        "fiber",
        fiber,
        TWO,
        TM_THROUGH,
        ranges={**WL, "length": (0.0, 1e9, "um"), "attenuation_dB_km": (0.0, 5.0, "dB/km"), "ng": (1.44, 1.48, "1")},
        drawn_only={
            "kind": "tells the sheets of the two fibres apart",
            "path": "its length is computed from it (info length)",
        },
    ),
)
