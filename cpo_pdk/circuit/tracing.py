"""Follow a wave through a circuit: the way on which it loses least, element by element.

Every S-matrix element is a step whose length is `-ln |S|`; the strongest way from a port to another is the shortest
(E. W. Dijkstra, Numer. Math. 1 (1959) 269). What the steps of that way lose, in dB, are the items of a lane.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.results import LossItem
from cpo_pdk.circuit.signal_flow import Element
from cpo_pdk.circuit.solver import SDict

#: `path` of the closing line of a lane
REST = "reflections and second paths"


@dataclass(frozen=True)
class Way:
    """The strongest way from a port: elements in order, and amplitude loss in dB (power loss, positive)."""

    elements: tuple[Element, ...]
    loss_dB: float


class WaveGraph:
    """The waves of a circuit and how strongly each turns into the next.

    Args:
        circuit: see `flatten`.
        values: path -> S-matrix, arrays of shape (W,) or scalars.
        columns: what the strengths are taken at; the index of one wavelength each, or None for the median over all.
        detectors: (path, port) of detector ports, where a way may end as it may at an open port.
    """

    def __init__(
        self,
        circuit: FlatCircuit,
        values: Mapping[str, SDict],
        columns: tuple[int | None, ...],
        detectors: Collection[PortRef] = (),
    ) -> None:
        self.columns = columns
        partner: dict[PortRef, PortRef] = {}
        for link in circuit.connections:
            partner[link.a] = link.b
            partner[link.b] = link.a
        self.node: dict[PortRef, int] = {}
        self.end: dict[PortRef, int] = {}
        tables: dict[int, dict[str, list[tuple[str, list[float]]]]] = {}
        for path, matrix in values.items():
            table = tables.get(id(matrix))
            if table is None:
                table = tables[id(matrix)] = _table(matrix, columns)
            for port in table:
                self.node[path, port] = len(self.node)
        self.edges: list[list[tuple[int, Element, list[float]]]] = [[] for _ in self.node]
        stop_at = set(detectors)
        for (path, port), number in list(self.node.items()):
            for out, lengths in tables[id(values[path])][port]:
                base, at, mode = out.partition("@")
                element = (path, port, out)
                to = partner.get((path, base))
                if to is None or (path, base) in stop_at:
                    target = self.end.setdefault((path, out), len(self.edges))
                    if target == len(self.edges):
                        self.edges.append([])
                else:
                    found = self.node.get((to[0], to[1] + at + mode))
                    if found is None:
                        continue
                    target = found
                self.edges[number].append((target, element, lengths))

    def shortest(
        self, starts: Collection[PortRef], column: int, blocked: Collection[str] = ()
    ) -> tuple[dict[int, float], dict[int, tuple[int, Element]]]:
        """Distance (nepers of amplitude) to every wave that is reached from the given entering ports.

        Args:
            starts: (path, port with mode) that light enters.
            column: index into `columns`.
            blocked: instances that no way passes through.

        Returns:
            distance by wave, and the step that led to it.
        """
        barred = set(blocked)
        distance: dict[int, float] = {}
        came: dict[int, tuple[int, Element]] = {}
        best = {self.node[ref]: 0.0 for ref in starts if ref in self.node}
        heap = [(0.0, number) for number in best]
        while heap:
            so_far, number = heapq.heappop(heap)
            if number in distance:
                continue
            distance[number] = so_far
            for target, element, lengths in self.edges[number]:
                if element[0] in barred:
                    continue
                total = so_far + lengths[column]
                if total < best.get(target, np.inf):
                    best[target] = total
                    came[target] = (number, element)
                    heapq.heappush(heap, (total, target))
        return distance, came

    def way(self, target: int, distance: Mapping[int, float], came: Mapping[int, tuple[int, Element]]) -> Way:
        """The elements that lead to a wave, from the result of `shortest`."""
        elements: list[Element] = []
        number = target
        while number in came:
            number, element = came[number]
            elements.append(element)
        return Way(tuple(reversed(elements)), 20.0 / np.log(10.0) * distance[target])


def _table(matrix: SDict, columns: tuple[int | None, ...]) -> dict[str, list[tuple[str, list[float]]]]:
    """Port in -> [(port out, length of the step at each column)]; steps of no strength at all are left out."""
    table: dict[str, list[tuple[str, list[float]]]] = {}
    for (port_in, port_out), value in sorted(matrix.items()):
        row = table.setdefault(port_in, [])
        table_value = np.abs(np.atleast_1d(value))
        flat = [
            float(np.median(table_value)) if column is None else float(table_value[..., column % table_value.shape[-1]])
            for column in columns
        ]
        if any(flat):
            row.append((port_out, [float(-np.log(min(1.0, x))) if x > 0 else np.inf for x in flat]))
    return table


def items_of(
    way: Way,
    circuit: FlatCircuit,
    bound: Mapping[str, Bound],
    values: Mapping[str, SDict],
    index: int,
    total_dB: float,
) -> tuple[LossItem, ...]:
    """The loss of a lane, element by element; sums to `total_dB`.

    Args:
        way: the strongest way.
        circuit, bound, values: what the way was found in.
        index: of the lane's wavelength.
        total_dB: loss that the solved circuit has; what the elements don't explain is the last item.
    """
    return closed([item_of(element, circuit, bound, values, index) for element in way.elements], total_dB)


def item_of(
    element: Element, circuit: FlatCircuit, bound: Mapping[str, Bound], values: Mapping[str, SDict], index: int
) -> LossItem:
    """What one element loses; arguments as `items_of`."""
    path, port_in, port_out = element
    leaf = circuit.leaves[path]
    model = bound[leaf.cell].model
    value: NDArray[np.complex128] = np.atleast_1d(values[path][port_in, port_out])
    strength = float(np.abs(value[..., index % value.shape[-1]]))
    return LossItem(
        instance=path,
        cell=leaf.function,
        model=model.name if model else "-",
        x=leaf.x,
        y=leaf.y,
        path=f"{port_in}>{port_out}",
        loss_dB=-20.0 * float(np.log10(strength)),
    )


def closed(items: list[LossItem], total_dB: float) -> tuple[LossItem, ...]:
    """The items and a closing line, so that all sum to `total_dB`."""
    rest = total_dB - sum(item.loss_dB for item in items)
    return (*items, LossItem("-", "-", "-", 0.0, 0.0, REST, rest))
