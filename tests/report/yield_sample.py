"""A made-up production whose numbers agree with each other: shares from counts, costs that sum, curves that rise."""

from __future__ import annotations

import math

import numpy as np

from cpo_pdk.yields.results import (
    Cost,
    CostLine,
    Histogram,
    Interval,
    Killer,
    LifePoint,
    RingMap,
    SparesPoint,
    WaferMap,
    YieldResult,
)

CAUSES = {"attach": "alignment of the fibre arrays", "width": "width of silicon", "heater": "resistance of heaters"}
ENGINES = {"engine_N1": (0.0, 40_000.0), "engine_S1": (500.0, -40_000.0)}
RINGS = 6


def share(good: int, samples: int) -> Interval:
    """Wilson's interval of `good` of `samples`."""
    if not samples:
        return Interval(0.0, 0.0, 1.0)
    z, p = 1.959964, good / samples
    middle = (p + z * z / (2 * samples)) / (1 + z * z / samples)
    half = z / (1 + z * z / samples) * math.sqrt(p * (1 - p) / samples + z * z / (4 * samples**2))
    return Interval(p, max(0.0, middle - half), min(1.0, middle + half), samples=samples, method="Wilson")


def yield_sample(good: int = 60, samples: int = 200, *, name: str = "sample", gate: float | None = 25.0) -> YieldResult:
    """`good` of `samples` packages work as made.

    Args:
        good: packages.
        samples: drawn.
        name: of the package.
        gate: required yield in per cent.
    """
    random = np.random.default_rng(3)
    package = share(good, samples)
    margin = random.normal(1.0, 0.8, 4000)
    counts, edges = np.histogram(margin, 30)
    quantiles = {q: float(np.quantile(margin, q / 100)) for q in (0.1, 1.0, 5.0, 50.0, 95.0, 99.0, 99.9)}
    return YieldResult(
        name=name,
        samples=samples,
        asked=samples,
        seed=1,
        digest="ab" * 32,
        state="full",
        ring=share(9990, 10000),
        lane=share(9800, 10000),
        die=share(390, 400),
        engine=share(320, 400),
        package=package,
        tested=share(min(samples, good + 40), samples),
        shipped=share(min(samples, good + 80), samples),
        escapes=share(1, max(1, good)),
        killers=tuple(
            Killer(
                name=cause,
                words=words,
                first_share=share(10 - 5 * rank, max(1, samples - good)),
                fixed_yield=share(min(samples, good + 40 // (rank + 1)), samples),
                sobol_first=Interval(0.5 / (rank + 1), 0.3 / (rank + 1), 0.7 / (rank + 1)),
                sobol_total=Interval(0.6 / (rank + 1), 0.4 / (rank + 1), 0.8 / (rank + 1)),
                rescued=share(40 // (rank + 1), max(1, samples - good)),
                baseline=package,
                engine_fixed=share(360 - 10 * rank, 400),
                engine_baseline=share(320, 400),
                lane_fixed=share(9900 - 10 * rank, 10000),
                lane_baseline=share(9800, 10000),
            )
            for rank, (cause, words) in enumerate(CAUSES.items())
        ),
        spares=tuple(
            SparesPoint(kind, count, share(min(samples, good + 80 + 10 * count), samples), 200.0 - 20 * count)
            for kind in ("wavelengths", "lasers", "engines", "repairs")
            for count in range(3)
        ),
        life=tuple(
            LifePoint(
                float(year), share(100 - 8 * year, 100), share(100 - (year > 0), 100), mean_lanes=1 - 0.002 * year
            )
            for year in range(4)
        ),
        cost=_cost() if good else None,
        margins=(Histogram("margin of transmit lanes", "dB", edges, counts, quantiles),),
        losses=(Histogram("loss of receive lanes on the engine", "dB", edges + 5, counts, quantiles),),
        rings=_rings(random),
        wafer=_wafer(random),
        notes=("a table within 1e-4 of the model's amplitudes", "life: all 10 numbers are assumptions"),
        gate=gate,
        holds=gate is None or 100 * package.low >= gate,
        seconds={"sample": 1.5},
    )


def _cost() -> Cost:
    lines = (
        CostLine("switch die", 4000.0, 1000.0, placeholder=True),
        CostLine("fibre arrays", 480.0, 252.0),
        CostLine("connectors", 68.0, 0.0),
    )
    total = sum(line.bought_USD + line.scrap_USD for line in lines)
    per = total / 51.2
    return Cost(lines, total, per, Interval(per, 0.9 * per, 1.2 * per, method="bootstrap"), ("asic_USD",))


def _rings(random: np.random.Generator) -> RingMap:
    names = [f"{engine}/tx_1/unit_{k + 1}/modulator" for engine in ENGINES for k in range(RINGS)]
    x = np.array([left + 150.0 * k for left, _ in ENGINES.values() for k in range(RINGS)])
    y = np.array([bottom for _, bottom in ENGINES.values() for _ in range(RINGS)])
    mean = random.uniform(5, 15, len(names))
    held = 1 - np.arange(len(names)) / 100
    return RingMap(tuple(names), tuple(name.split("/")[0] for name in names), x, y, held, mean, 2 * mean)


def _wafer(random: np.random.Generator) -> WaferMap:
    x, y = (grid.ravel().astype(float) for grid in np.meshgrid(np.arange(-80, 81, 20), np.arange(-80, 81, 20)))
    inside = np.hypot(np.abs(x) + 10, np.abs(y) + 10) < 100
    x, y = x[inside], y[inside]
    width = 2 * x / 100 + random.normal(0, 0.3, x.size)
    thickness = random.normal(0, 1, x.size)
    return WaferMap(
        200.0, x, y, (20.0, 20.0), width + thickness, width, thickness, np.clip(1 - np.abs(width) / 20, 0, 1)
    )
