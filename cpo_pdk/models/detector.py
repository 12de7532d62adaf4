"""Germanium photodetectors: what they absorb, and how much current they give how fast.

Conventions
    `i1` (and `i2` of the dual detector) is the power absorbed in the germanium, `|S|^2 = 1 - exp(-absorption length)`
    of what enters, after the loss of the taper. That is what a lane's insertion loss ends with: light that the junction
    absorbs has arrived.
    How many electrons it makes is not a loss of the lane: that is the responsivity, current per *incident* power, with
    `external quantum efficiency = responsivity * 1.2398 / wl` and `internal = external / absorbed`, see
    `quantum_efficiency` and `internal_efficiency`. A responsivity that would need more than one electron per absorbed
    photon is refused.
    The dual detector has one detector port per side: its two beams run against each other and add as powers, `i1` for
    light from o1, `i2` for light from o2; what one side does not absorb leaves at the other.
    Dark current and bandwidth are no part of the S-matrix: `dark_current_nA` and `bandwidth_GHz` compute them from the
    dimensions and the same parameters.

Validity
    TE, a reverse bias of 1 V or more: carriers at their saturated velocity, no gain. The modal absorption is a constant
    over the band. Reflection is lumped at the ports; the light that passes a dual detector has no phase. No saturation
    by strong light.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.model import TWO, WL, Model, Ranges
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, spread, wavelength

HC_OVER_Q = 1.239842  # h c / q, V um
#: saturated drift velocity in germanium, um/s: 6e6 cm/s (Sze, Physics of Semiconductor Devices; from memory)
SATURATED_UM_S = 6e10
#: static permittivity of germanium, fF/um: 16.2 (tables of the Ioffe Institute) times that of vacuum
PERMITTIVITY_FF_UM = 16.2 * 8.8541878e-3
#: band gap of germanium at 300 K in eV (literature value, from memory), and Boltzmann's constant in eV/K
GAP_EV, BOLTZMANN_EV_K, ROOM_K = 0.66, 8.617333e-5, 300.0


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


def transit_GHz(distance: ArrayLike) -> Array:
    """3 dB frequency that carriers set which cross the intrinsic germanium: `0.45 v / d`.

    For absorption spread evenly over the distance (Bowers and Burrus, J. Lightwave Technol. 5, 1339 (1987); from
    memory).

    Args:
        distance: between the doped regions in um.
    """
    return 0.45 * SATURATED_UM_S / number("distance", distance, 1e-3, 100.0) * 1e-9


def capacitance_fF(area: ArrayLike, distance: ArrayLike) -> Array:
    """Capacitance of the junction as that of two plates.

    Args:
        area: of the junction in um2.
        distance: between the doped regions in um.
    """
    return PERMITTIVITY_FF_UM * number("area", area, 0.0, 1e6, "um2") / number("distance", distance, 1e-3, 100.0)


def _bandwidth(
    area: ArrayLike, distance: ArrayLike, series_ohm: ArrayLike, parasitic_fF: ArrayLike, load_ohm: ArrayLike
) -> Array:
    """Transit time and RC together, `1 / f^2 = 1 / f_transit^2 + 1 / f_RC^2`, GHz."""
    resistance = number("series_ohm", series_ohm, 0.0, 1e5, "ohm") + number("load_ohm", load_ohm, 0.0, 1e5, "ohm")
    farads = (capacitance_fF(area, distance) + number("parasitic_fF", parasitic_fF, 0.0, 1e5, "fF")) * 1e-15
    return 1 / np.sqrt(transit_GHz(distance) ** -2 + (2 * np.pi * resistance * farads * 1e9) ** 2)


def bandwidth_GHz(
    *,
    length: ArrayLike = 15.0,
    width_ge: ArrayLike = 2.0,
    intrinsic_um: ArrayLike = 0.4,
    series_ohm: ArrayLike = 15.0,
    parasitic_fF: ArrayLike = 5.0,
    load_ohm: ArrayLike = 50.0,
) -> Array:
    """3 dB bandwidth of a vertical detector in GHz.

    Args:
        length: of the germanium in um.
        width_ge: width of the germanium in um.
        intrinsic_um: height of the germanium less its doped top, um.
        series_ohm: of contacts and silicon in ohm.
        parasitic_fF: of the metal in fF.
        load_ohm: that the detector works into, ohm.
    """
    area = number("length", length, 0.0, 1e5) * number("width_ge", width_ge, 0.0, 1e3)
    return _bandwidth(area, intrinsic_um, series_ohm, parasitic_fF, load_ohm)


def bandwidth_lateral_GHz(
    *,
    length: ArrayLike = 15.0,
    width_ge: ArrayLike = 0.5,
    height_ge_um: ArrayLike = 0.5,
    series_ohm: ArrayLike = 30.0,
    parasitic_fF: ArrayLike = 5.0,
    load_ohm: ArrayLike = 50.0,
) -> Array:
    """3 dB bandwidth of a lateral detector in GHz: carriers cross the width of the germanium.

    Args:
        length: of the germanium in um.
        width_ge: width of the germanium in um.
        height_ge_um: height of the germanium in um.
        series_ohm: of contacts and silicon in ohm.
        parasitic_fF: of the metal in fF.
        load_ohm: that the detector works into, ohm.
    """
    area = number("length", length, 0.0, 1e5) * number("height_ge_um", height_ge_um, 0.0, 10.0)
    return _bandwidth(area, number("width_ge", width_ge, 0.0, 1e3), series_ohm, parasitic_fF, load_ohm)


def dark_current_nA(
    *,
    length: ArrayLike = 15.0,
    width_ge: ArrayLike = 2.0,
    dark_mA_cm2: ArrayLike = 5.0,
    dT: ArrayLike = 0.0,
) -> Array:
    """Dark current at -1 V in nA, of the area that germanium and silicon share.

    Generation by defects in the middle of the gap grows as the intrinsic density, `T^1.5 exp(-gap / (2 k T))`.

    Args:
        length: of the germanium in um.
        width_ge: width of the germanium in um.
        dark_mA_cm2: current density at 300 K in mA/cm2.
        dT: temperature above 300 K in K.
    """
    kelvin = ROOM_K + number("dT", dT, -200.0, 300.0, "K")
    growth = (kelvin / ROOM_K) ** 1.5 * np.exp(GAP_EV / (2 * BOLTZMANN_EV_K) * (1 / ROOM_K - 1 / kelvin))
    area = number("length", length, 0.0, 1e5) * number("width_ge", width_ge, 0.0, 1e3)
    return area * number("dark_mA_cm2", dark_mA_cm2, 0.0, 1e5, "mA/cm2") * 1e-2 * growth


def internal_efficiency(
    wl: ArrayLike,
    length: ArrayLike = 15.0,
    absorption_per_um: ArrayLike = 0.23,
    loss_dB: ArrayLike = 0.0,
    responsivity_A_W: ArrayLike = 0.91,
    reflection_dB: ArrayLike = 30.0,
) -> Array:
    """Electrons per absorbed photon that the responsivity implies.

    Args:
        wl: wavelength in um.
        length: of the germanium in um.
        absorption_per_um: modal absorption (power) in 1/um.
        loss_dB: of the taper from silicon to germanium, in dB.
        responsivity_A_W: photocurrent per incident optical power in A/W.
        reflection_dB: back into the waveguide, dB below the input.

    Raises:
        ParameterError: it is above one.
    """
    absorbed, _, _ = _shares(length, absorption_per_um, loss_dB, reflection_dB)
    external = quantum_efficiency(wl, responsivity_A_W)
    if np.any(external > absorbed * (1 + 1e-9)):
        worst = float(np.max(external - absorbed))
        raise ParameterError(
            f"responsivity_A_W asks for a quantum efficiency {worst:.3g} above the absorbed fraction; lower it,"
            " or lengthen the detector"
        )
    return external / absorbed


def _shares(
    length: ArrayLike, absorption_per_um: ArrayLike, loss_dB: ArrayLike, reflection_dB: ArrayLike
) -> tuple[Array, Array, Array]:
    """Shares of the power that are absorbed, that pass to the far side, that come back."""
    back = amplitude(number("reflection_dB", reflection_dB, 0.0, 300.0, "dB")) ** 2
    taper = amplitude(number("loss_dB", loss_dB, 0.0, 100.0, "dB")) ** 2
    caught = absorbed_fraction(length, absorption_per_um)
    return (1 - back) * taper * caught, (1 - back) * taper**2 * (1 - caught), back


def _single(
    wl: ArrayLike,
    length: ArrayLike,
    absorption_per_um: ArrayLike,
    loss_dB: ArrayLike,
    responsivity_A_W: ArrayLike,
    reflection_dB: ArrayLike,
    *unused: Array,
) -> SDict:
    """S-matrix of a detector lit from one end; `unused` only give it their shape."""
    internal_efficiency(wl, length, absorption_per_um, loss_dB, responsivity_A_W, reflection_dB)
    absorbed, _, back = _shares(length, absorption_per_um, loss_dB, reflection_dB)
    entries = {("o1", "i1"): np.sqrt(absorbed), ("o1", "o1"): 1j * np.sqrt(back)}
    return spread(entries, wavelength(wl), responsivity_A_W, *unused)


def _electric(**values: ArrayLike) -> tuple[Array, ...]:
    """What acts on dark current and bandwidth only, checked."""
    return tuple(number(name, value, 0.0, 1e5, "") for name, value in values.items())


def photodetector(
    wl: ArrayLike,
    *,
    length: ArrayLike = 15.0,
    width_ge: ArrayLike = 2.0,
    absorption_per_um: ArrayLike = 0.23,
    loss_dB: ArrayLike = 0.0,
    responsivity_A_W: ArrayLike = 0.91,
    reflection_dB: ArrayLike = 30.0,
    dark_mA_cm2: ArrayLike = 5.0,
    intrinsic_um: ArrayLike = 0.4,
    series_ohm: ArrayLike = 15.0,
    parasitic_fF: ArrayLike = 5.0,
) -> SDict:
    """Vertical detector lit from one end; what is not absorbed is lost.

    Args:
        wl: wavelength in um.
        length: of the germanium in um.
        width_ge: width of the germanium in um; acts on `dark_current_nA` and `bandwidth_GHz` only.
        absorption_per_um: modal absorption (power) in 1/um.
        loss_dB: of the taper from silicon to germanium, in dB.
        responsivity_A_W: photocurrent per incident optical power in A/W; does not act on the result, but is checked.
        reflection_dB: back into the waveguide, dB below the input.
        dark_mA_cm2: for `dark_current_nA`.
        intrinsic_um: for `bandwidth_GHz`.
        series_ohm: for `bandwidth_GHz`.
        parasitic_fF: for `bandwidth_GHz`.

    Raises:
        ParameterError: an argument is not usable, or the responsivity is more than the absorbed light can give.
    """
    unused = _electric(
        width_ge=width_ge,
        dark_mA_cm2=dark_mA_cm2,
        intrinsic_um=intrinsic_um,
        series_ohm=series_ohm,
        parasitic_fF=parasitic_fF,
    )
    return _single(wl, length, absorption_per_um, loss_dB, responsivity_A_W, reflection_dB, *unused)


def photodetector_lateral(
    wl: ArrayLike,
    *,
    length: ArrayLike = 15.0,
    width_ge: ArrayLike = 0.5,
    absorption_per_um: ArrayLike = 0.23,
    loss_dB: ArrayLike = 0.0,
    responsivity_A_W: ArrayLike = 0.91,
    reflection_dB: ArrayLike = 30.0,
    dark_mA_cm2: ArrayLike = 5.0,
    height_ge_um: ArrayLike = 0.5,
    series_ohm: ArrayLike = 30.0,
    parasitic_fF: ArrayLike = 5.0,
) -> SDict:
    """Lateral detector lit from one end; arguments as `photodetector`, `height_ge_um` for `bandwidth_lateral_GHz`."""
    unused = _electric(
        width_ge=width_ge,
        dark_mA_cm2=dark_mA_cm2,
        height_ge_um=height_ge_um,
        series_ohm=series_ohm,
        parasitic_fF=parasitic_fF,
    )
    return _single(wl, length, absorption_per_um, loss_dB, responsivity_A_W, reflection_dB, *unused)


def photodetector_dual(
    wl: ArrayLike,
    *,
    length: ArrayLike = 15.0,
    width_ge: ArrayLike = 2.0,
    absorption_per_um: ArrayLike = 0.23,
    loss_dB: ArrayLike = 0.0,
    responsivity_A_W: ArrayLike = 0.91,
    reflection_dB: ArrayLike = 30.0,
    dark_mA_cm2: ArrayLike = 5.0,
    intrinsic_um: ArrayLike = 0.4,
    series_ohm: ArrayLike = 15.0,
    parasitic_fF: ArrayLike = 5.0,
) -> SDict:
    """Vertical detector lit from both ends; arguments as `photodetector`.

    The light that passes has no phase: the length of the cell outside the germanium is not modelled.
    """
    unused = _electric(
        width_ge=width_ge,
        dark_mA_cm2=dark_mA_cm2,
        intrinsic_um=intrinsic_um,
        series_ohm=series_ohm,
        parasitic_fF=parasitic_fF,
    )
    internal_efficiency(wl, length, absorption_per_um, loss_dB, responsivity_A_W, reflection_dB)
    absorbed, passed, back = (np.sqrt(s) for s in _shares(length, absorption_per_um, loss_dB, reflection_dB))
    entries: dict[tuple[str, str], np.ndarray] = {("o1", "o2"): passed, ("o2", "o1"): passed}
    for side, detector in (("o1", "i1"), ("o2", "i2")):
        entries[side, detector] = absorbed
        entries[side, side] = 1j * back
    return spread(entries, wavelength(wl), responsivity_A_W, *unused)


_DETECTOR: Ranges = {
    **WL,
    "length": (12.0, 50.0, "um"),
    "absorption_per_um": (0.23, 1.0, "1/um"),
    "loss_dB": (0.0, 0.05, "dB"),
    "responsivity_A_W": (0.0, 0.92, "A/W"),
    "reflection_dB": (25.0, 60.0, "dB"),
    "dark_mA_cm2": (0.1, 1e3, "mA/cm2"),
    "series_ohm": (0.0, 300.0, "ohm"),
    "parasitic_fF": (0.0, 100.0, "fF"),
}
_VERTICAL: Ranges = {**_DETECTOR, "width_ge": (1.2, 4.0, "um"), "intrinsic_um": (0.2, 1.0, "um")}
_TAPER = {"length_taper": "its loss is within the published responsivity"}


MODELS = (
    Model("photodetector", photodetector, ("o1",), detectors=("i1",), ranges=_VERTICAL, drawn_only=_TAPER),
    Model("photodetector_dual", photodetector_dual, TWO, detectors=("i1", "i2"), ranges=_VERTICAL, drawn_only=_TAPER),
    Model(
        "photodetector_lateral",
        photodetector_lateral,
        ("o1",),
        detectors=("i1",),
        ranges={**_DETECTOR, "width_ge": (0.5, 2.0, "um"), "height_ge_um": (0.2, 1.0, "um")},
        drawn_only=_TAPER,
    ),
)
