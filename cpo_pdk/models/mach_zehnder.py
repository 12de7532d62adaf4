"""Mach-Zehnder devices: the travelling-wave depletion modulator and the thermo-optic switch.

Conventions
    Ports clockwise from lower left: o1 (SW), o2 (NW), o3 (NE), o4 (SE). Two 2x2 interferometers as in `splitters`; with
    equal arms all light crosses (o1 to o3, o2 to o4). The upper arm joins the north ports.
    Modulator: `V` drives push-pull, the upper junction has `V_bias + V / 2` and the lower `V_bias - V / 2`, so that a
    swing of `V` is that of one line of a dual drive. `delta_length` and `heater_mW` lengthen the upper arm.

Validity
    Static response, TE; how fast it is stands in `travelling_wave`. Amplitudes of the parts are multiplied: no
    reflection in any of them, no light in higher modes between them. Bends as `waveguide`, junction as `junction`,
    heater as `phase_shifters`. The arms do not heat each other, and the lines do not talk to each other. Equal arms are
    exactly equal: the random phase of fabricated arms is a matter of process variation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.model import DEVIATIONS, FOUR, GUIDE, RIB_DEVIATIONS, HeatedParts, Model
from cpo_pdk.models.phase_shifters import heater_phase, junction_amplitude
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, reciprocal
from cpo_pdk.models.splitters import mmi2x2
from cpo_pdk.models.waveguide import bend_loss_dB, propagation, s_curve, taper_loss_dB

#: what the cells draw, um: length and arms of the 2x2, taper from strip to rib, bends; the input guides end 225 um
#: before the junctions (or 5 um before the splitter); the heater begins 230 um behind them, clear of the pads
MMI_LENGTH, MMI_ARMS = 93.5, 2.03
TAPER = 20.0
RADIUS = 10.0
PADS, UNDER_PADS = 225.0, 230.0
BEND_PATH = RADIUS * np.pi / 2 * 1.5


def s_bend_um(offset: ArrayLike) -> Array:
    """Length along x of the S-bend to an arm at `offset` um, as drawn: whole um, no tighter than 10 um."""
    return np.ceil(np.sqrt(2 * np.pi * np.abs(np.asarray(offset, dtype=np.float64)) * RADIUS))


def _s_bend(wl: ArrayLike, offset: ArrayLike, loss_dB_cm: ArrayLike | None, shape: dict[str, Any]) -> np.ndarray:
    path, radius, turn = s_curve(s_bend_um(offset), offset)
    return amplitude(bend_loss_dB(radius, turn)) * propagation(wl, path, loss_dB_cm=loss_dB_cm, **shape)


def _between(split: SDict, upper: np.ndarray, lower: np.ndarray, lead: np.ndarray) -> SDict:
    """Two equal 2x2 splitters joined by two arms; `lead` is the amplitude of either input guide."""
    bar, cross = split["o1", "o4"], split["o1", "o3"]
    across = lead * bar * cross * (upper + lower)
    return reciprocal(
        {
            ("o1", "o3"): across,
            ("o2", "o4"): across,
            ("o1", "o4"): lead * (cross**2 * upper + bar**2 * lower),
            ("o2", "o3"): lead * (bar**2 * upper + cross**2 * lower),
        }
    )


def modulator_parts(
    wl: ArrayLike,
    *,
    length: ArrayLike,
    delta_length: ArrayLike,
    gap_electrode: ArrayLike,
    width_ground: ArrayLike,
    junction_offset: ArrayLike,
    length_heater: ArrayLike,
    V: ArrayLike = 0.0,
    V_bias: ArrayLike,
    doping: ArrayLike,
    loss_dB_cm: ArrayLike | None = None,
    loss_rib_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
    **_: object,
) -> dict[str, np.ndarray]:
    """Splitter, arm, junctions, what one arm is longer, input guide, the heater off; see `mach_zehnder_modulator`."""
    dw, dh = number("dw", dw, -100.0, 100.0, "nm"), number("dh", dh, -100.0, 100.0, "nm")
    drive, bias = number("V", V, -20.0, 20.0, "V"), number("V_bias", V_bias, 0.0, 20.0, "V")
    strip_shape = {"dT": dT, "dw": dw, "dh": dh}
    shape = {**strip_shape, "dslab": dslab}
    arm = (number("gap_electrode", gap_electrode, 0.5, 1e3) + number("width_ground", width_ground, 0.5, 1e3)) / 2
    offset = arm - MMI_ARMS / 2
    extra = number("delta_length", delta_length, 0.0, 1e5)
    trombone = extra > 0
    strip = UNDER_PADS - TAPER + number("length_heater", length_heater, 0.0, 1e5) + trombone * 4 * BEND_PATH
    taper = amplitude(taper_loss_dB(TAPER)) * propagation(wl, TAPER / 2, loss_dB_cm=0.0, **shape)
    taper = taper * propagation(wl, TAPER / 2, cross_section="rib", loss_dB_cm=0.0, **shape)
    common = (
        _s_bend(wl, offset, loss_dB_cm, shape) ** 2
        * taper**2
        * propagation(wl, strip, loss_dB_cm=loss_dB_cm, **shape)
        * propagation(wl, length, cross_section="rib", loss_dB_cm=loss_rib_dB_cm, **shape)
        * amplitude(np.where(trombone, 4 * bend_loss_dB(RADIUS, 90.0), 0.0))
    )
    upper, lower = (
        junction_amplitude(wl, length, bias + s * drive / 2, doping, junction_offset=junction_offset, dw=dw)
        for s in (1, -1)
    )
    west = TAPER + s_bend_um(offset) + MMI_LENGTH
    lead = propagation(wl, np.maximum(PADS - west, 5.0), loss_dB_cm=loss_dB_cm, **shape)
    split = mmi2x2(wl, **strip_shape)
    return {
        "bar": split["o1", "o4"],
        "cross": split["o1", "o3"],
        "arm": common,
        "upper": upper,
        "lower": lower,
        "extra": propagation(wl, extra, loss_dB_cm=loss_dB_cm, **shape),
        "lead": lead,
    }


def joined(parts: Mapping[str, np.ndarray], turn: Array) -> SDict:
    """S-matrix of `mach_zehnder_modulator`, its heater turning the upper arm by `turn` rad."""
    split = {("o1", "o4"): parts["bar"], ("o1", "o3"): parts["cross"]}
    upper = parts["arm"] * parts["upper"] * parts["extra"] * np.exp(1j * turn)
    return _between(split, upper, parts["arm"] * parts["lower"], parts["lead"])


def arm_turn(heater_mW: ArrayLike, *, width_heater: ArrayLike, **_: object) -> Array:
    """Phase in rad that the heater of `mach_zehnder_modulator` adds to its arm."""
    return heater_phase(heater_mW, width_heater)


def mach_zehnder_modulator(
    wl: ArrayLike,
    *,
    length: ArrayLike = 1800.0,
    delta_length: ArrayLike = 0.0,
    gap_electrode: ArrayLike = 12.0,
    width_ground: ArrayLike = 30.0,
    junction_offset: ArrayLike = 0.0,
    length_heater: ArrayLike = 200.0,
    width_heater: ArrayLike = 1.2,
    V: ArrayLike = 0.0,
    V_bias: ArrayLike = 2.0,
    doping: ArrayLike = 3e17,
    heater_mW: ArrayLike = 0.0,
    loss_dB_cm: ArrayLike | None = None,
    loss_rib_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """Travelling-wave depletion modulator with two junctions in push-pull and a heater for the working point.

    Args:
        wl: wavelength in um.
        length: of either junction in um.
        delta_length: what the upper arm is longer, in um.
        gap_electrode: between the strips of the electrode in um; with `width_ground` it sets the arms apart.
        width_ground: of the strip between the arms in um.
        junction_offset: of the junctions from the middle of the cores in um, positive into n.
        length_heater: of the heater over the upper arm in um.
        width_heater: in um.
        V: push-pull drive in V, either sign.
        V_bias: reverse bias of both junctions in V; at least `|V| / 2`.
        doping: of either side of the junctions in cm^-3.
        heater_mW: power in the heater in mW.
        loss_dB_cm: propagation loss of the strips in dB/cm; None: the cross-section's.
        loss_rib_dB_cm: propagation loss of the undoped rib in dB/cm; None: the cross-section's.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    parts = modulator_parts(
        wl,
        length=length,
        delta_length=delta_length,
        gap_electrode=gap_electrode,
        width_ground=width_ground,
        junction_offset=junction_offset,
        length_heater=length_heater,
        V=V,
        V_bias=V_bias,
        doping=doping,
        loss_dB_cm=loss_dB_cm,
        loss_rib_dB_cm=loss_rib_dB_cm,
        dT=dT,
        dw=dw,
        dh=dh,
        dslab=dslab,
    )
    return joined(parts, heater_phase(heater_mW, width_heater))


def switch_2x2(
    wl: ArrayLike,
    *,
    length: ArrayLike = 200.0,
    spacing: ArrayLike = 30.0,
    width_heater: ArrayLike = 1.2,
    heater_mW: ArrayLike = 0.0,
    heater_lower_mW: ArrayLike = 0.0,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Thermo-optic switch: cross without power, bar with the power of half a turn in one heater.

    Args:
        wl: wavelength in um.
        length: of the heated arms in um.
        spacing: from arm to arm in um.
        width_heater: in um.
        heater_mW: power in the heater of the upper arm in mW.
        heater_lower_mW: power in the heater of the lower arm in mW.
        loss_dB_cm: propagation loss in dB/cm; None: the cross-section's.
        dT: temperature rise of everything in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.
    """
    shape = {"dT": dT, "dw": number("dw", dw, -100.0, 100.0, "nm"), "dh": number("dh", dh, -100.0, 100.0, "nm")}
    offset = number("spacing", spacing, MMI_ARMS, 1e3) / 2 - MMI_ARMS / 2
    arm = _s_bend(wl, offset, loss_dB_cm, shape) ** 2 * propagation(wl, length, loss_dB_cm=loss_dB_cm, **shape)
    upper = arm * np.exp(1j * heater_phase(heater_mW, width_heater))
    lower = arm * np.exp(1j * heater_phase(heater_lower_mW, width_heater))
    return _between(mmi2x2(wl, **shape), upper, lower, np.ones(()))


MODELS = (
    Model(
        "mach_zehnder_modulator",
        mach_zehnder_modulator,
        FOUR,
        ranges={
            **GUIDE,
            **RIB_DEVIATIONS,
            "loss_rib_dB_cm": (0.0, 20.0, "dB/cm"),
            "length": (100.0, 5000.0, "um"),
            "delta_length": (0.0, 400.0, "um"),
            "gap_electrode": (3.0, 30.0, "um"),
            "width_ground": (8.0, 100.0, "um"),
            "junction_offset": (-0.1, 0.1, "um"),
            "length_heater": (50.0, 1000.0, "um"),
            "width_heater": (0.6, 5.0, "um"),
            "V": (-4.0, 4.0, "V"),
            "V_bias": (2.0, 4.0, "V"),
            "doping": (1e17, 1e18, "cm^-3"),
            "heater_mW": (0.0, 150.0, "mW"),
        },
        heated=HeatedParts(modulator_parts, joined, arm_turn),
        drawn_only={"width_signal": "shapes the electrode only: see `travelling_wave.line`"},
    ),
    Model(
        "switch_2x2",
        switch_2x2,
        FOUR,
        ranges={
            **GUIDE,
            **DEVIATIONS,
            "length": (50.0, 1000.0, "um"),
            "spacing": (20.0, 200.0, "um"),
            "width_heater": (0.6, 5.0, "um"),
            "heater_mW": (0.0, 150.0, "mW"),
            "heater_lower_mW": (0.0, 150.0, "mW"),
        },
    ),
)
