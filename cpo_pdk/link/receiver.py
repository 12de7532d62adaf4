"""What a receiver makes of a signal: currents, noise, bit error ratio, and how much light could be lost.

Method
    Levels lie evenly between level zero and level one. Every level has its own noise: amplifier (or the thermal noise
    of a load), shot noise and intensity noise over the receiver's noise bandwidth, all three enhanced by the equaliser;
    crosstalk of other wavelengths and beating with late light, which the equaliser lets through as it does the signal.
    Neighbouring symbols add what the eye says. A threshold lies between two levels where either errs alike,
    `(s1 I0 + s0 I1) / (s0 + s1)`, with s the noise and the spread of distortion of a level together. Bit errors are the
    mean over levels, neighbours and both thresholds of a level, with Gray coding.
    Margin: the loss in optical dB, before the detector, at which the wanted error ratio is just met; crosstalk and late
    light are lost alike. Margin with crosstalk at its peak: in place of its noise, the eye is smaller by the sum of all
    aggressors' amplitudes.

Validity
    A receiver without saturation, thresholds and gain ideal. Crosstalk as Gaussian noise overstates few aggressors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cpo_pdk.errors import ParameterError
from cpo_pdk.link import noise
from cpo_pdk.link.ber import Array, bits_of, levels_of, q_of_ber, tail
from cpo_pdk.link.eye import Eye
from cpo_pdk.link.penalties import extinction_penalty_dB

LOWEST_dB, HIGHEST_dB = -60.0, 60.0  # added to the power that arrives, in the search of the margin
HALVINGS, SECANTS = 8, 5  # of that range: to half a dB, then to 1e-9 dB


@dataclass(frozen=True)
class Signal:
    """Light at a detector.

    Attributes:
        received_dBm: mean power, as the loss of the lane ends: absorbed.
        extinction_dB: level one over level zero.
        rin_dB_Hz: relative intensity noise of the laser.
        crosstalk_dB: every other wavelength: mean power over that of the wanted one, dB.
        interference_dB: light of the same wavelength that comes late: over the wanted one, dB.
        aggressor_extinction_dB: of the other wavelengths; None: as the signal.
    """

    received_dBm: float
    extinction_dB: float
    rin_dB_Hz: float
    crosstalk_dB: tuple[float, ...] = ()
    interference_dB: tuple[float, ...] = ()
    aggressor_extinction_dB: float | None = None


@dataclass(frozen=True)
class Receiver:
    """Detector, amplifier and what the chain makes of the data.

    Attributes:
        responsivity_A_W: current per power as counted in `Signal.received_dBm`.
        dark_nA: dark current.
        noise_uA: rms input-referred noise current of the amplifier over its bandwidth; None: a resistor in its place.
        eye: of the chain.
        temperature_C: of the resistor.
        load_ohm: of the resistor.
    """

    responsivity_A_W: float
    dark_nA: float
    noise_uA: float | None
    eye: Eye
    temperature_C: float = 25.0
    load_ohm: float = 50.0


@dataclass(frozen=True)
class Quality:
    """How well a signal is received.

    Attributes:
        oma_dBm: outer modulation amplitude that arrives.
        q: half the smallest eye over its noise, of an undistorted eye with this error ratio.
        ber: bit error ratio before correction.
        needed_oma_dBm: amplitude that would just do; infinite where no power would.
        margin_dB: loss that could be added; minus infinity where no power would do.
        margin_peak_dB: the same with crosstalk in its worst phase.
        noise_uA: rms over all levels at the receiver's input, before the equaliser: thermal, shot, rin, crosstalk, mpi.
        penalties_dB: extinction (against infinite, same mean power); and what the needed amplitude falls by without it:
            bandwidth, crosstalk, rin, mpi, shot. Infinite where it alone makes the link impossible.
    """

    oma_dBm: float
    q: float
    ber: float
    needed_oma_dBm: float
    margin_dB: float
    margin_peak_dB: float
    noise_uA: dict[str, float] = field(default_factory=dict)
    penalties_dB: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Case:
    """Many lanes with one modulation as arrays; N lanes, M levels, B bins of distortion."""

    modulation: str
    mean_A: Array  # (N,)
    depth: Array  # (N,) OMA over mean
    thermal_A2: Array  # (N,)
    dark_A: Array
    band_GHz: Array
    gain: Array
    rin_dB_Hz: Array
    crosstalk: Array  # (N,) sum of (amplitude over wanted amplitude)^2
    peak: Array  # (N,) sum of amplitudes over wanted amplitude
    interference: Array  # (N,)
    levels: Array  # (N, M) in OMA
    isi: Array  # (N, M, B)
    shares: Array  # (N, M, B)


def quality(signal: Signal, receiver: Receiver, threshold_ber: float) -> Quality:
    """How well one signal is received; see `qualities`."""
    return qualities([signal], [receiver], threshold_ber)[0]


def qualities(signals: Sequence[Signal], receivers: Sequence[Receiver], threshold_ber: float) -> list[Quality]:
    """How well many signals are received, computed at once.

    Args:
        signals: shape (N,).
        receivers: shape (N,), all of one modulation.
        threshold_ber: largest bit error ratio before correction.

    Raises:
        ParameterError: different modulations or numbers of signals and receivers, a threshold not between 0 and the
            error ratio of guessing, a power, extinction or responsivity that can't be used.
    """
    if not signals:
        return []
    case = _case(signals, receivers)
    if not 0 < threshold_ber < 0.3:
        raise ParameterError(f"threshold is a bit error ratio of {threshold_ber:g}; above 0 and below 0.3 needed")
    oma = 10 * np.log10(case.mean_A * case.depth / _responsivity(receivers)) + 30
    ratios = _ber(case, np.zeros(len(oma)))
    margin = _margin(case, threshold_ber)
    zeros, even = np.zeros_like(margin), np.linspace(-0.5, 0.5, levels_of(case.modulation))
    without: dict[str, _Case] = {
        "bandwidth": replace(case, levels=zeros[:, None] + even, isi=case.isi * 0, gain=zeros + 1),
        "crosstalk": replace(case, crosstalk=zeros),
        "rin": replace(case, rin_dB_Hz=zeros - np.inf),
        "mpi": replace(case, interference=zeros),
    }
    gained = {name: _margin(other, threshold_ber) for name, other in without.items()}
    gained["shot"] = _margin(case, threshold_ber, shot=False)
    peak = _margin(case, threshold_ber, peak=True)
    extinction = extinction_penalty_dB([s.extinction_dB for s in signals])
    currents = _noise_uA(case)
    q = q_of_ber(np.maximum(ratios, 1e-300), case.modulation)
    found = []
    for n in range(len(signals)):
        costs = {"extinction": float(extinction[n])}
        costs |= {name: _less(float(other[n]), float(margin[n])) for name, other in gained.items()}
        found.append(
            Quality(
                oma_dBm=float(oma[n]),
                q=float(q[n]),
                ber=float(ratios[n]),
                needed_oma_dBm=float(oma[n] - margin[n]),
                margin_dB=float(margin[n]),
                margin_peak_dB=float(peak[n]),
                noise_uA={name: float(value[n]) for name, value in currents.items()},
                penalties_dB=costs,
            )
        )
    return found


def margins_dB(signals: Sequence[Signal], receivers: Sequence[Receiver], threshold_ber: float) -> Array:
    """Margins alone, shape (N,); minus infinity where no power would do. Arguments as `qualities`."""
    return _margin(_case(signals, receivers), threshold_ber) if signals else np.zeros(0)


def _less(without: float, margin: float) -> float:
    """Penalty from margins without and with; both impossible: nothing can be said, 0."""
    if np.isinf(margin):
        return 0.0 if np.isinf(without) else float("inf")
    return max(without - margin, 0.0)


def _responsivity(receivers: Sequence[Receiver]) -> Array:
    return np.array([r.responsivity_A_W for r in receivers], dtype=np.float64)


def _case(signals: Sequence[Signal], receivers: Sequence[Receiver]) -> _Case:
    if len(signals) != len(receivers):
        raise ParameterError(f"{len(signals)} signals for {len(receivers)} receivers; one each needed")
    eyes = [r.eye for r in receivers]
    modulation = eyes[0].modulation
    if any(eye.modulation != modulation for eye in eyes):
        raise ParameterError("signals of NRZ and of PAM4 at once; compute them one after the other")
    responsivity = _responsivity(receivers)
    power = np.array([s.received_dBm for s in signals], dtype=np.float64)
    if not np.all(np.isfinite(power)):
        raise ParameterError("received power is not finite; a level in dBm needed")
    if not np.all((responsivity > 0) & (responsivity < 10)):
        raise ParameterError(f"responsivity is {float(responsivity.min()):g} A/W; above 0 and below 10 needed")
    depth = 2 * 10 ** (-extinction_penalty_dB([s.extinction_dB for s in signals]) / 10)
    others = np.array(
        [s.extinction_dB if s.aggressor_extinction_dB is None else s.aggressor_extinction_dB for s in signals]
    )
    relative = 2 * 10 ** (-extinction_penalty_dB(others) / 10) / depth
    amplitudes = [
        10 ** (np.array(s.crosstalk_dB, dtype=np.float64) / 10) * r for s, r in zip(signals, relative, strict=True)
    ]
    band = np.array([eye.noise_bandwidth_GHz for eye in eyes])
    bins = max(eye.isi.shape[1] for eye in eyes)
    return _Case(
        modulation=modulation,
        mean_A=responsivity * 10 ** ((power - 30) / 10),
        depth=depth,
        thermal_A2=np.array(
            [
                float(noise.thermal_A2(r.load_ohm, r.temperature_C, r.eye.noise_bandwidth_GHz))
                if r.noise_uA is None
                else (r.noise_uA * 1e-6) ** 2
                for r in receivers
            ]
        ),
        dark_A=np.array([r.dark_nA for r in receivers]) * 1e-9,
        band_GHz=band,
        gain=np.array([eye.noise_gain for eye in eyes]),
        rin_dB_Hz=np.array([s.rin_dB_Hz for s in signals]),
        crosstalk=np.array([float(np.sum(a**2)) for a in amplitudes]),
        peak=np.array([float(np.sum(a)) for a in amplitudes]),
        interference=np.array([float(np.sum(10 ** (np.array(s.interference_dB) / 10))) for s in signals]),
        levels=np.array([eye.levels for eye in eyes]),
        isi=np.array([np.pad(eye.isi, ((0, 0), (0, bins - eye.isi.shape[1]))) for eye in eyes]),
        shares=np.array([np.pad(eye.shares, ((0, 0), (0, bins - eye.isi.shape[1]))) for eye in eyes]),
    )


def _variances(case: _Case, added_dB: Array, *, shot: bool = True) -> tuple[Array, dict[str, Array]]:
    """Currents of the levels, shape (N, M), and variances before the equaliser by name, shape (N, M) each."""
    count = levels_of(case.modulation)
    mean = case.mean_A * 10 ** (added_dB / 10)
    amplitude = mean * case.depth
    current = mean[:, None] + amplitude[:, None] * np.linspace(-0.5, 0.5, count)
    band, dark = case.band_GHz[:, None], case.dark_A[:, None]
    same = np.ones_like(current)
    return current, {
        "thermal": case.thermal_A2[:, None] * same,
        "shot": noise.shot_A2(np.maximum(current, 0.0), dark, band) * shot,
        "rin": noise.rin_A2(current, case.rin_dB_Hz[:, None], band),
        "crosstalk": (case.crosstalk * amplitude**2 * noise.level_variance(case.modulation))[:, None] * same,
        "mpi": noise.beat_A2(np.maximum(current, 0.0), mean[:, None], case.interference[:, None]),
    }


def _ber(case: _Case, added_dB: Array, *, shot: bool = True, peak: bool = False) -> Array:
    """Bit error ratio with `added_dB` more light, shape (N,)."""
    current, variance = _variances(case, added_dB, shot=shot)
    count = levels_of(case.modulation)
    crosstalk = np.zeros_like(current) if peak else variance["crosstalk"]
    enhanced = (variance["thermal"] + variance["shot"] + variance["rin"]) * case.gain[:, None] ** 2
    sigma = np.sqrt(enhanced + crosstalk + variance["mpi"])
    amplitude = current[:, -1:] - current[:, :1]
    low, high = sigma[:, :-1], sigma[:, 1:]
    height = np.diff(case.levels, axis=1) * amplitude
    if peak:
        height = height - case.peak[:, None] * amplitude
    # thresholds by noise and the spread of distortion together: either alone may vanish
    total = np.hypot(sigma, amplitude * np.sqrt(np.einsum("nmb,nmb->nm", case.shares, case.isi**2)))
    below, above = (height * w / (total[:, :-1] + total[:, 1:]) for w in (total[:, :-1], total[:, 1:]))
    moved = amplitude[:, :, None] * case.isi
    upwards = tail((below[:, :, None] - moved[:, :-1]) / low[:, :, None])
    downwards = tail((above[:, :, None] + moved[:, 1:]) / high[:, :, None])
    wrong = np.einsum("nmb,nmb->n", upwards, case.shares[:, :-1]) + np.einsum(
        "nmb,nmb->n", downwards, case.shares[:, 1:]
    )
    symbols = wrong / count
    return np.minimum(symbols / bits_of(case.modulation), 0.5)


def _margin(case: _Case, threshold_ber: float, *, shot: bool = True, peak: bool = False) -> Array:
    """Loss in dB that could be added, shape (N,); minus infinity where no power would do."""

    def excess(added_dB: Array) -> Array:
        return np.log(np.maximum(_ber(case, added_dB, shot=shot, peak=peak), 1e-300) / threshold_ber)

    low, high = np.full(len(case.mean_A), LOWEST_dB), np.full(len(case.mean_A), HIGHEST_dB)
    above, below = excess(low), excess(high)
    never = below > 0
    for turn in range(HALVINGS + SECANTS):
        middle = (low + high) / 2
        if turn >= HALVINGS:  # both ends stay valid: where the straight line does not move one, halving does
            steep = np.abs(above - below) > 1e-12
            line = low + (high - low) * above / np.where(steep, above - below, 1.0)
            middle = np.where(steep & (turn % 3 != 2), np.clip(line, low, high), middle)
        here = excess(middle)
        enough = here <= 0
        high, below = np.where(enough, middle, high), np.where(enough, here, below)
        low, above = np.where(enough, low, middle), np.where(enough, above, here)
    steep = np.abs(above - below) > 1e-12
    line = low + (high - low) * above / np.where(steep, above - below, 1.0)
    return np.where(never, -np.inf, -np.where(steep, np.clip(line, low, high), high))


def _noise_uA(case: _Case) -> dict[str, Array]:
    _current, variance = _variances(case, np.zeros(len(case.mean_A)))
    return {name: np.sqrt(value.mean(axis=1)) * 1e6 for name, value in variance.items()}
