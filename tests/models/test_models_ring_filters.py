"""Ring filters: closed forms, the circuit solver on their parts, second order, and what the sheets promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cpo_pdk.circuit.solver import compile_circuit
from cpo_pdk.models import MODELS
from cpo_pdk.models.coupler import ring_coupler
from cpo_pdk.models.ring import circumference, junctions_dB, round_trip_loss_dB, round_trip_phase
from cpo_pdk.models.ring_filters import all_pass_ring, double_ring, double_ring_couplers
from cpo_pdk.models.sdict import SDict, reciprocal
from cpo_pdk.models.waveguide import ng, propagation
from cpo_pdk.spec import load_sheets

C_UM_GHZ = 299792.458
LOSSLESS = {"loss_dB_cm": 0.0, "loss_dB_bend_90": 0.0}
BAND = np.linspace(1.30, 1.32, 1001)


def sheet(name: str) -> dict[str, Any]:
    found = load_sheets()[name]
    return {k: v for k, v in found.geometry.items() if k != "width_heater"} | found.values


def resonance(name: str, near: float = 1.31, **arguments: Any) -> float:
    find = MODELS[name].resonances
    assert find
    found = find(near - 0.01, near + 0.01, **arguments)
    return float(found[np.argmin(np.abs(found - near))])


def spectrum(name: str, out: str, offset_GHz: np.ndarray, **arguments: Any) -> np.ndarray:
    """Power from o1 to `out` at frequencies about the resonance next to 1310 nm, in dB."""
    wl = C_UM_GHZ / (C_UM_GHZ / resonance(name, **arguments) + offset_GHz)
    return 20 * np.log10(np.abs(MODELS[name].function(wl, **arguments)["o1", out]))


def full_width_GHz(name: str, out: str, depth_dB: float = 10 * np.log10(2), **arguments: Any) -> float:
    offset = np.linspace(-200, 200, 40001)
    power = spectrum(name, out, offset, **arguments)
    inside = offset[power > power.max() - depth_dB]
    return float(inside[-1] - inside[0])


# --- one bus


def test_notch_is_the_textbook_one() -> None:
    loss = {"loss_dB_cm": 30.0, "loss_dB_bend_90": 0.05}
    t, _k = ring_coupler(BAND, gap=0.2, radius=5.0, length_x=2.0)
    length = circumference(5.0, 2.0)
    lost = round_trip_loss_dB(length, **loss) + junctions_dB(BAND, 5.0, 2.0)
    z = 10 ** (-lost / 20) * np.exp(1j * round_trip_phase(BAND, length, radius=5.0))
    bus = propagation(BAND, 2.0 + 2 * 8.0, loss_dB_cm=30.0)
    ours = all_pass_ring(BAND, gap=0.2, radius=5.0, length_x=2.0, **loss)["o1", "o2"]
    np.testing.assert_allclose(ours, bus * (t - z) / (1 - t * z), atol=1e-12)


def test_lossless_notch_ring_only_delays() -> None:
    passed = all_pass_ring(np.linspace(1.30, 1.32, 20001), **LOSSLESS, gap=0.12, length_x=0.0)["o1", "o2"]
    np.testing.assert_allclose(np.abs(passed), 1, atol=1e-12)
    assert np.ptp(np.unwrap(np.angle(passed))) > 4


def test_notch_is_deepest_where_coupling_equals_loss() -> None:
    length = float(circumference(4.9, 3.0))
    at = resonance("all_pass_ring")
    t, _k = ring_coupler(at, gap=0.22, radius=4.9, length_x=3.0)
    critical = (-20 * np.log10(float(t)) - float(junctions_dB(at, 4.9, 3.0))) / (length * 1e-4)
    depth = [
        np.abs(all_pass_ring(at, loss_dB_cm=critical * share, loss_dB_bend_90=0.0)["o1", "o2"]) ** 2
        for share in (0.5, 1.0, 2.0)
    ]
    assert depth[1] < 1e-6 < min(depth[0], depth[2])


@pytest.mark.parametrize("gap", [0.15, 0.2, 0.25])
def test_finesse_of_the_notch(gap: float) -> None:
    at, length = resonance("all_pass_ring", gap=gap), float(circumference(4.9, 3.0))
    t, _k = ring_coupler(at, gap=gap, radius=4.9, length_x=3.0)
    lost = round_trip_loss_dB(length, 3.0, 0.002) + junctions_dB(at, 4.9, 3.0)
    r = float(t) * 10 ** (-float(lost) / 20)
    expected = np.pi / (2 * np.arcsin((1 - r) / (2 * np.sqrt(r))))
    # half way down the notch: power at resonance and far away, by the same closed form
    wl = at + np.linspace(-1.5e-3, 1.5e-3, 60001)
    power = np.abs(all_pass_ring(wl, gap=gap)["o1", "o2"]) ** 2
    level = (power.min() + power.max()) / 2
    inside = wl[power < level]
    spacing = at**2 / (float(ng(at)) * length)
    assert spacing / (inside[-1] - inside[0]) == pytest.approx(expected, rel=0.03)


def test_a_coupler_that_carries_all_over_leaves_no_resonance() -> None:
    # all light goes round exactly once, whatever the wavelength
    lengths = np.linspace(5, 60, 5501)
    at = 1.31
    t, _k = ring_coupler(at, gap=0.12, radius=5.0, length_x=lengths)
    length_x = float(lengths[np.argmin(np.abs(t))])
    wl = np.linspace(1.3095, 1.3105, 201)
    passed = np.abs(all_pass_ring(wl, gap=0.12, radius=5.0, length_x=length_x)["o1", "o2"]) ** 2
    once = round_trip_loss_dB(circumference(5.0, length_x), 3.0, 0.002) + 3.0 * (length_x + 16) * 1e-4
    once = once + junctions_dB(at, 5.0, length_x)
    np.testing.assert_allclose(10 * np.log10(passed), -once, atol=0.02)


def test_beyond_full_transfer_the_notches_move_by_half_their_distance() -> None:
    shape: dict[str, Any] = {"radius": 8.0, "gap": 0.12, "length_x": 20.0}
    t, _k = ring_coupler(1.31, **shape)
    assert t < -0.1
    at = resonance("all_pass_ring", **shape)
    wl = at + np.linspace(-1e-3, 1e-3, 2001)
    power = np.abs(all_pass_ring(wl, **shape, loss_dB_cm=50.0)["o1", "o2"]) ** 2
    assert abs(wl[np.argmin(power)] - at) < 2e-5


# --- two rings


def solved_together(wl: np.ndarray, couplers: list[tuple[Any, Any]], halves: list[Any]) -> dict[tuple[str, str], Any]:
    """S-matrix of the double ring by the circuit solver: three couplers and four half rings, each a part."""

    def coupler(t: Any, k: Any) -> SDict:
        # o1 (W) to o4 (E) and o2 (W) to o3 (E) through
        return reciprocal({("o1", "o4"): t, ("o2", "o3"): t, ("o1", "o3"): 1j * k, ("o2", "o4"): 1j * k}, wl)

    def arc(amplitude: Any) -> SDict:
        return reciprocal({("o1", "o2"): amplitude}, wl)

    parts = {name: coupler(*tk) for name, tk in zip(("low", "mid", "top"), couplers, strict=True)}
    for ring, half in zip("12", halves, strict=True):
        for side in ("east", "west"):
            parts[f"{side}{ring}"] = arc(half)
    links = []
    for ring, below, above in (("1", "low", "mid"), ("2", "mid", "top")):
        for side, upper_port, lower_port in (("east", "o3", "o4"), ("west", "o2", "o1")):
            links.append(((below, upper_port), (f"{side}{ring}", "o1")))
            links.append(((f"{side}{ring}", "o2"), (above, lower_port)))
    ends = {"o1": ("low", "o1"), "o4": ("low", "o4"), "o2": ("top", "o2"), "o3": ("top", "o3")}
    plan = compile_circuit({name: part.keys() for name, part in parts.items()}, links, ends)
    return plan.solve(parts)


@pytest.mark.parametrize("detuning", [0.0, 0.3, -0.2])
def test_double_ring_is_three_couplers_and_four_arcs_solved_together(detuning: float) -> None:
    shape: dict[str, Any] = {"radius": 5.0, "gap": 0.15, "gap_ring": 0.23, "length_x": 3.0}
    loss = {"loss_dB_cm": 20.0, "loss_dB_bend_90": 0.03}
    bus_tk, ring_tk = double_ring_couplers(BAND, **shape)
    length = circumference(5.0, 3.0)
    a = 10 ** (-(round_trip_loss_dB(length, **loss) + junctions_dB(BAND, 5.0, 3.0)) / 40)
    halves = [a * np.exp(0.5j * round_trip_phase(BAND, length, shift_nm=s, radius=5.0)) for s in (0.5, 0.5 + detuning)]
    expected = solved_together(BAND, [bus_tk, ring_tk, bus_tk], halves)
    bus = propagation(BAND, 3.0 + 2 * 8.0, loss_dB_cm=20.0)
    ours = double_ring(BAND, **shape, **loss, tuning_nm=0.5, detuning_nm=detuning)
    for pair, value in ours.items():
        np.testing.assert_allclose(value, bus * expected[pair], atol=1e-11, err_msg=str(pair))
    silent = set(expected) - set(ours)
    assert all(np.max(np.abs(expected[pair])) < 1e-12 for pair in silent)


def test_lossless_double_ring_keeps_all_power() -> None:
    s = double_ring(BAND, **LOSSLESS, length_x=0.0, detuning_nm=0.1)
    for port in ("o1", "o2"):
        total = sum(np.abs(s[port, out]) ** 2 for out in ("o3", "o4"))
        np.testing.assert_allclose(total, 1, atol=1e-12)


def flat(gap: float, **shape: float) -> float:
    """The gap between the rings at which the top is flat: k2 = k1^2 / (1 + t1^2), about k1^2 / 2."""
    at = resonance("double_ring", gap=gap, **shape)
    tried = np.linspace(0.12, 0.6, 4801)
    (t1, k1), (_t2, k2) = double_ring_couplers(at, gap=gap, gap_ring=tried, **{"radius": 4.5, "length_x": 4.4, **shape})
    return float(tried[np.argmin(np.abs(k2 - k1**2 / (1 + t1**2)))])


def test_maximally_flat_double_ring_is_a_second_order_butterworth() -> None:
    # coupling of modes in time, Little et al. (1997): |drop|^2 = 1 / (1 + (f / f3)^4), f3 = k1^2 FSR / (2 pi) / sqrt(2)
    circles: dict[str, float] = {"radius": 10.0, "length_x": 0.0, "gap": 0.12}  # nothing is lost at junctions
    circles["gap_ring"] = flat(**circles)
    shape = {**circles, **LOSSLESS, "length_bus": 12.0}
    at = resonance("double_ring", **shape)
    (_t1, k1), _ring = double_ring_couplers(at, **circles)
    spacing = C_UM_GHZ / (float(ng(at)) * float(circumference(10.0, 0.0)))
    half = float(k1) ** 2 * spacing / (2 * np.pi) / np.sqrt(2)
    assert full_width_GHz("double_ring", "o3", **shape) == pytest.approx(2 * half, rel=0.04)
    offset = np.linspace(-4 * half, 4 * half, 41)
    expected = -10 * np.log10(1 + (offset / half) ** 4)
    np.testing.assert_allclose(spectrum("double_ring", "o3", offset, **shape), expected, atol=0.6)


def test_roll_off_is_12_dB_an_octave_against_6_of_one_ring() -> None:
    far = np.array([150.0, 300.0])
    weak = {"gap": 0.2, **LOSSLESS}
    two = spectrum("double_ring", "o3", far, **weak, gap_ring=flat(0.2))
    one = spectrum("add_drop_ring", "o2", far, gap=0.2, **LOSSLESS)
    assert two[0] - two[1] == pytest.approx(12.04, abs=0.8)
    assert one[0] - one[1] == pytest.approx(6.02, abs=0.4)


def test_rings_that_couple_more_split_the_top_and_less_round_it() -> None:
    offset = np.linspace(-60, 60, 2401)
    best = flat(0.2)
    split = spectrum("double_ring", "o3", offset, gap=0.2, gap_ring=best - 0.06, **LOSSLESS)
    assert split.max() - split[1200] > 0.5
    assert abs(offset[np.argmax(split)]) > 5
    single = spectrum("double_ring", "o3", offset, gap=0.2, gap_ring=best + 0.06, **LOSSLESS)
    assert np.argmax(single) == pytest.approx(1200, abs=5)
    assert single.max() < -0.5


def test_passbands_are_where_the_resonances_say() -> None:
    for detuning in (0.0, 0.1):
        offset = np.linspace(-100, 100, 4001)
        power = spectrum("double_ring", "o3", offset, detuning_nm=detuning)
        inside = offset[power > power.max() - 3]
        assert (inside[0] + inside[-1]) / 2 == pytest.approx(0, abs=3)


def test_double_ring_sheet_is_flat_over_a_channel_and_rejects_the_next_better_than_one_ring() -> None:
    two, one = sheet("double_ring"), sheet("add_drop_ring")
    offset = np.array([-200.0, 200.0])
    peak = {
        "double_ring": float(spectrum("double_ring", "o3", np.linspace(-50, 50, 1001), **two).max()),
        "add_drop_ring": float(spectrum("add_drop_ring", "o2", np.zeros(1), **one)[0]),
    }
    rejected = {
        "double_ring": peak["double_ring"] - spectrum("double_ring", "o3", offset, **two).max(),
        "add_drop_ring": peak["add_drop_ring"] - spectrum("add_drop_ring", "o2", offset, **one).max(),
    }
    assert rejected["double_ring"] > 26
    assert rejected["double_ring"] > rejected["add_drop_ring"] + 8
    assert peak["double_ring"] > -1.2
    middle = spectrum("double_ring", "o3", np.linspace(-12.5, 12.5, 251), **two)  # a channel of 25 Gb/s
    assert np.ptp(middle) < 0.3
    assert full_width_GHz("double_ring", "o3", 1.0, **two) > 1.5 * full_width_GHz("add_drop_ring", "o2", 1.0, **one)
    find = MODELS["double_ring"].resonances
    assert find
    found = C_UM_GHZ / find(1.28, 1.33, **two)
    assert np.min(-np.diff(found)) > 9 * 200


# --- both


@pytest.mark.parametrize("name", ["all_pass_ring", "double_ring"])
@pytest.mark.parametrize("how", [{"tuning_nm": 0.8}, {"heater_mW": 8.0}, {"tuning_nm": 0.3, "heater_mW": 5.0}])
def test_heater_moves_every_resonance_by_exactly_the_tuning(name: str, how: dict[str, float]) -> None:
    find: Callable[..., np.ndarray] | None = MODELS[name].resonances
    assert find
    cold, hot = find(1.27, 1.33), find(1.27 + 0.8e-3, 1.33 + 0.8e-3, **how)
    np.testing.assert_allclose(hot - cold, 0.8e-3, atol=1e-9)


@pytest.mark.parametrize("name", ["all_pass_ring", "double_ring"])
def test_warmth_width_and_height_all_move_the_resonance_to_the_red(name: str) -> None:
    at = resonance(name)
    moved = {k: (resonance(name, near=at, **{k: v}) - at) * 1e3 / v for k, v in (("dT", 5.0), ("dw", 0.5), ("dh", 0.5))}
    assert moved["dT"] == pytest.approx(0.065, abs=0.01)
    assert 0.2 < moved["dw"] < 0.9
    assert 0.7 < moved["dh"] < 1.8
