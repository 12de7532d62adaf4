"""Overlap of Gaussian beams against the integral over fields, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.mode_overlap import (
    axis_overlap,
    gap_tolerance,
    offset_tolerance,
    overlap,
    tilt_tolerance_deg,
)

SIZES = st.floats(2.0, 12.0)


def by_integration(
    wl: float, mfd: float, mfd_fiber: float, offset: float, dz: float, tilt_deg: float, n_gap: float
) -> float:
    """The same share from sampled fields: the chip's spectrum is propagated, the fibre's field is laid over it."""
    n, width = 4096, 400.0
    x = (np.arange(n) - n / 2) * width / n
    k = 2 * np.pi * n_gap / wl
    kx = 2 * np.pi * np.fft.fftfreq(n, width / n)
    chip = np.fft.ifft(np.fft.fft(np.exp(-((x / (mfd / 2)) ** 2))) * np.exp(-0.5j * kx**2 / k * dz))
    fiber = np.exp(-(((x - offset) / (mfd_fiber / 2)) ** 2) + 1j * k * np.sin(np.radians(tilt_deg)) * (x - offset))
    crossed = abs(np.sum(chip * np.conj(fiber))) ** 2
    return float(crossed / np.sum(np.abs(chip) ** 2) / np.sum(np.abs(fiber) ** 2))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SIZES, SIZES, st.floats(-4, 4), st.floats(-30, 30), st.floats(-4, 4), st.floats(1.0, 1.5))
def test_closed_form_is_the_integral_over_the_fields(
    mfd: float, mfd_fiber: float, offset: float, dz: float, tilt: float, n_gap: float
) -> None:
    found = float(axis_overlap(1.31, mfd, mfd_fiber, offset, dz, tilt, n_gap))
    assert found == pytest.approx(by_integration(1.31, mfd, mfd_fiber, offset, dz, tilt, n_gap), abs=1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SIZES, SIZES, SIZES, st.floats(-6, 6), st.floats(-6, 6), st.floats(0, 50), st.floats(-5, 5))
def test_no_more_gets_across_than_comes_and_the_sign_of_a_pure_offset_does_not_matter(
    mfd_x: float, mfd_y: float, mfd_fiber: float, dx: float, dy: float, dz: float, tilt: float
) -> None:
    beams = {"mfd_x_um": mfd_x, "mfd_y_um": mfd_y, "fiber_mfd_x_um": mfd_fiber, "fiber_mfd_y_um": mfd_fiber}
    share = overlap(1.31, **beams, dx=dx, dy=dy, dz=dz, tilt_x_deg=tilt)
    assert 0 <= share <= 1
    assert share <= overlap(1.31, **beams) + 1e-12, "every misalignment costs something"
    np.testing.assert_allclose(overlap(1.31, **beams, dx=dx), overlap(1.31, **beams, dx=-dx), rtol=1e-12)
    mirrored = overlap(1.31, **beams, dx=-dx, dy=-dy, dz=dz, tilt_x_deg=-tilt)
    np.testing.assert_allclose(share, mirrored, rtol=1e-12)


def test_limits_of_the_textbook() -> None:
    # aligned: (2 w1 w2 / (w1^2 + w2^2))^2; matched and offset: exp(-(x / w)^2); matched with a gap: 1 / (1 + (z/2zR)^2)
    aligned = overlap(1.31, mfd_x_um=4, mfd_y_um=4, fiber_mfd_x_um=9.2, fiber_mfd_y_um=9.2)
    assert aligned == pytest.approx((2 * 4 * 9.2 / (4**2 + 9.2**2)) ** 2)
    assert axis_overlap(1.31, 9.2, 9.2, 4.6) == pytest.approx(np.exp(-1))
    rayleigh = np.pi * 4.6**2 / 1.31
    spread = overlap(1.31, mfd_x_um=9.2, mfd_y_um=9.2, fiber_mfd_x_um=9.2, fiber_mfd_y_um=9.2, dz=2 * rayleigh)
    assert spread == pytest.approx(0.5)


@pytest.mark.parametrize(("mfd", "mfd_fiber", "dz"), [(9.2, 9.2, 0.0), (4.0, 9.2, 0.0), (4.0, 4.0, 8.0)])
def test_tolerances_cost_what_they_say(mfd: float, mfd_fiber: float, dz: float) -> None:
    best = axis_overlap(1.31, mfd, mfd_fiber, 0.0, dz)
    side = offset_tolerance(1.31, mfd, mfd_fiber, dz)
    for offset in (side, -side):
        assert -10 * np.log10(axis_overlap(1.31, mfd, mfd_fiber, offset, dz) / best) == pytest.approx(1.0)
    tilt = tilt_tolerance_deg(1.31, mfd, mfd_fiber, dz)
    assert -10 * np.log10(axis_overlap(1.31, mfd, mfd_fiber, 0.0, dz, tilt) / best) == pytest.approx(1.0)
    gap = gap_tolerance(1.31, mfd, mfd_fiber)
    beams = {"mfd_x_um": mfd, "mfd_y_um": mfd, "fiber_mfd_x_um": mfd_fiber, "fiber_mfd_y_um": mfd_fiber}
    cost = -10 * np.log10(overlap(1.31, **beams, dz=gap) / overlap(1.31, **beams))
    assert cost == pytest.approx(1.0)


def test_a_batch_of_misalignments_broadcasts_over_wavelengths() -> None:
    dx = np.linspace(-2, 2, 5)[:, None]
    share = overlap(
        np.array([1.27, 1.31, 1.33]), mfd_x_um=4, mfd_y_um=4, fiber_mfd_x_um=9, fiber_mfd_y_um=9, dx=dx, dz=3
    )
    assert share.shape == (5, 3)
    np.testing.assert_allclose(share, share[::-1])


@pytest.mark.parametrize("bad", [{"mfd_x_um": 0.0}, {"dx": np.nan}, {"tilt_y_deg": 80.0}, {"n_gap": 0.5}])
def test_what_is_no_beam_is_refused(bad: dict[str, float]) -> None:
    good = {"mfd_x_um": 4.0, "mfd_y_um": 4.0, "fiber_mfd_x_um": 4.0, "fiber_mfd_y_um": 4.0}
    with pytest.raises(ParameterError):
        overlap(1.31, **(good | bad))
