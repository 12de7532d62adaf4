"""Faces of fibres in ribbon layers above one another: which meet, and which are left alone."""

from __future__ import annotations

import pytest

from cpo_pdk.circuit.touching import PlacedPort, touch
from cpo_pdk.tech.layers import layer_of


def face(instance: str, layer: str, angle: float, *, x: int = 0) -> PlacedPort:
    return PlacedPort(instance, "p", "edge_te", x, 0, angle, 125_000, layer_of(layer), "", False)


def joined(*faces: PlacedPort) -> set[tuple[str, str]]:
    found = touch("top", faces, (), (), 0.001)
    assert not found.problems
    return {(link.a[0], link.b[0]) for link in found.connections}


@pytest.mark.parametrize("lift", [0, 2, 4])
def test_the_lowest_layer_meets_the_lowest_row(lift: int) -> None:
    names = ["FIBER", "FIBER_2", "FIBER_3", "FIBER_4", "FIBER_5", "FIBER_6"]
    fibres = [face(f"fibre_{k}", names[k + lift], 90.0) for k in (1, 0)]
    rows = [face(f"row_{k}", names[k], 270.0) for k in (0, 1)]
    assert joined(*fibres, *rows) == {("fibre_0", "row_0"), ("fibre_1", "row_1")}


def test_a_face_of_the_same_layer_comes_first() -> None:
    fibres = [face("low", "FIBER_2", 90.0), face("high", "FIBER_3", 90.0)]
    rows = [face("row_1", "FIBER", 270.0), face("row_2", "FIBER_2", 270.0)]
    assert joined(*fibres, *rows) == {("low", "row_2"), ("high", "row_1")}


@pytest.mark.parametrize(
    "faces",
    [
        [face("fibre", "FIBER_2", 90.0), face("row", "FIBER_PM", 270.0)],
        [face("fibre", "FIBER_2", 90.0), face("row", "FIBER", 90.0)],
        [face("fibre", "FIBER_2", 90.0), face("row", "FIBER", 270.0, x=1)],
        [face("a", "FIBER_2", 90.0), face("b", "FIBER_3", 90.0), face("row", "FIBER", 270.0)],
        [face("one", "FIBER_2", 90.0), face("one", "FIBER", 270.0)],
    ],
    ids=["laser row", "same way", "beside", "one too many", "own faces"],
)
def test_faces_that_stay_alone(faces: list[PlacedPort]) -> None:
    assert joined(*faces) == set()
