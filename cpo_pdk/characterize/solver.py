"""Modes of a cross-section by femwell (finite elements of second order, full vector).

femwell solves the eigenvalue problem of Vardapetyan and Demkowicz, Electromagnetics 22, 419 (2002), and bends a guide
by the conformal map `eps (1 + x / R)^2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from femwell.maxwell.waveguide import compute_modes  # pyright: ignore[reportMissingImports]
from skfem import Basis, ElementTriP0, MeshTri  # pyright: ignore[reportMissingImports]

from cpo_pdk.characterize.cross_section import CrossSection, Fineness

#: order of the elements
ORDER = 2


def solve(
    section: CrossSection,
    wl: float,
    mesh: MeshTri,
    *,
    wall: bool = False,
    count: int = 1,
    dT: float = 0.0,
    dn_silicon: float = 0.0,
    radius: float = np.inf,
) -> Any:
    """Modes of highest index on a mesh, femwell's objects.

    Args:
        section: what is solved.
        wl: wavelength in um.
        mesh: of the section.
        wall: x = 0 of a half is an electric wall, as TE0 of one guide and the even TE supermode of two have it;
            else a magnetic one.
        count: number of modes.
        dT: temperature rise in K.
        dn_silicon: added to the index of silicon.
        radius: of a bend around x = -radius, um.
    """
    return compute_modes(
        Basis(mesh, ElementTriP0()),
        section.permittivity(mesh, wl, dT, dn_silicon),
        wavelength=wl,
        num_modes=count,
        order=ORDER,
        metallic_boundaries="axis" if wall else False,
        radius=radius,
    )


def index(
    section: CrossSection,
    wl: float,
    fineness: Fineness,
    *,
    mode: str = "TE",
    dT: float = 0.0,
    mesh: MeshTri | None = None,
) -> float:
    """Effective index of TE0 or TM0 of one guide that is solved as a half."""
    mesh = section.mesh(fineness) if mesh is None else mesh
    return float(solve(section, wl, mesh, wall=mode == "TE", dT=dT)[0].n_eff.real)
