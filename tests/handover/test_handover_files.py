"""The hand-over files read back with other programs' readers, and compared with the layout."""

from __future__ import annotations

import base64
import io
import json
import math
import re
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import ezdxf
import klayout.db as kdb
import numpy as np
import pytest
import trimesh
import yaml
from ezdxf import path as dxf_path
from ezdxf.bbox import extents
from ezdxf.math import ConstructionArc

from cpo_pdk.circuit.exchange.spice import to_spice
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.handover import layouts, threedblox
from cpo_pdk.handover.dxf import APPLICATION, dxf_text
from cpo_pdk.handover.glb import glb_bytes
from cpo_pdk.handover.parts import Package, Solid
from cpo_pdk.handover.reading import read_package
from cpo_pdk.handover.svg import svg_text
from cpo_pdk.handover.verilog import verilog_text
from cpo_pdk.report.view3d import embedded_glb
from cpo_pdk.tech.geometry_hash import geometry_hash
from cpo_pdk.tech.layers import LAYERS, layer_of


def flat_boxes(layout: kdb.Layout, layer: str) -> np.ndarray:
    """Centres of all shapes on a layer under the top cell, um, sorted."""
    index = layout.find_layer(*layer_of(layer))
    shapes = kdb.RecursiveShapeIterator(layout, layout.top_cell(), index)
    found = []
    while not shapes.at_end():
        center = shapes.shape().bbox().transformed(shapes.trans()).to_dtype(layout.dbu).center()
        found.append((round(center.x, 2), round(center.y, 2)))
        shapes.next()
    return np.array(sorted(found))


def region(layout: kdb.Layout, layer: str, cell: kdb.Cell | None = None) -> kdb.Region:
    index = layout.find_layer(*layer_of(layer))
    return kdb.Region() if index is None else kdb.Region((cell or layout.top_cell()).begin_shapes_rec(index)).merged()


# ---- layouts
def test_oasis_says_all_that_the_gds_file_says(file: LayoutFile, package: Package, tmp_path: Path) -> None:
    again = read_layout(layouts.oasis(file, tmp_path / "mini.oas"))
    assert geometry_hash(again.layout, again.top) == geometry_hash(file.layout, file.top)
    names = [f.name for f in read_package(again).fibres]
    assert names == [f.name for f in package.fibres]
    assert extract(again, {"cpo_fiber"}).to_json() == extract(file, {"cpo_fiber"}).to_json()


def test_each_die_has_a_file_and_all_of_them_one(file: LayoutFile, package: Package, tmp_path: Path) -> None:
    paths = layouts.dies(file, package, tmp_path, "mini")
    assert sorted(p.name for p in paths) == ["mini_asic.gds", "mini_dies.gds", "mini_engine.gds"]
    engine = read_layout(tmp_path / "mini_engine.gds")
    source = next(c for c in file.layout.each_cell() if c.name == "engine_cell")
    assert geometry_hash(engine.layout, engine.top) == geometry_hash(file.layout, source)
    assert read_package(engine).placed[0].die.terminals == package.dies[1].terminals  # ports and lanes are in it
    merged = read_layout(tmp_path / "mini_dies.gds").layout
    for layer in ("FLOORPLAN", "EIC", "BUMP", "WG", "M1", "ASIC", "ASIC_BUMP"):
        assert (region(merged, layer) ^ region(file.layout, layer)).is_empty(), layer
    assert region(merged, "FIBER").is_empty() and region(merged, "SUBSTRATE").is_empty()


def test_a_black_box_shows_interfaces_and_no_inside(
    gds: Path, file: LayoutFile, package: Package, tmp_path: Path
) -> None:
    path = layouts.black_boxes(file, package, tmp_path / "box.gds")
    box = read_layout(path).layout
    for layer in ("WG", "M1"):
        assert not region(file.layout, layer).is_empty() and region(box, layer).is_empty(), layer
    data = path.read_bytes()
    assert b"secret" in gds.read_bytes()
    for word in (b"secret", b"4869", b"4.869", b"radii", b"kfactory", b"ring_modulator"):
        assert word not in data, word
    for layer in ("FLOORPLAN", "EIC", "ASIC", "SUBSTRATE", "LID", "KEEPOUT", "FIBER", "FIBER_2", "CONNECTOR"):
        assert (region(box, layer) ^ region(file.layout, layer)).is_empty(), layer
    for layer in ("BUMP", "ASIC_BUMP"):
        assert np.array_equal(flat_boxes(box, layer), flat_boxes(file.layout, layer)), layer
    text = box.find_layer(*layer_of("TEXT"))
    words = [s.text_string for c in box.each_cell() for s in c.shapes(text).each()]
    assert {"tx_1", "rx_1", "tx_1/1", "rx_1/1", "connector_N", "tx_4"} <= set(words)
    assert flat_boxes(box, "PORT").shape == (8, 2) and flat_boxes(box, "PORTE").shape == (12, 2)


# ---- 3Dblox
def placed_points(box: tuple[float, float], orient: str, loc: list[float], points: np.ndarray) -> np.ndarray:
    """Points of a chiplet in the package, by the rules of the format: turn its box, then move its corner to `loc`."""
    turns = {"R0": (1, 0, 0, 1), "R90": (0, -1, 1, 0), "R180": (-1, 0, 0, -1), "R270": (0, 1, -1, 0)}
    turns |= {"MX": (1, 0, 0, -1), "MY": (-1, 0, 0, 1), "MX_R90": (0, 1, 1, 0), "MY_R90": (0, -1, -1, 0)}
    a, b, c, d = turns[orient.removeprefix("MZ_") if orient != "MZ" else "R0"]
    matrix = np.array([[a, c], [b, d]])
    corners = np.array([(0, 0), (box[0], 0), box, (0, box[1])]) @ matrix
    return points @ matrix - corners.min(axis=0) + loc


def test_3dblox_puts_every_bump_where_the_layout_has_it(file: LayoutFile, package: Package) -> None:
    files = threedblox.threedblox_files(package)
    chiplets = yaml.safe_load(files["mini.3dbv"])["ChipletDef"]
    design = yaml.safe_load(files["mini.3dbx"])
    assert design["Header"]["include"] == ["mini.3dbv"] and "&id" not in files["mini.3dbv"]
    assert set(design["Stack"]) == set(design["ChipletInst"])
    found: dict[str, list[np.ndarray]] = {}
    for name, place in design["Stack"].items():
        reference = design["ChipletInst"][name]["reference"]
        chiplet = chiplets[reference]
        front = chiplet["regions"]["front"]
        if "bmap" not in front:
            continue
        rows = [line.split() for line in files[front["bmap"]].splitlines() if not line.startswith("#")]
        assert all(len(row) == 6 and f"MACRO {row[1]}\n" in files["bumps.lef"] for row in rows)
        points = np.array([[float(row[2]), float(row[3])] for row in rows])
        assert np.all(points >= 0) and np.all(points <= chiplet["design_area"])
        placed = placed_points(tuple(chiplet["design_area"]), place["orient"], place["loc"], points)
        found.setdefault(reference, []).append(placed)
    for reference, layer in (("asic", "ASIC_BUMP"), ("engine_cell", "BUMP"), ("engine_cell_eic", "BUMP")):
        bumps = np.concatenate(found[reference])
        order = np.lexsort((np.round(bumps[:, 1], 2), np.round(bumps[:, 0], 2)))
        assert np.allclose(bumps[order], flat_boxes(file.layout, layer), atol=0.011), reference


def test_3dblox_faces_touch_or_are_as_far_apart_as_it_says(package: Package) -> None:
    files = threedblox.threedblox_files(package)
    chiplets = yaml.safe_load(files["mini.3dbv"])["ChipletDef"]
    design = yaml.safe_load(files["mini.3dbx"])

    def face(path: str) -> float:
        name, region = path.split(".regions.")
        place, chiplet = design["Stack"][name], chiplets[design["ChipletInst"][name]["reference"]]
        up = (chiplet["regions"][region]["side"] == "front") != place["orient"].startswith("MZ")
        return place["z"] + (chiplet["thickness"] if up else 0)

    assert len(design["Connection"]) == 9  # five dies on the substrate, four dies on engines
    for name, connection in design["Connection"].items():
        assert face(connection["top"]) - face(connection["bot"]) == pytest.approx(connection["thickness"]), name
        assert connection["thickness"] > 0


def test_lanes_are_named_on_the_bumps_that_carry_them(package: Package) -> None:
    files = threedblox.threedblox_files(package)
    rows = [line.split() for line in files["engine_cell.bmap"].splitlines() if not line.startswith("#")]
    named = {row[4]: (float(row[2]), float(row[3])) for row in rows if row[4] != "-"}
    assert named == {"tx_1_1": (500.0, 400.0), "rx_1_1": (500.0, 1600.0)}
    asic = [line.split() for line in files["asic.bmap"].splitlines() if not line.startswith("#")]
    assert sorted(row[4] for row in asic if row[4] != "-") == ["tx_1", "tx_2", "tx_3", "tx_4"]


# ---- circuit
def test_verilog_has_a_wire_for_every_connection(file: LayoutFile, package: Package) -> None:
    netlists = extract(file, {"cpo_fiber", "cpo_connector"})
    text = verilog_text(netlists, package)
    modules = dict(re.findall(r"^module (\w+) \(.*?\);(.*?)^endmodule", text, re.MULTILINE | re.DOTALL))
    assert set(modules) == {*netlists.cells, "asic"}
    top = modules["mini"]
    placed = dict(re.findall(r"^  \w+ (\w+) \((.*)\);$", top, re.MULTILINE))
    assert {"asic", "engine_E", "fibre_N_tx_1", "plug_N"} <= set(placed)
    ends: dict[str, list[str]] = {}
    for name, pins in placed.items():
        for wire in re.findall(r"\.\w+\((\w+)\)", pins):
            ends.setdefault(wire, []).append(name)
    wires = re.findall(r"wire (\w+);", top)
    assert all(len(ends[wire]) == 2 for wire in wires)
    assert sum(wire.startswith("n") for wire in wires) == len(netlists.cells["mini"].connections) - 1
    traces = {tuple(sorted(ends[wire])) for wire in wires if wire.startswith("trace_")}
    assert traces == {("asic", f"engine_{side}") for side in "ENWS"}
    assert sorted(ends["plug_N_p1"]) == ["fibre_N_tx_1", "plug_N"]  # the connector's position is a port of the package
    assert "inout plug_N_p1;" in top and ".SUBCKT mini" in to_spice(netlists)


# ---- mechanics
def test_dxf_holds_true_curves_in_millimetres(package: Package, file: LayoutFile) -> None:
    document = ezdxf.read(io.StringIO(dxf_text(package)))
    assert not document.audit().errors and document.units == ezdxf.units.MM
    space = document.modelspace()
    assert {e.dxftype() for e in space.query('*[layer=="FIBER"]')} == {"LINE", "ARC", "SPLINE"}
    assert {e.dxftype() for e in space.query('*[layer=="FIBER_2"]')} == {"LINE", "ARC"}
    length: dict[str, float] = {}
    for entity in space.query('*[layer=="FIBER" | layer=="FIBER_2"]'):
        if entity.dxftype() == "ARC":
            arc = ConstructionArc(entity.dxf.center, entity.dxf.radius, entity.dxf.start_angle, entity.dxf.end_angle)
            long = math.radians(arc.angle_span) * arc.radius
            assert arc.radius == pytest.approx(15.0, abs=1e-3)
        else:
            points = [(v.x, v.y) for v in dxf_path.make_path(entity).flattening(1e-6)]
            long = float(np.hypot(*np.diff(points, axis=0).T).sum())
        name = entity.get_xdata(APPLICATION)[0].value
        length[name] = length.get(name, 0) + long
    for fibre in package.fibres:
        assert length[fibre.name] == pytest.approx(fibre.length * 1e-3, rel=1e-5), fibre.name
    boxes = [extents([e]) for e in space.query('LWPOLYLINE[layer=="FLOORPLAN"]')]
    drawn = [p.bbox().to_dtype(0.001) for p in region(file.layout, "FLOORPLAN").each()]
    assert sorted((round(b.extmin.x, 3), round(b.extmax.y, 3)) for b in boxes) == sorted(
        (round(b.left * 1e-3, 3), round(b.top * 1e-3, 3)) for b in drawn
    )
    assert all(name in LAYERS or name in ("0", "Defpoints", "NAMES") for name in (x.dxf.name for x in document.layers))


def test_svg_is_at_true_scale_and_names_are_text(package: Package) -> None:
    root = ElementTree.fromstring(svg_text(package))
    width, height = (float(root.attrib[key].removesuffix("mm")) for key in ("width", "height"))
    box = [float(v) for v in root.attrib["viewBox"].split()]
    assert box[2:] == [width, height]
    everything = np.concatenate(
        [np.concatenate(f.pieces) for f in package.fibres] + [s.outline for s in package.solids]
    )
    assert (np.ptp(everything, axis=0) * 1e-3 + 4) == pytest.approx((width, height), abs=0.01)
    name = "{http://www.w3.org/2000/svg}"
    paths = {p.findtext(f"{name}title"): p.attrib["d"] for p in root.iter(f"{name}path")}
    for fibre in package.fibres:
        numbers = [float(v) for v in re.findall(r"-?\d+\.?\d*", paths[fibre.name])]
        assert numbers[:2] == pytest.approx(fibre.pieces[0][0] * 1e-3, abs=1e-4)
        assert numbers[-2:] == pytest.approx(fibre.pieces[-1][-1] * 1e-3, abs=2e-4)
        assert paths[fibre.name].count("A") == (1 if "tx" in fibre.name else 2)


# ---- in space
def volume(solid: Solid) -> float:
    """mm3."""
    area = kdb.DPolygon([kdb.DPoint(*p) for p in solid.outline]).area()
    area -= sum(kdb.DPolygon([kdb.DPoint(*p) for p in hole]).area() for hole in solid.holes)
    return area * (solid.top - solid.bottom) * 1e-9


def test_glb_holds_closed_bodies_of_the_drawn_size(package: Package) -> None:
    scene = trimesh.load(io.BytesIO(glb_bytes(package)), file_type="glb")
    bodies = {name: scene.geometry[scene.graph[name][1]] for name in scene.graph.nodes_geometry}
    assert set(bodies) - {"AIRWIRE"} == {s.name for s in package.solids} | {f.name for f in package.fibres}
    for solid in package.solids:
        body = bodies[solid.name]
        assert body.is_watertight and body.is_winding_consistent, solid.name
        assert body.volume == pytest.approx(volume(solid), rel=1e-5), solid.name
    for fibre in package.fibres:
        body = bodies[fibre.name]
        long = float(np.linalg.norm(np.diff(fibre.path, axis=0), axis=1).sum()) * 1e-3
        hexagon = 1.5 * math.sqrt(3) * 0.0625**2
        assert body.is_watertight and body.volume == pytest.approx(hexagon * long, rel=0.01), fibre.name
    # metres, y upwards: x stays, z of the drawing is y, y of the drawing is -z
    low, high = scene.bounds
    outlines = np.concatenate([s.outline for s in package.solids] + [f.path[:, :2] for f in package.fibres]) * 1e-6
    assert low[0] == pytest.approx(outlines[:, 0].min(), abs=2e-4)
    assert -low[2] == pytest.approx(outlines[:, 1].max(), abs=2e-4)
    assert high[1] == pytest.approx(max(s.top for s in package.solids) * 1e-6)


def test_the_file_in_the_page_holds_every_fibre_as_a_line(gds: Path, package: Package) -> None:
    data = base64.b64decode(embedded_glb(gds))
    assert data == glb_bytes(package, tubes=False)
    magic, version, size, length, kind = struct.unpack("<4sIII4s", data[:20])
    assert (magic, version, size, kind) == (b"glTF", 2, len(data), b"JSON")
    document = json.loads(data[20 : 20 + length])
    binary = data[28 + length :]
    nodes = {node["name"]: node for node in document["nodes"]}
    for layer in ("FIBER", "FIBER_2"):
        extras = nodes[layer]["extras"]
        wanted = [f for f in package.fibres if f.layer == layer]
        assert extras["names"] == [f.name for f in wanted] and extras["width_mm"] == 0.125
        part = document["meshes"][nodes[layer]["mesh"]]["primitives"][0]
        accessor = document["accessors"][part["attributes"]["POSITION"]]
        assert sum(extras["counts"]) == accessor["count"] and part["mode"] == 1
        start = document["bufferViews"][accessor["bufferView"]]["byteOffset"]
        points = np.frombuffer(binary, "<f4", accessor["count"] * 3, start).reshape(-1, 3)
        assert np.allclose(points * 1e3, np.concatenate([f.path for f in wanted]), atol=0.02)
    assert nodes["LID"]["extras"]["clear"] is True
    assert {n["extras"]["layer"] for n in document["nodes"] if "extras" in n} <= set(LAYERS)


def test_step_holds_a_solid_a_body(package: Package) -> None:
    pytest.importorskip("OCP")
    from OCP.BRepGProp import BRepGProp  # pyright: ignore[reportMissingImports]
    from OCP.GProp import GProp_GProps  # pyright: ignore[reportMissingImports]

    from cpo_pdk.handover.step import _prism, step_text

    for solid in package.solids:
        found = GProp_GProps()
        BRepGProp.VolumeProperties_s(_prism(solid), found)
        assert found.Mass() == pytest.approx(volume(solid), rel=1e-6), solid.name
    text = step_text(package)
    assert text == step_text(package)
    assert text.count("MANIFOLD_SOLID_BREP(") == len(package.solids)
    assert text.count("B_SPLINE_CURVE_WITH_KNOTS(") >= len(package.fibres)
    assert "PRODUCT('engine_N_eic'" in text and "SI_UNIT(.MILLI.,.METRE.)" in text
