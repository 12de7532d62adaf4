"""A small package, built once, and how it is changed and compared with its spec."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.spec import PackageSpec, Sheet, data_folder, load_sheets, parse_spec
from cpo_pdk.verify.findings import CheckResult
from cpo_pdk.verify.lvs.run import lvs_layout

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

from mutants import Bench

#: the shipped spec, made small: 2 engines of 4 + 4 fibres with 4 channels
SMALL = {
    "name: switch_51t2": "name: small",
    "bandwidth_Tbps: 51.2 ": "bandwidth_Tbps: 3.2 ",
    "count: 8 ": "count: 2 ",
    "north: 2, east: 2, south: 2, west: 2": "north: 2, east: 0, south: 0, west: 0",
    "bandwidth_Tbps: 6.4": "bandwidth_Tbps: 1.6",
    "tx_fibres: 8 ": "tx_fibres: 4 ",
    "rx_fibres: 8": "rx_fibres: 4",
    "standard: CW-WDM": "standard: custom",
    "channels: 8": "channels: 4",
    "connector: MPO-16": "connector: MPO-8",
}


def small_spec(changes: Mapping[str, str] | None = None) -> PackageSpec:
    """The small spec with some of its words replaced by others."""
    text = (data_folder("assemblies") / "switch_51t2.yaml").read_text()
    for old, new in {**SMALL, **(changes or {})}.items():
        assert old in text, old
        text = text.replace(old, new)
    return parse_spec(text, Path("small.yaml"))


@dataclass(frozen=True)
class Small:
    """The small package as it was built."""

    spec: PackageSpec
    sheets: dict[str, Sheet]
    package: Path
    engine: Path


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    pytest.importorskip("gdsfactory")
    from cpo_pdk.assemblies import write_package

    spec, sheets = small_spec(), load_sheets()
    files = write_package(spec, tmp_path_factory.mktemp("small"), sheets)
    return Small(spec, sheets, files.package_gds, files.engine_gds)


Compare = Callable[..., CheckResult]


@pytest.fixture
def compared(small: Small) -> Compare:
    """Compare a file with a spec (None: with itself only); `edit` changes the netlist first."""

    def run(
        path: Path,
        spec: PackageSpec | None = small.spec,
        edit: Callable[[Netlists], Netlists] | None = None,
        sheets: Mapping[str, Sheet] | None = None,
    ) -> CheckResult:
        file = read_layout(path)
        sheets = sheets or small.sheets
        netlists = extract(file, leaf_factories(sheets))
        return lvs_layout(file, edit(netlists) if edit else netlists, sheets, spec)

    return run


@pytest.fixture
def planted(small: Small, compared: Compare, tmp_path: Path) -> Compare:
    """Plant a fault in the engine (or the package) and compare the file with the spec."""

    def run(
        change: Callable[[Bench], None], base: str = "engine", spec: PackageSpec | None = small.spec
    ) -> CheckResult:
        bench = Bench(small.engine if base == "engine" else small.package)
        change(bench)
        return compared(bench.write(tmp_path / "planted.gds"), spec)

    return run


@pytest.fixture(scope="session")
def spec_with() -> Callable[[Mapping[str, str]], PackageSpec]:
    """The small spec with some of its words replaced by others."""
    return small_spec


@pytest.fixture(scope="session")
def says() -> Callable[[CheckResult, str, str], bool]:
    """True when a violation of a rule says something."""
    return lambda result, rule, pattern: any(
        v.rule == rule and re.search(pattern, v.message) for v in result.violations
    )
