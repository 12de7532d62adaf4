"""Do both engines find the same in the same places: `cpo check` and the deck in KLayout."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile, captured_output
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify import process_layers
from cpo_pdk.verify.design_rules.kinds import RULE_KINDS, looked_at
from cpo_pdk.verify.klayout_deck.deck import expressed
from cpo_pdk.verify.klayout_deck.program import PROGRAM, TIME_LIMIT, run_deck
from cpo_pdk.verify.process_layers import ProcessLayers

#: markers nearer to each other than this are in one place, um
TOGETHER = 0.003
_DBU = 0.001


class EveryPlace(ProcessLayers):
    """Layers whose results are handed on in every place of the top cell, not once a cell."""

    def distinct(self, collection: process_layers.Collection) -> Iterator[tuple[kdb.Shape, kdb.ICplxTrans, int]]:
        """What a hierarchical collection holds, in every place; otherwise as in `ProcessLayers`."""
        if collection.is_empty():
            return
        found = kdb.Layout()
        found.dbu = self.dbu
        root, layer = found.create_cell(self.top.name), found.layer(1, 0)
        found.insert(root.cell_index(), layer, collection)
        places = kdb.RecursiveShapeIterator(found, root, layer)
        while not places.at_end():
            yield places.shape(), places.trans(), 1
            places.next()


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

    Markers that touch are one place; a place is agreed on when markers of both engines touch in it.

    Args:
        file, rules, mode, program, time_limit: as `run_deck`.

    Returns:
        one entry for each rule that the deck expresses, in their order.

    Raises:
        InputError, LayoutError: as `run_deck`.
    """
    shared = expressed(load_rules() if rules is None else rules)
    theirs = run_deck(file, shared, mode=mode, program=program, time_limit=time_limit).markers
    ours = check_boxes(file, shared)
    return tuple(_agreement(rule.name, ours[rule.name], theirs[rule.name]) for rule in shared)


def check_boxes(file: LayoutFile, rules: Sequence[Rule]) -> dict[str, list[kdb.DBox]]:
    """Everything that the checker objects to, in every place of the top cell, um, by rule."""
    layers = EveryPlace(file.layout, file.top)
    counts = layers.shape_counts()
    boxes: dict[str, list[kdb.DBox]] = {rule.name: [] for rule in rules}
    for rule in rules:
        if not looked_at(rule, counts, file.flat_shapes):
            continue
        with captured_output():
            found = list(RULE_KINDS[rule.kind](layers, rule))
        for finding in found:
            places = places_of(file, finding.cell) if finding.cell else [kdb.ICplxTrans()]
            boxes[rule.name] += [finding.box.transformed(place).to_dtype(_DBU) for place in places]
    return boxes


def places_of(file: LayoutFile, name: str) -> list[kdb.ICplxTrans]:
    """Every place of a cell in the top cell."""
    cell = file.layout.cell(name)
    if cell.cell_index() == file.top.cell_index():
        return [kdb.ICplxTrans()]
    instances = kdb.RecursiveInstanceIterator(file.layout, file.top)
    instances.targets = [cell.cell_index()]
    found: list[kdb.ICplxTrans] = []
    while not instances.at_end():
        found.append(instances.trans() * instances.current_inst_element().specific_cplx_trans())
        instances.next()
    return found


def _agreement(rule: str, ours: Sequence[kdb.DBox], theirs: Sequence[kdb.DBox]) -> RuleAgreement:
    places = _near([*ours, *theirs])
    check, deck = (set(places.interacting(_near(boxes)).each()) for boxes in (ours, theirs))

    def boxes_of(found: Collection[kdb.Polygon]) -> tuple[kdb.DBox, ...]:
        boxes = (polygon.bbox().to_dtype(_DBU) for polygon in found)
        return tuple(sorted(boxes, key=lambda box: (box.left, box.bottom, box.right, box.top)))

    return RuleAgreement(rule, boxes_of(check & deck), boxes_of(check - deck), boxes_of(deck - check))


def _near(boxes: Sequence[kdb.DBox]) -> kdb.Region:
    """Boxes made larger by half of what still is together, merged: one polygon a place."""
    half = round(TOGETHER / _DBU / 2)
    region = kdb.Region()
    for box in boxes:
        region.insert(box.to_itype(_DBU).enlarged(half, half))
    return region.merged()
