"""A difference as a file: JSON, Markdown for a comment on a pull request, markers for KLayout."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import klayout.db as kdb
import klayout.rdb as rdb

from cpo_pdk.difference.findings import Difference, Region
from cpo_pdk.difference.words import (
    causes_of,
    crosstalk_groups,
    decibel,
    device_lines,
    looked_at,
    loss_groups,
    summary,
    verdict,
)
from cpo_pdk.errors import InputError
from cpo_pdk.output import write_text
from cpo_pdk.verify.formats.plain import markdown as escaped
from cpo_pdk.verify.formats.plain import markdown_code as code
from cpo_pdk.verify.formats.plain import plain

#: rows of a table in a comment; fewer when it gets longer than `LIMIT`
ROWS = (20, 8, 3)
#: bytes; GitHub refuses a comment of more than 65,536 characters
LIMIT = 65_000
#: lanes among the markers
SHOWN = 20
#: characters of one message in a comment
LONGEST = 400
#: markers of one layer
MARKERS = 5_000


def write_report(result: Difference, path: Path) -> Path:
    """Write a report; its ending says which: `.md`, `.lyrdb` or `.json`.

    Raises:
        InputError: another ending.
        OutputError: it can't be written.
    """
    return write_text(path, writer_of(path)(result))


def writer_of(path: Path) -> Callable[[Difference], str]:
    """What makes the text of a report file.

    Raises:
        InputError: an ending that stands for none.
    """
    found = _WRITERS.get(path.suffix.lower())
    if found is None:
        raise InputError(f"{path}: ending {path.suffix!r} is no kind of report; use one of {', '.join(_WRITERS)}")
    return found


def json_text(result: Difference) -> str:
    """The document of `--json`, indented."""
    return json.dumps(result.as_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def markdown_text(result: Difference) -> str:
    """A comment for a pull request: the verdict, what says most, tables of what is largest."""
    for rows in ROWS:
        text = _comment(result, rows)
        if len(text.encode()) <= LIMIT:
            break
    return text


def _comment(result: Difference, shown: int) -> str:
    sign = "✅" if result.passed else "❌"
    lines = [f"## {sign} cpo diff: {code(_short(result.a))} → {code(_short(result.b))}", ""]
    lines += [f"**{_words(verdict(result))}**; {_words(looked_at(result))}", ""]
    lines += [f"- ❌ {_words(text)}" for text in result.not_compared]
    lines += [f"- {'✅' if gate.passed else '❌'} {gate.name}: {_words(gate.message)}" for gate in result.gates]
    lines += [f"- {_words(text)}" for text in summary(result)]
    lines += [f"- {_words(text)}" for text in result.notices]
    groups = loss_groups(result.lanes)
    lines += _table(
        f"### Loss{_of(len(groups), shown, 'groups of lanes')}",
        ("lanes", "change (dB)", "worst", "why"),
        [
            (
                f"{len(group.lanes)} {group.lanes[0].direction}",
                decibel(-group.lanes[0].more_loss_dB),
                _words(group.lanes[0].name),
                _words(group.causes),
            )
            for group in groups[:shown]
        ],
    )
    groups = crosstalk_groups(result.lanes)
    lines += _table(
        f"### Crosstalk{_of(len(groups), shown, 'groups of lanes')}",
        ("lanes", "change (dB)", "worst", "now (dB)", "largest change"),
        [
            (
                f"{len(group.lanes)} {group.lanes[0].direction}",
                decibel(group.lanes[0].more_crosstalk_dB),
                _words(group.lanes[0].name),
                f"{group.lanes[0].crosstalk_dB[1]:.2f}",
                _words(group.causes),
            )
            for group in groups[:shown]
        ],
    )
    lines += _table(
        "### Polygons",
        ("layer", "changed (µm²)", "added", "removed", "polygons", "most in"),
        [
            (
                code(layer.layer),
                f"{layer.changed_um2:,.6g}",
                f"{layer.added_um2:,.6g}",
                f"{layer.removed_um2:,.6g}",
                f"{layer.polygons:,}",
                _most_in(layer.regions),
            )
            for layer in result.geometry.changed
        ],
    )
    devices = device_lines(result.circuit)
    lines += _table(
        f"### Devices{_of(len(devices), shown, 'changes')}",
        ("in", "places", "change"),
        [(code(where), f"{places:,}", _words(text)) for where, places, text in devices[:shown]],
    )
    links = result.circuit.connections
    lines += _table(
        f"### Connections{_of(len(links), shown, 'changes')}",
        ("in", "places", "", "between"),
        [(code(c.where or "top"), f"{c.places:,}", c.kind, f"{code(c.a)} {code(c.b)}") for c in links[:shown]],
    )
    renamed = result.geometry.cells.renamed
    lines += _table(
        f"### Cells renamed, with equal polygons{_of(len(renamed), shown, 'cells')}",
        ("before", "now"),
        [(code(a), code(b)) for a, b in renamed[:shown]],
    )
    return "\n".join(lines).rstrip() + "\n"


def _table(title: str, heads: Sequence[str], rows: Sequence[Iterable[str]]) -> list[str]:
    if not rows:
        return []
    lines = ["", title, "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _of(number: int, shown: int, what: str) -> str:
    return f" ({shown} of {number:,} {what})" if number > shown else ""


def _most_in(regions: Sequence[Region]) -> str:
    first = regions[0]
    places = f" in {first.places:,} places" if first.places > 1 else ""
    more = f", {len(regions) - 1:,} more" if len(regions) > 1 else ""
    return f"{code(first.cell)} at ({first.bbox[0]:.3f}, {first.bbox[1]:.3f}){places}{more}"


def _words(text: str) -> str:
    return escaped(plain(text, LONGEST))


def _short(name: str) -> str:
    return name if len(name) <= 120 else "..." + name[-117:]


def lyrdb_text(result: Difference) -> str:
    """Markers for KLayout, to be opened beside the second layout: a category a layer, added and removed below it."""
    database = rdb.ReportDatabase(plain(result.b))
    database.generator = "cpo diff"
    database.description = plain(f"{result.a} -> {result.b}: {verdict(result)}; {looked_at(result)}")
    cells: dict[str, rdb.RdbCell] = {}
    for layer in result.geometry.changed:
        top = database.create_category(plain(layer.layer))
        top.description = f"{layer.changed_um2:.6g} um2, {layer.polygons} polygons"
        kinds = {True: database.create_category(top, "added"), False: database.create_category(top, "removed")}
        count = 0
        for region in layer.regions:
            name = plain(region.cell)
            if name not in cells:
                cells[name] = database.create_cell(name)
            for points, is_added in region.outlines:
                if count == MARKERS:
                    break
                count += 1
                item = database.create_item(cells[name].rdb_id(), kinds[is_added].rdb_id())
                item.add_value(kdb.DPolygon([kdb.DPoint(x, y) for x, y in points]))
                if region.places > 1:
                    item.add_value(f"in {region.places} places")
    lost = result.lanes.by_loss
    if lost:
        top_cell = database.create_cell("lanes") if "lanes" not in cells else cells["lanes"]
        category = database.create_category("lanes")
        category.description = "lanes that lose more or less, without a place"
        for change in lost[:SHOWN]:
            item = database.create_item(top_cell.rdb_id(), category.rdb_id())
            item.add_value(plain(f"{change.name} {decibel(-change.more_loss_dB)} dB: {causes_of(change)}"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "difference.lyrdb"
        database.save(str(file))
        return file.read_text("utf-8")


_WRITERS: dict[str, Callable[[Difference], str]] = {".md": markdown_text, ".lyrdb": lyrdb_text, ".json": json_text}
