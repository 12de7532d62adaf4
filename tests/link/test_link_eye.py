"""Eyes: against brute force over random data, the measured TDECQ, and what must be so."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from cpo_pdk.errors import ParameterError
from cpo_pdk.link import tdecq
from cpo_pdk.link.ber import q_of_ber
from cpo_pdk.link.equaliser import Window, error_ratio, fit, noise_for
from cpo_pdk.link.eye import eye_of, transmitter_closure_dB
from cpo_pdk.link.pulse import SAMPLES, compressed, distribution, noise_bandwidth_GHz, noise_correlation, pulse
from cpo_pdk.link.responses import BesselThomson, Chain, Detector, Flat, OnePole, Ring

RING = Ring(33.8, 19.7, 11.3, 56.25)


def chain(transmitter: OnePole | Ring | BesselThomson | Flat, tia_GHz: float = 37.0) -> Chain:
    return Chain(BesselThomson(42.0), transmitter, Detector(67.5, 155.0), BesselThomson(tia_GHz))


def test_cursors_sum_to_the_gain_at_zero_frequency() -> None:
    response = pulse(chain(RING).whole, 53.125)
    for phase in (0, 17, 63):
        assert response[phase::SAMPLES].sum() == pytest.approx(1.0, abs=1e-9)


def test_an_infinitely_fast_chain_returns_the_symbol() -> None:
    response = pulse(Flat(), 53.125)
    assert response[:SAMPLES] == pytest.approx(1.0)
    assert response[SAMPLES:] == pytest.approx(0.0, abs=1e-9)


def test_noise_bandwidth_of_one_pole_is_half_pi() -> None:
    assert noise_bandwidth_GHz(OnePole(5.0), 53.125) == pytest.approx(np.pi / 2 * 5.0, rel=5e-3)


def test_noise_correlation_of_one_pole_decays_as_its_exponential() -> None:
    found = noise_correlation(OnePole(5.0), 53.125, 4)
    assert found == pytest.approx(np.exp(-2 * np.pi * 5.0 / 53.125 * np.arange(4)), abs=5e-3)


@pytest.mark.parametrize("modulation", ["NRZ", "PAM4"])
def test_distribution_is_that_of_random_symbols(modulation: str) -> None:
    cursors = np.array([0.11, -0.04, 0.015, 0.007])
    values, shares = distribution(cursors, modulation)
    count = 2 if modulation == "NRZ" else 4
    levels = np.linspace(-0.5, 0.5, count)
    grid = np.stack(np.meshgrid(*[levels] * 4), axis=-1).reshape(-1, 4)
    every = grid @ cursors
    assert shares.sum() == pytest.approx(1.0)
    assert values @ shares == pytest.approx(0.0, abs=1e-9)
    assert np.sqrt(values**2 @ shares) == pytest.approx(every.std(), rel=1e-3)
    assert values[shares > 0].max() == pytest.approx(every.max(), abs=1e-3)
    for limit in (-0.05, 0.02, 0.07):
        assert shares[values <= limit].sum() == pytest.approx(np.mean(every <= limit), abs=0.04)


def test_a_distribution_in_fewer_bins_keeps_mean_and_width() -> None:
    values, shares = distribution(np.array([0.2, 0.1, -0.05, 0.03, 0.02, 0.01]), "PAM4")
    short, kept = compressed(values, shares)
    assert len(short) <= 41 < len(values)
    assert kept.sum() == pytest.approx(1.0)
    assert short @ kept == pytest.approx(0.0, abs=1e-9)
    assert short**2 @ kept == pytest.approx(values**2 @ shares, rel=2e-2)


def test_worst_case_opening_is_that_of_the_worst_data() -> None:
    """Peak distortion against the equalised waveform of PRBS13Q: the pattern can only be kinder, by little."""
    baud, links = 53.125, chain(RING)
    eye = eye_of(links, "PAM4", baud)
    symbols = tdecq.pattern("PAM4")
    wave = tdecq.waveform(links.whole, symbols, baud)
    best = 0.0
    for middle in range(40, 260, 4):
        samples = np.roll(wave, -middle)[::SAMPLES]
        for shift in range(5):
            seen = np.sum([tap * np.roll(samples, k - shift) for k, tap in enumerate(eye.taps)], axis=0)
            for lag in (0, 1, 2):
                by_level = [seen[np.isclose(np.roll(symbols, lag), level)] for level in np.linspace(-0.5, 0.5, 4)]
                gaps = [above.min() - below.max() for below, above in pairwise(by_level)]
                best = max(best, 3 * min(gaps))
    assert eye.opening <= best <= eye.opening + 0.06


def test_error_ratio_is_that_of_simulated_symbols() -> None:
    """Half a million symbols with noise through the pulse, decided at fixed thresholds."""
    rng = np.random.default_rng(7)
    response = pulse(chain(OnePole(25.0)).whole, 53.125)
    found = fit(response, noise_correlation(BesselThomson(37.0), 53.125, 5), "PAM4", 5, 1e-2)
    windows = tuple(window for window in found.windows[0][1:2])
    sigma = noise_for((windows,), 1e-2, "PAM4")
    sent = rng.integers(4, size=500_000)
    neighbours = rng.choice(windows[0].values, size=len(sent), p=windows[0].shares)
    got = (sent / 3 - 0.5) * windows[0].main + neighbours + sigma * rng.standard_normal(len(sent))
    decided = np.digitize(got, [-1 / 3, 0.0, 1 / 3])
    assert np.mean(decided != sent) == pytest.approx(1e-2, rel=0.05)
    assert error_ratio(windows, sigma, "PAM4") == pytest.approx(1e-2, rel=1e-3)


@pytest.mark.parametrize("modulation", ["NRZ", "PAM4"])
@pytest.mark.parametrize("transmitter", [OnePole(20.0), RING])
def test_closure_from_the_pulse_is_that_of_the_measured_pattern(
    modulation: str, transmitter: OnePole | Ring | Flat
) -> None:
    """Two ways that share neither the signal nor the search: statistics of the pulse, and PRBS13Q with histograms."""
    links = Chain(Flat(), transmitter, Flat(), Flat())
    measured = tdecq.transmitter_closure(links.transmitter, modulation, 53.125)
    assert transmitter_closure_dB(links, modulation, 53.125) == pytest.approx(measured.closure_dB, abs=0.1)
    assert sum(measured.taps) == pytest.approx(1.0)
    assert measured.oma == pytest.approx(1.0, abs=5e-3)


def test_least_squares_taps_are_close_to_the_best() -> None:
    """The standard searches the taps of the least TDECQ; a search from ours finds little."""
    correlation = noise_correlation(BesselThomson(26.5625), 53.125, 5)
    response = pulse(lambda f: OnePole(20.0)(f) * BesselThomson(26.5625)(f), 53.125)
    found = fit(response, correlation, "PAM4", 5, 4.8e-4)
    covariance = correlation[np.abs(np.subtract.outer(np.arange(5), np.arange(5)))]
    middle = int(np.argmax(response))
    candidates = [(start, lag) for start in range(middle - 20, middle + 21, 10) for lag in range(3)]

    def closure(free: np.ndarray, start: int, lag: int) -> float:
        taps = np.append(free, 1 - free.sum())
        sigmas = []
        for by in (-5, 5):
            cursors = np.roll(response, -(start + by))[::SAMPLES]
            equalised = np.sum([tap * np.roll(cursors, k - lag) for k, tap in enumerate(taps)], axis=0)
            values, shares = distribution(equalised[1:], "PAM4")
            sigmas.append(noise_for(((Window(float(equalised[0]), values, shares),),), 4.8e-4, "PAM4"))
        return float(-10 * np.log10(max(min(sigmas), 1e-6) / np.sqrt(taps @ covariance @ taps)))

    ours = -10 * np.log10(found.sigma)
    start, lag = min(candidates, key=lambda c: closure(found.taps[:4], *c))
    best = minimize(closure, found.taps[:4], args=(start, lag), method="Nelder-Mead", options={"maxfev": 60})
    assert ours - best.fun < 0.12


def test_equaliser_opens_what_a_slow_chain_closes() -> None:
    slow = chain(OnePole(18.0), 22.0)
    plain, equalised = eye_of(slow, "PAM4", 53.125, taps=1), eye_of(slow, "PAM4", 53.125)
    assert plain.opening == 0.0
    assert np.isinf(plain.closure_dB)
    assert equalised.opening > 0.5
    assert equalised.noise_gain > 1.2


def test_a_chain_too_slow_for_its_rate_has_no_closure_at_all() -> None:
    closed = eye_of(chain(OnePole(4.0), 5.0), "NRZ", 106.25)
    assert closed.opening == 0.0
    assert np.isinf(closed.closure_dB)


@settings(derandomize=True, deadline=None, max_examples=4)
@given(st.floats(12.0, 50.0), st.floats(1.1, 2.0))
def test_a_faster_transmitter_never_closes_the_eye(slow_GHz: float, factor: float) -> None:
    slow, fast = (chain(OnePole(f)) for f in (slow_GHz, slow_GHz * factor))
    assert transmitter_closure_dB(fast, "PAM4", 53.125) <= transmitter_closure_dB(slow, "PAM4", 53.125) + 0.02
    eye = eye_of(slow, "PAM4", 53.125)
    assert 0 <= eye.opening <= 1
    assert eye.shares.sum(axis=1) == pytest.approx(1.0)
    assert sum(eye.taps) == pytest.approx(1.0)


def test_closure_scales_with_the_symbol_rate_only() -> None:
    slow = Chain(Flat(), OnePole(20.0), Flat(), BesselThomson(18.0))
    fast = Chain(Flat(), OnePole(40.0), Flat(), BesselThomson(36.0))
    assert eye_of(slow, "PAM4", 26.5625).closure_dB == pytest.approx(eye_of(fast, "PAM4", 53.125).closure_dB, abs=1e-6)


def test_closure_of_an_undistorted_signal_is_the_noise_that_it_stands() -> None:
    """Without distortion the noise is OMA / (2 (M - 1) Q): closure 0."""
    eye = eye_of(Chain(Flat(), Flat(), Flat(), Flat()), "PAM4", 53.125, taps=1)
    assert eye.closure_dB == pytest.approx(0.0, abs=1e-3)
    assert eye.opening == pytest.approx(1.0)
    assert float(q_of_ber(eye.ber, "PAM4")) == pytest.approx(3.414, abs=1e-3)


def test_test_pattern_has_all_levels_alike_and_never_repeats_early() -> None:
    symbols = tdecq.pattern("PAM4")
    assert len(symbols) == 8191
    assert set(np.unique(np.rint((symbols + 0.5) * 3), return_counts=True)[1]) == {2047, 2048}
    likeness = np.fft.irfft(np.abs(np.fft.rfft(symbols)) ** 2, n=8191) / np.sum(symbols**2)
    assert np.max(np.abs(likeness[1:])) < 0.6
    assert len(tdecq.pattern("NRZ")) == 8191


def test_what_can_not_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="NRZ or PAM4"):
        eye_of(chain(RING), "PAM8", 53.125)
    with pytest.raises(ParameterError, match="symbol rate"):
        eye_of(chain(RING), "PAM4", 0.0)
    with pytest.raises(ParameterError, match="1 to 31"):
        eye_of(chain(RING), "PAM4", 53.125, taps=0)
    with pytest.raises(ParameterError, match="samples a symbol"):
        tdecq.measured(np.zeros(10), np.zeros(3), "NRZ", 25.0)
    with pytest.raises(ParameterError, match="outer modulation amplitude"):
        tdecq.measured(np.zeros(8191 * SAMPLES), tdecq.pattern("NRZ"), "NRZ", 25.0)
