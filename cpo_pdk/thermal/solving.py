"""Steady temperatures: conjugate gradients with multigrid, many heat maps on what is prepared once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyamg

from cpo_pdk.errors import ModelError, ParameterError
from cpo_pdk.thermal.column_multigrid import ColumnMultigrid
from cpo_pdk.thermal.conduction import Conduction
from cpo_pdk.thermal.grid import Real

Method = Literal["columns", "ruge_stuben", "jacobi"]
#: after which each method gives up
_ITERATIONS: dict[str, int] = {"columns": 80, "ruge_stuben": 200, "jacobi": 20000}


@dataclass(frozen=True)
class Balance:
    """Heat in and out of a field.

    Attributes:
        in_W: heat that arises in the cells.
        out_W: heat that leaves through the films.
        error: difference over the larger of both (0 where no heat flows).
    """

    in_W: float
    out_W: float
    error: float


class Solver:
    """Temperatures for heat maps on one conduction system; what is prepared once serves all of them.

    Args:
        conduction: the system.
        tolerance: residual over right-hand side, Euclidean, at which an answer counts as found; the heat balance must
            be closed to the same in addition.
        method: `columns` (column_multigrid.py: made for layered stacks; where it does not settle, `ruge_stuben` goes on
            from where it stands), `ruge_stuben` (classical algebraic multigrid of pyamg: copes with any shape, takes
            several times as long), or `jacobi` (to compare with).

    Attributes:
        method: the one in use.
        setup_s, solve_s: CPU seconds of the preparation, and of all solves so far.
        iterations: of the last solve.

    Raises:
        ParameterError: a tolerance that is not between 0 and 1, an unknown method.
    """

    def __init__(self, conduction: Conduction, *, tolerance: float = 1e-8, method: Method = "columns") -> None:
        if not 0 < tolerance < 1:
            raise ParameterError(f"tolerance {tolerance:g} must lie between 0 and 1")
        if method not in _ITERATIONS:
            raise ParameterError(f'method "{method}" is none of {", ".join(_ITERATIONS)}')
        self.conduction = conduction
        self.tolerance = tolerance
        self.iterations = 0
        self.setup_s = self.solve_s = 0.0
        self._prepare(method)

    def solve(self, watts: Real, *, guess: Real | None = None) -> Real:
        """Temperatures for heat that arises in the cells.

        Args:
            watts: W a cell, (nz, ny, nx), or a stack of S such maps (S, nz, ny, nx).
            guess: temperatures to start from, C, of the same shape; a near one saves iterations.

        Returns:
            C, the shape of `watts`; NaN in void cells.

        Raises:
            ParameterError: a wrong shape, or heat that is not finite.
            ModelError: no answer within the iterations allowed.
        """
        return self._solve(watts, self.conduction.film_W, guess)

    def rise(self, watts: Real, *, guess: Real | None = None) -> Real:
        """The same with all fluids at 0: the rise that the heat alone makes, K. Linear in `watts`."""
        return self._solve(watts, None, guess)

    def balance(self, T: Real, watts: Real) -> Balance:
        """Heat in and out for one field of temperatures (nz, ny, nx), C."""
        conduction = self.conduction
        inside = float(watts.sum())
        touched = conduction.film_W_K > 0
        flows = conduction.film_W_K[touched] * T[touched] - conduction.film_W[touched]
        out = float(flows.sum())
        scale = max(abs(inside), float(np.abs(flows).sum()))
        return Balance(inside, out, abs(inside - out) / scale if scale else 0.0)

    def _prepare(self, method: Method) -> None:
        start = time.process_time()
        self.method: Method = method
        stencil = self.conduction.stencil
        if method == "columns":
            self._precondition: Callable[[Real], Real] = ColumnMultigrid(
                stencil, self.conduction.grid.x, self.conduction.grid.y
            )
        elif method == "ruge_stuben":
            levels = pyamg.ruge_stuben_solver(stencil.matrix(), max_coarse=200)
            cycle = levels.aspreconditioner(cycle="V")
            self._precondition = lambda residual: np.asarray(cycle @ residual.ravel()).reshape(residual.shape)
        else:
            self._precondition = lambda residual: residual / stencil.diagonal
        self.setup_s += time.process_time() - start

    def _solve(self, watts: Real, film_W: Real | None, guess: Real | None) -> Real:
        conduction = self.conduction
        watts = np.asarray(watts, dtype=float)
        if watts.shape[-3:] != conduction.grid.shape or watts.ndim not in (3, 4):
            raise ParameterError(
                f"heat of shape {watts.shape} does not fit the grid; give {conduction.grid.shape} or (S, ...) of it"
            )
        if guess is not None and guess.shape != watts.shape:
            raise ParameterError(f"guess of shape {guess.shape} for heat of shape {watts.shape}; give the same shape")
        if not np.all(np.isfinite(watts)):
            raise ParameterError("heat that is not finite; give W a cell")
        if conduction.void is not None and np.any(watts[..., conduction.void]):
            raise ParameterError("heat in void cells; move it into the solid")
        start = time.process_time()
        prepared = self.setup_s
        answer = np.empty(watts.shape)
        for i in np.ndindex(watts.shape[:-3]):
            b = watts[i] if film_W is None else watts[i] + film_W
            answer[i] = self._one(b, None if guess is None else np.nan_to_num(guess[i]))
            if conduction.void is not None:
                answer[i][conduction.void] = np.nan
        self.solve_s += time.process_time() - start - (self.setup_s - prepared)
        return answer

    def _one(self, b: Real, x: Real | None) -> Real:
        """The answer for one right-hand side; falls back on the method that copes with every shape."""
        x, error = self._conjugate_gradients(b, x)
        if error > 1 and self.method == "columns":
            self._prepare("ruge_stuben")
            x, error = self._conjugate_gradients(b, x)
        if error > 1:
            raise ModelError(
                f"the heat did not settle in {self.iterations} iterations: the residual is {error:.3g} times what the "
                f"tolerance {self.tolerance:.1e} allows; conductivities that differ by more than 1e7, or cells that "
                "are 1e4 times as long as wide, do that: grade the grid more evenly"
            )
        return x

    def _conjugate_gradients(self, b: Real, x: Real | None) -> tuple[Real, float]:
        """Preconditioned (Hestenes and Stiefel 1952, from memory).

        Returns:
            The answer, and its error over what is allowed.
        """
        stencil = self.conduction.stencil
        warm = x is not None
        x = x.copy() if x is not None else np.zeros_like(b)
        residual = stencil.residual(b, x) if warm else b.copy()
        norm, total = math.sqrt(_dot(b, b)), float(np.abs(b).sum())
        self.iterations = 0
        if norm == 0:
            return np.zeros_like(b), 0.0
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
