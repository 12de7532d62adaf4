"""What is drawn against what is recorded, parameter by parameter, for every device of a layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import LayoutError
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.findings import Violation
from cpo_pdk.verify.lvs.measure.arguments import ARGUMENTS
from cpo_pdk.verify.lvs.measure.cells import MEASURES, PREFIX, Measured, Measurer, terminals_of
from cpo_pdk.verify.lvs.measure.drawn import Box
from cpo_pdk.verify.lvs.measure.record import recorded, stack_cuts
from cpo_pdk.verify.process_layers import placements

#: a device whose outline can't be read, or whose record can't be compared
SHAPE_RULE, RECORD_RULE = "LVS.SHAPE", "LVS.RECORD"
#: a value may be off by this many standard deviations of its measurement on top of the tolerance
_SIGMAS = 4.0


@dataclass(frozen=True)
class Compared:
    """Outcome for one cell: violations, and how many parameters were compared."""

    violations: tuple[Violation, ...]
    parameters: int


@cache
def rule_of(parameter: str) -> Rule | None:
    """The rule that gives the tolerance of a parameter, the first of the rule file whose names it fits."""
    for rule in load_rules(group="lvs"):
        names = str(rule.more.get("parameter", ""))
        if rule.kind in ("measured", "matched") and any(
            fnmatchcase(parameter, name.strip()) for name in names.split(",")
        ):
            return rule
    return None


def compare_with_record(
    measured: Measured,
    settings: Mapping[str, Any],
    info: Mapping[str, Any],
    cell: str,
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    places: int = 1,
    short_stacks: Mapping[str, float] | None = None,
) -> Compared:
    """Compare what was measured in a cell with its recorded settings and info.

    Args:
        measured: see `measure`.
        settings, info: as in the file.
        cell: its name.
        box: of the cell, um: for what has no place of its own.
        places: how often the cell is placed.
        short_stacks: cells of via stacks that lack cuts -> how many: they are told there, not in what holds them.
    """
    times = f"; in {places} places" if places > 1 else ""

    def violation(rule: str, layer: str, where: tuple[float, float, float, float], text: str) -> Violation:
        return Violation(rule, layer, cell, where, text + times, places)

    try:
        said = recorded(measured.factory, settings, info)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        fault = f"{type(error).__name__}: {error}"
        text = f"its recorded settings are not those of a {measured.factory} ({fault}); draw it again"
        return Compared((violation(RECORD_RULE, "-", box, text),), 0)
    found: list[Violation] = []
    missing: dict[str, list[str]] = {}
    wrong: dict[tuple[str, str, Box, str], list[str]] = {}
    compared = 0
    for name, value in sorted(said.items()):
        rule = rule_of(name)
        if rule is None:
            continue
        word = measured.words.get(name)
        if isinstance(value, str):
            if word is None:
                missing.setdefault(measured.not_measured.get(name, "nothing of it is drawn"), []).append(name)
                continue
            compared += 1
            if word != value:
                text = f"{name} is {word} as drawn, {value} as recorded; draw the cell again, or correct its record"
                found.append(violation(rule.name, measured.layers[name], measured.places[name], text))
            continue
        drawn = measured.values.get(name)
        if drawn is None:
            missing.setdefault(measured.not_measured.get(name, "nothing of it is drawn"), []).append(name)
            continue
        compared += 1
        drawn = _furthest(drawn, measured.extremes.get(name, ()), value)
        tolerance = tolerance_of(rule, value) + _SIGMAS * measured.spread.get(name, 0.0)
        if abs(drawn - value) <= tolerance or _told_below(name, value - drawn, measured, short_stacks):
            continue
        unit = str(rule.more.get("unit", "um"))
        text = f"{_number(drawn)}{_unit(unit)} as drawn, {_number(value)}{_unit(unit)} as recorded, "
        text += f"{_difference(drawn - value, tolerance, unit)}; draw the cell again, or correct its record"
        # one number of the drawing may be several of the record, equal or the same: a length and a path
        same = (rule.name, measured.layers[name], measured.places[name], text)
        wrong.setdefault(same, []).append(name)
    for (name, layer, where, text), names in wrong.items():
        found.append(
            violation(name, layer, where, f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} {text}")
        )
    for reason, names in missing.items():
        text = f"{', '.join(names)} can't be measured: {reason}; draw the cell again"
        found.append(violation(SHAPE_RULE, "-", box, text))
    unsaid = sorted(set(ARGUMENTS.get(measured.factory, ())) - set(settings))
    if measured.factory and (unsaid or not (compared or missing)):
        what = f"nothing about {', '.join(unsaid)}" if unsaid else "nothing that can be compared"
        found.append(violation(RECORD_RULE, "-", box, f"its record says {what}; draw the cell again"))
    return Compared(tuple(found), compared)


def _told_below(name: str, short: float, measured: Measured, short_stacks: Mapping[str, float] | None) -> bool:
    """Whether the cuts that a terminal is short of are all missing in the via stacks that it is joined to."""
    if not short_stacks or not name.startswith("vias_"):
        return False
    stacks = measured.stacks.get(name.removeprefix("vias_"), {})
    below = sum(times * short_stacks.get(cell, 0.0) for cell, times in stacks.items())
    return short > 0 and below == short


def _furthest(value: float, others: tuple[float, ...], recorded_value: float) -> float:
    """Of several readings of one parameter the one that differs most from the record."""
    return max((value, *others), key=lambda read: abs(read - recorded_value))


def tolerance_of(rule: Rule, value: float) -> float:
    """What a value may be off by a recorded one."""
    return rule.value + float(rule.more.get("relative", 0.0)) * abs(value)


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def _difference(off: float, tolerance: float, unit: str) -> str:
    if unit == "um" and abs(off) < 1.0:
        return f"{off * 1e3:+.1f} nm, {tolerance * 1e3:.1f} nm allowed"
    sign = "+" if off > 0 else "-"
    return f"{sign}{_number(abs(off))}{_unit(unit)}, {_number(tolerance)}{_unit(unit)} allowed"


def measured_layout(file: LayoutFile, netlists: Netlists | None = None) -> tuple[list[Violation], dict[str, int]]:
    """Measure every device of a layout and compare it with what is recorded; each distinct cell once.

    Devices inside devices (the detector of a modulator, a via stack) are measured by themselves too.

    Args:
        file: see `read_layout`.
        netlists: the circuit of the file, for cells whose settings it knows already; None: read from the cells.

    Returns:
        the violations, sorted; counts of devices and parameters, distinct and with every placement counted.
    """
    return compared_readings(measured_cells(file, netlists))


def compared_readings(readings: Iterable[Reading]) -> tuple[list[Violation], dict[str, int]]:
    """`measured_layout` of what was measured already."""
    violations: list[Violation] = []
    counts: Counter[str] = Counter(
        {"devices": 0, "devices_distinct": 0, "parameters": 0, "parameters_distinct": 0, "cells_unknown": 0}
    )
    readings = list(readings)
    short = _short_stacks(readings)
    for reading in readings:
        if reading.measured is None:
            counts["cells_unknown"] += 1
            continue
        outcome = compare_with_record(
            reading.measured, reading.settings, reading.info, reading.cell, reading.box, reading.places, short
        )
        violations += outcome.violations
        counts["devices_distinct"] += 1
        counts["devices"] += reading.places
        counts["parameters_distinct"] += outcome.parameters
        counts["parameters"] += outcome.parameters * reading.places
    return sorted(violations), dict(counts)


def _short_stacks(readings: Iterable[Reading]) -> dict[str, float]:
    """Cells of via stacks that lack cuts, and how many."""
    found: dict[str, float] = {}
    for reading in readings:
        size = reading.settings.get("size")
        if reading.measured is None or reading.measured.factory != "via_stack" or not isinstance(size, int | float):
            continue
        short = stack_cuts(float(size)) - reading.measured.values.get("vias", 0.0)
        if short > 0:
            found[reading.cell] = short
    return found


@dataclass(frozen=True)
class Reading:
    """One distinct cell: what it says, what was measured, how often it is placed.

    `measured` is None for a cell with waveguides of its own that is no device of this process.
    """

    cell: str
    settings: Mapping[str, Any]
    info: Mapping[str, Any]
    box: tuple[float, float, float, float]
    places: int
    measured: Measured | None


def measured_cells(file: LayoutFile, netlists: Netlists | None = None) -> list[Reading]:
    """What was measured in every cell of a layout that says who drew it; see `measured_layout`.

    Raises:
        LayoutError: meta information is damaged.
    """
    measurer = Measurer(file.layout)
    core = file.layout.find_layer(*layer_of("WG"))
    found: list[Reading] = []
    for index, places in placements(file.layout, file.top).items():
        if not places:
            continue
        cell = file.layout.cell(index)
        known = netlists.cells.get(cell.name) if netlists is not None else None
        factory = known.factory if known is not None else measurer.meta(cell).factory
        if not factory.startswith(PREFIX) or factory.removeprefix(PREFIX) not in MEASURES:
            if core is not None and not cell.shapes(core).is_empty():
                found.append(Reading(cell.name, {}, {}, (0.0, 0.0, 0.0, 0.0), places, None))
            continue
        meta = measurer.meta(cell)
        box = cell.dbbox()
        where = (0.0, 0.0, 0.0, 0.0)
        if not cell.bbox().empty():
            where = (round(box.left, 4), round(box.bottom, 4), round(box.right, 4), round(box.top, 4))
        try:
            measured = measurer.measure(cell, factory, terminals_of(meta.ports))
        except RuntimeError as error:
            raise LayoutError(
                f"{file.path}: cell {cell.name!r} can't be measured ({error}); build the file again"
            ) from error
        found.append(Reading(cell.name, meta.settings, meta.info, where, places, measured))
    return found
