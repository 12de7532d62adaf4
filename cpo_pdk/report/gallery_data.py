"""What the gallery shows of one device, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.report.scene import Scene


@dataclass(frozen=True)
class Argument:
    """One argument of a cell: value and what is allowed, in words; range of the sheet; what the model does with it."""

    name: str
    value: str
    unit: str
    allowed: str
    sheet_range: str
    about: str
    model: str


@dataclass(frozen=True)
class PortLine:
    """One port: place and width in um, the direction that it looks in, kind (optical, electrical, ...)."""

    name: str
    x: float
    y: float
    direction: int
    width: float
    kind: str


@dataclass(frozen=True)
class LayerLine:
    """One layer: name, GDS numbers, colour, purpose."""

    name: str
    number: str
    color: str
    purpose: str


@dataclass(frozen=True)
class NumberLine:
    """One number of a sheet and where it is from; `limits`: the range that the sheet, or else the model, holds for."""

    name: str
    value: str
    unit: str
    source: str
    choice: bool
    spread: str
    limits: str


@dataclass(frozen=True)
class Trace:
    """Loss in dB over wavelength between ports, shape (W,); `minor`: a reflection."""

    label: str
    loss_dB: NDArray[np.float64]
    minor: bool = False


@dataclass(frozen=True)
class Figure:
    """One number that the model gives for the device as it is drawn; shown with `digits` significant digits."""

    name: str
    value: float
    unit: str
    digits: int = 3

    @property
    def text(self) -> str:
        """Value and unit."""
        plain = np.format_float_positional(self.value, self.digits, unique=False, fractional=False, trim="-")
        return f"{plain} {self.unit}".rstrip()


@dataclass(frozen=True)
class Sweep:
    """Losses at one wavelength (`wl`, um) over a drive or a disturbance, and the phase of the main path.

    Attributes:
        name, unit: of what is swept.
        wl: um.
        values: in `unit`, shape (N,).
        traces: losses in dB over `values`.
        phase: of the path `main` in half turns, 0 at `rest`, shape (N,).
        main: label of the trace that the phase belongs to.
        rest: value without drive, in `unit`.
    """

    name: str
    unit: str
    wl: float
    values: NDArray[np.float64]
    traces: tuple[Trace, ...]
    phase: NDArray[np.float64]
    main: str
    rest: float


@dataclass(frozen=True)
class Physics:
    """What the model says: losses over `wl` (um, shape (W,)), and the numbers that one asks for first.

    Attributes:
        wl: um.
        traces: by port pair.
        figures: key numbers.
        warnings: parameters outside what model or sheet hold for.
        sweeps: over drive and disturbance.
    """

    wl: NDArray[np.float64]
    traces: tuple[Trace, ...]
    figures: tuple[Figure, ...] = ()
    warnings: tuple[str, ...] = ()
    sweeps: tuple[Sweep, ...] = ()


@dataclass(frozen=True)
class Device:
    """One sheet, or one cell without a sheet.

    Attributes:
        name: of the sheet, or of the cell.
        cell: factory that draws it.
        group: heading that it stands under.
        description: one or two sentences.
        diagram: sketch of the ports, from the docstring of the cell.
        origin: `shipped`, or the file; empty without a sheet.
        model: name; empty where there is none.
        no_model: why there is none.
        measured: where measured data that stands in for a model is from.
        formula: what the model computes, from its docstring.
        conventions, validity: of the module of the model.
        scene: what is drawn; None where it can't be.
        size: width and height in um.
        arguments, ports, layers, parameters, operating: tables.
        physics: what the model says; None where there is none.
        measurements: of a test block: name, from, to, quantity, swept, formula.
        problem: why drawing or model failed; empty where they didn't.
    """

    name: str
    cell: str
    group: str
    description: str
    diagram: str = ""
    origin: str = ""
    model: str = ""
    no_model: str = ""
    measured: str = ""
    formula: str = ""
    conventions: str = ""
    validity: str = ""
    scene: Scene | None = None
    size: tuple[float, float] = (0.0, 0.0)
    arguments: tuple[Argument, ...] = ()
    ports: tuple[PortLine, ...] = ()
    layers: tuple[LayerLine, ...] = ()
    parameters: tuple[NumberLine, ...] = ()
    operating: tuple[NumberLine, ...] = ()
    physics: Physics | None = None
    measurements: tuple[tuple[str, ...], ...] = ()
    problem: str = ""

    @property
    def command(self) -> str:
        """How to draw it with another value of its first argument that is a length."""
        first = next((a for a in self.arguments if a.unit), self.arguments[0] if self.arguments else None)
        return f"cpo cells {self.name}" + (f" --set {first.name}={first.value}" if first else "")

    @property
    def turning(self) -> bool:
        """Whether a sweep turns a phase."""
        return any(np.ptp(s.phase) > 0.1 for s in (self.physics.sweeps if self.physics else ()))
