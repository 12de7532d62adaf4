"""Rings in two steps: smooth terms, and the closed form that takes them to an S-matrix.

Conventions
    Terms are real, and smooth in wavelength, size, temperature, doping and voltage:

        path_um     optical path once round (index times length), with heater and junction at rest
        rise_um     what the junction adds to it, relative to 0 V
        angle       logarithm of the coupling angle of a bus in rad; angle_drop, angle_ring: of other couplers
        guide_dB    propagation loss once round; loss_dB: all other losses once round
        bus_um      optical path of a bus; bus_guide_dB: its propagation loss

    A heater moves every resonance to the red by the same: the path is taken at `wl - shift`. `turn` is the phase once
    round, `2 pi (path(wl - shift) + rise) / (wl - shift)`. Formulas in `ring`, `ring_filters` and `modulator`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.sdict import Array, SDict, reciprocal, spread

Terms = Mapping[str, Array]


@dataclass(frozen=True)
class RingTerms:
    """How a ring's model is taken apart.

    Attributes:
        terms: `(wl, **params)` -> all terms but `path_um`.
        path_um: `(wl, **params)` -> optical path once round, um.
        response: `(wl, terms, turns, coupling)` -> S-matrix; one turn a ring, rad; `coupling` is the relative change of
            the power that the buses couple.
        kept: `(terms, coupling)` -> amplitude that the couplers leave in the ring; negative: resonances half an order
            off.
        split: parameter by which the second ring lies further to the red, nm; "" for one ring.
    """

    terms: Callable[..., dict[str, Array]]
    path_um: Callable[..., Array]
    response: Callable[[ArrayLike, Terms, tuple[Array, ...], ArrayLike], SDict]
    kept: Callable[[Terms, ArrayLike], Array]
    split: str = ""


def _amplitude(loss_dB: Array) -> Array:
    """Amplitude transmission of a loss in dB; `exp` is quicker than a power of ten."""
    return np.exp(-np.log(10) / 20 * loss_dB)


def cross_over(angle: ArrayLike, coupling: ArrayLike = 0.0) -> tuple[Array, Array]:
    """Through and cross amplitude of a lossless coupler.

    Args:
        angle: logarithm of the coupling angle in rad.
        coupling: relative change of the power that crosses; at most all of it does.
    """
    turned = np.exp(np.asarray(angle, dtype=np.float64))
    t, k = np.cos(turned), np.sin(turned)
    if not np.any(coupling):
        return t, k
    power = np.clip(k**2 * (1 + np.asarray(coupling, dtype=np.float64)), 0.0, 1.0)
    return np.copysign(np.sqrt(1 - power), t), np.copysign(np.sqrt(power), k)


def bus_amplitude(wl: ArrayLike, terms: Terms, share: float = 1.0) -> np.ndarray:
    """Amplitude along a bus from port to port, or along a share of it."""
    return _amplitude(share * terms["bus_guide_dB"]) * np.exp(2j * np.pi * share * terms["bus_um"] / np.asarray(wl))


def half_round(terms: Terms, turn: Array) -> np.ndarray:
    """Amplitude half way round a ring without its couplers."""
    return _amplitude((terms["guide_dB"] + terms["loss_dB"]) / 2) * np.exp(0.5j * turn)


def add_drop(wl: ArrayLike, terms: Terms, turns: tuple[Array, ...], coupling: ArrayLike = 0.0) -> SDict:
    """Ring between two buses with equal couplers; formulas in `ring`."""
    t, k = cross_over(terms["angle"], coupling)
    half = half_round(terms, turns[0])
    bus = bus_amplitude(wl, terms)
    z = half**2
    beside = bus / (1 - t**2 * z)
    through = beside * t * (1 - z)
    drop = -beside * k**2 * half
    return reciprocal({("o1", "o4"): through, ("o3", "o2"): through, ("o1", "o2"): drop, ("o3", "o4"): drop})


def add_drop_kept(terms: Terms, coupling: ArrayLike = 0.0) -> Array:
    """Amplitude left by both couplers."""
    return cross_over(terms["angle"], coupling)[0] ** 2


def all_pass(wl: ArrayLike, terms: Terms, turns: tuple[Array, ...], coupling: ArrayLike = 0.0) -> SDict:
    """Ring beside one bus; formulas in `ring_filters`."""
    t, _k = cross_over(terms["angle"], coupling)
    z = half_round(terms, turns[0]) ** 2
    return reciprocal({("o1", "o2"): bus_amplitude(wl, terms) * (t - z) / (1 - t * z)})


def all_pass_kept(terms: Terms, coupling: ArrayLike = 0.0) -> Array:
    """Amplitude left by the coupler."""
    return cross_over(terms["angle"], coupling)[0]


def double(wl: ArrayLike, terms: Terms, turns: tuple[Array, ...], coupling: ArrayLike = 0.0) -> SDict:
    """Two coupled rings between two buses; formulas in `ring_filters`."""
    (t1, k1), (t2, k2) = cross_over(terms["angle"], coupling), cross_over(terms["angle_ring"])
    half1, half2 = (half_round(terms, turn) for turn in turns)
    z1, z2 = half1**2, half2**2
    bus = bus_amplitude(wl, terms)
    denominator = 1 - t1 * t2 * z1 - t1 * t2 * z2 + t1**2 * z1 * z2
    drop = -1j * bus * k1**2 * k2 * half1 * half2 / denominator
    lower = bus * (t1 - t2 * z1 - t1**2 * t2 * z2 + t1 * z1 * z2) / denominator
    upper = bus * (t1 - t2 * z2 - t1**2 * t2 * z1 + t1 * z1 * z2) / denominator
    return reciprocal({("o1", "o4"): lower, ("o2", "o3"): upper, ("o1", "o3"): drop, ("o2", "o4"): drop})


def double_kept(terms: Terms, coupling: ArrayLike = 0.0) -> Array:
    """Amplitude left in either ring by its two couplers."""
    return cross_over(terms["angle"], coupling)[0] * cross_over(terms["angle_ring"])[0]


def modulator(wl: ArrayLike, terms: Terms, turns: tuple[Array, ...], coupling: ArrayLike = 0.0) -> SDict:
    """Ring with a bus and a monitor behind a weak drop; formulas in `modulator`."""
    (t1, k1), (t2, k2) = cross_over(terms["angle"], coupling), cross_over(terms["angle_drop"])
    half = half_round(terms, turns[0])
    lead = bus_amplitude(wl, terms, 0.5)
    beside = lead / (1 - t1 * t2 * half**2)
    through = beside * lead * (t1 - t2 * half**2)
    monitor = -beside * k1 * k2 * half
    return spread({("o1", "o2"): through, ("o2", "o1"): through, ("o1", "i1"): monitor})


def modulator_kept(terms: Terms, coupling: ArrayLike = 0.0) -> Array:
    """Amplitude left by bus and monitor."""
    return cross_over(terms["angle"], coupling)[0] * cross_over(terms["angle_drop"])[0]
