"""`cpo census`: what disturbs the lanes of a layout file, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, printable
from cpo_pdk.cli.guard import Limits

if TYPE_CHECKING:
    from cpo_pdk.circuit.census.results import Census

GdsArgument = Annotated[Path, typer.Argument(metavar="GDS", help="A GDS or OASIS file.")]


def census(
    gds: GdsArgument,
    limit: Annotated[
        float, typer.Option("--limit-dB", help="List what is above this, relative to the wanted.")
    ] = -60.0,
    top: Annotated[int, typer.Option("--top", min=0, help="How many victims and entries to print.")] = 10,
    markers: Annotated[Path | None, typer.Option("--markers", help="Also write them to this file for KLayout.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write all entries to this CSV file.")] = None,
    json: JsonOption = False,
) -> None:
    """Find everything that disturbs the lanes of a layout: neighbours, parallel runs, crossings, reflections."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.circuit.census.census import census as take_census
        from cpo_pdk.models import MODELS
        from cpo_pdk.report.census_files import census_csv, census_json, write_census_markers
        from cpo_pdk.spec import load_sheets

        progress(f"taking the census of {gds.name}")
        result = take_census(gds, load_sheets(Path.cwd()), MODELS, limit_dB=limit)
        if markers is not None:
            write_census_markers(result, markers)
        if csv is not None:
            from cpo_pdk.output import write_text

            write_text(csv, census_csv(result))
        progress("")
        for warning in result.warnings:
            progress.warn(warning)
        return Outcome({"gds": gds.as_posix(), **census_json(result)}, _text(result, top))

    console.run(work, json, Limits())


def _text(result: Census, top: int) -> list[Any]:
    from rich.table import Table
    from rich.text import Text

    from cpo_pdk.report.census_files import by_kind, worst_entries

    counts = result.counts
    lines: list[Any] = [
        f"{counts['neighbours_met']:,} pairs of neighbours, {counts['parallel_runs']:,} parallel runs; "
        f"{len(result.victims):,} victims, {counts['entries']:,} entries above {result.limit_dB:g} dB"
    ]
    lines += [
        f"  {kind:<11} {number:>6,}  worst {level:7.1f} dB  {meaning}"
        for kind, number, level, meaning in by_kind(result)
    ]

    def table(title: str, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        if rows and top:
            drawn = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
            for heading in headings:
                drawn.add_column(heading)
            for row in rows[:top]:
                drawn.add_row(*(Text(printable(cell)) for cell in row))
            lines.append(drawn)

    worst = sorted(result.victims, key=lambda victim: -victim.incoherent_dB)
    table(
        "worst victims",
        ("victim", "coherent (dB)", "incoherent (dB)", "worst entry"),
        [
            (v.name, f"{v.coherent_dB:.1f}", f"{v.incoherent_dB:.1f}", v.entries[0].source if v.entries else "-")
            for v in worst
        ],
    )
    table(
        "worst entries of each kind",
        ("kind", "dB", "victim", "source", "instance", "at (um)"),
        [
            (e.kind, f"{e.level_dB:.1f}", v.name, e.source, e.instance, f"{e.x:.3f}, {e.y:.3f}")
            for v, e in worst_entries(result)
        ],
    )
    table(
        "parallel runs",
        ("dB", "gap (um)", "length (um)", "a", "b", "at (um)"),
        [
            (f"{r.level_dB:.1f}", f"{r.gap_um:.3f}", f"{r.length_um:.1f}", r.a, r.b, f"{r.x:.3f}, {r.y:.3f}")
            for r in result.runs
        ],
    )
    return lines
