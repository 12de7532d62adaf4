"""A small package, drawn once, and edits of its file as a hand would make them in a layout editor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk import flow
from cpo_pdk.tech.layers import layer_of


@pytest.fixture(scope="session")
def small_spec(two_small_engines: Callable[..., Path]) -> Callable[..., Path]:
    """Writes the spec of two engines at opposite sides; `more` replaces further words of it."""
    return lambda **more: two_small_engines("{north: 1, east: 0, south: 1, west: 0}", more)


@pytest.fixture(scope="session")
def build(small_spec: Callable[..., Path]) -> Path:
    """The result folder of the small package, in the project of its spec."""
    spec = small_spec()
    return flow.build(spec, out=spec.parents[1] / "out").gds.parent


@pytest.fixture
def gds(build: Path) -> Path:
    return build / "small.gds"


class Editor:
    """A layout that was read to be changed."""

    def __init__(self, path: Path) -> None:
        self.layout = kdb.Layout()
        self.layout.read(str(path))
        self.top = self.layout.top_cell()

    def instance(self, cell: kdb.Cell, name: str) -> kdb.Instance:
        return next(inst for inst in cell.each_inst() if inst.property(0) == name)

    def own_copy(self, cell: kdb.Cell, name: str) -> kdb.Cell:
        """Give an instance a cell of its own, so that it can be changed in this place alone."""
        inst = self.instance(cell, name)
        source = inst.cell
        copy = source.dup()
        copy.name = f"{source.name}_own"
        copy.clear_meta_info()
        for info in source.each_meta_info():
            copy.add_meta_info(info)
        inst.cell_index = copy.cell_index()
        return copy

    def at(self, *path: str) -> kdb.Cell:
        """The cell behind a path of instance names, made the only one of its kind on the way."""
        cell = self.top
        for name in path:
            cell = self.own_copy(cell, name)
        return cell

    def meta(self, cell: kdb.Cell, name: str, **values: Any) -> None:
        key = f"kfactory:{name}"
        old = cell.meta_info(key)
        cell.add_meta_info(kdb.LayoutMetaInfo(key, {**old.value, **values}, "", True))


def longer(editor: Editor) -> None:
    """One straight of one transmit port, 210 um longer: in what the file says of it, and in the length of its core."""
    cell = editor.at("engine_N1", "tx_1", "unit_3", "bus_east")
    was = cell.meta_info("kfactory:settings").value["length"]
    editor.meta(cell, "settings", length=was + 210.0)
    editor.meta(cell, "info", length=was + 210.0)
    core = cell.shapes(editor.layout.find_layer(*layer_of("WG")))
    width = next(iter(core.each())).bbox().height()
    core.insert(kdb.Box(0, 10_000, 210_000, 10_000 + width))


@pytest.fixture
def edited(gds: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a changed copy of the small package: `edited(change, "b.gds")`."""

    def write(change: Callable[[Editor], None], name: str = "edited.gds") -> Path:
        editor = Editor(gds)
        change(editor)
        path = tmp_path / name
        editor.layout.write(str(path))
        return path

    return write
