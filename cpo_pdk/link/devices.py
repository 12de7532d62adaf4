"""Responses and currents of the devices and parts of a package, from their sheets.

Responses are taken at the reference temperature: a ring that is held at its channel has the width that it is drawn
with, whatever the heater does. Wavelengths are rounded to `WL_STEP` um, over which a ring's closure moves by less than
0.1 dB, so that the channels of a grid share one or two chains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from cpo_pdk.errors import ModelError
from cpo_pdk.link.responses import BesselThomson, Detector, Response, Ring, TravellingWave
from cpo_pdk.models import detector
from cpo_pdk.models.modulator import ring_modulator
from cpo_pdk.models.operating import operating_point
from cpo_pdk.models.waveguide import ng
from cpo_pdk.spec.part import Part

WL_STEP = 0.005
#: of a ring: what its heater and its surroundings do, and the voltage, which the drive sets
_SET_BY_WORK = ("V", "tuning_nm", "heater_mW", "dT")


@dataclass(frozen=True)
class DetectorCurrent:
    """Current of a detector.

    Attributes:
        responsivity_A_W: photocurrent per *absorbed* power, which a lane's loss ends with.
        dark_nA: dark current.
    """

    responsivity_A_W: float
    dark_nA: float


def driver_response(part: Part) -> Response:
    """A driver: Bessel-Thomson of order 4 with its bandwidth (choice: an amplifier of several stages)."""
    return BesselThomson(part["bandwidth_GHz"])


def tia_response(part: Part) -> Response:
    """A receiver's amplifier: Bessel-Thomson of order 4 with its bandwidth (choice, as the reference receiver)."""
    return BesselThomson(part["bandwidth_GHz"])


def modulator_response(
    model: str, params: Mapping[str, Any], operating: Mapping[str, float], wl_um: float, *, driver_ohm: float
) -> Response:
    """Response of a modulator at its operating point.

    Args:
        model: compact model of the device, `ring_modulator` or `mach_zehnder_modulator`.
        params: of the model; others are ignored.
        operating: a ring's `V_one`, `V_zero` and `detuning_nm`.
        wl_um: of the light.
        driver_ohm: output resistance of the driver.

    Raises:
        ModelError: a model whose speed is not known.
        ParameterError: numbers that the model refuses.
    """
    wl = round(wl_um / WL_STEP) * WL_STEP
    if model.startswith("ring_modulator"):
        known = {
            k: v for k, v in params.items() if k in (ring_modulator.__kwdefaults__ or {}) and k not in _SET_BY_WORK
        }
        return _ring(
            float(operating["V_one"]),
            float(operating["V_zero"]),
            round(float(operating.get("detuning_nm", 0.0)), 3),
            round(float(driver_ohm), 3),
            round(wl, 6),
            tuple(sorted((k, _plain(v)) for k, v in known.items())),
        )
    if model.startswith("mach_zehnder_modulator"):
        names = ("width_signal", "gap_electrode", "width_ground", "V_bias", "doping", "junction_offset")
        given = {name: float(params[name]) for name in names if params.get(name) is not None}
        index = round(float(ng(wl, cross_section="rib")), 4)
        return TravellingWave(float(params.get("length", 1800.0)), index, source_ohm=float(driver_ohm), **given)
    raise ModelError(
        f"model {model} has no modulation response; name ring_modulator or mach_zehnder_modulator in its sheet"
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) or value is None else float(value)


@lru_cache(maxsize=512)
def _ring(
    V_one: float, V_zero: float, detuning_nm: float, driver_ohm: float, wl: float, params: tuple[tuple[str, Any], ...]
) -> Ring:
    point = operating_point(V_one, V_zero, detuning_nm=detuning_nm, driver_ohm=driver_ohm, wl_center=wl, **dict(params))
    return Ring(
        round(point.linewidth_GHz, 2),
        round(point.linewidth_bus_GHz, 2),
        round(point.bias_detuning_GHz, 2) or 0.01,
        round(point.junction_bandwidth_GHz, 2),
        round(point.one_detuning_GHz, 2),
        round(point.zero_detuning_GHz, 2),
    )


_VERTICAL = ("length", "width_ge", "intrinsic_um", "series_ohm", "parasitic_fF")
_LATERAL = ("length", "width_ge", "height_ge_um", "series_ohm", "parasitic_fF")


def detector_response(model: str, params: Mapping[str, Any], *, load_ohm: float = 50.0) -> Response:
    """Response of a detector into a load.

    Args:
        model: `photodetector`, `photodetector_dual` or `photodetector_lateral`.
        params: of the model; others are ignored.
        load_ohm: input resistance of the amplifier.

    Raises:
        ModelError: a model whose speed is not known.
    """
    lateral = _known_detector(model)
    given = {k: float(params[k]) for k in (_LATERAL if lateral else _VERTICAL) if params.get(k) is not None}
    whole = detector.bandwidth_lateral_GHz if lateral else detector.bandwidth_GHz
    defaults: dict[str, Any] = dict(whole.__kwdefaults__ or {})
    transit = float(detector.transit_GHz({**defaults, **given}["width_ge" if lateral else "intrinsic_um"]))
    both = float(whole(**given, load_ohm=load_ohm))
    return Detector(round(transit, 3), round(float((both**-2 - transit**-2) ** -0.5), 3))


def _known_detector(model: str) -> bool:
    """True for a lateral detector, False for a vertical one."""
    if not model.startswith("photodetector"):
        raise ModelError(f"model {model} is no known detector; a photodetector model is needed at a receiver's end")
    return model.startswith("photodetector_lateral")


def detector_current(model: str, params: Mapping[str, Any], wl_um: float, dT_K: float = 0.0) -> DetectorCurrent:
    """Current of a detector for the light that it absorbs, and in the dark.

    The sheet's responsivity is per incident power; divided by the absorbed share (reflection and light that passes
    taken off) it is per absorbed power, which the lane's loss has already been counted to.

    Args:
        model: as `detector_response`.
        params: of the model; others are ignored.
        wl_um: of the light.
        dT_K: above 300 K, for the dark current.

    Raises:
        ModelError: a model that is no detector.
    """
    _known_detector(model)
    optical = ("length", "absorption_per_um", "loss_dB", "responsivity_A_W", "reflection_dB")
    efficiency = float(
        detector.internal_efficiency(wl_um, **{k: params[k] for k in optical if params.get(k) is not None})
    )
    dark = {k: params[k] for k in ("length", "width_ge", "dark_mA_cm2") if params.get(k) is not None}
    return DetectorCurrent(
        efficiency * float(np.asarray(wl_um)) / detector.HC_OVER_Q, float(detector.dark_current_nA(**dark, dT=dT_K))
    )
