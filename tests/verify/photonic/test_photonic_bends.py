"""Bend radius measured on the outline."""

from __future__ import annotations

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.verify.photonic.bends import tight_bends
from cpo_pdk.verify.photonic.contour_set import ContourSet
from cpo_pdk.verify.photonic.rays import RayGrid


@pytest.mark.parametrize("points", [12, 40, 120, 600])
@pytest.mark.parametrize("turn", [0.0, 20.0, 45.0])
def test_waveguide_bend(points, turn, draw, found, limit, arc):
    value = limit("WG.BEND").value
    assert not found(draw([("WG", arc(value, 0.4, points=points, turn=turn))]), "WG.BEND")
    (violation,) = found(draw([("WG", arc(0.95 * value, 0.4, points=points, turn=turn))]), "WG.BEND")
    assert float(violation.message.split()[6]) == pytest.approx(0.95 * value, rel=0.03)


@pytest.mark.parametrize("points", [8, 40, 300])
@pytest.mark.parametrize("turn", [0.0, 11.0, 30.0, 45.0])
def test_one_percent_is_enough(points, turn, draw, found, limit, arc):
    value = limit("WG.BEND").value
    assert not found(draw([("WG", arc(value, 0.4, points=points, turn=turn))]), "WG.BEND")
    assert len(found(draw([("WG", arc(0.99 * value, 0.4, points=points, turn=turn))]), "WG.BEND")) == 1


@pytest.mark.parametrize("radius", [0.4, 1.0, 2.0])
def test_much_too_tight(radius, draw, found, arc):
    assert len(found(draw([("WG", arc(radius, 0.4, points=40))]), "WG.BEND")) == 1


@pytest.mark.parametrize("width", [0.3, 0.4, 0.8])
def test_the_centre_line_counts_whatever_the_width(width, draw, found, limit, arc):
    value = limit("WG.BEND").value
    assert not found(draw([("WG", arc(value, width))]), "WG.BEND")
    assert found(draw([("WG", arc(0.94 * value, width))]), "WG.BEND")


def test_ring_with_its_hole(draw, found, limit, ring):
    value = limit("WG.BEND").value
    assert not found(draw([("WG", ring(value, 0.4))]), "WG.BEND")
    (violation,) = found(draw([("WG", ring(0.95 * value, 0.4))]), "WG.BEND")
    assert violation.bbox[2] - violation.bbox[0] == pytest.approx(2 * (0.95 * value - 0.2), abs=0.1)


@pytest.mark.parametrize("layer", ["FIBER_2", "FIBER_8", "FIBER_PM"])
def test_fibres_of_every_ribbon_layer(layer, draw, found, limit, arc):
    value = limit(f"{layer}.BEND").value
    assert value == limit("FIBER.BEND").value
    assert not found(draw([(layer, arc(value, 125.0, angle=70, points=60, straight=5000))]), f"{layer}.BEND")
    assert found(draw([(layer, arc(0.99 * value, 125.0, angle=70, points=60, straight=5000))]), f"{layer}.BEND")


@pytest.mark.parametrize("points", [8, 15, 60, 200, 1000])
@pytest.mark.parametrize("turn", [0.0, 37.0])
def test_fibre_bend(points, turn, draw, found, limit, arc):
    value = limit("FIBER.BEND").value
    good = arc(value, 125.0, angle=70, points=points, straight=5000, turn=turn)
    assert not found(draw([("FIBER", good)]), "FIBER.BEND")
    tight = arc(0.99 * value, 125.0, angle=70, points=points, straight=5000, turn=turn)
    assert len(found(draw([("FIBER", tight)]), "FIBER.BEND")) == 1


def test_s_bend_is_found_at_both_turns(draw, found):
    t = np.linspace(0, 1, 300)
    x, y = 10 * t, 6 * (t - np.sin(2 * np.pi * t) / (2 * np.pi))  # smallest radius 100 / (2 pi 6) = 2.6 um, less slope
    dx, dy = np.gradient(x, edge_order=2), np.gradient(y, edge_order=2)
    n = np.column_stack([-dy, dx]) / np.hypot(dx, dy)[:, None] * 0.2
    outline = np.vstack([np.column_stack([x, y]) + n, (np.column_stack([x, y]) - n)[::-1]])
    polygon = kdb.DPolygon([kdb.DPoint(a, b) for a, b in outline])
    assert len(found(draw([("WG", polygon)]), "WG.BEND")) == 2


def test_bend_drawn_in_pieces(draw, found, arc):
    whole = arc(3.0, 0.4, points=120).to_itype(0.001)
    halves = [kdb.Region(kdb.Box(-20000, -20000, 1500, 20000)), kdb.Region(kdb.Box(1500, -20000, 20000, 20000))]
    shapes = [("WG", piece.to_dtype(0.001)) for half in halves for piece in (kdb.Region(whole) & half).each()]
    assert len(shapes) == 2
    assert len(found(draw(shapes), "WG.BEND")) == 1


def test_flares_and_corners_are_no_bends(draw, found):
    x = np.linspace(0, 4.0, 60)
    half = 0.2 + 0.6 * (x / 4.0) ** 2  # radius of curvature 13 um at the start ...
    steep = 0.2 + 1.2 * (x / 4.0) ** 3  # ... and here below 3 um
    for edge in (half, steep):
        outline = np.vstack([np.column_stack([x, edge]), np.column_stack([x, -edge])[::-1]])
        flare = kdb.DPolygon([kdb.DPoint(a, b) for a, b in outline])
        body = kdb.DBox(4.0, -3, 20, 3)
        assert not found(draw([("WG", flare), ("WG", body), ("WG", kdb.DBox(-10, -0.2, 0, 0.2))]), "WG.BEND")


def test_nearly_straight_noise_is_no_bend(draw, found):
    x = np.linspace(0, 70, 60)
    y = -0.013 * (x / 70 - np.sin(2 * np.pi * x / 70) / (2 * np.pi))
    outline = np.vstack([np.column_stack([x, y + 0.2]), np.column_stack([x, y - 0.2])[::-1]])
    assert not found(draw([("WG", kdb.DPolygon([kdb.DPoint(a, b) for a, b in outline]))]), "WG.BEND")


def test_hole_in_a_wide_plate_is_no_bend(draw, found):
    plate = kdb.DPolygon(kdb.DBox(60, 60))
    plate.insert_hole(list(kdb.DPolygon.ellipse(kdb.DBox(4, 4), 90).each_point_hull()))
    assert not found(draw([("WG", plate)]), "WG.BEND")


@pytest.mark.parametrize("seed", range(5))
def test_random_outlines_never_fail(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        n = int(rng.integers(3, 60))
        loop = np.round(rng.normal(scale=rng.choice([0.003, 0.1, 10.0]), size=(n, 2)), 3)
        _run([loop])
    _run([np.zeros((10, 2))])
    _run([np.column_stack([np.arange(10.0), np.zeros(10)])])
    _run([])


def _run(loops):
    walls = ContourSet.of_loops(loops, range(len(loops)), [1] * len(loops))
    return list(tight_bends(walls, lambda: RayGrid(walls), 4.5, 0.2))


def test_a_cell_is_told_once_whatever_it_is_joined_to(look, along, quarter):
    """The polygon that a bend is part of differs from place to place, the fault doesn't."""
    file = look.file([])
    bend, straight = file.layout.create_cell("bend"), file.layout.create_cell("straight")
    index = file.layout.layer(1, 0)
    bend.shapes(index).insert(along(quarter(4.2))[1])
    straight.shapes(index).insert(kdb.DBox(-10, -0.2, 0, 0.2))
    for number, length in enumerate((0, 1, 2, 3)):
        group = file.layout.create_cell(f"group {number}")
        group.insert(kdb.DCellInstArray(bend.cell_index(), kdb.DTrans()))
        for k in range(length):
            group.insert(kdb.DCellInstArray(straight.cell_index(), kdb.DTrans(-10.0 * k, 0.0)))
        turned = kdb.DTrans(number % 2, False, 100.0 * number, 0.0)
        file.top.insert(kdb.DCellInstArray(group.cell_index(), turned))
    (violation,) = look.on(file, "WG.BEND")
    assert (violation.cell, violation.places) == ("bend", 4)
    assert violation.bbox[0] >= -0.1
    assert violation.bbox[2] <= 4.3


@pytest.mark.parametrize("scrap", [0.3, 0.574, 2.0])
def test_a_scrap_of_straight_guide_before_an_arc_is_part_of_no_bend(scrap, draw, found, limit):
    """Coarse facets of a fibre: the first one behind the scrap is no straight, on which a window may begin anywhere."""
    value = limit("FIBER.BEND").value

    def bent(radius):
        angles = np.linspace(-90.0, -77.0, 26) * np.pi / 180
        wall = [
            np.column_stack([r * np.cos(angles), radius + r * np.sin(angles)]) for r in (radius - 62.5, radius + 62.5)
        ]
        before = [np.array([[-2000.0, y - 0.1 * side], [-scrap, y]]) for y, side in ((62.5, 1), (-62.5, 1))]
        loop = np.concatenate([before[0], *wall[:1], wall[1][::-1], before[1][::-1]])
        return kdb.DPolygon([kdb.DPoint(x, y) for x, y in loop])

    assert not found(draw([("FIBER", bent(1.002 * value))]), "FIBER.BEND")
    assert found(draw([("FIBER", bent(0.98 * value))]), "FIBER.BEND")
