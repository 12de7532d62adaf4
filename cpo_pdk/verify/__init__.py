"""Is the file what it should be: design rules, waveguides, connections, circuit and package, on the layout as it is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

#: name -> module: the design rules alone need neither the devices nor the models that other checks import
_LAZY = {
    "CheckResult": "findings",
    "Verdict": "findings",
    "Violation": "findings",
    "check": "run",
    "check_layout": "run",
    "connectivity": "connections.run",
    "connectivity_layout": "connections.run",
    "drc": "design_rules.run",
    "drc_layout": "design_rules.run",
    "write_lyrdb": "formats.lyrdb",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'cpo_pdk.verify' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"cpo_pdk.verify.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
