"""Lumped passives: crossing, polarisation splitter-rotator, terminator.

Conventions
    A loss is that of the wanted path, exactly. Crosstalk and reflection are negative dB in speech and positive numbers
    here (`crosstalk_dB = 35`: 35 dB below the wanted output), at `+1j` to the wanted path, which keeps the matrix
    passive; numbers that cannot belong to a passive device are refused.

Validity
    O-band. The crossing's loss at 1310 nm is the published one; how it changes with wavelength, temperature, width and
    height is that of its shape, computed in two dimensions (`data/crossing.yaml`). The other numbers are flat in
    wavelength: their sources give one. Reflection: the crossing's and the terminator's, where a
    source has one; none for the splitter-rotator. The crossing carries TE only (no source for TM). Phase is that of a
    strip as long as the device.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.model import DEVIATIONS, FOUR, HEAT, WL, Model
from cpo_pdk.models.sdict import SDict, amplitude, number, reciprocal, spread, wavelength
from cpo_pdk.models.shape_loss import shape_change_dB
from cpo_pdk.models.waveguide import propagation


def crossing(
    wl: ArrayLike,
    *,
    arm_length: ArrayLike = 4.5,
    loss_dB: ArrayLike = 0.24359,
    crosstalk_dB: ArrayLike = 35.0,
    reflection_dB: ArrayLike = 40.0,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Crossing of o1-o3 (W-E) and o2-o4 (N-S).

    Args:
        wl: wavelength in um.
        arm_length: from centre to port in um; gives the phase only.
        loss_dB: at 1310 nm as drawn, in dB.
        crosstalk_dB: into either side arm, dB below the input.
        reflection_dB: back into the input, dB below the input.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.

    Raises:
        ParameterError: also when loss, crosstalk and reflection add to more than the input.
    """
    change = shape_change_dB("crossing", wl, dT=dT, dw=dw, dh=dh)
    t = amplitude(number("loss_dB", loss_dB, 0.0, 100.0, "dB") + change)
    x = amplitude(number("crosstalk_dB", crosstalk_dB, 0.0, 300.0, "dB"))
    r = amplitude(number("reflection_dB", reflection_dB, 0.0, 300.0, "dB"))
    # eigenvalues of the symmetric device: r*1j +- 2x*1j + t, r*1j - t
    if np.any(t**2 + (2 * x + r) ** 2 > 1 + 1e-12):
        raise ParameterError(
            f"loss_dB is {float(np.asarray(loss_dB).min()):g} dB, too low for a passive crossing with that crosstalk_dB"
            " and reflection_dB; raise it"
        )
    phase = propagation(wl, 2 * number("arm_length", arm_length, 0.0, 1e4), loss_dB_cm=0.0, dT=dT, dw=dw, dh=dh)
    ports = ("o1", "o2", "o3", "o4")
    sides = {(a, b): 1j * x * phase for a in ("o1", "o3") for b in ("o2", "o4")}
    back = {(p, p): 1j * r * phase for p in ports}
    return reciprocal({("o1", "o3"): t * phase, ("o2", "o4"): t * phase, **sides, **back})


def psr(
    wl: ArrayLike,
    *,
    length_bilevel: ArrayLike = 40.0,
    length_coupler: ArrayLike = 30.0,
    length_out: ArrayLike = 30.0,
    loss_dB: ArrayLike = 1.0,
    loss_TM_dB: ArrayLike = 1.0,
    crosstalk_dB: ArrayLike = 22.0,
    dT: ArrayLike = 0.0,
) -> SDict:
    """Polarisation splitter-rotator: TE of o1 leaves at o2, TM of o1 leaves at o3 as TE.

    Args:
        wl: wavelength in um.
        length_bilevel: of either half of the bilevel taper in um; gives the phase only.
        length_coupler: in um; gives the phase only.
        length_out: from the coupler to the outputs in um; gives the phase only, that of both as if straight.
        loss_dB: TE of o1 to o2, in dB.
        loss_TM_dB: TM of o1 to o3, in dB.
        crosstalk_dB: the wrong output, dB below the wanted output of the same input.
        dT: temperature rise in K.

    Raises:
        ParameterError: also when loss and crosstalk add to more than the input.
    """
    te = amplitude(number("loss_dB", loss_dB, 0.0, 100.0, "dB"))
    tm = amplitude(number("loss_TM_dB", loss_TM_dB, 0.0, 100.0, "dB"))
    x = amplitude(number("crosstalk_dB", crosstalk_dB, 0.0, 300.0, "dB"))
    # [[1, 1j x], [1j x, 1]] is sqrt(1 + x^2) times a unitary matrix
    if np.any(np.maximum(te, tm) ** 2 * (1 + x**2) > 1 + 1e-12):
        raise ParameterError("loss_dB is too low for crosstalk_dB of a passive splitter-rotator; raise it")
    total = 2 * number("length_bilevel", length_bilevel, 0.0, 1e5) + number("length_coupler", length_coupler, 0.0, 1e5)
    total = total + number("length_out", length_out, 0.0, 1e5)
    phase = propagation(wl, total, loss_dB_cm=0.0, dT=dT)
    return reciprocal(
        {
            ("o1", "o2"): te * phase,
            ("o1", "o3"): 1j * x * te * phase,
            ("o1@TM", "o3"): tm * phase,
            ("o1@TM", "o2"): 1j * x * tm * phase,
        }
    )


def terminator(wl: ArrayLike, *, reflection_dB: ArrayLike = 30.0) -> SDict:
    """Inverse taper that lets the light leak away; one port with a reflection.

    Args:
        wl: wavelength in um.
        reflection_dB: dB below the input.
    """
    back = amplitude(number("reflection_dB", reflection_dB, 0.0, 300.0, "dB"))
    return spread({("o1", "o1"): back}, wavelength(wl))


MODELS = (
    Model(
        "crossing",
        crossing,
        FOUR,
        ranges={
            **HEAT,
            **DEVIATIONS,
            "arm_length": (3.0, 20.0, "um"),
            "loss_dB": (0.1, 3.0, "dB"),
            "crosstalk_dB": (30.0, 80.0, "dB"),
            "reflection_dB": (30.0, 80.0, "dB"),
        },
        drawn_only={"width_center": "the loss and its spectrum are those of the default shape"},
    ),
    Model(
        "psr",
        psr,
        ("o1", "o2", "o3"),
        {"o1": ("TM",)},
        ranges={
            **HEAT,
            "wl": (1.26, 1.34, "um"),
            "length_bilevel": (10.0, 300.0, "um"),
            "length_coupler": (5.0, 200.0, "um"),
            "length_out": (10.0, 200.0, "um"),
            "loss_dB": (0.1, 5.0, "dB"),
            "loss_TM_dB": (0.1, 5.0, "dB"),
            "crosstalk_dB": (18.0, 60.0, "dB"),
        },
        drawn_only={
            "gap": "loss and crosstalk are published numbers of a device of this kind",
            "width_hybrid": "loss and crosstalk are published numbers of a device of this kind",
            "width_narrow": "loss and crosstalk are published numbers of a device of this kind",
            "dy": "loss and crosstalk are published numbers of a device of this kind",
        },
    ),
    Model(
        "terminator",
        terminator,
        ("o1",),
        ranges={**WL, "reflection_dB": (10.0, 80.0, "dB")},
        drawn_only={
            "length": "the reflection is a published number of a device of this kind",
            "tip_width": "the reflection is a published number of a device of this kind",
            "cross_section": "the reflection is a published number of a device of this kind",
        },
    ),
)
