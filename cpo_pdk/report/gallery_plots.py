"""Pictures of the gallery: the spectrum of a device, and one sheet with the drawings of all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cpo_pdk.report.figures import CHANNELS, INK, style
from cpo_pdk.report.gallery_data import Device, Physics, Sweep
from cpo_pdk.report.pictures import OPACITY, drawing_order, scale_length
from cpo_pdk.report.scene import Scene
from cpo_pdk.tech.layers import LAYERS

#: nothing below is shown, dB
FLOOR_dB = -70.0
#: least height of a plot, dB
_LEAST_dB = 1.0
#: most traces in one plot
SHOWN = 10
_COLUMNS = 6


def spectrum_figure(physics: Physics) -> Figure:
    """Transmission in dB over wavelength, one trace a port pair; reflections thin and dashed."""
    with style():
        figure = Figure(figsize=(7.0, 3.4))
        axes = figure.add_axes((0.105, 0.15, 0.60, 0.80))
        nm = physics.wl * 1e3
        lowest, highest, drawn = 0.0, FLOOR_dB, 0  # of what is shown, dB
        for trace in physics.traces:
            level = np.maximum(-trace.loss_dB, FLOOR_dB)
            if level.max() <= FLOOR_dB or drawn == SHOWN:
                continue
            color = CHANNELS[(drawn * 3) % len(CHANNELS)]
            width, dashes = (0.9, (0, (3, 2))) if trace.minor else (1.5, "-")
            axes.plot(nm, level, color=color, label=trace.label, lw=width, ls=dashes)
            lowest, highest, drawn = min(lowest, float(level.min())), max(highest, float(level.max())), drawn + 1
        span = max(highest - lowest, _LEAST_dB)
        lowest = min(lowest, highest - _LEAST_dB)
        axes.set(
            xlabel="wavelength (nm)",
            ylabel="transmission (dB)",
            xlim=(nm[0], nm[-1]),
            ylim=(lowest - 0.06 * span, max(highest, 0.0 if lowest > -3 else highest) + 0.06 * span),
        )
        axes.ticklabel_format(useOffset=False)
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=1.4)
    return figure


def sweep_figure(sweeps: Sequence[Sweep]) -> Figure:
    """Transmission over each drive or disturbance, two panels a row; the phase of the main path on the right."""
    rows = math.ceil(len(sweeps) / 2)
    with style():
        figure = Figure(figsize=(7.0, 2.5 * rows))
        for number, sweep in enumerate(sweeps):
            row, column = divmod(number, 2)
            axes = figure.add_axes((0.09 + 0.5 * column, 1 - (row + 1) / rows + 0.2 / rows, 0.32, 0.68 / rows))
            turning = np.ptp(sweep.phase) > 0.1
            for index, trace in enumerate(sweep.traces[:6]):
                level = np.maximum(-trace.loss_dB, FLOOR_dB)
                axes.plot(sweep.values, level, color=CHANNELS[(index * 3) % len(CHANNELS)], label=trace.label)
            low, high = axes.get_ylim()
            if high - low < _LEAST_dB:
                axes.set_ylim(high - _LEAST_dB, high + 0.05 * _LEAST_dB)
            unit = "" if sweep.unit == "1" else f" ({sweep.unit.replace('um', 'µm')})"
            axes.set(xlabel=f"{sweep.name}{unit}", ylabel="dB", xlim=(sweep.values[0], sweep.values[-1]))
            axes.set_title(f"at {sweep.wl * 1e3:.2f} nm", fontsize=8, fontweight="normal")
            axes.legend(fontsize=7, loc="best", handlelength=1.2)
            if turning:
                right = axes.twinx()
                right.plot(sweep.values, sweep.phase, color=INK, lw=1.0, ls=(0, (2, 2)))
                right.set_ylabel("phase (half turns)", fontsize=8)
                right.grid(visible=False)
    return figure


def contact_sheet(devices: Sequence[Device]) -> Figure:
    """The drawings of all devices in rows, each as large as its frame allows, with its name and a scale bar."""
    shown = [device for device in devices if device.scene is not None]
    rows = max(1, math.ceil(len(shown) / _COLUMNS))
    with style():
        figure = Figure(figsize=(2.6 * _COLUMNS, 2.15 * rows))
        for number, device in enumerate(shown):
            row, column = divmod(number, _COLUMNS)
            width, height = 1 / _COLUMNS, 1 / rows
            axes = figure.add_axes(
                (column * width + 0.006, 1 - (row + 1) * height + 0.03 / rows, width - 0.012, height * 0.80)
            )
            assert device.scene is not None
            _drawing(axes, device.scene)
            axes.set_title(device.name, fontsize=9, loc="center", pad=3)
    return figure


def _drawing(axes: Axes, scene: Scene) -> None:
    left, bottom, right, top = scene.cells[scene.top].box
    side = max(right - left, (top - bottom) * 1.5, 1e-3)
    outlines: dict[str, list[NDArray[np.float64]]] = {}
    for layer, outline in scene.flat(scene.top, skip_below=side / 400):
        outlines.setdefault(layer, []).append(outline)
    for layer in drawing_order(name for name in scene.layers() if name in outlines):
        color = LAYERS[layer].color
        axes.add_collection(
            PolyCollection(
                outlines[layer],
                facecolors=color,
                edgecolors=color,
                linewidths=0.4,
                alpha=OPACITY.get(layer, 0.9),
                rasterized=True,
            )
        )
    x, y = (left + right) / 2, (bottom + top) / 2
    axes.set_xlim(x - side * 0.53, x + side * 0.53)
    axes.set_ylim(y - side * 0.40, y + side * 0.36)
    axes.set_aspect("equal")
    axes.axis("off")
    length, label = scale_length(side)
    start, low = x - side * 0.5, y - side * 0.375
    axes.plot([start, start + length], [low, low], color=INK, lw=1.6, solid_capstyle="butt")
    axes.annotate(label, (start + length, low), xytext=(3, -2), textcoords="offset points", fontsize=6)
