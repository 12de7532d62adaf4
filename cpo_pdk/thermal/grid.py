"""A graded rectilinear grid of cells: edges in um, arrays of cells in the order (nz, ny, nx)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError

Real = NDArray[np.float64]
Box = tuple[float, float, float, float, float, float]


class Grid:
    """Cells between planes.

    Args:
        x, y, z: edges, um, strictly rising, shapes (nx + 1,), (ny + 1,), (nz + 1,).

    Raises:
        ParameterError: edges that don't rise, are not finite, or are fewer than two.
    """

    def __init__(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> None:
        self.x, self.y, self.z = _edges("x", x), _edges("y", y), _edges("z", z)

    @property
    def edges(self) -> tuple[Real, Real, Real]:
        """(x, y, z), um."""
        return self.x, self.y, self.z

    @property
    def widths(self) -> tuple[Real, Real, Real]:
        """Widths of the cells along x, y, z, um."""
        return np.diff(self.x), np.diff(self.y), np.diff(self.z)

    @property
    def centres(self) -> tuple[Real, Real, Real]:
        """Middles of the cells along x, y, z, um."""
        x, y, z = ((edges[1:] + edges[:-1]) / 2 for edges in self.edges)
        return x, y, z

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx)."""
        return len(self.z) - 1, len(self.y) - 1, len(self.x) - 1

    @property
    def cells(self) -> int:
        """How many."""
        nz, ny, nx = self.shape
        return nz * ny * nx

    def volumes(self) -> Real:
        """Volume of each cell, um^3, shape (nz, ny, nx)."""
        dx, dy, dz = self.widths
        return dz[:, None, None] * dy[:, None] * dx

    def find(self, x: float, y: float, z: float) -> tuple[int, int, int]:
        """(iz, iy, ix) of the cell that a point (um) lies in.

        Raises:
            ParameterError: a point outside of the grid.
        """
        found = []
        for name, edges, at in (("z", self.z, z), ("y", self.y, y), ("x", self.x, x)):
            if not edges[0] <= at <= edges[-1]:
                raise ParameterError(
                    f"{name} = {at:g} um lies outside of the grid ({edges[0]:g} to {edges[-1]:g} um); "
                    "ask for a point inside"
                )
            found.append(min(int(np.searchsorted(edges, at, side="right")) - 1, len(edges) - 2))
        return found[0], found[1], found[2]

    def shares(self, box: Box) -> Real:
        """Share of each cell's volume that lies in a box, so that a box on no edge of the grid keeps its volume.

        Args:
            box: (x0, y0, z0, x1, y1, z1), um.

        Returns:
            0 to 1, shape (nz, ny, nx).
        """
        x, y, z = (_overlap(edges, box[i], box[i + 3]) for i, edges in enumerate(self.edges))
        return z[:, None, None] * y[:, None] * x

    def heat(self, box: Box, watts: float) -> Real:
        """Heat that arises evenly in a box, W a cell, shape (nz, ny, nx).

        Raises:
            ParameterError: a box that has no volume in the grid, or lies partly outside.
        """
        volume = self.shares(box) * self.volumes()
        inside, whole = float(volume.sum()), float(np.prod([box[i + 3] - box[i] for i in range(3)]))
        if not whole > 0 or abs(inside / whole - 1) > 1e-9:
            raise ParameterError(
                f"heat in the box {tuple(float(v) for v in box)} um: {inside:g} of {whole:g} um^3 lie in the grid; "
                "give a box with a volume, all of it in the grid"
            )
        return volume * (watts / inside)


def graded(breaks: Sequence[float], step: float | Iterable[float], *, growth: float = 1.3) -> Real:
    """Edges through all breaks, with cells that grow from fine intervals into coarse ones.

    Args:
        breaks: positions that become edges, um; sorted and made unique (to 1e-6 um).
        step: largest cell wished in each interval between (sorted) breaks, um; one number for all, or one each.
        growth: largest ratio of neighbouring cells, but for the rounding to whole cells.

    Returns:
        Edges, um. Each interval is filled from both ends: cells start as wide as the neighbouring interval's step
        allows and grow by `growth` up to its own step.

    Raises:
        ParameterError: fewer than two breaks, a step that is not above 0, a growth that is not above 1.
    """
    at = np.unique(np.round(np.asarray(breaks, dtype=float), 6))
    if len(at) < 2:
        raise ParameterError(f"{len(at)} breaks make no grid; give at least two different positions")
    steps = np.full(len(at) - 1, step) if isinstance(step, int | float) else np.array(list(step), dtype=float)
    if len(steps) != len(at) - 1 or not np.all(steps > 0) or not growth > 1:
        raise ParameterError(
            f"steps {steps.tolist()} and growth {growth:g} for {len(at) - 1} intervals; "
            "give one step above 0 um an interval and a growth above 1"
        )
    steps = np.minimum(steps, np.diff(at))
    edges = [at[:1]]
    for i, (low, high) in enumerate(pairwise(at)):
        left = min(steps[i], growth * steps[i - 1]) if i else steps[i]
        right = min(steps[i], growth * steps[i + 1]) if i + 1 < len(steps) else steps[i]
        edges.append(low + (high - low) * _fill(high - low, left, steps[i], right, growth))
    return np.concatenate(edges)


def _fill(length: float, left: float, middle: float, right: float, growth: float) -> Real:
    """Relative positions (0, 1] of edges in an interval whose cells grow from both ends."""
    cells: list[float] = []
    tail: list[float] = []
    a, b, rest = left, right, length
    while rest > 0:
        if a <= b:
            cells.append(a)
            rest -= a
            a = min(middle, a * growth)
        else:
            tail.append(b)
            rest -= b
            b = min(middle, b * growth)
    # the last cell sticks out by -rest: dropping it is better where less than half of it is inside
    widths = cells + tail[::-1]
    if len(widths) > 1 and -rest > 0.5 * max(widths):
        (cells if a <= b and cells else tail or cells).pop()
        widths = cells + tail[::-1]
    positions = np.cumsum(widths)
    return positions / positions[-1]


def _edges(name: str, values: ArrayLike) -> Real:
    edges = np.array(values, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0):
        raise ParameterError(f"edges of the grid along {name} must be finite, rise strictly and be at least two, in um")
    return edges


def _overlap(edges: Real, low: float, high: float) -> Real:
    """Share of each interval that lies between `low` and `high`."""
    return np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) / np.diff(edges)
