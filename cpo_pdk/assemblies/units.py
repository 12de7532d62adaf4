"""The repeating units of a row: one modulator or one receive channel, with the bumps above it and the wires to them.

A unit is three bump columns wide and one fibre pitch high, so that units laid side by side make one regular bump array.
"""

from __future__ import annotations

import itertools

from cpo_pdk.assemblies.fitting import must_fit, must_lie_on_axis
from cpo_pdk.assemblies.kit import Kit, cell_of, make
from cpo_pdk.components import bump
from cpo_pdk.components.drawing import wire
from cpo_pdk.errors import AssemblyError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section

WIRE = 2.0  # um
_RAISE = gf.kf.conf.CheckInstances.RAISE

#: Where a receive unit has its buses (distance from the row's axis) and, along the bus, its rings and its detector, um.
BUS_Y = 55.0
RING_X = -25.0
DETECTOR_X = 25.0


def straight_between(c: gf.Component, kit: Kit, name: str, start: gf.Port, stop: gf.Port, xs: str = "strip") -> None:
    """Join two ports that face each other with a straight waveguide; nothing to draw when they already touch.

    Args:
        c: component to draw in.
        kit: devices.
        name: of the waveguide's instance.
        start: port of an instance in `c`.
        stop: port of an instance in `c`.
        xs: cross-section, strip or rib.

    Raises:
        AssemblyError: when the ports do not face each other.
    """
    (x0, y0), (x1, y1) = start.center, stop.center
    length = round(abs(x1 - x0) + abs(y1 - y0), 3)
    if length == 0:
        return
    ref = c << make(kit, "waveguide", length=length, cross_section=xs)
    ref.name = name
    ref.connect("o1", start)
    if tuple(ref.ports["o2"].dcenter) != (x1, y1):
        raise AssemblyError(
            f"{name}: from ({x0}, {y0}) um a straight of {length} um does not reach ({x1}, {y1}) um; the devices' "
            "ports must face each other, and the sheet of engine.devices.waveguide draw a straight"
        )


def place_bumps(c: gf.Component, sites: dict[str, tuple[float, float]]) -> None:
    """Place one bump a site and expose it as an electrical port of that name.

    Args:
        c: component to draw in.
        sites: port name -> (x, y) of its bump in um.
    """
    for name, (x, y) in sites.items():
        ref = c << bump()
        ref.name = f"bump_{name}"
        ref.move((round(x, 3), round(y, 3)))
        c.add_port(name, port=ref.ports["e1"])


def run(c: gf.Component, *points: tuple[float, float]) -> None:
    """Draw a metal 2 wire, `WIRE` wide.

    Args:
        c: component to draw in.
        points: corners in um; equal neighbours are dropped.
    """
    path = [points[0]] + [q for p, q in itertools.pairwise(points) if p != q]
    wire(c, "M2", path, WIRE)


@gf.cell(basename="cpo_tx_unit", check_instances=_RAISE)
def tx_unit(kit: Kit, radius: float, bump_x: float = 50.0, bump_y: float = 63.5) -> gf.Component:
    """One ring modulator on the row's axis with its six bumps.

    Ports `o1` west and `o2` east (rib); `e1` anode, `e2` cathode, `e3`, `e4` heater, `e5` anode and `e6` cathode of the
    monitor.

    Args:
        kit: devices.
        radius: of the modulator's ring in um.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.
    """
    c = gf.Component()
    modulator = c << make(kit, "modulator", radius=radius)
    modulator.name = "modulator"
    half, up = 1.5 * bump_x, bump_y / 2
    what = f"transmit unit of {3 * bump_x:g} um with modulator {cell_of(kit, 'modulator')}"
    must_lie_on_axis(modulator, what, half)
    for name, port, mate, x in (("west", "o1", "o2", -half), ("east", "o2", "o1", half)):
        start = modulator.ports[port]
        ref = c << make(kit, "waveguide", length=round(abs(x - start.center[0]), 3), cross_section="rib")
        ref.name = f"bus_{name}"
        ref.connect(mate, start)
        c.add_port(port, port=ref.ports[port])
    sites = {
        "e1": (0.0, up),
        "e2": (bump_x, up),
        "e3": (0.0, -up),
        "e4": (bump_x, -up),
        "e5": (-bump_x, -up),
        "e6": (-bump_x, up),
    }
    place_bumps(c, sites)
    at = {name: modulator.ports[name].center for name in sites}
    run(c, at["e1"], (at["e1"][0], up), sites["e1"])
    run(c, at["e2"], (bump_x, at["e2"][1]), sites["e2"])
    run(c, at["e3"], (at["e3"][0], -up), sites["e3"])
    below = round(at["e4"][1] - 4.0, 3)
    run(c, at["e4"], (at["e4"][0], below), (bump_x, below), sites["e4"])
    run(c, at["e5"], (at["e5"][0], -up), sites["e5"])
    below, west = round(at["e6"][1] - 4.0, 3), round(-bump_x - 14.0, 3)
    run(c, at["e6"], (at["e6"][0], below), (west, below), (west, up), sites["e6"])
    must_fit(c, what, (half, bump_y), sites)
    return c


def place_detector(c: gf.Component, kit: Kit) -> gf.ComponentReference:
    """Stand the detector of a receive unit upright at `DETECTOR_X`, its middle on the row's axis: o1 south, o2 north.

    Args:
        c: component to draw in.
        kit: devices.
    """
    detector = c << make(kit, "detector")
    detector.name = "detector"
    detector.rotate(90)
    detector.move((DETECTOR_X - detector.ports["o1"].center[0], 0))
    detector.movey(round(-(detector.ports["o1"].center[1] + detector.ports["o2"].center[1]) / 2, 3))
    return detector


@gf.cell(basename="cpo_rx_unit", check_instances=_RAISE)
def rx_unit(kit: Kit, radius: float, bump_x: float = 50.0, bump_y: float = 63.5) -> gf.Component:
    """One receive channel: a drop ring on each polarisation's bus, both feeding one detector from its two ends.

    Ports `o1`, `o4` ends of the lower bus (west, east), `o2`, `o3` of the upper bus; `e1`, `e2` upper heater, `e3`,
    `e4` lower heater, `e5` anode and `e6` cathode of the detector.

    Args:
        kit: devices.
        radius: of the rings in um.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.
    """
    c = gf.Component()
    half, up = 1.5 * bump_x, bump_y / 2
    detector = place_detector(c, kit)
    sites = {
        "e1": (-bump_x, up),
        "e2": (0.0, up),
        "e3": (-bump_x, -up),
        "e4": (0.0, -up),
        "e5": (bump_x, -up),
        "e6": (bump_x, up),
    }
    place_bumps(c, sites)
    for side, into, heater, bus in ((1, "o2", ("e1", "e2"), ("o2", "o3")), (-1, "o1", ("e3", "e4"), ("o1", "o4"))):
        ring = c << make(kit, "drop_filter", radius=radius)
        label = "upper" if side > 0 else "lower"
        ring.name = f"ring_{label}"
        if side > 0:
            ring.dmirror_y()
        ring.move((RING_X, side * BUS_Y))
        _drop_to_detector(c, kit, label, side, ring, detector.ports[into])
        for name, port, x, own in (("west", "o1", -half, bus[0]), ("east", "o4", half, bus[1])):
            length = round(abs(x - ring.ports[port].center[0]), 3)
            ref = c << make(kit, "waveguide", length=length, cross_section="strip")
            ref.name = f"bus_{label}_{name}"
            ref.connect("o1", ring.ports[port])
            c.add_port(own, port=ref.ports["o2"])
        for pin, local in zip(heater, ("e1", "e2"), strict=True):
            x, y = ring.ports[local].center
            run(c, (x, y), (x, side * up), sites[pin])
    for pin, local in (("e5", "e1"), ("e6", "e2")):
        x, y = detector.ports[local].center
        run(c, (x, y), (bump_x, y), sites[pin])
    devices = f"drop filter {cell_of(kit, 'drop_filter')} and detector {cell_of(kit, 'detector')}"
    must_fit(c, f"receive unit of {3 * bump_x:g} um with {devices}", (half, bump_y), sites)
    return c


def _drop_to_detector(
    c: gf.Component, kit: Kit, label: str, side: int, ring: gf.ComponentReference, into: gf.Port
) -> None:
    """Lead the drop port of a ring round one bend into the detector; terminate the other end of the drop waveguide."""
    end = c << make(kit, "terminator")
    end.name = f"end_{label}"
    end.connect("o1", ring.ports["o2"])
    bend = c << make(kit, "bend", radius=cross_section("strip").radius, angle=90)
    bend.name = f"drop_bend_{label}"
    drop = ring.ports["o3"]
    if side > 0:  # drop runs east, turns right (south) into the detector
        bend.dmirror_y()
    bend.move((round(into.center[0] - bend.ports["o2"].center[0], 3), round(drop.center[1], 3)))
    straight_between(c, kit, f"drop_{label}", drop, bend.ports["o1"])
    straight_between(c, kit, f"drop_in_{label}", bend.ports["o2"], into)
