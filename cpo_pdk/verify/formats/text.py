"""The verdict for a person: what a terminal shows, and the same as a plain text file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from cpo_pdk.verify.findings import Verdict, Violation
from cpo_pdk.verify.formats.plain import number, plain
from cpo_pdk.verify.formats.summary import blind_message, compared, looked, outcome, rule_lines

#: violations that a terminal gets
SHOWN = 50
_LONGEST = 1000
#: widest column of a file that the next one is lined up behind
_WIDEST = 100


@dataclass(frozen=True)
class _Columns:
    """Rows in columns, already printable; without headings where there are none."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Line:
    """A line, printable, with the style of its first words."""

    text: str
    style: str = ""
    first: str = ""


def text(verdict: Verdict, layout_file: str = "") -> str:
    """All of it as plain text, a violation a line, without colours; `layout_file` is not used."""
    lines: list[str] = []
    for part in _parts(verdict, None):
        lines += _aligned(part) if isinstance(part, _Columns) else [part.first + part.text]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def found(verdict: Verdict, shown: int | None = SHOWN) -> list[Any]:
    """Lines and tables, in the order in which they are printed.

    Args:
        verdict: of `cpo check`.
        shown: how many violations are listed; None: all.

    Returns:
        plain strings, and things that rich draws.
    """
    return [_drawn(part) for part in _parts(verdict, shown)]


def _parts(verdict: Verdict, shown: int | None) -> list[_Columns | _Line]:
    seen = ", ".join(f"{r.looked_at:,} {r.what}" for r in verdict.results)
    parts: list[_Columns | _Line] = [_Line(plain(f"{verdict.words}: {seen} against {len(verdict.rules)} rules"))]
    if verdict.comparison is not None:
        parts.append(_Line(f"against the earlier run: {compared(verdict)}"))
    parts.append(
        _Columns(
            (),
            tuple(
                (f"  {r.group}", outcome(r), number(len(r.rules), "rules"), plain(looked(r))) for r in verdict.results
            ),
        )
    )
    parts += [_Line("", "bold red", plain(blind_message(result))) for result in verdict.blind]
    parts += _violations(verdict, shown)
    gone = verdict.comparison.gone if verdict.comparison else ()
    parts += _table(("fixed", "layer", "cell", "at (um)"), [(v.rule, v.layer, v.cell, _at(v)) for v in gone], shown)
    parts += _table(
        ("waived", "cell", "at (um)", "until", "by", "reason"),
        [
            (w.violation.rule, w.violation.cell, _at(w.violation), str(w.expires or ""), w.by, w.reason)
            for w in verdict.waived
        ],
        shown,
    )
    return [*parts, *(_Line(plain(notice), "yellow", "notice: ") for notice in verdict.notices)]


def _violations(verdict: Verdict, shown: int | None) -> list[_Columns | _Line]:
    """New ones before those that the earlier run had."""
    states = verdict.comparison is not None
    entries = [(v, state) for line in rule_lines(verdict) for v, state in line.violations]
    entries.sort(key=lambda entry: entry[1] == "unchanged")
    headings = (*(("",) if states else ()), "rule", "layer", "cell", "at (um)", "message")
    rows = [(*((s,) if states else ()), v.rule, v.layer, v.cell, _at(v), v.message) for v, s in entries]
    return _table(headings, rows, shown)


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], shown: int | None) -> list[_Columns | _Line]:
    """A table with as many rows as are shown, and how many are not; nothing without rows."""
    if not rows:
        return []
    listed = rows if shown is None else rows[:shown]
    made = _Columns(headings, tuple(tuple(plain(value, _LONGEST) for value in row) for row in listed))
    rest = len(rows) - len(listed)
    return [made, _Line(f"and {rest:,} more; --json prints all")] if rest else [made]


def _drawn(part: _Columns | _Line) -> Any:
    if isinstance(part, _Line):
        return Text(part.first, part.style).append(part.text, "default") if part.first else part.text
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=bool(part.headings))
    for heading in part.headings:
        table.add_column(heading)
    for row in part.rows:
        if part.headings:
            table.add_row(*map(Text, row))
        else:
            good = {"clean": "green", "not applicable": "dim"}
            table.add_row(Text(row[0]), Text(row[1], good.get(row[1], "bold red")), *map(Text, row[2:]))
    return table


def _aligned(part: _Columns) -> list[str]:
    rows = [*([part.headings] if part.headings else []), *part.rows]
    widths = [min(_WIDEST, max(len(row[i]) for row in rows)) for i in range(len(rows[0]))] if rows else []
    return ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) for row in rows]


def _at(v: Violation) -> str:
    return f"{v.bbox[0]:.3f}, {v.bbox[1]:.3f}"
