"""Grating couplers, for one polarisation and for both.

Conventions
    `o1` is the strip, the last port the fibre above. The fibre leans by `angle_deg` along the light's way (over the
    dual grating along the diagonal between its arms), measured in air; a tilt adds to it. `dx` is the fibre's offset
    along the light's way from the place where the grating as drawn couples best, `dy` across. The peak is where the
    grating's wave leaves at the fibre's angle. `loss_dB` is the loss there of the best uniform grating (80 % overlap):
    what a grating that is apodised, misplaced or of another decay gains or loses is relative to that. The spectrum is a
    parabola in dB. `dh`, `d_etch`: nm that the film is higher, the grooves deeper than drawn; `dw`: nm that the teeth
    are wider.

Validity
    TE in the chip, within 3 dB of the peak. Index and radiation as `models.grating_physics` has them:
    the peak of a measured grating is met to about 1 %, the decay to a factor of 1.5. The fan is filled by its
    fundamental mode. Directionality and substrate reflection are within the published loss and taken as unchanged.
    Reflection: the upper bound published for another O-band grating.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.grating_along import along_grating, fibre_sine, process_shifts
from cpo_pdk.models.grating_physics import peak_wavelength
from cpo_pdk.models.mode_overlap import DB, axis_overlap
from cpo_pdk.models.model import HEAT, OPERATED, TWO, Model, Ranges
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, reciprocal, wavelength

#: largest overlap of a Gaussian with an exponential (Zhao and Fan, arXiv 2002.05885 (2020): 80 %)
UNIFORM_OVERLAP = 0.8010
#: mode field diameter of the Gaussian that fits half a period of a cosine best, as a share of that half period
COSINE_MFD = 0.7032


def fan_mfd(length_taper: ArrayLike, half_angle: ArrayLike, place: ArrayLike) -> Array:
    """Mode field diameter in um across a fan, `place` um beyond its first tooth: of a cosine over the fan's width.

    Args:
        length_taper: from the port to the first tooth in um.
        half_angle: of the fan in degrees.
        place: of the fibre in um.
    """
    opening = np.sin(np.radians(number("half_angle", half_angle, 0.1, 80.0, "degrees")))
    return COSINE_MFD * 2 * (number("length_taper", length_taper, 0.0, 1e4) + np.asarray(place, np.float64)) * opening


def _passed(
    wl: ArrayLike, loss_dB: Array, peak: Array, bandwidth_1dB_nm: ArrayLike, reflection_dB: ArrayLike
) -> tuple[Array, Array]:
    """Amplitudes of what passes and of what comes back."""
    width = number("bandwidth_1dB_nm", bandwidth_1dB_nm, 1e-3, 1e3, "nm") * 1e-3
    through = amplitude(loss_dB + (2 * (wavelength(wl) - peak) / width) ** 2)
    back = amplitude(number("reflection_dB", reflection_dB, 0.0, 300.0, "dB"))
    if np.any(loss_dB < 0) or np.any(through**2 + back**2 > 1 + 1e-12):
        raise ParameterError(
            "loss_dB and reflection_dB make a grating that can emit more than it gets; raise one of them"
        )
    return through, back


def grating_coupler(
    wl: ArrayLike,
    *,
    period: ArrayLike = 0.5,
    fill_factor: ArrayLike = 0.5,
    apodisation: ArrayLike = 0.0,
    chirp: ArrayLike = 0.0,
    n_periods: ArrayLike = 80,
    length_taper: ArrayLike = 16.0,
    half_angle: ArrayLike = 20.0,
    angle_deg: ArrayLike = 10.0,
    loss_dB: ArrayLike = 5.5,
    bandwidth_1dB_nm: ArrayLike = 30.0,
    reflection_dB: ArrayLike = 20.0,
    fiber_mfd_um: ArrayLike = 9.2,
    dx: ArrayLike = 0.0,
    dy: ArrayLike = 0.0,
    tilt_x_deg: ArrayLike = 0.0,
    tilt_y_deg: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    d_etch: ArrayLike = 0.0,
    dT: ArrayLike = 0.0,
) -> SDict:
    """TE grating from the strip (o1) to a fibre above (o2).

    Args:
        wl: wavelength in um.
        period: at the end of the grating in um.
        fill_factor: unetched share of the period there.
        apodisation: what the fill factor is larger at the first tooth, falling linearly to the end.
        chirp: what the period is larger at the first tooth in um (negative: shorter), falling linearly.
        n_periods: number of teeth.
        length_taper: from the port to the first tooth in um.
        half_angle: of the fan in degrees.
        angle_deg: of the fibre from the normal in degrees, in air.
        loss_dB: at the peak, of the best uniform grating, in dB.
        bandwidth_1dB_nm: full width where the loss has risen by 1 dB, in nm.
        reflection_dB: back into either port, dB below the input.
        fiber_mfd_um: mode field diameter of the fibre in um.
        dx: offset of the fibre along the light's way in um.
        dy: offset of the fibre across it in um.
        tilt_x_deg: of the fibre along the light's way, degrees.
        tilt_y_deg: of the fibre across it, degrees.
        dw: what the teeth are wider than drawn, nm.
        dh: what the film is higher than 220 nm, nm.
        d_etch: what the grooves are deeper than 70 nm, nm.
        dT: temperature rise in K.

    Raises:
        ParameterError: also when transmission and reflection add to more than the input.
    """
    peak, share, place = along_grating(
        period=period,
        fill_factor=fill_factor,
        apodisation=apodisation,
        chirp=chirp,
        n_periods=n_periods,
        angle_deg=angle_deg,
        fiber_mfd_um=fiber_mfd_um,
        dx=dx,
        tilt_x_deg=tilt_x_deg,
        dw=dw,
        dh=dh,
        d_etch=d_etch,
        dT=dT,
    )
    offset = number("dy", dy, -1e2, 1e2)
    tilt = number("tilt_y_deg", tilt_y_deg, -30.0, 30.0, "degrees")
    across = axis_overlap(peak, fan_mfd(length_taper, half_angle, place), fiber_mfd_um, offset, 0.0, tilt)
    least = -DB * float(np.log(UNIFORM_OVERLAP))
    loss = number("loss_dB", loss_dB, least, 100.0, "dB") - DB * np.log(share * across / UNIFORM_OVERLAP)
    through, back = _passed(wl, loss, peak, bandwidth_1dB_nm, reflection_dB)
    return reciprocal({("o1", "o2"): through, ("o1", "o1"): 1j * back, ("o2", "o2"): 1j * back})


def dual_peak(
    *,
    period: ArrayLike = 0.472,
    diameter: ArrayLike = 0.26,
    angle_deg: ArrayLike = 10.0,
    tilt_deg: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    d_etch: ArrayLike = 0.0,
    dT: ArrayLike = 0.0,
) -> Array:
    """Peak wavelength in um of a square lattice of holes; arguments as `grating_coupler_dual`.

    Of the fibre's lean along the diagonal each arm sees `1 / sqrt(2)`.
    """
    pitch = number("period", period, 0.2, 2.0)
    hole = number("diameter", diameter, 0.02, 2.0) - number("dw", dw, -100.0, 100.0, "nm") * 1e-3
    open_share = np.clip(2 * (np.sqrt(2) - 1) * (hole / pitch) ** 2, 0.0, 1.0)  # octagons
    return peak_wavelength(
        pitch, 1 - open_share, fibre_sine(angle_deg, tilt_deg) / np.sqrt(2), **process_shifts(dh, d_etch, dT)
    )


def grating_coupler_dual(
    wl: ArrayLike,
    *,
    period: ArrayLike = 0.472,
    diameter: ArrayLike = 0.26,
    angle_deg: ArrayLike = 10.0,
    loss_dB: ArrayLike = 7.0,
    pdl_dB: ArrayLike = 0.3,
    crosstalk_dB: ArrayLike = 20.0,
    bandwidth_1dB_nm: ArrayLike = 13.5,
    reflection_dB: ArrayLike = 20.0,
    mfd_um: ArrayLike = 9.2,
    fiber_mfd_um: ArrayLike = 9.2,
    dx: ArrayLike = 0.0,
    dy: ArrayLike = 0.0,
    tilt_x_deg: ArrayLike = 0.0,
    tilt_y_deg: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    d_etch: ArrayLike = 0.0,
    dT: ArrayLike = 0.0,
) -> SDict:
    """Lattice of holes between two strips and a fibre above (o3): `o1` has its TE, `o2` its other polarisation.

    Args:
        wl: wavelength in um.
        period: of the lattice in um.
        diameter: of the holes, flat to flat, in um.
        angle_deg: of the fibre from the normal along the diagonal, degrees in air.
        loss_dB: of either polarisation at the peak, into a fibre of the grating's spot in its place, dB.
        pdl_dB: what the second polarisation loses more, dB.
        crosstalk_dB: light of a polarisation in the wrong arm, dB below that in the right one.
        bandwidth_1dB_nm: full width where the loss has risen by 1 dB, in nm.
        reflection_dB: back into any port, dB below the input.
        mfd_um: mode field diameter of what the grating sends up, um.
        fiber_mfd_um: mode field diameter of the fibre in um.
        dx: offset of the fibre along the diagonal in um.
        dy: offset of the fibre across it in um.
        tilt_x_deg: of the fibre along the diagonal, degrees: moves the peak.
        tilt_y_deg: of the fibre across the diagonal, degrees.
        dw: what the silicon between holes is wider than drawn, nm.
        dh: what the film is higher than 220 nm, nm.
        d_etch: what the holes are deeper than 70 nm, nm.
        dT: temperature rise in K.

    Raises:
        ParameterError: also when transmission and reflection add to more than the input.
    """
    peak = dual_peak(
        period=period,
        diameter=diameter,
        angle_deg=angle_deg,
        tilt_deg=tilt_x_deg,
        dw=dw,
        dh=dh,
        d_etch=d_etch,
        dT=dT,
    )
    x, y = (number(name, value, -1e2, 1e2) for name, value in (("dx", dx), ("dy", dy)))
    tilt = number("tilt_y_deg", tilt_y_deg, -30.0, 30.0, "degrees")
    spot, fibre = number("mfd_um", mfd_um, 0.5, 50.0), number("fiber_mfd_um", fiber_mfd_um, 0.5, 50.0)
    share = axis_overlap(peak, spot, fibre, x) * axis_overlap(peak, spot, fibre, y, 0.0, tilt)
    wrong = amplitude(number("crosstalk_dB", crosstalk_dB, 0.0, 300.0, "dB"))
    loss = number("loss_dB", loss_dB, 0.0, 100.0, "dB") - DB * np.log(share)
    more = number("pdl_dB", pdl_dB, 0.0, 30.0, "dB")
    first, back = _passed(wl, loss, peak, bandwidth_1dB_nm, reflection_dB)
    second, _ = _passed(wl, loss + more, peak, bandwidth_1dB_nm, reflection_dB)
    if np.any(first * (1 + wrong) + back > 1 + 1e-12):
        raise ParameterError("loss_dB is too low for crosstalk_dB and reflection_dB: more would leave than comes")
    ends = {(port, port): 1j * back for port in ("o1", "o2", "o3", "o3@TM")}
    # one wrong share for both ways: that of the arm that has less
    crossed = 1j * wrong * second
    return reciprocal(
        {("o1", "o3"): first, ("o2", "o3@TM"): second, ("o1", "o3@TM"): crossed, ("o2", "o3"): crossed, **ends}
    )


_GRATING: Ranges = {
    **HEAT,
    "angle_deg": (5.0, 15.0, "degrees"),
    "bandwidth_1dB_nm": (10.0, 60.0, "nm"),
    "reflection_dB": (15.0, 60.0, "dB"),
    "fiber_mfd_um": (8.0, 11.0, "um"),
    "dx": (-6.0, 6.0, "um"),
    "dy": (-6.0, 6.0, "um"),
    "tilt_x_deg": (-3.0, 3.0, "degrees"),
    "tilt_y_deg": (-3.0, 3.0, "degrees"),
    "dw": (-30.0, 30.0, "nm"),
    "dh": (-20.0, 20.0, "nm"),
    "d_etch": (-20.0, 20.0, "nm"),
}
_OPERATED = OPERATED | {"dx", "dy", "tilt_x_deg", "tilt_y_deg", "d_etch"}


MODELS = (
    Model(
        "grating_coupler",
        grating_coupler,
        TWO,
        ranges={
            **_GRATING,
            "wl": (1.28, 1.36, "um"),
            "period": (0.45, 0.6, "um"),
            "fill_factor": (0.3, 0.6, "1"),
            "apodisation": (0.0, 0.25, "1"),
            "chirp": (-0.06, 0.06, "um"),
            "n_periods": (15.0, 200.0, "1"),
            "length_taper": (8.0, 40.0, "um"),
            "half_angle": (10.0, 30.0, "degrees"),
            "loss_dB": (1.5, 20.0, "dB"),
        },
        operated=_OPERATED,
    ),
    Model(
        "grating_coupler_dual",
        grating_coupler_dual,
        ("o1", "o2", "o3"),
        {"o3": ("TM",)},
        ranges={
            **_GRATING,
            "wl": (1.295, 1.325, "um"),
            "period": (0.45, 0.56, "um"),
            "diameter": (0.2, 0.34, "um"),
            "mfd_um": (8.0, 11.0, "um"),
            "loss_dB": (3.0, 20.0, "dB"),
            "pdl_dB": (0.0, 2.0, "dB"),
            "crosstalk_dB": (20.0, 60.0, "dB"),
        },
        operated=_OPERATED,
        drawn_only={
            "n_holes": "the spot of the lattice, mfd_um, is what counts",
            "length_taper": "the tapers are taken as adiabatic, their loss is within loss_dB",
        },
    ),
)
