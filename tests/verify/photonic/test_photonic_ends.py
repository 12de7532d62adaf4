"""Ends of guides, and places where guides run into each other."""

from __future__ import annotations

import math

import klayout.db as kdb
import numpy as np
import pytest

WAYS = [
    {},
    {"turn": 90.0},
    {"turn": 45.0},
    {"turn": 30.0},
    {"mirror": True, "turn": 45.0},
    {"placed": True},
    {"placed": True, "turn": 45.0},
]


@pytest.fixture
def ended(bar):
    """A guide whose left end lies at a facet; on its right whatever is given."""
    return [bar(0, -0.2, 30, 0.2), bar(-20, -40, 0, 40, "DEEPTRENCH")]


@pytest.mark.parametrize("how", WAYS)
def test_a_bare_end(look, bar, ended, how):
    (violation,) = look("PH.END", ended, **how)
    assert "limit 0.2 um" in violation.message
    assert float(violation.message.split()[7]) == pytest.approx(0.4, abs=0.001)
    assert violation.places == (3 if how.get("placed") else 1)
    assert len(look("PH.END", [bar(0, -0.2, 30, 0.2)], **how)) == 2


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(("tip", "found"), [(0.15, 0), (0.2, 0), (0.21, 1), (0.3, 1)])
def test_a_taper_to_a_tip(look, ended, how, tip, found):
    points = [(29, -0.2), (29, 0.2), (30, 0.2), (50, tip / 2), (50, -tip / 2), (30, -0.2)]
    taper = ("WG", kdb.DPolygon([kdb.DPoint(x, y) for x, y in points]))
    assert len(look("PH.END", [*ended, taper], **how)) == found


@pytest.mark.parametrize("how", WAYS)
def test_facets(look, bar, ended, how):
    for gap, found in ((0.0, 0), (1.0, 0), (1.02, 1)):
        assert len(look("PH.END", [*ended, bar(30 + gap, -40, 50, 40, "DEEPTRENCH")], **how)) == found, gap
    assert not look("PH.END", [*ended, bar(-50, -50, 30, 50, "FLOORPLAN")], **how)
    assert look("PH.END", [*ended, bar(-50, -50, 80, 50, "FLOORPLAN")], **how)


def test_what_takes_over_at_an_end(look, bar, ended):
    assert not look("PH.END", [*ended, bar(25, -2, 40, 2, "GE")])
    assert not look("PH.END", [*ended, bar(25, -2, 40, 2, "SLAB150")])
    assert look("PH.END", [*ended, bar(25, -2, 40, 2, "SLAB90")]), "a rib that ends on its slab ends"
    assert look("PH.END", [*ended, bar(25, -2, 30, 2, "GE")]), "germanium has to cover the end"


def test_round_and_slanted_ends(look, ended):
    dot = ("WG", kdb.DPolygon.ellipse(kdb.DBox(29.8, -0.2, 30.2, 0.2), 48))
    assert len(look("PH.END", [*ended, dot])) == 1
    points = [(29, -0.2), (29, 0.2), (30.05, 0.2), (30, -0.2)]
    slanted = ("WG", kdb.DPolygon([kdb.DPoint(x, y) for x, y in points]))
    assert len(look("PH.END", [*ended, slanted])) == 1


def test_a_bend_that_ends(look, along, quarter):
    assert len(look("PH.END", [along(quarter(10.0))])) == 2


def test_what_is_no_guide_has_no_end(look, bar):
    assert not look("PH.END", [bar(0, -0.2, 0.8, 0.2)]), "an island"
    assert not look("PH.END", [bar(0, -3, 60, 3)]), "a plate"
    assert not look("PH.END", [bar(-3, -30, 3, 30), bar(-30, -3, 30, 3)]), "an alignment mark"


def test_a_wire_cut_in_two(look, bar):
    facets = [bar(-20, -40, 0, 40, "DEEPTRENCH"), bar(100, -40, 120, 40, "DEEPTRENCH")]
    assert not look("PH.END", [*facets, bar(0, -0.2, 100, 0.2)])
    assert len(look("PH.END", [*facets, bar(0, -0.2, 50, 0.2), bar(51, -0.2, 100, 0.2)])) == 2


def test_a_mark_of_a_port_in_the_top_cell(look, bar, ended):
    port = bar(30, -0.2, 30.1, 0.2, "PORT")
    assert not look("PH.END", [*ended, port])
    assert look("PH.END", [*ended, port], placed=True), "a pin of a device says nothing of what it meets"


def _crossing(degrees: float) -> list[tuple[str, kdb.DPolygon]]:
    straight = kdb.DPolygon(kdb.DBox(-20, -0.2, 20, 0.2))
    return [("WG", straight), ("WG", straight.transformed(kdb.DCplxTrans(1.0, degrees, False, 1.0, 0.0)))]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("degrees", [90.0, 60.0, 30.0])
def test_two_guides_that_cross_in_one_polygon(look, how, degrees):
    (violation,) = look("PH.CROSSING", _crossing(degrees), merged=True, **how)
    assert "4, limit 2" in violation.message
    assert violation.places == (3 if how.get("placed") else 1)


def test_a_crossing_of_two_shapes_is_left_to_the_connections(look):
    assert not look("PH.CROSSING", _crossing(90.0))


@pytest.mark.parametrize("how", WAYS)
def test_a_guide_that_runs_into_the_side_of_another(look, bar, how):
    (violation,) = look("PH.CROSSING", [bar(-20, -0.2, 20, 0.2), bar(-0.2, 0.0, 0.2, 15)], merged=True, **how)
    assert "3, limit 2" in violation.message


def test_crossing_bends(look, along, quarter):
    shapes = [along(quarter(10.0)), along([[0, 10], [12, 0]])]
    assert len(look("PH.CROSSING", shapes, merged=True)) == 1


def test_what_meets_on_purpose_is_no_crossing(look, bar, along):
    corner = along([[-10, 0], [0, 0], [0, 10]])
    assert not look("PH.CROSSING", [corner], merged=True)
    mmi = [bar(-20, -0.2, 0, 0.2), bar(0, -3, 40, 3), bar(40, 1, 60, 1.4), bar(40, -1.4, 60, -1)]
    assert not look("PH.CROSSING", mmi, merged=True)
    # arms that widen towards the middle are those of a crossing that was designed
    arm = [
        (-10, -0.2),
        (-10, 0.2),
        (-4, 0.2),
        (0, 0.6),
        (4, 0.2),
        (10, 0.2),
        (10, -0.2),
        (4, -0.2),
        (0, -0.6),
        (-4, -0.2),
    ]
    one = kdb.DPolygon([kdb.DPoint(x, y) for x, y in arm])
    both = [("WG", one), ("WG", one.transformed(kdb.DCplxTrans(1.0, 90.0, False, 0.0, 0.0)))]
    assert not look("PH.CROSSING", both, merged=True)
    t = np.linspace(0, 1, 80)
    bend = np.column_stack([20 * t, 2.5 * (1 - np.cos(math.pi * t)) / 2])
    branch = [along(bend * [1, sign]) for sign in (1, -1)]
    assert not look("PH.CROSSING", [bar(-10, -0.2, 0, 0.2), *branch], merged=True)
