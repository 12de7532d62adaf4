"""Is the file what it should be: design rules and connectivity, on the layout as it is written."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.verify.connectivity import connectivity, connectivity_layout
from cpo_pdk.verify.drc import drc, drc_layout
from cpo_pdk.verify.findings import CheckResult, Violation, merge
from cpo_pdk.verify.markers import write_lyrdb

__all__ = [
    "CheckResult",
    "Violation",
    "check",
    "check_layout",
    "connectivity",
    "connectivity_layout",
    "drc",
    "drc_layout",
    "merge",
    "write_lyrdb",
]


def check(path: str | Path, leaves: Collection[str] | None = None) -> CheckResult:
    """Run every check on a GDS or OASIS file, which is read once.

    Args:
        path: the file.
        leaves: functions of cells that are one device; default: those of the shipped sheets.

    Raises:
        LayoutError: the file can't be read, or none of its layers is one of the process.
    """
    return check_layout(read_layout(path), leaves)


def check_layout(file: LayoutFile, leaves: Collection[str] | None = None) -> CheckResult:
    """`check` of a layout that was read."""
    return merge([drc_layout(file), connectivity_layout(file, leaves)])
