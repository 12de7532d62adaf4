"""What a yield analysis says; plain frozen values that the report and the command line read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A share (or another number) with its confidence interval.

    Attributes:
        value: best estimate.
        low, high: ends of the interval.
        confidence: that the interval covers the truth, 0.95.
        samples: it rests on.
        method: Wilson, Clopper-Pearson, bootstrap, subset simulation...
    """

    value: float
    low: float
    high: float
    confidence: float = 0.95
    samples: int = 0
    method: str = ""


@dataclass(frozen=True)
class Killer:
    """One cause of dead packages.

    Attributes:
        name: of the cause, a name of `causes.CAUSES`.
        words: the same in words.
        first_share: share of the dead packages that this cause alone would have killed; where that was not computed
            (`alone` is false), the same as `rescued`.
        fixed_yield: yield of packages with this cause at its nominal value, on the same samples.
        sobol_first, sobol_total: variance-based indices of the least margin (Sobol), None where not computed.
        alone: whether `first_share` rests on samples with all other causes at their nominal value.
        rescued: share of the dead packages that work with this cause at its nominal value.
        baseline: yield of packages of those samples as they are; to compare `fixed_yield` with.
        engine_fixed, engine_baseline: the same of engines.
        lane_fixed, lane_baseline: the same of lanes.
    """

    name: str
    words: str
    first_share: Interval
    fixed_yield: Interval
    sobol_first: Interval | None = None
    sobol_total: Interval | None = None
    alone: bool = True
    rescued: Interval | None = None
    baseline: Interval | None = None
    engine_fixed: Interval | None = None
    engine_baseline: Interval | None = None
    lane_fixed: Interval | None = None
    lane_baseline: Interval | None = None


@dataclass(frozen=True)
class SparesPoint:
    """Yield with so many spares of a kind: wavelengths, lasers, engines, repairs."""

    kind: str
    count: int
    package_yield: Interval
    cost_USD_Tbps: float | None = None


@dataclass(frozen=True)
class CostLine:
    """What one item costs in a good package, USD, scrap included: `bought` without, `scrap` what bad ones add."""

    name: str
    bought_USD: float
    scrap_USD: float
    placeholder: bool = False


@dataclass(frozen=True)
class Cost:
    """Cost of a good package.

    Attributes:
        lines: by item.
        package_USD: of one good package.
        USD_Tbps: over the bandwidth that works, each direction.
        interval: of `USD_Tbps`.
        placeholders: names of the prices that nobody has quoted.
    """

    lines: tuple[CostLine, ...]
    package_USD: float
    USD_Tbps: float
    interval: Interval
    placeholders: tuple[str, ...] = ()


@dataclass(frozen=True)
class LifePoint:
    """After some years.

    Attributes:
        years: since the packages were shipped.
        untouched: share of packages that kept working all the time, without any repair but with their spares.
        available: share of packages that work at that time when what fails is exchanged.
        mean_lanes: mean share of lanes that still work without any repair.
    """

    years: float
    untouched: Interval
    available: Interval
    mean_lanes: float


@dataclass(frozen=True)
class Histogram:
    """Distribution of a quantity: `edges` (B + 1,), `counts` (B,), quantiles by per cent."""

    name: str
    unit: str
    edges: Real
    counts: NDArray[np.int64]
    quantiles: dict[float, float]


@dataclass(frozen=True)
class RingMap:
    """Rings of the package: place, share of samples in which each is held, mean and 95 % heater power.

    Attributes:
        names: paths from the top cell, length R.
        engine: name of each one's engine.
        x, y: in the package, um, shape (R,).
        held: share, shape (R,).
        heater_mean_mW, heater_95_mW: shape (R,).
    """

    names: tuple[str, ...]
    engine: tuple[str, ...]
    x: Real
    y: Real
    held: Real
    heater_mean_mW: Real
    heater_95_mW: Real


@dataclass(frozen=True)
class WaferMap:
    """One sampled wafer: dies and what their first ring does.

    Attributes:
        wafer_mm: diameter.
        x_mm, y_mm: middles of the dies, shape (D,).
        die_mm: width and height of a die.
        shift_nm: mean resonance of a die's rings less the drawn one, shape (D,).
        width_nm, thickness_nm: mean deviation of a die, shape (D,).
        good: share of the die's lanes that work, shape (D,).
    """

    wafer_mm: float
    x_mm: Real
    y_mm: Real
    die_mm: tuple[float, float]
    shift_nm: Real
    width_nm: Real
    thickness_nm: Real
    good: Real


@dataclass(frozen=True)
class YieldResult:
    """Everything about one package's production.

    Attributes:
        name: of the package.
        samples: packages that were drawn; `asked` how many were asked for (fewer are there after an interrupt).
        seed: of the random streams.
        digest: of all sampled numbers: equal for equal work, whoever did it.
        state: whose temperatures were used.
        ring, lane, die, engine, package: yields as made: a ring is held, a lane works, all lanes of a die before fibres
            are attached, of an engine with its fibres, of a package from untested dies without spares or repair.
        tested: of packages from tested dies and engines, before spares and repair.
        shipped: share of the packages begun that leave the last test, after spares and repair.
        escapes: share of shipped packages that do not work.
        killers: causes, the worst first.
        spares: curves.
        life: over the years.
        cost: of a good package.
        margins, losses: distributions over lanes; worst lane of a package among them.
        rings, wafer: maps.
        notes: approximations with the errors that were found for them, placeholders, warnings; one line each.
        gate: limit `require.yield_pct`, None where not set; `holds` whether the lower end of `package` keeps it.
        seconds: by stage.
        least_dB: margin from which on a lane counts as working.
        rare: probability that an engine has a lane of less than `rare_dB` margin, where that was asked for.
    """

    name: str
    samples: int
    asked: int
    seed: int
    digest: str
    state: str
    ring: Interval
    lane: Interval
    die: Interval
    engine: Interval
    package: Interval
    tested: Interval
    shipped: Interval
    escapes: Interval
    killers: tuple[Killer, ...] = ()
    spares: tuple[SparesPoint, ...] = ()
    life: tuple[LifePoint, ...] = ()
    cost: Cost | None = None
    margins: tuple[Histogram, ...] = ()
    losses: tuple[Histogram, ...] = ()
    rings: RingMap | None = None
    wafer: WaferMap | None = None
    notes: tuple[str, ...] = ()
    gate: float | None = None
    holds: bool = True
    seconds: dict[str, float] = field(default_factory=dict)
    rare: Interval | None = None
    rare_dB: float | None = None
    least_dB: float = 0.0
