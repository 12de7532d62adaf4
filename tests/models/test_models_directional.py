"""Directional couplers: signs, power, full transfer, and the coupled equations solved along what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from cpo_pdk.models.coupler import coupling
from cpo_pdk.models.directional import bent_coupler, directional_coupler
from cpo_pdk.models.waveguide import neff
from cpo_pdk.spec import load_sheets

BAND = np.linspace(1.26, 1.36, 41)


def crossed(model, wl, **arguments) -> np.ndarray:
    return np.abs(model(wl, loss_dB_cm=0.0, **arguments)["o1", "o3"]) ** 2


@pytest.mark.parametrize("cross_section", ["strip", "rib"])
def test_lossless_but_for_its_guides_and_crosses_with_plus_j(cross_section: str) -> None:
    s = directional_coupler(1.3, length=1.0, loss_dB_cm=0.0, cross_section=cross_section)
    through, cross = s["o1", "o4"], s["o1", "o3"]
    assert np.angle(cross / through) == pytest.approx(np.pi / 2)
    loss = -10 * np.log10(abs(through) ** 2 + abs(cross) ** 2)
    assert 0 < loss < 0.05
    if cross_section == "strip":
        assert abs(cross) ** 2 == pytest.approx(0.029, abs=0.006)


@pytest.mark.parametrize("cross_section", ["strip", "rib"])
def test_a_long_one_transfers_everything_and_gives_it_back(cross_section: str) -> None:
    power = crossed(directional_coupler, 1.3, length=np.linspace(0.1, 200, 4000), cross_section=cross_section)
    assert power.max() == pytest.approx(1, abs=0.01)
    assert power[np.argmax(power) :].min() < 0.01


def test_coupling_is_the_integral_along_parallel_part_and_s_bends() -> None:
    kappa, gamma = coupling(1.31, 0.2)

    def s_bend(z: float) -> float:
        return np.exp(-gamma * 5.4 * (z / 20 - np.sin(2 * np.pi * z / 20) / (2 * np.pi)))

    angle = kappa * (8.0 + 2 * quad(s_bend, 0, 20, limit=200)[0])
    loss = np.abs(directional_coupler(1.31, length=8.0, loss_dB_cm=0.0)["o1", "o4"]) ** 2 + crossed(
        directional_coupler, 1.31, length=8.0
    )
    assert crossed(directional_coupler, 1.31, length=8.0) / loss == pytest.approx(np.sin(angle) ** 2, rel=0.02)


def test_the_sheets_split_as_they_say() -> None:
    sheets = load_sheets()
    half, tap = (
        {k: v for k, v in sheets[name].geometry.items() if k != "cross_section"}
        for name in ("directional_coupler", "tap_coupler")
    )
    assert crossed(directional_coupler, 1.31, **half) == pytest.approx(0.5, abs=0.01)
    assert 0.02 < crossed(directional_coupler, 1.31, **tap) < 0.05


def test_wider_cores_have_a_narrower_gap_but_hold_the_light_tighter() -> None:
    by_gap = crossed(directional_coupler, 1.31, gap=0.19) / crossed(directional_coupler, 1.31)
    by_width = crossed(directional_coupler, 1.31, dw=10.0) / crossed(directional_coupler, 1.31)
    assert 1 < by_width < by_gap


def bent_by_integration(wl: float, radius: float, angle: float, gap: float, length_s: float, dy: float) -> float:
    """Crossed power of a bent coupler of 0.4 um guides: coupled equations along the drawn curves, step by step.

    A point of one guide sees the point of the other that lies across the line between them.
    """
    half, pitch = np.radians(angle) / 2, gap + 0.4
    y_mid = radius * np.cos(half) - np.tan(half) * length_s / 2
    end = radius * np.sin(half) + length_s
    step = np.polynomial.Polynomial([0, 0, 0, 10, -15, 6])
    ramp = np.polynomial.Polynomial([0, 1, 0, -6, 8, -3])
    bow = np.polynomial.Polynomial([0, 0, 0.5, -1.5, 1.5, -0.5])

    def curve(x: np.ndarray, side: int) -> np.ndarray:
        own = radius + side * pitch / 2
        x0, y0 = own * np.sin(half), own * np.cos(half) - y_mid
        length = end - x0
        lead = (
            y0
            + (side * dy / 2 - y0) * step
            - np.tan(half) * length * ramp
            - length**2 / (own * np.cos(half) ** 3) * bow
        )
        beyond = np.clip((np.abs(x) - x0) / length, 0, 1)
        return np.where(np.abs(x) < x0, np.sqrt(own**2 - np.minimum(np.abs(x), x0) ** 2) - y_mid, lead(beyond))

    x = np.linspace(-end, end, 8001)
    middle = (curve(x, 1) + curve(x, -1)) / 2
    slope = np.gradient(middle, x)
    points = []
    for side in (-1, 1):
        at = x.copy()
        for _ in range(8):
            at = x - slope * (curve(at, side) - middle)
        points.append(np.column_stack([at, curve(at, side)]))
    between = np.linalg.norm(points[1] - points[0], axis=1)
    gaps = (between[1:] + between[:-1]) / 2 - 0.4
    ds = [np.linalg.norm(np.diff(p, axis=0), axis=1) for p in points]
    kappa, gamma = coupling(wl, gap)
    beta = 2 * np.pi * float(neff(wl)) / wl
    wave = np.array([1, 0], dtype=complex)
    for d1, d2, g in zip(*ds, gaps, strict=True):
        mismatch, turn = beta * (d2 - d1) / 2, float(kappa) * np.exp(-float(gamma) * (g - gap)) * (d1 + d2) / 2
        s = np.hypot(mismatch, turn)
        a, b = np.cos(s), 1j * np.sinc(s / np.pi)
        wave = np.array([[a - b * mismatch, b * turn], [b * turn, a + b * mismatch]]) @ wave
    return float(np.abs(wave[1]) ** 2)


@pytest.mark.parametrize(
    ("wl", "radius", "angle", "gap"), [(1.31, 75.0, 16.75, 0.15), (1.27, 75.0, 16.75, 0.15), (1.35, 150.0, 10.0, 0.2)]
)
def test_bent_coupler_is_the_coupled_equations_along_the_drawn_curves(
    wl: float, radius: float, angle: float, gap: float
) -> None:
    ours = crossed(bent_coupler, wl, radius=radius, angle=angle, gap=gap)
    assert ours == pytest.approx(bent_by_integration(wl, radius, angle, gap, 20.0, 6.0), abs=0.03)


def test_bent_coupler_is_flatter_over_the_band_than_a_straight_one_of_the_same_split() -> None:
    bent = crossed(bent_coupler, BAND)
    lengths = np.linspace(1, 40, 3901)
    length = float(lengths[np.argmin(np.abs(crossed(directional_coupler, 1.31, length=lengths) - bent[20]))])
    straight = crossed(directional_coupler, BAND, length=length)
    assert straight[20] == pytest.approx(bent[20], abs=0.002)
    assert np.ptp(bent) < np.ptp(straight) / 3
    assert np.max(np.abs(bent - 0.5)) < 0.06


def test_no_more_crosses_than_the_mismatch_allows() -> None:
    angles = np.linspace(2, 60, 400)
    power = crossed(bent_coupler, 1.31, angle=angles, radius=40.0, length_s=40.0)
    kappa, _gamma = coupling(1.31, 0.15)
    delta = 2 * np.pi * float(neff(1.31)) / 1.31 * 0.55 / (2 * 40.0)
    most = float(kappa**2 / (kappa**2 + delta**2))
    assert power.max() == pytest.approx(most, rel=0.02)
    assert power.min() < 0.01


def test_a_straightened_bent_coupler_is_synchronous() -> None:
    # one wide turn: hardly any difference between the arcs, so that all light crosses somewhere
    power = crossed(bent_coupler, 1.31, radius=5e4, angle=np.linspace(0.1, 1.0, 2000) * 0.1 + 0.1, length_s=60.0)
    assert power.max() > 0.999


def test_bent_coupler_keeps_all_power_when_lossless() -> None:
    s = bent_coupler(BAND, loss_dB_cm=0.0)
    for port, bar in (("o1", "o4"), ("o2", "o3")):
        other = "o3" if port == "o1" else "o4"
        total = np.abs(s[port, bar]) ** 2 + np.abs(s[port, other]) ** 2
        assert np.all((total > 0.985) & (total <= 1))  # what lacks is the bend loss of the leads


def test_far_apart_the_bent_coupler_is_two_waveguides_of_their_length() -> None:
    wl = np.array([1.309, 1.311])
    s = bent_coupler(wl, gap=0.5, angle=5.0, length_s=40.0, radius=20.0, loss_dB_cm=0.0)
    turn = np.angle(s["o1", "o4"][1] / s["o1", "o4"][0])
    path = 2 * 40.0 + 20.0 * np.radians(5.0)
    expected = 2 * np.pi * path * float(np.diff(neff(wl) / wl)[0])
    assert np.abs(np.angle(np.exp(1j * (turn - expected)))) < 0.1
