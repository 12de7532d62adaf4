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

from cpo_pdk.assemblies.kit import Kit, make
from cpo_pdk.assemblies.macros import row_length, rx_macro, splitter_tree, tree_length, tx_macro
from cpo_pdk.assemblies.rows_dr import rx_direct_macro
from cpo_pdk.assemblies.units import straight_between
from cpo_pdk.components.die import die_frame
from cpo_pdk.components.drawing import rectangle
from cpo_pdk.components.edge_couplers import draw_array
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section

_RAISE = gf.kf.conf.CheckInstances.RAISE

WEST = 120.0  # from the west edge of the die to the first laser column, um: room for the alignment marks
COLUMN = 30.0  # pitch of the laser columns, um
MARGIN = 100.0  # from the outermost fibres' half pitch to the south and north edges, um


def engine_size(
    kit: Kit, channels: int, tx: int, rx: int, laser: int, loopbacks: int, fibre_pitch: float, bump_x: float
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
    """
    fibres = tx + rx + laser + 2 * loopbacks
    coupler = make(kit, "edge_coupler").info["length"]
    length = _rows_at(kit, laser, tx // laser) + row_length(kit, channels, bump_x) + coupler
    return round(length, 3), round(fibres * fibre_pitch + 2 * MARGIN, 3)


def _rows_at(kit: Kit, laser: int, ways: int) -> float:
    """Where the rows start, um from the west edge of the die."""
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

    Raises:
        ParameterError: a device that its cell refuses to draw, or a fibre pitch that is too small for the loopbacks.
    """
    c = gf.Component()
    ways = tx // laser
    size = engine_size(kit, len(wl_um), tx, rx, laser, loopbacks, fibre_pitch, bump_x)
    x_rows = _rows_at(kit, laser, ways)
    length = row_length(kit, len(wl_um), bump_x)

    array = c << _array(kit=kit, n=tx + rx + laser + 2 * loopbacks, pitch=fibre_pitch, loopbacks=loopbacks)
    array.name = "fibre_array"
    array.move((x_rows + length, round(MARGIN + fibre_pitch / 2, 3)))
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
        _feed(c, kit, k, group, inner[k + 1], WEST + k * COLUMN, ways, fibre_pitch)

    frame = c << die_frame(size_x=size[0], size_y=size[1])
    frame.name = "frame"
    rectangle(c, "EIC", WEST, MARGIN, x_rows + length - 20.0, size[1] - MARGIN)
    names = _facet_names(tx, rx, laser, loopbacks)
    for k, name in enumerate(names):
        c.add_port(name, port=array.ports[f"f{k + 1}"])
    c.info["kind"] = "engine"
    c.info["wl_um"] = list(wl_um)
    c.info["size_um"] = list(size)
    c.info["lane_bumps"] = _lane_bumps([*rows, *received])
    return c


def _lane_bumps(rows: list[gf.ComponentReference]) -> list[list[str | float]]:
    """Name (`tx_3/5`: transmit fibre 3, channel 5), x and y (um) of the bump where each lane meets the electronic die.

    Args:
        rows: placed without turns, named as their port at the facet, with the lanes' bumps in `info["lane_bumps"]`.
    """
    found: list[list[str | float]] = []
    for row in rows:
        dx, dy = row.dtrans.disp.x, row.dtrans.disp.y
        for k, (x, y) in enumerate(row.cell.info["lane_bumps"]):
            found.append([f"{row.name}/{k + 1}", round(x + dx, 3), round(y + dy, 3)])
    return found


def _facet_names(tx: int, rx: int, laser: int, loopbacks: int) -> list[str]:
    """Names of the facet's ports from south to north."""
    south = 2 if loopbacks else 0
    north = 2 if loopbacks == 2 else 0
    return (
        [f"loop_{k + 1}" for k in range(south)]
        + [f"laser_{k + 1}" for k in range(laser)]
        + [f"tx_{k + 1}" for k in range(tx)]
        + [f"rx_{k + 1}" for k in range(rx)]
        + [f"loop_{south + k + 1}" for k in range(north)]
    )


@gf.cell(basename="cpo_fibre_array", check_instances=_RAISE)
def _array(kit: Kit, n: int, pitch: float, loopbacks: int) -> gf.Component:
    c = gf.Component()
    draw_array(c, make(kit, "edge_coupler"), n, pitch, loopbacks)
    return c


def _feed(
    c: gf.Component,
    kit: Kit,
    k: int,
    group: list[gf.ComponentReference],
    source: gf.Port,
    x: float,
    ways: int,
    pitch: float,
) -> None:
    """Bring laser `k` west along its own row, round its column at `x`, and through a tree into a group of rows."""
    y_group = round((group[0].ports["o1"].center[1] + group[-1].ports["o1"].center[1]) / 2, 3)
    bend = make(kit, "bend", radius=cross_section("strip").radius, angle=90)
    size = bend.ports["o2"].center[0]
    turn_up, turn_in = c << bend, c << bend
    turn_up.name, turn_in.name = f"laser_{k + 1}_turn_1", f"laser_{k + 1}_turn_2"
    turn_up.connect("o1", source, mirror=True)
    turn_up.movex(round(x - turn_up.ports["o2"].center[0], 3))
    straight_between(c, kit, f"laser_{k + 1}_run", source, turn_up.ports["o1"])
    turn_in.connect("o1", turn_up.ports["o2"], mirror=True)
    turn_in.movey(round(y_group - size - turn_in.ports["o1"].center[1], 3))
    straight_between(c, kit, f"laser_{k + 1}_rise", turn_up.ports["o2"], turn_in.ports["o1"])
    if ways == 1:
        straight_between(c, kit, f"laser_{k + 1}_in", turn_in.ports["o2"], group[0].ports["o1"])
        return
    tree = c << splitter_tree(kit=kit, ways=ways, pitch=pitch)
    tree.name = f"tree_{k + 1}"
    x_root = group[0].ports["o1"].center[0] - (tree.ports["o2"].center[0] - tree.ports["o1"].center[0])
    tree.move((round(x_root - tree.ports["o1"].center[0], 3), y_group))
    straight_between(c, kit, f"laser_{k + 1}_in", turn_in.ports["o2"], tree.ports["o1"])
