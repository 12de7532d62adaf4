"""Optical routing between ports of a component: Euler bends of the process, and a collision is an error.

The router is gdsfactory's; what it draws is measured again, because it can't know obstacles that nobody told it of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cpo_pdk.components import bend_euler, straight
from cpo_pdk.errors import AssemblyError
from cpo_pdk.tech.gdsfactory_safe import gf, kf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.waveguides import cross_section as waveguide

kdb = kf.kdb

#: slivers where a port of a curve meets its neighbour, dbu
_SLIVER = 2


def route_optical(
    c: gf.Component,
    starts: Sequence[gf.Port],
    ends: Sequence[gf.Port],
    *,
    cross_section: str = "strip",
    radius: float | None = None,
    separation: float = 10.0,
    **options: Any,
) -> list[float]:
    """Route waveguides from each start to its end, in the order given.

    Args:
        c: component to draw in.
        starts: ports to start from.
        ends: ports to end at, one a start.
        cross_section: strip or rib.
        radius: smallest radius of curvature of the bends in um; None: the cross-section's.
        separation: centre to centre of neighbouring waveguides in um.
        options: passed on to `gdsfactory.routing.route_bundle` (waypoints, start_straight_length...).

    Returns:
        Length of each route in um.

    Raises:
        AssemblyError: no way found, or a route that crosses a waveguide that was there before, or another route.
    """
    if len(starts) != len(ends):
        raise AssemblyError(f"route_optical: {len(starts)} starts but {len(ends)} ends; give one end a start")
    before = _core(c)
    known = len(c.insts)
    radius = waveguide(cross_section).radius if radius is None else radius
    bend = bend_euler(radius=radius, cross_section=cross_section)
    try:
        routes = gf.routing.route_bundle(
            c,
            list(starts),
            list(ends),
            cross_section=gf.get_cross_section(cross_section),
            straight=lambda length, **_: straight(length=length, cross_section=cross_section),
            bend=bend,
            separation=separation,
            raise_on_error=True,
            on_collision="error",
            **options,
        )
    except (ValueError, RuntimeError) as error:
        raise AssemblyError(f"route_optical: {_first_line(error)}; move the ports apart or give waypoints") from None
    drawn = kdb.Region()
    for index in range(known, len(c.insts)):
        drawn += _shapes(c.insts[index].instance)
    crossing = (before & drawn) + drawn.merged(False, 2)
    crossing = crossing.sized(-_SLIVER).sized(_SLIVER)
    if not crossing.is_empty():
        box = crossing.bbox().to_dtype(c.kcl.dbu)
        raise AssemblyError(
            f"route_optical: a route crosses a waveguide at ({box.center().x:.3f}, {box.center().y:.3f}) um; "
            "place a crossing there, or give waypoints round it"
        )
    return [route.length_straights * c.kcl.dbu + route.n_bend90 * bend.info["length"] for route in routes]


def _core(c: gf.Component) -> kdb.Region:
    """All waveguide cores of a component."""
    return kdb.Region(c.kdb_cell.begin_shapes_rec(c.kcl.layout.layer(*layer_of("WG")))).merged()


def _shapes(instance: kdb.Instance) -> kdb.Region:
    """Waveguide cores of one instance, in the coordinates of its parent."""
    layout = instance.layout()
    shapes = kdb.Region(instance.cell.begin_shapes_rec(layout.layer(*layer_of("WG"))))
    return shapes.transformed(instance.cplx_trans)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
