"""`cpo lanes` and `cpo testmap`: which serial lane leaves by which fibre, and where to put needles and fibres."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, printable
from cpo_pdk.cli.guard import Limits

if TYPE_CHECKING:
    from cpo_pdk.lanes.cables import Fit
    from cpo_pdk.lanes.probing import ProbePlan
    from cpo_pdk.lanes.rows import LaneMap
    from cpo_pdk.lanes.traces import TraceReport
    from cpo_pdk.spec.package import PackageSpec

GdsArgument = Annotated[Path, typer.Argument(metavar="GDS", help="A GDS or OASIS file of a package.")]
#: problems that are printed
SHOWN = 20


def lanes(
    gds: GdsArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write lane map, fibre map and banks into this folder.")
    ] = None,
    engine: Annotated[
        list[str] | None, typer.Option("--engine", metavar="NAME", help="Print the banks of this engine; repeatable.")
    ] = None,
    cable: Annotated[
        str | None, typer.Option("--cable", metavar="TYPE", help="Must fit: A (straight), B (crossed) or C (pairs).")
    ] = None,
    far: Annotated[
        Path | None, typer.Option("--far", metavar="GDS", help="What the cables lead to; default: a package like it.")
    ] = None,
    spec: Annotated[
        str | None, typer.Option("--spec", metavar="SPEC", help="Hold the traces against the reach class of this spec.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Read the lane map out of a layout: serial lane, bump, engine, device, wavelength, fibre, connector, laser."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import output
        from cpo_pdk.errors import InputError
        from cpo_pdk.lanes.banks import banks_of
        from cpo_pdk.lanes.cables import POLARITIES, fitting, join
        from cpo_pdk.lanes.files import FILES, write_lane_files
        from cpo_pdk.lanes.reading import lane_map_of
        from cpo_pdk.lanes.tables import map_json
        from cpo_pdk.lanes.traces import trace_json, trace_report
        from cpo_pdk.project import project_of
        from cpo_pdk.spec import load_spec

        if cable is not None and cable not in POLARITIES:
            raise InputError(f"--cable {cable}: one of {', '.join(POLARITIES)} is needed")
        progress(f"reading {gds.name}")
        found = lane_map_of(gds, Path.cwd())
        other = found
        if far is not None:
            progress(f"reading {far.name}")
            other = lane_map_of(far, Path.cwd())
        traces, notes = None, []
        if spec is not None:
            asked = load_spec(spec, project_of(spec))
            traces = trace_report(found, asked)
            notes = _other_package(found, asked)
        wanted = [_engine_named(found, name) for name in engine or ()]
        fits = join(found, other, cable) if cable is not None else ()
        good = fitting(found, other)
        files: list[str] = []
        if out is not None:
            folder = output.chosen_folder(out)
            with output.staged(folder) as stage:
                write_lane_files(found, stage)
            files = [(folder / name).as_posix() for name in FILES]
        progress("")
        document = {
            "gds": gds.as_posix(),
            **map_json(found),
            "cables": {
                "fitting": list(good),
                **({"asked": cable, "joins": [_fit_json(f) for f in fits]} if cable else {}),
            },
            **({} if traces is None else {"traces": trace_json(traces), "notes": notes}),
            "files": files,
        }
        text = [*_summary(found, good), *(_trace_lines(traces) if traces is not None else []), *notes]
        text += [line for fit in fits for line in _fit_lines(fit)]
        text += [_bank_table(bank) for bank in banks_of(found) if bank.engine in wanted]
        text += files
        bad = not found.closed or (cable is not None and cable not in good) or (traces is not None and traces.over)
        return Outcome(document, text, 1 if bad else 0)

    console.run(work, json, Limits())


def testmap(
    gds: Annotated[Path, typer.Argument(metavar="GDS", help="A GDS or OASIS file of a package, or of one engine.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the manifest into this folder.")] = None,
    json: JsonOption = False,
) -> None:
    """Where the ports and bumps of every engine are, for the wafer prober and the fibre aligner."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import output
        from cpo_pdk.lanes.probing import CSV_FILE, JSON_FILE, probe_plan_json, write_probe_plan
        from cpo_pdk.lanes.reading import probe_plan_of

        progress(f"reading {gds.name}")
        plan = probe_plan_of(gds, Path.cwd())
        files: list[str] = []
        if out is not None:
            folder = output.chosen_folder(out)
            with output.staged(folder) as stage:
                write_probe_plan(plan, stage)
            files = [(folder / name).as_posix() for name in (CSV_FILE, JSON_FILE)]
        progress("")
        document = {"gds": gds.as_posix(), **probe_plan_json(plan), "files": files}
        return Outcome(document, [*_probe_lines(plan), *files])

    console.run(work, json, Limits())


def _engine_named(found: LaneMap, name: str) -> str:
    """The engine that a user means: its instance, or the instance without `engine_`."""
    from cpo_pdk.errors import InputError

    for path in found.engines:
        if name in (path, path.rpartition("/")[2].removeprefix("engine_")):
            return path
    known = ", ".join(path.rpartition("/")[2].removeprefix("engine_") for path in found.engines)
    raise InputError(f"--engine {name}: no engine in use has that name; there are {known}")


def _other_package(found: LaneMap, asked: PackageSpec) -> list[str]:
    """A line if the spec can't be that of the layout; its reach class is then that of something else."""
    drawn = sum(row.direction == "tx" for row in found.lanes)
    if drawn == asked.lanes_per_direction and len(found.engines) == asked.engines.count:
        return []
    return [
        f"note         spec {asked.name} has {asked.lanes_per_direction} lanes in each direction in "
        f"{_counted(asked.engines.count, 'engine')}, the layout {drawn} in {len(found.engines)}: another package?"
    ]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _summary(found: LaneMap, good: tuple[str, ...]) -> list[Any]:
    from cpo_pdk.lanes.cables import POLARITIES
    from cpo_pdk.lanes.rows import USES

    count = {d: sum(row.direction == d for row in found.lanes) for d in ("tx", "rx")}
    traces = [row.trace_mm for row in found.lanes if row.serdes]
    uses = {use: [row for row in found.fibres if row.use == use and row.fibre] for use in USES}
    idle = sum(found.serdes.values()) - len({row.serdes for row in found.lanes if row.serdes})
    lines: list[Any] = [
        f"{count['tx']} transmit and {count['rx']} receive lanes of {_counted(len(found.engines), 'engine')}"
        + (f", {_counted(len(found.spares), 'spare')}" if found.spares else "")
        + f"; {found.serdes['tx']} + {found.serdes['rx']} serial lanes of the switch"
        + (f", {idle} of them lead nowhere" if idle > 0 else ""),
    ]
    if traces:
        lines.append(f"traces       {min(traces):.2f} to {max(traces):.2f} mm along x and y")
    for use, rows in uses.items():
        if rows:
            lengths = [row.length_mm for row in rows]
            slack = max(row.slack_mm for row in rows)
            lines.append(
                f"{use + ' fibres':<12} {len(rows)}, {min(lengths):.2f} to {max(lengths):.2f} mm "
                f"({min(r.latency_ps for r in rows):.1f} to {max(r.latency_ps for r in rows):.1f} ps), at most "
                f"{slack:.2f} mm longer than straight"
            )
    skews = [(skew, c.name, use) for c in found.connectors for use, skew in c.skew_ps.items() if use in ("tx", "rx")]
    if skews:
        skew, name, use = max(skews)
        lines.append(f"skew         at most {skew:.2f} ps among the {use} fibres of a connector ({name})")
    words = " or ".join(f"type {p} ({POLARITIES[p]})" for p in good) or "no straight, crossed or pair-flipped cable"
    lines.append(f"cable        {words} joins transmit with receive fibres")
    if found.problems:
        lines.append(f"{_counted(len(found.problems), 'problem')}: the map is no bijection")
        lines += [f"  ({p.x_um:.3f}, {p.y_um:.3f}) {p.message}" for p in found.problems[:SHOWN]]
        if len(found.problems) > SHOWN:
            lines.append(f"  and {len(found.problems) - SHOWN} more: --json prints all")
    elif found.closed:
        lines.append("each lane has a serial lane, a device, a fibre and a connector position of its own")
    return lines


def _trace_lines(traces: TraceReport) -> list[str]:
    worst = traces.worst
    if worst is None:
        return []
    lines = [
        f"longest      {worst.longest_mm:.2f} mm ({worst.worst.name}): {worst.loss_dB:.2f} dB at "
        f"{traces.nyquist_GHz:g} GHz; {traces.reach} allows {traces.allowed_mm:.2f} mm at {traces.loss_dB_mm:g} dB/mm"
    ]
    lines += [f"  {row.name}: {row.serdes}, {row.trace_mm:.2f} mm is too long" for row in traces.over[:SHOWN]]
    return lines + ([f"  and {len(traces.over) - SHOWN} more"] if len(traces.over) > SHOWN else [])


def _fit_json(fit: Fit) -> dict[str, Any]:
    return {
        "near": fit.near,
        "near_count": fit.near_count,
        "far": fit.far,
        "far_count": fit.far_count,
        "fits": fit.fits,
        "order": fit.order if fit.joined else None,
        "joined": [list(pair) for pair in fit.joined],
        "faults": list(fit.faults),
    }


def _fit_lines(fit: Fit) -> list[str]:
    alike = f" (and {fit.near_count - 1} like it)" if fit.near_count > 1 else ""
    head = f"type {fit.polarity}: {fit.near}{alike} to {fit.far}"
    if fit.fits:
        return [f"{head}: {len(fit.joined)} fibres joined, order {fit.order}"]
    more = [f"  and {len(fit.faults) - SHOWN} more"] if len(fit.faults) > SHOWN else []
    return [f"{head}: does not fit", *(f"  {fault}" for fault in fit.faults[:SHOWN]), *more]


def _bank_table(bank: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    title = f"{printable(bank.engine)}, module {bank.module}, bank {bank.number} (11h.240: {bank.mapping.hex()})"
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
    for heading in ("lane", "tx host", "tx nm", "tx fibre", "laser", "rx host", "rx nm", "rx fibre"):
        table.add_column(heading)
    for lane in sorted({*bank.tx, *bank.rx}):
        cells = [str(lane)]
        for row in (bank.tx.get(lane), bank.rx.get(lane)):
            if row is None:
                cells += ["-"] * (4 if row is bank.tx.get(lane) else 3)
                continue
            cells += [row.serdes or "-", f"{row.wl_um * 1e3:.2f}", f"{row.connector}.{row.position}"]
            if row.direction == "tx":
                cells.append(f"{row.laser_connector}.{row.laser_position}")
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _probe_lines(plan: ProbePlan) -> list[str]:
    lines: list[str] = []
    for die in plan.dies.values():
        placed = sum(engine.cell.name == die.cell for engine in plan.engines)
        optical = sum(point.kind == "optical" for point in die.points)
        size = f", {die.size_um[0]:g} x {die.size_um[1]:g} um" if die.size_um else ""
        pairs = ", ".join(f"{a} - {b}" for a, b in die.loopbacks) or "none"
        lines.append(
            f"{die.cell}: placed {_counted(placed, 'time')}{size}; {optical} facet ports, "
            f"{len(die.points) - optical} bumps; loopbacks: {pairs}"
        )
    return lines
