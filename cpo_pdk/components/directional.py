"""Directional couplers: two straight guides side by side, and two concentric arcs."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import OneOf, Real, Um, cell
from cpo_pdk.components.curves import CHORD_ERROR, Points, arc, band, normals, sine_s
from cpo_pdk.components.drawing import optical_port, polygon
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.process import RIB_SLAB_WIDTH
from cpo_pdk.tech.waveguides import cross_section as waveguide


@cell
def directional_coupler(
    length: Annotated[float, Um(0.1, 200)] = 19.3,
    gap: Annotated[float, Um(0.12, 1, step=0.002)] = 0.2,
    length_s: Annotated[float, Um(5, 100)] = 20.0,
    dy: Annotated[float, Um(2, 50, step=0.002)] = 6.0,
    cross_section: Annotated[str, OneOf(("strip", "rib"))] = "strip",
) -> gf.Component:
    """Directional coupler: two parallel guides between four S-bends.

    ::

        o2 ---.      .--- o3 (crossed)
               ======
        o1 ---'      '--- o4 (through)

    Args:
        length: of the parallel part in um.
        gap: between the parallel waveguides in um.
        length_s: of each S-bend in um.
        dy: centre to centre of the ports in um.
        cross_section: strip or rib; the two ribs stand on one slab.

    Raises:
        ParameterError: when the ports are closer than the coupler, or the S-bends too tight.
    """
    core = waveguide(cross_section)
    pitch = core.width + gap
    if dy <= pitch:
        raise ParameterError(f"directional_coupler: dy = {dy} um is not above width + gap = {pitch:.3f} um")
    bend, path, radius = sine_s(length_s, (dy - pitch) / 2)
    if radius < core.radius_min:
        raise ParameterError(
            f"directional_coupler: S-bends of {length_s} um bend at {radius:.2f} um, below {core.radius_min} um; "
            "lengthen length_s"
        )
    c = gf.Component()
    total = round(2 * length_s + length, 3)
    upper = np.column_stack([bend[:, 0], dy / 2 - bend[:, 1]])
    upper = np.concatenate([upper, np.column_stack([total - upper[::-1, 0], upper[::-1, 1]])])
    lower = upper * [1, -1]
    for line in (upper, lower):
        polygon(c, "WG", band(line, core.width, 0.0, 0.0))
    if cross_section == "rib":
        edge = upper + normals(upper, 0.0, 0.0) * RIB_SLAB_WIDTH / 2
        polygon(c, "SLAB90", np.concatenate([edge, (edge * [1, -1])[::-1]]))
    for name, x, y, angle in (
        ("o1", 0.0, -dy / 2, 180),
        ("o2", 0.0, dy / 2, 180),
        ("o3", total, dy / 2, 0),
        ("o4", total, -dy / 2, 0),
    ):
        optical_port(c, name, x, y, angle, cross_section)
    c.info["length"] = round(length + 2 * path, 6)
    c.info["radius_min"] = round(min(radius, 1e6), 3)
    return c


@cell
def bent_coupler(
    radius: Annotated[float, Um(20, 500)] = 77.0,
    angle: Annotated[float, Real(2, 60, "degrees")] = 17.0,
    gap: Annotated[float, Um(0.122, 0.5, step=0.002)] = 0.15,
    width_inner: Annotated[float, Um(0.3, 0.6, step=0.002)] = 0.4,
    width_outer: Annotated[float, Um(0.3, 0.6, step=0.002)] = 0.4,
    length_s: Annotated[float, Um(10, 200)] = 20.0,
    dy: Annotated[float, Um(2, 20, step=0.002)] = 6.0,
) -> gf.Component:
    """Broadband coupler: two concentric arcs of strip whose phases run apart, between four leads that end horizontal.

    ::

        o2 --.   outer   .-- o3 (crossed)
              `=========`
        o1 --'   inner   `-- o4 (through)

    Each lead starts with slope and curvature of its arc and ends with neither; along it the width returns to the
    strip's, both as `10 t^3 - 15 t^4 + 6 t^5` (Hermite's quintic).

    Args:
        radius: of the middle of the gap in um.
        angle: of the arcs in degrees.
        gap: between the arcs in um.
        width_inner: of the inner arc in um.
        width_outer: of the outer arc in um.
        length_s: extent along x of each lead, from the middle of the gap, in um.
        dy: centre to centre of the ports in um.

    Raises:
        ParameterError: when the leads bend too tightly.
    """
    core = waveguide("strip")
    half = math.radians(angle) / 2
    c = gf.Component()
    x_end = round(radius * math.sin(half) + length_s, 3)
    y_mid = radius * math.cos(half) - math.tan(half) * length_s / 2
    tightest = math.inf
    for side, width in ((1, width_outer), (-1, width_inner)):
        own = radius + side * (gap + width) / 2
        middle = arc((0.0, -y_mid), own, math.pi / 2 + half, math.pi / 2 - half)
        start = (middle[-1, 0], middle[-1, 1], -math.tan(half), -1 / (own * math.cos(half) ** 3))
        lead, share, bend = _lead(start, (x_end, side * dy / 2))
        tightest = min(tightest, bend)
        line = np.concatenate([lead[::-1] * [-1, 1], middle[1:-1], lead])
        narrowing = width + (core.width - width) * share
        widths = np.concatenate([narrowing[::-1], np.full(len(middle) - 2, width), narrowing])
        polygon(c, "WG", band(line, widths, 0.0, 0.0))
    if tightest < core.radius_min:
        raise ParameterError(
            f"bent_coupler: leads of {length_s} um bend at {tightest:.2f} um, below {core.radius_min} um; "
            "lengthen length_s, or lower angle or dy"
        )
    for name, x, y, heading in (
        ("o1", -x_end, -dy / 2, 180),
        ("o2", -x_end, dy / 2, 180),
        ("o3", x_end, dy / 2, 0),
        ("o4", x_end, -dy / 2, 0),
    ):
        optical_port(c, name, x, y, heading)
    c.info["radius_min"] = round(min(tightest, radius), 3)
    return c


def _lead(start: tuple[float, float, float, float], end: tuple[float, float]) -> tuple[Points, Points, float]:
    """Curve that leaves a point with a slope and a curvature and ends horizontal and straight.

    Args:
        start: x, y in um, slope dy/dx, second derivative in 1/um.
        end: x, y in um.

    Returns:
        Points, shape (N, 2); share of the way from the start's width to the end's at each; smallest radius in um.
    """
    (x0, y0, slope, second), (x1, y1) = start, end
    length = x1 - x0
    powers = np.polynomial.Polynomial
    step = powers([0, 0, 0, 10, -15, 6])
    y = (
        y0
        + (y1 - y0) * step
        + slope * length * powers([0, 1, 0, -6, 8, -3])
        + second * length**2 * powers([0, 0, 0.5, -1.5, 1.5, -0.5])
    )
    t = np.linspace(0, 1, 2001)
    bend = np.abs(y.deriv(2)(t)) / length**2 / (1 + (y.deriv()(t) / length) ** 2) ** 1.5
    radius = float(1 / np.max(bend))
    t = np.linspace(0, 1, max(40, math.ceil(1.2 * length / math.sqrt(8 * radius * CHORD_ERROR))) + 1)
    line = np.column_stack([x0 + t * length, y(t)])
    line[-1] = end
    return line, step(t), radius
