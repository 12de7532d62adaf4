"""Rule kinds about the records of the file: what other readers refuse, drop or read as something else.

Looked at is every shape once, in the cell that holds it, on every layer of the file.
"""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb

from cpo_pdk.tech.layers import NAMES
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.process_layers import Finding, ProcessLayers

_OUTLINES = kdb.Shapes.SPolygons | kdb.Shapes.SPaths
_FILLED = _OUTLINES | kdb.Shapes.SBoxes


def _shapes(layers: ProcessLayers, kinds: int) -> Iterator[tuple[kdb.Shape, kdb.Cell, int, str]]:
    """Shapes of some kinds, each once, with their cell, the number of its places and the name of the layer."""
    names = {}
    for index in layers.layout.layer_indexes():
        info = layers.layout.get_info(index)
        names[index] = NAMES.get((info.layer, info.datatype), f"layer {info.layer}/{info.datatype}")
    for cell_index, places in layers.placed.items():
        cell = layers.layout.cell(cell_index)
        for index, name in names.items():
            shapes = cell.shapes(index)
            if not shapes.is_empty():
                for shape in shapes.each(kinds):
                    yield shape, cell, places, name


def points(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Polygons and paths with more corners than the limit."""
    for shape, cell, places, name in _shapes(layers, _OUTLINES):
        number = shape.path.num_points() if shape.is_path() else shape.polygon.num_points()
        if number > rule.value:
            yield Finding(shape.bbox(), number, places, name, cell.name)


def no_area(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Boxes, polygons and paths without area."""
    for shape, cell, places, name in _shapes(layers, _FILLED):
        if shape.area() == 0:
            yield Finding(shape.bbox(), None, places, name, cell.name)


def odd_path(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Paths whose width is an odd number of grid points."""
    for shape, cell, places, name in _shapes(layers, kdb.Shapes.SPaths):
        if shape.path_width % 2:
            yield Finding(shape.bbox(), shape.path_width * layers.dbu, places, name, cell.name)
