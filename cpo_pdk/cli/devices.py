"""`cpo schema` and `cpo validate`: what an editor, and what a doubter, wants to know about the devices."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress


class Kind(StrEnum):
    """What there is a schema of."""

    SHEET = "sheet"
    PART = "part"
    PACKAGE = "package"
    CHECK = "check"
    WAIVERS = "waivers"


def schema(
    kind: Annotated[
        Kind,
        typer.Argument(
            help="sheet: of components/*.yaml; part: of components/parts/*.yaml; package: of assemblies/*.yaml; "
            "check: of what cpo check --json prints; waivers: of a file for cpo check --waivers."
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file in place of stdout.")] = None,
    json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a kind of file, with which an editor completes and checks it."""

    def work(progress: Progress) -> Outcome:
        from json import loads

        from cpo_pdk.output import write_text

        text = _schema_text(kind)
        if out is None:
            return Outcome(loads(text), text.splitlines())
        write_text(out, text)
        return Outcome({"schema": out.as_posix()}, [f"wrote {out.as_posix()}"])

    console.run(work, json)


def _schema_text(kind: Kind) -> str:
    if kind is Kind.CHECK:
        from cpo_pdk.verify.formats import json_document

        return json_document.schema_text()
    if kind is Kind.WAIVERS:
        from cpo_pdk.verify import waivers

        return waivers.schema_text()
    from cpo_pdk.assemblies.schemas import schema_text

    return schema_text(kind.value)


def validate(
    device: Annotated[str, typer.Argument(help="Only this device, or `link`, `energy`, `thermal`; default: all.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Also write the table to this Markdown file.")] = None,
    json: JsonOption = False,
) -> None:
    """Compare models, budgets and energies with published numbers: value, ours, difference, whether it is within."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.catalog.published import all_cases
        from cpo_pdk.errors import InputError
        from cpo_pdk.models.validation import compared, markdown
        from cpo_pdk.output import write_text
        from cpo_pdk.spec.suggestions import did_you_mean

        cases = all_cases()
        rows = compared(case for case in cases if device in ("", case.device))
        if not rows:
            known = sorted({case.device for case in cases})
            hint = did_you_mean(device, known) or ";"
            raise InputError(f"no published number of a device {device!r}{hint} there are: {', '.join(known)}")
        missed = [row for row in rows if not row["within"]]
        if out is not None:
            write_text(out, markdown(rows))
        text: list[Any] = [
            _table(rows),
            f"{len(rows)} published numbers, {len(missed)} missed by more than the stated bound",
        ]
        return Outcome({"cases": rows, "missed": len(missed)}, text, 1 if missed else 0)

    console.run(work, json)


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    from cpo_pdk.models.validation import figures

    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("device", "quantity", "published", "ours", "difference", "bound", "source"):
        table.add_column(column, justify="right" if column in ("published", "ours", "difference", "bound") else "left")
    for row in rows:
        published, ours, shown, bound = figures(row)
        style = "" if row["within"] else "bold red"
        cells = (
            row["device"],
            f"{row['quantity']} ({row['unit']})" + (" *" if row["fitted"] else ""),
            published,
            ours,
            shown,
            bound,
            row["source"],
        )
        table.add_row(*(Text(cell, style) for cell in cells))
    return table
