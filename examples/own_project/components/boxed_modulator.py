"""An own cell: the process's ring modulator inside a recognition box, for a flow that finds devices by their box."""

from __future__ import annotations

from typing import Annotated

from cpo_pdk.components import cell, ring_modulator
from cpo_pdk.components.cell import Um
from cpo_pdk.components.drawing import rectangle
from cpo_pdk.tech.gdsfactory_safe import gf


@cell
def boxed_modulator(
    radius: Annotated[float, Um(4.5, 50)] = 6.4,
    gap: Annotated[float, Um(0.12, 1)] = 0.18,
    margin: Annotated[float, Um(0, 20)] = 2.0,
) -> gf.Component:
    """Ring modulator with a recognition box around it; ports as `ring_modulator`.

    Args:
        radius: of the ring in um.
        gap: to the bus in um.
        margin: from the device to the box in um.
    """
    c = gf.Component()
    ref = c << ring_modulator(radius=radius, gap=gap, gap_drop=0.4, junction_fill=0.74)
    ref.name = "ring"
    c.add_ports(ref.ports)
    drawn = {**ref.cell.settings.model_dump(), **ref.cell.info.model_dump()}
    c.info.update({name: value for name, value in drawn.items() if value is not None})  # what the model takes from it
    box = ref.dbbox()
    rectangle(c, "DEVREC", box.left - margin, box.bottom - margin, box.right + margin, box.top + margin)
    return c
