"""Free carriers in silicon: what they do to light, and how well they conduct.

Conventions
    Densities in cm^-3. `index_drop` is positive: the index falls by it. Coefficients and sources: `data/junction.yaml`.

Method
    Nedeljkovic, Soref and Mashanovich, IEEE Photonics J. 3, 1171 (2011), rows 1.3 and 1.55 um. At other wavelengths
    the effect is taken as a power of the wavelength through the two rows, as the Drude model suggests (there the power
    is 2), and continued below 1.3 um. Mobility: Arora, Hauser and Roulston, IEEE Trans. Electron Devices 29, 292
    (1982), at 300 K.

Validity
    1e16 to 1e20 cm^-3, 1.25 to 1.6 um, 300 K. Majority carriers, all dopants ionised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.sdict import Array, data, number, wavelength

CHARGE = 1.602176634e-19  # C
KINDS = ("electrons", "holes")


def _density(value: ArrayLike) -> Array:
    return number("density", value, 0.0, 1e21, "cm^-3")


def _effect(name: str, kind: str, wl: ArrayLike, density: ArrayLike) -> Array:
    table = data("junction")["carriers"]
    row, n = table[name][kind], _density(density)
    first, second = (a * n**b for a, b in zip(row["a"], row["b"], strict=True))
    low, high = np.log(table["wl"])
    share = (np.log(wavelength(wl)) - low) / (high - low)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n > 0, first * (second / first) ** share, 0.0)


def index_drop(kind: str, wl: ArrayLike, density: ArrayLike) -> Array:
    """What the refractive index falls by, a pure number.

    Args:
        kind: "electrons" or "holes".
        wl: wavelength in um.
        density: of the carriers in cm^-3.
    """
    return _effect("index", kind, wl, density)


def absorption_per_cm(kind: str, wl: ArrayLike, density: ArrayLike) -> Array:
    """Absorption of the light's power in 1/cm; arguments as `index_drop`."""
    return _effect("absorption", kind, wl, density)


def mobility_cm2_Vs(kind: str, doping: ArrayLike) -> Array:
    """Mobility of the majority carriers at 300 K in cm^2/(V s).

    Args:
        kind: "electrons" or "holes".
        doping: in cm^-3.
    """
    row = data("junction")["mobility"][kind]
    return row["low"] + row["drop"] / (1 + _density(doping) / row["reference"])


def resistivity_ohm_m(kind: str, doping: ArrayLike) -> Array:
    """Resistivity in ohm m; arguments as `mobility_cm2_Vs`."""
    return 1e-2 / (CHARGE * _density(doping) * mobility_cm2_Vs(kind, doping))
