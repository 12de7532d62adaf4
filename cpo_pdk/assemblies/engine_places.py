"""Where the engines stand round the ASIC, and what keeps them from standing there. Pure geometry on frozen values."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from cpo_pdk.components.fibers import UNIT
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec

ROTATION = {"east": 0, "north": 90, "west": 180, "south": 270}


@dataclass(frozen=True)
class EnginePlace:
    """One engine.

    Attributes:
        name: side and number, `N1`.
        side: "north", "east", "south" or "west".
        number: on its side, from 1; west to east, or north to south.
        x: of the die's centre in um, from the centre of the package.
        y: of the die's centre in um.
    """

    name: str
    side: str
    number: int
    x: float
    y: float

    @property
    def rotation(self) -> int:
        """Rotation of the engine cell in degrees; 0: facet in the east."""
        return ROTATION[self.side]

    @property
    def outward(self) -> tuple[int, int]:
        """Unit vector from the ASIC through the facet."""
        return UNIT[self.rotation]

    def box(self, size: tuple[float, float]) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the die in um.

        Args:
            size: length (towards the facet) and width of the engine in um.
        """
        dx, dy = size if self.rotation in (0, 180) else (size[1], size[0])
        return (self.x - dx / 2, self.y - dy / 2, self.x + dx / 2, self.y + dy / 2)


def place_engines(spec: PackageSpec, size: tuple[float, float]) -> tuple[EnginePlace, ...]:
    """Place the engines of each side centred on it, facets outward.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    width, height = (s * 1e3 for s in spec.asic.size_mm)
    gap, pitch = spec.engines.gap_mm * 1e3, spec.engines.pitch_mm * 1e3
    away = {"north": height / 2, "south": height / 2, "east": width / 2, "west": width / 2}
    places = []
    for side in ("north", "east", "south", "west"):
        count = getattr(spec.engines.per_side, side)
        reach = away[side] + gap + size[0] / 2
        for k in range(count):
            along = (k - (count - 1) / 2) * pitch
            x, y = {
                "north": (along, reach),
                "south": (along, -reach),
                "east": (reach, -along),
                "west": (-reach, -along),
            }[side]
            places.append(EnginePlace(f"{side[0].upper()}{k + 1}", side, k + 1, round(x, 3), round(y, 3)))
    return tuple(places)


def engine_problems(spec: PackageSpec, size: tuple[float, float]) -> list[Problem]:
    """What keeps the engines from standing where the spec puts them, at the lines of the spec.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    counts = spec.engines.per_side.model_dump()
    problems = [*_side_problems(spec, size, counts), *_substrate_problems(spec, size, counts)]
    if spec.engines.gap_mm * 1e3 < spec.engines.keepout_um:
        problems.append(
            spec.problem(
                "engines.gap_mm",
                f"gap {spec.engines.gap_mm:g} mm to the ASIC is inside the keep-out of "
                f"{spec.engines.keepout_um:g} um; raise gap_mm",
            )
        )
    if any(counts[s] for s in ("north", "south")) and any(counts[s] for s in ("east", "west")):
        problems += _corner_problems(spec, size)
    return problems


def _side_problems(spec: PackageSpec, size: tuple[float, float], counts: dict[str, int]) -> list[Problem]:
    """Engines of one side: apart from each other, and within the ASIC's edge."""
    problems = []
    pitch, width = spec.engines.pitch_mm, size[1] * 1e-3
    need = (size[1] + spec.engines.keepout_um) * 1e-3
    if max(counts.values()) > 1 and pitch < need:
        problems.append(
            spec.problem(
                "engines.pitch_mm",
                f"engines overlap: pitch {pitch:g} mm is below engine width {width:.3f} mm + keep-out "
                f"{spec.engines.keepout_um * 1e-3:g} mm = {need:.3f} mm; raise pitch_mm to at least "
                f"{math.ceil(need * 100) / 100:g}",
            )
        )
    for side, edge in (("north", 0), ("east", 1), ("south", 0), ("west", 1)):
        room, taken = spec.asic.size_mm[edge], (counts[side] - 1) * pitch + width
        if counts[side] and taken > room:
            problems.append(
                spec.problem(
                    f"engines.per_side.{side}",
                    f"{counts[side]} engines do not fit the {side} side: ({counts[side]} - 1) x {pitch:g} + "
                    f"{width:.3f} = {taken:.2f} mm of {room:g} mm; use fewer engines there or a smaller pitch_mm",
                )
            )
    return problems


def _substrate_problems(spec: PackageSpec, size: tuple[float, float], counts: dict[str, int]) -> list[Problem]:
    """ASIC, gaps and engines within the substrate, in both directions."""
    problems = []
    for axis, name, sides in ((0, "width", ("east", "west")), (1, "height", ("north", "south"))):
        if not any(counts[s] for s in sides):
            continue
        need = spec.asic.size_mm[axis] + 2 * (spec.engines.gap_mm + size[0] * 1e-3)
        if need > spec.substrate.size_mm[axis]:
            problems.append(
                spec.problem(
                    "substrate.size_mm",
                    f"engines stand out of the substrate: {name} {spec.substrate.size_mm[axis]:g} mm, ASIC + 2 x "
                    f"(gap + engine) need {need:.2f} mm; enlarge the substrate or reduce gap_mm",
                )
            )
    return problems


def _corner_problems(spec: PackageSpec, size: tuple[float, float]) -> list[Problem]:
    """Engines round a corner of the ASIC: their keep-outs must not meet."""
    keep = spec.engines.keepout_um
    for a, b in itertools.combinations(place_engines(spec, size), 2):
        if a.side == b.side:
            continue
        p, q = a.box(size), b.box(size)
        space = max(max(p[0], q[0]) - min(p[2], q[2]), max(p[1], q[1]) - min(p[3], q[3]))
        if space < keep:
            return [
                spec.problem(
                    "engines.gap_mm",
                    f"engines {a.name} and {b.name} overlap or stand {max(space, 0):.0f} um apart, keep-out is "
                    f"{keep:g} um; raise gap_mm or lower pitch_mm",
                )
            ]
    return []
