"""Marks of a die: alignment mark and frame."""

from __future__ import annotations

from typing import Annotated

from cpo_pdk.components.cell import Flag, Um, cell
from cpo_pdk.components.drawing import rectangle
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf


@cell
def alignment_mark(
    size: Annotated[float, Um(10, 500)] = 60.0, width: Annotated[float, Um(1, 50)] = 6.0
) -> gf.Component:
    """Cross for the bonder's camera, in silicon and metal 2.

    Args:
        size: of the cross in um.
        width: of its arms in um.
    """
    c = gf.Component()
    for layer, arm in (("WG", width), ("M2", width + 4)):
        rectangle(c, layer, -size / 2, -arm / 2, size / 2, arm / 2)
        rectangle(c, layer, -arm / 2, -size / 2, arm / 2, size / 2)
    return c


@cell
def die_frame(
    size_x: Annotated[float, Um(150, 50_000)] = 2_000.0,
    size_y: Annotated[float, Um(150, 50_000)] = 3_000.0,
    street: Annotated[float, Um(10, 500)] = 50.0,
    mark_inset: Annotated[float, Um(30, 1_000)] = 60.0,
    *,
    facet_east: Annotated[bool, Flag()] = True,
) -> gf.Component:
    """Outline of a die with its dicing street, an alignment mark in each corner, lower left corner at the origin.

    Args:
        size_x: of the die in um.
        size_y: of the die in um.
        street: width of the dicing street outside the die in um.
        mark_inset: from the die's edges to the centres of the marks in um.
        facet_east: leave the east side to the facet trench.

    Raises:
        ParameterError: the marks would touch each other.
    """
    # a mark is 60 um wide and keeps 1 um from the next, as metal 2 must
    most = min(size_x, size_y) / 2 - 30.5
    if mark_inset > most:
        raise ParameterError(
            f"die_frame: mark_inset = {mark_inset} um puts marks of 60 um on each other in a die of {size_x} by "
            f"{size_y} um; give at most {most:g} um, or a larger die"
        )
    c = gf.Component()
    rectangle(c, "FLOORPLAN", 0, 0, size_x, size_y)
    rectangle(c, "DICING", -street, -street, 0, size_y + street)
    rectangle(c, "DICING", 0, -street, size_x, 0)
    rectangle(c, "DICING", 0, size_y, size_x, size_y + street)
    if not facet_east:
        rectangle(c, "DICING", size_x, -street, size_x + street, size_y + street)
    for x in (mark_inset, size_x - mark_inset):
        for y in (mark_inset, size_y - mark_inset):
            ref = c << alignment_mark()
            ref.move((x, y))
    return c
