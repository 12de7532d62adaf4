"""Closed forms of links: published tables, limits, and formulas integrated anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import ParameterError
from cpo_pdk.link import noise, penalties, ring_crosstalk
from cpo_pdk.link.ber import ber_of_q, bits_of, errors_per_tail, q_of_ber, symbol_errors
from cpo_pdk.link.sensitivity import germanium_sensitivity_dBm, integrating_sensitivity_dBm
from cpo_pdk.link.standards import DR4, FR4
from cpo_pdk.link.validation import CASES, CROSSTALK, EXTINCTION, GERMANIUM, RATIOS
from cpo_pdk.models.validation import compared


def test_published_numbers_are_met_to_the_bounds_that_were_asked_for() -> None:
    rows = compared(CASES)
    assert [(row["quantity"], row["difference"]) for row in rows if not row["within"]] == []
    bounds = {row["quantity"].split(":")[0].split(" ")[0]: row["tolerance"] for row in rows}
    assert (bounds["ring"], bounds["extinction"], bounds["400GBASE-DR4"], bounds["400G-FR4"]) == (
        0.01,
        0.001,
        0.05,
        0.05,
    )
    assert (len(CROSSTALK), len(EXTINCTION), len(GERMANIUM), len(RATIOS)) == (10, 7, 7, 6)


def test_dr4_and_fr4_leave_what_their_penalties_need() -> None:
    assert DR4.left_dB == pytest.approx(0.1, abs=1e-9)
    assert FR4.left_dB == pytest.approx(0.3, abs=1e-9)
    assert DR4.channel_dB == pytest.approx(DR4.loss_dB)


def test_error_ratio_of_pam4_follows_from_its_symbols() -> None:
    """Three eyes, four levels: 3/2 Q(x) symbols, one bit of two each."""
    q = np.array([1.0, 3.414, 6.0])
    assert ber_of_q(q, "PAM4") == pytest.approx(0.75 * ber_of_q(q, "NRZ"))
    assert symbol_errors(2.4e-4, "PAM4") == pytest.approx(4.8e-4)
    assert (bits_of("NRZ"), bits_of("PAM4"), errors_per_tail("NRZ")) == (1, 2, 1.0)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.floats(1e-18, 0.3), st.sampled_from(["NRZ", "PAM4"]))
def test_q_and_error_ratio_undo_each_other(ber: float, modulation: str) -> None:
    assert float(ber_of_q(q_of_ber(ber, modulation), modulation)) == pytest.approx(ber, rel=1e-9)


@pytest.mark.parametrize("ber", [0.0, -1.0, 1.5, float("nan")])
def test_an_impossible_error_ratio_is_refused(ber: float) -> None:
    with pytest.raises(ParameterError, match="bit error ratio"):
        q_of_ber(ber, "NRZ")


def test_unknown_modulation_is_refused() -> None:
    with pytest.raises(ParameterError, match="NRZ or PAM4"):
        ber_of_q(3.0, "PAM8")


@pytest.mark.parametrize(("distance", "width", "rate"), [(0.0, 40.0, 25.0), (200.0, 45.77, 32.0), (100.0, 19.0, 50.0)])
def test_crosstalk_formula_is_the_overlap_of_data_and_line(distance: float, width: float, rate: float) -> None:
    """Integrated in time: the spectrum sinc^2 belongs to a triangle, the Lorentzian to an exponential."""
    t = np.linspace(0, 1 / rate, 200001)
    triangle, decay = 1 - t * rate, np.exp(-np.pi * width * t)
    overlap = 2 * np.pi * width / 2 * np.trapezoid(triangle * decay * np.cos(2 * np.pi * distance * t), t)
    assert float(ring_crosstalk.neighbour(distance, width, rate)) == pytest.approx(overlap, rel=1e-6)


def test_slow_data_are_a_line_and_narrow_rings_lose_most() -> None:
    slow = float(ring_crosstalk.neighbour(200.0, 40.0, 0.01))
    assert slow == pytest.approx(float(ring_crosstalk.lorentz(200.0, 40.0)), rel=1e-3)
    assert ring_crosstalk.truncation_dB(20.0, 50.0) > ring_crosstalk.truncation_dB(80.0, 50.0) > 0
    one = float(ring_crosstalk.neighbour(200.0, 40.0, 25.0))
    assert ring_crosstalk.summed(200.0, 40.0, 25.0, below=1, above=1) == pytest.approx(2 * one)
    with pytest.raises(ParameterError, match="above 0"):
        ring_crosstalk.neighbour(200.0, 0.0, 25.0)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.floats(0.5, 30), st.floats(-30, 10))
def test_mean_and_amplitude_undo_each_other(extinction: float, level: float) -> None:
    assert float(penalties.mean_of(penalties.oma_of(level, extinction), extinction)) == pytest.approx(level, abs=1e-9)


def test_perfect_extinction_costs_nothing_and_none_is_refused() -> None:
    assert float(penalties.extinction_penalty_dB(200.0)) == pytest.approx(0.0, abs=1e-9)
    assert float(penalties.extinction_penalty_dB(np.inf)) == pytest.approx(0.0, abs=1e-9)
    assert float(penalties.oma_of(0.0, 300.0)) == pytest.approx(10 * np.log10(2))
    with pytest.raises(ParameterError, match="extinction"):
        penalties.extinction_penalty_dB(0.0)


def test_noise_of_fifty_ohms_and_of_a_microampere() -> None:
    """Textbook figures: 18.2 pA/sqrt(Hz) of 50 ohm at 300 K, 0.566 pA/sqrt(Hz) of 1 uA."""
    assert np.sqrt(noise.thermal_A2(50.0, 26.85, 1.0) / 1e9) == pytest.approx(18.2e-12, rel=2e-3)
    assert np.sqrt(noise.shot_A2(1e-6, 0.0, 1.0) / 1e9) == pytest.approx(0.566e-12, rel=1e-3)
    assert float(noise.rin_A2(1e-3, -140.0, 10.0)) == pytest.approx(1e-14 * 1e-6 * 1e10)
    with pytest.raises(ParameterError, match="load resistance"):
        noise.thermal_A2(0.0, 25.0, 1.0)


def test_variance_of_levels_is_that_of_random_symbols() -> None:
    rng = np.random.default_rng(1)
    for modulation, count in (("NRZ", 2), ("PAM4", 4)):
        drawn = rng.integers(count, size=400000) / (count - 1) - 0.5
        assert noise.level_variance(modulation) == pytest.approx(drawn.var(), rel=5e-3)


def test_beating_is_that_of_two_waves_with_a_random_phase() -> None:
    rng = np.random.default_rng(2)
    phase = rng.uniform(0, 2 * np.pi, 400000)
    current = np.abs(1 + np.sqrt(1e-3) * np.exp(1j * phase)) ** 2
    assert float(noise.beat_A2(1.0, 1.0, 1e-3)) == pytest.approx(current.var(), rel=1e-2)


def test_every_pair_of_reflections_counts_with_the_way_between() -> None:
    assert noise.double_reflections_dB([40.0, 40.0]) == (-80.0,)
    assert noise.double_reflections_dB([40.0, 30.0, 50.0], [1.0, 2.0]) == (-72.0, -96.0, -84.0)
    assert noise.double_reflections_dB([40.0]) == ()
    assert len(noise.double_reflections_dB([35.0] * 6)) == 15
    with pytest.raises(ParameterError, match="one fewer"):
        noise.double_reflections_dB([40.0, 40.0], [1.0, 1.0])
    with pytest.raises(ParameterError, match="0 or more"):
        noise.double_reflections_dB([40.0, -1.0])


def test_published_fits_of_receivers_grow_with_the_rate() -> None:
    for fit in (germanium_sensitivity_dBm, integrating_sensitivity_dBm):
        assert np.all(np.diff(fit(np.array([10.0, 20.0, 28.0]))) > 0)
