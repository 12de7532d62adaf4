"""Every rule with a limit, along the axes: at the limit it passes, one grid point below it fails, in any cell."""

from __future__ import annotations

import math

import klayout.db as kdb
import pytest

from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify import drc

NM = 0.001
KINDS = ("width", "space", "separation", "enclosure", "extension", "overlap", "area", "hole")
RULES = [rule for rule in load_rules(group="drc") if rule.kind in KINDS]
PLACES: dict[str, list[tuple[float, float, float]]] = {
    "top": [],
    "cells": [(0.0, 0.0, 0.0), (100_000.0, 0.0, 90.0), (0.0, 100_000.0, 270.0)],
}


def box(left: float, bottom: float, right: float, top: float) -> kdb.DBox:
    return kdb.DBox(left, bottom, right, top)


def drawn(rule: Rule, short: float) -> list[tuple[str, kdb.DBox | kdb.DPolygon]]:
    """Shapes that keep a rule but for `short`, um (of a side, where the limit is an area)."""
    value, names = rule.value, rule.layers
    size = round(10 * value + 1, 3)
    match rule.kind:
        case "width":
            return [(names[0], box(0, 0, size, value - short))]
        case "space":
            return [(names[0], box(0, 0, size, size)), (names[0], box(0, size + value - short, size, 2 * size + value))]
        case "separation":
            return [(names[0], box(0, 0, size, size)), (names[1], box(0, size + value - short, size, 2 * size + value))]
        case "enclosure":
            outer = box(-value + short, -value, size + value, size + value)
            return [(names[0], box(0, 0, size, size)), (names[1], outer)]
        case "extension":
            return [(names[1], box(0, 0, size, size)), (names[0], box(1, 1, 2, size + value - short))]
        case "overlap":
            return [(names[0], box(0, 0, size, size)), (names[1], box(0, size - value + short, size, 2 * size))]
    # areas: on the grid and just large enough
    side = round(math.ceil(1000 * value**0.5) / 1000, 3)
    other = round(math.ceil(1000 * value / side - 1e-6) / 1000, 3) - short
    if rule.kind == "area":
        return [(names[0], box(0, 0, side, other))]
    plate = kdb.DPolygon(box(-size, -size, 2 * size, 2 * size))
    plate.insert_hole(box(0, 0, side, other))
    return [(names[0], plate)]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_one_unit_below_the_limit(rule, where, draw):
    place = PLACES[where]
    assert drc(draw(drawn(rule, 0.0), place), [rule]).violations == ()
    (violation,) = drc(draw(drawn(rule, NM), place), [rule]).violations
    assert violation.places == max(1, len(place))
    assert violation.cell == ("device" if place else "top")
    assert f"limit {rule.value:g} um" in violation.message
    assert "; " in violation.message and "\n" not in violation.message
