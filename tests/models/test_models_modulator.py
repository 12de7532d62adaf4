"""Ring modulator: the signs, the operating point, and what the shipped sheet promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import operating_point
from cpo_pdk.models.modulator import ring_modulator, ring_modulator_resonances
from cpo_pdk.models.operating import (
    absorbed_share,
    cavity_bandwidth_GHz,
    cavity_response,
    eye,
    hot_detunings_nm,
    transfer,
)
from cpo_pdk.spec import load_sheets

SHEET = load_sheets()["ring_modulator"]
DEVICE: dict[str, Any] = {k: v for k, v in SHEET.geometry.items() if k != "width_heater"} | SHEET.values
OPERATING = SHEET.operating_values


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"V": -1.0}, "V is -1 V; allowed is 0 to 20 V"),
        ({"V": 8.0}, "V is 8 V; a junction of this doping breaks down at 7.[0-9] V; lower V or doping"),
        ({"doping": 1e16}, r"doping is 1e\+16 cm\^-3"),
        ({"junction_fill": 1.2}, "junction_fill is 1.2"),
        ({"junction": "vertical"}, "junction is 'vertical'; available: lateral, interleaved"),
        (
            {"junction": "interleaved", "period": 0.3, "doping": 1e17, "V": 2.0},
            "period is too short: .* make it 0.5[0-9] um",
        ),
    ],
)
def test_outside_the_depletion_picture_nothing_is_invented(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ring_modulator(1.3, **bad)


def test_reverse_bias_moves_the_resonance_to_the_red_where_the_bus_dips() -> None:
    wl = np.linspace(1.295, 1.306, 110_001)
    for V in (0.0, 2.0, 4.0):
        found = ring_modulator_resonances(1.295, 1.306, V=V, **DEVICE)
        through = np.abs(ring_modulator(wl, V=V, **DEVICE)["o1", "o2"]) ** 2
        assert found[0] == pytest.approx(wl[np.argmin(through)], abs=2e-6)
    shifts = [ring_modulator_resonances(1.295, 1.306, V=V, **DEVICE)[0] for V in (0.0, 1.0, 3.0)]
    assert shifts[0] < shifts[1] < shifts[2]


def test_resonances_with_bias_stay_inside_what_was_asked_for() -> None:
    cold = ring_modulator_resonances(1.27, 1.33, **DEVICE)
    biased = ring_modulator_resonances(float(cold[2]) + 1e-6, float(cold[4]) + 1e-3, V=4.0, **DEVICE)
    assert len(biased) == 3
    assert biased[0] > cold[2]


def test_power_is_accounted_for_and_the_monitor_is_weak() -> None:
    wl = np.linspace(1.29, 1.31, 4001)
    s = ring_modulator(wl, **DEVICE)
    through, monitor = np.abs(s["o1", "o2"]) ** 2, np.abs(s["o1", "i1"]) ** 2
    assert np.all(through + monitor < 1)
    assert 0.005 < monitor.max() < 0.06


def test_uncoupled_monitor_and_undoped_ring_reduce_to_the_all_pass_formula() -> None:
    from cpo_pdk.models.coupler import ring_coupler
    from cpo_pdk.models.ring import round_trip_phase

    ring: dict[str, Any] = {
        "gap_drop": 3.0,
        "junction_fill": 0.0,
        "loss_dB_cm": 50.0,
        "loss_dB_bend_90": 0.0,
        "length_lead": 0.0,
    }
    wl = np.linspace(1.299, 1.301, 11)
    s = ring_modulator(wl, **ring)["o1", "o2"]
    t, _ = ring_coupler(wl, gap=0.18, radius=6.4, cross_section="rib")
    length = 2 * np.pi * 6.4
    z = 10 ** (-50.0 * length * 1e-4 / 20) * np.exp(1j * round_trip_phase(wl, length, cross_section="rib", radius=6.4))
    bus = 10 ** (-50.0 * 12.8 * 1e-4 / 20)
    np.testing.assert_allclose(np.abs(s), bus * np.abs((t - z) / (1 - t * z)), rtol=1e-6)


def test_operating_point_cannot_be_bettered_by_moving_the_laser() -> None:
    best = operating_point(**DEVICE)
    for step in (-0.02, -0.005, 0.005, 0.02):
        other = operating_point(detuning_nm=best.detuning_nm + step, **DEVICE)
        assert other.transmitter_penalty_dB > best.transmitter_penalty_dB


def test_operating_point_is_consistent_with_its_own_definitions() -> None:
    # loss of level one and extinction ratio fix the penalty
    p = operating_point(**DEVICE)
    ratio = 10 ** (p.extinction_ratio_dB / 10)
    expected = p.insertion_loss_dB - 10 * np.log10((1 - 1 / ratio) / 2)
    assert p.transmitter_penalty_dB == pytest.approx(expected, abs=1e-9)
    assert p.quality_factor == pytest.approx(299792.458 / 1.300 / p.linewidth_GHz, rel=0.005)


def test_swapping_the_voltages_puts_the_laser_on_the_red_side() -> None:
    blue, red = operating_point(3.0, 0.0, **DEVICE), operating_point(0.0, 3.0, **DEVICE)
    assert blue.detuning_nm < 0 < red.detuning_nm
    assert blue.shift_nm == pytest.approx(-red.shift_nm, rel=0.01)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"V_one": 2.0, "V_zero": 2.0}, "both 2 V"),
        ({"V_one": 8.0}, "V_one is 8 V; allowed is 0 to 7.[0-9]+ V"),
        ({"gapp": 0.2}, "can't take gapp; available: .*gap"),
        ({"V": 1.0}, "can't take V;"),
        ({"detuning_nm": 0.3}, "level one .* is not above level zero"),
        ({"radius": 1.0}, "ring of radius 1 um has 1 resonances"),
    ],
)
def test_operating_point_refuses_what_makes_no_eye(args: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        operating_point(**args)


def test_cavity_response_is_that_of_the_integrated_mode_equation() -> None:
    width, bus, detuning, f = 42.0, 21.0, 14.0, 25.0  # GHz
    swing = []
    for frequency in (0.5, f):
        G, B, D = np.pi * width, np.pi * bus, 2 * np.pi * detuning
        t = np.linspace(0, 0.08 + 3 / frequency, 60_001)  # ns
        h, depth = t[1] - t[0], 1e-3 * G
        a, light = 0j, np.empty(len(t))
        wave = D + depth * np.cos(2 * np.pi * frequency * t)

        def slope(amplitude: complex, offset: float, G: float = G, B: float = B) -> complex:
            return -(G + 1j * offset) * amplitude + np.sqrt(2 * B)

        for i in range(len(t)):
            light[i] = abs(1 - np.sqrt(2 * B) * a) ** 2
            mean = (wave[i] + wave[min(i + 1, len(t) - 1)]) / 2
            k1 = slope(a, wave[i])
            a += h * slope(a + h / 2 * k1, mean)
        tail = t > t[-1] - 2 / frequency
        swing.append(np.ptp(light[tail]))
    expected = cavity_response([0.5, f], width, bus, detuning)
    assert swing[1] / swing[0] == pytest.approx(expected[1] / expected[0], rel=0.02)


def test_detuning_raises_the_bandwidth_of_the_cavity() -> None:
    near, far = (cavity_bandwidth_GHz(40.0, 20.0, d) for d in (5.0, 30.0))
    assert 10 < near < far


def test_sheet_sits_at_the_optimum_and_makes_an_eye_within_three_volts() -> None:
    best = operating_point(OPERATING["V_one"], OPERATING["V_zero"], **DEVICE)
    assert OPERATING["detuning_nm"] == pytest.approx(best.detuning_nm, abs=0.004)
    set_to = operating_point(OPERATING["V_one"], OPERATING["V_zero"], detuning_nm=OPERATING["detuning_nm"], **DEVICE)
    assert set_to.transmitter_penalty_dB < best.transmitter_penalty_dB + 0.02
    assert abs(OPERATING["V_one"] - OPERATING["V_zero"]) <= 3.0
    assert best.extinction_ratio_dB >= 3.5
    assert best.insertion_loss_dB < 4.5
    # transmitter penalty of ring modulators in the O-band: 5 to 8 dB are usual
    assert 5 < best.transmitter_penalty_dB < 8.2
    assert best.fsr_nm >= 10.1
    assert 30 <= best.linewidth_GHz <= 60
    # 53 GBd PAM4: at least 0.55 of the symbol rate
    assert best.bandwidth_GHz >= 0.55 * 53.125


def test_resting_modulator_hardly_touches_the_next_channel() -> None:
    resonance = ring_modulator_resonances(1.295, 1.306, **DEVICE)[0]
    s = ring_modulator(resonance + np.array([-1.12e-3, 1.12e-3]), **DEVICE)
    assert np.all(-20 * np.log10(np.abs(s["o1", "o2"])) < 0.3)


def test_transfer_and_eye_are_the_operating_point_seen_from_elsewhere() -> None:
    best = operating_point(**DEVICE)
    seen = eye(np.linspace(-0.3, 0.3, 1201), 3.0, 0.0, **DEVICE)
    assert seen.transmitter_penalty_dB.min() == pytest.approx(best.transmitter_penalty_dB, abs=1e-3)
    at = int(np.argmin(seen.transmitter_penalty_dB))
    assert seen.extinction_ratio_dB[at] == pytest.approx(best.extinction_ratio_dB, abs=0.05)
    table = transfer(seen.detuning_nm, [0.0, 1.0, 3.0], **DEVICE)
    assert table.shape == (3, 1201)
    np.testing.assert_allclose(table[2] - table[0], seen.amplitude)
    assert np.all(np.diff(seen.detuning_nm[np.argmin(table, axis=1)]) > 0)


def test_light_that_heats_the_ring_is_the_light_that_is_missing() -> None:
    # without carriers there is nothing to heat; with nothing else lossy all that is missing is heat
    detuning = np.linspace(-0.3, 0.3, 7)
    assert np.all(
        absorbed_share(
            detuning,
            0.0,
            **DEVICE,
        )
        > 0
    )
    lossless: dict[str, Any] = DEVICE | {"loss_dB_cm": 0.0, "loss_dB_bend_90": 0.0}
    heat = absorbed_share(detuning, 0.0, **lossless)
    resonance = ring_modulator_resonances(1.295, 1.306, **lossless)[0]
    s = ring_modulator(resonance + detuning * 1e-3, **lossless)
    np.testing.assert_allclose(heat, 1 - np.abs(s["o1", "o2"]) ** 2 - np.abs(s["o1", "i1"]) ** 2, atol=1e-12)


def test_self_heating_scales_with_the_laser_and_with_the_heater() -> None:
    cold, one, ten = (operating_point(laser_power_dBm=p, **DEVICE) for p in (None, 0.0, 10.0))
    assert cold.self_heating_nm == cold.absorbed_mW == 0 and cold.oma_dBm is None
    assert ten.absorbed_mW == pytest.approx(10 * one.absorbed_mW)
    assert one.self_heating_nm == pytest.approx(DEVICE["heater_nm_mW"] * one.absorbed_mW)
    assert one.self_heating_K == pytest.approx(one.self_heating_nm / 0.067, rel=0.1)
    assert one.oma_dBm is not None and ten.oma_dBm == pytest.approx(one.oma_dBm + 10)
    assert one.oma_dBm == pytest.approx(3.0103 - one.transmitter_penalty_dB, abs=1e-3)


def test_a_hot_ring_obeys_its_own_equation_and_becomes_bistable() -> None:
    (weak,) = hot_detunings_nm(0.1, -20.0, **DEVICE)
    assert weak == pytest.approx(0.1, abs=1e-3)
    found = hot_detunings_nm(0.8, 15.0, **DEVICE)
    assert len(found) == 3
    heat = absorbed_share(found, np.array([3.0, 0.0]), **DEVICE).mean(axis=0)
    np.testing.assert_allclose(found + DEVICE["heater_nm_mW"] * 10**1.5 * heat, 0.8, atol=2e-3)


def test_a_driver_with_resistance_is_slower() -> None:
    ideal, real = operating_point(**DEVICE), operating_point(driver_ohm=50.0, **DEVICE)
    series = 1e6 / (2 * np.pi * ideal.junction_bandwidth_GHz * ideal.capacitance_fF)
    expected = 1e6 / (2 * np.pi * (series + 50) * ideal.capacitance_fF)
    assert real.junction_bandwidth_GHz == pytest.approx(expected, rel=1e-3)


def test_a_racetrack_pays_for_its_junctions_of_straight_and_arc() -> None:
    from cpo_pdk.models.modulator import silicon_loss_dB
    from cpo_pdk.models.waveguide import bend_mismatch_dB

    common = {"radius": 6.4, "loss_dB_cm": 0.0, "loss_dB_bend_90": 0.0}
    each = float(bend_mismatch_dB(6.4, cross_section="rib", wl=1.31))
    assert each > 0.01
    assert float(silicon_loss_dB(1.31, length_x=0.0, **common)) == 0.0
    assert float(silicon_loss_dB(1.31, length_x=1.0, **common)) == pytest.approx(4 * each)
