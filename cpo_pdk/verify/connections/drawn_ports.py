"""Whether a waveguide is drawn where a device says that it has a port: up to it, and as wide as it says.

Ports that meet prove nothing when the silicon behind one of them ends early. Each distinct device is looked at once, in
its own coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.netlist import CellNetlist, Port
from cpo_pdk.tech.layers import LAYERS, NAMES

#: how far behind the port the width is measured, dbu; from both places follows what it is at the port of a taper
DEPTHS = (2, 42)
#: the line across reaches this far beyond the half width of the port on each side, dbu
BEYOND = 200
#: a taper widens by this much of its length at most; more is a step
STEEPEST = 2.0
#: how far behind the port its waveguide is searched for, dbu
REACH = 10_000
#: function of the cells whose length is the distance of their ports
STRAIGHT = "straight"
#: ports are snapped to the grid, um
SNAP_UM = 0.0015
#: how far a corner of a turned waveguide may be off by rounding, dbu
ROUNDING = 2


@dataclass(frozen=True)
class PortFault:
    """A port whose waveguide isn't drawn as it says: layer and place (um, coordinates of the cell)."""

    layer: str
    x: float
    y: float
    message: str


def undrawn_ports(layout: kdb.Layout, cell: kdb.Cell, ports: Iterable[Port]) -> Iterator[PortFault]:
    """Optical ports of a device whose waveguide is missing, ends before them or has another width.

    Only ports on silicon are measured: a facet's port is as wide as the fibre, of which nothing is drawn there.

    Args:
        layout: of `cell`.
        cell: the device; what is placed in it counts as its own.
        ports: its ports.
    """
    for port in ports:
        name = NAMES.get(port.layer)
        if port.port_type != "optical" or name is None or LAYERS[name].group != "silicon" or port.width <= 0:
            continue
        index = layout.find_layer(*port.layer)
        allowed = ROUNDING if _turned(port) else 0
        gap = None if index is None else _gap(layout, cell, index, port)
        drawn = 0.0 if index is None or gap is None else _width(layout, cell, index, port)
        if gap is None:
            far = f"no {name} is drawn within {REACH * layout.dbu:g} um of it; draw the waveguide up to it"
        elif gap > allowed:
            far = f"{name} ends {gap * layout.dbu * 1e3:.0f} nm before it, 0 allowed; draw the waveguide up to it"
        elif abs(drawn - port.width / layout.dbu) > 1 + allowed:
            far = f"{name} is drawn {drawn * layout.dbu:.4g} um wide at it; make both the same"
        else:
            continue
        yield PortFault(name, port.x, port.y, f"port {port.name} is {port.width:g} um wide, but {far}")


def _turned(port: Port) -> bool:
    return abs((port.angle + 45.0) % 90.0 - 45.0) > 1e-6


def _line(port: Port, line: kdb.DEdge, dbu: float) -> kdb.Edge:
    """A line given in um as seen from the port, which looks along +x, in the cell, dbu."""
    return line.transformed(kdb.DCplxTrans(1.0, port.angle, False, port.x, port.y)).to_itype(dbu)


def _inside(layout: kdb.Layout, cell: kdb.Cell, index: int, edge: kdb.Edge) -> list[kdb.Edge]:
    """The parts of a line that lie on the shapes of a layer, their border included."""
    box = edge.bbox().enlarged(1, 1)
    region = kdb.Region(kdb.RecursiveShapeIterator(layout, cell, index, box, False))
    return list((kdb.Edges([edge]) & region.merged()).each())


def _gap(layout: kdb.Layout, cell: kdb.Cell, index: int, port: Port) -> float | None:
    """How far behind the port its layer begins, dbu; None when not within `REACH`."""
    line = _line(port, kdb.DEdge(0.0, 0.0, -REACH * layout.dbu, 0.0), layout.dbu)
    parts = _inside(layout, cell, index, line)
    return min((min(part.p1.distance(line.p1), part.p2.distance(line.p1)) for part in parts), default=None)


def _width(layout: kdb.Layout, cell: kdb.Cell, index: int, port: Port) -> float:
    """Width in dbu of what is drawn at the port, carried on to it from `DEPTHS` behind it."""
    near, far = (_across(layout, cell, index, port, depth) for depth in DEPTHS)
    slope = (far - near) / (DEPTHS[1] - DEPTHS[0])
    return near - DEPTHS[0] * slope if abs(slope) < STEEPEST else near


def _across(layout: kdb.Layout, cell: kdb.Cell, index: int, port: Port, depth: int) -> float:
    """Width in dbu of what is drawn across the port `depth` behind it, up to `BEYOND` more on each side."""
    half, back = port.width / 2 + BEYOND * layout.dbu, -depth * layout.dbu
    line = _line(port, kdb.DEdge(back, -half, back, half), layout.dbu)
    centre = kdb.Point((line.x1 + line.x2) // 2, (line.y1 + line.y2) // 2)
    parts = (part for part in _inside(layout, cell, index, line) if _holds(part, centre))
    return max((part.length() for part in parts), default=0.0)


def _holds(part: kdb.Edge, point: kdb.Point) -> bool:
    return part.bbox().enlarged(ROUNDING, ROUNDING).contains(point)


def wrong_length(cell: CellNetlist) -> tuple[float, float] | None:
    """What a straight says that its length is, and how far its ports are apart (um), when the two differ.

    Loss and phase are computed from the length that is written beside the drawing.
    """
    said = cell.settings.get("length", cell.info.get("length"))
    if cell.function != STRAIGHT or len(cell.ports) != 2 or isinstance(said, bool) or not isinstance(said, int | float):
        return None
    a, b = cell.ports
    apart = math.hypot(a.x - b.x, a.y - b.y)
    return (float(said), apart) if abs(apart - said) > SNAP_UM else None
