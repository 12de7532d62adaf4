"""Fibres and connectors measured. Parallel fibres share their pieces, so each piece is measured once a layout."""

from __future__ import annotations

import math
from typing import NamedTuple

import klayout.db as kdb
import numpy as np

from cpo_pdk.tech.layers import CONNECTOR_LEVELS, FIBER_LEVELS, layer_of
from cpo_pdk.verify.lvs.measure.bands import Band, Face, band
from cpo_pdk.verify.lvs.measure.detectors import box_on
from cpo_pdk.verify.lvs.measure.drawn import Array, Drawn, Readings, UnmeasurableError
from cpo_pdk.verify.lvs.measure.fits import circles, s_bend
from cpo_pdk.verify.outline import contours

#: ends of pieces meet when they are this close, um
_MEET = 0.005
#: corners of fibres may lie this far off the curve that they are drawn along, um
_FIBRE_ROUND = 0.02
#: widths of a fibre along its way that differ by no more are one: its chords leave its curve by 0.1 um
_FIBRE_EVEN = 0.25
#: a fibre of more pieces than this is not followed
_PIECE_LIMIT = 400


class Piece(NamedTuple):
    """A band with two ends: where each is (um), which way it looks (unit vector), length, widths, smallest radius."""

    ends: tuple[tuple[float, float], tuple[float, float]]
    outs: tuple[tuple[float, float], tuple[float, float]]
    length: float
    width: float
    radius_min: float


class Pieces:
    """The pieces of fibre of a layout, each measured when it is first asked for."""

    def __init__(self, layout: kdb.Layout) -> None:
        self.layout = layout
        self._known: dict[tuple[int, str], list[list[Piece]]] = {}

    def of(self, cell: kdb.Cell, layer: str) -> list[list[Piece]]:
        """What is drawn in a cell itself: for each polygon the ways to pass it (two for a rectangle)."""
        key = (cell.cell_index(), layer)
        if key not in self._known:
            index = self.layout.find_layer(*layer_of(layer))
            found: list[list[Piece]] = []
            if index is not None:
                for polygon in kdb.Region(cell.shapes(index)).merged().each():
                    found.append(_ways(contours(polygon)[0] * self.layout.dbu))
            self._known[key] = found
        return self._known[key]


def _ways(hull: Array) -> list[Piece]:
    """The ways to pass a polygon from one end to the other: an end is an edge between two right angles."""
    along = np.roll(hull, -1, axis=0) - hull
    length = np.linalg.norm(along, axis=1)
    unit = along / length[:, None]
    before = np.roll(unit, 1, axis=0)
    # the material is on the right: a convex corner turns to the right
    turn = np.arctan2(before[:, 0] * unit[:, 1] - before[:, 1] * unit[:, 0], np.sum(before * unit, axis=1))
    sharp = np.abs(turn + math.pi / 2) < 0.03
    ends = np.flatnonzero(sharp & np.roll(sharp, -1))
    if len(ends) == 4 and len(hull) == 4:
        pairs = [(int(ends[0]), int(ends[2])), (int(ends[1]), int(ends[3]))]
    elif len(ends) == 2:
        pairs = [(int(ends[0]), int(ends[1]))]
    else:
        raise UnmeasurableError(f"a piece of fibre has {len(ends)} ends, 2 expected")
    ways = []
    for a, b in pairs:
        faces = [_face(hull, edge) for edge in (a, b)]
        n = len(hull)
        left = hull[[(a + 1 + k) % n for k in range((b - a - 1) % n + 1)]]
        right = hull[[(b + 1 + k) % n for k in range((a - b - 1) % n + 1)]][::-1]
        ways.append(_piece(Band(faces[0], faces[1], left, right)))
    return ways


def _face(hull: Array, edge: int) -> Face:
    points = np.array([hull[edge], hull[(edge + 1) % len(hull)]])
    return Face(0, edge, points.mean(axis=0), float(np.linalg.norm(points[1] - points[0])), points)


def _outward(face: Face) -> tuple[float, float]:
    x, y = (face.points[1] - face.points[0]) / face.width
    return float(-y), float(x)


def _piece(guide: Band) -> Piece:
    first, last = guide.first, guide.last
    width = min(first.width, last.width)
    if len(guide.left) > 2 or len(guide.right) > 2:
        found, _ = guide.width(_FIBRE_EVEN)
        width = max((width, *found), key=lambda w: abs(w - width)) if len(found) > 1 else width
    return Piece(_places(first, last), (_outward(first), _outward(last)), guide.length, width, radius_of(guide))


def _places(first: Face, last: Face) -> tuple[tuple[float, float], tuple[float, float]]:
    a, b = first.middle.tolist(), last.middle.tolist()
    return (a[0], a[1]), (b[0], b[1])


def radius_of(guide: Band) -> float:
    """Smallest radius of the middle of a band that is straight, an arc or a raised sine; else of a few corners, um."""
    if len(guide.left) <= 2 and len(guide.right) <= 2:
        return math.inf
    try:
        arc = circles(guide.left, guide.right)
        if arc.off < _FIBRE_ROUND:
            return sum(arc.radii) / 2
    except UnmeasurableError:
        pass
    # seen from its first end, heading east
    out = np.array(_outward(guide.first))
    turn = np.array([[-out[0], -out[1]], [out[1], -out[0]]])
    left, right = ((line - guide.first.middle) @ turn.T for line in (guide.left, guide.right))
    end = turn @ (guide.last.middle - guide.first.middle)
    try:
        bend = s_bend(left, right, guide.first.width, (0.0, 0.0), (float(end[0]), float(end[1])))
        if bend.off < _FIBRE_ROUND:
            return bend.radius_min
    except UnmeasurableError:
        pass
    return tightest(guide)


def tightest(guide: Band, corners: int = 9) -> float:
    """Smallest radius of the middle of any band, from circles through some successive corners of either edge, um."""
    radius = math.inf
    for line, sign in ((guide.left, 1.0), (guide.right, -1.0)):
        for k in range(0, max(1, len(line) - corners), corners // 3):
            part = line[k : k + corners]
            try:
                arc = circles(part)
            except UnmeasurableError:
                continue
            along = part[-1] - part[0]
            toward = arc.center - part[0]
            turns_left = along[0] * toward[1] - along[1] * toward[0] > 0
            middle = arc.radii[0] + (0.5 if turns_left == (sign > 0) else -0.5) * guide.first.width
            radius = min(radius, middle)
    return radius


def fiber(d: Drawn, r: Readings, pieces: Pieces | None = None) -> None:
    """Path, smallest radius, width and kind of a fibre, and where it ends as seen from its beginning."""
    with r.attempt("path", "radius_min", "width", "kind", "layer", "end_x", "end_y"):
        drawn = [layer for layer in (*FIBER_LEVELS, "FIBER_PM") if _holds(d, layer)]
        if len(drawn) != 1:
            raise UnmeasurableError(f"drawn on {' and '.join(drawn) or 'no fibre layer'}, 1 layer expected")
        layer = drawn[0]
        chain = _chain(d, pieces or Pieces(d.layout), layer)
        end = chain[-1].ends[1]
        at = np.array([chain[0].ends[0], end])
        at_frame = d.frame.into(at)
        r.say("kind", "PM" if layer == "FIBER_PM" else "SMF", at_frame, layer)
        r.say("layer", layer, at_frame, layer)
        length = sum(piece.length for piece in chain)
        for name in ("path", "path_route"):
            r.put(name, length, at_frame, layer, 0.002)
        tight = min(chain, key=lambda piece: piece.radius_min)
        reach = max(math.dist(*tight.ends), 1.0)
        # half a nanometre aside over the reach of a piece changes its curvature by so much
        bend = 2 * math.pi * 0.0005 / reach**2
        radius = min(1e9, tight.radius_min)
        r.put("radius_min", radius, at_frame, layer, radius**2 * bend)
        r.put("width", min(piece.width for piece in chain), at_frame, layer)
        r.put("end_x", float(at_frame[1, 0] - at_frame[0, 0]), at_frame, layer)
        r.put("end_y", float(at_frame[1, 1] - at_frame[0, 1]), at_frame, layer)


def _holds(d: Drawn, layer: str) -> bool:
    index = d.layout.find_layer(*layer_of(layer))
    return index is not None and not d.cell.bbox_per_layer(index).empty()


def _chain(d: Drawn, pieces: Pieces, layer: str) -> list[Piece]:
    """The pieces on the way from `o1`, each turned so that its first end comes first, in the cell's coordinates."""
    left: list[list[Piece]] = [list(ways) for ways in pieces.of(d.cell, layer)]
    for inst in d.cell.each_inst():
        if inst.is_regular_array() or inst.cell.child_instances():
            return [_whole(d, layer)]
        trans = inst.dcplx_trans
        left += [[_moved(piece, trans) for piece in ways] for ways in pieces.of(inst.cell, layer)]
    start = d.ports.get("o1")
    if start is None:
        raise UnmeasurableError("it has no port o1")
    x, y = d.frame.back(start.place[None, :])[0]
    out = d.frame.back(start.outward[None, :])[0] - d.frame.back(np.zeros((1, 2)))[0]
    if len(left) > _PIECE_LIMIT:
        raise UnmeasurableError(f"the fibre is drawn in {len(left)} pieces, at most {_PIECE_LIMIT} are followed")
    chain: list[Piece] = []
    at, looks = (float(x), float(y)), (float(out[0]), float(out[1]))
    while left:
        following = None
        for number, ways in enumerate(left):
            for piece in ways:
                for first in (0, 1):
                    (x, y), (u, v) = piece.ends[first], piece.outs[first]
                    near = abs(x - at[0]) < _MEET and abs(y - at[1]) < _MEET
                    if near and u * looks[0] + v * looks[1] > 0.9999:
                        following = (number, _reversed(piece) if first else piece)
        if following is None:
            raise UnmeasurableError(
                f"the fibre stops at ({at[0]:.3f}, {at[1]:.3f}) um with {len(left)} pieces left over"
            )
        number, turned = following
        chain.append(turned)
        at, looks = turned.ends[1], (-turned.outs[1][0], -turned.outs[1][1])
        del left[number]
    if not chain:
        raise UnmeasurableError("no piece of fibre is drawn")
    return chain


def _whole(d: Drawn, layer: str) -> Piece:
    """The fibre as one band, where it is not made of simple pieces."""
    guide = band(d.contours(layer), d.ports["o1"], d.ports["o2"])
    (ax, ay), (bx, by) = d.frame.back(np.array([guide.first.middle, guide.last.middle])).tolist()
    return Piece(
        ((ax, ay), (bx, by)),
        (_outward(guide.first), _outward(guide.last)),
        guide.length,
        min(guide.first.width, *guide.width(_FIBRE_EVEN)[0]),
        tightest(guide),
    )


def _moved(piece: Piece, trans: kdb.DCplxTrans) -> Piece:
    origin, x, y = trans.disp, trans * kdb.DVector(1, 0), trans * kdb.DVector(0, 1)
    a, b, c, d = x.x, y.x, x.y, y.y
    (p, q), (u, v) = piece.ends, piece.outs
    return Piece(
        (
            (origin.x + a * p[0] + b * p[1], origin.y + c * p[0] + d * p[1]),
            (origin.x + a * q[0] + b * q[1], origin.y + c * q[0] + d * q[1]),
        ),
        ((a * u[0] + b * u[1], c * u[0] + d * u[1]), (a * v[0] + b * v[1], c * v[0] + d * v[1])),
        piece.length,
        piece.width,
        piece.radius_min,
    )


def _reversed(piece: Piece) -> Piece:
    (a, b), (u, v) = piece.ends, piece.outs
    return Piece((b, a), (v, u), piece.length, piece.width, piece.radius_min)


def connector(d: Drawn, r: Readings) -> None:
    """Depth and height of the body, and the row at the faceplate that its layer stands for."""
    with r.attempt("depth", "height", "layer"):
        drawn = [layer for layer in (*CONNECTOR_LEVELS, "CONNECTOR_PM") if _holds(d, layer)]
        if len(drawn) != 1:
            raise UnmeasurableError(f"drawn on {' and '.join(drawn) or 'no connector layer'}, 1 layer expected")
        layer = drawn[0]
        box = box_on(d, layer)
        r.say("layer", layer, box, layer)
        r.put("depth", float(box[1, 0] - box[0, 0]), box, layer)
        r.put("height", float(box[1, 1] - box[0, 1]), box, layer)
        area = d.region(layer).area() * d.layout.dbu**2
        r.put("shape", (r.values["depth"] * r.values["height"] - area) / r.values["depth"], box, layer)
