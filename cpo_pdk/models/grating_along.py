"""A whole grating under a fibre: where its peak is, what the fibre takes of its light, how wide its spectrum is.

Conventions
    As `models.gratings`: fill and period change linearly along the grating; the fibre stands where the grating as drawn
    couples best, whatever the process did to it since.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.grating_physics import (
    best_place,
    decay_per_um,
    fibre_overlap,
    grating_index,
    mean_along,
    peak_wavelength,
    places,
)
from cpo_pdk.models.mode_overlap import DB
from cpo_pdk.models.sdict import Array, number

#: fills between which decay is interpolated
_FILLS = np.array([0.25, 0.5, 0.75])


def fibre_sine(angle_deg: ArrayLike, tilt_x_deg: ArrayLike) -> Array:
    """Sine of the angle of a fibre from the normal, `angle_deg` and a tilt together, in degrees."""
    lean = number("angle_deg", angle_deg, -30.0, 45.0, "degrees")
    return np.sin(np.radians(lean + number("tilt_x_deg", tilt_x_deg, -30.0, 30.0, "degrees")))


def process_shifts(dh: ArrayLike, d_etch: ArrayLike, dT: ArrayLike) -> dict[str, Array]:
    """What the process and the temperature change, by the names of `grating_index`."""
    return {
        "dh": number("dh", dh, -50.0, 50.0, "nm"),
        "d_etch": number("d_etch", d_etch, -40.0, 60.0, "nm"),
        "dT": number("dT", dT, -273.0, 500.0, "K"),
    }


def _decay(near: Array, fill: Array, process: dict[str, Array]) -> Array:
    """Decay at every fill along the last axis: quadratic between three fills, but for its sine, which is exact."""
    at = np.asarray(near)
    three = decay_per_um(at, _FILLS, **process) / np.sin(np.pi * _FILLS) ** 2
    a, b, c = (three[..., i, None] for i in range(3))
    t = (fill - _FILLS[1]) / (_FILLS[2] - _FILLS[1])
    smooth = b + t * (c - a) / 2 + t**2 * ((a + c) / 2 - b)
    return np.maximum(smooth, 0.0) * np.sin(np.pi * fill) ** 2


def along_grating(
    *,
    period: ArrayLike = 0.5,
    fill_factor: ArrayLike = 0.5,
    apodisation: ArrayLike = 0.0,
    chirp: ArrayLike = 0.0,
    n_periods: ArrayLike = 80,
    angle_deg: ArrayLike = 10.0,
    fiber_mfd_um: ArrayLike = 9.2,
    dx: ArrayLike = 0.0,
    tilt_x_deg: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    d_etch: ArrayLike = 0.0,
    dT: ArrayLike = 0.0,
) -> tuple[Array, Array, Array]:
    """Peak, overlap and best place of a grating; arguments as `grating_coupler`, which all broadcast.

    Returns:
        Peak wavelength in um; share of what the grating sends to the fibre's side that the fibre takes at the peak,
        along the light's way; where the fibre's axis meets the grating as drawn at best, um from the first tooth.
    """
    process = process_shifts(dh, d_etch, dT)
    lean = np.cos(np.radians(number("angle_deg", angle_deg, -30.0, 45.0, "degrees")))
    radius = number("fiber_mfd_um", fiber_mfd_um, 0.5, 50.0) / 2 / lean
    pitch, share, change, drift, count, spot, wider, offset, sine, *shifts = (
        a[..., None]
        for a in np.broadcast_arrays(
            number("period", period, 0.2, 2.0),
            number("fill_factor", fill_factor, 0.05, 0.95, ""),
            number("apodisation", apodisation, -0.5, 0.5, ""),
            number("chirp", chirp, -0.15, 0.15),
            number("n_periods", n_periods, 1, 1e4, ""),
            radius,
            number("dw", dw, -100.0, 100.0, "nm") * 1e-3,
            number("dx", dx, -1e2, 1e2),
            fibre_sine(angle_deg, tilt_x_deg),
            *process.values(),
        )
    )
    process = dict(zip(process, shifts, strict=True))
    length = count * (pitch + drift / 2)
    fade = np.clip(1 - places() / length, 0.0, 1.0)
    local = pitch + drift * fade
    drawn = np.clip(share + change * fade, 0.02, 0.98)
    fill = np.clip(drawn + wider / local, 0.02, 0.98)

    near = peak_wavelength(pitch, np.clip(share, 0.02, 0.98), sine)
    center = best_place(_decay(near, drawn, {}), length, spot)[..., None]
    decay = _decay(near, fill, process)
    seen = {"decay": decay, "length": length, "radius": spot, "center": center}
    mean_fill, mean_wave = mean_along(fill, **seen), mean_along(2 * np.pi / local, **seen)
    peak = peak_wavelength(2 * np.pi / mean_wave, mean_fill, sine, **process)
    low, high = (grating_index(peak, np.clip(mean_fill + s, 0.0, 1.0), **process) for s in (-0.02, 0.02))
    detuning = 2 * np.pi / peak * (high - low) / 0.04 * (fill - mean_fill) - (2 * np.pi / local - mean_wave)
    seen["center"] = center + offset
    return peak[..., 0], fibre_overlap(**seen, detuning=detuning), center[..., 0]


def uniform_bandwidth_nm(
    *,
    period: float = 0.5,
    fill_factor: float = 0.5,
    n_periods: int = 80,
    angle_deg: float = 10.0,
    fiber_mfd_um: float = 9.2,
) -> float:
    """Full width in nm where a uniform grating loses 1 dB more than at its peak; arguments as `grating_coupler`.

    Off the peak the phase along the grating runs away by `2 pi / wl^2 (ng - sine)` for each um of wavelength, and what
    the fibre takes falls as `exp(-(that times s)^2)`, s the spread of the light over the grating as the fibre sees it.
    """
    peak, _, place = along_grating(
        period=period,
        fill_factor=fill_factor,
        n_periods=n_periods,
        angle_deg=angle_deg,
        fiber_mfd_um=fiber_mfd_um,
    )
    z = places()
    seen = {
        "decay": np.full(z.shape, float(decay_per_um(peak, fill_factor))),
        "length": np.array([n_periods * period]),
        "radius": np.array([fiber_mfd_um / 2 / np.cos(np.radians(angle_deg))]),
        "center": np.array([float(place)]),
    }
    extent = np.sqrt(mean_along(z**2, **seen) - mean_along(z, **seen) ** 2)[0]
    low, high = (float(grating_index(peak + step, fill_factor)) for step in (-0.002, 0.002))
    group = (low + high) / 2 - float(peak) * (high - low) / 0.004
    runaway = 2 * np.pi / float(peak) ** 2 * (group - float(fibre_sine(angle_deg, 0.0)))
    return float(2e3 * np.sqrt(1 / DB) / (runaway * extent))
