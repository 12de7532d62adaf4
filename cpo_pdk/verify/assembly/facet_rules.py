"""Fibres at the facets: couplers on the edge and at one pitch, each with a fibre in line with it and of its kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.assembly.asked_places import spare_engines
from cpo_pdk.verify.assembly.outcome import EQUAL, Outcome, Question, some, spot, um
from cpo_pdk.verify.assembly.parts import Engine, Landing, Package
from cpo_pdk.verify.assembly.placed import polygons_in
from cpo_pdk.verify.assembly.ribbon_rules import fibre_layers
from cpo_pdk.verify.findings import Violation

#: what couplers to lasers, and those that are only for alignment, are called
LASER, LOOP = "laser", "loop"


def facet_edge(question: Question) -> Outcome:
    """Couplers end on the edge of the die."""
    package, outcome, limit = question.package, Outcome(), question.rule.value
    for die in package.dies:
        for facet in die.facets:
            outcome.looked_at += len(facet.along) * len(die.places)
            for along, beyond in zip(facet.along, facet.beyond, strict=True):
                if abs(beyond) > limit + EQUAL:
                    where = "before" if beyond < 0 else "beyond"
                    outcome.tell(
                        question.violation(
                            [spot(*facet.point(float(along), float(beyond)))],
                            f"a coupler ends {um(abs(float(beyond)))} um {where} the edge of the die, {um(limit)} um "
                            "allowed; move it to the edge",
                            cell=die.cell,
                        )
                    )
    return outcome


def facet_clear(question: Question) -> Outcome:
    """Nothing of a die lies in the light in front of its facets."""
    package, outcome, rule = question.package, Outcome(), question.rule
    layout, top = package.file.layout, package.file.top
    start = question.number("start")
    beside = question.number("beside")
    for die in package.dies:
        for facet in die.facets:
            if not len(facet.along):
                continue
            strip = facet.strip(start, rule.value, beside)
            outcome.looked_at += len(die.places)
            text = f"lies in front of the facet, {um(rule.value)} um must be free but for fibres; remove it"
            for name in rule.layers:
                layer = layout.find_layer(*layer_of(name))
                own = [p.bbox() & strip.bbox() for p in polygons_in(layout, die.cell, layer, strip.bbox())]
                if own:
                    outcome.tell(question.violation(own, f"{name} {text}", cell=die.cell, layer=name))
                for place in die.places:
                    room = strip.transformed(place.trans).bbox()
                    there = [p.bbox() & room for p in polygons_in(layout, top, layer, room)]
                    if len(there) > len(own):
                        words = f"{name} that is no part of {place.name or 'the die'} {text}"
                        outcome.tell(question.violation(there, words, layer=name))
    return outcome


def fibre_pitch(question: Question) -> Outcome:
    """Couplers stand at one pitch, that of the spec where there is one, and each fibre on the axis of a coupler."""
    package, outcome, limit = question.package, Outcome(), question.rule.value
    spec = question.spec
    for die in package.dies:
        for facet in die.facets:
            steps = np.diff(facet.along)
            if not len(steps):
                continue
            outcome.looked_at += len(steps) * len(die.places)
            pitch = float(np.median(steps)) if spec is None else spec.engine.fibre_pitch_um
            wrong = np.flatnonzero(np.abs(steps - pitch) > limit + EQUAL)
            if len(wrong):
                worst = int(wrong[np.argmax(np.abs(steps[wrong] - pitch))])
                outcome.tell(
                    question.violation(
                        [spot(*facet.point(float(facet.along[k]), 0.0)) for k in (*wrong, *(wrong + 1))],
                        f"couplers stand {um(float(steps[worst]))} um apart, pitch {um(pitch)} um, {um(limit)} um off "
                        "allowed; move them to the pitch of the fibre array",
                        asked_at=question.line("engine.fibre_pitch_um"),
                        cell=die.cell,
                        layer="WG",
                    )
                )
    outcome.looked_at += len(package.landings)
    _tell_by_engine(
        outcome,
        question,
        (landing for landing in package.landings if abs(landing.aside) > limit + EQUAL),
        lambda landing: abs(landing.aside),
        lambda count, worst, engine: (
            f"{count} lie up to {um(worst)} um beside the couplers of {engine}, {um(limit)} um allowed; move the "
            "fibres or the engine"
        ),
    )
    return outcome


def _tell_by_engine(
    outcome: Outcome,
    question: Question,
    landings: Iterable[Landing],
    measure: Callable[[Landing], float],
    words: Callable[[str, float, str], str],
) -> None:
    """One violation an engine for all of its fibres that have the same fault."""
    package = question.package
    groups: dict[int, list[Landing]] = defaultdict(list)
    for landing in landings:
        groups[landing.engine].append(landing)
    for number, group in groups.items():
        engine = package.engines[number]
        names = [package.fibre_name(landing.fibre) for landing in group]
        count = f"{len(group)} fibres ({some(names, 2)})" if len(group) > 1 else f"1 fibre ({names[0]})"
        ends = [package.fibres[landing.fibre].ends[landing.end] for landing in group]
        outcome.tell(
            question.violation(
                [spot(end.x, end.y) for end in ends],
                words(count, max(measure(landing) for landing in group), engine.name),
                layer=fibre_layers(package, (landing.fibre for landing in group)),
            )
        )


def fibre_missing(question: Question) -> Outcome:
    """Each coupler of an engine in use has one fibre; those of spares are a rule of their own."""
    package, outcome = question.package, Outcome()
    if not package.fibres:
        return outcome
    taken = Counter((landing.engine, landing.facet, landing.coupler) for landing in package.landings)
    spares = spare_engines(package, question.spec)
    for number, engine in enumerate(package.engines):
        if number in spares:
            continue
        for k, facet in enumerate(engine.die.facets):
            couplers = engine.place.points(facet.couplers)
            outcome.looked_at += len(couplers)
            for amount, text in ((0, "meet no fibre"), (2, "meet several fibres")):
                bad = [i for i in range(len(couplers)) if min(2, taken[number, k, i]) == amount]
                if bad:
                    outcome.tell(
                        question.violation(
                            [spot(float(x), float(y)) for x, y in couplers[bad]],
                            f"{len(bad)} of {len(couplers)} couplers of {engine.name} {text}, 1 each needed; lead one "
                            "fibre to each",
                            layer="FIBER",
                        )
                    )
    return outcome


def fibre_gap(question: Question) -> Outcome:
    """Fibres end right in front of the facet."""
    package, limit = question.package, question.rule.value
    outcome = Outcome(looked_at=len(package.landings))
    _tell_by_engine(
        outcome,
        question,
        (landing for landing in package.landings if landing.gap > limit + EQUAL),
        lambda landing: landing.gap,
        lambda count, worst, engine: (
            f"{count} end up to {um(worst)} um before the facet of {engine}, {um(limit)} um allowed; move the engine "
            "or the fibres"
        ),
    )
    _tell_by_engine(
        outcome,
        question,
        (landing for landing in package.landings if landing.gap < -EQUAL),
        lambda landing: -landing.gap,
        lambda count, worst, engine: (
            f"{count} reach up to {um(worst)} um into the die of {engine}, 0 um allowed; move the engine or the fibres"
        ),
    )
    return outcome


def fibre_angle(question: Question) -> Outcome:
    """Fibres stand at right angles to the facet."""
    package, limit = question.package, question.rule.value
    outcome = Outcome(looked_at=len(package.landings))
    _tell_by_engine(
        outcome,
        question,
        (landing for landing in package.landings if landing.angle > limit + 1e-6),
        lambda landing: landing.angle,
        lambda count, worst, engine: (
            f"{count} stand up to {worst:.3g} degrees off the normal of the facet of {engine}, {limit:g} degrees "
            "allowed; turn the array or the engine"
        ),
    )
    return outcome


def fibre_kind(question: Question) -> Outcome:
    """Polarisation-maintaining fibres at the couplers to lasers, and only there.

    Where couplers have no names, all facets that look the same must have the same kinds of fibre at the same couplers.
    """
    package, outcome = question.package, Outcome()
    drawn: dict[tuple[float, ...], dict[int, dict[int, Landing]]] = defaultdict(dict)
    facets: dict[tuple[float, ...], tuple[str, ...]] = {}
    for landing in package.landings:
        die = package.engines[landing.engine].die
        facet = die.facets[landing.facet]
        alike = (round(facet.length, 3), *np.round(facet.along, 3).tolist())
        drawn[alike].setdefault(landing.engine, {})[landing.coupler] = landing
        facets[alike] = die.names[landing.facet]
    for alike, engines in drawn.items():
        names = facets[alike]
        laser = [_is_laser(name) for name in names] if any(_is_laser(name) for name in names) else []
        wanted = laser or _usual(package, engines.values(), len(alike) - 1)
        for engine, landings in engines.items():
            outcome.looked_at += len(landings)
            found = {k: package.fibres[landing.fibre].layer == "FIBER_PM" for k, landing in landings.items()}
            wrong = [k for k, is_pm in found.items() if is_pm != wanted[k]]
            if wrong:
                outcome.tell(_wrong_kind(question, engine, landings, found, wanted, wrong, bool(laser)))
    return outcome


def _is_laser(name: str) -> bool:
    return name.startswith(LASER)


def _usual(package: Package, engines: Iterable[dict[int, Landing]], couplers: int) -> list[bool]:
    """At which couplers most engines of one drawing have a polarisation-maintaining fibre."""
    votes = [Counter({False: 0, True: 0}) for _ in range(couplers)]
    for landings in engines:
        for k, landing in landings.items():
            votes[k][package.fibres[landing.fibre].layer == "FIBER_PM"] += 1
    return [vote[True] > vote[False] for vote in votes]


def _wrong_kind(
    question: Question,
    number: int,
    landings: dict[int, Landing],
    found: dict[int, bool],
    wanted: list[bool],
    wrong: list[int],
    named: bool,
) -> Violation:
    package = question.package
    engine = package.engines[number]
    turned = all(is_pm == wanted[len(wanted) - 1 - k] for k, is_pm in found.items())
    ends = [package.fibres[landings[k].fibre].ends[landings[k].end] for k in wrong]
    couplers = [package.coupler_name(landings[k]) or f"coupler {k + 1}" for k in sorted(wrong)]
    by = "the names of its couplers" if named else "the other engines"
    if turned:
        text = (
            f"the fibre array of {engine.name} is mirrored: laser and data fibres meet its couplers in reversed order, "
            f"{len(wrong)} fibres are of the wrong kind by {by}, 0 allowed; turn array or engine"
        )
    else:
        text = (
            f"{len(wrong)} fibres at {some(couplers)} of {engine.name} are of the wrong kind by {by}, 0 allowed: laser "
            "fibres maintain polarisation, data fibres don't; exchange them"
        )
    layer = fibre_layers(package, (landings[k].fibre for k in wrong))
    return question.violation([spot(end.x, end.y) for end in ends], text, layer=layer)


def is_loop(package: Package, landing: Landing) -> bool:
    """True when a coupler is only for alignment: its fibre is cut after the attach."""
    return package.coupler_name(landing).startswith(LOOP)


def named(package: Package, engine: Engine) -> bool:
    """True when the file names the couplers of an engine."""
    return any(engine.die.names)
