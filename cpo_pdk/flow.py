"""The whole path: spec -> package GDS -> checks on the file -> netlist -> lanes -> tables, pictures, report.

Everything after drawing reads the GDS file that was written, never the spec. Results are made in a hidden folder and
moved to `out/<name>/` when all of them are there: an interrupted or refused build leaves the results of the one before.
No file holds a time, a user name or a path of the machine: two builds of one spec give the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cpo_pdk import output
from cpo_pdk.build_result import BuildResult
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.errors import CpoError, InputError
from cpo_pdk.handover.layouts import oasis
from cpo_pdk.integrity import confirm_written
from cpo_pdk.manifest import Inputs, outdated_files, sheets_with_a_part, write_manifest
from cpo_pdk.project import draw, own_cells, own_part_notes, own_sheet_notes, project_of, read_inputs, read_parts
from cpo_pdk.spec import PackageSpec, Sheet, load_sheets
from cpo_pdk.spec.part import Parts
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.findings import Group, Verdict
from cpo_pdk.verify.run import check_layout

if TYPE_CHECKING:
    from cpo_pdk.analysis import Prepared
    from cpo_pdk.assemblies.overview import Overview
    from cpo_pdk.circuit.binding import ModelLike, SheetLike
    from cpo_pdk.lanes.rows import LaneMap
    from cpo_pdk.operation.results import Operation

Say = Callable[[str], None]

NETLIST = "netlist.json"
ENGINE = "engine.gds"
LANES = "lanes.csv"
OPERATION = "operation.json"
BUDGET = "budget.csv"
MARKERS = "violations.lyrdb"
REPORT = "report.html"
#: problems of the lane map that are shown as warnings
_SHOWN = 20
#: kind of fibre -> how the engine's ports of that kind begin
_FIBRE_PORTS = {"tx": "tx_", "rx": "rx_", "laser": "laser_", "loopback": "loop_"}


@dataclass(frozen=True)
class Checked:
    """The verdict over a layout, and the layout, for pictures of what was found."""

    verdict: Verdict
    file: LayoutFile


class _Clock:
    """Wall time by stage, and the word to the user that a stage begins."""

    def __init__(self, say: Say | None) -> None:
        self.seconds: dict[str, float] = {}
        self._say = say or (lambda _stage: None)

    @contextmanager
    def stage(self, name: str, description: str) -> Iterator[None]:
        self._say(description)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start


def plan(
    spec: str | Path, project: Path | None = None, progress: Say | None = None, trust: bool = False
) -> tuple[PackageSpec, Overview]:
    """Place the engines of a package, assign its serial links, plan its fibres; nothing is drawn but one engine.

    Args:
        spec: as `build`.
        project: as `build`.
        progress: as `build`.
        trust: as `build`.

    Returns:
        the spec, and what it comes to.

    Raises:
        InputError: no such spec, or one with problems (`SpecError` holds all of them).
        AssemblyError: it can't be drawn as asked.
    """
    clock = _Clock(progress)
    with clock.stage("spec", "reading the spec"):
        package, sheets = read_inputs(spec, project)
    with clock.stage("plan", "placing engines, traces and fibres"), own_cells(project or project_of(spec), trust):
        from cpo_pdk.assemblies.overview import overview  # imports gdsfactory

        return package, overview(package, sheets)


def build(
    spec: str | Path,
    out: str | Path = "gds_out",
    project: Path | None = None,
    progress: Say | None = None,
    trust: bool = False,
) -> BuildResult:
    """Build, check, simulate and report one package.

    Args:
        spec: a spec file, or the name of one in `assemblies/` of the project or among those that ship.
        out: results go to `out/<name of the package>/`.
        project: folder with `components/` and `assemblies/`; default: the one that the spec lies in.
        progress: called with a few words as each stage begins.
        trust: run the Python files beside the project's sheets, which define cells of its own.

    Returns:
        what was made and found; violations are in it, not raised.

    Raises:
        InputError: no such spec, or one with problems (`SpecError` holds all of them).
        AssemblyError: it can't be drawn as asked.
        ModelError: a cell without a usable model.
        OutputError: the results can't be written. In all cases earlier results are left as they were.
    """
    clock = _Clock(progress)
    with clock.stage("spec", "reading the spec"):
        package, sheets = read_inputs(spec, project)
        parts = read_parts(package, project or project_of(spec))
    folder = output.result_folder(out, package.name)
    with output.staged(folder, outdated_files) as stage:
        with clock.stage("draw", f"drawing {package.name}"):
            files, own = draw(package, stage, sheets, project or project_of(spec), trust)
        notes = (*own_sheet_notes(sheets), *own_part_notes(parts), *files.warnings)
        result = _after_drawing(package, sheets, parts, files.package_gds, notes, stage, folder, clock, own)
    confirm_written(folder)
    return result


def report(
    spec: str | Path,
    out: str | Path = "gds_out",
    project: Path | None = None,
    progress: Say | None = None,
) -> BuildResult:
    """Check, simulate and report a package whose GDS is in `out` already, as it is now, edited by hand or not.

    Raises:
        InputError: it was not built before; otherwise as `build`.
    """
    clock = _Clock(progress)
    with clock.stage("spec", "reading the spec"):
        package, sheets = read_inputs(spec, project)
        parts = read_parts(package, project or project_of(spec))
    gds = Path(out) / package.name / f"{package.name}.gds"
    if not gds.is_file():
        raise InputError(f"{gds}: no such file; build it first: cpo build {spec}")
    folder = output.result_folder(out, package.name)
    with output.staged(folder, outdated_files) as stage:
        notes = (*own_sheet_notes(sheets), *own_part_notes(parts))
        result = _after_drawing(package, sheets, parts, gds, notes, stage, folder, clock)
    confirm_written(folder)
    return result


def check(
    gds: str | Path,
    project: Path | None = None,
    progress: Say | None = None,
    spec: str | Path | None = None,
    only: Collection[Group] | None = None,
) -> Verdict:
    """Run the checks on a layout file; arguments and errors as `checked`."""
    return checked(gds, project, progress, spec, only).verdict


def checked(
    gds: str | Path,
    project: Path | None = None,
    progress: Say | None = None,
    spec: str | Path | None = None,
    only: Collection[Group] | None = None,
) -> Checked:
    """Run the checks on a layout file.

    Args:
        gds: GDS or OASIS file.
        project: folder whose `components/` count as devices besides those that ship; default: the working folder.
        progress: called with a few words as each stage begins.
        spec: what the package was asked to be: a spec file or the name of one.
        only: kinds of checks; default: all.

    Raises:
        LayoutError: the file can't be read.
        InputError: no such spec, or one with problems.
    """
    clock = _Clock(progress)
    project = project or (project_of(spec) if spec is not None else None) or Path.cwd()
    with clock.stage("read", f"reading {Path(gds).name}"):
        package, sheets = (None, load_sheets(project)) if spec is None else read_inputs(spec, project)
        file = read_layout(gds)
    return Checked(check_layout(file, sheets=sheets, spec=package, only=only, stage=clock.stage), file)


def simulate(
    gds: str | Path, project: Path | None = None, progress: Say | None = None, dT_K: float | None = None
) -> SimulationResult:
    """Loss and crosstalk of the lanes of a layout file.

    Args:
        gds: GDS or OASIS file of a package or an engine.
        project: folder whose `components/` win over those that ship; default: the working folder.
        progress: called with a few words as each stage begins.
        dT_K: temperature of all engines less the one that their devices are drawn for; rings are held on their channels
            and interferometers trimmed there. None: as drawn, with spectra.

    Raises:
        LayoutError: the file can't be read.
        ModelError: a cell without a usable model.
    """
    clock = _Clock(progress)
    with clock.stage("simulate", f"simulating {Path(gds).name}"):
        from cpo_pdk.circuit.conditions import EngineCondition
        from cpo_pdk.circuit.simulation import Simulator

        sheets = load_sheets(project or Path.cwd())
        simulator = Simulator(gds, sheets)
        if dT_K is None:
            result = simulator.as_drawn()
        else:
            result = simulator.under({engine.name: EngineCondition(dT_K) for engine in simulator.engines})
        return replace(result, warnings=(*own_sheet_notes(sheets), *result.warnings))


def _after_drawing(
    package: PackageSpec,
    sheets: dict[str, Sheet],
    parts: Parts,
    gds: Path,
    warnings: tuple[str, ...],
    stage: Path,
    folder: Path,
    clock: _Clock,
    own: Collection[Path] = (),
) -> BuildResult:
    """Everything that reads the file, into `stage`; the paths in the result are those in `folder`."""
    with clock.stage("read", f"reading {gds.name}"):
        file = read_layout(gds)
    with clock.stage("netlist", "extracting the netlist"):
        netlist = extract(file, leaf_factories(sheets))
        output.write_text(stage / NETLIST, netlist.to_json())
    verdict = check_layout(file, sheets=sheets, spec=package, netlists=netlist, stage=clock.stage)
    with clock.stage("simulate", "simulating the lanes"):
        from cpo_pdk.circuit.simulation import Simulator

        simulator = None
        try:
            simulator = Simulator(file, sheets, netlists=netlist)
            simulation = simulator.as_drawn()
        except CpoError as error:
            if verdict.clean:
                raise
            # what the checks found is why there are no lanes, and it is what the user needs to see
            simulation = SimulationResult((), (), {}, warnings=(f"no lane was computed: {error}",))
        warnings = (*warnings, *file.warnings, *simulation.warnings)
    with clock.stage("lanes", "mapping the lanes"):
        lane_map = _map_lanes(file, netlist, sheets, verdict)
        if isinstance(lane_map, str):
            warnings, lane_map = (*warnings, f"no lane map was made: {lane_map}"), None
        if lane_map is not None:
            from cpo_pdk.lanes.files import write_lane_files

            write_lane_files(lane_map, stage)
            warnings = (*warnings, *(problem.message for problem in lane_map.problems[:_SHOWN]))
        oasis(file, stage / gds.with_suffix(".oas").name)
    with clock.stage("operate", "budget, energy and heat at every load"):
        from cpo_pdk.analysis import Prepared
        from cpo_pdk.handover.reading import read_package

        operation = _operate(
            lambda: Prepared(
                package, parts, sheets, file, netlist, read_package(file), simulation, simulator=simulator
            ),
            verdict,
        )
        if isinstance(operation, str):
            warnings, operation = (*warnings, f"no budget, energy and heat: {operation}"), None
        if operation is not None:
            from cpo_pdk.operation.document import budget_csv, document

            warnings = (*warnings, *operation.warnings)
            output.write_json(stage / OPERATION, document(operation))
            output.write_text(stage / BUDGET, budget_csv(operation))
    with clock.stage("report", "writing tables, pictures and the report"):
        from cpo_pdk.lanes.traces import trace_report
        from cpo_pdk.report import gather, tables
        from cpo_pdk.report.data import ReportData
        from cpo_pdk.report.write import write_report
        from cpo_pdk.verify.formats.lyrdb import write_lyrdb

        output.write_text(stage / LANES, tables.lane_csv(simulation.lanes))
        output.write_text(stage / "lanes.json", tables.lanes_json(simulation.lanes))
        write_lyrdb(verdict, stage / MARKERS)
        output.write_json(stage / "checks.json", verdict.as_json())
        fibres = fibres_of(netlist)
        engines = [cell.name for cell, _ in netlist.placed() if cell.function == "engine"]
        write_report(
            ReportData(
                name=package.name,
                description=gather.description_of(package),
                package_gds=gds,
                engine_cell=engines[0] if engines else "",
                bandwidth_Tbps=package.bandwidth_Tbps,
                engines=package.engines.count,
                fibres=fibres,
                arithmetic=gather.arithmetic_of(package),
                choices=gather.choices_of(package, sheets),
                rules=gather.rule_lines(load_rules()),
                verdict=verdict,
                simulation=simulation,
                warnings=tuple(_without_folders(text, package, sheets) for text in warnings),
                models=dict(
                    sorted({i.cell: i.model for lane in simulation.lanes for i in lane.items if i.cell != "-"}.items())
                ),
                lane_map=lane_map,
                traces=None if lane_map is None else trace_report(lane_map, package),
                operation=operation,
            ),
            stage,
            REPORT,
        )
    with clock.stage("manifest", "writing the manifest"):
        inputs = Inputs(package.origin, sheets_with_a_part(package, sheets, netlist), own, parts.each().values())
        write_manifest(stage, package.name, inputs, keep=(gds, folder / ENGINE), known={gds.name: file})
    return BuildResult(
        name=package.name,
        gds=folder / gds.name,
        engine_gds=folder / ENGINE,
        netlist=folder / NETLIST,
        lanes=folder / LANES,
        report=folder / REPORT,
        bandwidth_Tbps=package.bandwidth_Tbps,
        engines=package.engines.count,
        fibres=fibres,
        verdict=verdict,
        simulation=simulation,
        lane_map=lane_map,
        operation=operation,
        warnings=warnings,
        seconds=clock.seconds,
    )


def _operate(prepared: Callable[[], Prepared], verdict: Verdict) -> Operation | str:
    """The package at work; of one that the checks found wrong, and that can't be computed, why not."""
    from cpo_pdk.analysis import operate  # `cpo check` does without

    try:
        return operate(prepared())
    except CpoError as error:
        if verdict.clean:
            raise
        return str(error)


def _map_lanes(file: LayoutFile, netlist: Netlists, sheets: dict[str, Sheet], verdict: Verdict) -> LaneMap | str:
    """The lane map of the layout; of one that the checks found wrong, and that can't be followed, why not."""
    from cpo_pdk.lanes.lane_map import map_lanes  # `cpo check` does without
    from cpo_pdk.models import MODELS

    try:
        return map_lanes(
            file, netlist, cast(Mapping[str, "SheetLike"], sheets), cast(Mapping[str, "ModelLike"], MODELS)
        )
    except CpoError as error:
        if verdict.clean:
            raise
        return str(error)


def _without_folders(text: str, package: PackageSpec, sheets: dict[str, Sheet]) -> str:
    """A message as the report shows it: files by name only, so that its bytes do not depend on where they lie."""
    for origin in (package.origin, *(sheet.origin for sheet in sheets.values())):
        text = text.replace(str(origin), origin.name)
    return text


def fibres_of(netlist: Netlists) -> dict[str, int]:
    """Engine ports with a fibre on them by kind (tx, rx, laser, loopback) and in all, counted in the netlist."""
    top = netlist.cells[netlist.top]
    engines = {i.name for i in top.instances if netlist.cells[i.cell].function == "engine"}
    ends = [end for link in top.connections for end in (link.a, link.b) if end[0] in engines]
    counts = {kind: sum(port.startswith(prefix) for _, port in ends) for kind, prefix in _FIBRE_PORTS.items()}
    return {**counts, "total": sum(counts.values())}
