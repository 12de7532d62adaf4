"""Small arithmetic in a study: `engine.bandwidth_Tbps * 1000 / engine.grid.channels`, and nothing that could do harm.

A parsed tree of a few kinds of nodes is walked; nothing is ever handed to the interpreter.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from cpo_pdk.errors import InputError
from cpo_pdk.spec.name_rules import shown

#: characters of an expression
LONGEST = 300
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_CALLS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "ceil": math.ceil,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "log10": math.log10,
}

Lookup = Callable[[str], Any]
"""Dotted path, or name of a variable -> its value; raises `KeyError` where there is none."""


def evaluate(text: str, lookup: Lookup) -> float | int:
    """The number that an expression stands for; whole numbers come out whole.

    Args:
        text: numbers, dotted paths (`asic.size_mm[0]`), `+ - * / // %`, parentheses, min, max, abs, round, ceil, floor,
            sqrt, log10.
        lookup: what a path or name stands for.

    Raises:
        InputError: something else is in it, a path without a number, or no finite number comes out.
    """
    if len(text) > LONGEST:
        raise InputError(f"expression of {len(text)} characters, at most {LONGEST} allowed; shorten it")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{shown(text)} is no arithmetic; write numbers, paths and + - * / ( )") from None
    try:
        value = _value(tree.body, lookup)
    except (ZeroDivisionError, OverflowError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{shown(text)} can't be computed: {error}; correct it") from None
    if not math.isfinite(value):
        raise InputError(f"{shown(text)} is not finite; correct it")
    return whole(value)


def whole(value: float | int) -> float | int:
    """A number that is whole but for the rounding of decimals, as one that is."""
    if isinstance(value, int):
        return value
    near = round(value)
    return near if math.isclose(value, near, rel_tol=1e-9, abs_tol=1e-12) else value


def names_in(text: str) -> set[str]:
    """The bare names in an expression, without paths and functions; empty where it is none.

    Args:
        text: as in `evaluate`.
    """
    try:
        tree = ast.parse(text.strip()[:LONGEST], mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    roots = {
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.value, ast.Name)
    }
    return found - roots - _CALLS.keys()


def _value(node: ast.expr, lookup: Lookup) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left, lookup), _value(node.right, lookup))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, lookup)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS and not node.keywords:
        return _CALLS[node.func.id](*(_value(one, lookup) for one in node.args))
    path = path_of(node)
    if path is None:
        what = ast.unparse(node)
        raise InputError(f"{shown(what)} is no arithmetic; allowed: paths, numbers, + - * / // %, {', '.join(_CALLS)}")
    try:
        value = lookup(path)
    except KeyError:
        raise InputError(f"{path} is no variable of the study and has no value in its base; correct the name") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{path} is {shown(value)}, a number is needed to compute with; correct the path")
    return value


def path_of(node: ast.expr) -> str | None:
    """`a.b[0].c` as `a.b.0.c`; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = path_of(node.value)
        return None if inner is None else f"{inner}.{node.attr}"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
        inner = path_of(node.value)
        return None if inner is None else f"{inner}.{node.slice.value}"
    return None
