"""Eye of a whole chain: how far it is open, what its closure costs, and what the decision sees.

Conventions
    Amplitudes in units of the outer modulation amplitude (OMA), levels from -1/2 to 1/2, time in unit intervals (UI).
    Decisions are taken 0.05 UI early and late, as IEEE 802.3 takes them for TDECQ, and the worse one counts: that
    stands for jitter.

Formulas
    Worst-case opening (peak distortion, Lucky 1965; textbooks): `main - (M - 1) sum |others|` of the cursors at the
    middle, of M levels: height of the smallest eye over its height without distortion.
    Closure: `10 log10(OMA / (2 (M - 1) Q s))`, s the rms noise before the equaliser that gives the wanted symbol error
    ratio and Q the one that an undistorted eye needs for it. With the reference receiver (Bessel-Thomson of order 4,
    half the symbol rate as bandwidth) behind the transmitter and 4.8e-4 that is TDECQ (IEEE 802.3 clause 121.8.5, with
    the bandwidth of the 2018 amendment, from memory); here with random data in place of SSPRQ, see `tdecq` for a
    pattern. NRZ: no equaliser, 5e-5 (clause 95.8.5, TDEC, from memory; here the windows are at 0.45 and 0.55 UI).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cpo_pdk.link.ber import Array, levels_of, q_of_ber, symbol_errors
from cpo_pdk.link.equaliser import Fit, fit
from cpo_pdk.link.pulse import compressed, noise_bandwidth_GHz, noise_correlation, pulse
from cpo_pdk.link.responses import BesselThomson, Chain, bandwidth_GHz

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
        bandwidth_GHz: 3 dB, of the whole chain without the equaliser.
        noise_bandwidth_GHz: of the receiver (detector and amplifier).
        noise_gain: rms noise behind the equaliser over that before it.
        main: cursor of the wanted symbol at the worse instant, in OMA.
        isi: what neighbours add there, in OMA, shape (B,).
        shares: how often, shape (B,), they sum to 1.
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
    main: float
    isi: Array
    shares: Array
    taps: tuple[float, ...]


@lru_cache(maxsize=4096)
def eye_of(chain: Chain, modulation: str, baud_GBd: float, *, taps: int | None = None, ber: float | None = None) -> Eye:
    """Eye of a chain.

    Args:
        chain: from the driver's input to the amplifier's output.
        modulation: NRZ or PAM4.
        baud_GBd: symbol rate.
        taps: of the receiver's equaliser, 1: none; None: 5 for PAM4 as in the reference receiver, 1 for NRZ.
        ber: bit error ratio that the equaliser is set for; None: 2.4e-4 for PAM4, 5e-5 for NRZ.

    Raises:
        ParameterError: an unknown modulation, a rate or a number of taps out of range.
    """
    levels_of(modulation)
    count = REFERENCE_TAPS[modulation] if taps is None else taps
    wanted = REFERENCE_BER[modulation] if ber is None else ber
    response = pulse(chain.whole, baud_GBd)
    found = fit(
        response, noise_correlation(chain.tia, baud_GBd, count), modulation, count, symbol_errors(wanted, modulation)
    )
    worse = min((w for group in found.windows for w in group[1:2]), key=lambda w: w.main - np.abs(w.values).max())
    values, shares = compressed(worse.values, worse.shares)
    return Eye(
        modulation=modulation,
        baud_GBd=baud_GBd,
        opening=_opening(found, modulation),
        tdecq_dB=transmitter_closure_dB(chain, modulation, baud_GBd),
        closure_dB=_closure_dB(found.sigma, modulation, wanted),
        ber=wanted,
        bandwidth_GHz=bandwidth_GHz(chain.whole),
        noise_bandwidth_GHz=noise_bandwidth_GHz(chain.receiver, baud_GBd),
        noise_gain=found.noise_gain,
        main=worse.main,
        isi=values,
        shares=shares,
        taps=tuple(float(tap) for tap in found.taps),
    )


@lru_cache(maxsize=4096)
def transmitter_closure_dB(chain: Chain, modulation: str, baud_GBd: float) -> float:
    """TDECQ (TDEC for NRZ) of driver and modulator of a chain in dB; infinite where the eye is closed."""
    reference = BesselThomson(REFERENCE_BANDWIDTH * baud_GBd)
    taps, ber = REFERENCE_TAPS[modulation], REFERENCE_BER[modulation]
    response = pulse(lambda f: chain.transmitter(f) * reference(f), baud_GBd)
    found = fit(
        response, noise_correlation(reference, baud_GBd, taps), modulation, taps, symbol_errors(ber, modulation)
    )
    return _closure_dB(found.sigma, modulation, ber)


def _closure_dB(sigma: float, modulation: str, ber: float) -> float:
    if sigma <= 0:
        return float("inf")
    eyes = levels_of(modulation) - 1
    return float(-10 * np.log10(2 * eyes * float(q_of_ber(ber, modulation)) * sigma))


def _opening(found: Fit, modulation: str) -> float:
    eyes = levels_of(modulation) - 1
    return float(np.clip(found.cursors[0] - eyes * np.abs(found.cursors[1:]).sum(), 0.0, 1.0))
