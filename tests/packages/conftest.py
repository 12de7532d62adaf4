"""A package that ships: drawn, checked with its spec, its lanes computed and mapped, once a package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from cpo_pdk.assemblies import write_package
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.circuit.simulation import simulate
from cpo_pdk.lanes.lane_map import map_lanes
from cpo_pdk.lanes.rows import LaneMap
from cpo_pdk.models import MODELS
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.verify.findings import Verdict
from cpo_pdk.verify.run import check_layout


@dataclass(frozen=True)
class Built:
    spec: PackageSpec
    gds: Path
    verdict: Verdict
    lanes: LaneMap
    simulated: SimulationResult


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    folder = tmp_path_factory.mktemp("packages")

    @cache
    def build(name: str) -> Built:
        spec, sheets = load_spec(name), load_sheets()
        gds = write_package(spec, folder / name, sheets).package_gds
        file = read_layout(gds)
        netlists = extract(file, leaf_factories(sheets))
        verdict = check_layout(file, sheets=sheets, spec=spec, netlists=netlists)
        return Built(
            spec, gds, verdict, map_lanes(file, netlists, sheets, MODELS), simulate(file, sheets, netlists=netlists)
        )

    return build
