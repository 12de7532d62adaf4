"""An engine ready to be asked: buses found, rings tuned to their channels, every device computed on all wavelengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound, ModelLike, operation_warnings, range_warnings
from cpo_pdk.circuit.engine_ports import facet_of, receive_buses, receivers_of, rings_of, transmit_buses
from cpo_pdk.circuit.evaluation import Evaluator, structure_of
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.locking import Drive, Lock, Locker, drive_of
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.results import Aggressor, Direction, LossItem
from cpo_pdk.circuit.solver import Plan, compile_circuit
from cpo_pdk.circuit.tracing import WaveGraph, Way, items_of
from cpo_pdk.errors import ModelError

Real = NDArray[np.float64]


@dataclass(frozen=True)
class EngineLane:
    """A lane within an engine, see `results.Lane`; `laser` is the number of the laser port of a transmit lane."""

    direction: Direction
    port: int
    channel: int
    wl_um: float
    loss_dB: float
    crosstalk_dB: float
    polarization: str
    tuning_nm: float
    items: tuple[LossItem, ...]
    aggressors: tuple[Aggressor, ...]
    laser: int = 0


class EngineState:
    """One engine cell with its rings on their channels and level one on every modulator.

    The wavelengths are the channels, then the grid of the spectra: `wl[:count]` and `wl[count:]`.

    Args:
        circuit: the flat engine, with ports `laser_1`..., `tx_1`..., `rx_1`....
        bound: see `bind`.
        channels_um: um, shape (C,).
        grid_um: um, shape (W,).

    Raises:
        LayoutError: an engine without ports.
        ModelError: a device that can't be evaluated, rings that don't fit the channels, a port that no light reaches.
    """

    def __init__(self, circuit: FlatCircuit, bound: Mapping[str, Bound], channels_um: Real, grid_um: Real) -> None:
        self.circuit = circuit
        self.bound = bound
        self.channels = channels_um
        self.count = int(channels_um.size)
        self.grid = grid_um
        self.wl = np.concatenate([channels_um, grid_um])
        self.evaluator = Evaluator(self.wl)
        self.warnings = range_warnings(circuit, bound, self.wl)
        self.products = 0
        self.extra_evaluations = 0
        self.facet = facet_of(circuit)
        self.rings = rings_of(circuit, bound)
        self.receivers = receivers_of(circuit, bound)
        self.detectors: dict[str, PortRef] = {
            f"{path}:{port}": (path, port) for path, ports in self.receivers.items() for port in ports
        }
        self._find_buses()
        self.locks: dict[str, Lock] = {}
        self.drives: dict[str, Drive] = {}
        self.overrides: dict[str, dict[str, Any]] = {}
        self._lock_rings()
        self.values = self.evaluator.circuit(circuit, bound, self.overrides)
        self.structure = structure_of(self.values)
        self.links = [
            (link.a, link.b)
            for link in circuit.connections
            if link.a[0] in self.structure and link.b[0] in self.structure
        ]
        self.graph = WaveGraph(circuit, self.values, tuple(range(self.count)), self.detectors.values())
        self._ways: dict[tuple[PortRef, int], Any] = {}

    def entry(self, path: str) -> tuple[Bound, ModelLike]:
        """Binding and model of an instance that has one."""
        bound = self.bound[self.circuit.leaves[path].cell]
        if bound.model is None:
            raise ModelError(f"{path}: sheet {bound.sheet.name} has no model, which a ring needs")
        return bound, bound.model

    def _find_buses(self) -> None:
        """Follow the light through the engine with all heaters off."""
        cold = self.evaluator.circuit(self.circuit, self.bound)
        graph = WaveGraph(self.circuit, cold, (None,), self.detectors.values())
        self.transmit = transmit_buses(self.circuit, graph, 0, self.facet, self.rings)
        taken = {ring for bus in self.transmit for ring in bus.rings}
        free = [ring for ring in self.rings if ring not in taken]
        self.receive = receive_buses(self.circuit, graph, 0, self.facet, free, self.receivers)
        idle = sorted(set(free) - {ring for bus in self.receive for ring in bus.rings})
        if idle:
            self.warnings.append(f"{len(idle)} rings are on no bus ({', '.join(idle[:4])}); left cold")
        for port in self.facet.rx:
            path, inner = self.circuit.exposed[f"rx_{port}"]
            modes = {bus.mode for bus in self.receive if bus.port == port}
            if modes == {""} and (path, inner + "@TM") in graph.node:
                self.warnings.append(f"rx_{port}: TM light reaches no ring; only TE is received")
        bare = [f"rx_{port}" for port in self.facet.rx if not any(bus.port == port for bus in self.receive)]
        if bare:
            raise ModelError(f"engine {self.circuit.cell}: no ring behind {', '.join(bare)}; check the connections")

    def _lock_rings(self) -> None:
        """Tune all rings to their channels; level one on every modulator."""
        locker = Locker(self.channels)
        buses = [(f"bus of tx_{bus.port}", bus.rings) for bus in self.transmit]
        buses += [(f"bus of rx_{bus.port}{bus.mode}", bus.rings) for bus in self.receive]
        for name, rings in buses:
            if not rings:
                self.warnings.append(f"{name}: no ring on it, nothing is modulated")
                continue
            for lock in locker.lock(name, rings, [self.entry(ring)[0] for ring in rings]):
                entry, model = self.entry(lock.ring)
                self.locks[lock.ring] = lock
                self.overrides[lock.ring] = {model.tuning: lock.tuning_nm}
                drive = drive_of(entry)
                if drive is not None:
                    self.drives[lock.ring] = drive
                    self.overrides[lock.ring]["V"] = drive.v_one

        self.warnings += operation_warnings(self.circuit, self.bound, self.overrides)
        zero = {ring: {"V": drive.v_zero} for ring, drive in self.drives.items()}
        self.warnings += operation_warnings(self.circuit, self.bound, zero)

    def ring_by_channel(self, rings: Sequence[str]) -> dict[int, str]:
        """Channel (from 0) -> ring of one bus."""
        return {self.locks[ring].channel: ring for ring in rings}

    def compile(self, inputs: list[str], outputs: list[str], exposed: Mapping[str, PortRef]) -> Plan:
        """Compile the engine for some inputs and outputs."""
        plan = compile_circuit(self.structure, self.links, exposed, outputs_wanted=outputs, inputs_wanted=inputs)
        self.products += plan.program.products
        return plan

    def items(self, source: PortRef, targets: Sequence[PortRef], channel: int, loss_dB: float) -> tuple[LossItem, ...]:
        """Items of the strongest way from a port to one of some others at a channel; they sum to `loss_dB`."""
        key = (source, channel)
        if key not in self._ways:
            self._ways[key] = self.graph.shortest([source], channel)
        distance, came = self._ways[key]
        reached = [
            (distance[number], number)
            for ref in targets
            if (number := self.graph.end.get(ref)) is not None and number in distance
        ]
        way = self.graph.way(min(reached)[1], distance, came) if reached else Way((), 0.0)
        return items_of(way, self.circuit, self.bound, self.values, channel, loss_dB)
