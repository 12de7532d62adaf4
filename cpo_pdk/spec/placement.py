"""Where the engines stand round the ASIC, and what keeps them from standing there. Pure geometry on frozen values."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import SIDES, PackageSpec

#: heading in degrees -> unit vector
UNIT = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}
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
        spare: stands there without fibres, to take over from another.
    """

    name: str
    side: str
    number: int
    x: float
    y: float
    spare: bool = False

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


@dataclass(frozen=True)
class Share:
    """Engines on each side of the ASIC, spares counted."""

    north: int
    east: int
    south: int
    west: int

    def of(self, side: str) -> int:
        """Engines of one side."""
        return int(getattr(self, side))


def share_of(spec: PackageSpec) -> Share:
    """How many engines stand on each side: as the spec says, by its positions, or shared out evenly.

    Args:
        spec: the package.
    """
    engines = spec.engines
    if engines.positions is not None:
        return Share(*(sum(p.side == side for p in engines.positions) for side in SIDES))
    if engines.per_side is not None:
        return Share(*(getattr(engines.per_side, side) for side in SIDES))
    each, rest = divmod(engines.placed, len(SIDES))
    # the remainder: first the side that the fibres leave by, then the one opposite, then the others
    extra = dict.fromkeys(("north", "south", "east", "west")[:rest], 1)
    return Share(*(each + extra.get(side, 0) for side in SIDES))


def shoreline_of(spec: PackageSpec, side: str) -> float:
    """Length in mm of an edge of the ASIC that has serial links for engines.

    Args:
        spec: the package.
        side: of the ASIC.
    """
    if spec.asic.shoreline_mm is not None:
        return float(getattr(spec.asic.shoreline_mm, side))
    return spec.asic.size_mm[0 if side in ("north", "south") else 1]


def pitch_of(spec: PackageSpec, size: tuple[float, float]) -> float:
    """Engine centre to engine centre along a side in um: as the spec says, or as wide as every side has room for.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    if spec.engines.pitch_mm is not None:
        return spec.engines.pitch_mm * 1e3
    share = share_of(spec)
    rooms = [(shoreline_of(spec, side) * 1e3 - size[1]) / (share.of(side) - 1) for side in SIDES if share.of(side) > 1]
    least = size[1] + spec.engines.keepout_um
    return max(least, math.floor(min(rooms) / 100) * 100.0) if rooms else least


def place_engines(spec: PackageSpec, size: tuple[float, float]) -> tuple[EnginePlace, ...]:
    """Place the engines of each side centred on it, facets outward; the spares are the last of their sides.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    width, height = (s * 1e3 for s in spec.asic.size_mm)
    share, gap, pitch = share_of(spec), spec.engines.gap_mm * 1e3, pitch_of(spec, size)
    spare = spares_of(spec)
    away = {"north": height / 2, "south": height / 2, "east": width / 2, "west": width / 2}
    places = []
    for side in SIDES:
        count = share.of(side)
        reach = away[side] + gap + size[0] / 2
        for k in range(count):
            along = (k - (count - 1) / 2) * pitch
            x, y = {
                "north": (along, reach),
                "south": (along, -reach),
                "east": (reach, -along),
                "west": (-reach, -along),
            }[side]
            name = f"{side[0].upper()}{k + 1}"
            places.append(EnginePlace(name, side, k + 1, round(x, 3), round(y, 3), name in spare))
    return tuple(places)


def spares_of(spec: PackageSpec) -> frozenset[str]:
    """Names of the spare engines: the last of each side in turn, west first.

    Args:
        spec: the package.
    """
    left, share = spec.engines.spares, share_of(spec)
    taken = dict.fromkeys(SIDES, 0)
    names: set[str] = set()
    while left > 0 and any(taken[side] < share.of(side) for side in SIDES):
        for side in reversed(SIDES):
            if left > 0 and taken[side] < share.of(side):
                names.add(f"{side[0].upper()}{share.of(side) - taken[side]}")
                taken[side] += 1
                left -= 1
    return frozenset(names)


def engine_problems(spec: PackageSpec, size: tuple[float, float]) -> list[Problem]:
    """What keeps the engines from standing where the spec puts them, at the lines of the spec.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    share = share_of(spec)
    counts = {side: share.of(side) for side in SIDES}
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
    pitch, width = pitch_of(spec, size) * 1e-3, size[1] * 1e-3
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
    for side in SIDES:
        room, taken = shoreline_of(spec, side), (counts[side] - 1) * pitch + width
        if counts[side] and taken > room:
            problems.append(
                spec.problem(
                    "asic.shoreline_mm" if spec.asic.shoreline_mm else "asic.size_mm",
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
