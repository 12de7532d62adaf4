"""The lane map of a drawn package, and what becomes of it when the drawing is spoiled."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.simulation import simulate
from cpo_pdk.errors import LayoutError
from cpo_pdk.lanes.bijection import shared
from cpo_pdk.lanes.reading import lane_map_of, probe_plan_of
from cpo_pdk.lanes.rows import FibreRow, LaneMap, LaneRow

Maps = Mapping[str, LaneMap]
Edit = Callable[[kdb.Layout], None]
Spoil = Callable[[str, Edit], LaneMap]


def kinds(found: LaneMap) -> set[str]:
    return {problem.kind for problem in found.problems}


@pytest.mark.parametrize("name", ["single", "pair"])
def test_each_lane_has_one_of_everything_and_nothing_is_shared(maps: Maps, name: str) -> None:
    found = maps[name]
    assert found.closed and found.problems == ()
    assert [sum(row.direction == d for row in found.lanes) for d in ("tx", "rx")] == [8, 8]
    assert found.serdes == {"tx": 8, "rx": 8}
    for what in ("serdes", "name"):
        assert len({getattr(row, what) for row in found.lanes}) == 16
    assert len({(row.engine, row.device) for row in found.lanes}) == 16
    assert len({(row.asic_x_um, row.asic_y_um) for row in found.lanes}) == 16
    assert len({(row.bump_x_um, row.bump_y_um) for row in found.lanes}) == 16
    assert len({(row.connector, row.position, row.channel) for row in found.lanes}) == 16
    for row in found.lanes:
        assert row.serdes.startswith(f"{row.direction}_")
        assert row.terminal == "e1"  # the anode of modulator and detector
        assert row.device_cell in (("ring_modulator",) if row.direction == "tx" else ("photodetector_dual",))
        assert bool(row.laser_connector) == (row.direction == "tx")


def test_nothing_is_shared_and_what_is_would_be_told(maps: Maps) -> None:
    lanes = maps["pair"].lanes
    assert list(shared(lanes)) == []
    a, b = lanes[0], lanes[1]
    for change, what in (
        ({"serdes": a.serdes}, "serial lane"),
        ({"asic_x_um": a.asic_x_um, "asic_y_um": a.asic_y_um}, "bump of the switch"),
        ({"bump_x_um": a.bump_x_um, "bump_y_um": a.bump_y_um}, "bump of an engine"),
        ({"device": a.device}, "device"),
        ({"bank_lane": a.bank_lane}, "place in a bank"),
    ):
        (problem,) = shared((a, replace(b, **change), *lanes[2:]))
        assert problem.message.startswith(f"{b.name} has the same {what} as {a.name}: ")
    twice = [p.message for p in shared((a, replace(b, wl_um=a.wl_um), *lanes[2:]))]
    assert ["wavelength in a fibre" in twice[0], "wavelength at a position" in twice[1]] == [True, True]


def test_a_spare_has_no_lanes_and_no_fibres(maps: Maps) -> None:
    assert maps["single"].spares == ()
    found = maps["pair"]
    assert found.spares == ("engine_W1",) and found.engines == ("engine_E1", "engine_N1")
    assert not any(row.engine == "engine_W1" for row in (*found.lanes, *found.fibres))


def test_the_map_says_what_the_engine_states_of_its_bumps(maps: Maps, drawn: Mapping[str, Path], edits: Any) -> None:
    """Airwires, metal and light lead to the bump that the engine's own list has for the lane."""
    layout = kdb.Layout()
    layout.read(str(drawn["pair"]))
    inst = edits.instance(layout, "engine_E1")  # not turned
    stated = {k: (x, y) for k, x, y in inst.cell.meta_info_value("kfactory:info")["lane_bumps"]}
    here = [row for row in maps["pair"].lanes if row.engine == "engine_E1"]
    assert len(here) == len(stated) == 8
    for row in here:
        at = inst.dcplx_trans * kdb.DPoint(*stated[f"{row.direction}_{row.port}/{row.channel}"])
        assert (row.bump_x_um, row.bump_y_um) == pytest.approx((at.x, at.y), abs=1e-6)
        assert row.trace_mm == pytest.approx((abs(row.asic_x_um - at.x) + abs(row.asic_y_um - at.y)) * 1e-3, rel=1e-9)


def test_fibres_are_as_long_as_drawn_and_their_signals_as_late(maps: Maps) -> None:
    for row in maps["single"].fibres:
        straight = math.dist((row.facet_x_um, row.facet_y_um), (row.end_x_um, row.end_y_um)) * 1e-3
        assert row.straight_mm == pytest.approx(straight)
        assert row.length_mm >= row.straight_mm
        assert row.latency_ps == pytest.approx(row.length_mm * 1.468 / 0.299792458)
        assert bool(row.connector) == (row.use != "loop")
    uses = [row.use for row in maps["single"].fibres if row.engine == "engine_E1"]
    assert uses == ["tx"] * 4 + ["rx"] * 4 + ["laser"] + ["loop"] * 2


def test_skew_is_the_spread_of_the_fibres_of_one_use(maps: Maps) -> None:
    found = maps["single"]
    connector = next(c for c in found.connectors if c.name == "MPO-E1")
    times = [row.latency_ps for row in found.fibres if row.engine == "engine_E1" and row.use == "rx"]
    assert connector.skew_ps["rx"] == pytest.approx(max(times) - min(times))
    assert connector.skew_ps["rx"] > 0.1


def _changed(before: tuple[object, ...], after: tuple[object, ...]) -> list[tuple[object, object]]:
    assert len(before) == len(after)
    return [(a, b) for a, b in zip(before, after, strict=True) if a != b]


def test_two_swapped_fibres_change_exactly_two_rows(maps: Maps, spoiled: Spoil, edits: Any) -> None:
    """With one wavelength a fibre two rows of the lane map as well; nothing else moves."""
    before, after = maps["single"], spoiled("single", edits.swap_fibres("fibre_N1_tx_1", "fibre_N1_tx_3"))
    fibres = _changed(before.fibres, after.fibres)
    assert len(fibres) == 2
    (a, a_now), (b, b_now) = fibres
    assert all(isinstance(row, FibreRow) for row in (a, b, a_now, b_now))
    assert (a.port, a.position, a_now.position) == ("tx_1", 1, 3)  # type: ignore[attr-defined]
    assert (b.port, b.position, b_now.position) == ("tx_3", 3, 1)  # type: ignore[attr-defined]
    lanes = _changed(before.lanes, after.lanes)
    assert [(x.port, x.position, y.position) for x, y in lanes] == [(1, 1, 3), (3, 3, 1)]  # type: ignore[attr-defined]
    assert after.closed  # still a bijection, only another one: against the spec is for cpo check


def test_with_two_wavelengths_a_fibre_four_lanes_move(maps: Maps, spoiled: Spoil, edits: Any) -> None:
    before, after = maps["pair"], spoiled("pair", edits.swap_fibres("fibre_E1_rx_1", "fibre_E1_rx_2"))
    assert len(_changed(before.fibres, after.fibres)) == 2
    assert len(_changed(before.lanes, after.lanes)) == 4


def test_two_swapped_airwires_change_two_lanes_and_no_fibre(maps: Maps, spoiled: Spoil, edits: Any) -> None:
    def edit(layout: kdb.Layout) -> None:
        row_a, row_b = (
            r for r in maps["pair"].lanes if r.engine == "engine_E1" and r.direction == "tx" and r.port == 1
        )
        ends = {(r.asic_x_um, r.asic_y_um): (o.bump_x_um, o.bump_y_um) for r, o in ((row_a, row_b), (row_b, row_a))}
        for shape in edits.airwires(layout):
            points = [(round(p.x, 3), round(p.y, 3)) for p in shape.dpath.each_point()]
            start = next((p for p in points if p in ends), None)
            if start:
                shape.dpath = kdb.DPath([kdb.DPoint(*start), kdb.DPoint(*ends[start])], shape.dpath.width)

    before, after = maps["pair"], spoiled("pair", edit)
    assert before.fibres == after.fibres
    moved = _changed(before.lanes, after.lanes)
    assert len(moved) == 2 and after.closed
    assert all(isinstance(row, LaneRow) for pair in moved for row in pair)
    assert moved[0][0].serdes == moved[1][1].serdes  # type: ignore[attr-defined]


@settings(derandomize=True, deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(8)))
def test_the_map_follows_any_assignment_of_serial_lanes(
    order: list[int], maps: Maps, spoiled: Spoil, edits: Any
) -> None:
    """Whatever airwires are led to whatever lanes of their direction: the map has exactly that."""
    lanes = [row for row in maps["single"].lanes if row.direction == "rx"]

    def edit(layout: kdb.Layout) -> None:
        ends = {(row.asic_x_um, row.asic_y_um): lanes[k] for row, k in zip(lanes, order, strict=True)}
        for shape in edits.airwires(layout):
            points = [(round(p.x, 3), round(p.y, 3)) for p in shape.dpath.each_point()]
            start = next((p for p in points if p in ends), None)
            if start:
                end = kdb.DPoint(ends[start].bump_x_um, ends[start].bump_y_um)
                shape.dpath = kdb.DPath([end, kdb.DPoint(*start)], shape.dpath.width)  # drawn the other way round

    after = spoiled("single", edit)
    assert after.closed
    served = {row.name: row.serdes for row in after.lanes}
    assert all(served[lanes[k].name] == row.serdes for row, k in zip(lanes, order, strict=True))


@pytest.mark.parametrize("name", ["single", "pair"])
def test_fibres_and_lasers_are_those_of_the_simulated_lanes(maps: Maps, drawn: Mapping[str, Path], name: str) -> None:
    """Two ways through the same file: the solver's chains of fibres, and ours."""
    rows = {row.key: row for row in maps[name].lanes}
    lanes = simulate(drawn[name], points=2).lanes
    assert {(lane.engine, lane.direction, lane.port, lane.channel) for lane in lanes} == set(rows)
    for lane in lanes:
        row = rows[lane.engine, lane.direction, lane.port, lane.channel]
        assert lane.fibre == f"{row.connector}.{row.position}"
        assert lane.wl_um == row.wl_um
        if lane.direction == "tx":
            assert lane.laser == f"{row.laser_connector}.{row.laser_position}"
        assert any(item.instance == f"{row.engine}/{row.device}" for item in lane.items)


def test_an_airwire_to_a_taken_bump_is_one_too_many_there_and_lacking_here(
    maps: Maps, spoiled: Spoil, edits: Any
) -> None:
    found = maps["single"]
    first, second = (r for r in found.lanes if r.direction == "tx" and r.engine == "engine_E1" and r.port < 3)
    after = spoiled("single", edits.move_end(found, first.serdes, (second.bump_x_um, second.bump_y_um)))
    assert not after.closed
    said = [problem.message for problem in after.problems]
    assert len(said) == 2
    assert any(first.name in text and "no airwire" in text for text in said)
    assert any(second.name in text and "2 serial lanes" in text and first.serdes in text for text in said)


def test_an_airwire_to_the_wrong_terminal_of_the_right_device_is_told(
    maps: Maps, drawn: Mapping[str, Path], spoiled: Spoil, edits: Any
) -> None:
    found = maps["single"]
    row = next(r for r in found.lanes if r.direction == "tx" and r.engine == "engine_E1")
    bumps = probe_plan_of(drawn["single"]).placed_points()
    heater = next(p for p in bumps if (p.engine, p.device, p.use) == (row.engine, row.device, "heater"))
    after = spoiled("single", edits.move_end(found, row.serdes, (heater.package_x_um, heater.package_y_um)))
    assert kinds(after) == {"terminal"}
    assert row.name in after.problems[0].message


def test_a_lane_of_the_other_direction_and_a_wire_into_nothing(maps: Maps, spoiled: Spoil, edits: Any) -> None:
    found = maps["single"]
    tx = next(r for r in found.lanes if r.direction == "tx" and r.engine == "engine_E1")
    rx = next(r for r in found.lanes if r.direction == "rx" and r.engine == "engine_E1")

    def crossed(layout: kdb.Layout) -> None:
        edits.move_end(found, tx.serdes, (rx.bump_x_um, rx.bump_y_um))(layout)
        edits.move_end(found, rx.serdes, (tx.bump_x_um, tx.bump_y_um))(layout)

    assert kinds(spoiled("single", crossed)) == {"direction"}
    nowhere = spoiled("single", edits.move_end(found, tx.serdes, (0.0, 0.0)))
    assert kinds(nowhere) == {"airwire", "lane"}


def test_without_airwires_the_map_is_no_map(spoiled: Spoil) -> None:
    after = spoiled("single", lambda layout: layout.top_cell().shapes(layout.layer(320, 0)).clear())
    assert not after.closed
    assert [p.kind for p in after.problems] == ["airwire"]
    assert "16 lanes" in after.problems[0].message


def test_a_polygon_for_an_airwire_is_told_with_its_place(spoiled: Spoil) -> None:
    def edit(layout: kdb.Layout) -> None:
        shapes = layout.top_cell().shapes(layout.layer(320, 0))
        shapes.insert(kdb.DBox(1000, 2000, 1100, 2300))

    after = spoiled("single", edit)
    assert [(p.kind, p.x_um, p.y_um) for p in after.problems] == [("airwire", 1050.0, 2150.0)]


def test_an_engine_that_loses_its_fibres_is_a_spare_and_its_airwires_lead_nowhere(spoiled: Spoil, edits: Any) -> None:
    def edit(layout: kdb.Layout) -> None:
        for inst in list(edits.top(layout).each_inst()):
            if str(inst.property(0)).startswith("fibre_N1"):
                inst.delete()

    after = spoiled("single", edit)
    assert after.spares == ("engine_N1",)
    assert after.engines == ("engine_E1",)
    assert len(after.lanes) == 8
    assert kinds(after) == {"airwire"} and len(after.problems) == 8


def test_a_lost_fibre_is_told_at_its_facet_and_takes_its_lanes_laser(maps: Maps, spoiled: Spoil, edits: Any) -> None:
    def edit(layout: kdb.Layout) -> None:
        edits.instance(layout, "fibre_N1_rx_2").delete()
        edits.instance(layout, "fibre_E1_laser_1").delete()

    after = spoiled("single", edit)
    assert kinds(after) == {"no_fibre", "laser"}
    lost = next(p for p in after.problems if "rx_2" in p.message)
    row = next(r for r in maps["single"].fibres if (r.engine, r.port) == ("engine_N1", "rx_2"))
    assert (lost.x_um, lost.y_um) == (row.facet_x_um, row.facet_y_um)


def test_fibres_that_an_engine_has_moved_away_from_are_told(spoiled: Spoil, edits: Any) -> None:
    """Such an engine looks like a spare: what it has left behind says that it is none."""

    def edit(layout: kdb.Layout) -> None:
        inst = edits.instance(layout, "engine_N1")
        inst.dcplx_trans = kdb.DCplxTrans(10.0, 0.0) * inst.dcplx_trans

    after = spoiled("single", edit)
    assert after.spares == ("engine_N1",)
    strays = [p.message for p in after.problems if p.kind == "fibre_end"]
    assert len(strays) == 9 and not after.closed
    assert any(re.match(r"fibre_N1_tx_1: the fibre at MPO-N1\.\d+ begins at no engine; lead", s) for s in strays)


def test_a_length_that_the_polygons_deny_is_told(maps: Maps, spoiled: Spoil, edits: Any) -> None:
    def edit(layout: kdb.Layout) -> None:
        cell = edits.instance(layout, "fibre_N1_tx_2").cell
        info = cell.meta_info_value("kfactory:info")
        cell.add_meta_info(kdb.LayoutMetaInfo("kfactory:info", {**info, "length": 1.1 * info["length"]}, "", True))

    after = spoiled("single", edit)
    assert kinds(after) == {"length"}
    before = next(r for r in maps["single"].fibres if r.fibre == "fibre_N1_tx_2")
    now = next(r for r in after.fibres if r.fibre == "fibre_N1_tx_2")
    assert now.length_mm == pytest.approx(before.length_mm, rel=1e-3)  # that of the polygons


def test_an_engine_alone_or_a_file_without_one_is_refused(drawn: Mapping[str, Path], tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="is an engine alone"):
        lane_map_of(drawn["single"].parent / "engine.gds")
    layout = kdb.Layout()
    layout.create_cell("bare").shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 1000, 1000))
    layout.write(str(tmp_path / "bare.gds"))
    with pytest.raises(LayoutError, match="holds no engine"):
        lane_map_of(tmp_path / "bare.gds")


@pytest.mark.parametrize("length", [math.nan, math.inf, -1.0, "long", None])
def test_a_length_that_is_none_is_measured(maps: Maps, spoiled: Spoil, edits: Any, length: object) -> None:
    def edit(layout: kdb.Layout) -> None:
        cell = edits.instance(layout, "fibre_N1_tx_2").cell
        info = cell.meta_info_value("kfactory:info")
        cell.add_meta_info(kdb.LayoutMetaInfo("kfactory:info", {**info, "length": length}, "", True))

    before = next(r for r in maps["single"].fibres if r.fibre == "fibre_N1_tx_2")
    now = next(r for r in spoiled("single", edit).fibres if r.fibre == "fibre_N1_tx_2")
    assert now.length_mm == pytest.approx(before.length_mm, rel=1e-3)


def test_lane_bumps_that_make_no_sense_are_passed_over(maps: Maps, spoiled: Spoil, edits: Any) -> None:
    def edit(layout: kdb.Layout) -> None:
        cell = edits.instance(layout, "engine_N1").cell
        info = cell.meta_info_value("kfactory:info")
        odd = [["tx_1/1", math.nan, 0.0], ["tx_2/1"], "tx_3/1", 7, ["tx_9/1", "a", "b"]]
        for value in (odd, {"tx_1/1": 3}):
            cell.add_meta_info(kdb.LayoutMetaInfo("kfactory:info", {**info, "lane_bumps": value}, "", True))

    after = spoiled("single", edit)
    assert after.closed and after.lanes == maps["single"].lanes


def test_a_package_without_any_fibre_says_so(spoiled: Spoil, edits: Any) -> None:
    def edit(layout: kdb.Layout) -> None:
        for inst in list(edits.top(layout).each_inst()):
            if str(inst.property(0)).startswith("fibre_"):
                inst.delete()

    after = spoiled("single", edit)
    assert not after.closed and after.lanes == ()
    assert any("none of the 2 engines has a fibre" in p.message for p in after.problems)


def test_a_port_of_an_absurd_number_is_refused(spoiled: Spoil, edits: Any) -> None:
    def edit(layout: kdb.Layout) -> None:
        cell = edits.instance(layout, "engine_N1").cell
        for item in list(cell.each_meta_info()):
            if item.name.startswith("kfactory:ports:") and item.value["name"] == "loop_1":
                value = {**item.value, "name": "loop_" + "1" * 30}
                cell.add_meta_info(kdb.LayoutMetaInfo(item.name, value, "", True))

    with pytest.raises(LayoutError, match="of 30 digits, 5 allowed"):
        spoiled("single", edit)
