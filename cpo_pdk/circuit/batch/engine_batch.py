"""An engine for many samples of its production: every device with its own deviations, every ring held or not.

One plan, many values: the plans are those of the engine as drawn, the values come from tables of the devices. A sample
is one die; those of several engines of one cell may stand one after the other.

Named approximations: what `table_of` says of its tables; guides, bends and other devices whose place matters little
share the deviations of the places within `merge_um` (in an engine without interferometers); both arms of a modulator
have the same deviations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.circuit.batch.collecting import Collector
from cpo_pdk.circuit.batch.deviations import AXES
from cpo_pdk.circuit.batch.held import Arms, HeldModulator
from cpo_pdk.circuit.batch.kinds import Kind
from cpo_pdk.circuit.batch.lanes import BatchLanes, places_of, received, transmitted
from cpo_pdk.circuit.batch.parts import BatchDevice, BatchRing, LaneKey, ReceivePart, TransmitPart
from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.circuit.engine_lanes import EngineSolver
from cpo_pdk.circuit.solver import Complex
from cpo_pdk.errors import ModelError

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

#: half of the range of deviations that tables are made for, nm and relative: four standard deviations of the published
#: sets, and no more than indices and couplings can be computed for
REACH = {"dw": 28.0, "dh": 15.0, "dslab": 10.0, "doping": 0.3, "guide_loss": 0.6, "coupling": 0.6}
#: side of the squares in which guides share their deviations, um
MERGE_UM = 100.0
#: numbers that the values of all plans of one block of samples may have, complex
BLOCK = 4_000_000
#: resonances are on their line when they are this close below or above it, nm
ON_LINE_NM = 1e-6


@dataclass(frozen=True)
class EngineBatch:
    """An engine cell under one condition, ready to be asked for many samples. Deviations of none: the engine as drawn.

    Attributes:
        cell: of the engine.
        channels_um: um, shape (C,).
        devices: on the way of the light, N.
        sites_um: places that deviations are asked for, in engine coordinates, shape (K, 2).
        rings: R, in the order of `EngineSolver.rings`.
        lane_keys: L, in the order of `EngineSolution.lanes`.
        lasers, tx_ports, rx_ports: numbers of the ports.
        nominal_loss_dB, nominal_crosstalk_dB, nominal_extinction_dB: as `EngineSolver` gives them, shapes (L,), (Ltx,).
        nominal_channel, nominal_tuning_nm: of the rings, shape (R,).
        trimmers: paths of the heaters that hold interferometers.
        approximations: lines for a report.
    """

    cell: str
    channels_um: Real
    devices: tuple[BatchDevice, ...]
    sites_um: Real
    rings: tuple[BatchRing, ...]
    lane_keys: tuple[LaneKey, ...]
    lasers: tuple[int, ...]
    tx_ports: tuple[int, ...]
    rx_ports: tuple[int, ...]
    nominal_loss_dB: Real
    nominal_crosstalk_dB: Real
    nominal_extinction_dB: Real
    nominal_channel: Whole
    nominal_tuning_nm: Real
    trimmers: tuple[str, ...]
    approximations: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rows: tuple[int, ...]
    transmit: tuple[TransmitPart, ...]
    receive: tuple[ReceivePart, ...]
    arms: Arms | None
    #: place of each heater of `arms`, then of the modulators, in `trimmers`
    modulator_trims: Mapping[str, int]
    modulator_channel: Mapping[str, int]

    @staticmethod
    def of(
        solver: EngineSolver,
        condition: EngineCondition | float = 0.0,
        reach: Mapping[str, float] | None = None,
        merge_um: float = MERGE_UM,
    ) -> EngineBatch:
        """Make the batch of an engine.

        Args:
            solver: of the engine's cell.
            condition: what it works under, or how much warmer it is than drawn for, K.
            reach: axis -> half of the range that the tables are to hold for, 0 for an axis that stays as drawn; `REACH`
                for those that are not named.
            merge_um: side of the squares in which guides share their deviations, um; 0: every device has its own.

        Raises:
            ModelError: as `EngineState`; a reach of an unknown axis or not above 0.
        """
        under = condition if isinstance(condition, EngineCondition) else EngineCondition(dT_K=float(condition))
        asked = {axis: half for axis, half in {**REACH, **(reach or {})}.items() if half != 0}
        return EngineBatch(**Collector(solver, under, asked, merge_um).batch())

    @property
    def interferometric(self) -> bool:
        """True where the light is divided and joined again: deviations are then asked for each device."""
        return self.arms is not None

    def targets_nm(self, tx_lines_um: ArrayLike | None = None, rx_lines_um: ArrayLike | None = None) -> Real:
        """Where the resonance of each ring has to be to serve each channel, nm, shape (S, R, C).

        Args:
            tx_lines_um, rx_lines_um: see `solve`; S is 1 where neither is given.
        """
        lines = self._lines(tx_lines_um, rx_lines_um)
        working = np.array([ring.working_nm for ring in self.rings])
        at = np.array([ring.line for ring in self.rings], np.int64)
        return lines[at].transpose(1, 0, 2) * 1e3 - working[None, :, None]

    def resonances_nm(self, dev: Mapping[str, ArrayLike]) -> Real:
        """Resonances of the rings, heaters off and no voltage, at the temperature of the condition.

        Args:
            dev: see `solve`.

        Returns:
            nm, rising, shape (S, R, K), not a number where a ring has fewer.
        """
        given, samples = self._deviations(dev)
        found: list[tuple[Whole, Real]] = []
        for kind in self._ring_kinds():
            values = kind.deviations(given, slice(None))
            nm = kind.table.resonances_nm(values)
            found.append((kind.ring, np.broadcast_to(nm, (kind.ring.size, samples, nm.shape[-1]))))
        most = max((nm.shape[-1] for _, nm in found), default=0)
        out = np.full((samples, len(self.rings), most), np.nan)
        for ring, nm in found:
            out[:, ring, : nm.shape[-1]] = nm.transpose(1, 0, 2)
        return out

    def linewidth_nm(self, dev: Mapping[str, ArrayLike]) -> Real:
        """Loaded full width at half maximum of the rings, nm, shape (S, R); arguments as `resonances_nm`."""
        given, samples = self._deviations(dev)
        out = np.zeros((samples, len(self.rings)))
        for kind in self._ring_kinds():
            width = np.asarray(kind.table.linewidth_nm(kind.deviations(given, slice(None))))
            out[:, kind.ring] = np.broadcast_to(width, (kind.ring.size, samples)).T
        return out

    def solve(
        self,
        dev: Mapping[str, ArrayLike],
        *,
        tx_lines_um: ArrayLike | None = None,
        rx_lines_um: ArrayLike | None = None,
        channel: ArrayLike | None = None,
        tuning_nm: ArrayLike | None = None,
        block: int = BLOCK,
    ) -> BatchLanes:
        """Lanes of all samples.

        Args:
            dev: axis -> deviations: `dw`, `dh`, `dslab` in nm and `doping` relative, by place, shape (S, K); `coupling`
                relative, by ring, shape (S, R); `guide_loss` relative, shape (S,) or (S, K). Those left out are 0; what
                has one sample holds for all.
            tx_lines_um: lines that arrive at each laser port, um, shape (S, lasers, C); the channels when None.
            rx_lines_um: lines that arrive at each receive port, um, shape (S, receive ports, C).
            channel: that each ring serves, from 0, -1 for none, shape (S, R); nominal when None.
            tuning_nm: from its `resonances_nm` to where it is, shape (S, R): heater, neighbours, and its temperature
                against that of the engine. None: held exactly, by the next resonance below its line.
            block: complex numbers that one pass may hold; speed and memory alone depend on it.

        Raises:
            ModelError: an unknown axis, or shapes that don't fit.
        """
        given, samples = self._deviations(dev)
        lines = self._lines(tx_lines_um, rx_lines_um)
        samples = _common(samples, lines.shape[1], "lines")
        serves = np.atleast_2d(np.asarray(self.nominal_channel if channel is None else channel, np.int64))
        samples = _common(samples, serves.shape[0], "channel")
        if serves.shape[1] != len(self.rings):
            raise ModelError(f"channel has {serves.shape[1]} rings, the engine {len(self.rings)}; give one for each")
        if tuning_nm is None:
            tuning = self.held_nm(dev, serves, tx_lines_um, rx_lines_um)
        else:
            tuning = np.atleast_2d(np.asarray(tuning_nm, np.float64))
        if tuning.shape[1] != len(self.rings):
            raise ModelError(f"tuning_nm has {tuning.shape[1]} rings, the engine {len(self.rings)}; give one for each")
        samples = _common(samples, tuning.shape[0], "tuning_nm")
        given = {axis: np.broadcast_to(array, (samples, array.shape[1])) for axis, array in given.items()}
        serves = np.broadcast_to(serves, (samples, len(self.rings)))
        tuning = np.broadcast_to(tuning, (samples, len(self.rings)))
        lines = np.broadcast_to(lines, (lines.shape[0], samples, lines.shape[2]))
        turns = max((part.turns for part in self.transmit), default=0)
        width = self.channels_um.size * (sum(self.rows) + 2 * (turns + 1) * len(self.kinds))
        step = max(1, block // max(1, width))
        parts = [
            self._block(given, lines, serves, tuning, slice(start, min(samples, start + step)))
            for start in range(0, samples, step)
        ]
        return BatchLanes.together(parts)

    def held_nm(
        self,
        dev: Mapping[str, ArrayLike],
        channel: ArrayLike | None = None,
        tx_lines_um: ArrayLike | None = None,
        rx_lines_um: ArrayLike | None = None,
    ) -> Real:
        """Red shift that takes each ring from its next resonance below to its channel, nm, shape (S, R); 0 for -1."""
        if not self.rings:
            return np.zeros((1, 0))
        serves = np.atleast_2d(np.asarray(self.nominal_channel if channel is None else channel, np.int64))
        targets = self.targets_nm(tx_lines_um, rx_lines_um)
        resonances = self.resonances_nm(dev)
        samples = np.broadcast_shapes(targets.shape[:1], resonances.shape[:1], serves.shape[:1])[0]
        targets = np.broadcast_to(targets, (samples, *targets.shape[1:]))
        serves = np.broadcast_to(serves, (samples, serves.shape[1]))
        at = np.take_along_axis(targets, np.maximum(serves, 0)[:, :, None], axis=2)
        gap = at - resonances
        gap = np.where(gap >= -ON_LINE_NM, np.maximum(gap, 0.0), np.inf)
        shift = gap.min(axis=2)
        return np.where((serves >= 0) & np.isfinite(shift), shift, 0.0)

    def _ring_kinds(self) -> list[Kind]:
        return [kind for kind in self.kinds if kind.level != "zero" and kind.ring.size and kind.ring[0] >= 0]

    def _deviations(self, dev: Mapping[str, ArrayLike]) -> tuple[dict[str, Real], int]:
        """Deviations as arrays (S or 1, K) (`coupling`: (S or 1, R)) and the number of samples."""
        stray = sorted(dev.keys() - set(AXES))
        if stray:
            raise ModelError(f"deviation {stray[0]!r} is none; there are {', '.join(AXES)}")
        found: dict[str, Real] = {}
        samples = 1
        for axis, value in dev.items():
            array = np.asarray(value, np.float64)
            many = len(self.rings) if axis == "coupling" else len(self.sites_um)
            if array.ndim == 1 and axis == "guide_loss":
                array = array[:, None]
            array = np.atleast_2d(array)
            if array.ndim != 2 or array.shape[1] not in (1, many):
                raise ModelError(f"{axis} has the shape {np.shape(value)}, (samples, {many}) needed")
            if not np.all(np.isfinite(array)):
                raise ModelError(f"{axis} has {int(np.sum(~np.isfinite(array)))} values that are no numbers, 0 allowed")
            samples = _common(samples, array.shape[0], axis)
            found[axis] = np.broadcast_to(array, (array.shape[0], many))
        return {axis: np.broadcast_to(a, (samples, a.shape[1])) for axis, a in found.items()}, samples

    def _lines(self, tx: ArrayLike | None, rx: ArrayLike | None) -> Real:
        """Laser lines by set, um, shape (sets, S, C): those of the laser ports, then those of the receive ports."""
        count = self.channels_um.size
        sets: list[Real] = []
        for name, value, many in (("tx_lines_um", tx, len(self.lasers)), ("rx_lines_um", rx, len(self.rx_ports))):
            if value is None:
                sets.append(np.broadcast_to(self.channels_um, (1, many, count)))
                continue
            array = np.asarray(value, np.float64)
            if array.ndim != 3 or array.shape[1:] != (many, count):
                raise ModelError(f"{name} has the shape {array.shape}, (samples, {many}, {count}) needed")
            sets.append(array)
        samples = _common(sets[0].shape[0], sets[1].shape[0], "rx_lines_um")
        return np.concatenate([np.broadcast_to(a, (samples, *a.shape[1:])) for a in sets], axis=1).transpose(1, 0, 2)

    def _block(self, dev: Mapping[str, Real], lines: Real, serves: Whole, tuning: Real, part: slice) -> BatchLanes:
        """Lanes of some samples."""
        count = self.channels_um.size
        samples = part.stop - part.start
        values: list[Complex] = [np.empty((rows, samples, count), np.complex128) for rows in self.rows]
        trims = np.zeros((samples, len(self.trimmers)))
        if self.arms is not None:
            trims[:, : len(self.arms.held)] = self.arms.power_mW(dev, part, self.channels_um)
        outside = np.zeros(samples, np.int64)
        self._fill(values, dev, lines, tuning, part, trims, outside)
        loss = np.zeros((samples, len(self.lane_keys)))
        crosstalk = np.zeros_like(loss)
        aggressors = np.zeros((*loss.shape, count), np.float32)
        extinction = np.zeros((samples, self.nominal_extinction_dB.size))
        for section in self.transmit:
            for port, one, zero in section.powers(values):
                place = (
                    places_of(serves[part][:, port.rings], count)
                    if port.rings.size
                    else np.broadcast_to(port.place, (samples, count))
                )
                found = transmitted(one, zero, place)
                loss[:, port.lanes], crosstalk[:, port.lanes], extinction[:, port.lanes], aggressors[:, port.lanes] = (
                    found
                )
        for entry in self.receive:
            place = (
                np.take(entry.behind, places_of(serves[part][:, entry.rings], count))
                if entry.rings.size
                else np.broadcast_to(entry.place, (samples, count))
            )
            found = received(entry.powers(values), place)
            loss[:, entry.lanes], crosstalk[:, entry.lanes], aggressors[:, entry.lanes] = found
        return BatchLanes(loss, crosstalk, aggressors, extinction, trims, outside)

    def _fill(
        self,
        values: list[Complex],
        dev: Mapping[str, Real],
        lines: Real,
        tuning: Real,
        part: slice,
        trims: Real,
        outside: Whole,
    ) -> None:
        """Values of all devices, for some samples."""
        held: dict[int, tuple[Any, Any]] = {}
        samples = part.stop - part.start
        for kind in self.kinds:
            felt = kind.deviations(dev, part)
            wl = lines[kind.line][:, part]
            if felt.keys() & dev.keys() and kind.level != "zero":
                outside += np.count_nonzero(
                    np.broadcast_to(kind.table.outside(felt), (len(kind.paths), samples)), axis=0
                )
            if isinstance(kind.table, HeldModulator):
                if id(kind.table) not in held:
                    channel = np.array([self.modulator_channel[path] for path in kind.paths], np.int64)
                    one, zero, power = kind.table.levels(felt, wl, channel)
                    held[id(kind.table)] = one, zero
                    trims[:, [self.modulator_trims[path] for path in kind.paths]] = power.T
                matrix = held[id(kind.table)][kind.level == "zero"]
            else:
                operation: dict[str, Any] = {} if kind.voltage is None else {"V": kind.voltage}
                if kind.ring.size and kind.ring[0] >= 0:
                    operation["tuning_nm"] = tuning[part][:, kind.ring].T
                matrix = kind.table.matrix(felt, wl, pairs=kind.pairs, **operation)
            turn = None
            if kind.trimmer.size and np.any(kind.trimmer >= 0):
                angle = trims[:, np.maximum(kind.trimmer, 0)] * self._rad_per_mW()[np.maximum(kind.trimmer, 0)]
                turn = np.exp(1j * np.where(kind.trimmer >= 0, angle, 0.0)).T[:, :, None]
            for number, pair in enumerate(kind.pairs):
                element = matrix[pair] if turn is None else matrix[pair] * turn
                if pair in kind.anchor:
                    element = element * kind.anchor[pair]
                for target in kind.targets:
                    many = target.last - target.first
                    row = target.row + number * many
                    values[target.values][row : row + many] = element[target.first : target.last]

    def _rad_per_mW(self) -> Real:
        arms = () if self.arms is None else self.arms.held
        return np.array([np.pi / arm.mW_per_pi for arm in arms] + [0.0] * len(self.modulator_trims))


def _common(samples: int, other: int, name: str) -> int:
    """Number of samples of two arrays, of which one may stand for all."""
    if samples != other and 1 not in (samples, other):
        raise ModelError(f"{name} has {other} samples, other values {samples}; give the same number, or one for all")
    return max(samples, other)
