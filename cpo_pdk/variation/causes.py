"""The causes of spread: names of the random streams, so that one can be held fixed or exchanged alone."""

from __future__ import annotations

from types import MappingProxyType

CAUSES: MappingProxyType[str, str] = MappingProxyType(
    {
        "width": "width of silicon",
        "thickness": "thickness of silicon",
        "etch": "slab of the rib",
        "doping": "doping",
        "coupling": "coupling of rings, device to device",
        "heater": "resistance of heaters",
        "responsivity": "responsivity of detectors",
        "guide_loss": "loss of waveguides",
        "laser_power": "power of the lasers",
        "laser_grid": "wavelength of the lasers",
        "attach": "alignment of the fibre arrays",
        "fibre": "fibres: core, mode field, place in the array",
        "connector": "connectors",
    }
)
"""Cause -> words."""
