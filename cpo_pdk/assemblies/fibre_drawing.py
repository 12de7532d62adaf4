"""Fibres and connectors of a planned package, drawn into its top component."""

from __future__ import annotations

from collections.abc import Mapping

from cpo_pdk.assemblies.kit import Kit, make
from cpo_pdk.assemblies.planning import Plan
from cpo_pdk.components import connector
from cpo_pdk.components.drawing import FACE_TYPE
from cpo_pdk.errors import AssemblyError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.tech.gdsfactory_safe import gf


def draw_fibres(
    c: gf.Component, spec: PackageSpec, plan: Plan, kit: Kit, placed: Mapping[str, gf.ComponentReference]
) -> None:
    """Draw all fibres and connectors; the fibres' ends meet facets and connectors exactly, or it is an error.

    Args:
        c: top component of the package.
        spec: the package.
        plan: where everything stands.
        kit: devices.
        placed: engine's name -> where it stands in `c`.

    Raises:
        AssemblyError: when a fibre does not end at its connector.
    """
    loops = spec.engine.fibre_counts["loopback"]
    names = [p.name for p in next(iter(placed.values())).ports if p.port_type == FACE_TYPE]
    for ribbon in plan.ribbons:
        ref, name = placed[ribbon.engine.name], ribbon.engine.name
        for index in [i for i, port in enumerate(names) if port.startswith("loop_")][:loops]:
            stub = c << make(kit, "fiber", route=tuple(plan.bundle.fan_out(index)), open_end=True)
            stub.name = f"fibre_{name}_{names[index]}"
            stub.connect("o1", ref.ports[names[index]])
        for group in ribbon.groups:
            lead = plan.fibre_x(ribbon, group, group.first)
            plug = c << connector(
                name=group.name,
                kind=group.kind,
                n=group.count,
                pitch=plan.bundle.pitch_ribbon,
                wall=round((group.body - (group.count - 1) * plan.bundle.pitch_ribbon) / 2, 3),
            )
            plug.name = group.name.replace("-", "_")
            plug.rotate(90)
            plug.move((lead, spec.faceplate.distance_mm * 1e3))
            role = "laser_fiber" if names[group.first].startswith("laser_") else "fiber"
            for index in range(group.first, group.first + group.count):
                line = c << make(kit, role, route=plan.route(ribbon, group, index))
                line.name = f"fibre_{name}_{names[index]}"
                line.connect("o1", ref.ports[names[index]])
                _must_meet(line.name, line.ports["o2"], plug.ports[f"p{index - group.first + 1}"])


def _must_meet(name: str, end: gf.Port, target: gf.Port) -> None:
    (x0, y0), (x1, y1) = end.center, target.center
    if (x0, y0) != (x1, y1) or (end.orientation - target.orientation) % 360 != 180:
        raise AssemblyError(
            f"{name}: ends at ({x0}, {y0}) um, its connector is at ({x1}, {y1}) um; this is a fault of the ribbon "
            "planner, please report it"
        )
