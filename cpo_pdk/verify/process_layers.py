"""The layers of a file, merged hierarchically, and what a hierarchical result looks like from the top cell.

KLayout's deep mode works a cell out once, however often it is placed. What it finds in a cell is handed on once, with
the number of places, not once a place.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.tech.layers import LAYERS, layer_of

#: shapes that stand in fewer places than this on average gain nothing from the hierarchy
REPEATED = 1.5

Collection = kdb.Region | kdb.Edges | kdb.EdgePairs

_OF_FILES: dict[int, ProcessLayers] = {}


@dataclass(frozen=True)
class Finding:
    """Something that a rule objects to.

    Attributes:
        box: where, in the top cell, dbu.
        value: what was measured, in the unit of the rule; None where there is nothing to measure.
        places: in how many places of the top cell the same thing is found.
        note: what the value doesn't say.
        cell: name of the cell that `box` is in and that is to be told, where the shapes can't tell.
    """

    box: kdb.Box
    value: float | None = None
    places: int = 1
    note: str = ""
    cell: str = ""


class ProcessLayers:
    """Hierarchical regions of the process layers under one cell, each made when it is first asked for.

    Attributes:
        layout, top: what is looked at; `layout` has a database unit of 1 nm.
        placed: how often each cell stands in the top cell, by cell index, callers before callees.
        dbu: um.
    """

    def __init__(self, layout: kdb.Layout, top: kdb.Cell) -> None:
        self.layout = layout
        self.top = top
        self.dbu = layout.dbu
        self._store = kdb.DeepShapeStore()
        # a polygon that is cut in pieces gets new corners, rounded to the grid
        self._store.max_vertex_count = 0
        self._store.max_area_ratio = 0.0
        # with threads, even one, every operation waits for a worker: 0.01 to 0.05 s each
        self._store.threads = 0
        self.placed = placements(layout, top)
        self._repeated: dict[str, bool] = {}
        self._regions: dict[tuple[str, bool], kdb.Region] = {}
        self._drawn: dict[str, kdb.Region] = {}
        self._copies: dict[str, list[tuple[kdb.Polygon, list[kdb.Vector]]]] = {}
        self._edges: dict[tuple[str, bool], kdb.Edges] = {}

    def index(self, name: str) -> int | None:
        """Layer index of a layer name in the layout; None when the file doesn't have it."""
        return self.layout.find_layer(*layer_of(name))

    def indexes(self, names: Iterable[str]) -> list[int]:
        """Layer indices of those layers that the file has."""
        return [index for name in names if (index := self.index(name)) is not None]

    def dbus(self, um: float) -> int:
        """Length in um as whole database units."""
        return round(um / self.dbu)

    def region(self, name: str, *, alone: bool = False) -> kdb.Region:
        """Merged polygons of a layer.

        Args:
            name: the layer.
            alone: the layer is not put together with another: then it need not be hierarchical, and isn't where hardly
                any cell is placed twice (the way between neighbours through the hierarchy costs more than it saves).
        """
        key = (name, alone and not self._is_repeated(name))
        if key not in self._regions:
            shapes = kdb.RecursiveShapeIterator(self.layout, self.top, self.indexes([name]))
            region = kdb.Region(shapes) if key[1] else kdb.Region(shapes, self._store)
            region.merge()
            self._regions[key] = region
        return self._regions[key]

    def copies(self, name: str) -> list[tuple[kdb.Polygon, list[kdb.Vector]]]:
        """Merged polygons of a layer, flat, those of one shape once: the polygon, and the ways to its copies.

        Worth its while for layers with few and long polygons, such as fibres.
        """
        if name not in self._copies:
            self._copies[name] = equal_polygons(self.region(name, alone=True))
        return self._copies[name]

    def drawn(self, name: str) -> kdb.Region:
        """Hierarchical polygons of a layer as drawn, not merged: for what two layers share or don't."""
        if name not in self._drawn:
            region = kdb.Region(kdb.RecursiveShapeIterator(self.layout, self.top, self.indexes([name])), self._store)
            region.merged_semantics = False
            self._drawn[name] = region
        return self._drawn[name]

    def edges(self, name: str, *, alone: bool = False) -> kdb.Edges:
        """Edges of the merged polygons of a layer, interior on the right; see `region`."""
        key = (name, alone and not self._is_repeated(name))
        if key not in self._edges:
            edges = self.region(name, alone=alone).edges()
            edges.merged_semantics = False
            self._edges[key] = edges
        return self._edges[key]

    def _is_repeated(self, name: str) -> bool:
        """True when a shape of the layer stands in `REPEATED` places or more on average.

        Pieces of fibre repeat, but each time beside other neighbours: a package layer gains nothing from the hierarchy.
        """
        if name not in self._repeated:
            index = None if LAYERS[name].group == "package" else self.index(name)
            drawn = {} if index is None else {c: self.layout.cell(c).shapes(index).size() for c in self.placed}
            times = sum(self.placed[cell] * number for cell, number in drawn.items())
            self._repeated[name] = index is not None and times >= REPEATED * sum(drawn.values())
        return self._repeated[name]

    def flat_polygons(self, names: tuple[str, ...]) -> kdb.Region:
        """Polygons of some layers as drawn, not merged, in the coordinates of the top cell."""
        region = kdb.Region()
        region.merged_semantics = False
        for name in names:
            index = self.index(name)
            if index is not None:
                region += kdb.Region(kdb.RecursiveShapeIterator(self.layout, self.top, index))
        region.merged_semantics = False
        return region

    def shape_counts(self) -> dict[str, int]:
        """Number of shapes by layer name with every instance counted; only layers of the process that hold any."""
        present = {name: index for name in LAYERS if (index := self.index(name)) is not None}
        counts = dict.fromkeys(present, 0)
        for cell_index, times in self.placed.items():
            cell = self.layout.cell(cell_index)
            for name, layer in present.items():
                counts[name] += times * cell.shapes(layer).size()
        return {name: n for name, n in counts.items() if n}

    def distinct(self, collection: Collection) -> Iterator[tuple[kdb.Shape, kdb.ICplxTrans, int]]:
        """What a hierarchical collection holds, each cell's own once.

        Yields:
            a shape (polygon, edge or edge pair, in its cell's coordinates), the transformation to the top cell of one
            of its places, the number of its places.
        """
        if collection.is_empty():
            return
        found = kdb.Layout()
        found.dbu = self.dbu
        root = found.create_cell(self.top.name)
        layer = found.layer(1, 0)
        found.insert(root.cell_index(), layer, collection)
        placed = placements(found, root)
        first = first_places(found, root)
        for cell_index, times in placed.items():
            shapes = found.cell(cell_index).shapes(layer)
            if shapes.is_empty():
                continue
            for shape in shapes.each():
                yield shape, first[cell_index], times


def process_layers(file: LayoutFile) -> ProcessLayers:
    """The layers of a file, one set for all checks of it: what one has merged the next need not merge again."""
    known = _OF_FILES.get(id(file))
    if known is None:
        known = _OF_FILES[id(file)] = ProcessLayers(file.layout, file.top)
        weakref.finalize(file, _OF_FILES.pop, id(file), None)
    return known


def equal_polygons(region: kdb.Region) -> list[tuple[kdb.Polygon, list[kdb.Vector]]]:
    """The polygons of a region that differ by more than their place, each with the ways to where it stands.

    The first of the ways is (0, 0): the polygon itself is where the first one stands.
    """
    found: dict[kdb.Polygon, tuple[kdb.Polygon, list[kdb.Vector]]] = {}
    for polygon in region.each():
        origin = polygon.bbox().p1
        shape = polygon.moved(-origin.x, -origin.y)
        first, ways = found.setdefault(shape, (polygon.dup(), []))
        ways.append(origin - first.bbox().p1)
    return list(found.values())


def placements(layout: kdb.Layout, top: kdb.Cell) -> dict[int, int]:
    """How often each cell stands under `top` (itself once), by cell index, callers before callees."""
    below = {top.cell_index(), *top.called_cells()}
    order = [cell_index for cell_index in layout.each_cell_top_down() if cell_index in below]
    times = dict.fromkeys(order, 0)
    times[top.cell_index()] = 1
    for cell_index in order:
        own = times[cell_index]
        for inst in layout.cell(cell_index).each_inst():
            times[inst.cell_index] += own * inst.size()
    return times


def first_places(layout: kdb.Layout, top: kdb.Cell) -> dict[int, kdb.ICplxTrans]:
    """The transformation of one place of each cell under `top`."""
    first = {top.cell_index(): kdb.ICplxTrans()}
    for cell_index in layout.each_cell_top_down():
        if cell_index in first:
            for inst in layout.cell(cell_index).each_inst():
                if inst.cell_index not in first:
                    first[inst.cell_index] = first[cell_index] * inst.cplx_trans
    return first
