"""What a device's electrical terminals are joined to inside it: how many cuts carry the current, and p or n silicon.

The way is followed over polygons: metal 2, via 1, metal 1 or heater, contact, contact implant.
"""

from __future__ import annotations

import klayout.db as kdb
import numpy as np

from cpo_pdk.tech.layers import NAMES
from cpo_pdk.verify.lvs.measure.drawn import Drawn, Readings

#: metals that are joined by vias before anything else is asked
_METALS = ("M2", "M1")
#: what the names of cells of via stacks begin with
_STACK = "cpo_via_stack"


def measure_terminals(d: Drawn, r: Readings) -> None:
    """Vias, contacts and polarity of every electrical port of a cell.

    A heater ends the way: what lies beyond it belongs to its other terminal.
    """
    for port in d.ports.values():
        if port.port_type == "electrical":
            _terminal(d, r, port.name)


def _terminal(d: Drawn, r: Readings, name: str) -> None:
    port = d.ports[name]
    x, y = d.frame.back(port.place[None, :])[0] / d.layout.dbu
    probe = kdb.Region(kdb.Box(round(x) - 2, round(y) - 2, round(x) + 2, round(y) + 2))
    metals = {layer: kdb.Region() for layer in _METALS}
    layer = NAMES.get(port.layer, "")
    if layer not in metals:
        return
    metals[layer] = d.region(layer).interacting(probe)
    vias = kdb.Region()
    while True:
        more = d.region("VIA1").interacting(metals["M2"] + metals["M1"])
        if more.count() == vias.count() and not vias.is_empty():
            break
        vias = more
        for metal in _METALS:
            metals[metal] = d.region(metal).interacting(vias) + metals[metal].not_interacting(vias)
        if vias.is_empty():
            break
    r.stacks[name] = _stacks(d, vias)
    contacts = d.region("VIAC").interacting(metals["M1"])
    reached = metals["M2"] + metals["M1"]
    box = reached.bbox() if not reached.is_empty() else probe.bbox()
    where = d.frame.into(np.array([[box.left, box.bottom], [box.right, box.top]]) * d.layout.dbu)
    r.put(f"vias_{name}", vias.count(), where, "VIA1")
    r.put(f"contacts_{name}", contacts.count(), where, "VIAC")
    p = (contacts & d.region("PPP")).area()
    n = (contacts & d.region("NPP")).area()
    heater = not (d.region("HEATER") & vias).is_empty()
    kinds = [word for word, yes in (("p", p), ("n", n), ("heater", heater)) if yes]
    r.polarity[name] = "+".join(kinds) or "metal"
    r.say(f"polarity_{name}", r.polarity[name], where, "PPP/NPP")


def _stacks(d: Drawn, vias: kdb.Region) -> dict[str, int]:
    """Via stacks placed in a cell that hold some of its vias, by the name of their cell."""
    found: dict[str, int] = {}
    for inst in d.cell.each_inst():
        if inst.cell.name.startswith(_STACK) and not vias.interacting(kdb.Region(inst.bbox())).is_empty():
            found[inst.cell.name] = found.get(inst.cell.name, 0) + inst.size()
    return found
