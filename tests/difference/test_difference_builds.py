"""Two builds compared: what was changed on purpose is told, in the words a pull request needs, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import klayout.db as kdb
import klayout.rdb as rdb
import pytest

from cpo_pdk.assemblies import write_package
from cpo_pdk.cli.app import run
from cpo_pdk.difference.findings import Difference, Limits
from cpo_pdk.difference.run import compare
from cpo_pdk.difference.words import verdict, worst_loss
from cpo_pdk.errors import InputError, LayoutError
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.tech.layers import layer_of

from .conftest import Editor, longer

Edit = Callable[..., Path]


def moved_polygon(editor: Editor) -> None:
    cell = next(c for c in editor.layout.each_cell() if c.name.startswith("cpo_add_drop_ring"))
    layer = editor.layout.find_layer(*layer_of("HEATER"))
    next(iter(cell.shapes(layer).each())).transform(kdb.Trans(1, 0))


def other_radius(editor: Editor) -> None:
    cell = editor.at("engine_S1", "rx_1", "unit_2", "ring_lower")
    editor.meta(cell, "settings", gap=0.2)


def swapped(editor: Editor) -> None:
    cell = editor.at("engine_S1", "fibre_array", "coupler_1")
    cell.add_meta_info(kdb.LayoutMetaInfo("kfactory:function_name", "other_coupler", "", True))


def renamed(editor: Editor) -> None:
    cell = next(c for c in editor.layout.each_cell() if c.name.startswith("cpo_bend_euler"))
    cell.name = "bend_by_another_name"


def no_engines(editor: Editor) -> None:
    for cell in editor.layout.each_cell():
        if cell.meta_info("kfactory:function_name") and cell.meta_info("kfactory:function_name").value == "engine":
            cell.clear_meta_info()


def mirrored(a: Difference, b: Difference) -> None:
    """`b` is the way back of `a`."""
    assert [(e.layer, e.added_um2, e.removed_um2) for e in a.geometry.layers] == [
        (e.layer, e.removed_um2, e.added_um2) for e in b.geometry.layers
    ]
    assert (a.geometry.cells.added, a.geometry.cells.removed) == (b.geometry.cells.removed, b.geometry.cells.added)
    assert [(old, new) for old, new in a.geometry.cells.renamed] == [
        (new, old) for old, new in b.geometry.cells.renamed
    ]
    loss = {change.name: change.more_loss_dB for change in a.lanes.changes}
    assert loss == {change.name: pytest.approx(-change.more_loss_dB, abs=1e-12) for change in b.lanes.changes}
    back = {"added": "removed", "removed": "added"}
    assert sorted((d.where, back.get(d.kind, d.kind), d.settings) for d in a.circuit.devices) == sorted(
        (d.where, d.kind, tuple((n, new, old) for n, old, new in d.settings)) for d in b.circuit.devices
    )


@pytest.mark.parametrize("how", ["file", "folder", "mixed"])
def test_a_build_does_not_differ_from_itself(build: Path, gds: Path, how: str) -> None:
    a, b = {"file": (gds, gds), "folder": (build, build), "mixed": (build, gds)}[how]
    result = compare(a, b, limits=Limits(0.0, 0.0, geometry=False))
    assert not result.different and result.passed and result.same_bytes and verdict(result) == "no difference"
    assert result.compared["lanes"] == 32 and result.compared["layers"] > 20
    assert result.compared["shapes_a"] == result.compared["shapes_b"] > 2000
    assert result.compared["devices_a"] > 300 and result.geometry.looked_into == 0
    assert result.lanes.source == (("lanes.json",) * 2 if how == "folder" else ("simulated",) * 2)


def test_a_second_build_and_another_format_are_no_difference(build: Path, small_spec: Edit, tmp_path: Path) -> None:
    again = write_package(load_spec(small_spec()), tmp_path / "out", load_sheets()).package_gds
    assert not compare(build, again).different
    layout = kdb.Layout()
    layout.read(str(build / "small.gds"))
    layout.write(str(tmp_path / "small.oas"))
    result = compare(build, tmp_path / "small.oas")
    assert not result.different and not result.same_bytes
    assert "the files differ in what is not compared" in result.notices[-1]


def test_a_longer_route_is_told_as_decibels_of_the_worst_lane(gds: Path, edited: Edit) -> None:
    result = compare(gds, edited(longer), limits=Limits(loss_dB=0.01))
    assert re.fullmatch(
        r"worst lane -0\.04 dB: tx N1 port 1 ch [1-4]: route unit_3\.bus_east \+210 um", worst_loss(result.lanes)
    )
    # light that is sent back comes out elsewhere by another phase: that much changes in other lanes
    lost = [change.name for change in result.lanes.by_loss if abs(change.more_loss_dB) > 1e-3]
    assert sorted(lost) == [f"tx N1 port 1 ch {n}" for n in (1, 2, 3, 4)]
    assert not result.passed and verdict(result) == "beyond the limit of loss"
    (layer,) = result.geometry.changed
    assert layer.layer == "WG" and layer.removed_um2 == 0
    (device,) = (d for d in result.circuit.devices if d.name == "bus_east")
    assert (device.where, device.kind, device.places) == ("engine_N1/tx_1/unit_3", "settings", 1)
    assert device.route_um == pytest.approx(210.0) and device.message.endswith("(+210 um)")
    worst = result.lanes.changes[0]
    assert sum(cause.loss_dB for cause in worst.causes) == pytest.approx(worst.more_loss_dB, abs=1e-3)
    assert compare(gds, edited(longer), limits=Limits(loss_dB=0.05)).passed


def test_less_loss_is_no_failure(gds: Path, edited: Edit) -> None:
    result = compare(edited(longer), gds, limits=Limits(loss_dB=0.001))
    assert result.passed and min(change.more_loss_dB for change in result.lanes.changes) < -0.04


def test_a_moved_polygon_is_found_in_its_cell_with_its_places(gds: Path, edited: Edit) -> None:
    path = edited(moved_polygon)
    result = compare(gds, path, limits=Limits(geometry=False))
    (layer,) = result.geometry.changed
    assert layer.layer == "HEATER" and not result.passed
    assert {region.cell[:17] for region in layer.regions} == {"cpo_add_drop_ring"}
    assert {region.places for region in layer.regions} == {8}
    assert layer.added_um2 == pytest.approx(layer.removed_um2, rel=1e-3) and 0 < layer.changed_um2 < 1
    assert compare(gds, path, limits=Limits(geometry=False), layers=["WG", "M1"]).passed
    mirrored(result, compare(path, gds))


def test_another_setting_changes_loss_and_crosstalk(gds: Path, edited: Edit) -> None:
    path = edited(other_radius)
    result = compare(gds, path, limits=Limits(crosstalk_dB=0.01))
    (device,) = (d for d in result.circuit.devices if d.name == "ring_lower")
    assert (
        device.settings == (("gap", "0.15", "0.2"),) and device.message == "add_drop_ring ring_lower: gap 0.15 -> 0.2"
    )
    assert {c.name[:12] for c in result.lanes.changes} == {"rx S1 port 1"}
    assert any("add_drop_ring unit_2.ring_lower gap 0.15 -> 0.2" in c.text for c in result.lanes.changes[0].causes)
    assert result.lanes.by_crosstalk and result.lanes.by_crosstalk[0].aggressors
    mirrored(result, compare(path, gds))


def test_a_swapped_device_is_named(gds: Path, edited: Edit) -> None:
    result = compare(gds, edited(swapped))
    (device,) = (d for d in result.circuit.devices if d.kind == "replaced")
    assert device.message == "edge_coupler coupler_1 replaced by other_coupler"
    assert device.where == "engine_S1/fibre_array"


def test_a_renamed_cell_is_equal(gds: Path, edited: Edit) -> None:
    result = compare(gds, edited(renamed), limits=Limits(0.0, 0.0, geometry=False))
    assert [new for _, new in result.geometry.cells.renamed] == ["bend_by_another_name"]
    assert not result.geometry.cells.added and not result.geometry.cells.removed
    assert not result.circuit.devices and not result.lanes.changes and result.passed
    assert result.different


def test_a_rebuilt_spec_tells_every_part(build: Path, small_spec: Edit, tmp_path: Path) -> None:
    spec = small_spec(**{"heater_bias_nm: 0.8": "heater_bias_nm: 0.9"})
    other = write_package(load_spec(spec), tmp_path / "out", load_sheets()).package_gds
    result = compare(build, other)
    assert result.lanes.source == ("simulated", "simulated") and result.passed
    assert {"WG", "HEATER"} <= {layer.layer for layer in result.geometry.changed}
    assert any(d.settings and d.device == "add_drop_ring" for d in result.circuit.devices)
    mirrored(result, compare(other, build))


def test_lanes_of_a_folder_are_used_only_when_its_manifest_proves_them(build: Path, tmp_path: Path) -> None:
    for number, spoil in enumerate(("lanes.json", "manifest.json", "small.gds")):
        folder = tmp_path / str(number) / "small"
        shutil.copytree(build, folder)
        data = bytearray((folder / spoil).read_bytes())
        if spoil == "small.gds":
            layout = kdb.Layout()
            layout.read(str(folder / spoil))
            layout.write(str(folder / spoil))
        else:
            data[data.rindex(b"1")] ^= 1
            (folder / spoil).write_bytes(data)
        result = compare(build, folder)
        assert result.lanes.source == ("simulated", "simulated") and not result.different
        assert any("simulated" in notice for notice in result.notices), spoil


def test_what_has_no_lanes_is_said_and_fails_what_asks_for_them(gds: Path, edited: Edit, tmp_path: Path) -> None:
    layout = kdb.Layout()
    layout.create_cell("top").shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 1000, 1000))
    layout.write(str(tmp_path / "plain.gds"))
    result = compare(tmp_path / "plain.gds", tmp_path / "plain.gds")
    assert result.passed and not result.different and result.compared["lanes"] == 0
    assert any("no lanes" in n for n in result.notices) and any("no circuit" in n for n in result.notices)
    asked = compare(tmp_path / "plain.gds", tmp_path / "plain.gds", limits=Limits(loss_dB=1.0))
    assert not asked.passed and "can't be judged" in asked.gates[0].message
    one_sided = compare(gds, edited(no_engines))
    assert not one_sided.passed and "has no engine" in one_sided.not_compared[0]


def test_nothing_compared_is_never_no_difference(tmp_path: Path) -> None:
    layout = kdb.Layout()
    layout.create_cell("top")
    layout.write(str(tmp_path / "empty.gds"))
    result = compare(tmp_path / "empty.gds", tmp_path / "empty.gds")
    assert not result.passed and verdict(result) == "not everything could be compared"
    assert "no polygon" in result.not_compared[0]


def test_a_layout_of_another_process_is_compared_all_the_same(tmp_path: Path) -> None:
    for name, size in (("a", 10), ("b", 20)):
        layout = kdb.Layout()
        layout.create_cell("top").shapes(layout.layer(250, 7)).insert(kdb.Box(0, 0, size, size))
        layout.write(str(tmp_path / f"{name}.gds"))
    result = compare(tmp_path / "a.gds", tmp_path / "b.gds")
    assert [(e.layer, e.changed_um2) for e in result.geometry.changed] == [("250/7", pytest.approx(300e-6))]


def test_bad_input_is_one_line(gds: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 layouts"):
        compare(tmp_path, gds)
    with pytest.raises(LayoutError, match="no such file"):
        compare(gds, tmp_path / "no.gds")
    with pytest.raises(InputError, match="layer 'WAVE'"):
        compare(gds, gds, layers=["WAVE"])
    with pytest.raises(InputError, match="limit of loss change is -1"):
        compare(gds, gds, limits=Limits(loss_dB=-1.0))
    with pytest.raises(InputError, match="limit of crosstalk change is nan"):
        compare(gds, gds, limits=Limits(crosstalk_dB=float("nan")))


def cli(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capfd.readouterr()
    code = run(arguments)
    return code, capfd.readouterr().out


def test_the_command(gds: Path, edited: Edit, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = edited(longer)
    code, out = cli(["diff", str(gds), str(path), "--max-loss-change", "0.01"], capfd)
    assert code == 1
    assert re.search(
        r"worst lane -0\.04 dB: tx N1 port 1 ch [1-4]: route unit_3\.bus_east \+210 um; limit 0.01 dB", out
    )
    code, out = cli(["diff", str(gds), str(path)], capfd)
    assert code == 0 and out.startswith("different; compared ")
    reports = [tmp_path / name for name in ("r.md", "r.lyrdb", "r.json")]
    options = [word for report in reports for word in ("--report", str(report))]
    code, out = cli(["diff", str(gds), str(edited(moved_polygon)), "--no-geometry", "--json", *options], capfd)
    document: dict[str, Any] = json.loads(out)
    assert code == 1 and document == json.loads(reports[2].read_text())
    assert document["gates"] == [{"name": "geometry", "passed": False, "message": document["gates"][0]["message"]}]
    text = reports[0].read_text()
    assert text.startswith("## ❌ cpo diff: ") and "### Polygons" in text and "<code>HEATER</code>" in text
    database = rdb.ReportDatabase("")
    database.load(str(reports[1]))
    assert {c.path() for c in database.each_category() if c.num_items()} == {"HEATER"}
    assert database.num_items() == sum(r["polygons"] for e in document["geometry"]["layers"] for r in e["regions"])
    code, out = cli(["diff", str(gds), str(gds), "--report", str(tmp_path / "r.txt")], capfd)
    assert code == 2


def test_names_out_of_a_file_are_no_markup(gds: Path, edited: Edit, tmp_path: Path) -> None:
    def hostile(editor: Editor) -> None:
        cell = editor.layout.create_cell("<img src=x>|`@everyone`")
        cell.shapes(editor.layout.layer(1, 0)).insert(kdb.Box(0, 0, 500, 500))
        editor.top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(0, 90_000_000)))

    path = edited(hostile, "h.oas")
    report = tmp_path / "r.md"
    assert run(["diff", str(gds), str(path), "--report", str(report)]) == 0
    assert "<img" not in report.read_text() and "@everyone" not in report.read_text()
