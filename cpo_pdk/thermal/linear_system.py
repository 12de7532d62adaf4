"""One symmetric system of heat conduction, solved for many right-hand sides: conjugate gradients with multigrid."""

from __future__ import annotations

import math
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
        """The answer for one right-hand side.

        Args:
            b: W a cell, (nz, ny, nx).
            guess: where to start from.
            scale: a right-hand side's norm below which the tolerance counts against this norm and not the own one.

        Raises:
            ModelError: no answer within the iterations allowed.
        """
        x, error = self._conjugate_gradients(b, guess, scale)
        if error > 1 and self.method == "columns":
            self._prepare("ruge_stuben")
            x, error = self._conjugate_gradients(b, x, scale)
        if error > 1:
            raise ModelError(
                f"the heat did not settle in {self.iterations} iterations: the residual is {error:.3g} times what the "
                f"tolerance {self.tolerance:.1e} allows; conductivities that differ by more than 1e7, or cells that "
                "are 1e4 times as long as wide, do that: grade the grid more evenly"
            )
        return x

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
            self._precondition = lambda residual: np.asarray(cycle @ residual.ravel()).reshape(residual.shape)
        else:
            diagonal = stencil.diagonal()
            self._precondition = lambda residual: residual / diagonal
        self.setup_s += time.process_time() - start

    def _conjugate_gradients(self, b: Real, x: Real | None, scale: float) -> tuple[Real, float]:
        """Preconditioned (Hestenes and Stiefel 1952, from memory).

        Returns:
            The answer, and its error over what is allowed.
        """
        stencil = self.stencil
        warm = x is not None
        x = x.copy() if x is not None else np.zeros_like(b)
        residual = stencil.residual(b, x) if warm else b.copy()
        norm, total = math.sqrt(_dot(b, b)), float(np.abs(b).sum())
        self.iterations = 0
        if norm == 0:
            return np.zeros_like(b), 0.0
        if norm < scale:
            norm, total = scale, total * scale / norm
        direction: Real | None = None
        image = np.empty_like(b)
        before = 1.0
        while True:
            error = max(math.sqrt(_dot(residual, residual)) / norm, abs(float(residual.sum())) / total)
            error /= self.tolerance
            if error <= 1 or self.iterations == _ITERATIONS[self.method]:
                return x, error
            self.iterations += 1
            z = self._precondition(residual)
            now = _dot(residual, z)
            if direction is None:
                direction = z
            else:
                direction *= now / before
                direction += z
            before = now
            stencil.apply(direction, image)
            step = now / _dot(direction, image)
            x += np.multiply(direction, step, out=z)
            image *= step
            residual -= image


def _dot(a: Real, b: Real) -> float:
    """Inner product on one thread: a BLAS that spins on several costs more than it gains on what memory limits."""
    return float(np.einsum("ijk,ijk->", a, b))
