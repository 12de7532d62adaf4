"""Solve one engine: loss of every lane with its items, crosstalk, spectra; in the engine's own coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit import crosstalk
from cpo_pdk.circuit.binding import Bound, range_warnings
from cpo_pdk.circuit.engine_ports import (
    ReceiveBus,
    TransmitBus,
    facet_of,
    receive_buses,
    receivers_of,
    rings_of,
    transmit_buses,
)
from cpo_pdk.circuit.evaluation import Evaluator, structure_of
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.locking import Drive, Lock, drive_of, lock_bus
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.results import Aggressor, Direction, LossItem
from cpo_pdk.circuit.solver import Complex, Plan, SDict, compile_circuit
from cpo_pdk.circuit.tracing import WaveGraph, items_of
from cpo_pdk.errors import ModelError

Real = NDArray[np.float64]
Overrides = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class EngineLane:
    """A lane from facet to facet or detector, see `results.Lane`; `laser` is the number of the laser port (transmit)."""

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


class _Engine:
    def __init__(self, circuit: FlatCircuit, bound: Mapping[str, Bound], channels_um: Real, grid_um: Real) -> None:
        self.circuit = circuit
        self.bound = bound
        self.channels = channels_um
        self.grid = grid_um
        self.count = channels_um.size
        self.wl = np.concatenate([channels_um, grid_um])
        self.evaluator = Evaluator(self.wl)
        self.warnings = range_warnings(circuit, bound, self.wl)
        self.facet = facet_of(circuit)
        self.rings = rings_of(circuit, bound)
        self.receivers = receivers_of(circuit, bound)
        self.products = 0
        self.detectors: dict[str, PortRef] = {
            f"{path}:{port}": (path, port) for path, ports in self.receivers.items() for port in ports
        }
        self.find_buses()
        self.lock()
        self.values = self.evaluator.circuit(circuit, bound, self.overrides)
        self.structure = structure_of(self.values)
        self.links = [
            (link.a, link.b)
            for link in circuit.connections
            if link.a[0] in self.structure and link.b[0] in self.structure
        ]
        self.graph = WaveGraph(circuit, self.values, tuple(range(self.count)), self.detectors.values())

    def find_buses(self) -> None:
        """Follow the light through the engine with all heaters off."""
        cold = self.evaluator.circuit(self.circuit, self.bound)
        graph = WaveGraph(self.circuit, cold, (None,), self.detectors.values())
        self.transmit: tuple[TransmitBus, ...] = transmit_buses(self.circuit, graph, 0, self.facet, self.rings)
        taken = {ring for bus in self.transmit for ring in bus.rings}
        free = [ring for ring in self.rings if ring not in taken]
        self.receive: tuple[ReceiveBus, ...] = receive_buses(
            self.circuit, graph, 0, self.facet, free, self.receivers
        )
        served = taken | {ring for bus in self.receive for ring in bus.rings}
        idle = [ring for ring in self.rings if ring not in served]
        if idle:
            self.warnings.append(f"{len(idle)} rings are on no bus ({', '.join(idle[:4])}...); left cold")
        without = [port for port in self.facet.rx if not any(bus.port == port for bus in self.receive)]
        if without:
            names = ", ".join(f"rx_{port}" for port in without)
            raise ModelError(f"engine {self.circuit.cell}: no ring behind {names}; check the connections")

    def lock(self) -> None:
        """Tune all rings to their channels; level one on every modulator."""
        self.overrides: Overrides = {}
        self.locks: dict[str, Lock] = {}
        self.drives: dict[str, Drive] = {}
        buses: list[tuple[str, tuple[str, ...]]] = [(f"bus of tx_{bus.port}", bus.rings) for bus in self.transmit]
        buses += [(f"bus of rx_{bus.port}{bus.mode}", bus.rings) for bus in self.receive]
        known: dict[tuple[str, ...], tuple[Lock, ...]] = {}
        for name, rings in buses:
            if not rings:
                self.warnings.append(f"{name}: no ring on it")
                continue
            bound = [self.bound[self.circuit.leaves[ring].cell] for ring in rings]
            kinds = tuple(entry.cell for entry in bound)
            if kinds not in known:
                known[kinds] = lock_bus(name, rings, bound, self.channels)
                locks = known[kinds]
            else:  # the same rings in the same order as on a bus that is done
                first = next(r for _, r in buses if r and self.kinds(r) == kinds)
                locks = tuple(Lock(rings[first.index(k.ring)], k.channel, k.tuning_nm) for k in known[kinds])
            for lock in locks:
                entry = self.bound[self.circuit.leaves[lock.ring].cell]
                assert entry.model is not None, "a ring has a model"
                self.locks[lock.ring] = lock
                self.overrides[lock.ring] = {entry.model.tuning: lock.tuning_nm}
                drive = drive_of(entry)
                if drive is not None:
                    self.drives[lock.ring] = drive
                    self.overrides[lock.ring]["V"] = drive.v_one

    def kinds(self, rings: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.circuit.leaves[ring].cell for ring in rings)

    def compile(self, inputs: list[str], outputs: list[str], exposed: dict[str, PortRef]) -> Plan:
        plan = compile_circuit(self.structure, self.links, exposed, outputs_wanted=outputs, inputs_wanted=inputs)
        self.products += plan.program.products
        return plan

    # ---- transmit -------------------------------------------------------------------------------------------------

    def transmit_lanes(self) -> tuple[list[EngineLane], dict[int, Real], dict[str, float]]:
        """Lanes, power transmission of every port on the grid, figures of the modulator."""
        if not self.facet.tx:
            return [], {}, {}
        lasers = [f"laser_{n}" for n in self.facet.laser]
        ports = [f"tx_{n}" for n in self.facet.tx]
        exposed = {name: self.circuit.exposed[name] for name in (*lasers, *ports)}
        plan = self.compile(lasers, ports, exposed)
        solved = plan.solve(self.values, wl=self.wl, warnings=self.warnings)
        toggled = self.toggled(plan)
        lanes: list[EngineLane] = []
        spectra: dict[int, Real] = {}
        extinction: list[float] = []
        for bus in self.transmit:
            pair = (f"laser_{bus.laser}", f"tx_{bus.port}")
            power = np.abs(solved[pair]) ** 2
            spectra[bus.port] = power[self.count :]
            one = power[: self.count]
            zero = np.abs(toggled[pair]) ** 2 if toggled is not None else None
            leak = crosstalk.modulation_leakage(one, zero) if zero is not None and bus.rings else None
            if zero is not None and bus.rings:
                extinction += list(crosstalk.to_dB(one / np.maximum(np.diagonal(zero), 1e-30)))
            ring_at = {self.locks[ring].channel: ring for ring in bus.rings}
            for channel in range(self.count):
                lanes.append(self.transmit_lane(bus, channel, float(one[channel]), ring_at, leak))
        return lanes, spectra, self.operating_point(extinction)

    def toggled(self, plan: Plan) -> dict[tuple[str, str], Complex] | None:
        """Amplitudes at the channels, [channel whose modulator is at level zero, channel]; None without modulators."""
        if not self.drives:
            return None
        levels: Overrides = {}
        for ring, drive in self.drives.items():
            voltage = np.full((self.count, 1), drive.v_one)
            voltage[self.locks[ring].channel] = drive.v_zero
            levels[ring] = {**self.overrides[ring], "V": voltage}
        evaluator = Evaluator(self.channels)
        values = dict(self.sliced())
        for ring, params in levels.items():
            entry = self.bound[self.circuit.leaves[ring].cell]
            assert entry.model is not None, "a ring has a model"
            values[ring] = evaluator.matrix(ring, entry.model, {**entry.params, **params})
        self.warnings += [line for line in evaluator.warnings if line not in self.warnings]
        self.evaluations = evaluator.distinct
        return plan.solve(values, wl=self.channels)

    def sliced(self) -> dict[str, SDict]:
        """The values at the channels only."""
        done: dict[int, SDict] = {}
        for matrix in self.values.values():
            if id(matrix) not in done:
                done[id(matrix)] = {
                    pair: value[..., : self.count] if value.ndim and value.shape[-1] > 1 else value
                    for pair, value in matrix.items()
                }
        return {path: done[id(matrix)] for path, matrix in self.values.items()}

    def transmit_lane(
        self, bus: TransmitBus, channel: int, power: float, ring_at: dict[int, str], leak: Real | None
    ) -> EngineLane:
        target = self.circuit.exposed[f"tx_{bus.port}"]
        source = self.circuit.exposed[f"laser_{bus.laser}"]
        loss = -float(crosstalk.to_dB(np.asarray(power)))
        ring = ring_at.get(channel)
        names = [ring_at.get(j, f"channel {j + 1}") for j in range(self.count)]
        return EngineLane(
            direction="tx",
            port=bus.port,
            channel=channel + 1,
            wl_um=float(self.channels[channel]),
            loss_dB=loss,
            crosstalk_dB=crosstalk.summed(leak[channel], channel) if leak is not None else crosstalk.FLOOR_DB,
            polarization="TE",
            tuning_nm=self.locks[ring].tuning_nm if ring else 0.0,
            items=self.items(source, [target], channel, loss),
            aggressors=crosstalk.aggressors(leak[channel], channel, names) if leak is not None else (),
            laser=bus.laser,
        )

    def operating_point(self, extinction: list[float]) -> dict[str, float]:
        if not self.drives or not extinction:
            return {}
        drive = next(iter(self.drives.values()))
        return {
            "V_one": drive.v_one,
            "V_zero": drive.v_zero,
            "detuning_nm": drive.detuning_nm,
            "extinction_min_dB": float(min(extinction)),
            "extinction_max_dB": float(max(extinction)),
        }

    def items(self, source: PortRef, targets: list[PortRef], channel: int, loss: float) -> tuple[LossItem, ...]:
        """Items of the strongest way from a port to the nearest of some others."""
        key = (source, channel)
        if key not in self.ways:
            self.ways[key] = self.graph.shortest([source], channel)
        distance, came = self.ways[key]
        reached = [
            (distance[number], number)
            for ref in targets
            if (number := self.graph.end.get(ref)) is not None and number in distance
        ]
        if not reached:
            return ()
        way = self.graph.way(min(reached)[1], distance, came)
        return items_of(way, self.circuit, self.bound, self.values, channel, loss)

    # ---- receive --------------------------------------------------------------------------------------------------

    def receive_lanes(self) -> tuple[list[EngineLane], dict[int, Real], dict[int, dict[str, Real]]]:
        """Lanes, crosstalk matrices in dB, power in every detector on the grid."""
        if not self.facet.rx:
            return [], {}, {}
        used = sorted({detector for bus in self.receive for detector in bus.detectors})
        outputs = {name: ref for name, ref in self.detectors.items() if ref[0] in used}
        ends = {f"rx_{n}": self.circuit.exposed[f"rx_{n}"] for n in self.facet.rx}
        inputs = [f"rx_{bus.port}{bus.mode}" for bus in self.receive]
        plan = self.compile(inputs, list(outputs), {**ends, **outputs})
        solved = plan.solve(self.values, wl=self.wl, warnings=self.warnings)
        lanes: list[EngineLane] = []
        matrices: dict[int, Real] = {}
        spectra: dict[int, dict[str, Real]] = {}
        for port in self.facet.rx:
            buses = [bus for bus in self.receive if bus.port == port]
            detectors = self.detectors_by_channel(port, buses)
            power = {bus.mode: self.power(solved, f"rx_{port}{bus.mode}", detectors) for bus in buses}
            relative = {mode: crosstalk.relative_to_wanted(p[:, : self.count]) for mode, p in power.items()}
            matrices[port] = crosstalk.to_dB(np.max(list(relative.values()), axis=0))
            first = power[buses[0].mode]
            spectra[port] = {f"detector {k + 1}": first[k, self.count :] for k in range(self.count)}
            ring_at = {bus.mode: {self.locks[r].channel: r for r in bus.rings} for bus in buses}
            for channel in range(self.count):
                lanes.append(self.receive_lane(port, channel, detectors[channel], power, relative, ring_at))
        return lanes, matrices, spectra

    def detectors_by_channel(self, port: int, buses: list[ReceiveBus]) -> list[str]:
        """The detector of each channel: the one behind the ring that is locked to it on the first bus."""
        found: dict[int, str] = {}
        for bus in buses:
            for ring, detector in zip(bus.rings, bus.detectors, strict=True):
                channel = self.locks[ring].channel
                if found.setdefault(channel, detector) != detector:
                    self.warnings.append(
                        f"rx_{port}: channel {channel + 1} goes to {found[channel]} in one polarisation and to {detector} "
                        "in the other; the receiver depends on polarisation"
                    )
        return [found[channel] for channel in range(self.count)]

    def power(self, solved: Mapping[tuple[str, str], Complex], source: str, detectors: list[str]) -> Real:
        """Power turned into current, [detector, wavelength]."""
        total = np.zeros((len(detectors), self.wl.size))
        for row, path in enumerate(detectors):
            for port in self.receivers[path]:
                amplitude = solved.get((source, f"{path}:{port}"))
                if amplitude is not None:
                    total[row] += np.abs(amplitude) ** 2
        return total

    def receive_lane(
        self,
        port: int,
        channel: int,
        detector: str,
        power: Mapping[str, Real],
        relative: Mapping[str, Real],
        ring_at: Mapping[str, Mapping[int, str]],
    ) -> EngineLane:
        worst = min(power, key=lambda mode: power[mode][channel, channel])
        loud = max(relative, key=lambda mode: crosstalk.summed(relative[mode][channel], channel))
        loss = -float(crosstalk.to_dB(np.asarray(power[worst][channel, channel])))
        path, inner = self.circuit.exposed[f"rx_{port}"]
        ends = [(detector, name) for name in self.receivers[detector]]
        names = [f"channel {j + 1}" for j in range(self.count)]
        return EngineLane(
            direction="rx",
            port=port,
            channel=channel + 1,
            wl_um=float(self.channels[channel]),
            loss_dB=loss,
            crosstalk_dB=crosstalk.summed(relative[loud][channel], channel),
            polarization="TM" if worst else "TE",
            tuning_nm=self.locks[ring_at[worst][channel]].tuning_nm,
            items=self.items((path, inner + worst), ends, channel, loss),
            aggressors=crosstalk.aggressors(relative[loud][channel], channel, names),
        )

    evaluations: int = 0

    def solve(self) -> EngineSolution:
        self.ways: dict[tuple[PortRef, int], Any] = {}
        tx, tx_spectra, modulator = self.transmit_lanes()
        rx, matrices, rx_spectra = self.receive_lanes()
        spectra: dict[tuple[Direction, int], dict[str, Real]] = {}
        for port, trace in tx_spectra.items():
            spectra["tx", port] = {"laser to fibre": trace}
        for port, traces in rx_spectra.items():
            spectra["rx", port] = traces
        counts = {
            "instances": len(self.circuit.leaves),
            "connections": len(self.circuit.connections),
            "rings": len(self.rings),
            "model_evaluations": self.evaluator.distinct + self.evaluations,
            "wavelengths": self.wl.size,
            "products": self.products,
        }
        lines = tuple(dict.fromkeys([*self.warnings, *self.evaluator.warnings]))
        return EngineSolution((*tx, *rx), matrices, spectra, self.grid, modulator, lines, counts)


def solve_engine(
    circuit: FlatCircuit, bound: Mapping[str, Bound], channels_um: Real, grid_um: Real
) -> EngineSolution:
    """Lock the rings of an engine and compute its lanes.

    Args:
        circuit: the flat engine, with ports `laser_1`..., `tx_1`..., `rx_1`....
        bound: see `bind`.
        channels_um: wavelengths of the channels, um, shape (C,).
        grid_um: wavelengths of the spectra, um, shape (W,).

    Raises:
        LayoutError: an engine without ports.
        ModelError: a device that can't be evaluated, rings that don't fit the channels, light that reaches nothing.
    """
    return _Engine(circuit, bound, channels_um, grid_um).solve()
