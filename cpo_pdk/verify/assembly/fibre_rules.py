"""Fibres on their way: where they end, in which order they arrive, where they cross."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from cpo_pdk.verify.assembly.crossings import Crossing, Crowded
from cpo_pdk.verify.assembly.facet_rules import is_loop, named
from cpo_pdk.verify.assembly.outcome import Outcome, Question, several, some, spot
from cpo_pdk.verify.assembly.ribbon_crossings import fibre_crossings, over_package
from cpo_pdk.verify.assembly.ribbon_rules import crowd, fibre_layers
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
    layer = fibre_layers(question.package, numbers)
    return question.violation([spot(end.x, end.y) for fibre in fibres for end in fibre.ends], text, layer=layer)


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
        layer = fibre_layers(package, concerned)
        outcome.tell(question.violation([spot(end.x, end.y) for end in ends], text, layer=layer))
    return outcome


def fibre_crossing(question: Question) -> Outcome:
    """Fibres of one ribbon layer cross nowhere; where the rule allows it, outside of the package and not shallow."""
    package, rule = question.package, question.rule
    outcome = Outcome(looked_at=len(package.fibres))
    allowed_outside = "allowed" in question.words("outside")
    try:
        every = fibre_crossings(package)
    except Crowded as crowded:
        outcome.tell(crowd(question, crowded))
        return outcome
    planes = np.array(package.planes, dtype=np.int64)
    crossings = every.of(planes[every.a] == planes[every.b])
    outcome.counted["fibre_crossings"] = len(crossings)
    over = over_package(package, crossings)
    owners = np.array(package.owners, dtype=np.int64)
    groups: dict[tuple[bool, int, int], list[int]] = defaultdict(list)
    for k in np.flatnonzero(over | (crossings.angle < rule.value) | (not allowed_outside)).tolist():
        a, b = sorted((int(owners[crossings.a[k]]), int(owners[crossings.b[k]])))
        groups[bool(over[k]), a, b].append(k)
    for (above, _, _), numbers in groups.items():
        group = [crossings[k] for k in numbers]
        where = "over the package" if above else "outside of the package"
        free = allowed_outside and not above
        limit = f"angles from {rule.value:g} degrees allowed" if free else "0 crossings allowed"
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
    layer = fibre_layers(question.package, [n for crossing in crossings for n in (crossing.a, crossing.b)])
    boxes = [spot(crossing.x, crossing.y, 62.5) for crossing in crossings]
    return question.violation(boxes, text, layer=layer)
