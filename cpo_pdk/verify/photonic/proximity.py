"""Rule kind `proximity`: guides that run beside each other so near, and for so long, that light passes over.

Candidates are pieces of walls that face each other within `reach`, found hierarchically on outlines that are thinned to
`THIN_UM`. Where a stretch of them may pass enough light, the outlines as drawn around it go to the model of couplers
(`circuit.census`), which sums the coupling over the whole run at the longest wavelength, at which it is strongest. The
power that passes over is the square of the sine of that sum.

The inside of devices is exempt as the rule says: couplers and rings are made of such runs. A closed ring in a file that
doesn't say what it is is exempt as well, because light gets into it in no other way. Everything else is judged as
drawn: a directional coupler that was flattened, in a file without a word about it, is found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.census.coupling_angle import log_kappa
from cpo_pdk.circuit.census.facing import LocalRun, Shape, facing_runs
from cpo_pdk.circuit.census.outline import walls_of
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.guides import Guides, LocatedFinding
from cpo_pdk.verify.process_layers import Finding

#: outlines of candidates are thinned to this, um
THIN_UM = 0.05
#: and those that the coupling is computed from to this, which changes it by 0.3 dB at most, um
FINE_UM = 0.002
#: pieces of candidates that are nearer to each other than this are one stretch, um
TOGETHER_UM = 1.0
#: walls that face each other within 60 degrees
TILTED = 60.0
#: width of the core that couples most at a given gap, and its cross-section: to tell what may couple, um
WEAKEST_GUIDE = ("rib", 0.25)
#: parts of a run that are this much below the limit don't count, dB
PIECES_DB = 40.0
#: more stretches than this in one file are not computed
STRETCH_LIMIT = 4000
#: a stretch with more corners is cut in two, and each half is looked at for itself
CORNER_LIMIT = 20_000
#: a ring is no larger than this, and as wide as a guide, um
LARGEST_RING_UM = 200.0
WIDEST_RING_UM = 3.0


@dataclass(frozen=True)
class _Piece:
    """Two walls that face each other: box in the top cell (dbu), gap and length (um), number of places."""

    box: kdb.Box
    gap: float
    length: float
    places: int


@dataclass(frozen=True)
class _Run:
    """Where two guides run side by side: place and gap (um), length (um), and the coupling summed over it (rad)."""

    x: float
    y: float
    gap: float
    length: float
    angle: float


def proximity(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Runs of two guides that pass more light than `value` dB below what they carry."""
    wl = float(rule.more["wl"])
    pieces = list(_pieces(guides, rule.layers[0], float(rule.more["reach"])))
    known: dict[str, _Pairs] = {}
    stretches = 0
    for stretch in _stretches(pieces, guides.layers.dbus(TOGETHER_UM)):
        if not _may_couple(stretch, rule.value, wl):
            continue
        box = _around(stretch)
        if guides.excused(rule, Finding(box)):
            continue
        if any(guides.excused(rule, Finding(piece.box)) for piece in stretch):
            stretch = [piece for piece in stretch if not guides.excused(rule, Finding(piece.box))]
            if not stretch or not _may_couple(stretch, rule.value, wl):
                continue
            box = _around(stretch)
        stretches += 1
        if stretches > STRETCH_LIMIT:
            note = f"more than {STRETCH_LIMIT} stretches beside each other, the rest is not looked at"
            yield Finding(box, None, stretch[0].places, note)
            return
        for spot, gap, run in _runs(guides, rule, stretch, box, wl, known):
            level = -20 * float(np.log10(np.sin(min(run.angle, np.pi / 2))))
            if level < rule.value:
                note = f"{run.length:.3g} um side by side with a gap of {run.gap:.3g} um"
                yield LocatedFinding(spot, level, stretch[0].places, note, at=gap)


def _pieces(guides: Guides, name: str, reach: float) -> Iterator[_Piece]:
    """Pairs of walls within reach with no silicon between them."""
    layers = guides.layers
    thin = layers.region(name, alone=True).smoothed(layers.dbus(THIN_UM), False)
    thin.merged_semantics = False
    edges = thin.edges()
    edges.merged_semantics = False
    pairs = edges.space_check(layers.dbus(reach), False, kdb.Metrics.Projection, TILTED)
    for shape, to_top, places in layers.distinct(pairs):
        pair = shape.edge_pair
        gap = min(pair.first.distance_abs(pair.second.p1), pair.first.distance_abs(pair.second.p2))
        gap = min(gap, pair.second.distance_abs(pair.first.p1), pair.second.distance_abs(pair.first.p2))
        length = max(pair.first.length(), pair.second.length())
        yield _Piece(pair.bbox().transformed(to_top), gap * layers.dbu, length * layers.dbu, places)


def _stretches(pieces: list[_Piece], near: int) -> Iterator[list[_Piece]]:
    """Pieces that lie together, of as many places."""
    layout = kdb.Layout()
    layer = layout.layer(1, 0)
    for places in sorted({piece.places for piece in pieces}):
        at: dict[tuple[int, int, int, int], list[_Piece]] = defaultdict(list)
        boxes = layout.create_cell(f"in {places} places").shapes(layer)
        for piece in pieces:
            if piece.places == places:
                box = piece.box.enlarged(near, near)
                boxes.insert(box)
                at[box.left, box.bottom, box.right, box.top].append(piece)
        for polygon in kdb.Region(boxes).merged().each():
            inside: dict[tuple[int, int, int, int], None] = {}
            for shape in boxes.each_touching(polygon.bbox()):
                box = shape.box
                if polygon.inside(box.center()):
                    inside[box.left, box.bottom, box.right, box.top] = None
            yield [piece for key in inside for piece in at[key]]


def _around(pieces: list[_Piece]) -> kdb.Box:
    box = kdb.Box()
    for piece in pieces:
        box += piece.box
    return box


def _may_couple(pieces: list[_Piece], level: float, wl: float) -> bool:
    """Whether a stretch passes more than the limit if its guides are as weak as any."""
    gaps = np.array([max(piece.gap - 2 * THIN_UM, 0.0) for piece in pieces])
    section, width = WEAKEST_GUIDE
    kappa = np.exp(log_kappa(gaps, section, width, width, (wl,))[:, 0])
    return bool((kappa * [piece.length for piece in pieces]).sum() > 10 ** (-level / 20))


#: parts of runs by pair of polygons
_Pairs = list[tuple[list[LocalRun], float]]


def _runs(
    guides: Guides, rule: Rule, stretch: list[_Piece], box: kdb.Box, wl: float, known: dict[str, _Pairs]
) -> Iterator[tuple[kdb.Box, kdb.Box, _Run]]:
    """Runs in a box that lie in no device, each with where it is and the gap in its middle.

    What is drawn alike is computed once.
    """
    layers, reach = guides.layers, float(rule.more["reach"])
    around = layers.dbus(reach)
    cores = _clipped(guides, rule.layers[0], box, around)
    cores = (cores - _closed(guides, rule.layers[0], box)).smoothed(layers.dbus(FINE_UM), False)
    if sum(polygon.num_points() for polygon in cores.each()) > CORNER_LIMIT and max(box.width(), box.height()) > around:
        for half in _halves(box):
            yield from _runs(guides, rule, stretch, half, wl, known)
        return
    slab = _clipped(guides, rule.layers[1], box, around)
    move = kdb.Trans(-box.left, -box.bottom)
    cores, slab = cores.transformed(move), slab.transformed(move)
    key = f"{cores}|{slab}"
    if key not in known:
        known[key] = list(_pairs(cores, slab, layers.dbu, rule.value, reach, wl))
    corner = kdb.DVector(box.left * layers.dbu, box.bottom * layers.dbu)
    for parts, share in known[key]:
        free = [part for part in parts if _is_free(guides, rule, stretch, _between(part, corner, layers.dbu))]
        if free:
            run = _sum_of(free, share)
            half = min(run.length, 1000.0) / 2
            place = kdb.DPoint(run.x, run.y) + corner
            spot = kdb.DBox(place.x - half, place.y - half, place.x + half, place.y + half).to_itype(layers.dbu) & box
            yield (box if spot.empty() else spot), _between(run, corner, layers.dbu), run


def _is_free(guides: Guides, rule: Rule, stretch: list[_Piece], gap: kdb.Box) -> bool:
    """False for the gap of a run inside a device: the free pieces that a stretch is made of aren't there."""
    return not guides.excused(rule, Finding(gap)) or any(piece.box.touches(gap) for piece in stretch)


def _halves(box: kdb.Box) -> tuple[kdb.Box, kdb.Box]:
    """A box cut across its longer side."""
    middle = box.center()
    if box.width() > box.height():
        return (
            kdb.Box(box.left, box.bottom, middle.x, box.top),
            kdb.Box(middle.x, box.bottom, box.right, box.top),
        )
    return (
        kdb.Box(box.left, box.bottom, box.right, middle.y),
        kdb.Box(box.left, middle.y, box.right, box.top),
    )


def _between(part: LocalRun | _Run, corner: kdb.DVector, dbu: float) -> kdb.Box:
    """The gap in the middle of a run, as wide as to touch both guides."""
    half = part.gap / 2 + 0.02
    place = kdb.DPoint(part.x, part.y) + corner
    return kdb.DBox(place.x - half, place.y - half, place.x + half, place.y + half).to_itype(dbu)


def _pairs(
    cores: kdb.Region, slab: kdb.Region, dbu: float, level: float, reach: float, wl: float
) -> Iterator[tuple[list[LocalRun], float]]:
    """Parts of the runs of each two polygons, and the share of them that counts: of one they are found twice."""
    edges = np.array([(e.x1, e.y1, e.x2, e.y2) for e in slab.edges().each()], np.float64).reshape(-1, 4) * dbu
    walls, ground = walls_of(cores, dbu, ()), (edges[:, :2], edges[:, 2:])
    numbers = np.unique(walls.polygon)
    shapes = [Shape(walls.only(walls.polygon == number), ground) for number in numbers]
    boxes = np.array([[*_low(shape), *_high(shape)] for shape in shapes]).reshape(-1, 4)
    for k, first in enumerate(shapes):
        near = (boxes[k:, :2] <= boxes[k, 2:] + reach).all(axis=1) & (boxes[k:, 2:] + reach >= boxes[k, :2]).all(axis=1)
        for other in np.flatnonzero(near):
            # each part of a run may be far below the limit: they are added up
            second = shapes[k + int(other)]
            parts = facing_runs(first, second, kdb.DCplxTrans(), (wl,), reach, -level - PIECES_DB)
            if parts:
                yield parts, 0.5 if other == 0 else 1.0


def _low(shape: Shape) -> NDArray[np.float64]:
    return np.minimum(shape.walls.start, shape.walls.end).min(axis=0)


def _high(shape: Shape) -> NDArray[np.float64]:
    return np.maximum(shape.walls.start, shape.walls.end).max(axis=0)


def _sum_of(parts: list[LocalRun], share: float) -> _Run:
    """Runs of two guides along one stretch as one."""
    angles = np.array([np.abs(part.kappa).max() for part in parts])
    strongest = parts[int(angles.argmax())]
    length = share * sum(part.length for part in parts)
    return _Run(strongest.x, strongest.y, strongest.gap, float(length), float(share * angles.sum()))


def _clipped(guides: Guides, name: str, box: kdb.Box, around: int) -> kdb.Region:
    wide = box.enlarged(around, around)
    indexes = guides.layers.indexes([name])
    if not indexes:
        return kdb.Region()
    shapes = kdb.RecursiveShapeIterator(guides.layers.layout, guides.layers.top, indexes[0], wide, False)
    return (kdb.Region(shapes).merged() & kdb.Region(wide)).merged()


def _closed(guides: Guides, name: str, box: kdb.Box) -> kdb.Region:
    """Rings near a box that lie in no cell that says what it is."""
    layers = guides.layers
    found = kdb.Region()
    for polygon in _touching(guides, name, box.enlarged(10, 10)):
        # the pieces that a ring is drawn in are put together as far as it reaches
        whole, reached = polygon, kdb.Box()
        while whole.bbox() != reached and max(whole.bbox().width(), whole.bbox().height()) < layers.dbus(
            LARGEST_RING_UM
        ):
            reached = whole.bbox()
            whole = next((p for p in _touching(guides, name, reached) if _holds(p, polygon)), whole)
        if whole.holes() != 1 or 2 * whole.area() > WIDEST_RING_UM / layers.dbu * whole.perimeter():
            continue
        if not guides.devices.is_told(layers.indexes([name]), whole.bbox()):
            found.insert(whole)
    return found


def _touching(guides: Guides, name: str, box: kdb.Box) -> Iterator[kdb.Polygon]:
    """Polygons of a layer that touch a box, each made of the shapes that touch it."""
    layers = guides.layers
    shapes = kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name])[0], box, False)
    yield from kdb.Region(shapes).merged().each()


def _holds(polygon: kdb.Polygon, part: kdb.Polygon) -> bool:
    """True when a polygon has a corner of another in it or on it."""
    corner = next(part.each_point_hull())
    return polygon.bbox().contains(corner) and polygon.inside(corner)
