"""Energy and carbon of a machine made of such packages, beside one with pluggables."""

from __future__ import annotations

from cpo_pdk.energy.results import ClusterEnergy, Comparison
from cpo_pdk.spec.link import Cluster


def cluster_energy(cluster: Cluster, optics_W: float, bandwidth_Tbps: float, pluggable: Comparison) -> ClusterEnergy:
    """A year of a cluster at the power of one state.

    Args:
        cluster: ports, hours, power usage effectiveness, carbon.
        optics_W: of one package.
        bandwidth_Tbps: of one package, in one direction; above 0.
        pluggable: what ours is held against; counted with the serial links of its host.
    """
    carried_Tbps = cluster.ports * cluster.port_Gbps * 1e-3
    packages = carried_Tbps / bandwidth_Tbps
    hours = cluster.hours * cluster.pue * 1e-6  # W to MWh
    ours, theirs = packages * optics_W * hours, carried_Tbps * pluggable.total_pJ_bit * hours
    tonnes = cluster.carbon_g_kWh * 1e-3  # of a MWh: g/kWh = kg/MWh
    return ClusterEnergy(packages, ours, theirs, ours * tonnes, theirs * tonnes, pluggable.name, cluster.state)
