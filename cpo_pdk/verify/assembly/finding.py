"""Finds the parts of a package on its layers; see `parts` for what they are."""

from __future__ import annotations

import re
from typing import Any

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.meta import CellMeta, CrossSection, is_outside, read_cell_meta, read_cross_sections
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import LayoutError
from cpo_pdk.tech.layers import LAYERS, layer_of
from cpo_pdk.verify.assembly.facets import Facet, find_facets
from cpo_pdk.verify.assembly.fibre_paths import find_fibres
from cpo_pdk.verify.assembly.levels import CONNECTOR_LAYERS, FIBRE_LAYERS
from cpo_pdk.verify.assembly.outlines import find_outlines
from cpo_pdk.verify.assembly.parts import Asic, Connector, Die, Engine, Package
from cpo_pdk.verify.assembly.placed import AREAS, Places

#: layers that only a package has
PACKAGE_LAYERS = tuple(name for name, info in LAYERS.items() if info.group == "package")
#: a port this close to a coupler's end is the coupler's, um
_SAME = 1.0


def has_package_layers(file: LayoutFile, *, or_a_die: bool = False) -> bool:
    """True when something is drawn on a layer that only a package has.

    Args:
        file: the layout.
        or_a_die: a die with bumps on it is enough.
    """

    def drawn(name: str) -> bool:
        index = file.layout.find_layer(*layer_of(name))
        return index is not None and not file.top.bbox_per_layer(index).empty()

    return any(drawn(name) for name in PACKAGE_LAYERS) or (or_a_die and drawn("FLOORPLAN") and drawn("BUMP"))


def flat_counts(file: LayoutFile, places: Places, layers: tuple[str, ...]) -> dict[str, int]:
    """How many shapes each layer has with every instance counted."""
    counts: dict[str, int] = {}
    for name in layers:
        index = file.layout.find_layer(*layer_of(name))
        if index is not None:
            counts[name] = sum(n * file.layout.cell(cell).shapes(index).size() for cell, n in places.times.items())
    return counts


def find_parts(file: LayoutFile, places: Places, netlists: Netlists | None = None) -> Package:
    """The parts of a layout.

    Args:
        file: the layout.
        places: of its cells.
        netlists: of the file, where it was extracted; saves reading the words of cells again.
    """
    package = Package(file, places)
    words = _Words(file, netlists)
    package.substrates = package.drawn("SUBSTRATE")
    package.asics = _asics(package)
    package.dies = _dies(package, words)
    package.engines = [
        Engine(die, place, die.outline.transformed(place.trans), place.name)
        for die in package.dies
        for place in die.places
    ]
    package.engines = [_named(engine) for engine in package.engines]
    package.connectors = _connectors(package, words)
    layers = [(name, index) for name in FIBRE_LAYERS if (index := package.index(name)) is not None]
    package.fibres, package.unread = find_fibres(file.layout, places, layers)
    return package


def _named(engine: Engine) -> Engine:
    centre = engine.box.center()
    name = engine.name or f"engine at ({centre.x:.3f}, {centre.y:.3f})"
    return Engine(engine.die, engine.place, engine.outline, name)


class _Words:
    """What cells say about themselves: from the netlists where there are any, else from the file."""

    def __init__(self, file: LayoutFile, netlists: Netlists | None) -> None:
        self.file = file
        self.netlists = netlists
        self._sections: dict[str, CrossSection] | None = None

    def recorded(self, cell: kdb.Cell) -> tuple[dict[str, Any], list[tuple[str, float, float]]]:
        """Settings and info of a cell in one, and its outer optical ports: name, x and y in um."""
        known = self.netlists.cells.get(cell.name) if self.netlists is not None else None
        if known is not None:
            ports = [(p.name, p.x, p.y) for p in known.ports if is_outside(p.port_type)]
            return {**known.info, **known.settings}, ports
        meta = self._meta(cell)
        ports = [(p.name, p.trans.disp.x, p.trans.disp.y) for p in meta.ports if is_outside(p.port_type)]
        return {**meta.info, **meta.settings}, ports

    def _meta(self, cell: kdb.Cell) -> CellMeta:
        try:
            if self._sections is None:
                self._sections = read_cross_sections(self.file.layout)
            return read_cell_meta(cell, self._sections, self.file.layout.dbu)
        except LayoutError:
            # damaged words are the business of the connectivity check; the polygons are looked at without them
            return CellMeta(cell.name)


def _dies(package: Package, words: _Words) -> list[Die]:
    """The optical dies: outlines that are not those of a switch die."""
    layer = package.index("FLOORPLAN")
    if layer is None:
        return []
    layout = package.file.layout
    contents = [index for name in ("WG", "M2", "BUMP", "EIC") if (index := package.index(name)) is not None]
    asics = [asic.box for asic in package.asics]
    dies: list[Die] = []
    for found in find_outlines(layout, package.file.top, layer, contents):
        cell = layout.cell(found.cell_index)
        everywhere = package.places.of(found.cell_index)
        places = tuple(p for p in everywhere if found.polygon.transformed(p.trans).bbox() not in asics)
        if not places:
            continue
        facets = tuple(find_facets(layout, cell, found.polygon, package.index("WG"), package.index("DEEPTRENCH")))
        _, ports = words.recorded(cell)
        dies.append(Die(cell, found.polygon, facets, places, tuple(_coupler_names(facet, ports) for facet in facets)))
    return dies


def _coupler_names(facet: Facet, ports: list[tuple[str, float, float]]) -> tuple[str, ...]:
    """The ports at the couplers of a facet; empty when one has none."""
    names: list[str] = []
    for x, y in facet.couplers:
        near = [name for name, px, py in ports if abs(px - x) <= _SAME and abs(py - y) <= _SAME]
        if not near:
            return ()
        names.append(near[0])
    return tuple(names)


def _asics(package: Package) -> list[Asic]:
    layer = package.index("ASIC")
    if layer is None:
        return []
    layout = package.file.layout
    contents = [index for name in ("ASIC_BUMP", "SHORELINE") if (index := package.index(name)) is not None]
    found: list[Asic] = []
    for outline in find_outlines(layout, package.file.top, layer, contents):
        cell = layout.cell(outline.cell_index)
        for place in package.places.of(outline.cell_index):
            polygon = outline.polygon.transformed(place.trans)
            found.append(Asic(cell, outline.polygon, place, polygon, place.name or "asic"))
    return found


def _connectors(package: Package, words: _Words) -> list[Connector]:
    rows = [(name, index) for name in CONNECTOR_LAYERS if (index := package.index(name)) is not None]
    return [connector for name, index in rows for connector in _row(package, words, name, index)]


def _row(package: Package, words: _Words, row: str, layer: int) -> list[Connector]:
    """The connectors that are drawn on one layer."""
    found: list[Connector] = []
    for cell_index in package.places.times:
        cell = package.file.layout.cell(cell_index)
        bodies = [shape.dpolygon for shape in cell.shapes(layer).each(AREAS)]
        if not bodies:
            continue
        said, ports = words.recorded(cell) if len(bodies) == 1 else ({}, [])
        numbered = sorted((int(number[0]), x, y) for name, x, y in ports if (number := re.search(r"\d+$", name)))
        local = np.array([(x, y) for _, x, y in numbered], float).reshape(-1, 2)
        kind = said.get("kind")
        for place in package.places.of(cell_index):
            for body in bodies:
                outline = body.transformed(place.trans)
                centre = outline.bbox().center()
                name = said.get("name") or place.name or f"connector at ({centre.x:.3f}, {centre.y:.3f})"
                positions = place.points(local) if len(local) else None
                said_kind = kind if isinstance(kind, str) else ""
                found.append(Connector(outline, str(name), said_kind, positions, place, row))
    return found
