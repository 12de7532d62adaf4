"""The grid of a package: planes where bodies end, fine cells in and around the engines, coarse ones far from them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from cpo_pdk.errors import ParameterError
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.layers import Rect, Stack

#: a cell may be this much longer for each um away from what must be resolved
GROWTH = 0.4
#: edges of bodies closer than this share of the local cell fall together; bodies cover cells in part then
MERGED = 0.25
#: cells across an engine's shorter side, and across the ASIC, at scale 1
ACROSS_ENGINE, ACROSS_ASIC = 3.0, 12.0
#: thickest cell, um, and the first one above the paste; those above it double
THICK, ABOVE_PASTE = 600.0, 400.0
#: samples of the wished cell between two edges of bodies
_SAMPLES = 41
#: positions closer than this are one, um
_SAME = 1e-3
#: least and most cells that may be asked for
CELLS = (2_000, 4_000_000)

Feature = tuple[float, float, float]
"""Low and high end, um, and the cell wished between them, um."""


def grid_of(stack: Stack, cells: int) -> Grid:
    """A grid with about as many cells as are asked for.

    Args:
        stack: the package.
        cells: wished; an engine is never resolved by less than 2 cells a side, so there may be more.

    Raises:
        ParameterError: `cells` out of range.
    """
    check_cells(cells)
    z = _heights(stack)
    wanted = cells / (len(z) - 1)
    fine, coarse = 0.02, 8.0
    for _ in range(16):
        scale = (fine * coarse) ** 0.5
        if (len(_lines(stack, 0, scale)) - 1) * (len(_lines(stack, 1, scale)) - 1) > wanted:
            fine = scale
        else:
            coarse = scale
    return Grid(_lines(stack, 0, coarse), _lines(stack, 1, coarse), z)


def check_cells(cells: int) -> None:
    """Refuse a number of cells that gives no temperatures, or none in time; raises `ParameterError`."""
    low, high = CELLS
    if not low <= cells <= high:
        raise ParameterError(f"{cells} cells for the heat of a package; {low} to {high} are allowed, 100000 is usual")


def lines(breaks: Iterable[float], features: Iterable[Feature], growth: float = GROWTH) -> Real:
    """Edges through the breaks whose distance grows with the distance from features.

    Args:
        breaks: positions that become edges unless they are closer to one before them than `MERGED` cells; in the order
            of their rank, the least and the greatest kept whatever they are. um.
        features: what is resolved, and how finely.
        growth: of a cell an um of distance.
    """
    ends = np.array(sorted(set(features)))
    ranked = list(dict.fromkeys(breaks))
    ranked = [min(ranked), max(ranked), *ranked]
    middle = (ranked[0] + ranked[1]) / 2
    chosen: list[float] = []
    for at, near in zip(ranked, MERGED * _wished(np.array(ranked), ends, growth), strict=True):
        close = [other for other in chosen if abs(at - other) <= near]
        if not close:
            chosen.append(at)
        elif len(close) == 1 and abs(at + close[0] - 2 * middle) < _SAME and at != close[0]:
            chosen[chosen.index(close[0])] = middle  # so that a package with a mirror has a grid with one
    between = np.array(sorted(chosen))
    share = np.linspace(0, 1, _SAMPLES)
    at = between[:-1, None] + np.diff(between)[:, None] * share
    density = 1 / _wished(at.ravel(), ends, growth).reshape(at.shape)
    way = np.zeros(at.shape)
    np.cumsum((density[:, 1:] + density[:, :-1]) / 2 * np.diff(at), axis=1, out=way[:, 1:])
    numbers = np.maximum(1, np.round(way[:, -1])).astype(int)
    edges = [between[:1]]
    for along, places, number in zip(way, at, numbers, strict=True):
        edges.append(np.interp(np.arange(1, number + 1) / number * along[-1], along, places))
    return np.concatenate(edges)


def _wished(at: Real, features: Real, growth: float) -> Real:
    """Cell wished at each position: that of each feature, and more with the distance from it, the least of all."""
    low, high, size = features.T
    away = np.maximum(0, np.maximum(low - at[:, None], at[:, None] - high))
    return (size + growth * away).min(axis=1)


def _lines(stack: Stack, axis: int, scale: float) -> Real:
    """Edges along x (axis 0) or y (1)."""

    def ends(box: Rect) -> tuple[float, float]:
        return box[axis], box[axis + 2]

    features: list[Feature] = []
    for engine in stack.engines:
        low, high = ends(engine.pic)
        short = min(engine.pic[2] - engine.pic[0], engine.pic[3] - engine.pic[1])
        wished = max(short / ACROSS_ENGINE, (high - low) / (4 * ACROSS_ENGINE)) * scale
        features.append((low, high, min(wished, (high - low) / 2)))
    for box in stack.asics:
        low, high = ends(box)
        features.append((low, high, (high - low) / ACROSS_ASIC * max(scale, 0.3)))
    ranked = [*ends(stack.base), *(e for engine in stack.engines for e in ends(engine.pic))]
    for box in (*stack.asics, stack.substrate, *stack.carriers, stack.bodies[0].box):
        ranked += ends(box)
    return lines(ranked, features)


def _heights(stack: Stack) -> Real:
    """Edges along z: every layer's top and bottom, and the heights in which heat arises."""
    spans = [body.span for body in stack.bodies if not body.aside] + [stack.asic_span]
    spans += [engine.pic_span for engine in stack.engines]
    spans += [engine.eic_span for engine in stack.engines if engine.eic is not None]
    at = sorted({round(z, 3) for span in spans for z in span})
    edges = [np.array(at[:1])]
    for low, high in pairwise(at):
        number = max(1, round((high - low) / THICK))
        shares = np.arange(1, number + 1) / number
        if high == at[-1]:  # the base: fine above the paste
            number = max(1, round(float(np.log2((high - low) / ABOVE_PASTE + 1))))
            shares = (2.0 ** np.arange(1, number + 1) - 1) / (2.0**number - 1)
        edges.append(low + (high - low) * shares)
    return np.concatenate(edges)
