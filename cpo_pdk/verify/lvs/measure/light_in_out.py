"""Edge couplers and gratings measured: tips, tapers, membranes, teeth, holes."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from cpo_pdk.verify.lvs.measure.bands import Band, band
from cpo_pdk.verify.lvs.measure.drawn import (
    ROUNDING,
    Array,
    Drawn,
    Readings,
    UnmeasurableError,
    edges_of,
)
from cpo_pdk.verify.lvs.measure.fits import fit

#: share t of a taper -> share of the way from its narrow to its wide end: (1 - t) to this power
_POWER = 1 / 0.7
#: corners of a taper may lie this far off its profile, um
_PROFILE = 0.002
#: wavelength for which curved teeth are in phase, um
_WL = 1.31
#: what a chord may leave its arc by, um: the axis may meet a chord
_CHORD = 0.0005


def _profile(guide: Band) -> tuple[Array, Array]:
    """Place along the axis and half width at every corner of a taper along x, both shape (N,)."""
    axis = float(guide.first.middle[1])
    points = guide.points
    return points[:, 0] - float(guide.first.middle[0]), np.abs(points[:, 1] - axis)


def _taper(x: Array, length: float, start: float, end: float) -> Array:
    """Half width of a taper that is slowest at its thin end."""
    t = np.clip(x / length, 0.0, 1.0)
    return (end + (start - end) * (1 - t) ** _POWER) / 2


def edge_coupler(d: Drawn, r: Readings) -> None:
    """Tip, taper, its profile."""
    with r.attempt("tip_width", "length_taper", "width", "shape"):
        guide = band(d.contours("WG"), d.ports["o1"], d.ports["o2"])
        ends = np.array([guide.first.middle, guide.last.middle])
        length = float(ends[1, 0] - ends[0, 0])
        r.put("length_taper", length, ends)
        r.put("path", length, ends)
        r.put("tip_width", guide.last.width, guide.last.points)
        r.put("width", guide.first.width, guide.first.points)
        x, half = _profile(guide)
        off = np.abs(half - _taper(x, length, guide.first.width, guide.last.width))
        r.put("shape", float(off.max()), guide.points[np.argmax(off)])
        trench = np.concatenate(d.contours("DEEPTRENCH"))
        r.put("facet_gap", abs(float(trench[:, 0].min() - ends[1, 0])), guide.last.points, "DEEPTRENCH")


def spot_size_converter(d: Drawn, r: Readings) -> None:
    """Tip, width and place of the step between both tapers, windows of the membrane."""
    with r.attempt("tip_width", "width_mid", "length_first", "length_second", "width", "shape"):
        guide = band(d.contours("WG"), d.ports["o1"], d.ports["o2"])
        total = float(guide.last.middle[0] - guide.first.middle[0])
        r.put("path", total, guide.points)
        r.put("tip_width", guide.last.width, guide.last.points)
        r.put("width", guide.first.width, guide.first.points)
        x, half = _profile(guide)

        def residuals(p: Array) -> Array:
            first = _taper(x, p[0], guide.first.width, p[1])
            second = _taper(x - p[0], total - p[0], p[1], guide.last.width)
            return np.where(x < p[0], first, second) - half

        # where the first taper ends is not known: the best of some places to begin with
        starts = total * np.linspace(0.05, 0.9, 35)
        order = np.argsort(x)
        guesses = [(float(at), 2 * float(np.interp(at, x[order], half[order]))) for at in starts]
        guess = min(guesses, key=lambda g: float(np.abs(residuals(np.array(g))).max()))
        found = fit(residuals, guess, [0.01, 1e-4])
        r.put("length_first", float(found.values[0]), guide.points, spread=float(found.spread[0]))
        r.put("length_second", total - float(found.values[0]), guide.points, spread=float(found.spread[0]))
        r.put("width_mid", float(found.values[1]), guide.points, spread=float(found.spread[1]))
        r.put("shape", found.off, guide.points)
    _membrane(d, r)


def _membrane(d: Drawn, r: Readings) -> None:
    box = np.concatenate(d.contours("WG"))
    box = np.array([box.min(axis=0), box.max(axis=0)])
    r.say("suspended", str(d.has("UNDERCUT")), box, "UNDERCUT")
    r.say("trench", str(d.has("DEEPTRENCH")), box, "DEEPTRENCH")
    if not d.has("UNDERCUT"):
        return
    with r.attempt("half_membrane", "length_window", "length_tether"):
        windows: list[Array] = [np.array([w.min(axis=0), w.max(axis=0)]) for w in d.contours("UNDERCUT")]
        axis, end = float(box[:, 1].mean()), float(box[1, 0])
        every = np.concatenate(windows)
        where = np.array([every.min(axis=0), every.max(axis=0)])
        near = [float(np.abs(w[:, 1] - axis).min()) for w in windows]
        r.put("half_membrane", near, where, "UNDERCUT")
        r.put("length_window", [float(w[1, 0] - w[0, 0]) for w in windows], where, "UNDERCUT")
        tethers = []
        for side in (1, -1):
            row = sorted((w for w in windows if (w[0, 1] - axis) * side > 0), key=lambda w: -w[0, 0])
            if not row:
                raise UnmeasurableError("windows lie on one side of the membrane only")
            tethers += [end - float(row[0][1, 0])] + [float(a[0, 0] - b[1, 0]) for a, b in pairwise(row)]
        r.put("length_tether", tethers, where, "UNDERCUT")


def edge_coupler_array(d: Drawn, r: Readings) -> None:
    """Number and distance of the tips at the facet, their width, and how many pairs are joined by a loopback."""
    with r.attempt("n", "pitch", "tip_width", "loopbacks"):
        facet = next((port for name, port in d.ports.items() if name.startswith("f")), None)
        if facet is None:
            raise UnmeasurableError("no port lies on a facet")
        at = float((facet.place - 0.0005 * facet.outward)[0])
        tips = d.cut("WG", x=at)
        where = np.array([[at, tips[0, 0]], [at, tips[-1, 1]]])
        r.put("n", len(tips), where)
        r.put("tip_width", [float(t) for t in tips[:, 1] - tips[:, 0]], where)
        middle = tips.mean(axis=1)
        if len(tips) > 1:
            r.put("pitch", [float(s) for s in np.diff(middle)], where)
        looped = 0
        for loop in d.contours("WG"):
            face = loop[np.abs(loop[:, 0] - facet.x) < 5e-4]
            looped += len(face) >= 4
        r.put("loopbacks", looped, where)


def grating_coupler(d: Drawn, r: Readings) -> None:
    """Teeth along the axis, the fan, how much the teeth are bent."""
    names = ("period", "fill_factor", "apodisation", "chirp", "n_periods", "length_taper", "half_angle", "angle_deg")
    with r.attempt(*names):
        axis = d.ports["o1"].y
        slab = d.cut("SLAB150", y=axis)
        if len(slab) != 1:
            raise UnmeasurableError("the shallow film is not in one piece")
        spans = d.cut("WG", y=axis)
        count = len(spans) - 1
        start = np.concatenate([[slab[0, 0]], spans[1:, 0]])
        teeth = np.concatenate([[spans[0, 1] - slab[0, 0]], (spans[1:, 1] - spans[1:, 0])[:-1]])
        where = np.array([[start[0], axis], [start[-1], axis]])
        r.put("n_periods", count, where)
        r.put("length_taper", float(slab[0, 0] - spans[0, 0]), where)
        fade = 1 - (np.arange(count) + 0.5) / count
        table = np.column_stack([np.arange(1, count + 1), np.cumsum(fade)])
        place = start[1:] - start[0]
        pitch = np.linalg.lstsq(table, place, rcond=None)[0]
        spread = ROUNDING * np.sqrt(np.diag(np.linalg.pinv(table.T @ table))) + _CHORD / 2 / count
        off = float(np.abs(table @ pitch - place).max())
        r.put("period", float(pitch[0]), where, spread=float(spread[0]))
        r.put("chirp", float(pitch[1]), where, spread=float(spread[1]))
        own = pitch[0] + pitch[1] * fade
        table = np.column_stack([own, own * fade])
        fill = np.linalg.lstsq(table, teeth, rcond=None)[0]
        spread = 1.5 * ROUNDING * np.sqrt(np.diag(np.linalg.pinv(table.T @ table))) + _CHORD / 2 / float(own.mean())
        off = max(off, float(np.abs(table @ fill - teeth).max()))
        r.put("fill_factor", float(fill[0]), where, spread=float(spread[0]))
        r.put("apodisation", float(fill[1]), where, spread=float(spread[1]))
        r.put("shape", off, where)
        _fan(d, r, axis, spans, float(pitch[0]))


def _fan(d: Drawn, r: Readings, axis: float, spans: Array, period: float) -> None:
    start, end = edges_of(d.contours("SLAB150"))
    along = end - start
    length = np.linalg.norm(along, axis=1)
    sides = np.argsort(length)[-2:]
    tilt = np.abs(np.arctan(along[sides, 1] / along[sides, 0]))
    where = np.concatenate([start[sides], end[sides]])
    spread = 2 * ROUNDING / float(length[sides].min())
    half = float(np.degrees(tilt.mean()))
    r.put("half_angle", half, where, "SLAB150", math.degrees(spread))
    # both sides meet in the focus of the teeth
    meets = start[sides, 0] - (start[sides, 1] - axis) * along[sides, 0] / along[sides, 1]
    apex = np.array([float(meets.mean()), axis])
    a, b = [], []
    for loop in d.contours("WG"):
        if loop[:, 0].min() < spans[0, 0] + 0.1:  # the fan up to the first tooth
            continue
        own = loop - apex
        reach, phi = np.linalg.norm(own, axis=1), np.arctan2(own[:, 1], own[:, 0])
        x = loop[np.abs(loop[:, 1] - axis).argmin(), 0]
        here = spans[np.maximum(spans[:, 0] - x, x - spans[:, 1]).argmin()]
        for sign in (1, -1):
            corners = np.flatnonzero(np.abs(phi * sign - np.radians(half)) < 0.016 / float(reach.max()) + 4 * spread)
            if len(corners) < 2:
                continue
            for r0, corner in ((here[0], reach[corners].min()), (here[1], reach[corners].max())):
                r0 -= apex[0]
                a.append(r0 - corner * math.cos(math.radians(half)))
                b.append(r0 - corner)
    a, b = np.array(a), np.array(b)
    if len(a) < 4:
        raise UnmeasurableError("its teeth don't end on the sides of the fan")
    lean = float(a @ b / (a @ a))
    sine = lean * (_WL / period) / (1 - lean)
    if not -0.2 < sine < 1:
        raise UnmeasurableError("its teeth are bent as for no angle")
    wrong = 1.5 * _CHORD / float(np.abs(a).mean()) * (_WL / period)
    r.put("angle_deg", math.degrees(math.asin(sine)), where, spread=math.degrees(wrong))


def grating_coupler_dual(d: Drawn, r: Readings) -> None:
    """Holes: number, distance, size; tapers."""
    with r.attempt("period", "diameter", "n_holes", "length_taper"):
        polygons = d.polygons("WG")
        holes = [loop for loops in polygons for loop in loops[1:]]
        low = np.array([hole.min(axis=0) for hole in holes])
        high = np.array([hole.max(axis=0) for hole in holes])
        box = np.array([low.min(axis=0), high.max(axis=0)])
        side = math.isqrt(len(holes))
        if side < 2 or side * side != len(holes):
            raise UnmeasurableError(f"{len(holes)} holes are drawn, a square number expected")
        r.put("n_holes", side, box)
        r.put("diameter", [float(v) for v in (high - low).ravel()], box)
        center = (low + high) / 2
        pitch = (center.max(axis=0) - center.min(axis=0)) / (side - 1)
        grid = (center - center.min(axis=0)) / pitch
        off = np.abs(grid - np.round(grid)) * pitch
        r.put("period", [float(p) for p in pitch], box, spread=ROUNDING / side)
        r.put("shape", float(off.max()), box)
        film = np.concatenate(d.contours("SLAB150"))
        o1 = d.ports["o1"]
        r.put("length_taper", float(film[:, 0].min()) - o1.x, np.array([o1.place, film.min(axis=0)]))
