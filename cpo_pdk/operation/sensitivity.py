"""What a kelvin at the rings, or a watt in the package, does to the heaters once they have followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.operation.ring_bank import RingBank
from cpo_pdk.operation.tuning import Tuning

Real = NDArray[np.float64]


@dataclass(frozen=True)
class HeatOfHeaters:
    """Warming of every ring by the heaters of an engine.

    Attributes:
        K_W: by heater power in each engine of the bank, spread over the engine, shape (R, E).
    """

    K_W: Real


def _free(bank: RingBank, tuning: Tuning) -> list[NDArray[np.int64]]:
    """Of each block, the places of the rings whose heaters can follow."""
    inside = tuning.held & (tuning.power_mW > 0.0) & (tuning.power_mW < bank.max_mW)
    return [np.flatnonzero(inside[block.rings]) for block in bank.blocks]


def watts_per_K(bank: RingBank, tuning: Tuning) -> Real:
    """Heater power that each engine takes less for a kelvin at one ring, W/K, shape (E, R)."""
    found = np.zeros((len(bank.engines), len(bank)))
    for number, (block, free) in enumerate(zip(bank.blocks, _free(bank, tuning), strict=True)):
        if free.size:
            rings = block.rings[free]
            found[number, rings] = 1e-3 * block.weights(free) * bank.nm_per_K[rings]
    return found


def followed(rise_K: Real, heaters: HeatOfHeaters, watts_K: Real) -> Real:
    """Rise of the rings once the heaters have followed it, K, shape (R,): `(1 + K_W watts_K)^-1 rise`, by Woodbury.

    Args:
        rise_K: with heaters as they were, shape (R,).
        heaters: what the heaters of an engine do to the rings.
        watts_K: see `watts_per_K`.
    """
    inner = np.eye(watts_K.shape[0]) + watts_K @ heaters.K_W
    return rise_K - heaters.K_W @ np.linalg.solve(inner, watts_K @ rise_K)


def power_per_rise(bank: RingBank, tuning: Tuning, rise_K: Real) -> Real:
    """Change of each heater for a given rise at the rings, mW, shape (R,); 0 for those that can't follow."""
    change = np.zeros(len(bank))
    for block, free in zip(bank.blocks, _free(bank, tuning), strict=True):
        if free.size:
            rings = block.rings[free]
            change[rings] = block.powers(free, -bank.nm_per_K[rings] * rise_K[rings])
    return change
