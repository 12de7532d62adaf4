"""Layouts made of the layout: OASIS, a file for each kind of die, all dies merged, black boxes without an inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.meta import instance_name
from cpo_pdk.errors import OutputError
from cpo_pdk.handover.parts import Die, Package
from cpo_pdk.handover.threedblox import bump_name
from cpo_pdk.output import write_bytes
from cpo_pdk.tech.layers import LAYERS, layer_of

#: corners of a polygon in a GDS file, as in the package's own
_CORNERS = 4000
#: side of the square that marks a bump's or port's place, um
_MARK = 4.0
#: what a black box shows of a die
_OPEN_LAYERS = frozenset({"FLOORPLAN", "EIC", "ASIC", "PADOPEN", "BUMP", "ASIC_BUMP", "PORT", "PORTE", "TEXT"})


def oasis(file: LayoutFile, path: Path) -> Path:
    """The whole layout as OASIS, compressed, with everything that the GDS file says.

    Args:
        file: what was read.
        path: of the file.
    """
    options = kdb.SaveLayoutOptions()
    options.format = "OASIS"
    options.oasis_compression_level = 10
    options.oasis_write_cblocks = True
    options.oasis_strict_mode = True
    options.write_context_info = True
    return _written(_with_even_paths(file.layout), options, path)


def _with_even_paths(layout: kdb.Layout) -> kdb.Layout:
    """The layout, or a copy in which paths of odd width are polygons: OASIS has only half widths."""

    def odd(shape: kdb.Shape) -> bool:
        return shape.is_path() and bool(shape.path_width % 2)

    wanted = [
        (cell.cell_index(), layer)
        for cell in layout.each_cell()
        for layer in layout.layer_indexes()
        if any(odd(shape) for shape in cell.shapes(layer).each(kdb.Shapes.SPaths))
    ]
    copy = layout.dup() if wanted else layout
    for index, layer in wanted:
        shapes, even = copy.cell(index).shapes(layer), kdb.Shapes()
        for shape in shapes.each():
            even.insert(shape.polygon) if odd(shape) else even.insert(shape)
        shapes.clear()
        shapes.insert(even)
    return copy


def dies(file: LayoutFile, package: Package, folder: Path, stem: str) -> list[Path]:
    """One GDS file for each kind of die, and one with all dies in their places and nothing else.

    Args:
        file: what was read.
        package: its parts.
        folder: of the files.
        stem: how their names begin.
    """
    made = []
    for die in package.dies:
        options = _gds(context=True)
        options.select_cell(die.cell_index)
        made.append(_written(file.layout, options, folder / f"{stem}_{die.label}.gds"))
    merged = kdb.Layout()
    merged.dbu = file.layout.dbu
    top = merged.create_cell(f"{package.name}_dies")
    cells = {}
    for die in package.dies:
        cells[die.cell_index] = merged.create_cell(die.name)
        cells[die.cell_index].copy_tree(file.layout.cell(die.cell_index))
    for placed in package.placed:
        at = top.insert(kdb.DCellInstArray(cells[placed.die.cell_index].cell_index(), placed.trans))
        at.set_property(0, placed.name)
    return [*made, _written(merged, _gds(), folder / f"{stem}_dies.gds")]


def black_boxes(file: LayoutFile, package: Package, path: Path) -> Path:
    """The package with dies that show outline, bumps and named ports only; package layers as drawn.

    Cells below a die are gone, and so is all that the file says in words (settings, devices, wavelengths); other cells
    have names that tell nothing.

    Args:
        file: what was read.
        package: its parts.
        path: of the GDS file.
    """
    box = _BlackBox(file, package)
    return _written(box.layout, _gds(), path)


class _BlackBox:
    def __init__(self, file: LayoutFile, package: Package) -> None:
        self.source = file.layout
        self.layout = kdb.Layout()
        self.layout.dbu = file.layout.dbu
        self.bumps: dict[tuple[float, float], kdb.Cell] = {}
        self.closed = {die.cell_index: self._die(die) for die in package.dies}
        self.open: dict[int, kdb.Cell] = {}
        # what lies outside of dies: layer there -> layer here
        self.outside = {
            index: self.layout.layer(*layer_of(name))
            for name, info in LAYERS.items()
            if info.group == "package"
            and name not in _OPEN_LAYERS
            and (index := file.layout.find_layer(*layer_of(name))) is not None
        }
        if file.top.cell_index() in self.closed:
            return
        top = self._outside(file.top, package.name)
        for connector in package.connectors:
            left, low, right, high = connector.box
            self._text(top, connector.name, (left + right) / 2, (low + high) / 2)

    def _outside(self, cell: kdb.Cell, name: str) -> kdb.Cell:
        """A cell outside of dies with what is drawn there on layers of the package, under a name that tells nothing."""
        made = self.layout.create_cell(name)
        self.open[cell.cell_index()] = made
        for there, here in self.outside.items():
            made.shapes(here).insert(cell.shapes(there))
        for instance in sorted(cell.each_inst(), key=lambda i: (instance_name(i, cell.name), str(i.dcplx_trans))):
            index = instance.cell_index
            known = self.closed.get(index) or self.open.get(index)
            if known is None and all(instance.cell.bbox(layer).empty() for layer in self.outside):
                continue
            known = known or self._outside(instance.cell, f"part_{len(self.open)}")
            array = instance.cell_inst.dup()
            array.cell_index = known.cell_index()
            placed = made.insert(array)
            if instance_name(instance, cell.name):
                placed.set_property(0, instance_name(instance, cell.name))
        return made

    def _die(self, die: Die) -> kdb.Cell:
        cell = self.layout.create_cell(die.name)
        self._box(cell, "ASIC" if die.kind == "asic" else "FLOORPLAN", *die.outline)
        if die.eic is not None:
            self._box(cell, "EIC", *die.eic)
        for x, y, pitch, count, size in _rows(die):
            bump = self._bump(size, "ASIC_BUMP" if die.kind == "asic" else "BUMP")
            cell.insert(
                kdb.DCellInstArray(
                    bump.cell_index(), kdb.DTrans(kdb.DVector(x, y)), kdb.DVector(pitch, 0), kdb.DVector(), count, 1
                )
            )
        for terminal in die.terminals:
            half, x, y = _MARK / 2, terminal.x, terminal.y
            self._box(cell, "PORT" if terminal.kind == "optical" else "PORTE", x - half, y - half, x + half, y + half)
            self._text(cell, terminal.name, x, y)
        return cell

    def _bump(self, size: tuple[float, float], layer: str) -> kdb.Cell:
        if size not in self.bumps:
            self.bumps[size] = self.layout.create_cell(bump_name(size))
            self._box(self.bumps[size], layer, -size[0] / 2, -size[1] / 2, size[0] / 2, size[1] / 2)
        return self.bumps[size]

    def _box(self, cell: kdb.Cell, layer: str, left: float, low: float, right: float, high: float) -> None:
        cell.shapes(self.layout.layer(*layer_of(layer))).insert(kdb.DBox(left, low, right, high))

    def _text(self, cell: kdb.Cell, name: str, x: float, y: float) -> None:
        cell.shapes(self.layout.layer(*layer_of("TEXT"))).insert(kdb.DText(name, kdb.DTrans(kdb.DVector(x, y))))


def _rows(die: Die) -> Iterator[tuple[float, float, float, int, tuple[float, float]]]:
    """Bumps as rows of even pitch: first x, y, pitch, number, size."""
    bumps = np.round(die.bumps, 3)
    order = np.lexsort((bumps[:, 0], bumps[:, 1], bumps[:, 3], bumps[:, 2]))
    bumps = bumps[order]
    start = 0
    while start < len(bumps):
        x, y, width, height = bumps[start].tolist()
        end, pitch = start + 1, 0.0
        while end < len(bumps) and np.array_equal(bumps[end, 1:], bumps[start, 1:]):
            step = round(float(bumps[end, 0] - bumps[end - 1, 0]), 3)
            if end > start + 1 and step != pitch:
                break
            pitch, end = step, end + 1
        yield x, y, pitch, end - start, (width, height)
        start = end


def _gds(context: bool = False) -> kdb.SaveLayoutOptions:
    options = kdb.SaveLayoutOptions()
    options.format = "GDS2"
    options.gds2_max_vertex_count = _CORNERS
    options.gds2_write_timestamps = False
    options.write_context_info = context
    return options


def _written(layout: kdb.Layout, options: kdb.SaveLayoutOptions, path: Path) -> Path:
    try:
        return write_bytes(path, layout.write_bytes(options))
    except RuntimeError as error:
        raise OutputError(
            f"{path}: can't be written ({' '.join(str(error).split())}); leave this format out with --only"
        ) from error
