"""What a cell says about itself, in words: its sketch, and each argument with unit, what is allowed and what it is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cpo_pdk.components.cell import Count, Flag, Limit, Maybe, OneOf, Points, Real, Text, Um, limits_of


@dataclass(frozen=True)
class ArgumentText:
    """One argument of a cell in words; `unit` is empty for a pure number or a choice."""

    name: str
    default: Any
    unit: str
    allowed: str
    about: str


def summary_of(function: Callable[..., Any]) -> str:
    """First line of the docstring."""
    return (inspect.getdoc(function) or "").partition("\n")[0]


def diagram_of(function: Callable[..., Any]) -> str:
    """The sketch in the docstring: the block after `::`, without its indent; empty where there is none."""
    text = inspect.getdoc(function) or ""
    found = re.search(r"^::\n((?:\n|[ \t]+.*\n?)+)", text, re.MULTILINE)
    return inspect.cleandoc("\n" + found[1].rstrip()) if found else ""


def arguments_of(factory: Callable[..., Any]) -> tuple[ArgumentText, ...]:
    """Every argument of a cell, in the order of its signature.

    Args:
        factory: a cell, one of `CELLS`.
    """
    limits, about = limits_of(factory), _told(inspect.getdoc(factory) or "")
    return tuple(
        ArgumentText(name, p.default, _unit(limits[name]), allowed_by(limits[name]), about.get(name, ""))
        for name, p in inspect.signature(factory).parameters.items()
    )


def allowed_by(limit: Limit) -> str:
    """What a limit allows, in words."""
    match limit:
        case Um():
            step = "" if limit.step <= 0.001 else f", in steps of {limit.step * 1000:g} nm"
            return f"{limit.low:.9g} to {limit.high:.9g}{step}"
        case Real() | Count():
            return f"{limit.low:.9g} to {limit.high:.9g}"
        case Maybe():
            return f"{allowed_by(limit.limit)}, or none"
        case OneOf():
            return " or ".join(dict.fromkeys(f"{v:g}" if isinstance(v, int | float) else str(v) for v in limit.values))
        case Flag():
            return "true or false"
        case Text():
            return f"text of at most {limit.longest} characters"
        case Points():
            return f"at least {limit.least} points (x, y)"
    return type(limit).__name__


def _unit(limit: Limit) -> str:
    return _unit(limit.limit) if isinstance(limit, Maybe) else str(getattr(limit, "unit", ""))


def _told(doc: str) -> dict[str, str]:
    """Argument -> its text in the `Args:` section of a docstring."""
    found = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", doc, re.MULTILINE)
    told: dict[str, list[str]] = {}
    name = ""
    for line in found[1].splitlines() if found else ():
        start = re.match(r"^ {4}(\w+): (.*)", line)
        if start:
            name = start[1]
            told[name] = [start[2]]
        elif name and line.strip():
            told[name].append(line.strip())
    return {key: " ".join(lines) for key, lines in told.items()}
