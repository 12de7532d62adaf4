"""`cpo verify`: whether a result folder is what was released."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, printable
from cpo_pdk.cli.guard import Limits

if TYPE_CHECKING:
    from cpo_pdk.integrity import Integrity

_SHOWN = 100


def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that cpo build wrote, or a copy of it.")],
    expect: Annotated[
        str, typer.Option("--expect", metavar="SHA256", help="What the manifest must be, known from elsewhere.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Prove that a release is complete and unaltered: every file against manifest.json, and nothing besides."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.integrity import verify_folder

        progress(f"verifying {folder.name or folder}")
        result = verify_folder(folder, expect)
        progress("")
        return Outcome(result.as_json(), _text(result), 0 if result.complete else 1)

    console.run(work, json, Limits())


def _text(result: Integrity) -> list[Any]:
    from rich.table import Table
    from rich.text import Text

    manifest = result.manifest
    lines: list[Any] = [
        f"{result.folder}: {result.words}",
        f"  package   {manifest.name}",
        f"  spec      {manifest.spec[0]} {manifest.spec[1]}",
        f"  tools     {', '.join(f'{name} {version}' for name, version in manifest.tools.items())}",
        f"  manifest  {manifest.sha256}",
    ]
    if result.found:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("file", "what", "message"):
            table.add_column(heading)
        for entry in result.found[:_SHOWN]:
            table.add_row(*(Text(printable(t)) for t in (entry.file, entry.kind, entry.message)))
        lines.append(table)
        if len(result.found) > _SHOWN:
            lines.append(f"and {len(result.found) - _SHOWN} more; --json prints all")
    return lines
