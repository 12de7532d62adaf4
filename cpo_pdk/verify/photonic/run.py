"""The check of the waveguides of a layout file, on the drawn polygons: it needs no word about what they are."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile, captured_output, read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.errors import LayoutError
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.layers import FIBER_LEVELS
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.design_rules.places import cluster, deepest_path
from cpo_pdk.verify.design_rules.run import refuse_foreign
from cpo_pdk.verify.findings import CheckResult, Violation
from cpo_pdk.verify.photonic.guides import Guides, LocatedFinding, place_of
from cpo_pdk.verify.photonic.kinds import LARGEST, OWN_EXEMPTION, PHOTONIC_KINDS, WORDS
from cpo_pdk.verify.process_layers import Finding, ProcessLayers, placements

#: layers that light is guided in
GUIDES = ("WG", *FIBER_LEVELS, "FIBER_PM")
#: layers without which there is nothing to guide light in
SILICON = ("WG", "SLAB90", "SLAB150")


def photonic(path: str | Path, rules: Sequence[Rule] | None = None) -> CheckResult:
    """Check the waveguides of a GDS or OASIS file.

    Args:
        path: the file.
        rules: default: those of the process.

    Raises:
        LayoutError: the file can't be read, or none of its layers is one of the process.
    """
    start = time.perf_counter()
    file = read_layout(path)
    seconds = {"read": time.perf_counter() - start}
    result = photonic_layout(file, rules)
    return replace(result, seconds={**seconds, **result.seconds})


def photonic_layout(
    file: LayoutFile,
    rules: Sequence[Rule] | None = None,
    leaves: Collection[str] | None = None,
) -> CheckResult:
    """`photonic` of a layout that was read.

    Args:
        file: the layout.
        rules: those of other kinds are passed over; default: those of the process.
        leaves: functions of cells that are one device; default: those of the shipped sheets.

    Returns:
        the violations, each once a cell; `looked_at` is the number of merged polygons of waveguides and fibres, every
        instance counted.
    """
    start = time.perf_counter()
    chosen = [rule for rule in (load_rules(group="photonic") if rules is None else rules) if rule.group == "photonic"]
    refuse_foreign(file)
    guides = Guides(file, leaf_factories(load_sheets()) if leaves is None else leaves)
    counts = guides.layers.shape_counts()
    violations: list[Violation] = []
    by_rule: dict[str, int] = {}
    seconds: dict[str, float] = {}
    polygons: dict[str, int] = {}
    with captured_output():
        for name in GUIDES:
            if counts.get(name):
                polygons[name] = guides.polygon_count(name)
    for rule in chosen:
        if polygons.get(rule.layers[0]):
            at = time.perf_counter()
            violations += _run(guides, rule)
            seconds[rule.name] = time.perf_counter() - at
        by_rule[rule.name] = guides.looked_at.get(rule.name, polygons.get(rule.layers[0], 0))
    nothing = "" if any(counts.get(name) for name in (*GUIDES, *SILICON)) else "no silicon and no fibre in the file"
    return CheckResult(
        violations=tuple(sorted(violations)),
        rules=tuple(rule.name for rule in chosen),
        looked_at=sum(polygons.values()),
        seconds={"photonic": time.perf_counter() - start, **seconds},
        group="photonic",
        what="waveguides",
        counted={f"polygons on {name}": number for name, number in polygons.items()},
        not_applicable=nothing,
        looked_at_by_rule=by_rule,
    )


def _run(guides: Guides, rule: Rule) -> list[Violation]:
    """The violations of one rule."""
    layers = guides.layers
    sign = -1.0 if rule.kind in LARGEST else 1.0
    findings: list[Finding] = []
    fault: RuntimeError | None = None
    with captured_output():
        try:
            raw = (
                f
                for f in PHOTONIC_KINDS[rule.kind](guides, rule)
                if rule.kind in OWN_EXEMPTION or not guides.excused(rule, f)
            )
            findings = cluster(_signed(f, sign) for f in raw)
        except RuntimeError as error:
            fault = error
    if fault is not None:
        text = " ".join(str(fault).split())
        raise LayoutError(
            f"{guides.file.path}: rule {rule.name} can't be checked ({text}); the geometry is damaged, build it again"
        ) from fault
    told = _once_a_cell(layers, rule, findings)
    return [
        Violation(
            rule.name,
            rule.layer_names,
            cell,
            _um(finding.box, layers.dbu),
            message(rule, _signed(finding, sign)),
            places=finding.places,
        )
        for cell, finding in told
    ]


def _once_a_cell(layers: ProcessLayers, rule: Rule, findings: Sequence[Finding]) -> list[tuple[str, Finding]]:
    """Findings with the cell that is to be told, boxes in its coordinates.

    What a cell has in itself is found in each polygon that it is part of, with a box that depends on how the polygon
    goes on: boxes that touch are one, in as many places as all of them together.
    """
    indexes = layers.indexes(rule.layers)
    cells: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        name, box = finding.cell, finding.box
        if not name:
            name, box = _in_its_cell(layers, indexes, finding)
        note = "" if isinstance(finding, LocatedFinding) else finding.note
        cells[name, note].append(replace(finding, box=box))
    placed = placements(layers.layout, layers.top) if cells else {}
    told: list[tuple[str, Finding]] = []
    for (name, _), found in cells.items():
        most = placed[layers.layout.cell(name).cell_index()]
        told += [(name, _together(group, most)) for group in _touching(found)]
    return told


def _touching(found: list[Finding]) -> list[list[Finding]]:
    """Findings of one cell, those together whose boxes touch."""
    done: list[list[Finding]] = []
    open_now: list[tuple[kdb.Box, list[Finding]]] = []
    for finding in sorted(found, key=lambda f: (f.box.left, f.box.bottom, f.box.right, f.box.top)):
        box, members = finding.box, [finding]
        apart: list[tuple[kdb.Box, list[Finding]]] = []
        for other, others in open_now:
            if other.touches(box):
                box, members = box + other, [*others, *members]
            elif other.right < finding.box.left:
                done.append(others)
            else:
                apart.append((other, others))
        open_now = [*apart, (box, members)]
    return [*done, *(members for _, members in open_now)]


def _together(group: list[Finding], most: int) -> Finding:
    """The worst of some findings, with the box around all and the number of their places."""
    box = kdb.Box()
    for finding in group:
        box += finding.box
    worst = min(group, key=lambda f: (f.value is None, f.value or 0.0))
    return replace(worst, box=box, places=min(sum(f.places for f in group), most))


def _in_its_cell(layers: ProcessLayers, indexes: list[int], finding: Finding) -> tuple[str, kdb.Box]:
    """Name of the deepest cell that holds a finding, and its box in the coordinates of that cell."""
    cell, to_top = layers.top, kdb.ICplxTrans()
    for element in deepest_path(layers.layout, layers.top, indexes, place_of(finding)):
        cell = layers.layout.cell(element.inst().cell_index)
        to_top = to_top * element.specific_cplx_trans()
    return cell.name, finding.box.transformed(to_top.inverted())


def _signed(finding: Finding, sign: float) -> Finding:
    """Worst is smallest, for putting findings together."""
    return finding if finding.value is None else replace(finding, value=sign * finding.value)


def _um(box: kdb.Box, dbu: float) -> tuple[float, float, float, float]:
    return (round(box.left * dbu, 4), round(box.bottom * dbu, 4), round(box.right * dbu, 4), round(box.top * dbu, 4))


def message(rule: Rule, finding: Finding) -> str:
    """Value, limit and cure in one line."""
    what, unit, cure = WORDS[rule.kind]
    note = f" ({finding.note})" if finding.note else ""
    value = "unknown" if finding.value is None else f"{finding.value:.4g}"
    many = f"; in {finding.places} places" if finding.places > 1 else ""
    unit = f" {unit}" if unit else ""
    return f"{what} {value}{unit}{note}, limit {rule.value:g}{unit}; {cure}{many}"
