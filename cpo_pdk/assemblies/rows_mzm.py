"""Rows of an engine of Mach-Zehnders: one row a transmit fibre, one row a receive fibre, all bumps on one grid.

Row coordinates: x from the west end, the axis at y = 0; bump columns of both kinds of row stand at whole pitches from
x = 0, bump rows of a transmit row at whole pitches from its axis, those of a receive row half a pitch beside them.
"""

from __future__ import annotations

import math

from cpo_pdk.assemblies.delays import output_order
from cpo_pdk.assemblies.fitting import must_keep_metal_apart
from cpo_pdk.assemblies.guides import TRACK, End, bend_size, nested, nested_length
from cpo_pdk.assemblies.kit import Kit, cell_of, make
from cpo_pdk.assemblies.macros import tap_with_monitor
from cpo_pdk.assemblies.mzm_unit import detector_unit, mzm_box, mzm_unit
from cpo_pdk.assemblies.wdm import CLEAR, demux, wdm_box
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section

_RAISE = gf.kf.conf.CheckInstances.RAISE

#: Beside a modulator, um: two bends, two terminators past one another.
_BETWEEN = 44.0
#: From the last bump of a row to its end, um: a bump's pillar, and the margin of the electronic die.
_BEHIND = 30.0
#: Straight behind the tapers of the splitter-rotator, um.
_SETTLE = 5.0
#: From the middle of a bump to a guide beside it, um.
_BESIDE_BUMP = 12.0
#: From the terminator behind a modulator to the bends beyond it, um.
_BEYOND = 24.0


def tx_pitch(kit: Kit, channels: int, bump_y: float) -> float:
    """From one transmit row to the next, um: pads, and the guides of the other channels beside them.

    Args:
        kit: devices.
        channels: number of wavelengths.
        bump_y: bump pitch across the rows in um.
    """
    reach = _track(kit, channels - 2) + CLEAR / 2
    return math.ceil(round(2 * reach / bump_y, 6)) * bump_y


def _track(kit: Kit, number: int) -> float:
    """Distance of a guide beside the modulators from the row's axis, um; number 0 is the innermost."""
    return round(mzm_box(kit).half_height + 3.0 + TRACK * number, 3)


@gf.cell(basename="cpo_tx_mzm_row", check_instances=_RAISE)
def tx_mzm_row(kit: Kit, delays: tuple[float, ...], bump_x: float = 100.0, bump_y: float = 100.0) -> gf.Component:
    """Transmit row: demultiplexer, one Mach-Zehnder a channel in a line, multiplexer, tap with monitor.

    ::

                  .----------------------------.   modulated: north of the modulators behind
                  |                            |
        o1 -[demux]=[mzm_1]=[mzm_3]=[mzm_2]=[mzm_4]=[mux]- tap - o2 (to the edge coupler)
                  |             |                          `- monitor
                  `-------------'                  not yet modulated: south of the modulators before

    The modulators stand in the order in which channels leave the demultiplexer, from north to south; light enters at
    `o1` and leaves at `o3`, `o2` and `o4` end in terminators.

    `info["lane_bumps"]`: [x, y] of the bump on each modulator's first signal pad (`e2`), by channel, um.

    Args:
        kit: devices.
        delays: of the stages of the demultiplexer in um, breadth first.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.

    Raises:
        AssemblyError: devices that do not fit.
    """
    c = gf.Component()
    order = output_order(len(delays) + 1)
    last = len(order) - 1
    box = mzm_box(kit)
    parts = demux(kit=kit, delays=delays, bump_x=bump_x)
    first = c << parts
    first.name = "demux"
    outputs = [first.ports[f"o{channel + 2}"] for channel in order]
    end = outputs[0].center[0]

    tracks = [-_track(kit, k - 1) for k in range(1, len(order))]
    heights = [port.center[1] for port in outputs]
    room = nested_length(kit, heights, [box.y_in, *tracks])
    column = math.ceil(round((end + room - box.west) / bump_x, 6)) * bump_x  # of the first pads
    step = math.ceil(round((box.east - box.x_in + _BETWEEN) / bump_x, 6)) * bump_x
    unit = mzm_unit(kit=kit, bump_x=bump_x, bump_y=bump_y)
    placed = []
    for k, channel in enumerate(order):
        ref = c << unit
        ref.name = f"mzm_{channel + 1}"
        ref.movex(round(column + k * step, 3))
        placed.append(ref)
    right: list[End] = [placed[0].ports["o1"], *tracks]
    waiting = nested(c, kit, [f"to_mzm_{channel + 1}" for channel in order], outputs, right, end)
    done = []
    for k in range(last):
        out, into = placed[k].ports["o2"], placed[k + 1].ports["o1"]
        name = f"from_mzm_{order[k] + 1}"
        done += nested(c, kit, [name], [out], [_track(kit, last - 1 - k)], out.center[0])
        start = round(into.center[0] - 2 * bend_size(kit), 3)
        nested(c, kit, [f"into_mzm_{order[k + 1] + 1}"], [waiting[k + 1]], [into], start)

    done.append(placed[last].ports["o2"])
    start = round(done[last].center[0] + _BEYOND, 3)
    length = wdm_box(kit, delays, bump_x)[0]
    heights = [[port.center[1] for port in ports] for ports in (done, outputs)]
    room = nested_length(kit, *heights)
    stop = math.ceil(round((start + room + length) / bump_x, 6)) * bump_x
    second = c << parts
    second.name = "mux"
    second.dmirror_x()
    second.movex(round(stop - second.ports["o1"].center[0], 3))
    inputs: list[End] = [second.ports[f"o{channel + 2}"] for channel in order]
    nested(c, kit, [f"to_mux_{channel + 1}" for channel in order], done, inputs, start)
    tapped = tap_with_monitor(c, kit, second.ports["o1"], stop, bump_x, bump_y)
    out = c << make(
        kit,
        "waveguide",
        length=round(c.ports["e2"].center[0] + _BEHIND - tapped.center[0], 3),
        cross_section="strip",
    )
    out.name = "out"
    out.connect("o1", tapped)
    c.add_port("o1", port=first.ports["o1"])
    c.add_port("o2", port=out.ports["o2"])
    bumps = {channel: list(ref.ports["e2"].center) for channel, ref in zip(order, placed, strict=True)}
    c.info["lane_bumps"] = [bumps[channel] for channel in sorted(bumps)]
    must_keep_metal_apart(c, f"transmit row with modulator {cell_of(kit, 'modulator')}", {})
    return c


def rx_pitch(kit: Kit, delays: tuple[float, ...], bump_x: float, bump_y: float) -> float:
    """From one receive row to the next, um: room for a guide that passes between them.

    Args:
        kit: devices.
        delays: of the stages of the demultiplexers in um.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the rows in um.
    """
    _, north, south = wdm_box(kit, delays, bump_x)
    axis = _axis(north, bump_y)
    reach = max(axis + south, _bus(bump_y, len(delays))) + 2 * CLEAR
    return math.ceil(round(2 * reach / bump_y, 6)) * bump_y


def _axis(north: float, bump_y: float) -> float:
    """Distance of the demultiplexers from the axis of a receive row, um: half bump pitches."""
    return (math.ceil(round((north + CLEAR / 2) / bump_y - 0.5, 6)) + 0.5) * bump_y


def _bus(bump_y: float, number: int) -> float:
    """Distance of a guide above the detectors from the axis of a receive row, um; number 0 is the innermost."""
    return round(_detector_bumps(bump_y) + _BESIDE_BUMP + TRACK * number, 3)


def _detector_bumps(bump_y: float) -> float:
    """Distance of the detectors' bumps from the axis of a receive row, um: clear of the detectors, 25 um and more."""
    return (math.ceil(round(25.0 / bump_y - 0.5, 6)) + 0.5) * bump_y


@gf.cell(basename="cpo_rx_mzm_row", check_instances=_RAISE)
def rx_mzm_row(kit: Kit, delays: tuple[float, ...], bump_x: float = 100.0, bump_y: float = 100.0) -> gf.Component:
    """Receive row: splitter-rotator, one demultiplexer a polarisation, a detector a channel lit from both ends.

    ::

           .---.---.---.--
           |   |   |   |  [demux_upper]-.
          [4] [2] [3] [1]                >- psr - o1 (from the edge coupler)
           |   |   |   |  [demux_lower]-'
           '---'---'---'--

    The upper demultiplexer (light of psr.o2) leads into the detectors' `o2`, its mirror image below into `o1`.

    `info["lane_bumps"]`: [x, y] of each detector's anode bump (`e1`), by channel, um.

    Args:
        kit: devices.
        delays: of the stages of the demultiplexers in um, breadth first.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.

    Raises:
        AssemblyError: devices that do not fit.
    """
    c = gf.Component()
    order = output_order(len(delays) + 1)
    length, north, _south = wdm_box(kit, delays, bump_x)
    axis = _axis(north, bump_y)
    unit = detector_unit(kit=kit, up=_detector_bumps(bump_y))
    bend = make(kit, "bend", radius=cross_section("strip").radius, angle=90)
    buses: dict[str, list[gf.Port]] = {"upper": [], "lower": []}
    bumps = {}
    for k, channel in enumerate(order):
        ref = c << unit
        ref.name = f"detector_{channel + 1}"
        ref.movex(round(bump_x * (len(order) - k), 3))
        bumps[channel] = list(ref.ports["e1"].center)
        for label, side, into in (("upper", 1, "o2"), ("lower", -1, "o1")):
            turn = c << bend
            turn.name = f"{label}_turn_{channel + 1}"
            port = ref.ports[into]
            turn.connect("o1", port, mirror=side > 0)
            turn.movey(round(side * _bus(bump_y, k) - turn.ports["o2"].center[1], 3))
            run_up = c << make(
                kit,
                "waveguide",
                length=round(abs(turn.ports["o1"].center[1] - port.center[1]), 3),
                cross_section="strip",
            )
            run_up.name = f"{label}_rise_{channel + 1}"
            run_up.connect("o1", port)
            buses[label].append(turn.ports["o2"])

    parts = demux(kit=kit, delays=delays, bump_x=bump_x)
    drawn = {port.name: port.center[1] for port in parts.ports}
    start = bump_x * len(order) + _BESIDE_BUMP
    room = nested_length(
        kit, [_bus(bump_y, k) for k in range(len(order))], [axis - drawn[f"o{channel + 2}"] for channel in order]
    )
    east = math.ceil(round((start + room + length) / bump_x, 6)) * bump_x
    inputs: dict[str, gf.Port] = {}
    for label, side in (("upper", 1), ("lower", -1)):
        ref = c << parts
        ref.name = f"demux_{label}"
        if side > 0:
            ref.rotate(180)
        else:
            ref.dmirror_x()
        ref.move((round(east - ref.ports["o1"].center[0], 3), round(side * axis - ref.ports["o1"].center[1], 3)))
        outputs: list[End] = [ref.ports[f"o{channel + 2}"] for channel in order]
        nested(c, kit, [f"{label}_{channel + 1}" for channel in order], buses[label], outputs, start)
        inputs[label] = ref.ports["o1"]

    psr = c << make(kit, "psr")
    psr.name = "psr"
    psr.rotate(180)
    heights = [[-axis, axis], [psr.ports["o3"].center[1], psr.ports["o2"].center[1]]]
    psr.movex(round(east + nested_length(kit, *heights) + _SETTLE - psr.ports["o2"].center[0], 3))
    nested(
        c,
        kit,
        ["lower_in", "upper_in"],
        [inputs["lower"], inputs["upper"]],
        [psr.ports["o3"], psr.ports["o2"]],
        east,
    )
    c.add_port("o1", port=psr.ports["o1"])
    c.info["lane_bumps"] = [bumps[channel] for channel in sorted(bumps)]
    must_keep_metal_apart(c, f"receive row with detector {cell_of(kit, 'detector')}", {})
    return c
