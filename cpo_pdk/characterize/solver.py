"""Modes of a cross-section by femwell (finite elements of second order, full vector).

femwell solves the eigenvalue problem of Vardapetyan and Demkowicz, Electromagnetics 22, 419 (2002), and bends a guide
by the conformal map `eps (1 + x / R)^2`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from femwell.maxwell.waveguide import compute_modes  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from skfem import Basis, ElementTriP0, Functional, MeshTri  # pyright: ignore[reportMissingImports]

from cpo_pdk.characterize.cross_section import CrossSection

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
    guess: float | None = None,
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
        guess: index near which modes are looked for, above that of the wanted one; None: above that of silicon.
            The nearer, the quicker.
    """
    return compute_modes(
        Basis(mesh, ElementTriP0()),
        section.permittivity(mesh, wl, dT, dn_silicon),
        wavelength=wl,
        num_modes=count,
        order=ORDER,
        metallic_boundaries="axis" if wall else False,
        radius=radius,
        n_guess=guess,
    )


def energy(mode: Any) -> NDArray[np.float64]:
    """Integral of |E|^2 over each triangle, the field normalised so that half a guide carries `Re E x H* = 1/2`."""

    @Functional
    def intensity(w: Any) -> Any:
        (ex, ey), ez = w["E"][0], w["E"][1]
        return np.abs(ex) ** 2 + np.abs(ey) ** 2 + np.abs(ez) ** 2

    return intensity.elemental(mode.basis, E=mode.basis.interpolate(mode.E)).real
