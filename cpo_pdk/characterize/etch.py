"""What a slab that is thicker or thinner than 90 nm does to a rib: to its index, and to the coupling of two ribs.

Differences from the slab of the process, solved on meshes of one kind, so that mesh errors cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cpo_pdk.characterize.cross_section import Fineness, strip
from cpo_pdk.characterize.guides import guide
from cpo_pdk.characterize.pairs import FINENESS, kappa

#: nodes of the table: um, and nm of slab
WIDTHS = (0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.60, 0.80, 1.2)
HEIGHTS = (0.20, 0.22, 0.24)
BANDS = ((1.24, 1.31, 1.38), (1.48, 1.55, 1.62))
STEPS_NM = (-10.0, 0.0, 10.0)
#: nodes of the slope of the coupling, um; at 1.31 um and 220 nm
PAIR_WIDTHS = (0.30, 0.35, 0.42, 0.50, 0.70)
PAIR_GAPS = (0.09, 0.15, 0.25, 0.40, 0.60)
PAIR_WL, PAIR_HEIGHT = 1.31, 0.22
#: index above that of any rib here
INDEX_MAX = 3.1


def table(fineness: Fineness, *, slab: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """Differences of the index (width, height, band, wavelength, step) and slope of log(kappa) in 1/nm (width, gap)."""
    index = np.empty((len(WIDTHS), len(HEIGHTS), len(BANDS), len(BANDS[0]), len(STEPS_NM)))
    for i, width in enumerate(WIDTHS):
        tell(f"slabs of ribs of {width:g} um")
        for j, band, node, k in np.ndindex(index.shape[1:]):
            section = strip(width, HEIGHTS[j], slab + STEPS_NM[k] * 1e-3)
            index[i, j, band, node, k], _ = guide(section, BANDS[band][node], fineness, "TE", INDEX_MAX)
    slope = np.empty((len(PAIR_WIDTHS), len(PAIR_GAPS)))
    for i, k in np.ndindex(slope.shape):
        tell(f"slabs of pairs of {PAIR_WIDTHS[i]:g} um")
        low, high = (
            kappa(PAIR_WIDTHS[i], PAIR_HEIGHT, PAIR_GAPS[k], PAIR_WL, FINENESS, slab + step * 1e-3)
            for step in (STEPS_NM[0], STEPS_NM[-1])
        )
        slope[i, k] = np.log(high / low) / (STEPS_NM[-1] - STEPS_NM[0])
    middle = STEPS_NM.index(0.0)
    return {
        "slab": slab,
        "width": WIDTHS,
        "height": HEIGHTS,
        "wl": BANDS,
        "step_nm": STEPS_NM,
        "dneff": np.round(index - index[..., middle : middle + 1], 6).tolist(),
        "pair": {
            "width": PAIR_WIDTHS,
            "gap": PAIR_GAPS,
            "wl": PAIR_WL,
            "height": PAIR_HEIGHT,
            "dlog_kappa_per_nm": np.round(slope, 5).tolist(),
        },
    }
