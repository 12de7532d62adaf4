"""Couplers measured: two guides side by side, concentric arcs, the tap with its monitor, the polarisation splitter."""

from __future__ import annotations

import math

import numpy as np

from cpo_pdk.verify.lvs.measure.bands import Band, band, run
from cpo_pdk.verify.lvs.measure.drawn import Array, Drawn, Readings, UnmeasurableError, agreed
from cpo_pdk.verify.lvs.measure.fits import Circles, SBend, circles, fit, s_bend, sine_path
from cpo_pdk.verify.lvs.measure.guides import kind_of
from cpo_pdk.verify.lvs.measure.terminals import measure_terminals

#: corners may lie this far off the curve that a device's bends are drawn along, um
_SHAPE = 0.003


def locate_s_bend(left: Array, right: Array, width: float, x_low: float, x_high: float) -> SBend:
    """The one raised-sine bend of a guide between two places along x; it is straight and level before and behind it.

    Args:
        left, right: corners of both edges on the way east, shape (N, 2).
        width: um.
        x_low, x_high: where to look, um.

    Raises:
        UnmeasurableError: the guide is level there, or follows another curve.
    """
    left = left[(left[:, 0] > x_low) & (left[:, 0] < x_high)]
    right = right[(right[:, 0] > x_low) & (right[:, 0] < x_high)]
    if min(len(left), len(right)) < 8:
        raise UnmeasurableError("its bend has too few corners")
    y_first = (left[0, 1] + right[0, 1]) / 2
    y_last = (left[-1, 1] + right[-1, 1]) / 2
    rise = float(y_last - y_first)
    if abs(rise) < 0.01:
        raise UnmeasurableError("the guide is level where it should bend")
    at = [np.interp((line[0, 1] + line[-1, 1]) / 2 * np.sign(rise), line[:, 1] * np.sign(rise), line[:, 0])
          for line in (left, right)]  # fmt: skip
    middle = float(np.mean(at))
    steepest = max(float(np.max(np.abs(np.diff(line[:, 1]) / np.diff(line[:, 0])))) for line in (left, right))
    length = 2 * abs(rise) / steepest
    begin = (middle - length / 2, float(y_first))
    bend = s_bend(left, right, width, begin, (begin[0] + length, float(y_last)), fixed_start=False)
    if bend.off > _SHAPE:
        raise UnmeasurableError(f"its bend leaves a raised sine by {bend.off * 1e3:.1f} nm")
    return bend


def _both_bends(guide: Band, width: float, middle: float) -> tuple[SBend, SBend]:
    """The bend to the coupler and the one away from it."""
    low, high = -math.inf, math.inf
    return (
        locate_s_bend(guide.left, guide.right, width, low, middle),
        locate_s_bend(guide.left, guide.right, width, middle, high),
    )


def _put_parallel(r: Readings, guides: list[tuple[SBend, SBend]], where: Array) -> None:
    lengths = [last.x - first.x - first.length for first, last in guides]
    bends = [bend for pair in guides for bend in pair]
    spread = max(bend.spread for bend in bends)
    r.put("length", lengths, where, spread=spread)
    r.put("length_s", [bend.length for bend in bends], where, spread=spread)


def _put_gap(r: Readings, lower_edge: Array, upper_edge: Array) -> None:
    """Gap between two edges whose closest parts are level."""
    low, high = float(lower_edge[:, 1].max()), float(upper_edge[:, 1].min())
    x = np.concatenate(
        [lower_edge[lower_edge[:, 1] > low - 5e-4][:, 0], upper_edge[upper_edge[:, 1] < high + 5e-4][:, 0]]
    )
    r.put("gap", high - low, np.array([[x.min(), low], [x.max(), high]]), spread=0.0003)


def directional_coupler(d: Drawn, r: Readings) -> None:
    """Gap and length of the parallel part, S-bends, distance of the ports, widths, kind."""
    d = d.upward("o2")
    r.frame = d.frame
    with r.attempt("length", "gap", "length_s", "dy", "cross_section", "width"):
        loops = d.contours("WG")
        lower, upper = band(loops, d.ports["o1"], d.ports["o4"]), band(loops, d.ports["o2"], d.ports["o3"])
        faces = [lower.first, lower.last, upper.first, upper.last]
        widths = [guide.width() for guide in (lower, upper)]
        read = [w for guide, _ in widths for w in guide]
        width = float(np.median(read))
        r.put("width", read, np.concatenate([at for _, at in widths]), spread=0.0003)
        kind_of(d, r, *faces)
        apart = [float(b.middle[1] - a.middle[1]) for a, b in ((lower.first, upper.first), (lower.last, upper.last))]
        r.put("dy", apart, np.array([lower.first.middle, upper.first.middle]))
        r.put("path", (lower.length + upper.length) / 2, np.concatenate([lower.points, upper.points]), spread=0.0005)
        _put_gap(r, lower.left, upper.right)
        middle = float(lower.first.middle[0] + lower.last.middle[0]) / 2
        where = np.array([lower.first.middle, upper.last.middle])
        _put_parallel(r, [_both_bends(guide, width, middle) for guide in (lower, upper)], where)


def tap_monitor(d: Drawn, r: Readings) -> None:
    """Coupler, its distance to the monitor, the monitor's germanium and taper, the terminated end."""
    d = d.upward()
    r.frame = d.frame
    with r.attempt("length", "gap", "length_s", "dy", "length_ge", "length_taper", "length_end"):
        lower = band(d.contours("WG"), d.ports["o1"], d.ports["o2"])
        read, where = lower.width()
        width = float(np.median(read))
        r.put("width", read, where, spread=0.0003)
        germanium = np.concatenate(d.contours("GE"))
        low, high = germanium.min(axis=0), germanium.max(axis=0)
        box = np.array([low, high])
        r.put("length_ge", float(high[0] - low[0]), box, "GE")
        axis = float(low[1] + high[1]) / 2
        r.put("dy", axis - float(lower.first.middle[1]), box, "GE")
        others = [loop for n, loop in enumerate(d.contours("WG")) if n != lower.first.loop]
        if len(others) != 1:
            raise UnmeasurableError(f"{len(others)} guides lie beside the one from o1 to o2, 1 expected")
        upper = others[0]
        parallel = lower.left[lower.left[:, 1] > lower.left[:, 1].max() - 5e-4][:, 0]
        beside = (upper[:, 0] > parallel.min() - 1.0) & (upper[:, 0] < parallel.max() + 1.0)
        _put_gap(r, lower.left, upper[beside])
        bends = _both_bends(lower, width, float(parallel.min() + parallel.max()) / 2)
        _put_parallel(r, [bends], where)
        ends = np.array([lower.first.middle, lower.last.middle])
        r.put("length_end", float(bends[0].x - lower.first.middle[0]), ends, spread=2 * bends[0].spread)
        r.put("length_tip", float(bends[0].x - upper[:, 0].min()), upper, spread=2 * bends[0].spread)
        body = upper[np.abs(upper[:, 1] - axis) > float(high[1] - low[1]) / 2 + 0.5]
        body = body[body[:, 0] > low[0] - 1.0]
        start = float(body[:, 0].min())
        away = start - bends[1].x - bends[1].length
        r.put("length_taper", away, np.array([[start, axis]]), spread=2 * bends[1].spread)
    measure_terminals(d, r)


def psr(d: Drawn, r: Readings) -> None:
    """Lengths and widths of taper, coupler and outputs, the gap where the narrow guide is widest, the slab."""
    d = d.upward("o3")
    r.frame = d.frame
    names = ("length_bilevel", "length_coupler", "gap", "width_hybrid", "width_narrow", "dy", "length_out")
    with r.attempt(*names):
        loops = d.contours("WG")
        through = band(loops, d.ports["o1"], d.ports["o2"])
        edges = [side[np.argsort(side[:, 0])] for side in (through.left, through.right)]
        widest = [edge[np.abs(edge[:, 1]) > np.abs(edge[:, 1]).max() - 5e-4][:, 0] for edge in edges]
        x1 = agreed([float(w.min()) for w in widest])
        x3 = agreed([float(w.max()) for w in widest])
        end = float(through.last.middle[0])
        flat = np.array([[x1, 0.0], [x3, 0.0]])
        hybrid = float(edges[0][:, 1].max() - edges[1][:, 1].min())
        r.put("width_hybrid", hybrid, flat)
        r.put("width", [through.first.width, through.last.width], through.first.points)
        r.put("path", end - float(through.first.middle[0]), np.array([through.first.middle, through.last.middle]))
        r.put("length_bilevel", x1, flat)
        slab = np.concatenate(d.contours("SLAB90"))
        x2 = float(slab[:, 0].max())
        r.put("length_slab", x2, slab, "SLAB90")
        r.put("length_out", end - x3, np.array([[x3, 0.0], [end, 0.0]]))
        o3 = d.ports["o3"]
        drop = next((n for n, loop in enumerate(loops) if n != through.first.loop), None)
        if drop is None:
            raise UnmeasurableError("no narrow guide lies beside the through guide")
        drop_loop = loops[drop]
        begin = float(drop_loop[:, 0].min())
        r.put("length_coupler", x3 - begin, np.array([[begin, 0.0], [x3, 0.0]]))
        r.put("dy", float(drop_loop[drop_loop[:, 0] > end - 5e-4][:, 1].mean()), np.array([[end, o3.y]]))
        spans = d.cut("WG", x=x3 + 1e-4)
        beyond = [span for span in spans if span[0] > hybrid / 2]
        if not beyond:
            raise UnmeasurableError("the narrow guide ends before the coupler does")
        low, high = beyond[0]
        # the through guide narrows from here on: its edge is read where it is widest
        r.put("gap", float(low) - float(edges[0][:, 1].max()), np.array([[x3, hybrid / 2], [x3, low]]), spread=0.0004)
        r.put("width_narrow", float(high - low), np.array([[x3, low], [x3, high]]), spread=0.0004)


def bent_coupler(d: Drawn, r: Readings) -> None:
    """Gap and widths in the middle, radius and angle of the arcs, leads, distance of the ports."""
    d = d.upward("o2")
    r.frame = d.frame
    with r.attempt("gap", "width_inner", "width_outer", "dy", "radius", "angle", "length_s"):
        loops = d.contours("WG")
        inner, outer = band(loops, d.ports["o1"], d.ports["o4"]), band(loops, d.ports["o2"], d.ports["o3"])
        apart = [float(b.middle[1] - a.middle[1]) for a, b in ((inner.first, outer.first), (inner.last, outer.last))]
        dy = agreed(apart)
        r.put("dy", dy, np.array([inner.first.middle, outer.first.middle]))
        faces = [face.width for face in (inner.first, inner.last, outer.first, outer.last)]
        r.put("width", faces, np.array([inner.first.middle, outer.last.middle]))
        x_end = float(inner.last.middle[0] - inner.first.middle[0]) / 2
        origin = np.array([inner.first.middle[0] + x_end, inner.first.middle[1] + dy / 2])
        lines = [line - origin for line in (inner.right, inner.left, outer.right, outer.left)]
        arcs = _arcs(lines, x_end)
        radii = sorted(arcs.radii)
        lead_width = r.values["width"]

        def residuals(p: Array) -> Array:
            model = _bent_edges(p[0], p[1], x_end, dy, p[2], (p[3], p[4]), lead_width)
            return np.concatenate(
                [(line[:, 1] - np.interp(line[:, 0], m[:, 0], m[:, 1])) for line, m in zip(lines, model, strict=True)]
            )

        first = (radii[1] + radii[2]) / 2
        half = _half_angle(first, -float(arcs.center[1]), x_end)
        start = (first, half, radii[2] - radii[1], radii[1] - radii[0], radii[3] - radii[2])
        found = fit(residuals, start, [0.01, 1e-4, 1e-4, 1e-4, 1e-4])
        if found.off > 0.004:
            raise UnmeasurableError(f"its guides leave arcs with leads by {found.off * 1e3:.1f} nm")
        radius, half = (float(v) for v in found.values[:2])
        middle = np.concatenate([line[np.abs(line[:, 0]) < radius * math.sin(half)] for line in lines]) + origin
        for name, k in (("gap", 2), ("width_inner", 3), ("width_outer", 4)):
            r.put(name, float(found.values[k]), middle, spread=float(found.spread[k]) + 0.0002)
        both = np.concatenate([inner.points, outer.points])
        r.put("radius", radius, both, spread=float(found.spread[0]))
        r.put("angle", math.degrees(2 * half), both, spread=math.degrees(2 * float(found.spread[1])))
        spread = float(found.spread[0]) * math.sin(half) + radius * float(found.spread[1])
        r.put("length_s", x_end - radius * math.sin(half), both, spread=spread)


def _arcs(lines: list[Array], x_end: float) -> Circles:
    """Concentric circles through the edges in the middle: as far out as they are circles.

    Raises:
        UnmeasurableError: they are none.
    """
    found: Circles | None = None
    for share in (0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.6):
        sets = [line[np.abs(line[:, 0]) < share * x_end] for line in lines]
        if min(len(points) for points in sets) < 5:
            continue
        arcs = circles(*sets)
        if arcs.off < 0.0012 or found is None:
            found = arcs
    if found is None:
        raise UnmeasurableError("its guides have too few corners")
    return found


def _half_angle(radius: float, y_mid: float, x_end: float) -> float:
    """Half the angle of arcs whose leads end at `x_end`, from the height of the arcs over their centre; radians."""
    half = np.linspace(0.001, min(1.2, math.asin(min(1.0, x_end / radius)) - 1e-3), 2000)
    lead = x_end - radius * np.sin(half)
    return float(half[np.argmin(np.abs(radius * np.cos(half) - np.tan(half) * lead / 2 - y_mid))])


def _bent_edges(
    radius: float, half: float, x_end: float, dy: float, gap: float, widths: tuple[float, float], lead_width: float
) -> list[Array]:
    """Edges from south to north of both guides of a bent coupler, on the way east, about the middle of its ports."""
    length_s = x_end - radius * math.sin(half)
    y_mid = radius * math.cos(half) - math.tan(half) * length_s / 2
    edges = []
    for side, width in ((-1, widths[0]), (1, widths[1])):
        own = radius + side * (gap + width) / 2
        turn = np.linspace(0.0, half, 400)
        arc = np.column_stack([own * np.sin(turn), own * np.cos(turn) - y_mid])
        x0, y0 = arc[-1]
        length, slope, bend = x_end - x0, -math.tan(half), -1 / (own * math.cos(half) ** 3)
        t = np.linspace(0.0, 1.0, 600)
        step = 10 * t**3 - 15 * t**4 + 6 * t**5
        y = y0 + (side * dy / 2 - y0) * step + slope * length * (t - 6 * t**3 + 8 * t**4 - 3 * t**5)
        y += bend * length**2 * (0.5 * t**2 - 1.5 * t**3 + 1.5 * t**4 - 0.5 * t**5)
        line = np.concatenate([arc[:-1], np.column_stack([x0 + t * length, y])])
        wide = np.concatenate([np.full(len(arc) - 1, width), width + (lead_width - width) * step])
        line = np.concatenate([line[:0:-1] * [-1, 1], line])
        wide = np.concatenate([wide[:0:-1], wide])
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1)[:, None]
        along[0] = along[-1] = (1.0, 0.0)
        normal = np.column_stack([-along[:, 1], along[:, 0]])
        edges += [line - normal * wide[:, None] / 2, line + normal * wide[:, None] / 2]
    return edges


def y_branch(d: Drawn, r: Readings) -> None:
    """S-bends, distance of the outputs, length and largest width of the body."""
    with r.attempt("length_s", "dy", "width", "width_body", "length_body"):
        loops = d.contours("WG")
        upper, lower = band(loops, d.ports["o1"], d.ports["o2"]), band(loops, d.ports["o1"], d.ports["o3"])
        r.put(
            "dy",
            abs(float(upper.last.middle[1] - lower.last.middle[1])),
            np.array([upper.last.middle, lower.last.middle]),
        )
        faces = [face.width for face in (upper.first, upper.last, lower.last)]
        width = agreed(faces)
        r.put("width", width, np.array([upper.first.middle, upper.last.middle, lower.last.middle]))
        north, south = (upper, lower) if upper.last.middle[1] > lower.last.middle[1] else (lower, upper)
        hull = loops[upper.first.loop]
        crotch = band(loops, d.ports["o2"], d.ports["o3"])
        between = min(crotch.left, crotch.right, key=run)
        begin = float(between[:, 0].min())
        fits = []
        for guide, sign in ((north, 1.0), (south, -1.0)):
            mirror = np.array([1.0, sign])
            outer = (guide.left if sign > 0 else guide.right) * mirror
            inner = between[between[:, 1] * sign > 0] * mirror
            inner = inner[np.argsort(inner[:, 0])]
            fits.append(locate_s_bend(outer, inner, width, begin - 5e-4, math.inf))
        spread = max(bend.spread for bend in fits)
        r.put("length_s", [bend.length for bend in fits], hull, spread=spread)
        end = float(upper.last.middle[0])
        r.put("length_body", end - r.values["length_s"] - float(upper.first.middle[0]), hull, spread=spread)
        body = hull[hull[:, 0] < begin]
        r.put("width_body", float(np.ptp(body[:, 1])), body)
        path = r.values["length_body"] + sine_path(r.values["length_s"], fits[0].offset)[0]
        r.put("path", path, hull, spread=spread)
