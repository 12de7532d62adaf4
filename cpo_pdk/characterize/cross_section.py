"""A waveguide cross-section as the mode solver sees it: rectangles of silicon in oxide on a graded mesh.

The mesh is a tensor grid cut into triangles, so that neighbouring points of a table have meshes that differ smoothly
and their errors do too. Guides that are mirror images of themselves are solved as their right half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from skfem import MeshTri  # pyright: ignore[reportMissingImports]

from cpo_pdk.tech.materials import MATERIALS

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fineness:
    """Mesh and domain.

    Attributes:
        fine: step at the walls of the silicon, um.
        coarse: largest step, um.
        grow: growth of the step from one cell to the next.
        pad: oxide above, below and (or slab) beside the cores, um.
        side: beside the cores only, um; None: as `pad`.
    """

    fine: float = 0.015
    coarse: float = 0.2
    grow: float = 1.3
    pad: float = 2.0
    side: float | None = None


@dataclass(frozen=True)
class CrossSection:
    """Silicon in oxide; all lengths in um, the bottom of the silicon at y = 0.

    Attributes:
        cores: left and right wall of each core.
        height: of the cores.
        slab: height of the layer that covers everything; 0 for none.
        half: only x >= 0 is solved.
    """

    cores: tuple[tuple[float, float], ...]
    height: float
    slab: float = 0.0
    half: bool = True

    def mesh(self, fineness: Fineness, columns: Array | None = None) -> MeshTri:
        """Return the mesh, its line x = 0 named "axis" when only half is solved.

        Args:
            fineness: of it.
            columns: its lines along x instead of graded ones.
        """
        walls = sorted({x for core in self.cores for x in core if not self.half or x > 0})
        side = fineness.pad if fineness.side is None else fineness.side
        left = 0.0 if self.half else walls[0] - side
        x = graded(left, walls[-1] + side, walls, fineness) if columns is None else columns
        floors = sorted({0.0, self.slab, self.height})
        y = graded(-fineness.pad, self.height + fineness.pad, floors, fineness)
        mesh = MeshTri.init_tensor(x, y)
        return mesh.with_boundaries({"axis": lambda p: p[0] < 1e-9}) if self.half else mesh

    def permittivity(self, mesh: MeshTri, wl: float, dT: float = 0.0, dn_silicon: float = 0.0) -> Array:
        """Relative permittivity of every triangle.

        Args:
            mesh: of this cross-section.
            wl: wavelength in um.
            dT: temperature rise of everything in K.
            dn_silicon: added to the index of silicon.
        """
        silicon = (MATERIALS["Si"].index(wl, dT) + dn_silicon) ** 2
        return np.where(self.silicon(mesh), silicon, MATERIALS["SiO2"].index(wl, dT) ** 2)

    def silicon(self, mesh: MeshTri) -> NDArray[np.bool_]:
        """Whether each triangle of a mesh is silicon."""
        x, y = mesh.p[:, mesh.t].mean(axis=1)
        inside = (y > 0) & (y < self.slab)
        for a, b in self.cores:
            inside |= (x > a) & (x < b) & (y > 0) & (y < self.height)
        return inside


def strip(width: float, height: float, slab: float = 0.0) -> CrossSection:
    """One guide in the middle; with `slab`, a rib."""
    return CrossSection(((-width / 2, width / 2),), height, slab)


def pair(width: float, height: float, gap: float, slab: float = 0.0) -> CrossSection:
    """Two equal guides."""
    return CrossSection(((-gap / 2 - width, -gap / 2), (gap / 2, gap / 2 + width)), height, slab)


def graded(low: float, high: float, walls: Sequence[float], fineness: Fineness) -> Array:
    """Points from `low` to `high` with one on each wall, close together there and wider apart with the distance."""
    marks = sorted({low, high, *(w for w in walls if low < w < high)})
    points = [marks[0]]
    for a, b in pairwise(marks):
        t = np.linspace(a, b, 2001)
        distance = np.min(np.abs(t[:, None] - np.asarray(walls)[None]), axis=1)
        density = 1 / np.minimum(fineness.fine + (fineness.grow - 1) * distance, fineness.coarse)
        cells = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(t))])
        number = max(int(np.ceil(cells[-1])), 1)
        points.extend(np.interp(np.arange(1, number + 1) * cells[-1] / number, cells, t))
    return np.asarray(points)
