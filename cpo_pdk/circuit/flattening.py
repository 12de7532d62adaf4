"""One flat circuit out of the hierarchical netlist: leaf instances with their paths, and what they connect to."""

from __future__ import annotations

import cmath
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cpo_pdk.circuit.netlist import CellNetlist, Connection, Instance, Netlists, PortRef


@dataclass(frozen=True)
class Placement:
    """Where a cell lies: `p -> origin + e^(i rotation) p`, mirrored at the x axis first; um and degrees."""

    x: float = 0.0
    y: float = 0.0
    rotation: float = 0.0
    mirror: bool = False

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the placed cell in the coordinates of its container, um."""
        local = complex(x, -y) if self.mirror else complex(x, y)
        moved = complex(self.x, self.y) + cmath.exp(1j * math.radians(self.rotation)) * local
        return (round(moved.real, 4), round(moved.imag, 4))

    def inside(self, instance: Instance) -> Placement:
        """Where an instance of the placed cell lies in the coordinates of the container."""
        x, y = self.point(instance.x, instance.y)
        turn = -instance.rotation if self.mirror else instance.rotation
        return Placement(x, y, (self.rotation + turn) % 360.0, self.mirror != instance.mirror)


@dataclass(frozen=True)
class Leaf:
    """A placed device: path from the flattened cell (`tx_3/ring_4`), its cell and function, and its origin in um."""

    path: str
    cell: str
    function: str
    x: float
    y: float


@dataclass(frozen=True)
class FlatCircuit:
    """The leaves of one cell.

    Attributes:
        cell: the cell that was flattened.
        leaves: by path.
        connections: between leaf ports.
        exposed: port of the cell -> leaf port.
        outside: open leaf ports that face the world and are no port of the cell.
    """

    cell: str
    leaves: dict[str, Leaf]
    connections: tuple[Connection, ...]
    exposed: dict[str, PortRef]
    outside: tuple[PortRef, ...]


def walk(
    netlists: Netlists, cell: str, place: Placement, prefix: str = "", stop: Collection[str] = ()
) -> Iterator[tuple[str, CellNetlist, Placement]]:
    """All placed cells under `cell` that are no leaves, itself first: path with a closing `/`, netlist, placement.

    A cell whose function is in `stop` is yielded, but not entered (unless it is `cell` itself).
    """
    netlist = netlists.cells[cell]
    yield prefix, netlist, place
    if prefix and netlist.function in stop:
        return
    for instance in netlist.instances:
        if not netlists.cells[instance.cell].leaf:
            yield from walk(netlists, instance.cell, place.inside(instance), f"{prefix}{instance.name}/", stop)


def flatten(netlists: Netlists, cell: str, stop: Collection[str] = ()) -> FlatCircuit:
    """Dissolve every cell under `cell` that is no leaf and whose function is not in `stop`.

    A cell that is a leaf itself becomes a circuit of one device, with the path `device`.
    """
    top = netlists.cells[cell]
    leaves: dict[str, Leaf]
    if top.leaf:
        exposed = {port.name: ("device", port.name) for port in top.ports}
        leaves = {"device": Leaf("device", cell, top.function, 0.0, 0.0)} if top.ports else {}
        return FlatCircuit(cell, leaves, (), exposed, ())
    leaves = {}
    connections: list[Connection] = []
    outside: list[PortRef] = []
    bound: set[PortRef] = set()
    resolve = _Resolver(netlists, stop)
    for prefix, netlist, place in walk(netlists, cell, Placement(), stop=stop):
        if prefix and netlist.function in stop:
            continue
        for instance in netlist.instances:
            placed = netlists.cells[instance.cell]
            if placed.leaf or placed.function in stop:
                x, y = place.point(instance.x, instance.y)
                path = prefix + instance.name
                leaves[path] = Leaf(path, instance.cell, placed.function, x, y)
        for link in netlist.connections:
            a, b = resolve(netlist.name, prefix, link.a), resolve(netlist.name, prefix, link.b)
            if a and b:
                connections.append(Connection(min(a, b), max(a, b)))
                bound |= {a, b}
        open_here = (resolve(netlist.name, prefix, ref) for ref in netlist.outside)
        outside.extend(ref for ref in open_here if ref)
    found = {name: resolve(cell, "", ref) for name, ref in top.exposed.items()}
    exposed = {name: ref for name, ref in found.items() if ref}
    open_to_world = sorted(set(outside) - bound - set(exposed.values()))
    links = tuple(sorted(connections, key=lambda link: (link.a, link.b)))
    return FlatCircuit(cell, dict(sorted(leaves.items())), links, exposed, tuple(open_to_world))


class _Resolver:
    """Finds the leaf port behind an instance port; None when the placed cell exposes no such port."""

    def __init__(self, netlists: Netlists, stop: Collection[str]) -> None:
        self.netlists = netlists
        self.stop = stop
        self.placed = {
            name: {instance.name: instance.cell for instance in cell.instances} for name, cell in netlists.cells.items()
        }

    def __call__(self, cell: str, prefix: str, ref: PortRef) -> PortRef | None:
        name, port = ref
        placed = self.netlists.cells[self.placed[cell][name]]
        path = prefix + name
        while not (placed.leaf or placed.function in self.stop):
            inner = placed.exposed.get(port)
            if inner is None:
                return None
            name, port = inner
            path = f"{path}/{name}"
            placed = self.netlists.cells[self.placed[placed.name][name]]
        return (path, port)
