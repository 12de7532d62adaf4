"""How far the package may go from a state until a ring is lost, and what would hold those that are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.operation.results import Unlock
from cpo_pdk.operation.ring_bank import RingBank
from cpo_pdk.operation.sensitivity import HeatOfHeaters, followed, power_per_rise, watts_per_K
from cpo_pdk.operation.tuning import Tuning, tune

Real = NDArray[np.float64]

#: steps of `engine.heater_bias_nm` that are tried, and its limit in a spec, nm
BIAS_STEP_NM, BIAS_MOST_NM = 0.1, 10.0
#: engines that a cure is looked for with: those of the hottest and the coolest rings
CURE_ENGINES = 4
#: values of the bias that are tried to the end
TRIED = 6


def unlocks(
    state: str,
    asic_W: float,
    rated_W: float,
    bank: RingBank,
    tuning: Tuning,
    asic_K_W: Real,
    heaters: HeatOfHeaters,
) -> tuple[Unlock, Unlock]:
    """The smallest load steps upwards and downwards that a ring can't follow with the channel that it has.

    The heaters follow, and what they take less or more counts in the heat; both are linear while no heater is at an
    end, and the first that reaches one is what is looked for.

    Args:
        state: its name.
        asic_W: power of the ASIC in it.
        rated_W: `asic.power_W`.
        bank, tuning: the rings, on their channels.
        asic_K_W: warming of each ring by the ASIC, K/W, shape (R,).
        heaters: warming by heaters.
    """
    if not tuning.held.all():
        lost = int(np.argmin(tuning.held))
        why = f"not held at {asic_W:.5g} W: " + _end(tuning.shift_nm[lost] > tuning.given_nm[lost])
        unlock = Unlock(state, asic_W, bank.facts[lost].instance, why)
        return unlock, unlock
    rise = followed(asic_K_W, heaters, watts_per_K(bank, tuning))
    slope = power_per_rise(bank, tuning, rise)
    return _first(state, asic_W, 1.5 * rated_W, 1, bank, tuning, slope), _first(
        state, asic_W, 0.0, -1, bank, tuning, slope
    )


def _first(state: str, asic_W: float, last_W: float, sign: int, bank: RingBank, tuning: Tuning, slope: Real) -> Unlock:
    """The first ring whose heater reaches an end on the way to `last_W`; slope in mW per W of the ASIC."""
    change = sign * slope
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(change < 0, tuning.power_mW / -change, (bank.max_mW - tuning.power_mW) / change)
    room = np.where(change == 0, np.inf, room)
    ring = int(np.argmin(room))
    reached = asic_W + sign * float(room[ring])
    if (last_W - reached) * sign < 0 or not np.isfinite(reached):
        return Unlock(state, None, "", f"all rings follow to {last_W:.5g} W")
    return Unlock(state, reached, bank.facts[ring].instance, _end(bool(change[ring] > 0)))


def _end(limit: bool) -> str:
    return "heater at its limit" if limit else "heater off: the ring is too warm"


def lost_on_the_way(steps: Sequence[tuple[str, Unlock, Unlock]], least_W: float, most_W: float) -> str:
    """What to say where no state's channels can be kept from the least to the most load; empty where some can.

    Args:
        steps: name of each state, its load step upwards, and downwards.
        least_W, most_W: of the ASIC, over all states.
    """
    reach = []
    for name, up, down in steps:
        top = most_W if up.asic_W is None else min(up.asic_W, most_W)
        bottom = least_W if down.asic_W is None else max(down.asic_W, least_W)
        if top >= most_W and bottom <= least_W:
            return ""
        reach.append(f"those of {name} hold from {bottom:.4g} to {top:.4g} W")
    if not reach:
        return ""
    return (
        f"no channels can be kept from {least_W:.4g} to {most_W:.4g} W: {', '.join(reach)}; links go down when rings "
        "move on, unless they are cooled better or have stronger heaters (engine.heater_max_mW)"
    )


def margin_of(bank: RingBank, tuning: Tuning) -> Real:
    """Power that each heater has left to the nearer end, mW; negative by what a ring that is not held lacks."""
    lacking = np.abs(tuning.shift_nm - tuning.given_nm) / bank.heater_nm_mW
    left = np.minimum(tuning.power_mW, bank.max_mW - tuning.power_mW)
    return np.where(tuning.held, left, -lacking)


def worst_engines(bank: RingBank, temperatures: Sequence[Real]) -> tuple[str, ...]:
    """Engines with the hottest and the coolest ring of any state."""
    picked: list[int] = []
    for ring_C in temperatures:
        order = np.argsort(ring_C)
        picked += [int(order[0]), int(order[-1])]
    names = dict.fromkeys(bank.facts[number].engine for number in picked)
    return tuple(names)[:CURE_ENGINES]


def cure_of(
    bank: RingBank,
    temperatures: Sequence[Real],
    bias_nm: float,
    keep_mW: float = 0.0,
    settles: Callable[[RingBank], bool] = lambda _bank: True,
    most_nm: float = BIAS_MOST_NM,
) -> str:
    """What in the spec would hold all rings at the temperatures of all states; empty where nothing is found.

    Every state may have channels of its own. What holds at the temperatures as they are is tried, least heater power
    first, and `settles` has the last word.

    Args:
        bank: the rings as drawn.
        temperatures: of each state, C, shape (R,) each.
        bias_nm: `engine.heater_bias_nm` that they were drawn with.
        keep_mW: power that is to be left at either end.
        settles: whether all rings hold once heaters and heat have settled.
        most_nm: largest bias that a spec may ask for.
    """
    names = worst_engines(bank, temperatures)
    kept = np.array([fact.engine in names for fact in bank.facts], dtype=bool)
    few, heat = bank.of_engines(names), [ring_C[kept] for ring_C in temperatures]

    def holds(rings: RingBank) -> float | None:
        """Sum of the heaters' power where all rings hold in all states."""
        total = 0.0
        for ring_C in heat:
            tuning = tune(rings, ring_C, keep_mW=keep_mW)
            if not tuning.held.all() or np.any(margin_of(rings, tuning) < keep_mW):
                return None
            total += float(tuning.power_mW.sum())
        return total

    steps = np.arange(0.0, most_nm + 1e-9, BIAS_STEP_NM)
    found = [(total, bias) for bias in steps if (total := holds(few.rebiased(float(bias) - bias_nm))) is not None]
    for _, bias in sorted(found)[:TRIED]:
        if settles(bank.rebiased(float(bias) - bias_nm)):
            return f"engine.heater_bias_nm {bias:.1f} would hold all rings"
    low, high = bank.max_mW, 500.0
    if holds(few.limited(high)) is None:
        return ""
    while high - low > 1.0:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(few.limited(middle)) is not None else (middle, high)
    if not settles(bank.limited(float(np.ceil(high)))):
        return ""
    return f"engine.heater_max_mW {np.ceil(high):.0f} would hold all rings"


def largest_bias_nm(bank: RingBank) -> float:
    """Below the distance of two channels, beyond which a ring would be one of the channel below."""
    spacing = [1e3 * float(np.diff(np.sort(f.channels_um)).min()) for f in bank.facts[:1] if len(f.channels_um) > 1]
    return min([BIAS_MOST_NM, *(nm - BIAS_STEP_NM / 2 for nm in spacing)])
