"""Sizes of a device as its polygons say, for the compact model of its sheet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cpo_pdk.circuit.binding import accepted, parameters_of
from cpo_pdk.circuit.netlist import CellNetlist
from cpo_pdk.models.model import Model
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.verify.lvs.measure.comparing import Reading, rule_of, tolerance_of
from cpo_pdk.verify.lvs.measure.record import recorded


def measured_sizes(reading: Reading | None, tuned: Collection[str]) -> dict[str, float]:
    """Sizes as drawn; those that are what the record says, within their tolerance, are left to the record.

    Args:
        reading: of the device's cell, None where nothing was measured.
        tuned: sizes that are taken as measured however little they are off: what is computed hangs on each nanometre.
    """
    if reading is None or reading.measured is None:
        return {}
    try:
        said = recorded(reading.measured.factory, reading.settings, reading.info)
    except (KeyError, TypeError, ValueError, OverflowError):
        said = {}
    found: dict[str, float] = {}
    for name, value in reading.measured.values.items():
        rule, told = rule_of(name), said.get(name)
        even = rule is not None and isinstance(told, float | int) and abs(value - told) <= tolerance_of(rule, told)
        if name in tuned or not even:
            found[name] = max(value, 0.0) if name.startswith("length") else value
    return found


def drawn_parameters(
    cell: CellNetlist, sheet: Sheet, model: Model, readings: Mapping[str, Reading], tuned: Collection[str]
) -> dict[str, Any]:
    """Parameters of the model of a device: of record and sheet, its sizes as measured.

    Args:
        cell: the device.
        sheet: what it was asked as.
        model: of the sheet.
        readings: what was measured, by cell.
        tuned: see `measured_sizes`.
    """
    names = accepted(model.function)
    sizes = measured_sizes(readings.get(cell.name), tuned)
    return parameters_of(cell, sheet, model) | {name: x for name, x in sizes.items() if name in names}
