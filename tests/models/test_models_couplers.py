"""Couplers: the published 3D-FDTD table, the integral along the bend, deviations of the size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.coupler import coupling, ring_coupler, s_bend_length_equivalent
from cpo_pdk.models.modes import table
from cpo_pdk.models.validation import Case
from cpo_pdk.models.validation.couplers import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.quantity)
def test_published_numbers_are_met(case: Case) -> None:
    assert not case.fitted
    bound = case.tolerance * (abs(case.published) if case.relative else 1.0)
    assert case.ours() == pytest.approx(case.published, abs=bound)


@pytest.mark.parametrize("section", ["strip", "rib"])
def test_table_is_met_at_its_nodes(section: str) -> None:
    raw = table("pair_modes")[section]
    logs = np.asarray(raw["log_kappa"])
    for i, j, band, node, k in ((0, 0, 0, 0, 0), (2, 1, 0, 1, 2), (3, 2, 1, 2, 3), (6, 0, 1, 0, 5)):
        kappa, _ = coupling(
            raw["wl"][band][node], raw["gap"][k], width=raw["width"][i], height=raw["height"][j], cross_section=section
        )
        assert np.log(kappa) == pytest.approx(logs[i, j, band, node, k], abs=1e-9)


@pytest.mark.parametrize("section", ["strip", "rib"])
def test_coupling_falls_with_gap_width_and_height_and_rises_with_wavelength(section: str) -> None:
    gaps = np.linspace(0.05, 1.5, 146)
    kappa, gamma = coupling(1.31, gaps, cross_section=section)
    assert np.all(np.diff(kappa) < 0)
    np.testing.assert_allclose(gamma[1:-1], -np.gradient(np.log(kappa), gaps)[1:-1], rtol=0.03)
    for name, values in (("width", np.linspace(0.3, 1.2, 91)), ("height", np.linspace(0.2, 0.24, 21))):
        assert np.all(np.diff(coupling(1.31, 0.2, cross_section=section, **{name: values})[0]) < 0)
    assert np.all(np.diff(coupling(np.linspace(1.25, 1.37, 25), 0.2, cross_section=section)[0]) > 0)


def test_wider_cores_come_closer() -> None:
    wide, _ = coupling(1.31, 0.2, dw=10.0)
    assert wide == pytest.approx(float(coupling(1.31, 0.19, width=0.41)[0]), rel=1e-9)


def test_ring_coupler_is_the_integral_of_the_local_coupling() -> None:
    for section, radius, gap, length in (
        ("strip", 5.0, 0.12, 2.0),
        ("rib", 6.4, 0.17, 0.0),
        ("strip", 100.0, 0.2, 0.0),
    ):

        def local(z: float, section: str = section, radius: float = radius, gap: float = gap) -> float:
            return float(coupling(1.31, gap + radius - np.sqrt(radius**2 - z**2), cross_section=section)[0])

        far = min(radius * 0.99, np.sqrt(2 * radius * 1.5))
        arc, _ = quad(local, -far, far, points=[0], epsrel=1e-7, limit=200)
        angle = arc + length * local(0.0)
        t, k = ring_coupler(1.31, gap=gap, radius=radius, length_x=length, cross_section=section)
        assert np.arctan2(k, t) == pytest.approx(angle, rel=1e-3)


def test_s_bend_equivalent_length_is_the_integral_along_the_bend() -> None:
    gamma = 9.0

    def s_bend(z: float) -> float:
        return np.exp(-gamma * 5.4 * (z / 20 - np.sin(2 * np.pi * z / 20) / (2 * np.pi)))

    assert s_bend_length_equivalent(20.0, 5.4, gamma) == pytest.approx(quad(s_bend, 0, 20, limit=200)[0], rel=0.02)


def test_ring_coupler_keeps_power_also_beyond_full_crossing() -> None:
    t, k = ring_coupler(1.3, gap=0.12, radius=5.0, length_x=np.linspace(0, 80, 50))
    np.testing.assert_allclose(t**2 + k**2, 1)
    assert np.min(t) < 0


def test_deviations_of_many_samples_broadcast() -> None:
    wl = np.linspace(1.28, 1.34, 50)
    dw, dh = np.array([[-4.0], [0.0], [6.0]]), np.array([[2.0], [0.0], [-3.0]])
    _t, k = ring_coupler(wl, gap=0.15, radius=5.0, length_x=3.0, dw=dw, dh=dh)
    assert k.shape == (3, 50)
    for row in range(3):
        one = ring_coupler(wl, gap=0.15, radius=5.0, length_x=3.0, dw=float(dw[row, 0]), dh=float(dh[row, 0]))
        np.testing.assert_allclose(k[row], one[1], rtol=1e-12)


def test_gaps_below_the_table_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"gap is 0.03 um; allowed is 0.05"):
        coupling(1.31, 0.03)
    with pytest.raises(ParameterError, match=r"gap with dw is 0.04 um; allowed is 0.05"):
        coupling(1.31, 0.06, dw=20.0)
