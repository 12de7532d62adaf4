"""What a search through designs says; plain frozen values that the page, the tables and the command line read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Value = float | int | str
"""Of a variable: a number, or the name of a choice."""

Verdict = Literal["refused", "violates", "feasible"]
"""Of a point: it can't be drawn or computed; it breaks a limit; all limits hold."""


@dataclass(frozen=True)
class Axis:
    """A variable, an objective or another measured quantity.

    Attributes:
        name: short, as in the study.
        unit: empty for pure numbers and names.
        words: what it is.
        path: dotted path in the spec that a variable sets; empty for measures, and where a choice sets several.
        direction: of an objective; empty for all else.
        choices: of a variable that has some, in order; empty for a range.
        low, high: of a range; None otherwise.
    """

    name: str
    unit: str = ""
    words: str = ""
    path: str = ""
    direction: Literal["", "minimize", "maximize"] = ""
    choices: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Limit:
    """A constraint: `measure` at least `low`, at most `high`; `kept_out` points broke it, `alone` no other one."""

    measure: str
    low: float | None
    high: float | None
    source: str
    kept_out: int = 0
    alone: int = 0


@dataclass(frozen=True)
class Built:
    """A point that was drawn in full, checked and computed.

    Attributes:
        name: of its package.
        folder: of its results, relative to that of the study.
        report, gds: files in it.
        measures: name -> value, from the build.
        clean: all checks, and all limits of spec and study, hold.
        reason: why not; empty where clean.
        seconds: that it took.
    """

    name: str
    folder: str
    report: str
    gds: str
    measures: Mapping[str, float]
    clean: bool
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Point:
    """One design.

    Attributes:
        number: in the order of asking, from 0; the base design is number 0 where the variables can say it.
        key: content address of the design (hexadecimal), the same for the same design in any study.
        generation: that it was asked in, from 0.
        values: variable -> value.
        measures: name -> value, from the search; empty where refused.
        verdict: see there.
        stage: how far it came: spec, plan, lanes, work, done.
        reason: why it was refused, or which limits it breaks; empty where feasible.
        broken: measures whose limit it breaks.
        front: whether it is on the front that is returned: not dominated by any other, built, and clean.
        built: what its full build gave; None where it was not built.
        seconds: that the search took for it.
    """

    number: int
    key: str
    generation: int
    values: Mapping[str, Value]
    measures: Mapping[str, float]
    verdict: Verdict
    stage: str
    reason: str = ""
    broken: tuple[str, ...] = ()
    front: bool = False
    built: Built | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Exploration:
    """A search through designs.

    Attributes:
        name: of the study.
        base: name of the spec that it starts from.
        sampler: tpe, nsga2 or random; `seed` of it.
        variables, objectives, measures: axes; `measures` are all quantities that points carry, objectives among them.
        limits: constraints, with how many points each kept out.
        points: all designs that were evaluated, by number.
        front: numbers of the points on the front, by the first objective, best first.
        asked: designs that were wanted; fewer points are there after an interrupt, or where the space has no more.
        hypervolume: after each generation, of the feasible points that are not dominated, relative to `nadir`.
        ideal, nadir: best and worst value of each objective over all feasible points, in the order of `objectives`.
        difference: measure -> largest difference between search and build over the built points.
        notes: approximations, warnings, what was left out; one line each.
        digest: of all points and their values, equal for equal work whoever did it.
        complete: False after an interrupt.
        seconds: by stage.
    """

    name: str
    base: str
    sampler: str
    seed: int
    variables: tuple[Axis, ...]
    objectives: tuple[Axis, ...]
    measures: tuple[Axis, ...]
    limits: tuple[Limit, ...]
    points: tuple[Point, ...]
    front: tuple[int, ...]
    asked: int
    hypervolume: tuple[float, ...] = ()
    ideal: tuple[float, ...] = ()
    nadir: tuple[float, ...] = ()
    difference: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    digest: str = ""
    complete: bool = True
    seconds: Mapping[str, float] = field(default_factory=dict)

    def point(self, number: int) -> Point:
        """A point by its number; raises `KeyError`."""
        for one in self.points:
            if one.number == number:
                return one
        raise KeyError(number)
