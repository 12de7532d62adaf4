"""Margins of the lanes of one engine in many samples at once: the link budget, tabulated.

Method
    Every lane is judged with a nominal other half, as standards judge transmitters and receivers apart: a transmit lane
    with the receive lane of its own port and channel as drawn, a receive lane with the transmit lane as drawn. What
    arrives follows dB by dB from what a sample changes; what is needed comes from `needed_light`, one table for all
    lanes whose chains differ in their rings alone. A number for each lane closes what is left between table and
    `link_budget` at the nominal point.

Validity
    Distortion follows the linewidths and the swing of the sampled ring; the speed of its junction, of driver, detector
    and amplifier are nominal, and so are reflections in the fibre. `errors` has the largest difference from the full
    budget that was found at random points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.errors import LayoutError, ParameterError
from cpo_pdk.link.budget import LaneInputs, LaneMaker
from cpo_pdk.link.eye import eye_of
from cpo_pdk.link.laser_classes import threshold_ber
from cpo_pdk.link.light_path import links_of, losses_outside
from cpo_pdk.link.needed_light import NeededLight, amplitude_dBA, needed_light, other_ring
from cpo_pdk.link.own_light import OwnLight
from cpo_pdk.link.penalties import mean_penalty_dB
from cpo_pdk.link.receiver import margins_dB
from cpo_pdk.link.responses import Chain, Ring
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts

Real = NDArray[np.float64]
Whole = NDArray[np.int64]
LaneName = tuple[str, int, int]

#: samples that are looked at together
BLOCK = 256
#: what laser light may change by before a silicon guide, dB, and nodes of what it then loses to itself
ENTERING_DB, ENTERING_NODES = (-12.0, 6.0), 19
#: lowest extinction, dB: as in the budget
LEAST_EXTINCTION_DB = 0.01
#: points at which the table is held against the full budget, seed of them, and how far they reach: extinction,
#: crosstalk in dB, linewidth by the bus and by losses, swing, relative
PROBES, PROBE_SEED = 40, 8
PROBE_REACH = (1.5, 4.0, 0.12, 0.12, 0.10)


@dataclass(frozen=True)
class Half:
    """Lanes of one direction, n of them; arrays of shape (n,) unless said otherwise.

    Attributes:
        table: number of the lane's table.
        amplitude_dBA: nominal outer amplitude of the photocurrent.
        closing_dB: what is left between table and budget at the nominal point.
        extinction_dB: nominal, of the transmit lane.
        bus, lost: nominal linewidths of the ring over the table's.
        own_share: of the linewidth that the bus gives.
        own_squares: nominal sum of the squares of crosstalk that this half makes.
        other_squares: the same of the other half, by aggressor, shape (n, C).
        launch: nominal light of each channel of the port over the lane's own, linear, shape (n, C).
        beside: number of the lane of each channel of the port in this half, -1 where there is none, shape (n, C).
    """

    table: Whole
    amplitude_dBA: Real
    closing_dB: Real
    extinction_dB: Real
    bus: Real
    lost: Real
    own_share: Real
    own_squares: Real
    other_squares: Real
    launch: Real
    beside: Whole


@dataclass(frozen=True)
class MarginKernel:
    """Margins of an engine's lanes; can be pickled.

    Attributes:
        engine: whose lanes.
        lanes: direction, port, channel (from 1): transmit lanes by port and channel, then receive lanes likewise.
        nominal_dB: margins as drawn, shape (L,).
        tables: of needed light.
        transmit, receive: the halves.
        lost_dB: light that laser light loses to itself over its change, by node and transmit lane; None where nothing.
        errors: what was compared -> largest difference from the full budget, dB.
        notes: the same as lines for a report.
    """

    engine: str
    lanes: tuple[LaneName, ...]
    nominal_dB: Real
    tables: tuple[NeededLight, ...]
    transmit: Half
    receive: Half
    lost_dB: Real | None
    errors: Mapping[str, float]
    notes: tuple[str, ...]

    @staticmethod
    def of(
        spec: PackageSpec,
        parts: Parts,
        sheets: Mapping[str, Sheet],
        simulation: SimulationResult,
        engine: str | None = None,
    ) -> MarginKernel:
        """Tabulate the budget of one engine.

        Args:
            spec, parts, sheets, simulation: as for `link_budget`, at the state that margins are for.
            engine: whose lanes; None: the first that has some.

        Raises:
            SpecError, LayoutError, ParameterError: as `link_budget`; an engine without lanes; a nominal lane that no
                light would do for.
        """
        return _Making(spec, parts, sheets, simulation, engine).kernel()

    @property
    def transmitters(self) -> int:
        """Number of transmit lanes."""
        return len(self.transmit.table)

    def margins(
        self,
        change_dB: ArrayLike,
        *,
        extinction_dB: ArrayLike | None = None,
        aggressors: ArrayLike | None = None,
        linewidth: ArrayLike | None = None,
        linewidth_bus: ArrayLike | None = None,
        swing: ArrayLike | None = None,
        responsivity: ArrayLike | None = None,
        entering_dB: ArrayLike | None = None,
    ) -> Real:
        """Light that every lane could lose, dB, shape (S, L); minus infinity where no light would do.

        What is left out is nominal. T transmit and V receive lanes, L in all, C channels.

        Args:
            change_dB: more light than nominally, shape (S, L): of level one of a transmit lane, of the mean power of a
                receive lane.
            extinction_dB: level one over level zero, shape (S, T).
            aggressors: light of each channel over the wanted light, linear, shape (S, L, C): how much its modulator
                modulates the lane, over the lane's own; light in the detector. The lane's own channel is left out.
            linewidth: of the modulator's ring over the nominal one, shape (S, T).
            linewidth_bus: the part that its bus gives, over the nominal one, shape (S, T); None: all that `linewidth`
                changes is the bus's.
            swing: of its resonance, over the nominal one, shape (S, T).
            responsivity: over the nominal one, shape (S, V).
            entering_dB: the part of `change_dB` that happens before the first guide of silicon, shape (S, T): what
                laser light loses to itself there changes with it.

        Raises:
            ParameterError: a shape that doesn't fit.
        """
        change = np.asarray(change_dB, np.float64)
        count, tx = len(self.lanes), self.transmitters
        if change.ndim != 2 or change.shape[1] != count:
            raise ParameterError(f"change_dB has the shape {change.shape}; (samples, {count} lanes) needed")
        samples, channels = len(change), self.transmit.beside.shape[1]
        given = {
            "extinction_dB": (extinction_dB, (tx,)),
            "aggressors": (aggressors, (count, channels)),
            "linewidth": (linewidth, (tx,)),
            "linewidth_bus": (linewidth_bus, (tx,)),
            "swing": (swing, (tx,)),
            "responsivity": (responsivity, (count - tx,)),
            "entering_dB": (entering_dB, (tx,)),
        }
        arrays = {name: _shaped(name, value, (samples, *shape)) for name, (value, shape) in given.items()}
        found = np.empty(change.shape)
        for start in range(0, samples, BLOCK):
            rows = slice(start, start + BLOCK)
            now = {name: None if value is None else value[rows] for name, value in arrays.items()}
            crosstalk = now.pop("aggressors")
            response = now.pop("responsivity")
            first, second = (None, None) if crosstalk is None else (crosstalk[:, :tx], crosstalk[:, tx:])
            found[rows, :tx] = self._transmitted(change[rows, :tx], aggressors=first, **now)
            found[rows, tx:] = self._received(change[rows, tx:], second, response)
        return found

    def _transmitted(
        self,
        change: Real,
        *,
        extinction_dB: Real | None,
        aggressors: Real | None,
        linewidth: Real | None,
        linewidth_bus: Real | None,
        swing: Real | None,
        entering_dB: Real | None,
    ) -> Real:
        half = self.transmit
        extinction = half.extinction_dB if extinction_dB is None else np.maximum(extinction_dB, LEAST_EXTINCTION_DB)
        if entering_dB is not None and self.lost_dB is not None:
            change = change - self._more_lost(entering_dB)
        over_one = 10 * np.log10((1 - 10 ** (-extinction / 10)) / (1 - 10 ** (-half.extinction_dB / 10)))
        bus, lost = half.bus, half.lost
        if linewidth_bus is None and linewidth is not None:
            linewidth_bus = 1 + (linewidth - 1) / half.own_share
        if linewidth_bus is not None:
            bus = half.bus * linewidth_bus
            if linewidth is not None:
                rest = (linewidth - half.own_share * linewidth_bus) / np.maximum(1 - half.own_share, 1e-9)
                lost = half.lost * rest
        squares = half.own_squares
        if aggressors is not None:
            squares = _squares(aggressors, half.beside)
        mean = change - mean_penalty_dB(extinction)
        squares = squares + self._beside(half, mean, half.other_squares)
        return half.amplitude_dBA + change + over_one - self._needed(half, extinction, squares, bus, lost, swing)

    def _received(self, change: Real, aggressors: Real | None, responsivity: Real | None) -> Real:
        half = self.receive
        if responsivity is not None:
            change = change + 10 * np.log10(np.maximum(responsivity, 1e-9))
        squares = half.own_squares
        if aggressors is not None:
            squares = _squares(aggressors * half.launch, half.beside)
        squares = squares + half.other_squares.sum(axis=1)
        needed = self._needed(half, half.extinction_dB, squares, half.bus, half.lost, None)
        return half.amplitude_dBA + change - needed

    def _needed(self, half: Half, extinction: Real, squares: Real, bus: Real, lost: Real, swing: Real | None) -> Real:
        """Needed amplitude, dB of 1 A; arrays end with the lanes."""
        found: Real | None = None
        for number in np.unique(half.table):
            lanes = np.flatnonzero(half.table == number)
            all_of = lanes.size == half.table.size
            pick = slice(None) if all_of else lanes
            needed = self.tables[int(number)].needed_dBA(
                extinction[..., pick],
                squares[..., pick],
                bus[..., pick],
                lost[..., pick],
                None if swing is None else swing[..., pick],
            )
            if all_of:
                found = needed
                break
            if found is None:
                found = np.empty((*needed.shape[:-1], half.table.size))
            elif found.ndim < needed.ndim:
                found = np.broadcast_to(found, (*needed.shape[:-1], half.table.size)).copy()
            found[..., lanes] = needed
        assert found is not None
        return found - half.closing_dB

    def _beside(self, half: Half, mean_dB: Real, squares: Real) -> Real:
        """Other channels of a port in the nominal detector: they are as strong as this sample launches them."""
        change = mean_dB + mean_penalty_dB(half.extinction_dB)
        relative = np.where(half.beside >= 0, change[:, half.beside] - change[:, :, None], 0.0)
        return (squares * 10 ** (relative / 5)).sum(axis=2)

    def _more_lost(self, entering_dB: Real) -> Real:
        """Light that laser light loses to itself beyond what it loses nominally, dB, shape (S, T)."""
        half = self.transmit
        assert self.lost_dB is not None
        power = 10 ** (entering_dB / 10)
        there = half.beside >= 0
        shared = np.where(there, power[:, half.beside], 0.0).sum(axis=2) / np.maximum(there.sum(axis=1), 1)
        low, high = ENTERING_DB
        at = (np.clip(10 * np.log10(shared), low, high) - low) * ((ENTERING_NODES - 1) / (high - low))
        node = np.minimum(at.astype(np.int64), ENTERING_NODES - 2)
        lanes = np.arange(at.shape[1])
        share = at - node
        return self.lost_dB[node, lanes] * (1 - share) + self.lost_dB[node + 1, lanes] * share


def _shaped(name: str, value: ArrayLike | None, shape: tuple[int, ...]) -> Real | None:
    if value is None:
        return None
    found = np.asarray(value)
    if found.shape != shape:
        raise ParameterError(f"{name} has the shape {found.shape}; {shape} needed")
    return found


def _squares(aggressors: Real, beside: Whole) -> Real:
    """Sum of the squares of all channels but the lane's own, shape (S, n)."""
    other = beside != np.arange(len(beside))[:, None]
    return np.einsum("snc,snc,nc->sn", aggressors, aggressors, other.astype(aggressors.dtype))


class _Making:
    """Makes the kernel of one engine."""

    def __init__(
        self,
        spec: PackageSpec,
        parts: Parts,
        sheets: Mapping[str, Sheet],
        simulation: SimulationResult,
        engine: str | None,
    ) -> None:
        outside = losses_outside(spec, parts, sheets)
        self.spec, self.threshold = spec, threshold_ber(spec)
        self.own = OwnLight(spec, sheets, outside)
        self.maker = LaneMaker(spec, parts, sheets, simulation, outside)
        links = links_of(simulation)
        known = dict.fromkeys(link.transmit.engine for link in links)
        self.engine = next(iter(known)) if engine is None else engine
        if self.engine not in known:
            raise LayoutError(f'no lanes on engine "{engine}"; engines with lanes: {", ".join(known)}')
        own = [link for link in links if link.transmit.engine == self.engine]
        self.links = sorted(own, key=lambda link: (link.transmit.port, link.transmit.channel))
        self.inputs = [self.maker.inputs(link) for link in self.links]
        self.channels = max(link.transmit.channel for link in self.links)

    def kernel(self) -> MarginKernel:
        """All of it."""
        numbers, heads = self._kinds()
        tables = tuple(needed_light(e.signal, e.receiver, e.chain, self.threshold) for e in heads)
        nominal = np.asarray(
            margins_dB([e.signal for e in self.inputs], [e.receiver for e in self.inputs], self.threshold), np.float64
        )
        transmit, receive = self._halves(numbers, tables, nominal)
        names = [(link.transmit.port, link.transmit.channel) for link in self.links]
        kernel = MarginKernel(
            engine=self.engine,
            lanes=tuple([("tx", *name) for name in names] + [("rx", *name) for name in names]),
            nominal_dB=np.tile(nominal, 2),
            tables=tables,
            transmit=transmit,
            receive=receive,
            lost_dB=self._lost(),
            errors={},
            notes=(),
        )
        errors = self._errors(kernel)
        notes = tuple(
            f"margins from tables: {words} within {dB:.2g} dB of the full budget" for words, dB in errors.items()
        )
        return replace(kernel, errors=errors, notes=notes)

    def _kinds(self) -> tuple[Whole, list[LaneInputs]]:
        """Number of each lane's kind of chain, and of each kind the lane with the middle linewidth."""
        kinds: dict[Chain, list[int]] = {}
        for number, entry in enumerate(self.inputs):
            ring = entry.chain.modulator
            same = replace(entry.chain, modulator=_NO_RING) if isinstance(ring, Ring) and ring.swings else entry.chain
            kinds.setdefault(same, []).append(number)
        found = np.zeros(len(self.inputs), np.int64)
        heads: list[LaneInputs] = []
        for kind, lanes in enumerate(kinds.values()):
            found[lanes] = kind
            widths = sorted(lanes, key=lambda lane: _linewidth(self.inputs[lane].chain))
            heads.append(self.inputs[widths[len(widths) // 2]])
        return found, heads

    def _halves(self, kinds: Whole, tables: Sequence[NeededLight], nominal: Real) -> tuple[Half, Half]:
        inputs, count = self.inputs, len(self.inputs)
        place = {(e.link.transmit.port, e.link.transmit.channel): k for k, e in enumerate(inputs)}
        beside = np.array(
            [[place.get((e.link.transmit.port, c + 1), -1) for c in range(self.channels)] for e in inputs], np.int64
        )
        launch = np.array([e.launch_dBm for e in inputs])
        over = np.where(beside >= 0, 10 ** ((launch[beside] - launch[:, None]) / 10), 1.0)
        made = np.array([sum(10 ** (a.level_dB / 5) for a in e.link.transmit.aggressors) for e in inputs])
        taken = np.zeros((count, self.channels))
        for row, entry in enumerate(inputs):
            for aggressor in entry.link.receive.aggressors:
                taken[row, int(aggressor.name.rpartition(" ")[2]) - 1] = 10 ** (aggressor.level_dB / 5)
        taken *= over**2
        rings = np.array([_widths(e.chain) for e in inputs])
        reference = np.array([tables[kind].reference_GHz for kind in kinds])
        share = np.where(reference > 0, rings / np.where(reference > 0, reference, 1.0), 1.0)
        extinction = np.array([e.signal.extinction_dB for e in inputs])
        amplitude = amplitude_dBA(
            np.array([e.signal.received_dBm for e in inputs]),
            extinction,
            np.array([e.receiver.responsivity_A_W for e in inputs]),
        )
        first = Half(
            table=kinds,
            amplitude_dBA=amplitude,
            closing_dB=np.zeros(count),
            extinction_dB=extinction,
            bus=share[:, 0],
            lost=share[:, 1],
            own_share=np.where(rings.sum(axis=1) > 0, rings[:, 0] / np.maximum(rings.sum(axis=1), 1e-9), 1.0),
            own_squares=made,
            other_squares=taken,
            launch=over,
            beside=beside,
        )
        needed = np.array(
            [
                float(tables[kind].needed_dBA(extinction[k], made[k] + taken[k].sum(), *share[k]))
                for k, kind in enumerate(kinds)
            ]
        )
        if not np.isfinite(nominal).all():
            at = int(np.argmin(np.isfinite(nominal)))
            raise ParameterError(
                f"{inputs[at].link.name}: no light would do for this lane as drawn; its budget has to close before "
                "samples of it are drawn"
            )
        first = replace(first, closing_dB=nominal - (amplitude - needed))
        other = np.zeros_like(taken)
        other[:, 0] = made
        return first, replace(first, own_squares=taken.sum(axis=1), other_squares=other)

    def _lost(self) -> Real | None:
        """Light that laser light loses to itself beyond the nominal loss; by node and lane."""
        laser = self.spec.laser.per_wavelength_dBm
        nodes = np.linspace(*ENTERING_DB, ENTERING_NODES)
        lanes = [entry.link.transmit for entry in self.inputs]
        lost = np.array([[self.own.lost_dB(lane, laser + float(dB)) for lane in lanes] for dB in nodes])
        nominal = np.array([self.own.lost_dB(lane) for lane in lanes])
        return lost - nominal if lost.any() else None

    def _errors(self, kernel: MarginKernel) -> dict[str, float]:
        """Largest differences from the full budget at random points."""
        rng = np.random.default_rng(PROBE_SEED)
        count = len(self.inputs)
        found = {"transmit lanes": 0.0, "receive lanes": 0.0}
        for _ in range(PROBES):
            lane = int(rng.integers(count))
            entry, reach = self.inputs[lane], rng.uniform(-1, 1, 5) * PROBE_REACH
            found["transmit lanes"] = max(found["transmit lanes"], self._transmit_error(kernel, lane, entry, reach))
            found["receive lanes"] = max(found["receive lanes"], self._receive_error(kernel, lane, entry, reach[1]))
        return found

    def _transmit_error(self, kernel: MarginKernel, lane: int, entry: LaneInputs, reach: Real) -> float:
        count, ring = len(self.inputs), entry.chain.modulator
        extinction = max(entry.signal.extinction_dB + float(reach[0]), 0.5)
        louder = 10 ** (float(reach[1]) / 10)
        receiver, more = entry.receiver, {}
        aggressors = np.zeros((1, 2 * count, self.channels))
        levels = [a.level_dB + float(reach[1]) for a in entry.link.transmit.aggressors]
        free = [c for c in range(self.channels) if kernel.transmit.beside[lane, c] != lane]
        aggressors[0, lane, free[: len(levels)]] = 10 ** (np.array(levels[: len(free)]) / 10)
        if isinstance(ring, Ring) and ring.swings:
            bus, lost, swing = (1 + reach[2:]).tolist()
            other = other_ring(ring, bus, lost, swing)
            eye = receiver.eye
            chain = replace(entry.chain, modulator=other)
            receiver = replace(receiver, eye=eye_of(chain, eye.modulation, eye.baud_GBd))
            one = np.ones((1, count))
            more = {
                "linewidth": one * other.linewidth_GHz / ring.linewidth_GHz,
                "linewidth_bus": one * bus,
                "swing": one * swing,
            }
        nominal = [round(a, 4) for a in self._taken(entry)]
        change = np.zeros((1, 2 * count))
        ratios = np.tile(kernel.transmit.extinction_dB, (1, 1))
        ratios[0, lane] = extinction
        one_dB = float(mean_penalty_dB(extinction) - mean_penalty_dB(entry.signal.extinction_dB))
        # this lane's mean power against that of the others of its port moves with its extinction
        signal = replace(
            entry.signal,
            extinction_dB=extinction,
            received_dBm=entry.signal.received_dBm - one_dB,
            crosstalk_dB=(*(level for level in levels[: len(free)]), *(level + one_dB for level in nominal)),
        )
        assert louder > 0
        exact = margins_dB([signal], [receiver], self.threshold)[0]
        table = kernel.margins(change, extinction_dB=ratios, aggressors=aggressors, **more)[0, lane]
        return abs(float(exact - table)) if np.isfinite(exact) or np.isfinite(table) else 0.0

    def _receive_error(self, kernel: MarginKernel, lane: int, entry: LaneInputs, louder_dB: float) -> float:
        count = len(self.inputs)
        own = [a.level_dB for a in entry.link.transmit.aggressors]
        taken = [level + louder_dB for level in self._taken(entry)]
        exact = margins_dB([replace(entry.signal, crosstalk_dB=(*own, *taken))], [entry.receiver], self.threshold)[0]
        aggressors = np.zeros((1, 2 * count, self.channels))
        for aggressor in entry.link.receive.aggressors:
            at = int(aggressor.name.rpartition(" ")[2]) - 1
            aggressors[0, count + lane, at] = 10 ** ((aggressor.level_dB + louder_dB) / 10)
        table = kernel.margins(np.zeros((1, 2 * count)), aggressors=aggressors)[0, count + lane]
        return abs(float(exact - table)) if np.isfinite(exact) or np.isfinite(table) else 0.0

    def _taken(self, entry: LaneInputs) -> list[float]:
        """Other wavelengths in the nominal detector, dB, as the budget has them."""
        lane, launch = entry.link.transmit, entry.launch_dBm
        found: list[float] = []
        for aggressor in entry.link.receive.aggressors:
            key = lane.engine, lane.port, int(aggressor.name.rpartition(" ")[2])
            found.append(aggressor.level_dB + self.maker.launched.get(key, launch) - launch)
        return found


#: stands for any ring where kinds of chains are compared
_NO_RING = Ring(1.0, 1.0, 1.0, 1.0)


def _widths(chain: Chain) -> tuple[float, float]:
    """Linewidth of a swinging ring by its bus and by its losses, GHz; zeros for another modulator."""
    ring = chain.modulator
    if not (isinstance(ring, Ring) and ring.swings):
        return 0.0, 0.0
    return ring.linewidth_bus_GHz, ring.linewidth_GHz - ring.linewidth_bus_GHz


def _linewidth(chain: Chain) -> float:
    return sum(_widths(chain))
