"""Widths along a guide: jumps and tapers."""

from __future__ import annotations

import math

import klayout.db as kdb
import numpy as np
import pytest

WAYS = [{}, {"turn": 90.0}, {"mirror": True}, {"placed": True}, {"placed": True, "turn": 90.0}, {"merged": True}]
SLANTED = [{"turn": 45.0}, {"turn": 17.0}, {"turn": 30.0, "placed": True}]


@pytest.mark.parametrize("how", WAYS)
def test_a_jump_above_the_limit(look, bar, how):
    for top, found in ((0.205, 0), (0.206, 1), (0.3, 1)):
        shapes = [bar(-20, -0.2, 0, 0.2), bar(0, -0.2, 20, top)]
        violations = look("PH.JUMP", shapes, **how)
        assert len(violations) == found, (top, how)
    assert "width jumps by 0.1 um, limit 0.005 um" in violations[0].message
    assert violations[0].places == (3 if how.get("placed") else 1)


@pytest.mark.parametrize("how", SLANTED)
def test_a_jump_of_a_slanted_guide_is_forgiven_its_rounding(look, bar, how):
    for half, found in ((0.202, 0), (0.204, 1), (0.22, 1)):
        assert len(look("PH.JUMP", [bar(-20, -0.2, 0, 0.2), bar(0, -half, 20, half)], **how)) == found, half


@pytest.mark.parametrize("how", [*WAYS, *SLANTED])
def test_a_guide_that_goes_on_beside_itself(look, bar, how):
    aside = [bar(-20, -0.2, 0, 0.2), bar(0, -0.188, 20, 0.212)]
    (violation,) = look("PH.JUMP", aside, **how)
    assert "beside itself" in violation.message
    assert not look("PH.JUMP", [bar(-20, -0.2, 0, 0.2), bar(0, -0.2, 20, 0.2)], **how)


def test_a_jump_on_a_bend(look, along, quarter):
    points = quarter(10.0, 200)
    for wider, found in ((0.005, 0), (0.009, 1)):
        shapes = [along(points[:101]), along(points[100:], 0.4 + wider)]
        assert len(look("PH.JUMP", shapes)) == found


def test_a_jump_between_two_cells(look, bar):
    file = look.file([bar(0, -0.2, 20, 0.2)], placed=True)
    narrow = file.layout.create_cell("narrow")
    narrow.shapes(file.layout.layer(1, 0)).insert(kdb.DBox(0, -0.25, 10, 0.25))
    file.top.insert(kdb.DCellInstArray(narrow.cell_index(), kdb.DTrans(20.0, 0.0)))
    found = look.on(file, "PH.JUMP")
    assert [(v.cell, v.places) for v in found] == [("top", 1)]


def test_steps_into_what_is_no_guide_are_none(look, bar):
    mmi = [bar(-20, -0.2, 0, 0.2), bar(0, -3, 40, 3), bar(40, 1, 60, 1.4), bar(40, -1.4, 60, -1)]
    assert not look("PH.JUMP", mmi)


def test_a_ramp_is_a_jump_or_a_taper(look):
    """What widens by 50 nm is found, however short or long the ramp is, until it is slow enough."""
    for length in (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 2.0):
        points = [
            (-20, -0.2),
            (-20, 0.2),
            (0, 0.2),
            (length, 0.225),
            (20, 0.225),
            (20, -0.225),
            (length, -0.225),
            (0, -0.2),
        ]
        shapes = [("WG", kdb.DPolygon([kdb.DPoint(x, y) for x, y in points]))]
        found = bool(look("PH.JUMP", shapes)) or bool(look("PH.TAPER", shapes))
        steep = math.degrees(math.atan2(0.025, length)) > 9.0
        assert found == steep, length


def _taper(half_angle: float, wide: float = 1.6) -> list[tuple[str, kdb.DPolygon | kdb.DBox]]:
    length = (wide - 0.4) / 2 / math.tan(math.radians(half_angle))
    points = [(-20, -0.2), (-20, 0.2), (0, 0.2), (length, wide / 2), (length + 20, wide / 2)]
    outline = [*points, (length + 20, -wide / 2), (length, -wide / 2), (0, -0.2)]
    return [("WG", kdb.DPolygon([kdb.DPoint(x, y) for x, y in outline]))]


@pytest.mark.parametrize("how", [*WAYS, *SLANTED])
def test_a_taper_at_the_limit_and_above(look, how):
    assert not look("PH.TAPER", _taper(8.0), **how)
    (violation,) = look("PH.TAPER", _taper(8.3), **how)
    assert float(violation.message.split()[5]) == pytest.approx(8.3, abs=0.1)
    assert len(look("PH.TAPER", _taper(25.0), **how)) == 1


def test_a_taper_of_one_wall_has_half_the_angle(look):
    def slant(degrees: float) -> list[tuple[str, kdb.DPolygon]]:
        rise = 4.0 * math.tan(math.radians(degrees))
        outline = [(-20, 0), (-20, 0.4), (0, 0.4), (4, 0.4 + rise), (30, 0.4 + rise), (30, 0)]
        return [("WG", kdb.DPolygon([kdb.DPoint(x, y) for x, y in outline]))]

    assert not look("PH.TAPER", slant(15.5))
    assert len(look("PH.TAPER", slant(16.6))) == 1


@pytest.mark.parametrize("points", [20, 40, 120, 1000])
@pytest.mark.parametrize("radius", [5.0, 10.0, 30.0])
def test_bends_are_no_tapers_and_have_no_jumps(look, along, quarter, points, radius):
    shapes = [along(np.vstack([[-10, 0], quarter(radius, points)]))]
    for turn in (0.0, 33.0):
        assert not look("PH.TAPER", shapes, turn=turn)
        assert not look("PH.JUMP", shapes, turn=turn)


def test_a_flare_that_gets_steeper(look):
    x = np.linspace(0, 6, 200)
    for power, found in ((0.01, 0), (0.05, 1)):
        half = 0.2 + power * x**2 / 2
        outline = np.vstack([np.column_stack([x, half]), np.column_stack([x, -half])[::-1]])
        shape = ("WG", kdb.DPolygon([kdb.DPoint(a, b) for a, b in outline]))
        assert len(look("PH.TAPER", [shape])) == found
