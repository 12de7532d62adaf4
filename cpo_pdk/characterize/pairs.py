"""Coupling of two equal parallel guides from the difference of their two TE supermodes.

`kappa = pi (neff_even - neff_odd) / wl`, power crosses over as `sin^2(kappa length)` (Okamoto, Fundamentals of Optical
Waveguides, chapter 4). Both supermodes are solved on the same half mesh, with an electric and a magnetic wall in the
middle, so that mesh errors cancel in the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cpo_pdk.characterize.cross_section import Fineness, pair
from cpo_pdk.characterize.solver import solve

GAPS = (0.05, 0.09, 0.15, 0.25, 0.4, 0.6)
WIDTHS = (0.25, 0.30, 0.35, 0.42, 0.50, 0.70, 1.2)
HEIGHTS = (0.20, 0.22, 0.24)
#: kappa is 0.3 % above that of a mesh twice as fine
FINENESS = Fineness(fine=0.025, coarse=0.3, grow=1.4, pad=1.5)
BANDS = ((1.24, 1.31, 1.38), (1.48, 1.55, 1.62))


def kappa(width: float, height: float, gap: float, wl: float, fineness: Fineness, slab: float = 0.0) -> float:
    """Coupling per length in rad/um; lengths in um."""
    section = pair(width, height, gap, slab)
    mesh = section.mesh(fineness)
    even = solve(section, wl, mesh, wall=True)[0].n_eff.real
    odd = solve(section, wl, mesh, guess=even)[0].n_eff.real
    return float(np.pi * (even - odd) / wl)


def table(fineness: Fineness, *, slab: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Natural logarithm of kappa; nested lists follow width, height, band, wavelength, gap."""
    logs = np.empty((len(WIDTHS), len(HEIGHTS), len(BANDS), len(BANDS[0]), len(GAPS)))
    for i, width in enumerate(WIDTHS):
        tell(f"pairs of {width:g} um")
        for j, band, node, k in np.ndindex(logs.shape[1:]):
            logs[i, j, band, node, k] = np.log(kappa(width, HEIGHTS[j], GAPS[k], BANDS[band][node], fineness, slab))
    axes = {"slab": slab, "width": WIDTHS, "height": HEIGHTS, "wl": BANDS, "gap": GAPS}
    return {**axes, "log_kappa": np.round(logs, 4).tolist()}
