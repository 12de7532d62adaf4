"""Packages after published systems: their numbers, counted in the drawing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpo_pdk.assemblies import write_package
from cpo_pdk.lanes.banks import banks_of
from cpo_pdk.lanes.cables import fitting
from cpo_pdk.lanes.reading import lane_map_of
from cpo_pdk.lanes.traces import trace_report
from cpo_pdk.spec import load_sheets, load_spec


@pytest.mark.parametrize(
    ("name", "engines", "lanes", "data", "lasers", "plugs", "modules", "device"),
    [
        # half of 25.6 Tb/s in 4 engines of 32 lanes of 100 Gb/s; 16 MPO at the front
        ("switch_25t6", 4, 128, 64, 8, 16, 1, "mach_zehnder_modulator"),
        # 18 engines of 8 + 8 + 2 fibres: 324; 36 lasers in modules of 8 are 4.5 modules
        ("switch_28t8", 18, 144, 288, 36, 18, 5, "ring_modulator"),
    ],
)
def test_the_drawn_package_has_the_published_counts(
    name: str,
    engines: int,
    lanes: int,
    data: int,
    lasers: int,
    plugs: int,
    modules: int,
    device: str,
    tmp_path: Path,
) -> None:
    spec = load_spec(name)
    found = lane_map_of(write_package(spec, tmp_path, load_sheets()).package_gds)
    assert found.closed, found.problems[:3]
    assert len(found.engines) == engines
    assert [sum(row.direction == d for row in found.lanes) for d in ("tx", "rx")] == [lanes, lanes]
    assert found.serdes == {"tx": lanes, "rx": lanes}
    ends = [row for row in found.fibres if row.connector]
    assert sum(row.use in ("tx", "rx") for row in ends) == data
    assert sum(row.use == "laser" for row in ends) == lasers
    assert sum(bool(c.level) for c in found.connectors) == plugs
    assert sum(not c.level for c in found.connectors) == modules
    assert {row.device_cell for row in found.lanes if row.direction == "tx"} == {device}
    # one laser fibre feeds as many lanes as the spec shares it among
    fed = [sum(row.key[0] == e and row.laser_port == 1 for row in found.lanes) for e in found.engines]
    assert set(fed) == {spec.engine.splitter_ways * spec.engine.grid.channels}
    assert len(banks_of(found)) == engines * -(-spec.engine.lanes_per_direction // 8)
    assert fitting(found, found) == ("B",)
    traces = trace_report(found, spec)
    assert traces.over == () and traces.worst is not None
    assert max(row.slack_mm for row in ends) > 0
