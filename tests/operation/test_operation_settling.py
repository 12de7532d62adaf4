"""The loop against a package whose heat is a straight line: one engine, one watt is so many kelvins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from ring_samples import FSR_NM, HEATER, NM_PER_K, alone, bus, near

from cpo_pdk.circuit.results import RingFacts, TrimmerFacts
from cpo_pdk.energy.results import Consumer, Heat, Ledger
from cpo_pdk.operation.headroom import lost_on_the_way, unlocks
from cpo_pdk.operation.results import Unlock
from cpo_pdk.operation.ring_bank import RingBank, bank_of
from cpo_pdk.operation.sensitivity import HeatOfHeaters, followed, watts_per_K
from cpo_pdk.operation.settling import SETTLED_K, Surroundings, settle, settle_lowest, trim_power_mW
from cpo_pdk.operation.tuning import tune

AIR_C, ASIC_K_W = 30.0, 0.05


def around(facts: tuple[RingFacts, ...], K_W: float, fraction=alone, max_mW: float = 40.0, keep: float = 0.0):
    """Rings over one engine that a watt warms by `K_W`, an ASIC's watt by `ASIC_K_W`."""
    bank = bank_of(facts, {"ring": fraction}, 25.0, max_mW)

    def heat(places: Mapping[str, float]) -> tuple[np.ndarray, dict[str, float]]:
        pic = sum(watt for place, watt in places.items() if place != "asic")
        celsius = AIR_C + ASIC_K_W * places.get("asic", 0.0) + K_W * pic
        return np.full(len(bank), celsius), {"N1": celsius}

    return Surroundings(bank, (), HeatOfHeaters(np.full((len(bank), 1), K_W)), heat, keep)


def writer(asic_W: float) -> Callable[[Mapping[str, float]], Ledger]:
    def write(heaters_mW: Mapping[str, float]) -> Ledger:
        watts = {f"ring:{path}": 1e-3 * mW for path, mW in heaters_mW.items()} | {"asic": asic_W}
        consumers = tuple(Consumer("heater", watt) for watt in watts.values())
        return Ledger(consumers, tuple(Heat(place, watt, "heater") for place, watt in watts.items()), 1.0)

    return write


def begin(place: Surroundings, asic_W: float):
    return place.heat({"asic": asic_W})


@pytest.mark.parametrize("K_W", [0.0, 5.0, 40.0, 200.0])
def test_the_fixed_point_holds_together(K_W: float):
    """Temperature from heaters and heaters from temperature, put in by hand, agree; even where heat feeds back much."""
    place = around(bus(bias_nm=4.0), K_W, near)
    found = settle(place, writer(200.0), *begin(place, 200.0))
    assert found.converged and found.residual_K < SETTLED_K and found.reason == ""
    assert found.tuning.held.all()
    rise = K_W * 1e-3 * found.tuning.power_mW.sum()
    np.testing.assert_allclose(found.ring_C, AIR_C + ASIC_K_W * 200.0 + rise, atol=2 * SETTLED_K)
    np.testing.assert_allclose(found.tuning.power_mW, tune(place.bank, found.ring_C).power_mW, atol=0.01)
    assert found.ledger.by_place()["asic"] == 200.0


def test_few_rounds_do_even_where_plain_repetition_would_run_away():
    """A watt more makes the heaters take 1.1 W less: plain repetition diverges, Newton's step does not."""
    facts = bus(bias_nm=3.0)
    place = around(facts, 200.0)
    start = begin(place, 0.0)
    gain = float((watts_per_K(place.bank, tune(place.bank, start[0])) @ place.heaters.K_W)[0, 0])
    assert gain > 1.0
    found = settle(place, writer(0.0), *start)
    assert found.converged and found.rounds < 12


def test_what_can_not_settle_says_why():
    """A heat that jumps up and down each time it is asked has no fixed point."""
    place = around(bus(), 10.0)
    jump = iter(range(1000))

    def restless(_places: Mapping[str, float]) -> tuple[np.ndarray, dict[str, float]]:
        celsius = 40.0 + 20.0 * (next(jump) % 2)
        return np.full(8, celsius), {"N1": celsius}

    found = settle(replace(place, heat=restless), writer(0.0), np.full(8, 50.0), {"N1": 50.0})
    assert not found.converged
    assert "still change by" in found.reason and "rounds" in found.reason


def test_of_several_answers_the_one_with_the_least_power():
    """Rings that are 0.1 nm below their channel when their heaters are off: they stay, or move on and stay hot."""
    bias = 0.1 + NM_PER_K * (AIR_C - 25.0)
    place = around(bus(bias_nm=bias), 50.0)
    hot = settle(place, writer(0.0), np.full(8, AIR_C + 5.0), {"N1": AIR_C})
    found = settle_lowest(place, writer(0.0), *begin(place, 0.0))
    assert hot.converged and found.converged
    assert hot.tuning.power_mW.sum() > 3 * found.tuning.power_mW.sum()
    assert found.tuning.channel.tolist() == list(range(8))


def test_followed_is_the_solution_of_rise_and_heaters():
    place = around(bus(bias_nm=3.0), 30.0, near)
    tuning = tune(place.bank, np.full(8, 40.0))
    watts = watts_per_K(place.bank, tuning)
    rise = followed(np.ones(8), place.heaters, watts)
    np.testing.assert_allclose(rise + place.heaters.K_W @ (watts @ rise), 1.0)
    warmer = tune(place.bank, np.full(8, 41.0), before=tuning, frozen=True)
    change = 1e-3 * (tuning.power_mW - warmer.power_mW).sum()
    assert float(watts.sum()) == pytest.approx(change, rel=1e-6)


def rings_at(asic_W: float, bias_nm: float) -> tuple[Surroundings, RingBank, object]:
    place = around(bus(bias_nm=bias_nm), 20.0, near)
    found = settle(place, writer(asic_W), *begin(place, asic_W))
    return place, place.bank, found


def test_the_unlocking_load_is_where_a_heater_reaches_its_end():
    """Just before that load all rings follow with their channels kept, just behind it one does not."""
    place, bank, found = rings_at(200.0, 2.0)
    up, down = unlocks("full", 200.0, 500.0, bank, found.tuning, np.full(8, ASIC_K_W), place.heaters)  # pyright: ignore
    assert up.asic_W is not None and 200.0 < up.asic_W < 750.0 and "off" in up.why
    assert down.asic_W is None and down.ring == ""
    for step, holds in ((-1.0, True), (1.0, False)):
        ring_C, before = found.ring_C, found.tuning  # pyright: ignore
        for _ in range(60):  # heaters and heat in turns, channels kept
            now = tune(bank, ring_C, before=before, frozen=True)
            new_C, _ = place.heat(writer(up.asic_W + step)(dict(zip("abcdefgh", now.power_mW, strict=True))).by_place())
            ring_C = 0.5 * ring_C + 0.5 * new_C
        assert now.held.all() == holds


def test_a_ring_that_is_not_held_is_lost_already():
    facts = tuple(replace(fact, channels_um=fact.channels_um[:1]) for fact in bus()[:1])
    place = around(facts, 0.0)
    found = settle(place, writer(800.0), *begin(place, 800.0))
    assert found.converged and not found.tuning.held.any()
    up, down = unlocks("full", 800.0, 800.0, place.bank, found.tuning, np.full(1, ASIC_K_W), place.heaters)
    assert up == down and up.asic_W == 800.0 and up.ring == facts[0].instance and "limit" in up.why


def test_channels_that_no_load_can_keep_are_told():
    def step(asic_W: float | None) -> Unlock:
        return Unlock("", asic_W, "", "")

    idle, full = ("idle", step(300.0), step(None)), ("full", step(None), step(250.0))
    said = lost_on_the_way([idle, full], 150.0, 500.0)
    assert "those of idle hold from 150 to 300 W, those of full hold from 250 to 500 W" in said
    assert lost_on_the_way([idle, full, ("typical", step(600.0), step(100.0))], 150.0, 500.0) == ""
    assert lost_on_the_way([], 150.0, 500.0) == ""


def test_interferometers_go_round_to_the_next_fringe():
    trimmer = TrimmerFacts("N1/a", "a", "N1", 0, 0.0, 0.0, 10.0, 27.0, 0.06, 40.0, mW_per_K=-0.5, period_mW=54.0)
    assert trim_power_mW(trimmer, 25.0, 25.0) == 10.0
    assert trim_power_mW(trimmer, 35.0, 25.0) == pytest.approx(5.0)
    assert trim_power_mW(trimmer, 55.0, 25.0) == pytest.approx(49.0)
    assert trim_power_mW(replace(trimmer, mW_per_K=0.0), 90.0, 25.0) == 10.0


def test_samples_cover_the_wrap():
    assert HEATER * 40.0 < FSR_NM  # a ring alone can't be turned once round
