"""How fibres are attached, and how well they must be, as one HTML file that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from cpo_pdk.attach.results import Accuracy, Share, ToleranceResult
from cpo_pdk.report import figures, tolerance_figures
from cpo_pdk.report.rendering import micro, render
from cpo_pdk.report.yield_section import Bar, Tile
from cpo_pdk.report.yield_words import interval_words, number, percent
from cpo_pdk.yields.results import Interval


@dataclass(frozen=True)
class AccuracyLine:
    """One thing that is aligned: texts, the yield when it is perfect, and its curve."""

    words: str
    sheet: str
    needed: str
    interval: str
    alone: str
    ceiling: Bar
    bad: bool
    curve: Markup


@dataclass(frozen=True)
class SavingLine:
    """One error: the arrays' yield as it is and without it, mean loss, what costs 1 dB, one standard deviation."""

    words: str
    base: Bar
    fixed: Bar
    mean: str
    one_dB: str
    outer: str
    middle: str


def tolerance_html(result: ToleranceResult) -> str:
    """Render the page.

    Args:
        result: of a tolerance analysis.
    """
    middle = len(result.ports) // 2
    sensitive = {axis.name: axis for axis in result.sensitivity.axes}
    base = Bar.of(interval(result.array))
    savings = []
    for saving in result.savings:
        axis = sensitive.get(saving.name)
        savings.append(
            SavingLine(
                words=saving.words,
                base=base,
                fixed=Bar.of(interval(saving.array)),
                mean=f"{saving.mean_dB:.3f}",
                one_dB="-" if axis is None or axis.for_1dB is None else f"{number(axis.for_1dB)} {axis.unit}",
                outer="-" if axis is None else f"{np.asarray(axis.at_sigma_dB)[0]:.3f}",
                middle="-" if axis is None else f"{np.asarray(axis.at_sigma_dB)[middle]:.3f}",
            )
        )
    values = {
        "result": result,
        "tiles": _tiles(result),
        "wanted": f"{100 * result.wanted:.6g}",
        "chain": [
            ("Fibres", "each within its limit", Bar.of(interval(result.fibre))),
            ("Arrays", "all fibres of an array within their limits", Bar.of(interval(result.array))),
            ("Packages", "all arrays of a package, independent of each other", Bar.of(interval(result.package))),
        ],
        "arrays": percent(_of_arrays(result)) if result.unit == "package" and result.engines > 1 else "",
        "accuracies": [_accuracy(one, _of_arrays(result), index) for index, one in enumerate(result.accuracies)],
        "savings": savings,
        "outer": result.ports[0] if result.ports else "",
        "middle": result.ports[middle] if result.ports else "",
        "errors": [
            (axis, _svg(tolerance_figures.error_figure(axis, result.sensitivity.ports), f"e-{axis.name}"))
            for axis in result.sensitivity.axes
        ],
        "fibres": _svg(tolerance_figures.fibres_figure(result), "fibres"),
        "correlation": _svg(tolerance_figures.correlation_figure(result), "correlation"),
        "levels": sorted(result.quantiles_dB),
        "ways": list(zip(result.ways, np.asarray(result.allowed_dB), np.asarray(result.good_share), strict=True)),
    }
    filters = {"micro": micro, "percent": percent, "number": number, "share": lambda one: interval_words(interval(one))}
    return render("tolerance.html", values, styles=("operation.css", "yield.css"), filters=filters)


def interval(share: Share) -> Interval:
    """The same as the yields have it."""
    return Interval(share.value, share.low, share.high, samples=share.samples, method="Wilson")


def _of_arrays(result: ToleranceResult) -> float:
    """Yield of arrays that gives the wanted one; arrays of a package are independent of each other."""
    return result.wanted ** (1 / result.engines) if result.unit == "package" else result.wanted


def _svg(figure: object, key: str) -> Markup:
    return Markup(figures.svg(figure, key))  # pyright: ignore[reportArgumentType]


def _tiles(result: ToleranceResult) -> list[Tile]:
    tiles = [
        Tile(words, percent(share.value), "", interval_words(interval(share)))
        for words, share in (
            ("Fibres", result.fibre),
            ("Fibre arrays", result.array),
            (f"Packages of {result.engines}", result.package),
        )
    ]
    for q, value in sorted(result.worst_quantiles_dB.items()):
        if q in (50.0, 95.0):
            tiles.append(Tile(f"Worst fibre, {q:g} %", f"{value:.2f}", "dB", f"{q:g} % of the arrays lose no more"))
    together = next((one for one in result.accuracies if one.name == "all"), None)
    if together is not None:
        value = "none" if together.needed is None else f"{'> ' if together.at_least else ''}{number(together.needed)}"
        note = f"of the sheet's errors, for {100 * result.wanted:.6g} % of each {result.unit}"
        tiles.append(Tile("All errors scaled by", value, "" if together.needed is None else "times", note))
    return tiles


def _accuracy(one: Accuracy, wanted: float, index: int) -> AccuracyLine:
    unit = "× the sheet" if one.unit == "1" else one.unit
    needed = "none gives it" if one.needed is None else f"{'> ' if one.at_least else ''}{number(one.needed)} {unit}"
    ends = "" if one.low is None or one.high is None else f"{number(one.low)} to {number(one.high)}"
    return AccuracyLine(
        words=one.words,
        sheet=f"{one.sheet:g} {unit}",
        needed=needed,
        interval=ends,
        alone="none gives it" if one.alone is None else f"{number(one.alone)} {unit}",
        ceiling=Bar.of(interval(one.ceiling)),
        bad=one.needed is None or (one.needed < one.sheet and not one.at_least),
        curve=_svg(tolerance_figures.accuracy_figure(one, wanted), f"a{index}"),
    )
