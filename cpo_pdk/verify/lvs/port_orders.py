"""Ports of a device that are worth the same: in which orders they may be taken."""

from __future__ import annotations

from collections.abc import Mapping

FOUR: tuple[str, ...] = ("o1", "o2", "o3", "o4")
_KLEIN: tuple[tuple[str, ...], ...] = (
    FOUR,
    ("o2", "o1", "o4", "o3"),
    ("o4", "o3", "o2", "o1"),
    ("o3", "o4", "o1", "o2"),
)
#: cell -> the orders in which its ports may be taken without making it another device
SYMMETRIES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "add_drop_ring": _KLEIN,
    "directional_coupler": _KLEIN,
    "mmi2x2": _KLEIN,
    "phase_shifter_thermal": (("o1", "o2"), ("o2", "o1")),
    "photodetector_dual": (("o1", "o2"), ("o2", "o1")),
    "mmi1x2": (("o1", "o2", "o3"), ("o1", "o3", "o2")),
    "y_branch": (("o1", "o2", "o3"), ("o1", "o3", "o2")),
}
