"""The compact models against published numbers: every room holds its cases in a tuple `CASES`."""

from __future__ import annotations

from cpo_pdk.models.validation.case import Case

__all__ = ["Case"]
