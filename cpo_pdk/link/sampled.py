"""A sampled waveform at a decision: best equaliser and instant, the noise it bears, what every level looks like.

The same as `equaliser` does with a pulse, for waveforms that no pulse describes: measured ones, and the light of a
modulator whose large swing bends it. Formulas there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from cpo_pdk.link.ber import Array, levels_of, tail
from cpo_pdk.link.equaliser import LARGEST, constrained
from cpo_pdk.link.noise import level_variance

Numbers = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Timing:
    """Samples of a waveform.

    Attributes:
        samples: a unit interval.
        early, late: samples from the middle at which decisions are taken, in two groups.
    """

    samples: int
    early: tuple[int, ...]
    late: tuple[int, ...]


#: windows of 0.04 UI at 0.45 and 0.55 UI; the coarse ones are 0.033 UI wide
FINE = Timing(100, (-7, -5, -3), (3, 5, 7))
COARSE = Timing(60, (-4, -3, -2), (2, 3, 4))


@dataclass(frozen=True, eq=False)
class Decisions:
    """An equalised waveform at its decisions.

    Attributes:
        taps: of the equaliser, shape (T,).
        noise_gain: rms noise behind it over that before it.
        sigma: rms noise before it that gives the wanted symbol error ratio; 0 where there is none.
        middle: equalised samples at the middle instant, shape (S,).
        worse: those of the worse group, shape (W, S).
        sent: number of the level of every symbol, shape (S,).
    """

    taps: Array
    noise_gain: float
    sigma: float
    middle: Array
    worse: Array
    sent: Numbers


def decide(
    unit: Array,
    symbols: Array,
    timing: Timing,
    correlation: Array,
    modulation: str,
    ratio: float,
    *,
    fixed: bool,
) -> Decisions:
    """Equalise a periodic waveform and find the noise that it bears.

    Args:
        unit: waveform without its mean over its outer modulation amplitude, shape (S * samples,).
        symbols: that were sent, levels from -1/2 to 1/2, shape (S,).
        timing: of the waveform.
        correlation: of the noise with itself 0, 1... UI later, one number a tap.
        modulation: NRZ or PAM4.
        ratio: wanted symbol error ratio.
        fixed: thresholds stay between ideal levels; otherwise they lie between the levels as they are.
    """
    taps, count = len(correlation), levels_of(modulation)
    covariance = correlation[np.abs(np.subtract.outer(np.arange(taps), np.arange(taps)))]
    sent = np.rint((symbols + 0.5) * (count - 1)).astype(int)
    delay = delay_of(unit, symbols, timing.samples)
    by = max(timing.samples // 25, 1)
    noise = level_variance(modulation) / 100 * covariance
    tries: list[tuple[float, int, int]] = []
    for middle in range(delay - 5 * by, delay + 5 * by + 1, by):
        for first in range(min(LARGEST, taps)):
            sides = [_seen(unit, middle + at, first, taps, timing.samples) for at in (timing.early[0], timing.late[-1])]
            A, b = _moments(sides, symbols)
            weights = constrained(A + noise, b)
            tries.append((float(weights @ (A + noise) @ weights - 2 * weights @ b), middle, first))
    _error, middle, first = min(tries)
    groups = [
        np.stack([_seen(unit, middle + at, first, taps, timing.samples) for at in group])
        for group in (timing.early, timing.late)
    ]
    A, b = _moments([seen for group in groups for seen in group], symbols)
    sigma, weights, gain, out = level_variance(modulation) ** 0.5 / 10, np.ones(1), 1.0, groups
    for _turn in range(3 if taps > 1 else 1):
        weights = constrained(A + sigma**2 * covariance, b)
        gain = float(np.sqrt(weights @ covariance @ weights))
        out = [np.tensordot(group, weights, axes=([1], [0])) for group in groups]
        found = noise_for(out, sent, count, ratio, fixed=fixed) / gain
        if abs(found - sigma) < 0.01 * sigma or found == 0.0:
            sigma = found
            break
        sigma = found
    at = sigma * gain if sigma > 0 else 0.05
    worse = max(out, key=lambda y: wrong_symbols(y, sent, count, at, fixed=fixed))
    return Decisions(weights, gain, sigma, weights @ _seen(unit, middle, first, taps, timing.samples), worse, sent)


def delay_of(wave: Array, symbols: Array, samples: int) -> int:
    """Samples from the beginning of a symbol to the middle of its eye: where the waveform looks most like it."""
    sent, by_symbol = symbols - symbols.mean(), wave.reshape(len(symbols), samples)
    means = np.fft.rfft(by_symbol.mean(axis=1)) * np.conj(np.fft.rfft(sent))
    whole = int(np.argmax(np.fft.irfft(means, n=len(symbols))))
    near = [sent @ np.roll(by_symbol, -shift, axis=0) for shift in range(whole - 1, whole + 2)]
    return (whole - 1) * samples + int(np.argmax(np.concatenate(near)))


def outer_amplitude(wave: Array, symbols: Array, samples: int) -> float:
    """Highest less lowest level of a periodic waveform, each in the middle 2 UI of its longest run."""
    delay, ends = delay_of(wave, symbols, samples), []
    for level in (symbols.max(), symbols.min()):
        same = np.isclose(np.concatenate([symbols, symbols[:32]]), level).astype(int)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], same, [0]])))
        begin, stop = edges[0::2], edges[1::2]
        longest = int(np.argmax(stop - begin))
        middle = round((begin[longest] + stop[longest] - 1) / 2 * samples) + delay
        ends.append(float(wave[np.arange(middle - samples, middle + samples + 1) % len(wave)].mean()))
    return ends[0] - ends[1]


def wrong_symbols(y: Array, sent: Numbers, count: int, sigma: float, *, fixed: bool) -> float:
    """Symbol error ratio of equalised samples with Gaussian noise.

    Args:
        y: samples in OMA, shape (W, S).
        sent: number of the level of every symbol, shape (S,).
        count: of levels.
        sigma: rms noise in OMA.
        fixed: see `decide`.
    """
    levels = np.linspace(-0.5, 0.5, count) if fixed else levels_seen(y, sent, count)
    thresholds = (levels[1:] + levels[:-1]) / 2
    above, below = np.append(thresholds, np.inf)[sent], np.append(-np.inf, thresholds)[sent]
    return float(np.mean(tail((above - y) / sigma) + tail((y - below) / sigma)))


def levels_seen(y: Array, sent: Numbers, count: int) -> Array:
    """Mean of the samples of every level, shape (count,)."""
    return np.array([y[:, sent == level].mean() for level in range(count)])


def noise_for(groups: Sequence[Array], sent: Numbers, count: int, ratio: float, *, fixed: bool) -> float:
    """Rms noise at the decision, in OMA, at which the worse group has `ratio` wrong symbols; 0 where there is none."""

    def excess(log_sigma: float) -> float:
        sigma = float(np.exp(log_sigma))
        worst = max(wrong_symbols(y, sent, count, sigma, fixed=fixed) for y in groups)
        return float(np.log(max(worst, 1e-300) / ratio))

    if excess(np.log(1e-4)) > 0:
        return 0.0
    return float(np.exp(float(brentq(excess, np.log(1e-4), 0.0, xtol=1e-4))))  # pyright: ignore[reportArgumentType]


def _moments(seen: Sequence[Array], symbols: Array) -> tuple[Array, Array]:
    """Covariance of what the taps see, and its correlation with what was sent."""
    sent, count = symbols - symbols.mean(), len(symbols) * len(seen)
    every = np.concatenate(list(seen), axis=1)
    return every @ every.T / count, every @ np.tile(sent, len(seen)) / count


def _seen(unit: Array, middle: int, first: int, taps: int, samples: int) -> Array:
    """What every tap sees for every symbol, shape (taps, S)."""
    every = np.take(unit, np.arange(middle, middle + len(unit), samples), mode="wrap")
    return np.stack([np.roll(every, tap - first) for tap in range(taps)])
