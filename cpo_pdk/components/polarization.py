"""Polarisation splitter-rotator."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Um, cell
from cpo_pdk.components.curves import band, sine_s
from cpo_pdk.components.drawing import optical_port, polygon
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section as waveguide


@cell
def psr(
    length_bilevel: Annotated[float, Um(10, 300)] = 40.0,
    length_coupler: Annotated[float, Um(5, 200)] = 30.0,
    gap: Annotated[float, Um(0.12, 0.5)] = 0.2,
    width_hybrid: Annotated[float, Um(0.5, 1)] = 0.6,
    width_narrow: Annotated[float, Um(0.2, 0.4)] = 0.3,
    dy: Annotated[float, Um(2, 20)] = 6.0,
    length_out: Annotated[float, Um(10, 200)] = 30.0,
) -> gf.Component:
    """Polarisation splitter-rotator: a bilevel taper turns TM0 into TE1, an asymmetric coupler drops TE1 as TE0.

    ::

                          .---- o3 (was TM)
        o1 ==<bilevel>== ======
                          '---- o2 (was TE)

    Args:
        length_bilevel: of each half of the bilevel taper in um.
        length_coupler: of the asymmetric coupler in um.
        gap: between its waveguides in um.
        width_hybrid: core width where TM0 meets TE1 in um.
        width_narrow: width of the waveguide that takes TE1 as its own TE0 in um.
        dy: centre to centre of the outputs in um.
        length_out: from the coupler to the outputs in um.

    Raises:
        ParameterError: when the dropped output would bend below the smallest radius of the strip.
    """
    c = gf.Component()
    width = waveguide("strip").width
    x1, x2, x3 = length_bilevel, 2 * length_bilevel, 2 * length_bilevel + length_coupler
    end = round(x3 + length_out, 3)
    through = [(0, width), (x1, width_hybrid), (x2, width_hybrid), (x3, width_hybrid), (end, width)]
    polygon(c, "WG", band(np.array([[x, 0.0] for x, _ in through]), [w for _, w in through]))
    wide = width_hybrid + 1.0
    polygon(c, "SLAB90", band(np.array([[0.0, 0.0], [x1, 0.0], [x2, 0.0]]), [width + 0.1, wide, width_hybrid + 0.1]))
    y = math.ceil(round(500 * (width_hybrid + width_narrow) + 1000 * gap, 3)) / 1000
    tip = max(0.15, width_narrow - 0.1)
    bend, _, radius = sine_s(end - x3, dy - y)
    if radius < waveguide("strip").radius_min:
        raise ParameterError(
            f"psr: dy = {dy} um over length_out = {length_out} um bends the output at {radius:.2f} um, below the "
            f"{waveguide('strip').radius_min} um of strip; lengthen length_out"
        )
    drop = np.concatenate([[[x2, y]], np.column_stack([x3 + bend[:, 0], y + bend[:, 1]])])
    grow = np.linspace(0, 1, len(bend))
    polygon(c, "WG", band(drop, np.concatenate([[tip], width_narrow + (width - width_narrow) * grow]), 0.0, 0.0))
    optical_port(c, "o1", 0, 0, 180)
    optical_port(c, "o2", end, 0, 0)
    optical_port(c, "o3", end, dy, 0)
    c.info["length"] = end
    return c
