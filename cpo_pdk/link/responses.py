"""What the links of a chain do to a signal over frequency: driver, modulator, detector, amplifier.

Conventions
    Time as `exp(+1j w t)`: a delay is `exp(-1j w t0)`. Every response is 1 at zero frequency, and is frozen and
    hashable, so that a chain of them can be the key of a memo.

Formulas
    One pole: `1 / (1 + 1j f / f3)`. Bessel-Thomson: `B_n(0) / B_n(s)` with the reverse Bessel polynomial of order n,
    scaled to 3 dB at f3 (Thomson, Proc. IEE 96, part III, 487 (1949), from memory; the reference receiver of
    IEEE 802.3 is of order 4). Ring: coupled-mode equation, see `models.operating.cavity_transfer`, times the pole of
    junction and driver. Detector: carriers that cross the intrinsic layer at one speed, absorbed evenly over it, give
    `2 / x^2 (x - 1 + exp(-x))`, x = 1j w t (the mean of a current that lasts from 0 to t; Bowers and Burrus,
    J. Lightwave Technol. 5, 1339 (1987), for one carrier; from memory), times the pole of its capacitance.

Validity
    Small signal: the resonance moves little against its width. What a large swing does is in `ring_waveform`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import bessel

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.operating import cavity_transfer
from cpo_pdk.models.travelling_wave import C0, line, response

Complex = NDArray[np.complexfloating[Any, Any]]

#: 3 dB frequency of the carriers' transit times the transit time, solved from the detector's formula above
TRANSIT_PRODUCT = 0.553327


class Response(Protocol):
    """Something that answers a frequency in GHz, shape (F,), with a complex gain of the same shape, 1 at zero."""

    def __call__(self, f_GHz: ArrayLike, /) -> Complex: ...


def _positive(**values: float) -> None:
    """Refuse what is not a finite number above zero.

    Raises:
        ParameterError: with name, value and unit in the name.
    """
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise ParameterError(f"{name} is {value:g}; a finite number above 0 is needed")


@dataclass(frozen=True)
class Flat:
    """Infinitely fast."""

    def __call__(self, f_GHz: ArrayLike, /) -> Complex:
        return np.ones(np.shape(f_GHz), dtype=np.complex128)


@dataclass(frozen=True)
class OnePole:
    """One resistance and one capacitance; `f3_GHz` is the 3 dB frequency."""

    f3_GHz: float

    def __post_init__(self) -> None:
        _positive(f3_GHz=self.f3_GHz)

    def __call__(self, f_GHz: ArrayLike, /) -> Complex:
        return 1 / (1 + 1j * np.asarray(f_GHz, dtype=np.float64) / self.f3_GHz)


@lru_cache(maxsize=16)
def _bessel_poles(order: int) -> tuple[complex, ...]:
    poles: Any = bessel(order, 1.0, analog=True, output="zpk", norm="mag")[1]  # pyright: ignore[reportOptionalSubscript]
    return tuple(complex(pole) for pole in poles)


@dataclass(frozen=True)
class BesselThomson:
    """Low-pass with the flattest delay; 3 dB at `f3_GHz`, 1 to 10 poles."""

    f3_GHz: float
    order: int = 4

    def __post_init__(self) -> None:
        _positive(f3_GHz=self.f3_GHz)
        if not 1 <= self.order <= 10:
            raise ParameterError(f"order of a Bessel-Thomson filter is {self.order}; 1 to 10 allowed")

    def __call__(self, f_GHz: ArrayLike, /) -> Complex:
        s = 1j * np.asarray(f_GHz, dtype=np.float64) / self.f3_GHz
        gain = np.ones(np.shape(f_GHz), dtype=np.complex128)
        for pole in _bessel_poles(self.order):
            gain = gain / (1 - s / pole)
        return gain


@dataclass(frozen=True)
class Ring:
    """A ring modulator at its operating point.

    Attributes:
        linewidth_GHz: loaded full width at half maximum.
        linewidth_bus_GHz: the part of it that the bus coupler causes.
        detuning_GHz: laser minus resonance at the mean voltage.
        rc_GHz: 3 dB frequency of junction, its resistance and the driver's.
        one_GHz, zero_GHz: laser minus resonance at level one and level zero; equal: a swing too small to matter.
    """

    linewidth_GHz: float
    linewidth_bus_GHz: float
    detuning_GHz: float
    rc_GHz: float
    one_GHz: float = 0.0
    zero_GHz: float = 0.0

    @property
    def swings(self) -> bool:
        """True where the swing is given: what it does to the light is then computed in full, see `ring_waveform`."""
        return self.one_GHz != self.zero_GHz

    def __post_init__(self) -> None:
        _positive(linewidth_GHz=self.linewidth_GHz, linewidth_bus_GHz=self.linewidth_bus_GHz, rc_GHz=self.rc_GHz)
        if self.detuning_GHz == 0:
            raise ParameterError("detuning_GHz is 0; on resonance the swing of the light vanishes, detune the ring")

    def __call__(self, f_GHz: ArrayLike, /) -> Complex:
        f = np.append(0.0, np.asarray(f_GHz, dtype=np.float64).ravel())
        swing = cavity_transfer(f, self.linewidth_GHz, self.linewidth_bus_GHz, self.detuning_GHz)
        return (swing[1:] / swing[0]).reshape(np.shape(f_GHz)) * OnePole(self.rc_GHz)(f_GHz)


@dataclass(frozen=True)
class TravellingWave:
    """A loaded line beside the light; arguments as `models.travelling_wave.line` and `response`.

    Attributes:
        length: of the electrode in um.
        optical_index: group index of the light.
        width_signal, gap_electrode, width_ground: of the line in um.
        V_bias: reverse bias in V.
        doping: of either side in cm^-3.
        junction_offset: um.
        source_ohm, load_ohm: None: `models/data/electrode.yaml`.
    """

    length: float
    optical_index: float
    width_signal: float = 8.0
    gap_electrode: float = 12.0
    width_ground: float = 30.0
    V_bias: float = 2.0
    doping: float = 3e17
    junction_offset: float = 0.0
    source_ohm: float | None = None
    load_ohm: float | None = None

    def __call__(self, f_GHz: ArrayLike, /) -> Complex:
        f = np.append(1e-4, np.maximum(np.asarray(f_GHz, dtype=np.float64).ravel(), 1e-4))
        electrode = line(
            f,
            width_signal=self.width_signal,
            gap_electrode=self.gap_electrode,
            width_ground=self.width_ground,
            V_bias=self.V_bias,
            doping=self.doping,
            junction_offset=self.junction_offset,
        )
        swing = response(electrode, self.length, self.optical_index, self.source_ohm, self.load_ohm)
        flight_ns = self.optical_index * self.length * 1e-6 / C0 * 1e9  # the model counts time from where light enters
        return (swing[1:] / swing[0] * np.exp(-2j * np.pi * f[1:] * flight_ns)).reshape(np.shape(f_GHz))


@dataclass(frozen=True)
class Detector:
    """A photodiode.

    Attributes:
        transit_GHz: 3 dB frequency of the carriers' transit.
        rc_GHz: 3 dB frequency of its capacitance with its own and the load's resistance.
    """

    transit_GHz: float
    rc_GHz: float

    def __post_init__(self) -> None:
        _positive(transit_GHz=self.transit_GHz, rc_GHz=self.rc_GHz)

    def __call__(self, f_GHz: ArrayLike, /) -> Complex:
        f = np.asarray(f_GHz, dtype=np.float64)
        x = 2j * np.pi * f * TRANSIT_PRODUCT / self.transit_GHz
        small = np.abs(x) < 1e-3
        safe = np.where(small, 1.0, x)
        carriers = np.where(small, 1 - x / 3 + x**2 / 12, 2 * (safe - 1 + np.exp(-safe)) / safe**2)
        return carriers * OnePole(self.rc_GHz)(f)


def bandwidth_GHz(gain: Response, highest_GHz: float = 1000.0) -> float:
    """First frequency at which a response is 3 dB down, GHz; `highest_GHz` where there is none below it."""
    f = np.linspace(0.0, highest_GHz, 20001)
    below = np.flatnonzero(np.abs(gain(f)) < np.sqrt(0.5))
    return float(f[below[0]]) if len(below) else highest_GHz


@dataclass(frozen=True)
class Chain:
    """From the driver's input to the amplifier's output; hashable, so that it is the key of what follows from it."""

    driver: Response
    modulator: Response
    detector: Response
    tia: Response

    def transmitter(self, f_GHz: ArrayLike) -> Complex:
        """Driver and modulator: what the light in the fibre has."""
        return self.driver(f_GHz) * self.modulator(f_GHz)

    def receiver(self, f_GHz: ArrayLike) -> Complex:
        """Detector and amplifier."""
        return self.detector(f_GHz) * self.tia(f_GHz)

    def whole(self, f_GHz: ArrayLike) -> Complex:
        """All of it."""
        return self.transmitter(f_GHz) * self.receiver(f_GHz)
