"""Energy a bit: sums that agree with one another, and a ledger that lies is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.energy.ledger import ledger
from cpo_pdk.energy.results import Consumer, EnergyResult, Ledger
from cpo_pdk.energy.summary import energy_of
from cpo_pdk.errors import ParameterError
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.link import Cluster
from cpo_pdk.spec.part import Parts, load_part_file

Made = Callable[..., SimulationResult]


@pytest.fixture(scope="module")
def made(make: Made) -> SimulationResult:
    return make(engines=2, ports=4, channels=2)


@pytest.fixture(scope="module")
def book(spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], made: SimulationResult) -> Ledger:
    heaters = {ring.instance: 1.0 + k for k, ring in enumerate(made.rings)}
    return ledger(spec, parts, sheets, made, heaters_mW=heaters, load=1.0, laser_case_C=45.0)


@pytest.fixture(scope="module")
def energy(spec: PackageSpec, parts: Parts, book: Ledger) -> EnergyResult:
    return energy_of(spec, parts, book)


def test_sums_agree(spec: PackageSpec, book: Ledger, energy: EnergyResult) -> None:
    assert book.lanes_Tbps == pytest.approx(1.6)
    asic = book.by_kind()["asic"]
    assert energy.optics_W == pytest.approx(book.taken_W - asic)
    assert energy.pJ_bit == pytest.approx(energy.optics_W / 1.6)
    assert math.fsum(energy.by_kind_pJ_bit.values()) == pytest.approx(energy.pJ_bit)
    assert energy.static_W + energy.dynamic_W == pytest.approx(energy.optics_W)
    assert list(energy.by_kind_pJ_bit.values()) == sorted(energy.by_kind_pJ_bit.values(), reverse=True)
    assert energy.without_host_pJ_bit == pytest.approx(energy.pJ_bit - 1.24 * 1.0625)


def test_engines_have_the_heat_that_is_in_neither_asic_nor_lasers(book: Ledger, energy: EnergyResult) -> None:
    elsewhere = math.fsum(heat.watt for heat in book.heat if heat.place.startswith(("asic", "els:", "outside")))
    assert math.fsum(energy.engines_W.values()) == pytest.approx(book.heat_W - elsewhere)
    assert sorted(energy.engines_W) == ["engine_N1", "engine_N2"]


def test_lanes_share_all_of_the_optics(spec: PackageSpec, energy: EnergyResult) -> None:
    assert len(energy.lanes_pJ_bit) == 16
    assert math.fsum(energy.lanes_pJ_bit.values()) * 0.1 == pytest.approx(energy.optics_W)
    assert list(energy.engines_pJ_bit) == ["engine_N1", "engine_N2"]
    assert math.fsum(energy.engines_pJ_bit.values()) / 2 == pytest.approx(energy.pJ_bit)
    # a lane whose heaters take more costs more: heaters rise in the order of the rings
    first, last = energy.lanes_pJ_bit["engine_N1", 1, 1], energy.lanes_pJ_bit["engine_N1", 4, 2]
    assert last - first == pytest.approx(2 * 7e-3 / 0.85 / 0.1)


def test_lanes_received_but_not_sent_are_shared_out(
    spec: PackageSpec, parts: Parts, sheets: dict[str, Sheet], made: SimulationResult
) -> None:
    lanes = tuple(lane for lane in made.lanes if lane.direction == "rx" or lane.port < 4)
    fewer = replace(made, lanes=lanes)
    book = ledger(spec, parts, sheets, fewer, heaters_mW={}, load=1.0, laser_case_C=45.0)
    found = energy_of(spec, parts, book)
    assert len(found.lanes_pJ_bit) == 12
    assert math.fsum(found.lanes_pJ_bit.values()) * 0.1 == pytest.approx(found.optics_W)


def test_ledger_that_does_not_close_is_refused(spec: PackageSpec, parts: Parts, book: Ledger) -> None:
    more = replace(book, consumers=(*book.consumers, Consumer("laser", 1e-6)))
    with pytest.raises(ParameterError, match=r"the ledger does not close: .* 1e-06 W apart, 1e-09 allowed"):
        energy_of(spec, parts, more)
    with pytest.raises(ParameterError, match="has no transmit lanes, 1 needed"):
        energy_of(spec, parts, replace(book, lanes_Tbps=0.0))


def test_bandwidth_and_case_are_warned_of(
    spec: PackageSpec, parts: Parts, book: Ledger, energy: EnergyResult, tmp_path
) -> None:
    assert energy.warnings == (
        "energy a bit is that of the 1.6 Tb/s that the layout's lanes carry, the spec has 51.2 Tb/s",
    )
    file = tmp_path / parts.laser.origin.name
    limit = '  case_max_C: {value: 40.0, unit: C, source: "made up"}\n'
    file.write_text(parts.laser.origin.read_text() + limit)
    warm = Parts(**{**parts.each(), "laser": load_part_file(file)})
    assert energy_of(spec, warm, book).warnings[-1] == ("thermal.laser_case_C is 45 C, els_dfb is made for -40 to 40 C")


def test_cluster_by_hand(spec: PackageSpec, parts: Parts, book: Ledger, energy: EnergyResult) -> None:
    assert energy.cluster is None
    cluster = Cluster(ports=2000, port_Gbps=800.0, hours=1000.0, pue=1.5, carbon_g_kWh=500.0)
    found = energy_of(spec.model_copy(update={"cluster": cluster}), parts, book).cluster
    assert found is not None
    assert found.packages == pytest.approx(1000.0)
    assert found.optics_MWh == pytest.approx(1000 * energy.optics_W * 1000 * 1.5 / 1e6)
    assert found.carbon_t == pytest.approx(found.optics_MWh * 0.5)
    assert found.pluggable == "pluggable, 800G"
    assert found.pluggable_MWh == pytest.approx(1600e12 * (18.75 + 2.4) * 1e-12 * 1000 * 1.5 / 1e6)
