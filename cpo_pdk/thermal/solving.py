"""Steady temperatures for heat maps, and the balance of the heat."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from cpo_pdk.errors import ParameterError
from cpo_pdk.thermal.conduction import Conduction
from cpo_pdk.thermal.grid import Real
from cpo_pdk.thermal.linear_system import LinearSystem, Method

#: heat maps that are solved at once, and the cells of all of them: more would no longer stay in the cache
_TOGETHER, _CELLS_TOGETHER = 8, 400_000


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
        tolerance, method: see linear_system.py.

    Attributes:
        solve_s: CPU seconds of all solves so far.

    Raises:
        ParameterError: a tolerance that is not between 0 and 1, an unknown method.
    """

    def __init__(self, conduction: Conduction, *, tolerance: float = 1e-8, method: Method = "columns") -> None:
        self.conduction = conduction
        self.solve_s = 0.0
        self._system = LinearSystem(conduction.stencil, conduction.grid, tolerance=tolerance, method=method)

    @property
    def method(self) -> Method:
        """The one in use."""
        return self._system.method

    @property
    def setup_s(self) -> float:
        """CPU seconds of the preparation."""
        return self._system.setup_s

    @property
    def iterations(self) -> int:
        """Of the last solve."""
        return self._system.iterations

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
        prepared = self._system.setup_s
        shape = (-1, *conduction.grid.shape)
        maps, answer = watts.reshape(shape), np.empty(watts.shape)
        answers = answer.reshape(shape)
        guesses = None if guess is None else np.nan_to_num(guess).reshape(shape)
        together = min(_TOGETHER, max(1, _CELLS_TOGETHER // conduction.grid.cells))
        for low in range(0, len(maps), together):
            part = slice(low, low + together)
            b = np.stack(list(maps[part]), axis=1)
            if film_W is not None:
                b += film_W[:, None]
            near = None if guesses is None else np.stack(list(guesses[part]), axis=1)
            answers[part] = np.moveaxis(self._system.solve(b, near), 1, 0)
        if conduction.void is not None:
            answer[..., conduction.void] = np.nan
        self.solve_s += time.process_time() - start - (self._system.setup_s - prepared)
        return answer
