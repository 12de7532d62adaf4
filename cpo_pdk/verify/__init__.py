"""Is the file what it should be: design rules, waveguides, connections, circuit and package, on the layout as it is."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.verify.connections.run import connectivity, connectivity_layout
from cpo_pdk.verify.design_rules.run import drc, drc_layout
from cpo_pdk.verify.findings import CheckResult, Verdict, Violation
from cpo_pdk.verify.formats.lyrdb import write_lyrdb

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


def check(path: str | Path, leaves: Collection[str] | None = None) -> Verdict:
    """Run every check on a GDS or OASIS file, which is read once.

    Args:
        path: the file.
        leaves: functions of cells that are one device; default: those of the shipped sheets.

    Raises:
        LayoutError: the file can't be read, or none of its layers is one of the process.
    """
    return check_layout(read_layout(path), leaves)


def check_layout(file: LayoutFile, leaves: Collection[str] | None = None) -> Verdict:
    """`check` of a layout that was read."""
    results = (drc_layout(file), connectivity_layout(file, leaves))
    return Verdict(file=file.path.name, results=results, top=file.top.name)
