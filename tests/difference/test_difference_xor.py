"""The comparison cell by cell finds the same areas as one of flat polygons, whatever overlaps whatever."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.difference.geometry import compare_geometry
from cpo_pdk.difference.xor import Comparison, flat_xor

LAYERS = ((1, 0), (41, 0))
#: multiples of 20: where two slanted edges cross is on the grid then, and KLayout rounds nothing
SMALL = st.integers(-20, 20).map(lambda n: 20 * n)
SIZES = st.integers(1, 15).map(lambda n: 10 * n)
#: layer, x, y, width, height, triangle
BOXES = st.tuples(st.sampled_from(LAYERS), SMALL, SMALL, SIZES, SIZES, st.booleans())
Cells = list[tuple[list, list]]


def places(angles: tuple[float, ...]) -> st.SearchStrategy[tuple]:
    """Cell, x, y, angle, mirror, columns, rows of an instance."""
    counts = st.sampled_from((1, 1, 1, 2, 3)), st.sampled_from((1, 1, 2))
    return st.tuples(st.integers(0, 5), SMALL, SMALL, st.sampled_from(angles), st.booleans(), *counts)


def cells_of(angles: tuple[float, ...]) -> st.SearchStrategy[Cells]:
    inside = st.tuples(st.lists(BOXES, max_size=3), st.lists(places(angles), max_size=3))
    return st.lists(inside, min_size=2, max_size=5)


def changes_of(angles: tuple[float, ...]) -> st.SearchStrategy[list[tuple]]:
    return st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), BOXES, places(angles)), max_size=3)


STRAIGHT = (0.0, 90.0, 180.0, 270.0)
ODD = (0.0, 30.0, 90.0, 200.5)


def drawn(cells: Cells, prefix: str = "c") -> tuple[kdb.Layout, kdb.Cell]:
    """Cells of which each is placed in later ones only; the last is the top cell and holds a cell without a parent."""
    layout = kdb.Layout()
    made: list[kdb.Cell] = []
    for number, (shapes, places) in enumerate(cells):
        cell = layout.create_cell(f"{prefix}{number}")
        for layer, x, y, width, height, slanted in shapes:
            box = kdb.Polygon(kdb.Box(x, y, x + width, y + height))
            if slanted:
                box = kdb.Polygon(
                    [kdb.Point(x, y), kdb.Point(x + 2 * width, y + 2 * width), kdb.Point(x + 2 * width, y)]
                )
            cell.shapes(layout.layer(*layer)).insert(box)
        for which, x, y, angle, mirror, columns, rows in places:
            if made:
                trans = kdb.ICplxTrans(1.0, angle, mirror, x, y)
                steps = kdb.Vector(180, 0), kdb.Vector(0, 240)
                index = made[which % len(made)].cell_index()
                array = kdb.CellInstArray(index, trans, *steps, columns, rows)
                cell.insert(array if columns * rows > 1 else kdb.CellInstArray(index, trans))
        made.append(cell)
    top = layout.create_cell("top")
    for cell in made:
        if cell.is_top():
            top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans()))
    return layout, top


def changed(cells: Cells, kind: int, at: int, shape: tuple, place: tuple) -> Cells:
    """The same cells with one change."""
    copy = [([*shapes], [*places]) for shapes, places in cells]
    shapes, places = copy[at % len(copy)]
    if kind == 0:
        shapes.append(shape)
    elif kind == 1 and shapes:
        shapes.pop()
    elif kind == 2:
        places.append(place)
    elif kind == 3 and places:
        places.pop()
    elif kind == 4 and shapes:
        layer, x, y, *rest = shapes[0]
        shapes[0] = (layer, x + 40, y - 20, *rest)
    elif kind == 5 and places:
        which, x, y, *rest = places[0]
        places[0] = (which + 1, x, y, *rest)
    elif kind == 6 and places:
        which, x, y, *rest = places[0]
        places[0] = (which, x + 60, y, *rest)
    return copy


def twice(region: kdb.Region) -> int:
    """Twice the area, exactly; KLayout's own number is rounded."""
    return sum(polygon.area2() for polygon in region.merged().each())


def areas(a: tuple[kdb.Layout, kdb.Cell], b: tuple[kdb.Layout, kdb.Cell], key: str) -> tuple[int, int]:
    spots = Comparison(*a, *b).spots(key)
    assert all(twice(spot.added) + twice(spot.removed) > 0 for spot in spots)
    return sum(twice(spot.added) * spot.places for spot in spots), sum(twice(s.removed) * s.places for s in spots)


def both(cells: Cells, changes: list[tuple]) -> tuple[tuple[kdb.Layout, kdb.Cell], tuple[kdb.Layout, kdb.Cell]]:
    other = cells
    for change in changes:
        other = changed(other, *change)
    return drawn(cells), drawn(other, "renamed")


@settings(max_examples=250, derandomize=True, deadline=None)
@given(cells_of(STRAIGHT), changes_of(STRAIGHT))
def test_the_areas_are_those_of_a_flat_comparison(cells: Cells, changes: list[tuple]) -> None:
    a, b = both(cells, changes)
    for layer, datatype in LAYERS:
        key = f"{layer}/{datatype}"
        plus, minus = flat_xor(*a, *b, key)
        assert areas(a, b, key) == (twice(plus), twice(minus))
        assert areas(b, a, key) == (twice(minus), twice(plus))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(cells_of(ODD), changes_of(ODD))
def test_odd_angles_differ_from_a_flat_comparison_by_roundings(cells: Cells, changes: list[tuple]) -> None:
    a, b = both(cells, changes)
    for layer, datatype in LAYERS:
        key = f"{layer}/{datatype}"
        flat = flat_xor(*a, *b, key)
        rim = sum(r.perimeter() for r in flat) + 20
        for found, region in zip(areas(a, b, key), flat, strict=True):
            assert abs(found - twice(region)) <= 2 * rim


@settings(max_examples=50, derandomize=True, deadline=None)
@given(cells_of(ODD))
def test_a_layout_does_not_differ_from_itself(cells: Cells) -> None:
    a, b = drawn(cells), drawn(cells, "renamed")
    assert not Comparison(*a, *b).pairs()
    assert areas(a, b, "1/0") == (0, 0)


def test_a_change_in_a_placed_cell_is_found_once_with_its_places(tmp_path: Path) -> None:
    def package(width: int) -> Path:
        layout = kdb.Layout()
        ring, unit, top = (layout.create_cell(name) for name in ("ring", "unit", "package"))
        ring.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, width, 1000))
        unit.insert(kdb.CellInstArray(ring.cell_index(), kdb.Trans(500, 0)))
        steps = kdb.Vector(50_000, 0), kdb.Vector(0, 60_000)
        top.insert(kdb.CellInstArray(unit.cell_index(), kdb.Trans(1, True, 0, 0), *steps, 8, 4))
        # something lies over one of the places: that one is seen from the package
        top.shapes(layout.layer(1, 0)).insert(kdb.Box(50_000, -5_000, 52_000, 5_000))
        path = tmp_path / f"{width}.gds"
        layout.write(str(path))
        return path

    found = compare_geometry(read_layout(package(2000)), read_layout(package(2400)))
    (layer,) = found.layers
    assert layer.layer == "WG" and layer.removed_um2 == 0
    assert {(r.cell, r.places) for r in layer.regions} <= {("ring", 31), ("package", 1)}
    inside = next(r for r in layer.regions if r.cell == "ring")
    assert inside.places == 31 and inside.bbox == (2.0, 0.0, 2.4, 1.0) and abs(inside.added_um2 - 0.4) < 1e-9
    a, b = (read_layout(tmp_path / f"{width}.gds") for width in (2000, 2400))
    plus, minus = flat_xor(a.layout, a.top, b.layout, b.top, "1/0")
    assert abs(layer.added_um2 - plus.area() * 1e-6) < 1e-9 and minus.area() == 0


def test_layers_are_asked_for_by_name_or_number(tmp_path: Path) -> None:
    for name, size in (("a", 100), ("b", 200)):
        layout = kdb.Layout()
        cell = layout.create_cell("top")
        for layer in ((1, 0), (41, 0), (7, 3)):
            cell.shapes(layout.layer(*layer)).insert(kdb.Box(0, 0, size, size))
        layout.write(str(tmp_path / f"{name}.oas"))
    a, b = (read_layout(tmp_path / f"{name}.oas") for name in "ab")
    assert [layer.layer for layer in compare_geometry(a, b).layers] == ["WG", "7/3", "M1"]
    assert [layer.layer for layer in compare_geometry(a, b, ["M1", "7/3"]).layers] == ["7/3", "M1"]


def test_renamed_cells_are_told_from_new_ones(tmp_path: Path) -> None:
    def file(names: dict[str, int]) -> Path:
        layout = kdb.Layout()
        top = layout.create_cell("top")
        for number, (name, size) in enumerate(names.items()):
            cell = layout.create_cell(name)
            cell.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, size, 7))
            top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(0, 1000 * number)))
        path = tmp_path / f"{'_'.join(names)}.gds"
        layout.write(str(path))
        return path

    found = compare_geometry(
        read_layout(file({"p": 10, "q": 20, "r": 30})), read_layout(file({"p": 10, "s": 20, "t": 9}))
    )
    assert found.cells.renamed == (("q", "s"),)
    assert found.cells.added == ("t",) and found.cells.removed == ("r",)
    assert [(r.cell, r.removed_um2) for r in found.layers[0].regions] == [("t", 21 * 7 * 1e-6)]
