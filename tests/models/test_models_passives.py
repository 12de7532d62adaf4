"""Lumped devices: the published numbers come out, what can't be passive is refused."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS, SDict
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


@pytest.mark.parametrize(
    ("model", "bad", "message"),
    [
        ("crossing", {"loss_dB": 0.0}, "loss_dB is -?0 dB, too low"),
        ("psr", {"loss_dB": 0.0}, "loss_dB is too low for crosstalk_dB"),
        ("edge_coupler", {"loss_dB": -1.0}, "loss_dB is -1 dB; allowed is 0 to 100 dB"),
        ("fiber", {"ng": 4.0}, "ng is 4"),
    ],
)
def test_what_cannot_be_is_refused(model: str, bad: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        MODELS[model].function(1.31, **bad)
