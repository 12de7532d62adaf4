"""What a netlist of another tool can carry: cells, instances, settings, connections, ports. No drawing.

Both readers collect `PlainCell`s and have them checked here, so that they refuse the same things in the same words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cpo_pdk.circuit.netlist import CellNetlist, Connection, Instance, Netlists, Port, PortRef
from cpo_pdk.errors import InputError
from cpo_pdk.spec.suggestions import did_you_mean


@dataclass
class PlainCell:
    """One cell as another tool writes it.

    Attributes:
        name, function, factory: see `CellNetlist`.
        ports: of a leaf, when the file says them; None for those that the connections speak of.
        settings: of a leaf.
        leaf: True for a device.
        instances: by name.
        links: pairs of instance ports.
        exposed: port of the cell -> instance port.
    """

    name: str
    function: str = ""
    factory: str = ""
    ports: list[str] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    leaf: bool = True
    instances: dict[str, Instance] = field(default_factory=dict)
    links: list[tuple[PortRef, PortRef]] = field(default_factory=list)
    exposed: dict[str, PortRef] = field(default_factory=dict)


def plain(netlists: Netlists) -> Netlists:
    """A netlist without everything that only its drawing knows: what the other forms carry."""
    cells: dict[str, CellNetlist] = {}
    for name, cell in netlists.cells.items():
        names = [port.name for port in cell.ports] if cell.leaf else list(cell.exposed)
        cells[name] = CellNetlist(
            name=name,
            function=cell.function,
            factory=cell.factory,
            settings=cell.settings if cell.leaf else {},
            leaf=cell.leaf,
            ports=_ports(names),
            instances=cell.instances,
            connections=tuple(sorted(cell.connections, key=lambda link: (link.a, link.b))),
            exposed=dict(sorted(cell.exposed.items())),
        )
    return Netlists(netlists.top, dict(sorted(cells.items())))


def checked(cells: Mapping[str, PlainCell], top: str, where: str) -> Netlists:
    """A netlist of cells that were read.

    Args:
        cells: by name.
        top: the outermost one.
        where: what to call the input in messages.

    Raises:
        InputError: an unknown cell, instance or port, a port used twice, a cell that contains itself.
    """
    if top not in cells:
        raise InputError(f"{where}: no cell {top!r}{_known(top, cells)}")
    below = _below(cells, top, where)
    spoken: dict[str, set[str]] = {}
    for name in below:
        cell = cells[name]
        for instance, port in (*(end for link in cell.links for end in link), *cell.exposed.values()):
            placed = cell.instances.get(instance)
            if placed is None:
                raise InputError(f"{where}: {name}: no instance {instance!r}{_known(instance, cell.instances)}")
            spoken.setdefault(placed.cell, set()).add(port)
    made: dict[str, CellNetlist] = {}
    for name in below:
        cell = cells[name]
        if cell.leaf:
            names = list(cell.ports) if cell.ports is not None else sorted(spoken.get(name, ()))
        else:
            names = sorted(cell.exposed)
        unknown = sorted(spoken.get(name, set()) - set(names))
        if unknown:
            raise InputError(f"{where}: cell {name} has no port {unknown[0]!r}{_known(unknown[0], names)}")
        made[name] = replace(_checked_cell(cell, where), ports=_ports(names))
    functions = {name: cell.function for name, cell in made.items()}
    for name, cell in made.items():
        instances = sorted(cell.instances, key=lambda instance: instance.name)
        named = tuple(replace(instance, function=functions[instance.cell]) for instance in instances)
        made[name] = replace(cell, instances=named)
    return Netlists(top, dict(sorted(made.items())))


def _checked_cell(cell: PlainCell, where: str) -> CellNetlist:
    used: dict[PortRef, str] = {}
    links: list[Connection] = []
    ends = [(end, "a connection") for link in cell.links for end in link]
    ends += [(ref, f"port {port!r}") for port, ref in cell.exposed.items()]
    for ref, by in ends:
        if ref in used:
            label = f"{ref[0]}.{ref[1]}"
            raise InputError(f"{where}: {cell.name}: {label} is in {used[ref]} and in {by}, 1 allowed; remove one")
        used[ref] = by
    for a, b in cell.links:
        links.append(Connection(min(a, b), max(a, b)))
    return CellNetlist(
        name=cell.name,
        function=cell.function,
        factory=cell.factory,
        settings=cell.settings if cell.leaf else {},
        leaf=cell.leaf,
        instances=tuple(cell.instances.values()),
        connections=tuple(sorted(links, key=lambda link: (link.a, link.b))),
        exposed=dict(sorted(cell.exposed.items())),
    )


def _below(cells: Mapping[str, PlainCell], top: str, where: str) -> list[str]:
    """Names of the cells that the top cell is made of, itself included."""
    state: dict[str, int] = {}
    stack: list[tuple[str, bool]] = [(top, False)]
    while stack:
        name, done = stack.pop()
        if done:
            state[name] = 2
            continue
        if state.get(name):
            continue
        state[name] = 1
        stack.append((name, True))
        for instance in cells[name].instances.values():
            if instance.cell not in cells:
                known = _known(instance.cell, cells)
                raise InputError(
                    f"{where}: {name}: instance {instance.name!r} is of no known cell {instance.cell!r}{known}"
                )
            if state.get(instance.cell) == 1:
                raise InputError(f"{where}: cell {instance.cell!r} contains itself; remove the instance")
            stack.append((instance.cell, False))
    return sorted(state)


def _ports(names: Collection[str]) -> tuple[Port, ...]:
    return tuple(Port(name, "optical", 0.0, 0.0, 0.0, 0.0, (-1, -1)) for name in sorted(names))


def _known(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) or f"; there are: {', '.join(sorted(known)[:12]) or 'none'}"
