"""Rings of many samples at once decide as those of one do."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ring_samples import FSR_NM, HEATER, SPACING_NM, alone, bus, near
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from cpo_pdk.errors import ParameterError
from cpo_pdk.operation.locking_many import BLOCK, Locked, ManyBank, assign_many, lock_many
from cpo_pdk.operation.ring_bank import RingBank, bank_of
from cpo_pdk.operation.tuning import tune


def bank(facts: tuple, fraction=alone, max_mW: float = 40.0) -> RingBank:
    return bank_of(facts, {"ring": fraction}, 25.0, max_mW)


def engine() -> RingBank:
    """Transmit rings, and receive rings of two polarisations that share detectors."""
    return bank((*bus(), *bus(direction="rx", port=2), *bus(direction="rx", port=2, mode="@TM", bias_nm=0.3)), near)


def sampled(rings: RingBank, samples: int, seed: int, local_nm: float) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shape = (samples, len(rings))
    spread = rng.normal(0, 2.0, (samples, 1, 1)) + rng.normal(0, local_nm, (*shape, 1))
    return {
        "resonances_nm": rings.resonances_nm + spread,
        "targets_nm": rings.targets_nm + rng.normal(0, 0.05, (samples, 1, 8)),
        "drift_nm": rng.uniform(0.0, 2.0, shape),
        "heater_nm_mW": HEATER * rng.uniform(0.8, 1.25, shape),
    }


@pytest.mark.parametrize("keep_mW", [0.0, 1.0])
@pytest.mark.parametrize("local_nm", [0.02, 0.3, 2.0])
def test_every_sample_is_what_tune_says(local_nm: float, keep_mW: float):
    rings = engine()
    many = ManyBank.of(rings, "N1")
    given = sampled(rings, 40, 5, local_nm)
    found = lock_many(many, **given, keep_mW=keep_mW, patience=0)
    for s in range(40):
        heater = given["heater_nm_mW"][s]
        one = replace(
            rings,
            resonances_nm=given["resonances_nm"][s],
            targets_nm=given["targets_nm"][s],
            heater_nm_mW=heater,
            coupling=csr_array(many.neighbours * heater[None, :] / heater[:, None]),
        )
        tuning = tune(one, 25.0 + given["drift_nm"][s] / one.nm_per_K, keep_mW=keep_mW)
        assert found.channel[s].tolist() == tuning.channel.tolist()
        assert found.order[s].tolist() == tuning.order.tolist()
        assert found.held[s].tolist() == tuning.held.tolist()
        assert bool(found.settled[s]) == tuning.settled
        np.testing.assert_allclose(found.power_mW[s], tuning.power_mW, atol=1e-8)
        np.testing.assert_allclose(found.tuning_nm[s], tuning.given_nm, atol=1e-8)
    assert 0.05 < found.held.mean() <= 1.0


def test_rings_that_alternate_are_asked_for_more_power_until_they_stay():
    """Samples in which channels agree at once are not touched; of the others more rings are held."""
    rings = engine()
    many, given = ManyBank.of(rings, "N1"), sampled(rings, 400, 7, 0.05)
    plain, patient = lock_many(many, **given, patience=0), lock_many(many, **given)
    quiet = plain.settled
    assert 0.02 < (~quiet).mean() < 0.5
    np.testing.assert_array_equal(plain.channel[quiet], patient.channel[quiet])
    np.testing.assert_array_equal(plain.power_mW[quiet], patient.power_mW[quiet])
    assert (patient.held.sum(axis=1) >= plain.held.sum(axis=1)).all()
    assert patient.settled.mean() > plain.settled.mean() and patient.held.mean() > plain.held.mean()
    kept = [found.held[~quiet].all(axis=1).mean() for found in (plain, patient)]
    assert kept[1] > kept[0] + 0.1


def test_heat_beyond_what_was_counted_takes_power_off_every_heater():
    """50 K/W, eight rings: what the heaters take more than counted has moved all of them, by nm/K and K/W."""
    rings = ManyBank.of(bank(bus(bias_nm=2.0), near), "N1")
    cold = rings.resonances_nm[None]
    plain = lock_many(rings, cold)
    total = float(plain.power_mW.sum())
    same = lock_many(rings.warmed(50.0, total), cold)
    np.testing.assert_allclose(same.power_mW, plain.power_mW, atol=1e-9)
    np.testing.assert_allclose(same.tuning_nm, plain.tuning_nm, atol=1e-9)
    more = lock_many(rings.warmed(50.0, 0.0), cold)
    assert more.held.all() and more.power_mW.sum() < total
    own = ManyBank.of(bank(bus(bias_nm=2.0), near), "N1")
    extra = 50.0 * 1e-3 * own.nm_per_K * more.power_mW.sum()
    given = HEATER * (more.power_mW + more.power_mW @ own.neighbours.T)
    np.testing.assert_allclose(given + extra, 2.0, atol=1e-8)
    np.testing.assert_allclose(more.tuning_nm, 2.0, atol=1e-8)


def test_neighbours_do_not_depend_on_how_strong_heaters_are():
    """As the bank of rings with other heaters has it."""
    facts = bus()
    strong = tuple(replace(fact, heater_nm_mW=HEATER * (1 + 0.1 * n)) for n, fact in enumerate(facts))
    first, second = (ManyBank.of(bank(f, near), "N1") for f in (facts, strong))
    np.testing.assert_allclose(first.neighbours, second.neighbours)


def test_a_held_ring_sits_on_its_target_and_takes_power_within_its_limit():
    rings = engine()
    many = ManyBank.of(rings, "N1")
    given = sampled(rings, 3 * BLOCK + 1, 9, 0.4)
    found = lock_many(many, **given)
    rows, ring = np.nonzero(found.held)
    at = given["targets_nm"][rows, ring, found.channel[rows, ring]]
    start = given["resonances_nm"][rows, ring, found.order[rows, ring]] + given["drift_nm"][rows, ring]
    np.testing.assert_allclose(start + found.tuning_nm[rows, ring], at, atol=1e-8)
    assert found.power_mW.min() >= 0 and found.power_mW.max() <= 40.0 + 1e-9
    for seat in many.seats:  # every line of a bus is taken once
        assert (np.sort(found.channel[:, seat[:, 0]], axis=1) == np.arange(8)).all()


@settings(derandomize=True, deadline=None, max_examples=10)
@given(st.integers(1, 9), st.integers(0, 2**31))
def test_samples_do_not_feel_each_other(cut: int, seed: int):
    rings = engine()
    many, given = ManyBank.of(rings, "N1"), sampled(rings, 10, seed, 0.5)
    whole = lock_many(many, **given)
    parts = [lock_many(many, **{k: v[rows] for k, v in given.items()}) for rows in (slice(0, cut), slice(cut, 10))]
    for name in ("channel", "order", "held", "settled"):
        np.testing.assert_array_equal(getattr(whole, name), np.concatenate([getattr(p, name) for p in parts]))
    np.testing.assert_allclose(whole.power_mW, np.concatenate([p.power_mW for p in parts]), atol=1e-9)


@settings(derandomize=True, deadline=None, max_examples=8)
@given(st.floats(-30.0, 30.0), st.integers(0, 2**31))
def test_lines_and_rings_that_move_together_change_nothing(by_nm: float, seed: int):
    """Nor does it matter whether warmth or the process has moved a ring."""
    rings = engine()
    many, given = ManyBank.of(rings, "N1"), sampled(rings, 6, seed, 0.4)
    first = lock_many(many, **given)
    both = {"resonances_nm": given["resonances_nm"] + by_nm, "targets_nm": given["targets_nm"] + by_nm}
    moved = lock_many(many, **{**given, **both})
    warm = {"resonances_nm": given["resonances_nm"] + given["drift_nm"][:, :, None], "drift_nm": 0.0}
    told = lock_many(many, **{**given, **warm})
    for other in (moved, told):
        np.testing.assert_array_equal(other.channel, first.channel)
        np.testing.assert_array_equal(other.held, first.held)
        np.testing.assert_allclose(other.power_mW, first.power_mW, atol=1e-8)


def test_a_stronger_limit_never_loses_a_ring_that_was_held():
    rings = engine()
    many, given = ManyBank.of(rings, "N1"), sampled(rings, 100, 11, 0.8)
    held = [lock_many(many, **given, max_mW=most).held.mean() for most in (5.0, 20.0, 40.0, 150.0)]
    assert held == sorted(held) and held[0] < 0.9 and held[-1] > 0.99


def test_fixed_rings_keep_the_channel_that_they_are_drawn_for():
    """Rings 0.2 nm too warm: with wrapping they move on by a channel, fixed ones need the next resonance below."""
    rings = ManyBank.of(bank(bus(), max_mW=200.0), "N1")
    free = lock_many(rings, rings.resonances_nm[None], drift_nm=0.7)
    fixed = lock_many(rings, rings.resonances_nm[None], drift_nm=0.7, policy="fixed")
    assert free.channel[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 0]
    assert fixed.channel[0].tolist() == list(range(8)) and fixed.held.all()
    np.testing.assert_allclose(fixed.tuning_nm, FSR_NM - 0.2)
    assert fixed.power_mW.sum() > free.power_mW.sum()
    assert not lock_many(rings, rings.resonances_nm[None], drift_nm=0.7, policy="fixed", max_mW=40.0).held.any()


def test_a_dark_line_loses_one_ring_and_no_more():
    rings = ManyBank.of(bank(bus()), "N1")
    targets = rings.targets_nm.copy()
    targets[:, 2] = np.nan
    found = lock_many(rings, rings.resonances_nm[None], targets_nm=targets[None])
    assert found.held.sum() == 7 and found.power_mW[0, ~found.held[0]].tolist() == [0.0]
    assert sorted(found.channel[found.held].tolist()) == [0, 1, 3, 4, 5, 6, 7]


def test_a_spare_line_is_taken_where_the_own_one_is_dark():
    """Nine lines for eight rings: all are held, those below the dark line where they were."""
    rings = ManyBank.of(bank(bus()), "N1")
    more = np.concatenate([rings.targets_nm, rings.targets_nm[:, -1:] + SPACING_NM], axis=1)
    more[:, 5] = np.nan
    found = lock_many(rings, rings.resonances_nm[None], targets_nm=more)
    assert found.held.all() and found.channel[0].tolist() == [0, 1, 2, 3, 4, 6, 7, 8]


def test_a_ring_too_many_is_left_without_a_line():
    rings = ManyBank.of(bank(bus()), "N1")
    found = lock_many(rings, rings.resonances_nm[None], targets_nm=rings.targets_nm[:, 1:])
    assert (found.channel == -1).sum() == 1 and not found.held[found.channel < 0].any()
    assert sorted(found.channel[found.held].tolist()) == list(range(7))


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.integers(1, 8), st.integers(1, 9), st.integers(0, 2**31))
def test_assignments_are_those_of_one_after_the_other(rows: int, columns: int, seed: int):
    rng = np.random.default_rng(seed)
    cost = rng.uniform(0, 50, (12, rows, columns))
    cost[rng.random(cost.shape) < 0.2] += 1e6
    found = assign_many(cost)
    for sample in range(12):
        at, taken = linear_sum_assignment(cost[sample])
        wanted = np.full(rows, -1)
        wanted[at] = taken
        assert found[sample].tolist() == wanted.tolist()


def test_a_bank_can_be_sent_to_another_process():
    rings = engine()
    many = ManyBank.of(rings, "N1")
    there = pickle.loads(pickle.dumps(many))
    given = sampled(rings, 3, 2, 0.3)
    np.testing.assert_array_equal(lock_many(there, **given).power_mW, lock_many(many, **given).power_mW)


def test_no_samples_are_no_rings():
    many = ManyBank.of(engine(), "N1")
    found = lock_many(many, np.zeros((0, len(many), 4)))
    assert isinstance(found, Locked) and found.channel.shape == (0, len(many))


def test_what_does_not_fit_is_refused_in_one_line():
    many = ManyBank.of(engine(), "N1")
    cold = many.resonances_nm[None]
    with pytest.raises(ParameterError, match='no rings on engine "X9"; engines with rings: N1'):
        ManyBank.of(engine(), "X9")
    with pytest.raises(ParameterError, match=r"resonances have the shape \(24, \d\); \(samples, 24 rings"):
        lock_many(many, cold[0])
    with pytest.raises(ParameterError, match=r"targets have the shape \(7, 8\)"):
        lock_many(many, cold, targets_nm=many.targets_nm[:7])
    with pytest.raises(ParameterError, match=r"drift_nm has the shape \(3,\); a number, \(24,\) or \(1, 24\) needed"):
        lock_many(many, cold, drift_nm=np.zeros(3))
    with pytest.raises(ParameterError, match="heater_nm_mW is 0 nm/mW; above 0 needed"):
        lock_many(many, cold, heater_nm_mW=0.0)
    with pytest.raises(ParameterError, match='policy is "best"; wrap or fixed needed'):
        lock_many(many, cold, policy="best")
