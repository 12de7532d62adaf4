"""Parallel runs of a layout: every cell is looked into once, every pair of devices that lie alike is computed once.

In each cell, children whose boxes come close are opened until devices are left. Polygons of a cell that belong to no
device of the netlist count as guides of their own, one a polygon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.census.coupling_angle import reach_um
from cpo_pdk.circuit.census.facing import LocalRun, Shape, facing_runs, own_runs
from cpo_pdk.circuit.census.outline import PlacedPort, walls_of
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.tech.layers import layer_of

Real = NDArray[np.float64]

#: path of polygons that belong to no device
DRAWN = "(drawn)"
#: pairs of neighbours that are compared in one step
CHUNK = 4_000_000
#: ports of two devices are one when they are this close, um
SAME_PORT_UM = 0.0015


@dataclass(frozen=True)
class PlacedRun:
    """A run in a cell: paths of the devices from that cell, the run, and where the first device lies."""

    a: str
    b: str
    run: LocalRun
    trans: kdb.DCplxTrans

    @property
    def place(self) -> tuple[float, float]:
        """Where it is, um."""
        point = self.trans * kdb.DPoint(self.run.x, self.run.y)
        return (round(point.x, 4), round(point.y, 4))


@dataclass(frozen=True)
class _Child:
    """Something placed in a cell; `device`: there is nothing below it to be opened."""

    name: str
    cell: str
    trans: kdb.DCplxTrans
    box: kdb.DBox
    device: bool


@dataclass
class Neighbours:
    """Parallel runs of the cells of a layout.

    Args:
        file, netlists: the layout and what was extracted from it.
        wl: um; kappa is computed at each of them.
        level_dB: weaker runs are left out.

    Attributes:
        reach: largest gap that counts, um.
        computed: pairs of devices whose walls were compared.
        met: pairs of devices whose boxes come close, before equal ones are taken together.
    """

    file: LayoutFile
    netlists: Netlists
    wl: tuple[float, ...]
    level_dB: float = -80.0
    computed: int = 0
    met: int = 0
    _shapes: dict[str, Shape] = field(default_factory=dict)
    _children: dict[str, tuple[_Child, ...]] = field(default_factory=dict)
    _inner: dict[str, list[LocalRun]] = field(default_factory=dict)
    _pairs: dict[tuple[object, ...], list[LocalRun]] = field(default_factory=dict)
    _cells: dict[str, tuple[PlacedRun, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layout = self.file.layout
        self.core = layout.find_layer(*layer_of("WG"))
        self.slab = layout.find_layer(*layer_of("SLAB90"))
        self.reach = reach_um(self._longest(), self.level_dB, self.wl) if self.core is not None else 0.0

    def _longest(self) -> float:
        """Longest device, um."""
        longest = 10.0
        for name, cell in self.netlists.cells.items():
            if cell.leaf and self.core is not None:
                box = self.file.layout.cell(name).dbbox(self.core)
                area = cell.core_um2.get("/".join(map(str, layer_of("WG"))), 0.0)
                longest = max(longest, box.width(), box.height(), area / 0.4)
        return longest

    def runs(self, cell: str) -> tuple[PlacedRun, ...]:
        """All runs below a cell, in its coordinates."""
        if self.core is None:
            return ()
        if cell not in self._cells:
            self._cells[cell] = tuple(self._of(cell))
        return self._cells[cell]

    def inside(self, device: str) -> list[LocalRun]:
        """Runs between the guides of one device, which its model knows about."""
        if device not in self._inner:
            self._inner[device] = own_runs(self.shape(device), self.wl, self.reach, self.level_dB)
        return self._inner[device]

    def _of(self, cell: str) -> Iterator[PlacedRun]:
        if self.netlists.cells[cell].leaf:
            return
        children = self._opened(cell)
        for child in children:
            if not child.device:
                for inner in self.runs(child.cell):
                    yield PlacedRun(
                        f"{child.name}/{inner.a}", f"{child.name}/{inner.b}", inner.run, child.trans * inner.trans
                    )
            elif child.name == DRAWN:
                shape = self.shape(child.cell, drawn=True)
                for run in own_runs(shape, self.wl, self.reach, self.level_dB):
                    yield PlacedRun(DRAWN, DRAWN, run, child.trans)
        for first, second in self._close(children):
            for a, b in self._devices(first, second):
                yield from self._pair(a, b)

    def _opened(self, cell: str) -> tuple[_Child, ...]:
        """What lies in a cell and has cores, with boxes in its coordinates."""
        if cell in self._children:
            return self._children[cell]
        netlist = self.netlists.cells[cell]
        layout = self.file.layout
        found: list[_Child] = []
        for instance in netlist.instances:
            box = layout.cell(instance.cell).dbbox(self.core)
            if box.empty():
                continue
            trans = kdb.DCplxTrans(1.0, instance.rotation, instance.mirror, instance.x, instance.y)
            leaf = self.netlists.cells[instance.cell].leaf
            found.append(_Child(instance.name, instance.cell, trans, trans * box, leaf))
        own = self._drawn(cell)
        if not own.is_empty():
            found.append(_Child(DRAWN, cell, kdb.DCplxTrans(), own.bbox().to_dtype(layout.dbu), True))
        self._children[cell] = tuple(found)
        return self._children[cell]

    def _drawn(self, cell: str) -> kdb.Region:
        """Cores below a cell that belong to no instance of its netlist."""
        layout = self.file.layout
        iterator = kdb.RecursiveShapeIterator(layout, layout.cell(cell), self.core)
        placed = sorted({layout.cell(i.cell).cell_index() for i in self.netlists.cells[cell].instances})
        if placed:
            iterator.unselect_cells(placed)
        return kdb.Region(iterator).merged()

    def shape(self, cell: str, drawn: bool = False) -> Shape:
        """Walls and slab of a device, or of the polygons of a cell that belong to none."""
        key = f"{cell}/{DRAWN}" if drawn else cell
        if key not in self._shapes:
            layout = self.file.layout
            dbu = layout.dbu
            top = layout.cell(cell)
            region = self._drawn(cell) if drawn else kdb.Region(top.begin_shapes_rec(self.core)).merged()
            ports = () if drawn else self._ports(cell)
            slab = kdb.Region() if self.slab is None else kdb.Region(top.begin_shapes_rec(self.slab)).merged()
            edges = [(e.x1, e.y1, e.x2, e.y2) for e in slab.edges().each()]
            flat = np.array(edges, np.float64).reshape(-1, 4) * dbu
            self._shapes[key] = Shape(walls_of(region, dbu, ports), (flat[:, :2], flat[:, 2:]))
        return self._shapes[key]

    def _ports(self, cell: str) -> tuple[PlacedPort, ...]:
        turn = [(p, np.deg2rad(p.angle)) for p in self.netlists.cells[cell].ports if p.layer == layer_of("WG")]
        return tuple(PlacedPort(p.name, p.x, p.y, float(np.cos(t)), float(np.sin(t))) for p, t in turn)

    def _close(self, children: tuple[_Child, ...]) -> Iterator[tuple[_Child, _Child]]:
        """Pairs of children whose boxes are within reach."""
        boxes = np.array([(c.box.left, c.box.bottom, c.box.right, c.box.top) for c in children])
        if len(children) < 2:
            return
        step = max(1, CHUNK // len(children))
        for start in range(0, len(children), step):
            b = boxes[start : start + step]
            near = (b[:, None, :2] <= boxes[None, :, 2:] + self.reach).all(axis=2)
            near &= (b[:, None, 2:] + self.reach >= boxes[None, :, :2]).all(axis=2)
            for i, j in np.argwhere(near):
                if start + i < j:
                    yield children[start + int(i)], children[int(j)]

    def _devices(self, first: _Child, second: _Child) -> Iterator[tuple[_Child, _Child]]:
        """Pairs of devices in two children, in the coordinates of the cell that holds both."""
        if not first.box.enlarged(self.reach, self.reach).touches(second.box):
            return
        if first.device and second.device:
            yield first, second
        elif first.device or (not second.device and second.box.area() > first.box.area()):
            for inner in self._inside(second, first.box):
                yield from self._devices(first, inner)
        else:
            for inner in self._inside(first, second.box):
                yield from self._devices(inner, second)

    def _inside(self, child: _Child, box: kdb.DBox) -> Iterator[_Child]:
        """What is placed in a child, near a box."""
        wide = box.enlarged(self.reach, self.reach)
        for inner in self._opened(child.cell):
            place = child.trans * inner.box
            if place.touches(wide):
                yield _Child(f"{child.name}/{inner.name}", inner.cell, child.trans * inner.trans, place, inner.device)

    def _pair(self, a: _Child, b: _Child) -> Iterator[PlacedRun]:
        self.met += 1
        if _order(b) < _order(a):
            a, b = b, a
        relative = a.trans.inverted() * b.trans
        key = (*_order(a), *_order(b), *_rounded(relative))
        if key not in self._pairs:
            self._pairs[key] = self._compute(a, b, relative)
        for run in self._pairs[key]:
            yield PlacedRun(a.name, b.name, run, a.trans)

    def _compute(self, a: _Child, b: _Child, relative: kdb.DCplxTrans) -> list[LocalRun]:
        first, second = (self.shape(child.cell, child.name.endswith(DRAWN)) for child in (a, b))
        if _connected(first, second, relative):
            return []
        self.computed += 1
        return facing_runs(first, second, relative, self.wl, self.reach, self.level_dB)


def _order(child: _Child) -> tuple[str, bool]:
    return (child.cell, child.name.endswith(DRAWN))


def _rounded(trans: kdb.DCplxTrans) -> tuple[float, float, float, bool]:
    return (round(trans.disp.x, 4), round(trans.disp.y, 4), round(trans.angle, 6) % 360.0, trans.is_mirror())


def _connected(first: Shape, second: Shape, trans: kdb.DCplxTrans) -> bool:
    """Whether a port of one lies on a port of the other: what they pass over is in the models of both."""
    theirs = [trans * kdb.DPoint(port.x, port.y) for port in second.walls.ports]
    return any(
        abs(port.x - p.x) < SAME_PORT_UM and abs(port.y - p.y) < SAME_PORT_UM
        for port in first.walls.ports
        for p in theirs
    )
