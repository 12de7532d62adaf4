"""Multimode interferometers measured: body, arms, and where the arms stand."""

from __future__ import annotations

import numpy as np

from cpo_pdk.verify.lvs.measure.bands import face_at
from cpo_pdk.verify.lvs.measure.drawn import Drawn, Readings, UnmeasurableError

#: corners on one face of the body lie this close along the axis, um
_SAME = 0.0015


def multimode(d: Drawn, r: Readings) -> None:
    """Width and length of the body, widths and lengths of the arms' tapers, distance of the arms, their number."""
    names = ("width_mmi", "length_mmi", "width_taper", "length_taper", "separation", "n", "width")
    with r.attempt(*names):
        loops = d.contours("WG")
        ports = [port for port in d.ports.values() if port.port_type == "optical"]
        faces = [face_at(loops, port) for port in ports]
        if len({face.loop for face in faces}) != 1:
            raise UnmeasurableError("its arms are not of one polygon")
        hull = loops[faces[0].loop]
        west = [f for f, p in zip(faces, ports, strict=True) if np.cos(np.radians(p.angle)) < 0]
        east = [f for f, p in zip(faces, ports, strict=True) if np.cos(np.radians(p.angle)) > 0]
        top, bottom = hull[:, 1].max(), hull[:, 1].min()
        body = hull[(hull[:, 1] > top - _SAME) | (hull[:, 1] < bottom + _SAME)]
        left, right = float(body[:, 0].min()), float(body[:, 0].max())
        box = np.array([[left, bottom], [right, top]])
        r.put("width_mmi", float(top - bottom), box)
        r.put("length_mmi", right - left, box)
        r.put("n", len(east), np.array([face.middle for face in east]))
        ends = np.array([face.middle for face in faces])
        r.put("width", [face.width for face in faces], ends)
        lengths = [left - float(f.middle[0]) for f in west] + [float(f.middle[0]) - right for f in east]
        r.put("length_taper", lengths, ends)
        steps = [np.diff(np.sort([f.middle[1] for f in side])) for side in (west, east) if len(side) > 1]
        r.put("separation", list(np.concatenate(steps)), ends)
        widths = []
        for side, x in ((west, left), (east, right)):
            heights = np.sort(hull[np.abs(hull[:, 0] - x) < _SAME][:, 1])
            for face in side:
                above, below = heights[heights > face.middle[1]], heights[heights < face.middle[1]]
                widths.append(float(above.min() - below.max()))
        r.put("width_taper", widths, box)
