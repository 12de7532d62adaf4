"""Rings in files that say nothing about themselves, and the fits that measure them."""

from __future__ import annotations

import math
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.verify.lvs.measure.drawn import UnmeasurableError
from cpo_pdk.verify.lvs.measure.fits import circles, racetrack, s_bend, sine, sine_path
from cpo_pdk.verify.lvs.measure.found_rings import measure_rings, rings_of_layout


def _outline(radius: float, length_x: float, angle: float, x: float, y: float, corners: int = 120) -> np.ndarray:
    phi = np.linspace(-math.pi / 2, math.pi / 2, corners)
    right = np.column_stack([length_x / 2 + radius * np.cos(phi), radius * np.sin(phi)])
    points = np.concatenate([right, -right])
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return points @ np.array([[cos, sin], [-sin, cos]]) + [x, y]


def _ring(radius: float, width: float, length_x: float, angle: float, x: float = 0.0, y: float = 0.0) -> kdb.Polygon:
    polygon = kdb.DPolygon([kdb.DPoint(*p) for p in _outline(radius + width / 2, length_x, angle, x, y)])
    polygon.insert_hole([kdb.DPoint(*p) for p in _outline(radius - width / 2, length_x, angle, x, y)])
    return polygon.to_itype(0.001)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    radius=st.floats(4.5, 60.0),
    width=st.floats(0.3, 1.0),
    length_x=st.one_of(st.just(0.0), st.floats(1.0, 40.0)),
    angle=st.one_of(st.sampled_from((0.0, 90.0)), st.floats(0.0, 179.0)),
)
def test_any_ring_is_found_and_measured(radius: float, width: float, length_x: float, angle: float) -> None:
    region = kdb.Region(_ring(radius, width, length_x, angle, 123.4, -56.7))
    (found,) = measure_rings(region)
    assert found.radius == pytest.approx(radius, abs=1e-3)
    assert found.width == pytest.approx(width, abs=1e-3)
    assert found.length_x == pytest.approx(length_x, abs=3e-3)
    assert (found.x, found.y) == pytest.approx((123.4, -56.7), abs=1e-3)
    assert found.off < 0.0025  # what `LVS.SHAPE` allows an outline
    assert found.gaps == ()
    if length_x > 1:
        assert abs((found.angle - angle + 90) % 180 - 90) < 0.05


@pytest.mark.parametrize("turn", [0.0, 30.0, 90.0, 137.5])
def test_gaps_to_buses_and_to_rings(turn: float) -> None:
    shapes = kdb.Region(_ring(5.0, 0.4, 2.0, 0.0))
    shapes.insert(_ring(5.0, 0.4, 2.0, 0.0, 0.0, 10.4 + 0.25))
    shapes.insert(kdb.Box(-10_000, -5_200 - 180 - 400, 10_000, -5_200 - 180))
    turned = shapes.transformed(kdb.ICplxTrans(1.0, turn, False, 5000, 7000))
    rings = measure_rings(turned)
    gaps = sorted(gap for ring in rings for gap in ring.gaps)
    assert gaps == pytest.approx([0.18, 0.25, 0.25], abs=1.5e-3)


def test_a_gap_does_not_depend_on_where_the_corners_lie() -> None:
    # sixteen corners to the half circle: chords leave the arc by 24 nm
    outer, inner = _outline(5.2, 0.0, 4.0, 0.0, 0.0, 16), _outline(4.8, 0.0, 4.0, 0.0, 0.0, 16)
    polygon = kdb.DPolygon([kdb.DPoint(*p) for p in outer])
    polygon.insert_hole([kdb.DPoint(*p) for p in inner])
    region = kdb.Region([polygon.to_itype(0.001), kdb.Polygon(kdb.Box(-9000, -5800, 9000, -5400))])
    (found,) = measure_rings(region)
    assert found.gaps == pytest.approx((0.2,), abs=1e-3)


def test_what_is_no_ring_is_none() -> None:
    frame = kdb.Region(kdb.Box(0, 0, 20_000, 20_000)) - kdb.Region(kdb.Box(1000, 1000, 19_000, 19_000))
    oval = kdb.Region(_ring(8.0, 0.4, 0.0, 0.0)).transformed(kdb.IMatrix2d(1.2, 0.0, 0.0, 1.0))
    disc = kdb.Region(_ring(5.0, 4.0, 0.0, 0.0, 200.0))
    touching = kdb.Region(_ring(5.0, 0.4, 0.0, 0.0, 300.0)) + kdb.Region(kdb.Box(290_000, -5400, 310_000, -5000))
    assert measure_rings(frame + oval.moved(100_000, 0) + disc + touching) == []
    assert measure_rings(kdb.Region()) == []


def test_rings_of_a_foreign_file_are_told_once_a_cell(tmp_path: Path) -> None:
    layout = kdb.Layout()
    device, top = layout.create_cell("RR5"), layout.create_cell("TOP")
    index = layout.layer(1, 0)
    device.shapes(index).insert(_ring(5.0, 0.45, 0.0, 0.0))
    device.shapes(index).insert(kdb.Box(-9000, -5225 - 150 - 450, 9000, -5225 - 150))
    top.insert(kdb.CellInstArray(device.cell_index(), kdb.Trans(), kdb.Vector(0, 40_000), kdb.Vector(), 4, 1))
    layout.write(str(tmp_path / "foreign.gds"))
    (found,) = rings_of_layout(read_layout(tmp_path / "foreign.gds"))
    assert (found.cell, found.places) == ("RR5", 4)
    assert found.radius == pytest.approx(5.0, abs=5e-4)
    assert found.width == pytest.approx(0.45, abs=5e-4)
    assert found.gaps == pytest.approx((0.15,), abs=1e-3)
    assert rings_of_layout(read_layout(tmp_path / "foreign.gds"), frozenset({"RR5"})) == []


def test_circles_share_a_center_and_say_how_sure_they_are() -> None:
    rng = np.random.default_rng(7)
    errors, spreads = [], []
    for _ in range(60):
        phi, place = np.linspace(0.0, 0.5, 40), rng.uniform(size=2)
        sets = [np.round(np.column_stack([r * np.cos(phi), r * np.sin(phi)]) + place, 3) for r in (10.2, 9.8)]
        found = circles(*sets)
        errors.append(found.radii[0] - 10.2)
        spreads.append(found.spread)
    assert np.std(errors) < 2.5 * np.mean(spreads)
    assert np.abs(np.mean(errors)) < np.mean(spreads)


def test_fits_refuse_what_they_can_not_fit() -> None:
    with pytest.raises(UnmeasurableError, match="fewer than 3"):
        circles(np.zeros((2, 2)))
    with pytest.raises(UnmeasurableError, match="straight"):
        circles(np.column_stack([np.arange(5.0), np.zeros(5)]))
    with pytest.raises((UnmeasurableError, ValueError)):
        racetrack(np.zeros((0, 2)))


def test_an_s_bend_is_measured_from_its_edges() -> None:
    length, offset, width = 20.0, 3.0, 0.4
    t = np.linspace(0.0, 1.0, 90)
    line = np.column_stack([5.0 + length * t, offset * sine(t)])
    slope = offset / length * (1 - np.cos(2 * np.pi * t))
    normal = np.column_stack([-slope, np.ones_like(t)]) / np.sqrt(1 + slope**2)[:, None]
    left, right = np.round(line + normal * width / 2, 3), np.round(line - normal * width / 2, 3)
    found = s_bend(left, right, width, (4.8, 0.01), (25.3, 2.98), fixed_start=False)
    assert found.length == pytest.approx(length, abs=4 * found.spread + 1e-3)
    assert found.x == pytest.approx(5.0, abs=4 * found.spread + 1e-3)
    assert found.offset == pytest.approx(offset, abs=1e-3)
    assert found.off < 1.5e-3
    path, radius = sine_path(length, offset)
    assert length < path < length + offset
    assert radius == pytest.approx(length**2 / (2 * np.pi * offset), rel=0.2)
