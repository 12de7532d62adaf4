"""Intervals cover as often as they say, and count packages, not lanes, as what is independent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from cpo_pdk.errors import InputError
from cpo_pdk.yields.intervals import bootstrap, clustered, exact, generator, wilson


def test_wilson_as_published() -> None:
    """Newcombe, Stat. Med. 17, 857 (1998), table I: 81 of 263, and 0 of 20."""
    found = wilson(81, 263)
    assert (found.low, found.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert (wilson(0, 20).low, wilson(0, 20).high) == (0.0, pytest.approx(0.1611, abs=5e-5))


def test_exact_as_published() -> None:
    """Newcombe 1998, table I: 81 of 263, 15 of 148; rule of three for none."""
    assert exact(81, 263).low == pytest.approx(0.2527, abs=5e-5)
    assert exact(81, 263).high == pytest.approx(0.3676, abs=5e-5)
    assert exact(15, 148).high == pytest.approx(0.1617, abs=5e-5)
    assert exact(0, 1000).high == pytest.approx(1 - 0.025 ** (1 / 1000), rel=1e-9)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_coverage_is_what_is_said(share: float) -> None:
    """Summed over all outcomes: the exact interval covers at least 95 %, Wilson's 95 % within 3 %."""
    count = 100
    outcomes = np.arange(count + 1)
    chance = binom.pmf(outcomes, count, share)
    for method, least in ((exact, 0.95), (wilson, 0.92)):
        covers = np.array([method(k, count).low <= share <= method(k, count).high for k in range(count + 1)])
        assert float(chance @ covers) >= least


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(1, 10_000), st.floats(0, 1))
def test_interval_holds_its_value(count: int, share: float) -> None:
    good = round(share * count)
    for found in (wilson(good, count), exact(good, count)):
        assert 0.0 <= found.low <= found.value <= found.high <= 1.0


def test_lanes_that_die_together_count_as_one() -> None:
    """Fully alike lanes: the interval of packages. Independent lanes: that of lanes."""
    draw = generator(3, "test")
    alike = (draw.random(2000) < 0.7).astype(float)
    packages = wilson(np.sum(alike), 2000)
    found = clustered(alike, 64)
    assert (found.low, found.high) == (pytest.approx(packages.low, abs=2e-5), pytest.approx(packages.high, abs=2e-5))
    free = np.mean(draw.random((2000, 64)) < 0.7, axis=1)
    width = clustered(free, 64).high - clustered(free, 64).low
    assert width == pytest.approx(wilson(0.7 * 128_000, 128_000).high - wilson(0.7 * 128_000, 128_000).low, rel=0.1)


def test_clustered_interval_covers() -> None:
    """Lanes with a common cause: 95 % of 300 experiments hold the truth; an interval of lanes would hold 40 %."""
    draw = generator(11, "cover")
    common = draw.standard_normal((300, 200, 1))
    own = draw.standard_normal((300, 200, 16))
    good = np.mean(np.sqrt(0.5) * (common + own) < 1.0, axis=2)
    truth = 0.841344746
    hits = [found.low <= truth <= found.high for found in (clustered(row, 16) for row in good)]
    naive = [found.low <= truth <= found.high for found in (wilson(np.sum(row) * 16, 200 * 16) for row in good)]
    assert np.mean(hits) > 0.91
    assert np.mean(naive) < 0.75


def test_bootstrap_of_a_ratio() -> None:
    """Ratio of means: as the delta method says; the same numbers again from the same seed."""
    draw = generator(5, "ratio")
    sums = np.stack([draw.poisson(40, 3000), draw.poisson(80, 3000)], axis=1).astype(float)
    found = bootstrap(lambda m: m[:, 0] / m[:, 1], sums, 1)
    error = 0.5 * np.sqrt(1 / 40 + 1 / 80) / np.sqrt(3000)
    assert found.value == pytest.approx(0.5, abs=4 * error)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert found == bootstrap(lambda m: m[:, 0] / m[:, 1], sums, 1)


def test_nothing_counted_is_refused() -> None:
    for bad in (lambda: wilson(0, 0), lambda: wilson(5, 4), lambda: clustered(np.empty(0), 3)):
        with pytest.raises(InputError):
            bad()
