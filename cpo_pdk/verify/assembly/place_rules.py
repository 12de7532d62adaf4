"""What stands where the spec puts it: engines at their places, spares without fibres, shoreline, keep-outs."""

from __future__ import annotations

import klayout.db as kdb

from cpo_pdk.spec.keep_outs import LAYER, keep_out_box
from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import shoreline_of
from cpo_pdk.verify.assembly.asked_places import asked_places, engine_size, spare_engines
from cpo_pdk.verify.assembly.engine_rules import beside
from cpo_pdk.verify.assembly.outcome import EQUAL, Outcome, Question, several, some, um
from cpo_pdk.verify.assembly.ribbon_rules import fibre_layers
from cpo_pdk.verify.assembly.shapes import overlap


def asic_gap(question: Question) -> Outcome:
    """Engines stand as far from the switch die as the spec asks of their row; without a spec nothing is looked at."""
    package, spec, outcome, tolerance = question.package, question.spec, Outcome(), question.rule.value
    if spec is None:
        return outcome
    half = [side * 500 for side in spec.asic.size_mm]
    for number, place in asked_places(package, spec).items():
        engine, asic = package.engines[number], package.asics[package.nearest_asics[number]]
        outcome.looked_at += 1
        left, bottom, right, top = place.box(engine_size(engine))
        asked = {
            "north": bottom - half[1],
            "east": left - half[0],
            "south": -top - half[1],
            "west": -right - half[0],
        }[place.side]
        side, gap = beside(engine, asic)
        if abs(gap - asked) > tolerance + EQUAL:
            where = f"in the {side} of" if side else "over"
            outcome.tell(
                question.violation(
                    [engine.box],
                    f"{engine.name} stands {um(gap)} um {where} {asic.name}, {um(asked)} um asked, {um(tolerance)} um "
                    f"off allowed; move it by {um(asked - gap)} um",
                    asked_at=question.line(_place_line(spec, "engines.gap_mm")),
                )
            )
    return outcome


def engine_place(question: Question) -> Outcome:
    """Along its side of the switch die, each engine stands where the spec puts it; its gap is a rule of its own."""
    package, spec, outcome, tolerance = question.package, question.spec, Outcome(), question.rule.value
    if spec is None:
        return outcome
    for number, place in asked_places(package, spec).items():
        engine, asic = package.engines[number], package.asics[package.nearest_asics[number]]
        outcome.looked_at += 1
        away = engine.box.center() - asic.box.center()
        level = place.side in ("north", "south")
        off = away.x - place.x if level else away.y - place.y
        if abs(off) > tolerance + EQUAL:
            outcome.tell(
                question.violation(
                    [engine.box],
                    f"{engine.name} stands {um(abs(off))} um along its side off the place {place.name} asked for, "
                    f"{um(tolerance)} um allowed; move it by {um(-off)} um in {'x' if level else 'y'}",
                    asked_at=question.line(_place_line(spec, "engines.pitch_mm")),
                )
            )
    return outcome


def _place_line(spec: PackageSpec, otherwise: str) -> str:
    """The path in the spec that puts engines where they are."""
    return "engines.positions" if spec.engines.positions is not None else otherwise


def spare_bare(question: Question) -> Outcome:
    """Spare engines have no fibres; without a spec, those that nothing leads to are spares."""
    package, outcome = question.package, Outcome()
    spares = sorted(spare_engines(package, question.spec))
    outcome.looked_at = len(spares)
    outcome.counted["spare_engines"] = len(spares)
    for number in spares:
        numbers = [landing.fibre for landing in package.landings if landing.engine == number]
        if numbers:
            engine = package.engines[number]
            names = [package.fibre_name(fibre) for fibre in numbers]
            verb = "ends" if len(numbers) == 1 else "end"
            outcome.tell(
                question.violation(
                    [engine.box],
                    f"{engine.name} stands where a spare is asked for, but {several(len(numbers), 'fibre')} "
                    f"({some(names)}) {verb} at it, 0 allowed; lead them to an engine in use",
                    asked_at=question.line("engines.spares"),
                    layer=fibre_layers(package, numbers),
                )
            )
    return outcome


def shoreline_length(question: Question) -> Outcome:
    """The rows of serial links are as long as the spec asks and in the middle of their side; needs a spec.

    The corners of the die belong to its northern and southern rows.
    """
    package, spec, outcome, tolerance = question.package, question.spec, Outcome(), question.rule.value
    rows = [polygon.bbox() for polygon in package.drawn("SHORELINE")]
    if spec is None or not rows:
        return outcome
    inner = spec.asic.size_mm[1] * 500 - spec.asic.shoreline_um
    for asic in package.asics:
        middle = asic.box.center()
        for side in SIDES:
            outcome.looked_at += 1
            level = side in ("north", "south")
            half = shoreline_of(spec, side) * 500
            half = half if level else min(half, inner)
            found = [row for row in rows if _at_side(row, asic.box, side) and (row.width() > row.height()) == level]
            lows = [(row.left - middle.x) if level else (row.bottom - middle.y) for row in found]
            highs = [(row.right - middle.x) if level else (row.top - middle.y) for row in found]
            if found and abs(min(lows) + half) <= tolerance and abs(max(highs) - half) <= tolerance:
                continue
            state = f"reaches from {um(min(lows))} to {um(max(highs))} um" if found else "is not drawn"
            outcome.tell(
                question.violation(
                    found or [asic.box],
                    f"the shoreline in the {side} of {asic.name} {state}, {um(-half)} to {um(half)} um from its middle "
                    "asked; draw it again or change the spec",
                    asked_at=question.line("asic.shoreline_mm" if spec.asic.shoreline_mm else "asic.size_mm"),
                )
            )
    return outcome


def _at_side(row: kdb.DBox, die: kdb.DBox, side: str) -> bool:
    face, edge = {
        "north": (row.top, die.top),
        "east": (row.right, die.right),
        "south": (row.bottom, die.bottom),
        "west": (row.left, die.left),
    }[side]
    return abs(face - edge) <= 1.0 and row.touches(die)


def keep_out_asked(question: Question) -> Outcome:
    """Every keep-out of the spec is drawn, and every passage for fibres lies over one."""
    package, spec, outcome, tolerance = question.package, question.spec, Outcome(), question.rule.value
    passages = package.drawn("OVERPASS")
    low = [polygon for layer in sorted(set(LAYER.values())) for polygon in package.drawn(layer)]
    for passage in passages:
        outcome.looked_at += 1
        if overlap([passage], low).empty():
            outcome.tell(
                question.violation(
                    [passage.bbox()],
                    "an OVERPASS lies over no lid, stiffener, socket, cold plate or capacitors, 1 needed; draw it "
                    "over what fibres pass over or remove it",
                    layer="OVERPASS",
                )
            )
    if spec is None or not package.substrates:
        return outcome
    for k, keep in enumerate(spec.keepouts):
        outcome.looked_at += 1
        wanted, layer = kdb.DBox(*keep_out_box(keep)), LAYER[keep.kind]
        asked_at = question.line(f"keepouts.{k}.fibres" if keep.fibres == "over" else f"keepouts.{k}.box_mm")
        drawn = any(_same(polygon, wanted, tolerance) for polygon in package.drawn(layer))
        if not drawn:
            text = f"keep-out {k + 1} ({keep.kind}) is not drawn on {layer}, 1 asked; draw it"
            outcome.tell(question.violation([wanted], text, asked_at=asked_at, layer=layer))
        over = any(_same(polygon, wanted, tolerance) for polygon in passages)
        if over != (keep.fibres == "over"):
            text = (
                f"fibres pass {keep.fibres} keep-out {k + 1} ({keep.kind}) as asked, but "
                f"{'an' if over else 'no'} OVERPASS is drawn over it; {'remove' if over else 'draw'} it"
            )
            outcome.tell(question.violation([wanted], text, asked_at=asked_at, layer="OVERPASS"))
    return outcome


def _same(polygon: kdb.DPolygon, box: kdb.DBox, tolerance: float) -> bool:
    found = polygon.bbox()
    sides = ((found.left, box.left), (found.bottom, box.bottom), (found.right, box.right), (found.top, box.top))
    return polygon.is_box() and all(abs(a - b) <= tolerance for a, b in sides)
