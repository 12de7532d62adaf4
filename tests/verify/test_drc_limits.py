"""Each rule kind at its limit and just below it, along the axes, slanted, curved, and in placed cells."""

from __future__ import annotations

from dataclasses import replace

import klayout.db as kdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.tech.layers import FIBER_LEVELS
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify import drc

NM = 0.001
WIDTH_RULES = [rule.name for rule in load_rules() if rule.kind == "width"]
SPACE_RULES = [rule.name for rule in load_rules() if rule.kind == "space"]


@pytest.mark.parametrize("name", WIDTH_RULES)
@pytest.mark.parametrize("angle", [0.0, 90.0])
def test_width_along_the_axes(name, angle, draw, found, limit, bar):
    rule = limit(name)
    length = 20 * rule.value
    assert not found(draw([(rule.layers[0], bar(length, rule.value, angle))]), name)
    (violation,) = found(draw([(rule.layers[0], bar(length, rule.value - 2 * NM, angle))]), name)
    assert f"limit {rule.value:g} um" in violation.message
    assert violation.layer == rule.layers[0]
    assert violation.cell == "top"


@pytest.mark.parametrize("name", ["WG.W", "M1.W", "HEATER.W", "M2.W", "FIBER.W"])
@pytest.mark.parametrize("angle", [45.0, 30.0, 17.3, -61.9])
def test_width_of_slanted_bars(name, angle, draw, found, limit, bar):
    rule = limit(name)
    length = 20 * rule.value
    assert not found(draw([(rule.layers[0], bar(length, rule.value, angle))]), name)
    assert len(found(draw([(rule.layers[0], bar(length, rule.value - 5 * NM, angle))]), name)) == 1


@pytest.mark.parametrize("name", SPACE_RULES)
@pytest.mark.parametrize("angle", [0.0, 90.0])
def test_space_along_the_axes(name, angle, draw, found, limit, bar):
    rule = limit(name)
    w = 3 * rule.value

    def pair(gap: float) -> list:
        return [(rule.layers[0], bar(9 * w, w, angle, offset)) for offset in (0.0, w + gap)]

    assert not found(draw(pair(rule.value)), name)
    assert len(found(draw(pair(rule.value - 2 * NM)), name)) == 1


@pytest.mark.parametrize("name", ["WG.S", "M1.S", "M2.S", "BUMP.S"])
@pytest.mark.parametrize("angle", [45.0, 30.0, 17.3])
def test_space_of_slanted_bars(name, angle, draw, found, limit, bar):
    rule = limit(name)
    w = 3 * rule.value

    def pair(gap: float) -> list:
        return [(rule.layers[0], bar(9 * w, w, angle, offset)) for offset in (0.0, w + gap)]

    assert not found(draw(pair(rule.value)), name)
    assert len(found(draw(pair(rule.value - 5 * NM)), name)) == 1


def test_notch_is_a_space(draw, found, limit):
    gap = limit("M1.S").value

    def comb(gap: float) -> list:
        points = [(0, 0), (0, 5), (2, 5), (2, 2), (2 + gap, 2), (2 + gap, 5), (4 + gap, 5), (4 + gap, 0)]
        return [("M1", kdb.DPolygon([kdb.DPoint(x, y) for x, y in points]))]

    assert not found(draw(comb(gap)), "M1.S")
    (violation,) = found(draw(comb(gap - 2 * NM)), "M1.S")
    assert violation.bbox == pytest.approx((2, 2, 2 + gap, 5), abs=3e-3)


def test_space_between_corners_is_euclidean(draw, found):
    def corners(d: float) -> list:
        return [("M2", kdb.DBox(0, 0, 4, 4)), ("M2", kdb.DBox(4 + d, 4 + d, 8 + d, 8 + d))]

    assert not found(draw(corners(0.708)), "M2.S")  # 0.708 * sqrt(2) = 1.001
    assert len(found(draw(corners(0.704)), "M2.S")) == 1


def test_corners_that_touch_are_no_space(draw, found):
    assert not found(draw([("M2", kdb.DBox(0, 0, 4, 4)), ("M2", kdb.DBox(4, 4, 8, 8))]), "M2.S")


def test_round_shapes_are_as_wide_as_their_diameter(draw, found, limit):
    for diameter, faults in ((limit("BUMP.W").value + 0.2, 0), (limit("BUMP.W").value - 0.1, 1)):
        circle = kdb.DPolygon.ellipse(kdb.DBox(diameter, diameter), 64)
        assert len(found(draw([("BUMP", circle)]), "BUMP.W")) == faults


def test_round_holes_are_as_wide_as_their_diameter(draw, found):
    for diameter, faults in ((1.05, 0), (0.95, 1)):
        plate = kdb.DPolygon(kdb.DBox(10, 10))
        plate.insert_hole(list(kdb.DPolygon.ellipse(kdb.DBox(diameter, diameter), 64).each_point_hull()))
        assert len(found(draw([("M2", plate)]), "M2.S")) == faults


def test_neck_between_two_inner_corners_is_narrow(draw, found):
    def two(overlap: float) -> list:
        return [("M1", kdb.DBox(0, 0, 3, 3)), ("M1", kdb.DBox(3 - overlap, 3 - overlap, 6, 6))]

    assert not found(draw(two(0.5)), "M1.W")  # 0.5 * sqrt(2) = 0.707
    assert len(found(draw(two(0.4)), "M1.W")) == 1


def test_pointed_end_is_narrow(draw, found):
    wedge = kdb.DPolygon([kdb.DPoint(0, 0), kdb.DPoint(10, 0.5), kdb.DPoint(10, -0.5)])
    (violation,) = found(draw([("WG", wedge)]), "WG.W")
    assert violation.message.startswith("width 0 um")


@pytest.mark.parametrize("turn", [0.0, 33.0])
def test_width_and_space_on_curves(turn, draw, found, limit, arc):
    width, gap = limit("WG.W").value, limit("WG.S").value
    assert not found(draw([("WG", arc(8.0, width, points=300, turn=turn))]), "WG.W")
    assert len(found(draw([("WG", arc(8.0, width - 5 * NM, points=300, turn=turn))]), "WG.W")) == 1
    for g, faults in ((gap, 0), (gap - 5 * NM, 1)):
        lower = arc(8.0, 0.4, points=400, turn=turn)
        shift = kdb.DTrans(0.0, 0.0)
        upper = _parallel(arc, 8.0 - 0.4 - g, turn).transformed(shift)
        assert len(found(draw([("WG", lower), ("WG", upper)]), "WG.S")) == faults


def _parallel(arc, radius: float, turn: float) -> kdb.DPolygon:
    """The concentric waveguide of `radius` to one of radius 8 um."""
    inner = arc(radius, 0.4, points=400)
    moved = inner.transformed(kdb.DCplxTrans(1.0, 0.0, False, 0.0, 8.0 - radius))
    return moved.transformed(kdb.DCplxTrans(1.0, turn, False, 0.0, 0.0))


def test_gap_of_ring_and_bus(draw, found, limit, ring):
    gap = limit("WG.S").value
    for g, faults in ((gap, 0), (gap - 4 * NM, 1)):
        bus = kdb.DBox(-20, -6.2 - g - 0.4, 20, -6.2 - g)
        violations = found(draw([("WG", ring(6.0, 0.4)), ("WG", bus)]), "WG.S")
        assert len(violations) == faults
        for violation in violations:
            left, bottom, right, top = violation.bbox
            assert bottom == pytest.approx(-6.2 - g, abs=0.01)
            assert top == pytest.approx(-6.2, abs=0.01)
            assert abs(left + right) < 0.5


def test_arms_that_part_slowly_are_fine_as_long_as_the_gap_is(draw, found):
    def arms(gap: float) -> list:
        upper = kdb.DPolygon([kdb.DPoint(*p) for p in ((0, gap), (0, gap + 0.4), (30, gap + 2.4), (30, gap + 2.0))])
        return [("WG", upper), ("WG", kdb.DBox(0, -0.4, 30, 0)), ("WG", kdb.DBox(-10, -0.4, 0, gap + 0.4))]

    assert not found(draw(arms(0.13)), "WG.S")
    assert found(draw(arms(0.05)), "WG.S")


@pytest.mark.parametrize("angle", [0.0, 90.0])
def test_separation(angle, draw, found, limit, bar):
    value = limit("NPP.PPP.S").value

    def pair(gap: float) -> list:
        return [("NPP", bar(20, 2, angle)), ("PPP", bar(20, 2, angle, 2 + gap))]

    assert not found(draw(pair(value)), "NPP.PPP.S")
    assert len(found(draw(pair(value - 2 * NM)), "NPP.PPP.S")) == 1
    assert found(draw(pair(0.0)), "NPP.PPP.S")
    (overlapping,) = found(draw(pair(-1.0)), "NPP.PPP.S")
    assert "overlap" in overlapping.message


def test_shape_inside_the_other_layer_is_no_separation(draw, found):
    assert len(found(draw([("NPP", kdb.DBox(20, 20)), ("PPP", kdb.DBox(2, 2))]), "NPP.PPP.S")) == 1


@pytest.mark.parametrize("name", [rule.name for rule in load_rules() if rule.kind == "enclosure"])
def test_enclosure(name, draw, found, limit):
    rule = limit(name)
    inner, outer = rule.layers
    size = 10 * rule.value

    def nested(left: float) -> list:
        v = rule.value
        return [(inner, kdb.DBox(0, 0, size, size)), (outer, kdb.DBox(-left, -v, size + v, size + v))]

    assert not found(draw(nested(rule.value)), name)
    assert len(found(draw(nested(rule.value - 2 * NM)), name)) == 1
    assert found(draw(nested(0.0)), name)
    outside = found(draw(nested(-0.5 * size)), name)
    assert any("outside" in violation.message for violation in outside)
    assert found(draw([(inner, kdb.DBox(0, 0, size, size))]), name)


def test_enclosure_turned(draw, found, limit):
    value = limit("VIA1.M2.EN").value
    for v, faults in ((value, 0), (value - 5 * NM, 4)):
        shapes = []
        for layer, size in (("VIA1", 1.0), ("M2", 1.0 + 2 * v)):
            square = kdb.DPolygon(kdb.DBox(size, size)).transformed(kdb.DCplxTrans(1.0, 45.0, False, 0.0, 0.0))
            shapes.append((layer, square))
        violations = found(draw(shapes), "VIA1.M2.EN")
        assert bool(violations) == bool(faults)


def test_overlap(draw, found, limit):
    value = limit("N.NPP.OV").value

    def pair(overlap: float) -> list:
        return [("N", kdb.DBox(0, 0, 5, 5)), ("NPP", kdb.DBox(5 - overlap, 0, 10, 5))]

    assert not found(draw(pair(value)), "N.NPP.OV")
    assert len(found(draw(pair(value - 2 * NM)), "N.NPP.OV")) == 1
    assert found(draw(pair(0.0)), "N.NPP.OV")
    assert not found(draw(pair(-1.0)), "N.NPP.OV")  # they don't touch


def test_inside(draw, found):
    def via(x: float) -> list:
        return [
            ("VIAC", kdb.DBox(x, 0, x + 0.4, 0.4)),
            ("NPP", kdb.DBox(-1, -1, 1, 1)),
            ("PPP", kdb.DBox(1, -1, 2, 1)),
        ]

    assert not found(draw(via(0.6)), "VIAC.IN")
    assert not found(draw(via(0.8)), "VIAC.IN")  # half on one, half on the other
    (violation,) = found(draw(via(1.61)), "VIAC.IN")
    assert violation.bbox == pytest.approx((2.0, 0.0, 2.01, 0.4))
    assert "not covered by NPP or PPP or GE" in violation.message


@pytest.mark.parametrize("name", ["WG.A", "M1.A", "M2.A"])
def test_area(name, draw, found, limit):
    rule = limit(name)
    side = 2.0
    assert not found(draw([(rule.layers[0], kdb.DBox(0, 0, rule.value / side, side))]), name)
    (violation,) = found(draw([(rule.layers[0], kdb.DBox(0, 0, rule.value / side - 2 * NM, side))]), name)
    assert violation.message.endswith("enlarge the shape or remove it")


def test_grid_finds_cells_that_are_turned(draw, found):
    device = [("WG", kdb.DBox(0, 0, 10, 1))]
    assert not found(draw(device, place=[(0, 0, 0), (20, 0, 90), (40, 0, 180)]), "GRID")
    (violation,) = found(draw(device, place=[(0, 0, 0), (20, 0, 30)]), "GRID")
    assert "30 degrees" in violation.message
    assert violation.cell == "top"


def test_grid_coarser_than_the_database_unit(draw):
    rule = Rule("G5", "grid", ("WG",), 0.005, "test")
    assert drc(draw([("WG", kdb.DBox(0, 0, 10.005, 1))]), [rule]).clean
    off = drc(draw([("WG", kdb.DBox(0, 0, 10.002, 1))]), [rule])
    assert off.by_rule
    placed = drc(draw([("WG", kdb.DBox(0, 0, 10, 1))], place=[(0, 0, 0), (50.001, 0, 0)]), [rule])
    assert placed.by_rule


@pytest.mark.parametrize(("degrees", "faults"), [(90, 0), (61, 0), (58, 1), (20, 1)])
def test_angle(degrees, faults, draw, found):
    import math

    rad = math.radians(degrees)
    tip = [kdb.DPoint(0, 0), kdb.DPoint(30, 0), kdb.DPoint(30 * math.cos(rad), 30 * math.sin(rad))]
    sharp = [v for v in found(draw([("M1", kdb.DPolygon(tip))]), "M1.ANGLE") if max(map(abs, v.bbox)) < 0.1]
    assert len(sharp) == faults


@pytest.mark.parametrize("layer", [*FIBER_LEVELS, "FIBER_PM"])
def test_fibres_in_one_place(layer, draw, found):
    def two(pitch: float) -> list:
        return [(layer, kdb.DBox(0, 0, 5000, 125)), (layer, kdb.DBox(0, pitch, 5000, pitch + 125))]

    assert not found(draw(two(127)), f"{layer}.X")
    assert not found(draw(two(125)), f"{layer}.X")
    (violation,) = found(draw(two(124)), f"{layer}.X")
    assert violation.bbox == pytest.approx((0, 124, 5000, 125))


def test_fibres_of_two_ribbon_layers_lie_over_one_another(draw):
    layers = [*FIBER_LEVELS, "FIBER_PM"]
    assert drc(draw([(layer, kdb.DBox(0, 0, 5000, 125)) for layer in layers])).clean


def test_a_fault_that_equal_fibres_share_is_found_in_each(draw, found):
    """Polygons of one shape are measured once."""
    outline = [(0, 0), (0, 125), (900, 125), (900, 110), (1000, 110), (1000, 125), (2000, 125), (2000, 0)]
    fibres = [
        ("FIBER", kdb.DPolygon([kdb.DPoint(x + dx, y + dy) for x, y in outline]))
        for dx, dy in ((0, 0), (30, 200), (5000, 0))
    ]
    fibres.append(("FIBER", kdb.DBox(0, 400, 2000, 525)))
    violations = found(draw(fibres), "FIBER.W")
    assert sorted(v.bbox for v in violations) == [
        pytest.approx((dx + 776, dy, dx + 1124, dy + 110)) for dx, dy in ((0, 0), (30, 200), (5000, 0))
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    boxes=st.lists(
        st.tuples(st.sampled_from(["FIBER", "FIBER_PM"]), *[st.integers(0, 12) for _ in range(4)]),
        min_size=1,
        max_size=6,
    )
)
def test_whether_anything_is_covered_twice(boxes, draw_anywhere):
    """The short way by areas says what the long way over every overlap says."""
    shapes = [(name, kdb.DBox(x, y, x + w + 1, y + h + 1)) for name, x, y, w, h in boxes]
    file = draw_anywhere(shapes)
    rule = replace(next(rule for rule in load_rules() if rule.name == "FIBER.X"), layers=("FIBER", "FIBER_PM"))
    twice = kdb.Region([box.to_itype(NM) for _, box in shapes]).merged(False, 2)
    assert bool(drc(file, [rule]).violations) == (not twice.is_empty())


def test_fibres_that_cross(draw, found, bar):
    (violation,) = found(draw([("FIBER_2", bar(5000, 125)), ("FIBER_2", bar(5000, 125, 60))]), "FIBER_2.X")
    assert max(abs(v) for v in violation.bbox) < 200


@pytest.mark.parametrize("angle", [0.0, 90.0, 180.0, 30.0])
def test_in_a_placed_cell(angle, draw, found, limit, bar):
    value = limit("WG.W").value
    place = [(100.0, 50.0, angle), (300.0, 50.0, angle)]
    assert not found(draw([("WG", bar(20, value))], place), "WG.W")
    violations = found(draw([("WG", bar(20, value - 5 * NM))], place), "WG.W")
    (violation,) = violations
    assert violation.cell == "device"
    assert violation.message.endswith("in 2 places")
    left, bottom, right, top = violation.bbox  # of the bar, or of the slanted box around it
    assert (left + right, bottom + top) == pytest.approx((0, 0), abs=3e-3)
    assert right == pytest.approx(10, abs=3)
