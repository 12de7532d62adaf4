"""Figures of the page on attached fibres: loss along the array, yield over accuracy, loss over each error."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cpo_pdk.attach.results import Accuracy, AxisSensitivity, ToleranceResult
from cpo_pdk.report.figures import CHANNELS, FAINT, INK, RX, TX, style

#: size of one small figure of the page, inches
_SMALL = (5.2, 3.3)
_NEEDED = "#1f9e89"
#: highest loss that the figures of single errors show, dB
_HIGHEST_dB = 6.0
_KINDS = {"tx": ("transmit", TX), "rx": ("receive", RX), "laser": ("laser", _NEEDED), "loop": ("loopback", "#8a6f5a")}


def fibres_figure(result: ToleranceResult) -> Figure:
    """Loss of every fibre along the facet: mean, what the mean gap alone costs, and quantiles."""
    with style():
        figure = Figure(figsize=(10.0, 4.2), layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        order = np.argsort(result.x_um)
        x = np.asarray(result.x_um)[order] / 1000
        for q in sorted(result.quantiles_dB):
            values = np.asarray(result.quantiles_dB[q], float)[order]
            axes.plot(x, values, color=INK, lw=0.9, ls=(0, (1 + q / 30, 2)))
            axes.annotate(f"  {q:g} %", (x[-1], values[-1]), fontsize=8, va="center")
        axes.plot(x, np.asarray(result.nominal_dB)[order], color=FAINT, lw=2.5, label="mean gap alone")
        kinds = np.array(result.kinds)
        for kind in dict.fromkeys(result.kinds):
            words, color = _KINDS.get(kind, (kind, CHANNELS[0]))
            own = kinds == kind
            places, mean = np.asarray(result.x_um)[own] / 1000, np.asarray(result.mean_dB)[own]
            axes.plot(places, mean, ls="none", marker="o", ms=6, color=color, label=f"{words}, mean")
        axes.set(xlabel="along the facet (mm)", ylabel="loss beyond the drawn coupling (dB)")
        axes.set_ylim(0, None)
        axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5)
        axes.margins(x=0.06)
    return figure


def accuracy_figure(one: Accuracy, wanted: float) -> Figure:
    """Yield of arrays over how well one thing is aligned; marked: the sheet's accuracy, the one that is needed.

    Args:
        one: the thing.
        wanted: yield of arrays that was asked for.
    """
    with style():
        figure = Figure(figsize=_SMALL, layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        at, share = (np.asarray(values, float) for values in one.curve)
        axes.plot(at, 100 * share, color=TX, marker=".", ms=4)
        axes.axhline(100 * wanted, color=INK, lw=0.8, ls=(0, (4, 3)))
        marks = [(one.sheet, "sheet", RX, 0.03)]
        if one.needed is not None:
            marks.append((one.needed, "needed", _NEEDED, 0.12))
        for place, words, color, high in marks:
            axes.axvline(place, color=color, lw=1.2)
            axes.annotate(f" {words}", (place, high), xycoords=("data", "axes fraction"), fontsize=8, color=color)
        axes.set_xlim(0, None)
        axes.set_ylim(-2, 103)
        axes.set_xlabel("times the sheet's" if one.unit == "1" else f"standard deviation ({_micro(one.unit)})")
        axes.set_ylabel("yield of arrays (%)")
        axes.yaxis.set_major_locator(MaxNLocator(5))
    return figure


def error_figure(axis: AxisSensitivity, ports: tuple[str, ...]) -> Figure:
    """Loss of the outermost and the middle fibres over one error."""
    with style():
        figure = Figure(figsize=_SMALL, layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        at, loss = np.asarray(axis.curve[0], float), np.asarray(axis.curve[1], float)
        count = loss.shape[1]
        chosen = list(dict.fromkeys((0, count // 2, count - 1)))
        dashes = ("-", (0, (6, 3)), (0, (2, 2)))  # they often lie on top of each other
        for index, color, dash in zip(chosen, (TX, _NEEDED, RX), dashes, strict=False):
            axes.plot(at, loss[:, index], color=color, label=ports[index], ls=dash, lw=1.8)
        for end in (-axis.sigma, axis.sigma):
            if at.min() <= end <= at.max():
                axes.axvline(end, color=INK, lw=0.8, ls=(0, (3, 3)))
        shown = loss[:, chosen]
        highest = min(float(np.max(shown[np.isfinite(shown)], initial=0.1)) * 1.05, _HIGHEST_dB)
        seen = at[np.any(shown <= highest, axis=1)]  # where any of the lines is in the picture
        if len(seen) > 1:
            axes.set_xlim(float(seen.min()), float(seen.max()))
        axes.set_ylim(min(0.0, float(np.min(shown[np.isfinite(shown)], initial=0.0))), highest)
        axes.set_xlabel(f"{axis.words} ({_micro(axis.unit)})")
        axes.set_ylabel("loss (dB)")
        axes.legend(fontsize=8)
    return figure


def correlation_figure(result: ToleranceResult) -> Figure:
    """Correlation of the losses of every two fibres."""
    with style():
        figure = Figure(figsize=_SMALL, layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        drawn = axes.imshow(np.asarray(result.correlation), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
        step = max(1, -(-len(result.ports) // 8))
        places = range(0, len(result.ports), step)
        axes.set_xticks(places, [result.ports[k] for k in places], rotation=60, fontsize=7)
        axes.set_yticks(places, [result.ports[k] for k in places], fontsize=7)
        axes.grid(visible=False)
        figure.colorbar(drawn, ax=axes, format=FuncFormatter(lambda v, _: f"{v:g}"))
    return figure


def _micro(unit: str) -> str:
    return {"um": "µm", "deg": "degrees"}.get(unit, unit)
