"""The ledger of packages that were drawn: small ones, of rings and of interferometers."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from cpo_pdk.analysis import Prepared, prepare
from cpo_pdk.energy.ledger import ledger
from cpo_pdk.energy.light import light_of
from cpo_pdk.energy.summary import energy_of

#: words of switch_51t2_cwdm4 and what they are in one engine of two fibres
MACH_ZEHNDERS = {
    "name: switch_51t2_cwdm4": "name: small",
    "bandwidth_Tbps: 51.2 ": "bandwidth_Tbps: 0.8 ",
    "count: 8": "count: 1",
    "{north: 2, east: 2, south: 2, west: 2}": "{north: 1}",
    "bandwidth_Tbps: 6.4": "bandwidth_Tbps: 0.8",
    "tx_fibres: 16": "tx_fibres: 2",
    "rx_fibres: 16": "rx_fibres: 2",
    "laser_fibres: 4": "laser_fibres: 1",
}


@pytest.fixture(scope="module")
def small_mach_zehnders(reworded: Callable[..., str], own_spec: Callable[[str], Path]) -> Prepared:
    return prepare(own_spec(reworded("switch_51t2_cwdm4", MACH_ZEHNDERS)))


@pytest.fixture(scope="module", params=["small_rings", "small_mach_zehnders"])
def small(request: pytest.FixtureRequest) -> Prepared:
    return request.getfixturevalue(request.param)


def test_ledger_closes(small: Prepared) -> None:
    simulation = small.simulation
    heaters = {ring.instance: max(0.0, ring.tuning_nm) / ring.heater_nm_mW for ring in simulation.rings}
    heaters |= {trimmer.instance: trimmer.mW for trimmer in simulation.trimmers}
    book = ledger(small.spec, small.parts, small.sheets, simulation, heaters_mW=heaters, load=1.0, laser_case_C=45.0)
    assert abs(book.taken_W - book.heat_W) < 1e-9
    assert book.notes == ()
    warm = {path for path, mW in heaters.items() if mW > 0}
    assert warm and warm == {place[5:] for place in book.by_place() if place.startswith("ring:")}
    energy = energy_of(small.spec, small.parts, book)
    assert 3 < energy.pJ_bit < 15
    assert len(energy.lanes_pJ_bit) == 8
    assert math.fsum(energy.lanes_pJ_bit.values()) * 0.1 == pytest.approx(energy.optics_W)
    assert energy.warnings == ()


def test_light_of_the_drawing(small: Prepared) -> None:
    """One laser fibre of four wavelengths: what comes in, less what the lanes send, heats the die."""
    simulation = small.simulation
    light = light_of(small.spec, small.parts, small.sheets, simulation.lanes)
    each = 10 ** (small.spec.laser.per_wavelength_dBm / 10) * 1e-3
    assert light.feeds == 4
    assert math.fsum(light.lasers_W.values()) == pytest.approx(4 * each)
    engine = simulation.lanes[0].engine
    assert set(light.heat_W) == {"outside", f"pic:{engine}"}
    connector = 10 ** (-small.parts.connector["loss_dB"] / 10)
    assert light.heat_W["outside"] > 4 * each * (1 - connector)
    assert light.heat_W[f"pic:{engine}"] > 0.8 * 4 * each * connector
