"""All contours of a layer as one set of arrays: what is measured along a wall is measured along all walls at once.

A contour is closed; edge `i` leads from corner `i` to corner `following[i]`, with the material on its right. Lengths in
um, angles in radian; a turn to the left, away from the material, is positive: it makes a hollow corner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.verify.outline import contours

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ContourSet:
    """Contours of polygons in the coordinates of the top cell.

    Attributes:
        points: corners, um, shape (N, 2).
        loop: number of the contour of each corner, rising, shape (N,).
        polygon: number of the polygon of each corner, shape (N,).
        first: index of the first corner of each contour, and N, shape (L + 1,).
        places: how often each polygon is found in the top cell, shape (P,).
    """

    points: Floats
    loop: Ints
    polygon: Ints
    first: Ints
    places: Ints

    @staticmethod
    def of(polygons: Iterable[tuple[kdb.Polygon, int]], dbu: float) -> ContourSet:
        """The contours of merged polygons (dbu), each with the number of its places."""
        places: list[int] = []
        loops: list[Floats] = []
        owner: list[int] = []
        for number, (polygon, times) in enumerate(polygons):
            places.append(times)
            for loop in contours(polygon):
                loops.append(loop * dbu)
                owner.append(number)
        return ContourSet.of_loops(loops, owner, places)

    @staticmethod
    def of_loops(loops: Sequence[Floats], owner: Sequence[int], places: Sequence[int]) -> ContourSet:
        """Contours of shape (N, 2) in um, the polygon of each, and the number of places of each polygon."""
        kept = [(loop, number) for loop, number in zip(loops, owner, strict=True) if len(loop) > 2]
        sizes = np.array([len(loop) for loop, _ in kept], np.int64)
        return ContourSet(
            points=np.concatenate([loop for loop, _ in kept]) if kept else np.empty((0, 2)),
            loop=np.repeat(np.arange(sizes.size), sizes),
            polygon=np.repeat(np.array([number for _, number in kept], np.int64), sizes),
            first=np.concatenate([[0], np.cumsum(sizes)]),
            places=np.array(places, np.int64),
        )

    @property
    def count(self) -> int:
        """Number of corners, and of edges."""
        return len(self.points)

    @cached_property
    def following(self) -> Ints:
        """Index of the next corner."""
        index = np.arange(1, self.count + 1)
        index[self.first[1:] - 1] = self.first[:-1]
        return index

    @cached_property
    def preceding(self) -> Ints:
        """Index of the corner before."""
        index = np.arange(-1, self.count - 1)
        index[self.first[:-1]] = self.first[1:] - 1
        return index

    @cached_property
    def edge(self) -> Floats:
        """From each corner to the next, um, shape (N, 2)."""
        return self.points[self.following] - self.points

    @cached_property
    def length(self) -> Floats:
        """Of each edge, um."""
        return np.hypot(self.edge[:, 0], self.edge[:, 1])

    @cached_property
    def direction(self) -> Floats:
        """Of each edge, shape (N, 2)."""
        return self.edge / np.where(self.length > 0, self.length, 1.0)[:, None]

    @cached_property
    def turn(self) -> Floats:
        """At each corner, radian."""
        before = self.direction[self.preceding]
        return np.arctan2(cross(before, self.direction), dot(before, self.direction))

    @cached_property
    def s(self) -> Floats:
        """Way along all contours, laid end to end, to each corner, um."""
        return np.concatenate([[0.0], np.cumsum(self.length)])[:-1]

    @cached_property
    def _begin(self) -> Floats:
        """Way to the first corner of each contour."""
        return np.concatenate([self.s, [self.length.sum()]])[self.first]

    def around(self, loop: Ints) -> Floats:
        """Length of contours, um."""
        return (self._begin[1:] - self._begin[:-1])[loop]

    def edge_at(self, loop: Ints, s: Floats) -> tuple[Ints, Floats]:
        """Edges on which places lie, and how far along; `s` may run past the ends of the contour.

        Args:
            loop: contours, shape (K,).
            s: way along all contours as in `self.s`, shape (K,).
        """
        begin = self._begin[loop]
        wrapped = begin + np.mod(s - begin, np.maximum(self.around(loop), 1e-12))
        edge = np.searchsorted(self.s, wrapped, side="right") - 1
        edge = np.clip(edge, self.first[loop], self.first[loop + 1] - 1)
        return edge, wrapped - self.s[edge]

    def at(self, loop: Ints, s: Floats) -> Floats:
        """Places on contours, shape (K, 2); see `edge_at`."""
        edge, along = self.edge_at(loop, s)
        return self.points[edge] + self.direction[edge] * along[:, None]

    def tangent(self, loop: Ints, s: Floats, reach: float | Floats) -> Floats:
        """Direction of contours from `reach` before to `reach` after a place, shape (K, 2)."""
        return unit(self.at(loop, s + reach) - self.at(loop, s - reach))

    def turning(self, start: Ints, stop: Ints) -> Floats:
        """Sum of the turns at the corners from `start` to `stop` of one contour, both included, over its seam too."""
        total = np.concatenate([[0.0], np.cumsum(self.turn)])
        straight = total[stop + 1] - total[start]
        whole = total[self.first[self.loop[start] + 1]] - total[self.first[self.loop[start]]]
        return np.where(stop >= start, straight, straight + whole)


def unit(vectors: Floats) -> Floats:
    """Vectors of shape (K, 2) with the length 1; zero stays zero."""
    size = np.hypot(vectors[:, 0], vectors[:, 1])
    return vectors / np.where(size > 0, size, 1.0)[:, None]


def right_of(vectors: Floats) -> Floats:
    """Vectors turned to their right, into the material, shape (K, 2)."""
    return np.column_stack([vectors[:, 1], -vectors[:, 0]])


def dot(a: Floats, b: Floats) -> Floats:
    """Scalar products, shape (K,)."""
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]


def cross(a: Floats, b: Floats) -> Floats:
    """Vector products, positive where `b` points to the left of `a`, shape (K,)."""
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
