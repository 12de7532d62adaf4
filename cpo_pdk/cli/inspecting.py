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
    from cpo_pdk.verify.findings import Group

GdsArgument = Annotated[Path, typer.Argument(metavar="GDS", help="A GDS or OASIS file.")]


def check(
    gds: GdsArgument,
    spec: Annotated[
        str | None,
        typer.Option("--spec", metavar="SPEC", help="What the package was asked to be: a spec file, or its name."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="KIND", help="drc, photonic, connectivity, lvs or assembly; may be repeated."),
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Also write the result: .lyrdb for KLayout, .xml (JUnit), .sarif, .html, .md, .json or .txt by its "
            "suffix; may be repeated.",
        ),
    ] = None,
    waivers: Annotated[
        Path | None, typer.Option("--waivers", metavar="FILE", help="Violations that somebody answers for (YAML).")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="FILE", help="An earlier result (.json): only what is new fails."),
    ] = None,
    github: Annotated[bool, typer.Option("--github", help="Print annotations for GitHub Actions.")] = False,
    time_limit: Annotated[
        int, typer.Option("--time-limit", metavar="S", min=1, max=100_000, help="Processor time allowed, s.")
    ] = Limits.cpu_s,
    memory_limit: Annotated[
        float, typer.Option("--memory-limit", metavar="GB", min=0.5, max=4096, help="Memory allowed, GB.")
    ] = Limits.memory_GB,
    json: JsonOption = False,
) -> None:
    """Check a layout file: design rules, waveguides, connections, circuit against spec, and package."""

    def work(progress: Progress) -> Outcome:
        from datetime import date
        from typing import cast

        from cpo_pdk import flow
        from cpo_pdk.output import refuse_unwritable
        from cpo_pdk.report.check_files import refuse_unknown, write_report
        from cpo_pdk.verify.baseline import compare, read_baseline
        from cpo_pdk.verify.formats.github import annotations, shield
        from cpo_pdk.verify.formats.text import found
        from cpo_pdk.verify.waivers import apply_waivers, load_waivers

        for file in report or ():
            refuse_unknown(file)
            refuse_unwritable(file, but=(gds, waivers, baseline))
        granted = None if waivers is None else load_waivers(waivers)
        earlier = None if baseline is None else read_baseline(baseline)
        verdict = flow.check(gds, progress=progress, spec=spec, only=cast("list[Group] | None", only or None))
        if granted is not None:
            verdict = apply_waivers(verdict, granted, date.today())
        if earlier is not None:
            verdict = compare(verdict, earlier)
        for file in report or ():
            write_report(verdict, file, gds)
        progress("")
        text, lines = found(verdict), ""
        if github:
            stop, go_on = shield()
            lines = "".join(f"{line}\n" for line in [*annotations(verdict, str(gds)), stop])
            text.append(go_on)
        return Outcome(verdict.as_json(), text, 0 if verdict.passed else 1, lines)

    console.run(work, json, Limits(time_limit, memory_limit, options=True))


def simulate(
    gds: GdsArgument,
    lanes: Annotated[
        Path | None, typer.Option("--lanes", help="Also write the table of all lanes to this CSV file.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst lanes to print.")] = 10,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            metavar="C",
            min=-100,
            max=300,
            help="Of all engines: as drawn (at --reference) if left out.",
        ),
    ] = None,
    reference: Annotated[
        float, typer.Option("--reference", metavar="C", min=-100, max=300, help="That the devices are drawn for.")
    ] = 25.0,
    json: JsonOption = False,
) -> None:
    """Extract the netlist of a layout file and compute loss and crosstalk of its lanes."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import flow
        from cpo_pdk.build_result import simulation_json

        dT = None if temperature is None else temperature - reference
        result = flow.simulate(gds, progress=progress, dT_K=dT)
        if lanes is not None:
            from cpo_pdk.output import write_text
            from cpo_pdk.report.tables import lane_csv

            write_text(lanes, lane_csv(result.lanes))
        progress("")
        for warning in result.warnings:
            progress.warn(warning)
        document, text = simulation_json(result, gds), _lanes(result, worst)
        if temperature is not None:
            document |= {"temperature_C": temperature, "reference_C": reference}
            text.append(f"all engines at {temperature:g} C, drawn for {reference:g} C")
        return Outcome(document, text)

    console.run(work, json, Limits())


def _lanes(result: SimulationResult, worst: int) -> list[Any]:
    from rich.table import Table

    from cpo_pdk.report.tables import COLUMNS, shown_row, worst_lanes

    text: list[Any] = [
        f"{len(result.lanes)} lanes; "
        + ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in result.counts.items())
    ]
    if worst and result.lanes:
        table = Table(box=None, padding=(0, 2, 0, 0), title="worst lanes", title_justify="left")
        for heading in COLUMNS:
            table.add_column(heading)
        for lane in worst_lanes(result.lanes, worst):
            table.add_row(*(_plain(t) for t in shown_row(lane)))
        text.append(table)
    return text


def _plain(text: str) -> Any:
    """A name out of a layout file is text, never markup or a control sequence of the terminal."""
    from rich.text import Text

    return Text("".join(c if c.isprintable() else "?" for c in text))
