"""Parts of the package that engines must leave room for: where they are, and how much room an engine needs beside them.

An engine keeps its own free space around its die, and the block that holds the fibres at its facet needs room in front
of it. A cold plate rests on the dies: only the fibre blocks, which are higher, must stay out of its outline. What lets
fibres pass over it is lower than the fibre block, too.
"""

from __future__ import annotations

from typing import Protocol

from cpo_pdk.spec.package import KeepOut, PackageSpec

ARRAY_DEPTH = 2500.0  # of the block that holds the fibres in front of a facet, um (ASM.ARRAY)
ARRAY_BESIDE = 400.0  # of that block beyond the sides of the die, um (0.5 mm beyond the outer fibres, ASM.ARRAY)

CLEARANCE = {"stiffener": 250.0, "lid": 250.0, "cold_plate": 500.0, "socket": 500.0, "capacitors": 0.0}
"""Kind -> room between it and a die or a fibre block, um (ASM.STIFFENER, ASM.LID, ASM.COLDPLATE, ASM.SOCKET)."""

LAYER = {
    "stiffener": "STIFFENER",
    "lid": "LID",
    "cold_plate": "COLDPLATE",
    "socket": "SOCKET",
    "capacitors": "CAPACITORS",
}
"""Kind -> drawing layer."""

Box = tuple[float, float, float, float]


class Placed(Protocol):
    """What is asked of the place of an engine."""

    @property
    def outward(self) -> tuple[int, int]:
        """Unit vector through the facet."""
        ...

    def box(self, size: tuple[float, float]) -> Box:
        """Left, bottom, right and top of the die in um."""
        ...


def keep_out_box(keep: KeepOut) -> Box:
    """Left, bottom, right and top in um.

    Args:
        keep: the keep-out.
    """
    left, bottom, right, top = (round(v * 1e3, 3) for v in keep.box_mm)
    return left, bottom, right, top


def overlap_of(a: Box, b: Box) -> tuple[float, float]:
    """Width and height of what two boxes have in common, um; negative: how far they are apart.

    Args:
        a: left, bottom, right and top in um.
        b: as `a`.
    """
    return min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])


def space_of(a: Box, b: Box) -> float:
    """Distance of two boxes along the axis on which they are further apart, um; negative: they overlap.

    Args:
        a: left, bottom, right and top in um.
        b: as `a`.
    """
    return -min(overlap_of(a, b))


def grown(box: Box, by: float) -> Box:
    """A box with room around it.

    Args:
        box: left, bottom, right and top in um.
        by: room on each side in um.
    """
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def fibre_block(place: Placed, size: tuple[float, float]) -> Box:
    """The block that holds the fibres in front of an engine's facet, um.

    Args:
        place: of the engine.
        size: length (towards the facet) and width of the engine in um.
    """
    left, bottom, right, top = place.box(size)
    dx, dy = place.outward
    if dx:
        inner, outer = (right, right + ARRAY_DEPTH) if dx > 0 else (left - ARRAY_DEPTH, left)
        return inner, bottom - ARRAY_BESIDE, outer, top + ARRAY_BESIDE
    inner, outer = (top, top + ARRAY_DEPTH) if dy > 0 else (bottom - ARRAY_DEPTH, bottom)
    return left - ARRAY_BESIDE, inner, right + ARRAY_BESIDE, outer


def needed_rooms(spec: PackageSpec, keep: KeepOut, place: Placed, size: tuple[float, float]) -> list[tuple[str, Box]]:
    """What of an engine must stay out of a keep-out: in words, and its box with clearance in um.

    Args:
        spec: the package.
        keep: the keep-out.
        place: of the engine.
        size: length (towards the facet) and width of the engine in um.
    """
    clear = CLEARANCE[keep.kind]
    rooms: list[tuple[str, Box]] = []
    if keep.kind != "cold_plate":
        rooms.append(("engine", grown(place.box(size), max(spec.engines.keepout_um, clear))))
    if keep.fibres == "around":
        rooms.append(("fibre block of engine", grown(fibre_block(place, size), clear)))
    return rooms


def kept_out(spec: PackageSpec, place: Placed, size: tuple[float, float]) -> bool:
    """True when an engine stands too close to a keep-out.

    Args:
        spec: the package.
        place: of the engine.
        size: length (towards the facet) and width of the engine in um.
    """
    return any(
        min(overlap_of(keep_out_box(keep), room)) > 1e-6
        for keep in spec.keepouts
        for _, room in needed_rooms(spec, keep, place, size)
    )
