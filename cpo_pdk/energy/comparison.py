"""What others take for the same bits: published powers of pluggables, co-packaged optics and copper."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cpo_pdk.energy.results import Comparison

DATA = Path(__file__).parent / "data" / "published.yaml"


@cache
def published() -> dict[str, Any]:
    """The file of published powers, read once; treat as read-only."""
    return yaml.safe_load(DATA.read_text(encoding="utf-8"))


def comparison_of(key: str, bandwidth_Tbps: float) -> Comparison:
    """One published system at a bandwidth; raises `KeyError` for an unknown key.

    Args:
        key: of the file of published powers.
        bandwidth_Tbps: in one direction.
    """
    system = published()["systems"][key]
    pJ_bit = system["watt"] / system["Tbps"]
    host = published()["hosts"][system["host"]]["pJ_bit"] if system["host"] else 0.0
    return Comparison(system["name"], pJ_bit, pJ_bit * bandwidth_Tbps, system["source"], system["counts"], host)


def share_pJ_bit(key: str, share: str) -> float:
    """Energy a bit of one share of a published system, where it is published; raises `KeyError`.

    Args:
        key: of the file of published powers.
        share: `engine` or `laser`.
    """
    system = published()["systems"][key]
    return system["shares_W"][share] / system["Tbps"]


def comparisons(bandwidth_Tbps: float) -> tuple[Comparison, ...]:
    """All published systems at a bandwidth, the most energy first.

    Args:
        bandwidth_Tbps: in one direction.
    """
    found = (comparison_of(key, bandwidth_Tbps) for key in published()["systems"])
    return tuple(sorted(found, key=lambda other: -other.pJ_bit))


def pluggable_key(lane_rate_Gbps: float) -> str:
    """The generation of pluggables that has lanes of a rate.

    Args:
        lane_rate_Gbps: of one wavelength.
    """
    return "pluggable_1t6" if lane_rate_Gbps > 112 else "pluggable_800g"
