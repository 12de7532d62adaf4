"""The walls of the cores of one device, with the width behind each and the ports that light along them heads for.

KLayout gives outlines clockwise and holes the other way round: silicon is always to the right. Light that moves along a
wall, in the sense of its outline, heads for the next port on it. Edges at a port, and the blunt ends of tips, are no
walls: a guide that ends in front of another does not run beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

#: an outline turns a corner where it turns by more than this, cosine of 40 degrees
CORNER = 0.766
#: an edge with its middle this close to a port lies at it, um
AT_PORT_UM = 0.02
#: products of edges in one step
CHUNK = 2_000_000


@dataclass(frozen=True)
class PlacedPort:
    """A port in the coordinates of its cell, um, with its outward direction."""

    name: str
    x: float
    y: float
    dx: float
    dy: float


@dataclass(frozen=True)
class Walls:
    """Walls, each a straight edge, `E` of them.

    Attributes:
        start, end: um, shape (E, 2).
        width: of the silicon behind it, um, shape (E,).
        outline: number of the outline that it belongs to; outlines of one polygon differ, shape (E,).
        polygon: number of the polygon.
        s: um along the outline to its start; a whole outline is `around` um, which may be passed more than once.
        ahead, behind: number of the port that light along it heads for, and of that it comes from; -1 for none.
        fraction: share of the way from one to the other that lies behind its start.
        way: um between the two.
        ports: of the device.
    """

    start: Real
    end: Real
    width: Real
    outline: Whole
    polygon: Whole
    s: Real
    around: Real
    ahead: Whole
    behind: Whole
    fraction: Real
    way: Real
    ports: tuple[PlacedPort, ...]

    @property
    def count(self) -> int:
        return int(self.width.size)

    def placed(self, trans: kdb.DCplxTrans) -> Walls:
        """The walls moved. A mirror turns the sense of the outlines: start and end swap, and ahead and behind."""
        start, end = moved(self.start, trans), moved(self.end, trans)
        ports = tuple(_moved_port(port, trans) for port in self.ports)
        if not trans.is_mirror():
            return replace(self, start=start, end=end, ports=ports)
        length = np.hypot(*(self.end - self.start).T)
        past = np.divide(length, self.way, out=np.zeros_like(length), where=self.way > 0)
        return replace(
            self,
            start=end,
            end=start,
            s=self.around - self.s - length,
            ahead=self.behind,
            behind=self.ahead,
            fraction=np.clip(1.0 - self.fraction - past, 0.0, 1.0),
            ports=ports,
        )

    def only(self, chosen: NDArray[np.bool_]) -> Walls:
        """Some of the walls."""
        arrays = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return replace(self, **arrays)


_ARRAYS = ("start", "end", "width", "outline", "polygon", "s", "around", "ahead", "behind", "fraction", "way")


def moved(points: Real, trans: kdb.DCplxTrans) -> Real:
    """Points, shape (n, 2), in um, through a transformation without magnification."""
    angle = np.deg2rad(trans.angle)
    # quarter turns stay exact
    cos, sin = np.round(np.cos(angle), 15), np.round(np.sin(angle), 15)
    flip = -1.0 if trans.is_mirror() else 1.0
    x, y = points[:, 0], flip * points[:, 1]
    return np.column_stack([cos * x - sin * y + trans.disp.x, sin * x + cos * y + trans.disp.y])


def _moved_port(port: PlacedPort, trans: kdb.DCplxTrans) -> PlacedPort:
    at = trans * kdb.DPoint(port.x, port.y)
    to = trans * kdb.DVector(port.dx, port.dy)
    return PlacedPort(port.name, at.x, at.y, to.x, to.y)


def walls_of(region: kdb.Region, dbu: float, ports: Sequence[PlacedPort]) -> Walls:
    """The walls of merged polygons.

    Args:
        region: of one layer, merged.
        dbu: um.
        ports: optical ports on that layer.
    """
    parts: dict[str, list[Any]] = {name: [] for name in _ARRAYS}
    outline = 0
    for number, polygon in enumerate(region.each()):
        points = [_points(hull, dbu) for hull in _outlines(polygon)]
        starts = np.concatenate(points)
        ends = np.concatenate([np.roll(p, -1, axis=0) for p in points])
        behind = _width_behind(starts, ends)
        first = 0
        for p in points:
            found = _outline(p, behind[first : first + len(p)], ports)
            first += len(p)
            count = found["width"].size
            found["outline"] = np.full(count, outline)
            found["polygon"] = np.full(count, number)
            outline += 1
            for name, array in found.items():
                parts[name].append(array)
    return Walls(**{name: _joined(name, arrays) for name, arrays in parts.items()}, ports=tuple(ports))


def _joined(name: str, arrays: list[Any]) -> Any:
    if arrays:
        return np.concatenate(arrays)
    whole = name in ("outline", "polygon", "ahead", "behind")
    return np.empty((0, 2) if name in ("start", "end") else (0,), np.int64 if whole else np.float64)


def _outlines(polygon: kdb.Polygon) -> Iterator[list[kdb.Point]]:
    yield list(polygon.each_point_hull())
    for hole in range(polygon.holes()):
        yield list(polygon.each_point_hole(hole))


def _points(points: list[kdb.Point], dbu: float) -> Real:
    return np.array([(p.x, p.y) for p in points], np.float64) * dbu


def _width_behind(start: Real, end: Real) -> Real:
    """How far it is from the middle of each edge, through the silicon, to the other side; um, shape (E,)."""
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    inward = np.column_stack([along[:, 1], -along[:, 0]]) / length[:, None]
    middle = (start + end) / 2
    width = np.full(len(start), np.inf)
    step = max(1, CHUNK // len(start))
    for first in range(0, len(start), step):
        m, d = middle[first : first + step, None], inward[first : first + step, None]
        rel = start[None] - m
        cross = d[..., 0] * along[None, :, 1] - d[..., 1] * along[None, :, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = (rel[..., 0] * along[None, :, 1] - rel[..., 1] * along[None, :, 0]) / cross
            where = (rel[..., 0] * d[..., 1] - rel[..., 1] * d[..., 0]) / cross
        hit = (np.abs(cross) > 1e-12) & (where >= -1e-9) & (where <= 1 + 1e-9) & (reach > 1e-6)
        width[first : first + step] = np.where(hit, reach, np.inf).min(axis=1)
    return width


def _outline(points: Real, width: Real, ports: Sequence[PlacedPort]) -> dict[str, Any]:
    """The walls of one closed outline."""
    start, end = points, np.roll(points, -1, axis=0)
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    s = np.concatenate([[0.0], np.cumsum(length)[:-1]])
    around = float(length.sum())
    at_port = _edges_at_ports(start, end, ports)
    wall = (at_port < 0) & ~_blunt(along / length[:, None], length, width)
    ahead = np.full(len(start), -1)
    behind = np.full(len(start), -1)
    fraction = np.zeros(len(start))
    way = np.full(len(start), around)
    facets = np.flatnonzero(at_port >= 0)
    if facets.size:
        index = np.arange(len(start))
        following = np.searchsorted(facets, index, side="left")
        next_facet, last_facet = facets[following % facets.size], facets[following - 1]
        ahead, behind = at_port[next_facet], at_port[last_facet]
        begin = s[last_facet] + length[last_facet]
        way = (s[next_facet] - begin) % around
        way[way < 1e-9] = around
        fraction = np.clip(((s - begin) % around) / way, 0.0, 1.0)
    return {
        "start": start[wall],
        "end": end[wall],
        "width": width[wall],
        "s": s[wall],
        "around": np.full(int(wall.sum()), around),
        "ahead": ahead[wall],
        "behind": behind[wall],
        "fraction": fraction[wall],
        "way": way[wall],
    }


def _edges_at_ports(start: Real, end: Real, ports: Sequence[PlacedPort]) -> Whole:
    """Number of the port that each edge lies at, -1 for none."""
    found = np.full(len(start), -1)
    middle, along = (start + end) / 2, end - start
    for number, port in enumerate(ports):
        near = np.hypot(middle[:, 0] - port.x, middle[:, 1] - port.y) < AT_PORT_UM
        # silicon is to the right, so that the outward direction is to the left
        facing = -along[:, 1] * port.dx + along[:, 0] * port.dy > 0.9 * np.hypot(along[:, 0], along[:, 1])
        found[near & facing] = number
    return found


def _blunt(direction: Real, length: Real, width: Real) -> NDArray[np.bool_]:
    """Edges of a smooth part of the outline, from corner to corner, shorter than the silicon behind it is deep."""
    turned = np.einsum("ij,ij->i", direction, np.roll(direction, 1, axis=0)) < CORNER
    if not turned.any():
        return np.zeros(len(length), np.bool_)
    part = np.cumsum(turned) % int(turned.sum())
    total = np.bincount(part, weights=length)
    deep = np.full(total.size, np.inf)
    np.minimum.at(deep, part, width)
    return (total < deep)[part]
