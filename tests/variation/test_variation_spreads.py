"""Spreads of devices and lasers: as wide as the sheet says, shared by what shares them."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.spec import load_sheets
from cpo_pdk.spec.part_choice import load_parts
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.spreads import LEAST, Spreads, own_spread

SHEET = load_parts()["spread_assumed"]
SPREADS = Spreads(SHEET)
DRAW = Draw(1, np.arange(500))


@pytest.mark.parametrize(
    ("kind", "name"),
    [("coupling", "ring_coupling_pct"), ("heater", "heater_pct"), ("responsivity", "responsivity_pct")],
)
def test_devices_spread_as_the_sheet_says_each_on_its_own(kind: str, name: str) -> None:
    drawn = getattr(SPREADS, kind)(DRAW, 2, 30)
    assert drawn.shape == (500, 2, 30)
    assert drawn.std() == pytest.approx(SHEET[name] / 100, rel=0.03)
    flat = drawn.reshape(500, -1)
    apart = np.corrcoef(flat.T)[~np.eye(60, dtype=bool)]
    assert np.abs(apart).max() < 5.5 / np.sqrt(500)


def test_guides_of_a_die_lose_alike() -> None:
    assert SPREADS.guide_loss(DRAW, 3).shape == (500, 3)
    assert SPREADS.guide_loss(DRAW, 3).std() == pytest.approx(SHEET["guide_loss_pct"] / 100, rel=0.06)
    assert (SPREADS.guide_loss(DRAW, [2]) == SPREADS.guide_loss(DRAW, 3)[:, 2:]).all()


def test_lines_of_a_module_share_the_modules_part() -> None:
    power = SPREADS.laser_power_dB(DRAW, 4, 8)
    both = np.hypot(SHEET["laser_module_dB"], SHEET["laser_power_dB"])
    assert power.shape == (500, 4, 8)
    assert power.std() == pytest.approx(both, rel=0.05)
    lines = power[:, 0]
    assert np.corrcoef(lines[:, 0], lines[:, 5])[0, 1] == pytest.approx(
        (SHEET["laser_module_dB"] / both) ** 2, abs=0.12
    )
    assert abs(np.corrcoef(power[:, 0, 0], power[:, 1, 0])[0, 1]) < 0.2
    grid = SPREADS.laser_grid_GHz(DRAW, 4, 8)
    assert grid.std() == pytest.approx(np.hypot(SHEET["laser_comb_GHz"], SHEET["laser_line_GHz"]), rel=0.06)
    # what lines have apart from their module is their own
    assert (grid - grid.mean(axis=2, keepdims=True)).std(ddof=0) == pytest.approx(
        SHEET["laser_line_GHz"] * np.sqrt(7 / 8), rel=0.03
    )


def test_a_devices_own_spread_wins() -> None:
    detector = load_sheets()["photodetector"]
    assert np.isnan(own_spread("responsivity", detector))
    parameter = detector.parameters["responsivity_A_W"].model_copy(update={"spread": 0.0455})
    told = detector.model_copy(update={"parameters": {**detector.parameters, "responsivity_A_W": parameter}})
    own = own_spread("responsivity", told)
    assert own == pytest.approx(0.05)
    assert np.isnan(own_spread("coupling", told))
    drawn = SPREADS.responsivity(DRAW, 1, 2, [own, np.nan])
    known = SPREADS.responsivity(DRAW, 1, 2)
    assert drawn[..., 0] == pytest.approx(known[..., 0] * own / (SHEET["responsivity_pct"] / 100))
    assert (drawn[..., 1] == known[..., 1]).all()


def test_own_spreads_are_one_a_device_and_not_negative() -> None:
    for own in ([0.1], [0.1, -0.1]):
        with pytest.raises(ParameterError, match=r"\(2,\) of 0 or more needed"):
            SPREADS.heater(DRAW, 1, 2, own)


def test_nothing_is_less_than_nothing() -> None:
    assert SPREADS.heater(DRAW, 1, 1, [3.0]).min() == LEAST


def test_a_held_cause_leaves_the_others_as_they_are() -> None:
    held = Draw(1, np.arange(500), fixed=frozenset({"laser_power"}))
    assert (SPREADS.laser_power_dB(held, 2, 4) == 0).all()
    assert (SPREADS.laser_grid_GHz(held, 2, 4) == SPREADS.laser_grid_GHz(DRAW, 2, 4)).all()
