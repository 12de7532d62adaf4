"""Watts: who takes them and where they become heat; plain frozen values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

LaneKey = tuple[str, str, int, int]
"""Engine, direction (tx or rx), port, channel."""


@dataclass(frozen=True)
class Consumer:
    """One taker of electrical power.

    Attributes:
        kind: laser, driver, modulator, tia, serdes_host, serdes_engine, heater, control (with monitors), asic.
        watt: electrical power.
        engine: name of the placed engine; empty for what belongs to none.
        lane: the lane that it is for; None where several share it.
        static: taken whatever is sent; the rest is taken by switching (with an idle pattern as well as with traffic).
        source: sheet or model behind the number.
    """

    kind: str
    watt: float
    engine: str = ""
    lane: LaneKey | None = None
    static: bool = True
    source: str = ""


@dataclass(frozen=True)
class Heat:
    """Heat that arises at a place.

    Attributes:
        place: `asic` (shared out by its power map), `eic:N1` and `pic:N1` (evenly over that die of engine N1),
            `ring:<instance path in the top cell>` (at one ring or interferometer), `els:ELS-1` (laser module, at the
            faceplate), `outside` (fibres and the rest of the room).
        watt: heat.
        kind: as `Consumer.kind`, or `light` for what is absorbed.
        engine: of the dies, rings and interferometers of an engine; else empty.
    """

    place: str
    watt: float
    kind: str
    engine: str = ""


@dataclass(frozen=True)
class Ledger:
    """All watts of a package at one state: `consumers` and `heat` have the same sum.

    Attributes:
        consumers, heat: see there.
        lanes_Tbps: bandwidth of the lanes in one direction.
        notes: what could not be counted, one line each.
        lanes: engine, port and channel of the transmit lanes.
    """

    consumers: tuple[Consumer, ...]
    heat: tuple[Heat, ...]
    lanes_Tbps: float
    notes: tuple[str, ...] = ()
    lanes: tuple[tuple[str, int, int], ...] = ()

    @property
    def taken_W(self) -> float:
        """Electrical power of everything, the ASIC included."""
        return math.fsum(consumer.watt for consumer in self.consumers)

    @property
    def heat_W(self) -> float:
        """Heat of everything."""
        return math.fsum(heat.watt for heat in self.heat)

    def by_kind(self) -> dict[str, float]:
        """Kind -> electrical watts, the most first."""
        sums: dict[str, list[float]] = {}
        for consumer in self.consumers:
            sums.setdefault(consumer.kind, []).append(consumer.watt)
        found = {kind: math.fsum(watts) for kind, watts in sums.items()}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def by_place(self) -> dict[str, float]:
        """Place -> watts of heat."""
        sums: dict[str, list[float]] = {}
        for heat in self.heat:
            sums.setdefault(heat.place, []).append(heat.watt)
        return {place: math.fsum(watts) for place, watts in sums.items()}


@dataclass(frozen=True)
class Comparison:
    """One technology beside ours at the same bandwidth.

    Attributes:
        name: of the product or of its class.
        pJ_bit: published, one end of a link; `watt` the same at our bandwidth.
        source: where it was published.
        counts: what is in the figure.
        host_pJ_bit: what the serial links of the host's chip take besides, where it is known that they are not in it.
    """

    name: str
    pJ_bit: float
    watt: float
    source: str
    counts: str = ""
    host_pJ_bit: float = 0.0

    @property
    def total_pJ_bit(self) -> float:
        """With the serial links of the host's chip."""
        return self.pJ_bit + self.host_pJ_bit


@dataclass(frozen=True)
class ClusterEnergy:
    """Energy of a cluster in a year at the power of one state, ours and with pluggables.

    Attributes:
        packages: how many it takes, as a number that need not be whole.
        optics_MWh, pluggable_MWh: electrical energy of the optics in a year, with the PUE; serial links of the hosts
            are in both.
        carbon_t, pluggable_carbon_t: tonnes of CO2.
        pluggable: name of what ours is held against.
        state: state whose power the spec wants counted; that of another state is what it would be.
    """

    packages: float
    optics_MWh: float
    pluggable_MWh: float
    carbon_t: float
    pluggable_carbon_t: float
    pluggable: str = ""
    state: str = "typical"


@dataclass(frozen=True)
class EnergyResult:
    """Energy a bit at one state.

    Attributes:
        ledger: all watts.
        optics_W: everything but the ASIC's own power (its half of the serial links is part of the optics).
        pJ_bit: optics_W over bandwidth.
        by_kind_pJ_bit: the stack, the most first.
        static_W, dynamic_W: of the optics.
        engines_W: engine -> heat in it: its two dies and what is on them, light that they absorb included.
        lanes_pJ_bit: lane of the transmit direction and the receive lane of the same name together -> pJ/bit, shared
            power split evenly.
        comparisons: others at the same bandwidth.
        cluster: None where the spec has none.
        warnings: one line each.
    """

    ledger: Ledger
    optics_W: float
    pJ_bit: float
    by_kind_pJ_bit: dict[str, float]
    static_W: float
    dynamic_W: float
    engines_W: dict[str, float]
    lanes_pJ_bit: Mapping[tuple[str, int, int], float]
    comparisons: tuple[Comparison, ...] = ()
    cluster: ClusterEnergy | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def without_host_pJ_bit(self) -> float:
        """`pJ_bit` without the serial links' half in the ASIC: what figures of modules and engines count."""
        return self.pJ_bit - self.by_kind_pJ_bit.get("serdes_host", 0.0)

    @property
    def engines_pJ_bit(self) -> dict[str, float]:
        """Engine -> mean of its lanes: its share of lasers and of the ASIC's serial links included."""
        lanes: dict[str, list[float]] = {}
        for (engine, _port, _channel), value in self.lanes_pJ_bit.items():
            lanes.setdefault(engine, []).append(value)
        return {engine: math.fsum(values) / len(values) for engine, values in lanes.items()}
