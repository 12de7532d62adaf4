"""The package from above as SVG at true scale: one unit is one millimetre, one group a layer, arcs as arcs."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from cpo_pdk.handover.curves import Arc, Line
from cpo_pdk.handover.glb import color_of
from cpo_pdk.handover.parts import Fibre, Package, Points
from cpo_pdk.tech.layers import LAYERS

_MM = 1e-3
_MARGIN_MM = 2.0
#: paper, not paint: how dense the outlines are filled
_FILL = {"LID": 0.15, "COLDPLATE": 0.15, "KEEPOUT": 0.25, "OVERPASS": 0.25, "SHORELINE": 0.5}


def svg_text(package: Package) -> str:
    """The drawing; the same package gives the same text.

    Args:
        package: what to draw.
    """
    layers: dict[str, list[str]] = {}
    for solid in package.solids:
        path = "".join(_closed(outline) for outline in (solid.outline, *solid.holes))
        layers.setdefault(solid.group, []).append(f'<path d="{path}">{_title(solid.name)}</path>')
    for layer, outlines in package.marks.items():
        layers.setdefault(layer, []).extend(f'<path d="{_closed(outline)}"/>' for outline in outlines)
    for fibre in package.fibres:
        layers.setdefault(fibre.layer, []).append(f'<path d="{_way(fibre)}">{_title(fibre.name)}</path>')
    for (x0, y0), (x1, y1) in package.airwires:
        layers.setdefault("AIRWIRE", []).append(f'<path d="M{_n(x0)} {_n(y0)}L{_n(x1)} {_n(y1)}"/>')
    left, low, right, high = _box(package)
    width, height = right - left, high - low
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" '
        f'width="{width:g}mm" height="{height:g}mm" viewBox="{left:g} {-high:g} {width:g} {height:g}">'
    )
    widths = {fibre.layer: fibre.width * _MM for fibre in package.fibres}
    body = [
        f'<g {_style(layer, widths)} inkscape:groupmode="layer" inkscape:label={quoteattr(layer)}>'
        f"<desc>{escape(LAYERS[layer].purpose)}</desc>" + "\n".join(["", *layers[layer], "</g>"])
        for layer in sorted(layers, key=_order)
    ]
    return "\n".join(
        [head, f"<title>{escape(package.name)}</title>", '<g transform="scale(1,-1)">', *body, "</g>", "</svg>", ""]
    )


def _order(layer: str) -> tuple[int, int]:
    """Covers and marks over the rest, so that one sees them."""
    late = 2 if layer in ("LID", "COLDPLATE") else 1 if layer.startswith("FIBER") else 0
    return late, -1 if layer == "SUBSTRATE" else list(LAYERS).index(layer)


def _style(layer: str, widths: dict[str, float]) -> str:
    color = color_of(layer)
    if layer in widths:
        return f'fill="none" stroke="{color}" stroke-width="{widths[layer]:g}"'
    if layer == "AIRWIRE":
        return f'fill="none" stroke="{color}" stroke-width="0.02" display="none"'
    fill = f'fill="{color}" fill-opacity="{_FILL.get(layer, 0.9):g}" fill-rule="evenodd"'
    return f'{fill} stroke="#333333" stroke-width="0.05"'


def _way(fibre: Fibre) -> str:
    """The centre line as path data: lines, arcs and cubic curves."""
    words: list[str] = []
    for curve in fibre.curves:
        if not words:
            start = curve.control[0] if not isinstance(curve, Line | Arc) else curve.start
            words.append(f"M{_n(start[0])} {_n(start[1])}")
        if isinstance(curve, Line):
            words.append(f"L{_n(curve.end[0])} {_n(curve.end[1])}")
        elif isinstance(curve, Arc):
            radius, far, left = _n(curve.radius), int(abs(curve.turn) > np.pi), int(curve.turn > 0)
            words.append(f"A{radius} {radius} 0 {far} {left} {_n(curve.end[0])} {_n(curve.end[1])}")
        else:
            words.append("C" + " ".join(f"{_n(x)} {_n(y)}" for x, y in curve.control[1:]))
    return "".join(words)


def _closed(points: Points) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points) + "Z"


def _n(um: float) -> str:
    return f"{um * _MM:.4f}".rstrip("0").rstrip(".")


def _title(name: str) -> str:
    return f"<title>{escape(name)}</title>"


def _box(package: Package) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of everything, mm, with a margin."""

    def corners() -> Iterator[Points]:
        yield from (solid.outline for solid in package.solids)
        yield from (piece for fibre in package.fibres for piece in fibre.pieces)

    points = [(c.min(axis=0), c.max(axis=0)) for c in corners()]
    low = np.min([p[0] for p in points], axis=0) * _MM - _MARGIN_MM
    high = np.max([p[1] for p in points], axis=0) * _MM + _MARGIN_MM
    return round(low[0], 3), round(low[1], 3), round(high[0], 3), round(high[1], 3)
