"""Multimode interference: light of one guide enters a wide one as many modes and leaves it where they meet again.

Method
    Mode-propagation analysis (Soldano and Pennings, J. Lightwave Technol. 13, 615 (1995), section IV) in the
    effective-index picture of `slabs.py`. Mode v of the body has the propagation constant
    `sqrt((k0 n_film)^2 - kappa_v^2)`, kappa_v exact for the slab, and the shape of a sine over the body's effective
    width `pi / kappa_0`; the mode of an arm is a cosine over the arm's own effective width. Both families are
    orthonormal, so that what goes in is split without gain: `S = A_out^T diag(exp(i beta_v L)) A_in` is passive and
    reciprocal by construction. Light that finds no arm at the end is lost.

Validity
    TE. No reflection at the end faces; the steps from arm to body lose only what the overlaps say. The best lengths
    come out 2 to 3 % above those that CORNERSTONE prints (see `validation/splitters.py`): its devices were optimised
    with their tapers in three dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.sdict import Array, number, wavelength
from cpo_pdk.models.slabs import film_index, oxide, sideways_phase


def _overlap(kappa: Array, body: Array, arm: Array, position: ArrayLike) -> Array:
    """Integral of a sine of the body and the cosine of an arm, both normalised; lengths in um.

    `arm` and `body` are effective widths, `position` is that of the arm from the middle of the body.
    """
    a = np.pi / arm
    phase = kappa * (np.asarray(position) + body / 2)
    near = np.abs(kappa - a) < 1e-6 * a
    apart = np.where(near, 2 * a, a**2 - kappa**2)
    cosine = np.where(near, arm / 2, 2 * a * np.cos(kappa * arm / 2) / apart)
    return 2 / np.sqrt(arm * body) * np.sin(phase) * cosine


def imaging(
    wl: ArrayLike,
    *,
    width: ArrayLike,
    length: ArrayLike,
    width_arm: ArrayLike,
    inputs: Sequence[ArrayLike],
    outputs: Sequence[ArrayLike],
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> list[list[np.ndarray]]:
    """Amplitudes from arm to arm through a multimode body.

    Args:
        wl: wavelength in um.
        width: of the body in um.
        length: of the body in um.
        width_arm: of every arm where it meets the body, um.
        inputs: positions of the input arms from the middle of the body in um.
        outputs: positions of the output arms in um.
        dT: temperature rise in K.
        dw: what body and arms are wider than drawn, nm.
        dh: what the film is higher than 0.22 um, nm.

    Returns:
        `[input][output]`, each of the broadcast shape of all arguments.

    Raises:
        ParameterError: arms that touch each other or stand out of the body, something not finite.
    """
    wl = wavelength(wl)
    wider = number("dw", dw, -100.0, 100.0, "nm") * 1e-3
    body_width = number("width_mmi", width, 0.5, 1e3) + wider
    arm_width = number("width_taper", width_arm, 0.2, 1e2) + wider
    along = number("length_mmi", length, 0.0, 1e5)
    film, clad = film_index(wl, dT=dT, dh=dh), oxide(wl, dT)
    k0 = 2 * np.pi / wl
    arm = np.pi / sideways_phase(wl, arm_width, 0, film, clad)
    body = np.pi / sideways_phase(wl, body_width, 0, film, clad)
    for side in (inputs, outputs):
        _check_room(side, arm, body)
    orders = int(np.max(body_width * k0 * np.sqrt(film**2 - clad**2)) / np.pi) + 1
    shape = np.broadcast_shapes(*(np.shape(v) for v in (wl, body, arm, along, *inputs, *outputs)))
    found = [[np.zeros(shape, dtype=np.complex128) for _ in outputs] for _ in inputs]
    for order in range(orders):
        exact = sideways_phase(wl, body_width, order, film, clad)
        guided = np.isfinite(exact)
        beta = np.sqrt((k0 * film) ** 2 - np.where(guided, exact, 0.0) ** 2)
        turn = guided * np.exp(1j * beta * along)
        sine = (order + 1) * np.pi / body
        into = [_overlap(sine, body, arm, p) for p in inputs]
        out = [_overlap(sine, body, arm, p) for p in outputs]
        for row, a in zip(found, into, strict=True):
            for amplitude, b in zip(row, out, strict=True):
                amplitude += a * b * turn
    return found


def _check_room(positions: Sequence[ArrayLike], arm: Array, body: Array) -> None:
    """Refuse arms whose modes overlap or reach beyond the body."""
    places = [np.asarray(p, dtype=np.float64) for p in positions]
    for place in places:
        if np.any(np.abs(place) + arm / 2 > body / 2 + 1e-9):
            raise ParameterError(
                f"separation puts an arm {float(np.max(np.abs(place))):g} um from the middle of a body that is "
                f"{float(np.min(body)):.3f} um wide for its modes; widen width_mmi"
            )
    for low, high in pairwise(places):
        if np.any(np.abs(high - low) < arm):
            raise ParameterError(
                f"separation = {float(np.min(np.abs(high - low))):g} um is less than the {float(np.max(arm)):.3f} um "
                "that the mode of an arm takes; enlarge it or narrow width_taper"
            )


def self_image_length(wl: ArrayLike, width: ArrayLike, n: int, dT: ArrayLike = 0.0) -> Array:
    """Length in um after which the light of one arm in the middle of a body has `n` images.

    `3 L_pi / (4 n)` with the beat length `L_pi = 4 n_film W_e^2 / (3 wl)` (Soldano and Pennings, J. Lightwave Technol.
    13, 615 (1995)). It is paraxial: the steep modes that a narrow arm excites make the best length 1 to 3 % less.

    Args:
        wl: wavelength in um.
        width: of the body in um.
        n: number of images, `W_e / n` apart.
        dT: temperature rise in K.
    """
    film, clad = film_index(wl, dT=dT), oxide(wl, dT)
    effective = np.pi / sideways_phase(wl, width, 0, film, clad)
    return film * effective**2 / (np.asarray(wl) * n)
