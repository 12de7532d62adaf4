"""Ring modulator: a rib racetrack with a p-n junction, a heater and a weak drop to a monitor."""

from __future__ import annotations

import itertools
import math
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import OneOf, Real, Um, cell
from cpo_pdk.components.curves import arc, racetrack, sector
from cpo_pdk.components.detectors import photodetector
from cpo_pdk.components.drawing import metal_port, optical_port, polygon, rectangle, wire
from cpo_pdk.components.metal import via_stack
from cpo_pdk.components.ring_parts import PAD, TAIL, ring_core, ring_heater
from cpo_pdk.components.waveguides import taper_strip_rib, terminator
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.process import RIB_SLAB_WIDTH
from cpo_pdk.tech.waveguides import cross_section as waveguide

_LEAD = 12.0  # of the bus beyond the ring's extent, on either side, um
_OVERHANG = 0.1  # of a finger beyond the core, um
_N_LATERAL, _N_FINGERS, _N_CONTACT = 0.6, 0.85, 1.3  # outer edge of the n implant from the ring's axis, um


@cell
def ring_modulator(
    radius: Annotated[float, Um(4.5, 50)] = 6.4,
    gap: Annotated[float, Um(0.12, 1)] = 0.18,
    gap_drop: Annotated[float, Um(0.12, 1.5)] = 0.4,
    length_x: Annotated[float, Um(0, 20)] = 0.0,
    junction_fill: Annotated[float, Real(0.1, 0.9)] = 0.74,
    width_heater: Annotated[float, Um(0.6, 1.3)] = 1.2,
    junction: Annotated[str, OneOf(("lateral", "interleaved"))] = "lateral",
    junction_offset: Annotated[float, Um(-0.1, 0.1)] = 0.0,
    period: Annotated[float, Um(1.1, 4)] = 1.1,
) -> gf.Component:
    """Depletion ring modulator: rib ring with a p-n junction, heater, and a weak drop to a locking monitor.

    ::

           e5 e6     e1 (anode)
          [ PD ]=====----- terminator
                   (    )  - e2 (cathode)
        o1 ----------------- o2
                   e3 e4 (heater)

    p is inside the ring, n outside. A lateral junction lies in the core on the two arcs; interleaved fingers of p and
    n cross the core there, as many as fit.

    Args:
        radius: of the arcs in um.
        gap: to the bus in um.
        gap_drop: to the monitor's waveguide in um.
        length_x: of the two straights in um; 0 makes a circle.
        junction_fill: share of the ring's length that has the junction.
        width_heater: of the heater in um; wider than 1.3 um it would come within 0.6 um of the contacts' metal 1,
            which lies at the same height.
        junction: lateral or interleaved.
        junction_offset: of a lateral junction from the middle of the core in um, positive outwards.
        period: of interleaved fingers, along the ring's axis, in um; stretched so that whole ones fit.

    Raises:
        ParameterError: also when the junction would reach the bus.
    """
    c = gf.Component()
    width = waveguide("rib").width
    yc = round(width + gap + radius, 3)
    y_drop = round(yc + radius + gap_drop + width, 3)
    edge = length_x / 2 + radius
    half_bus, half_drop = round(edge + _LEAD, 3), round(edge + 6.0, 3)
    center = (0.0, yc)

    rectangle(c, "WG", -half_bus, -width / 2, half_bus, width / 2)
    rectangle(c, "WG", -half_drop, y_drop - width / 2, half_drop, y_drop + width / 2)
    ring_core(c, radius, length_x, width, center)
    slab = RIB_SLAB_WIDTH / 2
    rectangle(c, "SLAB90", -half_bus, -slab, half_bus, slab)
    rectangle(c, "SLAB90", -half_drop, y_drop - slab, half_drop, y_drop + slab)
    rectangle(c, "SLAB90", round(-edge - 3.3, 3), 0, round(edge + 3.3, 3), y_drop)

    outer = _N_FINGERS if junction == "interleaved" else max(_N_LATERAL, round(junction_offset + 0.55, 3))
    half_angle, contact = _angles(radius, length_x, junction_fill, width + gap, outer)
    if contact == half_angle:
        outer = _N_CONTACT
    if junction == "interleaved":
        c.info["period"] = _fingers(c, radius, length_x, half_angle, center, width / 2 + _OVERHANG, period, outer)
    else:
        _sectors(c, "P", radius - 1.6, radius + junction_offset, half_angle, length_x, center)
        _sectors(c, "N", radius + junction_offset, radius + outer, half_angle, length_x, center)
    polygon(c, "PPP", racetrack(radius - 1.0, length_x, center))
    if contact < half_angle:
        _sectors(c, "N", radius + outer - 0.4, radius + _N_CONTACT, contact, length_x, center)
    _sectors(c, "NPP", radius + 1.0, radius + 3.0, contact, length_x, center)
    _junction_metal(c, radius, length_x, contact, center)
    for layer in ("N", "P", "M1"):
        _without_jogs(c, layer)
    x_pad = ring_heater(c, radius, length_x, width_heater, center, side=-1, y_pad=-TAIL)
    if width_heater > 0.61:  # at its narrowest nothing may be taken off
        _without_jogs(c, "HEATER")

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
    c.info["length_lead"] = _LEAD
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


def _without_jogs(c: gf.Component, layer: str) -> None:
    """Join what the cell itself draws on a layer, less the steps of 1 or 2 nm that rounding leaves where arcs meet."""
    shapes = c.kdb_cell.shapes(c.kcl.layout.layer(*layer_of(layer)))
    joined = gf.kdb.Region(shapes).merged()
    joined.smooth(2, False)
    shapes.clear()
    shapes.insert(joined)


def _angles(radius: float, length_x: float, fill: float, to_bus: float, outer: float) -> tuple[float, float]:
    """Half angles (radians) of the junction, and of the part whose n side can be contacted clear of the bus.

    Args:
        radius: of the ring's axis in um.
        length_x: of its straights in um.
        fill: share of the ring's length that has the junction.
        to_bus: from the ring's axis to the bus's in um.
        outer: edge of the n implant from the ring's axis in um, where it isn't contacted.

    Raises:
        ParameterError: when the n implant would come within 0.5 um of the bus's axis.
    """
    half_angle = fill * (2 * math.pi * radius + 2 * length_x) / (4 * radius)
    reach = math.asin(min(1.0, (radius + to_bus - 0.5) / (radius + outer)))
    if half_angle > reach:
        most = math.floor(reach * 4 * radius / (2 * math.pi * radius + 2 * length_x) * 100) / 100
        raise ParameterError(
            f"ring_modulator: junction_fill = {fill} would put n implant on the bus; at most {most:.2f} fits"
        )
    return half_angle, min(half_angle, math.asin((radius + to_bus - 1.0) / (radius + 3.0)))


def _fingers(
    c: gf.Component,
    radius: float,
    length_x: float,
    half_angle: float,
    center: tuple[float, float],
    reach: float,
    period: float,
    outer: float,
) -> float:
    """Draw two combs that mesh across the core on both arcs, p from the inside and n from the outside.

    Each finger is half a period wide along the axis and ends `reach` um beyond it.

    Returns:
        Period as drawn, stretched so that whole ones fit, um.
    """
    count = max(1, math.floor(2 * half_angle * radius / period + 1e-9))
    edges = np.linspace(-half_angle, half_angle, 2 * count + 1)
    for sign, axis in ((1, 0.0), (-1, math.pi)):
        middle = (center[0] + sign * length_x / 2, center[1])
        border = [
            arc(middle, radius + (reach if i % 2 == 0 else -reach), axis + start, axis + stop)
            for i, (start, stop) in enumerate(itertools.pairwise(edges))
        ]
        for layer, back in (("P", radius - 1.6), ("N", radius + outer)):
            spine = arc(middle, back, axis + half_angle, axis - half_angle)
            polygon(c, layer, np.concatenate([*border, spine]))
    return round(2 * half_angle / count * radius, 6)


def _junction_metal(
    c: gf.Component, radius: float, length_x: float, contact: float, center: tuple[float, float]
) -> None:
    """Contacts and metal 1 of both sides of the junction; the two halves of the n side are joined below the bus."""
    yc = center[1]
    polygon(c, "VIAC", racetrack(radius - 1.61, length_x, center), racetrack(radius - 2.03, length_x, center))
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
