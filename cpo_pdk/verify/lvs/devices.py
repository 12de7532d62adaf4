"""The circuit that a file holds: devices, and nets of waveguides between their ports.

Straights, bends, tapers and fibres only lead light on: they are collapsed into the nets.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cpo_pdk.circuit.contract import same
from cpo_pdk.circuit.flattening import Placement, flatten, walk
from cpo_pdk.circuit.meta import is_outside
from cpo_pdk.circuit.netlist import Netlists, PortRef
from cpo_pdk.spec.sheet import Sheet

#: cells of the process that only lead light on
ROUTING_CELLS = frozenset({"straight", "bend_euler", "bend_s", "taper", "taper_strip_rib", "spiral", "fiber"})


@dataclass(frozen=True)
class Device:
    """A placed device.

    Attributes:
        path: from the cell that was flattened.
        cell: name of its cell.
        function, factory, settings: as the file says.
        place: in the cell that was flattened.
        within: paths (with a closing `/`) of the cells that hold it, keys of `Circuit.holders`, the outermost first.
    """

    path: str
    cell: str
    function: str
    factory: str
    settings: Mapping[str, Any]
    place: Placement
    within: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Facet:
    """An open port that faces the world.

    Attributes:
        ref: device and port.
        port: name of the port of the flattened cell that it is, empty when it is none.
        x, y: um, in the flattened cell.
        angle: outward, degrees.
    """

    ref: PortRef
    port: str
    x: float
    y: float
    angle: float


@dataclass(frozen=True)
class Circuit:
    """What one cell holds.

    Attributes:
        cell: the cell.
        devices: by path.
        partner: port of a device -> the port at the other end of its net.
        via: port of a device -> cells of the waveguides from it to its partner, or to where its net ends.
        facets: open ports that face the world.
        holders: path of a cell that is no device (with a closing `/`; the flattened one: empty) -> the cell's name, and
            where it lies in the flattened one.
        info: what the cell says of itself.
    """

    cell: str
    devices: Mapping[str, Device]
    partner: Mapping[PortRef, PortRef]
    via: Mapping[PortRef, tuple[str, ...]]
    facets: tuple[Facet, ...]
    holders: Mapping[str, tuple[str, Placement]] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nets(self) -> int:
        """Number of nets between two devices."""
        return len(self.partner) // 2


def routing_factories(sheets: Mapping[str, Sheet], roles: Collection[str] = ()) -> frozenset[str]:
    """Factories of the cells that only lead light on: those of the process, and of the sheets named in `roles`."""
    own = {sheet.drawn_by for name, sheet in sheets.items() if name in roles}
    return frozenset(own | {f"cpo_{cell}" for cell in ROUTING_CELLS})


def read_circuit(netlists: Netlists, cell: str, routing: Collection[str], stop: Collection[str] = ()) -> Circuit:
    """The devices of a cell and their nets.

    Args:
        netlists: of the file.
        cell: to be looked into.
        routing: factories of the cells that only lead light on.
        stop: functions of cells that are taken as one device.
    """
    flat = flatten(netlists, cell, stop)
    holders, placed = _placed(netlists, cell, stop)
    link: dict[PortRef, PortRef] = {}
    for joined in flat.connections:
        link[joined.a], link[joined.b] = joined.b, joined.a
    exposed = {ref: name for name, ref in flat.exposed.items()}
    ports = {name: [port.name for port in netlists.cells[name].ports] for name in {d.cell for d in placed.values()}}
    passing = {path for path, device in placed.items() if device.factory in routing and len(ports[device.cell]) == 2}
    partner: dict[PortRef, PortRef] = {}
    via: dict[PortRef, tuple[str, ...]] = {}
    for path, device in placed.items():
        if path in passing:
            continue
        for port in ports[device.cell]:
            pieces: list[str] = []
            at = link.get((path, port))
            # a ring of nothing but waveguides can't be entered from a device
            while at is not None and at[0] in passing:
                piece, entered = at
                pieces.append(placed[piece].cell)
                # two ports of one name lead nowhere: nobody can tell them apart
                left = next((name for name in ports[placed[piece].cell] if name != entered), "")
                at = link.get((piece, left))
            via[path, port] = tuple(pieces)
            if at is not None:
                partner[path, port] = at
    facets: list[Facet] = []
    for path, device in placed.items():
        for port in netlists.cells[device.cell].ports:
            ref = (path, port.name)
            if is_outside(port.port_type) and ref not in link:
                x, y = device.place.point(port.x, port.y)
                angle = -port.angle if device.place.mirror else port.angle
                facets.append(Facet(ref, exposed.get(ref, ""), x, y, round(device.place.rotation + angle, 3) % 360.0))
    devices = {path: device for path, device in placed.items() if path not in passing}
    return Circuit(cell, devices, partner, via, tuple(facets), holders, netlists.cells[cell].info)


def _placed(
    netlists: Netlists, cell: str, stop: Collection[str]
) -> tuple[dict[str, tuple[str, Placement]], dict[str, Device]]:
    """The cells that hold devices, and the devices, by path."""
    holders: dict[str, tuple[str, Placement]] = {"": (cell, Placement())}
    if netlists.cells[cell].leaf:
        return holders, {}
    found: dict[str, Device] = {}
    within: list[str] = []
    for prefix, netlist, place in walk(netlists, cell, Placement(), stop=stop):
        if prefix and netlist.function in stop:
            continue
        # containers come before what they hold
        while within and not prefix.startswith(within[-1]):
            within.pop()
        within.append(prefix)
        holders[prefix] = (netlist.name, place)
        for instance in netlist.instances:
            inner = netlists.cells[instance.cell]
            if inner.leaf or inner.function in stop:
                path = prefix + instance.name
                found[path] = Device(
                    path=path,
                    cell=instance.cell,
                    function=inner.function,
                    factory=inner.factory,
                    settings=inner.settings,
                    place=place.inside(instance),
                    within=tuple(within),
                )
    return holders, dict(sorted(found.items()))


def fits(sheet: Sheet, device: Device) -> bool:
    """True when a device is one of a sheet: drawn by its factory, with what its `select` asks for."""
    chosen = all(same(device.settings.get(key), value) for key, value in sheet.select.items())
    return device.factory == sheet.drawn_by and chosen


def array_of(facets: Collection[Facet]) -> tuple[tuple[Facet, ...], float]:
    """The facets that face the way that most do, in the order in which they lie along the edge, and that way.

    Returns:
        facets from the right to the left of somebody who looks out of the die (with the facet in the east: from south
        to north), and the direction in degrees.
    """
    if not facets:
        return (), 0.0
    angle = Counter(facet.angle for facet in facets).most_common(1)[0][0]
    row = (facet for facet in facets if facet.angle == angle)
    return tuple(sorted(row, key=lambda facet: along(facet, angle))), angle


def along(facet: Facet, angle: float) -> float:
    """Where a facet lies along an edge that faces `angle`, um: northward for one in the east."""
    turn = math.radians(angle)
    return round(facet.y * math.cos(turn) - facet.x * math.sin(turn), 3)
