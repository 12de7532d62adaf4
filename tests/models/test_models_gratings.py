"""Gratings: index against the limits of a slab, radiation, overlap with a fibre, peak; apodisation pays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import erfc

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS
from cpo_pdk.models.grating_along import along_grating, uniform_bandwidth_nm
from cpo_pdk.models.grating_physics import (
    best_place,
    decay_per_um,
    fibre_overlap,
    grating_index,
    peak_wavelength,
    places,
)
from cpo_pdk.models.gratings import dual_peak, fan_mfd
from cpo_pdk.models.slabs import film_index


def loss(wl: Any, model: str = "grating_coupler", key: tuple[str, str] = ("o1", "o2"), **parameters: Any) -> np.ndarray:
    return -20 * np.log10(np.abs(MODELS[model].function(wl, **parameters)[key]))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.floats(1.25, 1.6), st.floats(-15, 15), st.floats(-15, 15))
def test_index_lies_between_those_of_the_two_films_and_meets_them(wl: float, dh: float, d_etch: float) -> None:
    full, thin = film_index(wl, 0.22, dh=dh), film_index(wl, 0.15, dh=dh - d_etch)
    index = grating_index(wl, np.array([0.0, 0.2, 0.5, 0.8, 1.0]), dh=dh, d_etch=d_etch)
    np.testing.assert_allclose(index[[0, -1]], [thin, full], atol=1e-8)
    assert np.all(np.diff(index) > 0)


def test_nothing_radiates_without_grooves_and_deeper_ones_radiate_more() -> None:
    np.testing.assert_allclose(decay_per_um(1.31, np.array([0.0, 1.0])), 0, atol=1e-12)
    by_depth = decay_per_um(1.31, 0.5, d_etch=np.array([-20.0, 0.0, 20.0]))
    assert np.all(np.diff(by_depth) > 0)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.floats(0.08, 0.3), st.floats(3.5, 6.0), st.floats(1.0, 8.0))
def test_overlap_of_a_long_uniform_grating_is_the_closed_form(decay: float, radius: float, center: float) -> None:
    along = np.full(places().shape, decay)
    found = fibre_overlap(along, np.array([500.0]), np.array([radius]), np.array([center]))
    # integral from 0 of sqrt(2 a) exp(-a z) times a Gaussian of unit power
    shift = decay * radius**2 / 2 - center
    field = np.sqrt(2 * decay) * (2 / np.pi) ** 0.25 / np.sqrt(radius) * np.sqrt(np.pi) * radius / 2
    exact = field * np.exp(decay**2 * radius**2 / 4 - decay * center) * erfc(shift / radius)
    assert found == pytest.approx(exact**2, abs=2e-4)
    best = best_place(along, np.array([500.0]), np.array([radius]))
    top = fibre_overlap(along, np.array([500.0]), np.array([radius]), best)
    assert found <= top + 1e-4
    assert top <= 0.8015, "80 % is the most that a uniform grating gives a Gaussian"


def test_a_grating_shaped_for_it_gives_nearly_all_to_the_fibre() -> None:
    z, radius, center = places(), 4.6, 9.0
    spot = np.sqrt(2 / np.pi) / radius * np.exp(-2 * ((z - center) / radius) ** 2)
    left = 1.0 + 1e-4 - np.cumsum(spot) * (z[1] - z[0])
    along = spot / (2 * left)
    assert fibre_overlap(along, np.array([500.0]), np.array([radius]), np.array([center])) > 0.98


def test_linear_apodisation_beats_the_uniform_grating_once_the_period_follows() -> None:
    uniform = along_grating()[1]
    alone = along_grating(fill_factor=0.5, apodisation=0.35, n_periods=25)[1]
    followed = along_grating(fill_factor=0.5, apodisation=0.35, n_periods=25, chirp=-0.02)[1]
    assert followed > 0.85 > uniform
    assert followed > alone + 0.02
    wl = float(along_grating(fill_factor=0.5, apodisation=0.35, n_periods=25, chirp=-0.02)[0])
    gained = loss(along_grating()[0]) - loss(
        wl, fill_factor=0.5, apodisation=0.35, n_periods=25, chirp=-0.02, length_taper=14.5
    )
    assert gained == pytest.approx(10 * np.log10(followed / uniform), abs=0.02)


def test_peak_satisfies_the_grating_equation_and_moves_as_it_says() -> None:
    sine = np.sin(np.radians(10.0))
    peak = peak_wavelength(0.5, 0.5, sine)
    assert peak == pytest.approx(0.5 * (grating_index(peak, 0.5) - sine), abs=1e-6)
    assert 1.30 <= peak <= 1.33, "CORNERSTONE's O-band grating"
    shifts = {"period": 0.501, "fill_factor": 0.51, "dh": 1.0, "dw": 1.0, "dT": 20.0}
    for name, value in shifts.items():
        assert along_grating(**{name: value})[0] > peak, name
    for name, value in {"angle_deg": 11.0, "tilt_x_deg": 1.0, "d_etch": 1.0}.items():
        assert along_grating(**{name: value})[0] < peak, name
    np.testing.assert_allclose(along_grating(angle_deg=11.0)[0], along_grating(tilt_x_deg=1.0)[0])


def test_spectrum_loses_one_more_dB_at_half_its_bandwidth_and_the_computed_one_is_as_wide() -> None:
    peak = float(along_grating()[0])
    found = loss(np.array([peak - 0.015, peak, peak + 0.015]), bandwidth_1dB_nm=30.0)
    np.testing.assert_allclose(found - found[1], [1, 0, 1], atol=1e-9)
    # the width from the spread of the light against the Fourier integral over the fields
    decay, radius = float(decay_per_um(peak, 0.5)), 4.6 / np.cos(np.radians(10.0))
    place = float(along_grating()[2])

    def taken(runaway: float) -> float:
        def field(z: float) -> float:
            return np.exp(-decay * z - ((z - place) / radius) ** 2)

        parts = [quad(lambda z: field(z) * f(runaway * z), 0, 40, limit=200)[0] for f in (np.cos, np.sin)]  # noqa: B023
        return parts[0] ** 2 + parts[1] ** 2

    step = 0.001
    group = grating_index(peak, 0.5) - peak * (grating_index(peak + step, 0.5) - grating_index(peak - step, 0.5)) / (
        2 * step
    )
    runaway = 2 * np.pi / peak**2 * (group - np.sin(np.radians(10.0)))
    half = uniform_bandwidth_nm() / 2e3
    assert -10 * np.log10(taken(float(runaway) * half) / taken(0.0)) == pytest.approx(1.0, abs=0.15)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-2, 2))
def test_a_misplaced_fibre_loses_and_across_the_grating_both_sides_are_alike(dx: float, dy: float, tilt: float) -> None:
    peak = float(along_grating()[0])
    found = loss(peak, dx=dx, dy=dy, tilt_y_deg=tilt)
    assert found >= loss(peak) - 1e-3
    np.testing.assert_allclose(found, loss(peak, dx=dx, dy=-dy, tilt_y_deg=-tilt), rtol=1e-9)


def test_the_fan_fits_the_fibre_where_the_fibre_is() -> None:
    assert fan_mfd(16.0, 20.0, along_grating()[2]) == pytest.approx(9.2, rel=0.02)
    peak = float(along_grating()[0])
    assert loss(peak, length_taper=30.0) > loss(peak) + 0.3
    assert loss(peak, half_angle=12.0) > loss(peak) + 0.2


def test_dual_grating_keeps_polarisations_apart_and_sees_the_lean_along_each_arm() -> None:
    peak = float(dual_peak())
    s = MODELS["grating_coupler_dual"].function(peak)
    power = {key: float(np.abs(v) ** 2) for key, v in s.items()}
    assert 10 * np.log10(power["o2", "o3@TM"] / power["o2", "o3"]) == pytest.approx(20.0)
    assert -10 * np.log10(power["o1", "o3"]) == pytest.approx(7.0)
    assert 10 * np.log10(power["o1", "o3"] / power["o2", "o3@TM"]) == pytest.approx(0.3)
    assert ("o1", "o2") not in s
    upright = dual_peak(angle_deg=0.0)
    assert upright - peak == pytest.approx(0.472 * np.sin(np.radians(10)) / np.sqrt(2) / 1.32, rel=0.03)
    assert dual_peak(diameter=0.3) < peak < dual_peak(diameter=0.22), "larger holes, less silicon"
    assert dual_peak(dw=2.0) > peak


@pytest.mark.parametrize(
    ("model", "bad", "message"),
    [
        ("grating_coupler", {"loss_dB": 0.1}, "loss_dB is 0.1 dB; allowed is 0.96"),
        ("grating_coupler", {"loss_dB": 1.0, "reflection_dB": 3.0}, "can emit more than it gets"),
        (
            "grating_coupler_dual",
            {"loss_dB": 0.5, "reflection_dB": 14.0, "crosstalk_dB": 10.0},
            "too low for crosstalk",
        ),
        ("grating_coupler", {"fill_factor": 1.2}, "fill_factor is 1.2"),
        ("grating_coupler", {"period": 5.0}, "period is 5 um"),
        ("grating_coupler", {"period": 1.5}, "a grating of period 1.5 um sends light of 2.84 um"),
    ],
)
def test_what_cannot_be_is_refused(model: str, bad: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        MODELS[model].function(float(along_grating()[0]), **bad)
