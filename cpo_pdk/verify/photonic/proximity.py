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

from collections.abc import Iterator
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.census.coupling_angle import log_kappa
from cpo_pdk.circuit.census.facing import LocalRun, Shape, facing_runs
from cpo_pdk.circuit.census.outline import walls_of
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding

#: outlines of candidates are thinned to this, um
THIN_UM = 0.05
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
#: a ring is as wide as a guide, um
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
    reach, wl = float(rule.more["reach"]), float(rule.more["wl"])
    pieces = list(_pieces(guides, rule.layers[0], reach))
    known: dict[str, list[_Run]] = {}
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
        for run in _runs(guides, rule, box, reach, wl, known):
            level = -20 * float(np.log10(np.sin(min(run.angle, np.pi / 2))))
            if level >= rule.value:
                continue
            x, y = run.x + box.left * guides.layers.dbu, run.y + box.bottom * guides.layers.dbu
            half = min(run.length, 1000.0) / 2
            spot = kdb.DBox(x - half, y - half, x + half, y + half).to_itype(guides.layers.dbu) & box
            note = f"{run.length:.3g} um side by side with a gap of {run.gap:.3g} um"
            yield Finding(spot if not spot.empty() else box, level, stretch[0].places, note)


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
    order = sorted(range(len(pieces)), key=lambda i: pieces[i].box.left)
    leader = list(range(len(pieces)))

    def root(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    open_now: list[int] = []
    for i in order:
        box = pieces[i].box.enlarged(near, near)
        open_now = [j for j in open_now if pieces[j].box.right >= box.left]
        for j in open_now:
            if pieces[i].places == pieces[j].places and box.touches(pieces[j].box):
                leader[root(i)] = root(j)
        open_now.append(i)
    groups: dict[int, list[_Piece]] = {}
    for i in order:
        groups.setdefault(root(i), []).append(pieces[i])
    yield from groups.values()


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


def _runs(
    guides: Guides, rule: Rule, box: kdb.Box, reach: float, wl: float, known: dict[str, list[_Run]]
) -> list[_Run]:
    """Runs around a box, relative to its lower left corner; what is drawn alike is computed once."""
    layers = guides.layers
    around = layers.dbus(reach)
    cores = _clipped(guides, rule.layers[0], box, around)
    cores -= _closed(guides, rule.layers[0], box)
    slab = _clipped(guides, rule.layers[1], box, around)
    move = kdb.Trans(-box.left, -box.bottom)
    cores, slab = cores.transformed(move), slab.transformed(move)
    key = f"{cores}|{slab}"
    if key not in known:
        edges = np.array([(e.x1, e.y1, e.x2, e.y2) for e in slab.edges().each()], np.float64).reshape(-1, 4)
        edges *= layers.dbu
        walls, ground = walls_of(cores, layers.dbu, ()), (edges[:, :2], edges[:, 2:])
        numbers = np.unique(walls.polygon)
        known[key] = []
        for k, first in enumerate(numbers):
            one = Shape(walls.only(walls.polygon == first), ground)
            for second in numbers[k:]:
                other = Shape(walls.only(walls.polygon == second), ground)
                # each piece of a run may be far below the limit: they are added up here
                parts = facing_runs(one, other, kdb.DCplxTrans(), (wl,), reach, -rule.value - PIECES_DB)
                if parts:
                    known[key].append(_sum_of(parts, 0.5 if first == second else 1.0))
    return known[key]


def _sum_of(parts: list[LocalRun], share: float) -> _Run:
    """Runs of two guides along one stretch as one; `share`: of those that were found from both sides."""
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
    near = box.enlarged(10, 10)
    shapes = kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name])[0], near, False)
    found = kdb.Region()
    for polygon in kdb.Region(shapes).merged().each():
        if polygon.holes() != 1 or 2 * polygon.area() > WIDEST_RING_UM / layers.dbu * polygon.perimeter():
            continue
        if not guides.devices.is_told(layers.indexes([name]), polygon.bbox()):
            found.insert(polygon)
    return found
