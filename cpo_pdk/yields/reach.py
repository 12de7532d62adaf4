"""How far deviations are looked at: what device tables are made for."""

from __future__ import annotations

from math import hypot

from cpo_pdk.models.model import RIB_DEVIATIONS
from cpo_pdk.spec.part import Part

#: standard deviations that a table reaches to; 1 of 150,000 numbers lies beyond, and is taken at the end of it
SIGMAS = 4.5
#: smallest half-width of a table: nm, or relative
LEAST = 1e-3
_QUANTITIES = {
    "dw": ("width", "nm", 1.0),
    "dh": ("thickness", "nm", 1.0),
    "dslab": ("etch", "nm", 1.0),
    "doping": ("doping", "pct", 0.01),
}


def reach_of(variation: Part, spread: Part) -> dict[str, float]:
    """Axis of a device table -> half of the range that it has to hold for, nm or relative.

    Args:
        variation, spread: sheets of the production.
    """
    found: dict[str, float] = {}
    for axis, (name, unit, scale) in _QUANTITIES.items():
        sigma = hypot(*(variation[f"{name}_{level}_{unit}"] for level in ("die", "wafer", "lot")))
        wide = (SIGMAS * sigma + abs(variation[f"{name}_radial_{unit}"])) * scale
        limit = RIB_DEVIATIONS[axis][1] if axis in RIB_DEVIATIONS else 0.9
        found[axis] = min(max(wide, LEAST), limit)
    found["coupling"] = min(max(SIGMAS * spread["ring_coupling_pct"] * 0.01, LEAST), 0.9)
    found["guide_loss"] = min(max(SIGMAS * spread["guide_loss_pct"] * 0.01, LEAST), 0.9)
    return found
