"""Pictures of packages: what lies over what, which names are written, where the faceplate is shown."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import pytest
from matplotlib.collections import PolyCollection

from cpo_pdk.report.figures import png
from cpo_pdk.report.pictures import cell_figure, drawing_order, package_figure
from cpo_pdk.report.scene import Scene, read_scene
from cpo_pdk.tech.layers import LAYERS, layer_of

MM = 1000.0


def package(path: Path, *, line: bool = True, named: bool = True, wide: bool = True) -> Scene:
    """A switch die, an engine, a stacked ribbon and three connectors, two of them above one another."""
    layout = kdb.Layout()
    layout.dbu = 0.001
    top = layout.create_cell("switch")

    def part(name: str, instance: str, x: float, y: float, **shapes: kdb.DBox) -> None:
        cell = layout.create_cell(name)
        for layer, box in shapes.items():
            cell.shapes(layout.layer(*layer_of(layer))).insert(box)
        placed = top.insert(kdb.DCellInstArray(cell.cell_index(), kdb.DTrans(x, y)))
        if instance:
            placed.set_property(0, instance)

    top.shapes(layout.layer(*layer_of("SUBSTRATE"))).insert(kdb.DBox(-30 * MM, -30 * MM, 30 * MM, 30 * MM))
    die = kdb.DBox(-5 * MM, -5 * MM, 5 * MM, 5 * MM)
    part("asic", "asic", 0, 0, ASIC=die, ASIC_BUMP=kdb.DBox(0, 0, 80, 80))
    part("engine", "engine_N1", 0, 8 * MM, FLOORPLAN=kdb.DBox(-MM, -MM, MM, MM), WG=kdb.DBox(0, 0, 1, 1))
    for layer in ("FIBER_2", "FIBER_PM", "FIBER"):
        part(f"piece_{layer}", f"fibre_N1_{layer}", 0, 9 * MM, **{layer: kdb.DBox(-62.5, 0, 62.5, 71 * MM)})
    body = kdb.DBox(-3 * MM, 0, 3 * MM, 8 * MM)
    names = ("MPO_N1_1", "MPO_N1_2", "ELS_1") if named else ("", "", "")
    across = 60 * MM if wide else 0.0
    part("plug_1", names[0], 0, 80 * MM, CONNECTOR=body)
    part("plug_2", names[1], 0, 80 * MM if line else 82 * MM, CONNECTOR_2=body)
    part("plug_3", names[2], across, 80 * MM, CONNECTOR_PM=body)
    layout.write(str(path))
    return read_scene(path)


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_ribbons_are_drawn_from_the_lowest_to_the_highest() -> None:
    order = drawing_order(LAYERS)
    assert sorted(order) == sorted(LAYERS)
    fibres = [name for name in order if name.startswith("FIBER")]
    assert fibres == ["FIBER", *(f"FIBER_{k}" for k in range(2, 9)), "FIBER_PM"]
    for below, above in (("SUBSTRATE", "CARRIER"), ("CARRIER", "FLOORPLAN"), ("ASIC", "AIRWIRE"), ("AIRWIRE", "FIBER")):
        assert order.index(below) < order.index(above)
    assert drawing_order(name for name in ("FIBER_2", "SUBSTRATE", "FIBER")) == ["SUBSTRATE", "FIBER", "FIBER_2"]


def test_ribbon_layers_can_be_told_apart() -> None:
    colors = [LAYERS[name].color for name in LAYERS if name.startswith(("FIBER", "CONNECTOR"))]
    assert len(colors) == len(set(colors)) == 18


def test_the_faceplate_shows_its_rows(tmp_path: Path) -> None:
    figure = package_figure(package(tmp_path / "package.gds"))
    plan, front, dies = figure.axes
    assert [text.get_text() for text in front.texts] == ["N1-1", "MPO", "N1-2", "MPO", "1", "ELS"]
    assert [text.get_text() for text in plan.texts] == ["10 mm", "asic", "N1"], "no fibre and no connector is named"
    assert [text.get_text() for text in dies.texts][1:] == ["asic", "N1"]
    assert sum(isinstance(item, PolyCollection) for item in plan.collections) == len(legend(dies))
    assert legend(dies) == [*("SUBSTRATE", "FLOORPLAN", "ASIC", "FIBER", "FIBER_2", "FIBER_PM"),
                      *("CONNECTOR", "CONNECTOR_2", "CONNECTOR_PM")]  # fmt: skip
    assert png(figure)[:4] == b"\x89PNG"


@pytest.mark.parametrize(("line", "named"), [(False, True), (True, False)])
def test_connectors_that_make_no_faceplate_are_named_in_place(tmp_path: Path, line: bool, named: bool) -> None:
    figure = package_figure(package(tmp_path / "package.gds", line=line, named=named))
    assert len(figure.axes) == 2
    assert ("MPO\nN1_1" in texts(figure)) is named


def test_dies_that_fill_the_picture_have_no_second_one(tmp_path: Path) -> None:
    scene = package(tmp_path / "package.gds")
    assert len(package_figure(scene).axes) == 3
    die = cell_figure(scene, "engine")
    assert len(die.axes) == 1
    assert legend(die.axes[0]) == ["FLOORPLAN", "WG"]


def test_the_same_package_is_the_same_picture(tmp_path: Path) -> None:
    first, again = (png(package_figure(package(tmp_path / f"{k}.gds"))) for k in range(2))
    assert first == again
