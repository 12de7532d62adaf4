"""What holds for any package: better tests let less escape, order of engines does not matter, more margin helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import InputError
from cpo_pdk.variation.samples import Draw
from cpo_pdk.yields import rare_engine
from cpo_pdk.yields.compose import TALLIES, compose
from cpo_pdk.yields.histograms import histogram
from cpo_pdk.yields.intervals import generator
from cpo_pdk.yields.plan import Plan
from cpo_pdk.yields.sampled import Lanes, Sampled

PLAN = Plan(0.8, 0.8, 0.9, 0.02, 0.02, 0.98, 0.8, 1)
LANES = Lanes(np.arange(8) < 4, np.arange(8) // 4, np.arange(8) % 4, np.arange(8)[:, None])


def packages(seed: int, samples: int = 300, engines: int = 3) -> Sampled:
    """Margins with causes that lanes, engines and packages share."""
    draw = generator(seed, "properties")
    shape = (samples, engines, 8)
    shared = 0.5 * draw.standard_normal((samples, 1, 1)) + 0.5 * draw.standard_normal((samples, engines, 1))
    losses = {name: 0.4 * np.abs(draw.standard_normal(shape)) for name in ("attach", "connector")}
    margin = 2.0 + shared + 0.3 * draw.standard_normal(shape) - sum(losses.values())
    return Sampled(seed, LANES, margin, draw.random(shape) < 0.999, losses)


def good(sampled: Sampled, plan: Plan, least_dB: float = 0.0) -> float:
    return float(np.mean(compose(sampled, plan, least_dB).tallies[:, TALLIES.index("good")]))


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_a_better_last_test_lets_less_escape(seed: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    sampled = packages(seed)
    escapes = [
        compose(sampled, replace(PLAN, package_coverage=c), 0.0).tallies[:, TALLIES.index("shipped")].sum()
        - compose(sampled, replace(PLAN, package_coverage=c), 0.0).tallies[:, TALLIES.index("good")].sum()
        for c in (low, high)
    ]
    assert escapes[1] <= escapes[0]


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.permutations(range(3)))
def test_order_of_engines_does_not_matter_as_made(seed: int, order: list[int]) -> None:
    sampled = packages(seed)
    turned = replace(
        sampled,
        margin_dB=sampled.margin_dB[:, order],
        held=sampled.held[:, order],
        losses_dB={name: loss[:, order] for name, loss in sampled.losses_dB.items()},
    )
    a, b = compose(sampled, PLAN, 0.0), compose(turned, PLAN, 0.0)
    assert a.package == b.package
    for one, two in ((a.lane, b.lane), (a.engine, b.engine), (a.die, b.die), (a.ring, b.ring)):
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high), abs=1e-12)


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(0, 3))
def test_yields_nest(seed: int, least_dB: float) -> None:
    """A package is no better than its engine, that no better than its die and its lanes; a stricter limit kills."""
    sampled = packages(seed)
    found = compose(sampled, PLAN, least_dB)
    assert found.package.value <= found.engine.value <= found.die.value
    assert found.engine.value <= found.lane.value
    assert compose(sampled, PLAN, least_dB + 0.5).package.value <= found.package.value
    assert good(sampled, replace(PLAN, repairs=3), least_dB) >= good(sampled, replace(PLAN, repairs=0), least_dB)


def test_nobody_else_can_change_what_is_drawn() -> None:
    """The global generator and the number of calls before don't matter."""
    sampled = packages(1)
    first = compose(sampled, PLAN, 0.0)
    np.random.seed(0)
    compose(packages(2), PLAN, 0.0)
    again = compose(sampled, PLAN, 0.0)
    assert np.array_equal(first.tallies, again.tallies)
    assert first.shipped == again.shipped


def test_single_precision_changes_nothing() -> None:
    """What is stored is rounded to 1e-4 dB in single precision; yields are those of double precision."""
    sampled = packages(3)
    rounded = replace(sampled, margin_dB=np.round(sampled.margin_dB, 4).astype(np.float32))
    wide = replace(rounded, margin_dB=rounded.margin_dB.astype(np.float64))
    assert np.array_equal(compose(rounded, PLAN, 0.0).tallies, compose(wide, PLAN, 0.0).tallies)


def test_losses_that_are_the_same_for_all_lanes_broadcast() -> None:
    sampled = packages(4)
    engine = sampled.losses_dB["connector"][:, :, :1]
    broad = replace(sampled, losses_dB={"connector": engine})
    full = replace(sampled, losses_dB={"connector": np.repeat(engine, 8, axis=2)})
    assert np.array_equal(compose(broad, PLAN, 0.0).tallies, compose(full, PLAN, 0.0).tallies)


def test_shapes_that_do_not_fit_are_refused() -> None:
    sampled = packages(5, 4)
    for wrong in (
        {"margin_dB": sampled.margin_dB[:, :, 0]},
        {"margin_dB": sampled.margin_dB[:0]},
        {"held": sampled.held[:2]},
        {"margin_dB": sampled.margin_dB[:, :, :5]},
        {"held": sampled.held[:, :, :5]},
    ):
        with pytest.raises(InputError):
            replace(sampled, **wrong)


def test_histogram_counts_all_that_is_finite() -> None:
    values = np.concatenate([np.linspace(-3, 3, 1000), [np.nan, -np.inf, np.inf]])
    found = histogram("x", "dB", values)
    assert found.counts.sum() == 1000
    assert len(found.edges) == len(found.counts) + 1
    assert found.quantiles[50.0] == pytest.approx(0.0, abs=1e-9)
    assert histogram("x", "dB", np.array([np.nan])).counts.sum() == 0
    assert histogram("x", "dB", np.full(5, 2.0)).counts.sum() == 5


def test_distance_of_an_engine_to_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst lane counts; one whose ring is not held has failed, however good its margin."""
    margin = np.full((3, 1, 8), 2.0, np.float32)
    margin[0, 0, 5] = 0.5
    held = np.ones((3, 1, 8), bool)
    held[1, 0, 2] = False
    margin[2, 0, 1], held[2, 0, 1] = -4.0, False

    class Cell:
        def __init__(self) -> None:
            self.cells = {"e": None}
            self.engines = [type("Engine", (), {"cell": "e"})]

    monkeypatch.setattr(rare_engine, "sample", lambda _model, _draw: {"margin_dB": margin, "held": held})
    monkeypatch.setattr(rare_engine, "lanes_of", lambda _cell: LANES)
    found = rare_engine.distance(Cell(), Draw(1, np.arange(3)), 0.25)  # type: ignore[arg-type]
    assert found == pytest.approx([0.25, rare_engine.NOT_HELD_DB, -4.25])
