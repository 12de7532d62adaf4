"""The parts of a package, read from its layout file: by what is drawn on which layer, named as the file names it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.meta import CrossSection, instance_name, is_outside, read_cell_meta, read_cross_sections
from cpo_pdk.errors import LayoutError
from cpo_pdk.handover.centreline import chained, middle
from cpo_pdk.handover.parts import Connector, Die, Package, Points, Terminal
from cpo_pdk.handover.stacking import Drawn, DrawnFibre, Outline, Placed, stacked
from cpo_pdk.tech.layers import CONNECTOR_LEVELS, FIBER_LEVELS, LAYERS, layer_of

#: layer of fibres -> ribbon layer; layer of connectors -> row
FIBRE_LEVEL = {**{name: level for level, name in enumerate(FIBER_LEVELS, 1)}, "FIBER_PM": 0}
CONNECTOR_LEVEL = {**{name: level for level, name in enumerate(CONNECTOR_LEVELS, 1)}, "CONNECTOR_PM": 0}
#: layers with the outline of a body, and those with an outline that is none
BODIES = ("SUBSTRATE", "INTERPOSER", "CARRIER", "LID", "STIFFENER", "SOCKET", "COLDPLATE", "CAPACITORS")
MARKS = ("KEEPOUT", "OVERPASS", "SHORELINE")
#: what only lies outside of dies
_OUTSIDE = (*BODIES, *FIBRE_LEVEL, *CONNECTOR_LEVEL, "AIRWIRE")
#: width of a fibre where none tells, um
_FIBRE_WIDTH = 125.0
#: more dies, fibres and other parts than this are no package
PARTS_LIMIT = 100_000
#: a fibre, or a ribbon that is drawn as one cell, has fewer pieces
PIECES_LIMIT = 100_000
#: marks that a fibre may carry
_MARKED = ("TEXT", "PORT", "PORTE", "DEVREC")


def read_package(source: LayoutFile | str | Path) -> Package:
    """Read a package, or a single engine.

    Args:
        source: a GDS or OASIS file, read already or not.

    Raises:
        LayoutError: the file can't be read, or holds no die and nothing of a package.
    """
    file = source if isinstance(source, LayoutFile) else read_layout(source)
    reader = _Reader(file)
    reader.descend(file.top, kdb.DCplxTrans(), "")
    package = stacked(file.top.name, tuple(reader.dies.values()), reader.drawn)
    if not package.solids and not package.fibres:
        raise LayoutError(f"{file.path}: holds no die and no substrate; give the layout of a package or an engine")
    return package


@dataclass
class _Reader:
    file: LayoutFile
    drawn: Drawn = field(default_factory=Drawn)
    dies: dict[int, Die] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layout = self.file.layout
        found = {name: layout.find_layer(*layer_of(name)) for name in LAYERS}
        self.layers: dict[str, int] = {name: index for name, index in found.items() if index is not None}
        self.sections: dict[str, CrossSection] = read_cross_sections(layout)
        self._dies_below: dict[int, int] = {}
        self._fibres: dict[int, list[tuple[str, float, list[Points]]]] = {}
        self._drawn_pieces: dict[tuple[int, str], list[tuple[float, list[Points]]]] = {}

    def below(self, cell: kdb.Cell, *names: str) -> bool:
        """Whether a cell, or one below it, has something on one of these layers."""
        return any(not cell.bbox(self.layers[n]).empty() for n in names if n in self.layers)

    def dies_below(self, cell: kdb.Cell) -> int:
        """Number of die outlines in a cell and below it."""
        key = cell.cell_index()
        if key not in self._dies_below:
            own = sum(cell.shapes(self.layers[n]).size() for n in ("FLOORPLAN", "ASIC") if n in self.layers)
            self._dies_below[key] = own + sum(
                self.dies_below(self.file.layout.cell(i.cell_index)) * i.size() for i in cell.each_inst()
            )
        return self._dies_below[key]

    def descend(self, cell: kdb.Cell, trans: kdb.DCplxTrans, name: str) -> None:
        """Collect what a placed cell is, or what it holds."""
        outside = self.below(cell, *_OUTSIDE)
        if not outside and self.dies_below(cell) == 1:
            return self._die(cell, trans, name)
        if not self.below(cell, *_OUTSIDE, *MARKS, "FLOORPLAN", "ASIC", "EIC"):
            return None
        if outside and not self.below(cell, *(n for n in LAYERS if n not in (*FIBRE_LEVEL, *_MARKED))):
            return self._fibre(cell, trans, name)
        if self.below(cell, *CONNECTOR_LEVEL) and not self.below(cell, *BODIES, *FIBRE_LEVEL, "FLOORPLAN", "ASIC"):
            return self._connector(cell, trans, name)
        self._own(cell, trans, name)
        for number, (child, placed, own_name) in enumerate(self._children(cell, trans)):
            own_name = own_name or f"{self.file.layout.cell(child).name}_{number + 1}"
            self.descend(self.file.layout.cell(child), placed, f"{name}/{own_name}" if name else own_name)
        return None

    def _children(self, cell: kdb.Cell, trans: kdb.DCplxTrans) -> Iterator[tuple[int, kdb.DCplxTrans, str]]:
        for instance in sorted(cell.each_inst(), key=lambda i: (instance_name(i, cell.name), str(i.dcplx_trans))):
            if not self.below(instance.cell, *_OUTSIDE, *MARKS, "FLOORPLAN", "ASIC", "EIC"):
                continue
            if len(self.drawn.placed) + len(self.drawn.fibres) + instance.size() > PARTS_LIMIT:
                raise LayoutError(f"{self.file.path}: more than {PARTS_LIMIT} dies and fibres; give a package")
            given = instance_name(instance, cell.name)
            rows, columns = max(1, instance.nb), max(1, instance.na)
            for i in range(columns):
                for j in range(rows):
                    step = kdb.DCplxTrans(instance.da * float(i) + instance.db * float(j))
                    element = f"{given}[{i},{j}]" if given and rows * columns > 1 else given
                    yield instance.cell_index, trans * step * instance.dcplx_trans, element

    def _own(self, cell: kdb.Cell, trans: kdb.DCplxTrans, name: str) -> None:
        """What is drawn in a cell that is neither die nor fibre nor connector."""
        for layer in (*BODIES, *MARKS, "FLOORPLAN", "ASIC", "EIC"):
            if layer in self.layers and not cell.shapes(self.layers[layer]).is_empty():
                region = kdb.Region(cell.shapes(self.layers[layer])).merged()
                for polygon in region.each():
                    outline = _outline(polygon.to_dtype(self.file.layout.dbu).transformed(trans))
                    kind = self.drawn.marks if layer in MARKS else self.drawn.bodies
                    kind.append((layer, name, outline))
        for layer in CONNECTOR_LEVEL:
            for box in self._boxes(cell, layer):
                number = len(self.drawn.connectors) + 1
                placed = _edges(box.transformed(trans))
                self.drawn.connectors.append(Connector(f"connector_{number}", layer, CONNECTOR_LEVEL[layer], placed))
        if any(n in self.layers and not cell.shapes(self.layers[n]).is_empty() for n in FIBRE_LEVEL):
            self._fibre(cell, trans, name, own=True)
        self._airwires(cell, trans)

    def _boxes(self, cell: kdb.Cell, layer: str) -> Iterator[kdb.DBox]:
        if layer in self.layers:
            for polygon in kdb.Region(cell.shapes(self.layers[layer])).merged().each():
                yield polygon.to_dtype(self.file.layout.dbu).bbox()

    def _airwires(self, cell: kdb.Cell, trans: kdb.DCplxTrans) -> None:
        if "AIRWIRE" not in self.layers:
            return
        for shape in cell.shapes(self.layers["AIRWIRE"]).each():
            if shape.is_path():
                ends = [trans * p for p in shape.dpath.each_point()]
                self.drawn.airwires.append(((ends[0].x, ends[0].y), (ends[-1].x, ends[-1].y)))

    def _die(self, cell: kdb.Cell, trans: kdb.DCplxTrans, name: str) -> None:
        index = cell.cell_index()
        if index not in self.dies:
            self.dies[index] = self._kind_of_die(cell)
        self.drawn.placed.append(Placed(name or cell.name, self.dies[index], trans))

    def _kind_of_die(self, cell: kdb.Cell) -> Die:
        asic = self.below(cell, "ASIC")
        dbu = self.file.layout.dbu
        outline = cell.bbox(self.layers["ASIC" if asic else "FLOORPLAN"]).to_dtype(dbu)
        eic = cell.bbox(self.layers["EIC"]).to_dtype(dbu) if not asic and self.below(cell, "EIC") else None
        meta = read_cell_meta(cell, self.sections, dbu)
        terminals = [
            Terminal(
                p.name,
                "optical" if is_outside(p.port_type) else "electrical",
                round(p.trans.disp.x, 3),
                round(p.trans.disp.y, 3),
                p.trans.angle,
            )
            for p in meta.ports
            if is_outside(p.port_type) or p.port_type == "electrical"
        ]
        for entry in meta.info.get("lane_bumps") or []:
            match entry:
                case [str(lane), int() | float() as x, int() | float() as y] if math.isfinite(x) and math.isfinite(y):
                    terminals.append(Terminal(lane, "bump", float(x), float(y)))
                case _:
                    raise LayoutError(f"cell {cell.name!r}: lane_bumps holds {entry!r}, [name, x, y] needed")
        kind = "asic" if asic else "engine"
        number = 1 + sum(die.kind == kind for die in self.dies.values())
        return Die(
            cell.name,
            kind if number == 1 else f"{kind}_{number}",
            kind,
            cell.cell_index(),
            _edges(outline),
            None if eic is None else _edges(eic),
            self._bumps(cell, "ASIC_BUMP" if asic else "BUMP"),
            tuple(terminals),
        )

    def _bumps(self, cell: kdb.Cell, layer: str) -> NDArray[np.float64]:
        """Centre, width and height of each bump of a die, rising in y and x."""
        bumps = self._bumps_below(cell, layer)
        return bumps[np.lexsort((bumps[:, 0], bumps[:, 1]))]

    def _bumps_below(self, cell: kdb.Cell, layer: str) -> NDArray[np.float64]:
        if layer not in self.layers or cell.bbox(self.layers[layer]).empty():
            return np.empty((0, 4))
        boxes = [shape.dbbox() for shape in cell.shapes(self.layers[layer]).each()]
        found = [
            np.array([(b.center().x, b.center().y, b.width(), b.height()) for b in boxes], dtype=float).reshape(-1, 4)
        ]
        for instance in cell.each_inst():
            inner = self._bumps_below(instance.cell, layer)
            if len(inner):
                trans = instance.dcplx_trans
                size = np.abs(_moved(inner[:, 2:], kdb.DCplxTrans(1.0, trans.angle, False, 0, 0)))
                place = _moved(inner[:, :2], trans)
                places = (_steps(instance)[:, None] + place).reshape(-1, 2)
                found.append(np.concatenate([places, np.tile(size, (len(places) // len(size), 1))], axis=1))
        return np.round(np.concatenate(found), 4)

    def _connector(self, cell: kdb.Cell, trans: kdb.DCplxTrans, name: str) -> None:
        meta = read_cell_meta(cell, self.sections, self.file.layout.dbu)
        layer = next(n for n in CONNECTOR_LEVEL if self.below(cell, n))
        own = cell.bbox(self.layers[layer]).to_dtype(self.file.layout.dbu)
        given = meta.info.get("name") or meta.settings.get("name") or name
        ports = [trans * p.trans.disp.to_p() for p in meta.ports if re.fullmatch(r"p\d+", p.name)]
        places = tuple((round(p.x, 3), round(p.y, 3)) for p in ports)
        box = _edges(own.transformed(trans))
        self.drawn.connectors.append(Connector(str(given), layer, CONNECTOR_LEVEL[layer], box, places))

    def _fibre(self, cell: kdb.Cell, trans: kdb.DCplxTrans, name: str, own: bool = False) -> None:
        found = self._ways(cell, own)
        for number, (layer, width, pieces) in enumerate(found):
            placed = [_moved(piece, trans) for piece in pieces]
            given = f"{name}/{number + 1}" if name and len(found) > 1 else name or f"{layer}_{number + 1}"
            self.drawn.fibres.append(DrawnFibre(given, layer, FIBRE_LEVEL[layer], width, placed))

    def _ways(self, cell: kdb.Cell, own: bool) -> list[tuple[str, float, list[Points]]]:
        """The fibres of a cell in its own coordinates: layer, width, pieces."""
        key = cell.cell_index()
        if key not in self._fibres:
            ways = []
            for layer in FIBRE_LEVEL:
                pieces = self._pieces(cell, layer, own)
                width = max((width for width, _ in pieces), default=_FIBRE_WIDTH)
                ways += [(layer, width, fibre) for fibre in chained([passes for _, passes in pieces])]
            self._fibres[key] = ways
        return self._fibres[key]

    def _pieces(self, cell: kdb.Cell, layer: str, own: bool) -> list[tuple[float, list[Points]]]:
        """Width and ways through each piece of fibre on a layer, in coordinates of the cell; each cell once."""
        if layer not in self.layers or not self.below(cell, layer):
            return []
        key = (cell.cell_index(), layer)
        if key not in self._drawn_pieces:
            found = []
            for shape in cell.shapes(self.layers[layer]).each():
                if not (shape.is_polygon() or shape.is_box() or shape.is_path()):
                    continue
                passes = middle(shape.dpolygon, _FIBRE_WIDTH)
                if passes:
                    width = _FIBRE_WIDTH if len(passes) > 1 else _width(shape.dpolygon, passes[0])
                    found.append((width, passes))
                else:
                    self.drawn.notes.append(f"{cell.name}: an outline on {layer} is no fibre and was left out")
            for instance in () if own else cell.each_inst():
                inner = self._pieces(instance.cell, layer, own)
                if len(found) + len(inner) * instance.size() > PIECES_LIMIT:
                    raise LayoutError(f"{self.file.path}: more than {PIECES_LIMIT} pieces of fibre in {cell.name!r}")
                for step in _steps(instance) if inner else ():
                    trans = kdb.DCplxTrans(kdb.DVector(*step)) * instance.dcplx_trans
                    found += [(width, [_moved(way, trans) for way in passes]) for width, passes in inner]
            self._drawn_pieces[key] = found
        return self._drawn_pieces[key]


def _width(polygon: kdb.DPolygon, way: Points) -> float:
    """Width of a band from its area and its length, um."""
    return round(polygon.area() / float(np.hypot(*np.diff(way, axis=0).T).sum()), 2)


def _moved(points: Points, trans: kdb.DCplxTrans) -> Points:
    x, y = trans.disp.x, trans.disp.y
    one, other = trans * kdb.DVector(1, 0), trans * kdb.DVector(0, 1)
    return points @ np.array([[one.x, one.y], [other.x, other.y]]) + (x, y)


def _steps(instance: kdb.Instance) -> NDArray[np.float64]:
    """Shifts of the elements of an array, shape (N, 2)."""
    i, j = np.meshgrid(np.arange(max(1, instance.na)), np.arange(max(1, instance.nb)))
    a, b = instance.da, instance.db
    return np.stack([i.ravel() * a.x + j.ravel() * b.x, i.ravel() * a.y + j.ravel() * b.y], axis=1)


def _outline(polygon: kdb.DPolygon) -> Outline:
    hull = np.array([(p.x, p.y) for p in polygon.each_point_hull()])
    return hull, tuple(np.array([(p.x, p.y) for p in polygon.each_point_hole(h)]) for h in range(polygon.holes()))


def _edges(box: kdb.DBox) -> tuple[float, float, float, float]:
    return round(box.left, 3), round(box.bottom, 3), round(box.right, 3), round(box.top, 3)
