"""What stands on what: substrate, interposer, and the boards of detachable sub-assemblies."""

from __future__ import annotations

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.outcome import EQUAL, Outcome, Question, some, um
from cpo_pdk.verify.assembly.parts import Engine, Package
from cpo_pdk.verify.assembly.shapes import box_distances, corners_of, distance, overlap, room_inside


def substrate_margin(question: Question) -> Outcome:
    """Engines, switch dies, boards and interposers stand on the substrate, away from its edge."""
    package, outcome, limit = question.package, Outcome(), question.rule.value
    if not package.substrates:
        return outcome
    parts = [(part.name, part.outline) for part in (*package.engines, *package.asics)]
    parts += [(board_name(package, board), board) for board in package.drawn("CARRIER")]
    parts += [("the interposer", outline) for outline in package.drawn("INTERPOSER")]
    for name, outline in parts:
        outcome.looked_at += 1
        margin = max(room_inside(substrate, outline) for substrate in package.substrates)
        if margin < limit - EQUAL:
            state = (
                f"stands {um(-margin)} um out of the substrate" if margin < 0 else f"is {um(margin)} um from its edge"
            )
            outcome.tell(
                question.violation(
                    [outline.bbox()],
                    f"{name} {state}, {um(limit)} um inside needed; move it inwards or enlarge the substrate",
                    asked_at=question.line("substrate.size_mm"),
                    layer="SUBSTRATE",
                )
            )
    return outcome


def interposer_margin(question: Question) -> Outcome:
    """Dies stand on the interposer, away from its edge, or beside it; with a spec those that it puts there do."""
    package, spec, outcome, limit = question.package, question.spec, Outcome(), question.rule.value
    interposers = package.drawn("INTERPOSER")
    carried = spec is not None and spec.engines.mount == "interposer"
    if spec is not None and spec.interposer is None:
        interposers, carried = [], False
    if not interposers and not carried:
        return outcome
    parts = [(asic.name, asic.outline, spec is not None) for asic in package.asics]
    parts += [(engine.name, engine.outline, carried) for engine in package.engines]
    for name, outline, must in parts:
        outcome.looked_at += 1
        margin = max((room_inside(interposer, outline) for interposer in interposers), default=-np.inf)
        if margin >= limit - EQUAL:
            continue
        on_it = any(not overlap([interposer], [outline]).empty() for interposer in interposers)
        if not must and not on_it:
            continue
        if not on_it:
            state = "stands beside the interposer" if interposers else "stands on no interposer"
        else:
            state = (
                f"stands {um(-margin)} um out of the interposer" if margin < 0 else f"is {um(margin)} um from its edge"
            )
        outcome.tell(
            question.violation(
                [outline.bbox()],
                f"{name} {state}, {um(limit)} um inside needed; move it inwards or enlarge the interposer",
                asked_at=question.line("interposer.size_mm") if must and interposers else "",
                layer="INTERPOSER",
            )
        )
    return outcome


def engines_on(package: Package, board: kdb.DPolygon) -> list[Engine]:
    """The engines whose middle is on a board.

    Args:
        package: the parts.
        board: its outline, um.
    """
    return [engine for engine in package.engines if board.inside(engine.box.center())]


def board_name(package: Package, board: kdb.DPolygon) -> str:
    """What messages call a board.

    Args:
        package: the parts.
        board: its outline, um.
    """
    names = [engine.name for engine in engines_on(package, board)]
    centre = board.bbox().center()
    return f"the board of {some(names)}" if names else f"the board at ({um(centre.x)}, {um(centre.y)}) um"


def carrier_margin(question: Question) -> Outcome:
    """Where there are boards of sub-assemblies, each engine stands on one, with as much room as the spec asks for."""
    package, spec, outcome = question.package, question.spec, Outcome()
    carrier = None if spec is None else spec.engines.carrier
    boards = package.drawn("CARRIER")
    if not boards and carrier is None:
        return outcome
    asked = None if spec is None or carrier is None else spec.engines.keepout_um + carrier.margin_mm * 1e3
    limit, asked_at = question.stricter("engines.carrier.margin_mm", asked)
    for engine in package.engines:
        outcome.looked_at += 1
        below = [board for board in boards if not overlap([board], [engine.outline]).empty()]
        margin = max((room_inside(board, engine.outline) for board in below), default=0.0)
        if len(below) == 1 and margin >= limit - EQUAL:
            continue
        if len(below) != 1:
            text = f"{engine.name} stands on {len(below) or 'no'} board{'s' if len(below) > 1 else ''}, 1 needed"
        elif margin < 0:
            text = f"{engine.name} stands {um(-margin)} um out of its board, {um(limit)} um inside needed"
        else:
            text = f"{engine.name} is {um(margin)} um from the edge of its board, {um(limit)} um needed"
        outcome.tell(
            question.violation(
                [engine.box], f"{text}; move engine or board", asked_at=asked_at, layer="FLOORPLAN/CARRIER"
            )
        )
    return outcome


def carrier_spacing(question: Question) -> Outcome:
    """Boards of sub-assemblies keep apart, and off the switch die: each is plugged and drawn by itself."""
    package, outcome, limit = question.package, Outcome(), question.rule.value
    boards = package.drawn("CARRIER")
    boxes = corners_of(board.bbox() for board in boards)
    for i, board in enumerate(boards):
        outcome.looked_at += 1
        for j in np.flatnonzero(box_distances(boxes[i + 1 :], board.bbox()) < limit - EQUAL):
            other = boards[i + 1 + int(j)]
            space = distance(board, other)
            if space < limit - EQUAL:
                state = "overlap or touch" if space == 0 else f"stand {um(space)} um apart"
                names = f"{board_name(package, board)} and {board_name(package, other)}"
                outcome.tell(
                    question.violation(
                        [board.bbox(), other.bbox()],
                        f"{names} {state}, {um(limit)} um needed; move one of them or lower its margin",
                        asked_at=question.line("engines.carrier.margin_mm"),
                        layer="CARRIER",
                    )
                )
        for asic in package.asics:
            common = overlap([board], [asic.outline])
            if not common.empty():
                outcome.tell(
                    question.violation(
                        [common],
                        f"{board_name(package, board)} lies {um(min(common.width(), common.height()))} um on "
                        f"{asic.name}, 0 um allowed; move it away",
                        asked_at=question.line("engines.gap_mm"),
                        layer="CARRIER/ASIC",
                    )
                )
    return outcome
