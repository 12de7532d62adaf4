"""A package's production as the document of `yield.json` and `cpo yield --json`: no number in it is not a number."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from cpo_pdk.yields.results import YieldResult

#: digits that numbers are written with; far more than the samples carry
DIGITS = 9


def yield_document(result: YieldResult) -> dict[str, Any]:
    """Everything of the result under the names of its fields; what is not finite becomes null."""
    return {field.name: plain(getattr(result, field.name)) for field in fields(result)}


def plain(value: Any) -> Any:
    """A result as JSON has it: dataclasses as objects, arrays as lists, numbers finite or null.

    Raises:
        TypeError: a kind of value that no result has.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {_key(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    raise TypeError(f"{type(value).__name__} in a result: there is no JSON for it")


def _key(key: Any) -> str:
    return f"{key:g}" if isinstance(key, float) else str(key)
