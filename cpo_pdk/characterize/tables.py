"""The parts of `cpo characterize`: each makes one file of `models/data`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from cpo_pdk.characterize import bends, etch, guides, overlap, pairs, tips
from cpo_pdk.characterize.cross_section import Fineness
from cpo_pdk.characterize.provenance import provenance
from cpo_pdk.tech.waveguides import cross_section

Tell = Callable[[str], None]

HEIGHT = cross_section("rib").height
SLAB = cross_section("rib").slab

#: how much coarser `--quick` is: indices change by about 1e-3
QUICK = 2.5


@dataclass(frozen=True)
class Part:
    """One table.

    Attributes:
        file: its name in `models/data`, without ending.
        what: what it holds, in a few words.
        fineness: of the mesh that it is shipped with.
        compute: makes its content.
    """

    file: str
    what: str
    fineness: Fineness
    compute: Callable[[Fineness, Tell], dict[str, Any]]


def _guides(fineness: Fineness, tell: Tell, slab: float, modes: tuple[str, ...]) -> dict[str, Any]:
    tables = {mode: guides.table(fineness, mode, slab=slab, tell=tell) for mode in modes}
    return {**guides.axes(slab), "modes": tables}


def _strip(fineness: Fineness, tell: Tell) -> dict[str, Any]:
    return _guides(fineness, tell, 0.0, ("TE", "TM"))


def _rib(fineness: Fineness, tell: Tell) -> dict[str, Any]:
    return _guides(fineness, tell, SLAB, ("TE",))


def _etch(fineness: Fineness, tell: Tell) -> dict[str, Any]:
    return etch.table(fineness, slab=SLAB, tell=tell)


def _couplers(fineness: Fineness, tell: Tell) -> dict[str, Any]:
    return {n: pairs.table(fineness, slab=s, tell=tell) for n, s in (("strip", 0.0), ("rib", SLAB))}


def _bends(fineness: Fineness, tell: Tell) -> dict[str, Any]:
    return {n: bends.table(fineness, height=HEIGHT, slab=s, tell=tell) for n, s in (("strip", 0.0), ("rib", SLAB))}


def _overlap(fineness: Fineness, tell: Tell) -> dict[str, Any]:
    return overlap.table(fineness, height=HEIGHT, slab=SLAB, tell=tell)


def _tips(fineness: Fineness, tell: Tell) -> dict[str, Any]:
    return tips.table(fineness, height=HEIGHT, tell=tell)


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "strip": Part("strip_modes", "index of strips and its slope with temperature", Fineness(), _strip),
        "rib": Part("rib_modes", "index of ribs and its slope with temperature", Fineness(), _rib),
        "etch": Part("rib_etch", "what another slab does to ribs", Fineness(), _etch),
        "couplers": Part("pair_modes", "coupling of two equal guides", pairs.FINENESS, _couplers),
        "bends": Part("bend_modes", "mismatch and index of circular bends", bends.FINENESS, _bends),
        "overlap": Part("rib_overlap", "lateral weight of a rib's mode", Fineness(), _overlap),
        "tips": Part("tip_modes", "mode field of taper tips", tips.FINENESS, _tips),
    }
)


def compute(name: str, *, quick: bool, tell: Tell) -> dict[str, Any]:
    """Compute one part with its provenance.

    Args:
        name: key in `PARTS`.
        quick: on a coarse mesh, to try it out.
        tell: called with what is being computed.
    """
    part = PARTS[name]
    mesh = part.fineness
    if quick:
        mesh = replace(mesh, fine=mesh.fine * QUICK, coarse=mesh.coarse * QUICK, grow=1 + (mesh.grow - 1) * 2)
    command = f"cpo characterize --only {name}" + (" --quick" if quick else "")
    return {"provenance": provenance(command, mesh), **part.compute(mesh, tell)}


def as_text(document: dict[str, Any]) -> str:
    """JSON with each row of numbers on a line of its own."""
    text = json.dumps(document, indent=1, allow_nan=False)
    return re.sub(r"\[[\s\d.,e+-]+\]", lambda row: re.sub(r"\s+", " ", row.group()), text) + "\n"
