"""The seven shipped packages without drawing them: their published counts, and what they come to."""

from __future__ import annotations

import json

import pytest

from cpo_pdk.assemblies.overview import Overview, overview
from cpo_pdk.spec import list_specs, load_sheets, load_spec
from cpo_pdk.spec.reach import longest_mm

SHEETS = load_sheets()
NAMES = sorted(list_specs())

# engines, spares, lanes a direction, fibres (tx + rx + laser of all engines), lasers, laser modules, data connectors
PUBLISHED = {
    "optical_io_ucie": (1, 0, 64, 18, 16, 0.25, 1),  # 8 pairs x 8 wavelengths
    "switch_25t6": (4, 0, 128, 72, 32, 1.0, 16),  # TH4-Humboldt: 4 x 3.2T of 32 lanes, 16 MPO at the front
    "switch_28t8": (18, 0, 144, 324, 36, 4.5, 18),  # Quantum-X: 8 + 8 + 2 fibres an engine, 4.5 ELS an ASIC
    "switch_51t2": (8, 0, 512, 144, 128, 2.0, 8),
    "switch_51t2_cwdm4": (8, 0, 512, 288, 128, 4.0, 16),  # TH5-Bailly: 64 lanes an engine, 512 in all
    "switch_102t4_dr": (16, 0, 512, 1152, 128, 16.0, 64),  # TH6-Davisson: 32 lanes an engine
    "switch_102t4": (32, 4, 512, 1152, 128, 16.0, 64),  # Spectrum-X: 16 + 16 + 4 fibres an engine, 16 ELS an ASIC
}


@pytest.fixture(scope="module", params=NAMES)
def found(request: pytest.FixtureRequest) -> Overview:
    return overview(load_spec(request.param), SHEETS)


def test_published_counts_come_out(found: Overview) -> None:
    facts = found.as_json()
    fibres = facts["fibres"]["total"] - facts["fibres"]["loopback"]
    assert (
        facts["engines"],
        facts["spares"],
        facts["lanes_per_direction"],
        fibres,
        facts["lasers"],
        facts["laser_modules"]["asked"],
        facts["data_connectors"],
    ) == PUBLISHED[facts["name"]]


def test_every_shipped_package_can_be_built_within_its_reach(found: Overview) -> None:
    spec, facts = found.spec, found.as_json()
    assert len(found.engines) == spec.engines.placed
    assert len(found.traces) == 2 * spec.lanes_per_direction
    assert 0 < found.longest_trace.length * 1e-3 <= longest_mm(spec)
    assert facts["traces"]["longest_mm"] >= facts["traces"]["mean_mm"]
    assert sum(side["Tbps"] for side in facts["shoreline"]) == pytest.approx(spec.bandwidth_Tbps)
    assert facts["fibre_length_mm"]["longest"] >= facts["fibre_length_mm"]["shortest"] > 0
    assert facts["crossings"] == len(found.escape.crossings)
    ends = [f for f in found.escape.fibres if f.connector]
    assert len({(f.connector, f.position) for f in ends}) == len(ends)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_a_package_is_denser_than_the_oif_module(found: Overview) -> None:
    used = [side for side in found.densities if side.engines]
    assert used and all(side.of_oif > 1.0 for side in used)


def test_planning_twice_gives_the_same() -> None:
    spec = load_spec("switch_28t8")
    first, second = overview(spec, SHEETS), overview(spec, SHEETS)
    assert first.as_json() == second.as_json()
    assert first.traces == second.traces
