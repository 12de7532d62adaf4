"""Wide ring: the phase integrated along its changing width, how little it feels an error of the width, its sheet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cpo_pdk.models import MODELS
from cpo_pdk.models.modes import bend_index_rise
from cpo_pdk.models.ring import add_drop_ring
from cpo_pdk.models.waveguide import neff
from cpo_pdk.models.wide_ring import wide_ring, wide_ring_resonances, wide_ring_um
from cpo_pdk.spec import load_sheets

C_UM_GHZ = 299792.458
BAND = np.linspace(1.30, 1.32, 1001)


def resonance(name: str, near: float = 1.31, **arguments: Any) -> float:
    find = MODELS[name].resonances
    assert find
    found = find(near - 0.01, near + 0.01, **arguments)
    return float(found[np.argmin(np.abs(found - near))])


def drift(name: str, **arguments: Any) -> float:
    """Move of the resonance next to 1310 nm per width deviation, nm/nm."""
    at = resonance(name, dw=0.0, **arguments)
    low, high = (resonance(name, near=at, dw=dw, **arguments) for dw in (-0.5, 0.5))
    return (high - low) * 1e3


def test_wide_ring_hardly_feels_the_width() -> None:
    uniform = drift("wide_ring", width_wide=0.4)
    assert uniform == pytest.approx(drift("add_drop_ring", radius=5.3, length_x=2.5), rel=1e-3)
    wide = drift("wide_ring")
    assert 0 < wide < 0.6 * uniform
    assert drift("wide_ring", width_wide=1.0, radius=6.0, length_x=0.0) < 0.45 * uniform


def test_phase_is_the_index_integrated_along_the_arcs() -> None:
    angle = (np.arange(20000) + 0.5) / 20000 * np.pi - np.pi / 2
    width = 0.4 + 0.4 * np.cos(angle) ** 2
    arcs = np.mean(neff(1.31, width) + bend_index_rise(5.3, 1.31, width))
    path = 2 * np.pi * 5.3 * arcs + 2 * 2.5 * float(neff(1.31))
    ours = wide_ring_um(1.31, radius=5.3, length_x=2.5, width=0.4, width_wide=0.8)
    assert float(ours) == pytest.approx(path, abs=0.002)


def test_a_wide_ring_of_one_width_is_the_add_drop_ring() -> None:
    shape: dict[str, Any] = {"radius": 5.0, "gap": 0.15, "length_x": 3.0, "dw": 3.0, "dh": -2.0, "dT": 10.0}
    ours, other = wide_ring(BAND, width_wide=0.4, **shape), add_drop_ring(BAND, **shape)
    for pair, value in other.items():
        np.testing.assert_allclose(ours[pair], value, atol=1e-9)


def test_sheet_fits_nine_channels_and_drops_one() -> None:
    sheet = load_sheets()["wide_ring"]
    arguments = {k: v for k, v in sheet.geometry.items() if k != "width_heater"} | sheet.values
    found = C_UM_GHZ / wide_ring_resonances(1.28, 1.33, **arguments)
    assert np.min(-np.diff(found)) > 9 * 200
    at = resonance("wide_ring", **arguments)
    wl = at + np.linspace(-1e-3, 1e-3, 20001)
    power = np.abs(wide_ring(wl, **arguments)["o1", "o2"]) ** 2
    assert -10 * np.log10(power.max()) < 1.2
    inside = wl[power > power.max() / 2]
    assert 35 < (inside[-1] - inside[0]) * C_UM_GHZ / at**2 < 60


@pytest.mark.parametrize("how", [{"tuning_nm": 0.8}, {"heater_mW": 8.0}])
def test_heater_moves_every_resonance_by_exactly_the_tuning(how: dict[str, float]) -> None:
    cold, hot = wide_ring_resonances(1.27, 1.33), wide_ring_resonances(1.27 + 0.8e-3, 1.33 + 0.8e-3, **how)
    np.testing.assert_allclose(hot - cold, 0.8e-3, atol=1e-9)


def test_lossless_it_keeps_all_power_and_drops_everything_on_resonance() -> None:
    # without straights: a racetrack's bent mode does not fit its straight one
    lossless = {"loss_dB_cm": 0.0, "loss_dB_bend_90": 0.0, "length_x": 0.0}
    s = wide_ring(BAND, **lossless)
    np.testing.assert_allclose(np.abs(s["o1", "o4"]) ** 2 + np.abs(s["o1", "o2"]) ** 2, 1, atol=1e-12)
    at = wide_ring_resonances(1.30, 1.32, length_x=0.0)
    assert np.abs(wide_ring(at, **lossless)["o1", "o2"]) == pytest.approx(1, abs=1e-6)
