"""Extract the optical netlist from a layout: ports meet in exactly one place, or it is reported.

Every cell is worked on once, whatever the number of its instances, and ports are found by a hash on their place, so
that the effort grows linearly with what the file holds.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile, captured_output
from cpo_pdk.circuit.meta import CellMeta, CrossSection, instance_name, is_optical, read_cell_meta, read_cross_sections
from cpo_pdk.circuit.netlist import CellNetlist, Instance, Netlists, NetProblem, Port, plain_dict
from cpo_pdk.circuit.touching import PlacedPort, touch
from cpo_pdk.errors import LayoutError
from cpo_pdk.tech.drawn_digest import Digests

#: largest number of placed instances in one cell that is netlisted
INSTANCE_LIMIT = 1_000_000
#: cell and what it says about itself -> what is said of it
Describe = Callable[[kdb.Cell, CellMeta], CellMeta]


@dataclass(frozen=True)
class _Placed:
    """An instance with its full transformation in the containing cell."""

    instance: Instance
    trans: kdb.DCplxTrans


class _Extractor:
    def __init__(self, file: LayoutFile, leaves: Collection[str], describe: Describe | None) -> None:
        self.file = file
        self.describe = describe
        self.layout = file.layout
        self.leaves = frozenset(leaves)
        self.sections: dict[str, CrossSection] = read_cross_sections(file.layout)
        self.metas: dict[int, CellMeta] = {}
        self.optics: dict[int, bool] = {}
        self.done: dict[str, CellNetlist] = {}

    def meta(self, index: int) -> CellMeta:
        if index not in self.metas:
            cell = self.layout.cell(index)
            meta = read_cell_meta(cell, self.sections, self.layout.dbu)
            self.metas[index] = meta if self.describe is None else self.describe(cell, meta)
        return self.metas[index]

    def has_optics(self, index: int) -> bool:
        """True when the cell, or a cell placed in it, has an optical port."""
        if index not in self.optics:
            own = any(is_optical(port.port_type) for port in self.meta(index).ports)
            self.optics[index] = own or any(self.has_optics(child) for child in self.children(index))
        return self.optics[index]

    def children(self, index: int) -> set[int]:
        return {inst.cell_index for inst in self.layout.cell(index).each_inst()}

    def is_leaf(self, index: int) -> bool:
        return self.meta(index).factory in self.leaves or not any(self.has_optics(c) for c in self.children(index))

    def run(self) -> Netlists:
        top = self.file.top.cell_index()
        pending = [top]
        while pending:
            index = pending.pop()
            name = self.layout.cell(index).name
            if name in self.done:
                continue
            self.done[name], more = self.cell(index)
            pending.extend(more)
        for problem in self.edited():
            holder = problem.cell if problem.cell in self.done else self.file.top.name
            known = self.done[holder]
            self.done[holder] = replace(known, problems=(*known.problems, problem))
        return Netlists(self.file.top.name, dict(sorted(self.done.items())))

    def edited(self) -> list[NetProblem]:
        """Cells whose polygons are no longer those that they were written with, by name."""
        problems: list[NetProblem] = []
        digests = Digests(self.layout)
        for index in sorted({self.file.top.cell_index(), *self.file.top.called_cells()}, key=self.name_of):
            cell = self.layout.cell(index)
            netlist = self.done.get(cell.name)
            if not digests.edited(cell, inside=netlist is not None and netlist.leaf):
                continue
            place = cell.dbbox().center() if not cell.bbox().empty() else kdb.DPoint()
            message = (
                "polygons are not those that its settings drew, edited by hand since; draw the cell again, or bind it "
                "under a name of its own"
            )
            problems.append(NetProblem("edited", cell.name, round(place.x, 6), round(place.y, 6), (), message))
        return problems

    def name_of(self, index: int) -> str:
        return self.layout.cell(index).name

    def cell(self, index: int) -> tuple[CellNetlist, set[int]]:
        meta = self.meta(index)
        ports = tuple(_port(entry) for entry in meta.ports if is_optical(entry.port_type))
        bare = CellNetlist(
            name=meta.cell,
            function=meta.function,
            factory=meta.factory,
            settings=plain_dict(meta.settings),
            info=plain_dict(meta.info),
            ports=ports,
        )
        if self.is_leaf(index):
            return replace(bare, core_um2=self.core_um2(index, meta)), set()
        placed = self.placed(index)
        instance_ports: list[PlacedPort] = []
        electrical = 0
        used: set[int] = set()
        for entry in placed:
            cell_index = self.layout.cell(entry.instance.cell).cell_index()
            used.add(cell_index)
            inner = self.meta(cell_index)
            open_here = _names(inner.info, "open_ports")
            for port in inner.ports:
                if not is_optical(port.port_type):
                    electrical += 1
                    continue
                place = entry.trans * port.trans
                instance_ports.append(
                    PlacedPort(
                        instance=entry.instance.name,
                        port=port.name,
                        port_type=port.port_type,
                        x=_grid(place.disp.x, self.layout.dbu),
                        y=_grid(place.disp.y, self.layout.dbu),
                        angle=place.angle % 360.0,
                        width=port.width,
                        layer=port.layer,
                        cross_section=port.cross_section,
                        opened=port.name in open_here,
                    )
                )
        own = [
            PlacedPort(
                instance="",
                port=port.name,
                port_type=port.port_type,
                x=_grid(port.trans.disp.x, self.layout.dbu),
                y=_grid(port.trans.disp.y, self.layout.dbu),
                angle=port.trans.angle % 360.0,
                width=port.width,
                layer=port.layer,
                cross_section=port.cross_section,
                opened=False,
            )
            for port in meta.ports
            if is_optical(port.port_type)
        ]
        found = touch(meta.cell, instance_ports, own, _names(meta.info, "open_ports"), self.layout.dbu)
        netlist = replace(
            bare,
            leaf=False,
            instances=tuple(entry.instance for entry in placed),
            connections=found.connections,
            exposed=found.exposed,
            outside=found.outside,
            opened=found.opened,
            problems=found.problems,
            electrical_ports=electrical,
        )
        return netlist, used

    def core_um2(self, index: int, meta: CellMeta) -> dict[str, float]:
        """Area drawn on each layer that an optical port of the cell lies on, by "layer/datatype"."""
        layers = sorted({port.layer for port in meta.ports if is_optical(port.port_type) and port.layer != (-1, -1)})
        found: dict[str, float] = {}
        for layer, datatype in layers:
            number = self.layout.find_layer(layer, datatype)
            area = 0.0
            if number is not None:
                shapes = kdb.Region(self.layout.cell(index).begin_shapes_rec(number)).merged()
                area = round(shapes.area() * self.layout.dbu**2, 6)
            found[f"{layer}/{datatype}"] = area
        return found

    def placed(self, index: int) -> list[_Placed]:
        """Optical instances of a cell; cells without optical ports of their own are dissolved into their instances."""
        raw = list(itertools.islice(self.raw(index, kdb.DCplxTrans(), "", set()), INSTANCE_LIMIT + 1))
        if len(raw) > INSTANCE_LIMIT:
            raise LayoutError(
                f"{self.file.path}: cell {self.layout.cell(index).name!r} holds more than {INSTANCE_LIMIT} optical "
                "instances; check its arrays"
            )
        raw.sort(key=lambda entry: (entry[0] == "", entry[0], self.layout.cell(entry[1]).name, _key(entry[2])))
        numbers: dict[str, int] = defaultdict(int)
        taken = {entry[0] for entry in raw if entry[0]}
        placed: list[_Placed] = []
        used: set[str] = set()
        for given, child, trans in raw:
            meta = self.meta(child)
            name = given
            stem = given or meta.function or meta.cell
            while not name or name in used or (not given and name in taken):
                numbers[stem] += 1
                name = f"{stem}~{numbers[stem]}"
            used.add(name)
            disp = trans.disp
            instance = Instance(
                name=name,
                cell=meta.cell,
                function=meta.function,
                x=round(disp.x, 6),
                y=round(disp.y, 6),
                rotation=round(trans.angle, 6) % 360.0,
                mirror=trans.is_mirror(),
            )
            placed.append(_Placed(instance, trans))
        placed.sort(key=lambda entry: entry.instance.name)
        return placed

    def raw(
        self, index: int, outer: kdb.DCplxTrans, prefix: str, unnamed: set[str]
    ) -> Iterator[tuple[str, int, kdb.DCplxTrans]]:
        """(name or "", cell index, transformation) of the optical instances in a cell."""
        for inst in self.layout.cell(index).each_inst():
            child = inst.cell_index
            if not self.has_optics(child):
                continue
            own_ports = any(is_optical(port.port_type) for port in self.meta(child).ports)
            if not own_ports and self.is_leaf(child):
                continue
            given = instance_name(inst, self.layout.cell(index).name)
            if abs(inst.dcplx_trans.mag - 1.0) > 1e-9:
                raise LayoutError(
                    f"{self.file.path}: instance {given or self.layout.cell(child).name!r} is magnified by "
                    f"{inst.dcplx_trans.mag:g}, 1 needed; draw the cell at its size"
                )
            if inst.size() > INSTANCE_LIMIT:
                raise LayoutError(
                    f"{self.file.path}: array {given or self.layout.cell(child).name!r} has {inst.size()} elements, "
                    f"limit {INSTANCE_LIMIT}; check its pitch and count"
                )
            for suffix, trans in _elements(inst):
                name = prefix + given + suffix if given else ""
                if own_ports:
                    yield name, child, outer * trans
                else:
                    stem = given or self.meta(child).function or self.meta(child).cell
                    path = prefix + stem + suffix
                    number = 1
                    while path in unnamed:
                        number += 1
                        path = f"{prefix}{stem}{suffix}~{number}"
                    unnamed.add(path)
                    yield from self.raw(child, outer * trans, path + "/", unnamed)


def _elements(inst: kdb.Instance) -> Iterator[tuple[str, kdb.DCplxTrans]]:
    """Transformation (um) of each element of an instance, with the suffix of its name."""
    base = inst.dcplx_trans
    if not inst.is_regular_array():
        yield "", base
        return
    columns, rows = max(1, inst.na), max(1, inst.nb)
    step_a, step_b = inst.da, inst.db
    if abs(step_a.x) < abs(step_b.x):
        columns, rows, step_a, step_b = rows, columns, step_b, step_a
    for column in range(columns):
        for row in range(rows):
            yield f"[{column},{row}]", kdb.DCplxTrans(step_a * column + step_b * row) * base


def _grid(value: float, dbu: float) -> int:
    """The coordinate in dbu; the tie is moved off the half, where rotated cells like to lie."""
    return math.floor(value / dbu + 0.5 + 1e-6)


def _key(trans: kdb.DCplxTrans) -> tuple[float, float, float, bool]:
    return (round(trans.disp.x, 6), round(trans.disp.y, 6), round(trans.angle, 6), trans.is_mirror())


def _port(entry: Any) -> Port:
    return Port(
        name=entry.name,
        port_type=entry.port_type,
        x=round(entry.trans.disp.x, 6),
        y=round(entry.trans.disp.y, 6),
        angle=round(entry.trans.angle, 6) % 360.0,
        width=round(entry.width * 1e-3, 6),
        layer=entry.layer,
        cross_section=entry.cross_section,
    )


def _names(info: dict[str, Any], key: str) -> frozenset[str]:
    value = info.get(key, ())
    return frozenset(str(item) for item in value) if isinstance(value, list | tuple) else frozenset()


def extract(file: LayoutFile, leaves: Collection[str] = (), describe: Describe | None = None) -> Netlists:
    """Extract the optical circuit of a layout.

    A cell is a leaf when its factory is in `leaves`, or when nothing optical is placed in it. Cells that have no
    optical port of their own are dissolved into what they hold. A port may stay open when it faces the world (types
    `edge...` and `vertical_...`), when the `open_ports` of its own cell's info names it, or when the `open_ports` of
    the containing cell names it as `instance.port`.

    Args:
        file: see `read_layout`.
        leaves: factories of the cells that are one device; see `leaves.leaf_factories`.
        describe: makes of what a cell says about itself what is to be said of it, for layouts of other PDKs.

    Returns:
        the netlist; whatever doesn't fit is in `problems`.

    Raises:
        LayoutError: a port without place or cross-section, an absurd number of instances, damaged geometry.
    """
    fault: RuntimeError | None = None
    with captured_output():
        try:
            return _Extractor(file, leaves, describe).run()
        except RuntimeError as error:  # KLayout's own, of polygons that it can't merge
            fault = error
    text = " ".join(str(fault).split())
    raise LayoutError(
        f"{file.path}: the circuit can't be read ({text}); the geometry is damaged, build it again"
    ) from fault
