"""Heater powers that hold rings on their channels at given temperatures, heaters of neighbours included."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.operation.assignment import Whole, assign, costs, red_shifts
from cpo_pdk.operation.ring_bank import RingBank

Real = NDArray[np.float64]

#: rounds in which channels and the heat of neighbours are found together
ROUNDS = 6
#: a heater this close to what is asked of it holds, mW
HOLDS_MW = 1e-9


@dataclass(frozen=True)
class Tuning:
    """Rings on their channels.

    Attributes:
        channel: from 0, shape (R,).
        order: number of the resonance that each is held with, shape (R,).
        power_mW: of each heater, 0 to the limit, shape (R,).
        shift_nm: red shift that heater and neighbours are to give; negative where a ring is too warm, shape (R,).
        given_nm: red shift that they give, shape (R,).
        held: whether that is what is asked, shape (R,).
        settled: whether channels and powers agree with one another.
    """

    channel: Whole
    order: Whole
    power_mW: Real
    shift_nm: Real
    given_nm: Real
    held: NDArray[np.bool_]
    settled: bool


def tune(
    bank: RingBank,
    ring_C: Real,
    *,
    before: Tuning | None = None,
    keep_mW: float | Real = 0.0,
    frozen: bool = False,
) -> Tuning:
    """Channels and heater powers at given temperatures.

    Args:
        bank: the rings.
        ring_C: temperature of each without its own heater's and its neighbours' warming from nearby, shape (R,).
        before: where to begin; its channels are kept where others save next to nothing.
        keep_mW: power that is to be left at either end, where channels allow it; a number or shape (R,).
        frozen: keep channels and resonances of `before`.
    """
    drift = bank.nm_per_K * (ring_C - bank.reference_C)
    if frozen and before is not None:
        return _powers(bank, drift, before.channel, before.order)
    keep = np.broadcast_to(np.asarray(keep_mW, np.float64), ring_C.shape)[:, None]
    channel = None if before is None else before.channel
    near = np.zeros_like(ring_C) if before is None else before.given_nm - bank.heater_nm_mW * before.power_mW
    found: Tuning | None = None
    for _ in range(ROUNDS):
        shifts, orders = red_shifts(bank.resonances_nm + (drift + near)[:, None], bank.targets_nm)
        weights = costs(shifts / bank.heater_nm_mW[:, None], bank.max_mW, keep)
        channel = assign(bank.seats, weights, channel)
        order = orders[np.arange(channel.size), channel]
        same = found is not None and np.array_equal(found.channel, channel) and np.array_equal(found.order, order)
        if found is not None and same:
            return found
        found = _powers(bank, drift, channel, order)
        near = found.given_nm - bank.heater_nm_mW * found.power_mW
    assert found is not None
    return replace(found, settled=False)


def _powers(bank: RingBank, drift_nm: Real, channel: Whole, order: Whole) -> Tuning:
    """Powers for given channels and resonances; a heater at a limit stays there, the others go on."""
    rows = np.arange(channel.size)
    wanted = bank.targets_nm[rows, channel] - bank.resonances_nm[rows, order] - drift_nm
    power = bank.powers(wanted, np.ones(rows.size, bool), bank.max_mW)
    given = bank.shifts(power)
    held = np.abs(given - wanted) <= HOLDS_MW * bank.heater_nm_mW + 1e-12
    return Tuning(channel, order, power, wanted, given, held, True)
