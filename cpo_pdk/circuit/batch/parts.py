"""What an engine batch is made of: its devices, rings and lanes by name, its plans with the rows that they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.results import Direction
from cpo_pdk.circuit.solver import Complex, Plan

Real = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class BatchDevice:
    """A device on the way of the light: path within the engine, drawn cell and its function, model and sheet, middle of
    its silicon in engine coordinates (um), number of its place among `EngineBatch.sites_um`.
    """

    path: str
    cell: str
    function: str
    model: str
    sheet: str
    x_um: float
    y_um: float
    site: int


@dataclass(frozen=True)
class BatchRing:
    """A ring on a bus.

    Attributes:
        path: within the engine.
        direction, port, mode: of its bus, as `RingFacts`.
        channel: that it serves as drawn, from 0.
        working_nm: laser less resonance that it is held at.
        heater_nm_mW, nm_per_K: of its heater, of temperature.
        detector: that it drops into, empty for a modulator.
        sheet: name.
        x_um, y_um: middle, in engine coordinates.
        site: number of its place.
        line: number of the set of laser lines that pass it: laser ports first, then receive ports.
        tuning_nm: red shift that takes it to its channel as drawn.
    """

    path: str
    direction: Direction
    port: int
    mode: str
    channel: int
    working_nm: float
    heater_nm_mW: float
    nm_per_K: float
    detector: str
    sheet: str
    x_um: float
    y_um: float
    site: int
    line: int
    tuning_nm: float


@dataclass(frozen=True)
class LaneKey:
    """Names of a lane within the engine; `channel` from 1, `laser` of a transmit lane, `ring` as drawn."""

    direction: Direction
    port: int
    channel: int
    laser: int = 0
    ring: str = ""
    detector: str = ""


@dataclass(frozen=True)
class TransmitPort:
    """Lanes of a transmit port.

    Attributes:
        port: its number.
        result: row of the light from the laser among the results, -1 for none.
        lanes: numbers of its lanes, by channel.
        rings: numbers of its rings by turn; empty where its modulators are none.
        place: turn of the modulator of each channel, where they are no rings.
        turns: number of its modulators.
    """

    port: int
    result: int
    lanes: Whole
    rings: Whole
    place: Whole
    turns: int


@dataclass(frozen=True)
class TransmitPart:
    """The plans of a laser port, see `sections.TransmitSection`.

    Attributes:
        rest, whole: plans.
        rest_values, which: set of values of `rest`, and the row of each of its loads.
        turns: number of levels to solve besides level one.
        taken, at: result of `rest` that a load of `whole` is, and the number of that load.
        one_values, zero_values: sets of values of the modulators at either level.
        rows, zero_rows: row of a modulator's element in either of them.
        into, turn: the load that it is, and the turn of the modulator.
        ports: transmit ports.
    """

    rest: Plan
    whole: Plan
    rest_values: int
    which: Whole
    turns: int
    taken: Whole
    at: Whole
    one_values: int
    zero_values: int
    rows: Whole
    zero_rows: Whole
    into: Whole
    turn: Whole
    ports: tuple[TransmitPort, ...]

    def powers(self, values: Sequence[Complex]) -> Iterator[tuple[TransmitPort, Real, Real]]:
        """Power at every port, all modulators at level one, shape (S, C), then with one at level zero, (S, M, C).

        Args:
            values: sets of values, each of shape (rows, S, C).
        """
        given = values[self.rest_values]
        samples, count = values[self.one_values].shape[1:]
        passed = self.rest.solve_rows(given.reshape(len(given), -1), self.which)
        one, zero = (values[number].reshape(len(values[number]), -1) for number in (self.one_values, self.zero_values))
        rows = np.concatenate([passed, one, zero])
        which = np.empty(len(self.whole.program.loads), np.int64)
        which[self.at] = self.taken
        power = np.empty((len(self.whole.pairs), self.turns + 1, samples, count))
        for level in range(self.turns + 1):
            off = self.turn == level - 1
            which[self.into] = len(passed) + np.where(off, len(one) + self.zero_rows, self.rows)
            found = self.whole.solve_rows(rows, which)
            power[:, level] = (found.real**2 + found.imag**2).reshape(-1, samples, count)
        for port in self.ports:
            if port.result < 0:
                yield port, np.zeros((samples, count)), np.zeros((samples, port.turns, count))
            else:
                levels = power[port.result]
                yield port, levels[0], levels[1 : 1 + port.turns].transpose(1, 0, 2)


@dataclass(frozen=True)
class ReceivePart:
    """The plan of a receive port, see `sections.ReceiveSection`.

    Attributes:
        plan: from the port to its detectors.
        values, which: set of values, and the row of each load.
        results: rows of the results that add up to the power in a detector: (polarisation, detector, row).
        modes, detectors: how many of each.
        lanes: numbers of its lanes, by channel.
        rings: numbers of the rings of its first polarisation; empty where it has none.
        behind: detector behind each of them, then -1 for no ring.
        place: detector of each channel, where there are no rings.
    """

    plan: Plan
    values: int
    which: Whole
    results: tuple[tuple[int, int, int], ...]
    modes: int
    detectors: int
    lanes: Whole
    rings: Whole
    behind: Whole
    place: Whole

    def powers(self, values: Sequence[Complex]) -> Real:
        """Power of every channel in every detector, by polarisation, shape (P, S, D, C)."""
        given = values[self.values]
        samples, count = given.shape[1:]
        found = self.plan.solve_rows(given.reshape(len(given), -1), self.which)
        power = (found.real**2 + found.imag**2).reshape(-1, samples, count)
        out = np.zeros((self.modes, samples, self.detectors, count))
        for mode, detector, row in self.results:
            out[mode, :, detector] += power[row]
        return out
