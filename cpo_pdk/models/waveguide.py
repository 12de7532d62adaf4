"""Waveguides: index, straight, bends, S-bend, taper between strip and rib.

Conventions
    Ports `o1` and `o2`, and `o1@TM`, `o2@TM` where the cross-section guides TM (strip, not rib). Phase
    `exp(+1j 2 pi neff length / wl)`. `dw` and `dh` (nm) are what a core is wider and higher than drawn,
    `dslab` what the slab of a rib is thicker (the core's top stays).

Method
    Index over width, height, wavelength and temperature from a mode solver (`modes`, `data/*_modes.json`), with the
    full dispersion of silicon and oxide; the group index is its derivative. A bend's phase has the index rise of a
    circular bend, which goes with the square of the curvature.

Validity
    1.24 to 1.38 and 1.48 to 1.62 um, widths of 0.25 to 1.2 um, heights of 0.20 to 0.24 um, slabs of 80 to 100 nm,
    vertical walls, oxide all around; modes TE0 and TM0 only, also where a wide guide has more. Losses do not depend on
    the wavelength. The excess loss of a bend is that of a measured 90 degree bend at its smallest radius, scaled with
    the angle, and holds for the routing width; Euler bends and raised sines, whose curvature has no jump, are at least
    as good. No reflections and no polarisation conversion: no source gives them for these elements.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.model import GUIDE, HEAT, RIB_DEVIATIONS, TM_THROUGH, TWO, Model, Ranges
from cpo_pdk.models.modes import bend_index_rise, guide_index, guide_size, junction_loss_dB
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, reciprocal
from cpo_pdk.tech.waveguides import cross_section as load_cross_section

#: measured rib-strip tapers, CORNERSTONE cut-back at 1550 nm (no O-band value found): length um, loss dB
TAPER_LENGTH = (10.0, 20.0, 50.0)
TAPER_LOSS_DB = (0.11916, 0.09023, 0.068069)

#: smallest radius that the loss of a bend is computed for, um
TIGHTEST = 0.5

#: widths whose index is known with any of these deviations
WIDTHS: Ranges = {"width": (0.27, 1.18, "um")}


def _index(
    wl: ArrayLike,
    width: ArrayLike | None,
    height: ArrayLike | None,
    dT: ArrayLike,
    cross_section: str,
    mode: str,
    dw: ArrayLike,
    dh: ArrayLike,
    dslab: ArrayLike,
) -> tuple[Array, Array]:
    section = load_cross_section(cross_section)
    if mode not in section.modes:
        raise ParameterError(f"mode is {mode!r}; {section.name} has {', '.join(section.modes)}")
    made = guide_size(section.width if width is None else width, section.height if height is None else height, dw, dh)
    rise = number("dT", dT, -273.0, 500.0, "K")
    at = number("wl", wl, 1.0, 2.0)
    return guide_index(at, *made, rise, cross_section=cross_section, mode=mode, dslab=dslab)


def neff(
    wl: ArrayLike,
    width: ArrayLike | None = None,
    height: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    *,
    cross_section: str = "strip",
    mode: str = "TE",
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> Array:
    """Effective index.

    Args:
        wl: wavelength in um.
        width: core width in um; None: the cross-section's.
        height: of the core in um; None: the process's 0.22.
        dT: temperature rise in K.
        cross_section: "strip" or "rib".
        mode: "TE" or "TM".
        dw: what the core is wider than `width`, nm.
        dh: what the core is higher than `height`, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.

    Returns:
        Broadcast shape of all arguments.

    Raises:
        ParameterError: unknown cross-section or mode, something outside the tables or not finite.
    """
    return _index(wl, width, height, dT, cross_section, mode, dw, dh, dslab)[0]


def ng(
    wl: ArrayLike,
    width: ArrayLike | None = None,
    height: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    *,
    cross_section: str = "strip",
    mode: str = "TE",
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> Array:
    """Group index `neff - wl dneff/dwl`; arguments, shape and errors as `neff`."""
    value, slope = _index(wl, width, height, dT, cross_section, mode, dw, dh, dslab)
    return value - np.asarray(wl) * slope


def propagation(
    wl: ArrayLike,
    length: ArrayLike,
    *,
    cross_section: str = "strip",
    mode: str = "TE",
    width: ArrayLike | None = None,
    height: ArrayLike | None = None,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> np.ndarray:
    """Amplitude `exp(+1j 2 pi neff length / wl)` with loss along `length` um of waveguide; arguments as `neff`."""
    L = number("length", length, 0.0, 1e7)
    if loss_dB_cm is None:
        loss_dB_cm = load_cross_section(cross_section).loss_dB_cm[mode].value
    loss = number("loss_dB_cm", loss_dB_cm, 0.0, 1e4, "dB/cm")
    index = neff(wl, width, height, dT, cross_section=cross_section, mode=mode, dw=dw, dh=dh, dslab=dslab)
    return amplitude(loss * L * 1e-4) * np.exp(2j * np.pi * index * L / np.asarray(wl))


def _two_port(
    cross_section: str, excess: ArrayLike, wl: ArrayLike, length: ArrayLike, **how: ArrayLike | None
) -> SDict:
    """Every mode of the cross-section along `length`, times `excess` (amplitude, and phase where complex)."""
    suffix = {"TE": "", "TM": "@TM"}
    return reciprocal(
        {
            (f"o1{suffix[m]}", f"o2{suffix[m]}"): excess
            * propagation(wl, length, cross_section=cross_section, mode=m, **how)  # pyright: ignore[reportArgumentType]
            for m in load_cross_section(cross_section).modes
        }
    )


def straight(
    wl: ArrayLike,
    *,
    length: ArrayLike = 10.0,
    cross_section: str = "strip",
    width: ArrayLike | None = None,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """Straight waveguide.

    Args:
        wl: wavelength in um.
        length: in um.
        cross_section: "strip" (TE and TM) or "rib" (TE).
        width: core width in um; None: the cross-section's.
        loss_dB_cm: propagation loss in dB/cm of every mode; None: the cross-section's, by mode.
        dT: temperature rise in K.
        dw: what the core is wider than drawn, nm.
        dh: what the core is higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    return _two_port(
        cross_section, 1.0, wl, length, width=width, loss_dB_cm=loss_dB_cm, dT=dT, dw=dw, dh=dh, dslab=dslab
    )


def _core(width: ArrayLike | None, dw: ArrayLike, cross_section: str) -> Array:
    """Width of a core as made, um."""
    drawn = load_cross_section(cross_section).width if width is None else width
    return number("width", drawn, 0.0, 100.0) + number("dw", dw, -500.0, 500.0, "nm") * 1e-3


def bend_loss_dB(radius: ArrayLike, angle: ArrayLike, cross_section: str = "strip") -> Array:
    """Excess loss of a bend in dB: measured at one radius, kept above it, exponential below it.

    Args:
        radius: smallest radius of curvature in um.
        angle: turn in degrees.
        cross_section: "strip" or "rib".
    """
    bend = load_cross_section(cross_section).bend_loss
    below = np.maximum(bend.at_radius - number("radius", radius, TIGHTEST, 1e6), 0.0)
    return bend.value * np.exp(bend.decay * below) * np.abs(number("angle", angle, -360.0, 360.0, "degrees")) / 90


def bend_mismatch_dB(
    radius: ArrayLike,
    *,
    width: ArrayLike | None = None,
    cross_section: str = "strip",
    wl: ArrayLike = 1.31,
    dw: ArrayLike = 0.0,
) -> Array:
    """Loss of TE0 at one junction of a straight and a circular arc, in dB, from the overlap of their computed modes.

    Args:
        radius: of the arc in um; computed from 4.5 to 30, beyond as `1 / radius^2`.
        width: core width in um; None: the cross-section's.
        cross_section: "strip" or "rib".
        wl: wavelength in um.
        dw: what the core is wider than `width`, nm.
    """
    core = _core(width, dw, cross_section)
    return junction_loss_dB(radius, wl, core, cross_section=cross_section)


def bend_path_um(
    wl: ArrayLike,
    radius: ArrayLike,
    length: ArrayLike,
    *,
    width: ArrayLike | None = None,
    cross_section: str = "strip",
    dw: ArrayLike = 0.0,
) -> Array:
    """Optical path in um by which `length` um of circular bend exceeds the straight guide; arguments as `neff`."""
    core = _core(width, dw, cross_section)
    return bend_index_rise(radius, wl, core, cross_section=cross_section) * np.asarray(length)


def bend_phase(
    wl: ArrayLike,
    radius: ArrayLike,
    length: ArrayLike,
    *,
    width: ArrayLike | None = None,
    cross_section: str = "strip",
    dw: ArrayLike = 0.0,
) -> Array:
    """Phase in rad of `bend_path_um`."""
    path = bend_path_um(wl, radius, length, width=width, cross_section=cross_section, dw=dw)
    return 2 * np.pi * path / np.asarray(wl)


def bend_euler(
    wl: ArrayLike,
    *,
    radius: ArrayLike = 10.0,
    angle: ArrayLike = 90.0,
    cross_section: str = "strip",
    width: ArrayLike | None = None,
    arc_fraction: ArrayLike = 0.5,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """Clothoid, arc, clothoid: path length `radius * angle * (2 - arc_fraction)`; no jump of curvature, no mismatch.

    Args:
        wl: wavelength in um.
        radius: smallest radius of curvature in um.
        angle: turn in degrees.
        cross_section: "strip" (TE and TM) or "rib" (TE).
        width: core width in um; None: the cross-section's. The bend loss is that of the cross-section's width.
        arc_fraction: share of the turn made by the circular arc, 0 to 1.
        loss_dB_cm: propagation loss in dB/cm; None: the cross-section's. Bend loss comes on top.
        dT: temperature rise in K.
        dw: what the core is wider than drawn, nm.
        dh: what the core is higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    share = number("arc_fraction", arc_fraction, 0.0, 1.0, "")
    turn = np.radians(np.abs(number("angle", angle, -360.0, 360.0, "degrees")))
    R = number("radius", radius, TIGHTEST, 1e6)
    # the square of the curvature rises along a clothoid to that of the arc: a third of it in the mean
    bent = R * turn * (share + 2 * (1 - share) / 3)
    excess = amplitude(bend_loss_dB(radius, angle, cross_section)) * np.exp(
        1j * bend_phase(wl, R, bent, width=width, cross_section=cross_section, dw=dw)
    )
    how = {"width": width, "loss_dB_cm": loss_dB_cm, "dT": dT, "dw": dw, "dh": dh, "dslab": dslab}
    return _two_port(cross_section, excess, wl, R * turn * (2 - share), **how)


def s_curve(length: ArrayLike, offset: ArrayLike) -> tuple[Array, Array, Array]:
    """Path length (um), smallest radius (um) and summed turn (degrees) of `y = offset (t - sin(2 pi t) / 2 pi)`.

    The path is integrated by the trapezoidal rule, which converges exponentially on this periodic integrand.

    Raises:
        ParameterError: too short for its offset.
    """
    L = number("length", length, 0.1, 1e6)
    dy = np.abs(number("offset", offset, -1e6, 1e6))
    t = np.arange(256) / 256
    slope = (dy / L)[..., None] * (1 - np.cos(2 * np.pi * t))
    second = (dy / L**2)[..., None] * 2 * np.pi * np.sin(2 * np.pi * t)
    path = L * np.mean(np.sqrt(1 + slope**2), axis=-1)
    curvature = np.max(np.abs(second) / (1 + slope**2) ** 1.5, axis=-1)
    with np.errstate(divide="ignore", over="ignore"):
        radius = np.minimum(1 / curvature, 1e6)
    if np.any(radius < TIGHTEST):
        at = np.unravel_index(int(np.argmin(radius)), radius.shape)
        along, across = (float(np.broadcast_to(v, radius.shape)[at]) for v in (L, dy))
        raise ParameterError(
            f"an S-bend of length {along:g} um over an offset of {across:g} um bends at {float(radius[at]):.3g} um, "
            f"the models begin at {TIGHTEST:g} um; make it longer"
        )
    return path, radius, np.degrees(2 * np.arctan(2 * dy / L))


def bend_s(
    wl: ArrayLike,
    *,
    length: ArrayLike = 20.0,
    offset: ArrayLike = 5.0,
    cross_section: str = "strip",
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """S-bend `y = offset (t - sin(2 pi t) / (2 pi))`, `t = x / length`; bend loss as a bend of its summed turn.

    Its curvature is nowhere near its largest for long: the index is that of the straight guide.

    Args:
        wl: wavelength in um.
        length: extent along x in um.
        offset: displacement along y in um.
        cross_section: "strip" (TE and TM) or "rib" (TE).
        loss_dB_cm: propagation loss in dB/cm; None: the cross-section's. Bend loss comes on top.
        dT: temperature rise in K.
        dw: what the core is wider than drawn, nm.
        dh: what the core is higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    path, radius, turn = s_curve(length, offset)
    excess = amplitude(bend_loss_dB(radius, turn, cross_section))
    return _two_port(cross_section, excess, wl, path, loss_dB_cm=loss_dB_cm, dT=dT, dw=dw, dh=dh, dslab=dslab)


def taper_loss_dB(length: ArrayLike) -> Array:
    """Measured loss of a rib-strip taper in dB, linear in log-log between and beyond the three measured lengths."""
    x = np.log(number("length", length, 1.0, 1e4))
    lx, ly = np.log(TAPER_LENGTH), np.log(TAPER_LOSS_DB)
    slope = np.diff(ly) / np.diff(lx)
    return np.exp(np.where(x < lx[1], ly[1] + slope[0] * (x - lx[1]), ly[1] + slope[1] * (x - lx[1])))


def taper_strip_rib(
    wl: ArrayLike,
    *,
    length: ArrayLike = 20.0,
    loss_dB: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """Strip (o1) to rib (o2) taper, TE only (no source for TM); phase with the mean of the two indices.

    Args:
        wl: wavelength in um.
        length: in um.
        loss_dB: total loss in dB; None: from the measured lengths 10, 20 and 50 um.
        dT: temperature rise in K.
        dw: what the core is wider than drawn, nm.
        dh: what the core is higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    L = number("length", length, 0.1, 1e6)
    loss = taper_loss_dB(L) if loss_dB is None else number("loss_dB", loss_dB, 0.0, 100.0, "dB")
    strip, rib = (neff(wl, dT=dT, dw=dw, dh=dh, dslab=dslab, cross_section=name) for name in ("strip", "rib"))
    return reciprocal({("o1", "o2"): amplitude(loss) * np.exp(1j * np.pi * (strip + rib) * L / np.asarray(wl))})


MODELS = (
    Model(
        "straight",
        straight,
        TWO,
        TM_THROUGH,
        ranges={**GUIDE, **WIDTHS, **RIB_DEVIATIONS, "length": (0.0, 5e4, "um")},
        core_length=lambda *, length=10.0, **_: float(length),
    ),
    Model(
        "bend_euler",
        bend_euler,
        TWO,
        TM_THROUGH,
        ranges={
            **GUIDE,
            **WIDTHS,
            **RIB_DEVIATIONS,
            "radius": (4.5, 1000.0, "um"),
            "angle": (-180.0, 180.0, "degrees"),
            "arc_fraction": (0.0, 1.0, "1"),
        },
        core_length=lambda *, radius=10.0, angle=90.0, arc_fraction=0.5, **_: float(
            radius * np.radians(abs(angle)) * (2 - arc_fraction)
        ),
    ),
    Model(
        "bend_s",
        bend_s,
        TWO,
        TM_THROUGH,
        ranges={**GUIDE, **RIB_DEVIATIONS, "length": (1.0, 2e4, "um"), "offset": (-5e3, 5e3, "um")},
        core_length=lambda *, length=20.0, offset=5.0, **_: float(s_curve(length, offset)[0]),
    ),
    Model(
        "taper_strip_rib",
        taper_strip_rib,
        TWO,
        ranges={**HEAT, **RIB_DEVIATIONS, "length": (10.0, 50.0, "um"), "loss_dB": (0.0, 1.0, "dB")},
        core_length=lambda *, length=20.0, **_: float(length),
    ),
)
