"""What files say about their cells: shipped devices, ports, cells of other libraries, and files that say nothing."""

from __future__ import annotations

from pathlib import Path

import gdsfactory as gf
import klayout.db as kdb
import pytest

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.components import CELLS
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.photonic.devices import Devices
from cpo_pdk.verify.photonic.run import photonic, photonic_layout

#: cells that are drawn in no time and bend, widen, couple, end or heat
DRAWN = [
    "add_drop_ring",
    "bend_euler",
    "bend_s",
    "bent_coupler",
    "crossing",
    "directional_coupler",
    "edge_coupler",
    "grating_coupler",
    "mach_zehnder_modulator",
    "mmi1x2",
    "photodetector",
    "psr",
    "ring_modulator",
    "spiral",
    "taper_strip_rib",
    "terminator",
    "y_branch",
]


@pytest.fixture(scope="module")
def leaves():
    return leaf_factories(load_sheets())


@pytest.mark.parametrize("name", DRAWN)
def test_shipped_cells_are_clean(name, leaves, tmp_path):
    path = Path(CELLS[name]().write_gds(tmp_path / f"{name}.gds"))
    result = photonic_layout(read_layout(path), leaves=leaves)
    assert result.violations == ()
    assert result.clean
    assert result.looked_at > 0


def test_two_devices_side_by_side_are_not_one(leaves, tmp_path):
    top = gf.Component("two_couplers")
    _, second = top << CELLS["directional_coupler"](), top << CELLS["straight"](length=40.0)
    second.move((0.0, 3.6))
    path = Path(top.write_gds(tmp_path / "two.gds"))
    found = photonic_layout(read_layout(path), leaves=leaves).violations
    assert {v.rule for v in found} == {"PH.NEAR"}, found
    assert {v.cell for v in found} == {"two_couplers"}


def test_a_straight_under_the_heater_of_a_ring(leaves, tmp_path):
    top = gf.Component("heated")
    ring, straight = top << CELLS["add_drop_ring"](), top << CELLS["straight"](length=10.0)
    straight.move((-5.0, (ring.ports["o1"].y + ring.ports["o2"].y) / 2))
    path = Path(top.write_gds(tmp_path / "heated.gds"))
    found = [v for v in photonic_layout(read_layout(path), leaves=leaves).violations if v.rule == "PH.HEATER"]
    assert len(found) == 2, "its two ends come within 2 um of the heater"
    assert [v.cell for v in found] == ["heated"] * 2


def test_an_end_at_an_open_port_is_for_the_connections(leaves, tmp_path):
    top = gf.Component("open")
    _ = top << CELLS["straight"](length=40.0)
    path = Path(top.write_gds(tmp_path / "open.gds"))
    assert photonic_layout(read_layout(path), leaves=leaves).by_rule == {}


def _without_words(source: Path, target: Path) -> Path:
    layout = kdb.Layout()
    layout.read(str(source))
    layout.top_cells()[0].flatten(True)
    options = kdb.SaveLayoutOptions()
    options.write_context_info = False
    layout.write(str(target), options)
    return target


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("straight", {"PH.END"}),
        ("ring_modulator", {"PH.END"}),
        ("mmi1x2", {"PH.END"}),
        ("directional_coupler", {"PH.END", "PH.NEAR"}),
        ("terminator", {"PH.END"}),
    ],
)
def test_a_flattened_device_without_a_word_is_judged_as_drawn(name, expected, leaves, tmp_path):
    drawn = Path(CELLS[name]().write_gds(tmp_path / f"{name}.gds"))
    bare = read_layout(_without_words(drawn, tmp_path / "bare.gds"))
    found = photonic_layout(bare, leaves=leaves)
    assert set(found.by_rule) == expected, found.violations


def test_ports_off_the_grid_and_askew(leaves, tmp_path):
    good = gf.Component("good")
    good.add_polygon([(0, -0.2), (10, -0.2), (10, 0.2), (0, 0.2)], layer=(1, 0))
    good.add_port("o1", center=(0, 0), width=0.4, orientation=180, layer=(1, 0))
    path = Path(good.write_gds(tmp_path / "good.gds"))
    result = photonic_layout(read_layout(path), leaves=leaves)
    assert "PH.PORT" not in result.by_rule
    assert result.looked_at_by_rule["PH.PORT"] == 1
    for name, trans, words in (
        ("off", kdb.DCplxTrans(1.0, 0.0, False, 10.0004, 0.0), "off the grid by 0.0004 um"),
        ("askew", kdb.DCplxTrans(1.0, 20.0, False, 10.0, 0.0), "points to 20 degrees, no multiple of 45"),
    ):
        bad = gf.Component(name)
        bad.add_polygon([(0, -0.2), (10, -0.2), (10, 0.2), (0, 0.2)], layer=(1, 0))
        bad.create_port(name="o1", dcplx_trans=trans, width=400, layer=1, port_type="optical")
        path = Path(bad.write_gds(tmp_path / f"{name}.gds"))
        found = [v for v in photonic_layout(read_layout(path), leaves=leaves).violations if v.rule == "PH.PORT"]
        assert len(found) == 1, name
        assert words in found[0].message
        assert found[0].cell == name


def test_a_file_without_silicon_says_so(tmp_path):
    path = Path(CELLS["bump"]().write_gds(tmp_path / "bump.gds"))
    result = photonic(path)
    assert result.looked_at == 0
    assert result.clean
    assert "no silicon" in result.not_applicable


def test_a_file_with_a_slab_and_no_core_is_not_clean(look, bar):
    result = look.result("PH.END", [bar(0, 0, 10, 10, "SLAB90")])
    assert result.looked_at == 0
    assert not result.clean


def test_how_much_was_looked_at(look, bar):
    result = look.result("PH.JUMP", [bar(0, 0, 10, 0.4), bar(0, 5, 10, 5.4)], placed=True)
    assert result.looked_at == 6
    assert result.looked_at_by_rule == {"PH.JUMP": 6}
    assert (result.group, result.what) == ("photonic", "waveguides")


@pytest.mark.parametrize("layer", ["DEVREC", "PORT"])
@pytest.mark.parametrize("told", [True, False])
def test_marks_speak_only_for_cells_that_do_not(layer, told):
    layout = kdb.Layout()
    top, part = layout.create_cell("top"), layout.create_cell("part")
    top.insert(kdb.DCellInstArray(part.cell_index(), kdb.DTrans()))
    top.shapes(layout.layer(*layer_of(layer))).insert(kdb.DBox(-10, -10, 60, 10))
    if told:
        part.add_meta_info(kdb.LayoutMetaInfo("kfactory:function_name", "straight", "", True))
    devices = Devices(layout, top, ())
    place = kdb.Box(0, 0, 1000, 400)
    excused = devices.in_box(place) if layer == "DEVREC" else devices.is_port((), place)
    assert excused is not told
