"""The loss of a lane whose light takes several ways that join again: an interferometer is one item.

The share of a wave in what arrives is its amplitude times what it brings to the end, over the whole. Where it is one,
all light passes; between two such places the light is divided, and no loss belongs to one device there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.results import LossItem
from cpo_pdk.circuit.signal_flow import Element
from cpo_pdk.circuit.solver import SDict
from cpo_pdk.circuit.tracing import Way, closed, item_of, items_of
from cpo_pdk.circuit.waves import Waves

#: `cell` of an item that is an interferometer
INTERFEROMETER = "interferometer"
#: all light passes where the share differs from one by less than this; reflections and leaks are well below
SHARE_TOLERANCE = 0.1

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

    def sent(self, source: PortRef, channel: int) -> Complex:
        """Waves that leave every port when light enters at `source`."""
        key = (source, channel)
        if key not in self._sent:
            waves = self.waves
            entering = waves.forward(np.array([waves.entering[source]], np.int64), channel)[0]
            found = np.zeros(len(waves.leaving), np.complex128)
            np.add.at(found, waves.rows, waves.strengths[:, channel] * entering[waves.columns])
            self._sent[key] = found
        return self._sent[key]

    def brought(self, end: int, channel: int) -> Complex:
        """What a wave that leaves each port adds to the one that leaves at `end`."""
        key = (end, channel)
        if key not in self._brought:
            self._brought[key] = self.waves.backward(np.array([end], np.int64), channel)[0]
        return self._brought[key]


def sections(
    way: Way,
    lit: Lit,
    source: PortRef,
    circuit: FlatCircuit,
    bound: Mapping[str, Bound],
    values: Mapping[str, SDict],
    index: int,
    total_dB: float,
) -> tuple[LossItem, ...]:
    """The loss of a lane, with one item for every part in which its light is divided; sums to `total_dB`.

    Args:
        way: the strongest way, at least one element.
        lit: the waves of the circuit.
        source: port where the way begins.
        circuit, bound, values, index, total_dB: as for `items_of`.
    """
    leaving = lit.waves.leaving
    numbers = [leaving[path, out] for path, _, out in way.elements]
    amplitude = lit.sent(source, index)[numbers]
    arrived = amplitude[-1]
    if arrived == 0:
        return items_of(way, circuit, bound, values, index, total_dB)
    share = amplitude * lit.brought(numbers[-1], index)[numbers] / arrived
    together = np.abs(share - 1) < SHARE_TOLERANCE
    together[-1] = True
    items: list[LossItem] = []
    group: list[Element] = []
    before = 1.0
    for number, element in enumerate(way.elements):
        group.append(element)
        if not together[number]:
            continue
        after = float(np.abs(amplitude[number]))
        if len(group) == 1:
            items.append(item_of(element, circuit, bound, values, index))
        else:
            items.append(_interferometer(group, circuit, bound, -20.0 * float(np.log10(after / before))))
        before, group = after, []
    return closed(items, total_dB)


def _interferometer(
    group: Sequence[Element], circuit: FlatCircuit, bound: Mapping[str, Bound], loss_dB: float
) -> LossItem:
    """One item for the part of a circuit from the first element of a group to the last one."""
    (first, port_in, _), (last, _, port_out) = group[0], group[-1]
    leaf = circuit.leaves[first]
    found = (bound[circuit.leaves[path].cell].model for path, _, _ in group)
    models = dict.fromkeys(model.name for model in found if model)
    return LossItem(
        f"{first} | {last}", INTERFEROMETER, ", ".join(models), leaf.x, leaf.y, f"{port_in}>{port_out}", loss_dB
    )
