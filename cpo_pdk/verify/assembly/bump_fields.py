"""The bumps of each die, once a cell; flat where they are not drawn in the cell of their die."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.facets import Facet
from cpo_pdk.verify.assembly.parts import Asic, Engine, Package
from cpo_pdk.verify.assembly.placed import Numbers, Points, centres


@dataclass(frozen=True)
class Field:
    """The bumps of a die, in the coordinates of a cell, um.

    Attributes:
        cell: the cell.
        outline: of the die.
        middles: centres of the bumps, shape (N, 2).
        halves: half their sizes, shape (N, 2).
        places: how many dies this is.
        upright: the facet of the die looks along y in the cell.
    """

    cell: kdb.Cell
    outline: kdb.DPolygon
    middles: Points
    halves: Points
    places: int
    upright: bool = False


def fields(package: Package, layer: str) -> list[Field]:
    """Dies with their bumps (`BUMP`: engines, `ASIC_BUMP`: switch dies); those without any are left out."""
    if layer not in package.known_fields:
        found = _by_cell(package, layer)
        cells = {field.cell.cell_index(): field.cell for field in found}
        own = sum(len(_dots(package, cell, layer)[0]) * package.places.times[index] for index, cell in cells.items())
        if own != package.flat_count(layer):
            found = _flat(package, layer)
        package.known_fields[layer] = [field for field in found if len(field.middles)]
    return package.known_fields[layer]


def strays(package: Package, layer: str) -> Iterator[tuple[kdb.Cell, Points]]:
    """Bumps on no die of any kind, by the cell in which they are told."""
    cells = {field.cell.cell_index(): field.cell for field in fields(package, layer)}
    if not cells and package.flat_count(layer):
        cells = {package.file.top.cell_index(): package.file.top}
    for index, cell in cells.items():
        middles, halves = _dots(package, cell, layer)
        outlines = [field.outline for field in fields(package, layer) if field.cell.cell_index() == index]
        if index == package.file.top.cell_index():
            outlines += [part.outline for group in (package.engines, package.asics) for part in group]
        away = np.ones(len(middles), dtype=bool)
        for outline in outlines:
            away[_near(middles, halves, outline)] = False
        if away.any():
            yield cell, middles[away]


def _by_cell(package: Package, layer: str) -> list[Field]:
    if layer == "BUMP":
        return [
            _field(package, layer, die.cell, die.outline, len(die.places), _upright(die.facets)) for die in package.dies
        ]
    count = Counter((asic.cell.cell_index(), str(asic.drawn)) for asic in package.asics)
    one = {(asic.cell.cell_index(), str(asic.drawn)): asic for asic in package.asics}
    return [_field(package, layer, asic.cell, asic.drawn, count[key]) for key, asic in one.items()]


def _flat(package: Package, layer: str) -> list[Field]:
    """Each die for itself, with whatever lies on it in the top cell."""
    parts: list[Engine] | list[Asic] = package.engines if layer == "BUMP" else package.asics
    found: list[Field] = []
    for part in parts:
        upright = False
        if isinstance(part, Engine):
            along_y = _upright(part.die.facets)
            quarter = round(part.place.trans.angle / 90.0) % 2 == 1
            upright = along_y != quarter
        found.append(_field(package, layer, package.file.top, part.outline, 1, upright))
    return found


def _upright(facets: tuple[Facet, ...]) -> bool:
    """True when the first facet looks along y."""
    looking = [facet.outward for facet in facets if len(facet.along)]
    return bool(looking) and abs(looking[0][1]) > abs(looking[0][0])


def _field(
    package: Package, layer: str, cell: kdb.Cell, outline: kdb.DPolygon, places: int, upright: bool = False
) -> Field:
    middles, halves = _dots(package, cell, layer)
    near = _near(middles, halves, outline)
    return Field(cell, outline, middles[near], halves[near], places, upright)


def _near(middles: Points, halves: Points, outline: kdb.DPolygon) -> Numbers:
    """Numbers of the bumps (sorted by x) that lie on the box of a die, or partly."""
    box, reach = outline.bbox(), float(halves[:, 0].max(initial=0.0))
    first, last = np.searchsorted(middles[:, 0], (box.left - reach, box.right + reach))
    part, half = middles[first:last], halves[first:last]
    low, high = np.array([box.left, box.bottom]), np.array([box.right, box.top])
    return first + np.flatnonzero(np.all((part + half > low) & (part - half < high), axis=1))


def _dots(package: Package, cell: kdb.Cell, layer: str) -> tuple[Points, Points]:
    """Centres and half sizes of all that a layer holds under a cell, sorted by x."""
    index, key = package.index(layer), (cell.cell_index(), layer)
    if index is None:
        return np.empty((0, 2)), np.empty((0, 2))
    if key not in package.known_dots:
        middles, halves = centres(package.file.layout, cell, index)
        order = np.argsort(middles[:, 0], kind="stable")
        package.known_dots[key] = middles[order], halves[order]
    return package.known_dots[key]
