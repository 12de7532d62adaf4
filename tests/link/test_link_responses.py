"""Responses of driver, modulator, detector and amplifier: 1 at zero, real signals stay real, known bandwidths."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ModelError, ParameterError
from cpo_pdk.link.devices import detector_current, detector_response, driver_response, modulator_response, tia_response
from cpo_pdk.link.responses import (
    BesselThomson,
    Chain,
    Detector,
    Flat,
    OnePole,
    Response,
    Ring,
    TravellingWave,
    bandwidth_GHz,
)
from cpo_pdk.models import MODELS, detector
from cpo_pdk.models.operating import cavity_bandwidth_GHz, operating_point
from cpo_pdk.models.travelling_wave import eo_bandwidth_GHz
from cpo_pdk.spec import load_sheets
from cpo_pdk.spec.part_choice import load_parts

ALL: tuple[Response, ...] = (
    Flat(),
    OnePole(30.0),
    BesselThomson(30.0),
    BesselThomson(30.0, order=2),
    Ring(40.0, 22.0, 15.0, 60.0),
    TravellingWave(1800.0, 4.0),
    Detector(60.0, 100.0),
)
RING = {"V_one": 3.0, "V_zero": 0.0, "detuning_nm": -0.0345}


@pytest.mark.parametrize("response", ALL)
def test_a_response_is_one_at_zero_and_that_of_a_real_causal_signal(response: Response) -> None:
    f = np.linspace(0.0, 400.0, 4001)
    gain = response(f)
    assert gain[0] == pytest.approx(1.0, abs=1e-4)
    assert hash(response) == hash(response)
    if isinstance(response, Flat):
        return
    assert np.angle(gain[1]) < 0, "later, not earlier"
    pulse = np.fft.irfft(gain, n=8000)
    assert np.sum(pulse[:4000] ** 2) > 0.99 * np.sum(pulse**2), "nothing comes before its cause"


@pytest.mark.parametrize("response", [OnePole(30.0), BesselThomson(30.0), BesselThomson(30.0, order=2)])
def test_the_bandwidth_asked_for_is_the_bandwidth(response: Response) -> None:
    assert bandwidth_GHz(response) == pytest.approx(30.0, abs=0.1)


def test_bessel_thomson_of_order_4_is_the_polynomial_of_the_standard() -> None:
    """105 / (105 + 105 y + 45 y^2 + 10 y^3 + y^4), y = 2.114 s over the 3 dB frequency (IEEE 802.3, eye diagrams)."""
    y = 2.114 * 1j * np.array([0.3, 1.0, 2.0])
    assert BesselThomson(30.0)(np.array([9.0, 30.0, 60.0])) == pytest.approx(
        105 / (105 + 105 * y + 45 * y**2 + 10 * y**3 + y**4), abs=1e-3
    )


def test_ring_has_the_bandwidth_of_the_operating_point() -> None:
    cavity = Ring(40.0, 22.0, 15.0, 1e6)
    assert bandwidth_GHz(cavity) == pytest.approx(cavity_bandwidth_GHz(40.0, 22.0, 15.0), abs=0.1)
    assert bandwidth_GHz(Ring(40.0, 22.0, 15.0, 20.0)) < bandwidth_GHz(cavity)


def test_slow_detuned_ring_rings_where_it_beats() -> None:
    """Detuned by more than its width, light beats at the detuning: the response peaks there."""
    f = np.linspace(1.0, 100.0, 991)
    peak = f[np.argmax(np.abs(Ring(20.0, 11.0, 60.0, 1e6)(f)))]
    assert peak == pytest.approx(60.0, rel=0.15)


def test_travelling_wave_is_that_of_the_model() -> None:
    from_model = eo_bandwidth_GHz(length=1800.0, source_ohm=50.0)
    line = modulator_response("mach_zehnder_modulator", {"length": 1800.0}, {}, 1.31, driver_ohm=50.0)
    assert bandwidth_GHz(line) == pytest.approx(float(from_model), abs=0.3)


def test_detector_has_the_bandwidth_of_its_model() -> None:
    for sheet in ("photodetector", "photodetector_dual", "photodetector_lateral"):
        params = load_sheets()[sheet]
        values = {**params.geometry, **params.values}
        whole = detector.bandwidth_lateral_GHz if "lateral" in sheet else detector.bandwidth_GHz
        given = {k: v for k, v in values.items() if k in (whole.__kwdefaults__ or {})}
        # transit and RC add in squares in the model, multiply as filters here
        assert bandwidth_GHz(detector_response(sheet, values)) == pytest.approx(float(whole(**given)), rel=0.05)  # pyright: ignore[reportArgumentType]


def test_ring_of_a_sheet_is_the_one_of_its_operating_point() -> None:
    ring = modulator_response("ring_modulator", {"radius": 6.4, "width_heater": 1.2}, RING, 1.3, driver_ohm=40.0)
    point = operating_point(3.0, 0.0, detuning_nm=-0.0345, driver_ohm=40.0, wl_center=1.3)
    assert isinstance(ring, Ring)
    assert ring.linewidth_GHz == pytest.approx(point.linewidth_GHz, rel=2e-3)
    assert ring.rc_GHz == pytest.approx(point.junction_bandwidth_GHz, rel=2e-3)
    assert bandwidth_GHz(ring) == pytest.approx(point.bandwidth_GHz, rel=0.05)


def test_heat_and_heater_do_not_make_another_ring() -> None:
    """A ring held at its channel is the same ring, so that all engines share its eye."""
    cold = modulator_response("ring_modulator", {}, RING, 1.3, driver_ohm=40.0)
    hot = modulator_response(
        "ring_modulator", {"dT": 30.0, "tuning_nm": 2.0, "heater_mW": 9.0}, RING, 1.3012, driver_ohm=40.0
    )
    assert hot == cold


def test_current_is_counted_once() -> None:
    """Absorbed power times our responsivity is incident power times the sheet's."""
    for name in ("photodetector", "photodetector_dual"):
        values = {**load_sheets()[name].geometry, **load_sheets()[name].values}
        known = {k: v for k, v in values.items() if k in (MODELS[name].function.__kwdefaults__ or {})}
        absorbed = abs(complex(MODELS[name].function(1.31, **known)["o1", "i1"])) ** 2
        current = detector_current(name, values, 1.31)
        assert current.responsivity_A_W * absorbed == pytest.approx(values["responsivity_A_W"], rel=1e-9)
        assert 0 < current.dark_nA < 10
        assert detector_current(name, values, 1.31, dT_K=40.0).dark_nA > current.dark_nA


def test_parts_have_the_bandwidth_of_their_sheet() -> None:
    parts = load_parts()
    for name, response in (("driver_ring_112g", driver_response), ("tia_112g", tia_response)):
        assert bandwidth_GHz(response(parts[name])) == pytest.approx(parts[name]["bandwidth_GHz"], abs=0.1)


def test_a_chain_is_the_product_of_its_links() -> None:
    chain = Chain(OnePole(40.0), Ring(40.0, 22.0, 15.0, 60.0), Detector(60.0, 100.0), BesselThomson(30.0))
    f = np.array([0.0, 10.0, 30.0])
    assert chain.whole(f) == pytest.approx(chain.transmitter(f) * chain.receiver(f))
    assert bandwidth_GHz(chain.whole) < bandwidth_GHz(chain.transmitter)
    assert chain == Chain(OnePole(40.0), Ring(40.0, 22.0, 15.0, 60.0), Detector(60.0, 100.0), BesselThomson(30.0))


def test_what_can_not_be_is_refused() -> None:
    for bad in (lambda: OnePole(0.0), lambda: BesselThomson(float("nan")), lambda: Detector(-1.0, 3.0)):
        with pytest.raises(ParameterError, match="above 0"):
            bad()
    with pytest.raises(ParameterError, match="1 to 10"):
        BesselThomson(30.0, order=0)
    with pytest.raises(ParameterError, match="on resonance"):
        Ring(40.0, 22.0, 0.0, 60.0)
    with pytest.raises(ModelError, match="modulation response"):
        modulator_response("straight", {}, {}, 1.31, driver_ohm=50.0)
    with pytest.raises(ModelError, match="photodetector"):
        detector_current("straight", {}, 1.31)
