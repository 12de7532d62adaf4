"""How well curves are drawn: facets off their curve, and corners of guides."""

from __future__ import annotations

import math

import numpy as np
import pytest

WAYS = [{}, {"turn": 90.0}, {"turn": 37.0}, {"mirror": True}, {"placed": True, "turn": 45.0}]


def _facets(radius: float, bow: float) -> int:
    """Corners of a quarter of a circle whose facets leave it by `bow`."""
    return round(math.pi / 2 / math.sqrt(8 * bow / radius)) + 1


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("radius", [5.0, 10.0, 50.0])
def test_facets_off_their_curve(look, along, quarter, how, radius):
    fine = along(np.vstack([[-10, 0], quarter(radius, _facets(radius, 0.0042))]))
    coarse = along(np.vstack([[-10, 0], quarter(radius, _facets(radius, 0.0065))]))
    assert not look("PH.CHORD", [fine], **how)
    violations = look("PH.CHORD", [coarse], **how)
    assert violations
    assert "limit 0.005 um" in violations[0].message


def test_tapers_and_polygons_are_no_curves(look, bar, along):
    x = np.linspace(0, 150, 41)
    slow = along(np.column_stack([x, np.zeros(41)]), 0.4 - 0.25 * (x / 150) ** 0.8)
    assert not look("PH.CHORD", [slow])
    assert not look("PH.CHORD", [along([[-30, 0], [0, 0], [20, 0.5], [60, 0.5]])])
    assert not look("PH.CHORD", [bar(-3, -3, 3, 3)])


@pytest.mark.parametrize("how", WAYS)
def test_corners_of_a_guide(look, along, how):
    for degrees, found in ((5.0, 0), (5.5, 1), (30.0, 1), (90.0, 1)):
        angle = math.radians(degrees)
        guide = along([[-20, 0], [0, 0], [20 * math.cos(angle), 20 * math.sin(angle)]])
        assert len(look("PH.KINK", [guide], **how)) == found, degrees


def test_the_corners_of_other_shapes(look, bar):
    assert not look("PH.KINK", [bar(-20, -0.2, 0, 0.2), bar(0, -3, 40, 3), bar(40, 1, 60, 1.4)])
    assert not look("PH.KINK", [bar(-20, -0.2, 20, 0.2), bar(-0.2, 0.0, 0.2, 15)]), "three arms are a crossing"
    assert not look("PH.KINK", [bar(-3, -30, 3, 30), bar(-30, -3, 30, 3)])


def test_a_coarse_bend_is_reported_once_by_name(look, along, quarter):
    coarse = [along(np.vstack([[-10, 0], quarter(5.0, 9)]))]
    assert look("PH.CHORD", coarse)
    assert not look("PH.KINK", coarse)


def test_a_bend_of_two_corners_is_two_kinks(look, along):
    guide = along([[-20, 0], [0, 0], [3, 3], [3, 20]])
    assert len(look("PH.KINK", [guide])) == 2
