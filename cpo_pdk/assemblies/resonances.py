"""Radii that put rings on their channels: the only place where drawing asks a compact model a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cpo_pdk.errors import AssemblyError
from cpo_pdk.models import MODELS
from cpo_pdk.spec.sheet import Sheet

GRID = 0.001  # um: radii are drawn on the mask grid
REACH = 0.08  # um: how far a radius may move from the sheet's; 0.08 um is about 1 % of a ring


def rising_radii(sheet: Sheet, wl_um: Sequence[float], bias_nm: float) -> tuple[float, ...]:
    """Radii of the rings of one bus, one a channel, all resonant in the same order.

    Each ring rests `bias_nm` or a little more below its channel (a radius step of 1 nm moves a resonance by about 0.15 nm), because its
    heater can only shift it to the red.

    Args:
        sheet: of the ring; its model must know resonances.
        wl_um: wavelengths of the channels, rising.
        bias_nm: distance below the channel in nm.

    Returns:
        Radii in um on the mask grid.

    Raises:
        AssemblyError: when the model has no resonances, or no radius near the sheet's fits.
    """
    model = MODELS.get(sheet.model or "")
    if model is None or model.resonances is None:
        raise AssemblyError(
            f"{sheet.origin}: model {sheet.model!r} has no resonances, so no ring can be placed on a channel; use a ring's sheet"
        )
    geometry: dict[str, Any] = dict(sheet.geometry)
    nominal = geometry.get("radius")
    if nominal is None:
        raise AssemblyError(f"{sheet.origin}: geometry has no radius; give the ring's nominal radius in um")
    parameters = _accepted(model.function, {**sheet.values, **geometry})
    steps = round(REACH / GRID)
    candidates = [round(nominal + i * GRID, 3) for i in range(-steps, steps + 1)]
    low, high = min(wl_um) - 0.03, max(wl_um) + 0.03
    rest = [np.sort(np.atleast_1d(model.resonances(low, high, **{**parameters, "radius": r}))) for r in candidates]
    middle = len(wl_um) // 2
    start = candidates.index(min(candidates, key=lambda r: abs(r - nominal)))
    first = _branch(rest, start, wl_um[middle] - bias_nm * 1e-3)
    radii = []
    for wl in wl_um:
        target = wl - bias_nm * 1e-3
        shift = target - first
        fits = shift >= -1e-9
        if not fits.any():
            raise AssemblyError(
                f"{sheet.origin}: no radius from {candidates[0]} to {candidates[-1]} um rests {bias_nm:g} nm below the channel at {wl:.6f} um; "
                "change the sheet's radius"
            )
        best = int(np.argmin(np.where(fits, shift, np.inf)))
        if shift[best] > 1e-3:
            raise AssemblyError(
                f"{sheet.origin}: the nearest radius, {candidates[best]} um, rests {shift[best] * 1e3:.2f} nm further below the channel at "
                f"{wl:.6f} um than asked; change the sheet's radius"
            )
        radii.append(candidates[best])
    return tuple(radii)


def _branch(rest: list[np.ndarray], start: int, target: float) -> np.ndarray:
    """Resonance of one order for every candidate radius: the one nearest to `target` at `start`, followed step by step."""
    branch = np.empty(len(rest))
    branch[start] = rest[start][np.argmin(np.abs(rest[start] - target))]
    for step in (1, -1):
        index = start + step
        while 0 <= index < len(rest):
            branch[index] = rest[index][np.argmin(np.abs(rest[index] - branch[index - step]))]
            index += step
    return branch


def _accepted(function: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The values that a model function takes."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {k: v for k, v in values.items() if k in names}


def free_spectral_range_nm(sheet: Sheet, wl_um: Sequence[float]) -> float:
    """Distance of two resonances of the sheet's ring around the middle of the channels, nm."""
    model = MODELS[sheet.model or ""]
    assert model.resonances is not None
    middle = float(np.mean(wl_um))
    found = np.sort(
        model.resonances(middle - 0.06, middle + 0.06, **_accepted(model.function, {**sheet.values, **sheet.geometry}))
    )
    index = int(np.clip(np.searchsorted(found, middle), 1, len(found) - 1))
    return float(found[index] - found[index - 1]) * 1e3


def linewidth_nm(sheet: Sheet, wl_um: Sequence[float]) -> float:
    """Full width at half depth of the ring's notch on its first bus near the middle of the channels, nm, from the model."""
    model = MODELS[sheet.model or ""]
    assert model.resonances is not None
    parameters = _accepted(model.function, {**sheet.values, **sheet.geometry})
    middle = float(np.mean(wl_um))
    found = np.atleast_1d(model.resonances(middle - 0.03, middle + 0.03, **parameters))
    center = float(found[np.argmin(np.abs(found - middle))])
    wl = center + np.linspace(-4e-3, 4e-3, 16_001)
    s = model.function(wl, **parameters)
    through = "o4" if "o4" in model.ports else "o2"
    power = np.abs(s["o1", through]) ** 2
    half = (power.max() + power.min()) / 2
    below = wl[power < half]
    return float(below[-1] - below[0]) * 1e3
