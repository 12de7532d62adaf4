"""How an engine sends and receives: the architectures that can be drawn, and the device sheets each of them takes.

    ring_wdm   one bus of ring modulators a transmit fibre, one ring a wavelength; drop filters before the detectors
    ring_dr    one wavelength a fibre: one ring modulator a transmit fibre, one detector behind the splitter-rotator
    mzm_wdm    a fibre's laser light is demultiplexed, each wavelength modulated by a Mach-Zehnder, multiplexed again;
               received light is demultiplexed in each polarisation

In all of them the fibre array holds, from south to north with the facet in the east: a loopback, the laser fibres, the
transmit fibres, the receive fibres, a loopback. The last laser fibre feeds the southernmost transmit fibres.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

Architecture = Literal["ring_wdm", "ring_dr", "mzm_wdm"]

_COMMON = {
    "detector": "photodetector_dual",
    "monitor": "photodetector",
    "edge_coupler": "edge_coupler",
    "psr": "psr",
    "splitter": "mmi1x2",
    "tap": "tap_coupler",
    "waveguide": "straight",
    "bend": "bend_euler",
    "taper": "taper_strip_rib",
    "terminator": "terminator",
    "fiber": "fiber_smf",
    "laser_fiber": "fiber_pm",
}

DEVICES: MappingProxyType[str, dict[str, str]] = MappingProxyType(
    {
        "ring_wdm": {"modulator": "ring_modulator", "drop_filter": "add_drop_ring", **_COMMON},
        "ring_dr": {"modulator": "ring_modulator", **_COMMON},
        "mzm_wdm": {
            "modulator": "mach_zehnder_modulator_flip",
            "filter_coupler": "mmi2x2_cwdm4",
            "phase_shifter": "phase_shifter_thermal",
            **_COMMON,
            "splitter": "mmi1x2_cwdm4",
        },
    }
)
"""Architecture -> role -> the sheet that plays it where the spec names none. A role that an architecture does not have
is not listed."""

BUMP_PITCH_UM: MappingProxyType[str, tuple[float, float]] = MappingProxyType(
    {"ring_wdm": (50.0, 63.5), "ring_dr": (50.0, 63.5), "mzm_wdm": (100.0, 100.0)}
)
"""Architecture -> [x, y] pitch of the bumps where the spec names none (um): half the fibre pitch across rows of rings,
the pitch of the pads of a Mach-Zehnder."""

RINGS = ("ring_wdm", "ring_dr")
"""Architectures whose modulators are rings."""
