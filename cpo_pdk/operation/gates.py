"""Limits of a spec's `require`, held against what came out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cpo_pdk.operation.results import Gate, State
from cpo_pdk.spec import PackageSpec

Found = tuple[float, str]
"""A value and where it is."""


def gates_of(spec: PackageSpec, states: Sequence[State]) -> tuple[Gate, ...]:
    """One gate for every limit that the spec sets and that can be looked at.

    A limit of heaters is not looked at in a package without rings.

    Args:
        spec: the package.
        states: those that were computed; energy is looked at in `full`, else in the last one.
    """
    full = [state for state in states if state.name == "full"] or list(states[-1:])
    least = {
        "margin_dB": [
            (lane.margin_dB, f"{lane.name} at {state.name}") for state in states for lane in state.budget.lanes
        ],
        "heater_headroom_mW": [
            (min(ring.free_up_mW, ring.free_down_mW), f"{ring.instance} at {state.name}")
            for state in states
            for ring in state.rings
        ],
    }
    most = {
        "energy_pJ_bit": [(state.energy.pJ_bit, state.name) for state in full],
        "asic_C": [(state.temperatures.asic_max_C, state.name) for state in states],
        "engine_C": [
            (value, f"{name} at {state.name}")
            for state in states
            for name, value in state.temperatures.engines_max_C.items()
        ],
        "engine_spread_C": [(state.temperatures.engine_spread_C, state.name) for state in states],
    }
    found: list[Gate] = []
    for key in type(spec.require).model_fields:
        limit = getattr(spec.require, key)
        values = least.get(key) or most.get(key)
        if limit is None or not values:
            continue
        value, where = _extreme(values, key in least)
        holds = value >= limit if key in least else value <= limit
        found.append(Gate(key, limit, value, where, holds, _line(spec, f"require.{key}")))
    return tuple(found)


def _extreme(values: Iterable[Found], least: bool) -> Found:
    """The worst value; one that is not a number is worse than any."""
    ranked = [(value if value == value else (-1e999 if least else 1e999), where) for value, where in values]
    return min(ranked) if least else max(ranked)


def _line(spec: PackageSpec, path: str) -> str:
    problem = spec.problem(path, "")
    return f"{problem.file.name}:{problem.line}"
