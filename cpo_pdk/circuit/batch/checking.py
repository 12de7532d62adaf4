"""How far a table is from the model that it was made from, measured at random points of its reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cpo_pdk.circuit.batch.deviations import LENGTHS, Real
from cpo_pdk.circuit.batch.ring_table import RingTable
from cpo_pdk.circuit.batch.smooth_table import SmoothTable
from cpo_pdk.circuit.binding import ModelLike
from cpo_pdk.circuit.driving import HEATER, VOLTAGE

#: random points, and those of them at which resonances are looked for; seed of the points
POINTS, RESONANCES, SEED = 12, 3, 8
#: what a heater shifts at most in the check, nm; how far lines lie off their channels, nm
SHIFT_NM, OFF_NM = 15.0, 0.3
#: what a heater takes at most in the check, mW
POWER_MW = 60.0


def places(reach: Mapping[str, float], count: int = POINTS) -> dict[str, Real]:
    """Random deviations within the reach, the first as drawn."""
    rng = np.random.default_rng(SEED)
    found = {axis: half * rng.uniform(-1, 1, count) for axis, half in sorted(reach.items())}
    for value in found.values():
        value[0] = 0.0
    return found


def checked(table: RingTable, direct: Any, model: ModelLike, params: Mapping[str, Any], channels_um: Real) -> RingTable:
    """A ring's table with its errors written in.

    What is no parameter of the model (`coupling`) is computed by the same closed form in both and stays as drawn.
    """
    reach = {axis: half for axis, half in table.reach.items() if axis != "coupling"}
    values = places(reach)
    operation: dict[str, Any] = {"tuning_nm": _on_channels(table, values, channels_um)}
    error = _largest(table, direct, values, channels_um, operation)
    resonances: Callable[..., Any] | None = model.resonances
    assert resonances is not None, "a ring has resonances"
    found = table.resonances_nm(values)
    apart = 0.0
    base = {key: value for key, value in params.items() if key not in ("tuning_nm", "heater_mW", VOLTAGE)}
    for sample in range(RESONANCES):
        given = dict(base)
        for axis in reach:
            value = float(values[axis][sample])
            if axis in LENGTHS:
                given[axis] = float(base.get(axis, 0.0)) + value
            elif axis == "doping" and axis in base:
                given[axis] = base[axis] * (1 + value)
        top = float(found[sample, -1]) * 1e-3 + 1e-4
        exact = np.asarray(resonances(table.low_um, top, **given)) * 1e3
        count = min(exact.size, found.shape[1])
        apart = max(apart, float(np.max(np.abs(exact[:count] - found[sample, :count]))) * 1e3)
    return replace(table, error=error, error_pm=apart)


def _on_channels(table: RingTable, values: Mapping[str, Real], channels_um: Real) -> Real:
    """Red shifts, nm, that take a resonance of each sample about to a channel: there a ring is most sensitive."""
    found, width = table.resonances_nm(values), table.linewidth_nm(values)
    target = np.resize(channels_um, POINTS) * 1e3
    below = np.where(found <= target[:, None], found, -np.inf).max(axis=1)
    shift = target - below + np.random.default_rng(SEED + 1).uniform(-1.0, 1.0, POINTS) * width
    return np.clip(shift, 0.0, SHIFT_NM)


def smooth_error(table: SmoothTable, direct: Any, channels_um: Real) -> float:
    """Largest difference of an amplitude of a smooth table from the model's."""
    operation: dict[str, Any] = {}
    if table.heated is not None:
        operation[HEATER] = np.random.default_rng(SEED + 2).uniform(0.0, POWER_MW, POINTS)
    return _largest(table, direct, places(table.reach), channels_um, operation)


def _largest(
    table: RingTable | SmoothTable,
    direct: Any,
    values: Mapping[str, Real],
    channels_um: Real,
    operation: Mapping[str, Any],
) -> float:
    """Largest difference of an amplitude at some deviations, at all levels, near all channels."""
    off = np.random.default_rng(SEED + 3).uniform(-OFF_NM, OFF_NM, (POINTS, channels_um.size))
    off[::2] *= 0.1
    error = 0.0
    for level in table.levels:
        volts: dict[str, Any] = {VOLTAGE: level} if len(table.levels) > 1 else {}
        ours, theirs = (kind.matrix(values, channels_um + off * 1e-3, **operation, **volts) for kind in (table, direct))
        error = max(error, *(float(np.max(np.abs(ours[pair] - theirs[pair]))) for pair in theirs))
    return error
