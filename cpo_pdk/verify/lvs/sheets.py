"""What the sheets ask of the devices of an engine, against what was measured in the cells that play their parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cpo_pdk.circuit.contract import same
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.verify.findings import Violation
from cpo_pdk.verify.lvs.asked import AskedDevice, asked_at
from cpo_pdk.verify.lvs.engines import PackageMatch
from cpo_pdk.verify.lvs.measure.comparing import Reading, rule_of, tolerance_of
from cpo_pdk.verify.lvs.measure.record import recorded

RECORD_RULE = "LVS.RECORD"
#: what the drawing chooses and the sheet doesn't ask: the radius puts a ring on its channel
CHOSEN = {"modulator": frozenset({"radius"}), "drop_filter": frozenset({"radius"})}


@dataclass(frozen=True)
class Asked:
    """A distinct cell that plays a role: its name, the role, the sheet, what it was asked as."""

    cell: str
    role: str
    sheet: Sheet
    words: str


def parts_played(match: PackageMatch) -> list[Asked]:
    """The distinct cells of the devices that were found where they were asked for."""
    found: dict[tuple[str, str], Asked] = {}
    for engine in match.engines.values():
        for key, device in engine.matched.device.items():
            asked: AskedDevice = match.asked.devices[key]
            if device.factory == asked.sheet.drawn_by:
                found.setdefault((device.cell, asked.role), Asked(device.cell, asked.role, asked.sheet, asked.words))
    return [found[key] for key in sorted(found)]


def against_sheets(
    parts: list[Asked],
    netlists: Netlists,
    readings: Mapping[str, Reading],
    known: list[Violation],
    spec: PackageSpec,
) -> tuple[list[Violation], int]:
    """Hold what was measured against the geometry that the sheets ask for.

    What a cell's record asks for too was compared with the record already: its violation then learns which line of the
    spec it concerns.

    Args:
        parts: see `parts_played`.
        netlists: of the file.
        readings: what was measured, by cell.
        known: violations of the comparison with the record.
        spec: the package.

    Returns:
        all violations, and how many parameters were held against a sheet, every placement counted.
    """
    roles = {part.cell: part for part in parts}
    found = [
        replace(v, asked_at=asked_at(spec, f"engine.devices.{roles[v.cell].role}")) if v.cell in roles else v
        for v in known
    ]
    compared = 0
    for part in parts:
        reading = readings.get(part.cell)
        settings = netlists.cells[part.cell].settings
        places = reading.places if reading else 1
        for name, value in part.sheet.geometry.items():
            if name in CHOSEN.get(part.role, ()):
                continue
            compared += places
            fault = _fault(name, value, part, settings.get(name), reading)
            if fault is not None:
                at = asked_at(spec, f"engine.devices.{part.role}")
                times = f"; in {places} places" if places > 1 else ""
                found.append(replace(fault, message=fault.message + times, places=places, asked_at=at))
    return found, compared


def _fault(name: str, value: object, part: Asked, said: object, reading: Reading | None) -> Violation | None:
    """What a cell has instead of one value of its sheet; None where it has that, or where its record asks for it."""
    if said is not None and same(said, value):
        return None  # drawn against record is drawn against sheet
    measured = reading.measured if reading is not None else None
    drawn = measured.values.get(name) if measured is not None else None
    rule = rule_of(name)
    asked = _asked_value(name, value, part, reading)
    if isinstance(asked, float) and drawn is not None and rule is not None and measured is not None:
        if abs(drawn - asked) <= tolerance_of(rule, asked) + 4.0 * measured.spread.get(name, 0.0):
            return None
        text = f"{name} is {drawn:.4g} um as drawn, {asked:g} um asked by sheet {part.sheet.name} ({part.role})"
        box = measured.places.get(name, reading.box if reading else (0.0, 0.0, 0.0, 0.0))
        return Violation(rule.name, measured.layers.get(name, "-"), part.cell, box, f"{text}; draw it as asked")
    if value is None and said is None:
        return None
    text = f"{name} is {said!r} as recorded, {value!r} asked by sheet {part.sheet.name} ({part.role}); draw it as asked"
    box = reading.box if reading is not None else (0.0, 0.0, 0.0, 0.0)
    return Violation(rule.name if rule else RECORD_RULE, "-", part.cell, box, text)


def _asked_value(name: str, value: object, part: Asked, reading: Reading | None) -> float | None:
    """The number that a sheet asks for; for `null` that of the cross-section."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if value is None and reading is not None and reading.measured is not None:
        try:
            told = recorded(reading.measured.factory, {**part.sheet.geometry}, reading.info).get(name)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return told if isinstance(told, float) else None
    return None
