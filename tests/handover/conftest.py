"""A small package drawn with KLayout alone: everything that a hand-over file may hold, easy to check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.handover.parts import Package
from cpo_pdk.handover.reading import read_package
from cpo_pdk.tech.layers import layer_of

#: radius of the bends of the fibres, um
RADIUS = 15_000.0
SECRET = "secret_ring_radius_4869"
EVIL = "N\"<script>&'1"


def route(start: Sequence[float], heading: float, steps: Sequence[tuple[str, float, float]]) -> list[np.ndarray]:
    """Centre lines of a fibre's pieces, um: ("line", length, 0), ("arc", radius, angle), ("s", length, offset)."""
    pieces = []
    place, angle = np.array(start, dtype=float), math.radians(heading)
    for verb, a, b in steps:
        if verb == "line":
            own, turn = np.array([[0.0, 0.0], [a, 0.0]]), 0.0
        elif verb == "arc":
            turn = math.radians(b)
            t = np.linspace(0, abs(turn), max(3, math.ceil(abs(turn) * math.sqrt(a / 0.8)) + 1))
            own = np.stack([a * np.sin(t), math.copysign(1, b) * a * (1 - np.cos(t))], 1)
        else:
            t, turn = np.linspace(0, 1, 121), 0.0
            own = np.stack([a * t, b * (t - np.sin(2 * np.pi * t) / (2 * np.pi))], 1)
        cos, sin = math.cos(angle), math.sin(angle)
        pieces.append(own @ np.array([[cos, sin], [-sin, cos]]) + place)
        place, angle = pieces[-1][-1], angle + turn
    return pieces


def band(points: np.ndarray, first: float, last: float, width: float = 125.0) -> kdb.DPolygon:
    """The outline of a piece that begins and ends at these headings (degrees)."""
    step = np.diff(points, axis=0)
    heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    middle = (heading[1:] + heading[:-1]) / 2
    at = np.concatenate([[math.radians(first)], middle, [math.radians(last)]])
    side = np.stack([-np.sin(at), np.cos(at)], 1) * width / 2
    side[1:-1] /= np.cos(np.diff(heading) / 2)[:, None]
    return kdb.DPolygon([kdb.DPoint(*p) for p in np.concatenate([points + side, (points - side)[::-1]])])


@dataclass
class Draw:
    """A layout under construction, in um and degrees."""

    layout: kdb.Layout = field(default_factory=kdb.Layout)

    def __post_init__(self) -> None:
        for name, (width, layer) in {"face": (125_000, 310), "wire": (20_000, 45)}.items():
            enclosure = {"main_layer": kdb.LayerInfo(layer, 0), "name": name, "sections": []}
            self.meta(self.layout, f"layer_enclosure:{name}", enclosure)
            self.meta(self.layout, f"cross_section:{name}_{width}", {"layer_enclosure": name, "width": width})

    @staticmethod
    def meta(owner: Any, name: str, value: Any) -> None:
        owner.add_meta_info(kdb.LayoutMetaInfo(f"kfactory:{name}", value, "", True))

    def cell(self, cell_name: str, function: str = "", **about: Any) -> kdb.Cell:
        """A cell; `ports` are (name, type, x, y, direction), the rest is info."""
        cell = self.layout.create_cell(cell_name)
        if function:
            self.meta(cell, "function_name", function)
            self.meta(cell, "basename", f"cpo_{function}")
        ports = about.pop("ports", [])
        self.meta(cell, "settings", about.pop("settings", {}))
        self.meta(cell, "info", about)
        for number, (port, kind, x, y, angle) in enumerate(ports):
            section = "wire_20000" if kind == "electrical" else "face_125000"
            trans = kdb.Trans(angle // 90, False, round(x * 1000), round(y * 1000))
            value = {"name": port, "port_type": kind, "cross_section": section, "info": {}, "trans": trans}
            self.meta(cell, f"ports:{number}", value)
        return cell

    def box(self, cell: kdb.Cell, layer: str, *edges: float) -> None:
        cell.shapes(self.layout.layer(*layer_of(layer))).insert(kdb.DBox(*edges))

    def place(self, cell: kdb.Cell, inside: kdb.Cell, name: str, trans: kdb.DTrans) -> None:
        inside.insert(kdb.DCellInstArray(cell, trans)).set_property(0, name)

    def fibre(self, name: str, layer: str, steps: Sequence[tuple[str, float, float]]) -> tuple[kdb.Cell, float]:
        """A fibre from the origin heading east, a cell a piece; with its length."""
        pieces, headings = route((0, 0), 0, steps), [0.0]
        for verb, _, b in steps:
            headings.append(headings[-1] + (b if verb == "arc" else 0))
        x, y = pieces[-1][-1]
        ports = [("o1", "edge_fibre", 0, 0, 180), ("o2", "edge_fibre", x, y, round(headings[-1]) % 360)]
        length = sum(abs(math.radians(b)) * a if v == "arc" else a for v, a, b in steps)
        cell = self.cell(name, "fiber", ports=ports, length=length)
        for number, points in enumerate(pieces):
            piece = self.layout.create_cell(f"{name}_{number}")
            outline = band(points, headings[number], headings[number + 1])
            piece.shapes(self.layout.layer(*layer_of(layer))).insert(outline)
            cell.insert(kdb.DCellInstArray(piece, kdb.DTrans()))
        return cell, length


def draw_package(path: Path, evil: str = "connector_N") -> Path:
    """Substrate with lid, an ASIC, four engines, one of them mirrored, eight fibres, a connector, airwires."""
    d = Draw()
    asic = d.cell("asic", "asic", ports=[(f"tx_{k}", "electrical", -1500 + 200 * k, 1900, 90) for k in range(1, 5)])
    d.box(asic, "ASIC", -2000, -2000, 2000, 2000)
    bump = d.layout.create_cell("asic_bump")
    d.box(bump, "ASIC_BUMP", -40, -40, 40, 40)
    asic.insert(
        kdb.DCellInstArray(
            bump, kdb.DTrans(kdb.DVector(-1900, -1900)), kdb.DVector(200, 0), kdb.DVector(0, 200), 20, 20
        )
    )

    # an engine: facet in the east, its inside in a cell of its own
    facets = [("tx_1", "edge_facet", 3000, 900, 0), ("rx_1", "edge_facet", 3000, 1150, 0)]
    lanes = [["tx_1/1", 500.0, 400.0], ["rx_1/1", 500.0, 1600.0]]
    engine = d.cell("engine_cell", "engine", ports=facets, lane_bumps=lanes, settings={"radii": SECRET})
    inside = d.cell(SECRET, "ring_modulator", settings={"radius": 4.869})
    frame = d.layout.create_cell("frame")
    d.box(frame, "FLOORPLAN", 0, 0, 3000, 2000)
    d.box(inside, "WG", 100, 100, 2000, 100.4)
    d.box(inside, "M1", 200, 200, 210, 1800)
    d.box(engine, "EIC", 300, 200, 2600, 1800)
    engine.insert(kdb.DCellInstArray(frame, kdb.DTrans()))
    engine.insert(kdb.DCellInstArray(inside, kdb.DTrans()))
    pillar = d.layout.create_cell("pillar")
    pillar.shapes(d.layout.layer(*layer_of("BUMP"))).insert(kdb.DPolygon.ellipse(kdb.DBox(-9, -9, 9, 9), 32))
    engine.insert(
        kdb.DCellInstArray(pillar, kdb.DTrans(kdb.DVector(500, 400)), kdb.DVector(50, 0), kdb.DVector(0, 400), 9, 4)
    )

    top = d.cell("mini", "package", kind="package")
    d.box(top, "SUBSTRATE", -12_000, -12_000, 12_000, 12_000)
    ring = kdb.Region(kdb.DBox(-9000, -9000, 9000, 9000).to_itype(0.001)) - kdb.Region(
        kdb.DBox(-8500, -8500, 8500, 8500).to_itype(0.001)
    )
    top.shapes(d.layout.layer(*layer_of("LID"))).insert(ring)
    d.box(top, "OVERPASS", -9000, -9000, 9000, 9000)
    d.box(top, "KEEPOUT", -5, -5, 5, 5)
    d.place(asic, top, "asic", kdb.DTrans())
    turned = {
        "E": kdb.DTrans(0, False, 3000, -1000),
        "N": kdb.DTrans(1, False, 1000, 3000),
        "W": kdb.DTrans(2, False, -3000, 1000),
        "S": kdb.DTrans(3, True, 1000, -3000),  # mirrored
    }
    steps = [("line", 500.0, 0.0), ("s", 6000.0, 700.0), ("arc", RADIUS, 90.0), ("line", 3000.0, 0.0)]
    data, _ = d.fibre("fibre_data", "FIBER", steps)
    second, _ = d.fibre(
        "fibre_second", "FIBER_2", [("line", 800.0, 0.0), ("arc", RADIUS, -37.0), ("arc", RADIUS, 37.0)]
    )
    for side, trans in turned.items():
        d.place(engine, top, f"engine_{side}", trans)
        for (_, _, x, y, _), cell, kind in zip(facets, (data, second), ("tx", "rx"), strict=True):
            d.place(cell, top, f"fibre_{side}_{kind}_1", trans * kdb.DTrans(kdb.DVector(x, y)))
    end = turned["N"] * kdb.DTrans(kdb.DVector(3000, 900)) * kdb.DPoint(*route((0, 0), 0, steps)[-1][-1])
    plug = d.cell("plug", "connector", ports=[("p1", "edge_fibre", 0, 0, 180)], name=evil)
    d.box(plug, "CONNECTOR", 0, -1000, 8000, 1000)
    # the fibre of the north engine ends heading west
    d.place(plug, top, "plug_N", kdb.DTrans(2, False, round(end.x, 3), round(end.y, 3)))
    wires = top.shapes(d.layout.layer(*layer_of("AIRWIRE")))
    for number, trans in enumerate(turned.values(), 1):
        place = trans * kdb.DPoint(*lanes[0][1:])
        wires.insert(kdb.DPath([kdb.DPoint(-1500 + 200 * number, 1900), place], 1.0))
    options = kdb.SaveLayoutOptions()
    options.gds2_write_timestamps = False
    options.write_context_info = True
    d.layout.write(str(path), options)
    return path


@pytest.fixture(scope="session")
def gds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_package(tmp_path_factory.mktemp("handover") / "mini.gds")


@pytest.fixture(scope="session")
def file(gds: Path) -> LayoutFile:
    return read_layout(gds)


@pytest.fixture(scope="session")
def package(file: LayoutFile) -> Package:
    return read_package(file)
