"""Reading numbers out of measured spectra: made-up spectra with known numbers in them, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.readout import extract, resonances

WL = np.linspace(1.29, 1.33, 4001)


def entry(name: str, formula: str, sweep: dict[str, float], **known: Any) -> dict[str, Any]:
    return {
        "name": name, "input": "f1", "output": "f2", "extracts": "x", "sweep": sweep, "unit": "dB",
        "formula": formula, "known": known,
    }  # fmt: skip


def lorentz(center: float, width: float) -> np.ndarray:
    return 1 / (1 + ((WL - center) / (width / 2)) ** 2)


def test_a_slope_is_found_under_ripple_and_offset() -> None:
    rng = np.random.default_rng(1)
    lengths = [0.2, 1.0, 2.0, 3.0]
    loss = {f"m{x}": 11 + 3 * x + 0.1 * np.sin(1e5 * x * WL) + rng.normal(0, 0.05, WL.size) for x in lengths}
    [found] = extract([entry(f"m{x}", "slope", {"length_cm": x}) for x in lengths], WL, loss)
    assert found.value == pytest.approx(3.0, abs=0.02)
    assert found.details["intercept_dB"] == pytest.approx(11.0, abs=0.05)
    assert 0 < found.error < 0.02


def test_a_wrong_structure_shows_in_the_residual() -> None:
    loss = {"a": np.full(WL.size, 12.0), "b": np.full(WL.size, 15.0), "c": np.full(WL.size, 25.0)}
    [found] = extract([entry(n, "slope", {"n": i}) for i, n in enumerate("abc")], WL, loss)
    assert found.details["worst_residual_dB"] > 2


def test_half_takes_the_best_wavelength() -> None:
    [found] = extract([entry("a", "half", {})], WL, {"a": 11 + 1e3 * (WL - 1.31) ** 2})
    assert found.value == pytest.approx(5.5) and found.details["wl_um"] == pytest.approx(1.31, abs=1e-5)


@pytest.mark.parametrize("width", [0.0001, 0.0003])
def test_peaks_and_dips_give_place_width_and_height(width: float) -> None:
    power = lorentz(1.30, width) + lorentz(1.31, width) + 1e-6
    peaks = resonances(WL, -10 * np.log10(power), drop=True, prominence_dB=10)
    dips = resonances(WL, -10 * np.log10(1 - 0.9 * np.minimum(power, 1)), drop=False)
    for found in (peaks, dips):
        assert [r.wl for r in found] == pytest.approx([1.30, 1.31], abs=2e-6)
        assert [r.width for r in found] == pytest.approx([width, width], rel=0.03)
    assert [r.height_dB for r in dips] == pytest.approx([10, 10], rel=0.02)


def test_a_comb_gives_its_group_index() -> None:
    index, length = 4.3, 60.0
    orders = np.arange(195, 201)
    centers = [index * length / m for m in orders]  # no dispersion: group index = index
    power = sum(lorentz(c, 2e-4) for c in centers) + 1e-5
    [found] = extract(
        [entry("a", "resonance", {"gap_um": 0.2}, length_um=length, output_is="drop")], WL, {"a": -10 * np.log10(power)}
    )
    assert found.value == pytest.approx(index, rel=1e-4)
    assert found.details["gap_um"] == 0.2


@pytest.mark.parametrize("kappa", [0.02, 0.05, 0.1])
def test_beating_couplers_give_kappa_whatever_the_gratings_lose(kappa: float) -> None:
    group, loss = [], {}
    for length in (2.0, 8.0, 14.0, 20.0, 26.0):
        cross = np.sin(kappa * length + 0.15) ** 2
        for output, share in (("cross", cross), ("bar", 1 - cross)):
            name = f"{output}{length}"
            group.append(entry(name, "beat", {"length_um": length}, output_is=output))
            loss[name] = np.full(WL.size, 11.0 - 10 * np.log10(share))
    [found] = extract(group, WL, loss)
    assert found.value == pytest.approx(kappa, rel=1e-4)
    assert found.details["bends_rad"] == pytest.approx(0.15, abs=1e-3)


@pytest.mark.parametrize(
    ("measurements", "loss", "word"),
    [
        ([entry("a", "slope", {"n": 1})], {}, "'a'"),
        ([entry("a", "magic", {"n": 1})], {"a": np.zeros(WL.size)}, "magic"),
        ([entry("a", "slope", {"n": 1})], {"a": np.zeros(WL.size)}, "at least 2"),
        ([entry("a", "resonance", {"n": 1}, length_um=60, output_is="drop")], {"a": np.zeros(WL.size)}, "0 resonances"),
        ([entry("a", "extinction", {"n": 1})], {"a": np.zeros(WL.size)}, "no dip"),
        ([entry("a", "beat", {"n": 1}, output_is="bar")], {"a": np.zeros(WL.size)}, "at least 3"),
    ],
)
def test_what_cant_be_evaluated_says_what_is_missing(measurements: list, loss: dict, word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        extract(measurements, WL, loss)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ParameterError, match="shape"):
        resonances(WL, WL[:-1], drop=True)
