"""A test structure: ring modulators over gap and radius, each between two grating couplers at 127 um pitch.

Run: python examples/ring_sweep.py [OUT]
"""

from __future__ import annotations

import csv
import sys
from itertools import product
from pathlib import Path

import numpy as np

import cpo_pdk
from cpo_pdk import components as cells
from cpo_pdk.assemblies import route_optical, write_gds
from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.verify import check

GAPS = (0.15, 0.18, 0.20)
RADII = (6.2, 6.4)
PITCH = 127.0


def ring_sweep(gaps: tuple[float, ...] = GAPS, radii: tuple[float, ...] = RADII) -> gf.Component:
    """One row a ring: grating coupler, taper, modulator, taper, and back to the next grating coupler of the column.

    Args:
        gaps: ring to bus in um.
        radii: of the rings in um.
    """
    c = gf.Component("ring_sweep")
    for row, (gap, radius) in enumerate(product(gaps, radii)):
        y = 2 * row * PITCH
        light_in, light_out = c << cells.grating_coupler(), c << cells.grating_coupler()
        for ref, at in ((light_in, y), (light_out, y + PITCH)):
            ref.rotate(180)
            ref.move((0, at))
        light_in.name, light_out.name = f"in_{row + 1}", f"out_{row + 1}"
        ring = c << cells.ring_modulator(gap=gap, radius=radius, gap_drop=0.4)
        ring.name = f"ring_{row + 1}"
        ring.move((150.0, y))
        ends = []
        for side, port in (("west", "o1"), ("east", "o2")):
            taper = c << cells.taper_strip_rib()
            taper.name = f"taper_{side}_{row + 1}"
            taper.connect("o2", ring.ports[port])
            ends.append(taper.ports["o1"])
        route_optical(c, [light_in.ports["o1"]], [ends[0]])
        route_optical(c, [ends[1]], [light_out.ports["o1"]])
        c.add_port(f"in_{row + 1}", port=light_in.ports["o2"])
        c.add_port(f"out_{row + 1}", port=light_out.ports["o2"])
    return c


def main(out: Path) -> list[dict[str, float]]:
    """Draw, check, simulate; returns one row a ring: gap, radius, wavelength and depth of its deepest notch."""
    cpo_pdk.PDK.activate()
    gds = write_gds(ring_sweep(), out / "ring_sweep.gds")
    result = check(gds)
    if result.violations:
        raise SystemExit("\n".join(v.message for v in result.violations))
    wl = np.linspace(1.294, 1.306, 2401)
    s = s_parameters(gds, wl)
    rows = []
    for row, (gap, radius) in enumerate(product(GAPS, RADII)):
        power_dB = 20 * np.log10(np.abs(s[f"in_{row + 1}", f"out_{row + 1}"]))
        notch = int(np.argmin(power_dB))
        depth = float(np.max(power_dB) - power_dB[notch])
        rows.append({"gap": gap, "radius": radius, "wl": round(float(wl[notch]), 6), "depth_dB": round(depth, 2)})
    with (out / "ring_sweep.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows


if __name__ == "__main__":
    for line in main(Path(sys.argv[1] if len(sys.argv) > 1 else "gds_out/examples")):
        print(line)
