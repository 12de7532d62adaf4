"""The drawing of the gallery is the layout: the SVG, followed through all its references, gives the same corners."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.spatial import KDTree

from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.components import CELLS
from cpo_pdk.report.drawing_svg import drawing_svg
from cpo_pdk.report.scene import read_scene


def matrix_of(text: str) -> np.ndarray:
    """A transform attribute as a matrix of shape (3, 3)."""
    found = np.eye(3)
    for name, numbers in re.findall(r"(\w+)\(([^)]*)\)", text):
        values = [float(v) for v in numbers.split(",")]
        step = np.eye(3)
        if name == "translate":
            step[:2, 2] = values
        elif name == "scale":
            step[0, 0], step[1, 1] = values
        else:
            assert name == "rotate"
            angle = np.deg2rad(values[0])
            step[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        found = found @ step
    return found


def corners(svg: ElementTree.Element, element: ElementTree.Element, at: np.ndarray) -> list[np.ndarray]:
    """Every outline below an element, arrays of shape (N, 2) in steps of the drawing."""
    at = at @ matrix_of(element.get("transform", ""))
    found: list[np.ndarray] = []
    if element.tag == "path":
        for start, steps in re.findall(r"M([^l]*)l([^z]*)z", element.get("d", "")):
            first = np.array([float(v) for v in start.split()])
            moves = np.array([float(v) for v in re.findall(r"-?\d+", steps)]).reshape(-1, 2)
            points = np.vstack([first, first + np.cumsum(moves, axis=0)])
            found.append(points @ at[:2, :2].T + at[:2, 2])
    if element.tag == "use":
        [target] = svg.findall(f".//*[@id='{element.get('href', '').removeprefix('#')}']")
        found += corners(svg, target, at)
    for child in element:
        found += corners(svg, child, at)
    return found


@pytest.mark.parametrize("name", ["ring_modulator", "ring_split_block", "via_stack", "edge_coupler_array"])
def test_every_corner_of_every_layer_is_where_the_layout_has_it(name: str, tmp_path: Path) -> None:
    component = CELLS[name]()
    scene = read_scene(write_gds(component, tmp_path / "x.gds"))
    svg = ElementTree.fromstring(drawing_svg(scene, "k", name))
    drawn = svg.find("./g[@id='k']")
    assert drawn is not None
    view = [float(v) for v in svg.attrib["viewBox"].split()]
    layers = {g.attrib["data-layer"]: corners(svg, g, matrix_of(drawn.get("transform", ""))) for g in drawn}
    assert set(layers) == set(scene.layers())
    everything = np.vstack([points for found in layers.values() for points in found])
    unit = scene.cells[scene.top].box[2] / everything[:, 0].max()
    unit = 10.0 ** round(np.log10(unit))
    for layer, found in layers.items():
        expected = [outline for at, outline in scene.flat(scene.top) if at == layer]
        assert len(found) == len(expected)
        boxes = np.array([[*p.min(axis=0), *p.max(axis=0)] for p in found])
        wanted = np.array([[*o.min(axis=0), *o.max(axis=0)] for o in expected])[:, [0, 3, 2, 1]] * [1, -1, 1, -1] / unit
        assert KDTree(wanted).query(boxes)[0].max() < 3 and KDTree(boxes).query(wanted)[0].max() < 3
    assert everything[:, 0].min() > view[0] and everything[:, 0].max() < view[0] + view[2]
    assert everything[:, 1].min() > view[1] and everything[:, 1].max() < view[1] + view[3]


def test_a_cell_that_is_placed_often_is_written_once(tmp_path: Path) -> None:
    sizes = {}
    for count in (2, 8):
        component = CELLS["cutback_block"](count=count)
        path = write_gds(component, tmp_path / f"{count}.gds")
        svg = drawing_svg(read_scene(path), "k", "x")
        sizes[count] = len(re.findall(r"\d+", svg))
    assert sizes[8] < 3 * sizes[2]
