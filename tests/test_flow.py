"""The whole path on the package that ships: what comes out, that it is the same twice, and what stops it."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import klayout.db as kdb
import pytest

import cpo_pdk
from cpo_pdk import flow
from cpo_pdk.build_result import BuildResult
from cpo_pdk.cli.app import run
from cpo_pdk.errors import InputError, OutputError, SpecError
from cpo_pdk.spec import data_folder
from cpo_pdk.tech.layers import layer_of

SPEC = data_folder("assemblies") / "switch_51t2.yaml"
FILES = {
    "banks.json",
    "budget.csv",
    "checks.json",
    "crosstalk.png",
    "energy.png",
    "engine.gds",
    "engine.png",
    "fibre_map.csv",
    "insertion_loss.png",
    "lane_map.csv",
    "lane_map.json",
    "lane_map.parquet",
    "lanes.csv",
    "lanes.json",
    "manifest.json",
    "margin.png",
    "netlist.json",
    "operation.json",
    "optical_devices.json",
    "package.png",
    "report.html",
    "spectra.png",
    "switch_51t2.gds",
    "switch_51t2.oas",
    "temperature.png",
    "violations.lyrdb",
}
#: channels so close that rings don't tell them apart: a warning of the spec
CLOSER = {
    "standard: CW-WDM": "standard: custom",
    "spacing_GHz: 200}": "spacing_GHz: 60}\n  heater_bias_nm: 0.1",
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gds_out")


@pytest.fixture(scope="module")
def result(out: Path) -> BuildResult:
    return cpo_pdk.build(SPEC, out)


def package(name: str, change: tuple[str, str], folder: Path) -> Path:
    text, count = re.subn(*change, SPEC.read_text("utf-8"), count=1)
    assert count, f"the shipped spec has no {change[0]!r}"
    file = folder / f"{name}.yaml"
    file.write_text(text, "utf-8")
    return file


def test_the_package_is_clean_and_closes(result: BuildResult) -> None:
    document = result.as_json()
    assert result.clean
    assert (document["bandwidth_Tbps"], document["engines"], document["lanes_per_direction"]) == (51.2, 8, 512)
    assert document["fibres"] == {"tx": 64, "rx": 64, "laser": 16, "loopback": 32, "total": 176}
    assert document["checks"]["drc"]["violations"] == document["checks"]["connectivity"]["violations"] == 0
    assert document["checks"]["drc"]["shapes"] > 10_000 and document["checks"]["connectivity"]["ports"] > 10_000
    for spread in document["insertion_loss_dB"].values():
        assert 0 < spread["min"] <= spread["median"] <= spread["max"] < 40
    assert -60 < document["crosstalk_dB"]["worst"] < -10
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_the_document_has_exactly_the_keys_that_scripts_rely_on(result: BuildResult) -> None:
    keys = "name gds netlist report bandwidth_Tbps engines lanes_per_direction fibres checks lanes seconds operation"
    assert set(result.as_json()) == {*keys.split(), "insertion_loss_dB", "crosstalk_dB", "oasis", "lane_map"}


def test_the_folder_holds_the_results_and_nothing_else(result: BuildResult, out: Path) -> None:
    assert {p.name for p in result.gds.parent.iterdir()} == FILES
    assert [p.name for p in out.iterdir()] == ["switch_51t2"]


def test_the_table_has_one_row_a_lane(result: BuildResult) -> None:
    with result.lanes.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == "engine,direction,port,channel,wl_um,fibre,insertion_loss_dB,crosstalk_dB"
    assert len({(r["engine"], r["direction"], r["port"], r["channel"]) for r in rows}) == len(rows) == 1024
    assert all(re.fullmatch(r"[\w-]+\.\d+", r["fibre"]) for r in rows)


def test_items_of_every_lane_sum_to_its_loss(result: BuildResult) -> None:
    for lane in result.simulation.lanes:
        assert sum(item.loss_dB for item in lane.items) == pytest.approx(lane.insertion_loss_dB, abs=1e-6)


def test_a_second_build_gives_the_same_bytes(result: BuildResult, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
        "PYTHONPATH": str(Path(flow.__file__).parent.parent),
    }
    command = [sys.executable, "-m", "cpo_pdk", "build", "switch_51t2", "--json", "--out", "again"]
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["gds"] == "again/switch_51t2/switch_51t2.gds"
    for name in FILES:
        assert (tmp_path / "again/switch_51t2" / name).read_bytes() == (result.gds.parent / name).read_bytes(), name


def test_no_file_holds_a_path_or_a_user(result: BuildResult, out: Path) -> None:
    for file in result.gds.parent.iterdir():
        data = file.read_bytes()
        assert str(out).encode() not in data and str(Path.home()).encode() + b"/" not in data, file.name


def test_check_and_simulate_say_the_same_of_the_file(result: BuildResult) -> None:
    found = cpo_pdk.check(result.gds, spec=SPEC)
    assert found.clean and found.looked_at == result.verdict.looked_at > 100_000
    alone = cpo_pdk.check(result.gds)
    assert alone.clean and any("no spec was given" in notice for notice in alone.notices)
    lanes = cpo_pdk.simulate(result.gds).lanes
    assert [lane.insertion_loss_dB for lane in lanes] == [lane.insertion_loss_dB for lane in result.simulation.lanes]
    engine = cpo_pdk.simulate(result.engine_gds)
    assert len(engine.lanes) == 128


def test_a_violation_is_reported_and_the_exit_code_is_1(
    result: BuildResult, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A sliver drawn into the built file by hand: `report` and `check` find it, results are written all the same."""
    folder = tmp_path / "switch_51t2"
    folder.mkdir()
    for name in ("switch_51t2.gds", "engine.gds"):
        (folder / name).write_bytes((result.gds.parent / name).read_bytes())
    layout = kdb.Layout()
    layout.read(str(folder / "switch_51t2.gds"))
    layout.top_cell().shapes(layout.layer(*layer_of("M1"))).insert(kdb.DBox(40_000, 40_000, 40_000.2, 40_010))
    options = kdb.SaveLayoutOptions()
    options.write_context_info = True
    options.gds2_write_timestamps = False
    layout.write(str(folder / "switch_51t2.gds"), options)
    assert run(["report", str(SPEC), "--out", str(tmp_path), "--json"]) == 1
    document = json.loads(capfd.readouterr().out)
    assert document["checks"]["drc"]["violations"] >= 1
    assert "M1.W" in (folder / "report.html").read_text()
    assert run(["check", str(folder / "switch_51t2.gds"), "--json", "--report", str(tmp_path / "m.lyrdb")]) == 1
    found = json.loads(capfd.readouterr().out)
    assert found["by_rule"]["M1.W"] >= 1
    assert found["markers"][0].keys() >= {"rule", "layer", "cell", "bbox", "message", "fingerprint"}
    assert (tmp_path / "m.lyrdb").stat().st_size > 0


def test_report_needs_a_build(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="build it first"):
        flow.report(SPEC, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((r"bandwidth_Tbps: 51\.2", "bandwidth_Tbps: 51.3"), "51.2"),
        ((r"pitch_mm: 12\.0", "pich_mm: 12.0"), 'did you mean "pitch_mm"'),
        ((r"gap_mm: 3\.0", "gap_mm: .nan"), "gap_mm"),
        ((r"gap_mm: 3\.0", "gap_mm: wide"), "number"),
        ((r"name: switch_51t2", "name: ../../evil"), "name"),
        ((r"modulator: ring_modulator", "modulator: ring_modulater"), 'did you mean "ring_modulator"'),
        ((r"pitch_mm: 12\.0", "pitch_mm: 1.5"), "pitch_mm"),
        ((r"bend_radius_mm: 15", "bend_radius_mm: 90"), "bend radius"),
        ((r"lane_rate_Gbps: 100", "lane_rate_Gbps: 100\n  edge_mm: 1.0"), "edge"),
        ((r"substrate:", "substrate: !!python/name:os.system"), "tag"),
    ],
)
def test_a_bad_spec_is_refused_with_its_place_and_nothing_is_written(
    tmp_path: Path, change: tuple[str, str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gds_out").mkdir()
    spec = package("bad", change, tmp_path)
    assert run(["build", str(spec), "--out", str(tmp_path / "gds_out"), "--json"]) == 2
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    error = json.loads(out)["error"]
    assert said in error["message"], error
    assert error["problems"][0]["line"] >= 1 and error["problems"][0]["file"].endswith("bad.yaml")
    assert [p for p in (tmp_path / "gds_out").rglob("*") if p.is_file()] == []


def test_a_spec_that_is_not_there_says_what_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="switch_51t2"):
        cpo_pdk.build("swich_51t2", tmp_path)
    with pytest.raises(SpecError, match=r"broken\.yaml"):
        (tmp_path / "broken.yaml").write_text("name: [")
        cpo_pdk.build(tmp_path / "broken.yaml", tmp_path)


def test_an_output_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="can't be written"):
        cpo_pdk.build(SPEC, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_an_interrupted_build_leaves_the_results_of_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "gds_out/switch_51t2"
    folder.mkdir(parents=True)
    (folder / "switch_51t2.gds").write_text("the one before")
    environment = {**os.environ, "PYTHONPATH": str(Path(flow.__file__).parent.parent)}
    command = [sys.executable, "-m", "cpo_pdk", "build", "switch_51t2", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 240
        while not list(folder.glob(".tmp-*/*.gds")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out)["error"]["exit_code"] == 130 and "Traceback" not in err
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["switch_51t2.gds"]
    assert (folder / "switch_51t2.gds").read_text() == "the one before"
    assert [p.name for p in (tmp_path / "gds_out").iterdir()] == ["switch_51t2"]


def test_the_pdk_is_reachable_from_the_face() -> None:
    assert {"ring_modulator", "straight"} <= set(cpo_pdk.PDK.cells)


def test_own_cells_run_only_when_trusted(tmp_path: Path) -> None:
    """A project with Python beside its sheets: refused with the cure, and none of it run, until one says `trust`."""
    project = tmp_path / "project"
    shutil.copytree(Path(__file__).parents[1] / "examples" / "own_project", project)
    cell = project / "components" / "boxed_modulator.py"
    cell.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n" + cell.read_text("utf-8"), encoding="utf-8")
    spec = project / "assemblies" / "small_switch.yaml"
    with pytest.raises(SpecError, match="--trust"):
        flow.build(spec, out=tmp_path / "out", project=project)
    assert not (tmp_path / "ran").exists()


def test_a_sheet_that_wins_over_a_shipped_one_is_named(
    tmp_path: Path, result: BuildResult, small_io_text: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    """On stderr and in the report of a build, and in what `simulate` says; the report holds no folder."""
    (tmp_path / "assemblies").mkdir()
    (tmp_path / "components").mkdir()
    spec = tmp_path / "assemblies" / "mine.yaml"
    spec.write_text(small_io_text(CLOSER), "utf-8")
    own = (SPEC.parent.parent / "components" / "ring_modulator.yaml").read_text("utf-8")
    (tmp_path / "components" / "ring_modulator.yaml").write_text(own, "utf-8")
    assert run(["build", str(spec), "--out", str(tmp_path / "out")]) == 0
    said = "components/ring_modulator.yaml of the project is used in place of"
    assert f"warning: {said}" in capfd.readouterr().err
    page = (tmp_path / "out" / "optical_io_ucie" / "report.html").read_text("utf-8")
    assert said in page and "mine.yaml:" in page and str(tmp_path) not in page
    assert any(said in w for w in cpo_pdk.simulate(result.engine_gds, project=tmp_path).warnings)
    assert not any(said in w for w in cpo_pdk.simulate(result.engine_gds).warnings)


def test_a_layout_that_was_cut_badly_is_reported_all_the_same(
    result: BuildResult, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without an engine there are no lanes; the checks that say why are written, and the exit code is 1."""
    folder = tmp_path / "switch_51t2"
    folder.mkdir()
    (folder / "engine.gds").write_bytes((result.gds.parent / "engine.gds").read_bytes())
    layout = kdb.Layout()
    layout.read(str(result.gds))
    top = layout.top_cell()
    for instance in list(top.each_inst()):
        if str(instance.property(0)).startswith("engine_"):
            instance.delete()
    for cell in list(layout.top_cells()):
        if cell.cell_index() != top.cell_index():
            layout.prune_cell(cell.cell_index(), -1)
    options = kdb.SaveLayoutOptions()
    options.write_context_info = True
    layout.write(str(folder / "switch_51t2.gds"), options)
    assert run(["report", str(SPEC), "--out", str(tmp_path), "--json"]) == 1
    captured = capfd.readouterr()
    document = json.loads(captured.out)
    assert document["lanes_per_direction"] == 0 and document["checks"]["connectivity"]["violations"] > 100
    assert "no lane was computed" in captured.err and "Traceback" not in captured.err
    assert "CONN.loose_facet" in (folder / "violations.lyrdb").read_text()
