"""`cpo tolerance`: how well the fibres are attached, how well they must be, and what limits them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption, printable
from cpo_pdk.cli.guard import Limits

if TYPE_CHECKING:
    from cpo_pdk.analysis import Prepared
    from cpo_pdk.attach.facet import Facet
    from cpo_pdk.attach.limits import Limit
    from cpo_pdk.attach.results import Accuracy, Share, ToleranceResult
    from cpo_pdk.circuit.simulation import Simulator
    from cpo_pdk.spec import PackageSpec
    from cpo_pdk.spec.part import Part


def tolerance(
    target: Annotated[str, typer.Argument(metavar="SPEC|GDS", help="A package spec, or a layout file of a package.")],
    spec: Annotated[
        str | None,
        typer.Option("--spec", metavar="SPEC", help="What a layout was asked to be; default: by its top cell's name."),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option("--limit", metavar="DB", help="What a fibre may lose beyond its drawn coupling; default 1 dB."),
    ] = None,
    margin: Annotated[
        bool,
        typer.Option("--margin", help="In place of --limit: every lane keeps production.margin_dB, heat and all."),
    ] = False,
    wanted: Annotated[
        float, typer.Option("--yield", metavar="PCT", help="Yield that accuracies are asked for, in per cent.")
    ] = 99.0,
    unit: Annotated[Literal["array", "package"], typer.Option("--of", help="Of what that is the yield.")] = "array",
    attach: Annotated[
        str | None,
        typer.Option("--attach", metavar="SHEET", help="Sheet of kind attach; default: production.parts.attach."),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", help="Fibre arrays that are drawn, 10 to 1,000,000.")] = 10_000,
    seed: Annotated[int, typer.Option(metavar="K", help="Of all random streams, 0 to 2^63 - 1.")] = 1,
    engine: Annotated[
        str | None,
        typer.Option("--engine", metavar="CELL", help="Which kind of engine, where a layout has several."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Also write all fibres to this file.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Also draw losses, errors and yields as PNG.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write all of it as one page.")
    ] = None,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Loss of misaligned fibres, what each error costs, and the alignment accuracy that a yield needs."""

    layout = Path(target).suffix.lower() in (".gds", ".gds2", ".gdsii", ".oas", ".oasis", ".gz")

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import analysis
        from cpo_pdk.attach.bumps import Bumps
        from cpo_pdk.attach.document import tolerance_csv, tolerance_json
        from cpo_pdk.attach.limits import Limit, check_allowed
        from cpo_pdk.attach.model import AttachModel
        from cpo_pdk.attach.tolerance import Asked, check_asked
        from cpo_pdk.attach.tolerance import tolerance as analyse
        from cpo_pdk.circuit.facet_ports import facets_of
        from cpo_pdk.circuit.simulation import Simulator
        from cpo_pdk.errors import InputError
        from cpo_pdk.output import refuse_unwritable, write_bytes, write_text
        from cpo_pdk.project import read_inputs

        if margin and limit is not None:
            raise InputError(f"--limit {limit:g} and --margin say two limits, 1 allowed; leave one of them out")
        check_asked(wanted / 100, samples, seed)
        check_allowed(1.0 if limit is None else limit)
        for file in (csv, picture, html):
            if file is not None:
                refuse_unwritable(file, but=(Path(target),))
        if not layout:  # drawing takes longer than to see that a sheet is not there
            _sheet(read_inputs(target, None)[0], target, attach)
        prepared = analysis.prepare(target, spec, progress=progress, trust=trust)
        sheet = _sheet(prepared.spec, (spec or prepared.spec.name) if layout else target, attach)
        simulator = prepared.simulator or Simulator(prepared.file, prepared.sheets, netlists=prepared.netlists)
        cell, others = _cell(simulator, engine)
        facet = facets_of(simulator)[cell]
        names = [one.name for one in simulator.engines if one.cell == cell]
        kept: Limit = (
            _margins(prepared, simulator, cell, facet, names, progress)
            if margin
            else Limit.each_fibre(facet, 1.0 if limit is None else limit)
        )
        progress("attaching the fibres")
        connector = prepared.parts.connector
        model = AttachModel.of(sheet, facet, connector)
        size = simulator.netlists.cells[cell].info.get("size_um")
        bumps = Bumps.of(sheet, prepared.spec.asic.bump_pitch_um, size) if size else None
        asked = Asked(prepared.spec.name, cell, len(names), kept, wanted / 100, unit, samples, seed)
        result = analyse(model, asked, bumps=bumps, pairs=prepared.spec.link.connectors, connector=connector.name)
        if csv is not None:
            write_text(csv, tolerance_csv(result))
        if picture is not None:
            from cpo_pdk.report.figures import png
            from cpo_pdk.report.tolerance_plots import tolerance_figure

            write_bytes(picture, png(tolerance_figure(result)))
        if html is not None:
            from cpo_pdk.report.tolerance_page import tolerance_html

            write_text(html, tolerance_html(result))
        progress("")
        warnings = list(dict.fromkeys([*prepared.notes, *others]))
        for note in warnings:
            progress.warn(note)
        return Outcome({**tolerance_json(result), "warnings": warnings}, text_of(result))

    console.run(work, json, Limits() if layout else None)


def _sheet(package: PackageSpec, spec: str, name: str | None) -> Part:
    """The sheet of kind attach: the one that was asked for, or that of the package; `spec` is its file or name."""
    from cpo_pdk.errors import InputError
    from cpo_pdk.project import project_of
    from cpo_pdk.spec.part import unknown_part
    from cpo_pdk.spec.part_choice import load_parts
    from cpo_pdk.spec.production_choice import production_sheets

    parts = load_parts(project_of(spec))
    if name is None:
        return production_sheets(package, parts).attach
    if name not in parts or parts[name].kind != "attach":
        raise InputError(f"--attach {name}: {unknown_part(name, 'attach', parts)}")
    return parts[name]


def _cell(simulator: Simulator, name: str | None) -> tuple[str, list[str]]:
    """The engine cell that is looked at, and what to say of others."""
    from cpo_pdk.errors import InputError
    from cpo_pdk.spec.suggestions import did_you_mean

    cells = sorted(simulator.solvers)
    if name is None:
        rest = ", ".join(cells[1:])
        return cells[0], [f"engines of other kinds are left out: {rest}; ask for them: --engine CELL"] if rest else []
    if name not in cells:
        raise InputError(
            f"--engine {name}: no such engine{did_you_mean(name, cells) or '; there are: ' + ', '.join(cells)}"
        )
    return name, []


def _margins(
    prepared: Prepared, simulator: Simulator, cell: str, facet: Facet, names: list[str], progress: Progress
) -> Limit:
    """The limit that lanes keep the margin of the spec's production, at its state."""
    from cpo_pdk import analysis
    from cpo_pdk.link.fibre_slack import laser_felt, margin_limit
    from cpo_pdk.link.light_path import losses_outside
    from cpo_pdk.link.own_light import OwnLight

    production = prepared.spec.production
    operation = analysis.operate(prepared, progress, transient=False)
    lasers = {sender.port: sender.laser for sender in simulator.solvers[cell].drawn.transmit}
    outside = losses_outside(prepared.spec, prepared.parts, prepared.sheets)
    own = OwnLight(prepared.spec, prepared.sheets, outside)
    felt = laser_felt(own, prepared.simulation.lanes, names, lasers)
    return margin_limit(facet, operation[production.state].budget.lanes, names, lasers, production.margin_dB, felt)


def _percent(share: Share) -> str:
    return f"{share.value:.3%} ({share.low:.3%} to {share.high:.3%})"


def text_of(result: ToleranceResult) -> list[Any]:
    """What a person reads."""
    from rich.table import Table

    worst = ", ".join(f"{value:.2f} dB at {q:g} %" for q, value in result.worst_quantiles_dB.items())
    text: list[Any] = [
        f"{printable(result.name)}: {result.engines} x {len(result.ports)} fibres attached, sheet {result.sheet}, "
        f"{result.samples} samples; limit: {result.limit}",
        f"fibres {_percent(result.fibre)}, arrays {_percent(result.array)}, packages {_percent(result.package)}",
        f"worst fibre of an array loses {worst}",
    ]
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left")
    table.title = f"largest standard deviation with which {100 * result.wanted:.6g} % of the {result.unit}s are good"
    for heading in ("what", "sheet", "needed", "95 % interval", "all else perfect", "yield when perfect"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for one in result.accuracies:
        table.add_row(*_accuracy_row(one))
    text.append(table)
    if any(one.needed is None for one in result.accuracies):
        text.append("none: however good this one is, the others as they are don't let the yield come about")
    table = Table(box=None, padding=(0, 2, 0, 0), title="what costs most", title_justify="left")
    for heading in ("error at zero", "array yield", "mean dB", "1 dB at", "one sigma, outer and middle fibre, dB"):
        table.add_column(heading, justify="left" if heading == "error at zero" else "right")
    sensitive = {axis.name: axis for axis in result.sensitivity.axes}
    middle = len(result.ports) // 2
    for saving in result.savings:
        axis = sensitive[saving.name]
        table.add_row(
            saving.words,
            _percent(saving.array),
            f"{saving.mean_dB:.3f}",
            "-" if axis.for_1dB is None else f"{axis.for_1dB:.3g} {axis.unit}",
            f"{axis.at_sigma_dB[0]:.3f}  {axis.at_sigma_dB[middle]:.3f}",
        )
    text.append(table)
    if result.bumps is not None:
        bumps = result.bumps
        needed = "no place is good enough" if bumps.needed_x_um is None else f"{bumps.needed_x_um:.2f} um needed"
        text.append(
            f"joints of an engine: all within {bumps.reach_um:.3g} um of their pads ({bumps.pitch_um:g} um pitch) in "
            f"{_percent(bumps.yield_share)}; worst joint {bumps.offset_95_um:.1f} um at 95 %; {needed}"
        )
    if result.connectors is not None:
        pair = result.connectors
        lost = ", ".join(f"{value:.2f} dB at {q:g} %" for q, value in pair.quantiles_dB.items())
        text.append(f"{pair.pairs} mated pairs of {pair.sheet}, {pair.mean_dB:g} dB in the mean each: {lost}")
    return [*text, *(f"note: {note}" for note in result.notes)]


def _accuracy_row(one: Accuracy) -> tuple[str, ...]:
    unit = "x sheet" if one.unit == "1" else one.unit

    def figure(value: float | None) -> str:
        return "none" if value is None else f"{value:.3g}"

    more = "> " if one.at_least else ""
    interval = f"{figure(one.low)} to {figure(one.high)}" if one.needed is not None else ""
    return (
        one.words,
        f"{one.sheet:g} {unit}",
        f"{more}{figure(one.needed)}" + (f" {unit}" if one.needed is not None else ""),
        interval,
        figure(one.alone),
        f"{one.ceiling.value:.2%}",
    )
