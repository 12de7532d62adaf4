"""Depletion junction in the core of a rib: index, loss, capacitance, resistance and bandwidth over doping and bias.

Conventions
    `V` is the reverse bias, positive. The index rises with it (carriers leave: red shift), the loss falls.
    x runs across the core, 0 in its middle, p on the left, n on the right; `junction_offset` moves the junction to
    the right, into the n side's half. `doping` is that of both sides, or of the p side where `doping_n` is given.
    "lateral": one junction along the guide. "interleaved": fingers of p and n across the core, two junctions a
    `period`.

Method
    Abrupt junction in the depletion approximation, built-in potential less 2 kT/q for the tails of the majority
    carriers (Sze and Ng, Physics of Semiconductor Devices, chapter 2; re-derived). Carriers as in `carriers`. The light
    sees them through the lateral profile of its mode: `dneff = integral of weight(x) dn(x) dx`
    (`modes.junction_weight`).
    Capacitance: the depleted slice as a plate capacitor, plus the field through the oxide above and below, taken as
    that of coplanar strips half a core wide each (conformal map; Jayatilleka, Sacher and Poon, IEEE Photonics J. 5,
    2200211 (2013), name it as a fifth of the total). Resistance: undepleted core, and slab to the contact implants.

Validity
    0 V to breakdown; beyond it an error. The implants are abrupt and uniform in height; a real profile is graded, which
    lowers capacitance and efficiency alike. The depletion approximation holds where the junction is thinner than the
    core: at 1e17 cm^-3 from about 4 V on the edges come near the core's. Not in it: the constant shift of the index
    by the carriers at 0 V, contact resistance of the metal, velocity saturation, temperature, another slab.
    Compared with a published simulation in `validation/modulators`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator
from scipy.special import ellipk

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.carriers import CHARGE, absorption_per_cm, index_drop, resistivity_ohm_m
from cpo_pdk.models.modes import junction_weight
from cpo_pdk.models.sdict import Array, data, number, wavelength
from cpo_pdk.tech.waveguides import cross_section as load_cross_section

EPS0 = 8.8541878128e-12  # F/m
THERMAL_V = 0.025852  # kT/q at 300 K
DOPING_MIN, DOPING_MAX = 5e16, 1e19
PERIOD_MIN, PERIOD_MAX = 0.3, 10.0
V_MAX = 20.0
KINDS = ("lateral", "interleaved")
NEPER_DB = 10 / np.log(10)


def _constant(*path: str) -> float:
    found: Any = data("junction")
    for step in path:
        found = found[step]
    return float(found["value"])


def check_kind(junction: str) -> str:
    """The kind of junction, or an error that lists them."""
    if junction not in KINDS:
        raise ParameterError(f"junction is {junction!r}; available: {', '.join(KINDS)}")
    return junction


def _sides(doping: ArrayLike, doping_n: ArrayLike | None) -> tuple[Array, Array]:
    """Acceptors on the left and donors on the right, cm^-3."""
    p = number("doping", doping, DOPING_MIN, DOPING_MAX, "cm^-3")
    return p, p if doping_n is None else number("doping_n", doping_n, DOPING_MIN, DOPING_MAX, "cm^-3")


def _core(width: ArrayLike | None, dw: ArrayLike) -> Array:
    drawn = load_cross_section("rib").width if width is None else width
    return number("width", drawn, 0.1, 5.0) + number("dw", dw, -100.0, 100.0, "nm") * 1e-3


def built_in_V(doping: ArrayLike, doping_n: ArrayLike | None = None) -> Array:
    """Built-in potential in V.

    Args:
        doping: of the p side in cm^-3.
        doping_n: of the n side in cm^-3; None: as the p side.
    """
    p, n = _sides(doping, doping_n)
    return THERMAL_V * (
        np.log(p / _constant("silicon", "intrinsic_cm3")) + np.log(n / _constant("silicon", "intrinsic_cm3"))
    )


def breakdown_V(doping: ArrayLike, doping_n: ArrayLike | None = None) -> Array:
    """Reverse bias in V at which the largest field reaches the critical one; arguments as `built_in_V`."""
    p, n = _sides(doping, doping_n)
    field = data("junction")["silicon"]["critical_field_V_cm"]
    slope = 1 - np.log10(np.minimum(p, n) / 1e16) / 3
    critical = np.where(slope > 0, np.minimum(field["base"] / np.maximum(slope, 1e-3), field["most"]), field["most"])
    eps = _constant("silicon", "permittivity") * EPS0 * 1e-2  # F/cm
    return eps * critical**2 / (2 * CHARGE) * (1 / p + 1 / n) - built_in_V(doping, doping_n)


def depletion_um(V: ArrayLike, doping: ArrayLike, doping_n: ArrayLike | None = None) -> tuple[Array, Array]:
    """How far the depleted slice reaches into the p and into the n side, in um.

    Args:
        V: reverse bias in V, 0 to breakdown.
        doping: of the p side in cm^-3.
        doping_n: of the n side in cm^-3; None: as the p side.

    Raises:
        ParameterError: a bias beyond breakdown, or a doping outside 5e16 to 1e19 cm^-3.
    """
    volts = number("V", V, 0.0, V_MAX, "V")
    p, n = _sides(doping, doping_n)
    limit = breakdown_V(doping, doping_n)
    if np.any(volts > limit):
        bad = np.broadcast_to(limit, np.broadcast_shapes(volts.shape, limit.shape))
        at = np.unravel_index(np.argmax(volts - bad), bad.shape)
        raise ParameterError(
            f"V is {np.broadcast_to(volts, bad.shape)[at]:g} V; a junction of this doping breaks down at "
            f"{bad[at]:.1f} V; lower V or doping"
        )
    eps = _constant("silicon", "permittivity") * EPS0 * 1e-2
    drop = built_in_V(doping, doping_n) - 2 * THERMAL_V + volts
    total = np.sqrt(2 * eps * drop / CHARGE * (1 / p + 1 / n)) * 1e4
    return total * n / (p + n), total * p / (p + n)


@lru_cache(maxsize=256)
def _cumulative(wl: float, width: float) -> tuple[PchipInterpolator, float, float]:
    """Integral of the mode's profile from the left, and the first and last x of it, um."""
    x, weight = junction_weight(wl, width)
    step = x[1] - x[0]
    edges = np.append(x - step / 2, x[-1] + step / 2)
    return PchipInterpolator(edges, np.append(0.0, np.cumsum(weight) * step)), float(edges[0]), float(edges[-1])


#: wavelengths (um) at which the profile of the mode is taken; linear through them, as `junction_weight` is
_WL_NODES = (1.31, 1.55)


def _share_left_of(x: ArrayLike, wl: ArrayLike, width: Array) -> Array:
    """Integral of the mode's profile from far left to `x` (um); shape of everything broadcast."""
    x, light, width = np.broadcast_arrays(np.asarray(x, dtype=np.float64), wavelength(wl), width)
    part = (light - _WL_NODES[0]) / (_WL_NODES[1] - _WL_NODES[0])
    out = np.zeros(x.shape)
    for core in np.unique(width):
        here = width == core
        for node, factor in zip(_WL_NODES, (1 - part, part), strict=True):
            integral, first, last = _cumulative(node, float(core))
            out[here] += factor[here] * integral(np.clip(x[here], first, last))
    return out


def _reach(width: ArrayLike | None, dw: ArrayLike) -> Array:
    """From the middle of the core to the contact implants, as drawn, um."""
    return _core(width, 0.0) / 2 + _constant("contacts", "gap") + 0 * np.asarray(dw, dtype=np.float64)


def _period(period: ArrayLike) -> Array:
    return number("period", period, PERIOD_MIN, PERIOD_MAX)


def _offset(junction_offset: ArrayLike) -> Array:
    return number("junction_offset", junction_offset, -1.0, 1.0)


def _finger_depletion(
    V: ArrayLike, doping: ArrayLike, doping_n: ArrayLike | None, period: ArrayLike
) -> tuple[Array, Array]:
    """Depletion of interleaved fingers, um on either side of a junction; a finger is a quarter period deep."""
    p, n = depletion_um(V, doping, doping_n)
    quarter = _period(period) / 4
    if np.any((p > quarter) | (n > quarter)):
        worst = 4 * float(np.max(np.maximum(p, n)))
        raise ParameterError(f"period is too short: its fingers are depleted from side to side; make it {worst:.2f} um")
    return p, n


def index_rise(
    wl: ArrayLike,
    V: ArrayLike,
    doping: ArrayLike,
    *,
    doping_n: ArrayLike | None = None,
    junction: str = "lateral",
    junction_offset: ArrayLike = 0.0,
    period: ArrayLike = 1.0,
    width: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
) -> Array:
    """Rise of the effective index over that at 0 V.

    Args:
        wl: wavelength in um.
        V: reverse bias in V, 0 to breakdown.
        doping: in cm^-3, 5e16 to 1e19.
        doping_n: of the n side in cm^-3; None: `doping`.
        junction: "lateral" or "interleaved".
        junction_offset: of a lateral junction from the middle of the core in um, positive into the n side.
        period: of interleaved fingers in um.
        width: core width in um; None: the rib's.
        dw: what the core is wider than drawn, nm.

    Raises:
        ParameterError: beyond breakdown, or outside the range of an argument.
    """
    p, n = _sides(doping, doping_n)
    core, at, pitch = _core(width, dw), _offset(junction_offset), _period(period)
    electrons, holes = index_drop("electrons", wl, n), index_drop("holes", wl, p)
    if check_kind(junction) == "interleaved":
        now, rest = (_finger_depletion(volts, doping, doping_n, period) for volts in (V, 0.0))
        cleared = 2 * (holes * (now[0] - rest[0]) + electrons * (now[1] - rest[1])) / pitch
        return cleared * _between(-_reach(width, dw), _reach(width, dw), wl, core) + 0 * at
    now, rest = (depletion_um(volts, doping, doping_n) for volts in (V, 0.0))
    right = _between(at + rest[1], at + now[1], wl, core)
    return electrons * right + holes * _between(at - now[0], at - rest[0], wl, core) + 0 * pitch


def _between(left: ArrayLike, right: ArrayLike, wl: ArrayLike, core: Array) -> Array:
    return _share_left_of(right, wl, core) - _share_left_of(left, wl, core)


def loss_dB_cm(
    wl: ArrayLike,
    V: ArrayLike,
    doping: ArrayLike,
    *,
    doping_n: ArrayLike | None = None,
    junction: str = "lateral",
    junction_offset: ArrayLike = 0.0,
    period: ArrayLike = 1.0,
    width: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
) -> Array:
    """Free-carrier loss in dB/cm, contact implants included; arguments as `index_rise`."""
    p, n = _sides(doping, doping_n)
    core, reach = _core(width, dw), _reach(width, dw)
    at, half = _offset(junction_offset), _period(period) / 2
    contact = _constant("contacts", "doping")
    electrons, holes = absorption_per_cm("electrons", wl, n), absorption_per_cm("holes", wl, p)
    outside = absorption_per_cm("electrons", wl, contact) * _between(reach, 1e3, wl, core)
    outside = outside + absorption_per_cm("holes", wl, contact) * _between(-1e3, -reach, wl, core)
    if check_kind(junction) == "interleaved":
        gone = _finger_depletion(V, doping, doping_n, period)
        share = (holes * (half - 2 * gone[0]) + electrons * (half - 2 * gone[1])) / (2 * half)
        return NEPER_DB * (share * _between(-reach, reach, wl, core) + outside) + 0 * at
    gone = depletion_um(V, doping, doping_n)
    inside = electrons * _between(at + gone[1], reach, wl, core) + holes * _between(-reach, at - gone[0], wl, core)
    return NEPER_DB * (inside + outside) + 0 * half


def _strips(gap: ArrayLike, strip: ArrayLike) -> Array:
    """Capacitance of two coplanar strips in oxide, `gap` apart and `strip` wide, per `eps` and length."""
    k2 = (np.asarray(gap) / (np.asarray(gap) + 2 * np.asarray(strip))) ** 2
    return ellipk(1 - k2) / ellipk(k2)


def capacitance_pF_m(
    V: ArrayLike,
    doping: ArrayLike,
    *,
    doping_n: ArrayLike | None = None,
    junction: str = "lateral",
    period: ArrayLike = 1.0,
    width: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> Array:
    """Capacitance per length of waveguide in pF/m (a nF/m is 1 fF/um).

    Args:
        V: as `index_rise`; so are `doping`, `doping_n`, `junction`, `period`, `width` and `dw`.
        doping: cm^-3.
        doping_n: cm^-3.
        junction: kind.
        period: um.
        width: um.
        dw: nm.
        dh: what the core is higher than 0.22 um, nm.
    """
    core = _core(width, dw)
    height = _constant("height") + number("dh", dh, -100.0, 100.0, "nm") * 1e-3
    silicon, oxide = (_constant("silicon", k) * EPS0 * 1e12 for k in ("permittivity", "oxide_permittivity"))
    if check_kind(junction) == "interleaved":
        total = np.add(*_finger_depletion(V, doping, doping_n, period))
        half = _period(period) / 2
        fringe = 2 * core / (2 * half) * oxide * _strips(total, half - total / 2)
        sides = silicon * _constant("slab") / total  # where the fingers end in the slab, half of either side
        return 2 * silicon * core * height / (total * 2 * half) + sides + fringe
    total = np.add(*depletion_um(V, doping, doping_n))
    return silicon * height / total + oxide * _strips(total, np.maximum(core - total, 0.02) / 2)


def resistance_ohm_m(
    V: ArrayLike,
    doping: ArrayLike,
    *,
    doping_n: ArrayLike | None = None,
    junction: str = "lateral",
    junction_offset: ArrayLike = 0.0,
    period: ArrayLike = 1.0,
    width: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> Array:
    """Series resistance of both sides, times length, in ohm m.

    A finger carries its current along its whole length, as a distributed line: a third of its resistance counts.

    Args:
        V: as `index_rise`; so are `doping`, `doping_n`, `junction`, `junction_offset`, `period`, `width` and `dw`.
        doping: cm^-3.
        doping_n: cm^-3.
        junction: kind.
        junction_offset: um.
        period: um.
        width: um.
        dw: nm.
        dh: what the core is higher than 0.22 um, nm.
    """
    core = _core(width, dw)
    height = _constant("height") + number("dh", dh, -100.0, 100.0, "nm") * 1e-3
    p, n = (
        resistivity_ohm_m(kind, side)
        for kind, side in zip(("holes", "electrons"), _sides(doping, doping_n), strict=True)
    )
    slab = _constant("contacts", "gap") / _constant("slab")
    if check_kind(junction) == "interleaved":
        gone = _finger_depletion(V, doping, doping_n, period)
        share = [0.5 - 2 * g / _period(period) for g in gone]
        thirds = [core / 3 / (height * np.maximum(s, 1e-3)) for s in share]
        return p * (slab + thirds[0]) + n * (slab + thirds[1])
    gone = depletion_um(V, doping, doping_n)
    at = _offset(junction_offset)
    left, right = (np.maximum(core / 2 + s * at - g, 0.0) for s, g in zip((1, -1), gone, strict=True))
    return p * (slab + left / height) + n * (slab + right / height)


def bandwidth_GHz(V: ArrayLike, doping: ArrayLike, *, driver_ohm_m: ArrayLike = 0.0, **shape: Any) -> Array:
    """Bandwidth `1 / (2 pi R C)` of the junction in GHz.

    Args:
        V: as `resistance_ohm_m`.
        doping: as `resistance_ohm_m`.
        driver_ohm_m: resistance of the source times the length of the junction in ohm m.
        **shape: the other arguments of `resistance_ohm_m`.
    """
    plain = {k: v for k, v in shape.items() if k != "junction_offset"}
    R = resistance_ohm_m(V, doping, **shape) + np.asarray(driver_ohm_m, dtype=np.float64)
    return 1e3 / (2 * np.pi * R * capacitance_pF_m(V, doping, **plain))


def vpi_length_V_cm(wl: ArrayLike, V: ArrayLike, doping: ArrayLike, **shape: Any) -> Array:
    """Voltage times length that turns the phase by pi, between 0 and `V`, in V cm.

    Args:
        wl: wavelength in um.
        V: reverse bias in V, above 0.
        doping: in cm^-3.
        **shape: the other arguments of `index_rise`.
    """
    volts = number("V", V, 1e-6, V_MAX, "V")
    return wavelength(wl) * 1e-4 * volts / (2 * index_rise(wl, volts, doping, **shape))
