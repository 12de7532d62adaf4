"""How far tabulated margins lie from the full budget: both at the same random points.

Around the nominal points of lanes: extinction and crosstalk of the transmitter, linewidths and swing of its ring (whose
eye is computed anew); light of other wavelengths in the detector of a receive lane. Points at which a lane is
dead by both do not count where there are others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.link.budget import LaneInputs, channel_named
from cpo_pdk.link.eye import eye_of
from cpo_pdk.link.halves import EngineLinks
from cpo_pdk.link.penalties import mean_penalty_dB
from cpo_pdk.link.receiver import margins_dB
from cpo_pdk.link.responses import Ring
from cpo_pdk.link.room import other_ring

Real = NDArray[np.float64]

#: points, and the seed of them
PROBES, SEED = 16, 8
#: how far they reach to either side: extinction and crosstalk in dB, linewidth by bus and by losses, swing (relative)
EXTINCTION_DB, CROSSTALK_DB, BUS, LOST, SWING = 1.5, 4.0, 0.2, 0.08, 0.05

Margins = Callable[..., Real]
"""`MarginKernel.margins`."""


#: dB; where both margins lie below that, the lane is dead and no error of it counts
DEAD_DB = -3.0


def errors_of(margins: Margins, links: EngineLinks) -> dict[str, tuple[float, float]]:
    """Kind of lane -> mean (rms) and largest difference, dB.

    Args:
        margins: of the kernel.
        links: that it was made of.
    """
    rng = np.random.default_rng(SEED)
    pairs: dict[str, list[tuple[float, float]]] = {"transmit lanes": [], "receive lanes": []}
    for _ in range(PROBES):
        lane = int(rng.integers(len(links.inputs)))
        extinction, louder, bus, lost, swing = rng.uniform(-1, 1, 5)
        change = EXTINCTION_DB * extinction, CROSSTALK_DB * louder
        shares = {"bus": 1 + BUS * bus, "lost": 1 + LOST * lost, "swing": 1 + SWING * swing}
        pairs["transmit lanes"].append(_transmitted(margins, links, lane, *change, shares))
        pairs["receive lanes"].append(_received(margins, links, lane, change[1]))
    found: dict[str, tuple[float, float]] = {}
    for words, both in pairs.items():
        alive = [(a, b) for a, b in both if max(a, b) > DEAD_DB] or [(a, b) for a, b in both if a != b]
        apart = np.array([a - b for a, b in alive] or [0.0])
        found[words] = float(np.sqrt(np.mean(apart**2))), float(np.abs(apart).max())
    return found


def _transmitted(
    margins: Margins, links: EngineLinks, lane: int, more_dB: float, louder_dB: float, shares: dict[str, float]
) -> tuple[float, float]:
    """Margin of a transmit lane in full and from the tables."""
    entry, count = links.inputs[lane], len(links.inputs)
    ring, eye = entry.chain.modulator, entry.receiver.eye
    receiver, given = entry.receiver, dict[str, Any]()
    if isinstance(ring, Ring) and ring.swings:
        other = other_ring(ring, **shares)
        chain = replace(entry.chain, modulator=other)
        receiver = replace(receiver, eye=eye_of(chain, eye.modulation, eye.baud_GBd, transmitter=False))
        given["linewidth"] = np.full((1, count), other.linewidth_GHz / ring.linewidth_GHz)
        given["linewidth_bus"] = np.full((1, count), shares["bus"])
        given["swing"] = np.full((1, count), shares["swing"])
    ratios = np.array([[e.signal.extinction_dB for e in links.inputs]])
    ratios[0, lane] = extinction = max(entry.signal.extinction_dB + more_dB, 0.5)
    lost = float(mean_penalty_dB(extinction) - mean_penalty_dB(entry.signal.extinction_dB))
    own = [a.level_dB + louder_dB for a in entry.link.transmit.aggressors]
    aggressors = np.zeros((1, 2 * count, links.channels))
    free = [c for c in range(links.channels) if c != links.names[lane][1] - 1]
    aggressors[0, lane, free[: len(own)]] = 10 ** (np.array(own) / 10)
    signal = replace(
        entry.signal,
        extinction_dB=extinction,
        received_dBm=entry.signal.received_dBm - lost,
        crosstalk_dB=(*own, *(level + lost for level in _taken(links, entry))),
    )
    exact = margins_dB([signal], [receiver], links.threshold)[0]
    table = margins(np.zeros((1, 2 * count)), extinction_dB=ratios, aggressors=aggressors, **given)
    return float(exact), float(table[0, lane])


def _received(margins: Margins, links: EngineLinks, lane: int, louder_dB: float) -> tuple[float, float]:
    """Margin of a receive lane in full and from the tables."""
    entry, count = links.inputs[lane], len(links.inputs)
    own = [a.level_dB for a in entry.link.transmit.aggressors]
    signal = replace(entry.signal, crosstalk_dB=(*own, *(level + louder_dB for level in _taken(links, entry))))
    exact = margins_dB([signal], [entry.receiver], links.threshold)[0]
    aggressors = np.zeros((1, 2 * count, links.channels))
    for aggressor in entry.link.receive.aggressors:
        aggressors[0, count + lane, channel_named(aggressor.name) - 1] = 10 ** ((aggressor.level_dB + louder_dB) / 10)
    table = margins(np.zeros((1, 2 * count)), aggressors=aggressors)
    return float(exact), float(table[0, count + lane])


def _taken(links: EngineLinks, entry: LaneInputs) -> list[float]:
    """Other wavelengths in the nominal detector, dB, as the budget has them."""
    lane, launch, found = entry.link.transmit, entry.launch_dBm, list[float]()
    for aggressor in entry.link.receive.aggressors:
        key = lane.engine, lane.port, channel_named(aggressor.name)
        found.append(aggressor.level_dB + links.maker.launched.get(key, launch) - launch)
    return found
