"""Steady temperatures: conjugate gradients with an algebraic multigrid of pyamg, many heat maps on one hierarchy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyamg
from numpy.typing import NDArray

from cpo_pdk.errors import ModelError, ParameterError
from cpo_pdk.thermal.conduction import Conduction
from cpo_pdk.thermal.grid import Real

MAX_ITERATIONS = 200


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

    Attributes:
        setup_s, solve_s: CPU seconds of the preparation, and of all solves so far.
        iterations: of the last solve.
    """

    def __init__(self, conduction: Conduction, *, tolerance: float = 1e-8) -> None:
        if not 0 < tolerance < 1:
            raise ParameterError(f"tolerance {tolerance:g} must lie between 0 and 1")
        self.conduction = conduction
        self.tolerance = tolerance
        self.iterations = 0
        self.solve_s = 0.0
        start = time.process_time()
        levels = pyamg.ruge_stuben_solver(conduction.matrix, max_coarse=200)
        cycle = levels.aspreconditioner(cycle="V")
        self._precondition: Callable[[Real], Real] = lambda residual: np.asarray(cycle @ residual)
        self.setup_s = time.process_time() - start

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
        return self._solve(watts, np.zeros(self.conduction.grid.shape), guess)

    def balance(self, T: Real, watts: Real) -> Balance:
        """Heat in and out for one field of temperatures (nz, ny, nx), C."""
        conduction = self.conduction
        inside = float(watts.sum())
        flows = conduction.film_W_K * np.where(conduction.film_W_K > 0, T, 0) - conduction.film_W
        out = float(flows.sum())
        scale = max(abs(inside), float(np.abs(flows).sum()))
        return Balance(inside, out, abs(inside - out) / scale if scale else 0.0)

    def _solve(self, watts: Real, film_W: Real, guess: Real | None) -> Real:
        conduction = self.conduction
        watts = np.asarray(watts, dtype=float)
        if watts.shape[-3:] != conduction.grid.shape or watts.ndim not in (3, 4):
            raise ParameterError(
                f"heat of shape {watts.shape} does not fit the grid; give {conduction.grid.shape} or (S, ...) of it"
            )
        if not np.all(np.isfinite(watts)):
            raise ParameterError("heat that is not finite; give W a cell")
        if conduction.void is not None and np.any(watts[..., conduction.void]):
            raise ParameterError("heat in void cells; move it into the solid")
        start = time.process_time()
        answer = np.empty(watts.shape)
        for i in np.ndindex(watts.shape[:-3]):
            first = None if guess is None else np.nan_to_num(conduction.flat(guess[i]))
            field = conduction.cells(self._one(conduction.flat(watts[i] + film_W), first))
            if conduction.void is not None:
                field = np.where(conduction.void, np.nan, field)
            answer[i] = field
        self.solve_s += time.process_time() - start
        return answer

    def _one(self, b: Real, guess: Real | None) -> Real:
        """Preconditioned conjugate gradients (Hestenes and Stiefel 1952) for one right-hand side, flat."""
        matrix = self.conduction.matrix
        norm = float(np.linalg.norm(b))
        if norm == 0:
            self.iterations = 0
            return np.zeros_like(b)
        x = np.zeros_like(b) if guess is None else guess.copy()
        residual = b - matrix @ x if guess is not None else b.copy()
        total = float(np.abs(b).sum())
        direction: NDArray[np.float64] | None = None
        before = 1.0
        for iteration in range(MAX_ITERATIONS):
            if (
                float(np.linalg.norm(residual)) <= self.tolerance * norm
                and abs(float(residual.sum())) <= self.tolerance * total
            ):
                self.iterations = iteration
                return x
            z = self._precondition(residual)
            now = float(residual @ z)
            direction = z if direction is None else z + (now / before) * direction
            before = now
            image = matrix @ direction
            step = now / float(direction @ image)
            x += step * direction
            residual -= step * image
        raise ModelError(
            f"the heat did not settle in {MAX_ITERATIONS} iterations (residual "
            f"{float(np.linalg.norm(residual)) / norm:.1e}, wanted {self.tolerance:.1e}); "
            "cells far longer than wide, or conductivities that differ by more than 1e7, do that: grade the grid"
        )
