"""`cpo check` and `cpo simulate`: questions to a layout file, wherever it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress
from cpo_pdk.cli.guard import Limits

if TYPE_CHECKING:
    from cpo_pdk.circuit.results import SimulationResult
    from cpo_pdk.verify.findings import Verdict

GdsArgument = Annotated[Path, typer.Argument(metavar="GDS", help="A GDS or OASIS file.")]
_SHOWN = 50


def check(
    gds: GdsArgument,
    markers: Annotated[Path | None, typer.Option("--markers", help="Also write them to this file for KLayout.")] = None,
    json: JsonOption = False,
) -> None:
    """Run the design rules and the connectivity checks on a layout file."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import flow

        result = flow.check(gds, progress=progress)
        if markers is not None:
            from cpo_pdk.verify.formats.lyrdb import write_lyrdb

            write_lyrdb(result, markers)
        progress("")
        return Outcome(result.as_json(), _found(result), 0 if result.clean else 1)

    console.run(work, json, Limits())


def simulate(
    gds: GdsArgument,
    lanes: Annotated[
        Path | None, typer.Option("--lanes", help="Also write the table of all lanes to this CSV file.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst lanes to print.")] = 10,
    json: JsonOption = False,
) -> None:
    """Extract the netlist of a layout file and compute loss and crosstalk of its lanes."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import flow

        result = flow.simulate(gds, progress=progress)
        if lanes is not None:
            from cpo_pdk.output import write_text
            from cpo_pdk.report.tables import lane_csv

            write_text(lanes, lane_csv(result.lanes))
        progress("")
        for warning in result.warnings:
            progress.warn(warning)
        return Outcome(flow.simulation_json(result, gds), _lanes(result, worst))

    console.run(work, json, Limits())


def _found(result: Verdict) -> list[Any]:
    from rich.table import Table

    looked = ", ".join(f"{r.looked_at:,} {r.what}" for r in result.results)
    text: list[Any] = [f"{result.words}: {looked} against {len(result.rules)} rules"]
    if result.violations:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("rule", "layer", "cell", "at (um)", "message"):
            table.add_column(heading)
        for v in result.violations[:_SHOWN]:
            left, bottom, *_ = v.bbox
            table.add_row(*(_plain(t) for t in (v.rule, v.layer, v.cell, f"{left:.3f}, {bottom:.3f}", v.message)))
        text.append(table)
        if len(result.violations) > _SHOWN:
            text.append(f"and {len(result.violations) - _SHOWN} more; --json prints all")
    return text


def _lanes(result: SimulationResult, worst: int) -> list[Any]:
    from rich.table import Table

    from cpo_pdk.report.tables import COLUMNS, lane_row, worst_lanes

    text: list[Any] = [
        f"{len(result.lanes)} lanes; "
        + ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in result.counts.items())
    ]
    if worst and result.lanes:
        table = Table(box=None, padding=(0, 2, 0, 0), title="worst lanes", title_justify="left")
        for heading in COLUMNS:
            table.add_column(heading)
        for lane in worst_lanes(result.lanes, worst):
            table.add_row(*(_plain(t) for t in lane_row(lane)))
        text.append(table)
    return text


def _plain(text: str) -> Any:
    """A name out of a layout file is text, never markup or a control sequence of the terminal."""
    from rich.text import Text

    return Text("".join(c if c.isprintable() else "?" for c in text))
