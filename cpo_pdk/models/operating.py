"""Operating point of the ring modulator: where to set the laser, what the eye is then, and how hot the ring gets.

Conventions
    `detuning_nm` = laser - resonance at 0 V; negative: the laser sits on the blue side, where more reverse bias means
    more light. With a laser power the resonance is the hot one: a locking loop holds the laser against the ring as it
    is, and `self_heating_nm` says how far the light itself has moved it. Level one and level zero are the
    transmissions, port to port, at `V_one` and `V_zero`.
    Transmitter penalty `-10 log10((T_one - T_zero) / 2)`: outer modulation amplitude against that of an ideal modulator
    (levels 0 and 2 times the mean power); the same for PAM4, whose outer levels these are.

Method
    Static levels from `ring_modulator` itself. Small-signal bandwidth of the cavity from the linearised coupled-mode
    equation (Karimelahi and Sheikholeslami, IEEE J. Sel. Top. Quantum Electron. 22, 2016; re-derived): with
    amplitude decay `G = pi FWHM`, of which `G_bus = pi FWHM_bus` into the bus, detuning `D` (rad/s) at the bias point
    and `s = 1 - 2 G_bus / (G + 1j D)`, a change of the resonance at frequency `W` gives

        H(W) = 1j conj(s) / ((G + 1j D)(G + 1j D + 1j W)) - 1j s / ((G - 1j D)(G - 1j D + 1j W))

    times a constant. Cavity and junction are combined as `1 / f^2 = 1 / f_cavity^2 + 1 / f_junction^2`.
    Self-heating: what the free carriers absorb heats the ring as that much heater power would, by `heater_nm_mW`. The
    light heats the core itself and the heater a layer above it, so this is a lower bound. Heat is slow (microseconds):
    it follows the mean of the two levels.

Validity
    As `modulator`. Scattered and radiated light does not heat. The drop in efficiency of a junction that is warm, and
    the shift of the levels by patterns longer than the thermal time, are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import junction as pn
from cpo_pdk.models.modulator import (
    carrier_loss_dB,
    couplers,
    ring_modulator,
    ring_modulator_resonances,
    silicon_loss_dB,
)
from cpo_pdk.models.ring import circumference
from cpo_pdk.models.sdict import Array, amplitude, number
from cpo_pdk.models.waveguide import ng

C_UM_GHZ = 299792.458  # speed of light, um GHz
WL_CENTER = 1.30005  # centre of the CW-WDM grid with 8 + 1 channels of 200 GHz, um

_DEFAULTS: dict[str, Any] = dict(ring_modulator.__kwdefaults__ or {})
_SHAPE = ("junction", "junction_offset", "period", "width", "dw")


@dataclass(frozen=True)
class OperatingPoint:
    """What a modulator does between two voltages.

    Attributes:
        detuning_nm: laser minus (hot) resonance at 0 V.
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
        junction_bandwidth_GHz: of resistance and capacitance alone, driver included.
        capacitance_fF: of the whole junction at the mean voltage.
        oma_dBm: outer modulation amplitude at o2; None without a laser power.
        absorbed_mW: light that heats the ring, mean of the levels; 0 without a laser power.
        self_heating_nm: how far that moves the resonance to the red.
        self_heating_K: the temperature that would move it as far.
        linewidth_bus_GHz: the part of the width that the bus coupler causes.
        bias_detuning_GHz: laser minus resonance at the mean voltage.
        one_detuning_GHz, zero_detuning_GHz: the same at level one and level zero.
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
    junction_bandwidth_GHz: float
    capacitance_fF: float
    oma_dBm: float | None
    absorbed_mW: float
    self_heating_nm: float
    self_heating_K: float
    linewidth_bus_GHz: float
    bias_detuning_GHz: float
    one_detuning_GHz: float
    zero_detuning_GHz: float


@dataclass(frozen=True)
class Eye:
    """Levels of a modulator and what follows from them, arrays over the detunings.

    Attributes:
        detuning_nm: laser minus resonance at 0 V.
        one, zero: transmitted share of the power at either voltage.
    """

    detuning_nm: Array
    one: Array
    zero: Array

    @property
    def extinction_ratio_dB(self) -> Array:
        """Level one over level zero; negative where the levels are the other way round."""
        return 10 * np.log10(self.one / self.zero)

    @property
    def insertion_loss_dB(self) -> Array:
        """Loss of level one, port to port."""
        return -10 * np.log10(self.one)

    @property
    def amplitude(self) -> Array:
        """Outer modulation amplitude per power of the laser."""
        return self.one - self.zero

    @property
    def transmitter_penalty_dB(self) -> Array:
        """Against an ideal modulator; infinite where level one is not above level zero."""
        with np.errstate(divide="ignore"):
            return -10 * np.log10(np.maximum(self.amplitude, 0.0) / 2)


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


def cavity_transfer(
    f_GHz: ArrayLike, linewidth_GHz: float, linewidth_bus_GHz: float, detuning_GHz: float
) -> NDArray[np.complexfloating[Any, Any]]:
    """Swing of the light per swing of the resonance, with its phase, not normalised; formula in the module docstring.

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
    return 1j * np.conj(s) / (pole * (pole + 1j * W)) - 1j * s / (np.conj(pole) * (np.conj(pole) + 1j * W))


def cavity_response(
    f_GHz: ArrayLike, linewidth_GHz: float, linewidth_bus_GHz: float, detuning_GHz: float
) -> NDArray[np.float64]:
    """Size of `cavity_transfer`; its arguments."""
    return np.abs(cavity_transfer(f_GHz, linewidth_GHz, linewidth_bus_GHz, detuning_GHz))


def cavity_bandwidth_GHz(linewidth_GHz: float, linewidth_bus_GHz: float, detuning_GHz: float) -> float:
    """Small-signal 3 dB bandwidth of the cavity in GHz; arguments as `cavity_response`."""
    f = np.linspace(0.0, 6 * (linewidth_GHz + abs(detuning_GHz)), 24001)
    response = cavity_response(f, linewidth_GHz, linewidth_bus_GHz, detuning_GHz)
    below = np.flatnonzero(response < response[0] / np.sqrt(2))
    return float(f[below[0]]) if len(below) else float(f[-1])


def _complete(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters of `ring_modulator` with its defaults, after a check of their names."""
    unknown = sorted(set(params) - set(_DEFAULTS) | ({"V"} & set(params)))
    if unknown:
        raise ParameterError(f"operating_point can't take {', '.join(unknown)}; available: {', '.join(_DEFAULTS)}")
    return {**_DEFAULTS, **params}


def _nearest_resonance(wl_center: float, params: dict[str, Any]) -> tuple[float, float]:
    """Resonance at 0 V nearest to `wl_center` and the mean spacing to its neighbours, um."""
    found = ring_modulator_resonances(wl_center - 0.05, wl_center + 0.05, **{**params, "V": 0.0})
    if len(found) < 3:
        raise ParameterError(
            f"ring of radius {params['radius']:g} um has {len(found)} resonances within 50 nm; enlarge it"
        )
    at = int(np.clip(np.argmin(np.abs(found - wl_center)), 1, len(found) - 2))
    return float(found[at]), float((found[at + 1] - found[at - 1]) / 2)


def _power(wl: ArrayLike, V: ArrayLike, params: dict[str, Any], port: str = "o2") -> NDArray[np.float64]:
    return np.abs(ring_modulator(wl, **{**params, "V": V})["o1", "i1" if port == "i1" else "o2"]) ** 2


def transfer(detuning_nm: ArrayLike, V: ArrayLike, *, wl_center: float = WL_CENTER, **params: Any) -> Array:
    """Transmitted share of the power over detuning and bias.

    Args:
        detuning_nm: laser minus resonance at 0 V in nm, shape (D,).
        V: reverse bias in V, shape (B,) or a number.
        wl_center: the resonance nearest to it is used, um.
        **params: of `ring_modulator`, all scalar; `V` is not among them.

    Returns:
        Shape (B, D), or (D,) for a number V.
    """
    p = _complete(params)
    resonance, _fsr = _nearest_resonance(wl_center, p)
    wl = resonance + number("detuning_nm", detuning_nm, -20.0, 20.0, "nm") * 1e-3
    volts = np.asarray(V, dtype=np.float64)
    return _power(wl, volts[..., None] if volts.ndim else volts, p)


def eye(detuning_nm: ArrayLike, V_one: float, V_zero: float, *, wl_center: float = WL_CENTER, **params: Any) -> Eye:
    """Levels at two voltages over the detuning; arguments as `transfer` and `operating_point`."""
    one, zero = transfer(detuning_nm, np.array([V_one, V_zero]), wl_center=wl_center, **params)
    return Eye(np.asarray(detuning_nm, dtype=np.float64), one, zero)


def absorbed_share(detuning_nm: ArrayLike, V: ArrayLike, *, wl_center: float = WL_CENTER, **params: Any) -> Array:
    """Share of the light at o1 that the carriers of the ring turn into heat; arguments and shape as `transfer`.

    What neither leaves at o2 nor at the monitor is lost in ring and bus; of the ring's part, the share of the carriers
    in the loss once round is heat.
    """
    p = _complete(params)
    resonance, _fsr = _nearest_resonance(wl_center, p)
    wl = resonance + number("detuning_nm", detuning_nm, -20.0, 20.0, "nm") * 1e-3
    volts = np.asarray(V, dtype=np.float64)
    return _absorbed(wl, volts[..., None] if volts.ndim else volts, p)


def _absorbed(wl: ArrayLike, V: ArrayLike, p: dict[str, Any]) -> Array:
    carriers = carrier_loss_dB(wl, V=V, **{k: p[k] for k in (*_RING, *_SHAPE)})
    other = silicon_loss_dB(wl, **{k: p[k] for k in _SILICON})
    bus = amplitude(p["loss_dB_cm"] * (2 * p["radius"] + p["length_x"] + 2 * p["length_lead"]) * 1e-4)
    # bus loss shared out: half before the ring, half after it; the monitor sees the first half only
    through, drop = _power(wl, V, p) / bus**2, _power(wl, V, p, "i1") / bus
    return bus * np.maximum(1 - through - drop, 0.0) * carriers / (carriers + other)


_RING = ("radius", "length_x", "doping", "junction_fill")
_SILICON = ("radius", "length_x", "loss_dB_cm", "loss_dB_bend_90", "width", "dw")


def hot_detunings_nm(
    cold_detuning_nm: float,
    laser_power_dBm: float,
    V_one: float = 3.0,
    V_zero: float = 0.0,
    *,
    wl_center: float = WL_CENTER,
    **params: Any,
) -> Array:
    """Where a laser at a fixed wavelength ends up against the resonance that it heats.

    The hot detuning d obeys `d = cold - heater_nm_mW * absorbed_mW(d)`. Where that has three solutions the ring is
    bistable: the outer two are stable, and which one is reached depends on where the laser came from.

    Args:
        cold_detuning_nm: laser minus the resonance without light, at 0 V, in nm.
        laser_power_dBm: at o1.
        V_one: reverse bias in V; as often applied as `V_zero`.
        V_zero: reverse bias in V.
        wl_center: the resonance nearest to it is used, um.
        **params: of `ring_modulator`.

    Returns:
        Every hot detuning in nm, rising, shape (1,) or (3,).
    """
    p = _complete(params)
    power = 10 ** (float(number("laser_power_dBm", laser_power_dBm, -60.0, 30.0, "dBm")) / 10)
    most = float(p["heater_nm_mW"]) * power
    cold = float(number("cold_detuning_nm", cold_detuning_nm, -10.0, 10.0, "nm"))
    grid = np.linspace(cold - most - 1e-6, cold + 1e-6, 4001)
    share = absorbed_share(grid, np.array([V_one, V_zero]), wl_center=wl_center, **params).mean(axis=0)
    excess = grid + most * share - cold
    at = np.flatnonzero((excess[:-1] < 0) != (excess[1:] < 0))
    return grid[at] - excess[at] * (grid[at + 1] - grid[at]) / (excess[at + 1] - excess[at])


def operating_point(
    V_one: float = 3.0,
    V_zero: float = 0.0,
    *,
    detuning_nm: float | None = None,
    laser_power_dBm: float | None = None,
    driver_ohm: float = 0.0,
    wl_center: float = WL_CENTER,
    **params: Any,
) -> OperatingPoint:
    """Evaluate the modulator between two voltages.

    Args:
        V_one: reverse bias at level one, V.
        V_zero: reverse bias at level zero, V.
        detuning_nm: laser minus (hot) resonance at 0 V; None: the one with the largest `T_one - T_zero`.
        laser_power_dBm: at o1, for the modulation amplitude and the self-heating; None: neither.
        driver_ohm: resistance of the driver, in series with the junction's.
        wl_center: the resonance nearest to it is used, um.
        **params: of `ring_modulator`, all scalar; `V` is not among them.

    Raises:
        ParameterError: voltages beyond the junction's breakdown or equal, an unknown parameter, or level one is not
            above level zero at the detuning.
    """
    p = _complete(params)
    for name, value in (("V_one", V_one), ("V_zero", V_zero)):
        number(name, value, 0.0, float(np.min(pn.breakdown_V(p["doping"]))), "V")
    if V_one == V_zero:
        raise ParameterError(f"V_one and V_zero are both {V_one:g} V; a modulator needs two levels")
    resonance, fsr = _nearest_resonance(wl_center, p)
    if detuning_nm is None:
        grid = np.linspace(-1.5, 1.5, 6001)
        opening = _power(resonance + grid * 1e-3, V_one, p) - _power(resonance + grid * 1e-3, V_zero, p)
        detuning_nm = round(float(grid[np.argmax(opening)]), 4)
    wl = resonance + float(number("detuning_nm", detuning_nm, -20.0, 20.0, "nm")) * 1e-3
    one, zero = float(_power(wl, V_one, p)), float(_power(wl, V_zero, p))
    if one <= zero:
        raise ParameterError(
            f"level one ({one:.3g}) is not above level zero ({zero:.3g}) at detuning_nm {detuning_nm:g};"
            " swap V_one and V_zero or change the sign of detuning_nm"
        )
    bias = (V_one + V_zero) / 2
    shape = {k: p[k] for k in _SHAPE}
    length = float(circumference(p["radius"], p["length_x"]))
    group = float(ng(wl, p["width"], dT=p["dT"], cross_section="rib", dw=p["dw"], dh=p["dh"]))
    bus, drop = couplers(wl, p["radius"], p["gap"], p["gap_drop"], p["length_x"], p["width"], p["dw"], p["dh"])
    t_bus, t_drop = abs(float(bus[0])), abs(float(drop[0]))
    carriers = float(carrier_loss_dB(wl, V=bias, **{k: p[k] for k in _RING}, **shape))
    a = float(amplitude(carriers + silicon_loss_dB(wl, **{k: p[k] for k in _SILICON})))
    width_um = linewidth_um(wl, a * t_bus * t_drop, length, group)
    to_GHz = C_UM_GHZ / wl**2
    bus_GHz = linewidth_um(wl, t_bus, length, group) * to_GHz
    filled = float(p["junction_fill"]) * length
    shift = {
        V: wl * float(p["junction_fill"]) * float(pn.index_rise(wl, V, p["doping"], **shape)) / group
        for V in (V_one, V_zero, bias)
    }
    detuned_GHz = -(detuning_nm * 1e-3 - shift[bias]) * to_GHz
    cavity = cavity_bandwidth_GHz(width_um * to_GHz, bus_GHz, detuned_GHz)
    driver = float(number("driver_ohm", driver_ohm, 0.0, 1e6, "ohm")) * filled * 1e-6
    rc = float(pn.bandwidth_GHz(bias, p["doping"], driver_ohm_m=driver, dh=p["dh"], **shape))
    electric = {k: v for k, v in shape.items() if k != "junction_offset"}
    monitor = _power(wl, V_one, p, "i1")
    absorbed, oma = 0.0, None
    if laser_power_dBm is not None:
        light = 10 ** (float(number("laser_power_dBm", laser_power_dBm, -60.0, 30.0, "dBm")) / 10)
        absorbed = light * float(np.mean([_absorbed(wl, V, p) for V in (V_one, V_zero)]))
        oma = float(10 * np.log10(light * (one - zero)))
    hotter = absorbed * float(p["heater_nm_mW"])
    per_K = (_nearest_resonance(wl_center, {**p, "dT": p["dT"] + 1.0})[0] - resonance) * 1e3
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
        junction_bandwidth_GHz=rc,
        capacitance_fF=float(pn.capacitance_pF_m(bias, p["doping"], dh=p["dh"], **electric)) * filled * 1e-3,
        oma_dBm=oma,
        absorbed_mW=absorbed,
        self_heating_nm=hotter,
        self_heating_K=hotter / per_K,
        linewidth_bus_GHz=bus_GHz,
        bias_detuning_GHz=detuned_GHz,
        one_detuning_GHz=-(detuning_nm * 1e-3 - shift[V_one]) * to_GHz,
        zero_detuning_GHz=-(detuning_nm * 1e-3 - shift[V_zero]) * to_GHz,
    )
