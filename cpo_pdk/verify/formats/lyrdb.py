"""Violations as a KLayout marker database (`.lyrdb`): opens beside the layout, each marker at its place.

Categories are the kinds of checks, below them the rules with what they ask for; waived violations have a category of
their own. A check that looked at nothing has an item without a place.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import klayout.db as kdb
import klayout.rdb as rdb

from cpo_pdk.output import write_bytes
from cpo_pdk.verify.findings import CheckResult, Verdict, Violation
from cpo_pdk.verify.formats.plain import number, plain
from cpo_pdk.verify.formats.rule_words import about
from cpo_pdk.verify.formats.summary import blind_message, looked, outcome, rule_lines


def write_lyrdb(result: CheckResult | Verdict, path: str | Path) -> Path:
    """Write the violations of a check so that KLayout shows them; whole or not at all.

    Args:
        result: of `check`, `drc` or `connectivity`.
        path: the file to write, usually `.lyrdb`.

    Returns:
        `path`.

    Raises:
        OutputError: it can't be written.
    """
    path = Path(path)
    verdict = result if isinstance(result, Verdict) else Verdict(file=path.stem, results=(result,))
    return write_bytes(path, text(verdict).encode("utf-8"))


def text(verdict: Verdict, layout_file: str = "") -> str:
    """The file as KLayout itself writes it; `layout_file` is not used: markers go by the names of cells."""
    database = rdb.ReportDatabase(plain(verdict.file))
    database.generator = "cpo check"
    database.description = f"{verdict.words}; {number(len(verdict.rules), 'rules')}, " + ", ".join(
        f"{r.looked_at:,} {r.what}" for r in verdict.results
    )
    if verdict.top:
        database.top_cell_name = plain(verdict.top)
    writer = _Writer(database)
    lines = rule_lines(verdict)
    for result in verdict.results:
        top = database.create_category(result.group)
        top.description = f"{looked(result)}: {outcome(result)}"
        if result in verdict.blind:
            item = writer.item(verdict.top or verdict.file, top)
            item.add_value(plain(blind_message(result)))
        for line in lines:
            if line.group == result.group and line.violations:
                category = writer.category(top, line.rule, line.group)
                for violation, state in line.violations:
                    writer.marker(violation, category, f"[{state}]" if state else "")
    if verdict.waived:
        top = database.create_category("waived")
        top.description = "violations that somebody answers for"
        for line in lines:
            if line.waived:
                category = writer.category(top, line.rule, line.group)
                for waived in line.waived:
                    until = f" until {waived.expires}" if waived.expires else ""
                    by = f" by {waived.by}" if waived.by else ""
                    writer.marker(waived.violation, category, plain(f"waived{until}{by}: {waived.reason}"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.lyrdb"
        database.save(str(file))
        return file.read_text("utf-8")


class _Writer:
    """Items of one database; each cell is entered once."""

    def __init__(self, database: rdb.ReportDatabase) -> None:
        self.database = database
        self.cells: dict[str, rdb.RdbCell] = {}

    def category(self, parent: rdb.RdbCategory, rule: str, group: str) -> rdb.RdbCategory:
        words = about(rule, group)
        category = self.database.create_category(parent, plain(rule))
        category.description = plain(words.text + (f": {words.source}" if words.source else ""))
        return category

    def item(self, cell: str, category: rdb.RdbCategory) -> rdb.RdbItem:
        name = plain(cell)
        if name not in self.cells:
            self.cells[name] = self.database.create_cell(name)
        return self.database.create_item(self.cells[name].rdb_id(), category.rdb_id())

    def marker(self, violation: Violation, category: rdb.RdbCategory, note: str = "") -> None:
        item = self.item(violation.cell, category)
        item.add_value(kdb.DBox(*violation.bbox))
        item.add_value(plain(violation.message))
        if violation.asked_at:
            item.add_value(plain(f"asked at {violation.asked_at}"))
        if note:
            item.add_value(note)
