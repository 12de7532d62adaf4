"""Numbers out of measured spectra: losses by cut-back, rings by their resonances, couplers by their beat length.

A manifest lists what is measured between which two gratings, which quantity that gives and by which of `FORMULAS`.
`extract` takes such a list and the measured transmissions, and gives the quantities. The same code reads a wafer
measurement and a simulation of the block; that is how a test closes the loop.

Conventions
    A transmission is a positive loss in dB over wavelength. Where a formula asks for one number a spectrum, that is the
    mean in dB over all wavelengths given: the ripple between two gratings averages out over many of its periods.

Validity
    `slope` holds where the structures differ in nothing but the swept number (same gratings, same routing). `resonance`
    needs at least two resonances in the spectrum and several points across each. `beat` needs the swept lengths to
    cover a good part of a beat length, and takes the coupler as lossless.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.signal import find_peaks

from cpo_pdk.errors import ParameterError

Floats = NDArray[np.float64]
Measurement = Mapping[str, Any]
C_UM_GHZ = 299792.458  # speed of light, um GHz


@dataclass(frozen=True)
class Extracted:
    """One quantity that a block gives.

    Attributes:
        name: of the quantity.
        value: in `unit`.
        unit: of value and error.
        error: standard error of the fit; 0 where nothing is fitted.
        measurements: names of the measurements that it comes from.
        details: what else the fit gave, by name.
    """

    name: str
    value: float
    unit: str
    error: float
    measurements: tuple[str, ...]
    details: dict[str, float]


@dataclass(frozen=True)
class Resonance:
    """One resonance: where it is (um), its full width at half maximum (um) and its height above or below what surrounds
    it (dB, positive)."""

    wl: float
    width: float
    height_dB: float


def resonances(wl: ArrayLike, loss_dB: ArrayLike, *, drop: bool, prominence_dB: float = 1.0) -> list[Resonance]:
    """Resonances in a measured spectrum, from short to long wavelengths.

    The width is where the power of a peak is half of its top; where the power that a dip takes away is half of what it
    takes away at most.

    Args:
        wl: um, rising, shape (W,).
        loss_dB: loss, shape (W,).
        drop: peaks (a drop port); else dips (a through port).
        prominence_dB: smaller ones are taken for ripple.

    Raises:
        ParameterError: shapes that differ, or fewer than five points.
    """
    grid, level = np.asarray(wl, np.float64), -np.asarray(loss_dB, np.float64)
    if grid.shape != level.shape or grid.ndim != 1 or grid.size < 5:
        raise ParameterError(
            f"wl has shape {grid.shape} and loss_dB {level.shape}; equal ones of at least 5 points needed"
        )
    power = 10 ** (level / 10)
    ground = float(np.max(power))
    signal: Floats = power if drop else 1 - power / ground
    found, about = find_peaks(level if drop else -level, prominence=prominence_dB)
    out = []
    for at, prominence in zip(found, about["prominences"], strict=True):
        half = float(signal[at]) / 2
        left = _crossing(grid, signal, int(at), -1, half)
        right = _crossing(grid, signal, int(at), +1, half)
        if left is not None and right is not None:
            out.append(Resonance(_vertex(grid, level, int(at)), right - left, float(prominence)))
    return out


def _vertex(grid: Floats, level: Floats, at: int) -> float:
    """Where the parabola through three points is flat."""
    x, y = grid[at - 1 : at + 2] - grid[at], level[at - 1 : at + 2] - level[at]
    rise, fall = y[0] / x[0], y[2] / x[2]  # of the chords to both neighbours
    bend = (fall - rise) / (x[2] - x[0])
    return float(grid[at] - (rise - bend * x[0]) / (2 * bend) if bend else grid[at])


def _crossing(grid: Floats, signal: Floats, at: int, step: int, level: float) -> float | None:
    """Where `signal` falls to `level` beside the point `at`; None where the spectrum ends before."""
    index = at
    while 0 <= index + step < grid.size:
        if signal[index + step] <= level:
            share = (signal[index] - level) / (signal[index] - signal[index + step])
            return float(grid[index] + share * (grid[index + step] - grid[index]))
        index += step
    return None


def extract(
    measurements: Sequence[Measurement], wl: ArrayLike, loss_dB: Mapping[str, ArrayLike]
) -> tuple[Extracted, ...]:
    """What a block gives.

    Args:
        measurements: of the manifest: name, extracts, sweep, unit, formula and, for some formulas, known.
        wl: um, rising, shape (W,).
        loss_dB: name of a measurement -> loss between its two gratings, gratings included, shape (W,).

    Returns:
        The quantities in the order of the manifest.

    Raises:
        ParameterError: a measurement without data, a formula that is not known, or too few points for it.
    """
    missing = [m["name"] for m in measurements if m["name"] not in loss_dB]
    if missing:
        raise ParameterError(f"no measured loss of {missing[0]!r} ({len(missing)} missing); give every measurement")
    grid = np.asarray(wl, np.float64)
    groups: dict[str, list[Measurement]] = {}
    for entry in measurements:
        groups.setdefault(str(entry["extracts"]), []).append(entry)
    out: list[Extracted] = []
    for name, group in groups.items():
        formula = str(group[0]["formula"])
        if formula not in FORMULAS:
            raise ParameterError(f"{name}: formula {formula!r} is unknown; there are: {', '.join(FORMULAS)}")
        data = [np.broadcast_to(np.asarray(loss_dB[m["name"]], np.float64), grid.shape) for m in group]
        out.extend(FORMULAS[formula].evaluate(name, group, grid, data))
    return tuple(out)


def _swept(entry: Measurement) -> float:
    return float(next(iter(entry["sweep"].values())))


def _names(group: Sequence[Measurement]) -> tuple[str, ...]:
    return tuple(str(m["name"]) for m in group)


def _half(name: str, group: Sequence[Measurement], wl: Floats, data: Sequence[Floats]) -> list[Extracted]:
    loss = [float(np.min(d)) / 2 for d in data]
    best = float(wl[int(np.argmin(data[0]))])
    return [Extracted(name, float(np.mean(loss)), str(group[0]["unit"]), 0.0, _names(group), {"wl_um": best})]


def _slope(name: str, group: Sequence[Measurement], wl: Floats, data: Sequence[Floats]) -> list[Extracted]:
    x, y = np.array([_swept(m) for m in group]), np.array([float(np.mean(d)) for d in data])
    if len(x) < 2 or np.ptp(x) == 0:
        raise ParameterError(f"{name}: {len(set(x))} swept values, at least 2 needed for a slope")
    slope, rest = np.polyfit(x, y, 1)
    residual = y - slope * x - rest
    spread = np.sqrt(np.sum(residual**2) / max(len(x) - 2, 1) / np.sum((x - x.mean()) ** 2))
    details = {"intercept_dB": float(rest), "worst_residual_dB": float(np.max(np.abs(residual)))}
    return [Extracted(name, float(slope), str(group[0]["unit"]), float(spread), _names(group), details)]


def _resonance(name: str, group: Sequence[Measurement], wl: Floats, data: Sequence[Floats]) -> list[Extracted]:
    out = []
    for entry, loss in zip(group, data, strict=True):
        drop = entry["known"]["output_is"] == "drop"
        found = resonances(wl, loss, drop=drop, prominence_dB=6.0 if drop else 1.0)
        if len(found) < 2:
            raise ParameterError(f"{entry['name']}: {len(found)} resonances in the spectrum, at least 2 needed")
        fsr = float(np.mean(np.diff([r.wl for r in found])))
        middle = found[len(found) // 2]
        ends = found[0].wl * found[-1].wl  # spacing of neighbours at wl1 and wl2 is wl1 wl2 / (ng length)
        index = ends * (len(found) - 1) / ((found[-1].wl - found[0].wl) * float(entry["known"]["length_um"]))
        details = {
            "fsr_nm": fsr * 1e3,
            "width_GHz": C_UM_GHZ * middle.width / middle.wl**2,
            "loaded_Q": middle.wl / middle.width,
            "wl_um": middle.wl,
            **{key: float(value) for key, value in entry["sweep"].items()},
        }
        out.append(Extracted(name, index, str(entry["unit"]), 0.0, (str(entry["name"]),), details))
    return out


def _extinction(name: str, group: Sequence[Measurement], wl: Floats, data: Sequence[Floats]) -> list[Extracted]:
    out = []
    for entry, loss in zip(group, data, strict=True):
        found = resonances(wl, loss, drop=False)
        if not found:
            raise ParameterError(f"{entry['name']}: no dip in the spectrum; measure over a free spectral range")
        deepest = max(found, key=lambda r: r.height_dB)
        details = {"wl_um": deepest.wl, **{key: float(value) for key, value in entry["sweep"].items()}}
        out.append(Extracted(name, deepest.height_dB, str(entry["unit"]), 0.0, (str(entry["name"]),), details))
    return out


def _beat(name: str, group: Sequence[Measurement], wl: Floats, data: Sequence[Floats]) -> list[Extracted]:
    pairs: dict[float, dict[str, Floats]] = {}
    for entry, loss in zip(group, data, strict=True):
        pairs.setdefault(_swept(entry), {})[str(entry["known"]["output_is"])] = 10 ** (-loss / 10)
    lengths = np.array(sorted(pairs))
    if len(lengths) < 3:
        raise ParameterError(f"{name}: {len(lengths)} lengths, at least 3 needed for a beat length")
    cross = np.array([float(np.mean(p["cross"] / (p["cross"] + p["bar"]))) for p in (pairs[x] for x in lengths)])
    # several starts: the fit of a sine has more than one minimum
    starts = [(k, p) for k in np.geomspace(0.2, 3.0, 9) / np.ptp(lengths) for p in (0.05, 0.4, 0.8)]

    def residual(p: Floats) -> Floats:
        return np.sin(p[0] * lengths + p[1]) ** 2 - cross

    fits = [least_squares(residual, start) for start in starts]
    best = min(fits, key=lambda f: (round(float(f.cost), 12), abs(float(f.x[0]))))
    kappa, phase = float(abs(best.x[0])), float(best.x[1] * np.sign(best.x[0]))
    details = {
        "bends_rad": phase,
        "beat_length_um": float(np.pi / kappa),
        "worst_residual": float(np.max(abs(best.fun))),
    }
    return [Extracted(name, kappa, str(group[0]["unit"]), 0.0, _names(group), details)]


@dataclass(frozen=True)
class Formula:
    """How a quantity follows from measurements: in words, and as code."""

    says: str
    evaluate: Callable[[str, Sequence[Measurement], Floats, Sequence[Floats]], list[Extracted]]


#: name in a manifest -> how it is evaluated
FORMULAS: dict[str, Formula] = {
    "half": Formula(
        "half of the smallest loss over wavelength: light passes two gratings and next to nothing else", _half
    ),
    "slope": Formula(
        "slope of a least-squares line through loss (dB, mean over wavelength) against the swept number; its intercept "
        "holds the gratings and the routing",
        _slope,
    ),
    "resonance": Formula(
        "group index = N wl_first wl_last / ((wl_last - wl_first) length) of N + 1 resonances; width "
        "and loaded Q of the middle one",
        _resonance,
    ),
    "extinction": Formula("depth of the deepest dip of the through port below what surrounds it", _extinction),
    "beat": Formula(
        "kappa of sin^2(kappa length + bends) fitted to cross / (cross + bar) against the swept length", _beat
    ),
}
