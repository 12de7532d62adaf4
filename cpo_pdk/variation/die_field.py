"""A field over the devices of a die, for many dies at once.

All dies lie on the columns and rows of one grid, so the kernels are computed once a column and once a row. A field is
smooth over a correlation length: where a die has many devices it is computed at Chebyshev points and interpolated to
them, with as many points as bring the error below 1e-10 of a kernel's peak. Where the correlation length is so short
that the nodes around each device are fewer than those of the whole die, devices are computed one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.variation.fields import UnitField
from cpo_pdk.variation.samples import Draw

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

INTERPOLATED_TO = 1e-10
"""Largest error of the interpolation, of the peak of a kernel."""

_MOST_POINTS = 96
"""Chebyshev points along an axis above which devices are computed one by one."""

_SMALL = 4096
"""Nodes of a patch that are drawn at once even where fewer would do for the devices alone."""

_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Axis:
    """One direction of the dies.

    Attributes:
        first: first node of every column (or row) of dies, shape (D,).
        weights: kernels, shape (D, points, nodes).
        spread: from points to devices, shape (N, points).
    """

    first: Whole
    weights: Real
    spread: Real


@dataclass(frozen=True)
class DieField:
    """A field at the devices of dies; made by `die_field`.

    Attributes:
        field: over the wafer.
        places_mm: of the devices from the middle of their die, shape (N, 2).
        middles_mm: of the columns and of the rows of dies.
        axes: x and y; None: too many points would be needed, devices are computed one by one.
    """

    field: UnitField
    places_mm: Real
    middles_mm: tuple[Real, Real]
    axes: tuple[Axis, Axis] | None

    def at(self, draw: Draw, cause: str, wafer: Whole, column: Whole, row: Whole) -> Real:
        """The field at all devices.

        Args:
            draw: seeds and samples (S,).
            cause: name of the stream; 0 where it is held fixed.
            wafer: numbers of the wafers within their sample, shape (S, G).
            column, row: of the dies, shape (S, G).

        Returns:
            Shape (S, G, N).
        """
        shape = (*wafer.shape, len(self.places_mm))
        if cause in draw.fixed or 0 in shape:
            return np.zeros(shape)
        if self.axes is None:
            x = self.middles_mm[0][column][..., None] + self.places_mm[:, 0]
            y = self.middles_mm[1][row][..., None] + self.places_mm[:, 1]
            return self.field.at(draw, cause, wafer, x, y)
        across, up = self.axes
        count = (across.weights.shape[2], up.weights.shape[2])
        onto = (up.spread[:, :, None] * across.spread[:, None, :]).reshape(len(self.places_mm), -1).T
        out = np.empty(shape)
        portion = max(1, _AT_ONCE // (count[0] * count[1] * wafer.shape[1]))
        for start in range(0, len(wafer), portion):
            some = slice(start, start + portion)
            part = draw.part(some)
            c, r = column[some], row[some]
            noise = self.field.nodes(part, cause, wafer[some], across.first[c], up.first[r], count)
            points = up.weights[r] @ noise @ np.swapaxes(across.weights[c], -1, -2)
            out[some] = (points.reshape(-1, len(onto)) @ onto).reshape(out[some].shape)
        return out


def die_field(field: UnitField, places_mm: Real, columns_mm: Real, rows_mm: Real) -> DieField:
    """A field at the devices of dies.

    Args:
        field: over the wafer.
        places_mm: of the devices from the middle of their die, shape (N, 2).
        columns_mm, rows_mm: middles of the columns and rows of dies, from the middle of the wafer.
    """
    axes = None
    if len(places_mm):
        extent = [float(size) for size in np.ptp(places_mm, axis=0)]
        patch = field.node_count(extent[0]) * field.node_count(extent[1])
        if patch <= max(_SMALL, len(places_mm) * field.node_count(0.0) ** 2):
            found = [_axis(field, places_mm[:, k], middles) for k, middles in enumerate((columns_mm, rows_mm))]
            if found[0] is not None and found[1] is not None:
                axes = (found[0], found[1])
    return DieField(field, places_mm, (columns_mm, rows_mm), axes)


def _axis(field: UnitField, places_mm: Real, middles_mm: Real) -> Axis | None:
    known, which = np.unique(places_mm, return_inverse=True)
    points, spread = _chebyshev(field, known) or (known, np.eye(len(known)))
    if len(points) > _MOST_POINTS:
        return None
    first = field.first_node(middles_mm + points.min())
    count = field.node_count(float(np.ptp(points)))
    weights = field.weights(
        middles_mm[:, None] + points, np.broadcast_to(first[:, None], (len(first), len(points))), count
    )
    return Axis(first, weights, spread[which])


def _chebyshev(field: UnitField, places_mm: Real) -> tuple[Real, Real] | None:
    """Points and the matrix from them to the places; None where there are as few places as points."""
    low, high = float(places_mm.min()), float(places_mm.max())
    middle, half = (low + high) / 2, (high - low) / 2
    count = 4
    while count < min(len(places_mm), _MOST_POINTS + 1):
        angle = (np.arange(count) + 0.5) * np.pi / count
        unit = np.cos(angle)
        sign = np.where(np.arange(count) % 2, -1.0, 1.0) * np.sin(angle)
        trial = np.linspace(-1.0, 1.0, 4 * count + 1)
        if _error(field, middle, half, unit, sign, trial) < INTERPOLATED_TO:
            return middle + half * unit, _barycentric(unit, sign, (places_mm - middle) / half)
        count += 2
    return None


def _error(field: UnitField, middle: float, half: float, unit: Real, sign: Real, trial: Real) -> float:
    """Largest error of interpolating kernels that peak inside or beside the die, of their peak."""
    peaks = np.linspace(-2.0, 2.0, 17) * (half + field.length_mm)

    def kernel(at: Real) -> Real:
        return np.exp(-2 * ((half * at[:, None] - peaks) / field.length_mm) ** 2)

    return float(np.abs(_barycentric(unit, sign, trial) @ kernel(unit) - kernel(trial)).max())


def _barycentric(points: Real, sign: Real, places: Real) -> Real:
    """Matrix of the interpolation, shape (places, points); Berrut and Trefethen, SIAM Review 46, 501 (2004)."""
    off = places[:, None] - points
    hit = np.abs(off) < 1e-14
    share = sign / np.where(hit, 1.0, off)
    matrix = share / share.sum(axis=1, keepdims=True)
    struck = hit.any(axis=1)
    matrix[struck] = hit[struck]
    return matrix
