"""Rings of one engine on their channels in many samples at once: the decisions of `tuning.tune`, as arrays.

Method
    As `tune`: the red shift that takes each ring to each line from the resonance next below, what that weighs in heater
    power (`assignment.costs`), the assignment of each bus that holds most rings with the least power, then the heaters
    of the whole engine with what they do to each other; once more with that, until channels stay. A bus whose rings
    each want another line is assigned by that alone, which no other assignment can beat; all others go through the same
    solver as in `assignment.assign`.

    Where channels alternate, as a ring is just about too warm for its own and just about not, such rings are asked for
    some power more than nothing, as `settling.settle` asks them: that decides it. Of what was tried on the way, the
    channels that hold most rings are kept, of these the ones with the least power.

    Heaters are solved for as red shifts of their own rings, u: `u + N u = wanted` with what a shift of one ring by its
    heater gives another (`neighbours`). That ratio does not change when a heater is stronger or weaker than drawn: its
    own ring and the others get more, or less, alike. So one inverse serves all samples; where a heater would have to be
    beyond an end, the projected Jacobi iteration of `RingBank` goes on from there. Its answer is the only one, as all
    neighbours together give well below one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from cpo_pdk.errors import ParameterError
from cpo_pdk.operation.assignment import NEAR_LIMIT_MW, NOT_HELD_MW, STAY_MW, costs
from cpo_pdk.operation.ring_bank import CLOSE_MW, RingBank
from cpo_pdk.operation.ring_bank import ROUNDS as HEATER_ROUNDS
from cpo_pdk.operation.tuning import HOLDS_MW, ROUNDS

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

#: samples that are looked at together: what they need stays in the cache of a processor
BLOCK = 256
#: rounds in which alternating rings are asked for more power, by so much each time, mW
PATIENCE, MORE_MW = 24, 0.25
#: who may change its channel: rings take what is cheapest to reach, or keep the one that they are drawn for
POLICIES = ("wrap", "fixed")


@dataclass(frozen=True)
class ManyBank:
    """Rings of one engine as drawn, as arrays; can be pickled.

    Attributes:
        names: paths from the top cell, length R.
        channel: that each serves as drawn, from 0, shape (R,).
        resonances_nm: cold, shape (R, K), not a number where there are fewer.
        targets_nm: where a ring's resonance has to be for each channel, shape (R, C).
        nm_per_K, heater_nm_mW: shape (R,).
        neighbours: red shift of each ring (row) for one nm that the heater of another (column) gives its own, (R, R).
        inverse: of one plus `neighbours`, shape (R, R).
        seats: of each bus, shape (rows, width): numbers of the rings of a row, which share a channel.
        max_mW: limit of a heater.
        reference_C: temperature of the cold resonances.
        counted_nm: red shift by the heat of heaters that `neighbours` has and the temperatures that are given have too,
            shape (R,); see `warmed`.
    """

    names: tuple[str, ...]
    channel: Whole
    resonances_nm: Real
    targets_nm: Real
    nm_per_K: Real
    heater_nm_mW: Real
    neighbours: Real
    inverse: Real
    seats: tuple[Whole, ...]
    max_mW: float
    reference_C: float
    counted_nm: Real

    def __len__(self) -> int:
        return len(self.names)

    @staticmethod
    def of(bank: RingBank, engine: str) -> ManyBank:
        """The rings of one engine of a package.

        Args:
            bank: of the package.
            engine: its name.

        Raises:
            ParameterError: no ring lies on that engine.
        """
        own = bank.of_engines([engine])
        if not own.facts:
            known = ", ".join(bank.engines) or "none"
            raise ParameterError(f'no rings on engine "{engine}"; engines with rings: {known}')
        heater = own.heater_nm_mW
        neighbours = np.asarray(own.coupling.toarray(), np.float64) * heater[:, None] / heater[None, :]
        return ManyBank(
            names=tuple(fact.instance for fact in own.facts),
            channel=np.array([fact.channel for fact in own.facts], np.int64),
            resonances_nm=own.resonances_nm,
            targets_nm=own.targets_nm,
            nm_per_K=own.nm_per_K,
            heater_nm_mW=heater,
            neighbours=neighbours,
            inverse=np.linalg.inv(np.eye(len(own)) + neighbours),
            seats=tuple(seat.rings for seat in own.seats),
            max_mW=own.max_mW,
            reference_C=own.reference_C,
            counted_nm=np.zeros(len(own)),
        )

    def warmed(self, K_W: ArrayLike, counted_mW: float) -> ManyBank:
        """The same rings, with the heat of all heaters of the engine beyond that of near ones.

        Heaters that take more than nominally warm the whole engine, so that each has to give less. A heater of another
        strength than drawn counts with what its own ring gets of it.

        Args:
            K_W: warming of every ring by the heaters of the engine, see `sensitivity.heat_of_heaters`, shape (R,).
            counted_mW: power of all of them that the temperatures are for, which `drift_nm` comes from.
        """
        shift_nm_mW = 1e-3 * self.nm_per_K * np.broadcast_to(np.asarray(K_W, np.float64), self.nm_per_K.shape)
        neighbours = self.neighbours + shift_nm_mW[:, None] / self.heater_nm_mW[None, :]
        inverse = np.linalg.inv(np.eye(len(self)) + neighbours)
        return replace(self, neighbours=neighbours, inverse=inverse, counted_nm=shift_nm_mW * counted_mW)


@dataclass(frozen=True)
class Locked:
    """Rings on their channels, S samples.

    Attributes:
        channel: from 0, shape (S, R); -1 for a ring that is left without a line.
        order: number of the resonance that each is held with, shape (S, R).
        tuning_nm: red shift that heaters give, neighbours counted, and their heat beyond what was counted (`warmed`):
            resonance, drift and this add up to the target where a ring is held, shape (S, R).
        wanted_nm: red shift that they are to give, likewise, shape (S, R); not a number for a ring on a dark line.
        power_mW: of each heater, shape (S, R).
        held: shape (S, R).
        settled: whether channels and powers agree with one another, shape (S,); where not, those that hold most.
    """

    channel: Whole
    order: Whole
    tuning_nm: Real
    wanted_nm: Real
    power_mW: Real
    held: NDArray[np.bool_]
    settled: NDArray[np.bool_]

    @property
    def missed_nm(self) -> Real:
        """How far each resonance lies above its target, negative where it lies below, nm, shape (S, R)."""
        return self.tuning_nm - self.wanted_nm


def lock_many(
    bank: ManyBank,
    resonances_nm: ArrayLike,
    *,
    targets_nm: ArrayLike | None = None,
    drift_nm: ArrayLike = 0.0,
    heater_nm_mW: ArrayLike | None = None,
    max_mW: ArrayLike | None = None,
    keep_mW: ArrayLike = 0.0,
    policy: str = "wrap",
    patience: int = PATIENCE,
) -> Locked:
    """Channels and heater powers of an engine's rings in many samples.

    Args:
        bank: the rings as drawn.
        resonances_nm: of each ring with its heater off, shape (S, R, K), in any order, not a number where there are
            fewer.
        targets_nm: where a ring's resonance has to be for each line, shape (S, R, C) or (R, C); not a number for a line
            that is dark; None: as drawn.
        drift_nm: what temperature has moved those resonances, shape (S, R) or (R,) or a number.
        heater_nm_mW: red shift a power of each heater, shape (S, R); None: as drawn.
        max_mW: limit of a heater, a number or shape (S, R) or (R,); None: as drawn.
        keep_mW: power that is to be left at either end, where channels allow it; likewise.
        policy: `wrap`: rings take the lines that are cheapest to reach, as `tune`; `fixed`: those that they are drawn
            for, with whatever resonance is next below.
        patience: rounds in which rings that alternate between channels are asked for more power; 0: just as `tune`.

    Raises:
        ParameterError: shapes that don't fit the bank, a heater without effect, an unknown policy.
    """
    if policy not in POLICIES:
        raise ParameterError(f'policy is "{policy}"; {" or ".join(POLICIES)} needed')
    count = len(bank)
    found = np.asarray(resonances_nm, np.float64)
    if found.ndim != 3 or found.shape[1] != count:
        raise ParameterError(f"resonances have the shape {found.shape}; (samples, {count} rings, resonances) needed")
    samples = found.shape[0]
    aims = np.asarray(bank.targets_nm if targets_nm is None else targets_nm, np.float64)
    if aims.ndim not in (2, 3) or aims.shape[-2] != count or (aims.ndim == 3 and aims.shape[0] != samples):
        raise ParameterError(f"targets have the shape {aims.shape}; ({samples}, {count} rings, channels) needed")
    heater = _spread(bank.heater_nm_mW if heater_nm_mW is None else heater_nm_mW, samples, count, "heater_nm_mW")
    if not np.all(heater > 0):
        raise ParameterError(f"heater_nm_mW is {float(np.min(heater)):g} nm/mW; above 0 needed to hold a ring")
    given = {
        "drift": _spread(drift_nm, samples, count, "drift_nm") - bank.counted_nm,
        "most": _spread(bank.max_mW if max_mW is None else max_mW, samples, count, "max_mW"),
        "keep": _spread(keep_mW, samples, count, "keep_mW"),
    }
    parts: list[Locked] = []
    for start in range(0, samples, BLOCK):
        rows = slice(start, min(start + BLOCK, samples))
        aim = np.broadcast_to(aims, (samples, *aims.shape[-2:]))[rows]
        block = _Block(
            bank, found[rows], aim, heater[rows], *(value[rows] for value in given.values()), fixed=policy == "fixed"
        )
        parts.append(block.locked(patience))
    if not parts:
        return _nothing((0, count))
    whole = Locked(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Locked)))
    counted = bank.counted_nm
    return replace(whole, tuning_nm=whole.tuning_nm - counted, wanted_nm=whole.wanted_nm - counted)


def _spread(value: ArrayLike, samples: int, count: int, name: str) -> Real:
    """A number, (R,) or (S, R), as (S, R).

    Raises:
        ParameterError: another shape.
    """
    given = np.asarray(value, np.float64)
    if given.ndim > 2 or given.shape not in ((), (count,), (samples, count), (samples, 1)):
        raise ParameterError(f"{name} has the shape {given.shape}; a number, ({count},) or ({samples}, {count}) needed")
    return np.broadcast_to(given, (samples, count))


class _Block:
    """A block of samples; shapes as in `lock_many`."""

    def __init__(
        self,
        bank: ManyBank,
        resonances: Real,
        targets: Real,
        heater: Real,
        drift: Real,
        most: Real,
        keep: Real,
        *,
        fixed: bool,
    ) -> None:
        self.bank, self.resonances, self.targets, self.heater = bank, resonances, targets, heater
        self.drift, self.most, self.keep, self.fixed = drift, most, keep.copy(), fixed

    def locked(self, patience: int) -> Locked:
        """All samples of the block; those whose channels stay are left alone from then on."""
        shape = self.drift.shape
        now, best = _nothing(shape), _nothing(shape)
        rank = np.full(shape[0], np.inf)
        active = np.arange(shape[0])
        for turn in range(ROUNDS + patience):
            near = now.tuning_nm[active] - now.power_mW[active] * self.heater[active] if turn else self.bank.counted_nm
            taken, order = self._channels(active, near, now.channel[active] if turn else None)
            if turn:
                moved = (taken != now.channel[active]) | (order != now.order[active])
                still = moved.any(axis=1)
                active, taken, order = active[still], taken[still], order[still]
                if turn >= ROUNDS:
                    self.keep[active] += MORE_MW * moved[still]
            if not active.size:
                break
            self._hold(now, active, taken, order)
            if patience and turn >= ROUNDS - 1:
                lost = NOT_HELD_MW * (~now.held[active]).sum(axis=1) + now.power_mW[active].sum(axis=1)
                better = active[lost < rank[active]]
                rank[active] = np.minimum(lost, rank[active])
                _copy(now, best, better)
        now.settled[active] = False
        held_less = rank < NOT_HELD_MW * ((~now.held).sum(axis=1) - 0.5)
        back = np.flatnonzero(np.isfinite(rank) & (held_less | ~now.settled))
        _copy(best, now, back)
        now.settled[back] = False
        return now

    def _hold(self, now: Locked, active: Whole, channel: Whole, order: Whole) -> None:
        """Heaters for channels and resonances, shapes (A, R), written to the active samples of `now`."""
        heater = self.heater[active]
        wanted = self._wanted(active, channel, order)
        own = self._own_shifts(wanted, heater, self.most[active])
        given = own + own @ self.bank.neighbours.T
        now.channel[active], now.order[active] = channel, order
        now.wanted_nm[active], now.tuning_nm[active] = wanted, given
        now.power_mW[active] = own / heater
        now.held[active] = (np.abs(given - wanted) <= HOLDS_MW * heater + 1e-12) & (channel >= 0)

    def _channels(self, active: Whole, near: Real, before: Whole | None) -> tuple[Whole, Whole]:
        """Channel and resonance of every ring, shapes (A, R)."""
        there = self.drift[active] + near
        moved = self.resonances[active] + there[:, :, None]
        shifts, orders = _red_shifts(moved, self.targets[active])
        if self.fixed:
            taken = np.broadcast_to(self.bank.channel, there.shape).copy()
        else:
            power = shifts / self.heater[active][:, :, None]
            weights = costs(power, self.most[active][:, :, None], self.keep[active][:, :, None])  # pyright: ignore[reportArgumentType]
            if before is not None:
                rows, rings = np.nonzero(before >= 0)
                weights[rows, rings, before[rows, rings]] -= STAY_MW
            taken = np.full(there.shape, -1, np.int64)
            for seats in self._alike():
                cost = np.concatenate([weights[:, seat].sum(axis=2) for seat in seats])
                for seat, chosen in zip(seats, np.split(assign_many(cost), len(seats)), strict=True):
                    taken[:, seat] = chosen[:, :, None]
        return taken, np.take_along_axis(orders, np.maximum(taken, 0)[:, :, None], axis=2)[:, :, 0]

    def _alike(self) -> list[list[Whole]]:
        """Buses with equally many rows."""
        found: dict[int, list[Whole]] = {}
        for seat in self.bank.seats:
            found.setdefault(len(seat), []).append(seat)
        return list(found.values())

    def _wanted(self, active: Whole, channel: Whole, order: Whole) -> Real:
        """Red shift that heaters are to give, shape (A, R); 0 for a ring without a line."""
        at = np.take_along_axis(self.targets[active], np.maximum(channel, 0)[:, :, None], axis=2)[:, :, 0]
        start = np.take_along_axis(self.resonances[active], order[:, :, None], axis=2)[:, :, 0]
        return np.where(channel >= 0, at - start - self.drift[active], 0.0)

    def _own_shifts(self, wanted: Real, heater: Real, most_mW: Real) -> Real:
        """What each heater gives its own ring, nm, shape (A, R), between nothing and its limit."""
        most = most_mW * heater
        wanted = np.where(np.isfinite(wanted), wanted, 0.0)
        own = wanted @ self.bank.inverse.T
        beyond = np.flatnonzero(((own < 0) | (own > most)).any(axis=1))
        if beyond.size:
            own[beyond] = self._projected(wanted[beyond], own[beyond], heater[beyond], most[beyond])
        return own

    def _projected(self, wanted: Real, start: Real, heater: Real, most: Real) -> Real:
        found = np.clip(start, 0.0, most)
        active = np.arange(len(wanted))
        for _ in range(HEATER_ROUNDS):
            before = found[active]
            now = np.clip(wanted[active] - before @ self.bank.neighbours.T, 0.0, most[active])
            found[active] = now
            active = active[(np.abs(now - before) / heater[active]).max(axis=1) >= CLOSE_MW]
            if not active.size:
                break
        return found


def _nothing(shape: tuple[int, ...]) -> Locked:
    """Samples before anything is known of them, shape (S, R)."""
    channel, order = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    tuning, wanted, power = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    return Locked(channel, order, tuning, wanted, power, np.zeros(shape, bool), np.ones(shape[0], bool))


def _copy(source: Locked, target: Locked, rows: Whole) -> None:
    """Some samples of one to the other, but for whether they have settled."""
    for field in fields(Locked)[:-1]:
        getattr(target, field.name)[rows] = getattr(source, field.name)[rows]


def _red_shifts(resonances_nm: Real, targets_nm: Real) -> tuple[Real, Whole]:
    """As `assignment.red_shifts` with samples first: shapes (S, R, K) and (S, R, C) to (S, R, C)."""
    best = np.full(targets_nm.shape, np.inf)
    order = np.zeros(targets_nm.shape, np.int64)
    for number in range(resonances_nm.shape[2]):
        gap = targets_nm - resonances_nm[:, :, number, None]
        nearer = (gap >= 0.0) & (gap < best)
        np.copyto(best, gap, where=nearer)
        np.copyto(order, number, where=nearer)
    return best, order


def assign_many(cost: Real) -> Whole:
    """Column of every row with the least sum, shape (S, M); -1 for rows beyond the columns.

    Args:
        cost: finite, shape (S, M, C).
    """
    samples, rows, columns = cost.shape
    found = np.full((samples, rows), -1, np.int64)
    if not found.size or not columns:
        return found
    wish = np.argmin(cost, axis=2)
    least = np.take_along_axis(cost, wish[:, :, None], axis=2)
    # every row has another wish, and but one: no other assignment has that sum
    other = np.sort(wish, axis=1)
    apart = (np.diff(other, axis=1) > 0).all(axis=1)
    single = ((cost <= least).sum(axis=2) == 1).all(axis=1) & (least[:, :, 0] < NEAR_LIMIT_MW).all(axis=1)
    easy = apart & single
    found[easy] = wish[easy]
    for sample in np.flatnonzero(~easy):
        at, taken = linear_sum_assignment(cost[sample])
        found[sample, at] = taken
    return found
