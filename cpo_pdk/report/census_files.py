"""The census as CSV, JSON and KLayout markers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import klayout.db as kdb
import klayout.rdb as rdb

from cpo_pdk.circuit.census.results import KINDS, Census, Entry, Run, Victim
from cpo_pdk.errors import OutputError

#: half the size of a marker, um
MARK_UM = 2.0
COLUMNS = (
    *("victim", "direction", "port", "channel", "polarization", "kind"),
    *("level_dB", "source", "instance", "x_um", "y_um", "what"),
)


def _entries(result: Census) -> Iterator[tuple[Victim, Entry]]:
    for victim in result.victims:
        for entry in victim.entries:
            yield victim, entry


def worst_entries(result: Census) -> list[tuple[Victim, Entry]]:
    """The worst entry of every kind, worst first."""
    worst: dict[str, tuple[Victim, Entry]] = {}
    for victim, entry in _entries(result):
        if entry.kind not in worst or entry.level_dB > worst[entry.kind][1].level_dB:
            worst[entry.kind] = (victim, entry)
    return sorted(worst.values(), key=lambda pair: -pair[1].level_dB)


def by_kind(result: Census) -> list[tuple[str, int, float, str]]:
    """Kind, number of entries, worst level in dB and meaning, worst first."""
    number: dict[str, int] = {}
    for _, entry in _entries(result):
        number[entry.kind] = number.get(entry.kind, 0) + 1
    return [(entry.kind, number[entry.kind], entry.level_dB, KINDS[entry.kind]) for _, entry in worst_entries(result)]


def census_csv(result: Census) -> str:
    """One line an entry."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for victim, e in _entries(result):
        where = (victim.name, victim.direction, victim.port, victim.channel, victim.polarization)
        writer.writerow((*where, e.kind, f"{e.level_dB:.3f}", e.source, e.instance, f"{e.x:.3f}", f"{e.y:.3f}", e.what))
    return text.getvalue()


def census_json(result: Census) -> dict[str, Any]:
    """The `--json` document of `cpo census`."""
    return {
        "limit_dB": result.limit_dB,
        "counts": result.counts,
        "warnings": list(result.warnings),
        "runs": [asdict(run) for run in result.runs],
        "victims": [{"name": victim.name, **asdict(victim)} for victim in result.victims],
    }


def write_census_markers(result: Census, path: str | Path) -> Path:
    """Write places of entries and parallel runs so that KLayout shows them; one marker a place and kind.

    Raises:
        OutputError: the file can't be written.
    """
    path = Path(path)
    database = rdb.ReportDatabase(path.stem)
    database.generator = "cpo census"
    database.description = f"{result.counts.get('entries', 0)} entries above {result.limit_dB:g} dB"
    cell = database.create_cell("census")
    categories: dict[str, rdb.RdbCategory] = {}

    def add(kind: str, meaning: str, x: float, y: float, text: str) -> None:
        if kind not in categories:
            categories[kind] = database.create_category(kind)
            categories[kind].description = meaning
        item = database.create_item(cell.rdb_id(), categories[kind].rdb_id())
        item.add_value(kdb.DBox(x - MARK_UM, y - MARK_UM, x + MARK_UM, y + MARK_UM))
        item.add_value(text)

    for (kind, x, y), (victim, entry, number) in _places(result).items():
        text = f"{entry.level_dB:.1f} dB of {victim.name} from {entry.source}: {entry.what}"
        add(kind, KINDS[entry.kind], x, y, text + (f"; and {number - 1} weaker here" if number > 1 else ""))
    for run in result.runs:
        add("run", "two waveguides beside each other", run.x, run.y, _run_text(run))
    try:
        database.save(str(path))
    except RuntimeError as error:
        raise OutputError(f"{path}: can't be written ({' '.join(str(error).split())}); check the folder") from error
    return path


def _places(result: Census) -> dict[tuple[str, float, float], tuple[Victim, Entry, int]]:
    """The worst entry at every place, with how many there are."""
    found: dict[tuple[str, float, float], tuple[Victim, Entry, int]] = {}
    for victim, entry in _entries(result):
        key = (entry.kind, entry.x, entry.y)
        known = found.get(key)
        if known is None:
            found[key] = (victim, entry, 1)
        else:
            worse = (victim, entry) if entry.level_dB > known[1].level_dB else known[:2]
            found[key] = (*worse, known[2] + 1)
    return found


def _run_text(run: Run) -> str:
    return f"{run.level_dB:.1f} dB, gap {run.gap_um:.3f} um, {run.length_um:.1f} um: {run.a} | {run.b}"
