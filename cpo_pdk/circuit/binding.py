"""Bind what is drawn to what computes it: cell -> sheet -> compact model with parameters.

A parameter comes from the first of: settings of the drawn cell, info of the drawn cell, parameters of the sheet,
geometry of the sheet, default of the model.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.netlist import CellNetlist, Netlists
from cpo_pdk.errors import ModelError

#: settings and geometry agree within this, um or whatever the unit is
TOLERANCE = 1e-6


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


class SheetLike(Protocol):
    """What a device sheet has to offer, see `cpo_pdk.spec.Sheet`."""

    @property
    def name(self) -> str: ...
    @property
    def cell(self) -> str: ...
    @property
    def model(self) -> str | None: ...
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
    """

    cell: str
    sheet: SheetLike
    model: ModelLike | None
    params: dict[str, Any] = field(default_factory=dict)


def leaf_functions(sheets: Mapping[str, SheetLike]) -> frozenset[str]:
    """Cell functions that are one device, because a model computes them; others are looked into."""
    return frozenset(sheet.cell for sheet in sheets.values() if sheet.model is not None)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=TOLERANCE)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def choose_sheet(cell: CellNetlist, sheets: Iterable[SheetLike]) -> SheetLike | None:
    """The sheet of a drawn cell: of its function, and agreeing with its settings in most arguments.

    Returns:
        None when no sheet has the function.

    Raises:
        ModelError: two sheets agree equally well.
    """
    fitting = [sheet for sheet in sheets if sheet.cell == cell.function and cell.function]
    if len(fitting) <= 1:
        return fitting[0] if fitting else None
    score = {
        sheet.name: sum(key in cell.settings and _same(cell.settings[key], v) for key, v in sheet.geometry.items())
        for sheet in fitting
    }
    best = max(score.values())
    winners = sorted((s for s in fitting if score[s.name] == best), key=lambda s: s.name)
    if len(winners) > 1:
        names = " and ".join(sheet.name for sheet in winners)
        raise ModelError(
            f"{cell.name}: sheets {names} agree with it in {best} arguments each; "
            "make their geometry differ or remove one"
        )
    return winners[0]


def accepted(function: Callable[..., Any]) -> frozenset[str]:
    """Names of the keyword arguments of a model function besides `wl`."""
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return frozenset(p.name for p in parameters if p.kind in kinds and p.default is not inspect.Parameter.empty)


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
        ModelError: all cells without a sheet or whose sheet names an unknown model, each with an instance of it; a cell
            that two sheets fit; a port that the model doesn't have.
    """
    where: dict[str, list[str]] = {}
    for leaf in circuit.leaves.values():
        where.setdefault(leaf.cell, []).append(leaf.path)
    bound: dict[str, Bound] = {}
    faults: list[str] = []
    for name, paths in sorted(where.items()):
        cell = netlists.cells[name]
        if cell.function in skip:
            continue
        try:
            sheet = choose_sheet(cell, sheets.values())
        except ModelError as error:
            faults.append(str(error))
            continue
        shown = f"{cell.function or 'cell ' + name} ({_count(paths)})"
        if sheet is None:
            faults.append(f"{shown} has no sheet")
            continue
        if sheet.model is None:
            bound[name] = Bound(name, sheet, None)
            continue
        model = models.get(sheet.model)
        if model is None:
            faults.append(f"{shown}: sheet {sheet.name} names the unknown model {sheet.model!r}")
            continue
        lacking = sorted({port.name for port in cell.ports} - set(model.ports))
        if lacking:
            faults.append(
                f"{shown}: model {model.name} has no port {', '.join(lacking)}; it has {', '.join(model.ports)}"
            )
            continue
        bound[name] = Bound(name, sheet, model, parameters_of(cell, sheet, model))
    if faults:
        text = "; ".join(faults)
        raise ModelError(
            f"{len(faults)} cells of {circuit.cell} can't be simulated: {text}. "
            "Write a sheet with a model, or `model: null` with `no_model`"
        )
    return bound


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
    lines: list[str] = []
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
