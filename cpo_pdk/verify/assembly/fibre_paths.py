"""Fibres as the polygons tell them: pieces of outline with two blunt ends, joined end to end.

A fibre is drawn as the outline of its cladding, in one piece or in several that abut. Its ends are the two edges across
it: as wide as a cladding, with a right angle at both corners. Nothing here needs a port or a name.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.placed import AREAS, Place, Places, Points, carried, turned

#: cladding diameters that are taken for a fibre, um: thin fibre has 80, standard fibre 125
WIDTHS = (50.0, 250.0)
#: cladding of standard fibre, um
CLADDING = 125.0
#: ends of two pieces this close to each other and facing are joined, um
JOINED = 1.0
#: how far a centre line may lie off the drawn one where it is followed with fewer points, um
LINE_ERROR = 5.0
#: sine of how far a corner of an end may be off the right angle; a coarsely drawn bend begins with a turned chord
_SQUARE = 0.2
#: share by which the width of a fibre may vary as measured between the corners of its two sides
_EVEN = 0.2
_ENDS = "an outline with {} ends, 2 needed; draw each fibre by itself"


@dataclass(frozen=True)
class Piece:
    """One outline on a fibre layer in the coordinates of its cell.

    Attributes:
        ends: middles of the two end edges, shape (2, 2), um.
        outward: unit vectors out of the fibre there, shape (2, 2).
        width: of the first end, um.
        line: centre line from the first end to the second, shape (N, 2), um.
    """

    ends: Points
    outward: Points
    width: float
    line: Points


@dataclass(frozen=True)
class End:
    """One end of a fibre: where it is in the top cell (um) and the unit vector out of the fibre."""

    x: float
    y: float
    dx: float
    dy: float


@dataclass(frozen=True)
class Fibre:
    """One fibre in the top cell.

    Attributes:
        layer: one of `levels.FIBRE_LAYERS`.
        name: of its instance; empty where it has none.
        ends: two of them.
        line: centre line from the first end to the second, shape (N, 2), um.
        width: of the cladding, um.
    """

    layer: str
    name: str
    ends: tuple[End, End]
    line: Points
    width: float

    @cached_property
    def box(self) -> kdb.DBox:
        """What the cladding covers, um."""
        low, high = self.line.min(axis=0) - self.width / 2, self.line.max(axis=0) + self.width / 2
        return kdb.DBox(float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    @cached_property
    def outline(self) -> kdb.DPolygon:
        """The cladding, within `LINE_ERROR`."""
        return kdb.DPath([kdb.DPoint(float(x), float(y)) for x, y in self.line], self.width).polygon()


@dataclass(frozen=True)
class Unread:
    """Something on a fibre layer that is no fibre: `fault` says what is wrong with it; box in its cell, um."""

    layer: str
    cell: str
    box: kdb.DBox
    fault: str
    places: int = 1


@dataclass(frozen=True)
class _Placed:
    name: str
    width: float
    ends: list[list[float]]
    outward: list[list[float]]
    line: Points


def read_piece(polygon: kdb.DPolygon) -> Piece | str:
    """The two ends and the centre line of an outline.

    Args:
        polygon: um.

    Returns:
        the piece, or what is wrong with it.
    """
    corners = np.array([(p.x, p.y) for p in polygon.each_point_hull()], float)
    if len(corners) < 4 or polygon.holes():
        return _ENDS.format(0)
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    if lengths.min() <= 0:
        return _ENDS.format(0)
    units = edges / lengths[:, None]
    before, after = np.roll(units, 1, axis=0), np.roll(units, -1, axis=0)

    def turn(a: Points, b: Points) -> Points:
        return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]

    # the interior of an outline lies on the right: it turns right at both corners of an end
    blunt = np.minimum(-turn(before, units), -turn(units, after)) > math.cos(math.asin(_SQUARE))
    candidates = np.flatnonzero(blunt & (lengths >= WIDTHS[0]) & (lengths <= WIDTHS[1]))
    if len(candidates) == 4 == len(corners):
        # a short straight: the two sides that are nearer to a cladding are its ends
        pair = min((0, 1), key=lambda k: abs(lengths[k] - CLADDING))
        candidates = np.array([pair, pair + 2])
    if len(candidates) != 2:
        return _ENDS.format(len(candidates))
    first, second = int(candidates[0]), int(candidates[1])
    middles = (corners[[first, second]] + np.roll(corners, -1, axis=0)[[first, second]]) / 2
    outward = np.stack([-units[[first, second], 1], units[[first, second], 0]], axis=1)
    left = corners[first + 1 : second + 1]
    right = np.concatenate([corners[second + 1 :], corners[: first + 1]])[::-1]
    if len(left) != len(right):
        count = max(len(left), len(right))
        left, right = _resampled(left, count), _resampled(right, count)
    width = float(lengths[first])
    across = np.hypot(*(left - right).T)
    odd = float(across[np.argmax(np.abs(across - width))])
    if abs(odd - width) > _EVEN * width:
        return f"an outline {width:.4g} um wide at its end and {odd:.4g} um elsewhere, one width needed; draw it again"
    return Piece(middles, outward, width, _thinned((left + right) / 2))


def _resampled(line: Points, count: int) -> Points:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    wanted = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, 0]), np.interp(wanted, along, line[:, 1])], axis=1)


def _thinned(line: Points) -> Points:
    """The line with as few of its points as keep it within `LINE_ERROR`: a chord over a turn sags by L turn / 8."""
    if len(line) <= 3:
        return line
    steps = np.diff(line, axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
    heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    turned = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(heading))), [0.0]])
    turned[-1] = turned[-2]
    kept, start = [0], 0
    for k in range(1, len(line)):
        if (along[k] - along[start]) * (turned[k - 1] - turned[start]) / 8 > LINE_ERROR and k - 1 > start:
            start = k - 1
            kept.append(start)
    return line[[*kept, len(line) - 1]]


def find_fibres(
    layout: kdb.Layout, places: Places, layers: Sequence[tuple[str, int]]
) -> tuple[list[Fibre], list[Unread]]:
    """The fibres of a layout.

    Args:
        layout: the layout.
        places: of its cells.
        layers: names and indices of the fibre layers.

    Returns:
        the fibres, and what is on their layers without being one.
    """
    fibres: list[Fibre] = []
    unread: list[Unread] = []
    for name, layer in layers:
        pieces: list[_Placed] = []
        for cell_index, times in places.times.items():
            cell = layout.cell(cell_index)
            read = [(shape.dbbox(), read_piece(shape.dpolygon)) for shape in cell.shapes(layer).each(AREAS)]
            unread += [Unread(name, cell.name, box, fault, times) for box, fault in read if isinstance(fault, str)]
            good = [piece for _, piece in read if not isinstance(piece, str)]
            if good:
                where = places.of(cell_index)
                for piece in good:
                    pieces += _placed(piece, where)
        fibres += _chains(name, pieces)
    return fibres, unread


def _placed(piece: Piece, places: Sequence[Place]) -> Iterator[_Placed]:
    ends, outward = carried(places, piece.ends).tolist(), turned(places, piece.outward).tolist()
    lines = carried(places, piece.line)
    for k, place in enumerate(places):
        yield _Placed(place.name, piece.width * place.trans.mag, ends[k], outward[k], lines[k])


def _chains(layer: str, pieces: list[_Placed]) -> list[Fibre]:
    """Pieces joined end to end; what closes on itself has no end and is left out."""
    partner = _partners(pieces)
    fibres: list[Fibre] = []
    used: set[int] = set()
    for start in range(len(pieces)):
        for end in (0, 1):
            if start in used or (start, end) in partner:
                continue
            fibres.append(_follow(layer, pieces, partner, used, (start, end)))
    return fibres


def _partners(pieces: list[_Placed]) -> dict[tuple[int, int], tuple[int, int]]:
    """Which end of which piece meets which: in one place, facing; each end has one partner at most."""
    grid: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        for end in (0, 1):
            x, y = piece.ends[end]
            grid[math.floor(x / JOINED), math.floor(y / JOINED)].append((number, end))
    partner: dict[tuple[int, int], tuple[int, int]] = {}
    for number in range(len(pieces)):
        for end in (0, 1):
            if (number, end) in partner:
                continue
            best = min(_facing(pieces, grid, (number, end), partner), default=None)
            if best is not None:
                partner[number, end] = best[1]
                partner[best[1]] = (number, end)
    return partner


def _facing(
    pieces: list[_Placed],
    grid: dict[tuple[int, int], list[tuple[int, int]]],
    own: tuple[int, int],
    partner: dict[tuple[int, int], tuple[int, int]],
) -> Iterator[tuple[float, tuple[int, int]]]:
    """Distance (um) and name of the free ends that an end may be joined with."""
    piece, end = pieces[own[0]], own[1]
    x, y = piece.ends[end]
    column, row = math.floor(x / JOINED), math.floor(y / JOINED)
    for i in (column - 1, column, column + 1):
        for j in (row - 1, row, row + 1):
            for other in grid.get((i, j), ()):
                if other[0] == own[0] or other in partner:
                    continue
                there = pieces[other[0]]
                distance = math.hypot(there.ends[other[1]][0] - x, there.ends[other[1]][1] - y)
                (ax, ay), (bx, by) = piece.outward[end], there.outward[other[1]]
                if distance <= JOINED and ax * bx + ay * by < -0.9:
                    yield (distance, other)


def _follow(
    layer: str,
    pieces: list[_Placed],
    partner: dict[tuple[int, int], tuple[int, int]],
    used: set[int],
    start: tuple[int, int],
) -> Fibre:
    """The fibre that begins at a free end."""
    lines: list[Points] = []
    number, entry = start
    while True:
        used.add(number)
        line = pieces[number].line
        lines.append(line if entry == 0 else line[::-1])
        leave = (number, 1 - entry)
        if leave not in partner:
            break
        number, entry = partner[leave]
    first, last = pieces[start[0]], pieces[leave[0]]
    begin, end = (End(*piece.ends[k], *piece.outward[k]) for piece, k in ((first, start[1]), (last, leave[1])))
    joined = np.concatenate([lines[0], *(line[1:] for line in lines[1:])])
    return Fibre(layer, first.name, (begin, end), joined, first.width)
