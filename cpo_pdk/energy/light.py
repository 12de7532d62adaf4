"""Where the light of the lasers ends as heat.

All light is absorbed somewhere: in the fibres and connectors (`outside`), in the photonic die that it was sent through,
or in the one that it arrives at. The far end of a link is an engine of an equal package, whose light arrives here in
turn: so what leaves an engine, less what is lost on the way, heats the photonic die of the lane of the same name.
Splitters share light out, they don't absorb it: what heats a transmitting die is what the laser fibre brings less what
all of its lanes send, at the mean of the two outer levels. Light that a facet scatters counts as heat of its die.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cpo_pdk.circuit.results import Lane, LossItem
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts

OUTSIDE = "outside"


@dataclass(frozen=True)
class Light:
    """Light of all lasers.

    Attributes:
        lasers_W: (laser module, engine that it feeds) -> light out of the module, W.
        heat_W: place -> where it ends, W; the same sum.
        feeds: how many lasers there are: wavelengths of laser fibres.
    """

    lasers_W: Mapping[tuple[str, str], float]
    heat_W: Mapping[str, float]
    feeds: int


def module_of(laser: str) -> str:
    """The laser module of a position: `ELS-1` of `ELS-1.3`."""
    return laser.rpartition(".")[0] or laser


def ways_dB(lane: Lane) -> tuple[float, float, float]:
    """Loss of a lane before, in and behind its engine, dB; of a receive lane, nothing is behind."""
    items = [item for item in lane.items if item.instance != "-"]
    before = math.fsum(item.loss_dB for item in _outer(items))
    behind = math.fsum(item.loss_dB for item in _outer(reversed(items))) if any(i.inside for i in items) else 0.0
    return before, lane.insertion_loss_dB - before - behind, behind


def _outer(items: Iterable[LossItem]) -> list[LossItem]:
    """The items before the first one that lies in the engine."""
    found: list[LossItem] = []
    for item in items:
        if item.inside:
            break
        found.append(item)
    return found


def span_dB(spec: PackageSpec, parts: Parts, sheets: Mapping[str, Sheet]) -> float:
    """Loss between two faceplates, both included: connectors, fibre, what is kept for ageing; dB."""
    fibre = sheets[spec.engine.devices.fiber].values.get("attenuation_dB_km", 0.0)
    link = spec.link
    return link.connectors * parts.connector["loss_dB"] + link.length_m * 1e-3 * fibre + link.aging_dB


def mean_over_one(lane: Lane) -> float:
    """Mean power of a modulated lane over that of its level one."""
    return 1.0 if lane.extinction_dB is None else (1 + _power(lane.extinction_dB)) / 2


def _power(loss_dB: float) -> float:
    return 10 ** (-loss_dB / 10)


def light_of(spec: PackageSpec, parts: Parts, sheets: Mapping[str, Sheet], lanes: Iterable[Lane]) -> Light:
    """Light of all lasers and where it ends.

    Args:
        spec: the package.
        parts: what is bought.
        sheets: of the devices.
        lanes: of the layout.
    """
    each = 10 ** (spec.laser.per_wavelength_dBm / 10) * 1e-3
    blind = _power(spec.link.laser_connectors * parts.connector["loss_dB"])
    span = span_dB(spec, parts, sheets)
    lanes = tuple(lanes)
    receive = {(lane.engine, lane.port, lane.channel): lane for lane in lanes if lane.direction == "rx"}
    fed: dict[tuple[str, int], list[Lane]] = defaultdict(list)
    for lane in lanes:
        if lane.direction == "tx":
            fed[lane.laser, lane.channel].append(lane)
    lasers: dict[tuple[str, str], list[float]] = defaultdict(list)
    heat: dict[str, list[float]] = defaultdict(list)
    for (laser, _channel), group in fed.items():
        engine = group[0].engine
        lasers[module_of(laser), engine].append(each)
        arrives = each * blind * _power(ways_dB(group[0])[0])
        heat[OUTSIDE].append(each - arrives)
        left = arrives
        for lane in group:
            before, inside, behind = ways_dB(lane)
            sent = min(each * blind * _power(before + inside) * mean_over_one(lane), left)
            left -= sent
            far = receive.get((lane.engine, lane.port, lane.channel))
            if far is None:
                heat[OUTSIDE].append(sent)
                continue
            there = sent * _power(behind + span + ways_dB(far)[0])
            heat[OUTSIDE].append(sent - there)
            heat[f"pic:{far.engine}"].append(there)
        heat[f"pic:{engine}"].append(left)
    return Light(
        {key: math.fsum(watts) for key, watts in lasers.items()},
        {place: math.fsum(watts) for place, watts in heat.items()},
        len(fed),
    )
