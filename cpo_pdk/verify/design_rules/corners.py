"""Rule kinds about corners: grid, angle."""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.outline import contours
from cpo_pdk.verify.process_layers import Finding, ProcessLayers, placements

#: corners nearer to each other than this are one corner, dbu
JOG = 10


def grid(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Corners off the grid in the coordinates of the top cell, and cells placed so that their corners fall off it."""
    indexes = layers.indexes(rule.layers)
    steps = layers.dbus(rule.value)
    if steps > 1:
        for index in indexes:
            region = kdb.Region(kdb.RecursiveShapeIterator(layers.layout, layers.top, index))
            region.merged_semantics = False
            for pair in region.grid_check(steps, steps).each():
                yield Finding(pair.bbox(), None, 1, "corner")
    holds = _cells_with(layers, indexes)
    for cell_index, places in placements(layers.layout, layers.top).items():
        cell = layers.layout.cell(cell_index)
        for inst in cell.each_inst():
            if inst.cell_index in holds and inst.is_complex():
                note = f"{inst.cell.name} placed at {inst.cplx_trans.angle:g} degrees, scale {inst.cplx_trans.mag:g}"
                yield Finding(inst.bbox(), None, places, note, cell.name)


def _cells_with(layers: ProcessLayers, indexes: list[int]) -> set[int]:
    """Cells that hold a shape on one of the layers, in themselves or below."""
    holds: set[int] = set()
    for cell_index in layers.layout.each_cell_bottom_up():
        cell = layers.layout.cell(cell_index)
        below = holds.intersection(cell.each_child_cell())
        if below or any(not cell.shapes(i).is_empty() for i in indexes):
            holds.add(cell_index)
    return holds


def angle(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Corners sharper than the limit, of the material or of a notch in it."""
    for name in rule.layers:
        for shape, to_top, places in layers.distinct(layers.region(name, alone=True)):
            for points in contours(shape.polygon):
                for index, degrees in _sharp(points, rule.value):
                    x, y = (round(v) for v in points[index])
                    yield Finding(kdb.Box(x, y, x, y).enlarged(JOG, JOG).transformed(to_top), degrees, places, name)


def _sharp(points: NDArray[np.float64], limit: float) -> list[tuple[int, float]]:
    """Index and angle of the corners of a contour (dbu, shape (N, 2)) below `limit` degrees; jogs are passed over."""
    step = np.hypot(*(points - np.roll(points, 1, axis=0)).T)
    kept = np.flatnonzero(step > JOG)
    if len(kept) < 3:
        kept = np.arange(len(points))
    p = points[kept]
    back, ahead = np.roll(p, 1, axis=0) - p, np.roll(p, -1, axis=0) - p
    cross = back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0]
    degrees = np.degrees(np.arctan2(np.abs(cross), (back * ahead).sum(axis=1)))
    return [(int(kept[i]), float(degrees[i])) for i in np.flatnonzero(degrees < limit - 0.5)]
