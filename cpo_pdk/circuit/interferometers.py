"""The loss of a lane whose light takes several ways that join again: an interferometer is one item.

The share of a wave in what arrives is its amplitude times what it brings to the end, over the whole. Where it is one,
all light passes; between two such places the light is divided, and no loss belongs to one device there. The way of a
lane is the one along the largest shares: by single ways all outputs of an interferometer look alike.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.results import LossItem
from cpo_pdk.circuit.signal_flow import Element
from cpo_pdk.circuit.solver import SDict
from cpo_pdk.circuit.tracing import closed, item_of
from cpo_pdk.circuit.waves import Waves

#: `cell` of an item that is an interferometer
INTERFEROMETER = "interferometer"
#: all light passes where the share differs from one by less than this; reflections and leaks are well below
SHARE_TOLERANCE = 0.02
#: smallest share of an element on the way of a lane
LEAST_SHARE = 1e-3

Complex = NDArray[np.complex128]


class Lit:
    """Amplitudes of the waves that leave all ports, for light from one port or on its way to another.

    Args:
        waves: the circuit at the channels.
    """

    def __init__(self, waves: Waves) -> None:
        self.waves = waves
        self._sent: dict[tuple[PortRef, int], Complex] = {}
        self._brought: dict[tuple[int, int], Complex] = {}
        self._into = {number: ref for ref, number in waves.entering.items()}
        self._out = {number: port for (_, port), number in waves.leaving.items()}

    def sent(self, source: PortRef, channel: int) -> Complex:
        """What every element of the circuit passes when light enters at `source`."""
        key = (source, channel)
        if key not in self._sent:
            waves = self.waves
            entering = waves.forward(np.array([waves.entering[source]], np.int64), channel)[0]
            self._sent[key] = waves.strengths[:, channel] * entering[waves.columns]
        return self._sent[key]

    def leaving(self, source: PortRef, channel: int) -> Complex:
        """Waves that leave every port when light enters at `source`."""
        found = np.zeros(len(self.waves.leaving), np.complex128)
        np.add.at(found, self.waves.rows, self.sent(source, channel))
        return found

    def brought(self, end: int, channel: int) -> Complex:
        """What a wave that leaves each port adds to the one that leaves at `end`."""
        key = (end, channel)
        if key not in self._brought:
            self._brought[key] = self.waves.backward(np.array([end], np.int64), channel)[0]
        return self._brought[key]

    def way(self, source: PortRef, end: int, channel: int, arrived: complex) -> list[tuple[Element, int]]:
        """The way along the largest shares from a port to a wave that leaves; each element with the wave it ends in.

        Empty where there is none. `arrived`: amplitude at the end.
        """
        waves = self.waves
        share = np.abs(self.sent(source, channel) * self.brought(end, channel)[waves.rows] / arrived)
        steps: dict[int, list[tuple[int, float]]] = {}
        for number in np.flatnonzero(share >= LEAST_SHARE).tolist():
            length = max(0.0, -float(np.log(share[number])))
            steps.setdefault(int(waves.columns[number]), []).append((int(waves.rows[number]), length))
        came: dict[int, tuple[int, int]] = {}
        done: set[int] = set()
        heap = [(0.0, waves.entering[source], -1, -1)]
        while heap:
            so_far, at, before, through = heapq.heappop(heap)
            if at in done:
                continue
            done.add(at)
            came[at] = (before, through)
            for row, length in steps.get(at, ()):
                if row == end:
                    return self._elements(came, at, row)
                if waves.partner[row] >= 0:
                    heapq.heappush(heap, (so_far + length, int(waves.partner[row]), at, row))
        return []

    def _elements(self, came: Mapping[int, tuple[int, int]], at: int, row: int) -> list[tuple[Element, int]]:
        found: list[tuple[Element, int]] = []
        while at >= 0:
            path, port = self._into[at]
            found.append(((path, port, self._out[row]), row))
            at, row = came[at]
        return found[::-1]


def sections(
    lit: Lit,
    source: PortRef,
    targets: Sequence[PortRef],
    circuit: FlatCircuit,
    bound: Mapping[str, Bound],
    values: Mapping[str, SDict],
    index: int,
    total_dB: float,
) -> tuple[LossItem, ...] | None:
    """The loss of a lane, with one item for every part in which its light is divided; sums to `total_dB`.

    Args:
        lit: the waves of the circuit.
        source: port that the light enters.
        targets: where it may leave; the one where most does is looked at.
        circuit, bound, values, index, total_dB: as for `tracing.items_of`.

    Returns:
        None where nothing arrives.
    """
    amplitude = lit.leaving(source, index)
    ends = [lit.waves.leaving[ref] for ref in targets if ref in lit.waves.leaving]
    end = max(ends, key=lambda number: abs(amplitude[number]), default=-1)
    way = lit.way(source, end, index, complex(amplitude[end])) if end >= 0 and amplitude[end] else []
    if not way:
        return None
    share = amplitude * lit.brought(end, index) / amplitude[end]
    items: list[LossItem] = []
    group: list[Element] = []
    before = 1.0
    for element, row in way:
        group.append(element)
        if row != end and abs(share[row] - 1) >= SHARE_TOLERANCE:
            continue
        after = float(np.abs(amplitude[row]))
        if len(group) == 1:
            items.append(item_of(element, circuit, bound, values, index))
        else:
            items.append(_interferometer(group, circuit, bound, -20.0 * float(np.log10(after / before))))
        before, group = after, []
    return closed(items, total_dB)


def again(
    items: Sequence[LossItem],
    circuit: FlatCircuit,
    bound: Mapping[str, Bound],
    values: Mapping[str, SDict],
    index: int,
    total_dB: float,
) -> tuple[LossItem, ...]:
    """The items of a lane for other values of the same circuit, the light going the same way; they sum to `total_dB`.

    What single devices don't explain of a change is that of the interferometers, in equal parts where there are
    several, and of the closing line where there is none.

    Args:
        items: as they were, the closing line last.
        circuit, bound, values, index, total_dB: as for `tracing.items_of`.
    """
    found: list[LossItem] = []
    divided: list[int] = []
    for item in items[:-1]:
        if item.cell == INTERFEROMETER:
            divided.append(len(found))
            found.append(item)
            continue
        port_in, _, port_out = item.path.partition(">")
        found.append(item_of((item.instance, port_in, port_out), circuit, bound, values, index))
    change = total_dB - items[-1].loss_dB - sum(item.loss_dB for item in found)
    for number in divided:
        found[number] = replace(found[number], loss_dB=found[number].loss_dB + change / len(divided))
    return closed(found, total_dB)


def _interferometer(
    group: Sequence[Element], circuit: FlatCircuit, bound: Mapping[str, Bound], loss_dB: float
) -> LossItem:
    """One item for the part of a circuit from the first element of a group to the last one."""
    (first, port_in, _), (last, _, port_out) = group[0], group[-1]
    leaf = circuit.leaves[first]
    found = (bound[circuit.leaves[path].cell].model for path, _, _ in group)
    models = dict.fromkeys(model.name for model in found if model)
    name = _holder(first, last) or first
    return LossItem(name, INTERFEROMETER, ", ".join(models), leaf.x, leaf.y, f"{port_in}>{port_out}", loss_dB)


def _holder(first: str, last: str) -> str:
    """Path of the innermost instance that holds two devices, empty where that is the engine itself."""
    common = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first.split("/"), last.split("/"), strict=False))
    return "/".join(part for part, _ in common)
