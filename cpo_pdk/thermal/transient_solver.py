"""Temperatures after the heat changed: implicit steps in time that may be as long as one likes.

Each step is the two-stage, stiffly accurate, L-stable diagonally implicit Runge-Kutta method of order two (Alexander,
SIAM J. Numer. Anal. 14 (1977), from memory): both stages have the same operator `C / (gamma h) + A`, and no step,
however long, makes the answer swing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.thermal.conduction import Conduction
from cpo_pdk.thermal.grid import Real
from cpo_pdk.thermal.linear_system import LinearSystem
from cpo_pdk.thermal.stencil import Stencil

_GAMMA = 1 - 1 / math.sqrt(2)


def log_times(first_s: float, last_s: float, *, per_decade: int = 8) -> Real:
    """0 and then times that grow by a constant factor, s: what a step of heat needs, fast at first and slow at last.

    Raises:
        ParameterError: times that are not above 0 or do not rise; no step a decade.
    """
    if not 0 < first_s < last_s or per_decade < 1:
        raise ParameterError(
            f"times from {first_s:g} to {last_s:g} s with {per_decade} steps a decade; "
            "the first must be above 0 and below the last, and a decade has at least one step"
        )
    count = max(2, 1 + round(per_decade * math.log10(last_s / first_s)))
    return np.concatenate([[0.0], np.geomspace(first_s, last_s, count)])


def follow(
    conduction: Conduction,
    start_C: Real,
    watts: Real,
    times_s: ArrayLike,
    probe: Callable[[Real], ArrayLike],
    *,
    tolerance: float = 1e-6,
) -> Real:
    """What a probe reads while heat that is constant from time 0 on changes the temperatures.

    Args:
        conduction: the system, with heat capacities.
        start_C: temperatures at time 0, C, (nz, ny, nx).
        watts: heat from time 0 on, W a cell, (nz, ny, nx).
        times_s: 0 and rising times, s; each interval is one step, so that they set the accuracy (`log_times`).
        probe: what is kept of a field (nz, ny, nx), C: a number or an array.
        tolerance: of each step's system, relative to that of the first step.

    Returns:
        The readings, shape (len(times_s), *reading).

    Raises:
        ParameterError: no heat capacities, shapes that don't fit, times that don't start at 0 and rise.
        ModelError: a step's system that could not be solved.
    """
    times = np.asarray(times_s, dtype=float)
    if times.ndim != 1 or len(times) < 2 or times[0] != 0 or not np.all(np.diff(times) > 0):
        raise ParameterError("times of a transient must start at 0 s and rise; see log_times")
    shape = conduction.grid.shape
    if np.shape(start_C) != shape or np.shape(watts) != shape:
        raise ParameterError(
            f"start {np.shape(start_C)} and heat {np.shape(watts)} of a transient must have the grid's shape {shape}"
        )
    capacity = conduction.capacities_J_K()
    void = conduction.void
    here = np.array(start_C, dtype=float)
    if void is not None:
        here[void] = 0
        capacity = np.where(void, 0.0, capacity)
    given = watts + conduction.film_W
    readings = [np.asarray(probe(_shown(here, void)))]
    rest = np.empty(shape)
    scale = 0.0
    last, system = 0.0, None
    for step in np.diff(times):
        if system is None or abs(step / last - 1) > 1e-6:
            system = LinearSystem(
                _heavier(conduction.stencil, capacity / (_GAMMA * step)), conduction.grid, tolerance=tolerance
            )
            last = float(step)
        conduction.stencil.residual(given, here, rest)
        scale = max(scale, math.sqrt(float(np.einsum("ijk,ijk->", rest, rest))))
        first = system.solve(rest, scale=scale)
        rest += capacity * first * ((1 - _GAMMA) / (_GAMMA**2 * step))
        here = here + system.solve(rest, first, scale=scale)
        readings.append(np.asarray(probe(_shown(here, void))))
    return np.array(readings)


def _heavier(stencil: Stencil, more: Real) -> Stencil:
    """The operator with more between each cell and ground."""
    return Stencil(stencil.gx, stencil.gy, stencil.gz, stencil.ground + more)


def _shown(field: Real, void: np.ndarray | None) -> Real:
    return field if void is None else np.where(void, np.nan, field)
