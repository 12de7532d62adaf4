"""`cpo explore`: search through designs, and build those that no other one beats."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.building import OutOption
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption
from cpo_pdk.cli.places import (
    InsecureOption,
    SchedulerOption,
    TlsCaOption,
    TlsCertOption,
    TlsKeyOption,
    WorkersOption,
    place_of,
)

if TYPE_CHECKING:
    from cpo_pdk.explore.study import Study
    from cpo_pdk.report.explore_data import Exploration, Point

Sampler = Literal["tpe", "nsga2", "random"]


def explore(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="YAML file of a study: base spec, what is free and wanted.")
    ],
    out: OutOption = Path("gds_out"),
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    tls_ca: TlsCaOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    insecure: InsecureOption = False,
    designs: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Designs to evaluate, in place of the study's.")
    ] = None,
    build: Annotated[
        int | None, typer.Option(min=0, max=200, help="Points of the front to build in full, in place of the study's.")
    ] = None,
    sampler: Annotated[Sampler | None, typer.Option(help="How designs are chosen, in place of the study's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the search, in place of the study's.")] = None,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Search through the designs of STUDY; build the best in full. What was computed before is not again."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.execution import Bar
        from cpo_pdk.explore.document import document, write_files
        from cpo_pdk.explore.run import explore as run
        from cpo_pdk.explore.study import load_study
        from cpo_pdk.explore.telling import why_none

        place = place_of(workers, scheduler, tls_ca, tls_cert, tls_key, insecure)
        asked = load_study(study)
        changed = {"designs": designs, "build": build, "sampler": sampler, "seed": seed}
        asked = _with(asked, {key: value for key, value in changed.items() if value is not None})
        with Bar(sys.stderr, "designs", "") as bar:
            result = run(asked, out, place=place, trust=trust, progress=progress, count=bar)
        files = write_files(result, Path(out) / asked.name)
        progress("")
        for note in result.notes:
            progress.warn(note)
        none = why_none(result)
        facts = document(result)
        shown = {key: value for key, value in facts.items() if key not in ("points", "measures")}
        shown["front"] = [point for point in facts["points"] if point["front"]]
        shown |= {"files": [file.as_posix() for file in files], "seconds": dict(result.seconds), "why_none": none}
        code = 130 if not result.complete else 1 if none else 0
        return Outcome(shown, [*_text(result), *([none] if none else []), "", *map(str, files)], code)

    console.run(work, json)


def _with(study: Study, changed: dict[str, Any]) -> Study:
    """A study with some values of the command line in place of its own; they have the same limits."""
    source = study._source
    again = study.model_copy(update=changed)
    return again.with_source(source) if source is not None else again


def _text(result: Exploration) -> list[Any]:
    from rich.table import Table

    counts = {v: sum(p.verdict == v for p in result.points) for v in ("feasible", "violates", "refused")}
    held = f"{counts['feasible']} keep all limits, {counts['violates']} break one, {counts['refused']} can't be made"
    text: list[Any] = [f"{result.name}: {len(result.points)} of {result.asked} designs evaluated: {held}"]
    if not result.complete:
        text.append("interrupted: what is known was kept, the same command goes on from here")
    if result.hypervolume:
        text.append(f"share of the space of objectives that is covered: {result.hypervolume[-1]:.3f}")
    if result.front:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for axis in (*result.objectives, *result.variables):
            table.add_column(f"{axis.name}{f' [{axis.unit}]' if axis.unit and axis.direction else ''}")
        table.add_column("package")
        for number in result.front:
            table.add_row(*_row(result, result.point(number)))
        text += ["", table]
    for limit in result.limits:
        if limit.kept_out:
            text.append(
                f"{limit.measure} kept out {limit.kept_out} designs, {limit.alone} of them alone ({limit.source})"
            )
    return text


def _row(result: Exploration, point: Point) -> list[str]:
    measures = {**point.measures, **(point.built.measures if point.built else {})}
    values = [f"{measures[axis.name]:.4g}" for axis in result.objectives]
    return [
        *values,
        *(str(point.values[axis.name]) for axis in result.variables),
        point.built.name if point.built else "-",
    ]
