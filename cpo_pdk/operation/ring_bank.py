"""All rings of a package as arrays: resonances, targets, heaters, and what an engine's heaters do to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.results import RingFacts
from cpo_pdk.operation.assignment import Seats

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

Fraction = Callable[[Real], Real]
"""Distance between two rings, um, to the warming of one by the other's heater over that of the other itself."""


@dataclass(frozen=True)
class Block:
    """Rings of one engine: their numbers, and red shift of each (row) by the heater of each (column), nm/mW."""

    engine: str
    rings: Whole
    shift_nm_mW: Real

    @cached_property
    def inverse(self) -> Real:
        """Heater powers for shifts where all heaters are free, mW/nm."""
        return np.linalg.inv(self.shift_nm_mW)

    def powers(self, free: Whole, shift_nm: Real) -> Real:
        """Powers of some heaters alone, by their places in the block, that give shifts of their rings, mW."""
        if free.size == self.rings.size:
            return self.inverse @ shift_nm
        return np.linalg.solve(self.shift_nm_mW[np.ix_(free, free)], shift_nm)

    def weights(self, free: Whole) -> Real:
        """Sum of the powers of some heaters for a unit shift of each of their rings alone, mW/nm."""
        if free.size == self.rings.size:
            return self.inverse.sum(axis=0)
        return np.linalg.solve(self.shift_nm_mW[np.ix_(free, free)].T, np.ones(free.size))


@dataclass(frozen=True)
class RingBank:
    """Rings in the order of the simulation.

    Attributes:
        facts: of each, length R.
        resonances_nm: cold, shape (R, K), not a number where there are fewer.
        targets_nm: where a ring's resonance has to be for each channel, shape (R, C).
        nm_per_K, heater_nm_mW: shape (R,).
        engine: number of the engine of each ring, in `engines`; shape (R,).
        engines: names.
        blocks: by engine.
        seats: what is assigned together.
        reference_C: temperature of the cold resonances.
        max_mW: limit of a heater.
    """

    facts: tuple[RingFacts, ...]
    resonances_nm: Real
    targets_nm: Real
    nm_per_K: Real
    heater_nm_mW: Real
    engine: Whole
    engines: tuple[str, ...]
    blocks: tuple[Block, ...]
    seats: tuple[Seats, ...]
    reference_C: float
    max_mW: float

    def __len__(self) -> int:
        return len(self.facts)

    def rebiased(self, extra_nm: float) -> RingBank:
        """The rings drawn further below their channels by so much, nm."""
        return replace(self, resonances_nm=self.resonances_nm - extra_nm)

    def limited(self, max_mW: float) -> RingBank:
        """The rings with another limit of their heaters."""
        return replace(self, max_mW=max_mW)

    def of_engines(self, names: Sequence[str]) -> RingBank:
        """The rings of some engines alone."""
        kept = np.array([fact.engine in names for fact in self.facts], dtype=bool)
        number = np.cumsum(kept) - 1
        engines = tuple(name for name in self.engines if name in names)
        return replace(
            self,
            facts=tuple(fact for fact, keep in zip(self.facts, kept, strict=True) if keep),
            resonances_nm=self.resonances_nm[kept],
            targets_nm=self.targets_nm[kept],
            nm_per_K=self.nm_per_K[kept],
            heater_nm_mW=self.heater_nm_mW[kept],
            engine=np.array([engines.index(f.engine) for f, k in zip(self.facts, kept, strict=True) if k], np.int64),
            engines=engines,
            blocks=tuple(replace(b, rings=number[b.rings]) for b in self.blocks if b.engine in names),
            seats=tuple(replace(s, rings=number[s.rings]) for s in self.seats if kept[s.rings[0, 0]]),
        )


def bank_of(
    facts: Sequence[RingFacts], fractions: Mapping[str, Fraction], reference_C: float, max_mW: float
) -> RingBank:
    """Lay the rings out as arrays.

    Args:
        facts: of all rings.
        fractions: sheet of a ring -> how its heater warms others.
        reference_C: temperature of the resonances.
        max_mW: limit of a heater.
    """
    count = len(facts)
    most = max((len(fact.resonances_um) for fact in facts), default=0)
    channels = max((len(fact.channels_um) for fact in facts), default=0)
    resonances = np.full((count, most), np.nan)
    targets = np.full((count, channels), np.nan)
    for row, fact in enumerate(facts):
        resonances[row, : len(fact.resonances_um)] = np.asarray(fact.resonances_um) * 1e3
        targets[row, : len(fact.channels_um)] = np.asarray(fact.channels_um) * 1e3 - fact.working_nm
    engines = tuple(dict.fromkeys(fact.engine for fact in facts))
    place = {name: number for number, name in enumerate(engines)}
    engine = np.array([place[fact.engine] for fact in facts], dtype=np.int64)
    return RingBank(
        facts=tuple(facts),
        resonances_nm=resonances,
        targets_nm=targets,
        nm_per_K=np.array([fact.nm_per_K for fact in facts], dtype=np.float64),
        heater_nm_mW=np.array([fact.heater_nm_mW for fact in facts], dtype=np.float64),
        engine=engine,
        engines=engines,
        blocks=tuple(_block(name, np.flatnonzero(engine == n), facts, fractions) for name, n in place.items()),
        seats=tuple(_seats(facts)),
        reference_C=reference_C,
        max_mW=max_mW,
    )


def _block(name: str, rings: Whole, facts: Sequence[RingFacts], fractions: Mapping[str, Fraction]) -> Block:
    """What each heater of an engine does to each of its rings.

    A heater of h nm/mW warms its own ring by h over the ring's nm/K; another ring gets `fraction` of that warming, and
    turns it into a shift with its own nm/K.
    """
    own = [facts[int(r)] for r in rings]
    at = np.array([[fact.x, fact.y] for fact in own])
    distance = np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1))
    drift = np.array([fact.nm_per_K for fact in own])
    warming = np.array([fact.heater_nm_mW for fact in own]) / drift
    share = np.zeros_like(distance)
    sheets = np.array([fact.sheet for fact in own])
    for sheet in dict.fromkeys(sheets.tolist()):
        columns = np.flatnonzero(sheets == sheet)
        share[:, columns] = fractions[sheet](distance[:, columns])
    np.fill_diagonal(share, 1.0)
    return Block(name, rings, drift[:, None] * share * warming[None, :])


def _seats(facts: Sequence[RingFacts]) -> list[Seats]:
    """Ports and, of each, the rings that share a channel."""
    ports: dict[tuple[str, str, int], dict[str, list[int]]] = {}
    for number, fact in enumerate(facts):
        key = fact.engine, fact.direction, fact.port
        ports.setdefault(key, {}).setdefault(fact.detector or fact.instance, []).append(number)
    found: list[Seats] = []
    for (engine, direction, port), rows in ports.items():
        wide = max(len(row) for row in rows.values())
        rings = np.array([row + row[:1] * (wide - len(row)) for row in rows.values()], dtype=np.int64)
        found.append(Seats(rings, f"{engine}/{direction}_{port}"))
    return found
