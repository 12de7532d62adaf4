"""Connectors and joints: the distributions that their sheets ask for, and what can't be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.attach.bumps import Bumps
from cpo_pdk.attach.connectors import Connectors, moments
from cpo_pdk.errors import InputError, ParameterError, SpecError
from cpo_pdk.spec.part import Part
from cpo_pdk.spec.part_choice import load_parts
from cpo_pdk.variation.samples import Draw

Change = Callable[..., Part]
SOME = Draw(11, np.arange(20_000))
PARTS = load_parts()


def pair(change: Change, mean: float, sigma: float, most: float) -> Connectors:
    attach = change(PARTS["attach_active"], connector_sigma_dB=sigma, connector_max_dB=most)
    return Connectors.of(attach, change(PARTS["mpo_connector"], loss_dB=mean))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(0.1, 0.9), st.floats(0.02, 0.26), st.floats(0.3, 2.0))
def test_what_is_left_of_the_cut_off_spread_has_the_mean_and_the_spread_of_the_sheets(
    changed: Change, part: float, spread: float, most: float
) -> None:
    mean, sigma = part * most, spread * most * min(part, 1 - part)
    found = pair(changed, mean, sigma, most)
    assert moments(found.centre_dB, found.width_dB, most) == pytest.approx((mean, sigma), rel=1e-6)


def test_sampled_pairs_have_it_too_and_keep_the_limits(changed: Change) -> None:
    found = pair(changed, 0.35, 0.15, 0.75)
    lost = 0.35 + found.deviation_dB(SOME, 2, 1)
    assert lost.min() >= 0 and lost.max() <= 0.75
    assert lost.mean() == pytest.approx(0.35, abs=0.003)
    assert lost.std() == pytest.approx(0.15, rel=0.02)
    four = found.deviation_dB(SOME, 1, 4)
    assert four.std() == pytest.approx(0.3, rel=0.03), "pairs in a row are independent"
    assert abs(_together(*found.deviation_dB(SOME, 2, 1).T)) < 0.03


def _together(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other).ravel()[1])


def test_a_fibre_keeps_its_numbers_and_a_fixed_cause_is_the_mean(changed: Change) -> None:
    found = pair(changed, 0.35, 0.15, 0.75)
    some = Draw(11, np.arange(10))
    np.testing.assert_array_equal(found.deviation_dB(some, [7, 2], 3), found.deviation_dB(some, 8, 3)[:, [7, 2]])
    fixed = Draw(11, np.arange(10), fixed=frozenset({"connector"}))
    np.testing.assert_array_equal(found.deviation_dB(fixed, 4, 3), 0.0)
    np.testing.assert_array_equal(found.deviation_dB(some, 4, 0), 0.0)
    np.testing.assert_array_equal(pair(changed, 0.9, 0.0, 0.75).deviation_dB(some, 4, 2), 0.0)
    with pytest.raises(ParameterError, match=r"pairs is -1, 0 to 64 mated pairs"):
        found.deviation_dB(some, 4, -1)


def test_spreads_that_cannot_be_are_refused_at_their_line(changed: Change) -> None:
    with pytest.raises(SpecError, match=r"attach_active\.yaml:\d+:\d+: connector_max_dB is 0\.3 dB, the mean loss of"):
        pair(changed, 0.35, 0.1, 0.3)
    with pytest.raises(SpecError, match=r"connector_sigma_dB is 0\.5 dB, losses between 0 and 0\.75 dB of mean 0\.35"):
        pair(changed, 0.35, 0.5, 0.75)


@pytest.mark.parametrize("name", ["attach_active", "attach_passive"])
def test_shipped_sheets_can_be_used(name: str) -> None:
    assert Connectors.of(PARTS[name], PARTS["mpo_connector"]).width_dB > 0
    for parameter in PARTS[name].parameters.values():
        assert parameter.choice or "(" in parameter.source


def bumps(place: float, turn: float, half: tuple[float, float] = (3500.0, 3000.0)) -> Bumps:
    return Bumps(130.0, half, 32.5, place, turn)


def test_a_shifted_engine_is_off_as_rayleigh_says() -> None:
    model = bumps(15.0, 0.0)
    drawn = model.draws(SOME, 1)
    within = (model.offset_um(drawn) <= 32.5).mean()
    assert within == pytest.approx(1 - np.exp(-(32.5**2) / (2 * 15.0**2)), abs=0.006)
    needed = model.needed(drawn, 0.9, turn=False)
    assert needed == pytest.approx(32.5 / np.sqrt(-2 * np.log(0.1)), rel=0.02)


def test_a_turned_engine_is_off_by_the_chord_at_its_corners() -> None:
    model = bumps(0.0, 0.3)
    drawn = model.draws(Draw(1, np.arange(50)), 2)
    angle = np.radians(0.3) * np.abs(drawn[2])
    np.testing.assert_allclose(model.offset_um(drawn), 2 * np.hypot(3500, 3000) * np.sin(angle / 2))


def test_the_worst_joint_is_the_worst_of_all() -> None:
    model = bumps(10.0, 0.1)
    drawn = model.draws(Draw(2, np.arange(40)), 1)
    x, y = (10.0 * drawn[k][:, 0, None] for k in (0, 1))
    angle = np.radians(0.1) * drawn[2][:, 0, None]
    a, b = (g.ravel() for g in np.meshgrid(np.linspace(-3500, 3500, 15), np.linspace(-3000, 3000, 15)))
    off = np.hypot(
        x + a * (np.cos(angle) - 1) - b * np.sin(angle), y + a * np.sin(angle) + b * (np.cos(angle) - 1)
    ).max(1)
    np.testing.assert_allclose(model.offset_um(drawn)[:, 0], off)


def test_joints_need_more_the_more_is_asked_and_none_where_nothing_helps() -> None:
    model = bumps(8.0, 0.05)
    drawn = model.draws(SOME, 1)
    easy, hard = (model.needed(drawn, share, turn=False) for share in (0.9, 0.99))
    assert easy is not None and hard is not None and easy > hard
    assert bumps(8.0, 2.0).needed(drawn, 0.9, turn=False) is None
    assert bumps(8.0, 0.05).needed(drawn, 0.9, turn=True) is not None
    with pytest.raises(InputError, match="give both sizes"):
        Bumps.of(PARTS["attach_active"], 130.0, (0.0, 3000.0))
    assert Bumps.of(PARTS["attach_active"], 130.0, (7000.0, 6000.0)).reach_um == pytest.approx(32.5)
