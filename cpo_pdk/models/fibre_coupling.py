"""From chip to fibre at the facet, and along the fibre: edge coupler, spot-size converter, fibre.

Conventions
    Edge couplers and fibre carry `@TM` beside TE; in the fibre the two are its two polarisations, kept apart (no
    polarisation coupling). `o2` is the facet: what the fibre does there counts there. `loss_dB` is that of the coupler
    into a fibre of its own spot in perfect alignment, everything included; mismatch of the spots, offsets `dx` (along
    the facet) and `dy` (up), gap `dz` and tilts come on top, from the overlap of Gaussian beams
    (`models.mode_overlap`). Facet reflection `reflection_dB` is seen from both sides alike, 90 degrees after the light
    that passes, as a facet that loses nothing must have it.

Validity
    Constant spot and loss over the band, as measured. The spot is Gaussian; beyond about 1.5 spot radii real
    tails are longer. TM at the reference tip has the spot of TE. With another tip the spot scales as that of a bare tip
    of silicon in oxide does (`models.modes.tip_mode_field`, 1310 nm): steeper than in a coupler with more layers. Phase
    is that of the strip over the length of the taper. No scattering between the modes; substrate leakage is within the
    measured loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.mode_overlap import DB, overlap
from cpo_pdk.models.model import HEAT, OPERATED, TM_THROUGH, TWO, WL, Model, Ranges
from cpo_pdk.models.modes import tip_mode_field
from cpo_pdk.models.sdict import Array, SDict, amplitude, number, reciprocal, wavelength
from cpo_pdk.models.waveguide import propagation

#: how a fibre stands before a facet
ALIGNMENT = frozenset({"dx", "dy", "dz", "tilt_x_deg", "tilt_y_deg"})


def misalignment_dB(
    wl: ArrayLike,
    *,
    mfd_x_um: ArrayLike,
    mfd_y_um: ArrayLike,
    fiber_mfd_um: ArrayLike,
    dx: ArrayLike = 0.0,
    dy: ArrayLike = 0.0,
    dz: ArrayLike = 0.0,
    tilt_x_deg: ArrayLike = 0.0,
    tilt_y_deg: ArrayLike = 0.0,
    n_gap: ArrayLike = 1.0,
) -> Array:
    """What a round fibre loses for not being of the coupler's spot and in its place; arguments as `edge_coupler`."""
    share = overlap(
        wl,
        mfd_x_um=mfd_x_um,
        mfd_y_um=mfd_y_um,
        fiber_mfd_x_um=fiber_mfd_um,
        fiber_mfd_y_um=fiber_mfd_um,
        dx=dx,
        dy=dy,
        dz=number("dz", dz, 0.0, 1e3),
        tilt_x_deg=tilt_x_deg,
        tilt_y_deg=tilt_y_deg,
        n_gap=n_gap,
    )
    return -DB * np.log(np.maximum(share, 1e-30))


def tip_growth(tip_width: ArrayLike, reference_um: ArrayLike, mode: str, dw: ArrayLike = 0.0) -> tuple[Array, Array]:
    """What the spot of a bare tip is larger by than that of the reference tip, along the facet and across.

    Args:
        tip_width: as drawn in um.
        reference_um: width of the tip whose spot is known, um.
        mode: "TE" or "TM".
        dw: what the tip is wider than drawn, nm.
    """
    field = np.vectorize(lambda width: tip_mode_field(float(width), mode), otypes=[float, float])
    wider = number("dw", dw, -100.0, 100.0, "nm") * 1e-3
    x, y = field(number("tip_width", tip_width, 0.05, 0.5) + wider)
    x0, y0 = field(number("tip_reference_um", reference_um, 0.05, 0.5))
    return x / x0, y / y0


def _facet(
    loss_dB: dict[str, Array], phase: dict[str, np.ndarray], reflection_dB: ArrayLike, *shapes_of: ArrayLike
) -> SDict:
    """Two ports for each mode: what passes with its loss and phase, what comes back.

    With r and r' of equal size and `r r'* = -(t/|t|)^2`-like phases, light that comes from both sides at once can't add
    to more than `|t|^2 + |r|^2`.
    """
    back = amplitude(number("reflection_dB", reflection_dB, 0.0, 300.0, "dB"))
    entries: dict[tuple[str, str], np.ndarray] = {}
    for mode, suffix in (("TE", ""), ("TM", "@TM")):
        passed = amplitude(loss_dB[mode])
        if np.any(passed**2 + back**2 > 1 + 1e-12):
            raise ParameterError(
                "loss_dB and reflection_dB make a facet that gives back more than it gets; raise one of them"
            )
        entries["o1" + suffix, "o2" + suffix] = passed * phase[mode]
        entries["o1" + suffix, "o1" + suffix] = 1j * back * phase[mode] ** 2
        entries["o2" + suffix, "o2" + suffix] = 1j * back
    return reciprocal(entries, *shapes_of)


def edge_coupler(
    wl: ArrayLike,
    *,
    tip_width: ArrayLike = 0.15,
    length_taper: ArrayLike = 150.0,
    loss_dB: ArrayLike = 1.5,
    loss_TM_dB: ArrayLike = 2.0,
    mfd_x_um: ArrayLike = 4.0,
    mfd_y_um: ArrayLike = 4.0,
    tip_reference_um: ArrayLike = 0.15,
    fiber_mfd_um: ArrayLike = 4.0,
    n_gap: ArrayLike = 1.45,
    reflection_dB: ArrayLike = 40.0,
    dx: ArrayLike = 0.0,
    dy: ArrayLike = 0.0,
    dz: ArrayLike = 0.0,
    tilt_x_deg: ArrayLike = 0.0,
    tilt_y_deg: ArrayLike = 0.0,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
) -> SDict:
    """Inverse taper from the strip (o1) to the facet (o2), TE and TM.

    Args:
        wl: wavelength in um.
        tip_width: of the taper at the facet in um.
        length_taper: in um; gives the phase only.
        loss_dB: of TE into a fibre of the coupler's own spot in perfect alignment, dB.
        loss_TM_dB: of TM, dB.
        mfd_x_um: mode field diameter of the coupler with its reference tip, along the facet, um.
        mfd_y_um: mode field diameter of the coupler with its reference tip, across the wafer, um.
        tip_reference_um: tip of a coupler with this spot, um.
        fiber_mfd_um: mode field diameter of the fibre at the facet, um.
        n_gap: index of what is between facet and fibre.
        reflection_dB: of the facet, dB below the input.
        dx: offset of the fibre along the facet in um.
        dy: offset of the fibre up from the core in um.
        dz: gap in um.
        tilt_x_deg: of the fibre in the plane of the wafer, degrees in the gap.
        tilt_y_deg: of the fibre out of that plane, degrees.
        dT: temperature rise in K.
        dw: what the taper is wider than drawn, nm.

    Raises:
        ParameterError: also when transmission and reflection add to more than the input.
    """
    loss: dict[str, Array] = {}
    phase: dict[str, np.ndarray] = {}
    for mode, name, own in (("TE", "loss_dB", loss_dB), ("TM", "loss_TM_dB", loss_TM_dB)):
        wider, higher = tip_growth(tip_width, tip_reference_um, mode, dw)
        misplaced = misalignment_dB(
            wl,
            mfd_x_um=number("mfd_x_um", mfd_x_um, 0.1, 100.0) * wider,
            mfd_y_um=number("mfd_y_um", mfd_y_um, 0.1, 100.0) * higher,
            fiber_mfd_um=fiber_mfd_um,
            dx=dx,
            dy=dy,
            dz=dz,
            tilt_x_deg=tilt_x_deg,
            tilt_y_deg=tilt_y_deg,
            n_gap=n_gap,
        )
        loss[mode] = number(name, own, 0.0, 100.0, "dB") + misplaced
        phase[mode] = propagation(wl, length_taper, mode=mode, loss_dB_cm=0.0, dT=dT, dw=dw)
    return _facet(loss, phase, reflection_dB)


def spot_size_converter(
    wl: ArrayLike,
    *,
    tip_width: ArrayLike = 0.14,
    length_first: ArrayLike = 80.0,
    length_second: ArrayLike = 220.0,
    loss_dB: ArrayLike = 0.7,
    loss_TM_dB: ArrayLike = 1.4,
    mfd_x_um: ArrayLike = 9.2,
    mfd_y_um: ArrayLike = 9.2,
    tip_reference_um: ArrayLike = 0.14,
    fiber_mfd_um: ArrayLike = 9.2,
    n_gap: ArrayLike = 1.45,
    reflection_dB: ArrayLike = 40.0,
    dx: ArrayLike = 0.0,
    dy: ArrayLike = 0.0,
    dz: ArrayLike = 0.0,
    tilt_x_deg: ArrayLike = 0.0,
    tilt_y_deg: ArrayLike = 0.0,
    dT: ArrayLike = 0.0,
    dw: ArrayLike = 0.0,
) -> SDict:
    """Suspended inverse taper in two stages from the strip (o1) to a facet for standard fibre (o2), TE and TM.

    Args:
        wl: wavelength in um.
        tip_width: of the taper at the facet in um.
        length_first: of the stage on the substrate in um; gives phase only.
        length_second: of the stage in the membrane in um; gives phase only.
        loss_dB: as `edge_coupler`, and so are the others.
        loss_TM_dB: of TM, dB.
        mfd_x_um: mode field diameter of the coupler with its reference tip, along the facet, um.
        mfd_y_um: mode field diameter of the coupler with its reference tip, across the wafer, um.
        tip_reference_um: tip of a coupler with this spot, um.
        fiber_mfd_um: mode field diameter of the fibre at the facet, um.
        n_gap: index of what is between facet and fibre.
        reflection_dB: of the facet, dB below the input.
        dx: offset of the fibre along the facet in um.
        dy: offset of the fibre up from the core in um.
        dz: gap in um.
        tilt_x_deg: of the fibre in the plane of the wafer, degrees in the gap.
        tilt_y_deg: of the fibre out of that plane, degrees.
        dT: temperature rise in K.
        dw: what the taper is wider than drawn, nm.
    """
    return edge_coupler(
        wl,
        tip_width=tip_width,
        length_taper=number("length_first", length_first, 0.0, 1e6) + number("length_second", length_second, 0.0, 1e6),
        loss_dB=loss_dB,
        loss_TM_dB=loss_TM_dB,
        mfd_x_um=mfd_x_um,
        mfd_y_um=mfd_y_um,
        tip_reference_um=tip_reference_um,
        fiber_mfd_um=fiber_mfd_um,
        n_gap=n_gap,
        reflection_dB=reflection_dB,
        dx=dx,
        dy=dy,
        dz=dz,
        tilt_x_deg=tilt_x_deg,
        tilt_y_deg=tilt_y_deg,
        dT=dT,
        dw=dw,
    )


def fiber(
    wl: ArrayLike, *, length: ArrayLike = 2e5, attenuation_dB_km: ArrayLike = 0.35, ng: ArrayLike = 1.468
) -> SDict:
    """Single-mode fibre of `length` um, both polarisations alike; no dispersion beyond the constant index `ng`.

    Args:
        wl: wavelength in um.
        length: in um.
        attenuation_dB_km: in dB/km.
        ng: index that gives phase and delay.
    """
    L = number("length", length, 0.0, 1e12)
    loss = number("attenuation_dB_km", attenuation_dB_km, 0.0, 1e3, "dB/km") * L * 1e-9
    one = amplitude(loss) * np.exp(2j * np.pi * number("ng", ng, 1.0, 2.0, "") * L / wavelength(wl))
    return reciprocal({("o1", "o2"): one, ("o1@TM", "o2@TM"): one})


_FACET: Ranges = {
    **HEAT,
    "loss_dB": (0.1, 10.0, "dB"),
    "loss_TM_dB": (0.1, 10.0, "dB"),
    "mfd_x_um": (1.5, 12.0, "um"),
    "mfd_y_um": (1.5, 12.0, "um"),
    "fiber_mfd_um": (2.0, 12.0, "um"),
    "n_gap": (1.0, 1.6, "1"),
    "reflection_dB": (20.0, 100.0, "dB"),
    "dw": (-10.0, 20.0, "nm"),
    "dx": (-5.0, 5.0, "um"),
    "dy": (-5.0, 5.0, "um"),
    "dz": (0.0, 50.0, "um"),
    "tilt_x_deg": (-5.0, 5.0, "degrees"),
    "tilt_y_deg": (-5.0, 5.0, "degrees"),
}


MODELS = (
    Model(
        "edge_coupler",
        edge_coupler,
        TWO,
        TM_THROUGH,
        ranges={
            **_FACET,
            "length_taper": (10.0, 1000.0, "um"),
            "tip_width": (0.12, 0.2, "um"),
            "tip_reference_um": (0.12, 0.2, "um"),
        },
        operated=OPERATED | ALIGNMENT,
    ),
    Model(
        "spot_size_converter",
        spot_size_converter,
        TWO,
        TM_THROUGH,
        ranges={
            **_FACET,
            "wl": (1.28, 1.34, "um"),
            "length_first": (10.0, 1000.0, "um"),
            "length_second": (10.0, 2000.0, "um"),
            "tip_width": (0.12, 0.18, "um"),
            "tip_reference_um": (0.12, 0.18, "um"),
        },
        operated=OPERATED | ALIGNMENT,
        drawn_only={
            "width_mid": "the stages are taken as adiabatic, their loss is within the published one",
            "suspended": "the sheet holds for a membrane; without one the spot leaks into the substrate",
            "trench": "who makes the facet: this cell's trench or the saw",
            "length_window": "openings and tethers lie outside the spot",
            "length_tether": "openings and tethers lie outside the spot",
            "half_membrane": "three spot radii wide at least, so that its edge is dark",
        },
    ),
    Model(
        "fiber",
        fiber,
        TWO,
        TM_THROUGH,
        ranges={**WL, "length": (0.0, 1e9, "um"), "attenuation_dB_km": (0.0, 5.0, "dB/km"), "ng": (1.44, 1.48, "1")},
        drawn_only={
            "kind": "tells the sheets of the two fibres apart",
            "route": "its length is computed from it (info length)",
            "level": "layer of ribbons that it runs in",
            "open_end": "whether its far end is meant to be open",
        },
    ),
)
