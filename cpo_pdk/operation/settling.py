"""One load: temperature, channels, heaters and watts, one after the other until none of them changes any more.

Each round holds the rings at the temperatures that are known, writes all watts down, and asks the heat for the
temperatures that follow. The next guess is a Newton step: what the heaters of each engine give back when the rings
change by a kelvin is known exactly while channels stay, so a handful of rounds does. Where channels alternate, because
a ring is just about too warm for its own, such rings are asked for some power more than nothing, which decides it.

More than one answer may hold at a load: rings that have moved on by a channel take more power, and that keeps the
engine as warm as made them move on. `settle_lowest` begins from several temperatures and takes for every engine the
answer that holds most rings, of these the one with the least heater power. A package that comes from another load may
stay at one of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.results import TrimmerFacts
from cpo_pdk.energy.results import Ledger
from cpo_pdk.operation.ring_bank import RingBank
from cpo_pdk.operation.sensitivity import HeatOfHeaters, followed, watts_per_K
from cpo_pdk.operation.tuning import Tuning, tune

Real = NDArray[np.float64]

#: change of any ring from one round to the next at which it has settled, K
SETTLED_K = 1e-3
#: what the beginnings are warmer by than with all heaters off, K: heaters of dense engines add about as much
BEGINNINGS_K = (0.0, 2.0, 4.0, 6.0, 8.0)
#: rounds at most, rounds after which alternating rings are asked for more, and in which they keep what they have
ROUNDS, RESTLESS_ROUNDS, FROZEN_ROUNDS = 60, 8, 40
#: what alternating rings are asked for more each time, mW
MORE_MW = 0.25


@dataclass(frozen=True)
class Settled:
    """What holds at one load.

    Attributes:
        tuning: of the rings.
        ring_C: temperature of each without its own heater's warming nearby, shape (R,).
        engine_C: of each engine.
        trim_mW: interferometer -> heater power.
        ledger: all watts.
        rounds: that it took.
        residual_K: last change of any ring, or engine.
        converged: whether it settled; `reason` why not.
    """

    tuning: Tuning
    ring_C: Real
    engine_C: Mapping[str, float]
    trim_mW: Mapping[str, float]
    ledger: Ledger
    rounds: int
    residual_K: float
    converged: bool
    reason: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What the rings stand in.

    Attributes:
        bank: the rings.
        trimmers: heaters of interferometers.
        heaters: warming of the rings by heaters, for the Newton step.
        heat: watts by place -> temperature of each ring, shape (R,), and of each engine.
        keep_mW: power that heaters are to have left where channels allow it.
    """

    bank: RingBank
    trimmers: tuple[TrimmerFacts, ...]
    heaters: HeatOfHeaters
    heat: Callable[[Mapping[str, float]], tuple[Real, Mapping[str, float]]]
    keep_mW: float = 0.0


def trim_power_mW(trimmer: TrimmerFacts, engine_C: float, reference_C: float) -> float:
    """Power that holds an interferometer at its working point: less by what the warmer arms have turned already.

    A full turn more or less is the same point, so that it is the least power from 0 up: a heater that had nothing to do
    at the temperature that its interferometer is drawn for takes close to a full turn a little above it.

    Args:
        trimmer: the heater.
        engine_C: temperature of the engine.
        reference_C: temperature at which it takes `trimmer.mW`.
    """
    if trimmer.mW_per_K == 0.0 or trimmer.period_mW <= 0.0:
        return trimmer.mW
    return (trimmer.mW + trimmer.mW_per_K * (engine_C - reference_C)) % trimmer.period_mW


def settle(
    around: Surroundings,
    write: Callable[[Mapping[str, float]], Ledger],
    ring_C: Real,
    engine_C: Mapping[str, float],
    before: Tuning | None = None,
) -> Settled:
    """Run the loop at one load.

    Args:
        around: rings and heat.
        write: heater power by path of the instance, mW -> all watts.
        ring_C, engine_C: where to begin.
        before: tuning to begin with.
    """
    bank = around.bank
    paths = [fact.instance for fact in bank.facts]
    asked = np.full(len(bank), around.keep_mW)
    tuning, found, last = before, None, None
    for number in range(1, ROUNDS + 1):
        frozen = number > FROZEN_ROUNDS
        tuning = tune(bank, ring_C, before=tuning, keep_mW=asked, frozen=frozen) if paths else _NOTHING
        moved = _moved(last, tuning)
        if number > RESTLESS_ROUNDS and not frozen:
            asked[moved] += MORE_MW
        trims = {t.instance: trim_power_mW(t, engine_C[t.engine], bank.reference_C) for t in around.trimmers}
        ledger = write({**dict(zip(paths, tuning.power_mW.tolist(), strict=True)), **trims})
        new_C, new_engine_C = around.heat(ledger.by_place())
        change = new_C - ring_C
        apart = [abs(new_engine_C[name] - engine_C.get(name, np.inf)) for name in new_engine_C]
        residual = float(max(np.abs(change).max(initial=0.0), max(apart, default=0.0)))
        done = residual < SETTLED_K and tuning.settled and not moved.any()
        reason = "" if done else _reason(residual, tuning, int(moved.sum()), number)
        found = Settled(tuning, ring_C, engine_C, trims, ledger, number, residual, done, reason)
        if done:
            return found
        step = followed(change, around.heaters, watts_per_K(bank, tuning)) if paths else change
        ring_C, engine_C, last = ring_C + step, new_engine_C, tuning
    assert found is not None
    return found


_NO_CHANNEL, _NO_POWER = np.zeros(0, np.int64), np.zeros(0)
#: of a package without rings
_NOTHING = Tuning(_NO_CHANNEL, _NO_CHANNEL, _NO_POWER, _NO_POWER, _NO_POWER, np.zeros(0, bool), True)


def settle_lowest(
    around: Surroundings,
    write: Callable[[Mapping[str, float]], Ledger],
    ring_C: Real,
    engine_C: Mapping[str, float],
) -> Settled:
    """The answer with most rings held and least heater power; arguments as `settle`, temperatures with heaters off."""
    beginnings = BEGINNINGS_K if ring_C.size else BEGINNINGS_K[:1]
    found = [settle(around, write, ring_C + warmer, engine_C) for warmer in beginnings]
    if all(np.array_equal(other.tuning.channel, found[0].tuning.channel) for other in found[1:]):
        return found[0]
    bank = around.bank
    ranks = []
    for answer in found:
        lost = np.bincount(bank.engine, ~answer.tuning.held, len(bank.engines))
        ranks.append(lost * 1e6 + np.bincount(bank.engine, answer.tuning.power_mW, len(bank.engines)))
    best = np.argmin(np.round(ranks, 3), axis=0)[bank.engine]

    def picked(values: Callable[[Settled], NDArray[Any]]) -> NDArray[Any]:
        return np.choose(best, [values(answer) for answer in found])

    tunings = {
        name: picked(lambda answer, name=name: getattr(answer.tuning, name))
        for name in ("channel", "order", "power_mW", "shift_nm", "given_nm", "held")
    }
    mixed = settle(around, write, picked(lambda a: a.ring_C), found[0].engine_C, Tuning(**tunings, settled=True))
    found.append(mixed)
    rounds = sum(answer.rounds for answer in found)
    least = min(found, key=lambda a: (not a.converged, int((~a.tuning.held).sum()), a.tuning.power_mW.sum()))
    return replace(least, rounds=rounds)


def _moved(last: Tuning | None, tuning: Tuning) -> NDArray[np.bool_]:
    """Rings that have left their channel or resonance since the round before."""
    if last is None:
        return np.zeros(tuning.channel.size, bool)
    return (last.channel != tuning.channel) | (last.order != tuning.order)


def _reason(residual_K: float, tuning: Tuning, moved: int, rounds: int) -> str:
    lost = int((~tuning.held).sum())
    text = f"rings still change by {residual_K:.3g} K after {rounds} rounds"
    if moved or not tuning.settled:
        text += f"; {max(moved, 1)} of them leave their channel and come back"
    if lost:
        text += f"; {lost} heaters are at a limit"
    return text
