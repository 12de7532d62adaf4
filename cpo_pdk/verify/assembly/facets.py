"""Where waveguides come to the edge of a die: the couplers that fibres stand in front of."""

from __future__ import annotations

from dataclasses import dataclass

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.placed import Points, polygons_in

#: a waveguide that ends this close to the edge of its die is meant to reach it, um
REACH = 25.0
#: broader ends than this are no waveguides: marks, frames, um
TIP_WIDTH = 4.0
#: the trench along a facet is at least this long, um
TRENCH = 20.0
#: outlines with more corners than this are no dies
MOST_CORNERS = 400
#: cosine of how far an end may be turned against the edge
_STRAIGHT = 0.99


@dataclass(frozen=True)
class Facet:
    """The ends of waveguides along one edge of a die, in the coordinates of its cell, um.

    Attributes:
        origin: where the edge begins; seen from the die towards it, the edge runs to the left.
        outward: unit vector out of the die.
        length: of the edge.
        along: of each coupler from `origin`, rising; shape (N,).
        beyond: how far each coupler reaches out of the die; below 0 it ends inside; shape (N,).
    """

    origin: tuple[float, float]
    outward: tuple[float, float]
    length: float
    along: Points
    beyond: Points

    @property
    def left(self) -> tuple[float, float]:
        """Unit vector along the edge, to the left of who looks out of the die."""
        return (-self.outward[1], self.outward[0])

    def point(self, along: float, beyond: float) -> tuple[float, float]:
        """A point in the coordinates of the cell."""
        (x, y), (nx, ny), (lx, ly) = self.origin, self.outward, self.left
        return (x + lx * along + nx * beyond, y + ly * along + ny * beyond)

    @property
    def couplers(self) -> Points:
        """Where the couplers are on the edge, shape (N, 2)."""
        return np.array([self.point(float(s), 0.0) for s in self.along]).reshape(-1, 2)

    def strip(self, near: float, far: float, beside: float) -> kdb.DPolygon:
        """What lies in front of the couplers.

        Args:
            near: distance from the edge at which it begins, um.
            far: distance at which it ends, um.
            beside: beyond the axes of the outer couplers, um.
        """
        low, high = float(self.along[0]) - beside, float(self.along[-1]) + beside
        corners = [self.point(s, d) for s, d in ((low, near), (low, far), (high, far), (high, near))]
        return kdb.DPolygon([kdb.DPoint(x, y) for x, y in corners])


def find_facets(
    layout: kdb.Layout, cell: kdb.Cell, outline: kdb.DPolygon, guides: int | None, trench: int | None
) -> list[Facet]:
    """The facets of a die.

    An edge is a facet where a waveguide ends within `REACH` of it, at right angles, and goes on nowhere; and one of
    them ends on it, or a trench runs along it.

    Args:
        layout: that the cell is in.
        cell: that holds the die.
        outline: of the die in that cell, um.
        guides: index of the layer of waveguides, if the file has it.
        trench: index of the layer of facet trenches, if the file has it.
    """
    if guides is None or outline.num_points() > MOST_CORNERS:
        return []
    found: list[Facet] = []
    for edge in outline.each_edge():
        if edge.length() < TIP_WIDTH:
            continue
        # the interior of an outline lies on the right of its edges
        d = edge.d() / edge.length()
        outward = (-d.y, d.x)
        box = edge.bbox().enlarged(REACH, REACH)
        ends = _ends(layout, cell, guides, box, (edge.x1, edge.y1), outward, edge.length())
        touching = [end for end in ends if abs(end[1]) <= 1.0]
        if not ends or (not touching and not _trenched(layout, cell, trench, edge)):
            continue
        ends = [end for end in ends if end[1] >= -1.0 or not _goes_on(layout, cell, guides, edge, outward, end)]
        # from the left end of the edge, as one looks out of the die, to the right: turned round
        along = np.array([edge.length() - end[0] for end in ends])
        order = np.argsort(along)
        beyond = np.array([end[1] for end in ends])
        found.append(Facet((edge.x2, edge.y2), outward, edge.length(), along[order], beyond[order]))
    return found


def _ends(
    layout: kdb.Layout,
    cell: kdb.Cell,
    layer: int,
    box: kdb.DBox,
    origin: tuple[float, float],
    outward: tuple[float, float],
    length: float,
) -> list[tuple[float, float]]:
    """Ends of waveguides that look out of the die near an edge: how far along it, how far beyond it."""
    found: dict[tuple[int, int], tuple[float, float]] = {}
    normal, start = np.array(outward), np.array(origin)
    tangent = np.array((outward[1], -outward[0]))
    for polygon in polygons_in(layout, cell, layer, box):
        corners = np.array([(p.x, p.y) for p in polygon.each_point_hull()], float)
        if len(corners) < 3:
            continue
        sides = np.roll(corners, -1, axis=0) - corners
        lengths = np.maximum(np.hypot(sides[:, 0], sides[:, 1]), 1e-9)
        units = sides / lengths[:, None]
        looks = units[:, 1] * -normal[0] + units[:, 0] * normal[1]  # cosine between outward normals
        inward = np.roll(units, 1, axis=0) @ normal
        back = np.roll(units, -1, axis=0) @ normal
        middles = (corners + np.roll(corners, -1, axis=0)) / 2 - start
        beyond, along = middles @ normal, middles @ tangent
        good = (looks > _STRAIGHT) & (lengths <= TIP_WIDTH) & (inward > 0.9) & (back < -0.9)
        good &= (np.abs(beyond) <= REACH) & (along >= 0) & (along <= length)
        for k in np.flatnonzero(good):
            place = (round(float(along[k]), 3), round(float(beyond[k]), 3))
            found.setdefault((round(place[0] * 100), round(place[1] * 100)), place)
    return list(found.values())


def _trenched(layout: kdb.Layout, cell: kdb.Cell, trench: int | None, edge: kdb.DEdge) -> bool:
    """True when a trench runs along an edge."""
    box = edge.bbox().enlarged(1.0, 1.0)
    common = (polygon.bbox() & box for polygon in polygons_in(layout, cell, trench, box))
    return any(max(part.width(), part.height()) >= TRENCH for part in common)


def _goes_on(
    layout: kdb.Layout,
    cell: kdb.Cell,
    guides: int,
    edge: kdb.DEdge,
    outward: tuple[float, float],
    end: tuple[float, float],
) -> bool:
    """True when another piece of waveguide lies in front of an end that is not on the edge."""
    d = edge.d() / edge.length()
    x = edge.x1 + d.x * end[0] + outward[0] * (end[1] + 0.01)
    y = edge.y1 + d.y * end[0] + outward[1] * (end[1] + 0.01)
    box = kdb.DBox(x - 0.005, y - 0.005, x + 0.005, y + 0.005)
    return any(True for _ in polygons_in(layout, cell, guides, box))
