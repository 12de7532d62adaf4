"""Light on and off the chip at its edge: inverse tapers to the facet, a row of them at the pitch of fibres."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Count, Flag, Um, cell
from cpo_pdk.components.curves import band
from cpo_pdk.components.drawing import face_port, optical_port, polygon, rectangle
from cpo_pdk.components.waveguides import bend_euler, straight
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section as waveguide

_TRENCH_REACH = 60.0  # of the facet trench beside the outermost coupler, um
_TRENCH = 20.0  # width of the facet trench outside the die, um
_WINDOW = 12.0  # width of the windows beside a membrane, um: as wide as the gap that they have to open below it


def _taper(c: gf.Component, x: float, length: float, start: float, end: float) -> None:
    """Core that narrows from `start` at `x` to `end`, slowest at its thin end: all in um."""
    t = np.linspace(0, 1, 41)
    width = end + (start - end) * (1 - t) ** (1 / 0.7)
    polygon(c, "WG", band(np.column_stack([x + t * length, np.zeros_like(t)]), width, 0.0, 0.0))


@cell
def edge_coupler(
    tip_width: Annotated[float, Um(0.12, 0.24, step=0.002)] = 0.15,
    length_taper: Annotated[float, Um(10, 1_000)] = 150.0,
) -> gf.Component:
    """Inverse taper to the facet; the trench that makes the facet lies outside it.

    ::

        o1 =====-----| o2 (facet)

    Args:
        tip_width: width of the tip at the facet in um.
        length_taper: in um; at the share t of it the width is tip + (core - tip) (1 - t)^(1/0.7), slowest at the tip.
    """
    c = gf.Component()
    _taper(c, 0.0, length_taper, waveguide("strip").width, tip_width)
    rectangle(c, "DEEPTRENCH", length_taper, -_TRENCH_REACH, length_taper + _TRENCH, _TRENCH_REACH)
    optical_port(c, "o1", 0, 0, 180)
    face_port(c, "o2", length_taper, 0, 0)
    c.info["length"] = length_taper
    return c


@cell
def spot_size_converter(
    tip_width: Annotated[float, Um(0.12, 0.18, step=0.002)] = 0.14,
    width_mid: Annotated[float, Um(0.2, 0.36, step=0.002)] = 0.26,
    length_first: Annotated[float, Um(20, 500)] = 80.0,
    length_second: Annotated[float, Um(60, 1_000)] = 220.0,
    half_membrane: Annotated[float, Um(6, 20)] = 8.0,
    length_window: Annotated[float, Um(8, 60)] = 30.0,
    length_tether: Annotated[float, Um(4, 20)] = 5.0,
    *,
    suspended: Annotated[bool, Flag()] = True,
    trench: Annotated[bool, Flag()] = True,
) -> gf.Component:
    """Two-stage inverse taper for cleaved standard fibre, the second stage in a membrane of oxide.

    ::

                     [ ][ ][ ]   windows: the substrate is gone below
        o1 ====----------------| o2 (facet)
                     [ ][ ][ ]

    The spot of a standard fibre reaches further down than the buried oxide: without the membrane it leaks into the
    substrate. The membrane hangs on tethers between the windows.

    Args:
        tip_width: width of the tip at the facet in um.
        width_mid: core width between the stages in um.
        length_first: from the waveguide to `width_mid`, on the substrate, um.
        length_second: from `width_mid` to the tip, in the membrane, um.
        half_membrane: from the axis to the windows in um.
        length_window: of each window along the axis in um; it is 12 um wide.
        length_tether: of oxide between windows in um.
        suspended: draw the windows.
        trench: draw the trench that makes the facet; without it the saw or a cell above does.
    """
    c = gf.Component()
    end = round(length_first + length_second, 3)
    _taper(c, 0.0, length_first, waveguide("strip").width, width_mid)
    _taper(c, length_first, length_second, width_mid, tip_width)
    if suspended:
        pitch = length_window + length_tether
        count = int((length_second - length_tether + 1e-9) // pitch)
        for i in range(count):
            right = round(end - length_tether - i * pitch, 3)
            for side in (1, -1):
                low, high = sorted((side * half_membrane, side * (half_membrane + _WINDOW)))
                rectangle(c, "UNDERCUT", round(right - length_window, 3), low, right, high)
    if trench:
        rectangle(c, "DEEPTRENCH", end, -_TRENCH_REACH, end + _TRENCH, _TRENCH_REACH)
    optical_port(c, "o1", 0, 0, 180)
    face_port(c, "o2", end, 0, 0)
    c.info["length"] = end
    return c


def draw_array(c: gf.Component, coupler: gf.Component, n: int, pitch: float, loopbacks: int) -> None:
    """Place couplers in a row and join neighbours at its ends by loopbacks; ports `f1`... (facet), `o1`... (inside).

    Args:
        c: component to draw in.
        coupler: edge coupler with ports `o1` (waveguide) and `o2` (facet).
        n: number of couplers.
        pitch: centre to centre in um.
        loopbacks: 0, 1 (south end) or 2 (both ends).

    Raises:
        ParameterError: too few couplers for the loopbacks, or a pitch that is too small to turn one.
    """
    if n < 2 * loopbacks:
        raise ParameterError(
            f"edge coupler array: n = {n} is too few for {loopbacks} loopbacks; give at least {2 * loopbacks}"
        )
    facet = coupler.ports["o2"].center[0]
    rectangle(c, "DEEPTRENCH", facet, -_TRENCH_REACH, facet + _TRENCH, round((n - 1) * pitch + _TRENCH_REACH, 3))
    rows = []
    for i in range(n):
        ref = c << coupler
        ref.name = f"coupler_{i + 1}"
        ref.move((0, round(i * pitch, 3)))
        rows.append(ref)
        c.add_port(f"f{i + 1}", port=ref.ports["o2"])
    looped: set[int] = set()
    for low in (0, n - 2)[:loopbacks]:
        bend = bend_euler()
        size = bend.ports["o2"].center[1]
        if pitch <= 2 * size:
            raise ParameterError(
                f"edge coupler array: pitch = {pitch} um is too small to turn a loopback; "
                f"give more than {2 * size:.3f} um"
            )
        down, up, link = c << bend, c << bend, c << straight(length=round(pitch - 2 * size, 3))
        down.name, up.name, link.name = f"loop_{low + 1}_a", f"loop_{low + 1}_b", f"loop_{low + 1}"
        down.connect("o2", rows[low].ports["o1"])
        link.connect("o2", down.ports["o1"])
        up.connect("o2", link.ports["o1"])
        looped |= {low, low + 1}
    for k, i in enumerate(i for i in range(n) if i not in looped):
        c.add_port(f"o{k + 1}", port=rows[i].ports["o1"])


@cell
def edge_coupler_array(
    n: Annotated[int, Count(1, 200)] = 22,
    pitch: Annotated[float, Um(50, 1_000)] = 127.0,
    tip_width: Annotated[float, Um(0.12, 0.24, step=0.002)] = 0.15,
    length_taper: Annotated[float, Um(10, 1_000)] = 150.0,
    loopbacks: Annotated[int, Count(0, 2)] = 2,
) -> gf.Component:
    """Edge couplers at the pitch of a fibre array, with an alignment loopback at each end.

    ::

        .--- ========-----| f4
        '--- ========-----| f3
        o1 - ========-----| f2 ...

    Ports: `f1`... at the facet from south to north, `o1`... the inner ends that no loopback joins, from south to north.

    Args:
        n: number of edge couplers.
        pitch: centre to centre in um.
        tip_width: of each coupler in um.
        length_taper: of each coupler in um.
        loopbacks: 0, 1 (the first two couplers joined on the inside) or 2 (the last two as well).

    Raises:
        ParameterError: too few couplers for the loopbacks, or a pitch that is too small to turn one.
    """
    c = gf.Component()
    draw_array(c, edge_coupler(tip_width=tip_width, length_taper=length_taper), n, pitch, loopbacks)
    return c
