"""The ledger of watts: both sums are equal whatever the package, and each taker is what its sheet says."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.energy.charging import charging
from cpo_pdk.energy.lasers import wall_plug
from cpo_pdk.energy.ledger import Account, ledger, traffic_of
from cpo_pdk.energy.results import Ledger
from cpo_pdk.errors import ParameterError, SpecError
from cpo_pdk.spec import PackageSpec, Sheet, load_spec
from cpo_pdk.spec.part import Part, Parts, load_part_file
from cpo_pdk.spec.part_choice import parts_of

Made = Callable[..., SimulationResult]


def book(
    spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], made: SimulationResult, load: float = 1.0, **more: float
) -> Ledger:
    heaters = {ring.instance: 4.0 for ring in made.rings} | {t.instance: t.mW for t in made.trimmers}
    return ledger(spec, parts, sheets, made, heaters_mW=heaters, load=load, laser_case_C=more.get("laser_case_C", 45.0))


@pytest.mark.parametrize(
    ("name", "mzm"),
    [("switch_51t2", False), ("switch_102t4", False), ("switch_51t2_cwdm4", True), ("optical_io_ucie", False)],
)
def test_both_sums_are_equal(
    name: str, mzm: bool, all_parts: dict[str, Part], sheets: dict[str, Sheet], make: Made
) -> None:
    package = load_spec(name)
    found = book(package, parts_of(package, all_parts), sheets, make(engines=3, ports=4, mzm=mzm), load=0.6)
    assert found.taken_W == pytest.approx(found.heat_W, abs=1e-9)
    assert all(heat.watt >= 0 for heat in found.heat)
    assert all(consumer.watt > 0 for consumer in found.consumers)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    engines=st.integers(1, 3),
    ports=st.integers(1, 4),
    channels=st.integers(1, 4),
    ways=st.integers(1, 4),
    seed=st.integers(0, 1000),
    load=st.floats(0.2, 1.5),
    case=st.floats(-10, 85),
)
def test_both_sums_are_equal_for_any_lanes(
    spec: PackageSpec,
    parts: Parts,
    sheets: dict[str, Sheet],
    make: Made,
    engines: int,
    ports: int,
    channels: int,
    ways: int,
    seed: int,
    load: float,
    case: float,
) -> None:
    made = make(engines, ports, channels, ways, seed)
    rng = np.random.default_rng(seed)
    heaters = {ring.instance: float(rng.uniform(0, 40)) for ring in made.rings if rng.random() < 0.7}
    found = ledger(spec, parts, sheets, made, heaters_mW=heaters, load=load, laser_case_C=case)
    assert abs(found.taken_W - found.heat_W) < 1e-9
    assert math.fsum(found.by_kind().values()) == pytest.approx(found.taken_W)
    assert math.fsum(found.by_place().values()) == pytest.approx(found.heat_W)


def test_each_taker_is_what_its_sheet_says(
    spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made
) -> None:
    made = make(engines=2, ports=2, channels=2)  # 8 lanes each way, 16 rings
    watts = book(spec, parts, sheets, made).by_kind()
    assert watts["tia"] == pytest.approx(8 * 96.8e-3)
    assert watts["serdes_engine"] == pytest.approx(8 * 1.24 * 0.10625)
    assert watts["serdes_host"] == pytest.approx(8 * 1.24 * 0.10625)
    assert watts["asic"] + watts["serdes_host"] == pytest.approx(spec.asic.power_W)
    assert watts["heater"] == pytest.approx(16 * 4e-3 / 0.85)
    assert watts["control"] == pytest.approx(16 * 0.5e-3 + 2 * 0.5)
    taken = charging(next(iter(made.devices.values())), "PAM4", 53.125, parts.driver["resistance_ohm"])
    assert taken is not None
    assert watts["modulator"] == pytest.approx(8 * taken.mW * 1e-3)
    lost = 1 / parts.driver["efficiency"] - 1
    assert watts["driver"] == pytest.approx(8 * (parts.driver["static_mW"] * 1e-3 + taken.mW * 1e-3 * lost))
    # 2 engines x 1 laser fibre x 2 wavelengths of 17 dBm
    assert watts["laser"] == pytest.approx(4 * 10**1.7 * 1e-3 / wall_plug(parts.laser, 45.0))


def test_heat_is_where_it_belongs(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made) -> None:
    made = make(engines=2)
    found = book(spec, parts, sheets, made)
    places = found.by_place()
    assert places["asic"] == pytest.approx(spec.asic.power_W)
    assert places["ring:engine_N1/rx_2/unit_1"] == pytest.approx(4e-3)
    light = 8 * 0.5 * 10**1.7 * 1e-3
    assert places["els:ELS-1"] == pytest.approx(found.by_kind()["laser"] - light)
    assert math.fsum(heat.watt for heat in found.heat if heat.kind == "light") == pytest.approx(light)
    assert {heat.engine for heat in found.heat} == {"", "engine_N1", "engine_N2"}


def test_load_acts_on_the_asic_alone(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made) -> None:
    idle, full = (book(spec, parts, sheets, make(), load=load).by_kind() for load in (0.3, 1.0))
    assert full.pop("asic") - idle.pop("asic") == pytest.approx(0.7 * spec.asic.power_W)
    assert idle == full


def test_idle_share_of_a_sheet(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made, tmp_path) -> None:
    """A serial link that sleeps takes its static half and no more."""
    text = parts.serdes.origin.read_text()
    assert "idle_share: {value: 1.0" in text
    file = tmp_path / parts.serdes.origin.name
    file.write_text(text.replace("idle_share: {value: 1.0", "idle_share: {value: 0.0"))
    asleep = Parts(**{**parts.each(), "serdes": load_part_file(file)})
    idle, half, full = (book(spec, asleep, sheets, make(), load=load) for load in (0.3, 0.65, 1.0))
    assert idle.by_kind()["serdes_engine"] == pytest.approx(0.5 * full.by_kind()["serdes_engine"])
    assert half.by_kind()["serdes_engine"] == pytest.approx(0.75 * full.by_kind()["serdes_engine"])
    assert abs(idle.taken_W - idle.heat_W) < 1e-9
    assert [traffic_of(spec, load) for load in (0.1, 0.3, 0.65, 1.0, 1.5)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_lasers_take_more_in_the_heat(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made) -> None:
    cold, hot = (book(spec, parts, sheets, make(), laser_case_C=case) for case in (25.0, 65.0))
    drop = parts.laser["wall_plug_drop_per_K"]
    assert hot.by_kind()["laser"] / cold.by_kind()["laser"] == pytest.approx(math.exp(40 * drop))
    assert hot.by_place()["outside"] == pytest.approx(cold.by_place()["outside"])


def test_bad_heaters_and_loads(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made) -> None:
    made = make()
    path = made.rings[0].instance
    for heaters, load, message in (
        ({"engine_N1/tx_9/unit_9": 1.0}, 1.0, "is no ring or interferometer of the layout"),
        ({path: -1.0}, 1.0, "takes -1.0 mW, 0 or more needed"),
        ({path: math.nan}, 1.0, "takes nan mW, 0 or more needed"),
        ({}, -0.1, "load is -0.1, 0 or more needed"),
        ({}, math.inf, "load is inf, 0 or more needed"),
    ):
        with pytest.raises(ParameterError, match=message):
            ledger(spec, parts, sheets, made, heaters_mW=heaters, load=load, laser_case_C=45.0)
    with pytest.raises(ParameterError, match="laser_case_C is nan"):
        ledger(spec, parts, sheets, made, heaters_mW={}, load=1.0, laser_case_C=math.nan)


def test_asic_that_does_not_cover_its_links(
    spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made
) -> None:
    with pytest.raises(SpecError, match=r"asic.power_W 500 W at a load of 0 is 0 W, the serial links in the ASIC take"):
        ledger(spec, parts, sheets, make(), heaters_mW={}, load=0.0, laser_case_C=45.0)


def test_parts_too_slow_for_the_lanes(
    spec: PackageSpec, parts: Parts, all_parts: dict[str, Part], sheets: dict[str, Sheet], make: Made
) -> None:
    slow = Parts(**{**parts.each(), "tia": all_parts["tia_56g"], "serdes": all_parts["serdes_xsr_56g"]})
    with pytest.raises(SpecError) as caught:
        ledger(spec, slow, sheets, make(), heaters_mW={}, load=1.0, laser_case_C=45.0)
    texts = [problem.message for problem in caught.value.problems]
    assert texts == [
        "lanes of 100 Gb/s, serdes_xsr_56g is made for 56 Gb/s at most; name a faster one under link.parts.serdes",
        "lanes of 100 Gb/s, tia_56g is made for 56 Gb/s at most; name a faster one under link.parts.tia",
    ]
    assert all(problem.line > 1 for problem in caught.value.problems)


def test_efficiency_that_no_module_has(parts: Parts) -> None:
    assert wall_plug(parts.laser, parts.laser["wall_plug_at_C"]) == parts.laser["wall_plug"]
    with pytest.raises(SpecError, match=r"wall plug efficiency is .* at a case of -300 C, 0.001 to 0.9 allowed"):
        wall_plug(parts.laser, -300.0)


def test_unknown_modulator_is_said(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made) -> None:
    made = make()
    bare = SimulationResult(made.lanes, (), {}, rings=made.rings)
    found = book(spec, parts, sheets, bare)
    assert "modulator" not in found.by_kind()
    assert found.notes == ("lanes without a known modulator: power to switch it not counted",)


@pytest.mark.parametrize("key", ["static_share", "idle_share"])
def test_share_beyond_one_is_refused_at_its_line(key: str, parts: Parts, tmp_path) -> None:
    lines = parts.serdes.origin.read_text().splitlines(keepends=True)
    number = next(k for k, line in enumerate(lines) if key in line)
    lines[number] = f'  {key}: {{value: 1.5, unit: "1", source: "made up"}}\n'
    file = tmp_path / parts.serdes.origin.name
    file.write_text("".join(lines))
    with pytest.raises(SpecError, match=rf"{key} is 1.5, 0 to 1 allowed") as caught:
        load_part_file(file)
    assert [problem.line for problem in caught.value.problems] == [number + 1]


def test_account_is_asked_again_and_again(
    spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made
) -> None:
    """Heaters of one question don't stay for the next."""
    made = make()
    account = Account(spec, parts, sheets, made, load=1.0, laser_case_C=45.0)
    none = account.with_heaters({})
    warm = account.with_heaters({ring.instance: 10.0 for ring in made.rings})
    assert warm.taken_W - none.taken_W == pytest.approx(len(made.rings) * 10e-3 / 0.85)
    assert account.with_heaters({}) == none
    places = warm.by_place()
    assert [places[f"ring:{ring.instance}"] for ring in made.rings] == pytest.approx([10e-3] * len(made.rings))


def test_static_is_what_is_taken_whatever_is_sent(
    spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], make: Made
) -> None:
    found = book(spec, parts, sheets, make(engines=1, ports=1, channels=1))
    shares = {kind: sum(c.watt for c in found.consumers if c.kind == kind and c.static) for kind in found.by_kind()}
    shares = {kind: shares[kind] / watt for kind, watt in found.by_kind().items()}
    assert [shares.pop(kind) for kind in ("modulator", "asic")] == [0, 0]
    assert [shares.pop(kind) for kind in ("serdes_host", "serdes_engine")] == pytest.approx([0.5, 0.5])
    assert shares.pop("driver") == pytest.approx(parts.driver["static_mW"] * 1e-3 / found.by_kind()["driver"])
    assert shares and set(shares.values()) == {1.0}
