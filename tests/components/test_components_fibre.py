"""Facets, gratings and detectors as they are drawn: every layer where it belongs, measured on the polygons."""

from __future__ import annotations

import itertools
import math
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.components import CELLS
from cpo_pdk.errors import ParameterError
from cpo_pdk.models.grating_along import along_grating
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import LAYERS, layer_of


def region(component: gf.Component, layer: str) -> kdb.Region:
    return kdb.Region(component.kdb_cell.begin_shapes_rec(component.kcl.layout.layer(*layer_of(layer)))).merged()


def layers(component: gf.Component) -> set[str]:
    return {name for name in LAYERS if not region(component, name).is_empty()}


def height_at(component: gf.Component, x: float) -> float:
    """Width of the core at a place along the axis, um."""
    here = kdb.Region(kdb.Box(round(x * 1000), -2_000, round(x * 1000) + 1, 2_000))
    return (region(component, "WG") & here).bbox().height() / 1000


@pytest.mark.parametrize("suspended", [True, False])
@pytest.mark.parametrize("trench", [True, False])
def test_a_spot_size_converter_draws_what_it_is_asked_for(suspended: bool, trench: bool) -> None:
    component = CELLS["spot_size_converter"](suspended=suspended, trench=trench)
    wanted = {"WG"} | ({"UNDERCUT"} if suspended else set()) | ({"DEEPTRENCH"} if trench else set())
    assert layers(component) == wanted
    assert component.info["length"] == 300.0


def test_the_taper_narrows_all_the_way_in_two_stages() -> None:
    component = CELLS["spot_size_converter"](tip_width=0.14, width_mid=0.26, length_first=80.0, length_second=220.0)
    widths = [height_at(component, x) for x in np.linspace(0.001, 299.9, 200)]
    assert all(a >= b for a, b in itertools.pairwise(widths))
    assert (widths[0], height_at(component, 80.0), widths[-1]) == (0.4, 0.26, 0.14)


@pytest.mark.parametrize("length_second", [60.0, 220.0, 333.333])
@pytest.mark.parametrize("length_tether", [4.0, 7.5])
def test_windows_stand_beside_the_membrane_alike_on_both_sides_with_tethers_between(
    length_second: float, length_tether: float
) -> None:
    component = CELLS["spot_size_converter"](length_second=length_second, length_tether=length_tether)
    windows = region(component, "UNDERCUT")
    north = sorted(((p.bbox().left, p.bbox().right) for p in windows.each() if p.bbox().bottom > 0), reverse=True)
    south = sorted(((p.bbox().left, p.bbox().right) for p in windows.each() if p.bbox().top < 0), reverse=True)
    assert north == south
    assert len(north) >= 1
    assert {p.bbox().bottom for p in windows.each() if p.bbox().bottom > 0} == {8_000}, "the membrane is 16 um wide"
    facet = round((80 + length_second) * 1000)
    assert facet - north[0][1] == round(length_tether * 1000)
    assert all(a[0] - b[1] == round(length_tether * 1000) for a, b in itertools.pairwise(north))
    assert north[-1][0] >= 80_000, "the first stage stays on the substrate"


def test_a_standard_fibre_fits_between_the_windows() -> None:
    component = CELLS["spot_size_converter"]()
    half = min(abs(p.bbox().bottom) for p in region(component, "UNDERCUT").each() if p.bbox().bottom > 0) / 1000
    outside = math.erfc(math.sqrt(2) * half / 4.6)
    assert outside < 1e-3, "light of a 9.2 um spot beyond the membrane"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"period": 0.6, "fill_factor": 0.4, "apodisation": 0.2, "chirp": -0.02, "n_periods": 25},
        {"period": 0.7, "fill_factor": 0.35, "apodisation": 0.3, "chirp": 0.03, "n_periods": 40},
    ],
)
def test_teeth_of_a_grating_stand_where_period_fill_and_chirp_say(arguments: dict[str, Any]) -> None:
    component = CELLS["grating_coupler"](**arguments)
    a = {"period": 0.5, "fill_factor": 0.5, "apodisation": 0.0, "chirp": 0.0, "n_periods": 80, **arguments}
    axis = kdb.Region(kdb.Box(16_000, 0, 120_000, 1))
    cuts = sorted((p.bbox().left, p.bbox().right) for p in (region(component, "WG") & axis).merged().each())
    n = a["n_periods"]
    assert len(cuts) == n + 1, "n teeth and the rim"
    fade = 1 - (np.arange(n) + 0.5) / n
    pitch = a["period"] + a["chirp"] * fade
    starts = 16.0 + np.concatenate([[0.0], np.cumsum(pitch)])
    np.testing.assert_allclose([left / 1000 for left, _ in cuts[1:]], starts[1:], atol=0.0015)
    teeth = [(right - left) / 1000 for left, right in cuts[:-1]]
    np.testing.assert_allclose(teeth, pitch * (a["fill_factor"] + a["apodisation"] * fade), atol=0.0025)
    assert starts[-1] - starts[0] == pytest.approx(n * (a["period"] + a["chirp"] / 2))


def test_teeth_are_bent_for_light_that_leaves_at_the_angle_of_the_fibre() -> None:
    upright, leaning = (CELLS["grating_coupler"](angle_deg=angle) for angle in (0.0, 10.0))
    half, focus, radius = math.radians(20.0), 0.2 - 0.2 / math.tan(math.radians(20.0)), 16.0 + 80 * 0.5
    tops = []
    for component in (upright, leaning):
        rim = kdb.Region(kdb.Box(0, 0, 200_000, 200_000)) & region(component, "SLAB150")
        tops.append(rim.bbox().top / 1000)
    r0 = radius + 2.0 - focus
    assert tops[0] == pytest.approx(r0 * math.sin(half), abs=0.002), "straight up: circles"
    e = math.sin(math.radians(10)) / (1.31 / 0.5 + math.sin(math.radians(10)))
    assert tops[1] == pytest.approx(r0 * math.sin(half) * (1 - e) / (1 - e * math.cos(half)), abs=0.002)
    # in phase with a plane wave: optical path along the tooth's edge less the fibre's slope is the same everywhere
    n = 1.31 / 0.5 + math.sin(math.radians(10))
    phi = np.linspace(-half, half, 21)
    r = r0 * (1 - e) / (1 - e * np.cos(phi))
    np.testing.assert_allclose(np.ptp(n * r - r * np.cos(phi) * math.sin(math.radians(10))), 0, atol=1e-9)


def test_the_port_of_the_fibre_is_where_the_model_couples_best() -> None:
    component = CELLS["grating_coupler"]()
    assert component.ports["o2"].center[0] - 16.0 == pytest.approx(float(along_grating()[2]), abs=0.2)


def test_the_dual_grating_is_a_lattice_of_shallow_holes_with_two_equal_arms() -> None:
    component = CELLS["grating_coupler_dual"](n_holes=20)
    side = 20 * 0.472
    holes = region(component, "SLAB150") - region(component, "WG")
    assert holes.count() == 400
    boxes = {(p.bbox().width(), p.bbox().height()) for p in holes.each()}
    assert boxes == {(260, 260)}
    share = holes.area() / region(component, "SLAB150").area()
    assert share == pytest.approx(2 * (math.sqrt(2) - 1) * (0.26 / 0.472) ** 2, rel=0.01), "what the model takes"
    turned = region(component, "WG").transformed(kdb.Trans(kdb.Trans.M45))
    assert (turned ^ region(component, "WG")).is_empty(), "both polarisations see the same"
    assert component.ports["o3"].center == (pytest.approx(side / 2), pytest.approx(side / 2))


@pytest.mark.parametrize("width_ge", [0.5, 0.503, 1.0, 2.0])
def test_a_lateral_detector_has_germanium_between_p_and_n_and_no_metal_on_it(width_ge: float) -> None:
    component = CELLS["photodetector_lateral"](length=12.345, width_ge=width_ge)
    germanium = region(component, "GE")
    assert germanium.bbox().width() == 12_345
    for implant in ("P", "N", "PPP", "NPP"):
        assert (region(component, implant) & germanium).area() <= 1 * 12_345, f"no {implant} below the germanium"
    gap = region(component, "N").bbox().bottom - region(component, "P").bbox().top
    assert abs(gap - round(width_ge * 1000)) <= 1, "the width that carriers cross"
    for metal in ("VIAC", "M1", "VIA1", "M2"):
        assert (region(component, metal) & germanium).is_empty(), metal
    for implant, contact in (("P", "PPP"), ("N", "NPP")):
        joined = (region(component, implant) + region(component, contact)).merged()
        assert joined.count() == 1
        assert not (region(component, "VIAC") & region(component, contact)).is_empty()


def test_a_vertical_detector_has_its_contact_on_the_germanium() -> None:
    component = CELLS["photodetector"]()
    germanium = region(component, "GE")
    assert not (region(component, "VIAC") & region(component, "NPP") & germanium).is_empty()
    assert (region(component, "NPP") - germanium).is_empty()


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("grating_coupler", {"apodisation": 0.3}, "lengthen the period"),
        ("grating_coupler", {"chirp": -0.06, "period": 0.42}, "lengthen the period"),
        ("grating_coupler_dual", {"diameter": 0.3}, "between holes"),
        ("spot_size_converter", {"tip_width": 0.05}, "tip_width"),
        ("spot_size_converter", {"suspended": 1}, "suspended"),
        ("photodetector_lateral", {"width_ge": 0.2}, "width_ge"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_cure(name: str, arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        CELLS[name](**arguments)


@pytest.mark.parametrize("name", ["spot_size_converter", "photodetector_lateral", "grating_coupler_dual"])
def test_the_core_at_a_port_is_as_wide_as_the_port(name: str) -> None:
    component = CELLS[name]()
    for port in (p for p in component.ports if p.port_type == "optical"):
        x, y = (round(v * 1000) for v in port.center)
        box = {180: kdb.Box(x, y - 1000, x + 1, y + 1000), 270: kdb.Box(x - 1000, y, x + 1000, y + 1)}
        found = (region(component, "WG") & kdb.Region(box[round(port.orientation)])).bbox()
        assert max(found.width(), found.height()) == round(port.width * 1000)
