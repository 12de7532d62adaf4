"""A hash of what is drawn on each layer, that stays the same when a layout is written again in another format.

Form 1. The hash of a layer is that of the top cell on that layer. The hash of a cell on a layer is the SHA-256 of

- the merged polygons that lie in the cell itself, as text, in sorted order, in database units, and
- for each pair of (hash of a placed cell on that layer, rotation, mirror and magnification) in sorted order: the
  origins of all its placements in the cell, elements of arrays one by one, sorted by x, then y.

Cells without polygons on the layer, below them neither, are left out. So the names and the order of cells, the order of
shapes and instances, polygons or boxes or paths, arrays or single placements, equal cells that became one, texts and
meta information do not matter; any corner that moves does, and so does a cell that was dissolved into its container.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

FORM = 1
#: rotation, mirror and magnification of a placement as text
Orientation = str
Origins = NDArray[np.int64]


@dataclass(frozen=True)
class GeometryHash:
    """Hash of a layout and of each of its layers that hold polygons, by "number/datatype", or by name without one."""

    total: str
    layers: dict[str, str]


def geometry_hash(layout: kdb.Layout, top: kdb.Cell) -> GeometryHash:
    """The geometry hash (see the head of this module) of what lies under one cell.

    Args:
        layout: with a finite hierarchy.
        top: a cell of it.

    Raises:
        RuntimeError: polygons that KLayout can't merge.
    """
    numbers: dict[str, list[int]] = defaultdict(list)
    for index in layout.layer_indexes():
        numbers[layer_key(layout.get_info(index))].append(index)
    below = {top.cell_index(), *top.called_cells()}
    order = [index for index in layout.each_cell_bottom_up() if index in below]
    holds: set[int] = set()
    placed: dict[int, dict[tuple[int, Orientation], Origins]] = {}
    for index in order:
        cell = layout.cell(index)
        placed[index] = _placements(cell, holds)
        if placed[index] or any(not cell.shapes(number).is_empty() for number in layout.layer_indexes()):
            holds.add(index)
    layers: dict[str, str] = {}
    for key in sorted(numbers, key=_by_number):
        known: dict[int, str] = {}
        for index in order:
            found = _cell(layout.cell(index), numbers[key], placed[index], known)
            if found:
                known[index] = found
        if top.cell_index() in known:
            layers[key] = known[top.cell_index()]
    words = "".join(f"{key} {value}\n" for key, value in layers.items())
    return GeometryHash(hashlib.sha256(words.encode()).hexdigest(), layers)


def layer_key(info: kdb.LayerInfo) -> str:
    """`number/datatype` of a layer, or its name where a file gives it no number."""
    return info.name if info.layer < 0 else f"{info.layer}/{info.datatype}"


def _by_number(key: str) -> tuple[int, int, str]:
    number, _, datatype = key.partition("/")
    return (int(number), int(datatype), "") if number.isdigit() and datatype.isdigit() else (1 << 30, 0, key)


def _placements(cell: kdb.Cell, holds: set[int]) -> dict[tuple[int, Orientation], Origins]:
    """Origins of what is placed in a cell, by cell and orientation; shape (N, 2), dbu.

    Only of the cells in `holds`: an array of empty ones may have any number of elements.
    """
    found: dict[tuple[int, Orientation], list[Origins]] = defaultdict(list)
    for inst in cell.each_inst():
        if inst.cell_index not in holds:
            continue
        trans = inst.cplx_trans
        origin = np.array([[trans.disp.x, trans.disp.y]], np.int64)
        if inst.is_regular_array():
            columns, rows = np.arange(max(1, inst.na)), np.arange(max(1, inst.nb))
            along = columns[:, None] * np.array([[inst.a.x, inst.a.y]], np.int64)
            across = rows[:, None] * np.array([[inst.b.x, inst.b.y]], np.int64)
            origin = (origin + (along[:, None, :] + across[None, :, :]).reshape(-1, 2)).astype(np.int64)
        turn = f"{trans.angle % 360.0:.6f} {int(trans.is_mirror())} {trans.mag:.9f}"
        found[inst.cell_index, turn].append(origin)
    return {key: np.concatenate(origins) for key, origins in found.items()}


def _cell(
    cell: kdb.Cell, numbers: list[int], placed: dict[tuple[int, Orientation], Origins], known: dict[int, str]
) -> str:
    """Hash of a cell on one layer; empty where nothing is drawn."""
    drawn = kdb.Region()
    for number in numbers:
        if not cell.shapes(number).is_empty():
            drawn.insert(cell.shapes(number))
    polygons = sorted(str(polygon) for polygon in drawn.merged().each()) if not drawn.is_empty() else []
    groups: dict[tuple[str, Orientation], list[Origins]] = defaultdict(list)
    for (index, turn), origins in placed.items():
        if index in known:
            groups[known[index], turn].append(origins)
    if not polygons and not groups:
        return ""
    total = hashlib.sha256("|".join(polygons).encode())
    for (inner, turn), parts in sorted(groups.items(), key=lambda item: item[0]):
        origins = np.concatenate(parts)
        origins = origins[np.lexsort((origins[:, 1], origins[:, 0]))]
        total.update(f"\n{inner} {turn} ".encode())
        total.update(np.ascontiguousarray(origins, "<i8").tobytes())
    return total.hexdigest()
