"""Evanescent coupling of two equal guides: per length, and of a ring and its bus.

Conventions
    Through `cos`, cross `+1j sin` of the coupling angle, lossless by themselves: no source separates a coupler's own
    loss from bend loss. Two identical guides, synchronous. `dw` widens both cores: the gap shrinks by it.

Method
    `kappa = pi (neff_even - neff_odd) / wl` of the two computed supermodes (`modes`, `data/pair_modes.json`). Where a
    guide bends away, kappa of the local gap is integrated along the bus: `angle = kappa(gap) length_x + integral
    kappa(gap + R - sqrt(R^2 - z^2)) dz` (coupled-mode theory; Okamoto, Fundamentals of Optical Waveguides, chapter 4).
    Nothing is fitted.

Validity
    TE, gaps from 50 nm; beyond 0.6 um kappa falls exponentially. Between the nodes of the table kappa is within 1 % of
    the solver, within 3 % for cores wider than 0.7 um. Against 16 couplings of half rings and straight buses in a
    published 3D-FDTD table (1550 nm, R 3 to 12 um, gaps 50 to 200 nm) the power is low by 2 to 4 % at radii of 10 um
    and more, by up to 10 % at 5 um and 21 % at 3 um: that the phase fronts of ring and bus part, and that the bent mode
    leans outwards, are left out, and act against each other. A coupler for TM is not given. Another slab acts
    on kappa by its slope at 1.31 um, 220 nm and the smallest gap (`data/rib_etch.json`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.modes import etched, guide_size, pair_gap, pairs, slab_change
from cpo_pdk.models.sdict import Array, number
from cpo_pdk.tech.waveguides import cross_section as load_cross_section

#: gap in um, beyond the smallest, where the coupling along a bend is cut off: less than 1e-4 of it is left there
REACH = 2.0
#: nodes and weights from 0 to 1 along a bend
_POINTS, _WEIGHTS = ((np.polynomial.legendre.leggauss(32)[0] + 1) / 2, np.polynomial.legendre.leggauss(32)[1] / 2)


def coupling(
    wl: ArrayLike,
    gap: ArrayLike,
    *,
    cross_section: str = "strip",
    width: ArrayLike | None = None,
    height: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> tuple[Array, Array]:
    """Coupling per length of two parallel waveguides.

    Args:
        wl: wavelength in um.
        gap: between the cores in um, from 0.05.
        cross_section: "strip" or "rib".
        width: core width in um; None: the cross-section's.
        height: of the cores in um; None: the process's 0.22.
        dw: what either core is wider than `width`, nm; the gap is as much narrower.
        dh: what the cores are higher than `height`, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.

    Returns:
        kappa in rad/um and its decay with the gap `gamma = -d ln(kappa) / d gap` in 1/um.

    Raises:
        ParameterError: something outside the tables.
    """
    pair = pairs(cross_section)
    logs, slopes = pair.at_gap(pair_gap(gap, dw), pair.over_gap(*_size(cross_section, width, height, dw, dh)))
    more = _slab(pair_gap(gap, dw), cross_section, width, dw, dslab)
    return np.exp(pair.bands.evaluate(wl, logs)[0] + more), -pair.bands.evaluate(wl, slopes)[0]


def _size(
    cross_section: str, width: ArrayLike | None, height: ArrayLike | None, dw: ArrayLike, dh: ArrayLike
) -> tuple[Array, Array]:
    section = load_cross_section(cross_section)
    return guide_size(section.width if width is None else width, section.height if height is None else height, dw, dh)


def _slab(gap: Array, cross_section: str, width: ArrayLike | None, dw: ArrayLike, dslab: ArrayLike) -> Array:
    """What another slab adds to log(kappa), at the smallest gap: a thicker one lets more light over."""
    change = slab_change(dslab, cross_section)
    if change is None:
        return np.zeros(np.shape(dslab))
    core, _height = _size(cross_section, width, None, dw, 0.0)
    return change * etched().log_kappa_per_nm(core, gap)


def s_bend_length_equivalent(length: ArrayLike, offset: ArrayLike, gamma: ArrayLike) -> Array:
    """Straight length in um that couples as much as one S-bend leaving a straight guide.

    An S-bend starts as `y = a z^3`, `a = 2 pi^2 offset / (3 length^3)`, so that
    `integral exp(-gamma y) dz = Gamma(4/3) (gamma a)^(-1/3)`.
    """
    a = 2 * np.pi**2 * number("offset", offset, 1e-3, 1e6) / (3 * number("length", length, 0.1, 1e6) ** 3)
    return math.gamma(4 / 3) * (np.asarray(gamma) * a) ** (-1 / 3)


def ring_angle(
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
    dslab: ArrayLike = 0.0,
) -> Array:
    """Logarithm of the coupling angle (rad) of a ring or racetrack and its bus.

    Args:
        wl: wavelength in um.
        gap: smallest distance between the cores in um.
        radius: of the bends, along their middle line, in um.
        length_x: straight part of the coupler in um.
        cross_section: "strip" or "rib".
        width: core width in um; None: the cross-section's.
        height: of the cores in um; None: the process's 0.22.
        dw: what either core is wider than drawn, nm.
        dh: what the cores are higher than `height`, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.

    Raises:
        ParameterError: something outside the tables.
    """
    pair = pairs(cross_section)
    nearest, R = pair_gap(gap, dw), number("radius", radius, 0.5, 1e6)
    over_gap = pair.over_gap(*_size(cross_section, width, height, dw, dh))
    straight = number("length_x", length_x, 0.0, 1e4)
    turn = np.arccos(1 - np.minimum(REACH / R, 1.0))
    points = np.broadcast_shapes(nearest.shape, R.shape, over_gap.shape[:-3])
    at = turn * _POINTS.reshape(-1, *(1,) * len(points))
    step = turn * R * np.cos(at) * _WEIGHTS.reshape(-1, *(1,) * len(points))
    kappa = np.exp(pair.at_gap(nearest + R * (1 - np.cos(at)), over_gap)[0])
    along = 2 * np.sum(kappa * step[..., None, None], axis=0)
    angle = np.exp(pair.at_gap(nearest, over_gap)[0]) * straight[..., None, None] + along
    return pair.bands.evaluate(wl, np.log(angle))[0] + _slab(nearest, cross_section, width, dw, dslab)


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
    dslab: ArrayLike = 0.0,
) -> tuple[Array, Array]:
    """Coupler of a ring or racetrack and its bus; arguments and errors as `ring_angle`.

    Returns:
        Through amplitude t and cross amplitude k (to be used as `+1j k`), `t^2 + k^2 = 1`.
    """
    total = np.exp(
        ring_angle(
            wl,
            gap=gap,
            radius=radius,
            length_x=length_x,
            cross_section=cross_section,
            width=width,
            height=height,
            dw=dw,
            dh=dh,
            dslab=dslab,
        )
    )
    return np.cos(total), np.sin(total)
