"""One symmetric system of heat conduction, solved for many right-hand sides: conjugate gradients with multigrid."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import numpy as np
import pyamg

from cpo_pdk.errors import ModelError, ParameterError
from cpo_pdk.thermal.column_multigrid import ColumnMultigrid
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.stencil import Stencil

Method = Literal["columns", "ruge_stuben", "jacobi"]
#: after which each method gives up
_ITERATIONS: dict[str, int] = {"columns": 80, "ruge_stuben": 200, "jacobi": 20000}


class LinearSystem:
    """`stencil.apply(x) = b`.

    Args:
        stencil: the operator.
        grid: its cells.
        tolerance: residual over right-hand side, Euclidean, at which an answer counts as found; the sum of the residual
            (heat that got lost) must be as small against the sum of the heat's sizes in addition.
        method: `columns` (column_multigrid.py: made for layered stacks; where it does not settle, `ruge_stuben` goes on
            from where it stands), `ruge_stuben` (classical algebraic multigrid of pyamg: copes with any shape, takes
            several times as long), or `jacobi` (to compare with).

    Attributes:
        method: the one in use.
        setup_s: CPU seconds of the preparation.
        iterations: of the last solve.

    Raises:
        ParameterError: a tolerance that is not between 0 and 1, an unknown method.
    """

    def __init__(self, stencil: Stencil, grid: Grid, *, tolerance: float = 1e-8, method: Method = "columns") -> None:
        if not 0 < tolerance < 1:
            raise ParameterError(f"tolerance {tolerance:g} must lie between 0 and 1")
        if method not in _ITERATIONS:
            raise ParameterError(f'method "{method}" is none of {", ".join(_ITERATIONS)}')
        self.stencil = stencil
        self.tolerance = tolerance
        self.iterations = 0
        self.setup_s = 0.0
        self._grid = grid
        self._prepare(method)

    def solve(self, b: Real, guess: Real | None = None, *, scale: float = 0.0) -> Real:
        """The answer for one right-hand side, or for several at once: less of the time goes to small steps then.

        Args:
            b: W a cell, (nz, ny, nx), or (nz, S, ny, nx).
            guess: where to start from.
            scale: a right-hand side's norm below which the tolerance counts against this norm and not the own one.

        Raises:
            ModelError: no answer within the iterations allowed.
        """
        fields = (b, guess) if b.ndim == 4 else (b[:, None], None if guess is None else guess[:, None])
        x, error = self._conjugate_gradients(*fields, scale)
        if error > 1 and self.method == "columns":
            self._prepare("ruge_stuben")
            x, error = self._conjugate_gradients(fields[0], x, scale)
        if error > 1:
            raise ModelError(
                f"the heat did not settle in {self.iterations} iterations: the residual is {error:.3g} times what the "
                f"tolerance {self.tolerance:.1e} allows; conductivities that differ by more than 1e7, or cells that "
                "are 1e4 times as long as wide, do that: grade the grid more evenly"
            )
        return x.reshape(b.shape)

    def _prepare(self, method: Method) -> None:
        start = time.process_time()
        self.method: Method = method
        stencil = self.stencil
        if method == "columns":
            self._precondition: Callable[[Real], Real] = ColumnMultigrid(stencil, self._grid.x, self._grid.y)
        elif method == "ruge_stuben":
            # the second pass leaves no weak spot between coarse points: wildly uneven conductivities need it
            levels = pyamg.ruge_stuben_solver(
                stencil.matrix(), CF=("RS", {"second_pass": True}), max_coarse=200, coarse_solver="splu"
            )
            cycle = levels.aspreconditioner(cycle="V")
            self._precondition = lambda residual: np.stack(
                [np.asarray(cycle @ r.ravel()).reshape(r.shape) for r in np.moveaxis(residual, 1, 0)], axis=1
            )
        else:
            diagonal = stencil.diagonal()
            self._precondition = lambda residual: residual / diagonal[:, None]
        self.setup_s += time.process_time() - start

    def _conjugate_gradients(self, b: Real, x: Real | None, scale: float) -> tuple[Real, float]:
        """Preconditioned (Hestenes and Stiefel 1952, from memory), each of several right-hand sides for itself.

        Returns:
            The answers, (nz, S, ny, nx), and the largest error over what is allowed.
        """
        stencil = self.stencil
        warm = x is not None
        x = x.copy() if x is not None else np.zeros_like(b)
        residual = stencil.residual(b, x) if warm else b.copy()
        norm, total = np.sqrt(_dot(b, b)), np.abs(b).sum(axis=(0, 2, 3))
        total[norm == 0] = norm[norm == 0] = 1
        if scale:
            total *= np.maximum(scale / norm, 1)
            norm = np.maximum(norm, scale)
        self.iterations = 0
        direction: Real | None = None
        image = np.empty_like(b)
        before = np.ones(b.shape[1])
        while True:
            lost = np.abs(residual.sum(axis=(0, 2, 3))) / total
            error = float(np.maximum(np.sqrt(_dot(residual, residual)) / norm, lost).max()) / self.tolerance
            if error <= 1 or self.iterations == _ITERATIONS[self.method]:
                return x, error
            self.iterations += 1
            z = self._precondition(residual)
            now = _dot(residual, z)
            if direction is None:
                direction = z
            else:
                direction *= _ratio(now, before)
                direction += z
            before = now
            stencil.apply(direction, image)
            step = _ratio(now, _dot(direction, image))
            x += np.multiply(direction, step, out=z)
            image *= step
            residual -= image


def _dot(a: Real, b: Real) -> Real:
    """Inner products of fields (nz, S, ny, nx), shape (S,).

    On one thread: a BLAS that spins on several costs more than it gains on what memory limits.
    """
    return np.einsum("zsyx,zsyx->s", a, b)


def _ratio(a: Real, b: Real) -> Real:
    """`a / b`, 0 where an answer is exact already, shape (S, 1, 1)."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)[:, None, None]
