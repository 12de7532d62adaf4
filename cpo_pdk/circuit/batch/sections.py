"""The parts of an engine that light of one port runs through, each compiled once: one plan, many values.

A transmit section belongs to a laser port. Its modulators are solved at several levels while everything else stays, so
it is eliminated in two steps, which is exact: first all that is no modulator, to the transmissions between the laser,
the fibres and the ports of the modulators; then these together with the modulators, once for every level. A receive
section belongs to a receive port and has one step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.engine_ports import Reception, Sender
from cpo_pdk.circuit.engine_state import EngineState
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.signal_flow import Element, PortPair
from cpo_pdk.circuit.solver import Plan, compile_circuit

Whole = NDArray[np.int64]

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


def transmit_sections(state: EngineState) -> tuple[TransmitSection, ...]:
    """One section for every laser port that feeds a transmit port."""
    found: list[TransmitSection] = []
    for laser in state.facet.laser:
        senders = tuple(sender for sender in state.transmit if sender.laser == laser)
        if senders:
            found.append(_transmit_section(state, laser, senders))
    return tuple(found)


def _transmit_section(state: EngineState, laser: int, senders: Sequence[Sender]) -> TransmitSection:
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
    others = {path: pairs for path, pairs in state.structure.items() if path not in turn}
    rest = compile_circuit(others, _links(state, set(turn)), outside)
    structure: dict[str, Sequence[PortPair]] = {path: state.structure[path] for path in order}
    structure[REST] = rest.pairs
    reached = {port.partition("@")[0] for pair in rest.pairs for port in pair}
    joined = [(a, b) for a, b in joined if b[0] != REST or b[1] in reached]
    exposed = {name: ref if ref[0] in turn else (REST, name) for name, ref in ends.items()}
    whole = compile_circuit(
        structure,
        joined,
        exposed,
        outputs_wanted=[f"tx_{sender.port}" for sender in senders],
        inputs_wanted=[f"laser_{laser}"],
    )
    wanted = {(a, b) for path, a, b in whole.program.loads if path == REST}
    ins, outs = sorted({a for a, _ in wanted}), sorted({b for _, b in wanted})
    rest = compile_circuit(others, _links(state, set(turn)), outside, outputs_wanted=outs, inputs_wanted=ins)
    return TransmitSection(laser, tuple(senders), rest, whole, tuple(order), tuple(turn[path] for path in order))


def receive_sections(state: EngineState) -> tuple[ReceiveSection, ...]:
    """One section for every receive port."""
    found: list[ReceiveSection] = []
    for port in state.facet.rx:
        receptions = tuple(entry for entry in state.receive if entry.port == port)
        reached = dict.fromkeys(path for entry in receptions for _, path in sorted(entry.detectors.items()))
        detectors = {path: tuple(f"{path}:{name}" for name in state.receivers[path]) for path in reached}
        outputs = {name: state.detectors[name] for names in detectors.values() for name in names}
        plan = compile_circuit(
            state.structure,
            _links(state, set()),
            {f"rx_{port}": state.circuit.exposed[f"rx_{port}"], **outputs},
            outputs_wanted=list(outputs),
            inputs_wanted=[f"rx_{port}{entry.mode}" for entry in receptions],
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
