"""Small verbs that cells draw with: polygons on named layers, ports with a named cross-section, wires.

Lengths and coordinates are um; `layer` is a name in `tech/layers.py`, and one that is not there raises `KeyError`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf, kf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.waveguides import cross_section as waveguide

#: All fibre faces (facets, fibre ends, connector positions) share one port shape, so that they mate exactly.
FACE_WIDTH = 125.0
FACE_LAYER = "FIBER"
FACE_TYPE = "edge_coupler"


def polygon(c: gf.Component, layer: str, points: ArrayLike, hole: ArrayLike | None = None) -> None:
    """Draw one polygon.

    Args:
        c: component to draw in.
        layer: name.
        points: corners in um, shape (N, 2).
        hole: corners of a hole in um, shape (N, 2); None: none.
    """
    shape = kf.kdb.DPolygon([kf.kdb.DPoint(float(x), float(y)) for x, y in np.asarray(points)])
    if hole is not None:
        shape.insert_hole([kf.kdb.DPoint(float(x), float(y)) for x, y in np.asarray(hole)])
    c.add_polygon(shape, layer=layer_of(layer))


def rectangle(c: gf.Component, layer: str, left: float, bottom: float, right: float, top: float) -> None:
    """Draw one rectangle.

    Args:
        c: component to draw in.
        layer: name.
        left: edge in um.
        bottom: edge in um.
        right: edge in um.
        top: edge in um.

    Raises:
        ParameterError: when it has no area.
    """
    if not (right > left and top > bottom):
        raise ParameterError(f"{c.name}: rectangle on {layer} from ({left}, {bottom}) to ({right}, {top}) has no area")
    c.add_polygon(kf.kdb.DPolygon(kf.kdb.DBox(left, bottom, right, top)), layer=layer_of(layer))


def square(c: gf.Component, layer: str, x: float, y: float, size: float) -> None:
    """Draw one square.

    Args:
        c: component to draw in.
        layer: name.
        x: of its centre in um.
        y: of its centre in um.
        size: edge in um.
    """
    rectangle(c, layer, x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def octagon(c: gf.Component, layer: str, x: float, y: float, diameter: float) -> None:
    """Draw one regular octagon: half an edge is (sqrt(2) - 1) / 2 of the distance of two flats.

    Args:
        c: component to draw in.
        layer: name.
        x: of its centre in um.
        y: of its centre in um.
        diameter: flat to flat in um.
    """
    a, b = diameter / 2, round(diameter / 2 * (np.sqrt(2) - 1), 3)
    polygon(
        c, layer, [(x + u, y + v) for u, v in ((a, -b), (a, b), (b, a), (-b, a), (-a, b), (-a, -b), (-b, -a), (b, -a))]
    )


def wire(c: gf.Component, layer: str, points: Iterable[tuple[float, float]], width: float) -> None:
    """Draw a Manhattan wire that ends half its width beyond the outer points.

    Args:
        c: component to draw in.
        layer: name.
        points: corners in um.
        width: in um.
    """
    path = kf.kdb.DPath([kf.kdb.DPoint(x, y) for x, y in points], width, width / 2, width / 2)
    c.add_polygon(path.polygon(), layer=layer_of(layer))


def optical_port(
    c: gf.Component,
    name: str,
    x: float,
    y: float,
    orientation: int,
    cross_section: str = "strip",
    width: float | None = None,
) -> None:
    """Add a waveguide port.

    Args:
        c: component to add it to.
        name: of the port, `o1`.
        x: in um.
        y: in um.
        orientation: in degrees, out of the cell.
        cross_section: strip or rib.
        width: of the core in um; None: the cross-section's.

    Raises:
        ParameterError: there is no such cross-section.
    """
    core = waveguide(cross_section).width if width is None else width
    port = c.add_port(
        name, center=(x, y), orientation=orientation, width=core, layer=layer_of("WG"), port_type="optical"
    )
    port.info["cross_section"] = cross_section


def face_port(c: gf.Component, name: str, x: float, y: float, orientation: int, layer: str = FACE_LAYER) -> None:
    """Add a port where a fibre face meets another face (facet, fibre end, connector position).

    Args:
        c: component to add it to.
        name: of the port.
        x: in um.
        y: in um.
        orientation: in degrees, out of the cell.
        layer: of the fibres there; faces of different ribbon layers lie over one another and don't meet.
    """
    c.add_port(
        name, center=(x, y), orientation=orientation, width=FACE_WIDTH, layer=layer_of(layer), port_type=FACE_TYPE
    )


def metal_port(
    c: gf.Component, name: str, x: float, y: float, orientation: int, width: float = 2.0, layer: str = "M2"
) -> None:
    """Add an electrical terminal; its width is rounded down to the even number of nanometres that a port needs.

    Args:
        c: component to add it to.
        name: of the port, `e1`.
        x: in um.
        y: in um.
        orientation: in degrees, out of the cell.
        width: in um.
        layer: name.
    """
    even = int(round(width * 1e3) // 2) * 2e-3
    c.add_port(name, center=(x, y), orientation=orientation, width=even, layer=layer_of(layer), port_type="electrical")


def guide(c: gf.Component, outline: ArrayLike, cross_section: str, slab: ArrayLike | None = None) -> None:
    """Draw a waveguide.

    Args:
        c: component to draw in.
        outline: of the core in um, shape (N, 2).
        cross_section: strip or rib.
        slab: outline of a rib's slab in um, shape (N, 2).
    """
    polygon(c, "WG", outline)
    if cross_section == "rib" and slab is not None:
        polygon(c, "SLAB90", slab)
