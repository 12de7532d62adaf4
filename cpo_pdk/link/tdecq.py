"""Eye closure of a transmitter measured on a waveform, step by step as an instrument does it (TDECQ, TDEC).

`eye.eye_of` gives the same number for random data, from the pulse alone; this is the check of it, and takes waveforms
from elsewhere as well.

Method
    IEEE 802.3 clause 121.8.5 (as implemented in public code; the clause itself was not read). The waveform, behind the
    reference receiver, is equalised by 5 taps a UI apart that sum to 1 (least squares against the sent symbols, with
    the noise that is found in the end). Mean power; outer modulation amplitude from the middle 2 UI of the longest
    runs of the highest and the lowest level; thresholds at the mean and a third of the amplitude above and below it.
    Histograms at 0.45 and 0.55 UI, 0.04 UI wide; Gaussian noise is added until the worse has 4.8e-4 wrong symbols.
    `TDECQ = 10 log10(OMA / (6 Q s))` with s the noise before the equaliser and Q = 3.414.
    Pattern: PRBS13Q, 8191 symbols of two bits each from the shift register x^13 + x^12 + x^2 + x + 1, Gray coded; for
    NRZ its bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array, levels_of, q_of_ber, symbol_errors, tail
from cpo_pdk.link.equaliser import EARLY, LARGEST, LATE, constrained
from cpo_pdk.link.eye import REFERENCE_BANDWIDTH, REFERENCE_BER, REFERENCE_TAPS
from cpo_pdk.link.noise import level_variance
from cpo_pdk.link.pulse import SAMPLES, Gain, noise_correlation
from cpo_pdk.link.responses import BesselThomson

REGISTER, REGISTER_TAPS = 13, (13, 12, 2, 1)
GRAY = (0, 1, 3, 2)  # level of the two bits 00, 01, 10, 11


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured.

    Attributes:
        closure_dB: TDECQ, or TDEC; infinite where the eye is closed without any noise.
        oma: outer modulation amplitude, in the unit of the waveform.
        mean: of the waveform.
        sigma: noise that was added before the equaliser, over the amplitude.
        noise_gain: of the equaliser (C_eq).
        taps: of the equaliser.
    """

    closure_dB: float
    oma: float
    mean: float
    sigma: float
    noise_gain: float
    taps: tuple[float, ...]


def pattern(modulation: str) -> Array:
    """Symbols of the test pattern as levels from -1/2 to 1/2, shape (8191,)."""
    count = levels_of(modulation)
    length = 2**REGISTER - 1
    state, bits = [1] * REGISTER, np.empty(length, dtype=int)
    for n in range(length):
        bits[n] = state[-1]
        state = [sum(state[tap - 1] for tap in REGISTER_TAPS) % 2, *state[:-1]]
    if count == 2:
        return bits - 0.5
    pairs = np.resize(bits, 2 * length).reshape(-1, 2)
    return np.array(GRAY)[2 * pairs[:, 0] + pairs[:, 1]] / 3 - 0.5


def waveform(gain: Gain, symbols: Array, baud_GBd: float) -> Array:
    """Symbols, held for a UI each and repeated for ever, behind a gain; shape (symbols * `SAMPLES`,)."""
    held = np.repeat(symbols, SAMPLES)
    f = np.arange(len(held) // 2 + 1) * (baud_GBd / len(symbols))
    return np.fft.irfft(np.fft.rfft(held) * gain(f), n=len(held))


def measured(wave: Array, symbols: Array, modulation: str, baud_GBd: float) -> Measured:
    """Measure a waveform that is already behind the reference receiver.

    Args:
        wave: `SAMPLES` a UI, periodic, any unit, shape (S * SAMPLES,).
        symbols: that were sent, levels from -1/2 to 1/2, shape (S,).
        modulation: NRZ or PAM4.
        baud_GBd: symbol rate.

    Raises:
        ParameterError: lengths that don't fit, or a waveform without modulation.
    """
    if len(wave) != len(symbols) * SAMPLES:
        raise ParameterError(
            f"waveform of {len(wave)} samples for {len(symbols)} symbols; {SAMPLES} samples a symbol needed"
        )
    delay = _delay(wave, symbols)
    mean, oma = float(wave.mean()), _outer(wave, symbols, delay)
    if not oma > 0:
        raise ParameterError(f"outer modulation amplitude is {oma:g}; a waveform with level three above zero needed")
    eyes, ber, taps = levels_of(modulation) - 1, REFERENCE_BER[modulation], REFERENCE_TAPS[modulation]
    unit = (wave - mean) / oma
    reference = BesselThomson(REFERENCE_BANDWIDTH * baud_GBd)
    covariance = _toeplitz(noise_correlation(reference, baud_GBd, taps))
    tries = [(delay + by, first) for by in range(-20, 21, 4) for first in range(min(LARGEST, taps))]
    middle, first = min(tries, key=lambda t: _error(unit, symbols, *t, covariance, modulation))
    sigma, gain, weights = _at(unit, symbols, middle, first, covariance, modulation, symbol_errors(ber, modulation))
    q = float(q_of_ber(ber, modulation))
    closure = float(-10 * np.log10(2 * eyes * q * sigma)) if sigma > 0 else float("inf")
    return Measured(closure, oma, mean, sigma, gain, tuple(float(w) for w in weights))


def transmitter_closure(gain: Gain, modulation: str, baud_GBd: float) -> Measured:
    """TDECQ or TDEC of a transmitter from its response, with the test pattern and the reference receiver."""
    reference = BesselThomson(REFERENCE_BANDWIDTH * baud_GBd)
    symbols = pattern(modulation)
    return measured(waveform(lambda f: gain(f) * reference(f), symbols, baud_GBd), symbols, modulation, baud_GBd)


def _toeplitz(correlation: Array) -> Array:
    return correlation[np.abs(np.subtract.outer(np.arange(len(correlation)), np.arange(len(correlation))))]


def _delay(wave: Array, symbols: Array) -> int:
    """Samples from the beginning of a symbol to the middle of its eye: where the waveform looks most like it."""
    ideal = np.zeros(len(wave))
    ideal[::SAMPLES] = symbols - symbols.mean()
    likeness = np.fft.irfft(np.fft.rfft(wave) * np.conj(np.fft.rfft(ideal)), n=len(wave))
    return int(np.argmax(likeness))


def _outer(wave: Array, symbols: Array, delay: int) -> float:
    """Highest less lowest level, each in the middle 2 UI of its longest run."""
    ends = []
    for level in (symbols.max(), symbols.min()):
        same = np.isclose(np.concatenate([symbols, symbols[:32]]), level)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(int), [0]])))
        begin, stop = edges[0::2], edges[1::2]
        longest = int(np.argmax(stop - begin))
        middle = (begin[longest] + stop[longest] - 1) / 2 * SAMPLES + delay
        at = np.arange(round(middle) - SAMPLES, round(middle) + SAMPLES + 1) % len(wave)
        ends.append(float(wave[at].mean()))
    return ends[0] - ends[1]


def _error(unit: Array, symbols: Array, middle: int, first: int, covariance: Array, modulation: str) -> float:
    """Mean square of distortion and noise at one instant, with the taps that make it least."""
    A, b = _moments([_seen(unit, middle + by, first, len(covariance)) for by in (EARLY[1], LATE[1])], symbols)
    A = A + level_variance(modulation) / 100 * covariance
    weights = constrained(A, b)
    return float(weights @ A @ weights - 2 * weights @ b)


def _moments(seen: list[Array], symbols: Array) -> tuple[Array, Array]:
    """Covariance of what the taps see, and its correlation with what was sent."""
    sent, count = symbols - symbols.mean(), len(symbols) * len(seen)
    A, b = sum(each @ each.T for each in seen), sum(each @ sent for each in seen)
    return np.asarray(A) / count, np.asarray(b) / count


def _at(
    unit: Array, symbols: Array, middle: int, first: int, covariance: Array, modulation: str, ratio: float
) -> tuple[float, float, Array]:
    """Noise before the equaliser, gain and taps with decisions around one instant."""
    taps = len(covariance)
    sides = [[_seen(unit, middle + by, first, taps) for by in group] for group in (EARLY, LATE)]
    A, b = _moments([each for side in sides for each in side], symbols)
    sigma, weights, gain = np.sqrt(level_variance(modulation)) / 10, np.ones(1), 1.0
    for _turn in range(3 if taps > 1 else 1):
        weights = constrained(A + sigma**2 * covariance, b)
        gain = float(np.sqrt(weights @ covariance @ weights))
        groups = [np.concatenate([weights @ each for each in side]) for side in sides]
        sigma = _noise(groups, symbols, modulation, ratio) / gain
    return sigma, gain, weights


def _seen(unit: Array, middle: int, first: int, taps: int) -> Array:
    """What every tap sees for every symbol, shape (taps, S)."""
    samples = np.roll(unit, -middle)[::SAMPLES]
    return np.stack([np.roll(samples, tap - first) for tap in range(taps)])


def _noise(groups: Sequence[Array], symbols: Array, modulation: str, ratio: float) -> float:
    """Noise at the decision at which the worse group has `ratio` wrong symbols; 0 where there is none."""
    levels = np.linspace(-0.5, 0.5, levels_of(modulation))
    thresholds = np.append((levels[1:] + levels[:-1]) / 2, np.inf)
    sent = np.tile(np.rint((symbols + 0.5) * (len(levels) - 1)).astype(int), len(groups[0]) // len(symbols))
    above, below = thresholds[sent], np.append(-np.inf, thresholds)[sent]

    def excess(log_sigma: float) -> float:
        s = np.exp(log_sigma)
        worst = max(float(np.mean(tail((above - y) / s) + tail((y - below) / s))) for y in groups)
        return float(np.log(max(worst, 1e-300) / ratio))

    if excess(np.log(1e-4)) > 0:
        return 0.0
    return float(np.exp(float(brentq(excess, np.log(1e-4), 0.0, xtol=1e-4))))  # pyright: ignore[reportArgumentType]
