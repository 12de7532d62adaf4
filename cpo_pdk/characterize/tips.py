"""Mode field of narrow strips, the tips of edge couplers: 1/e^2 diameters of the Gaussian that overlaps best.

The Gaussian is `exp(-x^2 / a^2 - y^2 / b^2)` in the main component of the electric field, so that the diameters 2 a and
2 b are where the power has fallen to 1/e^2. Oxide on all sides: the substrate below the buried oxide is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize

from cpo_pdk.characterize.cross_section import Fineness, strip
from cpo_pdk.characterize.solver import solve

#: TE below 0.11 um is wider than the domain
WIDTHS = {
    "TE": (0.11, 0.115, 0.12, 0.125, 0.13, 0.14, 0.15, 0.16, 0.18, 0.20, 0.225, 0.25),
    "TM": (0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.18, 0.20, 0.225, 0.25),
}
WAVELENGTH = 1.31
#: oxide around the tip, and cells, um
FINENESS = Fineness(fine=0.025, coarse=0.5, grow=1.35, pad=10.0)
#: above the index of every tip
GUESS = 2.1


def tip(width: float, height: float, wl: float, mode: str, fineness: Fineness) -> tuple[float, float, float, float]:
    """Field diameters along x and y in um, power overlap with their Gaussian (0 to 1), effective index."""
    section = strip(width, height)
    best = solve(section, wl, section.mesh(fineness), wall=mode == "TE", guess=GUESS)[0]
    (ex, ey), _ = best.basis.interpolate(best.E)
    field = np.asarray(ex if mode == "TE" else ey)
    x, y = best.basis.global_coordinates()
    y = y - height / 2
    weight = best.basis.dx
    total = np.sum(np.abs(field) ** 2 * weight)

    def lost(sizes: np.ndarray) -> float:
        a, b = np.exp(sizes)
        gauss = np.exp(-((x / a) ** 2) - (y / b) ** 2)
        return float(1 - np.abs(np.sum(field * gauss * weight)) ** 2 / total / np.sum(gauss**2 * weight))

    found = minimize(lost, np.log([0.8, 0.8]), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-10})
    a, b = np.exp(found.x)
    return 2 * float(a), 2 * float(b), 1 - float(found.fun), float(best.n_eff.real)


def table(fineness: Fineness, *, height: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Diameters, overlap and index by mode, over the width."""
    modes: dict[str, Any] = {}
    for mode, widths in WIDTHS.items():
        tell(f"tips {mode}")
        rows = np.array([tip(w, height, WAVELENGTH, mode, fineness) for w in widths])
        mfd_x, mfd_y, overlap, neff = (np.round(column, 5).tolist() for column in rows.T)
        modes[mode] = {"width": widths, "mfd_x": mfd_x, "mfd_y": mfd_y, "overlap": overlap, "neff": neff}
    return {"height": height, "wl": WAVELENGTH, "modes": modes}
