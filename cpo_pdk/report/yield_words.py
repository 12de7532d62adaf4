"""How shares and their intervals are written: with as many digits as tell them from none and from all."""

from __future__ import annotations

import math

from cpo_pdk.yields.results import Interval


def percent(share: float) -> str:
    """`97.2 %`, `99.9953 %`, `0.012 %`: two digits of what is missing or of what is there, whichever is less."""
    if not math.isfinite(share):
        return "-"
    if share <= 0 or share >= 1:
        return "0 %" if share <= 0 else "100 %"
    digits = max(1, math.ceil(-math.log10(min(share, 1 - share))) - 1)
    return f"{100 * share:.{min(digits, 10)}f} %"


def interval_words(found: Interval) -> str:
    """`96.1 to 97.9 %`, with the same digits on both sides where that is enough."""
    low, high = percent(found.low), percent(found.high)
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def number(value: float, digits: int = 3) -> str:
    """A number in few letters; a dash where there is none."""
    if not math.isfinite(value):
        return "-"
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
        return f"{value:,.{places}f}"
    return f"{value:.{digits - 1}e}"
