"""Where the engines stand: along the shoreline, apart from each other and from the switch die."""

from __future__ import annotations

import math
from collections import defaultdict

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.outcome import EQUAL, Outcome, Question, um
from cpo_pdk.verify.assembly.parts import Asic, Engine, Package
from cpo_pdk.verify.assembly.shapes import box_distances, corners_of, distance

#: side of the switch die -> unit vector away from it
SIDES = {"north": (0.0, 1.0), "east": (1.0, 0.0), "south": (0.0, -1.0), "west": (-1.0, 0.0)}
_HEADING = {vector: side for side, vector in SIDES.items()}
#: a part counts as turned away from a direction below this cosine
_TURNED = 0.99


def beside(engine: Engine, asic: Asic) -> tuple[str, float]:
    """The side of a switch die that an engine stands at and the gap between them in um; no side where they overlap."""
    e, a = engine.box, asic.box
    gaps = {
        "north": e.bottom - a.top,
        "east": e.left - a.right,
        "south": a.bottom - e.top,
        "west": a.left - e.right,
    }
    side = max(gaps, key=lambda name: gaps[name])
    return (side, gaps[side]) if gaps[side] > -EQUAL else ("", 0.0)


def _along(box: kdb.DBox, side: str) -> tuple[float, float]:
    """What a box covers along a side."""
    return (box.left, box.right) if side in ("north", "south") else (box.bottom, box.top)


def _shore(package: Package, asic: Asic, side: str, shoreline: list[kdb.DBox]) -> list[tuple[float, float]]:
    """The stretches of a side where the shoreline is; the whole side where the file draws none."""
    a = asic.box
    edge = {"north": a.top, "east": a.right, "south": a.bottom, "west": a.left}[side]
    touching = []
    for box in shoreline:
        face = {"north": box.top, "east": box.right, "south": box.bottom, "west": box.left}[side]
        if abs(face - edge) <= 1.0 and box.touches(a):
            touching.append(_along(box, side))
    if not shoreline:
        return [_along(a, side)]
    merged: list[tuple[float, float]] = []
    for low, high in sorted(touching):
        if merged and low <= merged[-1][1] + EQUAL:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _uncovered(low: float, high: float, stretches: list[tuple[float, float]]) -> float:
    """How much of a stretch others don't cover."""
    return (high - low) - sum(max(0.0, min(high, b) - max(low, a)) for a, b in stretches)


def shoreline_share(question: Question) -> Outcome:
    """The share of each side's shoreline from the first to the last engine there, gaps between them included."""
    package, outcome = question.package, Outcome()
    shoreline = [polygon.bbox() for polygon in package.drawn("SHORELINE")]
    most = 0.0
    for (number, side), engines in _by_side(package).items():
        asic = package.asics[number]
        outcome.looked_at += 1
        room = sum(high - low for low, high in _shore(package, asic, side, shoreline))
        low = min(_along(e.box, side)[0] for e in engines)
        high = max(_along(e.box, side)[1] for e in engines)
        share = (high - low) / room if room else math.inf
        most = max(most, share)
        if share > question.rule.value + 1e-9:
            outcome.tell(
                question.violation(
                    [asic.box, *(e.box for e in engines)],
                    f"{len(engines)} engines and their gaps take {um((high - low) / 1e3)} mm of {um(room / 1e3)} mm of "
                    f"shoreline in the {side}, {question.rule.value * 100:g} % allowed; move some to another side or "
                    "closer together",
                    asked_at=question.line(f"engines.per_side.{side}"),
                )
            )
    if outcome.looked_at:
        outcome.counted["shoreline_percent"] = round(100 * min(most, 1e4))
    return outcome


def _by_side(package: Package) -> dict[tuple[int, str], list[Engine]]:
    """Engines by the number of the switch die and the side of it that they stand at."""
    found: dict[tuple[int, str], list[Engine]] = defaultdict(list)
    for number, nearest in package.nearest_asics.items():
        engine = package.engines[number]
        side, _ = beside(engine, package.asics[nearest])
        if side:
            found[nearest, side].append(engine)
    return found


def shoreline_facing(question: Question) -> Outcome:
    """Engines stand in front of the shoreline of their side, facet away from the switch die."""
    package, outcome = question.package, Outcome()
    shoreline = [polygon.bbox() for polygon in package.drawn("SHORELINE")]
    for (number, side), engines in _by_side(package).items():
        asic = package.asics[number]
        stretches = _shore(package, asic, side, shoreline)
        for engine in engines:
            outcome.looked_at += 1
            over = _uncovered(*_along(engine.box, side), stretches)
            if over > question.rule.value:
                outcome.tell(
                    question.violation(
                        [engine.box],
                        f"{engine.name} stands {um(over)} um beside the shoreline in the {side} of {asic.name}, "
                        f"{um(question.rule.value)} um allowed; move it in front of the shoreline",
                        asked_at=question.line(f"engines.per_side.{side}"),
                    )
                )
            looks = facing(engine)
            if looks is not None and float(np.dot(looks, SIDES[side])) < _TURNED:
                outcome.tell(
                    question.violation(
                        [engine.box, asic.box],
                        f"the facet of {engine.name} looks {_compass(looks)}, {side} needed: its other edge meets the "
                        f"shoreline of {asic.name}; turn it",
                    )
                )
    return outcome


def facing(engine: Engine) -> tuple[float, float] | None:
    """Unit vector in the top cell in which the facet with the most couplers looks; None without a facet."""
    facets = [facet for facet in engine.die.facets if len(facet.along)]
    if not facets:
        return None
    facet = max(facets, key=lambda f: len(f.along))
    x, y = engine.place.directions(np.array([facet.outward]))[0]
    return float(x), float(y)


def _compass(vector: tuple[float, float]) -> str:
    name = _HEADING.get((float(round(vector[0])), float(round(vector[1]))))
    straight = name is not None and abs(vector[0] * vector[1]) < 1e-6
    return str(name) if straight else f"along {math.degrees(math.atan2(vector[1], vector[0])):.1f} degrees"


def engine_spacing(question: Question) -> Outcome:
    """Engines keep apart."""
    package, outcome = question.package, Outcome(looked_at=len(question.package.engines))
    asked = None if question.spec is None else question.spec.engines.keepout_um
    limit, asked_at = question.stricter("engines.keepout_um", asked)
    boxes = corners_of(engine.box for engine in package.engines)
    for i, a in enumerate(package.engines):
        for j in np.flatnonzero(box_distances(boxes[i + 1 :], a.box) < limit - EQUAL):
            b = package.engines[i + 1 + int(j)]
            space = distance(a.outline, b.outline)
            if space < limit - EQUAL:
                state = "overlap or touch" if space == 0 else f"stand {um(space)} um apart"
                outcome.tell(
                    question.violation(
                        [a.box, b.box],
                        f"{a.name} and {b.name} {state}, {um(limit)} um needed; move one of them",
                        asked_at=asked_at,
                    )
                )
    return outcome


def asic_spacing(question: Question) -> Outcome:
    """Engines keep apart from every switch die."""
    package, outcome = question.package, Outcome()
    asked = None if question.spec is None else question.spec.engines.keepout_um
    limit, asked_at = question.stricter("engines.keepout_um", asked)
    boxes = corners_of(asic.box for asic in package.asics)
    outcome.looked_at = len(package.engines) if len(boxes) else 0
    for engine in package.engines:
        for number in np.flatnonzero(box_distances(boxes, engine.box) < limit - EQUAL):
            asic = package.asics[number]
            space = distance(engine.outline, asic.outline)
            if space < limit - EQUAL:
                state = "overlaps or touches" if space == 0 else f"stands {um(space)} um from"
                outcome.tell(
                    question.violation(
                        [engine.box],
                        f"{engine.name} {state} {asic.name}, {um(limit)} um needed; move it away",
                        asked_at=asked_at,
                    )
                )
    return outcome


def asic_reach(question: Question) -> Outcome:
    """Engines stand within the reach of the serial links of the switch die."""
    package, outcome, limit = question.package, Outcome(), question.rule.value
    for number, nearest in package.nearest_asics.items():
        engine, asic = package.engines[number], package.asics[nearest]
        outcome.looked_at += 1
        space = distance(engine.outline, asic.outline)
        if space > limit + EQUAL:
            outcome.tell(
                question.violation(
                    [engine.box, asic.box],
                    f"{engine.name} stands {um(space / 1e3)} mm from {asic.name}, {um(limit / 1e3)} mm are the reach "
                    "of its serial links; move it closer",
                )
            )
    return outcome


def mirrored(question: Question) -> Outcome:
    """Dies and connectors are placed as they are made, never their mirror image."""
    package, outcome = question.package, Outcome()
    parts = [(p.name, p.place, p.box) for group in (package.engines, package.asics, package.connectors) for p in group]
    for name, place, box in parts:
        outcome.looked_at += 1
        if place.mirrored:
            outcome.tell(
                question.violation(
                    [box],
                    f"{name} is placed mirrored, 0 mirrored parts allowed: its ports run in the reversed order; turn "
                    "it instead",
                )
            )
    return outcome
