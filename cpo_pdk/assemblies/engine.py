"""An engine of rings: fibre array in the east, splitter trees in the west, transmit and receive rows between them.

::

    .--- tree ---[ transmit row tx ]--------[ ] tx_n     facet
    |  .- tree --[ transmit row 1 ]---------[ ] tx_1
    |  '------------------------------------[ ] laser_2
    '---------------------------------------[ ] laser_1

Architectures `ring_wdm` (filters before the detectors) and `ring_dr` (one wavelength a fibre, no filter).

From south to north the fibre array holds: loopback, laser fibres, transmit fibres, receive fibres, loopback. Laser
light runs west below the rows it feeds, turns round in a column of its own, is split, and comes back east through the
modulators: no two waveguides cross.
"""

from __future__ import annotations

from cpo_pdk.assemblies.facet import COLUMN, EIC_MARGIN, MARGIN, WEST, facet_names, feed, fibre_array, lane_bumps
from cpo_pdk.assemblies.kit import Kit, make
from cpo_pdk.assemblies.macros import row_length, rx_macro, tree_length, tx_macro
from cpo_pdk.assemblies.rows_dr import rx_direct_macro
from cpo_pdk.components.die import die_frame
from cpo_pdk.components.drawing import rectangle
from cpo_pdk.tech.gdsfactory_safe import gf

_RAISE = gf.kf.conf.CheckInstances.RAISE


def engine_size(
    kit: Kit,
    channels: int,
    tx: int,
    rx: int,
    laser: int,
    loopbacks: int,
    fibre_pitch: float,
    bump_x: float,
    *,
    west: float = 0.0,
    side: float = 0.0,
) -> tuple[float, float]:
    """Length (towards the facet) and width (along the facet) of the die in um.

    Args:
        kit: devices.
        channels: number of wavelengths.
        tx: number of transmit fibres.
        rx: number of receive fibres.
        laser: number of laser fibres.
        loopbacks: 0, 1 or 2.
        fibre_pitch: of the array in um.
        bump_x: bump pitch along a row in um.
        west: room added in the west, um.
        side: room added in the south and in the north, each, um.
    """
    fibres = tx + rx + laser + 2 * loopbacks
    coupler = make(kit, "edge_coupler").info["length"]
    length = west + _rows_at(kit, laser, tx // laser) + row_length(kit, channels, bump_x) + coupler
    return round(length, 3), round(fibres * fibre_pitch + 2 * (MARGIN + side), 3)


def _rows_at(kit: Kit, laser: int, ways: int) -> float:
    """Where the rows start, um from the west edge of the die, without room added there."""
    return round(WEST + laser * COLUMN + tree_length(kit, ways), 3)


@gf.cell(basename="cpo_engine", check_instances=_RAISE)
def engine(
    kit: Kit,
    wl_um: tuple[float, ...],
    radii_modulator: tuple[float, ...],
    radii_filter: tuple[float, ...],
    tx: int = 8,
    rx: int = 8,
    laser: int = 2,
    loopbacks: int = 2,
    fibre_pitch: float = 127.0,
    bump_x: float = 50.0,
    bump_y: float = 63.5,
    west: float = 0.0,
    side: float = 0.0,
) -> gf.Component:
    """One engine; lower left corner of the die at the origin, facet in the east.

    Ports at the facet: `loop_1`..., `laser_1`..., `tx_1`..., `rx_1`... `info["lane_bumps"]`: [`tx_3/5`, x, y] is the
    bump (um) where channel 5 of transmit fibre 3 meets the electronic die: the modulator's anode, the detector's anode.

    Args:
        kit: devices.
        wl_um: wavelengths of the channels in um.
        radii_modulator: of the modulators' rings in um, one a channel.
        radii_filter: of the drop rings in um, one a channel; none where light meets the detector unfiltered.
        tx: number of transmit fibres.
        rx: number of receive fibres.
        laser: number of laser fibres; each feeds tx / laser transmit rows.
        loopbacks: 0, 1 or 2.
        fibre_pitch: of the array in um.
        bump_x: bump pitch along a row in um.
        bump_y: bump pitch across a row in um; half the fibre pitch.
        west: room added in the west, um.
        side: room added in the south and in the north, each, um.

    Raises:
        ParameterError: a device that its cell refuses to draw, or a fibre pitch that is too small for the loopbacks.
    """
    c = gf.Component()
    ways = tx // laser
    size = engine_size(kit, len(wl_um), tx, rx, laser, loopbacks, fibre_pitch, bump_x, west=west, side=side)
    x_rows = round(west + _rows_at(kit, laser, ways), 3)
    length = row_length(kit, len(wl_um), bump_x)

    array = c << fibre_array(kit=kit, n=tx + rx + laser + 2 * loopbacks, pitch=fibre_pitch, loopbacks=loopbacks)
    array.name = "fibre_array"
    array.move((x_rows + length, round(MARGIN + side + fibre_pitch / 2, 3)))
    inner = {k: array.ports[f"o{k}"] for k in range(1, laser + tx + rx + 1)}

    transmit = tx_macro(kit=kit, radii=radii_modulator, length=length, bump_x=bump_x, bump_y=bump_y)
    rows: list[gf.ComponentReference] = []
    for k in range(tx):
        ref = c << transmit
        ref.name = f"tx_{k + 1}"
        ref.move((x_rows, inner[laser + k + 1].center[1]))
        rows.append(ref)
    if radii_filter:
        receive = rx_macro(kit=kit, radii=radii_filter, length=length, bump_x=bump_x, bump_y=bump_y)
    else:
        receive = rx_direct_macro(kit=kit, length=length, bump_x=bump_x, bump_y=bump_y)
    received: list[gf.ComponentReference] = []
    for k in range(rx):
        ref = c << receive
        ref.name = f"rx_{k + 1}"
        ref.move((x_rows, inner[laser + tx + k + 1].center[1]))
        received.append(ref)

    for k in range(laser):
        # the last laser feeds the first rows, from the innermost column: the columns nest without crossing
        group = rows[(laser - 1 - k) * ways : (laser - k) * ways]
        feed(c, kit, k, group, inner[k + 1], round(west + WEST + k * COLUMN, 3), fibre_pitch)

    frame = c << die_frame(size_x=size[0], size_y=size[1])
    frame.name = "frame"
    rectangle(c, "EIC", WEST, MARGIN, x_rows + length - EIC_MARGIN, size[1] - MARGIN)
    names = facet_names(tx, rx, laser, loopbacks)
    for k, name in enumerate(names):
        c.add_port(name, port=array.ports[f"f{k + 1}"])
    c.info["kind"] = "engine"
    c.info["wl_um"] = list(wl_um)
    c.info["size_um"] = list(size)
    c.info["lane_bumps"] = lane_bumps([*rows, *received])
    return c
