"""Pictures of a search through designs: its front, and how it grew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cpo_pdk.report.explore_data import Axis, Exploration
from cpo_pdk.report.figures import FAINT, RX, TX, style


def front_figure(result: Exploration) -> Figure:
    """All designs that were computed over the first two objectives, those of the front in colour and by number."""
    across, up = result.objectives[:2]
    with style():
        figure = Figure(figsize=(8.0, 5.0), layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        for words, color, size, chosen in (
            ("break a limit", FAINT, 3.5, [p for p in result.points if p.verdict == "violates"]),
            ("keep all limits", TX, 4.0, [p for p in result.points if p.verdict == "feasible" and not p.front]),
            ("front", RX, 7.0, [p for p in result.points if p.front]),
        ):
            x, y = (np.array([p.measures.get(axis.name, np.nan) for p in chosen], float) for axis in (across, up))
            axes.plot(x, y, ls="none", marker="o", ms=size, mec="none", color=color, label=words)
            if words == "front":
                for point, left, top in zip(chosen, x, y, strict=True):
                    at = {"xytext": (5, 4), "textcoords": "offset points", "fontsize": 8}
                    axes.annotate(str(point.number), (left, top), **at)
        kept = [p for p in result.points if p.verdict == "feasible"]
        for axis, limit in ((across, axes.set_xlim), (up, axes.set_ylim)):
            values = [p.measures[axis.name] for p in kept if np.isfinite(p.measures.get(axis.name, np.nan))]
            if values:
                room = 0.08 * (max(values) - min(values)) or 0.5
                limit(min(values) - room, max(values) + room)
        axes.set_xlabel(_label(across))
        axes.set_ylabel(_label(up))
        axes.legend(fontsize=8)
    return figure


def _label(axis: Axis) -> str:
    unit = f" ({axis.unit})" if axis.unit else ""
    better = {"minimize": ", less is better", "maximize": ", more is better"}.get(axis.direction, "")
    return f"{axis.words or axis.name}{unit}{better}"


def growth_figure(hypervolume: Sequence[float]) -> Figure:
    """Volume that the front dominates, after each generation."""
    with style():
        figure = Figure(figsize=(5.2, 3.0), layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        axes.plot(range(1, len(hypervolume) + 1), hypervolume, color=TX, marker="o", ms=3.5)
        axes.set(xlabel="generation", ylabel="volume that the front dominates", ylim=(0, None))
    return figure
