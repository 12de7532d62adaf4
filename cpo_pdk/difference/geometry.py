"""Polygons of two layouts: by layer, by the deepest cell, and the cells that came, went or were renamed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.difference.findings import CellChanges, Geometry, LayerChange, Region
from cpo_pdk.difference.xor import Comparison, Spot
from cpo_pdk.errors import InputError, LayoutError
from cpo_pdk.tech.drawn_digest import Digests
from cpo_pdk.tech.layers import LAYERS, NAMES

#: outlines of so many polygons are kept for the markers of one region
OUTLINES = 200


def compare_geometry(a: LayoutFile, b: LayoutFile, layers: Collection[str] = ()) -> Geometry:
    """Compare the polygons of two layouts.

    Args:
        a, b: before and now.
        layers: names of the process (`WG`) or "number/datatype"; empty for all that one of the files has.

    Raises:
        InputError: a layer that is none.
        LayoutError: polygons that KLayout can't merge.
    """
    work = Comparison(a.layout, a.top, b.layout, b.top)
    drawn = {key for side, file in enumerate((a, b)) for key, n in work.layers[side].items() if _drawn(file, n)}
    wanted = {layer_number(name) for name in layers}
    keys = sorted(drawn & wanted if layers else drawn, key=_by_number)
    try:
        changes = tuple(_layer(key, work.spots(key), a.layout.dbu) for key in keys)
    except RuntimeError as error:
        raise LayoutError(f"{b.path}: polygons can't be merged ({' '.join(str(error).split())})") from error
    cells = [len({file.top.cell_index(), *file.top.called_cells()}) for file in (a, b)]
    counted = {"cells_a": cells[0], "cells_b": cells[1], "shapes_a": a.flat_shapes, "shapes_b": b.flat_shapes}
    return Geometry(changes, _cells(a, b, work.digests), counted, len(work.pairs()))


def layer_number(name: str) -> str:
    """ "number/datatype" of a layer that a user named.

    Raises:
        InputError: neither a layer of the process nor a number.
    """
    if name in LAYERS:
        return f"{LAYERS[name].layer}/{LAYERS[name].datatype}"
    number, _, datatype = name.partition("/")
    if number.isdecimal() and (datatype or "0").isdecimal():
        return f"{int(number)}/{int(datatype or 0)}"
    raise InputError(f"layer {name!r} is none of the process; give a number as 1/0, or one of {', '.join(LAYERS)}")


def layer_name(key: str) -> str:
    """Name of a layer in the process, or the number itself."""
    number, _, datatype = key.partition("/")
    if number.isdecimal() and datatype.isdecimal():
        return NAMES.get((int(number), int(datatype)), key)
    return key


def _by_number(key: str) -> tuple[int, int, str]:
    number, _, datatype = key.partition("/")
    return (int(number), int(datatype), "") if number.isdecimal() and datatype.isdecimal() else (1 << 30, 0, key)


def _drawn(file: LayoutFile, number: int) -> bool:
    """True when a layer holds more than texts under the top cell."""
    cells = (file.layout.cell(i) for i in {file.top.cell_index(), *file.top.called_cells()})
    flags = kdb.Shapes.SPolygons | kdb.Shapes.SBoxes | kdb.Shapes.SPaths
    return any(next(cell.shapes(number).each(flags), None) is not None for cell in cells)


def _layer(key: str, spots: list[Spot], dbu: float) -> LayerChange:
    name = layer_name(key)
    regions = tuple(sorted((_region(spot, name, dbu) for spot in spots), key=_largest))
    return LayerChange(
        layer=name,
        number=key,
        added_um2=sum((region.added_um2 * region.places for region in regions), 0.0),
        removed_um2=sum((region.removed_um2 * region.places for region in regions), 0.0),
        polygons=sum(region.polygons * region.places for region in regions),
        regions=regions,
    )


def _largest(region: Region) -> tuple[float, str, tuple[float, ...]]:
    return (-region.changed_um2, region.cell, region.bbox)


def _region(spot: Spot, name: str, dbu: float) -> Region:
    outlines = []
    for region, is_added in ((spot.added, True), (spot.removed, False)):
        for polygon in region.each():
            if len(outlines) == OUTLINES:
                break
            points = tuple((round(p.x * dbu, 6), round(p.y * dbu, 6)) for p in polygon.each_point_hull())
            outlines.append((points, is_added))
    box = spot.box
    return Region(
        layer=name,
        cell=spot.cell,
        bbox=tuple(round(v * dbu, 6) for v in (box.left, box.bottom, box.right, box.top)),  # type: ignore[arg-type]
        added_um2=spot.added.area() * dbu**2,
        removed_um2=spot.removed.area() * dbu**2,
        polygons=spot.added.count() + spot.removed.count(),
        places=spot.places,
        outlines=tuple(outlines),
    )


def _cells(a: LayoutFile, b: LayoutFile, digests: tuple[Digests, Digests]) -> CellChanges:
    """Cells by name; those with the same polygons under another name are renamed."""
    names = [
        {file.layout.cell(i).name: i for i in (file.top.cell_index(), *file.top.called_cells())} for file in (a, b)
    ]
    gone, new = sorted(names[0].keys() - names[1].keys()), sorted(names[1].keys() - names[0].keys())
    by_drawing: dict[str, list[str]] = defaultdict(list)
    for name in reversed(gone):
        by_drawing[digests[0].all(a.layout.cell(names[0][name]))].append(name)
    renamed, added = [], []
    for name in new:
        twins = by_drawing[digests[1].all(b.layout.cell(names[1][name]))]
        if twins:
            renamed.append((twins.pop(), name))
        else:
            added.append(name)
    was_renamed = {old for old, _ in renamed}
    return CellChanges(tuple(added), tuple(name for name in gone if name not in was_renamed), tuple(renamed))
