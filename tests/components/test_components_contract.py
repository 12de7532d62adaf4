"""A cell, its sheet and its model say the same; what is drawn is what ports and arguments say."""

from __future__ import annotations

import inspect

import klayout.db as kdb
import pytest

from cpo_pdk.components import CELLS, limits_of
from cpo_pdk.components.cell import Real, Um
from cpo_pdk.models import MODELS
from cpo_pdk.spec import load_sheets
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of

SHEETS = load_sheets()
EVERY = pytest.mark.parametrize("sheet", [s for s in SHEETS.values() if s.cell in CELLS], ids=lambda s: s.name)


def region(component: gf.Component, layer: str) -> kdb.Region:
    return kdb.Region(component.kdb_cell.begin_shapes_rec(component.kcl.layout.layer(*layer_of(layer)))).merged()


@EVERY
def test_defaults_are_equal_among_cell_sheet_and_model(sheet: Sheet) -> None:
    cell = {name: p.default for name, p in inspect.signature(CELLS[sheet.cell]).parameters.items()}
    if len([s for s in SHEETS.values() if s.cell == sheet.cell]) == 1:  # two kinds of fibre share a cell
        assert {k: v for k, v in sheet.geometry.items() if cell[k] != v} == {}
    if sheet.model is None:
        return
    parameters = inspect.signature(MODELS[sheet.model].function).parameters
    second = sheet.name != sheet.model and sheet.model in SHEETS  # another geometry of the same device
    for name in set(parameters) & (set(cell) | set(sheet.values)):
        told = sheet.values.get(name, cell.get(name) if second else sheet.geometry.get(name, cell.get(name)))
        if None not in (parameters[name].default, told) and sheet.cell != "fiber":
            assert parameters[name].default == told, name


@EVERY
def test_ranges_lie_within_what_the_cell_draws(sheet: Sheet) -> None:
    limits = limits_of(CELLS[sheet.cell])
    known = set(limits) | set(MODELS[sheet.model].parameters if sheet.model else ())
    assert set(sheet.ranges) <= known
    for name, (low, high) in sheet.ranges.items():
        limit = limits.get(name)
        if isinstance(limit, (Um, Real)):
            assert limit.low <= low < high <= limit.high, name


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("straight", {"width": 0.402}),
        ("bend_euler", {"radius": 5.001, "angle": 180}),
        ("bend_s", {"length": 33.333, "offset": -7.777}),
        ("directional_coupler", {"dy": 5.001, "gap": 0.201}),
        ("bent_coupler", {"dy": 5.001, "gap": 0.201, "radius": 60.001, "width_outer": 0.451}),
        ("mmi1xn", {"n": 5, "width_mmi": 12.002}),
        ("y_branch", {"dy": 4.444, "length_s": 9.999}),
        ("spiral", {"length": 3333.333, "same_side": True}),
        ("taper", {"width1": 0.502, "width2": 0.336}),
        ("mmi2x2", {"separation": 2.051, "width_taper": 1.501, "width_mmi": 6.001}),
        ("mmi1x2", {"separation": 3.051, "width_taper": 1.501, "width_mmi": 6.001}),
        ("crossing", {"arm_length": 4.501}),
        ("psr", {"dy": 5.001, "gap": 0.201}),
        ("add_drop_ring", {"length_x": 3.001, "width": 0.452}),
        ("all_pass_ring", {"length_x": 3.001, "radius": 5.001}),
        ("double_ring", {"length_x": 3.001, "radius": 5.001, "gap_ring": 0.251}),
        ("wide_ring", {"length_x": 3.001, "width": 0.452}),
        ("tap_monitor", {"dy": 7.001}),
        ("ring_modulator", {"length_x": 1.001, "radius": 6.401, "junction_fill": 0.5}),
        ("phase_shifter_pn", {"length": 33.333, "width": 0.442}),
        ("phase_shifter_thermal", {"length": 33.333, "width": 0.602}),
        ("mach_zehnder_modulator", {"length": 333.333, "delta_length": 7.778, "width_ground": 33.334}),
        ("switch_2x2", {"length": 33.333, "spacing": 33.334}),
        ("edge_coupler", {"tip_width": 0.151}),
        ("grating_coupler", {"half_angle": 33.3}),
        ("photodetector_dual", {"length": 15.001}),
        ("terminator", {"tip_width": 0.151}),
        ("taper_strip_rib", {"length": 10.001}),
    ],
)
def test_the_core_at_a_port_is_as_wide_as_the_port_to_the_nanometre(name: str, arguments: dict[str, float]) -> None:
    component = CELLS[name](**arguments)
    core = region(component, "WG")
    inward = {0: (-1, 0), 90: (0, -1), 180: (1, 0), 270: (0, 1)}
    ports = [p for p in component.ports if p.port_type == "optical"]
    assert ports
    for port in ports:
        x, y = round(port.center[0] * 1000), round(port.center[1] * 1000)
        dx, dy = inward[round(port.orientation)]
        probe = kdb.Box(min(x, x + dx), y - 1000, max(x, x + dx), y + 1000)
        if dy:
            probe = kdb.Box(x - 1000, min(y, y + dy), x + 1000, max(y, y + dy))
        boxes = [p.bbox().moved(-x, -y) for p in (core & kdb.Region(probe)).each()]
        spans = [(b.bottom, b.top) if dx else (b.left, b.right) for b in boxes]
        half = round(port.width * 500)
        assert (-half, half) in spans, (port.name, spans)


@pytest.mark.parametrize("radius", [4.5, 6.4, 20.0])
@pytest.mark.parametrize("width_heater", [0.6, 1.3])
@pytest.mark.parametrize("length_x", [0.0, 5.0])
def test_the_heater_of_a_modulator_keeps_clear_of_metal_1(radius: float, width_heater: float, length_x: float) -> None:
    # both lie at the same height: a heater that touches metal 1 heats nothing and shorts the junction
    component = CELLS["ring_modulator"](radius=radius, width_heater=width_heater, length_x=length_x, junction_fill=0.4)
    heater, metal = region(component, "HEATER"), region(component, "M1")
    assert (heater & metal).is_empty()
    assert heater.separation_check(metal, 600).count() == 0


@pytest.mark.parametrize("name", ["photodetector", "photodetector_dual"])
@pytest.mark.parametrize("width_ge", [1.2, 2.0, 4.0])
def test_germanium_is_as_long_as_the_model_takes_it_and_stands_on_p_silicon(name: str, width_ge: float) -> None:
    component = CELLS[name](length=12.345, width_ge=width_ge)
    germanium = region(component, "GE")
    assert germanium.bbox().width() == 12_345
    assert component.info["length"] == 12.345
    joined = (region(component, "P") + region(component, "PPP")).merged()
    assert joined.count() == 1, "the silicon below the germanium is joined to both contacts"
    assert (germanium - region(component, "P")).is_empty()


def test_the_slots_of_a_grating_are_left_150_nm_high() -> None:
    component = CELLS["grating_coupler"]()
    slots = (region(component, "SLAB150") - region(component, "WG")).sized(-20).sized(20)  # less slivers at the rim
    assert slots.count() == 80
    period = 0.5
    middle = kdb.Region(kdb.Box(16_000, -5, round((16 + 80 * period) * 1000), 5))
    assert (slots & middle).area() == pytest.approx(middle.area() / 2, rel=1e-3)


def test_every_length_of_the_splitter_rotator_reaches_its_model() -> None:
    component = CELLS["psr"](length_bilevel=50, length_coupler=20, length_out=40)
    x = {p.name: p.center[0] for p in component.ports}
    assert x["o2"] - x["o1"] == component.info["length"] == 160
    wl = [1.3, 1.3001]
    out = MODELS["psr"].function(wl, length_bilevel=50, length_coupler=20, length_out=40)["o1", "o2"]
    strip = MODELS["straight"].function(wl, length=160, loss_dB_cm=0.0)["o1", "o2"]
    assert out[1] / out[0] == pytest.approx(strip[1] / strip[0], abs=1e-9)
