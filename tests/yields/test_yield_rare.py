"""Rare failures: closed forms at 1e-6, brute force where it can still reach, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, norm

from cpo_pdk.errors import InputError
from cpo_pdk.yields.rare import Rare, importance_sampling, plain, subset_simulation

BETA = 4.753424  # one in a million beyond it


def linear(z: np.ndarray) -> np.ndarray:
    return BETA - np.sum(z, axis=1) / np.sqrt(z.shape[1])


def both_ways(z: np.ndarray) -> np.ndarray:
    return 4.5 - np.abs(z[:, 0])


def radius(z: np.ndarray) -> np.ndarray:
    """Fails outside of a sphere: every direction is one to fail in."""
    return 6.0 - np.linalg.norm(z, axis=1)


def holds(found: Rare, truth: float) -> bool:
    return found.probability.low <= truth <= found.probability.high


@pytest.mark.parametrize(("dimension", "seed"), [(1, 0), (2, 1), (20, 2), (100, 3)])
def test_one_in_a_million(dimension: int, seed: int) -> None:
    truth = float(norm.sf(BETA))
    found = subset_simulation(linear, dimension, seed, samples=1000)
    assert holds(found, truth)
    assert found.probability.high / found.probability.low < 4
    assert found.calls < 60_000  # brute force needs some 1e8 for that
    assert np.all(linear(found.failed) <= 0)


@pytest.mark.parametrize("dimension", [1, 2, 20])
def test_importance_sampling_is_sharper(dimension: int) -> None:
    truth = float(norm.sf(BETA))
    found = importance_sampling(linear, dimension, 1)
    assert found.probability.value == pytest.approx(truth, rel=0.1)
    assert found.probability.low / 1.1 <= truth <= found.probability.high * 1.1
    assert found.probability.high / found.probability.low < 1.3


def test_two_ways_to_fail() -> None:
    truth = 2 * float(norm.sf(4.5))
    assert holds(subset_simulation(both_ways, 6, 3), truth)
    assert importance_sampling(both_ways, 6, 3).probability.value == pytest.approx(truth, rel=0.1)


def test_every_direction_fails() -> None:
    truth = float(chi2.sf(36, 3))
    assert holds(subset_simulation(radius, 3, 5), truth)


def test_agrees_with_brute_force() -> None:
    """A crooked limit at 1e-3, where counting still works: the intervals overlap."""

    def crooked(z: np.ndarray) -> np.ndarray:
        return 4.2 - z[:, 0] - 0.3 * z[:, 1] ** 2 + 0.1 * np.sin(5 * z[:, 2])

    counted = plain(crooked, 3, 400_000, 1).probability
    for found in (subset_simulation(crooked, 3, 1).probability, importance_sampling(crooked, 3, 1).probability):
        assert found.low <= counted.high and counted.low <= found.high
        assert found.samples < 60_000


def test_intervals_cover() -> None:
    truth = float(norm.sf(3.0))

    def level(z: np.ndarray) -> np.ndarray:
        return 3.0 - z[:, 0]

    subset = [holds(subset_simulation(level, 2, seed, samples=200), truth) for seed in range(20)]
    importance = [holds(importance_sampling(level, 2, seed, samples=1000, pilot=200), truth) for seed in range(20)]
    assert np.mean(subset) >= 0.85
    assert np.mean(importance) >= 0.85


def test_same_seed_same_result() -> None:
    assert subset_simulation(linear, 3, 4).probability == subset_simulation(linear, 3, 4).probability
    assert subset_simulation(linear, 3, 4).probability != subset_simulation(linear, 3, 5).probability


def test_never_failing_gives_a_bound_not_a_zero() -> None:
    for found in (
        subset_simulation(lambda z: 1.0 + 0 * z[:, 0], 2, 1),
        importance_sampling(lambda z: 50.0 + z[:, 0], 2, 1),
        plain(lambda z: 9.0 - z[:, 0], 1, 1000, 1),
    ):
        assert not found.reached
        assert found.probability.value == 0.0 < found.probability.high


def test_bad_questions_are_refused() -> None:
    with pytest.raises(InputError, match="at least 100"):
        subset_simulation(linear, 2, 1, samples=10)
    with pytest.raises(InputError, match="at least 2"):
        subset_simulation(linear, 2, 1, runs=1)
    with pytest.raises(InputError, match="at least 1"):
        importance_sampling(linear, 0, 1)
    with pytest.raises(InputError, match="not a number"):
        subset_simulation(lambda z: np.full(len(z), np.nan), 2, 1)
    with pytest.raises(InputError, match="one number a sample"):
        plain(lambda z: z, 2, 100, 1)
