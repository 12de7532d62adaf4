"""Metal: via stack, wire, bump, pad."""

from __future__ import annotations

import itertools
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import OneOf, Points, Um, cell
from cpo_pdk.components.drawing import metal_port, octagon, square
from cpo_pdk.components.drawing import wire as draw_wire
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf


def _side_ports(c: gf.Component, size: float, width: float) -> None:
    """Add a terminal of `width` um on each side of a square of `size` um: `e1` west, then clockwise."""
    half = size / 2
    for name, angle, x, y in (("e1", 180, -half, 0), ("e2", 90, 0, half), ("e3", 0, half, 0), ("e4", 270, 0, -half)):
        metal_port(c, name, x, y, angle, width=width)


@cell
def via_stack(
    size: Annotated[float, Um(1.42, 100)] = 2.0, bottom: Annotated[str, OneOf(("M1", "HEATER"))] = "M1"
) -> gf.Component:
    """Square stack from metal 1 or the heater up to metal 2, filled with 0.6 um vias.

    Args:
        size: edge of the metal squares in um.
        bottom: M1 or HEATER.
    """
    c = gf.Component()
    square(c, bottom, 0, 0, size)
    square(c, "M2", 0, 0, size)
    count = int((size - 2 * 0.3 + 0.6) // 1.2)
    for i in range(count):
        for j in range(count):
            square(c, "VIA1", round((i - (count - 1) / 2) * 1.2, 3), round((j - (count - 1) / 2) * 1.2, 3), 0.6)
    _side_ports(c, size, size)
    return c


@cell
def wire(
    points: Annotated[tuple[tuple[float, float], ...], Points()] = ((0.0, 0.0), (10.0, 0.0)),
    width: Annotated[float, Um(0.6, 200)] = 2.0,
    layer: Annotated[str, OneOf(("M1", "M2"))] = "M2",
) -> gf.Component:
    """Manhattan wire along points.

    Args:
        points: corners in um; each leg is horizontal or vertical.
        width: in um.
        layer: M1 or M2.

    Raises:
        ParameterError: for a leg that is neither horizontal nor vertical.
    """
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if (x0 != x1) == (y0 != y1):
            raise ParameterError(f"wire: leg ({x0}, {y0}) to ({x1}, {y1}) um is neither horizontal nor vertical")
    c = gf.Component()
    draw_wire(c, layer, points, width)
    for name, here, there in (("e1", points[0], points[1]), ("e2", points[-1], points[-2])):
        angle = round(float(np.degrees(np.arctan2(here[1] - there[1], here[0] - there[0])))) % 360
        metal_port(c, name, *here, angle, width=width, layer=layer)
    return c


@cell
def bump(diameter: Annotated[float, Um(15, 200)] = 18.0) -> gf.Component:
    """Copper-pillar bump to the die on top: metal 2 pad, passivation opening, pillar.

    Args:
        diameter: of the pillar in um; the pad is 4 um wider, the opening 6 um narrower.
    """
    c = gf.Component()
    octagon(c, "BUMP", 0, 0, diameter)
    octagon(c, "M2", 0, 0, diameter + 4)
    octagon(c, "PADOPEN", 0, 0, diameter - 6)
    metal_port(c, "e1", 0, 0, 0, width=2.0)
    return c


@cell
def pad(size: Annotated[float, Um(20, 500)] = 80.0) -> gf.Component:
    """Square pad for a probe or a wire bond.

    Args:
        size: edge of the metal in um; the opening is 4 um smaller.
    """
    c = gf.Component()
    square(c, "M2", 0, 0, size)
    square(c, "PADOPEN", 0, 0, size - 4)
    _side_ports(c, size, min(size, 10.0))
    return c
