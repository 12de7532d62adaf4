"""Layouts drawn with klayout.db alone, with the meta information that kfactory writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

#: name -> (width in dbu, layer)
SECTIONS = {
    "strip": (400, 1),
    "wide": (500, 1),
    "slab": (400, 2),
    "rib": (400, 1),
    "face": (125000, 310),
    "laser_face": (125000, 311),
}
PortSpec = tuple[str, float, float, int]


@dataclass
class Drawing:
    """A layout under construction; um and degrees."""

    folder: Path
    layout: kdb.Layout = field(default_factory=kdb.Layout)
    count: int = 0

    def __post_init__(self) -> None:
        for name, (width, layer) in SECTIONS.items():
            enclosure = {"main_layer": kdb.LayerInfo(layer, 0), "name": name, "sections": []}
            self.meta(self.layout, f"layer_enclosure:{name}", enclosure)
            self.meta(self.layout, f"cross_section:{name}_{width}", {"layer_enclosure": name, "width": width})

    @staticmethod
    def meta(owner: Any, name: str, value: Any) -> None:
        owner.add_meta_info(kdb.LayoutMetaInfo(f"kfactory:{name}", value, "", True))

    def cell(
        self,
        function: str,
        ports: Sequence[PortSpec] = (),
        *,
        sections: Mapping[str, str] | str = "strip",
        types: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
        name: str = "",
        factory: str = "",
    ) -> kdb.Cell:
        """A cell with ports (name, x, y, direction); `sections` and `types` of single ports by name."""
        self.count += 1
        cell = self.layout.create_cell(name or f"{function}_{self.count}")
        if function:
            self.meta(cell, "function_name", function)
            self.meta(cell, "basename", factory or f"cpo_{function}")
        self.meta(cell, "settings", dict(settings or {}))
        self.meta(cell, "info", dict(info or {}))
        for number, (port, x, y, angle) in enumerate(ports):
            section = sections if isinstance(sections, str) else sections.get(port, "strip")
            value = {
                "name": port,
                "port_type": (types or {}).get(port, "optical"),
                "cross_section": f"{section}_{SECTIONS[section][0]}",
                "info": {"cross_section": section},
                "trans": kdb.Trans(angle // 90, False, round(x * 1000), round(y * 1000)),
            }
            self.meta(cell, f"ports:{number}", value)
        return cell

    def straight(
        self,
        length: float = 10.0,
        section: str = "strip",
        *,
        drawn: float | None = None,
        name: str = "",
        factory: str = "",
        **more: Any,
    ) -> kdb.Cell:
        """A straight; `drawn`: what its core is really long."""
        ports = [("o1", 0.0, 0.0, 180), ("o2", length, 0.0, 0)]
        settings = {"length": length, **more}
        cell = self.cell("straight", ports, sections=section, settings=settings, name=name, factory=factory)
        return self.core(cell, length if drawn is None else drawn, section)

    def core(self, cell: kdb.Cell, length: float, section: str = "strip") -> kdb.Cell:
        """Draw a straight core from the origin to the east."""
        width, layer = SECTIONS[section]
        box = kdb.Box(0, -width // 2, round(length * 1000), width // 2)
        cell.shapes(self.layout.layer(layer, 0)).insert(box)
        return cell

    def place(
        self,
        into: kdb.Cell,
        cell: kdb.Cell,
        name: str = "",
        x: float = 0.0,
        y: float = 0.0,
        angle: float = 0,
        mirror: bool = False,
        array: tuple[int, float, int, float] | None = None,
    ) -> kdb.Instance:
        """Place a cell; an array is (columns, pitch, rows, pitch)."""
        trans = kdb.ICplxTrans(1.0, angle, mirror, round(x * 1000), round(y * 1000))
        if array is None:
            inst = into.insert(kdb.CellInstArray(cell.cell_index(), trans))
        else:
            columns, dx, rows, dy = array
            steps = kdb.Vector(round(dx * 1000), 0), kdb.Vector(0, round(dy * 1000))
            inst = into.insert(kdb.CellInstArray(cell.cell_index(), trans, *steps, columns, rows))
        if name:
            inst.set_property(0, name)
        return inst

    def write(self, name: str = "x.gds") -> Path:
        path = self.folder / name
        self.layout.write(str(path))
        return path


@pytest.fixture
def drawing(tmp_path: Path) -> Drawing:
    return Drawing(tmp_path)


@pytest.fixture
def new_drawing(tmp_path: Path) -> Callable[[], Drawing]:
    return lambda: Drawing(tmp_path)
