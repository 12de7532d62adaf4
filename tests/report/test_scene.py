"""What is drawn is what is in the file: places, arrays, turns, holes."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.report.scene import read_scene
from cpo_pdk.report.viewer import viewer_data


def area(outline: np.ndarray) -> float:
    x, y = outline.T
    return abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2


def test_areas_by_layer_are_those_of_the_file(package_gds: Path) -> None:
    scene = read_scene(package_gds)
    drawn: dict[str, float] = {}
    for layer, outline in scene.flat(scene.top):
        drawn[layer] = drawn.get(layer, 0.0) + area(outline)
    layout = kdb.Layout()
    layout.read(str(package_gds))
    for name, number in {"WG": (1, 0), "BUMP": (57, 0), "FIBER": (310, 0), "ASIC": (302, 0)}.items():
        shapes = layout.top_cell().begin_shapes_rec(layout.layer(*number))
        true = sum(it.shape().area() * it.trans().mag ** 2 for it in shapes.each()) * 1e-6
        assert drawn[name] == pytest.approx(true, rel=0.01), name


def test_boxes_of_what_is_drawn_are_those_of_the_file(package_gds: Path) -> None:
    scene = read_scene(package_gds)
    points = np.concatenate([outline for _, outline in scene.flat(scene.top)])
    assert np.allclose([*points.min(axis=0), *points.max(axis=0)], scene.cells[scene.top].box, atol=0.6)


def test_instances_keep_their_names(package_gds: Path) -> None:
    scene = read_scene(package_gds)
    assert [p.name for p in scene.cells["switch"].placements] == [f"engine_{n}" for n in range(4)]
    bumps = next(p for p in scene.cells["engine"].placements if p.cell == "bump")
    axes = {(bumps.columns, bumps.step_a), (bumps.rows, bumps.step_b)}  # a GDS reader may swap the two
    assert axes == {(95, (40.0, 0.0)), (20, (0.0, 40.0))}


def test_small_cells_can_be_left_out(package_gds: Path) -> None:
    scene = read_scene(package_gds)
    assert {layer for layer, _ in scene.flat("switch", skip_below=30.0)} == {
        "SUBSTRATE",
        "ASIC",
        "FLOORPLAN",
        "WG",
        "FIBER",
    }


def test_the_viewer_gets_every_outline_once(package_gds: Path) -> None:
    scene = read_scene(package_gds)
    data = viewer_data(scene)
    names = [cell["name"] for cell in data["cells"]]
    assert names[data["top"]] == "switch" and len(names) == len(set(names)) == 4
    wg = [layer["name"] for layer in data["layers"]].index("WG")
    ring = data["cells"][names.index("ring")]
    steps = np.array(ring["shapes"][str(wg)][0]).reshape(-1, 2)
    assert np.allclose(np.cumsum(steps, axis=0), scene.cells["ring"].outlines["WG"][0] * 1000, atol=0.51)
