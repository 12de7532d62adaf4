"""Fibres and connectors of a planned package, drawn into its top component."""

from __future__ import annotations

from collections.abc import Mapping

from cpo_pdk.assemblies.escape.paths import EscapePlan
from cpo_pdk.assemblies.kit import Kit, make
from cpo_pdk.components import connector
from cpo_pdk.errors import AssemblyError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.tech.gdsfactory_safe import gf


def draw_fibres(
    c: gf.Component,
    spec: PackageSpec,
    plan: EscapePlan,
    kit: Kit,
    placed: Mapping[str, gf.ComponentReference],
) -> None:
    """Draw all fibres and connectors; the fibres' ends meet facets and connectors exactly, or it is an error.

    Args:
        c: top component of the package.
        spec: the package.
        plan: of its fibres.
        kit: devices.
        placed: engine's name -> where it stands in `c`.

    Raises:
        AssemblyError: when a fibre does not end at its connector.
    """
    plugs: dict[str, gf.ComponentReference] = {}
    for each in plan.connectors:
        asked = each.plan
        empty = tuple(k for k in range(1, asked.positions + 1) if k not in asked.fibres)
        plug = c << connector(
            name=asked.name,
            kind=asked.kind,
            n=asked.positions,
            pitch=each.pitch,
            wall=round((each.body - (asked.positions - 1) * each.pitch) / 2, 3),
            row=asked.level,
            empty=empty,
        )
        plug.name = asked.name.replace("-", "_")
        plug.rotate(90)
        plug.move((each.position_x(1), round(spec.faceplate.distance_mm * 1e3, 3)))
        plugs[asked.name] = plug
    for fibre in plan.fibres:
        role = "laser_fiber" if fibre.kind == "PM" else "fiber"
        line = c << make(kit, role, route=fibre.steps, level=fibre.level, open_end=not fibre.connector)
        line.name = f"fibre_{fibre.engine}_{fibre.port}"
        line.connect("o1", placed[fibre.engine].ports[fibre.port])
        if fibre.connector:
            _must_meet(line.name, line.ports["o2"], plugs[fibre.connector].ports[f"p{fibre.position}"])


def _must_meet(name: str, end: gf.Port, target: gf.Port) -> None:
    (x0, y0), (x1, y1) = end.center, target.center
    if (x0, y0) != (x1, y1) or (end.orientation - target.orientation) % 360 != 180:
        raise AssemblyError(
            f"{name}: ends at ({x0}, {y0}) um, its connector is at ({x1}, {y1}) um; this is a fault of the ribbon "
            "planner, please report it"
        )
