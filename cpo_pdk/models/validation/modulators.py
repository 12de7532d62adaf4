"""Junction, modulators and phase shifters against published numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models import junction
from cpo_pdk.models.mach_zehnder import mach_zehnder_modulator
from cpo_pdk.models.operating import operating_point
from cpo_pdk.models.phase_shifters import p_pi_mW
from cpo_pdk.models.sdict import Array, data
from cpo_pdk.models.travelling_wave import eo_bandwidth_GHz
from cpo_pdk.models.validation.case import Case

_ZHANG = "Zhang et al., Photonics Res. 10, 1127 (2022), O-band ring modulator, measured"
_MCGILL = "McGill, Opt. Express 2015, slow-wave electrode, 4 mm, measured (that it is a series push-pull: from memory)"
_CORNERSTONE = "CORNERSTONE MPW47 (Oct 2025), 1.8 mm, 28 Gb/s at 2 V dual drive"
_SIMPHONY = "SimPhony device table (2023), mixed provenance, drive not stated"
_USUAL = "usual range of O-band devices (from memory, not re-read)"
#: heater power at which the default modulator is half open, both outputs equal; half of half a turn
_QUADRATURE_MW = float(p_pi_mW(1.2)) / 2


def _table() -> Iterator[Case]:
    """Every entry of the published simulation of a lateral junction at 1550 nm."""
    raw = data("junction")["published"]
    shape = {"width": raw["width"]["value"]}
    wl, source = raw["wl"], raw["source"]
    kinds = (
        ("dneff", "rise of neff from 0 V", "1", 0.12, lambda V, N: junction.index_rise(wl, V, N, **shape)),
        ("loss_dB_cm", "free-carrier loss", "dB/cm", 0.2, lambda V, N: junction.loss_dB_cm(wl, V, N, **shape)),
        ("capacitance_pF_m", "capacitance", "pF/m", 0.17, lambda V, N: junction.capacitance_pF_m(V, N, **shape)),
    )
    for key, what, unit, tolerance, model in kinds:
        for doping, row in zip(raw["doping"], raw[key]["values"], strict=True):
            for volts, published in zip(raw[key]["V"], row, strict=True):
                quantity = f"{what}, {volts:g} V, {doping:g} cm^-3, 1550 nm"
                ours = partial(_number, model, volts, doping)
                yield Case("phase_shifter_pn", quantity, unit, source, published, ours, tolerance)
    # the simulation's distance of the contacts is not stated, and ours has no contact resistance
    for doping, ohm, f3dB in zip(raw["doping"], raw["resistance_ohm_m"], raw["f3dB_GHz"], strict=True):
        R = partial(_number, lambda V, N: junction.resistance_ohm_m(V, N, **shape), 2.0, doping)
        f = partial(_number, lambda V, N: junction.bandwidth_GHz(V, N, **shape), 2.0, doping)
        yield Case("phase_shifter_pn", f"series resistance, {doping:g} cm^-3", "ohm m", source, ohm, R, 0.25)
        yield Case("phase_shifter_pn", f"1 / (2 pi R C), 2 V, {doping:g} cm^-3", "GHz", source, f3dB, f, 0.6)


def _number(model: Callable[[float, float], Array], volts: float, doping: float) -> float:
    return float(model(volts, doping))


def _levels_dB(swing: float) -> tuple[float, float]:
    """Loss of level one and extinction ratio of the default modulator at quadrature, in dB."""
    drive: ArrayLike = np.array([-swing, swing])
    s = mach_zehnder_modulator(1.31, V=drive, heater_mW=_QUADRATURE_MW)
    one, zero = sorted(np.abs(s["o1", "o3"]) ** 2, reverse=True)
    return float(-10 * np.log10(one)), float(10 * np.log10(one / zero))


def _ring_heater_nm_mW() -> float:
    """Shift of the default ring if the heater of a straight strip were wound around it."""
    return operating_point().fsr_nm / (2 * float(p_pi_mW(1.2)))


CASES: tuple[Case, ...] = (
    *_table(),
    Case(
        "phase_shifter_pn",
        "VpiL at 1310 nm, 0 to 2 V, 2e17 cm^-3",
        "V cm",
        _USUAL,
        2.35,
        lambda: float(junction.vpi_length_V_cm(1.31, 2.0, 2e17)),
        0.07,
    ),
    Case(
        "ring_modulator",
        "VpiL, 0 to 2 V (doping of the sheet chosen for it)",
        "V cm",
        _ZHANG,
        0.825,
        lambda: float(junction.vpi_length_V_cm(1.31, 2.0, 2e18)),
        0.06,
        fitted=True,
    ),
    Case("ring_modulator", "small-signal bandwidth", "GHz", _ZHANG, 52.0, lambda: operating_point().bandwidth_GHz, 0.4),
    Case(
        "ring_modulator",
        "transmitter penalty, 3 V (middle of 5 to 8 dB)",
        "dB",
        _USUAL,
        6.5,
        lambda: operating_point().transmitter_penalty_dB,
        1.8,
        relative=False,
    ),
    Case("ring_modulator", "heater, from a straight one", "nm/mW", _ZHANG, 0.1, _ring_heater_nm_mW, 1.0),
    Case(
        "phase_shifter_thermal",
        "heater power for pi (upper limit of its QA)",
        "mW",
        "CORNERSTONE MPW48 (Mar 2026)",
        30.0,
        lambda: float(p_pi_mW(1.2)),
        0.1,
    ),
    Case(
        "mach_zehnder_modulator",
        "loss of level one (upper limit)",
        "dB",
        _CORNERSTONE,
        5.0,
        lambda: _levels_dB(2.0)[0],
        0.4,
    ),
    Case(
        "mach_zehnder_modulator",
        "extinction ratio at quadrature (lower limit)",
        "dB",
        _CORNERSTONE,
        3.0,
        lambda: _levels_dB(2.0)[1],
        0.4,
    ),
    Case(
        "mach_zehnder_modulator",
        "bandwidth (0.7 of the bit rate)",
        "GHz",
        _CORNERSTONE,
        19.6,
        lambda: eo_bandwidth_GHz(),
        0.4,
    ),
    Case("mach_zehnder_modulator", "insertion loss", "dB", _SIMPHONY, 3.0, lambda: _levels_dB(4.0)[0], 0.3),
    Case("mach_zehnder_modulator", "extinction ratio", "dB", _SIMPHONY, 15.0, lambda: _levels_dB(4.0)[1], 0.5),
    *(
        Case(
            "mach_zehnder_modulator",
            f"bandwidth of 4 mm at {volts:g} V, two junctions in series, 2e17 cm^-3",
            "GHz",
            _MCGILL,
            published,
            partial(eo_bandwidth_GHz, length=4000.0, in_series=2, V_bias=volts, doping=2e17),
            0.6,
        )
        for volts, published in ((2.0, 38.0), (4.0, 41.0))
    ),
)
