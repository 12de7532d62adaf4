"""Bumps: on one grid, wide enough apart, inside their die and under the die that is put on top."""

from __future__ import annotations

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.bump_fields import fields, strays
from cpo_pdk.verify.assembly.outcome import EQUAL, Outcome, Question, several, spot, um
from cpo_pdk.verify.assembly.parts import Package
from cpo_pdk.verify.assembly.placed import Numbers, Points, polygons_in
from cpo_pdk.verify.assembly.shapes import room_inside

#: a field has a grid when this share of its bumps is on it
_MOST = 0.8


def _asked_pitch(question: Question, layer: str, upright: bool) -> tuple[tuple[float, float] | None, str]:
    """The pitch in x and y that the spec asks for: its x runs towards the facet, wherever that looks in the cell."""
    spec = question.spec
    if spec is None:
        return None, ""
    if layer == "BUMP":
        x, y = spec.engine.bump_pitch_um
        return (y, x) if upright else (x, y), question.line("engine.bump_pitch_um")
    return (spec.asic.bump_pitch_um, spec.asic.bump_pitch_um), question.line("asic.bump_pitch_um")


def grid_pitch(middles: Points) -> tuple[float, float]:
    """The usual distance of neighbours in a row and in a column, um; 0 where no two stand in one."""
    return _row_pitch(middles[:, 0], middles[:, 1]), _row_pitch(middles[:, 1], middles[:, 0])


def _row_pitch(along: Points, across: Points) -> float:
    """The most frequent distance of neighbours that lie on one line."""
    a, b = np.round(along, 3), np.round(across, 3)
    order = np.lexsort((a, b))
    steps = np.diff(a[order])[np.diff(b[order]) == 0]
    steps = np.round(steps[steps > 0], 3)
    if not len(steps):
        return 0.0
    values, counts = np.unique(steps, return_counts=True)
    return float(values[np.argmax(counts)])


def _off_grid(along: Points, pitch: float) -> Points:
    """How far each coordinate is from the grid that most of them are on, um."""
    if pitch <= 0:
        return np.zeros(len(along))
    rest = np.round(np.mod(along, pitch), 3)
    values, counts = np.unique(rest, return_counts=True)
    phase = values[np.argmax(counts)]
    return np.mod(along - phase + pitch / 2, pitch) - pitch / 2


def bump_grid(question: Question) -> Outcome:
    """All bumps of a die are on one grid: that of the spec, else the one that they show themselves."""
    package, outcome, tolerance = question.package, Outcome(), question.rule.value
    layer = question.rule.layers[0]
    for field in fields(package, layer):
        cell, outline, middles, halves = field.cell, field.outline, field.middles, field.halves
        outcome.looked_at += len(middles) * field.places
        shown = grid_pitch(middles)
        asked, asked_at = _asked_pitch(question, layer, field.upright)
        if asked is not None:
            as_asked = True
            for axis, name in ((0, "x"), (1, "y")):
                ratio = shown[axis] / asked[axis]
                if shown[axis] and abs(ratio - max(1, round(ratio))) * asked[axis] > tolerance:
                    as_asked = False
                    outcome.tell(
                        question.violation(
                            [outline.bbox()],
                            f"bump pitch {um(shown[axis])} um in {name}, {um(asked[axis])} um asked; draw the bumps at "
                            "the pitch that is asked or change the spec",
                            asked_at=asked_at,
                            cell=cell,
                        )
                    )
            # a pitch that is not the one that was asked is told once; the bumps can still be on one grid of their own
            asked = asked if as_asked else None
        pitch = asked if asked is not None else shown
        off, used = _off_both(middles, pitch)
        bad = np.flatnonzero(np.max(np.abs(off), axis=1) > tolerance + EQUAL)
        if len(bad) > (1 - _MOST) * len(middles):
            outcome.tell(
                question.violation(
                    [outline.bbox()],
                    f"{len(bad)} of {len(middles)} bumps are off every grid of {um(used[0])} x {um(used[1])} um, "
                    f"{um(tolerance)} um off allowed; draw the bumps on one grid",
                    asked_at=asked_at,
                    cell=cell,
                )
            )
            continue
        for k in bad:
            half = float(np.max(halves[k]))
            outcome.tell(
                question.violation(
                    [spot(float(middles[k, 0]), float(middles[k, 1]), half)],
                    f"a bump is ({um(float(off[k, 0]))}, {um(float(off[k, 1]))}) um off the grid of {um(used[0])} x "
                    f"{um(used[1])} um, {um(tolerance)} um allowed; move it onto the grid",
                    asked_at=asked_at,
                    cell=cell,
                )
            )
    return outcome


def _off_both(middles: Points, pitch: tuple[float, float]) -> tuple[Points, tuple[float, float]]:
    """Distances from the grid in x and y; rows that are staggered by half a pitch are on a grid of half the pitch."""
    columns = []
    used = []
    for axis in (0, 1):
        off, step = _off_grid(middles[:, axis], pitch[axis]), pitch[axis]
        if np.mean(np.abs(off) < EQUAL) < _MOST:
            half = _off_grid(middles[:, axis], pitch[axis] / 2)
            if np.mean(np.abs(half) < EQUAL) >= _MOST:
                off, step = half, pitch[axis] / 2
        columns.append(off)
        used.append(step)
    return np.stack(columns, axis=1), (used[0], used[1])


def bump_pitch(question: Question) -> Outcome:
    """Bumps are as far apart as they can be bonded."""
    package, outcome, limit = question.package, Outcome(), question.rule.value
    layer = question.rule.layers[0]
    for field in fields(package, layer):
        cell, outline, middles = field.cell, field.outline, field.middles
        outcome.looked_at += len(middles) * field.places
        close = _closer(middles, limit)
        if len(close):
            box = kdb.DBox()
            for k in close:
                box += spot(float(middles[k, 0]), float(middles[k, 1]))
            value = _nearest(middles, close)
            outcome.tell(
                question.violation(
                    [box & outline.bbox()],
                    f"{len(close)} bumps stand up to {um(value)} um from the next, pitch {um(limit)} um needed; move "
                    "them apart",
                    cell=cell,
                )
            )
    outcome.counted["bumps" if layer == "BUMP" else "asic_bumps"] = outcome.looked_at
    return outcome


def _closer(middles: Points, limit: float) -> Numbers:
    """Indices of bumps that have another one closer than a limit: of their own square of that size or one beside it."""
    found: set[int] = set()
    reach = limit - EQUAL
    for shift in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        square = np.floor(middles / (2 * limit) + shift).astype(np.int64)
        key = (square[:, 0] << 32) + square[:, 1]
        order = np.argsort(key, kind="stable")
        step = 1
        while step < len(order):
            a, b = order[:-step], order[step:]
            same = key[a] == key[b]
            if not same.any():
                break
            a, b = a[same], b[same]
            near = np.hypot(*(middles[a] - middles[b]).T) < reach
            found.update(a[near].tolist(), b[near].tolist())
            step += 1
            if step > 64:
                break
    return np.array(sorted(found), dtype=np.int64)


def _nearest(middles: Points, close: Numbers) -> float:
    """Smallest distance among the first of the bumps that are too close."""
    some_of = middles[close[:500]]
    apart = np.hypot(*(some_of[:, None, :] - some_of[None, :, :]).transpose(2, 0, 1))
    apart[np.arange(len(some_of)), np.arange(len(some_of))] = np.inf
    return float(apart.min())


def bump_margin(question: Question) -> Outcome:
    """Bumps lie inside their die, away from its edge, and each on a die."""
    package, outcome, layer = question.package, Outcome(), question.rule.layers[0]
    asked = None if question.spec is None or layer == "BUMP" else question.spec.asic.bump_margin_um
    for cell, away in strays(package, layer) if package.engines or package.asics else ():
        outcome.looked_at += len(away)
        boxes = [spot(float(x), float(y)) for x, y in away]
        text = f"{several(len(away), 'bump')} on no die, 0 allowed; move them onto one or remove them"
        outcome.tell(question.violation(boxes, text, cell=cell))
    for field in fields(package, layer):
        cell, outline, middles, halves = field.cell, field.outline, field.middles, field.halves
        outcome.looked_at += len(middles) * field.places
        # the spec counts from the edge to the centre of the outermost bumps, the rule to their rim
        outside = _outside(outline, middles, halves, question.rule.value)
        limit, asked_at, what = question.rule.value, "", "to the rim"
        if not len(outside) and asked is not None:
            outside = _outside(outline, middles, np.zeros_like(halves), asked)
            limit, asked_at, what = asked, question.line("asic.bump_margin_um"), "to the centre"
        if len(outside):
            outcome.tell(
                question.violation(
                    [spot(float(x), float(y)) for x, y in middles[outside]],
                    f"{several(len(outside), 'bump')} within {um(limit)} um ({what}) of the edge of the die, 0 "
                    "allowed; move them inwards",
                    asked_at=asked_at,
                    cell=cell,
                )
            )
    return outcome


def _outside(outline: kdb.DPolygon, middles: Points, halves: Points, margin: float) -> Numbers:
    """Indices of bumps that are not inside an outline by a margin."""
    room = outline.bbox().enlarged(-margin, -margin)
    low, high = np.array([room.left, room.bottom]), np.array([room.right, room.top])
    bad = np.any((middles - halves < low - EQUAL) | (middles + halves > high + EQUAL), axis=1)
    if not outline.is_box():
        inner = outline.sized(-margin, 2)
        bad |= np.array([not inner.inside(kdb.DPoint(float(x), float(y))) for x, y in middles])
    return np.flatnonzero(bad)


def top_die(question: Question) -> Outcome:
    """The electronic die covers the bumps of the engine that it stands on.

    It is drawn in the cell of the engine or in the package on top of it. A file without any is a photonic die by
    itself, which is in order where no spec asks for the engine.
    """
    package, outcome, limit = question.package, Outcome(), question.rule.value
    layer = package.index("EIC")
    layout = package.file.layout
    if question.spec is None and not package.flat_count("EIC"):
        return outcome
    for field in fields(package, "BUMP"):
        cell, outline, middles, halves = field.cell, field.outline, field.middles, field.halves
        covers = [] if layer is None else list(polygons_in(layout, cell, layer, outline.bbox()))
        if not covers and layer is not None:
            covers = _from_above(package, cell, outline, layer)
        outcome.looked_at += len(middles) * field.places
        bad = np.ones(len(middles), dtype=bool)
        for cover in covers:
            inside = np.ones(len(middles), dtype=bool)
            inside[_outside(cover, middles, halves, limit)] = False
            bad &= ~inside
        if bad.any():
            outcome.tell(
                question.violation(
                    [spot(float(x), float(y)) for x, y in middles[bad]],
                    f"{int(bad.sum())} of {len(middles)} bumps are not covered by the EIC with {um(limit)} um around "
                    "them; move the electronic die or the bumps",
                    cell=cell,
                )
            )
    return outcome


def _from_above(package: Package, cell: kdb.Cell, outline: kdb.DPolygon, layer: int) -> list[kdb.DPolygon]:
    """Electronic dies that every placement of an engine has on it, in the coordinates of the engine's cell."""
    found: list[kdb.DPolygon] = []
    for die in package.dies:
        if die.cell.cell_index() != cell.cell_index() or die.outline != outline:
            continue
        for number, place in enumerate(die.places):
            there = polygons_in(package.file.layout, package.file.top, layer, outline.transformed(place.trans).bbox())
            local = [polygon.transformed(place.trans.inverted()) for polygon in there]
            found = local if number == 0 else [p for p in found if any(q == p for q in local)]
    return found


def top_die_margin(question: Question) -> Outcome:
    """The electronic die stands inside the engine, away from its edges: the facet stays free for the fibres."""
    package, outcome = question.package, Outcome()
    layer = package.index("EIC")
    for die in package.dies:
        own = list(polygons_in(package.file.layout, die.cell, layer, die.outline.bbox()))
        if own:
            outcome.looked_at += len(own) * len(die.places)
            _inside(question, outcome, own, die.outline, "the die", die.cell)
            continue
        for engine in (engine for engine in package.engines if engine.die is die):
            above = list(polygons_in(package.file.layout, package.file.top, layer, engine.box))
            outcome.looked_at += len(above)
            _inside(question, outcome, above, engine.outline, engine.name, package.file.top)
    return outcome


def _inside(
    question: Question,
    outcome: Outcome,
    covers: list[kdb.DPolygon],
    outline: kdb.DPolygon,
    name: str,
    cell: kdb.Cell,
) -> None:
    """Tell of those that don't stand inside an outline by the limit of the rule."""
    limit = question.rule.value
    for cover in covers:
        margin = room_inside(outline, cover)
        if margin < limit - EQUAL:
            state = f"stands {um(-margin)} um out of" if margin < 0 else f"is {um(margin)} um from the edge of"
            outcome.tell(
                question.violation(
                    [cover.bbox()],
                    f"the electronic die {state} {name}, {um(limit)} um inside needed; move or shrink it",
                    cell=cell,
                )
            )
