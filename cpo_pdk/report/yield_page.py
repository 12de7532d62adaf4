"""A package's production as one HTML file that needs nothing else: yields, causes, maps, spares, life, cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cpo_pdk.report import figures, yield_plots
from cpo_pdk.report.rendering import inline_png, render
from cpo_pdk.report.yield_section import SPARES, cost_rows, killer_lines, steps, tiles
from cpo_pdk.report.yield_words import interval_words, number, percent
from cpo_pdk.variation.causes import CAUSES
from cpo_pdk.yields.results import RingMap, SparesPoint, WaferMap, YieldResult

#: numbers of the wafer map and their buttons
_SHOWN = {"shift_nm": "shift", "good": "good lanes", "width_nm": "width", "thickness_nm": "thickness"}


def yield_html(result: YieldResult, stills: Mapping[str, bytes]) -> str:
    """Render the page.

    Args:
        result: of a yield analysis.
        stills: PNG of `rings` and `wafer`, for print and for readers without scripts.
    """
    level, causes = killer_lines(result) if result.killers else ("packages", ())
    cost = result.cost
    values = {
        "result": result,
        "tiles": list(tiles(result)),
        "steps": steps(result),
        "level": level,
        "causes": causes,
        "sobol": any(line.first or line.total for line in causes),
        "left_out": [words for name, words in CAUSES.items() if name not in {line.name for line in causes}],
        "histograms": _histograms(result),
        "spares": _spares(result),
        "life": _svg(yield_plots.life_figure(result.life), "life") if result.life else "",
        "cost": cost,
        "cost_rows": cost_rows(result),
        "rings": result.rings if result.rings is not None and len(result.rings.names) else None,
        "engines": engine_rows(result.rings),
        "wafer": result.wafer if result.wafer is not None and len(result.wafer.x_mm) else None,
        "shown": {} if result.wafer is None else {n: _SHOWN[n] for n in yield_plots.wafer_scales(result.wafer)},
        "stills": {name: inline_png(png) for name, png in stills.items()},
    }
    filters = {"percent": percent, "interval": interval_words, "number": number}
    data = {"rings": rings_data(result.rings), "wafer": wafer_data(result.wafer)}
    return render(
        "yield.html",
        values,
        styles=("operation.css", "yield.css"),
        scripts=("maps.js", "yield.js"),
        data=data,
        filters=filters,
    )


def _svg(figure: Any, key: str) -> Markup:
    return Markup(figures.svg(figure, key))


def _histograms(result: YieldResult) -> list[Markup]:
    shown = [*((one, result.least_dB) for one in result.margins), *((one, None) for one in result.losses)]
    return [_svg(yield_plots.histogram_figure(one, at), f"h{k}") for k, (one, at) in enumerate(shown)]


def _spares(result: YieldResult) -> list[tuple[str, tuple[SparesPoint, ...], Markup]]:
    kinds = dict.fromkeys(point.kind for point in result.spares)
    found = {kind: tuple(point for point in result.spares if point.kind == kind) for kind in kinds}
    return [
        (SPARES.get(kind, kind), points, _svg(yield_plots.spares_figure(points), f"s-{kind}"))
        for kind, points in found.items()
    ]


def engine_rows(rings: RingMap | None) -> list[tuple[str, int, str, str, str, str]]:
    """Engine, its rings, share held in the mean and by the worst, mean heater power of all in W, 95 % of the worst."""
    if rings is None:
        return []
    names, rows = np.array(rings.engine), []
    for name in dict.fromkeys(rings.engine):
        own = names == name
        held, mean, most = rings.held[own], rings.heater_mean_mW[own], rings.heater_95_mW[own]
        total, worst = number(float(mean.sum()) / 1000), number(float(most.max()))
        rows.append((name, int(own.sum()), percent(float(held.mean())), percent(float(held.min())), total, worst))
    return rows


def rings_data(rings: RingMap | None) -> dict[str, Any] | None:
    """What the script draws: boxes of engines, rings in um, and their numbers; None without rings."""
    if rings is None or not len(rings.names):
        return None
    boxes = yield_plots.engine_boxes(rings)
    engines = list(boxes)
    number_of = {name: index for index, name in enumerate(engines)}
    return {
        "enlarge": round(yield_plots.enlargement(boxes), 3),
        "engines": [{"name": name, "box": [round(v, 1) for v in box]} for name, box in boxes.items()],
        "engine": [number_of[name] for name in rings.engine],
        "names": [name.removeprefix(f"{engine}/") for name, engine in zip(rings.names, rings.engine, strict=True)],
        "x": _numbers(rings.x, 2),
        "y": _numbers(rings.y, 2),
        "values": {
            "held": _numbers(100 * rings.held, 4),
            "heater_mean_mW": _numbers(rings.heater_mean_mW, 3),
            "heater_95_mW": _numbers(rings.heater_95_mW, 3),
        },
        "scales": {name: scale.as_json() for name, scale in yield_plots.ring_scales(rings).items()},
    }


def wafer_data(wafer: WaferMap | None) -> dict[str, Any] | None:
    """What the script draws: places of the dies in mm and their numbers; None without dies."""
    if wafer is None or not len(wafer.x_mm):
        return None
    return {
        "wafer_mm": wafer.wafer_mm,
        "die_mm": list(wafer.die_mm),
        "x": _numbers(wafer.x_mm, 4),
        "y": _numbers(wafer.y_mm, 4),
        "values": {
            name: _numbers(getattr(wafer, name) * (100 if name == "good" else 1), 4)
            for name in yield_plots.wafer_scales(wafer)
        },
        "scales": {name: scale.as_json() for name, scale in yield_plots.wafer_scales(wafer).items()},
    }


def _numbers(values: NDArray[np.floating], digits: int) -> list[float | None]:
    return [round(float(v), digits) if np.isfinite(v) else None for v in values]
