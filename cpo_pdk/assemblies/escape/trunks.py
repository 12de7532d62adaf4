"""Ribbons from the engines out of the package and north, nested so that none crosses another.

Engines in the north send their ribbons straight on; those in the east and west turn north, the southernmost furthest
out; those in the south leave southwards, turn towards the nearer side and then north, outside of all others. Before
that each passes beside the parts in front of it, and each run lies beyond the parts that it would touch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cpo_pdk.assemblies.escape.bundle import Bundle
from cpo_pdk.assemblies.escape.dodging import Passing, pass_parts
from cpo_pdk.assemblies.escape.ground import Box, Heading, beyond
from cpo_pdk.assemblies.escape.jogs import Jog
from cpo_pdk.components.fibers import Step
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace, share_of
from cpo_pdk.spec.placement_checks import apart_cure

HEADINGS = {"north": Heading(0, 1), "east": Heading(1, 0), "south": Heading(0, -1), "west": Heading(-1, 0)}


@dataclass(frozen=True)
class Turn:
    """A right angle: +1 to the left, -1 to the right."""

    side: int


#: a straight (um), a move sideways, or a turn
Leg = float | Jog | Turn


@dataclass(frozen=True)
class Trunk:
    """The ribbon of one engine until it heads north and nothing is in its way any more.

    Attributes:
        engine: which engine.
        legs: of its centre line, from the end of the fan-out on.
        x: where it runs north, um.
        y: from where on it may move sideways to its connectors, um.
    """

    engine: EnginePlace
    legs: tuple[Leg, ...]
    x: float
    y: float

    def steps(self, bundle: Bundle, aside: float) -> list[Step]:
        """Steps of one fibre, lengths in um.

        Args:
            bundle: the ribbon's measures.
            aside: how far left of the centre line it lies, um.
        """
        steps: list[Step] = []
        for leg in self.legs:
            if isinstance(leg, Jog):
                steps += leg.steps(aside)
            elif isinstance(leg, Turn):
                steps.append(("arc", round(bundle.radius - leg.side * aside, 3), leg.side * 90.0))
            else:
                steps.append(("line", round(leg, 3), 0.0))
        return steps


def facet_of(place: EnginePlace, size: tuple[float, float]) -> tuple[float, float]:
    """Middle of the fibre array at the facet of a placed engine, um, on the 1 nm grid as the engine is placed.

    Args:
        place: where the engine stands.
        size: length (towards the facet) and width of the engine in um.
    """
    length, width = size
    cos, sin = place.outward
    x = round(place.x - (cos * length - sin * width) / 2, 3)
    y = round(place.y - (sin * length + cos * width) / 2, 3)
    middle = round(width / 2, 3)
    return round(x + cos * length - sin * middle, 3), round(y + sin * length + cos * middle, 3)


@dataclass(frozen=True)
class _Start:
    engine: EnginePlace
    out: float
    left: float
    passing: Passing

    @property
    def legs(self) -> list[Leg]:
        """Until it runs out beside the parts in front of it."""
        if not self.passing.jog.shift:
            return []
        return [round(self.passing.begin - self.out, 3), self.passing.jog]

    @property
    def ready(self) -> float:
        return self.passing.ready


def lay_trunks(
    spec: PackageSpec,
    size: tuple[float, float],
    engines: Sequence[EnginePlace],
    bundle: Bundle,
    boxes: Sequence[Box],
    least: Mapping[str, float],
) -> tuple[tuple[Trunk, ...], list[Problem]]:
    """The trunks from left to right, and what keeps ribbons from leaving side by side.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        engines: where the engines stand.
        bundle: the ribbons' measures.
        boxes: what ribbons go around.
        least: engine's name -> how far from the middle its ribbon runs north at least, um; those of the north aside.
    """
    starts: dict[str, list[_Start]] = {}
    problems: list[Problem] = []
    for side, heading in HEADINGS.items():
        mine = [e for e in engines if e.side == side and not e.spare]
        starts[side], found = _starts(spec, size, mine, bundle, boxes, heading)
        problems += found
    done = [Trunk(s.engine, tuple(s.legs), round(-s.passing.left, 3) + 0.0, s.ready) for s in starts["north"]]
    half, turn = bundle.width / 2, bundle.radius
    count = share_of(spec).south
    plate = spec.faceplate.distance_mm * 1e3
    for sign, side in ((-1, "west"), (1, "east")):
        heading = HEADINGS[side]
        trunk = max([0.0, *(sign * t.x + bundle.step for t in done if t.engine.side == "north")])
        for s in sorted(starts[side], key=lambda s: -sign * s.passing.left):
            y = sign * s.passing.left
            trunk = max(trunk, s.ready + turn, least.get(s.engine.name, 0.0))
            trunk = round(beyond(trunk, (s.passing.left, sign * plate), boxes, heading, half, turn), 3)
            legs = [*s.legs, round(trunk - turn - s.ready, 3), Turn(sign)]
            done.append(Trunk(s.engine, tuple(legs), sign * trunk, round(y + turn, 3)))
            trunk += bundle.step
        mine = [s for s in starts["south"] if (s.engine.number <= count // 2) == (sign < 0)]
        level = 0.0
        for s in sorted(mine, key=lambda s: -sign * s.passing.left):
            x = s.passing.left
            trunk = max(trunk, sign * x + 2 * turn, least.get(s.engine.name, 0.0))
            level = max(level, s.ready + turn)
            level = round(beyond(level, (x, sign * trunk), boxes, HEADINGS["south"], half, turn), 3)
            low = -level if sign > 0 else level
            trunk = round(beyond(trunk, (low, sign * plate), boxes, heading, half, turn), 3)
            run = round(trunk - sign * x - 2 * turn, 3)
            legs = [*s.legs, round(level - turn - s.ready, 3), Turn(sign), run, Turn(sign)]
            done.append(Trunk(s.engine, tuple(legs), sign * trunk, round(turn - level, 3)))
            trunk, level = trunk + bundle.step, level + bundle.step
    return tuple(sorted(done, key=lambda t: t.x)), problems


def _starts(
    spec: PackageSpec,
    size: tuple[float, float],
    engines: Sequence[EnginePlace],
    bundle: Bundle,
    boxes: Sequence[Box],
    heading: Heading,
) -> tuple[list[_Start], list[Problem]]:
    """The ribbons of one side after the fan-out, passed beside what is in front of them, from right to left."""
    places = [(engine, *heading.local(*facet_of(engine, size))) for engine in engines]
    places.sort(key=lambda p: p[2])
    passings, problems = pass_parts(spec, places, bundle, boxes, heading, bundle.reach)
    starts = [
        _Start(engine, round(out + bundle.fan_end, 3), left, passing)
        for (engine, out, left), passing in zip(places, passings, strict=True)
    ]
    problems += _side_by_side(spec, size, starts, bundle)
    return starts, problems


def _side_by_side(
    spec: PackageSpec, size: tuple[float, float], starts: Sequence[_Start], bundle: Bundle
) -> list[Problem]:
    """Ribbons of one side that leave too close to each other; the closest two tell."""
    short: list[tuple[float, _Start, _Start, float, float]] = []
    for a, b in itertools.pairwise(starts):
        pairs = [(b.passing.left - a.passing.left, bundle.step)]
        if abs(a.out - b.out) < bundle.fan_end:
            pairs.append((b.left - a.left, bundle.room))
        short += [(need - apart, a, b, apart, need) for apart, need in pairs if apart < need - 1e-6]
    if not short:
        return []
    _, a, b, apart, need = max(short, key=lambda each: each[0])
    return [
        spec.problem(
            "engines.pitch_mm",
            f"the ribbons of engines {a.engine.name} and {b.engine.name} leave {apart * 1e-3:.2f} mm apart, "
            f"{need * 1e-3:.2f} mm needed (ribbon + gap); "
            f"{apart_cure(spec, size, a.engine.side, need)}{_or_gap(bundle, need - apart)}",
        )
    ]


def _or_gap(bundle: Bundle, short: float) -> str:
    """The gap between ribbons that would do as well, where there is one."""
    gap = math.floor((bundle.gap - short) / 10) / 100
    return f" or lower ribbon_gap_mm to {gap:g}" if gap >= 0.1 else ""
