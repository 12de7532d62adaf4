"""The switch die seen from above: outline, bump field, rows of its serial links (SerDes)."""

from __future__ import annotations

from cpo_pdk.components.drawing import rectangle, square
from cpo_pdk.tech.gdsfactory_safe import gf

_RAISE = gf.kf.conf.CheckInstances.RAISE
BUMP_ASIC = 0.6  # diameter of an ASIC bump over its pitch


@gf.cell(basename="cpo_asic_bump", check_instances=_RAISE)
def asic_bump(size: float) -> gf.Component:
    """One bump of the ASIC's field, a square.

    Args:
        size: edge in um.
    """
    c = gf.Component()
    square(c, "ASIC_BUMP", 0, 0, size)
    return c


@gf.cell(basename="cpo_asic", check_instances=_RAISE)
def asic(size_x: float, size_y: float, bump_pitch: float, bump_margin: float, shoreline: float) -> gf.Component:
    """The switch die seen from above: outline, bump field, SerDes shoreline; centred on the origin.

    Args:
        size_x: in um.
        size_y: in um.
        bump_pitch: in um.
        bump_margin: from the die's edge to the outermost bumps in um.
        shoreline: depth of the SerDes rows along each edge in um.
    """
    c = gf.Component()
    x, y = size_x / 2, size_y / 2
    rectangle(c, "ASIC", -x, -y, x, y)
    for left, bottom, right, top in (
        (-x, y - shoreline, x, y),
        (-x, -y, x, -y + shoreline),
        (-x, -y + shoreline, -x + shoreline, y - shoreline),
        (x - shoreline, -y + shoreline, x, y - shoreline),
    ):
        rectangle(c, "SHORELINE", left, bottom, right, top)
    columns = int((size_x - 2 * bump_margin) // bump_pitch) + 1
    rows = int((size_y - 2 * bump_margin) // bump_pitch) + 1
    field = c.add_ref(
        asic_bump(size=round(BUMP_ASIC * bump_pitch, 0)),
        columns=columns,
        rows=rows,
        column_pitch=bump_pitch,
        row_pitch=bump_pitch,
    )
    field.move((round(-(columns - 1) * bump_pitch / 2, 3), round(-(rows - 1) * bump_pitch / 2, 3)))
    c.info["bumps"] = columns * rows
    return c
