"""Ring filters, drawn as racetracks that become circles when `length_x` is 0."""

from __future__ import annotations

import math
from typing import Annotated

from cpo_pdk.components.cell import Um, cell
from cpo_pdk.components.drawing import metal_port, optical_port, rectangle
from cpo_pdk.components.ring_parts import PAD, TAIL, ring_core, ring_heater
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section as waveguide


@cell
def add_drop_ring(
    radius: Annotated[float, Um(4.5, 100)] = 4.9,
    gap: Annotated[float, Um(0.12, 1)] = 0.15,
    length_x: Annotated[float, Um(0, 50)] = 3.0,
    width_heater: Annotated[float, Um(0.6, 3)] = 1.2,
    length_bus: Annotated[float, Um(4, 100)] = 8.0,
) -> gf.Component:
    """Racetrack filter between two buses, with a heater.

    ::

              e1  e2
        o2 -----------  o3
              (    )
        o1 -----------  o4

    Light that enters at `o1` on resonance leaves at `o2`; off resonance it leaves at `o4`.

    Args:
        radius: of the arcs in um.
        gap: of both couplers in um.
        length_x: of the two straights in um; 0 makes a circle.
        width_heater: of the heater in um.
        length_bus: how far each bus runs beyond the ring's straight, on each side, in um.

    Raises:
        ParameterError: when the buses end beside the ring.
    """
    if length_bus < radius + 1:
        raise ParameterError(
            f"add_drop_ring: length_bus = {length_bus} um does not clear the ring; give at least {radius + 1:.3f} um"
        )
    c = gf.Component()
    width = waveguide("strip").width
    pitch = width + gap
    center = (0.0, pitch + radius)
    y_drop = round(2 * (pitch + radius), 3)
    half = round(length_x / 2 + length_bus, 3)
    for y in (0.0, y_drop):
        rectangle(c, "WG", -half, y - width / 2, half, y + width / 2)
    ring_core(c, radius, length_x, width, center)
    x_pad = ring_heater(c, radius, length_x, width_heater, center, side=1, y_pad=y_drop + TAIL)
    optical_port(c, "o1", -half, 0, 180)
    optical_port(c, "o2", -half, y_drop, 180)
    optical_port(c, "o3", half, y_drop, 0)
    optical_port(c, "o4", half, 0, 0)
    metal_port(c, "e1", -x_pad, y_drop + TAIL + PAD / 2, 90, width=PAD)
    metal_port(c, "e2", x_pad, y_drop + TAIL + PAD / 2, 90, width=PAD)
    c.info["radius_min"] = radius
    c.info["length"] = round(2 * math.pi * radius + 2 * length_x, 6)
    return c
