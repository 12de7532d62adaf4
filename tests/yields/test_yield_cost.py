"""Cost: sums that can be done by hand, scrap that is paid for, prices that nobody quoted named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cpo_pdk.errors import SpecError
from cpo_pdk.spec.part import Part, load_part_file
from cpo_pdk.spec.production import Production, Spares
from cpo_pdk.spec.production_choice import ProductionSheets
from cpo_pdk.yields.compose import Composed, compose
from cpo_pdk.yields.cost import Bill, cost_of
from cpo_pdk.yields.intervals import generator
from cpo_pdk.yields.plan import Plan
from cpo_pdk.yields.results import YieldResult
from cpo_pdk.yields.sampled import Lanes, Sampled
from cpo_pdk.yields.summary import yield_result

PARTS = Path(__file__).parents[2] / "components" / "parts"
BILL = Bill(engines=4, laser_modules=2, connectors=3, bandwidth_Tbps=10.0, dies_per_wafer=100)
NAMES = ("variation_ant", "spread_assumed", "attach_active", "test_assumed", "life_assumed", "prices_assumed")
SHEETS = ProductionSheets(*(load_part_file(PARTS / f"{name}.yaml") for name in NAMES))
SURE = Plan(die_coverage=1.0, engine_coverage=1.0, package_coverage=1.0)


def packages(die: float = 1.0, attach: float = 1.0, samples: int = 4000) -> Sampled:
    """Four engines of four lanes; dies and arrays are good or bad as a whole."""
    draw = generator(1, "cost")
    good_die = np.broadcast_to(draw.random((samples, 4, 1)) < die, (samples, 4, 4))
    bad_array = np.broadcast_to(draw.random((samples, 4, 1)) >= attach, (samples, 4, 4))
    loss = np.where(bad_array, 5.0, 0.0)
    number = np.arange(4)
    lanes = Lanes(number < 2, number // 2, number % 2, np.empty((4, 0), int))
    margin = np.where(good_die, 2.0, -9.0) - loss
    line = np.tile(np.where(number < 2, number, -1), (4, 1))
    return Sampled(
        1,
        lanes,
        margin,
        np.ones((samples, 4, 0), bool),
        {"attach": loss},
        laser_line=line,
        line_module=np.zeros(2, int),
    )


def composed(plan: Plan, die: float = 1.0, attach: float = 1.0) -> Composed:
    return compose(packages(die, attach), plan, 0.0)


def by_name(cost) -> dict[str, tuple[float, float]]:
    return {line.name: (line.bought_USD, line.scrap_USD) for line in cost.lines}


def test_nothing_bad_costs_the_bill() -> None:
    prices = SHEETS.prices
    found = cost_of(composed(SURE), prices, BILL, 1)
    assert found is not None
    each = prices["wafer_USD"] / 100 + sum(
        prices[name] for name in ("die_test_USD", "eic_USD", "attach_USD", "engine_test_USD", "mount_USD")
    )
    once = prices["asic_USD"] + prices["substrate_USD"] + prices["package_test_USD"]
    whole = 4 * each + once + 2 * prices["laser_module_USD"] + 3 * prices["connector_USD"]
    assert found.package_USD == pytest.approx(whole)
    assert found.USD_Tbps == pytest.approx(whole / 10)
    assert sum(line.scrap_USD for line in found.lines) == pytest.approx(0.0, abs=1e-9)
    assert found.interval.low == found.interval.high == found.USD_Tbps


def test_a_bad_die_costs_a_die_only() -> None:
    plain, worse = (cost_of(composed(SURE, die=share), SHEETS.prices, BILL, 1) for share in (1.0, 0.5))
    assert plain is not None and worse is not None
    passed = composed(SURE, die=0.5).dies_tested_share
    for name, (bought, scrap) in by_name(worse).items():
        wanted = bought * (1 / passed - 1) if name in ("photonic dies", "tests of dies") else 0.0
        assert scrap == pytest.approx(wanted, abs=1e-9)
    assert worse.interval.low < worse.USD_Tbps < worse.interval.high


def test_a_bad_array_costs_the_engine() -> None:
    found = cost_of(composed(SURE, attach=0.8), SHEETS.prices, BILL, 1)
    assert found is not None
    passed = composed(SURE, attach=0.8).engines_tested_share
    lines = by_name(found)
    for name in ("photonic dies", "electronic dies", "fibre arrays", "tests of engines"):
        assert lines[name][1] == pytest.approx(lines[name][0] * (1 / passed - 1))
    assert lines["switch die"][1] == lines["laser modules"][1] == 0.0


def test_an_untested_bad_die_costs_the_package() -> None:
    """No test before the last one: the switch die goes with the engines; lasers are plugged in and stay."""
    blind = replace(SURE, die_coverage=0.0, engine_coverage=0.0)
    found = cost_of(composed(blind, die=0.9), SHEETS.prices, BILL, 1)
    tested = cost_of(composed(SURE, die=0.9), SHEETS.prices, BILL, 1)
    assert found is not None and tested is not None
    share = composed(blind, die=0.9).shipped.value
    lines = by_name(found)
    assert lines["switch die"][1] == pytest.approx(lines["switch die"][0] * (1 / share - 1))
    assert lines["laser modules"][1] == 0.0
    assert found.USD_Tbps > 1.2 * tested.USD_Tbps


def test_no_good_package_has_no_price() -> None:
    assert cost_of(composed(SURE, die=0.0), SHEETS.prices, BILL, 1) is None


def test_placeholders_are_named() -> None:
    found = cost_of(composed(SURE), SHEETS.prices, BILL, 1)
    assert found is not None
    assert set(found.placeholders) == set(SHEETS.prices.parameters)
    quoted = SHEETS.prices.model_dump()
    quoted["parameters"]["asic_USD"] |= {"choice": False, "source": "quotation of 1 January"}
    again = cost_of(composed(SURE), Part.model_validate(quoted), BILL, 1)
    assert again is not None
    assert "asic_USD" not in again.placeholders
    assert [line.placeholder for line in again.lines if line.name == "switch die"] == [False]


def test_broken_number_of_repairs_is_refused_at_its_line(tmp_path: Path) -> None:
    text = (PARTS / "test_assumed.yaml").read_text().replace("repairs: {value: 1,", "repairs: {value: 1.5,")
    (tmp_path / "test_assumed.yaml").write_text(text)
    with pytest.raises(SpecError, match=r"test_assumed.yaml:13:\d+: repairs is 1.5, a whole number needed") as error:
        Plan.of(Production(), load_part_file(tmp_path / "test_assumed.yaml"))
    assert "\n" not in str(error.value)


def summary(sampled: Sampled, production: Production | None = None, **more: object) -> YieldResult:
    return yield_result(
        sampled,
        name="test",
        state="full",
        production=production or Production(),
        sheets=SHEETS,
        bill=BILL,
        digest="d",
        asked=sampled.samples,
        **more,  # type: ignore[arg-type]
    )


def test_everything_is_said() -> None:
    found = summary(packages(die=0.95, attach=0.97), engine_C=[50, 60, 70, 80], laser_C=50.0, gate_pct=50.0)
    assert found.killers[0].name == "attach"
    assert {point.kind for point in found.spares} == {"wavelengths", "engines", "repairs"}
    assert [round(point.years, 1) for point in found.life] == [0.5 * k for k in range(11)]
    assert found.cost is not None
    assert found.holds and found.gate == 50.0
    assert found.shipped.value > found.tested.value > found.package.value
    assert [sum(h.counts) for h in found.margins] == [4000 * 8, 4000 * 8, 4000]
    assert not any("at the temperature that" in note for note in found.notes)
    assert not summary(packages(die=0.5), gate_pct=50.0).holds
    by_kind = {(p.kind, p.count): p for p in found.spares}
    assert by_kind["repairs", 1].package_yield.value == pytest.approx(
        found.shipped.value * (1 - found.escapes.value), abs=1e-12
    )
    assert by_kind["repairs", 1].cost_USD_Tbps == pytest.approx(found.cost.USD_Tbps)


def test_spare_engines_of_the_spec_are_built_and_paid() -> None:
    production = Production(spares=Spares(engines=1))
    plain, spare = summary(packages(die=0.9, attach=0.97)), summary(packages(die=0.9, attach=0.97), production)
    assert spare.shipped.value > plain.shipped.value
    assert spare.cost is not None and plain.cost is not None
    assert by_name(spare.cost)["electronic dies"][0] == 5 * SHEETS.prices["eic_USD"]
    assert spare.life[-1].untouched.value > plain.life[-1].untouched.value
    assert any("next sample" in note for note in spare.notes)
    costs = {p.count: p.cost_USD_Tbps for p in spare.spares if p.kind == "engines"}
    assert costs[1] == pytest.approx(spare.cost.USD_Tbps)


def test_hopeless_packages_are_said_in_words() -> None:
    found = summary(packages(die=0.0, samples=50))
    assert found.cost is None
    assert found.package.value == 0.0 < found.package.high
    assert any("a good one has no price" in note for note in found.notes)
    assert found.life[-1].untouched.value >= 0.0
