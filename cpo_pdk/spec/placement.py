"""Where the engines stand round the ASIC. Pure geometry on frozen values; what keeps them from it: `placement_checks`.

Positions that a spec gives are taken as they are. Otherwise engines are centred on their sides, as far apart as the
shortest side allows or as `pitch_mm` says; with two rows every second one stands behind the gaps of the first; those of
a sub-assembly stand together. Where a keep-out is in the way (and no pitch is given), the engines of a side move along
it by as little as they must.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cpo_pdk.spec.keep_outs import kept_out
from cpo_pdk.spec.package import SIDES, PackageSpec

#: heading in degrees -> unit vector
UNIT = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}
ROTATION = {"east": 0, "north": 90, "west": 180, "south": 270}

#: sides in the order in which one more engine goes to them, where their shorelines are equal: first the one that the
#: fibres leave by, then the one opposite
_PREFERRED = ("north", "south", "east", "west")

BOARD_GAP = 200.0  # between the boards of two sub-assemblies, um; as two cut-outs in sheet metal (ASM.CONN.S)
_STEP = 50.0  # of the search for places beside keep-outs, um

Size = tuple[float, float]


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
        row: 1 beside the ASIC, 2 behind the gaps of row 1.
    """

    name: str
    side: str
    number: int
    x: float
    y: float
    spare: bool = False
    row: int = 1

    @property
    def rotation(self) -> int:
        """Rotation of the engine cell in degrees; 0: facet in the east."""
        return ROTATION[self.side]

    @property
    def outward(self) -> tuple[int, int]:
        """Unit vector from the ASIC through the facet."""
        return UNIT[self.rotation]

    @property
    def along(self) -> float:
        """Distance of the die's centre from the middle of its side in um; rises with the number."""
        return {"north": self.x, "south": self.x, "east": -self.y, "west": -self.y}[self.side]

    @property
    def away(self) -> float:
        """Distance of the die's centre from that of the package, away from the ASIC, um."""
        return self.x * self.outward[0] + self.y * self.outward[1]

    def corner(self, size: Size) -> tuple[float, float]:
        """Where the origin of the engine's own coordinates lies, um: on the 1 nm grid, the centre may lie between.

        Args:
            size: length (towards the facet) and width of the engine in um.
        """
        (cos, sin), (length, width) = self.outward, size
        return round(self.x - (cos * length - sin * width) / 2, 3), round(self.y - (sin * length + cos * width) / 2, 3)

    def box(self, size: Size) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the die in um, on the 1 nm grid.

        Args:
            size: length (towards the facet) and width of the engine in um.
        """
        (cos, sin), (length, width), (x, y) = self.outward, size, self.corner(size)
        end_x, end_y = round(x + cos * length - sin * width, 3), round(y + sin * length + cos * width, 3)
        return min(x, end_x), min(y, end_y), max(x, end_x), max(y, end_y)


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
    """How many engines stand on each side: as the spec says, by its positions, or shared out.

    Shared out in proportion to the shorelines, whole sub-assemblies at a time: each next one goes to the side with the
    longest shoreline an engine (the method of Sainte-Lague).

    Args:
        spec: the package.
    """
    engines = spec.engines
    if engines.positions is not None:
        return Share(*(sum(p.side == side for p in engines.positions) for side in SIDES))
    if engines.per_side is not None:
        return Share(*(getattr(engines.per_side, side) for side in SIDES))
    together = engines.carrier.engines if engines.carrier and engines.placed % engines.carrier.engines == 0 else 1
    counts = dict.fromkeys(SIDES, 0)
    for _ in range(engines.placed // together):
        best = max(_PREFERRED, key=lambda side: shoreline_of(spec, side) / (2 * counts[side] + 1))
        counts[best] += 1
    return Share(*(counts[side] * together for side in SIDES))


def shoreline_of(spec: PackageSpec, side: str) -> float:
    """Length in mm of an edge of the ASIC that has serial links for engines.

    Args:
        spec: the package.
        side: of the ASIC.
    """
    if spec.asic.shoreline_mm is not None:
        return float(getattr(spec.asic.shoreline_mm, side))
    return edge_of(spec, side)


def edge_of(spec: PackageSpec, side: str) -> float:
    """Length in mm of an edge of the ASIC.

    Args:
        spec: the package.
        side: of the ASIC.
    """
    return spec.asic.size_mm[0 if side in ("north", "south") else 1]


def pitch_of(spec: PackageSpec, size: Size) -> float:
    """Engine centre to engine centre within a row, um: as the spec says, or as wide as every side has room for.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    if spec.engines.pitch_mm is not None:
        return spec.engines.pitch_mm * 1e3
    share, least = share_of(spec), least_pitch(spec, size)
    rooms = [_widest_pitch(spec, size, side, share.of(side)) for side in SIDES if share.of(side) > 1]
    return max(least, math.floor(min(rooms) / 100) * 100.0) if rooms else least


def least_pitch(spec: PackageSpec, size: Size) -> float:
    """Smallest distance of two neighbours in a row, um: a keep-out apart, or with two rows, room for fibres between.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    keep = spec.engines.keepout_um
    if spec.engines.rows == 1:
        return size[1] + keep
    return size[1] + 2 * keep + passage(spec)


def passage(spec: PackageSpec) -> float:
    """Width in um that the fibres of an inner engine take between two outer ones: they are a fibre array wide there.

    Args:
        spec: the package.
    """
    return spec.engine.fibre_counts["total"] * spec.engine.fibre_pitch_um


def least_board_pitch(spec: PackageSpec, size: Size) -> float:
    """Smallest distance of the last engine of a sub-assembly to the first of the next, um.

    Args:
        spec: the package, with sub-assemblies.
        size: length (towards the facet) and width of the engine in um.
    """
    carrier = spec.engines.carrier
    if carrier is None:
        return least_pitch(spec, size)
    return size[1] + 2 * (spec.engines.keepout_um + carrier.margin_mm * 1e3) + BOARD_GAP


def _widest_pitch(spec: PackageSpec, size: Size, side: str, count: int) -> float:
    """The pitch in um at which the engines of a side reach from end to end of its shoreline."""
    room = shoreline_of(spec, side) * 1e3 - size[1]
    if spec.engines.rows == 2:
        return 2 * room / (count - 1)
    carrier = spec.engines.carrier
    boards = math.ceil(count / carrier.engines) if carrier else 1
    apart = least_board_pitch(spec, size)
    even = room / (count - 1)
    if boards < 2 or even >= apart or count == boards:
        return even
    # boards push their engines apart; what is left is shared by the engines within them
    return (room - (boards - 1) * apart) / (count - boards)


def offsets_of(spec: PackageSpec, size: Size, count: int) -> list[float]:
    """Distances in um of the engines of one side from its middle, keep-outs not looked at.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        count: engines there.
    """
    pitch, carrier = pitch_of(spec, size), spec.engines.carrier
    step = pitch / 2 if spec.engines.rows == 2 else pitch
    at = [0.0]
    for k in range(1, count):
        new_board = carrier is not None and spec.engines.pitch_mm is None and k % carrier.engines == 0
        at.append(at[-1] + (max(step, least_board_pitch(spec, size)) if new_board else step))
    return [a - at[-1] / 2 for a in at]


def reach_of(spec: PackageSpec, size: Size, side: str, row: int) -> float:
    """Distance in um of the centres of a row from the package's centre; rows are `gap_mm` apart.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        side: of the ASIC.
        row: 1 or 2.
    """
    half = spec.asic.size_mm[1 if side in ("north", "south") else 0] * 500
    return half + spec.engines.gap_mm * 1e3 + size[0] / 2 + (row - 1) * (size[0] + spec.engines.gap_mm * 1e3)


def place_engines(spec: PackageSpec, size: Size) -> tuple[EnginePlace, ...]:
    """Place the engines, facets outward; in the north first, then clockwise, each side by rising number.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    if spec.engines.positions is not None:
        return _positioned(spec)
    share, spare = share_of(spec), spares_of(spec)
    places: list[EnginePlace] = []
    for side in SIDES:
        rows = [k % spec.engines.rows + 1 for k in range(share.of(side))]
        offsets = offsets_of(spec, size, len(rows)) if rows else []
        there = [
            _place(spec, size, side, k + 1, row, a, spare) for k, (row, a) in enumerate(zip(rows, offsets, strict=True))
        ]
        if spec.keepouts and spec.engines.pitch_mm is None:
            there = _beside_keep_outs(spec, size, there)
        places += there
    return tuple(places)


def _place(
    spec: PackageSpec, size: Size, side: str, number: int, row: int, along: float, spare: frozenset[str]
) -> EnginePlace:
    reach = reach_of(spec, size, side, row)
    x, y = {"north": (along, reach), "south": (along, -reach), "east": (reach, -along), "west": (-reach, -along)}[side]
    name = f"{side[0].upper()}{number}"
    return EnginePlace(name, side, number, round(x, 3) + 0.0, round(y, 3) + 0.0, name in spare, row)  # no -0


def _positioned(spec: PackageSpec) -> tuple[EnginePlace, ...]:
    """Engines where the spec puts them, numbered along their sides."""
    names, spare = names_of_positions(spec), spares_of(spec)
    places = []
    for name, position in zip(names, spec.engines.positions or (), strict=True):
        x, y = round(position.x_mm * 1e3, 3), round(position.y_mm * 1e3, 3)
        places.append(EnginePlace(name, position.side, int(name[1:]), x, y, name in spare))
    return tuple(sorted(places, key=lambda p: (SIDES.index(p.side), p.number)))


def names_of_positions(spec: PackageSpec) -> tuple[str, ...]:
    """Names of the engines in the order of `engines.positions`: side, and number west to east or north to south.

    Args:
        spec: the package.
    """
    positions = spec.engines.positions or ()
    names: dict[int, str] = {}
    for side in SIDES:
        here = [k for k, p in enumerate(positions) if p.side == side]
        level = side in ("north", "south")
        here.sort(key=lambda k: (positions[k].x_mm if level else -positions[k].y_mm, k))
        names |= {k: f"{side[0].upper()}{n + 1}" for n, k in enumerate(here)}
    return tuple(names[k] for k in range(len(positions)))


def spares_of(spec: PackageSpec) -> frozenset[str]:
    """Names of the spare engines: the last positions given, or the last of each side in turn, west first.

    Args:
        spec: the package.
    """
    left, share = spec.engines.spares, share_of(spec)
    if spec.engines.positions is not None:
        return frozenset(names_of_positions(spec)[len(spec.engines.positions) - left :])
    taken = dict.fromkeys(SIDES, 0)
    names: set[str] = set()
    while left > 0 and any(taken[side] < share.of(side) for side in SIDES):
        for side in reversed(SIDES):
            if left > 0 and taken[side] < share.of(side):
                names.add(f"{side[0].upper()}{share.of(side) - taken[side]}")
                taken[side] += 1
                left -= 1
    return frozenset(names)


def _beside_keep_outs(spec: PackageSpec, size: Size, places: Sequence[EnginePlace]) -> list[EnginePlace]:
    """The engines of a side moved along it, away from keep-outs: the smallest sum of squared moves, on a 50 um grid.

    Dynamic programming over the engines in turn; those that find no place stay where they are.
    """
    if not any(kept_out(spec, place, size) for place in places):
        return list(places)
    side = places[0].side
    half = (shoreline_of(spec, side) * 1e3 - size[1]) / 2
    grid = [round(-half + k * _STEP, 3) for k in range(int(2 * half // _STEP) + 1)]
    free = {
        row: [not kept_out(spec, _moved(next(p for p in places if p.row == row), a), size) for a in grid]
        for row in {p.row for p in places}
    }
    carrier = spec.engines.carrier
    gaps = [
        least_board_pitch(spec, size)
        if carrier and k % carrier.engines == 0
        else least_pitch(spec, size) / spec.engines.rows
        for k in range(1, len(places))
    ]
    costs: list[list[float]] = []
    best: list[list[int]] = []  # of the engines so far, the place of the last one: best up to each point of the grid
    for k, place in enumerate(places):
        back = math.ceil(gaps[k - 1] / _STEP - 1e-9) if k else 0
        row: list[float] = []
        for i, a in enumerate(grid):
            before = 0.0 if k == 0 else (costs[-1][best[-1][i - back]] if i >= back else math.inf)
            row.append(before + (a - place.along) ** 2 if free[place.row][i] else math.inf)
        lowest: list[int] = []
        for i, cost in enumerate(row):
            lowest.append(i if not lowest or cost < row[lowest[-1]] else lowest[-1])
        costs.append(row)
        best.append(lowest)
    end = len(grid) - 1
    if not grid or not costs[-1][best[-1][end]] < math.inf:
        return list(places)
    found: list[EnginePlace] = []
    for k in range(len(places) - 1, -1, -1):
        at = best[k][end]
        found.append(_moved(places[k], grid[at]))
        end = at - (math.ceil(gaps[k - 1] / _STEP - 1e-9) if k else 0)
    return found[::-1]


def _moved(place: EnginePlace, along: float) -> EnginePlace:
    """The same engine elsewhere along its side."""
    if place.side in ("north", "south"):
        return replace(place, x=along)
    return replace(place, y=-along)
