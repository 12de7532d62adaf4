"""Ring filters, couplers and tap as drawn: area of the cores, heaters apart, lengths that the models compute with."""

from __future__ import annotations

from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.components import CELLS
from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of


def region(component: gf.Component, layer: str) -> kdb.Region:
    return kdb.Region(component.kdb_cell.begin_shapes_rec(component.kcl.layout.layer(*layer_of(layer)))).merged()


def area_um2(component: gf.Component, layer: str = "WG") -> float:
    return region(component, layer).area() * 1e-6


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("add_drop_ring", {"radius": 6.3, "length_x": 1.1}),
        ("all_pass_ring", {}),
        ("all_pass_ring", {"radius": 12.0, "length_x": 0.0, "width": 0.5, "length_bus": 20.0}),
        ("double_ring", {}),
        ("double_ring", {"radius": 6.0, "gap_ring": 0.4, "length_x": 0.0}),
        ("directional_coupler", {}),
        ("directional_coupler", {"cross_section": "rib", "dy": 9.0, "length": 3.3}),
    ],
)
def test_drawn_core_is_as_long_as_the_model_says(name: str, arguments: dict[str, Any]) -> None:
    component, said = CELLS[name](**arguments), MODELS[name].core_length
    if said is None:
        pytest.fail(f"model {name} does not say how long its cores are")
    width = arguments.get("width", 0.4)
    assert area_um2(component) / width == pytest.approx(said(**arguments), rel=1e-3)


@pytest.mark.parametrize(
    ("radius", "length_x", "width", "width_wide"), [(5.0, 2.7, 0.4, 0.8), (5.0, 0.0, 0.5, 0.5), (12.0, 4.0, 0.5, 1.1)]
)
def test_area_of_the_wide_ring_is_its_width_integrated(
    radius: float, length_x: float, width: float, width_wide: float
) -> None:
    component = CELLS["wide_ring"](
        radius=radius, length_x=length_x, width=width, width_wide=width_wide, length_bus=radius + 2
    )
    buses = 2 * (length_x + 2 * (radius + 2)) * width
    # along an arc of radius R the area is w R dangle, whatever w does: its two edges lie w / 2 on either side
    ring = 2 * np.pi * radius * (width + width_wide) / 2 + 2 * length_x * width
    assert area_um2(component) - buses == pytest.approx(ring, rel=1e-3)


def test_wide_ring_is_as_wide_as_asked_and_as_narrow_at_the_couplers() -> None:
    component = CELLS["wide_ring"](radius=6.0, width_wide=1.0, length_x=2.0, gap=0.2)
    core = region(component, "WG")
    middle = round((0.4 + 0.2 + 6.0) * 1000)
    across = (core & kdb.Region(kdb.Box(-20_000, middle - 1, 20_000, middle + 1))).merged()
    assert sorted(p.bbox().width() for p in across.each()) == pytest.approx([1000, 1000], abs=2)
    along = (core & kdb.Region(kdb.Box(-1, -2000, 1, middle))).merged()
    assert sorted(p.bbox().height() for p in along.each()) == [400, 400]


def test_ring_that_widens_too_fast_is_refused_with_the_cure() -> None:
    with pytest.raises(ParameterError, match=r"enlarge radius = 4\.5 um"):
        CELLS["wide_ring"](radius=4.5, width_wide=1.1)


@pytest.mark.parametrize("name", ["add_drop_ring", "all_pass_ring", "double_ring", "wide_ring"])
def test_bus_that_ends_beside_the_ring_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match=rf"{name}: length_bus = 8.0 um .* at least 21\.000 um"):
        CELLS[name](radius=20.0)


@pytest.mark.parametrize("gap_ring", [0.12, 0.25, 1.0])
@pytest.mark.parametrize("width_heater", [0.6, 1.2, 3.0])
def test_each_of_two_rings_has_a_heater_of_its_own(gap_ring: float, width_heater: float) -> None:
    component = CELLS["double_ring"](gap_ring=gap_ring, width_heater=width_heater)
    heaters = list(region(component, "HEATER").each())
    assert len(heaters) == 2
    lower, upper = (kdb.Region(p) for p in sorted(heaters, key=lambda p: p.bbox().bottom))
    assert lower.separation_check(upper, 1000).count() == 0
    at = {p.name: kdb.Point(*(round(v * 1000) for v in p.center)) for p in component.ports if p.port_type != "optical"}
    for ends, heater in (("e1 e4", lower), ("e2 e3", upper)):
        for end in ends.split():
            inside = at[end] + (kdb.Vector(0, 10) if at[end].y < 0 else kdb.Vector(0, -10))
            assert not (heater & kdb.Region(kdb.Box(inside, inside).enlarged(2, 2))).is_empty(), end


def test_area_of_a_bent_coupler_is_its_widths_integrated_and_its_gap_is_kept() -> None:
    arguments = {"radius": 60.0, "angle": 12.0, "gap": 0.2, "width_inner": 0.36, "width_outer": 0.5, "length_s": 25.0}
    component = CELLS["bent_coupler"](**arguments)
    core = region(component, "WG")
    assert core.count() == 2
    assert core.space_check(199).count() == 0
    assert core.space_check(202).count() > 0
    half = np.radians(6.0)
    angle = 2 * half
    arcs = (60.0 - 0.28) * angle * 0.36 + (60.0 + 0.35) * angle * 0.5
    # leads: half way between the arc's width and the strip's on average, a little longer than they reach
    leads = 2 * 25.0 * (0.38 + 0.45)
    assert area_um2(component) == pytest.approx(arcs + leads, rel=0.02)


def test_leads_of_a_bent_coupler_leave_the_arcs_without_a_kink() -> None:
    component = CELLS["bent_coupler"]()
    for polygon in region(component, "WG").each():
        points = np.array([(p.x, p.y) for p in polygon.each_point_hull()], dtype=float)
        steps = np.diff(np.concatenate([points, points[:1]]), axis=0)
        long = steps[np.linalg.norm(steps, axis=1) > 60]
        turn = np.degrees(np.abs(np.angle(np.exp(1j * np.diff(np.arctan2(long[:, 1], long[:, 0]))))))
        assert np.sort(turn)[-5] < 3  # all but the corners at the two ports


def test_bent_coupler_with_leads_too_short_is_refused() -> None:
    with pytest.raises(ParameterError, match="lengthen length_s"):
        CELLS["bent_coupler"](angle=60.0, length_s=10.0, dy=20.0)


def test_two_ribs_of_a_coupler_stand_on_one_slab() -> None:
    component = CELLS["directional_coupler"](cross_section="rib")
    slab = region(component, "SLAB90")
    assert slab.count() == 1
    assert (region(component, "WG") - slab).is_empty()
    assert {p.info["cross_section"] for p in component.ports} == {"rib"}


@pytest.mark.parametrize("arguments", [{}, {"length_ge": 30.0, "length_taper": 5.5, "length_end": 7.0, "dy": 6.0}])
def test_tap_is_as_long_as_its_model_takes_it(arguments: dict[str, float]) -> None:
    component = CELLS["tap_monitor"](**arguments)
    x = {p.name: p.center[0] for p in component.ports}
    given = {"length_end": 10.0, "length_taper": 8.0, "length_ge": 15.0} | arguments
    assert x["o2"] - x["o1"] == pytest.approx(2 * 20 + 1.0 + sum(given[k] for k in given if k != "dy") + 1.0)
    assert region(component, "GE").bbox().width() == round(given["length_ge"] * 1000)
    # the detector's silicon ends where the through guide does
    assert component.dbbox().right == pytest.approx(x["o2"])
