"""Power splitters: multimode interferometers."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from cpo_pdk.components.cell import Um, cell
from cpo_pdk.components.curves import band
from cpo_pdk.components.drawing import optical_port, polygon, rectangle
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section as waveguide

_GAP_MIN = 0.12  # between two arms, um: the smallest space of the silicon layer


def _multimode(
    c: gf.Component,
    width_mmi: float,
    length_mmi: float,
    width_taper: float,
    length_taper: float,
    inputs: list[float],
    outputs: list[float],
) -> None:
    """Draw a body and its tapered arms, with ports `o1`... on the inputs, then on the outputs.

    Args:
        c: component to draw in.
        width_mmi: width of the body in um.
        length_mmi: length of the body in um.
        width_taper: width of the arms at the body in um.
        length_taper: length of the arms' tapers in um.
        inputs: heights of the arms on the left in um.
        outputs: heights of the arms on the right in um.

    Raises:
        ParameterError: when the arms are too close, or stand out of the body.
    """
    name, places = c.function_name or "mmi", max(inputs, outputs, key=len)
    pitch = abs(places[1] - places[0])
    if pitch - width_taper < _GAP_MIN:
        raise ParameterError(
            f"{name}: separation = {pitch:.3f} um leaves less than {_GAP_MIN} um between arms of {width_taper} um; "
            f"give at least {width_taper + _GAP_MIN:.3f} um"
        )
    reach = max(abs(y) for y in places) + width_taper / 2
    if reach > width_mmi / 2:
        raise ParameterError(
            f"{name}: arms of {width_taper} um, {pitch:.3f} um apart (separation), stand out of a body "
            f"width_mmi = {width_mmi} um wide; give it at least {2 * reach:.3f} um"
        )
    width = waveguide("strip").width
    rectangle(c, "WG", 0, -width_mmi / 2, length_mmi, width_mmi / 2)
    far = length_mmi + length_taper
    arms = [(-length_taper, 0.0, y, 180) for y in inputs] + [(far, length_mmi, y, 0) for y in outputs]
    for k, (start, stop, y, angle) in enumerate(arms):
        polygon(c, "WG", band(np.array([[start, y], [stop, y]]), [width, width_taper]))
        optical_port(c, f"o{k + 1}", start, y, angle)


@cell
def mmi1x2(
    width_mmi: Annotated[float, Um(2, 20, step=0.002)] = 6.0,
    length_mmi: Annotated[float, Um(2, 200)] = 40.1,
    width_taper: Annotated[float, Um(0.4, 5, step=0.002)] = 1.5,
    length_taper: Annotated[float, Um(1, 100)] = 20.0,
    separation: Annotated[float, Um(0.6, 15, step=0.002)] = 3.05,
) -> gf.Component:
    """1x2 multimode interferometer; the defaults are CORNERSTONE's O-band strip device.

    ::

               ______
              |      |---- o2
        o1 ---|      |
              |______|---- o3

    Args:
        width_mmi: width of the multimode body in um.
        length_mmi: length of the body in um.
        width_taper: width of the arms at the body in um.
        length_taper: length of the arms' tapers in um.
        separation: centre to centre of the two outputs in um.

    Raises:
        ParameterError: when the outputs are too close, or stand out of the body.
    """
    c = gf.Component()
    y = separation / 2
    _multimode(c, width_mmi, length_mmi, width_taper, length_taper, [0.0], [y, -y])
    return c


@cell
def mmi2x2(
    width_mmi: Annotated[float, Um(2, 20, step=0.002)] = 6.0,
    length_mmi: Annotated[float, Um(2, 400)] = 53.5,
    width_taper: Annotated[float, Um(0.4, 5, step=0.002)] = 1.5,
    length_taper: Annotated[float, Um(1, 100)] = 20.0,
    separation: Annotated[float, Um(0.6, 15, step=0.002)] = 2.03,
) -> gf.Component:
    """2x2 multimode interferometer by paired interference; the defaults are CORNERSTONE's O-band strip device.

    ::

               ______
        o2 ---|      |---- o3
              |      |
        o1 ---|______|---- o4

    Args:
        width_mmi: width of the multimode body in um.
        length_mmi: length of the body in um.
        width_taper: width of the arms at the body in um.
        length_taper: length of the arms' tapers in um.
        separation: centre to centre of the inputs, and of the outputs, in um.

    Raises:
        ParameterError: when the arms are too close, or stand out of the body.
    """
    c = gf.Component()
    y = separation / 2
    _multimode(c, width_mmi, length_mmi, width_taper, length_taper, [-y, y], [y, -y])
    return c
