"""Germanium photodetectors.

Conventions
    `i1` (and `i2` of the dual detector) is the power absorbed in the germanium, `|S|^2 = 1 - exp(-absorption length)`
    after the loss of the taper. That is what a lane's insertion loss ends with: light that the junction absorbs has
    arrived.
    How many electrons it makes is not a loss of the lane: that is the responsivity, current per *incident* power, with
    `external quantum efficiency = responsivity * 1.2398 / wl` and `internal = external / absorbed`, see
    `quantum_efficiency` and `internal_efficiency`. A responsivity that would need more than one electron per absorbed
    photon is refused.
    The dual detector has one detector port per side: its two beams run against each other and add as powers, `i1` for
    light from o1, `i2` for light from o2; what one side does not absorb leaves at the other.

Validity
    TE. The modal absorption is a constant over the band. Reflection: none, no source gives one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.model import TWO, WL, Model, Ranges
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, spread, wavelength

HC_OVER_Q = 1.239842  # h c / q, V um


def quantum_efficiency(wl: ArrayLike, responsivity_A_W: ArrayLike) -> Array:
    """External quantum efficiency `R h c / (q wl)`: electrons per incident photon.

    Args:
        wl: wavelength in um.
        responsivity_A_W: photocurrent per incident optical power in A/W.
    """
    return number("responsivity_A_W", responsivity_A_W, 0.0, 10.0, "A/W") * HC_OVER_Q / wavelength(wl)


def absorbed_fraction(length: ArrayLike, absorption_per_um: ArrayLike) -> Array:
    """Share of the light that germanium of `length` um absorbs, `1 - exp(-absorption length)`."""
    return -np.expm1(
        -number("length", length, 0.0, 1e5) * number("absorption_per_um", absorption_per_um, 0.0, 100.0, "1/um")
    )


def internal_efficiency(
    wl: ArrayLike,
    length: ArrayLike = 15.0,
    absorption_per_um: ArrayLike = 0.23,
    loss_dB: ArrayLike = 0.0,
    responsivity_A_W: ArrayLike = 0.91,
) -> Array:
    """Electrons per absorbed photon that the responsivity implies.

    Args:
        wl: wavelength in um.
        length: of the germanium in um.
        absorption_per_um: modal absorption (power) in 1/um.
        loss_dB: of the taper from silicon to germanium, in dB.
        responsivity_A_W: photocurrent per incident optical power in A/W.

    Raises:
        ParameterError: it is above one.
    """
    absorbed = amplitude(number("loss_dB", loss_dB, 0.0, 100.0, "dB")) ** 2 * absorbed_fraction(
        length, absorption_per_um
    )
    external = quantum_efficiency(wl, responsivity_A_W)
    if np.any(external > absorbed * (1 + 1e-9)):
        worst = float(np.max(external - absorbed))
        raise ParameterError(
            f"responsivity_A_W asks for a quantum efficiency {worst:.3g} above the absorbed fraction; lower it,"
            " or lengthen the detector"
        )
    return external / absorbed


def photodetector(
    wl: ArrayLike,
    *,
    length: ArrayLike = 15.0,
    absorption_per_um: ArrayLike = 0.23,
    loss_dB: ArrayLike = 0.0,
    responsivity_A_W: ArrayLike = 0.91,
) -> SDict:
    """Detector lit from one end; what is not absorbed is lost.

    Args:
        wl: wavelength in um.
        length: of the germanium in um.
        absorption_per_um: modal absorption (power) in 1/um.
        loss_dB: of the taper from silicon to germanium, in dB.
        responsivity_A_W: photocurrent per incident optical power in A/W; does not act on the result, but is checked.

    Raises:
        ParameterError: an argument is not usable, or the responsivity is more than the absorbed light can give.
    """
    internal_efficiency(wl, length, absorption_per_um, loss_dB, responsivity_A_W)
    absorbed = amplitude(loss_dB) * np.sqrt(absorbed_fraction(length, absorption_per_um))
    return spread({("o1", "i1"): absorbed}, wavelength(wl), responsivity_A_W)


def photodetector_dual(
    wl: ArrayLike,
    *,
    length: ArrayLike = 15.0,
    absorption_per_um: ArrayLike = 0.23,
    loss_dB: ArrayLike = 0.0,
    responsivity_A_W: ArrayLike = 0.91,
) -> SDict:
    """Detector lit from both ends; arguments as `photodetector`.

    The light that passes has no phase: the length of the cell outside the germanium is not modelled.
    """
    internal_efficiency(wl, length, absorption_per_um, loss_dB, responsivity_A_W)
    absorbed = amplitude(loss_dB) * np.sqrt(absorbed_fraction(length, absorption_per_um))
    passed = amplitude(2 * np.asarray(loss_dB)) * np.sqrt(1 - absorbed_fraction(length, absorption_per_um))
    return spread(
        {("o1", "i1"): absorbed, ("o2", "i2"): absorbed, ("o1", "o2"): passed, ("o2", "o1"): passed},
        wavelength(wl),
        responsivity_A_W,
    )


_DETECTOR: Ranges = {
    **WL,
    "length": (12.0, 50.0, "um"),
    "absorption_per_um": (0.23, 1.0, "1/um"),
    "loss_dB": (0.0, 0.05, "dB"),
    "responsivity_A_W": (0.0, 0.92, "A/W"),
}


MODELS = (
    Model(
        "photodetector",
        photodetector,
        ("o1",),
        detectors=("i1",),
        ranges=_DETECTOR,
        drawn_only={
            "width_ge": "responsivity and absorption are published numbers of a device of this kind",
            "length_taper": "its loss is within the published responsivity",
        },
    ),
    Model(
        "photodetector_dual",
        photodetector_dual,
        TWO,
        detectors=("i1", "i2"),
        ranges=_DETECTOR,
        drawn_only={
            "width_ge": "responsivity and absorption are published numbers of a device of this kind",
            "length_taper": "its loss is within the published responsivity",
        },
    ),
)
