"""`cpo init` and `cpo list`: a project of one's own, and what there is to use in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress


def init(
    name: Annotated[str, typer.Argument(help="Folder of the new project; must not exist yet.")],
    json: JsonOption = False,
) -> None:
    """Make a project: components/, assemblies/, gds_out/ and tests/, with the package that ships as a start."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.cli.new_project import create

        folder, files = create(Path(name))
        text = [
            f"made {folder.as_posix()} with {len(files)} files; next:",
            f"  cd {folder.as_posix()}",
            "  cpo build assemblies/switch_51t2.yaml",
        ]
        return Outcome({"project": folder.as_posix(), "files": files}, text)

    console.run(work, json)


def list_(json: JsonOption = False) -> None:
    """List the device sheets, bought parts, cells and package specs: those that ship and those of this project."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.cli.catalog import inventory

        document = inventory(Path.cwd())
        return Outcome(document, _tables(document))

    console.run(work, json)


def _tables(document: dict[str, list[dict[str, str]]]) -> list[Any]:
    from rich.table import Table
    from rich.text import Text

    tables: list[Any] = []
    for kind, rows in document.items():
        table = Table(box=None, padding=(0, 2, 0, 0), title=f"{kind} ({len(rows)})", title_justify="left")
        for column in rows[0] if rows else ():
            table.add_column(column)
        for row in rows:
            table.add_row(*(Text(str(value)) for value in row.values()))
        tables += [table, ""]
    return tables
