"""Ring filters beyond the add-drop ring: one bus, and two coupled rings.

Conventions
    Couplers are lossless points `[t, +1j k]` in the middle of the straights, half the circumference apart;
    `z = a exp(1j phase)` once round, `phase = 2 pi neff L / wl`, `a` = amplitude once round. `tuning_nm` is the red
    shift made by the heaters: every resonance moves by exactly that much.

    `all_pass_ring`, o1 to o2 (Yariv, Electron. Lett. 36, 321 (2000)):

        through = (t - z) / (1 - t z)

    `double_ring`, couplers t1 (lower bus, lower ring 1), t2 (ring to ring), t3 (upper ring 2, upper bus); light turns
    round in each ring, so that what is dropped leaves east, o1 to o3 (Little et al., J. Lightwave Technol. 15, 998
    (1997); here exact, not about a resonance):

        D       = 1 - t1 t2 z1 - t2 t3 z2 + t1 t3 z1 z2
        drop    = -1j k1 k2 k3 sqrt(z1 z2) / D
        through = (t1 - t2 z1 - t1 t2 t3 z2 + t3 z1 z2) / D

    Its passband is flat when `k2 = k1^2 / 2` (small k, no loss), and then `sqrt(2) k1^2 / (2 pi)` of the free spectral
    range wide.

Validity
    TE only. No backscattering in the rings and no reflection, so no split resonance: no source gives a backscatter
    level for these rings. No self-heating, no heat from one ring's heater in the other. Losses of
    bends and junctions of straight and arc as in `ring`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.coupler import ring_angle, ring_coupler
from cpo_pdk.models.model import DEVIATIONS, FOUR, OPERATED, TWO, Model, Ranges
from cpo_pdk.models.ring import (
    RING,
    circumference,
    find_resonances,
    heater_shift_nm,
    round_trip_phase,
    strip_path_um,
    strip_terms,
    turn,
)
from cpo_pdk.models.ring_response import RingTerms, all_pass, all_pass_kept, double, double_kept
from cpo_pdk.models.sdict import Array, SDict, number


def _where_light_builds_up(
    wl_min: float, wl_max: float, turns: Callable[[Array], Array], kept: Callable[[Array], Array]
) -> Array:
    """Resonances of a ring whose couplers keep `kept` of the amplitude: where that is negative, half a turn off."""
    found = []
    for sign, offset in ((1, 0.0), (-1, 0.5)):
        at = find_resonances(wl_min, wl_max, turns, offset)
        found.append(at[sign * kept(at) > 0])
    return np.sort(np.concatenate(found))


def all_pass_ring(
    wl: ArrayLike,
    *,
    radius: ArrayLike = 4.9,
    gap: ArrayLike = 0.22,
    length_x: ArrayLike = 3.0,
    length_bus: ArrayLike = 8.0,
    width: ArrayLike | None = None,
    loss_dB_cm: ArrayLike = 3.0,
    loss_dB_bend_90: ArrayLike = 0.002,
    tuning_nm: ArrayLike = 0.0,
    heater_mW: ArrayLike = 0.0,
    heater_nm_mW: ArrayLike = 0.1,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Racetrack of strip beside one bus.

    Args:
        wl: wavelength in um.
        radius: of the two half circles in um.
        gap: between ring and bus in um.
        length_x: straight part of the coupler in um.
        length_bus: of the bus on either side of the coupler's straight part in um.
        width: core width of ring and bus in um; None: the strip's.
        loss_dB_cm: propagation loss in ring and bus in dB/cm.
        loss_dB_bend_90: excess loss of a quarter of the ring in dB.
        tuning_nm: red shift by the heater in nm, not negative.
        heater_mW: heater power in mW; shifts by `heater_nm_mW * heater_mW` on top of `tuning_nm`.
        heater_nm_mW: heater efficiency in nm/mW.
        dT: temperature rise in K.
        dw: what the cores are wider than drawn, nm; the gap is as much narrower.
        dh: what the cores are higher than 0.22 um, nm.
    """
    ring = {"radius": radius, "length_x": length_x, "width": width, "dT": dT, "dw": dw, "dh": dh}
    losses = {"loss_dB_cm": loss_dB_cm, "loss_dB_bend_90": loss_dB_bend_90}
    terms = strip_terms(wl, gap=gap, length_bus=length_bus, **losses, **ring)
    shift = heater_shift_nm(tuning_nm, heater_mW, heater_nm_mW)
    return all_pass(wl, terms, (turn(partial(strip_path_um, **ring), wl, shift),))


def all_pass_ring_resonances(
    wl_min: float,
    wl_max: float,
    *,
    radius: float = 4.9,
    gap: float = 0.22,
    length_x: float = 3.0,
    width: float | None = None,
    tuning_nm: float = 0.0,
    heater_mW: float = 0.0,
    heater_nm_mW: float = 0.1,
    dT: float = 0.0,
    dw: float = 0.0,
    dh: float = 0.0,
    **_: object,
) -> Array:
    """Notches of `all_pass_ring` between two wavelengths, rising; cold ones with the tuning left at zero.

    Args:
        wl_min: lower end in um.
        wl_max: upper end in um.
        radius: as `all_pass_ring`; so are the others, and those that do not move a resonance are accepted.
        gap: um; a coupler so long that more than all light crosses turns the sign of what stays.
        length_x: um.
        width: um.
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
    length = float(circumference(radius, length_x))

    def turns(wl: Array) -> Array:
        phase = round_trip_phase(wl, length, width=width, shift_nm=shift, dT=dT, dw=dw, dh=dh, radius=radius)
        return phase / (2 * np.pi)

    def kept(wl: Array) -> Array:
        return ring_coupler(wl, gap=gap, radius=radius, length_x=length_x, width=width, dw=dw, dh=dh)[0]

    return _where_light_builds_up(wl_min, wl_max, turns, kept)


def double_ring_couplers(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    gap: ArrayLike,
    gap_ring: ArrayLike,
    length_x: ArrayLike,
    width: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Through and cross amplitude of a bus coupler, then of the coupler between the rings; arguments as `double_ring`.

    Two circles of radius R part as fast as a circle of R / 2 and a straight line.
    """
    half = np.asarray(radius, dtype=np.float64) / 2
    return (
        ring_coupler(wl, gap=gap, radius=radius, length_x=length_x, width=width, dw=dw, dh=dh),
        ring_coupler(wl, gap=gap_ring, radius=half, length_x=length_x, width=width, dw=dw, dh=dh),
    )


def double_ring_terms(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    gap_ring: ArrayLike,
    length_x: ArrayLike,
    width: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    **others: Any,
) -> dict[str, Array]:
    """Terms of `double_ring`, see `ring_response`; arguments as there."""
    shape = {"radius": radius, "length_x": length_x, "width": width, "dw": dw, "dh": dh}
    half = number("radius", radius, 0.5, 1e4) / 2
    between = ring_angle(wl, gap=gap_ring, **{**shape, "radius": half})
    return {**strip_terms(wl, **shape, **others), "angle_ring": between}


def double_ring(
    wl: ArrayLike,
    *,
    radius: ArrayLike = 4.5,
    gap: ArrayLike = 0.14,
    gap_ring: ArrayLike = 0.27,
    length_x: ArrayLike = 4.4,
    length_bus: ArrayLike = 8.0,
    width: ArrayLike | None = None,
    loss_dB_cm: ArrayLike = 3.0,
    loss_dB_bend_90: ArrayLike = 0.002,
    tuning_nm: ArrayLike = 0.0,
    detuning_nm: ArrayLike = 0.0,
    heater_mW: ArrayLike = 0.0,
    heater_nm_mW: ArrayLike = 0.1,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Second-order filter of two like racetracks of strip between two buses.

    Args:
        wl: wavelength in um.
        radius: of the half circles in um.
        gap: between either bus and its ring in um.
        gap_ring: between the rings in um.
        length_x: straight part of the couplers in um.
        length_bus: of each bus on either side of the coupler's straight part in um.
        width: core width of rings and buses in um; None: the strip's.
        loss_dB_cm: propagation loss in rings and buses in dB/cm.
        loss_dB_bend_90: excess loss of a quarter of a ring in dB.
        tuning_nm: red shift of both rings by their heaters in nm, not negative.
        detuning_nm: red shift of the upper ring beyond that of the lower one, by unlike making or heating, in nm.
        heater_mW: power in each heater in mW; shifts by `heater_nm_mW * heater_mW` on top of `tuning_nm`.
        heater_nm_mW: heater efficiency in nm/mW.
        dT: temperature rise in K.
        dw: what the cores are wider than drawn, nm; the gaps are as much narrower.
        dh: what the cores are higher than 0.22 um, nm.
    """
    ring = {"radius": radius, "length_x": length_x, "width": width, "dT": dT, "dw": dw, "dh": dh}
    losses = {"loss_dB_cm": loss_dB_cm, "loss_dB_bend_90": loss_dB_bend_90}
    terms = double_ring_terms(wl, gap=gap, gap_ring=gap_ring, length_bus=length_bus, **losses, **ring)
    shift = heater_shift_nm(tuning_nm, heater_mW, heater_nm_mW)
    apart = number("detuning_nm", detuning_nm, -100.0, 100.0, "nm")
    path = partial(strip_path_um, **ring)
    return double(wl, terms, (turn(path, wl, shift), turn(path, wl, shift + apart)))


def double_ring_resonances(
    wl_min: float,
    wl_max: float,
    *,
    radius: float = 4.5,
    gap: float = 0.14,
    gap_ring: float = 0.27,
    length_x: float = 4.4,
    width: float | None = None,
    tuning_nm: float = 0.0,
    detuning_nm: float = 0.0,
    heater_mW: float = 0.0,
    heater_nm_mW: float = 0.1,
    dT: float = 0.0,
    dw: float = 0.0,
    dh: float = 0.0,
    **_: object,
) -> Array:
    """Middles of the passbands of `double_ring` between two wavelengths, rising; cold with the tuning left at zero.

    Args:
        wl_min: lower end in um.
        wl_max: upper end in um.
        radius: as `double_ring`; so are the others, and those that do not move a passband are accepted.
        gap: um.
        gap_ring: um.
        length_x: um.
        width: um.
        tuning_nm: nm.
        detuning_nm: nm; moves the middle by half of it.
        heater_mW: mW.
        heater_nm_mW: nm/mW.
        dT: K.
        dw: nm.
        dh: nm.

    Returns:
        Wavelengths in um, shape (number of passbands,).
    """
    shift = float(heater_shift_nm(tuning_nm, heater_mW, heater_nm_mW)) + detuning_nm / 2
    length = float(circumference(radius, length_x))

    def turns(wl: Array) -> Array:
        phase = round_trip_phase(wl, length, width=width, shift_nm=shift, dT=dT, dw=dw, dh=dh, radius=radius)
        return phase / (2 * np.pi)

    def kept(wl: Array) -> Array:
        (t1, _k1), (t2, _k2) = double_ring_couplers(
            wl, radius=radius, gap=gap, gap_ring=gap_ring, length_x=length_x, width=width, dw=dw, dh=dh
        )
        return t1 * t2

    return _where_light_builds_up(wl_min, wl_max, turns, kept)


def _core(rings: int, buses: int, radius: float, length_x: float, length_bus: float) -> float:
    return rings * float(circumference(radius, length_x)) + buses * (length_x + 2 * length_bus)


def all_pass_ring_core(radius: float = 4.9, length_x: float = 3.0, length_bus: float = 8.0, **_: object) -> float:
    """Length of ring and bus in um; arguments as `all_pass_ring`."""
    return _core(1, 1, radius, length_x, length_bus)


def double_ring_core(radius: float = 4.5, length_x: float = 4.4, length_bus: float = 8.0, **_: object) -> float:
    """Length of both rings and both buses in um; arguments as `double_ring`."""
    return _core(2, 2, radius, length_x, length_bus)


FILTER: Ranges = {**RING, **DEVIATIONS, "length_bus": (5.0, 50.0, "um")}
HEATED = {"width_heater": "the heater's efficiency is a number of the sheet (heater_nm_mW)"}

MODELS = (
    Model(
        "all_pass_ring",
        all_pass_ring,
        TWO,
        ranges=FILTER,
        resonances=all_pass_ring_resonances,
        tuning="tuning_nm",
        drawn_only=HEATED,
        core_length=all_pass_ring_core,
        ring=RingTerms(strip_terms, strip_path_um, all_pass, all_pass_kept),
    ),
    Model(
        "double_ring",
        double_ring,
        FOUR,
        ranges={**FILTER, "gap_ring": (0.12, 0.5, "um"), "detuning_nm": (-3.0, 3.0, "nm")},
        resonances=double_ring_resonances,
        tuning="tuning_nm",
        operated=OPERATED | {"detuning_nm"},
        drawn_only=HEATED,
        core_length=double_ring_core,
        ring=RingTerms(double_ring_terms, strip_path_um, double, double_kept, split="detuning_nm"),
    ),
)
