"""Parallel runs: what the supermodes say, whichever way the layout is turned and cut into cells."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.census.census import WL_UM, census
from cpo_pdk.circuit.census.results import Census, Run
from cpo_pdk.errors import InputError
from cpo_pdk.models import coupler

Draw = Any
WIDTH = 0.4


def runs_of(drawing: Draw, **more: Any) -> tuple[Run, ...]:
    return take(drawing, **more).runs


def take(drawing: Draw, **more: Any) -> Census:
    return census(drawing.write(), {}, {}, **more)


def pair(drawing: Draw, gap: float, length: float, dx: float = 0.0) -> tuple[Run, ...]:
    top = drawing.cell("chip")
    guide = drawing.straight(length)
    drawing.place(top, guide, "a")
    drawing.place(top, guide, "b", dx, WIDTH + gap)
    return runs_of(drawing)


def kappa(gap: float) -> float:
    return float(coupler.coupling(WL_UM, gap)[0])


@pytest.mark.parametrize(("gap", "length"), [(0.2, 10.0), (0.3, 50.0), (0.5, 20.0), (1.0, 200.0)])
def test_two_straights_couple_as_the_supermodes_say(drawing: Draw, gap: float, length: float) -> None:
    (run,) = pair(drawing, gap, length)
    assert run.kappa == pytest.approx(kappa(gap) * length, rel=1e-6)
    assert run.level_dB == pytest.approx(20 * math.log10(abs(math.sin(kappa(gap) * length))), abs=1e-4)
    assert (run.a, run.b, run.gap_um, run.length_um) == ("a", "b", gap, length)
    assert (run.x, run.y) == (length / 2, round((WIDTH + gap) / 2, 4))
    assert (run.width_a_um, run.width_b_um, run.cross_section) == (WIDTH, WIDTH, "strip")


def test_power_goes_over_and_comes_back(new_drawing: Callable[[], Draw]) -> None:
    whole = round(math.pi / 2 / kappa(0.2), 1)
    levels = [pair(new_drawing(), 0.2, length)[0].level_dB for length in (whole / 2, whole, 1.5 * whole)]
    assert levels[1] == pytest.approx(0.0, abs=0.01)
    assert levels[0] == pytest.approx(10 * math.log10(0.5), abs=0.05)
    assert levels[2] == pytest.approx(10 * math.log10(0.5), abs=0.05)


def test_only_what_lies_side_by_side_counts(drawing: Draw) -> None:
    (run,) = pair(drawing, 0.3, 50.0, dx=20.0)
    assert run.kappa == pytest.approx(kappa(0.3) * 30, rel=1e-6)
    assert run.x == pytest.approx(35.0)


def test_far_apart_there_is_nothing(drawing: Draw) -> None:
    assert pair(drawing, 3.0, 100.0) == ()


@pytest.mark.parametrize("gap", [0.05, 0.2, 0.6])
def test_a_guide_that_ends_in_front_of_another_does_not_couple(drawing: Draw, gap: float) -> None:
    top = drawing.cell("chip")
    drawing.place(top, drawing.straight(30), "a")
    drawing.place(top, drawing.straight(20), "b", 15, WIDTH / 2 + gap, 90)
    assert runs_of(drawing) == ()


def test_guides_that_cross_do_not_run_beside_each_other(drawing: Draw) -> None:
    top = drawing.cell("chip")
    drawing.place(top, drawing.straight(30), "a")
    drawing.place(top, drawing.straight(30), "b", 15, -15, 90)
    assert runs_of(drawing) == ()


def test_another_layer_is_no_neighbour(drawing: Draw) -> None:
    top = drawing.cell("chip")
    drawing.place(top, drawing.straight(30), "a")
    drawing.place(top, drawing.straight(30, "slab"), "b", 0, 0.6)
    assert runs_of(drawing) == ()


def test_what_is_connected_is_left_to_the_models(drawing: Draw) -> None:
    top = drawing.cell("chip")
    guide = drawing.straight(10)
    bent = drawing.cell("turn", [("o1", 0, 0, 180), ("o2", 0, 0.7, 180)])
    layer = drawing.layout.layer(1, 0)
    bent.shapes(layer).insert(kdb.Box(0, -200, 500, 200))
    bent.shapes(layer).insert(kdb.Box(0, 500, 500, 900))
    bent.shapes(layer).insert(kdb.Box(500, -200, 900, 900))
    drawing.place(top, guide, "a", -10, 0)
    drawing.place(top, bent, "t")
    drawing.place(top, guide, "b", -10, 0.7)
    assert [(run.a, run.b) for run in runs_of(drawing)] == [("a", "b")]


def test_a_ring_beside_a_foreign_route(drawing: Draw) -> None:
    radius, gap = 5.0, 0.2
    top = drawing.cell("chip")
    ring = drawing.cell("ring", [("o1", 30, 0, 0)])
    outer, inner = (
        kdb.DPolygon.ellipse(kdb.DBox(-r, -r, r, r), 512).to_itype(0.001)
        for r in (radius + WIDTH / 2, radius - WIDTH / 2)
    )
    for polygon in (kdb.Region(outer) - kdb.Region(inner)).each():
        ring.shapes(drawing.layout.layer(1, 0)).insert(polygon)
    drawing.place(top, ring, "ring", 0, radius + gap + WIDTH)
    drawing.place(top, drawing.straight(30), "route", -15, 0)
    (run,) = runs_of(drawing)
    _, k = coupler.ring_coupler(WL_UM, gap=gap, radius=radius)
    assert run.kappa == pytest.approx(math.asin(float(k)), rel=0.03)
    assert (run.x, run.gap_um) == (pytest.approx(0.0, abs=0.01), pytest.approx(gap, abs=0.002))


def test_unequal_widths_fall_out_of_step(new_drawing: Callable[[], Draw]) -> None:
    def wide(length: float) -> float:
        d = new_drawing()
        top = d.cell("chip")
        d.place(top, d.straight(length), "a")
        d.place(top, d.straight(length, "wide"), "b", 0, 0.45 + 0.3)
        return max((run.kappa for run in runs_of(d)), default=0.0)

    assert max(wide(length) for length in (50.0, 51.0, 52.0)) < 0.2 * kappa(0.3) * 50


def nested(drawing: Draw, angle: int, mirror: bool) -> tuple[Run, ...]:
    """Two straights and a third at a slant, the first in a cell of its own, all in one cell that is turned."""
    top, block, inner = drawing.cell("chip"), drawing.cell("block"), drawing.cell("inner")
    guide = drawing.straight(40)
    drawing.place(inner, guide, "a")
    drawing.place(block, inner, "inner")
    drawing.place(block, guide, "b", 3, 0.8)
    drawing.place(block, guide, "c", 40, 1.8, 177)
    drawing.place(top, block, "block", 100, -50, angle, mirror)
    return runs_of(drawing)


@settings(derandomize=True, deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(angle=st.sampled_from([0, 90, 180, 270, 33]), mirror=st.booleans())
def test_turning_the_layout_changes_no_level(new_drawing: Callable[[], Draw], angle: int, mirror: bool) -> None:
    straight, turned = nested(new_drawing(), 0, False), nested(new_drawing(), angle, mirror)
    assert [(r.a, r.b) for r in turned] == [(r.a, r.b) for r in straight]
    assert [r.kappa for r in turned] == pytest.approx([r.kappa for r in straight], rel=1e-3)
    place = kdb.DCplxTrans(1.0, angle, mirror, 100, -50)
    back = [place.inverted() * kdb.DPoint(r.x, r.y) for r in turned]
    for point, run in zip(back, straight, strict=True):
        assert (point.x, point.y) == pytest.approx((run.x - 100, run.y + 50), abs=0.01)


def test_flat_and_nested_say_the_same(new_drawing: Callable[[], Draw]) -> None:
    deep = nested(new_drawing(), 0, False)
    d = new_drawing()
    top = d.cell("chip")
    guide = d.straight(40)
    for name, x, y, angle in (("a", 0, 0, 0), ("b", 3, 0.8, 0), ("c", 40, 1.8, 177)):
        d.place(top, guide, name, 100 + x, -50 + y, angle)
    flat = runs_of(d)
    assert len(flat) == len(deep) >= 2
    assert [r.kappa for r in flat] == pytest.approx([r.kappa for r in deep], rel=1e-9)
    assert [(r.x, r.y) for r in flat] == [(r.x, r.y) for r in deep]
    assert [{r.a, r.b} for r in flat] == [{r.a.split("/")[-1], r.b.split("/")[-1]} for r in deep]


def test_equal_cells_are_computed_once_and_reported_everywhere(drawing: Draw) -> None:
    top, block = drawing.cell("chip"), drawing.cell("block")
    guide = drawing.straight(40)
    drawing.place(block, guide, "a")
    drawing.place(block, guide, "b", 0, 0.7)
    drawing.place(top, block, "block", array=(3, 100.0, 2, 50.0))
    result = take(drawing)
    assert result.counts["neighbours_computed"] == 1
    assert len({run.kappa for run in result.runs}) == 1
    assert sorted((run.x, run.y) for run in result.runs) == [
        (x, y) for x in (20.0, 120.0, 220.0) for y in (0.35, 50.35)
    ]
    assert sorted({run.a.split("/")[0] for run in result.runs}) == [
        f"block[{i},{j}]" for i in range(3) for j in range(2)
    ]


def test_runs_reach_across_cells_and_polygons_of_nobody_count(drawing: Draw) -> None:
    top, block = drawing.cell("chip"), drawing.cell("block")
    drawing.place(block, drawing.straight(40), "a")
    drawing.place(top, block, "left")
    drawing.place(top, block, "right", 0, 0.7)
    top.shapes(drawing.layout.layer(1, 0)).insert(kdb.Box(0, 1200, 40000, 1600))
    pairs = {(run.a, run.b): run.kappa for run in runs_of(drawing)}
    near = {names: value for names, value in pairs.items() if value > 1e-2}
    assert set(near) == {("left/a", "right/a"), ("(drawn)", "right/a")}
    assert near["left/a", "right/a"] == pytest.approx(kappa(0.3) * 40, rel=1e-6)


def test_a_slab_between_the_guides_makes_them_ribs(drawing: Draw) -> None:
    top = drawing.cell("chip")
    guide = drawing.straight(40, "rib")
    guide.shapes(drawing.layout.layer(3, 0)).insert(kdb.Box(0, -2000, 40000, 2000))
    drawing.place(top, guide, "a")
    drawing.place(top, guide, "b", 0, WIDTH + 0.5)
    (run,) = runs_of(drawing)
    assert run.cross_section == "rib"
    assert run.kappa == pytest.approx(float(coupler.coupling(WL_UM, 0.5, cross_section="rib")[0]) * 40, rel=1e-6)


@pytest.mark.parametrize("limit", [1.0, -151.0, math.nan])
def test_a_senseless_limit_is_refused(drawing: Draw, limit: float) -> None:
    drawing.place(drawing.cell("chip"), drawing.straight(10), "a")
    with pytest.raises(InputError, match="limit is"):
        take(drawing, limit_dB=limit)


def test_kappa_beyond_the_table_falls_as_at_its_end(drawing: Draw) -> None:
    (run,) = pair(drawing, 1.0, 200.0)
    gaps = np.array([0.6, 0.7])
    k, _ = coupler.coupling(WL_UM, gaps)
    assert run.kappa == pytest.approx(float(k[0] * (k[1] / k[0]) ** 4) * 200, rel=1e-3)
