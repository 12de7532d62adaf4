"""What a drawn cell, its sheet and its model must agree on before anything is simulated.

A cell is bound to a sheet by who drew it, never by its name. Then its optical ports are those of the model; every
setting it was drawn with is a parameter of the model or declared as drawn only; every parameter of the model has its
value from the drawing or the sheet, unless it says how the device is operated; and the length of its core, measured on
the polygons, is the one that the settings say. What disagrees is listed, and nothing is computed.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from cpo_pdk.circuit.netlist import CellNetlist
from cpo_pdk.tech.layers import layer_of

#: settings and sheet agree within this, um or whatever the unit is
TOLERANCE = 1e-6
#: drawn and said length of a core agree within this share, and within this length in um
LENGTH_SHARE, LENGTH_UM = 1e-3, 0.005


class ModelTerms(Protocol):
    """What the contract needs to know of a model, see `cpo_pdk.models.Model`."""

    @property
    def name(self) -> str: ...
    @property
    def function(self) -> Callable[..., Any]: ...
    @property
    def ports(self) -> tuple[str, ...]: ...
    @property
    def operated(self) -> frozenset[str]: ...
    @property
    def drawn_only(self) -> Mapping[str, str]: ...
    @property
    def core_length(self) -> Callable[..., float] | None: ...
    @property
    def core_layer(self) -> str: ...


def same(a: Any, b: Any) -> bool:
    """True when two settings mean the same: numbers within `TOLERANCE`, lists by item, all else by equality."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=TOLERANCE)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def parameters_with_own_default(function: Callable[..., Any]) -> dict[str, Any]:
    """Keyword parameters of a model besides `wl`, with their defaults."""
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {p.name: p.default for p in parameters if p.kind in kinds and p.default is not inspect.Parameter.empty}


def port_faults(cell: CellNetlist, model: ModelTerms) -> list[str]:
    """Ports that only the drawing or only the model has."""
    drawn, said = {port.name for port in cell.ports}, set(model.ports)
    faults = []
    if drawn - said:
        has = ", ".join(model.ports)
        faults.append(f"model {model.name} has no port {', '.join(sorted(drawn - said))}; it has {has}")
    if said - drawn:
        faults.append(f"port {', '.join(sorted(said - drawn))} of model {model.name} is not drawn")
    return faults


def setting_faults(cell: CellNetlist, model: ModelTerms, drawn_only: Collection[str]) -> list[str]:
    """Settings of the drawing that the model does not take and that neither it nor the sheet says are drawn only."""
    known = {*parameters_with_own_default(model.function), *model.drawn_only, *drawn_only}
    return [
        f"setting {key} = {value!r} means nothing to model {model.name}"
        for key, value in sorted(cell.settings.items())
        if value is not None and key not in known
    ]


def value_faults(params: Mapping[str, Any], model: ModelTerms) -> list[str]:
    """Parameters whose only value is the model's own default, which no drawing and no sheet stands for."""
    return [
        f"{key} comes from neither drawing nor sheet (model {model.name} would take {default!r})"
        for key, default in parameters_with_own_default(model.function).items()
        if default is not None and key not in params and key not in model.operated
    ]


def measured_faults(cell: CellNetlist, geometry: Mapping[str, Any]) -> list[str]:
    """Settings that are not those of the device that was measured."""
    return [
        f"{key} = {value!r}, measured was {geometry.get(key)!r}"
        for key, value in sorted(cell.settings.items())
        if value is not None and not same(value, geometry.get(key))
    ]


def length_faults(cell: CellNetlist, params: Mapping[str, Any], model: ModelTerms) -> list[str]:
    """The length of the core as the polygons have it against the one that the model computes with."""
    if model.core_length is None:
        return []
    layer, datatype = layer_of(model.core_layer)
    widths = [port.width for port in cell.ports if port.layer == (layer, datatype)]
    if not widths:
        return []
    drawn = cell.core_um2.get(f"{layer}/{datatype}", 0.0) / min(widths)
    said = float(model.core_length(**{**parameters_with_own_default(model.function), **params}))
    if abs(drawn - said) <= max(LENGTH_UM, LENGTH_SHARE * said):
        return []
    return [f"its core is {drawn:.3f} um long as drawn, {said:.3f} um by its settings"]
