"""Multigrid for layered stacks: whole columns of cells are relaxed at once, and only the plane is coarsened.

A package is thin: neighbours above and below are tied far closer than those beside, by ratios that change from layer to
layer. Solving each column exactly (a tridiagonal system) takes that stiffness away and leaves a problem of the plane,
for which coarser grids of wider columns serve: line relaxation with semi-coarsening, Trottenberg, Oosterlee and
Schueller, Multigrid (2001), chapter 5 (from memory). Here:

- narrow columns are merged before wide ones, so that coarser grids become ever more even; columns of different
  materials one grid later than others (not later still: columns that stay narrow among wide ones do more harm);
- a correction between two coarse columns follows the temperature that a constant flow through the conductances between
  them would give, layer by layer;
- columns are relaxed all at once with the best damping factors for the upper part of the spectrum (Chebyshev);
- applied in single precision: this is a preconditioner, what it gets wrong costs iterations and not accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from cpo_pdk.thermal.stencil import Array, Stencil, for_fields

#: unknowns that are solved directly
_DIRECT = 300
#: relaxations before and after a coarser grid, and the ratio of the eigenvalues that they damp
_SWEEPS, _RATIO = 3, 4.0
#: columns whose vertical conductances differ by more than this factor are of different materials
_JUMP = 2.0


class ColumnMultigrid:
    """One V-cycle as a preconditioner: `cycle(residual) -> correction`, symmetric and positive.

    Args:
        stencil: the operator.
        x, y: edges of the columns, um.
    """

    def __init__(self, stencil: Stencil, x: Array, y: Array) -> None:
        level = stencil
        self._levels: list[_Level] = []
        dx, dy = np.diff(x), np.diff(y)
        apart_x, apart_y = _breaks(level.gz, dx, dy)
        size = float(min(dx.min(), dy.min()))
        while True:
            nz, ny, nx = level.shape
            if nz * ny * nx <= _DIRECT or ny * nx == 1:
                break
            groups_x, groups_y, size = _groups(dx, dy, apart_x, apart_y, size)
            across = _Merge.of(level.gx, groups_x, axis=2)
            half = _coarser(level, across)
            along = _Merge.of(half.gy, groups_y, axis=1)
            self._levels.append(_Level(level.astype(np.float32), _Columns(level), across, along))
            level = _coarser(half, along)
            dx, dy = np.add.reduceat(dx, groups_x), np.add.reduceat(dy, groups_y)
            apart_x, apart_y = apart_x[groups_x], apart_y[groups_y]
        # sparse, as dense factors would wake the threads of the BLAS for a matrix this small
        self._coarsest = splu(level.matrix().tocsc())
        low, high = 2.0 / _RATIO, 2.0
        nodes = np.cos(np.pi * (2 * np.arange(_SWEEPS) + 1) / (2 * _SWEEPS))
        self._damping = tuple(np.float32(1 / ((high + low) / 2 + (high - low) / 2 * node)) for node in nodes)

    @property
    def cells(self) -> tuple[int, ...]:
        """Of each grid that is relaxed, fine to coarse."""
        return tuple(level.stencil.ground.size for level in self._levels)

    def __call__(self, residual: Array) -> Array:
        """An approximate solution for a residual, (nz, ny, nx), or for several, (nz, S, ny, nx)."""
        scale = np.abs(residual).max(axis=(0, -2, -1), keepdims=True)
        scale[scale == 0] = 1
        return self._cycle((residual / scale).astype(np.float32), 0) * scale

    def _cycle(self, b: Array, depth: int) -> Array:
        if depth == len(self._levels):
            columns = np.moveaxis(b, 0, -3)
            found = self._coarsest.solve(columns.reshape(-1, self._coarsest.shape[0]).T.astype(float))
            return np.ascontiguousarray(np.moveaxis(found.T.reshape(columns.shape), -3, 0), dtype=np.float32)
        level = self._levels[depth]
        x = level.columns.solve(b.copy())
        x *= self._damping[0]
        work = np.empty_like(b)
        for damping in self._damping[1:]:
            step = level.columns.solve(level.stencil.residual(b, x, work))
            step *= damping
            x += step
        rest = level.along.restrict(level.across.restrict(level.stencil.residual(b, x, work)))
        x += level.across.prolong(level.along.prolong(self._cycle(rest, depth + 1)))
        for damping in reversed(self._damping):
            step = level.columns.solve(level.stencil.residual(b, x, work))
            step *= damping
            x += step
        return x


class _Columns:
    """All columns of a grid as tridiagonal systems, factored once (L D L^T)."""

    def __init__(self, stencil: Stencil) -> None:
        nz = stencil.shape[0]
        pivot = stencil.diagonal()
        self._lower = np.empty(stencil.gz.shape, dtype=np.float32)
        for k in range(nz - 1):
            ratio = stencil.gz[k] / pivot[k]
            self._lower[k] = ratio
            pivot[k + 1] -= ratio * stencil.gz[k]
        self._inverse = (1 / pivot).astype(np.float32)

    def solve(self, b: Array) -> Array:
        """In place."""
        lower, work = self._lower, np.empty_like(b[0])
        for k in range(len(lower)):
            b[k + 1] += np.multiply(lower[k], b[k], out=work)
        b *= for_fields(self._inverse, b)
        for k in range(len(lower) - 1, -1, -1):
            b[k] += np.multiply(lower[k], b[k + 1], out=work)
        return b


@dataclass(frozen=True)
class _Merge:
    """Columns merged, alone or in pairs, along one axis.

    Attributes:
        axis: 1 (y) or 2 (x) of (nz, ny, nx).
        starts: first fine column of each coarse one.
        parent, other: of each fine column, the coarse one it is part of, and the next one on its side.
        share: how much of the correction comes from the other, shape (nz, ny, nx).
        resistance: between coarse columns, K/W, before the columns beside are added.
    """

    axis: int
    starts: NDArray[np.intp]
    parent: NDArray[np.intp]
    other: NDArray[np.intp]
    share: Array
    conductance: Array

    @classmethod
    def of(cls, g: Array, starts: NDArray[np.intp], axis: int) -> _Merge:
        """From the conductances along the axis."""
        count = g.shape[axis] + 1
        parent = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, count)))
        paired = np.bincount(parent, minlength=len(starts)) == 2
        first = np.zeros(count, dtype=bool)
        first[starts] = True
        with np.errstate(divide="ignore", invalid="ignore"):
            ohm = 1 / np.moveaxis(g, axis, 0)
            inner = np.zeros((len(starts), *ohm.shape[1:]), dtype=g.dtype)
            inner[paired] = ohm[starts[paired]] / 2
            between = ohm[starts[1:] - 1] + inner[1:] + inner[:-1]
            share = np.zeros((count, *ohm.shape[1:]), dtype=np.float32)
            left = np.flatnonzero(paired)
            left = left[left > 0]
            share[starts[left]] = inner[left] / between[left - 1]
            right = np.flatnonzero(paired)
            right = right[right < len(starts) - 1]
            share[starts[right] + 1] = inner[right] / between[right]
            conductance = np.moveaxis(1 / between, 0, axis)
        share = np.ascontiguousarray(np.moveaxis(np.nan_to_num(share, copy=False, nan=0.0), 0, axis))
        side = np.where(paired[parent], np.where(first, -1, 1), 0)
        other = np.clip(parent + side, 0, len(starts) - 1)
        return cls(axis, starts, parent, other, share, np.ascontiguousarray(conductance))

    def add(self, values: Array) -> Array:
        """Sums over merged columns."""
        return np.add.reduceat(values, self.starts, axis=self.axis - 3)

    def prolong(self, coarse: Array) -> Array:
        """Corrections of fine columns."""
        own = coarse.take(self.parent, axis=self.axis - 3)
        other = coarse.take(self.other, axis=self.axis - 3)
        other -= own
        other *= for_fields(self.share, other)
        own += other
        return own

    def restrict(self, fine: Array) -> Array:
        """The transpose of `prolong`."""
        to_other = for_fields(self.share, fine) * fine
        coarse = self.add(fine - to_other)
        # shares are zero where a column is alone, so that nothing is counted twice
        ends = np.append(self.starts[1:], len(self.parent)) - 1
        coarse[self._cut(slice(1, None))] += to_other.take(ends[:-1], axis=self.axis - 3)
        coarse[self._cut(slice(None, -1))] += to_other.take(self.starts[1:], axis=self.axis - 3)
        return coarse

    def _cut(self, part: slice) -> tuple[Any, ...]:
        return (..., part, slice(None)) if self.axis == 1 else (..., part)


@dataclass(frozen=True)
class _Level:
    """One grid and the way to the next."""

    stencil: Stencil
    columns: _Columns
    across: _Merge
    along: _Merge


def _coarser(stencil: Stencil, merge: _Merge) -> Stencil:
    """The operator on merged columns: conductances along the merge in series, across it side by side."""
    if merge.axis == 2:
        gx, gy = merge.conductance, merge.add(stencil.gy)
    else:
        gx, gy = merge.add(stencil.gx), merge.conductance
    return Stencil(gx, gy, merge.add(stencil.gz), merge.add(stencil.ground))


def _breaks(gz: Array, dx: Array, dy: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether a column along x (or y) differs in material from the one before it, anywhere."""
    level = np.log(np.maximum(gz / (dy[:, None] * dx).astype(gz.dtype), 1e-30)) / np.log(_JUMP)
    found = []
    for axis, count in ((2, len(dx)), (1, len(dy))):
        apart = np.zeros(count, dtype=bool)
        others = tuple(i for i in range(3) if i != axis)
        if len(gz):
            apart[1:] = (np.abs(np.diff(level, axis=axis)) > 1).any(axis=others)
        found.append(apart)
    return found[0], found[1]


def _groups(
    dx: Array, dy: Array, apart_x: NDArray[np.bool_], apart_y: NDArray[np.bool_], size: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], float]:
    """First columns of the next coarser grid along x and y, and the width that its merged columns keep to.

    The width doubles until a third of the columns is gone.
    """
    width = size
    while True:
        width *= 2
        starts_x, starts_y = _pairs(dx, apart_x, width), _pairs(dy, apart_y, width)
        if len(starts_x) * len(starts_y) <= 0.7 * len(dx) * len(dy):
            return starts_x, starts_y, width


def _pairs(widths: Array, apart: NDArray[np.bool_], limit: float) -> NDArray[np.intp]:
    """First columns of pairs that are together no wider than `limit` (but for rounding), or half of it where apart."""
    allowed = 1.01 * limit * np.where(apart[1:], 0.5, 1.0)
    joins = widths[:-1] + widths[1:] <= allowed
    starts, i = [], 0
    while i < len(widths):
        starts.append(i)
        i += 2 if i < len(joins) and joins[i] else 1
    return np.array(starts, dtype=np.intp)
