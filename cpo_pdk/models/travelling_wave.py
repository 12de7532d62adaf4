"""Travelling-wave electrode: a coplanar line loaded with a junction, and how fast it modulates light.

Conventions
    Time as `exp(+1j w t)`, so that a wave along +z is `exp(-gamma z)`. One line of a dual drive: a strip between two
    grounds, the junction in one of the two gaps. Lengths of geometry in um, results per metre, frequencies in GHz.

Method
    Line without junction: conformal mapping of a coplanar line (Ghione and Naldi, Electron. Lett. 20, 179 (1984)) with
    grounds of finite width, and oxide above the handle wafer by partial capacitances (both as in textbooks on coplanar
    lines, from memory). Conductor loss: surface resistance and Wheeler's rule (Ghione, IEEE Trans. Microw. Theory Tech.
    41, 1499 (1993)), joined to the resistance at zero frequency. The junction is a series R and C from strip to ground
    along the line (Yu and Bogaerts, J. Lightwave Technol. 30, 1602 (2012)). Response: the voltage that a photon sees on
    its way, with reflections at both ends, and the share of it that falls on the depleted slice (after Ghione,
    Semiconductor Devices for High-Speed Optoelectronics, 2009, from memory; re-derived, see `response`).

Validity
    Quasi-TEM: gaps well below a wavelength. The junction's index change follows its voltage linearly (small signal).
    Not in it: loss in a doped handle wafer (`substrate_loss_dB_cm_GHz`, zero by default), coupling of the two lines,
    pads, wire bonds and bumps, and the rise of resistance by grain and roughness. Where the strip is thinner than three
    skin depths (below some 10 GHz) the conductor loss is an interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ellipk

from cpo_pdk.models import junction as pn
from cpo_pdk.models.sdict import Array, data, number
from cpo_pdk.models.waveguide import ng

EPS0, MU0 = 8.8541878128e-12, 4e-7 * np.pi
C0 = 299792458.0
GRID_GHZ = np.geomspace(0.05, 400.0, 4000)

Complex = NDArray[np.complexfloating[Any, Any]]


def _value(key: str) -> float:
    return float(data("electrode")[key]["value"])


@dataclass(frozen=True)
class Line:
    """A line at some frequencies.

    Attributes:
        f_GHz: frequencies.
        gamma: propagation constant in 1/m.
        impedance: characteristic, in ohm.
        cut_off: share of the line's voltage on the depleted slice, complex.
    """

    f_GHz: Array
    gamma: Complex
    impedance: Complex
    cut_off: Complex

    @property
    def loss_dB_cm(self) -> Array:
        """Loss of the wave's power, in dB/cm (20 log10 of its amplitude)."""
        return self.gamma.real * 20 / np.log(10) * 1e-2

    @property
    def index(self) -> Array:
        """Phase index of the microwave."""
        return self.gamma.imag * C0 / (2 * np.pi * self.f_GHz * 1e9)


def _modulus(a: Array, b: Array, c: Array) -> Array:
    """Modulus of a strip from 0 to a, gap to b and ground to c, on one half plane (finite grounds)."""
    return a / b * np.sqrt((1 - b**2 / c**2) / (1 - a**2 / c**2))


def coplanar(width_signal: ArrayLike, gap: ArrayLike, width_ground: ArrayLike) -> tuple[Array, Array, Array]:
    """Inductance (H/m), capacitance (F/m) and modulus of a coplanar line over oxide on silicon.

    Args:
        width_signal: of the strip in um.
        gap: on either side in um.
        width_ground: of either ground in um.
    """
    a = number("width_signal", width_signal, 0.5, 1e3) / 2
    b = a + number("gap_electrode", gap, 0.5, 1e3)
    c = b + number("width_ground", width_ground, 0.5, 1e4)
    h = _value("to_silicon")
    # far layers map by sinh(pi x / 2h) instead of x
    far = [np.sinh(np.pi * np.minimum(v, 60 * h) / (2 * h)) for v in (a, b, c)]
    k, kh = _modulus(a, b, c), _modulus(far[0], far[1], far[2])
    ratio, layer = (ellipk(m**2) / ellipk(1 - m**2) for m in (k, kh))
    silicon, oxide = _value("silicon_permittivity"), _value("oxide_permittivity")
    permittivity = 1 + ((silicon - 1) + (oxide - silicon) * layer / ratio) / 2
    return MU0 / (4 * ratio), 4 * EPS0 * permittivity * ratio, k


def conductor_ohm_m(f_GHz: ArrayLike, width_signal: ArrayLike, gap: ArrayLike, width_ground: ArrayLike) -> Array:
    """Series resistance of strip and grounds in ohm/m; arguments as `coplanar`."""
    f = number("f_GHz", f_GHz, 0.0, 1e5, "GHz") * 1e9
    a = np.asarray(width_signal, dtype=np.float64) * 1e-6 / 2
    b = a + np.asarray(gap, dtype=np.float64) * 1e-6
    ground = np.asarray(width_ground, dtype=np.float64) * 1e-6
    t, rho = _value("thickness") * 1e-6, _value("resistivity_ohm_m")
    k = coplanar(width_signal, gap, width_ground)[2]
    surface = np.sqrt(np.pi * f * MU0 * rho)
    n = 8 * np.pi * (1 - k) / (t * (1 + k))
    edges = (np.pi + np.log(n * a)) / a + (np.pi + np.log(n * b)) / b
    skin = surface * edges / (8 * ellipk(k**2) ** 2 * (1 - k**2))
    still = rho / t * (1 / (2 * a) + 1 / (2 * ground))
    return np.hypot(still, skin)


def line(
    f_GHz: ArrayLike,
    *,
    width_signal: ArrayLike = 8.0,
    gap_electrode: ArrayLike = 12.0,
    width_ground: ArrayLike = 30.0,
    V_bias: ArrayLike = 2.0,
    doping: ArrayLike = 3e17,
    junction_offset: ArrayLike = 0.0,
    in_series: int = 1,
) -> Line:
    """The electrode at some frequencies; arguments with the names of `mach_zehnder_modulator`.

    Args:
        f_GHz: shape (F,).
        width_signal: of the strip in um.
        gap_electrode: between strip and grounds in um.
        width_ground: of the grounds in um.
        V_bias: reverse bias of the junction in V.
        doping: of either side in cm^-3.
        junction_offset: of the junction in um.
        in_series: junctions in series from strip to ground: 1 as drawn, 2 for a series push-pull, 0 for a bare line.
    """
    f = number("f_GHz", f_GHz, 1e-6, 1e5, "GHz")
    w = 2 * np.pi * f * 1e9
    L, C, _k = coplanar(width_signal, gap_electrode, width_ground)
    R = conductor_ohm_m(f, width_signal, gap_electrode, width_ground)
    junction_C = pn.capacitance_pF_m(V_bias, doping) * 1e-12
    junction_R = pn.resistance_ohm_m(V_bias, doping, junction_offset=junction_offset)
    cut_off = 1 / (1 + 1j * w * junction_R * junction_C)
    count = int(number("in_series", in_series, 0, 2, ""))
    admittance = 1j * w * C + (1j * w * junction_C * cut_off / count if count else 0.0)
    series = R + 1j * w * L
    substrate = _value("substrate_loss_dB_cm_GHz") * f * 1e2 * np.log(10) / 20
    gamma = np.sqrt(series * admittance) + substrate
    return Line(f, gamma, np.sqrt(series / admittance), cut_off)


def _mean(x: Complex) -> Complex:
    """Mean of exp(x s) over s from 0 to 1."""
    small = np.abs(x) < 1e-6
    safe = np.where(small, 1.0, x)
    return np.where(small, 1 + x / 2, np.expm1(safe) / safe)


def response(
    electrode: Line,
    length: float,
    optical_index: float,
    source_ohm: float | None = None,
    load_ohm: float | None = None,
) -> Complex:
    """Mean voltage on the depleted slice that light meets along the electrode, per voltage of the open source.

    With `V(z) = V+ (exp(-g z) + r_load exp(-2 g L) exp(g z))`, light at z is late by `n z / c`, so that it sees
    `V(z) exp(1j w n z / c)`; `V+ = Z / (Z + Z_source) / (1 - r_source r_load exp(-2 g L))`.

    Args:
        electrode: line.
        length: in um.
        optical_index: group index of the light.
        source_ohm: of the driver in ohm; None: `data/electrode.yaml`.
        load_ohm: termination in ohm; None: `data/electrode.yaml`.
    """
    source = _value("source_ohm") if source_ohm is None else source_ohm
    load = _value("load_ohm") if load_ohm is None else load_ohm
    metres = float(number("length", length, 0.0, 1e6)) * 1e-6
    g, Z = electrode.gamma, electrode.impedance
    light = 2j * np.pi * electrode.f_GHz * 1e9 * optical_index / C0
    at_load, at_source = (load - Z) / (load + Z), (source - Z) / (source + Z)
    echo = at_load * np.exp(-2 * g * metres)
    forward = Z / (Z + source) / (1 - at_source * echo)
    return electrode.cut_off * forward * (_mean((light - g) * metres) + echo * _mean((light + g) * metres))


def eo_response_dB(
    f_GHz: ArrayLike,
    *,
    length: float = 1800.0,
    wl: float = 1.31,
    source_ohm: float | None = None,
    load_ohm: float | None = None,
    **electrode: ArrayLike,
) -> Array:
    """Swing of the light over frequency, `20 log10` of what it is at (almost) zero frequency.

    Args:
        f_GHz: shape (F,).
        length: of the electrode in um.
        wl: wavelength in um.
        source_ohm: of the driver in ohm.
        load_ohm: termination in ohm.
        **electrode: as `line`.
    """
    f = np.append(1e-4, np.asarray(f_GHz, dtype=np.float64).ravel())
    index = float(ng(wl, cross_section="rib"))
    swing = np.abs(response(line(f, **electrode), length, index, source_ohm, load_ohm))  # pyright: ignore[reportArgumentType]
    return (20 * np.log10(swing[1:] / swing[0])).reshape(np.shape(f_GHz))


def eo_bandwidth_GHz(*, level_dB: float = -3.0, **arguments: ArrayLike) -> float:
    """First frequency in GHz at which `eo_response_dB` is below a level; its arguments, less `f_GHz`."""
    fall = eo_response_dB(GRID_GHZ, **arguments)  # pyright: ignore[reportArgumentType]
    below = np.flatnonzero(fall < level_dB)
    return float(GRID_GHZ[below[0]]) if len(below) else float(GRID_GHZ[-1])
