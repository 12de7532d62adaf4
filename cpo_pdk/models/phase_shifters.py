"""Phase shifters: a rib with a depletion junction, and a strip below a heater.

Conventions
    o1 (W) to o2 (E). `V` is the reverse bias: the phase grows with it. The heater's phase is
    `pi heater_mW / p_pi_mW`, on top of that of the guide at `dT`.

Validity
    TE. Junction as in `junction`, index shift over that at 0 V. `p_pi_mW` is bilinear in the widths of waveguide and
    heater in a published simulation (`data/thermal_phase.yaml`: TiN in oxide, no undercut); that of 1.31 um
    is taken for the whole band. Heat that reaches a neighbour is not modelled here; a heater's own ends are not either.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models import junction as pn
from cpo_pdk.models.model import DEVIATIONS, GUIDE, RIB_DEVIATIONS, TWO, HeatedParts, Model
from cpo_pdk.models.sdict import Array, SDict, amplitude, data, number, reciprocal, wavelength
from cpo_pdk.models.waveguide import propagation
from cpo_pdk.tech.waveguides import cross_section as load_cross_section


def p_pi_mW(width_heater: ArrayLike, width: ArrayLike | None = None) -> Array:
    """Heater power in mW that turns the phase by pi.

    Args:
        width_heater: of the heater in um, 0.1 to 5.
        width: of the strip in um, 0.40 to 1.20; None: the strip's.

    Raises:
        ParameterError: outside the published table.
    """
    raw = data("thermal_phase")
    rows, columns, table = (np.asarray(raw[k]) for k in ("width", "width_heater", "p_pi_mW"))
    core = load_cross_section("strip").width if width is None else width
    y = number("width", core, rows[0], rows[-1])
    x = number("width_heater", width_heater, columns[0], columns[-1])
    i = np.clip(np.searchsorted(rows, y, side="right") - 1, 0, len(rows) - 2)
    j = np.clip(np.searchsorted(columns, x, side="right") - 1, 0, len(columns) - 2)
    u, v = (y - rows[i]) / (rows[i + 1] - rows[i]), (x - columns[j]) / (columns[j + 1] - columns[j])
    low = (1 - v) * table[i, j] + v * table[i, j + 1]
    return (1 - u) * low + u * ((1 - v) * table[i + 1, j] + v * table[i + 1, j + 1])


def heater_phase(heater_mW: ArrayLike, width_heater: ArrayLike, width: ArrayLike | None = None) -> Array:
    """Phase in rad that a heater of `heater_mW` adds; other arguments as `p_pi_mW`."""
    return np.pi * number("heater_mW", heater_mW, 0.0, 1e3, "mW") / p_pi_mW(width_heater, width)


def junction_amplitude(
    wl: ArrayLike,
    length: ArrayLike,
    V: ArrayLike,
    doping: ArrayLike,
    *,
    junction_offset: ArrayLike = 0.0,
    width: ArrayLike | None = None,
    dw: ArrayLike = 0.0,
) -> np.ndarray:
    """What a lateral junction along `length` um of rib does to the light on top of the undoped rib."""
    shape = {"junction_offset": junction_offset, "width": width, "dw": dw}
    um = number("length", length, 0.0, 1e6)
    turn = 2 * np.pi * pn.index_rise(wl, V, doping, **shape) * um / wavelength(wl)
    return amplitude(pn.loss_dB_cm(wl, V, doping, **shape) * um * 1e-4) * np.exp(1j * turn)


def phase_shifter_pn(
    wl: ArrayLike,
    *,
    length: ArrayLike = 500.0,
    width: ArrayLike | None = None,
    junction_offset: ArrayLike = 0.0,
    V: ArrayLike = 0.0,
    doping: ArrayLike = 5e17,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    dslab: ArrayLike = 0.0,
) -> SDict:
    """Rib with a lateral depletion junction.

    Args:
        wl: wavelength in um.
        length: in um.
        width: core width in um; None: the rib's.
        junction_offset: of the junction from the middle of the core in um, positive into the n side.
        V: reverse bias in V, 0 to breakdown.
        doping: of either side in cm^-3.
        loss_dB_cm: propagation loss of the undoped rib in dB/cm; None: the cross-section's.
        dT: temperature rise in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.
        dslab: what the slab of ribs is thicker than drawn, nm.
    """
    dw = number("dw", dw, -100.0, 100.0, "nm")
    guide = propagation(
        wl, length, cross_section="rib", width=width, loss_dB_cm=loss_dB_cm, dT=dT, dw=dw, dh=dh, dslab=dslab
    )
    shift = junction_amplitude(wl, length, V, doping, junction_offset=junction_offset, width=width, dw=dw)
    return reciprocal({("o1", "o2"): guide * shift})


def heated_parts(
    wl: ArrayLike,
    *,
    length: ArrayLike,
    width: ArrayLike | None = None,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
    **_: object,
) -> dict[str, np.ndarray]:
    """The guide of `phase_shifter_thermal` with its heater off; arguments as there."""
    return {"guide": propagation(wl, length, width=width, loss_dB_cm=loss_dB_cm, dT=dT, dw=dw, dh=dh)}


def turned(parts: Mapping[str, np.ndarray], turn: Array) -> SDict:
    """S-matrix of a guide that its heater turns by `turn` rad."""
    return reciprocal({("o1", "o2"): parts["guide"] * np.exp(1j * turn)})


def heater_turn(heater_mW: ArrayLike, *, width_heater: ArrayLike, width: ArrayLike | None = None, **_: object) -> Array:
    """As `heater_phase`, of the parameters of a model."""
    return heater_phase(heater_mW, width_heater, width)


def phase_shifter_thermal(
    wl: ArrayLike,
    *,
    length: ArrayLike = 200.0,
    width_heater: ArrayLike = 1.2,
    width: ArrayLike | None = None,
    heater_mW: ArrayLike = 0.0,
    loss_dB_cm: ArrayLike | None = None,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
    dh: ArrayLike = 0.0,
) -> SDict:
    """Strip below a TiN heater.

    Args:
        wl: wavelength in um.
        length: in um; what the heater shifts depends on its power alone.
        width_heater: in um.
        width: core width in um; None: the strip's.
        heater_mW: power in the heater in mW.
        loss_dB_cm: propagation loss in dB/cm; None: the cross-section's.
        dT: temperature rise of everything in K.
        dw: what silicon is wider than drawn, nm.
        dh: what silicon is higher than 0.22 um, nm.
    """
    parts = heated_parts(wl, length=length, width=width, loss_dB_cm=loss_dB_cm, dT=dT, dw=dw, dh=dh)
    return turned(parts, heater_phase(heater_mW, width_heater, width))


def _length(length: float = 0.0, **_: object) -> float:
    return length


MODELS = (
    Model(
        "phase_shifter_pn",
        phase_shifter_pn,
        TWO,
        ranges={
            **GUIDE,
            **RIB_DEVIATIONS,
            "length": (10.0, 5000.0, "um"),
            "width": (0.34, 0.56, "um"),
            "junction_offset": (-0.1, 0.1, "um"),
            "V": (0.0, 4.0, "V"),
            "doping": (1e17, 3e18, "cm^-3"),
        },
        core_length=_length,
    ),
    Model(
        "phase_shifter_thermal",
        phase_shifter_thermal,
        TWO,
        ranges={
            **GUIDE,
            **DEVIATIONS,
            "length": (50.0, 2000.0, "um"),
            "width": (0.42, 0.58, "um"),
            "width_heater": (0.6, 5.0, "um"),
            "heater_mW": (0.0, 150.0, "mW"),
        },
        core_length=_length,
        heated=HeatedParts(heated_parts, turned, heater_turn),
    ),
)
