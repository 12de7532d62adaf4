"""Response of a chain to one symbol, and how its tails add up over random data.

Conventions
    Amplitudes in units of the outer modulation amplitude: one symbol of amplitude 1 lasts one unit interval (UI),
    levels lie evenly from -1/2 to 1/2. Samples at one phase of the pulse, a UI apart, are its cursors; they sum to the
    gain at zero frequency, 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array, levels_of
from cpo_pdk.link.responses import Complex

SAMPLES = 100  # a UI: the windows of IEEE 802.3 (0.45, 0.55 and 0.04 UI) are whole numbers of samples
SPAN = 48  # UI that a pulse may last; what is later wraps round
DROPPED = 1e-5  # cursors smaller than this are left out of the distribution
BINS = 801  # of the distribution, from end to end

Gain = Callable[[Array], Complex]


def frequencies_GHz(baud_GBd: float) -> Array:
    """Frequencies that a pulse of `SPAN` UI in `SAMPLES` a UI is made of, 0 to `SAMPLES / 2` times the symbol rate.

    Raises:
        ParameterError: a symbol rate not above 0.
    """
    if not (np.isfinite(baud_GBd) and baud_GBd > 0):
        raise ParameterError(f"symbol rate is {baud_GBd:g} GBd; above 0 needed")
    return np.arange(SAMPLES * SPAN // 2 + 1) * (baud_GBd / SPAN)


def pulse(gain: Gain, baud_GBd: float) -> Array:
    """Response to one symbol of amplitude 1 that begins at sample 0, shape (SPAN * SAMPLES,)."""
    symbol = np.zeros(SPAN * SAMPLES)
    symbol[:SAMPLES] = 1.0
    return np.fft.irfft(np.fft.rfft(symbol) * gain(frequencies_GHz(baud_GBd)), n=len(symbol))


def noise_bandwidth_GHz(gain: Gain, baud_GBd: float) -> float:
    """Width of the rectangle that passes as much white noise as the gain does, GHz."""
    f = frequencies_GHz(baud_GBd)
    return float(np.trapezoid(np.abs(gain(f)) ** 2, f))


def noise_correlation(gain: Gain, baud_GBd: float, count: int) -> Array:
    """Correlation of white noise behind the gain with itself 0, 1... UI later, 1 at zero, shape (count,)."""
    f = frequencies_GHz(baud_GBd)
    power = np.abs(gain(f)) ** 2
    lags = np.cos(2 * np.pi * np.outer(np.arange(count), f) / baud_GBd)
    return np.trapezoid(lags * power, f, axis=1) / np.trapezoid(power, f)


def distribution(cursors: Array, modulation: str) -> tuple[Array, Array]:
    """How often neighbouring symbols add how much: values in OMA and their shares, shape (BINS,) each.

    Random, independent symbols; every cursor but the wanted one belongs into `cursors`. The shares are convolved one
    cursor after the other, divided between the two nearest bins, which keeps the mean and the ends.
    """
    count = levels_of(modulation)
    used = cursors[np.abs(cursors) > DROPPED]
    end = float(np.sum(np.abs(used))) / 2
    if end == 0.0:
        return np.zeros(1), np.ones(1)
    half = BINS // 2
    step = end / half
    shares = np.zeros(2 * half + 3)  # one bin of room on either side
    shares[half + 1] = 1.0
    levels = np.linspace(-0.5, 0.5, count)
    for cursor in np.sort(np.abs(used)):
        new = np.zeros_like(shares)
        for level in levels:
            whole, part = divmod(cursor * level / step, 1.0)
            _add(new, shares, int(whole), (1 - part) / count)
            if part:
                _add(new, shares, int(whole) + 1, part / count)
        shares = new
    return (np.arange(len(shares)) - half - 1) * step, shares / shares.sum()


def _add(to: Array, shares: Array, by: int, factor: float) -> None:
    """Add shares moved by some bins; what would leave is nothing but rounding."""
    if by >= 0:
        to[by:] += factor * shares[: len(shares) - by]
    else:
        to[:by] += factor * shares[-by:]


def compressed(values: Array, shares: Array, bins: int = 41) -> tuple[Array, Array]:
    """A distribution in fewer bins, each at the mean of what fell into it; empty ones are left out."""
    if len(values) <= bins:
        return values, shares
    at = np.minimum((np.arange(len(values)) * bins) // len(values), bins - 1)
    weight = np.bincount(at, shares, bins)
    middle = np.bincount(at, shares * values, bins)
    kept = weight > 1e-30
    return middle[kept] / weight[kept], weight[kept]
