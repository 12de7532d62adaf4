"""Where shapes of one layer from different instances of a cell lie on top of each other.

Each distinct cell is looked at once. Ports that abut share an edge and no area.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np

#: overlaps up to this width are the rounding of slanted edges, dbu
SLIVER = 2
#: what is wider is no single-mode waveguide: the arms of alignment marks cross, dbu
WIDEST_WAVEGUIDE = 3000


@dataclass(frozen=True)
class Overlap:
    """An area that two parts of a cell cover: names of the instances (`own shapes`: the cell's own), box in dbu."""

    first: str
    second: str
    box: kdb.Box
    area_um2: float


@dataclass(frozen=True)
class _Part:
    """An instance (an element of an array), or the cell's own shapes (`child` None)."""

    name: str
    child: kdb.Cell | None
    trans: kdb.ICplxTrans
    box: kdb.Box


def composite_cells(layout: kdb.Layout, top: kdb.Cell, leaves: Collection[str], layer: int) -> list[kdb.Cell]:
    """Cells under `top` that are put together from others on `layer`, each once; those in `leaves` are taken whole."""
    found: list[kdb.Cell] = []
    pending, seen = [top.cell_index()], {top.cell_index()}
    while pending:
        cell = layout.cell(pending.pop())
        if cell.name in leaves:
            continue
        children = [i for i in cell.each_child_cell() if not layout.cell(i).bbox_per_layer(layer).empty()]
        if children:
            found.append(cell)
        pending += [i for i in children if i not in seen]
        seen.update(children)
    return found


def overlaps(layout: kdb.Layout, cell: kdb.Cell, layer: int) -> Iterator[Overlap]:
    """Overlaps on `layer` between the instances in a cell, and between them and its own shapes."""
    parts = list(_parts(layout, cell, layer))
    for i, j in _near_pairs(parts):
        a, b = parts[i], parts[j]
        if a.child is None and b.child is None:
            continue
        common = a.box & b.box
        first = _shapes(layout, cell, a, layer, common)
        if first.is_empty():
            continue
        both = first & _shapes(layout, cell, b, layer, common)
        real = both.sized(-SLIVER // 2).sized(SLIVER // 2) if not both.is_empty() else both
        for polygon in real.merged().each():
            yield Overlap(a.name, b.name, polygon.bbox(), polygon.area() * layout.dbu**2)


def raw_crossings(layout: kdb.Layout, cell: kdb.Cell, layer: int) -> Iterator[Overlap]:
    """Places where two shapes that a cell draws itself cross: what they have in common cuts both of them in two.

    Shapes that only overlap at their ends, as the pieces of one waveguide do, stay in one piece each.
    """
    shapes = cell.shapes(layer)
    if shapes.size() < 2:
        return
    parts = [_Part("own shapes", None, kdb.ICplxTrans(), shape.bbox()) for shape in shapes.each() if _has_area(shape)]
    polygons = [shape.polygon for shape in shapes.each() if _has_area(shape)]
    for i, j in _near_pairs(parts):
        a, b = kdb.Region(polygons[i]), kdb.Region(polygons[j])
        both = (a & b).sized(-SLIVER // 2).sized(SLIVER // 2).merged()
        for polygon in both.each():
            common = kdb.Region(polygon)
            if _is_narrow(common) and _pieces(a, common) > 1 and _pieces(b, common) > 1:
                yield Overlap("own shapes", "own shapes", polygon.bbox(), polygon.area() * layout.dbu**2)


def _has_area(shape: kdb.Shape) -> bool:
    return shape.is_box() or shape.is_polygon() or shape.is_path()


def _is_narrow(common: kdb.Region) -> bool:
    """True when no disc wider than a waveguide fits in."""
    return common.sized(-WIDEST_WAVEGUIDE // 2).is_empty()


def _pieces(whole: kdb.Region, cut: kdb.Region) -> int:
    """In how many pieces a shape falls when a part is taken out, slivers apart."""
    return (whole - cut.sized(SLIVER // 2)).sized(-SLIVER // 2).merged().count()


def _parts(layout: kdb.Layout, cell: kdb.Cell, layer: int) -> Iterator[_Part]:
    for shape in cell.shapes(layer).each():
        yield _Part("own shapes", None, kdb.ICplxTrans(), shape.bbox())
    for inst in cell.each_inst():
        child = layout.cell(inst.cell_index)
        inner = child.bbox_per_layer(layer)
        if inner.empty():
            continue
        given = inst.property(0)
        name = given if isinstance(given, str) and given else child.name
        array = inst.cell_inst
        for trans in array.each_cplx_trans():
            yield _Part(name, child, trans, inner.transformed(trans))


def _near_pairs(parts: list[_Part]) -> Iterator[tuple[int, int]]:
    """Pairs of parts whose boxes overlap by more than a sliver."""
    if len(parts) < 2:
        return
    boxes = np.array([(p.box.left, p.box.bottom, p.box.right, p.box.top) for p in parts], dtype=np.int64)
    order = np.argsort(boxes[:, 0], kind="stable")
    boxes = boxes[order]
    last = np.searchsorted(boxes[:, 0], boxes[:, 2] - SLIVER, side="left")
    for i in range(len(order)):
        others = boxes[i + 1 : last[i]]
        high = np.minimum(others[:, 3], boxes[i, 3])
        low = np.maximum(others[:, 1], boxes[i, 1])
        right = np.minimum(others[:, 2], boxes[i, 2])
        hits = np.flatnonzero((high - low > SLIVER) & (right - others[:, 0] > SLIVER))
        for j in hits:
            yield int(order[i]), int(order[i + 1 + j])


def _shapes(layout: kdb.Layout, cell: kdb.Cell, part: _Part, layer: int, box: kdb.Box) -> kdb.Region:
    """The shapes of a part around a box, in coordinates of the cell."""
    if part.child is None:
        region = kdb.Region()
        for shape in cell.shapes(layer).each_overlapping(box):
            if shape.bbox() == part.box:
                region.insert(shape.polygon)
        return region & kdb.Region(box)
    local = box.transformed(part.trans.inverted()).enlarged(1, 1)
    inner = kdb.Region(kdb.RecursiveShapeIterator(layout, part.child, layer, local, True))
    return inner.transformed(part.trans) & kdb.Region(box)
