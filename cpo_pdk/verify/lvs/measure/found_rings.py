"""Rings in a layout that says nothing about itself: closed waveguides that are circles or racetracks, their gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.lvs.measure.drawn import Array, Box, Frame, UnmeasurableError, box_of, edges_of
from cpo_pdk.verify.lvs.measure.fits import Racetrack, point_distance, racetrack, segment_distance
from cpo_pdk.verify.outline import contours
from cpo_pdk.verify.process_layers import placements

#: a closed outline that leaves its circles or racetrack by more than this share of the radius is none
_ROUND_SHARE = 0.004
#: wider rings than this share of their radius are discs and frames, um / um
_WIDEST = 0.6


@dataclass(frozen=True)
class FoundRing:
    """A closed waveguide as drawn.

    Attributes:
        x, y: centre, um.
        radius, width, length_x: of the axis of the arcs, of the core, of the straights, um.
        angle: direction of the straights, degrees from the x axis, 0 to 180.
        off: how far the outline leaves the fitted one at most, um.
        gaps: to everything within reach, the smallest first, um.
        box: left, bottom, right, top, um.
        cell: that it is drawn in, where known.
        places: how often that cell is placed.
    """

    x: float
    y: float
    radius: float
    width: float
    length_x: float
    angle: float
    off: float
    gaps: tuple[float, ...]
    box: Box
    cell: str = ""
    places: int = 1


@dataclass(frozen=True)
class _Track:
    """A ring in place: centres of the half circles of its axis, outer radius, what is said of it so far."""

    a: Array
    b: Array
    outer: float
    ring: FoundRing


def measure_rings(region: kdb.Region, dbu: float = 0.001, reach: float = 1.5) -> list[FoundRing]:
    """Find the rings among the polygons of a waveguide layer, and measure them.

    Args:
        region: polygons of the cores; they are merged here.
        dbu: database unit of the region, um.
        reach: gaps up to this are listed, um.

    Returns:
        from left to right, then from below.
    """
    polygons = [[loop * dbu for loop in contours(polygon)] for polygon in region.merged().each()]
    tracks = {n: track for n, loops in enumerate(polygons) if len(loops) == 2 and (track := _track(loops)) is not None}
    if not tracks:
        return []
    boxes = np.array([box_of(loops[0]) for loops in polygons])
    found = []
    for number, track in tracks.items():
        left, bottom, right, top = track.ring.box
        near = (boxes[:, 0] < right + reach) & (boxes[:, 2] > left - reach)
        near &= (boxes[:, 1] < top + reach) & (boxes[:, 3] > bottom - reach)
        gaps = []
        for other in np.flatnonzero(near):
            if other == number:
                continue
            gap = _gap(track, polygons[other], tracks.get(int(other)))
            if gap < reach:
                gaps.append(round(gap, 6))
        found.append(replace(track.ring, gaps=tuple(sorted(gaps))))
    return sorted(found, key=lambda ring: (ring.x, ring.y))


def _track(loops: list[Array]) -> _Track | None:
    """The ring that a hull and a hole make, or None."""
    hull, hole = loops
    if len(hull) < 12 or len(hole) < 12:
        return None
    angle = _direction(hull)
    frame = Frame((float(hull[:, 0].mean()), float(hull[:, 1].mean())), -angle)
    try:
        outer, inner = racetrack(frame.into(hull)), racetrack(frame.into(hole))
    except UnmeasurableError:
        return None
    radius, width = (outer.radius + inner.radius) / 2, outer.radius - inner.radius
    off = max(outer.off, inner.off, outer.skew, inner.skew, float(np.linalg.norm(outer.center - inner.center)))
    if off > _ROUND_SHARE * radius or not 0 < width < _WIDEST * radius:
        return None
    a, b = frame.back(_ends(outer, inner))
    middle = (a + b) / 2
    straight = max(0.0, (outer.length_x + inner.length_x) / 2)
    ring = FoundRing(
        x=round(float(middle[0]), 5),
        y=round(float(middle[1]), 5),
        radius=round(radius, 5),
        width=round(width, 5),
        length_x=round(straight, 5),
        angle=round(angle % 180.0, 4),
        off=round(off, 6),
        gaps=(),
        box=box_of(hull),
    )
    return _Track(a, b, outer.radius, ring)


def _ends(outer: Racetrack, inner: Racetrack) -> Array:
    return np.array([(outer.left + inner.left) / 2, (outer.right + inner.right) / 2])


def _direction(hull: Array) -> float:
    """Direction of the straights of a closed outline in degrees, from its second moments; 0 for a circle."""
    own = hull - hull.mean(axis=0)
    x, y = own.T
    u, v = np.roll(own, -1, axis=0).T
    cross = x * v - u * y
    xx = float(np.sum(cross * (x * x + x * u + u * u))) / 12
    yy = float(np.sum(cross * (y * y + y * v + v * v))) / 12
    xy = float(np.sum(cross * (x * v + 2 * x * y + 2 * u * v + u * y))) / 24
    if math.hypot(xx - yy, 2 * xy) < 1e-3 * abs(xx + yy):
        return 0.0
    sign = 1.0 if xx + yy > 0 else -1.0
    angle = math.degrees(0.5 * math.atan2(2 * sign * xy, sign * (xx - yy)))
    # straights along an axis are the rule: what the centroid of corners puts off by less than the grid is none
    nearest = round(angle / 90.0) * 90.0
    return nearest if abs(angle - nearest) < 0.02 else angle


def _gap(track: _Track, loops: list[Array], other: _Track | None) -> float:
    """Distance of the fitted outer edge of a ring from another polygon, or from the fitted edge of another ring, um."""
    if other is not None:
        apart = float(segment_distance(track.a, track.b, other.a[None, :], other.b[None, :])[0])
        if apart > 0:
            return apart - track.outer - other.outer
    start, end = edges_of(loops)
    if np.linalg.norm(track.b - track.a) < 1e-3:
        middle = np.broadcast_to((track.a + track.b) / 2, start.shape)
        return float(point_distance(middle, start, end).min()) - track.outer
    return float(segment_distance(track.a, track.b, start, end).min()) - track.outer


def rings_of_layout(file: LayoutFile, known: frozenset[str] = frozenset()) -> list[FoundRing]:
    """The rings of a layout, cell by cell, each distinct cell once.

    Args:
        file: see `read_layout`.
        known: names of cells that are measured otherwise.

    Returns:
        rings in the coordinates of the cell that they are drawn in, with gaps to what that cell holds.
    """
    index = file.layout.find_layer(*layer_of("WG"))
    if index is None:
        return []
    found: list[FoundRing] = []
    for cell_index, places in placements(file.layout, file.top).items():
        cell = file.layout.cell(cell_index)
        if cell.name in known or cell.shapes(index).is_empty():
            continue
        rings = measure_rings(kdb.Region(cell.shapes(index)), file.layout.dbu)
        found += [replace(ring, cell=cell.name, places=places) for ring in rings]
    return found
