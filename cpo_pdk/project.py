"""What a command starts from: the project's folder, a spec with its sheets, the project's own cells, the drawing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec import PackageSpec, Sheet, check_devices, list_sheets, load_sheets, load_spec
from cpo_pdk.spec.loading import data_folder
from cpo_pdk.spec.part import Parts
from cpo_pdk.spec.part_choice import load_parts, parts_of

if TYPE_CHECKING:
    from cpo_pdk.assemblies import PackageFiles


def project_of(spec: str | Path) -> Path | None:
    """The project folder that a spec file lies in: the one that holds its `assemblies/`; None for a bare name."""
    path = Path(spec)
    if path.is_file() and path.resolve().parent.name == "assemblies":
        return path.resolve().parent.parent
    return Path.cwd() if not path.is_file() else path.resolve().parent


def read_inputs(spec: str | Path, project: Path | None) -> tuple[PackageSpec, dict[str, Sheet]]:
    """A spec, and the sheets that it may name.

    Raises:
        InputError: no such spec, or one with problems (`SpecError` holds all of them).
    """
    project = project or project_of(spec)
    package = load_spec(spec, project)
    sheets = load_sheets(project)
    check_devices(package, sheets)
    return package, sheets


def read_parts(package: PackageSpec, project: Path | None) -> Parts:
    """The parts that a package buys, by the sheets of the project and those that ship.

    Raises:
        SpecError: an unknown part, or problems of their sheets.
    """
    return parts_of(package, load_parts(project))


def draw(
    package: PackageSpec, stage: Path, sheets: dict[str, Sheet], project: Path | None, trust: bool
) -> tuple[PackageFiles, list[Path]]:
    """Draw the package, with the project's own cells if it is trusted (their files)."""
    from cpo_pdk.assemblies import write_package  # imports gdsfactory, which checks and simulations do without

    with own_cells(project, trust) as files:
        return write_package(package, stage, sheets), files


@contextmanager
def own_cells(project: Path | None, trust: bool) -> Iterator[list[Path]]:
    """Run the files with a project's own cells if it is trusted; says so when they are missed."""
    from cpo_pdk.components.own_cells import load_own_cells, own_cell_files

    files = own_cell_files(project) if project is not None else []
    if project is not None and trust:
        load_own_cells(project)
    try:
        yield files if trust else []
    except SpecError as error:
        missed = [] if trust else files
        notes = [
            Problem(f, 1, 1, "cells of this file are unknown: run it with --trust if you trust it") for f in missed
        ]
        raise SpecError([*error.problems, *notes]) from None


def own_sheet_notes(sheets: dict[str, Sheet]) -> tuple[str, ...]:
    """One line for each sheet of the project that takes the place of a shipped one of the same name."""
    shipped = list_sheets()
    return tuple(
        f"components/{sheet.origin.name} of the project is used in place of the sheet of that name that ships"
        for name, sheet in sheets.items()
        if name in shipped and sheet.origin.resolve() != shipped[name].resolve()
    )


def own_part_notes(parts: Parts) -> tuple[str, ...]:
    """One line for each part of a package whose sheet of the project takes the place of a shipped one of its name."""
    shipped = data_folder("components").resolve() / "parts"
    return tuple(
        f"components/parts/{part.origin.name} of the project is used in place of the part of that name that ships"
        for part in parts.each().values()
        if part.origin.resolve().parent != shipped and (shipped / part.origin.name).is_file()
    )
