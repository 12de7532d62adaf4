"""The files of a study: everything as JSON, the points as CSV, the page."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

from cpo_pdk import output
from cpo_pdk.report.explore_data import Axis, Exploration, Point
from cpo_pdk.report.explore_page import explore_html

DOCUMENT, POINTS, PAGE = "explore.json", "points.csv", "explore.html"


def document(result: Exploration) -> dict[str, Any]:
    """Everything but the seconds, so that two runs of one study give the same bytes; what is not finite is null.

    Args:
        result: of a study.
    """
    return {
        "study": result.name,
        "base": result.base,
        "sampler": result.sampler,
        "seed": result.seed,
        "asked": result.asked,
        "evaluated": len(result.points),
        "complete": result.complete,
        "verdicts": {
            verdict: sum(point.verdict == verdict for point in result.points)
            for verdict in ("feasible", "violates", "refused")
        },
        "variables": [_axis(axis) for axis in result.variables],
        "objectives": [_axis(axis) for axis in result.objectives],
        "measures": [_axis(axis) for axis in result.measures],
        "limits": [vars(limit) for limit in result.limits],
        "front": list(result.front),
        "points": [_point(point) for point in result.points],
        "hypervolume": list(result.hypervolume),
        "ideal": list(result.ideal),
        "nadir": list(result.nadir),
        "difference": dict(result.difference),
        "notes": list(result.notes),
        "digest": result.digest,
    }


def _axis(axis: Axis) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(axis).items() if value != ""}


def _point(point: Point) -> dict[str, Any]:
    built = None
    if point.built is not None:
        built = {**vars(point.built), "measures": _finite(point.built.measures)}
        del built["seconds"]
    found = {**vars(point), "values": dict(point.values), "measures": _finite(point.measures), "built": built}
    del found["seconds"]
    return {**found, "broken": list(point.broken)}


def _finite(measures: Any) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in measures.items()}


def points_csv(result: Exploration) -> str:
    """One row a design: variables, measures, verdict, reason; those of the front with their folder.

    Args:
        result: of a study.
    """
    variables = [axis.name for axis in result.variables]
    measures = [axis.name for axis in result.measures]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["number", "key", "generation", *variables, *measures, "verdict", "stage", "front", "folder", "reason"]
    )
    for point in result.points:
        row: list[Any] = [point.number, point.key, point.generation]
        row += [point.values[name] for name in variables]
        row += [point.measures.get(name, "") for name in measures]
        folder = point.built.folder if point.built is not None else ""
        reason = point.reason or (point.built.reason if point.built is not None else "")
        writer.writerow([*row, point.verdict, point.stage, int(point.front), folder, reason])
    return text.getvalue()


def write_files(result: Exploration, folder: Path) -> tuple[Path, ...]:
    """Write the files of a study into its folder.

    Args:
        result: of a study.
        folder: that its results are in.

    Raises:
        OutputError: they can't be written.
    """
    return (
        output.write_json(folder / DOCUMENT, document(result)),
        output.write_text(folder / POINTS, points_csv(result)),
        output.write_text(folder / PAGE, explore_html(result)),
    )
