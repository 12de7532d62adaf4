"""Power that a modulator takes to be switched: charge on a junction, or voltage along a terminated line.

Levels `a` of a symbol lie evenly between 0 and 1 of the swing V; all symbols are equally likely.

Junction (ring): the charge between the two voltages, `Q = integral of C(V) dV`, flows in when the level rises and out
when it falls. Stored at the swing's voltage, `E = V Q <max(0, a2 - a1)> / 2` a symbol: `C V^2 / 8` for NRZ,
`5 C V^2 / 48` for PAM4. (D. A. B. Miller, Opt. Express 20, A293 (2012), from memory: `C V^2 / 4` a bit of NRZ with what
the driver loses; that half is in the driver's `efficiency`.) All of it ends as heat in the resistances that the charge
passes, shared out as they are.

Line (Mach-Zehnder): every line of the dual drive carries its levels about their mean into its termination,
`P = V^2 <(a - 1/2)^2> / R`: `V^2 / 4 R` for NRZ, `5 V^2 / 36 R` for PAM4. The metal of the line takes its loss at a
quarter of the symbol rate, the termination, in the electronic die, the rest.

Not in it: photocurrents times the bias (below a milliwatt a lane), and leakage.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from cpo_pdk.circuit.results import DeviceFacts
from cpo_pdk.errors import ParameterError
from cpo_pdk.models import junction as pn
from cpo_pdk.models.mach_zehnder import mach_zehnder_modulator
from cpo_pdk.models.modulator import finger_period, ring_modulator
from cpo_pdk.models.ring import circumference
from cpo_pdk.models.sdict import data
from cpo_pdk.models.travelling_wave import line

LEVELS = {"NRZ": 2, "PAM4": 4}
_LINES = 2  # of a dual drive
_STEPS = 65  # of the charge's integral
_LINE_SHAPE = ("width_signal", "gap_electrode", "width_ground", "junction_offset", "doping", "V_bias")


@dataclass(frozen=True)
class Charging:
    """Power into one modulator.

    Attributes:
        mW: power, without what its driver loses.
        photonic_share: share of it that heats the photonic die; the rest heats the electronic one.
        source: what it was computed by.
    """

    mW: float
    photonic_share: float
    source: str


def mean_rise(modulation: str) -> float:
    """Mean of what a level rises by from symbol to symbol, over the swing: 1/4 for NRZ, 5/24 for PAM4."""
    levels = np.linspace(0.0, 1.0, LEVELS[modulation])
    return float(np.mean([max(0.0, b - a) for a, b in product(levels, levels)]))


def mean_square(modulation: str) -> float:
    """Mean square of the levels about their mean, over the swing squared: 1/4 for NRZ, 5/36 for PAM4."""
    return float(np.mean((np.linspace(0.0, 1.0, LEVELS[modulation]) - 0.5) ** 2))


def charging(device: DeviceFacts, modulation: str, baud_GBd: float, driver_ohm: float) -> Charging | None:
    """Power into a modulator.

    Args:
        device: the modulator, as it was computed.
        modulation: NRZ or PAM4.
        baud_GBd: symbol rate.
        driver_ohm: output resistance of its driver.

    Returns:
        None for a model that says nothing of charge or line.

    Raises:
        ParameterError: a bias outside what the junction's model holds for.
    """
    if device.model == "ring_modulator":
        return _junction(device, modulation, baud_GBd, driver_ohm)
    if device.model == "mach_zehnder_modulator":
        return _line(device, modulation, baud_GBd)
    return None


def _arguments(model: Any, device: DeviceFacts) -> dict[str, Any]:
    """Arguments of a model as it was computed: its defaults, and what drawing and sheet say."""
    known = {name: p.default for name, p in inspect.signature(model).parameters.items() if p.default is not p.empty}
    return {**known, **{name: value for name, value in device.params.items() if value is not None}}


def _said(device: DeviceFacts, name: str) -> float:
    found: Mapping[str, float] = device.operating
    if name not in found:
        raise ParameterError(f"sheet {device.sheet}: no {name} under `operating`; the power of the modulator needs it")
    return float(found[name])


def _junction(device: DeviceFacts, modulation: str, baud_GBd: float, driver_ohm: float) -> Charging:
    p = _arguments(ring_modulator, device)
    first, last = sorted((_said(device, "V_zero"), _said(device, "V_one")))
    shape: dict[str, Any] = {"junction": p["junction"], "width": p["width"], "dw": p["dw"], "dh": p["dh"]}
    shape["period"] = finger_period(p["radius"], p["length_x"], p["junction_fill"], p["period"])
    metres = float(circumference(p["radius"], p["length_x"]) * p["junction_fill"]) * 1e-6
    volts = np.linspace(first, last, _STEPS)
    charge_pC = float(np.trapezoid(pn.capacitance_pF_m(volts, p["doping"], **shape), volts)) * metres
    middle = (first + last) / 2
    ohm = float(pn.resistance_ohm_m(middle, p["doping"], junction_offset=p["junction_offset"], **shape)) / metres
    mW = (last - first) * charge_pC * mean_rise(modulation) / 2 * baud_GBd  # V pC GHz = mW
    return Charging(mW, ohm / (ohm + driver_ohm), f"charge of the junction, model {device.model}")


def _line(device: DeviceFacts, modulation: str, baud_GBd: float) -> Charging:
    p = _arguments(mach_zehnder_modulator, device)
    swing = _said(device, "V_swing")
    load = float(data("electrode")["load_ohm"]["value"])
    mW = _LINES * swing**2 * mean_square(modulation) / load * 1e3
    electrode = {name: p[name] for name in _LINE_SHAPE if name in p}
    loss_dB = float(line(baud_GBd / 4, **electrode).loss_dB_cm) * p["length"] * 1e-4
    return Charging(mW, 1 - 10 ** (-loss_dB / 10), f"line into {load:g} ohm, model {device.model}")
