"""Ring modulator measured: the ring, what of it the junction takes up and where in the core it lies, its contacts."""

from __future__ import annotations

import numpy as np

from cpo_pdk.verify.lvs.measure.drawn import Array, Drawn, Readings, UnmeasurableError, edges_of
from cpo_pdk.verify.lvs.measure.fits import ROUND
from cpo_pdk.verify.lvs.measure.rings import Ring, gap_beside, measure_heater, put_path, put_ring, rings_of
from cpo_pdk.verify.lvs.measure.terminals import measure_terminals

#: an implant's edge within this distance of the ring's axis is the junction, um
_CORE = 0.45
#: corners of both edges of interleaved fingers lie this far from the axis at least, um
_FINGERS = 0.15
#: the slab of a ring ends 3.3 um outside of its axis, its buses go on, um
_BESIDE = 5.0


def ring_modulator(d: Drawn, r: Readings) -> None:
    """Ring, both gaps, heater, junction, contacts, terminals."""
    d = d.upward()
    r.frame = d.frame
    junction = ("junction", "junction_offset", "junction_offset_n", "junction_shift", "junction_fill")
    contacts = ("contact_p", "contact_n")
    with r.attempt("radius", "gap", "gap_drop", "length_x", "width", "width_heater", *junction, *contacts):
        ring = rings_of(d, 1)[0]
        put_ring(r, ring)
        put_path(r, ring)
        for name, side, bus in (("gap", -1, "width_bus"), ("gap_drop", 1, "width_drop")):
            gap, width, where = gap_beside(d, ring, side)
            r.put(name, gap, where, spread=0.0002)
            r.put(bus, width, where)
        with r.attempt("width_slab_bus", "width_slab_drop"):
            _slabs(d, r, ring)
        measure_heater(d, r, (ring.right, ring.left, ring.radius))
        with r.attempt(*junction):
            _junction(d, r, ring)
        with r.attempt(*contacts):
            _contacts(d, r, ring)
    measure_terminals(d, r)


def _slabs(d: Drawn, r: Readings, ring: Ring) -> None:
    """Width of the slab below each bus, on both sides of the slab that the ring stands on."""
    found: dict[str, list[float]] = {"width_slab_bus": [], "width_slab_drop": []}
    for sign, center in ((1, ring.right), (-1, ring.left)):
        x = float(center[0]) + sign * (ring.radius + _BESIDE)
        slabs = [(float(low), float(high)) for low, high in d.cut("SLAB90", x=x)]
        for low, high in d.cut("WG", x=x):
            middle = float(low + high) / 2
            name = "width_slab_bus" if middle < ring.center[1] else "width_slab_drop"
            found[name].append(next((b - a for a, b in slabs if a < middle < b), 0.0))
    for name, widths in found.items():
        if not widths:
            raise UnmeasurableError("no bus leads away from the ring")
        r.put(name, widths, ring.points, "SLAB90")


def _near(d: Drawn, layer: str, ring: Ring, sign: int, low: float, high: float) -> Array:
    """Corners of a layer on one side (+1 east) whose distance from the ring's axis (um, outward) is within limits."""
    points = np.concatenate(d.contours(layer))
    center = ring.right if sign > 0 else ring.left
    own = points - center
    reach = np.linalg.norm(own, axis=1) - ring.radius
    inside = (own[:, 0] * sign > -0.002) & (reach > low) & (reach < high)
    return points[inside]


def _junction(d: Drawn, r: Readings, ring: Ring) -> None:
    sides = {+1: ring.right, -1: ring.left}
    edges = {(layer, s): _near(d, layer, ring, s, -_CORE, _CORE) for layer in ("P", "N") for s in sides}
    for (layer, sign), points in edges.items():
        if len(points) < 4:
            where = "east" if sign > 0 else "west"
            raise UnmeasurableError(f"no edge of {layer} lies in the core in the {where}")
    box = np.concatenate(list(edges.values()))
    box = np.array([box.min(axis=0), box.max(axis=0)])
    reach = {key: np.linalg.norm(p - sides[key[1]], axis=1) - ring.radius for key, p in edges.items()}
    spread = max(float(np.ptp(values)) for values in reach.values())
    fingers = spread > 2 * _FINGERS
    r.say("junction", "interleaved" if fingers else "lateral", box, "P/N")
    half = {
        key: float(np.abs(np.arctan2(p[:, 1] - sides[key[1]][1], (p[:, 0] - sides[key[1]][0]) * key[1])).max())
        for key, p in edges.items()
    }
    angle = min(half.values(), key=lambda value: abs(value - np.median(list(half.values()))))
    far = max(half.values(), key=lambda value: abs(value - angle))
    chosen = far if abs(far - angle) * ring.radius > 2 * ROUND else angle
    total = 2 * np.pi * ring.radius + 2 * max(0.0, ring.length_x)
    r.put("junction_fill", 4 * ring.radius * chosen / total, box, "P/N", 0.0003 * 4 / total)
    if fingers:
        _fingers(d, r, reach, half, ring, box)
        return
    if _side_of(d, "P", ring) > _side_of(d, "N", ring):
        raise UnmeasurableError("P lies outside the core and N inside")
    shift = 0.0
    for layer, name in (("P", "junction_offset"), ("N", "junction_offset_n")):
        both = np.concatenate([reach[layer, sign] for sign in sides])
        offset = float(np.median(both))
        r.put(name, offset, box, layer, 0.0002)
        shift = max(shift, float(np.abs(both - offset).max()))
    r.put("junction_shift", shift, box, "P/N", 0.0002)


def _side_of(d: Drawn, layer: str, ring: Ring) -> float:
    """Mean distance of a layer's corners from the axis beside the core, um, positive outwards."""
    points = np.concatenate([_near(d, layer, ring, sign, -1.7, 0.9) for sign in (1, -1)])
    centers = np.where(points[:, :1] > ring.center[0], ring.right, ring.left)
    return float((np.linalg.norm(points - centers, axis=1) - ring.radius).mean())


def _fingers(
    d: Drawn,
    r: Readings,
    reach: dict[tuple[str, int], Array],
    half: dict[tuple[str, int], float],
    ring: Ring,
    box: Array,
) -> None:
    """Period of interleaved fingers along the axis, from how often an implant's edge crosses it; how far they reach."""
    periods = []
    depth = []
    for (layer, sign), values in reach.items():
        start, end = edges_of(d.contours(layer))
        center = ring.right if sign > 0 else ring.left
        outside = [np.linalg.norm(points - center, axis=1) > ring.radius for points in (start, end)]
        here = (start[:, 0] - center[0]) * sign > -0.002
        crossings = int(np.count_nonzero((outside[0] != outside[1]) & here))
        periods.append(2 * half[layer, sign] * ring.radius / max(crossings / 2, 0.5))
        depth += [float(np.abs(values).min()), float(np.abs(values).max())]
    r.put("period", periods, box, "P/N", 0.0005)
    r.put("finger_reach", depth, box, "P/N")


def _contacts(d: Drawn, r: Readings, ring: Ring) -> None:
    """How far the contact implants stay from the axis of the core; where that differs, the distance that does most."""
    for layer, name, low, high in (("PPP", "contact_p", -1.5, -0.5), ("NPP", "contact_n", 0.5, 1.5)):
        distances: list[float] = []
        for sign, center in ((1, ring.right), (-1, ring.left)):
            points = _near(d, layer, ring, sign, low, high)
            if len(points) < 3:
                raise UnmeasurableError(f"no edge of {layer} lies beside the core")
            distances += np.abs(np.linalg.norm(points - center, axis=1) - ring.radius).tolist()
        r.put(name, distances, ring.points, layer, 0.0002)
