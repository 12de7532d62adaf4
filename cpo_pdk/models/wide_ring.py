"""Add-drop ring that is wide between its couplers, where an error of its width hardly moves it.

Conventions
    As `ring.add_drop_ring`: o1 in, o2 drop, o3 add, o4 through. The phase once round is the index integrated over the
    width, `width + (width_wide - width) cos^2(angle)` along each arc, so that the resonance moves with the width as
    the mean of `dneff/dw` does, which falls steeply for wide cores.

Validity
    TE. The width changes slowly enough that light stays in the fundamental mode: its loss to higher modes is not
    computed. Propagation loss is that of the narrow guide, an upper bound as wide cores scatter less. Otherwise as
    `ring`: no backscattering, no reflection, no self-heating.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.model import FOUR, Model
from cpo_pdk.models.modes import bend_index_rise
from cpo_pdk.models.ring import (
    find_resonances,
    heater_shift_nm,
    strip_terms,
    turn,
)
from cpo_pdk.models.ring_filters import FILTER, HEATED
from cpo_pdk.models.ring_response import RingTerms, add_drop, add_drop_kept
from cpo_pdk.models.sdict import Array, SDict, number
from cpo_pdk.models.waveguide import neff

#: where the index along half an arc is looked at: cos^2 of the angle, all with the same weight (Chebyshev)
_SHARES = (1 + np.cos((2 * np.arange(12) + 1) * np.pi / 24)) / 2


def wide_ring_um(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    length_x: ArrayLike,
    width: ArrayLike,
    width_wide: ArrayLike,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    **_: object,
) -> Array:
    """Optical path once round `wide_ring` in um: the index integrated over the width that changes along the arcs.

    Args:
        wl: wavelength in um.
        radius: as `wide_ring`; so are the others.
        length_x: um.
        width: um.
        width_wide: um.
        dT: K.
        dw: nm.
        dh: nm.
    """
    narrow, wide = number("width", width, 0.1, 2.0), number("width_wide", width_wide, 0.1, 2.0)
    widths = narrow[..., None] + (wide - narrow)[..., None] * _SHARES
    deviations = (("dT", dT, "K"), ("dw", dw, "nm"), ("dh", dh, "nm"))
    t, w, h = (number(name, value, -500.0, 500.0, unit)[..., None] for name, value, unit in deviations)
    R, straight = number("radius", radius, 0.5, 1e4), number("length_x", length_x, 0.0, 1e4)
    at = np.asarray(wl, dtype=np.float64)[..., None]
    index = neff(at, widths, dT=t, dw=w, dh=h) + bend_index_rise(R[..., None], at, widths + w * 1e-3)
    arcs = 2 * np.pi * R * np.mean(index, axis=-1)
    return arcs + 2 * straight * neff(wl, narrow, dT=dT, dw=dw, dh=dh)


def wide_ring_terms(
    wl: ArrayLike, *, radius: ArrayLike, width: ArrayLike, width_wide: ArrayLike, **others: Any
) -> dict[str, Array]:
    """Terms of `wide_ring`, see `ring_response`; arguments as there."""
    widening = number("width_wide", width_wide, 0.1, 2.0) - number("width", width, 0.1, 2.0)
    bend = number("radius", radius, 0.5, 1e4)
    apart = bend / (1 - np.minimum(widening / bend, 0.9))
    coupled = strip_terms(wl, radius=apart, width=width, **others)
    return {**strip_terms(wl, radius=radius, width=width, **others), "angle": coupled["angle"]}


def wide_ring(
    wl: ArrayLike,
    *,
    radius: ArrayLike = 5.3,
    gap: ArrayLike = 0.145,
    length_x: ArrayLike = 2.5,
    width: ArrayLike = 0.4,
    width_wide: ArrayLike = 0.8,
    length_bus: ArrayLike = 8.0,
    loss_dB_cm: ArrayLike = 3.0,
    loss_dB_bend_90: ArrayLike = 0.002,
    tuning_nm: ArrayLike = 0.0,
    heater_mW: ArrayLike = 0.0,
    heater_nm_mW: ArrayLike = 0.1,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Add-drop racetrack of strip that is `width_wide` wide half way between its couplers.

    Ports as `add_drop_ring`: o1 in, o2 drop, o3 add, o4 through. At a coupler the widening makes the ring part from
    the bus more slowly, as a circle of `radius / (1 - (width_wide - width) / radius)` would.

    Args:
        wl: wavelength in um.
        radius: of the two half circles in um.
        gap: between ring and either bus in um.
        length_x: straight part of either coupler in um.
        width: core width of the buses, and of the ring at the couplers, in um.
        width_wide: core width half way between the couplers in um, at least `width`.
        length_bus: of each bus on either side of the coupler's straight part in um.
        loss_dB_cm: propagation loss in ring and buses in dB/cm.
        loss_dB_bend_90: excess loss of a quarter of the ring in dB.
        tuning_nm: red shift by the heater in nm, not negative.
        heater_mW: heater power in mW; shifts by `heater_nm_mW * heater_mW` on top of `tuning_nm`.
        heater_nm_mW: heater efficiency in nm/mW.
        dT: temperature rise in K.
        dw: what the cores are wider than drawn, nm; the gaps are as much narrower.
        dh: what the cores are higher than 0.22 um, nm.
    """
    ring = {
        "radius": radius,
        "length_x": length_x,
        "width": width,
        "width_wide": width_wide,
        "dT": dT,
        "dw": dw,
        "dh": dh,
    }
    losses = {"loss_dB_cm": loss_dB_cm, "loss_dB_bend_90": loss_dB_bend_90}
    terms = wide_ring_terms(wl, gap=gap, length_bus=length_bus, **losses, **ring)
    shift = heater_shift_nm(tuning_nm, heater_mW, heater_nm_mW)
    return add_drop(wl, terms, (turn(partial(wide_ring_um, **ring), wl, shift),))


def wide_ring_resonances(
    wl_min: float,
    wl_max: float,
    *,
    radius: float = 5.3,
    length_x: float = 2.5,
    width: float = 0.4,
    width_wide: float = 0.8,
    tuning_nm: float = 0.0,
    heater_mW: float = 0.0,
    heater_nm_mW: float = 0.1,
    dT: float = 0.0,
    dw: float = 0.0,
    dh: float = 0.0,
    **_: object,
) -> Array:
    """Resonances of `wide_ring` between two wavelengths, rising; cold ones with the tuning left at zero.

    Args:
        wl_min: lower end in um.
        wl_max: upper end in um.
        radius: as `wide_ring`; so are the others, and those that do not move a resonance are accepted.
        length_x: um.
        width: um.
        width_wide: um.
        tuning_nm: nm.
        heater_mW: mW.
        heater_nm_mW: nm/mW.
        dT: K.
        dw: nm.
        dh: nm.

    Returns:
        Wavelengths in um, shape (number of resonances,).
    """
    shift = float(heater_shift_nm(tuning_nm, heater_mW, heater_nm_mW))

    ring = {
        "radius": radius,
        "length_x": length_x,
        "width": width,
        "width_wide": width_wide,
        "dT": dT,
        "dw": dw,
        "dh": dh,
    }

    def turns(wl: Array) -> Array:
        return turn(partial(wide_ring_um, **ring), wl, shift) / (2 * np.pi)

    return find_resonances(wl_min, wl_max, turns)


MODELS = (
    Model(
        "wide_ring",
        wide_ring,
        FOUR,
        ranges={**FILTER, "width": (0.3, 0.5, "um"), "width_wide": (0.5, 1.1, "um")},
        resonances=wide_ring_resonances,
        tuning="tuning_nm",
        drawn_only=HEATED,
        ring=RingTerms(wide_ring_terms, wide_ring_um, add_drop, add_drop_kept),
    ),
)
