"""Where the silicon of the devices of an engine lies, and which of them are taken as one place of the wafer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.flattening import Placement, walk
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.results import RingFacts
from cpo_pdk.errors import ModelError

Point = tuple[float, float]


def device_places(netlists: Netlists, cell: str, rings: Sequence[RingFacts]) -> dict[str, Point]:
    """Middle of every device of an engine in the coordinates of the engine, um.

    That of a ring is the middle of the ring; that of another device the middle between its optical ports, for a guide
    half way along.

    Args:
        netlists: that the engine was flattened from.
        cell: of the engine.
        rings: of the engine, places within it.
    """
    found: dict[str, Point] = {}
    for prefix, netlist, place in walk(netlists, cell, Placement()):
        for instance in netlist.instances:
            placed = netlists.cells[instance.cell]
            if not placed.leaf:
                continue
            ports = placed.ports
            middle = (
                (sum(port.x for port in ports) / len(ports), sum(port.y for port in ports) / len(ports))
                if ports
                else (0.0, 0.0)
            )
            found[prefix + instance.name] = place.inside(instance).point(*middle)
    return found | {ring.path: (ring.x, ring.y) for ring in rings}


def share_places(
    places: Mapping[str, Point], alone: Sequence[str], merge_um: float
) -> tuple[NDArray[np.float64], dict[str, int]]:
    """The places that deviations are asked for.

    Devices within one square of the side `merge_um` share the mean of their places, those that must be told apart have
    their own.

    Args:
        places: device -> place, um.
        alone: devices with a place of their own.
        merge_um: side of the squares; 0: every device has its own place.

    Returns:
        places, um, shape (K, 2), and the number of the place of each device.

    Raises:
        ModelError: a negative side.
    """
    if not merge_um >= 0:
        raise ModelError(f"merge_um is {merge_um:g}, 0 or more needed; 0 gives every device its own place")
    own = set(alone)
    members: dict[tuple[object, ...], list[str]] = {}
    for path, (x, y) in places.items():
        apart = path in own or not merge_um
        members.setdefault((path,) if apart else (np.floor(x / merge_um), np.floor(y / merge_um)), []).append(path)
    at = np.array([np.mean([places[path] for path in paths], axis=0) for paths in members.values()]).reshape(-1, 2)
    return at, {path: number for number, paths in enumerate(members.values()) for path in paths}
