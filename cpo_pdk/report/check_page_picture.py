"""One violation as it lies in its cell: the polygons around it in the colours of their layers, and a box around it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import klayout.db as kdb

from cpo_pdk.report.pictures import OPACITY, drawing_order, scale_length
from cpo_pdk.report.scene import HIDDEN
from cpo_pdk.tech.layers import LAYERS, layer_of
from cpo_pdk.verify.findings import Violation

#: what is seen around the box: this much, um, and this share of its longer side
_AROUND_UM, _AROUND = 2.0, 0.3
#: height of the picture as a share of its width: least and most
_LOW, _HIGH = 0.6, 0.9
#: shapes that are drawn of one layer; more would not be told apart
SHAPE_LIMIT = 4000
#: steps of the picture's grid from side to side; corners nearer to a line than one step are left out
_STEPS = 8000
#: width of the picture in its own pixels, height of letters, least side of the box around the violation
_WIDE, _LETTER, _LEAST = 560.0, 13.0, 14.0


@dataclass(frozen=True)
class Picture:
    """A picture of a violation.

    Attributes:
        svg: one inline SVG, everything in it escaped.
        layers: names of the layers that are seen, from the bottom up.
        note: what the picture leaves out; empty when nothing.
    """

    svg: str
    layers: tuple[str, ...]
    note: str = ""


def picture(layout: kdb.Layout, violation: Violation, title: str) -> Picture | None:
    """Draw a violation; None when the layout has no such cell or nothing is near.

    Args:
        layout: with a database unit of 1 nm.
        violation: `bbox` in the coordinates of its cell.
        title: for readers who don't see the picture.
    """
    cell = layout.cell(violation.cell)
    if cell is None:
        return None
    box = kdb.DBox(*violation.bbox)
    window = _window(box)
    step = window.width() / _STEPS
    drawn: dict[str, str] = {}
    cut = False
    for name in LAYERS:
        if name in HIDDEN:
            continue
        path, more = _layer_path(layout, cell, name, window, step)
        cut = cut or more
        if path:
            drawn[name] = path
    if not drawn:
        return None
    order = drawing_order(drawn)
    layers = "".join(
        f'<path fill="{LAYERS[name].color}" stroke="{LAYERS[name].color}" opacity="{OPACITY.get(name, 0.85):g}" '
        f'd="{drawn[name]}"/>'
        for name in order
    )
    high = _STEPS * window.height() / window.width()
    pixel = _STEPS / _WIDE
    svg = (
        f'<svg class="picture" viewBox="0 0 {_STEPS} {high:.0f}" role="img" aria-label="{escape(title)}">'
        f"{layers}{_marker(box, window, step, pixel)}{_bar(window, high, pixel)}</svg>"
    )
    note = f"of a layer with more than {SHAPE_LIMIT:,} shapes here, only these are drawn" if cut else ""
    return Picture(svg, tuple(order), note)


def _window(box: kdb.DBox) -> kdb.DBox:
    """What is seen: the box and what is around it."""
    pad = _AROUND_UM + _AROUND * max(box.width(), box.height())
    width, height = box.width() + 2 * pad, box.height() + 2 * pad
    width, height = max(width, height / _HIGH), max(height, _LOW * width)
    x, y = box.center().x, box.center().y
    return kdb.DBox(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _layer_path(layout: kdb.Layout, cell: kdb.Cell, name: str, window: kdb.DBox, step: float) -> tuple[str, bool]:
    """Outlines of one layer in the window as an SVG path, and whether there were too many shapes."""
    index = layout.find_layer(*layer_of(name))
    if index is None:
        return "", False
    seen = window.to_itype(layout.dbu)
    found = kdb.Region()
    around = kdb.RecursiveShapeIterator(layout, cell, index, seen, True)
    number = 0
    while not around.at_end():
        polygon = around.shape().polygon
        if polygon is not None:
            if number >= SHAPE_LIMIT:
                break
            found.insert(polygon.transformed(around.trans()))
            number += 1
        around.next()
    if number == 0:
        return "", False
    clipped = found & kdb.Region(seen)
    clipped = clipped.smoothed(round(step / layout.dbu)) if step > 2 * layout.dbu else clipped
    scale = layout.dbu / step
    path = "".join(_outline(polygon, seen, scale) for polygon in clipped.each())
    return path, not around.at_end()


def _outline(polygon: kdb.Polygon, seen: kdb.Box, scale: float) -> str:
    contours = [polygon.each_point_hull(), *(polygon.each_point_hole(i) for i in range(polygon.holes()))]
    text = ""
    for contour in contours:
        points = [(round((p.x - seen.left) * scale), round((seen.top - p.y) * scale)) for p in contour]
        text += f"M{points[0][0]} {points[0][1]}L" + " ".join(f"{x} {y}" for x, y in points[1:]) + "z"
    return text


def _marker(box: kdb.DBox, window: kdb.DBox, step: float, pixel: float) -> str:
    """The box around the violation, so large that it is seen."""
    least = _LEAST * pixel
    width, height = max(box.width() / step, least), max(box.height() / step, least)
    x, y = (box.center().x - window.left) / step, (window.top - box.center().y) / step
    place = f'x="{x - width / 2:.0f}" y="{y - height / 2:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<rect class="marker halo" {place}/><rect class="marker" {place}/>'


def _bar(window: kdb.DBox, high: float, pixel: float) -> str:
    """A length to compare with, in the lower left corner."""
    length, label = scale_length(window.width())
    size, x = _LETTER * pixel, 10 * pixel
    y = high - 12 * pixel
    return (
        f'<path class="bar" d="M{x:.0f} {y:.0f}h{length / window.width() * _STEPS:.0f}"/>'
        f'<text x="{x:.0f}" y="{y - 6 * pixel:.0f}" font-size="{size:.0f}">{label}</text>'
    )
