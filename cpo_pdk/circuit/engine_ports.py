"""Which port, ring and detector of an engine does what, found by following the light; nothing is read from names of
instances.

Ports of the engine are named by what is connected to them: `laser_1`, `tx_1`, `rx_1`. The ways of the light are the
strongest ones with every ring off resonance (median over the wavelengths). Ports without rings: see `following`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.tracing import WaveGraph
from cpo_pdk.errors import LayoutError, ModelError

_PORT = re.compile(r"(laser|tx|rx)_(\d+)$")


@dataclass(frozen=True)
class Facet:
    """The optical ports of an engine by number: name -> leaf port is in the flat circuit's `exposed`."""

    laser: tuple[int, ...]
    tx: tuple[int, ...]
    rx: tuple[int, ...]


@dataclass(frozen=True)
class Sender:
    """A transmit port, the laser port that feeds it, and the modulator of each channel (from 0) that has one."""

    port: int
    laser: int
    modulators: dict[int, str]


@dataclass(frozen=True)
class Reception:
    """One polarisation of a receive port: the detector of each channel (from 0), and the ring before it if any."""

    port: int
    mode: str
    detectors: dict[int, str]
    filters: dict[int, str]


@dataclass(frozen=True)
class TransmitBus:
    """The rings between a laser port and a transmit port."""

    port: int
    laser: int
    rings: tuple[str, ...]


@dataclass(frozen=True)
class ReceiveBus:
    """The rings that one polarisation of a receive port passes, in order, and the detector behind each."""

    port: int
    mode: str
    rings: tuple[str, ...]
    detectors: tuple[str, ...]


def facet_of(circuit: FlatCircuit) -> Facet:
    """The numbered ports of an engine.

    Raises:
        LayoutError: neither transmit nor receive ports, or transmit ports without a laser port.
    """
    found: dict[str, list[int]] = {"laser": [], "tx": [], "rx": []}
    for name in circuit.exposed:
        match = _PORT.match(name)
        if match:
            found[match[1]].append(int(match[2]))
    if not found["tx"] and not found["rx"]:
        raise LayoutError(
            f"engine {circuit.cell}: no port tx_1..., rx_1... that a device lies at; add them at the facet"
        )
    if found["tx"] and not found["laser"]:
        raise LayoutError(
            f"engine {circuit.cell}: {len(found['tx'])} tx ports, no laser port; add laser_1... at the facet"
        )
    return Facet(*(tuple(sorted(found[kind])) for kind in ("laser", "tx", "rx")))


def rings_of(circuit: FlatCircuit, bound: Mapping[str, Bound]) -> tuple[str, ...]:
    """Instances that have resonances and can be tuned."""
    return tuple(
        path
        for path, leaf in circuit.leaves.items()
        if (entry := bound.get(leaf.cell)) and entry.model and entry.model.resonances and entry.model.tuning
    )


def receivers_of(circuit: FlatCircuit, bound: Mapping[str, Bound]) -> dict[str, tuple[str, ...]]:
    """Instances that turn light into current and are no ring -> their detector ports."""
    return {
        path: tuple(entry.model.detectors)
        for path, leaf in circuit.leaves.items()
        if (entry := bound.get(leaf.cell)) and entry.model and entry.model.detectors and not entry.model.resonances
    }


def transmit_buses(
    circuit: FlatCircuit, graph: WaveGraph, column: int, facet: Facet, rings: Sequence[str]
) -> tuple[TransmitBus, ...]:
    """For every transmit port the laser port that reaches it best, and the rings on that way.

    Raises:
        ModelError: a transmit port that no laser reaches.
    """
    known = set(rings)
    best: dict[int, tuple[float, TransmitBus]] = {}
    for laser in facet.laser:
        distance, came = graph.shortest([circuit.exposed[f"laser_{laser}"]], column)
        for port in facet.tx:
            target = graph.end.get(circuit.exposed[f"tx_{port}"])
            if target is None or target not in distance:
                continue
            if port in best and best[port][0] <= distance[target]:
                continue
            way = graph.way(target, distance, came)
            passed = tuple(dict.fromkeys(path for path, _, _ in way.elements if path in known))
            best[port] = (distance[target], TransmitBus(port, laser, passed))
    lost = [f"tx_{port}" for port in facet.tx if port not in best]
    if lost:
        raise ModelError(f"engine {circuit.cell}: no laser port reaches {', '.join(lost)}; check the connections")
    return tuple(best[port][1] for port in facet.tx)


def receive_buses(
    circuit: FlatCircuit,
    graph: WaveGraph,
    column: int,
    facet: Facet,
    rings: Sequence[str],
    receivers: Mapping[str, tuple[str, ...]],
) -> tuple[ReceiveBus, ...]:
    """For every receive port and polarisation the rings that it reaches better than any other does, nearest first.

    Raises:
        ModelError: a ring without a detector behind it.
    """
    best: dict[str, tuple[float, int, str]] = {}
    for port in facet.rx:
        path, inner = circuit.exposed[f"rx_{port}"]
        for mode in ("", "@TM"):
            if (path, inner + mode) not in graph.node:
                continue
            distance, _ = graph.shortest([(path, inner + mode)], column)
            arrival = _arrivals(graph, distance, rings)
            for ring, length in arrival.items():
                if ring not in best or length < best[ring][0]:
                    best[ring] = (length, port, mode)
    behind = {ring: _detector_behind(circuit, graph, column, ring, rings, receivers) for ring in best}
    buses: list[ReceiveBus] = []
    for port in facet.rx:
        for mode in ("", "@TM"):
            members = sorted(ring for ring, entry in best.items() if entry[1:] == (port, mode))
            members.sort(key=lambda ring: best[ring][0])
            detectors: list[str] = []
            for ring in members:
                detector = behind[ring]
                if detector is None:
                    raise ModelError(
                        f"engine {circuit.cell}: ring {ring} drops into no detector; connect its drop port"
                    )
                detectors.append(detector)
            if members:
                buses.append(ReceiveBus(port, mode, tuple(members), tuple(detectors)))
    return tuple(buses)


def _arrivals(graph: WaveGraph, distance: Mapping[int, float], rings: Sequence[str]) -> dict[str, float]:
    """Shortest distance at which the light enters each ring."""
    wanted = set(rings)
    found: dict[str, float] = {}
    for (path, _), number in graph.node.items():
        if path in wanted and number in distance:
            found[path] = min(found.get(path, float("inf")), distance[number])
    return found


def _detector_behind(
    circuit: FlatCircuit,
    graph: WaveGraph,
    column: int,
    ring: str,
    rings: Sequence[str],
    receivers: Mapping[str, tuple[str, ...]],
) -> str | None:
    """The detector that light from a ring reaches best without passing another ring."""
    starts: set[PortRef] = set()
    for link in circuit.connections:
        for here, there in ((link.a, link.b), (link.b, link.a)):
            if here[0] == ring and there[0] not in rings:
                starts.add(there)
    distance, _ = graph.shortest(starts, column, blocked=rings)
    reached = [
        (distance[number], path)
        for path, ports in receivers.items()
        for port in ports
        if (number := graph.end.get((path, port))) is not None and number in distance
    ]
    return min(reached)[1] if reached else None
