"""Devices at another temperature than the one that they are drawn for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cpo_pdk.circuit.binding import Bound, accepted

#: parameter of a model that is its temperature less the one that it is drawn for, K
WARMTH = "dT"


def warmed(bound: Mapping[str, Bound], dT_K: float) -> dict[str, Bound]:
    """Bindings of an engine that is warmer by `dT_K`: every model that knows about temperature gets it.

    Measured data, and models of what does not depend on temperature, stay as they are.
    """
    if not dT_K:
        return dict(bound)
    return {
        cell: replace(entry, params={**entry.params, WARMTH: float(entry.params.get(WARMTH, 0.0)) + dT_K})
        if feels_heat(entry)
        else entry
        for cell, entry in bound.items()
    }


def feels_heat(entry: Bound) -> bool:
    """True for a device whose model depends on temperature."""
    return entry.model is not None and WARMTH in accepted(entry.model.function)


def heat_warnings(bound: Mapping[str, Bound], dT_K: float) -> list[str]:
    """A line for every range of temperatures that models hold for and `dT_K` is outside of.

    Args:
        bound: cells as drawn.
        dT_K: temperature of all of them less the one that they are drawn for.
    """
    beyond: dict[tuple[float, float], set[str]] = {}
    for entry in bound.values():
        if entry.model is None or not feels_heat(entry):
            continue
        low, high = entry.sheet.ranges.get(WARMTH) or entry.model.ranges.get(WARMTH, (dT_K, dT_K, ""))[:2]
        at = float(entry.params.get(WARMTH, 0.0)) + dT_K
        if not low <= at <= high:
            beyond.setdefault((low, high), set()).add(entry.sheet.name)
    lines: list[str] = []
    for (low, high), names in sorted(beyond.items()):
        others = f" and {len(names) - 1} other sheets hold" if len(names) > 1 else " holds"
        lines.append(f"dT = {dT_K:g} K, {min(names)}{others} for {low:g} to {high:g} K")
    return lines
