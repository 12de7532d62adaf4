"""Shallow gratings in a silicon film: index of the grating, strength of its radiation, overlap with a fibre.

The etched layer is one uniform film of the mean permittivity (TE: field along the grooves, Rytov 1956); film and
silicon below it make a four-layer slab whose fundamental mode is solved exactly. Radiation: the grooves' first
harmonic is a sheet of current that radiates into oxide, up and down alike (volume-current method). The field over the
grating decays as it radiates; its overlap with the fibre's Gaussian mode is summed numerically.

Conventions
    Lengths in um. `fill` is the unetched share of the etched layer: of the period of a grating, of the area of a
    lattice of holes. Indices and decay have the broadcast shape of their arguments.

Validity
    Second-order effects (Bragg reflection, slot resonance) and reflection from the substrate are left out. The decay is
    good to about a factor of 1.5, as the films' own interfaces are left out of the radiation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.sdict import Array, number
from cpo_pdk.models.slabs import film_index, oxide, silicon

HEIGHT, ETCH = 0.22, 0.07  # of the film and of the grooves in it, um
_HALVINGS = 44
_LAYERS = 241  # samples across the slab
_REACH, _STEP = 60.0, 0.1  # of the field over a grating, um
_PEAKS = (1.05, 1.95)  # wavelengths that silicon and oxide are known for, less what a slope needs, um

Layers = tuple[Array, Array, Array]


def _films(wl: Array, fill: Array, dh: Array, d_etch: Array, dT: Array) -> tuple[Layers, Array, Array]:
    """Squared indices of silicon, grating and oxide; heights of silicon and grating in um."""
    si, ox = silicon(wl, dT) ** 2, oxide(wl, dT) ** 2
    etch = ETCH + d_etch * 1e-3
    return (si, fill * si + (1 - fill) * ox, ox), HEIGHT + dh * 1e-3 - etch, etch


def _waves(n: Array, wl: Array, layers: Layers, below: Array) -> tuple[Array, np.ndarray, Array, Array, Array]:
    """Wave numbers (oxide, grating, silicon); field and slope at the bottom of the grating, for a field of 1 below."""
    si, grating, ox = layers
    k0 = 2 * np.pi / wl
    decay = k0 * np.sqrt(np.maximum(n**2 - ox, 0.0))
    wave = k0 * np.sqrt(np.maximum(si - n**2, 1e-12))
    groove = k0 * np.sqrt((grating - n**2).astype(complex))
    field = np.cos(wave * below) + decay / wave * np.sin(wave * below)
    slope = -wave * np.sin(wave * below) + decay * np.cos(wave * below)
    return decay, groove, wave, field, slope


def _mismatch(n: Array, wl: Array, layers: Layers, below: Array, etch: Array) -> Array:
    """Slope of the field less that of a decaying one at the top; falls through zero as n falls to the mode's."""
    decay, groove, _, field, slope = _waves(n, wl, layers, below)
    top = field * np.cos(groove * etch) + slope * np.sin(groove * etch) / groove
    top_slope = slope * np.cos(groove * etch) - field * groove * np.sin(groove * etch)
    return (top_slope + decay * top).real


def grating_index(
    wl: ArrayLike, fill: ArrayLike, *, dh: ArrayLike = 0.0, d_etch: ArrayLike = 0.0, dT: ArrayLike = 0.0
) -> Array:
    """Effective index of TE0 under the grating.

    Args:
        wl: wavelength in um.
        fill: unetched share, 0 to 1.
        dh: what the film is higher than 220 nm, nm; the grooves keep their depth.
        d_etch: what the grooves are deeper than 70 nm, nm.
        dT: temperature rise in K.
    """
    at, share, height, deeper, heat = np.broadcast_arrays(
        np.asarray(wl, dtype=np.float64),
        number("fill", fill, 0.0, 1.0, ""),
        number("dh", dh, -50.0, 50.0, "nm"),
        number("d_etch", d_etch, -40.0, 60.0, "nm"),
        np.asarray(dT, dtype=np.float64),
    )
    layers, below, etch = _films(at, share, height, deeper, heat)
    high = film_index(at, below + etch, heat) + 1e-9
    low = film_index(at, below, heat) - 1e-9
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = _mismatch(middle, at, layers, below, etch) > 0
        high, low = np.where(above, middle, high), np.where(above, low, middle)
    return (low + high) / 2


def decay_per_um(
    wl: ArrayLike, fill: ArrayLike, *, dh: ArrayLike = 0.0, d_etch: ArrayLike = 0.0, dT: ArrayLike = 0.0
) -> Array:
    """Decay of the field under the grating by radiation, 1/um; the power decays twice as fast. Arguments as above.

    `2 decay = k0^4 eps1^2 |integral of E over the grooves|^2 / (2 beta ky integral of E^2)` with the harmonic
    `eps1 = (eps_Si - eps_ox) sin(pi fill) / pi` and ky the wave number of light that leaves straight up.
    """
    at, share, height, deeper, heat = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (wl, fill, dh, d_etch, dT))
    )
    n = grating_index(at, share, dh=height, d_etch=deeper, dT=heat)
    layers, below, etch = _films(at, share, height, deeper, heat)
    decay, groove, wave, field, slope = _waves(n, at, layers, below)
    t = np.linspace(0, 1, _LAYERS)
    y = t * np.asarray(below)[..., None]
    inside = np.cos(wave[..., None] * y) + (decay / wave)[..., None] * np.sin(wave[..., None] * y)
    y = t * np.asarray(etch)[..., None]
    turn = groove[..., None] * y
    grooves = (field[..., None] * np.cos(turn) + (slope / groove)[..., None] * np.sin(turn)).real
    power = (
        np.trapezoid(inside**2, t) * below
        + np.trapezoid(grooves**2, t) * etch
        + (1 + grooves[..., -1] ** 2) / (2 * decay)
    )
    crossed = (np.trapezoid(grooves, t) * etch) ** 2
    harmonic = (layers[0] - layers[2]) * np.sin(np.pi * share) / np.pi
    k0 = 2 * np.pi / at
    return k0**4 * harmonic**2 * crossed / (4 * n * k0 * np.sqrt(layers[2]) * k0 * power)


def peak_wavelength(
    period: ArrayLike,
    fill: ArrayLike,
    sine: ArrayLike,
    *,
    dh: ArrayLike = 0.0,
    d_etch: ArrayLike = 0.0,
    dT: ArrayLike = 0.0,
) -> Array:
    """Wavelength in um that leaves at an angle of sine `sine`: `wl = period (index(wl) - sine)`, by Newton's method.

    Args:
        period: of the grating in um.
        fill: unetched share.
        sine: of the angle in air from the normal, positive along the light's way in the chip.
        dh: as `grating_index`.
        d_etch: as `grating_index`.
        dT: temperature rise in K.

    Raises:
        ParameterError: it is not a wavelength that the materials are known for.
    """
    step = 1e-3
    pitch, slant = np.asarray(period, dtype=np.float64), np.asarray(sine, dtype=np.float64)
    wl: Array = pitch * 2.65 + 0 * slant
    for _ in range(4):
        wl = np.clip(wl, *_PEAKS)
        low, high = (grating_index(wl + s, fill, dh=dh, d_etch=d_etch, dT=dT) for s in (-step, step))
        residue = wl - pitch * ((low + high) / 2 - slant)
        wl = wl - residue / (1 - pitch * (high - low) / (2 * step))
    wrong = (wl < _PEAKS[0]) | (wl > _PEAKS[1])
    if np.any(wrong):
        at = np.unravel_index(int(np.argmax(wrong)), wl.shape)
        near = float(np.broadcast_to(pitch, wl.shape)[at])
        raise ParameterError(
            f"a grating of period {near:.4g} um sends light of {float(wl[at]):.3g} um to the fibre; known is "
            f"{_PEAKS[0]:g} to {_PEAKS[1]:g} um; change the period or the fibre's angle"
        )
    return wl


def _profile(decay: Array, length: Array) -> Array:
    """Field over a grating of `length` um whose decay is sampled along it; its square sums to what was radiated."""
    z = places()
    inside = np.clip((length - z) / _STEP + 0.5, 0.0, 1.0)
    gone = np.cumsum(decay, axis=-1) * _STEP - decay * _STEP / 2
    return np.sqrt(2 * decay) * np.exp(-gone) * np.sqrt(inside)


def places() -> Array:
    """Where along a grating its field is sampled, um from the first tooth."""
    return np.arange(_STEP / 2, _REACH, _STEP)


def _gaussian(center: Array, radius: Array) -> Array:
    """Field of a fibre at each place of the grating, of unit power."""
    return np.sqrt(np.sqrt(2 / np.pi) / radius) * np.exp(-(((places() - center) / radius) ** 2))


def best_place(decay: Array, length: Array, radius: Array) -> Array:
    """Where along the grating the fibre's axis has to meet it, um from the first tooth; arguments as `fibre_overlap`.

    Args:
        decay: of the field along the grating in 1/um, last axis the places.
        length: of the grating in um, shape that of decay with a last axis of one.
        radius: of the fibre's spot on the grating in um, likewise.
    """
    field = _profile(decay, length)
    candidates = np.arange(0.5, 25.0, 0.5)
    found = np.stack([np.sum(field * _gaussian(np.asarray(c), radius), axis=-1) for c in candidates], axis=-1)
    top = np.clip(np.argmax(found, axis=-1), 1, len(candidates) - 2)[..., None]
    left, middle, right = (np.take_along_axis(found, top + i, axis=-1)[..., 0] for i in (-1, 0, 1))
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return candidates[top[..., 0]] + 0.5 * np.clip(shift, -1.0, 1.0)


def mean_along(value: Array, decay: Array, length: Array, radius: Array, center: Array) -> Array:
    """Mean of what varies along a grating as a fibre sees it; arguments as `fibre_overlap`, the last axis is kept."""
    weight = _profile(decay, length) * _gaussian(center, radius)
    return np.sum(weight * value, axis=-1, keepdims=True) / np.sum(weight, axis=-1, keepdims=True)


def fibre_overlap(decay: Array, length: Array, radius: Array, center: Array, detuning: ArrayLike = 0.0) -> Array:
    """Share of what a grating radiates to the fibre's side that the fibre takes, along the grating.

    Args:
        decay: of the field along the grating in 1/um, last axis the `places`.
        length: of the grating in um, shape that of decay with a last axis of one.
        radius: of the fibre's spot on the grating in um, likewise.
        center: of the spot from the first tooth in um, likewise.
        detuning: local mismatch of the phase in rad/um, last axis the places; its mean does not count.
    """
    weight = _profile(decay, length) * _gaussian(center, radius)
    mismatch = np.asarray(detuning) + 0 * weight
    phase = np.cumsum(mismatch - mean_along(mismatch, decay, length, radius, center), axis=-1) * _STEP
    return np.abs(np.sum(weight * np.exp(1j * phase), axis=-1) * _STEP) ** 2
