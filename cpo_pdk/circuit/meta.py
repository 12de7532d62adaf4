"""What a cell says about itself: function, settings, info and ports, read from the meta information of kfactory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import klayout.db as kdb

from cpo_pdk.errors import LayoutError

_PORTS = "kfactory:ports:"
_CROSS_SECTIONS = "kfactory:cross_section:"
_ENCLOSURES = "kfactory:layer_enclosure:"


@dataclass(frozen=True)
class CrossSection:
    """Width in dbu and layer (number, datatype) of a port's waveguide or wire; layer (-1, -1) when not in the file."""

    width: int
    layer: tuple[int, int]


@dataclass(frozen=True)
class PortMeta:
    """One port of a cell.

    Attributes:
        name, port_type: as in the file (`o1`, `optical`).
        trans: position (um) and direction (degrees, outward) in the cell.
        width: dbu.
        layer: (number, datatype).
        cross_section: name given by the designer (`strip`), empty when the file doesn't say.
    """

    name: str
    port_type: str
    trans: kdb.DCplxTrans
    width: int
    layer: tuple[int, int]
    cross_section: str = ""


@dataclass(frozen=True)
class CellMeta:
    """Function name, settings, info and ports of a cell; all empty for a cell without meta information.

    `factory` is who drew it: the base name that the library gives its cells (`cpo_straight` for those of this process),
    or the function name where it gives none.
    """

    cell: str
    function: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    ports: tuple[PortMeta, ...] = ()
    factory: str = ""


def is_optical(port_type: str) -> bool:
    """True for the port types that carry light: `optical`, `edge...`, `vertical_...`."""
    return port_type == "optical" or port_type.startswith(("edge", "vertical_"))


def is_outside(port_type: str) -> bool:
    """True for the port types that face the world (facets, gratings, connectors) and may be left open."""
    return port_type.startswith(("edge", "vertical_"))


def _described(owner: kdb.Layout | kdb.Cell, what: str) -> list[tuple[str, Any]]:
    """Names and values of the meta information of a layout or cell.

    Raises:
        LayoutError: it is not text (KLayout raises a `RuntimeError` then), or nested too deep.
    """
    try:
        return [(item.name, item.value) for item in owner.each_meta_info()]
    except (RuntimeError, UnicodeError) as error:
        raise LayoutError(f"{what}: its meta information is damaged; copy or build the file again") from error


def instance_name(instance: kdb.Instance, cell: str) -> str:
    """Name that kfactory gave an instance (property 0), empty when there is none.

    Args:
        instance: the instance.
        cell: name of the cell that it lies in, for the message.

    Raises:
        LayoutError: the property is damaged.
    """
    try:
        name = instance.property(0)
    except (RuntimeError, UnicodeError) as error:
        raise LayoutError(f"cell {cell!r}: the name of an instance is damaged; copy or build the file again") from error
    return name if isinstance(name, str) else ""


def read_cross_sections(layout: kdb.Layout) -> dict[str, CrossSection]:
    """Cross-sections of a layout by kfactory's identifier."""
    layers: dict[str, tuple[int, int]] = {}
    raw: dict[str, dict[str, Any]] = {}
    for name, value in _described(layout, "the layout"):
        if name.startswith(_ENCLOSURES) and isinstance(value, dict):
            main = value.get("main_layer")
            if isinstance(main, kdb.LayerInfo):
                layers[name.removeprefix(_ENCLOSURES)] = (main.layer, main.datatype)
        elif name.startswith(_CROSS_SECTIONS) and isinstance(value, dict):
            raw[name.removeprefix(_CROSS_SECTIONS)] = value
    found: dict[str, CrossSection] = {}
    for key, value in raw.items():
        width = value.get("width")
        if isinstance(width, int):
            found[key] = CrossSection(width, layers.get(str(value.get("layer_enclosure")), (-1, -1)))
    return found


def read_cell_meta(cell: kdb.Cell, cross_sections: dict[str, CrossSection], dbu: float) -> CellMeta:
    """Meta information of one cell.

    Args:
        cell: a cell of the layout that `cross_sections` was read from.
        cross_sections: see `read_cross_sections`.
        dbu: database unit, um.

    Raises:
        LayoutError: a port is described in a way that can't be understood (no name, place or cross-section).
    """
    function, base, settings, info = "", "", {}, {}
    ports: list[tuple[int, PortMeta]] = []
    for name, value in _described(cell, f"cell {cell.name!r}"):
        if name == "kfactory:function_name":
            function = str(value or "")
        elif name == "kfactory:basename":
            base = str(value or "")
        elif name == "kfactory:settings" and isinstance(value, dict):
            settings = value
        elif name == "kfactory:info" and isinstance(value, dict):
            info = value
        elif name.startswith(_PORTS):
            ports.append(_port(cell.name, name.removeprefix(_PORTS), value, cross_sections, dbu))
    ports.sort(key=lambda entry: entry[0])
    return CellMeta(cell.name, function, settings, info, tuple(port for _, port in ports), base or function)


def _port(
    cell: str, index: str, value: Any, cross_sections: dict[str, CrossSection], dbu: float
) -> tuple[int, PortMeta]:
    where = f"cell {cell!r}, port {index}"
    if not isinstance(value, dict) or not value.get("name"):
        raise LayoutError(f"{where}: no name given; write the layout again with kfactory 1.0 or newer")
    where = f"cell {cell!r}, port {value['name']!r}"
    trans = value.get("trans")
    if isinstance(trans, kdb.Trans):
        place = kdb.DCplxTrans(trans.to_dtype(dbu))
    else:
        place = value.get("dcplx_trans")
        if not isinstance(place, kdb.DCplxTrans):
            raise LayoutError(f"{where}: no place given; write the layout again with kfactory 1.0 or newer")
    section = cross_sections.get(str(value.get("cross_section")))
    if section is None:
        raise LayoutError(
            f"{where}: cross-section {value.get('cross_section')!r} is not in the file; "
            "write it again with kfactory 1.0 or newer"
        )
    extra = value.get("info")
    name = str(extra.get("cross_section") or "") if isinstance(extra, dict) else ""
    return (
        int(index) if index.isdigit() else 0,
        PortMeta(str(value["name"]), str(value.get("port_type", "")), place, section.width, section.layer, name),
    )
