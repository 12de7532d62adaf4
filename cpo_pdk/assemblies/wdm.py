"""Demultiplexers for Mach-Zehnder engines: a binary tree of interferometers, and the interferometer itself.

A multiplexer is the mirror image of a demultiplexer. All bumps lie on the grid of the engine.
"""

from __future__ import annotations

import itertools
import math

from cpo_pdk.assemblies.delays import channel_lists, output_order
from cpo_pdk.assemblies.fitting import must_keep_metal_apart
from cpo_pdk.assemblies.guides import TRACK, End, bend_size, nested
from cpo_pdk.assemblies.kit import Kit, cell_of, make
from cpo_pdk.assemblies.units import place_bumps, run, straight_between
from cpo_pdk.components import bend_s
from cpo_pdk.errors import AssemblyError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section

_RAISE = gf.kf.conf.CheckInstances.RAISE

#: Between two stages, um: up to four bends side by side, clear of the terminator of the second stage.
GAP = 50.0
#: From the input of a demultiplexer to its first coupler, um: an S-bend onto the coupler's arm, and its terminator.
_LEAD = 26.0
#: From a guide to the edge of a neighbour's lane, um.
CLEAR = 3.6


@gf.cell(basename="cpo_wdm_stage", check_instances=_RAISE)
def wdm_stage(kit: Kit, delay: float, bump_x: float = 100.0) -> gf.Component:
    """Interferometer of a (de)multiplexer, the upper arm longer; origin in the middle between the couplers' axes.

    ::

                        .--[heater]--.
                        |            |         both arms have four bends and one heater's length of
        end --.  ____  .'  e1    e2  `.  ____  .-- o3    straight; the legs of the upper arm are longer
               >[____]<  .bump..bump.  >[____]<
        o1 ---'        `.            .'        `-- o4
                        `------------'

    Light from `o1` leaves at `o3` where both arms are in phase, at `o4` where they are half a turn apart. `e1`, `e2`:
    bumps of the heater, inside the loop, half a bump pitch west and east of its middle.

    Args:
        kit: devices.
        delay: what the upper arm is longer in um, on a grid of 2 nm.
        bump_x: bump pitch along the row in um.

    Raises:
        AssemblyError: a coupler whose ports do not mirror each other, bumps that do not fit between the arms.
    """
    c = gf.Component()
    coupler, heater = make(kit, "filter_coupler"), make(kit, "phase_shifter")
    half = _half(kit)
    long = _between(heater)
    size = bend_size(kit)
    inner = round(long / 2 + 2 * size, 3)  # from the middle to the couplers
    west, east = c << coupler, c << coupler
    west.name, east.name = "coupler_in", "coupler_out"
    west.movex(round(-inner - coupler.ports["o4"].center[0], 3))
    east.movex(round(inner - coupler.ports["o1"].center[0], 3))
    warm = c << heater
    warm.name = "heater"
    cold = c << make(kit, "waveguide", length=long, cross_section="strip")
    cold.name = "arm_lower"
    warm.dmirror_y()  # its pads look into the loop
    top, bottom = round(half + 2 * size + delay / 2, 3), round(-half - 2 * size, 3)
    for ref, y in ((warm, top), (cold, bottom)):
        ref.move((round(-long / 2 - ref.ports["o1"].center[0], 3), round(y - ref.ports["o1"].center[1], 3)))
    bend = make(kit, "bend", radius=cross_section("strip").radius, angle=90)
    for label, side, arm, near, far in (("upper", 1, warm, "o3", "o2"), ("lower", -1, cold, "o4", "o1")):
        for end, start, stop, up in (
            ("west", west.ports[near], arm.ports["o1"], side > 0),
            ("east", east.ports[far], arm.ports["o2"], side < 0),
        ):
            first, last = c << bend, c << bend
            first.name, last.name = f"{label}_{end}_a", f"{label}_{end}_b"
            first.connect("o1", start, mirror=not up)
            last.connect("o1", stop, mirror=not up)
            straight_between(c, kit, f"{label}_{end}_leg", first.ports["o2"], last.ports["o2"])
    stop = c << make(kit, "terminator")
    stop.name = "end"
    stop.connect("o1", west.ports["o2"])
    what = f"stage of a demultiplexer with phase shifter {cell_of(kit, 'phase_shifter')}"
    _bumps(c, warm, what, bump_x, long)
    for name, port in (("o1", west.ports["o1"]), ("o3", east.ports["o3"]), ("o4", east.ports["o4"])):
        c.add_port(name, port=port)
    c.info["kind"] = "wdm_stage"
    return c


def _bumps(c: gf.Component, heater: gf.ComponentReference, what: str, bump_x: float, long: float) -> None:
    """Two bumps on the axis, and the wires of the heater to them."""
    reach = bump_x / 2 + 11.0 + CLEAR
    if reach > long / 2:
        raise AssemblyError(
            f"{what}: its bumps {bump_x:g} um apart need {2 * reach:.1f} um between the arms, there are {long:g} um; "
            "lengthen the phase shifter or use a smaller engine.bump_pitch_um[0]"
        )
    sites = {"e1": (-bump_x / 2, 0.0), "e2": (bump_x / 2, 0.0)}
    place_bumps(c, sites)
    for pin, site in zip(sorted(("e1", "e2"), key=lambda e: heater.ports[e].center[0]), ("e1", "e2"), strict=True):
        x, y = heater.ports[pin].center
        run(c, (x, y), (x, 0.0), sites[site])
    must_keep_metal_apart(c, what, sites)


def _half(kit: Kit) -> float:
    """Distance of the couplers' ports from their axis, um."""
    ports = {p.name: p for p in make(kit, "filter_coupler").ports}
    y = ports["o3"].center[1]
    expected = {"o1": (-y, 180), "o2": (y, 180), "o3": (y, 0), "o4": (-y, 0)}
    if y <= 0 or any((ports[n].center[1], ports[n].orientation) != want for n, want in expected.items()):
        raise AssemblyError(
            f"filter coupler {cell_of(kit, 'filter_coupler')}: o1, o2 must look west and o3, o4 east, as far below the "
            "axis as above it; name another sheet in engine.devices.filter_coupler"
        )
    return y


def _between(heater: gf.Component) -> float:
    """Length of a phase shifter from port to port, um."""
    return round(heater.ports["o2"].center[0] - heater.ports["o1"].center[0], 3)


def stage_box(kit: Kit, delay: float) -> tuple[float, float, float]:
    """Length of a stage, and how far its arms reach above and below its axis, um.

    Args:
        kit: devices.
        delay: what the upper arm is longer in um.
    """
    ports = {p.name: p.center[0] for p in make(kit, "filter_coupler").ports}
    coupler = ports["o4"] - ports["o1"]
    reach = _half(kit) + 2 * bend_size(kit)
    length = 2 * coupler + 4 * bend_size(kit) + _between(make(kit, "phase_shifter"))
    return round(length, 3), round(reach + delay / 2, 3), round(reach, 3)


def wdm_box(kit: Kit, delays: tuple[float, ...], bump_x: float) -> tuple[float, float, float]:
    """Length of a demultiplexer, and how far it reaches north and south of its axis, guides beside it counted, um.

    Args:
        kit: devices.
        delays: of the stages in um, breadth first.
        bump_x: bump pitch along the row in um.
    """
    length, top, bottom = stage_box(kit, max(delays))
    tracks = len(delays) - 1
    north = top + (CLEAR + TRACK * (tracks - 1) if tracks else 0.0)
    south = bottom + (CLEAR + TRACK * (tracks // 2 - 1) if tracks > 1 else 0.0)
    return round(_first(kit, bump_x) + tracks * _pitch(kit, bump_x) + length / 2, 3), north, south


def _pitch(kit: Kit, bump_x: float) -> float:
    """From stage to stage along the row, um: whole bump pitches."""
    return math.ceil((stage_box(kit, 0.0)[0] + GAP) / bump_x) * bump_x


def _first(kit: Kit, bump_x: float) -> float:
    """From the input to the middle of the first stage, um: whole bump pitches and a half."""
    return (math.ceil((_LEAD + stage_box(kit, 0.0)[0] / 2) / bump_x - 0.5) + 0.5) * bump_x


@gf.cell(basename="cpo_demux", check_instances=_RAISE)
def demux(kit: Kit, delays: tuple[float, ...], bump_x: float = 100.0) -> gf.Component:
    """Demultiplexer: its stages in a line, breadth first from west to east, the guides of other stages beside them.

    ::

              .-- o3 -----------------  north: channels 1, 3     (n = 4: stage 1 parts 1, 3 from 2, 4,
        o1 -[1]    .-[2]-- 1           ------ 1                   stage 2 parts 1 from 3,
              `-- o4 -------.   ------ 3                          stage 3 parts 2 from 4)
                   beside 2  `-[3]--- 2
                                `--- 4

    Stage k sends the 1st, 3rd, ... channel of its list to its `o3`, on to stage 2 k, the others to its `o4`, on to
    stage 2 k + 1. What waits for a later stage runs south of the stages in between, what is done north of them.

    Ports: `o1` west, on the axis; `o2`... east, channel 1 at `o2`, from north to south in the order of
    `output_order`, all at one x. `info["heaters"]`: [stage, x, y, x, y] of the bumps of each heater.

    Args:
        kit: devices.
        delays: what the upper arm of each stage is longer in um, breadth first; 1, 3 or 7 of them.
        bump_x: bump pitch along the row in um.

    Raises:
        AssemblyError: devices that a stage can't be drawn with.
    """
    c = gf.Component()
    channels = len(delays) + 1
    order = output_order(channels)
    lists = channel_lists(channels)
    length, top, bottom = stage_box(kit, max(delays))
    pitch, middle = _pitch(kit, bump_x), _first(kit, bump_x)
    half = _half(kit)
    root = round(middle - length / 2, 3)
    lead = c << bend_s(length=_LEAD - 6.0, offset=-half, cross_section="strip")
    lead.name = "lead"
    lead.movex(round(root - (_LEAD - 6.0), 3))
    start = c << make(kit, "waveguide", length=round(root - (_LEAD - 6.0), 3), cross_section="strip")
    start.name = "lead_in"
    start.connect("o2", lead.ports["o1"])
    c.add_port("o1", port=start.ports["o1"])
    c.info["heaters"] = []
    # what is on its way, from north to south: its channels, and the port where it is now
    bundle: list[tuple[tuple[int, ...], gf.Port]] = [(lists[0], lead.ports["o2"])]
    for k, delay in enumerate(delays):
        x = round(middle + k * pitch, 3)
        ref = c << wdm_stage(kit=kit, delay=delay, bump_x=bump_x)
        ref.name = f"stage_{k + 1}"
        ref.movex(x)
        at = next(i for i, (chosen, _) in enumerate(bundle) if chosen == lists[k])
        right: list[End] = []
        for i, (chosen, _port) in enumerate(bundle):
            if i == at:
                right.append(ref.ports["o1"])
            elif i < at:
                right.append(round(top + CLEAR + TRACK * (channels - 3 - order.index(chosen[0])), 3))
            else:
                right.append(round(-bottom - CLEAR - TRACK * (order.index(chosen[0]) // 2 - 1), 3))
        names = [f"to_{k + 1}_{i + 1}" for i in range(len(bundle))]
        ends = nested(c, kit, names, [port for _, port in bundle], right, round(x + length / 2 - pitch, 3))
        moved = [(chosen, port) for (chosen, _), port in zip(bundle, ends, strict=True)]
        moved[at : at + 1] = [(lists[k][0::2], ref.ports["o3"]), (lists[k][1::2], ref.ports["o4"])]
        bundle = moved
        sites = [ref.ports[name].center for name in ("e1", "e2")]
        c.info["heaters"] = [*c.info["heaters"], [k + 1, *itertools.chain(*sites)]]
    end = round(middle + (len(delays) - 1) * pitch + length / 2, 3)
    found: dict[int, gf.Port] = {}
    for (channel,), port in bundle:
        if port.center[0] < end:
            ref = c << make(kit, "waveguide", length=round(end - port.center[0], 3), cross_section="strip")
            ref.name = f"out_{channel + 1}"
            ref.connect("o1", port)
            port = ref.ports["o2"]
        found[channel] = port
    for channel in sorted(found):
        c.add_port(f"o{channel + 2}", port=found[channel])
    return c
