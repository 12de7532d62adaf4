"""What is read out of a layout: dies, fibres as curves, heights; compared with the drawing."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.errors import LayoutError
from cpo_pdk.handover.centreline import chained, middle
from cpo_pdk.handover.curves import TOLERANCE, Arc, Line, Spline, curve_of, thinned
from cpo_pdk.handover.parts import Package
from cpo_pdk.handover.reading import read_package
from cpo_pdk.tech.layers import LAYERS, layer_of
from cpo_pdk.tech.package_heights import height_entries, package_heights


def off(points: np.ndarray, line: np.ndarray) -> float:
    """Largest distance of points from a line of points."""
    start, step = line[:-1], np.diff(line, axis=0)
    away = points[:, None] - start
    share = np.clip(np.einsum("pkx,kx->pk", away, step) / np.maximum(np.sum(step**2, axis=1), 1e-12), 0, 1)
    return float(np.sqrt(np.min(np.sum((away - share[..., None] * step) ** 2, axis=2), axis=1)).max())


def test_every_part_is_found_under_its_name(package: Package) -> None:
    assert [die.label for die in package.dies] == ["asic", "engine"]
    assert sorted(p.name for p in package.placed) == ["asic", "engine_E", "engine_N", "engine_S", "engine_W"]
    assert sorted(f.name for f in package.fibres) == sorted(f"fibre_{s}_{k}_1" for s in "NESW" for k in ("tx", "rx"))
    assert [(c.name, c.positions) for c in package.connectors] == [("connector_N", 1)]
    assert package.airwires.shape == (4, 2, 2) and not package.notes
    asic, engine = package.dies
    assert len(asic.bumps) == 400 and len(engine.bumps) == 36
    kinds = Counter(t.kind for t in engine.terminals)
    assert kinds == {"optical": 2, "bump": 2}


def test_centre_lines_are_those_that_were_drawn(package: Package, file: LayoutFile) -> None:
    drawn = {c.name: c for c in file.layout.each_cell()}
    for fibre in package.fibres:
        cell = drawn["fibre_data" if "tx" in fibre.name else "fibre_second"]
        region = kdb.Region(cell.begin_shapes_rec(file.layout.layer(*layer_of(fibre.layer)))).merged()
        assert fibre.width == pytest.approx(125, abs=0.02)
        assert fibre.length == pytest.approx(region.area() * 1e-6 / 125, rel=2e-5)
        for before, after in zip(fibre.pieces[:-1], fibre.pieces[1:], strict=True):
            assert np.array_equal(np.round(before[-1], 2), np.round(after[0], 2))


def test_lines_are_lines_arcs_are_arcs_and_the_rest_is_a_spline(package: Package) -> None:
    for fibre in package.fibres:
        kinds = [type(curve) for curve in fibre.curves]
        assert kinds == ([Line, Spline, Arc, Line] if "tx" in fibre.name else [Line, Arc, Arc])
        for curve in fibre.curves:
            if isinstance(curve, Arc):
                assert curve.radius == pytest.approx(15_000, abs=1.0)
    mirrored = next(f for f in package.fibres if f.name == "fibre_S_tx_1")
    straight = next(f for f in package.fibres if f.name == "fibre_N_tx_1")
    turns = [next(c.turn for c in f.curves if isinstance(c, Arc)) for f in (mirrored, straight)]
    assert turns == pytest.approx([-math.pi / 2, math.pi / 2], abs=1e-4)


def test_a_fibre_begins_at_its_facet_and_ends_where_it_was_drawn(package: Package) -> None:
    heights = package_heights()
    for fibre in package.fibres:
        placed = next(p for p in package.placed if p.name == f"engine_{fibre.name[6]}")
        terminal = next(t for t in placed.die.terminals if t.name == fibre.name[8:])
        facet = placed.trans * kdb.DPoint(terminal.x, terminal.y)
        assert fibre.path[0, :2] == pytest.approx((facet.x, facet.y), abs=0.01)
        assert fibre.path[0, 2] == pytest.approx(placed.bottom + heights.pic_core)
        assert fibre.level == (1 if "tx" in fibre.name else 2)
        layer = fibre.path[0, 2] + fibre.level * heights.ribbon_layer_pitch
        last = layer if fibre.name != "fibre_N_tx_1" else fibre.path[0, 2] + heights.connector_row_pitch
        assert fibre.path[-1, 2] == pytest.approx(last)
        assert off(np.concatenate(fibre.pieces), fibre.path[:, :2]) < 60
        assert np.all(np.diff(fibre.path[:, 2]) >= -1e-9)


def test_dies_stand_on_what_is_below_them_and_nothing_overlaps(package: Package) -> None:
    solids = {solid.name: solid for solid in package.solids}
    heights = package_heights()
    assert solids["substrate"].top == heights.substrate_thickness
    assert solids["asic"].bottom == heights.substrate_thickness + heights.asic_standoff
    assert solids["engine_N/eic"].bottom == pytest.approx(solids["engine_N"].top + heights.bump)
    assert solids["engine_N/bumps"].bottom == solids["engine_N"].top
    assert solids["lid/roof"].bottom == pytest.approx(solids["asic"].top + heights.lid_gap)
    # fibres pass over the walls of the lid: those stay below the lowest fibre
    lowest = min(f.path[:, 2].min() for f in package.fibres) - 62.5
    assert solids["lid"].top < lowest < solids["lid/roof"].bottom and len(solids["lid"].holes) == 1
    assert len(solids) == len(package.solids)


def test_every_height_has_a_source_or_a_reason() -> None:
    entries = height_entries()
    assert len(entries) > 15
    for name, entry in entries.items():
        assert entry.get("source") or (entry["choice"] is True and len(entry["reason"]) > 15), name
        assert 1 < entry["um"] < 100_000, name
    heights = package_heights()
    assert heights.overpass_height < heights.engine_standoff + heights.pic_core - 62.5
    assert heights.pic_core < heights.pic_top


@pytest.mark.parametrize("suffix", ["gds", "oas"])
def test_a_layout_without_a_die_is_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    layout = kdb.Layout()
    layout.create_cell("top").shapes(layout.layer(1, 0)).insert(kdb.DBox(0, 0, 10, 10))
    path = tmp_path / f"bare.{suffix}"
    layout.write(str(path))
    with pytest.raises(LayoutError, match="holds no die and no substrate; give the layout") as caught:
        read_package(path)
    assert "\n" not in str(caught.value)


def test_an_outline_that_is_no_fibre_is_told_and_left_out(tmp_path: Path) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("top")
    top.shapes(layout.layer(*layer_of("SUBSTRATE"))).insert(kdb.DBox(-5000, -5000, 5000, 5000))
    fibres = top.shapes(layout.layer(*layer_of("FIBER")))
    fibres.insert(kdb.DPolygon.ellipse(kdb.DBox(-500, -500, 500, 500), 64))
    fibres.insert(kdb.DBox(1000, 0, 4000, 125))
    path = tmp_path / "odd.gds"
    layout.write(str(path))
    package = read_package(path)
    assert package.notes == ("top: an outline on FIBER is no fibre and was left out",)
    assert [round(f.length) for f in package.fibres] == [3000]


def test_lane_bumps_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    layout = kdb.Layout()
    cell = layout.create_cell("engine")
    cell.shapes(layout.layer(*layer_of("FLOORPLAN"))).insert(kdb.DBox(0, 0, 1000, 1000))
    cell.add_meta_info(kdb.LayoutMetaInfo("kfactory:info", {"lane_bumps": [["tx_1/1", "here"]]}, "", True))
    path = tmp_path / "bumps.gds"
    options = kdb.SaveLayoutOptions()
    options.write_context_info = True
    layout.write(str(path), options)
    with pytest.raises(LayoutError, match="lane_bumps holds"):
        read_package(path)


def test_a_square_piece_is_passed_the_way_that_goes_on() -> None:
    boxes = [kdb.DPolygon(kdb.DBox(x, 0, x + 125, 125)) for x in (0, 125, 250)]
    [fibre] = chained([middle(box, 125.0) for box in boxes])
    line = np.concatenate(fibre)
    assert np.ptp(line[:, 0]) == 375 and np.all(line[:, 1] == 62.5)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    radius=st.floats(2_000, 100_000),
    turn=st.floats(0.02, 3.0),
    left=st.booleans(),
    first=st.floats(-3, 3),
)
def test_an_arc_is_found_whatever_its_size_and_place(radius: float, turn: float, left: bool, first: float) -> None:
    angle = first + np.linspace(0, turn if left else -turn, max(4, math.ceil(turn * math.sqrt(radius / 0.8)) + 1))
    points = np.round(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), 3)
    curve = curve_of(points)
    if isinstance(curve, Line):  # so short that it leaves its chord by next to nothing
        assert off(points, np.array([curve.start, curve.end])) < 0.05
    else:
        assert isinstance(curve, Arc)
        assert math.dist(curve.start, points[0]) < 0.06 and math.dist(curve.end, points[-1]) < 0.06
        assert math.copysign(1, curve.turn) == (1 if left else -1)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(length=st.floats(3_000, 60_000), share=st.floats(-0.45, 0.45), start=st.floats(-1e5, 1e5))
def test_a_spline_keeps_to_an_s_bend(length: float, share: float, start: float) -> None:
    t = np.linspace(0, 1, 201)
    points = np.stack([start + length * t, share * length * (t - np.sin(2 * np.pi * t) / (2 * np.pi))], 1)
    curve = curve_of(points)
    if isinstance(curve, Spline):
        assert off(points, curve.sampled(64)) < TOLERANCE + 0.1
        handles = np.diff(curve.control, axis=0)
        before, after = handles[2:-1:3], handles[3::3]  # no kink between two Bezier curves
        cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        assert np.all(np.abs(cross) < 1e-6 * np.hypot(*before.T) * np.hypot(*after.T) + 1e-9)
    else:
        assert isinstance(curve, Line) and abs(share) * length < 1
    kept = thinned(points, 50.0)
    assert kept[0] == 0 and kept[-1] == 200 and off(points, points[kept]) < 60


def test_all_layers_of_bodies_have_a_height(tmp_path: Path) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("top")
    bodies = ("SUBSTRATE", "INTERPOSER", "CARRIER", "LID", "STIFFENER", "SOCKET", "COLDPLATE", "CAPACITORS")
    for number, layer in enumerate(bodies):
        top.shapes(layout.layer(*layer_of(layer))).insert(kdb.DBox(0, 0, 9000 - 100 * number, 9000 - 100 * number))
    path = tmp_path / "bodies.gds"
    layout.write(str(path))
    package = read_package(path)
    assert {s.group for s in package.solids} == set(bodies) <= set(LAYERS)
    assert all(s.top > s.bottom for s in package.solids)
