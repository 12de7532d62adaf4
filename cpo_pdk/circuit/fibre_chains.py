"""What lies outside an engine: the fibre from its facet to a connector, as the layout connects them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.leaves import CONNECTOR
from cpo_pdk.circuit.netlist import Netlists, PortRef
from cpo_pdk.circuit.results import LossItem


@dataclass(frozen=True)
class Chain:
    """The devices between an engine port and the outside.

    Attributes:
        name: `connector.position`, empty when no connector is reached.
        items: TE and TM (empty where the mode does not pass): one tuple of items a channel, from the engine outwards.
    """

    name: str
    items: dict[str, list[tuple[LossItem, ...]]]

    def loss_dB(self, mode: str, channel: int) -> float:
        """Loss of the chain; `mode` is `""` or `"@TM"`; a mode that a fibre does not know travels as TE."""
        return sum(item.loss_dB for item in self.of(mode, channel))

    def of(self, mode: str, channel: int) -> tuple[LossItem, ...]:
        """The items of one mode and channel (from 0), from the engine outwards."""
        return self.items[mode if mode in self.items else ""][channel]


class ChainFinder:
    """Follows what is connected to the ports of engines.

    Args:
        netlists: of the whole layout.
        circuit: the layout flattened, with engines as leaves.
        bound: binding of the leaves that have a model.
        channels_um: um, shape (C,).
    """

    def __init__(
        self, netlists: Netlists, circuit: FlatCircuit, bound: Mapping[str, Bound], channels_um: NDArray[np.float64]
    ) -> None:
        self.netlists = netlists
        self.circuit = circuit
        self.bound = bound
        self.evaluator = Evaluator(channels_um)
        self.partner: dict[PortRef, PortRef] = {}
        for link in circuit.connections:
            self.partner[link.a] = link.b
            self.partner[link.b] = link.a

    def chain(self, engine: str, port: str) -> Chain:
        """Follow the light from a port of an engine to a connector or to where the drawing ends."""
        items: dict[str, list[list[LossItem]]] = {"": [[] for _ in self.evaluator.wl]}
        modes = ["", "@TM"]
        items["@TM"] = [[] for _ in self.evaluator.wl]
        seen: set[str] = set()
        at = self.partner.get((engine, port))
        name = ""
        while at is not None and at[0] not in seen:
            path, inner = at
            seen.add(path)
            leaf = self.circuit.leaves[path]
            if leaf.function == CONNECTOR:
                name = self.position(path, inner)
                break
            entry = self.bound.get(leaf.cell)
            if entry is None or entry.model is None:
                break
            matrix = self.evaluator.matrix(path, entry.model, entry.params)
            out = max(
                (b for a, b in matrix if a == inner and "@" not in b and b != inner),
                key=lambda b: float(np.median(np.abs(matrix[inner, b]))),
                default=None,
            )
            if out is None:
                break
            for mode in modes:
                value = matrix.get((inner + mode, out + mode))
                if value is None:
                    value = matrix[inner, out]
                strength = np.abs(np.broadcast_to(value, self.evaluator.wl.shape))
                for channel, x in enumerate(strength):
                    loss = -20.0 * float(np.log10(max(float(x), 1e-10)))
                    items[mode][channel].append(
                        LossItem(path, leaf.function, entry.model.name, leaf.x, leaf.y, f"{inner}>{out}", loss, False)
                    )
            at = self.partner.get((path, out))
        return Chain(name, {mode: [tuple(row) for row in rows] for mode, rows in items.items()})

    def position(self, path: str, port: str) -> str:
        """`MPO-E1.3` of port `p3` of a connector."""
        cell = self.netlists.cells[self.circuit.leaves[path].cell]
        name = str(cell.settings.get("name") or cell.info.get("name") or path)
        number = re.search(r"\d+$", port)
        return f"{name}.{number[0] if number else port}"
