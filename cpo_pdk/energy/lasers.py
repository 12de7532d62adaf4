"""How much electrical power a laser module takes for its light, at the temperature of its case."""

from __future__ import annotations

import math

from cpo_pdk.errors import ParameterError, SpecError
from cpo_pdk.spec.part import Part
from cpo_pdk.spec.part_kinds import PART_KINDS


def wall_plug(laser: Part, case_C: float) -> float:
    """Light over electrical power of a module: `wall_plug exp(-drop (T - T0))`.

    The exponential is that of a threshold current, `exp(T / T0)` (Coldren and Corzine, Diode Lasers and Photonic
    Integrated Circuits, 1995, chapter 2; from memory), taken over to the whole module.

    Args:
        laser: part of kind laser.
        case_C: temperature of its case.

    Raises:
        ParameterError: a temperature that is no number.
        SpecError: an efficiency at that temperature which no module has, at the line of its drop.
    """
    if not math.isfinite(case_C):
        raise ParameterError(f"laser_case_C is {case_C}; give a temperature in C")
    found = laser["wall_plug"] * math.exp(-laser["wall_plug_drop_per_K"] * (case_C - laser["wall_plug_at_C"]))
    bounds = PART_KINDS["laser"]["wall_plug"]
    if not bounds.low <= found <= bounds.high:
        text = (
            f"wall plug efficiency is {found:.3g} at a case of {case_C:g} C, {bounds.low:g} to {bounds.high:g} "
            "allowed; correct the drop, or thermal.laser_case_C"
        )
        raise SpecError([laser.problem(("parameters", "wall_plug_drop_per_K", "value"), text)])
    return found
