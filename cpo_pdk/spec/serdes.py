"""The serial links (SerDes) of the ASIC: how many each side has, and at which bumps of its shoreline rows they end.

Each transmit wavelength of an engine in use is driven by one link, each received one drives another. Spares have none,
but room for theirs is kept at their end of the side: a spare takes over from an engine. The bumps of a side are taken
column by column along the edge, up one column and down the next, so that those of a link are neighbours; links are
spread evenly over them, transmit and receive by turns, and numbered clockwise from the north-west corner. The corners
of the die belong to its northern and southern rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.package import DIE_MAX_MM, SIDES, PackageSpec
from cpo_pdk.spec.placement import share_of, shoreline_of, spares_of

DIRECTIONS = ("tx", "rx")

_EQUAL = 1e-6  # lengths in um that differ by less are the same


@dataclass(frozen=True)
class BumpGrid:
    """The bump field of the ASIC, centred on it; lengths in um.

    Attributes:
        pitch: of columns and rows.
        columns: number along x.
        rows: number along y.
    """

    pitch: float
    columns: int
    rows: int

    @property
    def first(self) -> tuple[float, float]:
        """Centre of the south-western bump, from the die's centre."""
        return (
            round(-(self.columns - 1) * self.pitch / 2, 3),
            round(-(self.rows - 1) * self.pitch / 2, 3),
        )

    def axis(self, k: int) -> list[float]:
        """Positions of the columns (0) or rows (1), rising."""
        count, first = (self.columns, self.rows)[k], self.first[k]
        return [round(first + i * self.pitch, 3) for i in range(count)]


@dataclass(frozen=True)
class SerdesLane:
    """One link of the ASIC in one direction.

    Attributes:
        name: of its port on the ASIC, `tx_1`.
        side: of the ASIC.
        x: of its first bump in um, from the ASIC's centre.
        y: of its first bump in um.
    """

    name: str
    side: str
    x: float
    y: float

    @property
    def direction(self) -> str:
        """`tx` or `rx`, as seen from the engine: `tx` drives a modulator."""
        return self.name.partition("_")[0]


def bump_grid(size: tuple[float, float], pitch: float, margin: float) -> BumpGrid:
    """The bump field of a die.

    Args:
        size: of the die in um.
        pitch: of the bumps in um.
        margin: from the edge to the outermost bumps at least, um.
    """
    columns, rows = (int((s - 2 * margin + _EQUAL) // pitch) + 1 for s in size)
    return BumpGrid(pitch, columns, rows)


def shoreline_bumps(
    size: tuple[float, float], grid: BumpGrid, depth: float, length: float, side: str
) -> list[tuple[float, float]]:
    """Bumps of the shoreline rows of one side, um from the die's centre: clockwise, column by column.

    Args:
        size: of the die in um.
        grid: its bump field.
        depth: of the rows from the edge in um.
        length: of the stretch of the edge that has links, centred, um.
        side: of the die.
    """
    along, across = (0, 1) if side in ("north", "south") else (1, 0)
    half = length / 2 if along == 0 else min(length / 2, size[1] / 2 - depth)
    line = [a for a in grid.axis(along) if abs(a) <= half + _EQUAL]
    edge = size[across] / 2 - depth
    deep = [b for b in grid.axis(across) if b >= edge - _EQUAL]  # from inside out, on the north or east side
    if side in ("east", "south"):
        line.reverse()
    sign = 1 if side in ("north", "east") else -1
    bumps = []
    for k, a in enumerate(line):
        for b in deep if k % 2 else reversed(deep):
            bumps.append((a, sign * b) if along == 0 else (sign * b, a))
    return bumps


def spread_lanes(
    size: tuple[float, float],
    grid: BumpGrid,
    depth: float,
    lengths: tuple[float, float, float, float],
    lanes: tuple[int, int, int, int],
    bumps_per_lane: int,
    reserved: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> list[SerdesLane]:
    """The links of all sides, at bumps of their shoreline rows.

    Args:
        size: of the die in um.
        grid: its bump field.
        depth: of the shoreline rows in um.
        lengths: of the stretches with links in the north, east, south and west, um.
        lanes: links of each direction there.
        bumps_per_lane: bumps of one link in one direction.
        reserved: links of each direction that have room on each side but are not there, at its end with the spares.

    Raises:
        ValueError: a side has fewer bumps than its links need.
    """
    found: list[SerdesLane] = []
    number = dict.fromkeys(DIRECTIONS, 0)
    for side, length, count, kept in zip(SIDES, lengths, lanes, reserved, strict=True):
        bumps = shoreline_bumps(size, grid, depth, length, side)
        slots, wanted = len(bumps) // bumps_per_lane, 2 * (count + kept)
        if slots < wanted:
            raise ValueError(f"{wanted} links of {bumps_per_lane} bumps on the {side} side, {len(bumps)} bumps there")
        # clockwise, the last engines of the south and of the west come first
        first = 2 * kept if side in ("south", "west") else 0
        for k in range(first, first + 2 * count):
            direction = DIRECTIONS[k % 2]
            number[direction] += 1
            x, y = bumps[(2 * k + 1) * slots // (2 * wanted) * bumps_per_lane]
            found.append(SerdesLane(f"{direction}_{number[direction]}", side, x, y))
    return found


def lanes_of_sides(spec: PackageSpec) -> tuple[int, int, int, int]:
    """Links of each direction in the north, east, south and west: those of the engines in use there.

    Args:
        spec: the package.
    """
    share, spare = share_of(spec), spares_of(spec)
    counts = (share.of(side) - sum(name[0] == side[0].upper() for name in spare) for side in SIDES)
    north, east, south, west = (count * spec.engine.lanes_per_direction for count in counts)
    return north, east, south, west


def reserved_of_sides(spec: PackageSpec) -> tuple[int, int, int, int]:
    """Links of each direction for which room is kept beside the spares in the north, east, south and west.

    Args:
        spec: the package.
    """
    if spec.engines.positions is not None:  # spares may stand anywhere
        return (0, 0, 0, 0)
    spare = spares_of(spec)
    counts = (sum(name[0] == side[0].upper() for name in spare) for side in SIDES)
    north, east, south, west = (count * spec.engine.lanes_per_direction for count in counts)
    return north, east, south, west


def lengths_of_sides(spec: PackageSpec) -> tuple[float, float, float, float]:
    """Lengths in um of the stretches with links in the north, east, south and west.

    Args:
        spec: the package.
    """
    north, east, south, west = (shoreline_of(spec, side) * 1e3 for side in SIDES)
    return north, east, south, west


def bumps_of_sides(spec: PackageSpec) -> tuple[int, int, int, int]:
    """Bumps of the shoreline rows in the north, east, south and west.

    Args:
        spec: the package.
    """
    size = _size(spec)
    grid = bump_grid(size, spec.asic.bump_pitch_um, spec.asic.bump_margin_um)
    lengths = zip(SIDES, lengths_of_sides(spec), strict=True)
    north, east, south, west = (
        len(shoreline_bumps(size, grid, spec.asic.shoreline_um, length, side)) for side, length in lengths
    )
    return north, east, south, west


def serdes_lanes(spec: PackageSpec) -> tuple[SerdesLane, ...]:
    """All links of the ASIC, clockwise from its north-west corner.

    Args:
        spec: the package.

    Raises:
        SpecError: the shoreline rows have too few bumps.
    """
    problems = serdes_problems(spec)
    if problems:
        raise SpecError(problems)
    size = _size(spec)
    grid = bump_grid(size, spec.asic.bump_pitch_um, spec.asic.bump_margin_um)
    return tuple(
        spread_lanes(
            size,
            grid,
            spec.asic.shoreline_um,
            lengths_of_sides(spec),
            lanes_of_sides(spec),
            spec.electrical.bumps_per_lane,
            reserved_of_sides(spec),
        )
    )


def _size(spec: PackageSpec) -> tuple[float, float]:
    return spec.asic.size_mm[0] * 1e3, spec.asic.size_mm[1] * 1e3


def serdes_problems(spec: PackageSpec) -> list[Problem]:
    """Sides whose shoreline rows have fewer bumps than their links need, with what would do.

    Args:
        spec: the package.
    """
    size, each = _size(spec), spec.electrical.bumps_per_lane
    grid = bump_grid(size, spec.asic.bump_pitch_um, spec.asic.bump_margin_um)
    problems = []
    of_sides = zip(SIDES, lengths_of_sides(spec), lanes_of_sides(spec), reserved_of_sides(spec), strict=True)
    for side, length, lanes, reserved in of_sides:
        have = len(shoreline_bumps(size, grid, spec.asic.shoreline_um, length, side)) // each * each
        need = 2 * (lanes + reserved) * each
        if have >= need:
            continue
        cures = _cures(spec, side, length, need)
        count = f"({lanes} + {reserved} of spares)" if reserved else f"{lanes}"
        problems.append(
            spec.problem(
                "asic.shoreline_um",
                f"too few SerDes bumps in the {side}: {count} lanes x 2 directions x {each} bumps = {need}, the "
                f"shoreline of {length * 1e-3:g} mm x {spec.asic.shoreline_um:g} um has {have}; use {cures}",
            )
        )
    return problems


def _cures(spec: PackageSpec, side: str, length: float, need: int) -> str:
    """The smallest depth of the rows, or length of the edge, that has enough bumps."""
    size, asic, each = _size(spec), spec.asic, spec.electrical.bumps_per_lane
    grid = bump_grid(size, asic.bump_pitch_um, asic.bump_margin_um)
    across = 1 if side in ("north", "south") else 0
    depth = asic.shoreline_um
    cures = []
    deepest = min(size) / 2 - asic.bump_margin_um
    while depth < deepest:
        depth = min(10 * math.floor(depth / 10) + 10, deepest)
        if len(shoreline_bumps(size, grid, depth, length, side)) // each * each >= need:
            cures.append(f"shoreline_um {math.ceil(depth):g}")
            break
    have = len(shoreline_bumps(size, grid, asic.shoreline_um, length, side))
    longer = _longer(spec, side, length, need)
    if longer is not None:
        key = f"asic.shoreline_mm.{side}" if asic.shoreline_mm else f"asic.size_mm[{1 - across}]"
        cures.append(f"{key} longer by {longer * 1e-3:g} mm")
    fits = have // (need // each)
    if 2 <= fits < each:
        cures.append(f"bumps_per_lane {fits}")
    return " or ".join(cures) or "fewer engines on that side"


def _longer(spec: PackageSpec, side: str, length: float, need: int) -> float | None:
    """How much longer a shoreline must be, to 100 um: the stretch within its edge, or an edge that is all shoreline."""
    asic, each, axis = spec.asic, spec.electrical.bumps_per_lane, 0 if side in ("north", "south") else 1
    size = list(_size(spec))
    room = size[axis] - length if asic.shoreline_mm else DIE_MAX_MM * 1e3 - size[axis]
    for k in range(1, int(room // 100) + 1):
        edges = (size[0], size[1])
        if asic.shoreline_mm is None:
            edges = (size[0] + 100.0 * k, size[1]) if axis == 0 else (size[0], size[1] + 100.0 * k)
        grid = bump_grid(edges, asic.bump_pitch_um, asic.bump_margin_um)
        if len(shoreline_bumps(edges, grid, asic.shoreline_um, length + 100.0 * k, side)) // each * each >= need:
            return 100.0 * k
    return None
