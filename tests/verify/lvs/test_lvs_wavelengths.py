"""Rings on the wrong channel, from their polygons; the record of the cell says what the drawing says, or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import klayout.db as kdb

from cpo_pdk.verify.findings import CheckResult

Says = Callable[[CheckResult, str, str], bool]


def grown(shape: kdb.Shape, by_nm: float) -> kdb.Polygon:
    """An annulus with all its corners moved outwards from its middle."""
    polygon = shape.polygon
    middle = polygon.bbox().center()

    def out(point: kdb.Point) -> kdb.Point:
        way = point - middle
        share = 1 + by_nm / way.length()
        return kdb.Point(round(middle.x + way.x * share), round(middle.y + way.y * share))

    moved = kdb.Polygon([out(p) for p in polygon.each_point_hull()], True)
    for hole in range(polygon.holes()):
        moved.insert_hole([out(p) for p in polygon.each_point_hole(hole)], True)
    return moved


def ring_grown(by_nm: int, *, said: bool = False) -> Callable[[Any], None]:
    """The ring of one modulator larger, its gap to the bus kept; the record says so, or says the old radius."""

    def change(bench: Any) -> None:
        cell = bench.inside("tx_3/unit_2/modulator")
        ring = bench.polygons(cell, "WG")[0]
        ring.polygon = grown(ring, by_nm).moved(0, by_nm)
        if said:
            radius = cell.meta_info("kfactory:settings").value["radius"]
            bench.say(cell, "settings", radius=radius + by_nm * 1e-3)

    return change


def test_radius_20_nm_too_large(planted: Callable[..., CheckResult], says: Says) -> None:
    result = planted(ring_grown(20))
    assert says(result, "LVS.RADIUS", r"radius is .* as drawn, .* as recorded, \+20\.\d nm")
    assert says(
        result, "LVS.RESONANCE", r"^tx_3: the modulator of channel 2 \(1299.486 nm\) rests -1.\d+ nm below it, 0.8"
    )


def test_radius_2_nm_too_large(planted: Callable[..., CheckResult], says: Says) -> None:
    assert says(planted(ring_grown(2)), "LVS.RESONANCE", "^tx_3: the modulator of channel 2 ")


def test_a_record_that_was_changed_with_the_drawing_does_not_help(
    planted: Callable[..., CheckResult], says: Says
) -> None:
    result = planted(ring_grown(20, said=True))
    assert says(result, "LVS.RESONANCE", "the modulator of channel 2 ")


def test_ring_of_another_channel(planted: Callable[..., CheckResult], says: Says) -> None:
    def change(bench: Any) -> None:
        row = bench.own(bench.engine(), "tx_2")
        bench.child(row, "unit_2").cell_index = bench.child(row, "unit_4").cell_index

    result = planted(change)
    assert result.by_rule == {"LVS.channel": 1}
    assert says(
        result, "LVS.channel", r"^tx_2: the modulator of channel 2 .* sits on channel 4 .*radius 6\.\d+ um as drawn"
    )


def test_two_channels_swapped_in_one_row_and_in_all(planted: Callable[..., CheckResult], says: Says) -> None:
    def swapped(row: kdb.Cell, bench: Any) -> None:
        one, two = bench.child(row, "unit_2"), bench.child(row, "unit_3")
        one.cell_index, two.cell_index = two.cell_index, one.cell_index

    one = planted(lambda bench: swapped(bench.own(bench.engine(), "tx_3"), bench))
    assert one.by_rule == {"LVS.swapped": 1}
    assert says(one, "LVS.swapped", r"^tx_3: the modulators of channel 2 .* and channel 3 .* are swapped")
    assert one.violations[0].places == 1

    every = planted(lambda bench: swapped(bench.child(bench.engine(), "tx_3").cell, bench), "package")
    assert every.by_rule == {"LVS.swapped": 1}
    assert says(every, "LVS.swapped", r"^tx_1 to tx_4: .* are swapped; .*; in 8 places")
    assert every.violations[0].places == 8
    assert every.violations[0].cell.startswith("cpo_tx_macro")


def test_drop_rings_in_reverse_and_swapped(planted: Callable[..., CheckResult], says: Says) -> None:
    def reversed_order(bench: Any) -> None:
        row = bench.own(bench.engine(), "rx_3")
        units = [bench.child(row, f"unit_{k}") for k in range(1, 5)]
        cells = [unit.cell_index for unit in units]
        for unit, index in zip(units, reversed(cells), strict=True):
            unit.cell_index = index

    result = planted(reversed_order)
    assert result.by_rule == {"LVS.swapped": 1}
    assert says(result, "LVS.swapped", "^rx_3: the rings stand in falling order of wavelength")

    def one_bus(bench: Any) -> None:
        first, second = bench.inside("rx_1/unit_1"), None
        row = bench.child(bench.engine(), "rx_1").cell
        second = bench.own(row, "unit_2")
        one, two = bench.child(first, "ring_upper"), bench.child(second, "ring_upper")
        one.cell_index, two.cell_index = two.cell_index, one.cell_index

    half = planted(one_bus)
    assert says(half, "LVS.swapped", "^rx_1: upper bus: the rings of channel 1 .* and channel 2 .* are swapped")


def test_core_of_a_ring_10_nm_wider(planted: Callable[..., CheckResult], says: Says) -> None:
    def change(bench: Any) -> None:
        cell = bench.inside("rx_2/unit_3/ring_lower")
        ring = bench.polygons(cell, "WG")[0]
        wider = kdb.Region(ring.polygon).sized(5)
        shapes = cell.shapes(bench.layer("WG"))
        ring.delete()
        shapes.insert(wider)

    result = planted(change)
    assert says(result, "LVS.WIDTH", "width is 0.41")
    assert any("rx_2: lower bus: the ring of channel 3" in v.message for v in result.violations)


def test_gap_of_a_sheet_is_asked_of_the_polygons(
    small: Any, planted: Callable[..., CheckResult], compared: Callable[..., CheckResult], says: Says
) -> None:
    def moved(bench: Any) -> None:
        bench.polygons(bench.inside("tx_1/unit_1/modulator"), "WG")[0].transform(kdb.Trans(0, 5))

    result = planted(moved)
    assert says(result, "LVS.GAP", r"gap is 0\.185 um as drawn, 0\.18 um as recorded, \+5\.0 nm")
    assert all("small.yaml" in v.asked_at for v in result.violations if v.rule == "LVS.GAP")

    # the file agrees with itself, but not with what the sheet asks for now
    sheet = small.sheets["add_drop_ring"]
    sheets = {**small.sheets, "add_drop_ring": sheet.model_copy(update={"geometry": {**sheet.geometry, "gap": 0.155}})}
    other = compared(small.engine, sheets=sheets)
    assert says(other, "LVS.GAP", r"gap is 0\.15 um as drawn, 0\.155 um asked by sheet add_drop_ring \(drop_filter\)")
