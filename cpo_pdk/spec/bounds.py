"""Numbers with a unit, a range and the reason for the range, as pydantic fields.

Numbers are strict: `true` and `"8"` are no numbers, `.nan` and `.inf` are refused. The ranges are plausibility limits,
wide enough for any real package and narrow enough that millimetres written for micrometres (or the reverse) are caught.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field


def bounded(low: float, high: float, unit: str, what: str, why: str) -> Any:
    """Metadata of a strict, finite number: `power_W: Annotated[float, bounded(1, 5000, "W", "heat", "...")]`.

    Args:
        low: smallest allowed value, in `unit`.
        high: largest allowed value, in `unit`.
        unit: unit of value and limits; empty for counts.
        what: description of the value.
        why: reason of the limits; ends up in the message of a value out of range.
    """
    return Field(
        strict=True,
        allow_inf_nan=False,
        ge=low,
        le=high,
        description=f"{what} ({unit})" if unit else what,
        json_schema_extra={"unit": unit, "reason": why},
    )


def counted(low: int, high: int, what: str, why: str) -> Any:
    """Metadata of a strict whole number: `count: Annotated[int, counted(1, 64, "engines", "...")]`.

    Args:
        low: smallest allowed value.
        high: largest allowed value.
        what: description of the value.
        why: reason of the limits.
    """
    return Field(strict=True, ge=low, le=high, description=what, json_schema_extra={"unit": "", "reason": why})
