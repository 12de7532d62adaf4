"""Rare failures over the streams themselves: what is walked to is still normal, and closed forms come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest, norm

from cpo_pdk.errors import InputError
from cpo_pdk.spec.part import Part, load_part_file
from cpo_pdk.variation.process import ProcessVariation
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import normals, uniforms
from cpo_pdk.yields.rare_walk import Walkers, rare_failure, together

PARTS = Path(__file__).parents[2] / "components" / "parts"
PLACES_UM = np.array([[0.0, 0.0], [1500.0, -700.0]])
INDEX = np.arange(6)


def process() -> ProcessVariation:
    """Of the sheet, without the parabola over the wafer: all that is left is normal."""
    data = load_part_file(PARTS / "variation_ant.yaml").model_dump()
    for name, parameter in data["parameters"].items():
        if "_radial_" in name:
            parameter["value"] = 0.0
    return ProcessVariation(Part.model_validate(data), "lot", (7.0, 6.0))


def test_a_walk_keeps_the_distribution() -> None:
    """After three steps numbers are standard normal, and as like those before as the step says."""
    first = Walkers.begin(5, "t", 4000)
    second = first.moved(0.6)
    third = second.where(np.arange(4000) % 2 == 0, second.moved(0.8))
    assert np.allclose(np.sum(third.weights**2, axis=1), 1.0)
    for walkers in (first, second, third):
        drawn = normals(walkers.draw(), "width", INDEX)
        assert kstest(drawn.ravel(), "norm").pvalue > 1e-3
        assert np.allclose(np.corrcoef(drawn.T), np.eye(6), atol=0.07)
        assert kstest(uniforms(walkers.draw(), "width", INDEX).ravel(), "uniform").pvalue > 1e-3
    a, b = (normals(w.draw(), "width", INDEX).ravel() for w in (first, second))
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(0.8, abs=0.02)
    moved, stayed = (normals(third.draw(), "width", INDEX)[k::2].ravel() for k in (0, 1))
    b = normals(second.draw(), "width", INDEX)
    assert np.corrcoef(b[::2].ravel(), moved)[0, 1] == pytest.approx(0.6, abs=0.03)
    assert np.array_equal(b[1::2].ravel(), stayed)


def test_a_plain_walk_is_a_plain_draw() -> None:
    walkers = Walkers.begin(5, "t", 50)
    plain = Draw(walkers.seeds[0], np.arange(50))
    assert np.array_equal(normals(walkers.draw(), "fibre", INDEX), normals(plain, "fibre", INDEX))
    parts = [normals(walkers.draw().part(slice(k, k + 20)), "fibre", INDEX) for k in (0, 20, 40)]
    assert np.array_equal(np.concatenate(parts), normals(plain, "fibre", INDEX))
    fixed = Walkers.begin(5, "t", 50, frozenset({"fibre"})).draw()
    assert not np.any(normals(fixed, "fibre", INDEX))


def test_several_walks_together_are_each_its_own() -> None:
    walks = [Walkers.begin(5, name, 30).moved(0.4) for name in ("a", "b")]
    both = normals(together(walks), "width", INDEX)
    alone = [normals(walk.draw(), "width", INDEX) for walk in walks]
    assert np.array_equal(both, np.concatenate(alone))
    assert not np.any(np.isclose(alone[0], alone[1]))


def test_fields_that_are_walked_to_keep_their_covariance() -> None:
    """Two places of one die, 1.7 mm apart: covariance of lot, wafer and field as without a walk."""
    made = process()
    walked = Walkers.begin(1, "f", 2000).moved(0.7).draw()
    found = np.cov(made.deviations(walked, 1, PLACES_UM).dw_nm[:, 0].T)
    wanted = np.cov(made.deviations(Draw(9, np.arange(2000)), 1, PLACES_UM).dw_nm[:, 0].T)
    assert found == pytest.approx(wanted, rel=0.12)


def test_one_in_a_million() -> None:
    """Sum of six numbers of a stream beyond 4.75 standard deviations: 1e-6 in closed form."""

    def margin(draw: Draw) -> np.ndarray:
        return 4.7534 - normals(draw, "width", INDEX).sum(axis=1) / np.sqrt(6)

    found = rare_failure(margin, 3, runs=3, at_once=1000)
    truth = float(norm.sf(4.7534))
    assert found.reached
    assert found.probability.low <= truth <= found.probability.high
    assert found.calls < 40_000
    assert np.all(margin(found.failed[0]) <= 0)


def test_one_in_a_thousand_of_the_process() -> None:
    """Width beyond 3.09 standard deviations of all lots, wafers and dies together: 1e-3 in closed form."""
    made = process()
    sigma = made.sigma("width")

    def margin(draw: Draw) -> np.ndarray:
        return 3.0902 - made.deviations(draw, 1, PLACES_UM[:1]).dw_nm[:, 0, 0] / sigma

    others = frozenset({"thickness", "etch", "doping"})
    found = rare_failure(margin, 3, samples=200, runs=3, fixed=others).probability
    assert found.low <= float(norm.sf(3.0902)) <= found.high
    assert found.high / found.low < 30


def test_agrees_with_brute_force() -> None:
    """The worst of six numbers of one stream and a common one: counted in 200,000 samples."""

    def margin(draw: Draw) -> np.ndarray:
        common = normals(draw, "attach", np.zeros(1, int))
        return 4.8 - np.max(normals(draw, "fibre", INDEX) + common, axis=1)

    counted = np.mean(margin(Draw(1, np.arange(200_000))) <= 0)
    found = rare_failure(margin, 2, samples=1000, runs=4, at_once=1000).probability
    assert found.low <= counted * 1.1 and counted / 1.1 <= found.high


def test_same_seed_same_probability_in_any_portions() -> None:
    def margin(draw: Draw) -> np.ndarray:
        return 2.5 - normals(draw, "width", INDEX)[:, 2]

    found = [rare_failure(margin, seed, samples=100, runs=2, at_once=k).probability for seed, k in ((1, 7), (1, 100))]
    assert found[0] == found[1]
    assert found[0] != rare_failure(margin, 2, samples=100, runs=2).probability


def test_what_never_fails_is_bounded() -> None:
    found = rare_failure(lambda draw: np.full(len(draw.samples), 3.0), 1)
    assert not found.reached
    assert found.probability.value == 0.0 < found.probability.high
    with pytest.raises(InputError, match="at least 50"):
        rare_failure(lambda draw: np.zeros(len(draw.samples)), 1, samples=5)
    with pytest.raises(InputError, match="limit state"):
        rare_failure(lambda draw: np.full(len(draw.samples), np.nan), 1)
