"""A layout as one inline SVG that keeps its hierarchy: an outline that is placed a hundred times is written once.

Layers are drawn from the bottom up across all cells: every cell has one group a layer, which places those of the cells
in it. Ports are marked, a bar gives the scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.report.gallery_data import PortLine
from cpo_pdk.report.pictures import OPACITY, drawing_order, scale_length
from cpo_pdk.report.scene import Placement, Scene
from cpo_pdk.tech.layers import LAYERS

#: largest number of steps of the drawing's grid from side to side
_STEPS = 100_000
#: smallest height of the picture as a share of its width, and the other way round
_SLIMMEST = 0.22
_MARGIN = 0.07
#: picture on the page: most width, most height (of a tall one), height of letters, in its pixels
_WIDE, _HIGH, _TALL, _LETTER = 600.0, 416.0, 736.0, 11.0
#: most ports that are marked
_PORTS_SHOWN = 60


def drawing_svg(scene: Scene, key: str, title: str, ports: Sequence[PortLine] = ()) -> str:
    """The top cell of a scene.

    Args:
        scene: what is drawn.
        key: begins the ids in it; once in a page.
        title: for readers who don't see it.
        ports: to mark.
    """
    left, bottom, right, top = scene.cells[scene.top].box
    unit = 10.0 ** max(-3, int(np.ceil(np.log10(max(right - left, top - bottom, 1e-3) / _STEPS))))
    view = _view(left, bottom, right, top, unit)
    writer = _Writer(scene, key, unit)
    layers = [name for name in drawing_order(scene.layers()) if LAYERS[name].group != "package" or _only_package(scene)]
    groups = "".join(
        f'<g data-layer="{name}" fill="{LAYERS[name].color}" stroke="{LAYERS[name].color}" '
        f'opacity="{OPACITY.get(name, 0.9):g}">{writer.use_of(scene.top, name)}</g>'
        for name in layers
    )
    tall = view[3] > 1.5 * view[2]
    size = max(view[2] / _WIDE, view[3] / (_TALL if tall else _HIGH)) * _LETTER
    marks = "".join(_port(p, unit, size) for p in ports[:_PORTS_SHOWN])
    return (
        f'<svg class="drawing{" tall" * tall}" viewBox="{" ".join(f"{v:.0f}" for v in view)}" '
        f'role="img" aria-label="{escape(title)}">'
        f'<defs>{writer.text()}</defs><g id="{key}" transform="scale(1,-1)">{groups}</g>'
        f'<g class="marks" font-size="{size:.0f}">{marks}{_bar(view, unit, size)}</g></svg>'
    )


def _only_package(scene: Scene) -> bool:
    return all(LAYERS[name].group == "package" for name in scene.layers())


def _view(left: float, bottom: float, right: float, top: float, unit: float) -> tuple[float, float, float, float]:
    """x, y, width, height of the picture in steps of `unit` um, y downwards."""
    width, height = max(right - left, 1e-3), max(top - bottom, 1e-3)
    wide, high = max(width, height * 0.6), max(height, width * _SLIMMEST)
    pad = _MARGIN * max(wide, high)
    x, y = (left + right) / 2 - wide / 2 - pad, -(bottom + top) / 2 - high / 2 - pad
    return x / unit, y / unit, (wide + 2 * pad) / unit, (high + 3 * pad) / unit


class _Writer:
    """The groups of one drawing, each written when first asked for."""

    def __init__(self, scene: Scene, key: str, unit: float) -> None:
        self.scene, self.key, self.unit = scene, key, unit
        self._cells = {name: str(number) for number, name in enumerate(scene.cells)}
        self._layers = {name: str(number) for number, name in enumerate(LAYERS)}
        self._parts: dict[tuple[str, str], str] = {}

    def text(self) -> str:
        """All groups."""
        return "".join(self._parts.values())

    def use_of(self, cell: str, layer: str, transform: str = "") -> str:
        """A reference to what a cell and all below it have on a layer; empty where that is nothing."""
        if layer not in self.scene.layers_of(cell):
            return ""
        if (cell, layer) not in self._parts:
            inside = self._inside(cell, layer)  # first: what is in it has to be written before it
            self._parts[cell, layer] = f'<g id="{self._id(cell, layer)}">{inside}</g>'
        return f'<use href="#{self._id(cell, layer)}"{transform}/>'

    def _id(self, cell: str, layer: str) -> str:
        return f"{self.key}-{self._cells[cell]}-{self._layers[layer]}"

    def _inside(self, cell: str, layer: str) -> str:
        own = "".join(self._path(outline) for outline in self.scene.cells[cell].outlines.get(layer, ()))
        placed = "".join(
            self.use_of(p.cell, layer, self._transform(p, column, row))
            for p in self.scene.cells[cell].placements
            if layer in self.scene.layers_of(p.cell)
            for column in range(p.columns)
            for row in range(p.rows)
        )
        return (f'<path d="{own}"/>' if own else "") + placed

    def _transform(self, p: Placement, column: int, row: int) -> str:
        x = (p.x + column * p.step_a[0] + row * p.step_b[0]) / self.unit
        y = (p.y + column * p.step_a[1] + row * p.step_b[1]) / self.unit
        turn = "" if np.isclose(p.angle % 360, 0) else f" rotate({p.angle:g})"
        flip = " scale(1,-1)" if p.mirror else ""
        return f' transform="translate({x:.0f},{y:.0f}){turn}{flip}"'

    def _path(self, outline: NDArray[np.float64]) -> str:
        points = np.rint(outline / self.unit).astype(np.int64)
        steps = np.diff(points, axis=0)
        steps = steps[np.any(steps != 0, axis=1)]
        numbers = "".join(f"{v}" if v < 0 else f" {v}" for v in steps.ravel().tolist())
        return f"M{points[0][0]} {points[0][1]}l{numbers.lstrip()}z"


def _port(port: PortLine, unit: float, size: float) -> str:
    x, y = port.x / unit, -port.y / unit
    dx, dy = {0: (1, 0), 90: (0, -1), 180: (-1, 0), 270: (0, 1)}.get(port.direction % 360, (0, -1))
    kind = "e" if port.kind == "electrical" else "o"
    anchor = {1: "start", -1: "end"}.get(dx, "middle")
    tx, ty = x + dx * size * 0.5, y + dy * size * 0.7 + size * 0.35
    return (
        f'<circle class="{kind}" cx="{x:.0f}" cy="{y:.0f}" r="{size * 0.22:.0f}"/>'
        f'<text x="{tx:.0f}" y="{ty:.0f}" text-anchor="{anchor}">{escape(port.name)}</text>'
    )


def _bar(view: tuple[float, float, float, float], unit: float, size: float) -> str:
    length, label = scale_length(view[2] * unit)
    x, y = view[0] + size, view[1] + view[3] - size
    return (
        f'<path class="bar" d="M{x:.0f} {y:.0f}h{length / unit:.0f}"/>'
        f'<text x="{x:.0f}" y="{y - size * 0.5:.0f}">{label}</text>'
    )
