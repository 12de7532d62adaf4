"""Loss that a device's shape alone costs, from tables computed in two dimensions, over wavelength, width, height, heat.

The tables (`data/crossing.yaml`, `data/y_branch.yaml`) hold the loss in dB over wavelength and over the deviation of
all edges. Maxwell's equations scale: a film of another index is the same device at a wavelength as much shorter.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import RectBivariateSpline

from cpo_pdk.models.sdict import Array, data, number, wavelength
from cpo_pdk.models.slabs import film_index


@lru_cache
def _table(device: str) -> RectBivariateSpline:
    table = data(device)
    return RectBivariateSpline(table["dw"], table["wl"], table["loss_dB"], kx=2, ky=2)


def shape_loss_dB(
    device: str, wl: ArrayLike, *, dT: ArrayLike = 0.0, dw: ArrayLike = 0.0, dh: ArrayLike = 0.0
) -> Array:
    """Loss of a shape in dB.

    Args:
        device: name of its table.
        wl: wavelength in um; beyond the table its ends are taken.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.
    """
    scaled = wavelength(wl) * film_index(wl) / film_index(wl, dT=dT, dh=dh)
    wider, scaled = np.broadcast_arrays(number("dw", dw, -100.0, 100.0, "nm"), scaled)
    return np.maximum(_table(device)(wider, scaled, grid=False), 0.0)


def shape_change_dB(
    device: str, wl: ArrayLike, *, dT: ArrayLike = 0.0, dw: ArrayLike = 0.0, dh: ArrayLike = 0.0
) -> Array:
    """What the loss of a shape differs from that at 1310 nm as drawn, in dB; arguments as `shape_loss_dB`."""
    return shape_loss_dB(device, wl, dT=dT, dw=dw, dh=dh) - shape_loss_dB(device, 1.31)
