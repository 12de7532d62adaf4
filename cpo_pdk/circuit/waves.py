"""Waves at every inner port of a circuit, from every source and towards every receiver: one factorization a wavelength.

`x = C S x + source` for the waves `x` that enter the ports of all devices (S: their matrices, C: their connections).
What a wave that leaves somewhere adds to a receiver follows from the transposed system, so that the change of any
transmission by a small element from port p to port q is `x[p] * element * y[q]`, to first order, whatever the circuit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, identity
from scipy.sparse.linalg import SuperLU, splu

from cpo_pdk.circuit.netlist import Connection, PortRef
from cpo_pdk.circuit.solver import SDict

Complex = NDArray[np.complex128]
Whole = NDArray[np.int64]


class Waves:
    """The waves of a circuit.

    Args:
        values: path -> S-matrix; arrays whose last axis is 1 or holds at least `count` wavelengths.
        connections: between leaf ports, without modes.
        count: the first so many wavelengths are looked at.

    Attributes:
        entering, leaving: (path, port with mode) -> number of the wave.
    """

    def __init__(self, values: Mapping[str, SDict], connections: Sequence[Connection], count: int) -> None:
        self.count = count
        self.entering: dict[PortRef, int] = {}
        self.leaving: dict[PortRef, int] = {}
        rows: list[int] = []
        columns: list[int] = []
        strengths: list[Complex] = []
        known: dict[int, dict[tuple[str, str], Complex]] = {}
        for path, matrix in values.items():
            table = known.get(id(matrix))
            if table is None:
                table = {pair: cut for pair, v in matrix.items() if np.any(cut := _columns(v, count))}
                known[id(matrix)] = table
            for (port_in, port_out), strength in table.items():
                columns.append(self.entering.setdefault((path, port_in), len(self.entering)))
                rows.append(self.leaving.setdefault((path, port_out), len(self.leaving)))
                strengths.append(strength)
        self.rows, self.columns = np.array(rows, np.int64), np.array(columns, np.int64)
        self.strengths = np.array(strengths).reshape(-1, count)
        self.partner = np.full(len(self.leaving), -1, np.int64)
        links = {link.a: link.b for link in connections} | {link.b: link.a for link in connections}
        for (path, port), number in self.leaving.items():
            base, at, mode = port.partition("@")
            to = links.get((path, base))
            if to is not None:
                self.partner[number] = self.entering.get((to[0], to[1] + at + mode), -1)
        self._factors: dict[int, SuperLU] = {}

    def element(self, index: int) -> Complex:
        """Strength of an element at every wavelength, shape (C,)."""
        return self.strengths[index]

    def _factor(self, channel: int) -> SuperLU:
        if channel not in self._factors:
            size = len(self.entering)
            target = self.partner[self.rows]
            kept = target >= 0
            passed = coo_matrix(
                (self.strengths[kept, channel], (target[kept], self.columns[kept])), (size, size), np.complex128
            )
            self._factors[channel] = splu((identity(size) - passed).tocsc())
        return self._factors[channel]

    def forward(self, starts: Whole, channel: int) -> Complex:
        """Waves that enter every port when light enters at `starts`; shape (len(starts), entering)."""
        sent = np.zeros((len(self.entering), len(starts)), np.complex128)
        sent[starts, np.arange(len(starts))] = 1.0
        return self._factor(channel).solve(sent).T

    def backward(self, ends: Whole, channel: int) -> Complex:
        """What a wave that leaves any port adds to the waves that leave at `ends`; shape (len(ends), leaving)."""
        seen = np.zeros((len(self.entering), len(ends)), np.complex128)
        for column, end in enumerate(ends):
            into = self.rows == end
            np.add.at(seen[:, column], self.columns[into], self.strengths[into, channel])
        response = self._factor(channel).solve(seen, trans="T").T
        found = np.where(self.partner >= 0, response[:, self.partner], 0.0)
        found[np.arange(len(ends)), ends] += 1.0
        return found

    def received(self, waves: Complex, ends: Whole, channel: int) -> Complex:
        """Waves that leave at `ends`, for waves of `forward`; shape (sources, len(ends))."""
        found = np.zeros((len(waves), len(ends)), np.complex128)
        for column, end in enumerate(ends):
            into = self.rows == end
            found[:, column] = waves[:, self.columns[into]] @ self.strengths[into, channel]
        return found


def _columns(value: Complex, count: int) -> Complex:
    flat = np.atleast_1d(value)
    return np.broadcast_to(flat if flat.shape[-1] == 1 else flat[..., :count], (count,)).astype(np.complex128)
