"""Split blocks: one device several times, one argument rising from copy to copy, between gratings at 127 um."""

from __future__ import annotations

import math
from typing import Annotated, Any

from cpo_pdk.components.cell import Count, OneOf, Um, cell
from cpo_pdk.components.directional import directional_coupler
from cpo_pdk.components.rings import add_drop_ring, all_pass_ring
from cpo_pdk.components.test_blocks import Pitch
from cpo_pdk.components.test_row import LEAD, REST, Row
from cpo_pdk.tech.gdsfactory_safe import gf


@cell
def ring_split_block(
    ring: Annotated[str, OneOf(("add_drop_ring", "all_pass_ring"))] = "add_drop_ring",
    count: Annotated[int, Count(2, 8)] = 4,
    gap: Annotated[float, Um(0.12, 0.4)] = 0.12,
    gap_step: Annotated[float, Um(0, 0.05)] = 0.03,
    radius: Annotated[float, Um(5, 30)] = 10.0,
    radius_step: Annotated[float, Um(0, 5)] = 0.0,
    pitch: Pitch = 127.0,
) -> gf.Component:
    """Rings with rising gap or radius: three gratings each (through, in, drop from south to north), all-pass rings two.

    ::

        f5 --.  drop
             '-- ( ) --|
        f4 ----- ( ) --.
        f3 ------------'  through

    Args:
        ring: with a second bus and a drop port, or beside one bus.
        count: number of rings.
        gap: of the coupler or couplers of the first ring in um.
        gap_step: by which the gap of each ring is larger than that of the one before it in um.
        radius: of the first ring in um.
        radius_step: by which the radius of each ring is larger than that of the one before it in um.
        pitch: of the gratings in um.
    """
    row = Row(gf.Component(), pitch)
    row.alignment()
    for i in range(count):
        here, large = round(gap + i * gap_step, 3), round(radius + i * radius_step, 3)
        shape = {"gap": here, "radius": large, "length_x": 0.0, "length_bus": round(large + 3, 3)}
        swept = {"gap_um": here, "radius_um": large}
        length = round(2 * math.pi * large, 6)
        through, light_in, labels = row.grating(), row.grating(), (f"f{row.count - 1}", row.last)
        port = row.straight(light_in, LEAD + row.bend_size)
        if ring == "add_drop_ring":
            placed = row.place(add_drop_ring(**shape), port, name=f"ring_{i + 1}")
            row.end(placed.ports["o3"])
            row.beside(placed.ports["o2"], row.grating())
            east = placed.ports["o4"]
            dropped = {"output_is": "drop", "length_um": length}
            row.measurement(
                f"ring_{i + 1}_drop", labels[1], row.last, "group_index", swept, "1", "resonance", **dropped
            )
            row.measurement(f"ring_{i + 1}_through", labels[1], labels[0], "extinction_dB", swept, "dB", "extinction")
        else:
            placed = row.place(all_pass_ring(**shape), port, name=f"ring_{i + 1}")
            east = placed.ports["o2"]
            passed = {"output_is": "through", "length_um": length}
            row.measurement(
                f"ring_{i + 1}_through", labels[1], labels[0], "group_index", swept, "1", "resonance", **passed
            )
        row.back(east, east.center[0] + row.bend_size + REST, through)
    return row.finish()


@cell
def coupler_split_block(
    count: Annotated[int, Count(3, 8)] = 5,
    length: Annotated[float, Um(1, 60)] = 2.0,
    length_step: Annotated[float, Um(1, 20)] = 6.0,
    gap: Annotated[float, Um(0.12, 0.4, step=0.002)] = 0.2,
    pitch: Pitch = 127.0,
) -> gf.Component:
    """Directional couplers of rising length, three gratings each: bar, in, cross from south to north.

    ::

        f5 -----------.
        |- --.    .---'  cross
              ====
        f4 --'    '---.  bar
        f3 -----------'

    Args:
        count: number of couplers.
        length: of the parallel part of the first coupler in um.
        length_step: by which each coupler is longer than the one before it in um.
        gap: of all couplers in um.
        pitch: of the gratings in um.
    """
    row = Row(gf.Component(), pitch)
    row.alignment()
    for i in range(count):
        parallel = round(length + i * length_step, 3)
        bar, light_in, cross, labels = _three(row)
        coupler = directional_coupler(length=parallel, gap=gap)
        placed = row.place(coupler, row.straight(light_in, LEAD + row.bend_size), name=f"coupler_{i + 1}")
        row.end(placed.ports["o2"])
        lower, upper = placed.ports["o4"], placed.ports["o3"]
        x = lower.center[0] + row.bend_size + REST
        # both ways equally long: the cross port stands further north by `aside`, so its way turns back as much later
        aside = upper.center[1] - lower.center[1]
        row.back(lower, x, bar)
        row.back(upper, round(x + aside / 2, 3), cross)
        for output, label in (("bar", labels[0]), ("cross", labels[2])):
            row.measurement(
                f"coupler_{i + 1}_{output}", labels[1], label, "kappa", {"length_um": parallel}, "rad/um", "beat",
                output_is=output,
            )  # fmt: skip
    return row.finish()


def _three(row: Row) -> tuple[Any, Any, Any, tuple[str, str, str]]:
    """Three gratings from south to north, and their labels."""
    ports, labels = [], []
    for _ in range(3):
        ports.append(row.grating())
        labels.append(row.last)
    return ports[0], ports[1], ports[2], (labels[0], labels[1], labels[2])
