"""From a file to its lane map, or to its test manifest: the whole way in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from cpo_pdk.circuit.binding import ModelLike, SheetLike
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.lanes.lane_map import map_lanes
from cpo_pdk.lanes.probing import ProbePlan, read_probe_plan
from cpo_pdk.lanes.rows import LaneMap
from cpo_pdk.models import MODELS
from cpo_pdk.spec import load_sheets

_Inputs = tuple[LayoutFile, Netlists, Mapping[str, SheetLike], Mapping[str, ModelLike]]


def _inputs(gds: str | Path, project: Path | None) -> _Inputs:
    sheets = load_sheets(project)
    file = read_layout(gds)
    netlists = extract(file, leaf_factories(sheets))
    return file, netlists, cast("Mapping[str, SheetLike]", sheets), cast("Mapping[str, ModelLike]", MODELS)


def lane_map_of(gds: str | Path, project: Path | None = None) -> LaneMap:
    """The lane map of a package.

    Args:
        gds: GDS or OASIS file.
        project: folder whose `components/` win over those that ship.

    Raises:
        LayoutError: the file can't be read, or holds no package.
        ModelError: a cell without a usable model, light that reaches nothing.
    """
    return map_lanes(*_inputs(gds, project))


def probe_plan_of(gds: str | Path, project: Path | None = None) -> ProbePlan:
    """The test manifest of a package or an engine; arguments and errors as `lane_map_of`."""
    return read_probe_plan(*_inputs(gds, project))
