"""Mach-Zehnder devices: the travelling-wave depletion modulator and the thermo-optic switch."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Um, cell
from cpo_pdk.components.curves import band, euler_bend, sine_s, sine_s_length
from cpo_pdk.components.drawing import metal_port, optical_port, polygon, rectangle
from cpo_pdk.components.phase_shifters import heater_ports, heater_section, junction_section
from cpo_pdk.components.splitters import mmi2x2
from cpo_pdk.components.waveguides import taper_strip_rib
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section as waveguide

_RADIUS = 10.0  # of all bends, um
_TAPER = 20.0  # strip to rib, um
_FAN = 150.0  # from the electrode to its pads along x, um
_PAD, _PITCH = 70.0, 100.0  # probe pads, um
_BEYOND = 10.0  # from the pads to the heater, um


def _arms(c: gf.Component, left: float, right: float, arm: float) -> tuple[float, float]:
    """Draw a 2x2 splitter and S-bends to both arms at either end, seen from the arms' ends `left` and `right`.

    Args:
        c: component to draw in.
        left: x where the arms begin in um.
        right: x where they end in um.
        arm: distance of the arms from the axis in um.

    Returns:
        x of the outer ports of the left and the right splitter, and path along one S-bend, um.
    """
    splitter = mmi2x2()
    near = {p.name: p.center for p in splitter.ports}
    y_in = near["o3"][1]
    offset = round(arm - y_in, 3)
    span = math.ceil(sine_s_length(offset, _RADIUS))
    curve, path, _radius = sine_s(span, offset)
    width = waveguide("strip").width
    for x, way in ((left, -1), (right, 1)):
        for side in (1, -1):
            line = np.column_stack([x + way * (span - curve[:, 0]), side * (y_in + curve[:, 1])])
            polygon(c, "WG", band(line, width, 0.0 if way < 0 else 180.0, 0.0 if way < 0 else 180.0))
    extent = near["o3"][0] - near["o1"][0]
    west = c << splitter
    west.move((round(left - span - near["o3"][0], 3), 0))
    east = c << splitter
    east.move((round(right + span - near["o1"][0], 3), 0))
    c.info["length"] = round(right - left + 2 * path + 2 * extent, 6)
    return round(left - span - extent, 3), round(right + span + extent, 3)


def _outer_ports(c: gf.Component, west: float, east: float) -> None:
    """Add the four optical ports at the outer ends of the splitters' arms (or of the leads in front of them)."""
    y = next(p.center[1] for p in mmi2x2().ports if p.name == "o3")
    for name, x, side, angle in (("o1", west, -1, 180), ("o2", west, 1, 180), ("o3", east, 1, 0), ("o4", east, -1, 0)):
        optical_port(c, name, x, round(side * y, 3), angle)


def _strip(c: gf.Component, left: float, right: float, y: float) -> None:
    width = waveguide("strip").width
    rectangle(c, "WG", left, round(y - width / 2, 3), right, round(y + width / 2, 3))


def _trombone(c: gf.Component, x: float, y: float, side: int, leg: float) -> tuple[float, float]:
    """Draw a strip that leaves its line to one side and comes back, with two legs across.

    Args:
        c: component to draw in.
        x: where it begins in um.
        y: of the line in um.
        side: +1: north; -1: south.
        leg: length of either leg between its bends in um.

    Returns:
        x where it ends, and its path without the legs, um.
    """
    points, path = euler_bend(_RADIUS, 90.0)
    points[-1] = np.round(points[-1], 3)
    a = float(points[-1, 0])
    width = waveguide("strip").width
    top = y + side * (2 * a + leg)
    for x0, y0, u, v in ((x, y, 1, 1), (x + 2 * a, top, -1, -1), (x + 2 * a, top, 1, -1), (x + 4 * a, y, -1, 1)):
        line = np.column_stack([x0 + u * points[:, 0], y0 + side * v * points[:, 1]])
        polygon(c, "WG", band(line, width, 0.0 if u > 0 else 180.0, side * v * 90.0))
    if leg > 0:
        low, high = sorted((round(y + side * a, 3), round(y + side * (a + leg), 3)))
        for center in (x + a, x + 3 * a):
            rectangle(c, "WG", round(center - width / 2, 3), low, round(center + width / 2, 3), high)
    return round(x + 4 * a, 3), 4 * path


def _electrodes(
    c: gf.Component, length: float, gap: float, width_signal: float, width_ground: float, names: tuple[str, ...]
) -> None:
    """Draw ground, signal, ground, signal, ground in metal 2 along the arms, fanned out to pads at both ends.

    Args:
        c: component to draw in.
        length: along x from 0 in um.
        gap: between the strips in um.
        width_signal: in um.
        width_ground: in um.
        names: of the ports: west pads from south to north, then east pads from north to south.
    """
    signal = width_ground / 2 + gap
    ground = signal + width_signal + gap
    strips = [
        (-ground - width_ground, -ground),
        (-signal - width_signal, -signal),
        (-width_ground / 2, width_ground / 2),
    ]
    strips += [(-high, -low) for low, high in strips[1::-1]]
    half = _PAD / 2
    for i, (low, high) in enumerate(strips):
        center = (i - 2) * _PITCH
        fan = [(-_FAN, center - half), (0.0, low), (length, low), (length + _FAN, center - half)]
        fan += [(length + _FAN, center + half), (length, high), (0.0, high), (-_FAN, center + half)]
        polygon(c, "M2", np.round(fan, 3))
    places = [(-_FAN, -1, i) for i in range(5)] + [(length + _FAN, 1, i) for i in range(4, -1, -1)]
    for name, (x, way, i) in zip(names, places, strict=True):
        center = (i - 2) * _PITCH
        near, far = sorted((x, x + way * _PAD))
        rectangle(c, "M2", near, center - half, far, center + half)
        rectangle(c, "PADOPEN", near + 2, center - half + 2, far - 2, center + half - 2)
        metal_port(c, name, x + way * _PAD, center, 180 if way < 0 else 0, width=10.0)


@cell
def mach_zehnder_modulator(
    length: Annotated[float, Um(100, 5_000)] = 1800.0,
    delta_length: Annotated[float, Um(0, 400, step=0.002)] = 0.0,
    gap_electrode: Annotated[float, Um(3, 30, step=0.002)] = 12.0,
    width_signal: Annotated[float, Um(2, 60, step=0.002)] = 8.0,
    width_ground: Annotated[float, Um(8, 100, step=0.002)] = 30.0,
    junction_offset: Annotated[float, Um(-0.1, 0.1)] = 0.0,
    length_heater: Annotated[float, Um(20, 1_000)] = 200.0,
    width_heater: Annotated[float, Um(0.6, 5, step=0.002)] = 1.2,
) -> gf.Component:
    """Travelling-wave depletion Mach-Zehnder modulator: 2x2 splitters, two junctions, GSGSG electrode, bias heater.

    ::

           e5                               e6   e11 e12
           e4 ============================= e7   ______
        o2 ---.                                 |heater|---.  .--- o3
           e3  >MMI==== two junctions ===== e8  ----------- MMI
        o1 ---'                                 -----------'  '--- o4
           e2 ============================= e9
           e1                               e10

    e1 to e5 and e10 to e6 are ground, signal, ground, signal, ground at either end. p lies towards the middle ground, n
    towards the signals: a positive signal is reverse bias. With a `delta_length` both arms leave their line behind the
    heater, the upper one further.

    Args:
        length: of the junctions and the straight electrode in um.
        delta_length: what the upper arm is longer in um.
        gap_electrode: between the strips of the electrode in um; an arm lies in the middle of each inner gap.
        width_signal: of the signal strips in um.
        width_ground: of the ground strips in um.
        junction_offset: of the junctions from the middle of the cores in um, positive towards n.
        length_heater: of the heater over the upper arm in um.
        width_heater: in um.
    """
    c = gf.Component()
    arm = round((width_ground + gap_electrode) / 2, 3)
    reach = round(gap_electrode / 2 + 1.6, 3)
    taper = taper_strip_rib(length=_TAPER)
    start = round(length + _FAN + _PAD + _BEYOND, 3)  # of the heater
    end = round(start + length_heater, 3)
    for side in (1, -1):
        y = side * arm
        junction_section(c, 0.0, length, y, waveguide("rib").width, junction_offset, reach, n_side=side)
        for way in (1, -1):
            low, high = sorted((round(y + way * (reach - 0.4), 3), round(y + way * (reach - 1.0), 3)))
            rectangle(c, "VIA1", 0.8, low, round(length - 0.8, 3), high)
        west = c << taper
        west.move((-_TAPER, y))
        east = c << taper
        east.dmirror_x()
        east.move((round(length + _TAPER, 3), y))
        _strip(c, round(length + _TAPER, 3), end, y)
    pads = heater_section(c, start, end, arm, width_heater, side=1)
    right, bends = end, 0.0
    if delta_length > 0:
        right, bends = _trombone(c, end, arm, 1, delta_length / 2)
        _trombone(c, end, -arm, -1, 0.0)
    inner, outer = _arms(c, -_TAPER, right, arm)
    c.info["length"] = round(c.info["length"] - (right - end) + bends, 6)
    west_end = round(min(-_FAN - _PAD - 5.0, inner - 5.0), 3)
    y_port = next(p.center[1] for p in mmi2x2().ports if p.name == "o3")
    for side in (1, -1):
        _strip(c, west_end, inner, round(side * y_port, 3))
    c.info["length"] = round(c.info["length"] + inner - west_end, 6)
    _outer_ports(c, west_end, outer)
    names = tuple(f"e{i}" for i in range(1, 11))
    _electrodes(c, length, gap_electrode, width_signal, width_ground, names)
    heater_ports(c, ("e11", "e12"), pads, side=1)
    c.info["radius_min"] = _RADIUS
    return c


@cell
def switch_2x2(
    length: Annotated[float, Um(20, 2_000)] = 200.0,
    spacing: Annotated[float, Um(20, 200, step=0.002)] = 30.0,
    width_heater: Annotated[float, Um(0.6, 5, step=0.002)] = 1.2,
) -> gf.Component:
    """Thermo-optic 2x2 switch: two 2x2 splitters and an arm with a heater on either side.

    ::

                   e3____e4
        o2 ---.   .--------.   .--- o3
               MMI          MMI
        o1 ---'   '--------'   '--- o4
                   e1    e2

    Args:
        length: of the heated arms in um.
        spacing: from arm to arm in um.
        width_heater: in um.
    """
    c = gf.Component()
    arm = round(spacing / 2, 3)
    west, east = _arms(c, 0.0, length, arm)
    _outer_ports(c, west, east)
    for side, names in ((-1, ("e1", "e2")), (1, ("e3", "e4"))):
        _strip(c, 0.0, length, side * arm)
        heater_ports(c, names, heater_section(c, 0.0, length, side * arm, width_heater, side), side)
    c.info["radius_min"] = _RADIUS
    return c
