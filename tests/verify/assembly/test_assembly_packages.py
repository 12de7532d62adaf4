"""Packages that ship keep every rule of the package: on an interposer, on boards, with ribbons that must cross."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.port_plan import faceplate_order
from cpo_pdk.verify import connectivity
from cpo_pdk.verify.assembly.run import assembly
from cpo_pdk.verify.findings import CheckResult

#: what each draws that the others don't, by the rule that looks at it
DRAWN = {
    "optical_io_ucie": {"ASM.INTERPOSER.EN": 2, "ASM.TRACE": 128},
    "switch_28t8": {"ASM.CARRIER.EN": 18, "ASM.CARRIER.S": 6, "ASM.SUBSTRATE.EN": 18 + 1 + 6},
}


def drawn(spec: PackageSpec, folder: Path) -> Path:
    assemblies = pytest.importorskip("cpo_pdk.assemblies")
    return assemblies.write_package(spec, folder, load_sheets()).package_gds


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_package_that_ships(name: str, tmp_path: Path) -> None:
    spec = load_spec(name)
    result = assembly(drawn(spec, tmp_path), spec=spec)
    assert result.clean, result.violations[:3]
    assert {rule: result.looked_at_by_rule[rule] for rule in DRAWN[name]} == DRAWN[name]
    assert result.counted["fibres"] == spec.fibre_counts["total"]
    assert result.counted["ribbon_crossings_over_package"] == 0
    assert len(result.crossings) == result.counted["ribbon_crossings"]


def test_an_order_that_makes_ribbons_cross(tmp_path: Path) -> None:
    """Two neighbours swapped at the faceplate: one of their ribbons is lifted, all end where they are asked."""
    base = load_spec("switch_28t8")
    order = list(faceplate_order(base))
    order[8], order[9] = order[9], order[8]
    spec = base.model_copy(
        update={
            "fibres": base.fibres.model_copy(update={"levels": 2}),
            "faceplate": base.faceplate.model_copy(update={"order": tuple(order)}),
        }
    )
    path = drawn(spec, tmp_path)
    result = assembly(path, spec=spec)
    assert result.clean, result.violations[:3]
    between = _between(result, f"engine_{order[8]}", f"engine_{order[9]}")
    data = [crossing for crossing in between if "FIBER_PM" not in crossing.layers]
    assert [crossing.layers for crossing in data] == [("FIBER", "FIBER_2")]
    assert data[0].fibres == 16 * 16
    assert data[0].angle > 10
    assert not data[0].over
    assert connectivity(path).clean


def _between(result: CheckResult, one: str, other: str) -> list:
    return [
        crossing
        for crossing in result.crossings
        if {crossing.first.partition(" ")[0], crossing.second.partition(" ")[0]} == {one, other}
    ]
