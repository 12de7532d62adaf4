"""The polygons of a GDS file as small numbers, cell by cell: what the viewer of the page and the PNG pictures draw.

Cells stay cells and arrays stay arrays, so a package of eight equal engines costs one engine. Outlines are thinned to
what can be seen: on-chip corners move by at most 5 nm, fibres by at most 0.5 um.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.tech.layers import LAYERS, NAMES

#: layers that are marks for programs, not for the eye
HIDDEN = frozenset({"TEXT", "PORT", "PORTE", "DEVREC"})
_CHIP_TOLERANCE_UM = 0.005
_PACKAGE_TOLERANCE_UM = 0.5


@dataclass(frozen=True)
class Placement:
    """An instance or a regular array of them: cell, place in um, mirror at the x axis (first), turn in degrees."""

    cell: str
    name: str
    x: float
    y: float
    angle: float
    mirror: bool
    columns: int = 1
    rows: int = 1
    step_a: tuple[float, float] = (0.0, 0.0)
    step_b: tuple[float, float] = (0.0, 0.0)

    @property
    def turn(self) -> NDArray[np.float64]:
        """Mirror and turn as a matrix of shape (2, 2)."""
        cos, sin = np.cos(np.deg2rad(self.angle)), np.sin(np.deg2rad(self.angle))
        return np.array([[cos, -sin], [sin, cos]]) @ np.diag([1.0, -1.0 if self.mirror else 1.0])


@dataclass(frozen=True)
class SceneCell:
    """What one cell holds: outlines by layer, arrays of shape (N, 2) in um, and placements; `box` is of all below."""

    name: str
    box: tuple[float, float, float, float]
    outlines: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    placements: tuple[Placement, ...] = ()


@dataclass(frozen=True)
class Scene:
    """The cells of a layout by name, and its top."""

    top: str
    cells: dict[str, SceneCell]
    _layers_of: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    def layers(self) -> list[str]:
        """Names of the layers that hold something, in the order of the process."""
        used = {name for cell in self.cells.values() for name in cell.outlines}
        return [name for name in LAYERS if name in used]

    def flat(self, cell: str, skip_below: float = 0.0) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Yield (layer, outline of shape (N, 2) in um) of `cell` and all below it, in coordinates of `cell`.

        Args:
            cell: where to start.
            skip_below: leave out placed cells whose box is smaller than this in both directions, um.
        """
        yield from self._flat(cell, np.eye(2), np.zeros(2), skip_below)

    def layers_of(self, cell: str) -> frozenset[str]:
        """Names of the layers in `cell` and all below it."""
        if cell not in self._layers_of:
            below = [self.layers_of(placed.cell) for placed in self.cells[cell].placements]
            self._layers_of[cell] = frozenset(self.cells[cell].outlines).union(*below)
        return self._layers_of[cell]

    @staticmethod
    def to_parent(placed: Placement, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of shape (N, 2) in the placed cell as points in the cell that holds it (first element of an array)."""
        return points @ placed.turn.T + np.array([placed.x, placed.y])

    def _flat(
        self, name: str, turn: NDArray[np.float64], shift: NDArray[np.float64], skip_below: float
    ) -> Iterator[tuple[str, NDArray[np.float64]]]:
        cell = self.cells[name]
        for layer, outlines in cell.outlines.items():
            for outline in outlines:
                yield layer, outline @ turn.T + shift
        for placed in cell.placements:
            left, bottom, right, top = self.cells[placed.cell].box
            if max(right - left, top - bottom) < skip_below:
                continue
            for column in range(placed.columns):
                for row in range(placed.rows):
                    step = column * np.array(placed.step_a) + row * np.array(placed.step_b)
                    origin = np.array([placed.x, placed.y]) + step
                    yield from self._flat(placed.cell, turn @ placed.turn, turn @ origin + shift, skip_below)


def read_scene(path: Path) -> Scene:
    """Read the drawable part of a layout file.

    Raises:
        LayoutError: the file can't be read.
    """
    file = read_layout(path)
    layout = file.layout
    wanted = {
        index: NAMES[(info.layer, info.datatype)]
        for index, info in zip(layout.layer_indexes(), layout.layer_infos(), strict=True)
        if NAMES.get((info.layer, info.datatype), "TEXT") not in HIDDEN
    }
    cells = {}
    for index in [file.top.cell_index(), *file.top.called_cells()]:
        cell = layout.cell(index)
        if not cell.dbbox().empty():
            cells[cell.name] = _cell(cell, wanted, layout)
    return Scene(file.top.name, cells)


def _cell(cell: kdb.Cell, wanted: dict[int, str], layout: kdb.Layout) -> SceneCell:
    outlines: dict[str, list[NDArray[np.float64]]] = {}
    for index, name in wanted.items():
        if cell.shapes(index).is_empty():
            continue
        tolerance = _PACKAGE_TOLERANCE_UM if LAYERS[name].group == "package" else _CHIP_TOLERANCE_UM
        found = [outline for shape in cell.shapes(index).each() for outline in _outlines(shape, tolerance, layout.dbu)]
        if found:
            outlines[name] = found
    placements = tuple(_placement(i, layout) for i in cell.each_inst() if not i.dbbox().empty())
    box = cell.dbbox()
    return SceneCell(cell.name, (box.left, box.bottom, box.right, box.top), outlines, placements)


def _outlines(shape: kdb.Shape, tolerance: float, dbu: float) -> Iterator[NDArray[np.float64]]:
    if not (shape.is_polygon() or shape.is_box() or shape.is_path()):
        return
    polygon = shape.polygon
    parts = [polygon] if polygon.holes() == 0 else list(kdb.Region(polygon).decompose_trapezoids_to_region().each())
    for part in parts:
        thin = part.smooth(round(tolerance / dbu), True) if part.num_points_hull() > 12 else part
        hull = thin if thin.num_points_hull() >= 3 else part
        yield np.array([(p.x, p.y) for p in hull.each_point_hull()], dtype=float) * dbu


def _placement(instance: kdb.Instance, layout: kdb.Layout) -> Placement:
    trans = instance.dcplx_trans
    a, b = instance.da, instance.db
    name = instance.property(0)
    return Placement(
        cell=layout.cell(instance.cell_index).name,
        name=name if isinstance(name, str) else "",
        x=trans.disp.x,
        y=trans.disp.y,
        angle=trans.angle,
        mirror=trans.is_mirror(),
        columns=max(1, instance.na),
        rows=max(1, instance.nb),
        step_a=(a.x, a.y),
        step_b=(b.x, b.y),
    )
