"""Germanium photodetectors: vertical (contact on the germanium) from one or both ends, lateral (contacts beside it)."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Um, cell
from cpo_pdk.components.curves import band
from cpo_pdk.components.drawing import metal_port, optical_port, polygon, rectangle, square
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section as waveguide

_BODY = 8.0  # width of the silicon under the germanium and its contacts, um
_RIM = 0.5  # silicon beyond the germanium at either end, um

_Length = Annotated[float, Um(8, 100)]
_WidthGe = Annotated[float, Um(1.2, 4)]
_LengthTaper = Annotated[float, Um(2, 50)]


def _body(c: gf.Component, length: float, width_ge: float, length_taper: float, *, dual: bool) -> None:
    """Silicon from x = 0 to `length`, tapers outside it with their ports, germanium `_RIM` short of either end; um."""
    width = waveguide("strip").width
    rectangle(c, "WG", 0, -_BODY / 2, length, _BODY / 2)
    polygon(c, "WG", band(np.array([[-length_taper, 0.0], [0.0, 0.0]]), [width, width_ge + 0.4]))
    optical_port(c, "o1", -length_taper, 0, 180)
    if dual:
        polygon(c, "WG", band(np.array([[length, 0.0], [length + length_taper, 0.0]]), [width_ge + 0.4, width]))
        optical_port(c, "o2", length + length_taper, 0, 0)
    rectangle(c, "GE", _RIM, -width_ge / 2, length - _RIM, width_ge / 2)


def _contact(c: gf.Component, implant: str, inner: float, side: int, length: float, m1_end: float) -> None:
    """Heavily doped strip from `inner` um off the axis on one side (+1 north), its contact and metal 1 to `m1_end`."""
    low, high = sorted((side * inner, side * (_BODY / 2 - 0.2)))
    rectangle(c, implant, 0.3, low, length - 0.3, high)
    low, high = sorted((side * (inner + 0.3), side * (inner + 0.7)))
    rectangle(c, "VIAC", 1.2, low, length - 1.2, high)
    low, high = sorted((side * (inner + 0.05), side * 5.0))
    rectangle(c, "M1", 0.9, low, m1_end, high)


def _detector(length: float, width_ge: float, length_taper: float, *, dual: bool) -> gf.Component:
    """Draw the silicon body from x = 0, tapers outside it, both terminals on the south side.

    p is the silicon, n++ the top of the germanium; p implant joins the silicon below the germanium to the p++ contacts.
    """
    c = gf.Component()
    germanium, length = length, round(length + 2 * _RIM, 3)
    _body(c, length, width_ge, length_taper, dual=dual)
    rectangle(c, "NPP", 0.7, -width_ge / 2 + 0.2, length - 0.7, width_ge / 2 - 0.2)
    rectangle(c, "VIAC", 1.2, -0.2, length - 1.2, 0.2)
    rectangle(c, "M1", 0.9, -0.5, length - 0.9, 0.5)
    inner = round(width_ge / 2 + 0.8, 3)
    rectangle(c, "P", 0.3, -inner - 0.3, length - 0.3, inner + 0.3)
    for side in (1, -1):
        _contact(c, "PPP", inner, side, length, length - 0.9)
    anode, cathode = 2.0, length - 2.0
    for y in (-4.2, 4.2):
        square(c, "VIA1", anode, y, 0.6)
    rectangle(c, "M2", anode - 1.0, -6.0, anode + 1.0, 5.0)
    for x in (cathode - 0.6, cathode + 0.6):
        square(c, "VIA1", x, 0, 0.6)
    rectangle(c, "M2", cathode - 1.2, -6.0, cathode + 1.2, 0.8)
    metal_port(c, "e1", anode, -6.0, 270)
    metal_port(c, "e2", cathode, -6.0, 270, width=2.4)
    c.info["length"] = germanium
    return c


@cell
def photodetector(length: _Length = 15.0, width_ge: _WidthGe = 2.0, length_taper: _LengthTaper = 8.0) -> gf.Component:
    """Vertical p-i-n germanium detector, lit from one end.

    ::

              _______
        o1 --|  Ge   |
              -------
               e1 e2

    Args:
        length: of the germanium in um; the silicon below it is 1 um longer.
        width_ge: width of the germanium in um.
        length_taper: from the waveguide to the body in um.
    """
    return _detector(length, width_ge, length_taper, dual=False)


@cell
def photodetector_dual(
    length: _Length = 15.0, width_ge: _WidthGe = 2.0, length_taper: _LengthTaper = 8.0
) -> gf.Component:
    """Vertical p-i-n germanium detector, lit from both ends: the currents of two polarisations add.

    ::

              _______
        o1 --|  Ge   |-- o2
              -------
               e1 e2

    Args:
        length: of the germanium in um; the silicon below it is 1 um longer.
        width_ge: width of the germanium in um.
        length_taper: from the waveguides to the body in um.
    """
    return _detector(length, width_ge, length_taper, dual=True)


@cell
def photodetector_lateral(
    length: _Length = 15.0, width_ge: Annotated[float, Um(0.5, 2)] = 0.5, length_taper: _LengthTaper = 8.0
) -> gf.Component:
    """Lateral p-i-n germanium detector, lit from one end: both contacts are in the silicon, no metal touches germanium.

    ::

              p++ | Ge | n++   from south to north
              _______
        o1 --|  Ge   |
              -------
               e1   e2

    Args:
        length: of the germanium in um; the silicon below it is 1 um longer.
        width_ge: width of the germanium, and distance of the p from the n implant, in um.
        length_taper: from the waveguide to the body in um.
    """
    c = gf.Component()
    germanium, length = length, round(length + 2 * _RIM, 3)
    _body(c, length, width_ge, length_taper, dual=False)
    edge = round(width_ge / 2, 3)
    inner = round(width_ge / 2 + 0.8, 3)
    rectangle(c, "P", 0.3, -inner - 0.3, length - 0.3, -edge)
    rectangle(c, "N", 0.3, edge, length - 0.3, inner + 0.3)
    anode, cathode = 2.0, length + 2.0
    _contact(c, "PPP", inner, -1, length, length - 0.9)
    _contact(c, "NPP", inner, 1, length, cathode + 1.0)
    square(c, "VIA1", anode, -4.2, 0.6)
    rectangle(c, "M2", anode - 1.0, -6.0, anode + 1.0, -3.4)
    square(c, "VIA1", cathode, 4.2, 0.6)
    rectangle(c, "M2", cathode - 1.0, -6.0, cathode + 1.0, 5.0)
    metal_port(c, "e1", anode, -6.0, 270)
    metal_port(c, "e2", cathode, -6.0, 270)
    c.info["length"] = germanium
    return c
