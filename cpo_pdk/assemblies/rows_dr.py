"""Receive row of an engine with one wavelength a fibre: splitter-rotator and one detector, no filter."""

from __future__ import annotations

from cpo_pdk.assemblies.fitting import must_fit
from cpo_pdk.assemblies.kit import Kit, cell_of, make
from cpo_pdk.assemblies.macros import FAN, HEAD
from cpo_pdk.assemblies.units import BUS_Y, place_bumps, place_detector, run, straight_between
from cpo_pdk.components import bend_s
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section

_RAISE = gf.kf.conf.CheckInstances.RAISE

#: From the middle of a bump to a guide beside it, um.
_BESIDE_BUMP = 12.0
#: A detector and a bend take this much above the axis, um.
_ROOM = 32.0


@gf.cell(basename="cpo_rx_direct_unit", check_instances=_RAISE)
def rx_direct_unit(kit: Kit, bump_x: float = 50.0, bump_y: float = 63.5) -> gf.Component:
    """Detector across the row's axis, lit at its north end from the upper and at its south end from the lower guide.

    ::

        e2       .------ o2     bump_y / 2: e2 (cathode); the guides pass above or below the bumps
               [ Ge ]
        e1       '------ o1     e1 (anode)

    As wide as a unit with filters, so that receive and transmit rows share their bump columns; the bumps stand in the
    east column, the detector where a unit with filters has it.

    Args:
        kit: devices.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.
    """
    c = gf.Component()
    half, up = 1.5 * bump_x, bump_y / 2
    detector = place_detector(c, kit)
    sites = {"e1": (bump_x, -up), "e2": (bump_x, up)}
    place_bumps(c, sites)
    for label, side, into, own in (("lower", -1, "o1", "o1"), ("upper", 1, "o2", "o2")):
        bend = c << make(kit, "bend", radius=cross_section("strip").radius, angle=90)
        bend.name = f"bend_{label}"
        bend.connect("o1", detector.ports[into], mirror=side > 0)
        bend.movey(round(side * _bus(up) - bend.ports["o2"].center[1], 3))
        straight_between(c, kit, f"drop_in_{label}", bend.ports["o1"], detector.ports[into])
        lead = c << make(kit, "waveguide", length=round(half - bend.ports["o2"].center[0], 3), cross_section="strip")
        lead.name = f"bus_{label}"
        lead.connect("o1", bend.ports["o2"])
        c.add_port(own, port=lead.ports["o2"])
    for name in ("e1", "e2"):
        x, y = detector.ports[name].center
        run(c, (x, y), (bump_x, y), sites[name])
    must_fit(c, f"receive unit of {3 * bump_x:g} um with detector {cell_of(kit, 'detector')}", (half, bump_y), sites)
    return c


def _bus(up: float) -> float:
    """Distance of the guides from the row's axis, um: clear of bumps at `up`, below them where there is room."""
    return round(up - _BESIDE_BUMP, 3) if up - _BESIDE_BUMP >= _ROOM else BUS_Y


@gf.cell(basename="cpo_rx_direct_macro", check_instances=_RAISE)
def rx_direct_macro(kit: Kit, length: float, bump_x: float = 50.0, bump_y: float = 63.5) -> gf.Component:
    """Receive row: the splitter-rotator's TE output lights the detector from the north, the rotated one from the south.

    ::

          .------ o2
        [ Ge ]       >- psr - o1 (from the edge coupler)
          '------ o3

    `info["lane_bumps"]`: [x, y] of the detector's anode bump, um.

    Args:
        kit: devices.
        length: of the row in um.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.
    """
    c = gf.Component()
    unit = c << rx_direct_unit(kit=kit, bump_x=bump_x, bump_y=bump_y)
    unit.name = "unit_1"
    unit.movex(round(HEAD + 1.5 * bump_x, 3))
    psr = c << make(kit, "psr")
    psr.name = "psr"
    psr.rotate(180)
    psr.movex(round(length - psr.ports["o1"].center[0], 3))
    for port, target, label in (("o2", "o2", "upper"), ("o3", "o1", "lower")):
        start, stop = psr.ports[port], unit.ports[target]
        fan = c << bend_s(length=FAN, offset=round(start.center[1] - stop.center[1], 3), cross_section="strip")
        fan.name = f"fan_{label}"
        fan.connect("o1", start)
        straight_between(c, kit, f"lead_{label}", fan.ports["o2"], stop)
    c.add_port("o1", port=psr.ports["o1"])
    c.info["lane_bumps"] = [list(unit.ports["e1"].center)]
    return c
