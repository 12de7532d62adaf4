"""Small verbs that cells draw with: polygons on named layers, ports with a named cross-section, wires."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf, kf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.waveguides import cross_section as waveguide

#: Width of the slab of a rib waveguide, um.
RIB_SLAB_WIDTH = 6.0

#: All fibre faces (facets, fibre ends, connector positions) share one port shape, so that they mate exactly.
FACE_WIDTH = 125.0
FACE_LAYER = "FIBER"
FACE_TYPE = "edge_coupler"


def polygon(c: gf.Component, layer: str, points: ArrayLike, hole: ArrayLike | None = None) -> None:
    """Draw one polygon (um), with a hole if given."""
    shape = kf.kdb.DPolygon([kf.kdb.DPoint(float(x), float(y)) for x, y in np.asarray(points)])
    if hole is not None:
        shape.insert_hole([kf.kdb.DPoint(float(x), float(y)) for x, y in np.asarray(hole)])
    c.add_polygon(shape, layer=layer_of(layer))


def rectangle(c: gf.Component, layer: str, left: float, bottom: float, right: float, top: float) -> None:
    """Draw one rectangle (um)."""
    if not (right > left and top > bottom):
        raise ParameterError(f"{c.name}: rectangle on {layer} from ({left}, {bottom}) to ({right}, {top}) has no area")
    c.add_polygon(kf.kdb.DPolygon(kf.kdb.DBox(left, bottom, right, top)), layer=layer_of(layer))


def square(c: gf.Component, layer: str, x: float, y: float, size: float) -> None:
    """Draw one square centred on (x, y) (um)."""
    rectangle(c, layer, x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def octagon(c: gf.Component, layer: str, x: float, y: float, diameter: float) -> None:
    """Draw one regular octagon centred on (x, y), flat to flat `diameter` um."""
    a, b = diameter / 2, round(diameter / 2 * (np.sqrt(2) - 1), 3)
    polygon(
        c, layer, [(x + u, y + v) for u, v in ((a, -b), (a, b), (b, a), (-b, a), (-a, b), (-a, -b), (-b, -a), (b, -a))]
    )


def wire(c: gf.Component, layer: str, points: Iterable[tuple[float, float]], width: float) -> None:
    """Draw a Manhattan wire along points (um), with square ends."""
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
    """Add a waveguide port; `orientation` in degrees points out of the cell."""
    core = waveguide(cross_section).width if width is None else width
    port = c.add_port(
        name, center=(x, y), orientation=orientation, width=core, layer=layer_of("WG"), port_type="optical"
    )
    port.info["cross_section"] = cross_section


def face_port(c: gf.Component, name: str, x: float, y: float, orientation: int) -> None:
    """Add a port where a fibre face meets another face (facet, fibre end, connector position)."""
    c.add_port(
        name, center=(x, y), orientation=orientation, width=FACE_WIDTH, layer=layer_of(FACE_LAYER), port_type=FACE_TYPE
    )


def metal_port(
    c: gf.Component, name: str, x: float, y: float, orientation: int, width: float = 2.0, layer: str = "M2"
) -> None:
    """Add an electrical terminal; its width is rounded down to the even number of nanometres that a port needs."""
    even = int(round(width * 1e3) // 2) * 2e-3
    c.add_port(name, center=(x, y), orientation=orientation, width=even, layer=layer_of(layer), port_type="electrical")


def guide(c: gf.Component, outline: ArrayLike, cross_section: str, slab: ArrayLike | None = None) -> None:
    """Draw a waveguide core; a rib also needs the outline of its slab."""
    polygon(c, "WG", outline)
    if cross_section == "rib" and slab is not None:
        polygon(c, "SLAB90", slab)
