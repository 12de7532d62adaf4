"""Splitters: 1x2 and 2x2 multimode interferometers.

Conventions
    Ports as drawn: 1x2 from o1 to o2 (north) and o3; 2x2 o1 (SW), o2 (NW), o3 (NE), o4 (SE), bar o1-o4 and o2-o3,
    cross o1-o3 and o2-o4. `excess_dB` is the loss that the imaging does not explain (roughness, faces, tapers): it
    comes on top of the computed one and is set so that the whole at 1310 nm is the measured loss.

Validity
    TE. Spectrum, temperature, width and height deviations come from the imaging of the body (`multimode.py`, with its
    limits). No reflections: no source has one for these devices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.model import FOUR, HEAT, Model, Ranges
from cpo_pdk.models.multimode import imaging, taper_phase
from cpo_pdk.models.sdict import SDict, amplitude, number, reciprocal

DEVIATION: Ranges = {"dw": (-20.0, 20.0, "nm"), "dh": (-10.0, 10.0, "nm")}


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


_BODY: Ranges = {
    **HEAT,
    **DEVIATION,
    "width_mmi": (5.0, 8.0, "um"),
    "width_taper": (0.8, 1.7, "um"),
    "length_taper": (1.0, 100.0, "um"),
    "excess_dB": (0.0, 3.0, "dB"),
}

MODELS = (
    Model(
        "mmi1x2",
        mmi1x2,
        ("o1", "o2", "o3"),
        ranges={**_BODY, "length_mmi": (20.0, 60.0, "um"), "separation": (2.0, 3.2, "um")},
    ),
    Model("mmi2x2", mmi2x2, FOUR, ranges={**_BODY, "length_mmi": (30.0, 120.0, "um"), "separation": (1.9, 3.2, "um")}),
)
