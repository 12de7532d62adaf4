"""Dies: an outline, and the cell that holds what is on it.

The outline of a die is often drawn in a cell of its own (a frame) beside what it belongs to. A die is found once per
cell, in the coordinates of the deepest cell that holds outline and contents; a cell with everything in it, without any
hierarchy, is found the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.verify.assembly.placed import AREAS


@dataclass(frozen=True)
class Outline:
    """The outline of a die in the cell that holds the die.

    Attributes:
        cell_index: of that cell.
        polygon: in that cell's coordinates, um.
    """

    cell_index: int
    polygon: kdb.DPolygon


def find_outlines(layout: kdb.Layout, top: kdb.Cell, outline: int, contents: Sequence[int]) -> list[Outline]:
    """The outlines of dies under a cell, each once however often its cell is placed.

    Args:
        layout: that the cell is in.
        top: where to look.
        outline: index of the layer of outlines.
        contents: indices of the layers that tell where the rest of the die is.
    """
    found: list[Outline] = []
    seen: set[int] = set()
    todo = [top.cell_index()]
    while todo:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        cell = layout.cell(index)
        found += [Outline(index, polygon) for polygon in _own(cell, outline)]
        for inst in cell.each_inst():
            if inst.cell.bbox_per_layer(outline).empty():
                continue
            if inst.size() > 1 or not _is_frame(cell, inst, outline, contents):
                todo.append(inst.cell_index)
                continue
            frames = find_outlines(layout, inst.cell, outline, contents)
            found += [
                Outline(index, polygon.transformed(inst.dcplx_trans))
                for frame in frames
                if frame.cell_index == inst.cell_index
                for polygon in (frame.polygon,)
            ]
            todo += [frame.cell_index for frame in frames if frame.cell_index != inst.cell_index]
    return found


def _own(cell: kdb.Cell, layer: int) -> list[kdb.DPolygon]:
    return [shape.dpolygon for shape in cell.shapes(layer).each(AREAS)]


def _is_frame(cell: kdb.Cell, inst: kdb.Instance, outline: int, contents: Sequence[int]) -> bool:
    """True when what lies on the outline in `inst` is placed beside it in the cell and not in it."""
    box = inst.bbox_per_layer(outline)
    box = box.enlarged(-min(1, box.width() // 4), -min(1, box.height() // 4))
    for layer in contents:
        if any(True for _ in cell.shapes(layer).each_overlapping(box)):
            return True
    for other in cell.each_overlapping_inst(box):
        same = other.cell_index == inst.cell_index and other.cplx_trans == inst.cplx_trans
        if same or not other.bbox_per_layer(outline).empty():
            continue
        if any(other.bbox_per_layer(layer).overlaps(box) for layer in contents):
            return True
    return False
