"""The parts of a package as the polygons tell them, each with its place in the top cell; lengths in um.

What the file says about itself in words (names of instances, ports of a connector) is taken along where it is there;
no part is found by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.meta import CellMeta, CrossSection, is_outside, read_cell_meta, read_cross_sections
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import LayoutError
from cpo_pdk.tech.layers import LAYERS, layer_of
from cpo_pdk.verify.assembly.facets import Facet, find_facets
from cpo_pdk.verify.assembly.fibre_paths import Fibre, Unread, find_fibres
from cpo_pdk.verify.assembly.outlines import find_outlines
from cpo_pdk.verify.assembly.placed import AREAS, Place, Places, Points, centres, polygons_in
from cpo_pdk.verify.assembly.shapes import box_distances, corners_of

#: layers that only a package has
PACKAGE_LAYERS = tuple(name for name, info in LAYERS.items() if info.group == "package")
FIBRE_LAYERS = ("FIBER", "FIBER_PM")
#: a port this close to a coupler's end is the coupler's, um
_SAME = 1.0


@dataclass(frozen=True)
class Die:
    """An optical die, once however often it is placed; coordinates of its cell, um.

    Attributes:
        cell: that holds it.
        outline: of the die.
        facets: edges with couplers.
        places: where it stands.
        names: of the couplers by facet, empty where the file has none.
    """

    cell: kdb.Cell
    outline: kdb.DPolygon
    facets: tuple[Facet, ...]
    places: tuple[Place, ...]
    names: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Engine:
    """One placed optical die."""

    die: Die
    place: Place
    outline: kdb.DPolygon
    name: str

    @cached_property
    def box(self) -> kdb.DBox:
        """Of the outline in the top cell."""
        return self.outline.bbox()


@dataclass(frozen=True)
class Asic:
    """One placed switch die, with the cell that holds it and its outline there (`drawn`)."""

    cell: kdb.Cell
    drawn: kdb.DPolygon
    place: Place
    outline: kdb.DPolygon
    name: str

    @cached_property
    def box(self) -> kdb.DBox:
        """Of the outline in the top cell."""
        return self.outline.bbox()


@dataclass(frozen=True)
class Connector:
    """One placed fibre connector.

    Attributes:
        outline: of its body in the top cell.
        name: that it is given, or its place.
        kind: as recorded, `MPO-16`; empty where it isn't.
        positions: where its positions are in the top cell, in their order; None where the file doesn't say.
        place: of its cell.
    """

    outline: kdb.DPolygon
    name: str
    kind: str
    positions: Points | None
    place: Place

    @cached_property
    def box(self) -> kdb.DBox:
        """Of the body in the top cell."""
        return self.outline.bbox()


@dataclass(frozen=True)
class Landing:
    """An end of a fibre at a facet.

    Attributes:
        fibre: number of the fibre.
        end: 0 or 1.
        engine: number of the engine.
        facet: number of the facet of its die.
        coupler: number of the nearest coupler, along the facet.
        aside: from that coupler's axis along the facet, to the left, um.
        gap: from the facet to the fibre, um; below 0 the fibre lies in the die.
        angle: between the fibre and the facet's normal, degrees.
    """

    fibre: int
    end: int
    engine: int
    facet: int
    coupler: int
    aside: float
    gap: float
    angle: float


@dataclass(frozen=True)
class Plugged:
    """An end of a fibre at a connector.

    Attributes:
        fibre, end: which.
        connector: number of the connector.
        position: number of the nearest position from 1; 0 where the file doesn't say where they are.
        aside: from that position, across the fibre, um.
        gap: from the body to the fibre, um.
        left: where the fibre arrives, to the left of who looks along it into the connector, um.
    """

    fibre: int
    end: int
    connector: int
    position: int
    aside: float
    gap: float
    left: float


@dataclass
class Package:
    """All parts of a file."""

    file: LayoutFile
    places: Places
    engines: list[Engine] = field(default_factory=list)
    dies: list[Die] = field(default_factory=list)
    asics: list[Asic] = field(default_factory=list)
    substrates: list[kdb.DPolygon] = field(default_factory=list)
    connectors: list[Connector] = field(default_factory=list)
    fibres: list[Fibre] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    landings: list[Landing] = field(default_factory=list)
    plugged: list[Plugged] = field(default_factory=list)
    known_dots: dict[tuple[int, str], tuple[Points, Points]] = field(default_factory=dict)
    known_polygons: dict[str, list[kdb.DPolygon]] = field(default_factory=dict)

    @property
    def top(self) -> str:
        """Name of the top cell."""
        return self.file.top.name

    def index(self, layer: str) -> int | None:
        """Index of a layer; None when the file doesn't have it."""
        return self.file.layout.find_layer(*layer_of(layer))

    def drawn(self, layer: str) -> list[kdb.DPolygon]:
        """Polygons of a layer as drawn, in the top cell, um; read once."""
        if layer not in self.known_polygons:
            self.known_polygons[layer] = list(polygons_in(self.file.layout, self.file.top, self.index(layer)))
        return self.known_polygons[layer]

    @cached_property
    def nearest_asics(self) -> dict[int, int]:
        """Number of the switch die that is nearest to each engine, by number of the engine."""
        if not self.asics:
            return {}
        boxes = corners_of(asic.box for asic in self.asics)
        return {n: int(np.argmin(box_distances(boxes, engine.box))) for n, engine in enumerate(self.engines)}

    @cached_property
    def headings(self) -> dict[int, tuple[int, int]]:
        """The direction in which each connector looks, by its number: its fibres come from the other side."""
        sums: dict[int, tuple[float, float]] = {}
        for plug in self.plugged:
            end = self.fibres[plug.fibre].ends[plug.end]
            x, y = sums.get(plug.connector, (0.0, 0.0))
            sums[plug.connector] = (x + end.dx, y + end.dy)
        return {
            number: (1 if x > 0 else -1, 0) if abs(x) > abs(y) else (0, 1 if y > 0 else -1)
            for number, (x, y) in sums.items()
        }

    @cached_property
    def landed(self) -> dict[int, Landing]:
        """The landing of each fibre that has one, by number of the fibre."""
        return {landing.fibre: landing for landing in self.landings}

    @cached_property
    def plugs(self) -> dict[int, Plugged]:
        """Where each fibre is plugged in, by number of the fibre."""
        return {plug.fibre: plug for plug in self.plugged}

    def fibre_name(self, number: int) -> str:
        """What messages call a fibre."""
        fibre = self.fibres[number]
        return fibre.name or f"fibre at ({fibre.ends[0].x:.3f}, {fibre.ends[0].y:.3f})"

    def coupler_name(self, landing: Landing) -> str:
        """What the file calls the coupler that a fibre meets; empty where it has no name."""
        names = self.engines[landing.engine].die.names[landing.facet]
        return names[landing.coupler] if names else ""

    @property
    def number_of_parts(self) -> int:
        """Substrates, dies, fibres and connectors."""
        return sum(
            len(parts) for parts in (self.substrates, self.asics, self.engines, self.fibres, self.connectors)
        ) + len(self.unread)


def has_package_layers(file: LayoutFile) -> bool:
    """True when something is drawn on a layer that only a package has."""
    indices = (file.layout.find_layer(*layer_of(name)) for name in PACKAGE_LAYERS)
    return any(index is not None and not file.top.bbox_per_layer(index).empty() for index in indices)


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
    layer = package.index("CONNECTOR")
    if layer is None:
        return []
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
                found.append(Connector(outline, str(name), kind if isinstance(kind, str) else "", positions, place))
    return found


def dots(package: Package, cell: kdb.Cell, layer: str, outline: kdb.DPolygon) -> tuple[Points, Points]:
    """Centres and half sizes of what a layer holds on a die, in the coordinates of its cell, shape (N, 2), um.

    Args:
        package: the parts.
        cell: that holds the die.
        layer: name.
        outline: of the die in that cell; what lies wholly outside its box belongs to something else.
    """
    index = package.index(layer)
    if index is None:
        return np.empty((0, 2)), np.empty((0, 2))
    key = (cell.cell_index(), layer)
    if key not in package.known_dots:
        middles, halves = centres(package.file.layout, cell, index)
        order = np.argsort(middles[:, 0], kind="stable")
        package.known_dots[key] = middles[order], halves[order]
    middles, halves = package.known_dots[key]
    box, reach = outline.bbox(), float(halves[:, 0].max(initial=0.0))
    first, last = np.searchsorted(middles[:, 0], (box.left - reach, box.right + reach))
    middles, halves = middles[first:last], halves[first:last]
    low, high = np.array([box.left, box.bottom]), np.array([box.right, box.top])
    near = np.all((middles + halves > low) & (middles - halves < high), axis=1)
    return middles[near], halves[near]
