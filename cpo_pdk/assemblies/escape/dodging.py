"""Ribbons that leave one side of the package and pass beside the parts in front of them, in the order they are in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cpo_pdk.assemblies.escape.bundle import Bundle
from cpo_pdk.assemblies.escape.ground import ENGINES, Box, Heading
from cpo_pdk.assemblies.escape.jogs import Jog
from cpo_pdk.assemblies.escape.slots import spread
from cpo_pdk.assemblies.escape.spreading import Move, move_all
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace


@dataclass(frozen=True)
class Passing:
    """How one ribbon passes beside the parts in front of it, um.

    Attributes:
        left: where it lies from then on.
        begin: how far out it begins to move sideways.
        jog: how it moves; its shift counts to the right.
        ready: how far out it is done and beyond the fan-out.
    """

    left: float
    begin: float
    jog: Jog
    ready: float


def pass_parts(
    spec: PackageSpec,
    places: Sequence[tuple[EnginePlace, float, float]],
    bundle: Bundle,
    boxes: Sequence[Box],
    heading: Heading,
    half: float,
) -> tuple[list[Passing], list[Problem]]:
    """How the ribbons of one side pass beside what is in front of them.

    Args:
        spec: the package.
        places: engine, how far out its facet is, how far left of the axis (um); from right to left.
        bundle: the ribbons' measures.
        boxes: what ribbons go around.
        heading: of the side.
        half: from the middle of a ribbon to its outside where it is widest, um.
    """
    keep = spec.engines.keepout_um + 1.0
    lefts = [left for _, _, left in places]
    stay = [
        Passing(left, out + bundle.fan_end, Jog(0.0, 0.0, 0.0, bundle.radius, 0.0), round(out + bundle.fan_end, 3))
        for _, out, left in places
    ]
    spans = np.array([heading.span(box) for box in boxes]).reshape(-1, 4)
    far, low, high = spans[:, 1], spans[:, 2] - half, spans[:, 3] + half
    dies = np.array([box.path == ENGINES for box in boxes], dtype=bool)
    blocking = np.zeros(len(boxes), dtype=bool)
    problems: list[Problem] = []
    for engine, out, left in places:
        # an engine's own keep-out ends before that
        here = (far > out + keep) & (low + 1e-6 < left) & (left < high - 1e-6)
        blocking |= here
        for k in np.flatnonzero(here & dies):
            problems.append(_behind(spec, engine, boxes[int(k)], min(left - float(low[k]), float(high[k]) - left)))
    if problems or not blocking.any():
        return stay, problems
    hit = [boxes[int(k)] for k in np.flatnonzero(blocking)]
    taken = np.flatnonzero((far > min(out for _, out, _ in places) + keep) & ~dies)
    passed = _passed(lefts, sorted((float(low[k]), float(high[k])) for k in taken), bundle.step)
    nears = [(heading.span(box)[0], box) for box in hit]
    limit, nearest = min(nears, key=lambda n: n[0])
    # to the right is against `left`: moves are told from left to right
    order = range(len(places) - 1, -1, -1)
    moves = [Move(-lefts[k], -passed[k], bundle.step / 2, stay[k].ready) for k in order]
    made = move_all(moves, bundle.radius, limit)
    result = list(stay)
    for k, begin, jog in zip(order, made.begins, made.jogs, strict=True):
        if jog.shift:
            result[k] = Passing(passed[k], begin, jog, round(begin + jog.length, 3))
    worst = max((k for k in order if result[k].jog.shift), key=lambda k: result[k].ready)
    if result[worst].ready > limit:
        short = result[worst].ready - limit
        problems.append(
            spec.problem(
                nearest.path,
                f"the ribbon of engine {places[worst][0].name} can't get round {nearest.name}: to move "
                f"{abs(result[worst].jog.shift) * 1e-3:.1f} mm sideways at {spec.fibres.bend_radius_mm:g} mm bend "
                f"radius it needs {(result[worst].ready - stay[worst].ready) * 1e-3:.1f} mm before it, has "
                f"{max(0.0, limit - stay[worst].ready) * 1e-3:.1f} mm; move {nearest.name} out by "
                f"{math.ceil(short / 100) / 10:g} mm, let fibres pass over it, or make it narrower",
            )
        )
    return result, problems


def _behind(spec: PackageSpec, engine: EnginePlace, box: Box, short: float) -> Problem:
    """An engine whose ribbon would run into another one in front of it."""
    given = spec.engines.positions is not None
    return spec.problem(
        "engines.positions" if given else ENGINES,
        f"the ribbon of engine {engine.name} runs into {box.name}, which stands in front of it; set them "
        f"{math.ceil(short / 10) / 100:g} mm further apart along their side, so that it passes beside",
    )


def _passed(lefts: Sequence[float], taken: Sequence[tuple[float, float]], step: float) -> list[float]:
    """Where ribbons lie beside what is taken, moved as little as possible (least squares), in their order.

    Each run of neighbours that pass through the same opening is spread in it; which run takes which opening is found by
    dynamic programming over ribbons and openings.

    Args:
        lefts: where they are, rising, um.
        taken: (from, to), sorted by from, um.
        step: smallest distance of neighbours, um.
    """
    openings: list[tuple[float, float]] = []
    begin = -math.inf
    for low, high in taken:
        if low >= begin:
            openings.append((begin, low))
        begin = max(begin, high)
    openings.append((begin, math.inf))
    # best[n]: cost and places of the first n ribbons in the openings so far; neighbours keep their distance across
    # openings too, because what lies between two openings is wider than two halves of a ribbon
    best: dict[int, tuple[float, list[float]]] = {0: (0.0, [])}
    for low, high in openings:
        after = dict(best)
        for n, (cost, at) in best.items():
            for m in range(n + 1, len(lefts) + 1):
                room = (m - n - 1) * step
                floor = max(low, at[-1] + step) if at else low
                if room > high - floor:
                    break
                there = spread(lefts[n:m], step, floor, high)
                total = cost + sum((a - b) ** 2 for a, b in zip(there, lefts[n:m], strict=True))
                if m not in after or total < after[m][0]:
                    after[m] = (total, [*at, *there])
        best = after
    return best[len(lefts)][1]
