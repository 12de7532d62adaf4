"""Temperatures; plain frozen values. Lengths in um in the coordinates of the package, temperatures in C, power in W."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


@dataclass(frozen=True)
class TemperatureMap:
    """Temperature over one plane.

    Attributes:
        name: `package` (the layer of the dies' active faces), or an engine's name (its photonic layer).
        x, y: edges of the cells, um, shapes (N + 1,) and (M + 1,).
        T_C: mean of each cell, shape (M, N); NaN where there is nothing.
    """

    name: str
    x: Real
    y: Real
    T_C: Real


@dataclass(frozen=True)
class Response:
    """Temperatures as a linear function of the heat: `T = base_C + matrix @ watts`.

    Attributes:
        sources: places that heat arises at, as in `energy.results.Heat.place`, those in the package only: `asic`,
            `asic/<block>` with a power map, `eic:<engine>`, `pic:<engine>`.
        probes: what temperatures are asked of: `asic` (hottest spot candidates are `asic@<number>`), `pic:<engine>`
            (mean), `eic:<engine>`, `ring:<instance path>`.
        matrix: K/W, shape (probes, sources).
        base_C: without heat, shape (probes,).
        seconds: CPU seconds of the solves.
    """

    sources: tuple[str, ...]
    probes: tuple[str, ...]
    matrix: Real
    base_C: Real
    seconds: float = 0.0

    def temperatures(self, watts: Mapping[str, float]) -> dict[str, float]:
        """Probe -> C for watts by source; sources that are not named have none."""
        vector = np.array([watts.get(source, 0.0) for source in self.sources])
        return dict(zip(self.probes, (self.base_C + self.matrix @ vector).tolist(), strict=True))


@dataclass(frozen=True)
class Transient:
    """Answer to a step of the ASIC's power from idle to full.

    Attributes:
        t_s: times, shape (T,).
        asic_C: hottest spot of the ASIC, shape (T,).
        ring_C: of the ring that rises fastest, shape (T,).
        ring: its path.
        fastest_K_s: steepest rise of any ring.
        tau_s: time to 63 % of that ring's rise.
        tracking_error_nm: lag of a control loop of the spec's bandwidth at the steepest rise.
    """

    t_s: Real
    asic_C: Real
    ring_C: Real
    ring: str
    fastest_K_s: float
    tau_s: float
    tracking_error_nm: float


@dataclass(frozen=True)
class Temperatures:
    """The heat of the package at one state.

    Attributes:
        asic_max_C, asic_mean_C: of the ASIC.
        engines_C: engine -> mean of its photonic die; engines_max_C its hottest spot, electronic die included.
        rings: instance path -> C.
        lasers_C: laser module -> case, C.
        maps: see `TemperatureMap`.
        in_W, out_W: heat that arises in the package, and that leaves it; equal but for the solver's tolerance.
        cells, iterations: of the solve.
    """

    asic_max_C: float
    asic_mean_C: float
    engines_C: dict[str, float]
    engines_max_C: dict[str, float]
    rings: dict[str, float]
    lasers_C: dict[str, float]
    maps: tuple[TemperatureMap, ...]
    in_W: float
    out_W: float
    cells: int
    iterations: int
    warnings: tuple[str, ...] = field(default=())

    @property
    def engine_spread_C(self) -> float:
        """Hottest less coolest engine (means)."""
        return max(self.engines_C.values(), default=0.0) - min(self.engines_C.values(), default=0.0)
