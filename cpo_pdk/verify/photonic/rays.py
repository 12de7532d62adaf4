"""Where rays meet walls: the width of a guide, seen from each of its walls.

The edges are sorted into the squares of a grid that they pass through, so that a ray is tried only against those in the
squares on its own way: the effort grows with the length of the walls, not with the square of their number.
"""

from __future__ import annotations

import numpy as np

from cpo_pdk.verify.photonic.contour_set import ContourSet, Floats, Ints, cross

#: smallest side of a square of the grid, um
SQUARE_UM = 1.0
#: most squares that the walls of a file pass through; the grid gets coarser where there would be more
SQUARE_LIMIT = 4_000_000
#: rays that are followed at a time: each is tried against some tens of edges
CHUNK = 20_000
#: a ray that starts on a wall doesn't meet that wall, um
OFF_WALL_UM = 1e-4
_BITS = 22
_MASK = (1 << _BITS) - 1


class RayGrid:
    """The walls of a set of contours, to be met by rays."""

    def __init__(self, walls: ContourSet) -> None:
        self.walls = walls
        total, number = float(walls.length.sum()), max(walls.count, 1)
        # coarse outlines need no fine grid, and long ones would fill the memory with one
        self.square = max(SQUARE_UM, total / number / 4, 2 * total / SQUARE_LIMIT)
        edge, x, y = self._squares(walls.points, walls.points[walls.following])
        keys = self._keys(walls.polygon[edge], x, y)
        order = np.argsort(keys, kind="stable")
        self._keys_sorted, self._edges = keys[order], edge[order]

    def meet(self, start: Floats, direction: Floats, polygon: Ints, reach: float) -> tuple[Floats, Ints]:
        """The first wall that each ray meets.

        Args:
            start: um, shape (K, 2).
            direction: of length 1, shape (K, 2).
            polygon: only walls of this polygon count, shape (K,).
            reach: um.

        Returns:
            distance in um (inf where there is no wall within reach) and number of the edge (-1), each of shape (K,).
        """
        reached = np.full(len(start), np.inf)
        met = np.full(len(start), -1)
        for first in range(0, len(start), CHUNK):
            part = slice(first, first + CHUNK)
            reached[part], met[part] = self._meet(start[part], direction[part], polygon[part], reach)
        return reached, met

    def _meet(self, start: Floats, direction: Floats, polygon: Ints, reach: float) -> tuple[Floats, Ints]:
        ray, x, y = self._squares(start, start + reach * direction)
        keys = self._keys(polygon[ray], x, y)
        low = np.searchsorted(self._keys_sorted, keys, side="left")
        high = np.searchsorted(self._keys_sorted, keys, side="right")
        counts = high - low
        of = np.repeat(ray, counts)
        within = np.arange(of.size) - np.repeat(np.cumsum(counts) - counts, counts)
        edge = self._edges[np.repeat(low, counts) + within]
        walls = self.walls
        along = walls.edge[edge]
        offset = walls.points[edge] - start[of]
        det = cross(direction[of], along)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = cross(offset, along) / det
            share = cross(offset, direction[of]) / det
        hit = (np.abs(det) > 1e-12) & (share >= -1e-9) & (share <= 1 + 1e-9)
        hit &= (distance > OFF_WALL_UM) & (distance <= reach) & (walls.polygon[edge] == polygon[of])
        of, edge, distance = of[hit], edge[hit], distance[hit]
        order = np.lexsort((distance, of))
        of, edge, distance = of[order], edge[order], distance[order]
        nearest = np.unique(of, return_index=True)[1] if of.size else np.empty(0, np.int64)
        reached = np.full(len(start), np.inf)
        met = np.full(len(start), -1)
        reached[of[nearest]], met[of[nearest]] = distance[nearest], edge[nearest]
        return reached, met

    def _squares(self, start: Floats, end: Floats) -> tuple[Ints, Ints, Ints]:
        """The squares that lines pass through: number of the line, column, row."""
        a, b = start / self.square, end / self.square
        cell_a, cell_b = np.floor(a).astype(np.int64), np.floor(b).astype(np.int64)
        crossed = np.abs(cell_b - cell_a)
        counts = crossed.sum(axis=1) + 1
        simple = np.flatnonzero(counts == 1)
        lines: list[Ints] = [simple]
        columns, rows = [cell_a[simple, 0]], [cell_a[simple, 1]]
        many = np.flatnonzero(counts > 1)
        if many.size:
            # where a line goes over into the next column or row, as shares of its length
            shares, of = [np.zeros(many.size), np.ones(many.size)], [many, many]
            for axis in (0, 1):
                n = crossed[many, axis]
                line = np.repeat(many, n)
                step = np.arange(line.size) - np.repeat(np.cumsum(n) - n, n)
                rising = cell_b[line, axis] > cell_a[line, axis]
                border = np.where(rising, cell_a[line, axis] + 1 + step, cell_a[line, axis] - step)
                shares.append((border - a[line, axis]) / (b[line, axis] - a[line, axis]))
                of.append(line)
            share, line = np.concatenate(shares), np.concatenate(of)
            order = np.lexsort((share, line))
            share, line = share[order], line[order]
            inside = np.flatnonzero(line[1:] == line[:-1])
            middle = (share[inside] + share[inside + 1])[:, None] / 2
            line = line[inside]
            cell = np.floor(a[line] + middle * (b[line] - a[line])).astype(np.int64)
            lines.append(line)
            columns.append(cell[:, 0])
            rows.append(cell[:, 1])
        return np.concatenate(lines), np.concatenate(columns), np.concatenate(rows)

    @staticmethod
    def _keys(polygon: Ints, x: Ints, y: Ints) -> Ints:
        return (polygon << (2 * _BITS)) ^ ((x & _MASK) << _BITS) ^ (y & _MASK)
