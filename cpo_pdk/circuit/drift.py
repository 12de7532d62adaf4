"""Resonances of rings over temperature, for engines that are asked at many temperatures.

A resonance drifts almost in proportion to temperature: looked for at temperatures `NODES_K` apart and interpolated by a
cubic, it is where a search at the temperature itself finds it, to 1e-9 nm for the rings here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.locking import cold_resonances
from cpo_pdk.circuit.warming import feels_heat, warmed
from cpo_pdk.errors import ModelError

#: distance of the temperatures that resonances are looked for at, K
NODES_K = 25.0
#: added to either end of the window, um: more than a resonance drifts between the outermost nodes
MARGIN_UM = 0.006
#: two resonances are one that drifted when they are this share of a free spectral range apart, or less
SAME = 0.45

Real = NDArray[np.float64]


class Drift:
    """Resonances of the rings of an engine cell at any temperature.

    Args:
        bound: cells as drawn.
    """

    def __init__(self, bound: Mapping[str, Bound]) -> None:
        self.bound = bound
        self._known: dict[tuple[str, float, float, float], Real] = {}

    def resonances(self, cell: str, dT_K: float, low_um: float, high_um: float) -> Real:
        """Resonances of a ring with its heater off and no voltage, um, rising.

        Args:
            cell: of the ring.
            dT_K: temperature less the one that it is drawn for.
            low_um, high_um: window.

        Raises:
            ModelError: the model refuses its parameters.
        """
        if dT_K and feels_heat(self.bound[cell]):
            try:
                found = self._interpolated(cell, dT_K, low_um, high_um)
            except ModelError:  # a node beyond what the model can compute: there may be an answer here all the same
                found = None
            if found is not None:
                return found[(found >= low_um) & (found <= high_um)]
        return cold_resonances(warmed({cell: self.bound[cell]}, dT_K)[cell], low_um, high_um)

    def _interpolated(self, cell: str, dT_K: float, low_um: float, high_um: float) -> Real | None:
        """Through the two nodes below and the two above; None where a resonance can't be followed."""
        first = math.floor(dT_K / NODES_K) - 1
        nodes = [(first + k) * NODES_K for k in range(4)]
        found = [self._node(cell, node, low_um - MARGIN_UM, high_um + MARGIN_UM) for node in nodes]
        if min(map(len, found)) < 2:
            return None
        followed = [found[1]]
        near = SAME * float(np.min(np.diff(found[1])))
        slope = None
        for here, node in zip((found[0], found[2], found[3]), (nodes[0], nodes[2], nodes[3]), strict=True):
            expected = found[1] if slope is None else found[1] + slope * (node - nodes[1])
            nearest = here[np.argmin(np.abs(here[None, :] - expected[:, None]), axis=1)]
            followed.append(np.where(np.abs(nearest - expected) < near, nearest, np.nan))
            drift = np.nanmedian(followed[1] - found[1]) / (nodes[0] - nodes[1])
            slope = None if np.isnan(drift) else float(drift)
        at = [nodes[1], nodes[0], nodes[2], nodes[3]]
        total = np.zeros(found[1].size)
        for node, values in zip(at, followed, strict=True):
            weight = math.prod((dT_K - other) / (node - other) for other in at if other != node)
            total = total + weight * values
        return np.sort(total[~np.isnan(total)])

    def _node(self, cell: str, dT_K: float, low_um: float, high_um: float) -> Real:
        key = (cell, dT_K, low_um, high_um)
        if key not in self._known:
            entry = warmed({cell: self.bound[cell]}, dT_K)[cell]
            self._known[key] = cold_resonances(entry, low_um, high_um)
        return self._known[key]
