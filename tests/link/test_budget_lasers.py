"""Laser classes, light that a guide absorbs from itself, rings that light makes bistable, and the ranking."""

from __future__ import annotations

import dataclasses
from math import exp, isclose, log10

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.results import DeviceFacts
from cpo_pdk.link import safe_power
from cpo_pdk.link.laser_classes import ELSFP_DBM, class_for, highest, total_dBm
from cpo_pdk.link.ranking import ranking
from cpo_pdk.link.results import LinkLane, Step
from cpo_pdk.link.ring_light import stable
from cpo_pdk.link.safe_power import lost_to_itself_dB, safe_dBm
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.spec.part_choice import load_parts, parts_of

PARTS = load_parts()


def test_classes_of_the_external_laser_form_factor() -> None:
    assert [class_for(dBm) for dBm in (-5, 11, 11.1, 14.2, 19.9, 23.0, 26.03)] == [
        "LP",
        "LP",
        "MP",
        "HP",
        "VHP",
        "UHP",
        "SHP",
    ]
    assert class_for(26.1) is None
    assert list(ELSFP_DBM.values()) == sorted(ELSFP_DBM.values())


def test_the_total_of_a_fibre_counts_its_wavelengths() -> None:
    assert total_dBm(17, 1) == 17 and isclose(total_dBm(17, 8), 26.03, abs_tol=0.001)


def test_the_lowest_limit_counts() -> None:
    spec = load_spec("switch_51t2")
    parts = parts_of(spec, PARTS)
    assert highest(spec, parts)[0] == 26
    small = dataclasses.replace(
        parts,
        laser=parts.laser.model_copy(
            update={
                "parameters": {
                    **parts.laser.parameters,
                    "max_dBm": parts.laser.parameters["max_dBm"].model_copy(update={"value": 18.0}),
                }
            }
        ),
    )
    assert highest(spec, small) == (18.0, "part els_dfb")
    dense = spec.engine.grid.model_copy(update={"channels": 8, "spacing_GHz": 800.0})
    wide = spec.model_copy(update={"engine": spec.engine.model_copy(update={"grid": dense})})
    assert wide.engine.grid.span_nm == 36
    assert highest(wide, parts) == (20.0, "CW-WDM Type3 over 36 nm")


@pytest.fixture
def without_carriers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_power, "CARRIER_LIFETIME_S", 1e-30)
    lost_to_itself_dB.cache_clear()
    safe_dBm.cache_clear()


@pytest.fixture(autouse=True)
def _no_left_overs() -> None:
    lost_to_itself_dB.cache_clear()
    safe_dBm.cache_clear()


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("power_mW", [1.0, 50.0, 400.0])
def test_two_photons_alone_follow_the_closed_formula(without_carriers: None, power_mW: float, channels: int) -> None:
    length, linear = 3000.0, 3.0
    alpha = linear * 0.1 / log10(exp(1))
    effective = (1 - exp(-alpha * length * 1e-4)) / alpha
    beta = safe_power.TWO_PHOTON_CM_W * (2 - 1 / channels)
    area = 0.40 * 0.22 * 1e-8
    expected = 10 * log10(1 + beta * power_mW * 1e-3 * effective / area)
    assert isclose(lost_to_itself_dB(power_mW, length, linear, 1.31, channels), expected, rel_tol=1e-3)


def test_carriers_make_it_worse_and_weak_light_loses_nothing() -> None:
    lost = [lost_to_itself_dB(power, 2000.0, 3.0, 1.31) for power in (0.001, 1, 10, 100, 400)]
    assert abs(lost[0]) < 1e-4 and lost == sorted(lost)
    assert lost[-1] / lost[-2] > 4  # carriers grow with the square of the power
    assert lost_to_itself_dB(100, 4000.0, 3.0, 1.31) > lost_to_itself_dB(100, 2000.0, 3.0, 1.31)


@settings(derandomize=True, deadline=None, max_examples=8)
@given(length=st.floats(500, 20_000), channels=st.sampled_from([1, 4, 8]))
def test_the_safe_power_loses_what_is_negligible(length: float, channels: int) -> None:
    dBm = safe_dBm(length, 3.0, 1.31, channels)
    assert isclose(lost_to_itself_dB(10 ** (dBm / 10), length, 3.0, 1.31, channels), 0.1, abs_tol=1e-3)


def test_strong_light_makes_a_ring_bistable() -> None:
    sheet = load_sheets()["ring_modulator"]
    facts = DeviceFacts(
        sheet.cell, "ring_modulator", sheet.name, {**sheet.geometry, **sheet.values}, sheet.operating_values
    )
    assert stable(facts, 0.0, 1.31) and not stable(facts, 12.0, 1.31)


def lane_of(*steps: tuple[str, float]) -> LinkLane:
    rows = [Step("laser", "source", "", None, None, 10.0, 10.0, "part")]
    for name, change in steps:
        rows.append(Step(name, "loss", "", None, None, change, rows[-1].level_dBm + change, "model"))
    numbers = {f.name: 0.0 for f in dataclasses.fields(LinkLane)}
    return dataclasses.replace(LinkLane(**numbers), steps=tuple(rows))  # type: ignore[arg-type]


def test_the_ranking_sums_what_a_lane_passes_twice_and_averages_over_lanes() -> None:
    costs = ranking([lane_of(("coupler", -1.5), ("bend", -0.5), ("coupler", -1.5)), lane_of(("coupler", -1.0))])
    assert [(cost.name, cost.mean_dB, cost.max_dB) for cost in costs] == [("coupler", 2.0, 3.0), ("bend", 0.25, 0.5)]
    assert isclose(sum(cost.share for cost in costs), 1.0) and isclose(costs[0].share, 2.0 / 2.25)
    assert ranking([]) == ()
