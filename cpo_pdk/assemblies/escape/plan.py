"""The plan of all fibres of a package: what is asked by the port plan, led from the facets to the faceplate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cpo_pdk.assemblies.escape.bundle import Bundle, bundle_of, bundle_problems
from cpo_pdk.assemblies.escape.clearance import Ribbon, bend_problems, centre_line, part_problems, spacing_problems
from cpo_pdk.assemblies.escape.crossings import colours_of, longest_fall
from cpo_pdk.assemblies.escape.faceplate import LASER_BODY, MPO_BODY, data_slots, laser_slots, plate_problems
from cpo_pdk.assemblies.escape.ground import Box, obstacles_of
from cpo_pdk.assemblies.escape.last_stretch import TAIL, Stretch, find_crossings, last_stretches
from cpo_pdk.assemblies.escape.paths import EscapePlan, FibrePath, PlacedConnector, RibbonCrossing
from cpo_pdk.assemblies.escape.trunks import Trunk, facet_of, lay_trunks
from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import EnginePlace
from cpo_pdk.spec.port_plan import data_connectors, faceplate_order, laser_connectors, nesting_order
from cpo_pdk.tech.layers import FIBER_LEVELS


@dataclass(frozen=True)
class Outline:
    """Ribbons and connectors in their places; the fibres follow from it.

    Attributes:
        bundle: what the ribbons have in common.
        boxes: what they go around.
        trunks: ribbons from left to right, until they move sideways to their connectors.
        connectors: data connectors in faceplate order, then laser connectors.
        stretches: the last stretch of all fibres.
        ready: where that begins, um north.
    """

    bundle: Bundle
    boxes: tuple[Box, ...]
    trunks: tuple[Trunk, ...]
    connectors: tuple[PlacedConnector, ...]
    stretches: tuple[Stretch, ...]
    ready: float


def plan_escape(spec: PackageSpec, size: tuple[float, float], engines: Sequence[EnginePlace]) -> EscapePlan:
    """Lead all fibres to their connectors.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        engines: where the engines stand.

    Raises:
        SpecError: with everything that does not fit, at the lines of the spec.
    """
    outline = outline_escape(spec, size, engines)
    fibres = _fibres(spec, outline)
    _refuse([*bend_problems(spec, fibres), *curve_problems(spec, size, outline)])
    crossings = find_crossings(outline.stretches, outline.ready, spec.faceplate.distance_mm * 1e3)
    _refuse(_inside_problems(spec, crossings))
    return EscapePlan(outline.bundle, outline.trunks, outline.connectors, tuple(fibres), tuple(crossings))


def outline_escape(spec: PackageSpec, size: tuple[float, float], engines: Sequence[EnginePlace]) -> Outline:
    """Lead all ribbons to their connectors.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        engines: where the engines stand.

    Raises:
        SpecError: with everything that does not fit, at the lines of the spec.
    """
    bundle = bundle_of(spec)
    _refuse(bundle_problems(spec, bundle))
    boxes = obstacles_of(spec, size, engines)
    trunks, problems = lay_trunks(spec, size, engines, bundle, boxes, {})
    names = [trunk.engine.name for trunk in trunks]
    problems += _order_problems(spec, names)
    _refuse(problems)
    order = faceplate_order(spec)
    target = [order.index(name) for name in names]
    slots = data_slots(spec, trunks, order)
    if target == sorted(target):
        # nothing has to cross: ribbons that turn north do so where their connectors are, as far as they get there
        least = {t.engine.name: abs(slots[t.engine.name]) for t in trunks if t.engine.side != "north"}
        trunks = lay_trunks(spec, size, engines, bundle, boxes, least)[0]
    colours = colours_of(target)
    _refuse(
        [
            *_turn_problems(spec, trunks),
            *plate_problems(spec, trunks, bundle),
            *_level_problems(spec, names, target, bundle),
        ]
    )
    connectors = [
        PlacedConnector(plan, slots[name], MPO_BODY, bundle.pitch)
        for name in order
        for plan in data_connectors(spec, name)
    ]
    lasers = laser_connectors(spec)
    at = laser_slots(spec, lasers, slots)
    modules = [PlacedConnector(plan, at[plan.name], LASER_BODY, bundle.pitch) for plan in lasers]
    ready = _ready(spec, trunks, boxes)
    stretches, problems = last_stretches(spec, trunks, slots, colours, modules, bundle, ready)
    _refuse(problems)
    return Outline(bundle, boxes, trunks, (*connectors, *modules), tuple(stretches), ready[0])


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise SpecError(list(problems))


def _ready(spec: PackageSpec, trunks: Sequence[Trunk], boxes: Sequence[Box]) -> tuple[float, float]:
    """From where on ribbons may move sideways to their connectors, um north: nothing stands there any more.

    Returns:
        For ribbons that cross none, and for those that do: these wait until they are outside of the package.
    """
    ready = math.ceil(max([t.y for t in trunks] + [box.top for box in boxes]))
    outside = ready if spec.fibres.crossings_in_package else max(ready, math.ceil(spec.substrate.size_mm[1] * 500))
    return ready, outside


def _fibres(spec: PackageSpec, outline: Outline) -> list[FibrePath]:
    """All fibres, engine by engine clockwise from the north, each from the southernmost position on."""
    bundle, trunks = outline.bundle, outline.trunks
    ends = {key: (c.plan, position) for c in outline.connectors for position, key in c.plan.fibres.items()}
    last_of = {(s.engine, s.module): s for s in outline.stretches}
    plate = round(spec.faceplate.distance_mm * 1e3, 3)
    fibres = []
    for trunk in sorted(trunks, key=lambda t: (SIDES.index(t.engine.side), t.engine.number)):
        name = trunk.engine.name
        for strand in bundle.strands:
            if strand.use == "loop":
                fibres.append(FibrePath(name, strand.port, "SMF", 1, tuple(bundle.fan_out(strand))))
                continue
            plan, position = ends[name, strand.port]
            last = last_of[name, plan.name if strand.use == "laser" else ""]
            kind, level = ("PM", 1) if strand.use == "laser" else ("SMF", last.level + strand.row - 1)
            steps = [*bundle.fan_out(strand), *trunk.steps(bundle, strand.aside)]
            steps += last.steps(trunk.y, plate, strand.aside)
            fibres.append(FibrePath(name, strand.port, kind, level, tuple(steps), plan.name, position))
    return fibres


def curve_problems(spec: PackageSpec, size: tuple[float, float], outline: Outline) -> list[Problem]:
    """What is wrong with the planned ribbons themselves, however they were found.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        outline: their plan.
    """
    bundle = outline.bundle
    plate = round(spec.faceplate.distance_mm * 1e3, 3)
    last_of = {s.engine: s for s in outline.stretches if not s.module}
    ribbons = []
    for trunk in outline.trunks:
        engine, last = trunk.engine, last_of[trunk.engine.name]
        (x, y), (dx, dy) = facet_of(engine, size), engine.outward
        origin = (x + dx * bundle.fan_end, y + dy * bundle.fan_end)
        steps = [*trunk.steps(bundle, 0.0), *last.steps(trunk.y, plate, 0.0)]
        ribbons.append(Ribbon(engine.name, last.level, centre_line(steps, origin, engine.rotation)))
    return [*spacing_problems(spec, ribbons, bundle), *part_problems(spec, ribbons, outline.boxes, bundle)]


def _inside_problems(spec: PackageSpec, crossings: Sequence[RibbonCrossing]) -> list[Problem]:
    """Ribbons that cross above the package without leave; the first from the south tells."""
    half_x, half_y = (s * 500 for s in spec.substrate.size_mm)
    inside = [c for c in crossings if abs(c.x) < half_x and abs(c.y) < half_y]
    if spec.fibres.crossings_in_package or not inside:
        return []
    c = inside[0]
    return [
        spec.problem(
            "fibres.crossings_in_package",
            f"the ribbons of engines {c.first} and {c.second} cross above the package, at ({c.x * 1e-3:.1f}, "
            f"{c.y * 1e-3:.1f}) mm; {len(inside)} crossings there, 0 allowed; set crossings_in_package: true or use "
            "order: shortest",
        )
    ]


def _order_problems(spec: PackageSpec, names: Sequence[str]) -> list[Problem]:
    """Engines that are not numbered in the order in which their ribbons come out."""
    wanted = nesting_order(spec)
    if tuple(names) == wanted:
        return []
    odd = next((a, b) for a, b in zip(names, wanted, strict=True) if a != b)
    return [
        spec.problem(
            "engines.positions",
            f"the ribbons come out of the package in another order than the engines are numbered in: {odd[0]} where "
            f"{odd[1]} is counted; list the positions of a side from west to east, or from north to south",
        )
    ]


def _turn_problems(spec: PackageSpec, trunks: Sequence[Trunk]) -> list[Problem]:
    """Ribbons that reach the faceplate before they have turned to it; the worst of them tells."""
    plate = spec.faceplate.distance_mm * 1e3
    worst = max(trunks, key=lambda t: t.y)
    if worst.y <= plate - TAIL:
        return []
    short = (worst.y + TAIL - plate) * 1e-3
    return [
        spec.problem(
            "faceplate.distance_mm",
            f"the ribbon of engine {worst.engine.name} can't turn at {spec.fibres.bend_radius_mm:g} mm before the "
            f"faceplate at {spec.faceplate.distance_mm:g} mm: {short:.1f} mm short; move the faceplate out to "
            f"{spec.faceplate.distance_mm + math.ceil(short * 10) / 10:g} mm or allow a smaller bend_radius_mm",
        )
    ]


def _level_problems(spec: PackageSpec, names: Sequence[str], target: Sequence[int], bundle: Bundle) -> list[Problem]:
    """More layers of ribbons than there may be."""
    fall = longest_fall(target)
    need, most = len(fall) * bundle.rows, min(spec.fibres.levels, len(FIBER_LEVELS))
    if len(fall) <= 1 or need <= most:
        return []
    told = ", ".join(names[k] for k in fall[:6]) + (", ..." if len(fall) > 6 else "")
    cure = f"raise fibres.levels to {need}" if need <= len(FIBER_LEVELS) else f"at most {len(FIBER_LEVELS)} layers are"
    cure += "" if need <= len(FIBER_LEVELS) else " possible: ask for an order nearer to order: shortest"
    return [
        spec.problem(
            "faceplate.order",
            f"in the order asked the ribbons of {told} all cross one another: {len(fall)} x {bundle.rows} layers "
            f"needed, levels is {spec.fibres.levels}; {cure}",
        )
    ]
