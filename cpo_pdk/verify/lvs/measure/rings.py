"""Rings measured: radius, straights and width from circles through both edges, gaps from those circles to what is near.

A gap is the distance of the ring's fitted edge from its neighbour, not of two polygons: it doesn't depend on where the
corners of the ring's outline happen to lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpo_pdk.verify.lvs.measure.drawn import Array, Drawn, Readings, UnmeasurableError, edges_of
from cpo_pdk.verify.lvs.measure.fits import ROUND, Racetrack, circles, fit, racetrack, segment_distance
from cpo_pdk.verify.lvs.measure.terminals import measure_terminals

#: corners of the outline of a ring of varying width may lie this far off it, um
_ROUND_WIDE = 0.004


@dataclass(frozen=True)
class Ring:
    """A closed waveguide: its outer and inner edge, and its number among the polygons of the layer."""

    outer: Racetrack
    inner: Racetrack
    polygon: int

    @property
    def radius(self) -> float:
        """Of the axis, um."""
        return (self.outer.radius + self.inner.radius) / 2

    @property
    def width(self) -> float:
        """Of the core, um."""
        return self.outer.radius - self.inner.radius

    @property
    def length_x(self) -> float:
        """Of the straights, um."""
        return (self.outer.length_x + self.inner.length_x) / 2

    @property
    def center(self) -> Array:
        """Shape (2,), um."""
        return (self.outer.center + self.inner.center) / 2

    @property
    def right(self) -> Array:
        """Centre of the right half circle, shape (2,), um."""
        return (self.outer.right + self.inner.right) / 2

    @property
    def left(self) -> Array:
        """Centre of the left half circle, shape (2,), um."""
        return (self.outer.left + self.inner.left) / 2

    @property
    def points(self) -> Array:
        """Two corners of the box around it, shape (2, 2), um."""
        reach = np.array([self.outer.length_x / 2 + self.outer.radius, self.outer.radius])
        return np.array([self.center - reach, self.center + reach])


def rings_of(d: Drawn, most: int = 2) -> list[Ring]:
    """The closed waveguides of a cell, the lowest first.

    Raises:
        UnmeasurableError: there is none, or more than `most`, or one is no racetrack.
    """
    found = [(n, loops) for n, loops in enumerate(d.polygons("WG")) if len(loops) == 2]
    if not found or len(found) > most:
        raise UnmeasurableError(f"{len(found)} closed rings are drawn on WG, {most} expected")
    rings = [Ring(racetrack(loops[0]), racetrack(loops[1]), n) for n, loops in found]
    for ring in rings:
        off = max(ring.outer.off, ring.inner.off)
        if off > ROUND:
            raise UnmeasurableError(f"the outline leaves the circles through it by {off * 1e3:.1f} nm")
        skew = max(ring.outer.skew, ring.inner.skew, abs(ring.outer.length_x - ring.inner.length_x))
        skew = max(skew, float(np.linalg.norm(ring.outer.center - ring.inner.center)))
        if skew > ROUND:
            raise UnmeasurableError(f"the edges of the ring are not concentric: {skew * 1e3:.1f} nm apart")
    return sorted(rings, key=lambda ring: ring.center[1])


def gap_beside(d: Drawn, ring: Ring, side: int) -> tuple[float, float, Array]:
    """What lies nearest to a ring on one side: gap, width of the neighbour there, and where, shape (2, 2).

    Args:
        d: the cell.
        ring: one of its rings.
        side: +1: above, -1: below.

    Raises:
        UnmeasurableError: nothing lies there.
    """
    others = [loop for n, loops in enumerate(d.polygons("WG")) if n != ring.polygon for loop in loops]
    if not others:
        raise UnmeasurableError("no waveguide lies beside the ring")
    start, end = edges_of(others)
    left, right = ring.outer.left, ring.outer.right
    height = (left[1] + right[1]) / 2
    beside = ((start[:, 1] + end[:, 1]) / 2 - height) * side > 0
    if not beside.any():
        raise UnmeasurableError(f"no waveguide lies {'above' if side > 0 else 'below'} the ring")
    start, end = start[beside], end[beside]
    away = segment_distance(left, right, start, end)
    gap = float(away.min()) - ring.outer.radius
    x = float(ring.center[0])
    spans = d.cut("WG", x=x)
    beyond = [span for span in spans if (span.mean() - height) * side > ring.outer.radius + gap / 2]
    if not beyond:
        raise UnmeasurableError("no waveguide passes the middle of the ring")
    near = min(beyond, key=lambda span: abs(span.mean() - height))
    edge = height + side * ring.outer.radius
    return gap, float(near[1] - near[0]), np.array([[x, edge], [x, edge + side * gap]])


def put_ring(r: Readings, ring: Ring, suffix: str = "") -> None:
    spread = 0.0002
    r.put(f"radius{suffix}", ring.radius, ring.points, spread=spread)
    r.put(f"width{suffix}", ring.width, ring.points, spread=spread)
    r.put(f"length_x{suffix}", max(0.0, ring.length_x), ring.points, spread=3 * spread)


def put_path(r: Readings, ring: Ring) -> None:
    path = 2 * np.pi * ring.radius + 2 * max(0.0, ring.length_x)
    r.put("path", float(path), ring.points)


def measure_heater(
    d: Drawn, r: Readings, axis: tuple[Array, Array, float], polygon: int = 0, suffix: str = "", count: int = 1
) -> None:
    """Width of a heater over a racetrack, and how far its middle lies outside (or inside, negative) the ring's axis.

    Args:
        d, r: the cell and what was read off it.
        axis: centres of the right and left half circles, and radius of the ring's axis, um.
        polygon: number of the heater's polygon, from the lowest.
        suffix: of the parameters' names.
        count: of heaters in the cell.
    """
    names = (f"width_heater{suffix}", f"heater_offset{suffix}", f"heater_shift{suffix}")
    with r.attempt(*names):
        polygons = sorted((loops[0] for loops in d.polygons("HEATER")), key=lambda p: p[:, 1].min() + p[:, 1].max())
        if len(polygons) != count:
            raise UnmeasurableError(f"the heater is drawn in {len(polygons)} pieces, {count} expected")
        points = polygons[polygon]
        right, left, radius = axis
        middle = (right + left) / 2
        pads = 1.0 if abs(points[:, 1].max() - middle[1]) > abs(points[:, 1].min() - middle[1]) else -1.0
        far = points[(points[:, 1] - middle[1]) * pads < 0.002]
        outer, inner, shift, spread = [], [], [], 0.0
        for sign, center in ((1, right), (-1, left)):
            half = far[(far[:, 0] - center[0]) * sign > -0.002]
            reach = np.linalg.norm(half - center, axis=1)
            outside = reach > (reach.max() + reach.min()) / 2
            found = circles(half[outside], half[~outside])
            if found.off > ROUND:
                raise UnmeasurableError(f"the heater leaves the circles through its edges by {found.off * 1e3:.1f} nm")
            outer.append(found.radii[0])
            inner.append(found.radii[1])
            shift.append(float(np.linalg.norm(found.center - center)))
            spread = max(spread, found.spread)
        widths = [a - b for a, b in zip(outer, inner, strict=True)]
        box = np.array([far.min(axis=0), far.max(axis=0)])
        r.put(names[0], widths, box, "HEATER", spread)
        r.put(names[1], float(np.mean(outer) + np.mean(inner)) / 2 - radius, box, "HEATER", spread)
        r.put(names[2], max(shift), box, "HEATER", 2 * spread)


def _buses(d: Drawn, r: Readings, length_x: float, number: int) -> None:
    """How far each bus runs beyond the ring's straights; the shortest."""
    with r.attempt("length_bus"):
        places = [port for port in d.ports.values() if port.port_type == "optical"]
        west = [port for port in places if np.cos(np.radians(port.angle)) < 0]
        if len(west) != number:
            raise UnmeasurableError(f"{len(west)} buses have a port in the west, {number} expected")
        found = []
        for port in west:
            spans = d.cut("WG", y=port.y + 0.0001)
            span = min(spans, key=lambda s: max(0.0, s[0] - port.x, port.x - s[1]))
            found.append(((span[1] - span[0] - length_x) / 2, np.array([[span[0], port.y], [span[1], port.y]])))
        value, where = min(found, key=lambda f: f[0])
        r.put("length_bus", float(value), where)


def ring_between_buses(d: Drawn, r: Readings, number: int) -> None:
    """A racetrack beside one bus or between two (`number`), with a heater."""
    d = d.upward()
    r.frame = d.frame
    names = ("radius", "width", "length_x", "gap", "width_bus", "length_bus", "width_heater")
    with r.attempt(*names, *(("gap_drop", "width_drop") if number == 2 else ())):
        ring = rings_of(d, 1)[0]
        put_ring(r, ring)
        put_path(r, ring)
        gap, width, where = gap_beside(d, ring, -1)
        r.put("gap", gap, where, spread=0.0002)
        r.put("width_bus", width, where)
        if number == 2:
            gap, width, where = gap_beside(d, ring, 1)
            r.put("gap_drop", gap, where, spread=0.0002)
            r.put("width_drop", width, where)
        _buses(d, r, ring.length_x, number)
        measure_heater(d, r, (ring.right, ring.left, ring.radius))
    measure_terminals(d, r)


def add_drop_ring(d: Drawn, r: Readings) -> None:
    """Radius, straights, widths, both gaps, buses, heater."""
    ring_between_buses(d, r, 2)


def all_pass_ring(d: Drawn, r: Readings) -> None:
    """Radius, straights, widths, gap, bus, heater."""
    ring_between_buses(d, r, 1)


def double_ring(d: Drawn, r: Readings) -> None:
    """Both rings, three gaps, buses, both heaters."""
    d = d.upward()
    r.frame = d.frame
    with r.attempt("radius", "gap", "gap_ring", "length_x", "width", "width_heater", "length_bus"):
        rings = rings_of(d)
        if len(rings) != 2:
            raise UnmeasurableError(f"{len(rings)} closed rings are drawn on WG, 2 expected")
        low, high = rings
        for ring, suffix, side, name in ((low, "", -1, "gap"), (high, "_2", 1, "gap_drop")):
            put_ring(r, ring, suffix)
            gap, width, where = gap_beside(d, ring, side)
            r.put(name, gap, where, spread=0.0002)
            r.put("width_bus" if side < 0 else "width_drop", width, where)
        put_path(r, low)
        # two racetracks side by side are closest between the lines through their half circles' centres
        apart = float(segment_distance(low.left, low.right, high.left[None, :], high.right[None, :])[0])
        edge = np.array([low.center, high.center])
        r.put("gap_ring", apart - low.outer.radius - high.outer.radius, edge, spread=0.0002)
        _buses(d, r, low.length_x, 2)
        for number, (ring, suffix) in enumerate(((low, ""), (high, "_2"))):
            measure_heater(d, r, (ring.right, ring.left, ring.radius), number, suffix, 2)
    measure_terminals(d, r)


def wide_ring(d: Drawn, r: Readings) -> None:
    """Racetrack with arcs that widen: radius of their middle, both widths, straights, gaps, buses, heater."""
    d = d.upward()
    r.frame = d.frame
    with r.attempt("radius", "gap", "length_x", "width", "width_wide", "width_heater", "length_bus"):
        found = [(n, loops) for n, loops in enumerate(d.polygons("WG")) if len(loops) == 2]
        if len(found) != 1:
            raise UnmeasurableError(f"{len(found)} closed rings are drawn on WG, 1 expected")
        number, (hull, hole) = found[0]
        edges, sign = np.concatenate([hull, hole]), np.repeat([0.5, -0.5], [len(hull), len(hole)])
        low, high = hull.min(axis=0), hull.max(axis=0)
        height = float(high[1] - low[1])
        center = (low + high) / 2

        def residuals(p: Array) -> Array:
            half, radius, narrow, wide, x, y = p
            own = edges - [x, y]
            own = np.column_stack([np.maximum(np.abs(own[:, 0]) - half, 0.0), own[:, 1]])
            reach = np.linalg.norm(own, axis=1)
            return reach - radius - sign * (narrow + (wide - narrow) * (own[:, 0] / reach) ** 2)

        inside = float(hole[:, 1].max() - hole[:, 1].min())
        narrow = (height - inside) / 2
        wide = (float(high[0] - low[0]) - float(hole[:, 0].max() - hole[:, 0].min())) / 2
        half = (float(high[0] - low[0]) - wide - height + narrow) / 2
        start = [max(0.0, half), (height - narrow) / 2, narrow, wide, float(center[0]), float(center[1])]
        shape = fit(residuals, start, [1e-4] * 6)
        if shape.off > _ROUND_WIDE:
            raise UnmeasurableError(f"the outline leaves that of a widening racetrack by {shape.off * 1e3:.1f} nm")
        half, radius, narrow, wide, x, y = (float(v) for v in shape.values)
        box = np.array([low, high])
        for name, value, spread in (
            ("length_x", max(0.0, 2 * half), 2 * shape.spread[0]),
            ("radius", radius, shape.spread[1]),
            ("width", narrow, shape.spread[2]),
            ("width_wide", wide, shape.spread[3]),
        ):
            r.put(name, value, box, spread=float(spread))
        right, left = np.array([x + half, y]), np.array([x - half, y])
        edge = Racetrack(right, left, radius + narrow / 2, 0.0, 0.0)
        ring = Ring(edge, Racetrack(right, left, radius - narrow / 2, 0.0, 0.0), number)
        put_path(r, ring)
        for name, side in (("gap", -1), ("gap_drop", 1)):
            # the widest part looks sideways: the smallest gap is to the narrow part, straight above and below
            gap, width, where = gap_beside(d, ring, side)
            r.put(name, gap, where, spread=0.0002)
            r.put("width_bus" if side < 0 else "width_drop", width, where)
        _buses(d, r, 2 * half, 2)
        measure_heater(d, r, (right, left, radius))
    measure_terminals(d, r)
