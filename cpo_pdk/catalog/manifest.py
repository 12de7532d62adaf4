"""The list of what to measure on a test block, with where its gratings are in the GDS file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cpo_pdk.models.readout import FORMULAS
from cpo_pdk.tech.gdsfactory_safe import gf


def manifest_of(component: gf.Component, gds: str) -> dict[str, Any] | None:
    """The manifest of a drawn block; None where the cell is no test block.

    Args:
        component: what was drawn.
        gds: name of the file that the coordinates belong to.
    """
    measurements: Sequence[dict[str, Any]] = component.info.model_dump().get("measurements") or ()
    if not measurements:
        return None
    return {
        "cell": component.name,
        "gds": gds,
        "gratings": [
            {
                "label": port.name,
                "x_um": round(port.center[0], 3),
                "y_um": round(port.center[1], 3),
                "light_leaves_towards_deg": round(port.orientation) % 360,
            }
            for port in component.ports
        ],
        "measurements": [dict(entry) for entry in measurements],
        "formulas": {name: FORMULAS[name].says for name in sorted({m["formula"] for m in measurements})},
        "evaluate_with": "cpo_pdk.models.readout.extract(measurements, wl, loss_dB)",
    }
