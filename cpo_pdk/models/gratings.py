"""Grating couplers.

Conventions
    `o1` is the strip, `o2` the fibre above.

Validity
    Parabola in dB about its centre, good within its 3 dB bandwidth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.model import TWO, WL, Model
from cpo_pdk.models.sdict import SDict, amplitude, number, reciprocal, wavelength


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


MODELS = (
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
)
