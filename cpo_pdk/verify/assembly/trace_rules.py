"""Serial lanes between switch die and engines, drawn as airwires: no trace longer than its interface reaches."""

from __future__ import annotations

import klayout.db as kdb
import numpy as np

from cpo_pdk.spec.reach import longest_mm, trace_loss_dB
from cpo_pdk.verify.assembly.outcome import EQUAL, Outcome, Question, several, um
from cpo_pdk.verify.assembly.parts import Package
from cpo_pdk.verify.assembly.placed import Points


def wire_ends(package: Package) -> Points:
    """Both ends of each airwire, shape (N, 2, 2), um.

    Args:
        package: the parts.
    """
    return np.array([_ends(wire) for wire in package.drawn("AIRWIRE")]).reshape(-1, 2, 2)


def _ends(wire: kdb.DPolygon) -> list[tuple[float, float]]:
    """Where a wire begins and ends: the middles of the two shortest edges of its outline."""
    edges = sorted(wire.each_edge(), key=lambda edge: edge.length())[:2]
    return [((edge.x1 + edge.x2) / 2, (edge.y1 + edge.y2) / 2) for edge in edges]


def engine_at(package: Package, points: Points) -> list[int]:
    """Number of the engine that each point lies on, -1 for none.

    Args:
        package: the parts.
        points: shape (N, 2), um.
    """
    found = np.full(len(points), -1, dtype=np.int64)
    for number, engine in enumerate(package.engines):
        box = engine.box
        there = (points[:, 0] >= box.left) & (points[:, 0] <= box.right)
        found[there & (points[:, 1] >= box.bottom) & (points[:, 1] <= box.top)] = number
    return found.tolist()


def trace_reach(question: Question) -> Outcome:
    """No trace (an airwire, along x and y) is longer than its interface reaches: that of the spec, else the rule."""
    package, spec, outcome = question.package, question.spec, Outcome()
    ends = wire_ends(package)
    if not len(ends):
        return outcome
    lengths = np.abs(ends[:, 0] - ends[:, 1]).sum(axis=1)
    outcome.looked_at = len(ends)
    outcome.counted["longest_trace_um"] = round(float(lengths.max()))
    limit = question.rule.value if spec is None else longest_mm(spec) * 1e3
    long = np.flatnonzero(lengths > limit + EQUAL)
    engines = np.array([max(pair) for pair in zip(*(engine_at(package, ends[long, k]) for k in (0, 1)), strict=True)])
    for number in np.unique(engines):
        group = long[engines == number]
        worst = group[np.argmax(lengths[group])]
        to = f" to {package.engines[int(number)].name}" if number >= 0 else ""
        length = float(lengths[worst])
        what = f"{several(len(group), 'trace')}{to}, up to {um(length / 1e3)} mm long"
        if spec is None:
            reach = f"{um(limit / 1e3)} mm are the reach of serial links; move the engine closer"
        else:
            reach = (
                f"{spec.electrical.reach} reaches {um(limit / 1e3)} mm at {spec.electrical.loss_dB_mm:g} dB/mm "
                f"({trace_loss_dB(spec, length):.2f} dB here); move the engine closer or use an interface of more reach"
            )
        boxes = [kdb.DBox(*ends[k].min(axis=0).tolist(), *ends[k].max(axis=0).tolist()) for k in group.tolist()]
        outcome.tell(question.violation(boxes, f"{what}, {reach}", asked_at=question.line("electrical.reach")))
    return outcome
