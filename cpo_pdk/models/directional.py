"""Directional couplers: two straight guides side by side, and two concentric arcs that are out of step.

Conventions
    Ports clockwise from lower left: o1 to o4 through, o1 to o3 crossed; o2 to o3 through, o2 to o4 crossed. Through
    `cos`, cross `+1j sin` of the coupling angle of the straight coupler. Of the bent one o1 and o4 end the inner arc.

Method
    `directional_coupler`: kappa of `coupler.coupling` over the parallel part and both pairs of S-bends.
    `bent_coupler`: coupled-mode theory of two guides that are not synchronous (Yariv, IEEE J. Quantum Electron. 9, 919
    (1973)). Over an angle `phi` the arcs turn the phase by `beta1 R1 phi` and `beta2 R2 phi`; per length of the middle
    line, radius R, that is a mismatch `delta = (beta2 R2 - beta1 R1) / (2 R)`, so that with `s^2 = kappa^2 + delta^2`

        cross = 1j kappa / s sin(s L),   through = cos(s L) -+ 1j delta / s sin(s L)

    and at most `kappa^2 / s^2` crosses. kappa rises with the wavelength; past the first full transfer `sin` falls, and
    the two balance over a wide band. The leads couple on as their gap opens, `a z^3`, each as a further
    `Gamma(4/3) (gamma a)^(-1/3)` of arc. kappa of unlike guides is the geometric mean of those of two like pairs.

Validity
    TE, lossless but for propagation and bends. No reflection. Bends have the index of the straight guide: what the
    curvature does to the mode is left out (it shifts both arcs alike). No measurement of a bent coupler in the O-band
    was found to check against.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.coupler import coupling, s_bend_length_equivalent
from cpo_pdk.models.model import DEVIATIONS, FOUR, GUIDE, RIB_DEVIATIONS, Model
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, reciprocal, wavelength
from cpo_pdk.models.waveguide import bend_loss_dB, neff, propagation, s_curve
from cpo_pdk.tech.waveguides import cross_section as load_cross_section

#: points and weights of the integrals along a lead, on 0..1
_NODES, _WEIGHTS = (0.5 * v for v in np.polynomial.legendre.leggauss(12))
_NODES = _NODES + 0.5


def coupling_angle(
    wl: ArrayLike,
    *,
    length: ArrayLike,
    gap: ArrayLike,
    length_s: ArrayLike,
    dy: ArrayLike,
    cross_section: str = "strip",
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> Array:
    """Angle in rad whose sine is the crossed amplitude; arguments as `directional_coupler`."""
    number("dw", dw, -100.0, 100.0, "nm")
    kappa, gamma = coupling(wl, gap, cross_section=cross_section, dw=dw, dh=dh, dslab=dslab)
    opening = _opening(dy, gap, cross_section)
    return kappa * (number("length", length, 0.0, 1e5) + 2 * s_bend_length_equivalent(length_s, opening, gamma))


def _opening(dy: ArrayLike, gap: ArrayLike, cross_section: str) -> Array:
    """What the guides move apart from coupler to ports, um."""
    return number("dy", dy, 0.0, 1e4) - load_cross_section(cross_section).width - number("gap", gap, 0.0, 10.0)


def directional_coupler(
    wl: ArrayLike,
    *,
    length: ArrayLike = 19.3,
    gap: ArrayLike = 0.2,
    length_s: ArrayLike = 20.0,
    dy: ArrayLike = 6.0,
    cross_section: str = "strip",
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """Directional coupler: o1 in (SW), o4 through (SE), o3 crossed (NE), o2 (NW).

    Args:
        wl: wavelength in um.
        length: straight part in um.
        gap: between the cores in um.
        length_s: extent along x of each of the four S-bends in um.
        dy: centre to centre of the ports in um; each guide bends away by half of what `dy` exceeds its distance.
        cross_section: "strip" or "rib".
        loss_dB_cm: propagation loss in dB/cm; None: the cross-section's.
        dT: temperature rise in K; acts on the phase, not on the coupling.
        dw: what the cores are wider than drawn, nm; the gap is as much narrower.
        dh: what the cores are higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    angle = coupling_angle(
        wl, length=length, gap=gap, length_s=length_s, dy=dy, cross_section=cross_section, dw=dw, dh=dh, dslab=dslab
    )
    path, radius, turn = s_curve(length_s, _opening(dy, gap, cross_section) / 2)
    common = amplitude(2 * bend_loss_dB(radius, turn, cross_section)) * propagation(
        wl,
        np.asarray(length) + 2 * path,
        cross_section=cross_section,
        loss_dB_cm=loss_dB_cm,
        dT=dT,
        dw=dw,
        dh=dh,
        dslab=dslab,
    )
    through, cross = np.cos(angle) * common, 1j * np.sin(angle) * common
    return reciprocal({("o1", "o4"): through, ("o2", "o3"): through, ("o1", "o3"): cross, ("o2", "o4"): cross})


def directional_coupler_core(
    length: float = 19.3,
    gap: float = 0.2,
    length_s: float = 20.0,
    dy: float = 6.0,
    cross_section: str = "strip",
    **_: object,
) -> float:
    """Length of both drawn cores in um; arguments as `directional_coupler`."""
    path, _radius, _turn = s_curve(length_s, _opening(dy, gap, cross_section) / 2)
    return float(2 * (length + 2 * path))


def _lead(
    wl: Array,
    start_width: Array,
    opening: Array,
    slope: Array,
    second: Array,
    length: Array,
    dT: ArrayLike,
    dw: ArrayLike,
    dh: ArrayLike,
) -> tuple[Array, Array, Array]:
    """Phase (rad), path (um) and excess loss (dB) of a lead from an arc to a horizontal port of the strip's width.

    Args:
        wl: wavelength in um.
        start_width: of the arc in um.
        opening: y of the port less y of the arc's end, um.
        slope: of the arc at its end.
        second: second derivative there, 1/um.
        length: extent along x in um.
        dT: temperature rise in K.
        dw: what the core is wider, nm.
        dh: what the core is higher, nm.
    """

    def gradient(t: Array) -> Array:
        return (
            (opening / length)[..., None] * 30 * t**2 * (1 - t) ** 2
            + slope[..., None] * (1 - 18 * t**2 + 32 * t**3 - 15 * t**4)
            + (second * length)[..., None] * (t - 4.5 * t**2 + 6 * t**3 - 2.5 * t**4)
        )

    piece = length[..., None] * np.sqrt(1 + gradient(_NODES) ** 2) * _WEIGHTS
    share = _NODES**3 * (10 - 15 * _NODES + 6 * _NODES**2)
    width = start_width[..., None] + (load_cross_section("strip").width - start_width[..., None]) * share
    index = neff(wl[..., None], width, dT=np.asarray(dT)[..., None], dw=np.asarray(dw)[..., None], dh=_last(dh))
    heading = np.arctan(gradient(np.linspace(0, 1, 65)))
    turn = np.abs(np.diff(heading, axis=-1))
    radius = np.minimum(length / 64 / np.maximum(np.max(turn, axis=-1), 1e-9), 1e6)
    loss = bend_loss_dB(radius, np.minimum(np.degrees(np.sum(turn, axis=-1)), 360.0))
    return 2 * np.pi / wl * np.sum(index * piece, axis=-1), np.sum(piece, axis=-1), loss


def _last(value: ArrayLike) -> Array:
    """The value with a further, last axis for the points of an integral."""
    return np.asarray(value, dtype=np.float64)[..., None]


def bent_coupler(
    wl: ArrayLike,
    *,
    radius: ArrayLike = 77.0,
    angle: ArrayLike = 17.0,
    gap: ArrayLike = 0.15,
    width_inner: ArrayLike = 0.4,
    width_outer: ArrayLike = 0.4,
    length_s: ArrayLike = 20.0,
    dy: ArrayLike = 6.0,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Broadband coupler of two concentric arcs of strip.

    Args:
        wl: wavelength in um.
        radius: of the middle of the gap in um.
        angle: of the arcs in degrees.
        gap: between the arcs in um.
        width_inner: of the inner arc in um.
        width_outer: of the outer arc in um.
        length_s: extent along x of each lead in um.
        dy: centre to centre of the ports in um.
        loss_dB_cm: propagation loss in dB/cm; None: the strip's.
        dT: temperature rise in K.
        dw: what the cores are wider than drawn, nm; the gap is as much narrower.
        dh: what the cores are higher than 0.22 um, nm.
    """
    wl = wavelength(wl)
    middle = number("radius", radius, 5.0, 1e5)
    half = np.radians(number("angle", angle, 0.1, 90.0, "degrees")) / 2
    space, reach = number("gap", gap, 0.0, 10.0), number("length_s", length_s, 1.0, 1e5)
    strip = load_cross_section("strip").width
    widths = (number("width_inner", width_inner, 0.1, 2.0), number("width_outer", width_outer, 0.1, 2.0))
    radii = (middle - (space + widths[0]) / 2, middle + (space + widths[1]) / 2)
    per_angle = [2 * np.pi / wl * neff(wl, w, dT=dT, dw=dw, dh=dh) * r for w, r in zip(widths, radii, strict=True)]
    (kappa1, gamma1), (kappa2, gamma2) = (coupling(wl, gap, width=w, dw=dw, dh=dh) for w in widths)
    kappa, gamma = np.sqrt(kappa1 * kappa2), (gamma1 + gamma2) / 2
    delta = (per_angle[1] - per_angle[0]) / (2 * middle)

    apart = number("dy", dy, 0.0, 1e4) - (radii[1] - radii[0]) / np.cos(half)
    edges = np.maximum(apart + (widths[0] + widths[1]) / 2 - strip, 1e-3)
    further = math.gamma(4 / 3) * (gamma * 10 * edges * np.cos(half) ** 4 / reach**3) ** (-1 / 3)
    length = 2 * half * middle + 2 * further
    s = np.hypot(kappa, delta)

    y_mid = middle * np.cos(half) - np.tan(half) * reach / 2
    loss = load_cross_section("strip").loss_dB_cm["TE"].value if loss_dB_cm is None else loss_dB_cm
    loss = number("loss_dB_cm", loss, 0.0, 1e4, "dB/cm") * 1e-4
    ends = []
    for side, w, r in zip((-1, 1), widths, radii, strict=True):
        opening = side * np.asarray(dy, dtype=np.float64) / 2 + y_mid - r * np.cos(half)
        phase, path, excess = _lead(
            wl,
            w,
            opening,
            -np.tan(half),
            -1 / (r * np.cos(half) ** 3),
            middle * np.sin(half) + reach - r * np.sin(half),
            dT,
            dw,
            dh,
        )
        ends.append(amplitude(loss * path + excess) * np.exp(1j * (phase - side * delta * further)))
    arc = amplitude(loss * 2 * half * middle + bend_loss_dB(middle, np.degrees(2 * half))) * np.exp(
        1j * half * (per_angle[0] + per_angle[1])
    )
    inner, outer = ends
    bar = np.cos(s * length) - 1j * delta / s * np.sin(s * length)
    cross = inner * outer * arc * 1j * kappa / s * np.sin(s * length)
    inner, outer = inner**2 * arc * bar, outer**2 * arc * np.conj(bar)
    return reciprocal({("o1", "o4"): inner, ("o2", "o3"): outer, ("o1", "o3"): cross, ("o2", "o4"): cross})


MODELS = (
    Model(
        "directional_coupler",
        directional_coupler,
        FOUR,
        ranges={
            **GUIDE,
            **RIB_DEVIATIONS,
            "length": (0.1, 200.0, "um"),
            "gap": (0.12, 0.4, "um"),
            "length_s": (10.0, 100.0, "um"),
            "dy": (2.0, 50.0, "um"),
        },
        core_length=directional_coupler_core,
    ),
    Model(
        "bent_coupler",
        bent_coupler,
        FOUR,
        ranges={
            **GUIDE,
            **DEVIATIONS,
            "radius": (20.0, 500.0, "um"),
            "angle": (2.0, 60.0, "degrees"),
            "gap": (0.12, 0.4, "um"),
            "width_inner": (0.3, 0.6, "um"),
            "width_outer": (0.3, 0.6, "um"),
            "length_s": (10.0, 200.0, "um"),
            "dy": (2.0, 20.0, "um"),
        },
    ),
)
