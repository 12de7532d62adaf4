"""Do both engines find the same in the same places: `cpo check` and the deck in KLayout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.design_rules.run import drc_layout
from cpo_pdk.verify.findings import Violation
from cpo_pdk.verify.klayout_deck.deck import expressed
from cpo_pdk.verify.klayout_deck.program import PROGRAM, TIME_LIMIT, run_deck

#: markers nearer to each other than this are in one place, um
TOGETHER = 0.003
_DBU = 0.001


@dataclass(frozen=True)
class RuleAgreement:
    """How the engines agree on one rule; boxes in the coordinates of the top cell, um.

    Attributes:
        rule: its name.
        both: places that both found.
        only_check: places that only `cpo check` found.
        only_deck: places that only the deck found.
    """

    rule: str
    both: tuple[kdb.DBox, ...]
    only_check: tuple[kdb.DBox, ...]
    only_deck: tuple[kdb.DBox, ...]

    @property
    def agrees(self) -> bool:
        """True when each found what the other found."""
        return not self.only_check and not self.only_deck


def compare_engines(
    file: LayoutFile,
    rules: Sequence[Rule] | None = None,
    *,
    mode: str = "flat",
    program: str = PROGRAM,
    time_limit: float = TIME_LIMIT,
) -> tuple[RuleAgreement, ...]:
    """Run both engines on one layout and compare them rule by rule, place by place.

    Violations of a cell are looked for in every place where the cell stands. Markers that touch are one place; a place
    is agreed on when markers of both engines touch in it.

    Args:
        file, rules, mode, program, time_limit: as `run_deck`.

    Returns:
        one entry for each rule that the deck expresses, in their order.

    Raises:
        InputError, LayoutError: as `run_deck`.
    """
    shared = expressed(load_rules() if rules is None else rules)
    theirs = run_deck(file, shared, mode=mode, program=program, time_limit=time_limit).markers
    ours: dict[str, list[kdb.DBox]] = {rule.name: [] for rule in shared}
    for violation in drc_layout(file, shared).violations:
        ours[violation.rule] += boxes_in_top(file, violation)
    return tuple(_agreement(rule.name, ours[rule.name], list(theirs[rule.name])) for rule in shared)


def boxes_in_top(file: LayoutFile, violation: Violation) -> list[kdb.DBox]:
    """The box of a violation in every place of its cell, in the coordinates of the top cell."""
    box = kdb.DBox(*violation.bbox)
    return [box.transformed(place) for place in _places(file, violation.cell)]


def _places(file: LayoutFile, name: str) -> list[kdb.DCplxTrans]:
    cell = file.layout.cell(name)
    if cell.cell_index() == file.top.cell_index():
        return [kdb.DCplxTrans()]
    instances = kdb.RecursiveInstanceIterator(file.layout, file.top)
    instances.targets = [cell.cell_index()]
    found = []
    for at in instances.each():
        found.append(at.dtrans() * at.inst_dtrans())
    return found


def _agreement(rule: str, ours: Sequence[kdb.DBox], theirs: Sequence[kdb.DBox]) -> RuleAgreement:
    places = _places_of([*ours, *theirs])
    mine, other = _near(ours), _near(theirs)
    both, only_check, only_deck = [], [], []
    for place in places:
        found = kdb.Region(place)
        in_check, in_deck = not found.interacting(mine).is_empty(), not found.interacting(other).is_empty()
        box = place.bbox().to_dtype(_DBU)
        (both if in_check and in_deck else only_check if in_check else only_deck).append(box)
    return RuleAgreement(rule, tuple(both), tuple(only_check), tuple(only_deck))


def _near(boxes: Sequence[kdb.DBox]) -> kdb.Region:
    """Boxes made larger by half of what still is together, merged."""
    half = round(TOGETHER / _DBU / 2) or 1
    region = kdb.Region()
    for box in boxes:
        region.insert(box.to_itype(_DBU).enlarged(half, half))
    return region.merged()


def _places_of(boxes: Sequence[kdb.DBox]) -> list[kdb.Polygon]:
    return list(_near(boxes).each())
