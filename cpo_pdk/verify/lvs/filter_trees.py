"""Trees of interferometers as they are drawn: where their heaters lie, where they begin, what their leaves lead to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.verify.lvs.asked import AskedEngine, AskedFilter
from cpo_pdk.verify.lvs.devices import Circuit, fits
from cpo_pdk.verify.lvs.port_orders import FOUR, SYMMETRIES

#: key of a device that was asked for -> the ways to take its ports that are still open, asked -> drawn
_Orders = Mapping[str, Sequence[Mapping[str, str]]]


class FilterTrees:
    """The (de)multiplexers of an engine, asked and drawn.

    Args:
        asked: the engine.
        circuit: what is drawn.
    """

    def __init__(self, asked: AskedEngine, circuit: Circuit) -> None:
        self.asked = asked
        self.circuit = circuit
        self.stages = {stage.common: stage for found in asked.filters for stage in found.stages}

    def arms(self, key: str, path: str, order: Mapping[str, str]) -> tuple[tuple[PortRef, PortRef], ...]:
        """The nets of the arms of a stage whose heater is drawn in the other arm than asked; nothing else to change.

        Args:
            key: of the coupler that all light of the stage passes.
            path: of the drawn one.
            order: its ports, asked -> drawn.
        """
        stage = self.stages[key]
        sheet = self.asked.devices[stage.heater].sheet
        ends = [self.circuit.partner.get((path, order.get(name, name))) for name in ("o3", "o4")]
        north, south = (end is not None and fits(sheet, self.circuit.devices[end[0]]) for end in ends)
        if north or not south:
            return ()
        return (
            ((key, "o3"), (stage.parted, "o2")),
            ((key, "o4"), (stage.heater, "o1")),
            ((stage.heater, "o2"), (stage.parted, "o1")),
        )

    def root(
        self, found: AskedFilter, match: Mapping[str, str], orders: _Orders, back: Mapping[str, str]
    ) -> PortRef | None:
        """Where light comes into the demultiplexer that most of a row's modulators are drawn behind.

        Args:
            found: what was asked for.
            match: key of what was asked for -> path of the drawn device.
            orders: ports of these.
            back: path -> key; a tree that was taken for another is none.
        """
        roots = Counter(
            root
            for leaf in found.leaves.values()
            if (root := self._behind(found, leaf, match, orders)) is not None and root[0] not in back
        )
        # a part that was cut off ends in a root too, but no light gets there
        return max(roots, key=lambda ref: (ref in self.circuit.partner, roots[ref]), default=None)

    def _behind(self, found: AskedFilter, leaf: PortRef, match: Mapping[str, str], orders: _Orders) -> PortRef | None:
        """Where light comes into the tree of couplers that the modulator at a leaf is drawn behind."""
        key, port = self.asked.partner[leaf]
        sheet = self.asked.devices[found.stages[0].common].sheet
        ending = self.asked.devices[self.asked.partner[found.stages[0].common, "o2"][0]].sheet
        order = orders.get(key, [{}])[0]
        at = self.circuit.partner.get((match.get(key, ""), order.get(port, port)))
        for _ in range(2 * len(found.stages)):
            if at is None or not fits(sheet, self.circuit.devices[at[0]]):
                return None
            path, met = at
            behind = next((o[:2] for o in SYMMETRIES.get(sheet.cell, (FOUR,)) if met in o[2:]), ())
            ends = {name: self._past_heater(found, self.circuit.partner.get((path, name))) for name in behind}
            onward = [end for end in ends.values() if end is not None and fits(sheet, self.circuit.devices[end[0]])]
            if not onward:  # the root: one port is terminated, light comes in by the other
                free = [n for n, end in ends.items() if end is None or not fits(ending, self.circuit.devices[end[0]])]
                return (path, free[0]) if len(free) == 1 else None
            at = onward[0]
        return None

    def _past_heater(self, found: AskedFilter, end: PortRef | None) -> PortRef | None:
        """Where a net leads, through a phase shifter."""
        if end is None or not fits(self.asked.devices[found.stages[0].heater].sheet, self.circuit.devices[end[0]]):
            return end
        others = [port for (path, port) in self.circuit.via if path == end[0] and port != end[1] and port[0] == "o"]
        return self.circuit.partner.get((end[0], others[0])) if len(others) == 1 else None

    def leads(
        self, found: AskedFilter, match: Mapping[str, str], orders: _Orders, back: Mapping[str, str]
    ) -> dict[int, int]:
        """Channel asked at a leaf -> channel of the device of the same row that the leaf leads to.

        Args:
            found, match, orders, back: as for `root`.
        """
        found_leads: dict[int, int] = {}
        for number, leaf in found.leaves.items():
            order = orders.get(leaf[0], [{}])[0]
            end = self.circuit.partner.get((match.get(leaf[0], ""), order.get(leaf[1], leaf[1])))
            behind = self.asked.devices.get(back.get(end[0], "")) if end is not None else None
            if behind is not None and behind.channel and behind.row == found.row:
                found_leads[number] = behind.channel
        return found_leads


def exchanged_words(found: AskedFilter, pairs: Sequence[tuple[int, int]]) -> str:
    """What to say of channels that trade places behind a (de)multiplexer.

    Args:
        found: the (de)multiplexer.
        pairs: of channels.
    """
    shown = ", ".join(f"channels {a} and {b}" for a, b in pairs)
    other, behind = ("multiplexer", "modulator") if found.fed else ("upper demultiplexer", "detector")
    return (
        f"{shown} are swapped between the {found.words} and the {other}: the {behind} of each is led to the output of "
        "the other; exchange them"
    )
