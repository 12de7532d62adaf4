"""The third dimension: how high each part that a layout holds stands, by the table of heights.

z = 0 is the bottom of the substrate. A die stands on what lies below its centre: sub-assembly, interposer or substrate.
A fibre leaves the facet at the height of the waveguides, changes to the height of its ribbon layer and, before its
connector, to that of the connector's row; laser fibres (level 0) stay lowest. Lengths stay those of the drawing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import klayout.db as kdb
import numpy as np

from cpo_pdk.handover.curves import thinned
from cpo_pdk.handover.parts import Connector, Die, Fibre, Package, PlacedDie, Points, Solid
from cpo_pdk.tech.package_heights import PackageHeights, package_heights

Outline = tuple[Points, tuple[Points, ...]]
Box = tuple[float, float, float, float]
#: outline of each engine in the package, and height of its facet
Facets = list[tuple[Box, float]]

#: fibres in space leave the drawing by no more than this, um
PATH_TOLERANCE = 50.0
_RISE_STEPS = 10
#: points of a path are further apart than this, um
_APART = 20.0


@dataclass(frozen=True)
class Placed:
    """A die where it stands."""

    name: str
    die: Die
    trans: kdb.DCplxTrans


@dataclass(frozen=True)
class DrawnFibre:
    """A fibre as drawn: name, layer, ribbon layer, width in um, pieces of its centre line."""

    name: str
    layer: str
    level: int
    width: float
    pieces: list[Points]


@dataclass
class Drawn:
    """What a layout holds: bodies and marks as (layer, instance, outline)."""

    placed: list[Placed] = field(default_factory=list)
    bodies: list[tuple[str, str, Outline]] = field(default_factory=list)
    marks: list[tuple[str, str, Outline]] = field(default_factory=list)
    fibres: list[DrawnFibre] = field(default_factory=list)
    connectors: list[Connector] = field(default_factory=list)
    airwires: list[tuple[tuple[float, float], tuple[float, float]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def stacked(name: str, dies: tuple[Die, ...], drawn: Drawn, heights: PackageHeights | None = None) -> Package:
    """Give everything its height.

    Args:
        name: of the package.
        dies: kinds of dies.
        drawn: what the layout holds.
        heights: default: those of the process.
    """
    stack = _Stack(drawn, heights or package_heights())
    placed = tuple(PlacedDie(p.name, p.die, p.trans, stack.seat(p)) for p in drawn.placed)
    bodies = (*stack.boards(), *stack.dies(placed), *stack.bare(), *stack.covers(placed), *stack.plugs())
    solids = tuple(body for body in bodies if _area(body.outline) > 0)
    flat = [f"{body.name}: has no area on {body.group} and was left out" for body in bodies if _area(body.outline) == 0]
    marks: dict[str, list[Points]] = {}
    for layer, _, (hull, _holes) in drawn.marks:
        marks.setdefault(layer, []).append(hull)
    facets = [(p.box(p.die.outline), p.bottom + stack.h.pic_core) for p in placed if p.die.kind == "engine"]
    fibres = tuple(stack.fibre(f, facets) for f in drawn.fibres)
    return Package(
        name=name,
        dies=dies,
        placed=placed,
        solids=solids,
        fibres=fibres,
        connectors=stack.connectors,
        airwires=np.array(sorted(drawn.airwires)).reshape(-1, 2, 2),
        marks=marks,
        notes=tuple(dict.fromkeys([*drawn.notes, *flat])),
    )


class _Stack:
    def __init__(self, drawn: Drawn, heights: PackageHeights) -> None:
        self.h = heights
        self.bodies: dict[str, list[tuple[str, Outline]]] = {}
        names = Counter(name or layer for layer, name, _ in drawn.bodies)
        for layer, name, outline in drawn.bodies:
            known = self.bodies.setdefault(layer, [])
            alone = names[name or layer] == 1
            known.append(((name or layer.lower()) if alone else f"{name or layer.lower()}_{len(known) + 1}", outline))
        self.connectors = tuple(sorted(drawn.connectors, key=lambda c: (c.level, c.box[0], c.name)))
        #: place of a port of a connector, to 1 um -> rows of the connectors that have one there
        self.ports: dict[tuple[int, int], list[int]] = {}
        for connector in self.connectors:
            for x, y in connector.places:
                self.ports.setdefault((round(x), round(y)), []).append(connector.level)
        self.over = [hull for layer, _, (hull, _) in drawn.marks if layer == "OVERPASS"]
        self.floor = heights.substrate_thickness if "SUBSTRATE" in self.bodies else 0.0
        # the lowest ribbon layer runs at the height of the highest facet
        seats = [self.seat(p) for p in drawn.placed if p.die.kind == "engine"]
        self.base = max(seats, default=self.floor + heights.engine_standoff) + heights.pic_core

    def surface(self, x: float, y: float) -> float:
        """z of what a die at this place stands on."""
        for layer in ("CARRIER", "INTERPOSER"):
            for _, (hull, _holes) in self.bodies.get(layer, ()):
                if _inside(_box(hull), x, y):
                    return self._board(layer)[1]
        return self.floor

    def _board(self, layer: str) -> tuple[float, float]:
        h = self.h
        if layer == "SUBSTRATE":
            return 0.0, h.substrate_thickness
        low, thick = {
            "INTERPOSER": (h.interposer_standoff, h.interposer_thickness),
            "CARRIER": (h.carrier_standoff, h.carrier_thickness),
        }[layer]
        return self.floor + low, self.floor + low + thick

    def seat(self, placed: Placed) -> float:
        """z of the bottom of a die; without a package round it, 0."""
        center = placed.trans * kdb.DBox(*placed.die.outline).center()
        if not self.bodies:
            return 0.0
        gap = self.h.asic_standoff if placed.die.kind == "asic" else self.h.engine_standoff
        return self.surface(center.x, center.y) + gap

    def boards(self) -> Iterable[Solid]:
        """Substrate, interposer, sub-assemblies; what stands on the substrate beside the dies."""
        for layer in ("SUBSTRATE", "INTERPOSER", "CARRIER"):
            for name, (hull, holes) in self.bodies.get(layer, ()):
                yield Solid(name, layer, hull, holes, *self._board(layer))
        h = self.h
        for layer, bottom, top in (
            ("STIFFENER", self.floor, self.floor + h.stiffener_height),
            ("SOCKET", self.floor - h.socket_depth, self.floor + h.socket_rim),
            ("CAPACITORS", self.floor, self.floor + h.capacitors_height),
        ):
            for name, (hull, holes) in self.bodies.get(layer, ()):
                limit = self.floor + h.overpass_height if self._passed_over(hull) else math.inf
                yield Solid(name, layer, hull, holes, bottom, min(top, limit))

    def _passed_over(self, hull: Points) -> bool:
        center = hull.mean(axis=0)
        return any(_inside(_box(over), *center) for over in self.over)

    def dies(self, placed: Iterable[PlacedDie]) -> Iterable[Solid]:
        """Photonic and electronic dies, ASIC, and the bumps below or between them as one sheet."""
        for p in placed:
            if p.die.kind == "asic":
                yield _slab(p.name, "ASIC", p.box(p.die.outline), p.bottom, p.bottom + self.h.asic_thickness)
                if len(p.die.bumps):
                    field = p.box(_field(p.die.bumps))
                    yield _slab(f"{p.name}/bumps", "ASIC_BUMP", field, p.bottom - self.h.asic_standoff, p.bottom)
                continue
            top = p.bottom + self.h.pic_top
            yield _slab(p.name, "FLOORPLAN", p.box(p.die.outline), p.bottom, top)
            if p.die.eic is not None:
                low = top + self.h.bump
                yield _slab(f"{p.name}/eic", "EIC", p.box(p.die.eic), low, low + self.h.eic_thickness)
                if len(p.die.bumps):
                    yield _slab(f"{p.name}/bumps", "BUMP", p.box(_field(p.die.bumps)), top, low)

    def bare(self) -> Iterable[Solid]:
        """Dies that have no cell of their own, as where a package was flattened: outlines only."""
        h = self.h
        low = self.floor + h.engine_standoff
        for layer, bottom, top in (
            ("ASIC", self.floor + h.asic_standoff, self.floor + h.asic_standoff + h.asic_thickness),
            ("FLOORPLAN", low, low + h.pic_top),
            ("EIC", low + h.pic_top + h.bump, low + h.pic_top + h.bump + h.eic_thickness),
        ):
            for name, (hull, holes) in self.bodies.get(layer, ()):
                yield Solid(name, layer, hull, holes, bottom, top)

    def covers(self, placed: Iterable[PlacedDie]) -> Iterable[Solid]:
        """Lid (its walls as drawn, and a roof over what they enclose) and cold plate."""
        h = self.h
        back = max(
            (p.bottom + h.asic_thickness for p in placed if p.die.kind == "asic"), default=self.floor + h.asic_thickness
        )
        walls = self.bodies.get("LID", [])
        roof = back + h.lid_gap
        for name, (hull, holes) in walls:
            over = self._passed_over(hull)
            yield Solid(name, "LID", hull, holes, self.floor, self.floor + h.overpass_height if over else roof, True)
        top = back
        if walls:
            box = _union(_box(hull) for _, (hull, _) in walls)
            yield _slab("lid/roof", "LID", box, roof, roof + h.lid_roof, True)
            top = roof + h.lid_roof
        for name, (hull, holes) in self.bodies.get("COLDPLATE", ()):
            low = top + h.lid_gap
            yield Solid(name, "COLDPLATE", hull, holes, low, low + h.coldplate_thickness, True)

    def plugs(self) -> Iterable[Solid]:
        """Bodies of the connectors, row above row."""
        for c in self.connectors:
            middle = self.row(c.level)
            half = self.h.connector_height / 2
            yield _slab(c.name, c.layer, c.box, middle - half, middle + half)

    def row(self, level: int) -> float:
        """z of the fibres in a row of connectors."""
        return self.base + level * self.h.connector_row_pitch

    def fibre(self, drawn: DrawnFibre, facets: Facets) -> Fibre:
        """A fibre in space, from the facet outwards."""
        pieces = drawn.pieces
        near = [_facet(end, facets) for end in (pieces[0][0], pieces[-1][-1])]
        if near[0] is None and near[1] is not None:
            pieces = [piece[::-1] for piece in reversed(pieces)]
            near.reverse()
        elif near == [None, None] and tuple(pieces[0][0]) > tuple(pieces[-1][-1]):
            pieces = [piece[::-1] for piece in reversed(pieces)]  # from nowhere to nowhere: the same way in every file
        line = np.concatenate([pieces[0][:1], *(piece[1:] for piece in pieces)])
        layer = self.base + drawn.level * self.h.ribbon_layer_pitch
        start = layer if near[0] is None else near[0]
        row = self._row_at(line[-1], drawn.level)
        end = layer if row is None else self.row(row)
        return Fibre(
            drawn.name, drawn.layer, drawn.level, drawn.width, tuple(pieces), self._path(line, start, layer, end)
        )

    def _row_at(self, place: Points, level: int) -> int | None:
        """Row of the connector that a fibre ends in: the one with a port there, or whose body is there."""
        x, y = float(place[0]), float(place[1])
        near = [
            level for i in (-1, 0, 1) for j in (-1, 0, 1) for level in self.ports.get((round(x) + i, round(y) + j), ())
        ]
        found = near or [c.level for c in self.connectors if _inside(c.box, x, y, slack=1.0)]
        return None if not found else level if level in found else found[0]

    def _path(self, line: Points, start: float, layer: float, end: float) -> Points:
        """The line with heights: a smooth rise behind the facet, another one before the connector."""
        step = np.hypot(*np.diff(line, axis=0).T)
        way = np.concatenate([[0.0], np.cumsum(step)])
        total = way[-1]
        rises = [math.sqrt(2 * math.pi * abs(dz) * self.h.rise_radius) for dz in (layer - start, end - layer)]
        share = min(1.0, total / max(sum(rises), 1e-9))
        first, last = rises[0] * share, total - rises[1] * share
        stops = way[thinned(line, PATH_TOLERANCE)]
        grid = [stops]
        if first > 0:
            grid.append(np.linspace(0, first, _RISE_STEPS + 1))
        if last < total:
            grid.append(np.linspace(last, total, _RISE_STEPS + 1))
        at = np.unique(np.concatenate(grid))
        at = np.concatenate([at[:-1][np.diff(at, prepend=-np.inf)[:-1] > _APART], at[-1:]])
        z = np.full(len(at), layer)
        z[at < first] = start + (layer - start) * _eased(at[at < first] / first) if first > 0 else layer
        z[at > last] = (
            layer + (end - layer) * _eased((at[at > last] - last) / (total - last)) if last < total else layer
        )
        return np.stack([np.interp(at, way, line[:, 0]), np.interp(at, way, line[:, 1]), z], axis=1)


def _facet(end: Points, facets: Facets) -> float | None:
    """Height of the facet that a fibre ends at, if it does."""
    return next((height for box, height in facets if _inside(box, *end, slack=50.0)), None)


def _eased(share: Points) -> Points:
    """From 0 to 1 with no slope and no curvature at the ends: the sine S-bend of the drawing, upright."""
    return share - np.sin(2 * np.pi * share) / (2 * np.pi)


def _slab(name: str, group: str, box: Box, bottom: float, top: float, clear: bool = False) -> Solid:
    left, low, right, high = box
    outline = np.array([(left, low), (right, low), (right, high), (left, high)], dtype=float)
    return Solid(name, group, outline, (), bottom, top, clear)


def _field(bumps: Points) -> Box:
    low, high = bumps[:, :2] - bumps[:, 2:] / 2, bumps[:, :2] + bumps[:, 2:] / 2
    return (*low.min(axis=0).tolist(), *high.max(axis=0).tolist())


def _box(hull: Points) -> Box:
    return (*hull.min(axis=0).tolist(), *hull.max(axis=0).tolist())


def _area(hull: Points) -> float:
    """Area of an outline, um2, to 1e-6."""
    x, y = (hull - hull[0]).T
    return round(abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))) / 2, 6)


def _union(boxes: Iterable[Box]) -> Box:
    found = np.array(list(boxes))
    return (*found[:, :2].min(axis=0).tolist(), *found[:, 2:].max(axis=0).tolist())


def _inside(box: Box, x: float, y: float, slack: float = 0.0) -> bool:
    return box[0] - slack <= x <= box[2] + slack and box[1] - slack <= y <= box[3] + slack
