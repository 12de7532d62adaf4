"""What the circuit simulation returns; plain frozen values that the report and the command line read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
        inside: whether it lies in the engine of the lane; fibres and the like don't.
    """

    instance: str
    cell: str
    model: str
    x: float
    y: float
    path: str
    loss_dB: float
    inside: bool = True


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
    transmit lane, `laser` is the connector and position that its light comes from, `laser_ways` the number of transmit
    ports that share it, and `extinction_dB` level one over level zero, None without a modulator. `modulator`,
    `detector` and `ring` are paths from the top cell, empty where there is none: `ring` is the one that is held on the
    lane's channel, a ring modulator or the filter of the lane's polarization.
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
    modulator: str = ""
    detector: str = ""
    ring: str = ""
    laser_ways: int = 0

    @property
    def zero_loss_dB(self) -> float | None:
        """Loss at level zero, None without a modulator; `insertion_loss_dB` is the one at level one."""
        return None if self.extinction_dB is None else self.insertion_loss_dB + self.extinction_dB


@dataclass(frozen=True)
class RingFacts:
    """One tunable ring of a placed engine, cold: at the temperature that it is drawn for, heater off, no voltage.

    Attributes:
        instance: path from the top cell; `path` within the engine, as `EngineCondition` takes it.
        engine, direction, port: whose bus it is on.
        mode: `@TM` for the bus that takes the other polarisation of a receive port, else empty.
        channel: that it serves as drawn, from 0.
        x, y: middle of the ring in top-cell coordinates, um.
        channels_um: wavelengths of the laser lines, um, shape (C,), rising or as the engine has them; same for all.
        resonances_um: rising, over two free spectral ranges and more below the channels, and up to above them.
        working_nm: laser less resonance (at 0 V, as warm as it is) that it is held at; 0 for a filter.
        fsr_nm: distance of its resonances near its channel.
        nm_per_K: drift of its resonances with temperature near its channel.
        heater_nm_mW: red shift a power of its heater.
        tuning_nm: red shift that takes it to its channel as drawn.
        linewidth_nm: loaded full width at half maximum.
        sheet: name of the sheet.
        detector: path from the top cell of the detector that it drops into; empty for a modulator. Rings of both
            polarisations that share one must serve the same channel.
    """

    instance: str
    path: str
    engine: str
    direction: Direction
    port: int
    mode: str
    channel: int
    x: float
    y: float
    channels_um: tuple[float, ...]
    resonances_um: tuple[float, ...]
    working_nm: float
    fsr_nm: float
    nm_per_K: float
    heater_nm_mW: float
    tuning_nm: float
    linewidth_nm: float = 0.0
    sheet: str = ""
    detector: str = ""


@dataclass(frozen=True)
class TrimmerFacts:
    """One heater that holds an interferometer at its working point.

    Attributes:
        instance: path from the top cell; `path` within the engine, as `EngineCondition` takes it.
        engine: whose it is.
        channel: of the light that it trims, from 0; -1 where it trims all of them.
        x, y: origin of the instance in top-cell coordinates, um.
        mW: power at the working point, at the temperature that it is drawn for.
        mW_per_pi: power that turns the phase by half a turn.
        mW_per_K, period_mW: warmer by dT, the working point takes `(mW + mW_per_K dT) % period_mW`.
        nm_per_K: drift of its fringes with temperature; 0 where the arms are equal.
        fsr_nm: distance of its fringes; infinite where the arms are equal.
        sheet: name of the sheet.
    """

    instance: str
    path: str
    engine: str
    channel: int
    x: float
    y: float
    mW: float
    mW_per_pi: float
    nm_per_K: float
    fsr_nm: float
    mW_per_K: float = 0.0
    period_mW: float = 0.0
    sheet: str = ""


@dataclass(frozen=True)
class DeviceFacts:
    """A modulator or a detector as it was computed; equal devices share one.

    Attributes:
        cell: factory of the placed cell.
        model: name of the compact model.
        sheet: name of the sheet.
        params: of the model, from drawing and sheet, geometry included; see the units there.
        operating: what it works at: `V_one`, `V_zero`, `detuning_nm`, `heater_mW`, `tuning_nm`, `dT`, `wl_um` as far as
            they apply, and all else that the sheet says under `operating`.
    """

    cell: str
    model: str
    sheet: str
    params: Mapping[str, Any] = field(default_factory=dict)
    operating: Mapping[str, float] = field(default_factory=dict)


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
        rings: all that are tuned to a channel, in the order of the lanes; as drawn, whatever the conditions.
        trimmers: heaters of interferometers; as drawn.
        trims: path from the top cell -> power of the heater of an interferometer, mW, at the conditions.
        devices: path from the top cell -> modulator or detector of a lane, at the conditions.
    """

    lanes: tuple[Lane, ...]
    spectra: tuple[Spectrum, ...]
    crosstalk: dict[tuple[str, int], NDArray[np.float64]]
    modulator: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    rings: tuple[RingFacts, ...] = ()
    trimmers: tuple[TrimmerFacts, ...] = ()
    trims: Mapping[str, float] = field(default_factory=dict)
    devices: Mapping[str, DeviceFacts] = field(default_factory=dict)
