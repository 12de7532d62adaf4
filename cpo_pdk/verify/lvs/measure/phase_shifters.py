"""Phase shifters and Mach-Zehnder devices measured: junctions, heaters, arms, electrodes."""

from __future__ import annotations

import numpy as np

from cpo_pdk.verify.lvs.measure.detectors import box_on
from cpo_pdk.verify.lvs.measure.drawn import Array, Drawn, Readings, UnmeasurableError
from cpo_pdk.verify.lvs.measure.guides import read_guide
from cpo_pdk.verify.lvs.measure.terminals import measure_terminals


def _junctions(d: Drawn, r: Readings, x: float, axes: list[float]) -> None:
    """Where p and n meet, from the axis of each core, positive towards n; nearest edges of the contact implants."""
    found: dict[str, list[float]] = {"junction_offset": [], "junction_offset_n": [], "contact_p": [], "contact_n": []}
    for axis in axes:
        spans = {layer: d.cut(layer, x=x) - axis for layer in ("P", "N", "PPP", "NPP")}
        near = {layer: min(s, key=lambda v: np.abs(v).min()) for layer, s in spans.items() if len(s)}
        if len(near) != 4:
            raise UnmeasurableError("p, n, p++ and n++ don't all lie beside the core")
        side = 1.0 if near["N"].mean() > near["P"].mean() else -1.0
        for layer, name in (("P", "junction_offset"), ("N", "junction_offset_n")):
            edge = near[layer][np.argmin(np.abs(near[layer]))]
            found[name].append(side * float(edge))
        for layer, name in (("PPP", "contact_p"), ("NPP", "contact_n")):
            found[name].append(float(np.abs(near[layer]).min()))
    where = np.array([[x, axis + w] for axis in axes for w in (-0.3, 0.3)])
    for name, values in found.items():
        layer = {"contact_p": "PPP", "contact_n": "NPP"}.get(name, "P/N")
        r.put(name, values, where, layer, 0.0003)


def _length_of(d: Drawn, layers: tuple[str, ...]) -> tuple[list[float], Array]:
    """Extent of each polygon of some layers along x, and the box around the first."""
    boxes = [np.array([loop.min(axis=0), loop.max(axis=0)]) for layer in layers for loop in d.contours(layer)]
    lengths = [float(box[1, 0] - box[0, 0]) for box in boxes]
    return lengths, np.array([boxes[0][0], boxes[0][1]])


def phase_shifter_pn(d: Drawn, r: Readings) -> None:
    """Length of guide and junction, width, junction, contacts, terminals."""
    with r.attempt("length", "width", "junction_offset", "length_junction"):
        guide = read_guide(d, r)
        ends = np.array([guide.first.middle, guide.last.middle])
        r.put("length", guide.length, ends)
        r.put("path", guide.length, ends)
        length, box = _length_of(d, ("P", "N", "PPP", "NPP"))
        r.put("length_junction", length, box, "P/N")
        _junctions(d, r, float(ends[:, 0].mean()), [float(ends[:, 1].mean())])
    measure_terminals(d, r)


def _heater(d: Drawn, r: Readings, axes: list[float], length: str) -> None:
    """Width, length and distance from the guide's axis of straight heaters, one an axis."""
    with r.attempt("width_heater", length, "heater_shift"):
        polygons = d.polygons("HEATER")
        if len(polygons) != len(axes):
            raise UnmeasurableError(f"the heater is drawn in {len(polygons)} pieces, {len(axes)} expected")
        widths, shifts, lengths = [], [], []
        for loops in polygons:
            x = loops[0][:, 0]
            lengths.append(float(x.max() - x.min()))
            for share in (0.35, 0.5, 0.65):
                at = float(x.min() + share * (x.max() - x.min()))
                for span in d.cut("HEATER", x=at):
                    axis = min(axes, key=lambda a: abs(a - span.mean()))
                    widths.append(float(span[1] - span[0]))
                    shifts.append(abs(float(span.mean()) - axis))
        where = box_on(d, "HEATER")
        r.put("width_heater", widths, where, "HEATER")
        r.put("heater_shift", max(shifts), where, "HEATER")
        r.put(length, lengths, where, "HEATER")


def phase_shifter_thermal(d: Drawn, r: Readings) -> None:
    """Length of guide and heater, widths of both, terminals."""
    with r.attempt("length", "width", "width_heater"):
        guide = read_guide(d, r)
        ends = np.array([guide.first.middle, guide.last.middle])
        r.put("length", guide.length, ends)
        r.put("path", guide.length, ends)
        _heater(d, r, [float(ends[:, 1].mean())], "length_heater")
    measure_terminals(d, r)


def _arms(d: Drawn, x: float) -> list[float]:
    spans = d.cut("WG", x=x)
    if len(spans) != 2:
        raise UnmeasurableError(f"{len(spans)} guides are drawn side by side, 2 arms expected")
    return [float(span.mean()) for span in spans]


def mach_zehnder_modulator(d: Drawn, r: Readings) -> None:
    """Junctions, electrodes, heater, and how much further the upper arm goes."""
    d = d.upward()
    r.frame = d.frame
    names = ("length", "junction_offset", "gap_electrode", "width_signal", "width_ground", "delta_length")
    with r.attempt(*names, "length_heater", "width_heater", "arm_pitch"):
        length, box = _length_of(d, ("P", "N", "PPP", "NPP"))
        r.put("length", length, box, "P/N")
        x = float(box[:, 0].mean())
        arms = _arms(d, x)
        middle = np.array([[x, arm] for arm in arms])
        r.put("arm_pitch", arms[1] - arms[0], middle)
        _junctions(d, r, x, arms)
        strips = d.cut("M2", x=x)
        if len(strips) != 5:
            raise UnmeasurableError(f"the electrode has {len(strips)} strips, 5 expected")
        across = np.array([[x, strips[0, 0]], [x, strips[-1, 1]]])
        wide = strips[:, 1] - strips[:, 0]
        r.put("width_ground", [float(w) for w in wide[[0, 2, 4]]], across, "M2")
        r.put("width_signal", [float(w) for w in wide[[1, 3]]], across, "M2")
        gaps = [float(g) for g in strips[1:, 0] - strips[:-1, 1]]
        r.put("gap_electrode", gaps, across, "M2")
        heated = max(arms)
        _heater(d, r, [heated], "length_heater")
        points = np.concatenate(d.contours("WG"))
        up, down = float(points[:, 1].max()) - arms[1], arms[0] - float(points[:, 1].min())
        r.put("delta_length", 2 * (up - down), np.array([points.min(axis=0), points.max(axis=0)]))
    measure_terminals(d, r)


def switch_2x2(d: Drawn, r: Readings) -> None:
    """Distance of the arms, length and width of their heaters."""
    d = d.upward()
    r.frame = d.frame
    with r.attempt("length", "spacing", "width_heater"):
        box = box_on(d, "HEATER")
        arms = _arms(d, float(box[:, 0].mean()))
        where = np.array([[box[:, 0].mean(), arm] for arm in arms])
        r.put("spacing", arms[1] - arms[0], where)
        _heater(d, r, arms, "length")
    measure_terminals(d, r)
