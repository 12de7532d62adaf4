"""One Mach-Zehnder modulator with a bump on each of its terminals, and one detector with its two bumps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from cpo_pdk.assemblies.fitting import must_keep_metal_apart
from cpo_pdk.assemblies.kit import Kit, cell_of, make
from cpo_pdk.assemblies.units import place_bumps, run
from cpo_pdk.errors import AssemblyError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of

_RAISE = gf.kf.conf.CheckInstances.RAISE

#: From a detector's axis to the column of its bumps, um.
DETECTOR_COLUMN = 25.0
#: A pad belongs to the terminal that is this near to it, um.
_AT_PAD = 5.0
#: From a heater's pin to the column of its bump, um: half a bump's pad, and a wire that is clear of it.
_BESIDE = 14.0


@dataclass(frozen=True)
class MzmBox:
    """Where a modulator reaches, um, from its axis and the middle of its first column of pads.

    Attributes:
        west: end of the terminator at its second input.
        x_in: of the input.
        y_in: of the input.
        east: of the output.
        half_height: of its pads above the axis.
    """

    west: float
    x_in: float
    y_in: float
    east: float
    half_height: float


def pads_of(device: gf.Component) -> dict[str, tuple[float, float]]:
    """Terminal -> middle of the pad (opening of the passivation) that it is the port of, um; others are left out.

    Args:
        device: as drawn.
    """
    layer = device.kcl.layout.layer(*layer_of("PADOPEN"))
    boxes = [p.bbox().to_dtype(device.kcl.layout.dbu) for p in gf.kdb.Region(device.begin_shapes_rec(layer)).merged()]
    found = {}
    for port in device.ports:
        if port.port_type != "electrical":
            continue
        x, y = port.center
        for box in boxes:
            if box.enlarged(_AT_PAD, _AT_PAD).contains(gf.kdb.DPoint(x, y)):
                found[port.name or ""] = (round(box.center().x, 3), round(box.center().y, 3))
    return found


@lru_cache(maxsize=8)
def mzm_box(kit: Kit) -> MzmBox:
    """Size of the kit's modulator.

    Args:
        kit: devices.

    Raises:
        AssemblyError: a modulator whose ports do not lie as a 2x2 interferometer's.
    """
    device, end = make(kit, "modulator"), make(kit, "terminator")
    name = cell_of(kit, "modulator")
    at = {p.name: p for p in device.ports}
    y = at["o3"].center[1]
    expected = {"o1": (-y, 180), "o2": (y, 180), "o3": (y, 0), "o4": (-y, 0)}
    if y <= 0 or any((at[n].center[1], at[n].orientation) != want for n, want in expected.items()):
        raise AssemblyError(
            f"modulator {name}: o1, o2 must look west and o3, o4 east, as far below the axis as above it; name another "
            "sheet in engine.devices.modulator"
        )
    pads = pads_of(device)
    lacking = [f"e{k}" for k in range(1, 11) if f"e{k}" not in pads]
    if lacking:
        raise AssemblyError(f"modulator {name}: {', '.join(lacking)} have no pad to put a bump on; use another sheet")
    column = pads["e1"][0]
    length = float(end.info["length"])
    layer = device.kcl.layout.layer(*layer_of("M2"))
    half = max(device.dbbox(layer).top, -device.dbbox(layer).bottom)
    x_in, east = at["o1"].center[0] - column, at["o3"].center[0] - column
    west = min(x_in, at["o2"].center[0] - column - length)
    return MzmBox(round(west, 3), round(x_in, 3), -y, round(east, 3), round(half, 3))


@gf.cell(basename="cpo_mzm_unit", check_instances=_RAISE)
def mzm_unit(kit: Kit, bump_x: float = 100.0, bump_y: float = 100.0) -> gf.Component:
    """Mach-Zehnder modulator with its bumps; origin on its axis, in the middle of the first column of pads.

    ::

           o     o e5 ... e6                 o    bumps on all ten pads of the electrode,
        end_in - [ modulator ] - o2              and on two more for the heater, north of it
            o1 - [           ] - end_out     o

    Ports: `o1` is the modulator's `o1`, `o2` its `o3`; its `o2` and `o4` end in terminators. `e1`... `e12` are the
    bumps of the terminals of the same names.

    Args:
        kit: devices.
        bump_x: bump pitch along the row in um.
        bump_y: bump pitch across the row in um.

    Raises:
        AssemblyError: pads that do not lie on the grid of the bumps, metal that would touch.
    """
    c = gf.Component()
    device = make(kit, "modulator")
    what = f"unit of modulator {cell_of(kit, 'modulator')}"
    pads = pads_of(device)
    column = pads["e1"][0]
    _must_be_on_grid(pads, what, bump_x, bump_y)
    modulator = c << device
    modulator.name = "modulator"
    modulator.movex(-column)
    for name, port in (("end_in", "o2"), ("end_out", "o4")):
        end = c << make(kit, "terminator")
        end.name = name
        end.connect("o1", modulator.ports[port])
    sites = {name: (round(pads[name][0] - column, 3), pads[name][1]) for name in (f"e{k}" for k in range(1, 11))}
    pins = {name: modulator.ports[name].center for name in ("e11", "e12")}
    heater = _heater_sites(pins, what, bump_x, bump_y)
    place_bumps(c, {**sites, **heater})
    for name, (x, y) in heater.items():
        pin = pins[name]
        run(c, pin, (pin[0], y), (x, y))
    c.add_port("o1", port=modulator.ports["o1"])
    c.add_port("o2", port=modulator.ports["o3"])
    # the strips of the electrode join each pad in the west with one in the east
    must_keep_metal_apart(c, what, {**{name: sites[name] for name in ("e1", "e2", "e3", "e4", "e5")}, **heater})
    return c


def _must_be_on_grid(pads: dict[str, tuple[float, float]], what: str, bump_x: float, bump_y: float) -> None:
    """Pads stand whole bump pitches from the first column and from the axis; raises `AssemblyError` otherwise."""
    for axis, pitch, key in ((0, bump_x, "bump_pitch_um[0]"), (1, bump_y, "bump_pitch_um[1]")):
        origin = pads["e1"][0] if axis == 0 else 0.0
        for name, place in pads.items():
            steps = (place[axis] - origin) / pitch
            if abs(steps - round(steps)) * pitch > 1e-6:
                distance = abs(place[axis] - origin)
                cure = (
                    f"make the modulator {math.ceil(steps) * pitch - distance:g} um longer"
                    if axis == 0
                    else "use a pitch that the pads are a multiple of, 100 um"
                )
                raise AssemblyError(
                    f"{what}: the pad of {name} lies {distance:g} um from the first column's or axis, no multiple of "
                    f"engine.{key}, {pitch:g} um; {cure}"
                )


def _heater_sites(
    pins: dict[str, tuple[float, float]], what: str, bump_x: float, bump_y: float
) -> dict[str, tuple[float, float]]:
    """Two columns between the pins of the heater, and the first row of bumps north of them."""
    (west, left), (east, right) = sorted(pins.items(), key=lambda pin: pin[1][0])
    first = math.ceil(round((left[0] + _BESIDE) / bump_x, 6)) * bump_x
    second = math.floor(round((right[0] - _BESIDE) / bump_x, 6)) * bump_x
    if first >= second:
        need = 2 * bump_x + 2 * _BESIDE
        raise AssemblyError(
            f"{what}: its heater's terminals are {right[0] - left[0]:g} um apart, two bump columns between them need "
            f"up to {need:g} um; lengthen the heater"
        )
    row = math.ceil(round((max(left[1], right[1]) + _BESIDE) / bump_y, 6)) * bump_y
    return {west: (first, row), east: (second, row)}


@gf.cell(basename="cpo_detector_unit", check_instances=_RAISE)
def detector_unit(kit: Kit, up: float = 50.0) -> gf.Component:
    """Detector across the row's axis with its two bumps; origin on the axis, in the column of the bumps.

    ::

          o2          up: e2 (cathode)
        [ Ge ]====
          o1         -up: e1 (anode)

    Args:
        kit: devices.
        up: distance of the bumps from the axis in um.

    Raises:
        AssemblyError: metal that would touch.
    """
    c = gf.Component()
    detector = c << make(kit, "detector")
    detector.name = "detector"
    detector.rotate(90)
    detector.move((-DETECTOR_COLUMN - detector.ports["o1"].center[0], 0))
    detector.movey(round(-(detector.ports["o1"].center[1] + detector.ports["o2"].center[1]) / 2, 3))
    sites = {"e1": (0.0, -up), "e2": (0.0, up)}
    place_bumps(c, sites)
    for name, site in sites.items():
        x, y = detector.ports[name].center
        run(c, (x, y), (0.0, y), site)
    c.add_port("o1", port=detector.ports["o1"])
    c.add_port("o2", port=detector.ports["o2"])
    must_keep_metal_apart(c, f"detector {cell_of(kit, 'detector')}", sites)
    return c
