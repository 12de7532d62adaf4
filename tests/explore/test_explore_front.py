"""Dominance and volume: against brute force, against each other, and where they are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cpo_pdk.explore.front import costs, covered, hypervolume, undominated, widest

small = arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 6).map(float))


@settings(derandomize=True, deadline=None, max_examples=80)
@given(small)
def test_undominated_is_what_the_definition_says(values: np.ndarray) -> None:
    for row, kept in enumerate(undominated(values)):
        beaten = any((other <= values[row]).all() and (other < values[row]).any() for other in values)
        assert kept == (not beaten)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(small)
def test_volume_of_whole_cubes_is_their_count(values: np.ndarray) -> None:
    reference = np.full(values.shape[1], 5.0)
    cells = np.stack(np.meshgrid(*[np.arange(5.0)] * values.shape[1], indexing="ij"), -1).reshape(-1, values.shape[1])
    inside = (values[:, None, :] <= cells[None, :, :]).all(axis=2).any(axis=0)
    assert hypervolume(values, reference) == pytest.approx(inside.sum())


def test_known_volumes() -> None:
    assert hypervolume(np.array([[0.5, 0.5]]), np.ones(2)) == pytest.approx(0.25)
    assert hypervolume(np.array([[0.0, 0.5], [0.5, 0.0]]), np.ones(2)) == pytest.approx(0.75)
    assert hypervolume(np.array([[2.0, 0.0]]), np.ones(2)) == 0.0
    assert hypervolume(np.empty((0, 2)), np.ones(2)) == 0.0
    assert covered(np.array([[0.0, 0.0]]), np.zeros(2), np.ones(2)) == pytest.approx(1.0)
    assert covered(np.empty((0, 2)), np.zeros(2), np.ones(2)) == 0.0


@settings(derandomize=True, deadline=None, max_examples=40)
@given(small, st.integers(0, 2**16))
def test_order_does_not_matter_and_more_points_never_cover_less(values: np.ndarray, seed: int) -> None:
    reference = np.full(values.shape[1], 7.0)
    shuffled = np.random.default_rng(seed).permutation(values)
    assert hypervolume(shuffled, reference) == pytest.approx(hypervolume(values, reference))
    assert hypervolume(values[: len(values) // 2], reference) <= hypervolume(values, reference) + 1e-9


def test_directions() -> None:
    table = costs([{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}], {"x": "minimize", "y": "maximize"})
    assert table.tolist() == [[1.0, -2.0], [3.0, -4.0]]
    assert undominated(table).all()
    assert undominated(np.array([[np.nan, 0.0], [0.0, 0.0]])).tolist() == [False, True]


def test_few_points_that_cover_the_most() -> None:
    line = np.linspace(0, 1, 21)
    values = np.stack([line, 1 - line], 1)
    chosen = widest(values, 3)
    assert len(chosen) == 3
    assert chosen[0] < 8 < chosen[1] < 13 or chosen[1] == 10
    assert widest(values, 50) == list(range(21))
    best = hypervolume(values[chosen], np.full(2, 1.1))
    rng = np.random.default_rng(1)
    others = [hypervolume(values[rng.choice(21, 3, replace=False)], np.full(2, 1.1)) for _ in range(50)]
    assert best >= np.quantile(others, 0.9)
