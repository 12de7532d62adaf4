"""Circular bends: what their mode loses at a junction with a straight guide, and how its index differs.

The bent guide is solved in the conformal picture of femwell, `eps (1 + x / R)^2`, in a closed domain: radiation is not
in it, and a rib whose slab guides light away beyond `x = R (neff / n_slab - 1)` is solved only up to there.
The power that passes a junction is `|0.5 integral (E1* x H2 + E2 x H1*)|^2` of the normalised modes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cpo_pdk.characterize.cross_section import CrossSection, Fineness
from cpo_pdk.characterize.solver import solve

RADII = (4.5, 6.0, 8.0, 11.0, 15.0, 20.0, 30.0)
WIDTHS = (0.30, 0.35, 0.40, 0.45, 0.50, 0.60, 0.80)
WAVELENGTHS = (1.31, 1.55)
CANDIDATES = 4
#: beside the core not farther than where the rib's slab begins to guide at 4.5 um
FINENESS = Fineness(fine=0.02, coarse=0.2, grow=1.35, pad=1.5, side=0.8)


def junction(width: float, height: float, slab: float, wl: float, fineness: Fineness) -> list[tuple[float, float]]:
    """Loss in dB and rise of the index of the bent TE0 mode, for each of `RADII`."""
    section = CrossSection(((-width / 2, width / 2),), height, slab, half=False)
    mesh = section.mesh(fineness)
    found = solve(section, wl, mesh, count=CANDIDATES)
    straight = max((m for m in found.modes if m.te_fraction > 0.5), key=lambda m: m.n_eff.real)
    rows = []
    for radius in RADII:
        bent = solve(section, wl, mesh, count=CANDIDATES, radius=radius)
        best = max(bent.modes, key=lambda m: abs(straight.calculate_overlap(m)))
        passed = abs(straight.calculate_overlap(best)) ** 2
        rows.append((float(-10 * np.log10(passed)), float((best.n_eff - straight.n_eff).real)))
    return rows


def table(fineness: Fineness, *, height: float, slab: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Loss and rise; nested lists follow width, wavelength, radius."""
    rows = np.empty((len(WIDTHS), len(WAVELENGTHS), len(RADII), 2))
    for i, width in enumerate(WIDTHS):
        tell(f"bends {width:g} um wide")
        for j, wl in enumerate(WAVELENGTHS):
            rows[i, j] = junction(width, height, slab, wl, fineness)
    axes = {"height": height, "slab": slab, "width": WIDTHS, "wl": WAVELENGTHS, "radius": RADII}
    loss, rise = np.round(rows[..., 0], 6), np.round(rows[..., 1], 6)
    return {**axes, "junction_dB": loss.tolist(), "neff_rise": rise.tolist()}
