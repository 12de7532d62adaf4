"""A small package, built once, and how it is changed and compared with its spec."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.spec import PackageSpec, Sheet, data_folder, load_sheets, parse_spec
from cpo_pdk.tech.drawn_digest import META_NAME
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.findings import CheckResult
from cpo_pdk.verify.lvs.run import lvs_layout

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


class Bench:
    """A layout to plant faults in; lengths in um. Fingerprints of the drawing are taken out."""

    def __init__(self, source: Path) -> None:
        self.layout = kdb.Layout()
        self.layout.read(str(source))
        for cell in self.layout.each_cell():
            cell.remove_meta_info(META_NAME)
        self.top = self.layout.top_cell()

    def layer(self, name: str) -> int:
        return self.layout.layer(*layer_of(name))

    def engine(self) -> kdb.Cell:
        return next(c for c in self.layout.each_cell() if c.name.endswith("_engine"))

    def child(self, parent: kdb.Cell, name: str) -> kdb.Instance:
        return next(i for i in parent.each_inst() if i.property(0) == name)

    def own(self, parent: kdb.Cell, name: str) -> kdb.Cell:
        """A copy of an instance's cell for this instance alone."""
        inst = self.child(parent, name)
        copy = inst.cell.dup()
        for meta in inst.cell.each_meta_info():
            copy.add_meta_info(meta)
        inst.cell_index = copy.cell_index()
        return copy

    def inside(self, path: str) -> kdb.Cell:
        """The cell of `tx_3/unit_2/modulator`, copied on the way so that nothing else changes."""
        cell = self.engine()
        for name in path.split("/"):
            cell = self.own(cell, name)
        return cell

    def polygons(self, cell: kdb.Cell, layer: str) -> list[kdb.Shape]:
        """The cell's own shapes on a layer, that with most corners first."""
        return sorted(cell.shapes(self.layer(layer)).each(), key=lambda shape: -shape.polygon.num_points())

    def box(self, cell: kdb.Cell, layer: str, left: float, bottom: float, right: float, top: float) -> None:
        cell.shapes(self.layer(layer)).insert(kdb.DBox(left, bottom, right, top))

    def clear(self, cell: kdb.Cell, layer: str, left: float, bottom: float, right: float, top: float) -> None:
        """Take a box out of what the cell itself holds."""
        shapes = cell.shapes(self.layer(layer))
        hole = kdb.Region(kdb.DBox(left, bottom, right, top).to_itype(self.layout.dbu))
        before = kdb.Region(shapes).merged()
        assert not (before & hole).is_empty()
        shapes.clear()
        shapes.insert(before - hole)

    def say(self, cell: kdb.Cell, what: str, **values: object) -> None:
        """Change what a cell records: `settings` or `info`."""
        item = cell.meta_info(f"kfactory:{what}")
        cell.add_meta_info(kdb.LayoutMetaInfo(f"kfactory:{what}", {**item.value, **values}, "", True))

    def write(self, path: Path) -> Path:
        for cell in list(self.layout.top_cells()):
            if cell.cell_index() != self.top.cell_index():
                self.layout.prune_cell(cell.cell_index(), -1)
        options = kdb.SaveLayoutOptions()
        options.write_context_info = True
        self.layout.write(str(path), options)
        return path


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
