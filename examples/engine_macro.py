"""A transmit macro from cells, with own routing: laser in, splitter, two buses of two ring modulators, two fibres.

Run: python examples/engine_macro.py [OUT]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import cpo_pdk
from cpo_pdk import components as cells
from cpo_pdk.assemblies import route_optical, write_gds
from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.verify import check

PITCH = 127.0  # of the fibre array, um


def macro(radii: tuple[float, ...] = (6.39, 6.398)) -> gf.Component:
    """Three edge couplers on one facet: laser in the middle, two modulated outputs beside it.

    Args:
        radii: of the rings of each bus in um.
    """
    c = gf.Component("macro")
    geometry = load_sheets()["ring_modulator"].geometry
    array = c << cells.edge_coupler_array(n=3, loopbacks=0)
    array.name = "fibre_array"
    array.move((900.0, 0))
    split = c << cells.mmi1x2()
    split.name = "splitter"
    split.move((150.0, PITCH))
    # the laser runs west over the splitter's row, so the splitter faces west and the buses come back east beside it
    split.rotate(180, (150.0, PITCH))
    route_optical(c, [array.ports["o2"]], [split.ports["o1"]])
    for side, out, fibre in ((-1, "o2", "o1"), (1, "o3", "o3")):
        first, last = None, None
        for k, radius in enumerate(radii):
            ring = c << cells.ring_modulator(**{**geometry, "radius": radius})
            ring.name = f"ring_{'south' if side < 0 else 'north'}_{k + 1}"
            if last is None:
                ring.move((350.0, (1 + side) * PITCH))
                first = ring.ports["o1"]
            else:
                link = c << cells.straight(length=100.0, cross_section="rib")
                link.connect("o1", last)
                ring.connect("o1", link.ports["o2"])
            last = ring.ports["o2"]
        tapers = [c << cells.taper_strip_rib() for _ in range(2)]
        tapers[0].connect("o2", first)
        tapers[1].connect("o2", last)
        route_optical(c, [split.ports[out]], [tapers[0].ports["o1"]])
        route_optical(c, [tapers[1].ports["o1"]], [array.ports[fibre]])
    for name, port in (("out_1", "f1"), ("laser", "f2"), ("out_2", "f3")):
        c.add_port(name, port=array.ports[port])
    return c


def main(out: Path) -> dict[str, float]:
    """Draw, check and simulate; returns the loss in dB from the laser to each output, off resonance."""
    cpo_pdk.PDK.activate()
    gds = write_gds(macro(), out / "engine_macro.gds")
    result = check(gds)
    if result.violations:
        raise SystemExit("\n".join(f"{v.rule} {v.cell} {v.bbox}: {v.message}" for v in result.violations))
    wl = np.linspace(1.295, 1.305, 1001)
    s = s_parameters(gds, wl)
    return {name: float(-20 * np.log10(np.max(np.abs(s["laser", name])))) for name in ("out_1", "out_2")}


if __name__ == "__main__":
    print(main(Path(sys.argv[1] if len(sys.argv) > 1 else "gds_out/examples")))
