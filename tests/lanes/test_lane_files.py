"""The files: all forms say the same, the schema holds, the same package gives the same bytes; the commands."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pyarrow.parquet as pq
import pytest

from cpo_pdk.cli.app import run
from cpo_pdk.lanes.files import FIBRE_CSV, FILES, LANE_CSV, LANE_JSON, LANE_PARQUET, write_lane_files
from cpo_pdk.lanes.probing import COLUMNS, probe_plan_json
from cpo_pdk.lanes.reading import lane_map_of, probe_plan_of
from cpo_pdk.lanes.rows import LaneMap
from cpo_pdk.lanes.tables import LANE_COLUMNS, schema, table_csv
from cpo_pdk.lanes.traces import trace_json, trace_report
from cpo_pdk.spec.loading import parse_spec

Maps = Mapping[str, LaneMap]
Files = Mapping[str, Path]


@pytest.fixture(scope="module")
def written(maps: Maps, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    assert [path.name for path in write_lane_files(maps["pair"], folder)] == list(FILES)
    return folder


def test_csv_json_and_parquet_say_the_same(written: Path) -> None:
    by_csv = list(csv.DictReader(io.StringIO((written / LANE_CSV).read_text("utf-8"))))
    by_json = json.loads((written / LANE_JSON).read_text("utf-8"))["lanes"]
    by_parquet = pq.read_table(written / LANE_PARQUET).to_pylist()
    assert by_json == by_parquet
    assert len(by_csv) == len(by_json) == 16
    for text, row in zip(by_csv, by_json, strict=True):
        for column in LANE_COLUMNS:
            value = row[column.name]
            assert text[column.name] == (f"{value:.{column.digits}f}" if column.digits is not None else str(value))


def test_the_document_keeps_to_its_schema_and_the_schema_refuses_others(written: Path) -> None:
    document = json.loads((written / LANE_JSON).read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    assert list(validator.iter_errors(document)) == []
    for spoil in (
        {"lanes": [{**document["lanes"][0], "port": "1"}]},
        {"lanes": [{k: v for k, v in document["lanes"][0].items() if k != "serdes"}]},
        {"fibres": [{**document["fibres"][0], "colour": "blue"}]},
        {"format": "another"},
    ):
        assert list(validator.iter_errors({**document, **spoil}))


def test_parquet_carries_what_its_columns_mean(written: Path) -> None:
    table = pq.read_table(written / LANE_PARQUET)
    assert table.schema.metadata[b"package"] == b"pair"
    for column in LANE_COLUMNS:
        assert table.schema.field(column.name).metadata[b"says"].decode() == column.says


def test_the_same_package_gives_the_same_bytes(drawn: Files, written: Path, tmp_path: Path) -> None:
    write_lane_files(lane_map_of(drawn["pair"]), tmp_path)
    assert all((tmp_path / name).read_bytes() == (written / name).read_bytes() for name in FILES)


def test_traces_are_held_against_the_reach_of_the_spec(maps: Maps, drawn: Files) -> None:
    text = (
        drawn["single"].parent / "again.yaml",
        "electrical: {reach: UCIe-S, loss_dB_mm: 0.2}\n",
    )
    base = (
        "name: single\nbandwidth_Tbps: 0.8\nasic: {size_mm: [8, 8], power_W: 20}\nsubstrate: {size_mm: [40, 40]}\n"
        "engines: {count: 2, per_side: {north: 1, east: 1}}\n"
        "engine: {architecture: ring_dr, bandwidth_Tbps: 0.4, tx_fibres: 4, rx_fibres: 4, laser_fibres: 1, "
        "lane_rate_Gbps: 100, modulation: PAM4, grid: {standard: custom, center_nm: 1310, channels: 1}}\n"
        "laser: {connector: ELS, per_wavelength_dBm: 15}\nfibres: {bend_radius_mm: 10}\n"
        "faceplate: {distance_mm: 80, connector: MPO-12}\n"
    )
    found = trace_report(maps["single"], parse_spec(base + text[1]))
    assert found.allowed_mm == 25.0 and found.over == ()
    assert found.worst is not None
    assert found.worst.longest_mm == max(row.trace_mm for row in maps["single"].lanes)
    assert found.worst.loss_dB == pytest.approx(0.2 * found.worst.longest_mm)
    short = trace_report(maps["single"], parse_spec(base + "electrical: {reach: UCIe-A}\n"))
    assert short.allowed_mm == 2.0 and len(short.over) == 16
    assert [e["traces"] for e in trace_json(short)["engines"]] == [8, 8]


def test_the_manifest_has_every_port_and_bump_at_its_place(drawn: Files, maps: Maps) -> None:
    plan = probe_plan_of(drawn["pair"])
    (die,) = plan.dies.values()
    assert die.loopbacks == (("loop_1", "loop_2"),)
    assert [engine.path for engine in plan.engines] == ["engine_E1", "engine_N1", "engine_W1"]  # the spare as well
    points = plan.placed_points()
    assert len(points) == 3 * len(die.points)
    facets = {(p.engine, p.name): (p.package_x_um, p.package_y_um) for p in points if p.kind == "optical"}
    for row in maps["pair"].fibres:
        assert facets[row.engine, row.port] == pytest.approx((row.facet_x_um, row.facet_y_um), abs=1e-6)
    bumps = {(p.engine, p.package_x_um, p.package_y_um): p for p in points if p.kind == "electrical"}
    for row in maps["pair"].lanes:
        bump = bumps[row.engine, row.bump_x_um, row.bump_y_um]
        assert (bump.device, bump.terminal, bump.use) == (row.device, row.terminal, "p")
        assert bump.lane == f"{row.direction}_{row.port}/{row.channel}"
    document = json.loads(json.dumps(probe_plan_json(plan)))
    assert document["dies"][0]["fibre_array"] == {"positions": 7, "pitch_um": 127.0, "uneven_um": 0.0}
    header = table_csv(points, COLUMNS).splitlines()[0]
    assert header.split(",") == [c.name for c in COLUMNS]


def test_an_engine_alone_has_a_manifest_of_its_own(drawn: Files) -> None:
    package = probe_plan_of(drawn["pair"])
    alone = probe_plan_of(drawn["pair"].parent / "engine.gds")
    assert next(iter(alone.dies.values())).points == next(iter(package.dies.values())).points
    assert all((p.x_um, p.y_um) == (p.package_x_um, p.package_y_um) for p in alone.placed_points())


def test_the_commands_write_files_and_tell_by_their_exit_code(
    drawn: Files, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gds = str(drawn["single"])
    assert run(["lanes", gds, "--out", str(tmp_path / "out"), "--cable", "B", "--engine", "N1", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["closed"] and document["cables"]["fitting"] == ["B"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")) == sorted(FILES)
    assert (tmp_path / "out" / FIBRE_CSV).read_text("utf-8").count("\n") == 1 + len(document["fibres"])
    assert run(["lanes", gds, "--cable", "A"]) == 1
    assert "meets tx_1" in capfd.readouterr().out
    assert run(["lanes", gds, "--engine", "N1"]) == 0
    assert "MPO-N1.1" in capfd.readouterr().out
    assert run(["testmap", gds, "--out", str(tmp_path / "map")]) == 0
    assert "loop_1 - loop_2" in capfd.readouterr().out


def test_the_spec_of_another_package_is_told(drawn: Files, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["lanes", str(drawn["single"]), "--spec", "optical_io_ucie"]) == 0
    told = capfd.readouterr().out.splitlines()[-1]
    assert told == (
        "note         spec optical_io_ucie has 64 lanes in each direction in 1 engine, the layout 8 in 2: "
        "another package?"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cable", "D"], "one of A, B, C"),
        (["--engine", "Q7"], "there are E1, N1"),
        (["--far", "nowhere.gds"], "no such file"),
        (["--spec", "nowhere"], "nowhere"),
    ],
)
def test_bad_questions_are_refused_in_one_line(
    drawn: Files, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["lanes", str(drawn["single"]), *arguments]) == 2
    told = capfd.readouterr().err.strip().splitlines()
    assert said in told[-1]
