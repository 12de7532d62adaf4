"""What the circuit simulation returns; plain frozen values that the report and the command line read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Direction = Literal["tx", "rx"]


@dataclass(frozen=True)
class LossItem:
    """One element on the way of a lane.

    Attributes:
        instance: path of the instance from the top cell, `engine_n1/tx_3/ring_4`; `-` for the closing line. For an
            interferometer, the instance that holds it, or its first device.
        cell: factory of the placed cell (`ring_modulator`), `interferometer` for several devices that divide the light
            and join it again, `-` for the closing line.
        model: name of the compact model that gave the number.
        x, y: origin of the instance in top-cell coordinates, um.
        path: port in and port out, `o1>o2`.
        loss_dB: positive is loss.
    """

    instance: str
    cell: str
    model: str
    x: float
    y: float
    path: str
    loss_dB: float


@dataclass(frozen=True)
class Aggressor:
    """One source of crosstalk into a lane: what it is, and its level relative to the wanted signal (negative dB)."""

    name: str
    level_dB: float


@dataclass(frozen=True)
class Lane:
    """One wavelength of one fibre in one direction.

    `items` sum to `insertion_loss_dB`: reflections and second paths are an item of their own. `tuning_nm` is the red
    shift that the heater of the lane's ring must give to sit on its channel, 0 without a ring; `heater_mW` what takes
    its interferometer to the working point. `polarization` is the one that loses most (`TE` for transmit lanes). Of a
    transmit lane, `laser` is the connector and position that its light comes from, and `extinction_dB` level one over
    level zero, None without a modulator.
    """

    engine: str
    direction: Direction
    port: int
    channel: int
    wl_um: float
    fibre: str
    insertion_loss_dB: float
    crosstalk_dB: float
    polarization: str = "TE"
    tuning_nm: float = 0.0
    items: tuple[LossItem, ...] = ()
    aggressors: tuple[Aggressor, ...] = ()
    heater_mW: float = 0.0
    extinction_dB: float | None = None
    laser: str = ""


@dataclass(frozen=True)
class Spectrum:
    """Transmission of one macro over wavelength, for plots.

    Attributes:
        engine, direction, port: which macro.
        wl: um, shape (W,).
        channels: um, shape (C,).
        traces: label -> power transmission (linear), shape (W,). Transmit: one trace `laser to fibre`;
            receive: one trace a detector, `detector 1`...
    """

    engine: str
    direction: Direction
    port: int
    wl: NDArray[np.float64]
    channels: NDArray[np.float64]
    traces: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class SimulationResult:
    """Everything that `simulate` found out about a layout.

    Attributes:
        lanes: one a lane, in the order engine, direction, port, channel.
        spectra: of the first transmit and the first receive macro of the first engine.
        crosstalk: (engine, port) -> matrix in dB, shape (C, C): row = detector (victim), column = wavelength channel.
        modulator: figures of the modulator's operating point that the lanes were computed at.
        warnings: models used outside their range, ports left open by declaration, and the like.
        counts: instances, connections, distinct models evaluated, wavelengths...
    """

    lanes: tuple[Lane, ...]
    spectra: tuple[Spectrum, ...]
    crosstalk: dict[tuple[str, int], NDArray[np.float64]]
    modulator: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
