"""Phase shifters, Mach-Zehnder modulator and switch, and the travelling-wave electrode: closed forms and limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.constants import speed_of_light

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import junction
from cpo_pdk.models.mach_zehnder import mach_zehnder_modulator, switch_2x2
from cpo_pdk.models.phase_shifters import p_pi_mW, phase_shifter_pn, phase_shifter_thermal
from cpo_pdk.models.splitters import mmi2x2
from cpo_pdk.models.travelling_wave import (
    Line,
    conductor_ohm_m,
    coplanar,
    eo_bandwidth_GHz,
    eo_response_dB,
    line,
    response,
)

WL = np.linspace(1.28, 1.34, 13)


def power(s: dict, a: str, b: str) -> np.ndarray:
    return np.abs(s[a, b]) ** 2


def test_half_turn_powers_are_the_published_table_and_between_its_entries() -> None:
    assert p_pi_mW(0.64, 0.40) == pytest.approx(27.56)
    assert p_pi_mW(5.0, 1.20) == pytest.approx(34.83)
    assert p_pi_mW((0.64 + 1.19) / 2, 0.44) == pytest.approx((27.56 + 27.87 + 27.29 + 27.58) / 4)
    assert p_pi_mW(1.2).shape == ()
    assert p_pi_mW(np.linspace(0.6, 5, 4)[:, None], np.array([0.4, 0.5])).shape == (4, 2)
    with pytest.raises(ParameterError, match="width_heater is 6 um"):
        p_pi_mW(6.0)


def test_heater_turns_the_phase_in_proportion_to_its_power_whatever_the_length() -> None:
    for length in (100.0, 500.0):
        cold = phase_shifter_thermal(WL, length=length)["o1", "o2"]
        for mW in (float(p_pi_mW(1.2)), 2 * float(p_pi_mW(1.2))):
            hot = phase_shifter_thermal(WL, length=length, heater_mW=mW)["o1", "o2"]
            np.testing.assert_allclose(hot / cold, np.exp(1j * np.pi * mW / float(p_pi_mW(1.2))), atol=1e-9)


def test_junction_turns_half_a_turn_at_its_own_figure_of_merit() -> None:
    length = float(junction.vpi_length_V_cm(1.31, 3.0, 5e17)) / 3.0 * 1e4
    rest, driven = (phase_shifter_pn(1.31, length=length, V=V)["o1", "o2"] for V in (0.0, 3.0))
    assert np.angle(-driven / rest) == pytest.approx(0.0, abs=1e-9)
    assert abs(driven) > abs(rest)  # carriers leave, and with them their absorption
    expected = float(junction.loss_dB_cm(1.31, 0.0, 5e17) + 2.0) * length * 1e-4
    assert -20 * np.log10(abs(rest)) == pytest.approx(expected, rel=1e-6)


def test_equal_arms_send_all_light_across() -> None:
    for s in (mach_zehnder_modulator(1.31), switch_2x2(1.31)):
        assert power(s, "o1", "o3") / power(s, "o1", "o4") > 1e3


def test_lossless_interferometer_keeps_the_light_of_its_splitters() -> None:
    heater = np.linspace(0, 60, 31)[:, None]
    s = switch_2x2(WL, heater_mW=heater, loss_dB_cm=0.0)
    bends = switch_2x2(WL, heater_mW=0.0, loss_dB_cm=0.0)
    total = power(s, "o1", "o3") + power(s, "o1", "o4")
    resting = power(bends, "o1", "o3") + power(bends, "o1", "o4")
    split = mmi2x2(WL)
    unequal = np.abs(power(split, "o1", "o3") - power(split, "o1", "o4")) / power(split, "o1", "o3")
    # all that the splitters let through comes out somewhere, as far as they split evenly and in quadrature
    np.testing.assert_allclose(total / resting, 1.0, atol=0.05 + 2 * unequal.max())


def test_switch_goes_from_cross_to_bar_and_back() -> None:
    half = float(p_pi_mW(1.2))
    cross = [float(power(switch_2x2(1.31, heater_mW=p), "o1", "o3")) for p in (0.0, half, 2 * half)]
    assert cross[0] == pytest.approx(cross[2], rel=1e-6)
    assert cross[1] < 1e-4 * cross[0]
    bar = power(switch_2x2(1.31, heater_mW=half), "o1", "o4")
    assert bar == pytest.approx(cross[0], rel=0.01)
    both = power(switch_2x2(1.31, heater_mW=half, heater_lower_mW=half), "o1", "o3")
    assert both == pytest.approx(cross[0], rel=1e-6)


def test_modulator_is_the_cosine_of_the_difference_of_its_phases() -> None:
    half = float(p_pi_mW(1.2))
    drive = np.linspace(-4, 4, 9)
    t = power(mach_zehnder_modulator(1.31, V=drive, heater_mW=half / 2), "o1", "o3")
    rise = [junction.index_rise(1.31, 2.0 + s * drive / 2, 3e17) for s in (1, -1)]
    phase = np.pi / 2 + 2 * np.pi * (rise[0] - rise[1]) * 1800.0 / 1.31
    whole = power(mach_zehnder_modulator(1.31), "o1", "o3")
    # the loss of the junctions changes a little with the drive
    np.testing.assert_allclose(t / whole, np.cos(phase / 2) ** 2, atol=0.03)
    assert np.all(np.diff(t) < 0)


def test_push_pull_is_odd_and_bias_alone_does_nothing_to_the_balance() -> None:
    a, b = (mach_zehnder_modulator(1.31, V=V) for V in (1.5, -1.5))
    assert power(a, "o1", "o3") == pytest.approx(power(b, "o1", "o3"))
    rest = [mach_zehnder_modulator(1.31, V_bias=V) for V in (2.0, 4.0)]
    assert power(rest[1], "o1", "o3") > power(rest[0], "o1", "o3")  # less absorption
    ratio = [power(s, "o1", "o4") / power(s, "o1", "o3") for s in rest]
    assert ratio[0] == pytest.approx(ratio[1])


def test_a_drive_that_would_open_a_junction_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"V is -0\.5 V"):
        mach_zehnder_modulator(1.31, V=3.0, V_bias=1.0)


def test_permittivity_of_a_coplanar_line_lies_between_oxide_and_silicon() -> None:
    inductance, capacitance, _k = coplanar(10.0, 6.0, 50.0)
    permittivity = capacitance * inductance * speed_of_light**2
    assert 2.4 < permittivity < (1 + 11.7) / 2  # between half oxide and half silicon
    # as the gaps get small against the oxide only the oxide is left
    inductance, capacitance, _k = coplanar(0.6, 0.5, 1.0)
    assert capacitance * inductance * speed_of_light**2 == pytest.approx((1 + 3.9) / 2, rel=0.1)


def test_a_self_complementary_coplanar_line_has_a_quarter_of_the_permeability_as_inductance() -> None:
    # k = 1 / sqrt(2) is its own complement: K(k) = K(k')
    inductance, _C, k = coplanar(200.0, 100.0 * (np.sqrt(2) - 1), 1e4)
    assert k == pytest.approx(1 / np.sqrt(2), rel=1e-3)
    assert inductance == pytest.approx(np.pi * 1e-7, rel=1e-3)


def test_conductor_is_resistive_at_rest_and_grows_with_the_root_of_the_frequency() -> None:
    rest, one, four = (float(conductor_ohm_m(f, 8.0, 12.0, 30.0)) for f in (0.0, 100.0, 400.0))
    assert rest == pytest.approx(1.68e-8 / 2e-6 * (1 / 8e-6 + 1 / 60e-6))
    assert four / one == pytest.approx(2.0, rel=0.05)


def test_loaded_line_is_slower_lower_and_lossier() -> None:
    f = np.array([5.0, 20.0, 40.0])
    bare, one, two = (line(f, in_series=n) for n in (0, 1, 2))
    assert np.all((bare.index < two.index) & (two.index < one.index))
    assert np.all((bare.loss_dB_cm < two.loss_dB_cm) & (two.loss_dB_cm < one.loss_dB_cm))
    assert np.all((bare.impedance.real > two.impedance.real) & (two.impedance.real > one.impedance.real))
    assert np.all(np.diff(one.loss_dB_cm) > 0)
    # at 5 GHz the junction is a plain capacitor beside the line's
    L, C, _k = coplanar(8.0, 12.0, 30.0)
    whole = C + float(junction.capacitance_pF_m(2.0, 3e17)) * 1e-12
    assert one.impedance.real[0] == pytest.approx(np.sqrt(L / whole), rel=0.02)


def _ideal(f: np.ndarray, index: float, alpha: float = 0.0, impedance: complex = 50.0) -> Line:
    gamma = alpha + 2j * np.pi * f * 1e9 * index / speed_of_light
    return Line(f, gamma, np.full(f.shape, impedance, dtype=complex), np.ones(f.shape, dtype=complex))


def test_matched_lossless_line_answers_with_the_sinc_of_the_walk_off() -> None:
    f = np.linspace(1.0, 100.0, 50)
    slip = np.pi * f * 1e9 * (3.0 - 4.0) * 2e-3 / speed_of_light
    np.testing.assert_allclose(np.abs(response(_ideal(f, 3.0), 2000.0, 4.0)), 0.5 * np.abs(np.sinc(slip / np.pi)))
    np.testing.assert_allclose(np.abs(response(_ideal(f, 4.0), 2000.0, 4.0)), 0.5)


def test_matched_lossy_line_without_walk_off_answers_with_the_mean_of_the_exponential() -> None:
    f = np.array([10.0])
    alpha, metres = 300.0, 3e-3
    expected = 0.5 * (1 - np.exp(-alpha * metres)) / (alpha * metres)
    assert np.abs(response(_ideal(f, 4.0, alpha), 3000.0, 4.0))[0] == pytest.approx(expected)
    # the usual rule: 3 dB less at 6.4 dB of loss from end to end
    worst = 6.4 / 20 * np.log(10) / metres
    fall = response(_ideal(f, 4.0, worst), 3000.0, 4.0) / response(_ideal(f, 4.0), 3000.0, 4.0)
    assert 20 * np.log10(np.abs(fall[0])) == pytest.approx(-3.0, abs=0.1)


def test_an_open_line_doubles_the_voltage_of_a_slow_signal() -> None:
    f = np.array([1e-6])
    matched, opened = (np.abs(response(_ideal(f, 4.0), 1000.0, 4.0, load_ohm=R))[0] for R in (50.0, 1e12))
    assert opened == pytest.approx(2 * matched, rel=1e-6)


def test_longer_and_more_heavily_doped_modulators_are_slower() -> None:
    lengths = [eo_bandwidth_GHz(length=L) for L in (500.0, 1800.0, 4000.0)]
    assert lengths[0] > lengths[1] > lengths[2]
    assert eo_bandwidth_GHz(doping=1e17) > eo_bandwidth_GHz(doping=1e18)
    assert eo_bandwidth_GHz(V_bias=4.0) > eo_bandwidth_GHz(V_bias=1.0)
    assert eo_bandwidth_GHz(level_dB=-6.0) > eo_bandwidth_GHz()


def test_response_starts_at_zero_decibel() -> None:
    fall = eo_response_dB([1e-3, 10.0, 60.0])
    assert fall[0] == pytest.approx(0.0, abs=0.01)
    assert fall[0] > fall[1] > fall[2]


def test_shipped_modulator_carries_the_bit_rate_of_its_model() -> None:
    # 28 Gb/s need some 0.7 of that as bandwidth
    assert eo_bandwidth_GHz() > 0.7 * 28
