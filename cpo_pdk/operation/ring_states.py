"""The rings of one load as plain values, and what is said of those that are lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.operation.headroom import margin_of
from cpo_pdk.operation.results import RingState
from cpo_pdk.operation.ring_bank import RingBank
from cpo_pdk.operation.tuning import Tuning

Real = NDArray[np.float64]

#: rings named in one warning
SHOWN = 3


def ring_states(bank: RingBank, tuning: Tuning, ring_C: Real) -> tuple[RingState, ...]:
    """The rings of one load as plain values."""
    lacking = np.minimum(margin_of(bank, tuning), 0.0)
    weak = tuning.shift_nm > tuning.given_nm
    up = np.where(~tuning.held & weak, lacking, bank.max_mW - tuning.power_mW)
    down = np.where(~tuning.held & ~weak, lacking, tuning.power_mW)
    return tuple(
        RingState(
            instance=fact.instance,
            engine=fact.engine,
            direction=fact.direction,
            port=fact.port,
            mode=fact.mode,
            x=fact.x,
            y=fact.y,
            channel=int(tuning.channel[number]) + 1,
            drawn_channel=fact.channel + 1,
            temperature_C=float(ring_C[number]),
            shift_nm=float(tuning.shift_nm[number]),
            heater_mW=float(tuning.power_mW[number]),
            free_up_mW=float(up[number]),
            free_down_mW=float(down[number]),
            locked=bool(tuning.held[number]),
        )
        for number, fact in enumerate(bank.facts)
    )


def lost_rings(bank: RingBank, tuning: Tuning) -> list[str]:
    """One line for rings that are too warm, one for those whose heater is too weak."""
    margin = margin_of(bank, tuning)
    hot = ~tuning.held & (tuning.shift_nm < tuning.given_nm)
    found = []
    for lost, what in ((hot, "warmer than their channels"), (~tuning.held & ~hot, "beyond their heaters")):
        numbers = np.flatnonzero(lost)
        if numbers.size:
            worst = int(numbers[np.argmin(margin[numbers])])
            names = ", ".join(bank.facts[int(number)].instance for number in numbers[:SHOWN])
            more = f" and {numbers.size - SHOWN} more" if numbers.size > SHOWN else ""
            found.append(
                f"{numbers.size} rings are {what} ({names}{more}), by up to {-margin[worst]:.3g} mW with a "
                f"heater limit of {bank.max_mW:g} mW"
            )
    return found
