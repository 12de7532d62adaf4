"""All aggressors of all receivers of one engine, in the engine's own coordinates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.census.elements import Element, run_elements, weak_elements
from cpo_pdk.circuit.census.facing import LocalRun
from cpo_pdk.circuit.census.neighbours import PlacedRun
from cpo_pdk.circuit.census.results import Entry
from cpo_pdk.circuit.engine_state import EngineState
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.transmit import transmit
from cpo_pdk.circuit.waves import Waves

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

#: entries this much below the limit still count in the sums, dB
BELOW_LIMIT_DB = 20.0
#: an element that brings this share of the wanted power is on its way
WANTED_SHARE = 0.25
#: two contributions are the same light, seen at two devices that it passes, when they agree within this
SAME_LIGHT = 1e-3


@dataclass(frozen=True)
class Receiver:
    """Who is disturbed: the wave or waves that it receives, and the source that it is meant to receive from."""

    direction: Literal["tx", "rx", "laser"]
    port: int
    channel: int
    mode: str
    ends: tuple[int, ...]
    source: int


@dataclass(frozen=True)
class Disturbed:
    """A receiver with its entries, worst first, and their sums as powers relative to the wanted signal."""

    receiver: Receiver
    entries: tuple[Entry, ...]
    coherent: float
    incoherent: float


@dataclass(frozen=True)
class _Found:
    """An entry, and the channel (from 0) of its light; None where powers add in any case."""

    entry: Entry
    channel: int | None


class EngineCensus:
    """The census of one engine.

    Args:
        circuit, bound, channels_um: as for `EngineState`.
        runs: parallel runs in the engine.
        own_runs: path of a device -> runs between its own guides.
        limit_dB: entries below it are not listed.
    """

    def __init__(
        self,
        circuit: FlatCircuit,
        bound: Mapping[str, Bound],
        channels_um: Real,
        runs: Sequence[PlacedRun],
        own_runs: Callable[[str], Sequence[LocalRun]],
        limit_dB: float,
    ) -> None:
        self.state = EngineState(circuit, bound, channels_um, np.asarray(channels_um[:1]))
        self.limit_dB = limit_dB
        self.floor = 10 ** ((limit_dB - BELOW_LIMIT_DB) / 10)
        state = self.state
        self.waves = Waves(state.values, circuit.connections, state.count)
        astray, self.warnings = run_elements(self.waves, runs, own_runs)
        self.elements = weak_elements(self.waves, circuit, bound) + astray
        self.warnings += state.warnings
        self._ways: dict[tuple[int, int], Complex] = {}
        self._sources()
        self._receivers()
        self._solve()

    def _sources(self) -> None:
        """Lasers at 0 dB; what arrives at a receive port is what the transmit ports of such an engine send."""
        state = self.state
        refs: list[tuple[str, tuple[str, str]]] = []
        for number in state.facet.laser:
            refs.append((f"laser_{number}", state.circuit.exposed[f"laser_{number}"]))
        for number in state.facet.rx:
            path, port = state.circuit.exposed[f"rx_{number}"]
            refs += [(f"rx_{number} {mode}", (path, port + at)) for mode, at in (("TE", ""), ("TM", "@TM"))]
        refs = [(name, ref) for name, ref in refs if ref in self.waves.entering]
        self.names = [name for name, _ in refs]
        self.starts = np.array([self.waves.entering[ref] for _, ref in refs], np.int64)
        self.number = {name: index for index, name in enumerate(self.names)}

    def _receivers(self) -> None:
        state, waves = self.state, self.waves
        found: list[Receiver] = []
        for sender in state.transmit:
            end = waves.leaving[state.circuit.exposed[f"tx_{sender.port}"]]
            source = self.number[f"laser_{sender.laser}"]
            found += [Receiver("tx", sender.port, c, "TE", (end,), source) for c in range(state.count)]
        for reception in state.receive:
            mode = "TM" if reception.mode else "TE"
            source = self.number[f"rx_{reception.port} {mode}"]
            for channel, detector in reception.detectors.items():
                ends = tuple(
                    waves.leaving[detector, port]
                    for port in state.receivers[detector]
                    if (detector, port) in waves.leaving
                )
                found.append(Receiver("rx", reception.port, channel, mode, ends, source))
        for number in state.facet.laser:
            ref = state.circuit.exposed[f"laser_{number}"]
            if ref in waves.leaving:
                source = self.number[f"laser_{number}"]
                ends = (waves.leaving[ref],)
                found += [Receiver("laser", number, c, "TE", ends, source) for c in range(state.count)]
        order = {"tx": 0, "rx": 1, "laser": 2}
        self.receivers = sorted(found, key=lambda r: (order[r.direction], r.port, r.channel, r.mode))
        self.ends = np.array(sorted({end for r in self.receivers for end in r.ends}), np.int64)
        self.column = {int(end): index for index, end in enumerate(self.ends)}

    def _solve(self) -> None:
        """Everything that needs the factorized circuit: transmissions, and what each element adds to them."""
        waves, count = self.waves, self.state.count
        into = np.array([e.into for e in self.elements], np.int64)
        out = np.array([e.out for e in self.elements], np.int64)
        strength = np.array([e.strength for e in self.elements]).reshape(-1, count)
        self.sent, self.added, self.passed = [], [], []
        for channel in range(count):
            forward = waves.forward(self.starts, channel)
            self.passed.append(waves.received(forward, self.ends, channel))
            self.sent.append(forward[:, into] * strength[:, channel])
            self.added.append(waves.backward(self.ends, channel)[:, out])
        self.amplitude = np.ones((count, len(self.names)))
        sending = [r for r in self.receivers if r.direction == "tx"]
        for channel in range(count):
            powers = [
                abs(self.passed[channel][r.source, self.column[r.ends[0]]]) ** 2
                for r in sending
                if r.channel == channel
            ]
            if powers:
                for name, index in self.number.items():
                    if name.startswith("rx_"):
                        self.amplitude[channel, index] = float(np.sqrt(np.mean(powers)))

    def victims(self) -> list[Disturbed]:
        """All receivers with all that disturbs them."""
        modulation = self._modulation()
        return [self._victim(receiver, modulation) for receiver in self.receivers]

    def _wanted(self, receiver: Receiver) -> float:
        """Power of the wanted signal at the receiver; for a laser, what it emits."""
        if receiver.direction == "laser":
            return 1.0
        columns = [self.column[end] for end in receiver.ends]
        amplitude = self.passed[receiver.channel][receiver.source, columns]
        return float(np.sum(np.abs(amplitude) ** 2) * self.amplitude[receiver.channel, receiver.source] ** 2)

    def _victim(self, receiver: Receiver, modulation: Mapping[tuple[int, int], list[_Found]]) -> Disturbed:
        wanted = self._wanted(receiver)
        found: list[_Found] = []
        if wanted > 0:
            if receiver.direction == "tx":
                found += modulation.get((receiver.port, receiver.channel), [])
            if receiver.direction == "rx":
                found += self._neighbours(receiver, wanted)
            channels = range(self.state.count) if receiver.direction == "rx" else (receiver.channel,)
            for channel in channels:
                found += [_Found(entry, channel) for entry in self._astray(receiver, channel, wanted)]
            found += [_Found(entry, receiver.channel) for entry in self._loops(receiver, wanted)]
        coherent, incoherent = _sums(found)
        listed = [f.entry for f in found if f.entry.level_dB >= self.limit_dB]
        return Disturbed(receiver, tuple(sorted(listed, key=lambda e: (-e.level_dB, e.instance))), coherent, incoherent)

    def _neighbours(self, receiver: Receiver, wanted: float) -> list[_Found]:
        """The other channels of the fibre, as the solved circuit passes them."""
        state = self.state
        reception = next(r for r in state.receive if (r.port, r.mode) == (receiver.port, _at(receiver.mode)))
        own = receiver.channel
        path = reception.filters.get(own, reception.detectors[own])
        leaf = state.circuit.leaves[path]
        verb = "drops" if path in state.locks else "receives"
        columns = [self.column[end] for end in receiver.ends]
        found: list[_Found] = []
        for channel in range(state.count):
            amplitude = self.passed[channel][receiver.source, columns] * self.amplitude[channel, receiver.source]
            power = float(np.sum(np.abs(amplitude) ** 2)) / wanted
            if channel != receiver.channel and power >= self.floor:
                name = f"{self.names[receiver.source]} channel {channel + 1}"
                what = f"{leaf.function} on channel {own + 1} {verb} it as well"
                found.append(_Found(Entry("neighbour", _dB(power), name, path, leaf.x, leaf.y, what), channel))
        return found

    def _modulation(self) -> dict[tuple[int, int], list[_Found]]:
        """What each modulator of a bus does to the other channels, from the lanes of the solved circuit."""
        found: dict[tuple[int, int], list[_Found]] = {}
        for lane in transmit(self.state).lanes:
            for aggressor in lane.aggressors:
                leaf = self.state.circuit.leaves.get(aggressor.name)
                if leaf is not None and 10 ** (aggressor.level_dB / 10) >= self.floor:
                    what = f"{leaf.function} of channel {self.state.channel_of[leaf.path] + 1} modulates it as well"
                    entry = Entry("modulation", aggressor.level_dB, leaf.path, leaf.path, leaf.x, leaf.y, what)
                    found.setdefault((lane.port, lane.channel - 1), []).append(_Found(entry, None))
        return found

    def _astray(self, receiver: Receiver, channel: int, wanted: float) -> list[Entry]:
        """Light of every source at one channel that reaches the receiver by way of one element."""
        columns = [self.column[end] for end in receiver.ends]
        sent = self.sent[channel] * self.amplitude[channel, :, None]
        each = sent[:, None, :] * self.added[channel][None, columns, :]
        power = np.sum(np.abs(each) ** 2, axis=1) / wanted
        found: list[Entry] = []
        for source in np.flatnonzero((power >= self.floor).any(axis=1)).tolist():
            if self._other_mode(receiver, source):
                continue
            own = source == receiver.source and receiver.direction != "laser"
            numbers = np.flatnonzero(power[source] >= self.floor).tolist()
            if own:
                numbers = [n for n in numbers if self._counts(receiver, channel, self.elements[n], power[source, n])]
            ranked = sorted(numbers, key=lambda n: (-power[source, n], abs(self.elements[n].strength[channel])))
            for group in self._same_light(ranked, source, channel, each[source]):
                first = min(group, key=lambda n: abs(self.elements[n].strength[channel]))
                element = self.elements[first]
                rest = (self.elements[n] for n in group if n != first)
                what = element.what + "".join(f"; with {e.instance}: {e.what}" for e in rest)
                kind = "echo" if own and channel == receiver.channel else element.kind
                found.append(
                    Entry(
                        kind,
                        _dB(float(power[source, first])),
                        f"{self.names[source]} channel {channel + 1}",
                        element.instance,
                        element.x,
                        element.y,
                        what,
                    )
                )
        return found

    def _other_mode(self, receiver: Receiver, source: int) -> bool:
        """The same fibre in the other polarisation: the light is in one or the other, and both are victims."""
        fibre = f"rx_{receiver.port} "
        return receiver.direction == "rx" and source != receiver.source and self.names[source].startswith(fibre)

    @staticmethod
    def _counts(receiver: Receiver, channel: int, element: Element, power: float) -> bool:
        """Whether an element that the victim's own fibre lights up is an entry of its own.

        Other channels are in the solved transmission, reflections are taken two at a time, and what brings a quarter of
        the wanted power is on the way of the wanted signal.
        """
        if not element.solved:
            return True
        return channel == receiver.channel and element.kind != "reflection" and power < WANTED_SHARE

    def _loops(self, receiver: Receiver, wanted: float) -> list[Entry]:
        """The wanted signal, sent back twice."""
        if receiver.direction == "laser":
            return []
        channel, source = receiver.channel, receiver.source
        columns = [self.column[end] for end in receiver.ends]
        sent = self.sent[channel][source] * self.amplitude[channel, source]
        added = self.added[channel][columns]
        single = np.sum(np.abs(sent * added) ** 2, axis=0) / wanted
        back = np.array([e.kind == "reflection" for e in self.elements], np.bool_)
        found: list[Entry] = []
        firsts = np.flatnonzero(back & (single >= self.floor))
        if not firsts.size:
            return found
        between = self._between(firsts, channel)
        seconds = np.flatnonzero(back)
        into = np.array([self.elements[n].into for n in seconds], np.int64)
        strength = np.array([self.elements[n].strength[channel] for n in seconds])
        each: list[tuple[float, Element, Element]] = []
        for row, first in enumerate(firsts):
            paths = sent[first] * between[row][into] * strength * added[:, seconds]
            power = np.sum(np.abs(paths) ** 2, axis=0) / wanted
            for n in np.flatnonzero(power >= self.floor):
                each.append((float(power[n]), self.elements[first], self.elements[int(seconds[n])]))
        each.sort(key=lambda item: (-item[0], item[1].instance))
        for power, first, second in each:
            what = f"{first.what}, then {second.instance}: {second.what}"
            entry = Entry(
                "loop", _dB(power), self._own(receiver), f"{first.instance} | {second.instance}", first.x, first.y, what
            )
            found.append(entry)
        return found

    def _between(self, firsts: Sequence[int] | NDArray[np.int64], channel: int) -> Complex:
        """Waves that enter every port when a wave of one leaves each of the given elements."""
        starts = self.waves.partner[[self.elements[n].out for n in firsts]]
        found = np.zeros((len(firsts), len(self.waves.entering)), np.complex128)
        lacking = sorted({int(start) for start in starts if start >= 0 and (channel, int(start)) not in self._ways})
        if lacking:
            for start, wave in zip(lacking, self.waves.forward(np.array(lacking), channel), strict=True):
                self._ways[channel, start] = wave
        for row, start in enumerate(starts):
            if start >= 0:
                found[row] = self._ways[channel, int(start)]
        return found

    def _same_light(self, ranked: Sequence[int], source: int, channel: int, each: Complex) -> list[list[int]]:
        """Elements in groups that the same light passes one after the other.

        Their products agree then, and the light of one is what reaches the other; equal ways side by side agree as
        well, but are two entries.
        """
        groups: list[list[int]] = []
        for number in ranked:
            value = each[:, number]
            for group in groups:
                first = each[:, group[0]]
                if np.abs(value - first).max() < SAME_LIGHT * np.abs(first).max() and (
                    self._follows(source, channel, group[0], number) or self._follows(source, channel, number, group[0])
                ):
                    group.append(int(number))
                    break
            else:
                groups.append([int(number)])
        return groups

    def _follows(self, source: int, channel: int, first: int, second: int) -> bool:
        """Whether the light that one element sends on is most of what another one gets."""
        after = self.elements[second]
        sent = self.sent[channel][source]
        way = self._between([first], channel)[0][after.into] * after.strength[channel]
        return bool(abs(sent[first] * way) > 0.5 * abs(sent[second]))

    def _own(self, receiver: Receiver) -> str:
        return f"{self.names[receiver.source]} channel {receiver.channel + 1}"


def _sums(found: Sequence[_Found]) -> tuple[float, float]:
    """Coherent and incoherent sum of entries, as power; echoes are left out."""
    amplitude: dict[int, float] = {}
    alone = total = 0.0
    for item in found:
        if item.entry.kind == "echo":
            continue
        power = 10 ** (item.entry.level_dB / 10)
        total += power
        if item.channel is None:
            alone += power
        else:
            amplitude[item.channel] = amplitude.get(item.channel, 0.0) + float(np.sqrt(power))
    return alone + sum(a**2 for a in amplitude.values()), total


def _at(mode: str) -> str:
    return "@TM" if mode == "TM" else ""


def _dB(ratio: float) -> float:
    return 10.0 * float(np.log10(ratio))
