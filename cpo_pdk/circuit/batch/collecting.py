"""Make an engine batch: plans, tables and names of an engine at its working point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from cpo_pdk.circuit.batch.held import Arms, HeldArms, HeldModulator
from cpo_pdk.circuit.batch.kinds import LENGTH, Kind, Layout, TableMaker
from cpo_pdk.circuit.batch.parts import BatchDevice, BatchRing, LaneKey, ReceivePart, TransmitPart, TransmitPort
from cpo_pdk.circuit.batch.places import device_places, share_places
from cpo_pdk.circuit.batch.sections import (
    REST,
    ReceiveSection,
    TransmitSection,
    elements_of,
    receive_sections,
    transmit_sections,
)
from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.circuit.driving import HEATER, VOLTAGE
from cpo_pdk.circuit.engine_lanes import EngineSolver
from cpo_pdk.circuit.engine_state import EngineState
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.receive import receive
from cpo_pdk.circuit.results import RingFacts
from cpo_pdk.circuit.signal_flow import PortPair
from cpo_pdk.circuit.transmit import transmit
from cpo_pdk.circuit.trimming import arms_of

Real = NDArray[np.float64]

#: errors of tables below this are not told
LEAST_ERROR = 1e-6
#: an amplitude below this is none
NO_AMPLITUDE = 1e-9
Whole = NDArray[np.int64]


class Collector:
    """Puts together what `EngineBatch` holds; see there for the names.

    Args:
        solver: of the engine's cell.
        condition: that it works under.
        reach: axis -> half of the range of the tables.
        merge_um: side of the squares that guides share deviations in.
    """

    def __init__(
        self, solver: EngineSolver, condition: EngineCondition, reach: Mapping[str, float], merge_um: float
    ) -> None:
        drawn = solver.drawn
        self.solver = solver
        self.facts = solver.rings
        self.state = state = (
            drawn
            if condition == EngineCondition()
            else EngineState(solver.circuit, solver.bound, solver.channels, np.empty(0), condition, drawn)
        )
        self.sent, self.received = transmit_sections(state), receive_sections(state)
        self.ring = {fact.path: number for number, fact in enumerate(self.facts)}
        self.maker = TableMaker(solver.channels, reach)
        self.layout = Layout(solver.channels)
        self.trimmer = {path: number for number, path in enumerate(state.trimmers)}
        self.held_modulators: dict[str, HeldModulator] = {}
        self._modulators: dict[tuple[Any, ...], HeldModulator] = {}
        self.merge_um = 0.0 if state.trimmers else merge_um

    def batch(self) -> dict[str, Any]:
        """Fields of the batch."""
        state, solver = self.state, self.solver
        used, later = self._wanted()
        places = device_places(solver.netlists, solver.circuit.cell, self.facts)
        places = {path: places.get(path, (state.circuit.leaves[path].x, state.circuit.leaves[path].y)) for path in used}
        sites, site = share_places(places, [path for path in used if path in self.ring], self.merge_um)
        exact = {path: state.values[path] for path in used if path not in state.overrides}
        self.layout.close(site, self.ring, self.trimmer, exact)
        kinds = tuple(replace(kind, anchor=self._anchor(kind)) for kind in self.layout.kinds)
        sent = transmit(state).lanes
        lanes = (*sent, *receive(state).lanes)
        number = {(lane.direction, lane.port, lane.channel): n for n, lane in enumerate(lanes)}
        line = {("tx", sender.port): i for i, s in enumerate(self.sent) for sender in s.senders}
        line |= {("rx", s.port): len(self.sent) + i for i, s in enumerate(self.received)}
        modulators = sorted(self.held_modulators)
        return {
            "cell": solver.circuit.cell,
            "channels_um": solver.channels,
            "devices": tuple(self._device(path, places[path], site[path]) for path in used),
            "sites_um": sites,
            "rings": tuple(_ring(fact, site[fact.path], line[fact.direction, fact.port]) for fact in self.facts),
            "lane_keys": tuple(LaneKey(x.direction, x.port, x.channel, x.laser, x.ring, x.detector) for x in lanes),
            "lasers": tuple(section.laser for section in self.sent),
            "tx_ports": state.facet.tx,
            "rx_ports": state.facet.rx,
            "nominal_loss_dB": np.array([lane.loss_dB for lane in lanes]),
            "nominal_crosstalk_dB": np.array([lane.crosstalk_dB for lane in lanes]),
            "nominal_extinction_dB": np.array([lane.extinction_dB or 0.0 for lane in sent]),
            "nominal_channel": np.array([state.locks[fact.path].channel for fact in self.facts], np.int64),
            "nominal_tuning_nm": np.array([state.locks[fact.path].tuning_nm for fact in self.facts], np.float64),
            "trimmers": (*state.trimmers, *modulators),
            "approximations": tuple(self._said(len(used), len(sites))),
            "kinds": kinds,
            "rows": tuple(self.layout.rows),
            "transmit": tuple(self._transmit_part(s, later[s.laser], number) for s in self.sent),
            "receive": tuple(self._receive_part(s, later[-s.port], number) for s in self.received),
            "arms": self._arms(site),
            "modulator_trims": {path: len(state.trimmers) + n for n, path in enumerate(modulators)},
            "modulator_channel": {path: state.channel_of[path] for path in modulators},
        }

    def _wanted(self) -> tuple[list[str], dict[int, tuple[int, ...]]]:
        """Ask the layout for all devices; those that are used, and the sets of values of each section."""
        sets: dict[int, tuple[int, ...]] = {}
        used: dict[str, None] = {}
        for line, section in enumerate(self.sent):
            rest = elements_of({"": section.rest})
            modulators = elements_of({"": section.whole})
            modulators.pop(REST, None)
            first = self._ask(rest, line)
            one, zero = (self._ask(modulators, line, level) for level in ("one", "zero"))
            sets[section.laser] = (first, one, zero)
            used |= dict.fromkeys([*rest, *modulators])
        for line, section in enumerate(self.received, start=len(self.sent)):
            elements = elements_of({"": section.plan})
            sets[-section.port] = (self._ask(elements, line),)
            used |= dict.fromkeys(elements)
        return list(used), sets

    def _ask(self, elements: Mapping[str, Mapping[PortPair, None]], line: int, level: Any = "rest") -> int:
        values = self.layout.add(elements, line)
        for path in elements:
            table, voltage = self._table(path, level)
            self.layout.want(values, path, table, level, voltage, self._length_um(path))
        return values

    def _length_um(self, path: str) -> float:
        value = self.state.bound[self.state.circuit.leaves[path].cell].params.get(LENGTH, 0.0)
        return float(value) if isinstance(value, int | float) else 0.0

    def _table(self, path: str, level: str) -> tuple[Any, float | None]:
        """Table of a device and the voltage that it is asked at."""
        state = self.state
        entry = state.bound[state.circuit.leaves[path].cell]
        if level == "rest":
            return self.maker.of(entry), None
        drive = state.drives[path]
        voltage = drive.v_one if level == "one" else drive.v_zero
        if path in self.ring:
            return self.maker.of(entry, levels=(drive.v_one, drive.v_zero)), voltage
        if "V_swing" not in entry.sheet.operating_values:
            heated = {HEATER: drive.heater_mW} if drive.heater_mW else {}
            return self.maker.of(entry, {VOLTAGE: voltage, **heated}), None
        return self._held(path, entry, abs(drive.v_one)), None

    def _held(self, path: str, entry: Bound, swing: float) -> HeldModulator:
        """A modulator at quadrature."""
        passage = next(p for passed in self.state.passages.values() for p in passed.values() if p.path == path)
        key = (entry.cell, passage.port_in, passage.port_out, swing)
        if key not in self._modulators:
            half = next(fact.mW_per_pi for fact in self.solver.trimmers if fact.path == path)
            table = self.maker.of(entry, levels=(0.0, swing, -swing))
            made = HeldModulator(table, swing, passage.port_in, passage.port_out, half)
            self._modulators[key] = made
        self.held_modulators[path] = self._modulators[key]
        return self._modulators[key]

    def _anchor(self, kind: Kind) -> dict[PortPair, Any]:
        """What makes held modulators those of the model as drawn, by element, shape (n, 1, C); others as they are."""
        if not isinstance(kind.table, HeldModulator):
            return kind.anchor
        state, count = self.state, self.solver.channels.size
        channel = np.array([state.channel_of[path] for path in kind.paths], np.int64)
        wl = np.broadcast_to(self.solver.channels, (len(kind.paths), 1, count))
        one, zero, _ = kind.table.levels({}, wl, channel)
        level = one if kind.level == "one" else zero
        evaluator = Evaluator(self.solver.channels)
        found: dict[PortPair, list[Any]] = {}
        for number, path in enumerate(kind.paths):
            entry, model = state.entry(path)
            drive = state.drives[path]
            volts = drive.v_one if kind.level == "one" else drive.v_zero
            exact = evaluator.matrix(path, model, {**entry.params, **state.overrides[path], VOLTAGE: volts})
            for pair in kind.pairs:
                mine = np.broadcast_to(level[pair], (len(kind.paths), 1, count))[number]
                there = np.abs(mine) > NO_AMPLITUDE
                found.setdefault(pair, []).append(
                    np.where(there, np.asarray(exact[pair]) / np.where(there, mine, 1.0), 1.0)
                )
        return {pair: np.stack(ratios) for pair, ratios in found.items()}

    def _device(self, path: str, place: tuple[float, float], site: int) -> BatchDevice:
        leaf = self.state.circuit.leaves[path]
        entry = self.state.bound[leaf.cell]
        model = entry.model.name if entry.model else ""
        return BatchDevice(path, leaf.cell, leaf.function, model, entry.sheet.name, *place, site)

    def _transmit_part(
        self, section: TransmitSection, sets: tuple[int, ...], number: Mapping[tuple[str, int, int], int]
    ) -> TransmitPart:
        rest_values, one, zero = sets
        places = {pair: n for n, pair in enumerate(section.rest.program.results)}
        turn = dict(zip(section.modulators, section.turn, strict=True))
        taken, at, rows, into, turns = [], [], [], [], []
        for load, (path, a, b) in enumerate(section.whole.program.loads):
            if path == REST:
                taken.append(places[a, b])
                at.append(load)
            else:
                rows.append((self.layout.row(one, path, (a, b)), self.layout.row(zero, path, (a, b))))
                into.append(load)
                turns.append(turn[path])
        results = {pair: n for n, pair in enumerate(section.whole.program.results)}
        ports: list[TransmitPort] = []
        for sender in section.senders:
            mine = [path for path in sender.modulators.values() if path in self.state.drives]
            ringed = bool(mine) and all(path in self.ring for path in mine)
            place = [turn.get(sender.modulators.get(c, ""), -1) for c in range(self.state.count)]
            ports.append(
                TransmitPort(
                    sender.port,
                    results.get((f"laser_{section.laser}", f"tx_{sender.port}"), -1),
                    np.array([number["tx", sender.port, c + 1] for c in range(self.state.count)], np.int64),
                    np.array([self.ring[path] for path in mine] if ringed else [], np.int64),
                    np.array(place, np.int64),
                    len(mine),
                )
            )
        both = np.array(rows, np.int64).reshape(-1, 2)
        return TransmitPart(
            rest=section.rest,
            whole=section.whole,
            rest_values=rest_values,
            which=self.layout.which(section.rest, rest_values),
            turns=section.turns,
            taken=np.array(taken, np.int64),
            at=np.array(at, np.int64),
            one_values=one,
            zero_values=zero,
            rows=both[:, 0],
            zero_rows=both[:, 1],
            into=np.array(into, np.int64),
            turn=np.array(turns, np.int64),
            ports=tuple(ports),
        )

    def _receive_part(
        self, section: ReceiveSection, sets: tuple[int, ...], number: Mapping[tuple[str, int, int], int]
    ) -> ReceivePart:
        state, (values,) = self.state, sets
        rows = {pair: n for n, pair in enumerate(section.plan.program.results)}
        order = {path: n for n, path in enumerate(section.detectors)}
        results = tuple(
            (mode, order[path], rows[pair])
            for mode, entry in enumerate(section.receptions)
            for path, names in section.detectors.items()
            for name in names
            if (pair := (f"rx_{section.port}{entry.mode}", name)) in rows
        )
        first = section.receptions[0]
        rings = [first.filters[channel] for channel in sorted(first.filters)]
        behind = [order[first.detectors[channel]] for channel in sorted(first.filters)]
        return ReceivePart(
            plan=section.plan,
            values=values,
            which=self.layout.which(section.plan, values),
            results=results,
            modes=len(section.receptions),
            detectors=len(order),
            lanes=np.array([number["rx", section.port, c + 1] for c in range(state.count)], np.int64),
            rings=np.array([self.ring[path] for path in rings], np.int64),
            behind=np.array([*behind, -1], np.int64),
            place=np.array([order[first.detectors[channel]] for channel in range(state.count)], np.int64),
        )

    def _arms(self, site: Mapping[str, int]) -> Arms | None:
        """The interferometers that heated guides hold; None where there are none."""
        state = self.state
        if not state.trimmers:
            return None
        partner: dict[PortRef, PortRef] = {}
        for link in state.circuit.connections:
            partner[link.a], partner[link.b] = link.b, link.a
        steps: dict[str, list[tuple[str, PortPair, int]]] = {}
        elements: dict[str, dict[PortPair, None]] = {}
        for path in state.trimmers:
            arms = arms_of(path, state.circuit, state.bound, partner)
            assert arms is not None, "a trimmer lies between two couplers"
            steps[path] = [(at, (a, b), sign) for sign, arm in zip((1, -1), arms, strict=True) for at, a, b in arm]
            for at, pair, _ in steps[path]:
                elements.setdefault(at, {})[pair] = None
        elements = {path: pairs for path, pairs in elements.items() if path in site}
        layout = Layout(self.solver.channels)
        values = layout.add(elements, 0)
        for path in elements:
            layout.want(values, path, self._table(path, "rest")[0], length_um=self._length_um(path))
        layout.close(site, {}, {})
        entries = [
            (number, layout.row(values, at, pair), sign)
            for number, path in enumerate(state.trimmers)
            for at, pair, sign in steps[path]
            if at in elements
        ]
        shape = (len(state.trimmers), layout.rows[values])
        rows, columns, signs = (np.array(column) for column in zip(*entries, strict=True))
        matrix = csr_array((signs.astype(np.float64), (rows, columns)), shape=shape)
        held = tuple(HeldArms(path, t.mW, t.mW_per_pi) for path, t in state.trimmers.items())
        return Arms(held, tuple(layout.kinds), shape[1], matrix, self._drawn_phase(steps, elements))

    def _drawn_phase(
        self, steps: Mapping[str, list[tuple[str, PortPair, int]]], elements: Mapping[str, object]
    ) -> Real:
        """Phase of each arm less that of the other as drawn, at the channels, rad, shape (interferometers, C)."""
        drawn = TableMaker(self.solver.channels, {})
        known: dict[tuple[str, PortPair], Real] = {}
        found = np.zeros((len(steps), self.solver.channels.size))
        for number, path in enumerate(steps):
            for at, pair, sign in steps[path]:
                if at not in elements:
                    continue
                cell = self.state.circuit.leaves[at].cell
                if (cell, pair) not in known:
                    table = drawn.of(self.state.drawn_bound[cell])
                    length = {LENGTH: self._length_um(at)} if LENGTH in table.axes else {}
                    matrix = table.matrix(length, self.solver.channels)
                    known[cell, pair] = np.angle(matrix[pair])
                found[number] += sign * known[cell, pair]
        return found

    def _said(self, devices: int, sites: int) -> list[str]:
        """Lines about what is approximated."""
        lines: list[str] = []
        worst: dict[str, float] = {}
        for table in self.maker.tables.values():
            worst[table.model] = max(worst.get(table.model, 0.0), float(table.error))
        for model, error in sorted(worst.items(), key=lambda entry: -entry[1]):
            if error > LEAST_ERROR:
                lines.append(f"{model}: tabulated over its deviations, within {error:.0e} of the model's amplitudes")
        if self.merge_um and sites < devices:
            lines.append(
                f"{devices} devices share the deviations of {sites} places: rings have their own, others those of a "
                f"square of {self.merge_um:g} um"
            )
        if self.held_modulators:
            lines.append(f"{len(self.held_modulators)} Mach-Zehnder modulators: both arms have the same deviations")
        return lines


def _ring(fact: RingFacts, site: int, line: int) -> BatchRing:
    return BatchRing(
        path=fact.path,
        direction=fact.direction,
        port=fact.port,
        mode=fact.mode,
        channel=fact.channel,
        working_nm=fact.working_nm,
        heater_nm_mW=fact.heater_nm_mW,
        nm_per_K=fact.nm_per_K,
        detector=fact.detector,
        sheet=fact.sheet,
        x_um=fact.x,
        y_um=fact.y,
        site=site,
        line=line,
        tuning_nm=fact.tuning_nm,
    )
