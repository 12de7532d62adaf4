"""Rings are taken to their channels by red shifts alone, with the least total shift."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cpo_pdk.circuit.crosstalk import FLOOR_DB, aggressors, modulation_leakage, relative_to_wanted, summed, to_dB
from cpo_pdk.circuit.locking import red_shifts_nm

NM = 1e-3


@given(st.lists(st.floats(1.24, 1.32), min_size=1, max_size=9), st.lists(st.floats(1.29, 1.31), min_size=1, max_size=9))
def test_shift_is_the_smallest_that_is_not_blue(resonances: list[float], targets: list[float]) -> None:
    cold, wanted = np.sort(np.array(resonances)), np.array(targets)
    shifts = red_shifts_nm(cold, wanted)
    for target, shift in zip(wanted, shifts, strict=True):
        below = cold[cold <= target + 1e-9]
        if below.size == 0:
            assert np.isinf(shift)
            continue
        assert shift >= 0
        assert np.isclose(shift, max(0.0, (target - below.max()) / NM), atol=1e-5)


def test_on_its_channel_a_ring_needs_no_shift() -> None:
    assert red_shifts_nm(np.array([1.29, 1.3]), np.array([1.3 - 1e-12, 1.3]))[0] == 0.0


def test_powers_add_and_the_floor_holds() -> None:
    row = np.array([1.0, 0.01, 0.02])
    assert np.isclose(summed(row, 0), 10 * np.log10(0.03))
    names = ["a", "b", "c"]
    assert [a.name for a in aggressors(row, 0, names)] == ["c", "b"]
    assert summed(np.array([1.0, 0.0]), 0) == FLOOR_DB
    assert np.all(to_dB(np.zeros(3)) == FLOOR_DB)


def test_relative_matrices_have_ones_on_the_diagonal() -> None:
    power = np.array([[0.5, 0.05], [0.1, 0.2]])
    np.testing.assert_allclose(relative_to_wanted(power), [[1, 0.1], [0.5, 1]])
    assert np.all(np.isinf(relative_to_wanted(np.zeros((2, 2)))))
    one, zero = np.array([0.8, 0.7]), np.array([[0.3, 0.69], [0.79, 0.2]])
    np.testing.assert_allclose(modulation_leakage(one, zero), [[1, 0.02], [0.02, 1]])
