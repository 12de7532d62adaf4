"""Does a device fit its place in an engine: its ports, its size, its metal, its waveguides; if not, it is an error.

Devices come from sheets that anyone may write, so what is drawn is measured before it is used. Distances are the
process's design rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from cpo_pdk.components.drawing import FACE_TYPE
from cpo_pdk.errors import AssemblyError
from cpo_pdk.tech.gdsfactory_safe import gf, kf
from cpo_pdk.tech.layers import LAYERS, layer_of
from cpo_pdk.tech.rules import load_rules

kdb = kf.kdb

_COMMON: dict[str, tuple[str, ...]] = {
    "detector": ("o1", "o2", "e1", "e2"),
    "monitor": ("o1", "e1", "e2"),
    "edge_coupler": ("o1", "o2"),
    "psr": ("o1", "o2", "o3"),
    "splitter": ("o1", "o2", "o3"),
    "tap": ("o1", "o2", "o3", "o4"),
    "waveguide": ("o1", "o2"),
    "bend": ("o1", "o2"),
    "taper": ("o1", "o2"),
    "terminator": ("o1",),
    "fiber": ("o1", "o2"),
    "laser_fiber": ("o1", "o2"),
}
_RING_MODULATOR = ("o1", "o2", "e1", "e2", "e3", "e4", "e5", "e6")
#: architecture -> role -> what its device must offer
PORTS: dict[str, dict[str, tuple[str, ...]]] = {
    "ring_wdm": {"modulator": _RING_MODULATOR, "drop_filter": ("o1", "o2", "o3", "o4", "e1", "e2"), **_COMMON},
    "ring_dr": {"modulator": _RING_MODULATOR, **_COMMON},
    "mzm_wdm": {
        "modulator": ("o1", "o2", "o3", "o4", *(f"e{k}" for k in range(1, 13))),
        "filter_coupler": ("o1", "o2", "o3", "o4"),
        "phase_shifter": ("o1", "o2", "e1", "e2"),
        **_COMMON,
    },
}
#: roles whose length the engine is laid out with
_MEASURED = ("edge_coupler", "psr", "taper")
#: layers that a foundry makes; the others are marks and notes
_MADE = [name for name, info in LAYERS.items() if info.group in ("silicon", "implants", "metals")]
#: slivers where slanted outlines of neighbours are rounded, dbu
_SLIVER = 2


def must_have_ports(device: gf.Component, role: str, architecture: str) -> None:
    """Refuse a device that lacks a port of its role, or has an optical or fibre port that would stay open.

    Args:
        device: as drawn.
        role: field of the spec's `engine.devices`.
        architecture: of the engine.

    Raises:
        AssemblyError: with the ports that the role takes.
    """
    needs = PORTS[architecture][role]
    has = {port.name for port in device.ports}
    lacking = [name for name in needs if name not in has]
    extra = sorted(port.name for port in device.ports if port.name not in needs and port.port_type == "optical")
    wrong = [p.name for p in device.ports if p.name in needs and p.port_type != _port_type(role, p.name)]
    unmeasured = role in _MEASURED and not isinstance(device.info.model_dump().get("length"), float | int)
    if lacking or extra or wrong or unmeasured:
        fault = (
            f"has no port {', '.join(lacking)}"
            if lacking
            else f"has a port too many, {', '.join(extra)}"
            if extra
            else f"has another kind of port at {', '.join(wrong)}"
            if wrong
            else "does not say how long it is (info length)"
        )
        raise AssemblyError(
            f"{_called(device)} {fault}: as {role} it needs {', '.join(needs)}; name another sheet in "
            f"engine.devices.{role}"
        )


def _port_type(role: str, port: str) -> str:
    """Kind of a port that a role needs: electrical, optical, or the face of a fibre."""
    if port.startswith("e"):
        return "electrical"
    return FACE_TYPE if role in ("fiber", "laser_fiber") or (role, port) == ("edge_coupler", "o2") else "optical"


def must_lie_on_axis(device: gf.ComponentReference, what: str, half: float) -> None:
    """Refuse a device whose bus does not run along the x-axis, or is longer than its unit.

    Args:
        device: with ports o1 (west) and o2 (east).
        what: the unit, for the message.
        half: half the unit's length in um.

    Raises:
        AssemblyError: with the length that there is.
    """
    west, east = device.ports["o1"], device.ports["o2"]
    if (west.center[1], east.center[1], west.orientation, east.orientation) != (0, 0, 180, 0):
        raise AssemblyError(
            f"{what}: {_called(device.cell)} has o1 at {west.center} um and o2 at {east.center} um; they must look "
            "west and east on one line, y = 0"
        )
    reach = max(-west.center[0], east.center[0])
    if reach > half - 0.25:
        raise AssemblyError(
            f"{what}: {_called(device.cell)} reaches {reach:.3f} um from its middle, the unit {half:.3f} um; shorten "
            f"the device or raise engine.bump_pitch_um[0] to at least {(reach + 0.25) / 1.5:.1f}"
        )


def must_fit(c: gf.Component, what: str, box: tuple[float, float], sites: Mapping[str, tuple[float, float]]) -> None:
    """Refuse a unit that stands out of its place, or whose waveguides or wires collide.

    Args:
        c: the unit as drawn, centred on the origin.
        what: for the message, `transmit unit with modulator ring_modulator`.
        box: half the unit's length and half its height in um; neighbours begin there.
        sites: terminal -> (x, y) of its bump in um; no two may be joined by metal 2.

    Raises:
        AssemblyError: what collides, where, and by how much.
    """
    _must_stay_inside(c, what, *box)
    _must_not_overlap(c, what)
    must_keep_metal_apart(c, what, sites)


def _must_stay_inside(c: gf.Component, what: str, half_x: float, half_y: float) -> None:
    for name in _MADE:
        index = c.kcl.layout.find_layer(*layer_of(name))
        bounds = c.kdb_cell.dbbox(index) if index is not None else kdb.DBox()
        if bounds.empty():
            continue
        # metal of neighbours keeps its distance; waveguides go on into the neighbour
        margin = _limit("M2.S") / 2 if LAYERS[name].group == "metals" else 0.0
        beyond_x = max(bounds.right, -bounds.left) + margin - half_x
        beyond_y = max(bounds.top, -bounds.bottom) + margin - half_y
        for axis, beyond, pitch, share in (
            ("x", beyond_x, "bump_pitch_um[0]", 1.5),
            ("y", beyond_y, "fibre_pitch_um", 0.5),
        ):
            if beyond > 1e-6:
                raise AssemblyError(
                    f"{what}: {name} reaches {beyond:.3f} um beyond its unit in {axis}; make the device smaller or "
                    f"raise engine.{pitch} by {beyond / share:.2f} um"
                )


def _must_not_overlap(c: gf.Component, what: str) -> None:
    """No waveguide of one instance lies on one of another."""
    layout, layer = c.kcl.layout, c.kcl.layout.layer(*layer_of("WG"))
    seen = kdb.Region()
    for index in range(len(c.insts)):
        instance = c.insts[index].instance
        own = kdb.Region(instance.cell.begin_shapes_rec(layer)).transformed(instance.cplx_trans).merged()
        common = (seen & own).sized(-_SLIVER).sized(_SLIVER)
        if not common.is_empty():
            at = common.bbox().to_dtype(layout.dbu)
            raise AssemblyError(
                f"{what}: waveguides of {c.insts[index].name} and another device cover each other at "
                f"({at.center().x:.3f}, {at.center().y:.3f}) um over {at.width():.3f} x {at.height():.3f} um; use a "
                "smaller device or a larger engine.bump_pitch_um or engine.fibre_pitch_um"
            )
        seen += own


def must_keep_metal_apart(c: gf.Component, what: str, sites: Mapping[str, tuple[float, float]]) -> None:
    """Refuse metal 2 that joins two terminals, is too near to other metal 2, or has a corner that does not print.

    Args:
        c: as drawn.
        what: for the message.
        sites: terminal -> (x, y) of its bump in um.

    Raises:
        AssemblyError: which, where, and the limit.
    """
    dbu = c.kcl.layout.dbu
    metal = kdb.Region(c.kdb_cell.begin_shapes_rec(c.kcl.layout.layer(*layer_of("M2")))).merged()
    cure = "raise engine.bump_pitch_um or move the device's terminals"
    owner: dict[int, str] = {}
    pieces = list(metal.each())
    for name, (x, y) in sites.items():
        point = kdb.DPoint(x, y).to_itype(dbu)
        piece = next(k for k, shape in enumerate(pieces) if shape.inside(point))
        if piece in owner:
            raise AssemblyError(f"{what}: metal 2 joins terminals {owner[piece]} and {name}; {cure}")
        owner[piece] = name
    space = _limit("M2.S")
    near = [pair.bbox() for pair in metal.space_check(round(space / dbu), False, kdb.Metrics.Euclidian).each()]
    limit = _limit("M1.ANGLE")
    pointed = [p.bbox() for p in metal.corners(-180.0, limit - 180.0, 1).each()]
    pointed += [p.bbox() for p in metal.corners(180.0 - limit, 180.0, 1).each()]
    for found, fault in (
        (near, f"wires come nearer than {space:g} um"),
        (pointed, f"wires make a corner sharper than {limit:g} degrees"),
    ):
        if found:
            at = found[0].to_dtype(dbu).center()
            raise AssemblyError(f"{what}: {fault} at ({at.x:.3f}, {at.y:.3f}) um on metal 2; {cure}")


def _limit(rule: str) -> float:
    return next(r.value for r in load_rules() if r.name == rule)


def _called(device: object) -> str:
    return getattr(device, "function_name", None) or getattr(device, "basename", None) or getattr(device, "name", "?")
