"""The parts of a package as the polygons tell them, each with its place in the top cell; lengths in um.

What the file says about itself in words (names of instances, ports of a connector) is taken along where it is there;
no part is found by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.spec.placement import EnginePlace
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.assembly.facets import Facet
from cpo_pdk.verify.assembly.fibre_paths import Fibre, Unread
from cpo_pdk.verify.assembly.levels import level_of
from cpo_pdk.verify.assembly.placed import Place, Places, Points, polygons_in
from cpo_pdk.verify.assembly.shapes import box_distances, corners_of, less


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
        layer: that its body is drawn on, the row that it stands in.
    """

    outline: kdb.DPolygon
    name: str
    kind: str
    positions: Points | None
    place: Place
    layer: str = "CONNECTOR"

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
    known_fields: dict[str, list[Any]] = field(default_factory=dict)
    known_obstacles: object = None
    known_crossings: object = None
    known_places: dict[int, dict[int, EnginePlace]] = field(default_factory=dict)
    known_polygons: dict[str, list[kdb.DPolygon]] = field(default_factory=dict)

    @property
    def top(self) -> str:
        """Name of the top cell."""
        return self.file.top.name

    def index(self, layer: str) -> int | None:
        """Index of a layer; None when the file doesn't have it."""
        return self.file.layout.find_layer(*layer_of(layer))

    def flat_count(self, layer: str) -> int:
        """Number of shapes on a layer with every instance counted."""
        index, layout = self.index(layer), self.file.layout
        return (
            0 if index is None else sum(n * layout.cell(c).shapes(index).size() for c, n in self.places.times.items())
        )

    def drawn(self, layer: str) -> list[kdb.DPolygon]:
        """Polygons of a layer as drawn, in the top cell, um; read once."""
        if layer not in self.known_polygons:
            self.known_polygons[layer] = list(polygons_in(self.file.layout, self.file.top, self.index(layer)))
        return self.known_polygons[layer]

    def high(self, layer: str) -> list[kdb.DPolygon]:
        """Polygons of a layer without what fibres pass over (OVERPASS), um; worked out once."""
        key = f"high {layer}"
        if key not in self.known_polygons:
            passages = self.drawn("OVERPASS")
            whole = self.drawn(layer)
            self.known_polygons[key] = less(whole, passages) if passages and whole else whole
        return self.known_polygons[key]

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

    @cached_property
    def owners(self) -> list[int]:
        """Number of the engine that each fibre comes from; -1: of none."""
        return [self.landed[n].engine if n in self.landed else -1 for n in range(len(self.fibres))]

    @cached_property
    def arrivals(self) -> list[int]:
        """Number of the connector that each fibre ends at; -1: at none."""
        return [self.plugs[n].connector if n in self.plugs else -1 for n in range(len(self.fibres))]

    @cached_property
    def planes(self) -> list[int]:
        """Number of the ribbon layer of each fibre, 0 for laser fibres."""
        return [level_of(fibre.layer) for fibre in self.fibres]

    def fibre_name(self, number: int) -> str:
        """What messages call a fibre."""
        fibre, landing = self.fibres[number], self.landed.get(number)
        if fibre.name:
            return fibre.name
        if landing is None:
            x, y = min((end.x, end.y) for end in fibre.ends)
            return f"fibre at ({x:.3f}, {y:.3f})"
        coupler = self.coupler_name(landing) or f"coupler {landing.coupler + 1}"
        return f"fibre from {coupler} of {self.engines[landing.engine].name}"

    def coupler_name(self, landing: Landing) -> str:
        """What the file calls the coupler that a fibre meets; empty where it has no name."""
        names = self.engines[landing.engine].die.names[landing.facet]
        return names[landing.coupler] if names else ""

    @property
    def is_one_engine(self) -> bool:
        """True for one engine and nothing else of a package: the file of the engine itself."""
        others = (self.substrates, self.asics, self.fibres, self.connectors, self.unread)
        return len(self.engines) == 1 and not any(others)

    @property
    def number_of_parts(self) -> int:
        """Substrates, dies, fibres and connectors."""
        return sum(
            len(parts) for parts in (self.substrates, self.asics, self.engines, self.fibres, self.connectors)
        ) + len(self.unread)
