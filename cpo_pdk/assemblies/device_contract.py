"""Cell, sheet and model of a device must say the same before anything is drawn with it.

What can be known without a layout: every argument of the cell is a parameter of the model or declared as drawn only, by
the model or the sheet; a sheet that bears the name of its cell holds the defaults of cell and model; ranges and
wavelengths lie within those of cell and model. What needs the drawing is in `circuit.contract`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from cpo_pdk.components import CELLS, limits_of
from cpo_pdk.components.cell import Count, Real, Um
from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.models import MODELS, Model
from cpo_pdk.spec import Sheet, check_sheets, data_folder


def check_devices_agree(sheets: Mapping[str, Sheet]) -> None:
    """Refuse sheets that name what does not exist, or that disagree with their cell or model.

    Args:
        sheets: by name.

    Raises:
        SpecError: every disagreement, at its line of the sheet.
    """
    check_sheets(
        sheets,
        CELLS,
        MODELS,
        arguments={name: tuple(limits_of(factory)) for name, factory in CELLS.items()},
        parameters={name: model.parameters for name, model in MODELS.items()},
    )
    problems = [problem for sheet in sheets.values() for problem in device_problems(sheet)]
    if problems:
        raise SpecError(problems)


def device_problems(sheet: Sheet, models: Mapping[str, Model] = MODELS) -> list[Problem]:
    """What one sheet, its cell and its model disagree on; names are known to exist.

    Args:
        sheet: of a cell of this process (one with a `factory` of its own is not looked at).
        models: by name.
    """
    if sheet.factory is not None:
        return []
    cell = {name: p.default for name, p in inspect.signature(CELLS[sheet.cell]).parameters.items()}
    found = list(_geometry(sheet, cell))
    if sheet.model is not None:
        model = models[sheet.model]
        found += _arguments(sheet, cell, model)
        found += _defaults(sheet, cell, model)
        found += _validity(sheet, model)
    found += _ranges(sheet, models.get(sheet.model or ""))
    return found


def is_shipped(sheet: Sheet) -> bool:
    """True for a sheet that comes with cpo_pdk, False for one of a project."""
    return sheet.origin.resolve().parent == data_folder("components").resolve()


def _is_primary(sheet: Sheet) -> bool:
    """True for the shipped sheet that bears its cell's name: it says what cell and model do by default."""
    return sheet.name == sheet.cell and is_shipped(sheet)


def _geometry(sheet: Sheet, cell: Mapping[str, Any]) -> Iterable[Problem]:
    if not _is_primary(sheet):
        return
    for name, default in cell.items():
        if name in sheet.geometry and not _equal(sheet.geometry[name], default):
            text = f"geometry.{name} = {sheet.geometry[name]!r}, the cell's default is {default!r}; make them equal"
            yield sheet.problem(("geometry", name), text)
        if name not in sheet.geometry and isinstance(default, int | float) and not isinstance(default, bool):
            yield sheet.problem(("geometry",), f"geometry lacks {name}, the cell's default is {default!r}; add it")


def _arguments(sheet: Sheet, cell: Mapping[str, Any], model: Model) -> Iterable[Problem]:
    declared = {**model.drawn_only, **sheet.drawn_only}
    for name in cell:
        if name not in model.parameters and name not in declared:
            text = (
                f"{sheet.cell} draws with {name}, which model {model.name} does not take; "
                "add it to the model, or to `drawn_only` with the reason"
            )
            yield sheet.problem(("model",), text)
        if name in model.parameters and name in declared:
            text = f"{name} is said to be drawn only, but model {model.name} takes it; remove it from `drawn_only`"
            yield sheet.problem(("drawn_only", name) if name in sheet.drawn_only else ("model",), text)
    for name in sheet.drawn_only:
        if name not in cell:
            yield sheet.problem(
                ("drawn_only", name), f"drawn_only.{name}: {sheet.cell} has no such argument", of_key=True
            )


def _defaults(sheet: Sheet, cell: Mapping[str, Any], model: Model) -> Iterable[Problem]:
    for name, parameter in inspect.signature(model.function).parameters.items():
        if parameter.default in (inspect.Parameter.empty, None):
            continue
        if name in cell and cell[name] is not None and _is_primary(sheet) and not _equal(cell[name], parameter.default):
            text = f"{name} is {cell[name]!r} by default in the cell, {parameter.default!r} in model {model.name}"
            yield sheet.problem(("geometry", name), f"{text}; make them equal")
        told = sheet.values.get(name)
        if told is not None and _is_primary(sheet) and not _equal(told, parameter.default):
            text = f"parameters.{name} = {told:g}, the default of model {model.name} is {parameter.default!r}"
            yield sheet.problem(("parameters", name, "value"), f"{text}; make them equal")
    for name in sheet.values:
        if name in cell and name in sheet.geometry:
            text = f"parameters.{name}: the cell draws it, so it belongs to geometry alone; remove it here"
            yield sheet.problem(("parameters", name), text, of_key=True)


def _validity(sheet: Sheet, model: Model) -> Iterable[Problem]:
    low, high, _ = model.ranges["wl"]
    asked_low, asked_high = sheet.wl_range_um
    if asked_low < low - 1e-9 or asked_high > high + 1e-9:
        text = f"wl_range_um is [{asked_low:g}, {asked_high:g}], model {model.name} holds for {low:g} to {high:g} um"
        yield sheet.problem(("wl_range_um",), f"{text}; narrow it")
    elif _is_primary(sheet) and (asked_low, asked_high) != (low, high):
        text = f"wl_range_um is [{asked_low:g}, {asked_high:g}], model {model.name} says {low:g} to {high:g} um"
        yield sheet.problem(("wl_range_um",), f"{text}; make them equal")
    for name, value in {**sheet.geometry, **sheet.values}.items():
        if name in model.ranges and isinstance(value, int | float) and not isinstance(value, bool):
            low, high, unit = model.ranges[name]
            if not low <= value <= high:
                path = ("geometry", name) if name in sheet.geometry else ("parameters", name, "value")
                text = f"{name} = {value:g}, model {model.name} holds for {low:g} to {high:g} {unit}"
                yield sheet.problem(path, f"{text}; change it")


def _ranges(sheet: Sheet, model: Model | None) -> Iterable[Problem]:
    limits = limits_of(CELLS[sheet.cell])
    for name, (low, high) in sheet.ranges.items():
        if name not in limits and (model is None or name not in model.parameters):
            text = f"ranges.{name}: neither cell {sheet.cell} nor its model has it; remove it"
            yield sheet.problem(("ranges", name), text, of_key=True)
            continue
        limit = limits.get(name)
        bounds = [(limit.low, limit.high, "cell " + sheet.cell)] if isinstance(limit, Um | Real | Count) else []
        if model is not None and name in model.ranges:
            bounds.append((*model.ranges[name][:2], "model " + model.name))
        for least, most, who in bounds:
            if low < least or high > most:
                text = f"ranges.{name} is [{low:g}, {high:g}], {who} allows {least:g} to {most:g}; narrow it"
                yield sheet.problem(("ranges", name), text)
        if bounds and low <= max(b[0] for b in bounds) and high >= min(b[1] for b in bounds) and is_shipped(sheet):
            text = f"ranges.{name} is [{low:g}, {high:g}], which cell and model say already; remove it"
            yield sheet.problem(("ranges", name), text, of_key=True)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float) and not isinstance(a, bool | str):
        return float(a) == float(b)
    return a == b or (isinstance(a, list | tuple) and isinstance(b, list | tuple) and list(a) == list(b))
