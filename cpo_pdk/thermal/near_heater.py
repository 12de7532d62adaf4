"""What a heater does within its own few hundred micrometres: to the ring below it and to the rings beside it.

A ring with its heater is a body of revolution (a racetrack: the circle of the same length), so that the fine model is a
section: radius and height. The package's model already holds the same watts, spread over its cells; what is given here
is what comes on top of that: the rise over the mean rise in a disc (`window`) of the photonic die.

Validity: straight conduction through the layers of `tech/data/stack.yaml`, without undercut; the heater is a whole
circle (drawn: open at its terminals, where its tails take heat away); of the metals only the heater itself conducts,
vias and wires beside the ring are left out (they cool it). Thin silicon conducts less than thick: see `_THIN`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike

import cpo_pdk.tech as tech
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.materials import material
from cpo_pdk.tech.thermal_materials import thermal_table
from cpo_pdk.thermal.conduction import Conduction, Film
from cpo_pdk.thermal.grid import Grid, Real, graded
from cpo_pdk.thermal.solving import Solver

_STACK = Path(tech.__file__).parent / "data" / "stack.yaml"
#: of bulk silicon's conductivity that layers of 90 to 220 nm have; choice: about what Ju and Goodson, Appl. Phys.
#: Lett. 74, 3005 (1999) measured on layers of 74 to 240 nm (from memory)
_THIN = 0.5
#: slab beyond a ring's axis where there is one, um: as ring_modulator draws it
_SLAB_REACH = 3.5
#: cells that have a slab of 90 nm around their ring
_WITH_SLAB = frozenset({"ring_modulator"})
#: what a sheet's geometry says of a heater
_SHAPE = ("radius", "width_heater")
#: width of the cores, um, and radius of a disc about as large as an engine's photonic die
_CORE, _WINDOW = 0.4, 2000.0
#: points on the circle of a neighbour that its temperature is the mean of (half of it, the rest mirrors)
_AROUND = 16


@dataclass(frozen=True)
class NearHeater:
    """The rise that one mW in a heater makes.

    Attributes:
        radius_um: of the ring's axis (of the circle of the same length).
        own_K_mW: of its own ring.
        heater_K_mW: of the heater itself, mean.
        r_um, rise_K_mW: distance from its centre, and the rise in the plane of the cores there.
    """

    radius_um: float
    own_K_mW: float
    heater_K_mW: float
    r_um: Real
    rise_K_mW: Real

    def rise(self, distance_um: ArrayLike) -> Real:
        """Rise of a ring of the same size at a distance between centres (um), K/mW; 0 from the window on."""
        d = np.atleast_1d(np.asarray(distance_um, dtype=float))
        angles = (np.arange(_AROUND) + 0.5) * (np.pi / _AROUND)
        away = np.sqrt(
            np.maximum(d[..., None] ** 2 + self.radius_um**2 - 2 * d[..., None] * self.radius_um * np.cos(angles), 0)
        )
        rise = np.interp(away, self.r_um, self.rise_K_mW, right=0.0).mean(axis=-1)
        return np.where(d == 0, self.own_K_mW, rise).reshape(np.shape(distance_um))

    def fraction(self, distance_um: ArrayLike, own_K_mW: float | None = None) -> Real:
        """The same over the rise of the own ring.

        Args:
            distance_um: between centres.
            own_K_mW: rise of the own ring where that is known better (a measured heater): the far field depends on the
                watts alone and stays what it is.
        """
        share = self.rise(distance_um) / (self.own_K_mW if own_K_mW is None else own_K_mW)
        return np.where(np.asarray(distance_um) == 0, 1.0, share)


def has_heater(geometry: Mapping[str, Any]) -> bool:
    """Whether the geometry of a sheet tells the shape of a ring's heater."""
    return all(isinstance(geometry.get(name), int | float) for name in _SHAPE)


def near_heater_of(geometry: Mapping[str, Any], cell: str = "") -> NearHeater:
    """The heater of a ring's sheet: `radius`, `width_heater` and `length_x` of its geometry, um.

    Args:
        geometry: of the sheet.
        cell: that draws it.

    Raises:
        ParameterError: it has no ring or no heater.
    """
    missing = [name for name in _SHAPE if not isinstance(geometry.get(name), int | float)]
    if missing:
        raise ParameterError(f"{cell or 'the sheet'} has no {missing[0]}; only a ring with a heater warms others")
    return near_heater(
        float(geometry["radius"]),
        float(geometry["width_heater"]),
        float(geometry.get("length_x", 0.0)),
        slab=cell in _WITH_SLAB,
    )


@cache
def near_heater(
    radius: float, width_heater: float, length_x: float = 0.0, *, slab: bool = False, window: float = _WINDOW
) -> NearHeater:
    """Solve the section of a ring and its heater.

    Args:
        radius: of the bends, um.
        width_heater: um.
        length_x: of the straights of a racetrack, um.
        slab: whether a slab of 90 nm goes with the ring.
        window: radius of the disc of photonic die whose mean rise is taken off, um.

    Raises:
        ParameterError: a heater that doesn't fit the ring, or a window that is no larger than a few rings.
    """
    around = radius + length_x / math.pi
    if not 0 < width_heater < 2 * around or window < 5 * (around + width_heater):
        raise ParameterError(
            f"heater {width_heater:g} um wide over a ring of radius {around:g} um in a window of {window:g} um; "
            "the heater must be narrower than the ring is wide, the window five times as large"
        )
    section = _Section(around, width_heater, slab, window)
    rise = section.solve()
    r, plane = section.r, section.mean("core", rise)
    area = section.area
    level = float((plane * area).sum() / area.sum())
    own = np.abs(r - around) < _CORE / 2
    heated = section.heated
    return NearHeater(
        radius_um=around,
        own_K_mW=float(np.average(plane[own], weights=area[own])) - level,
        heater_K_mW=float(np.average(section.mean("heater", rise)[heated], weights=area[heated])) - level,
        r_um=r,
        rise_K_mW=np.maximum(plane - level, 0.0),
    )


def straight_mW_K(width_heater: float, length: float, *, window: float = _WINDOW) -> float:
    """Power that warms a straight strip below a heater of the same length by 1 K, mW/K; lengths in um."""
    section = _Section(None, width_heater, False, window)
    rise = section.solve()
    own = section.r < _CORE / 2
    return length / float(section.mean("core", rise)[own].mean())


class _Section:
    """Layers under and over one heater, cut through its axis.

    A body of revolution is a flat one whose conductivities grow as 2 pi r; the flat one is 1 um deep. Without a radius
    it is the right half of a straight guide instead.
    """

    def __init__(self, radius: float | None, width_heater: float, slab: bool, window: float) -> None:
        levels = yaml.safe_load(_STACK.read_text(encoding="utf-8"))["levels"]
        self._span = {name: (lv["zmin"], lv["zmin"] + lv["thickness"]) for name, lv in levels.items()}
        at = radius or 0.0
        half = width_heater / 2
        fine = [abs(at - half), at + half, abs(at - _CORE / 2), at + _CORE / 2]
        near = at + half + 4.0
        breaks = [0.0, *fine, at + _SLAB_REACH, near, window]
        x = _lines(breaks, lambda middle: 0.1 if middle < near else window / 20)
        bottom, top = self._span["substrate"][0], self._span["metal2"][1]
        z_breaks = [bottom, top, self._span["bump"][1]]
        for name in ("box", "core", "slab90", "heater"):
            z_breaks += self._span[name]
        z = _lines(z_breaks, lambda middle: 40.0 if middle < self._span["box"][0] else 0.1 if middle < top else 2.0)
        self.grid = Grid(x, [0, 1], z)
        self.r = self.grid.centres[0]
        around = np.full_like(self.r, 2.0) if radius is None else 2 * np.pi * self.r
        self.area = around * self.grid.widths[0]
        self.heated = np.abs(self.r - at) < half
        self._conductivity = self._paint(at, slab) * around

    def solve(self) -> Real:
        """Rise for 1 mW (a straight one: for 1 mW a um of length), K, shape (nz, nr)."""
        low, high = self._span["heater"]
        z = self.grid.centres[2]
        inside = ((z > low) & (z < high))[:, None, None] & self.heated
        volume = self.grid.widths[2][:, None, None] * self.area
        watts = np.where(inside, volume, 0.0)
        watts *= 1e-3 / watts.sum()
        # the electronic die above is far wider than the field: its face counts as even
        conduction = Conduction(self.grid, self._conductivity, [Film("top", np.inf, 0.0)])
        return Solver(conduction, tolerance=1e-9).solve(watts)[:, 0, :]

    def mean(self, level: str, field: Real) -> Real:
        """Mean over the thickness of a level, shape (nr,)."""
        low, high = self._span[level]
        rows = (self.grid.centres[2] > low) & (self.grid.centres[2] < high)
        return np.average(field[rows], axis=0, weights=self.grid.widths[2][rows])

    def _paint(self, at: float, slab: bool) -> Real:
        table = thermal_table().materials
        oxide, silicon = material("SiO2").k_W_mK, table["silicon"].lateral
        k = np.full((len(self.grid.centres[2]), 1, len(self.r)), oxide)
        z = self.grid.centres[2]
        k[z < self._span["box"][0]] = silicon
        k[z > self._span["metal2"][1]] = table["underfill"].vertical
        core, thin, heater = (
            (z > low) & (z < high) for low, high in (self._span[n] for n in ("core", "slab90", "heater"))
        )
        beside = np.abs(self.r - at)
        k[np.ix_(core, [True], beside < _CORE / 2)] = silicon * _THIN
        if slab:
            k[np.ix_(thin, [True], self.r < at + _SLAB_REACH)] = silicon * _THIN
        k[np.ix_(heater, [True], self.heated)] = material("TiN").k_W_mK
        return k


def _lines(breaks: list[float], wished: Callable[[float], float]) -> Real:
    """Edges through all breaks; `wished` gives the largest cell of an interval by its middle."""
    at = np.unique(np.round(breaks, 6))
    return graded(at.tolist(), [wished(float(m)) for m in (at[1:] + at[:-1]) / 2], growth=1.25)
