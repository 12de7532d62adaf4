"""Modes of slabs: silicon film between oxide, then the film's index sideways (the effective-index method).

A strip much wider than it is high is a film of index `film_index`, cut to a width. Light polarised along the wafer
(TE) has its field across the side walls, so that the sideways slab is a TM one (Knox and Toulios, Proc. MRI Symp.
Submillimeter Waves (1970); Soldano and Pennings, J. Lightwave Technol. 13, 615 (1995), use it for multimode sections).

Validity
    Widths from 0.6 um: there the fundamental index is within 0.3 % and the group index within 0.2 % of the published
    table of a vector solver; at 0.4 um the index is 1.7 % too high. Wavelengths of 1.2 to 1.7 um.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.sdict import Array, number, wavelength
from cpo_pdk.models.waveguide import neff
from cpo_pdk.tech.materials import MATERIALS

#: strip widths in um up to which `strip_index` is that of the tables of a vector solver
TABLE_END = 0.6
_NEWTON = 12
_FIXED_POINT = 12


def silicon(wl: ArrayLike, dT: ArrayLike = 0.0) -> Array:
    """Index of silicon at `wl` um, warmer by `dT` K."""
    return MATERIALS["Si"].index(wavelength(wl), number("dT", dT, -273.0, 500.0, "K"))


def oxide(wl: ArrayLike, dT: ArrayLike = 0.0) -> Array:
    """Index of silica at `wl` um, warmer by `dT` K."""
    return MATERIALS["SiO2"].index(wavelength(wl), number("dT", dT, -273.0, 500.0, "K"))


def film_index(wl: ArrayLike, height: ArrayLike = 0.22, dT: ArrayLike = 0.0, *, dh: ArrayLike = 0.0) -> Array:
    """Effective index of the TE0 mode of a silicon film in oxide.

    With u half the transverse phase and V that of the cut-off, the mode obeys `u = arccos(u / V)`: Newton's method.

    Args:
        wl: wavelength in um.
        height: of the film in um.
        dT: temperature rise in K.
        dh: what the film is higher than `height`, nm.
    """
    thickness = number("height", height, 0.05, 0.5) + number("dh", dh, -50.0, 50.0, "nm") * 1e-3
    core, clad = silicon(wl, dT), oxide(wl, dT)
    half = np.pi / wavelength(wl) * thickness  # k0 height / 2
    v = half * np.sqrt(core**2 - clad**2)
    u = 0.8 * np.minimum(v, np.pi / 2)
    for _ in range(_NEWTON):
        u = u - (u - np.arccos(u / v)) / (1 + 1 / np.sqrt(v**2 - u**2))
    return np.sqrt(core**2 - (u / half) ** 2)


def sideways_phase(wl: ArrayLike, width: ArrayLike, order: int, film: Array, clad: Array) -> Array:
    """Transverse wave number in rad/um of a TM mode of the sideways slab; NaN where the mode is not guided.

    `kappa width = (order + 1) pi - 2 arctan(clad^2 kappa / (film^2 gamma))`, solved by iteration (the arctangent is
    small and changes slowly, the steps shrink by more than ten).

    Args:
        wl: wavelength in um.
        width: of the slab in um.
        order: of the mode, 0 the fundamental.
        film: index of the film.
        clad: index beside it.
    """
    limit = 2 * np.pi / np.asarray(wl) * np.sqrt(film**2 - clad**2)
    share = (clad / film) ** 2
    start = (order + 1) * np.pi / np.asarray(width)
    kappa = np.minimum(start, 0.999 * limit)
    for _ in range(_FIXED_POINT):
        inside = np.minimum(kappa, limit * (1 - 1e-9))
        kappa = start - 2 * np.arctan(share * inside / np.sqrt(limit**2 - inside**2)) / np.asarray(width)
    return np.where(kappa < limit, kappa, np.nan)


def strip_index(
    wl: ArrayLike, width: ArrayLike, dT: ArrayLike = 0.0, *, dw: ArrayLike = 0.0, dh: ArrayLike = 0.0
) -> Array:
    """Effective index of TE0 of a strip of any width from 0.3 um: the tables, and slabs for what is beyond them.

    Args:
        wl: wavelength in um.
        width: of the core in um.
        dT: temperature rise in K.
        dw: what the core is wider than `width`, nm.
        dh: what the core is higher than 0.22 um, nm.

    Returns:
        Broadcast shape of all arguments; continuous where the tables end.
    """
    width = np.asarray(width, dtype=np.float64)
    table = neff(wl, np.minimum(width, TABLE_END), dT=dT, dw=dw, dh=dh)
    if not np.any(width > TABLE_END):
        return table
    film, clad = film_index(wl, dT=dT, dh=dh), oxide(wl, dT)
    k0 = 2 * np.pi / np.asarray(wl)

    def slab(core: Array) -> Array:
        return np.sqrt(film**2 - (sideways_phase(wl, core, 0, film, clad) / k0) ** 2)

    wider = number("dw", dw, -100.0, 100.0, "nm") * 1e-3
    return table + slab(np.maximum(width, TABLE_END) + wider) - slab(TABLE_END + wider)
