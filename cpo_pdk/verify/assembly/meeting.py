"""Which end of a fibre is at which facet and which connector, also where it misses them by up to `FAR`."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from cpo_pdk.verify.assembly.levels import level_of
from cpo_pdk.verify.assembly.parts import Connector, Landing, Package, Plugged
from cpo_pdk.verify.assembly.placed import Points
from cpo_pdk.verify.assembly.shapes import corners_of

#: an end further from a facet or a connector than this was not meant for it, um
FAR = 2_000.0
#: how much further away a laser connector may be for a laser fibre than a data connector, and the other way round, um
OTHER_KIND = 1_000.0
#: connectors at distances that differ by no more stand above one another, um
_STACKED = 1.0
#: ends that are compared with all connectors at one time
_AT_ONCE = 1_000


def meet(package: Package) -> None:
    """Fill `landings` and `plugged` of the parts."""
    ends = np.array([(e.x, e.y, e.dx, e.dy) for fibre in package.fibres for e in fibre.ends]).reshape(-1, 4)
    best: dict[int, tuple[float, Landing]] = {}
    for number, engine in enumerate(package.engines):
        for k, facet in enumerate(engine.die.facets):
            if len(facet.along):
                origin = engine.place.points(np.array([facet.origin]))[0]
                normal, left = engine.place.directions(np.array([facet.outward, facet.left]))
                _land(ends, (number, k), facet.along, facet.length, (origin, normal, left), best)
    package.landings = [landing for _, (_, landing) in sorted(best.items())]
    taken = {2 * landing.fibre + landing.end for landing in package.landings}
    package.plugged = _plug(package, ends, taken)


def _land(
    ends: Points,
    which: tuple[int, int],
    along: Points,
    length: float,
    frame: tuple[Points, Points, Points],
    best: dict[int, tuple[float, Landing]],
) -> None:
    """Keep the ends that look at a facet and are nearer to it than to any before."""
    origin, normal, left = frame
    gap, side = (ends[:, :2] - origin) @ normal, (ends[:, :2] - origin) @ left
    into = -(ends[:, 2:] @ normal)
    near = (np.abs(gap) <= FAR) & (side >= -FAR / 10) & (side <= length + FAR / 10) & (into > 0.5)
    for k in np.flatnonzero(near):
        coupler = int(np.argmin(np.abs(along - side[k])))
        aside = float(side[k] - along[coupler])
        # the mirror of a die turns left into right on the way to the top cell: `left` was carried there as well
        angle = math.degrees(math.acos(min(1.0, max(-1.0, float(into[k])))))
        distance = abs(float(gap[k])) + abs(aside)
        if int(k) not in best or distance < best[int(k)][0]:
            landing = Landing(int(k) // 2, int(k) % 2, *which, coupler, aside, float(gap[k]), angle)
            best[int(k)] = (distance, landing)


def _plug(package: Package, ends: Points, taken: set[int]) -> list[Plugged]:
    """The ends at connectors, each at the nearest one that it looks into.

    Data fibres are led to data rows and laser fibres to theirs, where one of the other kind is not nearer by more than
    `OTHER_KIND`. In rows above one another each fibre belongs to the row of its own layer; where the layers at a place
    have other numbers than the rows, the lowest layer belongs to the lowest row.
    """
    connectors = package.connectors
    free = np.array([k for k in range(len(ends)) if k not in taken], dtype=np.int64)
    if not connectors or not len(free):
        return []
    boxes = corners_of(connector.box for connector in connectors)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    rows = np.array([level_of(connector.layer) for connector in connectors])
    levels = np.array(package.planes)
    chosen: dict[int, int] = {}
    stacked: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for first in range(0, len(free), _AT_ONCE):
        part = free[first : first + _AT_ONCE]
        x, y, dx, dy = (ends[part, column][:, None] for column in range(4))
        outside_x = np.maximum(np.maximum(boxes[:, 0] - x, x - boxes[:, 2]), 0.0)
        outside_y = np.maximum(np.maximum(boxes[:, 1] - y, y - boxes[:, 3]), 0.0)
        ahead = (middles[:, 0] - x) * dx + (middles[:, 1] - y) * dy
        distance = np.where((ahead > 0) & (outside_x + outside_y <= FAR), outside_x + outside_y, np.inf)
        distance += OTHER_KIND * ((rows == 0) != (levels[part // 2] == 0)[:, None])
        least = distance.min(axis=1)
        reached = np.isfinite(least)
        for k, choices in zip(part[reached].tolist(), (distance <= least[:, None] + _STACKED)[reached], strict=True):
            found = np.flatnonzero(choices)
            chosen[k] = int(found[0])
            if len(found) > 1:
                stacked[tuple(found.tolist())].append(k)
    for stack, there in stacked.items():
        number_of = {int(rows[number]): number for number in reversed(stack)}
        of_layer = _rows_of({int(levels[k // 2]) for k in there}, sorted(number_of))
        chosen.update({k: number_of[of_layer[int(levels[k // 2])]] for k in there})
    return [_plugged(k, ends[k], number, connectors[number]) for k, number in sorted(chosen.items())]


def _rows_of(layers: set[int], rows: list[int]) -> dict[int, int]:
    """Which of some rows above one another belongs to each of the layers that arrive there."""
    if layers <= set(rows):
        return {layer: layer for layer in layers}
    return {layer: rows[min(k, len(rows) - 1)] for k, layer in enumerate(sorted(layers))}


def _plugged(k: int, end: Points, number: int, connector: Connector) -> Plugged:
    x, y, dx, dy = (float(v) for v in end)
    box = connector.box
    if abs(dx) > abs(dy):
        gap = box.left - x if dx > 0 else x - box.right
    else:
        gap = box.bottom - y if dy > 0 else y - box.top
    position, aside = 0, 0.0
    if connector.positions is not None:
        across = (connector.positions - (x, y)) @ np.array([-dy, dx])
        position = int(np.argmin(np.abs(across)))
        aside = float(across[position])
        position += 1
    return Plugged(k // 2, k % 2, number, position, aside, gap, -dy * x + dx * y)
