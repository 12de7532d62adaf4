"""What a cell's recorded settings and info say that is drawn in it, by the names that `measure` gives.

Settings of a cell are compared under their own names. What follows from them by the construction of a device (the n
side of a modulator has two contacts) is written here once, apart from the code that draws it: two hands that
must agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from cpo_pdk.tech.layers import CONNECTOR_LEVELS, FIBER_LEVELS
from cpo_pdk.tech.waveguides import cross_sections
from cpo_pdk.verify.lvs.measure.arguments import NOT_MEASURED
from cpo_pdk.verify.lvs.measure.fits import sine_path

Said = dict[str, float | str]

#: core edge to contact implant, um; the same number as in `models/data/junction.yaml`
CONTACT_GAP = 0.8
#: width of the slab below a rib, um
SLAB = 6.0
#: edges of the pads of ring heaters and of straight heaters, um
_RING_PAD, _PAD = 2.4, 4.0
#: widest part and length of the body of a Y branch, um
_Y_BODY = (1.12, 1.6)
_FIBRE = 125.0
#: edge of a via's cut, um
_CUT = 0.6
#: size of the marks in the corners of a die, um
_MARK = 60.0


def recorded(factory: str, settings: Mapping[str, Any], info: Mapping[str, Any]) -> Said:
    """Everything that a cell's record says about what is drawn, by parameter.

    Args:
        factory: function that drew the cell (`straight`).
        settings, info: as in the file.

    Raises:
        TypeError, ValueError, KeyError: settings that such a cell can't have.
    """
    excused = NOT_MEASURED.get(factory, {})
    said: Said = {
        str(key): float(value)
        for key, value in settings.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and key not in excused
    }
    if isinstance(info.get("length"), int | float) and factory in _PATHS:
        said["path"] = float(info["length"])
    more = _ADDED.get(factory)
    if more is not None:
        said.update(more(settings, info, said))
    return said


def stack_cuts(size: float) -> int:
    """Number of cuts of 0.6 um, 1.2 um apart, that fill a via stack with 0.3 um to its border."""
    return int((size - 2 * 0.3 + 0.6) // 1.2) ** 2


def _core(settings: Mapping[str, Any], kind: str = "strip") -> float:
    given = settings.get("width")
    return cross_sections()[kind].width if given is None else float(given)


def _terminals(**terminals: tuple[str, int, int]) -> Said:
    """terminal -> polarity, number of vias, number of contacts."""
    said: Said = {}
    for name, (polarity, vias, contacts) in terminals.items():
        said.update({f"polarity_{name}": polarity, f"vias_{name}": vias, f"contacts_{name}": contacts})
    return said


def _heater(*names: str, pad: float = _RING_PAD) -> Said:
    return _terminals(**{name: ("heater", stack_cuts(pad), 0) for name in names})


def _guide(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    kind = str(s.get("cross_section", "strip"))
    said: Said = {"width": _core(s, kind), "cross_section": kind}
    if kind == "rib":
        said["width_slab"] = SLAB
    return said


def _spiral(s: Mapping[str, Any], i: Mapping[str, Any], d: Said) -> Said:
    said = _guide(s, i, d)
    said.pop("width_slab", None)
    return {**said, "same_side": str(bool(s.get("same_side", False)))}


def _directional(s: Mapping[str, Any], i: Mapping[str, Any], d: Said) -> Said:
    said = _guide(s, i, d)
    said.pop("width_slab", None)
    return said


def _strip(_s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {"width": cross_sections()["strip"].width}


def _bend_s(s: Mapping[str, Any], i: Mapping[str, Any], d: Said) -> Said:
    return {**_guide(s, i, d), "shape": 0.0}


def _terminator(s: Mapping[str, Any], i: Mapping[str, Any], d: Said) -> Said:
    return {**_guide(s, i, d), "shape": 0.0}


def _taper(_s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {"shape": 0.0}


def _taper_strip_rib(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    width = cross_sections()["strip"].width
    return {
        "width": width,
        "width_slab_strip": width + 0.1,
        "width_slab_rib": SLAB,
        "length_slab": float(s["length"]),
        "shape": 0.0,
    }


def _one_bus(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    core = _core(s)
    return {"width": core, "width_bus": core, "heater_offset": 0.0, "heater_shift": 0.0, **_heater("e1", "e2")}


def _two_buses(s: Mapping[str, Any], i: Mapping[str, Any], d: Said) -> Said:
    return {**_one_bus(s, i, d), "gap_drop": float(s["gap"]), "width_drop": _core(s)}


def _double_ring(s: Mapping[str, Any], i: Mapping[str, Any], d: Said) -> Said:
    said = {**_two_buses(s, i, d), **_heater("e1", "e2", "e3", "e4")}
    heater = float(s["width_heater"])
    # both heaters lie inside their rings by as much as it takes to stay 1 um apart, in whole nm
    inset = max(0.0, math.ceil((heater + 1.0 - _core(s) - float(s["gap_ring"])) * 500 + 1) / 1000)
    said["heater_offset"] = -inset
    for name in ("radius", "length_x", "width_heater"):
        said[f"{name}_2"] = float(s[name])
    return {**said, "width_2": _core(s), "heater_offset_2": -inset, "heater_shift_2": 0.0}


def _ring_modulator(s: Mapping[str, Any], i: Mapping[str, Any], d: Said) -> Said:
    width = cross_sections()["rib"].width
    said: Said = {
        "width": width,
        "width_bus": width,
        "width_drop": width,
        "width_slab_bus": SLAB,
        "width_slab_drop": SLAB,
        "heater_offset": 0.0,
        "heater_shift": 0.0,
        "junction": str(s["junction"]),
        "contact_p": CONTACT_GAP + width / 2,
        "contact_n": CONTACT_GAP + width / 2,
        **_heater("e3", "e4"),
        **_terminals(
            e1=("p", stack_cuts(_RING_PAD), 1),
            e2=("n", stack_cuts(_RING_PAD), 2),
            e5=("p", 2, 2),
            e6=("n", 2, 1),
        ),
    }
    if s["junction"] == "lateral":
        d.pop("period", None)
        said.update({"junction_offset_n": float(s["junction_offset"]), "junction_shift": 0.0})
    else:
        d.pop("junction_offset", None)
        said.update({"period": float(i.get("period", s["period"])), "finger_reach": width / 2 + 0.1})
    return said


def _vertical_detector(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    germanium = float(s["width_ge"])
    return {
        "width": cross_sections()["strip"].width,
        "shape": 0.0,
        "width_taper": germanium + 0.4,
        "length_body": float(s["length"]) + 1.0,
        "contact_p": germanium / 2 + CONTACT_GAP,
        "width_npp": germanium - 0.4,
        "npp_shift": 0.0,
        **_terminals(e1=("p", 2, 2), e2=("n", 2, 1)),
    }


def _lateral_detector(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    germanium = float(s["width_ge"])
    return {
        "width": cross_sections()["strip"].width,
        "shape": 0.0,
        "width_taper": germanium + 0.4,
        "length_body": float(s["length"]) + 1.0,
        "implant_gap": germanium,
        "implant_shift": 0.0,
        "contact_p": germanium / 2 + CONTACT_GAP,
        "contact_n": germanium / 2 + CONTACT_GAP,
        **_terminals(e1=("p", 1, 1), e2=("n", 1, 1)),
    }


def _tap(_s: Mapping[str, Any], _i: Mapping[str, Any], d: Said) -> Said:
    return {"width": cross_sections()["strip"].width, "length_tip": d["length_end"],
            **_terminals(e1=("p", 2, 2), e2=("n", 2, 1))}  # fmt: skip


def _psr(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {"width": cross_sections()["strip"].width, "length_slab": 2 * float(s["length_bilevel"])}


def _mmi(outputs: int) -> Callable[[Mapping[str, Any], Mapping[str, Any], Said], Said]:
    def said(_s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
        return {"width": cross_sections()["strip"].width, "n": outputs}

    return said


def _y_branch(_s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {"width": cross_sections()["strip"].width, "width_body": _Y_BODY[0], "length_body": _Y_BODY[1]}


def _phase_shifter_pn(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    width = _core(s, "rib")
    return {
        "width": width,
        "cross_section": "rib",
        "length_junction": float(s["length"]),
        "junction_offset_n": float(s["junction_offset"]),
        "contact_p": round(width / 2 + CONTACT_GAP, 3),
        "contact_n": round(width / 2 + CONTACT_GAP, 3),
        **_terminals(e1=("p", 1, 1), e2=("n", 1, 1)),
    }


def _phase_shifter_thermal(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {
        "width": _core(s),
        "cross_section": "strip",
        "length_heater": float(s["length"]),
        "heater_shift": 0.0,
        **_heater("e1", "e2", pad=_PAD),
    }


def _mach_zehnder(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    contact = cross_sections()["rib"].width / 2 + CONTACT_GAP
    ground, signal, middle = ("metal", 0, 0), ("n", 1, 1), ("p", 2, 2)
    along = dict(zip(("e1", "e2", "e3", "e4", "e5"), (ground, signal, middle, signal, ground), strict=True))
    back = dict(zip(("e6", "e7", "e8", "e9", "e10"), (ground, signal, middle, signal, ground), strict=True))
    return {
        "junction_offset_n": float(s["junction_offset"]),
        "contact_p": contact,
        "contact_n": contact,
        "arm_pitch": float(s["width_ground"]) + float(s["gap_electrode"]),
        "heater_shift": 0.0,
        **_terminals(**along, **back),
        **_heater("e11", "e12", pad=_PAD),
    }


def _switch(_s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {"heater_shift": 0.0, **_heater("e1", "e2", "e3", "e4", pad=_PAD)}


def _edge_coupler(_s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {"width": cross_sections()["strip"].width, "shape": 0.0, "facet_gap": 0.0}


def _edge_coupler_array(s: Mapping[str, Any], _i: Mapping[str, Any], d: Said) -> Said:
    if int(s["n"]) < 2:
        d.pop("pitch", None)
    return {}


def _spot_size_converter(s: Mapping[str, Any], _i: Mapping[str, Any], d: Said) -> Said:
    windows = int((float(s["length_second"]) - float(s["length_tether"]) + 1e-9)
                  // (float(s["length_window"]) + float(s["length_tether"])))  # fmt: skip
    suspended = bool(s.get("suspended", True)) and windows > 0
    if not suspended:
        for name in ("half_membrane", "length_window", "length_tether"):
            d.pop(name, None)
    return {
        "width": cross_sections()["strip"].width,
        "shape": 0.0,
        "suspended": str(suspended),
        "trench": str(bool(s.get("trench", True))),
    }


def _grating(_s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {"shape": 0.0}


def _fiber(s: Mapping[str, Any], i: Mapping[str, Any], _d: Said) -> Said:
    x, y, heading = 0.0, 0.0, 0.0
    path = 0.0
    for verb, first, second in s["route"]:
        a, b = float(first), float(second)
        turn = math.radians(b) if verb == "arc" else 0.0
        along = a * math.sin(abs(turn)) if verb == "arc" else a
        aside = {"line": 0.0, "s": b}.get(verb, math.copysign(a * (1 - math.cos(turn)), turn))
        path += {"line": a, "s": sine_path(a, b)[0] if verb == "s" and a else 0.0, "arc": a * abs(turn)}[verb]
        cos, sin = math.cos(heading), math.sin(heading)
        x, y, heading = x + cos * along - sin * aside, y + sin * along + cos * aside, heading + turn
    kind = str(s["kind"])
    layer = FIBER_LEVELS[int(s.get("level", 1)) - 1] if kind == "SMF" else "FIBER_PM"
    said: Said = {"width": _FIBRE, "kind": kind, "layer": layer, "end_x": x, "end_y": y}
    if abs(path - float(i.get("length", math.inf))) > 0.005:  # else one comparison is enough
        said["path_route"] = path
    if "radius_min" in i:
        said["radius_min"] = float(i["radius_min"])
    return said


def _connector(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    row = int(s.get("row", 1))
    layer = CONNECTOR_LEVELS[row - 1] if row else "CONNECTOR_PM"
    return {"height": (int(s["n"]) - 1) * float(s["pitch"]) + 2 * float(s["wall"]), "layer": layer, "shape": 0.0}


def _bump(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    diameter = float(s["diameter"])
    return {"diameter_metal": diameter + 4.0, "diameter_opening": diameter - 6.0, "shift": 0.0, "shape": 0.0}


def _pad(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    return {"size_opening": float(s["size"]) - 4.0, "shape": 0.0}


def _via_stack(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    size = float(s["size"])
    return {
        "size_bottom": size,
        "bottom": str(s["bottom"]),
        "vias": stack_cuts(size),
        "size_cut": _CUT,
        "shape": 0.0,
    }


def _wire(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    points = [(float(x), float(y)) for x, y in s["points"]]
    width = float(s["width"])
    legs = [(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise(points)]
    path = sum(abs(dx) + abs(dy) for dx, dy in legs) + width
    # the metal goes on beyond either end by half its width
    way = [((dx > 0) - (dx < 0), (dy > 0) - (dy < 0)) for dx, dy in (legs[0], legs[-1])]
    reach = [points[-1][k] - points[0][k] + (way[1][k] + way[0][k]) * width / 2 for k in (0, 1)]
    return {"path": path, "width_mean": width, "reach": math.hypot(*reach), "layer": str(s["layer"])}


def _alignment_mark(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    size, width = float(s["size"]), float(s["width"])
    # a cross whose arms are wider than long is one the other way round
    metal = width + 4.0
    return {
        "size": max(size, width),
        "width": min(size, width),
        "size_metal": max(size, metal),
        "width_metal": min(size, metal),
    }


def _die_frame(s: Mapping[str, Any], _i: Mapping[str, Any], _d: Said) -> Said:
    inset, sizes = float(s["mark_inset"]), (float(s["size_x"]), float(s["size_y"]))
    # marks further in than the middle are those of the other side
    said: Said = {f"mark_inset{k}": min(inset, size - inset) for k, size in zip(("", "_y"), sizes, strict=True)}
    if min(abs(size - 2 * inset) for size in sizes) > _MARK:
        said["marks"] = 4
    return {**said, "facet_east": str(bool(s.get("facet_east", True)))}


#: cells whose `info["length"]` is the path that `measure` gives as `path`
_PATHS = frozenset(
    (
        *("straight", "bend_euler", "bend_s", "taper", "taper_strip_rib", "terminator", "crossing", "spiral"),
        *("directional_coupler", "psr", "y_branch", "edge_coupler", "spot_size_converter", "fiber"),
        *("add_drop_ring", "all_pass_ring", "double_ring", "wide_ring", "ring_modulator"),
        *("photodetector", "photodetector_dual", "photodetector_lateral", "phase_shifter_pn", "phase_shifter_thermal"),
    )
)
_ADDED: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], Said], Said]] = {
    "straight": _guide,
    "bend_euler": _guide,
    "bend_s": _bend_s,
    "taper": _taper,
    "taper_strip_rib": _taper_strip_rib,
    "terminator": _terminator,
    "crossing": _strip,
    "spiral": _spiral,
    "directional_coupler": _directional,
    "bent_coupler": _strip,
    "tap_monitor": _tap,
    "psr": _psr,
    "mmi1x2": _mmi(2),
    "mmi2x2": _mmi(2),
    "mmi1xn": _strip,
    "y_branch": _y_branch,
    "add_drop_ring": _two_buses,
    "all_pass_ring": _one_bus,
    "double_ring": _double_ring,
    "wide_ring": _two_buses,
    "ring_modulator": _ring_modulator,
    "photodetector": _vertical_detector,
    "photodetector_dual": _vertical_detector,
    "photodetector_lateral": _lateral_detector,
    "phase_shifter_pn": _phase_shifter_pn,
    "phase_shifter_thermal": _phase_shifter_thermal,
    "mach_zehnder_modulator": _mach_zehnder,
    "switch_2x2": _switch,
    "edge_coupler": _edge_coupler,
    "edge_coupler_array": _edge_coupler_array,
    "spot_size_converter": _spot_size_converter,
    "grating_coupler": _grating,
    "grating_coupler_dual": _grating,
    "fiber": _fiber,
    "connector": _connector,
    "bump": _bump,
    "pad": _pad,
    "via_stack": _via_stack,
    "wire": _wire,
    "alignment_mark": _alignment_mark,
    "die_frame": _die_frame,
}
