"""Rule kind `density`: how much of every window of a die a layer covers.

The die is divided into bins as large as the step of the window. The area in each bin is exact: every edge of the merged
polygons adds the area to its right, bin by bin (as an outline font is drawn with exact coverage); a window is a sum of
bins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.design_rules.dies import Dies, find_dies
from cpo_pdk.verify.process_layers import Finding, ProcessLayers, first_places

#: windows of which a smaller share lies in the die are passed over
INSIDE = 0.5
#: shares that differ by less are equal
_EQUAL = 1e-9
#: more bins than this in one die are refused
BIN_LIMIT = 4_000_000
_Floats = NDArray[np.float64]


def density(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Windows that a layer covers too much or too little."""
    name = str(rule.more["die"])
    index, outlines = layers.index(rule.layers[0]), layers.index(name)
    found = find_dies(layers, name)
    if index is None or outlines is None or not found.dies:
        return
    strays = _strays(layers, index, found)
    first = first_places(layers.layout, layers.top)
    for die in found.dies:
        places, disturbed = [first[die.cell.cell_index()]], []
        if not strays.is_empty():
            everywhere = _places(layers, die.cell)
            boxes = [die.outline.bbox().transformed(place) for place in everywhere]
            apart = _region(boxes)
            apart.merged_semantics = False
            hit = {(b.left, b.bottom, b.right, b.top) for p in apart.interacting(strays).each() for b in (p.bbox(),)}
            touched = [(box.left, box.bottom, box.right, box.top) in hit for box in boxes]
            places = [place for place, disturbs in zip(everywhere, touched, strict=True) if not disturbs]
            disturbed = [place for place, disturbs in zip(everywhere, touched, strict=True) if disturbs]
        if places:
            shapes = kdb.RecursiveShapeIterator(layers.layout, die.cell, index, die.outline.bbox(), True)
            for window in _windows(kdb.Region(shapes), die.outline, kdb.ICplxTrans(), rule, layers.dbu, die.places):
                if disturbed:
                    yield from (replace(window, box=window.box.transformed(place), places=1) for place in places)
                else:  # a window without a shape can't tell its cell
                    yield replace(window, cell=die.cell.name)
        for place in disturbed:
            box = die.outline.bbox().transformed(place)
            shapes = kdb.RecursiveShapeIterator(layers.layout, layers.top, index, box, True)
            region = kdb.Region(shapes).transformed(place.inverted())
            yield from _windows(region, die.outline, place, rule, layers.dbu, 1)


def _strays(layers: ProcessLayers, index: int, dies: Dies) -> kdb.Region:
    """Boxes, in the top cell, of what is drawn on a layer beside or over the dies, by no cell of a die."""
    through = {*(die.cell.cell_index() for die in dies.dies), *(cell.cell_index() for cell in dies.above)}
    boxes = kdb.Region()
    for cell in dies.above:
        own = [shape.bbox() for shape in cell.shapes(index).each()]
        own += [inst.bbox_per_layer(index) for inst in cell.each_inst() if inst.cell_index not in through]
        own = [box for box in own if not box.empty()]
        if own:
            beside = _region(own).merged()
            for place in _places(layers, cell):
                boxes += beside.transformed(place)
    return boxes


def _region(boxes: Iterable[kdb.Box]) -> kdb.Region:
    region = kdb.Region()
    for box in boxes:
        region.insert(box)
    return region


def _places(layers: ProcessLayers, cell: kdb.Cell) -> list[kdb.ICplxTrans]:
    """Every place of a cell in the top cell."""
    if cell.cell_index() == layers.top.cell_index():
        return [kdb.ICplxTrans()]
    found = kdb.RecursiveInstanceIterator(layers.layout, layers.top)
    found.targets = [cell.cell_index()]
    places: list[kdb.ICplxTrans] = []
    while not found.at_end():
        places.append(found.trans() * found.current_inst_element().specific_cplx_trans())
        found.next()
    return places


def _windows(
    region: kdb.Region, outline: kdb.Polygon, to_top: kdb.ICplxTrans, rule: Rule, dbu: float, places: int
) -> Iterator[Finding]:
    """Windows of one die that break the rule; `region` and `outline` in the coordinates of its cell."""
    step = round(float(rule.more["step"]) / dbu)
    count = round(rule.value / dbu / step)
    box = outline.bbox()
    bins = (-(-box.height() // step), -(-box.width() // step))
    # the last window of a row or column is the first that reaches the far side
    fit = tuple(max(1, number - count + 1) for number in bins)
    if bins[0] * bins[1] > BIN_LIMIT:
        raise RuntimeError(f"a die of {box.width() * dbu:g} by {box.height() * dbu:g} um has too many windows")
    if not outline.is_box():
        region = region & kdb.Region(outline)
    covered = _summed(areas_by_bin(_edges(region.merged()), (box.left, box.bottom), step, bins), count)
    held = _summed(areas_by_bin(_edges(kdb.Region(outline)), (box.left, box.bottom), step, bins), count)
    counts = held >= INSIDE * min((count * step) ** 2, box.area())
    counts[fit[0] :], counts[:, fit[1] :] = False, False
    share = np.divide(covered, held, out=np.zeros_like(covered), where=counts)
    least, most = float(rule.more.get("least", 0.0)), float(rule.more.get("most", 1.0))
    for j, i in np.argwhere(counts & ((share > most + _EQUAL) | (share < least - _EQUAL))):
        left, bottom = box.left + int(i) * step, box.bottom + int(j) * step
        window = kdb.Box(left, bottom, left + count * step, bottom + count * step) & box
        yield Finding(
            window.transformed(to_top), float(share[j, i]), places, "below" if share[j, i] < least else "above"
        )


def _summed(bins: _Floats, count: int) -> _Floats:
    """Sums over `count` by `count` bins, from each bin on to the right and up; shape as `bins`."""
    total = np.zeros((bins.shape[0] + count, bins.shape[1] + count))
    total[1 : bins.shape[0] + 1, 1 : bins.shape[1] + 1] = bins
    total = total.cumsum(axis=0).cumsum(axis=1)
    # beyond the last bin nothing is added
    rows = np.minimum(np.arange(bins.shape[0]) + count, bins.shape[0])
    columns = np.minimum(np.arange(bins.shape[1]) + count, bins.shape[1])
    full = total[: bins.shape[0] + 1, : bins.shape[1] + 1]
    return full[np.ix_(rows, columns)] - full[:-1][:, columns] - full[rows][:, :-1] + full[:-1, :-1]


def _edges(region: kdb.Region) -> _Floats:
    """Edges of merged polygons, interior on the right, as x1, y1, x2, y2; shape (N, 4)."""
    edges = region.edges()
    edges.merged_semantics = False
    rows = [(e.x1, e.y1, e.x2, e.y2) for e in edges.each() if e.y1 != e.y2]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def areas_by_bin(edges: _Floats, origin: tuple[int, int], step: int, bins: tuple[int, int]) -> _Floats:
    """Area inside some closed contours in each of a grid of square bins.

    Args:
        edges: x1, y1, x2, y2 of each edge, interior on the right; shape (N, 4).
        origin: lower left corner of the first bin.
        step: side of a bin.
        bins: number of rows and of columns.

    Returns:
        areas, shape `bins`, in the square of the unit of length.
    """
    rows, columns = bins
    x1, y1, x2, y2 = ((edges[:, k] - origin[k % 2]) / step for k in range(4))
    ends = np.column_stack([x1, y1, x2, y2])
    ends = _cut(ends, 1, rows)
    ends = _cut(ends, 0, columns)
    x1, y1, x2, y2 = ends.T
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    kept = (middle_y > 0) & (middle_y < rows) & (middle_x < columns)
    rise, middle_x, middle_y = (y2 - y1)[kept], middle_x[kept], middle_y[kept]
    row = np.clip(np.floor(middle_y).astype(np.int64), 0, rows - 1)
    column = np.floor(middle_x).astype(np.int64)
    inside = column >= 0
    part, rest = np.zeros(rows * (columns + 1)), np.zeros(rows * (columns + 1))
    at = row * (columns + 1)
    np.add.at(part, (at + column)[inside], (rise * (column + 1 - middle_x))[inside])
    np.add.at(rest, at + np.maximum(column, -1) + 1, rise)
    area = part.reshape(rows, columns + 1) + rest.reshape(rows, columns + 1).cumsum(axis=1)
    return area[:, :columns] * float(step) ** 2


def _cut(ends: _Floats, axis: int, number: int) -> _Floats:
    """Edges cut at the lines 0, 1, ... `number` across an axis (0: x, 1: y); shape (M, 4)."""
    low = np.minimum(ends[:, axis], ends[:, axis + 2])
    high = np.maximum(ends[:, axis], ends[:, axis + 2])
    first = np.clip(np.floor(low) + 1, 0, number + 1).astype(np.int64)
    last = np.clip(np.ceil(high) - 1, -1, number).astype(np.int64)
    crossings = np.maximum(last - first + 1, 0)
    pieces = crossings + 1
    owner = np.repeat(np.arange(len(ends)), pieces)
    rank = np.arange(len(owner)) - np.repeat(pieces.cumsum() - pieces, pieces)
    start, length = ends[owner, axis], ends[owner, axis + 2] - ends[owner, axis]
    upward = length >= 0

    def share(k: NDArray[np.int64]) -> _Floats:
        """How far along the edge its `k`-th cut lies; the ends are the first and the last."""
        line = np.where(upward, first[owner] + k - 1, last[owner] - k + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            along = (line - start) / length
        along = np.where(k <= 0, 0.0, along)
        return np.where(k > crossings[owner], 1.0, along)

    begin, end = share(rank), share(rank + 1)
    dx, dy = ends[owner, 2] - ends[owner, 0], ends[owner, 3] - ends[owner, 1]
    return np.column_stack(
        [
            ends[owner, 0] + begin * dx,
            ends[owner, 1] + begin * dy,
            ends[owner, 0] + end * dx,
            ends[owner, 1] + end * dy,
        ]
    )
