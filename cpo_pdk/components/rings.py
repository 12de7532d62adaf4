"""Ring filters, drawn as racetracks that become circles when `length_x` is 0."""

from __future__ import annotations

import math
from typing import Annotated

from cpo_pdk.components.cell import Maybe, Um, cell
from cpo_pdk.components.drawing import metal_port, optical_port, rectangle
from cpo_pdk.components.ring_parts import PAD, RADIUS_MIN, TAIL, heater_inset, ring_core, ring_heater, widened_core
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section as waveguide

_Radius = Annotated[float, Um(RADIUS_MIN, 100)]
_Gap = Annotated[float, Um(0.12, 1)]
_LengthX = Annotated[float, Um(0, 50)]
_Heater = Annotated[float, Um(0.6, 3, step=0.02)]
_Bus = Annotated[float, Um(4, 150)]
_Width = Annotated[float | None, Maybe(Um(0.3, 0.6, step=0.002))]


def _buses(
    c: gf.Component,
    of: str,
    heights: tuple[float, ...],
    length_x: float,
    length_bus: float,
    radius: float,
    width: float,
) -> None:
    """Draw a bus at each height, the lowest first, with its ports o1... clockwise from lower left.

    Raises:
        ParameterError: when the buses end beside the ring.
    """
    if length_bus < radius + 1:
        raise ParameterError(
            f"{of}: length_bus = {length_bus} um does not clear the ring; give at least {radius + 1:.3f} um"
        )
    half = round(length_x / 2 + length_bus, 3)
    for y in heights:
        rectangle(c, "WG", -half, y - width / 2, half, y + width / 2)
    corners = [(-half, y, 180) for y in heights] + [(half, y, 0) for y in reversed(heights)]
    for number, (x, y, heading) in enumerate(corners, 1):
        optical_port(c, f"o{number}", x, y, heading, width=width)


@cell
def add_drop_ring(
    radius: _Radius = 4.9,
    gap: _Gap = 0.15,
    length_x: _LengthX = 3.0,
    width: _Width = None,
    width_heater: _Heater = 1.2,
    length_bus: _Bus = 8.0,
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
        width: of ring and buses in um; None: the strip's.
        width_heater: of the heater in um.
        length_bus: how far each bus runs beyond the ring's straight, on each side, in um.

    Raises:
        ParameterError: when the buses end beside the ring.
    """
    core = waveguide("strip").width if width is None else width
    c = gf.Component()
    center = (0.0, round(core + gap + radius, 3))
    y_drop = round(2 * center[1], 3)
    _buses(c, "add_drop_ring", (0.0, y_drop), length_x, length_bus, radius, core)
    ring_core(c, radius, length_x, core, center)
    _heater_above(c, radius, length_x, width_heater, center, y_drop + TAIL)
    c.info["radius_min"] = radius
    c.info["length"] = round(2 * math.pi * radius + 2 * length_x, 6)
    return c


def _heater_above(
    c: gf.Component, radius: float, length_x: float, width: float, center: tuple[float, float], y_pad: float
) -> None:
    """Draw a heater with its pads north of the ring, e1 (west) and e2 (east)."""
    x_pad = ring_heater(c, radius, length_x, width, center, side=1, y_pad=y_pad)
    metal_port(c, "e1", -x_pad, y_pad + PAD / 2, 90, width=PAD)
    metal_port(c, "e2", x_pad, y_pad + PAD / 2, 90, width=PAD)


@cell
def all_pass_ring(
    radius: _Radius = 4.9,
    gap: _Gap = 0.22,
    length_x: _LengthX = 3.0,
    width: _Width = None,
    width_heater: _Heater = 1.2,
    length_bus: _Bus = 8.0,
) -> gf.Component:
    """Racetrack beside one bus, with a heater: a notch at each resonance.

    ::

             e1  e2
             (    )
        o1 ---------- o2

    Args:
        radius: of the arcs in um.
        gap: of the coupler in um.
        length_x: of the two straights in um; 0 makes a circle.
        width: of ring and bus in um; None: the strip's.
        width_heater: of the heater in um.
        length_bus: how far the bus runs beyond the ring's straight, on each side, in um.

    Raises:
        ParameterError: when the bus ends beside the ring.
    """
    core = waveguide("strip").width if width is None else width
    c = gf.Component()
    center = (0.0, round(core + gap + radius, 3))
    _buses(c, "all_pass_ring", (0.0,), length_x, length_bus, radius, core)
    ring_core(c, radius, length_x, core, center)
    _heater_above(c, radius, length_x, width_heater, center, round(center[1] + radius + TAIL, 3))
    c.info["radius_min"] = radius
    c.info["length"] = round(2 * math.pi * radius + 2 * length_x, 6)
    return c


@cell
def double_ring(
    radius: _Radius = 4.5,
    gap: _Gap = 0.14,
    gap_ring: _Gap = 0.27,
    length_x: _LengthX = 4.4,
    width: _Width = None,
    width_heater: _Heater = 1.2,
    length_bus: _Bus = 8.0,
) -> gf.Component:
    """Second-order filter: two racetracks, one above the other, between two buses; each has its heater.

    ::

             e2  e3
        o2 -----------  o3
              (    )
              (    )
        o1 -----------  o4
             e1  e4

    Light that enters at `o1` on resonance leaves at `o3`; off resonance it leaves at `o4`. The lower heater runs from
    `e1` to `e4`, the upper one from `e2` to `e3`; both lie a little inside their rings, to stay clear of each other.

    Args:
        radius: of the arcs of both rings in um.
        gap: of the couplers to the buses in um.
        gap_ring: of the coupler between the rings in um.
        length_x: of the straights in um; 0 makes circles.
        width: of rings and buses in um; None: the strip's.
        width_heater: of the heaters in um.
        length_bus: how far each bus runs beyond the rings' straights, on each side, in um.

    Raises:
        ParameterError: when the buses end beside the rings.
    """
    core = waveguide("strip").width if width is None else width
    c = gf.Component()
    y_low = round(core + gap + radius, 3)
    y_high = round(y_low + 2 * radius + core + gap_ring, 3)
    y_drop = round(y_low + y_high, 3)
    _buses(c, "double_ring", (0.0, y_drop), length_x, length_bus, radius, core)
    bend = round(radius - heater_inset(width_heater, core + gap_ring), 3)
    x_pad = 0.0
    for y, side, y_pad in ((y_low, -1, -TAIL), (y_high, 1, round(y_drop + TAIL, 3))):
        ring_core(c, radius, length_x, core, (0.0, y))
        x_pad = ring_heater(c, bend, length_x, width_heater, (0.0, y), side=side, y_pad=y_pad)
    low, high = -TAIL - PAD / 2, round(y_drop + TAIL + PAD / 2, 3)
    for name, x, y, heading in (("e1", -x_pad, low, 270), ("e2", -x_pad, high, 90), ("e3", x_pad, high, 90)):
        metal_port(c, name, x, y, heading, width=PAD)
    metal_port(c, "e4", x_pad, low, 270, width=PAD)
    c.info["radius_min"] = radius
    c.info["length"] = round(2 * math.pi * radius + 2 * length_x, 6)
    return c


@cell
def wide_ring(
    radius: _Radius = 5.3,
    gap: _Gap = 0.145,
    length_x: _LengthX = 2.5,
    width: Annotated[float, Um(0.3, 0.5, step=0.002)] = 0.4,
    width_wide: Annotated[float, Um(0.5, 1.1, step=0.002)] = 0.8,
    width_heater: _Heater = 1.2,
    length_bus: _Bus = 8.0,
) -> gf.Component:
    """Add-drop racetrack whose core is wide between the couplers, where it hardly feels an error of its width.

    ::

              e1  e2
        o2 -----------  o3
             ((    ))
        o1 -----------  o4

    Along each arc the width is `width + (width_wide - width) cos^2(angle)`, with the angle from the ring's equator:
    it starts and ends without a kink, so that light stays in the fundamental mode.

    Args:
        radius: of the arcs' centre line in um.
        gap: of both couplers in um.
        length_x: of the two straights in um, `width` wide; 0 makes a circle.
        width: of the buses, and of the ring at the couplers, in um.
        width_wide: of the ring half way between the couplers in um.
        width_heater: of the heater in um.
        length_bus: how far each bus runs beyond the ring's straight, on each side, in um.

    Raises:
        ParameterError: when the ring widens too fast for its radius, or the buses end beside it.
    """
    inner = radius - width / 2
    bend = inner / (1 + (width_wide - width) / inner) + width / 2
    if bend < RADIUS_MIN:
        raise ParameterError(
            f"wide_ring: width_wide = {width_wide} um makes the inner edge bend as at a radius of {bend:.2f} um, below "
            f"{RADIUS_MIN} um; enlarge radius = {radius} um"
        )
    c = gf.Component()
    center = (0.0, round(width + gap + radius, 3))
    y_drop = round(2 * center[1], 3)
    _buses(c, "wide_ring", (0.0, y_drop), length_x, length_bus, radius, width)
    widened_core(c, radius, length_x, width, width_wide, center)
    _heater_above(c, radius, length_x, width_heater, center, y_drop + TAIL)
    c.info["radius_min"] = radius
    c.info["length"] = round(2 * math.pi * radius + 2 * length_x, 6)
    return c
