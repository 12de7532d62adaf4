"""What a compact model says about itself: function, ports, modes, detectors, ranges, what is drawn but not computed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.models.ring_response import RingTerms
from cpo_pdk.models.sdict import SDict

Ranges = dict[str, tuple[float, float, str]]

#: measured data is often slightly above 1 in its largest singular value
GAIN_LIMIT = 1.02
#: temperature rise, reverse bias, deviations of width, height and slab, heater
OPERATED = frozenset({"dT", "V", "dw", "dh", "dslab", "tuning_nm", "heater_mW"})


@dataclass(frozen=True)
class HeatedParts:
    """How the model of a device with a heater is taken apart.

    Attributes:
        parts: `(wl, **params)` -> name -> complex amplitude, the heater off; each without zeros.
        response: `(parts, turn)` -> S-matrix, the heater turning its guide by `turn` rad.
        turn: `(heater_mW, **params)` -> rad.
    """

    parts: Callable[..., Mapping[str, NDArray[np.complex128]]]
    response: Callable[[Mapping[str, NDArray[np.complex128]], NDArray[np.float64]], SDict]
    turn: Callable[..., NDArray[np.float64]]


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
        operated: parameters that say how the device is operated, or how it came out of the process: they have a rest
            value that neither drawing nor sheet need give.
        drawn_only: argument of the cell that shapes the drawing but is no parameter here -> why it is none.
        core_length: `(**params) -> um`, the length of all cores that the cell draws at constant width: what the area of
            the drawn core divided by its width must be; None where the width varies.
        core_layer: layer whose area that is.
        gain_limit: largest singular value that is let pass, with a warning; measured data is often slightly above 1.
        ring: how a ring is computed from smooth terms; None for what is none.
        heated: how an interferometer or a heated guide is computed from its parts; None for others.
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
    operated: frozenset[str] = OPERATED
    drawn_only: Mapping[str, str] = field(default_factory=dict)
    core_length: Callable[..., float] | None = None
    core_layer: str = "WG"
    gain_limit: float = GAIN_LIMIT
    ring: RingTerms | None = None
    heated: HeatedParts | None = None

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the signature."""
        return tuple(p.name for p in inspect.signature(self.function).parameters.values() if p.kind is p.KEYWORD_ONLY)


#: ports and ranges that many models share
TWO = ("o1", "o2")
FOUR = ("o1", "o2", "o3", "o4")
TM_THROUGH = {"o1": ("TM",), "o2": ("TM",)}
WL: Ranges = {"wl": (1.26, 1.36, "um")}
HEAT: Ranges = {**WL, "dT": (-50.0, 100.0, "K")}
GUIDE: Ranges = {**HEAT, "loss_dB_cm": (0.0, 20.0, "dB/cm")}
#: of the process, for which indices and couplings were computed
DEVIATIONS: Ranges = {"dw": (-20.0, 20.0, "nm"), "dh": (-10.0, 10.0, "nm")}
RIB_DEVIATIONS: Ranges = {**DEVIATIONS, "dslab": (-10.0, 10.0, "nm")}
CORE: Ranges = {**GUIDE, "width": (0.3, 0.6, "um")}
