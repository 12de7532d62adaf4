"""The signal-flow graph of a circuit, and its elimination in an order that keeps it sparse.

Every connection carries two waves, one in each direction; a wave is a node, an S-matrix element an edge from the wave
that enters a device to the wave that leaves it. A node v is eliminated by Mason's rule for one node: every edge pair u
-> v -> w becomes `E[u,w] += E[u,v] E[v,w] / (1 - E[v,v])`. Which edges exist is known before any number is: the order
(Markowitz: the node with the fewest new products first) and the list of operations are found once for a topology.

Sources: S. J. Mason, Proc. IRE 41 (1953) 1144, "Feedback theory: some properties of signal flow graphs";
H. M. Markowitz, Management Science 3 (1957) 255, for the order of elimination.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cpo_pdk.errors import ModelError

PortPair = tuple[str, str]
Ref = tuple[str, str]
#: one element of the S-matrix of one instance: (instance, port in, port out)
Element = tuple[str, str, str]


@dataclass(frozen=True)
class Elimination:
    """One node taken out: slots of values (see `Program`).

    Attributes:
        loop: slot of the edge from the node to itself, -1 when there is none.
        incoming: slots of the edges into the node.
        outgoing: slots of the edges out of it.
        targets: for every (incoming, outgoing), row by row: slot to add the product to.
        fresh: for every target: True when the slot holds nothing yet.
        instance: a device at the node, for messages.
    """

    loop: int
    incoming: tuple[int, ...]
    outgoing: tuple[int, ...]
    targets: tuple[int, ...]
    fresh: tuple[bool, ...]
    instance: str


@dataclass(frozen=True)
class Program:
    """The list of operations that turns S-matrix elements into the wanted transmissions.

    Attributes:
        loads: slot -> element that it starts with.
        steps: eliminations, in order.
        results: (input, output) -> slot, only where a path exists.
        slots: number of slots.
    """

    loads: tuple[Element, ...]
    steps: tuple[Elimination, ...]
    results: dict[PortPair, int]
    slots: int

    @property
    def products(self) -> int:
        """Number of complex products a wavelength."""
        return sum(len(step.targets) + (len(step.incoming) if step.loop >= 0 else 0) for step in self.steps)


def modes_of(pairs: Iterable[PortPair]) -> dict[str, set[str]]:
    """Port -> modes (`""` for TE, `"@TM"`) that occur in the elements of a device."""
    found: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        for name in pair:
            port, at, mode = name.partition("@")
            found[port].add(at + mode)
    return found


class _Waves:
    """Names the waves: `(ref, True)` leaves the device at `ref`, `(ref, False)` enters it."""

    def __init__(self) -> None:
        self.number: dict[tuple[Ref, bool], int] = {}
        self.instance: list[str] = []

    def add(self, ref: Ref, leaves: bool) -> int:
        key = (ref, leaves)
        if key not in self.number:
            self.number[key] = len(self.instance)
            self.instance.append(ref[0])
        return self.number[key]

    def same(self, leaving: Ref, entering: Ref) -> None:
        """The wave that leaves one port is the wave that enters the other."""
        self.number[entering, False] = self.add(leaving, True)


def build_program(
    elements: Mapping[str, Iterable[PortPair]],
    connections: Iterable[tuple[Ref, Ref]],
    inputs: Mapping[str, Ref],
    outputs: Mapping[str, Ref],
    shuffle: int = 0,
) -> Program:
    """Eliminate all inner waves of a circuit symbolically.

    Args:
        elements: instance -> (port in, port out) of its elements that are not zero by structure; ports with their
            modes.
        connections: pairs of ports with their modes; a port occurs in one connection at most.
        inputs: name -> port that light enters.
        outputs: name -> port that light leaves.
        shuffle: 0 takes the node with the fewest products first; other numbers count new edges as well and choose among
            equals by chance, each number in its own way: one in some is better by a quarter.

    Raises:
        ModelError: a port that is connected twice, to itself, or both connected and exposed.
    """
    waves = _Waves()
    used: set[Ref] = set()
    for a, b in connections:
        for ref in (a, b):
            if ref in used or a == b:
                raise ModelError(f"port {ref[0]}.{ref[1]} is connected more than once, 1 allowed; remove a connection")
            used.add(ref)
        waves.same(a, b)
        waves.same(b, a)
    successors: dict[int, dict[int, int]] = defaultdict(dict)
    predecessors: dict[int, set[int]] = defaultdict(set)
    elements_at: dict[tuple[int, int], Element] = {}
    for instance, pairs in elements.items():
        for port_in, port_out in pairs:
            u = waves.add((instance, port_in), False)
            v = waves.add((instance, port_out), True)
            elements_at[u, v] = (instance, port_in, port_out)
            successors[u][v] = -1
            predecessors[v].add(u)
    for name, ref in (*inputs.items(), *outputs.items()):
        if ref in used:
            raise ModelError(f"port {name!r} is {ref[0]}.{ref[1]}, which is connected inside; expose an open port")
    sources = {name: waves.number.get((ref, False)) for name, ref in inputs.items()}
    sinks = {name: waves.number.get((ref, True)) for name, ref in outputs.items()}
    source_nodes = {node for node in sources.values() if node is not None}
    sink_nodes = {node for node in sinks.values() if node is not None}

    alive = _reach(source_nodes, successors) & _reach(sink_nodes, predecessors)
    kept = [(u, v) for (u, v) in elements_at if u in alive and v in alive]
    loads = tuple(elements_at[edge] for edge in kept)
    succ: dict[int, dict[int, int]] = {node: {} for node in alive}
    pred: dict[int, dict[int, int]] = {node: {} for node in alive}
    for slot, (u, v) in enumerate(kept):
        succ[u][v] = slot
        pred[v][u] = slot
    slots = len(loads)
    steps: list[Elimination] = []
    inner = alive - source_nodes - sink_nodes

    chance = random.Random(shuffle).random if shuffle else float

    def cost_of(node: int) -> int:
        loop = node in succ[node]
        ins, outs = len(pred[node]) - loop, len(succ[node]) - loop
        if not shuffle:
            return ins * outs
        after = succ[node]
        new = sum(w != node and w not in succ[u] for u in pred[node] if u != node for w in after)
        return ins * outs + 2 * new - ins - outs

    heap = [(cost_of(node), chance(), node) for node in inner]
    heapq.heapify(heap)
    gone: set[int] = set()
    while heap:
        cost, _, v = heapq.heappop(heap)
        if v in gone or cost != cost_of(v):
            continue  # out of date: the node was pushed again when its edges changed
        gone.add(v)
        loop = succ[v].get(v, -1)
        ins = [(u, slot) for u, slot in pred[v].items() if u != v]
        outs = [(w, slot) for w, slot in succ[v].items() if w != v]
        targets: list[int] = []
        fresh: list[bool] = []
        for u, _ in ins:
            row = succ[u]
            for w, _ in outs:
                slot = row.get(w, -1)
                fresh.append(slot < 0)
                if slot < 0:
                    slot = slots
                    slots += 1
                    row[w] = slot
                    pred[w][u] = slot
                targets.append(slot)
        for u, _ in ins:
            del succ[u][v]
        for w, _ in outs:
            del pred[w][v]
        del succ[v], pred[v]
        for node in {u for u, _ in ins} | {w for w, _ in outs}:
            if node in inner:
                heapq.heappush(heap, (cost_of(node), chance(), node))
        if ins and outs:
            steps.append(
                Elimination(
                    loop=loop,
                    incoming=tuple(slot for _, slot in ins),
                    outgoing=tuple(slot for _, slot in outs),
                    targets=tuple(targets),
                    fresh=tuple(fresh),
                    instance=waves.instance[v],
                )
            )
    results: dict[PortPair, int] = {}
    for name_in, u in sources.items():
        for name_out, w in sinks.items():
            if u is not None and w is not None and u in succ and w in succ[u]:
                results[name_in, name_out] = succ[u][w]
    return Program(loads, tuple(steps), results, slots)


def _reach(start: set[int], edges: Mapping[int, Iterable[int]]) -> set[int]:
    seen = set(start)
    stack = list(start)
    while stack:
        for node in edges.get(stack.pop(), ()):
            if node not in seen:
                seen.add(node)
                stack.append(node)
    return seen
