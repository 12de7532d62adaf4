"""Notches, gaps between shapes, how far one layer reaches beyond another, holes, and what may not lie on what."""

from __future__ import annotations

from collections.abc import Callable

import klayout.db as kdb
import pytest

from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify import drc

NM = 0.001
#: a cell that is turned is off the grid, but its inside is what it is
ANGLES = [0.0, 90.0, 45.0, 30.0]
PLACES: list[list[tuple[float, float, float]]] = [[], [(7.0, 3.0, 0.0), (90.0, 3.0, 90.0)], [(7.0, 3.0, 30.0)]]


def turned(points: list[tuple[float, float]], angle: float = 0.0) -> kdb.DPolygon:
    return kdb.DPolygon([kdb.DPoint(*p) for p in points]).transformed(kdb.DCplxTrans(1.0, angle, False, 0.0, 0.0))


def box(left: float, bottom: float, right: float, top: float, angle: float = 0.0) -> kdb.DPolygon:
    return turned([(left, bottom), (left, top), (right, top), (right, bottom)], angle)


@pytest.fixture
def broken(draw) -> Callable[..., list]:
    """Violations of one rule in some shapes."""
    return lambda rule, shapes, place=(): list(drc(draw(shapes, place), [rule]).violations)


def comb(gap: float, angle: float = 0.0) -> list[tuple[str, kdb.DPolygon]]:
    """One shape with a slot of `gap`."""
    points = [(0, 0), (0, 20), (8, 20), (8, 5), (8 + gap, 5), (8 + gap, 20), (16 + gap, 20), (16 + gap, 0)]
    return [("M1", turned([(float(x), float(y)) for x, y in points], angle))]


def couple(gap: float, angle: float = 0.0) -> list[tuple[str, kdb.DPolygon]]:
    """Two shapes with a gap between them."""
    return [("M1", box(0, 0, 8, 20, angle)), ("M1", box(8 + gap, 0, 16 + gap, 20, angle))]


@pytest.mark.parametrize("place", PLACES, ids=["top", "cells", "turned"])
@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize(
    ("kind", "drawn", "other"), [("notch", comb, couple), ("isolation", couple, comb)], ids=["notch", "isolation"]
)
def test_notch_and_isolation(kind, drawn, other, angle, place, broken):
    rule = Rule("M1.X", kind, ("M1",), 1.5, "test")
    short = 2 * NM if angle in (0.0, 90.0) else 3 * NM
    assert not broken(rule, drawn(1.5, angle), place)
    (violation,) = broken(rule, drawn(1.5 - short, angle), place)
    assert violation.message.startswith("notch 1.49" if kind == "notch" else "space between two shapes 1.49")
    assert violation.places == max(1, len(place))
    assert not broken(rule, other(0.8, angle), place)


@pytest.mark.parametrize("angle", ANGLES)
def test_extension(angle, broken):
    rule = next(r for r in load_rules() if r.name == "DEEPTRENCH.DIE.EX")
    value = rule.value
    short = 2 * NM if angle in (0.0, 90.0) else 3 * NM

    def trench(beyond: float) -> list:
        return [("FLOORPLAN", box(0, 0, 300, 300, angle)), ("DEEPTRENCH", box(280, 100, 300 + beyond, 200, angle))]

    assert not broken(rule, trench(value))
    (violation,) = broken(rule, trench(value - short))
    assert violation.message.startswith("extension 9.99")
    assert not broken(rule, trench(-5))  # it doesn't leave the die
    assert not broken(rule, [("DEEPTRENCH", box(0, 0, 20, 20))])


def plate(side: float, angle: float = 0.0) -> kdb.DPolygon:
    polygon = kdb.DPolygon(kdb.DBox(-20, -20, 20, 20))
    polygon.insert_hole(kdb.DBox(-side / 2, -side / 2, side / 2, side / 2))
    return polygon.transformed(kdb.DCplxTrans(1.0, angle, False, 0.0, 0.0))


@pytest.mark.parametrize("place", PLACES, ids=["top", "cells", "turned"])
@pytest.mark.parametrize("name", [rule.name for rule in load_rules() if rule.kind == "hole"])
def test_hole(name, place, broken, limit):
    rule = limit(name)
    side = 2 * round(500 * rule.value**0.5 + 0.5) / 1000
    assert not broken(rule, [(rule.layers[0], plate(side))], place)
    short = 6 * NM if any(angle % 90 for _, _, angle in place) else 2 * NM
    (violation,) = broken(rule, [(rule.layers[0], plate(side - short))], place)
    assert violation.message.endswith(f"enlarge the hole or fill it{'; in 2 places' if len(place) == 2 else ''}")
    assert not broken(rule, [(rule.layers[0], kdb.DPolygon(kdb.DBox(0, 0, 3, 3)))], place)


def test_hole_that_cells_make_together(broken):
    """Four bars around a hole, each in no polygon that has one by itself."""
    rule = Rule("M1.H", "hole", ("M1",), 1.0, "test")
    bars = [box(0, 0, 5, 2), box(0, 2.9, 5, 5), box(0, 0, 2, 5), box(2.9, 0, 5, 5)]
    (violation,) = broken(rule, [("M1", bar) for bar in bars], [(0.0, 0.0, 90.0)])
    assert "0.81 um2" in violation.message


def test_round_hole_is_as_large_as_it_is(broken):
    rule = Rule("M1.H", "hole", ("M1",), 0.7854, "test")
    for diameter, faults in ((1.01, 0), (0.99, 1)):
        polygon = kdb.DPolygon(kdb.DBox(10, 10))
        polygon.insert_hole(list(kdb.DPolygon.ellipse(kdb.DBox(diameter, diameter), 128).each_point_hull()))
        assert len(broken(rule, [("M1", polygon)])) == faults


EXCLUSIONS = [(rule.name, other) for rule in load_rules() if rule.kind == "exclusion" for other in rule.layers[1:]]


@pytest.mark.parametrize(("name", "other"), EXCLUSIONS)
def test_exclusion(name, other, broken, limit):
    rule = limit(name)

    def pair(overlap: float) -> list:
        return [(rule.layers[0], box(0, 0, 10, 10)), (other, box(10 - overlap, 0, 20, 10))]

    assert not broken(rule, pair(0.0))  # they may touch
    (violation,) = broken(rule, pair(3 * NM))
    assert violation.message == f"{rule.layers[0]} lies on {other}, no overlap allowed; move one of them away"
    assert violation.bbox == pytest.approx((9.997, 0, 10, 10))
    assert broken(rule, [(rule.layers[0], box(0, 0, 10, 10)), (other, box(3, 3, 5, 5))])


@pytest.mark.parametrize("angle", ANGLES)
def test_exclusion_turned(angle, broken, limit):
    rule = limit("GE.X")

    def pair(overlap: float) -> list:
        return [("GE", box(0, 0, 10, 10, angle)), ("HEATER", box(10 - overlap, 0, 20, 10, angle))]

    assert not broken(rule, pair(0.0))
    assert len(broken(rule, pair(6 * NM))) == 1


def test_exclusion_across_cells(draw, limit):
    """A heater of the parent over germanium of a child that is turned and placed twice."""
    rule = limit("GE.X")
    file = draw([("GE", kdb.DBox(0, 0, 10, 2))], [(0.0, 0.0, 0.0), (50.0, 0.0, 30.0)])
    layout = kdb.Layout()
    layout.read(str(file))
    layout.top_cell().shapes(layout.layer(47, 0)).insert(kdb.DBox(5, -5, 8, 20))
    layout.write(str(file))
    (violation,) = drc(file, [rule]).violations
    assert (violation.cell, violation.places) == ("top", 1)
    assert violation.bbox == pytest.approx((5, 0, 8, 2))


@pytest.mark.parametrize("name", ["N.IN", "P.IN", "NPP.IN", "PPP.IN"])
def test_implants_lie_in_silicon(name, broken, limit):
    rule = limit(name)

    def implant(right: float) -> list:
        silicon = [("WG", box(0, 0, 10, 10)), ("SLAB90", box(10, 0, 20, 10))]
        return [*silicon, (rule.layers[0], box(5, 2, right, 8))]

    assert not broken(rule, implant(20.0))
    (violation,) = broken(rule, implant(20 + 3 * NM))
    assert violation.bbox == pytest.approx((20, 2, 20.003, 8))
    assert "not covered by WG or SLAB90" in violation.message
