"""The contours of a polygon as arrays."""

from __future__ import annotations

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray


def _signed_area(points: NDArray[np.float64]) -> float:
    x, y = (points - points[0]).T
    return float(0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def contours(polygon: kdb.Polygon) -> list[NDArray[np.float64]]:
    """Hull and holes of a polygon, dbu, each of shape (N, 2), the material always on the right of the way along it."""
    loops = [[(p.x, p.y) for p in polygon.each_point_hull()]]
    loops += [[(p.x, p.y) for p in polygon.each_point_hole(n)] for n in range(polygon.holes())]
    arrays = [np.array(loop, dtype=np.float64) for loop in loops]
    wanted = [-1.0] + [1.0] * (len(arrays) - 1)  # hull clockwise, holes counter-clockwise
    return [a if _signed_area(a) * sign > 0 else a[::-1] for a, sign in zip(arrays, wanted, strict=True)]
