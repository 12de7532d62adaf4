"""Photodetectors measured: germanium, taper, implants and contacts."""

from __future__ import annotations

import numpy as np

from cpo_pdk.verify.lvs.measure.bands import face_at
from cpo_pdk.verify.lvs.measure.drawn import Array, Drawn, Readings, UnmeasurableError
from cpo_pdk.verify.lvs.measure.terminals import measure_terminals


def box_on(d: Drawn, layer: str) -> Array:
    """Lower left and upper right of all that is drawn on a layer, shape (2, 2), um."""
    points = np.concatenate(d.contours(layer))
    return np.array([points.min(axis=0), points.max(axis=0)])


def _body(d: Drawn, r: Readings) -> float:
    """Germanium, silicon body and tapers; returns the height of the axis."""
    if len(d.polygons("GE")) != 1:
        raise UnmeasurableError(f"germanium is drawn in {len(d.polygons('GE'))} pieces, 1 expected")
    box = box_on(d, "GE")
    size = box[1] - box[0]
    r.put("length", float(size[0]), box, "GE")
    r.put("path", float(size[0]), box, "GE")
    r.put("width_ge", float(size[1]), box, "GE")
    # a rectangle is as large as its box
    area = d.region("GE").area() * d.layout.dbu**2
    r.put("shape", float(size[0] * size[1] - area) / float(size[0]), box, "GE")
    axis = float(box[:, 1].mean())
    loops = d.contours("WG")
    ports = [port for port in d.ports.values() if port.port_type == "optical"]
    faces = [face_at(loops, port) for port in ports]
    hull = loops[faces[0].loop]
    wide = hull[np.abs(hull[:, 1] - axis) > np.abs(hull[:, 1] - axis).max() - 5e-4]
    starts = (float(wide[:, 0].min()), float(wide[:, 0].max()))
    lengths, necks = [], []
    for port, face in zip(ports, faces, strict=True):
        x = starts[0] if np.cos(np.radians(port.angle)) < 0 else starts[1]
        lengths.append(abs(x - float(face.middle[0])))
        heights = np.sort(hull[np.abs(hull[:, 0] - x) < 5e-4][:, 1]) - axis
        necks.append(float(heights[heights > 0].min() - heights[heights < 0].max()))
    where = np.array([face.middle for face in faces])
    r.put("length_taper", lengths, where)
    r.put("width_taper", necks, where)
    r.put("width", [face.width for face in faces], where)
    r.put("length_body", starts[1] - starts[0], wide)
    return axis


def _inner_edges(d: Drawn, layer: str, axis: float, x: float) -> list[float]:
    """Distance from the axis of the nearest edge of a layer on either side of it (positive), at `x`."""
    spans = d.cut(layer, x=x) - axis
    return [float(np.abs(span).min()) for span in spans if span[0] * span[1] > 0]


def vertical_detector(d: Drawn, r: Readings) -> None:
    """Germanium, taper, distance of the p contacts from the axis, contact on the germanium, terminals."""
    names = ("length", "width_ge", "length_taper", "contact_p")
    with r.attempt(*names):
        axis = _body(d, r)
        box = box_on(d, "GE")
        x = float(box[:, 0].mean())
        r.put("contact_p", _inner_edges(d, "PPP", axis, x), box_on(d, "PPP"), "PPP")
        top = d.cut("NPP", x=x)
        if len(top) != 1:
            raise UnmeasurableError(f"{len(top)} n++ regions lie on the germanium, 1 expected")
        r.put("width_npp", float(top[0, 1] - top[0, 0]), np.array([[x, top[0, 0]], [x, top[0, 1]]]), "NPP")
        r.put("npp_shift", abs(float(top[0].mean()) - axis), np.array([[x, top[0, 0]], [x, top[0, 1]]]), "NPP")
    measure_terminals(d, r)


def lateral_detector(d: Drawn, r: Readings) -> None:
    """Germanium, taper, distance of p from n, of both contacts from the axis, terminals."""
    with r.attempt("length", "width_ge", "length_taper", "implant_gap", "contact_p", "contact_n"):
        axis = _body(d, r)
        x = float(box_on(d, "GE")[:, 0].mean())
        p, n = d.cut("P", x=x), d.cut("N", x=x)
        if len(p) != 1 or len(n) != 1:
            raise UnmeasurableError("p and n don't lie once each beside the germanium")
        low, high = (p[0], n[0]) if p[0].mean() < n[0].mean() else (n[0], p[0])
        where = np.array([[x, low[1]], [x, high[0]]])
        r.put("implant_gap", float(high[0] - low[1]), where, "P/N")
        r.put("implant_shift", abs(float(high[0] + low[1]) / 2 - axis), where, "P/N")
        for layer, name in (("PPP", "contact_p"), ("NPP", "contact_n")):
            r.put(name, _inner_edges(d, layer, axis, x), box_on(d, layer), layer)
    measure_terminals(d, r)
