"""Depletion junction of the ring modulator: index, loss and bandwidth over doping and reverse bias.

Conventions
    `V` is the reverse bias, positive. `dneff` rises with it (carriers leave: red shift), the loss falls.

Validity
    0 to 4 V and 1e17 to 3e18 cm^-3: the table (`data/junction.yaml`), simulated at 1550 nm, nothing beyond it. Monotone
    cubic in V, power law in doping. Carried to other wavelengths by (wl / 1.55)^2. The loss was read at 0 and 2 V only:
    a straight line between, and its 2 V value above (an upper bound there).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from cpo_pdk.models.sdict import Array, data, number

V_MAX = 4.0
DOPING_MIN, DOPING_MAX = 1e17, 3e18


def _weights(doping: ArrayLike) -> tuple[NDArray[np.intp], Array]:
    """Index of the lower table row and logarithmic share of the upper one, shape of `doping`."""
    rows = np.log(data("junction")["doping"])
    x = np.log(number("doping", doping, DOPING_MIN, DOPING_MAX, "cm^-3"))
    low = np.clip(np.searchsorted(rows, x, side="right") - 1, 0, len(rows) - 2)
    return low, (x - rows[low]) / (rows[low + 1] - rows[low])


def _blend(values: Array, doping: ArrayLike) -> Array:
    """Geometric interpolation of `values`, shape (rows, ...), between doping rows."""
    low, share = _weights(doping)
    low, share, _ = np.broadcast_arrays(low, share, values[0])
    values = np.stack([np.broadcast_to(row, low.shape) for row in values])
    lower, upper = (np.take_along_axis(values, low[None] + step, 0)[0] for step in (0, 1))
    return lower ** (1 - share) * upper**share


def _scale(wl: ArrayLike) -> Array:
    raw = data("junction")
    return (np.asarray(wl, dtype=np.float64) / raw["wl"]) ** raw["wl_exponent"]["value"]


@lru_cache(maxsize=1)
def _index_curves() -> tuple[PchipInterpolator, ...]:
    table = data("junction")["dneff"]
    return tuple(PchipInterpolator(table["V"], row) for row in table["values"])


def index_rise(wl: ArrayLike, V: ArrayLike, doping: ArrayLike) -> Array:
    """Rise of the effective index over that at 0 V.

    Args:
        wl: wavelength in um.
        V: reverse bias in V, 0 to 4.
        doping: of either side in cm^-3, 1e17 to 3e18.

    Raises:
        ParameterError: outside the table.
    """
    volts = number("V", V, 0.0, V_MAX, "V")
    rows = np.stack([curve(volts) for curve in _index_curves()])
    return _scale(wl) * _blend(rows, doping)


def loss_dB_cm(wl: ArrayLike, V: ArrayLike, doping: ArrayLike) -> Array:
    """Free-carrier loss in dB/cm; arguments as `index_rise`."""
    table = data("junction")["loss_dB_cm"]
    volts = number("V", V, 0.0, V_MAX, "V")
    rows = np.stack([np.interp(volts, table["V"], row) for row in table["values"]])
    return _scale(wl) * _blend(rows, doping)


def bandwidth_GHz(doping: ArrayLike) -> Array:
    """Bandwidth of the junction's resistance and capacitance at 2 V, in GHz."""
    values = np.asarray(data("junction")["f3dB_GHz"])
    low, share = _weights(doping)
    return values[low] ** (1 - share) * values[low + 1] ** share
