"""Pictures of the layout for files: the package with its faceplate and, larger, its dies; one device or engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from cpo_pdk.report.figures import INK, style
from cpo_pdk.report.scene import Placement, Scene
from cpo_pdk.tech.layers import CONNECTOR_LEVELS, FIBER_LEVELS, LAYERS

#: from the bottom up; what is not named is drawn in the order of the process above these
_BOTTOM = (
    *("SUBSTRATE", "INTERPOSER", "CAPACITORS", "CARRIER", "SOCKET", "STIFFENER", "LID", "KEEPOUT", "OVERPASS"),
    *("FLOORPLAN", "DICING", "EIC", "ASIC", "SHORELINE", "ASIC_BUMP", "AIRWIRE", "SLAB90", "SLAB150"),
)
#: above all others: ribbons from the lowest to the highest, and what the plates of the plugs hold
_TOP = (*FIBER_LEVELS, "FIBER_PM", *CONNECTOR_LEVELS, "CONNECTOR_PM", "COLDPLATE")
OPACITY = {
    "KEEPOUT": 0.25,
    "EIC": 0.18,
    "FLOORPLAN": 0.55,
    "SLAB90": 0.5,
    "SUBSTRATE": 1.0,
    "OVERPASS": 0.35,
    "COLDPLATE": 0.15,
    "AIRWIRE": 0.25,
    "N": 0.6,
    "P": 0.6,
    "BUMP": 0.75,
    "M2": 0.55,
    "M1": 0.6,
    # ribbons lie over one another: the lower ones shine through
    **dict.fromkeys(FIBER_LEVELS[1:], 0.6),
}
_ON_CHIP = frozenset(name for name, info in LAYERS.items() if info.group in ("silicon", "implants", "metals"))
_TINY = _ON_CHIP | {"ASIC_BUMP"}
_FIBRES = frozenset((*FIBER_LEVELS, "FIBER_PM"))
_ROWS = (*CONNECTOR_LEVELS, "CONNECTOR_PM")
#: the dies have a picture of their own where they take up less than this share of the width
_SMALL = 0.75
_WIDTH, _HEIGHT, _LEGEND = 11.0, 9.0, 1.6  # inches
_ROW_HEIGHT = 0.26  # of a row of connectors as the faceplate shows it, inches


def package_figure(scene: Scene) -> Figure:
    """The package from above, its dies larger beside it, and the faceplate from the front with its rows of connectors.

    On-chip layers and single bumps are too small to be seen and left out.
    """
    box = scene.cells[scene.top].box
    smallest = max(box[2] - box[0], box[3] - box[1]) / 2000
    outlines = _outlines(scene, scene.top, lambda layer: layer not in _TINY, smallest)
    middle, rows = _middle(outlines, box), _faceplate(scene)
    scale = min(_WIDTH / _side(box, 0), _HEIGHT / _side(box, 1))
    whole = (_side(box, 0) * scale, max(2.0, _side(box, 1) * scale))
    beside = 0.0 if middle is None else min(_WIDTH * 0.65, whole[1] * _side(middle, 0) / _side(middle, 1))
    front = _ROW_HEIGHT * (len(rows) + 1) if rows else 0.0
    with style():
        figure = Figure(figsize=(whole[0] + beside + _LEGEND, whole[1] + front + 0.4), layout="constrained")
        columns = [whole[0], *([beside] if beside else [])]
        grid = figure.add_gridspec(
            2 if rows else 1,
            len(columns),
            width_ratios=columns,
            height_ratios=[front, whole[1]] if rows else [1.0],
        )
        plan = rightmost = figure.add_subplot(grid[-1, 0])
        _draw(plan, outlines, box)
        _name_dies(plan, scene)
        if rows:
            _draw_faceplate(figure.add_subplot(grid[0, 0], sharex=plan), rows)
        else:
            _name_connectors(plan, scene)
        if middle is not None:
            dies = rightmost = figure.add_subplot(grid[:, 1])
            _draw(dies, outlines, middle)
            _name_dies(dies, scene)
            corner = (middle[0], middle[1])
            frame = Rectangle(corner, _side(middle, 0), _side(middle, 1), fill=False, ec=INK, lw=0.6, ls=(0, (4, 3)))
            plan.add_patch(frame)
        _legend(rightmost, drawing_order(outlines))
    return figure


def cell_figure(scene: Scene, cell: str) -> Figure:
    """One device or engine with all its layers."""
    outlines = _outlines(scene, cell, lambda layer: LAYERS[layer].group != "package", skip_below=0.0)
    box = scene.cells[cell].box
    scale = min(_WIDTH / _side(box, 0), _HEIGHT / _side(box, 1))
    size = (_side(box, 0) * scale + _LEGEND, max(2.0, _side(box, 1) * scale) + 0.4)
    with style():
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        _draw(axes, outlines, box)
        _legend(axes, drawing_order(outlines))
    return figure


def drawing_order(layers: Iterable[str]) -> list[str]:
    """Layers from the bottom up."""
    given = set(layers)
    known = [name for name in LAYERS if name in given]
    between = [name for name in known if name not in _BOTTOM and name not in _TOP]
    return [*(name for name in _BOTTOM if name in known), *between, *(name for name in _TOP if name in known)]


Box = tuple[float, float, float, float]
Outlines = dict[str, list[NDArray[np.float64]]]


def _side(box: Box, axis: int) -> float:
    """Width (0) or height (1) of a box, um; never 0."""
    return max(box[axis + 2] - box[axis], 0.01)


def _outlines(scene: Scene, cell: str, wanted: Callable[[str], bool], skip_below: float) -> Outlines:
    found: Outlines = {}
    for layer, outline in scene.flat(cell, skip_below):
        if wanted(layer):
            found.setdefault(layer, []).append(outline)
    return found


def _middle(outlines: Outlines, box: Box) -> Box | None:
    """Where the dies stand, with the fan-out of their fibres, um; None where that is most of the picture."""
    dies = [outline for layer in ("ASIC", "FLOORPLAN", "CARRIER", "INTERPOSER") for outline in outlines.get(layer, ())]
    if not dies:
        return None
    points = np.concatenate(dies)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * float(max(high - low))
    left, bottom = (float(v) - margin for v in low)
    right, top = (float(v) + margin for v in high)
    return (left, bottom, right, top) if right - left < _SMALL * _side(box, 0) else None


def _draw(axes: Axes, outlines: Outlines, box: Box) -> None:
    """Everything in a box, lowest layer first, with a scale bar."""
    left, bottom, right, top = box
    for layer in drawing_order(outlines):
        color = LAYERS[layer].color
        # not moved to whole pixels: of fibres side by side some would vanish and others grow broad
        axes.add_collection(
            PolyCollection(
                outlines[layer],
                facecolors=color,
                edgecolors=color,
                linewidths=0.25,
                alpha=OPACITY.get(layer, 0.9),
                snap=False,
            )
        )
    axes.set_xlim(left - 0.02 * (right - left), right + 0.02 * (right - left))
    axes.set_ylim(bottom - 0.03 * (top - bottom), top + 0.02 * (top - bottom))
    axes.set_aspect("equal")
    axes.axis("off")
    _scale_bar(axes, left, bottom - 0.015 * (top - bottom), right - left)


def _legend(axes: Axes, order: list[str]) -> None:
    handles = [axes.scatter([], [], marker="s", s=36, color=LAYERS[n].color, label=n) for n in order]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, handletextpad=0.3)


def _centre(scene: Scene, placed: Placement) -> tuple[Box, tuple[float, float]]:
    """Box and middle of a placed cell in the top cell, um."""
    left, bottom, right, top = scene.cells[placed.cell].box
    points = np.array(scene.to_parent(placed, np.array([[left, bottom], [right, top]])))
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = points.mean(axis=0)
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1])), (float(x), float(y))


def _name_dies(axes: Axes, scene: Scene) -> None:
    """Write the names of dies on them: neither connectors nor fibres, which are too many."""
    for placed in scene.cells[scene.top].placements:
        layers = scene.layers_of(placed.cell)
        if not placed.name or layers <= _FIBRES or layers & set(_ROWS):
            continue
        _, (x, y) = _centre(scene, placed)
        short = placed.name.rpartition("_")[2] if "FLOORPLAN" in layers else placed.name
        around = [Stroke(linewidth=2.0, foreground="white"), Normal()]
        axes.text(x, y, short, ha="center", va="center", fontsize=6, path_effects=around, clip_on=True)


def _name_connectors(axes: Axes, scene: Scene) -> None:
    """Write the names of connectors on them."""
    for placed in scene.cells[scene.top].placements:
        if placed.name and scene.layers_of(placed.cell) & set(_ROWS):
            _, (x, y) = _centre(scene, placed)
            axes.text(x, y, placed.name.replace("_", "\n", 1), ha="center", va="center", fontsize=6, color="white")


@dataclass(frozen=True)
class _Plug:
    """A connector as the faceplate shows it: row, name, left and right side in um."""

    row: str
    name: str
    left: float
    right: float


def _faceplate(scene: Scene) -> list[tuple[str, list[_Plug]]]:
    """The rows of connectors from the bottom up; none where they don't stand in one line along x."""
    rows: dict[str, list[_Plug]] = {}
    lines: set[float] = set()
    for placed in scene.cells[scene.top].placements:
        for row in scene.layers_of(placed.cell) & set(_ROWS):
            (left, bottom, right, _), _ = _centre(scene, placed)
            rows.setdefault(row, []).append(_Plug(row, placed.name, left, right))
            lines.add(round(bottom))
    if not rows or len(lines) > 1 or any(not plug.name for plugs in rows.values() for plug in plugs):
        return []
    return [(row, sorted(rows[row], key=lambda plug: plug.left)) for row in _ROWS if row in rows]


def _draw_faceplate(axes: Axes, rows: list[tuple[str, list[_Plug]]]) -> None:
    """The faceplate from the front: true width, rows above one another."""
    for height, (row, plugs) in enumerate(rows):
        for plug in plugs:
            width = plug.right - plug.left
            axes.add_patch(Rectangle((plug.left, height + 0.08), width, 0.84, fc=LAYERS[row].color, ec="white", lw=0.4))
            kind, _, short = plug.name.partition("_")
            axes.text(
                plug.left + width / 2,
                height + 0.48,
                (short or kind).replace("_", "-"),
                ha="center",
                va="center",
                fontsize=5,
                color="white",
            )
        kinds = sorted({plug.name.partition("_")[0] for plug in plugs})
        axes.annotate(
            "/".join(kinds),
            (plugs[0].left, height + 0.48),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=6,
        )
    axes.set_ylim(0, len(rows))
    axes.axis("off")


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
        label, (left + length, bottom), xytext=(5, 0), textcoords="offset points", ha="left", va="center", fontsize=8
    )
