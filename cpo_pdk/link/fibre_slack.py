"""What the fibres of an engine may lose before a lane falls below a margin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cpo_pdk.attach.facet import Facet
from cpo_pdk.attach.limits import Limit, least
from cpo_pdk.link.results import LinkLane


def margin_limit(
    facet: Facet, lanes: Iterable[LinkLane], engines: Iterable[str], lasers: Mapping[int, int], margin_dB: float
) -> Limit:
    """Every lane keeps a margin, judged from each end alone: the other half of its link is as drawn.

    A decibel that a fibre loses is taken as a decibel of margin. That is how a margin is defined for light on its way
    to the receiver; before the modulator it is a little pessimistic, since less light also loses less to itself. The
    engines of one cell share a limit: the least slack of each fibre among them.

    Args:
        facet: of the engines' cell.
        lanes: of the budget.
        engines: names of the engines of that cell.
        lasers: transmit port -> laser port that feeds it.
        margin_dB: to be kept.

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
    return Limit.lanes(facet, least(found), f"every lane keeps a margin of {margin_dB:g} dB")
