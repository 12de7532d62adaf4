"""The last stretch of the fibres: sideways from where their ribbon runs north to where their connector is.

Data ribbons that cross lie in layers of their own. Laser fibres leave their ribbon here and gather before the modules.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.assemblies.escape.bundle import Bundle
from cpo_pdk.assemblies.escape.jogs import Jog
from cpo_pdk.assemblies.escape.paths import PlacedConnector, RibbonCrossing
from cpo_pdk.assemblies.escape.spreading import Move, Moved, move_all
from cpo_pdk.assemblies.escape.trunks import Trunk
from cpo_pdk.components.fibers import Step
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec

TAIL = 2_000.0  # straight fibre before a connector, um
_CROSSING_ANGLE = 45  # ribbons that cross turn by this at least, degrees: a shallow crossing lies on a long stretch
_LASER_ANGLES = (20, 30, 45, 60, 80)  # turns of laser fibres that are tried, degrees
_SAMPLE = 250.0  # crossings are looked for at this distance, um north


@dataclass(frozen=True)
class Part:
    """One move sideways: where it begins (um north), how, and which place in the ribbon turns with its radius (um)."""

    begin: float
    jog: Jog
    aside: float

    @property
    def end(self) -> float:
        """Where it is done, um north."""
        return round(self.begin + self.jog.length, 3)


@dataclass(frozen=True)
class Stretch:
    """Fibres of one engine that stay side by side.

    Attributes:
        engine: name of the engine.
        module: name of the laser module that they end in; empty for data fibres.
        start: where their middle runs north before it moves, um east.
        parts: how it moves, in turn.
        level: lowest layer of ribbons that they lie in; 0: that of laser fibres.
    """

    engine: str
    module: str
    start: float
    parts: tuple[Part, ...]
    level: int

    def at(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the middle is at some places, um east.

        Args:
            y: um north.
        """
        x = np.full(y.shape, self.start)
        for part in self.parts:
            x = x + part.jog.shift_at(y - part.begin)
        return x

    def steps(self, start: float, end: float, aside: float) -> list[Step]:
        """Steps of one fibre, um.

        Args:
            start: where the stretch begins, um north.
            end: where it ends, um north.
            aside: how far left of the ribbon's centre line the fibre lies, um.
        """
        steps: list[Step] = []
        for part in self.parts:
            steps.append(("line", round(part.begin - start, 3), 0.0))
            steps += part.jog.steps(round(aside - part.aside, 3))
            start = part.end
        steps.append(("line", round(end - start, 3), 0.0))
        return steps


def last_stretches(
    spec: PackageSpec,
    trunks: Sequence[Trunk],
    slots: Mapping[str, float],
    colours: Sequence[int],
    modules: Sequence[PlacedConnector],
    bundle: Bundle,
    ready: tuple[float, float],
) -> tuple[list[Stretch], list[Problem]]:
    """The last stretch of all fibres: first whole ribbons move, then the laser fibres alone, from there on.

    Args:
        spec: the package.
        trunks: from left to right.
        slots: engine's name -> middle of its data connectors, um east.
        colours: of the trunks.
        modules: laser connectors from left to right.
        bundle: the ribbons' measures.
        ready: from where on ribbons may move, um north: those that cross none; those that do.
    """
    limit = spec.faceplate.distance_mm * 1e3 - TAIL
    crossing = max(colours, default=0) > 0
    # where ribbons cross, laser fibres go their own way: they have one layer and must not cross one another
    groups = _laser_groups(trunks, {t.engine.name: t.x for t in trunks} if crossing else slots, slots, modules, bundle)
    widest = max((g.half for g in groups), default=0.0) + bundle.pitch / 2
    radius = round(bundle.radius_min + widest, 3)
    tried: list[tuple[float, list[tuple[list[str], list[Move], Moved, str]]]] = []
    for angle in _LASER_ANGLES:
        # how much room the lasers take when they turn by this
        alone = 0.0 if crossing else move_all([g.move(0.0) for g in groups], radius, math.inf, angle).reach
        made = []
        for colour in range(max(colours, default=0) + 1):
            mine = [t for t, c in zip(trunks, colours, strict=True) if c == colour]
            moves = [Move(t.x, slots[t.engine.name], bundle.step / 2, ready[crossing]) for t in mine]
            moved = move_all(moves, bundle.radius, limit - alone, _CROSSING_ANGLE if crossing else 0)
            made.append(([t.engine.name for t in mine], moves, moved, ""))
        moving = [m.reach for _, _, m, _ in made if any(j.shift for j in m.jogs)]
        begin = ready[1] if crossing else max([ready[0], *moving])
        moves = [g.move(max(begin, ready[1]) if g.crosses else begin) for g in groups]
        made.append(([g.engine for g in groups], moves, move_all(moves, radius, limit, angle), "laser "))
        reach = max(m.reach for _, moves, m, _ in made if moves)
        tried.append((reach, made))
        if reach <= limit:
            break
    reach, made = min(tried, key=lambda each: each[0])
    problems = [p for names, moves, moved, what in made for p in _late(spec, names, what, moves, moved, limit)][-1:]
    found: list[Stretch] = []
    ridden: dict[str, tuple[Part, ...]] = {}
    for colour, (names, moves, moved, _) in enumerate(made[:-1]):
        for name, move, begin, jog in zip(names, moves, moved.begins, moved.jogs, strict=True):
            ridden[name] = (Part(begin, jog, 0.0),) if jog.shift else ()
            found.append(Stretch(name, "", move.start, ridden[name], colour * bundle.rows + 1))
    _, moves, moved, _ = made[-1]
    for group, begin, jog in zip(groups, moved.begins, moved.jogs, strict=True):
        own = (Part(begin, jog, group.aside),) if jog.shift else ()
        before = () if crossing else ridden[group.engine]
        found.append(Stretch(group.engine, group.module, group.trunk, (*before, *own), 0))
    return found, problems


@dataclass(frozen=True)
class _Group:
    """Laser fibres of an engine that end in one module: middle in the trunk, before they leave it, in the module."""

    engine: str
    module: str
    aside: float
    trunk: float
    start: float
    end: float
    half: float
    crosses: bool

    def move(self, ready: float) -> Move:
        return Move(self.start, self.end, self.half, ready)


def _laser_groups(
    trunks: Sequence[Trunk],
    leave: Mapping[str, float],
    slots: Mapping[str, float],
    modules: Sequence[PlacedConnector],
    bundle: Bundle,
) -> list[_Group]:
    """Laser fibres by engine and module, from left to right.

    Args:
        trunks: from left to right.
        leave: engine's name -> where its ribbon is when the laser fibres leave it, um east.
        slots: engine's name -> middle of its data connectors, um east.
        modules: laser connectors.
        bundle: the ribbons' measures.
    """
    ends: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for module in modules:
        for position, (engine, port) in module.plan.fibres.items():
            ends[engine, module.plan.name].append((bundle.strand(port).aside, module.position_x(position)))
    trunk = {t.engine.name: t.x for t in trunks}
    groups = []
    for (engine, name), pairs in ends.items():
        asides, xs = zip(*pairs, strict=True)
        whole = (len(asides) - 1) // 2 * bundle.pitch  # on the grid, unlike the middle of an even number
        rest = (len(asides) - 1) % 2 * bundle.pitch / 2
        aside, own = round(min(asides) + whole, 3), leave[engine]
        end = max(xs) - whole - rest
        half = (len(asides) - 1) / 2 * bundle.pitch + bundle.pitch / 2
        # a module that stands over another engine's connectors is reached across some of its fibres
        others = [(leave[o], slot) for o, slot in slots.items() if o != engine]
        crosses = any((at < own) != (slot < end) or abs(slot - end) < bundle.half + half for at, slot in others)
        groups.append(_Group(engine, name, aside, trunk[engine] - aside - rest, own - aside - rest, end, half, crosses))
    return sorted(groups, key=lambda g: (g.trunk, g.end))


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
            f"the {what}fibres of engine {names[worst]} have {max(0.0, limit - move.ready) * 1e-3:.1f} mm before the "
            f"faceplate to move {abs(made.jogs[worst].shift) * 1e-3:.1f} mm sideways to their connectors and need "
            f"{(ends[worst] - move.ready) * 1e-3:.1f} mm at a bend radius of {spec.fibres.bend_radius_mm:g} mm; "
            f"move the faceplate out to {distance:g} mm",
        )
    ]


def find_crossings(stretches: Sequence[Stretch], low: float, high: float) -> list[RibbonCrossing]:
    """Where the centre lines of ribbons of different engines cross, sorted by place.

    Args:
        stretches: of all fibres.
        low: where the search begins, um north.
        high: where it ends, um north.
    """
    if high <= low:
        return []
    y = np.linspace(low, high, max(2, math.ceil((high - low) / _SAMPLE) + 1))
    x = np.array([s.at(y) for s in stretches]).reshape(-1, len(y))
    # who changes places between two samples: comparing all pairs everywhere would take as long as their square
    rank = np.argsort(np.argsort(x, axis=0, kind="stable"), axis=0, kind="stable")
    found = []
    for k in np.flatnonzero(np.any(rank[:, 1:] != rank[:, :-1], axis=0)):
        changed = np.flatnonzero(rank[:, k + 1] != rank[:, k])
        for i, j in itertools.combinations(changed.tolist(), 2):
            a, b = stretches[i], stretches[j]
            before = rank[i, k] < rank[j, k]
            if before == (rank[i, k + 1] < rank[j, k + 1]) or a.engine == b.engine or (a.module and b.module):
                continue
            first, second = (a, b) if before else (b, a)
            found.append(
                RibbonCrossing(
                    first.engine,
                    second.engine,
                    (first.level, second.level),
                    round(float(x[i, k] + x[i, k + 1]) / 2, 3),
                    round(float(y[k] + y[k + 1]) / 2, 3),
                )
            )
    return sorted(found, key=lambda c: (c.y, c.x))
