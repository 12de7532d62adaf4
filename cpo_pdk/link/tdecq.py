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

from dataclasses import dataclass

import numpy as np

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array, levels_of, q_of_ber, symbol_errors
from cpo_pdk.link.eye import REFERENCE_BANDWIDTH, REFERENCE_BER, REFERENCE_TAPS
from cpo_pdk.link.pulse import SAMPLES, Gain, noise_correlation
from cpo_pdk.link.responses import BesselThomson
from cpo_pdk.link.sampled import FINE, decide, outer_amplitude

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
    mean, oma = float(wave.mean()), outer_amplitude(wave, symbols, SAMPLES)
    if not oma > 0:
        raise ParameterError(f"outer modulation amplitude is {oma:g}; a waveform with level three above zero needed")
    eyes, ber, taps = levels_of(modulation) - 1, REFERENCE_BER[modulation], REFERENCE_TAPS[modulation]
    reference = BesselThomson(REFERENCE_BANDWIDTH * baud_GBd)
    found = decide(
        (wave - mean) / oma,
        symbols,
        FINE,
        noise_correlation(reference, baud_GBd, taps),
        modulation,
        symbol_errors(ber, modulation),
        fixed=True,
    )
    sigma, q = found.sigma, float(q_of_ber(ber, modulation))
    closure = float(-10 * np.log10(2 * eyes * q * sigma)) if sigma > 0 else float("inf")
    return Measured(closure, oma, mean, sigma, found.noise_gain, tuple(float(tap) for tap in found.taps))


def transmitter_closure(gain: Gain, modulation: str, baud_GBd: float) -> Measured:
    """TDECQ or TDEC of a transmitter from its response, with the test pattern and the reference receiver."""
    reference = BesselThomson(REFERENCE_BANDWIDTH * baud_GBd)
    symbols = pattern(modulation)
    return measured(waveform(lambda f: gain(f) * reference(f), symbols, baud_GBd), symbols, modulation, baud_GBd)
