"""A short fingerprint of what is drawn in a cell, so that a hand's edit of a generated cell is seen.

The polygons of every layer are merged and hashed in the cell's own coordinates, and what is placed in the cell is
hashed by its place and its own fingerprint: where and how often the cell itself is placed, and what it or anything in
it is called, does not matter; a vertex that moved, a polygon that came or went does, and so does a cell inside that was
moved or dissolved. Texts are not drawn. Fingerprints are taken from a layout that was read from a file, because the
formats cut polygons with holes or with too many points and thereby move points by a rounding.
"""

from __future__ import annotations

import hashlib

import klayout.db as kdb

#: name of a cell's meta information; kfactory takes no notice of it
META_NAME = "cpo:drawn"
_FORM = "1"


class Digests:
    """Fingerprints of the cells of one layout, each computed once."""

    def __init__(self, layout: kdb.Layout) -> None:
        self.layout = layout
        self._own: dict[int, str] = {}
        self._all: dict[int, str] = {}
        self._layers = sorted(
            ((info.layer, info.datatype, info.name, index) for index, info in _infos(layout)),
        )

    def own(self, cell: kdb.Cell) -> str:
        """Of the polygons that lie in the cell itself."""
        index = cell.cell_index()
        if index not in self._own:
            total = _hash()
            for layer, datatype, _, number in self._layers:
                shapes = cell.shapes(number)
                if shapes.is_empty():
                    continue
                polygons = sorted(str(polygon) for polygon in kdb.Region(shapes).merged().each())
                if polygons:
                    total.update(f"{layer}/{datatype}:{'|'.join(polygons)};".encode())
            self._own[index] = total.hexdigest()
        return self._own[index]

    def all(self, cell: kdb.Cell) -> str:
        """Of the polygons of the cell and of everything placed in it."""
        index = cell.cell_index()
        if index not in self._all:
            placed = sorted(f"{_place(inst)} {self.all(inst.cell)}" for inst in cell.each_inst())
            self._all[index] = _hash(f"{self.own(cell)} {'|'.join(placed)}".encode()).hexdigest()
        return self._all[index]

    def edited(self, cell: kdb.Cell, *, inside: bool) -> bool | None:
        """Whether the polygons of a cell are other ones than when it was written.

        Args:
            cell: of this layout.
            inside: what is placed in the cell counts too.

        Returns:
            None when the file doesn't say how the cell was drawn.
        """
        item = cell.meta_info(META_NAME)
        value = item.value if item is not None else None
        if not isinstance(value, dict) or value.get("form") != _FORM:
            return None
        return value.get("all") != self.all(cell) if inside else value.get("own") != self.own(cell)


def stamp(drawn: kdb.Layout, target: kdb.Layout) -> None:
    """Write the fingerprints of all cells of one layout into the cells of the same name of another.

    Args:
        drawn: what was read back from a file.
        target: what the file was written from; its cells get the meta information.
    """
    digests = Digests(drawn)
    for cell in drawn.each_cell():
        value = {"form": _FORM, "own": digests.own(cell), "all": digests.all(cell)}
        target.cell(cell.name).add_meta_info(kdb.LayoutMetaInfo(META_NAME, value, "", True))


def _infos(layout: kdb.Layout) -> list[tuple[int, kdb.LayerInfo]]:
    return [(index, layout.get_info(index)) for index in layout.layer_indexes()]


def _hash(data: bytes = b"") -> hashlib.blake2b:
    return hashlib.blake2b(data, digest_size=16)


def _place(inst: kdb.Instance) -> str:
    """Transformation and steps of an instance; a row may be written as columns."""
    steps = sorted([f"{inst.a} {inst.na}", f"{inst.b} {inst.nb}"]) if inst.is_regular_array() else []
    return f"{inst.cplx_trans} {steps}"
