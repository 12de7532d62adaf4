"""Spiral: a long waveguide with many bends.

Conventions
    Ports `o1` and `o2`, and `o1@TM`, `o2@TM` where the cross-section has the TM mode. `length` is that of the path.

Validity
    The path has the index of the straight guide; each of its `8 n_turns - 2` Euler bends adds the bend loss of
    `waveguide.bend_loss_dB`. Left out: coupling between neighbouring turns (below -100 dB a
    millimetre even of ribs 3 um apart), back-scattering, phase noise of the width along the path.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from cpo_pdk.models.model import GUIDE, RIB_DEVIATIONS, TM_THROUGH, TWO, Model
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, reciprocal
from cpo_pdk.models.waveguide import bend_loss_dB, propagation
from cpo_pdk.tech.waveguides import cross_section as load_cross_section


def bends(n_turns: ArrayLike) -> Array:
    """Number of 90 degree bends of a spiral with `n_turns` turns of either arm."""
    return 8 * number("n_turns", n_turns, 1.0, 1e4, "turns") - 2


def spiral(
    wl: ArrayLike,
    *,
    length: ArrayLike = 5000.0,
    n_turns: ArrayLike = 4,
    radius: ArrayLike = 10.0,
    cross_section: str = "strip",
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """Spiral of a path `length` with bends of one radius.

    Args:
        wl: wavelength in um.
        length: of the path in um.
        n_turns: turns of either arm.
        radius: smallest radius of curvature of the bends in um.
        cross_section: "strip" (TE and TM) or "rib" (TE).
        loss_dB_cm: propagation loss in dB/cm; None: the cross-section's, by mode. Bend loss comes on top.
        dT: temperature rise in K.
        dw: what the core is wider than drawn, nm.
        dh: what the core is higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    excess = amplitude(bends(n_turns) * bend_loss_dB(radius, 90.0, cross_section=cross_section))
    entries = {}
    for mode in load_cross_section(cross_section).modes:
        through = propagation(
            wl, length, cross_section=cross_section, mode=mode, loss_dB_cm=loss_dB_cm, dT=dT, dw=dw, dh=dh, dslab=dslab
        )
        suffix = "" if mode == "TE" else f"@{mode}"
        entries[f"o1{suffix}", f"o2{suffix}"] = excess * through
    return reciprocal(entries)


MODELS = (
    Model(
        "spiral",
        spiral,
        TWO,
        TM_THROUGH,
        ranges={
            **GUIDE,
            **RIB_DEVIATIONS,
            "length": (500.0, 2e6, "um"),
            "n_turns": (1.0, 40.0, "turns"),
            "radius": (5.0, 200.0, "um"),
        },
        drawn_only={
            "spacing": "turns as far apart as the cell draws them do not couple",
            "same_side": "only says where the ports are",
        },
        core_length=lambda length=5000.0, **_: length,
    ),
)
