"""Splitters: multimode interferometers and Y branch.

Conventions
    Ports as drawn: 1x2 from o1 to o2 (north) and o3; 2x2 o1 (SW), o2 (NW), o3 (NE), o4 (SE), bar o1-o4 and o2-o3,
    cross o1-o3 and o2-o4. `excess_dB` is the loss that the imaging does not explain (roughness, faces, tapers): it
    comes on top of the computed one and is set so that the whole at 1310 nm is the measured loss.

Validity
    TE. Of the multimode splitters, what wavelength, temperature, width and height do comes from the imaging of the body
    (`multimode.py`, with its limits); of the Y branch from its shape (`shape_loss.py`), with the published loss at
    1310 nm. An imbalance of the Y branch is left out: a deviation of all edges together does not cause one. No
    reflections: no source has one for these devices.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.model import DEVIATIONS, FOUR, HEAT, Model, Ranges
from cpo_pdk.models.multimode import imaging
from cpo_pdk.models.sdict import SDict, amplitude, number, reciprocal
from cpo_pdk.models.shape_loss import shape_change_dB
from cpo_pdk.models.slabs import strip_index
from cpo_pdk.models.tapers import taper_phase
from cpo_pdk.models.waveguide import bend_loss_dB, propagation, s_curve

#: widths in um along the 1.6 um of the Y branch, and centre to centre of its arms: those of Zhang et al., times 0.8
Y_BODY = (0.4, 0.4, 0.48, 0.56, 0.72, 1.008, 1.12, 1.12, 1.12, 1.12, 1.048, 0.96, 0.96)
Y_LENGTH, Y_PITCH = 1.6, 0.56


def _arms(
    wl: ArrayLike,
    length_taper: ArrayLike,
    width_taper: ArrayLike,
    excess_dB: ArrayLike,
    dT: ArrayLike,
    dw: ArrayLike,
    dh: ArrayLike,
) -> np.ndarray:
    """What both tapers of a path and the excess loss do to it."""
    length = number("length_taper", length_taper, 0.0, 1e5)
    one = taper_phase(wl, length, None, number("width_taper", width_taper, 0.2, 1e2), dT=dT, dw=dw, dh=dh)
    return amplitude(number("excess_dB", excess_dB, 0.0, 100.0, "dB")) * one**2


def mmi1x2(
    wl: ArrayLike,
    *,
    width_mmi: ArrayLike = 6.0,
    length_mmi: ArrayLike = 40.1,
    width_taper: ArrayLike = 1.5,
    length_taper: ArrayLike = 20.0,
    separation: ArrayLike = 3.05,
    excess_dB: ArrayLike = 0.1441,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """1x2 splitter, o1 to o2 and o3 in equal halves; light entering at o2 that does not reach o1 is radiated.

    Args:
        wl: wavelength in um.
        width_mmi: width of the multimode body in um.
        length_mmi: length of the body in um.
        width_taper: width of the arms at the body in um.
        length_taper: of either taper in um; gives the phase only.
        separation: centre to centre of the outputs in um.
        excess_dB: loss on top of the split and of the computed imaging, in dB.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.

    Raises:
        ParameterError: arms that touch or stand out of the body, something not finite.
    """
    place = number("separation", separation, 0.0, 1e3) / 2
    ((arm,),) = imaging(
        wl,
        width=width_mmi,
        length=length_mmi,
        width_arm=width_taper,
        inputs=[0.0],
        outputs=[place],
        dT=dT,
        dw=dw,
        dh=dh,
    )
    arm = arm * _arms(wl, length_taper, width_taper, excess_dB, dT, dw, dh)
    return reciprocal({("o1", "o2"): arm, ("o1", "o3"): arm})


def mmi2x2(
    wl: ArrayLike,
    *,
    width_mmi: ArrayLike = 6.0,
    length_mmi: ArrayLike = 53.5,
    width_taper: ArrayLike = 1.5,
    length_taper: ArrayLike = 20.0,
    separation: ArrayLike = 2.03,
    excess_dB: ArrayLike = 0.1441,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """2x2 splitter by paired interference: bar and cross in equal halves, 90 degrees apart.

    Args:
        wl: wavelength in um.
        width_mmi: width of the multimode body in um.
        length_mmi: length of the body in um.
        width_taper: width of the arms at the body in um.
        length_taper: of either taper in um; gives the phase only.
        separation: centre to centre of the inputs, and of the outputs, in um.
        excess_dB: loss on top of the split and of the computed imaging, in dB.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.

    Raises:
        ParameterError: arms that touch or stand out of the body, something not finite.
    """
    place = number("separation", separation, 0.0, 1e3) / 2
    ((bar, cross),) = imaging(
        wl,
        width=width_mmi,
        length=length_mmi,
        width_arm=width_taper,
        inputs=[place],
        outputs=[place, -place],
        dT=dT,
        dw=dw,
        dh=dh,
    )
    common = _arms(wl, length_taper, width_taper, excess_dB, dT, dw, dh)
    bar, cross = bar * common, cross * common
    return reciprocal({("o1", "o4"): bar, ("o2", "o3"): bar, ("o1", "o3"): cross, ("o2", "o4"): cross})


def _one_to_many(
    wl: ArrayLike,
    n: int,
    width_mmi: ArrayLike,
    length_mmi: ArrayLike,
    width_taper: ArrayLike,
    length_taper: ArrayLike,
    separation: ArrayLike,
    excess_dB: ArrayLike,
    dT: ArrayLike,
    dw: ArrayLike,
    dh: ArrayLike,
) -> SDict:
    """From o1 to `n` outputs, o2 (north) to o(n+1); only one half is computed, the other is its mirror image."""
    pitch = number("separation", separation, 0.0, 1e3)
    (half,) = imaging(
        wl,
        width=width_mmi,
        length=length_mmi,
        width_arm=width_taper,
        inputs=[0.0],
        outputs=[((n - 1) / 2 - k) * pitch for k in range((n + 1) // 2)],
        dT=dT,
        dw=dw,
        dh=dh,
    )
    common = _arms(wl, length_taper, width_taper, excess_dB, dT, dw, dh)
    return reciprocal({("o1", f"o{k + 2}"): half[min(k, n - 1 - k)] * common for k in range(n)})


def mmi1x4(
    wl: ArrayLike,
    *,
    width_mmi: ArrayLike = 8.0,
    length_mmi: ArrayLike = 36.1,
    width_taper: ArrayLike = 1.5,
    length_taper: ArrayLike = 20.0,
    separation: ArrayLike = 2.01,
    excess_dB: ArrayLike = 0.1441,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """1x4 splitter: `mmi1xn` with n = 4.

    Args:
        wl: wavelength in um.
        width_mmi: width of the multimode body in um.
        length_mmi: length of the body in um.
        width_taper: width of the arms at the body in um.
        length_taper: of either taper in um; gives the phase only.
        separation: centre to centre of neighbouring outputs in um.
        excess_dB: loss on top of the split and of the computed imaging, in dB.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.

    Raises:
        ParameterError: arms that touch or stand out of the body, something not finite.
    """
    return _one_to_many(wl, 4, width_mmi, length_mmi, width_taper, length_taper, separation, excess_dB, dT, dw, dh)


def mmi1x8(
    wl: ArrayLike,
    *,
    width_mmi: ArrayLike = 16.0,
    length_mmi: ArrayLike = 71.8,
    width_taper: ArrayLike = 1.5,
    length_taper: ArrayLike = 20.0,
    separation: ArrayLike = 2.01,
    excess_dB: ArrayLike = 0.1441,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """1x8 splitter: `mmi1xn` with n = 8; arguments and errors as `mmi1x4`."""
    return _one_to_many(wl, 8, width_mmi, length_mmi, width_taper, length_taper, separation, excess_dB, dT, dw, dh)


def y_branch(
    wl: ArrayLike,
    *,
    length_s: ArrayLike = 10.0,
    dy: ArrayLike = 5.0,
    excess_dB: ArrayLike = 0.28,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Y branch, o1 to o2 (north) and o3 in equal halves; light entering at o2 that does not reach o1 is radiated.

    Args:
        wl: wavelength in um.
        length_s: of the S-bends along x in um.
        dy: centre to centre of the outputs in um.
        excess_dB: loss on top of the split at 1310 nm as drawn, in dB; that of the S-bends comes on top.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.

    Raises:
        ParameterError: outputs nearer than the arms of the branch, something not finite.
    """
    offset = (number("dy", dy, Y_PITCH, 1e4) - Y_PITCH) / 2
    path, radius, turn = s_curve(length_s, offset)
    excess = number("excess_dB", excess_dB, 0.0, 100.0, "dB") + shape_change_dB("y_branch", wl, dT=dT, dw=dw, dh=dh)
    middles = [(a + b) / 2 for a, b in pairwise(Y_BODY)]
    body = sum(strip_index(wl, w, dT, dw=dw, dh=dh) for w in middles) / len(middles)
    arm = propagation(wl, path, loss_dB_cm=0.0, dT=dT, dw=dw, dh=dh) * amplitude(
        np.maximum(excess, 0.0) + bend_loss_dB(radius, turn)
    )
    arm = arm * np.exp(2j * np.pi * body * Y_LENGTH / np.asarray(wl)) / np.sqrt(2)
    return reciprocal({("o1", "o2"): arm, ("o1", "o3"): arm})


_BODY: Ranges = {
    **HEAT,
    **DEVIATIONS,
    "width_mmi": (5.0, 8.0, "um"),
    "width_taper": (0.8, 1.7, "um"),
    "length_taper": (1.0, 100.0, "um"),
    "excess_dB": (0.0, 3.0, "dB"),
}

_OUTPUTS = {"n": "this is the model of that number of outputs; each number has its own"}

MODELS = (
    Model(
        "mmi1x2",
        mmi1x2,
        ("o1", "o2", "o3"),
        ranges={**_BODY, "length_mmi": (20.0, 60.0, "um"), "separation": (2.0, 3.2, "um")},
    ),
    Model(
        "mmi1x4",
        mmi1x4,
        tuple(f"o{k + 1}" for k in range(5)),
        ranges={
            **_BODY,
            "width_mmi": (7.8, 9.0, "um"),
            "length_mmi": (30.0, 48.0, "um"),
            "separation": (1.9, 2.02, "um"),
        },
        drawn_only=_OUTPUTS,
    ),
    Model(
        "mmi1x8",
        mmi1x8,
        tuple(f"o{k + 1}" for k in range(9)),
        ranges={
            **_BODY,
            "width_mmi": (15.9, 18.0, "um"),
            "length_mmi": (60.0, 95.0, "um"),
            "separation": (1.9, 2.02, "um"),
        },
        drawn_only=_OUTPUTS,
    ),
    Model(
        "y_branch",
        y_branch,
        ("o1", "o2", "o3"),
        ranges={
            **HEAT,
            **DEVIATIONS,
            "length_s": (8.0, 100.0, "um"),
            "dy": (1.5, 5.0, "um"),
            "excess_dB": (0.0, 3.0, "dB"),
        },
    ),
    Model("mmi2x2", mmi2x2, FOUR, ranges={**_BODY, "length_mmi": (30.0, 120.0, "um"), "separation": (1.9, 3.2, "um")}),
)
