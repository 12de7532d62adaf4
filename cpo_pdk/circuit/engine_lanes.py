"""Solve one engine: loss of every lane with its items, crosstalk, spectra; in the engine's own coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.circuit.engine_state import EngineLane, EngineState, Real
from cpo_pdk.circuit.facts import device_facts, ring_facts, trimmer_facts
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.receive import receive
from cpo_pdk.circuit.results import DeviceFacts, Direction, RingFacts, TrimmerFacts
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
        trims: interferometer -> power of its heater, mW.
        devices: modulators and detectors of the lanes at their working points.
    """

    lanes: tuple[EngineLane, ...]
    crosstalk: dict[int, Real]
    spectra: dict[tuple[Direction, int], dict[str, Real]]
    grid: Real
    modulator: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    trims: dict[str, float] = field(default_factory=dict)
    devices: dict[str, DeviceFacts] = field(default_factory=dict)


class EngineSolver:
    """Computes the lanes of one engine cell, as drawn and under conditions; equal conditions once.

    Args:
        circuit: the flat engine.
        bound: see `bind`.
        channels_um: um, shape (C,).
        netlists: that the circuit was flattened from.
    """

    def __init__(self, circuit: FlatCircuit, bound: Mapping[str, Bound], channels_um: Real, netlists: Netlists) -> None:
        self.circuit = circuit
        self.bound = bound
        self.channels = channels_um
        self.netlists = netlists
        self._known: dict[tuple[object, ...], EngineSolution] = {}
        self._drawn: EngineState | None = None

    @property
    def drawn(self) -> EngineState:
        """The engine as drawn."""
        if self._drawn is None:
            self._drawn = EngineState(self.circuit, self.bound, self.channels, np.empty(0))
        return self._drawn

    @cached_property
    def rings(self) -> tuple[RingFacts, ...]:
        """Rings as drawn, within the engine."""
        return ring_facts(self.drawn, self.netlists)

    @cached_property
    def trimmers(self) -> tuple[TrimmerFacts, ...]:
        """Heaters of interferometers as drawn, within the engine."""
        return trimmer_facts(self.drawn)

    def as_drawn(self, grid_um: Real) -> EngineSolution:
        """Lanes as drawn, and spectra on a grid (um, shape (W,))."""
        self._drawn = EngineState(self.circuit, self.bound, self.channels, grid_um)
        return self._solve(self._drawn)

    def under(self, condition: EngineCondition) -> EngineSolution:
        """Lanes under a condition; errors as `EngineState`."""
        condition = condition.rounded
        if condition.key not in self._known:
            state = EngineState(self.circuit, self.bound, self.channels, np.empty(0), condition, self.drawn)
            self._known[condition.key] = self._solve(state)
        return self._known[condition.key]

    def _solve(self, state: EngineState) -> EngineSolution:
        sent = transmit(state)
        received = receive(state)
        spectra: dict[tuple[Direction, int], dict[str, Real]] = {}
        for port, trace in sent.spectra.items():
            spectra["tx", port] = {LASER_TO_FIBRE: trace}
        for port, traces in received.spectra.items():
            spectra["rx", port] = traces
        counts = {
            "instances": len(state.circuit.leaves),
            "connections": len(state.circuit.connections),
            "rings": len(state.rings),
            "modulators": len(state.drives),
            "model_evaluations": state.evaluator.distinct + state.extra_evaluations,
            "wavelengths": int(state.wl.size),
            "products": state.products,
        }
        return EngineSolution(
            (*sent.lanes, *received.lanes),
            received.crosstalk,
            spectra,
            state.grid,
            sent.modulator,
            tuple(dict.fromkeys([*state.warnings, *state.evaluator.warnings])),
            counts,
            state.heater_powers(),
            device_facts(state, self.netlists),
        )
