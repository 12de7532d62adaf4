"""The couplers at the facets of a layout's engines, as fibre arrays are attached to them."""

from __future__ import annotations

import math
import re

from cpo_pdk.attach.facet import USES, Coupler, Facet, FacetPort, Use
from cpo_pdk.circuit.simulation import Simulator
from cpo_pdk.errors import LayoutError, ModelError

_PORT = re.compile(rf"({'|'.join(USES)})_\d+$")
#: fibres of one array look in one direction and lie in one line, to this many degrees and um
_DEGREES, _UM = 0.01, 0.01


def facets_of(simulator: Simulator) -> dict[str, Facet]:
    """Engine cell -> its facet: what is drawn there, with the spots of the models that are bound to it.

    Args:
        simulator: of the layout; only engines in use have a facet here.

    Raises:
        LayoutError: facet ports that can't meet one straight fibre array.
        ModelError: a coupler whose spot isn't known.
    """
    return {cell: _facet(simulator, cell) for cell in simulator.solvers}


def _facet(simulator: Simulator, cell: str) -> Facet:
    solver, bound = simulator.solvers[cell], simulator.bounds[cell]
    channels = simulator.channels[cell]
    band = (float(channels.min()), float(channels.max()))
    wl = round(sum(band) / 2, 6)
    uses: dict[str, Use] = {use: use for use in USES}
    ports = [(port, match[1]) for port in simulator.netlists.cells[cell].ports if (match := _PORT.match(port.name))]
    if not ports:
        raise LayoutError(f"engine {cell}: no port laser_1..., tx_1..., rx_1... at its facet; add them")
    first = ports[0][0]
    out = math.radians(first.angle)
    couplers: dict[str, Coupler] = {}
    found: list[FacetPort] = []
    for port, use in ports:
        dx, dy = port.x - first.x, port.y - first.y
        turned = (port.angle - first.angle + 180.0) % 360.0 - 180.0
        depth = dx * math.cos(out) + dy * math.sin(out)
        if abs(turned) > _DEGREES or abs(depth) > _UM:
            raise LayoutError(
                f"engine {cell}: facet ports {first.name} and {port.name} are turned by {turned:g} degrees and lie "
                f"{depth:g} um one behind the other, a straight fibre array needs 0 of both; draw them in one line"
            )
        if port.name not in solver.circuit.exposed:
            raise LayoutError(f"engine {cell}: no device lies at facet port {port.name}; draw an edge coupler there")
        path, _ = solver.circuit.exposed[port.name]
        device = bound.get(solver.circuit.leaves[path].cell)
        if device is None or device.model is None:
            raise ModelError(f"engine {cell}: the device at {port.name} has no model, its spot isn't known; add one")
        if device.cell not in couplers:
            couplers[device.cell] = Coupler.of(device.sheet.name, device.params, wl, band)
        along = dy * math.cos(out) - dx * math.sin(out)
        found.append(FacetPort(port.name, uses[use], round(along, 4), couplers[device.cell]))
    return Facet.of(found)
