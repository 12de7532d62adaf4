"""Engines of Mach-Zehnders, and spares: a small package, and what is found in it when it is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest
from mutants import Bench
from mutants_lanes import arm_longer

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Connection, Netlists, PortRef
from cpo_pdk.spec import load_sheets, parse_spec
from cpo_pdk.verify.findings import CheckResult
from cpo_pdk.verify.lvs.run import lvs_layout

Says = Callable[[CheckResult, str, str], bool]
Edit = Callable[[Netlists], Netlists]

TEXT = """
name: small_mzm
bandwidth_Tbps: 1.6
asic: {size_mm: [26, 31], power_W: 450}
substrate: {size_mm: [100, 100]}
engines: {count: 2, spares: 1, per_side: {north: 2, east: 0, south: 1, west: 0}}
engine:
  architecture: mzm_wdm
  bandwidth_Tbps: 0.8
  tx_fibres: 2
  rx_fibres: 2
  laser_fibres: 1
  lane_rate_Gbps: 100
  modulation: PAM4
  grid: {standard: CWDM4, channels: 4}
  bump_pitch_um: [100, 100]
laser: {connector: ELS, per_wavelength_dBm: 19.5}
fibres: {bend_radius_mm: 15}
faceplate: {distance_mm: 130, connector: MPO-12}
"""
SPEC = parse_spec(TEXT, Path("small_mzm.yaml"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The package and its engine as they were built."""
    pytest.importorskip("gdsfactory")
    from cpo_pdk.assemblies import write_package

    found = write_package(SPEC, tmp_path_factory.mktemp("mzm"), load_sheets())
    return {"package": found.package_gds, "engine": found.engine_gds}


Run = Callable[..., CheckResult]


@pytest.fixture
def run(files: Mapping[str, Path], tmp_path: Path) -> Run:
    """Compare with the spec; `change` the layout first, or `edit` the netlist."""

    def compared(
        base: str = "engine", change: Callable[[Bench], None] | None = None, edit: Edit | None = None
    ) -> CheckResult:
        path = files[base]
        if change is not None:
            bench = Bench(path)
            change(bench)
            path = bench.write(tmp_path / "planted.gds")
        file, sheets = read_layout(path), load_sheets()
        netlists = extract(file, leaf_factories(sheets))
        return lvs_layout(file, edit(netlists) if edit else netlists, sheets, SPEC)

    return compared


def crossed(cell: str, a: PortRef, b: PortRef) -> Edit:
    """Exchange what two ports of instances lead to, in the cells whose name begins so."""

    def edit(netlists: Netlists) -> Netlists:
        swap = {a: b, b: a}
        cells = dict(netlists.cells)
        for name, netlist in netlists.cells.items():
            if name.startswith(cell):
                links = [Connection(swap.get(link.a, link.a), swap.get(link.b, link.b)) for link in netlist.connections]
                assert links != list(netlist.connections)
                cells[name] = replace(netlist, connections=tuple(links))
        return Netlists(netlists.top, cells)

    return edit


def test_what_was_built_is_what_was_asked_for(run: Run) -> None:
    package, engine = run("package"), run("engine")
    assert package.violations == engine.violations == ()
    assert package.counted["lanes"] == 2 * 16  # the spare has none
    assert engine.counted["lanes"] == 16
    # ten pads and a heater a modulator, a heater a stage, two ends a detector and a monitor
    assert engine.counted["electrical_nets"] == 2 * (4 * 7 + 6 * 2 + 2) + 2 * (6 * 2 + 4 * 2)
    assert "LVS.FILTER" in package.rules
    assert "LVS.RESONANCE" not in package.rules


def test_modulators_in_the_wrong_arm(run: Run, says: Says) -> None:
    one = run(edit=crossed("cpo_tx_mzm_row", ("mzm_1", "o1"), ("mzm_3", "o1")))
    assert one.by_rule == {"LVS.swapped": 1}
    assert says(
        one,
        "LVS.swapped",
        r"^tx_1 to tx_2: channels 1 and 3 are swapped between the demultiplexer and the multiplexer: .*; in 2 places",
    )

    def both(netlists: Netlists) -> Netlists:
        first = crossed("cpo_tx_mzm_row", ("mzm_1", "o1"), ("mzm_2", "o1"))(netlists)
        return crossed("cpo_tx_mzm_row", ("mzm_1", "o2"), ("mzm_2", "o2"))(first)

    exchanged = run(edit=both)
    assert set(exchanged.by_rule) == {"LVS.bump_map"}
    assert says(
        exchanged,
        "LVS.bump_map",
        r"the bumps of the modulator of channel 1 .* are where those of the modulator of channel 2 .* belong: the "
        "modulators stand in the order 2, 3, 1, 4 from west to east, 1, 3, 2, 4 asked",
    )


def test_outputs_of_demultiplexers_swapped(run: Run, says: Says) -> None:
    sent = run(edit=crossed("cpo_tx_mzm_row", ("demux", "o2"), ("demux", "o3")))
    assert sent.by_rule == {"LVS.swapped": 1}
    assert says(
        sent, "LVS.swapped", "^tx_1 to tx_2: channels 1 and 2 are swapped between the demultiplexer and the mul"
    )
    received = run(edit=crossed("cpo_rx_mzm_row", ("demux_lower", "o4"), ("demux_lower", "o5")))
    assert received.by_rule == {"LVS.swapped": 1}
    assert says(
        received,
        "LVS.swapped",
        "^rx_1 to rx_2: channels 3 and 4 are swapped between the lower demultiplexer and the up",
    )


def test_arms_that_are_longer_than_their_channels_want(run: Run, says: Says) -> None:
    little = run(change=arm_longer("stage_1", 40))
    assert says(
        little,
        "LVS.FILTER",
        r"^tx_1: stage 1 of the demultiplexer rests 0\.\d+ turns off its channels, 0\.02 allowed; its arms differ by "
        r"9\.7\d+ um as drawn; draw the difference for its channels",
    )
    half_a_turn = run(change=arm_longer("stage_2", 260, "rx_1/demux_lower"))
    assert says(
        half_a_turn,
        "LVS.swapped",
        r"^rx_1: the outputs of stage 2 of the lower demultiplexer are swapped: channel 1 leaves where channel 3 is",
    )
    assert run(change=arm_longer("stage_1", 4)).by_rule == {}


def test_stage_of_other_channels(run: Run, says: Says) -> None:
    def exchanged(bench: Bench) -> None:
        demux = bench.inside("tx_2/demux")
        one, two = bench.child(demux, "stage_1"), bench.child(demux, "stage_2")
        one.cell_index, two.cell_index = two.cell_index, one.cell_index

    result = run(change=exchanged)
    assert says(
        result,
        "LVS.FILTER",
        r"^tx_2: stage 2 of the demultiplexer does not part channel 1 from 3: at best 5\d % of a channel",
    )
    assert says(result, "LVS.FILTER", r"stage 1 of the demultiplexer does not part channels 1 and 3 from 2 and 4")

    def shared(bench: Bench) -> None:
        row = bench.child(bench.engine(), "tx_1").cell
        demux = bench.child(row, "demux").cell
        one, two = bench.child(demux, "stage_2"), bench.child(demux, "stage_3")
        one.cell_index, two.cell_index = two.cell_index, one.cell_index

    everywhere = run("package", change=shared)
    stages = [v for v in everywhere.violations if v.rule in ("LVS.FILTER", "LVS.swapped")]
    # two stages of a demultiplexer, a multiplexer, an upper and a lower demultiplexer; 2 rows in 3 engines
    assert len(stages) == 2 * 4
    assert {v.places for v in stages} == {6}


def test_bumps_of_a_modulator(run: Run, says: Says) -> None:
    def moved(bench: Bench) -> None:
        bench.child(bench.inside("tx_1/mzm_2"), "bump_e2").transform(kdb.DTrans(0.0, 3.0))

    assert says(run(change=moved), "LVS.BUMP_GRID", r"a bump lies \+0\.000, \+3\.000 um off the grid of 100 x 100 um")

    def gone(bench: Bench) -> None:
        bench.child(bench.inside("tx_1/mzm_2"), "bump_e11").delete()

    lacking = run(change=gone)
    assert says(lacking, "LVS.bumps", "163 bumps on the engine, 164 asked")
    assert says(lacking, "LVS.open", "mach_zehnder_modulator.e11 .* reaches no bump")


def test_modulators_of_another_sheet(files: Mapping[str, Path], says: Says) -> None:
    spec = parse_spec(
        TEXT.replace("bump_pitch_um:", "devices: {modulator: ring_modulator}\n  bump_pitch_um:"), Path("other.yaml")
    )
    file, sheets = read_layout(files["engine"]), load_sheets()
    result = lvs_layout(file, extract(file, leaf_factories(sheets)), sheets, spec)
    assert says(result, "LVS.device", "mach_zehnder_modulator found, the modulator of channel 1 .*ring_modulator")


def test_fibre_at_a_spare_and_airwire_to_it(run: Run, says: Says) -> None:
    def fibre(bench: Bench) -> None:
        own, other = bench.child(bench.top, "engine_N1").dtrans, bench.child(bench.top, "engine_S1").dtrans
        inst = bench.child(bench.top, "fibre_N1_tx_2")
        trans = other * own.inverted() * inst.dtrans
        bench.top.insert(kdb.DCellInstArray(inst.cell_index, trans))

    result = run("package", change=fibre)
    assert says(result, "LVS.fibre", r"1 fibres? at spare engine S1 \(tx_2\), 0 asked; remove")

    def wire(bench: Bench) -> None:
        own, other = bench.child(bench.top, "engine_N1").dtrans, bench.child(bench.top, "engine_S1").dtrans
        move = other * own.inverted()
        shape: Any = next(bench.top.shapes(bench.layer("AIRWIRE")).each())
        a, b = shape.dpath.each_point()
        left = bench.child(bench.top, "engine_N1").dbbox().contains(b)
        move = move if left else other * bench.child(bench.top, "engine_N2").dtrans.inverted()
        shape.dpath = kdb.DPath([a, move * b], 2.0)

    result = run("package", change=wire)
    assert says(result, "LVS.airwire", r"1 lane \([tr]x_\d/\d\) of spare engine S1 with an airwire, 0 asked")
    assert says(result, "LVS.airwire", r"of the north leads to engine S1, one of the north asked")
    assert says(result, "LVS.airwire", r"1 lane \([tr]x_\d/\d\) of engine N\d without an airwire")


def test_spare_that_is_missing(run: Run, says: Says) -> None:
    result = run("package", change=lambda bench: bench.child(bench.top, "engine_S1").delete())
    assert result.by_rule == {"LVS.engines": 1}
    assert says(result, "LVS.engines", "spare engine S1 is missing, 2 engines drawn, 3 asked")
