"""Devices of an engine by table: all that one table computes are computed in one go, for all samples.

What the tables give is laid out at once as the plans take it: one row for every element that a plan needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.batch.device_table import table_of
from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.driving import HEATER, VOLTAGE
from cpo_pdk.circuit.signal_flow import PortPair
from cpo_pdk.circuit.solver import Complex, Plan, SDict

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

#: parameter that some tables take, so that one holds for all lengths
LENGTH = "length"
#: what a device is asked for: as it is at rest, as a modulator at level one, at level zero
Level = Literal["rest", "one", "zero"]
#: elements that differ by less than this at random deviations are the same
SAME = 1e-12
#: a table that is closer to its model than this as drawn is taken as it is, of the amplitude
ANCHORED = 1e-7
#: samples that equal elements are looked for with
PROBES = 3


@dataclass(frozen=True)
class Target:
    """Where devices of a kind go: rows of one set of values.

    Attributes:
        values: number of the set of values.
        first, last: of the devices of the kind.
        row: of the first device's first element; elements one after the other, of each the devices.
    """

    values: int
    first: int
    last: int
    row: int


@dataclass(frozen=True)
class Kind:
    """Devices with one table, at one level.

    Attributes:
        table: see `table_of`.
        level: see `Level`.
        pairs: elements that are asked for; those that are equal once.
        paths: of the devices.
        site: number of the place of each, shape (n,).
        line: number of the set of laser lines that runs through each, shape (n,).
        ring: number of the ring, -1 for none, shape (n,).
        trimmer: number of the heater in an interferometer, -1 for none, shape (n,).
        length_um: of each, where the table takes it, shape (n,).
        voltage: V, None where the table takes none.
        anchor: element -> what it is multiplied by, so that it is the model's as drawn, shape (C,).
        targets: where the elements go.
    """

    table: Any
    level: Level
    pairs: tuple[PortPair, ...]
    paths: tuple[str, ...]
    site: Whole
    line: Whole
    ring: Whole
    trimmer: Whole
    length_um: Real
    voltage: float | None
    targets: tuple[Target, ...]
    anchor: dict[PortPair, Complex] = field(default_factory=dict)

    def deviations(self, dev: Mapping[str, Real], part: slice) -> dict[str, Real]:
        """Deviations that the table feels, of shape (n, S).

        Args:
            dev: axis -> by place, shape (S, K); `coupling` by ring, shape (S, R).
            part: samples.
        """
        found: dict[str, Real] = {}
        for axis in self.table.axes:
            if axis == "coupling" and axis in dev and np.all(self.ring >= 0):
                found[axis] = dev[axis][part][:, self.ring].T
            elif axis == LENGTH:
                found[axis] = self.length_um[:, None]
            elif axis != "coupling" and axis in dev:
                found[axis] = dev[axis][part][:, self.site].T
        return found


class TableMaker:
    """Makes tables, of equal devices once.

    Args:
        channels_um: um, shape (C,).
        reach: axis -> half of the range that is tabulated.
    """

    def __init__(self, channels_um: Real, reach: Mapping[str, float]) -> None:
        self.channels = channels_um
        self.reach = dict(reach)
        self.tables: dict[tuple[Any, ...], Any] = {}
        self._in_proportion: dict[tuple[Any, ...], Any] = {}

    def of(self, entry: Bound, fixed: Mapping[str, float] | None = None, levels: Sequence[float] = ()) -> Any:
        """The table of a bound device at rest, or operated as `fixed` says; `levels`: voltages of a driven ring."""
        model = entry.model
        assert model is not None, "only a device with a model is on the way of light"
        operated = {model.tuning, VOLTAGE, HEATER} - {""}
        params = {key: value for key, value in entry.params.items() if key not in operated}
        params |= fixed or {}
        said = tuple((name, repr(value)) for name, value in sorted(params.items()))
        short = (model.name, *(entry for entry in said if entry[0] != LENGTH))
        if short in self._in_proportion:
            return self._in_proportion[short]
        key = (model.name, tuple(levels), *said)
        if key not in self.tables:
            more = {"levels": tuple(levels)} if levels else {}
            self.tables[key] = table = table_of(entry.cell, model, params, self.channels, self.reach, **more)
            if LENGTH in table.axes:
                self._in_proportion[short] = table
        return self.tables[key]


def distinct_pairs(table: Any, pairs: Sequence[PortPair], channels_um: Real, **operation: float) -> dict[PortPair, int]:
    """Elements of a table, each with the number of the first one that it equals."""
    rng = np.random.default_rng(len(pairs))
    values = {axis: rng.uniform(-1, 1, PROBES) * table.reach[axis] for axis in table.axes if axis in table.reach}
    matrix = table.matrix(values, channels_um, **operation)
    chosen: list[PortPair] = []
    found: dict[PortPair, int] = {}
    for pair in pairs:
        twin = next(
            (
                number
                for number, other in enumerate(chosen)
                if np.allclose(matrix[pair], matrix[other], rtol=0.0, atol=SAME)
            ),
            -1,
        )
        if twin < 0:
            twin = len(chosen)
            chosen.append(pair)
        found[pair] = twin
    return found


@dataclass
class _Wanted:
    """What is asked of one kind while the kinds are collected."""

    table: Any
    level: Level
    voltage: float | None
    pairs: dict[PortPair, None]
    lengths: list[float]
    groups: list[tuple[int, list[str]]]


class Layout:
    """Collects what plans need into kinds.

    Attributes:
        rows: number of rows of each set of values.
        kinds: filled by `close`.
    """

    def __init__(self, channels_um: Real) -> None:
        self.channels = channels_um
        self.rows: list[int] = []
        self.lines: list[int] = []
        self.kinds: list[Kind] = []
        self._wanted: dict[tuple[int, Level], _Wanted] = {}
        self._row: dict[tuple[int, str, PortPair], int] = {}

    def add(self, elements: Mapping[str, Mapping[PortPair, None]], line: int) -> int:
        """A new set of values, whose devices are added by `want`; the number of the set.

        Args:
            elements: device -> elements that are taken.
            line: number of its set of laser lines.
        """
        self.rows.append(0)
        self.lines.append(line)
        self._elements = elements
        return len(self.rows) - 1

    def want(
        self,
        values: int,
        path: str,
        table: Any,
        level: Level = "rest",
        voltage: float | None = None,
        length_um: float = 0.0,
    ) -> None:
        """Ask for a device of the set of values added last."""
        wanted = self._wanted.setdefault((id(table), level), _Wanted(table, level, voltage, {}, [], []))
        wanted.lengths.append(length_um)
        wanted.pairs.update(self._elements[path])
        if not wanted.groups or wanted.groups[-1][0] != values:
            wanted.groups.append((values, []))
        wanted.groups[-1][1].append(path)

    def close(
        self,
        site: Mapping[str, int],
        ring: Mapping[str, int],
        trimmer: Mapping[str, int],
        exact: Mapping[str, SDict] | None = None,
    ) -> None:
        """Lay out the rows.

        Args:
            site, ring, trimmer: device -> number of its place, of the ring, of the heated arm.
            exact: device -> S-matrix as drawn, from its model.
        """
        for wanted in self._wanted.values():
            operation = {} if wanted.voltage is None else {VOLTAGE: wanted.voltage}
            number = distinct_pairs(wanted.table, list(wanted.pairs), self.channels, **operation)
            pairs = tuple(next(p for p, k in number.items() if k == n) for n in range(max(number.values()) + 1))
            paths: list[str] = []
            lines: list[int] = []
            targets: list[Target] = []
            for values, members in wanted.groups:
                first, row, many = len(paths), self.rows[values], len(members)
                paths += members
                lines += [self.lines[values]] * many
                targets.append(Target(values, first, len(paths), row))
                self.rows[values] += many * len(pairs)
                for place, path in enumerate(members):
                    for pair, kind in number.items():
                        self._row[values, path, pair] = row + kind * many + place
            self.kinds.append(
                Kind(
                    table=wanted.table,
                    level=wanted.level,
                    pairs=pairs,
                    paths=tuple(paths),
                    site=np.array([site[path] for path in paths], np.int64),
                    line=np.array(lines, np.int64),
                    ring=np.array([ring.get(path, -1) for path in paths], np.int64),
                    trimmer=np.array([trimmer.get(path, -1) for path in paths], np.int64),
                    length_um=np.array(wanted.lengths),
                    voltage=wanted.voltage,
                    targets=tuple(targets),
                    anchor=self._anchor(wanted, pairs, (exact or {}).get(paths[0], {})),
                )
            )

    def _anchor(self, wanted: _Wanted, pairs: Sequence[PortPair], exact: SDict) -> dict[PortPair, Complex]:
        """Ratios of the model's elements to the table's as drawn, where they differ."""
        if wanted.level != "rest" or LENGTH in wanted.table.axes or not exact:
            return {}
        count = self.channels.size
        matrix = wanted.table.matrix({}, self.channels)
        found: dict[PortPair, Complex] = {}
        for pair in pairs:
            mine, whole = np.broadcast_to(matrix[pair], (count,)), np.asarray(exact[pair])
            theirs = whole[..., :count] if whole.ndim and whole.shape[-1] > 1 else np.broadcast_to(whole, (count,))
            if np.all(np.abs(mine) > SAME):
                ratio = theirs / mine
                if np.max(np.abs(ratio - 1)) > ANCHORED:
                    found[pair] = ratio
        return found

    def which(self, plan: Plan, values: int) -> Whole:
        """Row of each load of a plan that takes all from one set of values."""
        return np.array([self._row[values, path, (a, b)] for path, a, b in plan.program.loads], np.int64)

    def row(self, values: int, path: str, pair: PortPair) -> int:
        """Row of one element."""
        return self._row[values, path, pair]
