"""Light of a ring with a large swing: its small-signal limit, its static levels, a plain integration, and its cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.eye import eye_of, transmitter_closure_dB
from cpo_pdk.link.receiver import Receiver, Signal, quality
from cpo_pdk.link.responses import BesselThomson, Chain, Detector, Flat, Ring
from cpo_pdk.link.ring_waveform import MEMORY, every_run, light, static_light
from cpo_pdk.link.sampled import COARSE
from cpo_pdk.models.modulator import ring_modulator
from cpo_pdk.models.operating import operating_point

RING = Ring(33.8, 19.73, 11.33, 56.25, one_GHz=15.63, zero_GHz=7.03)
STILL = replace(RING, one_GHz=0.0, zero_GHz=0.0)
DRIVER = BesselThomson(42.0)


@pytest.mark.parametrize("modulation", ["NRZ", "PAM4"])
def test_pattern_holds_every_run_once(modulation: str) -> None:
    symbols, length = every_run(modulation), MEMORY[modulation]
    round_ = [*symbols, *symbols[:length]]
    runs = {tuple(round_[k : k + length]) for k in range(len(symbols))}
    assert len(runs) == len(symbols) == 4096


def test_static_levels_are_those_of_the_model() -> None:
    """Coupled modes with the width of the mean voltage against the transfer matrix, whose width follows the voltage."""
    point = operating_point(3.0, 0.0, detuning_nm=-0.0345)
    ring = Ring(point.linewidth_GHz, point.linewidth_bus_GHz, point.bias_detuning_GHz, 60.0)
    one, zero = (static_light(ring, d) for d in (point.one_detuning_GHz, point.zero_detuning_GHz))
    assert 10 * np.log10(one / zero) == pytest.approx(point.extinction_ratio_dB, abs=0.5)
    far = abs(complex(ring_modulator(1.303, V=0.0)["o1", "o2"])) ** 2
    assert -10 * np.log10(one * far) == pytest.approx(point.insertion_loss_dB, abs=0.25)


def test_slow_data_are_the_static_levels() -> None:
    wave, symbols = light(RING, BesselThomson(20.0), "PAM4", 2.0)
    settled = wave.reshape(len(symbols), COARSE.samples)[:, -10]
    assert settled == pytest.approx(symbols, abs=2e-3)


def test_light_is_that_of_a_plain_integration() -> None:
    """The first symbols again, by Runge and Kutta with a drive that is held for a sample."""
    baud = 53.125
    wave, symbols = light(RING, Flat(), "NRZ", baud)
    one, zero = static_light(RING, RING.one_GHz), static_light(RING, RING.zero_GHz)
    step = 1 / (baud * COARSE.samples)
    f = np.arange(len(symbols) * COARSE.samples // 2 + 1) * (baud / len(symbols))
    drive = np.repeat(np.where(symbols > 0, RING.one_GHz, RING.zero_GHz), COARSE.samples)
    detuning = np.fft.irfft(np.fft.rfft(drive) / (1 + 1j * f / RING.rc_GHz), n=len(drive))
    G, bus = np.pi * RING.linewidth_GHz, np.pi * RING.linewidth_bus_GHz
    begin, count = 300, 12 * COARSE.samples

    def change(t: float, a: np.ndarray) -> np.ndarray:
        k = begin + min(int(t / step), count - 1)
        return -(G + 2j * np.pi * detuning[k]) * a + 1

    start = np.array([1 / (G + 2j * np.pi * detuning[begin])])
    times = step * np.arange(1, count + 1)
    found = solve_ivp(change, (0.0, times[-1]), start, t_eval=times, max_step=step / 2, rtol=1e-7)
    passed = (np.abs(1 - 2 * bus * found.y[0]) ** 2 - (one + zero) / 2) / (one - zero)
    late = slice(6 * COARSE.samples, None)  # the start is forgotten by then
    assert passed[late] == pytest.approx(wave[begin : begin + count][late], abs=5e-3)


@pytest.mark.parametrize(("modulation", "baud"), [("NRZ", 32.0), ("PAM4", 53.125)])
def test_a_small_swing_is_the_small_signal_response(modulation: str, baud: float) -> None:
    small = replace(RING, one_GHz=11.43, zero_GHz=11.23)
    full, linear = (transmitter_closure_dB(Chain(DRIVER, r, Flat(), Flat()), modulation, baud) for r in (small, STILL))
    assert full == pytest.approx(linear, abs=0.1)


def test_a_large_swing_costs_more_the_larger_it_is() -> None:
    closures = [
        transmitter_closure_dB(
            Chain(DRIVER, replace(RING, one_GHz=11.33 + half, zero_GHz=11.33 - half), Flat(), Flat()), "PAM4", 53.125
        )
        for half in (0.1, 2.0, 4.3)
    ]
    assert closures[0] < closures[1] < closures[2]
    assert 0.4 < closures[2] - closures[0] < 1.2


def test_eye_of_a_ring_has_levels_of_its_own() -> None:
    chain = Chain(DRIVER, RING, Detector(67.5, 155.0), BesselThomson(37.0))
    eye, linear = (eye_of(replace(chain, modulator=ring), "PAM4", 53.125) for ring in (RING, STILL))
    assert eye.levels.shape == (4,)
    assert eye.isi.shape == eye.shares.shape == (4, 41)
    assert np.all(np.diff(eye.levels) > 0)
    assert eye.shares.sum(axis=1) == pytest.approx(1.0)
    assert np.sum(eye.isi * eye.shares, axis=1) == pytest.approx(0.0, abs=1e-9)
    assert np.ptp(np.diff(eye.levels)) > np.ptp(np.diff(linear.levels)) + 1e-3
    assert eye.opening < linear.opening
    assert eye.closure_dB > linear.closure_dB
    signal = Signal(-5.0, 4.4, -145.0)
    margins = [quality(signal, Receiver(0.94, 2.0, 2.7, e), 2.4e-4).margin_dB for e in (eye, linear)]
    assert 0.2 < margins[1] - margins[0] < 1.5


def test_levels_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ParameterError, match="swap"):
        light(replace(RING, one_GHz=RING.zero_GHz, zero_GHz=RING.one_GHz), DRIVER, "NRZ", 32.0)
