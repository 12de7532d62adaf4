"""The quantities that a design is judged by, each from the computed package and nothing else.

The same functions measure a design in the search and after its full build, so that the two can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from cpo_pdk.operation.results import State
from cpo_pdk.spec import PackageSpec
from cpo_pdk.spec.shoreline import side_densities
from cpo_pdk.yields.results import YieldResult

Stage = Literal["plan", "work", "yield"]
"""What has to be known: place and size of everything; the package at full load; its production."""


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
        spec: the design.
        engine_mm: length (towards the facet) and width (along it) of an engine.
        state: the package at full load; None where it was not computed yet.
        production: what comes of making many; None where nothing asks for it.
    """

    spec: PackageSpec
    engine_mm: tuple[float, float]
    state: State | None = None
    production: YieldResult | None = None


@dataclass(frozen=True)
class Measure:
    """One quantity: its unit, what it is, the better direction, when it is known, and how."""

    unit: str
    words: str
    better: Literal["minimize", "maximize"]
    stage: Stage
    of: Callable[[Subject], float]


def _state(subject: Subject) -> State:
    if subject.state is None:
        raise ValueError("the package was not computed")
    return subject.state


def _shoreline(subject: Subject) -> float:
    sides = [side for side in side_densities(subject.spec) if side.engines]
    return sum(side.Tbps for side in sides) / sum(side.length_mm for side in sides)


def _edge(subject: Subject) -> float:
    return subject.spec.engine.bandwidth_Tbps / subject.engine_mm[1]


def finite_dB(margin: float) -> float:
    """A margin as a number that can be compared and written down: a lane that no light would do for has -99 dB."""
    return margin if math.isfinite(margin) else -99.0


def _margins(subject: Subject) -> list[float]:
    return sorted(finite_dB(lane.margin_dB) for lane in _state(subject).budget.lanes)


def _kind_pJ(kind: str) -> Callable[[Subject], float]:
    return lambda subject: _state(subject).energy.by_kind_pJ_bit.get(kind, 0.0)


def _headroom(subject: Subject) -> float:
    return min((min(ring.free_up_mW, ring.free_down_mW) for ring in _state(subject).rings), default=0.0)


def _heater(subject: Subject) -> float:
    rings = _state(subject).rings
    return math.fsum(ring.heater_mW for ring in rings) / len(rings) if rings else 0.0


def _produced(of: Callable[[YieldResult], float]) -> Callable[[Subject], float]:
    def value(subject: Subject) -> float:
        if subject.production is None:
            raise ValueError("the production was not computed")
        return of(subject.production)

    return value


def _cost(result: YieldResult) -> float:
    return math.inf if result.cost is None else result.cost.USD_Tbps


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "energy_pJ_bit": Measure(
            "pJ/bit", "energy of the optics a bit", "minimize", "work", lambda s: _state(s).energy.pJ_bit
        ),
        "laser_pJ_bit": Measure("pJ/bit", "energy of the lasers a bit", "minimize", "work", _kind_pJ("laser")),
        "heater_pJ_bit": Measure("pJ/bit", "energy of the heaters a bit", "minimize", "work", _kind_pJ("heater")),
        "optics_W": Measure("W", "power of the optics", "minimize", "work", lambda s: _state(s).energy.optics_W),
        "shoreline_Tbps_mm": Measure(
            "Tb/s/mm", "bandwidth each way over the ASIC's edges that have engines", "maximize", "plan", _shoreline
        ),
        "edge_Tbps_mm": Measure(
            "Tb/s/mm", "bandwidth of an engine each way over the width of its facet edge", "maximize", "plan", _edge
        ),
        "engine_mm2": Measure(
            "mm2", "area of an engine's die", "minimize", "plan", lambda s: s.engine_mm[0] * s.engine_mm[1]
        ),
        "engines_mm2": Measure(
            "mm2",
            "area of all engines in use",
            "minimize",
            "plan",
            lambda s: s.engine_mm[0] * s.engine_mm[1] * s.spec.engines.count,
        ),
        "fibres": Measure(
            "", "fibres of the package", "minimize", "plan", lambda s: float(s.spec.fibre_counts["total"])
        ),
        "margin_dB": Measure("dB", "margin of the worst lane", "maximize", "work", lambda s: _margins(s)[0]),
        "median_margin_dB": Measure(
            "dB", "margin of the median lane", "maximize", "work", lambda s: _margins(s)[len(_margins(s)) // 2]
        ),
        "engine_C": Measure(
            "C",
            "hottest spot of an engine",
            "minimize",
            "work",
            lambda s: max(_state(s).temperatures.engines_max_C.values(), default=0.0),
        ),
        "asic_C": Measure(
            "C", "hottest spot of the ASIC", "minimize", "work", lambda s: _state(s).temperatures.asic_max_C
        ),
        "engine_spread_C": Measure(
            "C", "hottest less coolest engine", "minimize", "work", lambda s: _state(s).temperatures.engine_spread_C
        ),
        "heater_mW": Measure("mW", "mean power of a ring's heater", "minimize", "work", _heater),
        "heater_headroom_mW": Measure(
            "mW", "heater power that the worst ring has left, up or down", "maximize", "work", _headroom
        ),
        "rings_lost": Measure(
            "",
            "rings that are not held",
            "minimize",
            "work",
            lambda s: float(sum(not ring.locked for ring in _state(s).rings)),
        ),
        "yield_pct": Measure(
            "%",
            "share of packages that work as made",
            "maximize",
            "yield",
            _produced(lambda r: 100.0 * r.package.value),
        ),
        "shipped_pct": Measure(
            "%",
            "share of packages that can be shipped, after tests and repair",
            "maximize",
            "yield",
            _produced(lambda r: 100.0 * r.shipped.value),
        ),
        "cost_USD_Tbps": Measure("USD/(Tb/s)", "cost of a good package a Tb/s", "minimize", "yield", _produced(_cost)),
    }
)
"""Name -> measure; all at full load of the ASIC."""


def measure(subject: Subject) -> dict[str, float]:
    """Every quantity that is known of a design, rounded to nine digits so that processors agree.

    Args:
        subject: what is measured.
    """
    stages = ["plan"]
    stages += ["work"] if subject.state is not None else []
    stages += ["yield"] if subject.production is not None else []
    return {name: float(f"{one.of(subject):.9g}") for name, one in MEASURES.items() if one.stage in stages}
