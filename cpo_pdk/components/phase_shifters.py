"""Phase shifters: a rib with a depletion junction and its contacts, and a strip below a heater."""

from __future__ import annotations

from typing import Annotated

from cpo_pdk.components.cell import Maybe, Um, cell
from cpo_pdk.components.drawing import metal_port, optical_port, rectangle
from cpo_pdk.components.metal import via_stack
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section as waveguide

#: core edge to contact implant, um; `models/data/junction.yaml` has the same number
CONTACT_GAP = 0.8
_IMPLANT = 2.0  # width of a contact implant, um
_RIM = 0.3  # slab beyond the contact implants, um
_INSET = 0.5  # contacts end this far inside the junction's ends, um
_PAD = 4.0  # edge of a heater's pads, um
_TAIL = 8.0  # from the guide to the middle of a heater's pads, um


def junction_section(
    c: gf.Component,
    left: float,
    right: float,
    y: float,
    width: float,
    junction_offset: float,
    reach: float,
    n_side: int = 1,
) -> float:
    """Draw a rib along x with a lateral junction, its contacts, and metal 1 on both sides.

    Args:
        c: component to draw in.
        left: end of the junction in um.
        right: end of the junction in um.
        y: of the core's axis in um.
        width: of the core in um.
        junction_offset: of the junction from the axis in um, positive into the n side.
        reach: of metal 1 from the axis in um, at least 1.4 um more than half the core and the contact gap.
        n_side: +1: n is north; -1: n is south.

    Returns:
        Distance of metal 1 from the axis, um.
    """

    def strip(layer: str, near: float, far: float, inset: float = 0.0) -> None:
        low, high = sorted((y + n_side * near, y + n_side * far))
        rectangle(c, layer, round(left + inset, 3), round(low, 3), round(right - inset, 3), round(high, 3))

    edge = round(width / 2 + CONTACT_GAP, 3)
    strip("WG", -width / 2, width / 2)
    slab = edge + _IMPLANT + _RIM
    strip("SLAB90", -slab, slab)
    strip("P", -edge - 0.6, junction_offset)
    strip("N", junction_offset, edge + 0.6)
    strip("PPP", -edge - _IMPLANT, -edge)
    strip("NPP", edge, edge + _IMPLANT)
    for sign in (1, -1):
        strip("VIAC", sign * (edge + 0.6), sign * (edge + 1.02), _INSET)
        strip("M1", sign * (edge + 0.4), sign * reach, _INSET - 0.2)
    return round(edge + 0.4, 3)


def heater_section(
    c: gf.Component, left: float, right: float, y: float, width_heater: float, side: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Draw a heater over a guide along x, with a pad beside the guide at either end.

    Args:
        c: component to draw in.
        left: end of the heater in um.
        right: end of the heater in um.
        y: of the guide's axis in um.
        width_heater: in um.
        side: +1: pads north; -1: south.

    Returns:
        Middles of the left and the right pad, um.
    """
    half = width_heater / 2
    rectangle(c, "HEATER", left, round(y - half, 3), right, round(y + half, 3))
    y_pad = round(y + side * _TAIL, 3)
    pads = []
    for x in (left + _PAD / 2, right - _PAD / 2):
        low, high = sorted((y, y_pad))
        rectangle(c, "HEATER", round(x - _PAD / 2, 3), low, round(x + _PAD / 2, 3), high)
        stack = c << via_stack(size=_PAD, bottom="HEATER")
        stack.move((round(x, 3), y_pad))
        pads.append((round(x, 3), y_pad))
    return pads[0], pads[1]


def heater_ports(c: gf.Component, names: tuple[str, str], pads: tuple[tuple[float, float], ...], side: int) -> None:
    """Add the two terminals of a heater on the outer edge of its pads."""
    for name, (x, y) in zip(names, pads, strict=True):
        metal_port(c, name, x, round(y + side * _PAD / 2, 3), 90 * side % 360, width=_PAD)


@cell
def phase_shifter_pn(
    length: Annotated[float, Um(10, 5_000)] = 500.0,
    width: Annotated[float | None, Maybe(Um(0.34, 0.56, step=0.002))] = None,
    junction_offset: Annotated[float, Um(-0.1, 0.1)] = 0.0,
) -> gf.Component:
    """Rib with a lateral p-n junction, contacts and metal along both sides: p south, n north.

    ::

              e2 (cathode)
           ____|____
        o1 ---------- o2
           ____|____
              e1 (anode)

    Args:
        length: in um.
        width: of the core in um; None: the rib's.
        junction_offset: of the junction from the middle of the core in um, positive towards n.
    """
    c = gf.Component()
    core = waveguide("rib").width if width is None else width
    optical_port(c, "o1", 0, 0, 180, "rib", core)
    optical_port(c, "o2", length, 0, 0, "rib", core)
    near = junction_section(c, 0, length, 0.0, core, junction_offset, reach=4.6)
    for sign, name, angle in ((-1, "e1", 270), (1, "e2", 90)):
        low, high = sorted((sign * round(near + 1.9, 3), sign * round(near + 2.5, 3)))
        rectangle(c, "VIA1", 0.8, low, round(length - 0.8, 3), high)
        low, high = sorted((sign * round(near + 1.6, 3), sign * round(near + 4.6, 3)))
        rectangle(c, "M2", 0.5, low, round(length - 0.5, 3), high)
        metal_port(c, name, round(length / 2, 3), sign * round(near + 4.6, 3), angle, width=2.0)
    c.info["length"] = length
    return c


@cell
def phase_shifter_thermal(
    length: Annotated[float, Um(20, 5_000)] = 200.0,
    width_heater: Annotated[float, Um(0.6, 5, step=0.002)] = 1.2,
    width: Annotated[float | None, Maybe(Um(0.4, 1.2, step=0.002))] = None,
) -> gf.Component:
    """Strip below a TiN heater with a pad at either end.

    ::

        e1 ________ e2
        |____________|
        o1 ---------- o2

    Args:
        length: of guide and heater in um.
        width_heater: in um.
        width: of the core in um; None: the strip's.
    """
    c = gf.Component()
    core = waveguide("strip").width if width is None else width
    rectangle(c, "WG", 0, -core / 2, length, core / 2)
    pads = heater_section(c, 0.0, length, 0.0, width_heater, side=1)
    optical_port(c, "o1", 0, 0, 180, "strip", core)
    optical_port(c, "o2", length, 0, 0, "strip", core)
    heater_ports(c, ("e1", "e2"), pads, side=1)
    c.info["length"] = length
    return c
