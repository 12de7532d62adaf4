"""The switch die seen from above: outline, bump field, rows of its serial links (SerDes) with a port each."""

from __future__ import annotations

from cpo_pdk.components.drawing import metal_port, rectangle, square
from cpo_pdk.errors import ParameterError
from cpo_pdk.spec.serdes import bump_grid, spread_lanes
from cpo_pdk.tech.gdsfactory_safe import gf

_RAISE = gf.kf.conf.CheckInstances.RAISE
BUMP_ASIC = 0.6  # diameter of an ASIC bump over its pitch
_OUTWARD = {"north": 90, "east": 0, "south": 270, "west": 180}


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
def asic(
    size_x: float,
    size_y: float,
    bump_pitch: float,
    bump_margin: float,
    shoreline: float,
    shoreline_lengths: tuple[float, float, float, float],
    lanes: tuple[int, int, int, int],
    bumps_per_lane: int,
    reserved: tuple[int, int, int, int],
) -> gf.Component:
    """The switch die; centred on the origin.

    Ports `tx_1`... and `rx_1`...: its serial links, at bumps of the shoreline rows.

    Args:
        size_x: in um.
        size_y: in um.
        bump_pitch: in um.
        bump_margin: from the die's edge to the outermost bumps in um.
        shoreline: depth of the SerDes rows along each edge in um.
        shoreline_lengths: of the edges' stretches with SerDes in the north, east, south and west, centred, um.
        lanes: links of each direction there.
        bumps_per_lane: bumps of one link in one direction.
        reserved: links of each direction for which room is kept there, for spare engines.

    Raises:
        ParameterError: more links than the shoreline rows have bumps for.
    """
    c = gf.Component()
    x, y = size_x / 2, size_y / 2
    rectangle(c, "ASIC", -x, -y, x, y)
    north, east, south, west = (round(length / 2, 3) for length in shoreline_lengths)
    inner = y - shoreline  # the corners belong to the northern and southern rows
    for left, bottom, right, top in (
        (-north, y - shoreline, north, y),
        (-south, -y, south, -y + shoreline),
        (-x, -min(west, inner), -x + shoreline, min(west, inner)),
        (x - shoreline, -min(east, inner), x, min(east, inner)),
    ):
        rectangle(c, "SHORELINE", left, bottom, right, top)
    grid = bump_grid((size_x, size_y), bump_pitch, bump_margin)
    edge = round(BUMP_ASIC * bump_pitch, 0)
    field = c.add_ref(
        asic_bump(size=edge),
        columns=grid.columns,
        rows=grid.rows,
        column_pitch=bump_pitch,
        row_pitch=bump_pitch,
    )
    field.move(grid.first)
    try:
        links = spread_lanes((size_x, size_y), grid, shoreline, shoreline_lengths, lanes, bumps_per_lane, reserved)
    except ValueError as error:
        raise ParameterError(f"asic: {error}; deepen the shoreline or lengthen the edge") from None
    for link in links:
        metal_port(c, link.name, link.x, link.y, _OUTWARD[link.side], width=edge, layer="ASIC_BUMP")
    c.info["bumps"] = grid.columns * grid.rows
    c.info["lanes"] = sum(lanes)
    return c
