"""Metal and marks measured: bumps, pads, via stacks, wires, alignment marks, die frames."""

from __future__ import annotations

import math

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.lvs.measure.bands import band
from cpo_pdk.verify.lvs.measure.detectors import box_on
from cpo_pdk.verify.lvs.measure.drawn import Drawn, Readings, UnmeasurableError

#: size of the marks in the corners of a die, um
_MARK = 60.0
#: area of a regular octagon by that of its box
_OCTAGON = 2 * (math.sqrt(2) - 1)


def _square(d: Drawn, r: Readings, name: str, layer: str) -> None:
    """Side of what is drawn on a layer, as wide as it is high."""
    box = box_on(d, layer)
    r.put(name, [float(side) for side in box[1] - box[0]], box, layer)


def _fullness(d: Drawn, r: Readings, layers: tuple[str, ...], share: float) -> None:
    """How far what is drawn is from filling a share of its box, as a width: um2 that are missing by um of its side."""
    off = []
    for layer in layers:
        size = box_on(d, layer)
        whole = float(np.prod(size[1] - size[0])) * share
        off.append(abs(whole - d.region(layer).area() * d.layout.dbu**2) / float(np.max(size[1] - size[0])))
    r.put("shape", max(off), box_on(d, layers[0]), layers[0])


def bump(d: Drawn, r: Readings) -> None:
    """Pillar, metal below it, opening: flat to flat; how far they lie off each other's centre."""
    with r.attempt("diameter", "diameter_metal", "diameter_opening", "shift", "shape"):
        layers = {"diameter": "BUMP", "diameter_metal": "M2", "diameter_opening": "PADOPEN"}
        for name, layer in layers.items():
            _square(d, r, name, layer)
        centers = np.array([box_on(d, layer).mean(axis=0) for layer in layers.values()])
        r.put("shift", float(np.abs(centers - centers[0]).max()), box_on(d, "BUMP"), "BUMP")
        _fullness(d, r, tuple(layers.values()), _OCTAGON)


def pad(d: Drawn, r: Readings) -> None:
    """Metal and opening."""
    with r.attempt("size", "size_opening", "shape"):
        _square(d, r, "size", "M2")
        _square(d, r, "size_opening", "PADOPEN")
        _fullness(d, r, ("M2", "PADOPEN"), 1.0)


def via_stack(d: Drawn, r: Readings) -> None:
    """Both metals, the lower one's layer, number and size of the cuts."""
    with r.attempt("size", "size_bottom", "bottom", "vias", "size_cut", "shape"):
        _square(d, r, "size", "M2")
        bottom = [layer for layer in ("M1", "HEATER") if d.has(layer)]
        if len(bottom) != 1:
            raise UnmeasurableError(f"stands on {' and '.join(bottom) or 'nothing'}, on M1 or HEATER expected")
        r.say("bottom", bottom[0], box_on(d, bottom[0]), bottom[0])
        _square(d, r, "size_bottom", bottom[0])
        cuts = d.region("VIA1").count()
        r.put("vias", cuts, box_on(d, "M2"), "VIA1")
        area = d.region("VIA1").area() * d.layout.dbu**2
        r.put("size_cut", math.sqrt(area / max(cuts, 1)), box_on(d, "M2"), "VIA1")
        _fullness(d, r, ("M2", bottom[0]), 1.0)


def wire(d: Drawn, r: Readings) -> None:
    """Width, path from end to end, layer."""
    with r.attempt("width", "path", "layer", "reach"):
        layers = [layer for layer in ("M1", "M2") if d.has(layer)]
        if len(layers) != 1:
            raise UnmeasurableError(f"drawn on {' and '.join(layers) or 'no metal'}, 1 layer expected")
        found = band(d.contours(layers[0]), d.ports["e1"], d.ports["e2"])
        ends = np.array([found.first.middle, found.last.middle])
        r.say("layer", layers[0], ends, layers[0])
        r.put("width", [found.first.width, found.last.width], ends, layers[0])
        r.put("path", found.length, ends, layers[0])
        area = d.region(layers[0]).area() * d.layout.dbu**2
        r.put("width_mean", area / found.length, ends, layers[0])
        r.put("reach", float(np.linalg.norm(ends[1] - ends[0])), ends, layers[0])


def alignment_mark(d: Drawn, r: Readings) -> None:
    """Cross in silicon, and the wider one in metal."""
    with r.attempt("size", "width", "width_metal", "size_metal"):
        for suffix, layer in (("", "WG"), ("_metal", "M2")):
            _square(d, r, f"size{suffix}", layer)
            box = box_on(d, layer)
            found = []
            for x, y in (box[0] + 5e-4, box[1] - 5e-4):
                found += [float(span[1] - span[0]) for span in (*d.cut(layer, x=x), *d.cut(layer, y=y))]
            r.put(f"width{suffix}", found, box, layer)


def die_frame(d: Drawn, r: Readings) -> None:
    """Size of the die, street, marks."""
    with r.attempt("size_x", "size_y", "street", "mark_inset", "facet_east"):
        die, street = box_on(d, "FLOORPLAN"), box_on(d, "DICING")
        r.put("size_x", float(die[1, 0] - die[0, 0]), die, "FLOORPLAN")
        r.put("size_y", float(die[1, 1] - die[0, 1]), die, "FLOORPLAN")
        wide = [float(w) for w in [*(die[0] - street[0]).tolist(), street[1, 1] - die[1, 1]]]
        drawn = d.region("DICING")
        if not ((kdb.Region(drawn.bbox()) - d.region("FLOORPLAN")) ^ drawn).is_empty():
            wide.append(0.0)  # a part of it is missing, or lies on the die
        r.put("street", wide, street, "DICING")
        r.say("facet_east", str(bool(street[1, 0] < die[1, 0] + 0.001)), street, "DICING")
        r.put("marks", len(d.polygons("WG")), die)
        marks = box_on(d, "WG")
        for name, axis in (("mark_inset", 0), ("mark_inset_y", 1)):
            near = [float(marks[0, axis] - die[0, axis]), float(die[1, axis] - marks[1, axis])]
            r.put(name, [edge + _MARK / 2 for edge in near], die)
