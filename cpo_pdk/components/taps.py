"""Wavelength-locking tap: a weak directional coupler with a germanium monitor on its crossed port."""

from __future__ import annotations

from typing import Annotated

from cpo_pdk.components.cell import Um, cell
from cpo_pdk.components.detectors import photodetector
from cpo_pdk.components.directional import directional_coupler
from cpo_pdk.components.drawing import metal_port
from cpo_pdk.components.waveguides import straight, terminator
from cpo_pdk.tech.gdsfactory_safe import gf


@cell
def tap_monitor(
    length: Annotated[float, Um(0.1, 50)] = 1.0,
    gap: Annotated[float, Um(0.12, 1, step=0.002)] = 0.2,
    length_s: Annotated[float, Um(15, 100)] = 20.0,
    dy: Annotated[float, Um(6, 20, step=0.002)] = 8.0,
    length_ge: Annotated[float, Um(8, 100)] = 15.0,
    length_taper: Annotated[float, Um(5, 50)] = 8.0,
    length_end: Annotated[float, Um(5, 100)] = 10.0,
) -> gf.Component:
    """Tap with monitor: a few per cent of what runs from `o1` to `o2` go to a detector.

    ::

                           e1 e2
        end --.      .-----[ Ge ]
               ======
        o1 ---'      '----------- o2

    What a wave from `o2` leaves in the coupler goes to the terminated end, not to the detector.

    Args:
        length: of the coupler's parallel part in um.
        gap: between the parallel waveguides in um.
        length_s: of each S-bend in um.
        dy: centre to centre of through guide and detector in um.
        length_ge: of the germanium in um.
        length_taper: from the waveguide to the detector's body in um.
        length_end: of the terminator in um; `o1` lies as far out.

    Raises:
        ParameterError: when the S-bends are too tight.
    """
    c = gf.Component()
    coupler = c << directional_coupler(length=length, gap=gap, length_s=length_s, dy=dy)
    monitor = c << photodetector(length=length_ge, length_taper=length_taper)
    monitor.connect("o1", coupler.ports["o3"], mirror=True)
    end = c << terminator(length=length_end)
    end.connect("o1", coupler.ports["o2"])
    first = c << straight(length=length_end)
    first.connect("o2", coupler.ports["o1"])
    last = c << straight(length=round(length_taper + length_ge + 1.0, 3))
    last.connect("o1", coupler.ports["o4"])
    c.add_port("o1", port=first.ports["o1"])
    c.add_port("o2", port=last.ports["o2"])
    for name in ("e1", "e2"):
        port = monitor.ports[name]
        metal_port(c, name, *port.center, 90, width=port.width)
    return c
