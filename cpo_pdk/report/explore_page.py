"""A search through designs as one HTML file: the front as a plot and a table, what kept designs out, every design."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
from markupsafe import Markup

from cpo_pdk.report import explore_plots, figures
from cpo_pdk.report.explore_data import Axis, Exploration, Limit, Point, Value
from cpo_pdk.report.rendering import micro, render
from cpo_pdk.report.yield_section import Tile
from cpo_pdk.report.yield_words import number

#: margins of lanes that no light would do for are written as this
NO_LIGHT_dB = -99.0
#: reasons that are listed, designs whose rows the page has
REASONS, ROWS = 12, 5000
_DIGITS = 4
WORDS = {"feasible": "keep all limits", "violates": "break a limit", "refused": "can't be made"}


@dataclass(frozen=True)
class Row:
    """One design of a table: texts of its variables and measures, links where it was built."""

    number: int
    values: tuple[str, ...]
    measures: tuple[str, ...]
    verdict: str
    report: str
    gds: str
    clean: bool | None
    reason: str
    front: bool


def explore_html(result: Exploration) -> str:
    """Render the page; links are relative to the folder of the study.

    Args:
        result: of a study.
    """
    front = [result.point(index) for index in result.front]
    asked = {axis.name for axis in result.objectives}
    measures = [*result.objectives, *(axis for axis in result.measures if axis.name not in asked)]
    values = {
        "result": result,
        "tiles": _tiles(result),
        "variables": result.variables,
        "objectives": result.objectives,
        "measures": measures,
        "front": [_row(result, point, measures) for point in front],
        "best": _best(result, front),
        "stopped": not result.complete,
        "rows": [_row(result, point, measures) for point in result.points[:ROWS]],
        "failed": [_row(result, p, measures) for p in result.points if p.built is not None and not p.built.clean],
        "limits": [(limit_words(limit, measures), limit) for limit in result.limits],
        "reasons": Counter(short(p.reason) for p in result.points if p.verdict == "refused").most_common(REASONS),
        "differences": [(axis, result.difference[axis.name]) for axis in measures if axis.name in result.difference],
        "growth": _growth(result),
        "still": Markup(figures.svg(explore_plots.front_figure(result), "front")) if len(result.objectives) > 1 else "",
    }
    filters = {"number": lambda value: number(value, _DIGITS), "micro": micro}
    return render(
        "explore.html",
        values,
        styles=("operation.css", "yield.css", "explore.css"),
        scripts=("explore.js",),
        data=plot_data(result, measures),
        filters=filters,
    )


def plot_data(result: Exploration, measures: list[Axis]) -> dict[str, Any]:
    """What the script draws: axes, and every point with one number (or null) an axis; names as their place."""
    axes = [*measures, *result.variables]
    variables = {axis.name for axis in result.variables}
    names = {axis.name: _names(axis) for axis in result.variables}
    return {
        "axes": [
            {
                "name": axis.name,
                "words": axis.words or axis.name,
                "unit": axis.unit,
                "better": axis.direction,
                "names": names.get(axis.name, []) if axis.name in variables else [],
                "group": "variables" if axis.name in variables else "measures",
            }
            for axis in axes
        ],
        "start": [0, min(1, len(axes) - 1), 2 if len(result.objectives) > 2 else len(measures) if variables else 0],
        "front": list(result.front),
        "points": [
            [
                point.number,
                point.verdict,
                *_links(point),
                short(point.reason),
                [
                    *(_finite(point.measures.get(axis.name)) for axis in measures),
                    *(_place(names[axis.name], point.values.get(axis.name)) for axis in result.variables),
                ],
            ]
            for point in result.points
            if point.measures
        ],
    }


def _names(axis: Axis) -> list[str]:
    """Choices by name; empty for numbers, which have a place of their own."""
    if all(isinstance(choice, (int, float)) for choice in axis.choices):
        return []
    return [str(choice) for choice in axis.choices]


def _place(names: list[str], value: Value | None) -> float | None:
    if names:
        return names.index(str(value)) if str(value) in names else None
    return _finite(value)


def _finite(value: Any) -> float | None:
    if not isinstance(value, (int, float, np.number)) or not math.isfinite(value) or value == NO_LIGHT_dB:
        return None
    return float(f"{value:.7g}")


def _links(point: Point) -> tuple[str, str]:
    built = point.built
    if built is None or not built.folder:
        return "", ""
    report, gds = (quote(f"{built.folder}/{name}") if name else "" for name in (built.report, built.gds))
    return report, gds


def _row(result: Exploration, point: Point, measures: list[Axis]) -> Row:
    report, gds = _links(point)
    built = point.built
    return Row(
        number=point.number,
        values=tuple(value_text(point.values.get(axis.name)) for axis in result.variables),
        measures=tuple(measure_text(point.measures, axis) for axis in measures),
        verdict=point.verdict,
        report=report,
        gds=gds,
        clean=None if built is None else built.clean,
        reason=point.reason or ("" if built is None else built.reason),
        front=point.front,
    )


def value_text(value: Value | None) -> str:
    """Of a variable."""
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def measure_text(measures: Mapping[str, float], axis: Axis) -> str:
    """Of a measure; `none` for a margin that no light gives."""
    value = measures.get(axis.name)
    if value is None:
        return ""
    return "none" if value == NO_LIGHT_dB else number(value, _DIGITS)


def short(reason: str, longest: int = 300) -> str:
    """The first line of a reason, cut where it is long."""
    line = reason.strip().splitlines()[0] if reason.strip() else ""
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def limit_words(limit: Limit, measures: list[Axis]) -> str:
    """`least margin at least 1 dB`."""
    axis = next((axis for axis in measures if axis.name == limit.measure), Axis(limit.measure))
    ends = [f"at {word} {end:g}" for word, end in (("least", limit.low), ("most", limit.high)) if end is not None]
    return f"{axis.words or axis.name} {' and '.join(ends)} {axis.unit}".strip()


def _best(result: Exploration, front: list[Point]) -> list[int | None]:
    """Of every objective, the number of the point of the front that is best."""
    found: list[int | None] = []
    for axis in result.objectives:
        sign = -1.0 if axis.direction == "maximize" else 1.0
        known = [point for point in front if math.isfinite(point.measures.get(axis.name, math.nan))]
        best = min(known, key=lambda point, axis=axis, sign=sign: sign * point.measures[axis.name], default=None)
        found.append(None if best is None else best.number)
    return found


def _tiles(result: Exploration) -> list[Tile]:
    counts = Counter(point.verdict for point in result.points)
    asked = "" if result.complete and len(result.points) == result.asked else f" of {result.asked:,} asked for"
    found = ", ".join(f"{counts[verdict]} {WORDS[verdict]}" for verdict in WORDS if counts[verdict])
    tiles = [
        Tile("Designs", f"{len(result.points):,}", asked, found, not result.points),
        Tile("On the front", f"{len(result.front):,}", "", "built in full, all checks clean", not result.front),
    ]
    for axis, ideal in zip(result.objectives, result.ideal, strict=False):
        way = "least" if axis.direction == "minimize" else "most"
        tiles.append(Tile(f"{way[0].upper()}{way[1:]} {axis.name}", number(ideal), axis.unit, axis.words))
    return tiles


def _growth(result: Exploration) -> Markup | str:
    if len(result.hypervolume) < 2:
        return ""
    return Markup(figures.svg(explore_plots.growth_figure(result.hypervolume), "growth"))
