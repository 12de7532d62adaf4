"""Radii that put rings on their channels: the only place where drawing asks a compact model a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from cpo_pdk.errors import AssemblyError
from cpo_pdk.models import MODELS, Model
from cpo_pdk.spec.sheet import Sheet

GRID = 0.001  # um: radii are drawn on the mask grid
STRIDE = 8  # candidates between two for which the model is asked
REACH = 0.08  # um: how far a radius may move from the sheet's; 0.08 um is about 1 % of a ring


@dataclass(frozen=True)
class _Ring:
    """The model behind a ring's sheet, with the parameters that the sheet gives it."""

    model: Model
    resonances: Callable[..., NDArray[np.float64]]
    parameters: dict[str, Any]

    def rests(self, low: float, high: float, **changed: float) -> NDArray[np.float64]:
        """Cold resonances between two wavelengths in um, rising, with some parameters changed."""
        return np.sort(np.atleast_1d(self.resonances(low, high, **{**self.parameters, **changed})))


def _ring(sheet: Sheet) -> _Ring:
    model = MODELS.get(sheet.model or "")
    if model is None or model.resonances is None:
        raise AssemblyError(
            f"{sheet.origin}: model {sheet.model!r} has no resonances, so no ring can be placed on a channel; "
            "use a ring's sheet"
        )
    values: dict[str, Any] = {**sheet.values, **sheet.geometry}
    return _Ring(model, model.resonances, {k: v for k, v in values.items() if k in model.parameters})


def rising_radii(sheet: Sheet, wl_um: Sequence[float], bias_nm: float) -> tuple[float, ...]:
    """Radii of the rings of one bus, one a channel, all resonant in the same order.

    Each ring rests `bias_nm` or a little more below its channel (a radius step of 1 nm moves a resonance by about
    0.15 nm), because its heater can only shift it to the red.

    Args:
        sheet: of the ring; its model must know resonances.
        wl_um: wavelengths of the channels in um, rising.
        bias_nm: distance below the channel in nm.

    Returns:
        Radii in um on the mask grid.

    Raises:
        AssemblyError: when the model has no resonances, or no radius near the sheet's fits.
    """
    ring, nominal = _ring(sheet), sheet.geometry.get("radius")
    if nominal is None:
        raise AssemblyError(f"{sheet.origin}: geometry has no radius; give the ring's nominal radius in um")
    steps = round(REACH / GRID)
    candidates = [round(nominal + i * GRID, 3) for i in range(-steps, steps + 1)]
    low, high = min(wl_um) - 0.03, max(wl_um) + 0.03
    # a resonance moves smoothly with the radius: followed in steps of `STRIDE` candidates, the rest by a spline
    nodes = candidates[::STRIDE]
    rest = [ring.rests(low, high, radius=r) for r in nodes]
    middle = len(wl_um) // 2
    start = min(range(len(nodes)), key=lambda i: abs(nodes[i] - nominal))
    branch = _branch(rest, start, wl_um[middle] - bias_nm * 1e-3)
    first = CubicSpline(nodes, branch)(candidates)
    radii = []
    for wl in wl_um:
        target = wl - bias_nm * 1e-3
        shift = target - first
        fits = shift >= -1e-9
        if not fits.any():
            raise AssemblyError(
                f"{sheet.origin}: no radius from {candidates[0]} to {candidates[-1]} um rests {bias_nm:g} nm below the "
                f"channel at {wl:.6f} um; change the sheet's radius"
            )
        best = int(np.argmin(np.where(fits, shift, np.inf)))
        if shift[best] > 1e-3:
            raise AssemblyError(
                f"{sheet.origin}: the nearest radius, {candidates[best]} um, rests {shift[best] * 1e3:.2f} nm further "
                f"below the channel at {wl:.6f} um than asked; change the sheet's radius"
            )
        radii.append(candidates[best])
    return tuple(radii)


def _branch(rest: list[np.ndarray], start: int, target: float) -> np.ndarray:
    """Resonance of one order for every candidate: the one nearest to `target` at `start`, followed step by step."""
    branch = np.empty(len(rest))
    branch[start] = rest[start][np.argmin(np.abs(rest[start] - target))]
    for step in (1, -1):
        index = start + step
        while 0 <= index < len(rest):
            branch[index] = rest[index][np.argmin(np.abs(rest[index] - branch[index - step]))]
            index += step
    return branch


def free_spectral_range_nm(sheet: Sheet, wl_um: Sequence[float]) -> float:
    """Distance of two resonances of a ring around the middle of the channels, nm.

    Args:
        sheet: of the ring; its model must know resonances.
        wl_um: wavelengths of the channels in um.

    Raises:
        AssemblyError: when the model has no resonances.
    """
    middle = float(np.mean(wl_um))
    found = _ring(sheet).rests(middle - 0.06, middle + 0.06)
    index = int(np.clip(np.searchsorted(found, middle), 1, len(found) - 1))
    return float(found[index] - found[index - 1]) * 1e3


def linewidth_nm(sheet: Sheet, wl_um: Sequence[float]) -> float:
    """Full width at half depth of a ring's notch on its first bus near the middle of the channels, nm, from the model.

    Args:
        sheet: of the ring; its model must know resonances.
        wl_um: wavelengths of the channels in um.

    Raises:
        AssemblyError: when the model has no resonances.
    """
    ring = _ring(sheet)
    middle = float(np.mean(wl_um))
    found = ring.rests(middle - 0.03, middle + 0.03)
    center = float(found[np.argmin(np.abs(found - middle))])
    wl = center + np.linspace(-4e-3, 4e-3, 16_001)
    s = ring.model.function(wl, **ring.parameters)
    through = "o4" if "o4" in ring.model.ports else "o2"
    power = np.abs(s["o1", through]) ** 2
    half = (power.max() + power.min()) / 2
    below = wl[power < half]
    return float(below[-1] - below[0]) * 1e3
