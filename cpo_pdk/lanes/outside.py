"""What stands around the engines of a layout: where each placed thing lies, and what is connected to what."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cpo_pdk.circuit.flattening import Placement, flatten, walk
from cpo_pdk.circuit.leaves import CONNECTOR, ENGINE
from cpo_pdk.circuit.netlist import CellNetlist, Netlists, PortRef
from cpo_pdk.errors import LayoutError


@dataclass(frozen=True)
class Placed:
    """A placed engine, fibre or connector: path from the top cell, its cell, and where it lies."""

    path: str
    cell: CellNetlist
    place: Placement

    def port_at(self, port: str) -> tuple[float, float]:
        """Place of a port in the package, um.

        Args:
            port: name of an optical port of the cell.

        Raises:
            KeyError: the cell has no such port.
        """
        for own in self.cell.ports:
            if own.name == port:
                return self.place.point(own.x, own.y)
        raise KeyError(port)


class Outside:
    """The package with its engines as black boxes.

    Attributes:
        engines: in the order of their names.
        things: everything optical that is no engine, by path.
        partner: which port meets which.

    Args:
        netlists: of the whole layout.
        file: what to call it in a message.

    Raises:
        LayoutError: an engine alone, or no engine at all.
    """

    def __init__(self, netlists: Netlists, file: str) -> None:
        top = netlists.cells[netlists.top]
        if top.function == ENGINE:
            raise LayoutError(
                f"{file}: top cell {top.name!r} is an engine alone, a package with fibres is needed; give the "
                "package's file, or ask cpo testmap"
            )
        self.things: dict[str, Placed] = {}
        engines: list[Placed] = []
        for prefix, cell, place in walk(netlists, netlists.top, Placement(), stop=(ENGINE,)):
            if cell.function == ENGINE:
                engines.append(Placed(prefix.rstrip("/"), cell, place))
                continue
            for instance in cell.instances:
                placed = netlists.cells[instance.cell]
                if placed.leaf:
                    path = prefix + instance.name
                    self.things[path] = Placed(path, placed, place.inside(instance))
        if not engines:
            raise LayoutError(
                f"{file}: top cell {top.name!r} holds no engine, 1 needed for a lane map; place a cell of function "
                "'engine'"
            )
        self.engines = tuple(sorted(engines, key=lambda engine: natural(engine.path)))
        self.partner: dict[PortRef, PortRef] = {}
        for link in flatten(netlists, netlists.top, stop=(ENGINE,)).connections:
            self.partner[link.a] = link.b
            self.partner[link.b] = link.a

    @property
    def connectors(self) -> tuple[Placed, ...]:
        """All connectors, by name of their instance."""
        return tuple(thing for thing in self.things.values() if thing.cell.function == CONNECTOR)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which `N10` comes behind `N9`."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts)
