"""Carriers and the depletion junction: closed forms, limits, what depends on what, and the published simulation."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import junction
from cpo_pdk.models.carriers import CHARGE, absorption_per_cm, index_drop, mobility_cm2_Vs, resistivity_ohm_m

DOPING = np.geomspace(1e17, 3e18, 9)
SILICON_F_M = 11.7 * 8.8541878128e-12


def test_carriers_at_the_rows_of_the_published_table() -> None:
    n = 1e18
    assert index_drop("electrons", 1.55, n) == pytest.approx(5.40e-22 * n**1.011)
    assert index_drop("holes", 1.55, n) == pytest.approx(1.53e-18 * n**0.838)
    assert index_drop("electrons", 1.3, n) == pytest.approx(2.98e-22 * n**1.016)
    assert absorption_per_cm("holes", 1.3, n) == pytest.approx(1.02e-19 * n**1.089)
    assert absorption_per_cm("electrons", 1.55, n) == pytest.approx(8.88e-21 * n**1.167)
    assert index_drop("holes", 1.4, 0.0) == 0.0


def test_carriers_do_more_at_longer_wavelengths_as_free_ones_must() -> None:
    wl = np.linspace(1.26, 1.6, 35)
    for kind in ("electrons", "holes"):
        for effect in (index_drop, absorption_per_cm):
            values = effect(kind, wl, 5e17)
            assert np.all(np.diff(values) > 0)
            power = np.log(values[-1] / values[0]) / np.log(wl[-1] / wl[0])
            assert 0.5 < power < 4.5  # Drude: 2


def test_mobility_of_light_and_heavy_doping() -> None:
    assert mobility_cm2_Vs("electrons", 1e14) == pytest.approx(1340, rel=0.01)
    assert mobility_cm2_Vs("holes", 1e14) == pytest.approx(461, rel=0.01)
    assert mobility_cm2_Vs("electrons", 1e20) == pytest.approx(90, rel=0.03)
    # a hundredth of an ohm cm is reached at about 5e18 (n) and 1e19 (p)
    assert resistivity_ohm_m("electrons", 5e18) == pytest.approx(1e-4, rel=0.1)
    assert resistivity_ohm_m("holes", 1e19) == pytest.approx(1e-4, rel=0.1)


def test_depletion_is_the_textbook_formula_and_neutral() -> None:
    V, p, n = 2.0, 3e17, 1e18
    left, right = junction.depletion_um(V, p, n)
    assert left * p == pytest.approx(right * n)  # as much charge on either side
    barrier = 0.025852 * np.log(p * n / 1e20) - 2 * 0.025852 + V
    total = np.sqrt(2 * SILICON_F_M * 1e-2 * barrier / CHARGE * (1 / p + 1 / n)) * 1e4
    assert left + right == pytest.approx(total)
    same = junction.depletion_um(V, p)
    np.testing.assert_allclose(same, junction.depletion_um(V, p, p))


def test_charge_swept_out_is_capacitance_times_voltage() -> None:
    # without its fringe the capacitance is the derivative of the depleted charge
    volts = np.linspace(0.0, 4.0, 4001)
    left, _right = junction.depletion_um(volts, 5e17)
    charge = CHARGE * 5e17 * 1e6 * left * 1e-6 * 0.22e-6  # C/m
    swept = np.gradient(charge, volts)[1:-1] * 1e12
    plate = SILICON_F_M * 0.22 / (2 * left[1:-1]) * 1e12
    np.testing.assert_allclose(swept, plate, rtol=1e-4)
    whole = junction.capacitance_pF_m(volts[1:-1], 5e17)
    assert np.all((whole > plate) & (whole < 2 * plate))


def test_at_rest_nothing_moves_and_with_bias_all_goes_one_way() -> None:
    V = np.linspace(0, 4, 41)[:, None]
    for kind in junction.KINDS:
        rise = junction.index_rise(1.31, V, DOPING, junction=kind)
        assert rise.shape == (41, 9)
        assert np.all(rise[0] == 0)
        assert np.all(np.diff(rise, axis=0) > 0)
        assert np.all(np.diff(rise[1:], axis=1) > 0)
        loss = junction.loss_dB_cm(1.31, V, DOPING, junction=kind)
        assert np.all(np.diff(loss, axis=0) < 0) and np.all(np.diff(loss, axis=1) > 0) and np.all(loss > 0)
        capacitance = junction.capacitance_pF_m(V, DOPING, junction=kind)
        assert np.all(np.diff(capacitance, axis=0) < 0) and np.all(np.diff(capacitance, axis=1) > 0)
        resistance = junction.resistance_ohm_m(V, DOPING, junction=kind)
        assert np.all(np.diff(resistance, axis=1) < 0) and np.all(resistance > 0)
        assert np.all(np.diff(junction.bandwidth_GHz(V, DOPING, junction=kind), axis=0) > 0)
        assert np.all(np.diff(junction.vpi_length_V_cm(1.31, V[1:], DOPING, junction=kind), axis=0) > 0)


def test_interleaved_fingers_gain_as_they_get_finer_and_beat_a_lateral_junction_below_two_thirds_of_a_micrometre() -> (
    None
):
    period = np.array([0.5, 0.6, 0.8, 1.0, 2.0])
    fingers = junction.vpi_length_V_cm(1.31, 2.0, 1e18, junction="interleaved", period=period)
    lateral = junction.vpi_length_V_cm(1.31, 2.0, 1e18)
    np.testing.assert_allclose(fingers / fingers[3], period, rtol=1e-9)
    assert fingers[1] < lateral < fingers[2]


def test_fingers_do_not_care_where_the_masks_lie_and_a_lateral_junction_does() -> None:
    offset = np.array([-0.15, 0.0, 0.15])
    fingers = junction.index_rise(1.31, 2.0, 1e18, junction="interleaved", junction_offset=offset)
    lateral = junction.index_rise(1.31, 2.0, 1e18, junction_offset=offset)
    assert np.ptp(np.broadcast_to(fingers, 3)) == 0
    assert lateral[1] > 1.3 * lateral[0]
    assert lateral[1] > 1.3 * lateral[2]


def test_holes_shift_more_than_they_absorb_so_a_lightly_doped_n_side_costs_little() -> None:
    both = junction.index_rise(1.31, 2.0, 1e18)
    for p, n in ((1e18, 5e17), (5e17, 1e18)):
        assert 0.5 * both < junction.index_rise(1.31, 2.0, p, doping_n=n) < both
    # a junction moved into the n side leaves more of the light in p
    left, right = (junction.index_rise(1.31, 2.0, 1e18, junction_offset=o) for o in (-0.05, 0.05))
    assert left != right


def test_a_wider_core_holds_the_light_less_tightly_in_the_junction() -> None:
    width = np.array([0.4, 0.5, 0.6])
    assert np.all(np.diff(junction.index_rise(1.31, 2.0, 1e18, width=width)) < 0)
    shifted = junction.index_rise(1.31, 2.0, 1e18, width=0.4, dw=10.0)
    assert shifted == pytest.approx(junction.index_rise(1.31, 2.0, 1e18, width=0.41))


def test_breakdown_falls_with_doping_and_the_unequal_junction_lies_between() -> None:
    limit = junction.breakdown_V(DOPING)
    assert np.all(np.diff(limit) < 0)
    assert 4.0 < limit[-1] < 5.0 and limit[0] > 15
    assert limit[-1] < junction.breakdown_V(3e18, 3e17) < junction.breakdown_V(3e17)
    with pytest.raises(ParameterError, match=r"breaks down at 4\.5 V"):
        junction.depletion_um([0.0, 5.0], 3e18)


def test_moderate_doping_at_1310_has_the_efficiency_that_depletion_modulators_show() -> None:
    # 2.2 to 2.5 V cm are usual for Mach-Zehnder modulators at 1310 nm
    assert 2.2 < junction.vpi_length_V_cm(1.31, 2.0, 2e17) < 2.5


@pytest.mark.parametrize("kind", junction.KINDS)
def test_everything_broadcasts(kind: str) -> None:
    wl, V = np.linspace(1.28, 1.34, 4), np.array([[0.5], [1.0], [2.0]])
    rise = junction.index_rise(wl, V, 5e17, junction=kind, width=0.45, dw=np.array([[[-5.0]], [[5.0]]]))
    assert rise.shape == (2, 3, 4)
    assert rise[1, 2, 3] == pytest.approx(junction.index_rise(1.34, 2.0, 5e17, junction=kind, width=0.45, dw=5.0))
