"""An engine of Mach-Zehnders: rows wider than the fibre pitch, joined to the fibre array by nested guides.

::

         WEST              rows                        fan      facet
    .-----------------------------------------------.--------.----.
    |               [ receive row 2 ]--.------------|-.      |    |
    |                     [ receive row 1  ]--------|-|------[ ] rx
    |  .- tree -[ demux  mzm_1 ... mzm_n mux tap ]--|-'.-----[ ] tx
    |  |      '-[ transmit row 1                 ]--|--'.----[ ] laser_2
    |  |'-------------------------------------------|---'.---[ ] laser_1
    |  '--------------------------------------------|----'   |    |
    '-----------------------------------------------'--------'----'

Transmit rows are much longer than receive rows, of which two stand behind one another: that of the odd fibre in front,
that of the even fibre behind it, whose guide passes north of the first.

Laser light runs west below the rows, turns round in a column of its own, is split, and comes back east through the
transmit rows. In the fan guides that rise turn the further east, the further south they are; those that fall, the
further north: no two waveguides of the engine cross. All bumps lie on one grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cpo_pdk.assemblies.facet import COLUMN, MARGIN, WEST, facet_names, feed, fibre_array, lane_bumps
from cpo_pdk.assemblies.guides import TRACK, End, bend_size, nested, nested_length
from cpo_pdk.assemblies.kit import Kit, make
from cpo_pdk.assemblies.macros import tree_length
from cpo_pdk.assemblies.rows_mzm import rx_mzm_row, rx_pitch, tx_mzm_row, tx_pitch
from cpo_pdk.assemblies.wdm import CLEAR
from cpo_pdk.components.die import die_frame
from cpo_pdk.components.drawing import rectangle
from cpo_pdk.tech.gdsfactory_safe import gf

_RAISE = gf.kf.conf.CheckInstances.RAISE

#: Pitch of the laser guides below the rows, um.
LASER_PITCH = 10.0
#: From a receive row to the one in front of it, um: two bends, and clear of its detectors.
_TURN = 40.0


@dataclass(frozen=True)
class _Plan:
    """Where things stand, um from the south-west corner of the die.

    Attributes:
        size: length (towards the facet) and width.
        x_rows: where the transmit rows begin.
        x_receive: where the receive rows of odd and of even fibres begin.
        x_fan: where the rows end and the fan begins.
        x_array: where the fan ends and the edge couplers begin.
        lasers: heights of the laser guides below the rows.
        tx: heights of the transmit rows' axes.
        rx: heights of the receive rows' axes.
        x_lane: where the guides from the rows behind others leave their line.
        lane: of these guides above the axis of their row.
        fibres: heights of all positions of the array.
    """

    size: tuple[float, float]
    x_rows: float
    x_receive: tuple[float, float]
    x_fan: float
    x_array: float
    lasers: tuple[float, ...]
    tx: tuple[float, ...]
    rx: tuple[float, ...]
    x_lane: float
    lane: float
    fibres: tuple[float, ...]


def _plan(
    kit: Kit,
    delays: tuple[float, ...],
    tx: int,
    rx: int,
    laser: int,
    loopbacks: int,
    fibre_pitch: float,
    bump_x: float,
    bump_y: float,
    west: float,
    side: float,
) -> _Plan:
    step_tx = tx_pitch(kit, len(delays) + 1, bump_y)
    step_rx = rx_pitch(kit, delays, bump_x, bump_y)
    # bump rows of a receive row stand half a pitch beside its axis
    gap = (math.ceil(round((step_tx + step_rx) / 2 / bump_y - 0.5, 6)) + 0.5) * bump_y
    below = laser * LASER_PITCH + step_tx / 2
    pairs = -(-rx // 2)
    rows = below + (tx - 1) * step_tx + gap + (pairs - 1) * step_rx + step_rx / 2
    count = tx + rx + laser + 2 * loopbacks
    width = round(max(rows, count * fibre_pitch) + 2 * (MARGIN + side), 3)
    south = round((width - rows) / 2, 3)
    ys_tx = tuple(round(south + below + k * step_tx, 3) for k in range(tx))
    ys_rx = tuple(round(ys_tx[-1] + gap + k // 2 * step_rx, 3) for k in range(rx))
    lane = round(step_rx / 2 - CLEAR, 3)
    lasers = tuple(round(south + k * LASER_PITCH, 3) for k in range(laser))
    first = round((width - (count - 1) * fibre_pitch) / 2, 3)
    fibres = tuple(round(first + k * fibre_pitch, 3) for k in range(count))

    x_rows = round(west + WEST + laser * COLUMN + tree_length(kit, tx // laser), 3)
    end_tx = tx_mzm_row(kit=kit, delays=delays, bump_x=bump_x, bump_y=bump_y).ports["o2"].center[0]
    end_rx = rx_mzm_row(kit=kit, delays=delays, bump_x=bump_x, bump_y=bump_y).ports["o1"].center[0]
    front = math.floor(round((end_tx - end_rx) / bump_x, 6)) * bump_x
    behind = front - math.ceil(round((end_rx + _TURN) / bump_x, 6)) * bump_x
    x_fan = round(x_rows + end_tx, 3)
    inner = fibres[2 if loopbacks else 0 :][: laser + tx + rx]
    lines = [y + k % 2 * lane for k, y in enumerate(ys_rx)]
    loops = bend_size(kit) + TRACK if loopbacks else 0.0
    x_array = round(x_fan + nested_length(kit, [*lasers, *ys_tx, *lines], inner) + loops, 3)
    length = round(x_array + make(kit, "edge_coupler").info["length"], 3)
    starts = (round(x_rows + front, 3), round(x_rows + behind, 3))
    x_lane = round(starts[1] + end_rx, 3)
    return _Plan((length, width), x_rows, starts, x_fan, x_array, lasers, ys_tx, ys_rx, x_lane, lane, fibres)


def engine_size(
    kit: Kit,
    delays: tuple[float, ...],
    tx: int,
    rx: int,
    laser: int,
    loopbacks: int,
    fibre_pitch: float,
    bump_x: float,
    bump_y: float,
    *,
    west: float = 0.0,
    side: float = 0.0,
) -> tuple[float, float]:
    """Length (towards the facet) and width (along the facet) of the die in um; arguments as `engine`."""
    return _plan(kit, delays, tx, rx, laser, loopbacks, fibre_pitch, bump_x, bump_y, west, side).size


@gf.cell(basename="cpo_mzm_engine", check_instances=_RAISE)
def engine(
    kit: Kit,
    wl_um: tuple[float, ...],
    delays: tuple[float, ...],
    tx: int = 8,
    rx: int = 8,
    laser: int = 2,
    loopbacks: int = 0,
    fibre_pitch: float = 127.0,
    bump_x: float = 100.0,
    bump_y: float = 100.0,
    west: float = 0.0,
    side: float = 0.0,
) -> gf.Component:
    """One engine; lower left corner of the die at the origin, facet in the east, fibre array in the middle of it.

    It has the name of an engine of rings, by which the checks and the circuit know an engine.

    Ports at the facet: `loop_1`..., `laser_1`..., `tx_1`..., `rx_1`... `info["lane_bumps"]`: [`tx_3/2`, x, y] is the
    bump (um) where channel 2 of transmit fibre 3 meets the electronic die: the modulator's first signal pad (`e2`), the
    detector's anode (`e1`).

    Args:
        kit: devices.
        wl_um: wavelengths of the channels in um, rising.
        delays: what the upper arm of each stage of a (de)multiplexer is longer in um, breadth first.
        tx: number of transmit fibres.
        rx: number of receive fibres.
        laser: number of laser fibres; each feeds tx / laser transmit rows.
        loopbacks: 0, 1 or 2.
        fibre_pitch: of the array in um.
        bump_x: bump pitch along a row in um.
        bump_y: bump pitch across a row in um.
        west: room added in the west, um.
        side: room added in the south and in the north, each, um.

    Raises:
        AssemblyError: devices that do not fit one another or the grid of the bumps.
        ParameterError: a device that its cell refuses to draw.
    """
    c = gf.Component()
    plan = _plan(kit, delays, tx, rx, laser, loopbacks, fibre_pitch, bump_x, bump_y, west, side)
    array = c << fibre_array(kit=kit, n=len(plan.fibres), pitch=fibre_pitch, loopbacks=loopbacks)
    array.name = "fibre_array"
    array.move((plan.x_array, plan.fibres[0]))
    inner: list[End] = [array.ports[f"o{k + 1}"] for k in range(laser + tx + rx)]
    sent, received = _rows(c, kit, delays, plan, bump_x, bump_y)
    left: list[End] = [*plan.lasers, *(ref.ports["o2"] for ref in sent)]
    for k, ref in enumerate(received):
        port = ref.ports["o1"]
        left += nested(c, kit, [f"{ref.name}_lane"], [port], [plan.rx[k] + plan.lane], plan.x_lane) if k % 2 else [port]
    names = [f"laser_{k + 1}_fan" for k in range(laser)] + [f"{ref.name}_fan" for ref in (*sent, *received)]
    ends = nested(c, kit, names, left, inner, plan.x_fan)
    ways = tx // laser
    for k in range(laser):
        # the last laser feeds the first rows, from the innermost column: the columns nest without crossing
        group = sent[(laser - 1 - k) * ways : (laser - k) * ways]
        feed(c, kit, k, group, ends[k], round(west + WEST + k * COLUMN, 3), tx_pitch(kit, len(wl_um), bump_y))
    frame = c << die_frame(size_x=plan.size[0], size_y=plan.size[1])
    frame.name = "frame"
    rectangle(c, "EIC", WEST, MARGIN, plan.x_fan, plan.size[1] - MARGIN)
    for k, name in enumerate(facet_names(tx, rx, laser, loopbacks)):
        c.add_port(name, port=array.ports[f"f{k + 1}"])
    c.info["kind"] = "engine"
    c.info["wl_um"] = list(wl_um)
    c.info["size_um"] = list(plan.size)
    c.info["lane_bumps"] = lane_bumps([*sent, *received])
    return c


def _rows(
    c: gf.Component, kit: Kit, delays: tuple[float, ...], plan: _Plan, bump_x: float, bump_y: float
) -> tuple[list[gf.ComponentReference], list[gf.ComponentReference]]:
    """Place the transmit and the receive rows."""
    placed = []
    for label, row, starts, ys in (
        ("tx", tx_mzm_row(kit=kit, delays=delays, bump_x=bump_x, bump_y=bump_y), (plan.x_rows,), plan.tx),
        ("rx", rx_mzm_row(kit=kit, delays=delays, bump_x=bump_x, bump_y=bump_y), plan.x_receive, plan.rx),
    ):
        refs = []
        for k, y in enumerate(ys):
            ref = c << row
            ref.name = f"{label}_{k + 1}"
            ref.move((starts[k % len(starts)], y))
            refs.append(ref)
        placed.append(refs)
    return placed[0], placed[1]
