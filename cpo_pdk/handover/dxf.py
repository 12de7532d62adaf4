"""The package from above as DXF for mechanical design: millimetres, true scale, layers by name, true arcs and splines.

A fibre is its centre line; every entity of it carries the fibre's name as extended data of the application CPO_PDK, and
the layer's description says how wide it is. Bodies and dies are closed polylines with their names beside them.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator
from typing import Any

import ezdxf
import ezdxf.math
import ezdxf.units
from ezdxf.document import Drawing

from cpo_pdk.handover.curves import Arc, Curve, Line
from cpo_pdk.handover.glb import color_of
from cpo_pdk.handover.parts import Package, Points
from cpo_pdk.tech.layers import LAYERS

APPLICATION = "CPO_PDK"
NAMES = "NAMES"
_MM = 1e-3
_DIGITS = 6
_OPTIONS = ezdxf.options  # pyright: ignore[reportPrivateImportUsage]


def dxf_text(package: Package) -> str:
    """The drawing as the text of a DXF file (AutoCAD 2010); the same package gives the same text.

    Args:
        package: what to draw.
    """
    with _without_meta():
        document = ezdxf.new("R2010", units=ezdxf.units.MM)  # pyright: ignore[reportPrivateImportUsage]
        _draw(package, document)
        for kind in sorted(document.entitydb.dxf_types_in_use()):  # else in the order of a set, another in every run
            document.classes.add_class(kind)
        stream = io.StringIO()
        document.write(stream)
    return stream.getvalue()


def _draw(package: Package, document: Drawing) -> None:
    document.appids.add(APPLICATION)
    document.layers.add(NAMES, color=7).description = "names of dies, connectors and bodies"
    writer = _Writer(document)
    for solid in package.solids:
        writer.outline(solid.group, solid.name, solid.outline)
        for hole in solid.holes:
            writer.outline(solid.group, solid.name, hole)
        if "/" not in solid.name:
            low, high = solid.outline.min(axis=0), solid.outline.max(axis=0)
            writer.label(solid.name, low, high)
    for layer, outlines in package.marks.items():
        for outline in outlines:
            writer.outline(layer, "", outline)
    for fibre in package.fibres:
        writer.layer(fibre.layer, f"{LAYERS[fibre.layer].purpose}; centre lines, {fibre.width * _MM:g} mm wide")
        for curve in fibre.curves:
            writer.curve(fibre.layer, fibre.name, curve)
    for (x0, y0), (x1, y1) in package.airwires:
        writer.curve("AIRWIRE", "", Line((x0, y0), (x1, y1)))


class _Writer:
    def __init__(self, document: Drawing) -> None:
        self.document = document
        self.space = document.modelspace()

    def layer(self, name: str, about: str = "") -> None:
        """Make sure that there is a layer of that name."""
        if name not in self.document.layers:
            made = self.document.layers.add(name)
            red, green, blue = (int(color_of(name)[k : k + 2], 16) for k in (1, 3, 5))
            made.rgb = (red, green, blue)
            made.description = about or LAYERS[name].purpose

    def outline(self, layer: str, name: str, points: Points) -> None:
        """A closed polyline."""
        self.layer(layer)
        corners = [_mm(x, y) for x, y in points]
        self._named(self.space.add_lwpolyline(corners, close=True, dxfattribs={"layer": layer}), name)

    def label(self, name: str, low: Points, high: Points) -> None:
        """A name in the middle of a box, as large as fits."""
        (left, bottom), (right, top) = _mm(*low), _mm(*high)
        size = min(0.25 * (top - bottom), 1.2 * (right - left) / max(1, len(name)), 3.0)
        text = self.space.add_text(name, height=round(size, 3), dxfattribs={"layer": NAMES})
        middle = ezdxf.enums.TextEntityAlignment.MIDDLE_CENTER  # pyright: ignore[reportAttributeAccessIssue]
        text.set_placement(((left + right) / 2, (bottom + top) / 2), align=middle)

    def curve(self, layer: str, name: str, curve: Curve) -> None:
        """A line, an arc or a spline."""
        self.layer(layer)
        attributes = {"layer": layer}
        if isinstance(curve, Line):
            made: Any = self.space.add_line(_mm(*curve.start), _mm(*curve.end), dxfattribs=attributes)
        elif isinstance(curve, Arc):
            first, last = sorted((curve.first, curve.first + curve.turn))
            made = self.space.add_arc(
                _mm(*curve.center),
                round(curve.radius * _MM, _DIGITS),
                round(math.degrees(first), 8),
                round(math.degrees(last), 8),
                dxfattribs=attributes,
            )
        else:
            made = self.space.add_spline(degree=3, dxfattribs=attributes)
            made.control_points = [(*_mm(x, y), 0.0) for x, y in curve.control]
            parts = (len(curve.control) - 1) // 3
            made.knots = [0.0] * 4 + [float(k) for k in range(1, parts) for _ in range(3)] + [float(parts)] * 4
        self._named(made, name)

    @staticmethod
    def _named(entity: Any, name: str) -> None:
        if name:
            entity.set_xdata(APPLICATION, [(1000, name[:255])])


@contextlib.contextmanager
def _without_meta() -> Iterator[None]:
    """Inside the block documents get no times, versions and random numbers of this run."""
    before = _OPTIONS.write_fixed_meta_data_for_testing
    _OPTIONS.write_fixed_meta_data_for_testing = True
    try:
        yield
    finally:
        _OPTIONS.write_fixed_meta_data_for_testing = before


def _mm(x: float, y: float) -> tuple[float, float]:
    return round(float(x) * _MM, _DIGITS), round(float(y) * _MM, _DIGITS)
