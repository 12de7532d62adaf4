"""The lanes of one engine as arrays: what arrives nominally, and what of it each half of a link makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.errors import LayoutError
from cpo_pdk.link.budget import LaneInputs, LaneMaker, channel_named
from cpo_pdk.link.laser_classes import threshold_ber
from cpo_pdk.link.light_path import links_of, losses_outside
from cpo_pdk.link.needed_light import NeededLight, needed_light
from cpo_pdk.link.own_light import OwnLight
from cpo_pdk.link.receiver import margins_dB
from cpo_pdk.link.responses import Chain, Ring
from cpo_pdk.link.room import amplitude_dBA
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

#: what laser light may change by before a silicon guide, dB, and nodes of what it then loses to itself
ENTERING_DB, ENTERING_NODES = (-12.0, 6.0), 19
#: stands for any ring where kinds of chains are compared
_ANY_RING = Ring(1.0, 1.0, 1.0, 1.0)


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
        other_squares: the same of the other half: by aggressor, shape (n, C), for transmit lanes, else (n, 1).
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


class EngineLinks:
    """The links of one engine as the budget has them.

    Args:
        spec, parts, sheets, simulation: as for `link_budget`.
        engine: whose transmit lanes; None: the first that has some.

    Raises:
        SpecError, LayoutError, ParameterError: as `link_budget`; an engine without lanes.
    """

    def __init__(
        self,
        spec: PackageSpec,
        parts: Parts,
        sheets: Mapping[str, Sheet],
        simulation: SimulationResult,
        engine: str | None,
    ) -> None:
        outside = losses_outside(spec, parts, sheets)
        self.laser_dBm, self.threshold = spec.laser.per_wavelength_dBm, threshold_ber(spec)
        self.own = OwnLight(spec, sheets, outside)
        self.maker = LaneMaker(spec, parts, sheets, simulation, outside)
        links = links_of(simulation)
        known = dict.fromkeys(link.transmit.engine for link in links)
        self.engine = next(iter(known)) if engine is None else engine
        if self.engine not in known:
            raise LayoutError(f'no lanes on engine "{engine}"; engines with lanes: {", ".join(known)}')
        own = [link for link in links if link.transmit.engine == self.engine]
        self.inputs = [
            self.maker.inputs(link)
            for link in sorted(own, key=lambda link: (link.transmit.port, link.transmit.channel))
        ]
        self.names = [(entry.link.transmit.port, entry.link.transmit.channel) for entry in self.inputs]
        self.channels = max(channel for _, channel in self.names)

    def nominal_dB(self) -> Real:
        """Margins as drawn, minus infinity where no light would do, shape (n,)."""
        found = margins_dB([e.signal for e in self.inputs], [e.receiver for e in self.inputs], self.threshold)
        return np.asarray(found, np.float64)

    def kinds(self) -> tuple[Whole, dict[Chain, LaneInputs]]:
        """Number of each lane's kind of chain, and of each kind the lane with the middle linewidth."""
        kinds: dict[Chain, list[int]] = {}
        for number, entry in enumerate(self.inputs):
            kind = replace(entry.chain, modulator=_ANY_RING) if _swinging(entry.chain) else entry.chain
            kinds.setdefault(kind, []).append(number)
        found = np.zeros(len(self.inputs), np.int64)
        heads: dict[Chain, LaneInputs] = {}
        for number, (kind, lanes) in enumerate(kinds.items()):
            found[lanes] = number
            widths = sorted(lanes, key=lambda lane: sum(_widths(self.inputs[lane].chain)))
            heads[kind] = self.inputs[widths[len(widths) // 2]]
        return found, heads

    def table(self, head: LaneInputs) -> NeededLight:
        """What the chain of a lane needs."""
        return needed_light(head.signal, head.receiver, head.chain, self.threshold)

    def halves(self, kinds: Whole, tables: tuple[NeededLight, ...]) -> tuple[Half, Half]:
        """Transmit and receive lanes, n each."""
        inputs, count = self.inputs, len(self.inputs)
        place = {name: number for number, name in enumerate(self.names)}
        beside = np.array(
            [[place.get((port, c + 1), -1) for c in range(self.channels)] for port, _ in self.names], np.int64
        )
        launch = np.array([e.launch_dBm for e in inputs])
        over = np.where(beside >= 0, 10 ** ((launch[beside] - launch[:, None]) / 10), 1.0)
        made = np.array([sum(10 ** (a.level_dB / 5) for a in e.link.transmit.aggressors) for e in inputs])
        taken = np.zeros((count, self.channels))
        for row, entry in enumerate(inputs):
            for aggressor in entry.link.receive.aggressors:
                taken[row, channel_named(aggressor.name) - 1] = 10 ** (aggressor.level_dB / 5)
        taken *= over**2
        rings = np.array([_widths(e.chain) for e in inputs])
        reference = np.array([tables[kind].reference_GHz for kind in kinds])
        share = np.where(reference > 0, rings / np.where(reference > 0, reference, 1.0), 1.0)
        extinction = np.array([e.signal.extinction_dB for e in inputs])
        received = np.array([e.signal.received_dBm for e in inputs])
        amplitude = amplitude_dBA(received, extinction, np.array([e.receiver.responsivity_A_W for e in inputs]))
        needed = [
            float(tables[kind].needed_dBA(extinction[k], made[k] + taken[k].sum(), *share[k]))
            for k, kind in enumerate(kinds)
        ]
        nominal = self.nominal_dB()
        closing = np.where(np.isfinite(nominal), nominal - (amplitude - np.array(needed)), -np.inf)
        transmit = Half(
            table=kinds,
            amplitude_dBA=amplitude,
            closing_dB=closing,
            extinction_dB=extinction,
            bus=share[:, 0],
            lost=share[:, 1],
            own_share=np.where(rings[:, 0] > 0, rings[:, 0] / np.maximum(rings.sum(axis=1), 1e-9), 1.0),
            own_squares=made,
            other_squares=taken,
            launch=over,
            beside=beside,
        )
        return transmit, replace(transmit, own_squares=taken.sum(axis=1), other_squares=made[:, None])

    def lost_dB(self) -> Real | None:
        """Light that laser light loses to itself beyond the nominal loss, by node and lane; None where nothing."""
        nodes = self.laser_dBm + np.linspace(*ENTERING_DB, ENTERING_NODES)
        lanes = [entry.link.transmit for entry in self.inputs]
        lost = np.array([[self.own.lost_dB(lane, float(laser)) for lane in lanes] for laser in nodes])
        nominal = np.array([self.own.lost_dB(lane) for lane in lanes])
        return lost - nominal if lost.any() else None


def _swinging(chain: Chain) -> bool:
    return isinstance(chain.modulator, Ring) and chain.modulator.swings


def _widths(chain: Chain) -> tuple[float, float]:
    """Linewidth of a swinging ring by its bus and by its losses, GHz; zeros for another modulator."""
    ring = chain.modulator
    if not (isinstance(ring, Ring) and ring.swings):
        return 0.0, 0.0
    return ring.linewidth_bus_GHz, ring.linewidth_GHz - ring.linewidth_bus_GHz
