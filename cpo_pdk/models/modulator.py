"""Ring modulator: a rib racetrack with a depletion junction, one bus, and a weak drop to a monitor.

Conventions
    Bus o1 (W) to o2 (E); `i1` is the monitor: light that entered at o1 and was dropped. Light that entered at o2 runs
    the other way round and leaves the drop guide at its other end, where it is absorbed. Formulas as in `ring`, with
    two couplers `k` (bus) and `k_drop` (monitor).
    `V` is the reverse bias: it moves the resonance to the red. `tuning_nm` is the red shift made by the heater.
    `junction` is "lateral" (p inside, n outside; `junction_offset` moves it outwards) or "interleaved" (fingers).

Validity
    Static response, TE, no backscattering (no source gives it for this ring). Self-heating is in `operating`, not here:
    it depends on the laser's power. Two-photon absorption is left out: 0.45 cm/GW (Tsang et al., Appl. Phys. Lett. 80,
    416 (2002), 1540 nm) at 1 mW in the bus, 15 times built up in 0.1 um^2, is 0.03 dB/cm beside some 30 dB/cm of
    free carriers; at 10 mW it would be 1 %. The mode of a bent guide leans outwards: its overlap with the junction is
    taken as that of the straight one. The junction fills `junction_fill` of the circumference; its physics and limits
    are in `junction`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models import junction as pn
from cpo_pdk.models.coupler import ring_angle
from cpo_pdk.models.model import RIB_DEVIATIONS, TWO, Model
from cpo_pdk.models.ring import (
    RING,
    bus_terms,
    circumference,
    find_resonances,
    heater_shift_nm,
    junctions_dB,
    round_trip_loss_dB,
    round_trip_phase,
    round_trip_um,
    turn,
)
from cpo_pdk.models.ring_response import RingTerms, cross_over, modulator, modulator_kept
from cpo_pdk.models.sdict import Array, SDict, number


def couplers(
    wl: ArrayLike,
    radius: ArrayLike,
    gap: ArrayLike,
    gap_drop: ArrayLike,
    length_x: ArrayLike,
    width: ArrayLike | None,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Through and cross amplitude of the bus, then of the monitor guide; arguments as `ring_modulator`."""
    bus, drop = (
        cross_over(
            ring_angle(
                wl, gap=g, radius=radius, length_x=length_x, cross_section="rib", width=width, dw=dw, dh=dh, dslab=dslab
            )
        )
        for g in (gap, gap_drop)
    )
    return bus, drop


def finger_period(radius: ArrayLike, length_x: ArrayLike, junction_fill: ArrayLike, period: ArrayLike = 1.1) -> Array:
    """Period of the fingers as drawn, um: whole periods fill each of the two arcs; arguments as `ring_modulator`."""
    arc = circumference(radius, length_x) * number("junction_fill", junction_fill, 0.0, 1.0, "") / 2
    asked = number("period", period, pn.PERIOD_MIN, pn.PERIOD_MAX)
    count = np.floor(arc / asked + 1e-9)
    return np.where(count > 0, arc / np.maximum(count, 1.0), asked)


def silicon_loss_dB(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    length_x: ArrayLike,
    loss_dB_cm: ArrayLike,
    loss_dB_bend_90: ArrayLike,
    width: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
) -> Array:
    """Loss once round in dB without carriers: propagation, bends, and the junctions of straight and arc of a racetrack.

    Arguments as `ring_modulator`.
    """
    return round_trip_loss_dB(circumference(radius, length_x), loss_dB_cm, loss_dB_bend_90) + junctions_dB(
        wl, radius, length_x, width=width, cross_section="rib", dw=dw
    )


def carrier_loss_dB(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    length_x: ArrayLike,
    V: ArrayLike,
    doping: ArrayLike,
    junction: str,
    junction_offset: ArrayLike,
    period: ArrayLike,
    junction_fill: ArrayLike,
    width: ArrayLike | None,
    dw: ArrayLike = 0.0,
) -> Array:
    """Free-carrier loss once round in dB: the part of a ring's loss that heats it; arguments as `ring_modulator`."""
    fill = number("junction_fill", junction_fill, 0.0, 1.0, "")
    pitch = finger_period(radius, length_x, junction_fill, period)
    per_cm = pn.loss_dB_cm(
        wl, V, doping, junction=junction, junction_offset=junction_offset, period=pitch, width=width, dw=dw
    )
    return fill * per_cm * circumference(radius, length_x) * 1e-4


def ring_modulator_terms(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    gap: ArrayLike,
    gap_drop: ArrayLike,
    length_x: ArrayLike,
    length_lead: ArrayLike,
    width: ArrayLike | None = None,
    V: ArrayLike = 0.0,
    doping: ArrayLike,
    junction: str = "lateral",
    junction_offset: ArrayLike = 0.0,
    period: ArrayLike = 1.1,
    junction_fill: ArrayLike,
    loss_dB_cm: ArrayLike,
    loss_dB_bend_90: ArrayLike,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
    **_: object,
) -> dict[str, Array]:
    """Terms of `ring_modulator`, see `ring_response`; arguments as there."""
    length = circumference(radius, length_x)
    dw, dh = number("dw", dw, -100.0, 100.0, "nm"), number("dh", dh, -100.0, 100.0, "nm")
    shape = {"radius": radius, "length_x": length_x, "width": width, "dw": dw}
    doped = {"V": V, "doping": doping, "junction": junction, "junction_offset": junction_offset}
    fill = number("junction_fill", junction_fill, 0.0, 1.0, "")
    carriers = carrier_loss_dB(wl, period=period, junction_fill=fill, **doped, **shape)
    pitch = finger_period(radius, length_x, junction_fill, period)
    rise = pn.index_rise(wl, period=pitch, width=width, dw=dw, **doped)
    angles = (ring_angle(wl, gap=g, cross_section="rib", dh=dh, dslab=dslab, **shape) for g in (gap, gap_drop))
    bus = 2 * np.asarray(radius) + np.asarray(length_x) + 2 * number("length_lead", length_lead, 0.0, 1e4)
    return {
        **dict(zip(("angle", "angle_drop"), angles, strict=True)),
        "guide_dB": round_trip_loss_dB(length, loss_dB_cm, 0.0),
        "loss_dB": silicon_loss_dB(wl, loss_dB_cm=0.0, loss_dB_bend_90=loss_dB_bend_90, **shape) + carriers,
        "rise_um": fill * rise * length,
        **bus_terms(wl, bus, cross_section="rib", width=width, loss_dB_cm=loss_dB_cm, dT=dT, dw=dw, dh=dh, dslab=dslab),
    }


def ring_modulator_um(
    wl: ArrayLike,
    *,
    radius: ArrayLike,
    length_x: ArrayLike,
    width: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
    **_: object,
) -> Array:
    """Optical path once round at 0 V in um; arguments as `ring_modulator`."""
    length = circumference(radius, length_x)
    return round_trip_um(wl, length, cross_section="rib", width=width, dT=dT, dw=dw, dh=dh, dslab=dslab, radius=radius)


def ring_modulator(
    wl: ArrayLike,
    *,
    radius: ArrayLike = 6.4,
    gap: ArrayLike = 0.18,
    gap_drop: ArrayLike = 0.40,
    length_x: ArrayLike = 0.0,
    length_lead: ArrayLike = 12.0,
    width: ArrayLike | None = None,
    V: ArrayLike = 0.0,
    doping: ArrayLike = 2e18,
    junction: str = "lateral",
    junction_offset: ArrayLike = 0.0,
    period: ArrayLike = 1.1,
    junction_fill: ArrayLike = 0.74,
    loss_dB_cm: ArrayLike = 2.0,
    loss_dB_bend_90: ArrayLike = 0.02,
    tuning_nm: ArrayLike = 0.0,
    heater_mW: ArrayLike = 0.0,
    heater_nm_mW: ArrayLike = 0.1,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """Rib racetrack modulator.

    Args:
        wl: wavelength in um.
        radius: of the two half circles in um.
        gap: between ring and bus in um.
        gap_drop: between ring and monitor guide in um.
        length_x: straight part of either coupler in um.
        length_lead: of the bus beyond the ring's extent, on either side, in um.
        width: core width in um; None: the rib's.
        V: reverse bias in V, 0 to breakdown.
        doping: of either side of the junction in cm^-3.
        junction: "lateral" or "interleaved".
        junction_offset: of a lateral junction from the middle of the core in um, positive outwards (into n).
        period: of interleaved fingers along the axis of the ring in um; stretched so that whole ones fit.
        junction_fill: share of the circumference that has a junction, 0 to 1.
        loss_dB_cm: propagation loss of the undoped rib in dB/cm.
        loss_dB_bend_90: excess loss of a quarter of the ring in dB.
        tuning_nm: red shift by the heater in nm, not negative.
        heater_mW: heater power in mW; shifts by `heater_nm_mW * heater_mW` on top of `tuning_nm`.
        heater_nm_mW: heater efficiency in nm/mW.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    ring = {"radius": radius, "length_x": length_x, "width": width, "dT": dT, "dw": dw, "dh": dh, "dslab": dslab}
    doped = {"V": V, "doping": doping, "junction": junction, "junction_offset": junction_offset, "period": period}
    terms = ring_modulator_terms(
        wl,
        gap=gap,
        gap_drop=gap_drop,
        length_lead=length_lead,
        junction_fill=junction_fill,
        loss_dB_cm=loss_dB_cm,
        loss_dB_bend_90=loss_dB_bend_90,
        **doped,
        **ring,
    )
    shift = heater_shift_nm(tuning_nm, heater_mW, heater_nm_mW)
    return modulator(wl, terms, (turn(partial(ring_modulator_um, **ring), wl, shift, terms["rise_um"]),))


def ring_modulator_resonances(
    wl_min: float,
    wl_max: float,
    *,
    radius: float = 6.4,
    gap: float = 0.18,
    gap_drop: float = 0.40,
    length_x: float = 0.0,
    width: float | None = None,
    V: float = 0.0,
    doping: float = 2e18,
    junction: str = "lateral",
    junction_offset: float = 0.0,
    period: float = 1.1,
    junction_fill: float = 0.74,
    tuning_nm: float = 0.0,
    heater_mW: float = 0.0,
    heater_nm_mW: float = 0.1,
    dT: float = 0.0,
    dw: float = 0.0,
    dh: float = 0.0,
    dslab: float = 0.0,
    **_: object,
) -> Array:
    """Resonances of `ring_modulator` between two wavelengths, rising; cold ones with the tuning left at zero.

    Args:
        wl_min: lower end in um.
        wl_max: upper end in um.
        radius: as `ring_modulator`; so are the others, and those that do not move a resonance are accepted.
        gap: um; a coupler so long that it carries more than all light over (angle above pi / 2) turns the sign of what
            stays, which moves the resonances by half their distance.
        gap_drop: um; as `gap`.
        length_x: um.
        width: um.
        V: V.
        doping: cm^-3.
        junction: kind.
        junction_offset: um.
        period: um.
        junction_fill: 0 to 1.
        tuning_nm: nm.
        heater_mW: mW.
        heater_nm_mW: nm/mW.
        dT: K.
        dw: nm.
        dh: nm.
        dslab: nm.

    Returns:
        Wavelengths in um, shape (number of resonances,).
    """
    length = float(circumference(radius, length_x))
    shift = float(heater_shift_nm(tuning_nm, heater_mW, heater_nm_mW))
    fill = float(number("junction_fill", junction_fill, 0.0, 1.0, ""))
    pitch = finger_period(radius, length_x, junction_fill, period)

    def turns(wl: Array) -> Array:
        rise = fill * pn.index_rise(
            wl, V, doping, junction=junction, junction_offset=junction_offset, period=pitch, width=width, dw=dw
        )
        phase = round_trip_phase(
            wl,
            length,
            cross_section="rib",
            width=width,
            index_rise=rise,
            shift_nm=shift,
            dT=dT,
            dw=dw,
            dh=dh,
            dslab=dslab,
            radius=radius,
        )
        return phase / (2 * np.pi)

    found = []
    for sign, offset in ((1, 0.0), (-1, 0.5)):
        at = find_resonances(wl_min, wl_max, turns, offset)
        (t1, _k1), (t2, _k2) = couplers(at, radius, gap, gap_drop, length_x, width, dw, dh, dslab)
        found.append(at[sign * t1 * t2 > 0])
    return np.sort(np.concatenate(found))


MODELS = (
    Model(
        "ring_modulator",
        ring_modulator,
        TWO,
        detectors=("i1",),
        ranges={
            **RING,
            **RIB_DEVIATIONS,
            "width": (0.33, 0.57, "um"),
            "gap_drop": (0.12, 0.6, "um"),
            "length_lead": (0.0, 50.0, "um"),
            "V": (0.0, 4.0, "V"),
            "doping": (1e17, 3e18, "cm^-3"),
            "junction_fill": (0.1, 0.9, "1"),
            "junction_offset": (-0.1, 0.1, "um"),
            "period": (1.1, 4.0, "um"),
        },
        resonances=ring_modulator_resonances,
        tuning="tuning_nm",
        ring=RingTerms(ring_modulator_terms, ring_modulator_um, modulator, modulator_kept),
        drawn_only={"width_heater": "the heater's efficiency is a number of the sheet (heater_nm_mW)"},
    ),
)
