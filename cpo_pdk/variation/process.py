"""Deviations of the process at the devices of every engine: lot, wafer, radial trend and field within the wafer.

    deviation = lot + wafer + radial (r^2 / R^2 - 1/2) + field(place on the wafer)

`radial` is what the wafer's edge has more than its middle; its mean over the wafer is 0. Width, thickness and etch may
vary together: on each of the three random levels they are mixes of independent quantities (`mixing`), each of which
keeps its own correlation length. The part of thickness that goes with width therefore has the width's length, and
belongs to the cause "width": it is still when "width" is held fixed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from cpo_pdk.errors import ParameterError, SpecError
from cpo_pdk.spec.part import Part
from cpo_pdk.variation.die_field import DieField, die_field
from cpo_pdk.variation.fields import UnitField
from cpo_pdk.variation.mixing import mixing
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import normals, whole
from cpo_pdk.variation.wafer import Wafer, wafer_of

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

UNITS = {"width": "nm", "thickness": "nm", "etch": "nm", "doping": "pct"}
"""Quantity (and cause) -> unit in the names of the sheet's numbers."""

AXES = ("dw", "dh", "dslab", "doping")
"""What models call them."""

CORRELATED = (("width", "thickness"), ("width", "etch"), ("thickness", "etch"))
"""Pairs whose correlation at one place a sheet gives."""

RESOLUTION = 2.0**-20
"""What deviations are rounded to, nm (doping: relative), so that the last bits of other processors don't go on."""

LEAST_DOPING = -0.95
"""Smallest relative deviation of the doping: a tail beyond it is cut."""


@dataclass(frozen=True)
class Deviations:
    """What is drawn of the process at N devices of E engines of S packages.

    Attributes:
        dw_nm, dh_nm, dslab_nm: what silicon is wider, thicker and slabs are thicker, nm, shape (S, E, N).
        doping: relative to the nominal one, 0 = as meant, shape (S, E, N).
        site_mm: middle of the engine's die from the middle of its wafer, shape (S, E, 2).
        wafer: number of the wafer within the package, shape (S, E).
    """

    dw_nm: Real
    dh_nm: Real
    dslab_nm: Real
    doping: Real
    site_mm: Real
    wafer: Whole


@dataclass(frozen=True)
class WaferSample:
    """All whole dies of one wafer of each sample.

    Attributes:
        wafer_mm: diameter.
        x_mm, y_mm: middles of the dies, shape (D,).
        die_mm: width and height of a die.
        deviations: with dies in place of engines, shapes (S, D, N).
    """

    wafer_mm: float
    x_mm: Real
    y_mm: Real
    die_mm: tuple[float, float]
    deviations: Deviations


@dataclass(frozen=True)
class ProcessVariation:
    """The process of one sheet for dies of one size.

    Attributes:
        sheet: of kind variation.
        dies: where the engines of a package come from: one wafer; wafers of one lot, a wafer each; lots, a lot each.
        die_mm: width and height of a die.

    Raises:
        SpecError: correlations that no three quantities can have, at their line.
        ParameterError: no die fits on the wafer, correlation length not above 0.
    """

    sheet: Part
    dies: Literal["wafer", "lot", "mixed"]
    die_mm: tuple[float, float]

    def __post_init__(self) -> None:
        _ = self._mixing, self._wafer, self._fields

    @cached_property
    def _mixing(self) -> Real:
        return mixing_of(self.sheet)

    @cached_property
    def _wafer(self) -> Wafer:
        return wafer_of(self.sheet["wafer_mm"], self.sheet["edge_mm"], self.die_mm)

    @cached_property
    def _fields(self) -> dict[str, UnitField]:
        return {name: UnitField(self.sheet[f"{name}_corr_mm"]) for name in UNITS}

    def dies_xy_mm(self) -> Real:
        """Middles of the whole dies from the middle of the wafer, row by row, shape (D, 2)."""
        return self._wafer.middles_mm

    def sigma(self, quantity: str) -> float:
        """Standard deviation of one device over all lots, wafers and dies, nm or %."""
        unit = UNITS[quantity]
        random = [self.sheet[f"{quantity}_{level}_{unit}"] for level in ("die", "wafer", "lot")]
        return math.hypot(*random, self.sheet[f"{quantity}_radial_{unit}"] / math.sqrt(12))

    def reach(self, share: float = 1e-4) -> dict[str, float]:
        """How far devices deviate but for a share of them, by the name that models have for it: half widths.

        Args:
            share: of the devices that may lie beyond, both sides together, above 0 and below 1.

        Returns:
            dw, dh, dslab in nm, doping relative.

        Raises:
            ParameterError: another share.
        """
        if not 0 < share < 1:
            raise ParameterError(f"share is {share:g}, above 0 and below 1 needed; give one like 1e-4")
        sigmas = -float(ndtri(share / 2))
        found = {}
        for (name, unit), axis in zip(UNITS.items(), AXES, strict=True):
            random = math.hypot(*(self.sheet[f"{name}_{level}_{unit}"] for level in ("die", "wafer", "lot")))
            found[axis] = sigmas * random + abs(self.sheet[f"{name}_radial_{unit}"]) / 2
        return found | {"doping": min(found["doping"] / 100.0, -LEAST_DOPING)}

    def deviations(self, draw: Draw, engines: int | Sequence[int], xy_um: ArrayLike) -> Deviations:
        """What is drawn at the devices of a package's engines.

        Args:
            draw: seeds and samples (S,).
            engines: how many, or their numbers within the package; what one gets does not depend on the others.
            xy_um: of the devices from the middle of their die, shape (N, 2).

        Raises:
            ParameterError: places of another shape or not finite, more engines from one wafer than it has dies.
        """
        numbers = _engines(engines)
        dies = self._wafer.sites(draw, numbers, together=self.dies == "wafer")
        wafers = np.zeros_like(numbers) if self.dies == "wafer" else numbers
        return self._drawn(draw, wafers, dies, _places_mm(xy_um))

    def wafer(self, draw: Draw, xy_um: ArrayLike, wafer: int = 0) -> WaferSample:
        """All whole dies of one wafer of each sample, the very wafer that engines of the same number come from.

        Args:
            draw: seeds and samples (S,).
            xy_um: of the devices from the middle of their die, shape (N, 2).
            wafer: its number within the package.
        """
        count = len(self._wafer.column)
        dies = np.broadcast_to(np.arange(count), (len(draw.samples), count))
        made = self._drawn(draw, np.full(count, wafer, dtype=np.int64), dies, _places_mm(xy_um))
        x, y = self.dies_xy_mm().T
        return WaferSample(self._wafer.diameter_mm, x, y, self.die_mm, made)

    def _drawn(self, draw: Draw, wafers: Whole, dies: Whole, places_mm: Real) -> Deviations:
        """Deviations of dies (S, E) of wafers (E,) at places (N, 2)."""
        grid = self._wafer
        column, row = grid.column[dies], grid.row[dies]
        lots = wafers if self.dies == "mixed" else np.zeros_like(wafers)
        wafer = np.broadcast_to(wafers, dies.shape)
        whole_mm = [
            (axis[at])[..., None] + places_mm[:, k]
            for k, (axis, at) in enumerate(((grid.columns_mm, column), (grid.rows_mm, row)))
        ]
        bowl = (whole_mm[0] ** 2 + whole_mm[1] ** 2) / (grid.diameter_mm / 2) ** 2 - 0.5
        made = [
            np.zeros(bowl.shape) if name in draw.fixed else self.sheet[f"{name}_radial_{unit}"] * bowl
            for name, unit in UNITS.items()
        ]
        for source, cause in enumerate(UNITS):
            for level in ("die", "wafer", "lot"):
                shares = [
                    share * self.sheet[f"{name}_{level}_{unit}"]
                    for share, (name, unit) in zip(self._mixing[:, source], UNITS.items(), strict=True)
                ]
                if not any(shares):
                    continue
                if level == "die":
                    drawn = self._die_field(cause, places_mm).at(draw, cause, wafer, column, row)
                else:
                    drawn = _level(draw, cause, level, wafers if level == "wafer" else lots)
                for quantity, share in zip(made, shares, strict=True):
                    if share:
                        quantity += share * drawn
        made[3] = np.maximum(made[3] / 100.0, LEAST_DOPING)
        made = [np.round(values / RESOLUTION) * RESOLUTION for values in made]
        return Deviations(*made, grid.middles_mm[dies], np.array(wafer))

    def _die_field(self, name: str, places_mm: Real) -> DieField:
        grid = self._wafer
        return _prepared(self._fields[name], places_mm.tobytes(), grid.columns_mm.tobytes(), grid.rows_mm.tobytes())


def mixing_of(sheet: Part) -> Real:
    """How width, thickness, etch and doping of a sheet vary together, shape (4, 4); doping on its own.

    Raises:
        SpecError: correlations that no three quantities can have, at the line of the last of them.
    """
    names = list(UNITS)
    matrix = np.eye(len(names))
    for one, other in CORRELATED:
        i, j = names.index(one), names.index(other)
        matrix[i, j] = matrix[j, i] = sheet[f"{one}_{other}_correlation"]
    try:
        return mixing(names, matrix)
    except ParameterError as error:
        at = ("parameters", "_".join((*CORRELATED[-1], "correlation")), "value")
        raise SpecError([sheet.problem(at, str(error))]) from None


@lru_cache(maxsize=16)
def _prepared(field: UnitField, places: bytes, columns: bytes, rows: bytes) -> DieField:
    """A field at the devices of dies, kept: chunk after chunk asks for the same."""
    known = np.frombuffer(places).reshape(-1, 2)
    return die_field(field, known, np.frombuffer(columns), np.frombuffer(rows))


def _level(draw: Draw, cause: str, purpose: str, groups: Whole) -> Real:
    """One normal number a group, shape (S, G, 1)."""
    return normals(draw, cause, np.zeros(1, dtype=np.int64), purpose, groups)


def _engines(engines: int | Sequence[int]) -> Whole:
    return np.arange(engines) if isinstance(engines, int | np.integer) else whole("engines", np.asarray(engines))


def _places_mm(xy_um: ArrayLike) -> Real:
    places = np.asarray(xy_um, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        text = f"places have shape {places.shape}, finite (N, 2) needed; give x and y of every device"
        raise ParameterError(text)
    return places / 1000.0
