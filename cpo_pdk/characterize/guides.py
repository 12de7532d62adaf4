"""Effective index of one guide and its slope with temperature, over width, height and wavelength.

The slope is that of first-order perturbation with the computed field (see `overlap`): a warmer silicon and a warmer
oxide, weighted with the energy that each holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.constants import c, epsilon_0

from cpo_pdk.characterize.cross_section import CrossSection, Fineness, strip
from cpo_pdk.characterize.solver import energy, solve
from cpo_pdk.tech.materials import MATERIALS

#: nodes of the tables, um: closer together where the index bends most
WIDTHS = (
    *(0.25, 0.275, 0.30, 0.325, 0.35, 0.375, 0.40, 0.425, 0.45, 0.475, 0.50),
    *(0.55, 0.60, 0.65, 0.70, 0.80, 0.90, 1.0, 1.1, 1.2),
)
#: TM bends more with the height
HEIGHTS = {"TE": (0.20, 0.22, 0.24), "TM": (0.20, 0.21, 0.22, 0.23, 0.24)}
BANDS = ((1.24, 1.285, 1.335, 1.38), (1.48, 1.525, 1.575, 1.62))

#: modes that are looked through for TM0, and the width in um up to which it is the highest of its symmetry: beyond, odd
#: TE modes cross it
CANDIDATES, WIDTH_SINGLE = 3, 0.5

#: guesses: above the narrowest guide's index, above what one step of the width adds, and above everything
INDEX_FIRST, STEP_MAX, INDEX_MAX = 2.7, 0.25, 3.1


def guide(
    section: CrossSection, wl: float, fineness: Fineness, mode: str, guess: float | None = None
) -> tuple[float, float]:
    """Effective index of TE0 or TM0 and its slope with temperature in 1/K; `guess` as in `solve`."""
    mesh = section.mesh(fineness)
    (left, right), *_ = section.cores
    single = mode == "TE" or right - left <= WIDTH_SINGLE
    found = solve(section, wl, mesh, wall=mode == "TE", count=1 if single else CANDIDATES, guess=guess)
    best = max((m for m in found.modes if (m.te_fraction > 0.5) == (mode == "TE")), key=lambda m: m.n_eff.real)
    silicon = section.silicon(mesh)
    share = energy(best)
    slope = sum(
        material.dn_dT * float(material.index(wl)) * share[where].sum()
        for material, where in ((MATERIALS["Si"], silicon), (MATERIALS["SiO2"], ~silicon))
        if material.dn_dT is not None
    )
    return float(best.n_eff.real), float(slope * c * epsilon_0)


def table(fineness: Fineness, mode: str, *, slab: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Index and slope of one mode; nested lists follow width, height, band, wavelength."""
    heights = HEIGHTS[mode]
    index = np.empty((len(WIDTHS), len(heights), len(BANDS), len(BANDS[0])))
    slope = np.empty_like(index)
    for i, width in enumerate(WIDTHS):
        tell(f"{mode} {width:g} um wide")
        for j, height in enumerate(heights):
            section = strip(width, height, slab)
            for band, node in np.ndindex(index.shape[2:]):
                guess = min(index[i - 1, j, band, node] + STEP_MAX, INDEX_MAX) if i else INDEX_FIRST
                found = guide(section, BANDS[band][node], fineness, mode, guess)
                index[i, j, band, node], slope[i, j, band, node] = found
    return {"height": heights, "neff": np.round(index, 6).tolist(), "dneff_dT": np.round(slope, 8).tolist()}


def axes(slab: float) -> dict[str, Any]:
    """The nodes, as they stand in the table."""
    return {"slab": slab, "width": WIDTHS, "wl": BANDS}
