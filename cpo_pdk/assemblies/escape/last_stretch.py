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

from cpo_pdk.assemblies.escape.bundle import Bundle
from cpo_pdk.assemblies.escape.jogs import Jog
from cpo_pdk.assemblies.escape.paths import PlacedConnector, RibbonCrossing
from cpo_pdk.assemblies.escape.spreading import Move, Moved, move_all
from cpo_pdk.assemblies.escape.trunks import Trunk
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec

TAIL = 2_000.0  # straight fibre before a connector, um
_CROSSING_ANGLE = 45  # ribbons that cross turn by this at least, degrees: a shallow crossing lies on a long stretch
_SAMPLE = 250.0  # crossings are looked for at this distance, um north


@dataclass(frozen=True)
class Stretch:
    """Fibres of one engine that stay side by side.

    Attributes:
        engine: name of the engine.
        module: name of the laser module that they end in; empty for data fibres.
        aside: place in the ribbon that turns with `jog` (um left of the ribbon's centre line).
        move: from where to where their middle moves, um east.
        begin: where it begins to, um north.
        jog: how.
        level: lowest layer of ribbons that they lie in; 0: that of laser fibres.
    """

    engine: str
    module: str
    aside: float
    move: Move
    begin: float
    jog: Jog
    level: int


def data_stretches(
    spec: PackageSpec,
    trunks: Sequence[Trunk],
    slots: Mapping[str, float],
    colours: Sequence[int],
    bundle: Bundle,
    ready: tuple[float, float],
) -> tuple[list[Stretch], list[Problem]]:
    """The last stretch of each engine's data fibres; those of one colour share layers.

    Args:
        spec: the package.
        trunks: from left to right.
        slots: engine's name -> middle of its connectors, um east.
        colours: of the trunks.
        bundle: their measures.
        ready: from where on ribbons may move, um north: those that cross none; those that do.
    """
    limit = spec.faceplate.distance_mm * 1e3 - TAIL
    crossing = max(colours, default=0) > 0
    found: list[Stretch] = []
    problems: list[Problem] = []
    for colour in range(max(colours, default=0) + 1):
        mine = [t for t, c in zip(trunks, colours, strict=True) if c == colour]
        moves = [Move(t.x, slots[t.engine.name], bundle.step / 2, ready[crossing]) for t in mine]
        made = move_all(moves, bundle.radius, limit, _CROSSING_ANGLE if crossing else 0)
        problems += _late(spec, [t.engine.name for t in mine], "", moves, made, limit)
        for trunk, move, begin, jog in zip(mine, moves, made.begins, made.jogs, strict=True):
            start = begin if jog.shift else trunk.y
            found.append(Stretch(trunk.engine.name, "", 0.0, move, start, jog, colour * bundle.rows + 1))
    return found, problems


def laser_stretches(
    spec: PackageSpec,
    trunks: Sequence[Trunk],
    modules: Sequence[PlacedConnector],
    data: Sequence[Stretch],
    bundle: Bundle,
    ready: tuple[float, float],
) -> tuple[list[Stretch], list[Problem]]:
    """The last stretch of the laser fibres of an engine that end in the same module.

    Args:
        spec: the package.
        trunks: from left to right.
        modules: laser connectors from left to right.
        data: the last stretch of the data fibres: laser fibres stay with them until they are ready.
        bundle: the ribbons' measures.
        ready: from where on ribbons may move, um north: those that cross none; those that do.
    """
    limit = spec.faceplate.distance_mm * 1e3 - TAIL
    ends: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for module in modules:
        for position, (engine, port) in module.plan.fibres.items():
            ends[engine, module.plan.name].append((bundle.strand(port).aside, module.position_x(position)))
    trunk_of = {t.engine.name: t for t in trunks}
    slot = {s.engine: s.move.end for s in data}
    groups: list[tuple[tuple[str, str], float, Move]] = []
    for (engine, name), pairs in ends.items():
        asides, xs = zip(*pairs, strict=True)
        whole = (len(asides) - 1) // 2 * bundle.pitch  # on the grid, unlike the middle of an even number
        rest = (len(asides) - 1) % 2 * bundle.pitch / 2
        aside = round(min(asides) + whole, 3)
        start, end = trunk_of[engine].x - aside - rest, max(xs) - whole - rest
        crosses = any(
            (t.x < trunk_of[engine].x) != (slot[t.engine.name] < end) for t in trunks if t.engine.name != engine
        )
        half = (len(asides) - 1) / 2 * bundle.pitch + bundle.pitch / 2
        groups.append(((engine, name), aside, Move(start, end, half, max(ready[crosses], trunk_of[engine].y))))
    groups.sort(key=lambda g: (g[2].start, g[2].end))
    moves = [move for *_, move in groups]
    widest = max((move.half for move in moves), default=0.0) + bundle.pitch / 2
    made = move_all(moves, round(bundle.radius_min + widest, 3), limit)
    problems = _late(spec, [engine for (engine, _), *_ in groups], "laser ", moves, made, limit)
    return [
        Stretch(engine, name, aside, move, begin if jog.shift else trunk_of[engine].y, jog, 0)
        for ((engine, name), aside, move), begin, jog in zip(groups, made.begins, made.jogs, strict=True)
    ], problems


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
    x = np.array([s.move.at(y, s.begin, s.jog) for s in stretches]).reshape(-1, len(y))
    found = []
    for i, a in enumerate(stretches):
        side = np.sign(x[i + 1 :] - x[i])
        for j, k in zip(*np.nonzero(side[:, 1:] * side[:, :-1] < 0), strict=True):
            b = stretches[i + 1 + int(j)]
            if a.engine == b.engine or (a.module and b.module):
                continue
            first, second = (a, b) if side[j, k] > 0 else (b, a)
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


def by_fibre(stretches: Sequence[Stretch]) -> dict[tuple[str, str], Stretch]:
    """(engine, module or "") -> its last stretch."""
    return {(s.engine, s.module): s for s in itertools.chain(stretches)}
