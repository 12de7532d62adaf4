"""Which cells of a layout are one device, and which have a meaning of their own.

Apart from the rest, so that checks of a layout load no models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

#: function name of the cells that lanes are computed in
ENGINE = "engine"
#: function name of the cells where fibres end
CONNECTOR = "connector"


class DeviceSheet(Protocol):
    """What is asked of a sheet here, see `cpo_pdk.spec.Sheet`."""

    @property
    def drawn_by(self) -> str: ...
    @property
    def computed(self) -> bool: ...


def leaf_factories(sheets: Mapping[str, DeviceSheet]) -> frozenset[str]:
    """Factories of the cells that are one device, because something computes them; others are looked into."""
    return frozenset(sheet.drawn_by for sheet in sheets.values() if sheet.computed)
