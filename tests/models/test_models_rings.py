"""Add-drop ring: closed forms, composition, published values, tuning, and what the shipped sheet promises."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS
from cpo_pdk.models.coupler import ring_coupler
from cpo_pdk.models.operating import linewidth_um
from cpo_pdk.models.ring import (
    add_drop_ring,
    add_drop_ring_resonances,
    circumference,
    find_resonances,
    junctions_dB,
    round_trip_loss_dB,
    round_trip_phase,
)
from cpo_pdk.models.waveguide import bend_mismatch_dB, ng, propagation
from cpo_pdk.spec import load_sheets

SHEET = load_sheets()["add_drop_ring"]
DEVICE = {k: v for k, v in SHEET.geometry.items() if k != "width_heater"} | SHEET.values
SPACING_GHZ = 200.0


def drop(wl: np.ndarray | float) -> np.ndarray:
    return np.abs(add_drop_ring(wl, **DEVICE)["o1", "o2"]) ** 2


def centre() -> float:
    found = add_drop_ring_resonances(1.28, 1.32, **DEVICE)
    return float(found[np.argmin(np.abs(found - 1.30005))])


def full_width_GHz() -> float:
    wl = centre() + np.linspace(-1e-3, 1e-3, 40001)
    inside = wl[drop(wl) > drop(centre()) / 2]
    return (inside[-1] - inside[0]) * 299792.458 / centre() ** 2


def test_one_model_equals_two_couplers_and_two_half_rings_solved_together() -> None:
    wl, loss = 1.3012, {"loss_dB_cm": 30.0, "loss_dB_bend_90": 0.05}
    t, k = ring_coupler(wl, gap=0.15, radius=4.9, length_x=3.0)
    length = circumference(4.9, 3.0)
    lost = round_trip_loss_dB(length, **loss) + junctions_dB(wl, 4.9, 3.0)
    half = 10 ** (-lost / 40) * np.exp(0.5j * round_trip_phase(wl, length, radius=4.9))
    # unknowns: waves leaving the lower coupler into the ring (u) and the upper one (v); input 1 at o1
    u, v = np.linalg.solve([[1, -t * half], [-t * half, 1]], [1j * k, 0])
    through, dropped = t + 1j * k * half * v, 1j * k * half * u
    bus = propagation(wl, 3.0 + 2 * 8.0, loss_dB_cm=30.0)
    s = add_drop_ring(wl, **loss)
    assert s["o1", "o4"] == pytest.approx(through * bus, abs=1e-12)
    assert s["o1", "o2"] == pytest.approx(dropped * bus, abs=1e-12)


def test_lossless_ring_conserves_power_and_drops_everything_on_resonance() -> None:
    # a circle: a racetrack's bent mode does not fit its straight one
    ring = {"loss_dB_cm": 0.0, "loss_dB_bend_90": 0.0, "length_x": 0.0}
    s = add_drop_ring(np.linspace(1.29, 1.31, 2001), **ring)
    np.testing.assert_allclose(np.abs(s["o1", "o4"]) ** 2 + np.abs(s["o1", "o2"]) ** 2, 1, atol=1e-12)
    at = add_drop_ring_resonances(1.29, 1.31, length_x=0.0)
    assert np.abs(add_drop_ring(at, **ring)["o1", "o2"]) == pytest.approx(1, abs=1e-9)


def test_resonances_are_where_the_drop_peaks() -> None:
    wl = np.linspace(1.28, 1.32, 400_001)
    power = drop(wl)
    peaks = wl[1:-1][(power[1:-1] > power[:-2]) & (power[1:-1] > power[2:])]
    np.testing.assert_allclose(add_drop_ring_resonances(1.28, 1.32, **DEVICE), peaks, atol=3e-6)


def test_free_spectral_range_is_the_textbook_one() -> None:
    found = add_drop_ring_resonances(1.26, 1.36, radius=5.0, length_x=0.0)
    near = np.argmin(np.abs(found - 1.31))
    spacing = (found[near + 1] - found[near - 1]) / 2 * 1e3
    # 12.6 nm: lambda^2 / (n_g 2 pi R) at R 5 um, 1310 nm, n_g 4.33
    assert spacing * (1.31 / found[near]) ** 2 == pytest.approx(12.6, abs=0.1)


@pytest.mark.parametrize(
    ("radius", "k2", "loaded_q", "drop_dB", "all_pass_q"),
    [
        (3, 0.0269, 5726, 0.21, 11192),
        (5, 0.0375, 6794, 0.24, 13223),
        (5, 0.0193, 12945, 0.47, 24595),
        (10, 0.0302, 16243, 0.59, 30474),
        (10, 0.0126, 35964, 1.37, 62751),
    ],
)
def test_quality_factors_computed_from_the_fdtd_couplings(
    radius: float, k2: float, loaded_q: float, drop_dB: float, all_pass_q: float
) -> None:
    # 1550 nm, n_g 4.19, 3 dB/cm: the acceptance table of the published couplings
    length, wl = 2 * np.pi * radius, 1.55
    a = 10 ** (-3.0 * length * 1e-4 / 20)
    r = a * (1 - k2)
    assert wl / linewidth_um(wl, r, length, 4.19) == pytest.approx(loaded_q, rel=0.02)
    assert wl / linewidth_um(wl, a * np.sqrt(1 - k2), length, 4.19) == pytest.approx(all_pass_q, rel=0.02)
    assert -20 * np.log10(k2 * np.sqrt(a) / (1 - r)) == pytest.approx(drop_dB, abs=0.02)


@pytest.mark.parametrize("how", [{"tuning_nm": 0.8}, {"heater_mW": 8.0}, {"tuning_nm": 0.3, "heater_mW": 5.0}])
def test_heater_moves_every_resonance_by_exactly_the_tuning(how: dict[str, float]) -> None:
    cold = add_drop_ring_resonances(1.27, 1.33, **DEVICE)
    hot = add_drop_ring_resonances(1.27 + 0.8e-3, 1.33 + 0.8e-3, **DEVICE, **how)
    np.testing.assert_allclose(hot - cold, 0.8e-3, atol=1e-12)
    moved = np.abs(add_drop_ring(hot, **DEVICE, **how)["o1", "o2"])
    np.testing.assert_allclose(moved, np.abs(add_drop_ring(cold, **DEVICE)["o1", "o2"]), rtol=5e-3)


@pytest.mark.parametrize(
    ("deviation", "nm_each", "tolerance"),
    [({"dT": 10.0}, 0.065, 0.005), ({"dw": 2.0}, 0.645, 0.02), ({"dh": 2.0}, 0.98, 0.15)],
)
def test_temperature_width_and_height_move_the_resonance(
    deviation: dict[str, float], nm_each: float, tolerance: float
) -> None:
    cold = add_drop_ring_resonances(1.28, 1.34)
    moved = add_drop_ring_resonances(1.28, 1.34, **deviation)
    middle = float(cold[len(cold) // 2])
    shift = moved[np.argmin(np.abs(moved - middle))] - middle
    assert shift * 1e3 / next(iter(deviation.values())) == pytest.approx(nm_each, abs=tolerance)


def test_racetrack_pays_for_four_junctions_and_a_circle_for_none() -> None:
    assert junctions_dB(1.31, 5.0, 0.0) == 0
    np.testing.assert_allclose(junctions_dB(1.31, 5.0, [0.0, 3.0]), [0, 4 * float(bend_mismatch_dB(5.0))])


def test_resonances_of_any_falling_phase_are_found() -> None:
    found = find_resonances(1.26, 1.36, lambda wl: 300.25 - 800 * (wl - 1.3) + 400 * (wl - 1.3) ** 2)
    assert np.all(np.diff(found) > 0)
    turns = 300.25 - 800 * (found - 1.3) + 400 * (found - 1.3) ** 2
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)
    assert len(found) == len(range(int(np.ceil(turns[-1])), int(turns[0]) + 1))
    assert len(find_resonances(1.3, 1.3001, lambda wl: 300.25 - 800 * (wl - 1.3))) == 0
    half = find_resonances(1.26, 1.36, lambda wl: 300.25 - 800 * (wl - 1.3), 0.5)
    np.testing.assert_allclose((300.25 - 800 * (half - 1.3)) % 1, 0.5, atol=1e-9)
    with pytest.raises(ParameterError, match="does not fall"):
        find_resonances(1.26, 1.36, lambda wl: 10 + wl)


def test_a_shift_that_leads_out_of_the_computed_modes_goes_on_smoothly() -> None:
    phase = [float(round_trip_phase(1.2601, 40.0, shift_nm=s)) for s in (10.0, 15.0, 20.09, 20.11, 25.0, 100.0)]
    slope = np.diff(phase) / np.diff([10.0, 15.0, 20.09, 20.11, 25.0, 100.0])
    np.testing.assert_allclose(slope, slope[2], rtol=0.03)


def test_cooling_by_heater_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"tuning_nm is -0\.5 nm; allowed is 0"):
        add_drop_ring(1.3, tuning_nm=-0.5)


def test_drop_is_a_lorentzian_near_resonance() -> None:
    offset_GHz = np.linspace(-220, 220, 45)
    wl = 299792.458 / (299792.458 / centre() + offset_GHz)
    lorentz = 1 / (1 + (2 * offset_GHz / full_width_GHz()) ** 2)
    np.testing.assert_allclose(10 * np.log10(drop(wl) / drop(centre())), 10 * np.log10(lorentz), atol=0.35)


def test_sheet_fits_nine_channels_of_200_GHz_and_drops_one_well() -> None:
    spacing_nm = SPACING_GHZ * centre() ** 2 / 299792.458 * 1e3
    found = add_drop_ring_resonances(1.28, 1.32, **DEVICE)
    assert np.min(np.diff(found)) * 1e3 >= 9 * spacing_nm
    assert -10 * np.log10(drop(centre())) < 1.0
    assert 40 <= full_width_GHz() <= 60
    assert 10 * np.log10(drop(centre() + spacing_nm * 1e-3) / drop(centre())) < -17


def test_linewidth_formula_is_the_width_of_the_model() -> None:
    t, _ = ring_coupler(centre(), gap=DEVICE["gap"], radius=DEVICE["radius"], length_x=DEVICE["length_x"])
    length = float(circumference(DEVICE["radius"], DEVICE["length_x"]))
    lost = round_trip_loss_dB(length, DEVICE["loss_dB_cm"], DEVICE["loss_dB_bend_90"])
    lost = lost + junctions_dB(centre(), DEVICE["radius"], DEVICE["length_x"])
    a = 10 ** (-float(lost) / 20)
    expected = linewidth_um(centre(), a * float(t) ** 2, length, float(ng(centre()))) * 299792.458 / centre() ** 2
    assert full_width_GHz() == pytest.approx(expected, rel=0.01)


def test_a_coupler_beyond_full_transfer_moves_the_resonances_by_half_their_distance() -> None:
    # 10 um of coupler at a gap of 0.12 um carry more than all light over, so that what stays changes its sign
    shape: dict[str, float] = {"radius": 8.0, "gap": 0.12, "gap_drop": 0.35, "length_x": 10.0}
    for wl in MODELS["ring_modulator"].resonances(1.29, 1.31, **shape):  # pyright: ignore[reportOptionalCall]
        near = wl + np.linspace(-1e-3, 1e-3, 2001)
        monitor = np.abs(MODELS["ring_modulator"].function(near, **shape)["o1", "i1"])
        assert abs(near[np.argmax(monitor)] - wl) < 5e-5
