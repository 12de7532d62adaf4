"""The bodies of a package that conduct heat: what is drawn, and board, balls, paste and plate that no layout has.

z = 0 is the bottom of the substrate, um; below it are balls and board. From there up: substrate, interposer or sockets
with their boards, bumps in underfill, dies face down; an engine's electronic die stands face down on the photonic die.
On the backs of the dies that are cooled lie paste and, one for each, a pedestal of the base that lies over them, so
that the paste is equally thick on dies of different height. A lid lies between, if one is drawn, with paste on both
sides.

Bumps in underfill count as one material: metal and epoxy side by side upwards; along, cylinders in a matrix after
Rayleigh, Phil. Mag. 34, 481 (1892), first order in their share of the area.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from cpo_pdk.errors import LayoutError
from cpo_pdk.handover.parts import Package, PlacedDie, Points, Solid
from cpo_pdk.spec import PackageSpec
from cpo_pdk.tech.package_heights import PackageHeights, package_heights
from cpo_pdk.tech.thermal_materials import Conducting, ThermalTable, thermal_table

Rect = tuple[float, float, float, float]
"""Left, bottom, right, top, um."""
Span = tuple[float, float]
"""z of bottom and top, um."""

#: what a drawn solid is made of; dies, bumps, lid and plate are built from the dies
_MADE_OF = {"STIFFENER": "steel", "CAPACITORS": "ceramic", "SOCKET": "socket"}


@dataclass(frozen=True)
class Body:
    """A prism of one material.

    Attributes:
        name: what it is.
        material: see there.
        box: its outline, or the box round it.
        span: its height.
        outline: polygon where it is no rectangle; `holes` in it.
        aside: beside what conducts: no plane of the grid is laid for it.
    """

    name: str
    material: Conducting
    box: Rect
    span: Span
    outline: Points | None = None
    holes: tuple[Points, ...] = ()
    aside: bool = False


@dataclass(frozen=True)
class EngineStack:
    """An engine: outlines of its dies in the package, heights in which their heat arises; no `eic` without one."""

    name: str
    pic: Rect
    pic_span: Span
    eic: Rect | None
    eic_span: Span


@dataclass(frozen=True)
class Stack:
    """The package as bodies.

    Attributes:
        bodies: in the order in which they are laid; a later one takes the place of an earlier one.
        asics: outlines of the ASIC's dies; `asic_span` the height in which their heat arises.
        engines: by name.
        substrate, base, carriers: outlines of substrate, plate, interposers and sub-assemblies.
        floor: top of the substrate; `bottom` and `top` of everything.
        warnings: one line each.
    """

    bodies: tuple[Body, ...]
    asics: tuple[Rect, ...]
    asic_span: Span
    engines: tuple[EngineStack, ...]
    substrate: Rect
    base: Rect
    carriers: tuple[Rect, ...]
    floor: float
    bottom: float
    top: float
    warnings: tuple[str, ...] = ()


def stack_of(package: Package, spec: PackageSpec) -> Stack:
    """Bodies of a package.

    Args:
        package: as read from its layout.
        spec: for what cools it, and for conductivities in place of the defaults.

    Raises:
        LayoutError: no ASIC, no engine, or no substrate.
    """
    return _Builder(package, spec).stack()


def bumps_material(metal: Conducting, epoxy: Conducting, share: float) -> Conducting:
    """Bumps in underfill as one material.

    Args:
        metal: of the bumps.
        epoxy: between them.
        share: of the area that is metal, 0 to below 1.
    """
    contrast = (metal.lateral - epoxy.lateral) / (metal.lateral + epoxy.lateral)
    return Conducting(
        epoxy.lateral * (1 + share * contrast) / (1 - share * contrast),
        share * metal.vertical + (1 - share) * epoxy.vertical,
        share * metal.capacity + (1 - share) * epoxy.capacity,
    )


class _Builder:
    def __init__(self, package: Package, spec: PackageSpec) -> None:
        self.package, self.spec = package, spec
        self.h: PackageHeights = package_heights()
        self.table: ThermalTable = thermal_table()
        self.warnings: list[str] = []
        self.asics = [p for p in package.placed if p.die.kind == "asic"]
        self.engines = [p for p in package.placed if p.die.kind == "engine"]
        boards = [s for s in package.solids if s.group == "SUBSTRATE"]
        for found, what in ((self.asics, "ASIC"), (self.engines, "engine"), (boards, "substrate")):
            if not found:
                raise LayoutError(f"{package.name}: holds no {what}; the heat of a package needs one, draw a package")
        self.substrate = _union(_box(s.outline) for s in boards)
        own = spec.thermal.conductivity_W_mK
        of = self.table.materials
        self.silicon = of["silicon"].with_k(own.silicon)
        self.tim = of["tim"].with_k(own.tim)
        self.metal = of["copper"].with_k(own.lid)
        self.board_k = of["board"].with_k(own.board_lateral, own.board_vertical or of["board"].vertical)
        self.balls_k = of["balls"].with_k(own.board_lateral, own.board_vertical or of["balls"].vertical)
        self.substrate_k = of["substrate"].with_k(
            own.substrate_lateral, own.substrate_vertical or of["substrate"].vertical
        )
        self.covered = [*self.asics, *(self.engines if spec.thermal.covers == "all" else ())]

    def stack(self) -> Stack:
        """Everything, from the bottom up."""
        size, h = self.table.sizes, self.h
        bottom = -size["ball_height"] - size["board_thickness"]
        floor = h.substrate_thickness
        base = self._base()
        bodies = [*self._boards(bottom), *self._beside(), *self._dies()]
        lid = list(self._cover(base))
        top = max(body.span[1] for body in lid)
        engines = tuple(self._engine(p) for p in sorted(self.engines, key=lambda p: p.name))
        low = min(p.bottom for p in self.asics)
        return Stack(
            (*bodies, *lid),
            tuple(p.box(p.die.outline) for p in self.asics),
            (low, low + size["active"]),
            engines,
            self.substrate,
            base,
            tuple(_box(s.outline) for s in self.package.solids if s.group in ("INTERPOSER", "CARRIER")),
            floor,
            bottom,
            top,
            tuple(self.warnings),
        )

    def _boards(self, bottom: float) -> Iterator[Body]:
        """Board, balls, substrate, interposer, sockets with their boards."""
        size, of, h = self.table.sizes, self.table.materials, self.h
        yield Body(
            "board",
            self.board_k,
            _grown(self.substrate, size["board_margin"]),
            (bottom, bottom + size["board_thickness"]),
        )
        yield Body("balls", self.balls_k, self.substrate, (-size["ball_height"], 0.0))
        solder, epoxy = of["solder"], of["underfill"]
        for solid in self.package.solids:
            if solid.group == "SUBSTRATE":
                yield _of(solid, self.substrate_k)
            elif solid.group == "INTERPOSER":
                below = bumps_material(solder, epoxy, self.table.shares["interposer_bumps"])
                yield _of(solid, below, (solid.bottom - h.interposer_standoff, solid.bottom))
                yield _of(solid, self.silicon)
            elif solid.group == "CARRIER":
                yield _of(solid, of["socket"], (solid.bottom - h.carrier_standoff, solid.bottom))
                yield _of(solid, of["carrier"])

    def _beside(self) -> Iterator[Body]:
        """Stiffeners, capacitors, frames: only what stands on the substrate."""
        for solid in self.package.solids:
            name = _MADE_OF.get(solid.group)
            low = max(solid.bottom, self.h.substrate_thickness)
            if name and solid.top > low:
                yield replace(_of(solid, self.table.materials[name], (low, solid.top)), aside=True)

    def _dies(self) -> Iterator[Body]:
        of, h, own = self.table.materials, self.h, self.spec.thermal.conductivity_W_mK
        solder, epoxy, copper = of["solder"], of["underfill"], of["copper"]
        for p in self.asics:
            span = (p.bottom - h.asic_standoff, p.bottom)
            outline = p.box(p.die.outline)
            field, share = _bumps(p, outline)
            yield Body(f"{p.name}/underfill", epoxy.with_k(own.asic_bumps), outline, span)
            bumps = bumps_material(solder, epoxy, share or self.table.shares["engine_bumps"])
            yield Body(f"{p.name}/bumps", bumps.with_k(own.asic_bumps), field, span)
            yield Body(p.name, self.silicon, outline, (p.bottom, p.bottom + h.asic_thickness))
        below = bumps_material(solder, epoxy, self.table.shares["engine_bumps"]).with_k(own.engine_bumps)
        for p in self.engines:
            outline = p.box(p.die.outline)
            yield Body(f"{p.name}/underfill", below, outline, (p.bottom - h.engine_standoff, p.bottom))
            handle, top = p.bottom + self._handle, p.bottom + h.pic_top
            yield Body(p.name, self.silicon, outline, (p.bottom, handle))
            yield Body(f"{p.name}/back end", of["back_end"].with_k(None, own.back_end), outline, (handle, top))
            if p.die.eic is None:
                continue
            eic, low = p.box(p.die.eic), top + h.bump
            field, share = _bumps(p, eic)
            yield Body(f"{p.name}/eic underfill", epoxy.with_k(own.micro_bumps), eic, (top, low))
            if share:
                pillars = bumps_material(copper, epoxy, share).with_k(own.micro_bumps)
                yield Body(f"{p.name}/bumps", pillars, field, (top, low))
            yield Body(f"{p.name}/eic", self.silicon, eic, (low, low + h.eic_thickness))

    @property
    def _handle(self) -> float:
        """Thickness of the photonic die's silicon, up to the buried oxide, um."""
        return self.h.pic_box

    def _engine(self, p: PlacedDie) -> EngineStack:
        top = p.bottom + self.h.pic_top
        low = top + self.h.bump
        return EngineStack(
            p.name,
            p.box(p.die.outline),
            (p.bottom + self._handle, top),
            None if p.die.eic is None else p.box(p.die.eic),
            (low, low + self.table.sizes["active"]),
        )

    def _back(self, p: PlacedDie) -> tuple[Rect, float]:
        """Outline and height of the back that paste lies on."""
        if p.die.kind == "asic":
            return p.box(p.die.outline), p.bottom + self.h.asic_thickness
        top = p.bottom + self.h.pic_top
        if p.die.eic is None:
            return p.box(p.die.outline), top
        return p.box(p.die.eic), top + self.h.bump + self.h.eic_thickness

    def _base(self) -> Rect:
        """Outline of the base of cold plate or heatsink: as drawn, and over all dies that it is to cool."""
        drawn = [_box(s.outline) for s in self.package.solids if s.group in ("COLDPLATE", "LID")]
        dies = _union(self._back(p)[0] for p in self.covered)
        overhang = self.table.sizes[f"{self.spec.thermal.kind}_overhang"]
        if not drawn:
            return _grown(dies, overhang)
        short = [p.name for p in self.engines if p in self.covered and not _inside(self._back(p)[0], _union(drawn))]
        if not short and _inside(dies, _union(drawn)):
            return _union(drawn)
        if short:
            self.warnings.append(
                f"the plate that is drawn ends short of {len(short)} of {len(self.engines)} engines ({short[0]} first) "
                "and thermal.covers is all: computed as one that reaches over them; draw it larger, or write "
                "covers: asic"
            )
        return _union([*drawn, _grown(dies, overhang)])

    def _cover(self, base: Rect) -> Iterator[Body]:
        """Paste and pedestals on the dies, lid, base."""
        gap, h = self.h.lid_gap, self.h
        under = [p for p in (*self.asics, *self.engines) if p in self.covered or _overlap(self._back(p)[0], base)]
        level = max(self._back(p)[1] for p in under) + gap
        for p in self.covered:
            box, back = self._back(p)
            yield Body(f"{p.name}/paste", self.tim, box, (back, back + gap))
            if level - back - gap > 1e-6:
                yield Body(f"{p.name}/pedestal", self.metal, box, (back + gap, level))
        walls = [s for s in self.package.solids if s.group == "LID" and s.name != "lid/roof"]
        for solid in walls:
            over = solid.top < min(self._back(p)[1] for p in self.asics)  # low, fibres pass above
            yield _of(solid, self.metal, (solid.bottom, solid.top if over else level))
        if walls:
            roof = _union([*(_box(s.outline) for s in walls), *(self._back(p)[0] for p in self.covered)])
            yield Body("lid", self.metal, roof, (level, level + h.lid_roof))
            yield Body("lid/paste", self.tim, roof, (level + h.lid_roof, level + h.lid_roof + gap))
            level += h.lid_roof + gap
        plate = self.spec.thermal.kind == "cold_plate"
        thick = h.coldplate_thickness if plate else self.table.sizes["heatsink_base"]
        yield Body("base", self.metal, base, (level, level + thick))


def _bumps(p: PlacedDie, otherwise: Rect) -> tuple[Rect, float]:
    """Field of a die's bumps in the package, and the share of it that is metal; round bumps."""
    bumps = p.die.bumps
    if len(bumps) < 4:
        return otherwise, 0.0
    low = (bumps[:, :2] - bumps[:, 2:] / 2).min(axis=0)
    high = (bumps[:, :2] + bumps[:, 2:] / 2).max(axis=0)
    area = float((bumps[:, 2] * bumps[:, 3]).sum()) * math.pi / 4
    return p.box((low[0], low[1], high[0], high[1])), min(area / float((high - low).prod()), 0.9)


def _of(solid: Solid, material: Conducting, span: Span | None = None) -> Body:
    box = _box(solid.outline)
    x, y = solid.outline.T
    whole = abs(float((x * _rolled(y) - _rolled(x) * y).sum())) / 2
    square = not solid.holes and math.isclose(whole, (box[2] - box[0]) * (box[3] - box[1]), rel_tol=1e-6)
    return Body(
        solid.name,
        material,
        box,
        span or (solid.bottom, solid.top),
        None if square else solid.outline,
        () if square else solid.holes,
    )


def _rolled(values: Points) -> Points:
    return values[[*range(1, len(values)), 0]]


def _box(outline: Points) -> Rect:
    left, low = outline.min(axis=0).tolist()
    right, high = outline.max(axis=0).tolist()
    return left, low, right, high


def _union(boxes: Iterable[Rect]) -> Rect:
    left, low, right, high = zip(*boxes, strict=True)
    return min(left), min(low), max(right), max(high)


def _grown(box: Rect, by: float) -> Rect:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _inside(inner: Rect, outer: Rect) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _overlap(a: Rect, b: Rect) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])
