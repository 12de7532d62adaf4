"""The decorator of every parametric cell: validates the arguments, then caches and names the cell.

Each argument says what it allows in its annotation::

    @cell
    def straight(length: Annotated[float, Um(0.001, 20_000)] = 10.0) -> gf.Component: ...

A value that is not allowed (wrong type, NaN, out of range) raises `ParameterError` before anything is drawn. Lengths
are snapped to the 1 nm grid before the cell is named, so that two spellings of one length are one cell.
"""

from __future__ import annotations

import functools
import inspect
import math
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.process import ensure_active

GRID = 0.001  # um


class Limit(Protocol):
    """What an argument of a cell allows."""

    def clean(self, cell: str, name: str, value: Any) -> Any:
        """The value as the cell is drawn and named with it.

        Args:
            cell: name of the cell, for the message.
            name: of the argument, for the message.
            value: what the caller gave.

        Raises:
            ParameterError: when the value is not allowed.
        """
        ...


@dataclass(frozen=True)
class Um:
    """A length in um between `low` and `high` (inclusive), in steps of `step` um (the 1 nm grid)."""

    low: float
    high: float
    unit: str = "um"
    step: float = GRID

    def clean(self, cell: str, name: str, value: Any) -> float:
        """The value as a float on the grid; see `Limit.clean`."""
        number = _number(cell, name, value, self)
        return round(round(number / self.step) * self.step, 3)


@dataclass(frozen=True)
class Real:
    """A plain number between `low` and `high` (inclusive) in `unit`; kept to six decimals."""

    low: float
    high: float
    unit: str = ""

    def clean(self, cell: str, name: str, value: Any) -> float:
        """The value as a float; see `Limit.clean`."""
        return round(_number(cell, name, value, self), 6)


@dataclass(frozen=True)
class Count:
    """A whole number between `low` and `high` (inclusive)."""

    low: int
    high: int
    unit: str = ""

    def clean(self, cell: str, name: str, value: Any) -> int:
        """The value as an int; see `Limit.clean`."""
        number = _number(cell, name, value, self)
        if number != int(number):
            raise ParameterError(
                f"{cell}: {name} = {value!r} is not a whole number; give one from {self.low} to {self.high}"
            )
        return int(number)


@dataclass(frozen=True)
class Maybe:
    """What `limit` allows, or None: the cross-section's own value."""

    limit: Um

    def clean(self, cell: str, name: str, value: Any) -> float | None:
        """The value; see `Limit.clean`."""
        return None if value is None else self.limit.clean(cell, name, value)


@dataclass(frozen=True)
class OneOf:
    """One of a few values."""

    values: tuple[Any, ...]

    def clean(self, cell: str, name: str, value: Any) -> Any:
        """The value, or the name of a gdsfactory object where one is given; see `Limit.clean`."""
        if not isinstance(value, (str, int, float)):
            value = getattr(value, "name", value)
        if isinstance(value, bool) or value not in self.values:
            allowed = ", ".join(str(v) for v in self.values)
            raise ParameterError(f"{cell}: {name} = {value!r} is not one of: {allowed}")
        return value


@dataclass(frozen=True)
class Flag:
    """True or False."""

    def clean(self, cell: str, name: str, value: Any) -> bool:
        """The value; see `Limit.clean`."""
        if not isinstance(value, bool):
            raise ParameterError(f"{cell}: {name} = {value!r} is not true or false")
        return value


@dataclass(frozen=True)
class Text:
    """A short text of letters, digits and `- _ .` (it ends up in cell names)."""

    longest: int = 40

    def clean(self, cell: str, name: str, value: Any) -> str:
        """The value; see `Limit.clean`."""
        if not isinstance(value, str) or not 0 < len(value) <= self.longest or not set(value) <= _TEXT:
            raise ParameterError(
                f"{cell}: {name} = {value!r} is not a text of 1 to {self.longest} letters, digits and '-', '_', '.'"
            )
        return value


@dataclass(frozen=True)
class Points:
    """At least `least` (x, y) points in um, snapped to the grid."""

    least: int = 2

    def clean(self, cell: str, name: str, value: Any) -> tuple[tuple[float, float], ...]:
        """The points as tuples of floats; see `Limit.clean`."""
        limits = Um(-1e6, 1e6)
        try:
            points = tuple((limits.clean(cell, name, x), limits.clean(cell, name, y)) for x, y in value)
        except (TypeError, ValueError):
            raise ParameterError(f"{cell}: {name} = {value!r} is not a list of (x, y) points in um") from None
        if len(points) < self.least:
            raise ParameterError(f"{cell}: {name} has {len(points)} points; give at least {self.least}")
        return points


_TEXT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def _number(cell: str, name: str, value: Any, limit: Um | Real | Count) -> float:
    unit = f" {limit.unit}" if limit.unit else ""
    if isinstance(value, bool) or (not isinstance(value, (int, float)) and not hasattr(value, "__float__")):
        raise ParameterError(f"{cell}: {name} = {value!r} is not a number; give {limit.low:g} to {limit.high:g}{unit}")
    number = float(value)
    if not math.isfinite(number):
        raise ParameterError(f"{cell}: {name} = {value!r} is not finite; give {limit.low:g} to {limit.high:g}{unit}")
    if not limit.low <= number <= limit.high:
        raise ParameterError(f"{cell}: {name} = {value:g}{unit} is outside {limit.low:g} to {limit.high:g}{unit}")
    return number


#: factory name -> the decorated factory; this is what sheets and the PDK look cells up in.
CELLS: dict[str, Callable[..., gf.Component]] = {}


def limits_of(factory: Callable[..., Any]) -> dict[str, Limit]:
    """What each argument of a cell allows, by argument name.

    Args:
        factory: a cell, one of `CELLS`.
    """
    hints = typing.get_type_hints(inspect.unwrap(factory), include_extras=True)
    hints.pop("return", None)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def cell[**P](function: Callable[P, gf.Component]) -> Callable[P, gf.Component]:
    """Make a parametric cell of a drawing function: checked arguments, cached, named `cpo_<function>_<arguments>`.

    Args:
        function: draws and returns the component; every argument has a default and an annotation with a `Limit`.

    Returns:
        The cell; it raises `ParameterError` for an argument that is unknown or not allowed.

    Raises:
        TypeError: at definition, when an argument has no default; at the first call, when one does not say what it
            allows.
        ParameterError: at definition, when a cell of that name exists.
    """
    signature = inspect.signature(function)
    name = function.__name__
    limits: dict[str, Limit] = {}
    for argument, parameter in signature.parameters.items():
        if parameter.default is inspect.Parameter.empty:
            raise TypeError(f"cell {name}: argument {argument} has no default")
    drawn = gf.cell(basename=f"cpo_{name}", check_instances=gf.kf.conf.CheckInstances.RAISE)(function)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> gf.Component:
        if not limits:
            limits.update(limits_of(function))
            missing = sorted(set(signature.parameters) - set(limits))
            if missing:
                raise TypeError(f"cell {name}: arguments {missing} do not say what they allow")
        unknown = sorted(set(kwargs) - set(signature.parameters))
        if unknown:
            known = ", ".join(signature.parameters)
            raise ParameterError(f"{name}: unknown argument {unknown[0]!r}; this cell has: {known}")
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        ensure_active()
        clean = {key: limits[key].clean(name, key, value) for key, value in bound.arguments.items()}
        return drawn(**clean)  # pyright: ignore[reportCallIssue]  # `bound` has a value for every argument

    if name in CELLS and inspect.unwrap(CELLS[name]).__module__ != function.__module__:
        raise ParameterError(f"cell {name!r} of {function.__module__} has the name of a cell that exists; rename it")
    CELLS[name] = checked
    return checked
