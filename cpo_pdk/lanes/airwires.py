"""The traces between switch and engines, read from the drawing: one two-point path a lane, from bump to bump.

A trace is not routed: its length is that along x and y, the least that a board with orthogonal layers needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.meta import is_optical, read_cell_meta, read_cross_sections
from cpo_pdk.tech.layers import layer_of

#: function of the cell that is the switch die
ASIC = "asic"
_LANE = re.compile(r"(tx|rx)_[0-9]+$")
Place = tuple[float, float]


@dataclass(frozen=True)
class Airwire:
    """One drawn trace: its two ends in the package, um."""

    a: Place
    b: Place


@dataclass(frozen=True)
class Traces:
    """What is drawn between the dies.

    Attributes:
        serdes: place of each serial lane's bump in the package -> its name, `tx_17`.
        wires: the traces.
        odd: shapes on the layer that are no two-point path, by their middle.
        doubled: names of serial lanes that share a place with another.
    """

    serdes: dict[Place, str]
    wires: tuple[Airwire, ...]
    odd: tuple[Place, ...] = ()
    doubled: tuple[str, ...] = ()


def read_traces(layout: kdb.Layout, top: kdb.Cell) -> Traces:
    """Serial lanes of the switch and the airwires of a package.

    Args:
        layout: that holds `top`.
        top: the package.

    Raises:
        LayoutError: a port of the switch can't be understood.
    """
    serdes, doubled = _serdes(layout, top)
    wires: list[Airwire] = []
    odd: list[Place] = []
    index = layout.find_layer(*layer_of("AIRWIRE"))
    if index is not None:
        shapes = top.begin_shapes_rec(index)
        while not shapes.at_end():
            shape, trans = shapes.shape(), shapes.dtrans()
            points = [trans * p for p in shape.dpath.each_point()] if shape.is_path() else []
            if len(points) == 2:
                wires.append(Airwire(_place(points[0]), _place(points[1])))
            else:
                odd.append(_place((trans * shape.dbbox()).center()))
            shapes.next()
    return Traces(serdes, tuple(wires), tuple(odd), tuple(doubled))


def _serdes(layout: kdb.Layout, top: kdb.Cell) -> tuple[dict[Place, str], list[str]]:
    sections = read_cross_sections(layout)
    found: dict[Place, str] = {}
    doubled: list[str] = []
    targets = []
    ports: dict[str, list[tuple[str, kdb.DPoint]]] = {}
    for number in (top.cell_index(), *top.called_cells()):
        cell = layout.cell(number)
        meta = read_cell_meta(cell, sections, layout.dbu)
        if meta.function != ASIC:
            continue
        lanes = [p for p in meta.ports if not is_optical(p.port_type) and _LANE.match(p.name)]
        ports[cell.name] = [(p.name, kdb.DPoint(p.trans.disp.x, p.trans.disp.y)) for p in lanes]
        targets.append(number)
    if not targets:
        return found, doubled
    places = kdb.RecursiveInstanceIterator(layout, top)
    places.targets = targets
    dies = [(place.inst_cell().name, place.dtrans() * place.inst_dtrans()) for place in places.each()]
    for number, (name, trans) in enumerate(dies, start=1):
        prefix = f"asic_{number}/" if len(dies) > 1 else ""
        for port, point in ports[name]:
            place = _place(trans * point)
            if place in found:
                doubled.append(prefix + port)
            else:
                found[place] = prefix + port
    return found, doubled


def _place(point: kdb.DPoint) -> Place:
    return (round(point.x, 3) + 0.0, round(point.y, 3) + 0.0)
