"""`cpo export`: a layout in the forms of other trades."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress
from cpo_pdk.cli.guard import Limits
from cpo_pdk.cli.inspecting import GdsArgument


def export(
    gds: GdsArgument,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the files; made if needed.")],
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="FORMAT",
            help="oasis, dies, blackbox, 3dblox, netlist, dxf, svg, glb or step; may be repeated. "
            "Default: all but step, which needs the extra 'step'.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a layout for package tools, mechanical design, mask shops, and those who get no inside."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.handover.export import FORMATS
        from cpo_pdk.handover.export import export as write

        done = write(gds, out, only, say=progress)
        progress("")
        for note in done.notes:
            progress.warn(note)
        entries = [
            {"format": kind, "file": name, "bytes": (done.folder / name).stat().st_size}
            for kind, names in done.files.items()
            for name in names
        ]
        document = {
            "gds": gds.as_posix(),
            "out": done.folder.as_posix(),
            "files": entries,
            "seconds": {kind: round(seconds, 3) for kind, seconds in done.seconds.items()},
            "warnings": list(done.notes),
        }
        return Outcome(document, [_table(entries, FORMATS), f"in {done.folder.as_posix()}"])

    console.run(work, json, Limits())


def _table(entries: list[dict[str, object]], about: dict[str, str]) -> object:
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column()
    table.add_column(justify="right")
    before = ""
    for entry in entries:
        kind = str(entry["format"])
        what = about[kind] if kind != before else ""
        table.add_row(what, console.printable(str(entry["file"])), f"{entry['bytes']:,} bytes")
        before = kind
    return table
