"""Packages that none of the shipped specs is like, drawn and checked: given positions, spares, keep-outs, two rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpo_pdk import flow
from cpo_pdk.assemblies import write_package
from cpo_pdk.spec import load_sheets, parse_spec

SHEETS = load_sheets()

ENGINE = """\
engine:
  architecture: ring_dr
  bandwidth_Tbps: 1.6
  tx_fibres: 8
  rx_fibres: 8
  laser_fibres: 2
  lane_rate_Gbps: 200
  modulation: PAM4
  grid: {standard: custom, channels: 1, center_nm: 1310}
laser: {connector: ELS, per_wavelength_dBm: 17}
fibres: {bend_radius_mm: 15}
faceplate: {distance_mm: 150, connector: MPO-16}
"""

GIVEN = """\
name: given
bandwidth_Tbps: 8
asic: {size_mm: [26, 26], power_W: 300, shoreline_mm: {north: 20, east: 18, south: 26, west: 18}}
substrate: {size_mm: [110, 110]}
keepouts:
  - {kind: capacitors, box_mm: [-12, 24, 12, 27], fibres: over}
  - {kind: cold_plate, box_mm: [-13, -13, 13, 17], fibres: over}
  - {kind: stiffener, box_mm: [-54, -54, 54, -50]}
  - {kind: lid, box_mm: [-30, -30, 30, -28]}
engines:
  count: 5
  spares: 1
  positions:
    - {side: north, x_mm: -6, y_mm: 18}
    - {side: north, x_mm: 6, y_mm: 18.5}
    - {side: east, x_mm: 18, y_mm: 5}
    - {side: east, x_mm: 18, y_mm: -5}
    - {side: west, x_mm: -18, y_mm: 5}
    - {side: west, x_mm: -18, y_mm: -5}
"""

ROWS = """\
name: rows
bandwidth_Tbps: 9.6
asic: {size_mm: [20, 20], power_W: 300}
substrate: {size_mm: [110, 110]}
engines: {count: 6, per_side: {north: 3, south: 3}, rows: 2}
"""


@pytest.mark.parametrize("head", [GIVEN, ROWS], ids=["given", "rows"])
def test_a_package_that_is_not_refused_is_drawn_clean(head: str, tmp_path: Path) -> None:
    file = tmp_path / "package.yaml"
    file.write_text(head + ENGINE, encoding="utf-8")
    spec = parse_spec(file.read_text(encoding="utf-8"), file)
    files = write_package(spec, tmp_path / "out", SHEETS)
    verdict = flow.check(files.package_gds, only=("lvs", "assembly"), spec=file)
    assert verdict.clean, [str(v) for r in verdict.results for v in r.violations][:10]
    looked = {r.group: r.looked_at for r in verdict.results}
    assert looked["assembly"] > 50 and looked["lvs"] > 1000
