"""The points that are returned, built in full: drawn, checked, computed at every load, with a report of their own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpo_pdk import flow, output
from cpo_pdk.assemblies.engines import measured_engine
from cpo_pdk.build_result import BuildResult
from cpo_pdk.errors import CpoError
from cpo_pdk.explore.design import Design
from cpo_pdk.explore.evaluation import FAULT, STATE
from cpo_pdk.explore.journal import read_json
from cpo_pdk.explore.measures import Subject, measure
from cpo_pdk.project import read_inputs
from cpo_pdk.report.explore_data import Built

#: folder of the specs and sheets of built points, that of their results, and that of the notes of both
PROJECTS, RESULTS, NOTES = "projects", "designs", "builds"


@dataclass(frozen=True)
class Site:
    """Where points are built; shared by all.

    Attributes:
        folder: of the study.
        project: of the base, whose own components the designs use.
        trust: run the Python files in it.
    """

    folder: Path
    project: Path | None
    trust: bool = False


def build_design(site: Site, design: Design) -> Built:
    """Build one design; what goes wrong is in `Built.reason`.

    Args:
        site: where.
        design: the design.
    """
    start = time.perf_counter()
    place = f"{RESULTS}/{design.name}"
    try:
        home = site.folder / PROJECTS / design.name
        if home.is_dir():
            shutil.rmtree(home)
        file = design.write(home, site.project)
        result = flow.build(file, site.folder / RESULTS, trust=site.trust)
        measures = _measures(file, result)
        reason = _fault(result)
        report, gds = result.report.name, result.gds.name
    except CpoError as error:
        measures, reason, report, gds = {}, str(error).splitlines()[0], "", ""
    except Exception as error:
        measures, reason, report, gds = {}, f"{FAULT}: {type(error).__name__}: {error}".splitlines()[0], "", ""
    return Built(design.name, place, report, gds, measures, not reason, reason, round(time.perf_counter() - start, 3))


def _measures(file: Path, result: BuildResult) -> Mapping[str, float]:
    if result.operation is None:
        return {}
    spec, sheets = read_inputs(file, None)
    _, size = measured_engine(spec, sheets)
    return measure(Subject(spec, (size[0] * 1e-3, size[1] * 1e-3), result.operation[STATE]))


def _fault(result: BuildResult) -> str:
    """Why a build is not clean, in one line."""
    found = [
        f"{one.group}: {len(one.violations)} violations, the first of {one.violations[0].rule}"
        if one.violations
        else f"{one.group}: nothing was looked at"
        for one in result.verdict.results
        if not one.clean
    ]
    if result.operation is None:
        found.append("no budget, energy and heat")
    else:
        found += [
            f"{gate.key} {gate.value:.4g} ({gate.where}), the spec requires {gate.limit:g}"
            for gate in result.operation.gates
            if not gate.holds
        ]
    if not found and not result.clean:
        found.append("the checks are not clean")
    return "; ".join(found)


def known_build(site: Site, design: Design) -> Built | None:
    """What an earlier build of the very same design gave; None where there is none, or its files are gone."""
    found = read_json(_note(site, design))
    if found is None or found.pop("key", "") != design.key:
        return None
    try:
        built = Built(**found)
    except TypeError:
        return None
    folder = site.folder / built.folder
    whole = all((folder / name).is_file() for name in (built.report, built.gds) if name)
    return built if whole and built.name == design.name else None


def keep_build(site: Site, design: Design, built: Built) -> None:
    """Remember what a build gave; faults of the program are tried again next time.

    Raises:
        OutputError: it can't be written.
    """
    if built.reason.startswith(FAULT):
        return
    output.make_folder(site.folder / NOTES)
    document: dict[str, Any] = {**vars(built), "measures": dict(built.measures), "key": design.key}
    output.write_json(_note(site, design), document)


def _note(site: Site, design: Design) -> Path:
    return site.folder / NOTES / f"{design.name}.json"
