"""What carries the engines, spares, rows, shoreline and keep-outs: drawings that just keep a rule, or just break it."""

from __future__ import annotations

import klayout.db as kdb
import pytest

from cpo_pdk.spec.package import Carrier, KeepOut, PerSide, Position, Sides, Substrate
from cpo_pdk.verify.assembly.asked_places import asked_places, spare_engines
from cpo_pdk.verify.assembly.finding import find_parts
from cpo_pdk.verify.assembly.meeting import meet
from cpo_pdk.verify.assembly.placed import Places


def said(small, name, spec=None):
    return [v for v in small.check(spec).violations if v.rule == name]


def drawn(small, *shapes):
    return small.with_(extra=[*small.extra, *((layer, box, False) for layer, box in shapes)])


def board(x, margin=1500.0):
    """A board under the engine at x, so much wider than the die on all sides."""
    return ("CARRIER", (x - 481 - margin, 7000 - margin, x + 481 + margin, 8500 + margin))


# -- boards of sub-assemblies


def test_an_engine_stands_on_a_board_of_its_own(small):
    assert not said(drawn(small, board(-3000, 100), board(3000, 100)), "ASM.CARRIER.EN")
    (found,) = said(drawn(small, board(-3000, 99), board(3000, 100)), "ASM.CARRIER.EN")
    assert "is 99 um from the edge of its board, 100 um needed" in found.message
    (found,) = said(drawn(small, board(-3000), board(3000, -200)), "ASM.CARRIER.EN")
    assert "stands 200 um out of its board" in found.message
    (found,) = said(drawn(small, board(-3000)), "ASM.CARRIER.EN")
    assert "stands on no board, 1 needed" in found.message
    assert found.layer == "FLOORPLAN/CARRIER"
    twice = drawn(small, board(-3000), board(-3000), board(3000))
    assert "stands on 2 boards, 1 needed" in said(twice, "ASM.CARRIER.EN")[0].message


def test_boards_as_the_spec_asks(small, asked):
    spec = asked(engines__carrier=Carrier(engines=1, margin_mm=1.0), engines__mount="socket")
    good = drawn(small, board(-3000), board(3000))
    assert not said(good, "ASM.CARRIER.EN", spec)
    assert not [v for v in said(good, "ASM.COUNT", spec) if "board" in v.message]
    (found,) = said(drawn(small, board(-3000, 1499), board(3000)), "ASM.CARRIER.EN", spec)
    assert "is 1499 um from the edge of its board, 1500 um needed" in found.message
    none = said(small, "ASM.CARRIER.EN", spec)
    assert len(none) == 2
    assert "stands on no board" in none[0].message
    assert any("boards of sub-assemblies: 0 found, 2 asked" in v.message for v in said(small, "ASM.COUNT", spec))
    assert any("boards of sub-assemblies: 2 found, 0 asked" in v.message for v in said(good, "ASM.COUNT", asked()))


def test_as_many_engines_on_a_board_as_asked(small, asked):
    spec = asked(engines__carrier=Carrier(engines=2, margin_mm=1.0), engines__mount="socket")
    one = drawn(small, ("CARRIER", (-5000, 5500, 5000, 10000)))
    assert not [v for v in said(one, "ASM.COUNT", spec) if "board" in v.message]
    two = [v.message for v in said(drawn(small, board(-3000), board(3000)), "ASM.COUNT", spec)]
    assert any("boards of sub-assemblies: 2 found, 1 asked" in text for text in two)
    assert any("engines on the board of engine at (3000.000, 7750.000): 1 found, 2 asked" in text for text in two)


def test_boards_keep_apart_and_off_the_switch_die(small):
    near = [board(-3000), board(3000), ("CARRIER", (-1019 + 200, 5500, 0, 10000))]
    assert not said(drawn(small, *near), "ASM.CARRIER.S")
    close = [*near[:2], ("CARRIER", (-1019 + 199, 5500, 0, 10000))]
    (found,) = said(drawn(small, *close), "ASM.CARRIER.S")
    assert "stand 199 um apart, 200 um needed" in found.message
    assert "the board of engine at (-3000.000, 7750.000) and the board at (-410, 7750) um" in found.message
    on_die = drawn(small, ("CARRIER", (-4981, 3900, -1019, 10000)))
    (found,) = said(on_die, "ASM.CARRIER.S")
    assert "lies 100 um on asic, 0 um allowed" in found.message
    assert not said(drawn(small, ("CARRIER", (-4981, 4000, -1019, 10000))), "ASM.CARRIER.S")


def test_boards_and_interposers_stand_on_the_substrate(small):
    assert not said(drawn(small, ("CARRIER", (-4981, 5500, -1019, 19800))), "ASM.SUBSTRATE.EN")
    (found,) = said(drawn(small, ("CARRIER", (-4981, 5500, -1019, 19801))), "ASM.SUBSTRATE.EN")
    assert "the board of engine at (-3000.000, 7750.000) is 199 um from its edge" in found.message
    (found,) = said(drawn(small, ("INTERPOSER", (-21000, -10000, 10000, 10000))), "ASM.SUBSTRATE.EN")
    assert "the interposer stands 1000 um out of the substrate" in found.message


# -- interposer


def test_dies_stand_on_the_interposer_or_beside_it(small):
    assert not said(drawn(small, ("INTERPOSER", (-4050, -4050, 4050, 4050))), "ASM.INTERPOSER.EN")
    (found,) = said(drawn(small, ("INTERPOSER", (-4049, -4050, 4050, 4050))), "ASM.INTERPOSER.EN")
    assert "asic is 49 um from the edge" in found.message.replace("from its edge", "from the edge")
    half = drawn(small, ("INTERPOSER", (-5000, -4050, 5000, 8000)))
    found = said(half, "ASM.INTERPOSER.EN")
    assert len(found) == 2
    assert "stands 500 um out of the interposer" in found[0].message
    assert not said(drawn(small, ("INTERPOSER", (-5000, -4050, 5000, 8550))), "ASM.INTERPOSER.EN")


def test_dies_that_the_spec_puts_on_the_interposer(small, asked):
    spec = asked(engines__mount="interposer", interposer=Substrate(size_mm=(10.0, 18.0)))
    on_it = drawn(small, ("INTERPOSER", (-5000, -9000, 5000, 9000)))
    assert not said(on_it, "ASM.INTERPOSER.EN", spec)
    assert not [v for v in said(on_it, "ASM.COUNT", spec) if "interposer" in v.message]
    under_the_die = drawn(small, ("INTERPOSER", (-4500, -4500, 4500, 4500)))
    found = said(under_the_die, "ASM.INTERPOSER.EN", spec)
    assert len(found) == 2
    assert "stands beside the interposer, 50 um inside needed" in found[0].message
    assert not said(under_the_die, "ASM.INTERPOSER.EN", asked(interposer=Substrate(size_mm=(10.0, 10.0))))
    none = said(small, "ASM.INTERPOSER.EN", spec)
    assert len(none) == 3
    assert "stands on no interposer" in none[0].message
    assert any("interposers: 0 found, 1 asked" in v.message for v in said(small, "ASM.COUNT", spec))


# -- capacitors, and what fibres pass over


def test_capacitors_keep_their_place(small):
    assert not said(drawn(small, ("CAPACITORS", (-4500, 6000, 4500, 6990))), "ASM.CAPACITORS")
    found = said(drawn(small, ("CAPACITORS", (-4500, 6000, 4500, 6991))), "ASM.CAPACITORS")
    assert len(found) == 2
    assert "stands in the CAPACITORS or too close to it" in found[0].message
    board_on_it = drawn(small, ("CAPACITORS", (-9000, 6000, -4970, 9000)), board(-3000))
    assert "the board of engine" in said(board_on_it, "ASM.CAPACITORS")[0].message


@pytest.mark.parametrize(
    ("layer", "rule"), [("CAPACITORS", "ASM.CAPACITORS"), ("STIFFENER", "ASM.STIFFENER"), ("SOCKET", "ASM.SOCKET")]
)
def test_fibres_pass_over_where_a_passage_is_drawn(small, layer, rule):
    across = (-9000.0, 12000.0, 9000.0, 14000.0)
    (found,) = said(drawn(small, (layer, across)), rule)
    assert "12 fibres (fibre from coupler 1 of engine at" in found.message
    assert found.layer == f"{layer}/FIBER/FIBER_PM"
    assert not said(drawn(small, (layer, across), ("OVERPASS", across)), rule)
    part = (-9000.0, 12000.0, 0.0, 14000.0)
    (found,) = said(drawn(small, (layer, across), ("OVERPASS", part)), rule)
    assert "6 fibres (fibre from coupler 1 of engine at (3000.000" in found.message


def test_a_passage_needs_room_beside_the_fibres(small, rule):
    """What is left of the wall keeps its clearance from the fibres in its gap."""
    across = (-9000.0, 12000.0, 9000.0, 14000.0)
    clear = rule("ASM.STIFFENER").value
    # the outer fibre of the eastern engine: its axis and half of its cladding
    edge = 3000 + 481 - 163.5 - 5 * 127 - 62.5
    for gap, kept in ((clear + 1, True), (clear - 1, False)):
        passages = [
            ("OVERPASS", (-9000.0, 12000.0, 0.0, 14000.0)),
            ("OVERPASS", (edge - gap, 12000.0, 9000.0, 14000.0)),
        ]
        assert (not said(drawn(small, ("STIFFENER", across), *passages), "ASM.STIFFENER")) is kept


def test_fibre_arrays_pass_over_what_is_low(small):
    across = (-9000.0, 10500.0, 9000.0, 12000.0)
    assert {"ASM.ARRAY", "ASM.STIFFENER"} <= drawn(small, ("STIFFENER", across)).broken()
    low = drawn(small, ("STIFFENER", across), ("OVERPASS", across))
    assert not {"ASM.ARRAY", "ASM.STIFFENER", "ASM.KEEPOUT.ASKED"} & low.broken()


def test_keep_outs_as_the_spec_asks(small, asked):
    box = (-15.0, -15.0, -10.0, 15.0)
    um = tuple(v * 1e3 for v in box)
    around = asked(keepouts=(KeepOut(kind="capacitors", box_mm=box),))
    over = asked(keepouts=(KeepOut(kind="capacitors", box_mm=box, fibres="over"),))
    there = drawn(small, ("CAPACITORS", um))
    both = drawn(there, ("OVERPASS", um))
    assert not said(there, "ASM.KEEPOUT.ASKED", around)
    assert not said(both, "ASM.KEEPOUT.ASKED", over)
    assert "keep-out 1 (capacitors) is not drawn on CAPACITORS" in said(small, "ASM.KEEPOUT.ASKED", around)[0].message
    off = drawn(small, ("CAPACITORS", (um[0] + 2, *um[1:])))
    assert "is not drawn on CAPACITORS, 1 asked" in said(off, "ASM.KEEPOUT.ASKED", around)[0].message
    assert "but no OVERPASS is drawn over it; draw it" in said(there, "ASM.KEEPOUT.ASKED", over)[0].message
    assert "but an OVERPASS is drawn over it; remove it" in said(both, "ASM.KEEPOUT.ASKED", around)[0].message


def test_a_passage_over_nothing(small):
    (found,) = said(drawn(small, ("OVERPASS", (-15000.0, -5000.0, -14000.0, 5000.0))), "ASM.KEEPOUT.ASKED")
    assert "an OVERPASS lies over no lid" in found.message


# -- places, rows, spares


def three(small):
    """A third engine south of the switch die, without fibres."""
    engine = kdb.DCplxTrans(1, 270, False, -481, -7000)
    return small.with_(engines=[*small.engines, engine], keepouts=[*small.keepouts, (-981, -9000, 981, -6500)])


def wires(*ends):
    """Lanes from the switch die to points."""
    return [("AIRWIRE", kdb.DPath([kdb.DPoint(0, 0), kdb.DPoint(*end)], 2.0)) for end in ends]


def test_a_spare_has_no_fibres(small, asked):
    spec = asked(engines__spares=1, engines__per_side=PerSide(north=2, south=1))
    found = three(small).check(spec)
    assert not {"ASM.FIBRE.MISSING", "ASM.SPARE"} & set(found.by_rule)
    assert found.counted["spare_engines"] == 1
    assert not [v for v in said(three(small), "ASM.COUNT", spec) if v.message.startswith("engines")]
    bare = said(three(small), "ASM.FIBRE.MISSING", asked(engines__count=3, engines__per_side=PerSide(north=2, south=1)))
    assert "6 of 6 couplers of engine at (0.000, -7750.000) meet no fibre" in bare[0].message


def test_fibres_at_a_spare(small, asked):
    spec = asked(engines__count=1, engines__spares=1)
    (found,) = said(small, "ASM.SPARE", spec)
    assert "engine at (3000.000, 7750.000) stands where a spare is asked for, but 6 fibres" in found.message
    assert found.asked_at
    assert said(small, "ASM.FIBRE.MISSING", spec) == []


def test_without_a_spec_a_spare_is_what_nothing_leads_to(small):
    alone = three(small)
    assert "meet no fibre" in said(alone, "ASM.FIBRE.MISSING")[0].message, "nothing says that it is one"
    spare = drawn(alone, *wires((-3000, 7500), (3000, 7500)))
    assert not said(spare, "ASM.FIBRE.MISSING")
    assert spare.check().counted["spare_engines"] == 1
    beside = drawn(alone, *wires((-3000, 7500), (300, 7500), (3000, -7500)))
    assert not said(beside, "ASM.FIBRE.MISSING"), "a wire ends at two corners of its box, not at the other two"
    served = drawn(alone, *wires((-3000, 7500), (3000, 7500), (0, -7500)))
    assert "meet no fibre" in said(served, "ASM.FIBRE.MISSING")[0].message


def parts(small):
    file = small.file
    package = find_parts(file, Places(file.layout, file.top))
    meet(package)
    return package


def test_engines_are_paired_with_the_places_of_the_spec(small, asked):
    spec = asked(engines__spares=1, engines__per_side=PerSide(north=2, south=1))
    package = parts(three(small))
    assert {n: place.name for n, place in asked_places(package, spec).items()} == {0: "N1", 1: "N2", 2: "S1"}
    assert spare_engines(package, spec) == {2}
    missing = parts(three(small).with_(engines=three(small).engines[1:]))
    assert {n: place.name for n, place in asked_places(missing, spec).items()} == {0: "N2", 1: "S1"}


@pytest.mark.parametrize(("by", "kept"), [(5.0, True), (5.1, False)])
def test_engines_along_their_side(small, asked, by, kept):
    found = said(small.moved(1, by, 0), "ASM.PLACE", asked())
    assert (not found) is kept
    if not kept:
        assert "stands 5.1 um along its side off the place N2 asked for, 5 um allowed; move it by -5.1 um in x" in str(
            found
        )
    assert not said(small.moved(1, 0, 400), "ASM.PLACE", asked()), "the gap is a rule of its own"
    assert len(said(small, "ASM.PLACE", asked(engines__pitch_mm=5.0))) == 2


def test_engines_at_the_positions_of_the_spec(small, asked):
    def spec(x):
        positions = tuple(Position(side="north", x_mm=at, y_mm=7.75) for at in (-3.0, x))
        return asked(engines__per_side=None, engines__pitch_mm=None, engines__positions=positions)

    assert not said(small, "ASM.PLACE", spec(3.0))
    assert not said(small, "ASM.ASIC.GAP", spec(3.0))
    (found,) = said(small, "ASM.PLACE", spec(3.1))
    assert "stands 100 um along its side off the place N2" in found.message
    (found,) = said(small.moved(0, 0, 20), "ASM.ASIC.GAP", spec(3.0))
    assert "3020 um in the north of asic, 3000 um asked" in found.message


def test_two_rows_of_engines(small, asked):
    """The second stands behind: its gap is that of its row."""
    spec = asked(engines__rows=2, engines__pitch_mm=12.0)
    behind = small.moved(1, 0, 1500 + 3000)
    assert not said(behind, "ASM.ASIC.GAP", spec)
    assert not said(behind, "ASM.PLACE", spec)
    (found,) = said(small, "ASM.ASIC.GAP", spec)
    assert "stands 3000 um in the north of asic, 7500 um asked" in found.message


# -- traces

SERVED = ((-3000, 7500), (3000, 7500))


def test_traces_within_the_reach_of_their_interface(small, asked):
    """10.5 mm each along x and y: 3 and 7.5."""
    both = drawn(small, *wires(*SERVED))
    assert not said(both, "ASM.TRACE")
    assert both.check().counted["longest_trace_um"] == 10_500
    assert not said(both, "ASM.TRACE", asked(electrical__reach="UCIe-S"))
    found = said(both, "ASM.TRACE", asked(electrical__reach="UCIe-A"))
    assert len(found) == 2
    assert "1 trace to engine at (-3000.000, 7750.000), up to 10.5 mm long, UCIe-A reaches 2 mm" in found[0].message
    assert found[0].asked_at
    assert found[0].bbox == (-3000.0, 0.0, 0.0, 7500.0)


@pytest.mark.parametrize(("loss", "kept"), [(10.0 / 10.5 - 0.001, True), (10.0 / 10.5 + 0.001, False)])
def test_traces_that_lose_no_more_than_their_interface_allows(small, asked, loss, kept):
    both = drawn(small, *wires(*SERVED))
    assert (not said(both, "ASM.TRACE", asked(electrical__loss_dB_mm=loss))) is kept


def test_a_trace_to_no_engine(small):
    far = drawn(small, *wires(*SERVED, (-20_000, 31_000)))
    (found,) = said(far, "ASM.TRACE")
    assert "1 trace, up to 51 mm long, 50 mm are the reach of serial links" in found.message


# -- shoreline


def test_a_shoreline_of_the_length_that_is_asked(small, asked):
    assert not said(small, "ASM.SHORE.LEN", asked())
    short = asked(asic__shoreline_mm=Sides(north=7.5, east=8.0, south=8.0, west=8.0))
    (found,) = said(small, "ASM.SHORE.LEN", short)
    assert "the shoreline in the north of asic reaches from -4000 to 4000 um, -3750 to 3750 um from its middle" in str(
        found
    )
    drawn_short = small.with_(shoreline=[(-3750, 3500, 3750, 4000), *small.shoreline[1:]])
    assert not said(drawn_short, "ASM.SHORE.LEN", short)
    assert not said(drawn_short, "ASM.SHORE.FACE", short)
    none = small.with_(shoreline=small.shoreline[:2])
    assert "the shoreline in the east of asic is not drawn" in said(none, "ASM.SHORE.LEN", asked())[0].message


def test_engines_stay_in_front_of_a_short_shoreline(small):
    short = small.with_(shoreline=[(-3481, 3500, 3481, 4000), *small.shoreline[1:]])
    assert not {"ASM.SHORE", "ASM.SHORE.FACE"} & short.broken()
    shorter = small.with_(shoreline=[(-3481, 3500, 3479, 4000), *small.shoreline[1:]])
    assert {"ASM.SHORE", "ASM.SHORE.FACE"} <= shorter.broken()
    assert "2 um beside the shoreline in the north" in said(shorter, "ASM.SHORE.FACE")[0].message
    assert "6.962 mm of 6.96 mm of shoreline" in said(shorter, "ASM.SHORE")[0].message
