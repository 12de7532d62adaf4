"""Which ring takes which laser line: the free spectral range wraps round, heaters shift to the red only.

The rings of a bus are alike but for their place, so a ring that is too warm for its own line takes the next line to the
red, and the last ones take the first lines with their next resonance from below ("barrel shift": M. Georgas, J. Leu,
B. Moss, C. Sun, V. Stojanovic, CICC 2011, from memory). Each bus gets the assignment that holds most rings, of these
the one with the least heater power (H. W. Kuhn, Nav. Res. Logist. Q. 2 (1955) 83; D. F. Crouse's variant in scipy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

#: what a ring that its heater can't hold weighs in a sum of heater powers, mW: more than all that can be held
NOT_HELD_MW = 1e6
#: what a ring weighs that is held with less power left than is asked for, mW
NEAR_LIMIT_MW = 1e3
#: what another channel must save before a ring leaves the one that it has, mW: two that cost the same don't alternate
STAY_MW = 0.01
#: what a power weighs by its square, 1/mW: rings that swap channels need the same sum, so that of these the assignment
#: with like powers is taken; at most 0.16 mW at 40 mW
EVEN_PER_MW = 1e-4


@dataclass(frozen=True)
class Seats:
    """Rings of one port that are assigned together.

    Attributes:
        rings: shape (S, M): number of each ring; the rings of a row share a detector and thus a channel, as those of
            the two polarisations do. A row with fewer rings than others names its first again.
        name: of the port, for messages.
    """

    rings: Whole
    name: str


def red_shifts(resonances_nm: Real, targets_nm: Real) -> tuple[Real, Whole]:
    """Smallest red shift to each channel, nm, and the number of the resonance that takes it.

    Args:
        resonances_nm: of each ring as warm as it is, shape (R, K), not a number where a ring has fewer.
        targets_nm: where the resonance has to be for each channel, shape (R, C).

    Returns:
        Shapes (R, C); infinite where no resonance lies at or below the target.
    """
    gap = targets_nm[:, :, None] - resonances_nm[:, None, :]
    gap = np.where(gap >= 0.0, gap, np.inf)
    order = np.argmin(gap, axis=2)
    return np.take_along_axis(gap, order[:, :, None], axis=2)[:, :, 0], order


def costs(power_mW: Real, most_mW: float, keep_mW: float | Real) -> Real:
    """What each ring on each channel weighs, mW, shape (R, C).

    Args:
        power_mW: of its heater, infinite where no resonance reaches the channel.
        most_mW: limit of a heater.
        keep_mW: power that is to be left, upwards and downwards; a number or shape (R, 1).
    """
    held = power_mW <= most_mW
    near = (power_mW < keep_mW) | (power_mW > most_mW - keep_mW)
    finite = np.where(np.isfinite(power_mW), power_mW, NOT_HELD_MW)
    finite = np.where(held, finite + EVEN_PER_MW * finite**2, finite)
    return finite + np.where(held, np.where(near, NEAR_LIMIT_MW, 0.0), NOT_HELD_MW)


def assign(seats: Sequence[Seats], cost_mW: Real, before: Whole | None = None) -> Whole:
    """Channel of every ring, shape (R,).

    Args:
        seats: every ring stands in one of them.
        cost_mW: see `costs`, shape (R, C).
        before: channels that the rings have already.
    """
    weights = cost_mW.copy()
    if before is not None:
        weights[np.arange(before.size), before] -= STAY_MW
    found = np.zeros(cost_mW.shape[0], dtype=np.int64)
    for seat in seats:
        rows, columns = linear_sum_assignment(weights[seat.rings].sum(axis=1))
        found[seat.rings[rows]] = columns[:, None]
    return found
