"""Cubic splines over even grids of one to three dimensions, for many points at once.

Formulas
    Cubic B-splines; at either end the third derivative is continuous over the last node but one ("not a knot": C. de
    Boor, A Practical Guide to Splines, 1978), so that a polynomial of third order is kept as it is. The sum over the
    coefficients is `scipy.ndimage.map_coordinates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from cpo_pdk.errors import ParameterError

Real = NDArray[np.float64]


@dataclass(frozen=True)
class EvenSpline:
    """A smooth function that is known at the nodes of an even grid; can be pickled.

    Attributes:
        ends: lowest and highest value of each axis.
        coefficients: of the B-splines, two more than nodes along each axis.
    """

    ends: tuple[tuple[float, float], ...]
    coefficients: Real

    @staticmethod
    def of(ends: Sequence[tuple[float, float]], values: ArrayLike) -> EvenSpline:
        """Through values at even nodes.

        Args:
            ends: of each axis.
            values: at the nodes, four or more along each axis.

        Raises:
            ParameterError: fewer nodes, another number of axes, a value that is not finite.
        """
        found = np.asarray(values, np.float64)
        if found.ndim != len(ends) or min(found.shape, default=0) < 4 or not np.isfinite(found).all():
            raise ParameterError(
                f"a spline over {len(ends)} axes of values of shape {found.shape}; finite ones at 4 or more nodes "
                "along each axis needed"
            )
        for axis, count in enumerate(found.shape):
            found = np.moveaxis(np.tensordot(_solved(count), found, axes=([1], [axis])), 0, axis)
        return EvenSpline(tuple((float(low), float(high)) for low, high in ends), np.ascontiguousarray(found))

    def __call__(self, *at: ArrayLike) -> Real:
        """Values at points, one array an axis; they broadcast. Beyond an end the end is taken."""
        where = np.broadcast_arrays(*(np.asarray(value, np.float64) for value in at))
        points = np.empty((len(where), where[0].size))
        for axis, ((low, high), value) in enumerate(zip(self.ends, where, strict=True)):
            last = self.coefficients.shape[axis] - 3
            points[axis] = np.clip((value.ravel() - low) * (last / (high - low)), 0.0, last) + 1.0
        found = map_coordinates(self.coefficients, points, order=3, mode="nearest", prefilter=False)
        return np.asarray(found, np.float64).reshape(where[0].shape)


def _solved(count: int) -> Real:
    """Matrix that turns values at `count` nodes into coefficients, shape (count + 2, count)."""
    system = np.zeros((count + 2, count + 2))
    for node in range(count):
        system[node + 1, node : node + 3] = 1 / 6, 4 / 6, 1 / 6
    system[0, :5] = system[-1, -5:] = 1, -4, 6, -4, 1
    return np.linalg.inv(system)[:, 1:-1]
