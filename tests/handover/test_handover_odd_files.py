"""Layouts that no one would draw: hand-over files come out, or one line says why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import CpoError, LayoutError
from cpo_pdk.handover import layouts
from cpo_pdk.handover.export import export
from cpo_pdk.handover.meshes import prism
from cpo_pdk.handover.parts import Package, Solid
from cpo_pdk.handover.reading import BODIES, FIBRE_LEVEL, MARKS, read_package
from cpo_pdk.tech.layers import layer_of

PLACE = st.integers(-20_000, 20_000)
SIZE = st.sampled_from([0, 1, 62.5, 125, 126, 3_000, 40_000])
LAYER = st.sampled_from(
    [*BODIES, *MARKS, *FIBRE_LEVEL, "CONNECTOR", "AIRWIRE", "ASIC", "ASIC_BUMP", "FLOORPLAN", "EIC"]
)
BOX = st.builds(lambda x, y, w, h: kdb.DBox(x, y, x + w, y + h), PLACE, PLACE, SIZE, SIZE)
POINTS = st.lists(st.builds(kdb.DPoint, PLACE, PLACE), min_size=1, max_size=7)
PATH = st.builds(kdb.DPath, POINTS, st.sampled_from([0.0, 0.001, 1.0, 125.0]))
SHAPE = BOX | PATH | POINTS.map(kdb.DPolygon)


def written(layout: kdb.Layout, path: Path) -> Path:
    options = kdb.SaveLayoutOptions()
    options.write_context_info = True
    layout.write(str(path), options)
    return path


@settings(derandomize=True, deadline=None, max_examples=30)
@given(shapes=st.lists(st.tuples(LAYER, SHAPE, st.booleans(), st.sampled_from([0, 90, 180, 30])), max_size=8))
def test_any_outlines_give_files_or_one_line(
    shapes: list[tuple[str, kdb.DBox | kdb.DPath | kdb.DPolygon, bool, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("top")
    for number, (layer, shape, below, angle) in enumerate(shapes):
        cell = layout.create_cell(f"c{number}") if below else top
        cell.shapes(layout.layer(*layer_of(layer))).insert(shape)
        if below:
            top.insert(kdb.DCellInstArray(cell, kdb.DCplxTrans(1.0, angle, number % 2 == 1, 100 * number, 0)))
    folder = tmp_path_factory.mktemp("odd")
    path = written(layout, folder / "odd.gds")
    try:
        done = export(path, folder / "out", ["oasis", "dies", "blackbox", "3dblox", "dxf", "svg", "glb"])
    except CpoError as error:
        assert "\n" not in str(error) and not (folder / "out").exists()
    else:
        assert all((folder / "out" / name).stat().st_size for names in done.files.values() for name in names)


def test_a_path_of_odd_width_keeps_its_shape_in_oasis(tmp_path: Path) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("top")
    top.shapes(layout.layer(*layer_of("SUBSTRATE"))).insert(kdb.DBox(-50, -50, 50, 50))
    for width in (3, 4):
        top.shapes(layout.layer(1, 0)).insert(kdb.Path([kdb.Point(0, 10 * width), kdb.Point(1000, 10 * width)], width))
    source = written(layout, tmp_path / "odd.gds")
    done = export(source, tmp_path / "out", ["oasis"])
    again, before = kdb.Layout(), kdb.Layout()
    again.read(str(done.folder / "top.oas"))
    before.read(str(source))
    regions = [kdb.Region(x.top_cell().begin_shapes_rec(x.find_layer(1, 0))).merged() for x in (again, before)]
    assert (regions[0] ^ regions[1]).is_empty() and not regions[0].is_empty()


def test_an_array_of_pieces_is_as_long_as_it_is_drawn(tmp_path: Path) -> None:
    layout = kdb.Layout()
    top, fibre, piece = (layout.create_cell(name) for name in ("top", "fibre", "piece"))
    top.shapes(layout.layer(*layer_of("SUBSTRATE"))).insert(kdb.DBox(-5000, -5000, 5000, 5000))
    piece.shapes(layout.layer(*layer_of("FIBER_3"))).insert(kdb.DBox(0, -62.5, 1000, 62.5))
    fibre.insert(kdb.DCellInstArray(piece, kdb.DTrans(), kdb.DVector(1000, 0), kdb.DVector(), 7, 1))
    top.insert(kdb.DCellInstArray(fibre, kdb.DTrans(), kdb.DVector(0, 250), kdb.DVector(), 12, 1))
    package = read_package(written(layout, tmp_path / "array.gds"))
    assert [round(f.length) for f in package.fibres] == [7000] * 12
    assert {f.level for f in package.fibres} == {3}


def test_more_pieces_than_a_fibre_can_have_are_refused(tmp_path: Path) -> None:
    layout = kdb.Layout()
    top, fibre, piece = (layout.create_cell(name) for name in ("top", "fibre", "piece"))
    top.shapes(layout.layer(*layer_of("SUBSTRATE"))).insert(kdb.DBox(-5000, -5000, 5000, 5000))
    piece.shapes(layout.layer(*layer_of("FIBER"))).insert(kdb.DBox(0, 0, 1000, 125))
    fibre.insert(kdb.DCellInstArray(piece, kdb.DTrans(), kdb.DVector(0, 200), kdb.DVector(1000, 0), 1000, 1000))
    top.insert(kdb.DCellInstArray(fibre, kdb.DTrans()))
    path = written(layout, tmp_path / "many.gds")
    with pytest.raises(LayoutError, match="more than 100000 pieces of fibre in 'fibre'"):
        read_package(path)
    die = layout.create_cell("die")
    die.shapes(layout.layer(*layer_of("FLOORPLAN"))).insert(kdb.DBox(0, 0, 10, 10))
    piece.clear()
    top.insert(kdb.DCellInstArray(die, kdb.DTrans(), kdb.DVector(0, 20), kdb.DVector(20, 0), 1000, 1000))
    with pytest.raises(LayoutError, match="more than 100000 dies and fibres"):
        read_package(written(layout, tmp_path / "dies.gds"))


def test_a_die_drawn_without_a_cell_is_a_body_all_the_same(tmp_path: Path) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("top")
    for layer, side in (("SUBSTRATE", 9000), ("ASIC", 2000)):
        top.shapes(layout.layer(*layer_of(layer))).insert(kdb.DBox(-side, -side, side, side))
    top.shapes(layout.layer(*layer_of("FLOORPLAN"))).insert(kdb.DBox(3000, 0, 5000, 2000))
    top.shapes(layout.layer(*layer_of("FLOORPLAN"))).insert(kdb.DBox(3000, 3000, 5000, 5000))
    package = read_package(written(layout, tmp_path / "flat.gds"))
    found = {s.name: (s.bottom, s.top) for s in package.solids}
    assert {"substrate", "asic", "floorplan_1", "floorplan_2"} <= set(found)
    assert all(found["substrate"][1] < bottom < top for name, (bottom, top) in found.items() if name != "substrate")


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.floats(0.4, 1.0), min_size=5, max_size=40), st.booleans())
def test_a_prism_over_any_star_is_closed_and_as_large_as_its_outline(radii: list[float], hole: bool) -> None:
    angle = 2 * np.pi * np.arange(len(radii)) / len(radii)
    outline = 1000 * np.array(radii)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    holes = (outline[::-1] * 0.3,) if hole else ()
    mesh = prism(Solid("star", "SUBSTRATE", outline, holes, 100.0, 300.0))
    a, b, c = (mesh.corners[mesh.triangles[:, k]] for k in range(3))
    volume = float(np.sum(np.einsum("ij,ij->i", a, np.cross(b, c))) / 6)
    area = kdb.DPolygon([kdb.DPoint(*p) for p in outline]).area() * (1 - 0.09 * hole)
    assert volume == pytest.approx(area * 200, rel=1e-6)
    edges = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    forward, back = {tuple(e) for e in edges.tolist()}, {tuple(e[::-1]) for e in edges.tolist()}
    assert forward == back and len(forward) == len(edges)


def test_rows_of_bumps_are_found_whatever_their_pitch(package: Package) -> None:
    die = package.dies[0]
    rows = list(layouts._rows(die))
    assert len(rows) == 20 and {count for *_, count, _ in rows} == {20}
    uneven = replace(die, bumps=np.array([(x, 0.0, 10.0, 10.0) for x in (0, 40, 80, 130, 180, 500)]))
    assert [(x, pitch, count) for x, _, pitch, count, _ in layouts._rows(uneven)] == [
        (0.0, 40.0, 3),
        (130.0, 50.0, 2),
        (500.0, 0.0, 1),
    ]
