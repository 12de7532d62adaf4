"""Splitters from the modes of their body: images, phases, spectrum, deviations; tapers and spirals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS
from cpo_pdk.models.multimode import imaging, self_image_length
from cpo_pdk.models.slabs import film_index, oxide, sideways_phase, silicon, strip_index
from cpo_pdk.models.splitters import mmi1x2, mmi1x4, mmi1x8, mmi2x2, y_branch
from cpo_pdk.models.tapers import converted_share, taper
from cpo_pdk.models.validation.splitters import CASES, best_length

WL = np.linspace(1.26, 1.36, 41)


def power(amplitude: np.ndarray) -> np.ndarray:
    return np.abs(amplitude) ** 2


def dB(share: np.ndarray | float) -> np.ndarray:
    return -10 * np.log10(share)


def test_film_mode_obeys_its_equation_and_grows_with_height() -> None:
    height = np.array([0.1, 0.22, 0.3])
    index = film_index(1.31, height)
    k = 2 * np.pi / 1.31
    inside = k * np.sqrt(silicon(1.31) ** 2 - index**2)
    outside = k * np.sqrt(index**2 - oxide(1.31) ** 2)
    np.testing.assert_allclose(np.tan(inside * height / 2), outside / inside, rtol=1e-9)
    assert np.all(np.diff(index) > 0)


@pytest.mark.parametrize("order", [0, 1, 5, 20])
def test_sideways_modes_obey_the_equation_of_a_tm_slab(order: int) -> None:
    film, clad = film_index(1.31), oxide(1.31)
    kappa = sideways_phase(1.31, 6.0, order, film, clad)
    gamma = np.sqrt((2 * np.pi / 1.31) ** 2 * (film**2 - clad**2) - kappa**2)
    half = kappa * 3.0 - order * np.pi / 2
    np.testing.assert_allclose(np.tan(half), film**2 * gamma / (clad**2 * kappa), rtol=1e-6)


def test_a_mode_beyond_cut_off_is_not_guided() -> None:
    film, clad = film_index(1.31), oxide(1.31)
    guided = [bool(np.isfinite(sideways_phase(1.31, 6.0, v, film, clad))) for v in range(40)]
    assert guided.index(False) == sum(guided) == 24


def test_strip_index_is_continuous_and_ends_below_the_film() -> None:
    width = np.linspace(0.4, 5.0, 461)
    index = strip_index(1.31, width)
    assert np.all(np.diff(index) > 0)
    assert np.max(np.diff(index)) < 0.03
    assert index[-1] < film_index(1.31)


@pytest.mark.parametrize(
    "case", [c for c in CASES if not c.fitted and c.device.startswith("mmi")], ids=lambda c: c.quantity
)
def test_published_lengths_and_losses_come_out(case) -> None:
    error = case.ours() - case.published
    assert abs(error / case.published if case.relative else error) <= case.tolerance


def test_two_outputs_of_a_one_by_two_are_one_amplitude() -> None:
    s = mmi1x2(WL)
    np.testing.assert_array_equal(s["o1", "o2"], s["o1", "o3"])


def test_two_by_two_halves_in_quadrature_in_the_whole_band() -> None:
    s = mmi2x2(WL)
    bar, cross = s["o1", "o4"], s["o1", "o3"]
    phase = np.degrees(np.angle(cross / bar))
    assert phase[20] == pytest.approx(90, abs=1)
    assert np.max(np.abs(phase - 90)) < 5
    assert abs(dB(power(bar[20]) / power(cross[20]))) < 0.1
    np.testing.assert_array_equal(s["o2", "o3"], bar)
    np.testing.assert_array_equal(s["o2", "o4"], cross)


def test_images_are_lossless_but_for_what_the_arms_miss() -> None:
    # with arms as wide as the images are apart nearly nothing is missed at the best length
    (row,) = imaging(
        1.31, width=6.0, length=np.linspace(39, 43, 81), width_arm=2.4, inputs=[0.0], outputs=[1.52, -1.52]
    )
    assert float(np.max(sum(power(a) for a in row))) > 0.995
    # ... and at four times that length there is one image, in the middle
    (row,) = imaging(1.31, width=6.0, length=np.linspace(78, 86, 81), width_arm=2.4, inputs=[0.0], outputs=[0.0])
    assert float(np.max(power(row[0]))) > 0.98


@pytest.mark.parametrize(("model", "n"), [(mmi1x4, 4), (mmi1x8, 8)])
def test_one_by_n_is_even_and_keeps_the_light(model, n: int) -> None:
    s = model(1.31, excess_dB=0.0)
    shares = np.array([power(s["o1", f"o{k + 2}"]) for k in range(n)])
    np.testing.assert_array_equal(shares, shares[::-1])
    assert dB(shares.sum()) < 0.1
    assert dB(shares.min() / shares.max()) < 0.05


@pytest.mark.parametrize(("n", "width"), [(3, 6.0), (4, 8.0), (6, 12.0), (8, 16.0)])
def test_best_length_of_n_images_is_just_below_the_paraxial_formula(n: int, width: float) -> None:
    formula = float(self_image_length(1.31, width, n))
    grid = np.linspace(0.9, 1.1, 401) * formula
    pitch = width / n + 0.01
    (row,) = imaging(
        1.31,
        width=width,
        length=grid,
        width_arm=1.5,
        inputs=[0.0],
        outputs=[((n - 1) / 2 - k) * pitch for k in range(n)],
    )
    best = grid[int(np.argmax(np.min([power(a) for a in row], axis=0)))]
    assert 0.96 < best / formula < 1.0


def test_best_length_goes_with_the_square_of_the_width_and_falls_with_wavelength() -> None:
    assert self_image_length(1.31, 12.0, 2) == pytest.approx(4 * self_image_length(1.31, 6.0, 2), rel=0.01)
    pair = ([-1.015, 1.015], [1.015, -1.015])
    assert best_length(1.30, 53.5, *pair) > best_length(1.32, 53.5, *pair)


@pytest.mark.parametrize("model", [mmi1x2, mmi2x2])
def test_band_of_one_dB_covers_the_o_band_and_moves_with_width_height_and_heat(model) -> None:
    key = ("o1", "o3")
    loss = dB(2 * power(model(WL)[key]))
    assert loss.max() - loss.min() < 2.0
    assert loss[20] < 0.5
    best = WL[int(np.argmin(loss))]
    # a body that is wider, higher or warmer has longer beats: the length fits a longer wavelength
    for change in ({"dw": 20.0}, {"dh": 10.0}, {"dT": 300.0}):
        fine = np.linspace(1.28, 1.36, 1601)
        moved = fine[int(np.argmin(dB(power(model(fine, **change)[key]))))]
        still = fine[int(np.argmin(dB(power(model(fine)[key]))))]
        assert moved > still, change
    assert 1.30 < best < 1.36


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    wl=st.floats(1.26, 1.36),
    width=st.floats(5.0, 8.0),
    length=st.floats(5.0, 200.0),
    arm=st.floats(0.8, 1.7),
    separation=st.floats(1.9, 3.2),
)
def test_body_gives_no_light_however_it_is_drawn(wl, width, length, arm, separation) -> None:
    y = separation / 2
    matrix = np.array(imaging(wl, width=width, length=length, width_arm=arm, inputs=[-y, y], outputs=[y, -y]))
    assert np.linalg.svd(matrix, compute_uv=False).max() <= 1 + 1e-12
    np.testing.assert_allclose(matrix[0, 0], matrix[1, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ({"separation": 1.5}, "separation = 1.5"),
        ({"separation": 5.0}, "stands? out|from the middle"),
        ({"width_mmi": 2.0}, "widen width_mmi"),
        ({"width_taper": np.nan}, "width_taper"),
        ({"length_mmi": -1.0}, "length_mmi"),
    ],
)
def test_arms_that_touch_or_stand_out_are_refused(bad: dict[str, float], word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        mmi2x2(1.31, **bad)


def test_y_branch_halves_and_loses_what_was_published() -> None:
    s = y_branch(WL)
    np.testing.assert_array_equal(s["o1", "o2"], s["o1", "o3"])
    assert dB(2 * power(s["o1", "o2"]))[20] == pytest.approx(0.28, abs=0.02)
    assert np.all(np.diff(np.abs(s["o1", "o2"])) > 0)


def test_a_taper_between_equal_widths_is_a_straight() -> None:
    one = taper(WL, width1=0.45, width2=0.45, length=30.0)["o1", "o2"]
    other = MODELS["straight"].function(WL, width=0.45, length=30.0)["o1", "o2"]
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_taper_converts_less_the_longer_it_is() -> None:
    share = converted_share(1.31, 0.4, 1.5, np.array([10.0, 20.0, 40.0]))
    np.testing.assert_allclose(share[:-1] / share[1:], 4.0, rtol=0.02)
    assert dB(1 - share[1]) < 0.01
    assert abs(taper(1.31, width1=0.4, width2=3.0, length=5.0)["o1", "o2"]) < 1


def test_spiral_loses_by_length_and_by_bend() -> None:
    function = MODELS["spiral"].function
    flat = function(1.31, length=10_000.0, n_turns=1, loss_dB_cm=0.0)["o1", "o2"]
    bend = MODELS["bend_euler"].function(1.31, loss_dB_cm=0.0, radius=10.0)["o1", "o2"]
    assert dB(power(flat)) == pytest.approx(6 * dB(power(bend)), rel=1e-9)
    lossy = function(1.31, length=10_000.0, n_turns=1, loss_dB_cm=2.5)["o1", "o2"]
    assert dB(power(lossy)) - dB(power(flat)) == pytest.approx(2.5)
    more = function(1.31, length=10_000.0, n_turns=3, loss_dB_cm=0.0)["o1", "o2"]
    assert dB(power(more)) == pytest.approx(22 * dB(power(bend)), rel=1e-9)
