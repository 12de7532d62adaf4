"""Heat conduction on a grid as a linear system: finite volumes, anisotropic, with films to fluids on any face.

Conventions: cells in the order (nz, ny, nx). Heat flows between the middles of neighbouring cells through two half
cells in series (harmonic mean of the conductivities; Patankar, Numerical Heat Transfer and Fluid Flow, 1980, chapter 4,
from memory), and from a cell to a fluid through half the cell and the film. Second order in the cell size where
materials end on edges.

Validity: steady or slow conduction in solids with constant properties. Left out: radiation, flow inside the fluids,
conductivity that depends on temperature, contact resistance between cells (give it a thin cell of its own).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from cpo_pdk.errors import ParameterError
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.stencil import Stencil, neighbours

Face = Literal["west", "east", "south", "north", "bottom", "top", "void"]
#: face -> (axis of the array (z, y, x), index of the cells that touch it)
_SIDES: dict[str, tuple[int, int]] = {
    "bottom": (0, 0),
    "top": (0, -1),
    "south": (1, 0),
    "north": (1, -1),
    "west": (2, 0),
    "east": (2, -1),
}
_UM = 1e-6
#: what ties a void's temperature to 0, W/K: anything above 0 that is lost in the rounding
_VOID_W_K = 1e-9


@dataclass(frozen=True)
class Film:
    """A fluid, or a body of fixed temperature, on a face of the grid.

    Attributes:
        face: `west` (least x), `east`, `south` (least y), `north`, `bottom` (least z), `top`; or `void`: all faces of
            cells towards cells that are void.
        htc_W_m2K: heat-transfer coefficient, W/(m2 K); `inf` fixes the temperature of the face itself.
        T_C: temperature of the fluid, C.
        box: part of the face that it covers, um: (x0, y0, x1, y1) on bottom and top, (x0, z0, x1, z1) on south and
            north, (y0, z0, y1, z1) on west and east; cells whose middle lies in it. None: all of the face.
        mask: the same as cells: shape (ny, nx), (nz, nx) or (nz, ny); for `void` (nz, ny, nx), cells whose faces count.
    """

    face: Face
    htc_W_m2K: float
    T_C: float
    box: tuple[float, float, float, float] | None = None
    mask: NDArray[np.bool_] | None = None


class Conduction:
    """The system `stencil.apply(T) = watts + film_W`, T in C.

    Args:
        grid: the cells.
        k_W_mK: conductivity, W/(m K), broadcast to (nz, ny, nx); or three of them, along x, y and z.
        films: where heat leaves; on a part of a face that two of them cover, the later one holds. Faces without a film
            are adiabatic.
        capacity_J_m3K: volumetric heat capacity, J/(m3 K), broadcast to (nz, ny, nx); only a transient needs it.
        void: cells that are not there, (nz, ny, nx); they conduct nothing and have no temperature (NaN).

    Attributes:
        stencil: the operator, W/K, symmetric positive definite, over all cells (a void's row: T times 1e-9).
        film_W_K: conductance of each cell to fluids, W/K, (nz, ny, nx).
        film_W: the same times the fluids' temperatures, W.
        void: see above, or None.

    Raises:
        ParameterError: conductivities or capacities that are not finite and above 0; a film that names no face, has a
            negative coefficient, or covers no cell; no film at all, or a part that no film reaches: the temperature
            would be anything.
    """

    def __init__(
        self,
        grid: Grid,
        k_W_mK: ArrayLike | tuple[ArrayLike, ArrayLike, ArrayLike],
        films: Sequence[Film],
        *,
        capacity_J_m3K: ArrayLike | None = None,
        void: NDArray[np.bool_] | None = None,
    ) -> None:
        self.grid = grid
        self.void = None if void is None or not void.any() else np.broadcast_to(void, grid.shape)
        triple = k_W_mK if isinstance(k_W_mK, tuple) else (k_W_mK,) * 3
        k_x, k_y, k_z = (self._checked(k, "conductivity", "W/(m K)") for k in triple)
        self.capacity_J_m3K = (
            None if capacity_J_m3K is None else self._checked(capacity_J_m3K, "heat capacity", "J/(m3 K)")
        )
        self.film_W_K, self.film_W = self._films(films, (k_z, k_y, k_x))
        self.stencil = self._stencil((k_z, k_y, k_x))
        self._check_grounded()

    def capacities_J_K(self) -> Real:
        """Heat capacity of each cell, J/K, (nz, ny, nx).

        Raises:
            ParameterError: it was built without capacities.
        """
        if self.capacity_J_m3K is None:
            raise ParameterError("a transient needs heat capacities; give capacity_J_m3K to Conduction")
        return self.capacity_J_m3K * self.grid.volumes() * _UM**3

    def _checked(self, values: ArrayLike, what: str, unit: str) -> Real:
        given = np.asarray(values, dtype=float)
        try:
            array = np.broadcast_to(given, self.grid.shape)
        except ValueError:
            raise ParameterError(
                f"{what} of shape {given.shape} does not fit the grid's {self.grid.shape}; give (nz, ny, nx)"
            ) from None
        bad = ~(np.isfinite(array) & (array > 0))
        if self.void is not None:
            bad &= ~self.void
        if bad.any():
            iz, iy, ix = (int(i) for i in np.argwhere(bad)[0])
            raise ParameterError(
                f"{what} {array[iz, iy, ix]:g} {unit} in cell (z {iz}, y {iy}, x {ix}), one of {int(bad.sum())}; "
                "every cell needs a finite value above 0"
            )
        return array

    def _films(self, films: Sequence[Film], k: tuple[Real, Real, Real]) -> tuple[Real, Real]:
        shape = self.grid.shape
        total, heat = np.zeros(shape), np.zeros(shape)
        dx, dy, dz = self.grid.widths
        widths = (dz, dy, dx)
        for side, (axis, index) in _SIDES.items():
            chosen = [film for film in films if film.face == side]
            face = tuple(n for i, n in enumerate(shape) if i != axis)
            htc, fluid = np.zeros(face), np.zeros(face)
            for film in chosen:
                mask = self._covered(film, face, axis)
                htc[mask], fluid[mask] = film.htc_W_m2K, film.T_C
            if not chosen:
                continue
            at = tuple(index if i == axis else slice(None) for i in range(3))
            others = [widths[i] for i in range(3) if i != axis]
            half = widths[axis][index] * _UM / 2 / k[axis][at]
            g = _in_series(htc, half) * (others[0][:, None] * others[1]) * _UM**2
            if self.void is not None:
                g[self.void[at]] = 0
            total[at] += g
            heat[at] += g * fluid
        self._void_films([film for film in films if film.face == "void"], k, widths, total, heat)
        unknown = [film.face for film in films if film.face != "void" and film.face not in _SIDES]
        if unknown:
            raise ParameterError(f'face "{unknown[0]}" is none of {", ".join([*_SIDES, "void"])}')
        if not total.any():
            raise ParameterError(
                "no heat can leave: no film with a coefficient above 0 touches a cell; give at least one film"
            )
        return total, heat

    def _void_films(
        self, films: Sequence[Film], k: tuple[Real, Real, Real], widths: tuple[Real, ...], total: Real, heat: Real
    ) -> None:
        """Add the films on faces towards void cells."""
        for film in films:
            if self.void is None:
                raise ParameterError('a film on the face "void" of a grid without void cells; leave it away')
            if sum(other.face == "void" for other in films) > 1 and any(f.mask is None for f in films):
                raise ParameterError("two films on void faces overlap; give each a mask of its own cells")
            self._check(film)
            for axis in range(3):
                here, there = neighbours(axis)
                area = _areas(widths, axis)
                half = _along(widths[axis], axis) * _UM / 2 / k[axis]
                for cell, beyond in ((here, there), (there, here)):
                    bare = ~self.void[cell] & self.void[beyond]
                    if film.mask is not None:
                        bare &= film.mask[cell]
                    g = np.where(bare, _in_series(np.float64(film.htc_W_m2K), half[cell]) * area * _UM**2, 0.0)
                    total[cell] += g
                    heat[cell] += g * film.T_C

    def _covered(self, film: Film, face: tuple[int, ...], axis: int) -> NDArray[np.bool_]:
        self._check(film)
        mask = np.ones(face, dtype=bool)
        if film.mask is not None:
            if film.mask.shape != face:
                raise ParameterError(f'mask {film.mask.shape} of a film on "{film.face}" must have the shape {face}')
            mask &= film.mask
        if film.box is not None:
            x, y, z = self.grid.centres
            rows, columns = [(z, y, x)[i] for i in range(3) if i != axis]
            u0, v0, u1, v1 = film.box
            mask &= ((rows >= v0) & (rows <= v1))[:, None] & ((columns >= u0) & (columns <= u1))
        if not mask.any():
            raise ParameterError(
                f'a film on "{film.face}" covers no cell (box {film.box} um); give a part of the face, or leave it away'
            )
        return mask

    @staticmethod
    def _check(film: Film) -> None:
        if not film.htc_W_m2K >= 0:
            raise ParameterError(
                f'heat-transfer coefficient {film.htc_W_m2K:g} W/(m2 K) on "{film.face}"; it must be 0 or above'
            )
        if not np.isfinite(film.T_C):
            raise ParameterError(
                f'temperature {film.T_C:g} C of the fluid on "{film.face}" is not finite; give one in C'
            )

    def _stencil(self, k: tuple[Real, Real, Real]) -> Stencil:
        """Conductances between neighbours: two half cells in series."""
        dx, dy, dz = self.grid.widths
        widths = (dz, dy, dx)
        conductances = []
        for axis in range(3):
            low, high = neighbours(axis)
            resistance = _along(widths[axis], axis) / k[axis]
            g = 2 * _UM * _areas(widths, axis) / (resistance[low] + resistance[high])
            if self.void is not None:
                g[self.void[low] | self.void[high]] = 0
            conductances.append(g)
        ground = self.film_W_K
        if self.void is not None:
            ground = np.where(self.void, _VOID_W_K, ground)
        gz, gy, gx = conductances
        return Stencil(gx, gy, gz, ground)

    def _check_grounded(self) -> None:
        """Every part that hangs together must touch a film."""
        if self.void is None:
            return
        part = np.empty(self.void.shape, dtype=np.int32)
        ndimage.label(~self.void, output=part)
        film = np.bincount(part.ravel(), weights=self.film_W_K.ravel())
        lost = np.flatnonzero(film[1:] == 0) + 1
        if len(lost):
            raise ParameterError(
                f"{int(np.isin(part, lost).sum())} cells are cut off by void cells from every film; "
                "give them a film or fill the gap"
            )


def _in_series(htc: Real | np.float64, half: Real) -> Real:
    """Conductance of a square metre through a film and the half cell behind it, W/(m2 K)."""
    with np.errstate(divide="ignore"):
        return np.where(np.asarray(htc) > 0, 1 / (1 / np.asarray(htc) + half), 0.0)


def _areas(widths: tuple[Real, ...], axis: int) -> Real:
    """Areas of the faces across an axis, um^2, broadcasting over the array."""
    a, b = (_along(widths[i], i) for i in range(3) if i != axis)
    return a * b


def _along(values: Real, axis: int) -> Real:
    """A vector laid along one axis of an array of cells."""
    return values.reshape([-1 if i == axis else 1 for i in range(3)])
