"""`cpo diff`: what is different between two builds, down to the decibels of every lane."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cpo_pdk.cli import console, guard
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, printable

if TYPE_CHECKING:
    from cpo_pdk.difference.findings import Difference

_BUILD = "A GDS or OASIS file, or a folder that cpo build wrote"
_SHOWN = 10


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help=f"Before. {_BUILD}.")],
    b: Annotated[Path, typer.Argument(metavar="B", help=f"Now. {_BUILD}.")],
    max_loss_change: Annotated[
        float | None, typer.Option("--max-loss-change", metavar="DB", help="Fail when a lane loses so much more.")
    ] = None,
    max_crosstalk_change: Annotated[
        float | None,
        typer.Option("--max-crosstalk-change", metavar="DB", help="Fail when crosstalk of a lane rises so much."),
    ] = None,
    no_geometry: Annotated[bool, typer.Option("--no-geometry", help="Fail when any polygon differs.")] = False,
    layers: Annotated[
        str, typer.Option("--layers", help="Compare polygons on these only: names or numbers, WG,M1,1/10.")
    ] = "",
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Compute all lanes now, also where a folder brings its own.")
    ] = False,
    report: Annotated[
        list[Path] | None, typer.Option("--report", help="Also write this file: .md, .lyrdb or .json; repeatable.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare two builds: polygons by layer, circuit, and loss and crosstalk of every lane, with the reasons."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.difference.files import write_report, writer_of
        from cpo_pdk.difference.findings import Limits
        from cpo_pdk.difference.run import compare
        from cpo_pdk.output import refuse_unwritable

        for path in report or ():
            writer_of(path)  # an ending that is none is told before the work
            refuse_unwritable(path, but=(a, b))
        result = compare(
            a,
            b,
            limits=Limits(max_loss_change, max_crosstalk_change, geometry=not no_geometry),
            layers=tuple(name.strip() for name in layers.split(",") if name.strip()),
            simulate_both=simulate,
            progress=progress,
        )
        for path in report or ():
            write_report(result, path)
        progress("")
        for notice in result.notices:
            progress.warn(notice)
        return Outcome(result.as_json(), _text(result), 0 if result.passed else 1)

    console.run(work, json, guard.Limits())


def _text(result: Difference) -> list[Any]:
    from rich.table import Table
    from rich.text import Text

    from cpo_pdk.difference.words import causes_of, decibel, device_lines, looked_at, loss_groups, summary, verdict

    lines: list[Any] = [f"{verdict(result)}; {looked_at(result)}"]
    lines += [f"not compared: {text}" for text in result.not_compared]
    lines += [f"{'kept' if gate.passed else 'FAILED'} {gate.name}: {gate.message}" for gate in result.gates]
    lines += summary(result)

    def table(title: str, heads: tuple[str, ...], rows: list[tuple[str, ...]], total: int) -> None:
        if rows:
            drawn = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
            for head in heads:
                drawn.add_column(head)
            for row in rows:
                drawn.add_row(*(Text(printable(cell)) for cell in row))
            lines.append("")
            lines.append(drawn)
            if total > len(rows):
                lines.append(f"and {total - len(rows):,} more; --json prints all")

    groups = loss_groups(result.lanes)
    table(
        "loss",
        ("lanes", "worst", "loss before (dB)", "now", "change", "why"),
        [
            (
                f"{len(group.lanes)} {worst.direction}",
                worst.name,
                f"{worst.loss_dB[0]:.3f}",
                f"{worst.loss_dB[1]:.3f}",
                decibel(-worst.more_loss_dB),
                causes_of(worst),
            )
            for group in groups[:_SHOWN]
            for worst in group.lanes[:1]
        ],
        len(groups),
    )
    changed = result.geometry.changed
    table(
        "polygons",
        ("layer", "changed (um2)", "added", "removed", "polygons", "most in", "places"),
        [
            (
                e.layer,
                f"{e.changed_um2:,.6g}",
                f"{e.added_um2:,.6g}",
                f"{e.removed_um2:,.6g}",
                f"{e.polygons:,}",
                f"{e.regions[0].cell} at {e.regions[0].bbox[0]:.3f}, {e.regions[0].bbox[1]:.3f}",
                f"{e.regions[0].places:,}",
            )
            for e in changed
        ],
        len(changed),
    )
    devices = device_lines(result.circuit)
    table(
        "devices",
        ("in", "places", "change"),
        [(where, f"{places:,}", text) for where, places, text in devices[:_SHOWN]],
        len(devices),
    )
    links = result.circuit.connections
    table(
        "connections",
        ("in", "places", "", "between"),
        [(c.where or "top", f"{c.places:,}", c.kind, f"{c.a} {c.b}") for c in links[:_SHOWN]],
        len(links),
    )
    return lines
