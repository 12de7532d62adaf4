"""Ports of a cell that was drawn in the conventions of the SiEPIC family, without meta information.

A pin is a path of two points on the pin layer, drawn from inside the device to outside; it lies across the facet with
its middle on it and is as wide as the waveguide. A text on the same layer that touches it is its name. A box on the pin
layer is an electrical pin. A polygon on the fibre layer is a place where a fibre is held above the device; its name is
the text that touches it, else `fibre`. Texts on the device layer carry what the device is: `Component=name` and
`Spice_param:wg_length=12.3u wg_width=0.5u`.
(SiEPIC-Tools, `extend.py`: find_pins, find_components; University of British Columbia, MIT licence.)
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import klayout.db as kdb

from cpo_pdk.circuit.meta import PortMeta
from cpo_pdk.errors import LayoutError

Layer = tuple[int, int]

_COMPONENT, _PARAMETERS = "component=", "spice_param:"
_SETTING = re.compile(r"([A-Za-z_]\w*)\s*=\s*(\"[^\"]*\"|\[[^\]]*\]|\S+)")
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)([a-zA-Z]*)")
#: what a suffix of a number stands for; lengths are asked for in um, so `u` is one and metres are a million
_SUFFIX = {"": 1.0, "u": 1.0, "n": 1e-3, "m": 1e3, "p": 1e-6}


@dataclass(frozen=True)
class PinLayers:
    """Layers (number, datatype) that say what a cell is; those of the SiEPIC family unless a mapping says otherwise."""

    waveguide: Layer = (1, 0)
    pins: Layer = (1, 10)
    devices: Layer = (68, 0)
    fibres: Layer = (81, 0)
    labels: Layer = (10, 0)


@dataclass(frozen=True)
class Pins:
    """What the pin and device layers of one cell say.

    Attributes:
        ports: optical ports; those for a fibre have the type `vertical_te`.
        labels: names on the device and label layers, `Component=...` first.
        settings: of `Spice_param:`, lengths in um.
    """

    ports: tuple[PortMeta, ...] = ()
    labels: tuple[str, ...] = ()
    settings: dict[str, Any] | None = None


def read_pins(cell: kdb.Cell, layers: PinLayers) -> Pins:
    """Ports, labels and settings of one cell, from the shapes that lie in the cell itself.

    Raises:
        LayoutError: a pin of more than two points, without a name or with the name of another.
    """
    labels, settings = _labels(cell, layers)
    ports = [*_optical(cell, layers), *_fibres(cell, layers)]
    for name in (port.name for port in ports):
        if sum(port.name == name for port in ports) > 1:
            raise LayoutError(f"cell {cell.name!r}: two pins are called {name!r}, 1 allowed; rename one")
    return Pins(tuple(sorted(ports, key=lambda port: port.name)), labels, settings)


def _shapes(cell: kdb.Cell, layer: Layer, kinds: int) -> list[kdb.Shape]:
    number = cell.layout().find_layer(*layer)
    return [] if number is None else list(cell.shapes(number).each(kinds))


def _optical(cell: kdb.Cell, layers: PinLayers) -> list[PortMeta]:
    dbu = cell.layout().dbu
    texts = [shape.text for shape in _shapes(cell, layers.pins, kdb.Shapes.STexts)]
    ports: list[PortMeta] = []
    for shape in _shapes(cell, layers.pins, kdb.Shapes.SPaths):
        path = shape.path
        points = list(path.each_point())
        middle = path.bbox().center().to_dtype(dbu)
        where = f"cell {cell.name!r}: pin at ({middle.x:g}, {middle.y:g})"
        if len(points) != 2 or points[0] == points[1]:
            raise LayoutError(
                f"{where} has {len(points)} points, 2 different ones needed; draw it from inside outwards"
            )
        names = sorted({text.string for text in texts if path.bbox().contains(kdb.Point(text.x, text.y))})
        if len(names) != 1:
            raise LayoutError(f"{where} has {len(names)} names, 1 text on it needed; label the pin")
        start, end = (point.to_dtype(dbu) for point in points)
        angle = round(math.degrees(math.atan2(end.y - start.y, end.x - start.x)), 6) % 360.0
        place = kdb.DCplxTrans(1.0, angle, False, (start.x + end.x) / 2, (start.y + end.y) / 2)
        ports.append(PortMeta(names[0], "optical", place, path.width, layers.waveguide))
    return ports


def _fibres(cell: kdb.Cell, layers: PinLayers) -> list[PortMeta]:
    dbu = cell.layout().dbu
    texts = [shape.text for shape in _shapes(cell, layers.fibres, kdb.Shapes.STexts)]
    found: list[PortMeta] = []
    for shape in _shapes(cell, layers.fibres, kdb.Shapes.SRegions):
        box = shape.bbox()
        names = sorted({text.string for text in texts if box.contains(kdb.Point(text.x, text.y))})
        name = names[0] if names else f"fibre{len(found) + 1 if found else ''}"
        center = box.center().to_dtype(dbu)
        place = kdb.DCplxTrans(1.0, 0.0, False, center.x, center.y)
        found.append(PortMeta(name, "vertical_te", place, box.width(), layers.fibres))
    return found


def _labels(cell: kdb.Cell, layers: PinLayers) -> tuple[tuple[str, ...], dict[str, Any] | None]:
    named: list[str] = []
    plain: list[str] = []
    settings: dict[str, Any] | None = None
    for layer in (layers.devices, layers.labels):
        for text in sorted(shape.text.string.strip() for shape in _shapes(cell, layer, kdb.Shapes.STexts)):
            low = text.lower()
            if low.startswith(_COMPONENT):
                named.append(text[len(_COMPONENT) :].strip())
            elif low.startswith(_PARAMETERS):
                settings = {**(settings or {}), **spice_settings(text[len(_PARAMETERS) :])}
            elif text and "=" not in text:
                plain.append(text)
    return tuple(dict.fromkeys([*named, *plain])), settings


def spice_settings(text: str) -> dict[str, Any]:
    """Settings of `wg_length=12.3u wg_width=0.5u name="x"`: numbers in um where they carry `u`, `n` or `m`."""
    found: dict[str, Any] = {}
    for key, raw in _SETTING.findall(text):
        number = _NUMBER.fullmatch(raw)
        if number and number[2] in _SUFFIX:
            found[key] = float(number[1]) * _SUFFIX[number[2]]
        else:
            found[key] = raw.strip('"')
    return found
