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

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.errors import ParameterError
from cpo_pdk.link.halves import ENTERING_DB, ENTERING_NODES, EngineLinks, Half
from cpo_pdk.link.needed_light import NeededLight
from cpo_pdk.link.penalties import mean_penalty_dB
from cpo_pdk.link.responses import Chain
from cpo_pdk.link.table_errors import PROBES, errors_of
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts

Real = NDArray[np.float64]
Whole = NDArray[np.int64]
LaneName = tuple[str, int, int]

#: samples that are looked at together
BLOCK = 256
#: lowest extinction, dB: as in the budget
LEAST_EXTINCTION_DB = 0.01


@dataclass(frozen=True)
class MarginKernel:
    """Margins of an engine's lanes; can be pickled.

    Attributes:
        engine: whose lanes.
        lanes: direction, port, channel (from 1): transmit lanes by port and channel, then receive lanes likewise.
        nominal_dB: margins as drawn, shape (L,).
        kinds: chains of the package, any ring in place of their own.
        tables: of the light that each kind needs.
        transmit, receive: the halves.
        lost_dB: light that laser light loses to itself over its change, by node and transmit lane; None where nothing.
        errors: kind of lane -> mean (rms) and largest difference from the full budget at random points, dB.
    """

    engine: str
    lanes: tuple[LaneName, ...]
    nominal_dB: Real
    kinds: tuple[Chain, ...]
    tables: tuple[NeededLight, ...]
    transmit: Half
    receive: Half
    lost_dB: Real | None
    errors: Mapping[str, tuple[float, float]]

    @staticmethod
    def of(
        spec: PackageSpec,
        parts: Parts,
        sheets: Mapping[str, Sheet],
        simulation: SimulationResult,
        engine: str | None = None,
        like: MarginKernel | None = None,
    ) -> MarginKernel:
        """Tabulate the budget of one engine.

        Args:
            spec, parts, sheets, simulation: as for `link_budget`, at the state that margins are for.
            engine: whose lanes; None: the first that has some.
            like: kernel of another engine of the package, whose tables do for chains that differ in their rings alone.

        Raises:
            SpecError, LayoutError, ParameterError: as `link_budget`; an engine without lanes, a kind of chain that no
                light would do for.
        """
        links = EngineLinks(spec, parts, sheets, simulation, engine)
        numbers, heads = links.kinds()
        known = {} if like is None else dict(zip(like.kinds, like.tables, strict=True))
        tables = tuple(known[kind] if kind in known else links.table(one) for kind, one in heads.items())
        transmit, receive = links.halves(numbers, tables)
        kernel = MarginKernel(
            engine=links.engine,
            lanes=tuple((direction, *name) for direction in ("tx", "rx") for name in links.names),
            nominal_dB=np.tile(links.nominal_dB(), 2),
            kinds=tuple(heads),
            tables=tables,
            transmit=transmit,
            receive=receive,
            lost_dB=links.lost_dB(),
            errors={},
        )
        return replace(kernel, errors=errors_of(kernel.margins, links) if like is None else like.errors)

    @property
    def transmitters(self) -> int:
        """Number of transmit lanes."""
        return len(self.transmit.table)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report says of the tables, one line each."""
        return tuple(
            f"margins of {words} come from tables: {mean:.2g} dB (at most {most:.2g} dB) off the full budget at "
            f"{PROBES} random points"
            for words, (mean, most) in self.errors.items()
        )

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
        return np.where(np.isfinite(half.closing_dB), found - half.closing_dB, np.inf)

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
