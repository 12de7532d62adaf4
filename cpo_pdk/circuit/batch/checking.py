"""How far a table is from the model that it was made from, measured at random points of its reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cpo_pdk.circuit.batch.deviations import LENGTHS, Real
from cpo_pdk.circuit.batch.ring_table import RingTable
from cpo_pdk.circuit.binding import ModelLike
from cpo_pdk.circuit.driving import VOLTAGE

#: random points, and those of them at which resonances are looked for; seed of the points
POINTS, RESONANCES, SEED = 12, 3, 8
#: what a heater shifts at most in the check, nm; how far lines lie off their channels, nm
SHIFT_NM, OFF_NM = 12.0, 0.3


def places(reach: Mapping[str, float], count: int = POINTS) -> dict[str, Real]:
    """Random deviations within the reach, the first as drawn."""
    rng = np.random.default_rng(SEED)
    found = {axis: half * rng.uniform(-1, 1, count) for axis, half in sorted(reach.items())}
    for value in found.values():
        value[0] = 0.0
    return found


def checked(table: RingTable, direct: Any, model: ModelLike, params: Mapping[str, Any], channels_um: Real) -> RingTable:
    """The table with its errors written in.

    What has no parameter of the model (`coupling`) is computed by the same closed form in both and stays as drawn.
    """
    reach = {axis: half for axis, half in table.reach.items() if axis != "coupling"}
    values = places(reach)
    rng = np.random.default_rng(SEED + 1)
    wl = channels_um + rng.uniform(-OFF_NM, OFF_NM, (POINTS, channels_um.size)) * 1e-3
    shift = rng.uniform(0.0, SHIFT_NM, POINTS)
    error = 0.0
    for level in table.levels:
        operation: dict[str, Any] = {"tuning_nm": shift}
        if len(table.levels) > 1:
            operation[VOLTAGE] = level
        ours, theirs = (kind.matrix(values, wl, **operation) for kind in (table, direct))
        error = max(error, *(float(np.max(np.abs(ours[pair] - theirs[pair]))) for pair in theirs))
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
