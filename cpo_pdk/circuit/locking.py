"""Tune the rings of a bus to their channels, as the controller of the engine would: heaters shift to the red only.

Which ring serves which channel is the assignment with the least total shift (H. W. Kuhn, Nav. Res. Logist. Q. 2 (1955)
83; D. F. Crouse's variant in scipy).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.driving import VOLTAGE, drive_of
from cpo_pdk.errors import CpoError, ModelError

#: how far below the channels resonances are looked for, um: more than one free spectral range of any ring here, and
#: for channels from 1.26 um up still within the computed modes
REACH_UM = 0.02
#: a resonance on its channel within this needs no shift, um
ON_CHANNEL_UM = 1e-9
#: stands for a channel that a ring can't reach where rings are assigned together: more than any sum of shifts, nm
BEYOND_NM = 1e6

#: ring, first and last wavelength in um -> its resonances between them, um, rising
Resonances = Callable[[Bound, float, float], NDArray[np.float64]]


@dataclass(frozen=True)
class Lock:
    """A ring on its channel (counted from 0) and the red shift in nm that takes it there."""

    ring: str
    channel: int
    tuning_nm: float


def cold_resonances(bound: Bound, low_um: float, high_um: float) -> NDArray[np.float64]:
    """Resonances of a ring with its heater off and no voltage, um, rising.

    Raises:
        ModelError: the model refuses its parameters.
    """
    model = bound.model
    if model is None or model.resonances is None:
        raise ModelError(f"{bound.cell}: its model has no resonances; only a ring can be tuned to a channel")
    params: dict[str, Any] = {name: v for name, v in bound.params.items() if name not in (model.tuning, VOLTAGE)}
    try:
        found = model.resonances(low_um, high_um, **params)
    except CpoError as error:
        raise ModelError(f"{bound.cell}: {error}") from error
    return np.sort(np.asarray(found, np.float64))


def red_shifts_nm(resonances: NDArray[np.float64], targets_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest red shift, nm, that takes a resonance to each target; infinite where no resonance lies below the target.

    Args:
        resonances: um, shape (R,), rising.
        targets_um: um, shape (C,).
    """
    order = np.searchsorted(resonances, targets_um + ON_CHANNEL_UM) - 1
    shifts = np.full(targets_um.shape, np.inf)
    below = order >= 0
    shifts[below] = np.maximum(0.0, targets_um[below] - resonances[order[below]]) * 1e3
    return shifts


class Locker:
    """Assigns the rings of buses to channels; each distinct ring is looked at once.

    Args:
        channels_um: wavelengths of the channels, um, shape (C,).
        find: resonances of a ring between two wavelengths, as `cold_resonances`.
    """

    def __init__(self, channels_um: NDArray[np.float64], find: Resonances | None = None) -> None:
        self.channels = channels_um
        self.find = find or cold_resonances
        self._shifts: dict[str, NDArray[np.float64]] = {}

    def shifts_nm(self, bound: Bound) -> NDArray[np.float64]:
        """Red shift, nm, that takes a ring to its working point on each channel; infinite where none does."""
        if bound.cell not in self._shifts:
            drive = drive_of(bound)
            targets = self.channels - (drive.detuning_nm if drive else 0.0) * 1e-3
            found = self.find(bound, float(targets.min()) - REACH_UM, float(targets.max()) + ON_CHANNEL_UM)
            self._shifts[bound.cell] = red_shifts_nm(found, targets)
        return self._shifts[bound.cell]

    def together(self, groups: Sequence[Sequence[Bound]]) -> tuple[int, ...]:
        """Channel of each group of rings that serve one channel together; the least shift of all.

        Args:
            groups: rings, one group a channel.
        """
        cost = np.stack([np.sum([self.shifts_nm(entry) for entry in group], axis=0) for group in groups])
        reached = np.where(np.isfinite(cost), cost, BEYOND_NM)
        return tuple(int(channel) for channel in linear_sum_assignment(reached)[1])

    def lock(
        self, bus: str, rings: Sequence[str], bound: Sequence[Bound], chosen: Sequence[int] | None = None
    ) -> tuple[Lock, ...]:
        """Assign the rings of one bus.

        Args:
            bus: what to call it in a message.
            rings: paths of the rings.
            bound: binding of each ring.
            chosen: channel of each ring, from 0, where that has been decided.

        Returns:
            one lock a channel, in the order of the channels.

        Raises:
            ModelError: another number of rings than channels, or no resonance within reach.
        """
        if len(rings) != self.channels.size:
            raise ModelError(f"{bus}: {len(rings)} rings for {self.channels.size} channels; place one a channel")
        cost = np.stack([self.shifts_nm(entry) for entry in bound])
        wanted = np.isfinite(cost)
        if chosen is not None:
            wanted = wanted[np.arange(len(rings)), chosen][:, None]
        if not np.all(wanted):
            row = int(np.argwhere(~wanted)[0, 0])
            raise ModelError(
                f"{bus}: ring {rings[row]} has no resonance within {REACH_UM * 1e3:g} nm below a channel; "
                "check its radius"
            )
        pairs = enumerate(chosen) if chosen is not None else zip(*linear_sum_assignment(cost), strict=True)
        locks = [Lock(rings[int(r)], int(c), float(cost[r, c])) for r, c in pairs]
        return tuple(sorted(locks, key=lambda lock: lock.channel))
