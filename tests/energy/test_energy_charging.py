"""What it takes to switch a modulator: against hand-computed charge, and against the closed forms of its levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cpo_pdk.circuit.results import DeviceFacts
from cpo_pdk.energy.charging import charging, mean_rise, mean_square
from cpo_pdk.errors import ParameterError
from cpo_pdk.models import junction as pn
from cpo_pdk.models.travelling_wave import line

RING = DeviceFacts(
    "ring_modulator", "ring_modulator", "ring_modulator", {"doping": 2e18}, {"V_one": 3.0, "V_zero": 0.0}
)
MACH = DeviceFacts(
    "mach_zehnder_modulator", "mach_zehnder_modulator", "mach_zehnder_modulator", {"length": 1800.0}, {"V_swing": 2.0}
)


def test_levels_by_hand() -> None:
    assert mean_rise("NRZ") == pytest.approx(1 / 4)
    assert mean_rise("PAM4") == pytest.approx((3 * 1 + 2 * 2 + 1 * 3) / 3 / 16)
    assert mean_square("NRZ") == pytest.approx(1 / 4)
    assert mean_square("PAM4") == pytest.approx(5 / 36)


def test_levels_of_random_symbols() -> None:
    """The means are those of a long random pattern."""
    rng = np.random.default_rng(1)
    for modulation, levels in (("NRZ", 2), ("PAM4", 4)):
        symbols = rng.integers(0, levels, 200_000) / (levels - 1)
        assert np.maximum(0, np.diff(symbols)).mean() == pytest.approx(mean_rise(modulation), rel=0.01)
        assert np.var(symbols) == pytest.approx(mean_square(modulation), rel=0.01)


def test_ring_is_the_charge_of_its_junction() -> None:
    """A circle of 6.4 um, three quarters of it junction: C V^2 / 8 with the mean capacitance, once a symbol."""
    found = charging(RING, "NRZ", 53.125, 40.0)
    assert found is not None
    volts = np.linspace(0, 3, 400)
    fF = np.trapezoid(pn.capacitance_pF_m(volts, 2e18), volts) / 3 * 2 * np.pi * 6.4 * 0.74 * 1e-3
    assert found.mW == pytest.approx(fF * 1e-15 * 9 / 8 * 53.125e9 * 1e3, rel=1e-3)
    assert 10 < fF < 60


def test_ring_heats_both_dies_as_its_resistances_are() -> None:
    shares = [charging(RING, "PAM4", 53.125, ohm).photonic_share for ohm in (0.0, 40.0, 400.0)]  # pyright: ignore
    assert shares[0] == 1.0
    assert shares[0] > shares[1] > shares[2] > 0


def test_swing_doubled_is_more_than_twice_and_less_than_four_times() -> None:
    """A junction's capacitance falls with its bias: charge grows slower than the voltage."""
    half = charging(replace(RING, operating={"V_one": 1.5, "V_zero": 0.0}), "PAM4", 53.125, 40.0)
    full = charging(RING, "PAM4", 53.125, 40.0)
    assert half is not None and full is not None
    assert 2 < full.mW / half.mW < 4


@pytest.mark.parametrize(("modulation", "mW"), [("NRZ", 2 * 4 / 4 / 50 * 1e3), ("PAM4", 2 * 4 * 5 / 36 / 50 * 1e3)])
def test_line_is_voltage_squared_over_its_termination(modulation: str, mW: float) -> None:
    found = charging(MACH, modulation, 53.125, 50.0)
    assert found is not None
    assert found.mW == pytest.approx(mW)
    assert 0 < found.photonic_share < 1


def test_line_does_not_mind_the_rate_but_its_loss_does() -> None:
    slow, fast = (charging(MACH, "PAM4", baud, 50.0) for baud in (20.0, 106.25))
    assert slow is not None and fast is not None
    assert slow.mW == fast.mW
    assert slow.photonic_share < fast.photonic_share


def test_line_keeps_its_loss_at_a_quarter_of_the_rate() -> None:
    found = charging(MACH, "PAM4", 53.125, 50.0)
    loss_dB = float(line(53.125 / 4, doping=3e17).loss_dB_cm) * 0.18
    assert found is not None
    assert found.photonic_share == pytest.approx(1 - 10 ** (-loss_dB / 10))


def test_unknown_model_has_no_answer() -> None:
    assert charging(replace(RING, model="my_modulator"), "NRZ", 32.0, 40.0) is None


def test_sheet_without_a_level_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"no V_zero under `operating`"):
        charging(replace(RING, operating={"V_one": 3.0}), "NRZ", 32.0, 40.0)
