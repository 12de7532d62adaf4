"""What the page of a yield says: numbers as words and as places on bars."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from cpo_pdk.report.yield_plots import killer_level, rescued_of
from cpo_pdk.report.yield_words import interval_words, number, percent
from cpo_pdk.yields.results import Interval, YieldResult

SPARES = {
    "wavelengths": "Spare wavelengths of every fibre",
    "lasers": "Spare laser modules of the package",
    "engines": "Spare engines of the package",
    "repairs": "Exchanges of an engine that fails the test",
}


@dataclass(frozen=True)
class Tile:
    """One of the figures at the head of the page."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    bad: bool = False


@dataclass(frozen=True)
class Bar:
    """A share with its interval as per cents of the width of a bar."""

    value: str
    words: str
    at: float
    low: float
    high: float

    @staticmethod
    def of(found: Interval) -> Bar:
        """As it is drawn from 0 to 100 %."""
        low, high, at = (round(100 * min(1.0, max(0.0, v)), 3) for v in (found.low, found.high, found.value))
        return Bar(percent(found.value), interval_words(found), at, low, high)


@dataclass(frozen=True)
class Step:
    """One row of the way from a ring to a shipped package."""

    name: str
    about: str
    bar: Bar
    method: str


@dataclass(frozen=True)
class KillerLine:
    """One cause: dead packages that live without it, and that it kills alone; the yield as it is and without it; its
    part of the variance of the margin."""

    words: str
    name: str
    rescued: Bar
    alone: str
    base: Bar
    fixed: Bar
    first: tuple[str, str] | None
    total: tuple[str, str] | None


@dataclass(frozen=True)
class CostRow:
    """One item: USD as words and as per cents of the largest item."""

    name: str
    bought: str
    scrap: str
    total: str
    bought_at: float
    scrap_at: float
    placeholder: bool


def tiles(result: YieldResult) -> Iterator[Tile]:
    """Figures at the head of the page."""
    package, shipped = result.package, result.shipped
    gate = f", at least {result.gate:g} % required" if result.gate is not None else ""
    yield Tile("Packages as made", percent(package.value), "", interval_words(package) + gate, not result.holds)
    yield Tile("Leave the last test", percent(shipped.value), "", f"{interval_words(shipped)}, with spares and repair")
    yield Tile("Engines with fibres", percent(result.engine.value), "", interval_words(result.engine))
    yield Tile("Lanes", percent(result.lane.value), "", interval_words(result.lane))
    if result.rings is not None:
        yield Tile("Rings held", percent(result.ring.value), "", interval_words(result.ring))
    if result.killers:
        worst = result.killers[0]
        words, pairs = killer_level(result.killers)
        base, fixed = pairs[0]
        if fixed.value > base.value:
            note = f"{worst.words}; {percent(fixed.value)} of {words} work without it"
            yield Tile("Worst cause", f"+{number(100 * (fixed.value - base.value))}", "points", note)
    if result.cost is not None:
        ends = result.cost.interval
        unsure = f", {len(result.cost.placeholders)} placeholder prices" if result.cost.placeholders else ""
        note = f"{number(ends.low)} to {number(ends.high)}{unsure}"
        yield Tile("A good Tb/s", number(result.cost.USD_Tbps), "USD", note)
    if result.life:
        last = result.life[-1]
        note = f"of what was shipped, exchanges made; untouched {percent(last.untouched.value)}"
        yield Tile(f"After {last.years:g} years", percent(last.available.value), "", note)


def steps(result: YieldResult) -> tuple[Step, ...]:
    """From a ring, where there are any, to a shipped package."""
    rows = (
        ("Rings", "find their wavelength with the heater that they have", result.ring),
        ("Lanes", "keep their margin", result.lane),
        ("Dies", "all lanes work, before fibres are attached", result.die),
        ("Engines", "all lanes work with their fibres", result.engine),
        ("Packages as made", "untested dies, no spares, no repair", result.package),
        ("Packages from tested parts", "dies and engines tested before they are mounted", result.tested),
        ("Packages that leave", "with spares and repair, past the last test; of those begun", result.shipped),
        ("Escapes", "of those that leave, do not work", result.escapes),
    )
    shown = rows if result.rings is not None else rows[1:]
    return tuple(Step(name, about, Bar.of(found), found.method) for name, about, found in shown)


def killer_lines(result: YieldResult) -> tuple[str, tuple[KillerLine, ...]]:
    """Whose yield the rows tell, and one row a cause."""
    words, pairs = killer_level(result.killers)
    lines = []
    for killer, (base, fixed) in zip(result.killers, pairs, strict=True):
        total, first = killer.sobol_total, killer.sobol_first
        lines.append(
            KillerLine(
                words=killer.words,
                name=killer.name,
                rescued=Bar.of(rescued_of(killer)),
                alone=percent(killer.first_share.value) if killer.alone else "-",
                base=Bar.of(base),
                fixed=Bar.of(fixed),
                first=None if first is None else _index(first),
                total=None if total is None else _index(total),
            )
        )
    return words, tuple(lines)


def _index(found: Interval) -> tuple[str, str]:
    return f"{found.value:.3f}", f"{found.low:.3f} to {found.high:.3f}"


def cost_rows(result: YieldResult) -> tuple[CostRow, ...]:
    """Items of a good package, the dearest first."""
    if result.cost is None:
        return ()
    lines = sorted(result.cost.lines, key=lambda line: -(line.bought_USD + line.scrap_USD))
    most = max((line.bought_USD + line.scrap_USD for line in lines), default=0.0)
    scale = 100 / most if most > 0 and math.isfinite(most) else 0.0
    return tuple(
        CostRow(
            line.name,
            number(line.bought_USD, 4),
            number(line.scrap_USD),
            number(line.bought_USD + line.scrap_USD, 4),
            round(line.bought_USD * scale, 3),
            round(line.scrap_USD * scale, 3),
            line.placeholder,
        )
        for line in lines
    )
