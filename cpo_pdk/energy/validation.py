"""Energy against published numbers: powers turned into energy a bit, efficiencies, laser light, a cluster."""

from __future__ import annotations

from functools import cache

from cpo_pdk.energy.cluster import cluster_energy
from cpo_pdk.energy.comparison import comparison_of, share_pJ_bit
from cpo_pdk.models.validation.case import Case
from cpo_pdk.spec.link import Cluster
from cpo_pdk.spec.part import Part
from cpo_pdk.spec.part_choice import load_parts

NVIDIA = "NVIDIA, pluggable 30 W and CPO 9 W for 1.6T (techpowerup.com, 2025)"
BROADCOM = "Broadcom, 5.5 W and 14 to 16 W for 800G (laserfocusworld.com 14290374)"


@cache
def _parts() -> dict[str, Part]:
    return load_parts()


def _pJ_bit(key: str) -> float:
    return comparison_of(key, 1.0).pJ_bit


def _cluster_MW(watt: float) -> float:
    """Power of 2.4 million ports of 1.6T, without hosts."""
    cluster = Cluster(ports=2_400_000, port_Gbps=1600.0, hours=1.0, pue=1.0)
    return cluster_energy(cluster, watt, 1.6, comparison_of("nvidia_cpo", 1.6)).optics_MWh


def _laser_W() -> float:
    """12 mW at each of 8 modulators, 5 dB away, of a laser that gives 15 % of its power as light."""
    return 8 * 12e-3 * 10 ** (5 / 10) / 0.15


def _case(device: str, quantity: str, unit: str, source: str, published: float, ours, tolerance: float) -> Case:
    return Case(device, quantity, unit, source, published, ours, tolerance, fitted=True)


CASES = (
    _case("energy", "NVIDIA pluggable, 30 W / 1.6T", "pJ/bit", NVIDIA, 18.75, lambda: _pJ_bit("pluggable_1t6"), 1e-9),
    _case("energy", "NVIDIA CPO, 9 W / 1.6T", "pJ/bit", NVIDIA, 5.625, lambda: _pJ_bit("nvidia_cpo"), 1e-9),
    _case("energy", "NVIDIA CPO, engine", "pJ/bit", NVIDIA, 4.375, lambda: share_pJ_bit("nvidia_cpo", "engine"), 1e-9),
    _case("energy", "NVIDIA CPO, laser", "pJ/bit", NVIDIA, 1.25, lambda: share_pJ_bit("nvidia_cpo", "laser"), 1e-9),
    _case("energy", "Broadcom Bailly, 5.5 W / 800G", "pJ/bit", BROADCOM, 6.875, lambda: _pJ_bit("bailly_cpo"), 1e-9),
    _case(
        "energy",
        "Broadcom Bailly at 51.2T",
        "W",
        BROADCOM,
        352.0,
        lambda: comparison_of("bailly_cpo", 51.2).watt,
        1e-9,
    ),
    _case(
        "energy",
        "cluster of 400,000 processors, CPO",
        "MW",
        "NVIDIA, 72 MW of pluggables, 21.6 MW of CPO",
        21.6,
        lambda: _cluster_MW(9.0),
        1e-9,
    ),
    _case(
        "energy",
        "cluster of 400,000 processors, pluggable",
        "MW",
        "NVIDIA, 72 MW of pluggables, 21.6 MW of CPO",
        72.0,
        lambda: _cluster_MW(30.0),
        1e-9,
    ),
    _case(
        "els_dfb",
        "wall plug efficiency at its temperature",
        "1",
        "Furukawa external laser, 16 x 100 mW for 13 W",
        0.123,
        lambda: _parts()["els_dfb"]["wall_plug"],
        0.005,
    ),
    _case(
        "tia_112g",
        "energy at 112 Gb/s",
        "pJ/bit",
        "96.8 mW at 112 Gb/s, 28 nm",
        0.864,
        lambda: _parts()["tia_112g"]["power_mW"] / 112,
        0.001,
    ),
    _case(
        "energy",
        "laser of 8 lanes: 12 mW each, 5 dB, 15 %",
        "W",
        "estimate for an NVIDIA engine, 2.02 W (optical_io, cpo_laser.md)",
        2.02,
        _laser_W,
        0.005,
    ),
)
