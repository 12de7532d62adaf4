"""Whole dies of a wafer, and which of them the engines of a package come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.errors import ParameterError
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import uniforms

Real = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Wafer:
    """Dies of one size on a wafer; made by `wafer_of`.

    Attributes:
        diameter_mm: of the wafer.
        die_mm: width and height of a die.
        columns_mm, rows_mm: middles of the columns and rows, from the middle of the wafer.
        column, row: of every whole die, row by row, shape (D,).
    """

    diameter_mm: float
    die_mm: tuple[float, float]
    columns_mm: Real
    rows_mm: Real
    column: Whole
    row: Whole

    @property
    def middles_mm(self) -> Real:
        """Middles of the dies, shape (D, 2)."""
        return np.stack([self.columns_mm[self.column], self.rows_mm[self.row]], axis=-1)

    def sites(self, draw: Draw, engines: Whole, *, together: bool) -> Whole:
        """Which die each engine is, every whole die being as likely.

        Args:
            draw: seeds and samples (S,).
            engines: numbers of the engines within their package, shape (E,).
            together: they come from one wafer, so no two are the same die; else each has a wafer of its own.

        Returns:
            Numbers of dies, shape (S, E); an engine's does not depend on which engines are asked.

        Raises:
            ParameterError: more engines from one wafer than it has dies.
        """
        dies = len(self.column)
        if not together:
            return (uniforms(draw, "site", engines) * dies).astype(np.int64)
        most = int(engines.max(initial=-1)) + 1
        if most > dies:
            raise ParameterError(
                f"{most} engines from one wafer, which has {dies} whole dies of {self.die_mm[0]:g} x "
                f"{self.die_mm[1]:g} mm; let production.dies be lot or mixed"
            )
        drawn = uniforms(draw, "site", np.arange(most))
        chosen = np.empty((len(draw.samples), most), dtype=np.int64)
        for engine in range(most):
            # one of those that are left: counted up past every lower one that is taken
            place = (drawn[:, engine] * (dies - engine)).astype(np.int64)
            for taken in np.sort(chosen[:, :engine], axis=1).T:
                place += place >= taken
            chosen[:, engine] = place
        return chosen[:, engines]


def wafer_of(diameter_mm: float, edge_mm: float, die_mm: tuple[float, float]) -> Wafer:
    """The whole dies within the rim; the grid of dies has its middle on a die or on a street, what gives more dies.

    Raises:
        ParameterError: no whole die fits.
    """
    if not all(np.isfinite(size) and size > 0 for size in die_mm):
        raise ParameterError(f"die is {die_mm[0]:g} x {die_mm[1]:g} mm, both above 0 needed; give the die's size")
    radius = diameter_mm / 2 - edge_mm
    best: tuple[Real, Real, Whole, Whole] | None = None
    for shift_x in (0.0, 0.5):
        for shift_y in (0.0, 0.5):
            axes = []
            for size, shift in zip(die_mm, (shift_x, shift_y), strict=True):
                many = int(max(radius, 0.0) / size) + 1
                axes.append((np.arange(-many, many + 1) + shift) * size)
            far = np.hypot(*np.meshgrid(*(np.abs(a) + s / 2 for a, s in zip(axes, die_mm, strict=True))))
            row, column = np.nonzero(far <= radius)
            if best is None or len(row) > len(best[2]):
                best = (*axes, row, column)
    if best is None or not len(best[2]):
        raise ParameterError(
            f"no die of {die_mm[0]:g} x {die_mm[1]:g} mm fits on a wafer of {diameter_mm:g} mm with a rim of "
            f"{edge_mm:g} mm; make wafer_mm of the variation sheet larger or edge_mm smaller"
        )
    columns, rows, row, column = best
    used_x, used_y = np.unique(column), np.unique(row)
    return Wafer(
        diameter_mm,
        die_mm,
        columns[used_x],
        rows[used_y],
        np.searchsorted(used_x, column),
        np.searchsorted(used_y, row),
    )
