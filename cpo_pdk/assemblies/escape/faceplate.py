"""Connectors at the faceplate: the place of each along it. Rows lie above one another, that of the lasers on top."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from cpo_pdk.assemblies.escape.bundle import Bundle
from cpo_pdk.assemblies.escape.slots import spread
from cpo_pdk.assemblies.escape.trunks import Trunk
from cpo_pdk.components.drawing import FACE_WIDTH
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.port_plan import ConnectorPlan

# Widths of connectors at the faceplate, um. Chosen: no source in the reference data gives them. An MPO adapter is about
# 12.4 mm wide whatever its fibre count (IEC 61754-7 family); a laser port is taken as one small ferrule.
MPO_BODY = 12_400.0
LASER_BODY = 8_000.0
BODY_GAP = 500.0
WALL = 100.0  # from the outer fibres' axes to the side of a body


def data_slots(spec: PackageSpec, trunks: Sequence[Trunk], order: Sequence[str]) -> dict[str, float]:
    """Middle of the data connectors of each engine, um; those of all rows lie above one another.

    Ribbons of the north move as little as their neighbours allow; the others keep to where they run north, or further
    out, as long as there is room on the faceplate.

    Args:
        spec: the package.
        trunks: from left to right.
        order: engines from left to right at the faceplate.
    """
    each, edge = MPO_BODY + BODY_GAP, spec.faceplate.width_mm * 500
    low, high = -edge + each / 2, edge - each / 2
    wanted = {t.engine.name: t.x for t in trunks}
    if list(order) != [t.engine.name for t in trunks]:
        return dict(zip(order, spread([wanted[n] for n in order], each, low, high), strict=True))
    inner = [t for t in trunks if t.engine.side == "north"]
    right = [t for t in trunks if t.engine.side != "north" and t.x >= 0]
    left = [t for t in trunks if t.engine.side != "north" and t.x < 0]
    x = dict(zip([t.engine.name for t in inner], spread([t.x for t in inner], each), strict=True))
    for sign, outer in ((1, right), (-1, left[::-1])):
        # nothing in the north: the two sides share the middle
        last = max((sign * at for at in x.values()), default=-each / 2)
        for trunk in outer:
            last = max(sign * trunk.x, last + each)
            x[trunk.engine.name] = sign * last
    placed = [x[name] for name in order]
    return dict(zip(order, spread(placed, each, low, high), strict=True))


def laser_slots(spec: PackageSpec, modules: Sequence[ConnectorPlan], slots: Mapping[str, float]) -> dict[str, float]:
    """Middle of each laser connector, um: amid the data connectors of the engines that it feeds.

    In the middle between the two middle ones the fibres cross the fewest ribbons of other engines.

    Args:
        spec: the package.
        modules: from left to right.
        slots: engine's name -> middle of its data connectors, um.
    """
    edge = spec.faceplate.width_mm * 500 - (LASER_BODY + BODY_GAP) / 2
    wanted = []
    for module in modules:
        at = sorted(slots[engine] for engine, _ in module.fibres.values())
        wanted.append((at[(len(at) - 1) // 2] + at[len(at) // 2]) / 2)
    placed = spread(wanted, LASER_BODY + BODY_GAP, -edge, edge)
    return {m.name: at for m, at in zip(modules, placed, strict=True)}


def plate_problems(spec: PackageSpec, trunks: Sequence[Trunk], bundle: Bundle) -> list[Problem]:
    """Connectors too many for the faceplate, fibres too many for a connector's body, ribbons beside the faceplate."""
    problems = []
    width = spec.faceplate.width_mm
    for kind, positions, body in (
        (spec.faceplate.connector, spec.faceplate.fibres_per_connector, MPO_BODY),
        (spec.laser.connector, spec.laser.fibres_per_module, LASER_BODY),
    ):
        needed = (positions - 1) * bundle.pitch + 2 * WALL
        if needed > body:
            most = int((body - 2 * WALL) / (positions - 1))
            problems.append(
                spec.problem(
                    "fibres.ribbon_pitch_um",
                    f"{positions} fibres at {bundle.pitch:g} um and their walls take {needed * 1e-3:.2f} mm, the body "
                    f"of an {kind} is {body * 1e-3:.1f} mm wide; lower the pitch to {most} um or the number of its "
                    "fibres",
                )
            )
    modules = -(-len(trunks) * spec.engine.laser_fibres // spec.laser.fibres_per_module)
    for what, count, body in (("data", len(trunks), MPO_BODY), ("laser", modules, LASER_BODY)):
        need = count * (body + BODY_GAP) * 1e-3
        if need > width + 1e-6:
            problems.append(
                spec.problem(
                    "faceplate.width_mm",
                    f"{count} {what} connectors side by side of {(body + BODY_GAP) * 1e-3:.1f} mm take {need:.1f} mm, "
                    f"the faceplate is {width:g} mm wide; widen it to {math.ceil(need * 10 - 1e-6) / 10:g} mm or use "
                    "connectors with more fibres",
                )
            )
    reach = max((abs(t.x) for t in trunks), default=0.0) + bundle.half + FACE_WIDTH / 2
    if not problems and 2 * reach * 1e-3 > width:
        problems.append(
            spec.problem(
                "faceplate.width_mm",
                f"{len(trunks)} ribbons of {bundle.width * 1e-3:.2f} mm reach {2 * reach * 1e-3:.1f} mm across a "
                f"faceplate of {width:g} mm; widen it to {math.ceil(reach * 0.02) / 10:g} mm, or allow a smaller "
                "bend_radius_mm or ribbon_gap_mm",
            )
        )
    return problems
