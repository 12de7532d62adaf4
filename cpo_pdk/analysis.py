"""From a spec, or a layout and its spec, to the working package: budget, energy and heat of what was drawn."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.circuit.simulation import Simulator
from cpo_pdk.errors import InputError
from cpo_pdk.handover.parts import Package
from cpo_pdk.handover.reading import read_package
from cpo_pdk.project import draw, own_part_notes, own_sheet_notes, project_of, read_inputs, read_parts
from cpo_pdk.spec import PackageSpec, Sheet, list_specs
from cpo_pdk.spec.part import Parts

if TYPE_CHECKING:
    from cpo_pdk.operation.results import Operation

Say = Callable[[str], None]

#: endings of layout files
LAYOUT_ENDINGS = (".gds", ".gds2", ".gdsii", ".oas", ".oasis", ".gz")


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before any budget is made.

    Attributes:
        spec: what was asked for.
        parts: what is bought.
        sheets: of all devices.
        file, netlists: the layout.
        package: its dies and bodies.
        simulation: its lanes, cold: every device at the temperature that it is drawn for.
        notes: what the designer should know of where they came from, one line each.
        simulator: that computed them, and computes them under other conditions; made anew when None.
    """

    spec: PackageSpec
    parts: Parts
    sheets: dict[str, Sheet]
    file: LayoutFile
    netlists: Netlists
    package: Package
    simulation: SimulationResult
    notes: tuple[str, ...] = ()
    simulator: Simulator | None = None


def prepare(
    target: str | Path,
    spec: str | Path | None = None,
    project: Path | None = None,
    progress: Say | None = None,
    trust: bool = False,
) -> Prepared:
    """Draw a package, or read one that was drawn, and simulate its lanes.

    Args:
        target: a spec (file or name), or a layout file.
        spec: what the layout was asked to be; default: the spec of the name of its top cell.
        project: folder with `components/` and `assemblies/`; default: the one that the spec lies in.
        progress: called with a few words as each stage begins.
        trust: run the Python files beside the project's sheets.

    Raises:
        InputError: no such spec or file, a spec with problems, a layout whose spec isn't known.
        LayoutError: the file can't be read, or has no lanes.
        AssemblyError: the package can't be drawn as asked.
        ModelError: a cell without a usable model.
    """
    say = progress or (lambda _stage: None)
    if Path(target).suffix.lower() not in LAYOUT_ENDINGS:
        if spec is not None and str(spec) != str(target):
            raise InputError(f"{target} is a spec already, --spec {spec} can't be another; leave one of them out")
        say("reading the spec")
        package, sheets = read_inputs(target, project)
        project = project or project_of(target)
        parts = read_parts(package, project)
        with tempfile.TemporaryDirectory() as folder:
            say(f"drawing {package.name}")
            drawn, _ = draw(package, Path(folder), sheets, project, trust)
            say("reading the layout")
            file = read_layout(drawn.package_gds)
        notes = drawn.warnings
    else:
        say(f"reading {Path(target).name}")
        file = read_layout(target)
        package, sheets = read_inputs(spec if spec is not None else _spec_of(file, project), project)
        project = project or project_of(spec if spec is not None else package.name)
        parts = read_parts(package, project)
        notes = ()
    say("extracting the netlist")
    netlists = extract(file, leaf_factories(sheets))
    say("simulating the lanes")
    simulator = Simulator(file, sheets, netlists=netlists)
    simulation = simulator.as_drawn()
    if (drawn_engines := len(simulator.engines)) != package.engines.count:
        number = f"{drawn_engines} engine{'s' if drawn_engines > 1 else ''}"
        notes = (
            *notes,
            f"{Path(target).name} has {number} in use, the spec {package.name} asks for {package.engines.count}: "
            "numbers of the package are those of what is drawn; give its own spec with --spec",
        )
    notes = (*own_sheet_notes(sheets), *own_part_notes(parts), *notes)
    return Prepared(package, parts, sheets, file, netlists, read_package(file), simulation, notes, simulator)


def operate(target: Prepared | str | Path, progress: Say | None = None, *, transient: bool = True) -> Operation:
    """The package at work: temperatures, tuning, power and margins at every load.

    Args:
        target: see `prepare`, or what it gave.
        progress: called with a few words as each stage begins.
        transient: whether the ASIC's load step is followed in time as well.

    Raises:
        InputError: as `prepare`; a spec that asks for what the models don't hold for.
        ModelError: a device that can't be computed at its temperature.
    """
    from cpo_pdk.operation.operate import operate as operate_package  # multigrid takes long to import

    prepared = target if isinstance(target, Prepared) else prepare(target, progress=progress)
    simulator = prepared.simulator or Simulator(prepared.file, prepared.sheets, netlists=prepared.netlists)
    return operate_package(
        prepared.spec,
        prepared.parts,
        prepared.sheets,
        prepared.simulation,
        prepared.package,
        resimulate=simulator.under,
        transient=transient,
        say=progress or (lambda _line: None),
    )


def _spec_of(file: LayoutFile, project: Path | None) -> str:
    """Name of the spec that a layout was drawn from: that of its top cell."""
    name = file.top.name
    if name not in list_specs(project):
        raise InputError(
            f"{file.path}: its top cell is {name!r}, and there is no spec of that name; say which it was: --spec SPEC"
        )
    return name
