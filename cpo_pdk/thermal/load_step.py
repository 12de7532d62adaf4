"""The ASIC goes from idle to full at once: how fast the rings feel it, against the loops that hold them.

A loop of bandwidth f that integrates (as those that hold rings do) follows a ramp with a lag of slope / (2 pi f): the
velocity error of a loop of type one (from memory of control theory). The steepest slope of any ring gives the greatest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from cpo_pdk.errors import ParameterError
from cpo_pdk.thermal.conduction import Conduction
from cpo_pdk.thermal.grid import Real
from cpo_pdk.thermal.response import Probes
from cpo_pdk.thermal.results import Transient
from cpo_pdk.thermal.transient_solver import follow, log_times

#: first and last instant, s: heat needs milliseconds from the ASIC to an engine, the board minutes to warm up
FIRST_S, LAST_S = 1e-3, 1000.0
PER_DECADE = 6


def stepped(
    conduction: Conduction,
    probes: Probes,
    idle_C: Real,
    watts: Real,
    drift_nm_K: Mapping[str, float],
    control_Hz: float,
) -> Transient:
    """Follow a step.

    Args:
        conduction: of the package, with capacities.
        probes: of the package.
        idle_C: temperatures before, C, (nz, ny, nx).
        watts: heat after it, W a cell.
        drift_nm_K: ring -> shift of its resonances with temperature.
        control_Hz: bandwidth of the loops.

    Returns:
        Times, hottest spot of the ASIC, and the ring that rises fastest; in a package without rings the mean of the
        photonic die that does, named by its engine, with no tracking error.

    Raises:
        ParameterError: a bandwidth that is not above 0.
        ModelError: no answer of the solver.
    """
    if not (math.isfinite(control_Hz) and control_Hz > 0):
        raise ParameterError(f"control bandwidth {control_Hz:g} Hz, must be above 0: the spec's thermal.control_Hz")
    names = [name for name in probes.names if name.startswith("ring:")]
    names = names or [name for name in probes.names if name.startswith("pic:")]
    rows = [probes.names.index(name) for name in names]
    matrix = probes.matrix[rows]
    layers, asic = list(probes.planes.layers), probes.planes.asic

    def read(field: Real) -> Real:
        hottest = np.nanmax(np.where(probes.on_asic > 0.5, field[asic], np.nan))
        return np.concatenate([[hottest], matrix @ np.nan_to_num(field[layers]).ravel()])

    times = log_times(FIRST_S, LAST_S, per_decade=PER_DECADE)
    readings = follow(conduction, idle_C, watts, times, read)
    rings = readings[:, 1:]
    slopes = np.diff(rings, axis=0) / np.diff(times)[:, None]
    steepest = slopes.max(axis=0)
    fastest = int(np.argmax(steepest))
    drift = np.array([abs(drift_nm_K.get(name.partition(":")[2], 0.0)) for name in names])
    kind, _, path = names[fastest].partition(":")
    lag = float((np.abs(slopes).max(axis=0) * drift).max()) / (2 * math.pi * control_Hz) if kind == "ring" else 0.0
    return Transient(
        t_s=times,
        asic_C=readings[:, 0],
        ring_C=rings[:, fastest],
        ring=path,
        fastest_K_s=float(steepest[fastest]),
        tau_s=_rise_time(times, rings[:, fastest]),
        tracking_error_nm=lag,
    )


def _rise_time(times: Real, values: Real) -> float:
    """Time to 63 % of the rise, s, between instants linear in the logarithm; 0 where nothing rises."""
    rise = values[-1] - values[0]
    if not rise > 0:
        return 0.0
    wanted = values[0] + (1 - math.exp(-1)) * rise
    i = int(np.argmax(values >= wanted))
    share = (wanted - values[i - 1]) / (values[i] - values[i - 1])
    low = max(times[i - 1], times[1] / 10)
    return float(low * (times[i] / low) ** share)
