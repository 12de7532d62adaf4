"""Fibres on their way: where they end, in which order they arrive, where they cross, how far ribbons keep apart."""

from __future__ import annotations

from collections import Counter, defaultdict

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.crossings import MOST_IN_SQUARE, Crossing, Crowded, find_crossings, ribbon_distances
from cpo_pdk.verify.assembly.facet_rules import is_loop, named
from cpo_pdk.verify.assembly.outcome import Outcome, Question, several, some, spot, um
from cpo_pdk.verify.findings import Violation

#: more crossings of the same two ribbons than this are told as one
FEW = 10


def fibre_ends(question: Question) -> Outcome:
    """Every fibre leads from a facet to a connector, or is cut after the alignment.

    Which fibres may be cut is told by the names of the couplers, else by the spec; without either it isn't asked.
    """
    package = question.package
    outcome = Outcome(looked_at=len(package.fibres) + len(package.unread))
    for odd in package.unread:
        outcome.tell(
            Violation(
                question.rule.name,
                odd.layer,
                odd.cell,
                (round(odd.box.left, 4), round(odd.box.bottom, 4), round(odd.box.right, 4), round(odd.box.top, 4)),
                odd.fault + (f"; in {odd.places} places" if odd.places > 1 else ""),
                odd.places,
            )
        )
    if not package.engines and not package.connectors:
        return outcome
    ends = Counter(met.fibre for met in (*package.landings, *package.plugged))
    cut: dict[int, list[int]] = defaultdict(list)
    lost: dict[int, list[int]] = defaultdict(list)
    for number in range(len(package.fibres)):
        landing = package.landed.get(number)
        if ends[number] >= 2:
            continue
        if landing is None:
            lost[package.plugs[number].connector if number in package.plugs else -1].append(number)
        elif named(package, package.engines[landing.engine]) and not is_loop(package, landing):
            text = (
                f"{package.fibre_name(number)} from {package.coupler_name(landing)} ends at no connector, 1 needed; "
                "lead it to one"
            )
            outcome.tell(_marked(question, [number], text))
        else:
            cut[landing.engine].append(number)
    for connector, numbers in lost.items():
        where = f"of {package.connectors[connector].name} " if connector >= 0 else ""
        count = several(len(numbers), "fibre")
        names = some(package.fibre_name(number) for number in numbers)
        text = f"{count} {where}({names}) without a facet, 1 at an end of each needed; lead them to one or remove them"
        outcome.tell(_marked(question, numbers, text))
    allowed = None if question.spec is None else question.spec.engine.fibre_counts["loopback"]
    for engine, numbers in cut.items():
        if allowed is not None and len(numbers) > allowed:
            names = [package.fibre_name(number) for number in numbers]
            outcome.tell(
                question.violation(
                    [spot(end.x, end.y) for number in numbers for end in package.fibres[number].ends],
                    f"{len(numbers)} fibres ({some(names)}) of {package.engines[engine].name} end at no connector, "
                    f"{allowed} alignment fibres asked; lead the others to a connector",
                    asked_at=question.line("engine.loopbacks"),
                )
            )
    outcome.counted["fibres_to_connectors"] = len(package.plugs)
    return outcome


def _marked(question: Question, numbers: list[int], text: str) -> Violation:
    fibres = [question.package.fibres[number] for number in numbers]
    layers = "/".join(sorted({fibre.layer for fibre in fibres}))
    return question.violation([spot(end.x, end.y) for fibre in fibres for end in fibre.ends], text, layer=layers)


def fibre_order(question: Question) -> Outcome:
    """The fibres from a facet reach their connector side by side in the order in which they left.

    Who looks along the fibres sees the same one on the left at both ends; a swap needs a crossing, and reversed order
    is a ribbon that was turned over.
    """
    package, outcome = question.package, Outcome()
    groups: dict[tuple[int, int, int], list[tuple[float, float, int]]] = defaultdict(list)
    for number, plug in package.plugs.items():
        landing = package.landed.get(number)
        if landing is not None:
            facet = package.engines[landing.engine].die.facets[landing.facet]
            left = float(facet.along[landing.coupler]) + landing.aside
            flip = -1.0 if package.engines[landing.engine].place.mirrored else 1.0
            groups[landing.engine, landing.facet, plug.connector].append((flip * left, plug.left, number))
    for (engine, _, connector), fibres in groups.items():
        if len(fibres) < 2:
            continue
        outcome.looked_at += len(fibres)
        fibres.sort()
        arrived = np.argsort(np.argsort([left for _, left, _ in fibres]))
        where = f"from {package.engines[engine].name} to {package.connectors[connector].name}"
        inverted = int(np.sum(arrived[:, None] > arrived[None, :], where=np.tri(len(arrived), k=-1, dtype=bool).T))
        if not inverted:
            continue
        if inverted == len(fibres) * (len(fibres) - 1) // 2 and len(fibres) > 2:
            text = (
                f"the {len(fibres)} fibres {where} arrive in reversed order, as of a mirrored array, 0 swaps allowed; "
                "turn the array or the connector over"
            )
            concerned = [number for _, _, number in fibres]
        else:
            concerned = [fibres[k][2] for k in np.flatnonzero(arrived != np.arange(len(fibres)))]
            names = [package.fibre_name(number) for number in concerned]
            text = (
                f"{len(concerned)} fibres {where} arrive in another order than they left ({some(names)}), 0 swapped "
                "allowed; exchange them"
            )
        ends = [package.fibres[n].ends[package.plugs[n].end] for n in concerned]
        outcome.tell(question.violation([spot(end.x, end.y) for end in ends], text))
    return outcome


def fibre_crossing(question: Question) -> Outcome:
    """Fibres cross nowhere; where the rule allows it outside of the package, not at a shallow angle."""
    package, rule = question.package, question.rule
    outcome = Outcome(looked_at=len(package.fibres))
    allowed_outside = "allowed" in question.words("outside")
    try:
        crossings = find_crossings(package.fibres)
    except Crowded as crowded:
        outcome.tell(_crowd(question, crowded))
        return outcome
    outcome.counted["fibre_crossings"] = len(crossings)
    groups: dict[tuple[bool, int, int], list[Crossing]] = defaultdict(list)
    for crossing in crossings:
        over = any(substrate.bbox().contains(kdb.DPoint(crossing.x, crossing.y)) for substrate in package.substrates)
        if not over and allowed_outside and crossing.angle >= rule.value:
            continue
        a, b = sorted(package.landed[n].engine if n in package.landed else -1 for n in (crossing.a, crossing.b))
        groups[over, a, b].append(crossing)
    for (over, _, _), group in groups.items():
        where = "over the package" if over else "outside of the package"
        limit = f"angles from {rule.value:g} degrees allowed" if allowed_outside and not over else "0 crossings allowed"
        if len(group) <= FEW:
            for crossing in group:
                a, b = (package.fibre_name(number) for number in (crossing.a, crossing.b))
                text = f"{a} and {b} cross {where} at {crossing.angle:.3g} degrees, {limit}; lead one around the other"
                outcome.tell(_crossed(question, [crossing], text))
            continue
        names = some({package.fibre_name(number) for crossing in group for number in (crossing.a, crossing.b)})
        text = (
            f"{len(group)} crossings of fibres ({names}) {where}, from {min(c.angle for c in group):.3g} degrees on, "
            f"{limit}; lay the ribbon in the order in which its fibres end"
        )
        outcome.tell(_crossed(question, group, text))
    return outcome


def _crossed(question: Question, crossings: list[Crossing], text: str) -> Violation:
    fibres = question.package.fibres
    layers = {fibres[number].layer for crossing in crossings for number in (crossing.a, crossing.b)}
    boxes = [spot(crossing.x, crossing.y, 62.5) for crossing in crossings]
    return question.violation(boxes, text, layer="/".join(sorted(layers)))


def _crowd(question: Question, crowded: Crowded) -> Violation:
    """What is said where fibres can't be told apart any more."""
    return question.violation(
        [spot(crowded.x, crowded.y, 500.0)],
        f"{crowded.count} stretches of fibre in one place, {MOST_IN_SQUARE} can be compared: the rule was not run to "
        "its end; this is no ribbon, remove what is drawn twice",
    )


def ribbon_spacing(question: Question) -> Outcome:
    """Fibres of different engines keep apart."""
    package, outcome = question.package, Outcome()
    asked = None if question.spec is None else question.spec.fibres.ribbon_gap_mm * 1e3
    limit, asked_at = question.stricter("fibres.ribbon_gap_mm", asked)
    owners = [package.landed[n].engine if n in package.landed else -1 for n in range(len(package.fibres))]
    outcome.looked_at = len({owner for owner in owners if owner >= 0})
    try:
        close = ribbon_distances(package.fibres, owners, limit)
    except Crowded as crowded:
        outcome.tell(_crowd(question, crowded))
        return outcome
    for near in close:
        a, b = package.engines[near.first].name, package.engines[near.second].name
        outcome.tell(
            question.violation(
                [spot(near.x, near.y, max(near.distance / 2, 62.5))],
                f"the ribbons of {a} and {b} come within {um(near.distance)} um, {um(limit)} um needed; lead one of "
                "them further out",
                asked_at=asked_at,
            )
        )
    return outcome
