"""The dies of a layout, and the rule kinds about a whole die: in_die, floating.

A die is a polygon of the layer of outlines (FLOORPLAN). Its cell is the highest one that holds it and no other die:
what is drawn in it belongs to the die, and equal dies are looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.design_rules.areas import found_areas, union, without_slivers
from cpo_pdk.verify.process_layers import Finding, ProcessLayers


@dataclass(frozen=True)
class Die:
    """One kind of die.

    Attributes:
        cell: that holds it.
        outline: merged, in the coordinates of the cell, dbu.
        places: how often it stands in the top cell.
    """

    cell: kdb.Cell
    outline: kdb.Polygon
    places: int


@dataclass(frozen=True)
class Dies:
    """The dies of a layout, and the cells through which the way from the top cell to them leads."""

    dies: tuple[Die, ...]
    above: tuple[kdb.Cell, ...]


def find_dies(layers: ProcessLayers, name: str) -> Dies:
    """The dies whose outlines are on layer `name`."""
    index = layers.index(name)
    if index is None:
        return Dies((), ())
    outlines: dict[int, int] = {}
    for cell_index in reversed(list(layers.placed)):
        cell = layers.layout.cell(cell_index)
        below = sum(outlines[inst.cell_index] * inst.size() for inst in cell.each_inst())
        outlines[cell_index] = cell.shapes(index).size() + below
    dies: list[Die] = []
    above: list[kdb.Cell] = []
    # cells that stand under one that holds several dies, or under the top cell
    open_cells = {layers.top.cell_index()}
    for cell_index, places in layers.placed.items():
        if cell_index not in open_cells or not outlines[cell_index]:
            continue
        cell = layers.layout.cell(cell_index)
        own = cell.shapes(index).size()
        if outlines[cell_index] > 1 and own == 0:
            above.append(cell)
            open_cells |= {inst.cell_index for inst in cell.each_inst()}
            continue
        # outlines of its own, perhaps together with those of cells below: all are dies of this cell
        region = kdb.Region(kdb.RecursiveShapeIterator(layers.layout, cell, index)).merged()
        dies += [Die(cell, polygon.dup(), places) for polygon in region.each()]
    return Dies(tuple(dies), tuple(above))


def _clearly_inside(layers: ProcessLayers, dies: Dies, index: int) -> bool:
    """True when the boxes tell that all shapes of a layer lie in dies."""
    cells = {die.cell.cell_index(): die for die in dies.dies}
    if not cells or len(cells) < len(dies.dies):
        return False
    for die in dies.dies:
        box = die.cell.bbox_per_layer(index)
        if not die.outline.is_box() or not (box.empty() or box.inside(die.outline.bbox())):
            return False
    through = {*cells, *(cell.cell_index() for cell in dies.above)}
    return all(
        cell.shapes(index).is_empty()
        and all(
            inst.cell_index in through or layers.layout.cell(inst.cell_index).bbox_per_layer(index).empty()
            for inst in cell.each_inst()
        )
        for cell in dies.above
    )


def in_die(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Shapes outside every die; nothing in a file without one."""
    dies = find_dies(layers, str(rule.more["die"]))
    if not dies.dies:
        return
    for name in rule.layers:
        index = layers.index(name)
        if index is None or _clearly_inside(layers, dies, index):
            continue
        outside = without_slivers(layers.drawn(name) - layers.drawn(str(rule.more["die"])))
        yield from found_areas(layers, outside, None, name)


def floating(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Islands of metal in a die that touch nothing that would connect them, alignment marks apart."""
    die = layers.drawn(str(rule.more["die"]))
    if die.is_empty():
        return
    alone = layers.region(rule.layers[0]).not_interacting(union(layers, rule.layers[1:]))
    if alone.is_empty():
        return
    alone = alone.interacting(die)
    mark = rule.more.get("mark")
    if mark and not alone.is_empty():
        alone = alone.not_covering(layers.region(str(mark)))
    for shape, to_top, places in layers.distinct(alone):
        yield Finding(shape.bbox().transformed(to_top), shape.area() * layers.dbu**2, places)
