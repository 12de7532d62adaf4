"""Engines and packages: gdsfactory components from a spec, and the files they are written to."""

from cpo_pdk.assemblies.engine import engine
from cpo_pdk.assemblies.kit import Kit, kit_of, make
from cpo_pdk.assemblies.macros import rx_macro, splitter_tree, tx_macro
from cpo_pdk.assemblies.release import PackageFiles, draw, write_package
from cpo_pdk.assemblies.routing import route_optical
from cpo_pdk.assemblies.units import rx_unit, tx_unit
from cpo_pdk.assemblies.writing import write_gds

__all__ = [
    "Kit",
    "PackageFiles",
    "draw",
    "engine",
    "kit_of",
    "make",
    "route_optical",
    "rx_macro",
    "rx_unit",
    "splitter_tree",
    "tx_macro",
    "tx_unit",
    "write_gds",
    "write_package",
]
