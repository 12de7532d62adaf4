"""Where a table comes from, written into the table."""

from __future__ import annotations

from datetime import date
from importlib.metadata import version
from typing import Any

from cpo_pdk.characterize.cross_section import Fineness
from cpo_pdk.characterize.solver import ORDER
from cpo_pdk.tech.materials import MATERIALS


def provenance(command: str, fineness: Fineness) -> dict[str, Any]:
    """Solver, versions, mesh, materials, date, and the command that makes the table again."""
    return {
        "command": command,
        "date": date.today().isoformat(),
        "solver": "femwell, full-vector finite elements",
        "versions": {name: version(name) for name in ("femwell", "scikit-fem", "scipy", "numpy")},
        "order": ORDER,
        "mesh": f"tensor grid cut into triangles; {fineness.fine:g} um at the silicon's walls, growing by"
        f" {fineness.grow:g} a cell to at most {fineness.coarse:g} um",
        "domain": f"silicon, vertical walls, with {fineness.pad:g} um of oxide around"
        + (f", {fineness.side:g} um beside the cores" if fineness.side is not None else "")
        + "; lengths in um",
        "materials": {
            name: {"n2_minus_1": "sum B wl^2 / (wl^2 - C^2)", "B_C": m.sellmeier, "source": m.sources["n"]}
            for name, m in MATERIALS.items()
            if m.sellmeier
        },
        "dn_dT_per_K": {name: MATERIALS[name].dn_dT for name in ("Si", "SiO2")},
    }
