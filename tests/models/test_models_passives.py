"""Lumped devices: the published numbers come out, what can't be passive is refused."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS, SDict
from cpo_pdk.models.detector import absorbed_fraction, internal_efficiency, quantum_efficiency
from cpo_pdk.spec import load_sheets

SHEETS = load_sheets()


def of_sheet(name: str, wl: float | np.ndarray = 1.31) -> SDict:
    """The model of a sheet with the sheet's numbers."""
    sheet = SHEETS[name]
    model = MODELS[sheet.model or ""]
    numbers = {k: v for k, v in {**sheet.geometry, **sheet.values}.items() if k in model.parameters}
    return model.function(wl, **numbers)


def dB(amplitude: np.ndarray) -> np.ndarray:
    return -20 * np.log10(np.abs(amplitude))


@pytest.mark.parametrize(
    ("sheet", "key", "loss"),
    [
        ("mmi1x2", ("o1", "o2"), 3.2885),
        ("mmi1x2", ("o1", "o3"), 3.2885),
        ("crossing", ("o1", "o3"), 0.24359),
        ("crossing", ("o2", "o4"), 0.24359),
        ("crossing", ("o1", "o2"), 35.0),
        ("crossing", ("o3", "o3"), 40.0),
        ("terminator", ("o1", "o1"), 30.0),
        ("edge_coupler", ("o1", "o2"), 1.5),
        ("edge_coupler", ("o2@TM", "o1@TM"), 2.0),
        ("psr", ("o1", "o2"), 1.0),
        ("psr", ("o1@TM", "o3"), 1.0),
        ("psr", ("o1", "o3"), 23.0),
        ("psr", ("o1@TM", "o2"), 23.0),
        ("taper_strip_rib", ("o1", "o2"), 0.09023),
    ],
)
def test_sheet_has_the_published_loss(sheet: str, key: tuple[str, str], loss: float) -> None:
    assert dB(of_sheet(sheet)[key]) == pytest.approx(loss, abs=1e-3)


def test_fibre_loses_by_the_kilometre_and_keeps_polarisations_apart() -> None:
    s = MODELS["fiber"].function(1.31, length=1e9, attenuation_dB_km=0.35)
    assert dB(s["o1", "o2"]) == pytest.approx(0.35)
    assert dB(s["o1@TM", "o2@TM"]) == pytest.approx(0.35)
    assert ("o1", "o2@TM") not in s


def test_detector_absorbs_by_its_length_and_no_responsivity_changes_that() -> None:
    s = MODELS["photodetector"].function(1.31, length=20.0, absorption_per_um=np.log(10) / 20, responsivity_A_W=0.5)
    assert np.abs(s["o1", "i1"]) ** 2 == pytest.approx(0.9)
    other = MODELS["photodetector"].function(1.31, length=20.0, absorption_per_um=np.log(10) / 20, responsivity_A_W=0.1)
    assert other["o1", "i1"] == s["o1", "i1"]


def test_dual_detector_passes_what_it_does_not_absorb() -> None:
    s = of_sheet("photodetector_dual")
    for side, detector in (("o1", "i1"), ("o2", "i2")):
        other = "o2" if side == "o1" else "o1"
        assert np.abs(s[side, detector]) ** 2 + np.abs(s[side, other]) ** 2 == pytest.approx(1)
    assert ("o1", "i2") not in s


def test_responsivity_of_the_sheet_is_ninety_electrons_in_a_hundred_absorbed_photons() -> None:
    # Morse et al. 2009: internal quantum efficiency of waveguide detectors 90 %
    values = SHEETS["photodetector"].values
    assert quantum_efficiency(1.31, 0.91) == pytest.approx(0.861, abs=1e-3)
    assert absorbed_fraction(15.0, values["absorption_per_um"]) == pytest.approx(0.968, abs=1e-3)
    assert internal_efficiency(1.31, 15.0, **values) == pytest.approx(0.89, abs=0.01)


@pytest.mark.parametrize(
    ("model", "bad", "message"),
    [
        ("photodetector", {"length": 5.0}, "responsivity_A_W asks for a quantum efficiency .* lengthen the detector"),
        ("photodetector_dual", {"responsivity_A_W": 1.2}, "responsivity_A_W"),
        ("crossing", {"loss_dB": 0.0}, "loss_dB is -?0 dB, too low"),
        ("psr", {"loss_dB": 0.0}, "loss_dB is too low for crosstalk_dB"),
        ("grating_coupler", {"loss_dB": 0.1, "reflection_dB": 5.0}, "can emit more than it gets"),
        ("edge_coupler", {"loss_dB": -1.0}, "loss_dB is -1 dB; allowed is 0 to 100 dB"),
        ("fiber", {"ng": 4.0}, "ng is 4"),
    ],
)
def test_what_cannot_be_is_refused(model: str, bad: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        MODELS[model].function(1.31, **bad)
