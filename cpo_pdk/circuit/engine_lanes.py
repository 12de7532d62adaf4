"""Solve one engine: loss of every lane with its items, crosstalk, spectra; in the engine's own coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.engine_state import EngineLane, EngineState, Real
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.receive import receive
from cpo_pdk.circuit.results import Direction
from cpo_pdk.circuit.transmit import transmit

#: label of the transmit spectrum
LASER_TO_FIBRE = "laser to fibre"


@dataclass(frozen=True)
class EngineSolution:
    """Everything about one engine cell.

    Attributes:
        lanes: in the order direction (tx first), port, channel.
        crosstalk: receive port -> dB, [detector, channel], the worse polarisation.
        spectra: (direction, port) -> label -> power transmission on `grid`.
        grid: um, shape (W,).
        modulator: operating point.
        warnings, counts: see `SimulationResult`.
    """

    lanes: tuple[EngineLane, ...]
    crosstalk: dict[int, Real]
    spectra: dict[tuple[Direction, int], dict[str, Real]]
    grid: Real
    modulator: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def solve_engine(circuit: FlatCircuit, bound: Mapping[str, Bound], channels_um: Real, grid_um: Real) -> EngineSolution:
    """Lock the rings of an engine and compute its lanes; arguments and errors as `EngineState`."""
    state = EngineState(circuit, bound, channels_um, grid_um)
    sent = transmit(state)
    received = receive(state)
    spectra: dict[tuple[Direction, int], dict[str, Real]] = {}
    for port, trace in sent.spectra.items():
        spectra["tx", port] = {LASER_TO_FIBRE: trace}
    for port, traces in received.spectra.items():
        spectra["rx", port] = traces
    counts = {
        "instances": len(circuit.leaves),
        "connections": len(circuit.connections),
        "rings": len(state.rings),
        "modulators": len(state.drives),
        "model_evaluations": state.evaluator.distinct + state.extra_evaluations,
        "wavelengths": int(state.wl.size),
        "products": state.products,
    }
    warnings = tuple(dict.fromkeys([*state.warnings, *state.evaluator.warnings]))
    return EngineSolution(
        (*sent.lanes, *received.lanes), received.crosstalk, spectra, grid_um, sent.modulator, warnings, counts
    )
