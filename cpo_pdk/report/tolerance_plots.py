"""Picture of attached fibres: their losses along the facet, what errors cost, the yield that accuracies give."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cpo_pdk.attach.accuracy import ALL
from cpo_pdk.attach.results import ToleranceResult
from cpo_pdk.report.figures import CHANNELS, FAINT, INK, RX, TX, style

_BANDS = ((50.0, 0.95), (95.0, 0.55), (99.0, 0.28))
_USES = {"laser": "L", "tx": "T", "rx": "R", "loop": ""}
#: errors whose cost is drawn, all on one axis: each over its standard deviation
_SHOWN = ("x_um", "y_um", "z_um", "roll_deg", "yaw_deg", "core_um")
_SIGMAS = 4.0


def tolerance_figure(result: ToleranceResult) -> Figure:
    """Three panels: loss of every fibre, what each error costs the outermost one, yield over accuracy."""
    with style():
        figure = Figure(figsize=(13.0, 4.2), layout="constrained")
        losses, errors, yields = (figure.add_subplot(1, 3, k) for k in (1, 2, 3))
        _losses(losses, result)
        _errors(errors, result)
        _yields(yields, result)
    return figure


def _losses(axes: Axes, result: ToleranceResult) -> None:
    x = result.x_um / 1e3
    step = float(np.min(np.diff(x))) if len(x) > 1 else 0.127
    for q, alpha in reversed(_BANDS):
        axes.bar(x, result.quantiles_dB[q], width=0.8 * step, color=TX, alpha=alpha, label=f"{q:g} % lose less")
    axes.plot(x, result.mean_dB, color=INK, marker="o", ms=3, lw=0.8, label="mean")
    axes.axhline(float(result.nominal_dB.max()), color=RX, lw=1.0, ls=(0, (4, 3)), label="mean gap alone")
    for place, use in zip(x, result.kinds, strict=True):
        axes.annotate(
            _USES[use], (place, 0), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=7, color="white"
        )
    axes.set(xlabel="place along the facet (mm)", ylabel="loss beyond the drawn coupling (dB)")
    axes.set_title(f"{result.name}: fibres of an array")
    axes.set_ylim(0, 1.35 * float(result.quantiles_dB[_BANDS[-1][0]].max()))
    axes.grid(axis="x", visible=False)
    axes.legend(fontsize=8, ncols=2, loc="upper center")


def _errors(axes: Axes, result: ToleranceResult) -> None:
    known = {axis.name: axis for axis in result.sensitivity.axes}
    highest = 1.0
    for color, name in zip(CHANNELS, _SHOWN, strict=False):
        axis = known[name]
        if axis.sigma == 0:
            continue
        values, lost = axis.curve
        shown = np.linspace(-_SIGMAS, _SIGMAS, 121)
        outer = np.interp(shown * axis.sigma, values, lost.max(1), left=np.nan, right=np.nan)
        dashes = (0, (4, 3)) if name == "y_um" else "-"  # often the same line as x
        axes.plot(shown, outer, color=color, ls=dashes, label=f"{axis.words}, {axis.sigma:g} {axis.unit}")
        highest = max(highest, float(np.nanmax(outer)))
    axes.set(xlabel="error (standard deviations of the sheet)", ylabel="loss of the worst fibre (dB)")
    axes.set(xlim=(-_SIGMAS, _SIGMAS), ylim=(min(-0.05, -0.02 * highest), min(highest * 1.4, 4.0)))
    axes.set_title("one error alone")
    axes.legend(fontsize=8, loc="upper center")


def _yields(axes: Axes, result: ToleranceResult) -> None:
    share = result.wanted if result.unit == "array" else result.wanted ** (1 / result.engines)
    found = next(one for one in result.accuracies if one.name == ALL)
    factors, kept = found.curve
    axes.plot(factors, 100 * kept, color=TX)
    axes.axhline(100 * share, color=FAINT, lw=1.2)
    axes.plot([1.0], [100 * result.array.value], ls="none", marker="o", color=INK, label="as the sheet says")
    if found.needed is not None and not found.at_least:
        axes.axvspan(found.low or 0.0, found.high or found.needed, color=RX, alpha=0.25, lw=0)
        words = f"{found.needed:.2f}: {100 * result.wanted:.6g} % of the {result.unit}s are good"
        axes.axvline(found.needed, color=RX, lw=1.2, label=words)
    axes.set(xlabel="all shifts and turns (times the sheet)", ylabel="yield of arrays (%)")
    axes.set(xlim=(0, float(factors[-1])), ylim=(0, 102))
    axes.set_title(result.limit)
    axes.legend(fontsize=8, loc="lower left")
