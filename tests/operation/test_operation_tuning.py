"""Channels and heaters of rings at given temperatures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ring_samples import FSR_NM, HEATER, NM_PER_K, SPACING_NM, alone, bus, near

from cpo_pdk.operation.assignment import Seats, assign, costs, red_shifts
from cpo_pdk.operation.headroom import cure_of, margin_of
from cpo_pdk.operation.ring_bank import RingBank, bank_of
from cpo_pdk.operation.tuning import tune


def bank(facts: tuple, fraction=alone, max_mW: float = 40.0) -> RingBank:
    return bank_of(facts, {"ring": fraction}, 25.0, max_mW)


def test_cold_rings_take_their_own_channels():
    rings = bank(bus())
    tuning = tune(rings, np.full(8, 25.0))
    assert tuning.channel.tolist() == list(range(8))
    np.testing.assert_allclose(tuning.power_mW, 0.5 / HEATER)
    assert tuning.held.all() and tuning.settled


def test_warm_rings_move_on_by_a_channel_and_the_last_one_wraps_round():
    """0.7 nm of drift with a bias of 0.5 nm: every ring is 0.2 nm above its channel."""
    rings = bank(bus())
    tuning = tune(rings, np.full(8, 35.0))
    assert tuning.channel.tolist() == [1, 2, 3, 4, 5, 6, 7, 0]
    np.testing.assert_allclose(tuning.power_mW[:7], (SPACING_NM - 0.2) / HEATER)
    wrapped = FSR_NM - 7 * SPACING_NM - 0.2
    assert tuning.power_mW[7] == pytest.approx(wrapped / HEATER)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.floats(0, 80), st.integers(0, 2**31))
def test_no_other_assignment_holds_more_rings_or_takes_less_power(rise_K: float, seed: int):
    """Against all assignments of five rings and channels."""
    rng = np.random.default_rng(seed)
    targets = np.tile(np.arange(5.0) * SPACING_NM, (5, 1)).astype(np.float64)
    first = targets[0] + rng.uniform(-1, 1, 5)
    resonances = first[:, None] + FSR_NM * np.arange(-4.0, 2.0)
    shifts, _ = red_shifts(resonances + NM_PER_K * rise_K, targets)
    cost = costs(shifts / HEATER, 40.0, 0.0)
    channel = assign([Seats(np.arange(5)[:, None], "bus")], cost)
    best = min(sum(cost[range(5), list(order)]) for order in itertools.permutations(range(5)))
    assert sorted(channel.tolist()) == list(range(5))
    assert cost[range(5), channel].sum() == pytest.approx(best)


def test_both_polarisations_of_a_detector_share_a_channel():
    facts = (*bus(direction="rx"), *bus(direction="rx", mode="@TM", bias_nm=0.1))
    tuning = tune(bank(facts), np.full(16, 29.0))  # TE is below its channels by 0.22 nm, TM above by 0.18 nm
    assert tuning.held.all()
    assert tuning.channel[:8].tolist() == tuning.channel[8:].tolist()


def test_neighbours_help_and_powers_are_those_of_the_whole_engine():
    facts = bus()
    separate, together = tune(bank(facts), np.full(8, 25.0)), tune(bank(facts, near), np.full(8, 25.0))
    assert (together.power_mW < separate.power_mW).all() and together.held.all()
    at = np.array([[fact.x, fact.y] for fact in facts])
    matrix = HEATER * near(np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)))
    np.fill_diagonal(matrix, HEATER)
    np.testing.assert_allclose(matrix @ together.power_mW, 0.5, rtol=1e-9)


def test_heaters_of_other_engines_do_nothing():
    facts = (*bus(engine="N1"), *bus(engine="N2"))
    both, one = tune(bank(facts, near), np.full(16, 25.0)), tune(bank(facts[:8], near), np.full(8, 25.0))
    np.testing.assert_allclose(both.power_mW, np.tile(one.power_mW, 2))


def test_a_ring_that_no_heater_holds_is_told_and_stays_at_the_limit():
    facts = bus(bias_nm=0.5)[:1]
    rings = bank_of([one_channel(facts[0])], {"ring": alone}, 25.0, 40.0)
    tuning = tune(rings, np.array([60.0]))  # 1.95 nm above its only channel: 8.45 nm up to the next one
    assert not tuning.held[0] and tuning.power_mW[0] == 40.0
    assert tuning.shift_nm[0] == pytest.approx(FSR_NM + 0.5 - 35 * NM_PER_K)
    assert margin_of(rings, tuning)[0] == pytest.approx(40.0 - tuning.shift_nm[0] / HEATER)


def one_channel(fact):
    return type(fact)(**{**vars(fact), "channels_um": fact.channels_um[:1]})


def test_the_cure_holds_and_names_the_spec():
    facts = (one_channel(bus()[0]),)
    rings = bank_of(facts, {"ring": alone}, 25.0, 40.0)
    heat = [np.array([45.0]), np.array([60.0])]
    said = cure_of(rings, heat, 0.5)
    bias = float(said.split()[1])
    assert said.startswith("engine.heater_bias_nm ") and bias >= 35 * NM_PER_K
    assert all(tune(rings.rebiased(bias - 0.5), ring_C).held.all() for ring_C in heat)


def test_without_a_bias_that_holds_the_cure_is_a_stronger_heater():
    """Two rings of one engine 80 K apart: 5.6 nm, more than the 4 nm of a heater; no bias helps."""
    facts = (one_channel(bus(port=1)[0]), one_channel(bus(port=2)[0]))
    rings = bank_of(facts, {"ring": alone}, 25.0, 40.0)
    said = cure_of(rings, [np.array([25.0, 105.0])], 0.5)
    assert said.startswith("engine.heater_max_mW ")
    assert tune(rings.limited(float(said.split()[1])), np.array([25.0, 105.0])).held.all()
    assert cure_of(rings, [np.array([25.0, 105.0])], 0.5, settles=lambda _bank: False) == ""


def test_power_is_kept_at_the_ends_where_channels_allow_it():
    rings = bank(bus())
    warm = np.full(8, 25.0 + 0.48 / NM_PER_K)  # 0.2 mW left
    assert tune(rings, warm).power_mW.max() == pytest.approx(0.2, abs=1e-6)
    kept = tune(rings, warm, keep_mW=2.0)
    assert kept.held.all() and kept.power_mW.min() >= 2.0
