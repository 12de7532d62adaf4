"""Every compact model by name: the explicit table that the circuit looks models up in. Nothing is guessed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.models.coupler import tap_coupler
from cpo_pdk.models.detector import photodetector, photodetector_dual
from cpo_pdk.models.fibre_coupling import edge_coupler, fiber, grating_coupler
from cpo_pdk.models.modulator import ring_modulator, ring_modulator_resonances
from cpo_pdk.models.passive import crossing, mmi1x2, psr, terminator
from cpo_pdk.models.ring import add_drop_ring, add_drop_ring_resonances
from cpo_pdk.models.sdict import SDict
from cpo_pdk.models.waveguide import bend_euler, bend_s, straight, taper_strip_rib

Ranges = dict[str, tuple[float, float, str]]


@dataclass(frozen=True)
class Model:
    """One compact model.

    Attributes:
        name: key in `MODELS`.
        function: `function(wl, **params) -> SDict`; every parameter keyword-only with a default.
        ports: optical ports, without modes.
        modes: port -> modes that it can carry besides TE.
        detectors: detector ports.
        ranges: parameter -> lowest value, highest value, unit, of what the model was made for; beyond it warn.
        resonances: `(wl_min, wl_max, **params) -> wavelengths` in um, for rings; else None.
        tuning: parameter that moves the resonance to the red, in nm; "" for none.
        reciprocal: whether S(a, b) = S(b, a) among the optical ports.
    """

    name: str
    function: Callable[..., SDict]
    ports: tuple[str, ...]
    modes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    detectors: tuple[str, ...] = ()
    ranges: Ranges = field(default_factory=dict)
    resonances: Callable[..., NDArray[np.float64]] | None = None
    tuning: str = ""
    reciprocal: bool = True

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the signature."""
        return tuple(p.name for p in inspect.signature(self.function).parameters.values() if p.kind is p.KEYWORD_ONLY)


_TWO = ("o1", "o2")
_FOUR = ("o1", "o2", "o3", "o4")
_TM_THROUGH = {"o1": ("TM",), "o2": ("TM",)}
_WL: Ranges = {"wl": (1.26, 1.36, "um")}
_HEAT: Ranges = {**_WL, "dT": (-50.0, 100.0, "K")}
_GUIDE: Ranges = {**_HEAT, "loss_dB_cm": (0.0, 20.0, "dB/cm")}
_CORE: Ranges = {**_GUIDE, "width": (0.3, 0.6, "um")}
_RING: Ranges = {
    **_CORE,
    "radius": (4.5, 20.0, "um"),
    "gap": (0.12, 0.4, "um"),
    "length_x": (0.0, 10.0, "um"),
    "loss_dB_bend_90": (0.0, 0.2, "dB"),
    "tuning_nm": (0.0, 15.0, "nm"),
    "heater_mW": (0.0, 150.0, "mW"),
    "heater_nm_mW": (0.01, 1.0, "nm/mW"),
}
_DETECTOR: Ranges = {
    **_WL,
    "length": (12.0, 50.0, "um"),
    "absorption_per_um": (0.23, 1.0, "1/um"),
    "loss_dB": (0.0, 0.05, "dB"),
    "responsivity_A_W": (0.0, 0.92, "A/W"),
}

_ALL = (
    Model("straight", straight, _TWO, _TM_THROUGH, ranges={**_CORE, "length": (0.0, 5e4, "um")}),
    Model(
        "bend_euler",
        bend_euler,
        _TWO,
        _TM_THROUGH,
        ranges={
            **_CORE,
            "radius": (4.5, 1000.0, "um"),
            "angle": (-180.0, 180.0, "degrees"),
            "arc_fraction": (0.0, 1.0, "1"),
        },
    ),
    Model(
        "bend_s", bend_s, _TWO, _TM_THROUGH, ranges={**_GUIDE, "length": (1.0, 2e4, "um"), "offset": (-5e3, 5e3, "um")}
    ),
    Model(
        "taper_strip_rib",
        taper_strip_rib,
        _TWO,
        ranges={**_HEAT, "length": (10.0, 50.0, "um"), "loss_dB": (0.0, 1.0, "dB")},
    ),
    Model(
        "tap_coupler",
        tap_coupler,
        _FOUR,
        ranges={
            **_GUIDE,
            "length": (0.1, 200.0, "um"),
            "gap": (0.12, 0.4, "um"),
            "length_s": (10.0, 100.0, "um"),
            "dy": (2.0, 50.0, "um"),
        },
    ),
    Model(
        "add_drop_ring",
        add_drop_ring,
        _FOUR,
        ranges={**_RING, "length_bus": (5.0, 50.0, "um")},
        resonances=add_drop_ring_resonances,
        tuning="tuning_nm",
    ),
    Model(
        "ring_modulator",
        ring_modulator,
        _TWO,
        detectors=("i1",),
        ranges={
            **_RING,
            "gap_drop": (0.12, 0.6, "um"),
            "length_lead": (0.0, 50.0, "um"),
            "V": (0.0, 4.0, "V"),
            "doping": (1e17, 3e18, "cm^-3"),
            "junction_fill": (0.1, 0.9, "1"),
        },
        resonances=ring_modulator_resonances,
        tuning="tuning_nm",
    ),
    Model("photodetector", photodetector, ("o1",), detectors=("i1",), ranges=_DETECTOR),
    Model("photodetector_dual", photodetector_dual, _TWO, detectors=("i1", "i2"), ranges=_DETECTOR),
    Model(
        "edge_coupler",
        edge_coupler,
        _TWO,
        _TM_THROUGH,
        ranges={
            **_HEAT,
            "length_taper": (10.0, 1000.0, "um"),
            "loss_dB": (0.0, 10.0, "dB"),
            "loss_TM_dB": (0.0, 10.0, "dB"),
        },
    ),
    Model(
        "grating_coupler",
        grating_coupler,
        _TWO,
        ranges={
            **_WL,
            "loss_dB": (1.0, 20.0, "dB"),
            "wl_peak": (1.29, 1.33, "um"),
            "bandwidth_1dB_nm": (10.0, 60.0, "nm"),
            "reflection_dB": (20.0, 60.0, "dB"),
        },
    ),
    Model(
        "fiber",
        fiber,
        _TWO,
        _TM_THROUGH,
        ranges={**_WL, "length": (0.0, 1e9, "um"), "attenuation_dB_km": (0.0, 5.0, "dB/km"), "ng": (1.44, 1.48, "1")},
    ),
    Model(
        "mmi1x2",
        mmi1x2,
        ("o1", "o2", "o3"),
        ranges={
            **_HEAT,
            "length_mmi": (2.0, 200.0, "um"),
            "length_taper": (1.0, 100.0, "um"),
            "excess_dB": (0.0, 3.0, "dB"),
        },
    ),
    Model(
        "crossing",
        crossing,
        _FOUR,
        ranges={
            **_HEAT,
            "arm_length": (3.0, 20.0, "um"),
            "loss_dB": (0.1, 3.0, "dB"),
            "crosstalk_dB": (30.0, 80.0, "dB"),
            "reflection_dB": (30.0, 80.0, "dB"),
        },
    ),
    Model(
        "psr",
        psr,
        ("o1", "o2", "o3"),
        {"o1": ("TM",)},
        ranges={
            **_HEAT,
            "length_bilevel": (10.0, 300.0, "um"),
            "length_coupler": (5.0, 200.0, "um"),
            "length_out": (10.0, 200.0, "um"),
            "loss_dB": (0.1, 5.0, "dB"),
            "loss_TM_dB": (0.1, 5.0, "dB"),
            "crosstalk_dB": (18.0, 60.0, "dB"),
        },
    ),
    Model("terminator", terminator, ("o1",), ranges={**_WL, "reflection_dB": (10.0, 80.0, "dB")}),
)

MODELS: MappingProxyType[str, Model] = MappingProxyType({m.name: m for m in _ALL})
