"""Ribbon layers: fibres of one lie in one plane, others above or below; each has a row of connectors."""

from __future__ import annotations

from cpo_pdk.tech.layers import CONNECTOR_LEVELS, FIBER_LEVELS

#: laser fibres, and their connectors, have a layer and a row of their own
LASER_FIBRES, LASER_CONNECTORS = "FIBER_PM", "CONNECTOR_PM"
FIBRE_LAYERS = (*FIBER_LEVELS, LASER_FIBRES)
CONNECTOR_LAYERS = (*CONNECTOR_LEVELS, LASER_CONNECTORS)

_LEVEL = {name: number for levels in (FIBER_LEVELS, CONNECTOR_LEVELS) for number, name in enumerate(levels, start=1)}


def level_of(layer: str) -> int:
    """The number of a ribbon layer or of a row of connectors, from 1; 0: that of the lasers.

    Args:
        layer: name of a layer of fibres or connectors.
    """
    return _LEVEL.get(layer, 0)


def level_name(level: int) -> str:
    """What messages call a ribbon layer.

    Args:
        level: its number, 0 for that of the lasers.
    """
    return f"ribbon layer {level}" if level else "the laser layer"
