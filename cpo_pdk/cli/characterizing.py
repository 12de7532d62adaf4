"""`cpo characterize`: compute the tables of waveguide modes again."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress


def characterize(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="A part: strip, rib, etch, couplers, bends, overlap, tips. May be given again."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A coarse mesh, to try it out.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the tables.")] = Path("gds_out/characterize"),
    json: JsonOption = False,
) -> None:
    """Compute the tables of waveguide modes with a mode solver; all of them take about an hour."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import output
        from cpo_pdk.errors import InputError

        if find_spec("femwell") is None:
            raise InputError('the mode solver femwell is missing; run: pip install "cpo-pdk[characterize]"')
        from cpo_pdk.characterize.tables import PARTS, as_text, compute

        wanted = list(dict.fromkeys(only or PARTS))
        unknown = [name for name in wanted if name not in PARTS]
        if unknown:
            raise InputError(f"--only {unknown[0]!r} is no part; there are: {', '.join(PARTS)}")
        folder = output.chosen_folder(out)
        files = {}
        for name in wanted:
            text = as_text(compute(name, quick=quick, tell=progress))
            progress("")
            files[name] = output.write_text(folder / f"{PARTS[name].file}.json", text).as_posix()
        lines = [f"{name:9} {path}" for name, path in files.items()]
        return Outcome({"quick": quick, "files": files}, lines)

    console.run(work, json)
