"""Light on and off the chip through its surface: grating couplers for one polarisation and for both."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Count, Real, Um, cell
from cpo_pdk.components.curves import arc_steps
from cpo_pdk.components.drawing import FACE_LAYER, optical_port, polygon, rectangle
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.waveguides import cross_section as waveguide

_LEAD = 0.2  # straight piece between the port and the fan of a grating, um
_RIM = 2.0  # film beyond the last tooth, um
_FEATURE = 0.2  # narrowest tooth or slot, um: CORNERSTONE 48 Table 5, grating layer
_WL = 1.31  # that the curved teeth are in phase for, um
_SPOT = 3.4  # from the first tooth to the axis of the fibre where a uniform grating couples best, um
_SPOT_WIDTH = 10.0  # of the port that stands for the fibre's spot, um


def _rim(apex: float, x: float, spread: float, lean: float = 0.0) -> np.ndarray:
    """Points of the curve round (`apex`, 0) that meets the axis at `x`, from south to north; um.

    The wave of a fan and light that leaves at an angle are in phase on ellipses with a focus in the apex,
    `r = r0 (1 - e) / (1 - e cos phi)`.

    Args:
        apex: focus on the axis in um.
        x: where the curve meets the axis in um.
        spread: half the angle of the fan in radians.
        lean: excentricity e, sine of the fibre's angle over the index of the grating.
    """
    phi = np.linspace(-spread, spread, arc_steps(x - apex, 2 * spread) + 1)
    r = (x - apex) * (1 - lean) / (1 - lean * np.cos(phi))
    return np.column_stack([apex + r * np.cos(phi), r * np.sin(phi)])


def _arcs(apex: float, inner: float, outer: float, spread: float, lean: float) -> np.ndarray:
    """Outline between two curves of a fan; arguments as `_rim`."""
    return np.concatenate([_rim(apex, inner, spread, lean), _rim(apex, outer, spread, lean)[::-1]])


def _fibre_port(c: gf.Component, name: str, x: float, y: float, port_type: str) -> None:
    """Add the port of a fibre above (`x`, `y`) um."""
    c.add_port(name, center=(x, y), orientation=0, width=_SPOT_WIDTH, layer=layer_of(FACE_LAYER), port_type=port_type)


def _teeth(
    period: float, fill_factor: float, apodisation: float, chirp: float, n_periods: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where each tooth starts, um from the first one, with the end of the last slot; and how wide it is, um."""
    fade = 1 - (np.arange(n_periods) + 0.5) / n_periods
    pitch = period + chirp * fade
    start = np.round(np.concatenate([[0.0], np.cumsum(pitch)]), 3)
    return start, np.round(np.diff(start) * (fill_factor + apodisation * fade), 3)


@cell
def grating_coupler(
    period: Annotated[float, Um(0.3, 1.5)] = 0.5,
    fill_factor: Annotated[float, Real(0.3, 0.7)] = 0.5,
    apodisation: Annotated[float, Real(0.0, 0.4)] = 0.0,
    chirp: Annotated[float, Um(-0.06, 0.06)] = 0.0,
    n_periods: Annotated[int, Count(5, 200)] = 80,
    length_taper: Annotated[float, Um(5, 500)] = 16.0,
    half_angle: Annotated[float, Real(5, 40, "degrees")] = 20.0,
    angle_deg: Annotated[float, Real(0, 20, "degrees")] = 10.0,
) -> gf.Component:
    """Focusing grating coupler for wafer-level test: a fan of silicon 150 nm high with teeth of full height on it.

    ::

              ( ( ( (
        o1 --<( ( ( (    o2 up
              ( ( ( (

    The default period is CORNERSTONE's O-band grating (250 nm lines and spaces, 10 degrees). With `apodisation` the
    first slots are narrow and radiate little, so that what leaves looks more like a fibre's mode; their wave is slower,
    which a negative `chirp` makes up for.

    Args:
        period: at the end of the grating in um.
        fill_factor: unetched share of the period there.
        apodisation: what the fill factor is larger at the first tooth; it falls linearly to the end.
        chirp: what the period is larger at the first tooth in um; it falls linearly.
        n_periods: number of teeth.
        length_taper: from the port to the first tooth in um.
        half_angle: of the fan in degrees.
        angle_deg: of the fibre from the normal in degrees, in air: it bends the teeth.

    Raises:
        ParameterError: when a tooth or a slot is narrower than 0.2 um.
    """
    start, teeth = _teeth(period, fill_factor, apodisation, chirp, n_periods)
    narrowest = min(float(np.min(teeth)), float(np.min(np.diff(start) - teeth)))
    if narrowest < _FEATURE - 1e-6:
        raise ParameterError(
            f"grating_coupler: period = {period} um with fill_factor = {fill_factor}, apodisation = {apodisation} and "
            f"chirp = {chirp} um needs features of {narrowest:.3f} um, below {_FEATURE} um; lengthen the period"
        )
    c = gf.Component()
    width = waveguide("strip").width
    spread = math.radians(half_angle)
    sine = math.sin(math.radians(angle_deg))
    lean = sine / (_WL / period + sine)
    apex = _LEAD - width / 2 / math.tan(spread)
    outer = length_taper + start[-1] + _RIM
    lead = np.array([(0.0, -width / 2), (_LEAD, -width / 2)])
    first = _rim(apex, length_taper + teeth[0], spread, lean)
    polygon(c, "WG", np.concatenate([lead, first, lead[::-1] * (1, -1)]))
    polygon(c, "SLAB150", _arcs(apex, length_taper, outer, spread, lean))
    for x, tooth in zip(start[1:-1], teeth[1:], strict=True):
        polygon(c, "WG", _arcs(apex, length_taper + x, length_taper + x + tooth, spread, lean))
    polygon(c, "WG", _arcs(apex, length_taper + start[-1], outer, spread, lean))
    optical_port(c, "o1", 0, 0, 180)
    _fibre_port(c, "o2", round(length_taper + min(_SPOT, start[-1] / 2), 3), 0, "vertical_te")
    return c


@cell
def grating_coupler_dual(
    period: Annotated[float, Um(0.45, 0.7, step=0.002)] = 0.472,
    diameter: Annotated[float, Um(0.2, 0.5, step=0.002)] = 0.26,
    n_holes: Annotated[int, Count(15, 50)] = 26,
    length_taper: Annotated[float, Um(50, 800)] = 200.0,
    angle_deg: Annotated[float, Real(0, 20, "degrees")] = 10.0,
) -> gf.Component:
    """Square lattice of shallow holes for both polarisations of a fibre, one to each of two waveguides.

    ::

                  o o o o
        o1 ----<  o o o o  o3 up
                  o o o o
                    \\/
                     o2

    The fibre leans along the diagonal, away from the two arms.

    Args:
        period: of the lattice in um.
        diameter: of the holes, octagons flat to flat, in um.
        n_holes: along each side.
        length_taper: from either waveguide to the lattice in um.
        angle_deg: of the fibre from the normal along the diagonal, degrees in air; the drawing is the same for all.

    Raises:
        ParameterError: when the silicon between holes is narrower than 0.2 um.
    """
    if period - diameter < _FEATURE - 1e-6:
        raise ParameterError(
            f"grating_coupler_dual: diameter = {diameter} um leaves {period - diameter:.3f} um between holes at "
            f"period = {period} um; allowed is {_FEATURE} um, lengthen the period"
        )
    c = gf.Component()
    width = waveguide("strip").width
    side = round(n_holes * period, 3)
    r = diameter / 2
    a = round(r * (math.sqrt(2) - 1), 3)
    hole = np.array([(r, -a), (r, a), (a, r), (-a, r), (-r, a), (-r, -a), (-a, -r), (a, -r)])
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * period / 2
    for i in range(n_holes):
        for j in range(n_holes):
            center = np.array([(i + 0.5) * period, (j + 0.5) * period])
            polygon(c, "WG", square + center, hole + center)
    rectangle(c, "SLAB150", 0, 0, side, side)
    rectangle(c, "WG", side, 0, side + _RIM, side + _RIM)
    rectangle(c, "WG", 0, side, side, side + _RIM)
    low, high = round(side / 2, 3) - width / 2, round(side / 2, 3) + width / 2
    arm = np.array([(-length_taper, low), (0.0, 0.0), (0.0, side), (-length_taper, high)])
    polygon(c, "WG", arm)
    polygon(c, "WG", arm[:, ::-1])
    optical_port(c, "o1", -length_taper, round(side / 2, 3), 180)
    optical_port(c, "o2", round(side / 2, 3), -length_taper, 270)
    _fibre_port(c, "o3", round(side / 2, 3), round(side / 2, 3), "vertical_dual")
    return c
