"""What a kelvin at the rings, or a watt in the package, does to the heaters once they have followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.operation.ring_bank import RingBank
from cpo_pdk.operation.tuning import Tuning
from cpo_pdk.thermal.results import Response

Real = NDArray[np.float64]


@dataclass(frozen=True)
class HeatOfHeaters:
    """Warming of every ring by the heaters of an engine.

    Attributes:
        K_W: by heater power in each engine of the bank, spread over the engine, shape (R, E).
    """

    K_W: Real


def heat_of_heaters(response: Response, bank: RingBank, heater_efficiency: float) -> HeatOfHeaters:
    """From the heat of a package.

    Args:
        response: with every ring and every engine's dies.
        bank: the rings.
        heater_efficiency: of what drives heaters; the rest is heat of the electronic die.
    """
    probes = {probe: row for row, probe in enumerate(response.probes)}
    sources = {source: column for column, source in enumerate(response.sources)}
    rows = np.array([probes[f"ring:{fact.instance}"] for fact in bank.facts], dtype=np.int64)
    found = np.zeros((len(bank), len(bank.engines)))
    for column, name in enumerate(bank.engines):
        found[:, column] = response.matrix[rows, sources[f"pic:{name}"]]
        found[:, column] += (1.0 / heater_efficiency - 1.0) * response.matrix[rows, sources[f"eic:{name}"]]
    return HeatOfHeaters(found)


def _free(bank: RingBank, tuning: Tuning) -> NDArray[np.bool_]:
    """Rings whose heaters can follow."""
    return tuning.held & (tuning.power_mW > 0.0) & (tuning.power_mW < bank.max_mW)


def watts_per_K(bank: RingBank, tuning: Tuning) -> Real:
    """Heater power that each engine takes less for a kelvin at one ring, W/K, shape (E, R)."""
    found = np.zeros((len(bank.engines), len(bank)))
    found[bank.engine, np.arange(len(bank))] = 1e-3 * bank.sums(_free(bank, tuning)) * bank.nm_per_K
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
    return bank.powers(-bank.nm_per_K * rise_K, _free(bank, tuning), np.inf, -np.inf)
