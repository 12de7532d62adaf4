"""Where cells stand in the top cell, and the points of a cell carried there; lengths in um."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.meta import instance_name
from cpo_pdk.verify.process_layers import placements

#: shape (N, 2), um
Points = NDArray[np.float64]
Numbers = NDArray[np.int64]
#: shapes that have an area
AREAS = kdb.Shapes.SPolygons | kdb.Shapes.SBoxes | kdb.Shapes.SPaths


@dataclass(frozen=True)
class Place:
    """One placement of a cell under the top cell.

    Attributes:
        trans: from the cell to the top cell, um.
        name: of the instances on the way there, outermost first, those that have one.
    """

    trans: kdb.DCplxTrans
    name: str = ""

    @property
    def mirrored(self) -> bool:
        """True when the cell is seen from below."""
        return self.trans.is_mirror()

    def points(self, points: Points) -> Points:
        """Points of the cell in the top cell."""
        return carried([self], points)[0]

    def directions(self, directions: Points) -> Points:
        """Unit vectors of the cell in the top cell."""
        return turned([self], directions)[0]


def matrices(places: Sequence[Place]) -> NDArray[np.float64]:
    """Rotation, mirror and scale of places, shape (N, 2, 2)."""
    angle = np.radians([place.trans.angle for place in places])
    flip = np.array([-1.0 if place.trans.is_mirror() else 1.0 for place in places])
    cos, sin = np.round(np.cos(angle), 15), np.round(np.sin(angle), 15)
    rows = np.stack([cos, -sin * flip, sin, cos * flip], axis=1).reshape(-1, 2, 2)
    return rows * np.array([place.trans.mag for place in places])[:, None, None]


def carried(places: Sequence[Place], points: Points) -> NDArray[np.float64]:
    """Points of a cell in the top cell, for each of its places: shape (N, points, 2)."""
    shift = np.array([(place.trans.disp.x, place.trans.disp.y) for place in places])
    return points @ matrices(places).transpose(0, 2, 1) + shift[:, None, :]


def turned(places: Sequence[Place], directions: Points) -> NDArray[np.float64]:
    """Unit vectors of a cell in the top cell, for each of its places: shape (N, vectors, 2)."""
    mag = np.array([place.trans.mag for place in places])
    return directions @ matrices(places).transpose(0, 2, 1) / mag[:, None, None]


class Places:
    """All placements of the cells that matter, found without looking into the others.

    Attributes:
        times: how often each cell stands under the top cell, by cell index.
    """

    def __init__(self, layout: kdb.Layout, top: kdb.Cell) -> None:
        self.layout = layout
        self.times = placements(layout, top)
        self._known: dict[int, list[Place]] = {top.cell_index(): [Place(kdb.DCplxTrans())]}
        self._instances: dict[int, dict[int, list[kdb.Instance]]] = {}
        self._elements_of: dict[tuple[int, int], list[Place]] = {}

    def of(self, cell_index: int) -> list[Place]:
        """Every placement of a cell; `times` says how many there will be."""
        if cell_index not in self._known:
            parents = {inst.parent_cell_index() for inst in self.layout.cell(cell_index).each_parent_inst()}
            self._known[cell_index] = [
                Place(outer.trans * inner.trans, _join(outer.name, inner.name))
                for parent in sorted(parents & set(self.times))
                for outer in self.of(parent)
                for inner in self._elements(parent, cell_index)
            ]
        return self._known[cell_index]

    def _elements(self, parent: int, child: int) -> list[Place]:
        """The placements of a cell directly in another one, arrays by element."""
        if parent not in self._instances:
            self._instances[parent] = {}
            for inst in self.layout.cell(parent).each_inst():
                self._instances[parent].setdefault(inst.cell_index, []).append(inst)
        if (parent, child) not in self._elements_of:
            name = self.layout.cell(parent).name
            found = [each for inst in self._instances[parent][child] for each in _multiplied(inst, name)]
            self._elements_of[parent, child] = found
        return self._elements_of[parent, child]


def _multiplied(inst: kdb.Instance, parent: str) -> list[Place]:
    """The elements of an instance, `name[column,row]` where there are several."""
    name = instance_name(inst, parent)
    if inst.size() <= 1:
        return [Place(inst.dcplx_trans, name)]
    return [
        Place(
            kdb.DCplxTrans(inst.da * column + inst.db * row) * inst.dcplx_trans,
            f"{name}[{column},{row}]" if name else "",
        )
        for column in range(inst.na)
        for row in range(inst.nb)
    ]


def _join(outer: str, inner: str) -> str:
    return f"{outer}/{inner}" if outer and inner else outer or inner


def centres(layout: kdb.Layout, cell: kdb.Cell, layer: int) -> tuple[Points, Points]:
    """Centres and half sizes of all shapes of a layer under a cell, in its coordinates.

    Args:
        layout: that the cell is in.
        cell: where to look.
        layer: index of the layer.

    Returns:
        two arrays of shape (N, 2), um; arrays of instances are multiplied out without visiting their elements.
    """
    known: dict[int, tuple[Points, Points]] = {}
    below = {cell.cell_index(), *cell.called_cells()}
    for index in layout.each_cell_bottom_up():
        inside = layout.cell(index)
        if index in below and not inside.bbox_per_layer(layer).empty():
            known[index] = _own_and_placed(inside, layer, known)
    return known.get(cell.cell_index(), (np.empty((0, 2)), np.empty((0, 2))))


def _own_and_placed(cell: kdb.Cell, layer: int, known: dict[int, tuple[Points, Points]]) -> tuple[Points, Points]:
    boxes = [shape.dbbox() for shape in cell.shapes(layer).each(AREAS)]
    middles = [np.array([(b.center().x, b.center().y) for b in boxes], float).reshape(-1, 2)]
    halves = [np.array([(b.width() / 2, b.height() / 2) for b in boxes], float).reshape(-1, 2)]
    for inst in cell.each_inst():
        if inst.cell_index not in known:
            continue
        inner, half = known[inst.cell_index]
        place = Place(inst.dcplx_trans)
        points = place.points(inner)
        size = half if abs(math.sin(math.radians(inst.dcplx_trans.angle))) < 0.5 else half[:, ::-1]
        if inst.size() > 1:
            i, j = np.meshgrid(np.arange(inst.na), np.arange(inst.nb), indexing="ij")
            steps = np.outer(i.ravel(), (inst.da.x, inst.da.y)) + np.outer(j.ravel(), (inst.db.x, inst.db.y))
            points = (steps[:, None, :] + points[None, :, :]).reshape(-1, 2)
            size = np.tile(size, (inst.size(), 1))
        middles.append(points)
        halves.append(size)
    return np.concatenate(middles), np.concatenate(halves)


def polygons_in(
    layout: kdb.Layout, cell: kdb.Cell, layer: int | None, box: kdb.DBox | None = None
) -> Iterator[kdb.DPolygon]:
    """Polygons of a layer under a cell in its coordinates, um; with a box only those whose boxes overlap it."""
    if layer is None:
        return
    room = kdb.Box.world() if box is None else box.to_itype(layout.dbu)
    shapes = kdb.RecursiveShapeIterator(layout, cell, layer, room, True)
    while not shapes.at_end():
        polygon = shapes.shape().dpolygon
        if polygon is not None:
            yield polygon.transformed(shapes.dtrans())
        shapes.next()
