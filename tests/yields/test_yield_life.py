"""Life: closed forms against the ones of a textbook and against lives drawn one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from cpo_pdk.errors import InputError
from cpo_pdk.spec.part import load_part_file
from cpo_pdk.yields.intervals import wilson
from cpo_pdk.yields.lifetime import HOURS, Hardware, Life, arrhenius, at_least, up
from cpo_pdk.yields.lifetime_simulation import simulate_available, simulate_untouched

PARTS = Path(__file__).parents[2] / "components" / "parts"

HARDWARE = Hardware(
    engine_C=np.array([60.0, 65.0, 70.0, 60.0]),
    laser_C=55.0,
    line_module=np.repeat([0, 1], 8),
    line_group=np.repeat([0, 1, 2, 3], 4),
    lanes_of_line=np.full(16, 2),
    fibres=10,
    lanes=64,
    must_work=4,
)


def life(wavelengths: int = 0, modules: int = 0, **hardware: object) -> Life:
    """Rates so high that all of it shows within a year."""
    return Life(
        line=8e-6,
        engines=np.array([1e-5, 2e-5, 3e-5, 1e-5]),
        fibre=1e-7,
        package=5e-6,
        laser_h=200.0,
        engine_h=500.0,
        hardware=replace(HARDWARE, **hardware),  # type: ignore[arg-type]
        spare_wavelengths=wavelengths,
        spare_modules=modules,
    )


def test_arrhenius() -> None:
    """0.7 eV from 55 to 125 C: factor 77.9 of the usual tables of accelerated ageing."""
    assert arrhenius(0.7, 55, 125) == pytest.approx(77.9, rel=0.01)
    assert arrhenius(0.7, 125, 55) == pytest.approx(1 / arrhenius(0.7, 55, 125))
    assert arrhenius(0.0, 20, 90) == 1.0
    with pytest.raises(InputError, match="absolute zero"):
        arrhenius(0.7, -300, 20)


def test_rates_follow_the_sheet_and_the_heat() -> None:
    sheet = load_part_file(PARTS / "life_assumed.yaml")
    found = Life.of(sheet, replace(HARDWARE, engine_C=np.array([sheet["engine_at_C"], 90.0, 90.0, 90.0])))
    assert found.engines[0] == pytest.approx((sheet["engine_FIT"] + 10 * sheet["fibre_FIT"]) * 1e-9)
    assert found.engines[1] > 5 * found.engines[0]
    assert found.line == pytest.approx(
        sheet["laser_FIT"] * 1e-9 * arrhenius(sheet["laser_eV"], sheet["laser_at_C"], 55)
    )


def test_k_of_n() -> None:
    chances = np.full((6, 3), [0.5, 0.9, 1.0])
    for needed in range(8):
        assert at_least(chances, needed) == pytest.approx(binom.sf(needed - 1, 6, [0.5, 0.9, 1.0]), abs=1e-12)


def test_without_spares_all_must_live() -> None:
    found = life()
    hours = np.array([0.0, 1000.0, 8766.0])
    total = found.package + found.engines.sum() + 16 * found.line
    assert found.untouched(hours) == pytest.approx(np.exp(-total * hours), rel=1e-12)


def test_availability_in_the_long_run() -> None:
    assert up(1e-3, 100.0, np.array([1e9]))[0] == pytest.approx(1000 / 1100)
    assert up(1e-3, 100.0, np.array([0.0]))[0] == 1.0
    assert up(1e-3, 0.0, np.array([5.0]))[0] == 1.0


@pytest.mark.parametrize(
    ("wavelengths", "modules", "needed"), [(0, 0, 4), (1, 0, 4), (0, 2, 4), (1, 1, 4), (2, 0, 3), (1, 2, 2)]
)
def test_closed_form_agrees_with_drawn_lives(wavelengths: int, modules: int, needed: int) -> None:
    """Within four standard errors of 40,000 lives, untouched and repaired."""
    found = life(wavelengths, modules, must_work=needed)
    for hours in (3000.0, 15_000.0):
        for closed, drawn in (
            (found.untouched(np.array([hours]))[0], simulate_untouched(found, hours, 40_000, 1)),
            (found.available(np.array([hours]))[0], simulate_available(found, hours, 40_000, 1)),
        ):
            error = np.sqrt(drawn.value * (1 - drawn.value) / 40_000)
            assert closed == pytest.approx(drawn.value, abs=4 * error + 2e-4)


def test_spares_and_repair_help() -> None:
    hours = np.linspace(0, 20_000, 7)
    plain = life().untouched(hours)
    assert np.all(np.diff(plain) < 0)
    for better in (life(1), life(0, 1), life(must_work=3)):
        assert np.all(better.untouched(hours)[1:] > plain[1:])
    assert np.all(life().available(hours)[1:] > plain[1:])


def test_mean_lanes_without_lasers_and_rest() -> None:
    """Half of the lanes transmit; each needs its line, its engine and two fibres."""
    found = life()
    hours = np.array([5000.0])
    bare = found.engines - 10 * found.fibre
    engine = np.mean(np.exp(-bare * 5000))
    wanted = np.exp(-found.package * 5000) * engine * np.exp(-found.fibre * 5000)
    wanted *= 0.5 + 0.5 * np.exp(-(found.line + found.fibre) * 5000)
    assert found.mean_lanes(hours)[0] == pytest.approx(wanted, rel=1e-12)


def test_points_carry_the_escapes() -> None:
    escapes = wilson(10, 1000)
    first, last = life().points(np.array([0.0, 1.0]), escapes)
    assert first.untouched.value == pytest.approx(0.99)
    assert first.mean_lanes == 1.0
    assert last.untouched.value == pytest.approx(0.99 * life().untouched(np.array([HOURS]))[0])
    assert last.untouched.low < last.untouched.value < last.untouched.high


def test_impossible_hardware_is_refused() -> None:
    with pytest.raises(InputError, match="engines must work"):
        replace(HARDWARE, must_work=5)
    with pytest.raises(InputError, match="laser lines"):
        replace(HARDWARE, lanes_of_line=np.ones(3, int))
