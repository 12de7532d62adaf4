"""The parts of the package model: grid lines, bodies on cells, materials."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.tech.thermal_materials import Conducting, thermal_entries, thermal_table
from cpo_pdk.thermal.grid import Grid
from cpo_pdk.thermal.grid_lines import lines
from cpo_pdk.thermal.layers import Body, bumps_material
from cpo_pdk.thermal.painting import layer_at, painted, plane_shares

A, B = Conducting(100, 50, 2e6), Conducting(1, 2, 1e6)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    breaks=st.lists(st.floats(-1e5, 1e5), min_size=2, max_size=12, unique=True).filter(lambda b: max(b) - min(b) > 1e3),
    size=st.floats(50, 5000),
)
def test_lines_rise_and_grow_gently(breaks: list[float], size: float) -> None:
    edges = lines(breaks, [(0.0, 2000.0, size)])
    widths = np.diff(edges)
    assert edges[0] == min(breaks) and edges[-1] == pytest.approx(max(breaks))
    assert np.all(widths > 0.1 * size)
    middle = (edges[1:] + edges[:-1]) / 2
    away = np.maximum(0, np.maximum(-middle, middle - 2000))
    assert np.all(widths <= 2.2 * (size + 0.4 * away) + 1e-6)


def test_breaks_of_rank_are_kept_and_near_ones_fall_to_them() -> None:
    edges = lines([500.0, 0.0, 1000.0, 510.0], [(0.0, 1000.0, 100.0)])
    assert 500.0 in edges and 510.0 not in edges


def test_a_mirror_in_the_breaks_is_one_in_the_lines() -> None:
    edges = lines([-2000.0, 2000.0, -30.0, 30.0, 900.0, -900.0], [(-1000.0, 1000.0, 300.0)])
    np.testing.assert_allclose(edges, -edges[::-1], atol=1e-9)
    assert 0.0 in edges and 30.0 not in edges


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.floats(-900, 0), st.floats(10, 900), st.floats(-900, 0), st.floats(10, 900))
def test_a_body_keeps_its_area_wherever_it_ends(left: float, right: float, low: float, high: float) -> None:
    grid = Grid(np.linspace(-1000, 1000, 14), np.linspace(-1000, 1000, 9), [0, 10, 30])
    dx, dy, _ = grid.widths
    area = float((plane_shares(grid, (left, low, right, high)) * dy[:, None] * dx).sum())
    assert area == pytest.approx((right - left) * (high - low), rel=1e-9)
    paint = painted(grid, [Body("a", A, (left, low, right, high), (0, 10))])
    capacity = float((np.where(paint.void, 0, paint.capacity) * grid.volumes()).sum())
    assert capacity == pytest.approx(area * 10 * A.capacity, rel=1e-3)
    assert paint.void[1].all()


def test_a_later_body_takes_the_place_of_an_earlier_one() -> None:
    grid = Grid([0, 10, 20], [0, 10], [0, 5])
    paint = painted(grid, [Body("a", A, (0, 0, 20, 10), (0, 5)), Body("b", B, (5, 0, 20, 10), (0, 5))])
    assert paint.lateral[0, 0].tolist() == [50.5, 1.0] and paint.vertical[0, 0].tolist() == [26.0, 2.0]
    assert not paint.void.any()


def test_polygons_and_holes() -> None:
    grid = Grid(np.arange(0, 101, 5), np.arange(0, 101, 5), [0, 1])
    triangle = np.array([(0, 0), (100, 0), (0, 100)], dtype=float)
    hole = np.array([(10, 10), (30, 10), (30, 30), (10, 30)], dtype=float)
    paint = painted(grid, [Body("t", A, (0, 0, 100, 100), (0, 1), triangle, (hole,))])
    area = float(np.where(paint.void, 0, paint.capacity).sum()) / A.capacity * 25
    assert area == pytest.approx(5000 - 400, rel=0.02)
    assert paint.void[0, 3, 3] and not paint.void[0, 1, 1]


def test_the_layer_of_a_span() -> None:
    assert layer_at(Grid([0, 1], [0, 1], [0, 500, 506.3, 526]), (500, 506.3)) == 1


def test_bumps_lie_between_their_materials() -> None:
    """Rayleigh's sum at a share of 0 is the epoxy; upwards both conduct side by side."""
    metal, epoxy = Conducting(58, 58, 1.7e6), Conducting(0.5, 0.5, 2e6)
    assert bumps_material(metal, epoxy, 0.0) == epoxy
    found = bumps_material(metal, epoxy, 0.2)
    assert found.vertical == pytest.approx(0.2 * 58 + 0.8 * 0.5)
    assert found.lateral == pytest.approx(0.5 * (1 + 0.2 * 57.5 / 58.5) / (1 - 0.2 * 57.5 / 58.5))
    assert epoxy.lateral < found.lateral < found.vertical


def test_every_number_has_a_source_or_a_reason() -> None:
    table = thermal_table()
    assert table.films["cold_plate"] == 2e4 and table.materials["silicon"].lateral > 90
    for room in thermal_entries().values():
        for name, entry in room.items():
            assert entry.get("source") or entry.get("reason"), name


@pytest.mark.parametrize("value", [0, -3, math.nan, math.inf, None, "much"])
def test_bad_conductivities_are_refused(tmp_path: Path, value: object) -> None:
    raw = thermal_entries()
    raw["materials"]["tim"]["vertical"] = value
    file = tmp_path / "thermal.yaml"
    file.write_text(yaml.safe_dump(raw))
    with pytest.raises(ValueError, match=r"thermal\.yaml: materials\.tim\.vertical is"):
        thermal_entries(file)


def test_a_number_without_reason_is_refused(tmp_path: Path) -> None:
    raw = thermal_entries()
    del raw["limits"]["engine"]["reason"]
    file = tmp_path / "thermal.yaml"
    file.write_text(yaml.safe_dump(raw))
    with pytest.raises(ValueError, match=r"limits\.engine has neither a source nor a choice"):
        thermal_entries(file)
