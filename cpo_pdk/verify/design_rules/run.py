"""The design-rule check of a layout file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile, captured_output, read_layout
from cpo_pdk.errors import LayoutError
from cpo_pdk.tech.layers import LAYERS, NAMES
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.design_rules.kinds import OF_RECORDS, RULE_KINDS, looked_at, message
from cpo_pdk.verify.design_rules.places import cluster, deepest_cell
from cpo_pdk.verify.findings import CheckResult, Violation
from cpo_pdk.verify.process_layers import Finding, ProcessLayers, process_layers


def drc(path: str | Path, rules: Sequence[Rule] | None = None) -> CheckResult:
    """Check a GDS or OASIS file against the design rules.

    Args:
        path: the file.
        rules: those of other kinds of check are passed over; default: those of the process.

    Returns:
        the violations, each once a cell; `looked_at` is the number of shapes on layers of the process,
        every instance counted.

    Raises:
        LayoutError: the file can't be read, or none of its layers is one of the process.
    """
    start = time.perf_counter()
    file = read_layout(path)
    seconds = {"read": time.perf_counter() - start}
    result = drc_layout(file, rules)
    return replace(result, seconds={**seconds, **result.seconds})


def drc_layout(file: LayoutFile, rules: Sequence[Rule] | None = None) -> CheckResult:
    """`drc` of a layout that was read."""
    start = time.perf_counter()
    rules = tuple(rule for rule in (load_rules() if rules is None else rules) if rule.group == "drc")
    layers = process_layers(file)
    refuse_foreign(file)
    counts = layers.shape_counts()
    by_rule = {rule.name: looked_at(rule, counts, file.flat_shapes) for rule in rules}
    violations: list[Violation] = []
    for rule in rules:
        if by_rule[rule.name]:  # what isn't there violates nothing
            violations += _run(layers, rule, file.path)
    # records can be sound in a file that no other rule has anything to say about: that is not looked at
    drawn = [rule.name for rule in rules if rule.kind not in OF_RECORDS]
    blind = bool(drawn) and not any(by_rule[name] for name in drawn)
    return CheckResult(
        violations=tuple(sorted(violations)),
        rules=tuple(rule.name for rule in rules),
        looked_at=0 if blind else sum(counts.values()),
        seconds={"drc": time.perf_counter() - start},
        shapes_by_layer=counts,
        looked_at_by_rule=by_rule,
    )


def refuse_foreign(file: LayoutFile) -> None:
    """Raise `LayoutError` when the file has layers, but none of the process."""
    infos = [file.layout.get_info(i) for i in file.layout.layer_indexes()]
    used = [i for i in infos if not file.top.bbox_per_layer(file.layout.layer(i)).empty()] or infos
    if used and not any((i.layer, i.datatype) in NAMES for i in used):
        shown = ", ".join(str(i) for i in used[:6]) + (" ..." if len(used) > 6 else "")
        raise LayoutError(
            f"{file.path}: no known layer ({shown}); the process has {len(LAYERS)}, from WG {LAYERS['WG'][:2]} on; "
            "give a layout of this process"
        )


def _run(layers: ProcessLayers, rule: Rule, path: Path) -> list[Violation]:
    """The violations of one rule."""
    fault: RuntimeError | None = None
    findings: list[Finding] = []
    with captured_output():
        try:
            findings = cluster(RULE_KINDS[rule.kind](layers, rule))
        except RuntimeError as error:
            fault = error
    if fault is not None:
        text = " ".join(str(fault).split())
        raise LayoutError(
            f"{path}: rule {rule.name} can't be checked ({text}); the geometry is damaged, build it again"
        ) from fault
    indexes = layers.indexes(rule.layers)
    places: dict[tuple[str, tuple[float, float, float, float]], Finding] = {}
    for finding in findings:
        if finding.cell:
            name, box = finding.cell, finding.box
        else:
            cell, box = deepest_cell(layers.layout, layers.top, indexes, finding.box)
            name = cell.name
        key = (name, _um(box, layers.dbu))
        known = places.get(key)
        if known is None:
            places[key] = finding
            continue
        value = min((v for v in (known.value, finding.value) if v is not None), default=None)
        places[key] = replace(known, value=value, places=known.places + finding.places)
    return [
        Violation(rule.name, rule.layer_names, cell, box, message(rule, finding), finding.places)
        for (cell, box), finding in places.items()
    ]


def _um(box: kdb.Box, dbu: float) -> tuple[float, float, float, float]:
    return (round(box.left * dbu, 4), round(box.bottom * dbu, 4), round(box.right * dbu, 4), round(box.top * dbu, 4))
