"""Light on and off the chip: edge coupler and its array, grating coupler, polarisation splitter-rotator."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Count, Real, Um, cell
from cpo_pdk.components.curves import arc_steps, band, sine_s
from cpo_pdk.components.drawing import FACE_LAYER, face_port, optical_port, polygon, rectangle
from cpo_pdk.components.waveguides import bend_euler, straight
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.waveguides import cross_section as waveguide

_TRENCH_REACH = 60.0  # of the facet trench beside the outermost coupler, um
_LEAD = 0.2  # straight piece between the port and the fan of a grating, um
_TRENCH = 20.0  # width of the facet trench outside the die, um


@cell
def edge_coupler(
    tip_width: Annotated[float, Um(0.12, 0.4, step=0.002)] = 0.15, length_taper: Annotated[float, Um(10, 1_000)] = 150.0
) -> gf.Component:
    """Inverse taper to the facet; the trench that makes the facet lies outside it.

    ::

        o1 =====-----| o2 (facet)

    Args:
        tip_width: width of the tip at the facet in um.
        length_taper: in um; at the share t of it the width is tip + (core - tip) (1 - t)^(1/0.7), slowest at the tip.
    """
    c = gf.Component()
    t = np.linspace(0, 1, 41)
    width = tip_width + (waveguide("strip").width - tip_width) * (1 - t) ** (1 / 0.7)
    line = np.column_stack([t * length_taper, np.zeros_like(t)])
    polygon(c, "WG", band(line, width, 0.0, 0.0))
    rectangle(c, "DEEPTRENCH", length_taper, -_TRENCH_REACH, length_taper + _TRENCH, _TRENCH_REACH)
    optical_port(c, "o1", 0, 0, 180)
    face_port(c, "o2", length_taper, 0, 0)
    c.info["length"] = length_taper
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
    tip_width: Annotated[float, Um(0.12, 0.4, step=0.002)] = 0.15,
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


def _rim(apex: float, x: float, spread: float) -> np.ndarray:
    """Points of the arc round (`apex`, 0) that meets the axis at `x`, from south to north; um, `spread` in radians."""
    phi = np.linspace(-spread, spread, arc_steps(x - apex, 2 * spread) + 1)
    return np.column_stack([apex + (x - apex) * np.cos(phi), (x - apex) * np.sin(phi)])


def _arcs(apex: float, inner: float, outer: float, spread: float) -> np.ndarray:
    """Outline between two arcs of a fan; arguments as `_rim`."""
    return np.concatenate([_rim(apex, inner, spread), _rim(apex, outer, spread)[::-1]])


@cell
def grating_coupler(
    period: Annotated[float, Um(0.3, 1.5)] = 0.5,
    fill_factor: Annotated[float, Real(0.3, 0.7)] = 0.5,
    n_periods: Annotated[int, Count(5, 200)] = 80,
    length_taper: Annotated[float, Um(5, 500)] = 16.0,
    half_angle: Annotated[float, Real(5, 40, "degrees")] = 20.0,
) -> gf.Component:
    """Focusing grating coupler for wafer-level test: a fan of silicon 150 nm high with teeth of full height on it.

    ::

              ( ( ( (
        o1 --<( ( ( (    o2 up
              ( ( ( (

    The default period is CORNERSTONE's O-band grating (250 nm lines and spaces, 10 degrees).

    Args:
        period: in um.
        fill_factor: unetched share of the period.
        n_periods: number of teeth.
        length_taper: from the port to the first tooth in um.
        half_angle: of the fan in degrees.

    Raises:
        ParameterError: when a tooth or a slot is narrower than 0.2 um.
    """
    tooth = round(period * fill_factor, 3)
    if min(tooth, period - tooth) < 0.2:
        raise ParameterError(
            f"grating_coupler: period = {period} um with fill_factor = {fill_factor} needs features below 0.2 um"
        )
    c = gf.Component()
    width = waveguide("strip").width
    spread = math.radians(half_angle)
    apex = _LEAD - width / 2 / math.tan(spread)
    outer = length_taper + n_periods * period + 2.0
    lead = np.array([(0.0, -width / 2), (_LEAD, -width / 2)])
    first = _rim(apex, length_taper + tooth, spread)
    polygon(c, "WG", np.concatenate([lead, first, lead[::-1] * (1, -1)]))
    polygon(c, "SLAB150", _arcs(apex, length_taper, outer, spread))
    for i in range(1, n_periods):
        inner = length_taper + i * period
        polygon(c, "WG", _arcs(apex, inner, inner + tooth, spread))
    inner = length_taper + n_periods * period
    polygon(c, "WG", _arcs(apex, inner, outer, spread))
    optical_port(c, "o1", 0, 0, 180)
    c.add_port(
        "o2",
        center=(round(length_taper + n_periods * period / 3, 3), 0),
        orientation=0,
        width=10.0,
        layer=layer_of(FACE_LAYER),
        port_type="vertical_te",
    )
    return c


@cell
def psr(
    length_bilevel: Annotated[float, Um(10, 300)] = 40.0,
    length_coupler: Annotated[float, Um(5, 200)] = 30.0,
    gap: Annotated[float, Um(0.12, 0.5)] = 0.2,
    width_hybrid: Annotated[float, Um(0.5, 1)] = 0.6,
    width_narrow: Annotated[float, Um(0.2, 0.4)] = 0.3,
    dy: Annotated[float, Um(2, 20)] = 6.0,
    length_out: Annotated[float, Um(10, 200)] = 30.0,
) -> gf.Component:
    """Polarisation splitter-rotator: a bilevel taper turns TM0 into TE1, an asymmetric coupler drops TE1 as TE0.

    ::

                          .---- o3 (was TM)
        o1 ==<bilevel>== ======
                          '---- o2 (was TE)

    Args:
        length_bilevel: of each half of the bilevel taper in um.
        length_coupler: of the asymmetric coupler in um.
        gap: between its waveguides in um.
        width_hybrid: core width where TM0 meets TE1 in um.
        width_narrow: width of the waveguide that takes TE1 as its own TE0 in um.
        dy: centre to centre of the outputs in um.
        length_out: from the coupler to the outputs in um.

    Raises:
        ParameterError: when the dropped output would bend below the smallest radius of the strip.
    """
    c = gf.Component()
    width = waveguide("strip").width
    x1, x2, x3 = length_bilevel, 2 * length_bilevel, 2 * length_bilevel + length_coupler
    end = round(x3 + length_out, 3)
    through = [(0, width), (x1, width_hybrid), (x2, width_hybrid), (x3, width_hybrid), (end, width)]
    polygon(c, "WG", band(np.array([[x, 0.0] for x, _ in through]), [w for _, w in through]))
    wide = width_hybrid + 1.0
    polygon(c, "SLAB90", band(np.array([[0.0, 0.0], [x1, 0.0], [x2, 0.0]]), [width + 0.1, wide, width_hybrid + 0.1]))
    y = math.ceil(round(500 * (width_hybrid + width_narrow) + 1000 * gap, 3)) / 1000
    tip = max(0.15, width_narrow - 0.1)
    bend, _, radius = sine_s(end - x3, dy - y)
    if radius < waveguide("strip").radius_min:
        raise ParameterError(
            f"psr: dy = {dy} um over length_out = {length_out} um bends the output at {radius:.2f} um, below the "
            f"{waveguide('strip').radius_min} um of strip; lengthen length_out"
        )
    drop = np.concatenate([[[x2, y]], np.column_stack([x3 + bend[:, 0], y + bend[:, 1]])])
    grow = np.linspace(0, 1, len(bend))
    polygon(c, "WG", band(drop, np.concatenate([[tip], width_narrow + (width - width_narrow) * grow]), 0.0, 0.0))
    optical_port(c, "o1", 0, 0, 180)
    optical_port(c, "o2", end, 0, 0)
    optical_port(c, "o3", end, dy, 0)
    c.info["length"] = end
    return c
