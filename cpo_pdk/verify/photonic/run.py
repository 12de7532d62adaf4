"""The check of the waveguides of a layout file, on the drawn polygons: it needs no word about what they are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile, captured_output, read_layout
from cpo_pdk.errors import LayoutError
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.design_rules.places import cluster, deepest_cell
from cpo_pdk.verify.design_rules.run import refuse_foreign
from cpo_pdk.verify.findings import CheckResult, Violation
from cpo_pdk.verify.photonic.kinds import PHOTONIC_KINDS, WORDS
from cpo_pdk.verify.process_layers import Finding, ProcessLayers

#: layers that light is guided in
GUIDES = ("WG", "FIBER", "FIBER_PM")
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
    file: LayoutFile, rules: Sequence[Rule] | None = None, leaves: Collection[str] | None = None
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
    layers = ProcessLayers(file.layout, file.top)
    counts = layers.shape_counts()
    violations: list[Violation] = []
    by_rule: dict[str, int] = {}
    polygons: dict[str, int] = {}
    with captured_output():
        for name in GUIDES:
            if counts.get(name):
                found = layers.distinct(layers.region(name, alone=True))
                polygons[name] = sum(places for _, _, places in found)
    for rule in chosen:
        by_rule[rule.name] = polygons.get(rule.layers[0], 0)
        if by_rule[rule.name]:
            violations += _run(layers, rule, file)
    nothing = "" if any(counts.get(name) for name in (*GUIDES, *SILICON)) else "no silicon and no fibre in the file"
    return CheckResult(
        violations=tuple(sorted(violations)),
        rules=tuple(rule.name for rule in chosen),
        looked_at=sum(polygons.values()),
        seconds={"photonic": time.perf_counter() - start},
        group="photonic",
        what="waveguides",
        counted={f"polygons on {name}": number for name, number in polygons.items()},
        not_applicable=nothing,
        looked_at_by_rule=by_rule,
    )


def _run(layers: ProcessLayers, rule: Rule, file: LayoutFile) -> list[Violation]:
    """The violations of one rule."""
    findings: list[Finding] = []
    fault: RuntimeError | None = None
    with captured_output():
        try:
            findings = cluster(PHOTONIC_KINDS[rule.kind](layers, rule))
        except RuntimeError as error:
            fault = error
    if fault is not None:
        text = " ".join(str(fault).split())
        raise LayoutError(
            f"{file.path}: rule {rule.name} can't be checked ({text}); the geometry is damaged, build it again"
        ) from fault
    indexes = layers.indexes(rule.layers)
    held: dict[tuple[str, tuple[float, float, float, float]], Finding] = {}
    times: Counter[tuple[str, tuple[float, float, float, float]]] = Counter()
    for finding in findings:
        name, box = finding.cell, finding.box
        if not name:
            cell, box = deepest_cell(layers.layout, layers.top, indexes, finding.box)
            name = cell.name
        key = (name, _um(box, layers.dbu))
        times[key] += finding.places
        held[key] = min(held.get(key, finding), finding, key=lambda f: (f.value is None, f.value or 0.0))
    return [
        Violation(rule.name, rule.layer_names, cell, box, message(rule, finding, times[cell, box]), times[cell, box])
        for (cell, box), finding in held.items()
    ]


def _um(box: kdb.Box, dbu: float) -> tuple[float, float, float, float]:
    return (round(box.left * dbu, 4), round(box.bottom * dbu, 4), round(box.right * dbu, 4), round(box.top * dbu, 4))


def message(rule: Rule, finding: Finding, places: int) -> str:
    """Value, limit and cure in one line."""
    what, unit, cure = WORDS[rule.kind]
    note = f" ({finding.note})" if finding.note else ""
    value = "unknown" if finding.value is None else f"{finding.value:.4g}"
    many = f"; in {places} places" if places > 1 else ""
    return f"{what} {value} {unit}{note}, limit {rule.value:g} {unit}; {cure}{many}"
