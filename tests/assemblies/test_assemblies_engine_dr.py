"""Engines with one wavelength a fibre: clean in every shipped size, the detector lit from both ends, no filters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cpo_pdk.assemblies import kit_of, write_gds
from cpo_pdk.assemblies.engines import draw_engine, measured_engine
from cpo_pdk.assemblies.kit import architecture_of
from cpo_pdk.assemblies.rows_dr import rx_direct_macro, rx_direct_unit
from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.errors import AssemblyError
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.verify import check

SHEETS = load_sheets()
KIT = kit_of(load_spec("switch_28t8"), SHEETS)
KINDS = ("drc", "photonic", "connectivity")


@pytest.mark.parametrize("name", ["switch_28t8", "switch_102t4", "switch_102t4_dr"])
def test_the_engines_that_ship_are_clean(name: str, tmp_path: Path) -> None:
    spec = load_spec(name)
    drawn = draw_engine(spec, SHEETS)
    assert check(write_gds(drawn, tmp_path / "engine.gds"), only=KINDS).violations == ()
    assert drawn.info["size_um"] == list(measured_engine(spec, SHEETS)[1])
    fibres = [p.name for p in drawn.ports if p.port_type == "edge_coupler"]
    assert len(fibres) == spec.engine.fibre_counts["total"]
    lanes = [name for name, _, _ in drawn.info["lane_bumps"]]
    e = spec.engine
    assert lanes == [f"tx_{k}/1" for k in range(1, e.tx_fibres + 1)] + [f"rx_{k}/1" for k in range(1, e.rx_fibres + 1)]


def test_the_roles_tell_the_architecture() -> None:
    found = {
        name: architecture_of(kit_of(load_spec(name), SHEETS)) for name in ("switch_51t2", "switch_28t8", "switch_25t6")
    }
    assert found == {"switch_51t2": "ring_wdm", "switch_28t8": "ring_dr", "switch_25t6": "mzm_wdm"}


def test_each_polarisation_has_its_end_of_the_detector(tmp_path: Path) -> None:
    file = write_gds(rx_direct_macro(kit=KIT, length=390.0), tmp_path / "row.gds")
    wl = np.array([1.31])
    s = s_parameters(file, wl)
    (north,) = (k for k in s if k[0] == "o1" and k[1].endswith(":i2"))
    power = {pair: float(np.abs(v[0]) ** 2) for pair, v in s.items()}
    south = (north[0], north[1].replace(":i2", ":i1"))
    assert power[north] > 100 * power.get(south, 0.0), "TE lights the north end, o2"
    assert power["o1@TM", south[1]] > 100 * power.get(("o1@TM", north[1]), 0.0), "TM lights the south end, o1"
    assert power[north] > 0.7 and power["o1@TM", south[1]] > 0.7


@pytest.mark.parametrize(("bump_x", "bump_y"), [(47.0, 63.5), (80.0, 63.5), (50.0, 125.0), (50.0, 88.0)])
def test_rows_at_other_bump_pitches_are_clean(bump_x: float, bump_y: float, tmp_path: Path) -> None:
    row = rx_direct_macro(kit=KIT, length=3 * bump_x + 240, bump_x=bump_x, bump_y=bump_y)
    assert check(write_gds(row, tmp_path / "row.gds"), only=KINDS).violations == ()


def test_a_detector_too_long_for_its_row_is_refused() -> None:
    kit = tuple((r, c, (("length", 100.0),)) if r == "detector" else (r, c, g) for r, c, g in KIT)
    with pytest.raises(AssemblyError, match=r"drop_in_lower: .* does not reach"):
        rx_direct_unit(kit=kit)
