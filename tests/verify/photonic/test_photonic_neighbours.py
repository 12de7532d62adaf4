"""Guides beside each other, under bumps and beside heaters."""

from __future__ import annotations

import math

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.models.coupler import coupling

WAYS = [{}, {"turn": 90.0}, {"turn": 45.0}, {"mirror": True, "turn": 30.0}, {"placed": True}]


def _longest(gap: float, level_dB: float = 40.0, **guide) -> float:
    """Length in um over which two guides pass the limit."""
    kappa, _ = coupling(1.36, gap, **guide)
    return math.asin(10 ** (-level_dB / 20)) / float(np.asarray(kappa).ravel()[0])


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("gap", [0.3, 0.6, 0.9])
def test_two_guides_side_by_side(look, bar, how, gap):
    longest = _longest(gap)
    for share, found in ((0.93, 0), (1.07, 1)):
        length = round(share * longest, 3)
        shapes = [bar(0, -0.2, length, 0.2), bar(0, 0.2 + gap, length, 0.6 + gap)]
        assert len(look("PH.NEAR", shapes, **how)) == found, (share, length)


def test_the_message_tells_how_much_and_where(look, bar):
    (violation,) = look("PH.NEAR", [bar(0, -0.2, 60, 0.2), bar(0, 0.8, 60, 1.2)])
    kappa, _ = coupling(1.36, 0.6)
    level = -20 * math.log10(math.sin(60 * float(np.asarray(kappa).ravel()[0])))
    assert float(violation.message.split()[4]) == pytest.approx(level, abs=0.1)
    assert "60 um side by side with a gap of 0.6 um" in violation.message
    assert violation.bbox == (0.0, 0.2, 60.0, 0.8)


def test_a_run_of_many_pieces_adds_up(look, along):
    x = np.linspace(0, 100, 11)
    wavy = along(np.column_stack([x, 1.15 + 0.05 * (-1.0) ** np.arange(11)]))
    straight = along([[0, 0], [100, 0]])
    assert len(look("PH.NEAR", [straight, wavy])) == 1, "each tenth of it is below the limit"


def test_slabs_carry_light_further(look, bar):
    guides = [bar(0, -0.2, 80, 0.2), bar(0, 1.4, 80, 1.8)]
    assert not look("PH.NEAR", guides)
    assert len(look("PH.NEAR", [*guides, bar(-5, -5, 85, 5, "SLAB90")])) == 1
    assert _longest(1.2, cross_section="rib") < 80


def test_one_guide_that_comes_back(look, along):
    t = np.linspace(-np.pi / 2, np.pi / 2, 60)
    for half, found in ((0.55, 1), (1.0, 0)):
        turn = np.column_stack([100 + half * np.cos(t), half + half * np.sin(t)])
        hairpin = along(np.vstack([[0, 0], turn, [0, 2 * half]]))
        assert len(look("PH.NEAR", [hairpin])) == found


def test_guides_of_two_cells(look, bar):
    file = look.file([bar(0, -0.2, 100, 0.2)])
    other = file.layout.create_cell("other")
    other.shapes(file.layout.layer(1, 0)).insert(kdb.DBox(0, -0.2, 100, 0.2))
    for y in (1.0, 100.0, 101.0, 200.0):
        file.top.insert(kdb.DCellInstArray(other.cell_index(), kdb.DTrans(0.0, y)))
    found = look.on(file, "PH.NEAR")
    assert [v.cell for v in found] == ["top", "top"]
    assert [v.bbox[1] for v in found] == [0.2, 100.2]


def test_rings_and_devices_are_meant(look, bar, ring):
    near = [("WG", ring(10.0, 0.4)), bar(-30, -10.8, 30, -10.4)]
    assert not look("PH.NEAR", near), "light gets into a closed ring in no other way"
    pair = [bar(0, -0.2, 30, 0.2), bar(0, 0.4, 30, 0.8)]
    assert look("PH.NEAR", pair)
    assert not look("PH.NEAR", [*pair, bar(-2, -5, 32, 5, "DEVREC")])
    assert look("PH.NEAR", [*pair, bar(-2, -0.7, 32, 1.3, "DEVREC")]), "a box around a route is no device"
    assert look("PH.NEAR", [*pair, bar(-2, -5, 20, 5, "DEVREC")]), "half of it lies outside"


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("layer", ["BUMP", "PADOPEN"])
def test_guides_under_bumps(look, bar, how, layer):
    guide = bar(-50, -0.2, 50, 0.2)
    for gap, found in ((-1.0, 1), (0.5, 1), (1.99, 1), (2.0, 0), (2.5, 0)):
        if gap == 2.0 and how.get("turn", 0.0) % 90:
            continue
        bump = bar(-10, 0.2 + gap, 10, 20 + gap, layer)
        assert len(look("PH.BUMP", [guide, bump], **how)) == found, gap
    (violation,) = look("PH.BUMP", [guide, bar(-10, 1.2, 10, 20, layer)])
    assert f"1 um ({layer}), limit 2 um" in violation.message


@pytest.mark.parametrize("how", WAYS)
def test_guides_beside_the_heater_of_another(look, bar, how):
    own = [bar(-50, -0.2, 50, 0.2), bar(-20, -1, 20, 1, "HEATER")]
    assert not look("PH.HEATER", own, **how)
    for gap, found in ((0.3, 1), (1.97, 1), (2.03, 0)):
        assert len(look("PH.HEATER", [*own, bar(-50, 1 + gap, 50, 1.4 + gap)], **how)) == found, gap


def test_a_guide_that_passes_under_a_heater(look, bar, ring):
    own = [bar(-50, -0.2, 50, 0.2), bar(-20, -1, 20, 1, "HEATER")]
    across = [bar(10, 0.95, 10.4, 30)]
    (violation,) = look("PH.HEATER", [*own, *across])
    assert violation.message.startswith("distance from the heater of another device 0 um, limit 2 um")
    heated = [("WG", ring(10.0, 0.4)), ("HEATER", ring(10.0, 1.2))]
    bus = bar(-40, -10.8, 40, -10.4)
    assert not look("PH.HEATER", [*heated, bus]), "the bus couples to the ring that is heated"
    assert look("PH.HEATER", [*heated, bus, bar(-0.2, -9.0, 0.2, 9.0)])


def test_hundreds_of_guides_are_one_finding(look, bar):
    rows = [bar(0, k * 1.1, 300, k * 1.1 + 0.4) for k in range(120)]
    assert len(look("PH.NEAR", rows)) == 1
