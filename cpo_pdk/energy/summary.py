"""From the ledger of watts to energy a bit: of a lane, of an engine, of the package; beside others."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from cpo_pdk.energy.cluster import cluster_energy
from cpo_pdk.energy.comparison import comparison_of, comparisons, pluggable_key
from cpo_pdk.energy.ledger import ASIC
from cpo_pdk.energy.results import Consumer, EnergyResult, Ledger
from cpo_pdk.errors import ParameterError
from cpo_pdk.spec import PackageSpec
from cpo_pdk.spec.part import Parts

CLOSES_W = 1e-9
"""What the two sums of a ledger may differ by, W."""

LaneName = tuple[str, int, int]


def energy_of(spec: PackageSpec, parts: Parts, ledger: Ledger) -> EnergyResult:
    """Energy a bit at one state.

    Args:
        spec: the package.
        parts: what is bought.
        ledger: all watts at that state.

    Raises:
        ParameterError: a ledger without lanes, or whose two sums differ by more than `CLOSES_W`.
    """
    if not ledger.lanes_Tbps > 0:
        raise ParameterError("the ledger has no transmit lanes, 1 needed for energy a bit; give a layout with lanes")
    gap = ledger.taken_W - ledger.heat_W
    if not abs(gap) <= CLOSES_W:
        raise ParameterError(
            f"the ledger does not close: {ledger.taken_W:.12g} W taken, {ledger.heat_W:.12g} W of heat, {gap:.3g} W "
            f"apart, {CLOSES_W:g} allowed; every watt must become heat once"
        )
    optics = [consumer for consumer in ledger.consumers if consumer.kind != ASIC]
    watts = _sum(optics)
    bandwidth = ledger.lanes_Tbps
    kinds = {kind: watt / bandwidth for kind, watt in ledger.by_kind().items() if kind != ASIC}
    engines: dict[str, list[float]] = defaultdict(list)
    for heat in ledger.heat:
        if heat.engine:
            engines[heat.engine].append(heat.watt)
    cluster = None
    if spec.cluster is not None:
        other = comparison_of(pluggable_key(spec.engine.lane_rate_Gbps), bandwidth)
        cluster = cluster_energy(spec.cluster, watts, bandwidth, other)
    return EnergyResult(
        ledger=ledger,
        optics_W=watts,
        pJ_bit=watts / bandwidth,
        by_kind_pJ_bit=kinds,
        static_W=_sum(consumer for consumer in optics if consumer.static),
        dynamic_W=_sum(consumer for consumer in optics if not consumer.static),
        engines_W={engine: math.fsum(found) for engine, found in engines.items()},
        lanes_pJ_bit=_lanes(optics, ledger.lanes, spec.engine.lane_rate_Gbps * 1e-3),
        comparisons=comparisons(bandwidth),
        cluster=cluster,
        warnings=_warnings(spec, parts, ledger),
    )


def _sum(consumers: Iterable[Consumer]) -> float:
    return math.fsum(consumer.watt for consumer in consumers)


def _lanes(optics: list[Consumer], lanes: tuple[LaneName, ...], rate_Tbps: float) -> dict[LaneName, float]:
    """Transmit lane with the receive lane of the same name -> pJ/bit; what an engine's lanes share is split evenly."""
    own: dict[LaneName, list[float]] = {name: [] for name in lanes}
    shared: dict[str, list[float]] = {engine: [] for engine, _port, _channel in lanes}
    everywhere: list[float] = []
    for consumer in optics:
        if consumer.lane is not None:
            engine, _direction, port, channel = consumer.lane
            if (engine, port, channel) in own:
                own[engine, port, channel].append(consumer.watt)
                continue
        shared.get(consumer.engine, everywhere).append(consumer.watt)
    count = Counter(engine for engine, _port, _channel in lanes)
    even = {engine: math.fsum(watts) / count[engine] for engine, watts in shared.items()}
    rest = math.fsum(everywhere) / max(1, len(lanes))
    return {name: (math.fsum(watts) + even[name[0]] + rest) / rate_Tbps for name, watts in own.items()}


def _warnings(spec: PackageSpec, parts: Parts, ledger: Ledger) -> tuple[str, ...]:
    """Notes of the ledger, bandwidths that differ, a laser case outside what its module is made for."""
    found = list(ledger.notes)
    if abs(ledger.lanes_Tbps - spec.bandwidth_Tbps) > 1e-6 * spec.bandwidth_Tbps:
        found.append(
            f"energy a bit is that of the {ledger.lanes_Tbps:g} Tb/s that the layout's lanes carry, the spec has "
            f"{spec.bandwidth_Tbps:g} Tb/s"
        )
    case, laser = spec.thermal.laser_case_C, parts.laser.values
    if not laser.get("case_min_C", -math.inf) <= case <= laser.get("case_max_C", math.inf):
        found.append(
            f"thermal.laser_case_C is {case:g} C, {parts.laser.name} is made for {laser.get('case_min_C', -40):g} to "
            f"{laser.get('case_max_C', 125):g} C"
        )
    return tuple(found)
