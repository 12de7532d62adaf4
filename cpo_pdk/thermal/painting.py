"""Bodies laid onto a grid: conductivity, heat capacity, emptiness of each cell, by the share of it that they cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.handover.parts import Points
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.layers import Body, Rect, Span

#: a cell of which less than this is covered is empty
_EMPTY = 1e-4
#: points a cell and direction at which a polygon is sampled
_SAMPLES = 4


@dataclass(frozen=True)
class Painted:
    """Cells of a package, each array (nz, ny, nx).

    Attributes:
        lateral, vertical: conductivity, W/(m K).
        capacity: J/(m3 K).
        void: nothing there.
    """

    lateral: Real
    vertical: Real
    capacity: Real
    void: NDArray[np.bool_]


def painted(grid: Grid, bodies: Sequence[Body]) -> Painted:
    """Lay bodies, a later one in place of an earlier one.

    Where a body covers a cell in part, conductivities and capacities count by their shares: exact where heat crosses
    the cell upwards, and for capacities; an upper limit along the other way.

    Args:
        grid: cells; bodies may end within them.
        bodies: of the package.
    """
    covered = np.zeros(grid.shape)
    lateral, vertical, capacity = np.zeros(grid.shape), np.zeros(grid.shape), np.zeros(grid.shape)
    for body in bodies:
        at, share = _share(grid, body)
        if at is None:
            continue
        for array, value in (
            (covered, 1.0),
            (lateral, body.material.lateral),
            (vertical, body.material.vertical),
            (capacity, body.material.capacity),
        ):
            array[at] += share * (value - array[at])
    void = covered < _EMPTY
    for array in (lateral, vertical, capacity):
        array[void] = 1.0
    return Painted(lateral, vertical, capacity, void)


def overlap(edges: Real, low: float, high: float) -> tuple[slice, Real]:
    """Intervals that have something of a span, and their shares of it: 1 where they lie inside."""
    first = max(int(np.searchsorted(edges, low, side="right")) - 1, 0)
    last = min(int(np.searchsorted(edges, high, side="left")), len(edges) - 1)
    a, b = edges[first:last], edges[first + 1 : last + 1]
    return slice(first, last), np.clip((np.minimum(b, high) - np.maximum(a, low)) / (b - a), 0, 1)


def plane_shares(grid: Grid, box: Rect) -> Real:
    """Share of each column of cells inside a box, (ny, nx)."""
    shares = np.zeros(grid.shape[1:])
    (columns, x), (rows, y) = overlap(grid.x, box[0], box[2]), overlap(grid.y, box[1], box[3])
    shares[rows, columns] = y[:, None] * x
    return shares


def layer_at(grid: Grid, span: Span) -> int:
    """Number of the layer of cells that holds the middle of a span."""
    return int(np.searchsorted(grid.z, (span[0] + span[1]) / 2)) - 1


def _share(grid: Grid, body: Body) -> tuple[tuple[slice, slice, slice] | None, Real]:
    left, low, right, high = body.box
    (columns, x), (rows, y) = overlap(grid.x, left, right), overlap(grid.y, low, high)
    layers, z = overlap(grid.z, *body.span)
    if min(len(x), len(y), len(z)) == 0:
        return None, np.empty(0)
    plane = y[:, None] * x
    if body.outline is not None:
        plane = _sampled(grid.x[columns.start : columns.stop + 1], grid.y[rows.start : rows.stop + 1], body)
    return (layers, rows, columns), z[:, None, None] * plane


def _sampled(x: Real, y: Real, body: Body) -> Real:
    """Share of each cell inside a polygon with holes, from a few points in each."""
    steps = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    px = (x[:-1, None] + np.diff(x)[:, None] * steps).ravel()
    py = (y[:-1, None] + np.diff(y)[:, None] * steps).ravel()
    inside = np.zeros((len(py), len(px)), dtype=bool)
    for outline in (body.outline, *body.holes):
        if outline is not None:
            inside ^= _within(px, py, outline)
    return inside.reshape(len(y) - 1, _SAMPLES, len(x) - 1, _SAMPLES).mean(axis=(1, 3))


def _within(px: Real, py: Real, outline: Points) -> NDArray[np.bool_]:
    """Which points of a raster lie in a polygon: by the edges that a ray to the right crosses."""
    inside = np.zeros((len(py), len(px)), dtype=bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        rows = (py >= min(y0, y1)) & (py < max(y0, y1))
        if rows.any():
            at = x0 + (py[rows] - y0) * (x1 - x0) / (y1 - y0)
            inside[rows] ^= px < at[:, None]
    return inside
