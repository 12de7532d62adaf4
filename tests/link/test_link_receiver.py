"""Quality of received light: limits in closed form, and what must be so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.ber import ber_of_q, q_of_ber
from cpo_pdk.link.eye import eye_of
from cpo_pdk.link.noise import CHARGE
from cpo_pdk.link.penalties import mean_of, oma_of
from cpo_pdk.link.receiver import Receiver, Signal, qualities, quality
from cpo_pdk.link.responses import BesselThomson, Chain, Detector, Flat, Ring

IDEAL = {
    m: replace(eye_of(Chain(Flat(), Flat(), Flat(), Flat()), m, 53.125, taps=1), noise_bandwidth_GHz=40.0)
    for m in ("NRZ", "PAM4")
}
REAL = eye_of(
    Chain(BesselThomson(42.0), Ring(33.8, 19.7, 11.3, 56.25), Detector(67.5, 155.0), BesselThomson(37.0)),
    "PAM4",
    53.125,
)
QUIET = -400.0  # RIN of a laser without noise, dB/Hz


@pytest.mark.parametrize("modulation", ["NRZ", "PAM4"])
def test_amplifier_noise_alone_gives_the_textbook_sensitivity(modulation: str) -> None:
    """OMA = 2 (M - 1) Q s / R: shot noise of the signal is the only other thing, and small at 20 uA."""
    eyes = {"NRZ": 1, "PAM4": 3}[modulation]
    result = quality(Signal(0.0, 6.0, QUIET), Receiver(0.9, 0.0, 20.0, IDEAL[modulation]), 2.4e-4)
    wanted = 10 * np.log10(2 * eyes * float(q_of_ber(2.4e-4, modulation)) * 20e-6 / 0.9 * 1e3)
    without_shot = result.needed_oma_dBm - result.penalties_dB["shot"]
    assert without_shot == pytest.approx(wanted, abs=2e-3)
    assert result.margin_dB == pytest.approx(result.oma_dBm - result.needed_oma_dBm)


def test_shot_noise_of_two_levels_gives_the_textbook_ratio() -> None:
    """Q = (I1 - I0) / (s1 + s0), thresholds where either level errs alike."""
    receiver = Receiver(1.0, 0.0, 1e-6, IDEAL["NRZ"])
    result = quality(Signal(-27.0, 10.0, QUIET), receiver, 1e-3)
    mean = 10 ** (-27.0 / 10) * 1e-3
    one, zero = mean * 2 * 10 / 11, mean * 2 * 1 / 11
    band = IDEAL["NRZ"].noise_bandwidth_GHz * 1e9
    q = (one - zero) / sum(np.sqrt(2 * CHARGE * i * band) for i in (one, zero))
    assert result.q == pytest.approx(q, rel=1e-3)
    assert result.ber == pytest.approx(float(ber_of_q(q, "NRZ")), rel=1e-2)


def test_intensity_noise_sets_a_floor_that_no_power_lifts() -> None:
    receiver = Receiver(0.9, 0.0, 2.0, IDEAL["PAM4"])
    noisy = quality(Signal(10.0, 4.0, -118.0), receiver, 2.4e-4)
    assert np.isinf(noisy.needed_oma_dBm)
    assert noisy.margin_dB == -np.inf
    assert noisy.penalties_dB["rin"] == np.inf
    assert noisy.ber > 2.4e-4
    assert quality(Signal(10.0, 4.0, -150.0), receiver, 2.4e-4).margin_dB > 10


def test_resistor_in_place_of_an_amplifier() -> None:
    """50 ohm at 25 C over the noise bandwidth."""
    result = quality(Signal(-3.0, 6.0, QUIET), Receiver(0.9, 0.0, None, REAL), 2.4e-4)
    density = np.sqrt(4 * 1.380649e-23 * 298.15 / 50)
    assert result.noise_uA["thermal"] == pytest.approx(
        density * np.sqrt(REAL.noise_bandwidth_GHz * 1e9) * 1e6, rel=1e-6
    )


def test_crosstalk_at_its_peak_is_worse_than_as_noise_and_sums() -> None:
    receiver = Receiver(0.94, 2.0, 2.7, REAL)
    clean = quality(Signal(-5.0, 5.0, -145.0), receiver, 2.4e-4)
    dirty = quality(Signal(-5.0, 5.0, -145.0, (-22.0, -25.0)), receiver, 2.4e-4)
    assert dirty.margin_peak_dB < dirty.margin_dB < clean.margin_dB
    assert clean.margin_peak_dB == pytest.approx(clean.margin_dB, abs=1e-6)
    assert dirty.penalties_dB["crosstalk"] == pytest.approx(clean.margin_dB - dirty.margin_dB, abs=1e-6)
    # noise: amplitudes times sqrt(5/36), added as squares
    oma_uA = 0.94 * 10 ** (clean.oma_dBm / 10) * 1e3
    wanted = oma_uA * np.sqrt(5 / 36 * (10**-4.4 + 10**-5.0))
    assert dirty.noise_uA["crosstalk"] == pytest.approx(wanted, rel=1e-6)


def test_peak_crosstalk_of_an_ideal_eye_closes_it_by_three_amplitudes() -> None:
    """A third of the amplitude is an eye: the sum of all aggressors, twice half, closes each eye by itself."""
    receiver = Receiver(0.9, 0.0, 20.0, IDEAL["PAM4"])
    result = quality(Signal(0.0, 6.0, QUIET, (-15.0,)), receiver, 2.4e-4)
    clean = quality(Signal(0.0, 6.0, QUIET), receiver, 2.4e-4)
    assert clean.margin_dB - result.margin_peak_dB == pytest.approx(-10 * np.log10(1 - 3 * 10**-1.5), abs=0.02)


def test_aggressors_of_better_extinction_disturb_more() -> None:
    receiver = Receiver(0.94, 2.0, 2.7, REAL)
    alike = quality(Signal(-5.0, 4.0, -145.0, (-20.0,)), receiver, 2.4e-4)
    better = quality(Signal(-5.0, 4.0, -145.0, (-20.0,), (), 12.0), receiver, 2.4e-4)
    assert better.noise_uA["crosstalk"] > alike.noise_uA["crosstalk"]
    assert better.margin_dB < alike.margin_dB


def test_late_light_costs_most_at_the_highest_level() -> None:
    receiver = Receiver(0.94, 2.0, 2.7, REAL)
    result = quality(Signal(-5.0, 5.0, -145.0, (), (-50.0, -55.0)), receiver, 2.4e-4)
    mean_uA = 0.94 * 10 ** (-5.0 / 10) * 1e3
    late = 10**-5.0 + 10**-5.5
    assert result.noise_uA["mpi"] == pytest.approx(mean_uA * np.sqrt(2 * late), rel=1e-6)
    assert result.penalties_dB["mpi"] > 0


LIGHT = st.tuples(st.floats(-14.0, 3.0), st.floats(2.5, 12.0), st.floats(-160.0, -138.0), st.floats(-45.0, -24.0))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(LIGHT)
def test_light_less_the_margin_just_does(light: tuple[float, float, float, float]) -> None:
    level, extinction, rin, crosstalk = light
    signal, receiver = Signal(level, extinction, rin, (crosstalk,), (-65.0,)), Receiver(0.94, 2.0, 2.7, REAL)
    result = quality(signal, receiver, 2.4e-4)
    assert np.isfinite(result.margin_dB)
    just = quality(replace(signal, received_dBm=level - result.margin_dB), receiver, 2.4e-4)
    assert just.ber == pytest.approx(2.4e-4, rel=1e-6)
    assert just.margin_dB == pytest.approx(0.0, abs=1e-6)
    assert just.oma_dBm == pytest.approx(result.needed_oma_dBm, abs=1e-6)
    assert result.oma_dBm == pytest.approx(float(oma_of(level, extinction)))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(LIGHT, st.floats(0.1, 3.0))
def test_more_light_is_never_worse_and_every_noise_costs(light: tuple[float, float, float, float], more: float) -> None:
    level, extinction, rin, crosstalk = light
    signal, receiver = Signal(level, extinction, rin, (crosstalk,), (-60.0,)), Receiver(0.94, 2.0, 2.7, REAL)
    here, brighter = (
        quality(signal, receiver, 2.4e-4),
        quality(replace(signal, received_dBm=level + more), receiver, 2.4e-4),
    )
    assert brighter.ber <= here.ber
    assert brighter.margin_dB == pytest.approx(here.margin_dB + more, abs=1e-6)
    assert all(value >= 0 for value in here.penalties_dB.values())
    stricter = quality(signal, receiver, 1e-6)
    assert stricter.margin_dB < here.margin_dB


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    signals = [Signal(level, 5.0, -142.0, (-28.0,) * n) for n, level in enumerate(np.linspace(-9, 0, 7))]
    receivers = [Receiver(0.9 + 0.01 * n, 2.0, 2.7, REAL if n % 2 else IDEAL["PAM4"]) for n in range(7)]
    together = qualities(signals, receivers, 2.4e-4)
    for signal, receiver, result in zip(signals, receivers, together, strict=True):
        alone = quality(signal, receiver, 2.4e-4)
        assert alone.margin_dB == pytest.approx(result.margin_dB, abs=1e-9)
        assert alone.ber == pytest.approx(result.ber, rel=1e-9)
    assert qualities([], [], 2.4e-4) == []


def test_stressed_receiver_of_dr4_does_with_the_light_of_the_standard() -> None:
    """Amplitude -1.9 dBm closed by 3.4 dB leaves a published amplifier some dB: what a standard keeps."""
    receiver = Receiver(0.9, 5.0, 2.72, REAL)
    signal = Signal(float(mean_of(-1.9 - 3.4, 5.0)), 5.0, -142.0)
    assert 2.0 < quality(signal, receiver, 2.4e-4).margin_dB < 8.0


@pytest.mark.parametrize(
    ("signal", "receiver", "threshold", "words"),
    [
        (Signal(-5.0, 0.0, -140.0), Receiver(0.9, 1.0, 2.0, REAL), 2.4e-4, "extinction"),
        (Signal(float("nan"), 5.0, -140.0), Receiver(0.9, 1.0, 2.0, REAL), 2.4e-4, "received power"),
        (Signal(-5.0, 5.0, -140.0), Receiver(0.0, 1.0, 2.0, REAL), 2.4e-4, "responsivity"),
        (Signal(-5.0, 5.0, -140.0), Receiver(0.9, 1.0, 2.0, REAL), 0.0, "threshold"),
        (Signal(-5.0, 5.0, -140.0), Receiver(0.9, 1.0, None, REAL, load_ohm=0.0), 2.4e-4, "load resistance"),
    ],
)
def test_what_can_not_be_is_refused(signal: Signal, receiver: Receiver, threshold: float, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        quality(signal, receiver, threshold)


def test_lanes_that_do_not_belong_together_are_refused() -> None:
    signal = Signal(-5.0, 5.0, -140.0)
    with pytest.raises(ParameterError, match="one each"):
        qualities([signal], [], 2.4e-4)
    with pytest.raises(ParameterError, match="one after the other"):
        qualities([signal] * 2, [Receiver(0.9, 1.0, 2.0, IDEAL[m]) for m in ("NRZ", "PAM4")], 2.4e-4)


def test_perfect_extinction_leaves_a_threshold_between_distorted_levels() -> None:
    """Level zero has next to no noise of its own: a threshold right above it would see its distortion only."""
    result = quality(Signal(-6.0, 300.0, -140.0, (-25.0, -28.0)), Receiver(0.95, 5.0, 2.7, REAL), 2.4e-4)
    assert 5.0 < result.margin_peak_dB < result.margin_dB < 12.0


def test_no_light_that_would_do_is_said_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    for extinction, rin in ((0.01, -140.0), (0.01, -120.0), (5.0, -120.0)):
        result = quality(Signal(-6.0, extinction, rin, (-25.0,), (-70.0,)), Receiver(0.95, 5.0, 2.7, REAL), 2.4e-4)
        assert result.margin_dB == -np.inf
        assert np.isfinite(result.ber)
        assert np.isfinite(result.q)
    assert not recwarn.list


def test_equaliser_enhances_the_amplifier_as_it_says() -> None:
    """Noise times 1.25 asks for 0.97 dB more light where the amplifier is all the noise."""
    louder = replace(IDEAL["PAM4"], noise_gain=1.25)
    plain, enhanced = (
        quality(Signal(0.0, 6.0, QUIET), Receiver(0.9, 0.0, 200.0, eye), 2.4e-4) for eye in (IDEAL["PAM4"], louder)
    )
    assert enhanced.needed_oma_dBm - plain.needed_oma_dBm == pytest.approx(10 * np.log10(1.25), abs=5e-3)
    assert enhanced.noise_uA == plain.noise_uA
    assert enhanced.penalties_dB["bandwidth"] == pytest.approx(10 * np.log10(1.25), abs=5e-3)


def test_intensity_noise_alone_gives_the_textbook_ratio() -> None:
    """Q = (r - 1) / (r + 1) / sqrt(RIN B): either level's noise goes with its current."""
    receiver = Receiver(1.0, 0.0, 1e-6, IDEAL["NRZ"])
    result = quality(Signal(20.0, 6.0, -121.0), receiver, 2.4e-4)
    r, band = 10**0.6, IDEAL["NRZ"].noise_bandwidth_GHz * 1e9
    assert result.q == pytest.approx((r - 1) / (r + 1) / np.sqrt(10**-12.1 * band), rel=1e-3)


def test_uneven_levels_cost_what_the_smallest_eye_lacks() -> None:
    """Inner levels closer together: the middle eye decides, with a third of the symbol errors of three eyes."""
    even = IDEAL["PAM4"]
    bent = replace(even, levels=np.array([-0.5, -0.10, 0.10, 0.5]))
    signal, receiver = Signal(0.0, 6.0, QUIET), Receiver(0.9, 0.0, 200.0, bent)
    result = quality(signal, receiver, 2.4e-4)
    # only one eye errs: 2 Q(x) / 4 symbols, half of that bits
    x = float(q_of_ber(2.4e-4 * 4, "NRZ"))
    wanted = 10 * np.log10(2 * x * 200e-6 / 0.2 / 0.9 * 1e3)
    assert result.needed_oma_dBm == pytest.approx(wanted, abs=0.01)
