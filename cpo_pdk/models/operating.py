"""Operating point of the ring modulator: where to set the laser, and what the eye is then.

Conventions
    `detuning_nm` = laser - resonance at 0 V; negative: the laser sits on the blue side, where more reverse bias means
    more light. Level one and level zero are the transmissions, port to port, at `V_one` and `V_zero`.
    Transmitter penalty `-10 log10((T_one - T_zero) / 2)`: outer modulation amplitude against that of an ideal modulator
    (levels 0 and 2 times the mean power); the same for PAM4, whose outer levels these are.

Method
    Static levels from `ring_modulator` itself. Small-signal bandwidth of the cavity from the linearised coupled-mode
    equation (Karimelahi and Sheikholeslami, IEEE J. Sel. Top. Quantum Electron. 22, 2016; re-derived): with
    amplitude decay `G = pi FWHM`, of which `G_bus = pi FWHM_bus` into the bus, detuning `D` (rad/s) at the bias point
    and `s = 1 - 2 G_bus / (G + 1j D)`, a change of the resonance at frequency `W` gives

        H(W) = 1j conj(s) / ((G + 1j D)(G + 1j D + 1j W)) - 1j s / ((G - 1j D)(G - 1j D + 1j W))

    times a constant. Cavity and junction are combined as `1 / f^2 = 1 / f_cavity^2 + 1 / f_junction^2`.

Validity
    As `modulator`: no self-heating, hence the detuning of a hot ring is relative to the hot resonance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import junction
from cpo_pdk.models.modulator import couplers, ring_loss_dB, ring_modulator, ring_modulator_resonances
from cpo_pdk.models.ring import circumference
from cpo_pdk.models.sdict import amplitude, number
from cpo_pdk.models.waveguide import ng

C_UM_GHZ = 299792.458  # speed of light, um GHz
WL_CENTER = 1.30005  # centre of the CW-WDM grid with 8 + 1 channels of 200 GHz, um

_DEFAULTS: dict[str, Any] = dict(ring_modulator.__kwdefaults__ or {})


@dataclass(frozen=True)
class OperatingPoint:
    """What a modulator does between two voltages.

    Attributes:
        detuning_nm: laser minus resonance at 0 V.
        V_one, V_zero: reverse bias at level one and level zero, V.
        extinction_ratio_dB: level one over level zero.
        insertion_loss_dB: of level one, port to port.
        transmitter_penalty_dB: loss of outer modulation amplitude against an ideal modulator.
        linewidth_GHz: loaded full width at half maximum at the mean voltage.
        quality_factor: loaded.
        fsr_nm: free spectral range.
        shift_nm: move of the resonance between the two voltages.
        bandwidth_GHz: small-signal 3 dB bandwidth of cavity and junction at the mean voltage.
        monitor_dB: power on the monitor at level one, dB below the input.
    """

    detuning_nm: float
    V_one: float
    V_zero: float
    extinction_ratio_dB: float
    insertion_loss_dB: float
    transmitter_penalty_dB: float
    linewidth_GHz: float
    quality_factor: float
    fsr_nm: float
    shift_nm: float
    bandwidth_GHz: float
    monitor_dB: float


def linewidth_um(wl: float, r: float, length: float, group_index: float) -> float:
    """Full width at half maximum of `1 / |1 - r exp(1j phase)|^2` in um of wavelength.

    Args:
        wl: resonance in um.
        r: amplitude once round, couplers included.
        length: circumference in um.
        group_index: of the ring.
    """
    half = np.arcsin(min((1 - r) / (2 * np.sqrt(r)), 1.0))
    return float(wl**2 * 4 * half / (2 * np.pi * group_index * length))


def cavity_response(
    f_GHz: ArrayLike, linewidth_GHz: float, linewidth_bus_GHz: float, detuning_GHz: float
) -> NDArray[np.float64]:
    """Size of the swing of the light per swing of the resonance, not normalised; formula in the module docstring.

    Args:
        f_GHz: modulation frequency in GHz.
        linewidth_GHz: loaded full width at half maximum.
        linewidth_bus_GHz: the part of it that the bus coupler causes.
        detuning_GHz: laser minus resonance at the bias point.
    """
    G, B, D = np.pi * linewidth_GHz, np.pi * linewidth_bus_GHz, 2 * np.pi * detuning_GHz
    W = 2 * np.pi * np.asarray(f_GHz, dtype=np.float64)
    pole = G + 1j * D
    s = 1 - 2 * B / pole
    return np.abs(1j * np.conj(s) / (pole * (pole + 1j * W)) - 1j * s / (np.conj(pole) * (np.conj(pole) + 1j * W)))


def cavity_bandwidth_GHz(linewidth_GHz: float, linewidth_bus_GHz: float, detuning_GHz: float) -> float:
    """Small-signal 3 dB bandwidth of the cavity in GHz; arguments as `cavity_response`."""
    f = np.linspace(0.0, 6 * (linewidth_GHz + abs(detuning_GHz)), 24001)
    response = cavity_response(f, linewidth_GHz, linewidth_bus_GHz, detuning_GHz)
    below = np.flatnonzero(response < response[0] / np.sqrt(2))
    return float(f[below[0]]) if len(below) else float(f[-1])


def _nearest_resonance(wl_center: float, params: dict[str, Any]) -> tuple[float, float]:
    """Resonance at 0 V nearest to `wl_center` and the mean spacing to its neighbours, um."""
    found = ring_modulator_resonances(wl_center - 0.05, wl_center + 0.05, **{**params, "V": 0.0})
    if len(found) < 3:
        raise ParameterError(
            f"ring of radius {params['radius']:g} um has {len(found)} resonances within 50 nm; enlarge it"
        )
    at = int(np.clip(np.argmin(np.abs(found - wl_center)), 1, len(found) - 2))
    return float(found[at]), float((found[at + 1] - found[at - 1]) / 2)


def _transmission(wl: ArrayLike, V: float, params: dict[str, Any]) -> NDArray[np.float64]:
    return np.abs(ring_modulator(wl, **{**params, "V": V})["o1", "o2"]) ** 2


def operating_point(
    V_one: float = 3.0,
    V_zero: float = 0.0,
    *,
    detuning_nm: float | None = None,
    wl_center: float = WL_CENTER,
    **params: Any,
) -> OperatingPoint:
    """Evaluate the modulator between two voltages.

    Args:
        V_one: reverse bias at level one, V.
        V_zero: reverse bias at level zero, V.
        detuning_nm: laser minus resonance at 0 V; None: the one with the largest `T_one - T_zero`.
        wl_center: the resonance nearest to it is used, um.
        **params: of `ring_modulator`, all scalar; `V` is not among them.

    Raises:
        ParameterError: voltages outside the junction table or equal, an unknown parameter, or level one is not above
            level zero at the detuning.
    """
    unknown = sorted(set(params) - set(_DEFAULTS) | ({"V"} & set(params)))
    if unknown:
        raise ParameterError(f"operating_point can't take {', '.join(unknown)}; available: {', '.join(_DEFAULTS)}")
    for name, value in (("V_one", V_one), ("V_zero", V_zero)):
        number(name, value, 0.0, junction.V_MAX, "V")
    if V_one == V_zero:
        raise ParameterError(f"V_one and V_zero are both {V_one:g} V; a modulator needs two levels")
    p = {**_DEFAULTS, **params}
    resonance, fsr = _nearest_resonance(wl_center, p)
    if detuning_nm is None:
        grid = np.linspace(-1.5, 1.5, 6001)
        opening = _transmission(resonance + grid * 1e-3, V_one, p) - _transmission(resonance + grid * 1e-3, V_zero, p)
        detuning_nm = round(float(grid[np.argmax(opening)]), 4)
    wl = resonance + float(number("detuning_nm", detuning_nm, -20.0, 20.0, "nm")) * 1e-3
    one, zero = float(_transmission(wl, V_one, p)), float(_transmission(wl, V_zero, p))
    if one <= zero:
        raise ParameterError(
            f"level one ({one:.3g}) is not above level zero ({zero:.3g}) at detuning_nm {detuning_nm:g};"
            " swap V_one and V_zero or change the sign of detuning_nm"
        )
    bias = (V_one + V_zero) / 2
    length = float(circumference(p["radius"], p["length_x"]))
    group = float(ng(wl, p["width"], cross_section="rib"))
    bus, drop = couplers(wl, p["radius"], p["gap"], p["gap_drop"], p["length_x"], p["width"])
    t_bus, t_drop = abs(float(bus[0])), abs(float(drop[0]))
    names = ("radius", "length_x", "doping", "junction_fill", "loss_dB_cm", "loss_dB_bend_90")
    a = float(amplitude(ring_loss_dB(wl, V=bias, **{n: p[n] for n in names})))
    width_um = linewidth_um(wl, a * t_bus * t_drop, length, group)
    to_GHz = C_UM_GHZ / wl**2
    bus_GHz = linewidth_um(wl, t_bus, length, group) * to_GHz
    shift = {
        V: wl * float(p["junction_fill"]) * float(junction.index_rise(wl, V, p["doping"])) / group
        for V in (V_one, V_zero, bias)
    }
    detuned_GHz = -(detuning_nm * 1e-3 - shift[bias]) * to_GHz
    cavity = cavity_bandwidth_GHz(width_um * to_GHz, bus_GHz, detuned_GHz)
    rc = float(junction.bandwidth_GHz(p["doping"]))
    monitor = np.abs(ring_modulator(wl, **{**p, "V": V_one})["o1", "i1"]) ** 2
    return OperatingPoint(
        detuning_nm=detuning_nm,
        V_one=V_one,
        V_zero=V_zero,
        extinction_ratio_dB=float(10 * np.log10(one / zero)),
        insertion_loss_dB=float(-10 * np.log10(one)),
        transmitter_penalty_dB=float(-10 * np.log10((one - zero) / 2)),
        linewidth_GHz=width_um * to_GHz,
        quality_factor=wl / width_um,
        fsr_nm=fsr * 1e3,
        shift_nm=(shift[V_one] - shift[V_zero]) * 1e3,
        bandwidth_GHz=float((cavity**-2 + rc**-2) ** -0.5),
        monitor_dB=float(-10 * np.log10(monitor)),
    )
