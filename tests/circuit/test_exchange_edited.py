"""A cell edited by hand after it was written is flagged, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.components import add_drop_ring, straight
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.drawn_digest import META_NAME
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.verify import connectivity


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bus of a ring between two straights, the second one turned round."""
    top = gf.Component("edited_top")
    ring = top << add_drop_ring()
    first = top << straight(length=12.0)
    last = top << straight(length=12.0)
    first.connect("o2", ring.ports["o1"])
    last.connect("o2", ring.ports["o4"])
    top.add_port("o1", port=first.ports["o1"])
    top.add_port("o2", port=last.ports["o1"])
    top.info["open_ports"] = [f"{ring.name}.o2", f"{ring.name}.o3"]
    return write_gds(top, tmp_path_factory.mktemp("edited") / "top.gds")


def problems(path: Path) -> list[tuple[str, str]]:
    netlists = extract(read_layout(path), leaf_factories(load_sheets()))
    return [(p.kind, p.cell) for p in netlists.problems if p.kind == "edited"]


def edit(path: Path, out: Path, change: object, ending: str = ".gds") -> Path:
    layout = kdb.Layout()
    layout.read(str(path))
    change(layout)  # type: ignore[operator]
    target = out / f"hand{ending}"
    options = kdb.SaveLayoutOptions()
    options.set_format_from_filename(str(target))
    options.write_context_info = True
    layout.write(str(target), options)
    return target


def leaf(layout: kdb.Layout, stem: str) -> kdb.Cell:
    return next(cell for cell in layout.each_cell() if cell.name.startswith(stem))


def wg(layout: kdb.Layout) -> int:
    return layout.find_layer(1, 0)


def test_nothing_is_flagged_as_written(pristine: Path) -> None:
    assert problems(pristine) == []


@pytest.mark.parametrize("ending", [".gds", ".oas"])
def test_saving_moving_turning_and_renaming_is_no_edit(pristine: Path, tmp_path: Path, ending: str) -> None:
    def change(layout: kdb.Layout) -> None:
        cell = leaf(layout, "cpo_straight")
        cell.name = "other_name"
        outer = layout.create_cell("outer")
        outer.insert(kdb.CellInstArray(layout.cell("edited_top").cell_index(), kdb.Trans(1, True, 500, 900)))

    assert problems(edit(pristine, tmp_path, change, ending)) == []


def _moved(layout: kdb.Layout) -> None:
    cell = leaf(layout, "cpo_straight")
    shape = next(cell.shapes(wg(layout)).each())
    points = list(shape.polygon.each_point_hull())
    shape.polygon = kdb.Polygon([points[0] + kdb.Vector(0, 1), *points[1:]])


def _added(layout: kdb.Layout) -> None:
    leaf(layout, "cpo_straight").shapes(wg(layout)).insert(kdb.Box(0, 5000, 100, 5100))


def _deleted(layout: kdb.Layout) -> None:
    leaf(layout, "cpo_straight").shapes(wg(layout)).clear()


@pytest.mark.parametrize("change", [_moved, _added, _deleted])
def test_a_vertex_or_polygon_is_an_edit(pristine: Path, tmp_path: Path, change: object) -> None:
    found = problems(edit(pristine, tmp_path, change))
    assert len(found) == 1 and found[0][1].startswith("cpo_straight")


def test_the_top_cell_and_what_a_device_contains_are_looked_at(pristine: Path, tmp_path: Path) -> None:
    def in_top(layout: kdb.Layout) -> None:
        layout.cell("edited_top").shapes(wg(layout)).insert(kdb.Box(0, 90_000, 100, 90_100))

    assert [cell for _, cell in problems(edit(pristine, tmp_path, in_top))] == ["edited_top"]

    def inside(layout: kdb.Layout) -> None:
        via = layout.create_cell("extra")
        via.shapes(wg(layout)).insert(kdb.Box(0, 0, 10, 10))
        leaf(layout, "cpo_straight").insert(kdb.CellInstArray(via.cell_index(), kdb.Trans()))

    assert [cell[:12] for _, cell in problems(edit(pristine, tmp_path, inside))] == ["cpo_straight"]


def test_a_moved_instance_is_no_edited_cell(pristine: Path, tmp_path: Path) -> None:
    def change(layout: kdb.Layout) -> None:
        inst = next(layout.cell("edited_top").each_inst())
        inst.transform(kdb.Trans(7000, 0))

    assert problems(edit(pristine, tmp_path, change)) == []


def test_cells_without_a_fingerprint_are_unknown(pristine: Path, tmp_path: Path) -> None:
    def change(layout: kdb.Layout) -> None:
        for cell in layout.each_cell():
            cell.remove_meta_info(META_NAME)
        _added(layout)

    assert problems(edit(pristine, tmp_path, change)) == []


def test_the_check_says_so(pristine: Path, tmp_path: Path) -> None:
    hand = edit(pristine, tmp_path, _moved)
    found = [v for v in connectivity(hand).violations if v.rule == "CONN.edited"]
    assert len(found) == 1 and "in 2 places" in found[0].message
