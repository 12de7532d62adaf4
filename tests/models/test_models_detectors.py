"""Germanium detectors: what is absorbed, passed and given back; how fast, and with how much dark current."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS
from cpo_pdk.models.detector import (
    absorbed_fraction,
    bandwidth_GHz,
    bandwidth_lateral_GHz,
    capacitance_fF,
    dark_current_nA,
    internal_efficiency,
    quantum_efficiency,
    transit_GHz,
)
from cpo_pdk.spec import load_sheets

SHEETS = load_sheets()
KINDS = ("photodetector", "photodetector_dual", "photodetector_lateral")


def power(s: dict, key: tuple[str, str]) -> float:
    return float(np.abs(s[key]) ** 2)


@pytest.mark.parametrize("kind", KINDS)
def test_light_is_absorbed_by_the_length_given_back_by_the_port_and_never_made(kind: str) -> None:
    wanted = {"length": 20.0, "absorption_per_um": np.log(10) / 20, "responsivity_A_W": 0.5, "reflection_dB": 30.0}
    s = MODELS[kind].function(1.31, **wanted)
    assert power(s, ("o1", "o1")) == pytest.approx(1e-3)
    assert power(s, ("o1", "i1")) == pytest.approx(0.9 * (1 - 1e-3))
    other = MODELS[kind].function(1.31, **{**wanted, "responsivity_A_W": 0.1, "width_ge": 1.3, "dark_mA_cm2": 50.0})
    assert other["o1", "i1"] == s["o1", "i1"], "what makes current and noise does not act on the light"


def test_dual_detector_passes_what_it_does_not_absorb() -> None:
    s = MODELS["photodetector_dual"].function(1.31)
    for side, detector, other in (("o1", "i1", "o2"), ("o2", "i2", "o1")):
        assert power(s, (side, detector)) + power(s, (side, other)) + power(s, (side, side)) == pytest.approx(1)
    assert ("o1", "i2") not in s


def test_responsivity_of_the_sheet_is_ninety_electrons_in_a_hundred_absorbed_photons() -> None:
    # Morse et al. 2009: internal quantum efficiency of waveguide detectors 90 %
    values = SHEETS["photodetector"].values
    assert quantum_efficiency(1.31, 0.91) == pytest.approx(0.861, abs=1e-3)
    assert absorbed_fraction(15.0, values["absorption_per_um"]) == pytest.approx(0.968, abs=1e-3)
    names = ("absorption_per_um", "loss_dB", "responsivity_A_W", "reflection_dB")
    assert internal_efficiency(1.31, 15.0, **{k: values[k] for k in names}) == pytest.approx(0.89, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [{"length": 5.0}, {"responsivity_A_W": 1.2}, {"reflection_dB": 5.0}])
def test_more_electrons_than_absorbed_photons_are_refused(kind: str, bad: dict[str, float]) -> None:
    with pytest.raises(
        ParameterError, match=r"responsivity_A_W asks for a quantum efficiency .* lengthen the detector"
    ):
        MODELS[kind].function(1.31, **bad)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(8, 60), st.floats(0.6, 4), st.floats(0.15, 1.5))
def test_bandwidth_stays_below_transit_and_below_rc(length: float, width: float, intrinsic: float) -> None:
    found = bandwidth_GHz(length=length, width_ge=width, intrinsic_um=intrinsic, series_ohm=15, parasitic_fF=5)
    farad = (capacitance_fF(length * width, intrinsic) + 5) * 1e-15
    assert found < transit_GHz(intrinsic)
    assert found < 1 / (2 * np.pi * 65 * farad) * 1e-9
    assert found > bandwidth_GHz(length=1.2 * length, width_ge=width, intrinsic_um=intrinsic)


def test_a_thinner_junction_is_faster_until_its_capacitance_takes_over() -> None:
    height = np.linspace(0.05, 1.0, 200)
    found = bandwidth_GHz(intrinsic_um=height)
    best = int(np.argmax(found))
    assert 0 < best < len(height) - 1
    assert np.all(np.diff(found[:best]) > 0)
    assert np.all(np.diff(found[best:]) < 0)
    lateral = bandwidth_lateral_GHz(width_ge=np.array([0.5, 1.0, 2.0]))
    assert np.all(np.diff(lateral) < 0), "carriers of a lateral detector cross its width"


def test_dark_current_follows_the_area_and_grows_with_heat() -> None:
    one = dark_current_nA(length=10.0, width_ge=2.0, dark_mA_cm2=5.0)
    assert one == pytest.approx(10e-4 * 2e-4 * 5e-3 * 1e9), "20 um2 at 5 mA/cm2 is one nanoampere"
    assert dark_current_nA(length=20.0, width_ge=2.0, dark_mA_cm2=5.0) == pytest.approx(2 * one)
    heat = dark_current_nA(length=10.0, width_ge=2.0, dT=np.array([-20.0, 0.0, 15.0, 55.0]))
    assert np.all(np.diff(heat) > 0)
    assert heat[2] / heat[1] == pytest.approx(2.0, abs=0.15), "half the gap: doubles in 15 K near room temperature"
