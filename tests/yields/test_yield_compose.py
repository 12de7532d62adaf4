"""Composition in its limits: what is known in closed form, and what must not happen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from cpo_pdk.errors import InputError
from cpo_pdk.yields.compose import TALLIES, compose, taken_from_stock
from cpo_pdk.yields.intervals import generator
from cpo_pdk.yields.plan import Plan
from cpo_pdk.yields.sampled import Lanes, Sampled, rings_hold

NO_TEST = Plan(die_coverage=0.0, engine_coverage=0.0, package_coverage=0.0)
PERFECT = Plan(die_coverage=1.0, engine_coverage=1.0, package_coverage=1.0)


def lanes_of(count: int, channels: int = 4) -> Lanes:
    """Half of them transmit; a ring a lane."""
    number = np.arange(count)
    return Lanes(number < count // 2, number // channels, number % channels, number[:, None])


def made(good: np.ndarray, **more: object) -> Sampled:
    """Packages whose lanes have a margin of +1 dB or -1 dB; all rings held."""
    count = good.shape[2]
    return Sampled(7, lanes_of(count), np.where(good, 1.0, -1.0), np.ones(good.shape, bool), **more)  # type: ignore[arg-type]


def free(share: float, shape: tuple[int, int, int], seed: int = 1) -> np.ndarray:
    return generator(seed, "free").random(shape) < share


def test_independent_lanes_give_the_product() -> None:
    sampled = made(free(0.99, (20_000, 4, 8)))
    found = compose(sampled, NO_TEST, 0.0)
    assert found.lane.low <= 0.99 <= found.lane.high
    assert found.engine.low <= 0.99**8 <= found.engine.high
    assert found.package.low <= 0.99**32 <= found.package.high
    assert found.tested == found.package


def test_fully_alike_lanes_give_that_of_one() -> None:
    one = free(0.8, (5000, 1, 1))
    found = compose(made(np.broadcast_to(one, (5000, 4, 8))), NO_TEST, 0.0)
    share = float(np.mean(one))
    for interval in (found.lane, found.engine, found.package):
        assert interval.value == pytest.approx(share, abs=1e-12)
    assert found.lane.high - found.lane.low == pytest.approx(found.package.high - found.package.low, rel=0.01)


def test_all_dead_and_none_dead() -> None:
    dead = compose(made(np.zeros((200, 2, 8), bool)), PERFECT, 0.0)
    assert dead.package.value == dead.tested.value == dead.shipped.value == 0.0
    assert dead.package.high > 0.0  # 200 samples don't prove that there is none
    alive = compose(made(np.ones((200, 2, 8), bool)), PERFECT, 0.0)
    assert alive.package.value == alive.tested.value == alive.shipped.value == 1.0
    assert alive.escapes.value == 0.0
    assert alive.package.low < 1.0


def test_full_coverage_lets_nothing_escape() -> None:
    sampled = made(free(0.95, (3000, 4, 8)))
    found = compose(sampled, PERFECT, 0.0)
    assert found.tested.value == 1.0
    assert found.escapes.value == 0.0
    assert found.dies_tested_share == pytest.approx(found.die.value, abs=1e-12)


def test_coverage_between_gives_bayes() -> None:
    """Share of good dies among those that pass: y / (y + (1 - y)(1 - c))."""
    share, coverage = 0.6, 0.9
    sampled = made(np.repeat(free(share, (20_000, 1, 1)), 8, axis=2))
    found = compose(sampled, replace(NO_TEST, die_coverage=coverage), 0.0)
    good = share / (share + (1 - share) * (1 - coverage))
    assert found.tested.value == pytest.approx(good, abs=0.008)
    assert found.escapes.value == pytest.approx(1 - good, abs=0.008)


def test_overkill_costs_dies_not_packages() -> None:
    found = compose(made(np.ones((4000, 4, 8), bool)), replace(PERFECT, die_overkill=0.2), 0.0)
    assert found.dies_tested_share == pytest.approx(0.8, abs=0.01)
    assert found.tested.value == 1.0


def test_spare_engines_are_k_of_n() -> None:
    share, engines, needed = 0.9, 8, 6
    good = np.repeat(free(share, (20_000, engines, 1)), 4, axis=2)
    found = compose(made(good, needed=needed), NO_TEST, 0.0)
    assert found.tested.low <= binom.sf(needed - 1, engines, share) <= found.tested.high
    assert found.package.low <= share**needed <= found.package.high  # as made: the spare ones don't count


def test_spare_wavelengths_are_k_of_n() -> None:
    sampled = made(free(0.95, (20_000, 1, 8)))  # two fibres of four lanes
    found = compose(sampled, replace(NO_TEST, spare_wavelengths=1), 0.0)
    good = found.tallies[:, TALLIES.index("good")]
    assert np.mean(good) == pytest.approx(binom.cdf(1, 4, 0.05) ** 2, abs=0.004)


def test_a_common_laser_kills_exactly_its_lanes() -> None:
    """Line 2 of 4 is weak in half of the packages: lanes of it die, no other, in all engines at once."""
    samples, engines, count = 1000, 3, 8
    weak = generator(4, "laser").random(samples) < 0.5
    line = np.tile(np.where(np.arange(count) < 4, np.arange(count) % 4, -1), (engines, 1))
    loss = np.where((line == 2)[None] & weak[:, None, None], 3.0, 0.0)
    sampled = Sampled(
        1,
        lanes_of(count),
        2.0 - loss,
        np.ones((samples, engines, count), bool),
        {"laser_power": loss},
        laser_line=line,
        line_module=np.zeros(4, int),
    )
    found = compose(sampled, NO_TEST, 0.0)
    assert found.lane.value == pytest.approx(1 - np.mean(weak) / count, abs=1e-12)
    assert found.package.value == pytest.approx(1 - np.mean(weak), abs=1e-12)
    assert found.die.value == 1.0  # a die has not met a laser
    spare = compose(sampled, replace(NO_TEST, spare_lasers=1), 0.0)
    assert np.all(spare.tallies[:, TALLIES.index("good")] == 1)


def test_known_good_dies_keep_the_laser_of_their_package() -> None:
    """A refused die is replaced; the weak laser of that package stays and kills the new die's lanes too."""
    samples, engines, count = 2000, 4, 8
    weak = generator(9, "laser").random((samples, 1, 1)) < 0.3
    loss = np.broadcast_to(np.where(weak, 5.0, 0.0), (samples, engines, count))
    die = np.repeat(free(0.5, (samples, engines, 1)), count, axis=2)
    margin = np.where(die, 2.0, -20.0) - loss
    sampled = Sampled(2, lanes_of(count), margin, np.ones(margin.shape, bool), {"laser_power": loss})
    found = compose(sampled, PERFECT, 0.0)
    assert found.tested.value == pytest.approx(1 - np.mean(weak), abs=1e-12)


def test_rings_not_held_kill_their_lanes_only() -> None:
    held = np.ones((10, 2, 8), bool)
    held[:, 1, 3] = False
    assert np.array_equal(rings_hold(held, lanes_of(8)), held)
    found = compose(replace(made(np.ones((10, 2, 8), bool)), held=held), NO_TEST, 0.0)
    assert found.lane.value == pytest.approx(15 / 16)
    assert found.ring.value == pytest.approx(15 / 16)


def test_repair_brings_back_what_it_can() -> None:
    """One dead engine of 4, one exchange: y^4 + 4 y^3 (1-y) r, where the test sees all."""
    share, success = 0.9, 0.8
    good = np.repeat(free(share, (20_000, 4, 1)), 4, axis=2)
    plan = replace(PERFECT, die_coverage=0.0, engine_coverage=0.0, repairs=1, repair_yield=success)
    found = compose(made(good), plan, 0.0)
    shipped = share**4 + 4 * share**3 * (1 - share) * success * share  # the new engine is as good as any
    assert found.shipped.value == pytest.approx(shipped, abs=0.008)
    assert found.escapes.value == 0.0
    unseen = compose(made(good), replace(plan, package_coverage=0.0), 0.0)
    assert unseen.shipped.value == 1.0
    assert unseen.escapes.value == pytest.approx(1 - np.mean(np.all(good, axis=(1, 2))), abs=1e-12)


def test_more_samples_leave_the_first_as_they_were() -> None:
    """Chances are drawn in order of samples: the first packages have the same ones, stock apart."""
    good = free(0.97, (400, 3, 8))
    plan = replace(NO_TEST, bond_yield=0.9, package_coverage=0.5)
    few, many = compose(made(good[:100]), plan, 0.0), compose(made(good), plan, 0.0)
    assert np.array_equal(few.tallies, many.tallies[:100])


def test_stock_never_holds_refused_parts() -> None:
    passed = free(0.3, (50, 3, 1))[..., 0]
    passed[:, 1] = False
    source = taken_from_stock(passed, generator(1, "stock").random(passed.shape))
    assert np.all(passed.ravel()[source])
    assert np.array_equal(source[passed], np.flatnonzero(passed))


@pytest.mark.parametrize("needed", [-1, 3])
def test_impossible_needs_are_refused(needed: int) -> None:
    with pytest.raises(InputError, match="engines must work"):
        made(np.ones((3, 2, 8), bool), needed=needed)


def test_not_a_number_is_dead() -> None:
    sampled = made(np.ones((4, 1, 8), bool))
    sampled.margin_dB[0, 0, 0] = np.nan
    sampled.margin_dB[1, 0, 0] = -np.inf
    assert compose(sampled, NO_TEST, 0.0).package.value == 0.5
