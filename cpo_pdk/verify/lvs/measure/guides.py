"""Waveguides measured: straights, bends, tapers, crossing, terminator, spiral."""

from __future__ import annotations

import math

import numpy as np

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.lvs.measure.bands import Band, Face, band, face_at
from cpo_pdk.verify.lvs.measure.drawn import Array, Drawn, Readings, Terminal, UnmeasurableError
from cpo_pdk.verify.lvs.measure.fits import circles, s_bend

#: widths of a crossing's arm at shares of the way to the centre: 0 that of the waveguide, 1 that of the centre
_CROSSING_ARM = ((1 / 3, 0.785), (0.5, 0.878))
#: a bend's circular part is its middle third; what is nearer to a clothoid than this share of the turn isn't used
_ARC_SHARE = 0.2


def read_guide(d: Drawn, r: Readings) -> Band:
    """The waveguide from `o1` to `o2`, with its width and kind.

    Raises:
        UnmeasurableError: there is none.
    """
    found = band(d.contours("WG"), d.ports["o1"], d.ports["o2"])
    width, where = found.width()
    r.put("width", width, where, spread=0.0003)
    kind_of(d, r, found.first, found.last)
    return found


def kind_of(d: Drawn, r: Readings, *faces: Face) -> None:
    """Whether a waveguide is a rib, with slab on both sides of its core, or a strip, at its faces."""
    words = set()
    slab = d.layout.find_layer(*layer_of("SLAB90"))
    width = 0.0
    for face in faces:
        along = (face.points[1] - face.points[0]) / face.width
        inward = 0.01 * np.array([along[1], -along[0]])  # the material is on the right of the way
        covered = 0
        if slab is not None and d.has("SLAB90"):
            reach = []
            for sign in (1, -1):
                at = face.middle + inward
                line = _reach(d.contours("SLAB90"), at, sign * along)
                covered += line > face.width / 2 + 0.01
                reach.append(line)
            width = sum(reach)
        words.add("rib" if covered == 2 else "strip" if covered == 0 else "half a rib")
    where = np.concatenate([face.points for face in faces])
    r.say("cross_section", words.pop() if len(words) == 1 else "strip at one end, rib at the other", where, "SLAB90")
    if width > 0:
        r.put("width_slab", width, where, "SLAB90")


def _reach(loops: list[Array], at: Array, way: Array) -> float:
    """Distance from a point to where the layer ends in one direction; 0 where the point is not on the layer."""
    across = np.array([-way[1], way[0]])
    crossings = []
    for loop in loops:
        own = loop - at
        a = np.column_stack([own @ way, own @ across])
        b = np.roll(a, -1, axis=0)
        over = (a[:, 1] <= 0) != (b[:, 1] <= 0)
        share = -a[over, 1] / (b[over, 1] - a[over, 1])
        crossings.append(a[over, 0] + share * (b[over, 0] - a[over, 0]))
    ahead = np.concatenate(crossings)
    ahead = np.sort(ahead[ahead > 0])
    return float(ahead[0]) if len(ahead) % 2 else 0.0


def straight(d: Drawn, r: Readings) -> None:
    """Length between the faces, width, kind."""
    with r.attempt("length", "width", "cross_section"):
        guide = read_guide(d, r)
        r.put("length", guide.length, np.array([guide.first.middle, guide.last.middle]))
        r.put("path", guide.length, np.array([guide.first.middle, guide.last.middle]))


def bend_euler(d: Drawn, r: Readings) -> None:
    """Radius of the middle part, turn, path, width, kind."""
    with r.attempt("radius", "angle", "path", "width", "cross_section"):
        guide = read_guide(d, r)
        faces = np.array([guide.first.middle, guide.last.middle])
        r.put("path", guide.length, faces)
        turn = _heading(guide.last) - _heading(guide.first) - 180.0
        r.put("angle", abs((turn + 180.0) % 360.0 - 180.0) or 180.0, faces)
        if abs(r.values["angle"]) < 1.0:
            r.put("angle", 180.0, faces)
        sides = [_middle_part(line, _ARC_SHARE) for line in (guide.left, guide.right)]
        arc = circles(*sides)
        if arc.off > 0.002:
            raise UnmeasurableError(f"the middle of the bend leaves a circle by {arc.off * 1e3:.1f} nm")
        r.put("radius", sum(arc.radii) / 2, np.concatenate(sides), spread=arc.spread)


def _heading(face: Face) -> float:
    along = face.points[1] - face.points[0]
    return math.degrees(math.atan2(along[0], -along[1]))


def _middle_part(line: Array, share: float) -> Array:
    """The corners in the middle of a line: `share` of its length."""
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return line[np.abs(way / way[-1] - 0.5) < share / 2]


def bend_s(d: Drawn, r: Readings) -> None:
    """Extent along and across, path, width, kind, smallest radius."""
    with r.attempt("length", "offset", "path", "width", "cross_section", "shape"):
        guide = read_guide(d, r)
        ends = np.array([guide.first.middle, guide.last.middle])
        r.put("length", float(ends[1, 0] - ends[0, 0]), ends)
        r.put("offset", float(ends[1, 1] - ends[0, 1]), ends)
        r.put("path", guide.length, ends)
        if abs(r.values["offset"]) < 0.001:
            r.put("shape", 0.0, ends)
            return
        bend = s_bend(guide.left, guide.right, r.values["width"], tuple(ends[0]), tuple(ends[1]))
        r.put("shape", max(bend.off, abs(bend.length - r.values["length"]) - 4 * bend.spread), guide.points)


def taper(d: Drawn, r: Readings) -> None:
    """Widths at both ends, length, and how straight its sides are."""
    with r.attempt("length", "width1", "width2", "shape"):
        guide = band(d.contours("WG"), d.ports["o1"], d.ports["o2"])
        ends = _put_taper(r, guide.first, guide.last, "length")
        r.put("width1", guide.first.width, guide.first.points)
        r.put("width2", guide.last.width, guide.last.points)
        r.put("path", r.values["length"], ends)
        _put_straight_sides(r, guide)


def _put_taper(r: Readings, first: Face, last: Face, name: str) -> Array:
    ends = np.array([first.middle, last.middle])
    r.put(name, float(np.linalg.norm(ends[1] - ends[0])), ends)
    return ends


def _put_straight_sides(r: Readings, guide: Band) -> None:
    off = 0.0
    for line in (guide.left, guide.right):
        along = line[-1] - line[0]
        normal = np.array([-along[1], along[0]]) / np.linalg.norm(along)
        off = max(off, float(np.abs((line - line[0]) @ normal).max()))
    r.put("shape", off, guide.points)


def taper_strip_rib(d: Drawn, r: Readings) -> None:
    """Length, width of the core, and widths of the slab at both ends."""
    with r.attempt("length", "width", "width_slab_strip", "width_slab_rib"):
        guide = band(d.contours("WG"), d.ports["o1"], d.ports["o2"])
        width, where = guide.width()
        r.put("width", width, where)
        ends = _put_taper(r, guide.first, guide.last, "length")
        r.put("path", r.values["length"], ends)
        slab = band(d.contours("SLAB90"), d.ports["o1"], d.ports["o2"])
        r.put("width_slab_strip", slab.first.width, slab.first.points, "SLAB90")
        r.put("width_slab_rib", slab.last.width, slab.last.points, "SLAB90")
        r.put("length_slab", float(np.linalg.norm(slab.last.middle - slab.first.middle)), ends, "SLAB90")
        _put_straight_sides(r, slab)


def terminator(d: Drawn, r: Readings) -> None:
    """Length, widths at the waveguide and at the tip, kind."""
    with r.attempt("length", "tip_width", "width", "cross_section", "shape"):
        loops = d.contours("WG")
        first = face_at(loops, d.ports["o1"])
        guide = band([loops[first.loop]], d.ports["o1"], opposite(d, "o1"))
        ends = _put_taper(r, guide.first, guide.last, "length")
        r.put("path", r.values["length"], ends)
        r.put("width", guide.first.width, guide.first.points)
        r.put("tip_width", guide.last.width, guide.last.points)
        kind_of(d, r, guide.first, guide.last)
        _put_straight_sides(r, guide)


def opposite(d: Drawn, name: str) -> Terminal:
    """A stand-in for the port that a cell doesn't have: far out on the axis of `name`, looking the other way."""
    port = d.ports[name]
    box = np.concatenate(d.contours("WG"))
    far = port.place - port.outward * float(np.ptp(box, axis=0).max())
    return Terminal("tip", port.port_type, float(far[0]), float(far[1]), (port.angle + 180.0) % 360.0, port.layer)


def crossing(d: Drawn, r: Readings) -> None:
    """Arms and their width in the middle, from the widths that can be seen outside of it."""
    with r.attempt("arm_length", "width_center", "width", "path"):
        loops = d.contours("WG")
        faces = [face_at(loops, d.ports[name]) for name in ("o1", "o2", "o3", "o4")]
        middles = np.array([face.middle for face in faces])
        spans = np.linalg.norm(middles[[0, 1]] - middles[[2, 3]], axis=1)
        center = middles.mean(axis=0)
        arms = np.linalg.norm(middles - center, axis=1)
        worst = int(np.argmax(np.abs(arms - np.median(arms))))
        arm = float(arms[worst]) if np.ptp(arms) > 0.002 else float(arms.mean())
        r.put("arm_length", arm, middles)
        r.put("path", float(spans[0]), middles)
        widths = [face.width for face in faces]
        r.put("width", max(widths, key=lambda w: abs(w - np.median(widths))), middles)
        found = []
        for face, reach in zip(faces, arms, strict=True):
            inward = (center - face.middle) / reach
            aside = np.array([-inward[1], inward[0]])
            for share, shape in _CROSSING_ARM:
                at = face.middle + inward * reach * share
                full = _reach(loops, at, aside) + _reach(loops, at, -aside)
                found.append(face.width + (full - face.width) / shape)
        middle = float(np.median(found))
        worst_one = max(found, key=lambda w: abs(w - middle))
        spread = 0.0015
        r.put("width_center", worst_one if abs(worst_one - middle) > 2 * spread else middle, middles, spread=spread)


def spiral(d: Drawn, r: Readings) -> None:
    """Path, number of turns, radius of the bends, distance of neighbouring guides, width, kind, sides of the ports."""
    names = ("length", "n_turns", "radius", "spacing", "width", "cross_section", "same_side")
    with r.attempt(*names):
        guide = read_guide(d, r)
        ends = np.array([guide.first.middle, guide.last.middle])
        r.put("length", guide.length, guide.points, spread=0.002)
        r.put("path", guide.length, guide.points, spread=0.002)
        outs = [np.cos(np.radians(_heading(face))) for face in (guide.first, guide.last)]
        r.say("same_side", str(bool(outs[0] * outs[1] > 0)), ends)
        left, right = _pieces(guide.left), _pieces(guide.right)
        bends = (left[0] + right[0]) / 2
        r.put("n_turns", (bends + 2) / 8, guide.points)
        radii = [circles(a, b) for a, b in zip(left[1], right[1], strict=True)]
        values = np.array([sum(c.radii) / 2 for c in radii])
        spread = max(c.spread for c in radii)
        middle = float(np.median(values))
        worst = int(np.argmax(np.abs(values - middle)))
        value = float(values[worst]) if abs(values[worst] - middle) > 0.004 + 4 * spread else middle
        r.put("radius", value, left[1][worst], spread=spread)
        _spacing(r, guide)


def _pieces(edge: Array) -> tuple[int, list[Array]]:
    """Number of quarter turns along an edge, and the corners in the middle of each."""
    along = np.diff(edge, axis=0)
    heading = np.degrees(np.unwrap(np.arctan2(along[:, 1], along[:, 0])))
    heading -= heading[0]
    quarter = np.round(heading / 90.0)
    # a quarter turn begins where the heading is nearer to the next multiple of 90 degrees
    change = np.flatnonzero(np.diff(quarter))
    parts = []
    for i in change:
        half = (quarter[i] + quarter[i + 1]) * 45.0
        low = high = i + 1
        while low > 0 and abs(heading[low - 1] - half) < 18.0:
            low -= 1
        while high < len(heading) and abs(heading[high] - half) < 18.0:
            high += 1
        parts.append(edge[low : high + 1])
    return len(change), parts


def _spacing(r: Readings, guide: Band) -> None:
    """Distance of neighbouring horizontal walls of the spiral."""
    heights: list[dict[int, float]] = []
    for edge in (guide.left, guide.right):
        along = np.diff(edge, axis=0)
        heading = np.degrees(np.unwrap(np.arctan2(along[:, 1], along[:, 0])))
        turns = np.abs(np.diff(np.round((heading - heading[0]) / 90.0)))
        leg = np.cumsum(np.concatenate([[0.0], turns])).astype(int)
        level = np.flatnonzero(np.abs(along[:, 1]) < 1e-6)
        # of the level edges between two corners the longest comes last, and counts
        level = level[np.argsort(np.abs(along[level, 0]), kind="stable")]
        heights.append({int(leg[k]): float(edge[k, 1]) for k in level})
    walls = np.sort([(heights[0][k] + heights[1][k]) / 2 for k in heights[0].keys() & heights[1].keys()])
    upper = walls[walls > (walls[0] + walls[-1]) / 2]
    if len(upper) < 2:
        raise UnmeasurableError("no two walls of the spiral run side by side")
    # a wall that is all bend has no height: the next one is two steps away
    steps = np.diff(upper)
    steps = steps / np.round(steps / steps.min())
    r.put("spacing", [float(step) for step in steps], guide.points)
