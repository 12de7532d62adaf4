"""Rule kind `port_grid`: ports that nothing can be connected to as it stands on the grid.

Looked at are the optical ports that the cells of the file tell of (each distinct cell once, in its own coordinates): on
the grid, and in a direction that is a multiple of `angle`. A file that tells of none has none to look at.
"""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb

from cpo_pdk.circuit.meta import PortMeta, is_optical
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding, placements

#: what a place in um is off by because it is no whole number of bits, um
FLOAT_UM = 1e-6
#: and an angle, degrees
FLOAT_DEGREES = 1e-6
#: half the side of the box that marks a port, um
MARK_UM = 0.1


def port_grid(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Ports off the grid, or turned to where no other port can meet them."""
    layers = guides.layers
    looked_at = 0
    for index, places in placements(layers.layout, layers.top).items():
        for port in guides.devices.meta(index).ports:
            if not is_optical(port.port_type):
                continue
            looked_at += places
            note, off = _fault(port, rule.value, float(rule.more["angle"]))
            if note:
                place = port.trans.disp
                box = kdb.DBox(place.x - MARK_UM, place.y - MARK_UM, place.x + MARK_UM, place.y + MARK_UM)
                cell = layers.layout.cell(index).name
                yield Finding(box.to_itype(layers.dbu), off, places, f"port {port.name} {note}", cell)
    guides.looked_at[rule.name] = looked_at


def _fault(port: PortMeta, grid: float, angle: float) -> tuple[str, float]:
    """What is wrong with a port, and by how much in um; empty when nothing is."""
    place = port.trans.disp
    off = max(abs(v - grid * round(v / grid)) for v in (place.x, place.y))
    turned = abs(port.trans.angle - angle * round(port.trans.angle / angle))
    if off > FLOAT_UM:
        return f"at {place.x:.7g}, {place.y:.7g}", off
    if turned > FLOAT_DEGREES:
        return f"points to {port.trans.angle:.6g} degrees, no multiple of {angle:g}", 0.0
    return "", 0.0
