"""The linear equaliser before the decision, and the instant at which it is taken.

Formulas
    Feed-forward equaliser with taps a UI apart that sum to 1 (IEEE 802.3 clause 121.8.5.4: 5 taps, the largest is one
    of the first three). Its taps make the mean square of distortion and noise least, of all that sum to 1: with the
    covariance `A = var(levels) C C' + s^2 R` of its inputs and their correlation `b` with the wanted symbol,
    `w = A^-1 (b + m)`, m such that they sum to 1 (least squares with one constraint, textbooks). Noise behind it is
    `sqrt(w' R w)` times that before it: the C_eq of clause 121.8.5.3.
    The noise s is the one that gives the wanted symbol error ratio, found together with the taps.

Validity
    The standard searches the taps that make TDECQ least; least squares is a little worse than that. The standard's
    bound on the largest tap is not applied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import toeplitz
from scipy.optimize import brentq

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array, levels_of, tail
from cpo_pdk.link.noise import level_variance
from cpo_pdk.link.pulse import SAMPLES, distribution

LARGEST = 3  # the largest tap is one of so many first ones
PHASES = 25  # instants a UI that are tried
#: where the decision may be, samples from the middle: 0.45 and 0.55 UI, each 0.04 UI wide (clause 121.8.5.3)
EARLY, LATE = (-7, -5, -3), (3, 5, 7)


@dataclass(frozen=True)
class Window:
    """The signal at one instant: main cursor and the distribution of what neighbours add, in OMA."""

    main: float
    values: Array
    shares: Array


@dataclass(frozen=True)
class Fit:
    """An equaliser at its best instant.

    Attributes:
        taps: shape (T,), they sum to 1.
        noise_gain: rms noise behind it over that before it.
        sigma: rms noise before it, in OMA, that gives the wanted error ratio; 0 where distortion alone is too much.
        windows: the signal early and late, instants of a window one after the other.
        cursors: of the middle, equalised, main one first.
    """

    taps: Array
    noise_gain: float
    sigma: float
    windows: tuple[tuple[Window, ...], ...]
    cursors: Array


def error_ratio(windows: tuple[Window, ...], sigma: float, modulation: str) -> float:
    """Symbol error ratio with thresholds at the middle between ideal levels, mean of the windows.

    Args:
        windows: the signal.
        sigma: rms noise at the decision in OMA.
        modulation: NRZ or PAM4.
    """
    count = levels_of(modulation)
    levels = np.linspace(-0.5, 0.5, count)
    thresholds = (levels[1:] + levels[:-1]) / 2
    total = 0.0
    for window in windows:
        signal = levels[:, None] * window.main + window.values
        above = np.append(thresholds, np.inf)[:, None] - signal
        below = signal - np.append(-np.inf, thresholds)[:, None]
        wrong = tail(above / sigma) + tail(below / sigma)
        total += float(np.mean(wrong @ window.shares))
    return total / len(windows)


def noise_for(windows: tuple[tuple[Window, ...], ...], ratio: float, modulation: str) -> float:
    """Largest rms noise at the decision, in OMA, whose symbol error ratio is not above `ratio` in any group of windows;
    0 where there is none."""

    def excess(log_sigma: float) -> float:
        sigma = float(np.exp(log_sigma))
        worst = max(error_ratio(group, sigma, modulation) for group in windows)
        return np.log(max(worst, 1e-300)) - np.log(ratio)

    low, high = np.log(1e-4), np.log(1.0)
    if excess(low) > 0:
        return 0.0
    return float(np.exp(float(brentq(excess, low, high, xtol=1e-5))))  # pyright: ignore[reportArgumentType]


def fit(pulse: Array, correlation: Array, modulation: str, taps: int, ratio: float) -> Fit:
    """Best equaliser, instant and noise for a pulse.

    Args:
        pulse: response to one symbol, `SAMPLES` a UI, periodic.
        correlation: of the noise with itself 0, 1... UI later, at least `taps` long.
        modulation: NRZ or PAM4.
        taps: of the equaliser; 1: none.
        ratio: wanted symbol error ratio.

    Raises:
        ParameterError: fewer than one or more than 31 taps.
    """
    if not 1 <= taps <= 31:
        raise ParameterError(f"equaliser of {taps} taps; 1 to 31 allowed")
    covariance = toeplitz(correlation[:taps])
    sigma = 0.1 / (levels_of(modulation) - 1)
    middle, first, weights = _best(pulse, covariance, modulation, taps, sigma)
    for _turn in range(3):
        windows = tuple(
            tuple(_window(pulse, middle + by, first, weights, modulation) for by in g) for g in (EARLY, LATE)
        )
        gain = float(np.sqrt(weights @ covariance @ weights))
        found = noise_for(windows, ratio, modulation) / gain
        if taps == 1 or found == 0.0 or abs(found - sigma) < 0.02 * sigma:
            sigma = found
            break
        sigma = found
        middle, first, weights = _best(pulse, covariance, modulation, taps, sigma)
    windows = tuple(tuple(_window(pulse, middle + by, first, weights, modulation) for by in g) for g in (EARLY, LATE))
    gain = float(np.sqrt(weights @ covariance @ weights))
    sigma = noise_for(windows, ratio, modulation) / gain
    main, others = _equalised(pulse, middle, first, weights)
    return Fit(weights, gain, sigma, windows, np.append(main, others))


def _inputs(pulse: Array, middle: int, first: int, taps: int) -> tuple[Array, Array]:
    """Cursors that every tap sees, shape (taps, UI), and the column of the wanted symbol, shape (taps,)."""
    cursors = np.roll(pulse, -(middle % len(pulse)))[::SAMPLES]  # entry k: symbol sent k UI before the middle one
    seen = np.stack([np.roll(cursors, tap - first) for tap in range(taps)])
    return seen, seen[:, 0]


def _best(pulse: Array, covariance: Array, modulation: str, taps: int, sigma: float) -> tuple[int, int, Array]:
    """Middle instant (sample), place of the main tap and taps with the best ratio of eye to distortion and noise."""
    power = level_variance(modulation)
    peak = int(np.argmax(pulse))
    found: tuple[float, int, int, Array] | None = None
    for middle in range(peak - SAMPLES // 2, peak + SAMPLES // 2, SAMPLES // PHASES):
        sides = [middle + EARLY[0], middle + LATE[-1]]
        for first in range(min(LARGEST, taps)):
            pairs = [_inputs(pulse, side, first, taps) for side in sides]
            A = sum(power * seen @ seen.T for seen, _ in pairs) / 2 + sigma**2 * covariance
            b = sum(power * wanted for _, wanted in pairs) / 2
            weights = constrained(np.asarray(A), np.asarray(b))
            error = float(power - 2 * weights @ b + weights @ A @ weights)
            if found is None or error < found[0]:
                found = (error, middle, first, weights)
    assert found is not None
    return found[1], found[2], found[3]


def constrained(A: Array, b: Array) -> Array:
    """Least squares `w A w - 2 b w` with taps that sum to 1; A of shape (T, T), b of shape (T,)."""
    solved = np.linalg.solve(A, np.stack([b, np.ones_like(b)], axis=1))
    return solved[:, 0] + (1 - solved[:, 0].sum()) / solved[:, 1].sum() * solved[:, 1]


def _equalised(pulse: Array, at: int, first: int, weights: Array) -> tuple[float, Array]:
    seen, _ = _inputs(pulse, at, first, len(weights))
    cursors = weights @ seen
    return float(cursors[0]), cursors[1:]


def _window(pulse: Array, at: int, first: int, weights: Array, modulation: str) -> Window:
    main, others = _equalised(pulse, at, first, weights)
    return Window(main, *distribution(others, modulation))
