"""Rules about a whole die: its outline, islands of metal that nothing connects, and how much of it metal covers."""

from __future__ import annotations

import math
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify import drc
from cpo_pdk.verify.design_rules.density import _edges, areas_by_bin

NM = 0.001
DIE = ("FLOORPLAN", kdb.DBox(0, 0, 1000, 800))
FLOATING = [rule for rule in load_rules() if rule.kind == "floating"]


class Package:
    """Dies of one cell in a package: `draw([("M2", box)], [(0, 0, 0), (2000, 0, 90)])`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "package.gds"

    def __call__(self, shapes, places, over=()) -> Path:
        layout = kdb.Layout()
        layout.dbu = NM
        top, die, frame = (layout.create_cell(name) for name in ("package", "die", "frame"))
        frame.shapes(layout.layer(*layer_of("FLOORPLAN"))).insert(DIE[1])
        die.insert(kdb.DCellInstArray(frame.cell_index(), kdb.DTrans()))
        for layer, shape in shapes:
            die.shapes(layout.layer(*layer_of(layer))).insert(shape)
        for x, y, angle in places:
            top.insert(kdb.DCellInstArray(die.cell_index(), kdb.DCplxTrans(1.0, angle, False, x, y)))
        for layer, shape in over:
            top.shapes(layout.layer(*layer_of(layer))).insert(shape)
        layout.write(str(self.path))
        return self.path


@pytest.fixture
def package(tmp_path) -> Package:
    return Package(tmp_path)


PLACES = [(0.0, 0.0, 0.0), (3000.0, 0.0, 90.0), (6000.0, 0.0, 180.0)]


@pytest.mark.parametrize("layer", next(rule.layers for rule in load_rules() if rule.name == "DIE.IN"))
def test_nothing_outside_the_die(layer, draw, found, package):
    def shape(right: float) -> list:
        return [DIE, (layer, kdb.DBox(500, 400, right, 500))]

    assert not found(draw(shape(1000)), "DIE.IN")
    (violation,) = found(draw(shape(1000 + 3 * NM)), "DIE.IN")
    assert violation.message == f"{layer} outside FLOORPLAN, none allowed; move it into the die or enlarge that"
    assert violation.bbox == pytest.approx((1000, 400, 1000.003, 500))
    assert not found(draw(shape(1200)[1:]), "DIE.IN")  # a cell of its own has no die

    assert not found(package(shape(1000)[1:], PLACES), "DIE.IN")
    (violation,) = found(package(shape(1001)[1:], PLACES), "DIE.IN")
    assert (violation.cell, violation.places) == ("die", 3)


def test_a_shape_beside_the_dies(package, found):
    (violation,) = found(package([], PLACES, [("M2", kdb.DBox(1200, 0, 1300, 100))]), "DIE.IN")
    assert violation.cell == "package"
    assert not found(package([], PLACES, [("M2", kdb.DBox(200, 100, 300, 200))]), "DIE.IN")


def test_a_die_that_is_no_box(draw, found):
    corners = [(0, 0), (0, 800), (500, 800), (500, 400), (1000, 400), (1000, 0)]
    die = ("FLOORPLAN", kdb.DPolygon([kdb.DPoint(*p) for p in corners]))
    assert not found(draw([die, ("M2", kdb.DBox(0, 0, 500, 800))]), "DIE.IN")
    assert found(draw([die, ("M2", kdb.DBox(0, 0, 501, 800))]), "DIE.IN")


@pytest.mark.parametrize("rule", FLOATING, ids=[rule.name for rule in FLOATING])
@pytest.mark.parametrize("angle", [0.0, 45.0, 30.0])
def test_floating(rule, angle, draw, found, bar):
    """An island counts as connected from the first grid point on at which it touches something."""
    layer = rule.layers[0]

    def island(x: float, other: str) -> list:
        move = kdb.DCplxTrans(1.0, angle, False, 300.0, 300.0)
        contact = kdb.DPolygon(kdb.DBox(x, 0, x + 20, 20)).transformed(move)
        return [DIE, (layer, kdb.DPolygon(kdb.DBox(0, 0, 30, 30)).transformed(move)), (other, contact)]

    for other in rule.layers[1:]:
        assert not found(draw(island(10.0, other)), rule.name)
        (violation,) = found(draw(island(30.0 + 2 * NM, other)), rule.name)
        assert f"um2 touches no {' or '.join(rule.layers[1:])}, 1 needed" in violation.message
    assert not found(draw(island(30.0 + 2 * NM, rule.layers[1])[1:]), rule.name)  # no die


def test_floating_in_every_die(package, found):
    island = ("M2", kdb.DBox(100, 100, 120, 120))
    (violation,) = found(package([island], PLACES), "M2.FLOAT")
    assert (violation.cell, violation.places) == ("die", 3)
    # the package connects one of them
    over = [("VIA1", kdb.DBox(110, 110, 110.6, 110.6))]
    assert sum(v.places for v in found(package([island], PLACES, over), "M2.FLOAT")) == 2


def test_an_alignment_mark_may_stand_alone(draw, found):
    mark = ("M2", kdb.DBox(100, 100, 130, 130))
    assert not found(draw([DIE, mark, ("WG", kdb.DBox(102, 102, 128, 128))]), "M2.FLOAT")
    assert found(draw([DIE, mark, ("WG", kdb.DBox(90, 110, 140, 110.4))]), "M2.FLOAT")  # it only crosses a waveguide


@pytest.mark.parametrize("name", ["M1.D", "M2.D"])
@pytest.mark.parametrize("angle", [0, 90, 180])
def test_density(name, angle, package, found, limit):
    """The first window of a die, filled just as far as allowed, and 2 nm further."""
    rule = limit(name)
    layer = rule.layers[0]

    def filled(share: float) -> list:
        return [(layer, kdb.DBox(0, 0, rule.value, share * rule.value))]

    most = float(rule.more["most"])
    places = [(0.0, 0.0, angle), (5000.0, 0.0, angle)]
    assert not found(package(filled(most), places), name)
    (violation,) = found(package(filled(most + 2 * NM / rule.value), places), name)
    assert violation.places == 2
    assert f"limit most {most:g}" in violation.message
    assert violation.cell in ("die", "package")
    assert not found(package([], places, filled(1.0)[:0]), name)


def test_density_of_one_die_that_the_package_draws_over(package, found):
    half = [("M2", kdb.DBox(0, 0, 50, 100))]
    assert not found(package(half, PLACES), "M2.D")
    (violation,) = found(package(half, PLACES, [("M2", kdb.DBox(40, 0, 100, 100))]), "M2.D")
    assert (violation.cell, violation.places) == ("package", 1)
    assert violation.message.startswith("share 1 of a window of 100 um")


def test_too_little(draw):
    rule = Rule("M2.L", "density", ("M2",), 100.0, "test", more={"step": 50.0, "least": 0.2, "die": "FLOORPLAN"})
    small = ("FLOORPLAN", kdb.DBox(0, 0, 100, 100))
    assert drc(draw([small, ("M2", kdb.DBox(0, 0, 20, 100))]), [rule]).clean
    (violation,) = drc(draw([small, ("M2", kdb.DBox(0, 0, 20 - 2 * NM, 100))]), [rule]).violations
    assert violation.message == "share 0.2 of a window of 100 um, limit least 0.2; fill the window"


def test_windows_of_a_die_that_is_no_box(draw):
    """In a corner cut off only the part inside counts."""
    rule = Rule("M2.L", "density", ("M2",), 100.0, "test", more={"step": 100.0, "least": 0.9, "die": "FLOORPLAN"})
    die = ("FLOORPLAN", kdb.DPolygon([kdb.DPoint(0, 0), kdb.DPoint(0, 100), kdb.DPoint(100, 80), kdb.DPoint(100, 0)]))
    assert drc(draw([die, ("M2", kdb.DBox(0, 0, 100, 85))]), [rule]).clean
    assert not drc(draw([die, ("M2", kdb.DBox(0, 0, 100, 75))]), [rule]).clean


COORDINATES = st.integers(-700, 1700)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    polygons=st.lists(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=9), min_size=1, max_size=5),
    step=st.sampled_from([100, 170, 333]),
)
def test_areas_by_bin_are_those_of_the_polygons(polygons, step):
    region = kdb.Region([kdb.Polygon([kdb.Point(*p) for p in points]) for points in polygons]).merged()
    bins = (math.ceil(1000 / step), math.ceil(900 / step))
    areas = areas_by_bin(_edges(region), (0, 0), step, bins)
    for j in range(bins[0]):
        for i in range(bins[1]):
            cell = kdb.Box(i * step, j * step, (i + 1) * step, (j + 1) * step)
            # KLayout rounds the corners of what it cuts
            assert areas[j, i] == pytest.approx((region & kdb.Region(cell)).area(), abs=4.0 * step)
    everything = areas_by_bin(_edges(region), (-1000, -1000), 3000, (1, 1))
    assert everything[0, 0] == pytest.approx(region.area(), abs=20)  # KLayout counts whole units
    assert np.all(areas >= -1e-6)
