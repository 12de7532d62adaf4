"""Where the light ends: by hand for one lane, and never more than the lasers give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.energy.light import light_of, mean_over_one, module_of, span_dB, ways_dB
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts

Made = Callable[..., SimulationResult]


def test_one_lane_by_hand(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made) -> None:
    made = make(engines=1, ports=1, channels=1, ways=1)
    tx, rx = made.lanes
    light = light_of(spec, parts, sheets, made.lanes)
    laser = 10**1.7 * 1e-3
    assert light.lasers_W == {("ELS-1", "engine_N1"): pytest.approx(laser)}
    assert light.feeds == 1
    at_engine = laser * 10 ** (-(0.35 + 0.1) / 10)
    sent = at_engine * 10 ** (-(tx.insertion_loss_dB - 0.3) / 10) * (1 + 10**-0.5) / 2
    there = sent * 10 ** (-(0.2 + 4 * 0.35 + 0.1 * 0.35 + 0.1) / 10)
    assert light.heat_W["outside"] == pytest.approx(laser - at_engine + sent - there)
    assert light.heat_W["pic:engine_N1"] == pytest.approx(at_engine - sent + there)
    assert rx.direction == "rx"


def test_ways_of_a_lane(make: Made) -> None:
    tx, rx = make(engines=1, ports=1, channels=1, ways=1).lanes
    before, inside, behind = ways_dB(tx)
    assert (before, behind) == pytest.approx((0.1, 0.2))
    assert before + inside + behind == pytest.approx(tx.insertion_loss_dB)
    assert ways_dB(rx)[2] == 0.0


def test_span_counts_connectors_fibre_and_ageing(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet]) -> None:
    long = spec.model_copy(update={"link": spec.link.model_copy(update={"length_m": 2000.0, "aging_dB": 0.5})})
    assert span_dB(long, parts, sheets) == pytest.approx(4 * 0.35 + 2 * 0.35 + 0.5)


def test_modules_and_levels(make: Made) -> None:
    assert module_of("ELS-12.3") == "ELS-12"
    assert module_of("laser_1") == "laser_1"
    tx, rx = make(engines=1, ports=1, channels=1).lanes
    assert mean_over_one(rx) == 1.0
    assert mean_over_one(replace(tx, extinction_dB=0.0)) == 1.0
    assert mean_over_one(replace(tx, extinction_dB=60.0)) == pytest.approx(0.5, rel=1e-5)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    ports=st.integers(1, 4),
    ways=st.integers(1, 4),
    seed=st.integers(0, 500),
    gain=st.floats(-12.0, 0.0),
)
def test_all_light_ends_once(
    spec: PackageSpec,
    parts: Parts,
    sheets: dict[str, Sheet],
    make: Made,
    ports: int,
    ways: int,
    seed: int,
    gain: float,
) -> None:
    """Even lanes that lose less than their share of the split (as no circuit does) can't send more than comes."""
    made = make(engines=2, ports=ports, channels=2, ways=ways, seed=seed)
    lanes = [replace(lane, insertion_loss_dB=lane.insertion_loss_dB + gain) for lane in made.lanes]
    light = light_of(spec, parts, sheets, lanes)
    given_W = math.fsum(light.lasers_W.values())
    assert math.fsum(light.heat_W.values()) == pytest.approx(given_W, rel=1e-12)
    assert given_W == pytest.approx(light.feeds * 10**1.7 * 1e-3)
    assert all(watt >= 0 for watt in light.heat_W.values())


def test_light_without_a_receiver_ends_outside(
    spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made
) -> None:
    made = make(engines=1, ports=1, channels=1, ways=1)
    both = light_of(spec, parts, sheets, made.lanes).heat_W
    alone = light_of(spec, parts, sheets, made.lanes[:1]).heat_W
    assert alone["outside"] > both["outside"]
    assert math.fsum(alone.values()) == pytest.approx(math.fsum(both.values()))
