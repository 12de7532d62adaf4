"""Files that hold no package, half of one, far too much of one, or nonsense: a verdict, never a crash, never blind."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import klayout.db as kdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.errors import InputError
from cpo_pdk.spec import load_spec
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.assembly.finding import PACKAGE_LAYERS
from cpo_pdk.verify.assembly.outcome import MOST_VIOLATIONS
from cpo_pdk.verify.assembly.run import assembly_layout


def drawn(*shapes: tuple[str, object], array: tuple[int, int] = (1, 1)) -> LayoutFile:
    """Shapes in one cell, that cell placed as an array of 100 mm pitch."""
    layout = kdb.Layout()
    layout.dbu = 0.001
    top, cell = layout.create_cell("top"), layout.create_cell("part")
    for layer, shape in shapes:
        cell.shapes(layout.layer(*layer_of(layer))).insert(shape)
    step = 1000.0
    vectors = kdb.DVector(step, 0), kdb.DVector(0, step)
    top.insert(kdb.DCellInstArray(cell.cell_index(), kdb.DTrans(), *vectors, *array))
    return LayoutFile(Path("odd.gds"), layout, top)


BOX = kdb.DBox(0, 0, 500, 500)
#: with boards, on an interposer, with spares
ASKED = tuple(load_spec(name) for name in ("switch_28t8", "optical_io_ucie", "switch_102t4"))


@pytest.mark.parametrize("shapes", [(), (("WG", BOX), ("FLOORPLAN", BOX), ("BUMP", BOX))])
def test_no_package(shapes):
    result = assembly_layout(drawn(*shapes))
    assert result.clean
    assert result.looked_at == 0
    assert "no package in the file" in result.not_applicable
    assert len(result.rules) > 40


def test_an_engine_without_its_electronic_die(small, rule, shipped):
    bare = small.with_(eic=None)
    rules = [rule("ASM.BUMP.EIC")]
    (violation,) = assembly_layout(bare.file, spec=shipped, rules=rules).violations
    assert "180 of 180 bumps are not covered by the EIC" in violation.message
    assert assembly_layout(bare.file, rules=rules).clean  # a photonic die by itself
    die = drawn(("WG", BOX), ("FLOORPLAN", BOX), ("BUMP", BOX))
    assert not assembly_layout(die, spec=shipped, rules=rules).clean


@pytest.mark.parametrize("layer", ["CONNECTOR", "EIC", "KEEPOUT", "LID", "SHORELINE", "COLDPLATE"])
def test_a_part_alone_has_nothing_to_stand_beside(layer):
    result = assembly_layout(drawn((layer, BOX)))
    assert not result.violations
    assert not result.not_applicable


def test_a_fibre_alone():
    path = kdb.DPath([kdb.DPoint(0, 0), kdb.DPoint(10_000, 0)], 125.0).polygon()
    result = assembly_layout(drawn(("FIBER", path)))
    assert result.clean
    assert result.looked_at == 1


@pytest.mark.parametrize("layer", ["SUBSTRATE", "ASIC"])
def test_a_package_without_engines(layer):
    result = assembly_layout(drawn((layer, BOX)))
    assert result.by_rule["ASM.COUNT"] == 1
    assert "engines: 0 found, 1 or more asked" in str(result.violations)


@pytest.mark.parametrize(
    ("layer", "columns", "rows"), [("CONNECTOR", 100, 100), ("KEEPOUT", 5001, 1), ("ASIC_BUMP", 2000, 2000)]
)
def test_more_parts_than_any_package_has(layer, columns, rows):
    result = assembly_layout(drawn((layer, BOX), ("SUBSTRATE", BOX), array=(columns, rows)))
    assert "ASM.PARTS" in result.by_rule
    assert not result.clean
    assert "were not run" in result.violations[0].message


def test_more_fibres_in_one_place_than_can_be_compared():
    paths = [kdb.DPath([kdb.DPoint(0.4 * k, 0), kdb.DPoint(0.4 * k, 900)], 125.0).polygon() for k in range(2_100)]
    result = assembly_layout(drawn(*(("FIBER", path) for path in paths)))
    assert result.by_rule == {"ASM.FIBRE.X": 1}
    assert "2100 stretches of fibre in one place" in result.violations[0].message


def test_more_faults_than_anybody_reads(small):
    odd = small.with_(connectors=[(x * 1.0, 90_000.0, x + 50.0, 90_050.0) for x in range(1_000)])
    result = odd.check()
    assert result.by_rule["ASM.CONN.S"] == MOST_VIOLATIONS
    assert "there may be more" in str(result.violations)


@pytest.mark.parametrize(
    ("shape", "ends"),
    [
        (kdb.DPath([kdb.DPoint(0, 0), kdb.DPoint(9000, 0)], 125.0, 60, 60, True), 0),
        (kdb.DBox(0, 0, 9000, 9000), 0),
        (kdb.DPolygon([kdb.DPoint(0, 0), kdb.DPoint(0, 100), kdb.DPoint(100, 0)]), 0),
        (kdb.DPolygon([kdb.DPoint(0, 0), kdb.DPoint(0, 125), kdb.DPoint(9000, 600), kdb.DPoint(9000, 0)]), 1),
    ],
)
def test_what_is_no_fibre(shape, ends):
    result = assembly_layout(drawn(("FIBER", shape), ("SUBSTRATE", BOX)))
    said = [v for v in result.violations if v.rule == "ASM.FIBRE.ENDS"]
    assert f"an outline with {ends} ends, 2 needed" in said[0].message
    assert said[0].cell == "part"


def test_a_fibre_with_a_corner_that_flew_away():
    """One coordinate of the outline is wrong: the centre line would be followed as if nothing were."""
    corners = [(0, 0), (0, 125), (9000, 125), (9000, 0), (8500, 0), (4500, -900), (500, 0)]
    result = assembly_layout(drawn(("FIBER", kdb.DPolygon([kdb.DPoint(*corner) for corner in corners]))))
    assert "125 um wide at its end and 1025 um elsewhere" in result.violations[0].message


@pytest.mark.parametrize("flat", [False, True])
def test_bumps_on_no_die(small, flat):
    away = small.with_(bumps=[*small.bumps, (300.0, 20_000.0)], flat=flat).check()
    said = [v for v in away.violations if v.rule == "ASM.BUMP.EN"]
    assert len(said) == 1
    assert ("2 bumps on no die" if flat else "1 bump on no die, 0 allowed") in said[0].message
    assert said[0].places == (1 if flat else 2)
    beside = small.with_(extra=[("ASIC_BUMP", (-9000.0, 0.0, -8922.0, 78.0), False)]).check()
    assert beside.by_rule == {"ASM.ASIC_BUMP.EN": 1}


def test_bumps_drawn_beside_the_cell_of_their_die(small):
    """The bumps of an engine lie in the top cell: they are looked at there."""
    dots = []
    for trans in small.engines:
        for x, y in small.bumps:
            p = trans * kdb.DPoint(x, y)
            dots.append(("BUMP", (p.x - 9, p.y - 9, p.x + 9, p.y + 9), False))
    result = small.with_(bumps=[], extra=dots).check()
    assert result.clean, result.violations[:3]
    assert result.counted["bumps"] == 360
    dots[7] = ("BUMP", tuple(v + 2 for v in dots[7][1]), False)
    assert small.with_(bumps=[], extra=dots).broken() == {"ASM.BUMP.GRID"}


def test_two_fibres_merged_where_they_cross(small):
    """A mask tool that merges what touches makes one outline of them, with four ends."""
    paths = [kdb.DPath([kdb.DPoint(*p) for p in points], 125.0).polygon() for points in _CROSS]
    merged = kdb.Region([p.to_itype(0.001) for p in paths]).merged()
    result = assembly_layout(drawn(*(("FIBER", p.to_dtype(0.001)) for p in merged.each())))
    assert "an outline with 4 ends" in result.violations[0].message


_CROSS = [[(0, 0), (9000, 0)], [(4000, -4000), (4000, 4000)]]


@pytest.mark.parametrize("points", _CROSS)
def test_a_fibre_in_pieces_is_one_fibre(points):
    (x0, y0), (x1, y1) = points
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    halves = [
        kdb.DPath([kdb.DPoint(*a), kdb.DPoint(*b)], 125.0).polygon()
        for a, b in ((points[0], middle), (middle, points[1]))
    ]
    result = assembly_layout(drawn(*(("FIBER", half) for half in halves)))
    assert result.counted["fibres"] == 1


@pytest.mark.parametrize(("apart", "kept"), [(635.0 + 600.0, True), (635.0 + 600.0 - 1.0, False)])
def test_fibre_arrays_side_by_side(small, apart, kept):
    """Five pitches of 127 um and 0.3 mm of each block between them."""
    found = [v for v in small.moved(1, apart - 6000.0, 0).check().violations if v.rule == "ASM.ARRAY"]
    between = [v for v in found if "fibre arrays of engine" in v.message]
    assert (not between) is kept
    if not kept:
        assert "overlap by 1 um, 0 um allowed with 300 um beside the outer fibres of each" in between[0].message


def test_a_rule_that_names_no_part(small, rule):
    wrong = replace(rule("ASM.LID"), more={"parts": "enigne"})
    with pytest.raises(InputError, match="parts names enigne, there are engine"):
        assembly_layout(small.with_(extra=[("LID", (0, 0, 1, 1), False)]).file, rules=[wrong])


def test_damaged_words_are_passed_over(spoilt):
    """The connectivity check tells of them; here the polygons count."""
    cell = next(c for c in spoilt.file.layout.each_cell() if c.name.startswith("cpo_connector"))
    for number in range(3):
        cell.add_meta_info(kdb.LayoutMetaInfo(f"kfactory:ports:{number}", {"name": 7}, "", True))
    result = spoilt.check()
    assert result.clean, result.violations[:3]


@settings(derandomize=True, deadline=None, max_examples=12)
@given(st.sampled_from((0, 90, 180, 270)), st.integers(-40_000, 40_000), st.integers(-40_000, 40_000), st.booleans())
def test_a_package_may_be_turned_and_moved(angle, x, y, broken):
    """As a whole: what is told of it stays the same."""
    file = small_package(broken=broken)
    upright = assembly_layout(file)
    layout = file.layout
    top = layout.create_cell("outer")
    top.insert(kdb.DCellInstArray(file.top.cell_index(), kdb.DCplxTrans(1, angle, False, x, y)))
    turned = assembly_layout(LayoutFile(Path("outer.gds"), layout, top))
    assert turned.by_rule == upright.by_rule
    assert turned.counted == upright.counted
    assert turned.looked_at_by_rule == upright.looked_at_by_rule
    assert upright.clean is not broken


@settings(derandomize=True, deadline=None, max_examples=8)
@given(st.integers(0, 2**32))
def test_the_order_in_which_parts_are_drawn_does_not_matter(seed):
    first = assembly_layout(small_package(broken=True))
    again = assembly_layout(small_package(broken=True, shuffle=random.Random(seed)))
    assert again.violations == first.violations


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((*PACKAGE_LAYERS, "FLOORPLAN", "WG", "DEEPTRENCH", "BUMP")),
            st.integers(-3000, 3000),
            st.integers(-3000, 3000),
            st.integers(0, 4000),
            st.integers(0, 4000),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_nonsense_never_crashes_and_is_never_passed_over(boxes):
    shapes = [(layer, kdb.DBox(x, y, x + w, y + h)) for layer, x, y, w, h in boxes]
    result = assembly_layout(drawn(*shapes))
    package = any(layer in PACKAGE_LAYERS for layer, *_ in boxes)
    assert bool(result.not_applicable) is not package
    assert sum(result.looked_at_by_rule.values()) >= result.looked_at
    assert result.violations == tuple(sorted(result.violations))
    for spec in ASKED:
        against = assembly_layout(drawn(*shapes), spec=spec)
        assert against.violations == tuple(sorted(against.violations))
        assert not against.clean or against.not_applicable


def small_package(*, broken: bool, shuffle: random.Random | None = None) -> LayoutFile:
    """The small package (hypothesis takes no fixtures that a test changes), with a fibre off its coupler or not."""
    small = SMALL()
    if broken:
        layer, points = small.fibres[3]
        small.fibres[3] = (layer, [(points[0][0] + 3.0, points[0][1] + 25.0), *points[1:]])
    if shuffle is not None:
        plugs = list(zip(small.rows, small.connectors, strict=True))
        shuffle.shuffle(plugs)
        small = small.with_(rows=[row for row, _ in plugs], connectors=[box for _, box in plugs])
        for parts in (small.fibres, small.engines, small.keepouts, small.bumps):
            shuffle.shuffle(parts)
    return small.file


@pytest.fixture(autouse=True)
def _drawing(small):
    global SMALL
    SMALL = type(small)
