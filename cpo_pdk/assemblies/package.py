"""The package: substrate, ASIC, engines, fibres and connectors, drawn at true scale, its centre at the origin."""

from __future__ import annotations

from cpo_pdk.assemblies.asic import asic
from cpo_pdk.assemblies.fibre_drawing import draw_fibres
from cpo_pdk.assemblies.kit import Kit
from cpo_pdk.assemblies.planning import Plan
from cpo_pdk.components.drawing import rectangle
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace
from cpo_pdk.tech.gdsfactory_safe import gf


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
    draw_fibres(c, spec, plan, kit, placed)
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
