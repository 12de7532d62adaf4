"""Where the polygons of two layouts differ, worked out once in every pair of cells that differ.

Cells with equal fingerprints are not looked into. Two cells that stand in the same place are a pair; what differs in
their own polygons, and where something is placed in one of them only, are windows. Inside its windows a pair is
compared flat, with all that it holds. What a pair found counts for every place of it, unless something of the
containing cell lies there too: then that window is looked at again from the containing cell, and counts there. So areas
are those of a flat comparison, and a fault of a cell that stands in a thousand places is found once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import klayout.db as kdb

from cpo_pdk.tech.drawn_digest import Digests
from cpo_pdk.tech.geometry_hash import layer_key

#: windows reach this far around what differs in a cell's own polygons, dbu: slanted edges are rounded there
MARGIN = 2
Pair = tuple[int, int]


@dataclass(eq=False)
class Spot:
    """A group of differing regions of one pair of cells whose boxes overlap.

    Attributes:
        cell: name of the cell in the second layout, in whose coordinates it is (the pair stands in one place).
        layer: "number/datatype".
        box: around it, dbu.
        added, removed: merged regions that only the second, only the first layout has.
        places: in how many places of the top cell it counts.
    """

    cell: str
    layer: str
    box: kdb.Box
    added: kdb.Region
    removed: kdb.Region
    places: int = 0


@dataclass
class _Found:
    """What a pair knows of one layer: its own spots, and those of cells in it that nothing else reaches into."""

    own: list[Spot] = field(default_factory=list)
    #: (transformation of an element, pair that stands there, indices of its open spots that count here instead)
    inner: list[tuple[kdb.ICplxTrans, Pair, frozenset[int]]] = field(default_factory=list)


class Comparison:
    """The differing regions of two layouts.

    Args:
        a, b: the layouts, with the same database unit.
        top_a, top_b: their top cells.
    """

    def __init__(self, a: kdb.Layout, top_a: kdb.Cell, b: kdb.Layout, top_b: kdb.Cell) -> None:
        self.sides = (a, b)
        self.digests = (Digests(a), Digests(b))
        self.top: Pair = (top_a.cell_index(), top_b.cell_index())
        self.layers = (_layer_indexes(a), _layer_indexes(b))
        self._matched: dict[Pair, list[tuple[list[kdb.ICplxTrans], Pair]]] = {}
        self._windows: dict[Pair, dict[str, kdb.Region]] = {}
        self._order: list[Pair] = []
        self._open: dict[Pair, list[tuple[kdb.Box, Spot, kdb.ICplxTrans]]] = {}
        self.count = cache(self._count)

    def equal(self, pair: Pair) -> bool:
        """True when the fingerprints of two cells and of all that is placed in them are the same."""
        return self.digests[0].all(self.sides[0].cell(pair[0])) == self.digests[1].all(self.sides[1].cell(pair[1]))

    def pairs(self) -> Sequence[Pair]:
        """Pairs of cells that differ, those placed before those that hold them; empty for equal layouts."""
        if not self._order and not self.equal(self.top):
            self._visit(self.top)
        return self._order

    def _visit(self, top: Pair) -> None:
        stack: list[tuple[Pair, Iterator[Pair]]] = []

        def enter(pair: Pair) -> None:
            self._match(pair)
            stack.append((pair, iter([inner for _, inner in self._matched[pair]])))

        enter(top)
        while stack:
            pair, rest = stack[-1]
            following = next((inner for inner in rest if inner not in self._matched), None)
            if following is not None:
                enter(following)
            else:
                self._order.append(pair)
                stack.pop()

    def _match(self, pair: Pair) -> None:
        """Find which cells in a pair stand in the same place, and the windows of what doesn't."""
        windows: dict[str, kdb.Region] = defaultdict(kdb.Region)
        placed = [_by_place(layout, layout.cell(i)) for layout, i in zip(self.sides, pair, strict=True)]
        matched: list[tuple[list[kdb.ICplxTrans], Pair]] = []
        for place in sorted(placed[0].keys() | placed[1].keys()):
            twins, left = self._twins(placed[0].get(place, []), placed[1].get(place, []))
            matched += [(_elements(x), (x.cell_index, y.cell_index)) for x, y in twins]
            for side, instances in enumerate(left):
                for instance in instances:
                    for key, number in self.layers[side].items():
                        box = instance.bbox(number)
                        if not box.empty():
                            windows[key].insert(box)
        first, second = (self.digests[side].own(self.sides[side].cell(pair[side])) for side in (0, 1))
        for key in self.layers[0].keys() | self.layers[1].keys() if first != second else ():
            for polygon in (self._own(0, pair[0], key) ^ self._own(1, pair[1], key)).each():
                windows[key].insert(polygon.bbox().enlarged(MARGIN, MARGIN))
        self._matched[pair] = matched
        self._windows[pair] = dict(windows)

    def _twins(
        self, a: list[kdb.Instance], b: list[kdb.Instance]
    ) -> tuple[list[tuple[kdb.Instance, kdb.Instance]], tuple[list[kdb.Instance], list[kdb.Instance]]]:
        """Instances of one place: pairs that differ, and what is on one side only; equal ones are left out."""
        if len(a) == len(b) == 1:
            return ([] if self.equal((a[0].cell_index, b[0].cell_index)) else [(a[0], b[0])]), ([], [])
        same: dict[str, list[kdb.Instance]] = defaultdict(list)
        for x in a:
            same[self.digests[0].all(x.cell)].append(x)
        rest_b = []
        for y in b:
            known = same[self.digests[1].all(y.cell)]
            if known:
                known.pop()
            else:
                rest_b.append(y)
        rest_a = [x for group in same.values() for x in group]
        rest_a.sort(key=lambda inst: inst.cell.name)
        rest_b.sort(key=lambda inst: inst.cell.name)
        number = min(len(rest_a), len(rest_b))
        return list(zip(rest_a[:number], rest_b[:number], strict=True)), (rest_a[number:], rest_b[number:])

    def _own(self, side: int, cell: int, key: str) -> kdb.Region:
        number = self.layers[side].get(key)
        return kdb.Region() if number is None else kdb.Region(self.sides[side].cell(cell).shapes(number)).merged()

    def spots(self, key: str) -> list[Spot]:
        """Differing regions on a layer, each with its cell and the number of its places.

        Args:
            key: "number/datatype" of the layer.
        """
        found: dict[Pair, _Found] = {}
        self._open.clear()
        for pair in self.pairs():
            found[pair] = self._of_pair(pair, key, found)
        if self.top not in found:
            return []
        counted: dict[Pair, Counter[Spot]] = {}
        for pair in self.pairs():
            total: Counter[Spot] = Counter(found[pair].own)
            for _, inner, moved in found[pair].inner:
                total.update(counted[inner])
                if moved:
                    opened = self._opened(inner, found)
                    total.subtract(opened[index][1] for index in moved)
            counted[pair] = total
        spots = []
        for spot, places in counted[self.top].items():
            if places > 0:
                spot.places = places
                spots.append(spot)
        spots.sort(key=lambda s: (s.cell, s.box.left, s.box.bottom, s.box.right, s.box.top))
        return spots

    def _of_pair(self, pair: Pair, key: str, found: dict[Pair, _Found]) -> _Found:
        result = _Found()
        windows = self._windows[pair].get(key, kdb.Region()).dup()
        for transformations, inner in self._matched[pair]:
            if not found[inner].own and not found[inner].inner:
                continue
            for trans in transformations:
                moved = self._not_alone(pair, inner, key, trans, found)
                opened = self._opened(inner, found) if moved else []
                for index in moved:
                    windows.insert(opened[index][0].transformed(trans).enlarged(MARGIN, MARGIN))
                if not moved or len(moved) < len(opened):
                    result.inner.append((trans, inner, frozenset(moved)))
        if not windows.is_empty():
            windows.merge()
            result.own = self._flat(pair, key, windows, self._kept(result, key, windows, found))
        return result

    def _kept(self, result: _Found, key: str, windows: kdb.Region, found: dict[Pair, _Found]) -> kdb.Region:
        """What differs inside some windows and is counted by cells in the pair."""
        kept = kdb.Region()
        around = windows.bbox()
        for trans, inner, moved in result.inner:
            if not self._extent(inner, key).transformed(trans).overlaps(around):
                continue
            for index, (box, spot, place) in enumerate(self._opened(inner, found)):
                if index not in moved and box.transformed(trans).overlaps(around):
                    for region in (spot.added, spot.removed):
                        kept += region.transformed(trans * place)
        return kept

    def _extent(self, pair: Pair, key: str) -> kdb.Box:
        """Box around what both cells of a pair, and the cells in them, hold on a layer."""
        whole = kdb.Box()
        for side in (0, 1):
            number = self.layers[side].get(key)
            if number is not None:
                whole += self.sides[side].cell(pair[side]).bbox(number)
        return whole

    def _opened(self, pair: Pair, found: dict[Pair, _Found]) -> list[tuple[kdb.Box, Spot, kdb.ICplxTrans]]:
        """The spots that count in a pair, those of the cells in it too: box in its coordinates, spot, place."""
        if pair not in self._open:
            boxes = [(spot.box, spot, kdb.ICplxTrans()) for spot in found[pair].own]
            for trans, inner, moved in found[pair].inner:
                for index, (box, spot, place) in enumerate(self._opened(inner, found)):
                    if index not in moved:
                        boxes.append((box.transformed(trans), spot, trans * place))
            self._open[pair] = boxes
        return self._open[pair]

    def _not_alone(
        self, pair: Pair, inner: Pair, key: str, trans: kdb.ICplxTrans, found: dict[Pair, _Found]
    ) -> Sequence[int]:
        """Which open spots of a placed cell must be looked at from the containing one: others lie there, or it is
        turned by an odd angle, so that corners are rounded."""
        if not trans.is_ortho() or trans.is_mag():
            return range(len(self._opened(inner, found)))
        if not self._crowded(pair, inner, key, trans, self._extent(inner, key)):
            return ()
        return [
            index
            for index, (box, _, _) in enumerate(self._opened(inner, found))
            if self._crowded(pair, inner, key, trans, box)
        ]

    def _crowded(self, pair: Pair, inner: Pair, key: str, trans: kdb.ICplxTrans, box: kdb.Box) -> bool:
        """True when a box of a placed cell holds shapes that are not of that cell, in one of the layouts."""
        outer = box.transformed(trans)
        for side in (0, 1):
            number = self.layers[side].get(key)
            if number is not None and self._count(side, pair[side], number, outer) != self.count(
                side, inner[side], number, box
            ):
                return True
        return False

    def _count(self, side: int, cell: int, number: int, box: kdb.Box) -> int:
        """Shapes under a cell whose boxes overlap a box, every one counted.

        KLayout's own search for overlaps passes over cells that are 1 dbu wide: what touches a box that is smaller by
        1 dbu overlaps the whole one. A box that is too thin for that also counts what touches it.
        """
        layout = self.sides[side]
        inner = box.enlarged(-(box.width() > 1), -(box.height() > 1))
        shapes = kdb.Region()
        shapes.merged_semantics = False
        shapes.insert(kdb.RecursiveShapeIterator(layout, layout.cell(cell), number, inner, False))
        return shapes.count()

    def _flat(self, pair: Pair, key: str, windows: kdb.Region, kept: kdb.Region) -> list[Spot]:
        drawn = []
        for side in (0, 1):
            number, layout = self.layers[side].get(key), self.sides[side]
            region = kdb.Region()
            if number is not None:
                region.insert(kdb.RecursiveShapeIterator(layout, layout.cell(pair[side]), number, windows, False))
            drawn.append(region.merged())
        where = windows - kept if not kept.is_empty() else windows
        added, removed = (drawn[1] - drawn[0]) & where, (drawn[0] - drawn[1]) & where
        return list(_grouped(added, removed, self.sides[1].cell(pair[1]).name, key))


def flat_xor(a: kdb.Layout, top_a: kdb.Cell, b: kdb.Layout, top_b: kdb.Cell, key: str) -> tuple[kdb.Region, kdb.Region]:
    """What only the second and only the first layout has on a layer, everything compared flat."""
    drawn = []
    for layout, top in ((a, top_a), (b, top_b)):
        number = _layer_indexes(layout).get(key)
        region = kdb.Region()
        if number is not None:
            region.insert(kdb.RecursiveShapeIterator(layout, top, number))
        drawn.append(region.merged())
    return drawn[1] - drawn[0], drawn[0] - drawn[1]


def _layer_indexes(layout: kdb.Layout) -> dict[str, int]:
    return {layer_key(layout.get_info(index)): index for index in layout.layer_indexes()}


def _by_place(layout: kdb.Layout, cell: kdb.Cell) -> dict[str, list[kdb.Instance]]:
    """Instances in a cell by transformation and steps."""
    found: dict[str, list[kdb.Instance]] = defaultdict(list)
    for inst in cell.each_inst():
        steps = sorted([f"{inst.a} {inst.na}", f"{inst.b} {inst.nb}"]) if inst.is_regular_array() else []
        found[f"{inst.cplx_trans} {steps}"].append(inst)
    return found


def _elements(inst: kdb.Instance) -> list[kdb.ICplxTrans]:
    """Transformation of each element of an instance."""
    base = inst.cplx_trans
    if not inst.is_regular_array():
        return [base]
    return [
        kdb.ICplxTrans(inst.a * column + inst.b * row) * base
        for column in range(max(1, inst.na))
        for row in range(max(1, inst.nb))
    ]


def _grouped(added: kdb.Region, removed: kdb.Region, cell: str, key: str) -> Iterator[Spot]:
    """Regions as spots whose boxes do not overlap."""
    boxes = kdb.Region()
    for region in (added, removed):
        for polygon in region.merged().each():
            boxes.insert(polygon.bbox())
    count = -1
    while boxes.count() != count:
        count = boxes.count()
        boxes = boxes.merged().extents()
    groups: dict[str, tuple[kdb.Box, list[kdb.Region]]] = {}
    outlines = [polygon.bbox() for polygon in boxes.merged().each()]
    if len(outlines) == 1:
        groups["only"] = (outlines[0], [added.merged(), removed.merged()])
    else:
        for box in outlines:
            groups[str(box)] = (box, [kdb.Region(), kdb.Region()])
        # every polygon lies in one of the boxes; they are found by a search in a shape container
        index = kdb.Shapes()
        for box in outlines:
            index.insert(box)
        for side, region in enumerate((added, removed)):
            for polygon in region.merged().each():
                inside = next(s.box for s in index.each_touching(polygon.bbox()) if polygon.bbox().inside(s.box))
                groups[str(inside)][1][side].insert(polygon)
    for box, (plus, minus) in groups.values():
        yield Spot(cell, key, box, plus, minus)
