"""Engines, fibres and connectors of a package against the spec: patterns are told as what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk.circuit.netlist import Connection, Netlists, PortRef
from cpo_pdk.spec import PackageSpec, load_sheets, load_spec
from cpo_pdk.verify.findings import CheckResult

SpecWith = Callable[[Mapping[str, str]], PackageSpec]
Says = Callable[[CheckResult, str, str], bool]


def ends_moved(
    move: Callable[[int], tuple[str, int] | None], connector: str = "MPO_N1"
) -> Callable[[Netlists], Netlists]:
    """Lead the fibres of a connector to other positions: position -> (connector, position), or None for nowhere."""

    def edit(netlists: Netlists) -> Netlists:
        top = netlists.cells[netlists.top]

        def end(ref: PortRef) -> PortRef | None:
            if ref[0] != connector:
                return ref
            to = move(int(ref[1][1:]))
            return None if to is None else (to[0], f"p{to[1]}")

        links = [(end(link.a), end(link.b)) for link in top.connections]
        kept = tuple(Connection(min(a, b), max(a, b)) for a, b in links if a and b)
        return Netlists(netlists.top, {**netlists.cells, netlists.top: replace(top, connections=kept)})

    return edit


def test_what_was_built_is_what_was_asked_for(small: Any, compared: Callable[..., CheckResult]) -> None:
    package, engine = compared(small.package), compared(small.engine)
    for result in (package, engine):
        assert result.violations == ()
        assert result.clean
        assert result.group == "lvs" and result.what == "parameters"
    assert package.counted["lanes"] == 2 * 2 * 4 * 4
    assert package.counted["electrical_nets"] == 2 * (4 * (4 * 6 + 2) + 4 * 4 * 6)
    assert engine.counted["lanes"] == 2 * 4 * 4
    assert engine.counted["devices"] < package.counted["devices"]
    assert package.looked_at > 10_000


def test_a_file_without_a_spec_is_held_against_itself(small: Any, compared: Callable[..., CheckResult]) -> None:
    result = compared(small.package, spec=None)
    assert result.clean
    assert result.counted["lanes"] == 0
    assert "LVS.channel" not in result.rules


def test_engines_that_are_mirrored_turned_missing_or_too_many(planted: Callable[..., CheckResult], says: Says) -> None:
    def turned(trans: kdb.DTrans) -> Callable[[Any], None]:
        def change(bench: Any) -> None:
            inst = bench.child(bench.top, "engine_N1")
            before = inst.dbbox().center()
            inst.transform(trans)
            inst.transform(kdb.DTrans(before - inst.dbbox().center()))

        return change

    mirrored = planted(turned(kdb.DTrans.M90), "package")
    assert says(mirrored, "LVS.mirrored", "the array of engine N1 is mirrored")
    assert mirrored.by_rule == {"LVS.mirrored": 1}
    assert mirrored.violations[0].asked_at.startswith("small.yaml:")

    around = planted(turned(kdb.DTrans.R180), "package")
    assert says(around, "LVS.engines", "the facet of engine N1 looks south, north asked")

    gone = planted(lambda bench: bench.child(bench.top, "engine_N2").delete(), "package")
    assert gone.by_rule == {"LVS.engines": 1}
    assert says(gone, "LVS.engines", "engine N2 is missing, 1 engines drawn, 2 asked")

    def double(bench: Any) -> None:
        inst = bench.child(bench.top, "engine_N2")
        more = bench.top.insert(kdb.DCellInstArray(inst.cell_index, inst.dtrans))
        more.transform(kdb.DTrans(0.0, -40_000.0))

    assert says(
        planted(double, "package"), "LVS.engines", "an engine where none was asked to stand, 3 engines drawn, 2 asked"
    )


def test_fibres_swapped_mirrored_shifted_and_lost(small: Any, compared: Callable[..., CheckResult], says: Says) -> None:
    def run(move: Callable[[int], tuple[str, int] | None]) -> CheckResult:
        return compared(small.package, edit=ends_moved(move))

    swapped = run(lambda k: ("MPO_N1", {7: 8, 8: 7}.get(k, k)))
    assert swapped.by_rule == {"LVS.swapped": 1}
    assert says(
        swapped, "LVS.swapped", r"the fibres of rx_3 and rx_4 of engine N1 are swapped at MPO-N1\.7 and MPO-N1\.8"
    )

    mirrored = run(lambda k: ("MPO_N1", 9 - k))
    assert mirrored.by_rule == {"LVS.mirrored": 1}
    assert says(mirrored, "LVS.mirrored", "the 8 fibres of MPO-N1 are mirrored: position 1 holds rx_4, tx_1 asked")

    shifted = run(lambda k: ("MPO_N1", k + 1) if k < 8 else None)
    assert shifted.by_rule == {"LVS.fibre": 1}
    assert says(shifted, "LVS.fibre", r"shifted by 1 position: tx_1 meets MPO-N1\.2")

    lost = run(lambda k: None if k == 3 else ("MPO_N1", k))
    assert says(lost, "LVS.fibre", r"the fibre of tx_3 of engine N1 ends at no connector, MPO-N1\.3 asked")
    assert lost.by_rule == {"LVS.fibre": 1}

    crossed = run(lambda k: {7: ("ELS_1", 1)}.get(k, ("MPO_N1", k)))
    assert says(crossed, "LVS.fibre", r"the fibre of rx_3 of engine N1 ends at ELS-1\.1, MPO-N1\.7 asked")


def test_lasers_swapped_in_the_module_that_engines_share(
    small: Any, compared: Callable[..., CheckResult], says: Says
) -> None:
    def run(order: Mapping[int, int]) -> CheckResult:
        return compared(small.package, edit=ends_moved(lambda k: ("ELS_1", order.get(k, k)), "ELS_1"))

    one = run({1: 4, 4: 1})
    assert one.by_rule == {"LVS.swapped": 1}
    assert says(one, "LVS.swapped", r"the fibres of N1\.laser_2 and N2\.laser_1 are swapped at ELS-1\.4 and ELS-1\.1")

    both = run({1: 3, 2: 4, 3: 1, 4: 2})
    assert both.by_rule == {"LVS.swapped": 1}
    assert says(
        both,
        "LVS.swapped",
        r"the 2 laser fibres of engines N1 and N2 are swapped: N1\.laser_1 ends at ELS-1\.1, ELS-1\.3",
    )

    mirrored = run({1: 4, 2: 3, 3: 2, 4: 1})
    assert mirrored.by_rule == {"LVS.mirrored": 1}
    assert says(
        mirrored, "LVS.mirrored", r"the 4 fibres of ELS-1 are mirrored: position 1 holds N1\.laser_2, N2\.laser_1"
    )

    shifted = run({1: 2, 2: 3, 3: 4, 4: 5})
    assert shifted.by_rule == {"LVS.fibre": 1}
    assert says(shifted, "LVS.fibre", r"the 4 fibres of ELS-1 are shifted by 1 position: N2\.laser_1 meets ELS-1\.2")


def test_connector_turned_over_with_empty_positions(
    small: Any, compared: Callable[..., CheckResult], says: Says
) -> None:
    result = compared(small.package, edit=ends_moved(lambda k: ("ELS_1", 9 - k), "ELS_1"))
    assert result.by_rule == {"LVS.mirrored": 1}
    assert says(result, "LVS.mirrored", "the 4 fibres of ELS-1 are mirrored: position 1 holds none, N2.laser_1 asked")


def test_fibre_and_connector_in_another_layer(planted: Callable[..., CheckResult], says: Says) -> None:
    def higher(bench: Any) -> None:
        cell = bench.own(bench.top, "fibre_N1_tx_3")
        outline = kdb.Region(cell.begin_shapes_rec(bench.layer("FIBER"))).merged()
        for inst in list(cell.each_inst()):
            inst.delete()
        cell.shapes(bench.layer("FIBER_2")).insert(outline)

    result = planted(higher, "package")
    assert says(result, "LVS.fibre_kind", "the fibre of tx_3 of engine N1 lies in ribbon layer 2, 1 asked")
    assert says(result, "LVS.KIND", "layer is FIBER_2 as drawn, FIBER as recorded")

    def moved(bench: Any) -> None:
        cell = bench.own(bench.top, "MPO_N2")
        cell.move(bench.layer("CONNECTOR"), bench.layer("CONNECTOR_PM"))

    result = planted(moved, "package")
    assert says(result, "LVS.connector", "connector MPO-N2 is drawn in the lasers' row, row 1 asked")


def test_ports_of_a_connector_named_in_reverse(planted: Callable[..., CheckResult], says: Says) -> None:
    def reverse(bench: Any) -> None:
        cell = bench.own(bench.top, "MPO_N1")
        items = [i for i in cell.each_meta_info() if i.name.startswith("kfactory:ports:")]
        for item in items:
            name = f"p{9 - int(item.value['name'][1:])}"
            cell.add_meta_info(kdb.LayoutMetaInfo(item.name, {**item.value, "name": name}, "", True))

    result = planted(reverse, "package")
    assert result.by_rule == {"LVS.connector": 1}
    assert says(result, "LVS.connector", "connector MPO-N1 has port p8 at position 1, p1 asked")


def test_two_connectors_exchanged_and_one_left_out(planted: Callable[..., CheckResult], says: Says) -> None:
    def exchanged(bench: Any) -> None:
        one, two = (bench.child(bench.top, name) for name in ("MPO_N1", "MPO_N2"))
        one.cell_index, two.cell_index = two.cell_index, one.cell_index

    result = planted(exchanged, "package")
    assert result.by_rule == {"LVS.swapped": 1}
    assert says(result, "LVS.swapped", "connectors MPO-N1 and MPO-N2 are swapped: all 8 fibres")

    gone = planted(lambda bench: bench.child(bench.top, "ELS_1").delete(), "package")
    assert says(gone, "LVS.connector", "0 connectors ELS-1, 1 asked")
    assert says(gone, "LVS.fibre", r"laser_1 of engine N1 ends at no connector, ELS-1\.3 asked")


def test_a_fibre_left_out_and_one_of_the_other_kind(planted: Callable[..., CheckResult], says: Says) -> None:
    gone = planted(lambda bench: bench.child(bench.top, "fibre_N1_tx_3").delete(), "package")
    assert says(gone, "LVS.fibre", r"the fibre of tx_3 of engine N1 is missing, MPO-N1\.3 asked")
    loop = planted(lambda bench: bench.child(bench.top, "fibre_N1_loop_1").delete(), "package")
    assert says(loop, "LVS.fibre", "no fibre at loop_1 of engine N1")

    def ordinary(bench: Any) -> None:
        cell = bench.own(bench.top, "fibre_N1_laser_2")
        outline = kdb.Region(cell.begin_shapes_rec(bench.layer("FIBER_PM"))).merged()
        for inst in list(cell.each_inst()):
            inst.delete()
        cell.shapes(bench.layer("FIBER")).insert(outline)
        bench.say(cell, "settings", kind="SMF")

    result = planted(ordinary, "package")
    assert says(result, "LVS.fibre_kind", "laser_2 of engine N1 is single-mode, polarisation-maintaining")


@pytest.mark.parametrize(
    ("changes", "rule", "pattern"),
    [
        ({"connector: MPO-8": "connector: MPO-12"}, "LVS.connector", "connector MPO-N1 is a MPO-8, MPO-12 asked"),
        ({"connector: ELS ": "connector: ELSFP "}, "LVS.connector", "0 connectors ELSFP-1, 1 asked"),
        (
            {"laser_fiber: fiber_pm": "laser_fiber: fiber_smf"},
            "LVS.fibre_kind",
            "polarisation-maintaining, single-mode",
        ),
        ({"splitter: mmi1x2": "splitter: y_branch"}, "LVS.", "y_branch"),
        (
            {"terminator: terminator": "terminator: edge_coupler"},
            "LVS.device",
            r"terminator found, .* \(edge_coupler\) asked",
        ),
        ({"tap: tap_coupler": "tap: mmi2x2"}, "LVS.", "mmi2x2|tap"),
        ({"loopbacks: 2": "loopbacks: 1"}, "LVS.array", "14 facets in the fibre array, 12 asked"),
        ({"heater_bias_nm: 0.8": "heater_bias_nm: 1.1"}, "LVS.RESONANCE", "rests 0.[89].. nm below it, 1.1 nm asked"),
        ({"center_nm: 1300.05": "center_nm: 1301.0"}, "LVS.", "channel"),
        ({"fibre_pitch_um: 127": "fibre_pitch_um: 250"}, "LVS.array", "facets lie 127 um apart, 250 um asked"),
        ({"bump_pitch_um: [50.0": "bump_pitch_um: [52.0"}, "LVS.BUMP_GRID", "off the grid of 52 x 63.5 um"),
        ({"drop_filter: add_drop_ring": "drop_filter: double_ring"}, "LVS.", "add_drop_ring"),
    ],
)
def test_a_file_of_another_spec(
    small: Any,
    compared: Callable[..., CheckResult],
    spec_with: SpecWith,
    changes: dict[str, str],
    rule: str,
    pattern: str,
) -> None:
    result = compared(small.package, spec_with(changes))
    assert not result.clean
    assert any(v.rule.startswith(rule) and re.search(pattern, v.message) for v in result.violations), result.violations


def test_a_file_of_quite_another_package(small: Any, compared: Callable[..., CheckResult], says: Says) -> None:
    result = compared(small.package, load_spec("switch_51t2"))
    assert says(result, "LVS.engines", "engine E1 is missing, 2 engines drawn, 8 asked")
    assert says(result, "LVS.array", "14 facets in the fibre array, 22 asked")
    assert len(result.violations) < 200


@pytest.mark.parametrize(
    "changes",
    [
        {"laser_fibres: 2": "laser_fibres: 4", "loopbacks: 2": "loopbacks: 1"},
        {"splitter: mmi1x2": "splitter: y_branch", "laser_fibres: 2": "laser_fibres: 1"},
        {
            "modulator: ring_modulator": "modulator: ring_modulator_interleaved",
            "north: 2, east: 0, south: 0, west: 0": "north: 0, east: 0, south: 1, west: 1",
            "connector: MPO-8": "connector: MPO-12",
            "edge_coupler: edge_coupler": "edge_coupler: spot_size_converter",
        },
    ],
)
def test_other_packages_are_what_was_asked_for(
    tmp_path: Path, compared: Callable[..., CheckResult], spec_with: SpecWith, changes: dict[str, str]
) -> None:
    assemblies = pytest.importorskip("cpo_pdk.assemblies")
    spec = spec_with(changes)
    result = compared(assemblies.write_package(spec, tmp_path, load_sheets()).package_gds, spec)
    assert result.violations == ()
    assert result.counted["lanes"] == 64
