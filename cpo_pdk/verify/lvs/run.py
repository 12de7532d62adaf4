"""Layout against spec: does the file hold the circuit that was asked for, with the sizes that were asked for.

Without a spec a file is held against itself: what its cells say of themselves against what is drawn in them, and its
metal against the terminals of its devices.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from importlib import import_module

from cpo_pdk.circuit.layout_file import LayoutFile, captured_output
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import LayoutError
from cpo_pdk.spec import check_devices
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.findings import CheckResult, Violation
from cpo_pdk.verify.lvs.asked import asked_at
from cpo_pdk.verify.lvs.devices import Circuit
from cpo_pdk.verify.lvs.faults import Fault, Placed, placed, row_words
from cpo_pdk.verify.lvs.measure.comparing import Reading, compared_readings, measured_cells
from cpo_pdk.verify.lvs.metal_faults import BUMPS_RULE, OPEN_RULE, SHORT_RULE, device_faults, net_faults
from cpo_pdk.verify.lvs.metal_nets import MetalNets
from cpo_pdk.verify.process_layers import placements

#: kinds of data rules that hold a file against its own record
_RECORD_KINDS = ("measured", "matched")


def _record_rules() -> tuple[str, ...]:
    """Names of the rules that need no spec."""
    measured = (rule.name for rule in load_rules(group="lvs") if rule.kind in _RECORD_KINDS)
    return (*measured, OPEN_RULE, SHORT_RULE, BUMPS_RULE)


def lvs_layout(
    file: LayoutFile, netlists: Netlists, sheets: Mapping[str, Sheet], spec: PackageSpec | None = None
) -> CheckResult:
    """Compare a layout with the spec that it was drawn from, and with what it says of itself.

    Args:
        file: the layout.
        netlists: of `file`, with the factories of `sheets` as leaves.
        sheets: of the devices, by name.
        spec: what was asked for; None: the file is only held against itself.

    Raises:
        LayoutError: the metals can't be followed, or meta information is damaged.
        SpecError: the spec names a sheet that does not exist.
    """
    start = time.perf_counter()
    seconds: dict[str, float] = {}
    places = placements(file.layout, file.top)
    with captured_output():
        readings = measured_cells(file, netlists)
        violations, counts = compared_readings(readings)
        by_cell = {reading.cell: reading for reading in readings}
        seconds["measured"] = time.perf_counter() - start
        metal, faults, nets = _metal(file, leaf_factories(sheets), by_cell)
        seconds["metal"] = time.perf_counter() - start - seconds["measured"]
        counted = {
            "devices": counts["devices"],
            "optical_nets": netlists.counts().get("connections", 0),
            "electrical_nets": sum(places.get(_index(file, holder), 1) for holder in nets),
            "parameters": counts["parameters"],
            "lanes": 0,
            "cells_unknown": counts["cells_unknown"],
        }
        rules = _record_rules()
        circuits: Mapping[str, Circuit] = {}
        if spec is not None:
            check_devices(spec, sheets)
            # loads the models behind the rings, a third of a second that a file without a spec need not wait for
            against = import_module("cpo_pdk.verify.lvs.against_spec")
            outcome = against.against_spec(file, netlists, sheets, spec, by_cell, metal, violations)
            violations, circuits, rules = outcome.violations, outcome.circuits, (*rules, *outcome.rules)
            faults += outcome.faults
            counted |= {**outcome.counted, "parameters": counts["parameters"] + outcome.counted["parameters"]}
    violations += [_violation(file, places, spec, found) for found in placed(faults, circuits, file.layout)]
    seconds["lvs"] = time.perf_counter() - start
    nothing = not counts["cells_unknown"] and not counts["devices"] and not counted["devices"] and not metal.terminals
    return CheckResult(
        violations=tuple(sorted(set(violations))),
        rules=rules,
        looked_at=counted["parameters"],
        seconds=seconds,
        group="lvs",
        what="parameters",
        counted=counted,
        not_applicable="the file holds no device that says what it is" if nothing and spec is None else "",
    )


def _metal(
    file: LayoutFile, leaves: Collection[str], readings: Mapping[str, Reading]
) -> tuple[MetalNets, list[Fault], list[str]]:
    """The nets of the metals, what is wrong with them, and the cell that each net is complete in."""
    try:
        metal = MetalNets(file.layout, file.top, leaves)
        faults = [*device_faults(metal, readings), *net_faults(metal, readings)]
        return metal, faults, [holder for holder, _ in metal.nets()]
    except RuntimeError as error:
        text = " ".join(str(error).split())
        raise LayoutError(f"{file.path}: the metals can't be followed ({text}); build the file again") from error


def _index(file: LayoutFile, name: str) -> int:
    cell = file.layout.cell(name)
    return -1 if cell is None else cell.cell_index()


def _violation(file: LayoutFile, places: Mapping[int, int], spec: PackageSpec | None, found: Placed) -> Violation:
    cell = file.layout.cell(found.cell)
    times = places.get(cell.cell_index(), 1) if cell is not None else 1
    where = f"{row_words(found.rows)}: " if found.rows else ""
    fault = found.fault
    return Violation(
        rule=fault.rule,
        layer=fault.layer,
        cell=found.cell,
        bbox=found.box,
        message=where + fault.message + (f"; in {times} places" if times > 1 else ""),
        places=times,
        asked_at=asked_at(spec, fault.spec_path) if spec is not None and fault.spec_path else "",
    )
