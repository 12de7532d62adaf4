"""The parts of an engine that light of one port runs through, each compiled once: one plan, many values.

A transmit section belongs to a laser port. Its modulators are solved at several levels while everything else stays, so
it is eliminated in two steps, which is exact: first all that is no modulator, to the transmissions between the laser,
the fibres and the ports of the modulators; then these together with the modulators, once for every level. A receive
section belongs to a receive port and has one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.engine_ports import Reception, Sender
from cpo_pdk.circuit.engine_state import EngineState
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.signal_flow import Element, PortPair
from cpo_pdk.circuit.solver import Plan, compile_circuit

Whole = NDArray[np.int64]

#: orders of elimination that are tried for a plan that is run many times, and most elements of a plan to try them for
TRIES, FEW = 48, 400
#: instance of the second step that stands for the result of the first one
REST = "rest"


@dataclass(frozen=True)
class TransmitSection:
    """What light of one laser port runs through.

    Attributes:
        laser: number of the port.
        senders: transmit ports that it feeds.
        rest: everything but the modulators.
        whole: the result of `rest`, as the device `rest`, with the modulators.
        modulators: paths, in the order in which they are taken to level zero: the first of every port, the second...
        turn: place of each modulator among those of its port.
    """

    laser: int
    senders: tuple[Sender, ...]
    rest: Plan
    whole: Plan
    modulators: tuple[str, ...]
    turn: tuple[int, ...]

    @property
    def turns(self) -> int:
        """Most modulators on the way to one port."""
        return max(self.turn, default=-1) + 1


@dataclass(frozen=True)
class ReceiveSection:
    """What light that arrives at one receive port runs through.

    Attributes:
        port: its number.
        receptions: by polarisation.
        plan: from the port to the detectors.
        detectors: detector -> its detector ports, as `plan` names them.
    """

    port: int
    receptions: tuple[Reception, ...]
    plan: Plan
    detectors: dict[str, tuple[str, ...]]


def _links(state: EngineState, without: set[str]) -> list[tuple[PortRef, PortRef]]:
    known = state.structure.keys() - without
    return [(c.a, c.b) for c in state.circuit.connections if c.a[0] in known and c.b[0] in known]


def _joined(links: Sequence[tuple[PortRef, PortRef]], start: Iterable[str]) -> set[str]:
    """Devices that light can get to from some others, by whatever way."""
    beside: dict[str, list[str]] = {}
    for (a, _), (b, _) in links:
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    seen, stack = set(start), list(start)
    while stack:
        for path in beside.get(stack.pop(), ()):
            if path not in seen:
                seen.add(path)
                stack.append(path)
    return seen


def _quick(make: Callable[..., Plan], best: dict[int, int]) -> Plan:
    """The plan with the fewest products of several orders; `best`: elements of plans looked at -> order taken."""
    plan = make(shuffle=0)
    size = len(plan.program.loads)
    if size not in best:
        tried = {order: make(shuffle=order) for order in range(1, TRIES)} if size <= FEW else {}
        best[size] = min(tried, key=lambda order: tried[order].program.products, default=0)
    other = make(shuffle=best[size])
    return min(plan, other, key=lambda found: found.program.products)


def transmit_sections(state: EngineState) -> tuple[TransmitSection, ...]:
    """One section for every laser port that feeds a transmit port."""
    found: list[TransmitSection] = []
    best: dict[int, int] = {}
    for laser in state.facet.laser:
        senders = tuple(sender for sender in state.transmit if sender.laser == laser)
        if senders:
            found.append(_transmit_section(state, laser, senders, best))
    return tuple(found)


def _transmit_section(
    state: EngineState, laser: int, senders: Sequence[Sender], best: dict[int, int]
) -> TransmitSection:
    turn = {
        path: place
        for sender in senders
        for place, path in enumerate(p for p in sender.modulators.values() if p in state.drives)
    }
    order = sorted(turn, key=lambda path: (turn[path], path))
    ends = {f"laser_{laser}": state.circuit.exposed[f"laser_{laser}"]}
    ends |= {f"tx_{sender.port}": state.circuit.exposed[f"tx_{sender.port}"] for sender in senders}
    outside = {name: ref for name, ref in ends.items() if ref[0] not in turn}
    joined: list[tuple[PortRef, PortRef]] = []
    for link in state.circuit.connections:
        a, b = link.a, link.b
        if a[0] in turn and b[0] in turn:
            joined.append((a, b))
            continue
        if b[0] in turn:
            a, b = b, a
        if a[0] in turn and b[0] in state.structure:
            name = f"m{order.index(a[0])}|{a[1]}"
            outside[name] = b
            joined.append((a, (REST, name)))
    links = _links(state, set(turn))
    near = _joined(links, [ref[0] for ref in outside.values()])
    others = {path: pairs for path, pairs in state.structure.items() if path in near}
    links = [link for link in links if link[0][0] in near and link[1][0] in near]
    all_pairs = compile_circuit(others, links, outside).pairs
    structure: dict[str, Sequence[PortPair]] = {path: state.structure[path] for path in order}
    structure[REST] = all_pairs
    reached = {port.partition("@")[0] for pair in all_pairs for port in pair}
    joined = [(a, b) for a, b in joined if b[0] != REST or b[1] in reached]
    exposed = {name: ref if ref[0] in turn else (REST, name) for name, ref in ends.items()}
    ends_wanted = [f"tx_{sender.port}" for sender in senders], [f"laser_{laser}"]
    whole = _quick(partial(compile_circuit, structure, joined, exposed, *ends_wanted), best)
    wanted = {(a, b) for path, a, b in whole.program.loads if path == REST}
    ins, outs = sorted({a for a, _ in wanted}), sorted({b for _, b in wanted})
    rest = _quick(partial(compile_circuit, others, links, outside, outs, ins), best)
    return TransmitSection(laser, tuple(senders), rest, whole, tuple(order), tuple(turn[path] for path in order))


def receive_sections(state: EngineState) -> tuple[ReceiveSection, ...]:
    """One section for every receive port."""
    found: list[ReceiveSection] = []
    best: dict[int, int] = {}
    links = _links(state, set())
    for port in state.facet.rx:
        receptions = tuple(entry for entry in state.receive if entry.port == port)
        reached = dict.fromkeys(path for entry in receptions for _, path in sorted(entry.detectors.items()))
        detectors = {path: tuple(f"{path}:{name}" for name in state.receivers[path]) for path in reached}
        outputs = {name: state.detectors[name] for names in detectors.values() for name in names}
        near = _joined(links, [state.circuit.exposed[f"rx_{port}"][0]])
        plan = _quick(
            partial(
                compile_circuit,
                {path: pairs for path, pairs in state.structure.items() if path in near},
                [link for link in links if link[0][0] in near and link[1][0] in near],
                {f"rx_{port}": state.circuit.exposed[f"rx_{port}"], **outputs},
                list(outputs),
                [f"rx_{port}{entry.mode}" for entry in receptions],
            ),
            best,
        )
        found.append(ReceiveSection(port, receptions, plan, detectors))
    return tuple(found)


def elements_of(plans: Mapping[str, Plan]) -> dict[str, dict[PortPair, None]]:
    """Device -> elements that some plan takes, in the order of the plans."""
    found: dict[str, dict[PortPair, None]] = {}
    for plan in plans.values():
        element: Element
        for element in plan.program.loads:
            found.setdefault(element[0], {})[element[1:]] = None
    return found
