"""One comparison of a model with a published value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One published number and what the model says.

    Attributes:
        device: name of the cell or sheet.
        quantity: what is compared, with its conditions ("neff TE, 400 x 220 nm, 1310 nm").
        unit: of both numbers, "1" for a pure number.
        source: publication or data file of the published number.
        published: the number.
        ours: computes the model's number; takes no argument.
        tolerance: largest allowed difference; of the published value when `relative`, else in `unit`.
        relative: what `tolerance` is taken of.
        fitted: True when the model was fitted to this very number, so that agreement proves only the arithmetic.
    """

    device: str
    quantity: str
    unit: str
    source: str
    published: float
    ours: Callable[[], float]
    tolerance: float
    relative: bool = True
    fitted: bool = False
