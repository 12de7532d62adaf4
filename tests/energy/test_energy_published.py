"""Published powers: arithmetic of facts that were read, and a file in which each number says where it is from."""

from __future__ import annotations

import pytest

from cpo_pdk.energy.cluster import cluster_energy
from cpo_pdk.energy.comparison import comparison_of, comparisons, pluggable_key, published
from cpo_pdk.energy.validation import CASES
from cpo_pdk.spec.link import Cluster
from cpo_pdk.spec.part import Part


@pytest.mark.parametrize(
    ("key", "pJ_bit"),
    [
        ("pluggable_1t6", 18.75),
        ("pluggable_800g", 18.75),
        ("nvidia_cpo", 5.625),
        ("bailly_cpo", 6.875),
        ("intel_oci", 5.0),
        ("celestial", 3.1),
        ("copper_passive", 0.125),
        ("copper_active", 1.875),
    ],
)
def test_energy_of_published_systems(key: str, pJ_bit: float) -> None:
    found = comparison_of(key, 51.2)
    assert found.pJ_bit == pytest.approx(pJ_bit)
    assert found.watt == pytest.approx(pJ_bit * 51.2)
    assert found.total_pJ_bit >= found.pJ_bit


def test_bailly_at_51t2() -> None:
    """64 ports of 5.5 W."""
    assert comparison_of("bailly_cpo", 51.2).watt == pytest.approx(352.0)


def test_every_published_number_says_where_it_is_from() -> None:
    file = published()
    for system in file["systems"].values():
        assert system["source"] and system["counts"] and system["watt"] > 0 and system["Tbps"] > 0
        assert system["host"] is None or system["host"] in file["hosts"]
        if "shares_W" in system:
            assert sum(system["shares_W"].values()) == pytest.approx(system["watt"])
    for host in file["hosts"].values():
        assert host["source"] and host["choice"]
    found = comparisons(51.2)
    assert len(found) == len(file["systems"])
    assert [other.pJ_bit for other in found] == sorted((other.pJ_bit for other in found), reverse=True)


def test_hosts_are_those_of_the_sheets(all_parts: dict[str, Part]) -> None:
    hosts = published()["hosts"]
    for name in ("vsr_112g", "vsr_224g"):
        assert hosts[name]["pJ_bit"] == all_parts[f"serdes_{name}"]["host_pJ_bit"]


def test_generation_of_pluggables() -> None:
    assert pluggable_key(100.0) == "pluggable_800g"
    assert pluggable_key(200.0) == "pluggable_1t6"


def test_cluster_of_400_000_processors() -> None:
    """72 MW of pluggables at 30 W for 1.6T, 21.6 MW at 9 W: NVIDIA's figures for 400,000 processors."""
    cluster = Cluster(ports=2_400_000, port_Gbps=1600.0, hours=1.0, pue=1.0, carbon_g_kWh=0.0)
    bare = comparison_of("pluggable_1t6", 1.6)
    found = cluster_energy(cluster, 9.0, 1.6, bare)
    assert found.optics_MWh == pytest.approx(21.6)
    assert found.pluggable_MWh - 2.4e6 * 1.6 * bare.host_pJ_bit * 1e-6 == pytest.approx(72.0)
    assert found.carbon_t == 0


def test_cases_of_the_validation_hold() -> None:
    assert len(CASES) >= 8
    for case in CASES:
        difference = abs(case.ours() - case.published) / (abs(case.published) if case.relative else 1.0)
        assert difference <= case.tolerance, case.quantity
