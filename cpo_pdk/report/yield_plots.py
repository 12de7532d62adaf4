"""Pictures of a package's production: what kills, distributions, spares, life, rings of a package, dies of a wafer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from cpo_pdk.report.figures import FAINT, INK, RX, TX, style
from cpo_pdk.report.scales import Scale, deviation_scale, heater_scale, share_scale
from cpo_pdk.report.yield_words import number, percent
from cpo_pdk.yields.results import Histogram, Interval, Killer, LifePoint, RingMap, SparesPoint, WaferMap, YieldResult

#: size of one small figure of the page, inches
_SMALL = (5.2, 3.3)
_MARKED = (1.0, 50.0, 99.0)
_GOOD, _BAD = "#1f9e89", "#c8263f"


def killer_level(killers: Sequence[Killer]) -> tuple[str, list[tuple[Interval, Interval]]]:
    """Whose yield tells the causes apart, and that yield as it is and without each cause.

    Packages where any cause changes their yield; where none does (too few work either way), engines, then lanes.
    """
    packages = [(killer.baseline or Interval(0.0, 0.0, 1.0), killer.fixed_yield) for killer in killers]
    found = [("packages", packages)]
    for words, with_, without in (
        ("engines", "engine_baseline", "engine_fixed"),
        ("lanes", "lane_baseline", "lane_fixed"),
    ):
        pairs = [(getattr(killer, with_), getattr(killer, without)) for killer in killers]
        if all(a is not None and b is not None for a, b in pairs):
            found.append((words, pairs))
    for words, pairs in found:
        if any(a.value != b.value for a, b in pairs):
            return words, pairs
    return found[0]


def rescued_of(killer: Killer) -> Interval:
    """Share of the dead packages that live without this cause."""
    return killer.first_share if killer.rescued is None else killer.rescued


def killers_figure(result: YieldResult) -> Figure:
    """Causes, the worst first: dead packages that live without each and that it kills alone; the yield without it."""
    killers = result.killers
    with style():
        figure = Figure(figsize=(11.0, 1.5 + 0.36 * max(1, len(killers))), layout="constrained")
        left, right = (figure.add_subplot(1, 2, k) for k in (1, 2))
        if not killers:
            for axes in (left, right):
                axes.axis("off")
            left.text(0.5, 0.5, "what-if runs were left out", ha="center")
            return figure
        rows = np.arange(len(killers))
        shares = [rescued_of(killer) for killer in killers]
        left.barh(rows, [100 * one.value for one in shares], color=TX, height=0.62, label="live without this cause")
        alone = [100 * killer.first_share.value if killer.alone else np.nan for killer in killers]
        left.plot(alone, rows, ls="none", marker="D", ms=5, color=RX, label="killed by this cause alone")
        left.legend(fontsize=8, loc="lower right")
        _whiskers(left, rows, shares)
        left.set_yticks(rows, [killer.words for killer in killers], fontsize=9)
        left.set_xlabel("of the dead packages (%)")
        left.set_xlim(-1, None)
        words, pairs = killer_level(killers)
        base, fixed = ([100 * pair[k].value for pair in pairs] for k in (0, 1))
        right.hlines(rows, base, fixed, color=_GOOD, lw=5, alpha=0.8)
        right.plot(base, rows, ls="none", marker="|", ms=12, mew=1.6, color=INK, label="as it is")
        _whiskers(right, rows, [pair[1] for pair in pairs])
        right.plot(fixed, rows, ls="none", marker="o", ms=5, color=_GOOD, label="without this cause")
        right.set_yticks(rows, [])
        right.set_xlabel(f"yield of {words} (%)")
        for axes in (left, right):
            axes.set_ylim(len(killers) - 0.4, -0.6)
            axes.grid(axis="y", visible=False)
            axes.tick_params(axis="y", length=0)
        right.legend(fontsize=8, loc="lower right")
        left.set_title(f"{result.name}: what kills")
        right.set_title("fix this, and the yield becomes")
    return figure


def _whiskers(axes: Axes, rows: NDArray[np.int64], found: Sequence[Interval]) -> None:
    axes.hlines(rows, [100 * one.low for one in found], [100 * one.high for one in found], color=INK, lw=1.0)


def histogram_figure(found: Histogram, limit: float | None = None) -> Figure:
    """One distribution for the page; `limit` is marked where given."""
    with style():
        figure = Figure(figsize=_SMALL, layout="constrained")
        _histogram(figure.add_subplot(1, 1, 1), found, limit)
    return figure


def margins_figure(result: YieldResult) -> Figure:
    """All distributions of margins and losses."""
    shown = [*((one, result.least_dB) for one in result.margins), *((one, None) for one in result.losses)]
    columns = min(3, max(1, len(shown)))
    with style():
        figure = Figure(figsize=(4.4 * columns, 3.2 * -(-max(1, len(shown)) // columns)), layout="constrained")
        for place, (one, limit) in enumerate(shown, start=1):
            _histogram(figure.add_subplot(-(-len(shown) // columns), columns, place), one, limit)
        if not shown:
            figure.add_subplot(1, 1, 1).axis("off")
    return figure


def _histogram(axes: Axes, found: Histogram, limit: float | None) -> None:
    total = int(found.counts.sum())
    middles, widths = (found.edges[1:] + found.edges[:-1]) / 2, np.diff(found.edges)
    shares = 100 * found.counts / total if total else np.zeros(len(found.counts))
    colors = [_BAD if limit is not None and middle < limit else TX for middle in middles]
    axes.bar(middles, shares, widths, color=colors, lw=0)
    if limit is not None and found.edges[0] < limit < found.edges[-1]:
        axes.axvline(limit, color=INK, lw=1.0)
    for q in _MARKED:
        if q in found.quantiles:
            axes.axvline(found.quantiles[q], color=INK, lw=0.8, ls=(0, (3, 3)))
            where = {"xycoords": ("data", "axes fraction"), "fontsize": 7.5, "rotation": 90, "ha": "right", "va": "top"}
            text = f"{q:g} %: {found.quantiles[q]:.2f}"
            axes.annotate(text, (found.quantiles[q], 0.99), **where)
    axes.set_title(found.name, fontsize=10)
    axes.set_xlabel(f"{found.unit}; {total:,} values")
    axes.set_ylabel("share (%)")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="x", visible=False)
    axes.set_xlim(found.edges[0], found.edges[-1])
    axes.set_ylim(0, 1.4 * max(float(shares.max(initial=0.0)), 1e-9))  # room for the quantiles


def spares_figure(points: Sequence[SparesPoint]) -> Figure:
    """One curve: share of packages that leave good, and what a good Tb/s costs, over the number of spares."""
    counts = [point.count for point in points]
    yields = [point.package_yield for point in points]
    costs = [np.nan if point.cost_USD_Tbps is None else point.cost_USD_Tbps for point in points]
    with style():
        figure = Figure(figsize=_SMALL, layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        values = [100 * one.value for one in yields]
        low, high = ([100 * getattr(one, end) for one in yields] for end in ("low", "high"))
        axes.fill_between(counts, low, high, color=TX, alpha=0.18, lw=0)
        axes.plot(counts, values, color=TX, marker="o", ms=5)
        for count, value in zip(counts, values, strict=True):
            at = {"xytext": (0, 7), "textcoords": "offset points", "ha": "center", "fontsize": 8}
            axes.annotate(percent(value / 100), (count, value), **at)
        axes.set_xticks(counts)
        axes.set_ylim(*_room(low, high))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if 0 <= value <= 100 else ""))
        axes.set_xlim(min(counts) - 0.35, max(counts) + 0.35)
        axes.set_xlabel(f"spare {points[0].kind}" if points[0].kind != "repairs" else "exchanges of an engine")
        axes.set_ylabel("packages that leave good (%)", color=TX)
        axes.grid(axis="x", visible=False)
        if np.isfinite(costs).any():
            other = axes.twinx()
            other.spines["right"].set_visible(True)
            other.plot(counts, costs, color=RX, marker="s", ms=4, ls=(0, (4, 2)))
            other.set_ylabel("USD a good Tb/s", color=RX)
            other.grid(visible=False)
            other.set_ylim(0, 1.15 * float(np.nanmax(costs)))
            other.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    return figure


def _room(low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis of per cents with room for the numbers above the points."""
    least, most = min(low), max(high)
    reach = max(most - least, 1.0)
    return max(-2.0, least - 0.1 * reach), most + 0.22 * reach


def life_figure(points: Sequence[LifePoint]) -> Figure:
    """Packages that keep working over the years, untouched and with exchanges, and lanes without any repair."""
    years = [point.years for point in points]
    with style():
        figure = Figure(figsize=(7.4, 3.8), layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        for name, words, color in (
            ("available", "work at that time, what fails is exchanged", _GOOD),
            ("untouched", "kept working without any exchange", TX),
        ):
            found = [getattr(point, name) for point in points]
            axes.fill_between(
                years, [100 * i.low for i in found], [100 * i.high for i in found], color=color, alpha=0.2
            )
            axes.plot(years, [100 * i.value for i in found], color=color, marker="o", ms=4, label=words)
        lanes = [100 * point.mean_lanes for point in points]
        axes.plot(years, lanes, color=RX, ls=(0, (4, 2)), label="lanes that work without any exchange, mean")
        axes.set(xlabel="years", ylabel="share (%)", ylim=(0, 103))
        axes.legend(fontsize=8, loc="lower left")
    return figure


def ring_scales(rings: RingMap) -> dict[str, Scale]:
    """Colours of the rings: share held, mean and 95 % heater power."""
    return {
        "held": share_scale(rings.held.tolist()),
        "heater_mean_mW": heater_scale(rings.heater_mean_mW.tolist()),
        "heater_95_mW": heater_scale(rings.heater_95_mW.tolist()),
    }


def rings_figure(rings: RingMap | None) -> Figure:
    """Every ring at its place in the package: how often it is held, and the heater power that 95 % stay below."""
    with style():
        figure = Figure(figsize=(12.0, 5.6), layout="constrained")
        if rings is None or not len(rings.names):
            axes = figure.add_subplot(1, 1, 1)
            axes.axis("off")
            axes.text(0.5, 0.5, "no rings", ha="center")
            return figure
        scales = ring_scales(rings)
        factor, x, y, boxes = _enlarged(rings)
        shown = (("held", 100 * rings.held, "held (%)"), ("heater_95_mW", rings.heater_95_mW, "heater, 95 % (mW)"))
        for place, (name, values, label) in enumerate(shown, start=1):
            axes, scale = figure.add_subplot(1, 2, place), scales[name]
            for left, bottom, right, top in boxes:
                corner, size = (left / 1e3, bottom / 1e3), ((right - left) / 1e3, (top - bottom) / 1e3)
                axes.add_patch(Rectangle(corner, *size, fill=False, ec=FAINT, lw=0.8))
            dots = {"s": 5, "lw": 0, "cmap": scale.colormap, "norm": scale.normalize}
            drawn = axes.scatter(x / 1e3, y / 1e3, c=values, **dots)
            figure.colorbar(drawn, ax=axes, label=label, fraction=0.046, pad=0.02)
            axes.set_aspect("equal", adjustable="datalim")
            axes.axis("off")
            axes.set_title("Rings that find their wavelength" if name == "held" else "What their heaters take")
        if factor > 1:
            figure.supxlabel(f"engines enlarged {factor:.1f} times, at their places in the package", fontsize=9)
    return figure


def engine_boxes(rings: RingMap) -> dict[str, tuple[float, float, float, float]]:
    """Left, bottom, right, top around the rings of each engine, um, with some room."""
    names = np.array(rings.engine)
    found = {}
    for name in dict.fromkeys(rings.engine):
        x, y = rings.x[names == name], rings.y[names == name]
        room = 0.04 * max(float(np.ptp(x)), float(np.ptp(y)), 100.0)
        found[name] = (float(x.min() - room), float(y.min() - room), float(x.max() + room), float(y.max() + room))
    return found


def enlargement(boxes: dict[str, tuple[float, float, float, float]]) -> float:
    """How much larger than the distances between them engines can be drawn, each about its middle, and stay apart."""
    sides = list(boxes.values())
    found = [
        max(
            abs(a[0] + a[2] - b[0] - b[2]) / (a[2] - a[0] + b[2] - b[0]),
            abs(a[1] + a[3] - b[1] - b[3]) / (a[3] - a[1] + b[3] - b[1]),
        )
        for index, a in enumerate(sides)
        for b in sides[:index]
    ]
    return min(12.0, max(1.0, 0.85 * min(found, default=1.0)))


def _enlarged(rings: RingMap) -> tuple[float, NDArray[np.float64], NDArray[np.float64], list[NDArray[np.float64]]]:
    """Factor, places of rings, and boxes (left, bottom, right, top) with every engine enlarged about its middle, um."""
    boxes = engine_boxes(rings)
    factor, names = enlargement(boxes), np.array(rings.engine)
    x, y, found = rings.x.astype(float), rings.y.astype(float), []
    for name, (left, bottom, right, top) in boxes.items():
        middle = np.array([left + right, bottom + top]) / 2
        half = factor * np.array([right - left, top - bottom]) / 2
        own = names == name
        x[own] = middle[0] + factor * (x[own] - middle[0])
        y[own] = middle[1] + factor * (y[own] - middle[1])
        found.append(np.concatenate([middle - half, middle + half]))
    return factor, x, y, found


def wafer_scales(wafer: WaferMap) -> dict[str, Scale]:
    """Colours of the dies: shift of the rings (where there are any), share of good lanes, width, thickness."""
    scales = {
        "shift_nm": deviation_scale(wafer.shift_nm.tolist(), "nm"),
        "good": share_scale(wafer.good.tolist()),
        "width_nm": deviation_scale(wafer.width_nm.tolist(), "nm"),
        "thickness_nm": deviation_scale(wafer.thickness_nm.tolist(), "nm"),
    }
    if not np.any(np.nan_to_num(wafer.shift_nm)):
        del scales["shift_nm"]
    return scales


WAFER_WORDS = {
    "shift_nm": "shift of the resonances (nm)",
    "good": "lanes that work (%)",
    "width_nm": "width of silicon (nm)",
    "thickness_nm": "thickness of silicon (nm)",
}


def wafer_figure(wafer: WaferMap | None) -> Figure:
    """One sampled wafer: shift of the rings, lanes that work, and the deviations they come from."""
    with style():
        figure = Figure(figsize=(10.4, 9.0), layout="constrained")
        if wafer is None or not len(wafer.x_mm):
            axes = figure.add_subplot(1, 1, 1)
            axes.axis("off")
            axes.text(0.5, 0.5, "no wafer was drawn", ha="center")
            return figure
        for place, (name, scale) in enumerate(wafer_scales(wafer).items(), start=1):
            values = np.asarray(getattr(wafer, name), np.float64) * (100.0 if name == "good" else 1.0)
            axes = figure.add_subplot(2, 2, place)
            w, h = wafer.die_mm
            corners = zip(wafer.x_mm - w / 2, wafer.y_mm - h / 2, strict=True)
            dies = PatchCollection([Rectangle(corner, w, h) for corner in corners], ec="white", lw=0.3)
            dies.set(array=np.where(np.isfinite(values), values, np.nan), cmap=scale.colormap, norm=scale.normalize)
            axes.add_collection(dies)
            radius = wafer.wafer_mm / 2
            axes.add_patch(Circle((0, 0), radius, fill=False, ec=INK, lw=1.0))
            axes.set(xlim=(-1.03 * radius, 1.03 * radius), ylim=(-1.03 * radius, 1.03 * radius))
            axes.set_aspect("equal")
            axes.axis("off")
            axes.set_title(WAFER_WORDS[name][0].upper() + WAFER_WORDS[name][1:])
            figure.colorbar(ScalarMappable(scale.normalize, scale.colormap), ax=axes, fraction=0.046, pad=0.02)
    return figure
