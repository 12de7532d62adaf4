"""Records that other readers refuse or read as something else."""

from __future__ import annotations

import math
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.verify import drc


def write(folder: Path, *shapes: tuple[int, kdb.Shape | kdb.Box | kdb.Polygon | kdb.Path], times: int = 1) -> Path:
    layout = kdb.Layout()
    top, cell = layout.create_cell("top"), layout.create_cell("cell")
    for layer, shape in shapes:
        cell.shapes(layout.layer(layer, 0)).insert(shape)
    cell.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 5000, 5000))
    for i in range(times):
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(i * 100_000, 0)))
    # OASIS holds polygons of any size, GDS holds paths of odd width
    odd = any(isinstance(shape, kdb.Path) and shape.width % 2 for _, shape in shapes)
    path = folder / ("records.gds" if odd else "records.oas")
    layout.write(str(path))
    return path


def star(points: int) -> kdb.Polygon:
    """A polygon of that many corners, none of them on a line."""
    t = [2 * math.pi * i / points for i in range(points)]
    radius = [30_000_000 - 100_000 * (i % 2) for i in range(points)]
    return kdb.Polygon(
        [kdb.Point(round(r * math.cos(a)), round(r * math.sin(a))) for r, a in zip(radius, t, strict=True)]
    )


@pytest.mark.parametrize("layer", [41, 311, 999])
def test_too_many_points(layer, tmp_path, found):
    assert not found(write(tmp_path, (layer, star(4000))), "FILE.POINTS")
    (violation,) = found(write(tmp_path, (layer, star(4002)), times=3), "FILE.POINTS")
    assert violation.message.startswith("corners in one shape: 4002 (")
    assert violation.message.endswith("limit 4000; cut the shape in pieces; in 3 places")
    assert (violation.cell, violation.places) == ("cell", 3)


def test_a_path_of_too_many_points(tmp_path, found):
    points = [kdb.Point(1000 * i, 1000 * (i % 2)) for i in range(4001)]
    assert not found(write(tmp_path, (41, kdb.Path(points[:-1], 600))), "FILE.POINTS")
    assert len(found(write(tmp_path, (41, kdb.Path(points, 600))), "FILE.POINTS")) == 1


@pytest.mark.parametrize(
    "shape",
    [
        kdb.Box(0, 0, 0, 1000),
        kdb.Box(500, 500, 500, 500),
        kdb.Path([kdb.Point(0, 0), kdb.Point(1000, 0)], 0),
    ],
    ids=["line", "dot", "path"],
)
def test_no_area(shape, tmp_path, found):
    (violation,) = found(write(tmp_path, (41, shape)), "FILE.AREA")
    assert violation.message == "a shape without area on M1, none allowed; remove it"
    assert not found(write(tmp_path, (41, kdb.Box(0, 0, 1, 1))), "FILE.AREA")


@pytest.mark.parametrize("layer", [41, 999])
def test_odd_paths(layer, tmp_path, found):
    line = [kdb.Point(0, 0), kdb.Point(10_000, 0)]
    assert not found(write(tmp_path, (layer, kdb.Path(line, 600))), "FILE.PATH")
    (violation,) = found(write(tmp_path, (layer, kdb.Path(line, 601))), "FILE.PATH")
    assert violation.message.startswith("path 0.601 um wide on ")
    assert "must be a multiple of 0.002 um" in violation.message


def test_what_each_rule_looked_at(draw):
    result = drc(draw([("WG", kdb.DBox(0, 0, 10, 1)), ("M1", kdb.DBox(0, 9, 10, 11))], [(0, 0, 0), (50, 0, 0)]))
    looked = result.looked_at_by_rule
    assert set(looked) == set(result.rules)
    assert (looked["WG.W"], looked["M1.W"], looked["M2.W"]) == (2, 2, 0)
    assert looked["GRID"] == 4
    assert looked["FILE.POINTS"] == 4
    assert looked["HEATER.M1.S"] == 0  # there is no heater that M1 could be too near to
    assert looked["M1.FLOAT"] == looked["DIE.IN"] == 0  # there is no die
    assert result.looked_at == 4


def test_a_file_that_no_rule_is_about_is_not_clean(draw):
    result = drc(draw([("TEXT", kdb.DBox(0, 0, 10, 1)), ("DEVREC", kdb.DBox(0, 9, 10, 11))]))
    assert result.violations == ()
    assert result.looked_at == 0
    assert not result.clean
