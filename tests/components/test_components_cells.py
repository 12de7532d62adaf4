"""Every cell over its whole declared range: on grid, rule-clean, stable ports; and what each refuses."""

from __future__ import annotations

import math
from typing import Any

import klayout.db as kdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpo_pdk.assemblies.writing import canonical_layout, write_gds
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.components import CELLS, limits_of
from cpo_pdk.components.cell import Count, Flag, Maybe, OneOf, Points, Real, Text, Um
from cpo_pdk.errors import ParameterError
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.layers import NAMES
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify import drc
from cpo_pdk.verify.photonic.run import photonic

#: cells whose arguments are paths of points: exercised by tests of their own
_PATHS = {"wire", "fiber", "connector"}
#: the rules speak of photonic chips; package parts have none of their layers
_PARAMETRIC = sorted(set(CELLS) - _PATHS)
#: composed of hundreds of cells each: fewer examples
_BLOCKS = {name for name in _PARAMETRIC if name.endswith("_block")}

#: gratings of the test blocks, from south to north
_ROWS = {
    "bend_cutback_block": 10,
    "coupler_split_block": 17,
    "cutback_block": 10,
    "device_cutback_block": 10,
    "ring_split_block": 14,
}

PORTS = {
    "add_drop_ring": ("o1", "o2", "o3", "o4", "e1", "e2"),
    "all_pass_ring": ("o1", "o2", "e1", "e2"),
    "bend_euler": ("o1", "o2"),
    "bend_s": ("o1", "o2"),
    "bent_coupler": ("o1", "o2", "o3", "o4"),
    "bump": ("e1",),
    "crossing": ("o1", "o2", "o3", "o4"),
    "directional_coupler": ("o1", "o2", "o3", "o4"),
    "double_ring": ("o1", "o2", "o3", "o4", "e1", "e2", "e3", "e4"),
    "edge_coupler": ("o1", "o2"),
    "fiber": ("o1", "o2"),
    "grating_coupler": ("o1", "o2"),
    "grating_coupler_dual": ("o1", "o2", "o3"),
    "mmi1x2": ("o1", "o2", "o3"),
    "mmi1xn": ("o1", "o2", "o3", "o4", "o5"),
    "mach_zehnder_modulator": ("o1", "o2", "o3", "o4", *(f"e{i}" for i in range(1, 13))),
    "phase_shifter_pn": ("o1", "o2", "e1", "e2"),
    "phase_shifter_thermal": ("o1", "o2", "e1", "e2"),
    "switch_2x2": ("o1", "o2", "o3", "o4", "e1", "e2", "e3", "e4"),
    "mmi2x2": ("o1", "o2", "o3", "o4"),
    "pad": ("e1", "e2", "e3", "e4"),
    "photodetector": ("o1", "e1", "e2"),
    "photodetector_dual": ("o1", "o2", "e1", "e2"),
    "photodetector_lateral": ("o1", "e1", "e2"),
    "psr": ("o1", "o2", "o3"),
    "ring_modulator": ("e1", "e2", "e3", "e4", "e5", "e6", "o1", "o2"),
    "spot_size_converter": ("o1", "o2"),
    "spiral": ("o1", "o2"),
    "straight": ("o1", "o2"),
    "taper": ("o1", "o2"),
    "tap_monitor": ("o1", "o2", "e1", "e2"),
    "taper_strip_rib": ("o1", "o2"),
    "terminator": ("o1",),
    "via_stack": ("e1", "e2", "e3", "e4"),
    "wide_ring": ("o1", "o2", "o3", "o4", "e1", "e2"),
    "wire": ("e1", "e2"),
    "y_branch": ("o1", "o2", "o3"),
    **{name: tuple(f"f{n + 1}" for n in range(count)) for name, count in _ROWS.items()},
}


def argument(limit: Any) -> st.SearchStrategy[Any]:
    """Values that an argument declares to allow; lengths stay below 400 um to keep the drawings small."""
    if isinstance(limit, Um):
        return st.integers(round(limit.low * 1000), round(min(limit.high, max(400.0, limit.low * 2)) * 1000)).map(
            lambda n: n / 1000
        )
    if isinstance(limit, Maybe):
        return st.none() | argument(limit.limit)
    if isinstance(limit, Real):
        return st.floats(limit.low, limit.high, allow_nan=False)
    if isinstance(limit, Count):
        return st.integers(limit.low, min(limit.high, limit.low + 30))
    if isinstance(limit, OneOf):
        return st.sampled_from(limit.values)
    if isinstance(limit, Flag):
        return st.booleans()
    raise TypeError(f"no values for {type(limit).__name__}: teach this test the new kind of limit")


def written(component: Any, path: Any) -> LayoutFile:
    canonical_layout(component, {}).write(str(path))
    return read_layout(path)


#: the rules of waveguides that hold over the whole range of every cell; how steep a taper is, its user decides
_BENDS = [rule for rule in load_rules(group="photonic") if rule.kind == "bend_radius"]


@pytest.mark.parametrize("name", sorted(PORTS))
def test_ports_are_the_contract(name: str) -> None:
    assert tuple(p.name for p in CELLS[name]().ports) == PORTS[name]


@pytest.mark.parametrize("name", sorted(CELLS))
def test_default_cell_is_clean_and_on_known_layers(name: str, tmp_path: Any) -> None:
    component = CELLS[name]()
    file = written(component, tmp_path / f"{name}.gds")
    used = {(i.layer, i.datatype) for i in file.layout.layer_infos()}
    assert used <= set(NAMES), f"layers that the process does not know: {used - set(NAMES)}"
    result = drc(tmp_path / f"{name}.gds")
    assert result.violations == ()
    assert photonic(tmp_path / f"{name}.gds").violations == ()
    assert result.looked_at > 0 or name == "connector"  # no design rule is about the body of a connector


@pytest.mark.parametrize("name", sorted(n for n, s in load_sheets().items() if s.cell in CELLS))
def test_sheet_geometry_is_clean(name: str, tmp_path: Any) -> None:
    sheet = load_sheets()[name]
    written(CELLS[sheet.cell](**sheet.geometry), tmp_path / f"{name}.gds")
    assert drc(tmp_path / f"{name}.gds").violations == ()
    assert photonic(tmp_path / f"{name}.gds").violations == ()


def assert_clean_or_refused(name: str, data: st.DataObject, folder: Any) -> None:
    """Draw a cell with arguments that it declares to allow."""
    arguments = {key: data.draw(argument(limit), label=key) for key, limit in limits_of(CELLS[name]).items()}
    try:
        component = CELLS[name](**arguments)
    except ParameterError as error:
        assert "\n" not in str(error) and len(str(error)) > 20
        return
    box = component.dbbox()
    assert all(math.isfinite(v) and abs(v) < 60_000 for v in (box.left, box.bottom, box.right, box.top))
    path = folder / "cell.gds"
    written(component, path)
    assert drc(path).violations == (), arguments
    assert photonic(path, _BENDS).violations == (), arguments


@pytest.mark.parametrize("name", sorted(set(_PARAMETRIC) - _BLOCKS))
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_allowed_arguments_draw_clean_or_are_refused(name: str, data: st.DataObject, tmp_path: Any) -> None:
    assert_clean_or_refused(name, data, tmp_path)


@pytest.mark.parametrize("name", sorted(_BLOCKS))
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_allowed_test_block_is_clean_or_refused(name: str, data: st.DataObject, tmp_path: Any) -> None:
    assert_clean_or_refused(name, data, tmp_path)


_WRONG = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1e9, "10", True, None)


@pytest.mark.parametrize("name", sorted(CELLS))
def test_wrong_numbers_are_refused_by_name(name: str) -> None:
    tried = 0
    for key, limit in limits_of(CELLS[name]).items():
        if not isinstance(limit, (Um, Real, Count)):
            continue
        for value in _WRONG:
            if isinstance(value, float) and limit.low <= value <= limit.high:
                continue
            with pytest.raises(ParameterError, match=key):
                CELLS[name](**{key: value})
            tried += 1
    assert tried > 0 or not any(isinstance(v, (Um, Real, Count)) for v in limits_of(CELLS[name]).values())


@pytest.mark.parametrize("name", sorted(CELLS))
def test_unknown_argument_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="lenght"):
        CELLS[name](lenght=3.0)


def test_lengths_snap_to_the_grid_before_naming() -> None:
    assert CELLS["straight"](length=0.1 + 0.2) is CELLS["straight"](length=0.3)


def test_every_limit_is_of_a_known_kind() -> None:
    kinds = (Maybe, Um, Real, Count, OneOf, Flag, Text, Points)
    for name, factory in CELLS.items():
        for key, limit in limits_of(factory).items():
            assert isinstance(limit, kinds) or hasattr(limit, "clean"), (name, key)


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("bend_euler", {"radius": 4.0}, "radius"),
        ("bend_s", {"length": 5.0, "offset": 5.0}, "at least"),
        ("taper", {"length": 1.0, "width1": 5.0, "width2": 0.2}, "at least 4.364 um"),
        ("ring_modulator", {"junction_fill": 0.9}, "bus"),
        ("mmi1x2", {"separation": 1.0}, "separation"),
        ("grating_coupler", {"period": 0.35, "fill_factor": 0.5}, "0.2 um"),
        ("wire", {"points": ((0, 0), (3, 4))}, "neither"),
        ("fiber", {"route": (("jump", 1, 2),)}, "jump"),
        ("connector", {"name": "../x"}, "name"),
        ("straight", {"cross_section": "slot"}, "slot"),
    ],
)
def test_refusals_name_the_cure(name: str, arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        CELLS[name](**arguments)


@pytest.mark.parametrize("name", ["straight", "bend_euler", "bend_s", "ring_modulator", "add_drop_ring"])
def test_a_port_sits_on_an_edge_of_the_core(name: str) -> None:
    component = CELLS[name]()
    core = kdb.Region(component.kdb_cell.begin_shapes_rec(component.kcl.layout.layer(1, 0))).merged()
    for port in component.ports:
        if port.port_type != "optical":
            continue
        x, y = (round(v * 1000) for v in port.center)
        half = round(port.width * 500)
        dx, dy = {0: (0, half), 180: (0, half), 90: (half, 0), 270: (half, 0)}[round(port.orientation)]
        wanted = {kdb.Point(x - dx, y - dy), kdb.Point(x + dx, y + dy)}
        assert any({e.p1, e.p2} == wanted for e in core.edges().each()), (name, port.name)


def test_the_steepest_taper_that_is_drawn_is_clean(tmp_path: Any) -> None:
    written(CELLS["taper"](length=4.364, width1=5.0, width2=0.2), tmp_path / "x.gds")
    assert drc(tmp_path / "x.gds").violations == ()


def test_no_polygon_in_a_file_has_more_corners_than_its_readers_take(tmp_path: Any) -> None:
    component = CELLS["bend_euler"](radius=600.0, angle=180)
    layout = read_layout(write_gds(component, tmp_path / "x.gds")).layout
    shapes = kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(1, 0)))
    assert shapes.count() > 1
    assert max(polygon.num_points() for polygon in shapes.each()) < 0x8000 // 8
    drawn = kdb.Region(component.kdb_cell.begin_shapes_rec(component.kcl.layout.layer(1, 0)))
    assert (shapes.merged() ^ drawn.merged()).is_empty()
