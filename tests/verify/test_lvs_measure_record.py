"""What a record says: edited, cut short or of another kind it is told, and no drawing, however strange, crashes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk.assemblies.writing import canonical_layout
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.components import CELLS
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.findings import Violation
from cpo_pdk.verify.lvs.measure import MEASURES, compare_with_record, measured_layout
from cpo_pdk.verify.lvs.measure.comparing import measured_cells, rule_of


def _path(name: str, folder: Path, **arguments: Any) -> Path:
    path = folder / f"{name}.gds"
    canonical_layout(CELLS[name](**arguments), {}).write(str(path))
    return path


def _record(path: Path, change: Any) -> LayoutFile:
    """The file with the settings of its top cell changed."""
    layout = kdb.Layout()
    layout.read(str(path))
    cell = next(c for c in layout.top_cells() if not c.bbox().empty())
    settings = change(dict(cell.meta_info("kfactory:settings").value))
    cell.add_meta_info(kdb.LayoutMetaInfo("kfactory:settings", settings, "", True))
    layout.write(str(path))
    return read_layout(path)


def _found(file: LayoutFile) -> list[Violation]:
    return measured_layout(file)[0]


def test_a_changed_setting_is_found_and_named(tmp_path: Path) -> None:
    file = _record(_path("ring_modulator", tmp_path), lambda s: {**s, "radius": 6.42})
    (violation,) = _found(file)
    assert violation.rule == "LVS.RADIUS"
    assert violation.message.startswith("radius is 6.4 um as drawn, 6.42 um as recorded, -20.0 nm, 2.9 nm allowed; ")


def test_a_junction_of_another_kind_is_found(tmp_path: Path) -> None:
    file = _record(_path("ring_modulator", tmp_path), lambda s: {**s, "junction": "interleaved"})
    messages = {v.rule: v.message for v in _found(file)}
    assert "junction is lateral as drawn, interleaved as recorded" in messages["LVS.KIND"]


def test_a_missing_setting_is_told(tmp_path: Path) -> None:
    file = _record(_path("add_drop_ring", tmp_path), lambda s: {k: v for k, v in s.items() if k != "radius"})
    assert [(v.rule, "radius" in v.message) for v in _found(file)] == [("LVS.RECORD", True)]


def test_settings_that_are_gone_are_told(tmp_path: Path) -> None:
    for name in sorted(set(MEASURES) - {"fiber"}):
        file = _record(_path(name, tmp_path), lambda _s: {})
        assert "LVS.RECORD" in {v.rule for v in _found(file)}, name


@pytest.mark.parametrize("value", ["wide", None, True, float("nan"), float("inf"), -1.0, 1e300, [1, 2]])
def test_settings_of_another_kind_are_told(value: Any, tmp_path: Path) -> None:
    file = _record(_path("photodetector", tmp_path), lambda s: {**s, "width_ge": value})
    violations = _found(file)
    assert violations
    assert all("\n" not in v.message for v in violations)


def test_a_route_that_is_none_is_told(tmp_path: Path) -> None:
    for route in ([["loop", 1, 2]], "east", [["line", "far", 0]], [], [["line", 1.0]]):
        file = _record(_path("fiber", tmp_path), lambda s, r=route: {**s, "route": r})
        assert _found(file), route


def test_equal_cells_are_told_once_with_their_places(tmp_path: Path) -> None:
    path = _path("straight", tmp_path)
    layout = kdb.Layout()
    layout.read(str(path))
    device = next(c for c in layout.top_cells() if not c.bbox().empty())
    device.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 200, 10000, 210))
    top = layout.create_cell("top")
    top.insert(kdb.DCellInstArray(device.cell_index(), kdb.DTrans(), kdb.DVector(0, 50), kdb.DVector(50, 0), 3, 2))
    layout.write(str(path))
    violations, counts = measured_layout(read_layout(path))
    assert [(v.rule, v.places, v.cell) for v in violations] == [("LVS.WIDTH", 6, device.name)]
    assert violations[0].message.endswith("; in 6 places")
    assert counts["devices"] == 6 and counts["devices_distinct"] == 1
    assert counts["parameters"] == 6 * counts["parameters_distinct"] > 0


def test_waveguides_of_unknown_cells_are_counted(tmp_path: Path) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("top")
    top.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 10000, 400))
    layout.write(str(tmp_path / "strange.gds"))
    violations, counts = measured_layout(read_layout(tmp_path / "strange.gds"))
    assert violations == []
    assert counts["devices"] == counts["parameters"] == 0
    assert counts["cells_unknown"] == 1


def test_every_tolerance_has_a_rule_and_is_used() -> None:
    rules = [rule for rule in load_rules(group="lvs") if rule.kind in ("measured", "matched")]
    names = {name.strip() for rule in rules for name in str(rule.more["parameter"]).split(",")}
    for name in names - {"record"}:
        if "*" not in name:
            assert rule_of(name) is not None
    assert rule_of("no_such_parameter") is None
    assert {"LVS.RADIUS", "LVS.GAP", "LVS.WIDTH", "LVS.LENGTH", "LVS.SHAPE", "LVS.RECORD"} <= {r.name for r in rules}


def test_a_nanometre_passes_and_the_tolerance_does_not(tmp_path: Path) -> None:
    file = read_layout(_path("straight", tmp_path))
    reading = next(r for r in measured_cells(file) if r.cell == file.top.name)
    assert reading.measured is not None
    for width, clean in ((0.4, True), (0.401, True), (0.399, True), (0.404, False), (0.396, False)):
        settings = {**reading.settings, "width": width}
        outcome = compare_with_record(reading.measured, settings, reading.info, "straight")
        assert (not outcome.violations) == clean, width


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_damaged_drawings_never_crash_and_never_pass(name: str, tmp_path: Path) -> None:
    path = _path(name, tmp_path)
    rng = random.Random(name)
    for kind in ("empty", "boxes", "triangle", "shaken"):
        layout = kdb.Layout()
        layout.read(str(path))
        cell = next(c for c in layout.top_cells() if not c.bbox().empty())
        box = cell.bbox()
        for index in layout.layer_indexes():
            own = kdb.Region(cell.begin_shapes_rec(index))
            shapes = cell.shapes(index)
            if own.is_empty():
                continue
            for child in [layout.cell(i) for i in cell.called_cells()]:
                child.shapes(index).clear()
            shapes.clear()
            if kind == "boxes":
                for _ in range(5):
                    x, y = rng.randint(box.left, box.right), rng.randint(box.bottom, box.top)
                    shapes.insert(kdb.Box(x, y, x + rng.randint(1, 3000), y + rng.randint(1, 3000)))
            elif kind == "triangle":
                shapes.insert(kdb.Polygon([box.p1, box.p2, kdb.Point(box.left, box.top)]))
            elif kind == "shaken":
                for polygon in own.merged().each():
                    points = [
                        kdb.Point(p.x + rng.randint(-40, 40), p.y + rng.randint(-40, 40))
                        for p in polygon.each_point_hull()
                    ]
                    shapes.insert(kdb.Polygon(points))
        target = tmp_path / f"{kind}.gds"
        layout.write(str(target))
        violations, counts = measured_layout(read_layout(target))
        assert counts["devices"] >= 1
        assert violations, kind
        assert all("\n" not in v.message and len(v.message) < 1000 for v in violations)
