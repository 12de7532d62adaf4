"""Power splitters: multimode interferometers."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from scipy.interpolate import PchipInterpolator

from cpo_pdk.components.cell import Count, Um, cell
from cpo_pdk.components.curves import band, sine_s, sine_s_length
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


@cell
def mmi1xn(
    n: Annotated[int, Count(2, 8)] = 4,
    width_mmi: Annotated[float, Um(2, 40, step=0.002)] = 8.0,
    length_mmi: Annotated[float, Um(2, 400)] = 36.1,
    width_taper: Annotated[float, Um(0.4, 5, step=0.002)] = 1.5,
    length_taper: Annotated[float, Um(1, 100)] = 20.0,
    separation: Annotated[float, Um(0.6, 15, step=0.002)] = 2.01,
) -> gf.Component:
    """Multimode interferometer from one to `n` outputs, `o2` the northernmost.

    ::

               ______
              |      |---- o2
        o1 ---|      | ...
              |______|---- o(n+1)

    The images of a centred input are `n` in number after 3 L_pi / (4 n) and a width / `n` apart (Soldano and Pennings,
    J. Lightwave Technol. 13, 615 (1995)); width, length and separation are given, not derived.

    Args:
        n: number of outputs.
        width_mmi: width of the multimode body in um.
        length_mmi: length of the body in um.
        width_taper: width of the arms at the body in um.
        length_taper: length of the arms' tapers in um.
        separation: centre to centre of neighbouring outputs in um.

    Raises:
        ParameterError: when the arms are too close, or stand out of the body.
    """
    c = gf.Component()
    outputs = [round(((n - 1) / 2 - k) * separation, 3) for k in range(n)]
    _multimode(c, width_mmi, length_mmi, width_taper, length_taper, [0.0], outputs)
    return c


#: widths in um at equal distances along the Y branch: those of Zhang et al., Opt. Express 21, 1310 (2013), times 0.8
_Y_BODY = (0.4, 0.4, 0.48, 0.56, 0.72, 1.008, 1.12, 1.12, 1.12, 1.12, 1.048, 0.96, 0.96)
_Y_LENGTH = 1.6  # um
_Y_STEPS = 8  # pieces of the outline between two of the widths


@cell
def y_branch(
    length_s: Annotated[float, Um(8, 100)] = 10.0, dy: Annotated[float, Um(1.2, 20, step=0.002)] = 5.0
) -> gf.Component:
    """Y branch in the published shape of Zhang et al., Opt. Express 21, 1310 (2013), at 0.8 of its size.

    ::

                 .---- o2
        o1 --<===
                 '---- o3

    The shape was made for 1550 nm and guides of 0.5 um. Times 0.8, which is the ratio of the wavelengths in the film
    (0.805), it is one for 1310 nm that begins and ends with the 0.4 um of the strip, its arms 0.16 um apart.

    Args:
        length_s: of the S-bends along x in um.
        dy: centre to centre of the outputs in um.

    Raises:
        ParameterError: when the S-bends are too tight.
    """
    core = waveguide("strip")
    pitch = _Y_BODY[-1] - core.width
    offset = round((dy - pitch) / 2, 3)
    bend, path, radius = sine_s(length_s, offset)
    if radius < core.radius_min:
        raise ParameterError(
            f"y_branch: S-bends of length_s = {length_s} um for dy = {dy} um bend at {radius:.2f} um, below "
            f"{core.radius_min} um; make length_s at least {sine_s_length(offset, core.radius_min):.1f} um"
        )
    c = gf.Component()
    places = np.linspace(0, _Y_LENGTH, len(_Y_BODY))
    x = np.linspace(0, _Y_LENGTH, _Y_STEPS * (len(_Y_BODY) - 1) + 1)
    polygon(c, "WG", band(np.column_stack([x, 0 * x]), PchipInterpolator(places, _Y_BODY)(x), 0.0, 0.0))
    for side in (1, -1):
        line = np.column_stack([_Y_LENGTH + bend[:, 0], side * (pitch / 2 + bend[:, 1])])
        polygon(c, "WG", band(line, core.width, 0.0, 0.0))
    optical_port(c, "o1", 0, 0, 180)
    optical_port(c, "o2", _Y_LENGTH + length_s, dy / 2, 0)
    optical_port(c, "o3", _Y_LENGTH + length_s, -dy / 2, 0)
    c.info["length"] = round(_Y_LENGTH + path, 6)
    c.info["radius_min"] = round(min(radius, 1e6), 3)
    return c
