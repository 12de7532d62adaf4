"""Link budgets of lanes put together by hand: sums, noise that matters, needed power, what is refused."""

from __future__ import annotations

import dataclasses
from math import isclose, isinf, log10
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.results import Aggressor, DeviceFacts, Lane, LossItem, SimulationResult
from cpo_pdk.energy.light import mean_over_one, span_dB
from cpo_pdk.errors import LayoutError, SpecError
from cpo_pdk.link.budget import link_budget
from cpo_pdk.link.laser_classes import class_for, total_dBm
from cpo_pdk.link.light_path import losses_outside, reflections
from cpo_pdk.link.results import LinkBudget
from cpo_pdk.spec import PackageSpec, load_sheets, parse_spec
from cpo_pdk.spec.part import Part, Parts
from cpo_pdk.spec.part_choice import load_parts, parts_of

SHEETS = load_sheets()
PARTS = load_parts()
TEXT = (Path(__file__).parents[1] / "bench.yaml").read_text("utf-8")
SPEC = parse_spec(TEXT)


def facts(name: str) -> DeviceFacts:
    sheet = SHEETS[name]
    return DeviceFacts(sheet.cell, sheet.model or "", name, {**sheet.geometry, **sheet.values}, sheet.operating_values)


def item(instance: str, cell: str, loss: float, x: float = 0.0) -> LossItem:
    return LossItem(instance, cell, cell, x, 0.0, "o1>o2", loss)


def lane(direction: str, channel: int, loss: float, run: str = "bend_euler", **more: object) -> Lane:
    unit = f"engine_E1/{direction}_1/unit_{channel}"
    if direction == "tx":
        items = (
            item("engine_E1/coupler", "edge_coupler", 1.5),
            item("engine_E1/run", run, 0.5),
            item("engine_E1/tree/splitter", "mmi1x2", loss - 6.0),
            item(f"{unit}/modulator", "ring_modulator", 3.5, x=100.0 * channel),
            item("engine_E1/out", "straight", 0.6),
            LossItem("-", "-", "-", 0.0, 0.0, "reflections and second paths", -0.1),
        )
        values = {"extinction_dB": 5.0, "laser": "ELS-1.1", "modulator": f"{unit}/modulator", "laser_ways": 4}
    else:
        items = (item("engine_E1/in", "edge_coupler", 2.0), item(f"{unit}/detector", "photodetector_dual", loss - 2.0))
        values = {"detector": f"{unit}/detector"}
    fields = {**values, "items": items, **more}
    wl = 1.29 + 0.00112 * channel
    return Lane("engine_E1", direction, 1, channel, wl, "MPO-1.1", loss, -200.0, **fields)  # type: ignore[arg-type]


def simulated(*lanes: Lane) -> SimulationResult:
    modulator, detector = facts("ring_modulator"), facts("photodetector_dual")
    devices = {one.modulator: modulator for one in lanes if one.modulator}
    devices |= {one.detector: detector for one in lanes if one.detector}
    return SimulationResult(lanes=lanes, spectra=(), crosstalk={}, devices=devices)


def pair(channel: int = 1, tx: float = 14.0, rx: float = 4.0, **more: object) -> tuple[Lane, Lane]:
    return lane("tx", channel, tx, **more), lane("rx", channel, rx)


def budget(*lanes: Lane, spec: PackageSpec = SPEC, parts: Parts | None = None) -> LinkBudget:
    chosen = parts or parts_of(spec, PARTS)
    return link_budget(spec, chosen, SHEETS, simulated(*lanes))


def asked(more: str = "", *, link: str = "", laser: str = "17") -> PackageSpec:
    """The spec with more said in it: lines at its end, keys of `link`, another power of the lasers."""
    text = TEXT.replace("dBm: 17,", f"dBm: {laser},").replace("laser_connectors: 1}", f"laser_connectors: 1{link}}}")
    return parse_spec(text + more)


def changed(part: Part, **values: float) -> Part:
    numbers = {
        name: parameter.model_copy(update={"value": values.get(name, parameter.value)})
        for name, parameter in part.parameters.items()
    }
    return part.model_copy(update={"parameters": numbers})


def test_strong_light_that_absorbs_itself_is_a_step_of_its_own_and_costs_margin() -> None:
    """0.5 dB of straight guide is 1.7 mm; ten times less light there loses hardly anything to itself."""
    (bent,), found = budget(*pair()).lanes, budget(lane("tx", 1, 14.0, run="straight"), lane("rx", 1, 4.0))
    (one,) = found.lanes
    (step,) = [step for step in one.steps if step.name == "two-photon absorption"]
    assert 0.3 < -step.change_dB < 3.0 and isclose(bent.margin_dB - one.margin_dB, -step.change_dB, abs_tol=0.02)
    assert isclose(one.steps[-1].level_dBm - one.bare_oma_dBm, one.margin_dB, abs_tol=1e-3)
    assert any("two-photon" in warning for warning in found.warnings)
    weak = budget(lane("tx", 1, 14.0, run="straight"), lane("rx", 1, 4.0), spec=asked(laser="7"))
    assert not any("two-photon" in text for text in weak.warnings)
    assert all(step.change_dB > -0.1 for step in weak.lanes[0].steps if step.name == "two-photon absorption")
    assert one.needed_laser_dBm is not None
    enough = budget(
        lane("tx", 1, 14.0, run="straight"), lane("rx", 1, 4.0), spec=asked(laser=f"{one.needed_laser_dBm:.4f}")
    )
    wanted = SPEC.require.margin_dB or 0.0
    assert isclose(enough.lanes[0].margin_dB, wanted, abs_tol=0.02)


def test_levels_are_sums_along_the_way() -> None:
    (one,) = budget(*pair()).lanes
    level_one = 17.0 - 0.35 - 14.0
    ratio = 10**-0.5
    assert isclose(one.launch_dBm, level_one + 10 * log10((1 + ratio) / 2), abs_tol=1e-9)
    assert isclose(one.oma_tx_dBm, level_one + 10 * log10(1 - ratio), abs_tol=1e-9)
    lost = 4 * 0.35 + 0.1 * 0.35 + 4.0
    assert isclose(one.received_dBm, one.launch_dBm - lost, abs_tol=1e-4)
    assert isclose(one.oma_rx_dBm, one.oma_tx_dBm - lost, abs_tol=1e-4)
    assert isclose(one.needed_oma_dBm, one.oma_rx_dBm - one.margin_dB, abs_tol=1e-9)
    assert (one.far_engine, one.far_port, one.laser) == ("engine_E1", 1, "ELS-1.1")


@settings(derandomize=True, deadline=None, max_examples=12)
@given(tx=st.floats(8, 20), rx=st.floats(2.5, 7), extinction=st.floats(2, 9), connectors=st.integers(0, 5))
def test_the_waterfall_ends_at_the_margin(tx: float, rx: float, extinction: float, connectors: int) -> None:
    spec = SPEC.model_copy(update={"link": SPEC.link.model_copy(update={"connectors": connectors, "aging_dB": 0.5})})
    (one,) = budget(*pair(tx=tx, rx=rx, extinction_dB=extinction), spec=spec).lanes
    level = 0.0
    for step in one.steps:
        level += step.change_dB
        assert isclose(step.level_dBm, level, abs_tol=1e-9)
    assert isclose(level, one.bare_oma_dBm + one.margin_dB, abs_tol=1e-3)
    before_receiver = [step for step in one.steps if step.kind != "penalty"][-1]
    assert isclose(before_receiver.level_dBm, one.oma_rx_dBm, abs_tol=1e-3)
    assert sum(step.name == "connector" for step in one.steps) == connectors + 1
    assert sum(step.kind == "modulation" for step in one.steps) == 1


def test_every_drawn_step_has_its_address_and_modulation_stands_behind_the_modulator() -> None:
    (one,) = budget(*pair(3)).lanes
    steps = list(one.steps)
    at = next(k for k, step in enumerate(steps) if step.kind == "modulation")
    assert steps[at - 1].name == "ring_modulator"
    assert steps[at].instance == steps[at - 1].instance == "engine_E1/tx_1/unit_3/modulator" and steps[at].x == 300.0
    assert all(step.source for step in steps)
    assert [step.far for step in steps] == sorted(step.far for step in steps)
    assert {step.name for step in steps if not step.instance} >= {"laser", "connector", "link fibre", "second paths"}


def test_what_a_splitter_shares_out_is_no_loss_of_its_own() -> None:
    (one,) = budget(*pair(tx=12.8)).lanes
    rows = {step.name: step for step in one.steps if step.instance == "engine_E1/tree/splitter"}
    assert isclose(rows["sharing"].change_dB, -10 * log10(4)) and isclose(rows["mmi1x2"].change_dB, 10 * log10(4) - 6.8)
    (one,) = budget(*pair(tx=12.8, laser_ways=0)).lanes
    assert not [step for step in one.steps if step.name == "sharing"]


def test_power_for_a_margin_gives_that_margin() -> None:
    spec = asked("require: {margin_dB: 2.5}\n")
    first = budget(*pair(), spec=spec).lanes[0]
    assert first.needed_laser_dBm is not None
    laser = spec.laser.model_copy(update={"per_wavelength_dBm": first.needed_laser_dBm})
    again = budget(*pair(), spec=spec.model_copy(update={"laser": laser})).lanes[0]
    assert isclose(again.margin_dB, 2.5, abs_tol=1e-3)
    lost = budget(*pair(rx=4.0 + first.margin_dB), spec=spec).lanes[0]
    assert isclose(lost.margin_dB, 0.0, abs_tol=1e-3) and isclose(lost.ber, 2.4e-4, rel_tol=1e-2)


@settings(derandomize=True, deadline=None, max_examples=10)
@given(tx=st.floats(9, 18), more=st.floats(0.05, 4), extinction=st.floats(3, 9))
def test_loss_before_and_behind_the_package_costs_the_same_margin(tx: float, more: float, extinction: float) -> None:
    margins = [
        budget(*pair(tx=tx + a, rx=4.0 + b, extinction_dB=extinction)).lanes[0].margin_dB
        for a, b in ((0.0, 0.0), (more, 0.0), (0.0, more))
    ]
    assert isclose(margins[0] - more, margins[1], abs_tol=2e-3) and isclose(margins[1], margins[2], abs_tol=1e-2)


def test_crosstalk_costs_and_weighs_what_its_lane_launches() -> None:
    alone = budget(*pair(1), *pair(2)).lanes[0]
    beside = (Aggressor("channel 2", -15.0),)
    both = [*pair(1), *pair(2)]
    both[1] = dataclasses.replace(both[1], aggressors=beside)
    equal = budget(*both).lanes[0]
    weak = budget(*both[:2], *pair(2, tx=20.0)).lanes[0]
    assert alone.noise_uA["crosstalk"] == 0 < weak.noise_uA["crosstalk"] < equal.noise_uA["crosstalk"]
    assert isclose(equal.noise_uA["crosstalk"], weak.noise_uA["crosstalk"] * 10**0.6, rel_tol=1e-3)
    assert alone.margin_dB > weak.margin_dB > equal.margin_dB > equal.margin_peak_dB
    modulated = budget(*pair(aggressors=beside)).lanes[0]
    assert isclose(modulated.margin_dB, equal.margin_dB, abs_tol=1e-3)


def test_noise_of_the_laser_may_leave_no_power_that_would_do() -> None:
    parts = parts_of(SPEC, PARTS)
    noisy = dataclasses.replace(parts, laser=changed(parts.laser, rin_dB_Hz=-120.0))
    found = budget(*pair(), parts=noisy)
    (one,) = found.lanes
    assert isinf(one.margin_dB) and one.margin_dB < 0 and one.needed_laser_dBm is None
    assert not [step for step in one.steps if step.kind == "penalty"]
    assert any("with any laser" in warning for warning in found.warnings)


def test_a_margin_that_no_laser_class_gives_names_the_power_that_would_do() -> None:
    found = budget(*pair(tx=30.0))
    (one,) = found.lanes
    (said,) = [warning for warning in found.warnings if "no laser class" in warning]
    assert one.needed_laser_dBm is not None and f"{one.needed_laser_dBm:.1f} dBm a wavelength" in said
    assert "ends at 26 dBm" in said


def test_a_margin_that_a_stronger_class_gives_names_it() -> None:
    found = budget(*pair(), spec=asked("require: {margin_dB: 3}\n", laser="5"))
    (one,) = found.lanes
    (said,) = [warning for warning in found.warnings if "would do" in warning]
    assert "1 of 1 lanes have less than 3 dB margin" in said
    power = float(said.partition("per_wavelength_dBm: ")[2].partition(" would")[0])
    assert one.needed_laser_dBm is not None and 0 <= power - one.needed_laser_dBm < 0.1
    assert said.endswith(f"ELSFP class {class_for(total_dBm(power, 8))}")


def test_a_laser_above_its_part_is_refused_at_its_line() -> None:
    parts = parts_of(SPEC, PARTS)
    weak = dataclasses.replace(parts, laser=changed(parts.laser, max_dBm=20.0))
    with pytest.raises(SpecError) as caught:
        budget(*pair(), parts=weak)
    (problem,) = caught.value.problems
    line = next(k for k, row in enumerate(TEXT.splitlines(), 1) if "per_wavelength_dBm" in row)
    assert problem.line == line and "26.0 dBm in a laser fibre" in problem.message
    assert "11.0 dBm or less" in problem.message


@pytest.mark.parametrize(
    ("lanes", "says"),
    [
        ((), "no transmit lanes"),
        ((lane("rx", 1, 4.0),), "no transmit lanes"),
        ((lane("tx", 1, 14.0),), "no receive lane of the same port"),
        ((lane("tx", 1, 14.0, extinction_dB=None), lane("rx", 1, 4.0)), "no modulator"),
        ((lane("tx", 1, 14.0, modulator=""), lane("rx", 1, 4.0)), "no modulator whose model is known"),
        ((lane("tx", 1, 14.0), lane("rx", 1, 4.0, detector="")), "no detector whose model is known"),
    ],
)
def test_lanes_that_make_no_link_are_refused(lanes: tuple[Lane, ...], says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        budget(*lanes)


def test_an_eye_that_is_upside_down_is_counted_as_none_and_said() -> None:
    found = budget(*pair(extinction_dB=-3.0))
    (one,) = found.lanes
    assert one.extinction_dB == 0.01 and one.margin_dB < -10
    assert "1 of 1 lanes carry no data" in found.warnings[0]


def test_a_filter_off_its_channel_is_no_matter_of_lasers() -> None:
    (said,) = [line for line in budget(*pair(rx=90.0)).warnings if "carry no data" in line]
    assert "-91 dBm at its detector" in said


def test_light_is_counted_as_for_its_heat() -> None:
    outside = losses_outside(SPEC, parts_of(SPEC, PARTS), SHEETS)
    assert isclose(outside.between, span_dB(SPEC, parts_of(SPEC, PARTS), SHEETS))
    tx, rx = pair()
    (one,) = budget(tx, rx).lanes
    level_one = 17.0 - outside.laser_connectors - tx.insertion_loss_dB
    assert isclose(one.launch_dBm - level_one, 10 * log10(mean_over_one(tx)), abs_tol=1e-9)


def test_a_layout_with_other_lanes_than_its_spec_is_noticed() -> None:
    found = budget(*pair())
    assert found.warnings[-1].startswith("the layout has 1 lanes each way, bench asks for 16")
    whole = [dataclasses.replace(one, port=port) for port in (1, 2) for k in range(1, 9) for one in pair(k)]
    assert not [line for line in budget(*whole).warnings if "each way" in line]


def test_parts_for_slower_lanes_are_named() -> None:
    spec = asked(link=", parts: {tia: tia_56g}")
    found = budget(*pair(), spec=spec)
    assert any("tia_56g is made for 56 Gb/s, a lane has 106.25 Gb/s" in warning for warning in found.warnings)
    assert found.lanes[0].eye_opening < budget(*pair()).lanes[0].eye_opening
    assert found.parts["tia"] == "tia_56g"


def test_longer_fibre_and_worse_connectors_cost_what_they_lose() -> None:
    near = budget(*pair()).lanes[0].margin_dB
    far = (
        budget(*pair(), spec=parse_spec(TEXT.replace("length_m: 100", "length_m: 2000, aging_dB: 0.5")))
        .lanes[0]
        .margin_dB
    )
    assert isclose(near - far, 1.9 * 0.35 + 0.5, abs_tol=0.02)
    parts = parts_of(SPEC, PARTS)
    flat = dataclasses.replace(parts, connector=changed(parts.connector, return_loss_dB=20.0))
    assert budget(*pair(), parts=flat).lanes[0].noise_uA["mpi"] > 20 * budget(*pair()).lanes[0].noise_uA["mpi"]


def test_reflecting_places_lie_as_far_apart_as_the_loss_between_them() -> None:
    parts = parts_of(SPEC, PARTS)
    outside = losses_outside(SPEC, parts, SHEETS)
    places, between = reflections(SPEC, parts, SHEETS, outside, 4.0)
    assert places == [40.0, 60.0, 60.0, 60.0, 60.0, 40.0, 30.0]
    assert isclose(sum(between), outside.between + 4.0) and len(between) == len(places) - 1
    spec = SPEC.model_copy(update={"link": SPEC.link.model_copy(update={"connectors": 0})})
    places, between = reflections(spec, parts, SHEETS, losses_outside(spec, parts, SHEETS), 4.0)
    assert places == [40.0, 40.0, 30.0] and isclose(sum(between), 0.035 + 4.0)


def test_the_slowest_part_is_named() -> None:
    fast, slow = budget(*pair()), budget(*pair(), spec=asked(link=", parts: {tia: tia_56g}"))
    assert set(fast.bandwidth_dB) == {"driver", "modulator", "detector", "tia"}
    assert next(iter(fast.bandwidth_dB)) == "modulator"
    assert slow.bandwidth_dB["tia"] > fast.bandwidth_dB["tia"] + 0.5
    assert list(slow.bandwidth_dB.values()) == sorted(slow.bandwidth_dB.values(), reverse=True)


def test_fec_sets_the_rate_and_the_threshold() -> None:
    strong = budget(*pair())
    none = budget(*pair(), spec=parse_spec(TEXT.replace("fec: KP4", "fec: none")))
    assert (strong.baud_GBd, strong.threshold_ber) == (53.125, 2.4e-4)
    assert (none.baud_GBd, none.threshold_ber, none.fec) == (50.0, 1e-12, "none")
    assert none.lanes[0].margin_dB < strong.lanes[0].margin_dB - 2
    own = budget(*pair(), spec=asked(link=", pre_fec_BER: 1.0e-6"))
    assert own.threshold_ber == 1e-6 and own.lanes[0].margin_dB < strong.lanes[0].margin_dB
