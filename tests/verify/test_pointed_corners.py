"""Corners sharper than 60 degrees that point at an edge, and overlaps measured as the width of what is shared."""

from __future__ import annotations

import math

import klayout.db as kdb
import pytest


def turned(points: list[tuple[float, float]], angle: float) -> kdb.DPolygon:
    turn = kdb.DCplxTrans(1.0, angle, False, 0.0, 0.0)
    return kdb.DPolygon([kdb.DPoint(x, y) for x, y in points]).transformed(turn)


def needle(tip: float, opening: float) -> list[tuple[float, float]]:
    """A triangle whose corner of `opening` degrees points down at (0, `tip`)."""
    half = 20 * math.tan(math.radians(opening / 2))
    return [(0, tip), (-half, tip + 20), (half, tip + 20)]


BAR = [(-30.0, -10.0), (-30.0, 0.0), (30.0, 0.0), (30.0, -10.0)]


@pytest.mark.parametrize("opening", [20, 40, 58, 75, 100])
@pytest.mark.parametrize("angle", [0.0, 90.0, 31.0])
def test_needle_that_points_at_an_edge(opening, angle, draw, found):
    def pair(gap: float) -> list:
        return [("M1", turned(BAR, angle)), ("M1", turned(needle(gap, opening), angle))]

    assert not found(draw(pair(0.605)), "M1.S")
    (violation,) = found(draw(pair(0.59)), "M1.S")
    assert "space 0.5" in violation.message


@pytest.mark.parametrize("opening", [20, 40, 58, 75, 100])
@pytest.mark.parametrize("angle", [0.0, 90.0, 31.0])
def test_notch_that_points_at_the_other_side(opening, angle, draw, found):
    """A bar 5 um high with a notch from above that leaves `neck` of it."""

    def bar(neck: float) -> list:
        half = (5 - neck) * math.tan(math.radians(opening / 2))
        points = [(-30, 0), (-30, 5), (-half, 5), (0, neck), (half, 5), (30, 5), (30, 0)]
        return [("M1", turned([(float(x), float(y)) for x, y in points], angle))]

    assert not found(draw(bar(0.605)), "M1.W")
    violations = found(draw(bar(0.59)), "M1.W")
    assert len(violations) == 1
    assert "width 0.5" in violations[0].message


@pytest.mark.parametrize("rule", ["NPP.PPP.S", "VIA1.M2.EN"])
def test_needle_of_another_layer(rule, draw, found):
    def pair(distance: float) -> list:
        if rule == "NPP.PPP.S":
            return [("NPP", turned(BAR, 0)), ("PPP", turned(needle(distance, 40), 0))]
        return [("M2", kdb.DBox(-40, 0, 40, 60)), ("VIA1", turned(needle(distance, 40), 0))]

    limit = 0.5 if rule == "NPP.PPP.S" else 0.3
    assert not found(draw(pair(limit + 0.005)), rule)
    assert len(found(draw(pair(limit - 0.01)), rule)) == 1


def test_overlap_by_a_corner_alone(draw, found):
    """A corner of 90 degrees that pokes 0.1 um into an edge at 45 degrees: less than 0.2 um is shared."""
    edge = [(-20.0, -20.0), (-20.0, 0.0), (20.0, 0.0), (20.0, -20.0)]

    def poke(depth: float) -> list:
        return [("N", turned(edge, 0)), ("NPP", turned([(0, -depth), (-9, 9 - depth), (9, 9 - depth)], 0))]

    assert len(found(draw(poke(0.1)), "N.NPP.OV")) == 1
    assert len(found(draw([("N", turned(edge, 0)), ("NPP", kdb.DBox(-5, -0.1, 5, 9))]), "N.NPP.OV")) == 1
    assert not found(draw([("N", turned(edge, 0)), ("NPP", kdb.DBox(-5, -0.2, 5, 9))]), "N.NPP.OV")
