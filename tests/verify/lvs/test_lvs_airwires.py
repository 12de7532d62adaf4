"""Airwires between the links of the ASIC and the lanes of the engines: each fault is found and named, alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import klayout.db as kdb
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from cpo_pdk.spec.serdes import SerdesLane
from cpo_pdk.verify.findings import CheckResult
from cpo_pdk.verify.lvs.airwires import _Wire, exchanges

Says = Callable[[CheckResult, str, str], bool]
Planted = Callable[..., CheckResult]


def found(result: CheckResult) -> dict[str, int]:
    """Number of violations on AIRWIRE by rule."""
    rules = [v.rule for v in result.violations if v.layer == "AIRWIRE"]
    return {rule: rules.count(rule) for rule in rules}


def wires(bench: Any) -> list[kdb.Shape]:
    """The airwires, in the order of their starts."""
    return sorted(bench.top.shapes(bench.layer("AIRWIRE")).each(), key=lambda s: str(s.path))


def led(shape: kdb.Shape, start: kdb.Point, end: kdb.Point) -> None:
    """Lead an airwire from one place to another."""
    shape.path = kdb.Path([start, end], shape.path.width)


def ends(shape: kdb.Shape) -> tuple[kdb.Point, kdb.Point]:
    a, b = shape.path.each_point()
    return a, b


def sent(bench: Any) -> list[kdb.Shape]:
    """Airwires of transmit links, from west to east by their lanes (both engines stand in the north)."""
    items = bench.child(bench.top, "asic").cell.each_meta_info()
    ports = [item.value for item in items if item.name.startswith("kfactory:ports:")]
    names = {(port["trans"].disp.x, port["trans"].disp.y): port["name"] for port in ports}
    found = [s for s in wires(bench) if names[ends(s)[0].x, ends(s)[0].y].startswith("tx")]
    return sorted(found, key=lambda s: ends(s)[1].x)


def test_two_airwires_swapped(planted: Planted, says: Says) -> None:
    def swapped(bench: Any) -> None:
        one, *_, two = sent(bench)
        (a, b), (c, d) = ends(one), ends(two)
        led(one, a, d)
        led(two, c, b)

    result = planted(swapped, "package")
    assert found(result) == {"LVS.swapped": 1}
    assert says(
        result,
        "LVS.swapped",
        r"the airwires of tx_\d+ and tx_\d+ are swapped: exchanged at N\d\.tx_\d/\d and N\d\.tx_\d/\d, the longer of "
        r"the two takes [\d.]+ mm, not [\d.]+ mm; exchange them",
    )


def test_airwire_missing_doubled_and_loose(planted: Planted, says: Says) -> None:
    gone = planted(lambda bench: wires(bench)[0].delete(), "package")
    assert found(gone) == {"LVS.airwire": 2}
    assert says(gone, "LVS.airwire", r"1 lane \([tr]x_\d/\d\) of engine N\d without an airwire, 0 allowed")
    assert says(gone, "LVS.airwire", r"1 SerDes link \([tr]x_\d+\) without an airwire")

    def doubled(bench: Any) -> None:
        one, two = wires(bench)[:2]
        led(one, ends(one)[0], ends(two)[1])

    twice = planted(doubled, "package")
    assert says(twice, "LVS.airwire", r"lane [tr]x_\d/\d of engine N\d has 2 airwires, 1 asked")
    assert says(twice, "LVS.airwire", r"1 lane \([tr]x_\d/\d\) of engine N\d without an airwire")

    def loose(bench: Any) -> None:
        shape = wires(bench)[0]
        a, b = ends(shape)
        led(shape, a, b + kdb.Vector(10, 0))

    aside = planted(loose, "package")
    assert says(aside, "LVS.airwire", r"the airwire of [tr]x_\d+ ends at \(.*\) um, at the bump of no lane")

    def bent(bench: Any) -> None:
        shape = wires(bench)[0]
        a, b = ends(shape)
        shape.path = kdb.Path([a, kdb.Point(a.x, b.y), b], 2000)

    assert says(planted(bent, "package"), "LVS.airwire", "a shape on AIRWIRE that is no path of two points")


def test_all_airwires_left_out_is_told_in_a_few_lines(planted: Planted, says: Says) -> None:
    result = planted(lambda bench: bench.top.shapes(bench.layer("AIRWIRE")).clear(), "package")
    assert found(result) == {"LVS.airwire": 3}  # a line an engine, and one for the links
    assert says(result, "LVS.airwire", r"32 lanes \(tx_1/1, .*\) of engine N1 without an airwire")
    assert says(result, "LVS.airwire", r"64 SerDes links \(.*\) without an airwire")


def test_transmit_link_to_a_detector(planted: Planted, says: Says) -> None:
    def crossed(bench: Any) -> None:
        transmit = sent(bench)
        one, two = transmit[0], next(s for s in wires(bench) if s not in transmit)
        (a, b), (c, d) = ends(one), ends(two)
        led(one, a, d)
        led(two, c, b)

    result = planted(crossed, "package")
    assert says(result, "LVS.airwire", r"SerDes link tx_\d+ leads to lane rx_\d/\d of engine N\d, a tx lane asked")
    assert says(result, "LVS.airwire", r"SerDes link rx_\d+ leads to lane tx_\d/\d of engine N\d, a rx lane asked")


def test_link_of_the_asic_moved(planted: Planted, says: Says) -> None:
    def moved(bench: Any) -> None:
        cell = bench.own(bench.top, "asic")
        item = next(
            i for i in cell.each_meta_info() if i.name.startswith("kfactory:ports:") and i.value["name"] == "tx_3"
        )
        trans = item.value["trans"]
        value = {**item.value, "trans": kdb.Trans(trans.rot, trans.is_mirror(), trans.disp + kdb.Vector(130_000, 0))}
        cell.add_meta_info(kdb.LayoutMetaInfo(item.name, value, "", True))

    result = planted(moved, "package")
    assert says(result, "LVS.airwire", r"SerDes link tx_3 lies \+130\.000, \+0\.000 um off its bump")


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(2, 40), st.randoms(use_true_random=False))
def test_of_a_best_assignment_every_swap_is_found_unless_it_costs_nothing(count: int, random: Any) -> None:
    rng = np.random.default_rng(random.randrange(2**32))
    starts, stops = rng.integers(0, 20_000, (count, 2)) * 1.0, rng.integers(25_000, 40_000, (count, 2)) * 1.0
    cost = np.abs(starts[:, None] - stops[None]).sum(axis=-1)
    _, best = linear_sum_assignment(cost**2)

    def assigned(order: np.ndarray) -> list[_Wire]:
        return [
            _Wire(SerdesLane(f"tx_{i}", "north", *starts[i]), ("N1", f"tx_{k}/1"), tuple(starts[i]), tuple(stops[k]))
            for i, k in enumerate(order)
        ]

    assert exchanges(assigned(best)) == []
    i, j = rng.choice(count, 2, replace=False)
    swapped = best.copy()
    swapped[[i, j]] = swapped[[j, i]]
    before, after = (cost[np.arange(count), order] ** 2 for order in (best, swapped))
    found = exchanges(assigned(swapped))
    if after.sum() > before.sum() + 0.03 * cost.max():
        assert len(found) == 1
        assert {wire.link.name for wire in found[0]} == {f"tx_{i}", f"tx_{j}"}


def test_engine_that_stands_elsewhere_is_told_once(planted: Planted, says: Says) -> None:
    def moved(bench: Any) -> None:
        bench.child(bench.top, "engine_N1").transform(kdb.DTrans(0.0, 40.0))

    result = planted(moved, "package")
    assert found(result) == {"LVS.airwire": 1}
    assert says(result, "LVS.airwire", "no airwire meets a lane of engine N1: it stands elsewhere than they lead")


def test_record_of_an_engine_that_is_not_what_is_drawn(planted: Planted, says: Says) -> None:
    def shifted(bench: Any) -> None:
        cell = bench.engine()
        bumps = cell.meta_info("kfactory:info").value["lane_bumps"]
        bench.say(cell, "info", lane_bumps=[[name, x + 50.0, y] for name, x, y in bumps])

    result = planted(shifted)
    assert result.by_rule == {"LVS.bump_map": 1}
    assert says(result, "LVS.bump_map", r"the engine's record has 32 lane bumps elsewhere than the metal leads")
