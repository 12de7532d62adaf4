"""The compact models against published numbers: every room holds its cases in a tuple `CASES`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

from cpo_pdk.models.validation.case import Case

__all__ = ["Case", "cases", "compared", "figures", "markdown"]


def cases() -> tuple[Case, ...]:
    """All cases, by device and quantity, from every module of this package that has `CASES`."""
    found: list[Case] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        found += getattr(importlib.import_module(f"{__name__}.{module.name}"), "CASES", ())
    return tuple(sorted(found, key=lambda case: (case.device, case.quantity)))


def compared(chosen: Iterable[Case] | None = None) -> list[dict[str, Any]]:
    """Every case with our number: device, quantity, unit, source, published, ours, difference, tolerance, relative,
    fitted, within.

    Args:
        chosen: the cases; None: `cases()`.
    """
    rows: list[dict[str, Any]] = []
    for case in cases() if chosen is None else chosen:
        ours = float(case.ours())
        difference = (ours - case.published) / (abs(case.published) if case.relative else 1.0)
        rows.append(
            {
                "device": case.device,
                "quantity": case.quantity,
                "unit": case.unit,
                "source": case.source,
                "published": case.published,
                "ours": ours,
                "difference": difference,
                "tolerance": case.tolerance,
                "relative": case.relative,
                "fitted": case.fitted,
                "within": abs(difference) <= case.tolerance,
            }
        )
    return rows


def figures(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """Published, ours, difference and bound of one row of `compared`, as they are printed."""
    if row["relative"]:
        shown, bound = f"{100 * row['difference']:+.2f} %", f"{100 * row['tolerance']:.3g} %"
    else:
        shown, bound = f"{row['difference']:+.3g}", f"{row['tolerance']:.3g}"
    return f"{row['published']:.5g}", f"{row['ours']:.5g}", shown, bound


_HEAD = """# Published numbers and ours

Written by `cpo validate --out docs/validation.md`; a test keeps it true. `*`: the model was fitted to this number, or
the sheet carries it, so that agreement shows only that nothing was mistyped. **Bold**: missed by more than the bound,
which is what the model claims for that quantity.

| device | quantity | published | ours | difference | bound | source |
|---|---|---|---|---|---|---|
"""


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows of `compared` as a page."""
    lines: list[str] = []
    for row in rows:
        published, ours, shown, bound = figures(row)
        unit = "" if row["unit"] in ("", "1") else f" ({row['unit']})"
        shown = shown if row["within"] else f"**{shown}**"
        star = " *" if row["fitted"] else ""
        cells = (row["device"], f"{row['quantity']}{unit}{star}", published, ours, shown, bound, row["source"])
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return _HEAD + "\n".join(lines) + "\n"
