"""Wavelength-locking tap: a weak directional coupler whose crossed port ends in a germanium monitor.

Conventions
    Through o1 to o2; `i1` is the light that the monitor absorbs. Solved exactly from the S-matrices of
    `directional_coupler`, `photodetector` and `terminator`: what runs forward is tapped to the monitor; what runs
    backward is tapped to the terminated fourth port, and reaches the monitor only as far as that end reflects.

Validity
    As the three models. TE. The photocurrent is `responsivity_A_W` times what reaches the monitor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.detector import photodetector
from cpo_pdk.models.directional import directional_coupler
from cpo_pdk.models.model import DEVIATIONS, GUIDE, TWO, Model
from cpo_pdk.models.passive import terminator
from cpo_pdk.models.sdict import SDict, number, reciprocal, spread
from cpo_pdk.models.waveguide import propagation

RIM = 1.0  # um: how much longer the detector's silicon is than its germanium


def tap_monitor(
    wl: ArrayLike,
    *,
    length: ArrayLike = 1.0,
    gap: ArrayLike = 0.2,
    length_s: ArrayLike = 20.0,
    dy: ArrayLike = 8.0,
    length_ge: ArrayLike = 15.0,
    length_taper: ArrayLike = 8.0,
    length_end: ArrayLike = 10.0,
    loss_dB_cm: ArrayLike | None = None,
    absorption_per_um: ArrayLike = 0.23,
    responsivity_A_W: ArrayLike = 0.91,
    reflection_dB: ArrayLike = 30.0,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Tap with monitor.

    Args:
        wl: wavelength in um.
        length: of the coupler's parallel part in um.
        gap: between the parallel waveguides in um.
        length_s: extent along x of each S-bend in um.
        dy: centre to centre of through guide and detector in um.
        length_ge: of the germanium in um.
        length_taper: from the waveguide to the detector's body in um; the through guide runs beside it.
        length_end: of the terminator in um; the through guide runs beside it.
        loss_dB_cm: propagation loss in dB/cm; None: the strip's.
        absorption_per_um: modal absorption (power) of the germanium in 1/um.
        responsivity_A_W: photocurrent per light that reaches the monitor in A/W; does not act on the result.
        reflection_dB: return loss of the terminated end in dB, positive.
        dT: temperature rise in K.
        dw: what the cores are wider than drawn, nm; the gap is as much narrower.
        dh: what the cores are higher than 0.22 um, nm.
    """
    guide = {"loss_dB_cm": loss_dB_cm, "dT": dT, "dw": dw, "dh": dh}
    coupler = directional_coupler(wl, length=length, gap=gap, length_s=length_s, dy=dy, **guide)
    monitor = photodetector(
        wl, length=length_ge, absorption_per_um=absorption_per_um, responsivity_A_W=responsivity_A_W
    )
    through, tapped, beyond = coupler["o1", "o4"], coupler["o1", "o3"], coupler["o2", "o3"]
    at_end = terminator(wl, reflection_dB=reflection_dB)["o1", "o1"]
    at_monitor = monitor.get(("o1", "o1"), np.complex128(0))
    first = propagation(wl, number("length_end", length_end, 0.0, 1e4), **guide)
    beside = number("length_taper", length_taper, 0.0, 1e4) + np.asarray(length_ge) + RIM
    last = propagation(wl, beside, **guide)
    back = beyond * at_end  # from the fourth port's end to the monitor
    caught = tapped / (1 - back * beyond * at_monitor)
    optical = reciprocal(
        {
            ("o1", "o2"): first * last * (through + tapped * back * at_monitor * caught),
            ("o1", "o1"): first**2 * tapped * at_monitor * caught,
            ("o2", "o2"): last**2 * tapped * at_end * caught,
        }
    )
    seen = {
        ("o1", "i1"): first * caught * monitor["o1", "i1"],
        ("o2", "i1"): last * back * caught * monitor["o1", "i1"],
    }
    return spread({**optical, **seen})


MODELS = (
    Model(
        "tap_monitor",
        tap_monitor,
        TWO,
        detectors=("i1",),
        ranges={
            **GUIDE,
            **DEVIATIONS,
            "length": (0.1, 50.0, "um"),
            "gap": (0.12, 0.4, "um"),
            "length_s": (15.0, 100.0, "um"),
            "dy": (6.0, 20.0, "um"),
            "length_ge": (12.0, 50.0, "um"),
            "length_taper": (5.0, 50.0, "um"),
            "length_end": (5.0, 100.0, "um"),
            "absorption_per_um": (0.23, 1.0, "1/um"),
            "responsivity_A_W": (0.0, 0.92, "A/W"),
            "reflection_dB": (20.0, 60.0, "dB"),
        },
    ),
)
