"""Colours that stand for numbers: margin (red is missing, yellow just enough, blue plenty), temperature, power, shares,
deviations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_hex

#: below nothing left, from nothing to plenty
_MISSING = ("#7a0c2e", "#c8263f", "#ef6b51")
NONE = _MISSING[0]
_LEFT = ("#f0c22f", "#7fbf4d", "#1f9e89", "#2f5fc4")
#: below zero, zero, above
_SIDES = ("#1d3f91", "#4f83cc", "#b9cbe0", "#e8e4dc", "#e9bfa0", "#cf6a3f", "#8a1f22")
_STEPS = 17


@dataclass(frozen=True)
class Scale:
    """A range of numbers and its colours.

    Attributes:
        low, high: of the range; `low < high`.
        stops: (share of the range, 0 to 1, rising; colour as `#rrggbb`).
        unit: of the numbers.
    """

    low: float
    high: float
    stops: tuple[tuple[float, str], ...]
    unit: str

    @property
    def colormap(self) -> LinearSegmentedColormap:
        """The same for matplotlib; what is not a number is not drawn."""
        return LinearSegmentedColormap.from_list(self.unit, list(self.stops), N=512, bad=(0, 0, 0, 0))

    @property
    def normalize(self) -> Normalize:
        """Number to share of the range, clipped."""
        return Normalize(self.low, self.high, clip=True)

    def as_json(self) -> dict[str, object]:
        """What the page's scripts read."""
        stops = [[round(share, 5), color] for share, color in self.stops]
        return {"low": round(self.low, 4), "high": round(self.high, 4), "stops": stops, "unit": self.unit}


def margin_scale(margins_dB: Iterable[float]) -> Scale:
    """Scale of margins in dB: the colour jumps at 0; at least 1 dB on each side that is there.

    What is no number, a lane that no power would help, has the colour of the lowest.
    """
    values = list(margins_dB)
    finite = [value for value in values if np.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    low = min(low, -1.0) if low < 0 or len(finite) < len(values) else 0.0
    high = max(high, 1.0)
    zero = -low / (high - low)
    stops: list[tuple[float, str]] = []
    if low < 0:
        stops += [(zero * share, color) for share, color in _spread(_MISSING)]
    stops += [(zero + (1 - zero) * share, color) for share, color in _spread(_LEFT)]
    return Scale(low, high, tuple(stops), "dB")


def spread_scale(margins_dB: Iterable[float]) -> Scale:
    """Scale of margins in dB from the least to the most, whatever their sign; at least 0.1 dB wide."""
    finite = [value for value in margins_dB if np.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    middle, half = (low + high) / 2, max((high - low) / 2, 0.05)
    return Scale(middle - half, middle + half, tuple(_spread(_LEFT)), "dB")


def temperature_scale(celsius: Iterable[float]) -> Scale:
    """Scale of temperatures in C, dark to bright; at least 1 K wide."""
    return _sequential(celsius, "inferno", 0.0, 0.95, "C")


def power_scale(milliwatt: Iterable[float]) -> Scale:
    """Scale of a heater's power in mW, from none; at least 0.1 mW wide."""
    high = max((value for value in milliwatt if np.isfinite(value)), default=0.0)
    return _sequential((0.0, max(high, 0.1)), "winter", 1.0, 0.0, "mW", least=0.1)


def heater_scale(milliwatt: Iterable[float]) -> Scale:
    """Scale of heaters' powers in mW from the least to the most, violet to yellow; at least 0.1 mW wide."""
    return _sequential(milliwatt, "plasma", 0.15, 0.92, "mW", least=0.1)


def share_scale(shares: Iterable[float]) -> Scale:
    """Scale of shares in per cent, red to blue, from the least (at most 90) to 100."""
    low = min((100 * value for value in shares if np.isfinite(value)), default=0.0)
    return Scale(min(low, 90.0), 100.0, tuple(_spread((*_MISSING, *_LEFT))), "%")


def deviation_scale(values: Iterable[float], unit: str) -> Scale:
    """Scale of deviations to both sides of 0, which is pale; at least 0.1 to each side."""
    reach = max((abs(value) for value in values if np.isfinite(value)), default=0.0)
    reach = max(reach, 0.1)
    return Scale(-reach, reach, tuple(_spread(_SIDES)), unit)


def _sequential(values: Iterable[float], name: str, first: float, last: float, unit: str, least: float = 1.0) -> Scale:
    finite = [value for value in values if np.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    middle, half = (low + high) / 2, max((high - low) / 2, least / 2)
    colors = colormaps[name]
    stops = tuple(
        (float(share), to_hex(colors(first + (last - first) * share))) for share in np.linspace(0.0, 1.0, _STEPS)
    )
    return Scale(middle - half, middle + half, stops, unit)


def _spread(colors: Sequence[str]) -> list[tuple[float, str]]:
    return [(index / (len(colors) - 1), color) for index, color in enumerate(colors)]
