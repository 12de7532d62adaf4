"""Waveguides: index, straight, bends, S-bend, taper between strip and rib.

Conventions
    Ports `o1` and `o2`, and `o1@TM`, `o2@TM` where the cross-section's table has the TM mode (strip, not rib).
    Phase `exp(+1j 2 pi neff length / wl)`, first-order dispersion `neff(wl) = neff0 - (wl - wl0)(ng - neff0) / wl0`
    about the 1310 nm of the tables: the group index is constant. Temperature adds `dT * factor * dn/dT(Si)` to neff.

Validity
    1.26 to 1.36 um. Index tables are linear between widths. Bends have the index of the straight guide. No reflections
    and no polarisation conversion: no source gives them for these elements. The excess loss of a bend is that of a
    measured circular 90 degree bend, scaled with the angle; Euler bends are at least as good.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.model import CORE, GUIDE, HEAT, TM_THROUGH, TWO, Model
from cpo_pdk.models.sdict import Array, SDict, amplitude, data, number, reciprocal, wavelength
from cpo_pdk.tech.materials import MATERIALS
from cpo_pdk.tech.waveguides import CrossSection
from cpo_pdk.tech.waveguides import cross_section as load_cross_section

#: measured rib-strip tapers, CORNERSTONE cut-back at 1550 nm (no O-band value found): length um, loss dB
TAPER_LENGTH = (10.0, 20.0, 50.0)
TAPER_LOSS_DB = (0.11916, 0.09023, 0.068069)


def _at_width(section: CrossSection, width: ArrayLike | None, mode: str, dw: ArrayLike = 0.0) -> tuple[Array, Array]:
    if mode not in section.modes:
        raise ParameterError(f"mode is {mode!r}; {section.name} has {', '.join(section.modes)}")
    table = section.modes[mode]
    w = number("width", section.width if width is None else width, table.width[0], table.width[-1])
    w = w + number("dw", dw, -100.0, 100.0, "nm") * 1e-3
    return np.interp(w, table.width, table.neff), np.interp(w, table.width, table.ng)


def _height_rise(height: ArrayLike | None, dh: ArrayLike) -> Array:
    """Rise of the index with the height, first order: 3.71e-3 per nm (500 x 220 nm, 1550 nm, SiEPIC tables)."""
    h = number("height", 0.22 if height is None else height, 0.15, 0.3)
    return 3.71e-3 * ((h - 0.22) * 1e3 + number("dh", dh, -50.0, 50.0, "nm"))


def thermo_optic(dT: ArrayLike) -> Array:
    """Rise of the effective index for a temperature rise `dT` in K."""
    dn_dT = MATERIALS["Si"].dn_dT
    assert dn_dT is not None
    return data("thermo_optic")["factor"]["value"] * dn_dT * number("dT", dT, -273.0, 500.0, "K")


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
) -> Array:
    """Group index `neff - wl dneff/dwl`; arguments, shape and errors as `neff`."""
    section = load_cross_section(cross_section)
    _, group = _at_width(section, width, mode, dw)
    return group + _height_rise(height, dh) + thermo_optic(dT) + 0 * wavelength(wl)


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
) -> Array:
    """Effective index, first order in wavelength.

    Args:
        wl: wavelength in um.
        width: core width in um; None: the cross-section's.
        height: of the core in um; None: 0.22.
        dT: temperature rise in K.
        cross_section: "strip" or "rib".
        mode: "TE" or "TM".
        dw: what the core is wider than `width`, nm.
        dh: what the core is higher than `height`, nm.

    Returns:
        Broadcast shape of all arguments.

    Raises:
        ParameterError: unknown cross-section or mode, width outside the table, something not finite.
    """
    section = load_cross_section(cross_section)
    index, group = _at_width(section, width, mode, dw)
    slope = (group - index) / section.wl0
    return index - (wavelength(wl) - section.wl0) * slope + _height_rise(height, dh) + thermo_optic(dT)


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
) -> np.ndarray:
    """Amplitude `exp(+1j 2 pi neff length / wl)` with loss along `length` um of waveguide; arguments as `neff`."""
    L = number("length", length, 0.0, 1e7)
    if loss_dB_cm is None:
        loss_dB_cm = load_cross_section(cross_section).loss_dB_cm[mode].value
    loss = number("loss_dB_cm", loss_dB_cm, 0.0, 1e4, "dB/cm")
    index = neff(wl, width, height, dT, cross_section=cross_section, mode=mode, dw=dw, dh=dh)
    return amplitude(loss * L * 1e-4) * np.exp(2j * np.pi * index * L / np.asarray(wl))


def _modes(section: str) -> tuple[str, ...]:
    return tuple(load_cross_section(section).modes)


def _two_port(amplitudes: dict[str, np.ndarray]) -> SDict:
    suffix = {"TE": "", "TM": "@TM"}
    return reciprocal({(f"o1{suffix[m]}", f"o2{suffix[m]}"): a for m, a in amplitudes.items()})


def straight(
    wl: ArrayLike,
    *,
    length: ArrayLike = 10.0,
    cross_section: str = "strip",
    width: ArrayLike | None = None,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
) -> SDict:
    """Straight waveguide.

    Args:
        wl: wavelength in um.
        length: in um.
        cross_section: "strip" (TE and TM) or "rib" (TE).
        width: core width in um; None: the cross-section's.
        loss_dB_cm: propagation loss in dB/cm of every mode; None: the cross-section's, by mode.
        dT: temperature rise in K.
    """
    return _two_port(
        {
            m: propagation(wl, length, cross_section=cross_section, mode=m, width=width, loss_dB_cm=loss_dB_cm, dT=dT)
            for m in _modes(cross_section)
        }
    )


def bend_loss_dB(radius: ArrayLike, angle: ArrayLike, cross_section: str = "strip") -> Array:
    """Excess loss of a bend in dB: measured at one radius, kept above it, exponential below it.

    Args:
        radius: smallest radius of curvature in um.
        angle: turn in degrees.
        cross_section: "strip" or "rib".
    """
    bend = load_cross_section(cross_section).bend_loss
    below = np.maximum(bend.at_radius - number("radius", radius, 0.5, 1e6), 0.0)
    return bend.value * np.exp(bend.decay * below) * np.abs(number("angle", angle, -360.0, 360.0, "degrees")) / 90


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
) -> SDict:
    """Clothoid, arc, clothoid: path length `radius * angle * (2 - arc_fraction)`.

    Args:
        wl: wavelength in um.
        radius: smallest radius of curvature in um.
        angle: turn in degrees.
        cross_section: "strip" (TE and TM) or "rib" (TE).
        width: core width in um; None: the cross-section's. The bend loss is that of the cross-section's width.
        arc_fraction: share of the turn made by the circular arc, 0 to 1.
        loss_dB_cm: propagation loss in dB/cm; None: the cross-section's. Bend loss comes on top.
        dT: temperature rise in K.
    """
    share = number("arc_fraction", arc_fraction, 0.0, 1.0, "")
    turn = np.radians(np.abs(number("angle", angle, -360.0, 360.0, "degrees")))
    length = number("radius", radius, 0.5, 1e6) * turn * (2 - share)
    excess = amplitude(bend_loss_dB(radius, angle, cross_section))
    return _two_port(
        {
            m: excess
            * propagation(wl, length, cross_section=cross_section, mode=m, width=width, loss_dB_cm=loss_dB_cm, dT=dT)
            for m in _modes(cross_section)
        }
    )


def s_curve(length: ArrayLike, offset: ArrayLike) -> tuple[Array, Array, Array]:
    """Path length (um), smallest radius (um) and summed turn (degrees) of `y = offset (t - sin(2 pi t) / 2 pi)`.

    The path is integrated by the trapezoidal rule, which converges exponentially on this periodic integrand.
    """
    L = number("length", length, 0.1, 1e6)
    dy = np.abs(number("offset", offset, -1e6, 1e6))
    t = np.arange(256) / 256
    slope = (dy / L)[..., None] * (1 - np.cos(2 * np.pi * t))
    second = (dy / L**2)[..., None] * 2 * np.pi * np.sin(2 * np.pi * t)
    path = L * np.mean(np.sqrt(1 + slope**2), axis=-1)
    curvature = np.max(np.abs(second) / (1 + slope**2) ** 1.5, axis=-1)
    with np.errstate(divide="ignore"):
        return path, np.minimum(1 / curvature, 1e6), np.degrees(2 * np.arctan(2 * dy / L))


def bend_s(
    wl: ArrayLike,
    *,
    length: ArrayLike = 20.0,
    offset: ArrayLike = 5.0,
    cross_section: str = "strip",
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
) -> SDict:
    """S-bend `y = offset (t - sin(2 pi t) / (2 pi))`, `t = x / length`; bend loss as a bend of its summed turn.

    Args:
        wl: wavelength in um.
        length: extent along x in um.
        offset: displacement along y in um.
        cross_section: "strip" (TE and TM) or "rib" (TE).
        loss_dB_cm: propagation loss in dB/cm; None: the cross-section's. Bend loss comes on top.
        dT: temperature rise in K.
    """
    path, radius, turn = s_curve(length, offset)
    excess = amplitude(bend_loss_dB(radius, turn, cross_section))
    return _two_port(
        {
            m: excess * propagation(wl, path, cross_section=cross_section, mode=m, loss_dB_cm=loss_dB_cm, dT=dT)
            for m in _modes(cross_section)
        }
    )


def taper_loss_dB(length: ArrayLike) -> Array:
    """Measured loss of a rib-strip taper in dB, linear in log-log between and beyond the three measured lengths."""
    x = np.log(number("length", length, 1.0, 1e4))
    lx, ly = np.log(TAPER_LENGTH), np.log(TAPER_LOSS_DB)
    slope = np.diff(ly) / np.diff(lx)
    return np.exp(np.where(x < lx[1], ly[1] + slope[0] * (x - lx[1]), ly[1] + slope[1] * (x - lx[1])))


def taper_strip_rib(
    wl: ArrayLike, *, length: ArrayLike = 20.0, loss_dB: ArrayLike | None = None, dT: ArrayLike = 0.0
) -> SDict:
    """Strip (o1) to rib (o2) taper, TE only (no source for TM); phase with the mean of the two indices.

    Args:
        wl: wavelength in um.
        length: in um.
        loss_dB: total loss in dB; None: from the measured lengths 10, 20 and 50 um.
        dT: temperature rise in K.
    """
    L = number("length", length, 0.1, 1e6)
    loss = taper_loss_dB(L) if loss_dB is None else number("loss_dB", loss_dB, 0.0, 100.0, "dB")
    mean = (neff(wl, dT=dT) + neff(wl, dT=dT, cross_section="rib")) / 2
    return reciprocal({("o1", "o2"): amplitude(loss) * np.exp(2j * np.pi * mean * L / np.asarray(wl))})


MODELS = (
    Model("straight", straight, TWO, TM_THROUGH, ranges={**CORE, "length": (0.0, 5e4, "um")}),
    Model(
        "bend_euler",
        bend_euler,
        TWO,
        TM_THROUGH,
        ranges={
            **CORE,
            "radius": (4.5, 1000.0, "um"),
            "angle": (-180.0, 180.0, "degrees"),
            "arc_fraction": (0.0, 1.0, "1"),
        },
    ),
    Model("bend_s", bend_s, TWO, TM_THROUGH, ranges={**GUIDE, "length": (1.0, 2e4, "um"), "offset": (-5e3, 5e3, "um")}),
    Model(
        "taper_strip_rib",
        taper_strip_rib,
        TWO,
        ranges={**HEAT, "length": (10.0, 50.0, "um"), "loss_dB": (0.0, 1.0, "dB")},
    ),
)
