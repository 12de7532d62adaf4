"""What the fibres of an engine may lose before a lane falls below a margin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from cpo_pdk.attach.facet import Facet
from cpo_pdk.attach.limits import Limit, least
from cpo_pdk.circuit.results import Lane
from cpo_pdk.link.own_light import OwnLight
from cpo_pdk.link.results import LinkLane
from cpo_pdk.models.sdict import Array

#: losses of a laser fibre that their effect is computed at, dB: less than none is a fibre that fits better
_LOST_DB = np.concatenate([np.linspace(-1.0, 4.0, 26), np.linspace(5.0, 20.0, 16)])
#: all the light is lost here, and what is left loses nothing to itself
_DARK_DB = 1000.0


def margin_limit(
    facet: Facet,
    lanes: Iterable[LinkLane],
    engines: Iterable[str],
    lasers: Mapping[int, int],
    margin_dB: float,
    felt: Mapping[str, tuple[Array, Array]],
) -> Limit:
    """Every lane keeps a margin, judged from each end alone: the other half of its link is as drawn.

    A decibel that a data fibre loses is one of margin: that is how a margin is defined. Of a laser fibre's loss the
    lanes feel what `laser_felt` says. The engines of one cell share a limit: the least slack of each fibre among them.

    Args:
        facet: of the engines' cell.
        lanes: of the budget.
        engines: names of the engines of that cell.
        lasers: transmit port -> laser port that feeds it.
        margin_dB: to be kept.
        felt: see `laser_felt`.

    Raises:
        InputError: no lane at these engines.
    """
    known = set(engines)
    found: list[tuple[tuple[str, ...], float]] = []
    for lane in lanes:
        slack = lane.margin_dB - margin_dB
        if lane.engine in known:
            found.append(((f"laser_{lasers[lane.port]}", f"tx_{lane.port}"), slack))
        if lane.far_engine in known:
            found.append(((f"rx_{lane.far_port}",), slack))
    return Limit.lanes(facet, least(found), f"every lane keeps a margin of {margin_dB:g} dB", felt)


def laser_felt(
    own: OwnLight, lanes: Iterable[Lane], engines: Iterable[str], lasers: Mapping[int, int]
) -> dict[str, tuple[Array, Array]]:
    """Laser port -> losses before it, dB, and how much less light comes out of the first guide, dB.

    Less light loses less to itself there; of the lanes behind a laser port the one that feels most counts.

    Args:
        own: what laser light loses to itself.
        lanes: of the circuit.
        engines: names of the engines that are looked at.
        lasers: transmit port -> laser port that feeds it.
    """
    known, power = set(engines), own.spec.laser.per_wavelength_dBm
    runs: dict[tuple[int, float, float], Lane] = {}
    for lane in lanes:
        if lane.direction == "tx" and lane.engine in known:
            runs.setdefault((lasers[lane.port], *own.run(lane)), lane)
    found: dict[str, tuple[Array, Array]] = {}
    for (laser, *_), lane in runs.items():
        now = own.lost_dB(lane)
        each = np.array([lost - now + own.lost_dB(lane, power - lost) for lost in _LOST_DB.tolist()])
        name = f"laser_{laser}"
        each = np.append(each, _DARK_DB - now)
        felt = np.maximum(each, found[name][1]) if name in found else each
        found[name] = (np.append(_LOST_DB, _DARK_DB), np.maximum.accumulate(felt))
    return found
