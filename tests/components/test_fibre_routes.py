"""Fibres along any route: pieces that meet in the same corners, the layer they are drawn on, connectors with gaps."""

from __future__ import annotations

import math
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.components import connector, fiber
from cpo_pdk.components.fibers import trace
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.layers import layer_of

ANGLE = 37.123456789
SLANT = (("line", 1000.0, 0.0), ("arc", 15_000.0, ANGLE), ("line", 12_345.678901, 0.0), ("arc", 16_000.0, -ANGLE),
         ("line", 500.0, 0.0))  # fmt: skip


def drawn(component, layer: str) -> kdb.Region:
    index = component.kcl.layout.find_layer(*layer_of(layer))
    return kdb.Region() if index is None else kdb.Region(component.kdb_cell.begin_shapes_rec(index))


def test_a_slanted_fibre_is_one_outline_without_gap_or_overlap() -> None:
    region = drawn(fiber(route=SLANT), "FIBER")
    assert region.merged().count() == 1
    assert region.merged(False, 2).is_empty()
    assert not region.merged().holes().count()
    path = 1500.0 + 12_345.678901 + math.radians(ANGLE) * 31_000.0
    assert region.merged().area() * 1e-6 == pytest.approx(path * 125.0, rel=2e-5)


def test_a_slanted_fibre_ends_on_the_grid_and_tells_its_length() -> None:
    component = fiber(route=SLANT)
    turn = math.radians(ANGLE)
    x = 1500.0 + 31_000.0 * math.sin(turn) + 12_345.678901 * math.cos(turn)
    y = 31_000.0 * (1 - math.cos(turn)) + 12_345.678901 * math.sin(turn)
    end = component.ports["o2"]
    assert end.center == pytest.approx((x, y), abs=0.0011)
    assert np.allclose(np.round(np.array(end.center) * 1e3), np.array(end.center) * 1e3, atol=1e-6)
    assert end.orientation == 0
    assert component.info["length"] == pytest.approx(1500.0 + 12_345.678901 + turn * 31_000.0, abs=0.001)
    assert component.info["radius_min"] == 15_000.0


def test_right_angles_stay_exact() -> None:
    pieces, end, heading = trace((("line", 100.0, 0.0), ("arc", 15_000.0, 90.0), ("arc", 15_000.0, -90.0)))
    assert (end, heading) == ((30_100.0, 30_000.0), 0.0)
    assert [p.heading for p in pieces] == [0.0, 0.0, 90.0]


@pytest.mark.parametrize(("level", "layer"), [(1, "FIBER"), (2, "FIBER_2"), (8, "FIBER_8")])
def test_a_fibre_is_drawn_on_its_layer_of_ribbons(level: int, layer: str) -> None:
    component = fiber(level=level)
    assert not drawn(component, layer).is_empty()
    assert all(drawn(component, other).is_empty() for other in {"FIBER", "FIBER_2", "FIBER_PM"} - {layer})
    assert not drawn(fiber(kind="PM"), "FIBER_PM").is_empty()


def test_empty_positions_of_a_connector_are_declared_open_and_its_row_is_its_layer() -> None:
    component = connector(n=12, pitch=250.0, row=3, empty=(8, 5, 5, 6, 7))
    assert component.info["open_ports"] == ["p5", "p6", "p7", "p8"]
    assert len(component.ports) == 12
    assert drawn(component, "CONNECTOR").is_empty() and not drawn(component, "CONNECTOR_3").is_empty()
    assert not drawn(connector(row=0), "CONNECTOR_PM").is_empty()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"route": (("line", 100.0, 0.0), ("arc", 15_000.0, 30.0))}, "ends at 30 degrees"),
        ({"route": (("arc", 15_000.0, 30.0), ("s", 1000.0, 10.0))}, "S-curve at 30 degrees"),
        ({"route": (("arc", 15_000.0, 0.001),)}, "no bend"),
        ({"route": (("arc", 15_000.0, 270.0),)}, "outside -180 to 180"),
        ({"level": 9}, "level = 9"),
    ],
)
def test_routes_that_are_none_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        fiber(**arguments)


def test_a_position_that_a_connector_does_not_have_is_refused() -> None:
    with pytest.raises(ParameterError, match="above the 8 positions"):
        connector(n=8, empty=(9,))
