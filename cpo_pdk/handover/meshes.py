"""Triangles of prisms and tubes: closed surfaces, seen from outside counter-clockwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ezdxf.math import Vec2
from ezdxf.math.triangulation import mapbox_earcut_2d
from numpy.typing import NDArray

from cpo_pdk.handover.parts import Fibre, Points, Solid

_SIDES = 6


@dataclass(frozen=True)
class Mesh:
    """Corners of shape (N, 3) in um and triangles of shape (M, 3)."""

    corners: Points
    triangles: NDArray[np.int64]


def prism(solid: Solid) -> Mesh:
    """The surface of a solid.

    Args:
        solid: outline and heights.
    """
    corners, caps = _flat(solid)
    n = len(corners)
    low = np.column_stack([corners, np.full(n, solid.bottom)])
    high = np.column_stack([corners, np.full(n, solid.top)])
    edges = np.concatenate([caps[:, [0, 1]], caps[:, [1, 2]], caps[:, [2, 0]]])
    taken = {(int(a), int(b)) for a, b in edges}
    rim = np.array(sorted((a, b) for a, b in taken if (b, a) not in taken), dtype=np.int64).reshape(-1, 2)
    a, b = rim[:, 0], rim[:, 1]
    sides = np.concatenate([np.stack([a, b, b + n], 1), np.stack([a, b + n, a + n], 1)])
    return Mesh(np.concatenate([low, high]), np.concatenate([caps[:, ::-1], caps + n, sides]))


def _flat(solid: Solid) -> tuple[Points, NDArray[np.int64]]:
    """Corners and counter-clockwise triangles of an outline."""
    if len(solid.outline) == 4 and not solid.holes and _is_box(solid.outline):
        (left, low), (right, high) = solid.outline.min(axis=0), solid.outline.max(axis=0)
        box = np.array([(left, low), (right, low), (right, high), (left, high)])
        return box, np.array([(0, 1, 2), (0, 2, 3)])
    numbers: dict[tuple[float, float], int] = {}
    triangles = []
    for a, b, c in mapbox_earcut_2d(
        [Vec2(p) for p in solid.outline], [[Vec2(p) for p in hole] for hole in solid.holes]
    ):
        turn = (b - a).det(c - a)
        corners = (a, b, c) if turn > 0 else (a, c, b)
        triangles.append([numbers.setdefault((p.x, p.y), len(numbers)) for p in corners])
    return np.array(list(numbers)).reshape(-1, 2), np.array(triangles, dtype=np.int64).reshape(-1, 3)


def _is_box(outline: Points) -> bool:
    return len(np.unique(outline[:, 0])) == 2 and len(np.unique(outline[:, 1])) == 2


def tube(fibre: Fibre, sides: int = _SIDES) -> Mesh:
    """A fibre as a tube of the width that it is drawn with, closed at both ends.

    Args:
        fibre: with its path in space.
        sides: of the polygon that stands for its circle; corners lie on the circle.
    """
    path = fibre.path
    step = np.diff(path, axis=0)
    step /= np.linalg.norm(step, axis=1)[:, None]
    along = np.concatenate([step[:1], step[1:] + step[:-1], step[-1:]])
    along /= np.linalg.norm(along, axis=1)[:, None]
    aside = np.column_stack([along[:, 1], -along[:, 0], np.zeros(len(along))])
    aside /= np.maximum(np.linalg.norm(aside, axis=1), 1e-12)[:, None]
    up = np.cross(aside, along)
    angle = 2 * np.pi * np.arange(sides) / sides
    circle = aside[:, None] * np.cos(angle)[:, None] + up[:, None] * np.sin(angle)[:, None]
    corners = (path[:, None] + circle * (fibre.width / 2)).reshape(-1, 3)
    ring, around = np.arange(len(path) - 1)[:, None] * sides, np.arange(sides)
    a, b = ring + around, ring + (around + 1) % sides
    c, d = a + sides, b + sides
    walls = np.concatenate([np.stack([a, d, b], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    fan = np.stack([np.zeros(sides - 2, dtype=np.int64), around[1:-1], around[2:]], 1)
    last = (len(path) - 1) * sides
    return Mesh(corners, np.concatenate([walls, fan, fan[:, ::-1] + last]))
