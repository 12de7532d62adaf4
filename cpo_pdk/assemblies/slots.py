"""Connectors at the faceplate: which fibres each one holds, and the place of each along the plate."""

from __future__ import annotations

import math
from dataclasses import replace

from cpo_pdk.assemblies.ribbons import Bundle, Group, Ribbon, roomy_s_length
from cpo_pdk.errors import SpecError
from cpo_pdk.spec.package import PackageSpec

# Widths of connectors at the faceplate, um. Chosen: no source in the reference data gives them. An MPO adapter is about
# 12.4 mm wide whatever its fibre count (IEC 61754-7 family); a laser port is taken as one small ferrule.
MPO_BODY = 12_400.0
LASER_BODY = 8_000.0
BODY_GAP = 500.0
WALL = 100.0  # from the outer fibres' axes to the side of a body


def groups_of(spec: PackageSpec, engine: str) -> tuple[Group, ...]:
    """Connectors of one engine from east to west: lasers, then data fibres by as many as a connector holds.

    Args:
        spec: the package.
        engine: name of the engine, `N1`.
    """
    counts, holds = spec.engine.fibre_counts, spec.faceplate.fibres_per_connector
    first = 2 if spec.engine.loopbacks else 0
    groups = [Group(f"{spec.laser.connector}-{engine}", spec.laser.connector, first, counts["laser"], LASER_BODY)]
    first, left = first + counts["laser"], counts["tx"] + counts["rx"]
    several = left > holds
    for k in range(math.ceil(left / holds)):
        name = f"MPO-{engine}" + (f"-{k + 1}" if several else "")
        groups.append(Group(name, spec.faceplate.connector, first, min(holds, left), MPO_BODY))
        first, left = first + holds, left - holds
    return tuple(groups)


def slot_width(spec: PackageSpec) -> float:
    """Width that the connectors of one engine take at the faceplate, um.

    Args:
        spec: the package.
    """
    return sum(g.body + BODY_GAP for g in groups_of(spec, ""))


def give_slots(spec: PackageSpec, ribbons: tuple[Ribbon, ...], bundle: Bundle) -> tuple[tuple[Ribbon, ...], float]:
    """Give every connector its place at the faceplate, as near to its ribbon as the neighbours allow.

    Args:
        spec: the package.
        ribbons: in faceplate order.
        bundle: their measures.

    Returns:
        Ribbons with their groups shifted, and the length of the last stretch in which the shift is made, um.

    Raises:
        SpecError: when the connectors do not fit or the shift can't be made in the length there is.
    """
    width = slot_width(spec)
    wide = [g for g in groups_of(spec, "") if (g.count - 1) * bundle.pitch_ribbon + 2 * WALL > g.body]
    if wide:
        g, needed = wide[0], (wide[0].count - 1) * bundle.pitch_ribbon + 2 * WALL
        raise SpecError(
            [
                spec.problem(
                    "fibres.ribbon_pitch_um",
                    f"{g.count} fibres at {bundle.pitch_ribbon:g} um and their walls take {needed * 1e-3:.2f} mm, the "
                    f"body of an {g.kind} is {g.body * 1e-3:.1f} mm wide; lower the pitch or the number of its fibres",
                )
            ]
        )
    centers = spread([r.x for r in ribbons], width)
    span = (max(abs(x) for x in centers) + width / 2) * 2e-3
    if span > spec.faceplate.width_mm:
        raise SpecError(
            [
                spec.problem(
                    "faceplate.width_mm",
                    f"the connectors of {len(ribbons)} engines ({width * 1e-3:.1f} mm each) reach {span:.1f} mm across "
                    f"a faceplate of {spec.faceplate.width_mm:g} mm; use connectors with more fibres or a wider "
                    "faceplate",
                )
            ]
        )
    shifted = []
    for ribbon, center in zip(ribbons, centers, strict=True):
        edge, groups = center + width / 2, []
        for group in groups_of(spec, ribbon.engine.name):
            edge -= BODY_GAP / 2 + group.body / 2
            middle = bundle.place(group.first + (group.count - 1) / 2)
            groups.append(replace(group, shift=round(edge - (ribbon.x - middle * bundle.pitch_ribbon), 3)))
            edge -= group.body / 2 + BODY_GAP / 2
        shifted.append(replace(ribbon, groups=tuple(groups)))
    most = max(abs(g.shift) for r in shifted for g in r.groups)
    end = roomy_s_length(most, spec.fibres.bend_radius_mm * 1e3, bundle.pitch_ribbon) if most else 0.0
    for ribbon in shifted:
        room = ribbon.runs[-1]
        if room < end:
            raise SpecError(
                [
                    spec.problem(
                        "faceplate.distance_mm",
                        f"the fibres of engine {ribbon.engine.name} have {room * 1e-3:.1f} mm before the "
                        f"faceplate to move {most * 1e-3:.1f} mm sideways to their connectors and "
                        f"need {end * 1e-3:.1f} mm at a bend radius of {spec.fibres.bend_radius_mm:g} mm and a ribbon "
                        f"pitch of {bundle.pitch_ribbon:g} um; move the faceplate out by {(end - room) * 1e-3:.1f} mm "
                        "or widen the ribbon pitch",
                    )
                ]
            )
    return tuple(shifted), end


def spread(wanted: list[float], width: float) -> list[float]:
    """Positions at least `width` apart, in the given order, nearest to the wanted ones in the least-squares sense.

    Pool-adjacent-violators on x_k - k width: isotonic regression (Barlow, Bartholomew, Bremner and Brunk, Statistical
    Inference under Order Restrictions, 1972).

    Args:
        wanted: rising positions in um.
        width: smallest distance of neighbours in um.
    """
    blocks: list[list[float]] = []
    for k, x in enumerate(wanted):
        blocks.append([x - k * width, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            blocks[-1] = [
                (blocks[-1][0] * blocks[-1][1] + mean * count) / (blocks[-1][1] + count),
                blocks[-1][1] + count,
            ]
    flat = [mean for mean, count in blocks for _ in range(int(count))]
    return [round(x + k * width, 3) for k, x in enumerate(flat)]
