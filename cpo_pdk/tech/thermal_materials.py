"""What package parts conduct and store, and how heat leaves them: the numbers of `data/thermal.yaml`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_DATA = Path(__file__).parent / "data" / "thermal.yaml"
_FIELDS = {
    "materials": ("lateral", "vertical", "capacity"),
    "films": ("htc",),
    "sizes": ("um",),
    "shares": ("area",),
    "limits": ("C",),
}


@dataclass(frozen=True)
class Conducting:
    """A material: conductivity in the package's plane and across it, W/(m K), heat capacity by volume, J/(m3 K)."""

    lateral: float
    vertical: float
    capacity: float

    def with_k(self, lateral: float | None, vertical: float | None = None) -> Conducting:
        """The same with other conductivities, W/(m K), where given; one number holds for both directions.

        Args:
            lateral: in the plane.
            vertical: across it; default: as `lateral`.
        """
        across = lateral if vertical is None else vertical
        return Conducting(
            self.lateral if lateral is None else lateral, self.vertical if across is None else across, self.capacity
        )


@dataclass(frozen=True)
class ThermalTable:
    """The data.

    Attributes:
        materials: name -> what it conducts.
        films: kind of cooling -> W/(m2 K) on its base.
        sizes: um.
        shares: of an area that is metal, 0 to 1.
        limits: C.
    """

    materials: dict[str, Conducting]
    films: dict[str, float]
    sizes: dict[str, float]
    shares: dict[str, float]
    limits: dict[str, float]


@cache
def thermal_table() -> ThermalTable:
    """The numbers; raises `ValueError` when the data lacks one, or a reason for one."""
    raw = thermal_entries()
    return ThermalTable(
        {
            name: Conducting(*(float(entry[key]) for key in _FIELDS["materials"]))
            for name, entry in raw["materials"].items()
        },
        {name: float(entry["htc"]) for name, entry in raw["films"].items()},
        {name: float(entry["um"]) for name, entry in raw["sizes"].items()},
        {name: float(entry["area"]) for name, entry in raw["shares"].items()},
        {name: float(entry["C"]) for name, entry in raw["limits"].items()},
    )


def thermal_entries(file: Path = _DATA) -> dict[str, dict[str, dict[str, Any]]]:
    """The data as it is written.

    Args:
        file: default: that of the process.

    Raises:
        ValueError: a room or a number is missing, not finite or (except of `limits`) not above 0, or an entry has
            neither a source nor a choice with its reason.
    """
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    if set(raw) != set(_FIELDS):
        raise ValueError(f"{file.name}: has {', '.join(raw)}; {', '.join(_FIELDS)} needed")
    for room, fields in _FIELDS.items():
        for name, entry in raw[room].items():
            where = f"{file.name}: {room}.{name}"
            for key in fields:
                value = entry.get(key)
                if not isinstance(value, int | float) or not math.isfinite(value):
                    raise ValueError(f"{where}.{key} is {value!r}, a number needed")
                if room != "limits" and value <= 0:
                    raise ValueError(f"{where}.{key} is {value:g}, must be above 0")
            if not entry.get("source") and not (entry.get("choice") is True and entry.get("reason")):
                raise ValueError(f"{where} has neither a source nor a choice with its reason")
    return raw
