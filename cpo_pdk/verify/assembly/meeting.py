"""Which end of a fibre is at which facet and which connector, also where it misses them by up to `FAR`."""

from __future__ import annotations

import math

import numpy as np

from cpo_pdk.verify.assembly.levels import level_of
from cpo_pdk.verify.assembly.parts import Connector, Landing, Package, Plugged
from cpo_pdk.verify.assembly.placed import Points
from cpo_pdk.verify.assembly.shapes import corners_of

#: an end further from a facet or a connector than this was not meant for it, um
FAR = 2_000.0
#: how much further away a connector of a fibre's own row may be than one of another row, um
OTHER_ROW = 1_000.0
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

    Rows of connectors stand above one another: one of the row of the fibre's own layer is taken before one of another
    row that is nearer by less than `OTHER_ROW`.
    """
    connectors = package.connectors
    free = np.array([k for k in range(len(ends)) if k not in taken], dtype=np.int64)
    if not connectors or not len(free):
        return []
    boxes = corners_of(connector.box for connector in connectors)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    rows = np.array([level_of(connector.layer) for connector in connectors])
    levels = np.array([level_of(fibre.layer) for fibre in package.fibres])
    found: list[Plugged] = []
    for first in range(0, len(free), _AT_ONCE):
        part = free[first : first + _AT_ONCE]
        x, y, dx, dy = (ends[part, column][:, None] for column in range(4))
        outside_x = np.maximum(np.maximum(boxes[:, 0] - x, x - boxes[:, 2]), 0.0)
        outside_y = np.maximum(np.maximum(boxes[:, 1] - y, y - boxes[:, 3]), 0.0)
        ahead = (middles[:, 0] - x) * dx + (middles[:, 1] - y) * dy
        distance = np.where(ahead > 0, outside_x + outside_y, np.inf)
        distance[distance > FAR] = np.inf
        nearest = np.argmin(distance + OTHER_ROW * (rows != levels[part // 2][:, None]), axis=1)
        reached = np.isfinite(distance[np.arange(len(part)), nearest])
        for k, number in zip(part[reached].tolist(), nearest[reached].tolist(), strict=True):
            found.append(_plugged(k, ends[k], number, connectors[number]))
    return found


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
