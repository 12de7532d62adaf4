"""Waveguides and what joins them: straight, bends, strip-rib taper, crossing, terminator."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from scipy.interpolate import PchipInterpolator

from cpo_pdk.components.cell import Maybe, OneOf, Um, cell
from cpo_pdk.components.curves import band, euler_bend, sine_s, sine_s_length
from cpo_pdk.components.drawing import guide, optical_port, polygon
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.process import RIB_SLAB_WIDTH
from cpo_pdk.tech.waveguides import cross_section as waveguide

Guide = Annotated[str, OneOf(("strip", "rib"))]
Width = Annotated[float | None, Maybe(Um(0.3, 0.6, step=0.002))]

#: slope of a taper's edges from which the corners at its wide end are below 61 degrees, and count as needles
_STEEPEST = 0.55


def _slab(points: np.ndarray, cross_section: str, **headings: float) -> np.ndarray | None:
    return band(points, RIB_SLAB_WIDTH, **headings) if cross_section == "rib" else None


@cell
def straight(
    length: Annotated[float, Um(0.25, 50_000)] = 10.0, cross_section: Guide = "strip", width: Width = None
) -> gf.Component:
    """Straight waveguide.

    ::

        o1 -------- o2

    Args:
        length: in um.
        cross_section: strip or rib.
        width: of the core in um; None: the cross-section's.
    """
    c = gf.Component()
    core = waveguide(cross_section).width if width is None else width
    line = np.array([[0.0, 0.0], [length, 0.0]])
    guide(c, band(line, core), cross_section, _slab(line, cross_section))
    optical_port(c, "o1", 0, 0, 180, cross_section, core)
    optical_port(c, "o2", length, 0, 0, cross_section, core)
    c.info["length"] = length
    return c


@cell
def bend_euler(
    radius: Annotated[float, Um(5, 1_000)] = 10.0,
    angle: Annotated[float, OneOf((90, 180, 90.0, 180.0))] = 90.0,
    cross_section: Guide = "strip",
    width: Width = None,
) -> gf.Component:
    """Clothoid-arc-clothoid bend to the left; half of the turn is made by the arc.

    ::

                o2
                |
        o1 ----'

    Args:
        radius: smallest radius of curvature in um.
        angle: 90 or 180 degrees.
        cross_section: strip or rib.
        width: of the core in um; None: the cross-section's.

    Raises:
        ParameterError: when the radius is below what the cross-section allows.
    """
    c = gf.Component()
    core = waveguide(cross_section)
    if radius < core.radius_min:
        raise ParameterError(f"bend_euler: radius = {radius} um is below the {core.radius_min} um of {cross_section}")
    core_width = core.width if width is None else width
    points, length = euler_bend(radius, angle)
    headings = {"start_deg": 0.0, "end_deg": float(angle)}
    points[-1] = np.round(points[-1], 3)
    guide(c, band(points, core_width, **headings), cross_section, _slab(points, cross_section, **headings))
    optical_port(c, "o1", 0, 0, 180, cross_section, core_width)
    x, y = points[-1]
    optical_port(c, "o2", x, y, int(angle), cross_section, core_width)
    c.info["length"] = round(length, 6)
    c.info["radius_min"] = radius
    return c


@cell
def bend_s(
    length: Annotated[float, Um(1, 20_000)] = 20.0,
    offset: Annotated[float, Um(-5_000, 5_000)] = 5.0,
    cross_section: Guide = "strip",
) -> gf.Component:
    """S-bend of raised-sine shape: no jump of slope or curvature at the ends.

    ::

                  .---- o2
                 /
        o1 -----'

    Args:
        length: from port to port along x in um.
        offset: from port to port along y in um, positive to the left.
        cross_section: strip or rib.

    Raises:
        ParameterError: when the curve would be tighter than the cross-section allows.
    """
    c = gf.Component()
    core = waveguide(cross_section)
    points, path, radius = sine_s(length, offset)
    if radius < core.radius_min:
        raise ParameterError(
            f"bend_s: length = {length} um for offset = {offset} um bends at {radius:.2f} um, below the "
            f"{core.radius_min} um of {cross_section}; make it at least "
            f"{sine_s_length(offset, core.radius_min):.1f} um long"
        )
    headings = {"start_deg": 0.0, "end_deg": 0.0}
    guide(c, band(points, core.width, **headings), cross_section, _slab(points, cross_section, **headings))
    optical_port(c, "o1", 0, 0, 180, cross_section)
    optical_port(c, "o2", length, offset, 0, cross_section)
    c.info["length"] = round(path, 6)
    c.info["radius_min"] = round(min(radius, 1e6), 3)
    return c


@cell
def taper(
    length: Annotated[float, Um(1, 1_000)] = 20.0,
    width1: Annotated[float, Um(0.2, 5, step=0.002)] = 0.4,
    width2: Annotated[float, Um(0.2, 5, step=0.002)] = 1.0,
) -> gf.Component:
    """Strip that widens or narrows evenly.

    ::

                  .----
        o1 ---<        o2
                  '----

    Args:
        length: in um.
        width1: core width at o1 in um.
        width2: core width at o2 in um.

    Raises:
        ParameterError: when its wide end would be a needle.
    """
    shortest = math.ceil(abs(width2 - width1) / 2 / _STEEPEST * 1000) / 1000
    if length < shortest:
        raise ParameterError(
            f"taper: length = {length} um from width1 = {width1} um to width2 = {width2} um makes corners too sharp to "
            f"print; give at least {shortest:.3f} um"
        )
    c = gf.Component()
    polygon(c, "WG", [(0, -width1 / 2), (length, -width2 / 2), (length, width2 / 2), (0, width1 / 2)])
    optical_port(c, "o1", 0, 0, 180, "strip", width1)
    optical_port(c, "o2", length, 0, 0, "strip", width2)
    c.info["length"] = length
    return c


@cell
def taper_strip_rib(length: Annotated[float, Um(5, 500)] = 20.0) -> gf.Component:
    """Strip to rib: the slab opens slowly beside a core of constant width.

    ::

                ____
              .'
        o1 ----------- o2 (rib)
              '.____

    Args:
        length: in um.
    """
    c = gf.Component()
    width = waveguide("strip").width
    polygon(c, "WG", [(0, -width / 2), (length, -width / 2), (length, width / 2), (0, width / 2)])
    narrow, wide = width + 0.1, RIB_SLAB_WIDTH
    polygon(c, "SLAB90", [(0, -narrow / 2), (length, -wide / 2), (length, wide / 2), (0, narrow / 2)])
    optical_port(c, "o1", 0, 0, 180, "strip")
    optical_port(c, "o2", length, 0, 0, "rib")
    c.info["length"] = length
    return c


#: widths of a crossing's arm at equal distances from port to centre: 0 that of the strip, 1 that of the centre
_CROSSING = (0.0, 0.104, 0.785, 0.878, 1.036, 1.215, 1.0)
_CROSSING_STEPS = 20  # pieces of the outline between two of them


def _without_steps(polygon: gf.kdb.Polygon) -> gf.kdb.Polygon:
    """The polygon without the steps of 1 nm that rounding leaves where two arms meet."""
    points = list(polygon.each_point_hull())
    kept = [p for k, p in enumerate(points) if p.distance(points[k - 1]) > 1.5]
    return polygon if len(kept) == len(points) else gf.kdb.Polygon(kept)


@cell
def crossing(
    arm_length: Annotated[float, Um(3, 20)] = 4.5, width_center: Annotated[float, Um(0.8, 3, step=0.002)] = 1.336
) -> gf.Component:
    """Waveguide crossing: four arms that widen so that the light comes to a focus in the middle; 9 x 9 um by default.

    ::

               o2
               |
        o1 ----+---- o3
               |
               o4

    The shape of the arms was found by minimising the loss in two dimensions (`models/data/crossing.yaml`: 0.02 dB).

    Args:
        arm_length: from the centre to each port in um.
        width_center: width of the arms where they meet in um.
    """
    c = gf.Component()
    width = waveguide("strip").width
    t = np.linspace(0, 1, _CROSSING_STEPS * (len(_CROSSING) - 1) + 1)
    shape = PchipInterpolator(np.linspace(0, 1, len(_CROSSING)), _CROSSING)(t)
    half = np.round((width + (width_center - width) * shape) / 2, 3)
    x = np.round(arm_length * (t - 1), 3)
    arm = np.column_stack([np.concatenate([x, -x[-2::-1]]), np.concatenate([half, half[-2::-1]])])
    across = np.concatenate([arm, arm[::-1] * [1, -1]])
    shapes = gf.kdb.Region(
        [gf.kdb.DPolygon([gf.kdb.DPoint(*p) for p in pts]).to_itype(0.001) for pts in (across, across[:, ::-1])]
    )
    for merged in shapes.merged().each():
        c.add_polygon(_without_steps(merged).to_dtype(0.001), layer=layer_of("WG"))
    for name, (px, py, angle) in {
        "o1": (-arm_length, 0, 180),
        "o2": (0, arm_length, 90),
        "o3": (arm_length, 0, 0),
        "o4": (0, -arm_length, 270),
    }.items():
        optical_port(c, name, px, py, angle)
    c.info["length"] = 2 * arm_length
    return c


@cell
def terminator(
    length: Annotated[float, Um(5, 200)] = 20.0,
    tip_width: Annotated[float, Um(0.12, 0.4, step=0.002)] = 0.15,
    cross_section: Guide = "strip",
) -> gf.Component:
    """Inverse taper that lets the light leak into the cladding.

    ::

        o1 ===---

    Args:
        length: in um.
        tip_width: width of the tip in um.
        cross_section: strip or rib.
    """
    c = gf.Component()
    line = np.array([[0.0, 0.0], [length, 0.0]])
    guide(c, band(line, [waveguide(cross_section).width, tip_width]), cross_section, _slab(line, cross_section))
    optical_port(c, "o1", 0, 0, 180, cross_section)
    c.info["length"] = length
    return c
