"""Ribbons of different engines: how far they keep apart in a layer, and where those of two layers cross."""

from __future__ import annotations

from collections.abc import Iterable

from cpo_pdk.verify.assembly.crossings import MOST_IN_SQUARE, Crowded, ribbon_distances
from cpo_pdk.verify.assembly.levels import FIBRE_LAYERS
from cpo_pdk.verify.assembly.outcome import Outcome, Question, spot, um
from cpo_pdk.verify.assembly.parts import Package
from cpo_pdk.verify.assembly.ribbon_crossings import ribbon_crossings
from cpo_pdk.verify.findings import Violation


def fibre_layers(package: Package, numbers: Iterable[int]) -> str:
    """The layers of some fibres as a violation shows them, lowest first.

    Args:
        package: the parts.
        numbers: of the fibres.
    """
    return "/".join(sorted({package.fibres[number].layer for number in numbers}, key=FIBRE_LAYERS.index))


def crowd(question: Question, crowded: Crowded) -> Violation:
    """What is said where fibres can't be told apart any more."""
    return question.violation(
        [spot(crowded.x, crowded.y, 500.0)],
        f"{crowded.count} stretches of fibre in one place, {MOST_IN_SQUARE} can be compared: the rule was not run to "
        "its end; this is no ribbon, remove what is drawn twice",
    )


def ribbon_spacing(question: Question) -> Outcome:
    """Fibres of different engines in one ribbon layer keep apart, but for those that share a connector."""
    package, outcome = question.package, Outcome()
    asked = None if question.spec is None else question.spec.fibres.ribbon_gap_mm * 1e3
    limit, asked_at = question.stricter("fibres.ribbon_gap_mm", asked)
    outcome.looked_at = len({owner for owner in package.owners if owner >= 0})
    try:
        close = ribbon_distances(package.fibres, package.owners, limit, package.planes, package.arrivals)
    except Crowded as crowded:
        outcome.tell(crowd(question, crowded))
        return outcome
    for near in close:
        a, b = package.engines[near.first].name, package.engines[near.second].name
        outcome.tell(
            question.violation(
                [spot(near.x, near.y, max(near.distance / 2, 62.5))],
                f"the ribbons of {a} and {b} come within {um(near.distance)} um, {um(limit)} um needed; lead one of "
                "them further out",
                asked_at=asked_at,
                layer=near.layer,
            )
        )
    return outcome


def ribbon_crossing(question: Question) -> Outcome:
    """Ribbons of different layers cross outside of the package: above it only where rule or spec allow that.

    Every crossing is counted. The fan-out of an engine, where its own fibres are sorted into ribbons above one another,
    is none.
    """
    package, spec = question.package, question.spec
    ribbons = set(zip(package.owners, package.planes, package.arrivals, strict=True))
    outcome = Outcome(looked_at=len({ribbon for ribbon in ribbons if min(ribbon) >= 0}))
    allowed = "allowed" in question.words("inside") or (spec is not None and spec.fibres.crossings_in_package)
    try:
        crossings = ribbon_crossings(package)
    except Crowded:
        return outcome  # told by the rule of single fibres
    over = [crossing for crossing in crossings if crossing.over]
    outcome.crossings = tuple(crossings)
    outcome.counted.update(ribbon_crossings=len(crossings), ribbon_crossings_over_package=len(over))
    for crossing in () if allowed else over:
        outcome.tell(
            question.violation(
                [spot(crossing.x, crossing.y, 62.5)],
                f"the ribbons {crossing.first} and {crossing.second} cross over the package at "
                f"({um(crossing.x / 1e3)}, {um(crossing.y / 1e3)}) mm, {crossing.angle:.3g} degrees, 0 crossings "
                "allowed there; lead them over one another outside of the package or allow crossings_in_package",
                asked_at=question.line("fibres.crossings_in_package"),
                layer="/".join(crossing.layers),
            )
        )
    return outcome
