"""Rows of an engine: transmit bus of modulators, receive pair of buses; and the splitter tree that feeds them light."""

from __future__ import annotations

from cpo_pdk.assemblies.fitting import must_keep_metal_apart
from cpo_pdk.assemblies.kit import Kit, cell_of, make
from cpo_pdk.assemblies.units import place_bumps, run, rx_unit, straight_between, tx_unit
from cpo_pdk.components import bend_s
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section

_RAISE = gf.kf.conf.CheckInstances.RAISE

#: From the west end of a row to its first unit, um: room for the strip-rib taper or the terminators.
HEAD = 20.0
#: Distance of a wire's centre from a bump's at which it would meet the slanted edges of the bump's pad, or leave less
#: than the space of metal 2 beside it, um: the pad is an octagon of 22 um, its flats 9.1 um long, the wire 2 um wide.
NOTCH = (5.5, 13.0)
#: Length of the S-bends between the splitter-rotator and the two buses, um.
FAN = 80.0


def row_length(kit: Kit, channels: int, bump_x: float) -> float:
    """Length of a row from the splitter tree to the edge coupler, um: the longer of the two kinds of row.

    Args:
        kit: devices.
        channels: number of wavelengths, one unit each.
        bump_x: bump pitch along the row in um.
    """
    units = HEAD + channels * 3 * bump_x
    receive = units + FAN + make(kit, "psr").info["length"]
    transmit = units + make(kit, "taper").info["length"] + 3 * bump_x
    return round(max(receive, transmit), 3)


@gf.cell(basename="cpo_tx_macro", check_instances=_RAISE)
def tx_macro(
    kit: Kit, radii: tuple[float, ...], length: float, bump_x: float = 50.0, bump_y: float = 63.5
) -> gf.Component:
    """Transmit row: taper, one modulator a channel, taper, tap with monitor.

    ::

        o1 (laser) -< mod 1 - mod 2 - ... - mod n >- tap - o2 (to the edge coupler)

    `info["lane_bumps"]`: [x, y] of each modulator's anode bump, um.

    Args:
        kit: devices.
        radii: of the modulators' rings in um, rising with the channel.
        length: of the row in um.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.
    """
    c = gf.Component()
    taper_in = c << make(kit, "taper", length=HEAD)
    taper_in.name = "taper_in"
    last = taper_in.ports["o2"]
    lanes = []
    for k, radius in enumerate(radii):
        ref = c << tx_unit(kit=kit, radius=radius, bump_x=bump_x, bump_y=bump_y)
        ref.name = f"unit_{k + 1}"
        ref.connect("o1", last)
        last = ref.ports["o2"]
        lanes.append(list(ref.ports["e1"].center))
    taper_out = c << make(kit, "taper")
    taper_out.name = "taper_out"
    taper_out.connect("o2", last)
    tapped = tap_with_monitor(c, kit, taper_out.ports["o1"], HEAD + (3 * len(radii) + 0.5) * bump_x, bump_x, bump_y / 2)
    rest = round(length - tapped.center[0], 3)
    out = c << make(kit, "waveguide", length=rest, cross_section="strip")
    out.name = "out"
    out.connect("o1", tapped)
    c.add_port("o1", port=taper_in.ports["o1"])
    c.add_port("o2", port=out.ports["o2"])
    c.info["lane_bumps"] = lanes
    must_keep_metal_apart(c, f"transmit row with monitor {cell_of(kit, 'monitor')}", {})
    return c


def tap_with_monitor(c: gf.Component, kit: Kit, start: gf.Port, column: float, bump_x: float, up: float) -> gf.Port:
    """Draw a tap: its crossed arm ends in the monitor, the arm beside its input in a terminator.

    Args:
        c: component to draw in.
        kit: devices.
        start: port that light comes from, looking east.
        column: x of the first of three bump columns, um.
        bump_x: bump pitch along the row in um.
        up: y of the monitor's bumps above the row's axis, um.

    Returns:
        Port that light leaves by.
    """
    tap = c << make(kit, "tap")
    tap.name = "tap"
    tap.connect("o1", start)
    end = c << make(kit, "terminator")
    end.name = "tap_end"
    end.connect("o1", tap.ports["o2"])
    monitor = c << make(kit, "monitor")
    monitor.name = "monitor"
    monitor.connect("o1", tap.ports["o3"], mirror=True)
    _tap_bumps(c, monitor, [column + bump_x * k for k in range(3)], up)
    return tap.ports["o4"]


def _tap_bumps(c: gf.Component, monitor: gf.ComponentReference, columns: list[float], up: float) -> None:
    """Two bumps for the tap's monitor, north of it, in neighbouring columns."""
    pins = [monitor.ports[name].center for name in ("e1", "e2")]
    bump_x = columns[1] - columns[0]
    first = max((x for x in columns if x <= pins[0][0] + 8), default=columns[0])
    sites = {"e1": (first, up), "e2": (first + bump_x, up)}
    place_bumps(c, sites)
    (x1, y1), (x2, y2) = pins
    # a wire that rises beside a bump makes a notch with its slanted edges: come in from below, or clear of both bumps
    aside = x1 - first
    x_in = min(x1, round(first + bump_x - NOTCH[1] - 0.5, 3))
    if NOTCH[0] < abs(aside) < NOTCH[1]:
        x_in = first if aside > 0 else round(first - NOTCH[1] - 0.5, 3)
    run(c, (x1, y1), (x1, y1 + 4), (x_in, y1 + 4), (x_in, up), sites["e1"])
    run(c, (x2, y2), (x2, y2 + 4), (sites["e2"][0], y2 + 4), sites["e2"])


@gf.cell(basename="cpo_rx_macro", check_instances=_RAISE)
def rx_macro(
    kit: Kit, radii: tuple[float, ...], length: float, bump_x: float = 50.0, bump_y: float = 63.5
) -> gf.Component:
    """Receive row: splitter-rotator, one bus a polarisation, one pair of rings and one detector a channel.

    ::

        terminator - rings n ... rings 1 -.
                      detectors            >- psr - o1 (from the edge coupler)
        terminator - rings n ... rings 1 -'

    `info["lane_bumps"]`: [x, y] of each detector's anode bump, um.

    Args:
        kit: devices.
        radii: of the rings in um; the first is the one that light meets first.
        length: of the row in um.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.
    """
    c = gf.Component()
    count = len(radii)
    units = []
    for k, radius in enumerate(radii):
        ref = c << rx_unit(kit=kit, radius=radius, bump_x=bump_x, bump_y=bump_y)
        ref.name = f"unit_{k + 1}"
        ref.movex(round(HEAD + (count - 1 - k + 0.5) * 3 * bump_x, 3))
        units.append(ref)
    for port, label in (("o1", "lower"), ("o2", "upper")):
        end = c << make(kit, "terminator")
        end.name = f"bus_end_{label}"
        end.connect("o1", units[-1].ports[port])
    psr = c << make(kit, "psr")
    psr.name = "psr"
    psr.rotate(180)
    psr.movex(round(length - psr.ports["o1"].center[0], 3))
    for port, target, label in (("o2", "o3", "upper"), ("o3", "o4", "lower")):
        start, stop = psr.ports[port], units[0].ports[target]
        fan = c << bend_s(length=FAN, offset=round(start.center[1] - stop.center[1], 3), cross_section="strip")
        fan.name = f"fan_{label}"
        fan.connect("o1", start)
        straight_between(c, kit, f"lead_{label}", fan.ports["o2"], stop)
    c.add_port("o1", port=psr.ports["o1"])
    c.info["lane_bumps"] = [list(unit.ports["e5"].center) for unit in units]
    return c


def tree_length(kit: Kit, ways: int) -> float:
    """Length of a splitter tree from its root to the rows, um.

    Args:
        kit: devices.
        ways: number of rows, a power of two.
    """
    splitter = make(kit, "splitter")
    size = splitter.ports["o2"].center[0] - splitter.ports["o1"].center[0]
    bend = make(kit, "bend", radius=cross_section("strip").radius, angle=90).ports["o2"].center[0]
    return round((ways.bit_length() - 1) * (size + 2 * bend), 3)


@gf.cell(basename="cpo_splitter_tree", check_instances=_RAISE)
def splitter_tree(kit: Kit, ways: int, pitch: float) -> gf.Component:
    """Binary tree of 1x2 splitters from one input on the axis to `ways` rows at `pitch`, all paths equally long.

    Ports `o1` west; `o2`... east, from south to north.

    Args:
        kit: devices.
        ways: number of outputs, a power of two.
        pitch: centre to centre of the outputs in um.
    """
    c = gf.Component()
    root = c << make(kit, "splitter")
    root.name = "splitter_1"
    c.add_port("o1", port=root.ports["o1"])
    level = [(root, 0.0)]
    reach = ways * pitch / 4
    count = 1
    while reach >= pitch / 2:
        below: list[tuple[gf.ComponentReference, float]] = []
        ends: list[gf.Port] = []
        for node, y in level:
            for port, sign in (("o3", -1), ("o2", 1)):
                ends.append(_arm(c, kit, f"arm_{count}", node.ports[port], y + sign * reach, sign))
                count += 1
        last = reach / 2 < pitch / 2
        for end in ends:
            if last:
                c.add_port(f"o{len(c.ports) + 1}", port=end)
                continue
            node = c << make(kit, "splitter")
            node.name = f"splitter_{count}"
            count += 1
            node.connect("o1", end)
            below.append((node, end.center[1]))
        level, reach = below, reach / 2
    return c


def _arm(c: gf.Component, kit: Kit, name: str, start: gf.Port, y: float, sign: int) -> gf.Port:
    """From an output of a splitter: bend away from the axis, run to the row, bend back; returns the port at the row."""
    radius = cross_section("strip").radius
    out = c << make(kit, "bend", radius=radius, angle=90)
    out.name = f"{name}_out"
    out.connect("o1", start, mirror=sign < 0)
    back = c << make(kit, "bend", radius=radius, angle=90)
    back.name = f"{name}_back"
    size = back.ports["o2"].center[0]
    link = c << make(kit, "waveguide", length=round(abs(y - start.center[1]) - 2 * size, 3), cross_section="strip")
    link.name = f"{name}_link"
    link.connect("o1", out.ports["o2"])
    back.connect("o1", link.ports["o2"], mirror=sign > 0)
    return back.ports["o2"]
