"""Couplers: the published 3D-FDTD table, the closed forms, the sign of the cross coupling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from cpo_pdk.models.coupler import (
    arc_length_equivalent,
    coupling,
    ring_coupler,
    s_bend_length_equivalent,
    slab_coupling,
)
from cpo_pdk.models.sdict import data
from cpo_pdk.tech.materials import MATERIALS

TABLE = data("couplers")["table"]
STRIP = data("couplers")["cross_sections"]["strip"]


def slab_index(n_core: float, n_clad: float, height: float, wl: float) -> float:
    """TE0 effective index of a symmetric slab."""
    k = 2 * np.pi / wl

    def dispersion(n: float) -> float:
        return k * np.sqrt(n_core**2 - n**2) * height / 2 - np.arctan(np.sqrt((n**2 - n_clad**2) / (n_core**2 - n**2)))

    return brentq(dispersion, n_clad + 1e-9, n_core - 1e-9)


@pytest.mark.parametrize("row", TABLE["rows"], ids=lambda r: f"gap{r[0]}_R{r[1]}_L{r[2]}")
def test_every_row_of_the_fdtd_table_within_20_percent(row: list[float]) -> None:
    gap, radius, length, expected = row
    kappa0, p = slab_coupling(TABLE["wl"], TABLE["neff"], TABLE["width"], TABLE["n_core"], TABLE["n_clad"])
    gamma = STRIP["gamma_factor"] * p
    kappa = STRIP["kappa0_factor"] * kappa0 * np.exp(-gamma * gap * 1e-3)
    power = np.sin(kappa * (length + arc_length_equivalent(radius, gamma))) ** 2
    assert power == pytest.approx(expected, rel=0.20)


def test_slab_indices_of_the_data_file_are_recomputed() -> None:
    si, oxide = MATERIALS["Si"].n, MATERIALS["SiO2"].n
    assert si and oxide
    rib = data("couplers")["cross_sections"]["rib"]
    assert STRIP["n_core"] == rib["n_core"] == pytest.approx(slab_index(si, oxide, 0.22, 1.31), abs=2e-4)
    assert rib["n_clad"] == pytest.approx(slab_index(si, oxide, 0.09, 1.31), abs=2e-4)
    assert STRIP["n_clad"] == pytest.approx(oxide)


def test_slab_coupling_is_the_supermode_splitting_of_two_slabs() -> None:
    n_core, n_clad, width, gap, wl = 2.9917, 2.264, 0.4, 0.5, 1.31
    k = 2 * np.pi / wl

    def supermode(n: float, even: bool) -> float:
        h, p = k * np.sqrt(n_core**2 - n**2), k * np.sqrt(n**2 - n_clad**2)
        inner = np.arctan(p / h * (np.tanh(p * gap / 2) if even else 1 / np.tanh(p * gap / 2)))
        return h * width - np.arctan(p / h) - inner

    single = slab_index(n_core, n_clad, width, wl)
    even, odd = (brentq(supermode, single - 0.1, single + 0.1, args=(e,)) for e in (True, False))
    kappa0, p = slab_coupling(wl, single, width, n_core, n_clad)
    assert np.pi * (even - odd) / wl == pytest.approx(kappa0 * np.exp(-p * gap), rel=0.01)


def test_equivalent_lengths_are_the_integrals_along_the_bends() -> None:
    gamma = 9.0
    arc, _ = quad(lambda z: np.exp(-gamma * (5 - np.sqrt(25 - z * z))), -5, 5, points=[0])
    assert arc_length_equivalent(5.0, gamma) == pytest.approx(arc, rel=0.02)

    def s_bend(z: float) -> float:
        return np.exp(-gamma * 5.4 * (z / 20 - np.sin(2 * np.pi * z / 20) / (2 * np.pi)))

    assert s_bend_length_equivalent(20.0, 5.4, gamma) == pytest.approx(quad(s_bend, 0, 20, limit=200)[0], rel=0.02)


def test_coupling_decays_exponentially_with_the_gap() -> None:
    kappa, gamma = coupling(1.31, np.array([0.1, 0.2, 0.3]), cross_section="rib")
    np.testing.assert_allclose(np.diff(np.log(kappa)), -0.1 * gamma)


def test_ring_coupler_keeps_power_also_beyond_full_crossing() -> None:
    t, k = ring_coupler(1.3, gap=0.12, radius=5.0, length_x=np.linspace(0, 80, 50))
    np.testing.assert_allclose(t**2 + k**2, 1)
    assert np.min(t) < 0
