"""An engine ready to be asked: who sends and receives what, every device at its working point and computed on all
wavelengths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound, ModelLike, operation_warnings, range_warnings
from cpo_pdk.circuit.conditions import EngineCondition, assignment_of
from cpo_pdk.circuit.drift import Drift
from cpo_pdk.circuit.driving import HEATER, VOLTAGE, Drive, drive_of, is_driven, working_points
from cpo_pdk.circuit.engine_ports import (
    Reception,
    Sender,
    facet_of,
    receive_buses,
    receivers_of,
    rings_of,
    transmit_buses,
)
from cpo_pdk.circuit.evaluation import Evaluator, structure_of
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.following import Passage, receptions, senders
from cpo_pdk.circuit.interferometers import Lit, again, sections
from cpo_pdk.circuit.locking import Lock, Locker
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.results import Aggressor, Direction, LossItem
from cpo_pdk.circuit.resuming import resume
from cpo_pdk.circuit.solver import Plan, SDict, compile_circuit
from cpo_pdk.circuit.tracing import WaveGraph, Way, items_of
from cpo_pdk.circuit.trimming import Trimmer, trimmers_of
from cpo_pdk.circuit.warming import heat_warnings, warmed
from cpo_pdk.circuit.waves import Waves
from cpo_pdk.errors import ModelError

Real = NDArray[np.float64]

#: light that arrives with this much more than its strongest way brings has come by several, dB
SEVERAL_WAYS_DB = 0.5
#: names of instances in one message
SHOWN = 4


@dataclass(frozen=True)
class EngineLane:
    """A lane within an engine, see `results.Lane`; `laser` is the number of the laser port of a transmit lane; paths of
    `modulator`, `detector` and `ring` are those within the engine.
    """

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
    heater_mW: float = 0.0
    extinction_dB: float | None = None
    modulator: str = ""
    detector: str = ""
    ring: str = ""
    laser_ways: int = 0


class EngineState:
    """One engine cell with its rings on their channels, its interferometers at quadrature, level one on all modulators.

    The wavelengths are the channels, then the grid of the spectra: `wl[:count]` and `wl[count:]`.

    Args:
        circuit: the flat engine, with ports `laser_1`..., `tx_1`..., `rx_1`....
        bound: see `bind`.
        channels_um: um, shape (C,).
        grid_um: um, shape (W,).
        condition: what the engine works under; as drawn by default.
        drawn: the same engine as drawn, whose ways of the light are taken over; followed anew by default.

    Attributes:
        transmit, receive: who sends and receives each channel.
        buses: port with mode -> rings on its bus.
        passages: transmit port -> channel -> modulator that is no ring.
        locks: ring -> what takes it to its channel.
        drives: modulator -> its working point.
        trimmers: heater within an interferometer -> what it does; `trims` its power in mW.
        channel_of: ring or modulator -> its channel, from 0.

    Raises:
        LayoutError: an engine without ports.
        ModelError: a device that can't be evaluated, rings that don't fit the channels, a port that no light reaches,
            two channels in one modulator or one detector, conditions for what the engine doesn't have.
    """

    def __init__(
        self,
        circuit: FlatCircuit,
        bound: Mapping[str, Bound],
        channels_um: Real,
        grid_um: Real,
        condition: EngineCondition | None = None,
        drawn: EngineState | None = None,
    ) -> None:
        self.circuit = circuit
        self.condition = condition or EngineCondition()
        self._drawn = drawn
        self._plans: dict[tuple[str, ...], Plan] = {}
        self.drawn_bound = bound
        self.bound = bound = warmed(bound, self.condition.dT_K)
        self.channels = channels_um
        self.count = int(channels_um.size)
        self.grid = grid_um
        self.wl = np.concatenate([channels_um, grid_um])
        self.evaluator = Evaluator(self.wl)
        self.warnings = range_warnings(circuit, self.drawn_bound, self.wl)
        self.warnings += heat_warnings(self.drawn_bound, self.condition.dT_K) if self.condition.dT_K else []
        self.products = 0
        self.extra_evaluations = 0
        self.facet = facet_of(circuit)
        self.rings = rings_of(circuit, bound)
        self.modulators = tuple(
            path
            for path, leaf in circuit.leaves.items()
            if path not in self.rings and (entry := bound.get(leaf.cell)) and is_driven(entry)
        )
        self.receivers = receivers_of(circuit, bound)
        self.detectors: dict[str, PortRef] = {
            f"{path}:{port}": (path, port) for path, ports in self.receivers.items() for port in ports
        }
        self.locks: dict[str, Lock] = {}
        self.drives: dict[str, Drive] = {}
        self.channel_of: dict[str, int] = {}
        self.overrides: dict[str, dict[str, Any]] = {}
        self.buses: dict[str, tuple[str, ...]] = {}
        self.passages: dict[int, dict[int, Passage]] = {}
        self.trimmers: dict[str, Trimmer] = {}
        self.trims: dict[str, float] = {}
        self.transmit, self.receive = self._find() if drawn is None else resume(self, drawn)
        self.warnings += operation_warnings(circuit, bound, self.overrides)
        zero = {path: {VOLTAGE: drive.v_zero} for path, drive in self.drives.items()}
        self.warnings += operation_warnings(circuit, bound, zero)
        self._ways: dict[tuple[PortRef, int], Any] = {}
        self._lit: Lit | None = None
        #: source, targets, channel, ring -> items; the light goes the same way at any temperature
        self._known: dict[tuple[Any, ...], tuple[LossItem, ...]] = drawn._known if drawn is not None else {}

    @cached_property
    def values(self) -> dict[str, SDict]:
        """S-matrices of all devices at their working points."""
        return self.evaluator.circuit(self.circuit, self.bound, self.overrides)

    @cached_property
    def drift(self) -> Drift:
        """Resonances of the rings over temperature."""
        return Drift(self.drawn_bound)

    @cached_property
    def structure(self) -> dict[str, list[tuple[str, str]]]:
        """Elements that are not zero, by instance."""
        return structure_of(self.values)

    @cached_property
    def graph(self) -> WaveGraph:
        """Single ways of the light at the channels."""
        return WaveGraph(self.circuit, self.values, tuple(range(self.count)), self.detectors.values())

    def entry(self, path: str) -> tuple[Bound, ModelLike]:
        """Binding and model of an instance that has one."""
        bound = self.bound[self.circuit.leaves[path].cell]
        if bound.model is None:
            raise ModelError(f"{path}: sheet {bound.sheet.name} has no model, which a ring needs")
        return bound, bound.model

    def heater_powers(self) -> dict[str, float]:
        """Interferometer -> power of its heater, mW."""
        driven = {path: drive.heater_mW for path, drive in self.drives.items() if path not in self.locks}
        return {**self.trims, **driven}

    def _find(self) -> tuple[tuple[Sender, ...], tuple[Reception, ...]]:
        """Follow the light through the engine with all heaters off, and take every device to its working point."""
        cold = self.evaluator.circuit(self.circuit, self.bound)
        graph = WaveGraph(self.circuit, cold, (None,), self.detectors.values())
        buses = transmit_buses(self.circuit, graph, 0, self.facet, self.rings)
        taken = {ring for bus in buses for ring in bus.rings}
        free = [ring for ring in self.rings if ring not in taken]
        dropped = receive_buses(self.circuit, graph, 0, self.facet, free, self.receivers)
        idle = sorted(set(free) - {ring for bus in dropped for ring in bus.rings})
        if idle:
            self.warnings.append(f"{len(idle)} rings are on no bus ({', '.join(idle[:SHOWN])}); left cold")
        locker = Locker(self.channels)
        on_bus = {bus.port: self.lock_bus(locker, f"tx_{bus.port}", bus.rings) for bus in buses if bus.rings}
        sent = {port: rings for port, rings in on_bus.items() if self.drives.keys() & set(rings.values())}
        received: list[Reception] = []
        for bus in dropped:
            rings = self.lock_bus(locker, f"rx_{bus.port}{bus.mode}", bus.rings)
            behind = dict(zip(bus.rings, bus.detectors, strict=True))
            received.append(Reception(bus.port, bus.mode, {c: behind[ring] for c, ring in rings.items()}, rings))
        self.trim(trimmers_of(self.circuit, self.bound, self.channels, {*self.rings, *self.modulators}))
        lasers = {bus.port: bus.laser for bus in buses if bus.port not in sent}
        bare = sorted(set(self.facet.rx) - {reception.port for reception in received})
        if lasers or bare:
            tuned = self.evaluator.circuit(self.circuit, self.bound, self.overrides)
            waves = Waves(tuned, self.circuit.connections, self.count)
            sent |= self._driven(waves, lasers)
            received += self._reached(waves, bare)
        idle = sorted(set(self.modulators) - self.channel_of.keys())
        if idle:
            shown = ", ".join(idle[:SHOWN])
            self.warnings.append(f"{len(idle)} modulators are on the way of no channel ({shown}); left at rest")
        self._complain_of_modes(received, graph)
        order = {mode: number for number, mode in enumerate(("", "@TM"))}
        received.sort(key=lambda reception: (reception.port, order[reception.mode]))
        return tuple(Sender(bus.port, bus.laser, sent[bus.port]) for bus in buses), tuple(received)

    def trim(self, trimmers: Mapping[str, Trimmer]) -> None:
        """Heaters within interferometers to what keeps the fringes where they are drawn, or as the condition says."""
        self.trimmers = dict(trimmers)
        warm: dict[tuple[object, ...], float] = {}
        for path, trimmer in trimmers.items():
            power = self.condition.trim_mW.get(path, trimmer.mW)
            if self.condition.dT_K and path not in self.condition.trim_mW:
                key = (trimmer.arm, trimmer.other, trimmer.mW)
                if key not in warm:
                    warm[key] = trimmer.power_mW(self.bound, self.drawn_bound)
                power = warm[key]
            self.trims[path] = power
            if power:
                self.overrides[path] = {HEATER: power}

    def lock_bus(
        self, locker: Locker, name: str, rings: Sequence[str], shared: Mapping[str, int] | None = None
    ) -> dict[int, str]:
        """Tune the rings of a bus to their channels, level one on those that are driven; channel -> ring.

        `shared`: channels of rings that have been decided for several buses together.
        """
        self.buses[name] = tuple(rings)
        chosen = assignment_of(self.condition, name, rings, self.count)
        if chosen is None and shared and shared.keys() >= set(rings):
            chosen = tuple(shared[ring] for ring in rings)
        for lock in locker.lock(f"bus of {name}", rings, [self.entry(ring)[0] for ring in rings], chosen):
            entry, model = self.entry(lock.ring)
            lock = replace(lock, tuning_nm=self.condition.tuning_nm.get(lock.ring, lock.tuning_nm))
            self.locks[lock.ring] = lock
            self.channel_of[lock.ring] = lock.channel
            self.overrides[lock.ring] = {model.tuning: lock.tuning_nm}
            drive = drive_of(entry)
            if drive is not None:
                self.drives[lock.ring] = drive
                self.overrides[lock.ring][VOLTAGE] = drive.v_one
        return {self.locks[ring].channel: ring for ring in rings}

    def _driven(self, waves: Waves, lasers: Mapping[int, int]) -> dict[int, dict[int, str]]:
        """Modulators by transmit port and channel, for ports without driven rings, each at its working point.

        Args:
            waves: the circuit at the channels, rings tuned.
            lasers: transmit port -> laser port that feeds it.
        """
        exposed = self.circuit.exposed
        ways = [(exposed[f"laser_{laser}"], exposed[f"tx_{port}"]) for port, laser in lasers.items()]
        found: dict[int, dict[int, str]] = {}
        points: dict[tuple[str, str, str], tuple[Drive, ...]] = {}
        for port, passed in zip(lasers, senders(waves, self.modulators, ways) if ways else (), strict=True):
            self._one_each(f"tx_{port}", "pass", {c: passage.path for c, passage in passed.items()}, "modulator")
            if not passed:
                self.warnings.append(f"tx_{port}: no modulator before it, nothing is modulated")
            self.passages[port] = passed
            for channel, passage in passed.items():
                self.drive(passage, channel, points)
            found[port] = {channel: passage.path for channel, passage in sorted(passed.items())}
        return found

    def drive(self, passage: Passage, channel: int, points: dict[tuple[str, str, str], tuple[Drive, ...]]) -> None:
        """Take a modulator that is no ring to its working point; `points` are those that are known."""
        path = passage.path
        if path in self.channel_of:
            raise ModelError(
                f"engine {self.circuit.cell}: modulator {path} is on the way of two transmit ports, 1 allowed; give "
                "each its own"
            )
        entry, _ = self.entry(path)
        key = (entry.cell, passage.port_in, passage.port_out)
        if key not in points:
            points[key], said = working_points(entry, self.channels, passage.port_in, passage.port_out)
            self.warnings += [said] if said else []
        drive = points[key][channel]
        drive = replace(drive, heater_mW=self.condition.trim_mW.get(path, drive.heater_mW))
        self.channel_of[path] = channel
        self.drives[path] = drive
        self.overrides[path] = {VOLTAGE: drive.v_one, **({HEATER: drive.heater_mW} if drive.heater_mW else {})}

    def _reached(self, waves: Waves, ports: Sequence[int]) -> list[Reception]:
        """Detectors by channel of the receive ports without rings, in every polarisation that reaches some.

        Raises:
            ModelError: a port with no detector behind it, or with channels that reach none.
        """
        starts: list[tuple[int, str, PortRef]] = []
        for port in ports:
            path, inner = self.circuit.exposed[f"rx_{port}"]
            starts += [(port, mode, (path, inner + mode)) for mode in ("", "@TM")]
        starts = [start for start in starts if start[2] in waves.entering]
        reached = receptions(waves, self.receivers, [ref for _, _, ref in starts])
        found = [
            Reception(port, mode, detectors, {})
            for (port, mode, _), detectors in zip(starts, reached, strict=True)
            if detectors
        ]
        bare = [f"rx_{port}" for port in ports if not any(entry.port == port for entry in found)]
        if bare:
            raise ModelError(f"engine {self.circuit.cell}: no detector behind {', '.join(bare)}; check the connections")
        for entry in found:
            self._one_each(f"rx_{entry.port}{entry.mode}", "reach", entry.detectors, "detector")
        return found

    def _one_each(self, port: str, verb: str, found: Mapping[int, str], what: str) -> None:
        """Refuse channels without a device of their own, unless none has one."""
        lacking = [channel + 1 for channel in range(self.count) if channel not in found]
        if found and lacking:
            numbers = ", ".join(map(str, lacking))
            raise ModelError(
                f"engine {self.circuit.cell}, {port}: channel {numbers} of {self.count} {verb}es no {what}; give each "
                "channel one"
            )
        shared = next((path for path in found.values() if list(found.values()).count(path) > 1), None)
        if shared is not None:
            numbers = " and ".join(str(channel + 1) for channel, path in found.items() if path == shared)
            raise ModelError(
                f"engine {self.circuit.cell}, {port}: channels {numbers} {verb} {shared} alike, 1 allowed; give each "
                f"channel its {what}, or correct the (de)multiplexer before it"
            )

    def _complain_of_modes(self, received: Sequence[Reception], graph: WaveGraph) -> None:
        for port in self.facet.rx:
            path, inner = self.circuit.exposed[f"rx_{port}"]
            entries = [entry for entry in received if entry.port == port]
            if {entry.mode for entry in entries} == {""} and (path, inner + "@TM") in graph.node:
                what = "ring" if entries[0].filters else "detector"
                self.warnings.append(f"rx_{port}: TM light reaches no {what}; only TE is received")

    def compile(self, inputs: list[str], outputs: list[str], exposed: Mapping[str, PortRef]) -> Plan:
        """Compile the engine for some inputs and outputs; the engine as drawn lends its plan where it fits."""
        key = (*inputs, "", *outputs)
        if self._drawn is not None and self.structure == self._drawn.structure and key in self._drawn._plans:
            plan = self._drawn._plans[key]
        else:
            links = [
                (link.a, link.b)
                for link in self.circuit.connections
                if link.a[0] in self.structure and link.b[0] in self.structure
            ]
            plan = compile_circuit(self.structure, links, exposed, outputs_wanted=outputs, inputs_wanted=inputs)
        self._plans[key] = plan
        self.products += plan.program.products
        return plan

    def items(
        self, source: PortRef, targets: Sequence[PortRef], channel: int, loss_dB: float, ring: str = ""
    ) -> tuple[LossItem, ...]:
        """Items of the strongest way from a port to one of some others at a channel; they sum to `loss_dB`.

        Where the light comes by several ways that join again, an interferometer is one item. Under a condition, a way
        that is known from before is taken again, see `interferometers.again`; `ring`, the one on the channel, tells
        ways apart that lead through different rings. Where it isn't held, light may go another way: the known one then
        has to explain the loss.
        """
        known = (source, tuple(targets), channel, ring)
        held = ring not in self.condition.tuning_nm
        if known in self._known:
            found = again(self._known[known], self.circuit, self.bound, self.values, channel, loss_dB)
            if held or abs(found[-1].loss_dB) <= SEVERAL_WAYS_DB:
                return found
        found = self._traced(source, targets, channel, loss_dB)
        if held:
            self._known[known] = found
        return found

    def _traced(
        self, source: PortRef, targets: Sequence[PortRef], channel: int, loss_dB: float
    ) -> tuple[LossItem, ...]:
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
        if reached and way.loss_dB - loss_dB > SEVERAL_WAYS_DB:
            self._lit = self._lit or Lit(Waves(self.values, self.circuit.connections, self.count))
            found = sections(self._lit, source, targets, self.circuit, self.bound, self.values, channel, loss_dB)
            if found is not None:
                return found
        return items_of(way, self.circuit, self.bound, self.values, channel, loss_dB)
