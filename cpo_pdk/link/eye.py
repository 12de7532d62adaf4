"""Eye of a whole chain: how far it is open, what its closure costs, and what the decision sees.

Conventions
    Amplitudes in units of the outer modulation amplitude (OMA), levels from -1/2 to 1/2, time in unit intervals (UI).
    Decisions are taken 0.05 UI early and late, as IEEE 802.3 takes them for TDECQ, and the worse one counts: that
    stands for jitter.

Formulas
    Worst-case opening (peak distortion, Lucky, Bell Syst. Tech. J. 44, 547 (1965), from memory): `main - (M - 1) sum
    |others|` of the cursors at the middle, of M levels: height of the smallest eye over its height without distortion.
    Closure: `10 log10(OMA / (2 (M - 1) Q s))`, s the rms noise before the equaliser that gives the wanted symbol error
    ratio and Q the one that an undistorted eye needs for it. With the reference receiver (Bessel-Thomson of order 4,
    half the symbol rate as bandwidth) behind the transmitter and 4.8e-4 that is TDECQ (IEEE 802.3 clause 121.8.5, with
    the bandwidth of the 2018 amendment, from memory); here with random data in place of SSPRQ, see `tdecq` for a
    pattern. NRZ: no equaliser, 5e-5 (clause 95.8.5, TDEC, from memory; here the windows are at 0.45 and 0.55 UI).
    A linear chain is described by its pulse; a ring with a swing by its light in full (`ring_waveform`), for every run
    of 6 (PAM4) or 12 (NRZ) symbols. The receiver's thresholds then lie between the levels as they are, those of TDECQ
    between even ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from cpo_pdk.link.ber import Array, levels_of, q_of_ber, symbol_errors
from cpo_pdk.link.equaliser import Fit, fit
from cpo_pdk.link.pulse import Gain, compressed, noise_bandwidth_GHz, noise_correlation, pulse
from cpo_pdk.link.responses import BesselThomson, Chain, Flat, Response, Ring, bandwidth_GHz
from cpo_pdk.link.ring_waveform import light
from cpo_pdk.link.sampled import COARSE, Decisions, decide, levels_seen, outer_amplitude

REFERENCE_TAPS = {"NRZ": 1, "PAM4": 5}
REFERENCE_BER = {"NRZ": 5e-5, "PAM4": 2.4e-4}
REFERENCE_BANDWIDTH = 0.5  # of the reference receiver, over the symbol rate


@dataclass(frozen=True, eq=False)
class Eye:
    """What a chain does to random data.

    Attributes:
        modulation: NRZ or PAM4.
        baud_GBd: symbol rate.
        opening: worst-case height of the smallest eye over its height without distortion, 0 (closed) to 1.
        tdecq_dB: of driver and modulator behind the reference receiver; TDEC for NRZ; infinite where no noise at all
            may be added.
        closure_dB: of the whole chain at `ber`, its amplifier's noise enhanced by the equaliser included.
        ber: bit error ratio that equaliser and closure are for.
        bandwidth_GHz: 3 dB, of the whole chain without the equaliser, for a small swing.
        noise_bandwidth_GHz: of the receiver (detector and amplifier).
        noise_gain: rms noise behind the equaliser over that before it.
        levels: mean of every level at the worse instant, in OMA, rising, shape (M,).
        isi: what neighbours add to a level there, in OMA, shape (M, B).
        shares: how often, shape (M, B); each row sums to 1.
        taps: of the equaliser, shape (T,).
    """

    modulation: str
    baud_GBd: float
    opening: float
    tdecq_dB: float
    closure_dB: float
    ber: float
    bandwidth_GHz: float
    noise_bandwidth_GHz: float
    noise_gain: float
    levels: Array
    isi: Array
    shares: Array
    taps: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the decision sees: as in `Eye`, and the noise before the equaliser that gives the wanted error ratio."""

    opening: float
    sigma: float
    noise_gain: float
    levels: Array
    isi: Array
    shares: Array
    taps: Array


@lru_cache(maxsize=4096)
def eye_of(
    chain: Chain,
    modulation: str,
    baud_GBd: float,
    *,
    taps: int | None = None,
    ber: float | None = None,
    transmitter: bool = True,
) -> Eye:
    """Eye of a chain.

    Args:
        chain: from the driver's input to the amplifier's output.
        modulation: NRZ or PAM4.
        baud_GBd: symbol rate.
        taps: of the receiver's equaliser, 1: none; None: 5 for PAM4 as in the reference receiver, 1 for NRZ.
        ber: bit error ratio that the equaliser is set for; None: 2.4e-4 for PAM4, 5e-5 for NRZ.
        transmitter: whether the transmitter's own closure is wanted too; it is not a number otherwise.

    Raises:
        ParameterError: an unknown modulation, a rate or a number of taps out of range.
    """
    levels_of(modulation)
    count = REFERENCE_TAPS[modulation] if taps is None else taps
    wanted = REFERENCE_BER[modulation] if ber is None else ber
    correlation = noise_correlation(chain.tia, baud_GBd, count)
    seen = _seen(chain, chain.receiver, modulation, baud_GBd, correlation, wanted, fixed=False)
    return Eye(
        modulation=modulation,
        baud_GBd=baud_GBd,
        opening=seen.opening,
        tdecq_dB=transmitter_closure_dB(chain, modulation, baud_GBd) if transmitter else float("nan"),
        closure_dB=_closure_dB(seen.sigma, modulation, wanted),
        ber=wanted,
        bandwidth_GHz=bandwidth_GHz(chain.whole),
        noise_bandwidth_GHz=noise_bandwidth_GHz(chain.receiver, baud_GBd),
        noise_gain=seen.noise_gain,
        levels=seen.levels,
        isi=seen.isi,
        shares=seen.shares,
        taps=tuple(float(tap) for tap in seen.taps),
    )


def transmitter_closure_dB(chain: Chain, modulation: str, baud_GBd: float) -> float:
    """TDECQ (TDEC for NRZ) of driver and modulator of a chain in dB; infinite where the eye is closed."""
    return _transmitter_closure_dB(chain.driver, chain.modulator, modulation, baud_GBd)


@lru_cache(maxsize=4096)
def _transmitter_closure_dB(driver: Response, modulator: Response, modulation: str, baud_GBd: float) -> float:
    reference = BesselThomson(REFERENCE_BANDWIDTH * baud_GBd)
    taps, ber = REFERENCE_TAPS[modulation], REFERENCE_BER[modulation]
    correlation = noise_correlation(reference, baud_GBd, taps)
    transmitter = Chain(driver, modulator, Flat(), Flat())
    seen = _seen(transmitter, reference, modulation, baud_GBd, correlation, ber, fixed=True)
    return _closure_dB(seen.sigma, modulation, ber)


def _seen(
    chain: Chain, receiver: Gain, modulation: str, baud_GBd: float, correlation: Array, ber: float, *, fixed: bool
) -> _Seen:
    """What a receiver's decision sees of a transmitter: from the pulse where all is linear, else from a waveform."""
    ratio = symbol_errors(ber, modulation)
    if isinstance(chain.modulator, Ring) and chain.modulator.swings:
        wave, symbols = light(chain.modulator, chain.driver, modulation, baud_GBd)
        f = np.arange(len(wave) // 2 + 1) * (baud_GBd / len(symbols))
        unit = np.fft.irfft(np.fft.rfft(wave) * receiver(f), n=len(wave))
        if fixed:  # as measured: about the mean, of its own outer amplitude
            unit = (unit - unit.mean()) / outer_amplitude(unit, symbols, COARSE.samples)
        return _of_waveform(decide(unit, symbols, COARSE, correlation, modulation, ratio, fixed=fixed), modulation)
    response = pulse(lambda f: chain.transmitter(f) * receiver(f), baud_GBd)
    return _of_pulse(fit(response, correlation, modulation, len(correlation), ratio), modulation)


def _of_pulse(found: Fit, modulation: str) -> _Seen:
    count = levels_of(modulation)
    worse = min((group[1] for group in found.windows), key=lambda w: w.main - np.abs(w.values).max())
    values, shares = compressed(worse.values, worse.shares)
    return _Seen(
        opening=float(np.clip(found.cursors[0] - (count - 1) * np.abs(found.cursors[1:]).sum(), 0.0, 1.0)),
        sigma=found.sigma,
        noise_gain=found.noise_gain,
        levels=worse.main * np.linspace(-0.5, 0.5, count),
        isi=np.tile(values, (count, 1)),
        shares=np.tile(shares, (count, 1)),
        taps=found.taps,
    )


def _of_waveform(found: Decisions, modulation: str) -> _Seen:
    count = levels_of(modulation)
    by_level = [found.middle[found.sent == level] for level in range(count)]
    gaps = [above.min() - below.max() for below, above in pairwise(by_level)]
    levels = levels_seen(found.worse, found.sent, count)
    binned = [_binned(found.worse[:, found.sent == level].ravel() - levels[level]) for level in range(count)]
    return _Seen(
        opening=float(np.clip((count - 1) * min(gaps), 0.0, 1.0)),
        sigma=found.sigma,
        noise_gain=found.noise_gain,
        levels=levels,
        isi=np.stack([values for values, _ in binned]),
        shares=np.stack([shares for _, shares in binned]),
        taps=found.taps,
    )


def _binned(values: Array, bins: int = 41) -> tuple[Array, Array]:
    """Samples in bins of equal width: mean of each and its share; an empty bin has its middle and no share."""
    edges = np.linspace(values.min(), values.max() + 1e-12, bins + 1)
    at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    weight = np.bincount(at, minlength=bins)
    total = np.bincount(at, values, bins)
    middle = (edges[1:] + edges[:-1]) / 2
    return np.where(weight > 0, total / np.maximum(weight, 1), middle), weight / len(values)


def _closure_dB(sigma: float, modulation: str, ber: float) -> float:
    if sigma <= 0:
        return float("inf")
    eyes = levels_of(modulation) - 1
    return float(-10 * np.log10(2 * eyes * float(q_of_ber(ber, modulation)) * sigma))
