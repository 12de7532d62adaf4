"""A fibre array is a rigid body: distances stay, fibres stay square to their line, nothing enters the chip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.attach.rigid import Pose, stand

X = np.arange(-4, 5) * 127.0
SMALL = st.floats(-3.0, 3.0)
SHIFT = st.floats(-20.0, 20.0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SHIFT, SHIFT, SHIFT, SMALL, SMALL, SMALL)
def test_ends_keep_their_distances_and_fibres_stay_square_to_their_line(
    x: float, y: float, z: float, roll: float, pitch: float, yaw: float
) -> None:
    found = stand(Pose(x, y, z, roll, pitch, yaw), X, 5.0)
    ends = np.stack([found.dx + X, found.dy, found.dz], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(np.diff(ends, axis=0), axis=-1), 127.0, rtol=1e-12)
    across = [float(np.sin(np.radians(tilt[0]))) for tilt in (found.tilt_x_deg, found.tilt_y_deg)]
    out = np.array([*across, np.sqrt(1 - across[0] ** 2 - across[1] ** 2)])
    assert (ends[-1] - ends[0]) @ out == pytest.approx(0.0, abs=1e-8), "the fibres leave at right angles to their line"
    assert found.dz.min() >= 0.0, "no fibre ends within the chip"


@settings(max_examples=30, deadline=None, derandomize=True)
@given(SHIFT, SHIFT, SHIFT, SMALL, SMALL, SMALL)
def test_an_array_seen_in_a_mirror_stands_as_its_mirror_image(
    x: float, y: float, z: float, roll: float, pitch: float, yaw: float
) -> None:
    found = stand(Pose(x, y, z, roll, pitch, yaw), X, 5.0)
    other = stand(Pose(-x, y, z, -roll, pitch, -yaw), X, 5.0)
    np.testing.assert_allclose(other.dx[::-1], -found.dx, atol=1e-9)
    for name in ("dy", "dz", "tilt_y_deg"):
        image = np.broadcast_to(getattr(other, name), X.shape)[::-1]
        np.testing.assert_allclose(image, np.broadcast_to(getattr(found, name), X.shape), atol=1e-9)
    np.testing.assert_allclose(other.tilt_x_deg, -found.tilt_x_deg, atol=1e-9)


def test_a_perfect_array_stands_at_the_mean_gap() -> None:
    found = stand(Pose(), X, 5.0)
    for value, want in ((found.dx, 0), (found.dy, 0), (found.dz, 5), (found.tilt_x_deg, 0), (found.tilt_y_deg, 0)):
        np.testing.assert_array_equal(value, want)


def test_each_turn_does_what_its_name_says() -> None:
    angle = np.radians(0.1)
    roll = stand(Pose(roll_deg=0.1), X, 5.0)
    np.testing.assert_allclose(roll.dy, X * np.sin(angle))
    np.testing.assert_allclose(roll.dz, 5.0)
    yaw = stand(Pose(yaw_deg=0.1), X, 5.0)
    np.testing.assert_allclose(yaw.dz, 5.0 - X * np.sin(angle))
    np.testing.assert_allclose(yaw.tilt_x_deg, 0.1)
    pitch = stand(Pose(pitch_deg=0.1), X, 5.0)
    np.testing.assert_allclose(pitch.tilt_y_deg, -0.1)
    np.testing.assert_allclose(pitch.dx, 0.0)


def test_a_turn_that_would_enter_the_chip_moves_the_whole_array_back() -> None:
    found = stand(Pose(yaw_deg=2.0), X, 5.0)
    assert found.dz.min() == pytest.approx(0.0)
    np.testing.assert_allclose(np.diff(found.dz), -127.0 * np.sin(np.radians(2.0)))
    pushed = stand(Pose(z_um=-50.0), X, 5.0)
    np.testing.assert_array_equal(pushed.dz, 0.0)


def test_arrays_of_many_samples_stand_one_by_one() -> None:
    roll = np.array([[0.1, -0.2], [0.0, 0.3]])
    found = stand(Pose(roll_deg=roll, x_um=roll * 3), X, 5.0)
    assert found.dy.shape == (2, 2, 9)
    alone = stand(Pose(roll_deg=0.3, x_um=0.3 * 3), X, 5.0)
    np.testing.assert_allclose(found.dy[1, 1], alone.dy)
    np.testing.assert_allclose(found.dx[1, 1], alone.dx)
