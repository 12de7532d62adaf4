"""How much a change of silicon's index at lateral place x moves the index of a rib's mode.

`dneff = integral weight(x) dn(x) dx` with `weight(x) = n c eps0 integral over the silicon of |E|^2 dy`, the field
normalised to `Re integral (E x H*)_z = 1`: first-order perturbation (Snyder and Love, Optical Waveguide Theory, 1983,
chapter 18). It holds for the absorption alike: `loss = integral weight(x) loss(x) dx`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.constants import c, epsilon_0

from cpo_pdk.characterize.cross_section import Fineness, strip
from cpo_pdk.characterize.solver import energy, solve
from cpo_pdk.tech.materials import MATERIALS


def lateral_weight(
    width: float, height: float, slab: float, wl: float, fineness: Fineness, *, step: float, half_width: float
) -> NDArray[np.float64]:
    """Weight per um of the TE0 mode in columns of `step` um from x = 0 to `half_width` (all in um).

    Returns:
        Shape (half_width / step,); the other half is its mirror image.
    """
    section = strip(width, height, slab)
    columns = np.linspace(0.0, half_width, round(half_width / step) + 1)
    mesh = section.mesh(fineness, columns=columns)
    mode = solve(section, wl, mesh, wall=True)[0]

    n = float(MATERIALS["Si"].index(wl))
    share = n * c * epsilon_0 * energy(mode) * section.silicon(mesh)
    at = np.floor(mesh.p[0, mesh.t].mean(axis=0) / step).astype(int)
    # the power of half a guide is normalised to one: either half of the guide has half of the weight
    return np.bincount(at, weights=share, minlength=len(columns) - 1) / step / 2


#: columns of 10 nm out to 1.5 um from the middle of the rib
STEP, HALF_WIDTH = 0.01, 1.5
WIDTHS, WAVELENGTHS = (0.3, 0.4, 0.5, 0.6), (1.31, 1.55)


def table(fineness: Fineness, *, height: float, slab: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Weights of ribs of several widths at both wavelengths; lists follow width, then wavelength, then x."""
    rows = []
    for width in WIDTHS:
        tell(f"weight of ribs {width:g} um wide")
        both = [
            lateral_weight(width, height, slab, wl, fineness, step=STEP, half_width=HALF_WIDTH) for wl in WAVELENGTHS
        ]
        rows.append([np.round(row, 4).tolist() for row in both])
    return {"height": height, "slab": slab, "width": WIDTHS, "wl": WAVELENGTHS, "step": STEP, "weight": rows}
