"""The package: substrate, ASIC, engines, fibres and connectors, drawn at true scale, its centre at the origin."""

from __future__ import annotations

from cpo_pdk.assemblies.kit import Kit, make
from cpo_pdk.assemblies.planning import Plan
from cpo_pdk.components import connector
from cpo_pdk.components.drawing import FACE_TYPE, rectangle, square
from cpo_pdk.errors import AssemblyError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace
from cpo_pdk.tech.gdsfactory_safe import gf

_RAISE = gf.kf.conf.CheckInstances.RAISE
BUMP_ASIC = 0.6  # diameter of an ASIC bump over its pitch


@gf.cell(basename="cpo_asic_bump", check_instances=_RAISE)
def asic_bump(size: float) -> gf.Component:
    """One bump of the ASIC's field, a square.

    Args:
        size: edge in um.
    """
    c = gf.Component()
    square(c, "ASIC_BUMP", 0, 0, size)
    return c


@gf.cell(basename="cpo_asic", check_instances=_RAISE)
def asic(size_x: float, size_y: float, bump_pitch: float, bump_margin: float, shoreline: float) -> gf.Component:
    """The switch die seen from above: outline, bump field, SerDes shoreline; centred on the origin.

    Args:
        size_x: in um.
        size_y: in um.
        bump_pitch: in um.
        bump_margin: from the die's edge to the outermost bumps in um.
        shoreline: depth of the SerDes rows along each edge in um.
    """
    c = gf.Component()
    x, y = size_x / 2, size_y / 2
    rectangle(c, "ASIC", -x, -y, x, y)
    for left, bottom, right, top in (
        (-x, y - shoreline, x, y),
        (-x, -y, x, -y + shoreline),
        (-x, -y + shoreline, -x + shoreline, y - shoreline),
        (x - shoreline, -y + shoreline, x, y - shoreline),
    ):
        rectangle(c, "SHORELINE", left, bottom, right, top)
    columns = int((size_x - 2 * bump_margin) // bump_pitch) + 1
    rows = int((size_y - 2 * bump_margin) // bump_pitch) + 1
    field = c.add_ref(
        asic_bump(size=round(BUMP_ASIC * bump_pitch, 0)),
        columns=columns,
        rows=rows,
        column_pitch=bump_pitch,
        row_pitch=bump_pitch,
    )
    field.move((round(-(columns - 1) * bump_pitch / 2, 3), round(-(rows - 1) * bump_pitch / 2, 3)))
    c.info["bumps"] = columns * rows
    return c


def draw_package(spec: PackageSpec, plan: Plan, kit: Kit, engine: gf.Component) -> gf.Component:
    """Draw a planned package; the fibres' ends meet facets and connectors exactly, or it is an error.

    Args:
        spec: the package.
        plan: where everything stands.
        kit: devices.
        engine: the drawn engine, lower left corner at the origin, facet in the east.

    Raises:
        AssemblyError: when a fibre does not end at its connector.
    """
    c = gf.Component()
    c.function_name = "package"
    x, y = (s * 500 for s in spec.substrate.size_mm)
    rectangle(c, "SUBSTRATE", -x, -y, x, y)
    a = spec.asic
    die = c << asic(
        size_x=a.size_mm[0] * 1e3,
        size_y=a.size_mm[1] * 1e3,
        bump_pitch=a.bump_pitch_um,
        bump_margin=a.bump_margin_um,
        shoreline=a.shoreline_um,
    )
    die.name = "asic"
    placed = {place.name: _place_engine(c, place, engine, spec.engines.keepout_um) for place in plan.engines}
    loops = spec.engine.fibre_counts["loopback"]
    names = [p.name for p in engine.ports if p.port_type == FACE_TYPE]
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
    c.info["kind"] = "package"
    c.info["name"] = spec.name
    return c


def _place_engine(c: gf.Component, place: EnginePlace, engine: gf.Component, keepout: float) -> gf.ComponentReference:
    """Place one engine by the centre of its die, and draw its keep-out."""
    length, width = engine.info["size_um"]
    ref = c << engine
    ref.name = f"engine_{place.name}"
    ref.rotate(place.rotation)
    cos, sin = place.outward
    ref.move(
        (round(place.x - (cos * length - sin * width) / 2, 3), round(place.y - (sin * length + cos * width) / 2, 3))
    )
    left, bottom, right, top = place.box((length, width))
    rectangle(
        c,
        "KEEPOUT",
        round(left - keepout, 3),
        round(bottom - keepout, 3),
        round(right + keepout, 3),
        round(top + keepout, 3),
    )
    return ref


def _must_meet(name: str, end: gf.Port, target: gf.Port) -> None:
    (x0, y0), (x1, y1) = end.center, target.center
    if (x0, y0) != (x1, y1) or (end.orientation - target.orientation) % 360 != 180:
        raise AssemblyError(
            f"{name}: ends at ({x0}, {y0}) um, its connector is at ({x1}, {y1}) um; this is a fault of the ribbon "
            "planner, please report it"
        )
