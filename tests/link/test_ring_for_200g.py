"""The ring modulator for 200 Gb/s lanes: better at their symbol rate than the one for 100 Gb/s, and only there."""

from __future__ import annotations

from math import log10
from typing import Any

import pytest

from cpo_pdk.circuit.results import DeviceFacts
from cpo_pdk.link.devices import detector_response, driver_response, modulator_response, tia_response
from cpo_pdk.link.eye import Eye, eye_of
from cpo_pdk.link.responses import Chain
from cpo_pdk.link.ring_light import stable
from cpo_pdk.models.modulator import ring_modulator
from cpo_pdk.models.operating import operating_point
from cpo_pdk.spec import load_sheets
from cpo_pdk.spec.part_choice import load_parts

SHEETS, PARTS = load_sheets(), load_parts()
SLOW, FAST = SHEETS["ring_modulator"], SHEETS["ring_modulator_200g"]
WL = 1.31


def params_of(name: str) -> dict[str, Any]:
    return {**SHEETS[name].geometry, **SHEETS[name].values}


def seen(name: str, baud_GBd: float, rate: str, **moved: float) -> tuple[Eye, float]:
    """Eye of a sheet's ring with the parts of a rate, and amplitude less closure in dB of the light at its input."""
    params, driver = params_of(name), PARTS[f"driver_ring_{rate}"]
    operating = {**SHEETS[name].operating_values, **moved}
    dual = params_of("photodetector_dual")
    eye = eye_of(
        Chain(
            driver_response(driver),
            modulator_response("ring_modulator", params, operating, WL, driver_ohm=driver["resistance_ohm"]),
            detector_response("photodetector_dual", dual),
            tia_response(PARTS[f"tia_{rate}"]),
        ),
        "PAM4",
        baud_GBd,
    )
    known = {k: v for k, v in params.items() if k in (ring_modulator.__kwdefaults__ or {})}
    point = operating_point(**operating, wl_center=WL, **known)
    return eye, 10 * log10(2) - point.transmitter_penalty_dB - eye.closure_dB


def test_each_ring_is_the_better_one_at_its_own_symbol_rate() -> None:
    assert seen(FAST.name, 106.25, "224g")[1] > seen(SLOW.name, 106.25, "224g")[1] + 0.8
    assert seen(SLOW.name, 53.125, "112g")[1] > seen(FAST.name, 53.125, "112g")[1] + 0.1


def test_it_meets_the_closure_that_the_standards_allow_a_transmitter() -> None:
    assert seen(SLOW.name, 106.25, "224g")[0].tdecq_dB > 3.4 > seen(FAST.name, 106.25, "224g")[0].tdecq_dB


def test_its_detuning_is_near_the_largest_amplitude_less_closure() -> None:
    at = seen(FAST.name, 106.25, "224g")[1]
    others = {nm: seen(FAST.name, 106.25, "224g", detuning_nm=nm)[1] for nm in (-0.045, -0.05, -0.06, -0.065, -0.07)}
    assert max(others.values()) == pytest.approx(at, abs=0.05)
    assert others[-0.045] < at - 0.1


def test_it_bears_more_light_before_it_is_bistable() -> None:
    slow, fast = (
        DeviceFacts("ring_modulator", "ring_modulator", sheet.name, params_of(sheet.name), sheet.operating_values)
        for sheet in (SLOW, FAST)
    )
    assert stable(fast, 11.0, WL) and not stable(slow, 11.0, WL)
    assert not stable(fast, 12.0, WL)
