"""A synthetic package for the DRC benchmark: N equal engines of ring macros, a bumped ASIC and curved fibre ribbons.

Drawn with KLayout's database alone: the benchmark needs no layout framework, and any number of engines can be asked
for. It obeys the design rules; nothing in it is meant to work optically.
"""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.layers import layer_of

PITCH = 127.0
RINGS = 8
MACROS = 16


def _offset_polygon(x: NDArray[np.float64], y: NDArray[np.float64], width: float) -> kdb.DPolygon:
    """Polygon of constant `width` (um) around the centre line x, y (um, shape (N,))."""
    dx, dy = np.gradient(x), np.gradient(y)
    norm = np.hypot(dx, dy)
    nx, ny = -dy / norm * width / 2, dx / norm * width / 2
    left, right = np.column_stack([x + nx, y + ny]), np.column_stack([x - nx, y - ny])[::-1]
    return kdb.DPolygon([kdb.DPoint(a, b) for a, b in np.vstack([left, right])])


def _ring_polygon(radius: float, width: float, points: int = 180) -> kdb.DPolygon:
    """Annulus of mean `radius` and `width`, um."""
    t = np.linspace(0, 2 * np.pi, points, endpoint=False)
    hull = [kdb.DPoint((radius + width / 2) * np.cos(a), (radius + width / 2) * np.sin(a)) for a in t]
    hole = [kdb.DPoint((radius - width / 2) * np.cos(a), (radius - width / 2) * np.sin(a)) for a in t]
    polygon = kdb.DPolygon(hull)
    polygon.insert_hole(hole)
    return polygon


class _Drawer:
    """The layout under construction and its layer numbers."""

    def __init__(self) -> None:
        self.layout = kdb.Layout()
        self.layout.dbu = 0.001

    def put(self, cell: kdb.Cell, layer: str, shape: kdb.DBox | kdb.DPolygon) -> None:
        cell.shapes(self.layout.layer(*layer_of(layer))).insert(shape)

    def box(self, cell: kdb.Cell, layer: str, x: float, y: float, w: float, h: float) -> None:
        """A box of w by h centred at x, y; um."""
        self.put(cell, layer, kdb.DBox(x - w / 2, y - h / 2, x + w / 2, y + h / 2))

    def place(self, parent: kdb.Cell, child: kdb.Cell, x: float, y: float, angle: float = 0.0) -> None:
        parent.insert(kdb.DCellInstArray(child.cell_index(), kdb.DCplxTrans(1.0, angle, False, x, y)))


def _via_pad(d: _Drawer) -> kdb.Cell:
    """End of a heater: TiN, a 3 x 3 array of VIA1, and M2."""
    cell = d.layout.create_cell("via_pad")
    d.box(cell, "HEATER", 0, 0, 4, 4)
    d.box(cell, "M2", 0, 0, 4, 4)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            d.box(cell, "VIA1", 1.3 * i, 1.3 * j, 0.6, 0.6)
    return cell


def _contact(d: _Drawer, implant: str) -> kdb.Cell:
    cell = d.layout.create_cell(f"contact_{implant.lower()}")
    d.box(cell, "SLAB90", 0, 0, 6.4, 3.4)
    d.box(cell, implant, 0, 0, 6, 3)
    d.box(cell, "M1", 0, 0, 6, 3)
    for i in range(-2, 3):
        for j in (-1, 0, 1):
            d.box(cell, "VIAC", 1.0 * i, 0.8 * j, 0.4, 0.4)
    return cell


def _ring(d: _Drawer, index: int, via: kdb.Cell, n: kdb.Cell, p: kdb.Cell) -> kdb.Cell:
    cell = d.layout.create_cell(f"ring_{index}")
    radius = 6.0 + 0.013 * index
    d.put(cell, "WG", _ring_polygon(radius, 0.4))
    d.put(cell, "SLAB90", kdb.DPolygon.ellipse(kdb.DBox(-radius - 3, -radius - 3, radius + 3, radius + 3), 64))
    d.put(cell, "N", kdb.DPolygon.ellipse(kdb.DBox(-radius + 1.5, -radius + 1.5, radius - 1.5, radius - 1.5), 64))
    d.put(cell, "HEATER", _ring_polygon(radius, 1.5, 90))
    d.box(cell, "WG", 0, -radius - 0.2 - 0.4, 30, 0.4)
    d.place(cell, n, 0, 0)
    d.place(cell, p, 0, -radius - 12)
    d.place(cell, via, 0, radius + 15)
    d.box(cell, "HEATER", 0, radius + 8, 3, 16)
    return cell


def _bump(d: _Drawer) -> kdb.Cell:
    cell = d.layout.create_cell("bump")
    for layer, size in (("M2", 30.0), ("PADOPEN", 14.0), ("BUMP", 20.0)):
        d.put(cell, layer, kdb.DPolygon.ellipse(kdb.DBox(-size / 2, -size / 2, size / 2, size / 2), 32))
    return cell


def _engine(d: _Drawer) -> kdb.Cell:
    engine = d.layout.create_cell("engine")
    via, n, p, bump = _via_pad(d), _contact(d, "NPP"), _contact(d, "PPP"), _bump(d)
    rings = [_ring(d, i, via, n, p) for i in range(RINGS)]
    bend = d.layout.create_cell("bend_s")
    t = np.linspace(0, 1, 200)
    d.put(bend, "WG", _offset_polygon(400 * t, 40 * (t - np.sin(2 * np.pi * t) / (2 * np.pi)), 0.4))
    for m in range(MACROS):
        y = m * PITCH
        for i, ring in enumerate(rings):
            d.place(engine, ring, 15 + 100 * i, y)
            radius = 6.0 + 0.013 * i
            yb = y - radius - 0.6
            if i < RINGS - 1:
                t = np.linspace(0, 1, 60)
                dy = -0.013 * (t - np.sin(2 * np.pi * t) / (2 * np.pi))
                d.put(engine, "WG", _offset_polygon(30 + 100 * i + 70 * t, yb + dy, 0.4))
            d.place(engine, bump, 15 + 100 * i, y + 60)
            d.put(engine, "M2", kdb.DBox(14 + 100 * i, y + radius + 14, 16 + 100 * i, y + 60))
        d.place(engine, bend, 730, y - 6.0 - 0.013 * 7 - 0.6)
        d.box(engine, "WG", 1130 + 500, y + 40 - 6.0 - 0.013 * 7 - 0.6, 1000, 0.4)
    d.put(engine, "FLOORPLAN", kdb.DBox(-200, -200, 2200, MACROS * PITCH + 200))
    return engine


def draw_package(path: Path, engines: int = 8, fibres_per_engine: int = 22) -> Path:
    """Write the synthetic package with `engines` engines and curved fibres to `path`; returns `path`."""
    d = _Drawer()
    engine = _engine(d)
    top = d.layout.create_cell("package")
    d.box(top, "ASIC", -20000, 0, 26000, 31000)
    ball = d.layout.create_cell("asic_bump")
    d.box(ball, "ASIC_BUMP", 0, 0, 80, 80)
    vectors = (kdb.DVector(150, 0), kdb.DVector(0, 150))
    top.insert(kdb.DCellInstArray(ball.cell_index(), kdb.DTrans(-32000.0, -15000.0), *vectors, 160, 200))
    for e in range(engines):
        y0 = e * (fibres_per_engine * PITCH + 3000.0)
        d.place(top, engine, 0, y0)
        for f in range(fibres_per_engine):
            radius = 15000.0 + f * PITCH
            t = np.linspace(0, np.pi / 3, 100)
            s = 1
            x1, y1 = radius * np.sin(t), s * radius * (1 - np.cos(t))
            length = np.linspace(0, 1, 20)[1:, None] * np.array([np.cos(np.pi / 3), s * np.sin(np.pi / 3)]) * 20000
            x = 2300 + np.concatenate([x1, x1[-1] + length[:, 0]])
            y = y0 - s * f * PITCH + np.concatenate([y1, y1[-1] + length[:, 1]])
            d.put(top, "FIBER", _offset_polygon(x, y, 125.0))
    options = kdb.SaveLayoutOptions()
    options.gds2_write_timestamps = False
    d.layout.write(str(path), options)
    return path
