"""The parts of `cpo characterize`: each makes one file of `models/data`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cpo_pdk.characterize import bends, guides, overlap, pairs, tips
from cpo_pdk.characterize.cross_section import Fineness
from cpo_pdk.characterize.provenance import provenance

Tell = Callable[[str], None]
Part = Callable[[Fineness, Tell], dict[str, Any]]

HEIGHT = 0.22
#: height of what the rib's etch leaves beside its core, um
SLAB = 0.09

FINENESS = Fineness()
#: `--quick`: indices change by about 1e-3
QUICK = Fineness(fine=0.04, coarse=0.4, grow=1.6, pad=1.2)


def _guides(fineness: Fineness, tell: Tell, slab: float, modes: tuple[str, ...]) -> dict[str, Any]:
    tables = {mode: guides.table(fineness, mode, slab=slab, tell=tell) for mode in modes}
    return {**guides.axes(slab), "modes": tables}


def _both(make: Callable[[float], dict[str, Any]]) -> dict[str, Any]:
    return {"strip": make(0.0), "rib": make(SLAB)}


#: name -> what it computes, by file name without ending
PARTS: Mapping[str, tuple[str, Part]] = MappingProxyType(
    {
        "strip": ("strip_modes", lambda f, tell: _guides(f, tell, 0.0, ("TE", "TM"))),
        "rib": ("rib_modes", lambda f, tell: _guides(f, tell, SLAB, ("TE",))),
        "couplers": ("pair_modes", lambda f, tell: _both(lambda slab: pairs.table(f, slab=slab, tell=tell))),
        "bends": (
            "bend_modes",
            lambda f, tell: _both(lambda slab: bends.table(f, height=HEIGHT, slab=slab, tell=tell)),
        ),
        "overlap": ("rib_overlap", lambda f, tell: overlap.table(f, height=HEIGHT, slab=SLAB)),
        "tips": ("tip_modes", lambda f, tell: tips.table(height=HEIGHT, tell=tell)),
    }
)


def compute(part: str, *, quick: bool, tell: Tell) -> dict[str, Any]:
    """Compute one part with its provenance.

    Args:
        part: key in `PARTS`.
        quick: on a coarse mesh, to try it out.
        tell: called with what is being computed.
    """
    fineness = QUICK if quick else FINENESS
    command = f"cpo characterize --only {part}" + (" --quick" if quick else "")
    return {"provenance": provenance(command, fineness), **PARTS[part][1](fineness, tell)}
