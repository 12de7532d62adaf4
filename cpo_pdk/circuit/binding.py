"""Bind what is drawn to what computes it: cell -> sheet -> compact model with parameters.

The sheet is that of the cell's factory; where several speak of it, the one whose `select` the cell's settings fulfil.
What cell, sheet and model must agree on is in `contract`. A parameter comes from the first of: settings of the drawn
cell, info of the drawn cell, parameters of the sheet, geometry of the sheet, default of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.contract import (
    length_faults,
    measured_faults,
    parameters_with_own_default,
    port_faults,
    same,
    setting_faults,
    value_faults,
)
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.measured import MeasuredLike, measured_model
from cpo_pdk.circuit.netlist import CellNetlist, Netlists
from cpo_pdk.errors import CpoError, ModelError

#: disagreements that are spelled out in one message
SHOWN_FAULTS = 12


class ModelLike(Protocol):
    """What a compact model has to offer, see `cpo_pdk.models.Model`."""

    @property
    def name(self) -> str: ...
    @property
    def function(self) -> Callable[..., Mapping[tuple[str, str], NDArray[np.complex128]]]: ...
    @property
    def ports(self) -> tuple[str, ...]: ...
    @property
    def detectors(self) -> tuple[str, ...]: ...
    @property
    def ranges(self) -> Mapping[str, tuple[float, float, str]]: ...
    @property
    def resonances(self) -> Callable[..., Any] | None: ...
    @property
    def tuning(self) -> str: ...
    @property
    def operated(self) -> frozenset[str]: ...
    @property
    def drawn_only(self) -> Mapping[str, str]: ...
    @property
    def core_length(self) -> Callable[..., float] | None: ...
    @property
    def core_layer(self) -> str: ...
    @property
    def gain_limit(self) -> float: ...


class SheetLike(Protocol):
    """What a device sheet has to offer, see `cpo_pdk.spec.Sheet`."""

    @property
    def name(self) -> str: ...
    @property
    def cell(self) -> str: ...
    @property
    def model(self) -> str | None: ...
    @property
    def drawn_by(self) -> str: ...
    @property
    def computed(self) -> bool: ...
    @property
    def measured(self) -> MeasuredLike | None: ...
    @property
    def origin(self) -> Path: ...
    @property
    def select(self) -> Mapping[str, Any]: ...
    @property
    def drawn_only(self) -> Mapping[str, str]: ...
    @property
    def geometry(self) -> Mapping[str, Any]: ...
    @property
    def values(self) -> Mapping[str, float]: ...
    @property
    def operating_values(self) -> Mapping[str, float]: ...
    @property
    def wl_range_um(self) -> tuple[float, float]: ...
    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]: ...


@dataclass(frozen=True)
class Bound:
    """A drawn cell with the model that computes it.

    Attributes:
        cell: name of the drawn cell.
        sheet: the sheet it was bound by.
        model: the compact model, None where the sheet says that there is none (light that gets there is gone).
        params: of the model, as far as file and sheet give them.
        notes: what has to be said about measured data.
    """

    cell: str
    sheet: SheetLike
    model: ModelLike | None
    params: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def _terms(sheet: SheetLike) -> tuple[Any, ...]:
    return (sheet.model, tuple(sorted(sheet.values.items())), sheet.origin if sheet.measured else None)


def choose_sheet(cell: CellNetlist, sheets: Iterable[SheetLike]) -> SheetLike | None:
    """The sheet of a drawn cell: of its factory, with a `select` that its settings fulfil.

    A sheet with more in its `select` wins. Sheets that are equal in this must have the same model and the same numbers;
    the one that agrees with the settings in most arguments then lends its ranges.

    Returns:
        None when no sheet has the factory.

    Raises:
        ModelError: sheets that contradict each other, or of which none is meant for this cell.
    """
    of_factory = [sheet for sheet in sheets if sheet.drawn_by == cell.factory and cell.factory]
    if not of_factory:
        return None
    meant = [s for s in of_factory if all(same(cell.settings.get(key), value) for key, value in s.select.items())]
    if not meant:
        asked = "; ".join(f"{s.name} is for {_text(s.select)}" for s in sorted(of_factory, key=lambda s: s.name))
        raise ModelError(f"{cell.name}: none of its sheets is meant for it: {asked}; write a sheet for it")
    most = max(len(sheet.select) for sheet in meant)
    meant = sorted((s for s in meant if len(s.select) == most), key=lambda s: s.name)
    for other in meant[1:]:
        if _terms(other) != _terms(meant[0]):
            raise ModelError(
                f"{cell.name}: sheets {meant[0].name} and {other.name} both speak of it, with other models or numbers; "
                "give one of them a `select`, or remove it"
            )
    return max(meant, key=lambda s: sum(same(cell.settings.get(key), v) for key, v in s.geometry.items()))


def _text(select: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in select.items())


def accepted(function: Callable[..., Any]) -> frozenset[str]:
    """Names of the keyword arguments of a model function besides `wl`."""
    return frozenset(parameters_with_own_default(function))


def parameters_of(cell: CellNetlist, sheet: SheetLike, model: ModelLike) -> dict[str, Any]:
    """Parameters of the model for one drawn cell; order of precedence as in the module's docstring."""
    names = accepted(model.function)
    params: dict[str, Any] = {}
    for source in (sheet.geometry, sheet.values, cell.info, cell.settings):
        params.update({key: value for key, value in source.items() if key in names and value is not None})
    return dict(sorted(params.items()))


def bind(
    netlists: Netlists,
    circuit: FlatCircuit,
    sheets: Mapping[str, SheetLike],
    models: Mapping[str, ModelLike],
    skip: Collection[str] = (),
) -> dict[str, Bound]:
    """Bind every leaf of a circuit.

    Args:
        netlists: what the circuit was flattened from.
        circuit: see `flatten`.
        sheets, models: by name.
        skip: functions of cells that need no model.

    Returns:
        cell name -> binding.

    Raises:
        ModelError: everything that cell, sheet and model disagree on, each with an instance of the cell; cells without
            a sheet, or whose sheet names an unknown model.
    """
    where: dict[str, list[str]] = {}
    for leaf in circuit.leaves.values():
        where.setdefault(leaf.cell, []).append(leaf.path)
    bound: dict[str, Bound] = {}
    against: dict[tuple[str, str], list[str]] = {}
    for name, paths in sorted(where.items()):
        cell = netlists.cells[name]
        if cell.function in skip:
            continue
        try:
            found = _bind_cell(cell, sheets, models)
        except CpoError as error:
            found = [str(error)]
        if isinstance(found, Bound):
            bound[name] = found
        else:
            for fault in found:
                against.setdefault((cell.function or f"cell {name}", fault), []).extend(paths)
    if against:
        faults = [f"{what} ({_count(paths)}) {fault}" for (what, fault), paths in against.items()]
        text = "; ".join(faults[:SHOWN_FAULTS])
        if len(faults) > SHOWN_FAULTS:
            text += f"; and {len(faults) - SHOWN_FAULTS} more"
        raise ModelError(
            f"{len(faults)} disagreement{'s' * (len(faults) > 1)} between drawing, sheets and models in "
            f"{circuit.cell}, 0 allowed: {text}. "
            "Every device needs one sheet, with a model that takes what was drawn (or `model: null` with `no_model`)"
        )
    return bound


def _bind_cell(
    cell: CellNetlist, sheets: Mapping[str, SheetLike], models: Mapping[str, ModelLike]
) -> Bound | list[str]:
    """The binding of one cell, or what stands against it."""
    sheet = choose_sheet(cell, sheets.values())
    if sheet is None:
        stranger = [s for s in sheets.values() if s.cell == cell.function]
        if stranger:
            return [f"has no sheet: {cell.factory!r} drew it, {stranger[0].name} is of {stranger[0].drawn_by!r}"]
        return ["has no sheet"]
    if sheet.measured is not None:
        model, notes = measured_model(sheet.name, sheet.measured, sheet.origin)
        faults = [*port_faults(cell, model), *measured_faults(cell, sheet.geometry)]
        return faults or Bound(cell.name, sheet, model, notes=notes)
    if sheet.model is None:
        return Bound(cell.name, sheet, None)
    model = models.get(sheet.model)
    if model is None:
        return [f"has sheet {sheet.name}, which names the unknown model {sheet.model!r}"]
    params = parameters_of(cell, sheet, model)
    faults = [
        *port_faults(cell, model),
        *setting_faults(cell, model, sheet.drawn_only),
        *value_faults(params, model),
        *(
            f"parameter {key} is none of model {model.name}"
            for key in sheet.values
            if key not in accepted(model.function)
        ),
        *length_faults(cell, params, model),
    ]
    return [f"[{sheet.name}] {fault}" for fault in faults] or Bound(cell.name, sheet, model, params)


def _count(paths: list[str]) -> str:
    first = min(paths)
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"


def _outside(entry: Bound, params: Mapping[str, Any]) -> dict[str, str]:
    """Parameter -> what is wrong with it, for numbers outside the range of the sheet, or else of the model."""
    if entry.model is None:
        return {}
    limits = {key: (lo, hi, unit) for key, (lo, hi, unit) in entry.model.ranges.items()}
    limits.update({key: (*pair, limits.get(key, (0, 0, ""))[2]) for key, pair in entry.sheet.ranges.items()})
    found: dict[str, str] = {}
    for key, (lo, hi, unit) in sorted(limits.items()):
        value = params.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        slack = 1e-9 * max(1.0, abs(lo), abs(hi))
        if not lo - slack <= value <= hi + slack:
            unit = "" if unit in ("", "1") else f" {unit}"
            found[key] = f"{key} = {value:g}{unit}, {entry.sheet.name} holds for {lo:g} to {hi:g}{unit}"
    return found


def operation_warnings(
    circuit: FlatCircuit, bound: Mapping[str, Bound], operation: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """A line for every kind of device that is tuned or driven beyond what its model or sheet holds for.

    Args:
        circuit, bound: see `bind`.
        operation: path of an instance -> parameters that it is operated with.
    """
    beyond: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for path, params in operation.items():
        cell = circuit.leaves[path].cell
        for key, text in _outside(bound[cell], params).items():
            beyond.setdefault((cell, key), []).append((path, text))
    return [f"{_count([path for path, _ in found])}: {min(found)[1]}" for _, found in sorted(beyond.items())]


def range_warnings(circuit: FlatCircuit, bound: Mapping[str, Bound], wl: NDArray[np.float64]) -> list[str]:
    """A line for every parameter, and for the wavelengths, outside what model or sheet holds for.

    Args:
        circuit: for the names of the instances.
        bound: see `bind`.
        wl: um.
    """
    where: dict[str, list[str]] = {}
    for leaf in circuit.leaves.values():
        where.setdefault(leaf.cell, []).append(leaf.path)
    lines: list[str] = sorted({note for entry in bound.values() for note in entry.notes})
    low_wl, high_wl = float(np.min(wl)), float(np.max(wl))
    outside: dict[str, tuple[SheetLike, list[str]]] = {}
    for name, entry in sorted(bound.items()):
        if entry.model is None or name not in where:
            continue
        low, high = entry.sheet.wl_range_um
        if low_wl < low - 1e-9 or high_wl > high + 1e-9:
            outside.setdefault(entry.sheet.name, (entry.sheet, []))[1].extend(where[name])
        lines += [f"{_count(where[name])}: {text}" for text in _outside(entry, entry.params).values()]
    for sheet, paths in outside.values():
        low, high = sheet.wl_range_um
        lines.append(
            f"{_count(paths)}: wl = {low_wl:.4f} to {high_wl:.4f} um, {sheet.name} holds for {low:g} to {high:g} um"
        )
    return lines
