"""Ring modulator: a rib racetrack with a lateral junction, a heater and a weak drop to a monitor."""

from __future__ import annotations

import math
from typing import Annotated

from cpo_pdk.components.cell import Real, Um, cell
from cpo_pdk.components.curves import racetrack, sector
from cpo_pdk.components.detectors import photodetector
from cpo_pdk.components.drawing import metal_port, optical_port, polygon, rectangle, wire
from cpo_pdk.components.metal import via_stack
from cpo_pdk.components.ring_parts import PAD, TAIL, ring_core, ring_heater
from cpo_pdk.components.waveguides import taper_strip_rib, terminator
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.process import RIB_SLAB_WIDTH
from cpo_pdk.tech.waveguides import cross_section as waveguide


@cell
def ring_modulator(
    radius: Annotated[float, Um(4.5, 50)] = 6.4,
    gap: Annotated[float, Um(0.12, 1)] = 0.17,
    gap_drop: Annotated[float, Um(0.12, 1.5)] = 0.4,
    length_x: Annotated[float, Um(0, 20)] = 0.0,
    junction_fill: Annotated[float, Real(0.1, 0.9)] = 0.74,
    width_heater: Annotated[float, Um(0.6, 1.3)] = 1.2,
) -> gf.Component:
    """Depletion ring modulator: rib ring with a lateral junction, heater, and a weak drop to a locking monitor.

    ::

           e5 e6     e1 (anode)
          [ PD ]=====----- terminator
                   (    )  - e2 (cathode)
        o1 ----------------- o2
                   e3 e4 (heater)

    p is inside the ring, n outside; the junction lies in the middle of the core, on the two arcs.

    Args:
        radius: of the arcs in um.
        gap: to the bus in um.
        gap_drop: to the monitor's waveguide in um.
        length_x: of the two straights in um; 0 makes a circle.
        junction_fill: share of the ring's length that has the junction.
        width_heater: of the heater in um; wider than 1.3 um it would come within 0.6 um of the contacts' metal 1,
            which lies at the same height.

    Raises:
        ParameterError: also when the junction would reach the bus.
    """
    c = gf.Component()
    width = waveguide("rib").width
    yc = round(width + gap + radius, 3)
    y_drop = round(yc + radius + gap_drop + width, 3)
    edge = length_x / 2 + radius
    half_bus, half_drop = round(edge + 12.0, 3), round(edge + 6.0, 3)
    center = (0.0, yc)

    rectangle(c, "WG", -half_bus, -width / 2, half_bus, width / 2)
    rectangle(c, "WG", -half_drop, y_drop - width / 2, half_drop, y_drop + width / 2)
    ring_core(c, radius, length_x, width, center)
    slab = RIB_SLAB_WIDTH / 2
    rectangle(c, "SLAB90", -half_bus, -slab, half_bus, slab)
    rectangle(c, "SLAB90", -half_drop, y_drop - slab, half_drop, y_drop + slab)
    rectangle(c, "SLAB90", round(-edge - 3.3, 3), 0, round(edge + 3.3, 3), y_drop)

    contact = _junction(c, radius, length_x, junction_fill, center, width + gap)
    _junction_metal(c, radius, length_x, contact, center)
    x_pad = ring_heater(c, radius, length_x, width_heater, center, side=-1, y_pad=-TAIL)

    top = round(y_drop + 5.0, 3)
    stack = c << via_stack(size=2.4)
    stack.move(center)
    wire(c, "M2", [(0, yc), (0, top - 1)], 2.0)
    metal_port(c, "e1", 0, top, 90)
    x_stack = round(edge + 6.0, 3)
    right = c << via_stack(size=2.4)
    right.move((x_stack, yc))
    metal_port(c, "e2", round(x_stack + 1.2, 3), yc, 0, width=2.4)
    metal_port(c, "e3", -x_pad, -TAIL - PAD / 2, 270, width=PAD)
    metal_port(c, "e4", x_pad, -TAIL - PAD / 2, 270, width=PAD)
    _monitor(c, half_drop, y_drop)

    optical_port(c, "o1", -half_bus, 0, 180, "rib")
    optical_port(c, "o2", half_bus, 0, 0, "rib")
    c.info["radius_min"] = radius
    c.info["length"] = round(2 * math.pi * radius + 2 * length_x, 6)
    return c


def _sectors(
    c: gf.Component,
    layer: str,
    inner: float,
    outer: float,
    half_angle: float,
    length_x: float,
    center: tuple[float, float],
) -> None:
    """Draw the same annular sector on the right and on the left arc of the ring."""
    for sign, axis in ((1, 0.0), (-1, math.pi)):
        middle = (center[0] + sign * length_x / 2, center[1])
        polygon(c, layer, sector(inner, outer, axis - half_angle, axis + half_angle, middle))


def _junction(
    c: gf.Component, radius: float, length_x: float, fill: float, center: tuple[float, float], to_bus: float
) -> float:
    """Draw the implants; returns the half angle (radians) over which the n side can be contacted clear of the bus."""
    half_angle = fill * (2 * math.pi * radius + 2 * length_x) / (4 * radius)
    reach = math.asin(min(1.0, (radius + to_bus - 0.5) / (radius + 0.6)))
    if half_angle > reach:
        most = reach * 4 * radius / (2 * math.pi * radius + 2 * length_x)
        raise ParameterError(
            f"ring_modulator: junction_fill = {fill} would put n implant on the bus; at most {most:.2f} fits"
        )
    contact = min(half_angle, math.asin((radius + to_bus - 1.0) / (radius + 3.0)))
    polygon(c, "PPP", racetrack(radius - 1.0, length_x, center))
    _sectors(c, "P", radius - 1.6, radius, half_angle, length_x, center)
    _sectors(c, "N", radius, radius + 0.6, half_angle, length_x, center)
    _sectors(c, "N", radius, radius + 1.3, contact, length_x, center)
    _sectors(c, "NPP", radius + 1.0, radius + 3.0, contact, length_x, center)
    return contact


def _junction_metal(
    c: gf.Component, radius: float, length_x: float, contact: float, center: tuple[float, float]
) -> None:
    """Contacts and metal 1 of both sides of the junction; the two halves of the n side are joined below the bus."""
    yc = center[1]
    polygon(c, "VIAC", racetrack(radius - 1.6, length_x, center), racetrack(radius - 2.02, length_x, center))
    polygon(c, "M1", racetrack(radius - 1.4, length_x, center))
    _sectors(c, "VIAC", radius + 1.69, radius + 2.11, contact - math.radians(6), length_x, center)
    _sectors(c, "M1", radius + 1.4, radius + 3.4, contact - math.radians(3), length_x, center)
    leg = round(length_x / 2 + radius + 6.0, 3)
    for sign in (1, -1):
        low, high = sorted((sign * round(leg - 3.5, 3), sign * round(leg + 1.2, 3)))
        rectangle(c, "M1", low, yc - 1.2, high, yc + 1.2)
    wire(c, "M1", [(-leg, yc), (-leg, -13.0), (leg, -13.0), (leg, yc)], 2.4)


def _monitor(c: gf.Component, half_drop: float, y_drop: float) -> None:
    """Draw the locking monitor in the west of the drop waveguide, where light that runs east on the bus comes out.

    The east end is terminated.
    """
    end = c << terminator(length=10.0, cross_section="rib")
    end.move((half_drop, y_drop))
    taper = c << taper_strip_rib(length=10.0)
    taper.move((round(-half_drop - 10.0, 3), y_drop))
    monitor = c << photodetector()
    monitor.dmirror_x()
    monitor.move((round(-half_drop - 10.0 - monitor.ports["o1"].center[0], 3), y_drop))
    for name, port in (("e5", "e1"), ("e6", "e2")):
        x, y = monitor.ports[port].center
        metal_port(c, name, x, y, 270)
