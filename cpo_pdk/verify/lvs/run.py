"""Layout against spec: does the file hold the circuit that was asked for, with the sizes that were asked for.

Without a spec a file is held against itself: what its cells say of themselves against what is drawn in them, and its
metal against the terminals of its devices.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile, captured_output
from cpo_pdk.circuit.netlist import Instance, Netlists
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.verify.findings import CheckResult, Violation
from cpo_pdk.verify.lvs import array, fibres
from cpo_pdk.verify.lvs import compare as graphs
from cpo_pdk.verify.lvs.asked import asked_at
from cpo_pdk.verify.lvs.engines import match_package
from cpo_pdk.verify.lvs.faults import Fault, merged, row_words
from cpo_pdk.verify.process_layers import placements

#: what is held against a spec
SPEC_RULES = (
    graphs.DEVICE_RULE,
    graphs.MISSING_RULE,
    graphs.EXTRA_RULE,
    graphs.OPEN_RULE,
    graphs.CONNECTION_RULE,
    graphs.TURNED_RULE,
    array.ARRAY_RULE,
    array.MIRRORED_RULE,
    array.SWAPPED_RULE,
    array.NAME_RULE,
    fibres.ENGINES_RULE,
    fibres.FIBRE_RULE,
    fibres.KIND_RULE,
    fibres.CONNECTOR_RULE,
)
#: half the side of the box that marks a place without extent, um
_MARK = 0.5


def lvs_layout(
    file: LayoutFile, netlists: Netlists, sheets: Mapping[str, Sheet], spec: PackageSpec | None = None
) -> CheckResult:
    """Compare a layout with the spec that it was drawn from, and with what it says of itself.

    Args:
        file: the layout.
        netlists: of `file`, with the factories of `sheets` as leaves.
        sheets: of the devices, by name.
        spec: what was asked for; None: the file is only held against itself.
    """
    start = time.perf_counter()
    placed = placements(file.layout, file.top)
    faults: list[Fault] = []
    counted: dict[str, int] = {}
    rules: tuple[str, ...] = ()
    with captured_output():
        if spec is not None:
            match = match_package(file, netlists, sheets, spec)
            faults += match.faults
            counted |= {"devices": match.devices, "optical_nets": match.nets, "lanes": match.lanes}
            rules += SPEC_RULES
    violations = [_violation(file, placed, spec, fault, rows) for fault, rows in merged(faults)]
    return CheckResult(
        violations=tuple(sorted(set(violations))),
        rules=rules,
        looked_at=counted.get("parameters", 0),
        seconds={"lvs": time.perf_counter() - start},
        group="lvs",
        what="parameters",
        counted=counted,
    )


def _violation(
    file: LayoutFile, placed: Mapping[int, int], spec: PackageSpec | None, fault: Fault, rows: tuple[str, ...]
) -> Violation:
    cell = file.layout.cell(fault.holder)
    places = placed.get(cell.cell_index(), 1) if cell is not None else 1
    where = f"{row_words(rows)}: " if rows else ""
    return Violation(
        rule=fault.rule,
        layer=fault.layer,
        cell=fault.holder,
        bbox=fault.box or _box(file, fault.at),
        message=where + fault.message + (f"; in {places} places" if places > 1 else ""),
        places=places,
        asked_at=asked_at(spec, fault.spec_path) if spec is not None and fault.spec_path else "",
    )


def _box(file: LayoutFile, instance: Instance | None) -> tuple[float, float, float, float]:
    """Extent of a placed device in the cell that it is placed in, um."""
    if instance is None:
        return (-_MARK, -_MARK, _MARK, _MARK)
    cell = file.layout.cell(instance.cell)
    place = kdb.DCplxTrans(1.0, instance.rotation, instance.mirror, instance.x, instance.y)
    box = kdb.DBox() if cell is None else cell.dbbox().transformed(place)
    if box.empty():
        box = kdb.DBox(instance.x - _MARK, instance.y - _MARK, instance.x + _MARK, instance.y + _MARK)
    return (round(box.left, 4), round(box.bottom, 4), round(box.right, 4), round(box.top, 4))
