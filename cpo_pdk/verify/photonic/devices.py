"""What the file says that its silicon is: cells of known functions, boxes of devices, ports.

A rule that devices may break names them under `exempt`: patterns of function names (`mmi*`), `device` for every cell
that is one device and no plain guide, `foreign` for devices of functions that no sheet knows. The inside of such a cell
is exempt, not its surroundings: what lies across its border isn't. A box on DEVREC, which is what a file without a word
about its cells has, counts as any device; one that is narrower than `SLIMMEST_BOX_UM` is drawn around a routed guide
and does not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

import klayout.db as kdb

from cpo_pdk.circuit.meta import CellMeta, is_optical, read_cell_meta, read_cross_sections
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.design_rules.places import deepest_path

#: function names of cells that only guide; nothing in them is a device
PLAIN = ("straight", "bend_*", "taper*", "spiral*", "s_bend*", "wire*", "route*", "waveguide*")
#: a box on DEVREC with a side below this is a routed guide's, um
SLIMMEST_BOX_UM = 4.5
#: words in `exempt`: any device, and one of a function that is not known here
ANY_DEVICE, FOREIGN_DEVICE = "device", "foreign"
#: a port lies on an end of a guide when it is this near, um
AT_PORT_UM = 0.1


class Devices:
    """The devices of a file, looked up where something was found."""

    def __init__(self, layout: kdb.Layout, top: kdb.Cell, leaves: Collection[str]) -> None:
        self.layout = layout
        self.top = top
        self.leaves = frozenset(leaves)
        self._metas: dict[int, CellMeta] = {}
        self._device: dict[int, bool] = {}
        self._ported: set[int] | None = None
        self._sections = read_cross_sections(layout)
        # marks speak for cells that don't: where cells say what they are, a box drawn over them excuses nothing
        told = any(self.meta(index).function for index in (top.cell_index(), *top.called_cells()))
        self._boxes = None if told else layout.find_layer(*layer_of("DEVREC"))
        self._marks = None if told else layout.find_layer(*layer_of("PORT"))

    def meta(self, index: int) -> CellMeta:
        """What a cell says about itself."""
        if index not in self._metas:
            self._metas[index] = read_cell_meta(self.layout.cell(index), self._sections, self.layout.dbu)
        return self._metas[index]

    def excuse(self, rule: Rule, layers: Sequence[int], box: kdb.Box) -> bool:
        """True when a place lies inside a device that the rule exempts.

        Args:
            rule: its `exempt` counts.
            layers: of the shapes that tell the cell.
            box: in the coordinates of the top cell, dbu.
        """
        patterns = str(rule.more.get("exempt", "")).split()
        if not patterns:
            return False
        top = self.top.cell_index()
        path = [element.inst().cell_index for element in deepest_path(self.layout, self.top, layers, box)]
        return any(self._is_exempt(index, patterns) for index in (top, *path)) or self.in_box(box)

    def is_told(self, layers: Sequence[int], box: kdb.Box) -> bool:
        """True when a place lies in a cell that the file says the function of."""
        path = [element.inst().cell_index for element in deepest_path(self.layout, self.top, layers, box)]
        return any(map(self._is_device, (self.top.cell_index(), *path)))

    def _is_exempt(self, index: int, patterns: Sequence[str]) -> bool:
        meta = self.meta(index)
        if not meta.function:
            return False
        if any(fnmatchcase(meta.function, pattern) for pattern in patterns):
            return True
        if ANY_DEVICE in patterns:
            return self._is_device(index)
        return FOREIGN_DEVICE in patterns and meta.factory not in self.leaves and self._is_device(index)

    def _is_device(self, index: int) -> bool:
        """True for a cell that is one device; the top cell, which a whole chip may have been flattened into, only when
        its function is known.
        """
        if index not in self._device:
            self._device[index] = self._judged(index)
        return self._device[index]

    def _judged(self, index: int) -> bool:
        meta = self.meta(index)
        if not meta.function or any(fnmatchcase(meta.function, plain) for plain in PLAIN):
            return False
        return meta.factory in self.leaves or (index != self.top.cell_index() and self._stands_alone(index))

    def _stands_alone(self, index: int) -> bool:
        """True for a cell with optical ports that isn't put together from cells with optical ports."""

        def has_optics(cell: int) -> bool:
            return any(is_optical(port.port_type) for port in self.meta(cell).ports)

        return has_optics(index) and not any(map(has_optics, self.layout.cell(index).called_cells()))

    def owner(self, path: Sequence[kdb.InstElement]) -> tuple[str, ...]:
        """The device that something belongs to, named by where it stands; empty when it belongs to none."""
        if self._is_device(self.top.cell_index()):
            return (self.top.name,)
        for depth, element in enumerate(path, start=1):
            if self._is_device(element.inst().cell_index):
                return (*(str(e.specific_cplx_trans()) for e in path[:depth]), str(element.inst().cell_index))
        return ()

    def in_box(self, box: kdb.Box) -> bool:
        """True when a place lies in a box that marks a device."""
        if self._boxes is None:
            return False
        found = kdb.RecursiveShapeIterator(self.layout, self.top, self._boxes, box, False)
        slimmest = round(SLIMMEST_BOX_UM / self.layout.dbu)
        while not found.at_end():
            shape = found.shape()
            outline = shape.bbox().transformed(found.trans())
            if box.inside(outline) and min(outline.width(), outline.height()) >= slimmest:
                polygon = shape.polygon
                if polygon is not None and polygon.is_box():
                    return True
            found.next()
        return False

    def is_port(self, layers: Sequence[int], box: kdb.Box) -> bool:
        """True when a port lies at a place: of a cell there, or of one placed there, or marked in the top cell."""
        near = round(AT_PORT_UM / self.layout.dbu)
        box = box.enlarged(near, near)
        if self._marks is not None and any(True for _ in self.top.shapes(self._marks).each_touching(box)):
            return True
        cell, inner = self.top, box
        path = [*deepest_path(self.layout, self.top, layers, box), None]
        for element in path:
            if self._has_port(cell, inner, 0):
                return True
            if element is not None:
                inner = inner.transformed(element.specific_cplx_trans().inverted())
                cell = self.layout.cell(element.inst().cell_index)
        return False

    def _has_port(self, cell: kdb.Cell, box: kdb.Box, depth: int) -> bool:
        """Whether a port of the cell lies in the box, or of a cell placed in it, down to where there are ports."""
        dbox = box.to_dtype(self.layout.dbu)
        for port in self.meta(cell.cell_index()).ports:
            if is_optical(port.port_type) and dbox.contains(port.trans.disp.x, port.trans.disp.y):
                return True
        if depth > 0 and self.meta(cell.cell_index()).ports:
            return False
        for instance in cell.each_touching_inst(box):
            if instance.cell_index not in self._with_ports():
                continue
            child = self.layout.cell(instance.cell_index)
            array = instance.cell_inst
            for trans in array.each_cplx_trans() if array.size() < 10_000 else ():
                inner = box.transformed(trans.inverted())
                if child.bbox().touches(inner) and self._has_port(child, inner, depth + 1):
                    return True
        return False

    def _with_ports(self) -> set[int]:
        """Cells that have an optical port, or hold a cell that has one: the others need not be searched."""
        if self._ported is None:
            self._ported = set()
            for index in (self.top.cell_index(), *self.top.called_cells()):
                if any(is_optical(port.port_type) for port in self.meta(index).ports):
                    self._ported |= {index, *self.layout.cell(index).caller_cells()}
        return self._ported
