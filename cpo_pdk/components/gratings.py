"""Light on and off the chip through its surface: grating couplers."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Count, Real, Um, cell
from cpo_pdk.components.curves import arc_steps
from cpo_pdk.components.drawing import FACE_LAYER, optical_port, polygon
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.waveguides import cross_section as waveguide

_LEAD = 0.2  # straight piece between the port and the fan of a grating, um


def _rim(apex: float, x: float, spread: float) -> np.ndarray:
    """Points of the arc round (`apex`, 0) that meets the axis at `x`, from south to north; um, `spread` in radians."""
    phi = np.linspace(-spread, spread, arc_steps(x - apex, 2 * spread) + 1)
    return np.column_stack([apex + (x - apex) * np.cos(phi), (x - apex) * np.sin(phi)])


def _arcs(apex: float, inner: float, outer: float, spread: float) -> np.ndarray:
    """Outline between two arcs of a fan; arguments as `_rim`."""
    return np.concatenate([_rim(apex, inner, spread), _rim(apex, outer, spread)[::-1]])


@cell
def grating_coupler(
    period: Annotated[float, Um(0.3, 1.5)] = 0.5,
    fill_factor: Annotated[float, Real(0.3, 0.7)] = 0.5,
    n_periods: Annotated[int, Count(5, 200)] = 80,
    length_taper: Annotated[float, Um(5, 500)] = 16.0,
    half_angle: Annotated[float, Real(5, 40, "degrees")] = 20.0,
) -> gf.Component:
    """Focusing grating coupler for wafer-level test: a fan of silicon 150 nm high with teeth of full height on it.

    ::

              ( ( ( (
        o1 --<( ( ( (    o2 up
              ( ( ( (

    The default period is CORNERSTONE's O-band grating (250 nm lines and spaces, 10 degrees).

    Args:
        period: in um.
        fill_factor: unetched share of the period.
        n_periods: number of teeth.
        length_taper: from the port to the first tooth in um.
        half_angle: of the fan in degrees.

    Raises:
        ParameterError: when a tooth or a slot is narrower than 0.2 um.
    """
    tooth = round(period * fill_factor, 3)
    if min(tooth, period - tooth) < 0.2:
        raise ParameterError(
            f"grating_coupler: period = {period} um with fill_factor = {fill_factor} needs features below 0.2 um"
        )
    c = gf.Component()
    width = waveguide("strip").width
    spread = math.radians(half_angle)
    apex = _LEAD - width / 2 / math.tan(spread)
    outer = length_taper + n_periods * period + 2.0
    lead = np.array([(0.0, -width / 2), (_LEAD, -width / 2)])
    first = _rim(apex, length_taper + tooth, spread)
    polygon(c, "WG", np.concatenate([lead, first, lead[::-1] * (1, -1)]))
    polygon(c, "SLAB150", _arcs(apex, length_taper, outer, spread))
    for i in range(1, n_periods):
        inner = length_taper + i * period
        polygon(c, "WG", _arcs(apex, inner, inner + tooth, spread))
    inner = length_taper + n_periods * period
    polygon(c, "WG", _arcs(apex, inner, outer, spread))
    optical_port(c, "o1", 0, 0, 180)
    c.add_port(
        "o2",
        center=(round(length_taper + n_periods * period / 3, 3), 0),
        orientation=0,
        width=10.0,
        layer=layer_of(FACE_LAYER),
        port_type="vertical_te",
    )
    return c
