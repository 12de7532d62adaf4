"""Spreads from device to device, die to die and laser to laser, beside what the process does to the silicon.

Numbers of the class come from a sheet of kind spread; a device whose own sheet gives a `spread` with the parameter in
question keeps to that one (`own_spread`). Relative deviations are Gaussian and cut at -95 %, which none of the shipped
numbers comes near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError
from cpo_pdk.spec.part import Part
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import normals, whole

Real = NDArray[np.float64]

OWN = {
    "heater": ("heater_nm_mW", "resistance_ohm"),
    "responsivity": ("responsivity_A_W",),
    "guide_loss": ("loss_dB_cm",),
}
"""Cause -> parameters of a device's sheet whose `spread` says it for that device; the first that has one."""

LEAST = -0.95
"""Smallest relative deviation."""


def own_spread(cause: str, sheet: Sheet) -> float:
    """Relative standard deviation that a device's own sheet gives; nan where it gives none."""
    for name in OWN.get(cause, ()):
        parameter = sheet.parameters.get(name)
        if parameter is not None and parameter.spread is not None and parameter.value:
            return parameter.spread / abs(parameter.value)
    return float("nan")


@dataclass(frozen=True)
class Spreads:
    """The spreads of one sheet.

    Attributes:
        sheet: of kind spread.
    """

    sheet: Part

    def coupling(self, draw: Draw, engines: int | Sequence[int], rings: int, own: ArrayLike | None = None) -> Real:
        """Relative change of the coupled power of every ring.

        Args:
            draw: seeds and samples (S,).
            engines: how many, or their numbers within the package.
            rings: of one engine, R.
            own: relative standard deviations of the devices, shape (R,), nan: the class's.

        Returns:
            Shape (S, E, R).

        Raises:
            ParameterError: `own` of another shape, or negative.
        """
        return self._devices(draw, "coupling", engines, rings, own)

    def heater(self, draw: Draw, engines: int | Sequence[int], rings: int, own: ArrayLike | None = None) -> Real:
        """Relative change of the shift that heaters give a drive; arguments, shape and errors as `coupling`."""
        return self._devices(draw, "heater", engines, rings, own)

    def responsivity(
        self, draw: Draw, engines: int | Sequence[int], detectors: int, own: ArrayLike | None = None
    ) -> Real:
        """Relative change of detectors' responsivity, shape (S, E, D); arguments and errors as `coupling`."""
        return self._devices(draw, "responsivity", engines, detectors, own)

    def guide_loss(self, draw: Draw, engines: int | Sequence[int]) -> Real:
        """Relative change of the loss of waveguides of a die, shape (S, E); arguments as `coupling`."""
        return self._devices(draw, "guide_loss", engines, 1, None)[..., 0]

    def laser_power_dB(self, draw: Draw, modules: int | Sequence[int], lines: int) -> Real:
        """Power of every line more than nominal, dB: of its module and its own.

        Args:
            draw: seeds and samples (S,).
            modules: how many laser modules, or their numbers within the package.
            lines: of one module, C.

        Returns:
            Shape (S, M, C).
        """
        return self._lines(draw, "laser_power", modules, lines, "laser_module_dB", "laser_power_dB")

    def laser_grid_GHz(self, draw: Draw, modules: int | Sequence[int], lines: int) -> Real:
        """Frequency of every line above its place of the grid, GHz: of its module's comb and its own; as above."""
        return self._lines(draw, "laser_grid", modules, lines, "laser_comb_GHz", "laser_line_GHz")

    def _devices(self, draw: Draw, cause: str, engines: int | Sequence[int], count: int, own: ArrayLike | None) -> Real:
        name = "ring_coupling_pct" if cause == "coupling" else f"{cause}_pct"
        share = np.full(count, self.sheet[name] / 100.0)
        if own is not None:
            given = np.asarray(own, dtype=np.float64)
            if given.shape != (count,) or (given < 0).any():
                text = f"own spreads of {cause} have shape {given.shape}, ({count},) of 0 or more needed; one a device"
                raise ParameterError(text)
            share = np.where(np.isnan(given), share, given)
        drawn = normals(draw, cause, np.arange(count), groups=_numbers("engines", engines))
        return np.maximum(share * drawn, LEAST)

    def _lines(
        self, draw: Draw, cause: str, modules: int | Sequence[int], lines: int, shared: str, single: str
    ) -> Real:
        groups = _numbers("modules", modules)
        module = normals(draw, cause, np.zeros(1, dtype=np.int64), "module", groups)
        line = normals(draw, cause, np.arange(lines), "line", groups)
        return self.sheet[shared] * module + self.sheet[single] * line


def _numbers(name: str, given: int | Sequence[int]) -> NDArray[np.int64]:
    return np.arange(given) if isinstance(given, int | np.integer) else whole(name, np.asarray(given))
