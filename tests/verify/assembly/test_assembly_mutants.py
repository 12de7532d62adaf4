"""The package that ships is clean; spoilt in one place, the place is found and named."""

from __future__ import annotations

import re

import klayout.db as kdb
import pytest

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.assembly.finding import find_parts
from cpo_pdk.verify.assembly.placed import Places
from cpo_pdk.verify.assembly.run import assembly, assembly_layout

ENGINE = "switch_51t2_engine"


def test_the_package_that_ships(package_gds, shipped):
    result = assembly(package_gds, spec=shipped)
    assert result.clean, result.violations[:3]
    assert (result.group, result.what) == ("assembly", "parts")
    assert result.looked_at == 8 + 176 + 10 + 1 + 1
    counted = dict(result.counted)
    assert 0 < counted.pop("ribbon_crossings") <= 8, "of lasers on their way to modules that engines share"
    assert 5_000 < counted.pop("longest_trace_um") < 50_000
    assert counted == {
        "engines": 8,
        "fibres": 176,
        "connectors": 10,
        "asics": 1,
        "spare_engines": 0,
        "fibres_to_connectors": 144,
        "fibre_crossings": 0,
        "ribbon_crossings_over_package": 0,
        "bumps": 6272,
        "asic_bumps": 45864,
        "shoreline_percent": 58,
    }
    unseen = {name for name, count in result.looked_at_by_rule.items() if not count}
    walls = {"ASM.LID", "ASM.STIFFENER", "ASM.SOCKET", "ASM.COLDPLATE", "ASM.CAPACITORS", "ASM.KEEPOUT.ASKED"}
    boards = {"ASM.CARRIER.EN", "ASM.CARRIER.S", "ASM.INTERPOSER.EN", "ASM.SPARE"}
    assert unseen == walls | boards, "the package draws none of them"
    assert assembly(package_gds).clean, "against itself alone"


def test_netlists_that_are_there_change_nothing(spoilt):
    spoilt.move("engine_N1", 0, 3)
    netlists = extract(spoilt.file, leaf_factories(load_sheets()))
    assert assembly_layout(spoilt.file, netlists, spoilt.spec).violations == spoilt.check().violations


def test_an_engine_moved_towards_the_switch_die(spoilt):
    spoilt.move("engine_N1", 0, -1000)
    result = spoilt.check()
    assert set(result.by_rule) == {"ASM.ASIC.GAP", "ASM.KEEPOUT", "ASM.FIBRE.GAP"}
    gap = next(v for v in result.violations if v.rule == "ASM.ASIC.GAP")
    assert "engine_N1 stands 2000 um in the north of asic, 3000 um asked" in gap.message
    assert re.search(r"switch_51t2\.yaml:\d+$", gap.asked_at)
    line = spoilt.spec.origin.read_text("utf-8").splitlines()[int(gap.asked_at.rpartition(":")[2]) - 1]
    assert "gap_mm" in line
    fibres = next(v for v in result.violations if v.rule == "ASM.FIBRE.GAP")
    assert "22 fibres (fibre_N1_" in fibres.message
    assert "end up to 1000 um before the facet of engine_N1, 10 um allowed" in fibres.message


def test_an_engine_moved_into_its_fibres(spoilt):
    spoilt.move("engine_E1", 5, 0)
    assert set(spoilt.check().by_rule) == {"ASM.KEEPOUT", "ASM.FIBRE.GAP"}
    assert "reach up to 5 um into the die of engine_E1" in spoilt.said("ASM.FIBRE.GAP")[0].message


def test_an_engine_moved_along_its_side(spoilt):
    spoilt.move("engine_W2", 0, 2)
    assert set(spoilt.check().by_rule) == {"ASM.FIBRE.PITCH", "ASM.KEEPOUT"}
    assert "22 fibres" in spoilt.said("ASM.FIBRE.PITCH")[0].message
    assert "2 um beside the couplers of engine_W2, 0.5 um allowed" in spoilt.said("ASM.FIBRE.PITCH")[0].message


def test_an_engine_on_its_neighbour(spoilt):
    spoilt.move("engine_N1", 11_000, 0)
    said = spoilt.said("ASM.ENGINE.S")
    assert [v.message.split(",")[0] for v in said] == ["engine_N1 and engine_N2 overlap or touch"]
    assert "22 of 22 couplers of engine_N1 meet no fibre" in str(spoilt.said("ASM.FIBRE.MISSING"))


def test_an_engine_that_looks_at_the_switch_die(spoilt):
    engine = spoilt.instance("engine_E1")
    middle = engine.dbbox().center()
    engine.transform(kdb.DCplxTrans(1, 180, False, 2 * middle.x, 2 * middle.y))
    assert "the facet of engine_E1 looks west, east needed" in spoilt.said("ASM.SHORE.FACE")[0].message


def test_a_mirrored_engine(spoilt):
    """Its couplers are where they were, each for another purpose."""
    engine = spoilt.instance("engine_E1")
    middle = engine.cell.dbbox_per_layer(spoilt.file.layout.layer(64, 0)).center()
    y = (engine.dcplx_trans * middle).y
    engine.transform(kdb.DCplxTrans(1, 0, True, 0, 2 * y))
    result = spoilt.check()
    assert "ASM.FIBRE.GAP" not in result.by_rule
    assert "engine_E1 is placed mirrored" in spoilt.said("ASM.MIRROR")[0].message
    assert "the fibre array of engine_E1 is mirrored" in spoilt.said("ASM.FIBRE.KIND")[0].message


def test_a_mirrored_engine_without_a_word_in_the_file(package_gds, spoilt):
    """The other engines, drawn the same, show which fibre belongs where."""
    spoilt.file = wordless(spoilt.file)
    assert spoilt.check().clean
    engine = next(i for i in spoilt.file.top.each_inst() if i.cell.name == ENGINE and i.dcplx_trans.disp.x > 10_000)
    y = (engine.dcplx_trans * kdb.DPoint(0, 1497)).y
    engine.transform(kdb.DCplxTrans(1, 0, True, 0, 2 * y))
    assert "is mirrored" in spoilt.said("ASM.FIBRE.KIND")[0].message
    assert spoilt.said("ASM.MIRROR")


def wordless(file: LayoutFile) -> LayoutFile:
    """The same polygons with no meta information, no names of instances."""
    layout = kdb.Layout()
    layout.dbu = 0.001
    top = layout.create_cell(file.top.name)
    top.copy_tree(file.top)
    layout.clear_meta_info()
    for cell in layout.each_cell():
        cell.clear_meta_info()
        for inst in cell.each_inst():
            inst.prop_id = 0
    return LayoutFile(file.path, layout, top)


def test_words_are_taken_along_and_not_needed(package_gds, spoilt):
    bare = assembly_layout(wordless(spoilt.file), spec=spoilt.spec)
    full = spoilt.check()
    assert bare.clean
    assert bare.looked_at == full.looked_at
    assert bare.counted == full.counted
    without_names = {"ASM.CONN.HALVES": 0}
    for name, count in full.looked_at_by_rule.items():
        assert bare.looked_at_by_rule[name] == without_names.get(name, count), name


def test_everything_in_one_cell(spoilt):
    """As a mask shop hands it back: one cell, no words, no hierarchy."""
    flat = wordless(spoilt.file)
    flat.top.flatten(True)
    result = assembly_layout(flat, spec=spoilt.spec)
    assert result.clean, result.violations[:3]
    assert result.looked_at == spoilt.check().looked_at


@pytest.fixture
def lines(spoilt):
    """The fibres by name."""
    parts = find_parts(spoilt.file, Places(spoilt.file.layout, spoilt.file.top))
    return {fibre.name: fibre for fibre in parts.fibres}


def lead(spoilt, lines, name: str, to: str, cut: float = 129_000.0) -> None:
    """Lead a fibre to where another one ends: both run straight to their connector above `cut`."""
    fibre, target = lines[name], max(lines[to].ends, key=lambda end: end.y)
    spoilt.instance(name).delete()
    points = [kdb.DPoint(x, y) for x, y in sorted(fibre.line.tolist(), key=lambda point: point[1]) if y < cut]
    points += [kdb.DPoint(target.x, 129_800), kdb.DPoint(target.x, target.y)]
    layer = spoilt.file.layout.layer(*layer_of(fibre.layer))
    spoilt.file.top.shapes(layer).insert(kdb.DPath(points, 125).polygon())


def test_two_fibres_swapped_at_the_connector(spoilt, lines):
    lead(spoilt, lines, "fibre_N2_tx_3", "fibre_N2_tx_4")
    lead(spoilt, lines, "fibre_N2_tx_4", "fibre_N2_tx_3")
    result = spoilt.check()
    assert result.by_rule == {"ASM.CONN.HALVES": 1, "ASM.FIBRE.ORDER": 1, "ASM.FIBRE.X": 1}
    order, crossing, halves = (spoilt.said(f"ASM.{name}")[0] for name in ("FIBRE.ORDER", "FIBRE.X", "CONN.HALVES"))
    assert "2 fibres from engine_N2 to MPO-N2 arrive in another order" in order.message
    assert "cross outside of the package at" in crossing.message
    assert 50_000 < crossing.bbox[1] < 130_000
    assert "not in rising order" in halves.message
    assert {v.rule for v in assembly_layout(wordless(spoilt.file)).violations} == {"ASM.FIBRE.ORDER", "ASM.FIBRE.X"}


def test_a_ribbon_that_is_turned_over(spoilt, lines):
    names = [f"fibre_N2_{kind}_{k}" for kind in ("tx", "rx") for k in range(1, 9)]
    for name, other in zip(names, reversed(names), strict=True):
        lead(spoilt, lines, name, other, cut=121_000.0)
    said = spoilt.said("ASM.FIBRE.ORDER")
    assert len(said) == 1
    assert "the 16 fibres from engine_N2 to MPO-N2 arrive in reversed order, as of a mirrored array" in said[0].message
    assert spoilt.check().counted["fibre_crossings"] >= 16 * 15 // 2
    crossings = spoilt.said("ASM.FIBRE.X")
    assert len(crossings) == 1
    assert "crossings of fibres (fibre from rx_1 of engine_N2, fibre from rx_2" in crossings[0].message


def test_a_laser_fibre_in_a_data_connector(spoilt, lines):
    lead(spoilt, lines, "fibre_N2_laser_2", "fibre_N2_tx_1", cut=100_000.0)
    lead(spoilt, lines, "fibre_N2_tx_1", "fibre_N2_laser_2", cut=100_000.0)
    (said,) = spoilt.said("ASM.CONN.LASER")
    assert "1 laser fibre (fibre from laser_2 of engine_N2) ends in MPO-N2 (MPO-16), 0 allowed" in said.message
    (row,) = spoilt.said("ASM.CONN.ROW")
    assert "of the laser layer in MPO-N2, which belongs to ribbon layer 1" in row.message
    spoilt.file = wordless(spoilt.file)
    assert len(spoilt.said("ASM.CONN.LASER")) == 1, "rows and kinds of fibre tell what a connector is"


@pytest.mark.parametrize("words", [True, False])
def test_more_fibres_than_positions(spoilt, words):
    path = kdb.DPath([kdb.DPoint(2000, 120_000), kdb.DPoint(2000, 130_000)], 125).polygon()
    spoilt.file.top.shapes(spoilt.file.layout.layer(*layer_of("FIBER"))).insert(path)
    if not words:
        spoilt.file = wordless(spoilt.file)
    said = spoilt.said("ASM.CONN.CAPACITY")
    assert len(said) == 1
    assert "17 fibres end in" in said[0].message
    assert "it has 16 positions" in said[0].message
    assert ("switch_51t2.yaml:" in said[0].asked_at) is not words
    assert "other fibres: 161 found, 160 asked" in str(spoilt.said("ASM.COUNT"))
    assert "without a facet, 1 at an end of each needed" in spoilt.said("ASM.FIBRE.ENDS")[0].message


def test_two_fibres_in_one_position(spoilt, lines):
    lead(spoilt, lines, "fibre_N2_tx_3", "fibre_N2_tx_4")
    assert "end in position 4 of MPO-N2, 1 allowed" in spoilt.said("ASM.CONN.POSITION")[0].message
    spoilt.file = wordless(spoilt.file)
    assert "end in one place of connector at" in spoilt.said("ASM.CONN.POSITION")[0].message


def test_a_fibre_that_is_cut(spoilt):
    name = "fibre_E1_rx_5"
    cell = spoilt.instance(name).cell
    last = max(cell.each_inst(), key=lambda piece: piece.dbbox().top)
    last.delete()
    said = spoilt.said("ASM.FIBRE.ENDS")
    assert [v.message.split(",")[0] for v in said] == [f"{name} from rx_5 ends at no connector"]
    spoilt.file = wordless(spoilt.file)
    assert "5 fibres" in spoilt.said("ASM.FIBRE.ENDS")[0].message, "the spec asks for 4 alignment fibres"
    assert spoilt.said("ASM.FIBRE.ENDS")[0].asked_at


def test_a_stiffener_across_the_ribbons(spoilt):
    spoilt.draw("STIFFENER", (-40_000, 30_000, 40_000, 32_000))
    result = spoilt.check()
    assert set(result.by_rule) == {"ASM.STIFFENER"}
    assert "44 fibres" in result.violations[0].message
    assert "run through the STIFFENER" in result.violations[0].message
    assert result.looked_at_by_rule["ASM.STIFFENER"] == 1


def test_a_lid_with_openings_for_the_fibres(spoilt):
    """Walls round all engines, gaps where the ribbons leave."""
    for box in (
        (-24_000, 24_000, -9_500, 25_000),
        (-1_500, 24_000, 1_500, 25_000),
        (9_500, 24_000, 24_000, 25_000),
        (-25_000, -25_000, -24_000, -10_000),
    ):
        spoilt.draw("LID", box)
    assert spoilt.check().clean
    assert spoilt.check().looked_at_by_rule["ASM.LID"] == 4
    spoilt.draw("LID", (-9_500, 24_000, -5_500, 25_000))
    said = spoilt.said("ASM.LID")
    assert len(said) == 1
    assert "fibres (fibre_N1_" in said[0].message


def test_a_cold_plate_that_rests_on_dies_only(spoilt):
    spoilt.draw("COLDPLATE", (-17_000, -19_000, 17_000, 19_000))
    assert spoilt.check().clean
    spoilt.draw("COLDPLATE", (-20_000, -19_900, 20_000, 20_600))
    assert {v.message.split(" is under")[0] for v in spoilt.said("ASM.COLDPLATE")} == {
        f"the fibre array of engine_{name}" for name in ("N1", "N2", "E1", "E2", "W1", "W2")
    }


def test_a_foreign_part_in_a_keep_out(spoilt):
    spoilt.draw("KEEPOUT", (-6_000, 40_000, -4_000, 41_000))
    said = spoilt.said("ASM.KEEPOUT")
    assert len(said) == 1
    assert "foreign fibres" in said[0].message
    assert "run through a keep-out" in said[0].message
    spoilt.draw("SOCKET", (-5_000, 20_000, -4_600, 20_100))
    assert any("SOCKET reaches" in v.message for v in spoilt.said("ASM.KEEPOUT"))


def test_a_keep_out_that_is_missing(spoilt):
    layer = spoilt.file.layout.layer(*layer_of("KEEPOUT"))
    next(spoilt.file.top.shapes(layer).each()).delete()
    assert "has no keep-out, 500 um of room needed" in spoilt.said("ASM.KEEPOUT")[0].message


def test_a_bump_off_the_grid(spoilt):
    holder, bump = next(
        (cell, inst)
        for cell in spoilt.file.layout.each_cell()
        for inst in cell.each_inst()
        if inst.cell.name.startswith("cpo_bump")
    )
    bump.transform(kdb.DTrans(2.0, 0.0))
    said = [v for v in spoilt.check().violations if v.rule.startswith("ASM.BUMP")]
    assert {v.rule for v in said} == {"ASM.BUMP.GRID"}
    assert {v.cell for v in said} == {ENGINE}
    assert all("(2, 0) um off the grid of 50 x 63.5 um" in v.message for v in said)
    assert all(v.places == 8 for v in said)
    assert holder is not None


def test_bumps_of_another_pitch_than_asked(spoilt):
    spoilt.spec = spoilt.spec.model_copy(
        update={"engine": spoilt.spec.engine.model_copy(update={"bump_pitch_um": (55.0, 63.5)})}
    )
    said = spoilt.said("ASM.BUMP.GRID")
    assert "bump pitch 50 um in x, 55 um asked" in said[0].message


@pytest.mark.parametrize(
    ("move", "name", "words"),
    [
        ((2, 0), "ASM.CONN.POSITION", "end up to 2 um beside a position of MPO-N1"),
        ((0, 20), "ASM.CONN.PLATE", "130.02 mm from the middle of the package, 130 mm asked"),
        ((400, 0), "ASM.CONN.S", "stand 100 um apart, 200 um needed"),
        ((-30_000, 0), "ASM.FIBRE.ENDS", "fibre_N1_tx_1 from tx_1 ends at no connector"),
    ],
)
def test_a_connector_that_moved(spoilt, move, name, words):
    spoilt.move("MPO_N1", *move)
    assert any(words in v.message for v in spoilt.said(name)), spoilt.check().by_rule


def test_a_connector_beyond_the_faceplate(spoilt):
    spoilt.spec = spoilt.spec.model_copy(
        update={"faceplate": spoilt.spec.faceplate.model_copy(update={"width_mm": 150.0})}
    )
    said = spoilt.said("ASM.CONN.PLATE")
    assert {v.message.split(" stands")[0] for v in said} == {"MPO-S1", "MPO-S2"}
    assert "4.862 mm beyond the end of the faceplate of 150 mm" in said[0].message


def test_a_mirrored_connector(spoilt):
    plug = spoilt.instance("MPO_N1")
    middle = plug.dcplx_trans.disp.x - 250 * 7.5
    plug.transform(kdb.DCplxTrans(1, 180, True, 2 * middle, 0))
    said = {v.rule: v.message for v in spoilt.check().violations}
    assert "MPO-N1 is placed mirrored" in said["ASM.MIRROR"]
    assert "in reversed order, as if it were mirrored" in said["ASM.CONN.HALVES"]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("CONNECTOR", "connectors without a fibre: 1 found, 0 asked"),
        ("SUBSTRATE", "substrates: 2 found, 1 asked"),
        ("ASIC", "switch dies: 2 found, 1 asked"),
    ],
)
def test_a_part_that_nobody_asked_for(spoilt, layer, message):
    spoilt.draw(layer, (-30_000, -30_000, -28_000, -28_000))
    assert message in str(spoilt.said("ASM.COUNT"))


def test_counts_against_the_spec(spoilt):
    spoilt.instance("engine_S1").delete()
    said = spoilt.said("ASM.COUNT")
    assert {v.message.split(";")[0] for v in said} == {
        "engines: 7 found, 8 asked",
        "engines in the south: 1 found, 2 asked",
    }
    assert all(v.asked_at for v in said)


def test_another_spec_than_the_one_that_was_built(spoilt, tmp_path):
    text = spoilt.spec.origin.read_text("utf-8").replace("gap_mm: 3.0", "gap_mm: 3.2").replace("127 ", "130 ")
    other = tmp_path / "other.yaml"
    other.write_text(text, "utf-8")
    spoilt.spec = load_spec(other)
    said = spoilt.check()
    assert said.by_rule["ASM.ASIC.GAP"] == 8
    assert said.by_rule["ASM.FIBRE.PITCH"] == 1
    assert "couplers stand 127 um apart, pitch 130 um" in spoilt.said("ASM.FIBRE.PITCH")[0].message
    assert "; in 8 places" in spoilt.said("ASM.FIBRE.PITCH")[0].message
