"""The verdict for a person: what a terminal shows, and the same as a plain text file."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cpo_pdk.verify.findings import Verdict, Violation
from cpo_pdk.verify.formats.plain import number, plain
from cpo_pdk.verify.formats.summary import blind_message, compared, looked, outcome, rule_lines

#: violations that a terminal gets
SHOWN = 50
#: columns of a file: no message is broken
_WIDTH = 20_000
_LONGEST = 1000


def text(verdict: Verdict, layout_file: str = "") -> str:
    """All of it as plain text, a violation a line, without colours; `layout_file` is not used."""
    stream = io.StringIO()
    console = Console(file=stream, width=_WIDTH, color_system=None, force_terminal=False, highlight=False, emoji=False)
    for item in found(verdict, shown=None):
        console.print(Text(item) if isinstance(item, str) else item, soft_wrap=isinstance(item, str))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def found(verdict: Verdict, shown: int | None = SHOWN) -> list[Any]:
    """Lines and tables, in the order in which they are printed.

    Args:
        verdict: of `cpo check`.
        shown: how many violations are listed; None: all.

    Returns:
        plain strings, and things that rich draws.
    """
    seen = ", ".join(f"{r.looked_at:,} {r.what}" for r in verdict.results)
    told = [f"{verdict.words}: {seen} against {len(verdict.rules)} rules"]
    if verdict.comparison is not None:
        told.append(f"against the earlier run: {compared(verdict)}")
    text: list[Any] = [*told, _groups(verdict)]
    text += [Text(f"{plain(blind_message(result))}", "bold red") for result in verdict.blind]
    lines = [(v, state) for line in rule_lines(verdict) for v, state in line.violations]
    lines.sort(key=lambda entry: entry[1] == "unchanged")
    listed = lines if shown is None else lines[:shown]
    if listed:
        table = _table(*(("",) if verdict.comparison else ()), "rule", "layer", "cell", "at (um)", "message")
        for v, state in listed:
            row = (v.rule, v.layer, v.cell, _at(v), v.message)
            table.add_row(*(Text(plain(t, _LONGEST)) for t in ((state, *row) if verdict.comparison else row)))
        text.append(table)
        if len(lines) > len(listed):
            text.append(f"and {len(lines) - len(listed):,} more; --json prints all")
    gone = verdict.comparison.gone if verdict.comparison else ()
    if gone:
        table = _table("fixed", "layer", "cell", "at (um)")
        for v in gone if shown is None else gone[:shown]:
            table.add_row(*(Text(plain(t, _LONGEST)) for t in (v.rule, v.layer, v.cell, _at(v))))
        text.append(table)
    if verdict.waived:
        table = _table("waived", "cell", "at (um)", "until", "by", "reason")
        for w in verdict.waived if shown is None else verdict.waived[:shown]:
            v = w.violation
            row = (v.rule, v.cell, _at(v), w.expires.isoformat() if w.expires else "", w.by, w.reason)
            table.add_row(*(Text(plain(t, _LONGEST)) for t in row))
        text.append(table)
        if shown is not None and len(verdict.waived) > shown:
            text.append(f"and {len(verdict.waived) - shown:,} more waived; --json prints all")
    text += [Text("notice: ", "yellow").append(plain(notice), "default") for notice in verdict.notices]
    return text


def _groups(verdict: Verdict) -> Table:
    """One line for each kind of check: how much it looked at and what came out."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for result in verdict.results:
        blind = result.looked_at == 0 and not result.not_applicable
        style = "bold red" if blind or result.violations else "green" if not result.not_applicable else "dim"
        rules = number(len(result.rules), "rules")
        table.add_row(Text(f"  {result.group}"), Text(plain(looked(result))), Text(rules), Text(outcome(result), style))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading)
    return table


def _at(v: Violation) -> str:
    return f"{v.bbox[0]:.3f}, {v.bbox[1]:.3f}"
