"""The circuit of a layout as structural Verilog: a module a cell, an instance a placed cell, a wire a connection.

Light has no direction in a waveguide, so every port is `inout`. A device is an empty module, its settings attributes of
the module. The top module gets the positions of the connectors as ports. Traces that are drawn as airwires join the
ports of the ASIC with the lanes of the engines: those engines have a port for each lane, named after its bump
(`lane_tx_3_5`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cpo_pdk.circuit.leaves import CONNECTOR
from cpo_pdk.circuit.netlist import CellNetlist, Netlists
from cpo_pdk.handover.names import PlainNames, plain_name
from cpo_pdk.handover.parts import Die, Package, PlacedDie, Terminal

#: ends of an airwire meet what they belong to within this, um
_MEET = 1.0


def verilog_text(netlists: Netlists, package: Package) -> str:
    """The circuit as text; the same circuit gives the same text.

    Args:
        netlists: of the whole layout.
        package: the same layout's dies and airwires.
    """
    writer = _Writer(netlists, package)
    order = sorted(netlists.cells, key=lambda name: (not netlists.cells[name].leaf, name == netlists.top, name))
    modules = ["\n".join(writer.module(netlists.cells[name])) for name in order]
    modules += ["\n".join(writer.plain_die(die)) for die in package.dies if die.name not in netlists.cells]
    return "// optical and electrical circuit of the layout; every port is inout\n\n" + "\n\n".join(modules) + "\n"


def lane_port(terminal: Terminal) -> str:
    """Port of a die for one of its lanes: `lane_tx_3_5` for the bump `tx_3/5`, `tx_7` for the port `tx_7`."""
    return plain_name(f"lane_{terminal.name}" if terminal.kind == "bump" else terminal.name)


def traces(package: Package) -> Iterator[tuple[tuple[str, Terminal], tuple[str, Terminal]]]:
    """The ends of each airwire: die and terminal; a wire that ends at none is left out.

    Args:
        package: with its airwires.
    """
    places: dict[tuple[int, int], list[tuple[PlacedDie, Terminal, float, float]]] = {}
    for placed in package.placed:
        for terminal in placed.die.terminals:
            if terminal.kind != "optical":
                x, y = _at(placed, terminal)
                places.setdefault((math.floor(x), math.floor(y)), []).append((placed, terminal, x, y))

    def end(x: float, y: float) -> tuple[str, Terminal] | None:
        near = [
            (math.dist((x, y), (u, v)), placed.name, terminal)
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
            for placed, terminal, u, v in places.get((math.floor(x) + i, math.floor(y) + j), ())
        ]
        found = min(near, key=lambda entry: entry[0], default=None)
        return None if found is None or found[0] > _MEET else (found[1], found[2])

    for (x0, y0), (x1, y1) in package.airwires.tolist():
        first, second = end(x0, y0), end(x1, y1)
        if first is not None and second is not None:
            yield first, second


def _at(placed: PlacedDie, terminal: Terminal) -> tuple[float, float]:
    x, y, trans = terminal.x, terminal.y, placed.trans
    cos, sin = math.cos(math.radians(trans.angle)), math.sin(math.radians(trans.angle))
    y = -y if trans.is_mirror() else y
    return trans.disp.x + cos * x - sin * y, trans.disp.y + sin * x + cos * y


class _Writer:
    def __init__(self, netlists: Netlists, package: Package) -> None:
        self.netlists = netlists
        self.modules = PlainNames()
        self.placed = package.placed
        self.lanes = {
            die.name: sorted({lane_port(t) for t in die.terminals if t.kind != "optical"}) for die in package.dies
        }
        self.wires: dict[str, list[tuple[str, str]]] = {}
        for number, ends in enumerate(traces(package), 1):
            for instance, terminal in ends:
                self.wires.setdefault(instance, []).append((lane_port(terminal), f"trace_{number}"))

    def module(self, cell: CellNetlist) -> Iterator[str]:
        """The lines of one module."""
        ports = [(port, f"p_{plain_name(port)}") for port in _ports(cell)]
        lanes = self.lanes.get(cell.name, [])
        outside = self._connector_ports(cell) if cell.name == self.netlists.top else {}
        names = [*(name for _, name in ports), *lanes, *sorted(outside.values())]
        if cell.leaf and cell.settings:
            yield "(* " + ", ".join(f"{plain_name(k)} = {_quoted(v)}" for k, v in sorted(cell.settings.items())) + " *)"
        yield f"module {self.modules.of(cell.name)} (" + ", ".join(names) + ");"
        yield from (f"  inout {name};" for name in names)
        if not cell.leaf:
            yield from self._inside(cell, dict(ports), outside)
        yield "endmodule"

    def plain_die(self, die: Die) -> Iterator[str]:
        """A die without an optical circuit: its ports only."""
        names = self.lanes.get(die.name, [])
        yield f"module {self.modules.of(die.name)} (" + ", ".join(names) + ");"
        yield from (f"  inout {name};" for name in names)
        yield "endmodule"

    def _connector_ports(self, cell: CellNetlist) -> dict[tuple[str, str], str]:
        """Instance and position of each connector -> port of the top module."""
        own = PlainNames()
        found = {}
        for instance in cell.instances:
            placed = self.netlists.cells[instance.cell]
            if placed.function == CONNECTOR:
                for port in placed.ports:
                    found[instance.name, port.name] = own.of(f"{instance.name}_{port.name}")
        return found

    def _inside(self, cell: CellNetlist, ports: dict[str, str], outside: dict[tuple[str, str], str]) -> Iterator[str]:
        nets = {tuple(ref): ports[port] for port, ref in cell.exposed.items() if port in ports}
        for number, link in enumerate(cell.connections, 1):
            # a fibre that ends in a connector is seen from outside under the connector's name
            outer = outside.get(link.a) or outside.get(link.b)
            nets[link.a] = nets[link.b] = outer or f"n{number}"
            if not outer:
                yield f"  wire n{number};"
        top = cell.name == self.netlists.top
        if top:
            drawn = {wire for instance in self.wires.values() for _, wire in instance}
            yield from (f"  wire {wire};" for wire in sorted(drawn, key=lambda w: int(w.rpartition("_")[2])))
        own = PlainNames()
        for instance in cell.instances:
            placed = self.netlists.cells[instance.cell]
            pins = [
                f".p_{plain_name(port)}({nets.get((instance.name, port)) or outside.get((instance.name, port), '')})"
                for port in _ports(placed)
            ]
            if top:
                pins += [f".{port}({wire})" for port, wire in self.wires.get(instance.name, ())]
            yield f"  {self.modules.of(instance.cell)} {own.of(instance.name)} (" + ", ".join(pins) + ");"
        if top:
            known = {instance.name for instance in cell.instances}
            for die in (die for die in self.placed if die.name not in known and die.die.name != cell.name):
                pins = [f".{port}({wire})" for port, wire in self.wires.get(die.name, ())]
                yield f"  {self.modules.of(die.die.name)} {own.of(die.name)} (" + ", ".join(pins) + ");"


def _ports(cell: CellNetlist) -> list[str]:
    return sorted(port.name for port in cell.ports) if cell.leaf else sorted(cell.exposed)


def _quoted(value: object) -> str:
    text = str(value).replace("\\", "/").replace('"', "'")
    return '"' + "".join(c if c.isascii() and c.isprintable() else "?" for c in text) + '"'
