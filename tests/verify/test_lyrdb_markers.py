"""The marker database is read back by KLayout, and is written whole or not at all."""

from __future__ import annotations

import klayout.rdb as rdb
import pytest

from cpo_pdk.errors import OutputError
from cpo_pdk.verify import CheckResult, Violation, write_lyrdb

RESULT = CheckResult(
    violations=(
        Violation(
            "CONN.dangling", "-", "bond:r90", (-0.5, -0.5, 0.5, 0.5), "a.o1 leads nowhere; <connect> it & 'be done'"
        ),
        Violation("WG.W", "WG", "engine", (1.0, 2.0, 3.0, 4.5), "width 0.1 um, limit 0.12 um; widen it"),
        Violation("WG.W", "WG", "ring<1>", (1.0, 2.0, 3.0, 4.5), "width 0.1 um, limit 0.12 um; widen it"),
    ),
    rules=("WG.W", "CONN.dangling"),
    looked_at=12,
)


def test_klayout_reads_what_was_written(tmp_path):
    path = write_lyrdb(RESULT, tmp_path / "out.lyrdb")
    database = rdb.ReportDatabase("back")
    database.load(str(path))
    items = {
        (
            database.category_by_id(item.category_id()).name(),
            database.cell_by_id(item.cell_id()).name(),
            tuple(value.string() if value.is_string() else str(value.box()) for value in item.each_value()),
        )
        for item in database.each_item()
    }
    assert items == {(v.rule, v.cell, ("({:g},{:g};{:g},{:g})".format(*v.bbox), v.message)) for v in RESULT.violations}
    widths = next(c for group in database.each_category() for c in group.each_sub_category() if c.name() == "WG.W")
    assert "0.12" in widths.description
    assert [p.name for p in tmp_path.iterdir()] == ["out.lyrdb"]


def test_the_same_result_gives_the_same_bytes(tmp_path):
    first = write_lyrdb(RESULT, tmp_path / "a.lyrdb").read_bytes()
    again = write_lyrdb(RESULT, tmp_path / "a.lyrdb").read_bytes()
    assert first == again


def test_no_violations_is_a_valid_file(tmp_path):
    path = write_lyrdb(CheckResult((), ("WG.W",), 5), tmp_path / "clean.lyrdb")
    database = rdb.ReportDatabase("back")
    database.load(str(path))
    assert database.num_items() == 0


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError):
        write_lyrdb(RESULT, tmp_path / "none" / "out.lyrdb")
