"""Light of a ring modulator that is driven by data, its resonance moving by a good part of its width.

Method
    Coupled-mode equation (Little et al., J. Lightwave Technol. 15, 998 (1997), from memory) with the resonance that
    the drive sets at every moment: `da/dt = -(G + 2 pi j D(t)) a + 1`, light `|1 - 2 G_bus a|^2`, with the amplitude
    decay `G = pi FWHM`, of which `G_bus` into the bus. Its small-signal limit is `models.operating.cavity_transfer`. D
    is held for a sample and the equation solved exactly over it. The drive is filtered by the driver and the junction's
    pole.
    Inner levels of PAM4 are driven so that the light's static levels lie evenly (a driver that is set so).
    The pattern has every run of symbols as long as `MEMORY` once (de Bruijn). It is cut in pieces that are integrated
    beside each other, each after `WARM_UP` symbols of the one before, when a ring has long forgotten its start.

Validity
    The resonance follows the filtered voltage in proportion; capacitance and width are those of the mean voltage. What
    the light's own heat does is too slow to follow data.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.optimize import brentq

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import Array, levels_of
from cpo_pdk.link.responses import OnePole, Response, Ring
from cpo_pdk.link.sampled import COARSE

MEMORY = {"NRZ": 12, "PAM4": 6}
PIECES, WARM_UP = 128, 12


@lru_cache(maxsize=2)
def every_run(modulation: str) -> tuple[float, ...]:
    """Levels from -1/2 to 1/2 that hold every run of `MEMORY` symbols once, 4096 of them (de Bruijn, by the greedy
    rule of Lyndon words: Fredricksen and Maiorana, Discrete Math. 23, 207 (1978), from memory)."""
    count, length = levels_of(modulation), MEMORY[modulation]
    word, found = [0] * (count * length), list[int]()

    def grow(t: int, p: int) -> None:
        if t > length:
            if length % p == 0:
                found.extend(word[1 : p + 1])
            return
        word[t] = word[t - p]
        grow(t + 1, p)
        for symbol in range(word[t - p] + 1, count):
            word[t] = symbol
            grow(t + 1, t)

    grow(1, 1)
    return tuple(symbol / (count - 1) - 0.5 for symbol in found)


def static_light(ring: Ring, detuning_GHz: float) -> float:
    """Share of the light that passes a ring at rest.

    Args:
        ring: widths.
        detuning_GHz: laser minus resonance.
    """
    pole = np.pi * ring.linewidth_GHz + 2j * np.pi * detuning_GHz
    return float(abs(1 - 2 * np.pi * ring.linewidth_bus_GHz / pole) ** 2)


@lru_cache(maxsize=4)
def light(ring: Ring, driver: Response, modulation: str, baud_GBd: float) -> tuple[Array, Array]:
    """Light of a ring, repeated for ever, and the symbols that were sent.

    Args:
        ring: with its swing.
        driver: response before the junction's own pole.
        modulation: NRZ or PAM4.
        baud_GBd: symbol rate.

    Returns:
        Light from -1/2 to 1/2 at rest, `COARSE.samples` a symbol, shape (S * samples,); levels from -1/2 to 1/2, (S,).

    Raises:
        ParameterError: level one is not above level zero.
    """
    symbols = np.array(every_run(modulation))
    zero, one = static_light(ring, ring.zero_GHz), static_light(ring, ring.one_GHz)
    if not one > zero:
        raise ParameterError(
            f"level one passes {one:.3g} of the light, level zero {zero:.3g}; swap V_one and V_zero or the detuning"
        )
    drive = _drive(ring, symbols, zero, one)
    f = np.arange(len(symbols) * COARSE.samples // 2 + 1) * (baud_GBd / len(symbols))
    held = np.fft.rfft(np.repeat(drive, COARSE.samples)) * driver(f) * OnePole(ring.rc_GHz)(f)
    detuning = np.fft.irfft(held, n=len(symbols) * COARSE.samples)
    passed = _integrated(ring, detuning, 1 / (baud_GBd * COARSE.samples))
    return (passed - (one + zero) / 2) / (one - zero), symbols


def _drive(ring: Ring, symbols: Array, zero: float, one: float) -> Array:
    """Detuning in GHz for every symbol: static light lies evenly between the outer levels."""
    found: dict[float, float] = {-0.5: ring.zero_GHz, 0.5: ring.one_GHz}
    for level in np.unique(symbols):
        wanted = zero + (one - zero) * (level + 0.5)
        if abs(level) < 0.5:
            root = brentq(lambda d, w=wanted: static_light(ring, d) - w, ring.zero_GHz, ring.one_GHz)
            found[float(level)] = float(root)  # pyright: ignore[reportArgumentType]
    return np.array([found[float(level)] for level in symbols])


def _integrated(ring: Ring, detuning_GHz: Array, step_ns: float) -> Array:
    """Light at the end of every sample, shape as `detuning_GHz`."""
    pole = np.pi * ring.linewidth_GHz + 2j * np.pi * detuning_GHz
    decay = np.exp(-pole * step_ns)
    driven = (1 - decay) / pole
    length = len(pole) // PIECES
    before = WARM_UP * COARSE.samples
    at = (np.arange(-before, length)[:, None] + length * np.arange(PIECES)) % len(pole)
    decay, driven = decay[at], driven[at]
    stored = np.empty((length, PIECES), dtype=np.complex128)
    a = driven[0] / (1 - decay[0])
    for step in range(before + length):
        a = a * decay[step] + driven[step]
        if step >= before:
            stored[step - before] = a
    return np.abs(1 - 2 * np.pi * ring.linewidth_bus_GHz * stored.T.ravel()) ** 2
