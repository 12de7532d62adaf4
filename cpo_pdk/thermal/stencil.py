"""The matrix of heat conduction without a matrix: conductances between neighbours, applied plane by plane.

Cells in the order (nz, ny, nx). A sparse matrix spends two thirds of its traffic on indices that are known here; slices
of planes that stay in the cache are four times as fast and need a third of the memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from cpo_pdk.errors import ParameterError

Array = NDArray[Any]
#: cells that are worked on at once
_BLOCK = 32768


@dataclass(frozen=True)
class Stencil:
    """A symmetric operator that ties each cell to its six neighbours.

    Attributes:
        gx, gy, gz: conductances across inner faces, W/K, shapes (nz, ny, nx - 1), (nz, ny - 1, nx), (nz - 1, ny, nx).
        ground: conductance of each cell to fluids, W/K, (nz, ny, nx).
    """

    gx: Array
    gy: Array
    gz: Array
    ground: Array

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx)."""
        nz, ny, nx = self.ground.shape
        return nz, ny, nx

    def diagonal(self) -> Array:
        """Sum of all conductances of each cell, (nz, ny, nx)."""
        total = self.ground.copy()
        for g, axis in ((self.gz, 0), (self.gy, 1), (self.gx, 2)):
            low, high = neighbours(axis)
            total[low] += g
            total[high] += g
        return total

    def astype(self, dtype: DTypeLike) -> Stencil:
        """The same in another precision."""
        return Stencil(*(part.astype(dtype, copy=False) for part in (self.gx, self.gy, self.gz, self.ground)))

    def apply(self, x: Array, out: Array | None = None) -> Array:
        """The operator on `x`, (nz, ny, nx), or on several fields, (nz, S, ny, nx).

        Summed up from flows between neighbours, so that what leaves one cell enters the other to the last digit.
        """
        out = np.empty_like(x) if out is None else out
        nz = self.shape[0]
        gx, gy, gz, ground = (for_fields(g, x) for g in (self.gx, self.gy, self.gz, self.ground))
        step = max(1, _BLOCK // x[0].size)
        scratch = np.empty((step, *x.shape[1:]), dtype=x.dtype)
        np.multiply(ground[0], x[0], out=out[0])
        for low in range(0, nz, step):
            high = min(nz, low + step)
            above = min(high, nz - 1)  # flows upwards from the planes below this one
            y, t, own = out[low:high], scratch[: high - low], x[low:high]
            np.multiply(ground[low + 1 : above + 1], x[low + 1 : above + 1], out=out[low + 1 : above + 1])
            flow = np.subtract(own[..., 1:], own[..., :-1], out=t[..., 1:])
            flow *= gx[low:high]
            y[..., 1:] += flow
            y[..., :-1] -= flow
            flow = np.subtract(own[..., 1:, :], own[..., :-1, :], out=t[..., 1:, :])
            flow *= gy[low:high]
            y[..., 1:, :] += flow
            y[..., :-1, :] -= flow
            if above > low:
                flow = np.subtract(x[low + 1 : above + 1], x[low:above], out=t[: above - low])
                flow *= gz[low:above]
                out[low + 1 : above + 1] += flow
                out[low:above] -= flow
        return out

    def residual(self, b: Array, x: Array, out: Array | None = None) -> Array:
        """`b` less the operator on `x`."""
        out = self.apply(x, out)
        return np.subtract(b, out, out=out)

    def matrix(self) -> sparse.csr_array:
        """The same as a sparse matrix with int32 indices, cells numbered in the order of the arrays.

        Raises:
            ParameterError: more cells than 32-bit indices can count entries of.
        """
        nz, ny, nx = self.shape
        n = nz * ny * nx
        if n * 7 >= 2**31:
            raise ParameterError(f"{n} cells are too many for 32-bit indices; give at most {2**31 // 7}")
        # seven entries a row: those before the cell along z, y, x, the cell, and those after it along x, y, z
        entries = np.zeros((nz, ny, nx, 7), dtype=self.ground.dtype)
        entries[..., 3] = self.diagonal()
        for axis, g in enumerate((self.gz, self.gy, self.gx)):
            low, high = neighbours(axis)
            entries[(*high, axis)] = -g
            entries[(*low, 6 - axis)] = -g
        flat = entries.reshape(n, 7)
        kept = flat != 0
        indptr = np.zeros(n + 1, dtype=np.int32)
        np.cumsum(kept.sum(axis=1), out=indptr[1:])
        shifts = np.array([-nx * ny, -nx, -1, 0, 1, nx, nx * ny], dtype=np.int32)
        indices = (np.arange(n, dtype=np.int32)[:, None] + shifts)[kept]
        return sparse.csr_array((flat[kept], indices, indptr), shape=(n, n))


def for_fields(cells: Array, fields: Array) -> Array:
    """An array of cells laid out so that it multiplies one field, (nz, ny, nx), or several, (nz, S, ny, nx)."""
    return cells if fields.ndim == 3 else cells[:, None]


def neighbours(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices of the cells before and after each inner face across an axis of (z, y, x)."""
    low = tuple(slice(None, -1) if i == axis else slice(None) for i in range(3))
    high = tuple(slice(1, None) if i == axis else slice(None) for i in range(3))
    return low, high
