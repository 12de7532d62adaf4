"""The compact models against published numbers: every room holds its cases in a tuple `CASES`."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from cpo_pdk.models.validation.case import Case

__all__ = ["Case", "cases", "compared"]


def cases() -> tuple[Case, ...]:
    """All cases, by device and quantity, from every module of this package that has `CASES`."""
    found: list[Case] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        found += getattr(importlib.import_module(f"{__name__}.{module.name}"), "CASES", ())
    return tuple(sorted(found, key=lambda case: (case.device, case.quantity)))


def compared() -> list[dict[str, Any]]:
    """Every case with our number: device, quantity, unit, source, published, ours, difference, tolerance, relative,
    fitted, within."""
    rows: list[dict[str, Any]] = []
    for case in cases():
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
