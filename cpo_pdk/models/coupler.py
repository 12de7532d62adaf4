"""Evanescent couplers: coupling per length, and ring to bus.

Conventions
    Through `cos`, cross `+1j sin` of the coupling angle, lossless by themselves: coupling loss is not modelled, no
    source separates it from bend loss. Two identical guides, synchronous.

Method
    Coupled-mode theory, `kappa(gap) = kappa0 exp(-gamma gap)` (Marcatili, Bell Syst. Tech. J. 48, 2071 (1969); Okamoto,
    Fundamentals of Optical Waveguides, chapter 4), integrated where a guide bends away: a circle of radius R leaves a
    straight bus as `gap + z^2 / 2R`, which adds a straight length `sqrt(2 pi R / gamma)`. kappa0 and gamma are those
    of two slabs, each times a factor: for the strip fitted to a 3D-FDTD table (all 16 rows within 18 % in power), for
    the rib to computed supermodes. All of it is in `data/couplers.yaml`.

Validity
    TE, gaps of 50 to 400 nm, radii from 3 um. The FDTD table is for 1550 nm and 500 nm wide strips: the O-band strip
    is reached by slab theory (a mode solver agrees within 6 % in kappa at 0.15 and 0.2 um), not by a measurement. A
    coupler for TM is not given.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.sdict import Array, data, number
from cpo_pdk.models.waveguide import neff
from cpo_pdk.tech.waveguides import cross_section as load_cross_section


def slab_coupling(
    wl: ArrayLike, index: ArrayLike, width: ArrayLike, n_core: float, n_clad: float
) -> tuple[Array, Array]:
    """Coupling of two parallel TE slabs, `kappa = kappa0 exp(-p gap)`.

    Args:
        wl: wavelength in um.
        index: effective index of one guide.
        width: of one guide in um.
        n_core: (effective) index of the guide.
        n_clad: (effective) index between the guides.

    Returns:
        kappa0 (rad/um) and decay p (1/um).
    """
    k0 = 2 * np.pi / np.asarray(wl, dtype=np.float64)
    index = np.asarray(index, dtype=np.float64)
    h2 = k0**2 * (n_core**2 - index**2)
    p = k0 * np.sqrt(index**2 - n_clad**2)
    return 2 * h2 * p / (k0 * index * (np.asarray(width) + 2 / p) * (h2 + p**2)), p


def coupling(
    wl: ArrayLike,
    gap: ArrayLike,
    *,
    cross_section: str = "strip",
    width: ArrayLike | None = None,
    height: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> tuple[Array, Array]:
    """Coupling per length of two parallel waveguides.

    Args:
        wl: wavelength in um.
        gap: between the cores in um.
        cross_section: "strip" or "rib".
        width: core width in um; None: the cross-section's.
        height: of the cores in um; None: 0.22.
        dw: what either core is wider than `width`, nm; the gap is as much narrower.
        dh: what the cores are higher than `height`, nm.

    Returns:
        kappa in rad/um and its decay gamma with the gap in 1/um.
    """
    w = (load_cross_section(cross_section).width if width is None else np.asarray(width)) + np.asarray(dw) * 1e-3
    constants = data("couplers")["cross_sections"][cross_section]
    kappa0, p = slab_coupling(
        wl, neff(wl, w, height, cross_section=cross_section, dh=dh), w, constants["n_core"], constants["n_clad"]
    )
    gamma = constants["gamma_factor"] * p
    return constants["kappa0_factor"] * kappa0 * np.exp(
        -gamma * (number("gap", gap, 0.0, 10.0) - np.asarray(dw) * 1e-3)
    ), gamma


def arc_length_equivalent(radius: ArrayLike, gamma: ArrayLike) -> Array:
    """Straight length in um that couples as much as a circle of `radius` um leaving a straight bus."""
    return np.sqrt(2 * np.pi * number("radius", radius, 0.5, 1e6) / np.asarray(gamma))


def s_bend_length_equivalent(length: ArrayLike, offset: ArrayLike, gamma: ArrayLike) -> Array:
    """Straight length in um that couples as much as one S-bend leaving a straight guide.

    An S-bend starts as `y = a z^3`, `a = 2 pi^2 offset / (3 length^3)`, so that
    `integral exp(-gamma y) dz = Gamma(4/3) (gamma a)^(-1/3)`.
    """
    a = 2 * np.pi**2 * number("offset", offset, 1e-3, 1e6) / (3 * number("length", length, 0.1, 1e6) ** 3)
    return math.gamma(4 / 3) * (np.asarray(gamma) * a) ** (-1 / 3)


def ring_coupler(
    wl: ArrayLike,
    *,
    gap: ArrayLike,
    radius: ArrayLike,
    length_x: ArrayLike = 0.0,
    cross_section: str = "strip",
    width: ArrayLike | None = None,
    height: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> tuple[Array, Array]:
    """Coupler of a ring or racetrack and its bus: cosine and sine of `kappa (length_x + sqrt(2 pi radius / gamma))`.

    Args:
        wl: wavelength in um.
        gap: smallest distance between the cores in um.
        radius: of the bends in um.
        length_x: straight part of the coupler in um.
        cross_section: "strip" or "rib".
        width: core width in um; None: the cross-section's.
        height: of the cores in um; None: 0.22.
        dw: what either core is wider than drawn, nm.
        dh: what the cores are higher than `height`, nm.

    Returns:
        Through amplitude t and cross amplitude k (to be used as `+1j k`), `t^2 + k^2 = 1`.
    """
    kappa, gamma = coupling(wl, gap, cross_section=cross_section, width=width, height=height, dw=dw, dh=dh)
    angle = kappa * (number("length_x", length_x, 0.0, 1e4) + arc_length_equivalent(radius, gamma))
    return np.cos(angle), np.sin(angle)
