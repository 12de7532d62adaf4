"""Splitters and spirals as drawn: length by area, mirror symmetry, room between turns, what is refused."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpo_pdk.assemblies.writing import canonical_layout
from cpo_pdk.components import CELLS
from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify import drc
from cpo_pdk.verify.photonic.bends import Bend, tight_bends
from cpo_pdk.verify.photonic.contour_set import ContourSet
from cpo_pdk.verify.photonic.rays import RayGrid
from cpo_pdk.verify.photonic.run import photonic


def region(component: gf.Component, layer: str = "WG") -> kdb.Region:
    return kdb.Region(component.kdb_cell.begin_shapes_rec(component.kcl.layout.layer(*layer_of(layer)))).merged()


SPIRALS = st.fixed_dictionaries(
    {
        "length": st.integers(500_000, 30_000_000).map(lambda n: n / 1000),
        "n_turns": st.integers(1, 10),
        "radius": st.sampled_from([5.0, 7.503, 10.0, 25.0]),
        "spacing": st.integers(3_000, 12_000).map(lambda n: n / 1000),
        "cross_section": st.sampled_from(["strip", "rib"]),
        "same_side": st.booleans(),
    }
)


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=SPIRALS)
def test_spirals_are_as_long_as_asked_and_clean_or_say_the_nearest_length(arguments: dict, tmp_path: Path) -> None:
    try:
        component = CELLS["spiral"](**arguments)
    except ParameterError as error:
        nearest = float(str(error).split("the nearest is ")[1].split(" um")[0])
        assert nearest > arguments["length"]
        arguments = {**arguments, "length": nearest}
        component = CELLS["spiral"](**arguments)
    core = region(component)
    assert core.count() == 1
    assert core.area() * 1e-6 / 0.4 == pytest.approx(arguments["length"], rel=1e-4)
    assert component.info["length"] == arguments["length"]
    assert MODELS["spiral"].core_length is not None
    assert MODELS["spiral"].core_length(**arguments) == arguments["length"]
    path = tmp_path / "spiral.gds"
    canonical_layout(component, {}).write(str(path))
    assert drc(path).violations == ()
    assert photonic(path).violations == ()
    assert core.space_check(2_590).count() == 0, "two turns are nearer than the smallest spacing"


@pytest.mark.parametrize("same_side", [False, True])
def test_one_nanometre_more_is_asked_and_drawn(same_side: bool) -> None:
    ends = []
    for length in (4000.0, 4000.001, 4000.5):
        ports = CELLS["spiral"](length=length, same_side=same_side).ports
        ends.append([round(abs(p.center[0]) * 1000) for p in ports])
    assert np.sum(np.abs(np.subtract(ends[1], ends[0]))) == 1
    assert ends[0] != ends[2]


def test_a_spiral_without_room_for_its_turns_names_the_nearest_length() -> None:
    with pytest.raises(ParameterError, match=r"length = 600.0 um is too short for n_turns = 8 .* the nearest is \d"):
        CELLS["spiral"](length=600.0, n_turns=8)
    with pytest.raises(ParameterError, match="radius = 4"):
        CELLS["spiral"](radius=4.0)


@pytest.mark.parametrize("name", ["mmi1x2", "mmi2x2", "mmi1xn", "y_branch"])
def test_a_splitter_is_its_own_mirror_image(name: str) -> None:
    core = region(CELLS[name]())
    assert (core ^ core.transformed(kdb.Trans(kdb.Trans.M0))).is_empty()


@pytest.mark.parametrize("n", range(2, 9))
def test_outputs_are_counted_from_the_north(n: int) -> None:
    component = CELLS["mmi1xn"](n=n, width_mmi=16.0)
    heights = [component.ports[f"o{k + 2}"].center[1] for k in range(n)]
    assert heights == sorted(heights, reverse=True)
    np.testing.assert_allclose(-np.diff(heights), 2.01, atol=1e-9)
    assert component.ports["o1"].center[1] == 0
    assert region(component).count() == 1


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("mmi2x2", {"separation": 1.55}, "give at least 1.620 um"),
        ("mmi1xn", {"n": 8}, "stand out of a body width_mmi = 8.0"),
        ("mmi1xn", {"n": 9}, "n = 9"),
        ("mmi1xn", {"n": 2.5}, "n = 2.5"),
        ("y_branch", {"dy": 20.0}, "make length_s at least"),
        ("taper", {"width1": 0.0}, "width1"),
        ("taper", {"length": "20"}, "length"),
        ("bend_euler", {"radius": 4.999}, "radius"),
        ("bend_euler", {"radius": float("nan")}, "radius"),
        ("bend_euler", {"angle": 45}, "angle"),
        ("bend_s", {"offset": "3"}, "offset"),
        ("crossing", {"width_center": 1e9}, "width_center"),
        ("terminator", {"tip_width": -0.1}, "tip_width"),
        ("straight", {"width": 0.0}, "width"),
    ],
)
def test_refusals_are_one_line_with_the_value(name: str, arguments: dict, word: str) -> None:
    with pytest.raises(ParameterError, match=word) as caught:
        CELLS[name](**arguments)
    assert "\n" not in str(caught.value)


def _bends(loops: list[np.ndarray]) -> list[Bend]:
    walls = ContourSet.of_loops(loops, range(len(loops)), [1] * len(loops))
    return list(tight_bends(walls, lambda: RayGrid(walls), 4.5, 0.2))


def test_the_published_y_branch_flares_but_a_guide_that_narrows_slowly_still_bends() -> None:
    loops = [
        np.array([[p.x, p.y] for p in polygon.each_point_hull()]) / 1000
        for polygon in region(CELLS["y_branch"]()).each()
    ]
    assert _bends(loops) == []
    phi = np.linspace(0, np.pi / 2, 120)
    width = np.linspace(0.5, 0.4, 120)
    around = np.column_stack([np.sin(phi), -np.cos(phi)])
    outline = np.vstack([around * (3.0 + width / 2)[:, None], (around * (3.0 - width / 2)[:, None])[::-1]])
    assert _bends([outline]) or _bends([outline[::-1]])
