"""Look-ups in the tables of computed modes (`data/*.json`), which `cpo characterize` makes.

Conventions
    Lengths in um. A table is only read between its ends: beyond them is a `ParameterError`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np

from cpo_pdk.models.sdict import DATA, Array, number


@lru_cache
def table(name: str) -> dict[str, Any]:
    """Return one table of computed modes, read once; treat as read-only."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def junction_weight(wl: float, width: float) -> tuple[Array, Array]:
    """How much a change of silicon's index at lateral place x moves the index of the rib's TE0 mode.

    `dneff = sum(weight * dn) * step`, for a change `dn(x)` of all silicon at x, core and slab alike (220 nm high core
    on a 90 nm slab); loss in dB/cm likewise. The sum over all x is close to one: the rib confines all its
    light, at a group index a little above that of silicon.

    Args:
        wl: wavelength in um; linear between the computed 1.31 and 1.55 um, and on to 1.25 and 1.61 um.
        width: core width in um; the computed profiles are stretched to it.

    Returns:
        x in um (centres of columns of equal step, symmetric about the middle of the core) and weight in 1/um.

    Raises:
        ParameterError: outside 1.25 to 1.61 um, or a width outside the table.
    """
    data = table("rib_overlap")
    at_wl = float(number("wl", wl, 1.25, 1.61))
    w = float(number("width", width, data["width"][0], data["width"][-1]))
    weight = np.asarray(data["weight"])
    share = (at_wl - data["wl"][0]) / (data["wl"][1] - data["wl"][0])
    profiles = np.maximum((1 - share) * weight[:, 0] + share * weight[:, 1], 0.0)
    x = (np.arange(weight.shape[2]) + 0.5) * data["step"]
    low = min(int(np.searchsorted(data["width"], w, side="right")) - 1, len(data["width"]) - 2)
    part = (w - data["width"][low]) / (data["width"][low + 1] - data["width"][low])
    below, above = (_stretched(x, profiles[i], data["width"][i] / 2, w / 2, data["step"]) for i in (low, low + 1))
    half = (1 - part) * below + part * above
    return np.concatenate([-x[::-1], x]), np.concatenate([half[::-1], half])


def _stretched(x: Array, profile: Array, wall: float, new_wall: float, step: float) -> Array:
    """Column means of a profile whose wall moved; what lies outside moves with the wall."""
    edges = np.concatenate([x - step / 2, [x[-1] + step / 2]])
    total = np.concatenate([[0.0], np.cumsum(profile) * step])
    old = np.where(edges < new_wall, edges * wall / new_wall, edges - new_wall + wall)
    return np.diff(np.interp(old, edges, total)) / step
