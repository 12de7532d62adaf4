"""The plan of all fibres of a package: what is asked by the port plan, led from the facets to the faceplate."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cpo_pdk.assemblies.escape.bundle import Bundle, Strand, bundle_of, bundle_problems
from cpo_pdk.assemblies.escape.crossings import colours_of, crossing_pairs
from cpo_pdk.assemblies.escape.faceplate import (
    LASER_BODY,
    MPO_BODY,
    data_slots,
    laser_slots,
    plate_problems,
)
from cpo_pdk.assemblies.escape.ground import Box, obstacles_of
from cpo_pdk.assemblies.escape.jogs import Jog
from cpo_pdk.assemblies.escape.spreading import Move, Moved, move_all
from cpo_pdk.assemblies.escape.trunks import Trunk, lay_trunks
from cpo_pdk.components.fibers import Step, trace
from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace
from cpo_pdk.spec.port_plan import ConnectorPlan, data_connectors, faceplate_order, laser_connectors
from cpo_pdk.tech.layers import FIBER_LEVELS

TAIL = 2_000.0  # straight fibre before a connector, um
_CROSSING_ANGLE = 45  # ribbons that cross turn by this at least, degrees: a shallow crossing lies on a long stretch


@dataclass(frozen=True)
class FibrePath:
    """One fibre from its facet to its connector, or to its open end.

    Attributes:
        engine: name of the engine.
        port: at its facet, `tx_3`.
        kind: SMF or PM.
        level: layer of ribbons that it runs in, from 1.
        steps: from the facet on, heading out of it, um; see `cpo_pdk.components.fibers.Route`.
        connector: name of the connector; empty for an alignment fibre.
        position: in the connector, from 1; 0 for an alignment fibre.
    """

    engine: str
    port: str
    kind: str
    level: int
    steps: tuple[Step, ...]
    connector: str = ""
    position: int = 0

    @cached_property
    def length(self) -> float:
        """Along the fibre, um."""
        return sum(piece.length for piece in trace(self.steps)[0])


@dataclass(frozen=True)
class PlacedConnector:
    """A connector at the faceplate.

    Attributes:
        plan: name, kind, positions and the fibres in them.
        x: of its middle in um.
        body: its width in um.
        pitch: of its positions in um.
    """

    plan: ConnectorPlan
    x: float
    body: float
    pitch: float

    def position_x(self, position: int) -> float:
        """Where a position is, um.

        Args:
            position: from 1, the easternmost.
        """
        first = round(self.x + round((self.plan.positions - 1) / 2 * self.pitch, 3), 3)
        return round(first - (position - 1) * self.pitch, 3)


@dataclass(frozen=True)
class RibbonCrossing:
    """Two ribbons that cross, because the faceplate is asked in another order than they come out in.

    Attributes:
        left: name of the engine whose ribbon comes from the left.
        right: name of the other.
        levels: layers of ribbons of `left` and of `right`, lowest of each.
    """

    left: str
    right: str
    levels: tuple[int, int]


@dataclass(frozen=True)
class EscapePlan:
    """Fibres that fit.

    Attributes:
        bundle: what the ribbons have in common.
        trunks: ribbons from left to right, until they move sideways to their connectors.
        connectors: data connectors in faceplate order, then laser connectors.
        fibres: by engine, from the southernmost position of its array on.
        crossings: of ribbons, each counted once, whatever the number of layers.
    """

    bundle: Bundle
    trunks: tuple[Trunk, ...]
    connectors: tuple[PlacedConnector, ...]
    fibres: tuple[FibrePath, ...]
    crossings: tuple[RibbonCrossing, ...]


@dataclass(frozen=True)
class _Last:
    """The last stretch of a group of fibres that stay side by side: where it begins to move (um north), how."""

    begin: float
    jog: Jog
    aside: float


def plan_escape(spec: PackageSpec, size: tuple[float, float], engines: Sequence[EnginePlace]) -> EscapePlan:
    """Lead all fibres to their connectors.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        engines: where the engines stand.

    Raises:
        SpecError: with everything that does not fit, at the lines of the spec.
    """
    bundle = bundle_of(spec)
    problems = bundle_problems(spec, bundle)
    if problems:
        raise SpecError(problems)
    boxes = obstacles_of(spec, size, engines)
    first, problems = lay_trunks(spec, size, engines, bundle, boxes, {})
    asked = spec.faceplate.order != "shortest"
    names = [trunk.engine.name for trunk in first]
    order = list(faceplate_order(spec)) if asked else names
    target = [order.index(name) for name in names]
    slots = data_slots(spec, first, order)
    least = {} if asked else {t.engine.name: abs(slots[t.engine.name]) for t in first if t.engine.side != "north"}
    trunks = lay_trunks(spec, size, engines, bundle, boxes, least)[0] if least else first
    problems += _turn_problems(spec, trunks, bundle)
    problems += plate_problems(spec, trunks, bundle)
    colours = colours_of(target)
    problems += _level_problems(spec, colours, bundle)
    if problems:
        raise SpecError(problems)

    ready = _ready(spec, trunks, boxes, crossing=max(colours) > 0)
    connectors = [
        PlacedConnector(plan, slots[name], MPO_BODY, bundle.pitch)
        for name in order
        for plan in data_connectors(spec, name)
    ]
    lasers = laser_connectors(spec, names)
    modules = laser_slots(spec, lasers, trunks)
    connectors += [PlacedConnector(plan, modules[plan.name], LASER_BODY, bundle.pitch) for plan in lasers]
    data, found = _data_moves(spec, trunks, slots, colours, bundle, ready)
    laser, more = _laser_moves(spec, trunks, connectors, bundle, ready)
    if found + more:
        raise SpecError(found + more)
    level = {name: colour * bundle.rows for name, colour in zip(names, colours, strict=True)}
    ends = {key: (c.plan, position) for c in connectors for position, key in c.plan.fibres.items()}
    plate = spec.faceplate.distance_mm * 1e3
    fibres = []
    for trunk in sorted(trunks, key=lambda t: _clockwise(t.engine)):
        name = trunk.engine.name
        for strand in bundle.strands:
            if strand.use == "loop":
                fibres.append(FibrePath(name, strand.port, "SMF", 1, tuple(bundle.fan_out(strand))))
                continue
            plan, position = ends[name, strand.port]
            last = laser[name, plan.name] if strand.use == "laser" else data[name]
            steps = _steps(trunk, strand, last, bundle, plate)
            kind, high = ("PM", 1) if strand.use == "laser" else ("SMF", level[name] + strand.row)
            fibres.append(FibrePath(name, strand.port, kind, high, steps, plan.name, position))
    crossings = tuple(
        RibbonCrossing(names[a], names[b], (level[names[a]] + 1, level[names[b]] + 1))
        for a, b in crossing_pairs(target)
    )
    return EscapePlan(bundle, trunks, tuple(connectors), tuple(fibres), crossings)


def _clockwise(engine: EnginePlace) -> tuple[int, int]:
    return ("north", "east", "south", "west").index(engine.side), engine.number


def _steps(trunk: Trunk, strand: Strand, last: _Last, bundle: Bundle, plate: float) -> tuple[Step, ...]:
    """All steps of one fibre, um."""
    steps = [*bundle.fan_out(strand), *trunk.steps(bundle, strand.aside)]
    steps.append(("line", round(last.begin - trunk.y, 3), 0.0))
    steps += last.jog.steps(round(strand.aside - last.aside, 3))
    steps.append(("line", round(plate - last.begin - last.jog.length, 3), 0.0))
    return tuple(steps)


def _ready(spec: PackageSpec, trunks: Sequence[Trunk], boxes: Sequence[Box], crossing: bool) -> float:
    """From where on ribbons may move sideways to their connectors, um north: nothing stands there any more."""
    ready = max([t.y for t in trunks] + [box.top for box in boxes])
    if crossing and not spec.fibres.crossings_in_package:
        ready = max(ready, spec.substrate.size_mm[1] * 500)
    return math.ceil(ready)


def _data_moves(
    spec: PackageSpec,
    trunks: Sequence[Trunk],
    slots: dict[str, float],
    colours: Sequence[int],
    bundle: Bundle,
    ready: float,
) -> tuple[dict[str, _Last], list[Problem]]:
    """Last stretch of each engine's data fibres; those of one colour share layers."""
    limit = spec.faceplate.distance_mm * 1e3 - TAIL
    found: dict[str, _Last] = {}
    problems: list[Problem] = []
    for colour in range(max(colours) + 1):
        mine = [t for t, c in zip(trunks, colours, strict=True) if c == colour]
        moves = [Move(t.x, slots[t.engine.name], bundle.step / 2, ready) for t in mine]
        made = move_all(moves, bundle.radius, limit, _CROSSING_ANGLE if max(colours) else 0)
        problems += _late(spec, [t.engine.name for t in mine], "", moves, made, limit)
        for trunk, begin, jog in zip(mine, made.begins, made.jogs, strict=True):
            found[trunk.engine.name] = _Last(begin if jog.shift else trunk.y, jog, 0.0)
    return found, problems


def _laser_moves(
    spec: PackageSpec,
    trunks: Sequence[Trunk],
    connectors: Sequence[PlacedConnector],
    bundle: Bundle,
    ready: float,
) -> tuple[dict[tuple[str, str], _Last], list[Problem]]:
    """Last stretch of the laser fibres of an engine that end in the same module."""
    limit = spec.faceplate.distance_mm * 1e3 - TAIL
    groups: list[tuple[str, str, float, Move]] = []
    for trunk in trunks:
        ends: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for connector in connectors:
            for position, (engine, port) in connector.plan.fibres.items():
                if connector.plan.level == 0 and engine == trunk.engine.name:
                    aside = bundle.strand(port).aside
                    ends[connector.plan.name].append((aside, connector.position_x(position)))
        for name, pairs in ends.items():
            asides, xs = zip(*pairs, strict=True)
            # the middle of the outer ones, on the grid: the others lie a whole number of pitches from them
            aside = round(min(asides) + (len(asides) - 1) // 2 * bundle.pitch, 3)
            x = round(max(xs) - (len(asides) - 1) // 2 * bundle.pitch, 3)
            half = (len(asides) - 1) / 2 * bundle.pitch + bundle.pitch / 2
            shift = (len(asides) - 1) % 2 * bundle.pitch / 2
            groups.append(
                (trunk.engine.name, name, aside, Move(trunk.x - aside - shift, x - shift, half, max(ready, trunk.y)))
            )
    groups.sort(key=lambda g: (g[3].start, g[3].end))
    widest = max((g[3].half for g in groups), default=0.0) + bundle.pitch / 2
    moves = [move for *_, move in groups]
    made = move_all(moves, round(bundle.radius_min + widest, 3), limit)
    problems = _late(spec, [name for name, *_ in groups], "laser ", moves, made, limit)
    above = {t.engine.name: t.y for t in trunks}
    found = {
        (engine, name): _Last(begin if jog.shift else above[engine], jog, aside)
        for (engine, name, aside, _), begin, jog in zip(groups, made.begins, made.jogs, strict=True)
    }
    return found, problems


def _late(
    spec: PackageSpec, names: Sequence[str], what: str, moves: Sequence[Move], made: Moved, limit: float
) -> list[Problem]:
    """Fibres that reach the faceplate before they are at their connectors; the worst of them tells."""
    ends = [begin + jog.length for begin, jog in zip(made.begins, made.jogs, strict=True)]
    if not ends or max(ends) <= limit:
        return []
    worst = max(range(len(ends)), key=ends.__getitem__)
    move, short = moves[worst], ends[worst] - limit
    distance = spec.faceplate.distance_mm + math.ceil(short / 100) / 10
    return [
        spec.problem(
            "faceplate.distance_mm",
            f"the {what}fibres of engine {names[worst]} have {(limit - move.ready) * 1e-3:.1f} mm before the faceplate "
            f"to move {abs(made.jogs[worst].shift) * 1e-3:.1f} mm sideways to their connectors and need "
            f"{(ends[worst] - move.ready) * 1e-3:.1f} mm at a bend radius of {spec.fibres.bend_radius_mm:g} mm; "
            f"move the faceplate out to {distance:g} mm",
        )
    ]


def _turn_problems(spec: PackageSpec, trunks: Sequence[Trunk], bundle: Bundle) -> list[Problem]:
    """Ribbons that reach the faceplate before they have turned to it, or stand too close side by side."""
    plate = spec.faceplate.distance_mm * 1e3
    problems = []
    late = [t for t in trunks if t.y > plate - TAIL]
    if late:
        worst = max(late, key=lambda t: t.y)
        short = (worst.y + TAIL - plate) * 1e-3
        problems.append(
            spec.problem(
                "faceplate.distance_mm",
                f"the ribbon of engine {worst.engine.name} can't turn at {spec.fibres.bend_radius_mm:g} mm before the "
                f"faceplate at {spec.faceplate.distance_mm:g} mm: {short:.1f} mm short; move the faceplate out to "
                f"{spec.faceplate.distance_mm + math.ceil(short * 10) / 10:g} mm or allow a smaller bend_radius_mm",
            )
        )
    return problems


def _level_problems(spec: PackageSpec, colours: Sequence[int], bundle: Bundle) -> list[Problem]:
    """More layers of ribbons than there may be."""
    crossing = max(colours) + 1
    need, most = crossing * bundle.rows, min(spec.fibres.levels, len(FIBER_LEVELS))
    if crossing == 1 or need <= most:
        return []
    return [
        spec.problem(
            "faceplate.order",
            f"in the order asked {crossing} ribbons all cross one another: {crossing} x {bundle.rows} layers needed, "
            f"levels is {spec.fibres.levels}; raise fibres.levels to {need} or use order: shortest",
        )
    ]


def apart(trunks: Sequence[Trunk]) -> float:
    """Smallest distance of two neighbouring trunks, um."""
    return min((b.x - a.x for a, b in itertools.pairwise(trunks)), default=math.inf)
