"""The working package as documents: a summary for `--json`, and all of it for `operation.json` and `budget.csv`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from typing import Any

from cpo_pdk.energy.results import EnergyResult
from cpo_pdk.link.results import LinkLane
from cpo_pdk.operation.results import Gate, Operation, RingState, State
from cpo_pdk.thermal.results import Transient

FORMAT = "cpo_pdk operation 1"

COLUMNS = (
    "state",
    "engine",
    "port",
    "channel",
    "wl_um",
    "laser",
    "laser_dBm",
    "launch_dBm",
    "extinction_dB",
    "oma_tx_dBm",
    "tdecq_dB",
    "received_dBm",
    "oma_rx_dBm",
    "needed_oma_dBm",
    "eye_opening",
    "q",
    "ber",
    "margin_dB",
    "margin_peak_dB",
    "needed_laser_dBm",
)
"""Columns of `budget.csv`."""


def summary(operation: Operation) -> dict[str, Any]:
    """The few numbers of each state, and the gates."""
    return {
        "holds": operation.holds,
        "gates": [gate_json(gate) for gate in operation.gates],
        "states": {state.name: state_summary(state) for state in operation.states},
    }


def state_summary(state: State) -> dict[str, Any]:
    """Margin, energy, temperatures and heaters of one state."""
    worst, heat, rings = state.budget.worst, state.temperatures, state.rings
    return {
        "asic_W": rounded(state.asic_W),
        "converged": state.converged,
        "reason": state.reason,
        "margin_dB": {
            "min": rounded(worst.margin_dB if worst else None),
            "median": rounded(median(lane.margin_dB for lane in state.budget.lanes)),
            "worst_lane": worst.name if worst else None,
        },
        "energy_pJ_bit": rounded(state.energy.pJ_bit),
        "optics_W": rounded(state.energy.optics_W),
        "asic_C": rounded(heat.asic_max_C),
        "engine_C": rounded(max(heat.engines_max_C.values(), default=None)),
        "engine_spread_C": rounded(heat.engine_spread_C),
        "rings": len(rings),
        "unlocked": sum(not ring.locked for ring in rings),
        "heater_mW": {
            "mean": rounded(math.fsum(r.heater_mW for r in rings) / len(rings)) if rings else None,
            "max": rounded(max((r.heater_mW for r in rings), default=None)),
        },
    }


def document(operation: Operation) -> dict[str, Any]:
    """Everything but the waterfalls and the maps."""
    return {
        "format": FORMAT,
        **summary(operation),
        "transient": None if operation.transient is None else transient_json(operation.transient),
        "unlocks": [
            {"state": u.state, "asic_W": rounded(u.asic_W), "ring": u.ring, "why": u.why} for u in operation.unlocks
        ],
        "warnings": list(operation.warnings),
        "details": {state.name: _details(state) for state in operation.states},
    }


def _details(state: State) -> dict[str, Any]:
    heat = state.temperatures
    return {
        "iterations": state.iterations,
        "residual_K": rounded(state.residual_K, 9),
        "threshold_ber": state.budget.threshold_ber,
        "parts": state.budget.parts,
        "costs_dB": [
            {"name": c.name, "mean": rounded(c.mean_dB), "max": rounded(c.max_dB), "share": rounded(c.share)}
            for c in state.budget.costs
        ],
        "energy": energy_json(state.energy),
        "temperatures": {
            "asic_mean_C": rounded(heat.asic_mean_C),
            "engines_C": {name: rounded(value) for name, value in heat.engines_C.items()},
            "lasers_C": {name: rounded(value) for name, value in heat.lasers_C.items()},
            "in_W": rounded(heat.in_W),
            "out_W": rounded(heat.out_W),
            "cells": heat.cells,
        },
        "rings": [ring_json(ring) for ring in state.rings],
        "lanes": [dict(zip(COLUMNS[1:], lane_row(lane), strict=True)) for lane in state.budget.lanes],
        "warnings": list(state.warnings),
    }


def energy_json(energy: EnergyResult) -> dict[str, Any]:
    """The stack, who takes how much, and the ledger against the heat."""
    ledger = energy.ledger
    return {
        "pJ_bit": rounded(energy.pJ_bit),
        "without_host_pJ_bit": rounded(energy.without_host_pJ_bit),
        "by_kind_pJ_bit": {kind: rounded(value) for kind, value in energy.by_kind_pJ_bit.items()},
        "by_kind_W": {kind: rounded(value) for kind, value in ledger.by_kind().items()},
        "static_W": rounded(energy.static_W),
        "dynamic_W": rounded(energy.dynamic_W),
        "engines_W": {name: rounded(value) for name, value in energy.engines_W.items()},
        "engines_pJ_bit": {name: rounded(value) for name, value in energy.engines_pJ_bit.items()},
        "taken_W": rounded(ledger.taken_W, 9),
        "heat_W": rounded(ledger.heat_W, 9),
        "comparisons": [
            {
                "name": c.name,
                "pJ_bit": rounded(c.pJ_bit),
                "W": rounded(c.watt),
                "host_pJ_bit": rounded(c.host_pJ_bit),
                "counts": c.counts,
                "source": c.source,
            }
            for c in energy.comparisons
        ],
        "cluster": None
        if energy.cluster is None
        else {
            name: rounded(value) if isinstance(value, float) else value for name, value in vars(energy.cluster).items()
        },
    }


def ring_json(ring: RingState) -> dict[str, Any]:
    """One ring."""
    return {name: rounded(value) if isinstance(value, float) else value for name, value in vars(ring).items()}


def gate_json(gate: Gate) -> dict[str, Any]:
    """One limit of the spec and what came out."""
    return {**vars(gate), "limit": rounded(gate.limit), "value": rounded(gate.value)}


def transient_json(step: Transient) -> dict[str, Any]:
    """The load step."""
    return {
        "t_s": step.t_s.tolist(),
        "asic_C": [rounded(value) for value in step.asic_C.tolist()],
        "ring_C": [rounded(value) for value in step.ring_C.tolist()],
        "ring": step.ring,
        "fastest_K_s": rounded(step.fastest_K_s),
        "tau_s": rounded(step.tau_s),
        "tracking_error_nm": rounded(step.tracking_error_nm, 9),
    }


def lane_row(lane: LinkLane) -> list[Any]:
    """Values of `COLUMNS` without the state."""
    return [_cell(getattr(lane, name)) for name in COLUMNS[1:]]


def budget_csv(operation: Operation) -> str:
    """The budget of every lane at every state as CSV, with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for state in operation.states:
        for lane in state.budget.lanes:
            writer.writerow([state.name, *lane_row(lane)])
    return text.getvalue()


def rounded(value: float | None, digits: int = 4) -> float | None:
    """A number to so many digits behind the point; None where it is none, or not finite."""
    return None if value is None or not math.isfinite(value) else round(value, digits)


def median(values: Iterable[float]) -> float | None:
    """The value in the middle; None of nothing."""
    found = sorted(values)
    return None if not found else (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2


def _cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    return float(f"{value:.4g}") if 0 < abs(value) < 1e-3 else round(value, 4)
