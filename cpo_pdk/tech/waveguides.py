"""Cross-sections as data: sizes, radii and losses of `tech/data/waveguides.yaml`.

Read once and kept; everything that is handed out is frozen. Where each number comes from is written in the YAML file.
Indices of modes are no choice of the process: they are computed from its sizes (`cpo_pdk/models/modes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from cpo_pdk.errors import ParameterError

DATA = Path(__file__).parent / "data" / "waveguides.yaml"


@dataclass(frozen=True)
class Sourced:
    """One number with where it comes from; `choice` marks one that was chosen for the reason in `source`."""

    value: float
    source: str
    choice: bool = False


@dataclass(frozen=True)
class BendLoss:
    """Excess loss of a 90 degree bend in dB, found at radius `at_radius` (um); `decay` (1/um): growth below it."""

    value: float
    at_radius: float
    decay: float
    source: str
    choice: bool = False


@dataclass(frozen=True)
class CrossSection:
    """One waveguide.

    Attributes:
        name: "strip" or "rib".
        width: core width in um.
        radius: bend radius that routing uses, um.
        radius_min: smallest bend radius for routing, um.
        loss_dB_cm: mode -> propagation loss in dB/cm.
        bend_loss: excess loss of a 90 degree bend.
        height: of the core in um.
        slab: height of the silicon beside the core in um; 0 for none.
        modes: guided fundamental modes, "TE" and "TM".
    """

    name: str
    width: float
    radius: float
    radius_min: float
    loss_dB_cm: MappingProxyType[str, Sourced]
    bend_loss: BendLoss
    height: float
    slab: float
    modes: tuple[str, ...]


def _cross_section(name: str, height: float, raw: dict[str, Any]) -> CrossSection:
    losses = {mode: Sourced(**entry) for mode, entry in raw["loss_dB_cm"].items()}
    return CrossSection(
        name=name,
        width=raw["width"],
        radius=raw["radius"],
        radius_min=raw["radius_min"],
        loss_dB_cm=MappingProxyType(losses),
        bend_loss=BendLoss(**raw["bend_loss_dB_90"]),
        height=height,
        slab=raw["slab"],
        modes=tuple(losses),
    )


@lru_cache(maxsize=1)
def cross_sections() -> MappingProxyType[str, CrossSection]:
    """Return all cross-sections of the process by name."""
    raw = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return MappingProxyType({n: _cross_section(n, raw["height"], x) for n, x in raw["cross_sections"].items()})


def cross_section(name: str) -> CrossSection:
    """Return one cross-section.

    Args:
        name: "strip" or "rib".

    Raises:
        ParameterError: there is no cross-section of that name.
    """
    known = cross_sections()
    if name not in known:
        raise ParameterError(f"cross_section is {name!r}; available: {', '.join(known)}")
    return known[name]
