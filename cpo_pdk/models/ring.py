"""Add-drop ring filter: a racetrack of strip between two buses, as one four-port.

Conventions
    Ports clockwise from lower left: o1 in, o2 drop, o3 add, o4 through. Light from o1 runs along the lower bus, goes
    round the ring counter-clockwise and leaves at o2. Couplers are lossless points `[t, +1j k]` in the middle of the
    two straights, half the circumference apart; `phase = 2 pi neff L / wl`, `a` = amplitude once round:

        through = (t - t a exp(1j phase)) / (1 - t^2 a exp(1j phase))
        drop    = -k^2 sqrt(a exp(1j phase)) / (1 - t^2 a exp(1j phase))

    `tuning_nm` is the red shift made by the heater: every resonance moves by exactly that much.
    After Yariv, Electron. Lett. 36, 321 (2000), and Bogaerts et al., Laser Photonics Rev. 6, 47 (2012).

    A racetrack pays the computed mismatch of straight and circle four times a round (`bend_mismatch_dB`), a circle
    never. `loss_dB_bend_90` is what a quarter of the ring loses on top, by radiation and roughness.

Validity
    TE only: the buses behind the polarisation splitter carry TE. No backscattering in the ring and no reflection, so
    no split resonance: no source gives a backscatter level for these rings. No self-heating. The circles have the index
    of a bent guide; what the bus does to it within a coupler is left out, which moves the absolute resonance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.coupler import ring_angle
from cpo_pdk.models.model import CORE, DEVIATIONS, FOUR, Model, Ranges
from cpo_pdk.models.modes import band_start
from cpo_pdk.models.ring_response import RingTerms, add_drop, add_drop_kept
from cpo_pdk.models.sdict import Array, SDict, number, wavelength
from cpo_pdk.models.waveguide import bend_mismatch_dB, bend_path_um, neff

#: `find_resonances`: wavelengths at which it looks first, and steps with the slope found there; the error falls by
#: more than a hundredfold a step
SAMPLES, NEWTON_STEPS = 65, 6


def circumference(radius: ArrayLike, length_x: ArrayLike) -> Array:
    """Length of a racetrack in um: two half circles and two straights of `length_x`."""
    return 2 * np.pi * number("radius", radius, 0.5, 1e4) + 2 * number("length_x", length_x, 0.0, 1e4)


def heater_shift_nm(tuning_nm: ArrayLike, heater_mW: ArrayLike, heater_nm_mW: ArrayLike) -> Array:
    """Red shift in nm made by the heater: asked for directly, or as power times efficiency (they add)."""
    power = number("heater_mW", heater_mW, 0.0, 1e3, "mW")
    return number("tuning_nm", tuning_nm, 0.0, 1e3, "nm") + power * number(
        "heater_nm_mW", heater_nm_mW, 0.0, 10.0, "nm/mW"
    )


def round_trip_um(
    wl: ArrayLike,
    length: ArrayLike,
    *,
    cross_section: str = "strip",
    width: ArrayLike | None = None,
    height: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
    radius: ArrayLike | None = None,
) -> Array:
    """Optical path once round in um, heater and junction at rest; arguments as `round_trip_phase`."""
    path = neff(wl, width, height, dT, cross_section=cross_section, dw=dw, dh=dh, dslab=dslab) * np.asarray(length)
    if radius is None:
        return path
    circle = 2 * np.pi * np.asarray(radius, dtype=np.float64)
    return path + bend_path_um(wl, radius, circle, width=width, cross_section=cross_section, dw=dw)


def turn(path_um: Callable[[Array], Array], wl: ArrayLike, shift_nm: ArrayLike, rise_um: ArrayLike = 0.0) -> Array:
    """Phase once round in rad of a ring with this optical path, resonances moved to the red by `shift_nm`.

    Args:
        path_um: um, of an array of wavelengths in um.
        wl: wavelength in um.
        shift_nm: red shift in nm.
        rise_um: added to the path (junction), um.
    """
    return shifted(lambda cold: 2 * np.pi * (path_um(cold) + np.asarray(rise_um)) / cold, wl, shift_nm)


def round_trip_phase(
    wl: ArrayLike,
    length: ArrayLike,
    *,
    cross_section: str = "strip",
    width: ArrayLike | None = None,
    height: ArrayLike | None = None,
    index_rise: ArrayLike = 0.0,
    shift_nm: ArrayLike = 0.0,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
    radius: ArrayLike | None = None,
) -> Array:
    """Phase once round in rad, of a ring whose resonances are moved to the red by `shift_nm`.

    Args:
        wl: wavelength in um.
        length: circumference in um.
        cross_section: "strip" or "rib".
        width: core width in um; None: the cross-section's.
        height: of the core in um; None: 0.22.
        index_rise: added to the effective index (junction).
        shift_nm: red shift in nm.
        dT: temperature rise in K.
        dw: what the core is wider than drawn, nm.
        dh: what the core is higher than `height`, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
        radius: of the full circle that is part of `length`, in um: its index is that of the bent guide; None: all
            straight.
    """

    def path_um(cold: Array) -> Array:
        return round_trip_um(
            cold,
            length,
            cross_section=cross_section,
            width=width,
            height=height,
            dT=dT,
            dw=dw,
            dh=dh,
            dslab=dslab,
            radius=radius,
        )

    return turn(path_um, wl, shift_nm, np.asarray(index_rise) * np.asarray(length))


def shifted(phase: Callable[[Array], Array], wl: ArrayLike, shift_nm: ArrayLike) -> Array:
    """A phase of the wavelength, moved to the red: `phase(wl - shift)`.

    Where that leads below the band of the computed modes, the phase goes on from its end with its slope there.

    Args:
        phase: rad, of an array of wavelengths in um.
        wl: wavelength in um.
        shift_nm: red shift in nm.
    """
    hot = wavelength(wl)
    cold = hot - np.asarray(shift_nm, dtype=np.float64) * 1e-3
    inside = np.maximum(cold, band_start(hot))
    found = phase(inside)
    beyond = cold - inside
    if not np.any(beyond):
        return found
    step = 1e-4
    return found + (phase(inside + step) - found) / step * beyond


def find_resonances(wl_min: float, wl_max: float, turns: Callable[[Array], Array], offset: float = 0.0) -> Array:
    """Wavelengths between two, rising, where a ring's phase once round is a multiple of 2 pi.

    Args:
        wl_min: lower end in um.
        wl_max: upper end in um.
        turns: phase once round over 2 pi, as a function of an array of wavelengths in um; smooth and falling.
        offset: added to the orders: 0.5 where a coupler turns the sign of the light that goes round.

    Returns:
        Wavelengths in um, shape (number of resonances,).

    Raises:
        ParameterError: `turns` does not fall all the way.
    """
    wl = np.linspace(wl_min, wl_max, SAMPLES)
    at = np.asarray(turns(wl), dtype=np.float64)
    if not np.all(np.diff(at) < 0):
        raise ParameterError(f"the phase once round does not fall from {wl_min:g} to {wl_max:g} um; not a ring")
    orders = np.arange(np.floor(at[0] - offset), np.ceil(at[-1] - offset) - 1, -1) + offset
    if not len(orders):
        return orders
    upper = np.clip(np.searchsorted(-at, -orders), 1, SAMPLES - 1)
    low, high = wl[upper - 1], wl[upper]
    slope = (at[upper] - at[upper - 1]) / (high - low)
    found = low + (orders - at[upper - 1]) / slope
    for _ in range(NEWTON_STEPS):
        found = np.clip(found - (np.asarray(turns(found)) - orders) / slope, low, high)
    return found


def junctions_dB(
    wl: ArrayLike,
    radius: ArrayLike,
    length_x: ArrayLike,
    *,
    width: ArrayLike | None = None,
    cross_section: str = "strip",
    dw: ArrayLike = 0.0,
) -> Array:
    """Loss once round in dB at the four junctions of straight and circle of a racetrack; none where length_x is 0.

    Args:
        wl: wavelength in um.
        radius: of the half circles in um.
        length_x: of the straights in um.
        width: core width in um; None: the cross-section's.
        cross_section: "strip" or "rib".
        dw: what the core is wider than drawn, nm.
    """
    straight = np.asarray(length_x, dtype=np.float64) > 0
    if not np.any(straight):
        return np.zeros(np.broadcast_shapes(np.shape(wl), straight.shape))
    each = bend_mismatch_dB(radius, width=width, cross_section=cross_section, wl=wl, dw=dw)
    return np.where(straight, 4 * each, 0.0)


def round_trip_loss_dB(length: ArrayLike, loss_dB_cm: ArrayLike, loss_dB_bend_90: ArrayLike) -> Array:
    """Loss once round in dB: propagation and four quarter bends."""
    return number("loss_dB_cm", loss_dB_cm, 0.0, 1e4, "dB/cm") * np.asarray(length) * 1e-4 + 4 * number(
        "loss_dB_bend_90", loss_dB_bend_90, 0.0, 100.0, "dB"
    )


def bus_terms(
    wl: ArrayLike,
    length: ArrayLike,
    *,
    cross_section: str = "strip",
    width: ArrayLike | None,
    loss_dB_cm: ArrayLike,
    dT: ArrayLike,
    dw: ArrayLike,
    dh: ArrayLike,
    dslab: ArrayLike = 0.0,
) -> dict[str, Array]:
    """Terms of a bus of `length` um."""
    index = neff(wl, width, dT=dT, cross_section=cross_section, dw=dw, dh=dh, dslab=dslab)
    loss = number("loss_dB_cm", loss_dB_cm, 0.0, 1e4, "dB/cm")
    return {"bus_um": index * np.asarray(length), "bus_guide_dB": loss * np.asarray(length) * 1e-4}


def strip_terms(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    gap: ArrayLike,
    length_x: ArrayLike,
    length_bus: ArrayLike,
    width: ArrayLike | None = None,
    loss_dB_cm: ArrayLike,
    loss_dB_bend_90: ArrayLike,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    **_: object,
) -> dict[str, Array]:
    """Terms of a racetrack of strip beside a bus, see `ring_response`; arguments as `add_drop_ring`."""
    number("dw", dw, -100.0, 100.0, "nm")
    length = circumference(radius, length_x)
    angle = ring_angle(wl, gap=gap, radius=radius, length_x=length_x, width=width, dw=dw, dh=dh)
    guide = round_trip_loss_dB(length, loss_dB_cm, 0.0)
    bends = round_trip_loss_dB(length, 0.0, loss_dB_bend_90)
    bus = np.asarray(length_x, dtype=np.float64) + 2 * number("length_bus", length_bus, 0.0, 1e4)
    return {
        "angle": angle,
        "guide_dB": guide,
        "loss_dB": bends + junctions_dB(wl, radius, length_x, width=width, dw=dw),
        **bus_terms(wl, bus, width=width, loss_dB_cm=loss_dB_cm, dT=dT, dw=dw, dh=dh),
    }


def strip_path_um(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    length_x: ArrayLike,
    width: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    **_: object,
) -> Array:
    """Optical path once round a racetrack of strip in um; arguments as `add_drop_ring`."""
    length = circumference(radius, length_x)
    return round_trip_um(wl, length, width=width, dT=dT, dw=dw, dh=dh, radius=radius)


def add_drop_ring(
    wl: ArrayLike,
    *,
    radius: ArrayLike = 4.9,
    gap: ArrayLike = 0.15,
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
    """Symmetric add-drop racetrack of strip.

    Args:
        wl: wavelength in um.
        radius: of the two half circles in um.
        gap: between ring and either bus in um.
        length_x: straight part of either coupler in um.
        length_bus: of each bus on either side of the coupler's straight part in um.
        width: core width of ring and buses in um; None: the strip's.
        loss_dB_cm: propagation loss in the ring and buses in dB/cm.
        loss_dB_bend_90: loss of a quarter of the ring beyond propagation and junctions, in dB.
        tuning_nm: red shift by the heater in nm, not negative.
        heater_mW: heater power in mW; shifts by `heater_nm_mW * heater_mW` on top of `tuning_nm`.
        heater_nm_mW: heater efficiency in nm/mW.
        dT: temperature rise in K.
        dw: what the cores are wider than drawn, nm; the gaps are as much narrower.
        dh: what the cores are higher than 0.22 um, nm.
    """
    ring = {"radius": radius, "length_x": length_x, "width": width, "dT": dT, "dw": dw, "dh": dh}
    losses = {"loss_dB_cm": loss_dB_cm, "loss_dB_bend_90": loss_dB_bend_90}
    terms = strip_terms(wl, gap=gap, length_bus=length_bus, **losses, **ring)
    shift = heater_shift_nm(tuning_nm, heater_mW, heater_nm_mW)
    return add_drop(wl, terms, (turn(partial(strip_path_um, **ring), wl, shift),))


def add_drop_ring_resonances(
    wl_min: float,
    wl_max: float,
    *,
    radius: float = 4.9,
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
    """Resonances of `add_drop_ring` between two wavelengths, rising; cold ones with the tuning left at zero.

    Args:
        wl_min: lower end in um.
        wl_max: upper end in um.
        radius: as `add_drop_ring`; so are the others, and those that do not move a resonance are accepted.
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

    return find_resonances(wl_min, wl_max, turns)


def add_drop_ring_core(radius: float = 4.9, length_x: float = 3.0, length_bus: float = 8.0, **_: object) -> float:
    """Length of ring and buses in um; arguments as `add_drop_ring`."""
    return float(circumference(radius, length_x)) + 2 * (length_x + 2 * length_bus)


RING: Ranges = {
    **CORE,
    "radius": (4.5, 20.0, "um"),
    "gap": (0.12, 0.4, "um"),
    "length_x": (0.0, 10.0, "um"),
    "loss_dB_bend_90": (0.0, 0.2, "dB"),
    "tuning_nm": (0.0, 15.0, "nm"),
    "heater_mW": (0.0, 150.0, "mW"),
    "heater_nm_mW": (0.01, 1.0, "nm/mW"),
}

MODELS = (
    Model(
        "add_drop_ring",
        add_drop_ring,
        FOUR,
        ranges={**RING, **DEVIATIONS, "length_bus": (5.0, 50.0, "um")},
        resonances=add_drop_ring_resonances,
        tuning="tuning_nm",
        core_length=add_drop_ring_core,
        ring=RingTerms(strip_terms, strip_path_um, add_drop, add_drop_kept),
        drawn_only={"width_heater": "the heater's efficiency is a number of the sheet (heater_nm_mW)"},
    ),
)
