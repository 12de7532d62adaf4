"""Is the file what it should be: design rules, waveguides, connections, circuit and package, on the layout as it is."""

from __future__ import annotations

from cpo_pdk.verify.connections.run import connectivity, connectivity_layout
from cpo_pdk.verify.design_rules.run import drc, drc_layout
from cpo_pdk.verify.findings import CheckResult, Verdict, Violation
from cpo_pdk.verify.formats.lyrdb import write_lyrdb
from cpo_pdk.verify.run import check, check_layout

__all__ = [
    "CheckResult",
    "Verdict",
    "Violation",
    "check",
    "check_layout",
    "connectivity",
    "connectivity_layout",
    "drc",
    "drc_layout",
    "write_lyrdb",
]
