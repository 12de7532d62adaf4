"""The package: substrate, ASIC, engines, fibres and connectors, drawn at true scale, its centre at the origin."""

from __future__ import annotations

from collections.abc import Iterable

from cpo_pdk.assemblies.asic import asic
from cpo_pdk.assemblies.escape.drawing import draw_fibres
from cpo_pdk.assemblies.kit import Kit
from cpo_pdk.assemblies.planning import Plan
from cpo_pdk.assemblies.serdes import Airwire, assign_lanes
from cpo_pdk.components.drawing import FACE_TYPE, rectangle
from cpo_pdk.errors import SpecError
from cpo_pdk.spec.carriers import place_carriers
from cpo_pdk.spec.keep_outs import LAYER, keep_out_box
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace
from cpo_pdk.spec.reach import trace_problems
from cpo_pdk.spec.serdes import lanes_of_sides, lengths_of_sides, reserved_of_sides
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of

AIRWIRE_WIDTH = 2.0  # of the line drawn, um: it stands for a trace, it is none


def draw_package(spec: PackageSpec, plan: Plan, kit: Kit, engine: gf.Component) -> gf.Component:
    """Draw a planned package; the fibres' ends meet facets and connectors exactly, or it is an error.

    Args:
        spec: the package.
        plan: where everything stands.
        kit: devices.
        engine: the drawn engine, lower left corner at the origin, facet in the east.

    Raises:
        SpecError: when a trace is longer than the electrical interface reaches.
        AssemblyError: when a fibre does not end at its connector.
    """
    size = engine.info["size_um"]
    airwires = assign_lanes(spec, plan.engines, size, engine.info["lane_bumps"])
    problems = trace_problems(spec, airwires)
    if problems:
        raise SpecError(problems)
    c = gf.Component()
    c.function_name = "package"
    _draw_boards(c, spec, plan, (size[0], size[1]))
    a = spec.asic
    die = c << asic(
        size_x=a.size_mm[0] * 1e3,
        size_y=a.size_mm[1] * 1e3,
        bump_pitch=a.bump_pitch_um,
        bump_margin=a.bump_margin_um,
        shoreline=a.shoreline_um,
        shoreline_lengths=lengths_of_sides(spec),
        lanes=lanes_of_sides(spec),
        bumps_per_lane=spec.electrical.bumps_per_lane,
        reserved=reserved_of_sides(spec),
    )
    die.name = "asic"
    placed = {place.name: _place_engine(c, place, engine, spec.engines.keepout_um) for place in plan.engines}
    _draw_airwires(c, airwires)
    draw_fibres(c, spec, plan.escape, kit, placed)
    c.info["kind"] = "package"
    c.info["name"] = spec.name
    # a spare stands there without fibres until it takes over
    spares = [place.name for place in plan.engines if place.spare]
    if spares:
        faces = [port.name for port in engine.ports if port.port_type == FACE_TYPE]
        c.info["open_ports"] = [f"engine_{name}.{face}" for name in spares for face in faces]
    return c


def _draw_boards(c: gf.Component, spec: PackageSpec, plan: Plan, size: tuple[float, float]) -> None:
    """Substrate, interposer, boards of sub-assemblies, and the parts that engines and fibres leave room for."""
    x, y = (s * 500 for s in spec.substrate.size_mm)
    rectangle(c, "SUBSTRATE", -x, -y, x, y)
    if spec.interposer is not None:
        x, y = (s * 500 for s in spec.interposer.size_mm)
        rectangle(c, "INTERPOSER", -x, -y, x, y)
    for carrier in place_carriers(spec, plan.engines, size):
        rectangle(c, "CARRIER", *carrier.box)
    for keep in spec.keepouts:
        rectangle(c, LAYER[keep.kind], *keep_out_box(keep))
        if keep.fibres == "over":
            rectangle(c, "OVERPASS", *keep_out_box(keep))


def _place_engine(c: gf.Component, place: EnginePlace, engine: gf.Component, keepout: float) -> gf.ComponentReference:
    """Place one engine by the centre of its die, and draw its keep-out."""
    length, width = engine.info["size_um"]
    ref = c << engine
    ref.name = f"engine_{place.name}"
    ref.rotate(place.rotation)
    ref.move(place.corner((length, width)))
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


def _draw_airwires(c: gf.Component, airwires: Iterable[Airwire]) -> None:
    """One two-point path a lane and direction, from its bump on the ASIC to that on its engine."""
    layer = c.kcl.layer(*layer_of("AIRWIRE"))
    for wire in airwires:
        ends = [gf.kf.kdb.DPoint(*wire.start), gf.kf.kdb.DPoint(*wire.end)]
        c.kdb_cell.shapes(layer).insert(gf.kf.kdb.DPath(ends, AIRWIRE_WIDTH))
