"""The rules of the package on a layout file: what stands next to what, where fibres run, which connector takes them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cpo_pdk.circuit.layout_file import LayoutFile, captured_output, read_layout
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import LayoutError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.assembly import (
    bump_rules,
    connector_rules,
    count_rules,
    engine_rules,
    facet_rules,
    fibre_rules,
    keep_outs,
    place_rules,
    ribbon_rules,
    support_rules,
    trace_rules,
)
from cpo_pdk.verify.assembly.finding import PACKAGE_LAYERS, find_parts, flat_counts, has_package_layers
from cpo_pdk.verify.assembly.levels import FIBRE_LAYERS
from cpo_pdk.verify.assembly.meeting import meet
from cpo_pdk.verify.assembly.outcome import Check, Enough, Outcome, Question
from cpo_pdk.verify.assembly.placed import Places
from cpo_pdk.verify.findings import CheckResult, Violation

#: the kind of rule that bounds how many parts are looked at
PARTS = "part_limit"
#: what runs each kind of rule
ASSEMBLY_KINDS: dict[str, Check] = {
    "shoreline_share": engine_rules.shoreline_share,
    "shoreline_facing": engine_rules.shoreline_facing,
    "engine_spacing": engine_rules.engine_spacing,
    "asic_spacing": engine_rules.asic_spacing,
    "asic_reach": engine_rules.asic_reach,
    "asic_gap": place_rules.asic_gap,
    "trace_reach": trace_rules.trace_reach,
    "engine_place": place_rules.engine_place,
    "spare_bare": place_rules.spare_bare,
    "shoreline_length": place_rules.shoreline_length,
    "keep_out_asked": place_rules.keep_out_asked,
    "substrate_margin": support_rules.substrate_margin,
    "interposer_margin": support_rules.interposer_margin,
    "carrier_margin": support_rules.carrier_margin,
    "carrier_spacing": support_rules.carrier_spacing,
    "mirrored": engine_rules.mirrored,
    "engine_keepout": keep_outs.engine_keepout,
    "keep_out": keep_outs.keep_out,
    "array_footprint": keep_outs.array_footprint,
    "connector_swept": keep_outs.connector_swept,
    "facet_edge": facet_rules.facet_edge,
    "facet_clear": facet_rules.facet_clear,
    "fibre_pitch": facet_rules.fibre_pitch,
    "fibre_missing": facet_rules.fibre_missing,
    "fibre_gap": facet_rules.fibre_gap,
    "fibre_angle": facet_rules.fibre_angle,
    "fibre_kind": facet_rules.fibre_kind,
    "fibre_ends": fibre_rules.fibre_ends,
    "fibre_order": fibre_rules.fibre_order,
    "fibre_crossing": fibre_rules.fibre_crossing,
    "ribbon_spacing": ribbon_rules.ribbon_spacing,
    "ribbon_crossing": ribbon_rules.ribbon_crossing,
    "connector_capacity": connector_rules.connector_capacity,
    "connector_position": connector_rules.connector_position,
    "connector_halves": connector_rules.connector_halves,
    "connector_laser": connector_rules.connector_laser,
    "connector_row": connector_rules.connector_row,
    "connector_spacing": connector_rules.connector_spacing,
    "connector_plate": connector_rules.connector_plate,
    "bump_grid": bump_rules.bump_grid,
    "bump_pitch": bump_rules.bump_pitch,
    "bump_margin": bump_rules.bump_margin,
    "top_die": bump_rules.top_die,
    "top_die_margin": bump_rules.top_die_margin,
    "part_count": count_rules.part_count,
}


def assembly(path: str | Path, spec: PackageSpec | None = None, rules: Sequence[Rule] | None = None) -> CheckResult:
    """Check the package in a GDS or OASIS file.

    Args:
        path: the file.
        spec, rules: see `assembly_layout`.

    Raises:
        LayoutError: the file can't be read.
    """
    start = time.perf_counter()
    file = read_layout(path)
    seconds = {"read": time.perf_counter() - start}
    result = assembly_layout(file, spec=spec, rules=rules)
    return replace(result, seconds={**seconds, **result.seconds})


def assembly_layout(
    file: LayoutFile,
    netlists: Netlists | None = None,
    spec: PackageSpec | None = None,
    rules: Sequence[Rule] | None = None,
) -> CheckResult:
    """Check a package that was read.

    Args:
        file: the layout.
        netlists: of the file, if it was extracted already: names of ports are taken from it.
        spec: what the package was asked to be; without it the file is held against the rules and against itself.
        rules: those of other kinds are passed over; default: those of the process.

    Returns:
        the violations; `looked_at` is the number of dies, fibres, connectors and substrates. A file without any layer
        of a package has nothing to look at.

    Raises:
        LayoutError: the geometry is damaged.
    """
    start = time.perf_counter()
    wanted = load_rules() if rules is None else rules
    wanted = tuple(rule for rule in wanted if rule.group == "assembly")
    names = tuple(rule.name for rule in wanted)

    def result(**more: object) -> CheckResult:
        made = CheckResult(violations=(), rules=names, looked_at=0, group="assembly", what="parts")
        return replace(made, seconds={"assembly": time.perf_counter() - start}, **more)

    # with a spec a die is an engine, even one that its electronic die is missing from
    if not has_package_layers(file, or_a_die=spec is not None):
        shown = ", ".join(PACKAGE_LAYERS[:3])
        return result(not_applicable=f"no package in the file: none of its layers ({shown}...) holds a shape")
    places = Places(file.layout, file.top)
    too_many = _too_many(file, places, wanted)
    if too_many:
        return result(violations=tuple(too_many), looked_at=1)
    try:
        with captured_output():
            package = find_parts(file, places, netlists)
            meet(package)
            outcomes = {rule.name: _run(Question(package, rule, spec)) for rule in wanted if rule.kind != PARTS}
    except RuntimeError as error:
        text = " ".join(str(error).split())
        raise LayoutError(f"{file.path}: the package can't be checked ({text}); build the file again") from error
    counted: dict[str, int] = {}
    for outcome in outcomes.values():
        counted.update(outcome.counted)
    return result(
        violations=tuple(sorted(v for outcome in outcomes.values() for v in outcome.violations)),
        looked_at=package.number_of_parts,
        counted=counted,
        looked_at_by_rule={name: outcome.looked_at for name, outcome in outcomes.items()},
        crossings=tuple(crossing for outcome in outcomes.values() for crossing in outcome.crossings),
    )


def _run(question: Question) -> Outcome:
    """One rule; where it has more to say than anybody reads, the last of its violations says so."""
    try:
        return ASSEMBLY_KINDS[question.rule.kind](question)
    except Enough as enough:
        outcome = enough.outcome
        last = outcome.violations[-1]
        more = f"; {len(outcome.violations)} violations of this rule are told, there may be more"
        outcome.violations[-1] = replace(last, message=last.message + more)
        return outcome


def _too_many(file: LayoutFile, places: Places, rules: Sequence[Rule]) -> list[Violation]:
    """What is said of a file with more parts than any package has: it is not looked at further."""
    limits = [rule for rule in rules if rule.kind == PARTS]
    if not limits:
        return []
    rule = limits[0]
    bumps = ("ASIC_BUMP", "BUMP")
    lines = (*FIBRE_LAYERS, "AIRWIRE")
    parts = tuple(name for name in (*PACKAGE_LAYERS, "FLOORPLAN") if name not in (*bumps, *lines))
    found: list[Violation] = []
    more = {key: float(rule.more.get(key, rule.value)) for key in ("fibres", "bumps")}
    for layers, limit in ((parts, rule.value), (lines, more["fibres"]), (bumps, more["bumps"])):
        for name, count in flat_counts(file, places, layers).items():
            if count > limit:
                box = file.top.dbbox()
                found.append(
                    Violation(
                        rule.name,
                        name,
                        file.top.name,
                        (round(box.left, 4), round(box.bottom, 4), round(box.right, 4), round(box.top, 4)),
                        f"{count} shapes on {name}, {limit:.0f} allowed in a package; the rules of the package were "
                        "not run; check the arrays",
                    )
                )
    return found
