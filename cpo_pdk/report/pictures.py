"""Pictures of the layout for files: the whole package, and one engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from cpo_pdk.report.figures import INK, style
from cpo_pdk.report.scene import Scene
from cpo_pdk.tech.layers import LAYERS

#: from the bottom up; what is not named is drawn in the order of the process above these
_BOTTOM = ("SUBSTRATE", "KEEPOUT", "FLOORPLAN", "DICING", "EIC", "ASIC", "SHORELINE", "ASIC_BUMP", "SLAB90", "SLAB150")
OPACITY = {
    "KEEPOUT": 0.25,
    "EIC": 0.18,
    "FLOORPLAN": 0.55,
    "SLAB90": 0.5,
    "SUBSTRATE": 1.0,
    "N": 0.6,
    "P": 0.6,
    "BUMP": 0.75,
    "M2": 0.55,
    "M1": 0.6,
}
_ON_CHIP = frozenset(name for name, info in LAYERS.items() if info.group in ("silicon", "implants", "metals"))


def package_figure(scene: Scene) -> Figure:
    """The package from above: dies, keep-outs, fibres, connectors; on-chip layers are too small to be seen."""
    left, bottom, right, top = scene.cells[scene.top].box
    smallest = max(right - left, top - bottom) / 2000
    figure = _figure(scene, scene.top, lambda layer: layer not in _ON_CHIP, smallest)
    with style():
        _name_instances(figure.axes[0], scene)
    return figure


def cell_figure(scene: Scene, cell: str) -> Figure:
    """One device or engine with all its layers."""
    return _figure(scene, cell, lambda layer: LAYERS[layer].group != "package", skip_below=0.0)


def drawing_order(layers: Iterable[str]) -> list[str]:
    """Layers from the bottom up."""
    known = list(layers)
    return [name for name in _BOTTOM if name in known] + [name for name in known if name not in _BOTTOM]


def _figure(scene: Scene, cell: str, wanted: Callable[[str], bool], skip_below: float) -> Figure:
    outlines: dict[str, list[NDArray[np.float64]]] = {}
    for layer, outline in scene.flat(cell, skip_below):
        if wanted(layer):
            outlines.setdefault(layer, []).append(outline)
    left, bottom, right, top = scene.cells[cell].box
    width, height = max(right - left, 0.01), max(top - bottom, 0.01)
    scale = min(11.0 / width, 9.0 / height)
    with style():
        figure = Figure(figsize=(width * scale + 1.6, max(2.0, height * scale) + 0.4), layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        order = drawing_order(name for name in scene.layers() if name in outlines)
        for layer in order:
            color = LAYERS[layer].color
            axes.add_collection(
                PolyCollection(
                    outlines[layer], facecolors=color, edgecolors=color, linewidths=0.25, alpha=OPACITY.get(layer, 0.9)
                )
            )
        axes.set_xlim(left - 0.02 * width, right + 0.02 * width)
        axes.set_ylim(bottom - 0.02 * height, top + 0.02 * height)
        axes.set_aspect("equal")
        axes.axis("off")
        _scale_bar(axes, left, bottom, width)
        handles = [axes.scatter([], [], marker="s", s=36, color=LAYERS[n].color, label=n) for n in order]
        axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, handletextpad=0.3)
    return figure


def _name_instances(axes: Axes, scene: Scene) -> None:
    """Write the names of dies, engines and connectors on them; fibres are too many."""
    for placed in scene.cells[scene.top].placements:
        if not placed.name or scene.layers_of(placed.cell) <= {"FIBER", "FIBER_PM"}:
            continue
        cell = scene.cells[placed.cell]
        x, y = np.array(scene.to_parent(placed, np.array([[*cell.box[:2]], [*cell.box[2:]]]))).mean(axis=0)
        dark = "CONNECTOR" in scene.layers_of(placed.cell)
        around = [] if dark else [Stroke(linewidth=2.0, foreground="white"), Normal()]
        short = placed.name.rpartition("_")[2] if "FLOORPLAN" in scene.layers_of(placed.cell) else placed.name
        text = placed.name.replace("_", "\n", 1) if dark else short
        axes.text(x, y, text, ha="center", va="center", fontsize=6, color="white" if dark else INK, path_effects=around)


def scale_length(width: float) -> tuple[float, str]:
    """Length in um of a bar for a picture that is `width` um wide, and what is written on it."""
    target = width / 8
    unit = 10.0 ** np.floor(np.log10(target))
    length = float(max(step * unit for step in (1, 2, 5) if step * unit <= target))
    return length, f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"


def _scale_bar(axes: Axes, left: float, bottom: float, width: float) -> None:
    length, label = scale_length(width)
    axes.plot([left, left + length], [bottom, bottom], color=INK, lw=2.5, solid_capstyle="butt", clip_on=False)
    axes.annotate(
        label, (left + length / 2, bottom), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=8
    )
