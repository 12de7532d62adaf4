"""All rings of a package as arrays: resonances, targets, heaters, and what an engine's heaters do to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, coo_array, csr_array

from cpo_pdk.circuit.results import RingFacts
from cpo_pdk.operation.assignment import Seats

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

Fraction = Callable[[Real], Real]
"""Distance between two rings, um, to the warming of one by the other's heater over that of the other itself."""


#: a heater this close to what is asked of it is there, mW
CLOSE_MW = 1e-10
#: rounds in which heaters of neighbours are found; each is closer by about what all neighbours give together (0.2)
ROUNDS = 400


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
        coupling: red shift of each ring (row) by the heater of each other one (column) over that by its own, shape
            (R, R); 0 between engines.
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
    coupling: csr_array
    seats: tuple[Seats, ...]
    reference_C: float
    max_mW: float

    def __len__(self) -> int:
        return len(self.facts)

    def powers(self, wanted_nm: Real, free: NDArray[np.bool_], most_mW: float, least_mW: float = 0.0) -> Real:
        """Heater powers between two limits that give red shifts, neighbours counted, mW, shape (R,).

        A heater that would have to be beyond a limit stays at it (a projected Jacobi iteration, which converges as the
        neighbours' share is well below 1).

        Args:
            wanted_nm: shape (R,).
            free: which heaters are on at all, shape (R,).
            most_mW, least_mW: limits.
        """
        alone = np.where(free, wanted_nm / self.heater_nm_mW, 0.0)
        return self._settled(self.coupling, alone, free, most_mW, least_mW)

    def sums(self, free: NDArray[np.bool_]) -> Real:
        """What the heaters of an engine take together for a unit shift of each ring alone, mW/nm, shape (R,)."""
        # ones^T (D (1 + F))^-1 with D the own heaters: z = (1 + F)^-T ones, then over D
        ones = np.where(free, 1.0, 0.0)
        return self._settled(self.coupling.T.tocsr(), ones, free, np.inf, -np.inf) / self.heater_nm_mW

    def _settled(self, coupling: csr_array, alone: Real, free: NDArray[np.bool_], most: float, least: float) -> Real:
        power = np.clip(alone, least, most)
        for _ in range(ROUNDS):
            before = power
            power = np.where(free, np.clip(alone - coupling @ power, least, most), 0.0)
            if np.abs(power - before).max(initial=0.0) < CLOSE_MW:
                break
        return power

    def shifts(self, power_mW: Real) -> Real:
        """Red shift that heaters give, neighbours counted, nm, shape (R,)."""
        return self.heater_nm_mW * (power_mW + self.coupling @ power_mW)

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
            coupling=csr_array(self.coupling[kept][:, kept]),
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
        coupling=_coupling(engine, facts, fractions),
        seats=tuple(_seats(facts)),
        reference_C=reference_C,
        max_mW=max_mW,
    )


def _coupling(engine: Whole, facts: Sequence[RingFacts], fractions: Mapping[str, Fraction]) -> csr_array:
    """What each heater does to each other ring of its engine, over what that ring's own does.

    A heater of h nm/mW warms its own ring by h over the ring's nm/K; another ring gets `fraction` of that warming, and
    turns it into a shift with its own nm/K.
    """
    blocks = []
    for number in range(int(engine.max(initial=-1)) + 1):
        own = [facts[int(ring)] for ring in np.flatnonzero(engine == number)]
        at = np.array([[fact.x, fact.y] for fact in own])
        distance = np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1))
        warming = np.array([fact.heater_nm_mW / fact.nm_per_K for fact in own])
        share = np.zeros_like(distance)
        sheets = np.array([fact.sheet for fact in own])
        for sheet in dict.fromkeys(sheets.tolist()):
            columns = np.flatnonzero(sheets == sheet)
            share[:, columns] = fractions[sheet](distance[:, columns])
        np.fill_diagonal(share, 0.0)
        blocks.append(coo_array(share * warming[None, :] / warming[:, None]))
    if not blocks:
        return csr_array((0, 0))
    place = np.argsort(np.argsort(engine, kind="stable"))
    return csr_array(csr_array(block_diag(blocks))[place][:, place])


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
